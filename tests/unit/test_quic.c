/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_quic.c - long headers of each family of versions, negotiation, short headers, and what is none of
 * them.
 */
#include "proto_feed.h"

void setUp(void)
{
}

void tearDown(void)
{
}

enum { DATAGRAM_SIZE = 1200 };

/* Version 1 Initial: ids of 8 and 0 bytes, no token, length 1182 (= 1200 - 18). */
static const uint8_t *initial(uint32_t version)
{
    static uint8_t datagram[DATAGRAM_SIZE];
    memset(datagram, 0x6b, sizeof datagram);
    memcpy(datagram, "\xc0\0\0\0\1\x08\1\2\3\4\5\6\7\x08\0\0\x44\x9e", 18);
    for (unsigned i = 0; i < 4; i++)
        datagram[1 + i] = (uint8_t)(version >> (24 - 8 * i));
    return datagram;
}

static enum proto_answer ask(const uint8_t *at, size_t size)
{
    return feed_datagram(feed_new(&proto_quic), 0, at, size);
}

static void test_known_versions_are_named(void)
{
    static const uint32_t known[] = {1,          0xff00001d, 0xff000022, 0xfaceb002,
                                     0xabcd0001, 0x51303530, 0x54303531};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct feed *feed = feed_new(&proto_quic);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, initial(known[i]), DATAGRAM_SIZE));
        TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
        TEST_ASSERT_EQUAL_UINT(known[i] == 1 ? 1 : 0, feed->facts.version);
        TEST_ASSERT_FALSE(feed->settled);
        feed_datagram(feed, 1, initial(known[i]), DATAGRAM_SIZE);
        TEST_ASSERT_TRUE(feed->settled);
    }
}

static void test_unknown_versions_are_not(void)
{
    static const uint32_t unknown[] = {2,          3,          0xff000000, 0xff000023,
                                       0xff010001, 0xabcd0011, 0x5130303a, 0x50303530};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(initial(unknown[i]), DATAGRAM_SIZE));
}

static void test_version_2_numbers_its_types_anew(void)
{
    uint8_t datagram[DATAGRAM_SIZE];
    memcpy(datagram, initial(0x6b3343cf), sizeof datagram);
    datagram[15] = 0x7f; /* a token longer than the datagram, were it an Initial */
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask(datagram, DATAGRAM_SIZE)); /* but type 0 is Retry */
    datagram[0] = 0xd0;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(datagram, DATAGRAM_SIZE));
    datagram[15] = 0;
    struct feed *feed = feed_new(&proto_quic);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, datagram, DATAGRAM_SIZE));
    TEST_ASSERT_EQUAL_UINT(2, feed->facts.version);
}

static void test_lengths_are_checked(void)
{
    static const struct {
        uint8_t offset, value;
    } wrong[] = {{5, 21}, {14, 21}, {15, 0x7f}, {16, 0x45}, {17, 0x9f}};
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask(initial(1), DATAGRAM_SIZE));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t datagram[DATAGRAM_SIZE];
        memcpy(datagram, initial(1), sizeof datagram);
        datagram[wrong[i].offset] = wrong[i].value;
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(datagram, DATAGRAM_SIZE));
    }
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(initial(1), DATAGRAM_SIZE - 1));

    uint8_t datagram[DATAGRAM_SIZE];
    memset(datagram, 0, sizeof datagram);
    memcpy(datagram, "\xc0\0\0\0\1\x15", 6); /* an id of 21 bytes, and all that follows in its place */
    memcpy(datagram + 29, "\x44\x80", 2);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(datagram, DATAGRAM_SIZE));
    memcpy(datagram, initial(1), sizeof datagram);
    datagram[15] = 0x7f; /* a token that neither the capture nor the datagram holds */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_quic), 0, datagram, 100, DATAGRAM_SIZE));
}

