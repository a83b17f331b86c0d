/* SPDX-License-Identifier: BSD-2-Clause
 *
 * table.c - a fixed number of flows behind a keyed hash. A bucket is one cache line of ten tags and indexes,
 * so a look-up touches the bucket and, on a matching tag, the flow: nothing else, however full the table is.
 * A full bucket gives up its oldest flow, a full table the oldest of the next bucket that has any. See
 * flow.h.
 */
#include "rolecall/flow.h"
#include "rolecall/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WAYS = 10 };

struct bucket {
    uint32_t flow[WAYS]; /* pool index; 0: empty */
    uint16_t tag[WAYS];
    uint32_t spare;
};
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

struct flow_table {
    struct pool flows;
    struct bucket *buckets;
    uint32_t *home; /* bucket of each flow */
    uint32_t mask;  /* buckets - 1 */
    uint32_t hand;  /* where the search for room goes on */
    uint32_t sweep; /* next bucket to look through for idle flows */
    int64_t swept_ns;
};

enum { SWEEP_NS_LOG = 33 }; /* once around in 2^33 ns, 8.6 s */

static uint32_t buckets_for(uint32_t flows_max)
{
    uint32_t buckets = 16;
    while (buckets < flows_max / 4)
        buckets *= 2;
    return buckets;
}

size_t flow_table_memory(uint32_t flows_max)
{
    return sizeof(struct flow_table) + pool_memory(sizeof(struct flow), flows_max) +
           (size_t)buckets_for(flows_max) * sizeof(struct bucket) +
           ((size_t)flows_max + 1) * sizeof(uint32_t);
}

struct flow_table *flow_table_create(uint32_t flows_max)
{
    struct flow_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    size_t buckets = buckets_for(flows_max);
    table->mask = (uint32_t)buckets - 1;
    table->swept_ns = INT64_MIN;
    table->home = calloc((size_t)flows_max + 1, sizeof *table->home);
    table->buckets = mmap(NULL, buckets * sizeof *table->buckets, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table->buckets == MAP_FAILED)
        table->buckets = NULL;
    if (!table->home || !table->buckets || !pool_init(&table->flows, sizeof(struct flow), flows_max)) {
        flow_table_destroy(table);
        return NULL;
    }
    return table;
}

void flow_table_destroy(struct flow_table *table)
{
    if (!table)
        return;
    if (table->buckets)
        munmap(table->buckets, ((size_t)table->mask + 1) * sizeof *table->buckets);
    if (table->flows.items)
        pool_fini(&table->flows);
    free(table->home);
    free(table);
}

uint32_t flow_table_count(const struct flow_table *table)
{
    return table->flows.taken;
}

static uint16_t tag_of(uint64_t hash)
{
    return (uint16_t)(hash >> 48);
}

void flow_table_prefetch(const struct flow_table *table, uint64_t hash)
{
    __builtin_prefetch(&table->buckets[(uint32_t)hash & table->mask]);
}

static struct flow *flow_at(const struct flow_table *table, uint32_t index)
{
    return pool_item(&table->flows, index);
}

const struct flow *flow_table_guess(const struct flow_table *table, uint64_t hash)
{
    const struct bucket *bucket = &table->buckets[(uint32_t)hash & table->mask];
    uint16_t tag = tag_of(hash);
    for (unsigned way = 0; way < WAYS; way++)
        if (bucket->tag[way] == tag && bucket->flow[way])
            return flow_at(table, bucket->flow[way]);
    return NULL;
}

void flow_table_prefetch_flow(const struct flow_table *table, uint64_t hash)
{
    const char *flow = (const char *)flow_table_guess(table, hash);
    for (size_t line = 0; flow && line < sizeof(struct flow); line += 64)
        __builtin_prefetch(flow + line);
}

struct flow *flow_table_find(struct flow_table *table, const struct flow_key *key, uint64_t hash,
                             uint32_t *index)
{
    const struct bucket *bucket = &table->buckets[(uint32_t)hash & table->mask];
    uint16_t tag = tag_of(hash);
    for (unsigned way = 0; way < WAYS; way++) {
        if (bucket->tag[way] != tag || !bucket->flow[way])
            continue;
        struct flow *flow = flow_at(table, bucket->flow[way]);
        if (memcmp(&flow->key, key, sizeof *key) == 0) {
            *index = bucket->flow[way];
            return flow;
        }
    }
    return NULL;
}

