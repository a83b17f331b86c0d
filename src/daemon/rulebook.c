/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rulebook.c - see rulebook.h. Used at the start, and by a reload beside the rulebook in force.
 */
#include "rulebook.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *site_path(const struct config *config)
{
    if (config->site)
        return config->site;
    return config->path && access(CONFIG_SITE, F_OK) == 0 ? CONFIG_SITE : NULL;
}

/* The configuration's list takes the place of the site's. */
static bool choose_matrices(struct rulebook *book, const struct config *config, struct mistakes *mistakes)
{
    if (!config->matrix_count)
        return true;
    book->site->matrices = site_take(book->site, config->matrix_count, sizeof *book->site->matrices);
    book->site->matrix_count = book->site->matrices ? config->matrix_count : 0;
    bool ok = book->site->matrices != NULL;
    for (unsigned i = 0; ok && i < config->matrix_count; i++) {
        book->site->matrices[i] = rules_find_matrix(book->rules, config->matrices[i]);
        if (book->site->matrices[i])
            continue;
        mistakes_add(mistakes, config->path, 0, 0, "matrices", config->matrices[i],
                     "a matrix that `rolecall matrix list` shows");
        ok = false;
    }
    return ok;
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
