/* SPDX-License-Identifier: BSD-2-Clause
 *
 * coverage.c - which documented rows were seen working, seen failing, or never seen, per host or network that
 * holds the row's role (DESIGN 8). Fed once per flow, at its end.
 */
#include "judge_internal.h"

enum kind { SEEN, VIOLATED, BLOCKED };

/* Does one of this party's direct roles have the row in one of its lists? */
static bool holds(const struct judge *judge, const struct policy_party *party, const struct matrix_row *row)
{
    for (role_set left = party->direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(judge->policy, (unsigned)__builtin_ctzll(left));
        if (role->holds[row->order / 64] >> row->order % 64 & 1)
            return true;
    }
    return false;
}

/* An inbound row is kept by the responder, an outbound one by the initiator, the others by whoever has the
 * role. */
static bool counts_for(const struct matrix_row *row, const struct verdict *verdict, unsigned side)
{
    if (row->direction == ROW_INBOUND)
        return side != verdict->initiator;
    return row->direction != ROW_OUTBOUND || side == verdict->initiator;
}

static void count_peer(struct judge *judge, const struct coverage_peer *peer)
{
    struct coverage *coverage = &judge->coverage[peer->key.place];
    bool added;
    uint32_t *next = map_add_hashed(&judge->coverage_peers, &peer->key, peer->hash, &added);
    if (!next) {
        coverage->peers_at_least = true;
    } else if (added) {
        coverage->peers++;
        *next = coverage->first_peer;
        coverage->first_peer = map_number(&judge->coverage_peers, next) + 1;
    }
}

/* Nobody asks for peers before all flows of the moment are counted, so each waits a little, in its order,
 * while its memory is fetched: first its place in the map, then the entry. */
static void count_peer_later(struct judge *judge, uint32_t place, const struct addr *peer)
{
    struct coverage_queue *queue = &judge->coverage_queue;
    struct coverage_peer *last = &queue->peers[queue->next % COVERAGE_QUEUE];
    struct coverage_peer *middle = &queue->peers[(queue->next + COVERAGE_QUEUE / 2) % COVERAGE_QUEUE];
    if (queue->next >= COVERAGE_QUEUE)
        count_peer(judge, last);
    last->key = (struct coverage_peer_key){.addr = *peer, .place = place};
    last->hash = map_hash(&judge->coverage_peers, &last->key);
    map_prefetch_slot(&judge->coverage_peers, last->hash);
    if (queue->next >= COVERAGE_QUEUE / 2)
        map_prefetch_entry(&judge->coverage_peers, middle->hash);
    queue->next++;
}

void coverage_settle(struct judge *judge)
{
    struct coverage_queue *queue = &judge->coverage_queue;
    uint64_t first = queue->next < COVERAGE_QUEUE ? 0 : queue->next - COVERAGE_QUEUE;
    for (; first < queue->next; first++)
        count_peer(judge, &queue->peers[first % COVERAGE_QUEUE]);
    queue->next = 0;
}

/* Rows and entries are about to be numbered anew. */
void coverage_forget_peers(struct judge *judge)
{
    void *oldest;
    coverage_settle(judge);
    while ((oldest = map_oldest(&judge->coverage_peers)))
        map_remove(&judge->coverage_peers, oldest);
}

const struct addr *judge_coverage_peer(const struct judge *judge, const struct coverage *coverage,
                                       uint32_t *at)
{
    *at = *at ? *(const uint32_t *)map_value(&judge->coverage_peers, *at - 1) : coverage->first_peer;
    const struct coverage_peer_key *key = *at ? map_key(&judge->coverage_peers, *at - 1) : NULL;
    return key ? &key->addr : NULL;
}

static void count_row(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                      const struct matrix_row *row, enum kind kind)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct policy_party *party = &verdict->party[side];
        if (party->entry < 0 || !counts_for(row, verdict, side) || !holds(judge, party, row))
            continue;
        uint32_t place = (uint32_t)party->entry * judge->rows + row->order;
        struct coverage *coverage = &judge->coverage[place];
        count_peer_later(judge, place, &in->flow->key.addr[1 - side]);
        if (!coverage->first_ns || in->flow->first_ns < coverage->first_ns)
            coverage->first_ns = in->flow->first_ns;
        if (in->flow->last_ns > coverage->last_ns)
            coverage->last_ns = in->flow->last_ns;
        if (kind == VIOLATED)
            coverage->violated++;
        else if (kind == BLOCKED)
            coverage->blocked++;
        else {
            coverage->flows++;
            coverage->bytes += in->flow->bytes[0] + in->flow->bytes[1];
        }
    }
}

void coverage_count(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict)
{
    if (verdict->status == VERDICT_PASS) {
        for (unsigned i = 0; i < verdict->accepted_count; i++)
            count_row(judge, in, verdict, verdict->rows[i], SEEN);
    } else if (verdict->status == VERDICT_FAIL) {
        bool blocked = verdict->findings >> FINDING_BLOCKED_PORT & 1;
        for (unsigned i = 0; i < verdict->row_count; i++)
            if (verdict->deciding >> i & 1)
                count_row(judge, in, verdict, verdict->rows[i], blocked ? BLOCKED : VIOLATED);
    }
}

const struct coverage *judge_coverage(const struct judge *judge, int32_t entry, unsigned row_order)
{
    const struct policy_entry *known = policy_entry(judge->policy, entry);
    const struct matrix_row *row = policy_row_by_order(judge->policy, row_order);
    if (!known || !row)
        return NULL;
    struct policy_party party = {.direct = known->direct};
    return holds(judge, &party, row) ? &judge->coverage[(size_t)entry * judge->rows + row_order] : NULL;
}
