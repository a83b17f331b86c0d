/* SPDX-License-Identifier: BSD-2-Clause
 *
 * lane.h - one capture thread: it reads one ring of every interface, puts the frames in order of their times,
 * and hands them over in blocks. Private to src/capture.
 *
 * The kernel's rings are left again as soon as possible, so a busy reader costs blocks here before it costs
 * packets. One thread fills, one other (the "reader") takes; blocks are the only thing they share. The reader
 * may hold a block (packet.h) for longer than it reads it.
 */
#ifndef ROLECALL_CAPTURE_LANE_H
#define ROLECALL_CAPTURE_LANE_H

#include <pcap.h>
#include <pthread.h>

#include "rolecall/live.h"

enum {
    LANE_BLOCKS = 12,
    LANE_BLOCK_BYTES = 1 << 20, /* the largest frame is a quarter of it */
    LANE_BLOCK_FRAMES = 4096
};

/* One interface's ring for this lane. */
struct lane_ring {
    pcap_t *pcap;
    uint16_t linktype, interface;
    const char *name;
    bool has_head;
    struct frame head;
    uint8_t *room;    /* LIVE_SNAP bytes, for a head that has to wait; the lane frees them */
    int64_t empty_ns; /* when the ring was last seen empty */
    int64_t gone_ns;  /* since when libpcap has given nothing but errors; 0: it does not */
};

struct lane_block {
    struct frame_hold hold; /* the reader's */
    struct frame *frames;   /* LANE_BLOCK_FRAMES of them */
    unsigned count;
    uint8_t *bytes;
    size_t used;
    bool is_free; /* to be filled */
    bool is_read; /* the reader's: to be freed once nobody holds it */
};

struct lane {
    struct lane_ring rings[LIVE_INTERFACES_MAX];
    unsigned ring_count;
    int64_t start_ns; /* what is older was captured before everything was open */
    int wake;         /* an eventfd of the reader's, written when there is a block */
    bool is_gone;     /* an interface; the thread's alone */
    struct lane_block blocks[LANE_BLOCKS];

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* of all below, and of is_free */
    pthread_cond_t freed;
    bool stopping;
    bool has_ended;              /* an interface is gone: nothing comes after what was handed over */
    unsigned queue[LANE_BLOCKS]; /* filled blocks, oldest first */
    uint64_t filled, taken;
    int64_t clear_ns; /* every frame up to this time has been handed over */
    uint64_t turns;   /* of the thread's loop: it is alive */
    char problem[CAPTURE_TEXT_SIZE];

    /* The reader's alone. */
    struct lane_block *reading; /* NULL: none */
    unsigned next;              /* in it */
    uint64_t packets;           /* read so far */
    int64_t seen_clear_ns;
};

bool lane_init(struct lane *lane); /* rings are the caller's to fill in; false: out of memory */
bool lane_start(struct lane *lane, int64_t start_ns, int wake);
void lane_fini(struct lane *lane);
size_t lane_memory(void);

/* The reader's next frame, NULL: there is none now. Then no frame up to lane->seen_clear_ns will come. */
const struct frame *lane_peek(struct lane *lane);
void lane_advance(struct lane *lane); /* past the one that lane_peek() gave */
/* An interface is gone, and all that was captured has been read: the sentence. NULL: not so. */
const char *lane_problem(struct lane *lane);
uint64_t lane_turns(struct lane *lane);

#endif
