/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pipeline.c - see pipeline.h. One lock guards the counters and who has which share; a share of a batch is
 * owned by one thread at a time, so its content needs none.
 */
#include "pipeline.h"

#include <assert.h>
#include <stdlib.h>

#include "rolecall/ahead.h"

enum {
    NOTES_PER_PACKET =
        3, /* a flow evicted, one begun, one changed: the worst case but for learned end points */
    NOTES_AHEAD = 12,
    FACTS_AHEAD = 192, /* bytes: what most notes have of them, and never beyond a list's room */
    CACHE_LINE = 64
};

size_t pipeline_memory(unsigned workers)
{
    size_t notes = BATCH_PACKETS * NOTES_PER_PACKET + PIPELINE_SHARDS * EXPIRE_PER_BATCH;
    return BATCHES * (BATCH_BYTES + (workers == 1 ? 0 : notes * note_memory()));
}

/* A power of two, so that each thread has one share and there are some to even out. */
static unsigned shares_for(unsigned workers)
{
    unsigned shares = 1;
    while (shares < workers * 2 && shares < PIPELINE_SHARES_MAX && workers > 1)
        shares *= 2;
    return shares;
}

/* A share that has something to do, the thread's own ones first: their flows are in its cache. NULL: there is
 * none. Called with the lock held. */
static struct pipeline_share *take_share(struct pipeline *pipeline, unsigned thread)
{
    for (unsigned i = 0; i < pipeline->shares; i++) {
        unsigned number = (thread * pipeline->shares / pipeline->workers + i) & (pipeline->shares - 1);
        struct pipeline_share *share = &pipeline->share[number];
        if (share->is_taken || share->done == pipeline->filled)
            continue;
        share->is_taken = true;
        return share;
    }
    return NULL;
}

static bool is_done(const struct pipeline *pipeline, uint64_t batch)
{
    for (unsigned i = 0; i < pipeline->shares; i++)
        if (pipeline->share[i].done <= batch)
            return false;
    return true;
}

/* Works on the next batch of a share. Called with the lock held, which is given up meanwhile. */
static void work_on(struct pipeline *pipeline, struct pipeline_share *share, unsigned thread)
{
    struct batch *batch = &pipeline->batches[share->done % BATCHES];
    unsigned number = (unsigned)(share - pipeline->share);
    pthread_mutex_unlock(&pipeline->lock);
    note_list_clear(&batch->notes[number]);
    pipeline->work(pipeline->context, thread, batch, number);
    pthread_mutex_lock(&pipeline->lock);
    share->done++;
    share->is_taken = false;
    if (is_done(pipeline, pipeline->collected))
        pthread_cond_signal(&pipeline->work_done);
}

/* Called with the lock held, which is given up meanwhile. */
static void sleep_until_woken(struct pipeline *pipeline)
{
    pipeline->sleeping++;
    pthread_cond_wait(&pipeline->work_ready, &pipeline->lock);
    pipeline->sleeping--;
}

/* To wake a thread for every batch costs both sides more than it brings, so some work gathers first; what
 * never becomes enough the reader does himself. */
static bool is_worth_waking(const struct pipeline *pipeline)
{
    uint64_t done = pipeline->filled;
    for (unsigned i = 0; i < pipeline->shares; i++)
        if (pipeline->share[i].done < done)
            done = pipeline->share[i].done;
    return pipeline->sleeping && pipeline->filled - done >= BATCHES_TO_WAKE;
}

static void *thread_main(void *argument)
{
    struct pipeline_thread *self = argument;
    struct pipeline *pipeline = self->pipeline;
    pthread_mutex_lock(&pipeline->lock);
    while (!pipeline->stopping) {
        struct pipeline_share *share = take_share(pipeline, self->number);
        if (share)
            work_on(pipeline, share, self->number);
        else
            sleep_until_woken(pipeline);
    }
    pthread_mutex_unlock(&pipeline->lock);
    return NULL;
}

/* The notes of one batch on their way to the judge. */
struct telling {
    struct pipeline *pipeline;
    const struct batch *batch;
    uint32_t next[PIPELINE_SHARES_MAX];
    struct told_note group[TOLD_TOGETHER];
    unsigned count; /* in the group */
};

static void tell_group(struct telling *telling)
{
    telling->pipeline->tell(telling->pipeline->context, telling->group, telling->count);
    telling->count = 0;
}

