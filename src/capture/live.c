/* SPDX-License-Identifier: BSD-2-Clause
 *
 * live.c - see live.h. Each interface is a ring of TPACKET_V3 that libpcap sets up and reads (immediate mode
 * stays off: with it, libpcap falls back to V2). The filter is attached to libpcap's descriptor by ourselves,
 * because libpcap's own way of installing one has no use for its return values. What came in before all
 * interfaces were ready is thrown away: it is neither filtered nor complete.
 */
#include "rolecall/live.h"

#include <errno.h>
#include <net/if.h>
#include <pcap.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "inputs.h"
#include "link_stats.h"
#include "live_filter.h"

enum {
    NS_PER_MS = 1000000,
    /* A block that nobody fills is handed over at its timer's second tick; one more for a late timer. */
    HOLD_NS = 3 * LIVE_BLOCK_MS * NS_PER_MS,
    RING_MIB_MAX = 2047
};

struct ring {
    struct live_counters counters;
    char name[IF_NAMESIZE];
    pcap_t *pcap;
    unsigned index; /* the kernel's number of the interface */
    int linktype;
    uint32_t drops; /* as the kernel last said, in its 32 bits */
    struct link_stats base;
    bool has_head;
    struct frame head;
    int64_t empty_ns; /* when the ring was last seen empty */
    int64_t gone_ns;  /* since when libpcap has given nothing but errors; 0: it does not */
};

struct live {
    struct ring rings[LIVE_INTERFACES_MAX];
    unsigned count;
    unsigned ring_mib;
    int link_stats;
    int64_t start_ns;
    char problem[CAPTURE_TEXT_SIZE];
};

/* ---- opening ---- */

static void say_why(struct capture_errors *errors, const char *name, int status, const char *detail)
{
    switch (status) {
    case PCAP_ERROR_NO_SUCH_DEVICE:
        capture_errors_add(errors, "%s: there is no such interface", name);
        break;
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
        capture_errors_add(
            errors,
            "%s: no permission to capture: run as root, or give the program the capability: "
            "setcap cap_net_raw+ep /path/to/rolecall (systemd: AmbientCapabilities=CAP_NET_RAW)",
            name);
        break;
    case PCAP_ERROR_IFACE_NOT_UP:
        capture_errors_add(errors, "%s: the interface is down: ip link set %s up", name, name);
        break;
    default:
        capture_errors_add(errors, "%s: %s", name, *detail ? detail : pcap_statustostr(status));
        break;
    }
}

