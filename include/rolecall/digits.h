/* SPDX-License-Identifier: BSD-2-Clause
 *
 * digits.h - numbers as digits, several at a time: for whatever writes many of them (events). Nothing is
 * terminated.
 */
#ifndef ROLECALL_DIGITS_H
#define ROLECALL_DIGITS_H

#include <endian.h>
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

/* Sixteen hexadecimal digits: eight nibbles at a time, each in a byte of its own. */
static inline void digits_put_hex(char to[16], uint64_t value)
{
    for (unsigned half = 0; half < 2; half++) {
        uint64_t x = half ? value & 0xffffffff : value >> 32;
        x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
        x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
        x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
        uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
        x = htobe64(x + UINT64_C(0x3030303030303030) + letters * ('a' - '9' - 1));
        memcpy(to + 8 * half, &x, 8);
    }
}

#endif
