/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sink_frame.c - a line as each kind of output sends it: RFC 5424 header, octet count, newline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink/output.h"
#include "unity.h"

static char out[FRAME_MAX + 1];

void setUp(void)
{
    memset(out, 0, sizeof out);
}

void tearDown(void)
{
}

static const struct queue_note alert = {.sequence = 4711,
                                        .time_ns = INT64_C(1772443812118204999),
                                        .size = 2,
                                        .severity = 73,
                                        .dataset = DATASET_ALERT};

static size_t frame(struct sink_options options, struct queue_note note, const char *text)
{
    note.size = (uint32_t)strlen(text);
    size_t size = frame_line(&options, &note, text, out);
    TEST_ASSERT_TRUE(size <= FRAME_MAX);
    if (size < sizeof out) /* gcc does not see that the line above ends the test */
        out[size] = '\0';
    return size;
}

static void test_ndjson_is_the_line(void)
{
    TEST_ASSERT_EQUAL_UINT64(3, frame((struct sink_options){.kind = SINK_FILE}, alert, "{}"));
    TEST_ASSERT_EQUAL_STRING("{}\n", out);
    frame((struct sink_options){.kind = SINK_UNIX}, alert, "{}");
    TEST_ASSERT_EQUAL_STRING("{}\n", out);
    frame((struct sink_options){.kind = SINK_KAFKA}, alert, "{}");
    TEST_ASSERT_EQUAL_STRING("{}", out);
}

static void test_a_syslog_message(void)
{
    char expected[300];
    const struct sink_options options = {
        .kind = SINK_SYSLOG_TCP, .facility = 16, .hostname = "span 1\n.example"};
    size_t size = frame(options, alert, "{}");
    snprintf(expected, sizeof expected,
             "<131>1 2026-03-02T09:30:12.118204Z span1.example rolecall %ld rolecall.alert "
             "[origin software=\"rolecall\" swVersion=\"" ROLECALL_VERSION "\"][meta sequenceId=\"4711\"] {}",
             (long)getpid());
    char *body;
    TEST_ASSERT_EQUAL_UINT64(strlen(expected), strtoul(out, &body, 10));
    TEST_ASSERT_EQUAL_STRING(expected, body + 1);
    TEST_ASSERT_EQUAL_UINT64(strlen(expected) + (size_t)(body + 1 - out), size);
}

static unsigned priority_of(enum event_dataset dataset, unsigned severity, unsigned facility)
{
    struct queue_note note = alert;
    unsigned count, priority;
    note.dataset = (uint8_t)dataset;
    note.severity = (uint8_t)severity;
    frame((struct sink_options){.kind = SINK_SYSLOG_TLS, .facility = facility}, note, "{}");
    TEST_ASSERT_EQUAL_INT(2, sscanf(out, "%u <%u>1 ", &count, &priority));
    return priority;
}

static void test_priorities(void)
{
    TEST_ASSERT_EQUAL_UINT(2, priority_of(DATASET_ALERT, 99, 0));
    TEST_ASSERT_EQUAL_UINT(3, priority_of(DATASET_ALERT, 73, 0));
    TEST_ASSERT_EQUAL_UINT(4, priority_of(DATASET_ALERT, 47, 0));
    TEST_ASSERT_EQUAL_UINT(5, priority_of(DATASET_ALERT, 21, 0));
    TEST_ASSERT_EQUAL_UINT(23 * 8 + 6, priority_of(DATASET_FLOW, 0, 23));
    TEST_ASSERT_EQUAL_UINT(16 * 8 + 4, priority_of(DATASET_LOSS, 0, 16));
}

static void test_sequence_ids_stay_in_their_range(void)
{
    static const uint64_t sequences[] = {1, INT32_MAX, (uint64_t)INT32_MAX + 1};
    static const char *const ids[] = {"\"1\"]", "\"2147483647\"]", "\"1\"]"};
    for (unsigned i = 0; i < 3; i++) {
        struct queue_note note = alert;
        note.sequence = sequences[i];
        frame((struct sink_options){.kind = SINK_SYSLOG_TCP}, note, "{}");
        TEST_ASSERT_NOT_NULL(strstr(out, ids[i]));
    }
}

/* rsyslog splits what is longer than 8,096 bytes, the header counted. */
static void test_the_longest_message(void)
{
    static char text[QUEUE_LINE_MAX + 1], host[400];
    memset(text, 'x', QUEUE_LINE_MAX);
    memset(host, 'h', sizeof host - 1);
    struct queue_note note = alert;
    note.sequence = INT32_MAX;
    size_t size =
        frame((struct sink_options){.kind = SINK_SYSLOG_TCP, .facility = 23, .hostname = host}, note, text);
    TEST_ASSERT_TRUE(size <= 8096);
    TEST_ASSERT_EQUAL_STRING_LEN("xx", out + size - 2, 2);
    char *body;
    size_t counted = strtoul(out, &body, 10);
    TEST_ASSERT_EQUAL_UINT64(counted, strlen(body + 1));
}

static void test_cef(void)
{
    const struct sink_options options = {.kind = SINK_FILE, .format = SINK_CEF};
    TEST_ASSERT_TRUE(
        frame(options, alert, "{\"event\":{\"dataset\":\"rolecall.stats\",\"action\":\"stats\"}}") > 0);
    TEST_ASSERT_EQUAL_STRING("CEF:0|rolecall|rolecall||stats|Counters|0|cat=rolecall.stats\n", out);
    TEST_ASSERT_EQUAL_UINT64(0, frame(options, alert, "{}"));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_ndjson_is_the_line);
    RUN_TEST(test_a_syslog_message);
    RUN_TEST(test_priorities);
    RUN_TEST(test_sequence_ids_stay_in_their_range);
    RUN_TEST(test_the_longest_message);
    RUN_TEST(test_cef);
    return UNITY_END();
}
