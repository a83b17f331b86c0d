/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_json_fields.c - lines of JSON as lists of fields: names, texts, escapes, every bound, and every line
 * cut short.
 */
#include "rolecall/json_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unity.h>

static char told[65536];

void setUp(void)
{
    told[0] = '\0';
}

void tearDown(void)
{
}

static void note(void *context, const struct json_field *field)
{
    (void)context;
    size_t used = strlen(told);
    TEST_ASSERT_EQUAL_UINT(field->size, strlen(field->text));
    snprintf(told + used, sizeof told - used, "%s%c%s;", field->name, field->is_string ? '=' : ':',
             field->text);
}

static bool read_line(const char *line)
{
    told[0] = '\0';
    return json_fields_read(line, strlen(line), note, NULL);
}

static void test_names(void)
{
    TEST_ASSERT_TRUE(read_line(
        " {\"a\": {\"b\":\"x\", \"c\":{}}, \"list\":[\"p\",\"q\",[]],\"n\":-1.5e3,\"t\":true,\"z\":null} "));
    TEST_ASSERT_EQUAL_STRING("a.b=x;list=p;list=q;n:-1.5e3;t:true;z:null;", told);
    TEST_ASSERT_TRUE(read_line("{\"event.dataset\":\"rolecall.flow\",\"o\":[{\"k\":1},{\"k\":2}]}"));
    TEST_ASSERT_EQUAL_STRING("event.dataset=rolecall.flow;o.k:1;o.k:2;", told);
    TEST_ASSERT_TRUE(read_line("{}"));
    TEST_ASSERT_EQUAL_STRING("", told);
}

static void test_escapes(void)
{
    TEST_ASSERT_TRUE(read_line("{\"a\":\"\\\"\\\\\\/\\t\\u0041\\u00e9\\ud83d\\ude00\"}"));
    TEST_ASSERT_EQUAL_STRING("a=\"\\/\tA\xc3\xa9\xf0\x9f\x98\x80;", told);
    TEST_ASSERT_TRUE(read_line("{\"a\":\"\\u0000\\ud800x\\ude00\\ud83d\\u0041\xff\"}"));
    TEST_ASSERT_EQUAL_STRING("a=\xef\xbf\xbd\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd"
                             "A\xef\xbf\xbd;",
                             told);
}

static void test_what_is_refused(void)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1}x",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1}",
                                      "{a:1}",
                                      "{\"a\":nul}",
                                      "{\"a\":undefined}",
                                      "{\"a\":1 \"b\":2}"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        TEST_ASSERT_FALSE_MESSAGE(read_line(bad[i]), bad[i]);
}

static void test_bounds(void)
{
    char line[JSON_FIELDS_LINE_MAX + 2];
    size_t used = (size_t)sprintf(line, "{\"a\":");
    for (unsigned i = 1; i < JSON_FIELDS_DEPTH_MAX; i++)
        line[used++] = '[';
    for (unsigned i = 1; i < JSON_FIELDS_DEPTH_MAX; i++)
        line[used++] = ']';
    strcpy(line + used, "}");
    TEST_ASSERT_TRUE(read_line(line));
    memmove(line + 6, line + 5, strlen(line + 5) + 1);
    line[5] = '[';
    TEST_ASSERT_FALSE(read_line(line));

    memset(line, ' ', sizeof line);
    memcpy(line, "{}", 2);
    TEST_ASSERT_TRUE(json_fields_read(line, JSON_FIELDS_LINE_MAX, note, NULL));
    TEST_ASSERT_FALSE(json_fields_read(line, JSON_FIELDS_LINE_MAX + 1, note, NULL));

    /* The longest name, and one more. */
    memset(line, 'k', sizeof line);
    memcpy(line, "{\"", 2);
    strcpy(line + 2 + JSON_FIELDS_NAME_MAX - 1, "\":1}");
    TEST_ASSERT_TRUE(read_line(line));
    memset(line, 'k', sizeof line);
    memcpy(line, "{\"", 2);
    strcpy(line + 2 + JSON_FIELDS_NAME_MAX, "\":1}");
    TEST_ASSERT_FALSE(read_line(line));

    /* Every byte of the longest line grows to a replacement character. */
    memset(line, 0xff, sizeof line);
    memcpy(line, "{\"a\":\"", 6);
    memcpy(line + JSON_FIELDS_LINE_MAX - 2, "\"}", 2);
    TEST_ASSERT_TRUE(json_fields_read(line, JSON_FIELDS_LINE_MAX, note, NULL));
    TEST_ASSERT_EQUAL_UINT(3 + 3 * (JSON_FIELDS_LINE_MAX - 8), strlen(told));
}

/* In memory of its exact size, so that a sanitizer sees every byte read too far. */
static void test_every_cut(void)
{
    static const char line[] = "{\"a\":{\"b\":\"x\\u00e9\\ud83d\\ude00\",\"c\":[true,-12.5]},\"d\":null}";
    for (size_t size = 0; size < sizeof line - 1; size++) {
        char *part = malloc(size + 1);
        memcpy(part, line, size);
        TEST_ASSERT_FALSE(json_fields_read(part, size, note, NULL));
        free(part);
    }
    TEST_ASSERT_TRUE(read_line(line));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_names);
    RUN_TEST(test_escapes);
    RUN_TEST(test_what_is_refused);
    RUN_TEST(test_bounds);
    RUN_TEST(test_every_cut);
    return UNITY_END();
}
