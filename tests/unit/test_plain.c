/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_plain.c - the short way through ordinary frames says what the walk says: of every frame of the shipped
 * captures and of thousands made from them with changed bytes, tags and lengths.
 */
#include "decode/walk.h"
#include "rolecall/capture.h"
#include "talk.h"

#include "unity.h"

enum { CHANGES = 40 };

static struct decoder *short_way, *walk;
static uint64_t random_state;
static unsigned plain_count, frame_count;

void setUp(void)
{
    short_way = decoder_create();
    walk = decoder_create();
    plain_count = frame_count = 0;
}

void tearDown(void)
{
    decoder_destroy(short_way);
    decoder_destroy(walk);
}

static uint32_t random_below(uint32_t limit)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32) % limit;
}

static void compare(const struct frame *frame)
{
    struct packet a, b, c;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&c, 0, sizeof c);
    enum decode_result by_short = decode_frame(short_way, frame, &a),
                       by_walk = decode_by_walk(walk, frame, &b);
    TEST_ASSERT_EQUAL_INT(by_walk, by_short);
    TEST_ASSERT_EQUAL_MEMORY(decoder_counters(walk), decoder_counters(short_way),
                             sizeof(struct decoder_counters));
    frame_count++;
    plain_count += plain_read(frame, &c);
    TEST_ASSERT_EQUAL_UINT(b.vlan, a.vlan);
    TEST_ASSERT_EQUAL_UINT(b.layer_count, a.layer_count);
    if (by_walk != DECODED)
        return;
    memset(a.layers + a.layer_count, 0, sizeof a.layers - a.layer_count);
    if (!a.is_fragmented) /* else it is each decoder's own copy */
        TEST_ASSERT_EQUAL_PTR(b.payload.at, a.payload.at);
    TEST_ASSERT_EQUAL_UINT(b.payload.left, a.payload.left);
    TEST_ASSERT_EQUAL_INT(b.payload.failed, a.payload.failed);
    TEST_ASSERT_EQUAL_INT(b.payload.cut, a.payload.cut);
    memcpy(&a.payload, &b.payload, sizeof a.payload); /* padding too */
    TEST_ASSERT_EQUAL_MEMORY(&b, &a, sizeof a);
}

/* The frame as it is, and with something else in it: mostly in the headers, where it matters. */
static void compare_changed(void *context, const struct frame *frame)
{
    uint8_t bytes[4096 + 4];
    (void)context;
    compare(frame);
    if (frame->caplen > 4096 || frame->caplen < 20)
        return;
    for (unsigned i = 0; i < CHANGES; i++) {
        struct frame changed = *frame;
        changed.at = bytes;
        memcpy(bytes, frame->at, frame->caplen);
        if (i % 4 == 0) { /* one more tag */
            memmove(bytes + 16, bytes + 12, frame->caplen - 12);
            memcpy(bytes + 12, (const uint8_t[4]){0x81, 0x00, (uint8_t)random_below(2), 0}, 4);
            changed.caplen += 4;
            changed.wirelen += 4;
        }
        for (unsigned flips = random_below(3); flips > 0; flips--)
            bytes[12 + random_below(changed.caplen < 80 ? changed.caplen - 12 : 68)] ^=
                (uint8_t)(1u << random_below(8));
        if (i % 5 == 0)
            changed.caplen = random_below(changed.caplen + 1);
        if (i % 10 == 0)
            changed.wirelen = changed.caplen;
        compare(&changed);
    }
}

static void compare_capture(const char *path)
{
    struct capture_errors errors = {.count = 0};
    struct capture_options options = {.paths = &path, .path_count = 1};
    struct capture *capture = capture_open_files(&options, &errors);
    struct frame frame;
    TEST_ASSERT_NOT_NULL_MESSAGE(capture, path);
    while (capture_next(capture, &frame, 1) > 0)
        compare_changed(NULL, &frame);
    capture_close(capture);
}

static void test_shipped_captures(void)
{
    compare_capture("pcaps/sfb-site-good.pcap");
    compare_capture("pcaps/sfb-site-violations.pcap");
    TEST_ASSERT_TRUE(plain_count > frame_count / 3 && plain_count < frame_count);
}

static void test_ports_of_tunnels(void)
{
    static const uint16_t ports[] = {1701, 2152, 3544, 4500, 4789, 4790, 6081, 8472};
    for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++) {
        struct scene *scene = scene_create(i);
        talk_unknown_udp(scene, end_of("10.0.0.1", 5000), end_of("10.0.0.2", ports[i]), 0);
        talk_unknown_udp(scene, end_of("2001:db8::1", 5000), end_of("2001:db8::2", ports[i]), 0);
        scene_each(scene, compare_changed, NULL);
        scene_destroy(scene);
    }
}

/* As a live capture shortens media: every length from nothing on; only what has its headers is plain. */
static void compare_shortened(void *context, const struct frame *frame)
{
    const uint32_t *headers = context;
    struct frame shortened = *frame;
    for (shortened.caplen = 0; shortened.caplen <= frame->caplen; shortened.caplen++) {
        struct packet packet;
        plain_count = 0;
        compare(&shortened);
        TEST_ASSERT_EQUAL_UINT(shortened.caplen >= *headers, plain_count);
        if (decode_frame(short_way, &shortened, &packet) == DECODED)
            TEST_ASSERT_EQUAL_INT(shortened.caplen < frame->caplen, packet.is_cut);
        decode_by_walk(walk, &shortened, &packet); /* both decoders count the same frames */
    }
}

static void test_shortened(void)
{
    uint32_t headers[2] = {14 + 20 + 8, 14 + 40 + 8};
    const char *const ends[2][2] = {{"10.0.0.1", "10.0.0.2"}, {"2001:db8::1", "2001:db8::2"}};
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct scene *scene = scene_create(v6);
        talk_unknown_udp(scene, end_of(ends[v6][0], 5000), end_of(ends[v6][1], 6000), 0);
        scene_each(scene, compare_shortened, &headers[v6]);
        scene_destroy(scene);
    }
}

int main(void)
{
    random_state = 20260302;
    UNITY_BEGIN();
    RUN_TEST(test_shipped_captures);
    RUN_TEST(test_ports_of_tunnels);
    RUN_TEST(test_shortened);
    return UNITY_END();
}
