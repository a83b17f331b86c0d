/* SPDX-License-Identifier: BSD-2-Clause
 *
 * daemon_internal.h - what the run loop (daemon.c), its start (start.c) and its answers to the outside
 * (answers.c) share. All of it belongs to one thread.
 */
#ifndef ROLECALL_DAEMON_INTERNAL_H
#define ROLECALL_DAEMON_INTERNAL_H

#include "metrics.h"
#include "notify.h"
#include "reload.h"
#include "rolecall/clock.h"
#include "rolecall/control.h"
#include "rolecall/daemon.h"
#include "rolecall/engine.h"
#include "rolecall/live.h"
#include "rolecall/sink.h"
#include "sandbox.h"
#include "state.h"

struct daemon {
    const struct config *config;
    struct rulebook *book;
    struct live *live;
    struct sinks *sinks;
    struct engine *engine;
    struct control *control; /* NULL: not configured */
    struct metrics_http *http;
    int signals; /* a signalfd */

    int64_t ticked_ms, watched_ms, stats_ms, metrics_ms; /* monotonic */
    int64_t last_ns;                                     /* time of the last frame read */
    int64_t lag_ns;                                      /* of it behind the wall clock, while more wait */
    bool more;                                           /* a turn has not read all that there is */
    bool held;                                           /* frames wait in the rings for other interfaces */
    bool metrics_failed;                                 /* the file could not be written */
    bool stopping;
    int status;

    struct reload reload;
    struct state_reload reloads;
    bool reload_again; /* asked for while one was running: the files may have changed since */
    /* Who waits for the running reload, and who for the next. */
    struct control_call waiting[2][CONTROL_CLIENTS_MAX];
    unsigned waiting_count[2];

    struct watchdog watchdog;
    int64_t fed_ms;
    struct state_window window;
    struct sandbox_report sandbox;
    int64_t started_ns;
    uint64_t memory_ceiling;
    char run_id[17], hostname[65];
};

/* One line on stderr, for the operator. */
void daemon_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* start.c: opens everything, in order. DAEMON_DONE, or what the program ends with. */
int daemon_open(struct daemon *d);

/* answers.c */
enum { PICTURE_INTERFACES_MAX = LIVE_INTERFACES_MAX, PICTURE_OUTPUTS_MAX = CONFIG_OUTPUTS_MAX };
struct picture {
    struct daemon_state state;
    struct state_interface interfaces[PICTURE_INTERFACES_MAX];
    struct sink_state outputs[PICTURE_OUTPUTS_MAX];
    struct state_worker workers[CONFIG_WORKERS_MAX];
};
void daemon_picture(const struct daemon *d, struct picture *out);
void daemon_asked(void *context, const struct control_call *call);     /* control_asked */
size_t daemon_metrics(void *context, char *out, size_t size);          /* metrics_text */
void daemon_reload(struct daemon *d, const struct control_call *call); /* call: NULL for a signal */
void daemon_reload_done(struct daemon *d);                             /* the thread is through */

#endif
