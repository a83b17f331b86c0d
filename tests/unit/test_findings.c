/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_findings.c - the life of a finding, the coverage of documented rows, and the IPsec episodes of a pair
 * (DESIGN 6 to 8), as the events of a whole run tell them.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>

#define CLIENT_A   "10.20.4.17"
#define CLIENT_B   "10.20.5.22"
#define FRONT_END  "10.20.1.11"
#define FRONT_END2 "10.20.1.12"
#define DIRECTOR   "10.20.1.21"
#define WEB_APPS   "10.20.1.61"

#define SFB(n)   "skype-for-business-server/server-ports/" #n
#define IPSEC(n) "skype-for-business-server/ipsec-exceptions/" #n

#define START (INT64_C(1772443800) * SEC)

static struct scene *scene;
static struct run *run;
static int64_t now;
static uint16_t port;

void setUp(void)
{
    scene = scene_create(2);
    run = NULL;
    now = START;
    port = 50500;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

static void judge_with(const char *more)
{
    char text[2048];
    snprintf(text, sizeof text,
             "{\"site\": \"test\", \"matrices\": [\"skype-for-business-server\"], \"hosts\": ["
             "{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\"], \"roles\": [\"front-end\"]},"
             "{\"name\": \"fe02\", \"addresses\": [\"" FRONT_END2 "\"], \"roles\": [\"front-end\"]},"
             "{\"name\": \"dir01\", \"addresses\": [\"" DIRECTOR "\"], \"roles\": [\"director\"]},"
             "{\"name\": \"owa01\", \"addresses\": [\"" WEB_APPS "\"], \"roles\": [\"office-web-apps\"]}],"
             "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": "
             "[\"client\"]}]%s}",
             more);
    run = run_scene(text, scene, 1);
}

static struct end play(talk_play *talk, const char *from, struct end to)
{
    struct end client = end_of(from, port++);
    now = talk(scene, client, to, now) + 200 * MS;
    return client;
}

static void go_on(int64_t duration)
{
    now += duration;
    talk_dns(scene, end_of("192.0.2.77", 53001), end_of("192.0.2.53", 53), now);
    now += SEC;
}

static const cJSON *alert(unsigned number)
{
    return run_event(run, "rolecall.alert", number);
}

static void check_state(unsigned number, const char *state, int severity, int count)
{
    TEST_ASSERT_EQUAL_STRING(state, text_at(alert(number), "rolecall.finding.state"));
    TEST_ASSERT_EQUAL_INT(severity, (int)number_at(alert(number), "event.severity"));
    TEST_ASSERT_EQUAL_INT(count, (int)number_at(alert(number), "rolecall.finding.count"));
}

static void a_finding_opens_and_closes(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    now = START + 7200 * SEC;
    play(talk_http, CLIENT_B, end_of(FRONT_END, 8089));
    judge_with("");
    check_state(0, "open", 73, 1);
    check_state(1, "close", 73, 2);
    TEST_ASSERT_NULL(alert(2));
    TEST_ASSERT_EQUAL_INT(2, (int)number_at(alert(1), "rolecall.finding.peers"));
    TEST_ASSERT_EQUAL_STRING(text_at(alert(0), "rolecall.finding.fingerprint"),
                             text_at(alert(1), "rolecall.finding.fingerprint"));
    const char *first = text_at(alert(1), "rolecall.finding.first_seen");
    const char *last = text_at(alert(1), "rolecall.finding.last_seen");
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T09:30:00", first, 19);
    TEST_ASSERT_EQUAL_STRING_LEN("2026-03-02T11:30:00", last, 19);
}

static void a_rise_in_severity_is_told_at_once(void)
{
    now = tcp_refused(scene, end_of(CLIENT_A, 50000), end_of(FRONT_END, 8089), now) + SEC;
    play(talk_http, CLIENT_B, end_of(FRONT_END, 8089));
    judge_with("");
    check_state(0, "open", 21, 1);
    check_state(1, "update", 73, 2);
    check_state(2, "close", 73, 2);
    TEST_ASSERT_NULL(alert(3));
    TEST_ASSERT_EQUAL_STRING("established", text_at(alert(1), "rolecall.compliance.outcome"));
}

/* An ICE check alone opens the finding; by its end the media has run both ways. */
static void the_summary_tells_the_last_outcome(void)
{
    talk_media(scene, end_of(CLIENT_A, 50020), end_of(FRONT_END, 40000), now);
    judge_with("");
    unsigned last = 0;
    while (alert(last + 1))
        last++;
    TEST_ASSERT_EQUAL_STRING("media-port", run_findings(run));
    TEST_ASSERT_EQUAL_STRING("close", text_at(alert(last), "rolecall.finding.state"));
    TEST_ASSERT_EQUAL_STRING("established", text_at(alert(last), "rolecall.compliance.outcome"));
}

static void one_finding_per_responder_and_port(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8090));
    play(talk_http, CLIENT_A, end_of(FRONT_END2, 8089));
    play(talk_http, CLIENT_B, end_of(FRONT_END2, 8089));
    judge_with("");
    TEST_ASSERT_EQUAL_STRING("unexpected-port unexpected-port unexpected-port", run_findings(run));
}

