/* SPDX-License-Identifier: BSD-2-Clause
 *
 * authip.c - recognises AuthIP ([MS-AIPS] 2.2): the header of IKEv1 with the exchanges 243 to 246, at the
 * same ports. Windows sends it together with IKEv1, so a flow that it named goes on with both. The work is
 * isakmp.c's.
 */
#include "isakmp.h"

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    isakmp_ask(ISAKMP_AUTHIP, question, memory, facts, reply);
}

static const uint16_t ports[] = {500, 4500, 0};

const struct protocol proto_authip = {.name = "authip",
                                      .transports = OVER_UDP,
                                      .customary_ports = ports,
                                      .least = {28, 28}, /* the header */
                                      .begins = {{17, 0x10, 0x10}},
                                      .ask = ask};
