/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ring.c - see ring.h. Immediate mode stays off, because with it libpcap falls back to TPACKET_V2. The
 * capture program is attached to libpcap's descriptor by ourselves: libpcap's own way of installing one may
 * run it again on what the kernel has let through, and has no use for the length that it returns. packet(7).
 */
#include "ring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "inputs.h"
#include "live_filter.h"

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

static pcap_t *make_handle(const char *name, const struct live_options *options)
{
    char why[PCAP_ERRBUF_SIZE];
    unsigned size = options->ring_mib ? options->ring_mib : LIVE_RING_MIB_DEFAULT;
    pcap_t *pcap = pcap_create(name, why);
    if (!pcap)
        return NULL;
    pcap_set_snaplen(pcap, LIVE_SNAP);
    pcap_set_promisc(pcap, !options->not_promiscuous);
    pcap_set_timeout(pcap, LIVE_BLOCK_MS);
    pcap_set_buffer_size(pcap, (int)((size < RING_MIB_MAX ? size : RING_MIB_MAX) << 20));
    pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    return pcap;
}

static bool add_exclude(pcap_t *pcap, const char *interface, const char *expression,
                        struct live_filter *filter, struct capture_errors *errors)
{
    struct bpf_program program;
    if (pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        capture_errors_add(errors, "%s: exclude \"%s\": %s", interface, expression, pcap_geterr(pcap));
        errors->is_usage = true;
        return false;
    }
    /* The two structs are the same four fields (linux/filter.h, pcap/bpf.h). */
    _Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one instruction");
    bool fits = live_filter_exclude(filter, (const struct sock_filter *)program.bf_insns, program.bf_len);
    pcap_freecode(&program);
    if (!fits)
        capture_errors_add(errors, "%s: exclude \"%s\" is too long for the kernel", interface, expression);
    return fits;
}

static bool attach_filter(pcap_t *pcap, const char *interface, const struct live_options *options,
                          struct capture_errors *errors)
{
    struct live_filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return false;
    live_filter_snap(filter, pcap_datalink(pcap) == DLT_EN10MB, strcmp(interface, "lo") == 0);
    bool ok = !options->exclude || add_exclude(pcap, interface, options->exclude, filter, errors);
    struct sock_fprog program = {.len = (unsigned short)filter->count, .filter = filter->code};
    if (ok && setsockopt(pcap_fileno(pcap), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
        capture_errors_add(errors, "%s: the capture filter was refused: %s", interface, strerror(errno));
        ok = false;
    }
    free(filter);
    return ok;
}

static bool prepare(pcap_t *pcap, const char *interface, const struct live_options *options,
                    struct capture_errors *errors)
{
    char why[PCAP_ERRBUF_SIZE];
    int status = pcap_activate(pcap);
    if (status < 0) {
        say_why(errors, interface, status, pcap_geterr(pcap));
        return false;
    }
    if (options->reads_linktype && !options->reads_linktype(pcap_datalink(pcap))) {
        capture_errors_add(errors, "%s: link type %d is not read", interface, pcap_datalink(pcap));
        return false;
    }
    if (!attach_filter(pcap, interface, options, errors))
        return false;
    if (pcap_setnonblock(pcap, 1, why) == 0)
        return true;
    capture_errors_add(errors, "%s: %s", interface, why);
    return false;
}

pcap_t *ring_open(const char *interface, const struct live_options *options, struct capture_errors *errors)
{
    pcap_t *pcap = make_handle(interface, options);
    if (pcap && prepare(pcap, interface, options, errors))
        return pcap;
    if (pcap)
        pcap_close(pcap);
    else
        say_why(errors, interface, PCAP_ERROR_NO_SUCH_DEVICE, "");
    return NULL;
}

static bool spread(int descriptor)
{
    struct live_filter *filter = calloc(1, sizeof *filter);
    if (!filter)
        return false;
    live_filter_spread(filter);
    struct sock_fprog program = {.len = (unsigned short)filter->count, .filter = filter->code};
    bool ok = setsockopt(descriptor, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof program) == 0;
    free(filter);
    return ok;
}

bool ring_join(pcap_t *ring, const char *interface, int *group, struct capture_errors *errors)
{
    int descriptor = pcap_fileno(ring);
    bool is_first = *group < 0;
    /* Low half: the group's number; high half: how it spreads. */
    unsigned fanout =
        PACKET_FANOUT_CBPF << 16 | (is_first ? PACKET_FANOUT_FLAG_UNIQUEID << 16 : (unsigned)*group);
    socklen_t size = sizeof fanout;
    bool ok = setsockopt(descriptor, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof fanout) == 0;
    if (ok && is_first) {
        ok = getsockopt(descriptor, SOL_PACKET, PACKET_FANOUT, &fanout, &size) == 0 && spread(descriptor);
        *group = (int)(fanout & 0xffff);
    }
    if (!ok)
        capture_errors_add(errors, "%s: its packets cannot be spread over several rings: %s", interface,
                           strerror(errno));
    return ok;
}

uint32_t ring_drops(pcap_t *ring)
{
    struct tpacket_stats_v3 stats; /* asking resets them */
    socklen_t size = sizeof stats;
    bool ok = getsockopt(pcap_fileno(ring), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0;
    return ok ? stats.tp_drops : 0;
}
