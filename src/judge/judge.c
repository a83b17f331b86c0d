/* SPDX-License-Identifier: BSD-2-Clause
 *
 * judge.c - keeps what flows teach about addresses, asks for a verdict when something changed, and hands it
 * on to findings and coverage (DESIGN 5.5). Called by the engine, in packet order.
 */
#include "judge_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "rolecall/ahead.h"

size_t judge_memory(const struct judge_options *options)
{
    size_t size = sizeof(struct judge) + (size_t)options->flow_slots * sizeof(struct mark);
    size += RECENT_SIZE * sizeof(struct recent);
    size += pool_memory(sizeof(struct counted), options->flow_slots);
    size += map_memory(sizeof(struct addr), sizeof(struct address_facts), ADDRESSES_MAX);
    size += map_memory(sizeof(struct endpoint_key), sizeof(int64_t), LISTENERS_MAX);
    size += map_memory(sizeof(struct endpoint_key), sizeof(int64_t), MAPPED_MAX);
    size += map_memory(sizeof(struct endpoint_key), sizeof(int64_t), MEDIA_ENDS_MAX);
    size += map_memory(sizeof(struct session_key), sizeof(uint8_t), SESSIONS_MAX);
    size += map_memory(sizeof(struct pair_key), sizeof(struct pair), PAIRS_MAX);
    size += map_memory(sizeof(struct pair_key), sizeof(struct ipsec_episode), EPISODES_MAX);
    size += map_memory(sizeof(struct pair_key), sizeof(struct fallback), FALLBACKS_MAX);
    size += map_memory(sizeof(struct addr), sizeof(struct answered), ANSWERED_HOSTS_MAX);
    size += map_memory(sizeof(struct finding_key), sizeof(struct finding), FINDINGS_MAX);
    size += map_memory(sizeof(struct coverage_peer_key), sizeof(uint32_t), COVERAGE_PEERS_MAX);
    return size + map_memory(sizeof(struct peer_key), sizeof(uint32_t), PEERS_MAX);
}

static bool make_coverage(struct judge *judge)
{
    while (policy_entry(judge->policy, (int32_t)judge->entries))
        judge->entries++;
    judge->rows = policy_row_count(judge->policy);
    judge->coverage = calloc((size_t)judge->entries * judge->rows + 1, sizeof *judge->coverage);
    judge->allow_used = calloc((size_t)policy_allow_count(judge->policy) + 1, sizeof *judge->allow_used);
    return judge->coverage && judge->allow_used;
}

struct judge *judge_create(const struct judge_options *options)
{
    struct judge *judge = calloc(1, sizeof *judge);
    if (!judge)
        return NULL;
    judge->policy = options->policy;
    judge->told = options->told;
    judge->episode_over = options->episode_over;
    judge->context = options->context;
    judge->marks = calloc((size_t)options->flow_slots + 1, sizeof *judge->marks);
    judge->recent = calloc(RECENT_SIZE, sizeof *judge->recent);
    uint64_t secret[2];
    map_secret(secret);
    bool ok =
        judge->marks && judge->recent && options->flow_slots <= FLOW_SLOTS_MAX &&
        pool_init(&judge->counted, sizeof(struct counted), options->flow_slots) &&
        map_init(&judge->addresses, sizeof(struct addr), sizeof(struct address_facts), ADDRESSES_MAX,
                 secret) &&
        map_init(&judge->listeners, sizeof(struct endpoint_key), sizeof(int64_t), LISTENERS_MAX, secret) &&
        map_init(&judge->mapped, sizeof(struct endpoint_key), sizeof(int64_t), MAPPED_MAX, secret) &&
        map_init(&judge->media_ends, sizeof(struct endpoint_key), sizeof(uint8_t), MEDIA_ENDS_MAX, secret) &&
        map_init(&judge->sessions, sizeof(struct session_key), sizeof(uint8_t), SESSIONS_MAX, secret) &&
        map_init(&judge->pairs, sizeof(struct pair_key), sizeof(struct pair), PAIRS_MAX, secret) &&
        map_init(&judge->episodes, sizeof(struct pair_key), sizeof(struct ipsec_episode), EPISODES_MAX,
                 secret) &&
        map_init(&judge->fallbacks, sizeof(struct pair_key), sizeof(struct fallback), FALLBACKS_MAX,
                 secret) &&
        map_init(&judge->answered, sizeof(struct addr), sizeof(struct answered), ANSWERED_HOSTS_MAX,
                 secret) &&
        map_init(&judge->findings, sizeof(struct finding_key), sizeof(struct finding), FINDINGS_MAX,
                 secret) &&
        map_init(&judge->coverage_peers, sizeof(struct coverage_peer_key), sizeof(uint32_t),
                 COVERAGE_PEERS_MAX, secret) &&
        map_init(&judge->peers, sizeof(struct peer_key), sizeof(uint32_t), PEERS_MAX, secret);
    if (!ok || (judge->policy && !make_coverage(judge))) {
        judge_destroy(judge);
        return NULL;
    }
    return judge;
}

