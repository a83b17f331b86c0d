/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sink_feed.c - gives events to outputs as a daemon would, for tests/system/sinks.py:
 *
 *     sink_feed name=a kind=syslog host=127.0.0.1 port=5514 ... name=b kind=file path=/tmp/x ...
 *
 * Each `name=` begins another output. Commands come on standard input, one a line; answers are lines of JSON
 * on standard error (standard output may be an output): send COUNT DATASET SIZE PER_SECOND    0: as fast as
 * it goes; losses are told in between, as a daemon does state | reopen | drain MS | losses    `losses`: those
 * left at the end
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rolecall/event.h"
#include "rolecall/sink.h"

enum { OUTPUTS_MAX = 4, PROPERTIES_MAX = 8 };

static struct sink_options options[OUTPUTS_MAX];
static const char *properties[OUTPUTS_MAX][PROPERTIES_MAX + 1];
static unsigned count;
static struct sinks *sinks;
static struct event_writer writer;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void to_sinks(void *context, const struct event_line *line)
{
    (void)context;
    sinks_line(sinks, line);
}

static bool take_kind(struct sink_options *o, const char *value)
{
    for (unsigned kind = 0; kind < SINK_KIND_COUNT; kind++)
        if (strcmp(value, sink_kind_name((enum sink_kind)kind)) == 0) {
            o->kind = (enum sink_kind)kind;
            return true;
        }
    return false;
}

static bool take_text(struct sink_options *o, const char *name, const char *value)
{
    const struct {
        const char *name, **to;
    } texts[] = {{"name", &o->name},           {"path", &o->path},         {"host", &o->host},
                 {"port", &o->port},           {"hostname", &o->hostname}, {"ca_file", &o->ca_file},
                 {"cert_file", &o->cert_file}, {"key_file", &o->key_file}, {"server_name", &o->server_name},
                 {"brokers", &o->brokers},     {"topic", &o->topic}};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
            return true;
        }
    return false;
}

static bool take_argument(char *argument)
{
    char *value = strchr(argument, '=');
    if (!value)
        return false;
    *value++ = '\0';
    if (strcmp(argument, "name") == 0 && count < OUTPUTS_MAX)
        options[count++].facility = SINK_FACILITY_DEFAULT;
    struct sink_options *o = &options[count - 1];
    if (!count || take_text(o, argument, value))
        return count;
    if (strcmp(argument, "kind") == 0)
        return take_kind(o, value);
    if (strcmp(argument, "queue") == 0)
        return (o->queue_size = strtoul(value, NULL, 10)) > 0;
    if (strcmp(argument, "format") == 0)
        return (o->format = strcmp(value, "cef") == 0 ? SINK_CEF : SINK_NDJSON) || true;
    if (strcmp(argument, "datasets") == 0)
        return (o->datasets = (uint32_t)strtoul(value, NULL, 0)) || true;
    if (strcmp(argument, "property") != 0)
        return false;
    const char **at = properties[count - 1];
    o->kafka_properties = at;
    while (*at)
        at++;
    *at = value;
    return true;
}

static enum event_dataset dataset_of(const char *word)
{
    for (unsigned i = 0; i < DATASET_COUNT; i++)
        if (strcmp(strchr(event_dataset_name((enum event_dataset)i), '.') + 1, word) == 0)
            return (enum event_dataset)i;
    return DATASET_STATS;
}

static void send_line(enum event_dataset dataset, unsigned size)
{
    char text[EVENT_LINE_MAX + 1], time[TIME_TEXT_SIZE], key[16];
    int64_t at = now_ns();
    uint64_t sequence = ++writer.sequence;
    int used = snprintf(text, sizeof text,
                        "{\"@timestamp\":\"%s\",\"event\":{\"dataset\":\"%s\",\"sequence\":%" PRIu64
                        ",\"severity\":%u},\"message\":\"",
                        time_text(at, time), event_dataset_name(dataset), sequence,
                        dataset == DATASET_ALERT ? 73 : 0);
    while ((unsigned)used + 2 < size && (unsigned)used + 2 < EVENT_LINE_MAX)
        text[used++] = 'x';
    text[used++] = '"';
    text[used++] = '}';
    text[used] = '\0';
    snprintf(key, sizeof key, "1:%" PRIu64, sequence % 7);
    const struct event_line line = {.text = text,
                                    .size = (size_t)used,
                                    .dataset = dataset,
                                    .severity = dataset == DATASET_ALERT ? 73 : 0,
                                    .sequence = sequence,
                                    .time_ns = at,
                                    .key = dataset == DATASET_STATS ? "" : key};
    sinks_line(sinks, &line);
}

