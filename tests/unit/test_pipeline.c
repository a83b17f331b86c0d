/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_pipeline.c - whatever threads work on the shares of batches, and however long each takes: no share is
 * in two hands, and what is noted is told once, in its order, with its facts.
 */
#include "pipeline.h"
#include "unity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 20261121, ROUNDS = 120, NOTES_MAX = 4 };

static struct pipeline *pipeline;
static struct frame_hold hold;
static atomic_uint in_hands[PIPELINE_SHARES_MAX];
static atomic_uint met; /* two threads in one share */
static uint64_t random_state;
static uint32_t next_number;           /* of the next item that is filled in */
static uint32_t expected, expected_at; /* the item and its note that are to be told next */
static unsigned told, groups_too_long;
static bool is_wrong;

static uint32_t mixed(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

static uint32_t random_below(uint32_t limit)
{
    return mixed(random_state += 0x9e3779b97f4a7c15) % limit;
}

/* How many notes an item makes: known to whoever knows its number. */
static unsigned notes_of(uint32_t number)
{
    return mixed(number * UINT64_C(0x9e3779b97f4a7c15)) % (NOTES_MAX + 1);
}

static void add_note(struct note_list *list, uint32_t order, uint32_t number, unsigned which)
{
    struct proto_facts facts;
    memset(&facts, 0, sizeof facts);
    facts.version = (uint16_t)number;
    proto_text_set(&facts.detail, "detail", number % 7);
    struct note *note = note_add(list, order, number % 3 ? &facts : NULL, NULL);
    if (!note)
        return; /* told too few, then: Unity belongs to the first thread */
    note->slot = number;
    note->step = (uint16_t)which;
}

static void work(void *context, unsigned worker, struct batch *batch, unsigned share)
{
    (void)context;
    (void)worker;
    if (atomic_fetch_add(&in_hands[share], 1))
        atomic_fetch_add(&met, 1);
    for (volatile unsigned delay = mixed(batch->flows[0] + share) % 4096; delay > 0; delay--)
        continue;
    for (unsigned i = 0; i < batch->count; i++)
        for (unsigned n = 0;
             pipeline_share_of(pipeline, batch->shard[i]) == share && n < notes_of(batch->flows[i]); n++)
            add_note(&batch->notes[share], (i + 1) * PIPELINE_SHARDS + batch->shard[i], batch->flows[i], n);
    atomic_fetch_sub(&in_hands[share], 1);
}

static void hear(const struct told_note *heard)
{
    static struct proto_facts facts;
    const struct note *note = heard->note;
    while (expected_at == notes_of(expected)) {
        expected++;
        expected_at = 0;
    }
    note_facts(heard->list, note, &facts);
    is_wrong |= note->slot != expected || note->step != expected_at;
    is_wrong |= facts.version != (note->slot % 3 ? (uint16_t)note->slot : 0) ||
                facts.detail.size != (note->slot % 3 ? note->slot % 7 : 0);
    expected_at++;
    told++;
}

static void tell(void *context, const struct told_note notes[], unsigned count)
{
    (void)context;
    groups_too_long += count > TOLD_TOGETHER;
    for (unsigned i = 0; i < count; i++)
        hear(&notes[i]);
}

void setUp(void)
{
    random_state = SEED;
    next_number = expected = expected_at = 0;
    told = groups_too_long = 0;
    is_wrong = false;
    atomic_store(&met, 0);
    hold.users = 0;
    pipeline = calloc(1, sizeof *pipeline);
    pipeline->work = work;
    pipeline->tell = tell;
}

void tearDown(void)
{
    pipeline_fini(pipeline);
    free(pipeline);
}

static void fill(unsigned count)
{
    struct batch *batch = pipeline_batch(pipeline);
    TEST_ASSERT_EQUAL_UINT(0, batch->count);
    batch_hold(batch, &hold);
    for (unsigned i = 0; i < count; i++) {
        batch->shard[i] = (uint8_t)random_below(PIPELINE_SHARDS);
        batch->flows[batch->count++] = next_number++;
    }
    batch->placed = count;
}

static unsigned notes_until(uint32_t number)
{
    unsigned count = 0;
    for (uint32_t n = 0; n < number; n++)
        count += notes_of(n);
    return count;
}

static void play(unsigned workers)
{
    pipeline->workers = workers;
    TEST_ASSERT_TRUE(pipeline_init(pipeline));
    for (unsigned round = 0; round < ROUNDS; round++) {
        fill(1 + random_below(BATCH_PACKETS));
        pipeline_hand_over(pipeline);
        if (random_below(16) == 0) {
            pipeline_drain(pipeline);
            TEST_ASSERT_EQUAL_UINT(0, hold.users);
            TEST_ASSERT_EQUAL_UINT(notes_until(next_number), told);
        }
    }
    pipeline_drain(pipeline);
    TEST_ASSERT_EQUAL_UINT(notes_until(next_number), told);
    TEST_ASSERT_FALSE(is_wrong);
    TEST_ASSERT_EQUAL_UINT(0, groups_too_long);
    TEST_ASSERT_EQUAL_UINT(0, atomic_load(&met));
    TEST_ASSERT_EQUAL_UINT(0, hold.users);
}

static void two_workers(void)
{
    play(2);
}

static void three_workers(void)
{
    play(3);
}

static void as_many_as_there_may_be(void)
{
    play(WORKERS_MAX);
}

/* A batch that is never enough to wake anybody is told all the same. */
static void a_tick_waits_for_nobody(void)
{
    pipeline->workers = 4;
    TEST_ASSERT_TRUE(pipeline_init(pipeline));
    for (unsigned i = 0; i < 20; i++) {
        fill(3);
        pipeline_tick(pipeline, 1);
        TEST_ASSERT_EQUAL_UINT(notes_until(next_number), told);
        pipeline_tick(pipeline, 2);
    }
    TEST_ASSERT_FALSE(is_wrong);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(two_workers);
    RUN_TEST(three_workers);
    RUN_TEST(as_many_as_there_may_be);
    RUN_TEST(a_tick_waits_for_nobody);
    return UNITY_END();
}
