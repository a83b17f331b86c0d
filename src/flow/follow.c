/* SPDX-License-Identifier: BSD-2-Clause
 *
 * follow.c - what one packet changes in its flow: counters, TCP state, duplicates of a SPAN port, refusals.
 * Called by the engine for every packet, after the flow was found. Specifications: RFC 9293 (TCP), RFC 792
 * and RFC 4443 (ICMP errors). It ignores payloads: those are identification's.
 */
#include "kept.h"

enum { NS_PER_S = 1000000000 };

/* Copies that a SPAN port makes arrive within microseconds; a sender's own retransmission takes longer. */
enum { DUPLICATE_WINDOW_NS = 10000000, DUPLICATE_BYTES = 64 };

/* Destination unreachable; how icmp_code of struct flow_rare says which. */
enum { ICMP_UNREACHABLE = 3, ICMPV6_UNREACHABLE = 1, ICMP_OF_V6 = 0x80 };

const char *flow_end_name(enum flow_end end)
{
    static const char *const names[] = {"end-of-input", "fin", "rst", "idle", "active", "evicted"};
    return names[end];
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/*
 * Tells two packets apart that differ by more than a copy would: identification, length, checksum, TCP
 * position and the first payload bytes (PROTOCOLS 18.3). Not cryptographic: a forged duplicate only hides its
 * own packet.
 */
static uint32_t signature_of(const struct packet *packet)
{
    uint64_t hash = (uint64_t)packet->ip_id << 48 | (uint64_t)packet->checksum << 32 | packet->ip_bytes;
    if (packet->protocol == IP_TCP) {
        hash = mix(hash, (uint64_t)packet->tcp_sequence << 32 | packet->tcp_acknowledgement);
        hash = mix(hash, (uint32_t)packet->tcp_flags << 16 | packet->tcp_window);
    }
    hash = mix(hash, packet->esp_sequence);
    size_t most = packet->ip_id ? 8 : DUPLICATE_BYTES;
    struct bytes head =
        bytes_of(packet->payload.at, packet->payload.left < most ? packet->payload.left : most);
    while (head.left >= 8)
        hash = mix(hash, bytes_u64(&head));
    if (head.left >= 4)
        hash = mix(hash, bytes_u32(&head));
    uint32_t signature = (uint32_t)(mix(hash, 0) >> 32);
    return signature ? signature : 1;
}

static bool is_duplicate(const struct flow_line *line, const struct packet *packet, unsigned side,
                         uint32_t signature)
{
    uint64_t heard = (uint64_t)line->heard_high[side] << 32 | line->heard_low[side];
    int64_t since_ns = (int64_t)(((uint64_t)packet->time_ns - heard) << 16) >> 16; /* modulo 2^48 */
    return line->signature[side] == signature && since_ns <= DUPLICATE_WINDOW_NS &&
           since_ns >= -DUPLICATE_WINDOW_NS;
}

enum { DUE_SHIFT = 38 };

static int64_t due_after(uint16_t reports)
{
    return (reports + INT64_C(1)) * FLOW_ACTIVE_AFTER * NS_PER_S;
}

static uint8_t due_unit(int64_t time_ns)
{
    return (uint8_t)((uint64_t)time_ns >> DUE_SHIFT);
}

/* The number of this list of layers in the table, from 1; 0: none, or one too many. */
static uint16_t layers_number(struct flow_table *table, const struct packet *packet)
{
    uint8_t layers[FLOW_LAYERS_KEPT] = {0};
    unsigned kept = 0;
    for (unsigned i = 0; i < packet->layer_count && kept < FLOW_LAYERS_KEPT; i++)
        if (packet->layers[i] != LAYER_VLAN)
            layers[kept++] = packet->layers[i];
    const void *list = kept ? map_add(&table->layers, layers, NULL) : NULL;
    return list ? (uint16_t)(map_number(&table->layers, list) + 1) : 0;
}

struct flow_rare *rare_for(struct flow_table *table, uint32_t index)
{
    struct flow_rest *rest = rest_at(table, index);
    if (!rest->rare) {
        rest->rare = pool_take(&table->rares);
        *(struct flow_rare *)pool_item(&table->rares, rest->rare) = (struct flow_rare){.duplicates = 0};
    }
    return pool_item(&table->rares, rest->rare);
}

void flow_begin(struct flow_table *table, uint32_t index, const struct packet *packet, unsigned side)
{
    struct flow_line *line = line_at(table, index);
    struct flow_rest *rest = rest_at(table, index);
    rest->first_ns = line->last_ns = packet->time_ns;
    rest->vlan = packet->vlan;
    rest->layers = packet->layer_count ? layers_number(table, packet) : 0;
    identity_init(&rest->identity);
    line->bits |= side ? LINE_FIRST : 0;
    line->due = due_unit(rest->first_ns + due_after(0));
    if (packet->ah_spi || (packet->esp_spi && packet->protocol != IP_ESP)) /* AH, or ESP that hides nothing */
        line->flags |= FLOW_PROTECTED;
}

static void view_icmp(const struct flow_rare *rare, struct flow *out)
{
    bool v6 = rare->icmp_code & ICMP_OF_V6;
    out->icmp_type = v6 ? ICMPV6_UNREACHABLE : ICMP_UNREACHABLE;
    out->icmp_code = rare->icmp_code & (uint8_t)~ICMP_OF_V6;
}

void flow_view(const struct flow_table *table, uint32_t index, struct flow *out)
{
    const struct flow_line *line = line_at(table, index);
    const struct flow_rest *rest = rest_at(table, index);
    const struct flow_rare *rare = rare_at(table, index);
    flow_key_at(table, index, &out->key);
    out->first_ns = rest->first_ns;
    out->last_ns = line->last_ns;
    for (unsigned side = 0; side < 2; side++) {
        out->bytes[side] = (uint64_t)rare->bytes_high[side] << 32 | line->bytes[side];
        out->packets[side] = line->packets[side];
        out->ttl[side] = line->ttl[side];
    }
    out->identity = rest->identity;
    out->flags = line->flags;
    out->duplicates = rare->duplicates;
    out->truncated_packets = rare->truncated_packets;
    out->vlan = rest->vlan;
    out->first = line->bits & LINE_FIRST ? 1 : 0;
    out->tries = line->tries;
    out->icmp_type = out->icmp_code = 0;
    if (line->flags & FLOW_UNREACHABLE)
        view_icmp(rare, out);
    out->reports = rare->reports;
    if (rest->layers)
        memcpy(out->layers, map_key(&table->layers, rest->layers - 1u), sizeof out->layers);
    else
        memset(out->layers, 0, sizeof out->layers);
}

void flow_prefetch_rest(const struct flow_table *table, uint32_t index)
{
    const struct flow_rest *rest = rest_at(table, index);
    ask_ahead(rest);
    ask_ahead((const char *)(rest + 1) - 1);
}

void flow_prefetch_pair(const struct flow_table *table, uint32_t index)
{
    const struct flow_line *line = line_at(table, index);
    if (line->bits & LINE_V6)
        ask_ahead(pool_item(&table->pairs, line->addr[0]));
}

void flow_prefetch_line(const struct flow_table *table, uint32_t index)
{
    ask_ahead(line_at(table, index));
}

void flow_prefetch(const struct flow_table *table, uint32_t index)
{
    flow_prefetch_line(table, index);
    flow_prefetch_rest(table, index);
}

struct identity *flow_identity(struct flow_table *table, uint32_t index)
{
    return &rest_at(table, index)->identity;
}

void flow_identified(struct flow_table *table, uint32_t index)
{
    const struct identity *identity = &rest_at(table, index)->identity;
    struct flow_line *line = line_at(table, index);
    line->bits &= (uint8_t) ~(LINE_SETTLED | LINE_WORKING | LINE_STEADY);
    line->bits |= (identity->settled ? LINE_SETTLED : 0) |
                  (identify_wants_empty(identity) ? LINE_WORKING : 0) |
                  (identify_is_running(identity) ? LINE_STEADY : 0);
}

bool flow_wants_payload(const struct flow_table *table, uint32_t index)
{
    return !(line_at(table, index)->bits & LINE_SETTLED);
}

bool flow_heard_both(const struct flow_table *table, uint32_t index)
{
    const struct flow_line *line = line_at(table, index);
    return line->packets[0] && line->packets[1];
}

bool flow_wants_empty(const struct flow_table *table, uint32_t index)
{
    return line_at(table, index)->bits & LINE_WORKING;
}

bool flow_is_steady(const struct flow_table *table, uint32_t index)
{
    return line_at(table, index)->bits & LINE_STEADY;
}

unsigned flow_first_side(const struct flow_table *table, uint32_t index)
{
    return line_at(table, index)->bits & LINE_FIRST ? 1 : 0;
}

bool line_is_idle(const struct flow_line *line, int64_t now_ns)
{
    int64_t limit = FLOW_IDLE_OTHER, since_ns = now_ns - line->last_ns;
    if (since_ns <= (int64_t)FLOW_IDLE_LEAST * NS_PER_S)
        return false; /* nearly every packet's flow */
    if (line->flags & FLOW_CLOSED)
        limit = FLOW_IDLE_CLOSED;
    else if (!line->packets[0] || !line->packets[1])
        limit = FLOW_IDLE_ATTEMPT;
    else if (line->protocol == IP_TCP)
        limit = FLOW_IDLE_TCP;
    return since_ns > limit * NS_PER_S;
}

bool flow_is_idle(const struct flow_table *table, uint32_t index, int64_t now_ns)
{
    return line_is_idle(line_at(table, index), now_ns);
}

/* DESIGN 5.4 */
enum { SILENT_TRIES = 3, SILENT_SPAN_S = 1, SILENT_AFTER_S = 2 };

bool flow_is_silent(const struct flow_table *table, uint32_t index, int64_t now_ns)
{
    const struct flow_line *line = line_at(table, index);
    return line->tries >= SILENT_TRIES && (!line->packets[0] || !line->packets[1]) &&
           now_ns - line->last_ns >= INT64_C(1) * SILENT_AFTER_S * NS_PER_S &&
           line->last_ns - rest_at(table, index)->first_ns >= INT64_C(1) * SILENT_SPAN_S * NS_PER_S;
}

bool flow_is_closed(const struct flow_table *table, uint32_t index)
{
    return line_at(table, index)->flags & FLOW_CLOSED;
}

enum flow_end flow_end_of(const struct flow_table *table, uint32_t index)
{
    const struct flow_line *line = line_at(table, index);
    if (line->flags & (FLOW_RST_0 | FLOW_RST_1))
        return FLOW_END_RST;
    return line->flags & FLOW_CLOSED ? FLOW_END_FIN : FLOW_END_IDLE;
}

bool flow_report_is_due(struct flow_table *table, uint32_t index)
{
    struct flow_line *line = line_at(table, index);
    if ((int8_t)(due_unit(line->last_ns) - line->due) < 0)
        return false;
    int64_t first_ns = rest_at(table, index)->first_ns;
    uint16_t reports = rare_at(table, index)->reports;
    if (line->last_ns - first_ns < due_after(reports) || reports == UINT16_MAX)
        return false;
    rare_for(table, index)->reports = ++reports;
    line->due = due_unit(first_ns + due_after(reports));
    return true;
}

bool flow_is_over_for(const struct flow_table *table, uint32_t index, const struct packet *packet)
{
    const struct flow_line *line = line_at(table, index);
    bool syn = packet->protocol == IP_TCP && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    return (syn && (line->flags & FLOW_CLOSED)) || line_is_idle(line, packet->time_ns);
}

static bool has_answered(uint8_t protocol, unsigned flags, const uint32_t packets[2], unsigned side)
{
    if (protocol == IP_TCP)
        return flags & ((FLOW_SYN_ACK_0 | FLOW_DATA_0) << side);
    return packets[side] > 0;
}

bool flow_answered_by(const struct flow *flow, unsigned side)
{
    return has_answered(flow->key.protocol, flow->flags, flow->packets, side);
}

static bool line_answered_by(const struct flow_line *line, unsigned side)
{
    return has_answered(line->protocol, line->flags, line->packets, side);
}

static unsigned follow_tcp(struct flow_line *line, const struct packet *packet, unsigned side)
{
    unsigned step = 0, other = 1 - side;
    unsigned flags = line->flags, tcp = packet->tcp_flags;
    if ((tcp & TCP_SYN) && !(tcp & TCP_ACK)) {
        flags |= FLOW_SYN_0 << side;
        if (line->tries < UINT8_MAX)
            line->tries++;
    } else if (tcp & TCP_SYN) {
        flags |= FLOW_SYN_ACK_0 << side;
        step |= FLOW_LISTENER;
    }
    if (packet->payload_wirelen > 0 && !(tcp & TCP_RST))
        flags |= FLOW_DATA_0 << side;
    if (tcp & TCP_FIN)
        flags |= FLOW_FIN_0 << side;
    if (tcp & TCP_RST) {
        flags |= FLOW_RST_0 << side;
        bool answers_syn = (flags & (FLOW_SYN_0 << other)) && !(flags & (FLOW_SYN_ACK_0 << side)) &&
                           !(flags & (FLOW_DATA_0 | FLOW_DATA_1));
        if (answers_syn && !(flags & FLOW_REFUSED)) {
            flags |= FLOW_REFUSED;
            step |= FLOW_REFUSAL;
        }
    }
    if ((flags & (FLOW_RST_0 | FLOW_RST_1)) ||
        (flags & (FLOW_FIN_0 | FLOW_FIN_1)) == (FLOW_FIN_0 | FLOW_FIN_1))
        flags |= FLOW_CLOSED;
    unsigned certain = FLOW_SYN_0 | FLOW_SYN_1 | FLOW_SYN_ACK_0 | FLOW_SYN_ACK_1;
    if ((flags & certain) != (line->flags & certain))
        step |= FLOW_TURNED;
    line->flags = (uint16_t)flags;
    return step;
}

/* What seldom happens to a flow, and is kept apart. */
static void count_rare(struct flow_table *table, uint32_t index, const struct packet *packet, unsigned side)
{
    struct flow_line *line = line_at(table, index);
    struct flow_rare *rare = rare_for(table, index);
    if (line->bytes[side] < packet->ip_bytes)
        rare->bytes_high[side]++; /* the low half has just begun anew */
    if (!packet->is_cut)
        return;
    line->flags |= FLOW_CUT;
    if (rare->truncated_packets < UINT16_MAX)
        rare->truncated_packets++;
}

static void hear(struct flow_line *line, const struct packet *packet, unsigned side, uint32_t signature)
{
    line->signature[side] = signature;
    line->heard_low[side] = (uint32_t)packet->time_ns;
    line->heard_high[side] = (uint16_t)((uint64_t)packet->time_ns >> 32);
    if (!line->packets[side]++)
        line->ttl[side] = packet->ttl;
    line->bytes[side] += packet->ip_bytes;
    if (packet->time_ns > line->last_ns)
        line->last_ns = packet->time_ns;
}

unsigned flow_follow(struct flow_table *table, uint32_t index, const struct packet *packet, unsigned side)
{
    struct flow_line *line = line_at(table, index);
    uint32_t signature = signature_of(packet);
    if (is_duplicate(line, packet, side, signature)) {
        struct flow_rare *rare = rare_for(table, index);
        if (rare->duplicates < UINT16_MAX)
            rare->duplicates++;
        return FLOW_DUPLICATE;
    }
    bool answered = line_answered_by(line, side);
    hear(line, packet, side, signature);
    if (packet->is_cut || line->bytes[side] < packet->ip_bytes)
        count_rare(table, index, packet, side);
    unsigned step = 0;
    if (packet->protocol == IP_TCP)
        step = follow_tcp(line, packet, side);
    else if (!line->packets[1 - side] && line->tries < UINT8_MAX)
        line->tries++;
    if (!answered && line_answered_by(line, side))
        step |= FLOW_ANSWERED;
    if (packet->payload_wirelen > 0)
        step |= FLOW_HAS_DATA;
    return step;
}

bool flow_icmp(struct flow_table *table, uint32_t index, unsigned side, bool v6, uint8_t type, uint8_t code)
{
    bool refusal =
        v6 ? type == ICMPV6_UNREACHABLE && (code == 1 || code == 4)
           : type == ICMP_UNREACHABLE && (code == 1 || code == 3 || code == 9 || code == 10 || code == 13);
    struct flow_line *line = line_at(table, index);
    if (!refusal || line_answered_by(line, 1 - side))
        return false;
    line->flags |= FLOW_UNREACHABLE;
    rare_for(table, index)->icmp_code = (uint8_t)(code | (v6 ? ICMP_OF_V6 : 0));
    return true;
}
