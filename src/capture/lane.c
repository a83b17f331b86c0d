/* SPDX-License-Identifier: BSD-2-Clause
 *
 * lane.c - see lane.h. The filling side runs on the lane's own thread, the reading side on the caller's.
 */
#include "lane.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "rolecall/clock.h"

#include "live_filter.h"

enum {
    NS_PER_MS = 1000000,
    /* A block of the kernel's that nobody fills is handed over at its timer's second tick; one more for a
     * late timer. */
    HOLD_NS = 3 * LIVE_BLOCK_MS * NS_PER_MS,
    HELD_MS = 10
};

bool lane_init(struct lane *lane)
{
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->freed, NULL);
    for (unsigned i = 0; i < LANE_BLOCKS; i++) {
        struct lane_block *block = &lane->blocks[i];
        block->frames = malloc(LANE_BLOCK_FRAMES * sizeof *block->frames);
        block->bytes = malloc(LANE_BLOCK_BYTES);
        block->is_free = true;
        if (!block->frames || !block->bytes)
            return false;
    }
    return true;
}

void lane_fini(struct lane *lane)
{
    if (lane->has_thread) {
        pthread_mutex_lock(&lane->lock);
        lane->stopping = true;
        pthread_cond_signal(&lane->freed);
        pthread_mutex_unlock(&lane->lock);
        pthread_join(lane->thread, NULL);
    }
    for (unsigned i = 0; i < LIVE_INTERFACES_MAX; i++) {
        if (lane->rings[i].pcap)
            pcap_close(lane->rings[i].pcap);
        free(lane->rings[i].room);
    }
    for (unsigned i = 0; i < LANE_BLOCKS; i++) {
        free(lane->blocks[i].frames);
        free(lane->blocks[i].bytes);
    }
    pthread_cond_destroy(&lane->freed);
    pthread_mutex_destroy(&lane->lock);
}

size_t lane_memory(void)
{
    return LANE_BLOCKS * (LANE_BLOCK_BYTES + LANE_BLOCK_FRAMES * sizeof(struct frame));
}

/* ---- filling ---- */

/* libpcap tells that an interface is gone before it hands out what the ring still holds, and goes on handing
 * out when it is asked again. True: there was time for all of it. */
static bool is_gone(struct lane *lane, struct lane_ring *ring, int64_t now_ns)
{
    if (!ring->gone_ns) {
        ring->gone_ns = now_ns;
        snprintf(lane->problem, sizeof lane->problem, "%s: %s", ring->name, pcap_geterr(ring->pcap));
    }
    return now_ns - ring->gone_ns > HOLD_NS;
}

/* libpcap gives a block of the ring back to the kernel together with its last frame, whose bytes stay as they
 * are only until the kernel comes to fill that block: at once, when the ring is full. A head that waits, for
 * another ring's frames or for a free block, does so in memory of its own. */
static void keep_head(struct lane_ring *ring)
{
    assert(ring->head.caplen <= LIVE_SNAP);
    if (ring->head.at != ring->room)
        ring->head.at = memcpy(ring->room, ring->head.at, ring->head.caplen);
}

/* Looks for the ring's next frame, once per `now_ns` while it is empty. False: the interface is gone. */
static bool look(struct lane *lane, struct lane_ring *ring, int64_t now_ns)
{
    while (!ring->has_head && ring->empty_ns != now_ns) {
        struct pcap_pkthdr *header;
        const u_char *bytes;
        int status = pcap_next_ex(ring->pcap, &header, &bytes);
        if (status < 0 && is_gone(lane, ring, now_ns))
            return false;
        if (status <= 0) {
            ring->empty_ns = now_ns;
            break;
        }
        /* libpcap's field is of microseconds by its name, of nanoseconds by the precision asked for. */
        int64_t time_ns = header->ts.tv_sec * INT64_C(1000000000) + header->ts.tv_usec;
        ring->head = (struct frame){.time_ns = time_ns,
                                    .at = bytes,
                                    .caplen = header->caplen,
                                    .wirelen = header->len < header->caplen ? header->caplen : header->len,
                                    .linktype = ring->linktype,
                                    .interface = ring->interface};
        ring->has_head = time_ns >= lane->start_ns;
        if (ring->has_head && lane->ring_count > 1)
            keep_head(ring);
    }
    return true;
}

/* The ring with the earliest frame that may go now; NULL: none. A frame is held back until no other ring can
 * have an earlier one. *held: that is why. */
static struct lane_ring *choose(struct lane *lane, int64_t now_ns, bool *held)
{
    struct lane_ring *first = NULL;
    int64_t empty_ns = INT64_MAX;
    for (unsigned i = 0; i < lane->ring_count; i++) {
        struct lane_ring *ring = &lane->rings[i];
        if (!look(lane, ring, now_ns)) {
            lane->is_gone = true;
            return NULL;
        }
        if (!ring->has_head && ring->empty_ns < empty_ns)
            empty_ns = ring->empty_ns;
        if (ring->has_head && (!first || ring->head.time_ns < first->head.time_ns))
            first = ring;
    }
    *held = first && lane->ring_count > 1 && first->head.time_ns > empty_ns - HOLD_NS;
    return *held ? NULL : first;
}

