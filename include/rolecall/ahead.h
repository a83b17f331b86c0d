/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ahead.h - asks for memory some time before it is read or written, so that it is in the cache by then. Used
 * by whoever keeps state of many flows.
 */
#ifndef ROLECALL_AHEAD_H
#define ROLECALL_AHEAD_H

/* The empty statement keeps the compiler from taking a function that only does this for one without effect,
 * whose calls it may leave out: gcc 12 does so. */
static inline void ask_ahead(const void *at)
{
    __builtin_prefetch(at, 1);
    __asm__ volatile("");
}

#endif
