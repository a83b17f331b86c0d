/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_explain.c - `explain` and `site import` from inside: questions in words and from events, the reasons
 * given for rows, ends and allow entries, that the verdict is the engine's for random flows of every kind,
 * and tables of hosts.
 */
#include "command/explain_question.h"
#include "command/site_csv.h"
#include "rolecall/explain.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>

#define START (INT64_C(1772443800) * SEC)

#define SFB(n)  "skype-for-business-server/server-ports/" #n
#define USER(n) "skype-for-business-server/client-ports/" #n
#define IN(n)   "lync-server-2013-edge/edge-internal-interface/" #n

static const char site_text[] =
    "{\"site\": \"test\", \"matrices\": [\"skype-for-business-server\", \"lync-server-2013-edge\"],"
    "\"load_balancing\": \"dns\", \"features\": [\"federation\", \"public-im\", \"xmpp\"],"
    "\"hosts\": ["
    "{\"name\": \"fe01\", \"addresses\": [\"10.20.1.11\", \"2001:db8:1::11\"], \"roles\": "
    "[\"front-end-mediation\", "
    "\"front-end-cms\"]},"
    "{\"name\": \"fe02\", \"addresses\": [\"10.20.1.12\"], \"roles\": [\"front-end\"]},"
    "{\"name\": \"dir01\", \"addresses\": [\"10.20.1.21\"], \"roles\": [\"director\"]},"
    "{\"name\": \"med01\", \"addresses\": [\"10.20.1.31\"], \"roles\": [\"mediation\"]},"
    "{\"name\": \"chat01\", \"addresses\": [\"10.20.1.51\"], \"roles\": [\"persistent-chat\"]},"
    "{\"name\": \"edge01\", \"addresses\": [\"10.20.9.41\"], \"roles\": [\"edge-internal\"]},"
    "{\"name\": \"access\", \"addresses\": [\"203.0.113.11\"], \"roles\": [\"edge-access\"]},"
    "{\"name\": \"av\", \"addresses\": [\"203.0.113.13\"], \"roles\": [\"edge-av\"], \"translated\": "
    "[\"192.0.2.13\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\", \"10.20.0.0/16\", "
    "\"2001:db8:4::/64\"],"
    "\"roles\": [\"client\"]}],"
    "\"media_ports\": {\"client\": {\"audio\": \"50020-50039\", \"video\": \"58000-58019\"}},"
    "\"narrow\": {\"" IN(2) "\": [\"director\"]},"
                            "\"allow\": ["
                            "{\"name\": \"old\", \"from\": [\"10.20.4.5\"], \"to\": [\"front-end\"], "
                            "\"transport\": \"tcp\", \"ports\": \"3389\","
                            "\"expires\": \"2020-01-31\", \"reason\": \"gone\"},"
                            "{\"name\": \"jump\", \"from\": [\"10.20.4.5\"], \"to\": [\"front-end\"], "
                            "\"transport\": \"tcp\", \"ports\": \"3389\","
                            "\"expires\": \"2199-01-31\", \"reason\": \"jump host\"},"
                            "{\"name\": \"again\", \"from\": [\"client\"], \"to\": [\"all-servers\"], "
                            "\"transport\": \"tcp\", \"ports\": \"3389\","
                            "\"expires\": \"2199-01-31\", \"reason\": \"too wide\"}]}";

static struct mistakes mistakes;
static struct rules *rules;
static struct site *site;
static struct policy *policy;
static struct explanation *explained;

void setUp(void)
{
    rules = rules_load("rules", &mistakes);
    site = rules ? site_from_text("test", site_text, strlen(site_text), rules, &mistakes) : NULL;
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(site);
    policy = policy_create(rules, site);
    TEST_ASSERT_NOT_NULL(policy);
}

