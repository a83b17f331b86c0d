/* SPDX-License-Identifier: BSD-2-Clause
 *
 * blocks.h - large pieces of a file in memory, for records that are handed out where they stand.
 *
 * A capture has one set of blocks for all its files. A reader asks blocks_need() for so many unread bytes in
 * one piece; when the current block has no more of them, another is filled: what is unread moves to its
 * beginning. A block that somebody holds (packet.h, struct frame_hold) is not filled again before he lets go.
 */
#ifndef ROLECALL_CAPTURE_BLOCKS_H
#define ROLECALL_CAPTURE_BLOCKS_H

#include "unpack.h"

/* A block takes one read of BLOCK_READ bytes behind what was left of the block before, at most one record.
 * There are as many as batches in flight may hold (pipeline.h), and some. */
enum { BLOCK_READ = 1 << 18, BLOCK_PIECE_MAX = 262144 + 16, BLOCKS = 40 };

struct block {
    struct frame_hold hold;
    uint8_t *memory;
};

/* Invariant: [at, at + left) is unread and lies in blocks[current]; `at` is never NULL. */
struct blocks {
    struct block blocks[BLOCKS];
    uint8_t *memory;
    unsigned current;
    uint8_t *at;
    size_t left;
};

bool blocks_init(struct blocks *blocks); /* false: no memory */
void blocks_fini(struct blocks *blocks);
size_t blocks_memory(void);

/* Forgets what is unread: another file begins. */
void blocks_restart(struct blocks *blocks);

/* Fills another block, and returns how many bytes came: 0 at the end of the file. */
size_t blocks_fill(struct blocks *blocks, struct unpack *unpack);

/* Are `size` unread bytes (at most BLOCK_PIECE_MAX) at `at` now? False: the file has no more. */
static inline bool blocks_need(struct blocks *blocks, struct unpack *unpack, size_t size)
{
    while (blocks->left < size)
        if (!blocks_fill(blocks, unpack))
            return false;
    return true;
}

static inline void blocks_skip(struct blocks *blocks, size_t size)
{
    blocks->at += size;
    blocks->left -= size;
}

static inline struct frame_hold *blocks_hold(struct blocks *blocks)
{
    return &blocks->blocks[blocks->current].hold;
}

#endif
