/* SPDX-License-Identifier: BSD-2-Clause
 *
 * media.h - what stun.c, ms_turn.c, rtp.c and rtcp.c share: reading one RTP, RTCP or STUN packet, and
 * counting RTP.
 *
 * The same three packets travel bare in datagrams, in RFC 4571 and MS-TURN frames, in TURN channels and in
 * Data attributes; the four identifiers differ in the wrapping and share what is inside. Specifications: RFC
 * 3550 (RTP, RTCP), RFC 3711 (SRTCP), RFC 5761 section 4 (payload types that collide), RFC 7983 (first
 * bytes), RFC 8489 (STUN), RFC 4571 (framing). Nothing here keeps state but the struct media_streams a caller
 * lends.
 */
#ifndef ROLECALL_PROTO_MEDIA_H
#define ROLECALL_PROTO_MEDIA_H

#include "rolecall/proto.h"

/* RTP, RFC 3550 section 5.1. */
enum { RTP_HEADER_SIZE = 12 };
struct media_rtp {
    uint32_t timestamp, ssrc;
    uint16_t sequence;
    uint8_t payload_type;
    uint8_t shape; /* version, extension bit and CSRC count: what stays the same within a stream */
    bool marker;
    bool has_known_extension; /* of the general kind, RFC 8285 section 4.2 and 4.3 */
};

/* MORE: the capture ended inside the header or its extension's length. */
enum proto_answer media_rtp_read(struct bytes data, size_t wirelen, struct media_rtp *rtp);

/* RTCP, RFC 3550 section 6.4; the weakest first. */
enum media_rtcp {
    MEDIA_RTCP_NO,
    MEDIA_RTCP_MORE,      /* the capture ended before the bytes that decide */
    MEDIA_RTCP_LIKELY,    /* one plausible header, what follows it does not add up: believe a second one */
    MEDIA_RTCP_FITS,      /* a report of exactly the size its block count asks for, the rest not captured */
    MEDIA_RTCP_ENCRYPTED, /* the same, followed by what only SRTCP explains (RFC 3711 section 3.4) */
    MEDIA_RTCP_CLEAR      /* every header, and the last packet ends where the datagram does */
};
enum media_rtcp media_rtcp_read(struct bytes data, size_t wirelen, uint32_t *ssrc);

/*
 * One RTP stream: 28 bytes, so that four of them and a little more fit the memory a flow lends. A slot is
 * free while its window is 0.
 */
struct media_stream {
    uint32_t ssrc, timestamp;
    uint32_t arrival_us; /* of the newest packet; wraps, only differences matter */
    uint32_t jitter_16;  /* RFC 3550 A.8, in sixteenths of a microsecond */
    uint32_t step;       /* timestamp units per packet at the last step that moved; 0: none did */
    uint16_t sequence;   /* newest */
    uint16_t window;     /* bit n: sequence - n was seen */
    uint8_t steps;       /* good steps in a row, up to 255 */
    uint8_t early;       /* packets before it was counted in the facts */
    uint8_t early_lost;
    uint8_t state; /* flags, and the shape's low bits */
};
struct media_streams {
    struct media_stream of[2][2]; /* two of each side; the second ones stay empty mostly, and stand last */
    uint8_t newest[2];            /* the slot used last, the other one is given away */
};

/* Good steps that make four packets, PROTOCOLS section 4.2. */
enum { MEDIA_STEPS_ENOUGH = 3 };

struct media_step {
    struct media_stream *stream;
    int lost;        /* sequence numbers that became missing with this packet; -1: a late one turned up */
    bool duplicate;  /* seen before, or too old to tell */
    bool silence;    /* there was none of its stream for a second */
    int64_t time_ns; /* the packet's */
};

/* Follows one packet. Only this function changes a stream. */
struct media_step media_follow(struct media_streams *streams, unsigned side, const struct media_rtp *rtp,
                               int64_t time_ns);
bool media_is_steady(const struct media_stream *stream);

