/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_capture.c - capture files as src/capture reads them: byte orders, time resolutions, pcapng, gzip,
 * zstd, damage of every kind, folders and their order, streams, filters, rewinding. All files are written by
 * the test into a folder of its own.
 */
#include "rolecall/capture.h"
#include "unity.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static char folder[64];
static struct capture_errors errors;
static struct capture *capture;
static struct frame frame;

void setUp(void)
{
    snprintf(folder, sizeof(folder), "/tmp/rolecall-capture-XXXXXX");
    TEST_ASSERT_NOT_NULL(mkdtemp(folder));
    memset(&errors, 0, sizeof(errors));
    capture = NULL;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void tearDown(void)
{
    capture_close(capture);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file in the making. */
struct content {
    size_t size;
    bool big_endian;
    uint8_t at[8192];
};

static void put(struct content *c, uint64_t value, size_t size)
{
    TEST_ASSERT_TRUE(c->size + size <= sizeof(c->at));
    for (size_t i = 0; i < size; i++)
        c->at[c->size++] = (uint8_t)(value >> 8 * (c->big_endian ? size - 1 - i : i));
}

enum { MICRO = 0xa1b2c3d4, NANO = 0xa1b23c4d };

static struct content pcap(uint32_t magic, bool big_endian, uint32_t linktype)
{
    struct content c = {.big_endian = big_endian};
    put(&c, magic, 4);
    put(&c, 2, 2);
    put(&c, 4, 2);
    put(&c, 0, 8);
    put(&c, 65535, 4);
    put(&c, linktype, 4);
    return c;
}

/* A record of `caplen` bytes that all are `mark`. */
static void record(struct content *c, uint32_t seconds, uint32_t fraction, uint32_t caplen, uint32_t wirelen,
                   uint8_t mark)
{
    put(c, seconds, 4);
    put(c, fraction, 4);
    put(c, caplen, 4);
    put(c, wirelen, 4);
    for (uint32_t i = 0; i < caplen; i++)
        put(c, mark, 1);
}

static struct content small_pcap(uint32_t first_second, unsigned records)
{
    struct content c = pcap(MICRO, false, 1);
    for (unsigned i = 0; i < records; i++)
        record(&c, first_second + i, i, 60, 60, (uint8_t)(first_second + i));
    return c;
}

static void section(struct content *c)
{
    put(c, 0x0a0d0d0a, 4);
    put(c, 28, 4);
    put(c, 0x1a2b3c4d, 4);
    put(c, 1, 2);
    put(c, 0, 2);
    put(c, UINT64_MAX, 8);
    put(c, 28, 4);
}

/* An interface whose times count 10^-`digits` seconds. */
static void interface(struct content *c, uint16_t linktype, uint8_t digits)
{
    put(c, 1, 4);
    put(c, 32, 4);
    put(c, linktype, 2);
    put(c, 0, 2);
    put(c, 65535, 4);
    put(c, 9, 2);
    put(c, 1, 2);
    put(c, digits, 1);
    put(c, 0, 3);
    put(c, 0, 4);
    put(c, 32, 4);
}

static void enhanced_packet(struct content *c, uint32_t number, uint64_t time, uint8_t mark)
{
    put(c, 6, 4);
    put(c, 32 + 60, 4);
    put(c, number, 4);
    put(c, time >> 32, 4);
    put(c, time & 0xffffffff, 4);
    put(c, 60, 4);
    put(c, 60, 4);
    for (unsigned i = 0; i < 60; i++)
        put(c, mark, 1);
    put(c, 32 + 60, 4);
}

/* A path below the test's folder; up to eight at a time. */
static const char *path_of(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static const char *write_bytes(const char *name, const void *at, size_t size)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_EQUAL_INT(size, fwrite(at, 1, size, file));
    TEST_ASSERT_EQUAL_INT(0, fclose(file));
    return path;
}

static const char *write_content(const char *name, struct content c)
{
    return write_bytes(name, c.at, c.size);
}

static size_t gzip(const void *from, size_t size, uint8_t *to, size_t room)
{
    z_stream z = {0};
    TEST_ASSERT_EQUAL_INT(Z_OK, deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY));
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)size;
    z.next_out = to;
    z.avail_out = (uInt)room;
    TEST_ASSERT_EQUAL_INT(Z_STREAM_END, deflate(&z, Z_FINISH));
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t zstd(const void *from, size_t size, uint8_t *to, size_t room)
{
    size_t packed = ZSTD_compress(to, room, from, size, 3);
    TEST_ASSERT_FALSE(ZSTD_isError(packed));
    return packed;
}

static bool reads_ethernet_only(int linktype)
{
    return linktype == 1;
}

static void open_paths(const char *filter, size_t count, const char *const *paths)
{
    struct capture_options options = {
        .paths = paths, .path_count = count, .filter = filter, .reads_linktype = reads_ethernet_only};
    capture = capture_open_files(&options, &errors);
}

static void open_one(const char *path)
{
    open_paths(NULL, 1, &path);
}

static void expect_packet(int64_t time_ns, uint32_t caplen, uint32_t wirelen, uint8_t mark)
{
    TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
    TEST_ASSERT_EQUAL_INT64(time_ns, frame.time_ns);
    TEST_ASSERT_EQUAL_INT(caplen, frame.caplen);
    TEST_ASSERT_EQUAL_INT(wirelen, frame.wirelen);
    TEST_ASSERT_EQUAL_INT(1, frame.linktype);
    for (uint32_t i = 0; i < caplen; i++)
        TEST_ASSERT_EQUAL_INT(mark, frame.at[i]);
}

static void expect_end(void)
{
    TEST_ASSERT_EQUAL_INT(CAPTURE_END, capture_next(capture, &frame, 1));
    TEST_ASSERT_EQUAL_INT(CAPTURE_END, capture_next(capture, &frame, 1));
}

/* The text ends with `end`, the rest of it being a path of this test. */
static void expect_ends(const char *end, const char *text)
{
    size_t size = strlen(text), tail = strlen(end);
    TEST_ASSERT_TRUE_MESSAGE(size > tail, text);
    TEST_ASSERT_EQUAL_STRING(end, text + size - tail);
    TEST_ASSERT_EQUAL_INT(0, strncmp(text, folder, strlen(folder)));
}

static void expect_problem(const char *end, enum capture_input_state state)
{
    TEST_ASSERT_EQUAL_INT(CAPTURE_PROBLEM, capture_next(capture, &frame, 1));
    expect_ends(end, capture_problem(capture));
    TEST_ASSERT_EQUAL_INT(state, capture_input(capture, 0)->state);
}

static void expect_refused(const char *path, const char *end)
{
    memset(&errors, 0, sizeof(errors));
    open_one(path);
    TEST_ASSERT_NULL(capture);
    TEST_ASSERT_EQUAL_INT(1, errors.count);
    expect_ends(end, errors.text[0]);
}

static const int64_t second = 1000000000;

static void test_byte_orders_and_resolutions(void)
{
    for (unsigned variant = 0; variant < 4; variant++) {
        bool nano = variant & 1;
        struct content c = pcap(nano ? NANO : MICRO, variant & 2, 1);
        record(&c, 1700000000, nano ? 123456789 : 123456, 60, 1500, 7);
        record(&c, 1700000001, 0, 0, 0, 8);
        open_one(write_content("a.pcap", c));
        TEST_ASSERT_NOT_NULL(capture);
        expect_packet(1700000000 * second + (nano ? 123456789 : 123456000), 60, 1500, 7);
        expect_packet(1700000001 * second, 0, 0, 8);
        expect_end();
        TEST_ASSERT_EQUAL_INT(CAPTURE_READ, capture_input(capture, 0)->state);
        TEST_ASSERT_EQUAL_INT(2, capture_input(capture, 0)->packets);
        TEST_ASSERT_EQUAL_INT(1500, capture_input(capture, 0)->bytes);
        TEST_ASSERT_EQUAL_INT(c.size, capture_input(capture, 0)->size);
        TEST_ASSERT_EQUAL_INT64(1700000001 * second, capture_input(capture, 0)->last_ns);
        TEST_ASSERT_EQUAL_STRING("EN10MB", capture_input(capture, 0)->linktype_name);
        capture_close(capture);
        capture = NULL;
    }
    TEST_ASSERT_EQUAL_INT(0, errors.count);
}

static void test_hostile_times_and_lengths(void)
{
    struct content c = pcap(MICRO, false, 1);
    record(&c, 0xffffffff, 999999, 60, 60, 1);     /* the year 2106: seconds are unsigned */
    record(&c, 1700000000, 0x7fffffff, 60, 60, 2); /* more than a second of microseconds */
    record(&c, 1700000000, 0xffffffff, 60, 60, 3);
    record(&c, 1700000000, 0, 60, 40, 4); /* more captured than there was */
    open_one(write_content("a.pcap", c));
    expect_packet(0xffffffff * second + 999999000, 60, 60, 1);
    for (uint8_t mark = 2; mark < 4; mark++) {
        TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
        TEST_ASSERT_TRUE(frame.time_ns >= 1700000000 * second && frame.time_ns < 1700000001 * second);
    }
    expect_packet(1700000000 * second, 60, 60, 4);
    capture_close(capture);

    static const uint64_t times[] = {UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 63, 0};
    struct content ng = {0};
    section(&ng);
    interface(&ng, 1, 0); /* whole seconds */
    for (unsigned i = 0; i < 4; i++)
        enhanced_packet(&ng, 0, times[i], 1);
    open_one(write_content("b.pcapng", ng));
    for (unsigned i = 0; i < 4; i++) {
        TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
        TEST_ASSERT_TRUE(frame.time_ns >= 0 && frame.time_ns < INT64_C(1) << 62);
    }
}

static void test_pcapng(void)
{
    for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
        struct content c = {.big_endian = big_endian};
        section(&c);
        interface(&c, 1, 9);
        interface(&c, 1, 3);
        enhanced_packet(&c, 0, 1700000000123456789, 5);
        enhanced_packet(&c, 1, 1700000000123, 6);
        open_one(write_content("named.txt", c)); /* the name says nothing */
        TEST_ASSERT_NOT_NULL(capture);
        expect_packet(1700000000123456789, 60, 60, 5);
        expect_packet(1700000000123000000, 60, 60, 6);
        expect_end();
        capture_close(capture);
        capture = NULL;
    }
}

