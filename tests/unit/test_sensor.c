/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sensor.c - what the sensor knows of its own sight (DESIGN 5.4 and 6): packets lost by an interface,
 * interfaces that fall silent, streams with holes, packets that are shown twice.
 */
#include "run.h"
#include "rolecall/judge.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>

#define CLIENT_A  "10.20.4.17"
#define FRONT_END "10.20.1.11"
#define START     (INT64_C(1772443800) * SEC)

static const char site[] =
    "{\"site\": \"sensor\", \"matrices\": [\"skype-for-business-server\"],"
    "\"hosts\": [{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]}";

static struct judge *judge;
static struct finding told[8]; /* as they were told, in order */
static unsigned told_count;

static void keep(void *context, const struct finding *finding)
{
    (void)context;
    if (told_count < 8)
        told[told_count] = *finding;
    told_count++;
}

void setUp(void)
{
    told_count = 0;
    judge = judge_create(&(struct judge_options){.flow_slots = 4, .told = keep});
    TEST_ASSERT_NOT_NULL(judge);
}

void tearDown(void)
{
    judge_destroy(judge);
}

static void say(const char *interface, unsigned second, uint64_t received, uint64_t ring, uint64_t card)
{
    judge_capture(judge, &(struct capture_told){interface, received, ring, card, 0, 0}, START + second * SEC);
}

static void a_loss_of_one_in_a_thousand_is_told_once(void)
{
    say("ens1", 0, 0, 0, 0);
    say("ens1", 59, 9990, 6, 4);
    TEST_ASSERT_EQUAL_UINT(0, told_count);
    say("ens1", 60, 9990, 6, 4);
    TEST_ASSERT_EQUAL_UINT(1, told_count);
    TEST_ASSERT_EQUAL_INT(FINDING_CAPTURE_LOSS, told[0].id);
    TEST_ASSERT_EQUAL_INT(FINDING_OPEN, told[0].state);
    TEST_ASSERT_EQUAL_INT(47, told[0].severity);
    TEST_ASSERT_EQUAL_UINT64(10, told[0].count);
    TEST_ASSERT_TRUE(told[0].is_sensor);
    TEST_ASSERT_EQUAL_STRING("ens1", told[0].interface);
    TEST_ASSERT_EQUAL_STRING("packet", finding_unit(&told[0]));
    TEST_ASSERT_NOT_NULL(strstr(told[0].reason, "ens1 lost 10 of 10000 packets"));
    say("ens1", 120, 10000, 16, 4);
    judge_finish(judge, START + 130 * SEC);
    TEST_ASSERT_EQUAL_UINT(2, told_count);
    TEST_ASSERT_EQUAL_INT(FINDING_CLOSE, told[1].state);
    TEST_ASSERT_EQUAL_UINT64(20, told[1].count);
}

static void a_smaller_loss_is_no_finding(void)
{
    say("ens1", 0, 0, 0, 0);
    say("ens1", 60, 9991, 9, 0);
    judge_finish(judge, START + 61 * SEC);
    TEST_ASSERT_EQUAL_UINT(0, told_count);
}

static void the_last_window_counts_too(void)
{
    say("ens1", 0, 0, 0, 0);
    say("ens1", 5, 100, 50, 0);
    judge_finish(judge, START + 6 * SEC);
    TEST_ASSERT_EQUAL_UINT(2, told_count);
    TEST_ASSERT_EQUAL_UINT64(50, told[1].count);
}

static void interfaces_are_told_apart(void)
{
    say("ens1", 0, 0, 0, 0);
    say("ens2", 0, 0, 0, 0);
    say("ens1", 60, 1000, 0, 0);
    say("ens2", 60, 1000, 0, 500);
    TEST_ASSERT_EQUAL_UINT(1, told_count);
    TEST_ASSERT_EQUAL_STRING("ens2", told[0].interface);
}

static void an_interface_that_was_opened_again_counts_anew(void)
{
    say("ens1", 0, 0, 0, 0);
    say("ens1", 60, 100000, 20, 0);
    say("ens1", 61, 10, 0, 0);
    say("ens1", 121, 1000, 10, 0);
    TEST_ASSERT_EQUAL_UINT(1, told_count);
    TEST_ASSERT_EQUAL_UINT64(10, told[0].count);
}

static void hush(unsigned second, int64_t silent_ns)
{
    judge_capture(judge, &(struct capture_told){"ens1", 10, 0, 0, silent_ns, 0}, START + second * SEC);
}

static void silence_is_told_after_a_minute(void)
{
    hush(0, 0);
    hush(59, 59 * SEC);
    TEST_ASSERT_EQUAL_UINT(0, told_count);
    hush(60, 60 * SEC);
    hush(61, 61 * SEC);
    TEST_ASSERT_EQUAL_UINT(1, told_count);
    TEST_ASSERT_EQUAL_INT(FINDING_CAPTURE_SILENT, told[0].id);
    TEST_ASSERT_NOT_NULL(strstr(told[0].reason, "ens1 has shown no packet for 60 s"));
}

