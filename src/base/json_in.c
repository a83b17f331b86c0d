/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_in.c - JSON as the operator writes it (RFC 8259, with comments), for rules, site and configuration.
 *
 * Three steps: text_check() walks the text once, blanks comments and refuses what libcjson would let pass;
 * libcjson makes the tree; refuse_twins() looks for duplicate keys. libcjson keeps no places, so a place is
 * found by walking the text again along a value's path, which only a mistake costs.
 */
#include "rolecall/json_in.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct json_in {
    char *name;
    char *text;     /* comments blanked, ends with NUL */
    char *original; /* as read: columns count its characters */
    size_t size;
    cJSON *root;
    struct mistakes *mistakes;
};

enum { NUMBER_SIZE_MAX = 40 }; /* libcjson copies numbers into 64 bytes */

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

/* The walk over the text. `failed` sticks, and every step then does nothing. */
struct walk {
    struct json_in *in;
    size_t at;
    unsigned depth;
    bool failed;
};

static char here(const struct walk *w)
{
    return w->in->text[w->at]; /* NUL at the end */
}

/* One byte on, never past the end. */
static void step(struct walk *w)
{
    if (w->at < w->in->size)
        w->at++;
}

/* What stands at an offset, for "found": a few visible characters. */
static void describe(const struct json_in *in, size_t at, char *out, size_t size)
{
    if (at >= in->size) {
        snprintf(out, size, "the end of the file");
        return;
    }
    unsigned char c = (unsigned char)in->text[at];
    size_t n = 0;
    while (n < 24 && at + n < in->size && (unsigned char)in->text[at + n] > ' ' && in->text[at + n] < 0x7f &&
           (n == 0 || !strchr(",:]}\"", in->text[at + n])))
        n++;
    if (n > 0)
        snprintf(out, size, "%.*s", (int)n, in->text + at);
    else
        snprintf(out, size, "byte 0x%02x", c);
}

static void refuse(struct walk *w, size_t at, const char *found, const char *expected)
{
    char described[80];
    if (w->failed)
        return;
    w->failed = true;
    if (!found) {
        describe(w->in, at, described, sizeof described);
        found = described;
    }
    struct json_place place = place_of(w->in->original, at);
    mistakes_add(w->in->mistakes, w->in->name, place.line, place.column, "", found, expected);
}

/* Length of the UTF-8 character at `s` (RFC 3629: shortest form, no surrogates, at most U+10FFFF), or 0. */
static size_t utf8_size(const char *s, size_t left)
{
    const unsigned char *b = (const unsigned char *)s;
    if (b[0] < 0x80)
        return 1;
    size_t n = b[0] >= 0xc2 && b[0] < 0xe0   ? 2
               : (b[0] & 0xf0) == 0xe0       ? 3
               : b[0] >= 0xf0 && b[0] < 0xf5 ? 4
                                             : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] >= 0xa0) || (b[0] == 0xf0 && b[1] < 0x90) ||
        (b[0] == 0xf4 && b[1] >= 0x90))
        return 0;
    return n;
}

/* The whole file, comments too: valid UTF-8, and no controls but tab and line ends. */
static void check_characters(struct walk *w)
{
    const struct json_in *in = w->in;
    for (size_t at = 0; at < in->size && !w->failed;) {
        unsigned char c = (unsigned char)in->text[at];
        size_t n = utf8_size(in->text + at, in->size - at);
        if (n == 0)
            refuse(w, at, NULL, "valid UTF-8");
        else if (c < 0x20 && !is_space((char)c))
            refuse(w, at, NULL, "no control characters");
        at += n;
    }
}

