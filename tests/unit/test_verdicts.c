/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_verdicts.c - what the whole engine says about traffic that keeps or breaks the documents (DESIGN 5 and
 * 6). Each test plays conversations into a scene, runs it against a small site, and asserts status, findings,
 * rows and match of the flow, and that no other finding was opened.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>

#define CLIENT_A   "10.20.4.17"
#define CLIENT_B   "10.20.5.22"
#define CLIENT_V6  "2001:db8:4::17"
#define FRONT_END  "10.20.1.11"
#define FE_V6      "2001:db8:1::11"
#define FRONT_END2 "10.20.1.12"
#define DIRECTOR   "10.20.1.21"
#define MEDIATION  "10.20.1.31"
#define CHAT       "10.20.1.51"
#define BALANCER   "10.20.1.71"
#define EDGE_IN    "10.20.9.41"
#define ACCESS     "203.0.113.11"
#define WEB_CONF   "203.0.113.12"
#define AV         "203.0.113.13"
#define AV_NAT     "192.0.2.13"
#define DC         "10.20.0.9"
#define ROUTER     "10.20.0.1"
#define INTERNET   "198.51.100.99"
#define PARTNER    "198.51.100.25"

#define SFB(n)  "skype-for-business-server/server-ports/" #n
#define USER(n) "skype-for-business-server/client-ports/" #n
#define OUT(n)  "lync-server-2013-edge/edge-external-interface/" #n
#define IN(n)   "lync-server-2013-edge/edge-internal-interface/" #n

#define START (INT64_C(1772443800) * SEC)

static struct scene *scene;
static struct run *run;
static int64_t now;
static uint16_t port;

