/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_fragment.c - reassembly as decode_frame() shows it: order, both IP versions, tunnels, copies,
 * overlaps, snap lengths, time, a full pool, how long a completed payload stays, and what is told of
 * datagrams that never became whole.
 */
#include "frame_build.h"

static const int64_t second = 1000000000;

static struct decoder *decoder;
static struct packet packet;
static int64_t now;

void setUp(void)
{
    decoder = decoder_create();
    now = 1700000000 * second;
}

void tearDown(void)
{
    decoder_destroy(decoder);
}

static enum decode_result put(struct blob frame)
{
    return decode_part(decoder, 1, frame.at, frame.size, frame.size, now, &packet);
}

#define FRAGMENTS (decoder_counters(decoder)->fragments)

/* UDP 50040 to 3478 with `size` counting bytes: what the fragments below are cut from. */
static struct blob datagram(size_t size)
{
    return udp(50040, 3478, filler(size, 0));
}

static struct blob part_of(struct blob whole, size_t from, size_t size)
{
    struct blob part = {.size = size};
    memcpy(part.at, whole.at + from, size);
    return part;
}

static struct blob fragment4(uint16_t id, size_t offset, bool more, struct blob part)
{
    uint16_t place = (uint16_t)(offset / 8 | (more ? 0x2000 : 0));
    return ethernet(0x0800, ipv4_full("10.20.0.50", "10.20.0.11", 17, id, place, part));
}

/* Bytes [from, from + size) of the datagram. */
static struct blob cut4(uint16_t id, struct blob whole, size_t from, size_t size)
{
    return fragment4(id, from, from + size < whole.size, part_of(whole, from, size));
}

static struct blob cut6(uint32_t id, struct blob whole, size_t from, size_t size)
{
    uint16_t place = (uint16_t)(from | (from + size < whole.size ? 1u : 0u));
    struct blob header = join(hex("1100"), join(number(place, 2), number(id, 4)));
    return ethernet(0x86dd,
                    ipv6_full("2001:db8::50", "2001:db8::11", 44, join(header, part_of(whole, from, size))));
}

static void expect_whole(size_t size)
{
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_TRUE(packet.is_fragmented);
    TEST_ASSERT_FALSE(packet.is_cut);
    TEST_ASSERT_EQUAL_INT(size, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(size, packet.payload_wirelen);
    for (size_t i = 0; i < size; i++)
        TEST_ASSERT_EQUAL_INT(i & 255, packet.payload.at[i]);
}

static void test_a_decoder_that_was_reset_has_forgotten(void)
{
    struct blob whole = datagram(100);
    put(cut4(1, whole, 0, 56));
    decoder_reset(decoder);
    TEST_ASSERT_EQUAL_INT(0, FRAGMENTS.kept);
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, whole, 56, whole.size - 56)));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 0, 56)));
    expect_whole(100);
}

static void test_in_any_order(void)
{
    static const unsigned orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct blob whole = datagram(100);
    for (uint16_t i = 0; i < 6; i++) {
        for (unsigned k = 0; k < 3; k++) {
            size_t from = orders[i][k] * 40;
            size_t size = from == 80 ? whole.size - 80 : 40;
            TEST_ASSERT_EQUAL_INT(k < 2 ? DECODE_FRAGMENT : DECODED, put(cut4(i, whole, from, size)));
        }
        expect_whole(100);
        TEST_ASSERT_EQUAL_INT(20 + 108, packet.ip_bytes);
        TEST_ASSERT_EQUAL_INT(i, packet.ip_id);
        for (unsigned k = 0; k < 3; k++) {
            size_t from = orders[i][k] * 40;
            size_t size = from == 80 ? whole.size - 80 : 40;
            TEST_ASSERT_EQUAL_INT(k < 2 ? DECODE_FRAGMENT : DECODED, put(cut6(i, whole, from, size)));
        }
        expect_whole(100);
    }
    TEST_ASSERT_EQUAL_INT(36, FRAGMENTS.kept);
    TEST_ASSERT_EQUAL_INT(12, FRAGMENTS.reassembled);
    TEST_ASSERT_EQUAL_INT(24, decoder_counters(decoder)->results[DECODE_FRAGMENT]);
}

