/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_rtcp.c - reports alone and compound, in clear and encrypted, and each header field broken.
 */
#include "media_feed.h"

#define REPORT "80c80006 decafbad e000000000000000 0004e200 00000032 000003e8"
#define SOURCE "81ca0003 decafbad 01026162 00000000"
#define TAIL   "80000001 00112233445566778899"

void setUp(void)
{
}

void tearDown(void)
{
}

static enum proto_answer ask_hex(const char *text)
{
    struct packet_bytes packet = hex(text);
    return ask_once(&proto_rtcp, &packet);
}

static void test_compound(void)
{
    struct feed *feed = feed_new(&proto_rtcp);
    struct packet_bytes packet = hex(REPORT SOURCE);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_datagram(feed, 0, &packet));
    TEST_ASSERT_EQUAL(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL(SPEAKER_UNKNOWN, feed->reply.speaker);
    TEST_ASSERT_EQUAL(1, feed->facts.rtp.ssrc_count);
    TEST_ASSERT_EQUAL_HEX32(0xdecafbad, feed->facts.rtp.ssrc[0]);
    TEST_ASSERT_EQUAL(0, feed->facts.detail.size);
}

static void test_alone(void)
{
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex(REPORT));
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("80c90001 decafbad"));
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex(SOURCE));
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("81cb0001 decafbad"));
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("81ce0002 decafbad 5eedf00d"));
    /* With the bandwidth extension of MS-RTPME behind the report. */
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("80c90004 decafbad 0001000c 5eedf00d 000f4240"));
}

static void test_broken_headers(void)
{
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("40c90001 decafbad"));          /* version 1 */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80c70001 decafbad"));          /* type 199 */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80d00001 decafbad"));          /* type 208 */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80c90002 decafbad"));          /* longer than the datagram */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("81c90001 decafbad"));          /* a block that is not there */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80ce0002 decafbad 5eedf00d")); /* feedback of format 0 */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80c90000 decafbad"));          /* no room for a sender */
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80ca0000 decafbad"));
    TEST_ASSERT_EQUAL(PROTO_NO, ask_hex("80c90001 decafb"));
}

static void test_encrypted(void)
{
    struct feed *feed = feed_new(&proto_rtcp);
    struct packet_bytes packet = hex("80c80006 decafbad 1111111111111111 22222222 33333333 44444444" TAIL);
    TEST_ASSERT_EQUAL(PROTO_YES, feed_datagram(feed, 0, &packet));
    TEST_ASSERT_EQUAL(1, feed->reply.evidence);
    TEST_ASSERT_EQUAL(5, feed->facts.detail.size);
    TEST_ASSERT_EQUAL_MEMORY("srtcp", feed->facts.detail.bytes, 5);
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("81ce0002 decafbad 5eedf00d" TAIL));
    TEST_ASSERT_EQUAL(PROTO_YES, ask_hex("81ce0002 decafbad 5eedf00d 80000001 01 00112233445566778899"));
}

/* One header that fits and bytes that do not: the second of the same sender is believed, of another it is
 * not. */
static void test_likely(void)
{
    struct packet_bytes packet = hex("81ce0002 decafbad 5eedf00d 0011223344"),
                        other = hex("81ce0002 decafbae 5eedf00d 0011223344");
    struct feed *feed = feed_new(&proto_rtcp);
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_datagram(feed, 0, &packet));
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_datagram(feed, 1, &packet));
    TEST_ASSERT_EQUAL(PROTO_MORE, feed_datagram(feed, 0, &other));
    TEST_ASSERT_EQUAL(PROTO_YES, feed_datagram(feed, 0, &other));
    TEST_ASSERT_EQUAL(PROTO_YES, feed_datagram(feed, 1, &packet));
}

static void test_named_leaves_rtp_to_others(void)
{
    struct feed *feed = feed_new(&proto_rtcp);
    struct packet_bytes report = hex(REPORT), rtp = rtp_packet(0, 1, 1, 0xdecafbad);
    feed_datagram(feed, 0, &report);
    TEST_ASSERT_EQUAL(PROTO_NO, feed_datagram(feed, 0, &rtp));
    TEST_ASSERT_EQUAL(PROTO_YES, feed_datagram(feed, 1, &report));
}

static void test_cut_at_each_length(void)
{
    struct packet_bytes clear = hex(REPORT SOURCE), feedback = hex("81ce0002 decafbad 5eedf00d" SOURCE);
    for (size_t caplen = 0; caplen <= clear.size; caplen++)
        TEST_ASSERT_EQUAL(caplen < 8 ? PROTO_MORE : PROTO_YES,
                          feed_cut(feed_new(&proto_rtcp), 0, &clear, caplen));
    for (size_t caplen = 0; caplen <= feedback.size; caplen++)
        TEST_ASSERT_EQUAL(caplen < feedback.size ? PROTO_MORE : PROTO_YES,
                          feed_cut(feed_new(&proto_rtcp), 0, &feedback, caplen));
}

static void test_noise(void)
{
    feed_noise(&proto_rtcp, OVER_UDP, 100000);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_compound);
    RUN_TEST(test_alone);
    RUN_TEST(test_broken_headers);
    RUN_TEST(test_encrypted);
    RUN_TEST(test_likely);
    RUN_TEST(test_named_leaves_rtp_to_others);
    RUN_TEST(test_cut_at_each_length);
    RUN_TEST(test_noise);
    return UNITY_END();
}
