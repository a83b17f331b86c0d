/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_mdns.c - multicast DNS at its port and elsewhere.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define QUERY    "0000 0000 0001 0000 0000 0000 04'_sip' 04'_udp' 05'local' 00 000c 8001"
#define RESPONSE "0000 8400 0000 0001 0000 0000 04'edge' 05'local' 00 0001 8001 00000078 0004 c0000201"

static enum proto_answer first_of(const char *hex, bool customary)
{
    struct asked asked = asked_new(&proto_mdns, OVER_UDP);
    struct payload payload = payload_of(hex);
    asked.customary = customary;
    return asked_all(&asked, 0, &payload);
}

static void test_query_and_response(void)
{
    for (unsigned customary = 0; customary < 2; customary++) {
        struct asked asked = asked_new(&proto_mdns, OVER_UDP);
        struct payload query = payload_of(QUERY), response = payload_of(RESPONSE);
        asked.customary = customary;
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
        TEST_ASSERT_EQUAL_UINT(customary ? 2 : 1, asked.reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
        ASSERT_TEXT("_sip._udp.local", asked.facts.server_name);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &response));
        TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, asked.reply.speaker); /* it may come unasked */
        TEST_ASSERT_TRUE(asked.reply.settled);
    }
}

static void test_cut_at_each_length(void)
{
    struct payload query = payload_of(QUERY), response = payload_of(RESPONSE);
    assert_right_at_each_length(&proto_mdns, OVER_UDP, true, &query);
    assert_right_at_each_length(&proto_mdns, OVER_UDP, false, &query);
    assert_right_at_each_length(&proto_mdns, OVER_UDP, true, &response);
}

static void test_what_unicast_dns_sends_is_not_ours(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                           first_of("1234 0100 0001 0000 0000 0000 04'pool' 07'example' 00 0001 0001", true));
    TEST_ASSERT_EQUAL_UINT(
        PROTO_NO, first_of("0000 0000 0001 0000 0000 0000 04'pool' 07'example' 00 0001 0001", false));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                           first_of("0000 0100 0001 0000 0000 0000 04'pool' 05'local' 00 0001 0001", false));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                           first_of("1234 0000 0001 0000 0000 0000 04'pool' 05'local' 00 0001 0001", false));
}

static void test_one_shot_queries_keep_their_id(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           first_of("1234 0000 0001 0000 0000 0000 04'pool' 05'local' 00 0001 0001", true));
    TEST_ASSERT_EQUAL_UINT(
        PROTO_YES, first_of("1234 0100 0001 0000 0000 0000 01'1' 07'in-addr' 04'arpa' 00 000c 0001", true));
}

static void test_each_field_counts(void)
{
    struct payload query = payload_of(QUERY);
    assert_matters(&proto_mdns, OVER_UDP, true, &query, 2, 0x08);  /* opcode */
    assert_matters(&proto_mdns, OVER_UDP, true, &query, 3, 0x40);  /* zero bits */
    assert_matters(&proto_mdns, OVER_UDP, true, &query, 3, 0x03);  /* rcode */
    assert_matters(&proto_mdns, OVER_UDP, true, &query, 5, 0x00);  /* no question */
    assert_matters(&proto_mdns, OVER_UDP, false, &query, 2, 0x01); /* recursion */
}

static void test_any_section_may_be_the_only_one(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           first_of("0000 8400 0000 0000 0000 0001 04'edge' 05'local' 00 0001 0001 00000078 "
                                    "0004 c0000201",
                                    false));
    TEST_ASSERT_EQUAL_UINT(
        PROTO_YES, first_of("0000 0000 0001 0000 0000 0000 04'edge' 07'example' 00 0001 8001", false));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_query_and_response);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_what_unicast_dns_sends_is_not_ours);
    RUN_TEST(test_one_shot_queries_keep_their_id);
    RUN_TEST(test_each_field_counts);
    RUN_TEST(test_any_section_may_be_the_only_one);
    return UNITY_END();
}
