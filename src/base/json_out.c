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

enum { RESERVE = 64 }; /* kept for closing brackets */

void json_start(struct json_out *out, char *buffer, size_t size)
{
    *out = (struct json_out){.at = buffer, .size = size, .first = true};
}

static void put(struct json_out *out, const char *text, size_t size)
{
    if (out->full || size >= out->size - out->used) {
        out->full = true;
        return;
    }
    memcpy(out->at + out->used, text, size);
    out->used += size;
}

static void put_char(struct json_out *out, char c)
{
    put(out, &c, 1);
}

bool json_finish(struct json_out *out)
{
    out->at[out->used < out->size ? out->used : out->size - 1] = '\0';
    return !out->full;
}

bool json_has_room(const struct json_out *out, size_t size)
{
    return !out->full && out->used + size + RESERVE < out->size;
}

static void begin_value(struct json_out *out, const char *key)
{
    size_t size = key ? strlen(key) : 0;
    size_t all = !out->first + (key ? size + 3 : 0); /* comma; two quotes and a colon */
    if (out->full || all >= out->size - out->used) {
        out->full = true;
        return;
    }
    char *at = out->at + out->used;
    if (!out->first)
        *at++ = ',';
    out->first = false;
    if (key) {
        *at++ = '"';
        memcpy(at, key, size);
        at += size;
        *at++ = '"';
        *at++ = ':';
    }
    out->used = (size_t)(at - out->at);
}

static void open_with(struct json_out *out, const char *key, char bracket)
{
    begin_value(out, key);
    put_char(out, bracket);
    out->first = true;
}

static void close_with(struct json_out *out, char bracket)
{
    put_char(out, bracket);
    out->first = false;
}

void json_object(struct json_out *out, const char *key)
{
    open_with(out, key, '{');
}

void json_end_object(struct json_out *out)
{
    close_with(out, '}');
}

void json_array(struct json_out *out, const char *key)
{
    open_with(out, key, '[');
}

void json_end_array(struct json_out *out)
{
    close_with(out, ']');
}

void json_unsigned(struct json_out *out, const char *key, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    begin_value(out, key);
    put(out, digits + at, sizeof digits - at);
}

void json_decimal(struct json_out *out, const char *key, uint64_t tenths)
{
    json_unsigned(out, key, tenths / 10);
    put_char(out, '.');
    put_char(out, (char)('0' + tenths % 10));
}

void json_signed(struct json_out *out, const char *key, int64_t value)
{
    if (value >= 0) {
        json_unsigned(out, key, (uint64_t)value);
        return;
    }
    begin_value(out, key);
    put_char(out, '-');
    bool first = out->first;
    out->first = true;
    json_unsigned(out, NULL, -(uint64_t)value);
    out->first = first;
}

void json_bool(struct json_out *out, const char *key, bool value)
{
    begin_value(out, key);
    put(out, value ? "true" : "false", value ? 4 : 5);
}

void json_hex(struct json_out *out, const char *key, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    begin_value(out, key);
    put_char(out, '"');
    for (size_t i = 0; i < size; i++) {
        put_char(out, digits[bytes[i] >> 4]);
        put_char(out, digits[bytes[i] & 15]);
    }
    put_char(out, '"');
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

/* Nothing in it that JSON or a terminal takes for more than a character: most strings are so. */
static bool is_plain(const uint8_t *bytes, size_t size)
{
    bool plain = true;
    for (size_t i = 0; i < size; i++)
        plain &= bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\';
    return plain;
}

static void put_quoted(struct json_out *out, const char *text, size_t size)
{
    put_char(out, '"');
    put(out, text, size);
    put_char(out, '"');
}

unsigned json_captured(struct json_out *out, const char *key, const uint8_t *bytes, size_t size)
{
    static const char replacement[] = "\xef\xbf\xbd";
    unsigned repair = JSON_AS_IT_WAS;
    size_t written = 0;
    begin_value(out, key);
    if (size <= JSON_STRING_MAX && is_plain(bytes, size)) {
        put_quoted(out, (const char *)bytes, size);
        return JSON_AS_IT_WAS;
    }
    put_char(out, '"');
    for (size_t i = 0; i < size;) {
        uint32_t point = 0;
        size_t step = utf8_read(bytes + i, size - i, &point);
        bool bad = step == 0 || utf8_is_harmful(point);
        size_t cost = bad ? 3 : step;
        if (written + cost > JSON_STRING_MAX) {
            repair |= JSON_SHORTENED;
            break;
        }
        if (bad) {
            put(out, replacement, 3);
            repair |= JSON_REPAIRED;
        } else {
            if (point == '"' || point == '\\')
                put_char(out, '\\');
            put(out, (const char *)bytes + i, step);
        }
        written += cost;
        i += step ? step : 1;
    }
    put_char(out, '"');
    return repair;
}

unsigned json_string(struct json_out *out, const char *key, const char *value)
{
    return json_captured(out, key, (const uint8_t *)(value ? value : ""), value ? strlen(value) : 0);
}
