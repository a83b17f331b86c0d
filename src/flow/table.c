/* SPDX-License-Identifier: BSD-2-Clause
 *
 * table.c - a fixed number of flows behind a keyed hash. A bucket is one cache line of tags and indexes, so a
 * look-up touches the bucket and, on a matching tag, the flow's own line: nothing else, however full the
 * table is. A flow whose bucket is full lives in the next one; when both are full the oldest of its bucket
 * goes, and when the table is full the oldest of the next bucket that has any. See flow.h and kept.h.
 *
 * Few flows use few buckets, side by side: a small working set stays in the cache. When they have filled up,
 * every bucket is split in two by one more bit of its flows' tags, in place.
 */
#include "kept.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WAYS = 15, FLOWS_PER_BUCKET = 6, LEVELS = 6, GROWING_MIN = 1024 };

struct bucket {
    uint32_t way[WAYS]; /* a flow's index below its tag; 0: empty */
    uint16_t moved_out; /* flows of this bucket that live in the next one */
    uint16_t moved_in;  /* bit per way: that flow belongs to the bucket before */
};
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

enum { SWEEP_NS_LOG = 33 }; /* once around in 2^33 ns, 8.6 s */

/* Lists of layers come from the network, but few can be told apart and nothing grows: a fixed secret serves.
 */
static const uint64_t layers_secret[2] = {0x6c61796572730000, 0x666c6f7773000000};

static uint32_t buckets_for(uint32_t flows_max)
{
    uint32_t buckets = flows_max / FLOWS_PER_BUCKET + 16;
    return buckets < GROWING_MIN ? buckets : ((buckets >> LEVELS) + 1) << LEVELS;
}

static unsigned levels_of(uint32_t flows_max)
{
    return buckets_for(flows_max) < GROWING_MIN ? 0 : LEVELS;
}

size_t flow_table_memory(uint32_t flows_max)
{
    return sizeof(struct flow_table) + pool_memory(sizeof(struct flow_line), flows_max) +
           pool_memory(sizeof(struct flow_pair), flows_max) +
           pool_memory(sizeof(struct flow_rare), flows_max) +
           ((size_t)flows_max + 1) * sizeof(struct flow_rest) +
           (size_t)buckets_for(flows_max) * sizeof(struct bucket) +
           map_memory(FLOW_LAYERS_KEPT, 1, FLOW_LAYER_LISTS_MAX);
}

