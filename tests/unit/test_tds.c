/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_tds.c - pre-login, login, requests and answers of SQL Server, with and without TLS.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

/* A packet of this type and status around what `hex` says; process and packet number as given. */
static struct payload packet(const char *type, const char *process, const char *hex)
{
    struct payload payload = payload_of(type);
    payload_add(&payload, "01 0000");
    payload_add(&payload, process);
    payload_add(&payload, "01 00");
    payload_add(&payload, hex);
    payload.at[2] = (uint8_t)(payload.size >> 8);
    payload.at[3] = (uint8_t)payload.size;
    return payload;
}

/* Options version, encryption, instance, thread; the encryption byte and the instance are what differ. */
#define OPTIONS(encryption)                                                                                  \
    "00 0015 0006 01 001b 0001 02 001c 0004 03 0020 0004 ff 0f0007d00000 " encryption " 'RTC' 00 00000001"
#define ANSWER(encryption) "00 000b 0006 01 0011 0001 ff 0f0007d00000 " encryption

/* Transaction headers, then a statement. */
#define BATCH "16000000 12000000 0200 0000000000000000 01000000 530045004c00"

static void test_pre_login(void)
{
    struct payload request = packet("12", "0000", OPTIONS("00")), answer = packet("04", "0000", ANSWER("00"));
    struct asked asked = asked_new(&proto_tds, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(request.size, asked.reply.used);
    ASSERT_TEXT("RTC", asked.facts.detail);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &request);
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &answer);
    assert_matters(&proto_tds, OVER_TCP, false, &request, 0, 0x13);
    assert_matters(&proto_tds, OVER_TCP, false, &request, 1, 0x20);
    assert_matters(&proto_tds, OVER_TCP, false, &request, 2, 0x80);
    assert_matters(&proto_tds, OVER_TCP, false, &request, 3, 8);     /* nothing inside */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 5, 1);     /* process */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 7, 1);     /* window */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 8, 1);     /* the version comes first */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 10, 3);    /* offset inside the table */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 12, 5);    /* size of the version */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 13, 9);    /* no such option */
    assert_matters(&proto_tds, OVER_TCP, false, &request, 20, 0x40); /* data outside the packet */
}

#define TLS_IN_PACKET "16 0301 0004 01 000000"
#define RECORD        "17 0303 0003 aabbcc"

static void test_tls_for_everything(void)
{
    struct payload request = packet("12", "0000", OPTIONS("01")), answer = packet("04", "0000", ANSWER("01"));
    struct payload handshake = packet("12", "0000", TLS_IN_PACKET), record = payload_of(RECORD);
    struct asked asked = asked_new(&proto_tds, OVER_TCP);
    asked_all(&asked, 0, &request);
    asked_all(&asked, 1, &answer);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &handshake));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, asked.reply.carries);
    TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &record));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, asked.reply.upgrade);
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.used);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_tds, OVER_TCP, &record));
}

static void test_tls_for_the_login_only(void)
{
    struct payload request = packet("12", "0000", OPTIONS("00")), answer = packet("04", "0000", ANSWER("00"));
    struct payload record = payload_of(RECORD);
    struct payload ack =
        packet("04", "0033", "e3 0300 010000 ad 0a00 01 74000004 00 00000000 fd 0000 0000 00000000");
    struct asked asked = asked_new(&proto_tds, OVER_TCP);
    asked_all(&asked, 0, &request);
    asked_all(&asked, 1, &answer);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &record));
    TEST_ASSERT_EQUAL_UINT(PROTO_UNIDENTIFIED, asked.reply.upgrade);
    TEST_ASSERT_EQUAL_UINT(record.size, asked.reply.used);
    TEST_ASSERT_EQUAL_HEX(0, asked.facts.version);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &ack));
    TEST_ASSERT_EQUAL_HEX(0x7400, asked.facts.version);
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static struct payload login(void)
{
    struct payload payload = packet("10", "0000",
                                    "72000000 04000074 00100000 00000007 00010000 00000000"
                                    "e0 03 00 00 00000000 09040000"
                                    "0000 0000 0000 0000 0000 0000 005e 0003 0064 0004");
    static const uint8_t offsets[] = {94, 0, 3, 0, 100, 0, 4, 0};
    memcpy(payload.at + 8 + 48, offsets, sizeof offsets);
    payload_fill(&payload, 0, 8 + 94 - payload.size);
    payload_add(&payload, "'O' 00 'C' 00 'S' 00 'f' 00 'e' 00 '0' 00 '1' 00 0000 0000 0000");
    payload.at[3] = (uint8_t)payload.size;
    return payload;
}

static void test_login(void)
{
    struct payload payload = login();
    struct asked asked = asked_new(&proto_tds, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(8 + 114, payload.size);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    TEST_ASSERT_EQUAL_HEX(0x7400, asked.facts.version);
    ASSERT_TEXT("OCS", asked.facts.agent);
    ASSERT_TEXT("fe01", asked.facts.server_name);
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &payload);
    assert_matters(&proto_tds, OVER_TCP, false, &payload, 8, 0x20);
    assert_matters(&proto_tds, OVER_TCP, false, &payload, 15, 0x75);
    assert_matters(&proto_tds, OVER_TCP, false, &payload, 15, 0x6f);
}

