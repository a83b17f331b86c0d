/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_rtp.c - the rule of four packets and each way to break it, loss and jitter, and RFC 4571 streams.
 */
#include "media_feed.h"
#include "proto/media.h"

enum { PCMU = 0, DYNAMIC = 96, SSRC = 0x5eedf00d };

void setUp(void)
{
}

void tearDown(void)
{
}

/* Sends `count` packets of 20 ms; answers as the last one was. */
static enum proto_answer send_run(struct feed *feed, unsigned side, unsigned payload_type, unsigned sequence,
                                  unsigned count)
{
    enum proto_answer answer = PROTO_NO;
    for (unsigned i = 0; i < count; i++) {
        struct packet_bytes packet =
            rtp_packet(payload_type, sequence + i, 160 * (sequence + i), SSRC + side);
        answer = feed_datagram(feed, side, &packet);
        feed->time_ns += 20000000;
    }
    return answer;
}

/* Three good packets, one that a test has changed, three good ones more: no name before the very last. */
static void assert_breaks_run(struct packet_bytes odd)
{
    struct feed *feed = feed_new(&proto_rtp);
    TEST_ASSERT_EQUAL(PROTO_MORE, send_run(feed, 0, DYNAMIC, 100, 3));
    TEST_ASSERT_TRUE(feed_datagram(feed, 0, &odd) != PROTO_YES);
    TEST_ASSERT_FALSE(feed->named);
}

