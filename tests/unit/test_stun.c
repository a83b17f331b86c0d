/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_stun.c - STUN with and without the cookie, TURN, ICE checks, channels, and both ways it travels over
 * TCP.
 */
#include "media_feed.h"

#define COOKIE "2112a442"
#define ID     "0102030405060708090a0b0c"
#define RTP    "80720001 000000a0 decafbad d5d5d5d5"

static const char binding_request[] = "00010000" COOKIE ID;
static const char binding_success[] = "0101000c" COOKIE ID "00200008 0001 a147 e112a643";
static const char ice_check[] = "0001001c" COOKIE ID "00060005 613a626262 000000"
                                "00240004 6e7f00ff"
                                "00250000"
                                "802a0000";
static const char allocate_request[] = "00030008" COOKIE ID "00190004 11000000";
/* XOR-RELAYED-ADDRESS 192.0.2.1 port 49152, RFC 8656 section 18.5. */
static const char allocate_success[] = "0103000c" COOKIE ID "00160008 0001 e112 e112a643";
static const char classic_request[] = "00010008 000102030405060708090a0b0c0d0e0f 00030004 00000000";

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
    return send_hex(feed_new(&proto_stun), 0, text);
}

static void test_binding(void)
{
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, binding_request));
    TEST_ASSERT_EQUAL(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_FALSE(feed->reply.settled);
    TEST_ASSERT_TRUE(feed->facts.turn.request && !feed->facts.turn.response);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, binding_success));
    TEST_ASSERT_EQUAL(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_TRUE(feed->facts.turn.response);
    TEST_ASSERT_EQUAL(1, feed->facts.turn.flavour);
    TEST_ASSERT_FALSE(feed->facts.turn.ice_check);
    TEST_ASSERT_EQUAL(0, feed->reply.learned_count);
}

static void test_ice_check_does_not_tell_the_client(void)
{
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, ice_check));
    TEST_ASSERT_EQUAL(SPEAKER_UNKNOWN, feed->reply.speaker);
    TEST_ASSERT_TRUE(feed->facts.turn.ice_check);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, binding_success));
    TEST_ASSERT_EQUAL(SPEAKER_UNKNOWN, feed->reply.speaker);
    feed = feed_new(&proto_stun); /* PRIORITY alone, as some send it */
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "00010008" COOKIE ID "00240004 6e7f00ff"));
    TEST_ASSERT_TRUE(feed->facts.turn.ice_check);
    feed = feed_new(&proto_stun); /* a USERNAME in Allocate is no check */
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "00030008" COOKIE ID "00060004 61626364"));
    TEST_ASSERT_FALSE(feed->facts.turn.ice_check);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
}

static void test_microsoft_ice(void)
{
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0,
                                          "00010010" COOKIE ID "80540004 31000000"
                                          "80700004 00000002"));
    TEST_ASSERT_EQUAL(2, feed->facts.version);
    feed = feed_new(&proto_stun); /* the same without padding behind a value of one byte */
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0,
                                          "0001000d" COOKIE ID "80540001 31"
                                          "80700004 00000002"));
    TEST_ASSERT_EQUAL(2, feed->facts.version);
}

static void test_classic(void)
{
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, classic_request));
    TEST_ASSERT_EQUAL(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("00010000 000102030405060708090a0b0c0d0e0f"));
    TEST_ASSERT_EQUAL(PROTO_NO,
                      ask_hex("00030000 000102030405060708090a0b0c0d0e0f")); /* Allocate needs a cookie */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00110000 000102030405060708090a0b0c0d0e0f"));
    /* Attributes that end one byte early, one byte late. */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00010008 000102030405060708090a0b0c0d0e0f 00030003 00000000"));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00010008 000102030405060708090a0b0c0d0e0f 00030005 00000000"));
}

