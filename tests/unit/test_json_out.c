/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_json_out.c - the bounded JSON writer: shape, numbers at their limits, every character of Unicode and
 * every malformed beginning of one, shortening, and buffers of every size.
 */
#include "rolecall/json_out.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static char buffer[4096];
static struct json_out out;

void setUp(void)
{
    memset(buffer, '#', sizeof buffer);
    json_start(&out, buffer, sizeof buffer);
}

void tearDown(void)
{
}

static const char *text(void)
{
    TEST_ASSERT_TRUE(json_finish(&out));
    TEST_ASSERT_EQUAL_PTR(buffer + strlen(buffer), out.at);
    return buffer;
}

/* What becomes of one captured string; `repair` gets what was done. */
static const char *captured(const void *bytes, size_t size, unsigned *repair)
{
    uint8_t *copy = malloc(size ? size : 1); /* just as long: a sanitizer sees reads beyond */
    memcpy(copy, bytes, size);
    json_start(&out, buffer, sizeof buffer);
    *repair = json_captured(&out, NULL, copy, size);
    free(copy);
    return text();
}

static void write_example(struct json_out *to)
{
    json_object(to, NULL);
    json_object(to, "empty");
    json_end_object(to);
    json_array(to, "list");
    json_unsigned(to, NULL, 1);
    json_string(to, NULL, "two");
    json_object(to, NULL);
    json_bool(to, "yes", true);
    json_bool(to, "no", false);
    json_end_object(to);
    json_array(to, NULL);
    json_end_array(to);
    json_end_array(to);
    json_signed(to, "down", -3);
    json_hex(to, "hex", (const uint8_t *)"\x00\x0f\xa5\xff", 4);
    json_hex(to, "none", NULL, 0);
    json_format(to, "id", "%s-%u", "run", 7u);
    json_ready(to, "\"ready\":{" JSON_WORD("a", "b") JSON_WORD("c", "d"));
    json_end_object(to);
    json_value(to, "value", "[{}]");
    char *at = json_quoted(to, "quoted", 2);
    if (at)
        memcpy(at, "ok", 2);
    json_end_object(to);
}

static const char example[] = "{\"empty\":{},\"list\":[1,\"two\",{\"yes\":true,\"no\":false},[]],\"down\":-3,"
                              "\"hex\":\"000fa5ff\",\"none\":\"\",\"id\":\"run-7\","
                              "\"ready\":{\"a\":\"b\",\"c\":\"d\"},\"value\":[{}],\"quoted\":\"ok\"}";

static void test_shape(void)
{
    write_example(&out);
    TEST_ASSERT_EQUAL_STRING(example, text());
}

static void test_numbers_at_their_limits(void)
{
    json_array(&out, NULL);
    json_unsigned(&out, NULL, 0);
    json_unsigned(&out, NULL, UINT64_C(9007199254740993));
    json_unsigned(&out, NULL, UINT64_MAX);
    json_signed(&out, NULL, INT64_MIN);
    json_signed(&out, NULL, INT64_MAX);
    json_signed(&out, NULL, -1);
    json_signed(&out, NULL, 0);
    json_decimal(&out, NULL, 0);
    json_decimal(&out, NULL, 9);
    json_decimal(&out, NULL, 35);
    json_decimal(&out, NULL, UINT64_MAX);
    json_end_array(&out);
    TEST_ASSERT_EQUAL_STRING(
        "[0,9007199254740993,18446744073709551615,-9223372036854775808,9223372036854775807,-1,0,"
        "0.0,0.9,3.5,1844674407370955161.5]",
        text());
}

static void test_negative_numbers_keep_the_commas_right(void)
{
    json_object(&out, NULL);
    json_signed(&out, "a", -1);
    json_signed(&out, "b", -2);
    json_end_object(&out);
    TEST_ASSERT_EQUAL_STRING("{\"a\":-1,\"b\":-2}", text());
}

