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

uint64_t flow_key_hash(const struct flow_key *key, const uint64_t secret[2])
{
    return hash_bytes(key, sizeof *key, secret);
}

uint64_t flow_pair_hash(const struct flow_key *key, const uint64_t secret[2])
{
    return hash_bytes(key->addr, sizeof key->addr, secret);
}
