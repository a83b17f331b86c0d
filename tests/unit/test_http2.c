/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_http2.c - the client's preface and the server's SETTINGS, good, cut and wrong.
 */
#include "proto_feed.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/* SETTINGS: at most 100 streams, window 65536; then WINDOW_UPDATE */
static const uint8_t settings[] = {0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100, 0, 4,
                                   0, 1, 0,  0, 0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 1,   0, 0};

static void test_both_sides(void)
{
    struct feed *feed = feed_new(&proto_http2);
    feed_segment(feed, 0, TEXT(PREFACE "\0\0\0\4\0\0\0\0\0"));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, feed->reply.answer);
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, feed->reply.speaker);
    TEST_ASSERT_FALSE(feed->settled);
    feed_segment(feed, 1, settings, sizeof settings);
    TEST_ASSERT_EQUAL_UINT(2, feed->reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, feed->reply.speaker);
    TEST_ASSERT_TRUE(feed->settled);
    TEST_ASSERT_EQUAL_UINT(3, feed->yes_sides);
}

static void test_preface_cut_anywhere(void)
{
    for (size_t size = 1; size < sizeof PREFACE; size++) {
        enum proto_answer answer = feed_ask(feed_new(&proto_http2), 0, (const uint8_t *)PREFACE, size, size);
        TEST_ASSERT_EQUAL_UINT(size < 24 ? PROTO_MORE : PROTO_YES, answer);
    }
}

static void test_each_byte_of_the_preface_counts(void)
{
    for (size_t i = 0; i < sizeof PREFACE - 1; i++) {
        uint8_t wrong[] = PREFACE;
        wrong[i] ^= 0x20;
        TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed_new(&proto_http2), 0, wrong, 24, 24));
    }
}

static void test_settings_alone_are_weak(void)
{
    for (size_t size = 1; size <= sizeof settings; size++) {
        struct feed *feed = feed_new(&proto_http2);
        enum proto_answer answer = feed_ask(feed, 0, settings, size, size);
        TEST_ASSERT_EQUAL_UINT(size < 21 ? PROTO_MORE : PROTO_YES, answer);
        if (answer == PROTO_YES)
            TEST_ASSERT_EQUAL_UINT(1, feed->reply.evidence);
    }
}

static void test_each_field_of_settings_is_checked(void)
{
    static const struct {
        uint8_t offset, value;
    } wrong[] = {{0, 1}, {2, 11}, {2, 0}, {3, 1}, {4, 1}, {8, 1}, {10, 0}, {10, 10}, {15, 9}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t frame[sizeof settings];
        memcpy(frame, settings, sizeof frame);
        frame[wrong[i].offset] = wrong[i].value;
        TEST_ASSERT_EQUAL_UINT(PROTO_NO,
                               feed_ask(feed_new(&proto_http2), 0, frame, sizeof frame, sizeof frame));
    }
}

static void test_nothing_is_named_in_the_middle_but_a_preface(void)
{
    struct feed *feed = feed_new(&proto_http2);
    feed->side[0].in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, feed_ask(feed, 0, settings, sizeof settings, sizeof settings));
}

static void test_noise_is_not_named(void)
{
    feed_noise(&proto_http2, 20000, false);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_both_sides);
    RUN_TEST(test_preface_cut_anywhere);
    RUN_TEST(test_each_byte_of_the_preface_counts);
    RUN_TEST(test_settings_alone_are_weak);
    RUN_TEST(test_each_field_of_settings_is_checked);
    RUN_TEST(test_nothing_is_named_in_the_middle_but_a_preface);
    RUN_TEST(test_noise_is_not_named);
    return UNITY_END();
}
