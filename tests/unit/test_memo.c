/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_memo.c - what was remembered of a flow before it was packed is remembered afterwards, also when it
 * grows, shrinks, is held open, or when there is no room for more.
 */
#include "proto/memo.h"
#include "unity.h"

#include <stdlib.h>

static struct memo_store store;

void setUp(void)
{
    memset(&store, 0, sizeof store);
}

void tearDown(void)
{
    memo_store_fini(&store);
}

static void fill(struct proto_text *text, unsigned size)
{
    uint8_t bytes[700];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rand();
    proto_text_set(text, bytes, size);
}

/* About half of the words, texts of any length, and both are often nothing. */
static void invent_facts(struct proto_facts *facts)
{
    for (unsigned i = 0; i < offsetof(struct proto_facts, server_name); i++)
        if (rand() % 8 == 0)
            ((uint8_t *)facts)[i] = (uint8_t)rand();
    if (rand() % 4 == 0)
        memset(facts, 0, offsetof(struct proto_facts, server_name));
    struct proto_text *const texts[] = {&facts->server_name, &facts->agent, &facts->detail};
    for (unsigned i = 0; i < 3; i++)
        if (rand() % 2)
            fill(texts[i], (unsigned)rand() % 701);
}

static void invent_work(struct work *work)
{
    for (unsigned side = 0; side < 2; side++) {
        struct stream *stream = &work->streams[side];
        stream->base = (uint32_t)rand();
        stream->anchored = rand() % 2;
        stream->start = rand() % 2;
        stream->torn = rand() % 2;
        work->reached[side] = stream->base;
        if (rand() % 4)
            continue;
        stream->window = (uint32_t)rand() % 3;
        stream->ready = stream->window ? (uint16_t)rand() : 0;
        work->reached[side] += (uint32_t)rand() % 2;
        work->ruled_out = rand() % 2 ? (uint64_t)rand() << 20 : 0;
        work->lost = rand() % 2;
    }
}

/* Protocols write the first bytes of what they are lent, mostly. */
static void invent_lent(struct memo *memo)
{
    memo->lent_count = (uint8_t)(rand() % (MEMO_LENT_MAX + 1));
    for (unsigned i = 0; i < memo->lent_count; i++) {
        unsigned size = (unsigned)rand() % (PROTO_MEMORY_SIZE + 1);
        memo->owners[i] = (uint8_t)(1 + rand() % (PROTO_COUNT - 1));
        for (unsigned at = 0; at < size; at++)
            memo->lent[i].bytes[at] = rand() % 2 ? (uint8_t)rand() : 0;
    }
}

static void invent(struct memo *memo)
{
    memset(memo, 0, sizeof *memo);
    memo->has_facts = rand() % 2;
    memo->has_work = rand() % 2;
    if (memo->has_facts)
        invent_facts(&memo->facts);
    if (memo->has_work)
        invent_work(&memo->work);
    if (rand() % 2)
        invent_lent(memo);
}

static void assert_same_text(const struct proto_text *want, const struct proto_text *got)
{
    TEST_ASSERT_EQUAL_UINT(want->size, got->size);
    TEST_ASSERT_EQUAL_UINT(want->wirelen, got->wirelen);
    if (want->size)
        TEST_ASSERT_EQUAL_MEMORY(want->bytes, got->bytes, want->size);
}

/* What is not there is zero, whatever was there in the record before: the next flow is lent it. */
static void assert_same(const struct memo *want, const struct memo *got)
{
    TEST_ASSERT_EQUAL_MEMORY(&want->facts, &got->facts, offsetof(struct proto_facts, server_name));
    assert_same_text(&want->facts.server_name, &got->facts.server_name);
    assert_same_text(&want->facts.agent, &got->facts.agent);
    assert_same_text(&want->facts.detail, &got->facts.detail);
    TEST_ASSERT_EQUAL_UINT(want->has_work, got->has_work);
    TEST_ASSERT_EQUAL_MEMORY(&want->work, &got->work, sizeof want->work);
    TEST_ASSERT_EQUAL_UINT(want->lent_count, got->lent_count);
    for (unsigned i = 0; i < want->lent_count; i++)
        TEST_ASSERT_EQUAL_UINT(want->owners[i], got->owners[i]);
    TEST_ASSERT_EQUAL_MEMORY(want->lent, got->lent, sizeof want->lent);
}

enum { FLOWS = 60 };