void setUp(void)
{
    scene = scene_create(1);
    run = NULL;
    now = START;
    port = 50500;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

/* The site of most tests; `more` adds keys: ", \"strict_outbound\": true". */
static const char *site_with(const char *more)
{
    static char text[8192];
    snprintf(
        text, sizeof text,
        "{\"site\": \"test\", \"matrices\": [\"skype-for-business-server\", \"lync-server-2013-edge\"],"
        "\"hosts\": ["
        "{\"name\": \"fe01\", \"addresses\": [\"" FRONT_END "\", \"" FE_V6 "\"], \"roles\": [\"front-end\"]},"
        "{\"name\": \"fe02\", \"addresses\": [\"" FRONT_END2 "\"], \"roles\": [\"front-end\"]},"
        "{\"name\": \"dir01\", \"addresses\": [\"" DIRECTOR "\"], \"roles\": [\"director\"]},"
        "{\"name\": \"med01\", \"addresses\": [\"" MEDIATION "\"], \"roles\": [\"mediation\"]},"
        "{\"name\": \"chat01\", \"addresses\": [\"" CHAT "\"], \"roles\": [\"persistent-chat\"]},"
        "{\"name\": \"lb01\", \"addresses\": [\"" BALANCER "\"], \"roles\": [\"front-end-load-balancer\"]},"
        "{\"name\": \"edge01\", \"addresses\": [\"" EDGE_IN "\"], \"roles\": [\"edge-internal\"]},"
        "{\"name\": \"partner\", \"addresses\": [\"" PARTNER "\"], \"roles\": [\"public-im-partner\"]},"
        "{\"name\": \"access\", \"addresses\": [\"" ACCESS "\"], \"roles\": [\"edge-access\"]},"
        "{\"name\": \"webconf\", \"addresses\": [\"" WEB_CONF "\"], \"roles\": [\"edge-web-conferencing\"]},"
        "{\"name\": \"av\", \"addresses\": [\"" AV "\"], \"roles\": [\"edge-av\"], \"translated\": [\"" AV_NAT
        "\"]}],"
        "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\", \"2001:db8:4::/64\"],"
        "\"roles\": [\"client\"]}]%s}",
        more);
    return text;
}

/* Plays a conversation from a fresh client port; the client's end is returned. */
static struct end play(talk_play *talk, const char *from, struct end to)
{
    struct end client = end_of(from, port++);
    now = talk(scene, client, to, now) + 200 * MS;
    return client;
}

/* Something that concerns no one, so that the capture goes on. */
static void go_on(int64_t duration)
{
    now += duration;
    talk_dns(scene, end_of("192.0.2.77", 53001), end_of("192.0.2.53", 53), now);
    now += SEC;
}

static void judge_with(const char *more)
{
    run = run_scene(site_with(more), scene, 1);
}

/* The flow's verdict. NULL as rows or match: not looked at. */
static void check(struct end client, struct end server, const char *status, const char *findings,
                  const char *rows, const char *match)
{
    char label[256], a[ADDR_TEXT_SIZE], b[ADDR_TEXT_SIZE];
    snprintf(label, sizeof label, "%s:%u to %s:%u", addr_text(&client.addr, a), client.port,
             addr_text(&server.addr, b), server.port);
    const cJSON *flow = run_flow(run, client, server);
    TEST_ASSERT_NOT_NULL_MESSAGE(flow, label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(status, text_at(flow, "rolecall.compliance.status"), label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(findings, list_at(flow, "rolecall.compliance.findings"), label);
    if (rows)
        TEST_ASSERT_EQUAL_STRING_MESSAGE(rows, list_at(flow, "rolecall.compliance.rows"), label);
    if (match)
        TEST_ASSERT_EQUAL_STRING_MESSAGE(match, text_at(flow, "rolecall.compliance.match"), label);
}

/* Every finding of the run, in order of opening, and nothing else. */
static void check_findings(const char *ids)
{
    TEST_ASSERT_EQUAL_STRING(ids, run_findings(run));
}

static void check_alert(const char *id, int severity, const char *outcome)
{
    const cJSON *alert = run_alert(run, id);
    TEST_ASSERT_NOT_NULL_MESSAGE(alert, id);
    TEST_ASSERT_EQUAL_INT_MESSAGE(severity, (int)number_at(alert, "event.severity"), id);
    if (outcome)
        TEST_ASSERT_EQUAL_STRING_MESSAGE(outcome, text_at(alert, "rolecall.compliance.outcome"), id);
}

/* One conversation, one verdict. */
static void one(talk_play *talk, const char *from, struct end to, const char *more, const char *status,
                const char *findings, const char *rows, const char *match)
{
    struct end client = play(talk, from, to);
    go_on(3 * SEC);
    judge_with(more);
    check(client, to, status, findings, rows, match);
    check_findings(findings);
}

static void documented_port_passes(void)
{
    one(talk_tls, CLIENT_A, end_of(FRONT_END, 5061), "", "pass", "", SFB(3) " " USER(6), "specific");
}

static void rows_that_accept_come_first(void)
{
    one(talk_tls, CLIENT_A, end_of(FRONT_END, 443), "", "pass", "",
        SFB(12) " " SFB(19) " " USER(2) " " USER(3) " " USER(4), "specific");
}

static void ipv6_and_vlan_make_no_difference(void)
{
    scene->vlan = 120;
    one(talk_tls, CLIENT_V6, end_of(FE_V6, 5061), "", "pass", "", SFB(3) " " USER(6), "specific");
}

static void unknown_bytes_pass_by_port(void)
{
    struct end server = end_of(FRONT_END, 5071), client = play(talk_unknown, FRONT_END2, server);
    judge_with("");
    check(client, server, "pass", "", SFB(33), "specific");
    const cJSON *flow = run_flow(run, client, server);
    TEST_ASSERT_EQUAL_STRING("unknown", text_at(flow, "rolecall.compliance.application_check"));
    TEST_ASSERT_EQUAL_STRING("unidentified", text_at(flow, "network.protocol"));
    check_findings("");
}

static void unexpected_port_established(void)
{
    one(talk_http, CLIENT_A, end_of(FRONT_END, 8089), "", "fail", "unexpected-port", "", NULL);
    check_alert("unexpected-port", 73, "established");
}

static void unexpected_port_attempted(void)
{
    struct end client = end_of(CLIENT_A, 50500), server = end_of(FRONT_END, 3389);
    now = tcp_refused(scene, client, server, now);
    go_on(3 * SEC);
    judge_with("");
    check(client, server, "fail", "unexpected-port", "", NULL);
    check_findings("unexpected-port");
    check_alert("unexpected-port", 21, "attempted");
}

static void unexpected_port_counts_peers_once(void)
{
    struct end server = end_of(FRONT_END, 8089), first = play(talk_http, CLIENT_A, server);
    struct end second = play(talk_http, CLIENT_B, server);
    judge_with("");
    check(first, server, "fail", "unexpected-port", "", NULL);
    check(second, server, "fail", "unexpected-port", "", NULL);
    check_findings("unexpected-port");
}

static void unexpected_protocol_on_a_documented_port(void)
{
    one(talk_http, CLIENT_A, end_of(FRONT_END, 5061), "", "fail", "unexpected-protocol", SFB(3) " " USER(6),
        NULL);
    check_alert("unexpected-protocol", 73, NULL);
}

static void server_answers_for_its_own_ports(void)
{
    /* The client's own row has 3478 to anyone; a Front End has no such port. */
    one(talk_ms_turn_udp, CLIENT_A, end_of(FRONT_END, 3478), "", "fail", "unexpected-port", NULL, NULL);
}

static struct end tls_to_chat(struct tls_talk how, uint16_t to)
{
    struct end client = end_of(FRONT_END, port++);
    now = talk_tls_as(scene, client, end_of(CHAT, to), now, &how) + 200 * MS;
    return client;
}

static void mutual_tls_kept(void)
{
    one(talk_mtls, FRONT_END, end_of(CHAT, 5041), "", "pass", "", SFB(51), "specific");
    TEST_ASSERT_EQUAL_STRING("yes", text_at(run_event(run, "rolecall.flow", 0), "rolecall.tls.mutual"));
}

static void mutual_tls_missing(struct tls_talk how)
{
    struct end client = tls_to_chat(how, 5041);
    judge_with(", \"min_tls\": \"1.0\"");
    check(client, end_of(CHAT, 5041), "fail", "mutual-tls-missing", SFB(51), "specific");
    check_findings("mutual-tls-missing");
    check_alert("mutual-tls-missing", 47, NULL);
}

static void mutual_tls_not_asked(void)
{
    mutual_tls_missing((struct tls_talk){0});
}

static void mutual_tls_not_asked_in_tls_1_0(void)
{
    mutual_tls_missing((struct tls_talk){.version = 0x0301});
}

static void mutual_tls_answered_with_nothing(void)
{
    mutual_tls_missing((struct tls_talk){.certificate_request = true});
}

static void mutual_tls_unknown(struct tls_talk how)
{
    struct end client = tls_to_chat(how, 5041), server = end_of(CHAT, 5041);
    judge_with("");
    check(client, server, "pass", "", SFB(51), "specific");
    TEST_ASSERT_EQUAL_STRING("unknown", text_at(run_flow(run, client, server), "rolecall.tls.mutual"));
    check_findings("");
}

static void mutual_tls_hidden_by_resumption(void)
{
    mutual_tls_unknown((struct tls_talk){.resumed = true});
}

/* The second of two flows: a session that the first had agreed on, or another one. */
static void resume(struct tls_talk full, uint8_t session, const char *status, const char *mutual)
{
    full.session = 7;
    tls_to_chat(full, 5041);
    struct end client = tls_to_chat((struct tls_talk){.resumed = true, .session = session}, 5041);
    judge_with("");
    check(client, end_of(CHAT, 5041), status, strcmp(status, "fail") ? "" : "mutual-tls-missing", SFB(51),
          "specific");
    const cJSON *flow = run_flow(run, client, end_of(CHAT, 5041));
    TEST_ASSERT_EQUAL_STRING(mutual, text_at(flow, "rolecall.tls.mutual"));
}

static void mutual_tls_missing_in_a_resumed_session(void)
{
    resume((struct tls_talk){0}, 7, "fail", "no");
    check_findings("mutual-tls-missing");
    const cJSON *close = run_event(run, "rolecall.alert", 1);
    TEST_ASSERT_EQUAL_STRING("close", text_at(close, "rolecall.finding.state"));
    TEST_ASSERT_EQUAL_INT(2, (int)number_at(close, "rolecall.finding.count"));
}

static void mutual_tls_kept_in_a_resumed_session(void)
{
    resume((struct tls_talk){.certificate_request = true, .certificate = true}, 7, "pass", "yes");
    check_findings("");
}

static void mutual_tls_of_another_session_says_nothing(void)
{
    resume((struct tls_talk){0}, 8, "pass", "unknown");
}

static void mutual_tls_hidden_by_tls_1_3(void)
{
    mutual_tls_unknown((struct tls_talk){.version = 0x0304});
}

static void mutual_tls_one_way_capture(void)
{
    scene->has_unseen = true;
    scene->unseen = end_of(CHAT, 0).addr;
    struct end client = tls_to_chat((struct tls_talk){0}, 5041);
    go_on(3 * SEC);
    judge_with("");
    TEST_ASSERT_EQUAL_STRING(
        "", list_at(run_flow(run, client, end_of(CHAT, 5041)), "rolecall.compliance.findings"));
    check_findings("");
}

static void either_kind_of_tls(void)
{
    struct end client = tls_to_chat((struct tls_talk){0}, 881);
    judge_with("");
    check(client, end_of(CHAT, 881), "pass", "", SFB(52), "specific");
    check_findings("");
}

static void weak_tls(void)
{
    struct end client = tls_to_chat((struct tls_talk){.version = 0x0301}, 443);
    judge_with("");
    check(client, end_of(CHAT, 443), "pass", "weak-tls", SFB(53), "specific");
    check_findings("weak-tls");
    check_alert("weak-tls", 21, NULL);
}

static void weak_tls_is_what_the_site_calls_weak(void)
{
    struct end client = tls_to_chat((struct tls_talk){.version = 0x0301}, 443);
    judge_with(", \"min_tls\": \"1.0\"");
    check(client, end_of(CHAT, 443), "pass", "", SFB(53), "specific");
    check_findings("");
}

static void plaintext_sip(void)
{
    one(talk_sip, MEDIATION, end_of(FRONT_END, 5060), "", "pass", "plaintext-sip", SFB(2), "specific");
    check_alert("plaintext-sip", 21, NULL);
}

#define CLIENT_MEDIA                                                                                         \
    ", \"media_ports\": {\"client\": {\"audio\": \"50020-50039\", \"video\": \"58000-58019\","               \
    " \"application-sharing\": \"42000-42019\"}}"

static void media(struct end from, struct end to, talk_play *talk, const char *more, const char *status,
                  const char *findings, const char *rows, const char *match)
{
    now = talk(scene, from, to, now);
    judge_with(more);
    check(from, to, status, findings, rows, match);
    check_findings(findings);
}

static void media_in_range(void)
{
    media(end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), talk_media, "", "pass", "",
          SFB(10) " " USER(8) " " USER(9), "range");
}

static int64_t play_video(struct scene *of, struct end client, struct end server, int64_t start_ns)
{
    return talk_rtp(of, client, server, start_ns, &(struct rtp_talk){.payload_type = 121});
}

static void says(const char *expected)
{
    const char *reason = text_at(run_alert(run, "media-port"), "event.reason");
    TEST_ASSERT_NOT_NULL_MESSAGE(strstr(reason, expected), reason);
}

/* One set of ranges decides; the range that is told is that of the modality. */
static void each_modality_is_told_its_own_range(void)
{
    struct end outside = end_of(CLIENT_A, 40000), server = end_of(FRONT_END, 57600);
    media(outside, server, talk_rtp_tcp, CLIENT_MEDIA, "fail", "media-port", NULL, NULL);
    says("audio media");
    says("the audio ports of client are 50020-50039");
    tearDown();
    setUp();
    media(outside, server, play_video, CLIENT_MEDIA, "fail", "media-port", NULL, NULL);
    says("the video ports of client are 58000-58019");
    tearDown();
    setUp();
    media(outside, end_of(FRONT_END, 49200), talk_rdp_rtp_tcp, CLIENT_MEDIA, "fail", "media-port", NULL,
          NULL);
    says("the application-sharing ports of client are 42000-42019");
    tearDown();
    setUp();
    media(end_of(CLIENT_A, 58001), server, talk_media, CLIENT_MEDIA, "pass", "", NULL, NULL);
}

static void media_in_the_sites_range(void)
{
    media(end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), talk_media, CLIENT_MEDIA, "pass", "",
          SFB(10) " " USER(8), "range");
}

static void media_between_clients(void)
{
    media(end_of(CLIENT_A, 50020), end_of(CLIENT_B, 50024), talk_media, "", "pass", "", USER(8) " " USER(9),
          "vacuous");
}

static void media_of_a_client_with_the_internet(void)
{
    media(end_of(CLIENT_A, 50020), end_of(INTERNET, 50030), talk_media, "", "out-of-scope", "", NULL, NULL);
}

static void clients_among_themselves(void)
{
    one(talk_http, CLIENT_A, end_of(CLIENT_B, 8089), "", "out-of-scope", "", NULL, NULL);
}

static void media_with_an_unknown_peer(void)
{
    /* The gateway has no role and no media rows: only Mediation's own port counts. */
    media(end_of("10.20.2.5", 16000), end_of(MEDIATION, 49300), talk_media, "", "pass", "", SFB(40), "range");
}

static void media_over_tcp(void)
{
    media(end_of(CLIENT_A, 42000), end_of(FRONT_END, 49160), talk_rdp_rtp_tcp, CLIENT_MEDIA, "pass", "", NULL,
          "range");
}

static void media_from_a_wrong_client_port(void)
{
    media(end_of(CLIENT_A, 30000), end_of(FRONT_END, 57600), talk_media, CLIENT_MEDIA, "fail", "media-port",
          NULL, NULL);
    check_alert("media-port", 47, NULL);
}

static void media_at_a_wrong_server_port(void)
{
    media(end_of(CLIENT_A, 50020), end_of(FRONT_END, 40000), talk_media, "", "fail", "media-port", NULL,
          NULL);
}

static void rtcp_is_media(void)
{
    media(end_of(CLIENT_A, 50021), end_of(FRONT_END, 57601), talk_rtcp, "", "pass", "", NULL, "range");
}

static void unknown_bytes_in_a_media_range(void)
{
    media(end_of(CLIENT_A, 50020), end_of(FRONT_END, 57600), talk_unknown_udp, "", "pass", "", SFB(10),
          "range");
}

static void unknown_bytes_outside_every_range(void)
{
    media(end_of(CLIENT_A, 50020), end_of(FRONT_END, 40000), talk_unknown_udp, "", "fail", "unexpected-port",
          "", NULL);
}

static void other_protocol_in_a_media_range(void)
{
    one(talk_smb, CLIENT_A, end_of(FRONT_END, 57600), "", "fail", "unexpected-protocol", NULL, NULL);
}

static void a_source_port_proves_no_media(void)
{
    media(end_of(FRONT_END, 57600), end_of(DIRECTOR, 9999), talk_http, "", "fail", "unexpected-port", "",
          NULL);
}

static void blocked(struct end client, struct end server, const char *status, const char *findings)
{
    go_on(3 * SEC);
    judge_with("");
    check(client, server, status, findings, NULL, NULL);
    check_findings(findings);
}

static void blocked_by_reset(void)
{
    struct end client = end_of(FRONT_END, 50500), server = end_of(MEDIATION, 5070);
    now = tcp_refused(scene, client, server, now);
    blocked(client, server, "fail", "blocked-port");
    check_alert("blocked-port", 73, NULL);
}

/* To name a partner in the site is not to let the Edge open whatever it likes to it. */
static void a_declared_partner_is_still_outside(void)
{
    one(talk_tls, ACCESS, end_of(PARTNER, 8443), "", "fail", "unexpected-outbound", "", NULL);
}

static void a_declared_partner_keeps_its_rows(void)
{
    one(talk_mtls, ACCESS, end_of(PARTNER, 5061), "", "pass", "", NULL, NULL);
}

/* The server is heard at one TTL, and the SYN is reset at another. */
static const cJSON *reset_at(uint8_t heard, uint8_t reset)
{
    struct end client = end_of(FRONT_END, 50400), server = end_of(MEDIATION, 5070);
    scene->ttl = heard;
    if (heard)
        play(talk_mtls, FRONT_END, end_of(MEDIATION, 5070));
    struct tcp tcp = tcp_between(scene, client, server, now);
    scene->ttl = 0;
    tcp_segment(&tcp, CLIENT, TCP_SYN, NULL, 0);
    scene->ttl = reset;
    tcp_segment(&tcp, SERVER, TCP_RST | TCP_ACK, NULL, 0);
    now = tcp.now;
    blocked(client, server, "fail", "blocked-port");
    return run_alert(run, "blocked-port");
}

static void a_reset_of_the_host_itself(void)
{
    const cJSON *alert = reset_at(121, 121);
    TEST_ASSERT_EQUAL_STRING("yes", text_at(alert, "rolecall.refusal.fits_host"));
    TEST_ASSERT_EQUAL_INT(121, (int)number_at(alert, "rolecall.refusal.ttl"));
    TEST_ASSERT_NOT_NULL(
        strstr(text_at(alert, "event.reason"), "(TTL 121, the host's other packets 121: its own)"));
}

static void a_reset_in_the_name_of_the_host(void)
{
    const cJSON *alert = reset_at(121, 63);
    TEST_ASSERT_EQUAL_STRING("no", text_at(alert, "rolecall.refusal.fits_host"));
    TEST_ASSERT_EQUAL_INT(121, (int)number_at(alert, "rolecall.refusal.host_ttl_high"));
    TEST_ASSERT_NOT_NULL(strstr(text_at(alert, "event.reason"), "not its own"));
    TEST_ASSERT_NOT_NULL(strstr(text_at(alert, "rolecall.advice"), "find the firewall that resets tcp/5070"));
}

static void a_reset_from_nearer_than_the_host(void)
{
    TEST_ASSERT_EQUAL_STRING("no", text_at(reset_at(121, 250), "rolecall.refusal.fits_host"));
}

static void a_reset_of_a_host_that_was_never_heard(void)
{
    const cJSON *alert = reset_at(0, 63);
    TEST_ASSERT_EQUAL_STRING("unknown", text_at(alert, "rolecall.refusal.fits_host"));
    TEST_ASSERT_EQUAL_STRING("rst", text_at(alert, "rolecall.refusal.kind"));
    TEST_ASSERT_NULL(strstr(text_at(alert, "event.reason"), "TTL"));
}

static void blocked_by_icmp(const char *from, const char *to, const char *sender, uint8_t type, uint8_t code,
                            const char *status, const char *findings)
{
    struct end client = end_of(from, 50500), server = end_of(to, 5061);
    tcp_silent(scene, client, server, now, 1);
    wire_icmp_error(scene, now + MS, end_of(sender, 0).addr, type, code);
    blocked(client, server, status, findings);
}

static void blocked_by_a_filter(void)
{
    blocked_by_icmp(CLIENT_A, FRONT_END, ROUTER, 3, 13, "fail", "blocked-port");
}

static void blocked_by_port_unreachable(void)
{
    blocked_by_icmp(CLIENT_A, FRONT_END, FRONT_END, 3, 3, "fail", "blocked-port");
}

static void blocked_by_icmpv6(void)
{
    blocked_by_icmp(CLIENT_V6, FE_V6, FE_V6, 1, 4, "fail", "blocked-port");
}

static void too_big_is_no_block(void)
{
    blocked_by_icmp(CLIENT_A, FRONT_END, ROUTER, 3, 4, "inconclusive", "");
}

static void blocked_datagram(void)
{
    struct end client = end_of(FRONT_END2, 50500), server = end_of(FRONT_END, 1434);
    wire_udp(scene, now, client, server, "\x04RTCLOCAL", 10);
    wire_icmp_error(scene, now + MS, server.addr, 3, 3);
    blocked(client, server, "fail", "blocked-port");
}

/* SYNs without an answer to 5061 of a Front End that was seen alive on 443. */
static void silent(unsigned tries, bool alive, int64_t goes_on, const char *status, const char *findings)
{
    struct end client = end_of(CLIENT_A, 50900), server = end_of(FRONT_END, 5061);
    if (alive)
        play(talk_tls, CLIENT_B, end_of(FRONT_END, 443));
    now = tcp_silent(scene, client, server, now, tries);
    if (goes_on)
        go_on(goes_on);
    judge_with("");
    check(client, server, status, findings, SFB(3) " " USER(6), "specific");
    check_findings(findings);
}

static void blocked_by_silence(void)
{
    silent(3, true, 3 * SEC, "fail", "blocked-port");
}

static void two_tries_are_too_few(void)
{
    silent(2, true, 3 * SEC, "inconclusive", "");
}

static void silence_of_a_host_never_seen(void)
{
    silent(3, false, 3 * SEC, "inconclusive", "");
}

static void silence_at_the_end_of_the_capture(void)
{
    silent(3, true, 0, "inconclusive", "");
}

static void inconclusive_has_a_reason(void)
{
    silent(2, true, 3 * SEC, "inconclusive", "");
    const cJSON *flow = run_flow(run, end_of(CLIENT_A, 50900), end_of(FRONT_END, 5061));
    TEST_ASSERT_TRUE(text_at(flow, "rolecall.compliance.reason")[0] != '\0');
}

static void silence_in_a_one_way_capture(void)
{
    scene->has_unseen = true;
    scene->unseen = end_of(FRONT_END, 0).addr;
    silent(3, true, 3 * SEC, "inconclusive", "");
}

static void silence_at_an_undocumented_port_is_an_attempt(void)
{
    struct end client = end_of(CLIENT_A, 50900), server = end_of(FRONT_END, 3389);
    now = tcp_silent(scene, client, server, now, 3);
    go_on(3 * SEC);
    judge_with("");
    check(client, server, "fail", "unexpected-port", "", NULL);
    check_findings("unexpected-port");
    check_alert("unexpected-port", 21, "attempted");
}

static void silence_of_an_edge_on_udp(void)
{
    struct end client = end_of(CLIENT_A, 50900), server = end_of(EDGE_IN, 3478);
    play(talk_mtls, FRONT_END, end_of(EDGE_IN, 5061));
    now = talk_ms_turn_unanswered(scene, client, server, now);
    blocked(client, server, "fail", "blocked-port");
}

static void unanswered_requests(talk_play *talk, const char *from, struct end server)
{
    struct end client = end_of(from, 50900);
    play(talk, from, server);
    scene->has_unseen = true;
    scene->unseen = server.addr;
    for (unsigned i = 0; i < 3; i++, now += SEC)
        talk(scene, client, server, now);
    blocked(client, server, "fail", "blocked-port");
}

static void unanswered_ssrp(void)
{
    unanswered_requests(talk_ssrp, FRONT_END2, end_of(FRONT_END, 1434));
}

static void unanswered_dns_of_an_edge(void)
{
    unanswered_requests(talk_dns, ACCESS, end_of(INTERNET, 53));
}

static void a_mirrored_capture_has_no_more_tries(void)
{
    struct end client = end_of(CLIENT_A, 50900), server = end_of(FRONT_END, 5061);
    play(talk_tls, CLIENT_B, end_of(FRONT_END, 443));
    scene->mirrored = true;
    now = tcp_silent(scene, client, server, now, 2);
    scene->mirrored = false;
    blocked(client, server, "inconclusive", "");
}

static void a_mirrored_capture_changes_nothing(void)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    scene->mirrored = true;
    struct end web = play(talk_tls, CLIENT_A, end_of(FRONT_END, 443));
    now = talk_media(scene, client, server, now);
    judge_with("");
    check(web, end_of(FRONT_END, 443), "pass", "", NULL, "specific");
    check(client, server, "pass", "", NULL, "range");
    const cJSON *flow = run_flow(run, client, server);
    TEST_ASSERT_EQUAL_INT(0, (int)number_at(flow, "rolecall.rtp.lost"));
    TEST_ASSERT_EQUAL_INT(27, (int)number_at(flow, "source.packets")); /* two of ICE, 25 of RTP */
    TEST_ASSERT_EQUAL_INT(54, (int)number_at(flow, "rolecall.flow.duplicates"));
    const char *findings = run_findings(run); /* of the flows, none */
    TEST_ASSERT_TRUE(*findings == '\0' || strcmp(findings, "duplicate-packets") == 0);
}

