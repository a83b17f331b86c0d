/* SPDX-License-Identifier: BSD-2-Clause
 *
 * llmnr.c - recognises link-local multicast name resolution (RFC 4795 section 2.1). A query is a DNS query
 * without the wish for recursion, which other resolvers send too, so nothing is named away from its port.
 * Ignored: LLMNR over TCP, the content of records.
 */
#include "dns_message.h"

enum {
    ZERO_BITS = DNS_OPCODE | 0x00f0,
    ANSWERS_MAX = 64
}; /* opcode and Z are zero, RFC 4795 section 2.1.1 */

static bool plausible(const struct dns_message *m)
{
    if (m->questions != 1 || m->is_netbios || (m->flags & ZERO_BITS))
        return false;
    if (m->flags & DNS_RESPONSE)
        return m->answers <= ANSWERS_MAX;
    return (m->flags & ~DNS_TRUNCATED) == 0 && m->answers == 0 && m->authorities == 0;
}

static bool distinct(const struct dns_message *m)
{
    (void)m;
    return false;
}

static const struct dns_rules rules = {.plausible = plausible, .distinct = distinct};

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    dns_message_ask(&rules, question, memory, facts, reply);
}

static const uint16_t ports[] = {5355, 0};

const struct protocol proto_llmnr = {.name = "llmnr",
                                     .transports = OVER_UDP,
                                     .customary_ports = ports,
                                     .least = {13, PROTO_NEVER},
                                     .begins = {{2, 0x00, 0x07}, {2, 0x80, 0x87}},
                                     /* opcode 0 */ .ask = ask};
