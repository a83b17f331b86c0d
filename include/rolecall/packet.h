/* SPDX-License-Identifier: BSD-2-Clause
 *
 * packet.h - what capture hands to decode, and what decode makes of it.
 *
 * A struct frame is one captured record: its bytes belong to whoever made it and live until the next read.
 * decode_frame() fills a struct packet from it; every pointer in the packet points into the frame, or into
 * the decoder's own reassembly buffer, and lives as long as both. The addresses and ports are those of the
 * inner-most packet (what the frame tunnelled), ports in host order. Layers that stood before it are kept in
 * order, outermost first.
 */
#ifndef ROLECALL_PACKET_H
#define ROLECALL_PACKET_H

#include "rolecall/addr.h"
#include "rolecall/bytes.h"

/* Whoever wants a frame's bytes to stay beyond the next read counts himself in, on the reader's thread, and
 * out again when he is done. */
struct frame_hold {
    unsigned users;
};

/* Link types by their LINKTYPE_ / DLT_ number; libpcap's own header stays inside src/capture. */
struct frame {
    int64_t time_ns; /* since 1970-01-01 UTC */
    const uint8_t *at;
    uint32_t caplen;  /* bytes captured */
    uint32_t wirelen; /* bytes the frame had; never below caplen */
    uint16_t linktype;
    uint16_t interface;      /* index into the capture's interfaces or files */
    struct frame_hold *hold; /* of the memory the bytes are in; NULL: they cannot stay, copy them */
};

/* What a packet came in. The order is the wire's; names as `rolecall.flow.tunnel` prints them. */
enum layer {
    LAYER_NONE,
    LAYER_VLAN,
    LAYER_MPLS,
    LAYER_PPPOE,
    LAYER_GRE,
    LAYER_NVGRE,
    LAYER_ERSPAN,
    LAYER_VXLAN,
    LAYER_GENEVE,
    LAYER_IPIP,
    LAYER_CMD,
    LAYER_VNTAG,
    LAYER_FABRICPATH,
    LAYER_AH,
    LAYER_ESP_NULL,
    LAYER_TEREDO,
    LAYER_GTP,
    LAYER_L2TP,
    LAYER_COUNT
};
const char *layer_name(enum layer layer);

enum { PACKET_LAYERS_MAX = 16, PACKET_HEADERS_MAX = 512 }; /* PROTOCOLS section 17 */

/* How far decoding came. Everything but DECODED is a counter of its own. */
enum decode_result {
    DECODED,             /* addresses, and ports where the protocol has them */
    DECODE_FRAGMENT,     /* kept for reassembly, or part of a refused datagram: nothing to judge yet */
    DECODE_NOT_IP,       /* ARP, LLDP, 802.2 ...: not ours */
    DECODE_OPAQUE,       /* MACsec and the like: cannot be looked into */
    DECODE_CUT,          /* the capture ended inside the headers */
    DECODE_MALFORMED,    /* the bytes contradict themselves */
    DECODE_TOO_DEEP,     /* more than PACKET_LAYERS_MAX layers or PACKET_HEADERS_MAX bytes of headers */
    DECODE_UNKNOWN_LINK, /* a link type this program does not read */
    DECODE_RESULT_COUNT
};
const char *decode_result_name(enum decode_result result);

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };
enum {
    IP_ICMP = 1,
    IP_IPIP = 4,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_IPV6 = 41,
    IP_GRE = 47,
    IP_ESP = 50,
    IP_AH = 51,
    IP_ICMPV6 = 58,
    IP_SCTP = 132
};

/* What every packet has stands first: two cache lines, of which another processor may have to be asked. */
struct packet {
    int64_t time_ns;
    struct addr source, destination;
    uint16_t source_port, destination_port; /* 0 where the protocol has none */
    uint32_t payload_wirelen; /* bytes the payload had on the wire; above payload.left when cut */
    struct bytes payload;     /* after the TCP or UDP header; the whole ICMP, ESP or AH message otherwise */
    uint32_t ip_bytes;        /* total length of the inner-most IP packet, as its header says */
    uint32_t tcp_sequence, tcp_acknowledgement;
    uint16_t tcp_window;
    uint16_t checksum;   /* of TCP, UDP or ICMP as it stands, never verified */
    uint16_t ip_id;      /* IPv4 identification; 0 for IPv6 */
    uint16_t vlan;       /* outermost 802.1Q id, 0xffff when untagged */
    uint16_t inner_vlan; /* second tag, 0xffff when none */
    uint8_t protocol;    /* IANA number of the inner-most header */
    uint8_t ttl;         /* or hop limit */
    uint8_t tcp_flags;
    bool is_fragmented;      /* reassembled from fragments, or the first alone */
    bool is_cut;             /* the capture ended inside this packet */
    bool is_doubtful_length; /* TSO: the IP header said 0, the frame's length was taken */
    uint8_t icmp_type, icmp_code;
    bool has_quoted; /* an ICMP error that quotes a packet with readable addresses */
    uint8_t layer_count;
    uint32_t ah_spi;  /* of the AH that was walked; 0 when none */
    uint32_t esp_spi; /* of ESP, or of the readable ESP this came from; 0 when none */
    uint32_t esp_sequence;

    uint8_t layers[PACKET_LAYERS_MAX]; /* enum layer, outermost first */
    struct {
        struct addr source, destination;
        uint16_t source_port, destination_port;
        uint8_t protocol;
    } quoted;
};
_Static_assert(offsetof(struct packet, quoted) <= 2 * 64 + 16, "two cache lines, and the layers");

#endif