void judge_destroy(struct judge *judge)
{
    if (!judge)
        return;
    map_fini(&judge->addresses);
    map_fini(&judge->listeners);
    map_fini(&judge->mapped);
    map_fini(&judge->media_ends);
    map_fini(&judge->sessions);
    map_fini(&judge->pairs);
    map_fini(&judge->episodes);
    map_fini(&judge->fallbacks);
    map_fini(&judge->answered);
    map_fini(&judge->findings);
    map_fini(&judge->peers);
    map_fini(&judge->coverage_peers);
    pool_fini(&judge->counted);
    free(judge->marks);
    free(judge->recent);
    free(judge->coverage);
    free(judge->allow_used);
    free(judge);
}

void judge_prefetch(const struct judge *judge, uint32_t slot)
{
    ask_ahead(&judge->marks[slot]);
}

/* Datagrams between two ports that are nobody's (RFC 6335 section 6) are mostly media. */
static bool is_likely_media(const struct flow_key *key)
{
    return key->protocol == IP_UDP && key->port[0] >= 1024 && key->port[1] >= 1024;
}

static uint64_t prefetch(const struct map *map, const void *key)
{
    uint64_t hash = map_hash(map, key);
    map_prefetch_slot(map, hash);
    return hash;
}

/* Kept a function of its own: a flow that goes on needs none of it. */
static __attribute__((noinline)) void prefetch_ends(const struct judge *judge, const struct flow_key *key,
                                                    struct judge_ends *ends)
{
    for (unsigned side = 0; ends->has_addr && side < 2; side++)
        ends->addr[side] = prefetch(&judge->addresses, &key->addr[side]);
    if (ends->has_pair)
        ends->pair = prefetch(&judge->pairs, key->addr);
}

void judge_prefetch_ends(const struct judge *judge, const struct flow_key *key, bool with_addresses,
                         struct judge_ends *ends)
{
    ends->has_addr = with_addresses;
    ends->has_pair = is_likely_media(key);
    if (ends->has_addr || ends->has_pair)
        prefetch_ends(judge, key, ends);
}

void judge_prefetch_near(const struct judge *judge, const struct judge_ends *ends)
{
    for (unsigned side = 0; ends->has_addr && side < 2; side++)
        map_prefetch_entry(&judge->addresses, ends->addr[side]);
    if (ends->has_pair)
        map_prefetch_entry(&judge->pairs, ends->pair);
}

struct counted *judge_count(struct judge *judge, struct mark *mark)
{
    if (!mark->counted) {
        mark->counted = pool_take(&judge->counted) & FLOW_SLOTS_MAX;
        assert(mark->counted); /* no flow has two */
        memset(pool_item(&judge->counted, mark->counted), 0, sizeof(struct counted));
    }
    return pool_item(&judge->counted, mark->counted);
}

static void clear_mark(struct judge *judge, struct mark *mark)
{
    if (mark->counted)
        pool_give(&judge->counted, mark->counted);
    *mark = (struct mark){0};
}

