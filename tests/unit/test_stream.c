/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_stream.c - one side of a TCP stream put back in order. Each byte's value tells its place, so that a
 * view can be checked against what was sent: what is delivered must be the bytes sent, in order, or a gap was
 * told.
 */
#include "proto/stream.h"
#include "rolecall/proto.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENT_MAX = 60000, GUARD = 0x5a };

static uint8_t sent[SENT_MAX];
static struct pool windows; /* three; the outer two guard the one that is lent */
static struct stream stream;
static uint32_t first; /* sequence number of sent[0] */
static char label[120];

/* What the reader has seen. */
static struct {
    size_t position; /* where the next byte belongs */
    size_t delivered, gaps;
    bool starved;
} reader;

static void begin(uint32_t sequence)
{
    stream_restart(&stream, &windows, sequence);
    stream = (struct stream){.base = sequence, .anchored = true, .start = true};
    first = sequence;
    memset(&reader, 0, sizeof reader);
}

void setUp(void)
{
    uint32_t state = 0x9e3779b9;
    for (unsigned i = 0; i < SENT_MAX; i++) {
        state = state * 1664525u + 1013904223u;
        sent[i] = (uint8_t)(state >> 24);
    }
    TEST_ASSERT_TRUE(pool_init(&windows, PROTO_WINDOW_SIZE, 3));
    uint32_t below = pool_take(&windows), lent = pool_take(&windows), above = pool_take(&windows);
    memset(pool_item(&windows, below), GUARD, PROTO_WINDOW_SIZE);
    memset(pool_item(&windows, above), GUARD, PROTO_WINDOW_SIZE);
    pool_give(&windows, lent);
    stream = (struct stream){0};
    label[0] = '\0';
    begin(0xfffffff0); /* sequence numbers wrap soon */
}

void tearDown(void)
{
    static uint8_t guard[PROTO_WINDOW_SIZE];
    memset(guard, GUARD, sizeof guard);
    stream_restart(&stream, &windows, 0);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(2, windows.taken, label); /* what was lent came back */
    TEST_ASSERT_EQUAL_MEMORY_MESSAGE(guard, pool_item(&windows, 1), sizeof guard, label);
    TEST_ASSERT_EQUAL_MEMORY_MESSAGE(guard, pool_item(&windows, 3), sizeof guard, label);
    pool_fini(&windows);
}

/* How much of a view the reader takes. */
typedef size_t taker(size_t left);

static size_t take_all(size_t left)
{
    return left;
}

static size_t take_none(size_t left)
{
    return left < PROTO_WINDOW_SIZE ? 0 : left;
}

static size_t take_half(size_t left)
{
    return (left + 1) / 2;
}

static uint32_t random_state;

static size_t random_below(size_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (size_t)(random_state >> 8) % limit;
}

static size_t take_random(size_t left)
{
    switch (random_below(4)) {
    case 0:
        return left;
    case 1:
        return left + random_below(700); /* a record whose body is not wanted */
    case 2:
        return 1 + random_below(left);
    default:
        return take_none(left);
    }
}

static void read_view(const struct bytes *view, taker *take)
{
    if (stream.gap) {
        reader.gaps++;
        TEST_ASSERT_FALSE_MESSAGE(stream.start, label);
        stream.gap = false;
    } else {
        TEST_ASSERT_EQUAL_UINT_MESSAGE(reader.position, stream.base - first, label);
    }
    size_t position = stream.base - first; /* behind a gap, further on; never back */
    TEST_ASSERT_TRUE_MESSAGE(position >= reader.position, label);
    TEST_ASSERT_TRUE_MESSAGE(view->left > 0 && view->left <= PROTO_WINDOW_SIZE && !view->cut, label);
    TEST_ASSERT_TRUE_MESSAGE(position + view->left <= SENT_MAX, label);
    TEST_ASSERT_EQUAL_MEMORY_MESSAGE(sent + position, view->at, view->left, label);
    size_t used = take(view->left);
    reader.delivered += used < view->left ? used : view->left;
    reader.position = position + used;
    if (!stream_use(&stream, &windows, view, used))
        reader.starved = true;
}