static void test_four_packets_of_one_direction(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    TEST_ASSERT_EQUAL(PROTO_MORE, send_run(feed, 0, PCMU, 1000, 3));
    TEST_ASSERT_EQUAL(PROTO_YES, send_run(feed, 0, PCMU, 1003, 1));
    TEST_ASSERT_EQUAL(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL(SPEAKER_UNKNOWN, feed->reply.speaker);
    TEST_ASSERT_EQUAL(4, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(0, feed->facts.rtp.lost);
    TEST_ASSERT_EQUAL(1, feed->facts.rtp.ssrc_count);
    TEST_ASSERT_EQUAL_HEX32(SSRC, feed->facts.rtp.ssrc[0]);
    TEST_ASSERT_EQUAL(1, feed->facts.rtp.payload_type_count);
    TEST_ASSERT_EQUAL(PCMU, feed->facts.rtp.payload_types[0]);
    TEST_ASSERT_EQUAL(MODALITY_AUDIO, feed->facts.modality);
}

static void test_two_packets_each_way_are_not_enough(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    for (unsigned i = 0; i < 3; i++) {
        TEST_ASSERT_EQUAL(PROTO_MORE, send_run(feed, 0, PCMU, 10 + i, 1));
        TEST_ASSERT_EQUAL(PROTO_MORE, send_run(feed, 1, PCMU, 70 + i, 1));
    }
}

static void test_other_side_once_named(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    send_run(feed, 0, PCMU, 1, 4);
    TEST_ASSERT_EQUAL(PROTO_YES, send_run(feed, 1, PCMU, 500, 1));
    TEST_ASSERT_EQUAL(5, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(2, feed->facts.rtp.ssrc_count);
}

static void test_sequence_steps(void)
{
    assert_breaks_run(rtp_packet(DYNAMIC, 102 + 17, 160 * 119, SSRC)); /* 16 at most */
    assert_breaks_run(rtp_packet(DYNAMIC, 102, 160 * 102, SSRC));      /* a copy proves nothing */
    struct feed *feed = feed_new(&proto_rtp);
    send_run(feed, 0, DYNAMIC, 100, 3);
    TEST_ASSERT_EQUAL(PROTO_YES, send_run(feed, 0, DYNAMIC, 102 + 16, 1));
    TEST_ASSERT_EQUAL(4, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(15, feed->facts.rtp.lost);
}

static void test_sequence_wraps(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    TEST_ASSERT_EQUAL(PROTO_YES, send_run(feed, 0, DYNAMIC, 65534, 4));
    TEST_ASSERT_EQUAL(0, feed->facts.rtp.lost);
}

static void test_other_ssrc_or_shape(void)
{
    assert_breaks_run(rtp_packet(DYNAMIC, 103, 160 * 103, SSRC + 1));
    struct packet_bytes odd = rtp_packet(DYNAMIC, 103, 160 * 103, SSRC);
    odd.at[0] = 0x81; /* one contributing source more */
    assert_breaks_run(odd);
    odd.at[0] = 0x90; /* an extension of no words */
    put32(odd.at + 12, 0xbede0000);
    assert_breaks_run(odd);
}

static void test_timestamps(void)
{
    assert_breaks_run(rtp_packet(DYNAMIC, 103, 160 * 102 + 33, SSRC)); /* neither steady nor 80 units */
    assert_breaks_run(rtp_packet(DYNAMIC, 103, 160 * 102 - 80, SSRC)); /* backwards */
    assert_breaks_run(rtp_packet(DYNAMIC, 103, 160 * 102 + 80 * 210000, SSRC)); /* minutes later */
    struct feed *feed = feed_new(&proto_rtp);
    for (unsigned i = 0; i < 8; i++) { /* time that stands still */
        struct packet_bytes packet = rtp_packet(DYNAMIC, i, 777, SSRC);
        TEST_ASSERT_EQUAL(PROTO_MORE, feed_datagram(feed, 0, &packet));
    }
}

static void test_steady_step_of_any_size(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    enum proto_answer answer = PROTO_NO;
    for (unsigned i = 0; i < 4; i++) {
        struct packet_bytes packet = rtp_packet(DYNAMIC, i, 3003 * i, SSRC);
        answer = feed_datagram(feed, 0, &packet);
    }
    TEST_ASSERT_EQUAL(PROTO_YES, answer);
}

static void test_video_frames(void)
{
    /* Frames of two packets, the last marked, at uneven distances. */
    static const uint32_t times[6] = {0, 0, 2971, 2971, 6014, 6014};
    struct feed *feed = feed_new(&proto_rtp);
    enum proto_answer answer = PROTO_NO;
    for (unsigned i = 0; i < 4; i++) {
        struct packet_bytes packet = rtp_packet(34 | (i & 1 ? 0x80 : 0), i, times[i], SSRC);
        answer = feed_datagram(feed, 0, &packet);
    }
    TEST_ASSERT_EQUAL(PROTO_YES, answer);
    TEST_ASSERT_EQUAL(MODALITY_VIDEO, feed->facts.modality);
}

static void test_marked_packets(void)
{
    static const uint32_t times[4] = {0, 2971, 6014, 8990};
    struct feed *feed = feed_new(&proto_rtp), copy;
    enum proto_answer answer = PROTO_NO;
    for (unsigned i = 0; i < 4; i++) { /* frames of one packet, at uneven distances */
        struct packet_bytes packet = rtp_packet(DYNAMIC | 0x80, i, times[i], SSRC);
        copy = *feed;
        answer = feed_datagram(feed, 0, &packet);
    }
    TEST_ASSERT_EQUAL(PROTO_YES, answer);
    *feed = copy; /* but after a marker time goes on */
    struct packet_bytes packet = rtp_packet(DYNAMIC | 0x80, 3, times[2], SSRC);
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_datagram(feed, 0, &packet));
}

static void test_interleaved_streams(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    enum proto_answer answer = PROTO_NO;
    for (unsigned i = 0; i < 4; i++) {
        struct packet_bytes audio = rtp_packet(DYNAMIC, i, 960 * i, 0xa0d10),
                            video = rtp_packet(98, i, 3000 * i, 0x71de0);
        TEST_ASSERT_FALSE(answer == PROTO_YES);
        answer = feed_datagram(feed, 0, &audio);
        feed_datagram(feed, 0, &video);
    }
    TEST_ASSERT_EQUAL(PROTO_YES, answer);
    TEST_ASSERT_EQUAL(2, feed->facts.rtp.ssrc_count);
    TEST_ASSERT_EQUAL(8, feed->facts.rtp.packets);
}

static void test_conflicting_payload_types(void)
{
    for (unsigned type = 0; type < 128; type++) {
        enum proto_answer expected = type >= 64 && type <= 95 ? PROTO_NO : PROTO_YES;
        TEST_ASSERT_EQUAL(expected, send_run(feed_new(&proto_rtp), 0, type, 1, 4));
        TEST_ASSERT_EQUAL(expected, send_run(feed_new(&proto_rtp), 0, type | 0x80, 1, 4));
    }
}

static void test_header_that_does_not_fit(void)
{
    struct packet_bytes packet = rtp_packet(PCMU, 1, 1, SSRC);
    for (unsigned version = 0; version < 4; version++) {
        packet.at[0] = (uint8_t)(version << 6);
        TEST_ASSERT_EQUAL(version == 2 ? PROTO_MORE : PROTO_NO, ask_once(&proto_rtp, &packet));
    }
    packet.at[0] = 0x85; /* five contributing sources: 32 bytes */
    TEST_ASSERT_EQUAL(PROTO_MORE, ask_once(&proto_rtp, &packet));
    packet.at[0] = 0x86;
    TEST_ASSERT_EQUAL(PROTO_NO, ask_once(&proto_rtp, &packet));
    packet.at[0] = 0x90; /* an extension of four words: 32 bytes */
    put32(packet.at + 12, 0xbede0004);
    TEST_ASSERT_EQUAL(PROTO_MORE, ask_once(&proto_rtp, &packet));
    put32(packet.at + 12, 0xbede0005);
    TEST_ASSERT_EQUAL(PROTO_NO, ask_once(&proto_rtp, &packet));
    packet = rtp_packet(PCMU, 1, 1, SSRC);
    packet.size = 12;
    TEST_ASSERT_EQUAL(PROTO_MORE, ask_once(&proto_rtp, &packet));
    packet.size = 11;
    TEST_ASSERT_EQUAL(PROTO_NO, ask_once(&proto_rtp, &packet));
}

static void test_ssrc_zero(void)
{
    struct packet_bytes packet = rtp_packet(PCMU, 1, 1, 0);
    TEST_ASSERT_EQUAL(PROTO_NO, ask_once(&proto_rtp, &packet));
    struct feed *feed = feed_new(&proto_rtp);
    for (unsigned i = 0; i < 4;
         i++) { /* a bandwidth probe: time and source zero, but an extension of RFC 8285 */
        packet = rtp_packet(DYNAMIC, 17 + i, 0, 0);
        packet.at[0] = 0x90;
        put32(packet.at + 12, 0xbede0001);
        TEST_ASSERT_EQUAL(i < 3 ? PROTO_MORE : PROTO_YES, feed_datagram(feed, 0, &packet));
    }
}

static void test_loss_and_late_packets(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    send_run(feed, 0, PCMU, 0, 4);
    send_run(feed, 0, PCMU, 7, 1); /* 4, 5 and 6 are missing */
    TEST_ASSERT_EQUAL(3, feed->facts.rtp.lost);
    send_run(feed, 0, PCMU, 5, 1); /* late */
    TEST_ASSERT_EQUAL(2, feed->facts.rtp.lost);
    TEST_ASSERT_EQUAL(6, feed->facts.rtp.packets);
    send_run(feed, 0, PCMU, 5, 1); /* twice */
    send_run(feed, 0, PCMU, 7, 1);
    TEST_ASSERT_EQUAL(2, feed->facts.rtp.lost);
    TEST_ASSERT_EQUAL(6, feed->facts.rtp.packets);
    send_run(feed, 0, PCMU, 40000, 1); /* a new start is no loss */
    TEST_ASSERT_EQUAL(2, feed->facts.rtp.lost);
    TEST_ASSERT_EQUAL(7, feed->facts.rtp.packets);
}

static void test_jitter(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    send_run(feed, 0, PCMU, 0, 50);
    TEST_ASSERT_EQUAL(0, feed->facts.rtp.jitter_us);
    feed->time_ns += 16000000; /* one packet 16 ms late: a sixteenth of it, RFC 3550 A.8 */
    send_run(feed, 0, PCMU, 50, 1);
    TEST_ASSERT_EQUAL(1000, feed->facts.rtp.jitter_us);
    send_run(feed, 0, PCMU, 51, 1); /* and then less by a sixteenth each time */
    TEST_ASSERT_EQUAL(937, feed->facts.rtp.jitter_us);
    feed = feed_new(&proto_rtp);
    for (unsigned i = 0; i < 20; i++) { /* no clock is known for a dynamic type */
        send_run(feed, 0, DYNAMIC, i, 1);
        feed->time_ns += i % 3 * 1000000;
    }
    TEST_ASSERT_EQUAL(0, feed->facts.rtp.jitter_us);
}

static void test_modalities(void)
{
    static const struct {
        uint8_t payload_type, modality;
    } known[] = {{0, MODALITY_AUDIO},    {8, MODALITY_AUDIO},    {9, MODALITY_AUDIO},
                 {111, MODALITY_AUDIO},  {114, MODALITY_AUDIO},  {115, MODALITY_AUDIO},
                 {34, MODALITY_VIDEO},   {121, MODALITY_VIDEO},  {127, MODALITY_APPLICATION_SHARING},
                 {96, MODALITY_UNKNOWN}, {97, MODALITY_UNKNOWN}, {122, MODALITY_UNKNOWN}};
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct feed *feed = feed_new(&proto_rtp);
        send_run(feed, 0, known[i].payload_type, 1, 4);
        TEST_ASSERT_EQUAL(known[i].modality, feed->facts.modality);
    }
}

static void test_named_leaves_the_rest_to_others(void)
{
    struct feed *feed = feed_new(&proto_rtp);
    send_run(feed, 0, PCMU, 1, 4);
    struct packet_bytes report = hex("80c80006 5eedf00d e000000000000000 00000000 00000001 00000001");
    TEST_ASSERT_EQUAL(PROTO_NO, feed_datagram(feed, 0, &report));
    struct packet_bytes check = hex("00010000 2112a442 0102030405060708090a0b0c");
    TEST_ASSERT_EQUAL(PROTO_NO, feed_datagram(feed, 0, &check));
    TEST_ASSERT_EQUAL(PROTO_YES, send_run(feed, 0, PCMU, 5, 1));
}

static void test_cut_at_each_length(void)
{
    for (size_t caplen = 0; caplen < 32; caplen++) {
        struct feed *feed = feed_new(&proto_rtp);
        enum proto_answer answer = PROTO_NO;
        for (unsigned i = 0; i < 4; i++) {
            struct packet_bytes packet = rtp_packet(PCMU, i, 160 * i, SSRC);
            answer = feed_cut(feed, 0, &packet, caplen);
        }
        TEST_ASSERT_EQUAL(caplen < 12 ? PROTO_MORE : PROTO_YES, answer);
    }
    struct packet_bytes packet = rtp_packet(PCMU, 1, 1, SSRC);
    packet.at[0] = 0x90; /* whether the extension fits is not known */
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_cut(feed_new(&proto_rtp), 0, &packet, 14));
}

static struct packet_bytes framed(struct packet_bytes packet)
{
    struct packet_bytes frame = {.size = 2};
    put16(frame.at, (unsigned)packet.size);
    add(&frame, &packet);
    return frame;
}

static struct packet_bytes framed_run(unsigned count)
{
    struct packet_bytes stream = {.size = 0};
    for (unsigned i = 0; i < count; i++) {
        struct packet_bytes frame = framed(rtp_packet(127, i, 160 * i, SSRC));
        add(&stream, &frame);
    }
    return stream;
}

static void test_stream_of_three_frames(void)
{
    struct packet_bytes stream = framed_run(3);
    struct feed *feed = feed_new(&proto_rtp);
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_stream(feed, 0, stream.at, 68));
    TEST_ASSERT_EQUAL(PROTO_YES, feed_stream(feed, 0, stream.at + 68, 34));
    TEST_ASSERT_EQUAL(102, feed->reply.used);
    TEST_ASSERT_EQUAL(3, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(MODALITY_APPLICATION_SHARING, feed->facts.modality);
}

static void test_stream_cut_into_pieces(void)
{
    struct packet_bytes stream = framed_run(6);
    for (size_t piece = 1; piece < 40; piece++) {
        struct feed *feed = feed_new(&proto_rtp);
        for (size_t at = 0; at < stream.size; at += piece)
            TEST_ASSERT_TRUE(feed_stream(feed, 0, stream.at + at,
                                         stream.size - at < piece ? stream.size - at : piece) != PROTO_NO);
        TEST_ASSERT_TRUE(feed->named);
        TEST_ASSERT_EQUAL(6, feed->facts.rtp.packets);
        TEST_ASSERT_EQUAL(0, feed->facts.rtp.lost);
    }
}

static void test_large_frame_is_skipped(void)
{
    struct packet_bytes stream = framed_run(3), large = framed(rtp_packet(127, 3, 480, SSRC)),
                        next = framed(rtp_packet(127, 4, 640, SSRC));
    struct feed *feed = feed_new(&proto_rtp);
    feed_segment(feed, 0, &stream);
    put16(large.at, 1200);
    large.size = 1202;
    TEST_ASSERT_EQUAL(PROTO_YES, feed_stream(feed, 0, large.at, 100));
    TEST_ASSERT_EQUAL(1202, feed->reply.used);
    feed_stream(feed, 0, large.at + 100, 1102);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 0, &next));
    TEST_ASSERT_EQUAL(5, feed->facts.rtp.packets);
}

