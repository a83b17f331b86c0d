/* SPDX-License-Identifier: BSD-2-Clause
 *
 * text.h - small things that rule and site files write as text, beside port_range_parse() of rules.h.
 */
#ifndef ROLECALL_RULES_TEXT_H
#define ROLECALL_RULES_TEXT_H

#include <stdbool.h>
#include <stdint.h>

bool is_id(const char *text); /* lower-case letters, digits and hyphens */

/* "2027-01-31", a day that exists, 1970 to 2199; *end_ns: the first moment after it, UTC. */
bool date_parse(const char *text, int64_t *end_ns);

#endif
