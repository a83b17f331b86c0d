/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_tls.c - handshakes put together record by record, whole and in pieces, with and without certificates.
 */
#include "proto_feed.h"

void setUp(void)
{
}

void tearDown(void)
{
}

/* A flow of bytes under construction. */
struct out {
    uint8_t at[70000];
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

static void put_zeroes(struct out *out, size_t count)
{
    while (count-- > 0)
        put_number(out, 0x5a, 1);
}

static void put_record(struct out *out, uint8_t type, const void *at, size_t size)
{
    put_number(out, type, 1);
    put_number(out, 0x0303, 2);
    put_number(out, (uint32_t)size, 2);
    put(out, at, size);
}

/* Handshake bytes as records of at most `piece` bytes. */
static void put_handshake(struct out *out, const struct out *messages, size_t piece)
{
    for (size_t from = 0; from < messages->size; from += piece) {
        size_t n = messages->size - from < piece ? messages->size - from : piece;
        put_record(out, 22, messages->at + from, n);
    }
}

static void put_message(struct out *out, uint8_t type, const void *body, size_t size)
{
    put_number(out, type, 1);
    put_number(out, (uint32_t)size, 3);
    put(out, body, size);
}

static void put_change_cipher(struct out *out)
{
    put_record(out, 20, "\1", 1);
    put_record(out, 22, "\xf1\xf2\xf3\xf4 an encrypted Finished here", 32);
}

/* server_name a.example, ALPN (grease) h2 and http/1.1 */
static const uint8_t client_extensions[] = {
    0, 0,  0, 14,   0,    12, 0,   0,   9, 'a', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,  16, 0, 17,
    0, 15, 2, 0xaa, 0xaa, 2,  'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1', 0,   35, 0,  0};

/* A ClientHello whose lists are as long as asked for, and fit. */
static void client_hello_of(struct out *messages, size_t session_size, size_t suites_size,
                            const void *extensions, size_t size)
{
    static struct out body;
    body.size = 0;
    put_number(&body, 0x0303, 2);
    put_zeroes(&body, 32);
    put_number(&body, (uint32_t)session_size, 1);
    put_zeroes(&body, session_size);
    put_number(&body, (uint32_t)suites_size, 2);
    put_zeroes(&body, suites_size);
    put(&body, "\1\0", 2);
    put_number(&body, (uint32_t)size, 2);
    put(&body, extensions, size);
    put_message(messages, 1, body.at, body.size);
}

static void client_hello(struct out *messages)
{
    client_hello_of(messages, 0, 4, client_extensions, sizeof client_extensions);
}

static void server_hello(struct out *messages, uint16_t version, const void *random, const void *extensions,
                         size_t size)
{
    static struct out body;
    body.size = 0;
    put_number(&body, version, 2);
    if (random)
        put(&body, random, 32);
    else
        put_zeroes(&body, 32);
    put_number(&body, 0, 1);
    put(&body, "\xc0\x2f\0", 3);
    if (size) {
        put_number(&body, (uint32_t)size, 2);
        put(&body, extensions, size);
    }
    put_message(messages, 2, body.at, body.size);
}

enum client_reply { REPLY_NOTHING, REPLY_EMPTY, REPLY_CERTIFICATE };

struct handshake {
    struct out client, client_second, server, server_second;
};

/* A full handshake of TLS 1.2 in records of `piece` bytes; a certificate message of `certificate` bytes. */
static struct handshake *full_handshake(bool request, enum client_reply reply, size_t certificate,
                                        size_t piece)
{
    static struct handshake h;
    static struct out messages, chain;
    memset(&h, 0, sizeof h);
    messages.size = 0;
    client_hello(&messages);
    put_handshake(&h.client, &messages, piece);

    messages.size = chain.size = 0;
    put_number(&chain, (uint32_t)certificate - 3, 3);
    put_zeroes(&chain, certificate - 3);
    server_hello(&messages, 0x0303, NULL, NULL, 0);
    put_message(&messages, 11, chain.at, chain.size);
    put_message(&messages, 12, chain.at, 100);
    if (request)
        put_message(&messages, 13, "\1\1\0\2\4\1\0\0", 8);
    put_message(&messages, 14, "", 0);
    put_handshake(&h.server, &messages, piece);

    messages.size = 0;
    if (reply == REPLY_EMPTY)
        put_message(&messages, 11, "\0\0\0", 3);
    else if (reply == REPLY_CERTIFICATE)
        put_message(&messages, 11, chain.at, chain.size);
    put_message(&messages, 16, chain.at, 66);
    if (reply == REPLY_CERTIFICATE)
        put_message(&messages, 15, chain.at, 70);
    put_handshake(&h.client_second, &messages, piece);
    put_change_cipher(&h.client_second);
    put_change_cipher(&h.server_second);
    return &h;
}

static struct feed *run(const struct handshake *h, size_t piece)
{
    struct feed *feed = feed_new(&proto_tls);
    feed_pieces(feed, 0, h->client.at, h->client.size, piece);
    feed_pieces(feed, 1, h->server.at, h->server.size, piece);
    feed_pieces(feed, 0, h->client_second.at, h->client_second.size, piece);
    feed_pieces(feed, 1, h->server_second.at, h->server_second.size, piece);
    return feed;
}

static void assert_full(const struct feed *feed, enum proto_tristate mutual)
{
    TEST_ASSERT_TRUE(feed->named);
    TEST_ASSERT_FALSE(feed->gone);
    TEST_ASSERT_TRUE(feed->settled);
    TEST_ASSERT_EQUAL_UINT(3, feed->yes_sides);
    TEST_ASSERT_EQUAL_HEX16(0x0303, feed->facts.tls.version);
    TEST_ASSERT_TRUE(feed->facts.tls.full_handshake);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_EQUAL_UINT(TRI_NO, feed->facts.tls.resumed);
    TEST_ASSERT_EQUAL_UINT(mutual, feed->facts.tls.mutual);
}

static void test_client_hello_is_named_and_read(void)
{
    static struct out messages, stream;
    messages.size = stream.size = 0;
    client_hello(&messages);
    put_handshake(&stream, &messages, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, stream.at, stream.size);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL_UINT(stream.size, feed->reply.used);
    TEST_ASSERT_FALSE(feed->reply.settled);
    ASSERT_TEXT("a.example", feed->facts.server_name);
    ASSERT_TEXT("h2", feed->facts.detail);
    TEST_ASSERT_EQUAL_UINT(0, feed->facts.tls.version);
}

static void test_hello_cut_anywhere_is_never_refused(void)
{
    static struct out messages, stream;
    messages.size = stream.size = 0;
    client_hello(&messages);
    put_handshake(&stream, &messages, 16384);
    for (size_t size = 1; size <= stream.size; size++) {
        enum proto_answer answer = feed_ask(feed_new(&proto_tls), 0, stream.at, size, size);
        TEST_ASSERT_EQUAL_UINT(size < 11 ? PROTO_MORE : PROTO_YES, answer);
    }
}

/* Changes one byte of a good hello and tells what becomes of it. */
static enum proto_answer with_byte(size_t offset, uint8_t value)
{
    static struct out messages, stream;
    messages.size = stream.size = 0;
    client_hello(&messages);
    put_handshake(&stream, &messages, 16384);
    stream.at[offset] = value;
    return feed_ask(feed_new(&proto_tls), 0, stream.at, stream.size, stream.size);
}

static void test_each_field_of_a_hello_is_checked(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, with_byte(2, 1));   /* record version */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(0, 0x17)); /* record type */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(1, 2));    /* record version */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(2, 5));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(3, 0x60)); /* record length */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(5, 11));   /* message type */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(6, 0x50)); /* message length */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(8, 30));   /* shorter than any hello */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(8, 60));   /* something shares its record */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(9, 4));    /* version */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(43, 33));  /* session id */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(45, 3));   /* odd list of suites */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(45, 0));   /* none */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_byte(51, 1));   /* null compression missing */
}

