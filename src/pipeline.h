/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pipeline.h - batches of packets out to worker threads, and their notes back in packet order. Private to the
 * engine.
 *
 * The reader fills the current batch and hands it over; `work` is called for it once per worker, each on its
 * own thread, and appends notes; `tell` is called with all notes of a batch, sorted by `order`, on the
 * reader's thread. With one worker there are no threads and no notes: `work` runs at once, and speaks to the
 * judge directly.
 */
#ifndef ROLECALL_PIPELINE_H
#define ROLECALL_PIPELINE_H

#include <pthread.h>

#include "rolecall/judge.h"

enum {
    PIPELINE_SHARDS = 16,
    BATCH_PACKETS = 256,
    BATCH_BYTES = 1 << 20, /* copied frames of a batch */
    BATCH_HOLDS = 4,       /* pieces of the capture's memory that a batch points into */
    BATCHES = 4,           /* in the ring between reader and workers */
    WORKERS_MAX = 16,
    EXPIRE_PER_BATCH = 256 /* flows a shard may end by silence before a batch */
};

enum note_kind { NOTE_BEGIN, NOTE_CHANGE, NOTE_TROUBLE, NOTE_REPORT, NOTE_END, NOTE_LEARNED };

/* What a worker tells the judge: a copy, because the flow goes on changing. */
struct note {
    uint32_t order; /* packet in the batch + 1, then shard: what comes first is told first */
    uint32_t slot;
    uint8_t kind; /* enum note_kind */
    uint8_t end;  /* enum flow_end */
    uint8_t speaker;
    uint16_t step;
    int64_t now_ns;
    struct flow flow;
    struct addr icmp_sender;
    struct proto_facts facts;
    struct proto_learned learned;
};

struct batch_packet {
    struct packet packet;
    struct flow_key key;
    uint64_t hash;
    uint8_t side, shard;
    bool is_icmp; /* key is that of the quoted flow, side the sender of the quoted packet */
};

struct batch {
    struct batch_packet packets[BATCH_PACKETS];
    unsigned count;
    int64_t first_ns;
    uint8_t *bytes; /* BATCH_BYTES of them: packets that cannot stay where they were captured */
    size_t used;
    struct frame_hold *holds[BATCH_HOLDS]; /* of those that can */
    unsigned hold_count;
    struct note *notes[WORKERS_MAX];
    uint32_t note_count[WORKERS_MAX], note_room[WORKERS_MAX];
};

struct pipeline;

struct pipeline_thread {
    struct pipeline *pipeline;
    unsigned number;
    pthread_t thread;
    bool started;
    uint64_t done; /* batches worked on */
};

struct pipeline {
    unsigned workers;
    void (*work)(void *context, unsigned worker, struct batch *batch);
    void (*tell)(void *context, struct note *note); /* the note is its own to change */
    void *context;
    struct batch batches[BATCHES];
    struct pipeline_thread threads[WORKERS_MAX];
    uint64_t filled, collected; /* batches handed over, and taken back */
    uint64_t notes_lost;        /* out of memory, all the room of the worst case used: must stay 0 */
    bool is_up, stopping;
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

/* The batch to fill; a new one after each hand-over. */
static inline struct batch *pipeline_batch(struct pipeline *pipeline)
{
    return &pipeline->batches[pipeline->filled % BATCHES];
}

/* Keeps the memory of a frame until the batch is done with; a batch that has no room for that is handed over
 * first. */
static inline bool batch_can_hold(const struct batch *batch, const struct frame_hold *hold)
{
    return batch->hold_count < BATCH_HOLDS || batch->holds[batch->hold_count - 1] == hold;
}
void batch_hold(struct batch *batch, struct frame_hold *hold);

void pipeline_hand_over(struct pipeline *pipeline);
void pipeline_drain(struct pipeline *pipeline); /* hands over, and waits until everything was told */

/* The same, and `work` is called even for an empty batch, which then stands at `now_ns`: time goes on. */
void pipeline_tick(struct pipeline *pipeline, int64_t now_ns);

/* Room for one more note of this worker, its order set; NULL: none is left. */
struct note *pipeline_note(struct pipeline *pipeline, struct batch *batch, unsigned worker, uint32_t order);

#endif