static void test_broken_headers(void)
{
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("40010000" COOKIE ID));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80010000" COOKIE ID));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00010001" COOKIE ID));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00010000" COOKIE ID "00"));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00030000 2112a443" ID));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("00010000" COOKIE "0102030405060708090a0b"));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("08000000" COOKIE ID)); /* method 0x200 is reserved */
    struct feed *feed = feed_new(&proto_stun);
    send_hex(feed, 0, binding_request); /* and does not end what was named by others */
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "08000000" COOKIE ID));
}

static void test_attributes_that_do_not_end_are_passed_over(void)
{
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, "0101000c" COOKIE ID "0001ffff 0001 11fc 46c7802e"));
    TEST_ASSERT_TRUE(feed->facts.turn.response);
}

static void test_relay_is_learned(void)
{
    static const uint8_t four[4] = {192, 0, 2, 1};
    struct feed *feed = feed_new(&proto_stun);
    send_hex(feed, 0, allocate_request);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, allocate_success));
    TEST_ASSERT_EQUAL(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_EQUAL(1, feed->reply.learned_count);
    const struct proto_learned *relay = &feed->reply.learned[0];
    struct addr expected = addr_v4(four);
    TEST_ASSERT_EQUAL(LEARNED_RELAY, relay->kind);
    TEST_ASSERT_EQUAL(OVER_UDP, relay->transport);
    TEST_ASSERT_EQUAL(49152, relay->port);
    TEST_ASSERT_TRUE(relay->has_addr && addr_equal(&expected, &relay->addr));
}

static void test_relay_of_ipv6_and_tcp(void)
{
    static const uint8_t sixteen[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    struct feed *feed = feed_new(&proto_stun);
    send_hex(feed, 0, "00030008" COOKIE ID "00190004 06000000");
    TEST_ASSERT_EQUAL(
        PROTO_YES,
        send_hex(feed, 1, "01030018" COOKIE ID "00160014 0002 e112 0113a9fa 0102030405060708090a0b0b"));
    struct addr expected = addr_v6(sixteen);
    TEST_ASSERT_EQUAL(1, feed->reply.learned_count);
    TEST_ASSERT_EQUAL(OVER_TCP, feed->reply.learned[0].transport);
    TEST_ASSERT_TRUE(addr_equal(&expected, &feed->reply.learned[0].addr));
    /* A family that does not exist teaches nothing. */
    TEST_ASSERT_EQUAL(
        PROTO_YES,
        send_hex(feed, 1, "01030018" COOKIE ID "00160014 0003 e112 0113a9fa 0102030405060708090a0b0b"));
    TEST_ASSERT_EQUAL(0, feed->reply.learned_count);
}

static void test_channels_only_after_turn(void)
{
    static const char channel[] = "40000010" RTP;
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, channel));
    send_hex(feed, 0, binding_request);
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, channel));
    send_hex(feed, 0, allocate_request);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, channel));
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    TEST_ASSERT_EQUAL(1, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(114, feed->facts.rtp.payload_types[0]);
    TEST_ASSERT_EQUAL(MODALITY_AUDIO, feed->facts.modality);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 0, "4000000f" RTP)); /* one byte of padding */
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, "4000000c" RTP));  /* four */
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, "40000011" RTP));
    TEST_ASSERT_EQUAL(PROTO_NO, send_hex(feed, 0, "80000010" RTP));
}

static void test_data_attributes(void)
{
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1,
                                          "00170020" COOKIE ID "00120008 0001 e112 e112a643"
                                          "00130010" RTP));
    TEST_ASSERT_EQUAL(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    TEST_ASSERT_EQUAL_HEX32(0xdecafbad, feed->facts.rtp.ssrc[0]);
    TEST_ASSERT_EQUAL(PROTO_YES,
                      send_hex(feed, 1, "00170014" COOKIE ID "0013000d 16feff0000000000000000 0000 000000"));
    TEST_ASSERT_EQUAL(PROTO_dtls, feed->reply.carries);
    TEST_ASSERT_EQUAL(PROTO_YES, send_hex(feed, 1, "0017000c" COOKIE ID "00130008 80c90001 decafbad"));
    TEST_ASSERT_EQUAL(PROTO_rtcp, feed->reply.carries);
}

