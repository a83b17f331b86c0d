/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_map.c - the bounded map: every key found again, order of addition, a full map refuses and still finds,
 * and the hash against SipHash-1-3 as others compute it (CPython's hash of bytes with a zero key).
 */
#include "rolecall/hash.h"
#include "rolecall/map.h"
#include "unity.h"

#include <string.h>

static const uint64_t secret[2] = {0x0123456789abcdef, 0xfedcba9876543210};
static struct map map;

struct key {
    uint32_t number;
    uint8_t tail[3]; /* 7 bytes: the value behind it must be aligned all the same */
} __attribute__((packed));

struct value {
    uint64_t number;
    uint32_t seen;
};

static struct key key_of(uint32_t number)
{
    return (struct key){number, {1, 2, 3}};
}

void setUp(void)
{
    TEST_ASSERT_TRUE(map_init(&map, sizeof(struct key), sizeof(struct value), 1000, secret));
}

void tearDown(void)
{
    map_fini(&map);
}

static void test_hash_is_siphash_1_3(void)
{
    static const uint64_t zero[2], counting_secret[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint8_t counting[64];
    for (unsigned i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)i;
    TEST_ASSERT_EQUAL_HEX64(0x407448d2b89b1813, hash_bytes("a", 1, zero));
    TEST_ASSERT_EQUAL_HEX64(0x6db12aae9070f506, hash_bytes("abcdefg", 7, zero));
    TEST_ASSERT_EQUAL_HEX64(0x3f7b849c0b8e35ea, hash_bytes("abcdefgh", 8, zero));
    TEST_ASSERT_EQUAL_HEX64(0xf89b34a3d11eb6e5, hash_bytes("abcdefghi", 9, zero));
    TEST_ASSERT_EQUAL_HEX64(0x75e05fd5bbc870c6, hash_bytes(counting, sizeof counting, zero));
    TEST_ASSERT_EQUAL_HEX64(0xabac0158050fc4dc, hash_bytes(NULL, 0, counting_secret));
}

static void test_secrets_cannot_be_known(void)
{
    uint64_t one[2], other[2];
    map_secret(one);
    map_secret(other);
    TEST_ASSERT_TRUE(memcmp(one, other, sizeof one) != 0);
    TEST_ASSERT_TRUE(one[0] != 0 && one[1] != 0);
}

static void test_hash_depends_on_both_halves_of_the_secret(void)
{
    const uint64_t low[2] = {secret[0] ^ 1, secret[1]}, high[2] = {secret[0], secret[1] ^ 1};
    uint64_t hash = hash_bytes("abc", 3, secret);
    TEST_ASSERT_TRUE(hash != hash_bytes("abc", 3, low));
    TEST_ASSERT_TRUE(hash != hash_bytes("abc", 3, high));
    TEST_ASSERT_EQUAL_HEX64(hash_bytes(NULL, 0, secret), hash_bytes("abc", 0, secret));
    TEST_ASSERT_TRUE(hash_bytes("\0", 1, secret) != hash_bytes("\0\0", 2, secret));
}

static void test_all_keys_are_found_again(void)
{
    for (uint32_t i = 0; i < 1000; i++) {
        struct key key = key_of(i * 2654435761u);
        bool added = false;
        TEST_ASSERT_NULL(map_find(&map, &key));
        struct value *value = map_add(&map, &key, &added);
        TEST_ASSERT_TRUE(value && added);
        TEST_ASSERT_TRUE(value->number == 0 && value->seen == 0);
        value->number = i;
    }
    TEST_ASSERT_EQUAL_UINT(1000, map.count);
    for (uint32_t i = 0; i < 1000; i++) {
        struct key key = key_of(i * 2654435761u);
        struct value *value = map_find(&map, &key);
        TEST_ASSERT_NOT_NULL(value);
        TEST_ASSERT_EQUAL_UINT64(i, value->number);
        TEST_ASSERT_EQUAL_UINT(i, map_number(&map, value)); /* in the order of addition */
        TEST_ASSERT_TRUE(map_value(&map, i) == value);
        TEST_ASSERT_EQUAL_MEMORY(&key, map_key(&map, i), sizeof key);
    }
}

static void test_a_known_key_is_not_added_again(void)
{
    struct key key = key_of(7), other = key_of(7);
    other.tail[2] = 4;
    bool added;
    struct value *value = map_add(&map, &key, NULL);
    value->number = 42;
    TEST_ASSERT_TRUE(map_add(&map, &key, &added) == value);
    TEST_ASSERT_FALSE(added);
    TEST_ASSERT_EQUAL_UINT64(42, value->number);
    TEST_ASSERT_TRUE(map_add(&map, &other, &added) != value); /* its last byte counts */
    TEST_ASSERT_TRUE(added);
    TEST_ASSERT_EQUAL_UINT(2, map.count);
}

static void test_keys_are_compared_to_their_last_byte(void)
{
    for (unsigned i = 0; i < 250; i++) {
        bool added;
        struct key key = {9, {0, 0, (uint8_t)i}};
        ((struct value *)map_add(&map, &key, &added))->seen = i;
        TEST_ASSERT_TRUE(added);
    }
    for (unsigned i = 0; i < 250; i++) {
        struct key key = {9, {0, 0, (uint8_t)i}};
        TEST_ASSERT_EQUAL_UINT(i, ((struct value *)map_find(&map, &key))->seen);
    }
}

static void test_a_full_map_refuses_and_still_finds(void)
{
    struct map small;
    bool added = true;
    TEST_ASSERT_TRUE(map_init(&small, sizeof(struct key), sizeof(struct value), 3, secret));
    for (uint32_t i = 0; i < 3; i++) {
        struct key key = key_of(i);
        TEST_ASSERT_NOT_NULL(map_add(&small, &key, NULL));
    }
    struct key fourth = key_of(3), first = key_of(0);
    TEST_ASSERT_NULL(map_add(&small, &fourth, &added));
    TEST_ASSERT_FALSE(added);
    TEST_ASSERT_NULL(map_add(&small, &fourth, NULL));
    TEST_ASSERT_EQUAL_UINT64(2, small.refused);
    TEST_ASSERT_NULL(map_find(&small, &fourth));
    TEST_ASSERT_NOT_NULL(map_add(&small, &first, &added)); /* what is there can be asked for as before */
    TEST_ASSERT_EQUAL_UINT64(2, small.refused);
    TEST_ASSERT_EQUAL_UINT(3, small.count);
    map_fini(&small);
    TEST_ASSERT_TRUE(!small.entries && !small.slots && !small.links);
}

static void test_values_are_aligned_and_counted(void)
{
    struct key key = key_of(1), next = key_of(2);
    TEST_ASSERT_EQUAL_UINT(0, (uintptr_t)map_add(&map, &key, NULL) % 8);
    TEST_ASSERT_EQUAL_UINT(0, (uintptr_t)map_add(&map, &next, NULL) % 8);
    /* 8 bytes of key, 16 of value; a table of numbers that is at most half full; a link each, and the head */
    TEST_ASSERT_EQUAL_UINT64(1000 * 24 + 2048 * 4 + 1001 * 16,
                             map_memory(sizeof(struct key), sizeof(struct value), 1000));
}

static const uint32_t *number_of(const struct map *in, uint32_t i)
{
    struct key key = key_of(i);
    const struct value *value = map_find(in, &key);
    return value ? &value->seen : NULL;
}

static void test_a_full_map_forgets_what_was_not_touched(void)
{
    struct map small;
    bool added;
    TEST_ASSERT_TRUE(map_init(&small, sizeof(struct key), sizeof(struct value), 3, secret));
    for (uint32_t i = 0; i < 3; i++) {
        struct key key = key_of(i);
        ((struct value *)map_take(&small, &key, i, &added))->seen = i;
        TEST_ASSERT_TRUE(added);
    }
    struct key first = key_of(0), fourth = key_of(3);
    TEST_ASSERT_EQUAL_UINT(0, ((struct value *)map_take(&small, &first, 10, &added))->seen);
    TEST_ASSERT_FALSE(added);
    TEST_ASSERT_EQUAL_UINT(0, ((struct value *)map_take(&small, &fourth, 11, &added))->seen); /* zeroed */
    TEST_ASSERT_TRUE(added);
    TEST_ASSERT_NULL(number_of(&small, 1));
    TEST_ASSERT_NOT_NULL(number_of(&small, 0));
    TEST_ASSERT_NOT_NULL(number_of(&small, 2));
    TEST_ASSERT_EQUAL_UINT64(1, small.forgotten);
    TEST_ASSERT_EQUAL_INT64(11, small.forgot_ns);
    TEST_ASSERT_EQUAL_UINT64(0, small.refused);
    TEST_ASSERT_EQUAL_INT64(2, map_touched_ns(&small, map_oldest(&small)));
    map_fini(&small);
}

static void test_what_is_old_goes(void)
{
    for (uint32_t i = 0; i < 10; i++) {
        struct key key = key_of(i);
        map_take(&map, &key, 100 + i, NULL);
    }
    TEST_ASSERT_EQUAL_UINT(2, map_age(&map, 105, 2));
    TEST_ASSERT_EQUAL_UINT(3, map_age(&map, 105, 100));
    TEST_ASSERT_EQUAL_UINT(5, map.count);
    TEST_ASSERT_NULL(number_of(&map, 4));
    TEST_ASSERT_NOT_NULL(number_of(&map, 5));
    TEST_ASSERT_EQUAL_UINT(5, map_age(&map, INT64_MAX, 100));
    TEST_ASSERT_NULL(map_oldest(&map));
}

/* Beside a list that does the same: every key is where it should be, whatever was removed before. */
static void test_removals_leave_all_others_to_be_found(void)
{
    enum { KEYS = 1500 };
    static bool is_in[KEYS];
    uint32_t random = 1, count = 0;
    memset(is_in, 0, sizeof is_in);
    for (unsigned turn = 0; turn < 60000; turn++) {
        random = random * 1664525 + 1013904223;
        uint32_t i = (random >> 8) % KEYS;
        struct key key = key_of(i);
        struct value *value = map_find(&map, &key);
        TEST_ASSERT_EQUAL_INT(is_in[i], value != NULL);
        if (value) {
            TEST_ASSERT_EQUAL_UINT(i, value->seen);
            map_remove(&map, value);
            count--;
        } else if ((value = map_add(&map, &key, NULL))) {
            value->seen = i;
            count++;
        } else {
            TEST_ASSERT_EQUAL_UINT(1000, count);
            continue;
        }
        is_in[i] = !is_in[i];
        TEST_ASSERT_EQUAL_UINT(count, map.count);
    }
    unsigned walked = 0;
    for (struct value *value = map_oldest(&map); value; value = map_next(&map, value)) {
        TEST_ASSERT_TRUE(is_in[value->seen]);
        walked++;
    }
    TEST_ASSERT_EQUAL_UINT(count, walked);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_hash_is_siphash_1_3);
    RUN_TEST(test_secrets_cannot_be_known);
    RUN_TEST(test_hash_depends_on_both_halves_of_the_secret);
    RUN_TEST(test_all_keys_are_found_again);
    RUN_TEST(test_a_known_key_is_not_added_again);
    RUN_TEST(test_keys_are_compared_to_their_last_byte);
    RUN_TEST(test_a_full_map_refuses_and_still_finds);
    RUN_TEST(test_values_are_aligned_and_counted);
    RUN_TEST(test_a_full_map_forgets_what_was_not_touched);
    RUN_TEST(test_what_is_old_goes);
    RUN_TEST(test_removals_leave_all_others_to_be_found);
    return UNITY_END();
}
