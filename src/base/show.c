/* SPDX-License-Identifier: BSD-2-Clause
 *
 * show.c - see show.h.
 */
#include "rolecall/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
