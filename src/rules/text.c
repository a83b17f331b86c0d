/* SPDX-License-Identifier: BSD-2-Clause
 *
 * text.c - see text.h: ports, days and ids as the operator writes them. Called by the readers of rule and
 * site files.
 */
#include "text.h"

#include <string.h>

#include "rolecall/rules.h"

bool port_range_parse(const char *text, struct port_range *out)
{
    unsigned ports[2] = {0, 0}, count = 0;
    for (const char *p = text;; p++) {
        if (*p < '0' || *p > '9' || *p == '0') /* a port has no leading zero, and is not 0 */
            return false;
        for (; *p >= '0' && *p <= '9'; p++) {
            ports[count] = ports[count] * 10 + (unsigned)(*p - '0');
            if (ports[count] > 65535)
                return false;
        }
        count++;
        if (*p == '\0')
            break;
        if (*p != '-' || count == 2)
            return false;
    }
    *out = (struct port_range){(uint16_t)ports[0], (uint16_t)ports[count - 1]};
    return out->low <= out->high;
}

bool is_id(const char *text)
{
    return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static bool digits_parse(const char *text, unsigned count, unsigned *out)
{
    *out = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *out = *out * 10 + (unsigned)(text[i] - '0');
    }
    return true;
}

bool date_parse(const char *text, int64_t *end_ns)
{
    unsigned year, month, day;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !digits_parse(text, 4, &year) ||
        !digits_parse(text + 5, 2, &month) || !digits_parse(text + 8, 2, &day))
        return false;
    if (year < 1970 || year > 2199 || month < 1 || month > 12 || day < 1 || day > days_in(year, month))
        return false;
    int64_t days = day; /* one past this day's index: its end */
    for (unsigned y = 1970; y < year; y++)
        days += is_leap(y) ? 366 : 365;
    for (unsigned m = 1; m < month; m++)
        days += days_in(year, m);
    *end_ns = days * 86400 * INT64_C(1000000000);
    return true;
}
