/* SPDX-License-Identifier: BSD-2-Clause
 *
 * bytes.h - the one checked door to captured bytes.
 *
 * A cursor walks forward over bytes it does not own. A read past the end fails; failure sticks and empties
 * the cursor, every later read gives 0, and a parser asks once at its end with bytes_ok(). All numbers are
 * big-endian unless the name ends in `le`. A length field becomes an inner cursor (bytes_take,
 * bytes_prefixed*), so nothing can run past it.
 *
 * `cut` says that the capture ended before the packet did: a cursor that failed while `cut` proves nothing
 * about the bytes that are missing (bytes_short), one that failed without it held wrong bytes.
 *
 * The functions are inline because every packet passes here; none allocates, none can fail otherwise.
 */
#ifndef ROLECALL_BYTES_H
#define ROLECALL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *at; /* next unread byte; never NULL while left > 0 */
    size_t left;       /* unread bytes */
    bool failed;       /* a read went past the end; left is 0 */
    bool cut;          /* the capture ended before the packet did */
};

static inline struct bytes bytes_of(const void *at, size_t left)
{
    return (struct bytes){.at = at, .left = left, .failed = false, .cut = false};
}

/* The first `caplen` bytes of something that was `wirelen` bytes long on the wire. */
static inline struct bytes bytes_captured(const void *at, size_t caplen, size_t wirelen)
{
    return (struct bytes){.at = at, .left = caplen, .failed = false, .cut = caplen < wirelen};
}

static inline bool bytes_ok(const struct bytes *b)
{
    return !b->failed;
}

/* Failed only because the capture is too short. */
static inline bool bytes_short(const struct bytes *b)
{
    return b->failed && b->cut;
}

static inline void bytes_fail(struct bytes *b)
{
    b->failed = true;
    b->left = 0;
}

/* Consumes n bytes and returns where they begin, or NULL after a failure. Only for this header's own use. */
static inline const uint8_t *bytes_advance_(struct bytes *b, size_t n)
{
    if (b->failed || n > b->left) {
        bytes_fail(b);
        return NULL;
    }
    const uint8_t *p = b->at;
    b->at += n;
    b->left -= n;
    return p;
}

static inline uint8_t bytes_u8(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 1);
    return p ? p[0] : 0;
}

static inline uint16_t bytes_u16(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 2);
    return (uint16_t)(p ? p[0] << 8 | p[1] : 0);
}

static inline uint32_t bytes_u24(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 3);
    return p ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : 0;
}

static inline uint32_t bytes_u32(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 4);
    return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t bytes_u64(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 8);
    return p ? (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
                   (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 | (uint64_t)p[6] << 8 | p[7]
             : 0;
}

static inline uint16_t bytes_u16le(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 2);
    return (uint16_t)(p ? p[1] << 8 | p[0] : 0);
}

static inline uint32_t bytes_u32le(struct bytes *b)
{
    const uint8_t *p = bytes_advance_(b, 4);
    return p ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0] : 0;
}

static inline void bytes_skip(struct bytes *b, size_t n)
{
    (void)bytes_advance_(b, n);
}

/* The byte `offset` places ahead, without reading on; -1 when it is not there. */
static inline int bytes_peek(const struct bytes *b, size_t offset)
{
    return !b->failed && offset < b->left ? b->at[offset] : -1;
}

/*
 * The next n bytes as their own cursor. When they are not all there: on a cut capture the inner cursor holds
 * what there is and is cut itself, and the outer one fails; otherwise both fail.
 */
static inline struct bytes bytes_take(struct bytes *b, size_t n)
{
    struct bytes inner = {.at = b->at, .left = 0, .failed = b->failed, .cut = b->cut};
    if (!b->failed && n <= b->left) {
        inner.left = n;
        inner.cut = false;
        b->at += n;
        b->left -= n;
        return inner;
    }
    if (!b->failed && b->cut)
        inner.left = b->left;
    else
        inner.failed = true;
    bytes_fail(b);
    return inner;
}

static inline struct bytes bytes_prefixed8(struct bytes *b)
{
    size_t n = bytes_u8(b);
    return bytes_take(b, n);
}

static inline struct bytes bytes_prefixed16(struct bytes *b)
{
    size_t n = bytes_u16(b);
    return bytes_take(b, n);
}

static inline struct bytes bytes_prefixed24(struct bytes *b)
{
    size_t n = bytes_u24(b);
    return bytes_take(b, n);
}

/* Copies the next n bytes to `to` and consumes them; zeroes `to` and returns false when they are not there.
 */
static inline bool bytes_copy(struct bytes *b, void *to, size_t n)
{
    const uint8_t *p = bytes_advance_(b, n);
    if (!p) {
        memset(to, 0, n);
        return false;
    }
    memcpy(to, p, n);
    return true;
}

/* Do the unread bytes begin with these n? Consumes nothing. */
static inline bool bytes_begin(const struct bytes *b, const void *with, size_t n)
{
    return !b->failed && b->left >= n && memcmp(b->at, with, n) == 0;
}

/* Could they, once more has arrived? True also when fewer than n bytes are there and all of those agree. */
static inline bool bytes_may_begin(const struct bytes *b, const void *with, size_t n)
{
    size_t m = b->left < n ? b->left : n;
    return !b->failed && (m == 0 || memcmp(b->at, with, m) == 0);
}

/* Offset of the first `wanted` within the next `within` unread bytes, or SIZE_MAX. */
static inline size_t bytes_find(const struct bytes *b, uint8_t wanted, size_t within)
{
    size_t n = b->left < within ? b->left : within;
    const uint8_t *p = b->failed || n == 0 ? NULL : memchr(b->at, wanted, n);
    return p ? (size_t)(p - b->at) : SIZE_MAX;
}

#endif