static void test_software_is_kept(void)
{
    struct feed *feed = feed_new(&proto_stun);
    send_hex(feed, 1, "01010008" COOKIE ID "80220003 616263 00");
    TEST_ASSERT_EQUAL(3, feed->facts.agent.size);
    TEST_ASSERT_EQUAL_MEMORY("abc", feed->facts.agent.bytes, 3);
}

static void test_microsofts_own_is_left_to_it(void)
{
    struct packet_bytes packet = hex("00030010" COOKIE ID "000f0004 72c64bc6 80080004 00000004");
    TEST_ASSERT_EQUAL(PROTO_NO, ask_once(&proto_stun, &packet));
    for (size_t caplen = 0; caplen < packet.size; caplen++)
        TEST_ASSERT_EQUAL(caplen < 28 ? PROTO_MORE : PROTO_NO,
                          feed_cut(feed_new(&proto_stun), 0, &packet, caplen));
}

static void test_cut_at_each_length(void)
{
    struct packet_bytes check = hex(ice_check), classic = hex(classic_request);
    for (size_t caplen = 0; caplen < check.size; caplen++)
        TEST_ASSERT_EQUAL(caplen < 20 ? PROTO_MORE : PROTO_YES,
                          feed_cut(feed_new(&proto_stun), 0, &check, caplen));
    for (size_t caplen = 0; caplen < classic.size; caplen++)
        TEST_ASSERT_EQUAL(PROTO_MORE, feed_cut(feed_new(&proto_stun), 0, &classic, caplen));
}

static void test_raw_stream(void)
{
    struct packet_bytes stream = hex(allocate_request), second = hex(ice_check),
                        channel = hex("40000011" RTP "d5 000000");
    add(&stream, &second);
    add(&stream, &channel);
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 0, &stream));
    TEST_ASSERT_EQUAL(stream.size, feed->reply.used);
    TEST_ASSERT_EQUAL(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
    for (size_t piece = 1; piece < stream.size; piece++) {
        feed = feed_new(&proto_stun);
        for (size_t at = 0; at < stream.size; at += piece) {
            size_t left = stream.size - at;
            TEST_ASSERT_TRUE(feed_stream(feed, 0, stream.at + at, left < piece ? left : piece) != PROTO_NO);
        }
        TEST_ASSERT_EQUAL(0, feed->side[0].count + feed->side[0].skip);
        TEST_ASSERT_TRUE(feed->facts.turn.ice_check);
        TEST_ASSERT_EQUAL(1, feed->facts.rtp.packets);
    }
}

static void test_raw_stream_of_something_else(void)
{
    struct packet_bytes classic = hex(classic_request), http = hex("474554202f20485454502f312e310d0a");
    struct feed *feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed, 0, &classic)); /* a stream needs the cookie */
    TEST_ASSERT_EQUAL(PROTO_NO,
                      feed_stream(feed_new(&proto_stun), 0, classic.at, 8)); /* and no more than that */
    feed = feed_new(&proto_stun);
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed, 0, &http));
    feed = feed_new(&proto_stun);
    struct packet_bytes stream = hex(binding_request);
    feed_segment(feed, 0, &stream);
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed, 0, &http));
}

static void test_connection_bind_ends_it(void)
{
    struct feed *feed = feed_new(&proto_stun);
    struct packet_bytes request = hex("000b0008" COOKIE ID "002a0004 00000001"),
                        success = hex("010b0000" COOKIE ID);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 0, &request));
    TEST_ASSERT_FALSE(feed->reply.settled);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 1, &success));
    TEST_ASSERT_TRUE(feed->reply.settled);
}

