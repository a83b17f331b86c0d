/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_flow.c - the key of a flow, the table that holds flows, and what a packet changes in its flow: states
 * of TCP, refusals, duplicates, tries, ICMP errors, ends.
 */
#include "flow/kept.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)
#define T0 (INT64_C(1772443800) * S)

enum { CLIENT, SERVER }; /* sides: the client's address is the lower one */

static const uint64_t secret[2] = {1, 2};
static struct flow flow; /* the one that is followed, as it is now */
static struct flow_table *table, *followed;
static bool is_begun; /* there is a flow to follow */
static int64_t now;
static uint16_t last_id;

void setUp(void)
{
    memset(&flow, 0, sizeof flow);
    if (is_begun)
        flow_table_remove(followed, 1, 1);
    is_begun = false;
    now = T0;
    last_id = 100;
}

void tearDown(void)
{
    flow_table_destroy(table);
    table = NULL;
}

static struct addr addr(const char *text)
{
    struct addr a;
    TEST_ASSERT_TRUE_MESSAGE(addr_parse(text, &a), text);
    return a;
}

static struct flow_key key_of(const char *source, unsigned source_port, const char *destination,
                              unsigned destination_port, unsigned *side)
{
    struct addr from = addr(source), to = addr(destination);
    struct flow_key key;
    memset(&key, 0xa5, sizeof key); /* what is not written shows */
    flow_key_of(&from, &to, (uint16_t)source_port, (uint16_t)destination_port, IP_TCP, &key, side);
    return key;
}

/* A packet of 100 bytes between 10.0.0.1:50000 and 10.0.0.2:5061. */
static struct packet packet_from(unsigned side, uint8_t protocol)
{
    struct packet p;
    memset(&p, 0, sizeof p);
    p.time_ns = now;
    p.protocol = protocol;
    p.source = addr(side == CLIENT ? "10.0.0.1" : "10.0.0.2");
    p.destination = addr(side == CLIENT ? "10.0.0.2" : "10.0.0.1");
    p.source_port = side == CLIENT ? 50000 : 5061;
    p.destination_port = side == CLIENT ? 5061 : 50000;
    p.ttl = side == CLIENT ? 64 : 128;
    p.ip_id = ++last_id;
    p.ip_bytes = 100;
    p.vlan = p.inner_vlan = 0xffff;
    return p;
}

static void never(void *context, uint32_t index, enum flow_end end)
{
    (void)context, (void)index, (void)end;
    TEST_FAIL_MESSAGE("there was room");
}

/* The flow that is followed is the only one of its table. */
static unsigned follow(const struct packet *p)
{
    struct flow_key key;
    unsigned side;
    flow_key_of_packet(p, secret, &key, &side);
    if (!followed)
        followed = flow_table_create(10);
    if (!is_begun) {
        is_begun = true;
        TEST_ASSERT_EQUAL_UINT(1, flow_table_add(followed, &key, 1, never, NULL));
        flow_begin(followed, 1, p, side);
    }
    unsigned step = flow_follow(followed, 1, p, side);
    flow_view(followed, 1, &flow);
    TEST_ASSERT_EQUAL_MEMORY(&key, &flow.key, sizeof key);
    return step;
}

static unsigned segment(unsigned side, unsigned flags, unsigned payload)
{
    struct packet p = packet_from(side, IP_TCP);
    p.tcp_flags = (uint8_t)flags;
    p.payload_wirelen = payload;
    unsigned step = follow(&p);
    now += 20 * MS;
    return step;
}

static unsigned datagram(unsigned side)
{
    struct packet p = packet_from(side, IP_UDP);
    p.payload_wirelen = 72;
    unsigned step = follow(&p);
    now += 20 * MS;
    return step;
}

static void test_key_is_the_same_from_both_sides(void)
{
    static const uint8_t zero[3];
    unsigned there, back;
    struct flow_key a = key_of("10.0.0.9", 50000, "10.0.0.10", 5061, &there);
    struct flow_key b = key_of("10.0.0.10", 5061, "10.0.0.9", 50000, &back);
    TEST_ASSERT_EQUAL_MEMORY(&a, &b, sizeof a);
    TEST_ASSERT_EQUAL_UINT(0, there);
    TEST_ASSERT_EQUAL_UINT(1, back);
    TEST_ASSERT_EQUAL_UINT(50000, a.port[0]); /* the port stays with its address */
    TEST_ASSERT_EQUAL_UINT(5061, a.port[1]);
    TEST_ASSERT_EQUAL_MEMORY(zero, a.zero, sizeof zero);
    TEST_ASSERT_EQUAL_HEX64(flow_key_hash(&a, secret), flow_key_hash(&b, secret));
}

static void test_key_of_equal_addresses_goes_by_port(void)
{
    unsigned there, back;
    struct flow_key a = key_of("10.0.0.9", 300, "10.0.0.9", 5000, &there);
    struct flow_key b = key_of("10.0.0.9", 5000, "10.0.0.9", 300, &back);
    TEST_ASSERT_EQUAL_MEMORY(&a, &b, sizeof a);
    TEST_ASSERT_EQUAL_UINT(0, there);
    TEST_ASSERT_EQUAL_UINT(1, back);
    TEST_ASSERT_EQUAL_UINT(300, a.port[0]);
    a = key_of("2001:db8::1", 500, "2001:db8::1", 500, &there);
    b = key_of("2001:db8::1", 500, "2001:db8::1", 500, &back);
    TEST_ASSERT_EQUAL_MEMORY(&a, &b, sizeof a);
    TEST_ASSERT_EQUAL_UINT(there, back);
}

static void test_hashes(void)
{
    static const uint64_t other_secret[2] = {1, 3};
    unsigned side;
    struct flow_key a = key_of("10.0.0.1", 50000, "10.0.0.2", 5061, &side);
    struct flow_key b = key_of("10.0.0.1", 50001, "10.0.0.2", 5061, &side);
    struct flow_key d = a;
    d.protocol = IP_UDP;
    TEST_ASSERT_TRUE(flow_key_hash(&a, secret) != flow_key_hash(&b, secret));
    TEST_ASSERT_TRUE(flow_key_hash(&a, secret) != flow_key_hash(&d, secret));
    TEST_ASSERT_TRUE(flow_key_hash(&a, secret) != flow_key_hash(&a, other_secret));
    a = key_of("2001:db8::1", 50000, "2001:db8::2", 5061, &side);
    b = key_of("2001:db8::1", 50000, "2001:db8::3", 5061, &side);
    TEST_ASSERT_TRUE(flow_key_hash(&a, secret) != flow_key_hash(&b, secret));
    TEST_ASSERT_TRUE(flow_key_hash(&a, secret) != flow_key_hash(&a, other_secret));
}

