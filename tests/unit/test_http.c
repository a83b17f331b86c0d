/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_http.c - first lines good and bad, facts of a head, and CONNECT with what comes through it.
 */
#include "proto_feed.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define REQUEST                                                                                              \
    "POST /autodiscover/service.svc/root?sipuri=a HTTP/1.1\r\nHost: lync.example:8443\r\n"                   \
    "User-Agent: OC/16.0 (Example)\r\nContent-Length: 3\r\n\r\n"
#define RESPONSE   "HTTP/1.1 401 Unauthorized\r\nServer: Example/1.0\r\n\r\n"
#define TLS_BEGINS "\x16\3\1\1\x20\1\0\1\x1c\3\3"

static enum proto_answer ask(const void *at, size_t size, bool in_middle)
{
    struct feed *feed = feed_new(&proto_http);
    feed->side[0].in_middle = in_middle;
    return feed_ask(feed, 0, at, size, size);
}

#define START(text)  ask(text, sizeof(text) - 1, false)
#define MIDDLE(text) ask(text, sizeof(text) - 1, true)

static void test_request_and_response_tell_their_heads(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT(REQUEST));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL_UINT(sizeof REQUEST - 1, feed->reply.used);
    TEST_ASSERT_FALSE(feed->settled);
    ASSERT_TEXT("lync.example", feed->facts.server_name);
    ASSERT_TEXT("OC/16.0 (Example)", feed->facts.agent);
    ASSERT_TEXT("POST /autodiscover/", feed->facts.detail);
    feed_segment(feed, 1, TEXT(RESPONSE));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_TRUE(feed->settled);
    ASSERT_TEXT("OC/16.0 (Example)", feed->facts.agent);
    ASSERT_TEXT("POST /autodiscover/", feed->facts.detail);
}

static void test_a_response_alone_tells_its_status_and_server(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT(RESPONSE));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, feed->reply.speaker);
    ASSERT_TEXT("401", feed->facts.detail);
    ASSERT_TEXT("Example/1.0", feed->facts.agent);
}

static void assert_summary(const char *line, const char *summary)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, (const uint8_t *)line, strlen(line));
    TEST_ASSERT_EQUAL_UINT(strlen(summary), feed->facts.detail.size);
    TEST_ASSERT_EQUAL_MEMORY(summary, feed->facts.detail.bytes, strlen(summary));
}

static void test_only_the_first_directory_is_told(void)
{
    assert_summary("GET / HTTP/1.1\r\n\r\n", "GET /");
    assert_summary("GET /a HTTP/1.0\r\n\r\n", "GET /a");
    assert_summary("GET /?secret=1 HTTP/1.0\r\n\r\n", "GET /");
    assert_summary("GET /a/b HTTP/1.0\r\n\r\n", "GET /a/");
    assert_summary("GET /a?x=/b HTTP/1.0\r\n\r\n", "GET /a");
    assert_summary("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS *");
    assert_summary("CONNECT a.example:443 HTTP/1.1\r\n\r\n", "CONNECT a.example:443");
}