/* Blanks the comment that begins here, line ends kept; false when none does. */
static bool blank_comment(struct walk *w)
{
    char *text = w->in->text;
    if (text[w->at] != '/' || (text[w->at + 1] != '/' && text[w->at + 1] != '*'))
        return false;
    size_t begin = w->at, end = begin + 2;
    if (text[begin + 1] == '/') {
        while (end < w->in->size && text[end] != '\n')
            end++;
    } else {
        const char *close = strstr(text + end, "*/");
        if (!close) {
            refuse(w, begin, "a comment that does not end", "*/");
            return false;
        }
        end = (size_t)(close - text) + 2;
    }
    for (size_t i = begin; i < end; i++)
        if (!is_space(text[i]))
            text[i] = ' ';
    w->at = end;
    return true;
}

static void walk_space(struct walk *w)
{
    for (;;) {
        while (is_space(here(w)))
            w->at++;
        if (w->failed || !blank_comment(w))
            return;
    }
}

/* Four hex digits at `at`; -1 when they are not. */
static int hex4(const char *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *d = s[i] ? strchr(digits, s[i] | 0x20) : NULL;
        if (!d || (s[i] < '0'))
            return -1;
        value = value * 16 + (int)(d - digits);
    }
    return value;
}

/* After a backslash. Surrogates must come in pairs, high first (RFC 8259 section 7). */
static void walk_escape(struct walk *w)
{
    const char *text = w->in->text;
    size_t begin = w->at - 1;
    char c = here(w);
    if (c == 'u') {
        int code = hex4(text + w->at + 1);
        if (code <= 0) {
            refuse(w, begin, NULL, code == 0 ? "no \\u0000" : "four hexadecimal digits after \\u");
            return;
        }
        bool high = code >= 0xd800 && code < 0xdc00;
        int low = high && text[w->at + 5] == '\\' && text[w->at + 6] == 'u' ? hex4(text + w->at + 7) : 0;
        if ((high && (low < 0xdc00 || low > 0xdfff)) || (code >= 0xdc00 && code < 0xe000)) {
            refuse(w, begin, NULL, "a surrogate pair");
            return;
        }
        w->at += high ? 11 : 5;
    } else if (c != '\0' && strchr("\"\\/bfnrt", c)) {
        w->at++;
    } else {
        refuse(w, begin, NULL, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    }
}

static void walk_text(struct walk *w)
{
    size_t begin = w->at++;
    while (!w->failed && here(w) != '"') {
        unsigned char c = (unsigned char)here(w);
        if (w->at >= w->in->size || c == '\n') {
            refuse(w, begin, "a text that does not end on its line", "\"");
        } else if (c < 0x20) {
            refuse(w, w->at, NULL, "no control characters in a text (write \\t for a tab)");
        } else {
            w->at++;
            if (c == '\\')
                walk_escape(w);
        }
    }
    if (!w->failed)
        w->at++;
}

static bool skip_digits(const char **p)
{
    const char *begin = *p;
    while (is_digit(**p))
        (*p)++;
    return *p > begin;
}

/* RFC 8259 section 6: no leading zero, no bare point, and a value that a double can hold. */
static void walk_number(struct walk *w)
{
    const char *begin = w->in->text + w->at, *p = begin;
    bool ok;
    if (*p == '-')
        p++;
    bool zero = *p == '0';
    const char *digits = p;
    ok = skip_digits(&p) && !(zero && p - digits > 1);
    if (ok && *p == '.') {
        p++;
        ok = skip_digits(&p);
    }
    if (ok && (*p == 'e' || *p == 'E')) {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        ok = skip_digits(&p);
    }
    bool ends = *p == '\0' || is_space(*p) || strchr(",:]}/", *p);
    if (!ok || !ends)
        refuse(w, w->at, NULL, "a number as JSON writes it");
    else if (p - begin > NUMBER_SIZE_MAX || !isfinite(strtod(begin, NULL)))
        refuse(w, w->at, NULL, "a number that is not too large");
    w->at = (size_t)(p - w->in->text);
}

static bool walk_word(struct walk *w, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(w->in->text + w->at, word, n) != 0)
        return false;
    w->at += n;
    return true;
}

static void walk_value(struct walk *w);

