/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fragment.h - IP datagrams put together from fragments, within memory fixed at creation.
 *
 * ip.c gives every fragment to fragment_add() and reads on in what comes back once all parts are there. Only
 * the unbroken beginning that was captured is given back; what a snap length took away is `missing`.
 * Datagrams that are given up give their beginning back through fragment_overdue(), where it came.
 */
#ifndef ROLECALL_DECODE_FRAGMENT_H
#define ROLECALL_DECODE_FRAGMENT_H

#include "rolecall/decode.h"

enum {
    FRAGMENT_DATAGRAMS_MAX = 256,   /* waiting for their missing parts at the same time */
    FRAGMENT_DATAGRAM_SIZE = 65535, /* both IP versions count their length in 16 bits */
    FRAGMENT_WAIT_SECONDS = 30,     /* within the 15 to 120 s that RFC 791 and RFC 8200 know */
    FRAGMENT_KIND_IPV6 = 256,
};

struct fragment {
    struct addr source, destination;
    uint32_t id;
    uint16_t kind;    /* the protocol for IPv4 (part of RFC 791's key), FRAGMENT_KIND_IPV6 for IPv6 */
    uint8_t protocol; /* of what the first fragment begins with */
    bool more;        /* not the last */
    uint32_t offset;  /* in bytes */
    struct bytes data;
    uint32_t missing; /* bytes of this fragment that were not captured */
    int64_t time_ns;
    const struct packet *packet; /* what the headers before it said */
    uint32_t headers;            /* and how many bytes they had */
};

struct datagram {
    struct bytes data;
    uint32_t missing;
    uint8_t protocol;
};

/* The beginning of a datagram that never became whole. */
struct beginning {
    struct datagram datagram; /* a length that no fragment told is as long as it can be for UDP, which tells
                                 its own, and else as long as what came */
    struct packet packet;     /* of the first fragment, as it stood before the datagram was read */
    uint32_t headers;
};

struct fragment_pool;

size_t fragment_pool_memory(void);
struct fragment_pool *fragment_pool_create(struct decoder_counters *counters);
void fragment_pool_destroy(struct fragment_pool *pool);
void fragment_pool_reset(struct fragment_pool *pool); /* forgets every datagram */

/* DECODED: *datagram is whole, and stays so for the next DECODE_BATCH_MAX datagrams. DECODE_FRAGMENT: kept,
 * ignored or refused. DECODE_MALFORMED: no datagram can have this part. */
enum decode_result fragment_add(struct fragment_pool *pool, const struct fragment *fragment,
                                struct datagram *datagram);

/* One datagram that was given up, or is to be by this time (INT64_MAX: every one); its bytes stay until the
 * next fragment_add(). False: there is none. */
bool fragment_overdue(struct fragment_pool *pool, int64_t now_ns, struct beginning *beginning);

#endif
