/* SPDX-License-Identifier: BSD-2-Clause
 *
 * media_feed.h - asks one identifier of the media family as the engine does, a datagram or the unread bytes
 * of a stream at a time. For test_stun.c, test_ms_turn.c, test_rtp.c and test_rtcp.c. Facts written without a
 * yes fail the test.
 */
#ifndef MEDIA_FEED_H
#define MEDIA_FEED_H

#include <stdlib.h>
#include <string.h>

#include "rolecall/proto.h"
#include "unity.h"

struct packet_bytes {
    uint8_t at[2048];
    size_t size;
};

/* Bytes as the specifications print them: hex digits, spaces where they help. */
static inline struct packet_bytes hex(const char *text)
{
    struct packet_bytes out = {.size = 0};
    for (const char *p = text; *p;) {
        if (*p == ' ') {
            p++;
            continue;
        }
        char digits[3] = {p[0], p[1], 0};
        out.at[out.size++] = (uint8_t)strtoul(digits, NULL, 16);
        p += 2;
    }
    return out;
}

static inline void add(struct packet_bytes *to, const struct packet_bytes *more)
{
    memcpy(to->at + to->size, more->at, more->size);
    to->size += more->size;
}

static inline void put16(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static inline void put32(uint8_t *at, uint32_t number)
{
    put16(at, number >> 16);
    put16(at + 2, number & 0xffff);
}

struct feed {
    const struct protocol *protocol;
    struct proto_memory memory;
    struct proto_facts facts;
    struct proto_reply reply; /* the last */
    bool named;
    int64_t time_ns;
    struct {
        uint8_t unread[PROTO_WINDOW_SIZE];
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

/* A copy of just the right size, so that a sanitizer sees what reads beyond. */
static inline enum proto_answer feed_ask(struct feed *feed, enum proto_transport transport, unsigned side,
                                         const uint8_t *at, size_t caplen, size_t wirelen)
{
    uint8_t *copy = malloc(caplen ? caplen : 1);
    memcpy(copy, at, caplen);
    struct proto_question question = {.transport = transport,
                                      .side = (uint8_t)side,
                                      .start = !feed->side[side].in_middle,
                                      .gap = feed->named && feed->side[side].gap,
                                      .named = feed->named,
                                      .time_ns = feed->time_ns,
                                      .data = bytes_captured(copy, caplen, wirelen),
                                      .wirelen = (uint32_t)wirelen};
    struct proto_facts before = feed->facts;
    memset(&feed->reply, 0, sizeof feed->reply);
    feed->protocol->ask(&question, &feed->memory, &feed->facts, &feed->reply);
    free(copy);
    feed->side[side].gap = false;
    if (feed->reply.answer == PROTO_YES) {
        feed->named = true;
        TEST_ASSERT_TRUE(feed->reply.evidence == 1 || feed->reply.evidence == 2);
        TEST_ASSERT_TRUE(feed->reply.carries_media);
    } else {
        TEST_ASSERT_EQUAL_MEMORY(&before, &feed->facts, sizeof before);
    }
    return feed->reply.answer;
}

static inline enum proto_answer feed_datagram(struct feed *feed, unsigned side,
                                              const struct packet_bytes *packet)
{
    return feed_ask(feed, OVER_UDP, side, packet->at, packet->size, packet->size);
}

/* Only the first `caplen` bytes of it were captured. */
static inline enum proto_answer feed_cut(struct feed *feed, unsigned side, const struct packet_bytes *packet,
                                         size_t caplen)
{
    return feed_ask(feed, OVER_UDP, side, packet->at, caplen, packet->size);
}

static inline enum proto_answer ask_once(const struct protocol *protocol, const struct packet_bytes *packet)
{
    return feed_datagram(feed_new(protocol), 0, packet);
}

/* New bytes of a stream; what is not used stays for the next time. Answers as the last question was answered.
 */
static inline enum proto_answer feed_stream(struct feed *feed, unsigned side, const uint8_t *at, size_t size)
{
    size_t skip = feed->side[side].skip < size ? feed->side[side].skip : size;
    feed->side[side].skip -= skip;
    TEST_ASSERT_TRUE(feed->side[side].count + size - skip <= PROTO_WINDOW_SIZE);
    memcpy(feed->side[side].unread + feed->side[side].count, at + skip, size - skip);
    size_t count = feed->side[side].count += size - skip;
    if (count == 0)
        return PROTO_YES;
    enum proto_answer answer = feed_ask(feed, OVER_TCP, side, feed->side[side].unread, count, count);
    if (answer != PROTO_YES)
        return answer;
    size_t used = feed->reply.used < count ? feed->reply.used : count;
    feed->side[side].skip = feed->reply.used - used;
    memmove(feed->side[side].unread, feed->side[side].unread + used, count - used);
    feed->side[side].count = count - used;
    feed->side[side].in_middle |= used > 0;
    return answer;
}

static inline enum proto_answer feed_segment(struct feed *feed, unsigned side,
                                             const struct packet_bytes *segment)
{
    return feed_stream(feed, side, segment->at, segment->size);
}

static inline void feed_lose(struct feed *feed, unsigned side)
{
    feed->side[side].gap = feed->side[side].in_middle = true;
    feed->side[side].count = feed->side[side].skip = 0;
}

/* Flows of random packets, none of which may get a name. */
static inline void feed_noise(const struct protocol *protocol, enum proto_transport transport, unsigned flows)
{
    uint32_t state = 0x2f6e2b1;
    for (unsigned flow = 0; flow < flows; flow++) {
        struct feed *feed = feed_new(protocol);
        for (unsigned packet = 0; packet < 6; packet++) {
            uint8_t noise[300];
            size_t size = 1 + (flow + 37 * packet) % sizeof noise;
            for (size_t i = 0; i < size; i++) {
                state = state * 1664525u + 1013904223u;
                noise[i] = (uint8_t)(state >> 24);
            }
            TEST_ASSERT_TRUE_MESSAGE(feed_ask(feed, transport, packet & 1, noise, size, size) != PROTO_YES,
                                     "seed 0x2f6e2b1");
        }
    }
}

/* An RTP packet of 20 payload bytes. */
static inline struct packet_bytes rtp_packet(unsigned payload_type, unsigned sequence, uint32_t timestamp,
                                             uint32_t ssrc)
{
    struct packet_bytes packet = {.size = 32};
    packet.at[0] = 0x80;
    packet.at[1] = (uint8_t)payload_type; /* with 0x80 for the marker */
    put16(packet.at + 2, sequence & 0xffff);
    put32(packet.at + 4, timestamp);
    put32(packet.at + 8, ssrc);
    memset(packet.at + 12, 0xd5, 20);
    return packet;
}

#endif
