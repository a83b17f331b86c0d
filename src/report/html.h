/* SPDX-License-Identifier: BSD-2-Clause
 *
 * html.h - writing HTML so that text cannot become markup. Private to src/report.
 *
 * html() is printf with a difference: the format is markup of ours, and what %s brings is text, escaped and
 * made inert. There is no way to write captured text but through it. Known: %s %c %u %d %zu and their 64-bit
 * forms, no widths.
 */
#ifndef ROLECALL_REPORT_HTML_H
#define ROLECALL_REPORT_HTML_H

#include <stdint.h>
#include <stdio.h>

void html(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_text(FILE *out, const char *text); /* as %s */

enum { SHOWN_SIZE = 40 };
const char *show_number(uint64_t number, char out[SHOWN_SIZE]); /* 1,234,567 */
const char *show_time(int64_t time_ns, char out[SHOWN_SIZE]);   /* 2026-03-02 09:30:05 UTC */
const char *show_clock(int64_t time_ns, char out[SHOWN_SIZE]);  /* 09:30:05.720 */
const char *show_span(int64_t span_ns, char out[SHOWN_SIZE]);   /* 17.7 s, 2 h 5 min */
const char *show_bytes(uint64_t bytes, char out[SHOWN_SIZE]);   /* 1.2 MB */
const char *plural(uint64_t count);                             /* "" or "s" */

#endif
