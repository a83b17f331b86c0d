/* SPDX-License-Identifier: BSD-2-Clause
 *
 * findings.c - what an operator should act on: one finding per key (DESIGN 6), opened by the first flow that
 * fails so, counted exactly, told when it opens, when its severity rises, and when it closes. Called by
 * judge.c with every verdict of a flow; a verdict that changes takes back what the earlier one had counted.
 */
#include "judge_internal.h"

#include "rolecall/hash.h"

/* BY_CALLER: whoever counts such findings gives the key (sight.c). */
enum keyed_by { BY_RESPONDER_PORT, BY_INITIATOR_PORT, BY_RESPONDER_PORT_PROTOCOL, BY_PAIR, BY_CALLER };

static const struct {
    const char *name, *title;
    uint8_t keyed_by;
    uint8_t severity, severity_established;
} kinds[FINDING_COUNT] = {
    [FINDING_UNEXPECTED_PORT] = {"unexpected-port", "Traffic on a port that no documented row allows",
                                 BY_RESPONDER_PORT, 21, 73},
    [FINDING_UNEXPECTED_OUTBOUND] = {"unexpected-outbound",
                                     "A connection to the outside that no documented row allows",
                                     BY_INITIATOR_PORT, 47, 47},
    [FINDING_UNEXPECTED_PROTOCOL] = {"unexpected-protocol", "A documented port that carries another protocol",
                                     BY_RESPONDER_PORT_PROTOCOL, 73, 73},
    [FINDING_MEDIA_PORT] = {"media-port", "Media outside the documented port range", BY_PAIR, 47, 47},
    [FINDING_MUTUAL_TLS_MISSING] = {"mutual-tls-missing",
                                    "TLS without the client certificate that the document asks for",
                                    BY_RESPONDER_PORT, 47, 47},
    [FINDING_BLOCKED_PORT] = {"blocked-port", "A documented port that does not get through",
                              BY_RESPONDER_PORT, 73, 73},
    [FINDING_IPSEC_ON_MEDIA] = {"ipsec-on-media", "IPsec on a path that must be exempt from it", BY_PAIR, 47,
                                47},
    [FINDING_WEAK_TLS] = {"weak-tls", "A server chose a TLS version below the site's minimum",
                          BY_RESPONDER_PORT, 21, 21},
    [FINDING_PLAINTEXT_SIP] = {"plaintext-sip", "SIP in clear at a server", BY_RESPONDER_PORT, 21, 21},
    [FINDING_MEDIA_FALLBACK] = {"media-fallback", "Media over TCP because UDP 3478 gets no answer", BY_CALLER,
                                47, 47},
    [FINDING_UNDECLARED_SERVER] = {"undeclared-server",
                                   "A host that the site does not name answers as a server", BY_CALLER, 47,
                                   47},
    [FINDING_ONE_WAY_CAPTURE] = {"one-way-capture", "The capture does not show what this host sends",
                                 BY_CALLER, 47, 47},
    [FINDING_CAPTURE_LOSS] = {"capture-loss", "The capture loses packets", BY_CALLER, 47, 47},
    [FINDING_CAPTURE_SILENT] = {"capture-silent", "The capture shows nothing", BY_CALLER, 47, 47},
    [FINDING_DUPLICATE_PACKETS] = {"duplicate-packets", "The capture shows packets twice", BY_CALLER, 47, 47},
};

/* Fingerprints are the same in every run and for every version that keys findings alike. */
static const uint64_t fingerprint_secret[2] = {0x726f6c6563616c6c, 0x66696e6765727072};

const char *finding_id_name(enum finding_id id)
{
    return kinds[id].name;
}

const char *finding_id_title(enum finding_id id)
{
    return kinds[id].title;
}

const char *finding_unit(const struct finding *finding)
{
    switch (finding->id) {
    case FINDING_CAPTURE_LOSS:
        return finding->interface[0] ? "packet" : "stream";
    case FINDING_CAPTURE_SILENT:
        return "silence";
    case FINDING_DUPLICATE_PACKETS:
        return "packet";
    default:
        return "flow";
    }
}