static enum proto_answer with_lists(size_t session_size, size_t suites_size)
{
    static struct out messages, stream;
    messages.size = stream.size = 0;
    client_hello_of(&messages, session_size, suites_size, client_extensions, sizeof client_extensions);
    put_handshake(&stream, &messages, 16384);
    return feed_ask(feed_new(&proto_tls), 0, stream.at, stream.size, stream.size);
}

static void test_lists_of_a_hello_have_bounds(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, with_lists(32, 2));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_lists(33, 2));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_lists(32, 0));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, with_lists(32, 3));
}

static void test_a_hello_longer_than_the_window(void)
{
    static struct out messages, stream;
    static uint8_t extensions[6000];
    messages.size = stream.size = 0;
    memcpy(extensions, client_extensions, sizeof client_extensions);
    memcpy(extensions + sizeof client_extensions, "\0\x15", 2); /* padding, RFC 7685 */
    size_t padding = sizeof extensions - sizeof client_extensions - 4;
    extensions[sizeof client_extensions + 2] = (uint8_t)(padding >> 8);
    extensions[sizeof client_extensions + 3] = (uint8_t)padding;
    client_hello_of(&messages, 0, 4, extensions, sizeof extensions);
    put_handshake(&stream, &messages, 16384);
    put_change_cipher(&stream);
    struct feed *feed = feed_new(&proto_tls);
    feed_pieces(feed, 0, stream.at, stream.size, 1460);
    TEST_ASSERT_FALSE(feed->gone);
    TEST_ASSERT_EQUAL_UINT(0, feed->side[0].count);
    ASSERT_TEXT("a.example", feed->facts.server_name);
}

