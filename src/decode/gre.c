/* SPDX-License-Identifier: BSD-2-Clause
 *
 * gre.c - GRE (RFC 2784, 2890, source routes of RFC 1701 not read), its version 1 of PPTP (RFC 2637), NVGRE
 * (RFC 7637), ERSPAN types I to III (draft-foschiano-erspan), redirected packets of WCCP
 * (draft-mclaggan-wccp-v2rev1 section 4.12) and MikroTik's EoIP; PROTOCOLS section 17. Where no IP packet can
 * be read inside, the GRE packet itself is the inner-most one. Keys, sessions and timestamps are not kept.
 */
#include "walk.h"

enum { /* the first 16 bits, RFC 2784 section 2, RFC 2890 section 2, RFC 2637 section 4.1 */
       GRE_CHECKSUM = 0x8000,
       GRE_ROUTING = 0x4000,
       GRE_KEY = 0x2000,
       GRE_SEQUENCE = 0x1000,
       GRE_ACKNOWLEDGEMENT = 0x0080,
       GRE_VERSION = 0x0007,
};

/* version 4, VLAN 12, priority 3, encapsulation 2, truncated 1, session 10, reserved 12, index 20 bits */
static enum decode_result walk_erspan2(struct walk *w)
{
    uint8_t version = bytes_u8(&w->data) >> 4;
    bytes_skip(&w->data, 7);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (version != 1)
        return DECODE_NOT_IP;
    return walk_count(w, 8) ? walk_ethernet(w) : DECODE_TOO_DEEP;
}

/* As II, then timestamp 4, group tag 2, and P 1, frame type 5, hardware 6, direction 1, granularity 2,
 * optional header 1 bits; the optional header has 8 bytes. */
static enum decode_result walk_erspan3(struct walk *w)
{
    uint8_t version = bytes_u8(&w->data) >> 4;
    bytes_skip(&w->data, 9);
    uint16_t kind = bytes_u16(&w->data);
    uint32_t more = kind & 1 ? 8 : 0;
    bytes_skip(&w->data, more);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (version != 2)
        return DECODE_NOT_IP;
    if (!walk_count(w, 12 + more))
        return DECODE_TOO_DEEP;
    switch (kind >> 10 & 31) {
    case 0:
        return walk_ethernet(w);
    case 2:
        return walk_ip(w);
    default:
        return DECODE_NOT_IP;
    }
}

/* Enhanced GRE: payload length 2 and call id 2 where the key is, sequence and acknowledgement 4 each when
 * flagged. Without a sequence number there is no payload. */
static enum decode_result walk_pptp(struct walk *w, uint16_t flags, uint16_t type)
{
    if (type != 0x880b || !(flags & GRE_KEY))
        return DECODE_NOT_IP;
    uint16_t length = bytes_u16(&w->data);
    uint32_t rest = 2u + (flags & GRE_SEQUENCE ? 4 : 0) + (flags & GRE_ACKNOWLEDGEMENT ? 4 : 0);
    bytes_skip(&w->data, rest);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (!(flags & GRE_SEQUENCE) || length == 0)
        return DECODE_NOT_IP;
    walk_bound(w, length);
    return walk_enter(w, LAYER_GRE, 6 + rest) ? walk_ppp(w) : DECODE_TOO_DEEP;
}

/* EoIP puts the frame's length 2 and a tunnel id 2 where PPTP has its own. */
static enum decode_result walk_eoip(struct walk *w)
{
    uint16_t length = bytes_u16(&w->data);
    bytes_skip(&w->data, 2);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (length != walk_wirelen(w))
        return DECODE_NOT_IP;
    return walk_enter(w, LAYER_GRE, 8) ? walk_ethernet(w) : DECODE_TOO_DEEP;
}

/* A redirect header of 4 bytes (two flag bits 0xc0 in the first, service, buckets), which version 1 does not
 * have: there IP begins at once. */
static enum decode_result walk_wccp(struct walk *w)
{
    int first = bytes_peek(&w->data, 0);
    if (first >> 4 != 4 || (first & 15) < 5)
        bytes_skip(&w->data, 4);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_count(w, 4) ? walk_ip(w) : DECODE_TOO_DEEP;
}

/* What the type announces, after the optional fields. */
static enum decode_result walk_gre_payload(struct walk *w, uint16_t flags, uint16_t type, uint32_t size)
{
    switch (type) {
    case 0x6558: { /* transparent Ethernet; NVGRE has a key and nothing else (RFC 7637 section 3.2) */
        bool nvgre = (flags & (GRE_CHECKSUM | GRE_KEY | GRE_SEQUENCE)) == GRE_KEY;
        return walk_enter(w, nvgre ? LAYER_NVGRE : LAYER_GRE, size) ? walk_ethernet(w) : DECODE_TOO_DEEP;
    }
    case 0x88be: /* ERSPAN I has no header of its own and no sequence number */
        if (!walk_enter(w, LAYER_ERSPAN, size))
            return DECODE_TOO_DEEP;
        return flags & GRE_SEQUENCE ? walk_erspan2(w) : walk_ethernet(w);
    case 0x22eb:
        return walk_enter(w, LAYER_ERSPAN, size) ? walk_erspan3(w) : DECODE_TOO_DEEP;
    case 0x883e:
        return walk_enter(w, LAYER_GRE, size) ? walk_wccp(w) : DECODE_TOO_DEEP;
    case 0x880b: /* PPP */
        return walk_enter(w, LAYER_GRE, size) ? walk_ppp(w) : DECODE_TOO_DEEP;
    default:
        if (type < ETHERTYPE_SMALLEST)
            return DECODE_NOT_IP;
        return walk_enter(w, LAYER_GRE, size) ? walk_ethertype(w, type) : DECODE_TOO_DEEP;
    }
}

static enum decode_result walk_gre_header(struct walk *w)
{
    uint16_t flags = bytes_u16(&w->data);
    uint16_t type = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (flags == (GRE_KEY | 1) && type == 0x6400)
        return walk_eoip(w);
    if ((flags & GRE_VERSION) == 1)
        return walk_pptp(w, flags, type);
    if ((flags & GRE_VERSION) != 0 || flags & GRE_ROUTING)
        return DECODE_NOT_IP;
    uint32_t optional =
        (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) + (flags & GRE_SEQUENCE ? 4 : 0);
    bytes_skip(&w->data, optional);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_gre_payload(w, flags, type, 4 + optional);
}

enum decode_result walk_gre(struct walk *w)
{
    struct walk outer = *w;
    struct packet outer_packet = *w->packet;
    enum decode_result inside = walk_gre_header(w);
    if (!walk_found_nothing(inside))
        return inside;
    *w->packet = outer_packet;
    return walk_deliver(&outer, IP_GRE, outer.data, outer.missing);
}
