/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_rdp.c - the opening of a remote desktop connection, and look-alikes in the same frames.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

#define REQUEST      "03 00 0013 0e e0 0000 0000 00 01 00 0800 03000000"
#define CONFIRM      "03 00 0013 0e d0 0000 1234 00 02 00 0800 02000000"
#define BARE_REQUEST "03 00 000b 06 e0 0000 0000 00"

static void test_negotiation_leads_to_tls(void)
{
    struct payload request = payload_of(REQUEST), confirm = payload_of(CONFIRM);
    struct asked asked = asked_new(&proto_rdp, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(19, asked.reply.used);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &confirm));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, asked.reply.upgrade);
    TEST_ASSERT_EQUAL_UINT(19, asked.reply.used);
    ASSERT_TEXT("credssp", asked.facts.detail);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &request);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &confirm);
}

static void test_standard_security_and_failure_stay(void)
{
    struct payload standard = payload_of("03 00 0013 0e d0 0000 1234 00 02 00 0800 00000000");
    struct payload failure = payload_of("03 00 0013 0e d0 0000 1234 00 03 00 0800 05000000");
    struct payload request = payload_of(REQUEST);
    struct asked asked = asked_new(&proto_rdp, OVER_TCP);
    asked_all(&asked, 0, &request);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &standard));
    TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
    TEST_ASSERT_TRUE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_first(&proto_rdp, OVER_TCP, &failure));
    failure.at[15] = 7;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_rdp, OVER_TCP, &failure));
    standard.at[15] = 3;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_rdp, OVER_TCP, &standard));
}

static void test_handshake_after_an_unseen_confirm(void)
{
    struct payload request = payload_of(REQUEST), hello = payload_of("16 0301 0005 01 000001 03");
    struct asked asked = asked_new(&proto_rdp, OVER_TCP);
    asked_all(&asked, 0, &request);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &hello));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, asked.reply.upgrade);
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.used);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_rdp, OVER_TCP, &hello));
}

static void test_cookie_and_correlation(void)
{
    struct payload cookie = payload_of("03 00 0023 1e e0 0000 0000 00 'Cookie: mstshash=user1' 0d0a");
    struct payload both = payload_of("03 00 0028 23 e0 0000 0000 00 'Cookie: mstshash=abc' 0d0a"
                                     "01 00 0800 0b000000");
    struct payload correlation = payload_of("03 00 0037 32 e0 0000 0000 00 01 08 0800 01000000 06 00 2400");
    payload_fill(&correlation, 7, 32);
    cookie.at[3] = (uint8_t)cookie.size;
    cookie.at[4] = (uint8_t)(cookie.size - 5);
    both.at[3] = (uint8_t)both.size;
    both.at[4] = (uint8_t)(both.size - 5);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &cookie);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &both);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &correlation);
    assert_matters(&proto_rdp, OVER_TCP, false, &cookie, 12, 7);
    assert_matters(&proto_rdp, OVER_TCP, false, &cookie, cookie.size - 2, ' ');
    assert_matters(&proto_rdp, OVER_TCP, false, &correlation, 19, 5);
}

static void test_a_bare_request_needs_what_follows(void)
{
    struct payload bare = payload_of(BARE_REQUEST);
    struct payload connect = payload_of(BARE_REQUEST "03 00 0100 02 f0 80 7f 65 82 00f4");
    struct payload answer = payload_of("03 00 000b 06 d0 0000 1234 00 03 00 0100 02 f0 80 7f 66 82 00f4");
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_first(&proto_rdp, OVER_TCP, &bare));
    struct asked asked = asked_new(&proto_rdp, OVER_TCP);
    asked.customary = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &bare));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &connect);
    assert_right_at_each_length(&proto_rdp, OVER_TCP, false, &answer);
    for (size_t i = 11; i < 20; i++)
        if (i != 13 && i != 14) /* the length */
            assert_matters(&proto_rdp, OVER_TCP, false, &connect, i, 0x55);
}

static void test_look_alikes(void)
{
    /* The same frames open a connection to a controller, with parameters of X.224. */
    struct payload controller = payload_of("03 00 0016 11 e0 0000 0001 00 c1 02 0100 c2 02 0102 c0 01 0a");
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_rdp, OVER_TCP, &controller));
    struct payload request = payload_of(REQUEST);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 0, 2);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 1, 1);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 3, 0x14);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 4, 0x0d);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 5, 0xf0);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 6, 1);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 10, 0x20);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 11, 2);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 13, 9);
    assert_matters(&proto_rdp, OVER_TCP, false, &request, 15, 0x20);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_negotiation_leads_to_tls);
    RUN_TEST(test_standard_security_and_failure_stay);
    RUN_TEST(test_handshake_after_an_unseen_confirm);
    RUN_TEST(test_cookie_and_correlation);
    RUN_TEST(test_a_bare_request_needs_what_follows);
    RUN_TEST(test_look_alikes);
    return UNITY_END();
}
