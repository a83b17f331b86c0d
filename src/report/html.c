/* SPDX-License-Identifier: BSD-2-Clause
 *
 * html.c - markup with escaped text, and numbers and times as people read them. See html.h.
 */
#include "html.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

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

const char *show_number(uint64_t number, char out[SHOWN_SIZE])
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRIu64, number);
    size_t used = 0;
    for (int i = 0; i < size; i++) {
        if (i && (size - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

static struct tm utc_of(int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    return utc;
}

const char *show_time(int64_t time_ns, char out[SHOWN_SIZE])
{
    struct tm utc = utc_of(time_ns);
    strftime(out, SHOWN_SIZE, "%Y-%m-%d %H:%M:%S UTC", &utc);
    return out;
}

const char *show_clock(int64_t time_ns, char out[SHOWN_SIZE])
{
    struct tm utc = utc_of(time_ns);
    size_t used = strftime(out, SHOWN_SIZE, "%H:%M:%S", &utc);
    snprintf(out + used, SHOWN_SIZE - used, ".%03d", (int)(time_ns % 1000000000 / 1000000));
    return out;
}

const char *show_span(int64_t span_ns, char out[SHOWN_SIZE])
{
    int64_t tenths = (span_ns + 50000000) / 100000000, minutes = tenths / 600;
    if (span_ns < 1000000000)
        snprintf(out, SHOWN_SIZE, "%" PRId64 " ms", (span_ns + 500000) / 1000000);
    else if (minutes >= 60 * 48)
        snprintf(out, SHOWN_SIZE, "%" PRId64 " days", minutes / 1440);
    else if (minutes >= 60)
        snprintf(out, SHOWN_SIZE, "%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
    else if (minutes >= 2)
        snprintf(out, SHOWN_SIZE, "%" PRId64 " min %" PRId64 " s", minutes, tenths % 600 / 10);
    else
        snprintf(out, SHOWN_SIZE, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
    return out;
}

const char *show_bytes(uint64_t bytes, char out[SHOWN_SIZE])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    unsigned unit = 0;
    uint64_t tenths = bytes < UINT64_MAX / 10 ? bytes * 10 : UINT64_MAX;
    while (tenths >= 10000) {
        tenths /= 1000;
        unit++;
    }
    if (unit == 0 || tenths >= 1000)
        snprintf(out, SHOWN_SIZE, "%" PRIu64 " %s", tenths / 10, units[unit]);
    else
        snprintf(out, SHOWN_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[unit]);
    return out;
}

const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
