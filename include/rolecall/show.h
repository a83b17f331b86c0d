/* SPDX-License-Identifier: BSD-2-Clause
 *
 * show.h - numbers and times as people read them, for summaries and reports. Each function writes into `out`
 * and returns it; nothing depends on the locale or the time zone.
 */
#ifndef ROLECALL_SHOW_H
#define ROLECALL_SHOW_H

#include <stdint.h>

enum { SHOWN_SIZE = 40 };
const char *show_number(uint64_t number, char out[SHOWN_SIZE]); /* 1,234,567 */
const char *show_time(int64_t time_ns, char out[SHOWN_SIZE]);   /* 2026-03-02 09:30:05 UTC */
const char *show_clock(int64_t time_ns, char out[SHOWN_SIZE]);  /* 09:30:05.720 */
const char *show_span(int64_t span_ns, char out[SHOWN_SIZE]);   /* 17.7 s, 2 h 5 min */
const char *show_bytes(uint64_t bytes, char out[SHOWN_SIZE]);   /* 1.2 MB */
const char *plural(uint64_t count);                             /* "" or "s" */

#endif