/* A list or an object, from its bracket on. */
static void walk_members(struct walk *w, char close)
{
    bool object = close == '}';
    if (++w->depth > JSON_IN_DEPTH_MAX)
        refuse(w, w->at, NULL, "lists and objects nested at most 32 deep");
    step(w);
    walk_space(w);
    bool first = true;
    while (!w->failed && (here(w) != close || !first)) {
        first = false;
        if (object && here(w) == '"') {
            walk_text(w);
            walk_space(w);
            if (here(w) != ':')
                refuse(w, w->at, NULL, ":");
            step(w);
        } else if (object) {
            refuse(w, w->at, NULL, "a key in double quotes");
        }
        walk_value(w);
        walk_space(w);
        if (here(w) == close)
            break;
        if (here(w) != ',')
            refuse(w, w->at, NULL, object ? ", or }" : ", or ]");
        step(w);
        walk_space(w);
    }
    step(w);
    w->depth--;
}

static void walk_value(struct walk *w)
{
    if (w->failed)
        return;
    walk_space(w);
    char c = here(w);
    if (c == '{' || c == '[')
        walk_members(w, c == '{' ? '}' : ']');
    else if (c == '"')
        walk_text(w);
    else if (is_digit(c) || c == '-')
        walk_number(w);
    else if (!walk_word(w, "true") && !walk_word(w, "false") && !walk_word(w, "null"))
        refuse(w, w->at, NULL, "a value");
}

static bool check_text(struct json_in *in)
{
    struct walk w = {.in = in};
    check_characters(&w);
    walk_value(&w);
    if (!w.failed)
        walk_space(&w);
    if (w.at < in->size)
        refuse(&w, w.at, NULL, "the end of the file");
    return !w.failed;
}

static int compare_keys(const void *a, const void *b)
{
    const struct json_value *x = a, *y = b;
    int by_key = strcmp(x->item->string, y->item->string);
    return by_key != 0 ? by_key : x->index < y->index ? -1 : 1;
}

/* Duplicate keys in this object, told at each one after the first. Sorted, so that large objects stay cheap.
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
    struct json_in *in = must(calloc(1, sizeof *in));
    *in = (struct json_in){.name = copy_bytes(name, strlen(name)),
                           .text = copy_bytes(text, size),
                           .original = copy_bytes(text, size),
                           .size = size,
                           .mistakes = mistakes};
    if (!check_text(in)) {
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

__attribute__((format(printf, 2, 3))) static void mistake_absent(const struct json_value *object,
                                                                 const char *expected, ...)
{
    va_list arguments;
    va_start(arguments, expected);
    add_mistake(object, false, "no such key", expected, arguments);
    va_end(arguments);
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

/* Adds `"a", "b" or "c"` to a text. */
static void write_choices(const char *const *choices, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; choices[i] && used < size; i++) {
        const char *before = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", before, choices[i]);
    }
}

static bool read_choice(const struct json_value *value, const struct json_key *key, unsigned *out)
{
    struct nearest nearest = {.wanted = json_text(value)};
    for (unsigned i = 0; key->choices[i]; i++) {
        if (strcmp(key->choices[i], nearest.wanted) == 0) {
            *out = i;
            return true;
        }
        nearest_offer(&nearest, key->choices[i]);
    }
    char choices[EXPECTED_SIZE];
    write_choices(key->choices, choices, sizeof choices);
    if (nearest.best)
        json_mistake(value, "%s (did you mean \"%s\"?)", choices, nearest.best);
    else
        json_mistake(value, "%s", choices);
    return false;
}

static bool is_in_range(const struct json_value *value, const struct json_key *key)
{
    double n = value->item->valuedouble;
    if (key->low == 0 && key->high == 0 && key->kind != JSON_NUMBER)
        return true;
    switch (key->kind) {
    case JSON_NUMBER:
        if (n != floor(n) || fabs(n) > 9007199254740992.0) /* 2^53: beyond, doubles skip whole numbers */
            return false;
        return (key->low == 0 && key->high == 0) || (n >= (double)key->low && n <= (double)key->high);
    case JSON_TEXT:
        n = (double)strlen(json_text(value));
        return n >= (double)key->low && n <= (double)key->high;
    default:
        return json_count(value) >= key->low && json_count(value) <= key->high;
    }
}

