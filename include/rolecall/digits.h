/* SPDX-License-Identifier: BSD-2-Clause
 *
 * digits.h - numbers as decimal digits, two at a time: for whatever writes many of them (events). Nothing is
 * terminated.
 */
#ifndef ROLECALL_DIGITS_H
#define ROLECALL_DIGITS_H

#include <stdint.h>
#include <string.h>

extern const char digit_pairs[200]; /* "000102" to "99" */

/* How many digits: 1 for 0, 20 for UINT64_MAX. */
static inline unsigned digits_of(uint64_t value)
{
    unsigned count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* The last `count` digits, with zeros in front; returns what is behind them. */
static inline char *digits_put(char *to, uint64_t value, unsigned count)
{
    unsigned left = count;
    for (; left >= 2; left -= 2, value /= 100)
        memcpy(to + left - 2, digit_pairs + value % 100 * 2, 2);
    if (left)
        *to = (char)('0' + value % 10);
    return to + count;
}

#endif