/* Notes were written on another processor: those to come are asked for, and the facts of this one. */
static void prefetch_notes(const struct note_list *list, uint32_t next)
{
    const struct note *note = &list->notes[next];
    if (next + NOTES_AHEAD < list->count)
        for (size_t at = 0; at < sizeof *note; at += CACHE_LINE)
            ask_ahead((const char *)(note + NOTES_AHEAD) + at);
    for (size_t at = 0; note->facts && at < FACTS_AHEAD; at += CACHE_LINE)
        ask_ahead(list->bytes + note->facts + at);
}

static void tell_those_of(struct telling *telling, unsigned shard, uint32_t order)
{
    unsigned share = pipeline_share_of(telling->pipeline, shard);
    const struct note_list *list = &telling->batch->notes[share];
    uint32_t *next = &telling->next[share];
    for (; *next < list->count && list->notes[*next].order == order; ++*next) {
        prefetch_notes(list, *next);
        telling->group[telling->count++] = (struct told_note){list, &list->notes[*next]};
        if (telling->count == TOLD_TOGETHER)
            tell_group(telling);
    }
}

/* All notes of one batch: those of flows that ended before it, by shard, then those of its content. */
static void tell_notes(struct pipeline *pipeline, const struct batch *batch)
{
    struct telling telling = {.pipeline = pipeline, .batch = batch};
    for (uint32_t shard = 0; shard < PIPELINE_SHARDS; shard++)
        tell_those_of(&telling, shard, shard);
    for (uint32_t i = 0; i < batch->count; i++)
        tell_those_of(&telling, batch->shard[i], (i + 1) * PIPELINE_SHARDS + batch->shard[i]);
    tell_group(&telling);
    for (unsigned share = 0; share < pipeline->shares; share++)
        assert(telling.next[share] == batch->notes[share].count && "every note has its place");
}

/* Everything in the batch has been told: it may be filled again. */
static void empty(struct batch *batch)
{
    for (unsigned i = 0; i < batch->hold_count; i++)
        batch->holds[i]->users--;
    batch->hold_count = 0;
    batch->count = batch->placed = 0;
    batch->is_of_flows = false;
    batch->used = 0;
}

/* Takes back the oldest batch that is out, and works itself until that is done. */
static void collect(struct pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->lock);
    while (!is_done(pipeline, pipeline->collected)) {
        struct pipeline_share *share = take_share(pipeline, 0);
        if (share)
            work_on(pipeline, share, 0);
        else
            pthread_cond_wait(&pipeline->work_done, &pipeline->lock);
    }
    pthread_mutex_unlock(&pipeline->lock);
    struct batch *batch = &pipeline->batches[pipeline->collected % BATCHES];
    tell_notes(pipeline, batch);
    empty(batch);
    pthread_mutex_lock(&pipeline->lock);
    pipeline->collected++;
    pthread_mutex_unlock(&pipeline->lock);
}

static void hand_over(struct pipeline *pipeline)
{
    struct batch *batch = pipeline_batch(pipeline);
    assert(batch->is_of_flows || batch->placed == batch->count);
    if (pipeline_is_inline(pipeline)) {
        pipeline->work(pipeline->context, 0, batch, 0);
        empty(batch);
    } else {
        pthread_mutex_lock(&pipeline->lock);
        pipeline->filled++;
        pipeline->filling = &pipeline->batches[pipeline->filled % BATCHES];
        if (is_worth_waking(pipeline))
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

bool pipeline_init(struct pipeline *pipeline)
{
    pthread_mutex_init(&pipeline->lock, NULL);
    pthread_cond_init(&pipeline->work_ready, NULL);
    pthread_cond_init(&pipeline->work_done, NULL);
    pipeline->is_up = true;
    pipeline->filling = pipeline->batches;
    pipeline->shares = shares_for(pipeline->workers);
    for (unsigned b = 0; b < BATCHES; b++)
        if (!(pipeline->batches[b].bytes = malloc(BATCH_BYTES)))
            return false;
    for (unsigned w = 1; w < pipeline->workers; w++) {
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
        for (unsigned i = 0; i < PIPELINE_SHARES_MAX; i++)
            note_list_free(&pipeline->batches[b].notes[i]);
    }
    pthread_cond_destroy(&pipeline->work_done);
    pthread_cond_destroy(&pipeline->work_ready);
    pthread_mutex_destroy(&pipeline->lock);
}
