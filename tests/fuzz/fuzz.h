/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz.h - what every fuzz target begins with. The input is walked with the checked cursor of bytes.h: after
 * its end every number is 0, so a target needs no other end of its own than `left`. A target that finds the
 * program wrong without a sanitizer's help says so with CHECK.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "rolecall/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* Unlike assert, it also says which input it was: libFuzzer writes that down when the program aborts. */
#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            fprintf(stderr, "%s:%d: expected: %s\n", __FILE__, __LINE__, #what);                             \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* As many of the next n bytes as there are, in memory of exactly that size: a sanitizer sees any read beyond.
 */
static inline struct bytes fuzz_copy(struct bytes *from, size_t n)
{
    size_t size = n < from->left ? n : from->left;
    uint8_t *copy = malloc(size ? size : 1);
    CHECK(copy);
    bytes_copy(from, copy, size);
    return bytes_of(copy, size);
}

static inline void fuzz_free(struct bytes copy)
{
    union {
        const uint8_t *in;
        void *out;
    } at = {.in = copy.at};
    free(at.out);
}

/* Touches every byte that a cursor claims to have. */
static inline unsigned fuzz_touch(struct bytes b)
{
    unsigned sum = 0;
    while (b.left > 0)
        sum += bytes_u8(&b);
    return sum;
}

#endif
