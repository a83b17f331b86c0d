/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_dtls.c - handshakes put together datagram by datagram, with loss and reordering, and records that are
 * none.
 */
#include "proto_feed.h"

void setUp(void)
{
}

void tearDown(void)
{
}

struct out {
    uint8_t at[2000];
    size_t size;
};

static void put(struct out *out, const void *at, size_t size)
{
    TEST_ASSERT_TRUE(out->size + size <= sizeof out->at);
    memcpy(out->at + out->size, at, size);
    out->size += size;
}

static void put_number(struct out *out, uint32_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        uint8_t byte = (uint8_t)(number >> (8 * bytes));
        put(out, &byte, 1);
    }
}

static void put_record(struct out *out, uint8_t type, uint16_t version, uint16_t epoch, const void *at,
                       size_t size)
{
    put_number(out, type, 1);
    put_number(out, version, 2);
    put_number(out, epoch, 2);
    put(out, "\0\0\0\0\0\7", 6);
    put_number(out, (uint32_t)size, 2);
    put(out, at, size);
}

/* `size` bytes of a message of `whole`, from `offset` on, in a record of its own. */
static void put_fragment(struct out *out, uint8_t type, uint8_t number, size_t whole, size_t offset,
                         const void *at, size_t size)
{
    struct out message = {.size = 0};
    put_number(&message, type, 1);
    put_number(&message, (uint32_t)whole, 3);
    put_number(&message, number, 2);
    put_number(&message, (uint32_t)offset, 3);
    put_number(&message, (uint32_t)size, 3);
    put(&message, at, size);
    put_record(out, 22, 0xfefd, 0, message.at, message.size);
}

static void put_message(struct out *out, uint8_t type, uint8_t number, const void *at, size_t size)
{
    put_fragment(out, type, number, size, 0, at, size);
}

static const uint8_t use_srtp[] = {0, 14, 0, 5, 0, 2, 0, 1, 0};
static const uint8_t name_and_alpn[] = {0, 0, 0, 6, 0, 4, 0, 0, 1, 'a', 0, 16, 0, 5, 0, 3, 2, 'h', '2'};

static void put_client_hello(struct out *out, uint8_t number, const void *extensions, size_t size)
{
    struct out body = {.size = 0};
    put_number(&body, 0xfefd, 2);
    put(&body, "0123456789abcdef0123456789abcdef\0\4cook\0\2\xc0\x2b\1\0", 44);
    put_number(&body, (uint32_t)size, 2);
    put(&body, extensions, size);
    put_message(out, 1, number, body.at, body.size);
}

static void put_server_hello(struct out *out, uint8_t number, const void *extensions, size_t size)
{
    struct out body = {.size = 0};
    put_number(&body, 0xfefd, 2);
    put(&body, "0123456789abcdef0123456789abcdef\0\xc0\x2b\0", 36);
    put_number(&body, (uint32_t)size, 2);
    put(&body, extensions, size);
    put_message(out, 2, number, body.at, body.size);
}

static void put_finish(struct out *out)
{
    put_record(out, 20, 0xfefd, 0, "\1", 1);
    put_record(out, 22, 0xfefd, 1, "an encrypted Finished", 21);
}

enum client_reply { REPLY_NOTHING, REPLY_EMPTY, REPLY_CERTIFICATE };
enum { LOSE_NOTHING = -1 };

/*
 * A handshake after a HelloVerifyRequest, each message in a datagram of its own; the one of number `lost` of
 * the server is not delivered, and its flight arrives backwards.
 */
static struct feed *handshake(bool request, enum client_reply reply, const void *extensions, size_t size,
                              int lost)
{
    static struct out d[16];
    struct feed *feed = feed_new(&proto_dtls);
    memset(d, 0, sizeof d);
    put_client_hello(&d[0], 0, extensions, size);
    put_message(&d[1], 3, 0, "\xfe\xff\4cook", 7);
    put_client_hello(&d[2], 1, extensions, size);
    put_server_hello(&d[3], 1, extensions, size);
    put_message(&d[4], 11, 2, "\0\0\4cert", 7);
    put_message(&d[5], 12, 3, "parameters", 10);
    uint8_t next = 4;
    if (request)
        put_message(&d[6], 13, next++, "\1\1\0\2\4\1\0\0", 8);
    put_message(&d[7], 14, next, "", 0);
    feed_datagram(feed, 0, d[0].at, d[0].size);
    feed_datagram(feed, 1, d[1].at, d[1].size);
    feed_datagram(feed, 0, d[2].at, d[2].size);
    for (int i = 7; i >= 3; i--)
        if (d[i].size > 0 && i != lost)
            feed_datagram(feed, 1, d[i].at, d[i].size);
    next = 2;
    if (reply != REPLY_NOTHING)
        put_message(&d[8], 11, next++, "\0\0\0cert", reply == REPLY_EMPTY ? 3 : 7);
    put_message(&d[8], 16, next++, "key", 3);
    if (reply == REPLY_CERTIFICATE)
        put_message(&d[8], 15, next, "signature", 9);
    put_finish(&d[8]);
    put_finish(&d[9]);
    feed_datagram(feed, 0, d[8].at, d[8].size);
    feed_datagram(feed, 1, d[9].at, d[9].size);
    return feed;
}

