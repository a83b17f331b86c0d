/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sight.c - findings that no single flow makes (DESIGN 6): a sensor that sees one direction, a fallback
 * of media to TCP, a server that the site does not declare.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#define CLIENT_A   "10.20.4.17"
#define FRONT_END  "10.20.1.11"
#define UNDECLARED "10.20.1.99"
#define EDGE_IN    "10.20.9.41"

#define START (INT64_C(1772443800) * SEC)

static const char site[] =
    "{\"site\": \"sight\", \"matrices\": [\"skype-for-business-server\", \"lync-server-2013-edge\"],"
    "\"hosts\": [{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]},"
    "{\"name\": \"edge01\", \"addresses\": [\"" EDGE_IN "\"], \"roles\": [\"edge-internal\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]}";

static struct scene *scene;
static struct run *run;
static int64_t now;
static uint16_t port;

void setUp(void)
{
    scene = scene_create(3);
    run = NULL;
    now = START;
    port = 50500;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

static void play(talk_play *talk, const char *from, struct end to)
{
    now = talk(scene, end_of(from, port++), to, now) + 200 * MS;
}

static void judge(const char *findings)
{
    run = run_scene(site, scene, 1);
    TEST_ASSERT_EQUAL_STRING(findings, run_findings(run));
}

static void sign_in(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        play(talk_tls, CLIENT_A, end_of(FRONT_END, 443));
}

static void one_direction_is_told_once(void)
{
    scene->has_unseen = true;
    scene->unseen = end_of(FRONT_END, 0).addr;
    sign_in(40);
    judge("one-way-capture");
    TEST_ASSERT_EQUAL_INT(47, (int)number_at(run_alert(run, "one-way-capture"), "event.severity"));
}

static void nineteen_flows_are_too_few(void)
{
    scene->has_unseen = true;
    scene->unseen = end_of(FRONT_END, 0).addr;
    sign_in(19);
    judge("");
}

static void both_directions_are_no_finding(void)
{
    sign_in(40);
    judge("");
}

static void media_falls_back_to_tcp(void)
{
    now = talk_ms_turn_unanswered(scene, end_of(CLIENT_A, port++), end_of(EDGE_IN, 3478), now) + SEC;
    play(talk_ms_turn, CLIENT_A, end_of(EDGE_IN, 443));
    run = run_scene(site, scene, 1);
    const cJSON *alert = run_alert(run, "media-fallback");
    TEST_ASSERT_NOT_NULL(alert);
    TEST_ASSERT_EQUAL_INT(47, (int)number_at(alert, "event.severity"));
}

static void media_that_has_udp_does_not(void)
{
    play(talk_ms_turn_udp, CLIENT_A, end_of(EDGE_IN, 3478));
    play(talk_ms_turn, CLIENT_A, end_of(EDGE_IN, 443));
    judge("");
}

static void an_undeclared_server(void)
{
    play(talk_tls, CLIENT_A, end_of(UNDECLARED, 5061));
    play(talk_tls, CLIENT_A, end_of(UNDECLARED, 444));
    judge("undeclared-server");
    TEST_ASSERT_EQUAL_INT(47, (int)number_at(run_alert(run, "undeclared-server"), "event.severity"));
}

static void one_port_is_no_server(void)
{
    play(talk_tls, CLIENT_A, end_of(UNDECLARED, 5061));
    judge("");
}

static void a_web_server_is_no_front_end(void)
{
    play(talk_tls, CLIENT_A, end_of(UNDECLARED, 443));
    play(talk_http, CLIENT_A, end_of(UNDECLARED, 80));
    judge("");
}

static void nor_is_one_with_another_protocol(void)
{
    play(talk_http, CLIENT_A, end_of(UNDECLARED, 5061));
    play(talk_http, CLIENT_A, end_of(UNDECLARED, 444));
    judge("");
}

static void nor_one_on_the_internet(void)
{
    play(talk_tls, CLIENT_A, end_of("198.51.100.99", 5061));
    play(talk_tls, CLIENT_A, end_of("198.51.100.99", 444));
    judge("");
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(one_direction_is_told_once);
    RUN_TEST(nineteen_flows_are_too_few);
    RUN_TEST(both_directions_are_no_finding);
    RUN_TEST(media_falls_back_to_tcp);
    RUN_TEST(media_that_has_udp_does_not);
    RUN_TEST(an_undeclared_server);
    RUN_TEST(one_port_is_no_server);
    RUN_TEST(a_web_server_is_no_front_end);
    RUN_TEST(nor_is_one_with_another_protocol);
    RUN_TEST(nor_one_on_the_internet);
    return UNITY_END();
}
