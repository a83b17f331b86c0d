/* SPDX-License-Identifier: BSD-2-Clause
 *
 * state.h - what a running daemon knows of itself at one moment, as the run loop gathers it: the one source
 * of `ctl status`, `ctl health` and the metrics. A plain picture: it owns nothing, and nothing in it changes
 * while it is looked at. Counters count since the start; times are wall clock ns since 1970, 0: never.
 */
#ifndef ROLECALL_DAEMON_STATE_H
#define ROLECALL_DAEMON_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rolecall/engine.h"

struct state_interface {
    const char *name;
    bool up;                    /* the interface is there and up */
    bool silent;                /* no packet for capture.silence_s */
    uint64_t packets, bytes;    /* handed to the engine; bytes on the wire */
    uint64_t dropped_ring;      /* by the kernel: the ring was full */
    uint64_t dropped_interface; /* by the card or its driver, where it tells */
    uint64_t lost_link;         /* times it went down */
    int64_t last_packet_ns;
};

struct state_output {
    const char *name, *type; /* "events", "syslog" */
    bool healthy;            /* connected or open; the last write did not fail */
    const char *problem;     /* what is wrong, in words; NULL when healthy */
    uint64_t events, bytes;  /* written */
    uint64_t dropped_alerts, dropped_flows,
        dropped_other; /* shed: the queue was full, or the output failed */
    uint64_t reconnects;
    uint64_t queued, queue_limit; /* bytes waiting, bytes that may wait */
};

struct state_worker {
    uint64_t packets;
};

struct state_reload {
    uint64_t good, refused; /* how often */
    int64_t last_ns;        /* of the last good one, or the start */
};

struct daemon_state {
    int64_t now_ns, started_ns;
    const char *config_path, *site_path, *site_name; /* NULL: none */
    const char *run_id;
    unsigned matrix_count, row_count; /* in force */
    uint64_t memory_ceiling;          /* bytes, printed at the start */
    uint64_t memory_resident;         /* bytes now; 0: unknown */
    const struct engine *engine;
    /* More counters with names, as engine_counter() gives them, beyond the engine's; may be NULL. */
    const char *(*counter)(const void *context, unsigned index, uint64_t *value);
    const void *counter_context;
    const struct state_interface *interfaces;
    const struct state_output *outputs;
    const struct state_worker *workers;
    unsigned interface_count, output_count, worker_count;
    struct state_reload reload;
    int64_t lag_ns;      /* wall clock minus the time of the packet last worked on, while packets come */
    uint64_t events;     /* event.sequence of the last event */
    const char *sandbox; /* what is in force, in words */
};

/* One line of JSON (its newline included), as `ctl status` and `ctl health` answer. Health's value is the
 * exit status: 0, or 1 when something is wrong. `before`: the state of a while ago, so that drops count while
 * they happen and not for ever; NULL: since the start. Both give the bytes written, at most `size`. */
size_t state_write_status(const struct daemon_state *state, char *out, size_t size);
int state_write_health(const struct daemon_state *state, const struct daemon_state *before, char *out,
                       size_t size, size_t *written);

#endif
