/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_ldap.c - LDAP over TCP, the upgrade to TLS, and CLDAP over UDP.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

#define BIND         "30 0c 020101 60 07 020103 0400 8000"
#define BIND_OK      "30 0c 020101 61 07 0a0100 0400 0400"
#define SEARCH       "30 25 020102 63 20 0400 0a0100 0a0100 020100 020100 010100 87 0b 'objectclass' 3000"
#define START_TLS    "30 1d 020103 77 18 80 16 '1.3.6.1.4.1.1466.20037'"
#define START_TLS_OK "30 0c 020103 78 07 0a0100 0400 0400"

static void test_bind(void)
{
    struct payload request = payload_of(BIND), response = payload_of(BIND_OK);
    struct asked asked = asked_new(&proto_ldap, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(3, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(request.size, asked.reply.used);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &response));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.reply.settled);
    assert_right_at_each_length(&proto_ldap, OVER_TCP, false, &request);
    assert_right_at_each_length(&proto_ldap, OVER_TCP, false, &response);
}

static void test_long_lengths_and_several_messages(void)
{
    struct payload both = payload_of("30 84 00000010 020101 60 84 00000007 020103 0400 8000" SEARCH);
    struct asked asked = asked_new(&proto_ldap, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &both));
    TEST_ASSERT_EQUAL_UINT(both.size, asked.reply.used);
    assert_right_at_each_length(&proto_ldap, OVER_TCP, false, &both);
    both.at[22] = 0x31; /* the second is wrong: the first still counts */
    asked = asked_new(&proto_ldap, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &both));
    TEST_ASSERT_EQUAL_UINT(22, asked.reply.used);
}

static void test_start_tls(void)
{
    struct payload request = payload_of(START_TLS), granted = payload_of(START_TLS_OK), refused = granted;
    refused.at[9] = 2;
    struct asked asked = asked_new(&proto_ldap, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &refused));
    TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
    asked = asked_new(&proto_ldap, OVER_TCP);
    asked_all(&asked, 0, &request);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &granted));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, asked.reply.upgrade);
    TEST_ASSERT_EQUAL_UINT(granted.size, asked.reply.used);
    asked = asked_new(&proto_ldap, OVER_TCP); /* a success that nobody asked for */
    asked_all(&asked, 1, &granted);
    TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
    assert_right_at_each_length(&proto_ldap, OVER_TCP, false, &request);
}

static void test_datagrams(void)
{
    struct payload ping = payload_of(SEARCH);
    struct payload answer = payload_of("30 0b 020102 64 06 0400 3002 3000"
                                       "30 0c 020102 65 07 0a0100 0400 0400");
    assert_right_at_each_length(&proto_ldap, OVER_UDP, false, &ping);
    assert_right_at_each_length(&proto_ldap, OVER_UDP, false, &answer);
    payload_byte(&answer, 0);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_ldap, OVER_UDP, &answer));
}

static void test_every_operation(void)
{
    static const char *const messages[] = {
        "30 05 020104 4200",                                /* unbind */
        "30 06 020104 50 01 03",                            /* abandon */
        "30 09 020104 4a 04 'dc=x'",                        /* delete */
        "30 0b 020104 66 06 0400 3002 3000",                /* modify */
        "30 0b 020104 68 06 0400 3002 3000",                /* add */
        "30 0b 020104 6e 06 0400 3002 3000",                /* compare */
        "30 0c 020104 6c 07 0402 'ou' 0401 'x'",            /* rename */
        "30 0c 020104 67 07 0a0100 0400 0400",              /* the results of these */
        "30 0c 020104 69 07 0a0100 0400 0400",              /* */
        "30 0c 020104 6b 07 0a0100 0400 0400",              /* */
        "30 0c 020104 6d 07 0a0100 0400 0400",              /* */
        "30 0c 020104 6f 07 0a0105 0400 0400",              /* */
        "30 0d 020104 73 08 0406 'ldap:/'",                 /* reference */
        "30 08 020104 79 03 8001 '1'",                      /* intermediate */
        "30 10 020101 61 07 0a0100 0400 0400 a002 3000",    /* controls behind the operation */
        "30 13 020101 60 0e 020103 0400 a307 0405 'PLAIN'", /* SASL */
        "30 0c 020101 60 07 020103 0400 8900",              /* sicily */
    };
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct payload message = payload_of(messages[i]);
        assert_right_at_each_length(&proto_ldap, OVER_TCP, false, &message);
    }
}

static void test_what_a_message_must_say(void)
{
    struct payload bind = payload_of(BIND), search = payload_of(SEARCH), result = payload_of(BIND_OK);
    struct payload name = payload_of(START_TLS);
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 0, 0x31);
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 1, 0x0b);  /* shorter than its operation */
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 1, 0x80);  /* indefinite */
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 2, 0x04);  /* no message id */
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 4, 0x81);  /* a negative one */
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 5, 0x04);  /* the community of SNMP */
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 9, 4);     /* version */
    assert_matters(&proto_ldap, OVER_TCP, false, &bind, 12, 0x81); /* authentication */
    assert_matters(&proto_ldap, OVER_TCP, false, &result, 7, 0x02);
    assert_matters(&proto_ldap, OVER_TCP, false, &result, 10, 0x05);
    assert_matters(&proto_ldap, OVER_TCP, false, &search, 11, 4); /* scope */
    assert_matters(&proto_ldap, OVER_TCP, false, &search, 14, 4); /* aliases */
    assert_matters(&proto_ldap, OVER_TCP, false, &search, 21, 2); /* types only */
    assert_matters(&proto_ldap, OVER_TCP, false, &search, 24, 0x88);
    assert_matters(&proto_ldap, OVER_TCP, false, &name, 10, 'x');
    struct payload unbind = payload_of("30 06 020104 4201 00"),
                   abandon = payload_of("30 0a 020104 50 05 0102030405");
    struct payload code = payload_of("30 0d 020101 61 08 0a022000 0400 0400"), extra = payload_of(BIND);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_ldap, OVER_TCP, &unbind));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_ldap, OVER_TCP, &abandon));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_ldap, OVER_TCP, &code));
    extra.at[1] = 0x10; /* what follows the operation is not a list of controls */
    payload_add(&extra, "30023000");
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_ldap, OVER_TCP, &extra));
    struct payload controls = payload_of("30 10 020101 61 07 0a0100 0400 0400 a102 3000");
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_ldap, OVER_TCP, &controls));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_bind);
    RUN_TEST(test_long_lengths_and_several_messages);
    RUN_TEST(test_start_tls);
    RUN_TEST(test_datagrams);
    RUN_TEST(test_every_operation);
    RUN_TEST(test_what_a_message_must_say);
    return UNITY_END();
}
