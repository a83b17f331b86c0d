/* SPDX-License-Identifier: BSD-2-Clause
 *
 * html.c - markup with escaped text. See html.h.
 */
#include "html.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "rolecall/utf8.h"

static void put_character(FILE *out, const char *at, size_t size)
{
    switch (*at) {
    case '&':
        fputs("&amp;", out);
        break;
    case '<':
        fputs("&lt;", out);
        break;
    case '>':
        fputs("&gt;", out);
        break;
    case '"':
        fputs("&quot;", out);
        break;
    case '\'':
        fputs("&#39;", out);
        break;
    default:
        fwrite(at, 1, size, out);
    }
}

void html_text(FILE *out, const char *text)
{
    size_t left = strlen(text);
    while (left) {
        uint32_t point = 0;
        size_t step = utf8_read(text, left, &point);
        if (!step || utf8_is_harmful(point))
            fputs("\xef\xbf\xbd", out);
        else
            put_character(out, text, step);
        step = step ? step : 1;
        text += step;
        left -= step;
    }
}

void html(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    for (const char *at; (at = strchr(format, '%')); format = at + 1) {
        fwrite(format, 1, (size_t)(at - format), out);
        bool is_long = false;
        for (at++; *at == 'l' || *at == 'z'; at++)
            is_long = true;
        if (*at == 's')
            html_text(out, va_arg(args, const char *));
        else if (*at == 'c')
            fputc(va_arg(args, int), out);
        else if (*at == 'd')
            fprintf(out, "%" PRId64, is_long ? va_arg(args, int64_t) : va_arg(args, int));
        else if (*at == 'u')
            fprintf(out, "%" PRIu64, is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned));
        else if (*at == '%')
            fputc('%', out);
        else
            assert(!"a conversion that html() does not know");
    }
    fputs(format, out);
    va_end(args);
}