void tearDown(void)
{
    explanation_destroy(explained);
    explained = NULL;
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static const struct explanation *explain(const char *flow)
{
    struct explain_question question;
    char error[QUESTION_ERROR_SIZE] = "";
    TEST_ASSERT_TRUE_MESSAGE(question_from_text(flow, START, &question, error), error);
    explanation_destroy(explained);
    explained = explanation_create(policy, site, &question);
    TEST_ASSERT_NOT_NULL(explained);
    return explained;
}

static const struct explain_row *row_in(const struct explanation *e, const char *id, enum explain_list list)
{
    for (unsigned i = 0; i < e->row_count; i++)
        if (e->rows[i].list == list && strcmp(e->rows[i].row->id, id) == 0)
            return &e->rows[i];
    return NULL;
}

static void check_row(const char *flow, enum explain_list list, const char *id, enum explain_answer answer,
                      unsigned why)
{
    char label[200];
    snprintf(label, sizeof label, "%s: %s", flow, id);
    const struct explain_row *row = row_in(explain(flow), id, list);
    TEST_ASSERT_NOT_NULL_MESSAGE(row, label);
    TEST_ASSERT_EQUAL_INT_MESSAGE(why, row->why, label);
    TEST_ASSERT_EQUAL_INT_MESSAGE(answer, row->answer, label);
}

/* Questions in words. */

static void check_words(const char *text, uint8_t protocol, const char *from, unsigned from_port,
                        const char *to, unsigned to_port, enum proto_id name)
{
    struct explain_question question;
    char error[QUESTION_ERROR_SIZE] = "", addr[ADDR_TEXT_SIZE];
    TEST_ASSERT_TRUE_MESSAGE(question_from_text(text, 7, &question, error), error);
    TEST_ASSERT_EQUAL_INT_MESSAGE(protocol, question.protocol, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(from, addr_text(&question.initiator, addr), text);
    TEST_ASSERT_EQUAL_INT_MESSAGE(from_port, question.initiator_port, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(to, addr_text(&question.responder, addr), text);
    TEST_ASSERT_EQUAL_INT_MESSAGE(to_port, question.responder_port, text);
    TEST_ASSERT_EQUAL_INT_MESSAGE(name, question.name, text);
    TEST_ASSERT_EQUAL_INT_MESSAGE(EXPLAIN_ANSWERED, question.outcome, text);
    TEST_ASSERT_EQUAL_INT64(7, question.time_ns);
}

static void test_words(void)
{
    check_words("tcp 10.0.0.5 -> 10.0.0.9:5061 [tls]", IP_TCP, "10.0.0.5", 0, "10.0.0.9", 5061, PROTO_tls);
    check_words("  UDP\t10.0.0.5:50000  ->  10.0.0.9:65535\n", IP_UDP, "10.0.0.5", 50000, "10.0.0.9", 65535,
                PROTO_UNIDENTIFIED);
    check_words("tcp 10.0.0.5 -> 10.0.0.9:443 [unidentified]", IP_TCP, "10.0.0.5", 0, "10.0.0.9", 443,
                PROTO_UNIDENTIFIED);
    check_words("tcp 10.0.0.5 -> 10.0.0.9:443 [ms-turn]", IP_TCP, "10.0.0.5", 0, "10.0.0.9", 443,
                PROTO_ms_turn);
    check_words("tcp [2001:db8::5]:50000 -> [2001:db8::9]:5061 [sip]", IP_TCP, "2001:db8::5", 50000,
                "2001:db8::9", 5061, PROTO_sip);
    check_words("udp [2001:db8::5] -> [2001:db8::9]:53 [dns]", IP_UDP, "2001:db8::5", 0, "2001:db8::9", 53,
                PROTO_dns);
    /* Bare: what stands behind the last colon can be one thing only. */
    check_words("udp 2001:db8::5 -> 2001:db8::9:50610", IP_UDP, "2001:db8::5", 0, "2001:db8::9", 50610,
                PROTO_UNIDENTIFIED);
    check_words("tcp 2001:db8::a5 -> 1:2:3:4:5:6:7:8:5061", IP_TCP, "2001:db8::a5", 0, "1:2:3:4:5:6:7:8",
                5061, PROTO_UNIDENTIFIED);
    check_words("esp 10.0.0.5 -> 10.0.0.9", IP_ESP, "10.0.0.5", 0, "10.0.0.9", 0, PROTO_UNIDENTIFIED);
    check_words("ah 2001:db8::5:17 -> 2001:db8::9:5061", IP_AH, "2001:db8::5:17", 0, "2001:db8::9:5061", 0,
                PROTO_UNIDENTIFIED);
}

static void test_mutual_tls_in_words(void)
{
    struct explain_question question;
    char error[QUESTION_ERROR_SIZE];
    TEST_ASSERT_TRUE(question_from_text("tcp 10.0.0.5 -> 10.0.0.9:5061 [mtls]", 0, &question, error));
    TEST_ASSERT_EQUAL_INT(PROTO_tls, question.name);
    TEST_ASSERT_EQUAL_INT(TRI_YES, question.mutual_tls);
    TEST_ASSERT_TRUE(question_from_text("tcp 10.0.0.5 -> 10.0.0.9:5061 [tls]", 0, &question, error));
    TEST_ASSERT_EQUAL_INT(TRI_UNKNOWN, question.mutual_tls);
}

static void test_words_refused(void)
{
    static const struct {
        const char *text, *error; /* a part of it */
    } refused[] = {
        {"", "expected a flow like"},
        {"tcp", "expected a flow like"},
        {"tcp 10.0.0.5 10.0.0.9:5061", "expected a flow like"},
        {"tcp 10.0.0.5 <- 10.0.0.9:5061", "expected a flow like"},
        {"tcp 10.0.0.5 -> 10.0.0.9:5061 [tls] more", "expected a flow like"},
        {"sctp 10.0.0.5 -> 10.0.0.9:5061", "expected tcp, udp, esp or ah"},
        {"tcp 10.0.0.5 -> 10.0.0.9", "lacks a port: write 10.0.0.9:PORT"},
        {"tcp 2001:db8::5 -> 2001:db8::a9", "lacks a port: write [2001:db8::a9]:PORT"},
        {"tcp 10.0.0.5 -> 10.0.0.9:0", "10.0.0.9:0"},
        {"tcp 10.0.0.5 -> 10.0.0.9:65536", "10.0.0.9:65536"},
        {"tcp 10.0.0.5 -> 10.0.0.9:80-90", "10.0.0.9:80-90"},
        {"tcp 10.0.0.5 -> 10.0.0.256:80", "10.0.0.256:80"},
        {"tcp 10.0.0.5: -> 10.0.0.9:80", "10.0.0.5:"},
        {"tcp fe01 -> 10.0.0.9:80", "expected an address"},
        {"tcp 2001:db8::5 -> 2001:db8::9:5061", "write [2001:db8::9:5061] or [2001:db8::9]:5061"},
        {"tcp [2001:db8::5 -> [2001:db8::9]:80", "in brackets"},
        {"tcp [10.0.0.5] -> 10.0.0.9:80", "in brackets"},
        {"tcp [2001:db8::5]x -> [2001:db8::9]:80", "found \"x\""},
        {"esp 10.0.0.5 -> 10.0.0.9:80", "expected an address"},
        {"esp [2001:db8::5] -> [2001:db8::9]:80", "expected nothing"},
        {"esp 10.0.0.5 -> 10.0.0.9 [tls]", "expected no protocol"},
        {"tcp 10.0.0.5 -> [2001:db8::9]:80", "two of one kind"},
        {"tcp 10.0.0.5 -> 10.0.0.9:80 tls", "in brackets"},
        {"tcp 10.0.0.5 -> 10.0.0.9:80 []", "in brackets"},
        {"tcp 10.0.0.5 -> 10.0.0.9:80 [tlss]", "did you mean \"tls\"?"},
        {"udp 10.0.0.5 -> 10.0.0.9:80 [tls]", "tls is not known over udp"},
        {"tcp 10.0.0.5 -> 10.0.0.9:80 [rtcp]", "rtcp is not known over tcp"},
        {"tcp 1000000000000000000000000000000000000000000000000000000000000000000000000000000000 -> "
         "10.0.0.9:80",
         "like"},
    };
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct explain_question question;
        char error[QUESTION_ERROR_SIZE] = "";
        TEST_ASSERT_FALSE_MESSAGE(question_from_text(refused[i].text, 0, &question, error), refused[i].text);
        if (!strstr(error, refused[i].error))
            TEST_ASSERT_EQUAL_STRING_MESSAGE(refused[i].error, error, refused[i].text);
    }
}

/* Questions from events. */

static bool read_event(const char *text, struct explain_question *question)
{
    struct question_told told;
    mistakes_clear(&mistakes);
    return question_from_event(text, strlen(text), question, &told, &mistakes);
}

static void test_event(void)
{
    struct explain_question question;
    struct question_told told;
    const char text[] =
        "{\"event\": {\"start\": \"2026-03-02T09:30:00.500000Z\"},"
        "\"source\": {\"ip\": \"10.20.4.17\", \"port\": 50000}, \"destination\": {\"ip\": \"10.20.1.11\","
        "\"port\": 5061, \"packets\": 3}, \"network\": {\"transport\": \"tcp\", \"protocol\": \"tls\"},"
        "\"rolecall\": {\"compliance\": {\"status\": \"fail\", \"reason\": \"so\"},"
        "\"flow\": {\"direction_basis\": \"syn\"},"
        "\"tls\": {\"mutual\": \"no\", \"version\": \"1.1\"}}}";
    TEST_ASSERT_TRUE(question_from_event(text, sizeof text - 1, &question, &told, &mistakes));
    TEST_ASSERT_EQUAL_INT(IP_TCP, question.protocol);
    TEST_ASSERT_EQUAL_INT(PROTO_tls, question.name);
    TEST_ASSERT_EQUAL_INT(50000, question.initiator_port);
    TEST_ASSERT_EQUAL_INT(5061, question.responder_port);
    TEST_ASSERT_EQUAL_INT(TRI_NO, question.mutual_tls);
    TEST_ASSERT_EQUAL_HEX16(0x0302, question.tls_version);
    TEST_ASSERT_EQUAL_INT(EXPLAIN_ANSWERED, question.outcome);
    TEST_ASSERT_FALSE(question.from_middle);
    TEST_ASSERT_EQUAL_INT64(START, question.time_ns);
    TEST_ASSERT_EQUAL_STRING("fail", told.status);
    TEST_ASSERT_EQUAL_STRING("so", told.reason);
}

static void test_event_refused(void)
{
    static const char *const refused[] = {
        "",
        "[]",
        "null",
        "{}",
        "{\"network\": 1}",
        "{\"network\": {\"transport\": \"tcp\", \"protocol\": \"tls\"}}",
        "{\"source\": {\"ip\": \"10.0.0.1\", \"port\": 1}, \"destination\": {\"ip\": \"10.0.0.2\"},"
        "\"network\": {\"transport\": \"tcp\", \"protocol\": \"tls\"}}",
        "{\"source\": {\"ip\": \"x\", \"port\": 1}, \"destination\": {\"ip\": \"10.0.0.2\", \"port\": 2},"
        "\"network\": {\"transport\": \"tcp\", \"protocol\": \"tls\"}}",
        "{\"source\": {\"ip\": \"10.0.0.1\", \"port\": 65536}, \"destination\": {\"ip\": \"10.0.0.2\", "
        "\"port\": 2},"
        "\"network\": {\"transport\": \"tcp\", \"protocol\": \"tls\"}}",
        "{\"source\": {\"ip\": \"10.0.0.1\", \"port\": 1}, \"destination\": {\"ip\": \"10.0.0.2\", \"port\": "
        "2},"
        "\"network\": {\"transport\": \"tcp\", \"protocol\": \"tlss\"}}",
        "{\"source\": {\"ip\": \"10.0.0.1\", \"port\": 1}, \"destination\": {\"ip\": \"2001:db8::2\", "
        "\"port\": 2},"
        "\"network\": {\"transport\": \"tcp\", \"protocol\": \"tls\"}}"};
    struct explain_question question;
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        TEST_ASSERT_FALSE_MESSAGE(read_event(refused[i], &question), refused[i]);
        TEST_ASSERT_TRUE_MESSAGE(mistakes.count > 0, refused[i]);
    }
}

/* Ends and scope. */

static void test_ends(void)
{
    char prefix[PREFIX_TEXT_SIZE];
    const struct explanation *e = explain("tcp 10.20.4.17 -> 192.0.2.13:443");
    TEST_ASSERT_EQUAL_INT(EXPLAIN_PREFIX, e->initiator.source);
    TEST_ASSERT_EQUAL_STRING("office", e->initiator.entry->name);
    TEST_ASSERT_EQUAL_STRING("10.20.4.0/22",
                             prefix_text(&e->initiator.prefix, prefix)); /* not 10.20.0.0/16 */
    TEST_ASSERT_EQUAL_INT(EXPLAIN_TRANSLATED, e->responder.source);
    TEST_ASSERT_EQUAL_STRING("av", e->responder.entry->name);
    e = explain("tcp 198.51.100.1 -> 10.20.1.11:443");
    TEST_ASSERT_EQUAL_INT(EXPLAIN_NOBODY, e->initiator.source);
    TEST_ASSERT_NULL(e->initiator.entry);
    TEST_ASSERT_EQUAL_INT(EXPLAIN_HOST, e->responder.source);
    e = explain("udp 10.20.1.11 -> 224.0.0.251:5353");
    TEST_ASSERT_EQUAL_INT(EXPLAIN_GROUP, e->responder.source);
}

static void check_scope(const char *flow, bool in_scope, const char *part)
{
    const struct explanation *e = explain(flow);
    TEST_ASSERT_EQUAL_INT_MESSAGE(in_scope, e->in_scope, flow);
    if (!strstr(e->scope, part))
        TEST_ASSERT_EQUAL_STRING_MESSAGE(part, e->scope, flow);
}

static void test_scope(void)
{
    check_scope("tcp 198.51.100.1 -> 10.20.1.11:9", true, "the responder has a server role");
    check_scope("tcp 10.20.1.11 -> 10.20.4.17:9", true,
                "the initiator has a server role, and the responder has");
    check_scope("udp 10.20.4.17:50020 -> 10.20.4.18:50021 [rtp]", true, "is media");
    check_scope("tcp 10.20.4.17 -> 10.20.4.18:9", false, "neither end has a server role");
    check_scope("tcp 10.20.1.11 -> 198.51.100.1:9", false, "no outbound row");
    check_scope("tcp 203.0.113.11 -> 198.51.100.1:9", true, "may only open what is documented");
    check_scope("tcp 203.0.113.11 -> 198.51.100.1:5061 [mtls]", true, "an outbound row names");
    check_scope("udp 10.20.1.11 -> 224.0.0.251:5353", false, "multicast");
    check_scope("udp 10.20.4.17 -> 255.255.255.255:67 [dhcp]", true, "DHCP");
    check_scope("esp 10.20.4.17 -> 10.20.1.11", true, "one covers");
    check_scope("esp 10.20.4.17 -> 198.51.100.1", false, "none covers");
}

/* Rows. */

static void test_rows(void)
{
    const char *tls = "tcp 10.20.4.17 -> 10.20.1.12:5061 [tls]";
    check_row(tls, EXPLAIN_ANSWERS, SFB(3), EXPLAIN_YES, 0);
    check_row(tls, EXPLAIN_ANSWERS, SFB(2), EXPLAIN_NEARLY, WHY_PORT); /* 5060 */
    check_row(tls, EXPLAIN_ANSWERS, SFB(12), EXPLAIN_NO, WHY_PORT);
    check_row(tls, EXPLAIN_OPENS, USER(6), EXPLAIN_LISTED, WHY_LISTED);
    check_row("udp 10.20.4.17 -> 10.20.1.12:5061", EXPLAIN_ANSWERS, SFB(3), EXPLAIN_NEARLY, WHY_TRANSPORT);
    check_row("udp 10.20.4.17 -> 10.20.1.12:5060", EXPLAIN_ANSWERS, SFB(3), EXPLAIN_NO,
              WHY_TRANSPORT | WHY_PORT);
    check_row("tcp 10.20.4.17 -> 10.20.1.12:5061 [http]", EXPLAIN_ANSWERS, SFB(3), EXPLAIN_NEARLY,
              WHY_PROTOCOL);
    check_row("tcp 10.20.4.17 -> 10.20.1.12:5061 [http]", EXPLAIN_OPENS, USER(6), EXPLAIN_NEARLY,
              WHY_PROTOCOL);
    /* The distance that is still near: 10. */
    check_row("tcp 10.20.4.17 -> 10.20.1.12:5051 [tls]", EXPLAIN_ANSWERS, SFB(3), EXPLAIN_NEARLY, WHY_PORT);
    check_row("tcp 10.20.4.17 -> 10.20.1.12:5050 [tls]", EXPLAIN_ANSWERS, SFB(3), EXPLAIN_NO, WHY_PORT);
    /* The site narrows this row to directors. */
    check_row("tcp 10.20.1.21 -> 10.20.9.41:5061 [mtls]", EXPLAIN_ANSWERS, IN(2), EXPLAIN_YES, 0);
    check_row("tcp 10.20.1.31 -> 10.20.9.41:5061 [mtls]", EXPLAIN_ANSWERS, IN(2), EXPLAIN_NEARLY, WHY_PEER);
}

static void test_rows_of_media(void)
{
    const char *call = "udp 10.20.4.17:50020 -> 10.20.1.31:50000 [rtp]";
    check_row(call, EXPLAIN_RESPONDER_MEDIA, SFB(40), EXPLAIN_YES, 0);
    check_row(call, EXPLAIN_INITIATOR_MEDIA, USER(8), EXPLAIN_YES, 0);
    call = "udp 10.20.4.17:50040 -> 10.20.1.31:50000 [rtp]";
    check_row(call, EXPLAIN_RESPONDER_MEDIA, SFB(40), EXPLAIN_YES, 0);
    check_row(call, EXPLAIN_INITIATOR_MEDIA, USER(8), EXPLAIN_NEARLY, WHY_PORT);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, explained->verdict.status);
    /* What is not media is never judged by its source port, and does not belong at the other's media port. */
    check_row("udp 10.20.4.17:50020 -> 10.20.1.31:50000 [dns]", EXPLAIN_RESPONDER_MEDIA, SFB(40),
              EXPLAIN_NEARLY, WHY_PROTOCOL);
    TEST_ASSERT_NULL(row_in(explained, USER(8), EXPLAIN_INITIATOR_MEDIA));
    /* Where a row names the port, media rows are not considered. */
    TEST_ASSERT_FALSE(explain("tcp 10.20.4.17 -> 10.20.1.12:5061 [tls]")->media_asked);
    TEST_ASSERT_NULL(row_in(explained, SFB(10), EXPLAIN_RESPONDER_MEDIA));
}

