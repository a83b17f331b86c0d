/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_ms_turn.c - Microsoft's TURN in datagrams, multiplexed, and in a stream behind the pseudo-TLS hellos;
 * each constant once broken.
 */
#include "media_feed.h"

#define ID              "0102030405060708090a0b0c0d0e0f10"
#define COOKIE          "000f0004 72c64bc6"
#define VERSION         "80080004 00000004"
#define RTP             "807203e8 0004e200 decafbad 0000000000000000000000000000000000000000"
#define ALLOCATE        "00030010" ID COOKIE VERSION
#define DATA_INDICATION "01150038" ID COOKIE "00120008 0001c35a c0000232 00130020" RTP

#define CLIENT_HELLO                                                                                         \
    "160301002d 01000029 0301 5e000001 101112131415161718191a1b1c1d1e1f202122232425262728292a2b 00 "         \
    "00020018 0100"
#define SERVER_HELLO                                                                                         \
    "160301004e 02000046 0301 5e000002 404142434445464748494a4b4c4d4e4f505152535455565758595a5b 20"          \
    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf 0018 00 0e000000"

/* 401 with realm and nonce, all without padding: 75 bytes of attributes. */
static const char allocate_error[] = "0113004b" ID COOKIE "00090010 00000401 556e617574686f72697a6564"
                                     "0015000d 22636f6e746f736f2e636f6d22"
                                     "00140012 2230313233343536373839616263646566 22" VERSION;

void setUp(void)
{
}

void tearDown(void)
{
}

static enum proto_answer send_hex(struct feed *feed, unsigned side, const char *text)
{
    struct packet_bytes packet = hex(text);
    return feed_datagram(feed, side, &packet);
}

static enum proto_answer ask_hex(const char *text)
{
    return send_hex(feed_new(&proto_ms_turn), 0, text);
}

static enum proto_answer stream_hex(struct feed *feed, unsigned side, const char *text)
{
    struct packet_bytes segment = hex(text);
    return feed_segment(feed, side, &segment);
}

static enum proto_answer ask_stream_hex(const char *text)
{
    return stream_hex(feed_new(&proto_ms_turn), 0, text);
}

static void test_allocate(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, ALLOCATE));
    TEST_ASSERT_EQUAL(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL(2, feed->facts.turn.flavour);
    TEST_ASSERT_EQUAL(4, feed->facts.turn.ms_version);
    TEST_ASSERT_TRUE(feed->facts.turn.request && !feed->facts.turn.response);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, allocate_error));
    TEST_ASSERT_EQUAL(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_TRUE(feed->facts.turn.response);
    /* The cookie of STUN in the id, and an address family asked for. */
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("00030018 2112a442 0102030405060708090a0b0c" COOKIE
                                         "80080004 00000006 00170004 02000000"));
}

static void test_unpadded_and_padded_attributes(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, allocate_error));
    TEST_ASSERT_EQUAL(4, feed->facts.turn.ms_version); /* the last one, behind two odd lengths */
    feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "00030018" ID COOKIE "00060003 616263 00" VERSION));
    TEST_ASSERT_EQUAL(4, feed->facts.turn.ms_version);
}

static void test_broken_messages(void)
{
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00010010" ID COOKIE VERSION)); /* Binding */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("01040010" ID COOKIE VERSION)); /* never sent */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00030011" ID COOKIE VERSION)); /* length */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("0003000f" ID COOKIE VERSION));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00030010" ID "000f0004 72c64bc7" VERSION)); /* cookie */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00030010" ID "000e0004 72c64bc6" VERSION));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00030010" ID VERSION COOKIE)); /* must come first */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00030000" ID));
}

static void test_service_quality(void)
{
    static const uint8_t modalities[6] = {
        MODALITY_UNKNOWN, MODALITY_AUDIO, MODALITY_VIDEO, MODALITY_VIDEO, MODALITY_APPLICATION_SHARING,
        MODALITY_UNKNOWN};
    for (unsigned type = 0; type < 6; type++) {
        struct packet_bytes packet = hex("00030010" ID COOKIE "80550004 00000001");
        struct feed *feed = feed_new(&proto_ms_turn);
        packet.at[33] = (uint8_t)type;
        TEST_ASSERT_EQUAL(PROTO_YES, feed_datagram(feed, 0, &packet));
        TEST_ASSERT_EQUAL(type, feed->facts.turn.stream_type);
        TEST_ASSERT_EQUAL(modalities[type], feed->facts.modality);
    }
}

