/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_pool.c - the pool: each index once, never 0, the last given is the first taken, an empty pool says so.
 */
#include "rolecall/pool.h"
#include "unity.h"

#include <string.h>

enum { COUNT = 5, SIZE = 24 };
static struct pool pool;

void setUp(void)
{
    TEST_ASSERT_TRUE(pool_init(&pool, SIZE, COUNT));
}

void tearDown(void)
{
    pool_fini(&pool);
}

static void test_each_index_once_and_never_zero(void)
{
    bool seen[COUNT + 1] = {false};
    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t index = pool_take(&pool);
        TEST_ASSERT_TRUE(index > 0 && index <= COUNT && !seen[index]);
        seen[index] = true;
        TEST_ASSERT_EQUAL_UINT(i + 1, pool.taken);
    }
    TEST_ASSERT_EQUAL_UINT(0, pool_take(&pool));
    TEST_ASSERT_EQUAL_UINT(COUNT, pool.taken);
}

static void test_last_given_is_first_taken(void)
{
    uint32_t first = pool_take(&pool), second = pool_take(&pool), third = pool_take(&pool);
    pool_give(&pool, first);
    pool_give(&pool, third);
    TEST_ASSERT_EQUAL_UINT(1, pool.taken);
    TEST_ASSERT_EQUAL_UINT(third, pool_take(&pool));
    TEST_ASSERT_EQUAL_UINT(first, pool_take(&pool));
    uint32_t fresh = pool_take(&pool); /* only now one that was never used */
    TEST_ASSERT_TRUE(fresh != first && fresh != second && fresh != third && fresh != 0);
    TEST_ASSERT_EQUAL_UINT(4, pool.taken);
}

static void test_an_empty_pool_goes_on_when_one_comes_back(void)
{
    for (unsigned i = 0; i < COUNT; i++)
        pool_take(&pool);
    TEST_ASSERT_EQUAL_UINT(0, pool_take(&pool));
    pool_give(&pool, 3);
    TEST_ASSERT_EQUAL_UINT(3, pool_take(&pool));
    TEST_ASSERT_EQUAL_UINT(0, pool_take(&pool));
}

/* Items lie apart, and what is written into one stays there. */
static void test_items_do_not_overlap(void)
{
    uint8_t expected[SIZE];
    for (unsigned i = 0; i < COUNT; i++) {
        uint32_t index = pool_take(&pool);
        memset(pool_item(&pool, index), (int)index, SIZE);
    }
    for (uint32_t index = 1; index <= COUNT; index++) {
        memset(expected, (int)index, SIZE);
        TEST_ASSERT_EQUAL_MEMORY(expected, pool_item(&pool, index), SIZE);
    }
}

static void test_taken_at_random_none_is_lent_twice(void)
{
    bool out[COUNT + 1] = {false};
    uint32_t state = 0x20240517, lent = 0;
    for (unsigned round = 0; round < 10000; round++) {
        state = state * 1664525u + 1013904223u;
        uint32_t index = 1 + (state >> 16) % COUNT;
        if (out[index]) {
            pool_give(&pool, index);
            out[index] = false;
            lent--;
        } else {
            index = pool_take(&pool);
            TEST_ASSERT_TRUE_MESSAGE(index > 0 && !out[index], "seed 0x20240517");
            out[index] = true;
            lent++;
        }
        TEST_ASSERT_EQUAL_UINT(lent, pool.taken);
    }
}

static void test_none_at_all(void)
{
    struct pool none;
    TEST_ASSERT_TRUE(pool_init(&none, SIZE, 0));
    TEST_ASSERT_EQUAL_UINT(0, pool_take(&none));
    pool_fini(&none);
    TEST_ASSERT_TRUE(!none.items && !none.next);
    TEST_ASSERT_EQUAL_UINT64((COUNT + 1) * (SIZE + 4), pool_memory(SIZE, COUNT));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_each_index_once_and_never_zero);
    RUN_TEST(test_last_given_is_first_taken);
    RUN_TEST(test_an_empty_pool_goes_on_when_one_comes_back);
    RUN_TEST(test_items_do_not_overlap);
    RUN_TEST(test_taken_at_random_none_is_lent_twice);
    RUN_TEST(test_none_at_all);
    return UNITY_END();
}