static void a_finding_keeps_its_fingerprint(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    judge_with("");
    char before[32];
    snprintf(before, sizeof before, "%s", text_at(alert(0), "rolecall.finding.fingerprint"));
    tearDown();
    setUp();
    now += 86400 * SEC;
    play(talk_tls, CLIENT_B, end_of(FRONT_END, 8089));
    judge_with("");
    TEST_ASSERT_EQUAL_STRING(before, text_at(alert(0), "rolecall.finding.fingerprint"));
}

static void an_alert_says_what_and_why(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    judge_with("");
    TEST_ASSERT_TRUE(strstr(text_at(alert(0), "event.reason"), FRONT_END) != NULL);
    TEST_ASSERT_TRUE(strstr(text_at(alert(0), "event.reason"), "8089") != NULL);
    TEST_ASSERT_TRUE(text_at(alert(0), "rolecall.advice")[0] != '\0');
    TEST_ASSERT_EQUAL_STRING("fe01", text_at(alert(0), "destination.domain"));
    TEST_ASSERT_EQUAL_STRING("client", list_at(alert(0), "rolecall.source.roles"));
    TEST_ASSERT_EQUAL_STRING("front-end", list_at(alert(0), "rolecall.destination.roles"));
}

static void an_alert_has_the_time_of_its_packet(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    for (unsigned i = 0; i < 40; i++)
        play(talk_tls, CLIENT_A, end_of(FRONT_END, 443));
    judge_with("");
    TEST_ASSERT_EQUAL_STRING("open", text_at(alert(0), "rolecall.finding.state"));
    TEST_ASSERT_EQUAL_STRING(text_at(alert(0), "rolecall.finding.last_seen"),
                             text_at(alert(0), "@timestamp"));
}

static void events_are_counted_without_gaps(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    play(talk_tls, CLIENT_A, end_of(FRONT_END, 443));
    judge_with("");
    TEST_ASSERT_TRUE(run->count > 4);
    for (unsigned i = 0; i < run->count; i++) {
        char id[64];
        snprintf(id, sizeof id, "0123456789abcdef-%u", i + 1);
        TEST_ASSERT_EQUAL_INT(i + 1, (int)number_at(run->events[i], "event.sequence"));
        TEST_ASSERT_EQUAL_STRING(id, text_at(run->events[i], "event.id"));
    }
}

static const cJSON *coverage_of(const char *host)
{
    const cJSON *event;
    for (unsigned i = 0; (event = run_event(run, "rolecall.coverage", i)); i++)
        if (strcmp(text_at(event, "host.name"), host) == 0)
            return event;
    return NULL;
}