static void test_a_capture_cut_anywhere_never_refuses(void)
{
    for (size_t caplen = 1; caplen < DATAGRAM_SIZE; caplen++) {
        enum proto_answer answer = feed_ask(feed_new(&proto_quic), 0, initial(1), caplen, DATAGRAM_SIZE);
        TEST_ASSERT_EQUAL_UINT(caplen < 15 ? PROTO_MORE : PROTO_YES, answer);
    }
}

static void test_a_token_comes_from_the_client(void)
{
    uint8_t datagram[DATAGRAM_SIZE];
    memcpy(datagram, initial(1), sizeof datagram);
    memcpy(datagram + 15, "\4abcd\x44\x9a", 7);
    struct feed *feed = feed_new(&proto_quic);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, datagram, sizeof datagram));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    feed = feed_new(&proto_quic);
    feed_datagram(feed, 0, initial(1), DATAGRAM_SIZE);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, feed->reply.speaker);
}

static void test_negotiation(void)
{
    struct feed *feed = feed_new(&proto_quic);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           feed_datagram(feed, 0, TEXT("\x80\0\0\0\0\2ab\1c\x1a\x2a\x3a\x4a\0\0\0\1")));
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(TEXT("\x80\0\0\0\0\2ab\1c\x1a\x2a\x3a\x4a\0\0\0\7")));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(TEXT("\x80\0\0\0\0\2ab\1c\0\0\0\1\0")));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(TEXT("\x80\0\0\0\0\2ab\1c")));
}

static void test_reserved_versions_need_padding(void)
{
    struct feed *feed = feed_new(&proto_quic);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, initial(0x1a2a3a4a), DATAGRAM_SIZE));
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(initial(0x1a2a3a4a), DATAGRAM_SIZE - 1));
}

/* Flags, 8 bytes of id, version, packet number, 12 bytes of hash. */
#define GOOGLE "\x0d\1\2\3\4\5\6\7\x08Q039\1hhhhhhhhhhhhCHLO"

static void test_google_before_the_long_header(void)
{
    struct feed *feed = feed_new(&proto_quic);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, TEXT(GOOGLE)));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    uint8_t wrong[] = GOOGLE;
    wrong[0] = 0x0c; /* no version follows */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(wrong, sizeof wrong));
    wrong[0] = 0x0f; /* a reset */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(wrong, sizeof wrong));
    wrong[0] = 0x0d;
    wrong[10] = '1';
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(wrong, sizeof wrong));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(TEXT("\x0d\1\2\3\4\5\6\7\x08Q039\1hhhhhhhhhhh")));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed_ask(feed_new(&proto_quic), 0, (const uint8_t *)GOOGLE, 11, 40));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, ask(TEXT("\xc3Q046\x50\1\2\3\4\5\6\7\x08\0\0\0\1")));
}

static void test_short_headers_count_only_when_named(void)
{
    static const uint8_t packet[21] = {0x41, 9, 8, 7};
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, ask(packet, sizeof packet));
    struct feed *feed = feed_new(&proto_quic);
    feed_datagram(feed, 0, initial(1), DATAGRAM_SIZE);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed, 1, packet, sizeof packet - 1));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 1, packet, sizeof packet));
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    TEST_ASSERT_TRUE(feed->settled);
}

static void test_noise_is_not_named(void)
{
    feed_noise(&proto_quic, 100000, false);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_known_versions_are_named);
    RUN_TEST(test_unknown_versions_are_not);
    RUN_TEST(test_version_2_numbers_its_types_anew);
    RUN_TEST(test_lengths_are_checked);
    RUN_TEST(test_a_capture_cut_anywhere_never_refuses);
    RUN_TEST(test_a_token_comes_from_the_client);
    RUN_TEST(test_negotiation);
    RUN_TEST(test_reserved_versions_need_padding);
    RUN_TEST(test_google_before_the_long_header);
    RUN_TEST(test_short_headers_count_only_when_named);
    RUN_TEST(test_noise_is_not_named);
    return UNITY_END();
}
