/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ethernet.c - Ethernet II and 802.3 with LLC/SNAP, and the tags that stand between the addresses and the
 * payload: 802.1Q and 802.1ad (IEEE 802.1Q), Cisco CMD, VN-Tag (802.1BR's predecessor), Cisco FabricPath;
 * PROTOCOLS section
 * 17. Every other carrier of an EtherType enters at walk_ethertype. Hardware addresses are not kept, and a
 * frame check sequence at the end is not looked for: the IP length leaves it outside.
 */
#include "walk.h"

enum { ETHERNET_TAGS_MAX = 8 }; /* PROTOCOLS section 17 */

/* The two bytes after the addresses: a type, or the length of an 802.3 frame whose rest is padding. */
static enum decode_result walk_type_or_length(struct walk *w, uint16_t type)
{
    if (type >= ETHERTYPE_SMALLEST)
        return walk_ethertype(w, type);
    if (type <= walk_wirelen(w))
        walk_bound(w, type);
    return walk_llc(w);
}

/* 802.1Q and 802.1ad tags: priority 3, drop eligible 1, id 12 bits; then the next type. Id 0 is a priority
 * tag only, the frame counts as untagged (IEEE 802.1Q clause 6.9). */
static enum decode_result walk_vlan(struct walk *w)
{
    unsigned tags = 0;
    uint16_t type;
    do {
        uint16_t id = bytes_u16(&w->data) & 0x0fff;
        type = bytes_u16(&w->data);
        if (!bytes_ok(&w->data))
            return walk_failed(&w->data);
        if (!walk_enter(w, LAYER_VLAN, 4) || ++tags > ETHERNET_TAGS_MAX)
            return DECODE_TOO_DEEP;
        if (id != 0 && w->packet->vlan == 0xffff)
            w->packet->vlan = id;
        else if (id != 0 && w->packet->inner_vlan == 0xffff)
            w->packet->inner_vlan = id;
    } while (type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200);
    return walk_type_or_length(w, type);
}

/* Cisco CMD: version 1 = 1, length 1 in words of 4 bytes (option and security group tag are one), then the
 * type. */
static enum decode_result walk_cmd(struct walk *w)
{
    uint8_t version = bytes_u8(&w->data);
    uint8_t words = bytes_u8(&w->data);
    bytes_skip(&w->data, words * 4u);
    uint16_t type = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (version != 1)
        return DECODE_NOT_IP;
    return walk_enter(w, LAYER_CMD, 4 + words * 4u) ? walk_ethertype(w, type) : DECODE_TOO_DEEP;
}

/* VN-Tag: direction 1, pointer 1, destination 14, looped 1, reserved 1, version 2, source 12 bits; then the
 * type. */
static enum decode_result walk_vntag(struct walk *w)
{
    bytes_skip(&w->data, 4);
    uint16_t type = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_enter(w, LAYER_VNTAG, 6) ? walk_ethertype(w, type) : DECODE_TOO_DEEP;
}

/* FabricPath: the outer addresses and this type were read as if they were Ethernet's; what is left of its 16
 * bytes is the forwarding tag 10 and TTL 6 bits. A whole Ethernet frame follows. */
static enum decode_result walk_fabricpath(struct walk *w)
{
    bytes_skip(&w->data, 2);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_enter(w, LAYER_FABRICPATH, 2) ? walk_ethernet(w) : DECODE_TOO_DEEP;
}

/* 802.1ah service instance: priority 3, drop eligible 1, flags 4, instance 24 bits; the customer's whole
 * frame follows (IEEE 802.1Q clause 9.7). Counts as a VLAN tag without an id. */
static enum decode_result walk_service_instance(struct walk *w)
{
    bytes_skip(&w->data, 4);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_enter(w, LAYER_VLAN, 4) ? walk_ethernet(w) : DECODE_TOO_DEEP;
}

enum decode_result walk_ethertype(struct walk *w, uint16_t type)
{
    switch (type) {
    case 0x0800:
        return walk_ipv4(w);
    case 0x86dd:
        return walk_ipv6(w);
    case 0x8100: /* 802.1Q */
    case 0x88a8: /* 802.1ad */
    case 0x9100: /* its older numbers */
    case 0x9200:
        return walk_vlan(w);
    case 0x88e7:
        return walk_service_instance(w);
    case 0x8847:
    case 0x8848:
        return walk_mpls(w);
    case 0x8864:
        return walk_pppoe(w);
    case 0x8909:
        return walk_cmd(w);
    case 0x8926:
        return walk_vntag(w);
    case 0x8903:
        return walk_fabricpath(w);
    case 0x88e5: /* MACsec: encrypted, or made to look so */
        return DECODE_OPAQUE;
    default:
        return DECODE_NOT_IP;
    }
}

/* Types that a real frame is likely to have: what an Ethernet header is told by where nothing announces one.
 */
bool ethertype_is_known(uint16_t type)
{
    switch (type) {
    case 0x0800:
    case 0x86dd:
    case 0x8100:
    case 0x88a8:
    case 0x8847:
    case 0x8848:
    case 0x8863: /* PPPoE discovery */
    case 0x8864:
    case 0x8909:
    case 0x88e5:
    case 0x0806: /* ARP */
    case 0x8035: /* RARP */
    case 0x8809: /* LACP and other slow protocols */
    case 0x888e: /* 802.1X */
    case 0x88cc: /* LLDP */
    case 0x88f7: /* PTP */
    case 0x8902: /* CFM */
    case 0x9000: /* loopback test */
        return true;
    default:
        return false;
    }
}

/* LLC (IEEE 802.2): destination and source SAP, control. SNAP carries an EtherType below an organisation of
 * zero (RFC 1042) or the bridge tunnel's 0000f8; SAP 06 is IP alone (RFC 948). */
enum decode_result walk_llc(struct walk *w)
{
    uint32_t llc = bytes_u24(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (llc == 0x060603)
        return walk_count(w, 3) ? walk_ipv4(w) : DECODE_TOO_DEEP;
    if (llc != 0xaaaa03)
        return DECODE_NOT_IP;
    uint32_t organisation = bytes_u24(&w->data);
    uint16_t type = bytes_u16(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (organisation != 0 && organisation != 0x0000f8)
        return DECODE_NOT_IP;
    return walk_count(w, 8) ? walk_ethertype(w, type) : DECODE_TOO_DEEP;
}

enum decode_result walk_ethernet(struct walk *w)
{
    struct bytes header = bytes_take(&w->data, 14);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    bytes_skip(&header, 12);
    uint16_t type = bytes_u16(&header);
    if (!walk_count(w, 14))
        return DECODE_TOO_DEEP;
    if (type == 0x0800)
        return walk_ipv4(w);
    return walk_type_or_length(w, type);
}
