/* SPDX-License-Identifier: BSD-2-Clause
 *
 * unpack.h - a file's bytes as libpcap wants them: a FILE that is read once from its start to its end, gzip
 * and zstd taken off on the way. reader.c opens one per input and asks afterwards how it went, because
 * libpcap cannot tell a file that ends early from one that is wrong.
 */
#ifndef ROLECALL_CAPTURE_UNPACK_H
#define ROLECALL_CAPTURE_UNPACK_H

#include "rolecall/capture.h"

#include <stdio.h>

enum unpack_state {
    UNPACK_FINE,
    UNPACK_CUT,     /* the packed data end in their middle */
    UNPACK_DAMAGED, /* they contradict themselves */
    UNPACK_FAILED   /* the system could not read: unpack_error() */
};

struct unpack;

/* Takes the descriptor over. NULL: no memory; the descriptor is closed then. */
struct unpack *unpack_open(int descriptor);
void unpack_close(struct unpack *unpack);

/* The next unpacked bytes, up to `size`; 0 at the end, or when it went wrong. */
size_t unpack_read(struct unpack *unpack, void *to, size_t size);
/* Begins again with the first bytes: what was read so far must be no more than unpack_head() holds. */
void unpack_again(struct unpack *unpack);

/* The same as a FILE, for libpcap. fclose() it before unpack_close(); NULL: no memory. */
FILE *unpack_stream(struct unpack *unpack);

enum unpack_state unpack_state(const struct unpack *unpack);
int unpack_error(const struct unpack *unpack);          /* errno of UNPACK_FAILED */
const char *unpack_method(const struct unpack *unpack); /* "gzip", "zstd", or "" for plain bytes */
bool unpack_at_end(const struct unpack *unpack);        /* the reader asked for more than there was */
uint64_t unpack_position(const struct unpack *unpack);  /* bytes taken from the descriptor */

/* The first unpacked bytes so far read, at most CAPTURE_SIGNATURE_MAX of them. */
struct bytes unpack_head(const struct unpack *unpack);

#endif
