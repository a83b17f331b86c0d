/* SPDX-License-Identifier: BSD-2-Clause
 *
 * output.c - what the capture's thread asks of an output, what its backend tells, and the state and losses
 * between them; see output.h. The writer's thread is writer.c.
 */
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    LOSS_EVERY_MS = 1000,    /* losses of one output are not told more often */
    LOSS_AT_LAST_MS = 60000, /* then also with a full queue */
    GIVE_UP_MS = 1000
};

/* False: the time has come. */
bool output_wait_until(struct output *o, pthread_cond_t *condition, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    return pthread_cond_timedwait(condition, &o->lock, &until) == 0;
}

/* ---- state and losses; the lock is held ---- */

static void set_health(struct output *o, enum sink_health health)
{
    if (o->state.health == health)
        return;
    o->state.health = health;
    o->state.health_since_ns = clock_wall_ns();
}

void output_note_loss(struct output *o, enum event_dataset dataset, uint64_t sequence, const char *reason)
{
    struct event_loss *loss = &o->loss;
    o->state.lost[dataset]++;
    if (o->is_ending && dataset == DATASET_LOSS)
        return; /* else the last losses would be told for ever */
    if (!loss->first_sequence) {
        loss->first_sequence = loss->last_sequence = sequence;
        loss->since_ns = clock_wall_ns();
        snprintf(o->reason, sizeof o->reason, "%s", reason);
    }
    if (sequence < loss->first_sequence)
        loss->first_sequence = sequence;
    if (sequence > loss->last_sequence)
        loss->last_sequence = sequence;
    loss->lost[dataset]++;
    o->wrote_since_loss = false;
}

void output_lose_line(void *context, const struct queue_note *note)
{
    struct output *o = context;
    char reason[sizeof o->reason] = "the queue was full: the output takes lines more slowly than they come";
    if (o->is_given_up)
        snprintf(reason, sizeof reason, "the output was given up: %s",
                 o->state.error[0] ? o->state.error : "its time was over");
    else if (o->state.health != SINK_OK)
        snprintf(reason, sizeof reason, "the queue was full: %s", o->state.error);
    output_note_loss(o, (enum event_dataset)note->dataset, note->sequence, reason);
}

/* The window itself stays the writer's, who counts no more of it. */
static void lose_unsent(struct output *o)
{
    for (unsigned i = o->window.sent; i < o->window.count; i++) {
        const struct frame_note *frame = &o->window.frames[i];
        const struct queue_note note = {.sequence = frame->sequence, .dataset = frame->dataset};
        if (!frame->again)
            output_lose_line(o, &note);
    }
}

static void give_up(struct output *o)
{
    if (o->is_given_up)
        return;
    o->is_given_up = o->must_stop = true;
    lose_unsent(o);
    queue_shed_all(o->queue, output_lose_line, o);
    pthread_cond_signal(&o->wake);
    pthread_cond_broadcast(&o->moved);
}

/* ---- what backends tell ---- */

void output_trouble(struct output *o, const char *format, ...)
{
    va_list arguments;
    pthread_mutex_lock(&o->lock);
    va_start(arguments, format);
    vsnprintf(o->state.error, sizeof o->state.error, format, arguments);
    va_end(arguments);
    if (o->state.health != SINK_FAILED)
        set_health(o, SINK_RETRYING);
    pthread_mutex_unlock(&o->lock);
}

void output_fail(struct output *o)
{
    pthread_mutex_lock(&o->lock);
    set_health(o, SINK_FAILED);
    give_up(o);
    pthread_mutex_unlock(&o->lock);
}

void output_opened(struct output *o)
{
    pthread_mutex_lock(&o->lock);
    o->state.opened++;
    pthread_mutex_unlock(&o->lock);
}

void output_is_well(struct output *o)
{
    pthread_mutex_lock(&o->lock);
    if (o->state.health == SINK_RETRYING)
        set_health(o, SINK_OK);
    pthread_mutex_unlock(&o->lock);
}