/* One of a few addresses of either family, so that all relations of two come up. */
static struct addr any_addr(uint64_t *state)
{
    static const char *const texts[] = {"10.0.0.1",  "10.0.1.0",     "10.255.0.1",
                                        "192.0.2.7", "0.0.0.0",      "2001:db8::1",
                                        "::ffff",    "::fffe:a00:1", "2001:db8::ffff:1"};
    struct addr addr;
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    TEST_ASSERT_TRUE(addr_parse(texts[(*state >> 33) % (sizeof texts / sizeof *texts)], &addr));
    return addr;
}

static void test_a_packets_key_and_hash_at_once(void)
{
    static const uint16_t ports[] = {0, 1, 0xff, 0x100, 0x8000, 0xffff};
    uint64_t state = 20261121;
    for (unsigned i = 0; i < 20000; i++) {
        struct packet p = {.source = any_addr(&state), .destination = any_addr(&state)};
        p.source_port = ports[(state >> 40) % 6];
        p.destination_port = ports[(state >> 50) % 6];
        p.protocol = state >> 60 & 1 ? IP_TCP : IP_UDP;
        struct flow_key a, b;
        unsigned side_a, side_b;
        memset(&a, 0xaa, sizeof a);
        memset(&b, 0x55, sizeof b);
        flow_key_of(&p.source, &p.destination, p.source_port, p.destination_port, p.protocol, &a, &side_a);
        uint64_t hash = flow_key_of_packet(&p, secret, &b, &side_b);
        TEST_ASSERT_EQUAL_MEMORY(&a, &b, sizeof a);
        TEST_ASSERT_EQUAL_UINT(side_a, side_b);
        TEST_ASSERT_EQUAL_HEX64(flow_key_hash(&a, secret), hash);
    }
}

/* The table. Hashes are made by hand: this one leads to a bucket of its own. */
static uint64_t to_bucket(uint32_t bucket)
{
    return (((uint64_t)bucket << 32) + table->bucket_count - 1) / table->bucket_count;
}

static struct {
    uint32_t index[64];
    int64_t last_ns[64];
    enum flow_end end[64];
    unsigned count;
} gone;

static void visit(void *context, uint32_t index, enum flow_end end)
{
    TEST_ASSERT_TRUE(context == &gone && gone.count < 64);
    gone.index[gone.count] = index;
    gone.last_ns[gone.count] = line_at(table, index)->last_ns;
    gone.end[gone.count++] = end;
}

static struct flow_key numbered(unsigned number)
{
    unsigned side;
    return key_of("10.0.0.1", number, "10.0.0.2", 5061, &side);
}

static uint32_t add(unsigned number, uint32_t bucket, int64_t last_ns)
{
    struct flow_key key = numbered(number), kept;
    uint32_t index = flow_table_add(table, &key, to_bucket(bucket), visit, &gone);
    TEST_ASSERT_TRUE(index);
    flow_key_at(table, index, &kept);
    TEST_ASSERT_EQUAL_MEMORY(&key, &kept, sizeof key);
    line_at(table, index)->last_ns = last_ns;
    return index;
}

static uint32_t find(unsigned number, uint32_t bucket)
{
    struct flow_key key = numbered(number);
    return flow_table_find(table, &key, to_bucket(bucket), 0);
}

static void create(uint32_t flows_max)
{
    memset(&gone, 0, sizeof gone);
    table = flow_table_create(flows_max);
    TEST_ASSERT_NOT_NULL(table);
    TEST_ASSERT_EQUAL_UINT(0, flow_table_count(table));
    TEST_ASSERT_TRUE(flow_table_memory(flows_max) >
                     flows_max * (sizeof(struct flow_line) + sizeof(struct flow_rest)));
}

static void test_table_finds_what_was_added(void)
{
    create(100);
    TEST_ASSERT_EQUAL_UINT(0, find(1, 5));
    uint32_t a = add(1, 5, 0), b = add(2, 5, 0); /* one hash for both */
    TEST_ASSERT_TRUE(a != b);
    TEST_ASSERT_EQUAL_UINT(a, find(1, 5));
    TEST_ASSERT_EQUAL_UINT(b, find(2, 5));
    TEST_ASSERT_EQUAL_UINT(2, flow_table_count(table));
    TEST_ASSERT_EQUAL_UINT(0, find(3, 5));
    TEST_ASSERT_EQUAL_UINT(0, gone.count);
    flow_table_prefetch(table, 5);
    TEST_ASSERT_EQUAL_UINT(a, flow_table_guess(table, to_bucket(5)));
    flow_table_destroy(NULL);
}

static void test_an_old_guess_is_only_a_guess(void)
{
    create(100);
    struct flow_key one = numbered(1), two = numbered(2);
    uint32_t a = add(1, 5, 0), b = add(2, 5, 0);
    TEST_ASSERT_EQUAL_UINT(a, flow_table_find(table, &one, to_bucket(5), a));
    TEST_ASSERT_EQUAL_UINT(b, flow_table_find(table, &two, to_bucket(5), a)); /* another flow's */
    flow_table_remove(table, a, to_bucket(5));
    TEST_ASSERT_EQUAL_UINT(0, flow_table_find(table, &one, to_bucket(5), a)); /* gone since */
}

static void test_ipv6_flows_are_told_apart_by_whole_addresses(void)
{
    unsigned side;
    struct flow_key keys[] = {key_of("2001:db8::1", 7, "2001:db8::2", 8, &side),
                              key_of("2001:db8:1::1", 7, "2001:db8::2", 8, &side),
                              key_of("2001:db8:1::1", 7, "2001:db8::3", 8, &side),
                              key_of("10.0.0.1", 7, "2001:db8::2", 8, &side),
                              key_of("10.0.0.1", 7, "10.0.0.2", 8, &side)};
    uint32_t index[5];
    create(100);
    for (unsigned i = 0; i < 5; i++)
        index[i] = flow_table_add(table, &keys[i], 0, visit, &gone);
    for (unsigned i = 0; i < 5; i++) {
        struct flow view;
        TEST_ASSERT_EQUAL_UINT(index[i], flow_table_find(table, &keys[i], 0, 0));
        flow_view(table, index[i], &view);
        TEST_ASSERT_EQUAL_MEMORY(&keys[i], &view.key, sizeof keys[i]);
    }
    TEST_ASSERT_EQUAL_UINT(4, table->pairs.taken);
    for (unsigned i = 0; i < 5; i++)
        flow_table_remove(table, index[i], 0);
    TEST_ASSERT_EQUAL_UINT(0, table->pairs.taken);
    TEST_ASSERT_EQUAL_UINT(0, flow_table_count(table));
}