static void coverage_tells_what_was_seen(void)
{
    play(talk_tls, CLIENT_A, end_of(FRONT_END, 5061));
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8057));
    now = tcp_refused(scene, end_of(FRONT_END2, port++), end_of(FRONT_END, 8060), now);
    go_on(3 * SEC);
    judge_with("");
    const cJSON *fe01 = coverage_of("fe01"), *fe02 = coverage_of("fe02");
    TEST_ASSERT_EQUAL_STRING(SFB(3), list_at(fe01, "rolecall.coverage.seen"));
    TEST_ASSERT_EQUAL_STRING(SFB(7), list_at(fe01, "rolecall.coverage.violated"));
    TEST_ASSERT_EQUAL_STRING(SFB(15), list_at(fe01, "rolecall.coverage.blocked"));
    TEST_ASSERT_TRUE(list_has(fe01, "rolecall.coverage.not_seen", SFB(16)));
    TEST_ASSERT_FALSE(list_has(fe01, "rolecall.coverage.not_seen", SFB(3)));
    TEST_ASSERT_EQUAL_STRING("", list_at(fe02, "rolecall.coverage.seen"));
    TEST_ASSERT_TRUE(list_has(fe02, "rolecall.coverage.not_seen", SFB(3)));
    TEST_ASSERT_EQUAL_INT(1, (int)number_at(fe01, "rolecall.coverage.counts.seen"));
}

static void coverage_counts_networks_too(void)
{
    talk_dhcp(scene, end_of(CLIENT_A, 68), end_of("255.255.255.255", 67), now);
    judge_with("");
    TEST_ASSERT_EQUAL_STRING("skype-for-business-server/client-ports/1",
                             list_at(coverage_of("office"), "rolecall.coverage.seen"));
}

static void what_is_out_of_scope_covers_nothing(void)
{
    play(talk_tls, CLIENT_A, end_of("198.51.100.99", 443));
    judge_with("");
    TEST_ASSERT_EQUAL_STRING("", list_at(coverage_of("office"), "rolecall.coverage.seen"));
}

static struct addr addr_of(const char *text)
{
    return end_of(text, 0).addr;
}

/* The only episode of the run. */
static const cJSON *episode(const char *negotiation, const char *state)
{
    const cJSON *event = run_event(run, "rolecall.ipsec", 0);
    TEST_ASSERT_NOT_NULL(event);
    TEST_ASSERT_NULL(run_event(run, "rolecall.ipsec", 1));
    TEST_ASSERT_EQUAL_STRING(negotiation, text_at(event, "rolecall.ipsec.negotiation"));
    TEST_ASSERT_EQUAL_STRING(state, text_at(event, "rolecall.ipsec.state"));
    return event;
}

/* The severity the finding closed with. */
static int last_severity(void)
{
    int severity = -1;
    for (unsigned i = 0; alert(i); i++)
        severity = (int)number_at(alert(i), "event.severity");
    return severity;
}

static void an_episode_with_media(void)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    talk_rtp(scene, client, server, now + 40 * MS, &(struct rtp_talk){.lost_after = 3, .lost = 9});
    talk_authip(scene, client.addr, server.addr, now);
    talk_esp(scene, client.addr, server.addr, now + 350 * MS, 10);
    judge_with("");
    const cJSON *event = episode("authip", "protected");
    TEST_ASSERT_EQUAL_STRING(IPSEC(7) " " IPSEC(8) " " IPSEC(9) " " IPSEC(10) " " IPSEC(15),
                             list_at(event, "rolecall.compliance.rows"));
    TEST_ASSERT_EQUAL_STRING("fail", text_at(event, "rolecall.compliance.status"));
    TEST_ASSERT_EQUAL_INT(3500, (int)(10 * number_at(event, "rolecall.ipsec.negotiation_ms") + 0.5));
    TEST_ASSERT_EQUAL_INT(400, (int)(10 * number_at(event, "rolecall.ipsec.media_start_delay_ms") + 0.5));
    TEST_ASSERT_EQUAL_INT(1, (int)number_at(event, "rolecall.ipsec.media_flows"));
    TEST_ASSERT_EQUAL_INT(9, (int)number_at(event, "rolecall.ipsec.media_packets_lost"));
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
    TEST_ASSERT_EQUAL_INT(73, last_severity());
}

