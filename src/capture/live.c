/* SPDX-License-Identifier: BSD-2-Clause
 *
 * live.c - see live.h: opens the rings of all interfaces, and merges what the lanes hand over. What came in
 * before the last ring was open is thrown away by the lanes: it is neither filtered nor complete.
 */
#include "rolecall/live.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "inputs.h"
#include "lane.h"
#include "link_stats.h"
#include "live_filter.h"
#include "ring.h"
#include "rolecall/clock.h"

struct interface {
    struct live_counters counters;
    char name[IF_NAMESIZE];
    unsigned index; /* the kernel's number */
    struct link_stats base;
};

struct live {
    struct interface interfaces[LIVE_INTERFACES_MAX];
    unsigned count;
    struct lane *lanes;
    unsigned lane_count;
    unsigned ring_mib;
    int link_stats;
    int wake; /* an eventfd that the lanes write */
    int64_t start_ns;
    const char *problem;
};

/* ---- life ---- */

/* One interface's rings, one for each lane. */
static bool open_interface(struct live *live, unsigned number, const struct live_options *options,
                           struct capture_errors *errors)
{
    struct interface *interface = &live->interfaces[number];
    const char *name = options->interfaces[number];
    int group = -1;
    snprintf(interface->name, sizeof interface->name, "%s", name);
    interface->counters.name = interface->name;
    for (unsigned i = 0; i < live->lane_count; i++) {
        struct lane_ring *ring = &live->lanes[i].rings[number];
        ring->room = malloc(LIVE_SNAP);
        if (!ring->room)
            capture_errors_add(errors, "%s: out of memory", name);
        ring->pcap = ring->room ? ring_open(name, options, errors) : NULL;
        if (!ring->pcap || (live->lane_count > 1 && !ring_join(ring->pcap, name, &group, errors)))
            return false;
        ring->linktype = (uint16_t)pcap_datalink(ring->pcap);
        ring->interface = (uint16_t)number;
        ring->name = interface->name;
        live->lanes[i].ring_count = number + 1;
    }
    interface->index = if_nametoindex(name);
    return true;
}

static bool open_lanes(struct live *live, const struct live_options *options)
{
    live->lanes = calloc(options->lanes ? options->lanes : 1, sizeof *live->lanes);
    bool ok = live->lanes && live->link_stats >= 0 && live->wake >= 0;
    while (ok && live->lane_count < (options->lanes ? options->lanes : 1))
        ok = lane_init(&live->lanes[live->lane_count++]);
    return ok;
}

struct live *live_open(const struct live_options *options, struct capture_errors *errors)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->ring_mib = options->ring_mib ? options->ring_mib : LIVE_RING_MIB_DEFAULT;
    live->link_stats = link_stats_open();
    live->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = open_lanes(live, options);
    if (!ok)
        capture_errors_add(errors, "%s", "out of memory, or of descriptors");
    for (unsigned i = 0; live->lanes && i < options->interface_count && i < LIVE_INTERFACES_MAX; i++)
        ok &= open_interface(live, live->count++, options, errors);
    if (!ok) {
        live_close(live);
        return NULL;
    }
    for (unsigned i = 0; i < live->count; i++)
        link_stats_read(live->link_stats, live->interfaces[i].index, &live->interfaces[i].base);
    live->start_ns = clock_wall_ns();
    for (unsigned i = 0; i < live->count; i++)
        live->interfaces[i].counters.last_ns = live->start_ns;
    for (unsigned i = 0; i < live->lane_count * live->count;
         i++) /* what was dropped until now does not count */
        ring_drops(live->lanes[i / live->count].rings[i % live->count].pcap);
    live_measure(live);
    return live;
}

bool live_start(struct live *live)
{
    for (unsigned i = 0; i < live->lane_count; i++)
        if (!lane_start(&live->lanes[i], live->start_ns, live->wake))
            return false;
    return true;
}

