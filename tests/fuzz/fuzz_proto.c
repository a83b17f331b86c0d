/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_proto.c - one identifier, asked as the engine asks: datagrams, or streams of both sides in any pieces
 * with what is not used kept back. Built once per identifier with PROTOCOL_ID. Checked: the reply keeps its
 * contract (proto.h), facts come only with a yes, and bytes that were not captured are no reason to say no.
 */
#include "fuzz.h"
#include "rolecall/proto.h"

static const struct protocol *const protocol = &PROTOCOL_ID;

struct side {
    uint8_t unread[PROTO_WINDOW_SIZE];
    size_t count, skip;
    bool in_middle, gap;
};

struct flow {
    enum proto_transport transport;
    bool customary, named, over;
    int64_t time_ns;
    struct proto_memory memory;
    struct proto_facts facts;
    struct side sides[2];
};

static void check_text(const struct proto_text *text)
{
    CHECK(text->size <= text->wirelen);
}

static void check_facts(const struct proto_facts *facts)
{
    CHECK(facts->tls.mutual <= TRI_YES && facts->tls.resumed <= TRI_YES);
    CHECK(facts->rtp.ssrc_count <= 4 && facts->rtp.payload_type_count <= 8);
    CHECK(facts->turn.flavour <= 2 && facts->esp.spi_count <= 4 && facts->modality < MODALITY_COUNT);
    check_text(&facts->server_name);
    check_text(&facts->agent);
    check_text(&facts->detail);
}

static void check_learned(const struct proto_reply *reply)
{
    CHECK(reply->learned_count <= PROTO_LEARNED_MAX);
    for (unsigned i = 0; i < reply->learned_count; i++) {
        const struct proto_learned *learned = &reply->learned[i];
        CHECK(learned->kind >= LEARNED_MEDIA && learned->kind <= LEARNED_RELAY);
        CHECK(learned->transport == OVER_TCP || learned->transport == OVER_UDP);
        CHECK(learned->modality < MODALITY_COUNT);
    }
}

/* A yes, on this much data. */
static void check_yes(const struct flow *flow, const struct proto_reply *reply, size_t left)
{
    CHECK(reply->evidence == 1 || reply->evidence == 2);
    CHECK((unsigned)reply->speaker <= SPEAKER_SERVER);
    CHECK((unsigned)reply->upgrade < PROTO_COUNT && (unsigned)reply->carries < PROTO_COUNT);
    CHECK(flow->transport == OVER_TCP || !reply->upgrade);
    /* Sequence numbers count modulo 2^32: a skip of half of that would go backwards. */
    CHECK(reply->used <= left || reply->used - left < 1u << 31);
    check_learned(reply);
    check_facts(&flow->facts);
}

/* One question about an exact copy of the first `caplen` bytes of `data`. The flow's memory and facts change.
 */
static struct proto_reply ask(struct flow *flow, unsigned side, struct bytes data, size_t caplen,
                              uint32_t wirelen)
{
    struct bytes exact = fuzz_copy(&data, caplen);
    struct side *s = &flow->sides[side];
    bool is_stream = flow->transport == OVER_TCP;
    struct proto_question question = {.transport = flow->transport,
                                      .side = (uint8_t)side,
                                      .start = !is_stream || !s->in_middle,
                                      .gap = flow->named && s->gap,
                                      .named = flow->named,
                                      .customary = flow->customary,
                                      .time_ns = flow->time_ns,
                                      .data = bytes_captured(exact.at, exact.left, wirelen),
                                      .wirelen = is_stream ? 0 : wirelen};
    struct proto_facts before = flow->facts;
    struct proto_reply reply = {.answer = PROTO_NO};
    protocol->ask(&question, &flow->memory, &flow->facts, &reply);
    CHECK(reply.answer == PROTO_NO || reply.answer == PROTO_MORE || reply.answer == PROTO_YES);
    if (reply.answer == PROTO_YES) {
        check_yes(flow, &reply, exact.left);
    } else {
        CHECK(memcmp(&before, &flow->facts, sizeof before) == 0);
        CHECK(reply.used == 0);
    }
    fuzz_free(exact);
    return reply;
}

/* What the first question would have been answered with fewer bytes. A part may be named although the whole
 * turns out to be wrong further on. But a part of what would be named must not be denied: that bytes are
 * missing is no reason. */
