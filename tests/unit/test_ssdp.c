/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_ssdp.c - searches, answers and notices of UPnP discovery.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define SEARCH                                                                                               \
    "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: "           \
    "ssdp:all\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nSERVER: Example/1.0 UPnP/1.1\r\nST: ssdp:all\r\nUSN: uuid:1\r\n\r\n"
#define NOTICE "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\n\r\n"

static struct payload text_of(const char *text)
{
    struct payload payload = {.size = 0};
    payload_text(&payload, text);
    return payload;
}

static enum proto_answer first_of(const char *text)
{
    struct payload payload = text_of(text);
    return asked_first(&proto_ssdp, OVER_UDP, &payload);
}

static void test_search_and_answer(void)
{
    struct asked asked = asked_new(&proto_ssdp, OVER_UDP);
    struct payload search = text_of(SEARCH), answer = text_of(ANSWER);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &search));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    ASSERT_TEXT("Example/1.0 UPnP/1.1", asked.facts.agent);
    TEST_ASSERT_TRUE(asked.reply.settled);
}

static void test_a_notice_tells_no_server(void)
{
    struct asked asked = asked_new(&proto_ssdp, OVER_UDP);
    struct payload notice = text_of(NOTICE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &notice));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, asked.reply.speaker);
}

static void test_a_start_line_alone_is_weaker(void)
{
    struct asked asked = asked_new(&proto_ssdp, OVER_UDP);
    struct payload search = text_of("M-SEARCH * HTTP/1.1\r\n\r\n");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &search));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
}

static void test_what_is_not_ssdp(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("HTTP/1.1 200 OK\r\nServer: a\r\nContent-Type: b\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("HTTP/1.1 404 Not Found\r\nST: ssdp:all\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("NOTIFY sip:a@b SIP/2.0\r\nNT: a\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("NOTIFY /path HTTP/1.1\r\nNT: a\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("M-SEARCH * HTTP/2.0\r\nST: a\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of("GET * HTTP/1.1\r\nST: a\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, first_of(""));
}

static void test_cut_at_each_length(void)
{
    struct payload search = text_of(SEARCH), answer = text_of(ANSWER), notice = text_of(NOTICE);
    assert_right_at_each_length(&proto_ssdp, OVER_UDP, false, &search);
    assert_right_at_each_length(&proto_ssdp, OVER_UDP, false, &answer);
    assert_right_at_each_length(&proto_ssdp, OVER_UDP, false, &notice);
}

static void test_cut_at_each_length_in_any_case(void)
{
    static const char *const texts[] = {"m-search * HTtP/1.1\r\nST: ssdp:all\r\n\r\n",
                                        "HTtP/1.0 200 OK\r\nUSN: uuid:1\r\n\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct payload payload = text_of(texts[i]);
        assert_right_at_each_length(&proto_ssdp, OVER_UDP, false, &payload);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_search_and_answer);
    RUN_TEST(test_a_notice_tells_no_server);
    RUN_TEST(test_a_start_line_alone_is_weaker);
    RUN_TEST(test_what_is_not_ssdp);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_cut_at_each_length_in_any_case);
    return UNITY_END();
}
