/* SPDX-License-Identifier: BSD-2-Clause
 *
 * map.h - a bounded hash map from fixed-size keys to fixed-size values, made at start. Entries are never
 * removed and stay where they are; walking gives them in the order in which they were added, so output made
 * from a map does not depend on its hash. Keys are compared as bytes: their padding must be zero. One thread
 * at a time.
 */
#ifndef ROLECALL_MAP_H
#define ROLECALL_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    uint8_t *entries; /* key, then value, `stride` apart */
    uint32_t *slots;  /* entry number + 1; 0: empty */
    size_t key_size, value_offset, stride;
    uint32_t capacity, count, mask;
    uint64_t refused; /* additions that found the map full */
    uint64_t secret[2];
};

bool map_init(struct map *map, size_t key_size, size_t value_size, uint32_t capacity,
              const uint64_t secret[2]);
void map_fini(struct map *map);
size_t map_memory(size_t key_size, size_t value_size, uint32_t capacity);

void *map_find(const struct map *map, const void *key); /* the value, or NULL */
/* The value, zeroed when the key is new (*added says so); NULL when the map is full. `added` may be NULL. */
void *map_add(struct map *map, const void *key, bool *added);

const void *map_key(const struct map *map, uint32_t number); /* number below count */
void *map_value(const struct map *map, uint32_t number);
uint32_t map_number(const struct map *map, const void *value); /* of a value that map_find or map_add gave */

/* SipHash-1-3 of bytes, for whoever needs a keyed or a stable hash. */
uint64_t hash_bytes(const void *from, size_t size, const uint64_t secret[2]);

#endif
