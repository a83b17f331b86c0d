/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine_parts.h - what the files of the engine share. engine.c takes frames in and makes batches of them,
 * engine_work.c does a worker's share of a batch, engine_tell.c tells the judge what came of it, and
 * engine_flows.c has every living flow told of, at the end or when the rules change. Private to these.
 */
#ifndef ROLECALL_ENGINE_PARTS_H
#define ROLECALL_ENGINE_PARTS_H

#include "rolecall/engine.h"
#include "rolecall/event.h"
#include "rolecall/judge.h"
#include "pipeline.h"

struct shard {
    struct flow_table *table;
    struct identifier *identifier;
    uint32_t first_slot;
    uint64_t evicted;
};

/* Where one worker stands in its share of a batch; written all the time, so no two in one cache line. */
struct worker {
    _Alignas(64) struct engine *engine;
    unsigned number;
    struct note_list *notes;
    int64_t now_ns; /* of the packet being worked on */
    uint32_t order; /* of its notes: the packet, then the shard */
    unsigned step;
    struct addr icmp_sender;
    uint64_t packets;
};

struct engine {
    struct engine_options options;
    struct decoder *decoder;
    struct judge *judge;
    struct event_writer writer;
    struct shard shards[PIPELINE_SHARDS];
    struct worker workers[WORKERS_MAX];
    struct pipeline pipeline;
    struct proto_facts desk;      /* of the note that is being told */
    struct proto_facts announced; /* the same, where SDP says more */
    int64_t now_ns;               /* latest packet time read */
    int64_t told_ns;              /* time of the packet the judge is hearing of */
    int64_t ticked_ns;            /* when the judge was last told that time goes on, live */
    uint64_t packets, bytes, icmp_errors, oversized;
    bool has_fragments; /* some came, ever */
    bool finished;
};

/* ---- engine_work.c: as struct pipeline's `work` ---- */

void work_on_share(void *engine, unsigned number, struct batch *batch, unsigned share);

/* ---- engine_tell.c: what is told to the judge ---- */

/* Of one of the worker's flows; at once where there is one worker, else as a note. `learned` and its speaker:
 * of NOTE_LEARNED. */
void tell(struct worker *worker, enum note_kind kind, uint32_t index, enum flow_end end, unsigned speaker,
          const struct proto_learned *learned);
/* As struct pipeline's `tell`. */
void tell_notes(void *engine, const struct told_note notes[], unsigned count);

/* ---- engine_flows.c ---- */

/* Tells the judge of every flow, in the order in which they began; the pipeline is drained. False: out of
 * memory. */
bool tell_every_flow(struct engine *engine, enum note_kind kind);

#endif
