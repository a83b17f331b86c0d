/* SPDX-License-Identifier: BSD-2-Clause
 *
 * match.c - the rows of the matrices against one flow: first by port, transport and roles, then by what the
 * row accepts (DESIGN 5.3). Used by verdict.c alone. It decides nothing; it says which rows matched and which
 * accepted.
 */
#include "judge_internal.h"

#include <string.h>

enum { VACUOUS_LOW = 1024, VACUOUS_HIGH = 65535 }; /* the client rows that allow any port */

void match_begin(struct matched *out)
{
    /* The list of rows is long and read only as far as its count says: it is not cleared. */
    memset(out, 0, MATCHED_HEAD);
}

const struct matched_row *match_find(const struct matched *matched, unsigned order)
{
    for (unsigned i = 0; i < matched->count; i++)
        if (matched->rows[i].order == order)
            return &matched->rows[i];
    return NULL;
}

/* The row's place in the list, made where it is new. Rows come in file order but for a few. */
static struct matched_row *place_of(struct matched *out, uint16_t order)
{
    unsigned at = out->count;
    while (at && out->rows[at - 1].order > order)
        at--;
    if (at && out->rows[at - 1].order == order)
        return &out->rows[at - 1];
    for (unsigned i = out->count++; i > at; i--)
        out->rows[i] = out->rows[i - 1];
    out->rows[at] = (struct matched_row){.order = order};
    return &out->rows[at];
}

static bool peer_fits(const struct policy_row *row, const struct policy_party *peer)
{
    return row->peer_any || (row->peer_roles & peer->all) || (row->peer_external && !peer->all);
}

/* How precisely a row names a port of this range. */
static enum row_match precision(const struct port_range *range)
{
    if (range->low == range->high)
        return MATCH_SPECIFIC;
    return range->low == VACUOUS_LOW && range->high == VACUOUS_HIGH ? MATCH_VACUOUS : MATCH_RANGE;
}

static bool holds_port(const struct policy_row *row, uint16_t port)
{
    for (unsigned i = 0; i < row->range_count; i++)
        if (port >= row->ranges[i].low && port <= row->ranges[i].high)
            return true;
    return false;
}

static void add(struct matched *out, const struct policy_row *row, enum row_match how, bool accepted,
                bool decides)
{
    struct matched_row *place = place_of(out, row->order);
    place->accepted |= accepted;
    place->decides |= decides;
    if (!decides)
        return;
    out->decides = true;
    out->deciding |= row->traits;
    out->decides_accepted |= accepted;
    out->accepting |= accepted ? row->traits : 0;
    if (out->best == MATCH_NONE || how < out->best)
        out->best = how;
}

/* What the initiator's roles may open: by the responder's port, else by its own. A server answers for its own
 * ports: what others may open to anyone does not decide there. */
static void match_opens(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                        unsigned role, enum policy_list list, struct matched *out)
{
    unsigned initiator = verdict->initiator, responder = 1 - initiator;
    const struct policy_party *to = &verdict->party[responder];
    bool own = list == POLICY_OPENS_OWN;
    struct policy_port_rows rows = policy_rows_at(judge->policy, role, list, judge_transport(flow),
                                                  flow->key.port[own ? initiator : responder]);
    for (unsigned i = 0; i < rows.count; i++) {
        const struct policy_row *row = rows.at[i].row;
        if (peer_fits(row, to) && !(own && holds_port(row, flow->key.port[responder])))
            add(out, row, precision(&rows.at[i].range), row->passes >> flow->identity.name & 1,
                !(to->is_server && row->peer_any));
    }
}

void match_ports(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                 struct matched *out)
{
    unsigned initiator = verdict->initiator, responder = 1 - initiator;
    const struct policy_party *from = &verdict->party[initiator], *to = &verdict->party[responder];
    for (role_set left = to->direct; left; left &= left - 1) {
        struct policy_port_rows rows =
            policy_rows_at(judge->policy, (unsigned)__builtin_ctzll(left), POLICY_ANSWERS,
                           judge_transport(flow), flow->key.port[responder]);
        for (unsigned i = 0; i < rows.count; i++) {
            const struct policy_row *row = rows.at[i].row;
            if (peer_fits(row, from))
                add(out, row, precision(&rows.at[i].range), row->passes >> flow->identity.name & 1, true);
        }
    }
    for (role_set left = from->direct; left; left &= left - 1) {
        match_opens(judge, flow, verdict, (unsigned)__builtin_ctzll(left), POLICY_OPENS, out);
        match_opens(judge, flow, verdict, (unsigned)__builtin_ctzll(left), POLICY_OPENS_OWN, out);
    }
}

