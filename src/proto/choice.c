/* SPDX-License-Identifier: BSD-2-Clause
 *
 * choice.c - see choice.h.
 */
#include "choice.h"

#include <assert.h>
#include <pthread.h>

struct choice choice;

static unsigned port_slot(uint16_t port)
{
    unsigned slot = (port * 0x9e37u >> 4) % CHOICE_PORTS;
    while (choice.customary[slot].of && choice.customary[slot].port != port)
        slot = (slot + 1) % CHOICE_PORTS;
    return slot;
}

uint64_t choice_customary(const uint16_t ports[2])
{
    return choice.customary[port_slot(ports[0])].of | choice.customary[port_slot(ports[1])].of;
}

uint64_t choice_of_datagram(const struct bytes *data, uint64_t customary)
{
    size_t size = data->left < CHOICE_SIZES ? data->left : CHOICE_SIZES - 1;
    uint64_t set = choice.away[size] | (choice.home[size] & customary);
    for (unsigned i = 0; i < PROTO_TELLING_BYTES && i < data->left; i++)
        set &= choice.byte[i][bytes_peek(data, i)];
    if (data->left > PROTO_TELLING_LATE && bytes_peek(data, 0) != 0)
        set &= choice.late[bytes_peek(data, PROTO_TELLING_LATE)];
    return set;
}

/* Is this byte, at this place, within the ranges that the protocol gives for it? Yes where it gives none. */
static bool may_have(const struct protocol *protocol, unsigned place, unsigned byte)
{
    enum { RANGES = sizeof protocol->begins / sizeof *protocol->begins };
    bool any = true;
    for (unsigned i = 0; i < RANGES && protocol->begins[i].high; i++) {
        if (protocol->begins[i].place != place)
            continue;
        any = false;
        if (byte >= protocol->begins[i].low && byte <= protocol->begins[i].high)
            return true;
    }
    return any;
}

static void add_datagrams(unsigned id, const struct protocol *protocol)
{
    assert(protocol->least.home < CHOICE_SIZES && protocol->least.home <= protocol->least.away);
    for (unsigned byte = 0; byte < 256; byte++) {
        for (unsigned place = 0; place < PROTO_TELLING_BYTES; place++)
            if (may_have(protocol, place, byte))
                choice.byte[place][byte] |= choice_bit(id);
        if (may_have(protocol, PROTO_TELLING_LATE, byte))
            choice.late[byte] |= choice_bit(id);
    }
    for (unsigned size = 0; size < CHOICE_SIZES; size++) {
        if (size >= protocol->least.home)
            choice.home[size] |= choice_bit(id);
        if (size >= protocol->least.away)
            choice.away[size] |= choice_bit(id);
    }
}

static unsigned add_ports(unsigned id, const struct protocol *protocol)
{
    unsigned added = 0;
    for (const uint16_t *port = protocol->customary_ports; port && *port; port++) {
        unsigned slot = port_slot(*port);
        added += !choice.customary[slot].of;
        choice.customary[slot].port = *port;
        choice.customary[slot].of |= choice_bit(id);
    }
    return added;
}

static void make(void)
{
    unsigned ports = 0;
    for (unsigned id = 1; id < PROTO_COUNT; id++) {
        const struct protocol *protocol = proto_by_id((enum proto_id)id);
        for (unsigned transport = OVER_TCP; transport <= OVER_UDP; transport++)
            if (protocol->transports & transport)
                choice.over[transport] |= choice_bit(id);
        if (protocol->is_media || id == PROTO_ms_turn)
            choice.family[1] |= choice_bit(id);
        choice.family[choice_family(id)] |= choice_bit(id);
        if (protocol->transports & OVER_UDP)
            add_datagrams(id, protocol);
        ports += add_ports(id, protocol);
    }
    assert(ports <= CHOICE_PORTS / 2);
}

void choice_make(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
}
