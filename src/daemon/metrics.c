/* SPDX-License-Identifier: BSD-2-Clause
 *
 * metrics.c - the daemon's state as Prometheus text: exposition format 0.0.4, names as
 * https://prometheus.io/docs/practices/naming/ has them (base units, counters end with _total). Used for `ctl
 * metrics`, the textfile and HTTP alike.
 */
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LAST_FAMILY_SIZE = 256, FILE_MODE = 0644, PATH_SIZE = 4096 };

struct writer {
    char *out;
    size_t size, used;
    size_t family; /* where the family being written begins */
    const char *name;
    bool full; /* that family does not fit */
    unsigned left_out;
};

static void put(struct writer *writer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(writer->out + writer->used, writer->size - writer->used, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= writer->size - writer->used)
        writer->full = true;
    else
        writer->used += (size_t)n;
}

static void begin(struct writer *writer, const char *name, const char *type, const char *help)
{
    writer->family = writer->used;
    writer->name = name;
    writer->full = false;
    put(writer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void end(struct writer *writer)
{
    if (!writer->full)
        return;
    writer->used = writer->family;
    writer->left_out++;
}

/* A label's value: backslash, quote and newline escaped. */
static void put_label(struct writer *writer, const char *name, const char *value)
{
    put(writer, "%s=\"", name);
    for (const char *p = value; *p; p++) {
        if (*p == '\n')
            put(writer, "\\n");
        else
            put(writer, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
    }
    put(writer, "\"");
}

/* One line of a family; `label` and `more` may be NULL. */
static void sample(struct writer *writer, const char *label, const char *value, const char *more,
                   const char *more_value, uint64_t number)
{
    put(writer, "%s", writer->name);
    if (label) {
        put(writer, "{");
        put_label(writer, label, value);
        if (more) {
            put(writer, ",");
            put_label(writer, more, more_value);
        }
        put(writer, "}");
    }
    put(writer, " %" PRIu64 "\n", number);
}

static void single(struct writer *writer, const char *name, const char *type, const char *help,
                   uint64_t number)
{
    begin(writer, name, type, help);
    sample(writer, NULL, NULL, NULL, NULL, number);
    end(writer);
}

/* Nanoseconds as seconds, to the millisecond: what a double holds exactly enough. */
static void single_time(struct writer *writer, const char *name, const char *help, int64_t ns)
{
    uint64_t ms = ns > 0 ? (uint64_t)ns / 1000000 : 0;
    begin(writer, name, "gauge", help);
    put(writer, "%s %" PRIu64 ".%03u\n", name, ms / 1000, (unsigned)(ms % 1000));
    end(writer);
}

static void write_process(struct writer *w, const struct daemon_state *state)
{
    begin(w, "rolecall_build_info", "gauge", "Always 1; the version stands in the label.");
    sample(w, "version", ROLECALL_VERSION, NULL, NULL, 1);
    end(w);
    single_time(w, "rolecall_start_time_seconds", "When the daemon was started, seconds since 1970.",
                state->started_ns);
    single(w, "rolecall_memory_ceiling_bytes", "gauge", "Memory that is never exceeded.",
           state->memory_ceiling);
    single(w, "rolecall_memory_resident_bytes", "gauge", "Memory that is in use now.",
           state->memory_resident);
    single_time(w, "rolecall_lag_seconds", "Age of the packet last worked on, while packets come.",
                state->lag_ns);
    single(w, "rolecall_events_total", "counter", "Events made (event.sequence of the last one).",
           state->events);
    single(w, "rolecall_matrices", "gauge", "Matrices that are judged by.", state->matrix_count);
    single(w, "rolecall_rows", "gauge", "Documented rows in force.", state->row_count);
    begin(w, "rolecall_reloads_total", "counter", "Reloads of rules and site.");
    sample(w, "result", "good", NULL, NULL, state->reload.good);
    sample(w, "result", "refused", NULL, NULL, state->reload.refused);
    end(w);
    single(w, "rolecall_reload_last_successful", "gauge",
           "1: the files on disk are in force; 0: they were refused.", !state->reload.last_refused);
    single_time(w, "rolecall_reload_success_timestamp_seconds", "When rules and site were last taken.",
                state->reload.last_ns);
}

/* One family with a sample for each interface. */
static void write_per_interface(struct writer *w, const struct daemon_state *state, const char *name,
                                const char *type, const char *help,
                                uint64_t (*value)(const struct state_interface *interface))
{
    begin(w, name, type, help);
    for (unsigned i = 0; i < state->interface_count; i++)
        sample(w, "interface", state->interfaces[i].name, NULL, NULL, value(&state->interfaces[i]));
    end(w);
}

static uint64_t is_up(const struct state_interface *interface)
{
    return interface->up;
}

static uint64_t is_silent(const struct state_interface *interface)
{
    return interface->silent;
}

static uint64_t packets_of(const struct state_interface *interface)
{
    return interface->packets;
}

static uint64_t bytes_of_interface(const struct state_interface *interface)
{
    return interface->bytes;
}

static uint64_t times_down(const struct state_interface *interface)
{
    return interface->lost_link;
}

static uint64_t last_packet_s(const struct state_interface *interface)
{
    return (uint64_t)interface->last_packet_ns / 1000000000;
}

static void write_interfaces(struct writer *w, const struct daemon_state *state)
{
    write_per_interface(w, state, "rolecall_interface_up", "gauge", "1: the interface is up.", is_up);
    write_per_interface(w, state, "rolecall_interface_silent", "gauge",
                        "1: no packet for longer than capture.silence_s.", is_silent);
    write_per_interface(w, state, "rolecall_interface_packets_total", "counter", "Packets captured.",
                        packets_of);
    write_per_interface(w, state, "rolecall_interface_bytes_total", "counter",
                        "Bytes on the wire of those packets.", bytes_of_interface);
    begin(w, "rolecall_interface_dropped_packets_total", "counter",
          "Packets not captured: the ring was full, or the interface dropped them.");
    for (unsigned i = 0; i < state->interface_count; i++) {
        const struct state_interface *interface = &state->interfaces[i];
        sample(w, "interface", interface->name, "by", "ring", interface->dropped_ring);
        sample(w, "interface", interface->name, "by", "interface", interface->dropped_interface);
    }
    end(w);
    write_per_interface(w, state, "rolecall_interface_went_down_total", "counter",
                        "Times the interface went down.", times_down);
    write_per_interface(w, state, "rolecall_interface_last_packet_timestamp_seconds", "gauge",
                        "When the last packet came, seconds since 1970; 0: never.", last_packet_s);
}

/* One family with a sample for each output. */
static void write_per_output(struct writer *w, const struct daemon_state *state, const char *name,
                             const char *type, const char *help,
                             uint64_t (*value)(const struct sink_state *output))
{
    begin(w, name, type, help);
    for (unsigned i = 0; i < state->output_count; i++)
        sample(w, "output", state->outputs[i].name, NULL, NULL, value(&state->outputs[i]));
    end(w);
}

static uint64_t is_healthy(const struct sink_state *output)
{
    return output->health == SINK_OK;
}

static uint64_t written_events(const struct sink_state *output)
{
    return output->written_lines;
}

static uint64_t written_bytes(const struct sink_state *output)
{
    return output->written_bytes;
}

static uint64_t resent_events(const struct sink_state *output)
{
    return output->resent_lines;
}

static uint64_t times_opened(const struct sink_state *output)
{
    return output->opened;
}

static uint64_t queued_events(const struct sink_state *output)
{
    return output->queued_lines;
}

static uint64_t queued_bytes(const struct sink_state *output)
{
    return output->queued_bytes;
}

static uint64_t queue_bytes(const struct sink_state *output)
{
    return output->queue_size;
}

static void write_outputs(struct writer *w, const struct daemon_state *state)
{
    static const char *const datasets[DATASET_COUNT] = {
        [DATASET_ALERT] = "alert",       [DATASET_FLOW] = "flow",   [DATASET_IPSEC] = "ipsec",
        [DATASET_COVERAGE] = "coverage", [DATASET_STATS] = "stats", [DATASET_LOSS] = "loss"};
    write_per_output(w, state, "rolecall_output_healthy", "gauge", "1: the output takes events.", is_healthy);
    write_per_output(w, state, "rolecall_output_events_total", "counter", "Events written.", written_events);
    write_per_output(w, state, "rolecall_output_bytes_total", "counter", "Bytes written.", written_bytes);
    begin(w, "rolecall_output_lost_events_total", "counter",
          "Events given up, by dataset: the queue was full.");
    for (unsigned i = 0; i < state->output_count; i++)
        for (unsigned d = 0; d < DATASET_COUNT; d++)
            sample(w, "output", state->outputs[i].name, "dataset", datasets[d], state->outputs[i].lost[d]);
    end(w);
    write_per_output(w, state, "rolecall_output_resent_events_total", "counter",
                     "Events sent again after a connection broke.", resent_events);
    write_per_output(w, state, "rolecall_output_opened_total", "counter",
                     "Times the output was opened or connected.", times_opened);
    write_per_output(w, state, "rolecall_output_queued_events", "gauge", "Events waiting.", queued_events);
    write_per_output(w, state, "rolecall_output_queued_bytes", "gauge", "Bytes waiting.", queued_bytes);
    write_per_output(w, state, "rolecall_output_queue_limit_bytes", "gauge", "Bytes that may wait.",
                     queue_bytes);
}

static void write_workers(struct writer *w, const struct daemon_state *state)
{
    char number[16];
    begin(w, "rolecall_worker_packets_total", "counter", "Packets that each worker has worked on.");
    for (unsigned i = 0; i < state->worker_count; i++) {
        snprintf(number, sizeof number, "%u", i);
        sample(w, "worker", number, NULL, NULL, state->workers[i].packets);
    }
    end(w);
}

/* Help of the engine's counters (engine_counter()) whose names do not say it. The others end in _forgotten or
 * _refused. */
static const struct {
    const char *name, *help;
} engine_help[] = {
    {"packets", "Packets read by the engine."},
    {"bytes", "Bytes on the wire of those packets."},
    {"decoded", "Packets decoded to an inner-most IP packet."},
    {"not_ip", "Frames without IP."},
    {"opaque", "IP packets whose inside cannot be read."},
    {"cut", "Packets that the capture cut before their headers ended."},
    {"malformed", "Packets whose headers are wrong."},
    {"too_deep", "Packets in more encapsulations than are followed."},
    {"unknown_link", "Frames of a link type that is not read."},
    {"fragments", "Fragments kept for reassembly."},
    {"fragments_reassembled", "Datagrams made of fragments."},
    {"fragments_overlapping", "Fragments refused because they overlap."},
    {"fragments_timed_out", "Datagrams whose fragments did not all come."},
    {"fragments_evicted", "Datagrams in parts that had to make room."},
    {"oversized", "Frames longer than the engine takes."},
    {"icmp_errors", "ICMP errors that quote a flow."},
    {"flows", "Flows that were over."},
    {"tunnels_refused", "Flows whose way through tunnels is not told: too many ways."},
    {"flows_evicted", "Flows that had to make room for newer ones."},
    {"identified_settled", "Flows whose identification came to an end."},
    {"identify_given_up", "Flows not identified within the budget."},
    {"identify_gaps", "Gaps in TCP streams while they were identified."},
    {"identify_works_starved", "Flows not identified for want of working memory."},
    {"identify_windows_starved", "Flows not identified for want of a window."},
    {"identify_facts_starved", "Flows without room for what was learnt of them."},
    {"events_too_long", "Events left out because they are longer than a line may be."},
};

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static const char *help_of(const char *counter)
{
    for (unsigned i = 0; i < sizeof engine_help / sizeof *engine_help; i++)
        if (strcmp(engine_help[i].name, counter) == 0)
            return engine_help[i].help;
    if (ends_with(counter, "_forgotten"))
        return "What was known and had to make room for what is newer.";
    if (ends_with(counter, "_refused"))
        return "What is not followed for want of room.";
    return "A counter of the engine.";
}

static void write_counter(struct writer *w, const char *counter, uint64_t value)
{
    char name[128];
    snprintf(name, sizeof name, "rolecall_engine_%s_total", counter);
    single(w, name, "counter", help_of(counter), value);
}

static void write_counters(struct writer *w, const struct daemon_state *state)
{
    const char *name;
    uint64_t value;
    for (unsigned i = 0; state->engine && (name = engine_counter(state->engine, i, &value)); i++)
        if (strncmp(name, "capture_", 8) != 0) /* those stand by interface already */
            write_counter(w, name, value);
}

size_t metrics_write(const struct daemon_state *state, char *out, size_t size)
{
    struct writer writer = {.out = out, .size = size - LAST_FAMILY_SIZE};
    write_process(&writer, state);
    write_interfaces(&writer, state);
    write_outputs(&writer, state);
    write_workers(&writer, state);
    write_counters(&writer, state);
    writer.size = size;
    single(&writer, "rolecall_metrics_left_out", "gauge", "Families that did not fit into this answer.",
           writer.left_out);
    return writer.used;
}

bool metrics_write_file(const char *path, const char *text, size_t size)
{
    char other[PATH_SIZE];
    if (snprintf(other, sizeof other, "%s.new", path) >= (int)sizeof other) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return false;
    /* node_exporter runs as somebody else, whatever our umask is */
    ssize_t written = fchmod(fd, FILE_MODE) == 0 ? write(fd, text, size) : -1;
    int error = written < 0 ? errno : written == (ssize_t)size ? 0 : ENOSPC;
    if (close(fd) != 0 && !error)
        error = errno;
    if (!error && rename(other, path) == 0)
        return true;
    error = error ? error : errno;
    unlink(other);
    errno = error;
    return false;
}