static void test_extensions_that_do_not_close_weaken_the_evidence(void)
{
    static struct out messages, stream;
    messages.size = stream.size = 0;
    client_hello(&messages);
    put_handshake(&stream, &messages, 16384);
    stream.at[57] = 200; /* length of server_name */
    struct feed *feed = feed_new(&proto_tls);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_ask(feed, 0, stream.at, stream.size, stream.size));
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(0, feed->facts.server_name.size);
}

static void test_full_handshake_without_request_is_not_mutual(void)
{
    struct feed *feed = run(full_handshake(false, REPLY_NOTHING, 900, 16384), SIZE_MAX);
    assert_full(feed, TRI_NO);
    TEST_ASSERT_FALSE(feed->facts.tls.certificate_requested);
    TEST_ASSERT_FALSE(feed->facts.tls.empty_certificate);
}

static void test_request_and_certificate_are_mutual(void)
{
    struct feed *feed = run(full_handshake(true, REPLY_CERTIFICATE, 900, 16384), SIZE_MAX);
    assert_full(feed, TRI_YES);
    TEST_ASSERT_TRUE(feed->facts.tls.certificate_requested);
}

static void test_request_and_empty_certificate_are_not_mutual(void)
{
    struct feed *feed = run(full_handshake(true, REPLY_EMPTY, 900, 16384), SIZE_MAX);
    assert_full(feed, TRI_NO);
    TEST_ASSERT_TRUE(feed->facts.tls.certificate_requested);
    TEST_ASSERT_TRUE(feed->facts.tls.empty_certificate);
}

static void test_pieces_of_any_size_tell_the_same(void)
{
    static const size_t record_sizes[] = {1, 3, 4, 5, 77, 1000, 16384};
    static const size_t segment_sizes[] = {1, 5, 6, 536, 1460};
    for (size_t r = 0; r < sizeof record_sizes / sizeof record_sizes[0]; r++)
        for (size_t s = 0; s < sizeof segment_sizes / sizeof segment_sizes[0]; s++) {
            assert_full(run(full_handshake(true, REPLY_CERTIFICATE, 700, record_sizes[r]), segment_sizes[s]),
                        TRI_YES);
            assert_full(run(full_handshake(false, REPLY_NOTHING, 700, record_sizes[r]), segment_sizes[s]),
                        TRI_NO);
        }
}