static void ice_checks_are_never_blocked(void)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    play(talk_tls, CLIENT_B, end_of(FRONT_END, 443));
    scene->has_unseen = true;
    scene->unseen = server.addr;
    for (unsigned i = 0; i < 4; i++, now += SEC)
        talk_ice(scene, client, server, now);
    go_on(3 * SEC);
    judge_with("");
    check_findings("");
}

static void clients_may_browse(void)
{
    struct end server = end_of(INTERNET, 443), tls = play(talk_tls, CLIENT_A, server);
    struct end quic = play(talk_quic, CLIENT_A, server);
    judge_with("");
    check(tls, server, "out-of-scope", "", NULL, NULL);
    check(quic, server, "out-of-scope", "", NULL, NULL);
    check_findings("");
}

static void servers_may_use_the_directory(void)
{
    one(talk_ldap, FRONT_END, end_of(DC, 389), "", "out-of-scope", "", NULL, NULL);
}

static void unless_the_site_is_strict(void)
{
    one(talk_ldap, FRONT_END, end_of(DC, 389), ", \"strict_outbound\": true", "fail", "unexpected-outbound",
        "", NULL);
    check_alert("unexpected-outbound", 47, NULL);
}

static void a_strict_site_lets_its_clients_browse(void)
{
    one(talk_tls, CLIENT_A, end_of(INTERNET, 443), ", \"strict_outbound\": true", "out-of-scope", "", NULL,
        NULL);
}

