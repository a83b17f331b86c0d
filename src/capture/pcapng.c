/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcapng.c - packets of a pcapng file (draft-ietf-opsawg-pcapng): any number of sections of either byte
 * order, interfaces that differ in link type, snap length and time resolution, enhanced, simple and obsolete
 * packet blocks. Called by reader.c. Names, statistics, secrets and comments are skipped. A file is hostile
 * until its lengths agree: blocks end where both their lengths say, and are no longer than 16 MiB.
 */
#include "pcapng.h"

#include <stdlib.h>

enum { /* block types, sections 4.1 to 4.4 and appendix A of the draft */
       BLOCK_SECTION = 0x0a0d0d0a,
       BLOCK_INTERFACE = 1,
       BLOCK_OBSOLETE_PACKET = 2,
       BLOCK_SIMPLE_PACKET = 3,
       BLOCK_ENHANCED_PACKET = 6,
};

enum { /* options of an interface, section 4.2 */
       OPTION_END = 0,
       OPTION_RESOLUTION = 9,
       OPTION_OFFSET = 14,
};

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    BLOCK_FRAME = 12, /* type, length, and the length again */
    BLOCK_SIZE_MAX = 16 << 20,
    BLOCK_ROOM_MIN = 1 << 16,
    INTERFACES_MAX = 65536, /* of a section; a file that has more is made to fill memory */
    SECOND_NS = 1000000000,
};

struct interface {
    uint16_t linktype;
    uint8_t resolution;
    uint32_t snaplen; /* 0: none */
    int64_t offset;
};

struct pcapng {
    FILE *stream;
    bool is_little; /* this section's byte order */
    const char *complaint;
    struct interface *interfaces; /* of this section */
    uint32_t interface_count, interface_room;
    uint8_t *block; /* the body of the one being read */
    size_t block_room;
    int64_t seconds; /* the last packet's time, for those that have none */
    uint32_t nanoseconds;
};

struct pcapng *pcapng_create(FILE *stream)
{
    struct pcapng *ng = calloc(1, sizeof(*ng));
    if (ng)
        ng->stream = stream;
    return ng;
}

void pcapng_destroy(struct pcapng *ng)
{
    if (!ng)
        return;
    free(ng->interfaces);
    free(ng->block);
    free(ng);
}

const char *pcapng_complaint(const struct pcapng *ng)
{
    return ng->complaint ? ng->complaint : "";
}

static enum pcapng_status damaged(struct pcapng *ng, const char *complaint)
{
    ng->complaint = complaint;
    return PCAPNG_DAMAGED;
}

static uint16_t read_u16(const struct pcapng *ng, struct bytes *b)
{
    return ng->is_little ? bytes_u16le(b) : bytes_u16(b);
}

static uint32_t read_u32(const struct pcapng *ng, struct bytes *b)
{
    return ng->is_little ? bytes_u32le(b) : bytes_u32(b);
}

/* What the section's magic makes of the byte order. */
static bool learn_byte_order(struct pcapng *ng, struct bytes magic)
{
    struct bytes little = magic;
    ng->is_little = bytes_u32le(&little) == BYTE_ORDER_MAGIC;
    return ng->is_little || bytes_u32(&magic) == BYTE_ORDER_MAGIC;
}

/* Room for a block without its first 8 bytes. */
static bool has_room(struct pcapng *ng, size_t size)
{
    if (size <= ng->block_room)
        return true;
    size_t room = size < BLOCK_ROOM_MIN ? BLOCK_ROOM_MIN : size;
    uint8_t *block = realloc(ng->block, room);
    if (!block)
        return false;
    ng->block = block;
    ng->block_room = room;
    return true;
}

/* The next block: type 4, length 4, body, length 4. A section's length can only be read once its byte order
 * is known, which the body begins with; every block is long enough to read so far at once. */
static enum pcapng_status read_block(struct pcapng *ng, uint32_t *type, struct bytes *body)
{
    uint8_t head[BLOCK_FRAME];
    size_t count = fread(head, 1, sizeof(head), ng->stream);
    if (count < sizeof(head))
        return count == 0 ? PCAPNG_END : PCAPNG_CUT;
    struct bytes b = bytes_of(head, sizeof(head)), third = b;
    bytes_skip(&third, 8);
    *type = read_u32(ng, &b);
    if (*type == BLOCK_SECTION && !learn_byte_order(ng, third))
        return damaged(ng, "a section without a byte order");
    size_t length = read_u32(ng, &b);
    if (length < BLOCK_FRAME || length > BLOCK_SIZE_MAX)
        return damaged(ng, "a block of an impossible length");
    size_t rest = ((length + 3) & ~(size_t)3) - 8; /* some writers leave the padding out of the length */
    if (!has_room(ng, rest))
        return damaged(ng, "no memory for a block");
    bytes_copy(&third, ng->block, 4);
    if (fread(ng->block + 4, 1, rest - 4, ng->stream) != rest - 4)
        return PCAPNG_CUT;
    struct bytes whole = bytes_of(ng->block, rest);
    *body = bytes_take(&whole, length - BLOCK_FRAME);
    bytes_skip(&whole, whole.left - 4);
    if (read_u32(ng, &whole) != length)
        return damaged(ng, "a block whose two lengths differ");
    return PCAPNG_PACKET;
}