/* Bytes from..to of what was sent, as one segment, from memory that ends where they end. */
static void offer(size_t from, size_t to, taker *take)
{
    uint8_t *copy = malloc(to - from + 1);
    memcpy(copy, sent + from, to - from);
    struct bytes rest = bytes_of(copy, to - from), view;
    uint32_t sequence = first + (uint32_t)from;
    while (rest.left > 0 && !reader.starved) {
        struct bytes segment = rest;
        uint32_t at = sequence;
        enum stream_offer answer = stream_offer(&stream, &windows, at, segment, &view, &rest, &sequence);
        TEST_ASSERT_TRUE_MESSAGE(rest.left < segment.left, label);
        if (answer == STREAM_READY)
            read_view(&view, take);
        reader.starved |= answer == STREAM_STARVED;
    }
    free(copy);
}

/* What is kept once everything has arrived: the reader left it for later. */
static size_t kept(void)
{
    return stream.ready;
}

static void test_in_order_needs_no_window(void)
{
    for (size_t at = 0; at < 3000; at += 100) {
        offer(at, at + 100, take_all);
        TEST_ASSERT_EQUAL_UINT(2, windows.taken);
    }
    TEST_ASSERT_EQUAL_UINT(3000, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
    TEST_ASSERT_TRUE(stream.start);
}

static void test_what_is_not_used_comes_again(void)
{
    offer(0, 10, take_none);
    offer(10, 20, take_none);
    TEST_ASSERT_EQUAL_UINT(20, kept());
    offer(20, 21, take_half); /* 11 of 21 */
    TEST_ASSERT_EQUAL_UINT(10, kept());
    offer(21, 30, take_all);
    TEST_ASSERT_EQUAL_UINT(30, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(2, windows.taken); /* the window went back at once */
}

static void test_repeated_and_overlapping_bytes_are_trimmed(void)
{
    struct bytes view, rest;
    uint32_t sequence;
    offer(0, 100, take_all);
    for (size_t from = 0; from < 100; from++)
        TEST_ASSERT_EQUAL_UINT(STREAM_NOTHING,
                               stream_offer(&stream, &windows, first + (uint32_t)from,
                                            bytes_of(sent + from, 100 - from), &view, &rest, &sequence));
    offer(50, 150, take_none);
    offer(120, 140, take_all); /* known, not used: nothing new */
    TEST_ASSERT_EQUAL_UINT(100, reader.delivered);
    offer(90, 200, take_all);
    TEST_ASSERT_EQUAL_UINT(200, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
}

/* Keep-alives repeat one old byte, or none. */
static void test_keep_alives_are_nothing(void)
{
    struct bytes view, rest;
    uint32_t sequence;
    uint8_t garbage = 0;
    offer(0, 100, take_none);
    TEST_ASSERT_EQUAL_UINT(STREAM_NOTHING, stream_offer(&stream, &windows, first + 99, bytes_of(&garbage, 1),
                                                        &view, &rest, &sequence));
    TEST_ASSERT_EQUAL_UINT(STREAM_NOTHING, stream_offer(&stream, &windows, first + 100, bytes_of(&garbage, 0),
                                                        &view, &rest, &sequence));
    offer(100, 101, take_all); /* and the first copy of byte 99 was the one that counts */
    TEST_ASSERT_EQUAL_UINT(101, reader.delivered);
}

/* Segment k is bytes 7k .. 7k + 7. What one early run can hold, by segment numbers. */
struct model {
    unsigned next, early, early_end;
};

static void model_offer(struct model *model, unsigned segment)
{
    bool has_run = model->early_end > 0;
    if (segment == model->next) {
        model->next++;
        if (has_run && model->early == model->next) {
            model->next = model->early_end;
            model->early_end = 0;
        }
    } else if (!has_run) {
        model->early = segment;
        model->early_end = segment + 1;
    } else if (segment == model->early_end) {
        model->early_end++;
    } else if (segment + 1 == model->early) {
        model->early = segment;
    }
}

static void try_order(const unsigned *order, unsigned count, taker *take)
{
    struct model model = {0, 0, 0};
    begin(0xffffffff - count * 7 / 2);
    for (unsigned i = 0; i < count; i++) {
        snprintf(label, sizeof label, "order %u%u%u%u%u%u, at %u", order[0], order[1], order[2], order[3],
                 count > 4 ? order[4] : 9, count > 5 ? order[5] : 9, i);
        offer(order[i] * 7, order[i] * 7 + 7, take);
        model_offer(&model, order[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(model.next * 7, reader.delivered + kept(), label);
    }
    for (unsigned i = 0; i < count; i++) /* all of it once more, and nothing is missing */
        offer(i * 7, i * 7 + 7, take);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(count * 7, reader.delivered + kept(), label);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(0, reader.gaps, label);
    TEST_ASSERT_TRUE_MESSAGE(stream.start, label);
}

static void every_order(unsigned *order, unsigned fixed, unsigned count, taker *take)
{
    if (fixed == count) {
        try_order(order, count, take);
        return;
    }
    for (unsigned i = fixed; i < count; i++) {
        unsigned other = order[i];
        order[i] = order[fixed];
        order[fixed] = other;
        every_order(order, fixed + 1, count, take);
        order[fixed] = order[i];
        order[i] = other;
    }
}

static void test_every_order_of_six_segments(void)
{
    static taker *const takers[] = {take_all, take_none, take_half};
    for (unsigned t = 0; t < 3; t++) {
        for (unsigned count = 4; count <= 6; count++) {
            unsigned order[] = {0, 1, 2, 3, 4, 5};
            every_order(order, 0, count, takers[t]);
        }
    }
}

static void test_reordering_fills_a_hole_without_a_gap(void)
{
    offer(0, 100, take_all);
    offer(200, 300, take_all);
    offer(300, 400, take_all); /* behind the run */
    offer(150, 250, take_all); /* before it, and over its beginning */
    TEST_ASSERT_EQUAL_UINT(100, reader.delivered);
    TEST_ASSERT_TRUE(stream.early > 0);
    offer(100, 170, take_all);
    TEST_ASSERT_EQUAL_UINT(400, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(0, stream.early);
    TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
}

static void test_one_segment_over_the_whole_early_run(void)
{
    offer(200, 300, take_all);
    offer(0, 400, take_all);
    TEST_ASSERT_EQUAL_UINT(400, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(2, windows.taken);
}

static void test_a_hole_overtaken_eight_times_is_given_up(void)
{
    offer(0, 100, take_all);
    for (size_t i = 0; i < 7; i++) {
        offer(200 + 10 * i, 210 + 10 * i, take_all);
        TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
    }
    offer(270, 280, take_all);
    TEST_ASSERT_EQUAL_UINT(1, reader.gaps);
    TEST_ASSERT_EQUAL_UINT(280, reader.position);
    TEST_ASSERT_EQUAL_UINT(180, reader.delivered);
    offer(100, 200, take_all); /* too late */
    TEST_ASSERT_EQUAL_UINT(180, reader.delivered);
    offer(280, 300, take_all);
    TEST_ASSERT_EQUAL_UINT(200, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(1, reader.gaps);
}

static void test_a_filled_hole_starts_the_count_again(void)
{
    for (size_t hole = 0; hole < 5; hole++) {
        for (size_t i = 1; i < 6; i++)
            offer(hole * 60 + 10 * i, hole * 60 + 10 * i + 10, take_all);
        offer(hole * 60, hole * 60 + 10, take_all);
    }
    TEST_ASSERT_EQUAL_UINT(300, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
}

static void test_a_hole_wider_than_the_window_is_a_gap_at_once(void)
{
    offer(0, 100, take_all);
    offer(100 + PROTO_WINDOW_SIZE - 10, 100 + PROTO_WINDOW_SIZE, take_all); /* just fits */
    TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
    offer(101 + PROTO_WINDOW_SIZE - 10, 101 + PROTO_WINDOW_SIZE, take_all);
    TEST_ASSERT_EQUAL_UINT(1, reader.gaps);
    TEST_ASSERT_EQUAL_UINT(110, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(101 + PROTO_WINDOW_SIZE, reader.position);
}

/* A segment that was cut by the capture: the bytes behind it will never be filled in. */
static void test_after_a_torn_segment_the_next_is_a_gap_at_once(void)
{
    offer(0, 100, take_all);
    stream.torn = true;
    offer(150, 200, take_all);
    TEST_ASSERT_EQUAL_UINT(1, reader.gaps);
    TEST_ASSERT_EQUAL_UINT(200, reader.position);
    offer(250, 300, take_all); /* only that once */
    TEST_ASSERT_EQUAL_UINT(1, reader.gaps);
    TEST_ASSERT_EQUAL_UINT(200, reader.position);
}

static void test_a_segment_larger_than_the_window_comes_in_pieces(void)
{
    offer(0, 3 * PROTO_WINDOW_SIZE + 5, take_all);
    TEST_ASSERT_EQUAL_UINT(3 * PROTO_WINDOW_SIZE + 5, reader.delivered);
    begin(7);
    offer(0, 100, take_none);
    offer(50, PROTO_WINDOW_SIZE + 1000, take_none); /* the reader takes it once the window is full */
    TEST_ASSERT_EQUAL_UINT(PROTO_WINDOW_SIZE, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(1000, kept());
    begin(7);
    offer(100, 2 * PROTO_WINDOW_SIZE, take_all); /* early, and too much of it */
    TEST_ASSERT_EQUAL_UINT(1, reader.gaps);
    TEST_ASSERT_EQUAL_UINT(2 * PROTO_WINDOW_SIZE - 100, reader.delivered);
}

static size_t extra;

static size_t take_beyond(size_t left)
{
    return left + extra;
}

static void test_used_beyond_what_has_arrived(void)
{
    extra = 1000;
    offer(0, 100, take_beyond);
    TEST_ASSERT_EQUAL_UINT(1100, reader.position);
    offer(100, 600, take_all); /* passed over */
    offer(600, 1100, take_all);
    TEST_ASSERT_EQUAL_UINT(100, reader.delivered);
    offer(1000, 1200, take_all); /* its second half is wanted again */
    TEST_ASSERT_EQUAL_UINT(200, reader.delivered);
    TEST_ASSERT_EQUAL_UINT(0, reader.gaps);
}

/* An early run is kept while the reader skips up to it, into it and past it; `extra` counts from byte 100. */
static void skip_and_read(size_t beyond)
{
    snprintf(label, sizeof label, "used %zu beyond", beyond);
    begin(0xffffff9c);
    extra = beyond;
    offer(0, 100, take_none);
    offer(300, 400, take_all); /* early */
    offer(100, 101, take_beyond);
    size_t at = 101 + beyond;
    TEST_ASSERT_EQUAL_UINT_MESSAGE(at, reader.position, label);
    if (at < 300)
        offer(101, 300, take_all);
    offer(400, 500, take_all);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(500, reader.position, label);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(101 + 500 - (at < 500 ? at : 500), reader.delivered, label);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(0, reader.gaps, label);
}

static void test_skipping_keeps_what_came_early(void)
{
    for (size_t beyond = 0; beyond <= 300; beyond++)
        skip_and_read(beyond);
}

static void test_without_a_free_window(void)
{
    struct bytes view, rest;
    uint32_t sequence;
    uint32_t last = pool_take(&windows);
    offer(0, 100, take_all);
    TEST_ASSERT_FALSE(reader.starved);
    TEST_ASSERT_EQUAL_UINT(STREAM_STARVED, stream_offer(&stream, &windows, first + 200,
                                                        bytes_of(sent + 200, 10), &view, &rest, &sequence));
    TEST_ASSERT_EQUAL_UINT(STREAM_READY, stream_offer(&stream, &windows, first + 100,
                                                      bytes_of(sent + 100, 10), &view, &rest, &sequence));
    TEST_ASSERT_FALSE(stream_use(&stream, &windows, &view, 9));
    TEST_ASSERT_EQUAL_UINT(first + 109, stream.base);
    pool_give(&windows, last);
}

/* A whole stream in pieces of random size, some of them lost, repeated, overlapping or swapped. */
static void random_stream(uint32_t seed, unsigned lost_percent, unsigned swapped_percent, size_t piece_max,
                          taker *take)
{
    struct {
        size_t from, to;
    } waiting = {0, 0};
    size_t at = 0;
    snprintf(label, sizeof label, "seed %u, %u %% lost, %u %% swapped, pieces to %zu", seed, lost_percent,
             swapped_percent, piece_max);
    random_state = seed;
    begin(0u - 20000u + (uint32_t)random_below(10000));
    while (at < 50000 && !reader.starved) {
        size_t from = at - (at && random_below(5) == 0 ? random_below(at < 300 ? at : 300) : 0);
        size_t to = at + 1 + random_below(piece_max);
        at = to;
        if (random_below(100) < lost_percent)
            continue;
        if (random_below(100) < swapped_percent && waiting.to == 0) {
            waiting.from = from;
            waiting.to = to;
            continue;
        }
        offer(from, to, take);
        if (waiting.to) {
            offer(waiting.from, waiting.to, take);
            waiting.to = 0;
        }
        if (random_below(20) == 0)
            offer(from, to, take);
    }
    TEST_ASSERT_FALSE_MESSAGE(reader.starved, label);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(windows.taken, stream.window ? 3 : 2, label);
    if (lost_percent == 0 && piece_max <= 1460 && take == take_all && !waiting.to) {
        TEST_ASSERT_EQUAL_UINT_MESSAGE(at, reader.delivered, label);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(0, reader.gaps, label);
    }
    TEST_ASSERT_TRUE_MESSAGE(lost_percent < 10 || piece_max != 1460 || reader.gaps > 0, label);
    TEST_ASSERT_TRUE_MESSAGE(reader.position > 40000, label);
}

static void test_random_streams(void)
{
    static taker *const takers[] = {take_all, take_half, take_none, take_random};
    static const size_t pieces[] = {3, 100, 1460, 6000};
    static const unsigned lost[] = {0, 1, 10};
    for (uint32_t seed = 1; seed <= 10; seed++)
        for (unsigned t = 0; t < 4; t++)
            for (unsigned p = 0; p < 4; p++)
                for (unsigned l = 0; l < 3; l++)
                    random_stream(seed, lost[l], seed % 3 * 10, pieces[p], takers[t]);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_in_order_needs_no_window);
    RUN_TEST(test_what_is_not_used_comes_again);
    RUN_TEST(test_repeated_and_overlapping_bytes_are_trimmed);
    RUN_TEST(test_keep_alives_are_nothing);
    RUN_TEST(test_every_order_of_six_segments);
    RUN_TEST(test_reordering_fills_a_hole_without_a_gap);
    RUN_TEST(test_one_segment_over_the_whole_early_run);
    RUN_TEST(test_a_hole_overtaken_eight_times_is_given_up);
    RUN_TEST(test_a_filled_hole_starts_the_count_again);
    RUN_TEST(test_a_hole_wider_than_the_window_is_a_gap_at_once);
    RUN_TEST(test_after_a_torn_segment_the_next_is_a_gap_at_once);
    RUN_TEST(test_a_segment_larger_than_the_window_comes_in_pieces);
    RUN_TEST(test_used_beyond_what_has_arrived);
    RUN_TEST(test_skipping_keeps_what_came_early);
    RUN_TEST(test_without_a_free_window);
    RUN_TEST(test_random_streams);
    return UNITY_END();
}
