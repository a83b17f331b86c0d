/* SPDX-License-Identifier: BSD-2-Clause
 *
 * time_text.c - times as events have them: RFC 3339 in UTC, with microseconds. See time_text.h.
 */
#include "time_text.h"

#include <stdio.h>
#include <time.h>

#include "rolecall/digits.h"
#include "rolecall/event.h"

enum { NS_PER_S = 1000000000, NS_PER_US = 1000 };

/* Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar; years begin in
 * March here, so that the leap day is their last. */
static void date_of(uint32_t day, unsigned *year, unsigned *month, unsigned *day_of_month)
{
    enum { DAYS_TO_1970 = 719468, DAYS_OF_400_YEARS = 146097 }; /* from 0000-03-01 */
    uint32_t all = day + DAYS_TO_1970, era = all / DAYS_OF_400_YEARS, of_era = all % DAYS_OF_400_YEARS;
    uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t from_march = (5 * of_year + 2) / 153;
    *day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Times before 1970 do not come from any capture file, but from a damaged one. */
static const char *odd_time_text(int64_t time_ns, char out[TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(time_ns / NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    unsigned micros = (unsigned)(time_ns % NS_PER_S / NS_PER_US) % 1000000;
    snprintf(out + used, TIME_TEXT_SIZE - used, ".%06uZ", micros);
    return out;
}

/* "2026-03-02T": it is the same day for a long time. */
static char *put_date(char *to, uint32_t day)
{
    enum { SIZE = sizeof "2026-03-02T" - 1 };
    static _Thread_local struct {
        uint32_t day;
        char text[SIZE];
    } last = {0, {"1970-01-01T"}};
    if (day != last.day) {
        unsigned year, month, of_month;
        date_of(day, &year, &month, &of_month);
        digits_put(last.text, year, 4);
        digits_put(last.text + 5, month, 2);
        digits_put(last.text + 8, of_month, 2);
        last.day = day;
    }
    memcpy(to, last.text, SIZE);
    return to + SIZE;
}

void time_put(char to[TIME_SIZE], uint64_t time_ns)
{
    enum { DAY_S = 86400 };
    uint64_t seconds = time_ns / NS_PER_S;
    unsigned of_day = (unsigned)(seconds % DAY_S);
    to = put_date(to, (uint32_t)(seconds / DAY_S));
    to = digits_put(to, of_day / 3600, 2);
    *to++ = ':';
    to = digits_put(to, of_day / 60 % 60, 2);
    *to++ = ':';
    to = digits_put(to, of_day % 60, 2);
    *to++ = '.';
    to = digits_put(to, time_ns % NS_PER_S / NS_PER_US, 6);
    *to = 'Z';
}

const char *time_text(int64_t time_ns, char out[TIME_TEXT_SIZE])
{
    if (time_ns < 0)
        return odd_time_text(time_ns, out);
    time_put(out, (uint64_t)time_ns);
    out[TIME_SIZE] = '\0';
    return out;
}