static void an_episode_without_media(void)
{
    int64_t agreed = talk_ikev2(scene, addr_of(DIRECTOR), addr_of(FRONT_END), now);
    talk_esp(scene, addr_of(DIRECTOR), addr_of(FRONT_END), agreed + 10 * MS, 10);
    judge_with("");
    episode("ikev2", "protected");
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
    TEST_ASSERT_EQUAL_INT(47, last_severity());
}

static void media_that_was_not_disturbed(void)
{
    talk_rtp(scene, end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), now,
             &(struct rtp_talk){.packets = 200});
    talk_ikev2(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now + SEC);
    judge_with("");
    const cJSON *event = episode("ikev2", "fell-back");
    TEST_ASSERT_EQUAL_INT(0, (int)number_at(event, "rolecall.ipsec.media_packets_lost"));
    TEST_ASSERT_EQUAL_INT(47, last_severity());
}

/* What was lost before anybody negotiated is not the negotiation's fault. */
static void media_that_was_disturbed_before(void)
{
    talk_rtp(scene, end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), now,
             &(struct rtp_talk){.packets = 200, .lost_after = 10, .lost = 5});
    talk_ikev2(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now + 2 * SEC);
    judge_with("");
    const cJSON *event = episode("ikev2", "fell-back");
    TEST_ASSERT_EQUAL_INT(0, (int)number_at(event, "rolecall.ipsec.media_packets_lost"));
    TEST_ASSERT_EQUAL_INT(47, last_severity());
}

static void media_that_fell_silent(void)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    uint8_t rtp[172] = {0x80, 0};
    for (unsigned i = 0; i < 60; i++) {
        int64_t at =
            now + i * 20 * MS + (i >= 30 ? 3 * SEC : 0); /* nothing for three seconds, nothing lost */
        rtp[3] = (uint8_t)i;
        rtp[6] = (uint8_t)(i * 160 >> 8);
        rtp[7] = (uint8_t)(i * 160);
        rtp[11] = 7;
        wire_udp(scene, at, client, server, rtp, sizeof rtp);
        wire_udp(scene, at + 5 * MS, server, client, rtp, sizeof rtp);
    }
    talk_ikev2(scene, client.addr, server.addr, now + 595 * MS);
    judge_with("");
    const cJSON *event = episode("ikev2", "fell-back");
    TEST_ASSERT_EQUAL_INT(0, (int)number_at(event, "rolecall.ipsec.media_packets_lost"));
    TEST_ASSERT_EQUAL_INT(73, last_severity());
}

/* Above 64 pairs of an address the address itself is told, once. */
static void a_finding_per_pair_up_to_a_bound(void)
{
    for (unsigned i = 0; i < 100; i++) {
        char client[32];
        snprintf(client, sizeof client, "10.20.4.%u", 20 + i);
        now = talk_media(scene, end_of(client, 50020), end_of(FRONT_END, 40000), now) + 50 * MS;
    }
    judge_with("");
    unsigned opened = 0, flows = 0;
    for (unsigned i = 0; alert(i); i++) {
        const char *state = text_at(alert(i), "rolecall.finding.state");
        opened += strcmp(state, "open") == 0;
        if (strcmp(state, "close") == 0)
            flows += (unsigned)number_at(alert(i), "rolecall.finding.count");
    }
    TEST_ASSERT_EQUAL_UINT(65, opened);
    TEST_ASSERT_EQUAL_UINT(100, flows);
}

/* A call that is over does not hide how long the next one waits. */
static void media_of_an_earlier_call(void)
{
    talk_rtp(scene, end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), now, &(struct rtp_talk){0});
    talk_ike_unanswered(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now + 60 * SEC, 2);
    talk_rtp(scene, end_of(CLIENT_A, 50022), end_of(FRONT_END, 57602), now + 62 * SEC + 500 * MS,
             &(struct rtp_talk){0});
    judge_with("");
    const cJSON *event = episode("ikev1", "fell-back");
    TEST_ASSERT_EQUAL_INT(25000, (int)(10 * number_at(event, "rolecall.ipsec.media_start_delay_ms") + 0.5));
    TEST_ASSERT_EQUAL_INT(73, last_severity());
}

