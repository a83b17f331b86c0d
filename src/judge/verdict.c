/* SPDX-License-Identifier: BSD-2-Clause
 *
 * verdict.c - what a flow is, by the matrix: scope, matching, application, and what the evidence allows to be
 * said (DESIGN 5.2 to 5.4). A pure function of the flow, the address-wide facts so far and the policy; it
 * keeps nothing.
 */
#include "judge_internal.h"

#include <stddef.h>

/* DESIGN 5.4: silence is three tries over a second, with the capture going on for two after the last. */
enum { SILENT_TRIES = 3, SILENT_SPAN_NS = NS_PER_S };
enum { RPC_PORTS_LOW = 49152 }; /* where Windows hands out DCE/RPC ports (DESIGN 5.3) */
static const int64_t silent_after_ns = INT64_C(2) * NS_PER_S;

const char *verdict_status_name(enum verdict_status status)
{
    static const char *const names[] = {"pass", "fail", "exempt", "inconclusive", "out-of-scope"};
    return names[status];
}

const char *row_match_name(enum row_match match)
{
    static const char *const names[] = {NULL, "specific", "range", "vacuous", "learned"};
    return names[match];
}

enum proto_transport judge_transport(const struct flow *flow)
{
    return flow->key.protocol == IP_TCP ? OVER_TCP : flow->key.protocol == IP_UDP ? OVER_UDP : 0;
}

bool judge_is_ipsec(const struct flow *flow)
{
    unsigned name = flow->identity.name;
    return flow->key.protocol == IP_ESP || flow->key.protocol == IP_AH || name == PROTO_ike ||
           name == PROTO_authip || name == PROTO_esp;
}

bool judge_is_media(const struct flow *flow)
{
    return proto_by_id(flow->identity.name)->is_media;
}

/* What one verdict is made from. */
struct case_file {
    const struct judge *judge;
    const struct flow *flow;
    const struct proto_facts *facts;
    int64_t now_ns;
    bool ended;
    enum flow_end end;
    struct verdict *out;
    unsigned initiator, responder;
    const struct policy_party *from, *to;
    enum proto_id name;
    bool media, answered;
};

static bool is_group(const struct policy_party *party)
{
    return party->never_prefixed && party->entry < 0;
}

/* An end that could take no role (a group, link-local) puts the flow out of scope, DHCP excepted. */
static bool is_in_scope(const struct case_file *c, bool outbound_row)
{
    if (c->name == PROTO_dhcp && outbound_row)
        return true;
    if (is_group(c->to) || addr_is_multicast(&c->flow->key.addr[c->initiator]))
        return false;
    if (c->to->is_server || (c->from->is_server && c->to->all) || (c->media && c->from->all && c->to->all))
        return true;
    return c->from->is_server && (outbound_row || c->from->strict_outbound);
}

static void fail(const struct case_file *c, enum finding_id id)
{
    c->out->status = VERDICT_FAIL;
    c->out->findings |= 1u << id;
    if (!c->out->outcome)
        c->out->outcome = c->answered ? "established" : "attempted";
}

static void doubt(const struct case_file *c, const char *reason)
{
    c->out->status = VERDICT_INCONCLUSIVE;
    c->out->findings = 0;
    c->out->outcome = c->out->application_check = NULL;
    c->out->reason = reason;
}

/* The requests whose silence may mean a block (DESIGN 5.4). */
static bool is_udp_request(const struct case_file *c)
{
    switch (c->name) {
    case PROTO_ms_turn:
        return c->facts->turn.request;
    case PROTO_stun:
        return c->facts->turn.request && !c->facts->turn.ice_check;
    case PROTO_ssrp:
    case PROTO_dns:
        return c->facts->query.request;
    default:
        return false;
    }
}

static bool beginning_seen(const struct case_file *c)
{
    if (c->flow->key.protocol == IP_TCP)
        return c->flow->flags & (FLOW_SYN_0 << c->initiator);
    return c->flow->key.protocol == IP_UDP && is_udp_request(c);
}

/* On hosts with an AuthIP association ICMP 3/13 asks for the first packet again, in ESP: no filter
 * (PROTOCOLS 16.6). */
static bool is_authip_request_for_doubling(const struct case_file *c)
{
    return c->flow->icmp_type == 3 && c->flow->icmp_code == 13 && ipsec_has_authip(c->judge, c->flow);
}

