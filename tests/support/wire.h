/* SPDX-License-Identifier: BSD-2-Clause
 *
 * wire.h - frames made in memory, for tests and for the captures that ship with the project.
 *
 * A struct scene collects frames with their times, in any order; scene_each() hands them out sorted, as a
 * capture would, and scene_write() makes a capture file of them. A struct tcp is one connection that keeps
 * its sequence numbers right; UDP, ICMP, fragments and bare IP are single calls. Nothing is random but what
 * the scene's seed gives, so the same calls make the same bytes. Running out of memory ends the program: this
 * is test code.
 *
 *     struct scene *s = scene_create(1);
 *     struct tcp t = tcp_between(s, end_of("10.0.0.5", 50000), end_of("10.0.0.9", 5061), start_ns);
 *     tcp_handshake(&t);
 *     tcp_say(&t, CLIENT, "hello", 5);
 *     tcp_close(&t);
 *     scene_each(s, visit, context);
 *     scene_destroy(s);
 */
#ifndef TESTS_SUPPORT_WIRE_H
#define TESTS_SUPPORT_WIRE_H

#include "rolecall/packet.h"

enum { BUF_SIZE = 16384 };
#define MS  INT64_C(1000000) /* in nanoseconds */
#define SEC INT64_C(1000000000)

/* Bytes being put together, big-endian unless the name ends in `le`; asserts that they fit. */
struct buf {
    size_t size;
    uint8_t bytes[BUF_SIZE];
};
void buf_put(struct buf *b, const void *from, size_t size);
void buf_text(struct buf *b, const char *text);
void buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_hex(struct buf *b, const char *digits); /* "16 03 01": spaces are skipped */
void buf_fill(struct buf *b, uint8_t value, size_t count);
void buf_u8(struct buf *b, unsigned value);
void buf_u16(struct buf *b, unsigned value);
void buf_u24(struct buf *b, unsigned value);
void buf_u32(struct buf *b, uint32_t value);
void buf_u64(struct buf *b, uint64_t value);
void buf_u16le(struct buf *b, unsigned value);
void buf_u32le(struct buf *b, uint32_t value);
void buf_set16(struct buf *b, size_t at, size_t value); /* overwrites what was put there before */
void buf_set24(struct buf *b, size_t at, size_t value);
void buf_set16le(struct buf *b, size_t at, size_t value);

/* Makes everything from `start` on the content of one BER element (X.690 section 8.1). */
void buf_der(struct buf *b, size_t start, uint8_t tag);

struct wire_record {
    int64_t time_ns;
    uint32_t order; /* of its making: equal times keep it */
    uint32_t caplen, wirelen;
    uint8_t *bytes;
};

struct scene {
    /* What holds for the frames to come; set freely. */
    uint16_t vlan;    /* 802.1Q id, 0: no tag */
    uint32_t snaplen; /* bytes kept of a frame, 0: all */
    uint8_t ttl;      /* of whole packets, 0: 128 */
    bool has_unseen;  /* the capture does not see what this address sends */
    struct addr unseen;
    bool mirrored; /* every packet is captured twice, as two SPAN sessions do */

    struct wire_record *records;
    size_t count, room;
    uint64_t random;
    uint16_t ip_ids[64]; /* each host counts its own */
    struct buf *last;    /* the IP packet made last, for ICMP to quote */
};

struct scene *scene_create(uint64_t seed);
void scene_destroy(struct scene *scene);
uint32_t scene_random(struct scene *scene);
void buf_random(struct buf *b, struct scene *scene, size_t count);
void scene_frame(struct scene *scene, int64_t time_ns, const void *frame, size_t size); /* as it stands */

/* Loses about `percent` of the frames made so far, as a busy sensor does. */
void scene_lose(struct scene *scene, unsigned percent);
void scene_forget(struct scene *scene, size_t count); /* the first frames: the capture began later */

/* In order of time; linktype 1, interface 0. */
typedef void scene_visit(void *context, const struct frame *frame);
void scene_each(struct scene *scene, scene_visit *visit, void *context);
/* A classic pcap file, with nanoseconds or microseconds. False: it could not be written. */
bool scene_write(struct scene *scene, const char *path, bool nanoseconds);

/* One end of a conversation. */
struct end {
    struct addr addr;
    uint16_t port;
};
struct end end_of(const char *address, uint16_t port); /* asserts that it is one */

void wire_ip(struct scene *scene, int64_t time_ns, struct addr from, struct addr to, uint8_t protocol,
             const void *payload, size_t size);
void wire_udp(struct scene *scene, int64_t time_ns, struct end from, struct end to, const void *payload,
              size_t size);
/* The same datagram in IP fragments that hold `piece` bytes each (a multiple of 8). */
void wire_udp_fragments(struct scene *scene, int64_t time_ns, struct end from, struct end to,
                        const void *payload, size_t size, size_t piece);
/* The TCP or UDP header and payload that wire_ip would carry, for what is tunnelled in ESP or AH. */
void buf_udp(struct buf *b, struct end from, struct end to, const void *payload, size_t size);
/* An ICMP or ICMPv6 error of `sender` to the source of the IP packet made last, quoting it. */
void wire_icmp_error(struct scene *scene, int64_t time_ns, struct addr sender, uint8_t type, uint8_t code);
void wire_esp(struct scene *scene, int64_t time_ns, struct addr from, struct addr to, uint32_t spi,
              uint32_t sequence, size_t size); /* encrypted: `size` random bytes */
void wire_esp_null(struct scene *scene, int64_t time_ns, struct end from, struct end to, uint32_t spi,
                   uint32_t sequence, const void *payload, size_t size); /* a UDP datagram, ICV of 12 */
void wire_ah(struct scene *scene, int64_t time_ns, struct end from, struct end to, uint32_t spi,
             uint32_t sequence, const void *payload,
             size_t size); /* a UDP datagram, ICV of 12 (16 over IPv6) */

enum side { CLIENT, SERVER };

struct tcp {
    struct scene *scene;
    struct end ends[2]; /* by enum side */
    uint32_t next[2];   /* sequence number of the next byte each side sends */
    int64_t now;        /* when the next segment leaves */
    int64_t trip;       /* between a segment and its answer */
};
struct tcp tcp_between(struct scene *scene, struct end client, struct end server, int64_t start_ns);
void tcp_segment(struct tcp *tcp, enum side from, uint8_t flags, const void *payload, size_t size);
void tcp_handshake(struct tcp *tcp);
void tcp_say(struct tcp *tcp, enum side from, const void *bytes, size_t size); /* segments, and one ACK */
void tcp_say_buf(struct tcp *tcp, enum side from, const struct buf *bytes);
void tcp_lose(struct tcp *tcp, enum side from, size_t size); /* the capture misses these bytes */
void tcp_pause(struct tcp *tcp, int64_t duration_ns);
void tcp_close(struct tcp *tcp); /* FIN from the client first */
void tcp_reset(struct tcp *tcp, enum side from);
/* A SYN and its RST; `tries` SYNs without an answer, at 0, 1, 3, 7 s. The time of the last segment is
 * returned. */
int64_t tcp_refused(struct scene *scene, struct end client, struct end server, int64_t start_ns);
int64_t tcp_silent(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                   unsigned tries);

#endif
