/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_fields.h - reads one line of JSON as a list of fields: `source.ip` with its text, `source.port` with
 * its number. For whoever reads events back (reports, conversions); a line may come from anywhere, so every
 * bound is checked and nothing is allocated.
 *
 * Members of objects are named by their keys with dots between, whether a line nests them or writes the dots
 * itself; elements of a list have the list's name, one call each. The operator's own files are read by
 * json_in.h.
 */
#ifndef ROLECALL_JSON_FIELDS_H
#define ROLECALL_JSON_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

enum { JSON_FIELDS_LINE_MAX = 8192, JSON_FIELDS_NAME_MAX = 256, JSON_FIELDS_DEPTH_MAX = 16 };

struct json_field {
    const char *name; /* "rolecall.finding.count"; valid during the call, as is `text` */
    const char *text; /* a string without escapes, or a number, true, false or null as it is written;
                         NUL-terminated */
    size_t size;      /* bytes of `text`; NULs and what is not UTF-8 have become U+FFFD */
    bool is_string;
};

typedef void json_field_take(void *context, const struct json_field *field);

/* Calls `take` for each value of the object in `line`, in its order. False: no JSON object, or past a bound;
 * what was taken until then should be thrown away. */
bool json_fields_read(const char *line, size_t size, json_field_take *take, void *context);

#endif