static void an_edge_is_strict(void)
{
    one(talk_tls, ACCESS, end_of(INTERNET, 8443), "", "fail", "unexpected-outbound", "", NULL);
}

static void an_edge_may_do_what_is_documented(void)
{
    one(talk_dns, ACCESS, end_of(INTERNET, 53), "", "pass", "", OUT(4), "specific");
}

static void an_edges_own_port_is_documented(void)
{
    struct end av = end_of(AV, 50100), peer = end_of(INTERNET, 52000);
    now = talk_rtp_tcp(scene, av, peer, now);
    judge_with(", \"features\": [\"federation\"]");
    check(av, peer, "pass", "", OUT(9), "range");
    check_findings("");
}

static void an_outbound_row_brings_a_server_into_scope(void)
{
    one(talk_smb, FRONT_END, end_of("10.20.0.20", 445), "", "pass", "", SFB(36), "specific");
}

static void a_translated_address_has_the_same_roles(void)
{
    one(talk_ms_turn_udp, INTERNET, end_of(AV_NAT, 3478), "", "pass", "", NULL, "specific");
}

#define ALLOW(expires)                                                                                       \
    ", \"allow\": [{\"name\": \"admin\", \"from\": [\"" CLIENT_A                                             \
    "\"], \"to\": [\"front-end\"], \"transport\": \"tcp\","                                                  \
    " \"ports\": \"8089\", \"expires\": \"" expires "\", \"reason\": \"test\"}]"

