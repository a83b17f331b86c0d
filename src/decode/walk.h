/* SPDX-License-Identifier: BSD-2-Clause
 *
 * walk.h - the state of one frame's decoding, and the functions that read one header each.
 *
 * Every function named walk_NAME stands before a header of that name, reads it, and returns what the rest of
 * the frame came to, usually by calling the next one. What it reads is only in walk.data; what it learns goes
 * to the packet.
 *
 * To add an encapsulation:
 *   1. a name in enum layer (rolecall/packet.h) and in layer_name() (decode.c);
 *   2. walk_NAME in the file of its carrier: ethernet.c, mpls.c, ppp.c, ip.c, gre.c or udp_tunnel.c. It reads
 * its header through a copy of walk.data, says walk_failed() when that was too short, calls walk_enter() and
 * goes on with what the header announces;
 *   3. one line where the carrier decides: the switch of walk_ethertype, walk_ip_payload or walk_gre, or the
 * table of udp_tunnel.c;
 *   4. a frame in tests/unit/test_decode.c.
 */
#ifndef ROLECALL_DECODE_WALK_H
#define ROLECALL_DECODE_WALK_H

#include "rolecall/decode.h"

struct fragment_pool;
struct esp_table;

struct decoder {
    struct decoder_counters counters;
    struct fragment_pool *fragments;
    struct esp_table *esp;
};

/* Invariant: data.cut is (missing > 0). */
struct walk {
    struct decoder *decoder;
    struct packet *packet;
    struct bytes data; /* still unread, up to the end of the packet we are in */
    uint32_t missing;  /* bytes the wire had after `data` */
    uint32_t headers;  /* header bytes behind us, all layers together */
    bool is_snapped;   /* a snap length shortened this frame, or a fragment that it completes */
};

enum { ETHERTYPE_SMALLEST = 0x0600 }; /* below: an 802.3 length. IEEE 802.3 clause 3.2.6 */

/* What a cursor that failed means for the frame. decode.c makes a DECODE_CUT malformed where no snap length
 * can be the reason. */
static inline enum decode_result walk_failed(const struct bytes *b)
{
    return b->cut ? DECODE_CUT : DECODE_MALFORMED;
}

/* Bytes on the wire from here to the end of the packet we are in. */
static inline uint32_t walk_wirelen(const struct walk *w)
{
    return (uint32_t)w->data.left + w->missing;
}

/* A length field says that only `wirelen` bytes belong to the packet. Claims beyond the frame are taken as
 * bytes that were not captured: slicing devices shorten frames and leave no other trace. */
static inline void walk_bound(struct walk *w, uint32_t wirelen)
{
    if (wirelen <= w->data.left) {
        w->data = bytes_take(&w->data, wirelen);
        w->missing = 0;
    } else {
        w->missing = wirelen - (uint32_t)w->data.left;
        w->data.cut = true;
    }
}

/* Adds a header's bytes to the depth. False: too deep. */
static inline bool walk_count(struct walk *w, uint32_t header_size)
{
    w->headers += header_size;
    return w->headers <= PACKET_HEADERS_MAX;
}

/* Notes a layer that was read. False: too deep. */
static inline bool walk_enter(struct walk *w, enum layer layer, uint32_t header_size)
{
    if (w->packet->layer_count == PACKET_LAYERS_MAX)
        return false;
    w->packet->layers[w->packet->layer_count++] = (uint8_t)layer;
    return walk_count(w, header_size);
}

/* The end of the walk: this is the inner-most packet, `payload` its payload with `missing` bytes not
 * captured. */
static inline enum decode_result walk_deliver(struct walk *w, uint8_t protocol, struct bytes payload,
                                              uint32_t missing)
{
    struct packet *p = w->packet;
    p->protocol = protocol;
    p->payload = payload;
    p->payload_wirelen = (uint32_t)payload.left + missing;
    p->is_cut = missing > 0;
    return DECODED;
}

/* Is there no IP packet to read in what a tunnel brought? Then the tunnel's own packet is the inner-most one.
 */
static inline bool walk_found_nothing(enum decode_result inside)
{
    return inside == DECODE_NOT_IP || inside == DECODE_OPAQUE;
}

/* FNV-1a over an address pair and what else names something of it. */
static inline uint32_t address_pair_hash(const struct addr *source, const struct addr *destination,
                                         uint32_t id, uint32_t kind)
{
    uint32_t hash = 2166136261u;
    for (unsigned i = 0; i < sizeof(source->bytes); i++) {
        hash = (hash ^ source->bytes[i]) * 16777619u;
        hash = (hash ^ destination->bytes[i]) * 16777619u;
    }
    hash = (hash ^ id) * 16777619u;
    hash = (hash ^ kind) * 16777619u;
    return hash ^ hash >> 16;
}

typedef enum decode_result walk_function(struct walk *w);

/* plain.c: fills a packet that was begun, of a frame of the common kind. False: it is of another, and the
 * packet must be begun again. */
bool plain_read(const struct frame *frame, struct packet *packet);

/* decode.c: the same for every kind, counters included. */
enum decode_result decode_by_walk(struct decoder *decoder, const struct frame *frame, struct packet *packet);

/* link.c: the reader of a link type; NULL when there is none. */
walk_function *link_reader(int linktype);
/* A header inside another that names it by its link type; DECODE_NOT_IP when it has no reader. */
enum decode_result walk_linktype(struct walk *w, uint32_t linktype);

/* wifi.c */
enum decode_result walk_wifi(struct walk *w);
enum decode_result walk_radiotap(struct walk *w);
enum decode_result walk_ppi(struct walk *w);

/* ethernet.c */
enum decode_result walk_ethernet(struct walk *w);
enum decode_result walk_ethertype(struct walk *w, uint16_t type);
enum decode_result walk_llc(struct walk *w);
bool ethertype_is_known(uint16_t type);

/* mpls.c, ppp.c */
enum decode_result walk_mpls(struct walk *w);
enum decode_result walk_pppoe(struct walk *w);
enum decode_result walk_ppp(struct walk *w);

/* ip.c */
enum decode_result walk_ipv4(struct walk *w);
enum decode_result walk_ipv6(struct walk *w);
enum decode_result walk_ip(struct walk *w); /* by the version nibble */
/* The header of this protocol, of the IP packet whose addresses are known already. */
enum decode_result walk_protocol(struct walk *w, uint8_t protocol);

/* gre.c */
enum decode_result walk_gre(struct walk *w);

/* transport.c, icmp.c: the inner-most headers */
enum decode_result walk_tcp(struct walk *w);
enum decode_result walk_udp(struct walk *w);
enum decode_result walk_sctp(struct walk *w);
enum decode_result walk_icmp(struct walk *w, uint8_t protocol);

/* esp.c; in UDP with the answers of a udp_tunnel */
enum decode_result walk_esp(struct walk *w);
enum decode_result walk_esp_in_udp(struct walk *w);

/*
 * udp_tunnel.c: stands at a UDP payload. DECODE_MALFORMED, DECODE_NOT_IP and DECODE_OPAQUE all mean that it
 * is not a tunnel with an IP packet inside; the caller then restores what it had.
 */
bool udp_tunnel_has_port(uint16_t source_port, uint16_t destination_port);
enum decode_result walk_udp_tunnel(struct walk *w, uint16_t source_port, uint16_t destination_port);

#endif