static void mistake_range(const struct json_value *value, const struct json_key *key)
{
    long long low = key->low, high = key->high;
    if (key->meaning)
        json_mistake(value, "%s", key->meaning);
    else if (key->kind == JSON_NUMBER && low == 0 && high == 0)
        json_mistake(value, "a whole number");
    else if (key->kind == JSON_NUMBER)
        json_mistake(value, "a whole number from %lld to %lld", low, high);
    else if (key->kind == JSON_TEXT)
        json_mistake(value, "a text of %lld to %lld bytes", low, high);
    else
        json_mistake(value, "%lld to %lld entries", low, high);
}

static bool read_key(const struct json_value *value, const struct json_key *key, void *target, void *context)
{
    char *to = (char *)target + key->offset;
    if (!key->any_kind && !json_is(value, key->kind, key->meaning))
        return false;
    if (!key->any_kind && !is_in_range(value, key)) {
        mistake_range(value, key);
        return false;
    }
    if (key->read)
        key->read(value, target, context);
    else if (key->choices)
        return read_choice(value, key, (unsigned *)(void *)to);
    else if (key->kind == JSON_TEXT)
        *(const char **)(void *)to = json_text(value);
    else if (key->kind == JSON_BOOL)
        *(bool *)to = (value->item->type & 0xff) == cJSON_True;
    else if (key->kind == JSON_NUMBER)
        *(int64_t *)(void *)to = (int64_t)value->item->valuedouble;
    return true;
}

/* A default stands in the table as text; that it fits the key is ours to get right. */
static void store_default(const struct json_key *key, void *target)
{
    char *to = (char *)target + key->offset;
    if (!key->fallback || key->read)
        return;
    if (key->choices) {
        unsigned i = 0;
        while (key->choices[i] && strcmp(key->choices[i], key->fallback) != 0)
            i++;
        assert(key->choices[i]);
        *(unsigned *)(void *)to = i;
    } else if (key->kind == JSON_TEXT) {
        *(const char **)(void *)to = key->fallback;
    } else if (key->kind == JSON_BOOL) {
        *(bool *)to = strcmp(key->fallback, "true") == 0;
    } else if (key->kind == JSON_NUMBER) {
        *(int64_t *)(void *)to = strtoll(key->fallback, NULL, 10);
    }
}

static const struct json_key *find_key(const struct json_value *value, const struct json_key *keys,
                                       unsigned count)
{
    struct nearest nearest = {.wanted = json_member(value)};
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(keys[i].name, nearest.wanted) == 0)
            return &keys[i];
        nearest_offer(&nearest, keys[i].name);
    }
    if (nearest.best)
        json_mistake_key(value, "a known key (did you mean \"%s\"?)", nearest.best);
    else
        json_mistake_key(value, "a known key");
    return NULL;
}

bool json_read(const struct json_value *object, const struct json_key *keys, unsigned count, void *target,
               void *context)
{
    bool ok = true;
    uint64_t seen = 0;
    assert(count <= 64);
    if (!json_is(object, JSON_OBJECT, NULL))
        return false;
    for (unsigned i = 0; i < count; i++)
        store_default(&keys[i], target);
    for (struct json_value member = json_first(object); json_more(&member); json_next(&member)) {
        const struct json_key *key = find_key(&member, keys, count);
        if (key &&
            seen >> (key - keys) & 1) /* a duplicate, told when the file was opened: the first one counts */
            continue;
        if (key)
            seen |= UINT64_C(1) << (key - keys);
        ok = key && read_key(&member, key, target, context) && ok;
    }
    for (unsigned i = 0; i < count; i++) {
        if (keys[i].required && !(seen >> i & 1)) {
            mistake_absent(object, "a key \"%s\"", keys[i].name);
            ok = false;
        }
    }
    return ok;
}