static uint64_t asked_of(const struct judge *judge, const struct flow *flow, unsigned initiator)
{
    uint64_t from = policy_interval(judge->policy, flow->key.port[initiator]);
    uint64_t to = policy_interval(judge->policy, flow->key.port[1 - initiator]);
    return from << 32 | to << 16 | (uint64_t)flow->identity.name << 8 | judge_transport(flow);
}

static struct recent *recent_at(const struct judge *judge, role_set from, role_set to, uint64_t asked)
{
    uint64_t hash = from * UINT64_C(0x9e3779b97f4a7c15) ^ to * UINT64_C(0xd6e8feb86659fd93) ^
                    asked * UINT64_C(0xc2b2ae3d27d4eb4f);
    return &judge->recent[(hash >> 32) % RECENT_SIZE];
}

void match_ports_recent(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                        struct matched *out)
{
    role_set from = verdict->party[verdict->initiator].direct;
    role_set to = verdict->party[1u - verdict->initiator].direct;
    uint64_t asked = asked_of(judge, flow, verdict->initiator);
    struct recent *recent = recent_at(judge, from, to, asked);
    if (recent->asked == asked && recent->from == from && recent->to == to) {
        memcpy(out, recent->matched, sizeof recent->matched);
        return;
    }
    match_begin(out);
    match_ports(judge, flow, verdict, out);
    if (out->count > RECENT_ROWS)
        return;
    *recent = (struct recent){.from = from, .to = to, .asked = asked};
    memcpy(recent->matched, out, sizeof recent->matched);
}

bool match_has_media_rows(const struct judge *judge, const struct policy_party *party)
{
    for (role_set left = party->direct; left; left &= left - 1)
        if (policy_role(judge->policy, (unsigned)__builtin_ctzll(left))->media_count)
            return true;
    return false;
}

bool match_media(const struct judge *judge, const struct flow *flow, unsigned side,
                 const struct policy_party *party, bool accept, struct matched *out)
{
    bool inside = false;
    for (role_set left = party->direct; left; left &= left - 1) {
        struct policy_port_rows rows =
            policy_rows_at(judge->policy, (unsigned)__builtin_ctzll(left), POLICY_MEDIA,
                           judge_transport(flow), flow->key.port[side]);
        for (unsigned i = 0; i < rows.count; i++)
            add(out, rows.at[i].row, precision(&rows.at[i].range), accept, true);
        inside |= rows.count > 0;
    }
    return inside;
}

bool match_answers(const struct judge *judge, const struct policy_party *party,
                   enum proto_transport transport, uint16_t port, enum proto_id name)
{
    for (role_set left = party->direct; left; left &= left - 1) {
        struct policy_port_rows rows =
            policy_rows_at(judge->policy, (unsigned)__builtin_ctzll(left), POLICY_ANSWERS, transport, port);
        for (unsigned i = 0; i < rows.count; i++)
            if (rows.at[i].row->row->accepts >> name & 1)
                return true;
    }
    return false;
}

/* Ports that Windows hands out to DCE/RPC services (MS-RPCE; DESIGN 5.3). */
enum { DYNAMIC_LOW = 49152 };

static bool is_dcerpc(const struct flow *flow)
{
    return flow->identity.name == PROTO_dcerpc && flow->key.protocol == IP_TCP;
}

bool match_may_be_learned(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                          int64_t now_ns)
{
    unsigned responder = 1u - verdict->initiator;
    return is_dcerpc(flow) && judge_forgot(&judge->mapped, now_ns) &&
           !judge_has_endpoint(&judge->mapped, &flow->key.addr[responder], flow->key.port[responder]);
}