static void test_datagrams_do_not_mix(void)
{
    struct blob whole = datagram(72);
    put(cut4(1, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(2, whole, 40, 40)));
    struct blob other_protocol = cut4(1, whole, 40, 40);
    other_protocol.at[14 + 9] = 132;
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(other_protocol));
    struct blob other_way = cut4(1, whole, 40, 40);
    other_way.at[14 + 15] = 51; /* 10.20.0.51 */
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(other_way));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    expect_whole(72);
}

static void test_a_large_datagram(void)
{
    /* 65,507 bytes of UDP payload, the most that IPv4 carries: 65,515 with the UDP header. */
    struct blob first = join(join(number(50040, 2), number(3478, 2)), join(number(65515, 2), hex("0000")));
    first = join(first, filler(992, 0));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(fragment4(7, 0, true, first)));
    for (size_t from = 1000; from < 65000; from += 1000)
        TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT,
                              put(fragment4(7, from, true, filler(1000, (uint8_t)(from - 8)))));
    TEST_ASSERT_EQUAL_INT(DECODED, put(fragment4(7, 65000, false, filler(515, (uint8_t)(65000 - 8)))));
    expect_whole(65507);
}

static void test_impossible_fragments(void)
{
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, put(fragment4(1, 0, true, filler(41, 0))));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, put(fragment4(1, 65528, false, filler(8, 0))));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, put(fragment4(1, 8, false, hex(""))));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(fragment4(1, 65528, false, filler(7, 0))));
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.kept);
}

/* A mirror port that shows every packet twice. */
static void test_copies_are_ignored(void)
{
    struct blob whole = datagram(72);
    put(cut4(1, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, whole, 0, 40)));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    expect_whole(72);
    now += second / 1000;
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, whole, 40, 40)));
    TEST_ASSERT_EQUAL_INT(2, FRAGMENTS.duplicate);
    TEST_ASSERT_EQUAL_INT(0, FRAGMENTS.overlapping);
    /* Nothing of the copy may stay behind to meet the next datagram with this identification. */
    struct blob next = udp(50040, 3478, filler(72, 5));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, next, 0, 40)));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, next, 40, 40)));
    TEST_ASSERT_EQUAL_INT(5, packet.payload.at[0]);
}

static void expect_refused(struct blob first, struct blob second_one, struct blob rest)
{
    uint64_t before = FRAGMENTS.overlapping;
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(first));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(second_one));
    TEST_ASSERT_EQUAL_INT(before + 1, FRAGMENTS.overlapping);
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(rest));
    TEST_ASSERT_EQUAL_INT(before + 1, FRAGMENTS.overlapping);
}

static void test_overlaps_are_refused(void)
{
    struct blob whole = datagram(72);
    struct blob rest = part_of(whole, 40, 40);
    /* Other bytes in the same place. */
    expect_refused(cut4(1, whole, 0, 40), fragment4(1, 0, true, filler(40, 0x77)), cut4(1, whole, 40, 40));
    /* Reaching over an edge, with the same bytes even. */
    expect_refused(cut4(2, whole, 0, 40), cut4(2, whole, 32, 16), cut4(2, whole, 40, 40));
    /* Two different ends; an end before what is there; more after the end. */
    expect_refused(fragment4(3, 40, false, rest), fragment4(3, 48, false, rest), cut4(3, whole, 0, 40));
    expect_refused(fragment4(4, 80, true, rest), fragment4(4, 40, false, rest), cut4(4, whole, 0, 40));
    expect_refused(fragment4(5, 40, false, rest), fragment4(5, 80, true, rest), cut4(5, whole, 0, 40));
    /* The last 8 bytes again, no longer as the last; the first ones again, now as the last. */
    expect_refused(fragment4(6, 40, false, rest), fragment4(6, 40, true, rest), cut4(6, whole, 0, 40));
    expect_refused(fragment4(7, 40, true, rest), fragment4(7, 40, false, rest), cut4(7, whole, 0, 40));
    expect_refused(cut6(1, whole, 0, 40), cut6(1, whole, 32, 16), cut6(1, whole, 40, 40));
    TEST_ASSERT_EQUAL_INT(0, FRAGMENTS.reassembled);
}

static void test_time_out(void)
{
    struct blob whole = datagram(72);
    put(cut4(1, whole, 0, 40));
    put(cut4(2, whole, 40, 40));
    now += 30 * second;
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(2, whole, 0, 40)));
    now += 1;
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, whole, 40, 40)));
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.timed_out);
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.incomplete); /* the first fragment of 1 was there */
    now += 31 * second;
    put(cut4(9, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(2, FRAGMENTS.timed_out);
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.incomplete);
}

