/* SPDX-License-Identifier: BSD-2-Clause
 *
 * live.h - packets from network interfaces (Linux: TPACKET_V3 rings through libpcap).
 *
 *     struct live *l = live_open(&options, &errors);
 *     for (;;) {
 *         poll() on live_descriptors(), at most LIVE_BLOCK_MS
 *         while (live_next(l, now_ns, &frame) == LIVE_FRAME) ...
 *         once a second: live_measure(l)
 *     }
 *     live_close(l);
 *
 * The frames of all interfaces come out in order of their times: one that stands alone is held back until the
 * other interfaces cannot have an earlier one any more. An interface that goes down is waited for; one that
 * is gone ends the capture. All of it belongs to one thread. Opening needs CAP_NET_RAW (and, for promiscuous
 * mode, nothing more); afterwards no privilege is needed.
 */
#ifndef ROLECALL_LIVE_H
#define ROLECALL_LIVE_H

#include <poll.h>

#include "rolecall/capture.h"

enum {
    LIVE_INTERFACES_MAX = 16,
    LIVE_BLOCK_MS = 100, /* the kernel hands over a ring's block no later than this after its first frame */
    LIVE_RING_MIB_DEFAULT = 64 /* per interface; memory that the kernel locks */
};

struct live_options {
    const char *const *interfaces;
    unsigned interface_count; /* 1 to LIVE_INTERFACES_MAX */
    const char *exclude;      /* a BPF expression of what is not captured; NULL: everything is */
    unsigned ring_mib;        /* 0: the default */
    bool not_promiscuous;
    bool (*reads_linktype)(int number); /* as in struct capture_options */
};

struct live;

/* NULL: an interface cannot be opened; each has its sentence in *errors. */
struct live *live_open(const struct live_options *options, struct capture_errors *errors);
void live_close(struct live *live);

enum live_status {
    LIVE_FRAME, /* *frame is filled; it lives until the next call */
    LIVE_QUIET, /* every ring is empty */
    LIVE_WAIT,  /* frames are held back for a moment, see above */
    LIVE_GONE   /* an interface is no more: live_problem() says which */
};
enum live_status live_next(struct live *live, int64_t now_ns, struct frame *frame);
const char *live_problem(const struct live *live);

/* Fills `out` with one entry per interface, for poll(); returns how many. */
unsigned live_descriptors(const struct live *live, struct pollfd out[LIVE_INTERFACES_MAX]);

/* Counters of one interface since it was opened. What the ring had no room for is in none of the others. */
struct live_counters {
    const char *name;
    bool is_up;
    uint64_t went_down;         /* times it was seen to have gone down */
    uint64_t packets, bytes;    /* handed out by live_next(); bytes on the wire */
    uint64_t shortened;         /* of those: media whose payload was left in the kernel */
    uint64_t dropped_ring;      /* the program was too slow */
    uint64_t dropped_interface; /* the interface itself had to drop */
    /* The interface's own counters, less what they were when it was opened. Without `exclude`, after
     * everything was handed out: packets + dropped_ring = received + sent (loopback: received). */
    uint64_t received, sent;
    int64_t last_ns; /* time of the last frame handed out; before there is one, of the opening */
};

/* Asks the kernel for drops and the interface's state; at least once a second, because its counters are
 * 32 bits wide. */
void live_measure(struct live *live);
unsigned live_interface_count(const struct live *live);
const struct live_counters *live_counters(const struct live *live, unsigned interface);

size_t live_memory(const struct live *live); /* bytes of all rings */

#endif
