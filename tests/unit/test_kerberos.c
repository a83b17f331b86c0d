/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_kerberos.c - Kerberos 5 messages over UDP and, behind their length, over TCP.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

/* AS-REQ with an empty body, and a KRB-ERROR that ends after its type. */
#define AS_REQ    "6a 10 30 0e a103 020105 a203 02010a a402 3000"
#define KRB_ERROR "7e 0c 30 0a a003 020105 a103 02011e"
/* A TGS-REP whose lengths take two bytes. */
#define TGS_REP "6d 8110 30 810d a003 020105 a103 02010d a301 00"

static struct payload over_tcp(const char *hex)
{
    struct payload message = payload_of(hex);
    struct payload payload = payload_of("000000");
    payload_byte(&payload, (unsigned)message.size);
    payload_add(&payload, hex);
    return payload;
}

static void test_request_and_error_over_tcp(void)
{
    struct payload request = over_tcp(AS_REQ), error = over_tcp(KRB_ERROR);
    struct asked asked = asked_new(&proto_kerberos, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(request.size, asked.reply.used);
    TEST_ASSERT_EQUAL_UINT(5, asked.facts.version);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &error));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.reply.settled);
    ASSERT_TEXT("AS-REQ", asked.facts.detail);
    assert_right_at_each_length(&proto_kerberos, OVER_TCP, false, &request);
    assert_right_at_each_length(&proto_kerberos, OVER_TCP, false, &error);
}

static void test_over_udp(void)
{
    struct payload request = payload_of(AS_REQ), reply = payload_of(TGS_REP);
    assert_right_at_each_length(&proto_kerberos, OVER_UDP, false, &request);
    assert_right_at_each_length(&proto_kerberos, OVER_UDP, false, &reply);
    payload_byte(&request, 0); /* more in the datagram than the message */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_kerberos, OVER_UDP, &request));
}

static void test_from_the_middle(void)
{
    struct payload reply = over_tcp(TGS_REP);
    struct asked asked = asked_new(&proto_kerberos, OVER_TCP);
    asked.in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &reply));
    asked = asked_new(&proto_kerberos, OVER_TCP);
    asked.in_middle = true;
    reply.at[4] = 0x61;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 1, &reply));
}

static void test_every_length_and_number_counts(void)
{
    struct payload request = over_tcp(AS_REQ);
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 0, 0x80);  /* an extension, no message */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 3, 0x13);  /* the record */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 4, 0x69);  /* no such message */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 5, 0x11);  /* its length */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 6, 0x31);  /* no sequence */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 7, 0x0d);  /* its length */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 8, 0xa0);  /* [0], as in an answer */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 12, 4);    /* version */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 13, 0xa3); /* [3] */
    assert_matters(&proto_kerberos, OVER_TCP, false, &request, 17, 12);   /* the type of another message */
    struct payload indefinite = over_tcp("6a 80 30 80 a103 020105 a203 02010a");
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_kerberos, OVER_TCP, &indefinite));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_request_and_error_over_tcp);
    RUN_TEST(test_over_udp);
    RUN_TEST(test_from_the_middle);
    RUN_TEST(test_every_length_and_number_counts);
    return UNITY_END();
}
