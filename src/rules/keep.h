/* SPDX-License-Identifier: BSD-2-Clause
 *
 * keep.h - memory that is taken piece by piece and given back at once: what rules, a site and a policy
 * consist of. A start without memory ends the program: there is nothing to fall back to.
 */
#ifndef ROLECALL_KEEP_H
#define ROLECALL_KEEP_H

#include <stddef.h>

struct keep;

struct keep *keep_create(void);
void keep_destroy(struct keep *keep);
void *keep_take(struct keep *keep, size_t count, size_t size); /* zeroed; NULL when count is 0 */
const char *keep_text(struct keep *keep, const char *text);

#endif