/* A refused datagram is forgotten after the same time, and counted once. */
static void test_refusal_times_out(void)
{
    struct blob whole = datagram(72);
    put(cut4(1, whole, 0, 40));
    put(fragment4(1, 0, true, filler(40, 0x77)));
    now += 31 * second;
    put(cut4(1, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    TEST_ASSERT_EQUAL_INT(0, FRAGMENTS.timed_out);
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.overlapping);
}

static void test_time_going_back(void)
{
    struct blob whole = datagram(72);
    put(cut4(1, whole, 0, 40));
    now -= 3600 * second;
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    now = 0;
    put(cut4(2, whole, 0, 40));
    now = (INT64_C(1) << 62) - 1;
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(2, whole, 40, 40)));
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.timed_out);
    /* One packet from the future stands first in the list and never grows old: those behind it still do. */
    put(cut4(3, whole, 0, 40));
    now = 0;
    put(cut4(4, whole, 0, 40));
    now = 31 * second;
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(4, whole, 40, 40)));
    TEST_ASSERT_EQUAL_INT(2, FRAGMENTS.timed_out);
}

static void test_the_oldest_goes_when_the_pool_is_full(void)
{
    struct blob whole = datagram(72);
    for (uint16_t id = 0; id < 256; id++)
        TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(id, whole, 0, 40)));
    TEST_ASSERT_EQUAL_INT(0, FRAGMENTS.evicted);
    put(cut4(1000, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.evicted);
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.incomplete);
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(0, whole, 40, 40))); /* it was this one */
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(255, whole, 40, 40)));
    /* A flood keeps the pool's size and everything working. */
    for (unsigned i = 0; i < 20000; i++)
        put(cut4((uint16_t)(2000 + i), whole, i % 2 * 40, 40));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, whole, 0, 40)));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    expect_whole(72);
}

static void test_a_completed_payload_stays_for_a_batch(void)
{
    struct blob whole = datagram(72), other = udp(50040, 3478, filler(72, 0x90));
    put(cut4(1, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, whole, 40, 40)));
    struct packet kept = packet;
    for (uint16_t i = 0; i < DECODE_BATCH_MAX; i++)
        put(cut4((uint16_t)(100 + i), other, 0, 40));
    packet = kept;
    expect_whole(72);
    /* Also when the pool is full all the time. */
    for (uint16_t i = 0; i < 600; i++)
        put(cut4((uint16_t)(1000 + i), other, 0, 40));
    put(cut4(2, whole, 0, 40));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(2, whole, 40, 40)));
    kept = packet;
    for (uint16_t i = 0; i < DECODE_BATCH_MAX; i++)
        put(cut4((uint16_t)(3000 + i), other, 0, 40));
    packet = kept;
    expect_whole(72);
}

/* What a snap length took from the fragments is missing from the payload's end on, not wrong. */
static void test_cut_fragments(void)
{
    struct blob whole = datagram(72);
    struct blob first = cut4(1, whole, 0, 40), last = cut4(1, whole, 40, 40);
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT,
                          decode_part(decoder, 1, first.at, first.size - 20, first.size, now, &packet));
    TEST_ASSERT_EQUAL_INT(DECODED, put(last));
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_TRUE(packet.is_cut && packet.payload.cut);
    TEST_ASSERT_EQUAL_INT(12, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(72, packet.payload_wirelen);
    /* Not even the ports: that is a cut, no mistake. */
    first = cut4(2, whole, 0, 40), last = cut4(2, whole, 40, 40);
    decode_part(decoder, 1, first.at, 14 + 20 + 3, first.size, now, &packet);
    TEST_ASSERT_EQUAL_INT(DECODE_CUT, put(last));
    /* A whole copy of a cut fragment does not contradict it. */
    first = cut4(3, whole, 0, 40), last = cut4(3, whole, 40, 40);
    decode_part(decoder, 1, first.at, first.size - 20, first.size, now, &packet);
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(first));
    TEST_ASSERT_EQUAL_INT(DECODED, put(last));
    TEST_ASSERT_EQUAL_INT(0, FRAGMENTS.overlapping);
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.duplicate);
}

