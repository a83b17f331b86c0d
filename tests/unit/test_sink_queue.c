/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sink_queue.c - the queue of an output: order, what is shed for what, and that every line is somewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink/queue.h"
#include "unity.h"

enum { LOST_MAX = 4096 };

static struct queue *queue;
static struct queue_note lost[LOST_MAX];
static unsigned lost_count;
static uint64_t sequence;

static void take_lost(void *context, const struct queue_note *note)
{
    TEST_ASSERT_TRUE(context == &lost_count);
    TEST_ASSERT_TRUE(lost_count < LOST_MAX);
    lost[lost_count++] = *note;
}

void setUp(void)
{
    lost_count = 0;
    sequence = 0;
}

void tearDown(void)
{
    queue_destroy(queue);
    queue = NULL;
}

static void put(enum event_dataset dataset, size_t size)
{
    char text[QUEUE_LINE_MAX + 1];
    memset(text, (int)('a' + ++sequence % 26), size);
    text[size] = '\0';
    const struct event_line line = {.text = text,
                                    .size = size,
                                    .dataset = dataset,
                                    .severity = 73,
                                    .sequence = sequence,
                                    .time_ns = (int64_t)sequence * 1000,
                                    .key = "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz4="};
    queue_put(queue, &line, take_lost, &lost_count);
}

/* Its sequence; the text is what was put. 0: the queue is empty. */
static uint64_t take(void)
{
    char text[QUEUE_LINE_MAX];
    struct queue_note note;
    if (!queue_take(queue, &note, text))
        return 0;
    for (size_t i = 0; i < note.size; i++)
        TEST_ASSERT_EQUAL_INT('a' + note.sequence % 26, text[i]);
    TEST_ASSERT_EQUAL_INT64(note.sequence * 1000, note.time_ns);
    TEST_ASSERT_EQUAL_STRING("1:hO+sN4H+MG5MY/8hIrXPqc4ZQz4=", note.key);
    return note.sequence;
}

static void test_lines_of_any_size_leave_as_they_came(void)
{
    static const size_t sizes[] = {0, 1, 100, 176, 177, 178, 255, 256, 257, 512, 3000, 7599, 7600};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    static const enum event_dataset datasets[] = {DATASET_FLOW, DATASET_ALERT, DATASET_STATS, DATASET_LOSS};
    queue = queue_create(64 << 10);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < COUNT; i++)
            put(datasets[(i + round) % 4], sizes[i]);
        TEST_ASSERT_EQUAL_UINT64(COUNT, queue_lines(queue));
        for (unsigned i = 0; i < COUNT; i++)
            TEST_ASSERT_EQUAL_UINT64(round * COUNT + i + 1, take());
        TEST_ASSERT_EQUAL_UINT64(0, take());
        TEST_ASSERT_EQUAL_UINT64(0, queue_used(queue));
    }
    TEST_ASSERT_EQUAL_UINT(0, lost_count);
}

static void test_a_full_queue_refuses_flows(void)
{
    queue = queue_create(10 * 1024);
    for (unsigned i = 0; i < 12; i++)
        put(DATASET_FLOW, 900); /* four blocks each */
    TEST_ASSERT_EQUAL_UINT(2, lost_count);
    TEST_ASSERT_EQUAL_UINT64(11, lost[0].sequence);
    TEST_ASSERT_EQUAL_UINT64(12, lost[1].sequence);
    TEST_ASSERT_EQUAL_UINT64(queue_size(queue), queue_used(queue));
    TEST_ASSERT_EQUAL_UINT64(1, take());
    put(DATASET_FLOW, 900);
    TEST_ASSERT_EQUAL_UINT(2, lost_count);
}