static void tell_losses(bool at_end)
{
    struct event_loss loss;
    while (sinks_next_loss(sinks, at_end, &loss)) {
        fprintf(stderr,
                "{\"loss\": \"%s\", \"reason\": \"%s\", \"alerts\": %" PRIu64 ", \"flows\": %" PRIu64
                ", \"metrics\": %" PRIu64 ", \"first\": %" PRIu64 ", \"last\": %" PRIu64 "}\n",
                loss.output, loss.reason, loss.lost[DATASET_ALERT], loss.lost[DATASET_FLOW],
                loss.lost[DATASET_STATS] + loss.lost[DATASET_LOSS], loss.first_sequence, loss.last_sequence);
        event_loss(&writer, &loss);
    }
}

static void send_lines(unsigned long number, const char *dataset, unsigned size, unsigned per_second)
{
    for (unsigned long i = 0; i < number; i++) {
        send_line(dataset_of(dataset), size);
        if (i % 64 == 63 || per_second)
            tell_losses(false);
        if (per_second)
            nanosleep(&(struct timespec){.tv_nsec = 999999999 / per_second}, NULL);
    }
    tell_losses(false);
}

static void tell_states(void)
{
    static const char *const health[] = {"ok", "retrying", "failed"};
    fputs("[", stderr);
    for (unsigned i = 0; i < sinks_count(sinks); i++) {
        struct sink_state state;
        uint64_t lost = 0;
        sinks_state(sinks, i, &state);
        for (unsigned k = 0; k < DATASET_COUNT; k++)
            lost += state.lost[k];
        fprintf(stderr,
                "%s{\"name\": \"%s\", \"health\": \"%s\", \"error\": \"%s\", \"queued\": %" PRIu64
                ", \"queued_bytes\": %" PRIu64 ", \"written\": %" PRIu64 ", \"lost\": %" PRIu64
                ", \"alerts_lost\": %" PRIu64 ", \"resent\": %" PRIu64 ", \"opened\": %" PRIu64
                ", \"progress\": %" PRIu64 "}",
                i ? ", " : "", state.name, health[state.health], state.error, state.queued_lines,
                state.queued_bytes, state.written_lines, lost, state.lost[DATASET_ALERT], state.resent_lines,
                state.opened, state.progress);
    }
    fprintf(stderr, "]\n");
}

static void obey(const char *command)
{
    unsigned long number;
    unsigned size, per_second;
    int timeout;
    char dataset[16];
    if (sscanf(command, "send %lu %15s %u %u", &number, dataset, &size, &per_second) == 4)
        send_lines(number, dataset, size, per_second);
    else if (sscanf(command, "drain %d", &timeout) == 1)
        fprintf(stderr, "%s\n", sinks_drain(sinks, timeout) ? "true" : "false");
    else if (strcmp(command, "state\n") == 0)
        tell_states();
    else if (strcmp(command, "reopen\n") == 0)
        sinks_reopen(sinks);
    else if (strcmp(command, "tell\n") == 0)
        tell_losses(false);
    else if (strcmp(command, "losses\n") == 0) {
        tell_losses(true);
        fputs("null\n", stderr);
    }
}

int main(int argc, char **argv)
{
    struct mistakes mistakes = {0};
    char command[100];
    for (int i = 1; i < argc; i++)
        if (!take_argument(argv[i])) {
            fprintf(stderr, "sink_feed: \"%s\"?\n", argv[i]);
            return 2;
        }
    signal(SIGPIPE, SIG_IGN);
    writer = (struct event_writer){.run_id = "0123456789abcdef", .line = to_sinks};
    sinks = sinks_open(options, count, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    if (!sinks || !sinks_start(sinks))
        return 1;
    fputs("\"started\"\n", stderr);
    while (fgets(command, sizeof command, stdin))
        obey(command);
    sinks_close(sinks, 200);
    return 0;
}
