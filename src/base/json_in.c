/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_in.c - JSON as the operator writes it, for rules, site and configuration: the document, its values and
 * their places. The text is checked first (json_check.c), then libcjson makes the tree. libcjson keeps no
 * places, so a place is found by walking the text again along a value's path, which only a mistake costs.
 */
#include "rolecall/json_in.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "json_check.h"

struct json_in {
    char *name;
    char *text;     /* comments blanked, ends with NUL */
    char *original; /* as read: columns count its characters */
    size_t size;
    cJSON *root;
    struct mistakes *mistakes;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Line and column of an offset, from 1; a column is a character, not a byte. */
static struct json_place place_of(const char *text, size_t at)
{
    struct json_place place = {1, 1};
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n')
            place = (struct json_place){place.line + 1, 1};
        else if (((unsigned char)text[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

static int compare_keys(const void *a, const void *b)
{
    const struct json_value *x = a, *y = b;
    int by_key = strcmp(x->item->string, y->item->string);
    return by_key != 0 ? by_key : x->index < y->index ? -1 : 1;
}

/* Duplicate keys in this object, told at each one after the first. Sorted, so that large objects stay
 * cheap.
 */
static void refuse_twins_of(const struct json_value *object)
{
    unsigned count = json_count(object), n = 0;
    struct json_value *members = calloc(count ? count : 1, sizeof *members);
    if (!members)
        abort(); /* bounded by JSON_IN_SIZE_MAX */
    for (struct json_value member = json_first(object); json_more(&member); json_next(&member))
        members[n++] = member;
    qsort(members, n, sizeof *members, compare_keys);
    for (unsigned i = 1; i < n; i++)
        if (strcmp(members[i - 1].item->string, members[i].item->string) == 0)
            json_mistake_key(&members[i], "each key only once");
    free(members);
}

static void refuse_twins(const struct json_value *value)
{
    if (json_kind(value) == JSON_OBJECT)
        refuse_twins_of(value);
    for (struct json_value member = json_first(value); json_more(&member); json_next(&member))
        refuse_twins(&member);
}

static void *must(void *memory)
{
    if (!memory)
        abort(); /* at most a few MiB, at start */
    return memory;
}

static char *copy_bytes(const char *text, size_t size)
{
    char *copy = must(malloc(size + 1));
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

struct json_in *json_in_text(const char *name, const char *text, size_t size, struct mistakes *mistakes)
{
    if (size > JSON_IN_SIZE_MAX) {
        mistakes_add(mistakes, name, 0, 0, "", "more than 1 MiB", "a file of at most 1 MiB");
        return NULL;
    }
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark: no column of line 1 */
        text += 3;
        size -= 3;
    }
    struct json_fault fault;
    struct json_in *in = must(calloc(1, sizeof *in));
    *in = (struct json_in){.name = copy_bytes(name, strlen(name)),
                           .text = copy_bytes(text, size),
                           .original = copy_bytes(text, size),
                           .size = size,
                           .mistakes = mistakes};
    if (!json_check(in->text, size, &fault)) {
        struct json_place place = place_of(in->original, fault.at);
        mistakes_add(mistakes, name, place.line, place.column, "", fault.found, fault.expected);
        json_in_free(in);
        return NULL;
    }
    in->root = must(cJSON_ParseWithLength(in->text, size));
    struct json_value root = json_root(in);
    refuse_twins(&root);
    return in;
}

static struct json_in *refuse_file(const char *path, struct mistakes *mistakes)
{
    char found[128];
    snprintf(found, sizeof found, "no readable file (%s)", strerror(errno));
    mistakes_add(mistakes, path, 0, 0, "", found, "a JSON file");
    return NULL;
}

struct json_in *json_in_file(const char *path, struct mistakes *mistakes)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return refuse_file(path, mistakes);
    char *text = must(malloc(JSON_IN_SIZE_MAX + 1));
    errno = 0;
    size_t size = fread(text, 1, JSON_IN_SIZE_MAX + 1, file);
    struct json_in *in =
        ferror(file) ? refuse_file(path, mistakes) : json_in_text(path, text, size, mistakes);
    free(text);
    fclose(file);
    return in;
}

void json_in_free(struct json_in *in)
{
    if (!in)
        return;
    cJSON_Delete(in->root);
    free(in->name);
    free(in->text);
    free(in->original);
    free(in);
}

struct json_value json_root(const struct json_in *in)
{
    return (struct json_value){.in = in, .item = in->root};
}

enum json_kind json_kind(const struct json_value *value)
{
    switch (value->item->type & 0xff) {
    case cJSON_True:
    case cJSON_False:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_TEXT;
    case cJSON_Array:
        return JSON_LIST;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const char *json_text(const struct json_value *value)
{
    return json_kind(value) == JSON_TEXT ? value->item->valuestring : "";
}

bool json_is_true(const struct json_value *value)
{
    return (value->item->type & 0xff) == cJSON_True;
}

double json_number(const struct json_value *value)
{
    return json_kind(value) == JSON_NUMBER ? value->item->valuedouble : 0;
}

const char *json_member(const struct json_value *value)
{
    return value->item->string ? value->item->string : "";
}

unsigned json_count(const struct json_value *value)
{
    return (unsigned)cJSON_GetArraySize(value->item);
}

struct json_value json_first(const struct json_value *container)
{
    return (struct json_value){.in = container->in, .item = container->item->child, .up = container};
}

bool json_more(const struct json_value *member)
{
    return member->item != NULL;
}

void json_next(struct json_value *member)
{
    member->item = member->item->next;
    member->index++;
}

bool json_find(const struct json_value *object, const char *key, struct json_value *out)
{
    for (*out = json_first(object); json_more(out); json_next(out))
        if (strcmp(json_member(out), key) == 0)
            return true;
    return false;
}

bool json_same(const struct json_value *one, const struct json_value *other)
{
    return cJSON_Compare(one->item, other->item, true);
}

/* From here on the text is known to be JSON with its comments blanked. */
static size_t skip_space(const char *text, size_t at)
{
    while (is_space(text[at]))
        at++;
    return at;
}

static size_t skip_text(const char *text, size_t at)
{
    for (at++; text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at + 1;
}

static size_t skip_value(const char *text, size_t at)
{
    unsigned depth = 0;
    do {
        char c = text[at];
        if (c == '"') {
            at = skip_text(text, at);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        at++;
        if (depth == 0 && c != '}' && c != ']')
            while (text[at] != '\0' && !is_space(text[at]) && !strchr(",]}", text[at]))
                at++;
    } while (depth > 0);
    return at;
}

/* Where a value begins, and where its key does (the same in a list, and for the root). */
static size_t offset_of(const struct json_value *value, size_t *key)
{
    const char *text = value->in->text;
    if (!value->up)
        return *key = skip_space(text, 0);
    size_t at = offset_of(value->up, key);
    bool object = text[at] == '{';
    for (unsigned i = 0;; i++) {
        at = *key = skip_space(text, at + 1); /* past the bracket or the comma */
        if (object)
            at = skip_space(text, skip_space(text, skip_text(text, at)) + 1); /* past the colon */
        if (i == value->index)
            return at;
        at = skip_space(text, skip_value(text, at));
    }
}

struct json_place json_place(const struct json_value *value)
{
    size_t key;
    return place_of(value->in->original, offset_of(value, &key));
}

enum { EXPECTED_SIZE = 400 };

static bool is_plain_key(const char *key)
{
    for (const char *p = key; *p; p++)
        if (!is_digit(*p) && !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') && *p != '_' && *p != '-')
            return false;
    return *key != '\0';
}

void json_path(const struct json_value *value, char out[JSON_PATH_SIZE])
{
    if (!value->up) {
        out[0] = '\0';
        return;
    }
    json_path(value->up, out);
    size_t used = strlen(out);
    const char *key = value->item->string;
    if (!key)
        snprintf(out + used, JSON_PATH_SIZE - used, "[%u]", value->index);
    else if (is_plain_key(key))
        snprintf(out + used, JSON_PATH_SIZE - used, "%s%s", used ? "." : "", key);
    else
        snprintf(out + used, JSON_PATH_SIZE - used, "[\"%s\"]", key);
}

static char *write_found(const struct json_value *value)
{
    switch (json_kind(value)) {
    case JSON_LIST:
        return copy_bytes(json_count(value) ? "a list" : "an empty list", json_count(value) ? 6 : 13);
    case JSON_OBJECT:
        return copy_bytes("an object", 9);
    default:
        return must(cJSON_PrintUnformatted(value->item));
    }
}

__attribute__((format(printf, 4, 0))) static void add_mistake(const struct json_value *value, bool at_key,
                                                              const char *found, const char *expected,
                                                              va_list arguments)
{
    struct mistakes *mistakes = value->in->mistakes;
    char path[JSON_PATH_SIZE], text[EXPECTED_SIZE];
    if (mistakes_full(mistakes)) {
        mistakes->more++;
        return;
    }
    size_t key, at = offset_of(value, &key);
    struct json_place place = place_of(value->in->original, at_key ? key : at);
    json_path(value, path);
    vsnprintf(text, sizeof text, expected, arguments);
    mistakes_add(mistakes, value->in->name, place.line, place.column, path, found, text);
}

void json_mistake(const struct json_value *value, const char *expected, ...)
{
    char *found = write_found(value);
    va_list arguments;
    va_start(arguments, expected);
    add_mistake(value, false, found, expected, arguments);
    va_end(arguments);
    free(found);
}

void json_mistake_key(const struct json_value *value, const char *expected, ...)
{
    char found[MISTAKE_TEXT_SIZE];
    va_list arguments;
    snprintf(found, sizeof found, "key \"%s\"", json_member(value));
    va_start(arguments, expected);
    add_mistake(value, true, found, expected, arguments);
    va_end(arguments);
}

/* So that the arguments become a va_list. */
__attribute__((format(printf, 3, 4))) static void add_formatted(const struct json_value *value,
                                                                const char *found, const char *expected, ...)
{
    va_list arguments;
    va_start(arguments, expected);
    add_mistake(value, false, found, expected, arguments);
    va_end(arguments);
}

void json_mistake_absent(const struct json_value *object, const char *key)
{
    add_formatted(object, "no such key", "a key \"%s\"", key);
}

bool json_is(const struct json_value *value, enum json_kind kind, const char *what)
{
    static const char *const kinds[] = {
        [JSON_NULL] = "null",   [JSON_BOOL] = "true or false", [JSON_NUMBER] = "a number",
        [JSON_TEXT] = "a text", [JSON_LIST] = "a list",        [JSON_OBJECT] = "an object"};
    if (json_kind(value) == kind)
        return true;
    json_mistake(value, "%s", what ? what : kinds[kind]);
    return false;
}
