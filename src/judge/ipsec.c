/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ipsec.c - IPsec between two addresses, as one story: who negotiated when, whether it was answered, when
 * protected traffic began, and what became of the pair's media meanwhile (DESIGN 7, PROTOCOLS 16). Fed with
 * every IKE, ESP, AH and media flow; AuthIP and the IKEv1 message that Windows sends beside it fall together
 * because the pair is the key.
 */
#include "judge_internal.h"

static void least(int64_t *time_ns, int64_t candidate_ns)
{
    if (!*time_ns || candidate_ns < *time_ns)
        *time_ns = candidate_ns;
}

static void most(int64_t *time_ns, int64_t candidate_ns)
{
    if (candidate_ns > *time_ns)
        *time_ns = candidate_ns;
}

static struct pair_key key_of(const struct flow *flow)
{
    return (struct pair_key){{flow->key.addr[0], flow->key.addr[1]}};
}

static bool came_in(const struct flow *flow, enum layer layer)
{
    for (unsigned i = 0; i < sizeof flow->layers; i++)
        if (flow->layers[i] == layer)
            return true;
    return false;
}

static bool has_shown(const struct flow *flow, const struct proto_facts *facts, uint64_t protocols)
{
    return (facts->also | (uint64_t)1 << flow->identity.name) & protocols;
}

static bool is_ike(const struct flow *flow, const struct proto_facts *facts)
{
    return has_shown(flow, facts, (uint64_t)1 << PROTO_ike | (uint64_t)1 << PROTO_authip);
}

static bool is_protected(const struct flow *flow, const struct proto_facts *facts)
{
    return flow->key.protocol == IP_ESP || flow->key.protocol == IP_AH || (flow->flags & FLOW_PROTECTED) ||
           has_shown(flow, facts, (uint64_t)1 << PROTO_esp);
}

static void note_ike(struct ipsec_episode *episode, const struct flow *flow, const struct proto_facts *facts,
                     struct counted *counted)
{
    if (has_shown(flow, facts, (uint64_t)1 << PROTO_authip))
        episode->negotiation = IPSEC_AUTHIP;
    else if (episode->negotiation == IPSEC_NONE)
        episode->negotiation =
            facts->ike.exchange >= 34 && facts->ike.exchange <= 38 ? IPSEC_IKEV2 : IPSEC_IKEV1;
    least(&episode->first_request_ns, flow->first_ns);
    most(&episode->last_request_ns, flow->last_ns);
    if (!episode->answered)
        episode->requests += (uint8_t)(flow->tries - counted->requests);
    counted->requests = flow->tries;
    episode->answered |= flow->packets[0] && flow->packets[1];
    episode->nat_t |= facts->ike.nat_t || flow->key.port[0] == 4500 || flow->key.port[1] == 4500;
}

/* New keys are one SPI more on each side that sends; those not listed any more are counted by their flow. */
static void count_keys(struct ipsec_episode *episode, uint8_t sent)
{
    if (sent > episode->rekeys + 1)
        episode->rekeys = (uint8_t)(sent - 1);
}

static void note_spis(struct ipsec_episode *episode, const struct flow *flow, const struct proto_facts *facts)
{
    for (unsigned i = 0; i < facts->esp.spi_count; i++) {
        bool known = false;
        for (unsigned k = 0; k < episode->spi_count; k++)
            known |= episode->spi[k] == facts->esp.spi[i];
        if (known || episode->spi_count == IPSEC_SPI_MAX)
            continue;
        unsigned side = (facts->esp.spi_sides >> i & 1) ^ flow->first;
        episode->spi[episode->spi_count++] = facts->esp.spi[i];
        count_keys(episode, ++episode->sent[side]);
    }
    count_keys(episode, facts->esp.sent[0]);
    count_keys(episode, facts->esp.sent[1]);
}

static void count_lost(struct pair *pair, struct counted *counted, uint32_t lost)
{
    uint32_t late =
        lost < counted->media_lost ? counted->media_lost - lost : 0; /* that turned up after all */
    uint32_t more = lost > counted->media_lost ? lost - counted->media_lost : 0;
    counted->media_lost = lost;
    pair->media_lost += more;
    pair->media_lost -= late < pair->media_lost ? late : pair->media_lost;
}

