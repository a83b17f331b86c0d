/* SPDX-License-Identifier: BSD-2-Clause
 *
 * mistakes.c - gathers what is wrong in the operator's files and prints it. Called by everything that reads
 * such a file. Knows nothing of what the files mean.
 */
#include "rolecall/mistakes.h"

#include <stdlib.h>
#include <string.h>

/* A copy of at most MISTAKE_TEXT_SIZE bytes, cut between characters, with controls made visible as '?': the
 * text may come from anywhere and goes to a terminal. */
static char *copy_of(const char *text)
{
    size_t size = text ? strlen(text) : 0;
    bool is_cut = size > MISTAKE_TEXT_SIZE;
    if (is_cut) {
        size = MISTAKE_TEXT_SIZE;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    char *copy = malloc(size + sizeof "...");
    if (!copy)
        abort(); /* a few KiB at start, when nothing runs yet */
    for (size_t i = 0; i < size; i++)
        copy[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    strcpy(copy + size, is_cut ? "..." : "");
    return copy;
}

bool mistakes_full(const struct mistakes *mistakes)
{
    return mistakes->count == MISTAKES_MAX;
}

void mistakes_add(struct mistakes *mistakes, const char *file, unsigned line, unsigned column,
                  const char *key, const char *found, const char *expected)
{
    if (mistakes_full(mistakes)) {
        mistakes->more++;
        return;
    }
    if (!mistakes->list)
        mistakes->list = calloc(MISTAKES_MAX, sizeof *mistakes->list);
    if (!mistakes->list)
        abort();
    mistakes->list[mistakes->count++] = (struct mistake){.file = copy_of(file),
                                                         .line = line,
                                                         .column = column,
                                                         .key = copy_of(key),
                                                         .found = copy_of(found),
                                                         .expected = copy_of(expected)};
}

static int compare_places(const void *a, const void *b)
{
    const struct mistake *x = *(const struct mistake *const *)a, *y = *(const struct mistake *const *)b;
    int by_file = strcmp(x->file, y->file);
    if (by_file != 0)
        return by_file;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x < y ? -1 : x > y; /* as they were added */
}

static void print_one(const struct mistake *mistake, const char *label, FILE *out)
{
    fputs(mistake->file, out);
    if (mistake->line)
        fprintf(out, ":%u:%u", mistake->line, mistake->column);
    fprintf(out, ": %s", label);
    if (*mistake->key)
        fprintf(out, "%s: ", mistake->key);
    fprintf(out, "found %s, expected %s\n", mistake->found, mistake->expected);
}

void mistakes_print(const struct mistakes *mistakes, const char *label, FILE *out)
{
    const struct mistake *sorted[MISTAKES_MAX];
    for (unsigned i = 0; i < mistakes->count; i++)
        sorted[i] = &mistakes->list[i];
    qsort(sorted, mistakes->count, sizeof *sorted, compare_places);
    for (unsigned i = 0; i < mistakes->count; i++)
        print_one(sorted[i], label, out);
    if (mistakes->more)
        fprintf(out, "and %u more\n", mistakes->more);
}

void mistakes_clear(struct mistakes *mistakes)
{
    for (unsigned i = 0; i < mistakes->count; i++) {
        struct mistake *mistake = &mistakes->list[i];
        free(mistake->file);
        free(mistake->key);
        free(mistake->found);
        free(mistake->expected);
    }
    free(mistakes->list);
    *mistakes = (struct mistakes){0};
}

enum { NAME_SIZE_MAX = 80 };

/* Levenshtein distance of two names no longer than NAME_SIZE_MAX, one row of the table at a time. */
static unsigned edits_between(const char *a, const char *b)
{
    unsigned row[NAME_SIZE_MAX + 1];
    size_t width = strlen(b);
    for (unsigned j = 0; j <= width; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= width; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned one_more = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < one_more ? change : one_more;
        }
    }
    return row[width];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t size = strlen(nearest->wanted);
    if (size > NAME_SIZE_MAX || strlen(name) > NAME_SIZE_MAX)
        return;
    unsigned distance = edits_between(nearest->wanted, name);
    if (distance <= 1 + size / 4 && distance < size && (!nearest->best || distance < nearest->distance)) {
        nearest->best = name;
        nearest->distance = distance;
    }
}
