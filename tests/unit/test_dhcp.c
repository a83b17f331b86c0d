/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_dhcp.c - DHCP, BOOTP and DHCPv6, and what Lync's clients ask by them.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

enum { COOKIE_AT = 236 };

/* Everything before the options: RFC 2131 figure 1. */
static struct payload message(unsigned op, const char *options)
{
    struct payload payload = {.size = 0};
    payload_byte(&payload, op);
    payload_add(&payload, "01 06 00 11223344 0000 0000 0a140032 00000000 00000000 00000000 020000000001");
    payload_fill(&payload, 0, COOKIE_AT - payload.size);
    payload_add(&payload, "63825363");
    payload_add(&payload, options);
    return payload;
}

#define INFORM "350108 3c0c'MS-UC-Client' 3702 2b78 ff"
#define ANSWER_43                                                                                            \
    "350105 2b 55 010c'MS-UC-Client' 0205'https' 0312'pool01.contoso.com' 0403'443' "                        \
    "0525'/CertProv/CertProvisioningService.svc' ff"
#define ANSWER_120 "350105 7815 00 06'pool01' 07'contoso' 03'com' 00 ff"

static struct asked at_port(bool customary)
{
    struct asked asked = asked_new(&proto_dhcp, OVER_UDP);
    asked.customary = customary;
    return asked;
}

static void test_a_lync_client_asks_and_is_answered(void)
{
    for (unsigned customary = 0; customary < 2; customary++) {
        struct asked asked = at_port(customary);
        struct payload inform = message(1, INFORM), answer = message(2, ANSWER_43);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &inform));
        TEST_ASSERT_EQUAL_UINT(customary ? 2 : 1, asked.reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
        TEST_ASSERT_EQUAL_UINT(8, asked.facts.query.dhcp_type);
        TEST_ASSERT_TRUE(asked.facts.query.ms_uc_client);
        ASSERT_TEXT("MS-UC-Client", asked.facts.agent);
        TEST_ASSERT_FALSE(asked.reply.settled);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
        TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
        TEST_ASSERT_EQUAL_UINT(5, asked.facts.query.dhcp_type);
        ASSERT_TEXT("pool01.contoso.com", asked.facts.server_name);
        TEST_ASSERT_TRUE(asked.facts.query.request && asked.facts.query.response);
        TEST_ASSERT_TRUE(asked.reply.settled);
    }
}

static void test_the_sip_server_of_option_120(void)
{
    struct asked asked = at_port(true);
    struct payload answer = message(2, ANSWER_120);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer));
    ASSERT_TEXT("pool01.contoso.com", asked.facts.server_name);
    TEST_ASSERT_FALSE(asked.facts.query.ms_uc_client);
}

static void test_the_vendor_class_is_case_sensitive(void)
{
    struct asked asked = at_port(true);
    struct payload inform = message(1, "350108 3c0c'ms-uc-client' ff");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &inform));
    TEST_ASSERT_FALSE(asked.facts.query.ms_uc_client);
    inform = message(1, "350108 3c0b'MS-UC-Clien' ff");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &inform));
    TEST_ASSERT_FALSE(asked.facts.query.ms_uc_client);
}

static void test_options_may_go_on_in_the_file_name(void)
{
    struct asked asked = at_port(false);
    struct payload overloaded = message(1, "00 00 340101 ff");
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &overloaded));
    memcpy(overloaded.at + 108, "\x35\x01\x03\xff", 4);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &overloaded));
    TEST_ASSERT_EQUAL_UINT(3, asked.facts.query.dhcp_type);
}

static void test_bootp_only_at_its_port(void)
{
    struct payload old = message(1, "ff");
    old.at[COOKIE_AT] = 0;
    struct asked asked = at_port(true);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &old));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    asked = at_port(false);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &old));
}

static void test_cut_at_each_length(void)
{
    struct payload inform = message(1, INFORM), answer = message(2, ANSWER_43);
    assert_right_at_each_length(&proto_dhcp, OVER_UDP, true, &inform);
    assert_right_at_each_length(&proto_dhcp, OVER_UDP, false, &inform);
    assert_right_at_each_length(&proto_dhcp, OVER_UDP, false, &answer);
}

static void test_each_field_counts(void)
{
    struct payload inform = message(1, INFORM);
    assert_matters(&proto_dhcp, OVER_UDP, true, &inform, 0, 3); /* op */
    assert_matters(&proto_dhcp, OVER_UDP, true, &inform, 1, 0); /* hardware type */
    assert_matters(&proto_dhcp, OVER_UDP, true, &inform, 1, 65);
    assert_matters(&proto_dhcp, OVER_UDP, true, &inform, 2, 17);            /* its size */
    assert_matters(&proto_dhcp, OVER_UDP, true, &inform, 3, 17);            /* hops */
    assert_matters(&proto_dhcp, OVER_UDP, false, &inform, COOKIE_AT, 0x62); /* the cookie */
    assert_matters(&proto_dhcp, OVER_UDP, false, &inform, 242, 19);         /* a message type nobody has */
    assert_matters(&proto_dhcp, OVER_UDP, false, &inform, 241, 2);          /* of one byte alone */
}

#define SOLICIT "01 a1b2c3 0001 000e 0001 0001 12345678 020000000001 0008 0002 0000 0006 0004 0015 0016"
#define V6_REPLY                                                                                             \
    "07 a1b2c3 0001 000e 0001 0001 12345678 020000000001 0002 000a 0003 0001 020000000002 "                  \
    "0015 0014 06'pool01' 07'contoso' 03'com' 00"

