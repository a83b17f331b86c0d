/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ports.c - the mode ports of corpus_replay: every TCP and UDP port becomes another one, the same one
 * wherever an address uses it, and what the flows are must not change. Checksums are mended (RFC 1624 section
 * 3), ports in ICMP quotes follow. Ports of fragmented datagrams stay, for they stand in the first fragment
 * only; so do the outer ports of tunnels, which announce what is inside.
 */
#include "replay.h"

#include "rolecall/decode.h"

#include <stdio.h>
#include <stdlib.h>

struct port_owner {
    struct addr addr;
    uint16_t port;
};

struct new_ports {
    uint64_t seed;
    struct decoder *decoder;
    struct port_owner *fixed; /* whose datagrams came in fragments */
    size_t fixed_count, fixed_room;
};

/* Formats so plain that their port is half of the proof: without it they may lose their name, not change it.
 */
static const enum proto_id by_port[] = {PROTO_dns,  PROTO_dhcp, PROTO_ssrp,  PROTO_ntp,
                                        PROTO_quic, PROTO_mdns, PROTO_llmnr, PROTO_nbns,
                                        PROTO_esp,  PROTO_ike,  PROTO_authip};

static bool may_lose_name(unsigned id)
{
    for (size_t i = 0; i < sizeof by_port / sizeof *by_port; i++)
        if (by_port[i] == id)
            return true;
    return false;
}

/* Ports that make decoding look for a tunnel. */
static bool announces_tunnel(uint16_t port)
{
    static const uint16_t ports[] = {1701, 2152, 3544, 4500, 4789, 4790, 6081, 8472};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        if (ports[i] == port)
            return true;
    return false;
}

static bool is_fixed(const struct new_ports *ports, const struct addr *addr, uint16_t port)
{
    for (size_t i = 0; i < ports->fixed_count; i++)
        if (ports->fixed[i].port == port && addr_equal(&ports->fixed[i].addr, addr))
            return true;
    return false;
}

/* A permutation of the 16-bit numbers: a Feistel network of four rounds, one permutation per address. */
static uint16_t permute(uint64_t secret, uint16_t port)
{
    uint8_t left = (uint8_t)(port >> 8), right = (uint8_t)port;
    for (unsigned round = 0; round < 4; round++) {
        uint8_t next = (uint8_t)(left ^ chance_mix(secret + (round << 8 | right)));
        left = right;
        right = next;
    }
    return (uint16_t)(left << 8 | right);
}

