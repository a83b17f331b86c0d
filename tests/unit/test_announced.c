/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_announced.c - a few packets are media where SDP has announced their end, and nothing anywhere else
 * (PROTOCOLS 4.2); and the same for any number of workers, because flow and call are different address pairs.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>

#define START   (INT64_C(1772443800) * SEC)
#define CALLER  "10.20.4.17"
#define GATEWAY "10.20.1.99"
#define TRUNK   "10.20.1.31"
#define ELSE    "10.20.7.7"

static struct scene *scene;
static struct run *run;

void setUp(void)
{
    scene = scene_create(1);
    run = NULL;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

/* The call of CALLER's server with TRUNK, whose SDP has CALLER:50020 and GATEWAY:50040. */
static int64_t call(int64_t start_ns)
{
    return talk_sip_call(scene, end_of(ELSE, 40000), end_of(TRUNK, 5060), start_ns, end_of(CALLER, 50020),
                         end_of(GATEWAY, 50040));
}

static int64_t media(const char *from, uint16_t from_port, const char *to, uint16_t to_port, int64_t start_ns,
                     unsigned packets)
{
    struct rtp_talk how = {.one_way = true, .packets = packets};
    return talk_rtp(scene, end_of(from, from_port), end_of(to, to_port), start_ns, &how);
}

static void assert_flow(const char *from, uint16_t from_port, const char *to, uint16_t to_port,
                        const char *protocol, int evidence)
{
    const cJSON *event = run_flow(run, end_of(from, from_port), end_of(to, to_port));
    TEST_ASSERT_NOT_NULL(event);
    TEST_ASSERT_EQUAL_STRING(protocol, text_at(event, "network.protocol"));
    TEST_ASSERT_EQUAL_INT(evidence, (int)number_at(event, "rolecall.flow.evidence"));
}

static void assert_modality(const char *modality)
{
    const cJSON *event = run_flow(run, end_of(CALLER, 50020), end_of(GATEWAY, 50040));
    TEST_ASSERT_EQUAL_STRING(modality, text_at(event, "rolecall.modality"));
}

static void test_one_packet_to_an_announced_end_is_media(void)
{
    int64_t now = call(START);
    media(CALLER, 50020, GATEWAY, 50040, now, 1);
    media(ELSE, 50000, GATEWAY, 50040, now, 2); /* one end is enough: the other may be behind a NAT */
    media(CALLER, 50022, GATEWAY, 50044, now, 2);
    run = run_scene(NULL, scene, 1);
    assert_flow(CALLER, 50020, GATEWAY, 50040, "rtp", 2);
    assert_modality("audio"); /* as the SDP has it: one packet says nothing of it */
    assert_flow(ELSE, 50000, GATEWAY, 50040, "rtp", 2);
    assert_flow(CALLER, 50022, GATEWAY, 50044, "unidentified", 0);
}

static void test_media_before_its_call_is_named_when_the_flow_ends(void)
{
    media(CALLER, 50020, GATEWAY, 50040, START, 2);
    call(START + SEC);
    run = run_scene(NULL, scene, 1);
    assert_flow(CALLER, 50020, GATEWAY, 50040, "rtp", 2);
}

/* Every packet has to look like it: one that does not ends the guess for good. */
static void test_an_announced_end_alone_names_nothing(void)
{
    int64_t now = call(START);
    media(CALLER, 50020, GATEWAY, 50040, now, 1);
    wire_udp(scene, now + SEC, end_of(CALLER, 50020), end_of(GATEWAY, 50040), "this is text", 12);
    media(CALLER, 50020, GATEWAY, 50040, now + 2 * SEC, 2);
    run = run_scene(NULL, scene, 1);
    assert_flow(CALLER, 50020, GATEWAY, 50040, "unidentified", 0);
}

static void test_any_number_of_workers_tells_the_same(void)
{
    int64_t now = START;
    for (unsigned i = 0; i < 40; i++) { /* before, after and between, over many batches */
        char caller[32];
        snprintf(caller, sizeof caller, "10.20.5.%u", i + 1);
        media(caller, 50020, GATEWAY, 50040, now, 1 + i % 3);
        now = talk_sip_call(scene, end_of(ELSE, (uint16_t)(40000 + i)), end_of(TRUNK, 5060), now,
                            end_of(caller, 50020), end_of("10.20.1.98", 50040));
        media(caller, 50020, "10.20.1.98", 50050, now, 1 + i % 3);
    }
    run = run_scene(NULL, scene, 1);
    for (unsigned workers = 2; workers <= 4; workers += 2) {
        struct run *other = run_scene(NULL, scene, workers);
        TEST_ASSERT_EQUAL_STRING(run->text, other->text);
        run_destroy(other);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_one_packet_to_an_announced_end_is_media);
    RUN_TEST(test_media_before_its_call_is_named_when_the_flow_ends);
    RUN_TEST(test_an_announced_end_alone_names_nothing);
    RUN_TEST(test_any_number_of_workers_tells_the_same);
    return UNITY_END();
}