static void test_interfaces_that_differ(void)
{
    struct content c = {0};
    section(&c);
    interface(&c, 1, 9);
    enhanced_packet(&c, 0, 1, 5);
    interface(&c, 113, 6);
    c.at[c.size - 20] = 96; /* another snap length */
    enhanced_packet(&c, 1, 2, 6);
    enhanced_packet(&c, 0, 3, 7);
    open_one(write_content("a.pcapng", c));
    expect_packet(1, 60, 60, 5);
    TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
    TEST_ASSERT_EQUAL_INT(113, frame.linktype);
    TEST_ASSERT_EQUAL_INT64(2000, frame.time_ns);
    TEST_ASSERT_EQUAL_INT(6, frame.at[59]);
    expect_packet(3, 60, 60, 7);
    expect_end();
    TEST_ASSERT_EQUAL_INT(CAPTURE_READ, capture_input(capture, 0)->state);
    TEST_ASSERT_EQUAL_INT(1, capture_input(capture, 0)->linktype);
    TEST_ASSERT_EQUAL_INT(3, capture_input(capture, 0)->packets);
}

/* The file's link type is that of its first packet. */
static void test_the_link_type_of_the_first_packet(void)
{
    struct content c = {0};
    section(&c);
    interface(&c, 127, 9);
    interface(&c, 1, 9);
    enhanced_packet(&c, 1, 1, 5);
    open_one(write_content("a.pcapng", c));
    TEST_ASSERT_EQUAL_STRING("EN10MB", capture_input(capture, 0)->linktype_name);
    expect_packet(1, 60, 60, 5);
    expect_end();
    capture_close(capture);
    struct content none = {0};
    section(&none);
    interface(&none, 1, 9);
    open_one(write_content("b.pcapng", none));
    TEST_ASSERT_EQUAL_INT(1, capture_input(capture, 0)->linktype);
    expect_end();
}