/* An unanswered flow whose rows accept it: blocked, or why that cannot be said. */
static void weigh_silence(const struct case_file *c)
{
    const struct flow *flow = c->flow;
    bool unreachable = (flow->flags & FLOW_UNREACHABLE) && !is_authip_request_for_doubling(c);
    bool refused = (flow->flags & FLOW_REFUSED) || unreachable;
    if (c->out->match != MATCH_SPECIFIC)
        return doubt(c, refused ? "refused, but no row names this single port"
                                : "no answer, and no row names this single port");
    if (refused) {
        c->out->outcome = unreachable ? "unreachable" : "refused";
        return fail(c, FINDING_BLOCKED_PORT);
    }
    if (flow->flags & FLOW_UNREACHABLE)
        return doubt(c, "ICMP 3/13 between hosts that negotiate AuthIP is no filter");
    if (flow->tries < SILENT_TRIES || flow->last_ns - flow->first_ns < SILENT_SPAN_NS)
        return doubt(c, "no answer, but too few tries to call it blocked");
    if (!judge_has_sent(c->judge, &flow->key.addr[c->responder]))
        return doubt(c, "no answer from an address that was never seen sending");
    if (judge_is_hardly_known(c->judge, &flow->key.addr[c->responder]))
        return doubt(c, "no answer, but what was known of this address had to make room");
    if (judge_is_one_way(c->judge, &flow->key.addr[c->responder]))
        return doubt(c, "no answer, but the capture shows one direction only of this address");
    bool waited = (flow->flags & FLOW_SILENT) || c->now_ns - flow->last_ns >= silent_after_ns;
    if (!waited || (c->end == FLOW_END_EVICTED && !(flow->flags & FLOW_SILENT)))
        return doubt(c, "no answer yet when the capture ended");
    if (sensor_was_blind(c->judge, flow->first_ns, flow->last_ns + silent_after_ns))
        return doubt(c, "no answer, but the capture lost packets meanwhile");
    c->out->outcome = "silent";
    fail(c, FINDING_BLOCKED_PORT);
}

static bool is_unanswered_attempt(const struct case_file *c)
{
    return !c->answered && beginning_seen(c) && !is_group(c->to);
}

static bool tls_lacks_client_certificate(const struct case_file *c)
{
    bool is_known = c->facts->tls.full_handshake || c->facts->tls.resumed == TRI_YES;
    return c->name == PROTO_tls && is_known && c->facts->tls.version <= 0x0303 && c->out->mutual == TRI_NO;
}

/* Bytes that the capture does not hold, and that could have told otherwise. */
static bool misses_bytes(const struct case_file *c)
{
    const struct identity *identity = &c->flow->identity;
    return identity->cut || identity->lost || identity->starved ||
           (c->end == FLOW_END_EVICTED && !identity->settled);
}

/* A handshake with a hole in it shows neither the version chosen nor whether a certificate was asked for. */
static bool misses_handshake(const struct case_file *c, const struct matched *matched)
{
    if (c->name != PROTO_tls || !misses_bytes(c) || c->facts->tls.version > 0x0303 ||
        c->facts->tls.resumed == TRI_YES)
        return false;
    return !c->facts->tls.version || (match_all_mtls(matched) && c->facts->tls.mutual == TRI_UNKNOWN);
}

/* An RST to something the capture does not hold: no service was seen, and no refusal either. */
static bool is_reset_alone(const struct case_file *c)
{
    unsigned spoken = FLOW_SYN_0 | FLOW_SYN_1 | FLOW_SYN_ACK_0 | FLOW_SYN_ACK_1 | FLOW_DATA_0 | FLOW_DATA_1;
    return (c->flow->flags & (FLOW_RST_0 | FLOW_RST_1)) && !(c->flow->flags & spoken);
}

