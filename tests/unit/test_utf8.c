/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_utf8.c - characters read and written at every boundary of Unicode 15 table 3-7, and what is known of
 * them.
 */
#include "rolecall/utf8.h"

#include <string.h>
#include <unity.h>

void setUp(void)
{
}

void tearDown(void)
{
}

static void test_every_character_survives(void)
{
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        char text[UTF8_SIZE_MAX];
        uint32_t back = 1;
        size_t size = utf8_write(point, text);
        uint32_t expected = point >= 0xd800 && point <= 0xdfff ? UTF8_REPLACEMENT : point;
        TEST_ASSERT_EQUAL_UINT(size, utf8_read(text, size, &back));
        TEST_ASSERT_EQUAL_HEX32(expected, back);
        if (size > 1)
            TEST_ASSERT_EQUAL_UINT(0, utf8_read(text, size - 1, &back));
    }
}

static void test_what_is_not_well_formed(void)
{
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80",
                                      "\xff",
                                      "\xc3(",
                                      "\xe2\x82("};
    uint32_t point;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        TEST_ASSERT_EQUAL_UINT_MESSAGE(0, utf8_read(bad[i], strlen(bad[i]), &point), bad[i]);
}

static void test_harmful(void)
{
    static const uint32_t harmful[] = {0,      7,      0x1b,   0x1f,   0x7f,   0x80,
                                       0x9b,   0x9f,   0x61c,  0x200e, 0x200f, 0x2028,
                                       0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff};
    static const uint32_t harmless[] = {' ',    '~',    0xa0,   0x61b,  0x200d, 0x2010,
                                        0x2027, 0x202f, 0x2065, 0x206a, 0xfffd};
    for (unsigned i = 0; i < sizeof harmful / sizeof *harmful; i++)
        TEST_ASSERT_TRUE(utf8_is_harmful(harmful[i]));
    for (unsigned i = 0; i < sizeof harmless / sizeof *harmless; i++)
        TEST_ASSERT_FALSE(utf8_is_harmful(harmless[i]));
}

static void test_widths(void)
{
    TEST_ASSERT_EQUAL_UINT(1, utf8_width('a'));
    TEST_ASSERT_EQUAL_UINT(1, utf8_width(0xe9));
    TEST_ASSERT_EQUAL_UINT(0, utf8_width(0x301));
    TEST_ASSERT_EQUAL_UINT(0, utf8_width(0x200d));
    TEST_ASSERT_EQUAL_UINT(2, utf8_width(0x4e2d));
    TEST_ASSERT_EQUAL_UINT(2, utf8_width(0xac00));
    TEST_ASSERT_EQUAL_UINT(2, utf8_width(0x1f600));
    TEST_ASSERT_EQUAL_UINT(1, utf8_width(UTF8_REPLACEMENT));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_every_character_survives);
    RUN_TEST(test_what_is_not_well_formed);
    RUN_TEST(test_harmful);
    RUN_TEST(test_widths);
    return UNITY_END();
}