static struct lane_block *free_block(struct lane *lane)
{
    struct lane_block *block = NULL;
    pthread_mutex_lock(&lane->lock);
    while (!block && !lane->stopping) {
        for (unsigned i = 0; i < LANE_BLOCKS && !block; i++)
            if (lane->blocks[i].is_free)
                block = &lane->blocks[i];
        if (!block)
            pthread_cond_wait(&lane->freed, &lane->lock);
    }
    if (block) {
        block->is_free = false;
        block->count = 0;
        block->used = 0;
    }
    pthread_mutex_unlock(&lane->lock);
    return block;
}

/* Fills the block with what the rings have. True: it is full, there may be more. */
static bool fill(struct lane *lane, struct lane_block *block, int64_t now_ns, bool *held)
{
    for (struct lane_ring *ring; (ring = choose(lane, now_ns, held));) {
        if (block->count == LANE_BLOCK_FRAMES || block->used + ring->head.caplen > LANE_BLOCK_BYTES) {
            keep_head(ring);
            return true;
        }
        struct frame *frame = &block->frames[block->count++];
        *frame = ring->head;
        frame->at = memcpy(block->bytes + block->used, ring->head.at, ring->head.caplen);
        frame->hold = &block->hold;
        block->used += ring->head.caplen;
        ring->has_head = false;
    }
    return false;
}

/* Gives the block to the reader, where there is anything in it; all up to `clear_ns` has been given then.
 * False: the thread is to end. */
static bool hand_over(struct lane *lane, const struct lane_block *block, int64_t clear_ns)
{
    pthread_mutex_lock(&lane->lock);
    if (block->count)
        lane->queue[lane->filled++ % LANE_BLOCKS] = (unsigned)(block - lane->blocks);
    if (clear_ns > lane->clear_ns)
        lane->clear_ns = clear_ns;
    lane->has_ended = lane->is_gone;
    lane->turns++;
    bool goes_on = !lane->stopping && !lane->has_ended;
    pthread_mutex_unlock(&lane->lock);
    if (block->count || lane->is_gone)
        eventfd_write(lane->wake, 1);
    return goes_on;
}

static void wait_for_frames(const struct lane *lane, bool held)
{
    struct pollfd wanted[LIVE_INTERFACES_MAX];
    for (unsigned i = 0; i < lane->ring_count; i++)
        wanted[i] = (struct pollfd){.fd = pcap_fileno(lane->rings[i].pcap), .events = POLLIN};
    /* A ring whose frame is held back would end the wait at once. */
    poll(wanted, held ? 0 : lane->ring_count, held ? HELD_MS : LIVE_BLOCK_MS);
}

static void *work(void *argument)
{
    struct lane *lane = argument;
    struct lane_block *block = NULL;
    bool goes_on = true;
    while (goes_on && (block || (block = free_block(lane)))) {
        bool held = false;
        int64_t now_ns = clock_wall_ns();
        bool is_full = fill(lane, block, now_ns, &held);
        goes_on = hand_over(lane, block, is_full ? 0 : now_ns - HOLD_NS);
        if (block->count)
            block = NULL; /* the reader's now */
        if (goes_on && !is_full)
            wait_for_frames(lane, held);
    }
    return NULL;
}

bool lane_start(struct lane *lane, int64_t start_ns, int wake)
{
    lane->start_ns = start_ns;
    lane->wake = wake;
    lane->has_thread = pthread_create(&lane->thread, NULL, work, lane) == 0;
    return lane->has_thread;
}

/* ---- reading ---- */

/* Frees what was read and is no longer held, and takes the next block of the queue. */
static void take_block(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    for (unsigned i = 0; i < LANE_BLOCKS; i++) {
        struct lane_block *block = &lane->blocks[i];
        if (block->is_read && block->hold.users == 0) {
            block->is_read = false;
            block->is_free = true;
            pthread_cond_signal(&lane->freed);
        }
    }
    lane->seen_clear_ns = lane->clear_ns;
    if (lane->taken < lane->filled)
        lane->reading = &lane->blocks[lane->queue[lane->taken++ % LANE_BLOCKS]];
    pthread_mutex_unlock(&lane->lock);
    lane->next = 0;
}

const struct frame *lane_peek(struct lane *lane)
{
    if (!lane->reading)
        take_block(lane);
    return lane->reading ? &lane->reading->frames[lane->next] : NULL;
}

void lane_advance(struct lane *lane)
{
    lane->packets++;
    if (++lane->next < lane->reading->count)
        return;
    lane->reading->is_read = true;
    lane->reading = NULL;
}

const char *lane_problem(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    bool is_over = lane->has_ended && lane->taken == lane->filled && !lane->reading;
    pthread_mutex_unlock(&lane->lock);
    return is_over ? lane->problem : NULL;
}

uint64_t lane_turns(struct lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    uint64_t turns = lane->turns;
    pthread_mutex_unlock(&lane->lock);
    return turns;
}
