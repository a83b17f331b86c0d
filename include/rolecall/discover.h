/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover.h - which hosts a capture shows, and which documented roles they seem to have.
 *
 *     struct discovery *d = discovery_create(rules);
 *     ... discovery_flow(d, in, verdict) for every flow that is over (engine.h, flow_over) ...
 *     char *text = discovery_site_text(d, &size);
 *     discovery_destroy(d);
 *
 * The text is a site file that `analyze --site` takes as it is. A role is a guess from what a host answers,
 * opens and sends; a comment behind each host says how sure it is, what it rests on, and which other roles
 * the ports do not rule out. Hosts whose role could not be told are named in comments at the end. Memory is
 * bounded: what did not fit is told in a comment too. The same flows in the same order give the same text.
 * One thread at a time.
 */
#ifndef ROLECALL_DISCOVER_H
#define ROLECALL_DISCOVER_H

#include "rolecall/judge.h"
#include "rolecall/rules.h"

struct discovery;
struct discovery *
discovery_create(const struct rules *rules); /* NULL: out of memory; rules must outlive it */
void discovery_destroy(struct discovery *discovery);

/* The verdict is asked for the direction alone: it may come from an engine without a policy. */
void discovery_flow(struct discovery *discovery, const struct judge_flow *in, const struct verdict *verdict);

/* The site file as text, NUL-terminated, to be freed by the caller; NULL: out of memory. */
char *discovery_site_text(struct discovery *discovery, size_t *size);

/* Hosts that were given a role, clients too; known once discovery_site_text() has made its text. */
unsigned discovery_host_count(const struct discovery *discovery);

#endif