/* Each section has its own byte order and its own interfaces. */
static void test_several_sections(void)
{
    struct content c = {0};
    for (uint8_t i = 0; i < 4; i++) {
        c.big_endian = i & 1;
        section(&c);
        interface(&c, 1, i < 2 ? 9 : 6);
        enhanced_packet(&c, 0, 1000u + i, i);
    }
    section(&c);
    enhanced_packet(&c, 0, 1, 1);
    open_one(write_content("a.pcapng", c));
    expect_packet(1000, 60, 60, 0);
    expect_packet(1001, 60, 60, 1);
    expect_packet(1002000, 60, 60, 2);
    expect_packet(1003000, 60, 60, 3);
    expect_problem(
        "a.pcapng: cannot be read beyond packet 4: a packet of an interface that was not described",
        CAPTURE_DAMAGED);
}

/* An interface whose times are moved by `offset` seconds. */
static void interface_with_offset(struct content *c, uint8_t resolution, int64_t offset)
{
    put(c, 1, 4);
    put(c, 40, 4);
    put(c, 1, 2);
    put(c, 0, 2);
    put(c, 40, 4);
    put(c, 14, 2);
    put(c, 8, 2);
    put(c, (uint64_t)offset, 8);
    put(c, 9, 2);
    put(c, 1, 2);
    put(c, resolution, 1);
    put(c, 0, 3);
    put(c, 40, 4);
}

static void test_pcapng_times(void)
{
    static const struct {
        uint8_t resolution;
        int64_t offset;
        uint64_t units;
        int64_t time_ns;
    } cases[] = {
        {0, 0, 1700000000, INT64_C(1700000000000000000)},
        {3, 5, 1700000000123, INT64_C(1700000005123000000)},
        {9, -5, 1700000000123456789, INT64_C(1699999995123456789)},
        {12, 1700000000, 1123456789012, INT64_C(1700000001123456789)},
        {19, 0, UINT64_C(15000000000000000000), 1500000000},
        {20, 0, UINT64_C(15000000000000000000), 150000000},
        {28, 0, UINT64_C(15000000000000000000), 1},
        {100, 0, UINT64_MAX, 0},
        {0x80, 0, 7, INT64_C(7000000000)},
        {0x80 | 10, 1, 1024 * 3 + 512, INT64_C(4500000000)},
        {0x80 | 32, 0, UINT64_C(0x6553f10080000000), INT64_C(1700000000500000000)},
        {0x80 | 63, 0, UINT64_C(0xc000000000000000), 1500000000},
        {0x80 | 64, 0, UINT64_C(0xc000000000000000), 750000000},
        {0x80 | 127, 0, UINT64_MAX, 0},
        {6, INT64_MIN, 1700000000000000, 0},
        {6, INT64_MAX, UINT64_MAX, (INT64_C(1) << 62) - 1},
        {0x80, INT64_MAX, UINT64_MAX, (INT64_C(1) << 62) - 1},
    };
    for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct content c = {.big_endian = big_endian};
            section(&c);
            interface_with_offset(&c, cases[i].resolution, cases[i].offset);
            enhanced_packet(&c, 0, cases[i].units, 9);
            open_one(write_content("a", c));
            expect_packet(cases[i].time_ns, 60, 60, 9);
            capture_close(capture);
            capture = NULL;
        }
    }
}

static void block(struct content *c, uint32_t type, uint32_t length)
{
    put(c, type, 4);
    put(c, length, 4);
}

/* Simple packets have no time of their own and no length captured; the obsolete block has a place for drops.
 */
static void test_other_packet_blocks(void)
{
    struct content c = {0};
    section(&c);
    interface_with_offset(&c, 9, 0); /* snap length 40 */
    enhanced_packet(&c, 0, 1000, 1);
    block(&c, 3, 16 + 40);
    put(&c, 1500, 4);
    for (unsigned i = 0; i < 40; i++)
        put(&c, 2, 1);
    put(&c, 16 + 40, 4);
    block(&c, 3, 16 + 4);
    put(&c, 3, 4);
    put(&c, 0x030303, 4);
    put(&c, 16 + 4, 4);
    interface_with_offset(&c, 9, 0); /* not asked: simple packets are the first one's */
    block(&c, 3, 16 + 4);
    put(&c, 30, 4); /* more than the block has */
    put(&c, 0x06060606, 4);
    put(&c, 16 + 4, 4);
    block(&c, 2, 32 + 8);
    put(&c, 0, 2);
    put(&c, 77, 2);
    put(&c, 0, 4);
    put(&c, 2000, 4);
    put(&c, 5, 4);
    put(&c, 90, 4);
    put(&c, 0x04040404, 4);
    put(&c, 0x00000004, 4);
    put(&c, 32 + 8, 4);
    block(&c, 5, 12); /* statistics, without any */
    put(&c, 12, 4);
    open_one(write_content("a", c));
    expect_packet(1000, 60, 60, 1);
    expect_packet(1000, 40, 1500, 2);
    expect_packet(1000, 3, 3, 3);
    expect_packet(1000, 4, 30, 6);
    expect_packet(2000, 5, 90, 4);
    expect_end();
}

