/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dns.c - recognises DNS over UDP and TCP (RFC 1035 section 4; RFC 1996, 2136, 6891, 7766). At port 53 a
 * header and a name that a resolver or server sends are enough; elsewhere the whole message must walk to its
 * end and must not be what mDNS, LLMNR or NetBIOS would have sent, because those share the format
 * (dns_message.c). Ignored: the content of answers, DNS in TLS or HTTPS.
 */
#include "dns_message.h"

enum {
    OPCODE_QUERY,
    OPCODE_INVERSE,
    OPCODE_NOTIFY = 4,
    OPCODE_UPDATE,
    RESERVED = 0x0040,
    RECORDS_MAX = 1024
};

static bool is_query(const struct dns_message *m)
{
    bool one_question = m->questions == 1 && (m->flags & DNS_RCODE) == 0;
    switch (dns_opcode(m)) {
    case OPCODE_QUERY: /* IXFR has a record in the authority section, RFC 1995 section 3 */
        return one_question && m->answers == 0 && m->authorities <= 1 && m->additional <= 2;
    case OPCODE_INVERSE: /* RFC 1035 section 6.4.1 */
        return m->questions == 0 && m->answers == 1;
    case OPCODE_NOTIFY:
        return one_question && m->answers <= 1 && m->additional <= 2;
    case OPCODE_UPDATE: /* its sections have other names and any count, RFC 2136 section 2.2 */
        return one_question;
    default:
        return false;
    }
}

static bool is_response(const struct dns_message *m)
{
    unsigned opcode = dns_opcode(m);
    bool known = opcode <= OPCODE_INVERSE || opcode == OPCODE_NOTIFY || opcode == OPCODE_UPDATE;
    bool empty = m->questions + m->answers + m->authorities + m->additional == 0;
    bool refusal = (m->flags & DNS_RCODE) != 0; /* may be a header alone */
    return known && m->questions <= 1 && m->answers <= RECORDS_MAX && m->authorities <= RECORDS_MAX &&
           m->additional <= RECORDS_MAX && (!empty || refusal);
}

static bool is_multicast_like(const struct dns_message *m)
{
    return m->id == 0 && (m->is_local || m->has_high_class);
}

static bool plausible(const struct dns_message *m)
{
    if ((m->flags & RESERVED) || m->is_netbios || is_multicast_like(m))
        return false;
    if (m->walk == DNS_CUT && m->id == 0) /* what was cut away may still show mDNS */
        return false;
    return m->flags & DNS_RESPONSE ? is_response(m) : is_query(m);
}

/* LLMNR uses none of these bits in the same sense (RFC 4795 section 2.1.1) and has no EDNS. */
static bool distinct(const struct dns_message *m)
{
    bool is_unicast =
        (m->flags & (DNS_RECURSION_DESIRED | DNS_RECURSION_AVAILABLE | DNS_AUTHORITATIVE)) || m->has_opt;
    return is_unicast && plausible(m) && m->questions == 1 && !m->has_high_class;
}

static const struct dns_rules rules = {.plausible = plausible, .distinct = distinct, .distinct_evidence = 1};

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    dns_message_ask(&rules, question, memory, facts, reply);
}

static const uint16_t ports[] = {53, 0};

const struct protocol proto_dns = {
    .name = "dns",
    .transports = OVER_TCP | OVER_UDP,
    .customary_ports = ports,
    .least = {12, 17},
    .begins = {{2, 0x00, 0x0f}, {2, 0x20, 0x2f}, {2, 0x80, 0x8f}, {2, 0xa0, 0xaf}},
    /* opcodes */ .ask = ask};
