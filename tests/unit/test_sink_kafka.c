/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sink_kafka.c - lines through librdkafka to the brokers that it can mock, and read back from them: each
 * arrives once, with its key. Without librdkafka there is nothing to test.
 */
#include <stdio.h>

#include "rolecall/sink.h"
#include "unity.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#ifndef HAVE_RDKAFKA

static void test_it_is_said_that_kafka_is_not_built(void)
{
    const struct sink_options options = {.kind = SINK_KAFKA, .brokers = "localhost", .topic = "t"};
    struct mistakes mistakes = {0};
    TEST_ASSERT_FALSE(sink_kind_is_built(SINK_KAFKA));
    TEST_ASSERT_NULL(sinks_open(&options, 1, &mistakes));
    TEST_ASSERT_EQUAL_UINT(1, mistakes.count);
    mistakes_clear(&mistakes);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_it_is_said_that_kafka_is_not_built);
    return UNITY_END();
}

#else

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

enum { LINES = 5000, PATIENCE_MS = 30000 };

static void put(struct sinks *sinks, uint64_t sequence)
{
    char text[32], key[16];
    int size = snprintf(text, sizeof text, "{\"n\":%u}", (unsigned)sequence);
    snprintf(key, sizeof key, "1:%u", (unsigned)(sequence % 10));
    const struct event_line line = {.text = text,
                                    .size = (size_t)size,
                                    .dataset = sequence % 10 ? DATASET_FLOW : DATASET_STATS,
                                    .sequence = sequence,
                                    .key = sequence % 10 ? key : ""};
    sinks_line(sinks, &line);
}

static rd_kafka_t *new_client(rd_kafka_type_t type, const char *brokers)
{
    char error[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof error);
    rd_kafka_conf_set(conf, "group.id", "test", error, sizeof error);
    rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", error, sizeof error);
    rd_kafka_t *client = rd_kafka_new(type, conf, error, sizeof error);
    TEST_ASSERT_NOT_NULL_MESSAGE(client, error);
    return client;
}