void judge_begin(struct judge *judge, const struct judge_flow *in)
{
    clear_mark(judge, &judge->marks[in->slot]); /* the word that its last flow is over may have been lost */
    judge_count_flow(judge, in, &judge->marks[in->slot]);
    ipsec_note(judge, in, &judge->marks[in->slot], false);
}

/* A verdict needs a name, or the certainty that there will be none, or a refusal, or SYNs that were given
 * time to be answered (DESIGN 5.5). */
static bool is_ripe(const struct flow *flow)
{
    bool silent = (flow->flags & FLOW_SILENT) && flow->key.protocol == IP_TCP;
    return flow->identity.name || flow->identity.settled || silent ||
           (flow->flags & (FLOW_REFUSED | FLOW_UNREACHABLE)) || !judge_transport(flow);
}

/* A port that passed as handed out before the mapper was seen stays so for the flows that follow. */
static void keep_learned(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict)
{
    unsigned responder = 1u - verdict->initiator;
    if (verdict->match == MATCH_LEARNED)
        judge_add_endpoint(&judge->mapped, &in->flow->key.addr[responder], in->flow->key.port[responder],
                           in->now_ns);
}

void judge_note(struct judge *judge, const struct judge_flow *in)
{
    struct mark *mark = &judge->marks[in->slot];
    const struct flow *flow = in->flow;
    judge_heard(judge, in, mark);
    if (in->step & FLOW_LISTENER) {
        unsigned server = flow->flags & FLOW_SYN_ACK_1 ? 1 : 0;
        judge_add_endpoint(&judge->listeners, &flow->key.addr[server], flow->key.port[server], in->now_ns);
    }
    ipsec_note(judge, in, mark, false);
    if (!judge->policy)
        return;
    findings_protected(judge, in, mark);
    if (!is_ripe(flow))
        return;
    struct verdict verdict;
    judge_verdict(judge, flow, in->facts, in->now_ns, false, FLOW_END_INPUT, &verdict);
    keep_learned(judge, in, &verdict);
    judge_keep_session(judge, in, verdict.initiator);
    if (verdict.findings || mark->counted)
        findings_count(judge, in, &verdict, mark);
}

void judge_trouble(struct judge *judge, const struct judge_flow *in)
{
    ipsec_note(judge, in, &judge->marks[in->slot], false);
}

void judge_look(struct judge *judge, const struct judge_flow *in, struct verdict *verdict)
{
    struct mark *mark = &judge->marks[in->slot];
    for (unsigned side = 0; side < 2; side++)
        judge_address(judge, &in->flow->key.addr[side], in->now_ns);
    ipsec_note(judge, in, mark, false);
    findings_seen(judge, in, mark);
    judge_verdict(judge, in->flow, in->facts, in->now_ns, false, FLOW_END_ACTIVE, verdict);
}

static bool is_reason(const struct reason_count *known, const char *reason)
{
    return known->reason == reason || strcmp(known->reason, reason) == 0;
}

static void count_reason(struct judge *judge, const char *reason)
{
    for (unsigned i = 0; i < REASONS_MAX; i++) {
        if (!judge->reasons[i].reason)
            judge->reasons[i].reason = reason;
        if (is_reason(&judge->reasons[i], reason)) {
            judge->reasons[i].flows++;
            return;
        }
    }
}

static void count_over(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                       struct mark *mark)
{
    findings_protected(judge, in, mark);
    if (verdict->findings || mark->counted)
        findings_count(judge, in, verdict, mark);
    findings_flow_over(judge, mark);
    sight_flow_over(judge, in, verdict);
    coverage_count(judge, in, verdict);
    if (verdict->allow >= 0)
        judge->allow_used[verdict->allow]++;
    if (verdict->status == VERDICT_INCONCLUSIVE)
        count_reason(judge, verdict->reason);
    if (verdict->status == VERDICT_PASS && !in->flow->identity.name)
        judge->totals.unidentified_pass++;
}