static void expect_damage(struct content c, const char *why)
{
    char text[160];
    open_one(write_content("a", c));
    TEST_ASSERT_NOT_NULL(capture);
    expect_packet(1, 60, 60, 1);
    snprintf(text, sizeof(text), "a: cannot be read beyond packet 1: %s", why);
    expect_problem(text, CAPTURE_DAMAGED);
    expect_end();
    capture_close(capture);
    capture = NULL;
}

static void test_damaged_pcapng(void)
{
    struct content start = {0};
    section(&start);
    interface(&start, 1, 9);
    enhanced_packet(&start, 0, 1, 1);
    size_t at = start.size;

    struct content c = start;
    enhanced_packet(&c, 1, 2, 1);
    expect_damage(c, "a packet of an interface that was not described");
    c = start;
    enhanced_packet(&c, 0, 2, 1);
    c.at[at + 20] = 65; /* captured more than the block holds */
    expect_damage(c, "a packet that does not fit its block");
    c.at[at + 20] = 60;
    c.at[at + 23] = 0x80;
    expect_damage(c, "a packet that does not fit its block");
    c = start;
    enhanced_packet(&c, 0, 2, 1);
    c.at[c.size - 4] ^= 1;
    expect_damage(c, "a block whose two lengths differ");
    c = start;
    interface(&c, 1, 9);
    c.at[at + 18] = 9; /* the option's length */
    expect_damage(c, "an interface whose description does not fit its block");
    c = start;
    section(&c);
    c.at[at + 12] = 2; /* version */
    expect_damage(c, "a section of an unknown version");
    c.at[at + 8] ^= 1;
    expect_damage(c, "a section without a byte order");
    static const uint32_t lengths[] = {0, 8, 11, (16 << 20) + 1, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        c = start;
        block(&c, 6, lengths[i]);
        put(&c, 0, 8);
        expect_damage(c, "a block of an impossible length");
    }
    c = start; /* as long as a block may be, and cut */
    block(&c, 6, 16 << 20);
    put(&c, 0, 8);
    open_one(write_content("a", c));
    expect_packet(1, 60, 60, 1);
    expect_problem("a: cut after packet 1", CAPTURE_CUT);
}

static void test_no_pcapng(void)
{
    struct content c = {0};
    section(&c);
    c.at[8] ^= 1;
    expect_refused(write_content("a", c), "a: a section without a byte order");
    c = (struct content){0};
    section(&c);
    enhanced_packet(&c, 0, 1, 1);
    expect_refused(write_content("a", c), "a: a packet of an interface that was not described");
    c = (struct content){0};
    section(&c);
    expect_refused(write_content("a", c), "a: cut inside the file header");
    static const char wrong[] = "a: not a capture file (neither pcap nor pcapng, plain, gzip or zstd)";
    expect_refused(write_bytes("a", "\n\n\n\n some text that begins with empty lines", 42), wrong);
    expect_refused(write_bytes("a", "\n1", 2), wrong);
    c = (struct content){.big_endian = true};
    block(&c, 0x0a000000, 12);
    put(&c, 12, 4);
    interface(&c, 1, 9);
    expect_refused(write_content("a", c), wrong);
}

/* Random changes of a small file: it is read, or not, to an end. */
static void test_hostile_pcapng(void)
{
    struct content start = {0};
    section(&start);
    interface(&start, 1, 9);
    interface_with_offset(&start, 6, 1);
    enhanced_packet(&start, 0, 1, 1);
    enhanced_packet(&start, 1, 1, 1);
    unsigned seed = 99;
    for (unsigned i = 0; i < 4000; i++) {
        struct content c = start;
        for (unsigned changes = 0; changes < 1 + i % 3; changes++) {
            seed = seed * 1664525u + 1013904223u;
            c.at[(seed >> 8) % c.size] = (uint8_t)(seed & 0x100 ? seed >> 24 : seed >> 30);
        }
        memset(&errors, 0, sizeof(errors));
        open_one(write_content("a", c));
        unsigned packets = 0;
        while (capture && capture_next(capture, &frame, 1) != CAPTURE_END) {
            TEST_ASSERT_TRUE(frame.time_ns >= 0 && frame.time_ns < INT64_C(1) << 62);
            TEST_ASSERT_TRUE(packets++ < 4);
        }
        capture_close(capture);
        capture = NULL;
    }
}

static void test_packed_files(void)
{
    struct content c = small_pcap(100, 50);
    static uint8_t packed[16384];
    size_t size[4];
    /* gzip, zstd, each whole and in two members split in the middle of a record */
    for (unsigned variant = 0; variant < 4; variant++) {
        size_t (*pack)(const void *, size_t, uint8_t *, size_t) = variant & 1 ? zstd : gzip;
        size_t half = variant & 2 ? 777 : 0, used = 0;
        if (half)
            used = pack(c.at, half, packed, sizeof(packed));
        size[variant] = used + pack(c.at + half, c.size - half, packed + used, sizeof(packed) - used);
        open_one(write_bytes("a.pcap", packed, size[variant]));
        TEST_ASSERT_NOT_NULL(capture);
        for (unsigned i = 0; i < 50; i++)
            expect_packet((100 + i) * second + i * 1000, 60, 60, (uint8_t)(100 + i));
        expect_end();
        TEST_ASSERT_EQUAL_INT(size[variant], capture_size(capture));
        TEST_ASSERT_EQUAL_INT(size[variant], capture_position(capture));
        capture_close(capture);
        capture = NULL;
    }
    TEST_ASSERT_EQUAL_INT(0, errors.count);
}

