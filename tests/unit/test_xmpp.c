/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_xmpp.c - stream headers between servers and from clients, STARTTLS at the right byte, stanzas from the
 * middle.
 */
#include "proto_feed.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define HEADER                                                                                               \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                             \
    "xmlns:stream='http://etherx.jabber.org/streams' "                                                       \
    "to='b.example' from='a.example' version='1.0'>"
#define ANSWER                                                                                               \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                             \
    "xmlns:stream='http://etherx.jabber.org/streams' "                                                       \
    "id=\"17\" to='a.example' from='b.example' version='1.0'>"
#define FEATURES "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED  "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

static enum proto_answer ask(const void *at, size_t size, bool in_middle)
{
    struct feed *feed = feed_new(&proto_xmpp);
    feed->side[0].in_middle = in_middle;
    return feed_ask(feed, 0, at, size, size);
}

#define START(text)  ask(text, sizeof(text) - 1, false)
#define MIDDLE(text) ask(text, sizeof(text) - 1, true)

static void test_stream_headers_tell_both_sides(void)
{
    struct feed *feed = feed_new(&proto_xmpp);
    feed_segment(feed, 0, TEXT(HEADER));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    ASSERT_TEXT("b.example", feed->facts.server_name);
    ASSERT_TEXT("jabber:server", feed->facts.detail);
    feed_segment(feed, 1, TEXT(ANSWER FEATURES));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, feed->reply.speaker);
    ASSERT_TEXT("b.example", feed->facts.server_name);
    TEST_ASSERT_EQUAL_UINT(3, feed->yes_sides);
    TEST_ASSERT_FALSE(feed->settled);
}

static void test_starttls_hands_over_behind_proceed(void)
{
    static const size_t pieces[] = {1, 7, 50, 1460};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct feed *feed = feed_new(&proto_xmpp);
        feed_pieces(feed, 0, TEXT(HEADER), pieces[i]);
        feed_pieces(feed, 1, TEXT(ANSWER FEATURES), pieces[i]);
        feed_pieces(feed, 0, TEXT(STARTTLS), pieces[i]);
        TEST_ASSERT_EQUAL_UINT(0, feed->upgrade);
        feed_pieces(feed, 1, TEXT(PROCEED), pieces[i]);
        TEST_ASSERT_EQUAL_UINT(PROTO_tls, feed->upgrade);
        TEST_ASSERT_EQUAL_UINT(1, feed->upgrade_side);
        TEST_ASSERT_EQUAL_UINT(0, feed->side[0].count); /* nothing of XMPP is left for TLS to read */
        TEST_ASSERT_EQUAL_UINT(0, feed->side[1].count);
    }
}

static void test_tls_bytes_behind_proceed_are_not_used(void)
{
    struct feed *feed = feed_new(&proto_xmpp);
    feed_segment(feed, 1, TEXT(ANSWER));
    feed_segment(feed, 1, TEXT(PROCEED "\x16\3\3>"));
    TEST_ASSERT_EQUAL_UINT(sizeof PROCEED - 1, feed->reply.used);
    feed = feed_new(&proto_xmpp);
    feed_segment(feed, 1, TEXT(ANSWER));
    feed_segment(feed, 1, TEXT("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>\x16\3\3"));
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, feed->upgrade);
    TEST_ASSERT_EQUAL_UINT(59, feed->reply.used);
}

static void test_a_header_cut_anywhere_is_never_refused(void)
{
    for (size_t size = 1; size < sizeof HEADER; size++)
        TEST_ASSERT_EQUAL_UINT(size < sizeof HEADER - 1 ? PROTO_MORE : PROTO_YES, ask(HEADER, size, false));
}

static void test_stream_headers_are_checked(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           START("\xef\xbb\xbf \n<stream:stream xmlns=\"jabber:client\" to=\"a\">"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("<stream:stream xmlns='something:else' to='a'>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("<stream:streams xmlns='jabber:client' to='a'>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("<?xml version='1.0'?><html xmlns='jabber:client'>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("GET / HTTP/1.1"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, START("<iq type='get'><q xmlns='jabber:x'/></iq>"));
}

static void test_stanzas_in_the_middle(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, MIDDLE("<iq type='get'><query xmlns='jabber:iq:roster'/></iq>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, MIDDLE("</stream:stream>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, MIDDLE("<iq type='get'><query xmlns='other'/></iq>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, MIDDLE("<html xmlns='jabber:x'>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, MIDDLE("text jabber: <iq>"));
}

static void test_authentication_settles(void)
{
    struct feed *feed = feed_new(&proto_xmpp);
    feed_segment(feed, 0, TEXT(HEADER));
    feed_segment(feed, 1, TEXT(ANSWER));
    feed_segment(feed, 0, TEXT("<db:result to='b.example' from='a.example'>0123</db:result>"));
    TEST_ASSERT_TRUE(feed->settled);
    TEST_ASSERT_EQUAL_UINT(0, feed->upgrade);
}

static void test_an_answer_that_is_no_xmpp_ends_it(void)
{
    struct feed *feed = feed_new(&proto_xmpp);
    feed_segment(feed, 0, TEXT(HEADER));
    feed_segment(feed, 1, TEXT("SSH-2.0-x\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(1, feed->yes_sides);
}

static void test_noise_is_not_named(void)
{
    feed_noise(&proto_xmpp, 20000, false);
    feed_noise(&proto_xmpp, 20000, true);
}

static void test_a_side_that_was_never_read_uses_nothing(void)
{
    struct feed *feed = feed_new(&proto_xmpp);
    feed_segment(feed, 0, TEXT(HEADER));
    feed_lose(feed, 1);
    feed_segment(feed, 1, TEXT("<a></a>"));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(0, feed->reply.used);
    TEST_ASSERT_EQUAL_UINT(1, feed->yes_sides);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_stream_headers_tell_both_sides);
    RUN_TEST(test_starttls_hands_over_behind_proceed);
    RUN_TEST(test_tls_bytes_behind_proceed_are_not_used);
    RUN_TEST(test_a_header_cut_anywhere_is_never_refused);
    RUN_TEST(test_stream_headers_are_checked);
    RUN_TEST(test_stanzas_in_the_middle);
    RUN_TEST(test_authentication_settles);
    RUN_TEST(test_an_answer_that_is_no_xmpp_ends_it);
    RUN_TEST(test_a_side_that_was_never_read_uses_nothing);
    RUN_TEST(test_noise_is_not_named);
    return UNITY_END();
}
