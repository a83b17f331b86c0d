/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sinks.c - all outputs of a run behind the functions of sink.h. An output is output.c's matter.
 */
#include <stdlib.h>
#include <string.h>

#include "output.h"

struct sinks {
    unsigned count;
    struct output *outputs[];
};

const char *sink_kind_name(enum sink_kind kind)
{
    static const char *const names[] = {"file", "stdout", "unix", "syslog", "syslog-tls", "kafka"};
    return names[kind];
}

const char *sink_format_name(enum sink_format format)
{
    return format == SINK_CEF ? "cef" : "ndjson";
}

bool sink_kind_is_built(enum sink_kind kind)
{
    return kind != SINK_KAFKA || backend_kafka;
}

struct sinks *sinks_open(const struct sink_options *options, unsigned count, struct mistakes *mistakes)
{
    struct sinks *sinks = calloc(1, sizeof *sinks + count * sizeof *sinks->outputs);
    bool is_good = sinks != NULL;
    for (unsigned i = 0; sinks && i < count; i++) {
        struct output *output = sinks->outputs[i] = calloc(1, sizeof *output);
        sinks->count += output != NULL;
        if (!output || !output_init(output, &options[i], mistakes))
            is_good = false;
        if (!output)
            break;
    }
    if (is_good)
        return sinks;
    if (!mistakes->count)
        mistakes_add(mistakes, "outputs", 0, 0, "", "too little memory", "room for the queues");
    sinks_close(sinks, 0);
    return NULL;
}

void sink_check(const struct sink_options *options, struct mistakes *mistakes)
{
    struct output *output = options->kind == SINK_FILE ? NULL : calloc(1, sizeof *output);
    if (!output)
        return;
    output_init(output, options, mistakes);
    output_fini(output);
    free(output);
}

bool sinks_start(struct sinks *sinks)
{
    for (unsigned i = 0; i < sinks->count; i++)
        if (!output_start(sinks->outputs[i]))
            return false;
    return true;
}

size_t sinks_memory(const struct sinks *sinks)
{
    size_t size = sizeof *sinks;
    for (unsigned i = 0; i < sinks->count; i++)
        size += output_memory(sinks->outputs[i]);
    return size;
}

void sinks_line(struct sinks *sinks, const struct event_line *line)
{
    for (unsigned i = 0; i < sinks->count; i++)
        output_line(sinks->outputs[i], line);
}

bool sinks_next_loss(struct sinks *sinks, bool at_end, struct event_loss *out)
{
    for (unsigned i = 0; i < sinks->count; i++)
        if (output_take_loss(sinks->outputs[i], at_end, out))
            return true;
    return false;
}

void sinks_reopen(struct sinks *sinks)
{
    for (unsigned i = 0; i < sinks->count; i++) {
        struct output *output = sinks->outputs[i];
        pthread_mutex_lock(&output->lock);
        output->must_reopen = true;
        pthread_cond_signal(&output->wake);
        pthread_mutex_unlock(&output->lock);
    }
}

bool sinks_drain(struct sinks *sinks, int timeout_ms)
{
    int64_t until = timeout_ms < 0 ? -1 : clock_steady_ms() + timeout_ms;
    bool is_empty = true;
    for (unsigned i = 0; i < sinks->count; i++) /* all at once: */
        if (sinks->outputs[i]->has_thread) {
            pthread_mutex_lock(&sinks->outputs[i]->lock);
            sinks->outputs[i]->must_hurry = true;
            pthread_cond_signal(&sinks->outputs[i]->wake);
            pthread_mutex_unlock(&sinks->outputs[i]->lock);
        }
    for (unsigned i = 0; i < sinks->count; i++)
        is_empty &= output_drain(sinks->outputs[i], until);
    return is_empty;
}

void sinks_close(struct sinks *sinks, int timeout_ms)
{
    if (!sinks)
        return;
    sinks_drain(sinks, timeout_ms);
    int64_t until = clock_steady_ms() + 2 * TICK_MS;
    for (unsigned i = 0; i < sinks->count; i++) {
        struct output *output = sinks->outputs[i];
        if (!output_stop(output, until))
            continue; /* it still uses its memory */
        output_fini(output);
        free(output);
    }
    free(sinks);
}

unsigned sinks_count(const struct sinks *sinks)
{
    return sinks->count;
}

void sinks_state(struct sinks *sinks, unsigned index, struct sink_state *out)
{
    struct output *output = sinks->outputs[index];
    pthread_mutex_lock(&output->lock);
    *out = output->state;
    out->queued_lines = output_waiting(output);
    out->queued_bytes = queue_used(output->queue);
    out->queue_size = queue_size(output->queue);
    pthread_mutex_unlock(&output->lock);
}