static void test_packed_files_that_end_early(void)
{
    struct content c = small_pcap(100, 50);
    static uint8_t packed[16384];
    for (unsigned variant = 0; variant < 2; variant++) {
        size_t size = (variant ? zstd : gzip)(c.at, c.size, packed, sizeof(packed));
        for (size_t cut = 0; cut < size; cut += cut < 40 ? 1 : 7) {
            memset(&errors, 0, sizeof(errors));
            open_one(write_bytes("a.pcap.x", packed, cut));
            if (!capture) {
                TEST_ASSERT_EQUAL_INT(1, errors.count);
                continue;
            }
            int status;
            while ((status = capture_next(capture, &frame, 1)) > 0)
                ;
            TEST_ASSERT_EQUAL_INT(CAPTURE_PROBLEM, status);
            TEST_ASSERT_NOT_NULL(strstr(capture_problem(capture), ": cut after packet "));
            TEST_ASSERT_EQUAL_INT(CAPTURE_CUT, capture_input(capture, 0)->state);
            capture_close(capture);
            capture = NULL;
        }
    }
}

/* The packed data stop where a record ends: libpcap sees a proper end, and only the packing knows better. */
static void test_packed_files_that_end_between_records(void)
{
    struct content c = small_pcap(100, 5);
    static uint8_t packed[16384];
    z_stream z = {.next_in = c.at, .avail_in = (uInt)c.size, .next_out = packed, .avail_out = sizeof(packed)};
    TEST_ASSERT_EQUAL_INT(Z_OK, deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY));
    TEST_ASSERT_EQUAL_INT(Z_OK, deflate(&z, Z_FULL_FLUSH));
    deflateEnd(&z);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    static uint8_t other[16384];
    ZSTD_inBuffer in = {c.at, c.size, 0};
    ZSTD_outBuffer out = {other, sizeof(other), 0};
    TEST_ASSERT_EQUAL_INT(0, ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush));
    ZSTD_freeCCtx(context);
    const char *paths[] = {write_bytes("a", packed, sizeof(packed) - z.avail_out),
                           write_bytes("b", other, out.pos)};
    for (unsigned i = 0; i < 2; i++) {
        open_one(paths[i]);
        for (unsigned k = 0; k < 5; k++)
            TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
        expect_problem(": cut after packet 5", CAPTURE_CUT);
        capture_close(capture);
        capture = NULL;
    }
}

static void test_packed_files_that_are_damaged(void)
{
    struct content c = small_pcap(100, 100);
    for (size_t i = 24; i < c.size; i++) /* so that it does not pack to nothing */
        if (i % 76 > 40)
            c.at[i] = (uint8_t)(i * 2654435761u >> 13);
    static uint8_t packed[16384];
    for (unsigned variant = 0; variant < 2; variant++) {
        size_t size = (variant ? zstd : gzip)(c.at, c.size, packed, sizeof(packed));
        packed[size - 6] ^= 0x55; /* gzip: in the checksum */
        for (size_t i = size / 2; i < size / 2 + 40; i++)
            packed[i] ^= 0x55;
        open_one(write_bytes("a", packed, size));
        if (!capture) { /* zstd gives nothing of a bad block */
            expect_ends(variant ? "a: its zstd data are damaged" : "a: its gzip data are damaged",
                        errors.text[0]);
            continue;
        }
        int status;
        while ((status = capture_next(capture, &frame, 1)) > 0)
            ;
        TEST_ASSERT_EQUAL_INT(CAPTURE_PROBLEM, status);
        TEST_ASSERT_EQUAL_INT(CAPTURE_DAMAGED, capture_input(capture, 0)->state);
        TEST_ASSERT_NOT_NULL(strstr(capture_problem(capture), "data are damaged after packet"));
        capture_close(capture);
        capture = NULL;
    }
}

static void test_cut_at_every_length(void)
{
    struct content c = small_pcap(100, 3);
    for (size_t size = 0; size < c.size; size++) {
        memset(&errors, 0, sizeof(errors));
        open_one(write_bytes("a.pcap", c.at, size));
        if (size < 24) {
            TEST_ASSERT_NULL(capture);
            expect_ends(size == 0 ? "a.pcap: the file is empty" : "a.pcap: cut inside the file header",
                        errors.text[0]);
            continue;
        }
        TEST_ASSERT_NOT_NULL(capture);
        size_t whole = (size - 24) / 76;
        for (size_t i = 0; i < whole; i++)
            TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
        if ((size - 24) % 76 == 0) {
            expect_end();
        } else {
            char text[64];
            snprintf(text, sizeof(text), "a.pcap: cut after packet %zu", whole);
            expect_problem(text, CAPTURE_CUT);
        }
        capture_close(capture);
        capture = NULL;
    }
}

static void test_pcapng_cut_at_every_length(void)
{
    struct content c = {0};
    section(&c);
    interface(&c, 1, 9);
    for (unsigned i = 0; i < 2; i++)
        enhanced_packet(&c, 0, i, 1);
    for (size_t size = 0; size < c.size; size++) {
        memset(&errors, 0, sizeof(errors));
        open_one(write_bytes("a", c.at, size));
        if (size < 60) {
            TEST_ASSERT_NULL(capture);
            TEST_ASSERT_EQUAL_INT(1, errors.count);
            continue;
        }
        int status;
        uint64_t packets = 0;
        while ((status = capture_next(capture, &frame, 1)) > 0)
            packets++;
        TEST_ASSERT_EQUAL_INT((size - 60) / 92, packets);
        TEST_ASSERT_EQUAL_INT((size - 60) % 92 ? CAPTURE_PROBLEM : CAPTURE_END, status);
        capture_close(capture);
        capture = NULL;
    }
}

