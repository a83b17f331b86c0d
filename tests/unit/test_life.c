/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_life.c - what a process that runs for months says and keeps (DESIGN 6 and 8): updates once per window,
 * findings closed after a quiet day, episodes told when they are over, coverage every hour, entries of the
 * allow list that expire; and that every bound of the judge holds, is counted, and never accuses.
 */
#include "run.h"
#include "rolecall/judge.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>

#define CLIENT_A  "10.20.4.17"
#define CLIENT_B  "10.20.5.22"
#define FRONT_END "10.20.1.11"
#define DIRECTOR  "10.20.1.21"
#define START     (INT64_C(1772443800) * SEC) /* 2026-03-02 09:30:00 UTC */
#define MINUTE    (60 * SEC)
#define HOUR      (3600 * SEC)
#define DAY       (24 * HOUR)

#define SITE(more)                                                                                           \
    "{\"site\": \"life\", \"matrices\": [\"skype-for-business-server\"],"                                    \
    "\"hosts\": [{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]},"      \
    "{\"name\": \"dir01\", \"addresses\": [\"" DIRECTOR "\"], \"roles\": [\"director\"]}],"                  \
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]" more \
    "}"

static struct scene *scene;
static struct run *run;
static uint16_t port;

void setUp(void)
{
    scene = scene_create(4);
    run = NULL;
    port = 50500;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

static void violate(const char *client, int64_t at)
{
    talk_http(scene, end_of(client, port++), end_of(FRONT_END, 8089), at);
}

static const cJSON *alert(unsigned number)
{
    return run_event(run, "rolecall.alert", number);
}

static void check(unsigned number, const char *state, int count, const char *time)
{
    TEST_ASSERT_EQUAL_STRING(state, text_at(alert(number), "rolecall.finding.state"));
    TEST_ASSERT_EQUAL_INT(count, (int)number_at(alert(number), "rolecall.finding.count"));
    TEST_ASSERT_EQUAL_STRING_LEN(time, text_at(alert(number), "@timestamp"), strlen(time));
}

static void one_update_per_window_and_a_close_after_a_day(void)
{
    violate(CLIENT_A, START);
    violate(CLIENT_B, START + 10 * MINUTE);
    violate(CLIENT_A, START + 20 * MINUTE);
    violate(CLIENT_A, START + 5 * HOUR);
    run = run_live(SITE(""), scene, 1, START + 3 * DAY);
    check(0, "open", 1, "2026-03-02T09:30");
    check(1, "update", 3, "2026-03-02T10:3");
    check(2, "update", 4, "2026-03-02T14:3");
    check(3, "close", 4, "2026-03-03T14:3");
    TEST_ASSERT_EQUAL_INT(2, (int)number_at(alert(3), "rolecall.finding.peers"));
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T14:30", text_at(alert(3), "rolecall.finding.last_seen"), 16);
    TEST_ASSERT_NULL(alert(4)); /* closed once, also at the end */
}

static void a_closed_finding_opens_anew_with_its_fingerprint(void)
{
    violate(CLIENT_A, START);
    violate(CLIENT_A, START + 3 * DAY);
    run = run_live(SITE(""), scene, 1, START + 3 * DAY + MINUTE);
    check(0, "open", 1, "2026-03-02");
    check(1, "close", 1, "2026-03-03");
    check(2, "open", 1, "2026-03-05");
    check(3, "close", 1, "2026-03-05");
    TEST_ASSERT_EQUAL_INT(1, (int)number_at(alert(3), "rolecall.finding.peers"));
    TEST_ASSERT_EQUAL_STRING(text_at(alert(0), "rolecall.finding.fingerprint"),
                             text_at(alert(2), "rolecall.finding.fingerprint"));
}

/* It is not quiet as long as its connection lives. */
static void a_connection_of_days_keeps_its_finding_open(void)
{
    struct tcp tcp = tcp_between(scene, end_of(CLIENT_A, 50000), end_of(FRONT_END, 8089), START);
    tcp_handshake(&tcp);
    for (unsigned i = 0; i < 30 * 12; i++) {
        tcp_say(&tcp, CLIENT, "GET / HTTP/1.1\r\nHost: fe01.contoso.example\r\n\r\n", 46);
        tcp_pause(&tcp, 5 * MINUTE);
    }
    run = run_live(SITE(""), scene, 1, START + 30 * HOUR);
    unsigned updates = 0, last = 0;
    for (unsigned i = 0; alert(i); i++, last++)
        updates += strcmp(text_at(alert(i), "rolecall.finding.state"), "update") == 0;
    TEST_ASSERT_EQUAL_STRING("close", text_at(alert(last - 1), "rolecall.finding.state"));
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-03T15:", text_at(alert(last - 1), "@timestamp"), 14);
    TEST_ASSERT_EQUAL_INT(1, (int)number_at(alert(last - 1), "rolecall.finding.count"));
    TEST_ASSERT_UINT_WITHIN(1, 29, updates);
}

static void a_rise_is_told_at_once_and_not_again(void)
{
    tcp_refused(scene, end_of(CLIENT_A, port++), end_of(FRONT_END, 8089), START);
    violate(CLIENT_A, START + MINUTE);
    run = run_live(SITE(""), scene, 1, START + 2 * HOUR);
    check(0, "open", 1, "2026-03-02T09:30");
    check(1, "update", 2, "2026-03-02T09:31");
    TEST_ASSERT_EQUAL_INT(73, (int)number_at(alert(1), "event.severity"));
    check(2, "close", 2, "2026-03-02T11:30");
}

/* It is told when it has been waited for long enough, not when the flow is given up. */
static void silence_is_told_soon(void)
{
    talk_mtls(scene, end_of(DIRECTOR, 50000), end_of(FRONT_END, 5061), START);
    tcp_silent(scene, end_of(DIRECTOR, 50001), end_of(FRONT_END, 5061), START + MINUTE,
               3); /* at 0, 1 and 3 s */
    run = run_live(SITE(""), scene, 1, START + 5 * MINUTE);
    check(0, "open", 1, "2026-03-02T09:31:");
    TEST_ASSERT_EQUAL_STRING("blocked-port", run_findings(run));
    TEST_ASSERT_TRUE(strcmp(text_at(alert(0), "@timestamp"), "2026-03-02T09:31:05") > 0);
    TEST_ASSERT_TRUE(strcmp(text_at(alert(0), "@timestamp"), "2026-03-02T09:31:25") < 0);
    TEST_ASSERT_EQUAL_STRING("silence", text_at(alert(0), "rolecall.refusal.kind"));
    TEST_ASSERT_EQUAL_INT(3, (int)number_at(alert(0), "rolecall.refusal.tries"));
    check(1, "close", 1, "2026-03-02T09:35");
}

static void an_answer_after_long_takes_it_back(void)
{
    talk_mtls(scene, end_of(DIRECTOR, 50000), end_of(FRONT_END, 5061), START);
    struct end client = end_of(DIRECTOR, 50001), server = end_of(FRONT_END, 5061);
    tcp_silent(scene, client, server, START + MINUTE, 3);
    talk_mtls(scene, client, server, START + MINUTE + 40 * SEC);
    run = run_live(SITE(""), scene, 1, START + 5 * MINUTE);
    check(0, "open", 1, "2026-03-02T09:31:");
    check(1, "close", 0, "2026-03-02T09:35");
}

static void an_episode_is_told_when_it_is_over(void)
{
    struct addr a = end_of(DIRECTOR, 0).addr, b = end_of(FRONT_END, 0).addr;
    talk_ikev2(scene, a, b, START);
    talk_esp(scene, a, b, START + SEC, 10);
    talk_ikev2(scene, a, b, START + 2 * HOUR);
    run = run_live(SITE(""), scene, 1, START + 3 * HOUR);
    const cJSON *first = run_event(run, "rolecall.ipsec", 0), *second = run_event(run, "rolecall.ipsec", 1);
    TEST_ASSERT_EQUAL_STRING("protected", text_at(first, "rolecall.ipsec.state"));
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T09:3", text_at(first, "@timestamp"), 15);
    TEST_ASSERT_EQUAL_STRING("negotiating", text_at(second, "rolecall.ipsec.state"));
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T11:3", text_at(second, "@timestamp"), 15);
    TEST_ASSERT_NULL(run_event(run, "rolecall.ipsec", 2));
}

static void an_episode_lives_as_long_as_its_flows(void)
{
    struct addr a = end_of(DIRECTOR, 0).addr, b = end_of(FRONT_END, 0).addr;
    talk_ikev2(scene, a, b, START);
    for (unsigned i = 0; i < 60; i++)
        talk_esp(scene, a, b, START + SEC + i * 2 * MINUTE, 2);
    run = run_live(SITE(""), scene, 1, START + 3 * HOUR);
    const cJSON *only = run_event(run, "rolecall.ipsec", 0);
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T11:3", text_at(only, "@timestamp"), 15);
    TEST_ASSERT_NULL(run_event(run, "rolecall.ipsec", 1));
}

static void coverage_is_told_every_hour(void)
{
    talk_mtls(scene, end_of(CLIENT_A, port++), end_of(FRONT_END, 5061), START);
    run = run_live(SITE(""), scene, 1, START + 2 * HOUR + MINUTE);
    unsigned events = 0;
    const cJSON *event;
    for (; (event = run_event(run, "rolecall.coverage", events)); events++)
        TEST_ASSERT_TRUE(strlen(text_at(event, "host.name")) > 0);
    TEST_ASSERT_EQUAL_UINT(9, events); /* two hours and the end, three entries */
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T10:30",
                                 text_at(run_event(run, "rolecall.coverage", 0), "@timestamp"), 16);
}

