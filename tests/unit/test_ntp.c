/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_ntp.c - time requests and answers, control messages, and silence away from the port.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define REQUEST                                                                                              \
    "23 00 06 e8 00000000 00000000 00000000 0000000000000000 0000000000000000 0000000000000000 "             \
    "e1a2b3c400000000"
#define ANSWER                                                                                               \
    "24 02 06 e8 00000120 00000340 c0000201 e1a2b000 00000000 e1a2b3c4 00000000 e1a2b3c5 00000000 "          \
    "e1a2b3c5 00001000"
#define CONTROL "16 02 0001 0000 0000 0000 0000"
#define PRIVATE "17 00 03 2a 0000 0000"

static struct asked at_port(bool customary)
{
    struct asked asked = asked_new(&proto_ntp, OVER_UDP);
    asked.customary = customary;
    return asked;
}

static enum proto_answer first_of(const char *hex, bool customary)
{
    struct asked asked = at_port(customary);
    struct payload payload = payload_of(hex);
    return asked_all(&asked, 0, &payload);
}

static void test_request_and_answer(void)
{
    struct asked asked = at_port(true);
    struct payload request = payload_of(REQUEST), answer = payload_of(ANSWER);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(4, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static void test_only_an_answer_is_told_without_the_port(void)
{
    struct asked asked = at_port(false);
    struct payload request = payload_of(REQUEST), answer = payload_of(ANSWER);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    assert_matters(&proto_ntp, OVER_UDP, false, &answer, 0, 0x23);  /* mode */
    assert_matters(&proto_ntp, OVER_UDP, false, &answer, 1, 0);     /* stratum */
    assert_matters(&proto_ntp, OVER_UDP, false, &answer, 2, 18);    /* poll */
    assert_matters(&proto_ntp, OVER_UDP, false, &answer, 3, 0x20);  /* precision */
    assert_matters(&proto_ntp, OVER_UDP, false, &answer, 42, 0xb4); /* sent minutes after it was received */
}

static void test_control_messages_at_the_port(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, first_of(CONTROL, true));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, first_of("16 82 0001 0000 0000 0000 0003 61626300", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("16 82 0001 0000 0000 0000 0009 61626300", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("56 02 0001 0000 0000 0000 0000", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, first_of(PRIVATE, true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("17 00 03 2a 0002 0048", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("17 00 09 2a 0000 0000", true));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of(CONTROL, false));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of(PRIVATE, false));
}

static void test_each_field_counts_at_the_port(void)
{
    struct payload request = payload_of(REQUEST);
    assert_matters(&proto_ntp, OVER_UDP, true, &request, 0, 0x03); /* version 0 */
    assert_matters(&proto_ntp, OVER_UDP, true, &request, 0, 0x2b); /* version 5 */
    assert_matters(&proto_ntp, OVER_UDP, true, &request, 0, 0x20); /* mode 0 */
    assert_matters(&proto_ntp, OVER_UDP, true, &request, 1, 17);   /* stratum */
    assert_matters(&proto_ntp, OVER_UDP, true, &request, 5, 17);   /* seconds to the root */
    assert_matters(&proto_ntp, OVER_UDP, true, &request, 8, 0x10); /* dispersion */
}

static void test_sizes(void)
{
    struct payload request = payload_of(REQUEST);
    for (size_t size = 0; size < 80; size++) {
        struct asked asked = at_port(true);
        request.size = size;
        TEST_ASSERT_EQUAL_UINT(size >= 48 && size % 4 == 0 ? PROTO_YES : PROTO_NO,
                               asked_all(&asked, 0, &request));
    }
}

static enum proto_answer asked_first_at_home(const struct payload *payload)
{
    struct asked asked = at_port(true);
    return asked_all(&asked, 0, payload);
}

static void test_cut_at_each_length(void)
{
    struct payload request = payload_of(REQUEST), answer = payload_of(ANSWER), control = payload_of(CONTROL);
    assert_right_at_each_length(&proto_ntp, OVER_UDP, true, &request);
    assert_right_at_each_length(&proto_ntp, OVER_UDP, true, &control);
    control = payload_of("16 82 0001 0615 0000 0000 000f 'version=\"4.2.8\"' 00");
    assert_right_at_each_length(&proto_ntp, OVER_UDP, true, &control);
    control.at[11] += 2; /* more than there is */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first_at_home(&control));
    assert_right_at_each_length(&proto_ntp, OVER_UDP, false, &answer);
}

static void test_limits(void)
{
    struct asked asked = at_port(true);
    struct payload answer = payload_of(ANSWER);
    answer.at[1] = 15;
    answer.at[2] = 17;
    answer.at[3] = 0xe0;
    answer.at[43] = 0xc8; /* four seconds after it was received */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    answer.at[1] = 16; /* a clock that is not set tells no time, but speaks the protocol */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    answer.at[4] = 0xff; /* a negative delay */
    answer.at[5] = 0xef;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer));
    answer.at[5] = 0xee;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &answer));
}

static void test_broadcasts_come_from_servers(void)
{
    struct asked asked = at_port(true);
    struct payload broadcast = payload_of(ANSWER);
    broadcast.at[0] = 0x25;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &broadcast));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    broadcast.at[0] = 0x21; /* symmetric */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &broadcast));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, asked.reply.speaker);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_request_and_answer);
    RUN_TEST(test_only_an_answer_is_told_without_the_port);
    RUN_TEST(test_control_messages_at_the_port);
    RUN_TEST(test_each_field_counts_at_the_port);
    RUN_TEST(test_sizes);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_limits);
    RUN_TEST(test_broadcasts_come_from_servers);
    return UNITY_END();
}