static void allow_exempts(void)
{
    one(talk_http, CLIENT_A, end_of(FRONT_END, 8089), ALLOW("2027-01-31"), "exempt", "", NULL, NULL);
}

static void allow_ends(void)
{
    one(talk_http, CLIENT_A, end_of(FRONT_END, 8089), ALLOW("2026-03-01"), "fail", "unexpected-port", "",
        NULL);
}

static void allow_holds_on_its_last_day(void)
{
    one(talk_http, CLIENT_A, end_of(FRONT_END, 8089), ALLOW("2026-03-02"), "exempt", "", NULL, NULL);
}

static void allow_is_for_its_ends_only(void)
{
    one(talk_http, CLIENT_B, end_of(FRONT_END, 8089), ALLOW("2027-01-31"), "fail", "unexpected-port", "",
        NULL);
}

static void features_turn_rows_off(void)
{
    one(talk_xmpp, INTERNET, end_of(ACCESS, 5269), ", \"features\": [\"federation\"]", "fail",
        "unexpected-port", "", NULL);
}

static void no_features_named_means_all(void)
{
    one(talk_xmpp, INTERNET, end_of(ACCESS, 5269), "", "pass", "", OUT(1) " lync-server-2013-edge/xmpp/1",
        "specific");
}

static void starttls_keeps_the_first_name(void)
{
    struct end server = end_of(ACCESS, 5269), client = play(talk_xmpp_tls, INTERNET, server);
    judge_with("");
    check(client, server, "pass", "", NULL, "specific");
    const cJSON *flow = run_flow(run, client, server);
    TEST_ASSERT_EQUAL_STRING("xmpp", text_at(flow, "network.protocol"));
    TEST_ASSERT_EQUAL_STRING("tls", text_at(flow, "rolecall.flow.upgraded_to"));
    check_findings("");
}

static void tls_from_the_start_is_no_xmpp(void)
{
    one(talk_tls, INTERNET, end_of(ACCESS, 5269), "", "fail", "unexpected-protocol", NULL, NULL);
}

static void hardware_load_balancing(void)
{
    one(talk_tls, CLIENT_A, end_of(BALANCER, 5061), ", \"load_balancing\": \"hardware\"", "pass", "",
        "skype-for-business-server/load-balancer-hardware-only/1 " USER(6), "specific");
}

static void dns_load_balancing(void)
{
    one(talk_tls, CLIENT_A, end_of(BALANCER, 5061), ", \"load_balancing\": \"dns\"", "fail",
        "unexpected-port", NULL, NULL);
}

static void no_load_balancing(void)
{
    one(talk_http, CLIENT_A, end_of(BALANCER, 80), "", "fail", "unexpected-port", "", NULL);
}

#define MOVED ", \"ports\": {\"edge-web-conferencing\": {\"443\": \"444\"}}"

static void a_moved_port(void)
{
    one(talk_tls, INTERNET, end_of(WEB_CONF, 444), MOVED, "pass", "", OUT(8), "specific");
}

static void a_port_that_was_moved_away(void)
{
    one(talk_tls, INTERNET, end_of(WEB_CONF, 443), MOVED, "fail", "unexpected-port", "", NULL);
}

#define NARROWED                                                                                             \
    ", \"narrow\": {\"lync-server-2013-edge/edge-internal-interface/2\": [\"director\", \"front-end\"]}"

static void a_narrowed_row(void)
{
    one(talk_mtls, DIRECTOR, end_of(EDGE_IN, 5061), NARROWED, "pass", "", IN(2), "specific");
}