static void test_certificates_longer_than_the_window_are_stepped_over(void)
{
    struct handshake *h = full_handshake(true, REPLY_CERTIFICATE, 30000, 16384);
    assert_full(run(h, 1460), TRI_YES);
    assert_full(run(h, 3), TRI_YES);
    assert_full(run(full_handshake(true, REPLY_CERTIFICATE, 30000, 512), 1460), TRI_YES);
}

static void test_a_side_may_come_late(void)
{
    const struct handshake *h = full_handshake(true, REPLY_CERTIFICATE, 900, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->server.at, h->server.size);
    feed_segment(feed, 0, h->server_second.at, h->server_second.size);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
    TEST_ASSERT_FALSE(feed->settled);
    feed_segment(feed, 1, h->client.at, h->client.size);
    feed_segment(feed, 1, h->client_second.at, h->client_second.size);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    assert_full(feed, TRI_YES);
}

static void test_a_gap_in_the_handshake_leaves_mutual_unknown(void)
{
    const struct handshake *h = full_handshake(false, REPLY_NOTHING, 900, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->client.at, h->client.size);
    feed_segment(feed, 1, h->server.at, 200);
    feed_lose(feed, 1);
    feed_segment(feed, 0, h->client_second.at, h->client_second.size);
    feed_segment(feed, 1, h->server_second.at, h->server_second.size);
    TEST_ASSERT_EQUAL_HEX16(0x0303, feed->facts.tls.version);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.resumed);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
}

static void test_gaps_that_hide_both_flights_are_no_resumption(void)
{
    const struct handshake *h = full_handshake(false, REPLY_NOTHING, 900, 16384);
    static struct out hello, server;
    hello.size = server.size = 0;
    server_hello(&hello, 0x0303, NULL, NULL, 0);
    put_handshake(&server, &hello, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->client.at, h->client.size);
    feed_segment(feed, 1, server.at, server.size);
    feed_lose(feed, 0);
    feed_lose(feed, 1);
    feed_segment(feed, 0, h->server_second.at, h->server_second.size);
    feed_segment(feed, 1, h->server_second.at, h->server_second.size);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.resumed);
}

static void test_a_message_may_not_be_interrupted(void)
{
    const struct handshake *h = full_handshake(false, REPLY_NOTHING, 900, 16384);
    for (size_t size = 2; size < 6; size += 3) { /* inside a message's header, and inside its body */
        static struct out hello, server;
        hello.size = server.size = 0;
        server_hello(&hello, 0x0303, NULL, NULL, 0);
        put_handshake(&server, &hello, 16384);
        put_record(&server, 22, "\x0b\0\1\0\0\0", size);
        put_record(&server, 23, "interruption", 12);
        struct feed *feed = feed_new(&proto_tls);
        feed_segment(feed, 0, h->client.at, h->client.size);
        feed_segment(feed, 1, server.at, server.size);
        feed_segment(feed, 1, TEXT("\x17\3\3\0\1x"));
        TEST_ASSERT_TRUE(feed->gone);
    }
}

static void test_no_server_certificate_leaves_mutual_unknown(void)
{
    const struct handshake *h = full_handshake(false, REPLY_NOTHING, 900, 16384);
    static struct out messages, server;
    messages.size = server.size = 0;
    server_hello(&messages, 0x0303, NULL, NULL, 0);
    put_message(&messages, 12, "shared key hint", 15);
    put_message(&messages, 14, "", 0);
    put_handshake(&server, &messages, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->client.at, h->client.size);
    feed_segment(feed, 1, server.at, server.size);
    feed_segment(feed, 0, h->client_second.at, h->client_second.size);
    feed_segment(feed, 1, h->server_second.at, h->server_second.size);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
}

static void test_a_refused_client_is_not_decided(void)
{
    const struct handshake *h = full_handshake(true, REPLY_EMPTY, 900, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->client.at, h->client.size);
    feed_segment(feed, 1, h->server.at, h->server.size);
    feed_segment(feed, 0, h->client_second.at, h->client_second.size);
    feed_segment(feed, 1, TEXT("\x15\3\3\0\2\2\x28"));
    TEST_ASSERT_TRUE(feed->settled);
    TEST_ASSERT_FALSE(feed->facts.tls.completed);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
}