static void test_a_damaged_record(void)
{
    struct content c = small_pcap(100, 2);
    put(&c, 100, 8);
    put(&c, 0x7fffffff, 4); /* captured length */
    put(&c, 0x7fffffff, 4);
    for (unsigned i = 0; i < 1000; i++)
        put(&c, 0, 4);
    open_one(write_content("a.pcap", c));
    expect_packet(100 * second, 60, 60, 100);
    expect_packet(101 * second + 1000, 60, 60, 101);
    TEST_ASSERT_EQUAL_INT(CAPTURE_PROBLEM, capture_next(capture, &frame, 1));
    TEST_ASSERT_NOT_NULL(strstr(capture_problem(capture), "a.pcap: cannot be read beyond packet 2: "));
    TEST_ASSERT_EQUAL_INT(CAPTURE_DAMAGED, capture_input(capture, 0)->state);
}

static void test_what_is_no_capture(void)
{
    expect_refused(write_bytes("empty", "", 0), "empty: the file is empty");
    const char *wrong = "text: not a capture file (neither pcap nor pcapng, plain, gzip or zstd)";
    expect_refused(write_bytes("text", "a", 1), wrong);
    expect_refused(write_bytes("text", "some text and more of it, as long as a header", 45), wrong);
    uint8_t packed[256];
    expect_refused(write_bytes("text", packed, gzip("some text", 9, packed, sizeof(packed))), wrong);
    expect_refused(write_bytes("text", packed, zstd("some text", 9, packed, sizeof(packed))), wrong);
    expect_refused(path_of("missing"), "missing: No such file or directory");
    expect_refused(write_content("radio", pcap(MICRO, false, 127)),
                   "radio: link type IEEE802_11_RADIO (127) is not read");
    expect_refused(write_content("strange", pcap(MICRO, false, 60000)),
                   "strange: link type unknown (60000) is not read");
    struct content old = pcap(MICRO, false, 1);
    old.at[4] = 9; /* version 9.4 */
    memset(&errors, 0, sizeof(errors));
    open_one(write_content("old", old));
    TEST_ASSERT_NULL(capture);
    TEST_ASSERT_EQUAL_INT(1, errors.count);
}

static void test_unreadable(void)
{
    if (geteuid() == 0)
        return; /* root reads everything */
    const char *path = write_content("secret", small_pcap(1, 1));
    chmod(path, 0);
    expect_refused(path, "secret: Permission denied");
    path = path_of("closed");
    mkdir(path, 0);
    expect_refused(path, "closed: Permission denied");
}

static void test_a_capture_without_packets(void)
{
    const char *paths[] = {write_content("none", small_pcap(1, 0)), write_content("one", small_pcap(1, 1))};
    open_paths(NULL, 2, paths);
    expect_packet(1 * second, 60, 60, 1);
    expect_end();
    TEST_ASSERT_EQUAL_STRING(paths[1], capture_input(capture, 0)->name); /* those without a time come last */
    TEST_ASSERT_EQUAL_INT(24, capture_input(capture, 1)->signature_size);
}

static void test_files_are_read_in_the_order_of_their_packets(void)
{
    const char *paths[] = {write_content("c", small_pcap(30, 2)), write_content("b", small_pcap(10, 1)),
                           write_content("a", small_pcap(20, 1)), write_content("d", small_pcap(10, 1))};
    open_paths(NULL, 4, paths);
    TEST_ASSERT_EQUAL_INT(4, capture_input_count(capture));
    static const int order[] = {1, 3, 2, 0}; /* equal times: as given */
    for (size_t i = 0; i < 4; i++)
        TEST_ASSERT_EQUAL_STRING(paths[order[i]], capture_input(capture, i)->name);
    expect_packet(10 * second, 60, 60, 10);
    TEST_ASSERT_EQUAL_INT(0, frame.interface);
    TEST_ASSERT_EQUAL_INT(CAPTURE_READING, capture_input(capture, 0)->state);
    TEST_ASSERT_EQUAL_INT(CAPTURE_WAITING, capture_input(capture, 1)->state);
    expect_packet(10 * second, 60, 60, 10);
    TEST_ASSERT_EQUAL_INT(1, frame.interface);
    expect_packet(20 * second, 60, 60, 20);
    expect_packet(30 * second, 60, 60, 30);
    expect_packet(31 * second + 1000, 60, 60, 31);
    TEST_ASSERT_EQUAL_INT(3, frame.interface);
    expect_end();
    TEST_ASSERT_EQUAL_INT(4 * 24 + 5 * 76, capture_size(capture));
    TEST_ASSERT_EQUAL_INT(4 * 24 + 5 * 76, capture_position(capture));
}

static void test_folders(void)
{
    mkdir(path_of("in"), 0700);
    mkdir(path_of("in/deeper"), 0700);
    write_content("in/deeper/no.pcap", small_pcap(1, 1));
    write_content("in/.hidden.pcap", small_pcap(2, 1));
    write_content("in/b.pcap", small_pcap(30, 1));
    write_content("in/a.pcap", small_pcap(40, 1));
    write_bytes("in/notes.txt", "not a capture", 13);
    const char *paths[] = {path_of("in"), write_content("z.pcap", small_pcap(35, 1))};
    open_paths(NULL, 2, paths);
    TEST_ASSERT_EQUAL_INT(3, capture_input_count(capture));
    TEST_ASSERT_EQUAL_STRING(path_of("in/b.pcap"), capture_input(capture, 0)->name);
    TEST_ASSERT_EQUAL_STRING(path_of("z.pcap"), capture_input(capture, 1)->name);
    TEST_ASSERT_EQUAL_STRING(path_of("in/a.pcap"), capture_input(capture, 2)->name);
    TEST_ASSERT_EQUAL_INT(1, errors.count);
    TEST_ASSERT_NOT_NULL(strstr(errors.text[0], "in/notes.txt: not a capture file"));
    capture_close(capture);
    mkdir(path_of("empty"), 0700);
    expect_refused(path_of("empty"), "empty: no files in this folder");
}