/* Media that can be read: in clear, or inside AH or ESP-NULL. */
static void note_media(struct judge *judge, const struct judge_flow *in, struct mark *mark)
{
    struct pair_key key = key_of(in->flow);
    struct pair *pair = map_take(&judge->pairs, &key, in->now_ns, NULL);
    if (!mark->media_counted)
        pair->media_flows++;
    mark->media_counted = true;
    if (in->facts->rtp.lost != judge_counted(judge, mark)->media_lost)
        count_lost(pair, judge_count(judge, mark), in->facts->rtp.lost);
    if (in->facts->rtp.silences != judge_counted(judge, mark)->silences) {
        pair->silent_ns = in->now_ns; /* told with the packet that ended it */
        judge_count(judge, mark)->silences = in->facts->rtp.silences;
    }
    if (!(in->flow->flags & FLOW_PROTECTED))
        most(&pair->last_clear_media_ns, in->flow->last_ns);
}

static int64_t begin_of(const struct ipsec_episode *episode)
{
    return episode->first_request_ns ? episode->first_request_ns : episode->first_protected_ns;
}

/* A call that is over does not hide how long the next one waits; one that goes on waits for nothing. */
static void note_start(struct ipsec_episode *episode, const struct flow *flow)
{
    if (flow->first_ns >= begin_of(episode))
        least(&episode->media_start_ns, flow->first_ns);
    else if (flow->last_ns >= begin_of(episode))
        episode->media_running = true;
    if (episode->media_running)
        episode->media_start_ns = 0;
}

/* What was lost before an episode is not its fault. */
static void forgive_lost(const struct judge *judge, const struct pair_key *key, struct ipsec_episode *episode)
{
    const struct pair *pair = map_find(&judge->pairs, key);
    episode->lost_before = pair ? pair->media_lost : 0;
}

/* Is media missing that can no longer be called late? */
static bool lacks_media(struct ipsec_episode *episode, const struct pair *pair, int64_t now_ns)
{
    if (episode->lost_before > pair->media_lost)
        episode->lost_before = pair->media_lost; /* some of it was late */
    episode->media_lost = pair->media_lost - episode->lost_before;
    if (!episode->media_lost)
        episode->lost_since_ns = 0;
    else if (!episode->lost_since_ns)
        episode->lost_since_ns = now_ns;
    return episode->media_lost && now_ns - episode->lost_since_ns >= NS_PER_S;
}

/* What the pair's media say of its episode. */
static void join_media(struct judge *judge, const struct pair_key *key, struct ipsec_episode *episode,
                       int64_t now_ns)
{
    const struct pair *pair = map_find(&judge->pairs, key);
    if (!pair)
        return;
    episode->media_flows = pair->media_flows;
    bool disturbed = pair->silent_ns && pair->silent_ns >= begin_of(episode);
    disturbed |= lacks_media(episode, pair, now_ns);
    bool late = episode->first_request_ns && episode->media_start_ns > episode->first_request_ns;
    episode->media_affected = pair->media_flows && (late || disturbed);
    if (episode->first_protected_ns)
        episode->state = IPSEC_PROTECTED;
    else if (pair->last_clear_media_ns > episode->last_request_ns)
        episode->state = IPSEC_FELL_BACK;
}

static void settle_state(struct judge *judge, const struct pair_key *key, struct ipsec_episode *episode,
                         int64_t now_ns)
{
    episode->state = episode->first_protected_ns ? IPSEC_PROTECTED
                     : episode->answered         ? IPSEC_NEGOTIATING
                                                 : IPSEC_UNANSWERED;
    join_media(judge, key, episode, now_ns);
}

static void tell_episode(struct judge *judge, struct ipsec_episode *episode)
{
    judge_verdict_ipsec(judge, &episode->flow, &episode->verdict);
    if (episode->verdict.outcome && (episode->answered || (episode->sent[0] && episode->sent[1])))
        episode->verdict.outcome = "established";
    if (judge->episode_over)
        judge->episode_over(judge->context, episode);
}

/* The episode that must make room for another one is over, whatever may come of it. */
static struct ipsec_episode *episode_take(struct judge *judge, const struct pair_key *key, int64_t now_ns,
                                          bool *added)
{
    if (judge->episodes.count == judge->episodes.capacity && !map_find(&judge->episodes, key))
        tell_episode(judge, map_oldest(&judge->episodes));
    return map_take(&judge->episodes, key, now_ns, added);
}

