/* SPDX-License-Identifier: BSD-2-Clause */
#include "rolecall/proto.h"

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    (void)question, (void)memory, (void)facts;
    reply->answer = PROTO_NO;
}

const struct protocol proto_ike = {.name = "ike", .transports = OVER_TCP | OVER_UDP, .ask = ask};
