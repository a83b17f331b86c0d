/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ike.c - recognises IKEv1 (RFC 2408, RFC 2409), IKEv2 (RFC 7296) and both behind NAT traversal (RFC 3947,
 * RFC 3948) by header, length and the chain of payloads; the work is isakmp.c's. Once named, the flow's
 * AuthIP and ESP belong to it too. Ignored: what was negotiated.
 */
#include "isakmp.h"

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    isakmp_ask(ISAKMP_MESSAGE, question, memory, facts, reply);
}

static const uint16_t ports[] = {500, 4500, 0};

const struct protocol proto_ike = {.name = "ike",
                                   .transports = OVER_UDP,
                                   .customary_ports = ports,
                                   .least = {28, 28}, /* the header */
                                   .begins = {{17, 0x10, 0x10}, {17, 0x20, 0x20}},
                                   .ask = ask};