static void silence_is_over_when_packets_come(void)
{
    hush(0, 0);
    hush(60, 60 * SEC);
    hush(89, 89 * SEC);
    hush(90, SEC / 2);
    TEST_ASSERT_EQUAL_UINT(2, told_count);
    TEST_ASSERT_EQUAL_INT(FINDING_CLOSE, told[1].state);
    TEST_ASSERT_EQUAL_INT64(START + 90 * SEC, told[1].told_ns);
    TEST_ASSERT_EQUAL_INT64(START + 89 * SEC, told[1].last_seen_ns);
    TEST_ASSERT_EQUAL_UINT64(1, told[1].count);
    TEST_ASSERT_NOT_NULL(strstr(told[1].reason, "packets again, after 89 s"));
    hush(91, 0);
    TEST_ASSERT_EQUAL_UINT(2, told_count);
}

static void the_next_silence_is_another_finding(void)
{
    hush(0, 0);
    hush(60, 60 * SEC);
    hush(70, 0);
    hush(140, 70 * SEC);
    TEST_ASSERT_EQUAL_UINT(3, told_count);
    TEST_ASSERT_EQUAL_INT(FINDING_OPEN, told[2].state);
    TEST_ASSERT_EQUAL_HEX64(told[0].fingerprint, told[2].fingerprint);
    judge_finish(judge, START + 141 * SEC);
    TEST_ASSERT_EQUAL_UINT(4, told_count);
    TEST_ASSERT_EQUAL_INT(FINDING_CLOSE, told[3].state);
    TEST_ASSERT_EQUAL_UINT64(1, told[3].count);
    TEST_ASSERT_EQUAL_INT64(START + 140 * SEC, told[3].last_seen_ns);
}

static void more_interfaces_than_there_is_room_for_are_left_alone(void)
{
    char name[INTERFACE_NAME_SIZE];
    for (unsigned i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "eth%u", i);
        say(name, 0, 0, 0, 0);
        say(name, 60, 10, 10, 0);
    }
    TEST_ASSERT_EQUAL_UINT(32, told_count);
}

static int64_t calls(struct scene *scene, unsigned count)
{
    int64_t now = START;
    for (unsigned i = 0; i < count; i++)
        now = talk_mtls(scene, end_of(CLIENT_A, (uint16_t)(50000 + i)), end_of(FRONT_END, 5061), now) + SEC;
    return now;
}

static void packets_that_are_shown_twice_are_told_once(void)
{
    struct scene *scene = scene_create(1);
    scene->mirrored = true;
    calls(scene, 3);
    struct run *run = run_scene(site, scene, 1);
    TEST_ASSERT_EQUAL_STRING("duplicate-packets", run_findings(run));
    const cJSON *alert = run_alert(run, "duplicate-packets");
    TEST_ASSERT_EQUAL_INT(47, (int)number_at(alert, "event.severity"));
    TEST_ASSERT_EQUAL_STRING("", text_at(alert, "source.ip"));
    TEST_ASSERT_EQUAL_STRING("", text_at(alert, "observer.ingress.interface.name"));
    const cJSON *close = run_event(run, "rolecall.alert", 1);
    TEST_ASSERT_EQUAL_STRING("close", text_at(close, "rolecall.finding.state"));
    double duplicates = 0;
    for (unsigned i = 0; run_event(run, "rolecall.flow", i); i++)
        duplicates += number_at(run_event(run, "rolecall.flow", i), "rolecall.flow.duplicates");
    TEST_ASSERT_EQUAL_INT((int)duplicates, (int)number_at(close, "rolecall.finding.count"));
    run_destroy(run);
    scene_destroy(scene);
}

static void an_ordinary_capture_says_nothing_of_itself(void)
{
    struct scene *scene = scene_create(1);
    calls(scene, 40);
    struct run *run = run_scene(site, scene, 1);
    TEST_ASSERT_EQUAL_STRING("", run_findings(run));
    run_destroy(run);
    scene_destroy(scene);
}

static void streams_with_holes_are_told(void)
{
    struct scene *scene = scene_create(1);
    calls(scene, 60);
    scene_lose(scene, 10);
    struct run *run = run_scene(site, scene, 1);
    const cJSON *alert = run_alert(run, "capture-loss");
    TEST_ASSERT_NOT_NULL(alert);
    TEST_ASSERT_NOT_NULL(strstr(text_at(alert, "event.reason"), "TCP streams have holes"));
    run_destroy(run);
    scene_destroy(scene);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(a_loss_of_one_in_a_thousand_is_told_once);
    RUN_TEST(a_smaller_loss_is_no_finding);
    RUN_TEST(the_last_window_counts_too);
    RUN_TEST(interfaces_are_told_apart);
    RUN_TEST(an_interface_that_was_opened_again_counts_anew);
    RUN_TEST(silence_is_told_after_a_minute);
    RUN_TEST(silence_is_over_when_packets_come);
    RUN_TEST(the_next_silence_is_another_finding);
    RUN_TEST(more_interfaces_than_there_is_room_for_are_left_alone);
    RUN_TEST(packets_that_are_shown_twice_are_told_once);
    RUN_TEST(an_ordinary_capture_says_nothing_of_itself);
    RUN_TEST(streams_with_holes_are_told);
    return UNITY_END();
}
