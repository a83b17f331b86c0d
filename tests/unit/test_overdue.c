/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_overdue.c - datagrams of which only the first fragment was captured, through the whole engine: their
 * flows are told, in time and at the end, and alike for any number of workers.
 */
#include "rolecall/engine.h"
#include "unity.h"
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>

#define START (INT64_C(1772443800) * SEC)

static struct scene *scene;
static struct engine *engine;
static char *text;
static size_t text_size;
static FILE *lines;

void setUp(void)
{
    scene = scene_create(3);
    text = NULL;
}

void tearDown(void)
{
    scene_destroy(scene);
    free(text);
}

static void keep_line(void *context, const struct event_line *line)
{
    (void)context;
    TEST_ASSERT_EQUAL_INT(1, fwrite(line->text, line->size, 1, lines));
    fputc('\n', lines);
}

/* Only what begins a datagram. */
static void give_first(void *context, const struct frame *frame)
{
    (void)context;
    struct bytes b = bytes_of(frame->at, frame->caplen);
    bytes_skip(&b, 14 + 6);
    if ((bytes_u16(&b) & 0x1fff) == 0)
        engine_frames(engine, frame, 1);
}

static void run(unsigned workers)
{
    free(text);
    lines = open_memstream(&text, &text_size);
    struct engine_options options = {
        .workers = workers, .flows_max = 4096, .every_flow = true, .line = keep_line};
    engine = engine_create(&options);
    scene_each(scene, give_first, NULL);
    engine_finish(engine);
    engine_destroy(engine);
    fclose(lines);
}

static unsigned count(const char *wanted)
{
    unsigned number = 0;
    for (const char *at = text; (at = strstr(at, wanted)); at++)
        number++;
    return number;
}

static void fragmented(unsigned number, int64_t time_ns)
{
    static const uint8_t payload[3000];
    wire_udp_fragments(scene, time_ns, end_of("10.20.4.17", (uint16_t)(20000 + number)),
                       end_of("10.20.1.11", 5060), payload, sizeof payload, 1480);
}

static void they_are_told_at_the_end(void)
{
    fragmented(1, START);
    run(1);
    TEST_ASSERT_EQUAL_INT(1,
                          count("\"dataset\": \"rolecall.flow\"") + count("\"dataset\":\"rolecall.flow\""));
    TEST_ASSERT_NOT_NULL(strstr(text, "20001"));
}

/* More than wait at the same time, over more than 30 s, between other packets. */
static void they_are_told_alike_for_any_number_of_workers(void)
{
    for (unsigned i = 0; i < 1500; i++) {
        fragmented(i, START + i * 100 * MS);
        wire_udp(scene, START + i * 100 * MS + MS, end_of("10.20.4.18", (uint16_t)(30000 + i)),
                 end_of("10.20.1.12", 3478), "\x80\x60", 2);
    }
    run(1);
    char *alone = text;
    text = NULL;
    for (unsigned i = 0; i < 1500; i++) {
        char port[16];
        snprintf(port, sizeof port, "%u", 20000 + i);
        TEST_ASSERT_NOT_NULL_MESSAGE(strstr(alone, port), port);
    }
    run(4);
    bool same = strcmp(alone, text) == 0;
    free(alone);
    TEST_ASSERT_TRUE(same);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(they_are_told_at_the_end);
    RUN_TEST(they_are_told_alike_for_any_number_of_workers);
    return UNITY_END();
}
