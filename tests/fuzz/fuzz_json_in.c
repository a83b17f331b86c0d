/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_json_in.c - any bytes as the operator's JSON. What is accepted is walked through, every value asked
 * for its place, and once more by an independent parser unless it has
 * comments or a byte order mark.
 */
#include <cjson/cJSON.h>

#include "fuzz.h"
#include "rolecall/json_in.h"

static void walk(const struct json_value *value, unsigned depth)
{
    char path[JSON_PATH_SIZE];
    CHECK(depth <= JSON_IN_DEPTH_MAX);
    struct json_place place = json_place(value);
    CHECK(place.line > 0 && place.column > 0);
    json_path(value, path);
    CHECK(strlen(path) < sizeof path);
    CHECK(json_text(value) && json_member(value));
    double number = json_number(value);
    CHECK(number - number == 0); /* neither infinite nor no number */
    unsigned count = 0;
    for (struct json_value member = json_first(value); json_more(&member); json_next(&member), count++)
        walk(&member, depth + 1);
    CHECK(count == json_count(value));
}

struct settings {
    const char *text;
    int64_t number;
    bool flag;
    unsigned choice;
};

static void read_settings(const struct json_value *root)
{
    static const char *const choices[] = {"first", "second", NULL};
    static const struct json_key keys[] = {
        {.name = "text", .kind = JSON_TEXT, .low = 1, .high = 8, .offset = offsetof(struct settings, text)},
        {.name = "number",
         .kind = JSON_NUMBER,
         .low = -5,
         .high = 3600,
         .fallback = "7",
         .offset = offsetof(struct settings, number)},
        {.name = "flag", .kind = JSON_BOOL, .required = true, .offset = offsetof(struct settings, flag)},
        {.name = "choice",
         .kind = JSON_TEXT,
         .choices = choices,
         .fallback = "second",
         .offset = offsetof(struct settings, choice)},
    };
    struct settings settings = {0};
    if (!json_read(root, keys, sizeof keys / sizeof *keys, &settings, NULL))
        return;
    CHECK(!settings.text || (strlen(settings.text) >= 1 && strlen(settings.text) <= 8));
    CHECK(settings.number >= -5 && settings.number <= 3600 && settings.choice < 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct mistakes mistakes = {0};
    struct bytes text = bytes_of(input, size), copy = fuzz_copy(&text, size);
    struct json_in *in = json_in_text("fuzz", (const char *)copy.at, copy.left, &mistakes);
    CHECK(in || mistakes.count > 0);
    if (in && mistakes.count == 0) {
        struct json_value root = json_root(in);
        walk(&root, 0);
        if (bytes_find(&copy, '/', copy.left) == SIZE_MAX && !bytes_begin(&copy, "\xef\xbb\xbf", 3)) {
            cJSON *other = cJSON_ParseWithLength((const char *)copy.at, copy.left);
            CHECK(other);
            cJSON_Delete(other);
        }
        json_mistake(&root, "something else");
        CHECK(mistakes.count == 1);
        if (json_kind(&root) == JSON_OBJECT)
            read_settings(&root);
    }
    json_in_free(in);
    FILE *nowhere = fopen("/dev/null", "w");
    CHECK(nowhere);
    mistakes_print(&mistakes, "warning: ", nowhere);
    fclose(nowhere);
    mistakes_clear(&mistakes);
    fuzz_free(copy);
    return 0;
}
