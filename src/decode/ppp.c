/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ppp.c - PPP (RFC 1661, framing RFC 1662) and PPPoE sessions (RFC 2516), also for what carries PPP
 * elsewhere: PPTP's GRE, L2TP and serial links. Reads IPv4, IPv6 and MPLS; control protocols are not IP, what
 * was encrypted or compressed as a whole is opaque, and VJ header compression is not undone.
 */
#include "walk.h"

/* The protocol, after an optional ff 03. Its first byte is even unless the field was compressed to one odd
 * byte (RFC 1661 sections 2 and 6.5). */
enum decode_result walk_ppp(struct walk *w)
{
    static const uint8_t address_control[] = {0xff, 0x03};
    if (bytes_begin(&w->data, address_control, sizeof(address_control)))
        bytes_skip(&w->data, sizeof(address_control));
    if (w->data.cut && w->data.left < 2) /* one byte may be a whole field or half of one */
        return DECODE_CUT;
    uint16_t protocol = bytes_u8(&w->data);
    if (!(protocol & 1))
        protocol = (uint16_t)(protocol << 8 | bytes_u8(&w->data));
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (!walk_count(w, 2))
        return DECODE_TOO_DEEP;
    switch (protocol) { /* RFC 1332, 5072, 3032 section 4.3, 1962 */
    case 0x0021:
        return walk_ipv4(w);
    case 0x0057:
        return walk_ipv6(w);
    case 0x0281:
    case 0x0283:
        return walk_mpls(w);
    case 0x00fd: /* compressed datagram; MPPE hides here too (RFC 3078) */
    case 0x00fb:
    case 0x0053: /* encrypted packet (RFC 1968) */
        return DECODE_OPAQUE;
    default:
        return DECODE_NOT_IP;
    }
}

/* version 1 and type 1 in one byte, code 0 for a session, id 2, length 2; then PPP without framing */
enum decode_result walk_pppoe(struct walk *w)
{
    uint8_t version_type = bytes_u8(&w->data);
    uint8_t code = bytes_u8(&w->data);
    bytes_skip(&w->data, 2);
    uint16_t length = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (version_type != 0x11 || code != 0)
        return DECODE_MALFORMED;
    walk_bound(w, length);
    return walk_enter(w, LAYER_PPPOE, 6) ? walk_ppp(w) : DECODE_TOO_DEEP;
}
