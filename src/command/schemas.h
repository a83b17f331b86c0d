/* SPDX-License-Identifier: BSD-2-Clause
 *
 * schemas.h - the JSON Schemas of rules/ and docs/, as CMake put them into the program. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_SCHEMAS_H
#define ROLECALL_COMMAND_SCHEMAS_H

#include <stddef.h>

struct schema {
    const char *name; /* as `config schema` is asked for it */
    const unsigned char *text;
    size_t size;
};

extern const struct schema schemas[]; /* ends with a NULL name */

#endif
