/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_csv.h - a table of hosts becomes a site file. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_SITE_CSV_H
#define ROLECALL_COMMAND_SITE_CSV_H

#include <stddef.h>

#include "rolecall/mistakes.h"
#include "rolecall/rules.h"

/* The text of a site file, to be freed; NULL after a mistake. `text` ends with a zero behind its `size`
 * bytes; `file` is what mistakes and the site are called after. */
char *site_from_csv(const char *file, const char *text, size_t size, const struct rules *rules,
                    struct mistakes *mistakes, size_t *out_size);

#endif