static void test_port_assumed_for_media(void)
{
    const struct explanation *e = explain("udp 10.20.4.17 -> 10.20.1.31:50000 [rtp]");
    TEST_ASSERT_TRUE(e->port_assumed);
    TEST_ASSERT_EQUAL_INT(50020, e->initiator.port);
    TEST_ASSERT_EQUAL_INT(VERDICT_PASS, e->verdict.status);
    e = explain("udp 10.20.4.17:60000 -> 10.20.1.31:50000 [rtp]");
    TEST_ASSERT_FALSE(e->port_assumed);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, e->verdict.status);
    e = explain("udp 10.20.4.17 -> 10.20.1.31:50000");
    TEST_ASSERT_FALSE(e->port_assumed);
    TEST_ASSERT_EQUAL_INT(0, e->initiator.port);
}

/* A partner is anyone without a role. */
static void test_rows_of_partners(void)
{
    const char *const row = "lync-server-2013-edge/public-im/1";
    check_row("tcp 198.51.100.7 -> 203.0.113.11:5061 [mtls]", EXPLAIN_ANSWERS, row, EXPLAIN_YES, 0);
    check_row("tcp 10.20.4.17 -> 203.0.113.11:5061 [mtls]", EXPLAIN_ANSWERS, row, EXPLAIN_NEARLY, WHY_PEER);
}