static void an_allowance_ends_with_its_last_day(void)
{
    static const char site[] =
        SITE(", \"allow\": [{\"name\": \"old web\", \"from\": [\"10.20.4.0/22\"], \"to\": [\"front-end\"],"
             "\"transport\": \"tcp\", \"ports\": \"8089\", \"expires\": \"2026-03-02\", \"reason\": \"x\"}]");
    violate(CLIENT_A, START);
    violate(CLIENT_A, START + 14 * HOUR);
    violate(CLIENT_A, START + 15 * HOUR); /* the next day */
    run = run_live(site, scene, 1, START + 16 * HOUR);
    TEST_ASSERT_EQUAL_STRING("unexpected-port", run_findings(run));
    check(0, "open", 1, "2026-03-03T00:30");
    TEST_ASSERT_EQUAL_STRING("exempt",
                             text_at(run_event(run, "rolecall.flow", 0), "rolecall.compliance.status"));
    TEST_ASSERT_EQUAL_STRING("exempt",
                             text_at(run_event(run, "rolecall.flow", 1), "rolecall.compliance.status"));
}

static void the_clock_changes_nothing_for_any_number_of_workers(void)
{
    violate(CLIENT_A, START);
    talk_ikev2(scene, end_of(DIRECTOR, 0).addr, end_of(FRONT_END, 0).addr, START + MINUTE);
    violate(CLIENT_B, START + 30 * HOUR);
    run = run_live(SITE(""), scene, 1, START + 3 * DAY);
    struct run *other = run_live(SITE(""), scene, 4, START + 3 * DAY);
    TEST_ASSERT_EQUAL_STRING(run->text, other->text);
    run_destroy(other);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(one_update_per_window_and_a_close_after_a_day);
    RUN_TEST(a_closed_finding_opens_anew_with_its_fingerprint);
    RUN_TEST(a_connection_of_days_keeps_its_finding_open);
    RUN_TEST(a_rise_is_told_at_once_and_not_again);
    RUN_TEST(silence_is_told_soon);
    RUN_TEST(an_answer_after_long_takes_it_back);
    RUN_TEST(an_episode_is_told_when_it_is_over);
    RUN_TEST(an_episode_lives_as_long_as_its_flows);
    RUN_TEST(coverage_is_told_every_hour);
    RUN_TEST(an_allowance_ends_with_its_last_day);
    RUN_TEST(the_clock_changes_nothing_for_any_number_of_workers);
    return UNITY_END();
}
