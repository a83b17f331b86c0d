/* SPDX-License-Identifier: BSD-2-Clause
 *
 * icmp.c - ICMP (RFC 792) and ICMPv6 (RFC 4443): type, code, and for errors the flow that the quoted packet
 * belongs to. Of the quotation the IP header and the first 8 bytes after it are read (RFC 792 allows no more
 * to be there), and the IPv6 extension headers between; tunnels inside it are not followed.
 */
#include "walk.h"

/* Messages that carry the packet they complain about behind 8 bytes: RFC 792, RFC 4443 section 2.1. */
static bool is_error(uint8_t protocol, uint8_t type)
{
    if (protocol == IP_ICMPV6)
        return type >= 1 && type <= 4;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

static bool has_ports(uint8_t protocol)
{
    return protocol == IP_TCP || protocol == IP_UDP || protocol == IP_SCTP;
}

static void quote_ports(struct packet *p, struct bytes *b)
{
    uint16_t source = bytes_u16(b);
    uint16_t destination = bytes_u16(b);
    if (has_ports(p->quoted.protocol) && bytes_ok(b)) {
        p->quoted.source_port = source;
        p->quoted.destination_port = destination;
    }
}

static void quote_ipv4(struct packet *p, struct bytes b)
{
    uint32_t size = (bytes_u8(&b) & 15u) * 4;
    bytes_skip(&b, 5);
    uint16_t offset = bytes_u16(&b) & 0x1fff;
    bytes_skip(&b, 1);
    uint8_t protocol = bytes_u8(&b);
    bytes_skip(&b, 2);
    uint8_t source[4], destination[4];
    bytes_copy(&b, source, 4);
    bytes_copy(&b, destination, 4);
    if (!bytes_ok(&b) || size < 20)
        return;
    p->has_quoted = true;
    p->quoted.source = addr_v4(source);
    p->quoted.destination = addr_v4(destination);
    p->quoted.protocol = protocol;
    bytes_skip(&b, size - 20);
    if (offset == 0)
        quote_ports(p, &b);
}

/* Goes through the extension headers that have the common shape, and the fragment header; each takes 8 bytes.
 */
static bool quote_ipv6_chain(struct packet *p, struct bytes *b)
{
    for (;;) {
        uint8_t protocol = p->quoted.protocol;
        if (protocol != 0 && protocol != 43 && protocol != 44 && protocol != 60)
            return true;
        p->quoted.protocol = bytes_u8(b);
        uint32_t size = (bytes_u8(b) + 1u) * 8;
        uint16_t place = bytes_u16(b);
        bytes_skip(b, protocol == 44 ? 4 : size - 4);
        if (!bytes_ok(b)) {
            p->quoted.protocol = protocol;
            return false;
        }
        if (protocol == 44 && place & 0xfff8)
            return false;
    }
}

static void quote_ipv6(struct packet *p, struct bytes b)
{
    bytes_skip(&b, 6);
    uint8_t protocol = bytes_u8(&b);
    bytes_skip(&b, 1);
    struct addr source, destination;
    bytes_copy(&b, source.bytes, 16);
    bytes_copy(&b, destination.bytes, 16);
    if (!bytes_ok(&b))
        return;
    p->has_quoted = true;
    p->quoted.source = source;
    p->quoted.destination = destination;
    p->quoted.protocol = protocol;
    if (quote_ipv6_chain(p, &b))
        quote_ports(p, &b);
}

enum decode_result walk_icmp(struct walk *w, uint8_t protocol)
{
    struct packet *p = w->packet;
    struct bytes b = w->data;
    uint8_t type = bytes_u8(&b);
    uint8_t code = bytes_u8(&b);
    uint16_t checksum = bytes_u16(&b);
    if (!bytes_ok(&b))
        return walk_failed(&b);
    p->icmp_type = type;
    p->icmp_code = code;
    p->checksum = checksum;
    if (is_error(protocol, type)) {
        bytes_skip(&b, 4);
        p->quoted.source_port = p->quoted.destination_port = 0;
        int version = bytes_peek(&b, 0) >> 4;
        if (protocol == IP_ICMP && version == 4)
            quote_ipv4(p, b);
        else if (protocol == IP_ICMPV6 && version == 6)
            quote_ipv6(p, b);
    }
    return walk_deliver(w, protocol, w->data, w->missing);
}
