/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fragment.c - IP reassembly (RFC 791 section 3.2, RFC 8200 section 4.5) for a passive observer. Fragments
 * that repeat stored bytes are ignored, because a mirror port may show every packet twice; any other overlap
 * refuses the whole datagram (RFC 5722), because which part the receiver keeps cannot be known. Addresses,
 * identification and protocol name a datagram; VLANs and tunnels do not.
 */
#include "fragment.h"
#include "walk.h"

#include <stdlib.h>

enum {
    UNIT = 8, /* fragments are placed in units of 8 bytes */
    UNITS_MAX = (FRAGMENT_DATAGRAM_SIZE + UNIT - 1) / UNIT,
    SLOTS = FRAGMENT_DATAGRAMS_MAX + 1 + DECODE_BATCH_MAX + 1,
    BUCKETS = 512,
    NONE = -1,
};

static const int64_t wait_ns = FRAGMENT_WAIT_SECONDS * INT64_C(1000000000);
/* How long a copy of an already completed datagram's fragment is recognised; copies by a mirror port come
 * within milliseconds, and a sender takes longer to use an identification again. */
static const int64_t copy_ns = INT64_C(1000000000);

enum slot_state {
    SLOT_EMPTY,
    SLOT_WAITING,
    SLOT_REFUSED, /* waits as well, so that the rest of it is refused too */
    SLOT_OVERDUE, /* given up, its beginning not given back yet */
    SLOT_DONE     /* given back; kept to recognise copies, and for its bytes */
};

/* A datagram's place. WAITING and REFUSED slots stand in the pool's `waiting` list, OVERDUE ones in
 * `overdue`, the others in `spare`; all but EMPTY and OVERDUE ones also in their bucket. */
struct slot {
    struct addr source, destination;
    uint32_t id;
    uint16_t kind;
    uint8_t protocol;
    uint8_t state; /* enum slot_state */
    bool has_first;
    uint32_t total;       /* bytes of the whole, 0 until the last fragment told */
    uint32_t reach;       /* where the furthest fragment ends */
    uint32_t units;       /* 8-byte units present */
    uint32_t captured;    /* no byte below this that is present was lost to the snap length */
    int64_t since_ns;     /* first fragment's time; when DONE, the last one's */
    struct packet packet; /* with has_first: what stood before the first part */
    uint32_t headers;
    int next, previous;                      /* in its list */
    int chain;                               /* in its bucket */
    uint64_t present[(UNITS_MAX + 63) / 64]; /* one bit per unit */
    uint8_t data[FRAGMENT_DATAGRAM_SIZE];
};

/* Oldest first. */
struct slot_list {
    int first, last;
    unsigned count;
};

struct fragment_pool {
    struct decoder_counters *counters;
    struct slot_list waiting, overdue, spare;
    int buckets[BUCKETS];
    struct slot slots[SLOTS];
};

static void list_append(struct fragment_pool *pool, struct slot_list *list, int index)
{
    struct slot *slot = &pool->slots[index];
    slot->next = NONE;
    slot->previous = list->last;
    if (list->last != NONE)
        pool->slots[list->last].next = index;
    else
        list->first = index;
    list->last = index;
    list->count++;
}

static void list_remove(struct fragment_pool *pool, struct slot_list *list, int index)
{
    struct slot *slot = &pool->slots[index];
    if (slot->previous != NONE)
        pool->slots[slot->previous].next = slot->next;
    else
        list->first = slot->next;
    if (slot->next != NONE)
        pool->slots[slot->next].previous = slot->previous;
    else
        list->last = slot->previous;
    list->count--;
}

size_t fragment_pool_memory(void)
{
    return sizeof(struct fragment_pool);
}

struct fragment_pool *fragment_pool_create(struct decoder_counters *counters)
{
    struct fragment_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return NULL;
    pool->counters = counters;
    fragment_pool_reset(pool);
    return pool;
}