static void test_table_removes_one(void)
{
    create(100);
    uint32_t a = add(1, 5, 7), b = add(2, 5, 0);
    line_at(table, a)->packets[0] = 9;
    rare_for(table, a)->duplicates = 9;
    TEST_ASSERT_EQUAL_UINT(1, table->rares.taken);
    flow_table_remove(table, a, to_bucket(5));
    TEST_ASSERT_EQUAL_UINT(0, table->rares.taken);
    TEST_ASSERT_EQUAL_UINT(0, find(1, 5));
    TEST_ASSERT_EQUAL_UINT(b, find(2, 5));
    TEST_ASSERT_EQUAL_UINT(1, flow_table_count(table));
    uint32_t c = add(3, 5, 0); /* takes the same place, and nothing of the old flow */
    TEST_ASSERT_EQUAL_UINT(a, c);
    TEST_ASSERT_EQUAL_UINT(0, line_at(table, c)->packets[0]);
    TEST_ASSERT_EQUAL_UINT(0, rare_at(table, c)->duplicates);
    TEST_ASSERT_EQUAL_UINT(0, find(1, 5));
    TEST_ASSERT_EQUAL_UINT(0, gone.count);
}

/* Fifteen live in their bucket, fifteen more in the next; then the oldest of the bucket goes. */
static void test_a_full_bucket_uses_the_next_and_then_gives_up_its_oldest(void)
{
    enum { BOTH = 30 };
    uint32_t index[BOTH + 2];
    create(1000);
    for (unsigned i = 0; i < BOTH; i++)
        index[i] = add(i, 3, i == 6 ? 1 : 100 + i);
    index[BOTH] = add(100, 5, 0); /* older, but of another bucket */
    TEST_ASSERT_EQUAL_UINT(0, gone.count);
    for (unsigned i = 0; i < BOTH; i++)
        TEST_ASSERT_EQUAL_UINT(index[i], find(i, 3));
    index[BOTH + 1] = add(BOTH, 3, 500);
    TEST_ASSERT_EQUAL_UINT(1, gone.count);
    TEST_ASSERT_EQUAL_UINT(index[6], gone.index[0]);
    TEST_ASSERT_EQUAL_INT(1, (int)gone.last_ns[0]); /* told before it was removed */
    TEST_ASSERT_EQUAL_UINT(FLOW_END_EVICTED, gone.end[0]);
    for (unsigned i = 0; i <= BOTH; i++)
        TEST_ASSERT_TRUE((find(i, 3) != 0) == (i != 6));
    TEST_ASSERT_EQUAL_UINT(BOTH + 1, flow_table_count(table));
    flow_table_remove(table, index[20], to_bucket(3)); /* one that lives in the next bucket */
    TEST_ASSERT_EQUAL_UINT(0, find(20, 3));
    TEST_ASSERT_EQUAL_UINT(index[21], find(21, 3));
}

/* A large table begins with few buckets and splits them: every flow is found at any time, those too that live
 * in the bucket after their own, which for the last one is the first. */
enum { GROWING_FLOWS = 8192 };
static struct {
    uint32_t index[GROWING_FLOWS];
    uint64_t hash[GROWING_FLOWS];
    unsigned gone;
} grown;

static uint64_t spread_hash(unsigned number)
{
    uint64_t z = number * 0x9e3779b97f4a7c15 + 1;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    if (number % 16 == 0) /* crowd the last bucket, and the ones that it becomes */
        z |= 0xffffffff;
    return z;
}

static void visit_grown(void *context, uint32_t index, enum flow_end end)
{
    struct flow_key key;
    TEST_ASSERT_TRUE(context == &grown);
    TEST_ASSERT_EQUAL_INT(FLOW_END_EVICTED, end);
    flow_key_at(table, index, &key);
    unsigned number = key.port[0];
    TEST_ASSERT_EQUAL_UINT(grown.index[number], index);
    grown.index[number] = 0;
    grown.gone++;
}

static void expect_all_grown(unsigned count)
{
    unsigned alive = 0;
    for (unsigned n = 0; n < count; n++) {
        struct flow_key key = numbered(n);
        TEST_ASSERT_EQUAL_UINT(grown.index[n], flow_table_find(table, &key, spread_hash(n), 0));
        alive += grown.index[n] != 0;
    }
    TEST_ASSERT_EQUAL_UINT(alive, flow_table_count(table));
}

static void test_buckets_are_split_as_flows_come(void)
{
    create(GROWING_FLOWS);
    memset(&grown, 0, sizeof grown);
    uint32_t first = table->bucket_count;
    for (unsigned n = 0; n < GROWING_FLOWS; n++) {
        struct flow_key key = numbered(n);
        uint32_t before = table->bucket_count;
        grown.index[n] = flow_table_add(table, &key, spread_hash(n), visit_grown, &grown);
        if (table->bucket_count != before)
            expect_all_grown(n + 1);
        if (n % 5 == 4 && grown.index[n - 3]) {
            flow_table_remove(table, grown.index[n - 3], spread_hash(n - 3));
            grown.index[n - 3] = 0;
        }
    }
    expect_all_grown(GROWING_FLOWS);
    TEST_ASSERT_TRUE(table->bucket_count >= first * 32);
    TEST_ASSERT_TRUE(grown.gone > 0); /* of the crowded ones */
    TEST_ASSERT_TRUE(grown.gone < GROWING_FLOWS / 16);
}

static void test_a_full_table_gives_up_the_oldest_of_a_bucket(void)
{
    uint32_t index[9];
    create(8);
    for (unsigned i = 0; i < 4; i++)
        index[i] = add(i, 9, 50 - i);
    for (unsigned i = 4; i < 8; i++)
        index[i] = add(i, 12, i);
    add(8, 1, 60);
    TEST_ASSERT_EQUAL_UINT(1, gone.count);
    TEST_ASSERT_EQUAL_UINT(index[3],
                           gone.index[0]); /* of the first bucket that has any; older ones stand behind */
    TEST_ASSERT_EQUAL_UINT(FLOW_END_EVICTED, gone.end[0]);
    TEST_ASSERT_TRUE(find(8, 1));
    TEST_ASSERT_EQUAL_UINT(8, flow_table_count(table));
    for (unsigned i = 9; i < 30; i++) /* and so on, for ever */
        add(i, i % 16, i);
    TEST_ASSERT_EQUAL_UINT(22, gone.count);
    TEST_ASSERT_EQUAL_UINT(8, flow_table_count(table));
}