static void test_ssl3_client_refuses_by_an_alert(void)
{
    struct handshake *h = full_handshake(true, REPLY_NOTHING, 900, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->client.at, h->client.size);
    feed_segment(feed, 1, h->server.at, h->server.size);
    feed_segment(feed, 0, TEXT("\x15\3\0\0\2\1\x29"));
    feed_segment(feed, 0, h->client_second.at, h->client_second.size);
    feed_segment(feed, 1, h->server_second.at, h->server_second.size);
    assert_full(feed, TRI_NO);
    TEST_ASSERT_TRUE(feed->facts.tls.empty_certificate);
}

static void test_resumption_hides_the_request(void)
{
    static struct out messages, client, server;
    messages.size = client.size = server.size = 0;
    client_hello(&messages);
    put_handshake(&client, &messages, 16384);
    put_change_cipher(&client);
    messages.size = 0;
    server_hello(&messages, 0x0302, NULL, "\0\x10\0\5\0\3\2h1", 9);
    put_message(&messages, 4, "ticket and so on", 16);
    put_handshake(&server, &messages, 16384);
    put_change_cipher(&server);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, client.at, client.size);
    feed_segment(feed, 1, server.at, server.size);
    TEST_ASSERT_EQUAL_HEX16(0x0302, feed->facts.tls.version);
    TEST_ASSERT_EQUAL_UINT(TRI_YES, feed->facts.tls.resumed);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_TRUE(feed->settled);
    ASSERT_TEXT("h1", feed->facts.detail);

    feed = feed_new(&proto_tls); /* the choice stands also where the offer comes after it */
    feed_segment(feed, 1, server.at, server.size);
    feed_segment(feed, 0, client.at, client.size);
    ASSERT_TEXT("h1", feed->facts.detail);
    ASSERT_TEXT("a.example", feed->facts.server_name);
}

static const uint8_t retry_random[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
static const uint8_t version_13[] = {0, 43, 0, 2, 3, 4};
static const uint8_t version_13_resumed[] = {0, 43, 0, 2, 3, 4, 0, 41, 0, 2, 0, 0};

static void test_tls13_says_nothing_about_certificates(void)
{
    static struct out hello, client, server;
    hello.size = client.size = server.size = 0;
    client_hello(&hello);
    put_handshake(&client, &hello, 16384);
    hello.size = 0;
    server_hello(&hello, 0x0303, NULL, version_13, sizeof version_13);
    put_handshake(&server, &hello, 16384);
    put_record(&server, 20, "\1", 1);
    put_record(&server, 23, hello.at, 60);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, client.at, client.size);
    feed_segment(feed, 1, server.at, server.size);
    TEST_ASSERT_EQUAL_HEX16(0x0304, feed->facts.tls.version);
    TEST_ASSERT_FALSE(feed->facts.tls.completed);
    client.size = 0;
    put_record(&client, 20, "\1", 1);
    put_record(&client, 23, hello.at, 60);
    feed_segment(feed, 0, client.at, client.size);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_TRUE(feed->settled);
    TEST_ASSERT_FALSE(feed->facts.tls.full_handshake);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    TEST_ASSERT_EQUAL_UINT(TRI_NO, feed->facts.tls.resumed);
}

