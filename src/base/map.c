/* SPDX-License-Identifier: BSD-2-Clause
 *
 * map.c - see map.h. Open addressing with linear probing over entry numbers, at most half full.
 */
#include "rolecall/map.h"

#include <string.h>
#include <sys/mman.h>

static inline uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash (Aumasson and Bernstein 2012) with one round a word and three at the end, as tables commonly use
 * it. */
uint64_t hash_bytes(const void *from, size_t size, const uint64_t secret[2])
{
    const uint8_t *at = from;
    uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
                     secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
    for (size_t i = 0; i <= size / 8; i++) {
        uint64_t word = 0;
        bool last = i == size / 8;
        if (size - 8 * i > 0)
            memcpy(&word, at + 8 * i, last ? size % 8 : 8);
        if (last)
            word |= (uint64_t)size << 56;
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

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
    return capacity * stride_of(key_size, value_size) + slots_for(capacity) * sizeof(uint32_t);
}

bool map_init(struct map *map, size_t key_size, size_t value_size, uint32_t capacity,
              const uint64_t secret[2])
{
    *map = (struct map){.key_size = key_size,
                        .value_offset = (key_size + 7) / 8 * 8,
                        .stride = stride_of(key_size, value_size),
                        .capacity = capacity,
                        .mask = slots_for(capacity) - 1,
                        .secret = {secret[0], secret[1]}};
    map->entries = take_pages(capacity * map->stride);
    map->slots = take_pages(((size_t)map->mask + 1) * sizeof *map->slots);
    if (map->entries && map->slots)
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
    map->entries = NULL;
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

uint32_t map_number(const struct map *map, const void *value)
{
    return (uint32_t)(((size_t)((const uint8_t *)value - map->entries) - map->value_offset) / map->stride);
}

/* Where the key stands, or the empty slot where it belongs: there is always one, the map is half empty. */
static uint32_t slot_of(const struct map *map, const void *key)
{
    uint32_t slot = (uint32_t)hash_bytes(key, map->key_size, map->secret) & map->mask;
    while (map->slots[slot] && memcmp(map_key(map, map->slots[slot] - 1), key, map->key_size) != 0)
        slot = (slot + 1) & map->mask;
    return slot;
}

void *map_find(const struct map *map, const void *key)
{
    uint32_t slot = slot_of(map, key);
    return map->slots[slot] ? map_value(map, map->slots[slot] - 1) : NULL;
}

void *map_add(struct map *map, const void *key, bool *added)
{
    uint32_t slot = slot_of(map, key);
    bool is_new = map->slots[slot] == 0;
    if (added)
        *added = is_new;
    if (!is_new)
        return map_value(map, map->slots[slot] - 1);
    if (map->count == map->capacity) {
        map->refused++;
        if (added)
            *added = false;
        return NULL;
    }
    map->slots[slot] = ++map->count;
    memcpy(map->entries + (map->count - 1) * map->stride, key, map->key_size);
    return map_value(map, map->count - 1);
}