static void outside_a_narrowed_row(void)
{
    one(talk_mtls, MEDIATION, end_of(EDGE_IN, 5061), NARROWED, "fail", "unexpected-port", "", NULL);
}

static void muted_findings_are_not_told(void)
{
    struct end server = end_of(FRONT_END, 8089), client = play(talk_http, CLIENT_A, server);
    judge_with(", \"mute\": [\"unexpected-port\"]");
    check(client, server, "fail", "unexpected-port", "", NULL);
    check_findings("");
}

static void the_site_grades_anew(void)
{
    one(talk_http, CLIENT_A, end_of(FRONT_END, 8089), ", \"severity\": {\"unexpected-port\": 99}", "fail",
        "unexpected-port", "", NULL);
    check_alert("unexpected-port", 99, "established");
}

static void rpc(const char *server, uint16_t told, uint16_t used, const char *status, const char *findings,
                const char *rows, const char *match)
{
    struct end to = end_of(server, used);
    if (told)
        now = talk_endpoint_mapper(scene, end_of(FRONT_END2, port++), end_of(server, 135), now, told) +
              200 * MS;
    struct end client = play(talk_dcerpc, FRONT_END2, to);
    judge_with("");
    check(client, to, status, findings, rows, match);
    check_findings(findings);
}

static void rpc_port_told_by_the_mapper(void)
{
    rpc(FRONT_END, 49771, 49771, "pass", "", SFB(5), "learned");
}

static void rpc_port_the_mapper_did_not_tell(void)
{
    rpc(FRONT_END, 49771, 49800, "fail", "unexpected-protocol", NULL, NULL);
}

static void rpc_port_without_a_mapper(void)
{
    rpc(FRONT_END, 0, 49800, "pass", "", SFB(5), "learned");
}

static void rpc_at_a_role_without_rpc(void)
{
    rpc(MEDIATION, 0, 49800, "fail", "unexpected-protocol", NULL, NULL);
}

static void basis(struct end client, struct end server, const char *expected)
{
    judge_with("");
    const cJSON *flow = run_flow(run, client, server);
    TEST_ASSERT_NOT_NULL(flow);
    TEST_ASSERT_EQUAL_STRING(expected, text_at(flow, "rolecall.flow.direction_basis"));
    check_findings("");
}

/* Bytes from the middle of a connection: the server speaks first, so that nothing but the basis can turn it.
 */
static void middle_of(struct end client, struct end server)
{
    struct tcp tcp = tcp_between(scene, client, server, now);
    for (unsigned i = 0; i < 4; i++)
        tcp_segment(&tcp, i % 2 ? CLIENT : SERVER, TCP_ACK | TCP_PSH, "\x2a\x2a\x7e\x01\x5a.....", 10);
    now = tcp.now + 200 * MS;
}

static void direction_by_syn(void)
{
    struct end server = end_of(FRONT_END, 5080);
    basis(play(talk_unknown, FRONT_END2, server), server, "syn");
}

static void direction_by_syn_ack(void)
{
    struct end client = end_of(FRONT_END2, 50500), server = end_of(FRONT_END, 5080);
    struct tcp tcp = tcp_between(scene, client, server, now);
    tcp_segment(&tcp, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
    tcp_segment(&tcp, CLIENT, TCP_ACK, NULL, 0);
    tcp_say(&tcp, CLIENT, "\x2a\x2a\x7e\x01\x5a", 5);
    basis(client, server, "syn");
}

static void direction_by_protocol(void)
{
    struct end client = end_of(CLIENT_A, 50500), server = end_of(FRONT_END, 443);
    struct tcp tcp = tcp_between(scene, client, server, now);
    tls_over(&tcp, &(struct tls_talk){0});
    basis(client, server, "protocol");
}

static void direction_by_listener(void)
{
    struct end server = end_of(FRONT_END, 5080), client = end_of(CLIENT_A, 448);
    play(talk_unknown, FRONT_END2, server);
    middle_of(client, server);
    basis(client, server, "listener");
}

static void direction_by_matrix(void)
{
    struct end client = end_of(CLIENT_A, 700), server = end_of(FRONT_END, 5080);
    middle_of(client, server);
    basis(client, server, "matrix");
}

static void direction_by_port(void)
{
    struct end client = end_of(CLIENT_A, 50500), server = end_of(INTERNET, 700);
    middle_of(client, server);
    basis(client, server, "port");
}

static void direction_by_first_packet(void)
{
    struct end first = end_of(INTERNET, 7000), second = end_of(CLIENT_A, 50500);
    middle_of(second, first);
    basis(first, second, "first-packet");
}

static void media_goes_by_the_first_packet(void)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    now = talk_rtp(scene, server, client, now, &(struct rtp_talk){0});
    basis(server, client, "first-packet");
}

static void the_middle_of_a_flow_is_never_blocked(void)
{
    struct end client = end_of(CLIENT_A, 50500), server = end_of(FRONT_END, 5080);
    struct tcp tcp = tcp_between(scene, client, server, now);
    for (unsigned i = 0; i < 4; i++, tcp.now += SEC)
        tcp_segment(&tcp, CLIENT, TCP_ACK | TCP_PSH, "\x2a\x2a\x7e\x01\x5a", 5);
    tcp_reset(&tcp, SERVER);
    now = tcp.now;
    go_on(3 * SEC);
    judge_with("");
    check_findings("");
}

static void multicast_is_out_of_scope(void)
{
    one(talk_unknown_udp, FRONT_END, end_of("239.255.255.250", 1900), "", "out-of-scope", "", NULL, NULL);
}

static void but_dhcp_is_not(void)
{
    struct end client = end_of(CLIENT_A, 68), everyone = end_of("255.255.255.255", 67);
    talk_dhcp(scene, client, everyone, now);
    judge_with("");
    check(client, everyone, "pass", "", USER(1), NULL);
    check_findings("");
}

/* Only the first fragment has ports; the length field of SSRP fits the whole datagram. */
static void fragments_are_one_datagram(const char *from, const char *to)
{
    struct end client = end_of(from, 50900), server = end_of(to, 1434);
    struct buf answer = {0};
    buf_hex(&answer, "05 0000");
    buf_text(&answer, "ServerName;FE01;InstanceName;RTCLOCAL;IsClustered;No;Version;12.0.5000.0;np;");
    buf_fill(&answer, 'x', 2900);
    buf_text(&answer, ";;");
    buf_set16le(&answer, 1, answer.size - 3);
    wire_udp_fragments(scene, now, server, client, answer.bytes, answer.size, 1400);
    judge_with("");
    check(client, server, "pass", "", SFB(1) " " SFB(39), "specific");
    TEST_ASSERT_EQUAL_STRING("ssrp", text_at(run_flow(run, client, server), "network.protocol"));
    check_findings("");
}

static void fragments_of_ipv4(void)
{
    fragments_are_one_datagram("192.0.2.44", FRONT_END);
}

