/* SPDX-License-Identifier: BSD-2-Clause
 *
 * frame_build.h - frames for the tests of src/decode, written as nested calls: ethernet(0x0800, ipv4(17,
 * udp(...))). Each function puts one header before what it is given and fills in its lengths. Checksums stay
 * zero, as decoding does not verify them. `hex("0800 45")` gives literal bytes, so that a header of
 * interest stands in the test.
 */
#ifndef ROLECALL_TEST_FRAME_BUILD_H
#define ROLECALL_TEST_FRAME_BUILD_H

#include "rolecall/decode.h"
#include "unity.h"

#include <ctype.h>
#include <stdlib.h>

struct blob {
    size_t size;
    uint8_t at[1400];
};

static inline struct blob join(struct blob first, struct blob second)
{
    TEST_ASSERT_TRUE(first.size + second.size <= sizeof(first.at));
    for (size_t i = 0; i < second.size; i++)
        first.at[first.size++] = second.at[i];
    return first;
}

static inline struct blob hex(const char *digits)
{
    struct blob b = {0};
    for (; *digits; digits++) {
        if (isspace((unsigned char)*digits))
            continue;
        char two[3] = {digits[0], digits[1], 0};
        b.at[b.size++] = (uint8_t)strtoul(two, NULL, 16);
        digits++;
    }
    return b;
}

static inline struct blob number(uint64_t value, size_t size)
{
    struct blob b = {.size = size};
    for (size_t i = 0; i < size; i++)
        b.at[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    return b;
}

/* `size` bytes that count up from `first`. */
static inline struct blob filler(size_t size, uint8_t first)
{
    struct blob b = {.size = size};
    for (size_t i = 0; i < size; i++)
        b.at[i] = (uint8_t)(first + i);
    return b;
}

static inline struct blob ethernet(uint16_t type, struct blob inside)
{
    return join(join(hex("020000000002 020000000001"), number(type, 2)), inside);
}

/* `place`: flags and fragment offset as they stand in the header. */
static inline struct blob ipv4_full(const char *source, const char *destination, uint8_t protocol,
                                    uint16_t id, uint16_t place, struct blob inside)
{
    struct addr from, to;
    addr_parse(source, &from);
    addr_parse(destination, &to);
    struct blob b = join(hex("4500"), number(20 + inside.size, 2));
    b = join(join(b, number(id, 2)), number(place, 2));
    b = join(join(b, hex("40")), join(number(protocol, 1), hex("0000")));
    unsigned size;
    const uint8_t *wire = addr_wire(&from, &size);
    memcpy(b.at + b.size, wire, 4);
    wire = addr_wire(&to, &size);
    memcpy(b.at + b.size + 4, wire, 4);
    b.size += 8;
    return join(b, inside);
}

/* A tunnel's packet. */
static inline struct blob ipv4(uint8_t protocol, struct blob inside)
{
    return ipv4_full("172.16.0.1", "172.16.0.2", protocol, 0x1234, 0x4000, inside);
}

static inline struct blob ipv6_full(const char *source, const char *destination, uint8_t next,
                                    struct blob inside)
{
    struct addr from, to;
    addr_parse(source, &from);
    addr_parse(destination, &to);
    struct blob b = join(hex("60000000"), join(number(inside.size, 2), number(next, 1)));
    b = join(b, hex("40"));
    memcpy(b.at + b.size, from.bytes, 16);
    memcpy(b.at + b.size + 16, to.bytes, 16);
    b.size += 32;
    return join(b, inside);
}

static inline struct blob ipv6(uint8_t next, struct blob inside)
{
    return ipv6_full("2001:db8:1::1", "2001:db8:1::2", next, inside);
}

static inline struct blob udp(uint16_t source, uint16_t destination, struct blob inside)
{
    return join(join(number(source, 2), number(destination, 2)),
                join(join(number(8 + inside.size, 2), hex("beef")), inside));
}

static inline struct blob tcp(uint16_t source, uint16_t destination, struct blob inside)
{
    struct blob b =
        join(join(number(source, 2), number(destination, 2)), hex("01020304 05060708 5018 2000 cafe 0000"));
    return join(b, inside);
}

/* The packet that every tunnel of these tests carries: UDP 10.20.0.50:50040 to 10.20.0.11:3478, 16 bytes. */
static inline struct blob inner_udp(void)
{
    return udp(50040, 3478, filler(16, 0x10));
}

static inline struct blob inner_ipv4(void)
{
    return ipv4_full("10.20.0.50", "10.20.0.11", 17, 0x4321, 0, inner_udp());
}

static inline struct blob inner_ipv6(void)
{
    return ipv6_full("2001:db8::50", "2001:db8::11", 17, inner_udp());
}

static inline struct blob inner_ethernet(void)
{
    return ethernet(0x0800, inner_ipv4());
}

static inline bool is_inner(const struct packet *p)
{
    struct addr source, destination;
    bool v4 = addr_is_v4(&p->source);
    addr_parse(v4 ? "10.20.0.50" : "2001:db8::50", &source);
    addr_parse(v4 ? "10.20.0.11" : "2001:db8::11", &destination);
    return addr_equal(&p->source, &source) && addr_equal(&p->destination, &destination) &&
           p->protocol == 17 && p->source_port == 50040 && p->destination_port == 3478;
}

/* Decodes the first `caplen` bytes of a frame of `wirelen`, from memory that ends where they end. */
static inline enum decode_result decode_part(struct decoder *decoder, uint16_t linktype, const uint8_t *at,
                                             size_t caplen, size_t wirelen, int64_t time_ns,
                                             struct packet *packet)
{
    static uint8_t *copy; /* the packet points into it until the next call */
    free(copy);
    copy = malloc(caplen ? caplen : 1);
    TEST_ASSERT_NOT_NULL(copy);
    memcpy(copy, at, caplen);
    struct frame frame = {.time_ns = time_ns,
                          .at = copy,
                          .caplen = (uint32_t)caplen,
                          .wirelen = (uint32_t)wirelen,
                          .linktype = linktype};
    memset(packet, 0xa5, sizeof(*packet)); /* what is not written shows */
    return decode_frame(decoder, &frame, packet);
}

static inline enum decode_result decode_blob(struct decoder *decoder, uint16_t linktype, struct blob b,
                                             struct packet *packet)
{
    return decode_part(decoder, linktype, b.at, b.size, b.size, 1000, packet);
}

#endif
