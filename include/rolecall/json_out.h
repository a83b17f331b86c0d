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

enum { JSON_STRING_MAX = 256 }; /* bytes of a string value, before escaping */

/* What had to be done to a string, or-ed. */
enum json_repair { JSON_AS_IT_WAS = 0, JSON_REPAIRED = 1, JSON_SHORTENED = 2 };

struct json_out {
    char *at;
    size_t size, used;
    bool full;
    bool first; /* no comma is due */
};

void json_start(struct json_out *out, char *buffer, size_t size);
bool json_finish(struct json_out *out); /* terminates the text; false: it did not fit */

void json_object(struct json_out *out, const char *key); /* key NULL: inside an array, or the outermost */
void json_end_object(struct json_out *out);
void json_array(struct json_out *out, const char *key);
void json_end_array(struct json_out *out);

unsigned json_string(struct json_out *out, const char *key,
                     const char *value); /* our own text; as json_captured() */
void json_unsigned(struct json_out *out, const char *key, uint64_t value);
void json_signed(struct json_out *out, const char *key, int64_t value);
void json_decimal(struct json_out *out, const char *key, uint64_t tenths); /* 3.5 for 35 */
void json_bool(struct json_out *out, const char *key, bool value);
void json_hex(struct json_out *out, const char *key, const uint8_t *bytes, size_t size);
/* printf into a string value; the result holds only characters that need no escaping. */
void json_format(struct json_out *out, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Captured bytes as text: what is not valid UTF-8, controls, DEL, U+2028, U+2029 and bidi controls become
 * U+FFFD. */
unsigned json_captured(struct json_out *out, const char *key, const uint8_t *bytes, size_t size);

/* Is there room for `size` more bytes and the closing brackets? Lists ask before each element. */
bool json_has_room(const struct json_out *out, size_t size);

#endif