static void test_what_is_kept_comes_back(void)
{
    static struct memo want[FLOWS];
    uint32_t handles[FLOWS] = {0};
    TEST_ASSERT_TRUE(memo_store_init(&store, FLOWS * 16));
    for (unsigned i = 0; i < 40000; i++) {
        unsigned flow = (unsigned)rand() % FLOWS;
        struct memo *memo = memo_load(&store, handles[flow]);
        assert_same(&want[flow], memo);
        switch (rand() % 6) {
        case 0:
            memo_open(&store, &handles[flow]);
            break;
        case 1:
            memo_close(&store, &handles[flow]);
            break;
        case 2:
            memo_release(&store, &handles[flow]);
            TEST_ASSERT_EQUAL_UINT(0, handles[flow]);
            memset(&want[flow], 0, sizeof want[flow]);
            break;
        default:
            invent(&want[flow]);
            *memo = want[flow];
            TEST_ASSERT_TRUE(memo_save(&store, &handles[flow]));
            assert_same(&want[flow], memo_load(&store, handles[flow]));
        }
    }
    for (unsigned flow = 0; flow < FLOWS; flow++)
        memo_release(&store, &handles[flow]);
    TEST_ASSERT_TRUE(memo_store_is_empty(&store));
    TEST_ASSERT_EQUAL_UINT(0, memo_load(&store, 0)->facts.agent.size);
}

static void say(struct memo *memo, unsigned version)
{
    memo->has_facts = true;
    memo->facts.version = (uint16_t)version;
}

static void test_without_room_the_record_stays(void)
{
    uint32_t handle = 0, other = 0;
    TEST_ASSERT_TRUE(memo_store_init(&store, 1));
    say(memo_load(&store, 0), 7);
    TEST_ASSERT_TRUE(memo_save(&store, &handle));
    do { /* all blocks go to large places */
        other = 0;
        say(memo_load(&store, 0), 8);
        fill(&store.desk.facts.agent, 255);
        fill(&store.desk.facts.detail, 255);
    } while (memo_save(&store, &other));
    TEST_ASSERT_EQUAL_UINT(0, other);
    say(memo_load(&store, handle), 9);
    fill(&store.desk.facts.agent, 255);
    TEST_ASSERT_FALSE(memo_save(&store, &handle));
    TEST_ASSERT_EQUAL_UINT(7, memo_load(&store, handle)->facts.version);
    TEST_ASSERT_EQUAL_UINT(0, memo_load(&store, handle)->facts.agent.size);
}

/* One that shrinks keeps its place where there is none of the right size. */
static void test_what_becomes_less_finds_room(void)
{
    uint32_t handle = 0, other;
    TEST_ASSERT_TRUE(memo_store_init(&store, 1));
    do {
        other = 0;
        say(memo_load(&store, 0), 8);
        fill(&store.desk.facts.agent, 255);
        if (memo_save(&store, &other))
            handle = other;
    } while (other);
    memo_load(&store, handle)->facts.agent.size = 0;
    TEST_ASSERT_TRUE(memo_save(&store, &handle));
    TEST_ASSERT_EQUAL_UINT(8, memo_load(&store, handle)->facts.version);
    TEST_ASSERT_EQUAL_UINT(0, memo_load(&store, handle)->facts.agent.size);
}

/* Most flows: a few bits and a short name; while they are identified, 56 bytes. */
static void test_ordinary_memos_are_small(void)
{
    uint32_t settled = 0, followed = 0;
    TEST_ASSERT_TRUE(memo_store_init(&store, 4));
    struct memo *memo = memo_load(&store, 0);
    memo->has_facts = memo->facts.query.request = true;
    proto_text_set(&memo->facts.server_name, "a.example", 9);
    TEST_ASSERT_TRUE(memo_save(&store, &settled));
    TEST_ASSERT_EQUAL_UINT(16, slab_size(settled));
    memo = memo_load(&store, 0);
    memo->has_work = memo->has_facts = true;
    memo->work.streams[0].base = memo->work.streams[1].base = 0x12345678;
    memo->work.reached[0] = memo->work.reached[1] = 0x12345678;
    memo->lent_count = 1;
    memo->owners[0] = PROTO_tls;
    memset(memo->lent[0].bytes, 1, 8);
    memo->facts.tls.version = 0x0303;
    memo->facts.tls.session = 0x12345678;
    proto_text_set(&memo->facts.server_name, "sipinternal.contoso.com", 23);
    TEST_ASSERT_TRUE(memo_save(&store, &followed));
    TEST_ASSERT_EQUAL_UINT(56, slab_size(followed));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_what_is_kept_comes_back);
    RUN_TEST(test_without_room_the_record_stays);
    RUN_TEST(test_what_becomes_less_finds_room);
    RUN_TEST(test_ordinary_memos_are_small);
    return UNITY_END();
}
