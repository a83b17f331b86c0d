/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_line.c - lines, words, headers and numbers of text protocols.
 */
#include "proto/line.h"
#include "unity.h"

void setUp(void)
{
}

void tearDown(void)
{
}

static struct bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

static void assert_bytes(const char *expected, struct bytes got)
{
    TEST_ASSERT_EQUAL_UINT(strlen(expected), got.left);
    TEST_ASSERT_EQUAL_MEMORY(expected, got.at, got.left);
}

static void test_lines_end_with_lf_or_crlf(void)
{
    struct bytes text = text_of("one\r\ntwo\n\r\nrest"), line;
    TEST_ASSERT_TRUE(line_next(&text, false, &line));
    assert_bytes("one", line);
    TEST_ASSERT_TRUE(line_next(&text, false, &line));
    assert_bytes("two", line);
    TEST_ASSERT_TRUE(line_next(&text, false, &line));
    TEST_ASSERT_EQUAL_UINT(0, line.left);
    TEST_ASSERT_FALSE(line_next(&text, false, &line));
    TEST_ASSERT_EQUAL_UINT(4, text.left);
}

static void test_the_rest_is_a_line_where_the_text_ends(void)
{
    struct bytes text = text_of("rest"), line;
    TEST_ASSERT_TRUE(line_next(&text, true, &line));
    assert_bytes("rest", line);
    TEST_ASSERT_FALSE(line_next(&text, true, &line));
}

static void test_words_are_parted_by_blanks(void)
{
    struct bytes line = text_of("a \t bc ");
    assert_bytes("a", line_word(&line));
    assert_bytes("bc", line_word(&line));
    TEST_ASSERT_EQUAL_UINT(0, line_word(&line).left);
    TEST_ASSERT_TRUE(bytes_ok(&line));
}

static void test_until_takes_the_stop_or_everything(void)
{
    struct bytes line = text_of("host:5060");
    assert_bytes("host", line_until(&line, ':'));
    assert_bytes("5060", line_until(&line, ':'));
    TEST_ASSERT_EQUAL_UINT(0, line.left);
}

static void test_headers_lose_the_blanks_around_them(void)
{
    struct bytes name, value;
    TEST_ASSERT_TRUE(line_header(text_of("Server :\t a b "), &name, &value));
    assert_bytes("Server", name);
    assert_bytes("a b", value);
    TEST_ASSERT_TRUE(line_header(text_of("x:"), &name, &value));
    TEST_ASSERT_EQUAL_UINT(0, value.left);
    TEST_ASSERT_FALSE(line_header(text_of("no colon"), &name, &value));
    TEST_ASSERT_FALSE(line_header(text_of(" : value"), &name, &value));
}

static void test_comparisons_ignore_case_alone(void)
{
    TEST_ASSERT_TRUE(line_is(text_of("cSeQ"), "CSeq"));
    TEST_ASSERT_FALSE(line_is(text_of("CSeqs"), "CSeq"));
    TEST_ASSERT_FALSE(line_is(text_of("CSe"), "CSeq"));
    TEST_ASSERT_FALSE(line_is(text_of("["), "{")); /* one bit apart, but no letters */
    TEST_ASSERT_TRUE(line_begins(text_of("Multipart/mixed"), "multipart/"));
    TEST_ASSERT_FALSE(line_begins(text_of("multi"), "multipart/"));
    TEST_ASSERT_TRUE(line_contains(text_of("TCP/RTP/SAVP"), "savp"));
    TEST_ASSERT_FALSE(line_contains(text_of("TCP/RTP/SAV"), "SAVP"));
}

static void test_numbers_are_digits_up_to_a_maximum(void)
{
    uint32_t value = 7;
    TEST_ASSERT_TRUE(line_number(text_of("0065535"), 65535, &value));
    TEST_ASSERT_EQUAL_UINT(65535, value);
    TEST_ASSERT_FALSE(line_number(text_of("65536"), 65535, &value));
    TEST_ASSERT_FALSE(line_number(text_of("99999999999999999999999999"), UINT32_MAX, &value));
    TEST_ASSERT_FALSE(line_number(text_of(""), 9, &value));
    TEST_ASSERT_FALSE(line_number(text_of("-1"), 9, &value));
    TEST_ASSERT_FALSE(line_number(text_of("1 "), 9, &value));
    TEST_ASSERT_EQUAL_UINT(65535, value);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_lines_end_with_lf_or_crlf);
    RUN_TEST(test_the_rest_is_a_line_where_the_text_ends);
    RUN_TEST(test_words_are_parted_by_blanks);
    RUN_TEST(test_until_takes_the_stop_or_everything);
    RUN_TEST(test_headers_lose_the_blanks_around_them);
    RUN_TEST(test_comparisons_ignore_case_alone);
    RUN_TEST(test_numbers_are_digits_up_to_a_maximum);
    return UNITY_END();
}
