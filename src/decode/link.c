/* SPDX-License-Identifier: BSD-2-Clause
 *
 * link.c - the link types other than Ethernet, and the list of all that are read. Numbers are libpcap's DLT_
 * and the LINKTYPE_ of files where the two differ (tcpdump.org/linktypes.html); PROTOCOLS section 17. Packet
 * types, interface indexes and hardware addresses are not kept.
 */
#include "walk.h"

#include <stddef.h>

/* NULL: the address family in the byte order of the capturing machine; LOOP: in network order. Families are
 * small numbers, so that either order can be told from the other without knowing which it should be. */
static enum decode_result walk_loopback(struct walk *w)
{
    struct bytes order = w->data;
    uint32_t big = bytes_u32(&w->data);
    uint32_t little = bytes_u32le(&order);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    switch (big < little ? big : little) {
    case 2: /* AF_INET everywhere */
        return walk_ipv4(w);
    case 10: /* AF_INET6: Linux */
    case 23: /* Windows */
    case 24: /* NetBSD, OpenBSD */
    case 28: /* FreeBSD */
    case 30: /* macOS */
        return walk_ipv6(w);
    default:
        return DECODE_NOT_IP;
    }
}

/* The protocol field of both cooked headers: an EtherType, or one of Linux's own numbers below it. */
static enum decode_result walk_cooked_protocol(struct walk *w, uint16_t protocol)
{
    if (protocol == 0x0004) /* LINUX_SLL_P_802_2: an LLC header follows */
        return walk_llc(w);
    return protocol >= ETHERTYPE_SMALLEST ? walk_ethertype(w, protocol) : DECODE_NOT_IP;
}

/* packet type 2, ARPHRD 2, address length 2, address 8, protocol 2 */
static enum decode_result walk_sll(struct walk *w)
{
    bytes_skip(&w->data, 14);
    uint16_t protocol = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    w->headers += 16;
    return walk_cooked_protocol(w, protocol);
}

/* protocol 2, reserved 2, interface 4, ARPHRD 2, packet type 1, address length 1, address 8 */
static enum decode_result walk_sll2(struct walk *w)
{
    uint16_t protocol = bytes_u16(&w->data);
    bytes_skip(&w->data, 18);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    w->headers += 20;
    return walk_cooked_protocol(w, protocol);
}

/* PPP with or without HDLC-like framing, or Cisco HDLC, which puts 0f (unicast) or 8f (broadcast) where PPP
 * has ff: address 1, control 1, EtherType 2. */
static enum decode_result walk_serial(struct walk *w)
{
    int address = bytes_peek(&w->data, 0);
    if (address != 0x0f && address != 0x8f)
        return walk_ppp(w);
    bytes_skip(&w->data, 2);
    uint16_t type = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    w->headers += 4;
    return walk_ethertype(w, type);
}

/* Frame control 1, addresses 12, LLC. Control 01rr'0ppp is LLC (ISO 9314-2 section 7.3.2); a token or a
 * station management frame is not IP. */
static enum decode_result walk_fddi(struct walk *w)
{
    uint8_t control = bytes_u8(&w->data);
    bytes_skip(&w->data, 12);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    w->headers += 13;
    return (control & 0x70) == 0x50 ? walk_llc(w) : DECODE_NOT_IP;
}

/* What follows the addresses of an ARCNET frame: system code 1; f0 is IP in the form of RFC 1051, the others
 * have a split flag 1 and a sequence number 2 (RFC 1201 section 2.2). Of a packet in several frames only a
 * whole one is read. Flag ff pads a frame that would have had a size that cannot be; the header comes again.
 */
static enum decode_result walk_arcnet_code(struct walk *w)
{
    enum { IP_OF_1051 = 0xf0, IP = 0xd4, IPV6 = 0xc4, WHOLE = 0, PADDED = 0xff };
    uint8_t code = bytes_u8(&w->data);
    w->headers += 3;
    if (bytes_ok(&w->data) && code == IP_OF_1051)
        return walk_ipv4(w);
    bool is_padded = bytes_peek(&w->data, 0) == PADDED;
    bytes_skip(&w->data, is_padded ? 4 : 0);
    uint8_t split = bytes_u8(&w->data);
    bytes_skip(&w->data, 2);
    w->headers += is_padded ? 7 : 3;
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (split != WHOLE || (code != IP && code != IPV6))
        return DECODE_NOT_IP;
    return code == IP ? walk_ipv4(w) : walk_ipv6(w);
}

/* source 1, destination 1 */
static enum decode_result walk_arcnet(struct walk *w)
{
    bytes_skip(&w->data, 2);
    return walk_arcnet_code(w);
}

