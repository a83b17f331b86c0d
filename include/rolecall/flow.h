/* SPDX-License-Identifier: BSD-2-Clause
 *
 * flow.h - both directions of one 5-tuple, and the table that holds them.
 *
 * A table is one shard: a fixed number of flows, made at start, found through a keyed hash in buckets of one
 * cache line, and named by an index that stays the same while the flow lives. flow_table_find() and
 * flow_table_add() find or make the flow of a packet; making one may push out the oldest of its bucket.
 * flow_follow() then lets the packet change the flow: counters, TCP state, duplicates. What every packet
 * touches of a flow is one cache line of its own; flow_view() makes the whole of it for whoever judges or
 * reports it. Which of the flow's two ends is meant is always a *side*: 0 is the end whose address and port
 * compare lower, 1 the other; `first` is the side that was seen first. Nothing here knows protocols' names or
 * rules. One table belongs to one thread at a time.
 */
#ifndef ROLECALL_FLOW_H
#define ROLECALL_FLOW_H

#include "rolecall/identify.h"
#include "rolecall/packet.h"

/* Sorted by whole end points and compared as bytes; padding is zero. */
struct flow_key {
    struct addr addr[2];
    uint16_t port[2]; /* host order */
    uint8_t protocol; /* IANA number */
    uint8_t zero[3];
};

enum flow_flag {
    FLOW_SYN_0 = 1 << 0, /* side 0 sent a SYN without ACK; side 1: the next bit */
    FLOW_SYN_1 = 1 << 1,
    FLOW_SYN_ACK_0 = 1 << 2,
    FLOW_SYN_ACK_1 = 1 << 3,
    FLOW_DATA_0 = 1 << 4, /* TCP payload */
    FLOW_DATA_1 = 1 << 5,
    FLOW_FIN_0 = 1 << 6,
    FLOW_FIN_1 = 1 << 7,
    FLOW_RST_0 = 1 << 8,
    FLOW_RST_1 = 1 << 9,
    FLOW_REFUSED = 1 << 10,     /* an RST answered the SYN */
    FLOW_CLOSED = 1 << 11,      /* FIN from both, or an RST: a SYN starts a new flow */
    FLOW_UNREACHABLE = 1 << 12, /* an ICMP error of DESIGN 5.4 quoted it */
    FLOW_PROTECTED = 1 << 13,   /* came in AH or readable ESP */
    FLOW_CUT = 1 << 14,         /* a packet of it was cut by the snap length */
    FLOW_SILENT = 1 << 15       /* tried often enough, and nothing came for long enough (DESIGN 5.4) */
};

enum flow_end {
    FLOW_END_INPUT,
    FLOW_END_FIN,
    FLOW_END_RST,
    FLOW_END_IDLE,
    FLOW_END_ACTIVE,
    FLOW_END_EVICTED
};
const char *flow_end_name(enum flow_end end); /* as rolecall.flow.end_reason prints it */

/* A flow as it is at one moment. */
struct flow {
    struct flow_key key;
    int64_t first_ns, last_ns; /* packet times; last_ns never goes back */
    uint64_t bytes[2];         /* IP total length, by sending side */
    uint32_t packets[2];
    struct identity identity;
    uint16_t flags; /* enum flow_flag */
    uint16_t duplicates, truncated_packets;
    uint16_t vlan;                /* of the first packet, 0xffff: untagged */
    uint8_t first;                /* side of the first packet */
    uint8_t ttl[2];               /* of each side's first packet */
    uint8_t tries;                /* SYNs without an answer, or datagrams without one */
    uint8_t icmp_type, icmp_code; /* with FLOW_UNREACHABLE */
    uint16_t reports;             /* by the active timeout */
    uint8_t layers[6];            /* enum layer, outermost first, of the first packet; 0 ends the list */
};

/* Packet time a flow may stay silent, in seconds; like Suricata's and Zeek's defaults. */
enum {
    FLOW_IDLE_TCP = 600,
    FLOW_IDLE_ATTEMPT = 60,
    FLOW_IDLE_CLOSED = 10,
    FLOW_IDLE_LEAST = FLOW_IDLE_CLOSED,
    FLOW_IDLE_OTHER = 180,
    FLOW_ACTIVE_AFTER = 3600
};

/* The key of what one end point sends to another (sides sorted), and which side it is. */
void flow_key_of(const struct addr *source, const struct addr *destination, uint16_t source_port,
                 uint16_t destination_port, uint8_t protocol, struct flow_key *key, unsigned *side);
uint64_t flow_key_hash(const struct flow_key *key, const uint64_t secret[2]);

/* The key of a packet, and which side sent it; returns the key's hash. */
uint64_t flow_key_of_packet(const struct packet *packet, const uint64_t secret[2], struct flow_key *key,
                            unsigned *side);

struct flow_table;
struct flow_table *flow_table_create(uint32_t flows_max); /* NULL: out of memory */
void flow_table_destroy(struct flow_table *table);
size_t flow_table_memory(uint32_t flows_max);

/* Brings the bucket of this hash into the cache. */
void flow_table_prefetch(const struct flow_table *table, uint64_t hash);

/* The flow that probably has this hash (a part of it is compared; 0: none): ahead of flow_table_find(), which
 * alone is sure. */
uint32_t flow_table_guess(const struct flow_table *table, uint64_t hash);

