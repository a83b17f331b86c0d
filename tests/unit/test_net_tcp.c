/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_net_tcp.c - the preamble of .NET message framing and its upgrade to TLS.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

#define OPENING "00 01 00 01 02 02 1a 'net.tcp://fe01.example:881' 03 08 "

static void test_preamble(void)
{
    struct payload preamble = payload_of(OPENING "0c"), ack = payload_of("0b");
    struct asked asked = asked_new(&proto_net_tcp, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_first(&proto_net_tcp, OVER_TCP, &ack));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &preamble));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(preamble.size, asked.reply.used);
    ASSERT_TEXT("net.tcp://fe01.example:881", asked.facts.server_name);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &ack));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.reply.settled);
    assert_right_at_each_length(&proto_net_tcp, OVER_TCP, false, &preamble);
}

static void test_upgrade_to_tls(void)
{
    struct payload preamble = payload_of(OPENING "09 13 'application/ssl-tls'"), agreed = payload_of("0a");
    struct asked asked = asked_new(&proto_net_tcp, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &preamble));
    ASSERT_TEXT("application/ssl-tls", asked.facts.detail);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &agreed));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, asked.reply.upgrade);
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.used);
    assert_right_at_each_length(&proto_net_tcp, OVER_TCP, false, &preamble);
}

static void test_other_upgrades_are_not_tls(void)
{
    struct payload preamble = payload_of(OPENING "09 15 'application/negotiate'"), agreed = payload_of("0a");
    struct asked asked = asked_new(&proto_net_tcp, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &preamble));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &agreed));
    TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
    TEST_ASSERT_TRUE(asked.reply.settled);
    struct payload fault = payload_of("08 05 'fault'"), other = payload_of("06");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &fault));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 1, &other));
}

static void test_long_via_and_named_encoding(void)
{
    struct payload preamble = payload_of("00 01 00 01 01 02 8001 'net.tcp://'");
    payload_fill(&preamble, 'x', 128 - 10);
    payload_add(&preamble, "04 08 'text/xml' 0c");
    struct asked asked = asked_new(&proto_net_tcp, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &preamble));
    TEST_ASSERT_EQUAL_UINT(128, asked.facts.server_name.wirelen);
    assert_right_at_each_length(&proto_net_tcp, OVER_TCP, false, &preamble);
}

static void test_what_a_preamble_must_say(void)
{
    struct payload preamble = payload_of(OPENING "0c");
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 0, 1);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 1, 2);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 2, 1);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 3, 2);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 4, 5);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 5, 3);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 6, 0);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 14, '.'); /* no URI */
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 20, 7);   /* not printable */
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 33, 5);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 34, 9);
    assert_matters(&proto_net_tcp, OVER_TCP, false, &preamble, 35, 0x0d);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_preamble);
    RUN_TEST(test_upgrade_to_tls);
    RUN_TEST(test_other_upgrades_are_not_tls);
    RUN_TEST(test_long_via_and_named_encoding);
    RUN_TEST(test_what_a_preamble_must_say);
    return UNITY_END();
}