static unsigned pair_kind(enum finding_id id)
{
    return id == FINDING_MEDIA_PORT ? 0 : 1;
}

/* An address with many such pairs gets one finding of its own instead of one per pair. */
static struct finding_key key_of(struct judge *judge, enum finding_id id, const struct flow *flow,
                                 const struct verdict *verdict)
{
    unsigned responder = 1u - verdict->initiator;
    struct finding_key key = {.id = (uint8_t)id, .protocol = flow->key.protocol};
    switch (kinds[id].keyed_by) {
    case BY_RESPONDER_PORT_PROTOCOL:
        key.name = flow->identity.name;
        __attribute__((fallthrough));
    case BY_RESPONDER_PORT:
        key.addr[0] = flow->key.addr[responder];
        key.port = flow->key.port[responder];
        return key;
    case BY_INITIATOR_PORT:
        key.addr[0] = flow->key.addr[verdict->initiator];
        key.port = flow->key.port[responder];
        return key;
    default:
        break;
    }
    key.protocol = 0;
    key.addr[0] = flow->key.addr[0];
    key.addr[1] = flow->key.addr[1];
    if (map_find(&judge->findings, &key))
        return key;
    for (unsigned side = 0; side < 2; side++) {
        const struct address_facts *facts = map_find(&judge->addresses, &flow->key.addr[side]);
        if (facts && facts->pair_findings[pair_kind(id)] >= PAIR_FINDINGS_MAX) {
            key.addr[0] = flow->key.addr[side];
            memset(&key.addr[1], 0, sizeof key.addr[1]);
            return key;
        }
    }
    return key;
}

/* A finding of a pair opens, or has gone. */
static void count_pair(struct judge *judge, enum finding_id id, const struct flow *flow, bool opens)
{
    for (unsigned side = 0; side < 2; side++) {
        struct address_facts *facts = map_find(&judge->addresses, &flow->key.addr[side]);
        if (facts && opens)
            facts->pair_findings[pair_kind(id)]++;
        else if (facts && facts->pair_findings[pair_kind(id)])
            facts->pair_findings[pair_kind(id)]--;
    }
}

static void count_peer(struct judge *judge, struct finding *finding, uint32_t number, const struct flow *flow,
                       const struct verdict *verdict)
{
    bool added;
    unsigned side = finding->id == FINDING_UNEXPECTED_OUTBOUND ? 1u - verdict->initiator : verdict->initiator;
    struct peer_key key = {.addr = flow->key.addr[side], .finding = number};
    uint32_t *next = finding->peers < PEERS_PER_FINDING_MAX ? map_add(&judge->peers, &key, &added)
                                                            : map_find(&judge->peers, &key);
    if (!next) {
        finding->peers_at_least = true;
    } else if (finding->peers < PEERS_PER_FINDING_MAX && added) {
        finding->peers++;
        *next = finding->first_peer;
        finding->first_peer = map_number(&judge->peers, next) + 1;
    }
}

static void forget_peers(struct judge *judge, struct finding *finding)
{
    while (finding->first_peer) {
        uint32_t *next = map_value(&judge->peers, finding->first_peer - 1);
        finding->first_peer = *next;
        map_remove(&judge->peers, next);
    }
}

enum { SEVERITY_MEDIUM = 47, SEVERITY_HIGH = 73 };

static int severity_of(const struct judge *judge, enum finding_id id, const struct flow *flow,
                       const struct verdict *verdict)
{
    const struct ipsec_episode *episode = id == FINDING_IPSEC_ON_MEDIA ? ipsec_episode_of(judge, flow) : NULL;
    if (episode && episode->media_affected)
        return policy_severity(judge->policy, kinds[id].name, SEVERITY_HIGH);
    bool established = verdict->outcome && strcmp(verdict->outcome, "established") == 0;
    return policy_severity(judge->policy, kinds[id].name,
                           established ? kinds[id].severity_established : kinds[id].severity);
}