static void test_hello_retry_waits_for_the_second_server_hello(void)
{
    static struct out hello, server, client;
    server.size = hello.size = client.size = 0;
    client_hello(&hello);
    put_handshake(&client, &hello, 16384);
    hello.size = 0;
    server_hello(&hello, 0x0303, retry_random, version_13, sizeof version_13);
    put_handshake(&server, &hello, 16384);
    put_record(&server, 20, "\1", 1);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, client.at, client.size);
    feed_segment(feed, 1, server.at, server.size);
    TEST_ASSERT_EQUAL_HEX16(0, feed->facts.tls.version);
    feed_segment(feed, 0, TEXT("\x14\3\3\0\1\1"));
    feed_segment(feed, 0, client.at, client.size); /* the second ClientHello */
    server.size = hello.size = 0;
    server_hello(&hello, 0x0303, NULL, version_13_resumed, sizeof version_13_resumed);
    put_handshake(&server, &hello, 16384);
    put_record(&server, 23, hello.at, 60);
    feed_segment(feed, 1, server.at, server.size);
    TEST_ASSERT_EQUAL_HEX16(0x0304, feed->facts.tls.version);
    TEST_ASSERT_EQUAL_UINT(TRI_YES, feed->facts.tls.resumed);
    TEST_ASSERT_FALSE(feed->gone);
}

/* [MS-TURN] 2.1.1; time, random and session id are of no account. */
static size_t pretended(uint8_t *to, bool is_client)
{
    static const uint8_t client_head[] = {0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 1};
    static const uint8_t server_head[] = {0x16, 3, 1, 0, 0x4e, 2, 0, 0, 0x46, 3, 1};
    memset(to, 0x77, 83);
    memcpy(to, is_client ? client_head : server_head, 11);
    if (is_client)
        memcpy(to + 43, "\0\0\2\0\x18\1\0", 7);
    else
        memcpy(to + 76, "\0\x18\0\x0e\0\0\0", 7);
    to[43] = is_client ? 0 : 0x20;
    return is_client ? 50 : 83;
}

static void test_pretended_tls_of_microsoft_turn_is_refused(void)
{
    for (int is_client = 0; is_client < 2; is_client++) {
        uint8_t hello[83];
        size_t size = pretended(hello, is_client);
        for (size_t n = 1; n < size; n++)
            TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed_ask(feed_new(&proto_tls), 0, hello, n, n));
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, hello, size, size));
        hello[is_client ? 47 : 77] = 0x2f; /* another suite: TLS after all */
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_ask(feed_new(&proto_tls), 0, hello, size, size));
    }
}

/* RFC 6101 E.1: 9 + 3 + 0 + 16 bytes. */
static const uint8_t old_hello[] = {0x80, 28, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 5, 9,
                                    9,    9,  9, 9, 9, 9, 9, 9, 9, 9, 9,  9, 9, 9, 9};
/* 9 + 45 + 0 + 16 bytes: what pretenders send. */
static const uint8_t pretended_old_hello[72] = {0x80, 70, 1, 3, 1, 0, 45, 0, 0, 0, 16, 0, 0, 5};

static void test_ssl2_form_is_a_hello(void)
{
    for (int in_middle = 0; in_middle < 2; in_middle++) {
        struct feed *feed = feed_new(&proto_tls);
        feed->side[0].in_middle = in_middle;
        feed_segment(feed, 0, old_hello, sizeof old_hello);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed->reply.answer);
        TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
        TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
        TEST_ASSERT_EQUAL_UINT(sizeof old_hello, feed->reply.used);
    }
    for (size_t n = 1; n < sizeof old_hello; n++)
        TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed_ask(feed_new(&proto_tls), 0, old_hello, n, n));
    uint8_t more[sizeof old_hello + 5];
    memcpy(more, old_hello, sizeof old_hello);
    memcpy(more + sizeof old_hello, "other", 5);
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, more, sizeof more, sizeof more));
}

static void test_pretended_ssl2_form_counts_once_it_is_answered(void)
{
    const struct handshake *h = full_handshake(false, REPLY_NOTHING, 900, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, pretended_old_hello, sizeof pretended_old_hello);
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed->reply.answer);
    feed_segment(feed, 1, h->server.at, h->server.size);
    TEST_ASSERT_TRUE(feed->named);
    feed_segment(feed, 0, h->client_second.at, h->client_second.size);
    feed_segment(feed, 1, h->server_second.at, h->server_second.size);
    assert_full(feed, TRI_NO);
}