/* The site has no "ocs-2007-federation". */
static void test_rows_that_are_off(void)
{
    const char *const row = "lync-server-2013-edge/edge-external-interface/10";
    check_row("udp 203.0.113.13 -> 198.51.100.7:50100", EXPLAIN_OPENS, row, EXPLAIN_NEARLY, WHY_OFF);
    TEST_ASSERT_NULL(row_in(explained, row, EXPLAIN_OPENS)->held);
    check_row("udp 203.0.113.13 -> 198.51.100.7:60100", EXPLAIN_OPENS, row, EXPLAIN_NO, WHY_OFF | WHY_PORT);
    check_row("udp 203.0.113.13:50100 -> 198.51.100.7:60100", EXPLAIN_OPENS, row, EXPLAIN_NEARLY,
              WHY_OFF); /* own port */
}

static void test_learned_rows(void)
{
    const struct explanation *e = explain("tcp 10.20.1.11 -> 10.20.1.12:49999 [dcerpc]");
    const struct explain_row *row = row_in(e, SFB(5), EXPLAIN_ANSWERS);
    TEST_ASSERT_EQUAL_INT(MATCH_LEARNED, e->verdict.match);
    TEST_ASSERT_NOT_NULL(row);
    TEST_ASSERT_TRUE(row->learned);
    TEST_ASSERT_EQUAL_INT(EXPLAIN_YES, row->answer);
}

