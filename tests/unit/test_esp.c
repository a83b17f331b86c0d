/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_esp.c - ESP in UDP at its port: young and old associations, keep-alives, IKE in the same flow.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define TAIL " 00112233445566778899aabbccddeeff"
#define IKE  "00000000 b1b2b3b4b5b6b7b8 0000000000000000 0a 10 02 00 00000000 00000024 00 00 0008 01020304"

static struct asked at_port(bool customary)
{
    struct asked asked = asked_new(&proto_esp, OVER_UDP);
    asked.customary = customary;
    return asked;
}

static enum proto_answer ask_hex(struct asked *asked, unsigned side, const char *hex)
{
    struct payload payload = payload_of(hex);
    return asked_all(asked, side, &payload);
}

static void test_a_young_association_needs_one_datagram(void)
{
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "10ffee01 00000001" TAIL));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "10ffee01 00000002" TAIL));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "10ffee01 00000004" TAIL));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_FALSE(asked.reply.settled);
}

static void test_an_old_one_needs_three_in_order(void)
{
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "10ffee01 00010000" TAIL));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "10ffee01 00010001" TAIL));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE,
                           ask_hex(&asked, 1, "20ffee01 00020001" TAIL)); /* the sides count apart */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "10ffee01 00010021" TAIL));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
}

static void test_out_of_order_or_another_spi_begins_again(void)
{
    static const char *const thirds[] = {"10ffee01 00010001" TAIL, "10ffee01 00010022" TAIL,
                                         "10ffee02 00010002" TAIL};
    for (unsigned i = 0; i < 3; i++) {
        struct asked asked = at_port(true);
        TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "10ffee01 00010000" TAIL));
        TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "10ffee01 00010001" TAIL));
        TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, thirds[i]));
    }
}

static void test_what_may_be_rtp_needs_three(void)
{
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "80720001 000000a0" TAIL));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "80720002 00000140" TAIL));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, ask_hex(&asked, 0, "80720003 000001e0" TAIL));
}

static void test_what_is_no_esp(void)
{
    static const char *const wrong[] = {"00000001 00000001" TAIL,
                                        "000000ff 00000001" TAIL,
                                        "10ffee01 00000000" TAIL,
                                        "10ffee01 00000001 00112233",
                                        "10ffee01 00000001" TAIL "00",
                                        "10ffee01",
                                        "fe",
                                        ""};
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct asked asked = at_port(true);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, ask_hex(&asked, 0, wrong[i]), wrong[i]);
    }
}

static void test_nothing_without_the_port(void)
{
    struct asked asked = at_port(false);
    for (unsigned i = 0; i < 4; i++)
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask_hex(&asked, 0, "10ffee01 00000001" TAIL));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask_hex(&asked, 0, "ff"));
}

static void test_a_keepalive_is_weak(void)
{
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "ff"));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 1, "10ffee01 00010000" TAIL));
}

static void test_ike_in_a_named_flow(void)
{
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "10ffee01 00000001" TAIL));
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.carries);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 1, IKE));
    TEST_ASSERT_EQUAL_UINT(PROTO_ike, asked.reply.carries);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.facts.ike.nat_t);
}

static void test_many_datagrams_each_way_settle(void)
{
    struct asked asked = at_port(true);
    bool settled = false;
    for (unsigned i = 1; i <= 32; i++) {
        char hex[64];
        TEST_ASSERT_FALSE(settled);
        snprintf(hex, sizeof hex, "10ffee01 %08x" TAIL, i);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, hex));
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 1, hex));
        settled = asked.reply.settled;
    }
    TEST_ASSERT_TRUE(settled);
}

static void test_cut_frames(void)
{
    struct payload esp = payload_of("10ffee01 00000001" TAIL), ike = payload_of(IKE);
    assert_right_at_each_length(&proto_esp, OVER_UDP, true, &esp);
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE,
                           asked_some(&asked, 0, &ike, 16)); /* may be IKE, whose flow this then is */
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_all(&asked, 0, &esp));
}

static void test_spis_and_new_keys(void)
{
    struct asked asked = at_port(true);
    static const char *const datagrams[] = {"10ffee01 00000001" TAIL, "10ffee01 00000002" TAIL,
                                            "10ffee02 00000001" TAIL, "10ffee03 00000001" TAIL,
                                            "10ffee04 00000001" TAIL};
    for (unsigned i = 0; i < 5; i++)
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, datagrams[i]));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 1, "20ffee01 00000001" TAIL)); /* a fifth: the first one goes */
    TEST_ASSERT_EQUAL_UINT(4, asked.facts.esp.spi_count);
    TEST_ASSERT_EQUAL_HEX32(0x10ffee02, asked.facts.esp.spi[0]);
    TEST_ASSERT_EQUAL_HEX32(0x20ffee01, asked.facts.esp.spi[3]);
    TEST_ASSERT_EQUAL_HEX8(0x8, asked.facts.esp.spi_sides);
    TEST_ASSERT_EQUAL_UINT(4, asked.facts.esp.sent[0]);
    TEST_ASSERT_EQUAL_UINT(1, asked.facts.esp.sent[1]);
}

static void test_limits(void)
{
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "00000100 0000ffff" TAIL));
    asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask_hex(&asked, 0, "10ffee01 00000001 0011223344556677"));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_a_young_association_needs_one_datagram);
    RUN_TEST(test_an_old_one_needs_three_in_order);
    RUN_TEST(test_out_of_order_or_another_spi_begins_again);
    RUN_TEST(test_what_may_be_rtp_needs_three);
    RUN_TEST(test_what_is_no_esp);
    RUN_TEST(test_nothing_without_the_port);
    RUN_TEST(test_a_keepalive_is_weak);
    RUN_TEST(test_ike_in_a_named_flow);
    RUN_TEST(test_many_datagrams_each_way_settle);
    RUN_TEST(test_cut_frames);
    RUN_TEST(test_spis_and_new_keys);
    RUN_TEST(test_limits);
    return UNITY_END();
}
