/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rulebook.c - see rulebook.h. Used at the start, and by a reload beside the rulebook in force.
 */
#include "rolecall/rulebook.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *site_path(const struct config *config)
{
    if (config->site)
        return config->site;
    return config->path && access(CONFIG_SITE, F_OK) == 0 ? CONFIG_SITE : NULL;
}

/* A matrix that the rules do not have, with its place in the configuration. */
static void mistake_matrix(const struct rulebook *book, const struct config *config, const char *id,
                           struct mistakes *mistakes)
{
    struct nearest nearest = {.wanted = id};
    struct json_value root, list;
    for (unsigned i = 0; i < rules_matrix_count(book->rules); i++)
        nearest_offer(&nearest, rules_matrix(book->rules, i)->id);
    if (!config->document) {
        mistakes_add(mistakes, config->path, 0, 0, "matrices", id,
                     "a matrix that `rolecall matrix list` shows");
        return;
    }
    root = json_root(config->document);
    json_find(&root, "matrices", &list);
    for (struct json_value value = json_first(&list); json_more(&value); json_next(&value)) {
        if (strcmp(json_text(&value), id) != 0)
            continue;
        if (nearest.best)
            json_mistake(&value, "a matrix (did you mean \"%s\"?)", nearest.best);
        else
            json_mistake(&value, "a matrix that `rolecall matrix list` shows");
    }
}

/* The configuration's list takes the place of the site's. */
static bool choose_matrices(struct rulebook *book, const struct config *config, struct mistakes *mistakes)
{
    struct site *site = book->site;
    if (!config->matrix_count)
        return true;
    site->matrices = site_take(site, config->matrix_count, sizeof *site->matrices);
    site->matrix_count = 0;
    for (unsigned i = 0; i < config->matrix_count; i++) {
        const struct matrix *matrix = rules_find_matrix(book->rules, config->matrices[i]);
        if (matrix)
            site->matrices[site->matrix_count++] = matrix;
        else
            mistake_matrix(book, config, config->matrices[i], mistakes);
    }
    return site->matrix_count == config->matrix_count;
}

static bool load(struct rulebook *book, const struct config *config, struct mistakes *mistakes)
{
    const char *site = site_path(config);
    book->rules = rules_load(config->rules, mistakes);
    if (!book->rules)
        return false;
    if (!site)
        return true;
    book->site_path = strdup(site);
    book->site = site_load(site, book->rules, mistakes);
    if (!book->site || !choose_matrices(book, config, mistakes))
        return false;
    book->policy = policy_create(book->rules, book->site);
    if (!book->policy)
        mistakes_add(mistakes, site, 0, 0, "", "too many rows in the chosen matrices, or no memory",
                     "fewer matrices");
    return book->policy != NULL;
}

struct rulebook *rulebook_load(const struct config *config, struct mistakes *mistakes)
{
    struct rulebook *book = calloc(1, sizeof *book);
    if (book && load(book, config, mistakes))
        return book;
    rulebook_free(book);
    return NULL;
}

void rulebook_free(struct rulebook *book)
{
    if (!book)
        return;
    policy_destroy(book->policy);
    site_free(book->site);
    rules_free(book->rules);
    free(book->site_path);
    free(book);
}
