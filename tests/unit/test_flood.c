/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_flood.c - three hundred thousand packets of random addresses and ports through a whole engine: flows
 * go, and are counted; the alert that was raised before is still the same one after, and is updated; what
 * nobody talked to is not accused.
 */
#include "run.h"
#include "rolecall/engine.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "talk.h"
#include "unity.h"

#include <stdlib.h>

#define CLIENT_A  "10.20.4.17"
#define CLIENT_B  "10.20.5.22"
#define FRONT_END "10.20.1.11"
#define START     (INT64_C(1772443800) * SEC)

enum { FLOOD = 300000, FRAME_SIZE = 60, SOURCE_AT = 26, PORTS_AT = 34 };

static const char site_text[] =
    "{\"site\": \"flood\", \"matrices\": [\"skype-for-business-server\"], \"hosts\": ["
    "{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]}";

static struct engine *engine;
static unsigned opened, updated, others;
static char fingerprint[2][17];

static void keep(void *context, const struct event_line *line)
{
    (void)context;
    const char *state = strstr(line->text, "\"finding\":{\"state\":\"");
    if (!state)
        return;
    if (!strstr(line->text, "\"id\":\"unexpected-port\"") || !strstr(line->text, "8089")) {
        others++;
        return;
    }
    const char *print = strstr(line->text, "\"fingerprint\":\"");
    bool is_update = strstr(state, "\"state\":\"update\"") != NULL;
    opened += strstr(state, "\"state\":\"open\"") != NULL;
    updated += is_update;
    memcpy(fingerprint[is_update], print + strlen("\"fingerprint\":\""), 16);
}

void setUp(void)
{
}

void tearDown(void)
{
}

static void hand(void *context, const struct frame *frame)
{
    (void)context;
    engine_frames(engine, frame, 1);
}

static void violate(const char *client, int64_t at)
{
    struct scene *scene = scene_create(1);
    talk_http(scene, end_of(client, 50500), end_of(FRONT_END, 8089), at);
    scene_each(scene, hand, NULL);
    scene_destroy(scene);
}

static uint64_t counter(const char *name)
{
    const char *at;
    uint64_t value = 0;
    for (unsigned i = 0; (at = engine_counter(engine, i, &value)); i++)
        if (strcmp(at, name) == 0)
            return value;
    TEST_FAIL_MESSAGE(name);
    return 0;
}

static uint8_t pattern[FRAME_SIZE];

static void keep_frame(void *context, const struct frame *frame)
{
    (void)context;
    memcpy(pattern, frame->at, FRAME_SIZE);
}

/* One UDP frame with other addresses and ports each time, 10 microseconds apart. */
static int64_t flood(int64_t now)
{
    struct scene *scene = scene_create(2);
    static const char bytes[] = "nothing that anyone knows";
    wire_udp(scene, now, end_of("198.51.100.1", 1), end_of("198.51.100.2", 2), bytes, sizeof bytes);
    scene_each(scene, keep_frame, NULL);
    scene_destroy(scene);
    uint64_t random = 88172645463325252u;
    for (unsigned i = 0; i < FLOOD; i++) {
        for (unsigned at = 0; at < 12; at += 4) { /* xorshift (Marsaglia 2003) */
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            memcpy(pattern + SOURCE_AT + at, &random, 4);
        }
        struct frame frame = {.time_ns = now += 10000,
                              .caplen = FRAME_SIZE,
                              .wirelen = FRAME_SIZE,
                              .linktype = 1,
                              .at = pattern};
        engine_frames(engine, &frame, 1);
    }
    return now;
}

static void an_alert_outlives_a_flood(void)
{
    struct mistakes mistakes = {0};
    struct rules *rules = rules_load("rules", &mistakes);
    struct site *site = site_from_text("flood", site_text, strlen(site_text), rules, &mistakes);
    struct policy *policy = policy_create(rules, site);
    TEST_ASSERT_NOT_NULL(policy);
    const struct engine_options options = {.policy = policy, .workers = 1, .flows_max = 65536, .line = keep};
    engine = engine_create(&options);
    TEST_ASSERT_NOT_NULL(engine);
    engine_tick(engine, START);
    violate(CLIENT_A, START);
    int64_t now = flood(START + 10 * SEC);
    violate(CLIENT_B, now + SEC);
    engine_tick(engine, now + 3700 * SEC);
    TEST_ASSERT_EQUAL_UINT(1, opened);
    TEST_ASSERT_EQUAL_UINT(1, updated);
    TEST_ASSERT_EQUAL_STRING_LEN(fingerprint[0], fingerprint[1], 16);
    TEST_ASSERT_EQUAL_UINT(0, others);
    TEST_ASSERT_TRUE(counter("flows_evicted") > FLOOD / 2);
    TEST_ASSERT_TRUE(counter("addresses_forgotten") > FLOOD);
    engine_finish(engine);
    const struct finding *finding = judge_finding(engine_judge(engine), 0);
    TEST_ASSERT_EQUAL_UINT64(2, finding->count);
    TEST_ASSERT_EQUAL_UINT64(2, finding->peers);
    engine_destroy(engine);
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(an_alert_outlives_a_flood);
    return UNITY_END();
}
