/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_ssrp.c - questions for SQL Server instances and the answers to them.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

static struct payload answer(const char *text)
{
    struct payload payload = payload_of("05 0000");
    payload_text(&payload, text);
    payload.at[1] = (uint8_t)(payload.size - 3);
    payload.at[2] = (uint8_t)((payload.size - 3) >> 8);
    return payload;
}

#define FIRST "ServerName;FE01;InstanceName;RTC;IsClustered;No;Version;12.0.5000.0;tcp;49777;;"
#define SECOND                                                                                               \
    "ServerName;FE01;InstanceName;RTCLOCAL;IsClustered;No;Version;12.0.5000.0;np;\\\\FE01\\pipe;tcp;49778;;"

static void test_an_answer_stands_alone(void)
{
    struct payload payload = answer(FIRST SECOND);
    struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.facts.query.response);
    ASSERT_TEXT("FE01", asked.facts.server_name);
    ASSERT_TEXT("RTC", asked.facts.detail);
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.learned_count);
    TEST_ASSERT_EQUAL_UINT(LEARNED_TDS, asked.reply.learned[0].kind);
    TEST_ASSERT_EQUAL_UINT(OVER_TCP, asked.reply.learned[0].transport);
    TEST_ASSERT_EQUAL_UINT(49777, asked.reply.learned[0].port);
    TEST_ASSERT_FALSE(asked.reply.learned[0].has_addr);
    TEST_ASSERT_EQUAL_UINT(49778, asked.reply.learned[1].port);
    assert_right_at_each_length(&proto_ssrp, OVER_UDP, false, &payload);
    assert_matters(&proto_ssrp, OVER_UDP, false, &payload, 0, 6);
    assert_matters(&proto_ssrp, OVER_UDP, false, &payload, 1, 1);
    assert_matters(&proto_ssrp, OVER_UDP, false, &payload, 5, 'e');
}

static void test_a_cut_answer_teaches_no_wrong_port(void)
{
    struct payload payload = answer(FIRST);
    for (size_t caplen = 0; caplen <= payload.size; caplen++) {
        struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
        if (asked_some(&asked, 0, &payload, caplen) == PROTO_YES && asked.reply.learned_count)
            TEST_ASSERT_EQUAL_UINT(49777, asked.reply.learned[0].port);
        bool is_whole = caplen > payload.size - strlen(";;"); /* the semicolon behind the port is there */
        TEST_ASSERT_EQUAL_UINT(is_whole ? 1 : 0, asked.reply.learned_count);
    }
}

static void test_ports_that_are_none(void)
{
    static const char *const ports[] = {"0", "65536", "4294967297", "49x77", "49/77", "-1", ""};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "ServerName;FE01;tcp;%s;;", ports[i]);
        struct payload payload = answer(text);
        struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
        TEST_ASSERT_EQUAL_UINT_MESSAGE(0, asked.reply.learned_count, ports[i]);
    }
}

static void test_more_instances_than_places(void)
{
    struct payload payload = answer(FIRST FIRST FIRST FIRST FIRST FIRST FIRST FIRST FIRST FIRST FIRST FIRST
                                        FIRST FIRST FIRST FIRST FIRST FIRST);
    struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    TEST_ASSERT_EQUAL_UINT(PROTO_LEARNED_MAX, asked.reply.learned_count);
}

static void test_requests_need_the_customary_port(void)
{
    static const char *const requests[] = {"02", "03", "04 'RTC' 00", "0f 01 'RTC' 00"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct payload payload = payload_of(requests[i]);
        struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &payload));
        asked.customary = true;
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
        TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
        TEST_ASSERT_TRUE(asked.facts.query.request);
        if (i >= 2)
            ASSERT_TEXT("RTC", asked.facts.detail);
        assert_right_at_each_length(&proto_ssrp, OVER_UDP, true, &payload);
    }
}

static void test_what_a_request_must_say(void)
{
    static const char *const wrong[] = {
        "01",
        "02 00",
        "03 00",
        "04",
        "04 00",
        "04 'RTC'",
        "04 'RTC' 00 00",
        "04 'R' 09 'C' 00",
        "0f 02 'RTC' 00",
        "04 '123456789012345678901234567890123' 00",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct payload payload = payload_of(wrong[i]);
        struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
        asked.customary = true;
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, asked_all(&asked, 0, &payload), wrong[i]);
    }
}

static void test_administrator_connection(void)
{
    struct payload payload = payload_of("05 0600 01 9a05");
    struct asked asked = asked_new(&proto_ssrp, OVER_UDP);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 1, &payload));
    asked.customary = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &payload));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(1434, asked.reply.learned[0].port);
    assert_right_at_each_length(&proto_ssrp, OVER_UDP, true, &payload);
    assert_matters(&proto_ssrp, OVER_UDP, true, &payload, 1, 5);
    assert_matters(&proto_ssrp, OVER_UDP, true, &payload, 3, 2);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_an_answer_stands_alone);
    RUN_TEST(test_a_cut_answer_teaches_no_wrong_port);
    RUN_TEST(test_ports_that_are_none);
    RUN_TEST(test_more_instances_than_places);
    RUN_TEST(test_requests_need_the_customary_port);
    RUN_TEST(test_what_a_request_must_say);
    RUN_TEST(test_administrator_connection);
    return UNITY_END();
}
