/* SPDX-License-Identifier: BSD-2-Clause
 *
 * inputs.h - from the paths that the operator gave to the list of files that they mean. Used by file.c.
 */
#ifndef ROLECALL_CAPTURE_INPUTS_H
#define ROLECALL_CAPTURE_INPUTS_H

#include "rolecall/capture.h"

struct input {
    struct capture_input info;
    char *path;       /* info.name */
    bool is_stream;   /* standard input or a pipe: can be read once */
    bool has_first;   /* a first record was read */
    int64_t order_ns; /* its time, whatever the filter says */
};

struct inputs {
    struct input *list;
    size_t count, room;
};

/* Adds a mistake, printf-like. */
void capture_errors_add(struct capture_errors *errors, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Expands the paths in their order, folders sorted by name. What cannot be found becomes a mistake and is
 * left out. False: a stream stands among others, or no memory. */
bool inputs_expand(struct inputs *inputs, const char *const *paths, size_t path_count,
                   struct capture_errors *errors);

/* Takes one input out of the list. */
void inputs_remove(struct inputs *inputs, size_t index);

/* By the time of the first record; those without one stand last, equal ones stay in their order. */
void inputs_sort(struct inputs *inputs);

void inputs_free(struct inputs *inputs);

#endif