static void test_framed_stream(void)
{
    struct packet_bytes check = hex(ice_check), stream = {.size = 2}, rtp = hex("0010" RTP "0010" RTP);
    put16(stream.at, (unsigned)check.size);
    add(&stream, &check);
    add(&stream, &rtp);
    for (size_t piece = 1; piece <= stream.size; piece++) {
        struct feed *feed = feed_new(&proto_stun);
        for (size_t at = 0; at < stream.size; at += piece) {
            size_t left = stream.size - at;
            TEST_ASSERT_TRUE(feed_stream(feed, 0, stream.at + at, left < piece ? left : piece) != PROTO_NO);
        }
        TEST_ASSERT_EQUAL(0, feed->side[0].count);
        TEST_ASSERT_EQUAL(PROTO_rtp, feed->reply.carries);
        TEST_ASSERT_EQUAL(1, feed->facts.rtp.packets); /* the second is a copy */
        TEST_ASSERT_TRUE(feed->facts.turn.ice_check);
    }
    struct feed *feed = feed_new(&proto_stun); /* media alone is rtp.c's */
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed, 0, &rtp));
}

static void test_after_a_gap(void)
{
    struct feed *feed = feed_new(&proto_stun);
    struct packet_bytes request = hex(allocate_request), junk = hex("d5d5d5d5d5d5d5d5d5d5");
    feed_segment(feed, 0, &request);
    feed_lose(feed, 0);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 0, &junk));
    TEST_ASSERT_EQUAL(junk.size, feed->reply.used);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 0, &request));
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed, 0, &junk));
}

static void test_noise(void)
{
    feed_noise(&proto_stun, OVER_UDP, 30000);
    feed_noise(&proto_stun, OVER_TCP, 30000);
}

static void test_a_cut_header_of_the_old_form_has_to_fit(void)
{
    struct packet_bytes request = hex(classic_request);
    request.at[3]++; /* the length no longer is the datagram's */
    for (size_t caplen = 4; caplen <= request.size; caplen++)
        TEST_ASSERT_EQUAL(PROTO_NO, feed_cut(feed_new(&proto_stun), 0, &request, caplen));
    request =
        hex("00040008 000102030405060708090a0b0c0d0e0f 00030004 00000000"); /* no type of the old form */
    for (size_t caplen = 5; caplen < 20; caplen++)
        TEST_ASSERT_EQUAL(PROTO_NO, feed_cut(feed_new(&proto_stun), 0, &request, caplen));
}

/* Longer than a window: it is judged by what has come, and never refused for what has not. */
static void test_a_stream_message_that_no_window_holds(void)
{
    struct packet_bytes message = hex("0004 1800" COOKIE ID "0013 0400");
    message.size += 64;
    for (size_t size = 1; size <= message.size; size++) {
        struct feed *feed = feed_new(&proto_stun);
        enum proto_answer answer = feed_ask(feed, OVER_TCP, 0, message.at, size, size);
        TEST_ASSERT_TRUE(answer == (size < 22 ? PROTO_MORE : PROTO_YES));
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_binding);
    RUN_TEST(test_ice_check_does_not_tell_the_client);
    RUN_TEST(test_microsoft_ice);
    RUN_TEST(test_classic);
    RUN_TEST(test_broken_headers);
    RUN_TEST(test_attributes_that_do_not_end_are_passed_over);
    RUN_TEST(test_relay_is_learned);
    RUN_TEST(test_relay_of_ipv6_and_tcp);
    RUN_TEST(test_a_cut_header_of_the_old_form_has_to_fit);
    RUN_TEST(test_a_stream_message_that_no_window_holds);
    RUN_TEST(test_channels_only_after_turn);
    RUN_TEST(test_data_attributes);
    RUN_TEST(test_software_is_kept);
    RUN_TEST(test_microsofts_own_is_left_to_it);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_raw_stream);
    RUN_TEST(test_raw_stream_of_something_else);
    RUN_TEST(test_connection_bind_ends_it);
    RUN_TEST(test_framed_stream);
    RUN_TEST(test_after_a_gap);
    RUN_TEST(test_noise);
    return UNITY_END();
}
