/* SPDX-License-Identifier: BSD-2-Clause
 *
 * follow.c - what one packet changes in its flow: counters, TCP state, duplicates of a SPAN port, refusals.
 * Called by the engine for every packet, after the flow was found. Specifications: RFC 9293 (TCP), RFC 792
 * and RFC 4443 (ICMP errors). It ignores payloads: those are identification's.
 */
#include "rolecall/flow.h"

enum { NS_PER_S = 1000000000 };

/* Copies that a SPAN port makes arrive within microseconds; a sender's own retransmission takes longer. */
enum { DUPLICATE_WINDOW_NS = 10000000, DUPLICATE_BYTES = 64 };

const char *flow_end_name(enum flow_end end)
{
    static const char *const names[] = {"end-of-input", "fin", "rst", "idle", "active", "evicted"};
    return names[end];
}

static uint32_t mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * 0x9e3779b1u;
    return hash ^ hash >> 15;
}

/*
 * Tells two packets apart that differ by more than a copy would: identification, length, checksum, TCP
 * position and the first payload bytes (PROTOCOLS 18.3). Not cryptographic: a forged duplicate only hides its
 * own packet.
 */
static uint32_t signature_of(const struct packet *packet)
{
    uint32_t hash = mix((uint32_t)packet->ip_id << 16 | packet->checksum, packet->ip_bytes);
    hash = mix(hash, packet->tcp_sequence);
    hash = mix(hash, packet->tcp_acknowledgement);
    hash = mix(hash, (uint32_t)packet->tcp_flags << 16 | packet->tcp_window);
    hash = mix(hash, packet->esp_sequence);
    struct bytes payload = packet->payload;
    size_t some = payload.left < DUPLICATE_BYTES ? payload.left : DUPLICATE_BYTES;
    if (packet->ip_id && some > 8)
        some = 8;
    for (struct bytes head = bytes_of(payload.at, some - some % 4); head.left > 0;)
        hash = mix(hash, bytes_u32(&head));
    return hash ? hash : 1;
}

static bool is_duplicate(const struct flow *flow, const struct packet *packet, unsigned side,
                         uint32_t signature)
{
    int64_t since_ns = packet->time_ns - flow->heard_ns[side];
    return flow->signature[side] == signature && since_ns <= DUPLICATE_WINDOW_NS &&
           since_ns >= -DUPLICATE_WINDOW_NS;
}

void flow_begin(struct flow *flow, const struct packet *packet, unsigned side)
{
    flow->first_ns = flow->last_ns = packet->time_ns;
    flow->first = (uint8_t)side;
    flow->vlan = packet->vlan;
    identity_init(&flow->identity);
    unsigned kept = 0;
    for (unsigned i = 0; i < packet->layer_count && kept < sizeof flow->layers; i++)
        if (packet->layers[i] != LAYER_VLAN)
            flow->layers[kept++] = packet->layers[i];
    if (packet->ah_spi || (packet->esp_spi && packet->protocol != IP_ESP)) /* AH, or ESP that hides nothing */
        flow->flags |= FLOW_PROTECTED;
}

bool flow_is_idle(const struct flow *flow, int64_t now_ns)
{
    int64_t limit = FLOW_IDLE_OTHER;
    if (flow->flags & FLOW_CLOSED)
        limit = FLOW_IDLE_CLOSED;
    else if (!flow->packets[0] || !flow->packets[1])
        limit = FLOW_IDLE_ATTEMPT;
    else if (flow->key.protocol == IP_TCP)
        limit = FLOW_IDLE_TCP;
    return now_ns - flow->last_ns > limit * NS_PER_S;
}

/* DESIGN 5.4 */
enum { SILENT_TRIES = 3, SILENT_SPAN_S = 1, SILENT_AFTER_S = 2 };