static void requests_of_several_flows(void)
{
    talk_ike_unanswered(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now, 2);
    talk_ike_unanswered(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now + 200 * SEC, 2);
    judge_with("");
    const cJSON *event = episode("ikev1", "unanswered");
    TEST_ASSERT_EQUAL_INT(4, (int)number_at(event, "rolecall.ipsec.requests"));
}

/* New keys are a new SPI on each side: once, not twice. */
static void an_episode_with_new_keys(void)
{
    talk_esp(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now, 10);
    talk_esp(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now + 5 * SEC, 10);
    judge_with("");
    const cJSON *event = episode("none", "protected");
    TEST_ASSERT_EQUAL_INT(1, (int)number_at(event, "rolecall.ipsec.rekeys"));
    TEST_ASSERT_EQUAL_STRING("established", text_at(event, "rolecall.compliance.outcome"));
}

static bool has_nat_t(void)
{
    const cJSON *own = cJSON_GetObjectItem(run_event(run, "rolecall.ipsec", 0), "rolecall");
    return cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(own, "ipsec"), "nat_t"));
}

static void an_episode_through_a_nat(void)
{
    talk_nat_t(scene, addr_of(DIRECTOR), addr_of(FRONT_END), now, 10);
    judge_with("");
    episode("ikev2", "protected");
    TEST_ASSERT_TRUE(has_nat_t());
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
}

static void an_episode_without_a_nat(void)
{
    int64_t agreed = talk_ikev2(scene, addr_of(DIRECTOR), addr_of(FRONT_END), now);
    talk_esp(scene, addr_of(DIRECTOR), addr_of(FRONT_END), agreed, 10);
    judge_with("");
    TEST_ASSERT_FALSE(has_nat_t());
}

static void an_episode_of_ikev1(void)
{
    talk_ikev1(scene, addr_of(DIRECTOR), addr_of(FRONT_END), now);
    judge_with("");
    episode("ikev1", "negotiating");
}

static void an_episode_without_an_answer(void)
{
    talk_ike_unanswered(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now, 3);
    judge_with("");
    const cJSON *event = episode("ikev1", "unanswered");
    TEST_ASSERT_EQUAL_INT(3, (int)number_at(event, "rolecall.ipsec.requests"));
}

static void an_episode_that_fell_back(void)
{
    int64_t last = talk_ike_unanswered(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now, 3);
    talk_rtp(scene, end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), last + 100 * MS,
             &(struct rtp_talk){0});
    judge_with("");
    const cJSON *event = episode("ikev1", "fell-back");
    TEST_ASSERT_EQUAL_INT(31000, (int)(10 * number_at(event, "rolecall.ipsec.media_start_delay_ms") + 0.5));
    TEST_ASSERT_EQUAL_INT(73, last_severity());
}

/* What can be read in ESP-NULL or AH is judged as the flow it is. */
static void readable(int64_t talk(struct scene *, struct end, struct end, int64_t, unsigned),
                     const char *layer)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    talk(scene, client, server, now, 20);
    judge_with("");
    const cJSON *flow = run_flow(run, client, server);
    TEST_ASSERT_EQUAL_STRING("rtp", text_at(flow, "network.protocol"));
    TEST_ASSERT_EQUAL_STRING("pass", text_at(flow, "rolecall.compliance.status"));
    TEST_ASSERT_EQUAL_STRING(layer, list_at(flow, "rolecall.flow.tunnel"));
    const cJSON *own = cJSON_GetObjectItem(episode("none", "protected"), "rolecall");
    const cJSON *spis = cJSON_GetObjectItem(cJSON_GetObjectItem(own, "ipsec"), "spi");
    TEST_ASSERT_EQUAL_INT(2, cJSON_GetArraySize(spis));
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
}

static void media_in_esp_null(void)
{
    readable(talk_esp_null_rtp, "esp-null");
}