static void fragments_of_ipv6(void)
{
    fragments_are_one_datagram("2001:db8:77::7", FE_V6);
}

static void a_second_connection_is_a_second_flow(void)
{
    struct end client = end_of(CLIENT_A, 50500), server = end_of(FRONT_END, 5061);
    now = talk_tls(scene, client, server, now) + SEC;
    talk_http(scene, client, server, now);
    judge_with("");
    unsigned flows = 0, failed = 0;
    for (const cJSON *flow; (flow = run_event(run, "rolecall.flow", flows)); flows++)
        failed += strcmp(text_at(flow, "rolecall.compliance.status"), "fail") == 0;
    TEST_ASSERT_EQUAL_UINT(2, flows);
    TEST_ASSERT_EQUAL_UINT(1, failed);
    check_findings("unexpected-protocol");
}

static void ipsec_on_media_of_a_pair(void)
{
    struct end client = end_of(CLIENT_A, 50020), server = end_of(FRONT_END, 57600);
    talk_rtp(scene, client, server, now + 40 * MS, &(struct rtp_talk){.lost_after = 3, .lost = 9});
    int64_t agreed = talk_authip(scene, client.addr, server.addr, now);
    now = talk_esp(scene, client.addr, server.addr, agreed + SEC, 10);
    judge_with("");
    check(client, server, "pass", "", NULL, "range");
    check(end_of(CLIENT_A, 500), end_of(FRONT_END, 500), "fail", "ipsec-on-media", NULL, NULL);
    check_findings("ipsec-on-media");
    const cJSON *episode = run_event(run, "rolecall.ipsec", 0);
    TEST_ASSERT_EQUAL_STRING("authip", text_at(episode, "rolecall.ipsec.negotiation"));
    TEST_ASSERT_EQUAL_STRING("protected", text_at(episode, "rolecall.ipsec.state"));
}

static void ipsec_elsewhere_is_out_of_scope(void)
{
    now = talk_ikev2(scene, end_of("10.99.0.1", 0).addr, end_of("10.99.0.2", 0).addr, now);
    judge_with("");
    check(end_of("10.99.0.1", 500), end_of("10.99.0.2", 500), "out-of-scope", "", NULL, NULL);
    check_findings("");
    TEST_ASSERT_EQUAL_STRING("ikev2",
                             text_at(run_event(run, "rolecall.ipsec", 0), "rolecall.ipsec.negotiation"));
}

static void the_output_does_not_depend_on_the_workers(void)
{
    static const unsigned workers[] = {2, 3, 4, 16};
    for (unsigned i = 0; i < 20; i++) {
        play(talk_tls, i % 2 ? CLIENT_A : CLIENT_B, end_of(i % 3 ? FRONT_END : FRONT_END2, 5061));
        play(talk_http, CLIENT_A, end_of(FRONT_END, (uint16_t)(8089 + i / 4)));
        play(talk_mtls, FRONT_END, end_of(CHAT, 5041));
        now = tcp_refused(scene, end_of(FRONT_END, port++), end_of(MEDIATION, 5070), now) + 100 * MS;
        now = talk_media(scene, end_of(CLIENT_A, (uint16_t)(50020 + i)), end_of(FRONT_END, 57600), now);
        talk_ikev2(scene, end_of(CLIENT_B, 0).addr, end_of(FRONT_END, 0).addr, now);
    }
    judge_with("");
    for (unsigned i = 0; i < sizeof workers / sizeof *workers; i++) {
        struct run *other = run_scene(site_with(""), scene, workers[i]);
        TEST_ASSERT_EQUAL_STRING(run->text, other->text);
        run_destroy(other);
    }
}

static void without_a_site_nothing_is_judged(void)
{
    play(talk_http, CLIENT_A, end_of(FRONT_END, 8089));
    run = run_scene(NULL, scene, 1);
    TEST_ASSERT_NOT_NULL(run_event(run, "rolecall.flow", 0));
    check_findings("");
}

/* A host that is no documented mapper cannot make a port of another one, or of its own, documented. */
static void a_mapper_without_the_role_tells_nothing(void)
{
    now =
        talk_endpoint_mapper(scene, end_of(FRONT_END2, port++), end_of(CLIENT_A, 135), now, 8089) + 200 * MS;
    struct end to = end_of(FRONT_END, 8089), client = play(talk_dcerpc, FRONT_END2, to);
    judge_with("");
    check(client, to, "fail", "unexpected-port", NULL, NULL);
}

/* What the mapper says of another port later does not speak against this one. */
static void a_mapper_seen_later_takes_nothing_back(void)
{
    struct end to = end_of(FRONT_END, 49800), first = play(talk_dcerpc, FRONT_END2, to);
    now = talk_endpoint_mapper(scene, end_of(FRONT_END2, port++), end_of(FRONT_END, 135), now, 49771) +
          200 * MS;
    struct end second = play(talk_dcerpc, FRONT_END2, to);
    judge_with("");
    check(first, to, "pass", "", SFB(5), "learned");
    check(second, to, "pass", "", SFB(5), "learned");
}

static void plain_sip_where_anything_is_accepted(void)
{
    struct end to = end_of(FRONT_END, 448), client = play(talk_sip, CLIENT_A, to);
    judge_with("");
    check(client, to, "pass", "plaintext-sip", SFB(37), NULL);
}

static void weak_tls_after_starttls(void)
{
    struct end server = end_of(ACCESS, 5269), client = play(talk_xmpp_tls, INTERNET, server);
    judge_with(", \"min_tls\": \"1.3\"");
    check(client, server, "pass", "weak-tls", NULL, "specific");
}

/* No request that could be blocked, and no service either. */
static void udp_refused_by_icmp(void)
{
    struct end client = end_of(CLIENT_A, port++), server = end_of(FRONT_END, 1434);
    wire_udp(scene, now, client, server, "what is this?", 13);
    wire_icmp_error(scene, now + MS, server.addr, 3, 3);
    go_on(3 * SEC);
    judge_with("");
    check(client, server, "inconclusive", "", NULL, NULL);
    check_findings("");
}

/* Cut before its bytes could tell: it may be media, which would pass. */
static void what_may_be_media_is_not_accused_when_cut(void)
{
    struct end client = end_of(CLIENT_A, 50021), server = end_of(AV, 40000);
    talk_rtp(scene, client, server, now, &(struct rtp_talk){0});
    judge_with("");
    check(client, server, "pass", "", NULL, "vacuous");
    run_destroy(run);
    scene_destroy(scene);
    setUp();
    scene->snaplen = 44;
    talk_rtp(scene, client, server, now, &(struct rtp_talk){0});
    judge_with("");
    check(client, server, "inconclusive", "", NULL, NULL);
}