/* An event says that an endpoint mapper handed out a port which would not be one of its own. */
static void test_learned_port_of_an_event(void)
{
    struct explain_question question;
    TEST_ASSERT_TRUE(
        read_event("{\"source\": {\"ip\": \"10.20.1.11\", \"port\": 50000},"
                   "\"destination\": {\"ip\": \"10.20.1.12\", \"port\": 2000},"
                   "\"network\": {\"transport\": \"tcp\", \"protocol\": \"dcerpc\"},"
                   "\"rolecall\": {\"compliance\": {\"status\": \"pass\", \"match\": \"learned\"}}}",
                   &question));
    explained = explanation_create(policy, site, &question);
    TEST_ASSERT_EQUAL_INT(VERDICT_PASS, explained->verdict.status);
    TEST_ASSERT_EQUAL_INT(MATCH_LEARNED, explained->verdict.match);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL,
                          explain("tcp 10.20.1.11 -> 10.20.1.12:2000 [dcerpc]")->verdict.status);
}

static void test_ipsec_rows(void)
{
    const struct explanation *e = explain("esp 10.20.4.17 -> 10.20.4.18");
    TEST_ASSERT_EQUAL_INT(VERDICT_OUT_OF_SCOPE, e->verdict.status);
    unsigned waiting = 0;
    for (unsigned i = 0; i < e->row_count; i++) {
        TEST_ASSERT_EQUAL_INT(EXPLAIN_IPSEC, e->rows[i].list);
        waiting += e->rows[i].why == WHY_NO_MEDIA;
    }
    TEST_ASSERT_TRUE(waiting > 0);
    struct explain_question question;
    char error[QUESTION_ERROR_SIZE];
    TEST_ASSERT_TRUE(question_from_text("esp 10.20.4.17 -> 10.20.4.18", START, &question, error));
    question.media_of_pair = true;
    explanation_destroy(explained);
    explained = explanation_create(policy, site, &question);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, explained->verdict.status);
    TEST_ASSERT_TRUE(explained->verdict.row_count > 0);
    TEST_ASSERT_EQUAL_INT(EXPLAIN_YES,
                          row_in(explained, explained->verdict.rows[0]->id, EXPLAIN_IPSEC)->answer);
}

static void check_allow(const char *flow, const enum explain_answer answers[3], const unsigned whys[3])
{
    const struct explanation *e = explain(flow);
    TEST_ASSERT_EQUAL_INT(3, e->allow_count);
    for (unsigned i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL_INT_MESSAGE(answers[i], e->allow[i].answer, flow);
        TEST_ASSERT_EQUAL_INT_MESSAGE(whys[i], e->allow[i].why, flow);
    }
}

static void test_allow(void)
{
    check_allow("tcp 10.20.4.5 -> 10.20.1.12:3389 [rdp]",
                (enum explain_answer[]){EXPLAIN_NEARLY, EXPLAIN_YES, EXPLAIN_NO},
                (unsigned[]){WHY_EXPIRED, 0, WHY_EARLIER});
    TEST_ASSERT_EQUAL_INT(VERDICT_EXEMPT, explained->verdict.status);
    check_allow("tcp 10.20.4.6 -> 10.20.1.12:3389 [rdp]",
                (enum explain_answer[]){EXPLAIN_NO, EXPLAIN_NEARLY, EXPLAIN_YES},
                (unsigned[]){WHY_EXPIRED | WHY_PEER, WHY_PEER, 0});
    check_allow("udp 198.51.100.1 -> 198.51.100.7:3390",
                (enum explain_answer[]){EXPLAIN_NO, EXPLAIN_NO, EXPLAIN_NO},
                (unsigned[]){WHY_EXPIRED | WHY_PEER | WHY_RESPONDER | WHY_PORT | WHY_TRANSPORT,
                             WHY_PEER | WHY_RESPONDER | WHY_PORT | WHY_TRANSPORT,
                             WHY_PEER | WHY_RESPONDER | WHY_PORT | WHY_TRANSPORT});
}

