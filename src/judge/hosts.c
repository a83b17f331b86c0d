/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hosts.c - facts about addresses, end points and address pairs that no single flow knows: who was seen
 * sending, whose flows show one direction only, who listens, which ports an endpoint mapper handed out.
 */
#include "judge_internal.h"

/* DESIGN 5.4: at least 20 flows of which 80 % show one direction. */
enum { ONE_WAY_FLOWS = 20, ONE_WAY_PERCENT = 80 };

struct address_facts *judge_address(struct judge *judge, const struct addr *addr, int64_t now_ns)
{
    bool added;
    struct address_facts *facts = map_take(&judge->addresses, addr, now_ns, &added);
    if (added)
        facts->is_anew = judge_forgot(&judge->addresses, now_ns);
    return facts;
}

bool judge_forgot(const struct map *map, int64_t now_ns)
{
    return map->forgotten && now_ns - map->forgot_ns < DAY_NS;
}

bool judge_is_hardly_known(const struct judge *judge, const struct addr *addr)
{
    const struct address_facts *facts = map_find(&judge->addresses, addr);
    return !facts || (facts->is_anew && facts->flows < ONE_WAY_FLOWS);
}

bool judge_has_sent(const struct judge *judge, const struct addr *addr)
{
    const struct address_facts *facts = map_find(&judge->addresses, addr);
    return facts && facts->has_sent;
}

bool judge_is_one_way(const struct judge *judge, const struct addr *addr)
{
    const struct address_facts *facts = map_find(&judge->addresses, addr);
    return facts && facts->flows >= ONE_WAY_FLOWS &&
           (uint64_t)facts->one_way * 100 >= (uint64_t)facts->flows * ONE_WAY_PERCENT;
}

/* Nobody answers from a group address: such flows say nothing about what the capture sees. */
static bool is_group(const struct addr *addr)
{
    return addr_is_multicast(addr) || addr_is_broadcast(addr);
}

/* A side of which only a reset is known may be a firewall that speaks in its name: it says nothing here. */
static void note_ttl(struct address_facts *facts, const struct flow *flow, unsigned side)
{
    bool reset_only = (flow->flags & (FLOW_RST_0 << side)) && !flow_answered_by(flow, side) &&
                      !(flow->flags & (FLOW_SYN_0 << side));
    if (!facts || !flow->packets[side] || !flow->ttl[side] || reset_only)
        return;
    if (!facts->ttl_low || flow->ttl[side] < facts->ttl_low)
        facts->ttl_low = flow->ttl[side];
    if (flow->ttl[side] > facts->ttl_high)
        facts->ttl_high = flow->ttl[side];
}

/* A flow begins: so far only its first side was heard. */
void judge_count_flow(struct judge *judge, const struct judge_flow *in, struct mark *mark)
{
    const struct flow *flow = in->flow;
    bool group = is_group(&flow->key.addr[0]) || is_group(&flow->key.addr[1]);
    mark->one_way = !group;
    for (unsigned side = 0; side < 2; side++) {
        struct address_facts *facts = judge_address(judge, &flow->key.addr[side], in->now_ns);
        facts->has_sent |= side == flow->first;
        facts->flows += !group;
        facts->one_way += !group && side != flow->first;
        note_ttl(facts, flow, side);
    }
}

void judge_heard(struct judge *judge, const struct judge_flow *in, struct mark *mark)
{
    const struct flow *flow = in->flow;
    unsigned other = 1u - flow->first;
    bool heard_both = mark->one_way && flow->packets[0] && flow->packets[1];
    if (heard_both) {
        struct address_facts *facts = judge_address(judge, &flow->key.addr[other], in->now_ns);
        facts->has_sent = true;
        facts->one_way -= facts->one_way > 0;
        note_ttl(facts, flow, other);
        mark->one_way = false;
    }
    /* The TTL of a side was noted when it was first heard, unless it began with a reset. */
    for (unsigned side = 0; (in->step & FLOW_ANSWERED) && side < 2; side++)
        if ((flow->flags & (FLOW_RST_0 << side)) && !(heard_both && side == other))
            note_ttl(map_find(&judge->addresses, &flow->key.addr[side]), flow, side);
}

