/* SPDX-License-Identifier: BSD-2-Clause
 *
 * live.h - packets from network interfaces (Linux: TPACKET_V3 rings through libpcap).
 *
 *     struct live *l = live_open(&options, &errors);      every handle; needs CAP_NET_RAW
 *     ... privileges may go ...
 *     live_start(l);                                      the lanes' threads
 *     for (;;) {
 *         poll() on live_descriptor(), at most LIVE_BLOCK_MS
 *         while (live_next(l, false, &frame) == LIVE_FRAME) ...
 *         once a second: live_measure(l)
 *     }
 *     live_close(l);
 *
 * Each interface has as many rings as there are lanes; its frames are spread over them by address pair. A
 * lane is a thread that reads ring k of every interface and passes the frames on in blocks. live_next() puts
 * all of them in order of their times: one that stands alone is held back until no other ring can have an
 * earlier one. An interface that goes down is waited for; one that is gone ends the capture. What is not said
 * to be otherwise belongs to one thread, the reader.
 */
#ifndef ROLECALL_LIVE_H
#define ROLECALL_LIVE_H

#include "rolecall/capture.h"

enum {
    LIVE_INTERFACES_MAX = 16,
    LIVE_LANES_MAX = 16,
    LIVE_BLOCK_MS = 100, /* the kernel hands over a ring's block no later than this after its first frame */
    LIVE_RING_MIB_DEFAULT = 64 /* per ring; memory that the kernel locks */
};

struct live_options {
    const char *const *interfaces;
    unsigned interface_count; /* 1 to LIVE_INTERFACES_MAX */
    const char *exclude;      /* a BPF expression of what is not captured; NULL: everything is */
    unsigned ring_mib;        /* of each ring; 0: the default */
    unsigned lanes;           /* 1 to LIVE_LANES_MAX; 0: 1 */
    bool not_promiscuous;
    bool (*reads_linktype)(int number); /* as in struct capture_options */
};

struct live;

/* NULL: an interface cannot be opened; each has its sentence in *errors. No thread is made yet. */
struct live *live_open(const struct live_options *options, struct capture_errors *errors);
bool live_start(struct live *live); /* false: there is no thread for it */
void live_close(struct live *live); /* whoever holds frames lets go before */

enum live_status {
    LIVE_FRAME, /* *frame is filled; it lives until the next call, or as long as it is held (packet.h) */
    LIVE_QUIET, /* nothing has come */
    LIVE_WAIT,  /* frames are held back for a moment, see above */
    LIVE_GONE   /* an interface is no more, and all that it gave has been read: live_problem() says which */
};
/* `at_end`: frames are no longer held back. */
enum live_status live_next(struct live *live, bool at_end, struct frame *frame);
const char *live_problem(const struct live *live);
int live_descriptor(const struct live *live); /* readable when there is something to read */

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

unsigned live_lane_count(const struct live *live);
uint64_t live_lane_packets(const struct live *live, unsigned lane); /* handed out so far */
/* Grows at least ten times a second while the lane's thread is alive, or waits for the reader. */
uint64_t live_lane_turns(const struct live *live, unsigned lane);

size_t live_memory(const struct live *live); /* bytes of all rings */

#endif
