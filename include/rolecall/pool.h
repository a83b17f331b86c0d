/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pool.h - a fixed number of equal items, made at start, handed out by index. Index 0 is never handed out, so
 * it can mean "none". Taking and giving are O(1); items come back in the order last given, first taken, which
 * keeps the touched memory small. One thread at a time.
 */
#ifndef ROLECALL_POOL_H
#define ROLECALL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rolecall/ahead.h"

struct pool {
    uint8_t *items;
    uint32_t *next; /* free list: next[i] follows i */
    size_t size;    /* bytes of one item */
    uint32_t count; /* items that can be handed out */
    uint32_t free;  /* head of the free list; 0: none */
    uint32_t fresh; /* lowest index never handed out */
    uint32_t taken;
};

bool pool_init(struct pool *pool, size_t size, uint32_t count);
void pool_fini(struct pool *pool);
uint32_t pool_take(struct pool *pool); /* 0 when all are taken; the item's bytes are not cleared */
void pool_give(struct pool *pool, uint32_t index);
size_t pool_memory(size_t size, uint32_t count);

static inline void *pool_item(const struct pool *pool, uint32_t index)
{
    return pool->items + (size_t)index * pool->size;
}

/* Asks for an item's first `size` bytes. */
static inline void pool_prefetch(const struct pool *pool, uint32_t index, size_t size)
{
    const uint8_t *at = pool_item(pool, index);
    for (size_t i = 0; i < size; i += 64)
        ask_ahead(at + i);
}

#endif