static void check_shorter(const struct flow *flow, unsigned side, struct bytes data, uint32_t wirelen,
                          enum proto_answer whole, size_t caplen)
{
    static struct flow other;
    other = *flow;
    if (caplen == 0) /* never asked */
        return;
    bool is_stream = flow->transport == OVER_TCP;
    enum proto_answer part = ask(&other, side, data, caplen, is_stream ? (uint32_t)caplen : wirelen).answer;
    if (part == PROTO_NO && whole == PROTO_YES)
        fprintf(stderr, "%s, %s: no to %zu bytes, yes to %zu of %u\n", protocol->name,
                is_stream ? "stream" : "datagram", caplen, data.left, wirelen);
    CHECK(part != PROTO_NO || whole != PROTO_YES);
}

static struct proto_reply ask_checked(struct flow *flow, unsigned side, struct bytes data, uint32_t wirelen,
                                      uint16_t choice)
{
    static struct flow before;
    before = *flow;
    struct proto_reply reply = ask(flow, side, data, data.left, wirelen);
    if (!flow->named && (flow->transport == OVER_UDP || !flow->sides[side].in_middle)) {
        check_shorter(&before, side, data, wirelen, reply.answer, choice % (data.left + 1));
        check_shorter(&before, side, data, wirelen, reply.answer, data.left > 0 ? data.left - 1 : 0);
        check_shorter(&before, side, data, wirelen, reply.answer, data.left / 2);
    }
    return reply;
}

static void after(struct flow *flow, const struct proto_reply *reply)
{
    if (reply->answer == PROTO_YES) {
        flow->named = true;
        flow->over = reply->settled || reply->upgrade;
    } else if (reply->answer == PROTO_NO) {
        if (!flow->named)
            flow->memory = (struct proto_memory){0};
        flow->over = flow->named && flow->transport == OVER_TCP;
    }
}

static void take_away(struct side *s, size_t used)
{
    size_t here = used < s->count ? used : s->count;
    memmove(s->unread, s->unread + here, s->count - here);
    s->count -= here;
    s->skip = used - here;
}

static void ask_unread(struct flow *flow, unsigned side, uint16_t choice)
{
    struct side *s = &flow->sides[side];
    while (s->count > 0 && !flow->over) {
        struct proto_reply reply =
            ask_checked(flow, side, bytes_of(s->unread, s->count), (uint32_t)s->count, choice);
        s->gap = false;
        after(flow, &reply);
        if (reply.answer == PROTO_NO) {
            take_away(s, s->count);
            s->in_middle = true;
        }
        if (reply.answer != PROTO_YES || reply.used == 0) {
            flow->over |= s->count == sizeof s->unread;
            return;
        }
        take_away(s, reply.used);
        s->in_middle = true; /* `start` only tells unnamed questions apart */
    }
}

static void segment(struct flow *flow, unsigned side, struct bytes data, uint16_t choice)
{
    struct side *s = &flow->sides[side];
    while (data.left > 0 && !flow->over) {
        size_t n = data.left;
        if (s->skip > 0) {
            n = n < s->skip ? n : s->skip;
            s->skip -= n;
            bytes_skip(&data, n);
            continue;
        }
        n = n < sizeof s->unread - s->count ? n : sizeof s->unread - s->count;
        bytes_copy(&data, s->unread + s->count, n);
        s->count += n;
        ask_unread(flow, side, choice);
    }
}

static void datagram(struct flow *flow, unsigned side, struct bytes data, uint32_t missing, uint16_t choice)
{
    if (data.left == 0)
        return;
    struct proto_reply reply = ask_checked(flow, side, data, (uint32_t)data.left + missing, choice);
    after(flow, &reply);
}

/* Input: a byte of options; then messages, each a byte (side, lost bytes before it, cut), a choice of where
 * to cut it once more, a 16-bit size and the bytes. seeds.py writes the same. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct flow flow;
    struct bytes b = bytes_of(input, size);
    uint8_t options = bytes_u8(&b);
    flow = (struct flow){.transport = options & 1 ? OVER_TCP : OVER_UDP, .customary = options & 2};
    if (!(protocol->transports & flow.transport))
        flow.transport = protocol->transports & OVER_TCP ? OVER_TCP : OVER_UDP;
    flow.sides[0].in_middle = flow.sides[1].in_middle = options & 4;
    while (b.left > 0 && !flow.over) {
        uint8_t message = bytes_u8(&b);
        uint16_t choice = bytes_u16(&b), n = bytes_u16(&b);
        struct bytes data = fuzz_copy(&b, n);
        struct side *s = &flow.sides[message & 1];
        flow.time_ns += (message >> 4) * INT64_C(5000000);
        if (message & 2) {
            s->gap = s->in_middle = true;
            s->count = s->skip = 0;
        }
        if (flow.transport == OVER_TCP)
            segment(&flow, message & 1, data, choice);
        else
            datagram(&flow, message & 1, data, message & 4 ? choice % 1500u : 0, choice);
        fuzz_free(data);
    }
    return 0;
}
