/* SPDX-License-Identifier: BSD-2-Clause
 *
 * keep.c - see keep.h. Every piece is a block of its own in one list: this runs at load only, and sanitizers
 * see each piece's end.
 */
#include "keep.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct keep {
    struct block *blocks;
};

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

struct keep *keep_create(void)
{
    return must(calloc(1, sizeof(struct keep)));
}

void keep_destroy(struct keep *keep)
{
    if (!keep)
        return;
    for (struct block *block = keep->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(keep);
}

void *keep_take(struct keep *keep, size_t count, size_t size)
{
    if (count == 0)
        return NULL;
    if (size > (SIZE_MAX / 2 - sizeof(struct block)) / count)
        abort();
    struct block *block = must(calloc(1, sizeof *block + count * size));
    block->next = keep->blocks;
    keep->blocks = block;
    return block->bytes;
}

const char *keep_text(struct keep *keep, const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(keep_take(keep, size, 1), text, size);
}