/* Agreement with the engine. */

enum { FLOWS = 500 };

static const char *const hosts[] = {"10.20.1.11",    "10.20.1.12",  "10.20.1.21",   "10.20.1.31",
                                    "10.20.1.51",    "10.20.9.41",  "192.0.2.13",   "10.20.4.5",
                                    "10.20.4.17",    "10.20.5.22",  "203.0.113.11", "203.0.113.13",
                                    "198.51.100.99", "198.51.100.7"};
static const uint16_t ports[] = {53,   80,   135,  443,   444,   445,   448,   1434,  3389,  3478, 4443, 5041,
                                 5060, 5061, 5062, 5063,  5070,  5071,  5080,  5086,  5269,  8057, 8060, 8080,
                                 8089, 5067, 5068, 49443, 50025, 50100, 57600, 58010, 59999, 65000};
static talk_play *const over_tcp[] = {talk_tls,    talk_mtls,    talk_sip,     talk_http,    talk_smb,
                                      talk_dcerpc, talk_tds,     talk_xmpp,    talk_net_tcp, talk_rdp,
                                      talk_ldap,   talk_ms_turn, talk_rtp_tcp, talk_unknown};
static talk_play *const over_udp[] = {talk_sip_udp, talk_ms_turn_udp, talk_stun, talk_media,
                                      talk_rtcp,    talk_dns,         talk_ssrp, talk_ntp,
                                      talk_quic,    talk_unknown_udp};

#define PICK(list) (list)[scene_random(scene) % (sizeof(list) / sizeof *(list))]

static uint16_t fresh_port(struct scene *scene, bool *used)
{
    uint16_t port;
    do {
        unsigned range = scene_random(scene) % 3;
        port = (uint16_t)(range == 0   ? 50000 + scene_random(scene) % 100
                          : range == 1 ? 49152 + scene_random(scene) % 16000
                                       : 20000 + scene_random(scene) % 29000);
    } while (used[port]);
    used[port] = true;
    return port;
}

static int64_t play_any(struct scene *scene, struct end from, struct end to, int64_t at)
{
    switch (scene_random(scene) % 8) {
    case 0:
        return tcp_refused(scene, from, to, at);
    case 1:
        return tcp_silent(scene, from, to, at, 1 + scene_random(scene) % 4);
    case 2:
        return talk_ms_turn_unanswered(scene, from, to, at);
    case 3:
    case 4:
        return PICK(over_udp)(scene, from, to, at);
    default:
        return PICK(over_tcp)(scene, from, to, at);
    }
}

static void play_flows(struct scene *scene)
{
    static bool used[65536];
    int64_t now = START;
    memset(used, 0, sizeof used);
    for (unsigned i = 0; i < FLOWS; i++) {
        const char *from = PICK(hosts), *to = PICK(hosts);
        if (strcmp(from, to) == 0)
            to = strcmp(from, hosts[0]) ? hosts[0] : hosts[1];
        struct end client = end_of(from, fresh_port(scene, used)), server = end_of(to, PICK(ports));
        now = play_any(scene, client, server, now) + 100 * MS;
    }
}

static const char *findings_of(const struct verdict *verdict)
{
    static char text[400];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned id = 0; id < FINDING_COUNT; id++)
        if (verdict->findings >> id & 1)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                     finding_id_name((enum finding_id)id));
    return text;
}

static const char *rows_of(const struct verdict *verdict)
{
    static char text[8192];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < verdict->row_count; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", verdict->rows[i]->id);
    return text;
}