static void assert_full(const struct feed *feed, enum proto_tristate mutual)
{
    TEST_ASSERT_TRUE(feed->named);
    TEST_ASSERT_EQUAL_UINT(3, feed->yes_sides);
    TEST_ASSERT_EQUAL_HEX16(0xfefd, feed->facts.tls.version);
    TEST_ASSERT_TRUE(feed->facts.tls.full_handshake);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_EQUAL_UINT(TRI_NO, feed->facts.tls.resumed);
    TEST_ASSERT_EQUAL_UINT(mutual, feed->facts.tls.mutual);
}

static void test_hello_is_named_and_read(void)
{
    struct out d = {.size = 0};
    put_client_hello(&d, 0, name_and_alpn, sizeof name_and_alpn);
    struct feed *feed = feed_new(&proto_dtls);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, d.at, d.size));
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_FALSE(feed->settled);
    ASSERT_TEXT("a", feed->facts.server_name);
    ASSERT_TEXT("h2", feed->facts.detail);
}

static void test_mutual_as_in_tls(void)
{
    assert_full(handshake(false, REPLY_NOTHING, name_and_alpn, sizeof name_and_alpn, LOSE_NOTHING), TRI_NO);
    assert_full(handshake(true, REPLY_CERTIFICATE, name_and_alpn, sizeof name_and_alpn, LOSE_NOTHING),
                TRI_YES);
    struct feed *feed = handshake(true, REPLY_EMPTY, name_and_alpn, sizeof name_and_alpn, LOSE_NOTHING);
    assert_full(feed, TRI_NO);
    TEST_ASSERT_TRUE(feed->facts.tls.empty_certificate);
    TEST_ASSERT_TRUE(feed->settled);
}

static void test_a_lost_message_leaves_mutual_unknown(void)
{
    for (int lost = 3; lost <= 7; lost++) {
        struct feed *feed = handshake(true, REPLY_CERTIFICATE, name_and_alpn, sizeof name_and_alpn, lost);
        TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
        TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
        TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.resumed);
    }
}

static void test_media_keys_keep_the_flow_open(void)
{
    struct feed *feed = handshake(true, REPLY_CERTIFICATE, use_srtp, sizeof use_srtp, LOSE_NOTHING);
    assert_full(feed, TRI_YES);
    TEST_ASSERT_FALSE(feed->settled);
    TEST_ASSERT_TRUE(feed->reply.carries_media);
    feed = handshake(true, REPLY_CERTIFICATE, name_and_alpn, sizeof name_and_alpn, LOSE_NOTHING);
    TEST_ASSERT_FALSE(feed->reply.carries_media);
}

static void test_resumption(void)
{
    struct out d[3] = {{.size = 0}};
    struct feed *feed = feed_new(&proto_dtls);
    put_client_hello(&d[0], 0, name_and_alpn, sizeof name_and_alpn);
    put_server_hello(&d[1], 0, name_and_alpn, sizeof name_and_alpn);
    put_finish(&d[1]);
    put_finish(&d[2]);
    feed_datagram(feed, 0, d[0].at, d[0].size);
    feed_datagram(feed, 1, d[1].at, d[1].size);
    feed_datagram(feed, 0, d[2].at, d[2].size);
    TEST_ASSERT_EQUAL_UINT(TRI_YES, feed->facts.tls.resumed);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
}

static void test_dtls13(void)
{
    static const uint8_t version_13[] = {0, 43, 0, 2, 0xfe, 0xfc};
    struct out d[2] = {{.size = 0}};
    struct feed *feed = feed_new(&proto_dtls);
    put_client_hello(&d[0], 0, name_and_alpn, sizeof name_and_alpn);
    put_server_hello(&d[1], 0, version_13, sizeof version_13);
    feed_datagram(feed, 0, d[0].at, d[0].size);
    feed_datagram(feed, 1, d[1].at, d[1].size);
    TEST_ASSERT_EQUAL_HEX16(0xfefc, feed->facts.tls.version);
    TEST_ASSERT_EQUAL_UINT(TRI_NO, feed->facts.tls.resumed);
    TEST_ASSERT_FALSE(feed->facts.tls.completed);
    static const uint8_t unified[] = "\x2e\1\2\0\x11"
                                     "encrypted things..";
    feed_datagram(feed, 1, unified, sizeof unified);
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    feed_datagram(feed, 0, unified, sizeof unified);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, unified, sizeof unified));
}