static pcap_t *make_handle(const char *name, const struct live_options *options, unsigned ring_mib)
{
    char why[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_create(name, why);
    if (!pcap)
        return NULL;
    pcap_set_snaplen(pcap, LIVE_SNAP);
    pcap_set_promisc(pcap, !options->not_promiscuous);
    pcap_set_timeout(pcap, LIVE_BLOCK_MS);
    pcap_set_buffer_size(pcap, (int)(ring_mib << 20));
    pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    return pcap;
}

static bool add_exclude(struct ring *ring, const char *expression, struct live_filter *filter,
                        struct capture_errors *errors)
{
    struct bpf_program program;
    if (pcap_compile(ring->pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        capture_errors_add(errors, "%s: exclude \"%s\": %s", ring->name, expression, pcap_geterr(ring->pcap));
        errors->is_usage = true;
        return false;
    }
    /* The two structs are the same four fields (linux/filter.h, pcap/bpf.h). */
    _Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one instruction");
    bool fits = live_filter_exclude(filter, (const struct sock_filter *)program.bf_insns, program.bf_len);
    pcap_freecode(&program);
    if (!fits)
        capture_errors_add(errors, "%s: exclude \"%s\" is too long for the kernel", ring->name, expression);
    return fits;
}

static bool attach_filter(struct ring *ring, const struct live_options *options,
                          struct capture_errors *errors)
{
    struct live_filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return false;
    live_filter_snap(filter, ring->linktype == DLT_EN10MB, strcmp(ring->name, "lo") == 0);
    bool ok = !options->exclude || add_exclude(ring, options->exclude, filter, errors);
    struct sock_fprog program = {.len = (unsigned short)filter->count, .filter = filter->code};
    if (ok &&
        setsockopt(pcap_fileno(ring->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
        capture_errors_add(errors, "%s: the capture filter was refused: %s", ring->name, strerror(errno));
        ok = false;
    }
    free(filter);
    return ok;
}

static bool open_ring(struct live *live, struct ring *ring, const char *name,
                      const struct live_options *options, struct capture_errors *errors)
{
    char why[PCAP_ERRBUF_SIZE];
    snprintf(ring->name, sizeof ring->name, "%s", name);
    ring->counters.name = ring->name;
    ring->pcap = strlen(name) < sizeof ring->name ? make_handle(name, options, live->ring_mib) : NULL;
    int status = ring->pcap ? pcap_activate(ring->pcap) : PCAP_ERROR_NO_SUCH_DEVICE;
    if (status < 0) {
        say_why(errors, name, status, ring->pcap ? pcap_geterr(ring->pcap) : "");
        return false;
    }
    ring->index = if_nametoindex(name);
    ring->linktype = pcap_datalink(ring->pcap);
    if (options->reads_linktype && !options->reads_linktype(ring->linktype)) {
        capture_errors_add(errors, "%s: link type %d is not read", name, ring->linktype);
        return false;
    }
    if (!attach_filter(ring, options, errors))
        return false;
    if (pcap_setnonblock(ring->pcap, 1, why) != 0) {
        capture_errors_add(errors, "%s: %s", name, why);
        return false;
    }
    return true;
}

static int64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

struct live *live_open(const struct live_options *options, struct capture_errors *errors)
{
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->ring_mib = options->ring_mib ? options->ring_mib : LIVE_RING_MIB_DEFAULT;
    if (live->ring_mib > RING_MIB_MAX)
        live->ring_mib = RING_MIB_MAX;
    live->link_stats = link_stats_open();
    bool ok = true;
    for (unsigned i = 0; i < options->interface_count && i < LIVE_INTERFACES_MAX; i++, live->count++)
        ok &= open_ring(live, &live->rings[i], options->interfaces[i], options, errors);
    if (!ok) {
        live->count = options->interface_count;
        live_close(live);
        return NULL;
    }
    for (unsigned i = 0; i < live->count; i++)
        link_stats_read(live->link_stats, live->rings[i].index, &live->rings[i].base);
    live->start_ns = wall_clock();
    for (unsigned i = 0; i < live->count; i++)
        live->rings[i].counters.last_ns = live->start_ns;
    live_measure(live);
    return live;
}

void live_close(struct live *live)
{
    if (!live)
        return;
    for (unsigned i = 0; i < LIVE_INTERFACES_MAX; i++)
        if (live->rings[i].pcap)
            pcap_close(live->rings[i].pcap);
    if (live->link_stats >= 0)
        close(live->link_stats);
    free(live);
}

/* ---- reading ---- */

/* libpcap tells that an interface is gone before it hands out what the ring still holds, and goes on handing
 * out when it is asked again. True: there was time for all of it. */
static bool is_gone(struct live *live, struct ring *ring, int64_t now_ns)
{
    if (!ring->gone_ns) {
        ring->gone_ns = now_ns;
        snprintf(live->problem, sizeof live->problem, "%s: %s", ring->name, pcap_geterr(ring->pcap));
    }
    return now_ns - ring->gone_ns > HOLD_NS;
}

/* Looks for the ring's next frame, once per `now_ns` while it is empty. False: the interface is gone. */
static bool look(struct live *live, struct ring *ring, int64_t now_ns)
{
    while (!ring->has_head && ring->empty_ns != now_ns) {
        struct pcap_pkthdr *header;
        const u_char *bytes;
        int status = pcap_next_ex(ring->pcap, &header, &bytes);
        if (status < 0 && is_gone(live, ring, now_ns))
            return false;
        if (status <= 0) {
            ring->empty_ns = now_ns;
            break;
        }
        ring->head = (struct frame){.time_ns = header->ts.tv_sec * INT64_C(1000000000) + header->ts.tv_usec,
                                    .at = bytes,
                                    .caplen = header->caplen,
                                    .wirelen = header->len < header->caplen ? header->caplen : header->len,
                                    .linktype = (uint16_t)ring->linktype,
                                    .interface = (uint16_t)(ring - live->rings)};
        ring->has_head = ring->head.time_ns >= live->start_ns;
    }
    return true;
}

static void count(struct ring *ring)
{
    struct live_counters *counters = &ring->counters;
    counters->packets++;
    counters->bytes += ring->head.wirelen;
    counters->shortened += ring->head.caplen < ring->head.wirelen;
    counters->last_ns = ring->head.time_ns;
}

enum live_status live_next(struct live *live, int64_t now_ns, struct frame *frame)
{
    struct ring *first = NULL;
    int64_t empty_ns = INT64_MAX; /* nothing earlier than this, less HOLD_NS, can still come */
    for (unsigned i = 0; i < live->count; i++) {
        struct ring *ring = &live->rings[i];
        if (!look(live, ring, now_ns))
            return LIVE_GONE;
        if (!ring->has_head && ring->empty_ns < empty_ns)
            empty_ns = ring->empty_ns;
        if (ring->has_head && (!first || ring->head.time_ns < first->head.time_ns))
            first = ring;
    }
    if (!first)
        return LIVE_QUIET;
    if (live->count > 1 && first->head.time_ns > empty_ns - HOLD_NS)
        return LIVE_WAIT;
    count(first);
    *frame = first->head;
    first->has_head = false;
    return LIVE_FRAME;
}

const char *live_problem(const struct live *live)
{
    return live->problem;
}

unsigned live_descriptors(const struct live *live, struct pollfd out[LIVE_INTERFACES_MAX])
{
    for (unsigned i = 0; i < live->count; i++)
        out[i] = (struct pollfd){.fd = pcap_fileno(live->rings[i].pcap), .events = POLLIN};
    return live->count;
}

/* ---- counters ---- */

void live_measure(struct live *live)
{
    for (unsigned i = 0; i < live->count; i++) {
        struct ring *ring = &live->rings[i];
        struct live_counters *counters = &ring->counters;
        struct pcap_stat stat;
        struct link_stats link;
        if (pcap_stats(ring->pcap, &stat) == 0) {
            counters->dropped_ring += (uint32_t)(stat.ps_drop - ring->drops);
            ring->drops = stat.ps_drop;
        }
        bool was_up = counters->is_up, is_there = link_stats_read(live->link_stats, ring->index, &link);
        counters->is_up = is_there && link.is_up;
        counters->went_down += was_up && !counters->is_up;
        if (!is_there)
            continue;
        counters->received = link.received - ring->base.received;
        counters->sent = link.sent - ring->base.sent;
        counters->dropped_interface = link.dropped - ring->base.dropped;
    }
}

unsigned live_interface_count(const struct live *live)
{
    return live->count;
}

const struct live_counters *live_counters(const struct live *live, unsigned interface)
{
    return &live->rings[interface].counters;
}

size_t live_memory(const struct live *live)
{
    return sizeof *live + ((size_t)live->count * live->ring_mib << 20);
}
