/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine_flows.c - the judge is told of every living flow: at the end, and when the rules have changed. Flows
 * go through the workers as packets do.
 */
#include "engine_parts.h"

#include <stdlib.h>

/* The flows of all shards in the order in which they began: each shard's in order, how far it was told, and
 * when the next one began. */
struct livings {
    uint32_t *list[PIPELINE_SHARDS];
    uint32_t count[PIPELINE_SHARDS], next[PIPELINE_SHARDS];
    int64_t began_ns[PIPELINE_SHARDS]; /* INT64_MAX: all were told */
};

/* The flows behind the next one are asked for, as the order is by what is kept of them. */
static void see_next(const struct engine *engine, struct livings *livings, unsigned s)
{
    enum { AHEAD = 8 };
    const struct flow_table *table = engine->shards[s].table;
    uint32_t next = livings->next[s], left = livings->count[s] - next;
    if (left > AHEAD)
        flow_prefetch_rest(table, livings->list[s][next + AHEAD]);
    livings->began_ns[s] = left ? flow_began_ns(table, livings->list[s][next]) : INT64_MAX;
}

static bool list_living(const struct engine *engine, struct livings *livings)
{
    for (unsigned s = 0; s < PIPELINE_SHARDS; s++) {
        const struct flow_table *table = engine->shards[s].table;
        livings->count[s] = flow_table_count(table);
        livings->list[s] = malloc((livings->count[s] + (size_t)1) * sizeof *livings->list[s]);
        if (!livings->list[s])
            return false;
        flow_table_list(table, livings->list[s]);
        see_next(engine, livings, s);
    }
    return true;
}

static bool is_before(const struct engine *engine, const struct livings *livings, unsigned s, unsigned other)
{
    if (livings->began_ns[s] != livings->began_ns[other])
        return livings->began_ns[s] < livings->began_ns[other];
    return livings->began_ns[s] != INT64_MAX &&
           flow_began_before(engine->shards[s].table, livings->list[s][livings->next[s]],
                             engine->shards[other].table, livings->list[other][livings->next[other]]);
}

/* The shard whose next flow began first; PIPELINE_SHARDS: all were told. */
static unsigned first_living(const struct engine *engine, const struct livings *livings)
{
    unsigned first = 0;
    for (unsigned s = 1; s < PIPELINE_SHARDS; s++)
        if (is_before(engine, livings, s, first))
            first = s;
    return livings->began_ns[first] == INT64_MAX ? PIPELINE_SHARDS : first;
}

static uint32_t next_living(const struct engine *engine, struct livings *livings, unsigned shard)
{
    uint32_t index = livings->list[shard][livings->next[shard]++];
    see_next(engine, livings, shard);
    return index;
}

static void take_flow(struct engine *engine, unsigned shard, uint32_t index, enum note_kind kind)
{
    if (pipeline_batch(&engine->pipeline)->count == BATCH_PACKETS)
        pipeline_hand_over(&engine->pipeline);
    struct batch *batch = pipeline_batch(&engine->pipeline);
    batch->is_of_flows = true;
    batch->kind = (uint8_t)kind;
    batch->first_ns = engine->now_ns;
    batch->shard[batch->count] = (uint8_t)shard;
    batch->flows[batch->count++] = index;
}

bool tell_every_flow(struct engine *engine, enum note_kind kind)
{
    struct livings livings = {0};
    bool ok = list_living(engine, &livings);
    unsigned s;
    while (ok && (s = first_living(engine, &livings)) < PIPELINE_SHARDS)
        take_flow(engine, s, next_living(engine, &livings, s), kind);
    pipeline_drain(&engine->pipeline);
    for (s = 0; s < PIPELINE_SHARDS; s++)
        free(livings.list[s]);
    return ok;
}
