/* SPDX-License-Identifier: BSD-2-Clause
 *
 * kafka.c - lines as messages of a Kafka topic, by librdkafka. The key is the event's community id, so that
 * all events of a flow meet in one partition. A message counts as written when the broker has said so;
 * librdkafka repeats it until then. Its own queue is bounded, and full, it leaves lines in ours.
 */
#include "output.h"

#ifndef HAVE_RDKAFKA

const struct backend *const backend_kafka = NULL;

#else

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PURGE_MS = 500, TEXT_SIZE = 512 };

struct kafka {
    rd_kafka_conf_t *conf; /* NULL once rd_kafka_new() took it */
    rd_kafka_t *handle;
};

/* What comes back with a delivery report: a message's opaque pointer holds both. */
enum { DATASET_SHIFT = 56 };

static void *opaque_of(enum event_dataset dataset, uint64_t sequence)
{
    return (void *)(uintptr_t)((uint64_t)dataset << DATASET_SHIFT | sequence);
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *context)
{
    (void)handle;
    struct output *output = context;
    uint64_t opaque = (uint64_t)(uintptr_t)message->_private;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        output_delivered(output, message->len);
        return;
    }
    bool is_purged = message->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
                     message->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT; /* give_up_kafka(): not why */
    output_lost(output, (enum event_dataset)(opaque >> DATASET_SHIFT),
                opaque & ((UINT64_C(1) << DATASET_SHIFT) - 1),
                is_purged && *output->state.error ? output->state.error : rd_kafka_err2str(message->err));
}

static void heard_trouble(rd_kafka_t *handle, int error, const char *reason, void *context)
{
    struct output *output = context;
    if (error == RD_KAFKA_RESP_ERR__FATAL)
        error = rd_kafka_fatal_error(handle, NULL, 0);
    output_trouble(output, "kafka: %s", reason ? reason : rd_kafka_err2str((rd_kafka_resp_err_t)error));
}

static void keep_quiet(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    (void)handle, (void)level, (void)facility, (void)text; /* the error callback tells what matters */
}

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, struct mistakes *mistakes)
{
    char text[TEXT_SIZE];
    if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
        return true;
    char expected[TEXT_SIZE + 32];
    snprintf(expected, sizeof expected, "what librdkafka takes (%s)", text);
    mistakes_add(mistakes, "kafka", 0, 0, name, value, expected);
    return false;
}

static bool set_property(rd_kafka_conf_t *conf, const char *property, struct mistakes *mistakes)
{
    char name[128];
    const char *equal = strchr(property, '=');
    if (!equal || (size_t)(equal - property) >= sizeof name) {
        mistakes_add(mistakes, "kafka", 0, 0, "", property, "name=value");
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equal - property), property);
    return set(conf, name, equal + 1, mistakes);
}

static bool prepare_kafka(struct output *output, struct mistakes *mistakes)
{
    const struct sink_options *options = &output->options;
    struct kafka *kafka = output->own = calloc(1, sizeof *kafka);
    rd_kafka_conf_t *conf = kafka ? kafka->conf = rd_kafka_conf_new() : NULL;
    if (!conf)
        return false;
    bool good = set(conf, "bootstrap.servers", options->brokers, mistakes);
    good &= set(conf, "client.id", "rolecall", mistakes);
    good &= set(conf, "acks", "all", mistakes);
    good &= set(conf, "message.timeout.ms", "0", mistakes); /* for ever: our queue decides what is lost */
    good &= set(conf, "queue.buffering.max.messages", "10000", mistakes);
    good &= set(conf, "queue.buffering.max.kbytes", "16384", mistakes);
    good &= set(conf, "linger.ms", "50", mistakes);
    for (const char *const *at = options->kafka_properties; at && *at; at++)
        good &= set_property(conf, *at, mistakes);
    rd_kafka_conf_set_opaque(conf, output);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, heard_trouble);
    rd_kafka_conf_set_log_cb(conf, keep_quiet);
    return good;
}

/* Once: librdkafka connects and connects again by itself. */
static bool open_kafka(struct output *output)
{
    struct kafka *kafka = output->own;
    char text[TEXT_SIZE];
    if (kafka->handle)
        return true;
    kafka->handle = rd_kafka_new(RD_KAFKA_PRODUCER, kafka->conf, text, sizeof text);
    if (kafka->handle) {
        kafka->conf = NULL;
        return true;
    }
    output_trouble(output, "kafka: %s", text);
    return false;
}

static rd_kafka_resp_err_t produce(struct output *output, const struct frame_note *frame, const char *bytes,
                                   size_t size)
{
    struct kafka *kafka = output->own;
    void *opaque = opaque_of((enum event_dataset)frame->dataset, frame->sequence);
    void *key = *frame->key ? (void *)(uintptr_t)frame->key : NULL;
    return rd_kafka_producev(
        kafka->handle, RD_KAFKA_V_TOPIC(output->options.topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE((void *)(uintptr_t)bytes, size), RD_KAFKA_V_KEY(key, strlen(frame->key)),
        RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

static bool send_kafka(struct output *output)
{
    struct kafka *kafka = output->own;
    struct window *window = &output->window;
    while (window->sent < window->count) {
        const struct frame_note *frame = &window->frames[window->sent];
        size_t size, from = window->sent ? window->frames[window->sent - 1].end : 0;
        const char *bytes = output_unsent(output, &size);
        size = frame->end - from;
        rd_kafka_resp_err_t error = produce(output, frame, bytes, size);
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            rd_kafka_poll(kafka->handle, SLICE_MS);
            return true;
        }
        enum event_dataset dataset = (enum event_dataset)frame->dataset;
        uint64_t sequence = frame->sequence;
        output_sent(output, size, 0);
        if (error)
            output_lost(output, dataset, sequence, rd_kafka_err2str(error));
    }
    rd_kafka_poll(kafka->handle, 0);
    return true;
}

static bool look_after_kafka(struct output *output)
{
    struct kafka *kafka = output->own;
    rd_kafka_poll(kafka->handle, 0);
    return true;
}

static void close_kafka(struct output *output)
{
    (void)output; /* the handle stays until the end */
}

static void give_up_kafka(struct output *output)
{
    struct kafka *kafka = output->own;
    if (!kafka->handle)
        return;
    rd_kafka_purge(kafka->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush(kafka->handle, PURGE_MS); /* serves the reports of what was purged */
}

static void free_kafka(struct output *output)
{
    struct kafka *kafka = output->own;
    if (kafka && kafka->handle)
        rd_kafka_destroy(kafka->handle);
    if (kafka && kafka->conf)
        rd_kafka_conf_destroy(kafka->conf);
    free(kafka);
}

static const struct backend backend = {.backoff_max_ms = 30000,
                                       .prepare = prepare_kafka,
                                       .open = open_kafka,
                                       .send = send_kafka,
                                       .look_after = look_after_kafka,
                                       .close = close_kafka,
                                       .give_up = give_up_kafka,
                                       .free = free_kafka};
const struct backend *const backend_kafka = &backend;

#endif