static void test_the_list_is_in_order_of_beginning(void)
{
    uint32_t list[40];
    create(40);
    for (unsigned i = 0; i < 40; i++) {
        struct flow_key key = numbered(i);
        uint32_t index = flow_table_add(table, &key, flow_key_hash(&key, secret), visit, &gone);
        rest_at(table, index)->first_ns = i * 7 % 13;
    }
    struct flow_key third = numbered(3);
    flow_table_remove(table, 4, flow_key_hash(&third, secret));
    TEST_ASSERT_EQUAL_UINT(0, gone.count);
    flow_table_list(table, list);
    for (unsigned i = 1; i < 39; i++) {
        TEST_ASSERT_TRUE(list[i] != 4 && list[i - 1] != 4);
        TEST_ASSERT_TRUE(flow_began_before(table, list[i - 1], table, list[i]));
        TEST_ASSERT_TRUE(flow_began_ns(table, list[i - 1]) <= flow_began_ns(table, list[i]));
        TEST_ASSERT_FALSE(flow_began_before(table, list[i], table, list[i - 1]));
    }
}

/* Many flows through a small table: what is found is what was added last and not told as gone. */
static void test_nothing_is_lost_or_kept_twice(void)
{
    enum { NUMBERS = 300 };
    uint32_t where[NUMBERS] = {0}, state = 0x20240517;
    create(64);
    for (unsigned round = 0; round < 20000; round++) {
        state = state * 1664525u + 1013904223u;
        unsigned number = (state >> 8) % NUMBERS;
        struct flow_key key = numbered(number);
        uint64_t hash = flow_key_hash(&key, secret) & 0xffffffff60000000; /* crowded */
        uint32_t index = flow_table_find(table, &key, hash, flow_table_guess(table, hash));
        TEST_ASSERT_TRUE_MESSAGE((index != 0) == (where[number] != 0), "seed 0x20240517");
        if (index) {
            TEST_ASSERT_EQUAL_UINT(where[number], index);
            if (state >> 31) {
                flow_table_remove(table, index, hash);
                where[number] = 0;
            }
            continue;
        }
        gone.count = 0;
        index = flow_table_add(table, &key, hash, visit, &gone);
        line_at(table, index)->last_ns = round;
        for (unsigned i = 0; i < gone.count; i++)
            for (unsigned n = 0; n < NUMBERS; n++)
                if (where[n] == gone.index[i])
                    where[n] = 0;
        for (unsigned n = 0; n < NUMBERS; n++)
            TEST_ASSERT_TRUE(where[n] != index);
        where[number] = index;
    }
    unsigned living = 0;
    for (unsigned n = 0; n < NUMBERS; n++)
        living += where[n] != 0;
    TEST_ASSERT_EQUAL_UINT(living, flow_table_count(table));
    TEST_ASSERT_TRUE(living > 55 && living <= 64);
}

static void ignore(void *context, uint32_t index, enum flow_end end)
{
    (void)context, (void)index, (void)end;
}

static void test_expiry_by_packet_time(void)
{
    create(200);
    for (unsigned i = 0; i < 50; i++)
        add(i, i, i < 20 ? T0 : T0 + 100 * S);                         /* heard from one side: 60 s */
    flow_table_expire(table, T0 + 61 * S, 1000, visit, ignore, &gone); /* the first call only sets the time */
    TEST_ASSERT_EQUAL_UINT(0, gone.count);
    flow_table_expire(table, T0 + 71 * S, 1000, visit, ignore, &gone);
    TEST_ASSERT_EQUAL_UINT(20, gone.count);
    for (unsigned i = 0; i < 20; i++) {
        TEST_ASSERT_TRUE(gone.last_ns[i] == T0);
        TEST_ASSERT_EQUAL_UINT(FLOW_END_IDLE, gone.end[i]);
    }
    TEST_ASSERT_EQUAL_UINT(30, flow_table_count(table));
    TEST_ASSERT_EQUAL_UINT(0, find(3, 3));
    TEST_ASSERT_TRUE(find(20, 20));
}

static void test_expiry_in_small_steps_comes_round_in_ten_seconds(void)
{
    create(40); /* 26 buckets: a step of 1 ms is not worth one */
    for (unsigned i = 0; i < 40; i++)
        add(i, i % 26, T0);
    for (int64_t t = T0 + 61 * S; t < T0 + 65 * S; t += MS)
        flow_table_expire(table, t, 10, visit, ignore, &gone);
    TEST_ASSERT_TRUE(gone.count > 10 && gone.count < 30); /* the work is spread over the time */
    for (int64_t t = T0 + 65 * S; t < T0 + 71 * S; t += MS)
        flow_table_expire(table, t, 10, visit, ignore, &gone);
    TEST_ASSERT_EQUAL_UINT(40, gone.count);
    TEST_ASSERT_EQUAL_UINT(0, flow_table_count(table));
}

static void test_expiry_stops_at_its_limit(void)
{
    create(200);
    for (unsigned i = 0; i < 50; i++)
        add(i, i, T0);
    flow_table_expire(table, T0, 7, visit, ignore, &gone);
    flow_table_expire(table, T0 + 100 * S, 7, visit, ignore, &gone);
    TEST_ASSERT_EQUAL_UINT(7, gone.count);
    TEST_ASSERT_EQUAL_UINT(43, flow_table_count(table));
    flow_table_destroy(table);
    create(200);
    for (unsigned i = 0; i < 9; i++)
        add(i, 5, T0); /* all in one bucket */
    flow_table_expire(table, T0, 2, visit, ignore, &gone);
    flow_table_expire(table, T0 + 100 * S, 2, visit, ignore, &gone);
    TEST_ASSERT_EQUAL_UINT(2, gone.count);
}

static void test_time_that_goes_back_ends_nothing(void)
{
    create(200);
    for (unsigned i = 0; i < 20; i++)
        add(i, i, T0);
    flow_table_expire(table, T0, 100, visit, ignore, &gone);
    flow_table_expire(table, T0 - 1000 * S, 100, visit, ignore, &gone);
    flow_table_expire(table, INT64_MIN + 1, 100, visit, ignore, &gone);
    flow_table_expire(table, T0 - 900 * S, 100, visit, ignore, &gone);
    TEST_ASSERT_EQUAL_UINT(0, gone.count);
    flow_table_expire(table, T0 + 100 * S, 100, visit, ignore, &gone);
    TEST_ASSERT_EQUAL_UINT(20, gone.count);
}

static void test_how_long_a_flow_may_be_silent(void)
{
    static const struct {
        uint8_t protocol;
        uint32_t packets[2];
        uint16_t flags;
        int seconds;
    } cases[] = {
        {IP_TCP, {5, 5}, 0, 600},          {IP_UDP, {5, 5}, 0, 180}, {IP_ESP, {5, 5}, 0, 180},
        {IP_TCP, {5, 0}, 0, 60},           {IP_UDP, {0, 5}, 0, 60},  {IP_TCP, {5, 5}, FLOW_CLOSED, 10},
        {IP_TCP, {5, 0}, FLOW_CLOSED, 10},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct flow_line f = {.protocol = cases[i].protocol,
                              .packets = {cases[i].packets[0], cases[i].packets[1]},
                              .flags = cases[i].flags,
                              .last_ns = T0};
        char label[32];
        snprintf(label, sizeof label, "case %u", i);
        TEST_ASSERT_FALSE_MESSAGE(line_is_idle(&f, T0 + cases[i].seconds * S), label);
        TEST_ASSERT_TRUE_MESSAGE(line_is_idle(&f, T0 + cases[i].seconds * S + 1), label);
        TEST_ASSERT_FALSE_MESSAGE(line_is_idle(&f, T0 - 1000 * S), label);
    }
}

