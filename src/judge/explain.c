/* SPDX-License-Identifier: BSD-2-Clause
 *
 * explain.c - answers a question about one flow (explain.h, DESIGN 9). It makes the flow up, has
 * judge_verdict() judge it, and goes through the rows once more to find words for those that did not match.
 * What matched comes from match.c.
 */
#include "rolecall/explain.h"
#include "judge_internal.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

#include <stdlib.h>

enum { NEAR_PORTS = 10 };

/* What one explanation is made from. */
struct inquiry {
    const struct policy *policy;
    const struct site *site;
    const struct explain_question *question;
    struct judge *judge;
    struct explanation *out;
    unsigned initiator, responder;
    enum proto_transport transport;
    struct matched matched; /* rows by port, media rows and learned ones together */
    bool learned;
    bool port_decides; /* a row that decides names the port */
};

/* The flow in question, as the engine would have followed it. */

static void evidence_of_tcp(const struct explain_question *question, struct flow *flow)
{
    unsigned initiator = flow->first, responder = 1 - initiator, flags = 0;
    if (!question->from_middle)
        flags |= FLOW_SYN_0 << initiator;
    if (question->outcome == EXPLAIN_ANSWERED)
        flags |= FLOW_SYN_ACK_0 << responder | FLOW_DATA_0 | FLOW_DATA_1;
    if (question->outcome == EXPLAIN_REFUSED)
        flags |= FLOW_REFUSED;
    flow->flags = (uint16_t)flags;
}

static void make_flow(const struct explain_question *question, struct flow *flow)
{
    unsigned initiator;
    memset(flow, 0, sizeof *flow);
    flow_key_of(&question->initiator, &question->responder, question->initiator_port,
                question->responder_port, question->protocol, &flow->key, &initiator);
    flow->first = (uint8_t)initiator;
    flow->first_ns = question->time_ns;
    flow->last_ns = question->time_ns + INT64_C(3) * NS_PER_S; /* three tries at 0, 1 and 3 s, where silent */
    flow->tries = question->outcome == EXPLAIN_SILENT ? 3 : 1;
    flow->vlan = 0xffff;
    flow->packets[initiator] = 3;
    flow->packets[1 - initiator] = question->outcome == EXPLAIN_ANSWERED ? 3 : 0;
    identity_init(&flow->identity);
    flow->identity.name = (uint8_t)question->name;
    flow->identity.client = 0; /* the question says who opened it */
    flow->identity.evidence = question->name ? 3 : 0;
    flow->identity.settled = true;
    if (question->protocol == IP_TCP)
        evidence_of_tcp(question, flow);
    if (question->outcome == EXPLAIN_UNREACHABLE) {
        flow->flags |= FLOW_UNREACHABLE;
        flow->icmp_type = addr_is_v4(&question->initiator) ? 3 : 1; /* host, and address, unreachable */
        flow->icmp_code = addr_is_v4(&question->initiator) ? 1 : 3;
    }
}

static void make_facts(const struct explain_question *question, struct proto_facts *facts)
{
    bool unanswered = question->outcome != EXPLAIN_ANSWERED;
    memset(facts, 0, sizeof *facts);
    facts->tls.version = question->tls_version;
    facts->tls.mutual = (uint8_t)question->mutual_tls;
    facts->tls.resumed = question->tls_resumed ? TRI_YES : TRI_UNKNOWN;
    /* Whether a certificate was asked for shows in full handshakes alone. */
    facts->tls.full_handshake = question->mutual_tls != TRI_UNKNOWN && !question->tls_resumed;
    facts->turn.request = facts->query.request = unanswered;
}