static uint16_t new_port(const struct new_ports *ports, const struct addr *addr, uint16_t port)
{
    if (is_fixed(ports, addr, port))
        return port;
    uint64_t secret = ports->seed;
    for (unsigned i = 0; i < sizeof addr->bytes; i++)
        secret = chance_mix(secret ^ addr->bytes[i]);
    do
        port = permute(secret, port);
    while (announces_tunnel(port) || is_fixed(ports, addr, port));
    return port;
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void mend(uint8_t *checksum, uint16_t from, uint16_t to)
{
    uint32_t sum = (uint32_t)(uint16_t)~get16(checksum) + (uint16_t)~from + to;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    put16(checksum, (uint16_t)~sum);
}

static void change_both(const struct new_ports *ports, uint8_t *header, const struct addr *source,
                        const struct addr *destination, uint8_t *checksum)
{
    uint16_t old[2] = {get16(header), get16(header + 2)};
    uint16_t fresh[2] = {new_port(ports, source, old[0]), new_port(ports, destination, old[1])};
    for (unsigned i = 0; i < 2; i++) {
        put16(header + 2 * i, fresh[i]);
        if (checksum)
            mend(checksum, old[i], fresh[i]);
    }
}

/* Where the TCP header begins that ends at `end`; SIZE_MAX: not found. Its own length field may be cut off
 * from the options it counts, so ports and sequence number are what it is known by. */
static size_t find_tcp(const uint8_t *bytes, size_t end, const struct packet *packet)
{
    for (size_t size = 20; size <= 60 && size <= end; size += 4) {
        const uint8_t *at = bytes + end - size;
        uint32_t sequence = (uint32_t)get16(at + 4) << 16 | get16(at + 6);
        if (get16(at) == packet->source_port && get16(at + 2) == packet->destination_port &&
            sequence == packet->tcp_sequence)
            return end - size;
    }
    return SIZE_MAX;
}

/* The quoted packet's ports: behind 8 bytes of ICMP and the quoted IP header (RFC 792, RFC 4443). */
static void change_quoted(const struct new_ports *ports, uint8_t *icmp, size_t left,
                          const struct packet *packet)
{
    if (left < 9)
        return;
    size_t ip_header = icmp[8] >> 4 == 6 ? 40 : (icmp[8] & 15) * 4u;
    size_t at = 8 + ip_header;
    if (at + 4 > left || get16(icmp + at) != packet->quoted.source_port ||
        get16(icmp + at + 2) != packet->quoted.destination_port)
        return;
    change_both(ports, icmp + at, &packet->quoted.source, &packet->quoted.destination, icmp + 2);
}

static void change_ports(void *context, struct frame *frame)
{
    struct new_ports *ports = context;
    struct packet packet;
    if (decode_frame(ports->decoder, frame, &packet) != DECODED || packet.is_fragmented || !packet.payload.at)
        return;
    uint8_t *bytes = (uint8_t *)(uintptr_t)frame->at; /* recording_replay's scratch: ours to write */
    size_t payload = (size_t)(packet.payload.at - frame->at);
    if (packet.protocol == IP_TCP) {
        size_t header = find_tcp(bytes, payload, &packet);
        if (header != SIZE_MAX)
            change_both(ports, bytes + header, &packet.source, &packet.destination, bytes + header + 16);
    } else if (packet.protocol == IP_UDP) {
        uint8_t *header = bytes + payload - 8;
        bool has_checksum = get16(header + 6) != 0; /* RFC 768: zero is none */
        change_both(ports, header, &packet.source, &packet.destination, has_checksum ? header + 6 : NULL);
        if (has_checksum && get16(header + 6) == 0)
            put16(header + 6, 0xffff);
    } else if (packet.has_quoted && (packet.quoted.protocol == IP_TCP || packet.quoted.protocol == IP_UDP)) {
        change_quoted(ports, bytes + payload, frame->caplen - payload, &packet);
    }
}

static void fix_port(struct new_ports *ports, const struct addr *addr, uint16_t port)
{
    if (is_fixed(ports, addr, port))
        return;
    if (ports->fixed_count == ports->fixed_room) {
        ports->fixed_room = ports->fixed_room ? 2 * ports->fixed_room : 16;
        ports->fixed = must(realloc(ports->fixed, ports->fixed_room * sizeof *ports->fixed));
    }
    ports->fixed[ports->fixed_count++] = (struct port_owner){*addr, port};
}

static void fix_fragmented(struct new_ports *ports, const struct recording *recording)
{
    struct decoder *decoder = must(decoder_create());
    struct packet packet;
    for (size_t i = 0; i <= recording->count; i++) {
        bool is_frame = i < recording->count;
        if (is_frame && decode_frame(decoder, &recording->frames[i], &packet) == DECODED &&
            packet.is_fragmented) {
            fix_port(ports, &packet.source, packet.source_port);
            fix_port(ports, &packet.destination, packet.destination_port);
        }
        while (decode_overdue(decoder, is_frame ? recording->frames[i].time_ns : INT64_MAX, &packet)) {
            fix_port(ports, &packet.source, packet.source_port);
            fix_port(ports, &packet.destination, packet.destination_port);
        }
    }
    decoder_destroy(decoder);
}

/* The key that this flow has with its new ports. */
static struct flow_key changed_key(const struct new_ports *ports, const struct flow_key *old)
{
    struct flow_key key = *old;
    unsigned side;
    if (old->protocol == IP_TCP || old->protocol == IP_UDP)
        flow_key_of(&old->addr[0], &old->addr[1], new_port(ports, &old->addr[0], old->port[0]),
                    new_port(ports, &old->addr[1], old->port[1]), old->protocol, &key, &side);
    return key;
}

static unsigned compare(const struct recording *recording, const struct told *before,
                        const struct told *after)
{
    if (after && before->name == after->name) {
        bool weaker = after->evidence < before->evidence || after->names != before->names;
        fate_count(before->name, weaker ? FATE_WEAKER : FATE_SAME);
        return 0;
    }
    /* Without its first name, a flow that carried more may go by the next of its names. */
    bool lost = after && (after->names & ~before->names) == 0;
    fate_count(before->name, !lost ? FATE_OTHER : after->name ? FATE_WEAKER : FATE_UNIDENTIFIED);
    if (lost && may_lose_name(before->name))
        return 0;
    printf("%s: %s: %s", recording->path, key_text(&before->key), names_text(before->names));
    printf(", with other ports: %s\n", after ? names_text(after->names) : "no such flow");
    return 1;
}

unsigned replay_ports(const struct recording *recording, uint64_t seed)
{
    struct new_ports ports = {.seed = seed, .decoder = must(decoder_create())};
    struct outcome before, after;
    fix_fragmented(&ports, recording);
    recording_replay(recording, NULL, NULL, false, &before);
    recording_replay(recording, change_ports, &ports, false, &after);
    unsigned offences = 0;
    size_t rank = 0; /* among the flows of one key, which come in the same order */
    for (size_t i = 0; i < before.count; i++) {
        const struct told *told = &before.list[i];
        rank = i && memcmp(&told->key, &told[-1].key, sizeof told->key) == 0 ? rank + 1 : 0;
        struct flow_key key = changed_key(&ports, &told->key);
        size_t at = outcome_find(&after, &key) + rank;
        bool found = at < after.count && memcmp(&after.list[at].key, &key, sizeof key) == 0;
        offences += compare(recording, told, found ? &after.list[at] : NULL);
    }
    outcome_free(&before);
    outcome_free(&after);
    decoder_destroy(ports.decoder);
    free(ports.fixed);
    return offences;
}