static void test_a_fragmented_tunnel(void)
{
    struct blob tunnel = udp(40000, 4789, join(hex("08000000 00138900"), inner_ethernet()));
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, tunnel, 0, 48)));
    TEST_ASSERT_EQUAL_INT(DECODED, put(cut4(1, tunnel, 48, tunnel.size - 48)));
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_EQUAL_INT(1, packet.layer_count);
    TEST_ASSERT_EQUAL_INT(LAYER_VXLAN, packet.layers[0]);
    TEST_ASSERT_EQUAL_INT(16, packet.payload.left);
}

static void test_fragments_inside_a_tunnel(void)
{
    struct blob whole = datagram(72);
    for (size_t i = 0; i < 2; i++) {
        struct blob inner = cut4(1, whole, i * 40, 40);
        struct blob ip = part_of(inner, 14, inner.size - 14);
        struct blob frame = ethernet(0x0800, ipv4(47, join(hex("0000 0800"), ip)));
        TEST_ASSERT_EQUAL_INT(i == 0 ? DECODE_FRAGMENT : DECODED, put(frame));
    }
    expect_whole(72);
    TEST_ASSERT_EQUAL_INT(LAYER_GRE, packet.layers[0]);
}

/* The inner packet's fragments, in a tunnel whose packets are fragments too. */
static void test_fragments_inside_fragments(void)
{
    struct blob whole = datagram(72);
    for (uint16_t i = 0; i < 2; i++) {
        struct blob inner = cut4(1, whole, i * 40u, 40);
        struct blob outer = part_of(inner, 14, inner.size - 14);
        for (size_t from = 0; from < outer.size; from += 32) {
            size_t size = outer.size - from < 32 ? outer.size - from : 32;
            uint16_t place = (uint16_t)(from / 8 | (from + size < outer.size ? 0x2000 : 0));
            struct blob frame = ethernet(
                0x0800, ipv4_full("172.16.0.1", "172.16.0.2", 4, i, place, part_of(outer, from, size)));
            bool is_last = i == 1 && from + size == outer.size;
            TEST_ASSERT_EQUAL_INT(is_last ? DECODED : DECODE_FRAGMENT, put(frame));
        }
    }
    expect_whole(72);
    TEST_ASSERT_EQUAL_INT(3, FRAGMENTS.reassembled);
}

static void test_ipv6_headers_behind_the_fragment_header(void)
{
    struct blob chain = join(hex("11 00 0104 00000000"), datagram(72));
    for (size_t i = 0; i < 2; i++) {
        struct blob frame = cut6(5, chain, i * 48, i ? chain.size - 48 : 48);
        frame.at[14 + 40] =
            i == 0 ? 60 : 0; /* only the first one's next header counts (RFC 8200 section 4.5) */
        TEST_ASSERT_EQUAL_INT(i == 0 ? DECODE_FRAGMENT : DECODED, put(frame));
    }
    expect_whole(72);
}

static void test_ipv6_headers_before_the_fragment_header(void)
{
    struct blob whole = datagram(72);
    for (size_t i = 0; i < 2; i++) {
        struct blob fragment = part_of(cut6(5, whole, i * 40, 40), 14 + 40, 48);
        struct blob ah = hex("2c 04 0000 a0a0a0a0 00000001 000102030405060708090a0b");
        struct blob chain = join(hex("33 00 0104 00000000"), join(ah, fragment));
        struct blob frame = ethernet(0x86dd, ipv6_full("2001:db8::50", "2001:db8::11", 0, chain));
        TEST_ASSERT_EQUAL_INT(i == 0 ? DECODE_FRAGMENT : DECODED, put(frame));
    }
    expect_whole(72);
    TEST_ASSERT_EQUAL_INT(40 + 8 + 24 + 80, packet.ip_bytes);
}

static bool overdue(int64_t at)
{
    memset(&packet, 0xa5, sizeof(packet));
    return decode_overdue(decoder, at, &packet);
}

