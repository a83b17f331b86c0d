/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_json_in.c - what the JSON door lets in and what it refuses, each refusal with its place; comments; the
 * table of keys; and the mistakes themselves.
 */
#include "rolecall/json_in.h"
#include "unity.h"

#include <stdlib.h>
#include <string.h>

static struct mistakes mistakes;

void setUp(void)
{
}

void tearDown(void)
{
    mistakes_clear(&mistakes);
}

static struct json_in *open_text(const char *text)
{
    return json_in_text("t.json", text, strlen(text), &mistakes);
}

/* No document, and exactly one mistake, at this place, that expected this. */
static void refused(const char *text, unsigned line, unsigned column, const char *expected)
{
    struct json_in *in = open_text(text);
    TEST_ASSERT_NULL_MESSAGE(in, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(1, mistakes.count, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE("t.json", mistakes.list[0].file, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(expected, mistakes.list[0].expected, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(line, mistakes.list[0].line, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(column, mistakes.list[0].column, text);
    mistakes_clear(&mistakes);
}

static void accepted(const char *text)
{
    struct json_in *in = open_text(text);
    TEST_ASSERT_NOT_NULL_MESSAGE(in, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(0, mistakes.count, text);
    json_in_free(in);
}

static void test_accepts_json(void)
{
    accepted("{}");
    accepted(" [ ] \n");
    accepted("[1, -2, 0, 0.5, 1e3, 1E-3, -0, true, false, null, \"\"]");
    accepted("{\"a\": {\"b\": [\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"]}}");
    accepted("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    accepted("\xef\xbb\xbf{\"a\": 1}");
}

static void test_comments_are_blanked(void)
{
    accepted("// first\n{ /* a */ \"a\" /* b */ : /* c */ 1 // d\n , \"b\": 2 /* e\n f */ } // end");
    accepted("{\"a\": \"// not /* one\"}");
    accepted("{\"a\": 1 /**/}");
    accepted("{\"a\": 1 /***/}");
    accepted("{\"a\": 1 // \xe2\x82\xac\n}");
    refused("{\"a\": 1 /* no end }", 1, 9, "*/");
    refused("{\"a\": 1 /*/ }", 1, 9, "*/");
    refused("{\"a\": 1 / 2}", 1, 9, ", or }");
}

static void test_refuses_what_is_no_json(void)
{
    refused("", 1, 1, "a value");
    refused("{\"a\": 1", 1, 8, ", or }");
    refused("[1, 2", 1, 6, ", or ]");
    refused("[1, ]", 1, 5, "a value");
    refused("{\"a\": 1, }", 1, 10, "a key in double quotes");
    refused("{\"a\": 1,\n \"b\" 2}", 2, 6, ":");
    refused("{a: 1}", 1, 2, "a key in double quotes");
    refused("[tru]", 1, 2, "a value");
    refused("['a']", 1, 2, "a value");
    refused("[NaN]", 1, 2, "a value");
    refused("{} {}", 1, 4, "the end of the file");
    refused("[\"a\nb\"]", 1, 2, "\"");
    refused("[\"a", 1, 2, "\"");
    refused("[\"a\tb\"]", 1, 4, "no control characters in a text (write \\t for a tab)");
    refused("[\"\\x41\"]", 1, 3, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
}

static void test_refuses_numbers_that_are_none(void)
{
    static const char *const wrong[] = {"[01]", "[-]",   "[-01]", "[1.]",   "[.5]",
                                        "[1e]", "[1e+]", "[+1]",  "[0x10]", "[1a]"};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bool is_number = wrong[i][1] != '.' && wrong[i][1] != '+';
        refused(wrong[i], 1, 2, is_number ? "a number as JSON writes it" : "a value");
    }
    refused("[1e999]", 1, 2, "a number that is not too large");
    refused("[-1e999]", 1, 2, "a number that is not too large");
    refused("[11111111111111111111111111111111111111111]", 1, 2, "a number that is not too large");
    accepted("[1e-999]");
}

static void test_refuses_characters(void)
{
    struct json_in *in = json_in_text("t.json", "[\"a\0b\"]", 7, &mistakes);
    TEST_ASSERT_NULL(in);
    TEST_ASSERT_EQUAL_STRING("no control characters", mistakes.list[0].expected);
    mistakes_clear(&mistakes);
    refused("[\"\\u0000\"]", 1, 3, "no \\u0000");
    refused("[\"\\u12g4\"]", 1, 3, "four hexadecimal digits after \\u");
    refused("[\"\\u12", 1, 3, "four hexadecimal digits after \\u");
    refused("[\"\\ud83d\"]", 1, 3, "a surrogate pair");
    refused("[\"\\ud83d\\u0041\"]", 1, 3, "a surrogate pair");
    refused("[\"\\ude00\"]", 1, 3, "a surrogate pair");
    refused("[\"\x01\"]", 1, 3, "no control characters");
    refused("// \x1b\n[]", 1, 4, "no control characters");
    refused("[\"\xff\"]", 1, 3, "valid UTF-8");
    refused("[\"\xc3\"]", 1, 3, "valid UTF-8");
    refused("[\"\xc0\xaf\"]", 1, 3, "valid UTF-8");         /* not the shortest form */
    refused("[\"\xe0\x80\xaf\"]", 1, 3, "valid UTF-8");     /* nor this */
    refused("[\"\xed\xa0\x80\"]", 1, 3, "valid UTF-8");     /* a surrogate */
    refused("[\"\xf4\x90\x80\x80\"]", 1, 3, "valid UTF-8"); /* beyond U+10FFFF */
    refused("[1] // \xe2\x82\n", 1, 8, "valid UTF-8");      /* in a comment too */
}

/* Columns count characters, also behind a comment or a text of several bytes. */
static void test_columns_are_characters(void)
{
    refused("[\"\xc3\xa9\xe2\x82\xac\", x]", 1, 8, "a value");
    refused("/* \xe2\x82\xac */ [x]", 1, 10, "a value");
    refused("[\r\n  x]", 2, 3, "a value");
    refused("\xef\xbb\xbf[x]", 1, 2, "a value");
}

static void test_limits(void)
{
    char deep[100] = "";
    memset(deep, '[', 32);
    memset(deep + 32, ']', 32);
    accepted(deep);
    memset(deep, '[', 33);
    refused(deep, 1, 33, "lists and objects nested at most 32 deep");

    size_t size = JSON_IN_SIZE_MAX;
    char *large = malloc(size + 2);
    memset(large, ' ', size + 1);
    large[0] = '1';
    large[size + 1] = '\0';
    struct json_in *in = json_in_text("t.json", large, size, &mistakes);
    TEST_ASSERT_NOT_NULL(in);
    json_in_free(in);
    TEST_ASSERT_NULL(json_in_text("t.json", large, size + 1, &mistakes));
    TEST_ASSERT_EQUAL_STRING("more than 1 MiB", mistakes.list[0].found);
    free(large);
}

static void test_files_that_cannot_be_read(void)
{
    TEST_ASSERT_NULL(json_in_file("/nonexistent/site.json", &mistakes));
    TEST_ASSERT_NULL(json_in_file("/", &mistakes));
    TEST_ASSERT_EQUAL_UINT(2, mistakes.count);
    TEST_ASSERT_EQUAL_STRING("no readable file (No such file or directory)", mistakes.list[0].found);
    TEST_ASSERT_EQUAL_UINT(0, mistakes.list[0].line);
}

static void test_duplicate_keys(void)
{
    struct json_in *in = open_text("{\"a\": 1,\n \"b\": {\"c\": 1, \"c\": 2},\n \"\\u0061\": 3, \"A\": 4}");
    TEST_ASSERT_NOT_NULL(in); /* the rest can still be read and its mistakes told */
    TEST_ASSERT_EQUAL_UINT(2, mistakes.count);
    TEST_ASSERT_EQUAL_STRING("a", mistakes.list[0].key);
    TEST_ASSERT_EQUAL_STRING("each key only once", mistakes.list[0].expected);
    TEST_ASSERT_EQUAL_UINT(3, mistakes.list[0].line);
    TEST_ASSERT_EQUAL_UINT(2, mistakes.list[0].column);
    TEST_ASSERT_EQUAL_STRING("b.c", mistakes.list[1].key);
    TEST_ASSERT_EQUAL_UINT(2, mistakes.list[1].line);
    TEST_ASSERT_EQUAL_UINT(16, mistakes.list[1].column);
    json_in_free(in);
}

static void test_places_and_paths(void)
{
    struct json_in *in =
        open_text("// x\n{ \"a b\": [ 1, {}, [] , {\"c\": \"}]\\\"\"},\n  true ], \"d\" /* : */ : null}");
    struct json_value root = json_root(in), list, item, last;
    char path[JSON_PATH_SIZE];
    TEST_ASSERT_TRUE(json_find(&root, "a b", &list));
    item = json_first(&list);
    for (unsigned i = 0; i < 4; i++)
        json_next(&item);
    TEST_ASSERT_EQUAL_INT(JSON_BOOL, json_kind(&item));
    struct json_place place = json_place(&item);
    TEST_ASSERT_EQUAL_UINT(3, place.line);
    TEST_ASSERT_EQUAL_UINT(3, place.column);
    json_path(&item, path);
    TEST_ASSERT_EQUAL_STRING("[\"a b\"][4]", path);
    TEST_ASSERT_TRUE(json_find(&root, "d", &last));
    place = json_place(&last);
    TEST_ASSERT_EQUAL_UINT(3, place.line);
    TEST_ASSERT_EQUAL_UINT(25, place.column);
    TEST_ASSERT_FALSE(json_find(&root, "c", &last));
    json_in_free(in);
}

struct settings {
    const char *name;
    bool on;
    int64_t size;
    unsigned mode;
    unsigned members;
};

static void count_members(const struct json_value *value, void *target, void *context)
{
    TEST_ASSERT_EQUAL_PTR(&mistakes, context);
    ((struct settings *)target)->members += json_count(value);
}

static const char *const modes[] = {"slow", "fast", NULL};
static const struct json_key keys[] = {
    {.name = "name",
     .kind = JSON_TEXT,
     .required = true,
     .low = 1,
     .high = 8,
     .offset = offsetof(struct settings, name)},
    {.name = "on", .kind = JSON_BOOL, .fallback = "true", .offset = offsetof(struct settings, on)},
    {.name = "size",
     .kind = JSON_NUMBER,
     .low = 1,
     .high = 100,
     .fallback = "42",
     .offset = offsetof(struct settings, size)},
    {.name = "mode",
     .kind = JSON_TEXT,
     .choices = modes,
     .fallback = "fast",
     .offset = offsetof(struct settings, mode)},
    {.name = "list", .kind = JSON_LIST, .high = 3, .read = count_members},
};

static bool read_settings(const char *text, struct settings *out)
{
    struct json_in *in = open_text(text);
    TEST_ASSERT_NOT_NULL(in);
    struct json_value root = json_root(in);
    *out = (struct settings){0};
    bool ok = json_read(&root, keys, sizeof keys / sizeof *keys, out, &mistakes);
    out->name = NULL; /* lived in the document */
    json_in_free(in);
    return ok;
}

static void test_table_of_keys(void)
{
    struct settings settings;
    TEST_ASSERT_TRUE(read_settings("{\"name\": \"x\"}", &settings));
    TEST_ASSERT_TRUE(settings.on);
    TEST_ASSERT_EQUAL_INT64(42, settings.size);
    TEST_ASSERT_EQUAL_UINT(1, settings.mode);
    TEST_ASSERT_TRUE(read_settings(
        "{\"mode\": \"slow\", \"size\": 100, \"on\": false, \"name\": \"x\", \"list\": [1, 2]}", &settings));
    TEST_ASSERT_FALSE(settings.on);
    TEST_ASSERT_EQUAL_INT64(100, settings.size);
    TEST_ASSERT_EQUAL_UINT(0, settings.mode);
    TEST_ASSERT_EQUAL_UINT(2, settings.members);
    TEST_ASSERT_EQUAL_UINT(0, mistakes.count);
}

static void expect_mistake(unsigned index, const char *key, const char *found, const char *expected)
{
    TEST_ASSERT_TRUE(index < mistakes.count);
    TEST_ASSERT_EQUAL_STRING(key, mistakes.list[index].key);
    TEST_ASSERT_EQUAL_STRING(found, mistakes.list[index].found);
    TEST_ASSERT_EQUAL_STRING(expected, mistakes.list[index].expected);
}

static void test_table_refuses(void)
{
    struct settings settings;
    TEST_ASSERT_FALSE(
        read_settings("{\"size\": 101, \"modes\": 1, \"zzzzzz\": 2, \"on\": \"true\", \"mode\": \"fats\","
                      " \"list\": [1, 2, 3, 4]}",
                      &settings));
    TEST_ASSERT_EQUAL_UINT(7, mistakes.count);
    expect_mistake(0, "size", "101", "a whole number from 1 to 100");
    expect_mistake(1, "modes", "key \"modes\"", "a known key (did you mean \"mode\"?)");
    expect_mistake(2, "zzzzzz", "key \"zzzzzz\"", "a known key");
    expect_mistake(3, "on", "\"true\"", "true or false");
    expect_mistake(4, "mode", "\"fats\"", "\"slow\" or \"fast\" (did you mean \"fast\"?)");
    expect_mistake(5, "list", "a list", "0 to 3 entries");
    expect_mistake(6, "", "no such key", "a key \"name\"");
    TEST_ASSERT_EQUAL_UINT(0, settings.members);
    mistakes_clear(&mistakes);
    TEST_ASSERT_FALSE(read_settings("{\"name\": \"123456789\", \"size\": 1.5}", &settings));
    expect_mistake(0, "name", "\"123456789\"", "a text of 1 to 8 bytes");
    expect_mistake(1, "size", "1.5", "a whole number from 1 to 100");
    mistakes_clear(&mistakes);
    TEST_ASSERT_FALSE(read_settings("[]", &settings));
    expect_mistake(0, "", "an empty list", "an object");
}

/* The second of two equal keys is told, and not read: `read` functions see each key once. */
static void test_duplicates_are_read_once(void)
{
    struct settings settings;
    read_settings("{\"name\": \"x\", \"list\": [1], \"list\": [1, 2]}", &settings);
    TEST_ASSERT_EQUAL_UINT(1, settings.members);
    TEST_ASSERT_EQUAL_UINT(1, mistakes.count);
}

static char *printed(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    mistakes_print(&mistakes, "", out);
    fclose(out);
    return text;
}

static void test_mistakes_print_sorted_and_clean(void)
{
    mistakes_add(&mistakes, "b", 1, 1, "k", "x\x1b[31m", "y");
    mistakes_add(&mistakes, "a", 10, 2, "", "3", "4");
    mistakes_add(&mistakes, "a", 2, 1, "q", "1", "2");
    mistakes_add(&mistakes, "a", 0, 0, "", "nothing", "something");
    char *text = printed();
    TEST_ASSERT_EQUAL_STRING("a: found nothing, expected something\n"
                             "a:2:1: q: found 1, expected 2\n"
                             "a:10:2: found 3, expected 4\n"
                             "b:1:1: k: found x?[31m, expected y\n",
                             text);
    free(text);
}

static void test_mistakes_are_bounded(void)
{
    for (unsigned i = 0; i < MISTAKES_MAX + 5; i++)
        mistakes_add(&mistakes, "f", 1, 1, "", "x", "y");
    TEST_ASSERT_EQUAL_UINT(MISTAKES_MAX, mistakes.count);
    TEST_ASSERT_EQUAL_UINT(5, mistakes.more);
    char *text = printed();
    TEST_ASSERT_NOT_NULL(strstr(text, "and 5 more\n"));
    free(text);
    mistakes_clear(&mistakes);
    TEST_ASSERT_EQUAL_UINT(0, mistakes.count);

    char long_text[1000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    memcpy(long_text + MISTAKE_TEXT_SIZE - 1, "\xc3\xa9", 2); /* would be cut in two */
    mistakes_add(&mistakes, "f", 1, 1, "", long_text, NULL);
    TEST_ASSERT_EQUAL_UINT(MISTAKE_TEXT_SIZE - 1 + 3, strlen(mistakes.list[0].found));
    TEST_ASSERT_EQUAL_STRING("", mistakes.list[0].expected);
}

static void test_nearest(void)
{
    struct nearest nearest = {.wanted = "front-ned"};
    nearest_offer(&nearest, "front-end-mediation");
    nearest_offer(&nearest, "front-end");
    nearest_offer(&nearest, "director");
    TEST_ASSERT_EQUAL_STRING("front-end", nearest.best);
    nearest = (struct nearest){.wanted = "x"};
    nearest_offer(&nearest, "y");
    TEST_ASSERT_NULL(nearest.best);
    nearest = (struct nearest){.wanted = "proxy"};
    nearest_offer(&nearest, "director");
    TEST_ASSERT_NULL(nearest.best);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_accepts_json);
    RUN_TEST(test_comments_are_blanked);
    RUN_TEST(test_refuses_what_is_no_json);
    RUN_TEST(test_refuses_numbers_that_are_none);
    RUN_TEST(test_refuses_characters);
    RUN_TEST(test_columns_are_characters);
    RUN_TEST(test_limits);
    RUN_TEST(test_files_that_cannot_be_read);
    RUN_TEST(test_duplicate_keys);
    RUN_TEST(test_places_and_paths);
    RUN_TEST(test_table_of_keys);
    RUN_TEST(test_table_refuses);
    RUN_TEST(test_duplicates_are_read_once);
    RUN_TEST(test_mistakes_print_sorted_and_clean);
    RUN_TEST(test_mistakes_are_bounded);
    RUN_TEST(test_nearest);
    return UNITY_END();
}
