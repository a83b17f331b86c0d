/* SPDX-License-Identifier: BSD-2-Clause
 *
 * key.c - one key for both directions, and its keyed hash. Asked once per packet.
 *
 * The hash is keyed: an attacker who does not know the key cannot aim flows at one bucket.
 */
#include "rolecall/flow.h"
#include "rolecall/hash.h"

#include <arpa/inet.h>
#include <stddef.h>

_Static_assert(sizeof(struct flow_key) == 40, "no padding: the key is hashed and compared as bytes");

void flow_key_of(const struct addr *source, const struct addr *destination, uint16_t source_port,
                 uint16_t destination_port, uint8_t protocol, struct flow_key *key, unsigned *side)
{
    int order = addr_compare(source, destination);
    unsigned sender = order ? order > 0 : source_port > destination_port;
    addr_copy(&key->addr[sender], source);
    addr_copy(&key->addr[1 - sender], destination);
    key->port[sender] = source_port;
    key->port[1 - sender] = destination_port;
    key->protocol = protocol;
    key->zero[0] = key->zero[1] = key->zero[2] = 0;
    *side = sender;
}

/* Of an IPv4 key: what tells such keys apart is 15 bytes, the protocol three times; no other key is as long.
 * Addresses as they stand on the wire. */
static inline uint64_t hash_v4(uint32_t addr0, uint32_t addr1, uint16_t port0, uint16_t port1,
                               uint8_t protocol, const uint64_t secret[2])
{
    uint64_t ports = (uint32_t)port1 << 16 | port0;
    return hash_words((uint64_t)addr1 << 32 | addr0,
                      UINT64_C(15) << 56 | (uint64_t)protocol * 0x010101 << 32 | ports, secret);
}

static inline uint32_t v4_of(const struct addr *addr)
{
    uint32_t wire;
    memcpy(&wire, addr->bytes + 12, sizeof wire);
    return wire;
}

uint64_t flow_key_hash(const struct flow_key *key, const uint64_t secret[2])
{
    if (!addr_is_v4(&key->addr[0]) || !addr_is_v4(&key->addr[1]))
        return hash_bytes(key, sizeof *key, secret);
    return hash_v4(v4_of(&key->addr[0]), v4_of(&key->addr[1]), key->port[0], key->port[1], key->protocol,
                   secret);
}

/* An IPv4 end point as a number, in the order of its bytes. */
static inline uint64_t v4_end(const struct addr *addr, uint16_t port)
{
    return (uint64_t)ntohl(v4_of(addr)) << 16 | port;
}

static inline struct addr v4_addr(uint32_t wire)
{
    uint8_t four[4];
    memcpy(four, &wire, sizeof four);
    return addr_v4(four);
}

/* Most packets' keys are made and hashed without a look back at what was written, for which a processor
 * waits, and without a branch on which way the packet goes, which it cannot guess. */
uint64_t flow_key_of_packet(const struct packet *packet, const uint64_t secret[2], struct flow_key *key,
                            unsigned *side)
{
    if (!(addr_is_v4(&packet->source) & addr_is_v4(&packet->destination))) {
        flow_key_of(&packet->source, &packet->destination, packet->source_port, packet->destination_port,
                    packet->protocol, key, side);
        return flow_key_hash(key, secret);
    }
    uint64_t from = v4_end(&packet->source, packet->source_port);
    uint64_t to = v4_end(&packet->destination, packet->destination_port);
    uint64_t low = from < to ? from : to, high = from < to ? to : from;
    uint32_t addr0 = htonl((uint32_t)(low >> 16)), addr1 = htonl((uint32_t)(high >> 16));
    *side = from > to;
    *key = (struct flow_key){.addr = {v4_addr(addr0), v4_addr(addr1)},
                             .port = {(uint16_t)low, (uint16_t)high},
                             .protocol = packet->protocol};
    return hash_v4(addr0, addr1, (uint16_t)low, (uint16_t)high, packet->protocol, secret);
}