bool flow_is_silent(const struct flow *flow, int64_t now_ns)
{
    return flow->tries >= SILENT_TRIES && (!flow->packets[0] || !flow->packets[1]) &&
           flow->last_ns - flow->first_ns >= INT64_C(1) * SILENT_SPAN_S * NS_PER_S &&
           now_ns - flow->last_ns >= INT64_C(1) * SILENT_AFTER_S * NS_PER_S;
}

enum flow_end flow_end_of(const struct flow *flow)
{
    if (flow->flags & (FLOW_RST_0 | FLOW_RST_1))
        return FLOW_END_RST;
    return flow->flags & FLOW_CLOSED ? FLOW_END_FIN : FLOW_END_IDLE;
}

bool flow_report_is_due(struct flow *flow)
{
    int64_t due = (flow->reports + INT64_C(1)) * FLOW_ACTIVE_AFTER * NS_PER_S;
    if (flow->last_ns - flow->first_ns < due || flow->reports == UINT16_MAX)
        return false;
    flow->reports++;
    return true;
}

bool flow_is_over_for(const struct flow *flow, const struct packet *packet)
{
    bool syn = packet->protocol == IP_TCP && (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
    return (syn && (flow->flags & FLOW_CLOSED)) || flow_is_idle(flow, packet->time_ns);
}

bool flow_answered_by(const struct flow *flow, unsigned side)
{
    if (flow->key.protocol == IP_TCP)
        return flow->flags & ((FLOW_SYN_ACK_0 | FLOW_DATA_0) << side);
    return flow->packets[side] > 0;
}

static unsigned follow_tcp(struct flow *flow, const struct packet *packet, unsigned side)
{
    unsigned step = 0, other = 1 - side;
    unsigned flags = flow->flags, tcp = packet->tcp_flags;
    if ((tcp & TCP_SYN) && !(tcp & TCP_ACK)) {
        flags |= FLOW_SYN_0 << side;
        if (flow->tries < UINT8_MAX)
            flow->tries++;
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
    if ((flags & certain) != (flow->flags & certain))
        step |= FLOW_TURNED;
    flow->flags = (uint16_t)flags;
    return step;
}

unsigned flow_follow(struct flow *flow, const struct packet *packet, unsigned side)
{
    uint32_t signature = signature_of(packet);
    if (is_duplicate(flow, packet, side, signature)) {
        if (flow->duplicates < UINT16_MAX)
            flow->duplicates++;
        return FLOW_DUPLICATE;
    }
    flow->signature[side] = signature;
    flow->heard_ns[side] = packet->time_ns;
    bool answered = flow_answered_by(flow, side);
    if (!flow->packets[side]++)
        flow->ttl[side] = packet->ttl;
    flow->bytes[side] += packet->ip_bytes;
    if (packet->time_ns > flow->last_ns)
        flow->last_ns = packet->time_ns;
    if (packet->is_cut) {
        flow->flags |= FLOW_CUT;
        if (flow->truncated_packets < UINT16_MAX)
            flow->truncated_packets++;
    }
    unsigned step = 0;
    if (packet->protocol == IP_TCP)
        step = follow_tcp(flow, packet, side);
    else if (!flow->packets[1 - side] && flow->tries < UINT8_MAX)
        flow->tries++;
    if (!answered && flow_answered_by(flow, side))
        step |= FLOW_ANSWERED;
    if (packet->payload_wirelen > 0)
        step |= FLOW_HAS_DATA;
    return step;
}

bool flow_icmp(struct flow *flow, unsigned side, bool v6, uint8_t type, uint8_t code)
{
    bool refusal = v6 ? type == 1 && (code == 1 || code == 4)
                      : type == 3 && (code == 1 || code == 3 || code == 9 || code == 10 || code == 13);
    if (!refusal || flow_answered_by(flow, 1 - side))
        return false;
    flow->flags |= FLOW_UNREACHABLE;
    flow->icmp_type = type;
    flow->icmp_code = code;
    return true;
}
