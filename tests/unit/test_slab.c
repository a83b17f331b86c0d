/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_slab.c - places of any size: none overlaps another, what is written into one stays, and all the memory
 * can be given to small places, come back, and be given to large ones.
 */
#include "rolecall/slab.h"
#include "unity.h"

#include <stdlib.h>
#include <string.h>

enum { HELD = 300, MEMORY = 256 * 1024 };

static struct slab slab;

void setUp(void)
{
    TEST_ASSERT_TRUE(slab_init(&slab, MEMORY));
}

void tearDown(void)
{
    slab_fini(&slab);
}

struct held {
    uint32_t handle;
    size_t size;
    uint8_t value;
};

static void hold(struct held *held)
{
    held->size = rand() % 8 ? (size_t)rand() % 130 : (size_t)rand() % (SLAB_PLACE_MAX + 1);
    held->handle = slab_take(&slab, held->size);
    TEST_ASSERT_TRUE(held->handle != 0);
    TEST_ASSERT_TRUE(held->handle >> SLAB_PLACE_BITS < SLAB_SIZES);
    TEST_ASSERT_EQUAL_UINT(slab_size_for(held->size), slab_size(held->handle));
    TEST_ASSERT_TRUE(slab_size(held->handle) >= held->size);
    held->value = (uint8_t)rand();
    memset(slab_at(&slab, held->handle), held->value, slab_size(held->handle));
}

static void let_go(struct held *held)
{
    const uint8_t *at = slab_at(&slab, held->handle);
    for (size_t i = 0; i < slab_size(held->handle); i++)
        TEST_ASSERT_EQUAL_HEX8(held->value, at[i]);
    slab_give(&slab, held->handle);
    held->handle = 0;
}

static void test_places_keep_what_is_written(void)
{
    static struct held all[HELD];
    memset(all, 0, sizeof all);
    for (unsigned i = 0; i < 200000; i++) {
        struct held *held = &all[rand() % HELD];
        if (held->handle)
            let_go(held);
        else
            hold(held);
    }
    for (unsigned i = 0; i < HELD; i++)
        if (all[i].handle)
            let_go(&all[i]);
    TEST_ASSERT_EQUAL_UINT(0, slab.taken);
}

static unsigned take_all(size_t size, uint32_t *handles, unsigned max)
{
    unsigned count = 0;
    while (count < max && (handles[count] = slab_take(&slab, size)) != 0)
        count++;
    TEST_ASSERT_TRUE(count < max);
    return count;
}

static void test_all_of_it_serves_any_size(void)
{
    static uint32_t handles[2 * MEMORY / 16];
    const size_t sizes[] = {16, 2048, 48, 1360, 56, 16};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned count = take_all(sizes[i], handles, sizeof handles / sizeof *handles);
        TEST_ASSERT_TRUE(count * sizes[i] >= MEMORY);
        TEST_ASSERT_EQUAL_UINT(count, slab.taken);
        while (count > 0) /* not in the order in which they were taken */
            slab_give(&slab, handles[--count]);
    }
}

/* Blocks with a single place in use serve no other size, but their own still finds room in them. */
static void test_room_in_used_blocks_is_found(void)
{
    static uint32_t handles[2 * MEMORY / 16];
    unsigned count = take_all(32, handles, sizeof handles / sizeof *handles), given = 0;
    for (unsigned i = 0; i < count; i++)
        if (i % (SLAB_BLOCK_SIZE / 32)) {
            slab_give(&slab, handles[i]);
            given++;
        }
    TEST_ASSERT_EQUAL_UINT(0, slab_take(&slab, 64));
    for (unsigned i = 0; i < given; i++)
        TEST_ASSERT_TRUE(slab_take(&slab, 32) != 0);
    TEST_ASSERT_EQUAL_UINT(0, slab_take(&slab, 32));
}

static void test_memory_is_what_was_asked_for(void)
{
    TEST_ASSERT_TRUE(slab_memory(MEMORY) >= MEMORY);
    TEST_ASSERT_TRUE(slab_memory(2 * MEMORY) >= slab_memory(MEMORY) + MEMORY);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_places_keep_what_is_written);
    RUN_TEST(test_all_of_it_serves_any_size);
    RUN_TEST(test_room_in_used_blocks_is_found);
    RUN_TEST(test_memory_is_what_was_asked_for);
    return UNITY_END();
}
