/* SPDX-License-Identifier: BSD-2-Clause
 *
 * blocks.c - see blocks.h. Used by file.c and pcap_file.c. Memory that no file ever fills is never touched,
 * and the block that was let go longest ago in memory's order is filled first, so that a small working set
 * stays in the cache.
 */
#include "blocks.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK_SIZE = BLOCK_PIECE_MAX + BLOCK_READ };

size_t blocks_memory(void)
{
    return (size_t)BLOCKS * BLOCK_SIZE;
}

bool blocks_init(struct blocks *blocks)
{
    *blocks = (struct blocks){.memory = mmap(NULL, blocks_memory(), PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)};
    if (blocks->memory == MAP_FAILED) {
        blocks->memory = NULL;
        return false;
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks->blocks[i].memory = blocks->memory + (size_t)i * BLOCK_SIZE;
    blocks->at = blocks->memory;
    blocks_restart(blocks);
    return true;
}

void blocks_fini(struct blocks *blocks)
{
    if (blocks->memory)
        munmap(blocks->memory, blocks_memory());
    blocks->memory = NULL;
}

void blocks_restart(struct blocks *blocks)
{
    blocks->left = 0;
}

/* A block that nobody holds, other than the current one: what is unread there may still be handed out. */
static unsigned free_block(const struct blocks *blocks)
{
    unsigned i = 0;
    while (i < BLOCKS && (i == blocks->current || blocks->blocks[i].hold.users > 0))
        i++;
    assert(i < BLOCKS && "there are more blocks than batches in flight can hold");
    return i;
}

size_t blocks_fill(struct blocks *blocks, struct unpack *unpack)
{
    unsigned next = free_block(blocks);
    uint8_t *to = blocks->blocks[next].memory;
    assert(blocks->left <= BLOCK_PIECE_MAX);
    if (blocks->left > 0)
        memcpy(to, blocks->at, blocks->left);
    size_t read = unpack_read(unpack, to + blocks->left, BLOCK_READ);
    blocks->current = next;
    blocks->at = to;
    blocks->left += read;
    return read;
}
