/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_live_filter.c - the capture programs of src/capture/live_filter.c, run by libpcap's interpreter: which
 * frames are shortened and which never, at every length; that what is cut off changes no verdict; and that an
 * excluding expression in front of them excludes, and nothing else. (The kernel runs them in
 * tests/system/run_live.py.)
 */
#include <pcap.h>

#include "capture/live_filter.h"
#include "frame_build.h"
#include "rolecall/capture.h"
#include "rolecall/engine.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

static struct live_filter filter;

void setUp(void)
{
    filter.count = 0;
    live_filter_snap(&filter, true, false);
}

void tearDown(void)
{
}

static unsigned snap_of(const uint8_t *at, size_t size)
{
    return bpf_filter((const struct bpf_insn *)filter.code, at, (unsigned)size, (unsigned)size);
}

static unsigned snap(struct blob frame)
{
    return snap_of(frame.at, frame.size);
}

static struct blob rtp(uint8_t first, uint8_t second)
{
    struct blob b = filler(400, 0);
    b.at[0] = first;
    b.at[1] = second;
    return b;
}

static struct blob media(void)
{
    return udp(49170, 50002, rtp(0x80, 0x72));
}

static void test_media_is_shortened(void)
{
    TEST_ASSERT_EQUAL_UINT(14 + 20 + 8 + LIVE_SNAP_MEDIA, snap(ethernet(0x0800, ipv4(17, media()))));
    TEST_ASSERT_EQUAL_UINT(14 + 40 + 8 + LIVE_SNAP_MEDIA, snap(ethernet(0x86dd, ipv6(17, media()))));
    struct blob tagged = join(hex("0064 0800"), ipv4(17, media()));
    TEST_ASSERT_EQUAL_UINT(18 + 20 + 8 + LIVE_SNAP_MEDIA, snap(ethernet(0x8100, tagged)));
    TEST_ASSERT_EQUAL_UINT(22 + 20 + 8 + LIVE_SNAP_MEDIA,
                           snap(ethernet(0x88a8, join(hex("0065 8100"), tagged))));
}

