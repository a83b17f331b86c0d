/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pipeline.c - see pipeline.h. One lock guards two counters; batches themselves are owned by one side at a
 * time, so their content needs none.
 */
#include "pipeline.h"

#include <assert.h>
#include <stdlib.h>

enum {
    NOTES_PER_PACKET = 3
}; /* a flow evicted, one begun, one changed: the worst case but for learned end points */

static uint32_t note_room(void)
{
    return BATCH_PACKETS * NOTES_PER_PACKET + PIPELINE_SHARDS * EXPIRE_PER_BATCH;
}

size_t pipeline_memory(unsigned workers)
{
    size_t notes = workers == 1 ? 0 : note_room() * sizeof(struct note);
    return BATCHES * (BATCH_BYTES + notes * workers);
}

struct note *pipeline_note(struct pipeline *pipeline, struct batch *batch, unsigned worker, uint32_t order)
{
    uint32_t *count = &batch->note_count[worker];
    if (*count == batch->note_room[worker]) {
        /* End points learned from one packet can be many; growing is better than silence. */
        uint32_t room = batch->note_room[worker] * 2;
        struct note *more = realloc(batch->notes[worker], room * sizeof *more);
        if (!more) {
            pthread_mutex_lock(&pipeline->lock);
            pipeline->notes_lost++;
            pthread_mutex_unlock(&pipeline->lock);
            return NULL;
        }
        batch->notes[worker] = more;
        batch->note_room[worker] = room;
    }
    struct note *note = &batch->notes[worker][(*count)++];
    note->order = order;
    return note;
}

static void *thread_main(void *argument)
{
    struct pipeline_thread *self = argument;
    struct pipeline *pipeline = self->pipeline;
    pthread_mutex_lock(&pipeline->lock);
    for (;;) {
        while (self->done == pipeline->filled && !pipeline->stopping)
            pthread_cond_wait(&pipeline->work_ready, &pipeline->lock);
        if (self->done == pipeline->filled)
            break;
        struct batch *batch = &pipeline->batches[self->done % BATCHES];
        pthread_mutex_unlock(&pipeline->lock);
        batch->note_count[self->number] = 0;
        pipeline->work(pipeline->context, self->number, batch);
        pthread_mutex_lock(&pipeline->lock);
        self->done++;
        pthread_cond_signal(&pipeline->work_done);
    }
    pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

/* All workers' notes of one batch, in the order of their packets. */
static void tell_notes(struct pipeline *pipeline, const struct batch *batch)
{
    uint32_t next[WORKERS_MAX] = {0};
    for (;;) {
        struct note *first = NULL;
        unsigned from = 0;
        for (unsigned w = 0; w < pipeline->workers; w++) {
            if (next[w] == batch->note_count[w])
                continue;
            struct note *note = &batch->notes[w][next[w]];
            if (!first || note->order < first->order) {
                first = note;
                from = w;
            }
        }
        if (!first)
            return;
        next[from]++;
        pipeline->tell(pipeline->context, first);
    }
}

void batch_hold(struct batch *batch, struct frame_hold *hold)
{
    if (batch->hold_count && batch->holds[batch->hold_count - 1] == hold)
        return;
    assert(batch->hold_count < BATCH_HOLDS);
    hold->users++;
    batch->holds[batch->hold_count++] = hold;
}

/* Everything in the batch has been told: it may be filled again. */
static void empty(struct batch *batch)
{
    for (unsigned i = 0; i < batch->hold_count; i++)
        batch->holds[i]->users--;
    batch->hold_count = 0;
    batch->count = 0;
    batch->used = 0;
}

/* Takes back the oldest batch that is out; waits until every worker has done its share. */
static void collect(struct pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->lock);
    for (unsigned w = 0; w < pipeline->workers; w++)
        while (pipeline->threads[w].done <= pipeline->collected)
            pthread_cond_wait(&pipeline->work_done, &pipeline->lock);
    pthread_mutex_unlock(&pipeline->lock);
    struct batch *batch = &pipeline->batches[pipeline->collected % BATCHES];
    tell_notes(pipeline, batch);
    empty(batch);
    pipeline->collected++;
}

static void hand_over(struct pipeline *pipeline)
{
    struct batch *batch = pipeline_batch(pipeline);
    if (pipeline_is_inline(pipeline)) {
        pipeline->work(pipeline->context, 0, batch);
        empty(batch);
    } else {
        pthread_mutex_lock(&pipeline->lock);
        pipeline->filled++;
        pthread_cond_broadcast(&pipeline->work_ready);
        pthread_mutex_unlock(&pipeline->lock);
        while (pipeline->filled - pipeline->collected == BATCHES)
            collect(pipeline);
    }
}

void pipeline_hand_over(struct pipeline *pipeline)
{
    if (pipeline_batch(pipeline)->count)
        hand_over(pipeline);
}

void pipeline_drain(struct pipeline *pipeline)
{
    pipeline_hand_over(pipeline);
    while (pipeline->collected < pipeline->filled)
        collect(pipeline);
}

void pipeline_tick(struct pipeline *pipeline, int64_t now_ns)
{
    struct batch *batch = pipeline_batch(pipeline);
    if (!batch->count)
        batch->first_ns = now_ns;
    hand_over(pipeline);
    pipeline_drain(pipeline);
}

static bool make_batches(struct pipeline *pipeline)
{
    for (unsigned b = 0; b < BATCHES; b++) {
        struct batch *batch = &pipeline->batches[b];
        batch->bytes = malloc(BATCH_BYTES);
        if (!batch->bytes)
            return false;
        for (unsigned w = 0; w < pipeline->workers && !pipeline_is_inline(pipeline); w++) {
            batch->note_room[w] = note_room();
            batch->notes[w] = malloc(note_room() * sizeof(struct note));
            if (!batch->notes[w])
                return false;
        }
    }
    return true;
}

bool pipeline_init(struct pipeline *pipeline)
{
    pthread_mutex_init(&pipeline->lock, NULL);
    pthread_cond_init(&pipeline->work_ready, NULL);
    pthread_cond_init(&pipeline->work_done, NULL);
    pipeline->is_up = true;
    if (!make_batches(pipeline))
        return false;
    for (unsigned w = 0; w < pipeline->workers && !pipeline_is_inline(pipeline); w++) {
        struct pipeline_thread *thread = &pipeline->threads[w];
        thread->pipeline = pipeline;
        thread->number = w;
        if (pthread_create(&thread->thread, NULL, thread_main, thread) != 0)
            return false;
        thread->started = true;
    }
    return true;
}

void pipeline_fini(struct pipeline *pipeline)
{
    if (!pipeline->is_up)
        return;
    pthread_mutex_lock(&pipeline->lock);
    pipeline->stopping = true;
    pthread_cond_broadcast(&pipeline->work_ready);
    pthread_mutex_unlock(&pipeline->lock);
    for (unsigned w = 0; w < WORKERS_MAX; w++)
        if (pipeline->threads[w].started)
            pthread_join(pipeline->threads[w].thread, NULL);
    for (unsigned b = 0; b < BATCHES; b++) {
        free(pipeline->batches[b].bytes);
        for (unsigned w = 0; w < WORKERS_MAX; w++)
            free(pipeline->batches[b].notes[w]);
    }
    pthread_cond_destroy(&pipeline->work_done);
    pthread_cond_destroy(&pipeline->work_ready);
    pthread_mutex_destroy(&pipeline->lock);
}
