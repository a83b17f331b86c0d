/* SPDX-License-Identifier: BSD-2-Clause
 *
 * link_stats.c - see link_stats.h. One RTM_GETLINK request and its one answer; the kernel's answers are
 * trusted in content, not in length.
 */
#include "link_stats.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int link_stats_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}

static void read_attribute(const struct rtattr *attribute, struct link_stats *out)
{
    struct rtnl_link_stats64 stats = {0};
    size_t size = RTA_PAYLOAD(attribute);
    if (attribute->rta_type != IFLA_STATS64)
        return;
    memcpy(&stats, RTA_DATA(attribute), size < sizeof stats ? size : sizeof stats);
    out->received = stats.rx_packets;
    out->sent = stats.tx_packets;
    out->dropped = stats.rx_missed_errors + stats.rx_fifo_errors;
}

static bool read_answer(const struct nlmsghdr *answer, struct link_stats *out)
{
    const struct ifinfomsg *info = NLMSG_DATA(answer);
    if (answer->nlmsg_type != RTM_NEWLINK || answer->nlmsg_len < NLMSG_LENGTH(sizeof *info))
        return false;
    *out = (struct link_stats){.is_up = (info->ifi_flags & IFF_UP) && (info->ifi_flags & IFF_RUNNING)};
    int left = (int)(answer->nlmsg_len - NLMSG_LENGTH(sizeof *info));
    for (const struct rtattr *at = IFLA_RTA(info); RTA_OK(at, left); at = RTA_NEXT(at, left))
        read_attribute(at, out);
    return true;
}

bool link_stats_read(int descriptor, unsigned interface_index, struct link_stats *out)
{
    static uint32_t sequence;
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_GETLINK,
                            .nlmsg_flags = NLM_F_REQUEST,
                            .nlmsg_seq = ++sequence},
                 .info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)interface_index}};
    _Alignas(struct nlmsghdr) char answer[16384];
    if (send(descriptor, &request, sizeof request, 0) != sizeof request)
        return false;
    ssize_t size = recv(descriptor, answer, sizeof answer, 0);
    const struct nlmsghdr *header = (const struct nlmsghdr *)answer;
    return size > 0 && NLMSG_OK(header, (size_t)size) && read_answer(header, out);
}