static bool begin_judge(struct inquiry *q)
{
    struct judge_options options = {.policy = q->policy, .flow_slots = 1};
    q->judge = judge_create(&options);
    if (!q->judge)
        return false;
    judge_address(q->judge, &q->question->responder, 0)->has_sent =
        true; /* silence means something of hosts that can be heard */
    if (q->question->learned_port) {
        judge_add_endpoint(&q->judge->mapped, &q->question->responder, 0, INT64_MIN);
        judge_add_endpoint(&q->judge->mapped, &q->question->responder, q->question->responder_port,
                           INT64_MIN);
    }
    if (q->question->media_of_pair) {
        struct flow media = q->out->flow;
        struct proto_facts none = {0};
        struct judge_flow in = {.flow = &media, .facts = &none, .now_ns = media.first_ns};
        media.key.protocol = IP_UDP;
        media.identity.name = PROTO_rtp;
        judge_begin(q->judge, &in);
    }
    return true;
}

/* Media is judged by the ports of both ends: the first that the initiator's rows give stands in for one that
 * the question leaves open. */
static void assume_port(struct inquiry *q, struct explain_question *question)
{
    struct policy_party party = policy_party_of(q->policy, &question->initiator);
    if (question->initiator_port || !proto_by_id(question->name)->is_media)
        return;
    for (role_set left = party.direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(q->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->media_count; i++) {
            if (!(role->media[i].row->transports & q->transport) || !role->media[i].range_count)
                continue;
            question->initiator_port = role->media[i].ranges[0].low;
            q->out->port_assumed = true;
            return;
        }
    }
}

/* The ends. */

static bool is_among(const struct addr *addresses, unsigned count, const struct addr *addr)
{
    for (unsigned i = 0; i < count; i++)
        if (addr_equal(&addresses[i], addr))
            return true;
    return false;
}

static void describe_end(const struct inquiry *q, unsigned side, struct explain_end *end)
{
    const struct site *site = q->site;
    end->addr = q->out->flow.key.addr[side];
    end->port = q->out->flow.key.port[side];
    end->party = policy_party_of(q->policy, &end->addr);
    end->entry = policy_entry(q->policy, end->party.entry);
    end->source = end->party.never_prefixed ? EXPLAIN_GROUP : EXPLAIN_NOBODY;
    if (!end->entry)
        return;
    if (!end->entry->is_network) { /* entries are the hosts, then the networks */
        const struct site_host *host = &site->hosts[end->party.entry];
        bool own = is_among(host->addresses, host->address_count, &end->addr);
        end->source = own ? EXPLAIN_HOST : EXPLAIN_TRANSLATED;
        return;
    }
    const struct site_network *network = &site->networks[(unsigned)end->party.entry - site->host_count];
    end->source = EXPLAIN_PREFIX;
    for (unsigned i = 0; i < network->prefix_count; i++)
        if (prefix_contains(&network->prefixes[i], &end->addr) &&
            network->prefixes[i].bits >= end->prefix.bits)
            end->prefix = network->prefixes[i];
}

static bool is_group(const struct policy_party *party)
{
    return party->never_prefixed && party->entry < 0;
}

/* The sentence of DESIGN 5.2 that holds. */
static void say_scope(struct inquiry *q)
{
    const struct policy_party *from = &q->out->initiator.party, *to = &q->out->responder.party;
    const char *yes = NULL, *no = "neither end has a server role, and it is not media between two known ends";
    if (judge_is_ipsec(&q->out->flow)) {
        bool covered = q->out->verdict.status != VERDICT_OUT_OF_SCOPE;
        yes = covered ? "IKE, NAT-T, ESP and AH are judged by the IPsec rows alone, and one covers this pair"
                      : NULL;
        no = "IKE, NAT-T, ESP and AH are judged by the IPsec rows alone, and none covers this pair";
    } else if (q->question->name == PROTO_dhcp && q->port_decides)
        yes = "DHCP that a row names is judged wherever it is sent";
    else if (is_group(to) || addr_is_multicast(&q->out->initiator.addr))
        no = "multicast, broadcast and link-local addresses take no role from a prefix";
    else if (to->is_server)
        yes = "the responder has a server role";
    else if (from->is_server && to->all)
        yes = "the initiator has a server role, and the responder has a role";
    else if (judge_is_media(&q->out->flow) && from->all && to->all)
        yes = "both ends have roles, and the flow is media";
    else if (from->is_server && q->port_decides)
        yes = "a server opens a connection that an outbound row names";
    else if (from->is_server && from->strict_outbound)
        yes =
            "a server that may only open what is documented opens a connection to an address without a role";
    else if (from->is_server)
        no = "a server opens a connection to an address without a role, and no outbound row names it";
    q->out->in_scope = yes != NULL;
    q->out->scope = yes ? yes : no;
}

