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
    if (!addr_is_v4(&key->addr[0]) || !addr_is_v4(&key->addr[1]))
        return hash_bytes(key, sizeof *key, secret);
    uint8_t short_key[15]; /* what tells IPv4 flows apart; no other key is as long */
    memcpy(short_key, key->addr[0].bytes + 12, 4);
    memcpy(short_key + 4, key->addr[1].bytes + 12, 4);
    memcpy(short_key + 8, key->port, 4);
    memset(short_key + 12, key->protocol, 3);
    return hash_bytes(short_key, sizeof short_key, secret);
}
