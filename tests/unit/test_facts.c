/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_facts.c - what a flow's facts were before they were packed they are afterwards, also when they grow,
 * shrink, are held open, or when there is no room for more.
 */
#include "proto/facts.h"
#include "unity.h"

#include <stdlib.h>

static struct facts_store store;

void setUp(void)
{
    memset(&store, 0, sizeof store);
}

void tearDown(void)
{
    facts_store_fini(&store);
}

static void fill(struct proto_text *text, unsigned size)
{
    uint8_t bytes[300];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rand();
    proto_text_set(text, bytes, size);
}

/* About half of the words, texts of any length, and both are often nothing. */
static void invent(struct proto_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    for (unsigned i = 0; i < offsetof(struct proto_facts, server_name); i++)
        if (rand() % 8 == 0)
            ((uint8_t *)facts)[i] = (uint8_t)rand();
    if (rand() % 4 == 0)
        memset(facts, 0, offsetof(struct proto_facts, server_name));
    struct proto_text *const texts[] = {&facts->server_name, &facts->agent, &facts->detail};
    for (unsigned i = 0; i < 3; i++)
        if (rand() % 2)
            fill(texts[i], (unsigned)rand() % 301);
}

static void assert_same_text(const struct proto_text *want, const struct proto_text *got)
{
    TEST_ASSERT_EQUAL_UINT(want->size, got->size);
    TEST_ASSERT_EQUAL_UINT(want->wirelen, got->wirelen);
    if (want->size)
        TEST_ASSERT_EQUAL_MEMORY(want->bytes, got->bytes, want->size);
}

static void assert_same(const struct proto_facts *want, const struct proto_facts *got)
{
    TEST_ASSERT_EQUAL_MEMORY(want, got, offsetof(struct proto_facts, server_name));
    assert_same_text(&want->server_name, &got->server_name);
    assert_same_text(&want->agent, &got->agent);
    assert_same_text(&want->detail, &got->detail);
}

enum { FLOWS = 60 };

static void test_what_is_kept_comes_back(void)
{
    static struct proto_facts want[FLOWS];
    uint32_t handles[FLOWS] = {0};
    TEST_ASSERT_TRUE(facts_store_init(&store, FLOWS * 8));
    for (unsigned i = 0; i < 20000; i++) {
        unsigned flow = (unsigned)rand() % FLOWS;
        struct proto_facts *facts = facts_load(&store, handles[flow]);
        assert_same(&want[flow], facts);
        switch (rand() % 6) {
        case 0:
            facts_open(&store, &handles[flow]);
            break;
        case 1:
            facts_close(&store, &handles[flow]);
            break;
        case 2:
            facts_release(&store, &handles[flow]);
            TEST_ASSERT_EQUAL_UINT(0, handles[flow]);
            memset(&want[flow], 0, sizeof want[flow]);
            break;
        default:
            invent(&want[flow]);
            *facts = want[flow];
            TEST_ASSERT_TRUE(facts_save(&store, &handles[flow]));
        }
    }
    for (unsigned flow = 0; flow < FLOWS; flow++)
        facts_release(&store, &handles[flow]);
    TEST_ASSERT_EQUAL_UINT(0, store.chunks.taken);
    TEST_ASSERT_EQUAL_UINT(0, store.open.taken);
    TEST_ASSERT_EQUAL_UINT(0, facts_load(&store, 0)->agent.size);
}

static void test_without_room_the_record_stays(void)
{
    uint32_t handle = 0, others[40] = {0};
    TEST_ASSERT_TRUE(facts_store_init(&store, 1));
    facts_load(&store, 0)->version = 7;
    TEST_ASSERT_TRUE(facts_save(&store, &handle));
    unsigned refused = 0;
    for (unsigned i = 0; i < 40; i++) {
        facts_load(&store, 0)->version = 8;
        refused += !facts_save(&store, &others[i]);
    }
    TEST_ASSERT_TRUE(refused > 0);
    fill(&facts_load(&store, handle)->agent, 255);
    TEST_ASSERT_FALSE(facts_save(&store, &handle));
    TEST_ASSERT_EQUAL_UINT(7, facts_load(&store, handle)->version);
    TEST_ASSERT_EQUAL_UINT(0, facts_load(&store, handle)->agent.size);
}

/* Most flows: a few bits and a short name. */
static void test_a_small_record_is_one_chunk(void)
{
    uint32_t handle = 0;
    TEST_ASSERT_TRUE(facts_store_init(&store, 4));
    struct proto_facts *facts = facts_load(&store, 0);
    facts->query.request = true;
    proto_text_set(&facts->server_name, "a.example", 9);
    TEST_ASSERT_TRUE(facts_save(&store, &handle));
    TEST_ASSERT_EQUAL_UINT(1, store.chunks.taken);
    TEST_ASSERT_TRUE(facts_store_memory(1000) < 1000 * 256);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_what_is_kept_comes_back);
    RUN_TEST(test_without_room_the_record_stays);
    RUN_TEST(test_a_small_record_is_one_chunk);
    return UNITY_END();
}