/* The rows. */

/* Is the row among those that matched; and accepted, where that is asked? */
static bool is_matched(const struct inquiry *q, const struct matrix_row *row, bool accepted)
{
    const struct matched_row *found = match_find(&q->matched, row->order);
    return found && (found->accepted || !accepted);
}

/* 0: the port is in a range. */
static unsigned distance_to(const struct port_range *ranges, unsigned count, unsigned port)
{
    unsigned best = UINT16_MAX + 1;
    for (unsigned i = 0; i < count; i++) {
        unsigned distance = port < ranges[i].low    ? ranges[i].low - port
                            : port > ranges[i].high ? port - ranges[i].high
                                                    : 0;
        best = distance < best ? distance : best;
    }
    return best;
}

static bool is_fit(const struct policy_row *held, const struct policy_party *peer)
{
    return held->peer_any || (held->peer_roles & peer->all) || (held->peer_external && !peer->all);
}

static bool is_accepted(const struct inquiry *q, const struct explain_row *row)
{
    bool is_media_row = row->list == EXPLAIN_RESPONDER_MEDIA || row->list == EXPLAIN_INITIATOR_MEDIA;
    enum proto_id name = q->question->name;
    if (is_media_row) /* whatever they list: media, or what was not identified */
        return judge_is_media(&q->out->flow) || name == PROTO_UNIDENTIFIED;
    return name == PROTO_UNIDENTIFIED || row->row->accepts_anything || (row->row->accepts >> name & 1);
}

static void look_at_port(const struct inquiry *q, struct explain_row *row)
{
    const struct flow_key *key = &q->out->flow.key;
    unsigned side = row->list == EXPLAIN_INITIATOR_MEDIA ? q->initiator : q->responder;
    const struct port_range *ranges = row->held ? row->held->ranges : row->row->ranges;
    unsigned count = row->held ? row->held->range_count : row->row->range_count;
    row->distance = distance_to(ranges, count, key->port[side]);
    if (row->list == EXPLAIN_OPENS && row->row->own_port && key->port[q->initiator] &&
        distance_to(ranges, count, key->port[q->initiator]) == 0)
        row->distance = 0;
    if (row->distance)
        row->why |= WHY_PORT;
}

/* Exactly one thing is wrong, and it is one that a slip of the pen makes. */
static bool is_near(const struct explain_row *row)
{
    if (row->why == WHY_PORT)
        return row->distance <= NEAR_PORTS;
    return row->why == WHY_TRANSPORT || row->why == WHY_PEER || row->why == WHY_PROTOCOL ||
           row->why == WHY_OFF;
}

static void settle_row(const struct inquiry *q, struct explain_row *row)
{
    if (!row->why && is_matched(q, row->row, true))
        row->answer = EXPLAIN_YES;
    else if (row->why == WHY_LISTED && is_matched(q, row->row, false))
        row->answer = EXPLAIN_LISTED;
    else
        row->answer = is_near(row) ? EXPLAIN_NEARLY : EXPLAIN_NO;
}

