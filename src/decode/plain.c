/* SPDX-License-Identifier: BSD-2-Clause
 *
 * plain.c - what most frames are, read without a walk: Ethernet with at most one 802.1Q tag, IPv4 without
 * options or IPv6 without extension headers, TCP, or UDP that is no tunnel; whole, every header captured,
 * lengths that agree. Called by decode.c, which leaves all others to the walk; both say the same of a frame
 * that both read.
 */
#include "walk.h"

enum { TYPE_VLAN = 0x8100, TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd };
enum { ETHERNET_SIZE = 14, TAG_SIZE = 4 };

/* Behind the address fields: the EtherType of the packet, its tag noted. */
static uint16_t plain_type(struct bytes *b, struct packet *p)
{
    uint16_t type = bytes_u16(b);
    if (type != TYPE_VLAN)
        return type;
    uint16_t id = bytes_u16(b) & 0x0fff;
    if (id != 0)
        p->vlan = id;
    p->layers[p->layer_count++] = LAYER_VLAN;
    return bytes_u16(b);
}

/* Asked once before a header of fixed size is read, so that its fields need not be asked for one by one. */
static inline bool plain_has(const struct bytes *b, size_t size)
{
    return bytes_ok(b) && b->left >= size;
}

/* What follows has `wirelen` bytes: all that a length field says, captured or not. */
static void plain_bound(struct bytes *b, uint32_t wirelen)
{
    if (wirelen <= b->left)
        *b = bytes_take(b, wirelen);
    else
        b->cut = true;
}

/* Leaves the IP payload in *b, of *wirelen bytes on the wire; 0: not plain, else the protocol. */
static uint8_t plain_ipv4(struct bytes *b, struct packet *p, uint32_t *wirelen)
{
    if (!plain_has(b, 20))
        return 0;
    struct bytes header = bytes_take(b, 20);
    uint8_t version_size = bytes_u8(&header);
    bytes_skip(&header, 1);
    uint16_t total = bytes_u16(&header);
    p->ip_id = bytes_u16(&header);
    uint16_t place = bytes_u16(&header);
    p->ttl = bytes_u8(&header);
    uint8_t protocol = bytes_u8(&header);
    bytes_skip(&header, 2);
    uint8_t four[4];
    bytes_copy(&header, four, 4);
    p->source = addr_v4(four);
    bytes_copy(&header, four, 4);
    p->destination = addr_v4(four);
    if (version_size != 0x45 || total < 20 || (place & 0x3fff))
        return 0;
    *wirelen = total - 20u;
    plain_bound(b, *wirelen);
    p->ip_bytes = total;
    return protocol;
}

static uint8_t plain_ipv6(struct bytes *b, struct packet *p, uint32_t *wirelen)
{
    if (!plain_has(b, 40))
        return 0;
    struct bytes header = bytes_take(b, 40);
    uint32_t version = bytes_u32(&header) >> 28;
    uint16_t length = bytes_u16(&header);
    uint8_t protocol = bytes_u8(&header);
    p->ttl = bytes_u8(&header);
    p->ip_id = 0;
    bytes_copy(&header, p->source.bytes, 16);
    bytes_copy(&header, p->destination.bytes, 16);
    if (version != 6 || length == 0)
        return 0;
    *wirelen = length;
    plain_bound(b, *wirelen);
    p->ip_bytes = 40u + length;
    return protocol;
}

static bool plain_tcp(struct bytes *b, struct packet *p, uint32_t *wirelen)
{
    if (!plain_has(b, 20))
        return false;
    struct bytes header = bytes_take(b, 20);
    p->source_port = bytes_u16(&header);
    p->destination_port = bytes_u16(&header);
    p->tcp_sequence = bytes_u32(&header);
    p->tcp_acknowledgement = bytes_u32(&header);
    uint32_t header_size = (bytes_u8(&header) >> 4) * 4u;
    p->tcp_flags = bytes_u8(&header);
    p->tcp_window = bytes_u16(&header);
    p->checksum = bytes_u16(&header);
    if (header_size < 20 || header_size > *wirelen)
        return false;
    bytes_skip(b, header_size - 20);
    *wirelen -= header_size;
    return bytes_ok(b);
}

static bool plain_udp(struct bytes *b, struct packet *p, uint32_t *wirelen)
{
    if (!plain_has(b, 8))
        return false;
    struct bytes header = bytes_take(b, 8);
    p->source_port = bytes_u16(&header);
    p->destination_port = bytes_u16(&header);
    uint16_t length = bytes_u16(&header);
    p->checksum = bytes_u16(&header);
    if (length < 8 || length > *wirelen || udp_tunnel_has_port(p->source_port, p->destination_port))
        return false;
    *wirelen = length - 8u;
    plain_bound(b, *wirelen);
    return true;
}

bool plain_read(const struct frame *frame, struct packet *p)
{
    if (frame->linktype != 1 || frame->caplen < ETHERNET_SIZE + TAG_SIZE)
        return false;
    struct bytes b = bytes_captured(frame->at, frame->caplen, frame->wirelen);
    uint32_t wirelen = 0;
    bytes_skip(&b, 12);
    uint16_t type = plain_type(&b, p);
    uint8_t protocol = type == TYPE_IPV4   ? plain_ipv4(&b, p, &wirelen)
                       : type == TYPE_IPV6 ? plain_ipv6(&b, p, &wirelen)
                                           : 0;
    if (!(protocol == IP_TCP ? plain_tcp(&b, p, &wirelen) : protocol == IP_UDP && plain_udp(&b, p, &wirelen)))
        return false;
    p->protocol = protocol;
    p->payload = b;
    p->payload_wirelen = wirelen;
    p->is_cut = b.left < wirelen;
    return true;
}