static void test_begin(void)
{
    struct packet p = packet_from(SERVER, IP_UDP);
    p.vlan = 17;
    p.layer_count = 9;
    static const uint8_t layers[9] = {LAYER_VLAN, LAYER_VLAN, LAYER_VXLAN, LAYER_MPLS, LAYER_VLAN,
                                      LAYER_GRE,  LAYER_IPIP, LAYER_AH,    LAYER_GTP};
    static const uint8_t kept[6] = {LAYER_VXLAN, LAYER_MPLS, LAYER_GRE, LAYER_IPIP, LAYER_AH, LAYER_GTP};
    memcpy(p.layers, layers, sizeof layers);
    p.ah_spi = 1;
    follow(&p);
    TEST_ASSERT_EQUAL_UINT(SERVER, flow.first);
    TEST_ASSERT_EQUAL_UINT(17, flow.vlan);
    TEST_ASSERT_EQUAL_MEMORY(kept, flow.layers, sizeof kept);
    TEST_ASSERT_TRUE(flow.flags & FLOW_PROTECTED);
    TEST_ASSERT_EQUAL_UINT(SIDE_NONE, flow.identity.client);
    TEST_ASSERT_TRUE(flow.first_ns == T0 && flow.last_ns == T0);
    p.layer_count = PACKET_LAYERS_MAX; /* more than are kept */
    memset(p.layers, LAYER_MPLS, sizeof p.layers);
    setUp();
    follow(&p);
    TEST_ASSERT_EQUAL_UINT(LAYER_MPLS, flow.layers[5]);
}

static bool is_protected(uint8_t protocol, uint32_t ah_spi, uint32_t esp_spi)
{
    struct packet p = packet_from(CLIENT, protocol);
    p.ah_spi = ah_spi;
    p.esp_spi = esp_spi;
    setUp();
    follow(&p);
    return flow.flags & FLOW_PROTECTED;
}

static void test_protected_is_what_was_readable_inside(void)
{
    TEST_ASSERT_FALSE(is_protected(IP_UDP, 0, 0));
    TEST_ASSERT_TRUE(is_protected(IP_UDP, 7, 0));
    TEST_ASSERT_TRUE(is_protected(IP_UDP, 0, 7));
    TEST_ASSERT_FALSE(is_protected(IP_ESP, 0, 7)); /* ESP itself: nobody looked inside */
}

static void test_a_connection_from_its_beginning(void)
{
    TEST_ASSERT_EQUAL_HEX(FLOW_TURNED, segment(CLIENT, TCP_SYN, 0));
    TEST_ASSERT_FALSE(flow_answered_by(&flow, SERVER));
    TEST_ASSERT_EQUAL_HEX(FLOW_TURNED | FLOW_LISTENER | FLOW_ANSWERED, segment(SERVER, TCP_SYN | TCP_ACK, 0));
    TEST_ASSERT_TRUE(flow_answered_by(&flow, SERVER) && !flow_answered_by(&flow, CLIENT));
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(CLIENT, TCP_ACK, 0));
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA | FLOW_ANSWERED, segment(CLIENT, TCP_ACK | TCP_PSH, 60));
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA, segment(SERVER, TCP_ACK, 60));
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA, segment(CLIENT, TCP_ACK, 60));
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(CLIENT, TCP_FIN | TCP_ACK, 0));
    TEST_ASSERT_FALSE(flow.flags & FLOW_CLOSED);
    TEST_ASSERT_EQUAL_UINT(FLOW_END_IDLE, flow_end_of(followed, 1));
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(SERVER, TCP_FIN | TCP_ACK, 0));
    TEST_ASSERT_EQUAL_HEX(FLOW_SYN_0 | FLOW_SYN_ACK_1 | FLOW_DATA_0 | FLOW_DATA_1 | FLOW_FIN_0 | FLOW_FIN_1 |
                              FLOW_CLOSED,
                          flow.flags);
    TEST_ASSERT_EQUAL_UINT(FLOW_END_FIN, flow_end_of(followed, 1));
    TEST_ASSERT_EQUAL_UINT(5, flow.packets[CLIENT]);
    TEST_ASSERT_EQUAL_UINT(3, flow.packets[SERVER]);
    TEST_ASSERT_EQUAL_UINT64(500, flow.bytes[CLIENT]);
    TEST_ASSERT_EQUAL_UINT64(300, flow.bytes[SERVER]);
    TEST_ASSERT_EQUAL_UINT(64, flow.ttl[CLIENT]);
    TEST_ASSERT_EQUAL_UINT(128, flow.ttl[SERVER]);
    TEST_ASSERT_EQUAL_UINT(1, flow.tries);
    TEST_ASSERT_TRUE(flow.first_ns == T0 && flow.last_ns == T0 + 7 * 20 * MS);
}

static void test_the_server_may_have_the_lower_address(void)
{
    TEST_ASSERT_EQUAL_HEX(FLOW_TURNED, segment(SERVER, TCP_SYN, 0));
    TEST_ASSERT_EQUAL_HEX(FLOW_TURNED | FLOW_LISTENER | FLOW_ANSWERED, segment(CLIENT, TCP_SYN | TCP_ACK, 0));
    TEST_ASSERT_EQUAL_HEX(FLOW_SYN_1 | FLOW_SYN_ACK_0, flow.flags);
    TEST_ASSERT_TRUE(flow_answered_by(&flow, CLIENT) && !flow_answered_by(&flow, SERVER));
}

static void test_from_the_middle_data_is_an_answer(void)
{
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(SERVER, TCP_ACK, 0));
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA | FLOW_ANSWERED, segment(SERVER, TCP_ACK, 1));
    TEST_ASSERT_EQUAL_UINT(0, flow.tries);
    TEST_ASSERT_EQUAL_HEX(FLOW_DATA_1, flow.flags);
}

static void test_a_reset_that_answers_a_syn_is_a_refusal(void)
{
    segment(CLIENT, TCP_SYN, 0);
    TEST_ASSERT_EQUAL_HEX(FLOW_REFUSAL, segment(SERVER, TCP_RST | TCP_ACK, 0));
    TEST_ASSERT_EQUAL_HEX(FLOW_SYN_0 | FLOW_RST_1 | FLOW_REFUSED | FLOW_CLOSED, flow.flags);
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(SERVER, TCP_RST | TCP_ACK, 0)); /* told once */
    TEST_ASSERT_EQUAL_UINT(FLOW_END_RST, flow_end_of(followed, 1));
    TEST_ASSERT_FALSE(flow_answered_by(&flow, SERVER));
}

