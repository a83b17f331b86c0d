/* SPDX-License-Identifier: BSD-2-Clause
 *
 * slab.c - see slab.h. A block holds places of one size. Its free places are a list through their first
 * bytes; a size's blocks with room are a list, in which the block that last got a place back comes first. The
 * memory is mapped, not cleared: blocks that are never used cost nothing.
 */
#include "rolecall/slab.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

/* In bytes, rising; a handle has the number of the size. 0 is no size, so that no handle is 0. */
static const uint16_t sizes[SLAB_SIZES] = {0,   16,  32,  48,  56,  72,   96,   128,
                                           192, 256, 384, 512, 768, 1360, 2048};

/* Places are counted from 1 in a block; in lists 0 is the end. */
struct slab_block {
    uint32_t next, previous; /* in the list of those with room, or of the empty ones */
    uint16_t free;           /* the first of the places that came back */
    uint16_t fresh;          /* places never used come behind this many */
    uint16_t taken;
    uint8_t number; /* of its size */
};

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static uint32_t blocks_for(size_t size)
{
    return (uint32_t)(size / SLAB_BLOCK_SIZE) + 1 + SLAB_SIZES;
}

static size_t bytes_of_blocks(uint32_t count)
{
    return ((size_t)count + 1) * SLAB_BLOCK_SIZE; /* block 0 is never used, the last has bytes behind it */
}

size_t slab_memory(size_t size)
{
    uint32_t count = blocks_for(size);
    return bytes_of_blocks(count + 1) + ((size_t)count + 1) * sizeof(struct slab_block);
}

bool slab_init(struct slab *slab, size_t size)
{
    *slab = (struct slab){.count = blocks_for(size), .fresh = 1};
    assert(slab->count < (UINT32_C(1) << SLAB_PLACE_BITS) / (SLAB_BLOCK_SIZE / SLAB_UNIT));
    slab->bytes = map(bytes_of_blocks(slab->count + 1));
    slab->blocks = map(((size_t)slab->count + 1) * sizeof *slab->blocks);
    if (slab->bytes && slab->blocks)
        return true;
    slab_fini(slab);
    return false;
}

void slab_fini(struct slab *slab)
{
    if (slab->bytes)
        munmap(slab->bytes, bytes_of_blocks(slab->count + 1));
    if (slab->blocks)
        munmap(slab->blocks, ((size_t)slab->count + 1) * sizeof *slab->blocks);
    slab->bytes = NULL;
    slab->blocks = NULL;
}

/* The number of the least size that holds `size` bytes. */
static unsigned number_for(size_t size)
{
    unsigned number = 1;
    while (sizes[number] < size)
        number++;
    return number;
}

size_t slab_size_for(size_t size)
{
    return sizes[number_for(size)];
}

size_t slab_size(uint32_t handle)
{
    return sizes[handle >> SLAB_PLACE_BITS];
}

static void link_open(struct slab *slab, uint32_t index)
{
    struct slab_block *block = &slab->blocks[index];
    uint32_t *first = &slab->open[block->number];
    block->next = *first;
    block->previous = 0;
    if (*first)
        slab->blocks[*first].previous = index;
    *first = index;
}

static void unlink_open(struct slab *slab, uint32_t index)
{
    const struct slab_block *block = &slab->blocks[index];
    if (block->previous)
        slab->blocks[block->previous].next = block->next;
    else
        slab->open[block->number] = block->next;
    if (block->next)
        slab->blocks[block->next].previous = block->previous;
}

/* One more block with places of this size; 0: there is none. */
static uint32_t open_block(struct slab *slab, unsigned number)
{
    uint32_t index = slab->empty;
    if (index)
        slab->empty = slab->blocks[index].next;
    else if (slab->fresh <= slab->count)
        index = slab->fresh++;
    else
        return 0;
    slab->blocks[index] = (struct slab_block){.number = (uint8_t)number};
    link_open(slab, index);
    return index;
}

static uint8_t *place_at(const struct slab *slab, uint32_t index, unsigned place)
{
    return slab->bytes + (size_t)index * SLAB_BLOCK_SIZE + (place - 1u) * sizes[slab->blocks[index].number];
}

uint32_t slab_take(struct slab *slab, size_t size)
{
    assert(size <= SLAB_PLACE_MAX);
    unsigned number = number_for(size);
    uint32_t index = slab->open[number];
    if (!index && !(index = open_block(slab, number)))
        return 0;
    struct slab_block *block = &slab->blocks[index];
    unsigned place = block->free;
    if (place)
        memcpy(&block->free, place_at(slab, index, place), sizeof block->free);
    else
        place = ++block->fresh;
    if (++block->taken == SLAB_BLOCK_SIZE / sizes[number])
        unlink_open(slab, index);
    slab->taken++;
    size_t offset = (size_t)(place_at(slab, index, place) - slab->bytes);
    return (uint32_t)number << SLAB_PLACE_BITS | (uint32_t)(offset / SLAB_UNIT);
}

void slab_give(struct slab *slab, uint32_t handle)
{
    uint8_t *at = slab_at(slab, handle);
    size_t offset = (size_t)(at - slab->bytes);
    uint32_t index = (uint32_t)(offset / SLAB_BLOCK_SIZE);
    struct slab_block *block = &slab->blocks[index];
    assert(index > 0 && index < slab->fresh && block->taken > 0 &&
           block->number == handle >> SLAB_PLACE_BITS);
    uint16_t place = (uint16_t)(offset % SLAB_BLOCK_SIZE / sizes[block->number] + 1);
    if (block->taken-- == SLAB_BLOCK_SIZE / sizes[block->number])
        link_open(slab, index);
    memcpy(at, &block->free, sizeof block->free);
    block->free = place;
    slab->taken--;
    if (block->taken)
        return;
    unlink_open(slab, index);
    block->next = slab->empty;
    slab->empty = index;
}
