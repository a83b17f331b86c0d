/* SPDX-License-Identifier: BSD-2-Clause
 *
 * stream.h - one side of a TCP stream, put back in order as far as identification needs it: a window of
 * PROTO_WINDOW_SIZE bytes from the first byte not yet used, and one run of bytes that came early. Segments
 * that arrive in order and are used at once never touch a window. Private to src/proto.
 */
#ifndef ROLECALL_STREAM_H
#define ROLECALL_STREAM_H

#include "rolecall/bytes.h"
#include "rolecall/pool.h"

struct stream {
    uint32_t base;              /* sequence number of the first byte not yet used */
    uint8_t early_segments : 4; /* that came since there is a hole */
    bool anchored : 1;          /* base is known */
    bool start : 1;             /* nothing of this side was missed since its SYN */
    bool gap : 1;               /* bytes were lost just before base, and nobody was told yet */
    bool torn : 1;              /* the capture cut a segment: what follows it can never be filled in */
    uint16_t ready;             /* contiguous bytes at the window's start */
    uint32_t window;            /* index into the pool of windows; 0: nothing is kept */
    uint16_t early;             /* where the early run begins in the window; 0: there is none */
    uint16_t early_end;
};

enum stream_offer {
    STREAM_NOTHING, /* no new byte at base */
    STREAM_READY,   /* `view` holds the unread bytes */
    STREAM_STARVED  /* a window was needed and none was free */
};

/*
 * Offers a segment's bytes at `sequence`; trims what was used before. On STREAM_READY `view` is valid until
 * the next call with this stream, and `*rest` holds what did not fit into it, to be offered again.
 */
enum stream_offer stream_offer(struct stream *stream, struct pool *windows, uint32_t sequence,
                               struct bytes segment, struct bytes *view, struct bytes *rest,
                               uint32_t *rest_sequence);

/* Moves base `used` bytes on, beyond what has arrived if need be, and keeps the rest of the view. False: no
 * window. */
bool stream_use(struct stream *stream, struct pool *windows, const struct bytes *view, size_t used);

/* Forgets what is kept; base goes to `sequence`. */
void stream_restart(struct stream *stream, struct pool *windows, uint32_t sequence);

#endif
