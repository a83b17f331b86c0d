/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_authip.c - AuthIP's exchanges, in clear and encrypted, and the IKEv1 message that Windows sends with
 * them.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

/* Main mode: an empty Crypto payload, Auth that offers Kerberos, a vendor id. */
#define MAIN_MODE                                                                                            \
    "a1a2a3a4a5a6a7a8 0000000000000000 85 10 f3 00 00000000 00000040 87 00 0008 00000000 0d 00 0008 "        \
    "00020000 "                                                                                              \
    "00 00 0014 fb1de3cdf341b7ea16b7e5be0855f120"
#define QUICK_MODE                                                                                           \
    "a1a2a3a4a5a6a7a8 c1c2c3c4c5c6c7c8 85 10 f4 01 00000002 00000048 00 00 0018 00000001 "                   \
    "000102030405060708090a0b0c0d0e0f "                                                                      \
    "2d711642b726b04401627ca9fbac32f5c8530fb1"
#define IKE "b1b2b3b4b5b6b7b8 0000000000000000 0a 10 02 00 00000000 00000024 00 00 0008 01020304"

static void test_main_mode_then_quick_mode(void)
{
    struct asked asked = asked_new(&proto_authip, OVER_UDP);
    struct payload first = payload_of(MAIN_MODE), quick = payload_of(QUICK_MODE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(243, asked.facts.ike.exchange);
    TEST_ASSERT_TRUE(asked.facts.ike.authip);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &quick));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.facts.ike.response);
}

static void test_quick_mode_alone(void)
{
    struct payload quick = payload_of(QUICK_MODE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_first(&proto_authip, OVER_UDP, &quick));
}

static void test_behind_the_marker(void)
{
    struct asked asked = asked_new(&proto_authip, OVER_UDP);
    struct payload first = payload_of("00000000 " MAIN_MODE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_TRUE(asked.facts.ike.nat_t);
}

static void test_ike_does_not_name_it_but_joins_it(void)
{
    struct asked asked = asked_new(&proto_authip, OVER_UDP);
    struct payload first = payload_of(MAIN_MODE), ike = payload_of(IKE);
    asked.customary = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &ike));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &first));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &ike));
}

static void test_cut_at_each_length_and_broken(void)
{
    struct payload first = payload_of(MAIN_MODE), quick = payload_of(QUICK_MODE);
    assert_right_at_each_length(&proto_authip, OVER_UDP, false, &first);
    assert_right_at_each_length(&proto_authip, OVER_UDP, true, &quick);
    assert_matters(&proto_authip, OVER_UDP, true, &first, 17, 0x20); /* version */
    assert_matters(&proto_authip, OVER_UDP, true, &first, 18, 242);  /* exchange */
    assert_matters(&proto_authip, OVER_UDP, true, &first, 18, 247);
    assert_matters(&proto_authip, OVER_UDP, true, &first, 27, 0x41);  /* length */
    assert_matters(&proto_authip, OVER_UDP, false, &first, 28, 0x8a); /* next payload */
}

static void test_the_four_exchanges(void)
{
    struct payload first = payload_of(MAIN_MODE);
    for (unsigned exchange = 240; exchange < 250; exchange++) {
        first.at[18] = (uint8_t)exchange;
        TEST_ASSERT_EQUAL_UINT(exchange >= 243 && exchange <= 246 ? PROTO_YES : PROTO_NO,
                               asked_first(&proto_authip, OVER_UDP, &first));
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_main_mode_then_quick_mode);
    RUN_TEST(test_quick_mode_alone);
    RUN_TEST(test_behind_the_marker);
    RUN_TEST(test_ike_does_not_name_it_but_joins_it);
    RUN_TEST(test_cut_at_each_length_and_broken);
    RUN_TEST(test_the_four_exchanges);
    return UNITY_END();
}