/* Flows go first, the oldest of them; then metrics and episodes; alerts and losses stay. */
static void test_what_is_shed_for_what(void)
{
    queue = queue_create(10 * 1024);
    put(DATASET_ALERT, 900);
    put(DATASET_FLOW, 900);
    put(DATASET_STATS, 900);
    put(DATASET_FLOW, 900);
    put(DATASET_IPSEC, 900);
    put(DATASET_LOSS, 900);
    for (unsigned i = 0; i < 4; i++)
        put(DATASET_COVERAGE, 900);
    TEST_ASSERT_EQUAL_UINT(0, lost_count);
    for (unsigned i = 0; i < 8; i++)
        put(DATASET_ALERT, 900);
    static const uint64_t shed[] = {2, 4, 3, 5, 7, 8, 9, 10};
    TEST_ASSERT_EQUAL_UINT(8, lost_count);
    for (unsigned i = 0; i < 8; i++)
        TEST_ASSERT_EQUAL_UINT64(shed[i], lost[i].sequence);
    put(DATASET_ALERT, 900); /* nothing lower is left */
    TEST_ASSERT_EQUAL_UINT64(19, lost[8].sequence);
    TEST_ASSERT_EQUAL_INT(DATASET_ALERT, lost[8].dataset);
    put(DATASET_STATS, 900);
    TEST_ASSERT_EQUAL_UINT64(20, lost[9].sequence);
    static const uint64_t left[] = {1, 6, 11, 12, 13, 14, 15, 16, 17, 18};
    for (unsigned i = 0; i < 10; i++)
        TEST_ASSERT_EQUAL_UINT64(left[i], take());
    TEST_ASSERT_EQUAL_UINT64(0, take());
}

/* A line that would not fit even so costs nobody else. */
static void test_nothing_is_shed_in_vain(void)
{
    queue = queue_create(4 * 1024);
    put(DATASET_ALERT, 900);
    put(DATASET_ALERT, 900);
    put(DATASET_FLOW, 900);
    put(DATASET_FLOW, 900);
    put(DATASET_ALERT, 3000);
    TEST_ASSERT_EQUAL_UINT(1, lost_count);
    TEST_ASSERT_EQUAL_UINT64(5, lost[0].sequence);
    TEST_ASSERT_EQUAL_UINT64(4, queue_lines(queue));
    put(DATASET_ALERT, 1900);
    TEST_ASSERT_EQUAL_UINT(3, lost_count);
    TEST_ASSERT_EQUAL_UINT64(3, lost[1].sequence);
    TEST_ASSERT_EQUAL_UINT64(4, lost[2].sequence);
}

static void test_all_can_be_lost(void)
{
    queue = queue_create(64 << 10);
    for (unsigned i = 0; i < 20; i++)
        put(i % 2 ? DATASET_FLOW : DATASET_ALERT, 300);
    queue_shed_all(queue, take_lost, &lost_count);
    TEST_ASSERT_EQUAL_UINT(20, lost_count);
    TEST_ASSERT_EQUAL_UINT64(0, queue_used(queue));
}

/* Each line is taken, lost or left, once; those taken are in order. */
static void test_random_use_accounts_for_every_line(void)
{
    static unsigned char seen[40001];
    unsigned state = 4711, taken = 0;
    uint64_t last = 0, at;
    memset(seen, 0, sizeof seen);
    queue = queue_create(64 << 10);
    for (unsigned i = 0; i < 40000; i++) {
        state = state * 1664525u + 1013904223u;
        put((enum event_dataset)((state >> 10) % DATASET_COUNT), (state >> 16) % 1200);
        for (unsigned n = (state >> 28) % 2; n && (at = take()); n--) {
            TEST_ASSERT_TRUE(at > last);
            TEST_ASSERT_EQUAL_INT(0, seen[at]++);
            last = at;
            taken++;
        }
        for (unsigned l = 0; l < lost_count; l++)
            TEST_ASSERT_EQUAL_INT(0, seen[lost[l].sequence]++);
        lost_count = 0;
    }
    while ((at = take()))
        TEST_ASSERT_EQUAL_INT(0, seen[at]++);
    for (unsigned i = 1; i <= 40000; i++)
        TEST_ASSERT_EQUAL_INT(1, seen[i]);
    TEST_ASSERT_TRUE(taken > 10000);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_lines_of_any_size_leave_as_they_came);
    RUN_TEST(test_a_full_queue_refuses_flows);
    RUN_TEST(test_what_is_shed_for_what);
    RUN_TEST(test_nothing_is_shed_in_vain);
    RUN_TEST(test_all_can_be_lost);
    RUN_TEST(test_random_use_accounts_for_every_line);
    return UNITY_END();
}
