/* SPDX-License-Identifier: BSD-2-Clause
 *
 * kept.h - how a table keeps a flow: one cache line with all that its packets touch, and the rest, which is
 * touched when the flow begins, is identified, told of or ends. Private to src/flow.
 */
#ifndef ROLECALL_FLOW_KEPT_H
#define ROLECALL_FLOW_KEPT_H

#include "rolecall/flow.h"
#include "rolecall/map.h"
#include "rolecall/pool.h"

enum {
    LINE_USED = 1 << 0,
    LINE_V6 = 1 << 1,      /* the addresses stand in an item of the pool of pairs */
    LINE_FIRST = 1 << 2,   /* the side of the first packet */
    LINE_SETTLED = 1 << 3, /* as the identity says */
    LINE_WORKING = 1 << 4, /* identification has work in hand */
    LINE_STEADY = 1 << 5   /* RTP that goes on */
};

/* Times are in nanoseconds; heard is the low 48 bits of a side's last packet's time: exact, but for a copy
 * that comes 78 hours later to the millisecond. */
struct flow_line {
    int64_t last_ns;
    uint32_t addr[2]; /* IPv4 addresses as numbers; with LINE_V6: index of the pair, and a part of its hash */
    uint16_t port[2];
    uint8_t protocol;
    uint8_t bits;
    uint16_t flags; /* enum flow_flag */
    uint32_t packets[2];
    uint32_t bytes[2];     /* low half */
    uint32_t signature[2]; /* of each side's last packet, for duplicates; 0: none */
    uint32_t heard_low[2];
    uint16_t heard_high[2];
    uint8_t ttl[2];
    uint8_t tries;
    uint8_t due; /* when it may be due for a report, in units of 2^38 ns, modulo 256 */
};
_Static_assert(sizeof(struct flow_line) == 64, "one cache line");

struct flow_rest {
    int64_t first_ns;
    struct identity identity;
    uint32_t rare; /* an item of that pool; 0: all of it is zero */
    uint16_t vlan;
    uint16_t layers; /* number of the table's list of layers + 1; 0: none */
};
_Static_assert(sizeof(struct flow_rest) == 32, "half of a cache line");

/* What most flows never need. */
struct flow_rare {
    uint16_t bytes_high[2];
    uint16_t duplicates, truncated_packets;
    uint16_t reports;
    uint8_t icmp_code; /* with FLOW_UNREACHABLE; the type follows from the family */
};

struct flow_pair {
    struct addr addr[2];
};

struct bucket;

enum { FLOW_LAYERS_KEPT = 6, FLOW_LAYER_LISTS_MAX = 1024 };

struct flow_table {
    struct pool lines, pairs, rares; /* as many of each: none is ever empty before the lines are */
    struct flow_rest *rests;         /* by the index of the line */
    struct map layers;               /* lists of layers, each as the event shows it */
    struct bucket *buckets;
    uint32_t flows_max;
    uint32_t index_mask;                /* of an entry in a bucket: the rest of it is the tag */
    uint32_t first_count, bucket_count; /* buckets at the start, and now */
    unsigned level, levels_left;        /* how often they were split, and may be yet */
    uint32_t hand;                      /* where the search for room goes on */
    uint32_t sweep;                     /* next bucket to look through for idle flows */
    int64_t swept_ns;
};

static inline struct flow_line *line_at(const struct flow_table *table, uint32_t index)
{
    return pool_item(&table->lines, index);
}

static inline struct flow_rest *rest_at(const struct flow_table *table, uint32_t index)
{
    return &table->rests[index];
}

/* For reading. */
static inline const struct flow_rare *rare_at(const struct flow_table *table, uint32_t index)
{
    static const struct flow_rare none;
    uint32_t rare = rest_at(table, index)->rare;
    return rare ? pool_item(&table->rares, rare) : &none;
}

/* For writing. */
struct flow_rare *rare_for(struct flow_table *table, uint32_t index);

bool line_is_idle(const struct flow_line *line, int64_t now_ns);

#endif