/* Where the pair's episode had to make room, what is left of its flows is no other episode. */
static void note_pair(struct judge *judge, const struct judge_flow *in, struct mark *mark, bool is_over)
{
    const struct flow *flow = in->flow;
    bool ike = is_ike(flow, in->facts), protected = is_protected(flow, in->facts),
         media = judge_is_media(flow);
    struct pair_key key = key_of(flow);
    if (media)
        note_media(judge, in, mark);
    bool added = false, opens = (ike || protected) && !(is_over && mark->in_episode);
    struct ipsec_episode *episode =
        opens ? episode_take(judge, &key, in->now_ns, &added) : map_find(&judge->episodes, &key);
    if (!episode)
        return;
    if (added)
        episode->flow = *flow;
    else
        map_touch(&judge->episodes, episode, in->now_ns);
    if (added || (ike && !episode->first_request_ns))
        forgive_lost(judge, &key, episode);
    episode->live_flows += !mark->in_episode;
    mark->in_episode = true;
    if (ike)
        note_ike(episode, flow, in->facts, judge_count(judge, mark));
    if (protected) {
        least(&episode->first_protected_ns, ike ? in->now_ns : flow->first_ns);
        episode->esp_null |= came_in(flow, LAYER_ESP_NULL);
        episode->nat_t |= flow->key.protocol == IP_UDP && flow->identity.name == PROTO_esp;
        note_spis(episode, flow, in->facts);
    }
    if (media)
        note_start(episode, flow);
    settle_state(judge, &key, episode, in->now_ns);
    if (judge->policy)
        findings_ipsec_changed(judge, in, &key, episode);
}

void ipsec_note(struct judge *judge, const struct judge_flow *in, struct mark *mark, bool is_over)
{
    if (is_ike(in->flow, in->facts) || is_protected(in->flow, in->facts) || judge_is_media(in->flow))
        note_pair(judge, in, mark, is_over);
}

bool ipsec_has_authip(const struct judge *judge, const struct flow *flow)
{
    struct pair_key key = key_of(flow);
    const struct ipsec_episode *episode = map_find(&judge->episodes, &key);
    return episode && episode->negotiation == IPSEC_AUTHIP;
}

bool ipsec_has_media(const struct judge *judge, const struct flow *flow)
{
    struct pair_key key = key_of(flow);
    const struct pair *pair = map_find(&judge->pairs, &key);
    return pair && pair->media_flows;
}

const struct ipsec_episode *ipsec_episode_of(const struct judge *judge, const struct flow *flow)
{
    struct pair_key key = key_of(flow);
    return map_find(&judge->episodes, &key);
}

void ipsec_flow_over(struct judge *judge, const struct judge_flow *in, struct mark *mark)
{
    struct pair_key key = key_of(in->flow);
    struct ipsec_episode *episode = mark->in_episode ? map_find(&judge->episodes, &key) : NULL;
    if (episode && episode->live_flows)
        episode->live_flows--;
    mark->in_episode = false;
}

/* An episode is over when none of its flows lives and none came for as long as Windows keeps an idle quick
 * mode association (PROTOCOLS 16.3). */
enum { EPISODE_QUIET_S = 300 };

void ipsec_age(struct judge *judge, int64_t now_ns)
{
    struct ipsec_episode *next;
    for (struct ipsec_episode *episode = map_oldest(&judge->episodes); episode; episode = next) {
        if (now_ns - map_touched_ns(&judge->episodes, episode) < INT64_C(1) * EPISODE_QUIET_S * NS_PER_S)
            return;
        next = map_next(&judge->episodes, episode);
        if (episode->live_flows)
            continue;
        tell_episode(judge, episode);
        map_remove(&judge->episodes, episode);
    }
}

void ipsec_settle(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->episodes.used; i++) {
        struct ipsec_episode *episode = map_at(&judge->episodes, i);
        if (episode)
            settle_state(judge, map_key(&judge->episodes, i), episode, INT64_MAX);
    }
}

void ipsec_finish(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->episodes.used; i++) {
        struct ipsec_episode *episode = map_at(&judge->episodes, i);
        if (episode)
            tell_episode(judge, episode);
    }
}
