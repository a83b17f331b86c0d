/* SPDX-License-Identifier: BSD-2-Clause
 *
 * stream.c - see stream.h. Sequence arithmetic is modulo 2^32 (RFC 9293 section 3.4). Of two copies of a byte
 * the first wins once it was handed out in order; while it waits behind a hole a later copy may take its
 * place.
 */
#include "stream.h"

#include "rolecall/proto.h"

enum { EARLY_SEGMENTS_MAX = 8 }; /* a hole that so many segments have overtaken will not be filled */

static uint8_t *window_of(const struct stream *stream, struct pool *windows)
{
    return pool_item(windows, stream->window);
}

static void release(struct stream *stream, struct pool *windows)
{
    if (stream->window)
        pool_give(windows, stream->window);
    stream->window = 0;
    stream->ready = stream->early = stream->early_end = 0;
    stream->early_segments = 0;
}

void stream_restart(struct stream *stream, struct pool *windows, uint32_t sequence)
{
    release(stream, windows);
    stream->base = sequence;
    stream->torn = false;
}

static void lose_until(struct stream *stream, struct pool *windows, uint32_t sequence)
{
    stream_restart(stream, windows, sequence);
    stream->gap = true;
    stream->start = false;
}

/* Keeps bytes that lie beyond a hole. One run only: what does not touch it is left to retransmission. */
static void keep_early(struct stream *stream, struct pool *windows, size_t offset,
                       const struct bytes *segment)
{
    size_t end = offset + segment->left;
    stream->early_segments++;
    if (stream->early && (offset > stream->early_end || end < stream->early))
        return;
    memcpy(window_of(stream, windows) + offset, segment->at, segment->left);
    if (!stream->early || offset < stream->early)
        stream->early = (uint16_t)offset;
    if (end > stream->early_end)
        stream->early_end = (uint16_t)end;
}

/* The hole before the early run is given up: the run becomes the head of the window. */
static void skip_hole(struct stream *stream, struct pool *windows)
{
    uint8_t *window = window_of(stream, windows);
    uint16_t from = stream->early, size = (uint16_t)(stream->early_end - stream->early);
    memmove(window, window + from, size);
    stream->base += from;
    stream->ready = size;
    stream->early = stream->early_end = 0;
    stream->early_segments = 0;
    stream->gap = true;
    stream->start = false;
}

static enum stream_offer offer_early(struct stream *stream, struct pool *windows, uint32_t sequence,
                                     size_t offset, struct bytes segment, struct bytes *view)
{
    if (stream->torn || offset + segment.left > PROTO_WINDOW_SIZE) {
        lose_until(stream, windows, sequence);
        *view = segment;
        return STREAM_READY;
    }
    if (!stream->window && !(stream->window = pool_take(windows)))
        return STREAM_STARVED;
    keep_early(stream, windows, offset, &segment);
    if (stream->early_segments < EARLY_SEGMENTS_MAX)
        return STREAM_NOTHING;
    skip_hole(stream, windows);
    *view = bytes_of(window_of(stream, windows), stream->ready);
    return STREAM_READY;
}

/* Appends in-order bytes to a window that already holds some, and joins the early run when they reach it. */
static void append(struct stream *stream, struct pool *windows, const struct bytes *segment, size_t skip)
{
    uint8_t *window = window_of(stream, windows);
    size_t size = segment->left - skip;
    memcpy(window + stream->ready, segment->at + skip, size);
    stream->ready = (uint16_t)(stream->ready + size);
    if (stream->early && stream->ready >= stream->early) {
        if (stream->early_end > stream->ready)
            stream->ready = stream->early_end;
        stream->early = stream->early_end = 0;
        stream->early_segments = 0;
    }
}

enum stream_offer stream_offer(struct stream *stream, struct pool *windows, uint32_t sequence,
                               struct bytes segment, struct bytes *view, struct bytes *rest,
                               uint32_t *rest_sequence)
{
    int32_t offset = (int32_t)(sequence - stream->base);
    *rest = bytes_of(segment.at, 0);
    segment.cut = false; /* a stream has no end to be cut at: what is missing is a hole */
    if (offset < 0) {
        if ((size_t) - (int64_t)offset >= segment.left)
            return STREAM_NOTHING;
        bytes_skip(&segment, (size_t) - (int64_t)offset);
        sequence = stream->base;
        offset = 0;
    }
    size_t room = PROTO_WINDOW_SIZE;
    if ((size_t)offset > stream->ready) {
        struct bytes head = bytes_of(segment.at, segment.left < room ? segment.left : room);
        *rest = bytes_of(segment.at + head.left, segment.left - head.left);
        *rest_sequence = sequence + (uint32_t)head.left;
        return offer_early(stream, windows, sequence, (size_t)offset, head, view);
    }
    size_t known = stream->ready - (size_t)offset; /* bytes of the segment that the window has already */
    if (known >= segment.left)
        return STREAM_NOTHING;
    size_t fits = room - stream->ready < segment.left - known ? room - stream->ready : segment.left - known;
    *rest = bytes_of(segment.at + known + fits, segment.left - known - fits);
    *rest_sequence = sequence + (uint32_t)(known + fits);
    if (!stream->window) {
        *view = bytes_of(segment.at, fits);
        return STREAM_READY;
    }
    struct bytes head = bytes_of(segment.at, known + fits);
    append(stream, windows, &head, known);
    *view = bytes_of(window_of(stream, windows), stream->ready);
    return STREAM_READY;
}

bool stream_use(struct stream *stream, struct pool *windows, const struct bytes *view, size_t used)
{
    stream->base += (uint32_t)used;
    if (stream->window) {
        uint8_t *window = window_of(stream, windows);
        size_t held = stream->early_end > stream->ready ? stream->early_end : stream->ready;
        if (used >= held) {
            release(stream, windows);
            return true;
        }
        memmove(window, window + used, held - used);
        stream->ready = (uint16_t)(used < stream->ready ? stream->ready - used : 0);
        if (stream->early) {
            stream->early = (uint16_t)(used < stream->early ? stream->early - used : 0);
            stream->early_end = (uint16_t)(stream->early_end - used);
            if (!stream->early) { /* skipping ahead has reached the early run */
                stream->ready = stream->early_end;
                stream->early_end = 0;
                stream->early_segments = 0;
            }
        }
        return true;
    }
    if (used >= view->left)
        return true;
    if (!(stream->window = pool_take(windows)))
        return false;
    stream->ready = (uint16_t)(view->left - used);
    memcpy(window_of(stream, windows), view->at + used, stream->ready);
    return true;
}