static void test_relay_is_learned(void)
{
    static const uint8_t four[4] = {192, 0, 2, 50};
    struct addr expected = addr_v4(four);
    struct feed *feed = feed_new(&proto_ms_turn);
    send_hex(feed, 0, "00030010" ID COOKIE "80550004 00010000");
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1,
                                          "01030020" ID COOKIE "00010008 0001c35a c0000232"
                                          "80200008 00011111 01020304"));
    TEST_ASSERT_EQUAL(1, feed->reply.learned_count);
    TEST_ASSERT_EQUAL(LEARNED_RELAY, feed->reply.learned[0].kind);
    TEST_ASSERT_EQUAL(OVER_UDP, feed->reply.learned[0].transport);
    TEST_ASSERT_EQUAL(MODALITY_AUDIO, feed->reply.learned[0].modality);
    TEST_ASSERT_EQUAL(50010, feed->reply.learned[0].port);
    TEST_ASSERT_TRUE(addr_equal(&expected, &feed->reply.learned[0].addr));
    /* In a request the same attribute teaches nothing. */
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "00030014" ID COOKIE "00010008 0001c35a c0000232"));
    TEST_ASSERT_EQUAL(0, feed->reply.learned_count);
}

static void test_data_indication(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, DATA_INDICATION));
    TEST_ASSERT_EQUAL(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_FALSE(feed->facts.turn.response);
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    TEST_ASSERT_EQUAL(1, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(114, feed->facts.rtp.payload_types[0]);
    TEST_ASSERT_EQUAL_HEX32(0xdecafbad, feed->facts.rtp.ssrc[0]);
    TEST_ASSERT_EQUAL(MODALITY_AUDIO, feed->facts.modality);
}

static void test_media_beside_it_is_left_to_others(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    send_hex(feed, 0, ALLOCATE);
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, RTP));
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, "00010000 2112a442 0102030405060708090a0b0c"));
}

static void test_multiplexed(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "ff100028 1122334455667788" RTP));
    TEST_ASSERT_TRUE(feed->facts.turn.multiplexed);
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    TEST_ASSERT_EQUAL(1, feed->reply.evidence);
    feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "ff10002c 1122334455667788" ALLOCATE));
    TEST_ASSERT_EQUAL(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("ff110028 1122334455667788" RTP));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("ff100029 1122334455667788" RTP));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("ff100008 1122334455667788"));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("ff100028 1122334455667788 0"
                                        "07203e8 0004e200 decafbad"
                                        "0000000000000000000000000000000000000000"));
}

static void test_cut_at_each_length(void)
{
    struct packet_bytes allocate = hex(ALLOCATE), multiplexed = hex("ff10002c 1122334455667788" ALLOCATE);
    for (size_t caplen = 0; caplen < allocate.size; caplen++)
        TEST_ASSERT_EQUAL(caplen < 28 ? PROTO_MORE : PROTO_YES,
                          feed_cut(feed_new(&proto_ms_turn), 0, &allocate, caplen));
    for (size_t caplen = 0; caplen < multiplexed.size; caplen++)
        TEST_ASSERT_EQUAL(caplen < 40 ? PROTO_MORE : PROTO_YES,
                          feed_cut(feed_new(&proto_ms_turn), 0, &multiplexed, caplen));
}

static void test_pseudo_tls(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 0, CLIENT_HELLO));
    TEST_ASSERT_EQUAL(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL(50, feed->reply.used);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_TRUE(feed->facts.turn.pseudo_tls);
    TEST_ASSERT_FALSE(feed->facts.turn.request);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 1, SERVER_HELLO));
    TEST_ASSERT_EQUAL(83, feed->reply.used);
    TEST_ASSERT_EQUAL(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 0, "02000024" ALLOCATE));
    TEST_ASSERT_TRUE(feed->facts.turn.request);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 1, "03000020" RTP));
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    TEST_ASSERT_EQUAL(PROTO_NO, stream_hex(feed, 1, CLIENT_HELLO)); /* only ever first */
    TEST_ASSERT_EQUAL(PROTO_YES, ask_stream_hex(SERVER_HELLO));
}

/* Every constant byte, changed, leaves a hello to tls.c; any other byte may be anything. */
static void check_hello(const char *text, size_t first_end, size_t second, size_t second_end, size_t third)
{
    struct packet_bytes hello = hex(text);
    for (size_t i = 0; i < hello.size; i++) {
        bool is_constant = i < first_end || (i >= second && i < second_end) || i >= third;
        struct feed *feed = feed_new(&proto_ms_turn);
        hello.at[i] ^= 0x55;
        TEST_ASSERT_EQUAL(is_constant ? PROTO_NO : PROTO_YES, feed_segment(feed, 0, &hello));
        hello.at[i] ^= 0x55;
    }
    for (size_t size = 1; size < hello.size; size++)
        TEST_ASSERT_EQUAL(PROTO_MORE, feed_stream(feed_new(&proto_ms_turn), 0, hello.at, size));
}