static void check_same(const cJSON *event, const struct explain_question *question, const char *label)
{
    explanation_destroy(explained);
    explained = explanation_create(policy, site, question);
    TEST_ASSERT_NOT_NULL(explained);
    const struct verdict *verdict = &explained->verdict;
    const char *match = row_match_name(verdict->match);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(text_at(event, "rolecall.compliance.status"),
                                     verdict_status_name(verdict->status), label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(list_at(event, "rolecall.compliance.findings"), findings_of(verdict),
                                     label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(list_at(event, "rolecall.compliance.rows"), rows_of(verdict), label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(text_at(event, "rolecall.compliance.match"), match ? match : "", label);
}

static bool is_in(const struct verdict *verdict, const struct matrix_row *row)
{
    for (unsigned i = 0; i < verdict->row_count; i++)
        if (strcmp(verdict->rows[i]->id, row->id) == 0)
            return true;
    return false;
}

/* What is said of the rows is what the verdict rests on. */
static void check_rows_agree(const char *label)
{
    const struct verdict *verdict = &explained->verdict;
    TEST_ASSERT_TRUE_MESSAGE(explained->in_scope || verdict->status == VERDICT_OUT_OF_SCOPE, label);
    if (!explained->in_scope || verdict->status == VERDICT_EXEMPT)
        return;
    for (unsigned i = 0; i < explained->row_count; i++) {
        const struct explain_row *row = &explained->rows[i];
        bool named = row->answer <= EXPLAIN_LISTED || row->why == WHY_PROTOCOL;
        char text[500];
        snprintf(text, sizeof text, "%s: %s", label, row->row->id);
        TEST_ASSERT_TRUE_MESSAGE(!named || is_in(verdict, row->row), text);
    }
    for (unsigned k = 0; k < verdict->row_count; k++) {
        bool named = false;
        for (unsigned i = 0; i < explained->row_count && !named; i++)
            named = strcmp(explained->rows[i].row->id, verdict->rows[k]->id) == 0 &&
                    (explained->rows[i].answer <= EXPLAIN_LISTED || explained->rows[i].why == WHY_PROTOCOL);
        TEST_ASSERT_TRUE_MESSAGE(named, label);
    }
}

/* The event's flow in words, where words say as much. */
static bool in_words(const cJSON *event, char *out, size_t size)
{
    const char *outcome = text_at(event, "rolecall.compliance.outcome"),
               *mutual = text_at(event, "rolecall.tls.mutual");
    const char *version = text_at(event, "rolecall.tls.version");
    bool plain = *outcome == '\0' || strcmp(outcome, "established") == 0;
    if (!plain || number_at(event, "destination.packets") == 0 || strcmp(mutual, "no") == 0 ||
        strcmp(version, "1.0") == 0 || strcmp(version, "1.1") == 0 ||
        strcmp(text_at(event, "rolecall.compliance.status"), "inconclusive") == 0)
        return false;
    snprintf(out, size, "%s %s:%.0f -> %s:%.0f [%s]", text_at(event, "network.transport"),
             text_at(event, "source.ip"), number_at(event, "source.port"), text_at(event, "destination.ip"),
             number_at(event, "destination.port"),
             strcmp(mutual, "yes") == 0 ? "mtls" : text_at(event, "network.protocol"));
    return true;
}

static void check_seed(uint64_t seed, unsigned by_status[VERDICT_COUNT])
{
    struct scene *scene = scene_create(seed);
    unsigned flows = 0, worded = 0;
    const cJSON *event;
    play_flows(scene);
    struct run *run = run_scene(site_text, scene, 1);
    for (; (event = run_event(run, "rolecall.flow", flows)); flows++) {
        struct explain_question question;
        char label[300], words[200], error[QUESTION_ERROR_SIZE] = "";
        char *text = cJSON_PrintUnformatted(event);
        snprintf(label, sizeof label, "seed %llu, flow %u: %s %s:%.0f to %s:%.0f %s",
                 (unsigned long long)seed, flows, text_at(event, "network.transport"),
                 text_at(event, "source.ip"), number_at(event, "source.port"),
                 text_at(event, "destination.ip"), number_at(event, "destination.port"),
                 text_at(event, "network.protocol"));
        TEST_ASSERT_TRUE_MESSAGE(read_event(text, &question), label);
        free(text);
        check_same(event, &question, label);
        check_rows_agree(label);
        by_status[explained->verdict.status]++;
        if (!in_words(event, words, sizeof words))
            continue;
        worded++;
        TEST_ASSERT_TRUE_MESSAGE(question_from_text(words, question.time_ns, &question, error), error);
        check_same(event, &question, words);
    }
    run_destroy(run);
    scene_destroy(scene);
    TEST_ASSERT_TRUE(flows >= FLOWS);
    TEST_ASSERT_TRUE(worded >= FLOWS / 4);
}

static void test_agrees_with_the_engine(void)
{
    unsigned by_status[VERDICT_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 3; seed++)
        check_seed(seed, by_status);
    for (unsigned i = 0; i < VERDICT_COUNT; i++) /* else the flows are not as varied as meant */
        TEST_ASSERT_TRUE_MESSAGE(by_status[i] > 0, verdict_status_name((enum verdict_status)i));
}

/* Tables of hosts. */

static char *imported(const char *text)
{
    size_t size = 0;
    mistakes_clear(&mistakes);
    char *out = site_from_csv("dir/hosts.csv", text, strlen(text), rules, &mistakes, &size);
    mistakes_print(&mistakes, "", stderr);
    if (out)
        TEST_ASSERT_EQUAL_INT(strlen(out), size);
    return out;
}

static void test_table(void)
{
    char *out = imported("\xef\xbb\xbfRoles, Address ,name\r\n"
                         "front-end + director,10.0.0.1 10.0.0.2;2001:db8::1,\"fe \"\"one\"\", main\"\r\n"
                         "\r\n"
                         "client,10.0.4.0/22,office\r\n"
                         "\"client\n device\",\"10.1.0.0/16;10.9.9.9\",\r\n"
                         ",10.9.9.10,no role");
    TEST_ASSERT_EQUAL_STRING(
        "{\n"
        "  \"site\": \"hosts\",\n"
        "  \"hosts\": [\n"
        "    {\"name\":\"fe \\\"one\\\", "
        "main\",\"addresses\":[\"10.0.0.1\",\"10.0.0.2\",\"2001:db8::1\"],\"roles\":[\"front-end\","
        "\"director\"]},\n"
        "    {\"addresses\":[\"10.9.9.9\"],\"roles\":[\"client\",\"device\"]},\n"
        "    {\"name\":\"no role\",\"addresses\":[\"10.9.9.10\"],\"roles\":[]}\n"
        "  ],\n"
        "  \"networks\": [\n"
        "    {\"name\":\"office\",\"prefixes\":[\"10.0.4.0/22\"],\"roles\":[\"client\"]},\n"
        "    {\"prefixes\":[\"10.1.0.0/16\"],\"roles\":[\"client\",\"device\"]}\n"
        "  ]\n"
        "}\n",
        out);
    free(out);
}

/* An address, and the network that is this address alone: two different things to a site file. */
static void test_table_with_an_address_as_both(void)
{
    char *out = imported("name,address,roles\na,10.0.0.1 10.0.0.1/32,client\n");
    TEST_ASSERT_NOT_NULL(out);
    TEST_ASSERT_NOT_NULL(strstr(out, "\"prefixes\":[\"10.0.0.1/32\"]"));
    free(out);
}

static void test_table_without_lines(void)
{
    char *out = imported("name,address,roles\n");
    TEST_ASSERT_EQUAL_STRING("{\n  \"site\": \"hosts\",\n  \"hosts\": [],\n  \"networks\": []\n}\n", out);
    free(out);
}

static void check_mistake(const char *text, unsigned line, unsigned column, const char *expected)
{
    size_t size;
    mistakes_clear(&mistakes);
    TEST_ASSERT_NULL_MESSAGE(site_from_csv("t.csv", text, strlen(text), rules, &mistakes, &size), text);
    for (unsigned i = 0; i < mistakes.count; i++)
        if (mistakes.list[i].line == line && mistakes.list[i].column == column &&
            strstr(mistakes.list[i].expected, expected))
            return;
    mistakes_print(&mistakes, "", stderr);
    TEST_FAIL_MESSAGE(text);
}

static void test_table_mistakes(void)
{
#define HEADER "name,address,roles\n"
    check_mistake("", 0, 0, "a header line");
    check_mistake("\n\n", 0, 0, "a header line");
    check_mistake("name,adress,roles\n", 1, 6, "did you mean \"address\"?");
    check_mistake("name,address\n", 1, 1, "name, address and roles");
    check_mistake("name,address,roles,name\n", 1, 20, "not named before");
    check_mistake("name;address;roles\n", 1, 1, "a column");
    check_mistake(HEADER "a,10.0.0.1\n", 2, 1, "as many fields");
    check_mistake(HEADER "a,10.0.0.1,client,x\n", 2, 1, "as many fields");
    check_mistake(HEADER "a,10.0.0.1 10.0.0.256,client\n", 2, 12, "an address or a prefix");
    check_mistake(HEADER "\xc3\xa4\xc3\xb6,10.0.0.256,client\n", 2, 4, "an address or a prefix");
    check_mistake(HEADER "a,,client\n", 2, 3, "an address or a prefix");
    check_mistake(HEADER "a,10.0.0.1/8,client\n", 2, 3, "\"10.0.0.0/8\"");
    check_mistake(HEADER "a,10.0.0.0/33,client\n", 2, 3, "an address or a prefix");
    check_mistake(HEADER "a,224.0.0.1,client\n", 2, 3, "one host can have");
    check_mistake(HEADER "a,10.0.0.1,client\nb,10.0.0.2 10.0.0.1,client\n", 3, 12, "line 2 does");
    check_mistake(HEADER "a,10.0.0.0/8,client\nb,10.0.0.0/8,client\n", 3, 3, "line 2 does");
    check_mistake(HEADER "a,10.0.0.1,front-end+clint\n", 2, 22, "did you mean \"client\"?");
    check_mistake(HEADER "a,10.0.0.1,any\n", 2, 12, "a role");
    check_mistake(HEADER "a\xff,10.0.0.1,client\n", 2, 1, "UTF-8");
    check_mistake(HEADER "\"a\nb\",10.0.0.1,client\n", 2, 2, "UTF-8");
    check_mistake(HEADER "\"a,10.0.0.1,client\n", 2, 1, "closed again");
    check_mistake(HEADER "\"a\"b,10.0.0.1,client\n", 2, 4, "a comma");
    check_mistake(HEADER "a\"b,10.0.0.1,client\n", 2, 2, "quotes around");
    check_mistake(HEADER "\"a\nb\",10.0.0.1,clint\n", 3, 13, "a role"); /* lines inside quotes count */
#undef HEADER
}

static void test_table_tells_all_at_once(void)
{
    size_t size;
    const char text[] = "name,address,roles\na,x,y\nb,z,client\n";
    mistakes_clear(&mistakes);
    TEST_ASSERT_NULL(site_from_csv("t.csv", text, sizeof text - 1, rules, &mistakes, &size));
    TEST_ASSERT_EQUAL_INT(3, mistakes.count);
}

static void test_table_limits(void)
{
    char text[4096] = "name,address,roles\n", name[300];
    memset(name, 'n', sizeof name);
    size_t size, used = strlen(text);
    snprintf(text + used, sizeof text - used, "%.255s,10.0.0.1,client\n", name);
    free(imported(text));
    TEST_ASSERT_EQUAL_INT(0, mistakes.count);
    snprintf(text + used, sizeof text - used, "%.256s,10.0.0.1,client\n", name);
    check_mistake(text, 2, 1, "255 bytes");
    for (unsigned count = 64; count <= 65; count++) {
        size_t at = used;
        at += (size_t)snprintf(text + at, sizeof text - at, "a,");
        for (unsigned i = 1; i <= count; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s10.0.0.%u", i > 1 ? " " : "", i);
        snprintf(text + at, sizeof text - at, ",client\n");
        mistakes_clear(&mistakes);
        char *out = site_from_csv("t.csv", text, strlen(text), rules, &mistakes, &size);
        TEST_ASSERT_EQUAL_INT(count == 64, out != NULL);
        free(out);
    }
    static const char zero[] = "name,address,roles\na,10.0.0.1\0,client\n";
    mistakes_clear(&mistakes);
    TEST_ASSERT_NULL(site_from_csv("t.csv", zero, sizeof zero - 1, rules, &mistakes, &size));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_words);
    RUN_TEST(test_mutual_tls_in_words);
    RUN_TEST(test_words_refused);
    RUN_TEST(test_event);
    RUN_TEST(test_event_refused);
    RUN_TEST(test_ends);
    RUN_TEST(test_scope);
    RUN_TEST(test_rows);
    RUN_TEST(test_rows_of_media);
    RUN_TEST(test_port_assumed_for_media);
    RUN_TEST(test_rows_of_partners);
    RUN_TEST(test_rows_that_are_off);
    RUN_TEST(test_learned_rows);
    RUN_TEST(test_learned_port_of_an_event);
    RUN_TEST(test_ipsec_rows);
    RUN_TEST(test_allow);
    RUN_TEST(test_agrees_with_the_engine);
    RUN_TEST(test_table);
    RUN_TEST(test_table_with_an_address_as_both);
    RUN_TEST(test_table_without_lines);
    RUN_TEST(test_table_mistakes);
    RUN_TEST(test_table_tells_all_at_once);
    RUN_TEST(test_table_limits);
    return UNITY_END();
}