static void test_first_lines_are_checked(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, START("GET / HTTP/1.1\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, START("UNKNOWN-ONE /x y HTTP/1.0\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("GET / HTTP/2.0\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("GET / HTTP/1.3\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("OPTIONS sip:a SIP/2.0\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("OPTIONS rtsp://a RTSP/1.0\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("get / HTTP/1.1\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START(" / HTTP/1.1\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("GET HTTP/1.1\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("GET /\1 HTTP/1.1\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, START("HTTP/1.0 200\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("HTTP/1.2 200 OK\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("HTTP/1.1-200 OK\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("HTTP/1.1 2x0 OK\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("HTTP/1.1 099 OK\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("HTTP/1.1 2000 OK\r\n"));
}

static void test_a_line_alone_is_weaker_than_one_with_a_header(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT("GET / HTTP/1.1\r\n"));
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(0, feed->reply.used);
    feed_segment(feed, 0, TEXT("Accept: */*\r\n"));
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
}

static void test_a_head_cut_anywhere_is_never_refused(void)
{
    for (size_t size = 1; size < sizeof REQUEST; size++) {
        enum proto_answer answer = ask(REQUEST, size, false);
        TEST_ASSERT_EQUAL_UINT(size < 55 ? PROTO_MORE : PROTO_YES, answer);
    }
    for (size_t size = 1; size < sizeof RESPONSE; size++)
        TEST_ASSERT_EQUAL_UINT(size < 13 ? PROTO_MORE : PROTO_YES, ask(RESPONSE, size, false));
}

static void test_a_target_longer_than_the_window(void)
{
    static uint8_t line[5000];
    memset(line, 'x', sizeof line);
    memcpy(line, "GET /", 5);
    struct feed *feed = feed_new(&proto_http);
    feed_pieces(feed, 0, line, sizeof line, 1460);
    TEST_ASSERT_TRUE(feed->named);
    TEST_ASSERT_FALSE(feed->gone);
}

static void test_the_middle_of_a_stream_needs_a_whole_line(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, MIDDLE(REQUEST));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, MIDDLE(RESPONSE));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, MIDDLE("<html><body>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, MIDDLE("SOMETHING else"));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, MIDDLE("GET /half"));
}

static void test_tls_through_connect(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"));
    feed_segment(feed, 1, TEXT("HTTP/1.1 200 Connection established\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(0, feed->upgrade);
    TEST_ASSERT_FALSE(feed->settled);
    feed_segment(feed, 0, TEXT(TLS_BEGINS));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, feed->upgrade);
    TEST_ASSERT_EQUAL_UINT(0, feed->upgrade_side);
    TEST_ASSERT_EQUAL_UINT(0, feed->reply.used);
}

static void test_tls_before_the_grant_was_seen(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT("CONNECT a.example:443 HTTP/1.1\r\n\r\n"));
    feed_segment(feed, 0, TEXT(TLS_BEGINS));
    TEST_ASSERT_EQUAL_UINT(0, feed->upgrade);
    TEST_ASSERT_FALSE(feed->settled);
    feed_segment(feed, 1, TEXT("HTTP/1.1 200 OK\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, feed->upgrade);
    TEST_ASSERT_EQUAL_UINT(19, feed->reply.used);
}

static void test_connect_refused_once(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT("CONNECT a.example:443 HTTP/1.1\r\n\r\n"));
    feed_segment(feed, 1, TEXT("HTTP/1.1 407 Authenticate\r\nContent-Length: 4\r\n\r\nwhy?"));
    feed_segment(feed, 0, TEXT("CONNECT a.example:443 HTTP/1.1\r\nProxy-Authorization: x\r\n\r\n"));
    feed_segment(feed, 1, TEXT("HTTP/1.1 200 OK\r\n\r\n"));
    feed_segment(feed, 0, TEXT(TLS_BEGINS));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, feed->upgrade);
}

static void test_something_else_through_connect(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT("CONNECT a.example:22 HTTP/1.1\r\n\r\n"));
    feed_segment(feed, 1, TEXT("HTTP/1.1 200 OK\r\n\r\n"));
    feed_segment(feed, 1, TEXT("SSH-2.0-x\r\n"));
    TEST_ASSERT_EQUAL_UINT(0, feed->upgrade);
    TEST_ASSERT_TRUE(feed->settled);
}

static void test_an_answer_that_is_no_http_ends_it(void)
{
    struct feed *feed = feed_new(&proto_http);
    feed_segment(feed, 0, TEXT("GET / HTTP/1.1\r\n\r\n"));
    feed_segment(feed, 1, TEXT("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(1, feed->yes_sides);
}

static void test_noise_is_not_named(void)
{
    feed_noise(&proto_http, 20000, false);
    feed_noise(&proto_http, 20000, true);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_request_and_response_tell_their_heads);
    RUN_TEST(test_a_response_alone_tells_its_status_and_server);
    RUN_TEST(test_only_the_first_directory_is_told);
    RUN_TEST(test_first_lines_are_checked);
    RUN_TEST(test_a_line_alone_is_weaker_than_one_with_a_header);
    RUN_TEST(test_a_head_cut_anywhere_is_never_refused);
    RUN_TEST(test_a_target_longer_than_the_window);
    RUN_TEST(test_the_middle_of_a_stream_needs_a_whole_line);
    RUN_TEST(test_tls_through_connect);
    RUN_TEST(test_tls_before_the_grant_was_seen);
    RUN_TEST(test_connect_refused_once);
    RUN_TEST(test_something_else_through_connect);
    RUN_TEST(test_an_answer_that_is_no_http_ends_it);
    RUN_TEST(test_noise_is_not_named);
    return UNITY_END();
}