/* Rows matched by port: does one accept the protocol? */
static void weigh_rows(const struct case_file *c, const struct matched *matched)
{
    c->out->match = matched->best;
    if (!matched->decides_accepted && (matched->deciding & ROW_TAKES_XMPP) && c->name == PROTO_tls &&
        c->flow->identity.middle)
        return doubt(c, "TLS from the middle of a connection: what came before it was not seen");
    if (!matched->decides_accepted)
        return fail(c, FINDING_UNEXPECTED_PROTOCOL);
    if (is_unanswered_attempt(c)) {
        /* Until it was silent for long enough, or is over, it has not failed. */
        if (c->ended || (c->flow->flags & (FLOW_REFUSED | FLOW_UNREACHABLE | FLOW_SILENT)))
            weigh_silence(c);
        else
            doubt(c, "no answer yet");
        return;
    }
    if (!c->answered && (c->flow->flags & FLOW_UNREACHABLE) && c->name != PROTO_dhcp)
        return doubt(c, "refused by ICMP, and it did not begin with a request");
    if (is_reset_alone(c))
        return doubt(c, "nothing but a reset was seen");
    if (c->name == PROTO_UNIDENTIFIED && !(matched->deciding & ROW_TAKES_ANYTHING) && misses_bytes(c))
        return doubt(c, "unidentified: bytes that would have named the protocol are missing");
    if (misses_handshake(c, matched))
        return doubt(c, "part of the TLS handshake is missing");
    c->out->status = VERDICT_PASS;
    c->out->application_check = c->name == PROTO_UNIDENTIFIED ? "unknown" : "ok";
    if (match_all_mtls(matched) && tls_lacks_client_certificate(c))
        fail(c, FINDING_MUTUAL_TLS_MISSING);
    if (c->name == PROTO_sip && c->to->is_server && (matched->accepting & ROW_TAKES_SIP))
        c->out->findings |= 1u << FINDING_PLAINTEXT_SIP;
}

/* Step 4 of DESIGN 5.3: only media rows are left. True when they settle the matter. */
static bool weigh_media(const struct case_file *c, struct matched *matched)
{
    const struct judge *judge = c->judge;
    if (c->media) {
        unsigned with_rows = 0, inside = 0;
        for (unsigned side = 0; side < 2; side++) {
            if (!match_has_media_rows(judge, &c->out->party[side]))
                continue;
            with_rows++;
            inside += match_media(judge, c->flow, side, &c->out->party[side], true, matched);
        }
        if (!with_rows)
            return false;
        if (with_rows == inside) {
            c->out->match = matched->best;
            c->out->application_check = "ok";
            c->out->status = VERDICT_PASS;
            return true;
        }
        match_accept_none(matched);
        if (misses_bytes(c))
            doubt(c, "media outside its range, but bytes that may have named the flow otherwise are missing");
        else
            fail(c, FINDING_MEDIA_PORT);
        return true;
    }
    bool known = c->name != PROTO_UNIDENTIFIED;
    if (!match_media(judge, c->flow, c->responder, c->to, !known, matched))
        return false;
    weigh_rows(c, matched);
    return true;
}

/* Would this flow pass if the bytes that are missing showed media? Then every end with media rows has its
 * port in one. */
static bool would_pass_as_media(const struct case_file *c)
{
    struct matched unused;
    unsigned with_rows = 0, inside = 0;
    match_begin(&unused);
    for (unsigned side = 0; side < 2; side++) {
        if (!match_has_media_rows(c->judge, &c->out->party[side]))
            continue;
        with_rows++;
        inside += match_media(c->judge, c->flow, side, &c->out->party[side], true, &unused);
    }
    return with_rows && with_rows == inside;
}

/* Could the bytes that were cut off or lost have made this flow one that passes: a DCE/RPC port, or media? */
static bool hangs_on_missing_bytes(const struct case_file *c)
{
    bool may_be_rpc = c->flow->key.protocol == IP_TCP && c->flow->key.port[c->responder] >= RPC_PORTS_LOW;
    return misses_bytes(c) && c->name == PROTO_UNIDENTIFIED && (may_be_rpc || would_pass_as_media(c));
}

static void weigh_no_row(const struct case_file *c)
{
    if (c->to->is_server) {
        c->out->nearest = match_nearest(c->judge, c->flow, c->out);
        fail(c, FINDING_UNEXPECTED_PORT);
    } else if (c->from->is_server && (!c->to->all || c->to->is_outsider) && c->from->strict_outbound) {
        fail(c, FINDING_UNEXPECTED_OUTBOUND);
    } else {
        c->out->status = VERDICT_OUT_OF_SCOPE;
        return;
    }
    if (hangs_on_missing_bytes(c))
        doubt(c, "unidentified: bytes that would have named the protocol are missing");
}

/* TCP from the middle, whose responder may have been known from a SYN-ACK that was forgotten. */
static bool hangs_on_listeners(const struct case_file *c)
{
    return c->flow->key.protocol == IP_TCP && c->out->basis > BASIS_LISTENER &&
           judge_forgot(&c->judge->listeners, c->now_ns);
}

