/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_check.c - walks a text once before libcjson sees it: blanks comments, and refuses what is no JSON (RFC
 * 8259) or what libcjson would let pass: invalid UTF-8, raw controls, \u0000, lone surrogates, numbers like
 * 01 or 1e999, deep nesting. Called by json_in.c. Duplicate keys need the tree and are found there.
 */
#include "json_check.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rolecall/json_in.h"

enum { NUMBER_SIZE_MAX = 40 }; /* libcjson copies numbers into 64 bytes */
static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The walk over the text. `failed` sticks, and every step then does nothing. */
struct walk {
    char *text;
    size_t size, at;
    unsigned depth;
    bool failed;
    struct json_fault *fault;
};

static char here(const struct walk *w)
{
    return w->text[w->at]; /* NUL at the end */
}

/* One byte on, never past the end. */
static void step(struct walk *w)
{
    if (w->at < w->size)
        w->at++;
}

/* What stands at an offset: a few visible characters. */
static void describe(const struct walk *w, size_t at, char *out, size_t size)
{
    size_t n = 0;
    while (n < 24 && at + n < w->size && w->text[at + n] > ' ' && w->text[at + n] < 0x7f &&
           (n == 0 || !strchr(",:]}\"", w->text[at + n])))
        n++;
    if (at >= w->size)
        snprintf(out, size, "the end of the file");
    else if (n > 0)
        snprintf(out, size, "%.*s", (int)n, w->text + at);
    else
        snprintf(out, size, "byte 0x%02x", (unsigned char)w->text[at]);
}

/* The first refusal counts. `found` NULL: what stands there. */
static void refuse(struct walk *w, size_t at, const char *found, const char *expected)
{
    if (w->failed)
        return;
    w->failed = true;
    w->fault->at = at;
    w->fault->expected = expected;
    if (found)
        snprintf(w->fault->found, sizeof w->fault->found, "%s", found);
    else
        describe(w, at, w->fault->found, sizeof w->fault->found);
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
    for (size_t at = 0; at < w->size && !w->failed;) {
        unsigned char c = (unsigned char)w->text[at];
        size_t n = utf8_size(w->text + at, w->size - at);
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
    char *text = w->text;
    if (text[w->at] != '/' || (text[w->at + 1] != '/' && text[w->at + 1] != '*'))
        return false;
    size_t begin = w->at, end = begin + 2;
    if (text[begin + 1] == '/') {
        while (end < w->size && text[end] != '\n')
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
    const char *text = w->text;
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
        if (w->at >= w->size || c == '\n') {
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
    const char *begin = w->text + w->at, *p = begin;
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
    w->at = (size_t)(p - w->text);
}

static bool walk_word(struct walk *w, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(w->text + w->at, word, n) != 0)
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

bool json_check(char *text, size_t size, struct json_fault *fault)
{
    struct walk w = {.text = text, .size = size, .fault = fault};
    check_characters(&w);
    walk_value(&w);
    if (!w.failed)
        walk_space(&w);
    if (w.at < size)
        refuse(&w, w.at, NULL, "the end of the file");
    return !w.failed;
}