static void look_at_row(const struct inquiry *q, const struct policy_party *peer, struct explain_row *row)
{
    bool needs_peer = row->list == EXPLAIN_ANSWERS || row->list == EXPLAIN_OPENS;
    row->why = row->held ? 0 : WHY_OFF;
    if (!(row->row->transports & q->transport))
        row->why |= WHY_TRANSPORT;
    look_at_port(q, row);
    if (needs_peer && row->held && !is_fit(row->held, peer))
        row->why |= WHY_PEER;
    if (!row->why && !is_accepted(q, row))
        row->why |= WHY_PROTOCOL;
    if (!row->why && row->list == EXPLAIN_OPENS && row->held->peer_any && q->out->responder.party.is_server)
        row->why |= WHY_LISTED;
    if (q->learned && row->list == EXPLAIN_ANSWERS && row->held && (row->row->accepts >> PROTO_dcerpc & 1) &&
        is_fit(row->held, peer)) {
        row->why = 0;
        row->learned = true;
    }
    settle_row(q, row);
}

static void look_at_ipsec_row(const struct inquiry *q, const struct policy_party *peer, bool is_server,
                              struct explain_row *row)
{
    bool media_only = policy_settings(q->policy)->ipsec == IPSEC_MEDIA_ONLY;
    row->why = row->held ? 0 : WHY_OFF;
    if (row->held && !is_fit(row->held, peer))
        row->why |= WHY_PEER;
    if (row->held && (media_only || !is_server) && !ipsec_has_media(q->judge, &q->out->flow))
        row->why |= WHY_NO_MEDIA;
    settle_row(q, row);
}

static const struct policy_row *rows_of(const struct policy_role *role, enum explain_list list,
                                        unsigned *count)
{
    switch (list) {
    case EXPLAIN_ANSWERS:
        *count = role->answers_count;
        return role->answers;
    case EXPLAIN_OPENS:
        *count = role->opens_count;
        return role->opens;
    case EXPLAIN_IPSEC:
        *count = role->ipsec_count;
        return role->ipsec;
    default:
        *count = role->media_count;
        return role->media;
    }
}

/* Of two ways to hold the same row, the one that comes closer. */
static bool is_better(const struct explain_row *a, const struct explain_row *b)
{
    if (a->answer != b->answer)
        return a->answer < b->answer;
    return __builtin_popcount(a->why) < __builtin_popcount(b->why);
}

/* Looks at a row in force as each role of the end on `side` holds it. False: none does. */
static bool look_as_held(const struct inquiry *q, unsigned side, enum explain_list list,
                         const struct matrix_row *row, struct explain_row *best)
{
    const struct policy_party *peer = &q->out->verdict.party[1 - side];
    bool found = false;
    for (role_set left = q->out->verdict.party[side].direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(q->policy, (unsigned)__builtin_ctzll(left));
        unsigned count;
        const struct policy_row *rows = rows_of(role, list, &count);
        for (unsigned i = 0; i < count; i++) {
            struct explain_row one = {.row = row, .held = &rows[i], .list = list};
            if (rows[i].row != row)
                continue;
            if (list == EXPLAIN_IPSEC)
                look_at_ipsec_row(q, peer, role->server, &one);
            else
                look_at_row(q, peer, &one);
            if (!found || is_better(&one, best))
                *best = one;
            found = true;
        }
    }
    return found;
}

static bool has_role(const struct inquiry *q, unsigned side, const char *name)
{
    role_set all = q->out->verdict.party[side].all;
    for (unsigned bit = 0; bit < policy_role_count(q->policy); bit++)
        if ((all >> bit & 1) && strcmp(policy_role(q->policy, bit)->name, name) == 0)
            return true;
    return false;
}

