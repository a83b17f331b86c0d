/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rtp.c - recognises RTP (and SRTP, whose headers are in clear) without signalling, and counts loss and
 * jitter. Specifications: RFC 3550 sections 5.1, 6.4.1, A.1, A.3 and A.8; RFC 3551 (payload types); RFC 5761
 * section 4; RFC 4571 (over TCP); the rule of several packets is PROTOCOLS section 4.2. Asked last and, once
 * named, for every packet. RTP inside TURN is counted by stun.c and ms_turn.c with the same functions;
 * payloads are not looked at.
 */
#include "media.h"

struct rtp_memory {
    struct media_streams streams;
    uint8_t is_lost; /* TCP, bit per side: bytes are missing, where the next frame begins is not known */
};
_Static_assert(sizeof(struct rtp_memory) <= PROTO_MEMORY_SIZE, "fits what a flow lends");

static void say_yes(struct proto_reply *reply, uint8_t evidence)
{
    reply->answer = PROTO_YES;
    reply->carries_media = true;
    reply->evidence = evidence;
}

static void ask_datagram(const struct proto_question *question, struct rtp_memory *memory,
                         struct proto_facts *facts, struct proto_reply *reply)
{
    struct media_rtp rtp;
    reply->answer = media_rtp_read(question->data, question->wirelen, &rtp);
    if (reply->answer != PROTO_YES)
        return;
    struct media_step step = media_follow(&memory->streams, question->side, &rtp, question->time_ns);
    if (!question->named && !media_is_steady(step.stream)) {
        reply->answer = PROTO_MORE;
        return;
    }
    media_count(&memory->streams, &step, &rtp, facts);
    say_yes(reply, media_is_steady(step.stream) ? 2 : 1);
}

struct media_streams *rtp_streams(struct proto_memory *memory)
{
    return &((struct rtp_memory *)(void *)memory->bytes)->streams;
}

/*
 * PROTOCOLS section 4.6: three frames in a chain, each holding RTP, RTCP or STUN, and RTP among them that
 * goes on from one to the next. The last need not be whole: three large packets may not fit the window.
 */
static enum proto_answer check_chain(struct bytes data)
{
    enum { CHAIN = 3 };
    struct media_streams streams = {0};
    unsigned frames = 0, steps = 0;
    while (data.left > 0) {
        struct media_frame frame;
        struct media_rtp rtp;
        if (!media_frame_read(data, &frame))
            return PROTO_MORE;
        int first = bytes_peek(&frame.payload, 0);
        if (frame.wirelen < 8 || (first > 3 && first < 128) || first > 191)
            return PROTO_NO;
        if (!media_frame_is_enough(&frame))
            return PROTO_MORE;
        enum proto_id kind = media_kind(frame.payload, frame.wirelen);
        uint32_t ssrc;
        if (kind == PROTO_UNIDENTIFIED)
            return media_rtcp_read(frame.payload, frame.wirelen, &ssrc) == MEDIA_RTCP_MORE ? PROTO_MORE
                                                                                           : PROTO_NO;
        frames++;
        if (kind == PROTO_rtp && media_rtp_read(frame.payload, frame.wirelen, &rtp) == PROTO_YES)
            steps += media_follow(&streams, 0, &rtp, 0).stream->steps > 0;
        if (frames >= CHAIN && steps > 0)
            return PROTO_YES;
        bytes_skip(&data, frame.size < data.left ? frame.size : data.left);
    }
    return PROTO_MORE;
}

/* After a loss: does a frame with a stream that is known begin here? */
static bool is_in_step(const struct media_streams *streams, unsigned side, struct bytes data)
{
    struct media_frame frame;
    struct media_rtp rtp;
    return media_frame_read(data, &frame) &&
           media_rtp_read(frame.payload, frame.wirelen, &rtp) == PROTO_YES &&
           (streams->of[0][side].ssrc == rtp.ssrc || streams->of[1][side].ssrc == rtp.ssrc);
}

/* One frame's size; 0 when more must arrive; SIZE_MAX when it holds nothing that belongs here. */
static size_t read_frame(const struct proto_question *question, struct rtp_memory *memory, struct bytes data,
                         struct proto_facts *facts, struct proto_reply *reply)
{
    struct media_frame frame;
    if (!media_frame_read(data, &frame) || !media_frame_is_enough(&frame))
        return 0;
    int first = bytes_peek(&frame.payload, 0);
    if ((first > 3 && first < 128) || first > 191)
        return SIZE_MAX;
    media_carried(question, frame.payload, frame.wirelen, &memory->streams, facts, reply);
    return frame.size;
}

static void ask_stream(const struct proto_question *question, struct rtp_memory *memory,
                       struct proto_facts *facts, struct proto_reply *reply)
{
    struct bytes data = question->data;
    uint8_t side_bit = (uint8_t)(1u << question->side);
    if (!question->named) {
        reply->answer = check_chain(data);
        if (reply->answer != PROTO_YES)
            return;
    }
    if (question->gap && question->named)
        memory->is_lost |= side_bit;
    if (memory->is_lost & side_bit && !is_in_step(&memory->streams, question->side, data)) {
        reply->used = data.left;
        say_yes(reply, 1);
        return;
    }
    memory->is_lost &= (uint8_t)~side_bit;
    size_t size = 1;
    while (data.left > 0) {
        size = read_frame(question, memory, data, facts, reply);
        if (size == 0 || size == SIZE_MAX)
            break;
        reply->used += size;
        bytes_skip(&data, size < data.left ? size : data.left);
    }
    if (reply->used > 0)
        say_yes(reply, 2);
    else
        reply->answer = size == 0 ? PROTO_MORE : PROTO_NO;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct rtp_memory *memory = (struct rtp_memory *)(void *)lent->bytes;
    if (question->transport == OVER_UDP)
        ask_datagram(question, memory, facts, reply);
    else
        ask_stream(question, memory, facts, reply);
}

const struct protocol proto_rtp = {.name = "rtp",
                                   .transports = OVER_TCP | OVER_UDP,
                                   .is_media = true,
                                   .least = {12, 12},
                                   .begins = {{0, 0x80, 0xbf}, {1, 0, 63}, {1, 96, 191}, {1, 224, 255}},
                                   /* is_payload_type() */ .ask = ask};
