/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reload.c - another policy takes the place of the one in force. Everything known of addresses, pairs and
 * findings stays; what points into the old policy (rows, entries, roles) is moved to its counterpart in the
 * new one, by name, or let go. The living flows are judged anew by the engine, one by one, afterwards.
 */
#include "judge_internal.h"

#include <stdlib.h>

/* Where the old policy's rows and entries stand in the new one. */
struct move {
    const struct policy *from, *to;
    const struct matrix_row
        *rows[POLICY_ROWS_MAX]; /* by the old order; NULL: there is no such row any more */
    int32_t *entries;           /* by the old index; -1: likewise */
    unsigned entry_count;
};

static const struct matrix_row *find_row(const struct policy *policy, const char *id)
{
    for (unsigned order = 0; order < policy_row_count(policy); order++) {
        const struct matrix_row *row = policy_row_by_order(policy, order);
        if (row && strcmp(row->id, id) == 0)
            return row;
    }
    return NULL;
}

static bool is_same_entry(const struct policy_entry *a, const struct policy_entry *b)
{
    return a && b && a->is_network == b->is_network && strcmp(a->name, b->name) == 0;
}

/* Files are mostly changed in one place, so the same index is looked at first. */
static int32_t find_entry(const struct policy *policy, const struct policy_entry *wanted, int32_t hint)
{
    if (is_same_entry(policy_entry(policy, hint), wanted))
        return hint;
    const struct policy_entry *entry;
    for (int32_t index = 0; (entry = policy_entry(policy, index)); index++)
        if (is_same_entry(entry, wanted))
            return index;
    return -1;
}

static unsigned count_entries(const struct policy *policy)
{
    unsigned count = 0;
    while (policy_entry(policy, (int32_t)count))
        count++;
    return count;
}

static bool plan(struct move *move, const struct policy *from, const struct policy *to)
{
    *move = (struct move){.from = from, .to = to};
    if (!from)
        return true;
    for (unsigned order = 0; order < policy_row_count(from); order++) {
        const struct matrix_row *row = policy_row_by_order(from, order);
        move->rows[order] = row ? find_row(to, row->id) : NULL;
    }
    move->entry_count = count_entries(from);
    move->entries = calloc((size_t)move->entry_count + 1, sizeof *move->entries);
    for (unsigned i = 0; move->entries && i < move->entry_count; i++)
        move->entries[i] = find_entry(to, policy_entry(from, (int32_t)i), (int32_t)i);
    return move->entries != NULL;
}

/* A verdict that is kept goes on to name the rows it rested on. */
static void move_verdict(const struct move *move, struct verdict *verdict, const struct flow *flow)
{
    unsigned count = 0, accepted = 0;
    uint64_t deciding = 0;
    for (unsigned i = 0; i < verdict->row_count; i++) {
        const struct matrix_row *row = move->rows[verdict->rows[i]->order];
        if (!row)
            continue;
        accepted += i < verdict->accepted_count;
        deciding |= (verdict->deciding >> i & 1) << count;
        verdict->rows[count++] = row;
    }
    verdict->row_count = (uint8_t)count;
    verdict->accepted_count = (uint8_t)accepted;
    verdict->deciding = deciding;
    if (verdict->nearest)
        verdict->nearest = move->rows[verdict->nearest->order];
    verdict->allow = -1;
    for (unsigned side = 0; side < 2; side++)
        verdict->party[side] = policy_party_of(move->to, &flow->key.addr[side]);
}

static void move_findings(struct judge *judge, const struct move *move)
{
    for (struct finding *finding = map_oldest(&judge->findings); finding;
         finding = map_next(&judge->findings, finding)) {
        move_verdict(move, &finding->verdict, &finding->flow);
        move_verdict(move, &finding->episode.verdict, &finding->episode.flow);
        finding->muted = policy_is_muted(move->to, finding_id_name(finding->id));
    }
    for (struct ipsec_episode *episode = map_oldest(&judge->episodes); episode;
         episode = map_next(&judge->episodes, episode))
        move_verdict(move, &episode->verdict, &episode->flow);
}

/* All but the peers, which are counted from here on. */
static struct coverage *move_coverage(const struct judge *judge, const struct move *move, unsigned entries,
                                      unsigned rows)
{
    struct coverage *coverage = calloc((size_t)entries * rows + 1, sizeof *coverage);
    for (unsigned i = 0; coverage && i < move->entry_count; i++) {
        for (unsigned order = 0; move->entries[i] >= 0 && order < judge->rows; order++) {
            if (!move->rows[order])
                continue;
            struct coverage *to = &coverage[(size_t)move->entries[i] * rows + move->rows[order]->order];
            *to = judge->coverage[(size_t)i * judge->rows + order];
            to->peers = to->first_peer = 0;
            to->peers_at_least = false;
        }
    }
    return coverage;
}

bool judge_reload(struct judge *judge, const struct policy *policy)
{
    struct move move;
    bool planned = plan(&move, judge->policy, policy);
    unsigned entries = count_entries(policy), rows = policy_row_count(policy);
    struct coverage *coverage = planned ? move_coverage(judge, &move, entries, rows) : NULL;
    uint64_t *allow_used = calloc((size_t)policy_allow_count(policy) + 1, sizeof *allow_used);
    bool ok = coverage && allow_used;
    if (ok) {
        move_findings(judge, &move);
        coverage_forget_peers(judge);
        /* Roles are numbered anew: what answered as which is learned again. */
        for (struct answered *answered = map_oldest(&judge->answered); answered;
             answered = map_next(&judge->answered, answered))
            answered->count = 0;
        free(judge->coverage);
        free(judge->allow_used);
        judge->coverage = coverage;
        judge->allow_used = allow_used;
        judge->entries = entries;
        judge->rows = rows;
        judge->policy = policy;
        memset(judge->recent, 0, RECENT_SIZE * sizeof *judge->recent);
    } else {
        free(coverage);
        free(allow_used);
    }
    free(move.entries);
    return ok;
}