static void tell(struct judge *judge, struct finding *finding, enum finding_state state, int64_t now_ns)
{
    const struct ipsec_episode *episode =
        finding->id == FINDING_IPSEC_ON_MEDIA ? ipsec_episode_of(judge, &finding->flow) : NULL;
    finding->state = state;
    finding->told_ns = now_ns;
    finding->told_seen_ns = finding->last_seen_ns;
    finding->told_count = finding->count;
    if (episode) { /* else the one that it had is over */
        finding->has_episode = true;
        finding->episode = *episode;
    }
    if (judge->told)
        judge->told(judge->context, finding);
}

enum proto_tristate refusal_fits_host(const struct refusal *refusal)
{
    if (refusal->kind != REFUSAL_RST || !refusal->ttl || !refusal->ttl_low)
        return TRI_UNKNOWN;
    return refusal->ttl >= refusal->ttl_low && refusal->ttl <= refusal->ttl_high ? TRI_YES : TRI_NO;
}

static struct refusal refusal_of(const struct judge *judge, const struct judge_flow *in,
                                 const struct verdict *verdict, const struct refusal *before)
{
    const struct flow *flow = in->flow;
    unsigned responder = 1u - verdict->initiator;
    const struct address_facts *host = map_find(&judge->addresses, &flow->key.addr[responder]);
    struct refusal refusal = {.tries = flow->tries, .span_ns = flow->last_ns - flow->first_ns};
    if (flow->flags & FLOW_REFUSED) {
        refusal.kind = REFUSAL_RST;
        refusal.ttl = flow->ttl[responder];
        refusal.ttl_low = host ? host->ttl_low : 0;
        refusal.ttl_high = host ? host->ttl_high : 0;
    } else if (flow->flags & FLOW_UNREACHABLE) {
        refusal.kind = REFUSAL_ICMP;
        refusal.icmp_type = flow->icmp_type;
        refusal.icmp_code = flow->icmp_code;
        refusal.icmp_sender = in->step & FLOW_REFUSAL ? in->icmp_sender : before->icmp_sender;
    } else {
        refusal.kind = REFUSAL_SILENCE;
    }
    return refusal;
}

/* The flow that a finding shows: the first, or the one that made it worse. */
static void show_flow(struct judge *judge, struct finding *finding, const struct judge_flow *in,
                      const struct verdict *verdict)
{
    finding->flow = *in->flow;
    finding->verdict = *verdict;
    if (finding->id == FINDING_BLOCKED_PORT)
        finding->refusal = refusal_of(judge, in, verdict, &finding->refusal);
    finding->severity = severity_of(judge, finding->id, in->flow, verdict);
    reason_write(judge, in, finding);
}

/* Is this the flow that the finding shows? It goes on to show what became of it. */
static bool is_shown(const struct finding *finding, const struct flow *flow)
{
    return finding->flow.first_ns == flow->first_ns &&
           memcmp(&finding->flow.key, &flow->key, sizeof flow->key) == 0;
}

static void see(struct finding *finding, const struct flow *flow)
{
    if (flow->first_ns < finding->first_seen_ns)
        finding->first_seen_ns = flow->first_ns;
    if (flow->last_ns > finding->last_seen_ns)
        finding->last_seen_ns = flow->last_ns;
}

/* Counts one flow for one finding; returns its number + 1, 0 when there is no room for another finding. */
uint16_t findings_add(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                      const struct finding_key *key, uint64_t already)
{
    enum finding_id id = key->id;
    bool added = false;
    bool low = judge->findings.count >= FINDINGS_LOW_MAX &&
               severity_of(judge, id, in->flow, verdict) < SEVERITY_MEDIUM;
    struct finding *finding = low ? map_find(&judge->findings, key) : map_add(&judge->findings, key, &added);
    if (!finding)
        return 0;
    uint32_t number = map_number(&judge->findings, finding);
    finding->count += added ? already : 1;
    if (added) {
        finding->id = id;
        finding->is_pair = kinds[id].keyed_by == BY_PAIR;
        finding->fingerprint = hash_bytes(key, sizeof *key, fingerprint_secret);
        finding->muted = policy_is_muted(judge->policy, kinds[id].name);
        finding->first_seen_ns = in->flow->first_ns;
        finding->last_seen_ns = in->flow->last_ns;
        show_flow(judge, finding, in, verdict);
        if (kinds[id].keyed_by == BY_PAIR)
            count_pair(judge, id, in->flow, true);
    }
    if (finding->flow_count < FINDING_FLOWS_MAX)
        finding->flows[finding->flow_count++] = in->flow->key;
    count_peer(judge, finding, number, in->flow, verdict);
    see(finding, in->flow);
    bool rises = !added && severity_of(judge, id, in->flow, verdict) > finding->severity;
    if (rises)
        show_flow(judge, finding, in, verdict);
    if (added || rises)
        tell(judge, finding, added ? FINDING_OPEN : FINDING_UPDATE, in->now_ns);
    return (uint16_t)(number + 1);
}

