/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_out.c - the bounded JSON writer: RFC 8259, in well-formed UTF-8 only. Used by the events and by every
 * command that prints JSON.
 */
#include "rolecall/json_out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rolecall/utf8.h"

void json_start(struct json_out *out, char *buffer, size_t size)
{
    *out = (struct json_out){.at = buffer, .end = buffer + size};
}

bool json_finish(struct json_out *out)
{
    if (out->end && out->at[-1] == ',')
        out->at--;
    *out->at = '\0';
    return out->end;
}

void json_decimal(struct json_out *out, const char *key, uint64_t tenths)
{
    unsigned count = digits_of(tenths / 10);
    char *at = json_begin(out, key, count + 2);
    if (!at)
        return;
    at = digits_put(at, tenths / 10, count);
    *at++ = '.';
    *at = (char)('0' + tenths % 10);
}

void json_signed(struct json_out *out, const char *key, int64_t value)
{
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    unsigned count = digits_of(size);
    char *at = json_begin(out, key, count + (value < 0));
    if (!at)
        return;
    if (value < 0)
        *at++ = '-';
    digits_put(at, size, count);
}

void json_hex(struct json_out *out, const char *key, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char *at = json_begin(out, key, 2 * size + 2);
    if (!at)
        return;
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    *at = '"';
}

void json_format(struct json_out *out, const char *key, const char *format, ...)
{
    char text[JSON_STRING_MAX + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_string(out, key, text);
}

#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* The highest bit of some byte is set where a byte is below 0x20, above 0x7e, a quote or a backslash. (x - n
 * borrows into that bit of a byte below n; where it also borrows from the next byte, this one was bad.) */
static uint64_t odd_bytes(const uint8_t *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
    uint64_t quote = x ^ EACH_BYTE('"'), backslash = x ^ EACH_BYTE('\\'), del = x ^ EACH_BYTE(0x7f);
    uint64_t low =
        (x - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1)) | (del - EACH_BYTE(1));
    return (low | x) & EACH_BYTE(0x80);
}

/* Nothing in it that JSON or a terminal takes for more than a character: most strings are so. */
static bool is_plain(const uint8_t *bytes, size_t size)
{
    uint8_t few[8] = "        ";
    uint64_t odd = 0;
    if (size < sizeof few) {
        memcpy(few, bytes, size);
        return !odd_bytes(few);
    }
    for (size_t i = 0; i + 8 < size; i += 8)
        odd |= odd_bytes(bytes + i);
    return !(odd | odd_bytes(bytes + size - 8));
}

/* The most that a string becomes when all of it is escaped. */
enum { ESCAPED_MAX = 2 * JSON_STRING_MAX };

static size_t repair_string(const uint8_t *bytes, size_t size, char to[ESCAPED_MAX], unsigned *repair)
{
    static const char replacement[] = "\xef\xbf\xbd";
    size_t used = 0, written = 0;
    for (size_t i = 0; i < size;) {
        uint32_t point = 0;
        size_t step = utf8_read(bytes + i, size - i, &point);
        bool bad = step == 0 || utf8_is_harmful(point);
        size_t cost = bad ? 3 : step;
        if (written + cost > JSON_STRING_MAX) {
            *repair |= JSON_SHORTENED;
            break;
        }
        if (bad)
            *repair |= JSON_REPAIRED;
        else if (point == '"' || point == '\\')
            to[used++] = '\\';
        memcpy(to + used, bad ? (const void *)replacement : bytes + i, cost);
        used += cost;
        written += cost;
        i += step ? step : 1;
    }
    return used;
}

/* Apart from json_captured(), so that it keeps no room for what is seldom needed. */
static __attribute__((noinline)) unsigned put_repaired(struct json_out *out, const char *key,
                                                       const uint8_t *bytes, size_t size)
{
    char repaired[ESCAPED_MAX];
    unsigned repair = JSON_AS_IT_WAS;
    json_plain(out, key, repaired, repair_string(bytes, size, repaired, &repair));
    return repair;
}

unsigned json_captured(struct json_out *out, const char *key, const uint8_t *bytes, size_t size)
{
    if (size > JSON_STRING_MAX || !is_plain(bytes, size))
        return put_repaired(out, key, bytes, size);
    json_plain(out, key, (const char *)bytes, size);
    return JSON_AS_IT_WAS;
}

unsigned json_string(struct json_out *out, const char *key, const char *value)
{
    return json_captured(out, key, (const uint8_t *)(value ? value : ""), value ? strlen(value) : 0);
}