static void test_one_bad_input_costs_only_itself(void)
{
    struct content cut = small_pcap(10, 2);
    cut.size -= 30;
    const char *paths[] = {write_content("cut", cut), write_bytes("bad", "xxxxxxxx", 8),
                           write_content("gone", small_pcap(20, 1)),
                           write_content("good", small_pcap(30, 1))};
    open_paths(NULL, 4, paths);
    TEST_ASSERT_EQUAL_INT(1, errors.count);
    TEST_ASSERT_EQUAL_INT(3, capture_input_count(capture));
    remove(paths[2]);
    expect_packet(10 * second, 60, 60, 10);
    expect_problem("cut: cut after packet 1", CAPTURE_CUT);
    TEST_ASSERT_EQUAL_INT(CAPTURE_PROBLEM, capture_next(capture, &frame, 1));
    expect_ends("gone: No such file or directory", capture_problem(capture));
    expect_packet(30 * second, 60, 60, 30);
    expect_end();
}

/* Puts the file on standard input, through a pipe. */
static void open_stream(const char *path, const char *filter)
{
    int ends[2];
    TEST_ASSERT_EQUAL_INT(0, pipe(ends));
    FILE *file = fopen(path, "rb");
    TEST_ASSERT_NOT_NULL(file);
    char data[8192];
    size_t size = fread(data, 1, sizeof(data), file);
    fclose(file);
    TEST_ASSERT_EQUAL_INT(size, write(ends[1], data, size));
    close(ends[1]);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    const char *stream = "-";
    open_paths(filter, 1, &stream);
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void test_standard_input(void)
{
    open_stream(write_content("a", small_pcap(10, 3)), NULL);
    TEST_ASSERT_NOT_NULL(capture);
    TEST_ASSERT_EQUAL_STRING("-", capture_input(capture, 0)->name);
    TEST_ASSERT_EQUAL_INT(0, capture_size(capture));
    expect_packet(10 * second, 60, 60, 10);
    expect_packet(11 * second + 1000, 60, 60, 11);
    TEST_ASSERT_FALSE(capture_can_rewind(capture));
    TEST_ASSERT_FALSE(capture_rewind(capture));
    expect_packet(12 * second + 2000, 60, 60, 12);
    expect_end();
}

static void test_a_stream_stands_alone(void)
{
    const char *paths[] = {write_content("a", small_pcap(10, 1)), "-"};
    open_paths(NULL, 2, paths);
    TEST_ASSERT_NULL(capture);
    TEST_ASSERT_EQUAL_STRING("-: a stream must be the only input: its packets cannot be put in order",
                             errors.text[0]);
    paths[1] = path_of("pipe");
    mkfifo(paths[1], 0600);
    open_paths(NULL, 2, paths);
    TEST_ASSERT_NULL(capture);
}

static void test_rewind(void)
{
    const char *paths[] = {write_content("a", small_pcap(10, 2)), write_content("b", small_pcap(20, 1))};
    open_paths(NULL, 2, paths);
    for (unsigned pass = 0; pass < 3; pass++) {
        expect_packet(10 * second, 60, 60, 10);
        expect_packet(11 * second + 1000, 60, 60, 11);
        expect_packet(20 * second, 60, 60, 20);
        if (pass == 0) /* also from the middle */
            expect_end();
        TEST_ASSERT_EQUAL_INT(2, capture_input(capture, 0)->packets);
        TEST_ASSERT_TRUE(capture_rewind(capture));
        TEST_ASSERT_EQUAL_INT(0, capture_input(capture, 0)->packets);
        TEST_ASSERT_EQUAL_INT(CAPTURE_WAITING, capture_input(capture, 0)->state);
        TEST_ASSERT_EQUAL_INT(0, capture_position(capture));
    }
}

/* Two Ethernet frames: UDP to port 53, TCP to port 80. */
static struct content udp_and_tcp(void)
{
    struct content c = pcap(MICRO, false, 1);
    for (unsigned i = 0; i < 2; i++) {
        record(&c, 10 + i, 0, 60, 60, 0);
        uint8_t *at = c.at + c.size - 60;
        at[12] = 8;
        at[14] = 0x45;
        at[23] = i ? 6 : 17;
        at[37] = i ? 80 : 53;
    }
    return c;
}

static void test_filter(void)
{
    const char *path = write_content("a", udp_and_tcp());
    open_paths("tcp dst port 80", 1, &path);
    TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
    TEST_ASSERT_EQUAL_INT64(11 * second, frame.time_ns);
    expect_end();
    TEST_ASSERT_EQUAL_INT(1, capture_input(capture, 0)->packets);
    TEST_ASSERT_EQUAL_INT(1, capture_input(capture, 0)->filtered);
    TEST_ASSERT_EQUAL_INT64(11 * second, capture_input(capture, 0)->first_ns);
    capture_close(capture);
    open_stream(path, "udp");
    TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
    TEST_ASSERT_EQUAL_INT64(10 * second, frame.time_ns);
    expect_end();
    TEST_ASSERT_EQUAL_INT(1, capture_input(capture, 0)->filtered);
}

/* A filter is asked in the words of each link type: the same IP packet behind Ethernet, alone, and behind a
 * header that this filter makes no sense for. */
static void test_a_filter_for_several_link_types(void)
{
    static const uint8_t ip[60] = {0x45, 0, 0, 60, 0,  0, 0x40, 0, 64, 17, 0, 0,
                                   10,   0, 0, 1,  10, 0, 0,    2, 0,  53, 0, 53};
    struct content c = {0};
    section(&c);
    interface(&c, 1, 9);
    interface(&c, 101, 9);
    for (uint32_t i = 0; i < 2; i++) {
        enhanced_packet(&c, 0, 10 + i, 0);
        uint8_t *ethernet = c.at + c.size - 4 - 60;
        ethernet[12] = 0x08;
        memcpy(ethernet + 14, ip, 46);
        enhanced_packet(&c, 1, 20 + i, 0);
        memcpy(c.at + c.size - 4 - 60, ip, 60);
        c.at[c.size - 4 - 60 + 9] = i ? 6 : 17; /* the second one is TCP */
    }
    const char *path = write_content("a", c);
    static const struct {
        const char *filter;
        unsigned times[5], filtered;
    } cases[] = {
        {"udp port 53", {10, 20, 11}, 1},
        {"tcp", {21}, 3},
        {"ip", {10, 20, 11, 21}, 0},
        {"ether[12:2] = 0x0800 and udp", {10, 11}, 2}, /* the bytes of each link type's own header */
        {"ether broadcast or udp", {10, 11}, 2},       /* not possible without Ethernet */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_paths(cases[i].filter, 1, &path);
        TEST_ASSERT_NOT_NULL(capture);
        for (unsigned k = 0; cases[i].times[k]; k++) {
            TEST_ASSERT_EQUAL_INT(1, capture_next(capture, &frame, 1));
            TEST_ASSERT_EQUAL_INT64(cases[i].times[k], frame.time_ns);
        }
        expect_end();
        TEST_ASSERT_EQUAL_INT(cases[i].filtered, capture_input(capture, 0)->filtered);
        capture_close(capture);
        capture = NULL;
    }
}

static void test_a_wrong_filter(void)
{
    const char *paths[] = {write_content("a", udp_and_tcp()), write_content("b", udp_and_tcp())};
    open_paths("prot tcp", 2, paths);
    TEST_ASSERT_NULL(capture);
    TEST_ASSERT_EQUAL_INT(1, errors.count); /* said once */
    TEST_ASSERT_EQUAL_INT(0, strncmp(errors.text[0], "filter \"prot tcp\": ", 19));
}

/* The same content has the same signature, packed or not, named or piped, filtered or not. */
static void test_signature(void)
{
    struct content c = small_pcap(100, 5);
    static uint8_t packed[16384];
    const char *plain = write_content("a", c);
    const char *paths[] = {plain, write_bytes("b", packed, gzip(c.at, c.size, packed, sizeof(packed)))};
    open_paths("udp", 2, paths);
    for (size_t i = 0; i < 2; i++) {
        const struct capture_input *input = capture_input(capture, i);
        TEST_ASSERT_EQUAL_INT(24 + 16 + 60, input->signature_size);
        TEST_ASSERT_EQUAL_INT(0, memcmp(c.at, input->signature, input->signature_size));
    }
    capture_close(capture);
    open_stream(plain, NULL);
    TEST_ASSERT_EQUAL_INT(24 + 16 + 60, capture_input(capture, 0)->signature_size);
    capture_close(capture);

    struct content large = pcap(NANO, true, 1);
    record(&large, 1, 2, 1500, 1500, 9);
    open_one(write_content("c", large));
    TEST_ASSERT_EQUAL_INT(CAPTURE_SIGNATURE_MAX, capture_input(capture, 0)->signature_size);
    TEST_ASSERT_EQUAL_INT(0, memcmp(large.at, capture_input(capture, 0)->signature, CAPTURE_SIGNATURE_MAX));
    capture_close(capture);

    struct content ng = {.big_endian = true};
    section(&ng);
    interface(&ng, 1, 9);
    enhanced_packet(&ng, 0, 1, 1);
    enhanced_packet(&ng, 0, 2, 2);
    open_one(write_content("d", ng));
    TEST_ASSERT_EQUAL_INT(28 + 32 + 92, capture_input(capture, 0)->signature_size);
}

static void test_more_mistakes_than_are_kept(void)
{
    const char *paths[40];
    for (size_t i = 0; i < 40; i++)
        paths[i] = "/nonexistent/file.pcap";
    open_paths(NULL, 40, paths);
    TEST_ASSERT_NULL(capture);
    TEST_ASSERT_EQUAL_INT(40, errors.count);
    TEST_ASSERT_EQUAL_STRING("/nonexistent/file.pcap: No such file or directory",
                             errors.text[CAPTURE_ERRORS_MAX - 1]);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_byte_orders_and_resolutions);
    RUN_TEST(test_hostile_times_and_lengths);
    RUN_TEST(test_pcapng);
    RUN_TEST(test_interfaces_that_differ);
    RUN_TEST(test_the_link_type_of_the_first_packet);
    RUN_TEST(test_several_sections);
    RUN_TEST(test_pcapng_times);
    RUN_TEST(test_other_packet_blocks);
    RUN_TEST(test_damaged_pcapng);
    RUN_TEST(test_no_pcapng);
    RUN_TEST(test_hostile_pcapng);
    RUN_TEST(test_packed_files);
    RUN_TEST(test_packed_files_that_end_early);
    RUN_TEST(test_packed_files_that_end_between_records);
    RUN_TEST(test_packed_files_that_are_damaged);
    RUN_TEST(test_cut_at_every_length);
    RUN_TEST(test_pcapng_cut_at_every_length);
    RUN_TEST(test_a_damaged_record);
    RUN_TEST(test_what_is_no_capture);
    RUN_TEST(test_unreadable);
    RUN_TEST(test_a_capture_without_packets);
    RUN_TEST(test_files_are_read_in_the_order_of_their_packets);
    RUN_TEST(test_folders);
    RUN_TEST(test_one_bad_input_costs_only_itself);
    RUN_TEST(test_standard_input);
    RUN_TEST(test_a_stream_stands_alone);
    RUN_TEST(test_rewind);
    RUN_TEST(test_filter);
    RUN_TEST(test_a_filter_for_several_link_types);
    RUN_TEST(test_a_wrong_filter);
    RUN_TEST(test_signature);
    RUN_TEST(test_more_mistakes_than_are_kept);
    return UNITY_END();
}