static void test_resets_that_refuse_nothing(void)
{
    segment(CLIENT, TCP_SYN, 0); /* the client's own second thought */
    segment(CLIENT, TCP_RST, 0);
    TEST_ASSERT_EQUAL_HEX(FLOW_SYN_0 | FLOW_RST_0 | FLOW_CLOSED, flow.flags);
    setUp();
    segment(CLIENT, TCP_SYN, 0); /* after the answer */
    segment(SERVER, TCP_SYN | TCP_ACK, 0);
    segment(SERVER, TCP_RST, 0);
    TEST_ASSERT_FALSE(flow.flags & FLOW_REFUSED);
    TEST_ASSERT_TRUE(flow.flags & FLOW_CLOSED);
    setUp();
    segment(CLIENT, TCP_SYN, 0); /* the SYN-ACK was not captured */
    segment(CLIENT, TCP_ACK, 50);
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(SERVER, TCP_RST, 0));
    setUp();
    TEST_ASSERT_EQUAL_HEX(FLOW_SAME, segment(SERVER, TCP_RST, 0)); /* no SYN was seen */
    setUp();
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA,
                          segment(SERVER, TCP_RST, 20)); /* a reset's text is no data of the stream */
    TEST_ASSERT_FALSE(flow.flags & FLOW_DATA_1);
}

static bool is_over(unsigned flags, uint8_t protocol)
{
    struct packet p = packet_from(CLIENT, protocol);
    p.tcp_flags = (uint8_t)flags;
    return flow_is_over_for(followed, 1, &p);
}

static void test_a_syn_on_a_closed_flow_starts_another(void)
{
    segment(CLIENT, TCP_SYN, 0);
    TEST_ASSERT_FALSE(is_over(TCP_SYN, IP_TCP)); /* tried again */
    segment(SERVER, TCP_RST | TCP_ACK, 0);
    TEST_ASSERT_TRUE(is_over(TCP_SYN, IP_TCP));
    TEST_ASSERT_TRUE(is_over(TCP_SYN | TCP_PSH, IP_TCP));
    TEST_ASSERT_FALSE(is_over(TCP_SYN | TCP_ACK, IP_TCP));
    TEST_ASSERT_FALSE(is_over(TCP_ACK, IP_TCP));
    TEST_ASSERT_FALSE(is_over(TCP_SYN, IP_UDP)); /* no flags there */
    now += 10 * S;
    TEST_ASSERT_TRUE(is_over(TCP_ACK, IP_TCP)); /* silent for too long */
}

static void test_tries_are_counted_until_answered(void)
{
    for (unsigned i = 1; i <= 3; i++) {
        segment(CLIENT, TCP_SYN, 0);
        TEST_ASSERT_EQUAL_UINT(i, flow.tries);
    }
    for (unsigned i = 0; i < 300; i++)
        segment(CLIENT, TCP_SYN, 0);
    TEST_ASSERT_EQUAL_UINT(255, flow.tries);
    setUp();
    datagram(CLIENT);
    datagram(CLIENT);
    TEST_ASSERT_EQUAL_UINT(2, flow.tries);
    TEST_ASSERT_EQUAL_HEX(FLOW_ANSWERED | FLOW_HAS_DATA, datagram(SERVER));
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA, datagram(CLIENT));
    TEST_ASSERT_EQUAL_UINT(2, flow.tries);
    setUp();
    for (unsigned i = 0; i < 300; i++)
        datagram(SERVER);
    TEST_ASSERT_EQUAL_UINT(255, flow.tries);
    TEST_ASSERT_TRUE(flow_answered_by(&flow, SERVER) && !flow_answered_by(&flow, CLIENT));
}

static void test_copies_count_within_ten_milliseconds(void)
{
    struct packet p = packet_from(CLIENT, IP_UDP);
    p.payload_wirelen = 4;
    p.payload = bytes_of("abcd", 4);
    TEST_ASSERT_EQUAL_HEX(FLOW_ANSWERED | FLOW_HAS_DATA, follow(&p));
    p.time_ns += 10 * MS;
    TEST_ASSERT_EQUAL_HEX(FLOW_DUPLICATE, follow(&p));
    TEST_ASSERT_EQUAL_UINT(1, flow.duplicates);
    TEST_ASSERT_EQUAL_UINT(1, flow.packets[CLIENT]);
    TEST_ASSERT_EQUAL_UINT64(100, flow.bytes[CLIENT]);
    TEST_ASSERT_EQUAL_UINT(1, flow.tries);
    TEST_ASSERT_TRUE(flow.last_ns == T0); /* a copy changes nothing else */
    p.time_ns += 1;
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA, follow(&p));
    TEST_ASSERT_EQUAL_UINT(1, flow.duplicates);
    TEST_ASSERT_EQUAL_UINT(2, flow.packets[CLIENT]);
    rare_for(followed, 1)->duplicates = UINT16_MAX;
    TEST_ASSERT_EQUAL_HEX(FLOW_DUPLICATE, follow(&p));
    TEST_ASSERT_EQUAL_UINT(UINT16_MAX, flow.duplicates);
}

static void test_copies_of_both_sides_may_interleave(void)
{
    struct packet there = packet_from(CLIENT, IP_UDP), back = packet_from(SERVER, IP_UDP);
    back.ip_id = there.ip_id;
    TEST_ASSERT_TRUE(follow(&there) != FLOW_DUPLICATE);
    TEST_ASSERT_TRUE(follow(&back) != FLOW_DUPLICATE); /* alike, but the other way */
    TEST_ASSERT_EQUAL_HEX(FLOW_DUPLICATE, follow(&there));
    TEST_ASSERT_EQUAL_HEX(FLOW_DUPLICATE, follow(&back));
}

static const uint8_t long_text[80] = "0123456789abcdefghijklmnopqrstuvwxyz";
static const uint8_t other_start[80] = "0123x56789abcdefghijklmnopqrstuvwxyz";
static uint8_t other_end[80];

/* One field of the second packet is another: no copy. */
static void check_not_a_copy(const char *label, void (*change)(struct packet *p))
{
    setUp();
    struct packet p = packet_from(CLIENT, IP_TCP);
    p.tcp_flags = TCP_ACK;
    p.payload_wirelen = sizeof long_text;
    p.payload = bytes_of(long_text, sizeof long_text);
    follow(&p);
    TEST_ASSERT_EQUAL_HEX_MESSAGE(FLOW_DUPLICATE, follow(&p), label);
    change(&p);
    TEST_ASSERT_FALSE_MESSAGE(follow(&p) & FLOW_DUPLICATE, label);
}

