/* SPDX-License-Identifier: BSD-2-Clause
 *
 * unpack.c - gzip (RFC 1952, by zlib), zstd (RFC 8878, by libzstd) and plain bytes behind one FILE, for
 * reader.c. The first four bytes decide which. Several members or frames one after the other are one stream;
 * a capture packed twice is not looked for.
 */
#include "unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum {
    PACKED_SIZE = 1 << 16,
    STREAM_SIZE =
        1 << 18, /* libpcap reads records of some hundred bytes; this many go to the system at once */
};

struct unpack {
    int descriptor;
    enum { METHOD_PLAIN, METHOD_GZIP, METHOD_ZSTD } method;
    enum unpack_state state;
    int error;
    bool at_end;    /* the descriptor, and then the reader, came to the end */
    bool in_member; /* packed data began that have not come to their own end */
    uint64_t position;
    z_stream gzip;
    ZSTD_DStream *zstd;
    size_t packed_at, packed_size; /* unread part of `packed` */
    size_t head_size, head_left;   /* head_left: the end of it that is to be read again */
    uint8_t head[CAPTURE_SIGNATURE_MAX];
    uint8_t packed[PACKED_SIZE];
    char stream[STREAM_SIZE];
};

/* Up to `size` bytes from the descriptor; 0 at the end and after an error, which is kept. */
static size_t read_some(struct unpack *u, void *to, size_t size)
{
    ssize_t count;
    do
        count = read(u->descriptor, to, size);
    while (count < 0 && errno == EINTR);
    if (count < 0) {
        u->state = UNPACK_FAILED;
        u->error = errno;
        return 0;
    }
    u->position += (uint64_t)count;
    return (size_t)count;
}

/* Makes sure that packed bytes are there. False: the end, or an error. */
static bool refill(struct unpack *u)
{
    if (u->packed_at < u->packed_size)
        return true;
    u->packed_at = 0;
    u->packed_size = read_some(u, u->packed, PACKED_SIZE);
    return u->packed_size > 0;
}

static size_t fail(struct unpack *u, enum unpack_state state)
{
    if (u->state == UNPACK_FINE)
        u->state = state;
    return 0;
}

/* No packed bytes are left: proper only between two members. */
static size_t finish(struct unpack *u)
{
    return u->in_member ? fail(u, UNPACK_CUT) : 0;
}

static size_t read_plain(struct unpack *u, uint8_t *to, size_t size)
{
    size_t ready = u->packed_size - u->packed_at;
    if (ready == 0)
        return read_some(u, to, size);
    if (size > ready)
        size = ready;
    memcpy(to, u->packed + u->packed_at, size);
    u->packed_at += size;
    return size;
}

static size_t read_gzip(struct unpack *u, uint8_t *to, size_t size)
{
    u->gzip.next_out = to;
    u->gzip.avail_out = (unsigned)size;
    while (u->gzip.avail_out == size) {
        if (!refill(u))
            return finish(u);
        if (!u->in_member && u->packed[u->packed_at] == 0) { /* gzip(1) and tapes fill up with zeros */
            u->packed_at++;
            continue;
        }
        u->in_member = true;
        u->gzip.next_in = u->packed + u->packed_at;
        u->gzip.avail_in = (unsigned)(u->packed_size - u->packed_at);
        int result = inflate(&u->gzip, Z_NO_FLUSH);
        u->packed_at = u->packed_size - u->gzip.avail_in;
        if (result == Z_STREAM_END) {
            u->in_member = false;
            result = inflateReset(&u->gzip);
        }
        if (result != Z_OK && result != Z_BUF_ERROR && u->gzip.avail_out == size)
            return fail(u, UNPACK_DAMAGED);
    }
    return size - u->gzip.avail_out;
}

static size_t read_zstd(struct unpack *u, uint8_t *to, size_t size)
{
    ZSTD_outBuffer out = {.dst = to, .size = size, .pos = 0};
    while (out.pos == 0) {
        if (!refill(u) && !u->in_member)
            return 0;
        ZSTD_inBuffer in = {.src = u->packed, .size = u->packed_size, .pos = u->packed_at};
        size_t result = ZSTD_decompressStream(u->zstd, &out, &in);
        bool idle = in.pos == u->packed_at && out.pos == 0;
        u->packed_at = in.pos;
        if (ZSTD_isError(result))
            return fail(u, UNPACK_DAMAGED);
        u->in_member = result != 0;
        if (idle && u->packed_at == u->packed_size)
            return finish(u);
    }
    return out.pos;
}

