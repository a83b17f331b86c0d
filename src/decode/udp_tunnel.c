/* SPDX-License-Identifier: BSD-2-Clause
 *
 * udp_tunnel.c - tunnels over UDP: VXLAN (RFC 7348), VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe), GENEVE (RFC
 * 8926), Teredo (RFC 4380), GTP-U (3GPP TS 29.281), L2TPv2 data (RFC 2661) and readable ESP (esp.c).
 * transport.c asks for datagrams on their ports. A port proves nothing, and media may use any of them, so
 * every constant and length of the header must hold and an IP packet must be found inside; otherwise the
 * datagram is ordinary UDP. Network ids and options are not kept.
 */
#include "walk.h"

/* flags 1, reserved 3, network 3, reserved 1 (RFC 7348 section 5). With G set, the group policy extension
 * (draft-smith-vxlan-group-policy section 2.1) has two flags more and 16 bits of group. */
static enum decode_result walk_vxlan(struct walk *w)
{
    uint8_t flags = bytes_u8(&w->data);
    uint8_t more = bytes_u8(&w->data);
    uint16_t group = bytes_u16(&w->data);
    bytes_skip(&w->data, 3);
    uint8_t zero = bytes_u8(&w->data);
    bool plain = flags == 0x08 && more == 0 && group == 0;
    bool with_group = flags == 0x88 && (more & ~0x48) == 0;
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if ((!plain && !with_group) || zero != 0)
        return DECODE_MALFORMED;
    return walk_enter(w, LAYER_VXLAN, 8) ? walk_ethernet(w) : DECODE_TOO_DEEP;
}