static void other_id(struct packet *p)
{
    p->ip_id++;
}

static void other_checksum(struct packet *p)
{
    p->checksum ^= 0x100;
}

static void other_size(struct packet *p)
{
    p->ip_bytes++;
}

static void other_sequence(struct packet *p)
{
    p->tcp_sequence++;
}

static void other_acknowledgement(struct packet *p)
{
    p->tcp_acknowledgement++;
}

static void other_flags(struct packet *p)
{
    p->tcp_flags |= TCP_PSH;
}

static void other_window(struct packet *p)
{
    p->tcp_window++;
}

static void other_esp_sequence(struct packet *p)
{
    p->esp_sequence++;
}

static void other_payload(struct packet *p)
{
    p->payload = bytes_of(other_start, sizeof other_start);
}

static void test_what_tells_a_packet_from_a_copy(void)
{
    check_not_a_copy("id", other_id);
    check_not_a_copy("checksum", other_checksum);
    check_not_a_copy("size", other_size);
    check_not_a_copy("sequence", other_sequence);
    check_not_a_copy("acknowledgement", other_acknowledgement);
    check_not_a_copy("flags", other_flags);
    check_not_a_copy("window", other_window);
    check_not_a_copy("esp", other_esp_sequence);
    check_not_a_copy("payload", other_payload);
}

/* Without an identification (IPv6) more of the payload is looked at. */
static void test_without_identification_the_payload_tells(void)
{
    struct packet p = packet_from(CLIENT, IP_UDP);
    memcpy(other_end, long_text, sizeof other_end);
    other_end[63] ^= 1;
    p.ip_id = 0;
    p.payload_wirelen = sizeof long_text;
    p.payload = bytes_of(long_text, sizeof long_text);
    follow(&p);
    TEST_ASSERT_EQUAL_HEX(FLOW_DUPLICATE, follow(&p));
    p.payload = bytes_of(other_end, sizeof other_end);
    TEST_ASSERT_FALSE(follow(&p) & FLOW_DUPLICATE);
}

/* What the other side says meanwhile does not make a repetition a copy. */
static void test_a_repetition_is_no_copy_however_the_other_side_answers(void)
{
    struct packet ping = packet_from(CLIENT, IP_UDP), answer = packet_from(SERVER, IP_UDP);
    ping.ip_id = 0;
    follow(&ping);
    answer.time_ns = T0 + S - S / 1000;
    follow(&answer);
    ping.time_ns = T0 + S;
    TEST_ASSERT_FALSE(follow(&ping) & FLOW_DUPLICATE);
    TEST_ASSERT_EQUAL_UINT(2, flow.packets[CLIENT]);
}

static void test_time_that_goes_back_does_not_turn_the_flow_back(void)
{
    struct packet p = packet_from(CLIENT, IP_UDP);
    follow(&p);
    p = packet_from(CLIENT, IP_UDP);
    p.time_ns = T0 - 5 * S;
    follow(&p);
    TEST_ASSERT_TRUE(flow.last_ns == T0 && flow.first_ns == T0);
    TEST_ASSERT_TRUE(follow(&p) & FLOW_DUPLICATE); /* a copy is one at any time */
}

static void test_cut_packets_are_counted(void)
{
    struct packet p = packet_from(CLIENT, IP_UDP);
    follow(&p);
    TEST_ASSERT_EQUAL_UINT(0, flow.flags);
    p = packet_from(CLIENT, IP_UDP);
    p.ttl = 3;
    p.is_cut = true;
    p.payload_wirelen = 50; /* nothing of it captured: data all the same */
    TEST_ASSERT_EQUAL_HEX(FLOW_HAS_DATA, follow(&p));
    TEST_ASSERT_EQUAL_HEX(FLOW_CUT, flow.flags);
    TEST_ASSERT_EQUAL_UINT(1, flow.truncated_packets);
    TEST_ASSERT_EQUAL_UINT(64, flow.ttl[CLIENT]); /* that of the first packet */
}

static bool error_about(unsigned side, bool v6, uint8_t type, uint8_t code)
{
    bool counts = flow_icmp(followed, 1, side, v6, type, code);
    flow_view(followed, 1, &flow);
    return counts;
}

static void count_errors(bool v6, unsigned expected)
{
    unsigned count = 0;
    for (unsigned type = 0; type < 256; type++) {
        for (unsigned code = 0; code < 256; code++) {
            setUp();
            datagram(CLIENT);
            if (!error_about(CLIENT, v6, (uint8_t)type, (uint8_t)code)) {
                TEST_ASSERT_FALSE(flow.flags & FLOW_UNREACHABLE);
                continue;
            }
            count++;
            TEST_ASSERT_TRUE(flow.flags & FLOW_UNREACHABLE);
            TEST_ASSERT_EQUAL_UINT(type, flow.icmp_type);
            TEST_ASSERT_EQUAL_UINT(code, flow.icmp_code);
        }
    }
    TEST_ASSERT_EQUAL_UINT(expected, count);
}

static bool is_refusal(bool v6, uint8_t type, uint8_t code)
{
    setUp();
    datagram(CLIENT);
    return error_about(CLIENT, v6, type, code);
}

static void test_icmp_errors_that_count(void)
{
    static const uint8_t v4_codes[] = {1, 3, 9, 10, 13};
    for (unsigned i = 0; i < sizeof v4_codes; i++)
        TEST_ASSERT_TRUE(is_refusal(false, 3, v4_codes[i]));
    TEST_ASSERT_TRUE(is_refusal(true, 1, 1) && is_refusal(true, 1, 4));
    TEST_ASSERT_FALSE(is_refusal(false, 3, 4));  /* fragmentation needed */
    TEST_ASSERT_FALSE(is_refusal(false, 3, 0));  /* a route is missing: perhaps for a moment */
    TEST_ASSERT_FALSE(is_refusal(false, 11, 1)); /* time exceeded */
    TEST_ASSERT_FALSE(is_refusal(true, 3, 1));   /* ICMPv6: time exceeded */
    TEST_ASSERT_FALSE(is_refusal(true, 1, 3));
    count_errors(false, 5);
    count_errors(true, 2);
}

static void test_who_has_answered_is_not_unreachable(void)
{
    datagram(CLIENT);
    datagram(SERVER);
    TEST_ASSERT_FALSE(error_about(CLIENT, false, 3, 3));
    TEST_ASSERT_EQUAL_HEX(0, flow.flags);
    setUp();
    segment(CLIENT, TCP_SYN, 0);
    segment(SERVER, TCP_ACK, 0); /* no answer to a SYN */
    TEST_ASSERT_TRUE(error_about(CLIENT, false, 3, 13));
    setUp();
    segment(CLIENT, TCP_SYN, 0);
    segment(SERVER, TCP_SYN | TCP_ACK, 0);
    TEST_ASSERT_FALSE(error_about(CLIENT, false, 3, 13));
    setUp();
    datagram(CLIENT); /* an error about the answer, which the capture has not seen */
    TEST_ASSERT_FALSE(error_about(SERVER, false, 3, 3));
}

