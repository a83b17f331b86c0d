/* SPDX-License-Identifier: BSD-2-Clause
 *
 * clock.h - the machine's two clocks. Only what runs live may ask: time is the packets' everywhere else
 * (DESIGN 2).
 */
#ifndef ROLECALL_CLOCK_H
#define ROLECALL_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ns(void);   /* since 1970, UTC; may be set forward or back */
int64_t clock_steady_ms(void); /* since some moment; never goes back */

#endif