void judge_end(struct judge *judge, const struct judge_flow *in, enum flow_end end, struct verdict *verdict)
{
    struct mark *mark = &judge->marks[in->slot];
    ipsec_note(judge, in, mark, true);
    judge_verdict(judge, in->flow, in->facts, in->now_ns, true, end, verdict);
    judge->totals.flows++;
    judge->totals.by_status[verdict->status]++;
    sensor_flow_over(judge, in);
    ipsec_flow_over(judge, in, mark);
    if (judge->policy)
        count_over(judge, in, verdict, mark);
    clear_mark(judge, mark);
}

/* Only the mapper on its documented port hands out ports, and only its own: else any host could document
 * itself. */
static void learn_dcerpc(struct judge *judge, const struct judge_flow *in, unsigned speaker_side,
                         uint16_t port)
{
    const struct addr *speaker = &in->flow->key.addr[speaker_side];
    struct policy_party party = policy_party_of(judge->policy, speaker);
    if (!match_answers(judge, &party, OVER_TCP, in->flow->key.port[speaker_side], PROTO_dcerpc))
        return;
    /* Port 0 stands for "its answers were seen". */
    judge_add_endpoint(&judge->mapped, speaker, 0, in->now_ns);
    judge_add_endpoint(&judge->mapped, speaker, port, in->now_ns);
}

void judge_learn(struct judge *judge, const struct judge_flow *in, unsigned speaker_side,
                 const struct proto_learned *learned)
{
    const struct addr *addr = learned->has_addr ? &learned->addr : &in->flow->key.addr[speaker_side];
    switch (learned->kind) {
    case LEARNED_DCERPC:
        if (judge->policy && learned->transport == OVER_TCP)
            learn_dcerpc(judge, in, speaker_side, learned->port);
        break;
    case LEARNED_MEDIA:
    case LEARNED_RELAY:
        judge_announce_media(judge, addr, learned->port, learned->modality, in->now_ns);
        break;
    default: /* where a named SQL instance listens makes no port a documented one */
        break;
    }
}

void judge_finish(struct judge *judge, int64_t now_ns)
{
    sensor_finish(judge, now_ns);
    ipsec_settle(judge);
    findings_close(judge, now_ns);
    ipsec_finish(judge);
    coverage_settle(judge);
}

const struct judge_totals *judge_totals(const struct judge *judge)
{
    return &judge->totals;
}

const struct finding *judge_finding(const struct judge *judge, uint32_t number)
{
    return map_at(&judge->findings, number);
}

uint64_t judge_allow_used(const struct judge *judge, unsigned allow)
{
    return judge->allow_used ? judge->allow_used[allow] : 0;
}

const char *judge_inconclusive(const struct judge *judge, unsigned number, uint64_t *flows)
{
    if (number >= REASONS_MAX || !judge->reasons[number].reason)
        return NULL;
    *flows = judge->reasons[number].flows;
    return judge->reasons[number].reason;
}

enum { COUNTERS = 13 };

unsigned judge_counter_count(void)
{
    return COUNTERS;
}

const char *judge_counter(const struct judge *judge, unsigned number, uint64_t *value)
{
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"addresses_forgotten", judge->addresses.forgotten},
        {"listeners_forgotten", judge->listeners.forgotten},
        {"mapped_ports_forgotten", judge->mapped.forgotten},
        {"media_ends_forgotten", judge->media_ends.forgotten},
        {"sessions_forgotten", judge->sessions.forgotten},
        {"pairs_forgotten", judge->pairs.forgotten},
        {"episodes_forgotten", judge->episodes.forgotten},
        {"fallbacks_forgotten", judge->fallbacks.forgotten},
        {"answered_forgotten", judge->answered.forgotten},
        {"findings_refused", judge->totals.findings_refused},
        {"peers_refused", judge->peers.refused},
        {"coverage_peers_refused", judge->coverage_peers.refused},
        {"interfaces_refused", judge->sensor.refused},
    };
    _Static_assert(sizeof counters / sizeof *counters == COUNTERS, "each is counted");
    *value = counters[number].value;
    return counters[number].name;
}