static void test_a_long_flow_is_reported_once_an_hour(void)
{
    datagram(CLIENT);
    struct flow_line *line = line_at(followed, 1);
    line->last_ns = T0 + 3600 * S - 1;
    TEST_ASSERT_FALSE(flow_report_is_due(followed, 1));
    line->last_ns++;
    TEST_ASSERT_TRUE(flow_report_is_due(followed, 1));
    TEST_ASSERT_FALSE(flow_report_is_due(followed, 1));
    line->last_ns += 3600 * S - 1;
    TEST_ASSERT_FALSE(flow_report_is_due(followed, 1));
    line->last_ns++;
    TEST_ASSERT_TRUE(flow_report_is_due(followed, 1));
    TEST_ASSERT_EQUAL_UINT(2, rare_at(followed, 1)->reports);
    for (int64_t hour = 3; hour < 70000; hour++) { /* a counter that cannot count on stops */
        line->last_ns = T0 + hour * 3600 * S;
        TEST_ASSERT_TRUE(flow_report_is_due(followed, 1) == (hour <= UINT16_MAX));
    }
    TEST_ASSERT_EQUAL_UINT(UINT16_MAX, rare_at(followed, 1)->reports);
}

/* Beyond 2^32 bytes the count goes on with the rest of the flow. */
static void test_bytes_count_beyond_32_bits(void)
{
    struct packet p = packet_from(SERVER, IP_UDP);
    uint64_t sent = 0;
    p.ip_bytes = UINT32_MAX;
    for (unsigned i = 0; i < 5; i++) {
        p.ip_id++;
        follow(&p);
        sent += UINT32_MAX;
        TEST_ASSERT_EQUAL_UINT64(sent, flow.bytes[SERVER]);
    }
    p.ip_bytes = 0;
    p.ip_id++;
    follow(&p);
    TEST_ASSERT_EQUAL_UINT64(sent, flow.bytes[SERVER]);
    TEST_ASSERT_EQUAL_UINT64(0, flow.bytes[CLIENT]);
}

/* Beyond what a table can tell apart: counted, and the flow shows no layers. */
static void test_lists_of_layers_are_bounded(void)
{
    create(2000);
    for (unsigned i = 0; i < FLOW_LAYER_LISTS_MAX + 10; i++) {
        struct packet p = packet_from(CLIENT, IP_UDP);
        p.layer_count = 4;
        for (unsigned k = 0; k < 4; k++)
            p.layers[k] = (uint8_t)(LAYER_GRE + (i >> 3 * k) % 8);
        struct flow_key key = numbered(i);
        uint32_t index = flow_table_add(table, &key, flow_key_hash(&key, secret), visit, &gone);
        flow_begin(table, index, &p, CLIENT);
        struct flow view;
        flow_view(table, index, &view);
        TEST_ASSERT_EQUAL_UINT(i < FLOW_LAYER_LISTS_MAX ? p.layers[3] : 0, view.layers[3]);
    }
    TEST_ASSERT_EQUAL_UINT64(10, flow_table_layers_refused(table));
}

static void test_names_of_ends(void)
{
    static const char *const names[] = {"end-of-input", "fin", "rst", "idle", "active", "evicted"};
    for (unsigned end = FLOW_END_INPUT; end <= FLOW_END_EVICTED; end++)
        TEST_ASSERT_EQUAL_STRING(names[end], flow_end_name((enum flow_end)end));
    datagram(CLIENT);
    line_at(followed, 1)->flags =
        FLOW_RST_1 | FLOW_FIN_0 | FLOW_FIN_1 | FLOW_CLOSED; /* closed first, reset later */
    TEST_ASSERT_EQUAL_UINT(FLOW_END_RST, flow_end_of(followed, 1));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_key_is_the_same_from_both_sides);
    RUN_TEST(test_key_of_equal_addresses_goes_by_port);
    RUN_TEST(test_hashes);
    RUN_TEST(test_a_packets_key_and_hash_at_once);
    RUN_TEST(test_table_finds_what_was_added);
    RUN_TEST(test_table_removes_one);
    RUN_TEST(test_an_old_guess_is_only_a_guess);
    RUN_TEST(test_ipv6_flows_are_told_apart_by_whole_addresses);
    RUN_TEST(test_a_full_bucket_uses_the_next_and_then_gives_up_its_oldest);
    RUN_TEST(test_a_full_table_gives_up_the_oldest_of_a_bucket);
    RUN_TEST(test_buckets_are_split_as_flows_come);
    RUN_TEST(test_the_list_is_in_order_of_beginning);
    RUN_TEST(test_nothing_is_lost_or_kept_twice);
    RUN_TEST(test_expiry_by_packet_time);
    RUN_TEST(test_expiry_in_small_steps_comes_round_in_ten_seconds);
    RUN_TEST(test_expiry_stops_at_its_limit);
    RUN_TEST(test_time_that_goes_back_ends_nothing);
    RUN_TEST(test_how_long_a_flow_may_be_silent);
    RUN_TEST(test_begin);
    RUN_TEST(test_protected_is_what_was_readable_inside);
    RUN_TEST(test_a_connection_from_its_beginning);
    RUN_TEST(test_the_server_may_have_the_lower_address);
    RUN_TEST(test_from_the_middle_data_is_an_answer);
    RUN_TEST(test_a_reset_that_answers_a_syn_is_a_refusal);
    RUN_TEST(test_resets_that_refuse_nothing);
    RUN_TEST(test_a_syn_on_a_closed_flow_starts_another);
    RUN_TEST(test_tries_are_counted_until_answered);
    RUN_TEST(test_copies_count_within_ten_milliseconds);
    RUN_TEST(test_copies_of_both_sides_may_interleave);
    RUN_TEST(test_what_tells_a_packet_from_a_copy);
    RUN_TEST(test_without_identification_the_payload_tells);
    RUN_TEST(test_a_repetition_is_no_copy_however_the_other_side_answers);
    RUN_TEST(test_time_that_goes_back_does_not_turn_the_flow_back);
    RUN_TEST(test_cut_packets_are_counted);
    RUN_TEST(test_icmp_errors_that_count);
    RUN_TEST(test_who_has_answered_is_not_unreachable);
    RUN_TEST(test_a_long_flow_is_reported_once_an_hour);
    RUN_TEST(test_bytes_count_beyond_32_bits);
    RUN_TEST(test_lists_of_layers_are_bounded);
    RUN_TEST(test_names_of_ends);
    flow_table_destroy(followed);
    return UNITY_END();
}
