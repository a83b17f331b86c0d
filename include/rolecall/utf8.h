/* SPDX-License-Identifier: BSD-2-Clause
 *
 * utf8.h - text one character at a time, and which characters are safe to show. Used by whatever writes
 * captured text: JSON, terminal, HTML. Nothing here allocates or keeps state.
 */
#ifndef ROLECALL_UTF8_H
#define ROLECALL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UTF8_REPLACEMENT = 0xfffd, UTF8_SIZE_MAX = 4 };

/* Bytes of the well-formed sequence at `at` (Unicode 15, table 3-7) and its code point; 0: none begins there
 * within `left` bytes, which must be at least 1. */
size_t utf8_read(const void *at, size_t left, uint32_t *point);
size_t utf8_write(uint32_t point, char out[UTF8_SIZE_MAX]); /* bytes written; what is no character: U+FFFD */

/* Characters that could break a line, hide text or turn it round: C0, DEL, C1, bidi controls, U+2028, U+2029,
 * U+FEFF. */
bool utf8_is_harmful(uint32_t point);

/* Columns on a terminal: 0 for combining marks and joiners, 2 for East Asian wide and emoji, else 1 (Unicode
 * Standard Annex 11, in blocks). */
unsigned utf8_width(uint32_t point);

#endif