/* magic 4, version 2 and 2, length of the section 8, options (section 4.1). Interfaces are the section's own.
 */
static enum pcapng_status begin_section(struct pcapng *ng, struct bytes body)
{
    bytes_skip(&body, 4);
    uint16_t major = read_u16(ng, &body);
    bytes_skip(&body, 10);
    if (!bytes_ok(&body))
        return damaged(ng, "a section header that is too short");
    if (major != 1)
        return damaged(ng, "a section of an unknown version");
    ng->interface_count = 0;
    return PCAPNG_PACKET;
}

/* Options: code 2, length 2, value, padding to 4 bytes (section 3.5). */
static bool read_interface_options(struct pcapng *ng, struct bytes body, struct interface *interface)
{
    while (body.left > 0) {
        uint16_t code = read_u16(ng, &body);
        size_t size = read_u16(ng, &body);
        struct bytes value = bytes_take(&body, size);
        bytes_skip(&body, (0 - size) & 3);
        if (!bytes_ok(&body))
            return false;
        if (code == OPTION_END)
            break;
        if (code == OPTION_RESOLUTION && size == 1)
            interface->resolution = bytes_u8(&value);
        if (code == OPTION_OFFSET && size == 8) {
            uint64_t first = read_u32(ng, &value), second = read_u32(ng, &value);
            interface->offset = (int64_t)(ng->is_little ? second << 32 | first : first << 32 | second);
        }
    }
    return true;
}

/* link type 2, reserved 2, snap length 4, options (section 4.2) */
static enum pcapng_status add_interface(struct pcapng *ng, struct bytes body)
{
    struct interface interface = {.resolution = 6}; /* microseconds */
    interface.linktype = read_u16(ng, &body);
    bytes_skip(&body, 2);
    interface.snaplen = read_u32(ng, &body);
    if (!bytes_ok(&body) || !read_interface_options(ng, body, &interface))
        return damaged(ng, "an interface whose description does not fit its block");
    if (ng->interface_count == INTERFACES_MAX)
        return damaged(ng, "more interfaces than there can be");
    if (ng->interface_count == ng->interface_room) {
        uint32_t room = ng->interface_room ? ng->interface_room * 2 : 16;
        struct interface *interfaces = realloc(ng->interfaces, room * sizeof(*interfaces));
        if (!interfaces)
            return damaged(ng, "no memory for an interface");
        ng->interfaces = interfaces;
        ng->interface_room = room;
    }
    ng->interfaces[ng->interface_count++] = interface;
    return PCAPNG_PACKET;
}

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* Sets the time from units of 10^-n s, or of 2^-n s with the highest bit set (if_tsresol, section 4.2). */
static void set_time(struct pcapng *ng, const struct interface *interface, uint64_t units)
{
    enum { TEN_MAX = 19, TWO_MAX = 63, ENOUGH_BITS = 30 }; /* what 64 bits hold; more than nanoseconds need */
    unsigned exponent = interface->resolution & 0x7f;
    uint64_t seconds = 0, ns = 0;
    if (interface->resolution & 0x80) {
        uint64_t fraction = units;
        if (exponent <= TWO_MAX) {
            seconds = units >> exponent;
            fraction = units & ((UINT64_C(1) << exponent) - 1);
        }
        unsigned dropped = exponent > ENOUGH_BITS ? exponent - ENOUGH_BITS : 0;
        fraction = dropped <= TWO_MAX ? fraction >> dropped : 0;
        ns = fraction * SECOND_NS >> (exponent - dropped);
    } else {
        uint64_t fraction = units;
        if (exponent <= TEN_MAX) {
            seconds = units / power_of_ten(exponent);
            fraction = units % power_of_ten(exponent);
        }
        if (exponent <= 9)
            ns = fraction * power_of_ten(9 - exponent);
        else
            ns = exponent - 9 <= TEN_MAX ? fraction / power_of_ten(exponent - 9) : 0;
    }
    ng->nanoseconds = (uint32_t)ns;
    /* Far beyond what any reader counts to, the sum would overflow. */
    int64_t whole = seconds > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)seconds;
    int64_t offset = interface->offset;
    if (offset > INT64_MAX / 4)
        offset = INT64_MAX / 4;
    if (offset < -(INT64_MAX / 4))
        offset = -(INT64_MAX / 4);
    ng->seconds = whole + offset;
}