/* flags 1 (version 2 bits, I, P, B, O), reserved 2, next protocol 1, network 3, reserved 1 */
static enum decode_result walk_vxlan_gpe(struct walk *w)
{
    uint8_t flags = bytes_u8(&w->data);
    uint16_t reserved = bytes_u16(&w->data);
    uint8_t next = bytes_u8(&w->data);
    bytes_skip(&w->data, 3);
    uint8_t zero = bytes_u8(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if ((flags & ~0x06) != 0x08 || reserved != 0 || zero != 0 || (!(flags & 0x04) && next != 0))
        return DECODE_MALFORMED;
    if (!walk_enter(w, LAYER_VXLAN, 8))
        return DECODE_TOO_DEEP;
    switch (next) {
    case 1:
        return walk_ipv4(w);
    case 2:
        return walk_ipv6(w);
    case 0: /* no P bit: as VXLAN */
    case 3:
        return walk_ethernet(w);
    case 5:
        return walk_mpls(w);
    default:
        return DECODE_NOT_IP;
    }
}

/* version 2 bits = 0, option length 6 bits in words, O and C then 6 reserved bits, type 2, network 3,
 * reserved 1, options (RFC 8926 section 3.4) */
static enum decode_result walk_geneve(struct walk *w)
{
    uint8_t version_options = bytes_u8(&w->data);
    uint8_t flags = bytes_u8(&w->data);
    uint16_t type = bytes_u16(&w->data);
    bytes_skip(&w->data, 3);
    uint8_t zero = bytes_u8(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (version_options >> 6 != 0 || (flags & 0x3f) != 0 || zero != 0 || type < ETHERTYPE_SMALLEST)
        return DECODE_MALFORMED;
    uint32_t options = version_options * 4u;
    bytes_skip(&w->data, options);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (!walk_enter(w, LAYER_GENEVE, 8 + options))
        return DECODE_TOO_DEEP;
    return type == 0x6558 ? walk_ethernet(w) : walk_ethertype(w, type);
}

/* Teredo's own addresses begin with 2001:0 (RFC 4380 section 2.6); router solicitation is link-local. */
static bool is_teredo_address(const struct addr *a)
{
    static const uint8_t teredo[] = {0x20, 0x01, 0x00, 0x00};
    return memcmp(a->bytes, teredo, sizeof(teredo)) == 0 || addr_is_link_local(a);
}

/* Optional authentication (0001, id length 1, value length 1, id, value, nonce 8, confirmation 1), optional
 * origin (0000, port 2, address 4), then an IPv6 packet that fills the datagram (RFC 4380 section 5.1.1). */
static enum decode_result walk_teredo(struct walk *w)
{
    uint32_t size = 0;
    if (bytes_begin(&w->data, "\x00\x01", 2)) {
        bytes_skip(&w->data, 2);
        uint32_t lengths = bytes_u8(&w->data);
        lengths += bytes_u8(&w->data);
        bytes_skip(&w->data, lengths + 9);
        size += 4 + lengths + 9;
    }
    if (bytes_begin(&w->data, "\x00\x00", 2)) {
        bytes_skip(&w->data, 8);
        size += 8;
    }
    struct bytes b = w->data;
    uint32_t version = bytes_u32(&b) >> 28;
    uint32_t length = bytes_u16(&b);
    if (bytes_ok(&b) && (version != 6 || length + 40 != walk_wirelen(w)))
        return DECODE_MALFORMED;
    bytes_skip(&b, 2);
    struct addr source, destination;
    bytes_copy(&b, source.bytes, 16);
    bytes_copy(&b, destination.bytes, 16);
    if (!bytes_ok(&b))
        return walk_failed(&b);
    if (!is_teredo_address(&source) && !is_teredo_address(&destination))
        return DECODE_MALFORMED;
    return walk_enter(w, LAYER_TEREDO, size) ? walk_ipv6(w) : DECODE_TOO_DEEP;
}

/* Extension headers: length 1 in words, content, next type 1; type 0 ends them (TS 29.281 section 5.2). */
static uint32_t skip_gtp_extensions(struct walk *w, uint8_t type)
{
    uint32_t size = 0;
    while (type != 0 && bytes_ok(&w->data)) {
        uint32_t words = bytes_u8(&w->data);
        if (words == 0) {
            bytes_fail(&w->data);
            break;
        }
        bytes_skip(&w->data, words * 4 - 2);
        type = bytes_u8(&w->data);
        size += words * 4;
    }
    return size;
}

/* version 3 bits = 1, protocol type 1 = GTP, reserved 1, E, S, PN; message type 1 = 255 (user data), length 2
 * of what follows the first 8 bytes, tunnel 4; with any of E, S, PN: sequence 2, N-PDU 1, extension type 1
 * (TS 29.281 section 5.1) */
static enum decode_result walk_gtp(struct walk *w)
{
    uint32_t wirelen = walk_wirelen(w);
    uint8_t flags = bytes_u8(&w->data);
    uint8_t message = bytes_u8(&w->data);
    uint32_t length = bytes_u16(&w->data);
    bytes_skip(&w->data, 4);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if ((flags & 0xf8) != 0x30 || message != 255 || length + 8 != wirelen)
        return DECODE_MALFORMED;
    uint32_t size = 8;
    if (flags & 0x07) {
        bytes_skip(&w->data, 3);
        uint8_t type = bytes_u8(&w->data);
        size += 4 + (flags & 0x04 ? skip_gtp_extensions(w, type) : 0);
    }
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_enter(w, LAYER_GTP, size) ? walk_ip(w) : DECODE_TOO_DEEP;
}

/* T, L, 2 reserved, S, reserved, O, P, 4 reserved, version 4 bits = 2; [length 2] tunnel 2, session 2 [Ns 2,
 * Nr 2] [offset 2, padding]; then PPP (RFC 2661 section 3.1). T marks control messages. */
static enum decode_result walk_l2tp(struct walk *w)
{
    uint32_t wirelen = walk_wirelen(w);
    uint16_t flags = bytes_u16(&w->data);
    uint32_t size = 6;
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if ((flags & ~0x4b00) != 2)
        return DECODE_MALFORMED;
    if (flags & 0x4000) {
        uint16_t length = bytes_u16(&w->data);
        size += 2;
        if (bytes_ok(&w->data) && length != wirelen)
            return DECODE_MALFORMED;
    }
    bytes_skip(&w->data, 4);
    if (flags & 0x0800) {
        bytes_skip(&w->data, 4);
        size += 4;
    }
    if (flags & 0x0200) {
        uint16_t padding = bytes_u16(&w->data);
        bytes_skip(&w->data, padding);
        size += 2u + padding;
    }
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_enter(w, LAYER_L2TP, size) ? walk_ppp(w) : DECODE_TOO_DEEP;
}

/* IANA's numbers; 8472 is what Linux used before there was one. */
static walk_function *tunnel_to(uint16_t port)
{
    switch (port) {
    case 4789:
    case 8472:
        return walk_vxlan;
    case 4790:
        return walk_vxlan_gpe;
    case 6081:
        return walk_geneve;
    case 3544:
        return walk_teredo;
    case 2152:
        return walk_gtp;
    case 1701:
        return walk_l2tp;
    case 4500: /* RFC 3948 */
        return walk_esp_in_udp;
    default:
        return NULL;
    }
}

/* These answer from their port; the others spread flows over source ports and are known by the destination.
 */
static bool answers_from(uint16_t port)
{
    return port == 3544 || port == 2152 || port == 1701 || port == 4500;
}

bool udp_tunnel_has_port(uint16_t source_port, uint16_t destination_port)
{
    return tunnel_to(destination_port) != NULL || answers_from(source_port);
}

enum decode_result walk_udp_tunnel(struct walk *w, uint16_t source_port, uint16_t destination_port)
{
    walk_function *tunnel = tunnel_to(destination_port);
    return tunnel ? tunnel(w) : tunnel_to(source_port)(w);
}
