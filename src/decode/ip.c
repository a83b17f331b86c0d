/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ip.c - IPv4 (RFC 791), IPv6 (RFC 8200) with its chain of extension headers, AH (RFC 4302), and IP inside IP
 * (RFC 2003, 4213, 2473). Fragments wait in fragment.c; what they make whole is read on from here. Header
 * checksums are not verified and options are not read.
 */
#include "fragment.h"
#include "walk.h"

enum {
    IPV6_HOP_BY_HOP = 0,
    IPV6_ROUTING = 43,
    IPV6_FRAGMENT = 44,
    IPV6_NO_NEXT = 59,
    IPV6_OPTIONS = 60,
    IPV6_MOBILITY = 135,
};

/* Where in the IP packet the walk stands, for the headers that chain. */
struct chain {
    bool is_v6;
    uint8_t protocol;     /* of the header that comes next */
    uint32_t header_size; /* IP header and extension headers so far */
};

static enum decode_result walk_ip_payload(struct walk *w, struct chain *chain);

/* Hands a fragment to the pool. DECODED: `w` and `chain` stand in the whole datagram. */
static enum decode_result reassemble(struct walk *w, struct chain *chain, struct fragment *f)
{
    struct packet *p = w->packet;
    struct datagram datagram;
    f->source = p->source;
    f->destination = p->destination;
    f->data = w->data;
    f->missing = w->missing;
    f->time_ns = p->time_ns;
    f->packet = p;
    f->headers = w->headers;
    enum decode_result result = fragment_add(w->decoder->fragments, f, &datagram);
    if (result != DECODED)
        return result;
    w->data = datagram.data;
    w->missing = datagram.missing;
    w->is_snapped |= datagram.missing > 0;
    chain->protocol = datagram.protocol;
    p->is_fragmented = true;
    p->ip_bytes = chain->header_size + walk_wirelen(w);
    return DECODED;
}