static size_t read_again(struct unpack *u, void *to, size_t size)
{
    if (size > u->head_left)
        size = u->head_left;
    memcpy(to, u->head + u->head_size - u->head_left, size);
    u->head_left -= size;
    return size;
}

size_t unpack_read(struct unpack *u, void *to, size_t size)
{
    size_t count = 0;
    if (u->head_left > 0)
        return read_again(u, to, size);
    if (u->state == UNPACK_FINE) {
        if (u->method == METHOD_GZIP)
            count = read_gzip(u, to, size);
        else if (u->method == METHOD_ZSTD)
            count = read_zstd(u, to, size);
        else
            count = read_plain(u, to, size);
    }
    if (count == 0)
        u->at_end = true;
    size_t more = sizeof(u->head) - u->head_size;
    if (more > count)
        more = count;
    memcpy(u->head + u->head_size, to, more);
    u->head_size += more;
    return count;
}

void unpack_again(struct unpack *u)
{
    u->head_left = u->head_size;
}

static ssize_t stream_read(void *cookie, char *to, size_t size)
{
    return (ssize_t)unpack_read(cookie, to, size);
}

/* Reads at least four bytes, where there are so many, and chooses by them. False: no memory. */
static bool choose_method(struct unpack *u)
{
    static const uint8_t gzip_magic[] = {0x1f, 0x8b};             /* RFC 1952 section 2.3.1 */
    static const uint8_t zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd}; /* RFC 8878 section 3.1.1 */
    size_t count;
    do {
        count = read_some(u, u->packed + u->packed_size, PACKED_SIZE - u->packed_size);
        u->packed_size += count;
    } while (count > 0 && u->packed_size < sizeof(zstd_magic));
    if (u->packed_size >= sizeof(zstd_magic) && memcmp(u->packed, zstd_magic, sizeof(zstd_magic)) == 0) {
        u->method = METHOD_ZSTD;
        u->zstd = ZSTD_createDStream();
        return u->zstd && !ZSTD_isError(ZSTD_initDStream(u->zstd));
    }
    if (u->packed_size >= sizeof(gzip_magic) && memcmp(u->packed, gzip_magic, sizeof(gzip_magic)) == 0) {
        u->method = METHOD_GZIP;
        return inflateInit2(&u->gzip, 15 + 16) == Z_OK; /* largest window, gzip header only */
    }
    return true;
}

struct unpack *unpack_open(int descriptor)
{
    struct unpack *u = calloc(1, sizeof(*u));
    if (!u) {
        close(descriptor);
        return NULL;
    }
    u->descriptor = descriptor;
    if (!choose_method(u)) {
        unpack_close(u);
        return NULL;
    }
    return u;
}

void unpack_close(struct unpack *u)
{
    if (!u)
        return;
    if (u->method == METHOD_GZIP)
        inflateEnd(&u->gzip);
    ZSTD_freeDStream(u->zstd);
    close(u->descriptor);
    free(u);
}

FILE *unpack_stream(struct unpack *u)
{
    FILE *stream = fopencookie(u, "r", (cookie_io_functions_t){.read = stream_read});
    if (stream)
        setvbuf(stream, u->stream, _IOFBF, sizeof(u->stream));
    return stream;
}

enum unpack_state unpack_state(const struct unpack *u)
{
    return u->state;
}

int unpack_error(const struct unpack *u)
{
    return u->error;
}

const char *unpack_method(const struct unpack *u)
{
    return u->method == METHOD_GZIP ? "gzip" : u->method == METHOD_ZSTD ? "zstd" : "";
}

bool unpack_at_end(const struct unpack *u)
{
    return u->at_end;
}

uint64_t unpack_position(const struct unpack *u)
{
    return u->position;
}

struct bytes unpack_head(const struct unpack *u)
{
    return bytes_of(u->head, u->head_size);
}
