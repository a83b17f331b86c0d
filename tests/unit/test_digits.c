/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_digits.c - numbers as digits, against printf: around every power of ten, with zeros in front, and in
 * hexadecimal.
 */
#include "rolecall/digits.h"
#include "unity.h"

#include <inttypes.h>
#include <stdio.h>

void setUp(void)
{
}

void tearDown(void)
{
}

static void check(uint64_t value)
{
    char wanted[32], got[32];
    int count = snprintf(wanted, sizeof wanted, "%" PRIu64 "|", value);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(count - 1, digits_of(value), wanted);
    memset(got, '|', sizeof got);
    TEST_ASSERT_EQUAL_PTR(got + count - 1, digits_put(got, value, (unsigned)count - 1));
    TEST_ASSERT_EQUAL_MEMORY(wanted, got, (size_t)count);
}

static void test_around_the_powers_of_ten(void)
{
    uint64_t power = 1;
    for (unsigned digits = 1; digits <= 20; digits++, power *= 10) {
        check(power - 1);
        check(power);
        check(power + 1);
    }
    check(UINT64_MAX);
}

static void test_small_ones(void)
{
    for (uint64_t value = 0; value <= 100000; value++)
        check(value);
}

static void test_zeros_in_front(void)
{
    char got[8] = "||||||||";
    digits_put(got, 42, 6);
    TEST_ASSERT_EQUAL_MEMORY("000042||", got, sizeof got);
    digits_put(got, 1234, 3); /* the last three */
    TEST_ASSERT_EQUAL_MEMORY("234042||", got, sizeof got);
}

static void test_hexadecimal(void)
{
    static const uint64_t values[] = {0,         1, 9, 10, 15, 16, 0x0123456789abcdef, 0xfedcba9876543210,
                                      UINT64_MAX};
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        char wanted[32], got[18] = "|||||||||||||||||";
        snprintf(wanted, sizeof wanted, "%016" PRIx64 "|", values[i]);
        digits_put_hex(got, values[i]);
        TEST_ASSERT_EQUAL_STRING(wanted, got);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_around_the_powers_of_ten);
    RUN_TEST(test_small_ones);
    RUN_TEST(test_zeros_in_front);
    RUN_TEST(test_hexadecimal);
    return UNITY_END();
}
