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
#include "rolecall/sink.h"

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

struct state_worker {
    uint64_t packets;
};

struct state_reload {
    uint64_t good, refused; /* how often */
    int64_t last_ns;        /* of the last good one, or the start */
    bool last_refused;      /* the files on disk are not what is in force */
};

struct daemon_state {
    int64_t now_ns, started_ns;
    const char *config_path, *site_path, *site_name; /* NULL: none */
    const char *run_id;
    unsigned matrix_count, row_count; /* in force */
    uint64_t memory_ceiling;          /* bytes, printed at the start */
    uint64_t memory_resident;         /* bytes now; 0: unknown */
    const struct engine *engine;
    const struct state_interface *interfaces;
    const struct sink_state *outputs;
    const struct state_worker *workers;
    unsigned interface_count, output_count, worker_count;
    struct state_reload reload;
    int64_t lag_ns;      /* wall clock minus the time of the packet last worked on, while packets come */
    uint64_t events;     /* event.sequence of the last event */
    const char *sandbox; /* what is in force, in words */
};

/* What was lost one to two minutes ago, so that health speaks of losses while they happen and not for ever.
 * Zero it at the start; move it at least every few seconds. */
struct state_window {
    struct state_losses {
        int64_t at_ns;
        uint64_t ring, interface, outputs;
    } old, recent;
};
void state_window_move(struct state_window *window, const struct daemon_state *state);

/* One line of JSON, its newline included, as `ctl status` and `ctl health` answer; the value is its size, at
 * most `size`. *status is the exit status that `ctl health` shall have: 0, or 1 when something is wrong. */
enum { STATE_TEXT_SIZE = 64 << 10 };
size_t state_write_status(const struct daemon_state *state, char *out, size_t size);
size_t state_write_health(const struct daemon_state *state, const struct state_window *window, char *out,
                          size_t size, int *status);

#endif