/* Reads `wanted` messages back; each number once, each with its key. */
static void read_back(const char *brokers, unsigned wanted)
{
    static unsigned char seen[LINES + 1];
    rd_kafka_t *consumer = new_client(RD_KAFKA_CONSUMER, brokers);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    unsigned count = 0;
    rd_kafka_topic_partition_list_add(topics, "events", RD_KAFKA_PARTITION_UA);
    rd_kafka_poll_set_consumer(consumer);
    TEST_ASSERT_EQUAL_INT(0, rd_kafka_subscribe(consumer, topics));
    for (unsigned turns = 0; count < wanted && turns < PATIENCE_MS / 100 + wanted; turns++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        unsigned number;
        if (message && !message->err) {
            char text[32], key[16];
            snprintf(text, sizeof text, "%.*s", (int)message->len, (const char *)message->payload);
            TEST_ASSERT_EQUAL_INT_MESSAGE(1, sscanf(text, "{\"n\":%u}", &number), text);
            TEST_ASSERT_TRUE(number >= 1 && number <= LINES);
            TEST_ASSERT_EQUAL_INT(0, seen[number]++);
            snprintf(key, sizeof key, "1:%u", number % 10);
            TEST_ASSERT_EQUAL_UINT(number % 10 ? strlen(key) : 0, message->key_len);
            TEST_ASSERT_EQUAL_INT(0, memcmp(key, number % 10 ? message->key : key, message->key_len));
            count++;
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    TEST_ASSERT_EQUAL_UINT(wanted, count);
    rd_kafka_consumer_close(consumer);
    rd_kafka_topic_partition_list_destroy(topics);
    rd_kafka_destroy(consumer);
}

static void test_lines_arrive_with_their_keys(void)
{
    rd_kafka_t *owner = new_client(RD_KAFKA_PRODUCER, "");
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(owner, 3);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    const struct sink_options options = {.kind = SINK_KAFKA, .brokers = brokers, .topic = "events"};
    struct mistakes mistakes = {0};
    struct sink_state state;
    TEST_ASSERT_EQUAL_INT(0, rd_kafka_mock_topic_create(cluster, "events", 4, 1));
    struct sinks *sinks = sinks_open(&options, 1, &mistakes);
    TEST_ASSERT_NOT_NULL(sinks);
    TEST_ASSERT_TRUE(sinks_start(sinks));
    for (unsigned i = 1; i <= LINES; i++)
        put(sinks, i);
    TEST_ASSERT_TRUE(sinks_drain(sinks, PATIENCE_MS));
    sinks_state(sinks, 0, &state);
    TEST_ASSERT_EQUAL_UINT64(LINES, state.written_lines);
    TEST_ASSERT_EQUAL_UINT64(0, state.queued_lines);
    TEST_ASSERT_EQUAL_INT(SINK_OK, state.health);
    sinks_close(sinks, 0);
    read_back(brokers, LINES);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
}

/* Nobody there: all is kept back, and all of it is counted as lost when the end comes. */
static void test_brokers_that_are_not_there(void)
{
    const struct sink_options options = {.kind = SINK_KAFKA, .brokers = "127.0.0.1:9", .topic = "events"};
    struct mistakes mistakes = {0};
    struct event_loss loss;
    struct sinks *sinks = sinks_open(&options, 1, &mistakes);
    TEST_ASSERT_NOT_NULL(sinks);
    TEST_ASSERT_TRUE(sinks_start(sinks));
    for (unsigned i = 1; i <= 100; i++)
        put(sinks, i);
    TEST_ASSERT_FALSE(sinks_drain(sinks, 1500));
    TEST_ASSERT_TRUE(sinks_next_loss(sinks, true, &loss));
    TEST_ASSERT_EQUAL_UINT64(90, loss.lost[DATASET_FLOW]);
    TEST_ASSERT_EQUAL_UINT64(10, loss.lost[DATASET_STATS]);
    TEST_ASSERT_EQUAL_UINT64(1, loss.first_sequence);
    TEST_ASSERT_EQUAL_UINT64(100, loss.last_sequence);
    sinks_close(sinks, 0);
}

/* The broker says no for good: that message is lost, and told; the others are not. */
static void test_a_message_that_the_broker_refuses(void)
{
    rd_kafka_t *owner = new_client(RD_KAFKA_PRODUCER, "");
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(owner, 1);
    const char *brokers = rd_kafka_mock_cluster_bootstraps(cluster);
    const char *const properties[] = {"linger.ms=0", "batch.num.messages=1", "retries=0", NULL};
    const struct sink_options options = {
        .kind = SINK_KAFKA, .brokers = brokers, .topic = "events", .kafka_properties = properties};
    struct mistakes mistakes = {0};
    struct event_loss loss;
    struct sink_state state;
    TEST_ASSERT_EQUAL_INT(0, rd_kafka_mock_topic_create(cluster, "events", 1, 1));
    rd_kafka_mock_push_request_errors(cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    struct sinks *sinks = sinks_open(&options, 1, &mistakes);
    TEST_ASSERT_NOT_NULL(sinks);
    TEST_ASSERT_TRUE(sinks_start(sinks));
    for (unsigned i = 1; i <= 20; i++)
        put(sinks, i);
    TEST_ASSERT_TRUE(sinks_drain(sinks, PATIENCE_MS));
    sinks_state(sinks, 0, &state);
    TEST_ASSERT_EQUAL_UINT64(19, state.written_lines);
    TEST_ASSERT_TRUE(sinks_next_loss(sinks, true, &loss));
    TEST_ASSERT_EQUAL_UINT64(loss.first_sequence, loss.last_sequence);
    TEST_ASSERT_NOT_NULL(strstr(loss.reason, "too large"));
    sinks_close(sinks, 0);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
}

static void test_properties_are_checked(void)
{
    const char *const properties[] = {"no.such.thing=1", "acks", NULL};
    const struct sink_options options = {
        .kind = SINK_KAFKA, .brokers = "b", .topic = "t", .kafka_properties = properties};
    struct mistakes mistakes = {0};
    TEST_ASSERT_NULL(sinks_open(&options, 1, &mistakes));
    TEST_ASSERT_EQUAL_UINT(2, mistakes.count);
    mistakes_clear(&mistakes);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_lines_arrive_with_their_keys);
    RUN_TEST(test_brokers_that_are_not_there);
    RUN_TEST(test_a_message_that_the_broker_refuses);
    RUN_TEST(test_properties_are_checked);
    return UNITY_END();
}

#endif
