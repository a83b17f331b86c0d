/* SPDX-License-Identifier: BSD-2-Clause
 *
 * live_filter.h - the BPF programs of live capture. Private to src/capture.
 *
 * A snap program says how many bytes of each frame the kernel copies into the ring (0: none). A spread
 * program gives frames of one address pair the same number, so that PACKET_FANOUT hands them to the same
 * ring.
 */
#ifndef ROLECALL_CAPTURE_LIVE_FILTER_H
#define ROLECALL_CAPTURE_LIVE_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    LIVE_FILTER_MAX = 4096, /* instructions: the kernel's own bound, BPF_MAXINSNS */
    LIVE_SNAP = 262144,     /* what is not media is kept whole, jumbo frames and offloaded segments too */
    LIVE_SNAP_MEDIA =
        64 /* bytes kept behind a media datagram's UDP header: RTP header, CSRC list, extension */
};

struct live_filter {
    struct sock_filter code[LIVE_FILTER_MAX];
    size_t count;
};

/* What every ring begins with. `ethernet`: frames have Ethernet headers, else all are kept whole.
 * `skip_outgoing`: frames that this host sends are left out (loopback shows each of them twice). */
void live_filter_snap(struct live_filter *filter, bool ethernet, bool skip_outgoing);

/* Puts a compiled expression in front: what it accepts is not captured. False: too long together. */
bool live_filter_exclude(struct live_filter *filter, const struct sock_filter *expression, size_t count);

void live_filter_spread(struct live_filter *filter);

#endif