static uint16_t count(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                      enum finding_id id)
{
    struct finding_key key = key_of(judge, id, in->flow, verdict);
    return findings_add(judge, in, verdict, &key, 1);
}

static bool still_holds(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                        const struct finding *finding, uint32_t number)
{
    if (!(verdict->findings >> finding->id & 1))
        return false;
    struct finding_key key = key_of(judge, finding->id, in->flow, verdict);
    const struct finding_key *held = map_key(&judge->findings, number);
    return memcmp(&key, held, sizeof key) == 0;
}

/* What the flow counted in before: does it still? Returns which kinds of findings do. */
static uint32_t recount(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                        struct mark *mark)
{
    uint32_t held = 0;
    for (unsigned i = 0; i < MARK_FINDINGS_MAX; i++) {
        uint16_t number = judge_counted(judge, mark)->findings[i];
        if (!number)
            continue;
        struct finding *finding = map_value(&judge->findings, number - 1u);
        if (still_holds(judge, in, verdict, finding, number - 1u)) {
            held |= 1u << finding->id;
            see(finding, in->flow);
            bool rises = severity_of(judge, finding->id, in->flow, verdict) > finding->severity;
            if (rises || is_shown(finding, in->flow))
                show_flow(judge, finding, in, verdict);
            if (rises)
                tell(judge, finding, FINDING_UPDATE, in->now_ns);
        } else {
            finding->count--;
            finding->live_flows--;
            judge_count(judge, mark)->findings[i] = 0;
        }
    }
    return held;
}

static void keep_number(struct judge *judge, struct mark *mark, uint16_t number)
{
    struct counted *counted = judge_count(judge, mark);
    for (unsigned i = 0; i < MARK_FINDINGS_MAX; i++) {
        if (!counted->findings[i]) {
            counted->findings[i] = number;
            ((struct finding *)map_value(&judge->findings, number - 1u))->live_flows++;
            return;
        }
    }
}

void findings_count(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                    struct mark *mark)
{
    uint32_t held = recount(judge, in, verdict, mark);
    for (uint32_t left = verdict->findings & ~held; left; left &= left - 1) {
        uint16_t number = count(judge, in, verdict, (enum finding_id)__builtin_ctz(left));
        if (!number && !mark->refused)
            judge->totals.findings_refused++;
        mark->refused |= !number;
        if (number)
            keep_number(judge, mark, number);
    }
}

/* A flow read inside AH or ESP-NULL is judged as what it is; that it was protected counts for its pair. */
void findings_protected(struct judge *judge, const struct judge_flow *in, struct mark *mark)
{
    if (mark->protected_counted || !(in->flow->flags & FLOW_PROTECTED))
        return;
    struct verdict verdict;
    judge_verdict_ipsec(judge, in->flow, &verdict);
    if (verdict.status != VERDICT_FAIL)
        return;
    mark->protected_counted = true;
    count(judge, in, &verdict, FINDING_IPSEC_ON_MEDIA);
}

/* Something about a pair's IPsec or media changed: an open finding of the pair follows. */
void findings_ipsec_changed(struct judge *judge, const struct judge_flow *in, const struct pair_key *pair,
                            const struct ipsec_episode *episode)
{
    struct finding_key key = {.id = FINDING_IPSEC_ON_MEDIA, .addr = {pair->addr[0], pair->addr[1]}};
    struct finding *finding = map_find(&judge->findings, &key);
    if (!finding || !finding->count)
        return;
    int severity = severity_of(judge, finding->id, &finding->flow, &finding->verdict);
    bool news = severity > finding->severity || finding->episode.state != episode->state ||
                finding->episode.first_protected_ns != episode->first_protected_ns ||
                finding->episode.media_start_ns != episode->media_start_ns;
    if (!news)
        return;
    if (severity > finding->severity)
        finding->severity = severity;
    if (in->now_ns > finding->last_seen_ns)
        finding->last_seen_ns = in->now_ns;
    tell(judge, finding, FINDING_UPDATE, in->now_ns);
}