void live_close(struct live *live)
{
    if (!live)
        return;
    for (unsigned i = 0; i < live->lane_count; i++)
        lane_fini(&live->lanes[i]);
    free(live->lanes);
    if (live->link_stats >= 0)
        close(live->link_stats);
    if (live->wake >= 0)
        close(live->wake);
    free(live);
}

/* ---- reading ---- */

static void count(struct live *live, const struct frame *frame)
{
    struct live_counters *counters = &live->interfaces[frame->interface].counters;
    counters->packets++;
    counters->bytes += frame->wirelen;
    counters->shortened += frame->caplen < frame->wirelen;
    counters->last_ns = frame->time_ns;
}

/* The lane with the earliest frame, NULL: none has any. *clear_ns: no other lane can have an earlier frame
 * than this any more. */
static struct lane *earliest(struct live *live, int64_t *clear_ns)
{
    struct lane *first = NULL;
    int64_t first_ns = INT64_MAX;
    *clear_ns = INT64_MAX;
    for (unsigned i = 0; i < live->lane_count; i++) {
        struct lane *lane = &live->lanes[i];
        const struct frame *head = lane_peek(lane);
        if (!head && lane->seen_clear_ns < *clear_ns)
            *clear_ns = lane->seen_clear_ns;
        if (head && head->time_ns < first_ns) {
            first = lane;
            first_ns = head->time_ns;
        }
    }
    return first;
}

static enum live_status when_empty(struct live *live)
{
    for (unsigned i = 0; i < live->lane_count; i++)
        if ((live->problem = lane_problem(&live->lanes[i])))
            return LIVE_GONE;
    return LIVE_QUIET;
}

enum live_status live_next(struct live *live, bool at_end, struct frame *frame)
{
    int64_t clear_ns;
    eventfd_t ignored;
    struct lane *lane = earliest(live, &clear_ns);
    if (!lane && eventfd_read(live->wake, &ignored) == 0)
        lane = earliest(live, &clear_ns); /* what came meanwhile; what comes from here on wakes the reader */
    if (!lane)
        return when_empty(live);
    const struct frame *head = lane_peek(lane);
    if (live->lane_count > 1 && head->time_ns > clear_ns && !at_end)
        return LIVE_WAIT;
    count(live, head);
    *frame = *head;
    lane_advance(lane);
    return LIVE_FRAME;
}

const char *live_problem(const struct live *live)
{
    return live->problem;
}

int live_descriptor(const struct live *live)
{
    return live->wake;
}

/* ---- counters ---- */

static void measure(struct live *live, unsigned number)
{
    struct interface *interface = &live->interfaces[number];
    struct live_counters *counters = &interface->counters;
    struct link_stats link;
    for (unsigned i = 0; i < live->lane_count; i++)
        counters->dropped_ring += ring_drops(live->lanes[i].rings[number].pcap);
    bool was_up = counters->is_up, is_there = link_stats_read(live->link_stats, interface->index, &link);
    counters->is_up = is_there && link.is_up;
    counters->went_down += was_up && !counters->is_up;
    if (!is_there)
        return;
    counters->received = link.received - interface->base.received;
    counters->sent = link.sent - interface->base.sent;
    counters->dropped_interface = link.dropped - interface->base.dropped;
}

void live_measure(struct live *live)
{
    for (unsigned i = 0; i < live->count; i++)
        measure(live, i);
}

unsigned live_interface_count(const struct live *live)
{
    return live->count;
}

const struct live_counters *live_counters(const struct live *live, unsigned interface)
{
    return &live->interfaces[interface].counters;
}

unsigned live_lane_count(const struct live *live)
{
    return live->lane_count;
}

uint64_t live_lane_packets(const struct live *live, unsigned lane)
{
    return live->lanes[lane].packets;
}

uint64_t live_lane_turns(const struct live *live, unsigned lane)
{
    return lane_turns(&live->lanes[lane]);
}

size_t live_memory(const struct live *live)
{
    return sizeof *live + live->lane_count * (sizeof(struct lane) + lane_memory() +
                                              live->count * (((size_t)live->ring_mib << 20) + LIVE_SNAP));
}
