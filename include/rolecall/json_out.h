/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_out.h - writes JSON into a buffer of fixed size, in one pass, without allocation.
 *
 * Start with json_start(), open and close objects and arrays, finish with json_finish(). Keys are our own
 * literals; values that come from the network go through json_captured(), which makes valid, inert UTF-8 of
 * anything. What does not fit is left out as a whole: a list stops at the reserve, a value that would pass
 * the end marks the text `full`, and json_finish() then says false.
 */
#ifndef ROLECALL_JSON_OUT_H
#define ROLECALL_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "rolecall/digits.h"

enum { JSON_STRING_MAX = 256 }; /* bytes of a string value, before escaping */

/* What had to be done to a string, or-ed. */
enum json_repair { JSON_AS_IT_WAS = 0, JSON_REPAIRED = 1, JSON_SHORTENED = 2 };

/* Every value is followed by a comma; the bracket that closes what it is in comes into the comma's place.
 * Two words, so that what writes much can keep them in registers: a value that functions take and give back.
 */
struct json_out {
    char *at, *end; /* what is behind the text so far, and behind its room; end is NULL once something did not
                       fit */
};

void json_start(struct json_out *out, char *buffer, size_t size);
/* Terminates the text, after one value at least; `at` points to the NUL. False: it did not fit. */
bool json_finish(struct json_out *out);

/* Keys are NULL inside an array, or for the outermost value. */
static inline void json_object(struct json_out *out, const char *key);
static inline void json_end_object(struct json_out *out);
static inline void json_array(struct json_out *out, const char *key);
static inline void json_end_array(struct json_out *out);

/* Our own text; as json_captured(). NULL is "". */
unsigned json_string(struct json_out *out, const char *key, const char *value);
/* A name of ours that needs no escaping, and `size` bytes of the kind. */
static inline void json_word(struct json_out *out, const char *key, const char *word);
static inline void json_plain(struct json_out *out, const char *key, const char *text, size_t size);
/* A string whose `size` bytes, which need no escaping, the caller writes where this points; NULL: does not
 * fit. */
static inline char *json_quoted(struct json_out *out, const char *key, size_t size);
/* JSON that is the same in every text: `members` as they stand, each with its comma, or a whole `value`. */
static inline void json_ready(struct json_out *out, const char *members);
static inline void json_value(struct json_out *out, const char *key, const char *value);
static inline void json_unsigned(struct json_out *out, const char *key, uint64_t value);
void json_signed(struct json_out *out, const char *key, int64_t value);
void json_decimal(struct json_out *out, const char *key, uint64_t tenths); /* 3.5 for 35 */
static inline void json_bool(struct json_out *out, const char *key, bool value);
void json_hex(struct json_out *out, const char *key, const uint8_t *bytes, size_t size);
/* printf into a string value; the result holds only characters that need no escaping. */
void json_format(struct json_out *out, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Captured bytes as text: what is not valid UTF-8, controls, DEL, U+2028, U+2029 and bidi controls become
 * U+FFFD. */
unsigned json_captured(struct json_out *out, const char *key, const uint8_t *bytes, size_t size);

/* Is there room for `size` more bytes and the closing brackets? Lists ask before each element, once opened.
 */
static inline bool json_has_room(const struct json_out *out, size_t size);

/* ---- what is here because keys are constants, whose sizes the compiler then knows ---- */

/* Nothing is written from now on but the NUL, for which a byte is left. NULL. */
static inline char *json_no_room(struct json_out *out)
{
    out->at -= out->at == out->end;
    out->end = NULL;
    return NULL;
}

static inline bool json_has_room(const struct json_out *out, size_t size)
{
    enum { RESERVE = 64 }; /* kept for closing brackets */
    return out->end && (uintptr_t)out->at - (out->at[-1] == ',') + size + RESERVE < (uintptr_t)out->end;
}

/* Writes the key and the comma behind a value, whose `size` bytes the caller then writes; NULL: they do not
 * fit. */
static inline __attribute__((always_inline)) char *json_begin(struct json_out *out, const char *key,
                                                              size_t size)
{
    size_t key_size = key ? strlen(key) : 0, all = key ? key_size + 3 + size : size;
    if ((uintptr_t)out->at + all >= (uintptr_t)out->end)
        return json_no_room(out);
    char *at = out->at;
    at[all] = ',';
    out->at += all + 1;
    if (!key)
        return at;
    *at++ = '"';
    memcpy(at, key, key_size);
    at += key_size;
    *at++ = '"';
    *at++ = ':';
    return at;
}

static inline void json_open(struct json_out *out, const char *key, char bracket)
{
    char *at = json_begin(out, key, 1);
    if (!at)
        return;
    *at = bracket;
    out->at--;
}

static inline void json_close(struct json_out *out, char bracket)
{
    if (!out->end)
        return;
    char *at = out->at - (out->at[-1] == ',');
    if ((uintptr_t)at + 2 > (uintptr_t)out->end) {
        json_no_room(out);
        return;
    }
    at[0] = bracket;
    at[1] = ',';
    out->at = at + 2;
}

static inline void json_object(struct json_out *out, const char *key)
{
    json_open(out, key, '{');
}

static inline void json_end_object(struct json_out *out)
{
    json_close(out, '}');
}

static inline void json_array(struct json_out *out, const char *key)
{
    json_open(out, key, '[');
}

static inline void json_end_array(struct json_out *out)
{
    json_close(out, ']');
}

static inline __attribute__((always_inline)) char *json_quoted(struct json_out *out, const char *key,
                                                               size_t size)
{
    char *at = json_begin(out, key, size + 2);
    if (!at)
        return NULL;
    *at++ = '"';
    at[size] = '"';
    return at;
}

static inline __attribute__((always_inline)) void json_plain(struct json_out *out, const char *key,
                                                             const char *text, size_t size)
{
    char *at = json_quoted(out, key, size);
    if (at)
        memcpy(at, text, size);
}

static inline __attribute__((always_inline)) void json_word(struct json_out *out, const char *key,
                                                            const char *word)
{
    json_plain(out, key, word, strlen(word));
}

#define JSON_WORD(key, word) "\"" key "\":\"" word "\"," /* for json_ready() */

static inline __attribute__((always_inline)) void json_ready(struct json_out *out, const char *members)
{
    size_t size = strlen(members);
    char *at = json_begin(out, NULL, size - 1);
    if (at)
        memcpy(at, members, size);
}

static inline __attribute__((always_inline)) void json_value(struct json_out *out, const char *key,
                                                             const char *value)
{
    char *at = json_begin(out, key, strlen(value));
    if (at)
        memcpy(at, value, strlen(value));
}

static inline __attribute__((always_inline)) void json_unsigned(struct json_out *out, const char *key,
                                                                uint64_t value)
{
    unsigned count = digits_of(value);
    char *at = json_begin(out, key, count);
    if (at)
        digits_put(at, value, count);
}

static inline void json_bool(struct json_out *out, const char *key, bool value)
{
    char *at = json_begin(out, key, value ? 4 : 5);
    if (at)
        memcpy(at, value ? "true" : "false", value ? 4 : 5);
}

#endif
