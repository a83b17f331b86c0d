/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_dns.c - DNS at its port and elsewhere, over UDP and TCP, and what it leaves to mDNS, LLMNR and
 * NetBIOS.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define QUESTION "04'pool' 07'contoso' 07'example' 00 0001 0001 "
#define QUERY    "1234 0100 0001 0000 0000 0000 " QUESTION
#define ANSWER   "1234 8180 0001 0001 0000 0000 " QUESTION "c00c 0001 0001 0000003c 0004 c0000201 "

static struct asked at_port(enum proto_transport transport, bool customary)
{
    struct asked asked = asked_new(&proto_dns, transport);
    asked.customary = customary;
    return asked;
}

static enum proto_answer first_of(const char *hex, bool customary)
{
    struct asked asked = at_port(OVER_UDP, customary);
    struct payload payload = payload_of(hex);
    return asked_all(&asked, 0, &payload);
}

/* The answer at port 53 where the capture ended behind these bytes. */
static enum proto_answer cut_behind(const char *hex)
{
    struct asked asked = at_port(OVER_UDP, true);
    struct payload payload = payload_of(hex);
    size_t caplen = payload.size;
    payload_fill(&payload, 0, 1);
    return asked_some(&asked, 0, &payload, caplen);
}

static void test_query_and_answer(void)
{
    for (unsigned customary = 0; customary < 2; customary++) {
        struct asked asked = at_port(OVER_UDP, customary);
        struct payload query = payload_of(QUERY), answer = payload_of(ANSWER);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
        TEST_ASSERT_EQUAL_UINT(customary ? 2 : 1, asked.reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
        TEST_ASSERT_FALSE(asked.reply.settled);
        TEST_ASSERT_TRUE(asked.facts.query.request);
        ASSERT_TEXT("pool.contoso.example", asked.facts.server_name);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
        TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
        TEST_ASSERT_TRUE(asked.reply.settled);
        TEST_ASSERT_TRUE(asked.facts.query.response);
    }
}

static void test_cut_at_each_length(void)
{
    struct payload query = payload_of(QUERY), answer = payload_of(ANSWER);
    assert_right_at_each_length(&proto_dns, OVER_UDP, true, &query);
    assert_right_at_each_length(&proto_dns, OVER_UDP, false, &query);
    assert_right_at_each_length(&proto_dns, OVER_UDP, true, &answer);
    assert_right_at_each_length(&proto_dns, OVER_UDP, false, &answer);
}

static void test_nothing_lifts_a_broken_question(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("1234 0100 0001 0000 0000 0000 c00e c00c 0001 0001", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("1234 0100 0001 0000 0000 0000 c00e c00c 0001 0001", false));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           first_of("1234 8183 0000 0000 0000 0000", true)); /* a header alone refuses */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("1234 8180 0000 0000 0000 0000", true));
}

static void test_a_right_question_is_enough_at_the_port(void)
{
    struct asked asked = at_port(OVER_UDP, true);
    struct payload query = payload_of(QUERY "00000000");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_dns, OVER_UDP, &query));
}

/* The sender left it short: then no cut of it gives a name that the whole has not. */
static void test_a_message_that_ends_too_early(void)
{
    struct payload payload = payload_of("100c 0100 0001 0000 0000 0000 03'www'");
    assert_right_at_each_length(&proto_dns, OVER_UDP, true, &payload);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_dns, OVER_UDP, &payload));
}

static void test_other_kinds_of_requests(void)
{
    TEST_ASSERT_EQUAL_UINT(
        PROTO_YES, first_of("1234 0980 0000 0001 0000 0000 00 0001 0001 00007a69 0004 04030201", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, first_of("1234 2400 0001 0000 0000 0000 " QUESTION, true)); /* NOTIFY */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, cut_behind("1234 2800 0001 0002 0000 0000 " QUESTION));     /* UPDATE */
}

static void test_each_field_of_a_query_counts(void)
{
    struct payload query = payload_of(QUERY);
    static const uint8_t changes[][2] = {{2, 0x19}, {2, 0x31}, {3, 0x40}, {3, 0x01}, {5, 0},
                                         {5, 2},    {7, 1},    {9, 2},    {11, 3}};
    for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_matters(&proto_dns, OVER_UDP, true, &query, changes[i][0], changes[i][1]);
    assert_matters(&proto_dns, OVER_UDP, false, &query, query.size - 1, 9); /* the class */
}

