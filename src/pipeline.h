/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pipeline.h - batches of packets out to worker threads, and their notes back in packet order. Private to the
 * engine.
 *
 * The reader fills the current batch and hands it over. A batch falls into shares, by the shards of its
 * packets; `work` is called once for each, by whichever thread is free, the reader's own included when it
 * would have to wait. One share is worked on by one thread at a time, batch after batch. Then `tell` is
 * called with all notes of the batch, a group at a time in the order of its packets, on the reader's thread.
 * With one worker there are no threads, no notes and one share: `work` runs at once, and speaks to the judge
 * directly.
 */
#ifndef ROLECALL_PIPELINE_H
#define ROLECALL_PIPELINE_H

#include <assert.h>
#include <pthread.h>

#include "notes.h"

enum {
    PIPELINE_SHARDS = 16,
    PIPELINE_SHARES_MAX = PIPELINE_SHARDS,
    BATCH_PACKETS = 256,   /* the same for any number of workers: idle flows end between batches */
    BATCH_BYTES = 1 << 20, /* copied frames of a batch */
    BATCH_HOLDS = 4,       /* pieces of the capture's memory that a batch points into */
    BATCHES = 8,           /* in the ring between reader and workers */
    BATCHES_TO_WAKE = 4,   /* that wait for work, before a sleeping worker is woken */
    WORKERS_MAX = 16,
    EXPIRE_PER_BATCH = 256, /* flows a shard may end by silence before a batch */
    TOLD_TOGETHER = 32      /* notes: what the judge keeps of their flows is asked for together */
};

struct batch_packet {
    _Alignas(64) struct flow_key key;
    uint64_t hash;
    unsigned side;
    bool is_icmp; /* key is that of the quoted flow, side the sender of the quoted packet */
    struct packet packet;
};

/* Packets, or flows that the judge is to be told of although no packet came. */
struct batch {
    uint8_t shard[BATCH_PACKETS]; /* of each of them */
    struct batch_packet packets[BATCH_PACKETS];
    uint32_t flows[BATCH_PACKETS]; /* by their index in the shard's table */
    unsigned count;
    unsigned placed; /* packets whose key, hash and shard are known: all of them, once it is handed over */
    bool is_of_flows;
    uint8_t kind;     /* enum note_kind, of flows */
    int64_t first_ns; /* of flows: the time at which they are told */
    uint8_t *bytes;   /* BATCH_BYTES of them: packets that cannot stay where they were captured */
    size_t used;
    struct frame_hold *holds[BATCH_HOLDS]; /* of those that can */
    unsigned hold_count;
    struct note_list notes[PIPELINE_SHARES_MAX];
};

/* A note whose turn it is. */
struct told_note {
    const struct note_list *list;
    const struct note *note;
};

struct pipeline;

struct pipeline_thread {
    struct pipeline *pipeline;
    unsigned number; /* the reader is 0 */
    pthread_t thread;
    bool started;
};

/* One share of every batch. */
struct pipeline_share {
    uint64_t done; /* batches in which it was worked on */
    bool is_taken;
};

struct pipeline {
    unsigned workers; /* threads, the reader's own among them */
    void (*work)(void *context, unsigned worker, struct batch *batch, unsigned share);
    void (*tell)(void *context, const struct told_note notes[], unsigned count);
    void *context;
    unsigned shares;
    struct batch batches[BATCHES];
    struct pipeline_thread threads[WORKERS_MAX];
    struct pipeline_share share[PIPELINE_SHARES_MAX];
    struct batch *filling;      /* the reader's */
    uint64_t filled, collected; /* batches handed over, and taken back */
    bool is_up, stopping;
    unsigned sleeping; /* threads that wait for work */
    pthread_mutex_t lock;
    pthread_cond_t work_ready, work_done;
};

/* `workers`, `work`, `tell` and `context` are set by the caller. False: out of memory, or no thread. */
bool pipeline_init(struct pipeline *pipeline);
void pipeline_fini(struct pipeline *pipeline);
size_t pipeline_memory(unsigned workers);

static inline bool pipeline_is_inline(const struct pipeline *pipeline)
{
    return pipeline->workers == 1;
}

static inline unsigned pipeline_share_of(const struct pipeline *pipeline, unsigned shard)
{
    return shard & (pipeline->shares - 1);
}

/* The batch to fill; a new one after each hand-over. */
static inline struct batch *pipeline_batch(const struct pipeline *pipeline)
{
    return pipeline->filling;
}

/* Keeps the memory of a frame until the batch is done with; a batch that has no room for that is handed over
 * first. */
static inline bool batch_can_hold(const struct batch *batch, const struct frame_hold *hold)
{
    return batch->hold_count < BATCH_HOLDS || batch->holds[batch->hold_count - 1] == hold;
}
static inline void batch_hold(struct batch *batch, struct frame_hold *hold)
{
    if (batch->hold_count && batch->holds[batch->hold_count - 1] == hold)
        return;
    assert(batch->hold_count < BATCH_HOLDS);
    hold->users++;
    batch->holds[batch->hold_count++] = hold;
}

void pipeline_hand_over(struct pipeline *pipeline);
void pipeline_drain(struct pipeline *pipeline); /* hands over, and waits until everything was told */

/* The same, and `work` is called even for an empty batch, which then stands at `now_ns`: time goes on. */
void pipeline_tick(struct pipeline *pipeline, int64_t now_ns);

#endif
