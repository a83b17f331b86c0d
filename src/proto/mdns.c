/* SPDX-License-Identifier: BSD-2-Clause
 *
 * mdns.c - recognises multicast DNS (RFC 6762 section 18), whose messages are DNS messages with id 0, without
 * recursion, about names under .local or reverse names. Responses come unasked and to a group, so they do not
 * tell a server. Ignored: the content of records.
 */
#include "dns_message.h"

enum { ZERO_BITS = DNS_OPCODE | DNS_RCODE | 0x0070 }; /* RFC 6762 sections 18.3, 18.8 to 18.11 */

static bool plausible(const struct dns_message *m)
{
    bool has_entries = m->questions || m->answers || m->authorities || m->additional;
    /* a one-shot query of an ordinary resolver keeps its id, section 6.7 */
    bool is_group_name = m->id == 0 || m->is_local || m->is_reverse;
    return has_entries && is_group_name && !m->is_netbios && (m->flags & ZERO_BITS) == 0;
}

static bool may_be_distinct(const struct dns_message *m)
{
    unsigned allowed = DNS_RESPONSE | DNS_AUTHORITATIVE | DNS_TRUNCATED;
    return m->id == 0 && (m->flags & ~allowed) == 0;
}

static bool distinct(const struct dns_message *m)
{
    return plausible(m) && may_be_distinct(m) && (m->is_local || m->has_high_class);
}

static const struct dns_rules rules = {.plausible = plausible,
                                       .distinct = distinct,
                                       .may_be_distinct = may_be_distinct,
                                       .distinct_evidence = 1,
                                       .unasked_responses = true};

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    dns_message_ask(&rules, question, memory, facts, reply);
}

static const uint16_t ports[] = {5353, 0};

const struct protocol proto_mdns = {.name = "mdns",
                                    .transports = OVER_UDP,
                                    .customary_ports = ports,
                                    .least = {13, 17},
                                    .begins = {{2, 0x00, 0x07}, {2, 0x80, 0x87}},
                                    /* opcode 0 */ .ask = ask};
