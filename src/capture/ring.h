/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ring.h - opens one ring of one interface: TPACKET_V3 through libpcap, its capture program, and its place in
 * a fanout group. Private to src/capture.
 */
#ifndef ROLECALL_CAPTURE_RING_H
#define ROLECALL_CAPTURE_RING_H

#include <pcap.h>

#include "rolecall/live.h"

enum { RING_MIB_MAX = 2047 }; /* libpcap's buffer size is an int */

/* An open, non-blocking handle; NULL: a sentence in *errors. */
pcap_t *ring_open(const char *interface, const struct live_options *options, struct capture_errors *errors);

/* Rings of one interface share its frames, spread by address pair. The first one makes a group (*group below
 * 0, its number is put there), the others join it. */
bool ring_join(pcap_t *ring, const char *interface, int *group, struct capture_errors *errors);

/* Packets that the kernel had no room for since this was last asked. */
uint32_t ring_drops(pcap_t *ring);

#endif
