/* SPDX-License-Identifier: BSD-2-Clause
 *
 * esp.c - recognises ESP inside UDP (RFC 3948 sections 2.1 and 2.3; RFC 4303 section 2). Its only clear
 * fields are the SPI and the sequence number, so it is named at its customary port alone. ESP directly over
 * IP never comes here. Ignored: the payload, readable or not.
 */
#include "isakmp.h"

enum {
    SEQUENCE_YOUNG = 0xffff, /* one datagram names it only near the beginning of its SA */
    SIZE_MIN = 8 + 4 + 4,    /* header, one block of four with the trailer, something to check it by */
    SIZE_UNIT = 4,           /* RFC 4303 section 2.4 */
    RTP_VERSION_MASK =
        0xc0, /* RFC 3550 section 5.1: such a first byte may be RTP's, one datagram is not enough */
    RTP_VERSION = 0x80,
};

static bool is_named_by_one(const struct isakmp *message)
{
    bool may_be_rtp = (message->esp_spi >> 24 & RTP_VERSION_MASK) == RTP_VERSION;
    return message->esp_sequence <= SEQUENCE_YOUNG && !may_be_rtp;
}

static void ask_unnamed(const struct proto_question *question, struct isakmp_memory *memory,
                        struct proto_facts *facts, struct proto_reply *reply)
{
    struct isakmp message;

    isakmp_read_esp(question->data, question->wirelen, &message);
    bool is_sized = question->wirelen >= SIZE_MIN && question->wirelen % SIZE_UNIT == 0;
    reply->answer = PROTO_NO;
    if (question->data.cut && message.esp_spi == 0 && question->data.left >= 4)
        memory->ike_was_cut = true;
    if (message.kind == ISAKMP_CUT || memory->ike_was_cut) {
        reply->answer = PROTO_MORE;
    } else if (message.kind == ISAKMP_KEEPALIVE) {
        reply->answer = PROTO_YES;
        reply->evidence = 1;
    } else if (message.kind == ISAKMP_ESP && is_sized) {
        bool is_sure = isakmp_count_esp(&message, question->side & 1, memory) >= ESP_COUNT_SURE;
        reply->answer = is_sure || is_named_by_one(&message) ? PROTO_YES : PROTO_MORE;
        reply->evidence = is_sure ? 2 : 1;
        if (reply->answer == PROTO_YES)
            isakmp_add_spi(facts, question->side & 1, message.esp_spi);
    }
    memory->nat_t |= reply->answer == PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    _Static_assert(sizeof(struct isakmp_memory) <= PROTO_MEMORY_SIZE, "does not fit into what a flow lends");
    struct isakmp_memory *memory = (struct isakmp_memory *)(void *)lent->bytes;

    if (question->named)
        isakmp_go_on(PROTO_esp, question, memory, facts, reply);
    else if (question->customary)
        ask_unnamed(question, memory, facts, reply);
    else
        reply->answer = PROTO_NO;
}

static const uint16_t ports[] = {4500, 0};

const struct protocol proto_esp = {
    .name = "esp", .transports = OVER_UDP, .customary_ports = ports, .least = {1, PROTO_NEVER}, .ask = ask};
