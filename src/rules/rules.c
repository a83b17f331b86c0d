/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rules.c - finds the matrix files, has each read, and answers look-ups by name. Called at start and on
 * reload. What a file may hold is matrix_file.c's matter; what the rows mean at a site is policy.c's.
 */
#include "matrix_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifndef INSTALLED_RULES /* where `cmake --install` puts them */
#define INSTALLED_RULES "/usr/share/rolecall/rules"
#endif
#define LOCAL_RULES "/etc/rolecall/rules.d"

struct paths {
    char *at[RULES_FILES_MAX];
    unsigned count;
};

static bool is_directory(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* "x.json", but not the schemas that stand beside the rules. */
static int is_matrix_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    size_t size = strlen(entry->d_name), schema = sizeof "schema.json" - 1;
    if (!dot || dot == entry->d_name || strcmp(dot, ".json") != 0)
        return 0;
    return size < schema || strcmp(entry->d_name + size - schema, "schema.json") != 0;
}

/* By bytes: alphasort() would follow the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void add_directory(struct paths *paths, const char *directory, struct mistakes *mistakes)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_matrix_file, by_name);
    if (count < 0) {
        char found[128];
        snprintf(found, sizeof found, "no readable directory (%s)", strerror(errno));
        mistakes_add(mistakes, directory, 0, 0, "", found, "a directory of matrix files");
        return;
    }
    for (int i = 0; i < count; i++) {
        if (paths->count == RULES_FILES_MAX)
            mistakes_add(mistakes, directory, 0, 0, "", entries[i]->d_name, "at most 64 matrix files");
        else if (asprintf(&paths->at[paths->count], "%s/%s", directory, entries[i]->d_name) < 0)
            abort();
        else
            paths->count++;
        free(entries[i]);
    }
    free(entries);
}

/* The base directory: the first that is asked for, else the first that is there. */
const char *rules_directory(const char *asked)
{
    const char *environment = getenv("ROLECALL_RULES");
    if (asked)
        return asked;
    if (environment && *environment)
        return environment;
#ifdef ROLECALL_SOURCE_RULES
    if (is_directory(ROLECALL_SOURCE_RULES))
        return ROLECALL_SOURCE_RULES;
#endif
    return INSTALLED_RULES;
}

struct rules *rules_load(const char *directory, struct mistakes *mistakes)
{
    struct paths paths = {.count = 0};
    struct rules *rules = NULL;
    unsigned before = mistakes->count;
    const char *base = rules_directory(directory);
    add_directory(&paths, base, mistakes);
    if (paths.count == 0 && mistakes->count == before)
        mistakes_add(mistakes, base, 0, 0, "", "no matrix file", "at least one *.json");
    if (is_directory(LOCAL_RULES))
        add_directory(&paths, LOCAL_RULES, mistakes);
    if (mistakes->count == before)
        rules = rules_load_files((const char *const *)paths.at, paths.count, mistakes);
    for (unsigned i = 0; i < paths.count; i++)
        free(paths.at[i]);
    return rules;
}

struct rules *rules_load_files(const char *const *paths, unsigned count, struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    struct rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        abort();
    rules->keep = keep_create();
    for (unsigned i = 0; i < count && i < RULES_FILES_MAX; i++)
        matrix_file_read(rules, paths[i], mistakes);
    if (count > RULES_FILES_MAX)
        mistakes_add(mistakes, paths[RULES_FILES_MAX], 0, 0, "", "one file more", "at most 64 matrix files");
    if (mistakes->count + mistakes->more == before)
        return rules;
    rules_free(rules);
    return NULL;
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    for (unsigned i = 0; i < RULES_FILES_MAX; i++)
        json_in_free(rules->documents[i]);
    keep_destroy(rules->keep);
    free(rules);
}

unsigned rules_matrix_count(const struct rules *rules)
{
    return rules->matrix_count;
}

const struct matrix *rules_matrix(const struct rules *rules, unsigned index)
{
    return index < rules->matrix_count ? &rules->matrices[index] : NULL;
}

const struct matrix *rules_find_matrix(const struct rules *rules, const char *id)
{
    for (unsigned i = 0; i < rules->matrix_count; i++)
        if (strcmp(rules->matrices[i].id, id) == 0)
            return &rules->matrices[i];
    return NULL;
}

const struct matrix_row *rules_find_row(const struct rules *rules, const char *id)
{
    for (unsigned i = 0; i < rules->matrix_count; i++)
        for (unsigned j = 0; j < rules->matrices[i].row_count; j++)
            if (strcmp(rules->matrices[i].rows[j].id, id) == 0)
                return &rules->matrices[i].rows[j];
    return NULL;
}

unsigned rules_role_count(const struct rules *rules)
{
    return rules->role_count;
}

const struct rules_role *rules_role(const struct rules *rules, unsigned bit)
{
    return bit < rules->role_count ? &rules->roles[bit] : NULL;
}

int rules_find_role(const struct rules *rules, const char *id)
{
    for (unsigned i = 0; i < rules->role_count; i++)
        if (strcmp(rules->roles[i].id, id) == 0)
            return (int)i;
    return -1;
}

int rules_port_owner(const struct rules *rules, const struct matrix_row *row)
{
    if (row->direction == ROW_MEDIA || row->direction == ROW_IPSEC)
        return -1;
    return rules_find_role(rules, row->own_port ? row->from : row->to);
}

unsigned rules_feature_count(const struct rules *rules)
{
    return rules->feature_count;
}

const char *rules_feature(const struct rules *rules, unsigned index)
{
    return index < rules->feature_count ? rules->features[index] : NULL;
}

bool rules_when_holds(const char *when, const char *load_balancing,
                      bool (*has_feature)(const void *context, const char *name, size_t size),
                      const void *context)
{
    const char *colon = strchr(when, ':');
    if (!colon)
        return true;
    bool by_feature = strncmp(when, "feature:", 8) == 0;
    for (const char *name = colon + 1;;) {
        size_t size = strcspn(name, "|");
        bool holds = by_feature ? has_feature(context, name, size)
                                : strlen(load_balancing) == size && strncmp(load_balancing, name, size) == 0;
        if (holds || name[size] == '\0')
            return holds;
        name += size + 1;
    }
}

bool rules_is_narrowable(const struct matrix_row *row)
{
    return strstr(row->condition, "may be narrowed") != NULL;
}