/* A first fragment of 40 bytes: 32 of the payload's `size`. */
static void expect_beginning(size_t size, int64_t time_ns)
{
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_TRUE(packet.is_fragmented && packet.is_cut && packet.payload.cut);
    TEST_ASSERT_EQUAL_INT(32, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(size, packet.payload_wirelen);
    TEST_ASSERT_EQUAL_INT64(time_ns, packet.time_ns);
    for (size_t i = 0; i < 32; i++)
        TEST_ASSERT_EQUAL_INT(i, packet.payload.at[i]);
}

static void test_the_first_fragment_of_what_timed_out(void)
{
    int64_t start = now;
    struct blob whole = datagram(72);
    put(cut4(1, whole, 0, 40));
    now += second;
    put(cut6(2, whole, 0, 40));
    put(cut4(3, whole, 40, 40)); /* its first never came */
    TEST_ASSERT_FALSE(overdue(start + 30 * second));
    TEST_ASSERT_TRUE(overdue(start + 30 * second + 1));
    expect_beginning(72, start);
    TEST_ASSERT_EQUAL_INT(1, packet.ip_id);
    TEST_ASSERT_EQUAL_INT(0x40, packet.ttl);
    TEST_ASSERT_FALSE(overdue(start + 30 * second + 1));
    TEST_ASSERT_TRUE(overdue(start + 40 * second));
    expect_beginning(72, start + second);
    TEST_ASSERT_FALSE(overdue(start + 40 * second));
    TEST_ASSERT_EQUAL_INT(3, FRAGMENTS.timed_out);
    TEST_ASSERT_EQUAL_INT(2, FRAGMENTS.incomplete);
    TEST_ASSERT_EQUAL_INT(DECODE_FRAGMENT, put(cut4(1, whole, 40, 40))); /* too late */
    TEST_ASSERT_FALSE(overdue(INT64_MAX));
}

static void test_the_first_fragments_at_the_end(void)
{
    struct blob whole = datagram(72);
    for (uint16_t i = 0; i < 256; i++)
        put(cut4(i, whole, 0, 40));
    put(cut4(1, whole, 40, 40)); /* this one became whole */
    for (uint16_t i = 0; i < 256; i++) {
        if (i == 1)
            continue;
        TEST_ASSERT_TRUE(overdue(INT64_MAX));
        expect_beginning(72, now);
        TEST_ASSERT_EQUAL_INT(i, packet.ip_id);
    }
    TEST_ASSERT_FALSE(overdue(INT64_MAX));
}

static void test_the_first_fragment_of_what_had_no_room(void)
{
    struct blob whole = datagram(72);
    for (uint16_t i = 0; i < 260; i++)
        put(cut4(i, whole, 0, 40));
    /* Nobody asked in time for all but one. */
    TEST_ASSERT_TRUE(overdue(now));
    TEST_ASSERT_EQUAL_INT(3, packet.ip_id);
    TEST_ASSERT_FALSE(overdue(now));
    for (uint16_t i = 260; i < 1000; i++) {
        put(cut4(i, whole, 0, 40));
        TEST_ASSERT_TRUE(overdue(now));
        TEST_ASSERT_EQUAL_INT(i - 256, packet.ip_id);
        expect_beginning(72, now);
        TEST_ASSERT_FALSE(overdue(now));
    }
}

static void test_no_fragment_of_what_was_refused(void)
{
    struct blob whole = datagram(72), other = udp(50040, 3478, filler(72, 0x90));
    put(cut4(1, whole, 0, 40));
    put(cut4(1, other, 0, 40));
    TEST_ASSERT_EQUAL_INT(1, FRAGMENTS.overlapping);
    TEST_ASSERT_FALSE(overdue(INT64_MAX));
}

/* Whatever else came, the payload ends before the first gap and is as long as UDP says. */
static void test_a_beginning_with_gaps(void)
{
    struct blob whole = datagram(192);
    put(cut4(1, whole, 0, 40));
    put(cut4(1, whole, 80, 40));
    put(cut4(1, whole, 160, 40));
    TEST_ASSERT_TRUE(overdue(INT64_MAX));
    expect_beginning(192, now);
    put(cut4(2, whole, 40, 40));
    put(cut4(2, whole, 0, 40));
    TEST_ASSERT_TRUE(overdue(INT64_MAX));
    TEST_ASSERT_EQUAL_INT(72, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(192, packet.payload_wirelen);
    struct blob first = cut4(3, whole, 0, 80);
    decode_part(decoder, 1, first.at, first.size - 40, first.size, now, &packet);
    TEST_ASSERT_TRUE(overdue(INT64_MAX));
    expect_beginning(192, now);
}

static void test_beginnings_of_other_protocols(void)
{
    struct blob segment = tcp(50041, 5061, filler(60, 0));
    struct blob frame = cut4(1, segment, 0, 40);
    frame.at[14 + 9] = 6;
    put(frame);
    TEST_ASSERT_TRUE(overdue(INT64_MAX));
    TEST_ASSERT_EQUAL_INT(6, packet.protocol);
    TEST_ASSERT_EQUAL_INT(5061, packet.destination_port);
    TEST_ASSERT_EQUAL_INT(20, packet.payload.left);
    TEST_ASSERT_TRUE(packet.is_cut && packet.payload_wirelen > 20);
    /* Too short for ports: there is nothing to tell. */
    frame = cut4(2, segment, 0, 8);
    frame.at[14 + 9] = 6;
    put(frame);
    TEST_ASSERT_FALSE(overdue(INT64_MAX));
    /* Of a tunnel's packet the inner one, with the layers before and behind the gap. */
    struct blob tunnel = udp(40000, 4789, join(hex("08000000 00138900"), inner_ethernet()));
    frame = cut4(3, tunnel, 0, 72);
    struct blob tagged =
        join(hex("020000000002 020000000001 8100 0064"), part_of(frame, 12, frame.size - 12));
    put(tagged);
    TEST_ASSERT_TRUE(overdue(INT64_MAX));
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_EQUAL_INT(100, packet.vlan);
    TEST_ASSERT_EQUAL_INT(2, packet.layer_count);
    TEST_ASSERT_EQUAL_INT(LAYER_VXLAN, packet.layers[1]);
    TEST_ASSERT_EQUAL_INT(16, packet.payload_wirelen);
}

/* Random fragments of few datagrams: the counters must add up and nothing may be read or written elsewhere.
 */
static void test_random_fragments(void)
{
    unsigned seed = 4711, beginnings = 0;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint16_t id = (uint16_t)(seed >> 28);
        size_t offset = (seed >> 16 & 15) * 8;
        size_t size = (seed >> 20 & 7) * 8 + 8;
        struct blob frame = fragment4(id, offset, seed >> 12 & 1, filler(size, (uint8_t)offset));
        now += i % 40 ? second / 10 : 60 * second;
        size_t caplen = seed >> 8 & 3 ? frame.size : frame.size - size / 2;
        enum decode_result result = decode_part(decoder, 1, frame.at, caplen, frame.size, now, &packet);
        TEST_ASSERT_TRUE(result != DECODED || packet.payload.left <= packet.payload_wirelen);
        if (i % 3 == 0 && decode_overdue(decoder, now, &packet)) {
            TEST_ASSERT_TRUE(packet.payload.left <= packet.payload_wirelen);
            beginnings++;
        }
    }
    TEST_ASSERT_TRUE(beginnings > 0);
    TEST_ASSERT_TRUE(FRAGMENTS.reassembled > 0);
    TEST_ASSERT_TRUE(FRAGMENTS.overlapping > 0);
    TEST_ASSERT_TRUE(FRAGMENTS.kept >= FRAGMENTS.reassembled);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_in_any_order);
    RUN_TEST(test_a_decoder_that_was_reset_has_forgotten);
    RUN_TEST(test_datagrams_do_not_mix);
    RUN_TEST(test_a_large_datagram);
    RUN_TEST(test_impossible_fragments);
    RUN_TEST(test_copies_are_ignored);
    RUN_TEST(test_overlaps_are_refused);
    RUN_TEST(test_time_out);
    RUN_TEST(test_refusal_times_out);
    RUN_TEST(test_time_going_back);
    RUN_TEST(test_the_oldest_goes_when_the_pool_is_full);
    RUN_TEST(test_a_completed_payload_stays_for_a_batch);
    RUN_TEST(test_cut_fragments);
    RUN_TEST(test_a_fragmented_tunnel);
    RUN_TEST(test_fragments_inside_a_tunnel);
    RUN_TEST(test_fragments_inside_fragments);
    RUN_TEST(test_ipv6_headers_behind_the_fragment_header);
    RUN_TEST(test_ipv6_headers_before_the_fragment_header);
    RUN_TEST(test_the_first_fragment_of_what_timed_out);
    RUN_TEST(test_the_first_fragments_at_the_end);
    RUN_TEST(test_the_first_fragment_of_what_had_no_room);
    RUN_TEST(test_no_fragment_of_what_was_refused);
    RUN_TEST(test_a_beginning_with_gaps);
    RUN_TEST(test_beginnings_of_other_protocols);
    RUN_TEST(test_random_fragments);
    return UNITY_END();
}
