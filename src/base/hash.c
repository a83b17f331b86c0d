/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hash.c - see hash.h.
 */
#include "rolecall/hash.h"

#include <string.h>

uint64_t hash_bytes(const void *from, size_t size, const uint64_t secret[2])
{
    const uint8_t *at = from;
    struct hash_state state = hash_begin_(secret);
    uint64_t word;
    size_t left = size;
    for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash_word_(&state, word);
    }
    word = (uint64_t)size << 56;
    for (size_t i = 0; i < left; i++)
        word |= (uint64_t)at[i] << 8 * i;
    hash_word_(&state, word);
    return hash_end_(&state);
}