static void test_stream_of_something_else(void)
{
    struct packet_bytes stream = framed_run(3);
    stream.at[34 + 2] = 0x40; /* version 1 in the second frame */
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed_new(&proto_rtp), 0, &stream));
    stream = framed_run(3);
    stream.at[1]--; /* a length that is one too small */
    TEST_ASSERT_EQUAL(PROTO_NO, feed_segment(feed_new(&proto_rtp), 0, &stream));
    stream = framed_run(3);
    for (unsigned i = 0; i < 3; i++) /* three sources, none goes on */
        put32(stream.at + 34 * i + 10, 0x1000 + i);
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_segment(feed_new(&proto_rtp), 0, &stream));
}

static void test_stream_after_a_gap(void)
{
    struct packet_bytes stream = framed_run(3), tail = hex("d5d5d5d5d5d5d5d5d5d5"),
                        next = framed(rtp_packet(127, 9, 1440, SSRC));
    struct feed *feed = feed_new(&proto_rtp);
    feed_segment(feed, 0, &stream);
    feed_lose(feed, 0);
    TEST_ASSERT_EQUAL(PROTO_YES,
                      feed_segment(feed, 0, &tail)); /* the end of a frame whose beginning was lost */
    TEST_ASSERT_EQUAL(3, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_segment(feed, 0, &next));
    TEST_ASSERT_EQUAL(4, feed->facts.rtp.packets);
    TEST_ASSERT_EQUAL(6, feed->facts.rtp.lost);
}