/* 0 when there is none. The index stays the same while the flow lives. `guess` is what flow_table_guess()
 * said of this hash, now or some time ago; 0: it was not asked. */
uint32_t flow_table_find(const struct flow_table *table, const struct flow_key *key, uint64_t hash,
                         uint32_t guess);

/* Makes a flow that flow_table_find() did not find. `victim` is called first for each flow that must go to
 * make room; that flow is removed when it returns. Never fails. */
typedef void flow_visitor(void *context, uint32_t index, enum flow_end end);
uint32_t flow_table_add(struct flow_table *table, const struct flow_key *key, uint64_t hash,
                        flow_visitor *victim, void *context);
void flow_table_remove(struct flow_table *table, uint32_t index, uint64_t hash);

/* Walks on through a part of the table that grows with the packet time gone by (all of it in 10 s) and ends
 * what has been idle too long; at most `limit` flows a call. A flow that becomes FLOW_SILENT is shown to
 * `silent` once, and lives on. */
void flow_table_expire(struct flow_table *table, int64_t now_ns, unsigned limit, flow_visitor *expired,
                       flow_visitor *silent, void *context);

uint32_t flow_table_count(const struct flow_table *table);

/* Every flow in the order in which they began, equal ones by their keys; `out` has room for all. */
void flow_table_list(const struct flow_table *table, uint32_t *out);
int64_t flow_began_ns(const struct flow_table *table, uint32_t index);
/* The same order between flows of two tables. */
bool flow_began_before(const struct flow_table *table, uint32_t index, const struct flow_table *other,
                       uint32_t other_index);

/* What a table could not keep of its flows: ways into a tunnel beyond those that it can tell apart. */
uint64_t flow_table_layers_refused(const struct flow_table *table);

/* ---- one flow of a table ---- */

void flow_begin(struct flow_table *table, uint32_t index, const struct packet *packet, unsigned side);
void flow_view(const struct flow_table *table, uint32_t index, struct flow *out);
void flow_key_at(const struct flow_table *table, uint32_t index, struct flow_key *out);

/* Bring a flow into the cache: all of it, what every packet touches, or the rest. */
void flow_prefetch(const struct flow_table *table, uint32_t index);
void flow_prefetch_line(const struct flow_table *table, uint32_t index);
/* All but what every packet touches; and, of that, what stands outside the line. The line must have come. */
void flow_prefetch_rest(const struct flow_table *table, uint32_t index);
void flow_prefetch_pair(const struct flow_table *table, uint32_t index);

/* What identification keeps with the flow. After it was written to, flow_identified(). */
struct identity *flow_identity(struct flow_table *table, uint32_t index);
void flow_identified(struct flow_table *table, uint32_t index);
/* Does identification want to see a packet with payload, or an empty one? Asks the packet's own line alone.
 */
bool flow_wants_payload(const struct flow_table *table, uint32_t index);
bool flow_wants_empty(const struct flow_table *table, uint32_t index);
/* RTP that goes on: identification looks at each packet, but hardly ever has news. */
bool flow_is_steady(const struct flow_table *table, uint32_t index);
unsigned flow_first_side(const struct flow_table *table, uint32_t index);
/* Were packets of both sides seen? */
bool flow_heard_both(const struct flow_table *table, uint32_t index);

/* Has the flow lived so long that it is to be reported although it goes on? Says so once per
 * FLOW_ACTIVE_AFTER. */
bool flow_report_is_due(struct flow_table *table, uint32_t index);
bool flow_is_idle(const struct flow_table *table, uint32_t index, int64_t now_ns);
/* Three tries over a second at least, no packet back, and two seconds gone since. */
bool flow_is_silent(const struct flow_table *table, uint32_t index, int64_t now_ns);
/* fin, rst or idle: why a silent flow is over. */
enum flow_end flow_end_of(const struct flow_table *table, uint32_t index);
bool flow_is_closed(const struct flow_table *table, uint32_t index);

/* What the packet did. A duplicate changes nothing but its own counter. */
enum flow_step {
    FLOW_SAME = 0,
    FLOW_DUPLICATE = 1 << 0,
    FLOW_ANSWERED = 1 << 1, /* the other side was heard for the first time */
    FLOW_TURNED = 1 << 2,   /* a SYN or SYN-ACK: the direction is certain now */
    FLOW_LISTENER = 1 << 3, /* its sender answered a SYN */
    FLOW_REFUSAL = 1 << 4,
    FLOW_HAS_DATA = 1 << 5, /* the payload is new: identification may look at it */
    FLOW_NEWS = FLOW_ANSWERED | FLOW_TURNED | FLOW_REFUSAL | FLOW_LISTENER /* what the judge hears of */
};
unsigned flow_follow(struct flow_table *table, uint32_t index, const struct packet *packet, unsigned side);

/* A SYN on a flow that is over starts another one (DESIGN 5). */
bool flow_is_over_for(const struct flow_table *table, uint32_t index, const struct packet *packet);

/* An ICMP error that quotes a packet sent by `side`; returns whether it counts as a refusal (DESIGN 5.4). */
bool flow_icmp(struct flow_table *table, uint32_t index, unsigned side, bool v6, uint8_t type, uint8_t code);

/* Has the end at `side` answered: a SYN-ACK, TCP data, any UDP packet (DESIGN 5)? */
bool flow_answered_by(const struct flow *flow, unsigned side);

#endif
