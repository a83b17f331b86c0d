/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_ike.c - IKEv1 and IKEv2, bare and behind the marker of NAT traversal, with AuthIP and ESP in the same
 * flow.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define COOKIES      "b1b2b3b4b5b6b7b8 0000000000000000 "
#define BOTH_COOKIES "b1b2b3b4b5b6b7b8 c1c2c3c4c5c6c7c8 "
#define NONCE        "00 00 0008 01020304 "
#define MAIN_MODE    COOKIES "0a 10 02 00 00000000 00000024 " NONCE
#define MAIN_ANSWER  BOTH_COOKIES "0a 10 02 00 00000000 00000024 " NONCE
#define QUICK_MODE   BOTH_COOKIES "08 10 20 01 12345678 0000002c 00112233445566778899aabbccddeeff"
#define SA_INIT      COOKIES "28 20 22 08 00000000 00000030 29 00 0008 01020304 00 00 000c 0000402e aabbccdd"
#define SA_ANSWER    BOTH_COOKIES "28 20 22 20 00000000 00000024 " NONCE
#define AUTH         BOTH_COOKIES "2e 20 23 08 00000001 0000002c 23 00 0010 00112233445566778899aabb"
#define AUTHIP       COOKIES "85 10 f3 00 00000000 00000024 00 00 0008 00000000"
#define MARKED       "00000000 " MAIN_MODE
#define ESP          "c0ffee01 00000001 00112233445566778899aabbccddeeff"

static struct asked at_port(bool customary)
{
    struct asked asked = asked_new(&proto_ike, OVER_UDP);
    asked.customary = customary;
    return asked;
}

static void test_version_1_is_asked_and_answered(void)
{
    struct asked asked = at_port(false);
    struct payload first = payload_of(MAIN_MODE), answer = payload_of(MAIN_ANSWER),
                   quick = payload_of(QUICK_MODE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(2, asked.facts.ike.exchange);
    TEST_ASSERT_TRUE(asked.facts.ike.initiator_spi == 0xb1b2b3b4b5b6b7b8);
    TEST_ASSERT_TRUE(asked.facts.ike.request);
    TEST_ASSERT_FALSE(asked.facts.ike.response || asked.facts.ike.nat_t || asked.facts.ike.authip);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.facts.ike.response);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &quick));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(2, asked.facts.ike.exchange); /* of the first message */
    TEST_ASSERT_FALSE(asked.reply.settled);              /* ESP may follow */
}

static void test_version_2_says_itself_who_asks(void)
{
    struct asked asked = at_port(false);
    struct payload first = payload_of(SA_INIT), answer = payload_of(SA_ANSWER), auth = payload_of(AUTH);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer)); /* the capture began late */
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.facts.ike.response);
    TEST_ASSERT_FALSE(asked.facts.ike.request);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &auth));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.facts.ike.request);
    asked = at_port(false);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(34, asked.facts.ike.exchange);
}

static void test_version_1_from_its_middle_tells_no_speaker(void)
{
    struct asked asked = at_port(false);
    struct payload quick = payload_of(QUICK_MODE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &quick));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &quick));
    TEST_ASSERT_TRUE(asked.facts.ike.request && asked.facts.ike.response);
}

static void test_nat_traversal_with_esp_and_keepalives(void)
{
    struct asked asked = at_port(true);
    struct payload marked = payload_of(MARKED), esp = payload_of(ESP), keepalive = payload_of("ff");
    struct payload answer = payload_of("00000000 " MAIN_ANSWER), other = payload_of("00000001 00000002");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &marked));
    TEST_ASSERT_TRUE(asked.facts.ike.nat_t);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &keepalive));
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.carries);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &esp));
    TEST_ASSERT_EQUAL_UINT(PROTO_esp, asked.reply.carries);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 1, &other));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &esp));
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static void test_esp_is_not_believed_without_the_marker(void)
{
    struct asked asked = at_port(true);
    struct payload first = payload_of(MAIN_MODE), esp = payload_of(ESP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &esp));
}