static void test_noise(void)
{
    feed_noise(&proto_rtp, OVER_UDP, 20000);
    feed_noise(&proto_rtp, OVER_TCP, 20000);
}

/* Frames whose headers are as long as they may be, and a long report among them, in any pieces. */
static void test_a_chain_is_never_refused_before_it_is_whole(void)
{
    struct packet_bytes stream = {.size = 0}, report = hex("81c8000c 5eedf00d");
    report.size = 13 * 4;
    struct packet_bytes names = hex("81ca0018 5eedf00d 01600000");
    names.size = 25 * 4;
    add(&names, &report); /* not a report first: only the chain to its end tells */
    for (unsigned i = 0; i < 3; i++) {
        struct packet_bytes packet = rtp_packet(127, i, 160 * i, SSRC);
        packet.at[0] = 0x9f; /* an extension behind 15 contributing sources */
        memset(packet.at + 12, 0, 15 * 4);
        put32(packet.at + 72, 0xbede0000);
        packet.size = 80;
        struct packet_bytes frame = framed(packet);
        add(&stream, &frame);
        frame = framed(names);
        if (i == 0)
            add(&stream, &frame);
    }
    for (size_t size = 1; size <= stream.size; size++) {
        enum proto_answer answer = feed_ask(feed_new(&proto_rtp), OVER_TCP, 0, stream.at, size, size);
        TEST_ASSERT_TRUE(answer == PROTO_MORE || (answer == PROTO_YES && size > 2 * 82));
        TEST_ASSERT_TRUE(size < stream.size || answer == PROTO_YES);
    }
}

