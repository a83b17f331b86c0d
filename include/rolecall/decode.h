/* SPDX-License-Identifier: BSD-2-Clause
 *
 * decode.h - from a captured frame to the inner-most packet in it.
 *
 * A decoder holds what frames share: the pool that IP fragments wait in, what is known of ESP associations
 * (both sized once, at creation) and counters. decode_frame() is one pass without allocation; it reads link
 * headers, tunnels and IP until it stands at a packet that carries nothing more, and fills a struct packet
 * whose addresses and ports are that packet's. What it came in is listed in packet.layers. Time is the
 * frames' own, so a replay gives the same answers twice.
 *
 * A decoder belongs to one thread. The network is never an error: every frame gets an enum decode_result,
 * each counted by name. Checksums are not verified.
 */
#ifndef ROLECALL_DECODE_H
#define ROLECALL_DECODE_H

#include "rolecall/packet.h"

struct decoder;

/* A reassembled packet's payload stays where it is for this many further calls of decode_frame, so that
 * frames may be decoded in batches no longer than this. All other payloads live as long as their frame. */
enum { DECODE_BATCH_MAX = 32 };

/* Every number only grows. */
struct decoder_counters {
    uint64_t
        results[DECODE_RESULT_COUNT]; /* frames, by enum decode_result; their sum is the frames decoded */
    uint64_t layers[LAYER_COUNT];     /* DECODED packets by what they came in; [LAYER_NONE]: in nothing */
    uint64_t doubtful_lengths;        /* DECODED packets whose IP header gave no length (TSO) */
    struct {
        uint64_t kept;        /* fragments stored */
        uint64_t duplicate;   /* fragments that repeated stored bytes: ignored */
        uint64_t reassembled; /* datagrams completed */
        uint64_t overlapping; /* datagrams refused: two fragments claimed the same place (RFC 5722) */
        uint64_t timed_out;   /* datagrams given up after 30 s of packet time */
        uint64_t evicted;     /* datagrams given up because the pool was full */
        uint64_t incomplete;  /* of the given up: those whose first fragment, with the ports, had come */
    } fragments;
    struct {
        uint64_t readable;  /* security associations (one direction each) found to hide nothing */
        uint64_t encrypted; /* those that cannot be read */
        uint64_t evicted;   /* those forgotten because too many others came */
    } esp;
};

/* Allocates all a decoder ever uses (about 19 MiB of address space, touched only as fragments come).
 * NULL: no memory. */
struct decoder *decoder_create(void);
void decoder_destroy(struct decoder *decoder);
void decoder_reset(struct decoder *decoder); /* as it was when created, in less time than that takes */
size_t decoder_memory(void);                 /* bytes that one decoder takes */

/* Fills *packet when the answer is DECODED; with any other answer only its time, VLANs and layers mean
 * anything. */
enum decode_result decode_frame(struct decoder *decoder, const struct frame *frame, struct packet *packet);

/*
 * Of a fragmented datagram that will not become whole (given up after 30 s, or for want of room) what its
 * first fragment tells: a packet like decode_frame's, of that fragment's time, with is_cut set and a payload
 * that is cut (both but for UDP whose own length ends within what came); payload_wirelen is UDP's own length,
 * or else what came. Refused datagrams give none. Ask after each frame until it says false, at the end with
 * INT64_MAX for all that wait. The payload stays until the next call of either function.
 */
bool decode_overdue(struct decoder *decoder, int64_t now_ns, struct packet *packet);

const struct decoder_counters *decoder_counters(const struct decoder *decoder);

/* Can frames of this link type be decoded (all others are DECODE_UNKNOWN_LINK)? */
bool decode_reads_linktype(int linktype);

#endif