static void test_kept_whole(void)
{
    const struct blob whole[] = {
        ethernet(0x0800, ipv4(17, udp(49170, 50002, rtp(0x80, 200)))),  /* RTCP */
        ethernet(0x0800, ipv4(17, udp(49170, 50002, rtp(0x16, 0xfe)))), /* DTLS */
        ethernet(0x0800, ipv4(17, udp(49170, 50002, rtp(0x00, 0x01)))), /* STUN */
        ethernet(0x0800, ipv4(17, udp(49170, 50002, rtp(0xc0, 0x00)))), /* QUIC, and others */
        ethernet(0x0800, ipv4(17, udp(500, 50002, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(50002, 500, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(4500, 50002, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(50002, 4500, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(50002, 53, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(50002, 4789, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(50002, 6081, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(2152, 2152, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(3544, 50002, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(17, udp(50002, 1701, rtp(0x80, 0x72)))),
        ethernet(0x0800, ipv4(6, media())),
        ethernet(0x0800, ipv4(50, media())),
        ethernet(0x0800, ipv4(51, media())),
        ethernet(0x0800, ipv4(47, media())),
        ethernet(0x0800, ipv4(4, ipv4(17, media()))),
        ethernet(0x86dd, ipv6(44, media())),
        ethernet(0x8847, join(hex("00064140"), ipv4(17, media()))),
        ethernet(0x8864, join(hex("1100 0001 0200 0021"), ipv4(17, media()))),
        ethernet(0x88e7, media()),
        ethernet(0x8100, join(hex("0064 88a8 0064 8100 0064 0800"), ipv4(17, media()))),
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        TEST_ASSERT_EQUAL_UINT_MESSAGE(LIVE_SNAP, snap(whole[i]), "kept whole");
}

static void test_ports_that_are_whole(void)
{
    const uint16_t ports[] = {1,    1023, 1434, 1701, 2123, 2152, 3386, 3478, 3479, 3544, 4500, 4739, 4754,
                              4755, 4789, 4790, 5060, 5061, 5062, 5068, 5353, 5355, 6081, 6635, 6636, 8472};
    const uint16_t others[] = {1024, 1435, 8471, 8473, 65535};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        TEST_ASSERT_EQUAL_UINT(LIVE_SNAP,
                               snap(ethernet(0x0800, ipv4(17, udp(50002, ports[i], rtp(0x80, 0x72))))));
        TEST_ASSERT_EQUAL_UINT(LIVE_SNAP,
                               snap(ethernet(0x86dd, ipv6(17, udp(ports[i], 50002, rtp(0x80, 0x72))))));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        TEST_ASSERT_EQUAL_UINT(14 + 20 + 8 + LIVE_SNAP_MEDIA,
                               snap(ethernet(0x0800, ipv4(17, udp(others[i], others[i], rtp(0x80, 0x72))))));
}

static void test_fragments_are_whole(void)
{
    struct blob frame = ethernet(0x0800, ipv4(17, media()));
    frame.at[14 + 6] = 0x20;
    TEST_ASSERT_EQUAL_UINT(LIVE_SNAP, snap(frame));
    frame.at[14 + 6] = 0x00;
    frame.at[14 + 7] = 0x01;
    TEST_ASSERT_EQUAL_UINT(LIVE_SNAP, snap(frame));
    frame.at[14 + 6] = 0x40; /* only "do not fragment" */
    frame.at[14 + 7] = 0x00;
    TEST_ASSERT_EQUAL_UINT(14 + 20 + 8 + LIVE_SNAP_MEDIA, snap(frame));
}

/* A load past the end would lose the frame. */
static void test_no_length_loses_a_frame(void)
{
    const struct blob frames[] = {ethernet(0x0800, ipv4(17, media())), ethernet(0x86dd, ipv6(17, media())),
                                  ethernet(0x8100, join(hex("0064 0800"), ipv4(17, media())))};
    for (unsigned f = 0; f < 3; f++) {
        struct blob frame = frames[f];
        for (unsigned options = 5; options < 16; options++) {
            if (f == 0)
                frame.at[14] = (uint8_t)(0x40 | options);
            for (size_t size = 0; size <= frame.size; size++)
                TEST_ASSERT_NOT_EQUAL(0, snap_of(frame.at, size));
        }
    }
}

static void exclude(const char *expression)
{
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
    struct bpf_program program;
    TEST_ASSERT_EQUAL_INT(0, pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN));
    TEST_ASSERT_TRUE(
        live_filter_exclude(&filter, (const struct sock_filter *)program.bf_insns, program.bf_len));
    pcap_freecode(&program);
    pcap_close(pcap);
}

static void test_exclude(void)
{
    struct blob dns = ethernet(0x0800, ipv4(17, udp(50002, 53, filler(80, 0)))),
                rtp_frame = ethernet(0x0800, ipv4(17, media())),
                tcp_frame = ethernet(0x0800, ipv4(6, filler(40, 0)));
    exclude("udp port 53 or arp");
    TEST_ASSERT_EQUAL_UINT(0, snap(dns));
    TEST_ASSERT_EQUAL_UINT(0, snap(ethernet(0x0806, filler(46, 0))));
    TEST_ASSERT_EQUAL_UINT(14 + 20 + 8 + LIVE_SNAP_MEDIA, snap(rtp_frame));
    TEST_ASSERT_EQUAL_UINT(LIVE_SNAP, snap(tcp_frame));
    setUp();
    exclude("not arp");
    TEST_ASSERT_EQUAL_UINT(0, snap(tcp_frame));
    TEST_ASSERT_EQUAL_UINT(LIVE_SNAP, snap(ethernet(0x0806, filler(46, 0))));
}

static void test_other_links_are_whole(void)
{
    filter.count = 0;
    live_filter_snap(&filter, false, false);
    TEST_ASSERT_EQUAL_UINT(LIVE_SNAP, snap(ipv4(17, media())));
}

/* ---- what is cut off changes no verdict ---- */

struct story {
    char *text;
    size_t size;
};

static void remember(void *context, const struct event_line *line)
{
    struct story *story = context;
    if (line->dataset == DATASET_STATS)
        return;
    story->text = realloc(story->text, story->size + line->size + 2);
    char *at = story->text + story->size;
    memcpy(at, line->text, line->size + 1);
    static const char may_differ[] = "\"truncated_packets\":";
    char *number = strstr(at, may_differ);
    if (number) {
        number += strlen(may_differ);
        memmove(number, number + strspn(number, "0123456789"),
                strlen(number) + 1 - strspn(number, "0123456789"));
    }
    story->size += strlen(at);
}

static struct story story_of(const char *path, const struct policy *policy, bool snapped)
{
    struct story story = {0};
    struct capture_errors errors = {0};
    struct capture_options files = {.paths = &path, .path_count = 1};
    struct capture *capture = capture_open_files(&files, &errors);
    struct engine_options options = {
        .policy = policy, .every_flow = true, .line = remember, .context = &story};
    struct engine *engine = engine_create(&options);
    struct frame frame;
    unsigned shortened = 0;
    while (capture_next(capture, &frame, 1) > 0) {
        unsigned keep = snap_of(frame.at, frame.caplen);
        if (snapped && keep < frame.caplen) {
            frame.caplen = keep;
            shortened++;
        }
        engine_frames(engine, &frame, 1);
    }
    if (snapped)
        TEST_ASSERT_GREATER_THAN_UINT(10, shortened);
    engine_finish(engine);
    engine_destroy(engine);
    capture_close(capture);
    return story;
}

static void test_same_verdicts(void)
{
    struct mistakes mistakes = {0};
    struct rules *rules = rules_load("rules", &mistakes);
    struct site *site = site_load("pcaps/contoso.site.json", rules, &mistakes);
    struct policy *policy = policy_create(rules, site);
    const char *const paths[] = {"pcaps/sfb-site-violations.pcap", "pcaps/sfb-site-good.pcap"};
    for (unsigned i = 0; i < 2; i++) {
        struct story whole = story_of(paths[i], policy, false), cut = story_of(paths[i], policy, true);
        TEST_ASSERT_EQUAL_STRING(whole.text, cut.text);
        free(whole.text);
        free(cut.text);
    }
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_media_is_shortened);
    RUN_TEST(test_kept_whole);
    RUN_TEST(test_ports_that_are_whole);
    RUN_TEST(test_fragments_are_whole);
    RUN_TEST(test_no_length_loses_a_frame);
    RUN_TEST(test_exclude);
    RUN_TEST(test_other_links_are_whole);
    RUN_TEST(test_same_verdicts);
    return UNITY_END();
}