static void test_requests_from_the_middle(void)
{
    static const struct {
        const char *type, *hex;
        unsigned evidence;
    } requests[] = {
        {"01", BATCH, 2},
        {"03", "16000000 12000000 0200 0000000000000000 01000000 ffff 0a00", 2},
        {"03", "0300 73007000 5f00 0000 0000", 2},  /* a procedure by name, before 7.2 */
        {"03", "ffff 0d00 0000 0000 0000 0000", 2}, /* and by number */
        {"01", "530045004c00450043005400", 2},      /* a statement alone */
        {"0e", "16000000 12000000 0200 0000000000000000 01000000 0500", 2},
        {"01", "0a00 5300 4500 4c00 4500", 2}, /* a statement may begin a line */
        {"01", "0900 5300 4500 4c00 4500", 2},
        {"01", "0100 5300 4500 4c00 4500", 1}, /* but not with this */
        {"01", "5300 ff53 4500 4c00 4500", 1},
        {"01", "16000000 13000000 0200 0000000000000000 01000000", 1}, /* larger than all headers */
        {"01", "16000000 11000000 0200 0000000000000000 01000000", 1}, /* not the size of this header */
        {"01", "16000000 12000000 0400 0000000000000000 01000000", 1}, /* no such header */
        {"03", "0000 7300 7000 5f00 7300", 1},                         /* no name */
        {"03", "1704 7300 7000 5f00 7300", 1},                         /* a longer one than there can be */
        {"03", "ffff 1000 0000 0000 0000", 1},                         /* no such procedure */
        {"03", "00000200 26000000 9d000000 01000000", 1},              /* nothing known behind the header */
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct payload payload = packet(requests[i].type, "0000", requests[i].hex);
        struct asked asked = asked_new(&proto_tds, OVER_TCP);
        asked.in_middle = true;
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_YES, asked_all(&asked, 0, &payload), requests[i].hex);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(requests[i].evidence, asked.reply.evidence, requests[i].hex);
        assert_right_at_each_length(&proto_tds, OVER_TCP, false, &payload);
        assert_matters(&proto_tds, OVER_TCP, false, &payload, 4, 1); /* clients have no process id */
        assert_matters(&proto_tds, OVER_TCP, false, &payload, 6, 2); /* the first packet of a message */
    }
}

static void test_answers_from_the_middle(void)
{
    static const char *const right[] = {
        "fd 0100 f900 00000000 00000000",
        "ff 1100 c300 01000000 00000000",
        "81 0300 00000000",
        "81 ffff 00000000",
        "79 00000000 ac 0000",
        "e3 0300 010000",
        "aa 1000 00000000",
        "d1 0000 0000",
    };
    static const char *const wrong[] = {
        "fd 0002 f900 00000000 00000000",
        "fd 0000 00",
        "81 0000 00000000",
        "e3 0000 010000",
        "80 0000 0000",
        "81 0110 00000000",
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct payload payload = packet("04", "0133", right[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_YES, asked_first(&proto_tds, OVER_TCP, &payload), right[i]);
        assert_right_at_each_length(&proto_tds, OVER_TCP, false, &payload);
        assert_matters(&proto_tds, OVER_TCP, false, &payload, 1, 8); /* a client's status */
        assert_matters(&proto_tds, OVER_TCP, false, &payload, 6, 2);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct payload payload = packet("04", "0133", wrong[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, asked_first(&proto_tds, OVER_TCP, &payload), wrong[i]);
    }
}

static void test_a_named_flow_goes_on(void)
{
    struct payload batch = packet("01", "0000", BATCH), rows = packet("04", "0033", "12345678");
    struct payload attention = packet("06", "0000", "");
    struct asked asked = asked_new(&proto_tds, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_tds, OVER_TCP, &attention));
    asked_all(&asked, 0, &batch);
    rows.at[2] = 0x10; /* the rest of the packet is still to come */
    rows.at[6] = 9;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &rows));
    TEST_ASSERT_EQUAL_UINT(0x1000u + rows.at[3], asked.reply.used);
    TEST_ASSERT_TRUE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &attention));
}

static void test_old_login_and_authentication(void)
{
    struct payload old = packet("02", "0000", "'host'"), sspi = packet("11", "0000", "'NTLMSSP' 00 03000000");
    payload_fill(&old, 0, 26);
    payload_byte(&old, 4);
    payload_fill(&old, 0, 512 - old.size);
    old.at[2] = 2;
    old.at[3] = 0;
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &old);
    assert_matters(&proto_tds, OVER_TCP, false, &old, 8 + 30, 31);
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &sspi);
    assert_matters(&proto_tds, OVER_TCP, false, &sspi, 8, 'M');
}

static void test_tls_in_a_pre_login_arrives_in_pieces(void)
{
    struct payload handshake = packet("12", "0000", "16 0301 0005 0100000100");
    for (size_t size = 1; size <= 10; size++) {
        struct asked asked = asked_new(&proto_tds, OVER_TCP);
        TEST_ASSERT_EQUAL_UINT(PROTO_MORE, asked_some(&asked, 0, &handshake, size));
    }
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &handshake);
    handshake.at[5] = 1; /* of some process, which pre-logins are not */
    assert_right_at_each_length(&proto_tds, OVER_TCP, false, &handshake);
    handshake.at[9] = 2; /* no version of TLS, nor an option of a pre-login */
    struct asked asked = asked_new(&proto_tds, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &handshake));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_pre_login);
    RUN_TEST(test_tls_in_a_pre_login_arrives_in_pieces);
    RUN_TEST(test_tls_for_everything);
    RUN_TEST(test_tls_for_the_login_only);
    RUN_TEST(test_login);
    RUN_TEST(test_requests_from_the_middle);
    RUN_TEST(test_answers_from_the_middle);
    RUN_TEST(test_a_named_flow_goes_on);
    RUN_TEST(test_old_login_and_authentication);
    return UNITY_END();
}
