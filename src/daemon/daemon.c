/* SPDX-License-Identifier: BSD-2-Clause
 *
 * daemon.c - the life of `rolecall run`, top to bottom: open, loop, end. One thread reads the rings, feeds
 * the engine and hears signals; it never waits for an output. Packets bring the time; while none waits to be
 * read, the wall clock does.
 */
#include "rolecall/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "rolecall/decode.h"
#include "rolecall/engine.h"
#include "rolecall/live.h"
#include "rolecall/sink.h"
#include "rolecall/rulebook.h"

enum {
    TICK_MS = 100,        /* how long a gathered packet may wait for its judgement */
    HELD_MS = 10,         /* while frames are held back for another interface's */
    FRAMES_A_TURN = 4096, /* read before signals are looked at again */
    DRAIN_MS = 2000,      /* at the end: for what the rings still hold, */
    OUTPUT_MS = 5000,     /* for what the outputs still have, */
    LAST_MS = 1000        /* and for what is told of those that did not take it */
};

struct daemon {
    const struct config *config;
    struct rulebook *book;
    struct live *live;
    struct sinks *sinks;
    struct engine *engine;
    int signals;
    int64_t ticked_ms, measured_ms, stats_ms; /* monotonic */
    bool held;                                /* frames wait in the rings for other interfaces */
    bool stopping;
    int status;
    char run_id[17], hostname[65];
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("rolecall: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static int64_t wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t steady_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ---- opening ---- */

static bool open_rules(struct daemon *d)
{
    struct mistakes mistakes = {0};
    d->book = rulebook_load(d->config, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    return d->book != NULL;
}

static bool open_capture(struct daemon *d)
{
    const struct config_capture *capture = &d->config->capture;
    struct capture_errors errors = {.count = 0};
    struct live_options options = {.interfaces = capture->interfaces,
                                   .interface_count = capture->interface_count,
                                   .exclude = capture->exclude,
                                   .ring_mib = (unsigned)capture->ring_mib,
                                   .not_promiscuous = !capture->promiscuous,
                                   .reads_linktype = decode_reads_linktype};
    d->live = live_open(&options, &errors);
    for (size_t i = 0; i < errors.count && i < CAPTURE_ERRORS_MAX; i++)
        say("%s", errors.text[i]);
    return d->live != NULL;
}

static bool open_outputs(struct daemon *d)
{
    struct mistakes mistakes = {0};
    d->sinks = sinks_open(d->config->outputs, d->config->output_count, false, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    return d->sinks != NULL;
}

static void to_sinks(void *context, const struct event_line *line)
{
    struct daemon *d = context;
    sinks_line(d->sinks, line);
}

/* The live capture's counters, beside the engine's in every stats event. */
static const char *capture_counter(void *context, unsigned index, uint64_t *value)
{
    static const char *const names[] = {"capture_packets", "capture_bytes", "capture_shortened",
                                        "capture_dropped_ring", "capture_dropped_interface"};
    const struct daemon *d = context;
    if (index >= sizeof names / sizeof *names)
        return NULL;
    *value = 0;
    for (unsigned i = 0; i < live_interface_count(d->live); i++) {
        const struct live_counters *c = live_counters(d->live, i);
        const uint64_t values[] = {c->packets, c->bytes, c->shortened, c->dropped_ring, c->dropped_interface};
        *value += values[index];
    }
    return names[index];
}

static bool open_engine(struct daemon *d)
{
    uint64_t random[3];
    if (getrandom(random, sizeof random, 0) != sizeof random || gethostname(d->hostname, 64) != 0)
        return false;
    snprintf(d->run_id, sizeof d->run_id, "%016" PRIx64, random[2]);
    struct engine_options options = {.policy = d->book->policy,
                                     .workers = (unsigned)d->config->capture.workers,
                                     .flows_max = (uint32_t)d->config->flows.max,
                                     .every_flow = d->config->flows.every_flow,
                                     .with_created = true,
                                     .hostname = d->hostname,
                                     .run_id = d->run_id,
                                     .hash_key = {random[0], random[1]},
                                     .line = to_sinks,
                                     .more_counters = capture_counter,
                                     .context = d};
    d->engine = engine_create(&options);
    return d->engine != NULL;
}

/* Blocked before any thread is made, so that only the run loop hears them. */
static bool open_signals(struct daemon *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    d->signals =
        sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
    return d->signals >= 0;
}

static int open_all(struct daemon *d)
{
    if (!open_rules(d))
        return DAEMON_REFUSED;
    if (!open_capture(d))
        return DAEMON_REFUSED;
    if (!open_outputs(d))
        return DAEMON_REFUSED;
    if (!open_signals(d) || !open_engine(d) || !sinks_start(d->sinks)) {
        say("%s", errno ? strerror(errno) : "out of memory");
        return DAEMON_FAILED;
    }
    return DAEMON_DONE;
}

static void say_start(const struct daemon *d)
{
    char names[256];
    size_t used = 0;
    for (unsigned i = 0; i < live_interface_count(d->live) && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                                 live_counters(d->live, i)->name);
    say("capturing on %s; at most %zu MiB of memory", names,
        (engine_memory(d->engine) + live_memory(d->live) + sinks_memory(d->sinks)) >> 20);
    if (!d->book->policy)
        say("no site is given: flows are told, and none is judged");
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
        default:
            break;
        }
    }
}

static void wait_for_work(struct daemon *d)
{
    struct pollfd wanted[1 + LIVE_INTERFACES_MAX] = {{.fd = d->signals, .events = POLLIN}};
    unsigned count = 1;
    if (!d->held) /* a ring that holds a frame back would end the wait at once */
        count += live_descriptors(d->live, wanted + 1);
    poll(wanted, count, d->held ? HELD_MS : TICK_MS);
    if (wanted[0].revents)
        hear_signals(d);
}

/* Reads what the rings hold, `until_ns` at most; the last status of live_next(). */
static enum live_status read_frames(struct daemon *d, int64_t now_ns, int64_t until_ns)
{
    struct frame frame;
    enum live_status status = LIVE_FRAME;
    for (unsigned i = 0; i < FRAMES_A_TURN; i++) {
        status = live_next(d->live, now_ns, &frame);
        if (status != LIVE_FRAME || frame.time_ns > until_ns)
            break;
        engine_frame(d->engine, &frame);
    }
    d->held = status == LIVE_WAIT;
    if (status == LIVE_GONE) {
        say("%s", live_problem(d->live));
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
    live_measure(d->live);
    for (unsigned i = 0; i < live_interface_count(d->live); i++) {
        const struct live_counters *counters = live_counters(d->live, i);
        struct capture_told told = {.interface = counters->name,
                                    .received = counters->packets,
                                    .dropped_ring = counters->dropped_ring,
                                    .dropped_interface = counters->dropped_interface,
                                    .silent_ns = now_ns - counters->last_ns};
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

static void keep_time(struct daemon *d, int64_t now_ns, bool is_quiet)
{
    int64_t now_ms = steady_ms();
    if (!is_due(&d->ticked_ms, now_ms, TICK_MS))
        return;
    engine_tick(d->engine, is_quiet ? now_ns : 0);
    if (is_due(&d->measured_ms, now_ms, 1000)) {
        measure(d, now_ns);
        look_at_outputs(d);
    }
    if (d->config->stats_s && is_due(&d->stats_ms, now_ms, 1000 * d->config->stats_s))
        engine_stats(d->engine);
}

static void run(struct daemon *d)
{
    d->stats_ms = steady_ms();
    while (!d->stopping) {
        wait_for_work(d);
        int64_t now_ns = wall_ns();
        keep_time(d, now_ns, read_frames(d, now_ns, INT64_MAX) == LIVE_QUIET);
    }
}

/* ---- the end ---- */

/* What was sent before the signal is still judged, as far as the time allows. */
static void drain(struct daemon *d)
{
    int64_t until_ns = wall_ns(), until_ms = steady_ms() + DRAIN_MS, end_ms = steady_ms() + 2 * LIVE_BLOCK_MS;
    while (steady_ms() < until_ms && d->status != DAEMON_FAILED) {
        bool all_came = steady_ms() >= end_ms; /* no block of before the signal is still being filled */
        if (read_frames(d, all_came ? INT64_MAX : wall_ns(), until_ns) == LIVE_FRAME)
            continue;
        if (all_came)
            break;
        poll(NULL, 0, HELD_MS);
    }
    measure(d, wall_ns());
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
            say("output %s: %" PRIu64 " events written, %" PRIu64 " lost%s%s", state.name,
                state.written_lines, lost, *state.error ? ": " : "", state.error);
    }
    sinks_close(d->sinks, LAST_MS);
    d->sinks = NULL;
}

static void end(struct daemon *d)
{
    let_interrupt_kill();
    drain(d);
    engine_finish(d->engine);
    for (unsigned i = 0; i < live_interface_count(d->live); i++) {
        const struct live_counters *c = live_counters(d->live, i);
        say("%s: %" PRIu64 " packets, %" PRIu64 " dropped for want of room, %" PRIu64 " by the interface",
            c->name, c->packets, c->dropped_ring, c->dropped_interface);
    }
    end_outputs(d);
}

int daemon_run(const struct config *config)
{
    struct daemon d = {.config = config, .signals = -1};
    d.status = open_all(&d);
    if (d.status == DAEMON_DONE) {
        say_start(&d);
        run(&d);
        end(&d);
    }
    engine_destroy(d.engine);
    sinks_close(d.sinks, 0);
    live_close(d.live);
    rulebook_free(d.book);
    if (d.signals >= 0)
        close(d.signals);
    return d.status;
}
