/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_fields.c - one pass over a line of JSON (RFC 8259), by recursion no deeper than JSON_FIELDS_DEPTH_MAX.
 * It is lenient in what does no harm (keys given twice, any UTF-8) and strict in structure. See
 * json_fields.h.
 */
#include "rolecall/json_fields.h"

#include <stdint.h>
#include <string.h>

#include "rolecall/bytes.h"
#include "rolecall/utf8.h"

struct reader {
    struct bytes in;
    json_field_take *take;
    void *context;
    unsigned depth;
    size_t name_size;
    char name[JSON_FIELDS_NAME_MAX];
    char text[JSON_FIELDS_LINE_MAX * 3 + 1]; /* every byte may become U+FFFD */
};

static bool read_value(struct reader *r);

static int peek(const struct reader *r)
{
    return r->in.left ? r->in.at[0] : -1;
}

static void skip_blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r' || peek(r) == '\n')
        bytes_u8(&r->in);
}

static bool skip_char(struct reader *r, char wanted)
{
    skip_blanks(r);
    return peek(r) == wanted && bytes_u8(&r->in) == (uint8_t)wanted;
}

static bool read_hex4(struct reader *r, uint32_t *point)
{
    *point = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = bytes_u8(&r->in);
        unsigned digit = c >= '0' && c <= '9'   ? c - '0'
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                : 16;
        if (digit > 15)
            return false;
        *point = *point << 4 | digit;
    }
    return bytes_ok(&r->in);
}

/* What follows a backslash; a lone half of a surrogate pair becomes U+FFFD. */
static bool read_escape(struct reader *r, uint32_t *point)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint8_t c = bytes_u8(&r->in);
    const char *found = c ? strchr(names, c) : NULL;
    if (found) {
        *point = (uint8_t)values[found - names];
        return true;
    }
    if (c != 'u' || !read_hex4(r, point))
        return false;
    if (*point >= 0xd800 && *point <= 0xdbff && r->in.left >= 6 && r->in.at[0] == '\\' &&
        r->in.at[1] == 'u') {
        struct bytes here = r->in;
        uint32_t low;
        bytes_take(&r->in, 2);
        if (read_hex4(r, &low) && low >= 0xdc00 && low <= 0xdfff)
            *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
        else
            r->in = here;
    }
    return true;
}

/* The string at the cursor into `text`; its size. False: not closed, a raw control, a bad escape. */
static bool read_string(struct reader *r, size_t *size)
{
    size_t used = 0;
    if (!skip_char(r, '"'))
        return false;
    while (r->in.left && peek(r) != '"') {
        uint32_t point;
        size_t step = utf8_read(r->in.at, r->in.left, &point);
        if (step && point < 0x20)
            return false;
        bytes_take(&r->in, step ? step : 1);
        if (!step)
            point = UTF8_REPLACEMENT;
        else if (point == '\\' && !read_escape(r, &point))
            return false;
        used += utf8_write(point ? point : UTF8_REPLACEMENT, r->text + used);
    }
    r->text[used] = '\0';
    *size = used;
    return skip_char(r, '"');
}

static void give(struct reader *r, size_t size, bool is_string)
{
    struct json_field field = {.name = r->name, .text = r->text, .size = size, .is_string = is_string};
    r->take(r->context, &field);
}

/* A number, true, false or null: no more is asked of it than that it is a word. */
static bool read_word(struct reader *r)
{
    size_t used = 0;
    while (r->in.left && strchr("+-.0123456789EabcdefglnrstuN", peek(r)) && peek(r))
        r->text[used++] = (char)bytes_u8(&r->in);
    r->text[used] = '\0';
    bool is_number = r->text[0] == '-' || (r->text[0] >= '0' && r->text[0] <= '9');
    if (!is_number && strcmp(r->text, "true") != 0 && strcmp(r->text, "false") != 0 &&
        strcmp(r->text, "null") != 0)
        return false;
    give(r, used, false);
    return true;
}

/* The key in `text` becomes the last part of the name. */
static bool enter(struct reader *r, size_t size)
{
    size_t dot = r->name_size ? 1 : 0;
    if (r->name_size + dot + size >= sizeof r->name)
        return false;
    if (dot)
        r->name[r->name_size] = '.';
    memcpy(r->name + r->name_size + dot, r->text, size + 1);
    r->name_size += dot + size;
    return true;
}

static bool read_object(struct reader *r)
{
    size_t outer = r->name_size, size;
    if (!skip_char(r, '{'))
        return false;
    if (skip_char(r, '}'))
        return true;
    do {
        if (!read_string(r, &size) || !enter(r, size) || !skip_char(r, ':') || !read_value(r))
            return false;
        r->name_size = outer;
        r->name[outer] = '\0';
    } while (skip_char(r, ','));
    return skip_char(r, '}');
}

static bool read_list(struct reader *r)
{
    if (!skip_char(r, '['))
        return false;
    if (skip_char(r, ']'))
        return true;
    do {
        if (!read_value(r))
            return false;
    } while (skip_char(r, ','));
    return skip_char(r, ']');
}

static bool read_value(struct reader *r)
{
    size_t size;
    bool done;
    skip_blanks(r);
    switch (peek(r)) {
    case '"':
        done = read_string(r, &size);
        if (done)
            give(r, size, true);
        return done;
    case '{':
    case '[':
        if (r->depth == JSON_FIELDS_DEPTH_MAX)
            return false;
        r->depth++;
        done = peek(r) == '{' ? read_object(r) : read_list(r);
        r->depth--;
        return done;
    default:
        return read_word(r);
    }
}

bool json_fields_read(const char *line, size_t size, json_field_take *take, void *context)
{
    struct reader r;
    if (size > JSON_FIELDS_LINE_MAX)
        return false;
    r.in = bytes_of(line, size);
    r.take = take;
    r.context = context;
    r.depth = 0;
    r.name_size = 0;
    r.name[0] = '\0';
    skip_blanks(&r);
    if (peek(&r) != '{' || !read_value(&r))
        return false;
    skip_blanks(&r);
    return r.in.left == 0;
}
