/* SPDX-License-Identifier: BSD-2-Clause
 *
 * mistakes.h - what is wrong in the operator's files, gathered so that all of it is told at once.
 *
 * Whoever reads a file adds to a struct mistakes (zeroed before first use) and goes on reading; the caller
 * asks for `count` at the end, prints, and refuses. One mistake prints as one line:
 *
 *     site.json:12:31: hosts[0].roles[1]: found "front-ned", expected a role (did you mean "front-end"?)
 *
 * Memory is bounded: MISTAKES_MAX are kept, the rest is counted in `more`. Warnings use the same struct.
 */
#ifndef ROLECALL_MISTAKES_H
#define ROLECALL_MISTAKES_H

#include <stdbool.h>
#include <stdio.h>

enum { MISTAKES_MAX = 100, MISTAKE_TEXT_SIZE = 160 };

struct mistake {
    char *file;
    unsigned line, column; /* from 1, column in characters; 0: no place */
    char *key;             /* "hosts[0].roles[1]"; "" for the file itself */
    char *found, *expected;
};

struct mistakes {
    struct mistake *list; /* in the order in which they were added */
    unsigned count;       /* kept in `list` */
    unsigned more;        /* added when the list was full */
};

/* Copies the texts; each is kept up to MISTAKE_TEXT_SIZE. NULL is "". */
void mistakes_add(struct mistakes *mistakes, const char *file, unsigned line, unsigned column,
                  const char *key, const char *found, const char *expected);
bool mistakes_full(const struct mistakes *mistakes);
/* One line each, sorted by file, line and column, then "and N more". `label` ("", "warning: ") follows the
 * place. */
void mistakes_print(const struct mistakes *mistakes, const char *label, FILE *out);
void mistakes_clear(struct mistakes *mistakes); /* frees the texts; the struct is empty and usable again */

/* The name closest to `wanted` among those offered: start with {.wanted = text}; `best` is NULL when none is
 * close. */
struct nearest {
    const char *wanted, *best;
    unsigned distance;
};
void nearest_offer(struct nearest *nearest, const char *name);

#endif
