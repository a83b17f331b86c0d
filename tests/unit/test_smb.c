/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_smb.c - SMB 1, 2 and 3 over direct TCP and the NetBIOS session and datagram services.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

/* A direct TCP header in front of what `hex` says. */
static struct payload framed(const char *hex)
{
    struct payload inner = payload_of(hex);
    struct payload payload = {.size = 0};
    payload_byte(&payload, 0);
    payload_byte(&payload, (unsigned)(inner.size >> 16));
    payload_byte(&payload, (unsigned)(inner.size >> 8) & 0xff);
    payload_byte(&payload, (unsigned)inner.size & 0xff);
    for (size_t i = 0; i < inner.size; i++)
        payload_byte(&payload, inner.at[i]);
    return payload;
}

#define SMB2_ID "fe 'SMB' 4000 0000 00000000 "
#define SMB2_TAIL                                                                                            \
    "00000000 0000000000000000 fffe0000 00000000 0000000000000000 00000000000000000000000000000000 "
#define SMB2_REQUEST(command)  SMB2_ID command " 0100 00000000 " SMB2_TAIL
#define SMB2_RESPONSE(command) SMB2_ID command " 0100 01000000 " SMB2_TAIL
#define SMB1_HEADER(command, flags)                                                                          \
    "ff 'SMB' " command " 00000000 " flags " 0148 0000 0000000000000000 0000 0000 fffe 0000 0000 "

static struct payload negotiate_request(void)
{
    return framed(SMB2_REQUEST("0000") "2400 0200 0100 0000 00000000 00000000000000000000000000000000"
                                       "0000000000000000 0202 1002");
}

static struct payload negotiate_response(const char *dialect)
{
    char hex[512];
    snprintf(hex, sizeof hex, "%s 4100 0300 %s 0000 00000000", SMB2_RESPONSE("0000"), dialect);
    return framed(hex);
}

static void test_smb2_negotiation(void)
{
    struct payload request = negotiate_request(), response = negotiate_response("1103");
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(request.size, asked.reply.used);
    TEST_ASSERT_EQUAL_HEX(0, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &response));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_EQUAL_HEX(0x0311, asked.facts.version);
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &request);
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &response);
}

static void test_a_request_in_smb1_answered_in_smb2_is_not_smb1(void)
{
    struct payload request = framed(SMB1_HEADER("72", "18") "00 0c00 02 'NT LM 0.12' 00");
    struct payload wildcard = negotiate_response("ff02"), chosen = negotiate_response("1002");
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_HEX(0, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &wildcard));
    TEST_ASSERT_EQUAL_HEX(0, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &chosen));
    TEST_ASSERT_EQUAL_HEX(0x0210, asked.facts.version);
}

static void test_smb1_is_in_use_when_a_dialect_was_chosen(void)
{
    struct payload refused = framed(SMB1_HEADER("72", "98") "01 ffff 0000");
    struct payload chosen = framed(SMB1_HEADER("72", "98") "11 0000 03320001000411000000000100000000000000");
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &refused));
    TEST_ASSERT_EQUAL_HEX(0, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &chosen));
    TEST_ASSERT_EQUAL_HEX(0x0100, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &chosen);
}

static void test_the_share_is_kept_and_ends_the_questions(void)
{
    struct payload connect = framed(SMB2_REQUEST("0300") "0900 0000 4800 1000"
                                                         "5c00 5c00 6600 6500 5c00 6900 7000 e400");
    struct payload response = negotiate_response("0203");
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    asked_all(&asked, 1, &response);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &connect));
    ASSERT_TEXT("\\\\fe\\ip?", asked.facts.detail);
    TEST_ASSERT_TRUE(asked.reply.settled);
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &connect);
}