static void test_dhcpv6(void)
{
    for (unsigned customary = 0; customary < 2; customary++) {
        struct asked asked = at_port(customary);
        struct payload solicit = payload_of(SOLICIT), answer = payload_of(V6_REPLY);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &solicit));
        TEST_ASSERT_EQUAL_UINT(customary ? 2 : 1, asked.reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
        TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
        TEST_ASSERT_EQUAL_UINT(7, asked.facts.query.dhcp_type);
        ASSERT_TEXT("pool01.contoso.com", asked.facts.server_name);
        TEST_ASSERT_TRUE(asked.reply.settled);
    }
}

static void test_dhcpv6_through_a_relay(void)
{
    struct asked asked = at_port(true);
    struct payload relayed =
        payload_of("0c 00 20010db8000000000000000000000001 fe800000000000000000000000000001 "
                   "0009 0008 01 a1b2c3 0008 0000");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &relayed));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
}

static void test_dhcpv6_cut_at_each_length_and_broken(void)
{
    struct payload solicit = payload_of(SOLICIT);
    assert_right_at_each_length(&proto_dhcp, OVER_UDP, true, &solicit);
    assert_right_at_each_length(&proto_dhcp, OVER_UDP, false, &solicit);
    assert_matters(&proto_dhcp, OVER_UDP, true, &solicit, 0, 0); /* type */
    assert_matters(&proto_dhcp, OVER_UDP, true, &solicit, 0, 37);
    assert_matters(&proto_dhcp, OVER_UDP, true, &solicit, 7, 0x0d); /* a length, then the walk goes astray */
    assert_matters(&proto_dhcp, OVER_UDP, true, &solicit, 9, 9);    /* kind of DUID */
    assert_matters(&proto_dhcp, OVER_UDP, false, &solicit, 5, 3);   /* no DUID: only the port could tell */
}

static void test_facts_stay_and_a_conversation_settles_with_its_last_word(void)
{
    struct asked asked = at_port(true);
    struct payload inform = message(1, INFORM), offer = message(2, "350102 ff"),
                   ack = message(2, "350105 3c04'else' ff");
    asked_all(&asked, 0, &inform);
    asked_all(&asked, 1, &offer);
    TEST_ASSERT_FALSE(asked.reply.settled);
    asked_all(&asked, 1, &ack);
    TEST_ASSERT_TRUE(asked.reply.settled);
    TEST_ASSERT_TRUE(asked.facts.query.request && asked.facts.query.ms_uc_client);
    ASSERT_TEXT("MS-UC-Client", asked.facts.agent); /* a server's class is not the client's */
}

static void test_limits_of_the_fixed_part(void)
{
    struct asked asked = at_port(true);
    struct payload inform = message(1, INFORM);
    inform.at[1] = 64;
    inform.at[2] = 16;
    inform.at[3] = 16;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &inform));
}

static void test_a_host_too_long_for_its_place_is_left_out(void)
{
    struct asked asked = at_port(true);
    struct payload answer = message(2, "350105 78ff 00");
    for (unsigned i = 0; i < 3; i++) {
        payload_byte(&answer, 63);
        payload_fill(&answer, 'a', 63);
    }
    payload_byte(&answer, 62); /* runs past the option */
    payload_fill(&answer, 'a', 61);
    payload_add(&answer, "ff");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer));
    TEST_ASSERT_EQUAL_UINT(0, asked.facts.server_name.size);
}

/* Without a DUID, some option has to be of the size that it must have. */
static void test_v6_needs_an_option_of_a_known_form(void)
{
    static const struct {
        const char *hex;
        enum proto_answer at_home;
    } cases[] = {
        {"0b 112233 0006 0004 00170015", PROTO_YES}, /* which options are wanted */
        {"0b 112233 0006 0003 001700", PROTO_NO},
        {"0b 112233 0008 0002 0000", PROTO_YES}, /* elapsed time */
        {"0b 112233 0008 0003 000000", PROTO_NO},
        {"0b 112233 0007 0001 ff", PROTO_YES}, /* preference */
        {"0b 112233 0007 0000", PROTO_NO},
        {"0b 112233 000e 0000", PROTO_YES}, /* rapid commit */
        {"0b 112233 000e 0001 00", PROTO_NO},
        {"0b 112233 0003 000c 000000010000000000000000", PROTO_YES}, /* an identity association */
        {"0b 112233 0003 0004 00000001", PROTO_NO},
        {"0b 112233 0004 0004 00000001", PROTO_YES},
        {"0b 112233 0010 0004 00000137", PROTO_NO},            /* any size would do */
        {"0b 112233 0097 0002 0000 0008 0002 0000", PROTO_NO}, /* no such option */
        {"0b 112233", PROTO_NO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct asked asked = at_port(true);
        struct payload payload = payload_of(cases[i].hex);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(cases[i].at_home, asked_all(&asked, 0, &payload), cases[i].hex);
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_dhcp, OVER_UDP, &payload));
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_a_lync_client_asks_and_is_answered);
    RUN_TEST(test_the_sip_server_of_option_120);
    RUN_TEST(test_the_vendor_class_is_case_sensitive);
    RUN_TEST(test_options_may_go_on_in_the_file_name);
    RUN_TEST(test_bootp_only_at_its_port);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_each_field_counts);
    RUN_TEST(test_dhcpv6);
    RUN_TEST(test_dhcpv6_through_a_relay);
    RUN_TEST(test_dhcpv6_cut_at_each_length_and_broken);
    RUN_TEST(test_facts_stay_and_a_conversation_settles_with_its_last_word);
    RUN_TEST(test_limits_of_the_fixed_part);
    RUN_TEST(test_a_host_too_long_for_its_place_is_left_out);
    RUN_TEST(test_v6_needs_an_option_of_a_known_form);
    return UNITY_END();
}