static void test_hostile_strings(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
        unsigned repair;
    } cases[] = {
        {"", 0, "\"\"", JSON_AS_IT_WAS},
        {"plain", 5, "\"plain\"", JSON_AS_IT_WAS},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\"", JSON_AS_IT_WAS},
        {"a\nb\rc\td", 7, "\"a" BAD "b" BAD "c" BAD "d\"", JSON_REPAIRED},
        {"a\0b\x1f\x7f", 5, "\"a" BAD "b" BAD BAD "\"", JSON_REPAIRED},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", 11, "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
         JSON_AS_IT_WAS},
        {"\xe2\x80\xae"
         "cba",
         6, "\"" BAD "cba\"", JSON_REPAIRED}, /* right-to-left override */
        {"\xff\xfe", 2, "\"" BAD BAD "\"", JSON_REPAIRED},
        {"\xc0\xaf", 2, "\"" BAD BAD "\"", JSON_REPAIRED}, /* overlong '/' */
        {"\xc3", 1, "\"" BAD "\"", JSON_REPAIRED},         /* ends inside a character */
        {"\xc3(", 2, "\"" BAD "(\"", JSON_REPAIRED},
        {"\xe2\x82", 2, "\"" BAD BAD "\"", JSON_REPAIRED},
        {"\xe2\x82\"", 3, "\"" BAD BAD "\\\"\"", JSON_REPAIRED}, /* a quote is never swallowed */
        {"\xf0\x9f\x98", 3, "\"" BAD BAD BAD "\"", JSON_REPAIRED},
        {"\x80\xbf", 2, "\"" BAD BAD "\"", JSON_REPAIRED},
        {"\xed\xa0\x80", 3, "\"" BAD BAD BAD "\"", JSON_REPAIRED}, /* half of a surrogate pair */
        {"\xf4\x90\x80\x80", 4, "\"" BAD BAD BAD BAD "\"", JSON_REPAIRED},
        {"\xf5\x80\x80\x80", 4, "\"" BAD BAD BAD BAD "\"", JSON_REPAIRED},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned repair;
        TEST_ASSERT_EQUAL_STRING(cases[i].text, captured(cases[i].bytes, cases[i].size, &repair));
        TEST_ASSERT_EQUAL_UINT_MESSAGE(cases[i].repair, repair, cases[i].text);
    }
}

static size_t encode(uint32_t point, uint8_t to[4])
{
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; point >>= 6)
        to[i] = (uint8_t)(0x80 | (point & 0x3f));
    to[0] = (uint8_t)((0xf00 >> size) | point);
    return size;
}

/* C0, DEL and C1; the bidi controls of UAX 9 table 2 with its marks; line and paragraph separator; the byte
 * order mark; surrogates. Ends of ranges, inclusive. */
static bool is_unwelcome(uint32_t point)
{
    static const uint32_t ranges[][2] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                                         {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
                                         {0xfeff, 0xfeff}, {0xd800, 0xdfff}, {0x110000, 0x1fffff}};
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (point >= ranges[i][0] && point <= ranges[i][1])
            return true;
    return false;
}

static void test_every_character_of_unicode(void)
{
    for (uint32_t point = 0; point < 0x120000; point++) {
        uint8_t bytes[4];
        char expected[16], label[32];
        unsigned repair;
        size_t size = encode(point, bytes);
        bool is_bad = is_unwelcome(point);
        snprintf(label, sizeof label, "U+%04X", (unsigned)point);
        json_start(&out, buffer, sizeof buffer);
        repair = json_captured(&out, NULL, bytes, size);
        TEST_ASSERT_TRUE_MESSAGE(json_finish(&out), label);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(is_bad ? JSON_REPAIRED : JSON_AS_IT_WAS, repair, label);
        const char *escape = point == '"' || point == '\\' ? "\\" : "";
        snprintf(expected, sizeof expected, "\"%s%.*s\"", escape, (int)size, (const char *)bytes);
        if (is_bad) {
            TEST_ASSERT_NOT_NULL_MESSAGE(strstr(buffer, BAD), label);
        } else {
            TEST_ASSERT_EQUAL_STRING_MESSAGE(expected, buffer, label);
        }
    }
}

/* The well-formed sequences by their first two bytes, as Unicode's table 3-7 lists them; the rest are 80 to
 * bf. */
static size_t well_formed(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t first, last, low, high, size;
    } rows[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
                {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (at[0] < 0x80)
        return 1;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (at[0] < rows[i].first || at[0] > rows[i].last || left < rows[i].size)
            continue;
        bool is_right = at[1] >= rows[i].low && at[1] <= rows[i].high;
        for (unsigned k = 2; k < rows[i].size; k++)
            is_right = is_right && at[k] >= 0x80 && at[k] <= 0xbf;
        return is_right ? rows[i].size : 0;
    }
    return 0;
}

