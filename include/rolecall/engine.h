/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine.h - the library's front door: frames in, events out.
 *
 *     struct engine *e = engine_create(&options);
 *     while ((count = capture_next(...)) > 0) engine_frames(e, frames, count);
 *     engine_finish(e);                                   every flow ends, findings close, coverage is told
 *     ... engine_judge(e), engine_counters(e) ...
 *     engine_destroy(e);
 *
 * All memory is taken by engine_create(). Payloads are copied where they must outlive the
 * call, or frames held where their capture allows it (packet.h), at most until engine_finish(). Events leave
 * through `line`, one complete line of NDJSON each (no newline), in the same order for any number of workers;
 * it is called only on the thread that calls engine_frames() and engine_finish(). Time is the frames' own.
 */
#ifndef ROLECALL_ENGINE_H
#define ROLECALL_ENGINE_H

#include "rolecall/event_line.h"
#include "rolecall/judge.h"
#include "rolecall/packet.h"

struct engine;

struct engine_options {
    const struct policy *policy; /* NULL: flows are followed and reported, nothing is judged */
    unsigned workers;            /* 1 to 16 threads that follow flows; the output does not depend on it */
    uint32_t flows_max;          /* concurrent flows; 0: the default, 1,310,720 */
    bool every_flow;             /* write an event for each flow, in scope or not */
    bool with_created;    /* event.created from the wall clock (live only; never for reproducible output) */
    const char *hostname; /* observer.hostname; NULL: left out */
    const char *sensor;   /* observer.name; NULL: left out */
    const char *run_id;   /* 16 hex digits, first part of event.id */
    uint64_t hash_key[2]; /* key of the flow table's hash; fixed for files, random for live capture */
    void (*line)(void *context, const struct event_line *line); /* NULL: no events are made */
    /* Every flow that is over, with its facts and verdict, for whoever learns from flows (discovery); may be
     * NULL. */
    void (*flow_over)(void *context, const struct judge_flow *in, const struct verdict *verdict,
                      enum flow_end end);
    /* Named counters beyond the engine's own, which follow them in engine_counter(); may be NULL. */
    const char *(*more_counters)(void *context, unsigned index, uint64_t *value);
    void *context;
};

struct engine *engine_create(const struct engine_options *options); /* NULL: out of memory */
void engine_frames(struct engine *engine, const struct frame frames[], unsigned count);
/* Live only: what the capture says of one of its interfaces (judge.h), about once a second each. */
void engine_capture_told(struct engine *engine, const struct capture_told *told, int64_t now_ns);
/* Live: what was gathered so far is worked on and told before this returns. `now_ns`: the wall clock, given
 * only while no captured frame waits to be read: idle flows end, and coverage is told once an hour; 0: time
 * stands where the last frame was. */
void engine_tick(struct engine *engine, int64_t now_ns);
/* Judges by another policy from here on, living flows too; at a batch's boundary, on the calling thread. The
 * old policy is not used any more when it returns true. False: out of memory; nothing has changed. */
bool engine_reload(struct engine *engine, const struct policy *policy);
void engine_stats(struct engine *engine); /* tells every counter as an event; engine_finish() does it too */
void engine_finish(struct engine *engine);
/* Tells what an output lost as an event, through `line` like all others. */
void engine_loss(struct engine *engine, const struct event_loss *loss);
void engine_destroy(struct engine *engine);

size_t engine_memory(const struct engine *engine); /* ceiling in bytes, everything counted */

/* What was found, for summaries; valid after engine_finish() until engine_destroy(). */
const struct judge *engine_judge(const struct engine *engine);

/* Named counters of decoding, flows and identification; index from 0 until it returns NULL. */
const char *engine_counter(const struct engine *engine, unsigned index, uint64_t *value);

uint64_t engine_sequence(const struct engine *engine); /* of the last event */
/* Packets that a worker has followed; up to date after engine_tick(). */
uint64_t engine_worker_packets(const struct engine *engine, unsigned worker);

#endif