static void test_encrypted_and_compressed(void)
{
    struct payload encrypted =
        framed("fd 'SMB' 00000000000000000000000000000000 00112233445566778899aabb00000000"
               "04000000 0000 0100 1122334455667788 deadbeef");
    struct payload compressed = framed("fc 'SMB' 00010000 0200 0000 00000000 0102030405060708");
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &encrypted));
    TEST_ASSERT_EQUAL_HEX(0x0300, asked.facts.version);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &encrypted));
    TEST_ASSERT_TRUE(asked.reply.settled); /* nothing can be read any more */
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &encrypted);
    assert_matters(&proto_smb, OVER_TCP, false, &encrypted, 4 + 42, 2);    /* not encrypted */
    assert_matters(&proto_smb, OVER_TCP, false, &encrypted, 4 + 38, 0x10); /* larger than the message */
    asked = asked_new(&proto_smb, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &compressed));
    TEST_ASSERT_EQUAL_HEX(0x0311, asked.facts.version);
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &compressed);
    assert_matters(&proto_smb, OVER_TCP, false, &compressed, 4 + 8, 6);  /* no such algorithm */
    assert_matters(&proto_smb, OVER_TCP, false, &compressed, 4 + 10, 2); /* no such flag */
}

static struct payload session_request(void)
{
    return payload_of("81 000044 20 'EGEFCACACACACACACACACACACACACACA' 00"
                      "20 'EGEFCACACACACACACACACACACACACAAA' 00");
}

/* Only the server's side was captured: its answer names nothing, what it says next does. */
static void test_a_session_answer_in_front_of_a_message(void)
{
    static const char *const answers[] = {"82000000", "83000001 82", "84000006 c0000201 008b", "85000000"};
    struct payload response = negotiate_response("1103");
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct payload stream = payload_of(answers[i]);
        for (size_t at = 0; at < response.size; at++)
            payload_byte(&stream, response.at[at]);
        assert_right_at_each_length(&proto_smb, OVER_TCP, false, &stream);
        struct asked asked = asked_new(&proto_smb, OVER_TCP);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &stream));
        TEST_ASSERT_EQUAL_UINT(stream.size, asked.reply.used);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
        assert_matters(&proto_smb, OVER_TCP, false, &stream, 3, 7); /* no answer has that size */
    }
}

static void test_netbios_session(void)
{
    struct payload request = session_request(), positive = payload_of("82000000"),
                   refusal = payload_of("83000001 82");
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_first(&proto_smb, OVER_TCP, &positive));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &positive));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &refusal));
    refusal.at[3] = 2;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_smb, OVER_TCP, &refusal));
    assert_right_at_each_length(&proto_smb, OVER_TCP, false, &request);
    assert_matters(&proto_smb, OVER_TCP, false, &request, 3, 0x43);
    assert_matters(&proto_smb, OVER_TCP, false, &request, 4, 0x1f);
    assert_matters(&proto_smb, OVER_TCP, false, &request, 20, 'Q');
    assert_matters(&proto_smb, OVER_TCP, false, &request, 37, 1);
}

static void test_what_a_header_must_say(void)
{
    struct payload request = negotiate_request();
    assert_matters(&proto_smb, OVER_TCP, false, &request, 0, 1);
    assert_matters(&proto_smb, OVER_TCP, false, &request, 3, 8);    /* shorter than a header */
    assert_matters(&proto_smb, OVER_TCP, false, &request, 4, 0xfb); /* no such protocol id */
    assert_matters(&proto_smb, OVER_TCP, false, &request, 6, 'm');
    assert_matters(&proto_smb, OVER_TCP, false, &request, 8, 0x41);  /* structure size */
    assert_matters(&proto_smb, OVER_TCP, false, &request, 16, 0x13); /* no such command */
}

static void test_a_long_body_is_skipped(void)
{
    struct payload read =
        framed(SMB2_RESPONSE("0800") "1100 5000 00001000 00000000 00000000 00112233445566778899aabbccddeeff");
    read.at[1] = 0x10; /* one MiB more than is here */
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    asked.in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &read));
    TEST_ASSERT_EQUAL_UINT(read.size + 0x100000, asked.reply.used);
}

/* The header of a bind whose body is as long as it says. */
#define BIND "05 00 0b 03 10000000 1c00 0000 01000000 d016 d016 00000000 00000000"

