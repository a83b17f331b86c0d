/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_json_out.c - captured bytes as JSON strings, in a buffer of any size. What was written in full is one
 * sound line and parses back to what went in; what did not fit says so.
 */
#include "line_check.h"
#include "rolecall/json_out.h"

enum { STRINGS_MAX = 16, BUFFER_MAX = 8192, BUFFER_MIN = 64 };

struct written {
    struct bytes from;
    unsigned repair;
};

static void check_string(const cJSON *item, const struct written *written)
{
    CHECK(cJSON_IsString(item));
    size_t size = strlen(item->valuestring);
    CHECK(size <= JSON_STRING_MAX);
    if (written->repair == JSON_AS_IT_WAS)
        CHECK(size == written->from.left &&
              (!size || memcmp(item->valuestring, written->from.at, size) == 0));
    else if (written->repair == JSON_SHORTENED)
        CHECK(size < written->from.left && memcmp(item->valuestring, written->from.at, size) == 0);
    else
        CHECK((written->repair & JSON_SHORTENED) || strstr(item->valuestring, "\xef\xbf\xbd"));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct bytes b = bytes_of(input, size);
    size_t room = BUFFER_MIN + bytes_u16(&b) % (BUFFER_MAX - BUFFER_MIN);
    char *buffer = malloc(room);
    CHECK(buffer);
    struct written written[STRINGS_MAX];
    unsigned count = 0;
    uint64_t number = bytes_u64(&b);
    struct json_out out;
    json_start(&out, buffer, room);
    json_object(&out, NULL);
    json_signed(&out, "signed", (int64_t)number);
    json_decimal(&out, "decimal", number);
    json_hex(&out, "hex", b.at, b.left < 32 ? b.left : 32);
    json_array(&out, "strings");
    for (; b.left > 0 && count < STRINGS_MAX; count++) {
        uint16_t n = bytes_u16(&b) % 700;
        written[count].from = fuzz_copy(&b, n);
        written[count].repair = json_captured(&out, NULL, written[count].from.at, written[count].from.left);
    }
    json_end_array(&out);
    json_end_object(&out);
    bool whole = json_finish(&out);
    CHECK(memchr(buffer, 0, room));
    if (whole) {
        cJSON *json = line_check(buffer, strlen(buffer));
        const cJSON *strings = cJSON_GetObjectItemCaseSensitive(json, "strings");
        CHECK(cJSON_GetArraySize(strings) == (int)count);
        for (unsigned i = 0; i < count; i++)
            check_string(cJSON_GetArrayItem(strings, (int)i), &written[i]);
        cJSON_Delete(json);
    }
    while (count > 0)
        fuzz_free(written[--count].from);
    free(buffer);
    return 0;
}
