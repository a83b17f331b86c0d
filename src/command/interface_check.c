/* SPDX-License-Identifier: BSD-2-Clause
 *
 * interface_check.c - asks the kernel about an interface that is to be captured on. Used by `config check`.
 * Changes nothing, and needs no privilege: what may not be asked is left out.
 */
#include "interface_check.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct asked {
    int fd;
    const char *name;
    struct mistakes *warnings;
};

static struct ifreq request_for(const char *name)
{
    struct ifreq request = {.ifr_flags = 0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return request;
}

static bool ask_ethtool(const struct asked *asked, void *command)
{
    struct ifreq request = request_for(asked->name);
    request.ifr_data = command;
    return ioctl(asked->fd, SIOCETHTOOL, &request) == 0;
}

/* `how` and `why` around the interface's name: "off (ethtool -K IF gro off): ...". */
static void warn(const struct asked *asked, const char *key, const char *found, const char *expected,
                 const char *how, const char *how_end, const char *why)
{
    char text[MISTAKE_TEXT_SIZE];
    snprintf(text, sizeof text, "%s (%s %s %s): %s", expected, how, asked->name, how_end, why);
    mistakes_add(asked->warnings, asked->name, 0, 0, key, found, text);
}

static void check_state(const struct asked *asked)
{
    struct ifreq request = request_for(asked->name);
    if (ioctl(asked->fd, SIOCGIFFLAGS, &request) != 0)
        return;
    if (!(request.ifr_flags & IFF_UP))
        warn(asked, "state", "down", "up", "ip link set", "up", "nothing comes in");
    else if (!(request.ifr_flags & IFF_RUNNING))
        mistakes_add(asked->warnings, asked->name, 0, 0, "state", "no carrier",
                     "a cable with a mirror port at its end");
}

/* Frames that were merged are not those of the wire: their sizes, times and counts are not either. */
static void check_offloads(const struct asked *asked)
{
    static const char why[] = "it merges frames before they are seen";
    struct ethtool_value gro = {.cmd = ETHTOOL_GGRO}, flags = {.cmd = ETHTOOL_GFLAGS};
    if (ask_ethtool(asked, &gro) && gro.data)
        warn(asked, "generic-receive-offload", "on", "off", "ethtool -K", "gro off", why);
    if (ask_ethtool(asked, &flags) && flags.data & ETH_FLAG_LRO)
        warn(asked, "large-receive-offload", "on", "off", "ethtool -K", "lro off", why);
}

static void check_ring(const struct asked *asked)
{
    struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};
    char found[16], expected[16], how_end[32];
    if (!ask_ethtool(asked, &ring) || ring.rx_pending >= ring.rx_max_pending)
        return;
    snprintf(found, sizeof found, "%u", ring.rx_pending);
    snprintf(expected, sizeof expected, "%u", ring.rx_max_pending);
    snprintf(how_end, sizeof how_end, "rx %u", ring.rx_max_pending);
    warn(asked, "receive ring", found, expected, "ethtool -G", how_end, "the card has no room for bursts");
}

void interface_check(const char *name, struct mistakes *mistakes, struct mistakes *warnings)
{
    if (strlen(name) >= IFNAMSIZ || if_nametoindex(name) == 0) {
        mistakes_add(mistakes, name, 0, 0, "", "no such interface", "one that `ip link` shows");
        return;
    }
    struct asked asked = {
        .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), .name = name, .warnings = warnings};
    if (asked.fd < 0)
        return;
    check_state(&asked);
    check_offloads(&asked);
    check_ring(&asked);
    close(asked.fd);
}

void capture_permission_check(struct mistakes *warnings)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    else if (errno == EPERM || errno == EACCES)
        mistakes_add(warnings, "permission", 0, 0, "", "this user may not capture",
                     "CAP_NET_RAW (the unit gives it to the daemon: AmbientCapabilities=CAP_NET_RAW)");
}