/* Letters before and behind must stay; what is between them stays too, or becomes U+FFFD byte by byte. */
static void check_sequence(const uint8_t *bytes, size_t size)
{
    uint8_t between[8] = {'q'};
    char expected[64] = "\"q", label[64];
    unsigned repair;
    memcpy(between + 1, bytes, size);
    between[size + 1] = 'z';
    for (size_t i = 0, step; i < size; i += step ? step : 1) {
        step = well_formed(bytes + i, size - i);
        char whole[5] = "";
        uint32_t point = bytes[i] & (step > 1 ? 0xffu >> (step + 1) : 0xffu);
        memcpy(whole, bytes + i, step);
        for (size_t k = 1; k < step; k++)
            point = point << 6 | (bytes[i + k] & 0x3f);
        if (step && is_unwelcome(point))
            strcpy(whole, BAD);
        strcat(expected, step == 1 && (bytes[i] == '"' || bytes[i] == '\\') ? "\\" : "");
        strcat(expected, step ? whole : BAD);
    }
    strcat(expected, "z\"");
    snprintf(label, sizeof label, "%zu bytes, %02x %02x %02x %02x", size, bytes[0], bytes[1], bytes[2],
             bytes[3]);
    json_start(&out, buffer, sizeof buffer);
    repair = json_captured(&out, NULL, between, size + 2);
    TEST_ASSERT_TRUE_MESSAGE(json_finish(&out), label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(expected, buffer, label);
    TEST_ASSERT_TRUE_MESSAGE((repair == JSON_REPAIRED) == (strstr(expected, BAD) != NULL), label);
}

static void test_malformed_sequences(void)
{
    static const uint8_t ends[] = {0x00, 'a',  '"',  0x7f, 0x80, 0x8f, 0x90,
                                   0x9f, 0xa0, 0xbf, 0xc0, 0xc3, 0xf0, 0xff};
    for (unsigned first = 0x20; first < 0x100; first++) {
        for (unsigned second = 0x20; second < 0x100; second++) {
            uint8_t bytes[4] = {(uint8_t)first, (uint8_t)second, 0, 0};
            check_sequence(bytes, 2);
            if (first < 0xe0)
                continue;
            for (unsigned i = 0; i < sizeof ends; i++) {
                bytes[2] = ends[i];
                check_sequence(bytes, 3);
                if (second < 0x80)
                    continue;
                for (unsigned k = 0; k < sizeof ends; k++) {
                    bytes[3] = ends[k];
                    check_sequence(bytes, 4);
                }
            }
        }
    }
}

/* Whatever the bytes, what comes out is valid: a second pass finds nothing to repair. */
static void test_what_comes_out_needs_no_second_repair(void)
{
    uint32_t state = 0x20240517;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t noise[24];
        unsigned repair;
        for (unsigned i = 0; i < sizeof noise; i++) {
            state = state * 1664525u + 1013904223u;
            noise[i] = (uint8_t)(state >> 24);
            if (noise[i] == '"' || noise[i] == '\\') /* they come back escaped, two for one */
                noise[i] = 'q';
        }
        char first[512];
        snprintf(first, sizeof first, "%s", captured(noise, sizeof noise, &repair));
        size_t size = strlen(first) - 2;
        TEST_ASSERT_EQUAL_STRING_MESSAGE(first, captured(first + 1, size, &repair), "seed 0x20240517");
        TEST_ASSERT_EQUAL_UINT_MESSAGE(JSON_AS_IT_WAS, repair, "seed 0x20240517");
    }
}

static void test_long_strings_are_shortened_between_characters(void)
{
    uint8_t many[65535];
    unsigned repair;
    memset(many, 'x', sizeof many);
    TEST_ASSERT_EQUAL_UINT(2 + 256, strlen(captured(many, 256, &repair)));
    TEST_ASSERT_EQUAL_UINT(JSON_AS_IT_WAS, repair);
    TEST_ASSERT_EQUAL_UINT(2 + 256, strlen(captured(many, 257, &repair)));
    TEST_ASSERT_EQUAL_UINT(JSON_SHORTENED, repair);
    TEST_ASSERT_EQUAL_UINT(2 + 256, strlen(captured(many, sizeof many, &repair)));
    memcpy(many + 255, "\xc3\xa9", 2); /* would be bytes 256 and 257 */
    TEST_ASSERT_EQUAL_UINT(2 + 255, strlen(captured(many, 257, &repair)));
    TEST_ASSERT_EQUAL_UINT(JSON_SHORTENED, repair);
    memset(many, '"', sizeof many); /* escapes do not count */
    TEST_ASSERT_EQUAL_UINT(2 + 512, strlen(captured(many, sizeof many, &repair)));
    memset(many, 0xff, sizeof many); /* each becomes three bytes */
    TEST_ASSERT_EQUAL_UINT(2 + 255, strlen(captured(many, sizeof many, &repair)));
    TEST_ASSERT_EQUAL_UINT(JSON_SHORTENED | JSON_REPAIRED, repair);
    TEST_ASSERT_EQUAL_UINT(2 + 255, strlen(captured(many, 85, &repair)));
    TEST_ASSERT_EQUAL_UINT(JSON_REPAIRED, repair);
}

