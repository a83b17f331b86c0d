/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover.h - which hosts a capture shows, and which documented roles they seem to have.
 *
 * Give every flow that is over to discovery_flow(), then ask for the site: as a text that `analyze` takes unchanged,
 * with the evidence of each role in comments. A role is a guess from what a host answers with its protocol; where two
 * roles cannot be told apart by what was seen, the comments say so.
 */
#ifndef ROLECALL_DISCOVER_H
#define ROLECALL_DISCOVER_H

#include "rolecall/judge.h"
#include "rolecall/rules.h"

struct discovery;
struct discovery *discovery_create(const struct rules *rules);
void discovery_destroy(struct discovery *discovery);

void discovery_flow(struct discovery *discovery, const struct judge_flow *in, const struct verdict *verdict);

/* The site file as text, NUL-terminated, to be freed by the caller; NULL: out of memory. */
char *discovery_site_text(const struct discovery *discovery, size_t *size);

unsigned discovery_host_count(const struct discovery *discovery); /* hosts that were given a role */

#endif