/* Writes the packet, and what its stream had before, into facts->rtp and facts->modality. */
void media_count(struct media_streams *streams, const struct media_step *step, const struct media_rtp *rtp,
                 struct proto_facts *facts);

/*
 * Media makes most of a site's packets, and one more of a stream changes nothing but its counters. So what a
 * running stream needs stands by itself in one cache line, newer than the streams and facts it was begun
 * with, until it is written back there.
 */
enum { MEDIA_RUN_TYPES = 4 };
struct media_run {
    struct media_stream of[2];      /* the newest of each side; with window 0: it does not run */
    uint32_t packets;               /* facts->rtp.packets */
    uint8_t types[MEDIA_RUN_TYPES]; /* payload types of which there is nothing left to learn */
};
_Static_assert(sizeof(struct media_run) == 64, "one cache line");

void media_run_begin(struct media_run *run, const struct media_streams *streams,
                     const struct proto_facts *facts);

/* As media_follow() and media_count() do it, for the next packet of a stream that runs, where nothing is
 * missing and no silence was before it. False: it is something else, and nothing was done. */
bool media_run_goes_on(struct media_run *run, unsigned side, struct bytes data, size_t wirelen,
                       int64_t time_ns);

/* Into the very streams and facts that it was begun with; it may run on, and be written again. */
void media_run_write(const struct media_run *run, struct media_streams *streams, struct proto_facts *facts);

/* What a flow lent to rtp.c. */
struct media_streams *rtp_streams(struct proto_memory *memory);

void media_add_ssrc(struct proto_facts *facts, uint32_t ssrc);

/* STUN and MS-TURN messages, RFC 8489 section 5 and MS-TURN 2.2.1. */
enum { STUN_HEADER_SIZE = 20, STUN_COOKIE = 0x2112a442, MS_TURN_COOKIE = 0x72c64bc6 };
struct media_message {
    uint16_t type, length;
    uint8_t id[16]; /* transaction id; its first four bytes are the cookie where the RFC's is used */
    struct bytes body;
    bool has_stun_cookie;
    bool has_ms_cookie; /* the first attribute is the MS-TURN Magic Cookie, MS-TURN 2.2.2.1 */
};

/* False: shorter than a header (data->failed tells whether only the capture was). Takes the whole message. */
bool media_message_read(struct bytes *data, struct media_message *message);

struct media_attribute {
    uint16_t type;
    struct bytes value;
};

/* 4 or 1: how attributes are aligned so that the last one ends with the body; 0: neither way does it. */
unsigned media_alignment(struct bytes body, unsigned preferred);
bool media_attribute_next(struct bytes *body, unsigned alignment, struct media_attribute *attribute);

/* An address attribute, RFC 8489 section 14.1; `id` unmasks it (section 14.2), NULL: as it stands. */
bool media_address(struct bytes value, const uint8_t *id, struct addr *addr, uint16_t *port);
void media_learn_relay(struct proto_reply *reply, enum proto_transport transport, uint8_t modality,
                       const struct addr *addr, uint16_t port);

/* What one packet of a media path is, judged alone: stun, dtls, rtp, rtcp, or PROTO_UNIDENTIFIED. */
enum proto_id media_kind(struct bytes data, size_t wirelen);

/* The same for a packet that came in a wrapping already named: counts RTP, sets reply->carries. */
void media_carried(const struct proto_question *question, struct bytes data, size_t wirelen,
                   struct media_streams *streams, struct proto_facts *facts, struct proto_reply *reply);

/* A frame on TCP: its length field is read, its payload may not have arrived in full. */
struct media_frame {
    struct bytes payload; /* what is there; cut when that is not all */
    size_t wirelen;       /* of the payload */
    size_t size;          /* header and payload: what to set `used` forward by */
};

/* RFC 4571 section 2: length(2), packet. False: the length itself has not arrived. */
bool media_frame_read(struct bytes data, struct media_frame *frame);

/* Is what is there enough to judge and count the payload? Only its first bytes are ever looked at. */
bool media_frame_is_enough(const struct media_frame *frame);

#endif
