/* SPDX-License-Identifier: BSD-2-Clause
 *
 * map.c - see map.h. Open addressing with linear probing over entry numbers, at most half full.
 */
#include "rolecall/map.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "rolecall/ahead.h"

#define REMOVED UINT32_MAX /* in `older` of an entry that is free */

static void *take_pages(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static size_t stride_of(size_t key_size, size_t value_size)
{
    return ((key_size + 7) / 8 + (value_size + 7) / 8) * 8;
}

static uint32_t slots_for(uint32_t capacity)
{
    uint32_t slots = 16;
    while (slots / 2 < capacity)
        slots *= 2;
    return slots;
}

size_t map_memory(size_t key_size, size_t value_size, uint32_t capacity)
{
    return capacity * stride_of(key_size, value_size) + slots_for(capacity) * sizeof(uint32_t) +
           ((size_t)capacity + 1) * sizeof(struct map_link);
}

void map_secret(uint64_t secret[2])
{
    size_t size = 2 * sizeof *secret;
    memset(secret, 0, size);
    if (getrandom(secret, size, GRND_NONBLOCK) != (ssize_t)size) /* a machine that has just started */
        secret[0] ^= (uint64_t)(uintptr_t)secret;
}

bool map_init(struct map *map, size_t key_size, size_t value_size, uint32_t capacity,
              const uint64_t secret[2])
{
    *map = (struct map){.key_size = key_size,
                        .value_offset = (key_size + 7) / 8 * 8,
                        .stride = stride_of(key_size, value_size),
                        .capacity = capacity,
                        .mask = slots_for(capacity) - 1,
                        .one = secret[0] ^ 0x9e3779b97f4a7c15,
                        .other = secret[1] ^ 0xd6e8feb86659fd93};
    map->entries = take_pages(capacity * map->stride);
    map->slots = take_pages(((size_t)map->mask + 1) * sizeof *map->slots);
    map->links = take_pages(((size_t)capacity + 1) * sizeof *map->links);
    if (map->entries && map->slots && map->links)
        return true;
    map_fini(map);
    return false;
}

void map_fini(struct map *map)
{
    if (map->entries)
        munmap(map->entries, map->capacity * map->stride);
    if (map->slots)
        munmap(map->slots, ((size_t)map->mask + 1) * sizeof *map->slots);
    if (map->links)
        munmap(map->links, ((size_t)map->capacity + 1) * sizeof *map->links);
    map->entries = NULL;
    map->links = NULL;
    map->slots = NULL;
}

const void *map_key(const struct map *map, uint32_t number)
{
    return map->entries + number * map->stride;
}

void *map_value(const struct map *map, uint32_t number)
{
    return map->entries + number * map->stride + map->value_offset;
}

void *map_at(const struct map *map, uint32_t number)
{
    bool is_there = number < map->used && map->links[number + 1].older != REMOVED;
    return is_there ? map_value(map, number) : NULL;
}

uint32_t map_number(const struct map *map, const void *value)
{
    return (uint32_t)(((size_t)((const uint8_t *)value - map->entries) - map->value_offset) / map->stride);
}

static inline uint64_t folded(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The bytes of a key that fill no word, with zeros behind them. Few keys have any: they pay for the call. */
__attribute__((noinline)) static uint64_t last_word(const struct map *map, const uint8_t *key)
{
    uint64_t word = 0;
    memcpy(&word, key + map->key_size / 8 * 8, map->key_size % 8);
    return word;
}

/* A map's secret is fixed and its order shows nowhere, so a strong hash would gain nothing here: words are
 * multiplied by twos and folded. */
static inline uint64_t hash_key(const struct map *map, const uint8_t *key)
{
    const uint64_t one = map->one, other = map->other;
    const uint8_t *at = key;
    uint64_t hash = 0;
    size_t left = map->key_size;
    for (; left >= 16; left -= 16, at += 16)
        hash = folded(hash ^ one ^ word_at(at), other ^ word_at(at + 8));
    if (left >= 8)
        hash = folded(hash ^ one ^ word_at(at), other);
    return left % 8 ? folded(hash ^ one ^ last_word(map, key), other) : hash;
}

static inline bool has_key(const struct map *map, uint32_t entry, const uint8_t *key)
{
    const uint8_t *own = map_key(map, entry - 1);
    for (size_t at = 0; at + 8 <= map->key_size; at += 8)
        if (word_at(own + at) != word_at(key + at))
            return false;
    return map->key_size % 8 == 0 || last_word(map, own) == last_word(map, key);
}

/* What a slot holds: the number of an entry, for which the bits of the mask are room enough, and in the
 * others some of its hash. */
static inline uint32_t entry_in(const struct map *map, uint32_t slot)
{
    return map->slots[slot] & map->mask;
}

static inline uint32_t tagged(const struct map *map, uint32_t entry, uint64_t hash)
{
    return entry | ((uint32_t)(hash >> 32) & ~map->mask);
}

/* Where the key stands, or the empty slot where it belongs: there is always one, the map is half empty. Only
 * entries with this hash are looked at, as far as slots tell. */
static inline uint32_t slot_of(const struct map *map, const void *key, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & map->mask;
    for (; map->slots[slot]; slot = (slot + 1) & map->mask) {
        uint32_t entry = entry_in(map, slot);
        if (map->slots[slot] == tagged(map, entry, hash) && has_key(map, entry, key))
            break;
    }
    return slot;
}

uint64_t map_hash(const struct map *map, const void *key)
{
    return hash_key(map, key);
}

void map_prefetch_slot(const struct map *map, uint64_t hash)
{
    ask_ahead(&map->slots[hash & map->mask]);
}

void map_prefetch_entry(const struct map *map, uint64_t hash)
{
    uint32_t slot = (uint32_t)hash & map->mask, entry = entry_in(map, slot);
    while (map->slots[slot] && map->slots[slot] != tagged(map, entry, hash)) {
        slot = (slot + 1) & map->mask;
        entry = entry_in(map, slot);
    }
    if (!entry)
        return;
    ask_ahead(map_key(map, entry - 1));
    ask_ahead(&map->links[entry]);
}

void *map_find(const struct map *map, const void *key)
{
    uint32_t slot = slot_of(map, key, hash_key(map, key));
    return map->slots[slot] ? map_value(map, entry_in(map, slot) - 1) : NULL;
}

static void append(struct map *map, uint32_t entry)
{
    uint32_t newest = map->links[0].older;
    map->links[entry].older = newest;
    map->links[entry].newer = 0;
    map->links[newest].newer = entry;
    map->links[0].older = entry;
}

static void unlink_entry(struct map *map, uint32_t entry)
{
    struct map_link *link = &map->links[entry];
    map->links[link->older].newer = link->newer;
    map->links[link->newer].older = link->older;
}

static void touch(struct map *map, uint32_t entry, int64_t now_ns)
{
    map->links[entry].touched_ns = now_ns;
    if (map->links[0].older == entry)
        return;
    unlink_entry(map, entry);
    append(map, entry);
}

static uint32_t entry_of(const struct map *map, const void *value)
{
    return map_number(map, value) + 1;
}

static uint32_t take_entry(struct map *map)
{
    uint32_t entry = map->free;
    if (!entry)
        return ++map->used;
    map->free = map->links[entry].newer;
    memset(map->entries + (entry - 1) * map->stride, 0, map->stride);
    return entry;
}

static void *add_at(struct map *map, uint32_t slot, const void *key, uint64_t hash)
{
    uint32_t entry = take_entry(map);
    map->count++;
    map->slots[slot] = tagged(map, entry, hash);
    map->links[entry].touched_ns = 0;
    append(map, entry);
    memcpy(map->entries + (entry - 1) * map->stride, key, map->key_size);
    return map_value(map, entry - 1);
}

void *map_add(struct map *map, const void *key, bool *added)
{
    return map_add_hashed(map, key, hash_key(map, key), added);
}

void *map_add_hashed(struct map *map, const void *key, uint64_t hash, bool *added)
{
    uint32_t slot = slot_of(map, key, hash);
    bool is_new = map->slots[slot] == 0, full = map->count == map->capacity;
    if (added)
        *added = is_new && !full;
    if (!is_new)
        return map_value(map, entry_in(map, slot) - 1);
    map->refused += full;
    return full ? NULL : add_at(map, slot, key, hash);
}

void *map_take(struct map *map, const void *key, int64_t now_ns, bool *added)
{
    uint64_t hash = hash_key(map, key);
    uint32_t slot = slot_of(map, key, hash);
    bool is_new = map->slots[slot] == 0;
    void *value;
    if (added)
        *added = is_new;
    if (is_new && map->count == map->capacity) {
        map_remove(map, map_oldest(map));
        map->forgotten++;
        map->forgot_ns = now_ns;
        slot = slot_of(map, key, hash); /* the removal may have moved the empty place */
    }
    value = is_new ? add_at(map, slot, key, hash) : map_value(map, entry_in(map, slot) - 1);
    touch(map, entry_in(map, slot), now_ns);
    return value;
}

void map_touch(struct map *map, void *value, int64_t now_ns)
{
    touch(map, entry_of(map, value), now_ns);
}

/* Closes the hole that a removal leaves in its run of slots (Knuth, volume 3, 6.4, algorithm R): what could
 * no longer be found from its home moves up. */
static void empty_slot(struct map *map, uint32_t hole)
{
    uint32_t slot = hole;
    for (;;) {
        map->slots[hole] = 0;
        uint32_t home;
        do {
            slot = (slot + 1) & map->mask;
            if (!map->slots[slot])
                return;
            home = (uint32_t)hash_key(map, map_key(map, entry_in(map, slot) - 1)) & map->mask;
        } while (((slot - home) & map->mask) < ((slot - hole) & map->mask));
        map->slots[hole] = map->slots[slot];
        hole = slot;
    }
}

void map_remove(struct map *map, void *value)
{
    uint32_t entry = entry_of(map, value);
    const void *key = map_key(map, entry - 1);
    empty_slot(map, slot_of(map, key, hash_key(map, key)));
    unlink_entry(map, entry);
    map->links[entry].older = REMOVED;
    map->links[entry].newer = map->free;
    map->free = entry;
    map->count--;
}

unsigned map_age(struct map *map, int64_t before_ns, unsigned limit)
{
    unsigned removed = 0;
    void *oldest;
    while (removed < limit && (oldest = map_oldest(map)) && map_touched_ns(map, oldest) < before_ns) {
        map_remove(map, oldest);
        removed++;
    }
    return removed;
}

void *map_oldest(const struct map *map)
{
    uint32_t entry = map->links[0].newer;
    return entry ? map_value(map, entry - 1) : NULL;
}

void *map_next(const struct map *map, const void *value)
{
    uint32_t entry = map->links[entry_of(map, value)].newer;
    return entry ? map_value(map, entry - 1) : NULL;
}

int64_t map_touched_ns(const struct map *map, const void *value)
{
    return map->links[entry_of(map, value)].touched_ns;
}