/* Enhanced: interface 4, time 4 (high) and 4 (low), captured 4, original 4, data, options (section 4.3). The
 * obsolete one has interface 2 and drops 2 instead (appendix A). */
static enum pcapng_status read_packet(struct pcapng *ng, uint32_t type, struct bytes body,
                                      struct pcapng_packet *packet)
{
    uint32_t number = type == BLOCK_ENHANCED_PACKET ? read_u32(ng, &body) : read_u16(ng, &body);
    if (type == BLOCK_OBSOLETE_PACKET)
        bytes_skip(&body, 2);
    uint64_t high = read_u32(ng, &body);
    uint64_t units = high << 32 | read_u32(ng, &body);
    packet->caplen = read_u32(ng, &body);
    packet->wirelen = read_u32(ng, &body);
    struct bytes data = bytes_take(&body, packet->caplen);
    if (!bytes_ok(&body))
        return damaged(ng, "a packet that does not fit its block");
    if (number >= ng->interface_count)
        return damaged(ng, "a packet of an interface that was not described");
    set_time(ng, &ng->interfaces[number], units);
    packet->linktype = ng->interfaces[number].linktype;
    packet->at = data.at;
    return PCAPNG_PACKET;
}

/* original 4, data (section 4.4); of the first interface, whose snap length tells what was captured. */
static enum pcapng_status read_simple_packet(struct pcapng *ng, struct bytes body,
                                             struct pcapng_packet *packet)
{
    packet->wirelen = read_u32(ng, &body);
    if (!bytes_ok(&body))
        return damaged(ng, "a packet that does not fit its block");
    if (ng->interface_count == 0)
        return damaged(ng, "a packet of an interface that was not described");
    const struct interface *interface = &ng->interfaces[0];
    packet->caplen = packet->wirelen;
    if (interface->snaplen != 0 && packet->caplen > interface->snaplen)
        packet->caplen = interface->snaplen;
    if (packet->caplen > body.left)
        packet->caplen = (uint32_t)body.left;
    packet->linktype = interface->linktype;
    packet->at = body.at;
    return PCAPNG_PACKET;
}

/* Reads one block; *type tells whether it filled *packet. */
static enum pcapng_status next_block(struct pcapng *ng, uint32_t *type, struct pcapng_packet *packet)
{
    struct bytes body;
    enum pcapng_status status = read_block(ng, type, &body);
    if (status != PCAPNG_PACKET)
        return status;
    switch (*type) {
    case BLOCK_SECTION:
        return begin_section(ng, body);
    case BLOCK_INTERFACE:
        return add_interface(ng, body);
    case BLOCK_SIMPLE_PACKET:
        status = read_simple_packet(ng, body, packet);
        break;
    case BLOCK_ENHANCED_PACKET:
    case BLOCK_OBSOLETE_PACKET:
        status = read_packet(ng, *type, body, packet);
        break;
    default:
        return PCAPNG_PACKET;
    }
    packet->seconds = ng->seconds;
    packet->nanoseconds = ng->nanoseconds;
    return status;
}

enum pcapng_status pcapng_begin(struct pcapng *ng, uint16_t *linktype)
{
    bool is_first = true;
    while (ng->interface_count == 0) {
        uint32_t type;
        struct pcapng_packet packet;
        enum pcapng_status status = next_block(ng, &type, &packet);
        if (status != PCAPNG_PACKET)
            return status;
        if (is_first && type != BLOCK_SECTION)
            return damaged(ng, "it does not begin with a section");
        is_first = false;
    }
    *linktype = ng->interfaces[0].linktype;
    return PCAPNG_PACKET;
}

enum pcapng_status pcapng_next(struct pcapng *ng, struct pcapng_packet *packet)
{
    for (;;) {
        uint32_t type;
        enum pcapng_status status = next_block(ng, &type, packet);
        if (status != PCAPNG_PACKET || type == BLOCK_ENHANCED_PACKET || type == BLOCK_SIMPLE_PACKET ||
            type == BLOCK_OBSOLETE_PACKET)
            return status;
    }
}