bool output_must_stop(struct output *o)
{
    pthread_mutex_lock(&o->lock);
    o->state.progress++;
    bool must = o->must_stop;
    pthread_mutex_unlock(&o->lock);
    return must;
}

void output_in_resolver(struct output *o, bool inside)
{
    pthread_mutex_lock(&o->lock);
    o->state.in_resolver = inside;
    pthread_mutex_unlock(&o->lock);
}

void output_count_written(struct output *o, size_t lines, size_t bytes)
{
    o->state.written_lines += lines;
    o->state.written_bytes += bytes;
    o->wrote_since_loss = true;
    if (o->state.health == SINK_RETRYING)
        set_health(o, SINK_OK);
    pthread_cond_broadcast(&o->moved);
}

void output_delivered(struct output *o, size_t size)
{
    pthread_mutex_lock(&o->lock);
    o->kept_back--;
    output_count_written(o, 1, size);
    pthread_mutex_unlock(&o->lock);
}

void output_lost(struct output *o, enum event_dataset dataset, uint64_t sequence, const char *reason)
{
    pthread_mutex_lock(&o->lock);
    o->kept_back--;
    output_note_loss(o, dataset, sequence, reason);
    pthread_cond_broadcast(&o->moved);
    pthread_mutex_unlock(&o->lock);
}

/* ---- what the capture's thread asks ---- */

static bool is_wanted(const struct sink_options *options, const struct event_line *line)
{
    if (line->dataset == DATASET_LOSS)
        return true; /* whoever gets less than all must hear of it */
    if (options->datasets && !(options->datasets >> line->dataset & 1))
        return false;
    return line->dataset != DATASET_ALERT || line->severity >= options->min_severity;
}

void output_line(struct output *o, const struct event_line *line)
{
    if (!is_wanted(&o->options, line))
        return;
    const struct queue_note note = {.sequence = line->sequence, .dataset = (uint8_t)line->dataset};
    pthread_mutex_lock(&o->lock);
    if (o->is_given_up)
        output_lose_line(o, &note);
    else
        queue_put(o->queue, line, output_lose_line, o);
    if (o->is_idle)
        pthread_cond_signal(&o->wake);
    pthread_mutex_unlock(&o->lock);
}

static bool can_tell_loss(const struct output *o, int64_t now_ms)
{
    if (!o->wrote_since_loss || o->state.health != SINK_OK || now_ms - o->loss_told_ms < LOSS_EVERY_MS)
        return false;
    return queue_used(o->queue) <= queue_size(o->queue) / 2 ||
           clock_wall_ns() - o->loss.since_ns > (int64_t)LOSS_AT_LAST_MS * 1000000;
}

bool output_take_loss(struct output *o, bool at_end, struct event_loss *out)
{
    pthread_mutex_lock(&o->lock);
    int64_t now_ms = clock_steady_ms();
    o->is_ending |= at_end;
    bool tells = o->loss.first_sequence && (at_end || can_tell_loss(o, now_ms));
    if (tells) {
        *out = o->loss;
        out->output = o->state.name;
        memcpy(o->told_reason, o->reason, sizeof o->reason);
        out->reason = o->told_reason;
        out->now_ns = clock_wall_ns();
        o->loss = (struct event_loss){.output = NULL};
        o->loss_told_ms = now_ms;
    }
    pthread_mutex_unlock(&o->lock);
    return tells;
}

uint64_t output_waiting(const struct output *o)
{
    uint64_t framed = o->is_given_up ? 0 : o->window.count - o->window.sent;
    return queue_lines(o->queue) + o->has_in_hand + framed + o->kept_back;
}

bool output_drain(struct output *o, int64_t until_ms)
{
    pthread_mutex_lock(&o->lock);
    o->must_hurry = true;
    pthread_cond_signal(&o->wake);
    while (o->has_thread && output_waiting(o) && !o->is_given_up)
        if (until_ms < 0)
            pthread_cond_wait(&o->moved, &o->lock);
        else if (!output_wait_until(o, &o->moved, until_ms))
            break;
    bool done = !output_waiting(o) && !o->is_given_up;
    if (!done) {
        give_up(o);
        int64_t until = clock_steady_ms() + GIVE_UP_MS;
        while (o->has_thread && (o->kept_back || o->has_in_hand) && output_wait_until(o, &o->moved, until))
            ;
    }
    pthread_mutex_unlock(&o->lock);
    return done;
}