static void media_in_ah(void)
{
    readable(talk_ah_rtp, "ah");
}

/* Windows' authFW sends a connection's first packet in ESP and in clear, and refuses the clear one (PROTOCOLS
 * 16). */
static void the_answer_of_authfw_is_no_block(void)
{
    struct end client = end_of(FRONT_END2, 50020), server = end_of(FRONT_END, 1434);
    now = talk_authip(scene, client.addr, server.addr, now) + 10 * MS;
    now = talk_esp(scene, client.addr, server.addr, now, 5);
    wire_udp(scene, now, client, server, "\x04RTCLOCAL", 10);
    wire_icmp_error(scene, now + MS, server.addr, 3, 13);
    go_on(3 * SEC);
    judge_with("");
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
}

static void a_pair_that_no_row_covers(void)
{
    talk_ikev2(scene, addr_of("10.99.0.1"), addr_of("10.99.0.2"), now);
    judge_with("");
    const cJSON *event = episode("ikev2", "negotiating");
    TEST_ASSERT_EQUAL_STRING("out-of-scope", text_at(event, "rolecall.compliance.status"));
    TEST_ASSERT_EQUAL_STRING("", list_at(event, "rolecall.compliance.rows"));
    TEST_ASSERT_EQUAL_STRING("", run_findings(run));
}

static void clients_need_media_to_be_covered(void)
{
    talk_ikev2(scene, addr_of(CLIENT_A), addr_of("198.51.100.99"), now);
    judge_with("");
    TEST_ASSERT_EQUAL_STRING("", run_findings(run));
}

static void media_only_asks_for_media(void)
{
    talk_ikev2(scene, addr_of(DIRECTOR), addr_of(FRONT_END), now);
    judge_with(", \"ipsec\": \"media-only\"");
    TEST_ASSERT_EQUAL_STRING("", run_findings(run));
}

static void media_only_finds_media(void)
{
    int64_t agreed = talk_ikev2(scene, addr_of(CLIENT_A), addr_of(FRONT_END), now);
    talk_media(scene, end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), agreed);
    judge_with(", \"ipsec\": \"media-only\"");
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", run_findings(run));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(a_finding_opens_and_closes);
    RUN_TEST(a_rise_in_severity_is_told_at_once);
    RUN_TEST(the_summary_tells_the_last_outcome);
    RUN_TEST(one_finding_per_responder_and_port);
    RUN_TEST(a_finding_keeps_its_fingerprint);
    RUN_TEST(an_alert_says_what_and_why);
    RUN_TEST(an_alert_has_the_time_of_its_packet);
    RUN_TEST(events_are_counted_without_gaps);
    RUN_TEST(coverage_tells_what_was_seen);
    RUN_TEST(coverage_counts_networks_too);
    RUN_TEST(what_is_out_of_scope_covers_nothing);
    RUN_TEST(an_episode_with_media);
    RUN_TEST(an_episode_without_media);
    RUN_TEST(media_that_was_not_disturbed);
    RUN_TEST(media_that_was_disturbed_before);
    RUN_TEST(media_that_fell_silent);
    RUN_TEST(media_of_an_earlier_call);
    RUN_TEST(requests_of_several_flows);
    RUN_TEST(an_episode_with_new_keys);
    RUN_TEST(a_finding_per_pair_up_to_a_bound);
    RUN_TEST(an_episode_through_a_nat);
    RUN_TEST(an_episode_without_a_nat);
    RUN_TEST(an_episode_of_ikev1);
    RUN_TEST(an_episode_without_an_answer);
    RUN_TEST(an_episode_that_fell_back);
    RUN_TEST(media_in_esp_null);
    RUN_TEST(media_in_ah);
    RUN_TEST(the_answer_of_authfw_is_no_block);
    RUN_TEST(a_pair_that_no_row_covers);
    RUN_TEST(clients_need_media_to_be_covered);
    RUN_TEST(media_only_asks_for_media);
    RUN_TEST(media_only_finds_media);
    return UNITY_END();
}
