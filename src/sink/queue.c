/* SPDX-License-Identifier: BSD-2-Clause
 *
 * queue.c - lines in chained blocks; see queue.h. Each rank has a list of its own, oldest first; the oldest
 * of all is found by the order numbers of the lists' heads.
 */
#include "queue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANKS = 3 };

static const uint32_t NONE = UINT32_MAX;

/* Stands at the beginning of a line's first block; the text follows, and goes on in the next blocks. */
struct head {
    struct queue_note note;
    uint64_t order;
    uint32_t next_line;
};

_Static_assert(sizeof(struct head) < QUEUE_BLOCK, "a block has room for text behind its head");
_Static_assert(QUEUE_BLOCK % _Alignof(struct head) == 0, "heads are aligned");

struct queue {
    char *blocks;
    uint32_t *next; /* of each block: the next one of its line, or the next free one */
    uint32_t block_count, free_count, free;
    struct {
        uint32_t oldest, newest;
        uint32_t blocks; /* that its lines hold */
    } ranks[RANKS];
    uint64_t order;
    size_t lines;
};

static unsigned rank_of(unsigned dataset)
{
    switch (dataset) {
    case DATASET_FLOW:
        return 0;
    case DATASET_ALERT:
    case DATASET_LOSS:
        return 2;
    default:
        return 1;
    }
}

static uint32_t blocks_for(size_t text_size)
{
    return (uint32_t)((sizeof(struct head) + text_size + QUEUE_BLOCK - 1) / QUEUE_BLOCK);
}

static struct head *head_at(const struct queue *queue, uint32_t block)
{
    return (struct head *)(void *)(queue->blocks + (size_t)block * QUEUE_BLOCK);
}

struct queue *queue_create(size_t size)
{
    struct queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->block_count = queue->free_count = (uint32_t)(size / QUEUE_BLOCK);
    queue->blocks = malloc((size_t)queue->block_count * QUEUE_BLOCK);
    queue->next = malloc(queue->block_count * sizeof *queue->next);
    if (!queue->blocks || !queue->next) {
        queue_destroy(queue);
        return NULL;
    }
    for (uint32_t i = 0; i < queue->block_count; i++)
        queue->next[i] = i + 1 < queue->block_count ? i + 1 : NONE;
    for (unsigned rank = 0; rank < RANKS; rank++)
        queue->ranks[rank].oldest = queue->ranks[rank].newest = NONE;
    return queue;
}

void queue_destroy(struct queue *queue)
{
    if (!queue)
        return;
    free(queue->blocks);
    free(queue->next);
    free(queue);
}

size_t queue_memory(size_t size)
{
    return sizeof(struct queue) + size / QUEUE_BLOCK * (QUEUE_BLOCK + sizeof(uint32_t));
}

/* Gives the blocks of the rank's oldest line back. */
static void drop_oldest(struct queue *queue, unsigned rank)
{
    uint32_t first = queue->ranks[rank].oldest, last = first;
    const struct head *head = head_at(queue, first);
    uint32_t count = blocks_for(head->note.size);
    queue->ranks[rank].oldest = head->next_line;
    if (head->next_line == NONE)
        queue->ranks[rank].newest = NONE;
    for (uint32_t i = 1; i < count; i++)
        last = queue->next[last];
    queue->next[last] = queue->free;
    queue->free = first;
    queue->free_count += count;
    queue->ranks[rank].blocks -= count;
    queue->lines--;
}

static void shed_oldest(struct queue *queue, unsigned rank, queue_lost_function *lost, void *context)
{
    lost(context, &head_at(queue, queue->ranks[rank].oldest)->note);
    drop_oldest(queue, rank);
}

static bool make_room(struct queue *queue, uint32_t wanted, unsigned rank, queue_lost_function *lost,
                      void *context)
{
    uint32_t could_be = queue->free_count;
    for (unsigned lower = 0; lower < rank; lower++)
        could_be += queue->ranks[lower].blocks;
    if (could_be < wanted)
        return false;
    for (unsigned lower = 0; lower < rank; lower++)
        while (queue->free_count < wanted && queue->ranks[lower].oldest != NONE)
            shed_oldest(queue, lower, lost, context);
    return true;
}

/* Takes `count` free blocks, which are chained already, and copies the text into them. */
static uint32_t fill_blocks(struct queue *queue, uint32_t count, const char *text, size_t size)
{
    uint32_t first = queue->free, at = first;
    size_t skip = sizeof(struct head), done = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t part = size - done < QUEUE_BLOCK - skip ? size - done : QUEUE_BLOCK - skip;
        memcpy(queue->blocks + (size_t)at * QUEUE_BLOCK + skip, text + done, part);
        done += part;
        skip = 0;
        at = queue->next[at];
    }
    queue->free = at;
    queue->free_count -= count;
    return first;
}

void queue_put(struct queue *queue, const struct event_line *line, queue_lost_function *lost, void *context)
{
    assert(line->size <= QUEUE_LINE_MAX && line->dataset < DATASET_COUNT);
    unsigned rank = rank_of(line->dataset);
    uint32_t count = blocks_for(line->size);
    struct queue_note note = {.sequence = line->sequence,
                              .time_ns = line->time_ns,
                              .size = (uint32_t)line->size,
                              .severity = (uint8_t)(line->severity < 100 ? line->severity : 100),
                              .dataset = (uint8_t)line->dataset};
    snprintf(note.key, sizeof note.key, "%s", line->key);
    if (!make_room(queue, count, rank, lost, context)) {
        lost(context, &note);
        return;
    }
    uint32_t first = fill_blocks(queue, count, line->text, line->size);
    *head_at(queue, first) = (struct head){.note = note, .order = queue->order++, .next_line = NONE};
    if (queue->ranks[rank].newest == NONE)
        queue->ranks[rank].oldest = first;
    else
        head_at(queue, queue->ranks[rank].newest)->next_line = first;
    queue->ranks[rank].newest = first;
    queue->ranks[rank].blocks += count;
    queue->lines++;
}

bool queue_take(struct queue *queue, struct queue_note *note, char text[QUEUE_LINE_MAX])
{
    unsigned oldest = RANKS;
    for (unsigned rank = 0; rank < RANKS; rank++)
        if (queue->ranks[rank].oldest != NONE &&
            (oldest == RANKS || head_at(queue, queue->ranks[rank].oldest)->order <
                                    head_at(queue, queue->ranks[oldest].oldest)->order))
            oldest = rank;
    if (oldest == RANKS)
        return false;
    uint32_t at = queue->ranks[oldest].oldest;
    size_t skip = sizeof(struct head), done = 0;
    *note = head_at(queue, at)->note;
    while (done < note->size) {
        size_t part = note->size - done < QUEUE_BLOCK - skip ? note->size - done : QUEUE_BLOCK - skip;
        memcpy(text + done, queue->blocks + (size_t)at * QUEUE_BLOCK + skip, part);
        done += part;
        skip = 0;
        at = queue->next[at];
    }
    drop_oldest(queue, oldest);
    return true;
}

void queue_shed_all(struct queue *queue, queue_lost_function *lost, void *context)
{
    for (unsigned rank = 0; rank < RANKS; rank++)
        while (queue->ranks[rank].oldest != NONE)
            shed_oldest(queue, rank, lost, context);
}

size_t queue_lines(const struct queue *queue)
{
    return queue->lines;
}

size_t queue_used(const struct queue *queue)
{
    return (size_t)(queue->block_count - queue->free_count) * QUEUE_BLOCK;
}

size_t queue_size(const struct queue *queue)
{
    return (size_t)queue->block_count * QUEUE_BLOCK;
}