static void test_constants_of_the_hellos(void)
{
    check_hello(CLIENT_HELLO, 11, 43, 50, 50);
    check_hello(SERVER_HELLO, 11, 43, 44, 76);
}

static void test_stream_in_pieces(void)
{
    struct packet_bytes stream = hex(CLIENT_HELLO "02000024" ALLOCATE "03000020" RTP "0300000c"
                                                  "80c900010000000200000000");
    for (size_t piece = 1; piece <= stream.size; piece++) {
        struct feed *feed = feed_new(&proto_ms_turn);
        for (size_t at = 0; at < stream.size; at += piece) {
            size_t left = stream.size - at;
            TEST_ASSERT_TRUE(feed_stream(feed, 0, stream.at + at, left < piece ? left : piece) != PROTO_NO);
        }
        TEST_ASSERT_EQUAL(0, feed->side[0].count + feed->side[0].skip);
        TEST_ASSERT_TRUE(feed->facts.turn.pseudo_tls && feed->facts.turn.request);
        TEST_ASSERT_EQUAL(1, feed->facts.rtp.packets);
    }
}

static void test_control_frames(void)
{
    TEST_ASSERT_EQUAL(PROTO_YES, ask_stream_hex("02000024" ALLOCATE));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("02010024" ALLOCATE));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("02000025" ALLOCATE));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("01000024" ALLOCATE));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("04000024" ALLOCATE));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("02000024 00030010" ID "000f0004 72c64bc7" VERSION));
    struct feed *feed = feed_new(&proto_ms_turn);
    TEST_ASSERT_EQUAL(PROTO_YES,
                      stream_hex(feed, 1, "02000028 01030014" ID COOKIE "00010008 0001c35a c0000232"));
    TEST_ASSERT_EQUAL(1, feed->reply.learned_count);
    TEST_ASSERT_EQUAL(OVER_TCP, feed->reply.learned[0].transport);
}

/* Seen from the middle: three end-to-end frames that hold media. */
static void test_chain_of_end_to_end_frames(void)
{
    static const char frame[] = "03000020" RTP;
    struct feed *feed = feed_new(&proto_ms_turn);
    feed->side[0].in_middle = true;
    TEST_ASSERT_EQUAL(PROTO_MORE, stream_hex(feed, 0, frame));
    TEST_ASSERT_EQUAL(PROTO_MORE, stream_hex(feed, 0, frame));
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 0, frame));
    TEST_ASSERT_EQUAL(108, feed->reply.used);
    TEST_ASSERT_EQUAL(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("0300001f" RTP "0300001f" RTP));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("03000008 0102030405060708"));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_stream_hex("03000013 0ee0000000000001000800030000 00")); /* TPKT */
}

static void test_large_frame_is_skipped(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    struct packet_bytes large = rtp_packet(127, 7, 1, 0xdecafbad), head = hex("030005dc");
    stream_hex(feed, 0, "02000024" ALLOCATE);
    large.size = 1500;
    add(&head, &large);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_stream(feed, 0, head.at, 100));
    TEST_ASSERT_EQUAL(1504, feed->reply.used);
    TEST_ASSERT_EQUAL(MODALITY_APPLICATION_SHARING, feed->facts.modality);
    feed_stream(feed, 0, head.at + 100, head.size - 100);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 0, "02000024" ALLOCATE));
}

static void test_after_a_gap(void)
{
    struct feed *feed = feed_new(&proto_ms_turn);
    stream_hex(feed, 0, "02000024" ALLOCATE);
    feed_lose(feed, 0);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 0, "0102030405060708"));
    TEST_ASSERT_EQUAL(8, feed->reply.used);
    TEST_ASSERT_EQUAL(PROTO_YES, stream_hex(feed, 0, "03000020" RTP));
    TEST_ASSERT_EQUAL(1, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(PROTO_NO, stream_hex(feed, 0, "0102030405060708"));
}

static void test_noise(void)
{
    feed_noise(&proto_ms_turn, OVER_UDP, 30000);
    feed_noise(&proto_ms_turn, OVER_TCP, 30000);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_allocate);
    RUN_TEST(test_unpadded_and_padded_attributes);
    RUN_TEST(test_broken_messages);
    RUN_TEST(test_service_quality);
    RUN_TEST(test_relay_is_learned);
    RUN_TEST(test_data_indication);
    RUN_TEST(test_media_beside_it_is_left_to_others);
    RUN_TEST(test_multiplexed);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_pseudo_tls);
    RUN_TEST(test_constants_of_the_hellos);
    RUN_TEST(test_stream_in_pieces);
    RUN_TEST(test_control_frames);
    RUN_TEST(test_chain_of_end_to_end_frames);
    RUN_TEST(test_large_frame_is_skipped);
    RUN_TEST(test_after_a_gap);
    RUN_TEST(test_noise);
    return UNITY_END();
}