void judge_add_endpoint(struct map *map, const struct addr *addr, uint16_t port, int64_t now_ns)
{
    struct endpoint_key key = {.addr = *addr, .port = port};
    bool added;
    int64_t *since_ns = map_take(map, &key, now_ns, &added);
    if (added)
        *since_ns = now_ns;
}

int64_t judge_endpoint_since(const struct map *map, const struct addr *addr, uint16_t port)
{
    struct endpoint_key key = {.addr = *addr, .port = port};
    const int64_t *since_ns = map_find(map, &key);
    return since_ns ? *since_ns : INT64_MAX; /* unknown */
}

bool judge_has_endpoint(const struct map *map, const struct addr *addr, uint16_t port)
{
    return judge_endpoint_since(map, addr, port) != INT64_MAX;
}

static struct session_key session_of(const struct flow *flow, unsigned initiator, uint32_t session)
{
    return (struct session_key){.client = flow->key.addr[initiator],
                                .server = flow->key.addr[1 - initiator],
                                .session = session,
                                .port = flow->key.port[1 - initiator]};
}

/* By its id; else it may be that of a ticket, which has no id (RFC 5077 section 3.4). */
static uint8_t *find_session(const struct judge *judge, const struct flow *flow, unsigned initiator,
                             uint32_t session)
{
    struct session_key key = session_of(flow, initiator, session);
    uint8_t *mutual = map_find(&judge->sessions, &key);
    key.session = 0;
    return mutual ? mutual : map_find(&judge->sessions, &key);
}

static bool is_resumed(const struct flow *flow, const struct proto_facts *facts)
{
    return flow->key.protocol == IP_TCP && facts->tls.resumed == TRI_YES && facts->tls.version <= 0x0303;
}

void judge_keep_session(struct judge *judge, const struct judge_flow *in, unsigned initiator)
{
    const struct flow *flow = in->flow;
    const struct proto_facts *facts = in->facts;
    if (is_resumed(flow, facts)) {
        uint8_t *mutual = find_session(judge, flow, initiator, facts->tls.session);
        if (mutual)
            map_touch(&judge->sessions, mutual, in->now_ns);
    } else if (flow->key.protocol == IP_TCP && facts->tls.full_handshake && facts->tls.mutual) {
        struct session_key key = session_of(flow, initiator, facts->tls.session);
        *(uint8_t *)map_take(&judge->sessions, &key, in->now_ns, NULL) = facts->tls.mutual;
    }
}

enum proto_tristate judge_mutual(const struct judge *judge, const struct flow *flow,
                                 const struct proto_facts *facts, unsigned initiator)
{
    const uint8_t *kept = facts->tls.mutual == TRI_UNKNOWN && is_resumed(flow, facts)
                              ? find_session(judge, flow, initiator, facts->tls.session)
                              : NULL;
    return kept ? *kept : facts->tls.mutual;
}

void judge_announce_media(struct judge *judge, const struct addr *addr, uint16_t port, uint8_t modality,
                          int64_t now_ns)
{
    struct endpoint_key key = {.addr = *addr, .port = port};
    uint8_t *known = map_take(&judge->media_ends, &key, now_ns, NULL);
    if (modality != MODALITY_UNKNOWN)
        *known = modality;
}

bool judge_expects_media(const struct judge *judge, const struct flow *flow, uint8_t *modality)
{
    bool is_announced = false, may_be = flow->key.protocol == IP_UDP && judge->media_ends.count;
    *modality = MODALITY_UNKNOWN;
    for (unsigned side = 0; may_be && side < 2; side++) {
        struct endpoint_key key = {.addr = flow->key.addr[side], .port = flow->key.port[side]};
        const uint8_t *announced = map_find(&judge->media_ends, &key);
        is_announced |= announced != NULL;
        if (announced && *announced != MODALITY_UNKNOWN)
            *modality = *announced;
    }
    return is_announced;
}
