/* SPDX-License-Identifier: BSD-2-Clause
 *
 * port_index.h - which rows of a role hold a port: made once per load of a policy, so that no verdict looks
 * at rows of other ports. The ends of all ranges cut the ports into intervals that no range divides; of each
 * role, list and transport it is kept which rows hold an interval.
 */
#ifndef ROLECALL_PORT_INDEX_H
#define ROLECALL_PORT_INDEX_H

#include "keep.h"
#include "rolecall/policy.h"

struct port_index {
    uint16_t interval[65536]; /* of each port */
    uint16_t *begins;         /* the first port of each interval */
    unsigned intervals;
    uint32_t *first; /* into `rows`, by role, list, transport and interval; the next one's is the end */
    struct policy_port_row *rows;
};

/* The roles must stay where they are. */
void port_index_make(struct port_index *index, const struct policy_role roles[], unsigned role_count,
                     struct keep *keep);

struct policy_port_rows port_index_find(const struct port_index *index, unsigned role, enum policy_list list,
                                        enum proto_transport transport, uint16_t port);

#endif