void fragment_pool_reset(struct fragment_pool *pool)
{
    static const struct slot_list empty = {.first = NONE, .last = NONE};
    pool->waiting = pool->overdue = pool->spare = empty;
    for (int i = 0; i < BUCKETS; i++)
        pool->buckets[i] = NONE;
    for (int i = 0; i < SLOTS; i++) {
        pool->slots[i].state = SLOT_EMPTY;
        list_append(pool, &pool->spare, i);
    }
}

void fragment_pool_destroy(struct fragment_pool *pool)
{
    free(pool);
}

/* A flood into one bucket costs at most SLOTS comparisons. */
static unsigned bucket_of(const struct addr *source, const struct addr *destination, uint32_t id,
                          uint16_t kind)
{
    return address_pair_hash(source, destination, id, kind) % BUCKETS;
}

static void unchain(struct fragment_pool *pool, int index)
{
    const struct slot *slot = &pool->slots[index];
    int *link = &pool->buckets[bucket_of(&slot->source, &slot->destination, slot->id, slot->kind)];
    while (*link != index)
        link = &pool->slots[*link].chain;
    *link = slot->chain;
}

static int find(const struct fragment_pool *pool, const struct fragment *f, unsigned bucket)
{
    int index = pool->buckets[bucket];
    while (index != NONE) {
        const struct slot *slot = &pool->slots[index];
        if (slot->id == f->id && slot->kind == f->kind && addr_equal(&slot->source, &f->source) &&
            addr_equal(&slot->destination, &f->destination))
            return index;
        index = slot->chain;
    }
    return NONE;
}

/* Gives a waiting datagram up. */
static void give_up(struct fragment_pool *pool, int index, uint64_t *reason)
{
    struct slot *slot = &pool->slots[index];
    bool has_beginning = slot->state == SLOT_WAITING && slot->has_first;
    if (slot->state == SLOT_WAITING) /* a refused one was counted when it was refused */
        ++*reason;
    pool->counters->fragments.incomplete += has_beginning;
    unchain(pool, index);
    slot->state = has_beginning ? SLOT_OVERDUE : SLOT_EMPTY;
    list_remove(pool, &pool->waiting, index);
    list_append(pool, has_beginning ? &pool->overdue : &pool->spare, index);
}

/* Makes the oldest overdue slot a spare one. */
static struct slot *release_overdue(struct fragment_pool *pool)
{
    int index = pool->overdue.first;
    struct slot *slot = &pool->slots[index];
    slot->state = SLOT_EMPTY;
    list_remove(pool, &pool->overdue, index);
    list_append(pool, &pool->spare, index);
    return slot;
}

static bool is_over(const struct slot *slot, int64_t now_ns)
{
    return now_ns - slot->since_ns > wait_ns;
}

static void expire(struct fragment_pool *pool, int64_t now_ns)
{
    while (pool->waiting.first != NONE && is_over(&pool->slots[pool->waiting.first], now_ns))
        give_up(pool, pool->waiting.first, &pool->counters->fragments.timed_out);
}

/* An empty slot for a new datagram. The spare list is never shorter than DECODE_BATCH_MAX + 1, which is what
 * lets a completed datagram's bytes outlive the next DECODE_BATCH_MAX openings. */
static int open_slot(struct fragment_pool *pool, const struct fragment *f, unsigned bucket)
{
    if (pool->waiting.count == FRAGMENT_DATAGRAMS_MAX)
        give_up(pool, pool->waiting.first, &pool->counters->fragments.evicted);
    if (pool->waiting.count + pool->overdue.count > FRAGMENT_DATAGRAMS_MAX) /* nobody asked for them */
        release_overdue(pool);
    int index = pool->spare.first;
    struct slot *slot = &pool->slots[index];
    if (slot->state == SLOT_DONE)
        unchain(pool, index);
    list_remove(pool, &pool->spare, index);
    list_append(pool, &pool->waiting, index);
    slot->source = f->source;
    slot->destination = f->destination;
    slot->id = f->id;
    slot->kind = f->kind;
    slot->protocol = 0;
    slot->state = SLOT_WAITING;
    slot->has_first = false;
    slot->total = slot->reach = slot->units = 0;
    slot->captured = FRAGMENT_DATAGRAM_SIZE;
    slot->since_ns = f->time_ns;
    memset(slot->present, 0, sizeof(slot->present));
    slot->chain = pool->buckets[bucket];
    pool->buckets[bucket] = index;
    return index;
}

