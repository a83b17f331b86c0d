/* SPDX-License-Identifier: BSD-2-Clause
 *
 * mpls.c - MPLS label stacks (RFC 3032) with IP or an Ethernet pseudowire (RFC 4448, control word RFC 4385)
 * below. Nothing in the packet says which of the three follows, so the first nibble and the place of an
 * EtherType decide. A whole stack is one layer; labels are not kept.
 */
#include "walk.h"

enum nature { NATURE_NO, NATURE_YES, NATURE_SHORT };

/* Could an Ethernet header stand `offset` bytes ahead? Its type decides; an 802.3 length must fit the wire.
 */
static enum nature is_ethernet(const struct walk *w, uint32_t offset)
{
    int high = bytes_peek(&w->data, offset + 12);
    int low = bytes_peek(&w->data, offset + 13);
    if (high < 0 || low < 0)
        return w->data.cut ? NATURE_SHORT : NATURE_NO;
    uint16_t type = (uint16_t)(high << 8 | low);
    if (type < ETHERTYPE_SMALLEST)
        return type >= 3 && offset + 14u + type <= walk_wirelen(w) ? NATURE_YES : NATURE_NO;
    return ethertype_is_known(type) ? NATURE_YES : NATURE_NO;
}

/* Hardware addresses often begin with a nibble 4 or 6; an IP header there must also agree with the wire's
 * length. RFC 791 section 3.1, RFC 8200 section 3. */
static enum nature is_ip(const struct walk *w)
{
    struct bytes b = w->data;
    uint8_t first = bytes_u8(&b);
    bytes_skip(&b, first >> 4 == 6 ? 3 : 1);
    uint32_t length = bytes_u16(&b);
    if (!bytes_ok(&b))
        return b.cut ? NATURE_SHORT : NATURE_NO;
    if (first >> 4 == 6)
        return length + 40 <= walk_wirelen(w) ? NATURE_YES : NATURE_NO;
    bool fits = (first & 15) >= 5 && length >= (first & 15u) * 4 && length <= walk_wirelen(w);
    return fits ? NATURE_YES : NATURE_NO;
}

static enum decode_result walk_below_labels(struct walk *w)
{
    int first = bytes_peek(&w->data, 0);
    if (first < 0)
        return w->data.cut ? DECODE_CUT : DECODE_NOT_IP;
    enum nature ip = NATURE_NO, control_word = NATURE_NO;
    if (first >> 4 == 4 || first >> 4 == 6)
        ip = is_ip(w);
    if (first >> 4 == 0)
        control_word = is_ethernet(w, 4);
    enum nature ethernet = is_ethernet(w, 0);

    if (ip == NATURE_YES)
        return walk_ip(w);
    if (control_word == NATURE_YES) {
        bytes_skip(&w->data, 4);
        return walk_count(w, 4) ? walk_ethernet(w) : DECODE_TOO_DEEP;
    }
    if (ip == NATURE_SHORT || control_word == NATURE_SHORT)
        return DECODE_CUT;
    if (ethernet == NATURE_YES)
        return walk_ethernet(w);
    if (ethernet == NATURE_SHORT)
        return DECODE_CUT;
    return first >> 4 == 4 || first >> 4 == 6 ? walk_ip(w) : DECODE_NOT_IP;
}

/* label 20, traffic class 3, bottom of stack 1, TTL 8 bits; until the bottom */
enum decode_result walk_mpls(struct walk *w)
{
    uint32_t entry, size = 0;
    do {
        entry = bytes_u32(&w->data);
        if (!bytes_ok(&w->data))
            return walk_failed(&w->data);
        size += 4;
        if (size > PACKET_HEADERS_MAX)
            return DECODE_TOO_DEEP;
    } while (!(entry & 0x100));
    return walk_enter(w, LAYER_MPLS, size) ? walk_below_labels(w) : DECODE_TOO_DEEP;
}
