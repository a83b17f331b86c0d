/* SPDX-License-Identifier: BSD-2-Clause
 *
 * line.c - lines, words and numbers of text protocols (RFC 5234 core rules for blanks, digits and case). Used
 * by sip.c, sdp.c and ssdp.c; see line.h.
 */
#include "line.h"

static uint8_t lower(int byte)
{
    return (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
}

static bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct bytes *line)
{
    while (is_blank(bytes_peek(line, 0)))
        bytes_skip(line, 1);
}

/* The same bytes without the last `unwanted` ones. */
static struct bytes shortened(struct bytes line, size_t unwanted)
{
    return bytes_take(&line, line.left - unwanted);
}

static struct bytes without_blanks(struct bytes line)
{
    skip_blanks(&line);
    while (line.left > 0 && is_blank(bytes_peek(&line, line.left - 1)))
        line = shortened(line, 1);
    return line;
}

bool line_next(struct bytes *text, bool whole, struct bytes *line)
{
    size_t end = bytes_find(text, '\n', SIZE_MAX);
    if (end == SIZE_MAX) {
        if (!whole || text->left == 0)
            return false;
        *line = bytes_take(text, text->left);
    } else {
        *line = bytes_take(text, end);
        bytes_skip(text, 1);
    }
    if (line->left > 0 && bytes_peek(line, line->left - 1) == '\r')
        *line = shortened(*line, 1);
    return true;
}

struct bytes line_word(struct bytes *line)
{
    size_t end = 0;
    while (end < line->left && !is_blank(bytes_peek(line, end)))
        end++;
    struct bytes word = bytes_take(line, end);
    skip_blanks(line);
    return word;
}

struct bytes line_until(struct bytes *line, uint8_t stop)
{
    size_t end = bytes_find(line, stop, SIZE_MAX);
    if (end == SIZE_MAX)
        return bytes_take(line, line->left);
    struct bytes before = bytes_take(line, end);
    bytes_skip(line, 1);
    return before;
}

bool line_header(struct bytes line, struct bytes *name, struct bytes *value)
{
    if (bytes_find(&line, ':', SIZE_MAX) == SIZE_MAX)
        return false;
    *name = without_blanks(line_until(&line, ':'));
    *value = without_blanks(line);
    return name->left > 0;
}

bool line_may_begin(struct bytes line, const char *text)
{
    for (size_t i = 0; text[i] && bytes_peek(&line, i) >= 0; i++)
        if (lower(bytes_peek(&line, i)) != lower((uint8_t)text[i]))
            return false;
    return true;
}

bool line_begins(struct bytes line, const char *text)
{
    return line.left >= strlen(text) && line_may_begin(line, text);
}

bool line_is(struct bytes word, const char *text)
{
    return word.left == strlen(text) && line_begins(word, text);
}

bool line_contains(struct bytes line, const char *text)
{
    for (; line.left > 0; bytes_skip(&line, 1))
        if (line_begins(line, text))
            return true;
    return false;
}

bool line_number(struct bytes digits, uint32_t max, uint32_t *value)
{
    uint64_t number = 0;
    if (digits.left == 0)
        return false;
    while (digits.left > 0) {
        uint8_t digit = bytes_u8(&digits);
        if (digit < '0' || digit > '9')
            return false;
        number = number * 10 + (digit - '0');
        if (number > max)
            return false;
    }
    *value = (uint32_t)number;
    return true;
}