/* source 1, destination 1, offset 2 of the card's buffer */
static enum decode_result walk_arcnet_linux(struct walk *w)
{
    bytes_skip(&w->data, 4);
    w->headers += 2;
    return walk_arcnet_code(w);
}

/* Netfilter's log: family 1, version 1 = 0, group 2, then items of length 2 (with these 4 bytes), type 2 and
 * value, padded to 4, in the byte order of the capturing machine; the first item has type 1, item 9 is the IP
 * packet. */
static enum decode_result walk_nflog(struct walk *w)
{
    enum { ITEM_HEADER = 1, ITEM_PAYLOAD = 9 };
    struct bytes b = w->data;
    bytes_skip(&b, 1);
    uint8_t version = bytes_u8(&b);
    bytes_skip(&b, 4);
    bool is_little = bytes_u16le(&b) == ITEM_HEADER;
    bytes_skip(&w->data, 4);
    for (uint32_t size = 4; bytes_ok(&w->data);) {
        uint16_t length = is_little ? bytes_u16le(&w->data) : bytes_u16(&w->data);
        uint16_t type = is_little ? bytes_u16le(&w->data) : bytes_u16(&w->data);
        if (!bytes_ok(&w->data))
            break;
        if (version != 0 || length < 4)
            return DECODE_MALFORMED;
        size += 4;
        if (type == ITEM_PAYLOAD) {
            walk_bound(w, length - 4u);
            return walk_count(w, size) ? walk_ip(w) : DECODE_TOO_DEEP;
        }
        uint32_t value = (length - 1u) & ~3u; /* padded, without the 4 bytes */
        bytes_skip(&w->data, value);
        size += value;
    }
    return w->data.cut || b.cut ? DECODE_CUT : DECODE_NOT_IP;
}

/* macOS: length 4, kind 4 (1 is a packet), link type 4, interface name and process; little-endian on every
 * machine that writes it today. DLT 149 is free for anyone's use, and macOS means this by it. */
static enum decode_result walk_pktap(struct walk *w)
{
    enum { SIZE_MIN = 108, SIZE_MAX_KNOWN = 512 };
    struct bytes b = w->data;
    uint32_t size = bytes_u32le(&b);
    uint32_t kind = bytes_u32le(&b);
    uint32_t linktype = bytes_u32le(&b);
    if (!bytes_ok(&b))
        return walk_failed(&b);
    if (size < SIZE_MIN || size > SIZE_MAX_KNOWN || kind != 1)
        return DECODE_NOT_IP;
    bytes_skip(&w->data, size);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_count(w, size) ? walk_linktype(w, linktype) : DECODE_TOO_DEEP;
}

static const struct {
    int number;
    walk_function *read;
} link_types[] = {
    {1, walk_ethernet},       /* EN10MB */
    {113, walk_sll},          /* LINUX_SLL */
    {276, walk_sll2},         /* LINUX_SLL2 */
    {0, walk_loopback},       /* NULL */
    {108, walk_loopback},     /* LOOP */
    {12, walk_ip},            /* RAW, DLT_ number of most systems */
    {14, walk_ip},            /* RAW, DLT_ number of OpenBSD */
    {101, walk_ip},           /* RAW, LINKTYPE_ number */
    {228, walk_ipv4},         /* IPV4 */
    {229, walk_ipv6},         /* IPV6 */
    {9, walk_serial},         /* PPP */
    {50, walk_serial},        /* PPP_SERIAL */
    {104, walk_serial},       /* C_HDLC */
    {51, walk_pppoe},         /* PPP_ETHER: begins at the PPPoE session header */
    {105, walk_wifi},         /* IEEE802_11 */
    {127, walk_radiotap},     /* IEEE802_11_RADIO */
    {192, walk_ppi},          /* PPI */
    {10, walk_fddi},          /* FDDI */
    {7, walk_arcnet},         /* ARCNET */
    {129, walk_arcnet_linux}, /* ARCNET_LINUX */
    {239, walk_nflog},        /* NFLOG */
    {258, walk_pktap},        /* PKTAP */
    {149, walk_pktap},        /* USER2, macOS's own number for it */
};

walk_function *link_reader(int linktype)
{
    for (size_t i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++)
        if (link_types[i].number == linktype)
            return link_types[i].read;
    return NULL;
}

enum decode_result walk_linktype(struct walk *w, uint32_t linktype)
{
    walk_function *read = linktype <= UINT16_MAX ? link_reader((int)linktype) : NULL;
    return read ? read(w) : DECODE_NOT_IP;
}
