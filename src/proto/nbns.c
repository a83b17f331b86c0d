/* SPDX-License-Identifier: BSD-2-Clause
 *
 * nbns.c - recognises the NetBIOS name service (RFC 1002 section 4.2): DNS messages whose name is 16 bytes
 * spelled as 32 letters A to P. That form is strict enough to name it at any port. Ignored: the datagram and
 * session services.
 */
#include "dns_message.h"

/* RFC 1002 section 4.2.1.1: query, registration, release, WACK, refresh (8, and 9 of old stacks); bits 5 and
 * 6 zero */
enum { OPCODE_QUERY = 0, OPCODE_FIRST = 5, OPCODE_LAST = 9, ZERO_BITS = 0x0060 };

static bool plausible(const struct dns_message *m)
{
    unsigned opcode = dns_opcode(m);
    bool known = opcode == OPCODE_QUERY || (opcode >= OPCODE_FIRST && opcode <= OPCODE_LAST);
    bool counted = m->questions <= 1 && m->answers <= 1 && m->authorities <= 1 && m->additional <= 1;
    return m->is_netbios && known && counted && (m->flags & ZERO_BITS) == 0;
}

static const struct dns_rules rules = {.plausible = plausible, .distinct = plausible, .distinct_evidence = 2};

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    if (!question->data.cut && bytes_peek(&question->data, DNS_HEADER_SIZE) != DNS_NETBIOS_LABEL)
        return; /* most of DNS: its first name is another one */
    dns_message_ask(&rules, question, memory, facts, reply);
}

static const uint16_t ports[] = {137, 0};

const struct protocol proto_nbns = {
    .name = "nbns",
    .transports = OVER_UDP,
    .customary_ports = ports,
    .least = {46, 50},
    .begins = {{2, 0x00, 0x07}, {2, 0x28, 0x4f}, {2, 0x80, 0x87}, {2, 0xa8, 0xcf}},
    /* opcodes */ .ask = ask};
