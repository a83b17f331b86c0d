/* SPDX-License-Identifier: BSD-2-Clause
 *
 * start.c - opens what the daemon runs with, in the order in which it may: rules and site, capture handles
 * (they need the privilege), then the sandbox, then everything that is opened again later as the user who is
 * left: outputs, control socket, metrics. Called once, by daemon.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon_internal.h"
#include "rolecall/decode.h"

static bool print_mistakes(struct mistakes *mistakes)
{
    bool any = mistakes->count > 0;
    mistakes_print(mistakes, "", stderr);
    mistakes_clear(mistakes);
    return any;
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

static bool open_rules(struct daemon *d)
{
    struct mistakes mistakes = {0};
    d->book = rulebook_load(d->config, &mistakes);
    print_mistakes(&mistakes);
    d->reloads.last_ns = d->started_ns;
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
                                   .lanes = (unsigned)capture->workers,
                                   .not_promiscuous = !capture->promiscuous,
                                   .reads_linktype = decode_reads_linktype};
    d->live = live_open(&options, &errors);
    for (size_t i = 0; i < errors.count && i < CAPTURE_ERRORS_MAX; i++)
        daemon_say("%s", errors.text[i]);
    return d->live != NULL;
}

/* ---- the sandbox ---- */

/* Folders of files, each once; a folder outlives a file that is replaced by renaming. */
struct folders {
    const char **at;
    unsigned *count;
};

static void add_folder(struct folders folders, const char *path, bool is_folder)
{
    char *folder = path ? strdup(path) : NULL;
    if (folder && !is_folder) {
        char *name = dirname(folder), *own = strdup(name);
        free(folder);
        folder = own;
    }
    for (unsigned i = 0; folder && i < *folders.count; i++) {
        if (strcmp(folders.at[i], folder) == 0) {
            free(folder);
            return;
        }
    }
    if (folder && *folders.count < SANDBOX_PATHS_MAX)
        folders.at[(*folders.count)++] = folder;
    else
        free(folder);
}

static void choose_paths(const struct daemon *d, struct sandbox_options *options)
{
    const struct config *config = d->config;
    struct folders writable = {options->writable, &options->writable_count};
    struct folders readable = {options->readable, &options->readable_count};
    add_folder(readable, config->path, false);
    add_folder(readable, d->book->site_path, false);
    add_folder(readable, rules_directory(config->rules), true);
    add_folder(writable, config->control, false);
    add_folder(writable, config->metrics.file, false);
    for (unsigned i = 0; i < config->output_count; i++) {
        const struct sink_options *output = &config->outputs[i];
        add_folder(output->kind == SINK_FILE ? writable : readable, output->path, false);
        add_folder(readable, output->ca_file, false);
        add_folder(readable, output->cert_file, false);
        add_folder(readable, output->key_file, false);
    }
}

/* A quick look goes on as who started it: its files are that user's. */
static bool enter_sandbox(struct daemon *d)
{
    struct sandbox_options options = {.user = d->config->path ? d->config->user : "root"};
    choose_paths(d, &options);
    bool ok = sandbox_enter(&options, &d->sandbox);
    for (unsigned i = 0; i < options.writable_count; i++)
        free((void *)(uintptr_t)options.writable[i]);
    for (unsigned i = 0; i < options.readable_count; i++)
        free((void *)(uintptr_t)options.readable[i]);
    if (!ok)
        daemon_say("%s", d->sandbox.error);
    return ok;
}

/* ---- after it ---- */

static bool open_outputs(struct daemon *d)
{
    struct mistakes mistakes = {0};
    d->sinks = sinks_open(d->config->outputs, d->config->output_count, &mistakes);
    print_mistakes(&mistakes);
    return d->sinks != NULL;
}

static bool open_control(struct daemon *d)
{
    const struct config *config = d->config;
    if (config->control && !(d->control = control_open(config->control, daemon_asked, d))) {
        daemon_say("control socket %s: %s", config->control,
                   errno == EADDRINUSE ? "another daemon serves it" : strerror(errno));
        return false;
    }
    if (config->metrics.listen && !(d->http = metrics_http_open(config->metrics.listen, daemon_metrics, d))) {
        daemon_say("metrics on %s: %s", config->metrics.listen, strerror(errno));
        return false;
    }
    return true;
}

static void to_sinks(void *context, const struct event_line *line)
{
    struct daemon *d = context;
    sinks_line(d->sinks, line);
}

/* The live capture's counters, beside the engine's in every stats event. */
static const char *capture_counter(void *context, unsigned index, uint64_t *value)
{
    static const char *const names[] = {"capture_packets",           "capture_bytes",
                                        "capture_shortened",         "capture_dropped_ring",
                                        "capture_dropped_interface", "capture_interface_received",
                                        "capture_interface_sent"};
    const struct daemon *d = context;
    if (index >= sizeof names / sizeof *names)
        return NULL;
    *value = 0;
    for (unsigned i = 0; i < live_interface_count(d->live); i++) {
        const struct live_counters *c = live_counters(d->live, i);
        const uint64_t values[] = {c->packets,           c->bytes,    c->shortened, c->dropped_ring,
                                   c->dropped_interface, c->received, c->sent};
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
                                     .sensor = d->config->name,
                                     .run_id = d->run_id,
                                     .hash_key = {random[0], random[1]},
                                     .line = to_sinks,
                                     .more_counters = capture_counter,
                                     .context = d};
    d->engine = engine_create(&options);
    if (d->engine)
        d->memory_ceiling = engine_memory(d->engine) + live_memory(d->live) + sinks_memory(d->sinks);
    return d->engine != NULL;
}

static bool fits(const struct daemon *d)
{
    uint64_t limit = (uint64_t)d->config->memory_mib << 20;
    if (!limit || d->memory_ceiling <= limit)
        return true;
    daemon_say("limits.memory_mib is %" PRId64 ", and up to %" PRIu64
               " MiB may be needed: fewer flows, smaller rings or queues, or a higher limit",
               d->config->memory_mib, (d->memory_ceiling >> 20) + 1);
    return false;
}

static int failed(void)
{
    daemon_say("%s", errno ? strerror(errno) : "out of memory");
    return DAEMON_FAILED;
}

int daemon_open(struct daemon *d)
{
    d->started_ns = clock_wall_ns();
    notify_open();
    if (!open_signals(d))
        return failed();
    if (!open_rules(d) || !open_capture(d) || !enter_sandbox(d) || !open_outputs(d) || !open_control(d))
        return DAEMON_REFUSED;
    errno = 0;
    if (!open_engine(d))
        return failed();
    if (!fits(d))
        return DAEMON_REFUSED;
    if (!reload_init(&d->reload, d->config) || !sinks_start(d->sinks) || !live_start(d->live))
        return failed();
    return DAEMON_DONE;
}
