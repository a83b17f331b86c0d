/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_llmnr.c - link-local name resolution at its port, and silence elsewhere.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define QUERY "1234 0000 0001 0000 0000 0000 04'edge' 00 0001 0001"
#define RESPONSE                                                                                             \
    "1234 8000 0001 0001 0000 0000 04'edge' 00 0001 0001 04'edge' 00 0001 0001 0000001e 0004 c0000201"

static void test_query_and_response(void)
{
    struct asked asked = asked_new(&proto_llmnr, OVER_UDP);
    struct payload query = payload_of(QUERY), response = payload_of(RESPONSE);
    asked.customary = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    ASSERT_TEXT("edge", asked.facts.server_name);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &response));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static void test_nothing_without_the_port(void)
{
    struct payload query = payload_of(QUERY), response = payload_of(RESPONSE);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_llmnr, OVER_UDP, &query));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_llmnr, OVER_UDP, &response));
}

static void test_cut_at_each_length(void)
{
    struct payload query = payload_of(QUERY), response = payload_of(RESPONSE);
    assert_right_at_each_length(&proto_llmnr, OVER_UDP, true, &query);
    assert_right_at_each_length(&proto_llmnr, OVER_UDP, true, &response);
}

static void test_each_field_counts(void)
{
    struct payload query = payload_of(QUERY), response = payload_of(RESPONSE);
    static const uint8_t changes[][2] = {{2, 0x01}, {2, 0x04}, {2, 0x08}, {3, 0x80}, {3, 0x10},
                                         {3, 1},    {5, 2},    {7, 1},    {9, 1}};
    for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_matters(&proto_llmnr, OVER_UDP, true, &query, changes[i][0], changes[i][1]);
    assert_matters(&proto_llmnr, OVER_UDP, true, &response, 3, 0x80); /* a resolver's answer */
    assert_matters(&proto_llmnr, OVER_UDP, true, &response, 7, 200);
}

static void test_a_netbios_name_is_not_ours(void)
{
    struct asked asked = asked_new(&proto_llmnr, OVER_UDP);
    struct payload query =
        payload_of("1234 0000 0001 0000 0000 0000 20'FHFAEBEECACACACACACACACACACACAAA' 00 0020 0001");
    asked.customary = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &query));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_query_and_response);
    RUN_TEST(test_nothing_without_the_port);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_each_field_counts);
    RUN_TEST(test_a_netbios_name_is_not_ours);
    return UNITY_END();
}