bool match_learned(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                   struct matched *out)
{
    unsigned responder = 1u - verdict->initiator;
    uint16_t port = flow->key.port[responder];
    bool found = false;
    if (!is_dcerpc(flow))
        return false;
    bool handed_out = judge_has_endpoint(&judge->mapped, &flow->key.addr[responder], port);
    /* What the mapper said only later does not speak against a port that it may have handed out before. */
    bool mapper_seen = judge_endpoint_since(&judge->mapped, &flow->key.addr[responder], 0) <= flow->first_ns;
    if (!handed_out && (mapper_seen || port < DYNAMIC_LOW))
        return false;
    for (role_set left = verdict->party[responder].direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(judge->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->answers_count; i++) {
            const struct policy_row *row = &role->answers[i];
            if (!(row->row->accepts >> PROTO_dcerpc & 1) ||
                !peer_fits(row, &verdict->party[verdict->initiator]))
                continue;
            add(out, row, MATCH_LEARNED, true, true);
            found = true;
        }
    }
    return found;
}

/* Lists the rows that accepted, or those that did not, in file order, as far as there is room. */
static void list_rows(const struct judge *judge, const struct matched *matched, bool accepted,
                      struct verdict *verdict)
{
    for (unsigned i = 0; i < matched->count && verdict->row_count < VERDICT_ROWS_MAX; i++) {
        const struct matched_row *row = &matched->rows[i];
        if (row->accepted != accepted)
            continue;
        verdict->deciding |= (uint64_t)row->decides << verdict->row_count;
        verdict->rows[verdict->row_count++] = policy_row_by_order(judge->policy, row->order);
    }
}

void match_list(const struct judge *judge, const struct matched *matched, struct verdict *verdict)
{
    verdict->row_count = 0;
    list_rows(judge, matched, true, verdict);
    verdict->accepted_count = verdict->row_count;
    if (verdict->accepted_count < matched->count)
        list_rows(judge, matched, false, verdict);
}

void match_accept_none(struct matched *matched)
{
    for (unsigned i = 0; i < matched->count; i++)
        matched->rows[i].accepted = false;
}

static uint32_t distance_to(uint32_t port, uint32_t low, uint32_t high)
{
    return port < low ? low - port : port > high ? port - high : 0;
}

const struct matrix_row *match_nearest(const struct judge *judge, const struct flow *flow,
                                       const struct verdict *verdict)
{
    unsigned responder = 1u - verdict->initiator;
    enum proto_transport transport = judge_transport(flow);
    uint32_t port = flow->key.port[responder], best = UINT32_MAX;
    const struct matrix_row *nearest = NULL;
    for (role_set left = verdict->party[responder].direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(judge->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->answers_count; i++) {
            const struct policy_row *row = &role->answers[i];
            unsigned ranges = row->row->transports & transport ? row->range_count : 0;
            for (unsigned r = 0; r < ranges; r++) {
                uint32_t distance = distance_to(port, row->ranges[r].low, row->ranges[r].high);
                if (distance >= best)
                    continue;
                best = distance;
                nearest = row->row;
            }
        }
    }
    return nearest;
}

/* The exemption rows that cover a pair (DESIGN 7): those of an exempt server at either end, and those of a
 * client once the pair has media; with media_only, all of them only then. */
bool match_ipsec(const struct judge *judge, const struct flow *flow, struct verdict *verdict)
{
    bool media = ipsec_has_media(judge, flow);
    bool media_only = policy_settings(judge->policy)->ipsec == IPSEC_MEDIA_ONLY;
    struct matched matched;
    match_begin(&matched);
    for (unsigned side = 0; side < 2; side++) {
        const struct policy_party *peer = &verdict->party[1 - side];
        for (role_set left = verdict->party[side].direct; left; left &= left - 1) {
            const struct policy_role *role = policy_role(judge->policy, (unsigned)__builtin_ctzll(left));
            for (unsigned i = 0; i < role->ipsec_count; i++) {
                const struct policy_row *row = &role->ipsec[i];
                if (!peer_fits(row, peer) || (!media && (media_only || !role->server)))
                    continue;
                add(&matched, row, MATCH_RANGE, true, true);
            }
        }
    }
    match_list(judge, &matched, verdict);
    return matched.decides;
}
