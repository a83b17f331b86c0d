/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_disturbed.c - what the media of two addresses says of their IPsec episode while both go on (DESIGN 7):
 * what was lost since the first request, silence, and how soon the finding's severity rises.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>
#include <string.h>

#define CLIENT    "10.20.4.17"
#define FRONT_END "10.20.1.11"
#define START     (INT64_C(1772443800) * SEC) /* 2026-03-02T09:30:00Z */

enum { PACKETS = 500, APART_MS = 20, BYTES = 172 };

static const char site[] =
    "{\"site\": \"disturbed\", \"matrices\": [\"skype-for-business-server\"],"
    "\"hosts\": [{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]}";

static struct scene *scene;
static struct run *run;

void setUp(void)
{
    scene = scene_create(3);
    run = NULL;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

static void say(struct end from, struct end to, unsigned number, int64_t at)
{
    uint8_t rtp[BYTES] = {0x80, 0, (uint8_t)(number >> 8), (uint8_t)number};
    unsigned timestamp = number * 160;
    rtp[5] = (uint8_t)(timestamp >> 16);
    rtp[6] = (uint8_t)(timestamp >> 8);
    rtp[7] = (uint8_t)timestamp;
    rtp[11] = 7;
    wire_udp(scene, at, from, to, rtp, sizeof rtp);
}

/* Ten seconds of audio both ways, a packet each 20 ms; `late_ms`: of one of the client's, lost where it is
 * negative. */
static void talk_audio(int late_ms(unsigned number))
{
    struct end client = end_of(CLIENT, 50020), server = end_of(FRONT_END, 57600);
    for (unsigned i = 0; i < PACKETS; i++) {
        int64_t at = START + i * APART_MS * MS;
        if (late_ms(i) >= 0)
            say(client, server, i, at + late_ms(i) * MS);
        say(server, client, i, at + 5 * MS);
    }
}

static void request_at(int64_t ms)
{
    talk_ikev2(scene, end_of(CLIENT, 0).addr, end_of(FRONT_END, 0).addr, START + ms * MS);
}

/* The same with any number of workers. */
static void judge(void)
{
    struct run *more = run_scene(site, scene, 4);
    run = run_scene(site, scene, 1);
    TEST_ASSERT_EQUAL_STRING(run->text, more->text);
    run_destroy(more);
}

static void check(int lost, int severity)
{
    const cJSON *episode = run_event(run, "rolecall.ipsec", 0), *alert = NULL;
    for (unsigned i = 0; run_event(run, "rolecall.alert", i); i++)
        alert = run_event(run, "rolecall.alert", i);
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
    TEST_ASSERT_EQUAL_INT(lost, (int)number_at(episode, "rolecall.ipsec.media_packets_lost"));
    TEST_ASSERT_EQUAL_INT(lost, (int)number_at(alert, "rolecall.ipsec.media_packets_lost"));
    TEST_ASSERT_EQUAL_INT(severity, (int)number_at(alert, "event.severity"));
}

/* When the finding was first told as severe. */
static const char *risen(void)
{
    for (unsigned i = 0; run_event(run, "rolecall.alert", i); i++)
        if (number_at(run_event(run, "rolecall.alert", i), "event.severity") > 47)
            return text_at(run_event(run, "rolecall.alert", i), "@timestamp");
    return "";
}

static int lost_around_the_request(unsigned number)
{
    bool before = (number >= 30 && number < 35) || number == 99; /* the last is missed at 2.000 s */
    bool after = number == 101 || (number >= 200 && number < 204);
    return before || after ? -1 : 0;
}

static void what_was_lost_since_the_request_counts(void)
{
    talk_audio(lost_around_the_request);
    request_at(2001);
    judge();
    check(5, 73);
}

static int lost_before(unsigned number)
{
    return number == 50 || number == 99 ? -1 : 0;
}

static void what_was_lost_before_does_not(void)
{
    talk_audio(lost_before);
    request_at(2001);
    judge();
    check(0, 47);
}

static int lost_at_three_seconds(unsigned number)
{
    return number >= 150 && number < 153 ? -1 : 0;
}

/* Packet 153 shows the loss at 3.060 s; a second later nothing of it can come late. */
static void the_finding_rises_while_media_goes_on(void)
{
    talk_audio(lost_at_three_seconds);
    request_at(2001);
    judge();
    check(3, 73);
    TEST_ASSERT_EQUAL_STRING("2026-03-02T09:30:04.060000Z", risen());
}

static int lost_all_the_time(unsigned number)
{
    return number > 120 && number % 5 == 0 ? -1 : 0;
}

/* Packet 126 shows the first loss at 2.520 s; packet 176 is the last to show one before it has settled. */
static void a_loss_that_goes_on_rises_too(void)
{
    talk_audio(lost_all_the_time);
    request_at(2001);
    judge();
    check(75, 73);
    TEST_ASSERT_EQUAL_STRING("2026-03-02T09:30:03.520000Z", risen());
}

static int out_of_order(unsigned number)
{
    return number % 40 == 7 ? 50 : 0;
}

static void late_packets_are_not_lost(void)
{
    talk_audio(out_of_order);
    request_at(2001);
    judge();
    check(0, 47);
}

static int silent_for_two_seconds(unsigned number)
{
    return number >= 200 ? 2000 : 0;
}

static void the_finding_rises_when_a_silence_ends(void)
{
    talk_audio(silent_for_two_seconds);
    request_at(2001);
    judge();
    check(0, 73);
    TEST_ASSERT_EQUAL_STRING("2026-03-02T09:30:06.000000Z", risen());
}

static int never(unsigned number)
{
    (void)number;
    return 0;
}

static void undisturbed_media_leaves_it_as_it_is(void)
{
    talk_audio(never);
    request_at(2001);
    judge();
    check(0, 47);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(what_was_lost_since_the_request_counts);
    RUN_TEST(what_was_lost_before_does_not);
    RUN_TEST(the_finding_rises_while_media_goes_on);
    RUN_TEST(a_loss_that_goes_on_rises_too);
    RUN_TEST(late_packets_are_not_lost);
    RUN_TEST(the_finding_rises_when_a_silence_ends);
    RUN_TEST(undisturbed_media_leaves_it_as_it_is);
    return UNITY_END();
}