static uint32_t random_below(uint32_t n)
{
    static uint64_t state = 0x526f6c6543616c6c; /* xorshift, 64 bits (Marsaglia 2003) */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20) % n;
}

/* Mostly the packet after `rtp`, now and then one that is late, lost, silent, or of another stream. */
static void next_packet(struct media_rtp *rtp, int64_t *time_ns)
{
    static const uint8_t types[] = {0, 13, 26, 111, 114, 127};
    unsigned chance = random_below(64);
    rtp->sequence = (uint16_t)(rtp->sequence + (chance == 0 ? random_below(5) : chance == 1 ? 65530 : 1));
    rtp->timestamp += chance == 2 ? 0 : chance == 3 ? random_below(UINT32_MAX) : 160;
    rtp->ssrc = chance == 4 ? 1 + random_below(3) : rtp->ssrc;
    rtp->payload_type = chance < 8 ? types[random_below(sizeof types)] : rtp->payload_type;
    rtp->marker = chance == 5;
    rtp->shape = chance == 6 ? 0x90 : 0x80;
    rtp->has_known_extension = chance == 6;
    *time_ns += chance == 7 ? 1500000000 : chance == 8 ? -30000000 : 20000000 + (int64_t)random_below(100000);
}

/* As it stands on the wire, with an extension of RFC 8285 where there is one. */
static size_t write_packet(const struct media_rtp *rtp, uint8_t at[16])
{
    uint32_t words[4] = {(uint32_t)rtp->shape << 24 | (uint32_t)rtp->marker << 23 |
                             (uint32_t)rtp->payload_type << 16 | rtp->sequence,
                         rtp->timestamp, rtp->ssrc, 0xbede0000};
    for (unsigned i = 0; i < 16; i++)
        at[i] = (uint8_t)(words[i / 4] >> (24 - i % 4 * 8));
    return rtp->has_known_extension ? 16 : RTP_HEADER_SIZE;
}