static void test_own_text_and_formats(void)
{
    char many[300];
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    json_array(&out, NULL);
    TEST_ASSERT_EQUAL_UINT(JSON_AS_IT_WAS, json_string(&out, NULL, NULL));
    TEST_ASSERT_EQUAL_UINT(JSON_REPAIRED, json_string(&out, NULL, "a\nb"));
    TEST_ASSERT_EQUAL_UINT(JSON_SHORTENED, json_string(&out, NULL, many));
    json_format(&out, NULL, "0x%08x", 0xbeefu);
    json_format(&out, NULL, "%s", many);
    json_end_array(&out);
    const char *all = text();
    TEST_ASSERT_EQUAL_MEMORY("[\"\",\"a" BAD "b\",\"xxx", all, 16);
    TEST_ASSERT_NOT_NULL(strstr(all, "x\",\"0x0000beef\",\"xxx"));
    TEST_ASSERT_EQUAL_UINT(strlen("[\"\",\"a" BAD "b\",\"\",\"0x0000beef\",\"\"]") + 256 + 256, strlen(all));
}

static void test_buffers_of_every_size(void)
{
    for (size_t size = 2; size <= sizeof example + 2; size++) {
        char *exact = malloc(size);
        struct json_out small;
        json_start(&small, exact, size);
        write_example(&small);
        bool fits = json_finish(&small);
        TEST_ASSERT_TRUE(fits == (size >= sizeof example) && (!fits || strlen(exact) == sizeof example - 1));
        TEST_ASSERT_NOT_NULL(memchr(exact, '\0', size));
        TEST_ASSERT_EQUAL_MEMORY(example, exact, strlen(exact));
        free(exact);
    }
}

/* Once full, nothing more is written, short as it may be: the text would have a hole. */
static void test_full_stays_full(void)
{
    char small[16];
    struct json_out full;
    json_start(&full, small, sizeof small);
    json_object(&full, NULL);
    json_string(&full, "a", "much too long for this");
    const char *at = full.at;
    json_end_object(&full);
    TEST_ASSERT_EQUAL_PTR(at, full.at);
    TEST_ASSERT_FALSE(json_finish(&full));
    char key[200], larger[180];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    json_start(&full, larger, sizeof larger);
    json_object(&full, NULL);
    TEST_ASSERT_TRUE(json_has_room(&full, 10));
    json_bool(&full, key, true);
    TEST_ASSERT_FALSE(json_has_room(&full, 10)); /* little was written, but not all */
}

static void test_room_leaves_the_closing_brackets(void)
{
    char small[200];
    struct json_out list;
    json_start(&list, small, sizeof small);
    json_array(&list, NULL);
    TEST_ASSERT_TRUE(json_has_room(&list, 200 - 64 - 2));
    TEST_ASSERT_FALSE(json_has_room(&list, 200 - 64 - 1));
    unsigned count = 0;
    while (json_has_room(&list, 4)) {
        json_unsigned(&list, NULL, 100);
        count++;
    }
    json_end_array(&list);
    TEST_ASSERT_TRUE(json_finish(&list));
    TEST_ASSERT_TRUE(count > 20 && list.at - small > 200 - 64 - 8);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_shape);
    RUN_TEST(test_numbers_at_their_limits);
    RUN_TEST(test_negative_numbers_keep_the_commas_right);
    RUN_TEST(test_hostile_strings);
    RUN_TEST(test_every_character_of_unicode);
    RUN_TEST(test_malformed_sequences);
    RUN_TEST(test_what_comes_out_needs_no_second_repair);
    RUN_TEST(test_long_strings_are_shortened_between_characters);
    RUN_TEST(test_own_text_and_formats);
    RUN_TEST(test_buffers_of_every_size);
    RUN_TEST(test_full_stays_full);
    RUN_TEST(test_room_leaves_the_closing_brackets);
    return UNITY_END();
}
