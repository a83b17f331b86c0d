/* SPDX-License-Identifier: BSD-2-Clause
 *
 * traffic.h - large captures out of small conversations, for the bench.
 *
 * Each kind of traffic is played once by tests/support/talk.h between two place holders: its opening. A line
 * is one flow of such a kind between ends of its own: line_next() gives its frames one by one, first the
 * opening with addresses, ports and checksums put right, then (where the kind goes on) bulk: TLS records,
 * RTP, ESP, with their numbers rising. Nothing is random but what the seed gives.
 */
#ifndef TESTS_BENCH_TRAFFIC_H
#define TESTS_BENCH_TRAFFIC_H

#include "talk.h"

enum bulk { BULK_NONE, BULK_TCP, BULK_RTP, BULK_ESP };
enum { FRAME_SIZE_MAX = 2048, OPENING_MAX = 512 };

struct kind {
    unsigned weight;    /* how many of the flows, in parts of all weights */
    talk_play *play;    /* the opening */
    const char *server; /* first of `servers` addresses that follow one another */
    unsigned servers;
    uint16_t port; /* of the server; 0: any of 57600-57855, as media */
    enum bulk bulk;
    unsigned pace; /* bulk packets, relative to the other kinds */
    unsigned size; /* payload of a large bulk packet */
    bool tagged, v6;
    uint16_t client_port; /* 0: one of each flow's own */
};

struct opening_frame {
    int64_t time_ns; /* since the first */
    uint32_t size;
    uint8_t side; /* enum side: its sender */
    uint8_t *bytes;
};

struct opening {
    const struct kind *kind;
    struct opening_frame frames[OPENING_MAX];
    unsigned count;
    uint32_t ip_at; /* offset of the IP header */
    uint8_t protocol;
    uint32_t next[2];  /* TCP: sequence numbers after the opening */
    unsigned model[2]; /* last frame of each side: what bulk packets are made of */
};

struct line {
    const struct opening *opening;
    struct end ends[2]; /* by enum side */
    uint32_t sent;      /* frames so far */
    uint32_t next[2];
    uint64_t random;
};

uint64_t traffic_random(uint64_t *state);

/* The openings of all kinds; a kind whose play is NULL has none. Ends the program when memory is short. */
struct opening *traffic_openings(const struct kind *kinds, unsigned count);
void traffic_free(struct opening *openings, unsigned count);

void line_begin(struct line *line, const struct opening *opening, uint32_t number, uint64_t seed);
bool line_is_over(const struct line *line);
/* Puts the next frame into `frame` (FRAME_SIZE_MAX bytes) and returns its size. */
uint32_t line_next(struct line *line, uint8_t *frame);
/* How long after the frame before the next one comes, in the opening; -1: in the bulk. */
int64_t line_pause(const struct line *line);

#endif