/* The oldest flow of a bucket; 0 when it is empty. */
static uint32_t oldest_in(const struct flow_table *table, const struct bucket *bucket)
{
    uint32_t oldest = 0;
    for (unsigned way = 0; way < WAYS; way++) {
        uint32_t index = bucket->flow[way];
        if (index && (!oldest || flow_at(table, index)->last_ns < flow_at(table, oldest)->last_ns))
            oldest = index;
    }
    return oldest;
}

static unsigned free_way(const struct bucket *bucket)
{
    unsigned way = 0;
    while (way < WAYS && bucket->flow[way])
        way++;
    return way;
}

static void evict(struct flow_table *table, uint32_t index, flow_visitor *victim, void *context)
{
    victim(context, flow_at(table, index), index, FLOW_END_EVICTED);
    flow_table_remove(table, index);
}

struct flow *flow_table_add(struct flow_table *table, const struct flow_key *key, uint64_t hash,
                            uint32_t *index, flow_visitor *victim, void *context)
{
    uint32_t home = (uint32_t)hash & table->mask;
    struct bucket *bucket = &table->buckets[home];
    if (free_way(bucket) == WAYS)
        evict(table, oldest_in(table, bucket), victim, context);
    while (!(*index = pool_take(&table->flows))) {
        uint32_t oldest = oldest_in(table, &table->buckets[table->hand]);
        if (oldest)
            evict(table, oldest, victim, context);
        else
            table->hand = (table->hand + 1) & table->mask;
    }
    unsigned way = free_way(bucket);
    bucket->flow[way] = *index;
    bucket->tag[way] = tag_of(hash);
    table->home[*index] = home;
    struct flow *flow = flow_at(table, *index);
    *flow = (struct flow){.key = *key};
    return flow;
}

void flow_table_remove(struct flow_table *table, uint32_t index)
{
    struct bucket *bucket = &table->buckets[table->home[index]];
    for (unsigned way = 0; way < WAYS; way++) {
        if (bucket->flow[way] == index) {
            bucket->flow[way] = 0;
            pool_give(&table->flows, index);
            return;
        }
    }
    assert(false && "every flow stands in its home bucket");
}

/* How many buckets the time since the last call is worth. Time that jumps back is worth none. */
static uint64_t share_of(struct flow_table *table, int64_t now_ns)
{
    uint64_t buckets = (uint64_t)table->mask + 1;
    if (table->swept_ns == INT64_MIN || now_ns < table->swept_ns) {
        table->swept_ns = now_ns; /* also after a stray packet from the future */
        return 0;
    }
    uint64_t gone = (uint64_t)now_ns - (uint64_t)table->swept_ns;
    if (gone >> SWEEP_NS_LOG) {
        table->swept_ns = now_ns;
        return buckets;
    }
    uint64_t share = (gone * buckets) >> SWEEP_NS_LOG;
    if (share)
        table->swept_ns = now_ns;
    return share;
}

static void tell_silence(struct flow *flow, uint32_t index, int64_t now_ns, flow_visitor *silent,
                         void *context)
{
    if ((flow->flags & FLOW_SILENT) || !flow_is_silent(flow, now_ns))
        return;
    flow->flags |= FLOW_SILENT;
    silent(context, flow, index, FLOW_END_ACTIVE);
}

void flow_table_expire(struct flow_table *table, int64_t now_ns, unsigned limit, flow_visitor *expired,
                       flow_visitor *silent, void *context)
{
    for (uint64_t share = share_of(table, now_ns); share > 0 && limit > 0; share--) {
        struct bucket *bucket = &table->buckets[table->sweep];
        for (unsigned way = 0; way < WAYS && limit > 0; way++) {
            uint32_t index = bucket->flow[way];
            if (!index)
                continue;
            if (!flow_is_idle(flow_at(table, index), now_ns)) {
                tell_silence(flow_at(table, index), index, now_ns, silent, context);
                continue;
            }
            expired(context, flow_at(table, index), index, flow_end_of(flow_at(table, index)));
            flow_table_remove(table, index);
            limit--;
        }
        if (limit > 0)
            table->sweep = (table->sweep + 1) & table->mask;
    }
}

void flow_table_each(struct flow_table *table, flow_visitor *visitor, void *context)
{
    for (uint64_t b = 0; b <= table->mask; b++)
        for (unsigned way = 0; way < WAYS; way++)
            if (table->buckets[b].flow[way])
                visitor(context, flow_at(table, table->buckets[b].flow[way]), table->buckets[b].flow[way],
                        FLOW_END_INPUT);
}
