/* SPDX-License-Identifier: BSD-2-Clause
 *
 * time_text.h - the time of an event without a detour, for what writes several into each event. time_text()
 * of event.h is for all else.
 */
#ifndef ROLECALL_TIME_TEXT_H
#define ROLECALL_TIME_TEXT_H

#include <stdint.h>

/* Nanoseconds in 64 bits reach from 1677 to 2262: all times are equally long. */
enum { TIME_SIZE = sizeof "2026-03-02T09:30:12.118204Z" - 1 };

/* A time from 1970 on. Not terminated. */
void time_put(char to[TIME_SIZE], uint64_t time_ns);

#endif
