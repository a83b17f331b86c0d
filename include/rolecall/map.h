/* SPDX-License-Identifier: BSD-2-Clause
 *
 * map.h - a bounded hash map from fixed-size keys to fixed-size values, made at start. Entries stay where
 * they are until they are removed, and stand in a list, oldest first: in the order in which they were added,
 * but what is touched becomes the newest. Walking follows the list, so output made from a map does not depend
 * on its hash. Keys are compared as bytes: their padding must be zero. One thread at a time.
 *
 * A full map refuses (map_add) or forgets its oldest entry (map_take); both are counted.
 */
#ifndef ROLECALL_MAP_H
#define ROLECALL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_link {
    uint32_t older, newer; /* entry number + 1; link 0 is the head: newer is the oldest, older the newest */
    int64_t touched_ns;
};

struct map {
    uint8_t *entries;       /* key, then value, `stride` apart */
    struct map_link *links; /* of entry number n at n + 1 */
    uint32_t *slots;        /* entry number + 1, above it some of the key's hash; 0: empty */
    size_t key_size, value_offset, stride;
    uint32_t capacity, count, mask;
    uint32_t used;      /* numbers ever given out */
    uint32_t free;      /* first of those that were removed, linked by `newer`; 0: none */
    uint64_t refused;   /* map_add: additions that found the map full */
    uint64_t forgotten; /* map_take: entries that had to make room */
    int64_t forgot_ns;  /* when that was last so; 0: never */
    uint64_t one, other; /* the secret, as the hash uses it */
};

/* A secret that nobody who sends packets can know, for maps whose keys come from packets: else he could make
 * keys that all meet in one place. */
void map_secret(uint64_t secret[2]);
bool map_init(struct map *map, size_t key_size, size_t value_size, uint32_t capacity,
              const uint64_t secret[2]);
void map_fini(struct map *map);
size_t map_memory(size_t key_size, size_t value_size, uint32_t capacity);

void *map_find(const struct map *map, const void *key); /* the value, or NULL */
/* Bring what a search for a key with this hash will touch into the cache: first its place, some time later
 * the entry that stands there. */
uint64_t map_hash(const struct map *map, const void *key);
void map_prefetch_slot(const struct map *map, uint64_t hash);
void map_prefetch_entry(const struct map *map, uint64_t hash);

/* The value, zeroed when the key is new (*added says so); NULL when the map is full. `added` may be NULL. */
void *map_add(struct map *map, const void *key, bool *added);
void *map_add_hashed(struct map *map, const void *key, uint64_t hash, bool *added); /* its hash is known */
/* The same, touched; a full map forgets its oldest entry instead of refusing. */
void *map_take(struct map *map, const void *key, int64_t now_ns, bool *added);
void map_touch(struct map *map, void *value, int64_t now_ns);
void map_remove(struct map *map, void *value);
/* Removes what was not touched since `before_ns`, at most `limit` entries; how many. */
unsigned map_age(struct map *map, int64_t before_ns, unsigned limit);

/* Values from the oldest on; NULL past the newest. The next one of an entry must be asked before it goes. */
void *map_oldest(const struct map *map);
void *map_next(const struct map *map, const void *value);
int64_t map_touched_ns(const struct map *map, const void *value);

/* Numbers stay with an entry while it lives; without removals they count from 0 in the order of adding. */
const void *map_key(const struct map *map, uint32_t number);
void *map_value(const struct map *map, uint32_t number);
void *map_at(const struct map *map, uint32_t number);          /* NULL: it was removed, or never there */
uint32_t map_number(const struct map *map, const void *value); /* of a value that map_find or map_add gave */

#endif
