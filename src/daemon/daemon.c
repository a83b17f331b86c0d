/* SPDX-License-Identifier: BSD-2-Clause
 *
 * daemon.c - the life of `rolecall run`, top to bottom: open (start.c), loop, end. One thread reads the
 * rings, feeds the engine, hears signals and answers (answers.c); it never waits for an output. Packets bring
 * the time; while none waits to be read, the wall clock does.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon_internal.h"

#define NS_PER_S INT64_C(1000000000)
enum {
    NS_PER_MS = 1000000,
    TICK_MS = 100,        /* how long a gathered packet may wait for its judgement */
    HELD_MS = 10,         /* while frames are held back for another interface's */
    FRAMES_A_TURN = 4096, /* read before signals are looked at again */
    WATCH_MS = 1000,      /* how often counters are asked for */
    PATIENCE_MS = 10000,  /* with a writer that does not move */
    DRAIN_MS = 2000,      /* at the end: for what the rings still hold, */
    OUTPUT_MS = 5000,     /* for what the outputs still have, */
    LAST_MS = 1000        /* and for what is told of those that did not take it */
};

void daemon_say(const char *format, ...)
{
    va_list arguments;
    char line[1024];
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "rolecall: %s\n", line);
}

static void say_start(const struct daemon *d)
{
    char names[256];
    size_t used = 0;
    for (unsigned i = 0; i < live_interface_count(d->live) && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 live_counters(d->live, i)->name);
    daemon_say("capturing on %s; at most %" PRIu64 " MiB of memory; %s", names, d->memory_ceiling >> 20,
               d->sandbox.summary);
    if (!d->book->policy)
        daemon_say("no site is given: flows are told, and none is judged");
    notify_status("capturing on %s", names);
}

/* ---- the loop ---- */

