/* SPDX-License-Identifier: BSD-2-Clause
 *
 * choice.h - which protocols are worth a question: tables made once of what proto.h says of each. Sets of
 * protocols are a bit per enum proto_id. The choice is exact: whoever is left out would have said no. Private
 * to src/proto; after choice_make() nothing changes.
 */
#ifndef ROLECALL_PROTO_CHOICE_H
#define ROLECALL_PROTO_CHOICE_H

#include "rolecall/proto.h"

_Static_assert(PROTO_COUNT <= 64, "a set has one bit per protocol");

enum { CHOICE_TRANSPORTS = 3, CHOICE_FAMILIES = 3, CHOICE_SIZES = 128, CHOICE_PORTS = 256 };

struct choice {
    uint64_t over[CHOICE_TRANSPORTS];        /* by enum proto_transport */
    uint64_t family[CHOICE_FAMILIES];        /* by choice_family() */
    uint64_t byte[PROTO_TELLING_BYTES][256]; /* of datagrams: by place and value */
    uint64_t late[256];                      /* by the byte at PROTO_TELLING_LATE */
    uint64_t home[CHOICE_SIZES];             /* by a datagram's size, at a customary port */
    uint64_t away[CHOICE_SIZES];             /* and elsewhere; the last row stands for all larger ones */
    struct {
        uint64_t of; /* protocols of which it is a customary port; 0: empty */
        uint16_t port;
    } customary[CHOICE_PORTS];
};
extern struct choice choice; /* read only, after choice_make() */

void choice_make(void); /* may be called often, and by several threads */

static inline uint64_t choice_bit(unsigned id)
{
    return (uint64_t)1 << id;
}

/* Protocols that share a flow: media with its signalling (RFC 7983), and ESP with IKE on one UDP port (RFC
 * 3948). */
static inline unsigned choice_family(unsigned id)
{
    if (id == PROTO_ike || id == PROTO_authip || id == PROTO_esp)
        return 2;
    return choice.family[1] >> id & 1;
}

/* The protocols of which one of these ports is customary. */
uint64_t choice_customary(const uint16_t ports[2]);

/* Who could say anything but no to a whole datagram that is his first in its flow. */
uint64_t choice_of_datagram(const struct bytes *data, uint64_t customary);

#endif