static void test_pretended_ssl2_form_alone_is_no_tls(void)
{
    static struct out hello, answer;
    hello.size = answer.size = 0;
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, pretended_old_hello, sizeof pretended_old_hello);
    server_hello(&hello, 0x0301, NULL, NULL, 0);
    put_handshake(&answer, &hello, 16384);
    feed_segment(feed, 1, answer.at, answer.size); /* what pretenders answer: a hello and nothing more */
    TEST_ASSERT_FALSE(feed->named);
    feed_segment(feed, 0, TEXT("\x4c\xc0\7\xd5\x22"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed->reply.answer);

    for (size_t n = 2; n < sizeof pretended_old_hello; n++) { /* nor where the capture cut it off */
        struct feed *cut = feed_new(&proto_tls);
        feed_segment(cut, 0, pretended_old_hello, n);
        feed_segment(cut, 1, answer.at, 12);
        TEST_ASSERT_FALSE(cut->named);
    }

    uint8_t odd[40] = {0x80, 29, 1, 3, 1, 0, 4, 0, 0, 0, 16}; /* 4 bytes of ciphers, 3 to each */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, odd, 31, 31));
    odd[1] = 27, odd[6] = 3, odd[10] = 15; /* a challenge of 15 bytes */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, odd, 29, 29));
    for (size_t i = 0; i < 11; i++) { /* each field of it */
        uint8_t wrong[sizeof old_hello];
        memcpy(wrong, old_hello, sizeof wrong);
        wrong[i] ^= i == 0 ? 0x80 : 0x55;
        TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                               feed_ask(feed_new(&proto_tls), 0, wrong, sizeof wrong, sizeof wrong));
    }
}

static void test_alert_alone(void)
{
    struct feed *feed = feed_new(&proto_tls);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_ask(feed, 0, TEXT("\x15\3\1\0\2\2\x46"), 7));
    TEST_ASSERT_FALSE(feed->settled); /* the other side has not been seen */
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed_ask(feed_new(&proto_tls), 0, TEXT("\x15\3\1\0\2\2"), 6));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, TEXT("\x15\3\1\0\2\3\x46"), 7));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, TEXT("\x15\3\1\0\2\2\xf6"), 7));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_tls), 0, TEXT("\x15\3\1\0\3\2\x46"), 7));
}

static struct feed *in_the_middle(void)
{
    struct feed *feed = feed_new(&proto_tls);
    feed->side[0].in_middle = feed->side[1].in_middle = true;
    return feed;
}

static void test_records_chain_in_the_middle_of_a_stream(void)
{
    static struct out records;
    records.size = 0;
    put_record(&records, 23, old_hello, sizeof old_hello);
    size_t one = records.size;
    put_record(&records, 23, old_hello, sizeof old_hello);
    struct feed *feed = in_the_middle();
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_ask(feed, 0, records.at, records.size, records.size));
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_UNKNOWN, feed->reply.speaker);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.mutual);
    feed = in_the_middle();
    TEST_ASSERT_EQUAL_UINT(PROTO_YES,
                           feed_ask(feed, 0, records.at, one, one)); /* ends where the segment ends */
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed_ask(in_the_middle(), 0, records.at + 7, records.size - 7, 63));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed_ask(in_the_middle(), 0, records.at, 20, 20));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(in_the_middle(), 0, records.at + 7, 20, 20));
    records.at[one] = 99; /* what follows the record is none */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(in_the_middle(), 0, records.at, records.size, records.size));
    records.at[one] = 22; /* a handshake inside something else */
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(in_the_middle(), 0, records.at + 7, records.size - 7, 63));
}

static void test_record_lengths_have_bounds(void)
{
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(in_the_middle(), 0, TEXT("\x17\3\3\0\0\x17\3\3\0\0"), 10));
    TEST_ASSERT_EQUAL_UINT(PROTO_MORE, feed_ask(in_the_middle(), 0, TEXT("\x17\3\3\x48\0long"), 9));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(in_the_middle(), 0, TEXT("\x17\3\3\x48\1long"), 9));
}

