/* SPDX-License-Identifier: BSD-2-Clause
 *
 * link_stats.h - an interface's own counters and state, from the kernel by rtnetlink. Private to src/capture.
 * A socket of the network namespace asks, so this works where /sys shows another namespace, and after the
 * file system was closed to the process.
 */
#ifndef ROLECALL_CAPTURE_LINK_STATS_H
#define ROLECALL_CAPTURE_LINK_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct link_stats {
    bool is_up; /* administratively, and with a carrier */
    uint64_t received, sent;
    uint64_t dropped; /* missed, and without room in the interface's queue */
};

int link_stats_open(void); /* a descriptor, or -1 with errno */
bool link_stats_read(int descriptor, unsigned interface_index, struct link_stats *out);

#endif
