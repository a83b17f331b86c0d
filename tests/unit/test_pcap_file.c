/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_pcap_file.c - the project's own reader of ordinary pcap files against libpcap: files of either byte
 * order and precision, with small snap lengths, cut anywhere and with flipped bits, give the same records and
 * the same end.
 */
#include "rolecall/capture.h"
#include "rolecall/decode.h"

#include <pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unity.h"

enum { FILE_MAX = 1 << 20 };

static uint8_t content[FILE_MAX];
static size_t size;
static int64_t unit_ns;
static uint64_t random_state;
static char path[] = "/tmp/rolecall-test-XXXXXX";

void setUp(void)
{
}

void tearDown(void)
{
}

static uint32_t random_below(uint32_t limit)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32) % limit;
}

static void put(uint32_t value, unsigned bytes, bool little)
{
    for (unsigned i = 0; i < bytes; i++)
        content[size++] = (uint8_t)(value >> 8 * (little ? i : bytes - 1 - i));
}

/* Records of up to `largest` bytes until the file has about `wanted`. */
static void make_file(size_t wanted, uint32_t largest)
{
    bool little = random_below(2), nano = random_below(2);
    uint32_t snaplen = random_below(4) ? 262144 : random_below(largest) + 1;
    size = 0;
    unit_ns = nano ? 1 : 1000;
    put(nano ? 0xa1b23c4d : 0xa1b2c3d4, 4, little);
    put(2, 2, little);
    put(4, 2, little);
    put(0, 4, little);
    put(0, 4, little);
    put(snaplen, 4, little);
    put(1, 4, little);
    while (size < wanted) {
        uint32_t caplen = random_below(largest + 1);
        put(random_below(16) ? 1700000000 + random_below(100) : UINT32_MAX - random_below(9), 4, little);
        put(random_below(16) ? random_below(1000000) : UINT32_MAX - random_below(9), 4, little);
        put(caplen, 4, little);
        put(caplen + random_below(3), 4, little);
        for (uint32_t i = 0; i < caplen; i++)
            content[size++] = (uint8_t)(i * 7 + caplen);
    }
}

static void write_file(size_t count)
{
    FILE *file = fopen(path, "wb");
    TEST_ASSERT_TRUE(file && fwrite(content, 1, count, file) == count && fclose(file) == 0);
}

/* A second's part is signed; libpcap takes it for unsigned in the other byte order. */
static int64_t time_of(const struct pcap_pkthdr *header)
{
    int64_t seconds = (uint32_t)header->ts.tv_sec, ns = header->ts.tv_usec;
    bool is_negative = ns < 0 || ns / unit_ns > INT32_MAX;
    return seconds * 1000000000 + (is_negative ? 0 : ns > 999999999 ? 999999999 : ns);
}

/* Reads the file both ways, its first `count` bytes, in runs of any length. Some frames are held until the
 * end, so that one which was overwritten would show. */
static void compare(size_t count)
{
    enum { HELD = 24, RUN = 5 };
    char error[PCAP_ERRBUF_SIZE];
    const char *name = path;
    struct capture_errors errors = {.count = 0};
    struct capture_options options = {.paths = &name, .path_count = 1, .may_hold = true};
    struct frame run[RUN], held[HELD];
    unsigned kept = 0;
    int ours = 0, next = 0;
    uint8_t sums[HELD];
    write_file(count);
    pcap_t *pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
    struct capture *capture = capture_open_files(&options, &errors);
    TEST_ASSERT_TRUE(!pcap == !capture);
    while (capture) {
        struct pcap_pkthdr *header;
        const u_char *data;
        int theirs = pcap_next_ex(pcap, &header, &data);
        if (next == ours) {
            unsigned max = 1 + random_below(RUN);
            ours = capture_next(capture, run, max);
            next = 0;
            TEST_ASSERT_TRUE(ours <= (int)max);
        }
        TEST_ASSERT_EQUAL_INT(theirs == 1    ? 1
                              : theirs == -2 ? CAPTURE_END
                                             : CAPTURE_PROBLEM,
                              ours > 0 ? 1 : ours);
        if (ours <= 0)
            break;
        struct frame frame = run[next++];
        TEST_ASSERT_EQUAL_INT64(time_of(header), frame.time_ns);
        TEST_ASSERT_EQUAL_UINT(header->caplen, frame.caplen);
        TEST_ASSERT_EQUAL_UINT(header->len < header->caplen ? header->caplen : header->len, frame.wirelen);
        TEST_ASSERT_TRUE(!frame.caplen || memcmp(data, frame.at, frame.caplen) == 0);
        if (frame.hold && frame.caplen && kept < HELD && random_below(8) == 0) {
            frame.hold->users++;
            sums[kept] = frame.at[frame.caplen - 1];
            held[kept++] = frame;
        }
    }
    for (unsigned i = 0; i < kept; i++) {
        TEST_ASSERT_EQUAL_HEX8(sums[i], held[i].at[held[i].caplen - 1]);
        held[i].hold->users--;
    }
    capture_close(capture);
    if (pcap)
        pcap_close(pcap);
}

static void test_whole_files(void)
{
    for (unsigned i = 0; i < 20; i++) {
        make_file(600000, i % 2 ? 1500 : 65535);
        compare(size);
    }
}

static void test_files_cut_anywhere(void)
{
    make_file(1500, 300);
    for (size_t count = 0; count <= size; count++)
        compare(count);
}

static void test_files_with_flipped_bits(void)
{
    for (unsigned i = 0; i < 3000; i++) {
        make_file(600, 100);
        for (unsigned flips = random_below(3) + 1; flips > 0; flips--) {
            size_t at =
                random_below(2) ? 24 + random_below((uint32_t)size - 24) : random_below((uint32_t)size);
            if (at >= 4 &&
                (at < 20 || at >= 24)) /* other magics and link types: other readers, other answers */
                content[at] ^= (uint8_t)(1u << random_below(8));
        }
        compare(size);
    }
}

int main(void)
{
    random_state = 20260302;
    int descriptor = mkstemp(path);
    if (descriptor < 0)
        return 2;
    close(descriptor);
    UNITY_BEGIN();
    RUN_TEST(test_whole_files);
    RUN_TEST(test_files_cut_anywhere);
    RUN_TEST(test_files_with_flipped_bits);
    int failures = UNITY_END();
    unlink(path);
    return failures;
}
