/* SPDX-License-Identifier: BSD-2-Clause
 *
 * slab.h - a fixed amount of memory, mapped at start, handed out in places of a few sizes, from 16 bytes to
 * SLAB_PLACE_MAX, each half as large again as the one before or so. A place is named by a handle that also
 * tells its size, so it can be found, and asked for ahead, without reading anything else. 0 is no handle.
 *
 * Memory is given to sizes in blocks of 4096 bytes, and comes back when a block's last place does: whoever
 * needs many small places today and many large ones tomorrow needs room for the larger number of bytes only,
 * as long as places that are taken together go together. One thread at a time.
 */
#ifndef ROLECALL_SLAB_H
#define ROLECALL_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rolecall/ahead.h"

/* A handle has four bits for the number of the size; none has SLAB_SIZES there, and callers may have handles
 * of their own that do. */
enum { SLAB_PLACE_MAX = 2048, SLAB_BLOCK_SIZE = 4096, SLAB_UNIT = 8, SLAB_SIZES = 15, SLAB_PLACE_BITS = 28 };

struct slab_block;

struct slab {
    uint8_t *bytes;
    struct slab_block *blocks; /* what is known of each */
    uint32_t count;            /* blocks there are */
    uint32_t fresh;            /* the first one never used */
    uint32_t empty;            /* list of those that came back; 0: none */
    uint32_t open[SLAB_SIZES]; /* list of blocks of this size that have room; 0: none */
    uint32_t taken;            /* places */
};

/* False: out of memory. Room for `size` bytes in all, however they are divided, and a block for each size. */
bool slab_init(struct slab *slab, size_t size);
void slab_fini(struct slab *slab);
size_t slab_memory(size_t size);

uint32_t slab_take(struct slab *slab, size_t size); /* 0: no room; the bytes are not cleared */
void slab_give(struct slab *slab, uint32_t handle);

/* Bytes of a place, and of the one that slab_take() would look for. */
size_t slab_size(uint32_t handle);
size_t slab_size_for(size_t size);

/* Up to seven bytes behind a place may be read, to no purpose: a last word need not be read in parts. */
static inline void *slab_at(const struct slab *slab, uint32_t handle)
{
    return slab->bytes + (size_t)(handle & ((UINT32_C(1) << SLAB_PLACE_BITS) - 1)) * SLAB_UNIT;
}

static inline void slab_prefetch(const struct slab *slab, uint32_t handle)
{
    const uint8_t *at = slab_at(slab, handle), *last = at + slab_size(handle) - 1;
    for (; at < last; at += 64)
        ask_ahead(at);
    ask_ahead(last);
}

#endif