static void test_authip_joins_a_named_flow(void)
{
    struct asked asked = at_port(true);
    struct payload first = payload_of(MAIN_MODE), authip = payload_of(AUTHIP);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &authip));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &authip));
    TEST_ASSERT_TRUE(asked.facts.ike.authip);
    TEST_ASSERT_EQUAL_UINT(PROTO_authip, asked.reply.carries);
}

static void test_cut_at_each_length(void)
{
    static const char *const messages[] = {MAIN_MODE, QUICK_MODE, SA_INIT, AUTH, MARKED};
    for (unsigned i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct payload message = payload_of(messages[i]);
        assert_right_at_each_length(&proto_ike, OVER_UDP, true, &message);
        assert_right_at_each_length(&proto_ike, OVER_UDP, false, &message);
    }
}

static void test_each_field_counts(void)
{
    struct payload first = payload_of(MAIN_MODE), init = payload_of(SA_INIT);
    static const uint8_t changes[][2] = {{16, 22}, {17, 0x11}, {17, 0x30}, {18, 7},
                                         {18, 34}, {18, 247},  {24, 1},    {27, 0x25}};
    for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_matters(&proto_ike, OVER_UDP, true, &first, changes[i][0], changes[i][1]);
    assert_matters(&proto_ike, OVER_UDP, false, &first, 31, 3); /* a payload shorter than its header */
    assert_matters(&proto_ike, OVER_UDP, false, &first, 31, 9); /* longer than the message */
    assert_matters(&proto_ike, OVER_UDP, false, &init, 28, 60); /* a next payload nobody has */
    assert_matters(&proto_ike, OVER_UDP, true, &init, 18, 45);
    assert_matters(&proto_ike, OVER_UDP, true, &init, 16, 1);
}

static void test_the_port_lifts_a_broken_chain(void)
{
    struct asked asked = at_port(true);
    struct payload first = payload_of(MAIN_MODE);
    first.at[31] = 9;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
}

static void test_every_exchange_that_is_known(void)
{
    static const uint8_t known[][3] = {{0x10, 1, 6}, {0x10, 32, 33}, {0x20, 34, 44}};
    struct payload first = payload_of(COOKIES "00 10 02 00 00000000 0000001c");
    for (unsigned version = 0x10; version <= 0x20; version += 0x10) {
        for (unsigned exchange = 0; exchange < 243; exchange++) {
            struct asked asked = at_port(true);
            bool expected = false;
            for (unsigned i = 0; i < 3; i++)
                expected |= known[i][0] == version && exchange >= known[i][1] && exchange <= known[i][2];
            first.at[17] = (uint8_t)version;
            first.at[18] = (uint8_t)exchange;
            TEST_ASSERT_EQUAL_UINT(expected ? PROTO_YES : PROTO_NO, asked_all(&asked, 0, &first));
        }
    }
}

static void test_facts_stay(void)
{
    struct asked asked = at_port(true);
    struct payload marked = payload_of(MARKED), authip = payload_of(AUTHIP), answer = payload_of(MAIN_ANSWER);
    asked_all(&asked, 0, &marked);
    asked_all(&asked, 0, &authip);
    asked_all(&asked, 1, &answer);
    asked_all(&asked, 0, &answer);
    TEST_ASSERT_TRUE(asked.facts.ike.request && asked.facts.ike.response);
    TEST_ASSERT_TRUE(asked.facts.ike.nat_t && asked.facts.ike.authip);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_version_1_is_asked_and_answered);
    RUN_TEST(test_version_2_says_itself_who_asks);
    RUN_TEST(test_version_1_from_its_middle_tells_no_speaker);
    RUN_TEST(test_nat_traversal_with_esp_and_keepalives);
    RUN_TEST(test_esp_is_not_believed_without_the_marker);
    RUN_TEST(test_authip_joins_a_named_flow);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_each_field_counts);
    RUN_TEST(test_the_port_lifts_a_broken_chain);
    RUN_TEST(test_every_exchange_that_is_known);
    RUN_TEST(test_facts_stay);
    return UNITY_END();
}