/* next 1, reserved 1, offset 13 bits, reserved 2, more 1, identification 4 (RFC 8200 section 4.5) */
static enum decode_result walk_ipv6_fragment(struct walk *w, struct chain *chain)
{
    struct fragment f = {.kind = FRAGMENT_KIND_IPV6};
    f.protocol = bytes_u8(&w->data);
    bytes_skip(&w->data, 1);
    uint16_t place = bytes_u16(&w->data);
    f.id = bytes_u32(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (!walk_count(w, 8))
        return DECODE_TOO_DEEP;
    f.offset = place & 0xfff8u;
    f.more = place & 1;
    chain->protocol = f.protocol;
    if (f.offset == 0 && !f.more) /* an atomic fragment is a whole packet (RFC 6946) */
        return walk_ip_payload(w, chain);
    enum decode_result result = reassemble(w, chain, &f);
    return result == DECODED ? walk_ip_payload(w, chain) : result;
}

/* Can something be read below AH's next header? */
static bool is_readable(uint8_t protocol, bool is_v6)
{
    switch (protocol) {
    case IP_TCP:
    case IP_UDP:
    case IP_ICMP:
    case IP_ICMPV6:
    case IP_SCTP:
    case IP_ESP:
    case IP_AH:
    case IP_GRE:
    case IP_IPIP:
    case IP_IPV6:
        return true;
    case IPV6_HOP_BY_HOP:
    case IPV6_ROUTING:
    case IPV6_FRAGMENT:
    case IPV6_OPTIONS:
    case IPV6_MOBILITY:
        return is_v6;
    default:
        return false;
    }
}

/* next 1, length 1 in words less 2, reserved 2, SPI 4, sequence 4, check value (RFC 4302 section 2). AH hides
 * nothing: where the next header can be read, AH is only what the packet came in. */
static enum decode_result walk_ah(struct walk *w, struct chain *chain)
{
    struct walk outer = *w;
    uint8_t next = bytes_u8(&w->data);
    uint32_t size = (bytes_u8(&w->data) + 2u) * 4;
    bytes_skip(&w->data, 2);
    uint32_t spi = bytes_u32(&w->data);
    bytes_skip(&w->data, 4);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (size < 12)
        return DECODE_MALFORMED;
    bytes_skip(&w->data, size - 12);
    if (!bytes_ok(&w->data) && (!w->data.cut || size > walk_wirelen(&outer)))
        return DECODE_MALFORMED;
    w->packet->ah_spi = spi;
    if (!is_readable(next, chain->is_v6))
        return walk_deliver(w, IP_AH, outer.data, outer.missing);
    if (!bytes_ok(&w->data))
        return DECODE_CUT;
    if (!walk_enter(w, LAYER_AH, size))
        return DECODE_TOO_DEEP;
    chain->protocol = next;
    chain->header_size += size;
    return walk_ip_payload(w, chain);
}

/* Hop-by-hop, routing, destination options, mobility: next 1, length 1 in units of 8 bytes less 1. */
static enum decode_result walk_ipv6_extension(struct walk *w, struct chain *chain)
{
    uint32_t wirelen = walk_wirelen(w);
    chain->protocol = bytes_u8(&w->data);
    uint32_t size = (bytes_u8(&w->data) + 1u) * 8;
    bytes_skip(&w->data, size - 2);
    if (!bytes_ok(&w->data))
        return size > wirelen ? DECODE_MALFORMED : walk_failed(&w->data);
    chain->header_size += size;
    return walk_count(w, size) ? walk_ip_payload(w, chain) : DECODE_TOO_DEEP;
}

static enum decode_result walk_ip_in_ip(struct walk *w, walk_function *inner)
{
    return walk_enter(w, LAYER_IPIP, 0) ? inner(w) : DECODE_TOO_DEEP;
}

/* What follows the IP header. Calls itself through the extension headers, each of which takes at least 8 of
 * the PACKET_HEADERS_MAX bytes. */
static enum decode_result walk_ip_payload(struct walk *w, struct chain *chain)
{
    switch (chain->protocol) {
    case IP_TCP:
        return walk_tcp(w);
    case IP_UDP:
        return walk_udp(w);
    case IP_ICMP:
    case IP_ICMPV6:
        return walk_icmp(w, chain->protocol);
    case IP_SCTP:
        return walk_sctp(w);
    case IP_ESP:
        return walk_esp(w);
    case IP_AH:
        return walk_ah(w, chain);
    case IP_GRE:
        return walk_gre(w);
    case IP_IPIP:
        return walk_ip_in_ip(w, walk_ipv4);
    case IP_IPV6:
        return walk_ip_in_ip(w, walk_ipv6);
    case IPV6_FRAGMENT:
        if (chain->is_v6)
            return walk_ipv6_fragment(w, chain);
        break;
    case IPV6_HOP_BY_HOP:
    case IPV6_ROUTING:
    case IPV6_OPTIONS:
    case IPV6_MOBILITY:
        if (chain->is_v6)
            return walk_ipv6_extension(w, chain);
        break;
    }
    return walk_deliver(w, chain->protocol, w->data, w->missing);
}

/* flags 3 bits (reserved, do not fragment, more), offset 13 bits in units of 8 bytes */
static enum decode_result walk_ipv4_fragment(struct walk *w, struct chain *chain, uint16_t place)
{
    struct fragment f = {
        .id = w->packet->ip_id,
        .kind = chain->protocol,
        .protocol = chain->protocol,
        .more = place & 0x2000,
        .offset = (place & 0x1fffu) * 8,
    };
    enum decode_result result = reassemble(w, chain, &f);
    return result == DECODED ? walk_ip_payload(w, chain) : result;
}

enum decode_result walk_protocol(struct walk *w, uint8_t protocol)
{
    struct chain chain = {.is_v6 = !addr_is_v4(&w->packet->source), .protocol = protocol, .header_size = 0};
    return walk_ip_payload(w, &chain);
}

enum decode_result walk_ipv4(struct walk *w)
{
    struct packet *p = w->packet;
    uint32_t wirelen = walk_wirelen(w);
    struct bytes header = bytes_take(&w->data, 20);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    uint8_t version_size = bytes_u8(&header);
    uint32_t size = (version_size & 15u) * 4;
    bytes_skip(&header, 1);
    uint32_t total = bytes_u16(&header);
    p->ip_id = bytes_u16(&header);
    uint16_t place = bytes_u16(&header);
    p->ttl = bytes_u8(&header);
    struct chain chain = {.is_v6 = false, .protocol = bytes_u8(&header), .header_size = size};
    bytes_skip(&header, 2);
    uint8_t four[4];
    bytes_copy(&header, four, 4);
    p->source = addr_v4(four);
    bytes_copy(&header, four, 4);
    p->destination = addr_v4(four);
    if (version_size >> 4 != 4 || size < 20 || (total != 0 && total < size))
        return DECODE_MALFORMED;
    p->is_doubtful_length = total == 0; /* segmentation offload: the card filled it in after the capture */
    p->ip_bytes = total != 0 ? total : wirelen;
    if (total != 0)
        walk_bound(w, total - 20);
    bytes_skip(&w->data, size - 20);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (!walk_count(w, size))
        return DECODE_TOO_DEEP;
    return place & 0x3fff ? walk_ipv4_fragment(w, &chain, place) : walk_ip_payload(w, &chain);
}

enum decode_result walk_ipv6(struct walk *w)
{
    struct packet *p = w->packet;
    struct bytes header = bytes_take(&w->data, 40);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    uint32_t version = bytes_u32(&header) >> 28;
    uint32_t length = bytes_u16(&header);
    struct chain chain = {.is_v6 = true, .protocol = bytes_u8(&header), .header_size = 40};
    p->ttl = bytes_u8(&header);
    p->ip_id = 0;
    bytes_copy(&header, p->source.bytes, 16);
    bytes_copy(&header, p->destination.bytes, 16);
    if (version != 6)
        return DECODE_MALFORMED;
    /* Zero is a jumbogram (RFC 2675) or segmentation offload, unless nothing is to follow. */
    p->is_doubtful_length = length == 0 && chain.protocol != IPV6_NO_NEXT;
    if (!p->is_doubtful_length)
        walk_bound(w, length);
    p->ip_bytes = 40 + walk_wirelen(w);
    return walk_count(w, 40) ? walk_ip_payload(w, &chain) : DECODE_TOO_DEEP;
}

enum decode_result walk_ip(struct walk *w)
{
    int first = bytes_peek(&w->data, 0);
    if (first < 0)
        return w->data.cut ? DECODE_CUT : DECODE_MALFORMED;
    return first >> 4 == 6 ? walk_ipv6(w) : walk_ipv4(w);
}
