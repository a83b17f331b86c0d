/* SPDX-License-Identifier: BSD-2-Clause
 *
 * key.c - one key for both directions, and its keyed hash. Asked once per packet.
 *
 * The hash is SipHash-1-3 (Aumasson and Bernstein 2012, with the rounds Linux and Rust use for tables): an
 * attacker who does not know the key cannot aim flows at one bucket.
 */
#include "rolecall/flow.h"

#include <stddef.h>

_Static_assert(sizeof(struct flow_key) == 40, "the key is hashed and compared as five words");

void flow_key_of(const struct addr *source, const struct addr *destination, uint16_t source_port,
                 uint16_t destination_port, uint8_t protocol, struct flow_key *key, unsigned *side)
{
    int order = addr_compare(source, destination);
    unsigned sender = order ? order > 0 : source_port > destination_port;
    key->addr[sender] = *source;
    key->addr[1 - sender] = *destination;
    key->port[sender] = source_port;
    key->port[1 - sender] = destination_port;
    key->protocol = protocol;
    key->zero[0] = key->zero[1] = key->zero[2] = 0;
    *side = sender;
}

void flow_key_of_packet(const struct packet *packet, struct flow_key *key, unsigned *side)
{
    flow_key_of(&packet->source, &packet->destination, packet->source_port, packet->destination_port,
                packet->protocol, key, side);
}

static inline uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static uint64_t sip_words(const void *from, unsigned count, const uint64_t secret[2])
{
    struct sip s = {secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d, secret[0] ^ 0x6c7967656e657261,
                    secret[1] ^ 0x7465646279746573};
    for (unsigned i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)from + 8 * i, 8);
        s.v3 ^= word;
        sip_round(&s);
        s.v0 ^= word;
    }
    uint64_t length = (uint64_t)(8 * count) << 56;
    s.v3 ^= length;
    sip_round(&s);
    s.v0 ^= length;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t flow_key_hash(const struct flow_key *key, const uint64_t secret[2])
{
    return sip_words(key, 5, secret);
}

uint64_t flow_pair_hash(const struct flow_key *key, const uint64_t secret[2])
{
    return sip_words(key, 4, secret); /* the two addresses come first */
}