/* What goes on unasked leaves everything as the two steps would have left it, once it is written back; and
 * that may be done at any time. */
static void test_going_on_is_following_and_counting(void)
{
    struct media_streams streams[2];
    struct proto_facts facts[2];
    struct media_run run;
    uint8_t wire[16];
    unsigned went_on = 0, rounds = 0;
    for (unsigned flow = 0; flow < 200; flow++) {
        struct media_rtp rtp[2] = {{.ssrc = 1 + random_below(3), .timestamp = random_below(UINT32_MAX)},
                                   {.ssrc = 4, .payload_type = 114, .sequence = 65000}};
        int64_t time_ns = random_below(2) ? 1772443800000000000 : -5000000000;
        memset(streams, 0, sizeof streams);
        memset(facts, 0, sizeof facts);
        memset(&run, 0, sizeof run);
        for (unsigned i = 0; i < 1000; i++, rounds++) {
            unsigned side = random_below(2);
            next_packet(&rtp[side], &time_ns);
            size_t size = write_packet(&rtp[side], wire);
            struct media_step step = media_follow(&streams[0], side, &rtp[side], time_ns);
            if (i < 5) { /* not told yet */
                media_follow(&streams[1], side, &rtp[side], time_ns);
                continue;
            }
            media_count(&streams[0], &step, &rtp[side], &facts[0]);
            if (media_run_goes_on(&run, side, bytes_of(wire, size), size, time_ns)) {
                went_on++;
            } else {
                if (i > 5)
                    media_run_write(&run, &streams[1], &facts[1]);
                step = media_follow(&streams[1], side, &rtp[side], time_ns);
                media_count(&streams[1], &step, &rtp[side], &facts[1]);
                media_run_begin(&run, &streams[1], &facts[1]);
            }
            if (random_below(4))
                continue;
            media_run_write(&run, &streams[1], &facts[1]);
            TEST_ASSERT_EQUAL_MEMORY(&streams[0], &streams[1], sizeof streams[0]);
            TEST_ASSERT_EQUAL_MEMORY(&facts[0], &facts[1], sizeof facts[0]);
        }
    }
    TEST_ASSERT_TRUE(went_on > rounds / 4 && went_on < rounds);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_four_packets_of_one_direction);
    RUN_TEST(test_two_packets_each_way_are_not_enough);
    RUN_TEST(test_other_side_once_named);
    RUN_TEST(test_sequence_steps);
    RUN_TEST(test_sequence_wraps);
    RUN_TEST(test_other_ssrc_or_shape);
    RUN_TEST(test_timestamps);
    RUN_TEST(test_steady_step_of_any_size);
    RUN_TEST(test_video_frames);
    RUN_TEST(test_marked_packets);
    RUN_TEST(test_interleaved_streams);
    RUN_TEST(test_conflicting_payload_types);
    RUN_TEST(test_header_that_does_not_fit);
    RUN_TEST(test_ssrc_zero);
    RUN_TEST(test_loss_and_late_packets);
    RUN_TEST(test_jitter);
    RUN_TEST(test_modalities);
    RUN_TEST(test_named_leaves_the_rest_to_others);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_stream_of_three_frames);
    RUN_TEST(test_a_chain_is_never_refused_before_it_is_whole);
    RUN_TEST(test_stream_cut_into_pieces);
    RUN_TEST(test_large_frame_is_skipped);
    RUN_TEST(test_stream_of_something_else);
    RUN_TEST(test_stream_after_a_gap);
    RUN_TEST(test_noise);
    RUN_TEST(test_going_on_is_following_and_counting);
    return UNITY_END();
}
