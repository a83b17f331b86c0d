/* SPDX-License-Identifier: BSD-2-Clause
 *
 * key.c - one key for both directions, and its keyed hash. Asked once per packet.
 *
 * The hash is keyed: an attacker who does not know the key cannot aim flows at one bucket.
 */
#include "rolecall/flow.h"
#include "rolecall/map.h"

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

void flow_key_of_packet(const struct packet *packet, struct flow_key *key, unsigned *side)
{
    flow_key_of(&packet->source, &packet->destination, packet->source_port, packet->destination_port,
                packet->protocol, key, side);
}

uint64_t flow_key_hash(const struct flow_key *key, const uint64_t secret[2])
{
    if (!addr_is_v4(&key->addr[0]) || !addr_is_v4(&key->addr[1]))
        return hash_bytes(key, sizeof *key, secret);
    /* What tells IPv4 flows apart is 15 bytes, the protocol three times; no other key is as long. */
    uint32_t addr[2], ports;
    memcpy(&addr[0], key->addr[0].bytes + 12, sizeof addr[0]);
    memcpy(&addr[1], key->addr[1].bytes + 12, sizeof addr[1]);
    memcpy(&ports, key->port, sizeof ports);
    return hash_words((uint64_t)addr[1] << 32 | addr[0],
                      UINT64_C(15) << 56 | (uint64_t)key->protocol * 0x010101 << 32 | ports, secret);
}