static uint32_t fragment_wirelen(const struct fragment *f)
{
    return (uint32_t)f->data.left + f->missing;
}

/* The units [first, end) that lie in word `word` of the map. */
static uint64_t unit_mask(uint32_t word, uint32_t first, uint32_t end)
{
    uint32_t low = word * 64, high = low + 64;
    if (first >= high || end <= low)
        return 0;
    uint64_t mask = UINT64_MAX;
    if (first > low)
        mask &= UINT64_MAX << (first - low);
    if (end < high)
        mask &= UINT64_MAX >> (high - end);
    return mask;
}

/* The units a fragment covers; its last one may be shorter than the others. */
static uint32_t first_unit(const struct fragment *f)
{
    return f->offset / UNIT;
}

static uint32_t end_unit(const struct fragment *f)
{
    return (f->offset + fragment_wirelen(f) + UNIT - 1) / UNIT;
}

/* How many of the units this fragment covers are present already. */
static uint32_t units_present(const struct slot *slot, const struct fragment *f)
{
    uint32_t count = 0, first = first_unit(f), end = end_unit(f);
    for (uint32_t word = first / 64; word * 64 < end; word++)
        count += (uint32_t)__builtin_popcountll(slot->present[word] & unit_mask(word, first, end));
    return count;
}

/* Does it say again what the slot holds? Bytes that were not captured cannot disagree. */
static bool repeats(const struct slot *slot, const struct fragment *f)
{
    uint32_t end = f->offset + fragment_wirelen(f);
    bool same_end = f->more ? slot->total == 0 || end < slot->total : end == slot->total;
    if (!same_end || units_present(slot, f) != end_unit(f) - first_unit(f))
        return false;
    uint32_t known = slot->captured > f->offset ? slot->captured - f->offset : 0;
    uint32_t comparable = f->data.left < known ? (uint32_t)f->data.left : known;
    return bytes_begin(&f->data, slot->data + f->offset, comparable);
}

/* Does it claim a place that is taken, or an end that another fragment contradicts? */
static bool contradicts(const struct slot *slot, const struct fragment *f)
{
    uint32_t end = f->offset + fragment_wirelen(f);
    if (slot->total != 0 && (!f->more || end >= slot->total))
        return true;
    if (!f->more && end <= slot->reach)
        return true;
    return units_present(slot, f) != 0;
}

static void store(struct slot *slot, const struct fragment *f)
{
    struct bytes data = f->data;
    uint32_t captured = (uint32_t)data.left;
    uint32_t end = f->offset + fragment_wirelen(f);
    bytes_copy(&data, slot->data + f->offset, captured);
    if (f->missing > 0 && f->offset + captured < slot->captured)
        slot->captured = f->offset + captured;
    uint32_t first = first_unit(f), after = end_unit(f);
    for (uint32_t word = first / 64; word * 64 < after; word++)
        slot->present[word] |= unit_mask(word, first, after);
    slot->units += after - first;
    if (end > slot->reach)
        slot->reach = end;
    if (f->offset == 0) {
        slot->has_first = true;
        slot->protocol = f->protocol;
        slot->packet = *f->packet;
        slot->headers = f->headers;
    }
    if (!f->more)
        slot->total = end;
}

static bool is_complete(const struct slot *slot)
{
    return slot->total != 0 && slot->units == (slot->total + UNIT - 1) / UNIT;
}