static void test_what_others_would_have_sent(void)
{
    /* LLMNR: nobody asks for recursion */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("1234 0000 0001 0000 0000 0000 04'pool' 00 0001 0001", false));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, first_of("1234 0000 0001 0000 0000 0000 04'pool' 00 0001 0001", true));
    /* mDNS */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                           first_of("0000 0000 0001 0000 0000 0000 04'pool' 05'local' 00 0001 0001", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                           first_of("1234 0100 0001 0000 0000 0000 04'pool' 05'local' 00 0001 8001", false));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           first_of("1234 0100 0001 0000 0000 0000 04'pool' 05'local' 00 0001 0001", false));
    /* NetBIOS */
    TEST_ASSERT_EQUAL_UINT(
        PROTO_NO,
        first_of("1234 0100 0001 0000 0000 0000 20'FHFAEBEECACACACACACACACACACACAAA' 00 0020 0001", true));
}

static void test_a_stream_of_two_messages(void)
{
    struct asked asked = at_port(OVER_TCP, false);
    struct payload stream = payload_of("0026 " QUERY "0026 " QUERY), answer = payload_of("0036 " ANSWER);
    for (size_t size = 1; size < 40; size++)
        TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_some(&asked, 0, &stream, size));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &stream));
    TEST_ASSERT_EQUAL_UINT(80, asked.reply.used);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(56, asked.reply.used);
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static void test_a_long_answer_in_a_stream_is_skipped(void)
{
    struct asked asked = at_port(OVER_TCP, true);
    struct payload query = payload_of("0026 " QUERY),
                   answer = payload_of("4000 1234 8180 0001 0100 0000 0000 " QUESTION);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_some(&asked, 1, &answer, 9));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(0x4002, asked.reply.used);
}

static void test_a_stream_from_its_middle_needs_a_whole_message(void)
{
    struct asked asked = at_port(OVER_TCP, true);
    struct payload query = payload_of("0026 " QUERY), short_one = payload_of("0027 " QUERY);
    asked.in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &short_one));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
}

static void test_a_stream_with_a_wrong_length(void)
{
    struct payload stream = payload_of("0025 " QUERY "0026 " QUERY);
    struct asked asked = at_port(OVER_TCP, false);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &stream));
}

static void test_limits(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, cut_behind("1234 0100 0001 0000 0001 0002 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, cut_behind("1234 8180 0001 0400 0400 0400 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, cut_behind("1234 8180 0001 0401 0000 0000 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, cut_behind("1234 8180 0001 0000 0401 0000 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, cut_behind("1234 8180 0001 0000 0000 0401 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, cut_behind("1234 8180 0002 0001 0000 0000 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, cut_behind("1234 a400 0001 0000 0000 0000 " QUESTION)); /* NOTIFY */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, cut_behind("1234 a800 0001 0000 0000 0000 " QUESTION)); /* UPDATE */
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, cut_behind("1234 9000 0001 0000 0000 0000 " QUESTION));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE,
                           cut_behind("1234 0900 0001 0001 0000 0000 " QUESTION)); /* inverse, with one */
}

static void test_every_class_and_the_ends_of_types(void)
{
    static const char *const known[] = {"0001 0001", "0108 0003", "8000 0004", "8001 00fe", "ff00 00ff"};
    for (unsigned i = 0; i < 5; i++) {
        char hex[64];
        snprintf(hex, sizeof hex, "1234 0100 0001 0000 0000 0000 04'pool' 00 %s", known[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_YES, first_of(hex, false), known[i]);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_query_and_answer);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_nothing_lifts_a_broken_question);
    RUN_TEST(test_a_right_question_is_enough_at_the_port);
    RUN_TEST(test_a_message_that_ends_too_early);
    RUN_TEST(test_other_kinds_of_requests);
    RUN_TEST(test_each_field_of_a_query_counts);
    RUN_TEST(test_what_others_would_have_sent);
    RUN_TEST(test_a_stream_of_two_messages);
    RUN_TEST(test_a_long_answer_in_a_stream_is_skipped);
    RUN_TEST(test_a_stream_from_its_middle_needs_a_whole_message);
    RUN_TEST(test_a_stream_with_a_wrong_length);
    RUN_TEST(test_limits);
    RUN_TEST(test_every_class_and_the_ends_of_types);
    return UNITY_END();
}