static void test_fragments(void)
{
    struct out d = {.size = 0};
    static uint8_t body[600];
    memcpy(body, "\xfe\xfd", 2);
    body[35] = 0; /* session id and cookie stay empty */
    memcpy(body + 36, "\0\2\xc0\x2b\1\0", 6);
    put_fragment(&d, 1, 0, 600, 0, body, 200);
    struct feed *feed = feed_new(&proto_dtls);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed, 0, d.at, d.size));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    d.size = 0;
    put_fragment(&d, 1, 0, 600, 500, body, 101); /* beyond the message's end */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
    d.size = 0;
    put_fragment(&d, 1, 0, 600, 0, body, 200);
    d.at[24] = 201; /* beyond the record's end */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
}

static void test_a_capture_cut_anywhere_never_refuses(void)
{
    struct out d = {.size = 0};
    put_client_hello(&d, 0, name_and_alpn, sizeof name_and_alpn);
    for (size_t caplen = 1; caplen < d.size; caplen++) {
        enum proto_answer answer = feed_ask(feed_new(&proto_dtls), 0, d.at, caplen, d.size);
        TEST_ASSERT_EQUAL_UINT(caplen < 25 ? PROTO_MORE : PROTO_YES, answer);
    }
}

static void test_a_cut_handshake_decides_nothing(void)
{
    struct out d = {.size = 0};
    struct feed *feed = feed_new(&proto_dtls);
    put_client_hello(&d, 0, name_and_alpn, sizeof name_and_alpn);
    feed_ask(feed, 0, d.at, d.size - 1, d.size);
    d.size = 0;
    put_server_hello(&d, 0, name_and_alpn, sizeof name_and_alpn);
    put_finish(&d);
    feed_datagram(feed, 1, d.at, d.size);
    d.size = 0;
    put_finish(&d);
    feed_datagram(feed, 0, d.at, d.size);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.resumed);
}

static void test_each_field_is_checked(void)
{
    static const struct {
        uint8_t offset, value;
    } wrong[] = {{0, 19},  {0, 27}, {0, 25},  {1, 3},   {2, 0xfe},
                 {12, 90}, {13, 9}, {13, 30}, {18, 40}, {24, 255}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct out d = {.size = 0};
        put_client_hello(&d, 0, name_and_alpn, sizeof name_and_alpn);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
        d.at[wrong[i].offset] = wrong[i].value;
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
    }
    struct out d = {.size = 0};
    put_record(&d, 20, 0xfefd, 0, "\1\1\1\1", 4);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
    d.size = 0;
    put_record(&d, 21, 0xfeff, 0, "\2\x28", 2);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
    struct out later = {.size = 0};
    put_record(&later, 23, 0xfefd, 1, "ciphertext", 10);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_datagram(feed_new(&proto_dtls), 0, later.at, later.size));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, later.at, later.size - 1));
    later.at[0] = 25; /* where its body begins depends on what was agreed */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, later.at, later.size));
    put_number(&d, 0, 1); /* something behind the last record */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed_new(&proto_dtls), 0, d.at, d.size));
}

static void test_what_is_not_of_dtls_is_left_to_others(void)
{
    static const uint8_t rtp[] = {0x80, 0x60, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 9, 9};
    struct feed *feed = handshake(true, REPLY_CERTIFICATE, use_srtp, sizeof use_srtp, LOSE_NOTHING);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_datagram(feed, 0, rtp, sizeof rtp));
}

static void test_noise_is_not_named(void)
{
    feed_noise(&proto_dtls, 100000, false);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_hello_is_named_and_read);
    RUN_TEST(test_mutual_as_in_tls);
    RUN_TEST(test_a_lost_message_leaves_mutual_unknown);
    RUN_TEST(test_media_keys_keep_the_flow_open);
    RUN_TEST(test_resumption);
    RUN_TEST(test_dtls13);
    RUN_TEST(test_fragments);
    RUN_TEST(test_a_capture_cut_anywhere_never_refuses);
    RUN_TEST(test_a_cut_handshake_decides_nothing);
    RUN_TEST(test_each_field_is_checked);
    RUN_TEST(test_what_is_not_of_dtls_is_left_to_others);
    RUN_TEST(test_noise_is_not_named);
    return UNITY_END();
}