/* Would a row that is off stand in this list of the end on `side`? */
static bool would_stand(const struct inquiry *q, unsigned side, enum explain_list list,
                        const struct matrix_row *row)
{
    bool is_from = has_role(q, side, row->from), is_to = has_role(q, side, row->to);
    switch (row->direction) {
    case ROW_INBOUND:
        return list == EXPLAIN_ANSWERS && is_to;
    case ROW_OUTBOUND:
        return list == EXPLAIN_OPENS && is_from;
    case ROW_EITHER:
        return (list == EXPLAIN_ANSWERS || list == EXPLAIN_OPENS) && (is_to || is_from);
    case ROW_MEDIA:
        return (list == EXPLAIN_RESPONDER_MEDIA || list == EXPLAIN_INITIATOR_MEDIA) && is_to;
    case ROW_IPSEC:
        return list == EXPLAIN_IPSEC && (is_to || is_from);
    }
    return false;
}

static void look_at_list(const struct inquiry *q, unsigned side, enum explain_list list)
{
    unsigned order = 0;
    for (unsigned m = 0; m < q->site->matrix_count; m++) {
        const struct matrix *matrix = q->site->matrices[m];
        for (unsigned i = 0; i < matrix->row_count; i++, order++) {
            const struct matrix_row *in_force = policy_row_by_order(q->policy, order);
            struct explain_row *row = &q->out->rows[q->out->row_count];
            if (in_force && look_as_held(q, side, list, in_force, row)) {
                q->out->row_count++;
            } else if (!in_force && would_stand(q, side, list, &matrix->rows[i])) {
                *row = (struct explain_row){.row = &matrix->rows[i], .list = list};
                if (list == EXPLAIN_IPSEC)
                    look_at_ipsec_row(q, NULL, false, row);
                else
                    look_at_row(q, NULL, row);
                q->out->row_count++;
            }
        }
    }
}

static void look_at_rows(struct inquiry *q)
{
    if (judge_is_ipsec(&q->out->flow)) {
        look_at_list(q, q->responder, EXPLAIN_IPSEC);
        look_at_list(q, q->initiator, EXPLAIN_IPSEC);
        return;
    }
    look_at_list(q, q->responder, EXPLAIN_ANSWERS);
    look_at_list(q, q->initiator, EXPLAIN_OPENS);
    if (!q->out->media_asked)
        return;
    look_at_list(q, q->responder, EXPLAIN_RESPONDER_MEDIA);
    if (judge_is_media(&q->out->flow)) /* what is not media is never excused by its source port */
        look_at_list(q, q->initiator, EXPLAIN_INITIATOR_MEDIA);
}

/* Asks match.c in the order in which the verdict does. */
static void match_rows(struct inquiry *q)
{
    const struct verdict *verdict = &q->out->verdict;
    const struct flow *flow = &q->out->flow;
    if (judge_is_ipsec(flow)) {
        for (unsigned i = 0; i < verdict->row_count; i++)
            q->matched.rows[q->matched.count++] =
                (struct matched_row){.order = verdict->rows[i]->order, .accepted = true};
        return;
    }
    match_ports(q->judge, flow, verdict, &q->matched);
    q->port_decides = q->matched.decides;
    if (q->port_decides)
        return;
    q->learned = match_learned(q->judge, flow, verdict, &q->matched);
    if (q->learned)
        return;
    q->out->media_asked = true;
    bool media = judge_is_media(flow), unknown = q->question->name == PROTO_UNIDENTIFIED;
    match_media(q->judge, flow, q->responder, &verdict->party[q->responder], media || unknown, &q->matched);
    if (media)
        match_media(q->judge, flow, q->initiator, &verdict->party[q->initiator], true, &q->matched);
}

/* The site's exceptions. */

static bool end_holds(const struct site_end *end, const struct explain_end *who)
{
    if (end->anyone || (end->roles & who->party.all))
        return true;
    for (unsigned i = 0; i < end->prefix_count; i++)
        if (prefix_contains(&end->prefixes[i], &who->addr))
            return true;
    return false;
}

