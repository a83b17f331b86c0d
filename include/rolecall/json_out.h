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

/* Every value is followed by a comma; the bracket that closes what it is in comes into the comma's place. */
struct json_out {
    char *text;
    size_t size, used; /* size: as much as is left where nothing more may be written */
    bool full;
};

void json_start(struct json_out *out, char *buffer, size_t size);
bool json_finish(struct json_out *out); /* terminates the text; false: it did not fit */

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

/* Is there room for `size` more bytes and the closing brackets? Lists ask before each element. */
bool json_has_room(const struct json_out *out, size_t size);

/* ---- what is here because keys are constants, whose sizes the compiler then knows ---- */

/* Nothing is written from now on. NULL. */
char *json_no_room(struct json_out *out);

/* Writes the key and the comma behind a value, whose `size` bytes the caller then writes; NULL: they do not
 * fit. */
static inline __attribute__((always_inline)) char *json_begin(struct json_out *out, const char *key,
                                                              size_t size)
{
    size_t key_size = key ? strlen(key) : 0, all = key ? key_size + 3 + size : size;
    if (all >= out->size - out->used)
        return json_no_room(out);
    char *at = out->text + out->used;
    out->used += all + 1;
    at[all] = ',';
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
    out->used--;
}

static inline void json_close(struct json_out *out, char bracket)
{
    size_t used = out->used;
    if (out->text[used - 1] == ',')
        used--;
    if (out->size - used < 2) {
        json_no_room(out);
        return;
    }
    out->text[used] = bracket;
    out->text[used + 1] = ',';
    out->used = used + 2;
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

static inline __attribute__((always_inline)) void json_plain(struct json_out *out, const char *key,
                                                             const char *text, size_t size)
{
    char *at = json_begin(out, key, size + 2);
    if (!at)
        return;
    *at++ = '"';
    memcpy(at, text, size);
    at[size] = '"';
}

static inline __attribute__((always_inline)) void json_word(struct json_out *out, const char *key,
                                                            const char *word)
{
    json_plain(out, key, word, strlen(word));
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
