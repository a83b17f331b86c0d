/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_engine_bounds.c - exceeds the bounds of the packet's way through a whole engine: what had to go is in
 * the engine's own counters, and no flow whose end was not heard passes. The judge's bounds are exceeded in
 * test_bounds.c, those of the pools in test_identify.c, test_fragment.c and test_flow.c.
 */
#include "run.h"
#include "rolecall/engine.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "talk.h"
#include "unity.h"

#include <stdlib.h>

#define FRONT_END "10.20.1.11"
#define START     (INT64_C(1772443800) * SEC)

static const char site_text[] =
    "{\"site\": \"bounds\", \"matrices\": [\"skype-for-business-server\"], \"hosts\": ["
    "{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]}";

static struct mistakes mistakes;
static struct rules *rules;
static struct site *site;
static struct policy *policy;
static struct engine *engine;
static struct scene *scene;
static unsigned ended[FLOW_END_EVICTED + 1][VERDICT_COUNT];

static void flow_over(void *context, const struct judge_flow *in, const struct verdict *verdict,
                      enum flow_end end)
{
    (void)context;
    (void)in;
    ended[end][verdict->status]++;
}

static void line(void *context, const struct event_line *told)
{
    (void)context;
    TEST_ASSERT_TRUE(told->size > 0);
}

void setUp(void)
{
    memset(ended, 0, sizeof ended);
    rules = rules_load(ROLECALL_SOURCE_DIR "/rules", &mistakes);
    site = rules ? site_from_text("bounds", site_text, strlen(site_text), rules, &mistakes) : NULL;
    policy = site ? policy_create(rules, site) : NULL;
    TEST_ASSERT_NOT_NULL(policy);
    engine = engine_create(&(struct engine_options){
        .policy = policy, .workers = 1, .flows_max = 1024, .line = line, .flow_over = flow_over});
    TEST_ASSERT_NOT_NULL(engine);
    scene = scene_create(1);
}

void tearDown(void)
{
    scene_destroy(scene);
    engine_destroy(engine);
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static void feed(void *context, const struct frame *frame)
{
    (void)context;
    engine_frames(engine, frame, 1);
}

static void play(void)
{
    scene_each(scene, feed, NULL);
    engine_finish(engine);
}

static uint64_t counter(const char *name)
{
    uint64_t value = 0;
    const char *found;
    for (unsigned i = 0; (found = engine_counter(engine, i, &value)); i++)
        if (strcmp(found, name) == 0)
            return value;
    TEST_FAIL_MESSAGE(name);
    return 0;
}

static struct end client(unsigned n, uint16_t port)
{
    return (struct end){addr_v4((uint8_t[]){10, 20, (uint8_t)(4 + n / 250 % 4), (uint8_t)(1 + n % 250)}),
                        port};
}

/* Connections that stand, without a word yet, and more of them than there is room for. */
static void flows(void)
{
    enum { COUNT = 4000 };
    for (unsigned i = 0; i < COUNT; i++) {
        struct tcp tcp =
            tcp_between(scene, client(i, (uint16_t)(30000 + i)), end_of(FRONT_END, 5061), START + i * MS);
        tcp_handshake(&tcp);
    }
    play();
    TEST_ASSERT_TRUE(counter("flows_evicted") > COUNT - 1024 - 1);
    TEST_ASSERT_TRUE(ended[FLOW_END_EVICTED][VERDICT_INCONCLUSIVE] > COUNT / 2);
    TEST_ASSERT_EQUAL_UINT(0, ended[FLOW_END_EVICTED][VERDICT_PASS]);
    TEST_ASSERT_EQUAL_UINT(0, ended[FLOW_END_EVICTED][VERDICT_FAIL]);
}

/* An attempt that an eviction cut short has no third try, and no silence. */
static void attempts(void)
{
    for (unsigned i = 0; i < 4000; i++)
        tcp_silent(scene, client(i, (uint16_t)(30000 + i)), end_of(FRONT_END, 5061), START + i * MS, 1);
    play();
    TEST_ASSERT_TRUE(counter("flows_evicted") > 0);
    for (unsigned end = 0; end <= FLOW_END_EVICTED; end++) {
        TEST_ASSERT_EQUAL_UINT(0, ended[end][VERDICT_PASS]);
        TEST_ASSERT_EQUAL_UINT(0, ended[end][VERDICT_FAIL]);
    }
}

static void datagrams_in_parts(void)
{
    static const uint8_t payload[2000];
    for (unsigned i = 0; i < 1000; i++)
        wire_udp_fragments(scene, START + i * MS, client(i, 50000), end_of(FRONT_END, 3478), payload,
                           sizeof payload, 1000);
    for (size_t n = scene->count / 3; n-- > 0;) { /* the last part of each is lost */
        struct wire_record *last = &scene->records[3 * n + 2];
        free(last->bytes);
        memmove(last, last + 1, (scene->count - 3 * n - 3) * sizeof *last);
        scene->count--;
    }
    play();
    TEST_ASSERT_TRUE(counter("fragments_evicted") > 0);
    for (unsigned end = 0; end <= FLOW_END_EVICTED; end++)
        TEST_ASSERT_EQUAL_UINT(0, ended[end][VERDICT_PASS]);
}

static void esp_associations(void)
{
    for (uint32_t i = 0; i < 6000; i++)
        wire_esp(scene, START + i * MS, client(0, 0).addr, end_of(FRONT_END, 0).addr, 4096 + i, 1, 64);
    play();
    TEST_ASSERT_TRUE(counter("esp_forgotten") > 6000 - 4096 - 1);
}

static void a_frame_beyond_all_sizes(void)
{
    enum { SIZE = 300000 };
    uint8_t *bytes = calloc(1, SIZE);
    TEST_ASSERT_NOT_NULL(bytes);
    struct frame frame = {.time_ns = START, .at = bytes, .caplen = SIZE, .wirelen = SIZE, .linktype = 1};
    engine_frames(engine, &frame, 1);
    engine_finish(engine);
    free(bytes);
    TEST_ASSERT_EQUAL_UINT64(1, counter("oversized"));
}

static void interfaces(void)
{
    for (unsigned i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "if%u", i);
        struct capture_told told = {.interface = name, .received = 1000};
        engine_capture_told(engine, &told, START + SEC);
    }
    TEST_ASSERT_EQUAL_UINT64(8, counter("interfaces_refused"));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(flows);
    RUN_TEST(attempts);
    RUN_TEST(datagrams_in_parts);
    RUN_TEST(esp_associations);
    RUN_TEST(a_frame_beyond_all_sizes);
    RUN_TEST(interfaces);
    return UNITY_END();
}
