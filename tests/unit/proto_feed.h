/* SPDX-License-Identifier: BSD-2-Clause
 *
 * proto_feed.h - asks one identifier as the engine does: a stream piece by piece with what is not used kept
 * back, or a datagram at once. For the unit tests of identifiers. `name` is what would stand in an event;
 * what an identifier writes without a yes, and a name given up again, fail the test.
 */
#ifndef PROTO_FEED_H
#define PROTO_FEED_H

#include <stdlib.h>
#include <string.h>

#include "rolecall/proto.h"
#include "unity.h"

struct feed {
    const struct protocol *protocol;
    struct proto_memory memory;
    struct proto_facts facts;
    struct proto_reply reply; /* the last */
    bool named, gone, settled;
    unsigned yes_sides;
    enum proto_id upgrade;
    unsigned upgrade_side;
    struct feed_side {
        uint8_t window[PROTO_WINDOW_SIZE];
        size_t count, skip;
        bool in_middle, gap;
    } side[2];
};

static inline struct feed *feed_new(const struct protocol *protocol)
{
    static struct feed feed;
    memset(&feed, 0, sizeof feed);
    feed.protocol = protocol;
    return &feed;
}

/* One question about exactly these bytes; a copy of just their size, so that a sanitizer sees reads beyond.
 */
static inline enum proto_answer feed_ask(struct feed *feed, unsigned side, const uint8_t *at, size_t caplen,
                                         size_t wirelen)
{
    struct feed_side *s = &feed->side[side];
    bool over_tcp = !(feed->protocol->transports & OVER_UDP);
    uint8_t *copy = malloc(caplen ? caplen : 1);
    memcpy(copy, at, caplen);
    struct proto_question question = {.transport = over_tcp ? OVER_TCP : OVER_UDP,
                                      .side = (uint8_t)side,
                                      .start = !over_tcp || !s->in_middle,
                                      .gap = feed->named && s->gap,
                                      .named = feed->named,
                                      .data = bytes_captured(copy, caplen, wirelen),
                                      .wirelen = (uint32_t)wirelen};
    struct proto_facts before = feed->facts;
    memset(&feed->reply, 0, sizeof feed->reply);
    feed->protocol->ask(&question, &feed->memory, &feed->facts, &feed->reply);
    free(copy);
    s->gap = false;
    if (feed->reply.answer == PROTO_YES) {
        feed->named = true;
        feed->yes_sides |= 1u << side;
        feed->settled |= feed->reply.settled;
        TEST_ASSERT_TRUE(feed->reply.evidence == 1 || feed->reply.evidence == 2);
        if (feed->reply.upgrade) {
            feed->upgrade = feed->reply.upgrade;
            feed->upgrade_side = side;
        }
    } else {
        TEST_ASSERT_EQUAL_MEMORY(&before, &feed->facts, sizeof before);
    }
    return feed->reply.answer;
}

static inline enum proto_answer feed_datagram(struct feed *feed, unsigned side, const uint8_t *at,
                                              size_t size)
{
    return feed_ask(feed, side, at, size, size);
}

/* Asks about what one side has not used, until it needs more. */
static inline void feed_unread(struct feed *feed, unsigned side)
{
    struct feed_side *s = &feed->side[side];
    size_t used = 1;
    while (used > 0 && s->count > 0 && !feed->gone && !feed->settled && !feed->upgrade) {
        enum proto_answer answer = feed_ask(feed, side, s->window, s->count, s->count);
        used = answer == PROTO_YES ? feed->reply.used : 0;
        feed->gone |= answer == PROTO_NO || (used == 0 && s->count == sizeof s->window);
        s->in_middle |= used > 0;
        s->skip = used > s->count ? used - s->count : 0;
        size_t here = used < s->count ? used : s->count;
        memmove(s->window, s->window + here, s->count - here);
        s->count -= here;
    }
}

/* A segment of a stream, in pieces of at most `piece` bytes. */
static inline void feed_pieces(struct feed *feed, unsigned side, const uint8_t *at, size_t size, size_t piece)
{
    struct feed_side *s = &feed->side[side];
    while (size > 0 && !feed->gone && !feed->settled && !feed->upgrade) {
        size_t n = size < piece ? size : piece;
        if (s->skip > 0) {
            n = n < s->skip ? n : s->skip;
            s->skip -= n;
        } else {
            if (n > sizeof s->window - s->count)
                n = sizeof s->window - s->count;
            memcpy(s->window + s->count, at, n);
            s->count += n;
            feed_unread(feed, side);
        }
        at += n;
        size -= n;
    }
}

static inline void feed_segment(struct feed *feed, unsigned side, const uint8_t *at, size_t size)
{
    feed_pieces(feed, side, at, size, size ? size : 1);
}

static inline void feed_lose(struct feed *feed, unsigned side)
{
    feed->side[side].gap = feed->side[side].in_middle = true;
    feed->side[side].count = feed->side[side].skip = 0;
}

/* Questions with random bytes, none of which may be answered yes. The seed is fixed, and printed by a
 * failure. */
static inline void feed_noise(const struct protocol *protocol, unsigned count, bool in_middle)
{
    uint32_t state = 0x20240517;
    for (unsigned round = 0; round < count; round++) {
        uint8_t noise[1400];
        size_t size = 1 + round % sizeof noise;
        for (size_t i = 0; i < size; i++) {
            state = state * 1664525u + 1013904223u;
            noise[i] = (uint8_t)(state >> 24);
        }
        struct feed *feed = feed_new(protocol);
        feed->side[0].in_middle = in_middle;
        TEST_ASSERT_TRUE_MESSAGE(feed_ask(feed, 0, noise, size, size) != PROTO_YES, "seed 0x20240517");
    }
}

#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal) - 1
#define ASSERT_TEXT(literal, text)                                                                           \
    do {                                                                                                     \
        TEST_ASSERT_EQUAL_UINT(sizeof(literal) - 1, (text).wirelen);                                         \
        TEST_ASSERT_EQUAL_MEMORY(literal, (text).bytes, sizeof(literal) - 1);                                \
    } while (0)

#endif