static void test_dcerpc_in_a_pipe(void)
{
    static const char *const messages[] = {
        SMB2_REQUEST("0900") "3100 7000 1c000000 0000000000000000 00000000000000000000000000000000"
                             "00000000 00000000 00000000 00000000" BIND,
        SMB2_RESPONSE("0800") "1100 5000 1c000000 00000000 00000000" BIND,
        SMB2_REQUEST("0b00") "3900 0000 17c01100 00000000000000000000000000000000 78000000 1c000000 00000000"
                             "00000000 00000000 00040000 01000000 00000000" BIND,
        SMB2_RESPONSE("0b00") "3100 0000 17c01100 00000000000000000000000000000000 70000000 00000000 70000000"
                              "1c000000 00000000 00000000" BIND,
        SMB1_HEADER(
            "2f", "18") "0e ff00 0000 0000 00000000 00000000 0000 0000 0000 1c00 4000 00000000 1c00 00" BIND,
        SMB1_HEADER("2e", "98") "0c ff00 0000 0000 0000 0000 1c00 3c00 0000 00000000 00000000 1c00 00" BIND,
        SMB1_HEADER("25", "18") "10 0000 1c00 0000 1c00 00 00 0000 00000000 0000 0000 4300 1c00 4300 02 00"
                                "2600 0000 1c00" BIND,
        SMB1_HEADER("25", "98") "0a 0000 1c00 0000 0000 0000 0000 1c00 3700 0000 00 00 1c00" BIND,
    };
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct payload message = framed(messages[i]);
        struct asked asked = asked_new(&proto_smb, OVER_TCP);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_YES, asked_all(&asked, 0, &message), messages[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_dcerpc, asked.reply.carries, messages[i]);
        TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
        assert_right_at_each_length(&proto_smb, OVER_TCP, false, &message);
        message.at[message.size - 28] = 6; /* what goes through the pipe is not a PDU */
        asked = asked_new(&proto_smb, OVER_TCP);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_YES, asked_all(&asked, 0, &message), messages[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_UNIDENTIFIED, asked.reply.carries, messages[i]);
    }
}

static void test_pipes_are_waited_for_on_their_share(void)
{
    struct payload connect = framed(SMB2_REQUEST("0300") "0900 0000 4800 0c00 5c00 4900 5000 4300 2400 0000");
    struct payload response = negotiate_response("1103");
    connect.at[4 + 64 + 6] = 10;
    struct asked asked = asked_new(&proto_smb, OVER_TCP);
    asked_all(&asked, 1, &response);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &connect));
    ASSERT_TEXT("\\IPC$", asked.facts.detail);
    TEST_ASSERT_FALSE(asked.reply.settled);
    struct payload bind = framed(SMB2_RESPONSE("0800") "1100 5000 1c000000 00000000 00000000" BIND);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &bind));
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static void test_datagram_service(void)
{
    struct payload datagram = payload_of("11 0e 1234 c0000205 008a 0068 0000"
                                         "20 'EGEFCACACACACACACACACACACACACACA' 00"
                                         "20 'FHEPFCELEHFCEPFFFACACACACACACABO' 00");
    payload_add(&datagram, SMB1_HEADER("25", "00"));
    datagram.at[11] = (uint8_t)(datagram.size - 14);
    struct asked asked = asked_new(&proto_smb, OVER_UDP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &datagram));
    TEST_ASSERT_EQUAL_HEX(0x0100, asked.facts.version);
    TEST_ASSERT_TRUE(asked.reply.settled);
    assert_right_at_each_length(&proto_smb, OVER_UDP, false, &datagram);
    assert_matters(&proto_smb, OVER_UDP, false, &datagram, 0, 0x13);
    assert_matters(&proto_smb, OVER_UDP, false, &datagram, 11, (unsigned)datagram.size - 13);
    assert_matters(&proto_smb, OVER_UDP, false, &datagram, 14 + 68, 0xfe);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_smb2_negotiation);
    RUN_TEST(test_a_request_in_smb1_answered_in_smb2_is_not_smb1);
    RUN_TEST(test_smb1_is_in_use_when_a_dialect_was_chosen);
    RUN_TEST(test_the_share_is_kept_and_ends_the_questions);
    RUN_TEST(test_encrypted_and_compressed);
    RUN_TEST(test_a_session_answer_in_front_of_a_message);
    RUN_TEST(test_netbios_session);
    RUN_TEST(test_what_a_header_must_say);
    RUN_TEST(test_a_long_body_is_skipped);
    RUN_TEST(test_dcerpc_in_a_pipe);
    RUN_TEST(test_pipes_are_waited_for_on_their_share);
    RUN_TEST(test_datagram_service);
    return UNITY_END();
}