/* A row that is only listed because it is open to anyone is not violated by what another row forbids. */
static void a_row_that_does_not_decide_is_not_violated(void)
{
    play(talk_smb, FRONT_END2, end_of(FRONT_END, 445));
    judge_with("");
    check_findings("unexpected-port");
    const cJSON *event;
    for (unsigned i = 0; (event = run_event(run, "rolecall.coverage", i)); i++)
        TEST_ASSERT_FALSE(list_has(event, "rolecall.coverage.violated", SFB(36)));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(documented_port_passes);
    RUN_TEST(rows_that_accept_come_first);
    RUN_TEST(ipv6_and_vlan_make_no_difference);
    RUN_TEST(unknown_bytes_pass_by_port);
    RUN_TEST(unexpected_port_established);
    RUN_TEST(unexpected_port_attempted);
    RUN_TEST(unexpected_port_counts_peers_once);
    RUN_TEST(unexpected_protocol_on_a_documented_port);
    RUN_TEST(server_answers_for_its_own_ports);
    RUN_TEST(mutual_tls_kept);
    RUN_TEST(mutual_tls_not_asked);
    RUN_TEST(mutual_tls_not_asked_in_tls_1_0);
    RUN_TEST(mutual_tls_answered_with_nothing);
    RUN_TEST(mutual_tls_hidden_by_resumption);
    RUN_TEST(mutual_tls_missing_in_a_resumed_session);
    RUN_TEST(mutual_tls_kept_in_a_resumed_session);
    RUN_TEST(mutual_tls_of_another_session_says_nothing);
    RUN_TEST(mutual_tls_hidden_by_tls_1_3);
    RUN_TEST(mutual_tls_one_way_capture);
    RUN_TEST(either_kind_of_tls);
    RUN_TEST(weak_tls);
    RUN_TEST(weak_tls_is_what_the_site_calls_weak);
    RUN_TEST(plaintext_sip);
    RUN_TEST(media_in_range);
    RUN_TEST(each_modality_is_told_its_own_range);
    RUN_TEST(media_in_the_sites_range);
    RUN_TEST(media_between_clients);
    RUN_TEST(media_of_a_client_with_the_internet);
    RUN_TEST(clients_among_themselves);
    RUN_TEST(media_with_an_unknown_peer);
    RUN_TEST(media_over_tcp);
    RUN_TEST(media_from_a_wrong_client_port);
    RUN_TEST(media_at_a_wrong_server_port);
    RUN_TEST(rtcp_is_media);
    RUN_TEST(unknown_bytes_in_a_media_range);
    RUN_TEST(unknown_bytes_outside_every_range);
    RUN_TEST(other_protocol_in_a_media_range);
    RUN_TEST(a_source_port_proves_no_media);
    RUN_TEST(blocked_by_reset);
    RUN_TEST(a_declared_partner_is_still_outside);
    RUN_TEST(a_declared_partner_keeps_its_rows);
    RUN_TEST(a_reset_of_the_host_itself);
    RUN_TEST(a_reset_in_the_name_of_the_host);
    RUN_TEST(a_reset_from_nearer_than_the_host);
    RUN_TEST(a_reset_of_a_host_that_was_never_heard);
    RUN_TEST(blocked_by_a_filter);
    RUN_TEST(blocked_by_port_unreachable);
    RUN_TEST(blocked_by_icmpv6);
    RUN_TEST(too_big_is_no_block);
    RUN_TEST(blocked_datagram);
    RUN_TEST(blocked_by_silence);
    RUN_TEST(two_tries_are_too_few);
    RUN_TEST(silence_of_a_host_never_seen);
    RUN_TEST(silence_at_the_end_of_the_capture);
    RUN_TEST(inconclusive_has_a_reason);
    RUN_TEST(silence_in_a_one_way_capture);
    RUN_TEST(silence_at_an_undocumented_port_is_an_attempt);
    RUN_TEST(silence_of_an_edge_on_udp);
    RUN_TEST(unanswered_ssrp);
    RUN_TEST(unanswered_dns_of_an_edge);
    RUN_TEST(a_mirrored_capture_has_no_more_tries);
    RUN_TEST(a_mirrored_capture_changes_nothing);
    RUN_TEST(ice_checks_are_never_blocked);
    RUN_TEST(clients_may_browse);
    RUN_TEST(servers_may_use_the_directory);
    RUN_TEST(unless_the_site_is_strict);
    RUN_TEST(a_strict_site_lets_its_clients_browse);
    RUN_TEST(an_edge_is_strict);
    RUN_TEST(an_edge_may_do_what_is_documented);
    RUN_TEST(an_edges_own_port_is_documented);
    RUN_TEST(an_outbound_row_brings_a_server_into_scope);
    RUN_TEST(a_translated_address_has_the_same_roles);
    RUN_TEST(allow_exempts);
    RUN_TEST(allow_ends);
    RUN_TEST(allow_holds_on_its_last_day);
    RUN_TEST(allow_is_for_its_ends_only);
    RUN_TEST(features_turn_rows_off);
    RUN_TEST(no_features_named_means_all);
    RUN_TEST(starttls_keeps_the_first_name);
    RUN_TEST(tls_from_the_start_is_no_xmpp);
    RUN_TEST(hardware_load_balancing);
    RUN_TEST(dns_load_balancing);
    RUN_TEST(no_load_balancing);
    RUN_TEST(a_moved_port);
    RUN_TEST(a_port_that_was_moved_away);
    RUN_TEST(a_narrowed_row);
    RUN_TEST(outside_a_narrowed_row);
    RUN_TEST(muted_findings_are_not_told);
    RUN_TEST(the_site_grades_anew);
    RUN_TEST(rpc_port_told_by_the_mapper);
    RUN_TEST(rpc_port_the_mapper_did_not_tell);
    RUN_TEST(rpc_port_without_a_mapper);
    RUN_TEST(rpc_at_a_role_without_rpc);
    RUN_TEST(direction_by_syn);
    RUN_TEST(direction_by_syn_ack);
    RUN_TEST(direction_by_protocol);
    RUN_TEST(direction_by_listener);
    RUN_TEST(direction_by_matrix);
    RUN_TEST(direction_by_port);
    RUN_TEST(direction_by_first_packet);
    RUN_TEST(media_goes_by_the_first_packet);
    RUN_TEST(the_middle_of_a_flow_is_never_blocked);
    RUN_TEST(multicast_is_out_of_scope);
    RUN_TEST(but_dhcp_is_not);
    RUN_TEST(fragments_of_ipv4);
    RUN_TEST(fragments_of_ipv6);
    RUN_TEST(a_second_connection_is_a_second_flow);
    RUN_TEST(ipsec_on_media_of_a_pair);
    RUN_TEST(ipsec_elsewhere_is_out_of_scope);
    RUN_TEST(the_output_does_not_depend_on_the_workers);
    RUN_TEST(without_a_site_nothing_is_judged);
    RUN_TEST(a_mapper_without_the_role_tells_nothing);
    RUN_TEST(a_mapper_seen_later_takes_nothing_back);
    RUN_TEST(plain_sip_where_anything_is_accepted);
    RUN_TEST(weak_tls_after_starttls);
    RUN_TEST(udp_refused_by_icmp);
    RUN_TEST(what_may_be_media_is_not_accused_when_cut);
    RUN_TEST(a_row_that_does_not_decide_is_not_violated);
    return UNITY_END();
}