bool output_stop(struct output *o, int64_t until_ms)
{
    if (!o->has_thread)
        return true;
    pthread_mutex_lock(&o->lock);
    o->must_stop = true;
    pthread_cond_signal(&o->wake);
    while (!o->has_ended && output_wait_until(o, &o->moved, until_ms))
        ;
    bool has_ended = o->has_ended;
    pthread_mutex_unlock(&o->lock);
    if (has_ended)
        pthread_join(o->thread, NULL);
    return has_ended;
}

/* ---- life ---- */

static bool copy_text(const char **text)
{
    return !*text || (*text = strdup(*text));
}

static bool copy_options(struct sink_options *to, const struct sink_options *from)
{
    *to = *from;
    to->kafka_properties = NULL;
    to->name = from->name ? from->name : sink_kind_name(from->kind);
    bool good = true;
    const char **texts[] = {&to->name,        &to->path,    &to->host,      &to->port,
                            &to->hostname,    &to->ca_file, &to->cert_file, &to->key_file,
                            &to->server_name, &to->brokers, &to->topic};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        good &= copy_text(texts[i]);
    return good;
}

static const struct backend *backend_of(enum sink_kind kind)
{
    const struct backend *const backends[] = {
        [SINK_FILE] = &backend_file,         [SINK_STDOUT] = &backend_stdout,
        [SINK_UNIX] = &backend_stream,       [SINK_SYSLOG_TCP] = &backend_stream,
        [SINK_SYSLOG_TLS] = &backend_stream, [SINK_KAFKA] = backend_kafka};
    return backends[kind];
}

static size_t window_size(const struct backend *backend)
{
    return BATCH_SIZE + FRAME_MAX + (backend->keeps_sent ? SINK_RESENT_MAX : 0);
}

static size_t wanted_queue(const struct sink_options *options)
{
    size_t size = options->queue_size ? options->queue_size : SINK_QUEUE_DEFAULT;
    return size < SINK_QUEUE_MIN ? SINK_QUEUE_MIN : size;
}

bool output_init(struct output *o, const struct sink_options *options, struct mistakes *mistakes)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->wake, &monotonic);
    pthread_cond_init(&o->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!copy_options(&o->options, options))
        return false;
    o->state.name = o->options.name;
    o->state.kind = options->kind;
    o->loss_told_ms = clock_steady_ms() - LOSS_EVERY_MS;
    if (!sink_kind_is_built(options->kind)) {
        mistakes_add(mistakes, o->options.name, 0, 0, "", "kafka",
                     "a kind that this build has (librdkafka was absent)");
        return false;
    }
    o->backend = backend_of(options->kind);
    o->window.size = window_size(o->backend);
    o->window.bytes = malloc(o->window.size);
    o->queue = queue_create(wanted_queue(options));
    /* Kafka's properties are read by prepare() and not needed later. */
    o->options.kafka_properties = options->kafka_properties;
    bool good = o->window.bytes && o->queue && o->backend->prepare(o, mistakes);
    o->options.kafka_properties = NULL;
    return good;
}

void output_fini(struct output *o)
{
    const struct sink_options *options = &o->options;
    const char *const texts[] = {options->name,      options->path,     options->host,
                                 options->port,      options->hostname, options->ca_file,
                                 options->cert_file, options->key_file, options->server_name,
                                 options->brokers,   options->topic};
    if (o->backend)
        o->backend->free(o);
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        free((void *)(uintptr_t)texts[i]);
    queue_destroy(o->queue);
    free(o->window.bytes);
    pthread_cond_destroy(&o->wake);
    pthread_cond_destroy(&o->moved);
    pthread_mutex_destroy(&o->lock);
}

size_t output_memory(const struct output *o)
{
    return sizeof *o + queue_memory(wanted_queue(&o->options)) + window_size(o->backend);
}