static void complete(struct fragment_pool *pool, int index, int64_t now_ns, struct datagram *datagram)
{
    struct slot *slot = &pool->slots[index];
    slot->state = SLOT_DONE;
    slot->since_ns = now_ns;
    list_remove(pool, &pool->waiting, index);
    list_append(pool, &pool->spare, index);
    pool->counters->fragments.reassembled++;
    uint32_t captured = slot->captured < slot->total ? slot->captured : slot->total;
    datagram->data = bytes_captured(slot->data, captured, slot->total);
    datagram->missing = slot->total - captured;
    datagram->protocol = slot->protocol;
}

/* The slot this fragment belongs to: its datagram's, or a new one when there is none, or only an old one. */
static int slot_for(struct fragment_pool *pool, const struct fragment *f)
{
    unsigned bucket = bucket_of(&f->source, &f->destination, f->id, f->kind);
    int index = find(pool, f, bucket);
    if (index == NONE)
        return open_slot(pool, f, bucket);
    struct slot *slot = &pool->slots[index];
    if (slot->state == SLOT_DONE) {
        if (f->time_ns - slot->since_ns <= copy_ns && repeats(slot, f))
            return index;
        unchain(pool, index); /* another datagram with the same identification; the bytes stay */
        slot->state = SLOT_EMPTY;
        return open_slot(pool, f, bucket);
    }
    if (is_over(slot, f->time_ns)) {
        give_up(pool, index, &pool->counters->fragments.timed_out);
        return open_slot(pool, f, bucket);
    }
    return index;
}

/* RFC 791 section 3.2: all but the last are multiples of 8 bytes, and the whole fits the 16-bit length. */
static bool is_possible(const struct fragment *f)
{
    uint32_t wirelen = fragment_wirelen(f);
    return wirelen > 0 && wirelen <= FRAGMENT_DATAGRAM_SIZE &&
           f->offset + wirelen <= FRAGMENT_DATAGRAM_SIZE && (!f->more || wirelen % UNIT == 0);
}

enum decode_result fragment_add(struct fragment_pool *pool, const struct fragment *fragment,
                                struct datagram *datagram)
{
    if (!is_possible(fragment))
        return DECODE_MALFORMED;
    expire(pool, fragment->time_ns);
    int index = slot_for(pool, fragment);
    struct slot *slot = &pool->slots[index];
    if (slot->state == SLOT_REFUSED)
        return DECODE_FRAGMENT;
    if (slot->units > 0 && repeats(slot, fragment)) {
        pool->counters->fragments.duplicate++;
        return DECODE_FRAGMENT;
    }
    if (contradicts(slot, fragment)) {
        slot->state = SLOT_REFUSED;
        pool->counters->fragments.overlapping++;
        return DECODE_FRAGMENT;
    }
    store(slot, fragment);
    pool->counters->fragments.kept++;
    if (!is_complete(slot))
        return DECODE_FRAGMENT;
    complete(pool, index, fragment->time_ns, datagram);
    return DECODED;
}

/* Bytes from the datagram's start up to the first that did not come. */
static uint32_t unbroken(const struct slot *slot)
{
    uint32_t unit = 0;
    while (unit < UNITS_MAX && slot->present[unit / 64] >> unit % 64 & 1)
        unit++;
    uint32_t size = unit * UNIT < slot->reach ? unit * UNIT : slot->reach;
    return size < slot->captured ? size : slot->captured;
}

bool fragment_overdue(struct fragment_pool *pool, int64_t now_ns, struct beginning *beginning)
{
    if (pool->waiting.count)
        expire(pool, now_ns);
    if (!pool->overdue.count)
        return false;
    const struct slot *slot = release_overdue(pool);
    uint32_t size = unbroken(slot), total = slot->total;
    if (total == 0)
        total = slot->protocol == IP_UDP ? FRAGMENT_DATAGRAM_SIZE : slot->reach + 1;
    beginning->datagram.data = bytes_captured(slot->data, size, total);
    beginning->datagram.missing = total - size;
    beginning->datagram.protocol = slot->protocol;
    beginning->packet = slot->packet;
    beginning->headers = slot->headers;
    return true;
}