static void look_at_allow(const struct inquiry *q, const struct site_allow *allow, struct explain_allow *out)
{
    if (!(allow->transports & q->transport))
        out->why |= WHY_TRANSPORT;
    if (allow->port_count && distance_to(allow->ports, allow->port_count, q->question->responder_port))
        out->why |= WHY_PORT;
    if (!end_holds(&allow->from, &q->out->initiator))
        out->why |= WHY_PEER;
    if (!end_holds(&allow->to, &q->out->responder))
        out->why |= WHY_RESPONDER;
    if (q->question->time_ns >= allow->expires_ns)
        out->why |= WHY_EXPIRED;
}

static void look_at_allows(struct inquiry *q)
{
    int first = policy_allows(q->policy, &q->question->initiator, &q->question->responder, q->transport,
                              q->question->responder_port, q->question->time_ns);
    for (unsigned i = 0; i < q->out->allow_count; i++) {
        struct explain_allow *allow = &q->out->allow[i];
        allow->answer = (int)i == first ? EXPLAIN_YES : EXPLAIN_NO;
        if (allow->answer == EXPLAIN_YES)
            continue;
        look_at_allow(q, &q->site->allow[i], allow);
        if (!allow->why)
            allow->why = WHY_EARLIER;
        else if (__builtin_popcount(allow->why) == 1)
            allow->answer = EXPLAIN_NEARLY;
    }
}

/* What made the flow fail, or else what is told of it, in the words of the alert. */
static void say_finding(struct inquiry *q)
{
    struct verdict *verdict = &q->out->verdict;
    q->out->finding = FINDING_COUNT;
    if (!verdict->findings)
        return;
    struct judge_flow in = {.flow = &q->out->flow, .facts = &q->out->facts, .now_ns = q->out->flow.last_ns};
    struct finding *finding = calloc(1, sizeof *finding);
    if (!finding)
        return;
    q->out->finding = finding->id = (enum finding_id)__builtin_ctz(verdict->findings);
    finding->flow = q->out->flow;
    finding->verdict = *verdict;
    reason_write(q->judge, &in, finding);
    memcpy(q->out->reason, finding->reason, sizeof q->out->reason);
    memcpy(q->out->advice, finding->advice, sizeof q->out->advice);
    free(finding);
}

static void answer(struct inquiry *q)
{
    struct explanation *out = q->out;
    judge_verdict(q->judge, &out->flow, &out->facts, out->flow.last_ns + INT64_C(3) * NS_PER_S, true,
                  FLOW_END_INPUT, &out->verdict);
    q->initiator = out->verdict.initiator;
    q->responder = 1 - q->initiator;
    describe_end(q, q->initiator, &out->initiator);
    describe_end(q, q->responder, &out->responder);
    match_rows(q);
    say_scope(q);
    look_at_rows(q);
    look_at_allows(q);
    say_finding(q);
}

struct explanation *explanation_create(const struct policy *policy, const struct site *site,
                                       const struct explain_question *question)
{
    struct explain_question completed = *question;
    struct explanation *out = calloc(1, sizeof *out);
    if (!out)
        return NULL;
    struct inquiry q = {.policy = policy, .site = site, .question = &completed, .out = out};
    q.transport = question->protocol == IP_TCP ? OVER_TCP : question->protocol == IP_UDP ? OVER_UDP : 0;
    assume_port(&q, &completed);
    make_flow(&completed, &out->flow);
    make_facts(&completed, &out->facts);
    out->allow_count = policy_allow_count(policy);
    out->rows = calloc((size_t)policy_row_count(policy) * EXPLAIN_LIST_COUNT + 1, sizeof *out->rows);
    out->allow = calloc((size_t)out->allow_count + 1, sizeof *out->allow);
    if (out->rows && out->allow && begin_judge(&q)) {
        answer(&q);
        judge_destroy(q.judge);
        return out;
    }
    explanation_destroy(out);
    return NULL;
}

void explanation_destroy(struct explanation *explanation)
{
    if (!explanation)
        return;
    free(explanation->rows);
    free(explanation->allow);
    free(explanation);
}
