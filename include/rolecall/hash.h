/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hash.h - a keyed hash: SipHash (Aumasson and Bernstein 2012) with one round a word and three at the end, as
 * tables commonly use it. Who does not know the key cannot make keys that collide. For whoever needs a keyed
 * or a stable hash; of a flow's key it is asked with every packet, so its steps stand here, to be compiled in
 * place.
 */
#ifndef ROLECALL_HASH_H
#define ROLECALL_HASH_H

#include <stddef.h>
#include <stdint.h>

/* What names ends in _ is for this header's own functions and hash.c. */
struct hash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotate_(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void hash_round_(struct hash_state *s)
{
    s->v0 += s->v1;
    s->v1 = hash_rotate_(s->v1, 13) ^ s->v0;
    s->v0 = hash_rotate_(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = hash_rotate_(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = hash_rotate_(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = hash_rotate_(s->v1, 17) ^ s->v2;
    s->v2 = hash_rotate_(s->v2, 32);
}

static inline struct hash_state hash_begin_(const uint64_t secret[2])
{
    return (struct hash_state){secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d,
                               secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
}

static inline void hash_word_(struct hash_state *s, uint64_t word)
{
    s->v3 ^= word;
    hash_round_(s);
    s->v0 ^= word;
}

static inline uint64_t hash_end_(struct hash_state *s)
{
    s->v2 ^= 0xff;
    hash_round_(s);
    hash_round_(s);
    hash_round_(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

uint64_t hash_bytes(const void *from, size_t size, const uint64_t secret[2]);

/* The same of 15 bytes that stand in two words already, least significant first; the last byte of `last` is
 * 15. */
static inline uint64_t hash_words(uint64_t first, uint64_t last, const uint64_t secret[2])
{
    struct hash_state state = hash_begin_(secret);
    hash_word_(&state, first);
    hash_word_(&state, last);
    return hash_end_(&state);
}

#endif