static void test_a_long_record_in_the_middle_is_weak(void)
{
    static struct out record;
    static uint8_t body[16000];
    record.size = 0;
    put_record(&record, 23, body, sizeof body);
    struct feed *feed = in_the_middle();
    feed_pieces(feed, 0, record.at, record.size, 1460);
    TEST_ASSERT_TRUE(feed->named);
    TEST_ASSERT_FALSE(feed->gone);
    TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(record.size, feed->reply.used); /* all of it, though most has not arrived */
}

static void test_both_sides_of_a_middle_settle(void)
{
    static struct out records;
    records.size = 0;
    put_record(&records, 23, old_hello, sizeof old_hello);
    struct feed *feed = in_the_middle();
    feed_segment(feed, 0, records.at, records.size);
    TEST_ASSERT_FALSE(feed->settled);
    feed_segment(feed, 1, records.at, records.size);
    TEST_ASSERT_TRUE(feed->settled);
    TEST_ASSERT_TRUE(feed->facts.tls.completed);
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, feed->facts.tls.resumed);
}

static void test_an_answer_that_is_no_tls_ends_it(void)
{
    const struct handshake *h = full_handshake(false, REPLY_NOTHING, 900, 16384);
    struct feed *feed = feed_new(&proto_tls);
    feed_segment(feed, 0, h->client.at, h->client.size);
    feed_segment(feed, 1, TEXT("HTTP/1.1 400 Bad Request\r\n\r\n"));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(1, feed->yes_sides);
}

static void test_noise_is_not_named(void)
{
    feed_noise(&proto_tls, 20000, false);
    feed_noise(&proto_tls, 20000, true);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_client_hello_is_named_and_read);
    RUN_TEST(test_hello_cut_anywhere_is_never_refused);
    RUN_TEST(test_each_field_of_a_hello_is_checked);
    RUN_TEST(test_lists_of_a_hello_have_bounds);
    RUN_TEST(test_a_hello_longer_than_the_window);
    RUN_TEST(test_extensions_that_do_not_close_weaken_the_evidence);
    RUN_TEST(test_full_handshake_without_request_is_not_mutual);
    RUN_TEST(test_request_and_certificate_are_mutual);
    RUN_TEST(test_request_and_empty_certificate_are_not_mutual);
    RUN_TEST(test_pieces_of_any_size_tell_the_same);
    RUN_TEST(test_certificates_longer_than_the_window_are_stepped_over);
    RUN_TEST(test_a_side_may_come_late);
    RUN_TEST(test_a_gap_in_the_handshake_leaves_mutual_unknown);
    RUN_TEST(test_gaps_that_hide_both_flights_are_no_resumption);
    RUN_TEST(test_a_message_may_not_be_interrupted);
    RUN_TEST(test_no_server_certificate_leaves_mutual_unknown);
    RUN_TEST(test_a_refused_client_is_not_decided);
    RUN_TEST(test_ssl3_client_refuses_by_an_alert);
    RUN_TEST(test_resumption_hides_the_request);
    RUN_TEST(test_tls13_says_nothing_about_certificates);
    RUN_TEST(test_hello_retry_waits_for_the_second_server_hello);
    RUN_TEST(test_pretended_tls_of_microsoft_turn_is_refused);
    RUN_TEST(test_ssl2_form_is_a_hello);
    RUN_TEST(test_pretended_ssl2_form_counts_once_it_is_answered);
    RUN_TEST(test_pretended_ssl2_form_alone_is_no_tls);
    RUN_TEST(test_alert_alone);
    RUN_TEST(test_records_chain_in_the_middle_of_a_stream);
    RUN_TEST(test_record_lengths_have_bounds);
    RUN_TEST(test_a_long_record_in_the_middle_is_weak);
    RUN_TEST(test_both_sides_of_a_middle_settle);
    RUN_TEST(test_an_answer_that_is_no_tls_ends_it);
    RUN_TEST(test_noise_is_not_named);
    return UNITY_END();
}
