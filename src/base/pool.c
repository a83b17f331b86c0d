/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pool.c - see pool.h. The memory is mapped, not cleared: pages that are never used cost nothing.
 */
#include "rolecall/pool.h"

#include <assert.h>
#include <sys/mman.h>

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

size_t pool_memory(size_t size, uint32_t count)
{
    return ((size_t)count + 1) * (size + sizeof(uint32_t));
}

bool pool_init(struct pool *pool, size_t size, uint32_t count)
{
    *pool = (struct pool){.size = size, .count = count, .fresh = 1};
    pool->items = map(((size_t)count + 1) * size);
    pool->next = map(((size_t)count + 1) * sizeof *pool->next);
    if (!pool->items || !pool->next) {
        pool_fini(pool);
        return false;
    }
    return true;
}

void pool_fini(struct pool *pool)
{
    if (pool->items)
        munmap(pool->items, ((size_t)pool->count + 1) * pool->size);
    if (pool->next)
        munmap(pool->next, ((size_t)pool->count + 1) * sizeof *pool->next);
    pool->items = NULL;
    pool->next = NULL;
}

uint32_t pool_take(struct pool *pool)
{
    uint32_t index = pool->free;
    if (index)
        pool->free = pool->next[index];
    else if (pool->fresh <= pool->count)
        index = pool->fresh++;
    else
        return 0;
    pool->taken++;
    return index;
}

void pool_give(struct pool *pool, uint32_t index)
{
    assert(index > 0 && index < pool->fresh && pool->taken > 0);
    pool->next[index] = pool->free;
    pool->free = index;
    pool->taken--;
}
