/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_check.h - the walk over a JSON text before it is parsed; see json_check.c.
 */
#ifndef ROLECALL_JSON_CHECK_H
#define ROLECALL_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>

struct json_fault {
    size_t at; /* offset in the text */
    char found[80];
    const char *expected;
};

/* `text` ends with a NUL that `size` does not count. Comments are blanked in place, line ends kept, so that
 * every offset stays right. False: it is refused, and *fault tells the first reason. */
bool json_check(char *text, size_t size, struct json_fault *fault);

#endif