/* UDP that could be media, whose end may have been announced by what was forgotten. */
static bool hangs_on_announcements(const struct case_file *c)
{
    return c->name == PROTO_UNIDENTIFIED && c->flow->identity.likely &&
           judge_forgot(&c->judge->media_ends, c->now_ns);
}

static void weigh_tls_version(const struct case_file *c)
{
    uint16_t version = c->facts->tls.version;
    bool judged = c->out->status == VERDICT_PASS || c->out->status == VERDICT_FAIL;
    if (judged && c->to->is_server && version >= 0x0300 && version <= 0x0304 &&
        version < policy_settings(c->judge->policy)->min_tls)
        c->out->findings |= 1u << FINDING_WEAK_TLS;
}

/* Nothing is said yet but who opened the flow and who the ends are. */
static void begin(const struct judge *judge, const struct flow *flow, struct verdict *out)
{
    /* The list of rows is long and read only as far as its count says: it is not cleared. */
    memset(out, 0, offsetof(struct verdict, rows));
    memset((char *)out + offsetof(struct verdict, deciding), 0,
           sizeof *out - offsetof(struct verdict, deciding));
    out->allow = -1;
    out->status = VERDICT_OUT_OF_SCOPE;
    out->party[0].entry = out->party[1].entry = -1;
    for (unsigned side = 0; side < 2 && judge->policy; side++)
        out->party[side] = policy_party_of(judge->policy, &flow->key.addr[side]);
    out->initiator = (uint8_t)judge_direction(judge, flow, out->party, &out->basis);
}

void judge_verdict_ipsec(const struct judge *judge, const struct flow *flow, struct verdict *out)
{
    begin(judge, flow, out);
    if (!judge->policy || !match_ipsec(judge, flow, out))
        return;
    out->status = VERDICT_FAIL;
    out->findings = 1u << FINDING_IPSEC_ON_MEDIA;
    out->outcome = flow_answered_by(flow, 1u - out->initiator) ? "established" : "attempted";
}

void judge_verdict(const struct judge *judge, const struct flow *flow, const struct proto_facts *facts,
                   int64_t now_ns, bool ended, enum flow_end end, struct verdict *out)
{
    if (judge_is_ipsec(flow)) {
        judge_verdict_ipsec(judge, flow, out);
        return;
    }
    begin(judge, flow, out);
    out->mutual = (uint8_t)judge_mutual(judge, flow, facts, out->initiator);
    if (!judge->policy)
        return;
    unsigned responder = 1u - out->initiator;
    struct case_file c = {.judge = judge,
                          .flow = flow,
                          .facts = facts,
                          .now_ns = now_ns,
                          .ended = ended,
                          .end = end,
                          .out = out,
                          .initiator = out->initiator,
                          .responder = responder,
                          .from = &out->party[out->initiator],
                          .to = &out->party[responder],
                          .name = flow->identity.name,
                          .media = judge_is_media(flow),
                          .answered = flow_answered_by(flow, responder)};
    if (!judge_transport(flow))
        return;
    struct matched matched;
    match_ports_recent(judge, flow, out, &matched);
    if (!is_in_scope(&c, matched.decides))
        return;
    out->allow =
        (int16_t)policy_allows(judge->policy, &flow->key.addr[c.initiator], &flow->key.addr[responder],
                               judge_transport(flow), flow->key.port[responder], flow->first_ns);
    if (out->allow >= 0) {
        out->status = VERDICT_EXEMPT;
        return;
    }
    if (!matched.decides && match_may_be_learned(judge, flow, out, now_ns))
        doubt(&c, "DCE/RPC, and what the endpoint mapper handed out had to make room");
    else if (matched.decides || match_learned(judge, flow, out, &matched))
        weigh_rows(&c, &matched);
    else if (!weigh_media(&c, &matched))
        weigh_no_row(&c);
    if ((out->status == VERDICT_FAIL || out->status == VERDICT_PASS) && hangs_on_listeners(&c))
        doubt(&c, "who opened it is not certain: what was known of listeners had to make room");
    if (out->status == VERDICT_FAIL && hangs_on_announcements(&c))
        doubt(&c, "it may be media: what was announced of its ends had to make room");
    weigh_tls_version(&c);
    match_list(judge, &matched, out);
}
