/* SPDX-License-Identifier: BSD-2-Clause
 *
 * transport.c - the headers with ports: TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260 section 3). UDP that
 * may be a tunnel is tried as one first. TCP options are skipped, checksums are kept but not verified.
 */
#include "walk.h"

enum decode_result walk_tcp(struct walk *w)
{
    struct packet *p = w->packet;
    uint32_t wirelen = walk_wirelen(w);
    struct bytes header = bytes_take(&w->data, 20);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    p->source_port = bytes_u16(&header);
    p->destination_port = bytes_u16(&header);
    p->tcp_sequence = bytes_u32(&header);
    p->tcp_acknowledgement = bytes_u32(&header);
    uint32_t size = (bytes_u8(&header) >> 4) * 4u;
    p->tcp_flags = bytes_u8(&header);
    p->tcp_window = bytes_u16(&header);
    p->checksum = bytes_u16(&header);
    if (size < 20 || size > wirelen)
        return DECODE_MALFORMED;
    if (size - 20 > w->data.left) { /* cut inside the options */
        uint32_t missing = wirelen - size;
        return walk_deliver(w, IP_TCP, bytes_captured(w->data.at, 0, missing), missing);
    }
    bytes_skip(&w->data, size - 20);
    return walk_deliver(w, IP_TCP, w->data, w->missing);
}

/* Tries the payload as a tunnel; true when that is what the frame was, with *result. */
static bool udp_is_tunnel(struct walk *w, uint16_t source, uint16_t destination, enum decode_result *result)
{
    struct walk outer = *w;
    struct packet outer_packet = *w->packet;
    *result = walk_count(w, 8) ? walk_udp_tunnel(w, source, destination) : DECODE_TOO_DEEP;
    if (*result != DECODE_MALFORMED && !walk_found_nothing(*result))
        return true;
    *w = outer;
    *w->packet = outer_packet;
    return false;
}

enum decode_result walk_udp(struct walk *w)
{
    struct packet *p = w->packet;
    struct bytes header = bytes_take(&w->data, 8);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    uint16_t source = bytes_u16(&header);
    uint16_t destination = bytes_u16(&header);
    uint32_t length = bytes_u16(&header);
    uint16_t checksum = bytes_u16(&header);
    /* No length: a jumbogram (RFC 2675 section 4) or offload, together with no IP length. */
    bool no_length = length == 0 && p->is_doubtful_length;
    if (!no_length) {
        if (length < 8 || length - 8 > walk_wirelen(w))
            return DECODE_MALFORMED;
        walk_bound(w, length - 8);
    }
    enum decode_result result;
    if (udp_tunnel_has_port(source, destination) && udp_is_tunnel(w, source, destination, &result))
        return result;
    p->source_port = source;
    p->destination_port = destination;
    p->checksum = checksum;
    return walk_deliver(w, IP_UDP, w->data, w->missing);
}

/* ports 2 and 2, verification tag 4, checksum 4 (kept nowhere: it has 32 bits) */
enum decode_result walk_sctp(struct walk *w)
{
    struct bytes b = w->data;
    uint16_t source = bytes_u16(&b);
    uint16_t destination = bytes_u16(&b);
    bytes_skip(&b, 8);
    if (!bytes_ok(&b))
        return walk_failed(&b);
    w->packet->source_port = source;
    w->packet->destination_port = destination;
    return walk_deliver(w, IP_SCTP, w->data, w->missing);
}
