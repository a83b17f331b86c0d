/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_nbns.c - the NetBIOS name service: queries, registrations, node status.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define NAME   "20'FHFAEBEECACACACACACACACACACACAAA' 00 "
#define QUERY  "1234 0110 0001 0000 0000 0000 " NAME "0020 0001"
#define ANSWER "1234 8500 0000 0001 0000 0000 " NAME "0020 0001 000493e0 0006 0000 c0000201"
#define REGISTRATION                                                                                         \
    "1234 2910 0001 0000 0000 0001 " NAME "0020 0001 c00c 0020 0001 000493e0 0006 0000 c0000201"
#define STATUS "1234 8400 0000 0001 0000 0000 " NAME "0021 0001 00000000 0003 010203"

static void test_query_and_answer_at_any_port(void)
{
    for (unsigned customary = 0; customary < 2; customary++) {
        struct asked asked = asked_new(&proto_nbns, OVER_UDP);
        struct payload query = payload_of(QUERY), answer = payload_of(ANSWER);
        asked.customary = customary;
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &query));
        TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
        ASSERT_TEXT("WPAD", asked.facts.server_name);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
        TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
        TEST_ASSERT_TRUE(asked.reply.settled);
    }
}

static void test_other_operations(void)
{
    struct payload registration = payload_of(REGISTRATION), status = payload_of(STATUS);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_first(&proto_nbns, OVER_UDP, &registration));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_first(&proto_nbns, OVER_UDP, &status));
}

static void test_cut_at_each_length(void)
{
    struct payload query = payload_of(QUERY), registration = payload_of(REGISTRATION);
    assert_right_at_each_length(&proto_nbns, OVER_UDP, true, &query);
    assert_right_at_each_length(&proto_nbns, OVER_UDP, false, &query);
    assert_right_at_each_length(&proto_nbns, OVER_UDP, true, &registration);
}

static void test_each_field_counts(void)
{
    struct payload query = payload_of(QUERY);
    assert_matters(&proto_nbns, OVER_UDP, true, &query, 2, 0x09);  /* opcode 1 */
    assert_matters(&proto_nbns, OVER_UDP, true, &query, 2, 0x51);  /* opcode 10 */
    assert_matters(&proto_nbns, OVER_UDP, true, &query, 3, 0x40);  /* zero bits */
    assert_matters(&proto_nbns, OVER_UDP, true, &query, 5, 2);     /* two questions */
    assert_matters(&proto_nbns, OVER_UDP, true, &query, 12, 0x1f); /* the size of the name */
    assert_matters(&proto_nbns, OVER_UDP, true, &query, 20, 'Q');  /* its letters */
    assert_matters(&proto_nbns, OVER_UDP, false, &query, query.size - 1, 7);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_query_and_answer_at_any_port);
    RUN_TEST(test_other_operations);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_each_field_counts);
    return UNITY_END();
}
