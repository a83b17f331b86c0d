/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sinks.c - outputs as the capture's thread uses them: while lines come as fast as they go, another
 * thread asks for the state and files are opened anew; at the end each line is in the file or counted as
 * lost. Made for ThreadSanitizer, too. What peers and disks do is tests/system/sinks.py.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rolecall/sink.h"
#include "unity.h"

enum { LINES = 60000 };

static char folder[] = "/tmp/rolecall-sinks-XXXXXX", path[100];
static struct mistakes mistakes;
static struct sinks *sinks;

void setUp(void)
{
    snprintf(path, sizeof path, "%s/events", folder);
}

void tearDown(void)
{
    sinks_close(sinks, 1000);
    sinks = NULL;
    unlink(path);
    mistakes_clear(&mistakes);
}

static void open_with(struct sink_options options)
{
    options.path = path;
    sinks = sinks_open(&options, 1, &mistakes);
    TEST_ASSERT_NOT_NULL(sinks);
    TEST_ASSERT_TRUE(sinks_memory(sinks) > options.queue_size);
    TEST_ASSERT_TRUE(sinks_start(sinks));
}

static void put(uint64_t sequence, enum event_dataset dataset, unsigned severity)
{
    char text[200];
    int size = snprintf(text, sizeof text, "{\"sequence\":%" PRIu64 ",\"padding\":\"%0150d\"}", sequence, 0);
    const struct event_line line = {.text = text,
                                    .size = (size_t)size,
                                    .dataset = dataset,
                                    .severity = severity,
                                    .sequence = sequence,
                                    .key = ""};
    sinks_line(sinks, &line);
}

/* The lines of the file: how many, and the highest sequence; each is whole and later than the one before. */
static unsigned read_lines(uint64_t *last)
{
    char line[300];
    unsigned count = 0;
    FILE *file = fopen(path, "r");
    TEST_ASSERT_NOT_NULL(file);
    *last = 0;
    while (fgets(line, sizeof line, file)) {
        uint64_t sequence;
        TEST_ASSERT_EQUAL_INT(1, sscanf(line, "{\"sequence\":%" SCNu64 ",", &sequence));
        TEST_ASSERT_EQUAL_STRING("0\"}\n", line + strlen(line) - 4);
        TEST_ASSERT_TRUE(sequence > *last);
        *last = sequence;
        count++;
    }
    fclose(file);
    return count;
}

static uint64_t all_lost(const struct sink_state *state)
{
    uint64_t lost = 0;
    for (unsigned i = 0; i < DATASET_COUNT; i++)
        lost += state->lost[i];
    return lost;
}

static bool asking;
static pthread_mutex_t asking_lock = PTHREAD_MUTEX_INITIALIZER;

static bool still_asking(void)
{
    pthread_mutex_lock(&asking_lock);
    bool still = asking;
    pthread_mutex_unlock(&asking_lock);
    return still;
}

static void *ask(void *unused)
{
    uint64_t progress = 0;
    (void)unused;
    while (still_asking()) {
        struct sink_state state;
        sinks_state(sinks, 0, &state);
        if (state.progress < progress || state.queued_bytes > state.queue_size)
            return (void *)1;
        progress = state.progress;
        usleep(100);
    }
    return NULL;
}

static void test_every_line_is_written_or_counted(void)
{
    uint64_t sequence = 0, told = 0, last;
    struct event_loss loss;
    struct sink_state state;
    pthread_t asker;
    void *wrong;
    asking = true;
    open_with((struct sink_options){.kind = SINK_FILE, .queue_size = SINK_QUEUE_MIN});
    TEST_ASSERT_EQUAL_INT(0, pthread_create(&asker, NULL, ask, NULL));
    while (sequence < LINES) {
        sequence++;
        put(sequence, sequence % 50 ? DATASET_FLOW : DATASET_ALERT, 73);
        if (sequence % 5000 == 0)
            sinks_reopen(sinks);
    }
    TEST_ASSERT_TRUE(sinks_drain(sinks, 10000));
    pthread_mutex_lock(&asking_lock);
    asking = false;
    pthread_mutex_unlock(&asking_lock);
    pthread_join(asker, &wrong);
    TEST_ASSERT_NULL(wrong);
    sinks_state(sinks, 0, &state);
    while (sinks_next_loss(sinks, true, &loss)) {
        for (unsigned i = 0; i < DATASET_COUNT; i++)
            told += loss.lost[i];
        TEST_ASSERT_TRUE(loss.first_sequence >= 1 && loss.last_sequence <= LINES);
        TEST_ASSERT_EQUAL_STRING("file", loss.output);
    }
    TEST_ASSERT_EQUAL_UINT64(all_lost(&state), told);
    TEST_ASSERT_EQUAL_UINT64(LINES - told, state.written_lines);
    TEST_ASSERT_EQUAL_UINT64(LINES - told, read_lines(&last));
    TEST_ASSERT_EQUAL_INT(SINK_OK, state.health);
}

static void test_only_what_is_wanted(void)
{
    uint64_t last;
    open_with((struct sink_options){.kind = SINK_FILE,
                                    .datasets = 1u << DATASET_ALERT, /* and losses */
                                    .min_severity = 47});
    put(1, DATASET_FLOW, 0);
    put(2, DATASET_ALERT, 21);
    put(3, DATASET_ALERT, 47);
    put(4, DATASET_LOSS, 0);
    put(5, DATASET_ALERT, 99);
    TEST_ASSERT_TRUE(sinks_drain(sinks, 10000));
    TEST_ASSERT_EQUAL_UINT64(3, read_lines(&last));
    TEST_ASSERT_EQUAL_UINT64(5, last);
}

static void test_what_cannot_be_opened_is_told_together(void)
{
    const struct sink_options options[] = {{.kind = SINK_FILE, .path = "/nowhere/a"},
                                           {.kind = SINK_SYSLOG_TLS, .host = "h", .ca_file = "/nowhere/ca"},
                                           {.kind = SINK_FILE, .path = "/nowhere/b"}};
    TEST_ASSERT_NULL(sinks_open(options, 3, &mistakes));
    TEST_ASSERT_EQUAL_UINT(3, mistakes.count);
}

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    UNITY_BEGIN();
    RUN_TEST(test_every_line_is_written_or_counted);
    RUN_TEST(test_only_what_is_wanted);
    RUN_TEST(test_what_cannot_be_opened_is_told_together);
    int failed = UNITY_END();
    rmdir(folder);
    return failed;
}