struct finding *findings_sensor(struct judge *judge, const struct finding_key *key, const char *interface,
                                int64_t now_ns, bool *opens)
{
    struct finding *finding = map_add(&judge->findings, key, opens);
    if (!finding) {
        judge->totals.findings_refused++;
        return NULL;
    }
    finding->last_seen_ns = now_ns;
    if (!*opens)
        return finding;
    finding->id = key->id;
    finding->is_sensor = true;
    memcpy(finding->interface, interface, strnlen(interface, sizeof finding->interface - 1));
    finding->fingerprint = hash_bytes(key, sizeof *key, fingerprint_secret);
    finding->muted = judge->policy && policy_is_muted(judge->policy, kinds[key->id].name);
    finding->severity = kinds[key->id].severity;
    if (judge->policy)
        finding->severity = policy_severity(judge->policy, kinds[key->id].name, finding->severity);
    finding->first_seen_ns = now_ns;
    return finding;
}

void findings_sensor_told(struct judge *judge, struct finding *finding, bool opens)
{
    if (opens)
        tell(judge, finding, FINDING_OPEN, finding->last_seen_ns);
}

static void let_go(struct judge *judge, struct finding *finding)
{
    if (finding->is_pair)
        count_pair(judge, finding->id, &finding->flow, false);
    forget_peers(judge, finding);
    map_remove(&judge->findings, finding);
}

void findings_sensor_over(struct judge *judge, struct finding *finding, int64_t now_ns)
{
    tell(judge, finding, FINDING_CLOSE, now_ns);
    let_go(judge, finding);
}

/* The flow is over: what it counted in no longer waits for it. */
void findings_flow_over(struct judge *judge, const struct mark *mark)
{
    const struct counted *counted = judge_counted(judge, mark);
    for (unsigned i = 0; mark->counted && i < MARK_FINDINGS_MAX; i++)
        if (counted->findings[i])
            ((struct finding *)map_value(&judge->findings, counted->findings[i] - 1u))->live_flows--;
}

/* The flow goes on, and with it what it counted in. */
void findings_seen(struct judge *judge, const struct judge_flow *in, const struct mark *mark)
{
    const struct counted *counted = judge_counted(judge, mark);
    for (unsigned i = 0; i < MARK_FINDINGS_MAX; i++)
        if (counted->findings[i])
            see(map_value(&judge->findings, counted->findings[i] - 1u), in->flow);
}

/* More flows, or the same ones for more than the last moments of the one that opened it. */
static bool has_news(const struct finding *finding)
{
    return finding->count != finding->told_count ||
           finding->last_seen_ns - finding->told_seen_ns > INT64_C(60) * NS_PER_S;
}

/* DESIGN 6: one update per window, closed after a day. */
void findings_age(struct judge *judge, int64_t now_ns)
{
    for (uint32_t number = 0; number < judge->findings.used; number++) {
        struct finding *finding = map_at(&judge->findings, number);
        if (!finding)
            continue;
        if (now_ns - finding->last_seen_ns >= DAY_NS && !finding->live_flows) {
            tell(judge, finding, FINDING_CLOSE, now_ns);
            let_go(judge, finding);
        } else if (has_news(finding) && now_ns - finding->told_ns >= HOUR_NS) {
            tell(judge, finding, FINDING_UPDATE, now_ns);
        }
    }
}

void findings_close(struct judge *judge, int64_t now_ns)
{
    for (uint32_t number = 0; number < judge->findings.used; number++) {
        struct finding *finding = map_at(&judge->findings, number);
        if (finding)
            tell(judge, finding, FINDING_CLOSE, now_ns);
    }
}