static void *take_pages(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

struct flow_table *flow_table_create(uint32_t flows_max)
{
    struct flow_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    table->flows_max = flows_max;
    table->levels_left = levels_of(flows_max);
    table->bucket_count = table->first_count = buckets_for(flows_max) >> table->levels_left;
    table->index_mask = (uint32_t)((UINT64_C(1) << (32 - __builtin_clz(flows_max))) - 1);
    table->swept_ns = INT64_MIN;
    table->buckets = take_pages((size_t)buckets_for(flows_max) * sizeof *table->buckets);
    table->rests = take_pages(((size_t)flows_max + 1) * sizeof *table->rests);
    if (!table->buckets || !table->rests || !pool_init(&table->lines, sizeof(struct flow_line), flows_max) ||
        !pool_init(&table->pairs, sizeof(struct flow_pair), flows_max) ||
        !pool_init(&table->rares, sizeof(struct flow_rare), flows_max) ||
        !map_init(&table->layers, FLOW_LAYERS_KEPT, 1, FLOW_LAYER_LISTS_MAX, layers_secret)) {
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
        munmap(table->buckets, (size_t)buckets_for(table->flows_max) * sizeof *table->buckets);
    if (table->rests)
        munmap(table->rests, ((size_t)table->flows_max + 1) * sizeof *table->rests);
    pool_fini(&table->lines);
    pool_fini(&table->pairs);
    pool_fini(&table->rares);
    map_fini(&table->layers);
    free(table);
}

uint32_t flow_table_count(const struct flow_table *table)
{
    return table->lines.taken;
}

uint64_t flow_table_layers_refused(const struct flow_table *table)
{
    return table->layers.refused;
}

/* The highest bits choose the shard (engine.c), those below tell flows of a bucket apart, the low half
 * chooses among the first buckets, and each time these were split one more bit of the tag. A tag stands above
 * an index: it has the bits that indexes leave. */
static uint32_t tag_of(const struct flow_table *table, uint64_t hash)
{
    return (uint32_t)(hash >> 28) & ~table->index_mask;
}

static uint32_t index_of(const struct flow_table *table, uint32_t way)
{
    return way & table->index_mask;
}

static uint32_t home_of(const struct flow_table *table, uint64_t hash)
{
    uint32_t first = (uint32_t)((uint64_t)(uint32_t)hash * table->first_count >> 32);
    return first << table->level | (uint32_t)((hash >> 28 & UINT32_MAX) << table->level >> 32);
}

static uint32_t after(const struct flow_table *table, uint32_t bucket)
{
    return bucket + 1 == table->bucket_count ? 0 : bucket + 1;
}

static uint32_t before(const struct flow_table *table, uint32_t bucket)
{
    return (bucket ? bucket : table->bucket_count) - 1;
}

void flow_table_prefetch(const struct flow_table *table, uint64_t hash)
{
    ask_ahead(&table->buckets[home_of(table, hash)]);
}

/* Bit per way with this tag; without branches, because which way it is cannot be foreseen. The whole bucket
 * is compared, so that compilers take four words at once; the last of the 16 is no way and has no bit. Kept a
 * function of its own, because gcc 12 does not do so where it stands inside another loop. */
static __attribute__((noinline)) unsigned ways_with(const struct flow_table *table,
                                                    const struct bucket *bucket, uint32_t tag)
{
    static const uint32_t bit[WAYS + 1] = {1 << 0, 1 << 1, 1 << 2,  1 << 3,  1 << 4,  1 << 5,  1 << 6, 1 << 7,
                                           1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14};
    const uint32_t tag_mask = ~table->index_mask;
    uint32_t words[WAYS + 1], ways = 0;
    memcpy(words, bucket, sizeof words);
    for (size_t i = 0; i <= WAYS; i++)
        ways |= ((words[i] ^ tag) & tag_mask) == 0 ? bit[i] : 0;
    return ways;
}

uint32_t flow_table_guess(const struct flow_table *table, uint64_t hash)
{
    const struct bucket *bucket = &table->buckets[home_of(table, hash)];
    for (unsigned ways = ways_with(table, bucket, tag_of(table, hash)); ways; ways &= ways - 1)
        if (bucket->way[__builtin_ctz(ways)])
            return index_of(table, bucket->way[__builtin_ctz(ways)]);
    return 0;
}

/* A key as lines keep it. */
struct probe {
    const struct flow_key *key;
    uint32_t addr[2];
    bool is_v4;
};

static uint32_t number_of(const struct addr *addr)
{
    const uint8_t *b = addr->bytes + 12;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static struct probe probe_for(const struct flow_key *key)
{
    struct probe probe = {.key = key, .is_v4 = addr_is_v4(&key->addr[0]) && addr_is_v4(&key->addr[1])};
    probe.addr[0] = number_of(&key->addr[0]);
    probe.addr[1] = number_of(&key->addr[1]);
    return probe;
}

static bool is_of(const struct flow_table *table, uint32_t index, const struct probe *probe)
{
    const struct flow_line *line = line_at(table, index);
    if (line->port[0] != probe->key->port[0] || line->port[1] != probe->key->port[1] ||
        line->protocol != probe->key->protocol || probe->is_v4 != !(line->bits & LINE_V6))
        return false;
    if (probe->is_v4)
        return line->addr[0] == probe->addr[0] && line->addr[1] == probe->addr[1];
    if (line->addr[1] != (probe->addr[0] ^ probe->addr[1]))
        return false;
    const struct flow_pair *pair = pool_item(&table->pairs, line->addr[0]);
    return memcmp(pair->addr, probe->key->addr, sizeof pair->addr) == 0;
}

static uint32_t find_in(const struct flow_table *table, uint32_t number, uint32_t tag,
                        const struct probe *probe)
{
    const struct bucket *bucket = &table->buckets[number];
    for (unsigned ways = ways_with(table, bucket, tag); ways; ways &= ways - 1) {
        uint32_t index = index_of(table, bucket->way[__builtin_ctz(ways)]);
        if (index && is_of(table, index, probe))
            return index;
    }
    return 0;
}

/* Kept a function of its own: with it the guess, which is mostly right, would save registers in vain. */
static __attribute__((noinline)) uint32_t search(const struct flow_table *table, const struct flow_key *key,
                                                 uint64_t hash)
{
    struct probe probe = probe_for(key);
    uint32_t home = home_of(table, hash);
    uint32_t index = find_in(table, home, tag_of(table, hash), &probe);
    if (!index && table->buckets[home].moved_out)
        index = find_in(table, after(table, home), tag_of(table, hash), &probe);
    return index;
}

uint32_t flow_table_find(const struct flow_table *table, const struct flow_key *key, uint64_t hash,
                         uint32_t guess)
{
    struct probe probe = probe_for(key);
    if (guess && (line_at(table, guess)->bits & LINE_USED) && is_of(table, guess, &probe))
        return guess;
    return search(table, key, hash);
}

/* Where this flow stands, or with index 0 where there is room; WAYS: nowhere. */
static unsigned way_of(const struct flow_table *table, const struct bucket *bucket, uint32_t index)
{
    unsigned way = 0;
    while (way < WAYS && index_of(table, bucket->way[way]) != index)
        way++;
    return way;
}

static void remove_way(struct flow_table *table, uint32_t number, unsigned way)
{
    struct bucket *bucket = &table->buckets[number];
    uint32_t index = index_of(table, bucket->way[way]);
    struct flow_line *line = line_at(table, index);
    if (line->bits & LINE_V6)
        pool_give(&table->pairs, line->addr[0]);
    if (rest_at(table, index)->rare)
        pool_give(&table->rares, rest_at(table, index)->rare);
    line->bits = 0;
    bucket->way[way] = 0;
    if (bucket->moved_in >> way & 1) {
        bucket->moved_in &= (uint16_t) ~(1u << way);
        table->buckets[before(table, number)].moved_out--;
    }
    pool_give(&table->lines, index);
}

void flow_table_remove(struct flow_table *table, uint32_t index, uint64_t hash)
{
    uint32_t number = home_of(table, hash);
    unsigned way = way_of(table, &table->buckets[number], index);
    if (way == WAYS) {
        number = after(table, number);
        way = way_of(table, &table->buckets[number], index);
    }
    assert(way < WAYS && "every flow stands in its home bucket, or in the next");
    remove_way(table, number, way);
}

/* The way of the oldest flow; WAYS when the bucket is empty. */
static unsigned oldest_in(const struct flow_table *table, const struct bucket *bucket)
{
    unsigned oldest = WAYS;
    int64_t oldest_ns = 0;
    for (unsigned way = 0; way < WAYS; way++) {
        if (!bucket->way[way])
            continue;
        int64_t last_ns = line_at(table, index_of(table, bucket->way[way]))->last_ns;
        if (oldest == WAYS || last_ns < oldest_ns) {
            oldest = way;
            oldest_ns = last_ns;
        }
    }
    return oldest;
}

static void evict(struct flow_table *table, uint32_t number, unsigned way, flow_visitor *victim,
                  void *context)
{
    victim(context, index_of(table, table->buckets[number].way[way]), FLOW_END_EVICTED);
    remove_way(table, number, way);
}

/* A free place for a flow of this bucket: in it, in the next, or where its oldest was. */
static uint32_t room_for(struct flow_table *table, uint32_t home, flow_visitor *victim, void *context)
{
    if (way_of(table, &table->buckets[home], 0) < WAYS)
        return home;
    uint32_t next = after(table, home);
    if (way_of(table, &table->buckets[next], 0) < WAYS)
        return next;
    evict(table, home, oldest_in(table, &table->buckets[home]), victim, context);
    return home;
}

/* `number` is what room_for() gave for this home; `entry` is what stands in a way. */
static void put(struct flow_table *table, uint32_t home, uint32_t number, uint32_t entry)
{
    struct bucket *bucket = &table->buckets[number];
    unsigned way = way_of(table, bucket, 0);
    bucket->way[way] = entry;
    if (number != home) {
        bucket->moved_in |= (uint16_t)(1u << way);
        table->buckets[home].moved_out++;
    }
}

/* Flows that live in the bucket after their own, on their way to that. */
struct strays {
    unsigned count;
    uint32_t entry[WAYS];
};

/* Into the half of what was bucket `number` that the next bit of its tag says. */
static void put_again(struct flow_table *table, uint32_t number, uint32_t entry, flow_visitor *victim,
                      void *context)
{
    uint32_t home = 2 * number + (entry >> (32 - table->level) & 1);
    put(table, home, room_for(table, home, victim, context), entry);
}

/* Puts the flows of one bucket into the two that take its place; the strays are those of the bucket before.
 */
static struct strays split(struct flow_table *table, uint32_t number, const struct strays *back,
                           flow_visitor *victim, void *context)
{
    const struct bucket old = table->buckets[number];
    struct strays strays = {.count = 0};
    table->buckets[2 * number] = table->buckets[2 * number + 1] = (struct bucket){.moved_out = 0};
    for (unsigned way = 0; way < WAYS; way++) {
        if (old.moved_in >> way & 1)
            strays.entry[strays.count++] = old.way[way];
        else if (old.way[way])
            put_again(table, number, old.way[way], victim, context);
    }
    for (unsigned i = 0; i < back->count; i++)
        put_again(table, number, back->entry[i], victim, context);
    return strays;
}

/* From the last bucket to the first, so that no one is overwritten before its turn. A bucket's own flows
 * always fit, so the last one needs nothing of the first, which comes last. */
static void grow(struct flow_table *table, flow_visitor *victim, void *context)
{
    struct strays strays = {.count = 0};
    uint32_t last = table->bucket_count - 1;
    table->level++;
    table->levels_left--;
    table->bucket_count *= 2;
    table->hand *= 2;
    table->sweep *= 2;
    for (uint32_t number = last + 1; number-- > 0;)
        strays = split(table, number, &strays, victim, context);
    for (unsigned i = 0; i < strays.count; i++)
        put_again(table, last, strays.entry[i], victim, context);
}

static uint32_t take_line(struct flow_table *table, flow_visitor *victim, void *context)
{
    uint32_t index;
    while (!(index = pool_take(&table->lines))) {
        unsigned oldest = oldest_in(table, &table->buckets[table->hand]);
        if (oldest < WAYS)
            evict(table, table->hand, oldest, victim, context);
        else
            table->hand = after(table, table->hand);
    }
    return index;
}

static void fill_line(struct flow_table *table, struct flow_line *line, const struct probe *probe)
{
    *line = (struct flow_line){.addr = {probe->addr[0], probe->addr[1]},
                               .port = {probe->key->port[0], probe->key->port[1]},
                               .protocol = probe->key->protocol,
                               .bits = LINE_USED};
    if (probe->is_v4)
        return;
    line->bits |= LINE_V6;
    line->addr[1] = probe->addr[0] ^ probe->addr[1];
    line->addr[0] = pool_take(&table->pairs); /* there are as many as lines */
    struct flow_pair *pair = pool_item(&table->pairs, line->addr[0]);
    memcpy(pair->addr, probe->key->addr, sizeof pair->addr);
}

uint32_t flow_table_add(struct flow_table *table, const struct flow_key *key, uint64_t hash,
                        flow_visitor *victim, void *context)
{
    if (table->levels_left && table->lines.taken >= table->bucket_count * FLOWS_PER_BUCKET)
        grow(table, victim, context);
    struct probe probe = probe_for(key);
    uint32_t home = home_of(table, hash), number = room_for(table, home, victim, context);
    uint32_t index = take_line(table, victim, context);
    put(table, home, number, tag_of(table, hash) | index);
    fill_line(table, line_at(table, index), &probe);
    *rest_at(table, index) = (struct flow_rest){0};
    return index;
}

void flow_key_at(const struct flow_table *table, uint32_t index, struct flow_key *out)
{
    const struct flow_line *line = line_at(table, index);
    *out = (struct flow_key){.port = {line->port[0], line->port[1]}, .protocol = line->protocol};
    if (line->bits & LINE_V6) {
        const struct flow_pair *pair = pool_item(&table->pairs, line->addr[0]);
        memcpy(out->addr, pair->addr, sizeof out->addr);
        return;
    }
    for (unsigned side = 0; side < 2; side++) {
        uint32_t a = line->addr[side];
        out->addr[side] = addr_v4(
            (const uint8_t[4]){(uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a});
    }
}

/* How many buckets the time since the last call is worth. Time that jumps back is worth none. */
static uint64_t share_of(struct flow_table *table, int64_t now_ns)
{
    if (table->swept_ns == INT64_MIN || now_ns < table->swept_ns) {
        table->swept_ns = now_ns; /* also after a stray packet from the future */
        return 0;
    }
    uint64_t gone = (uint64_t)now_ns - (uint64_t)table->swept_ns;
    if (gone >> SWEEP_NS_LOG) {
        table->swept_ns = now_ns;
        return table->bucket_count;
    }
    uint64_t share = (gone * table->bucket_count) >> SWEEP_NS_LOG;
    if (share)
        table->swept_ns = now_ns;
    return share;
}

static void tell_silence(struct flow_table *table, uint32_t index, int64_t now_ns, flow_visitor *silent,
                         void *context)
{
    struct flow_line *line = line_at(table, index);
    if ((line->flags & FLOW_SILENT) || !flow_is_silent(table, index, now_ns))
        return;
    line->flags |= FLOW_SILENT;
    silent(context, index, FLOW_END_ACTIVE);
}

void flow_table_expire(struct flow_table *table, int64_t now_ns, unsigned limit, flow_visitor *expired,
                       flow_visitor *silent, void *context)
{
    for (uint64_t share = share_of(table, now_ns); share > 0 && limit > 0; share--) {
        const struct bucket *bucket = &table->buckets[table->sweep];
        for (unsigned way = 0; way < WAYS && limit > 0; way++) {
            uint32_t index = index_of(table, bucket->way[way]);
            if (!index)
                continue;
            if (!flow_is_idle(table, index, now_ns)) {
                tell_silence(table, index, now_ns, silent, context);
                continue;
            }
            expired(context, index, flow_end_of(table, index));
            remove_way(table, table->sweep, way);
            limit--;
        }
        if (limit > 0)
            table->sweep = after(table, table->sweep);
    }
}

int64_t flow_began_ns(const struct flow_table *table, uint32_t index)
{
    return rest_at(table, index)->first_ns;
}

bool flow_began_before(const struct flow_table *table, uint32_t index, const struct flow_table *other,
                       uint32_t other_index)
{
    int64_t first_ns = rest_at(table, index)->first_ns, other_ns = rest_at(other, other_index)->first_ns;
    if (first_ns != other_ns)
        return first_ns < other_ns;
    struct flow_key key, other_key;
    flow_key_at(table, index, &key);
    flow_key_at(other, other_index, &other_key);
    return memcmp(&key, &other_key, sizeof key) < 0;
}

static int by_beginning(const void *left, const void *right, void *context)
{
    const struct flow_table *table = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return flow_began_before(table, a, table, b) ? -1 : a != b;
}

void flow_table_list(const struct flow_table *table, uint32_t *out)
{
    uint32_t count = 0;
    bool in_order = true;
    for (uint32_t index = 1; index < table->lines.fresh; index++) {
        if (!(line_at(table, index)->bits & LINE_USED))
            continue;
        in_order = in_order && (!count || flow_began_before(table, out[count - 1], table, index));
        out[count++] = index;
    }
    if (!in_order)
        qsort_r(out, count, sizeof *out, by_beginning, (void *)(uintptr_t)table);
}