/* A second one ends the program at once. */
static void let_interrupt_kill(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void hear_signals(struct daemon *d)
{
    struct signalfd_siginfo signal_told;
    while (read(d->signals, &signal_told, sizeof signal_told) == sizeof signal_told) {
        switch (signal_told.ssi_signo) {
        case SIGTERM:
        case SIGINT:
            d->stopping = true;
            break;
        case SIGHUP:
            daemon_reload(d, NULL);
            break;
        case SIGUSR1:
            sinks_reopen(d->sinks);
            break;
        default:
            break;
        }
    }
}

static void wait_for_work(struct daemon *d)
{
    enum { SIGNALS, RELOAD, CONTROL, HTTP, CAPTURE, ALL };
    struct pollfd wanted[ALL] = {
        [SIGNALS] = {.fd = d->signals, .events = POLLIN},
        [RELOAD] = {.fd = d->reload.done, .events = POLLIN},
        [CONTROL] = {.fd = d->control ? control_fd(d->control) : -1, .events = POLLIN},
        [HTTP] = {.fd = d->http ? metrics_http_fd(d->http) : -1, .events = POLLIN},
        [CAPTURE] = {.fd = d->held ? -1 : live_descriptor(d->live), .events = POLLIN}};
    poll(wanted, ALL, d->more ? 0 : d->held ? HELD_MS : TICK_MS);
    if (wanted[SIGNALS].revents)
        hear_signals(d);
    if (wanted[RELOAD].revents)
        daemon_reload_done(d);
    if (wanted[CONTROL].revents)
        control_serve(d->control, clock_steady_ms() * NS_PER_MS);
    if (wanted[HTTP].revents)
        metrics_http_serve(d->http);
}

/* Reads what the rings hold, as much as a turn takes; the last status of live_next(). */
static enum live_status read_frames(struct daemon *d, bool at_end)
{
    struct frame frame;
    enum live_status status = LIVE_FRAME;
    for (unsigned i = 0; i < FRAMES_A_TURN && status == LIVE_FRAME; i++) {
        status = live_next(d->live, at_end, &frame);
        if (status != LIVE_FRAME)
            break;
        engine_frames(d->engine, &frame, 1);
        d->last_ns = frame.time_ns;
    }
    d->more = status == LIVE_FRAME;
    d->lag_ns = d->more ? clock_wall_ns() - d->last_ns : 0;
    d->held = status == LIVE_WAIT;
    if (status == LIVE_GONE) {
        daemon_say("%s", live_problem(d->live));
        d->status = DAEMON_FAILED;
        d->stopping = true;
    }
    return status;
}

static bool is_due(int64_t *last_ms, int64_t now_ms, int64_t every_ms)
{
    if (now_ms - *last_ms < every_ms)
        return false;
    *last_ms = now_ms;
    return true;
}

static void measure(struct daemon *d, int64_t now_ns)
{
    int64_t silence_s = d->config->capture.silence_s;
    live_measure(d->live);
    for (unsigned i = 0; i < live_interface_count(d->live); i++) {
        const struct live_counters *counters = live_counters(d->live, i);
        struct capture_told told = {.interface = counters->name,
                                    .received = counters->packets,
                                    .dropped_ring = counters->dropped_ring,
                                    .dropped_interface = counters->dropped_interface,
                                    .silent_ns = now_ns - counters->last_ns,
                                    .silence_ns = silence_s ? silence_s * NS_PER_S : INT64_MAX};
        engine_capture_told(d->engine, &told, now_ns);
    }
}

static void tell_losses(struct daemon *d, bool at_end)
{
    struct event_loss loss;
    while (sinks_next_loss(d->sinks, at_end, &loss))
        engine_loss(d->engine, &loss);
}

/* Without any output there is nothing to run for. */
static void look_at_outputs(struct daemon *d)
{
    struct sink_state state;
    tell_losses(d, false);
    for (unsigned i = 0; i < sinks_count(d->sinks); i++) {
        sinks_state(d->sinks, i, &state);
        if (state.health != SINK_FAILED)
            return;
    }
    d->stopping = true;
}

/* The watchdog is fed by this loop, which waits for the workers, and only while every writer and every
 * capture thread moves. A name server may take its time. */
static void feed_watchdog(struct daemon *d, int64_t now_ms)
{
    struct watchdog_mark marks[CONFIG_OUTPUTS_MAX + LIVE_LANES_MAX];
    struct sink_state states[CONFIG_OUTPUTS_MAX];
    unsigned count = 0;
    const char *stuck;
    for (unsigned i = 0; i < sinks_count(d->sinks); i++) {
        sinks_state(d->sinks, i, &states[i]);
        marks[count++] = (struct watchdog_mark){states[i].name, states[i].progress, !states[i].in_resolver};
    }
    for (unsigned i = 0; i < live_lane_count(d->live); i++)
        marks[count++] = (struct watchdog_mark){"capture", live_lane_turns(d->live, i), true};
    if (watchdog_may_feed(&d->watchdog, marks, count, now_ms * NS_PER_MS, &stuck))
        notify_watchdog();
    else
        daemon_say("%s does not move: the watchdog is not fed", stuck);
}

static void write_metrics(struct daemon *d)
{
    char *text = malloc(METRICS_SIZE);
    if (!text)
        return;
    bool ok = metrics_write_file(d->config->metrics.file, text, daemon_metrics(d, text, METRICS_SIZE));
    if (!ok && !d->metrics_failed)
        daemon_say("metrics file %s: %s", d->config->metrics.file, strerror(errno));
    d->metrics_failed = !ok;
    free(text);
}

/* About once a second. */
static void watch(struct daemon *d, int64_t now_ns, int64_t now_ms)
{
    measure(d, now_ns);
    look_at_outputs(d);
    if (d->control)
        control_serve(d->control, now_ms * NS_PER_MS); /* clients whose time is up */
    if (d->http)
        metrics_http_serve(d->http);
    struct picture *picture = malloc(sizeof *picture);
    if (picture) {
        daemon_picture(d, picture);
        state_window_move(&d->window, &picture->state);
        free(picture);
    }
    if (notify_watchdog_ns() && is_due(&d->fed_ms, now_ms, notify_watchdog_ns() / NS_PER_MS / 2))
        feed_watchdog(d, now_ms);
    if (d->config->metrics.file && is_due(&d->metrics_ms, now_ms, 1000 * d->config->metrics.interval_s))
        write_metrics(d);
    if (d->config->stats_s && is_due(&d->stats_ms, now_ms, 1000 * d->config->stats_s))
        engine_stats(d->engine);
}

static void keep_time(struct daemon *d, int64_t now_ns, bool is_quiet)
{
    int64_t now_ms = clock_steady_ms();
    if (!is_due(&d->ticked_ms, now_ms, TICK_MS))
        return;
    engine_tick(d->engine, is_quiet ? now_ns : 0);
    if (is_due(&d->watched_ms, now_ms, WATCH_MS))
        watch(d, now_ns, now_ms);
}

static void run(struct daemon *d)
{
    d->stats_ms = clock_steady_ms();
    d->watchdog.patience_ns = INT64_C(1) * PATIENCE_MS * NS_PER_MS;
    notify_ready();
    while (!d->stopping) {
        wait_for_work(d);
        int64_t now_ns = clock_wall_ns();
        keep_time(d, now_ns, read_frames(d, false) == LIVE_QUIET);
    }
}

/* ---- the end ---- */

/* What came before the signal is still judged, as far as the time allows. */
static void drain(struct daemon *d)
{
    int64_t signal_ns = clock_wall_ns(), signal_ms = clock_steady_ms();
    for (int64_t ms = signal_ms; ms < signal_ms + DRAIN_MS && d->status == DAEMON_DONE;
         ms = clock_steady_ms()) {
        /* Afterwards no block of before the signal is still being filled. */
        bool all_came = ms >= signal_ms + 3 * LIVE_BLOCK_MS;
        enum live_status status = read_frames(d, all_came);
        if (d->last_ns > signal_ns || (all_came && status != LIVE_FRAME))
            break;
        if (status != LIVE_FRAME)
            poll(NULL, 0, HELD_MS);
    }
    measure(d, clock_wall_ns());
}

/* What an output did not take is told by the others, and counted here. */
static void end_outputs(struct daemon *d)
{
    struct sink_state state;
    sinks_drain(d->sinks, OUTPUT_MS);
    tell_losses(d, true);
    for (unsigned i = 0; i < sinks_count(d->sinks); i++) {
        uint64_t lost = 0;
        sinks_state(d->sinks, i, &state);
        for (unsigned k = 0; k < DATASET_COUNT; k++)
            lost += state.lost[k];
        if (state.health == SINK_FAILED)
            d->status = DAEMON_FAILED;
        if (lost)
            daemon_say("output %s: %" PRIu64 " events written, %" PRIu64 " lost%s%s", state.name,
                       state.written_lines, lost, *state.error ? ": " : "", state.error);
    }
    sinks_close(d->sinks, LAST_MS);
    d->sinks = NULL;
}

static void end(struct daemon *d)
{
    let_interrupt_kill();
    notify_stopping();
    drain(d);
    engine_finish(d->engine);
    for (unsigned i = 0; i < live_interface_count(d->live); i++) {
        const struct live_counters *c = live_counters(d->live, i);
        daemon_say("%s: %" PRIu64 " packets, %" PRIu64 " dropped for want of room, %" PRIu64
                   " by the interface",
                   c->name, c->packets, c->dropped_ring, c->dropped_interface);
    }
    for (unsigned i = 0; live_lane_count(d->live) > 1 && i < live_lane_count(d->live); i++)
        daemon_say("worker %u: %" PRIu64 " packets", i + 1, live_lane_packets(d->live, i));
    end_outputs(d);
}

int daemon_run(const struct config *config)
{
    struct daemon d = {.config = config, .signals = -1, .reload.done = -1};
    d.status = daemon_open(&d);
    if (d.status == DAEMON_DONE) {
        say_start(&d);
        run(&d);
        end(&d);
    }
    control_close(d.control);
    metrics_http_close(d.http);
    reload_fini(&d.reload);
    engine_destroy(d.engine);
    sinks_close(d.sinks, 0);
    live_close(d.live);
    rulebook_free(d.book);
    notify_close();
    if (d.signals >= 0)
        close(d.signals);
    return d.status;
}
