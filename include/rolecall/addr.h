/* SPDX-License-Identifier: BSD-2-Clause
 *
 * addr.h - IP addresses and prefixes.
 *
 * Both families share one form: 16 bytes in network order, IPv4 as its IPv4-mapped IPv6 address
 * (RFC 4291 section 2.5.5.2), so that a key, a comparison and a prefix have one way each. Values are plain
 * and copied freely; nothing here allocates.
 */
#ifndef ROLECALL_ADDR_H
#define ROLECALL_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct addr {
    uint8_t bytes[16];
};

/* A prefix: `bits` counts in the 128-bit form, so an IPv4 /22 has 118. Bits past it are zero. */
struct prefix {
    struct addr addr;
    uint8_t bits;
};

enum { ADDR_TEXT_SIZE = 46, PREFIX_TEXT_SIZE = 50 }; /* INET6_ADDRSTRLEN; plus "/128" */

/* Written, copied and read in halves: a read that spans two writes makes the processor wait for both. */
static inline void addr_copy(struct addr *to, const struct addr *from)
{
    uint64_t halves[2];
    memcpy(&halves[0], from->bytes, 8);
    memcpy(&halves[1], from->bytes + 8, 8);
    memcpy(to->bytes, &halves[0], 8);
    memcpy(to->bytes + 8, &halves[1], 8);
}

static inline struct addr addr_v4(const uint8_t four[4])
{
    struct addr a;
    uint32_t address;
    memcpy(&address, four, sizeof address);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t halves[2] = {0, (uint64_t)address << 32 | 0xffff0000u};
#else
    const uint64_t halves[2] = {0, UINT64_C(0xffff) << 32 | address};
#endif
    memcpy(a.bytes, halves, sizeof halves);
    return a;
}

static inline struct addr addr_v6(const uint8_t sixteen[16])
{
    struct addr a;
    memcpy(a.bytes, sixteen, 16);
    return a;
}

/* Addresses are compared with every packet: by whole words. */
static inline uint64_t addr_word_(const uint8_t *b)
{
    return (uint64_t)b[0] << 56 | (uint64_t)b[1] << 48 | (uint64_t)b[2] << 40 | (uint64_t)b[3] << 32 |
           (uint64_t)b[4] << 24 | (uint64_t)b[5] << 16 | (uint64_t)b[6] << 8 | b[7];
}

static inline bool addr_is_v4(const struct addr *a)
{
    static const uint8_t before[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint64_t first;
    uint32_t next, wanted;
    memcpy(&first, a->bytes, sizeof first);
    memcpy(&next, a->bytes + sizeof first, sizeof next);
    memcpy(&wanted, before + sizeof first, sizeof wanted);
    return (first | (next ^ wanted)) == 0;
}

static inline int addr_compare(const struct addr *a, const struct addr *b)
{
    uint64_t left = addr_word_(a->bytes), right = addr_word_(b->bytes);
    if (left == right) {
        left = addr_word_(a->bytes + 8);
        right = addr_word_(b->bytes + 8);
    }
    return left < right ? -1 : left > right;
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
    return addr_compare(a, b) == 0;
}

/* The address as it stands on the wire: 4 or 16 bytes at the returned place. */
static inline const uint8_t *addr_wire(const struct addr *a, unsigned *size)
{
    bool v4 = addr_is_v4(a);
    *size = v4 ? 4 : 16;
    return v4 ? a->bytes + 12 : a->bytes;
}

bool addr_parse(const char *text, struct addr *out); /* no scope id, no port; false: not an address */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_SIZE]);
size_t addr_put(const struct addr *a, char out[ADDR_TEXT_SIZE]); /* the same; its length */
bool addr_is_unspecified(const struct addr *a);
bool addr_is_loopback(const struct addr *a);
bool addr_is_multicast(const struct addr *a);
bool addr_is_broadcast(const struct addr *a);  /* 255.255.255.255 only: a subnet's own is not knowable here */
bool addr_is_link_local(const struct addr *a); /* RFC 3927, RFC 4291 */
bool addr_is_private(const struct addr *a);    /* RFC 1918, RFC 6598, RFC 4193 */

/* "10.0.0.0/8" or an address alone (all bits). False: not a prefix, or host bits are set (*host_bits then).
 */
bool prefix_parse(const char *text, struct prefix *out, bool *host_bits);
const char *prefix_text(const struct prefix *p, char out[PREFIX_TEXT_SIZE]);
bool prefix_contains(const struct prefix *p, const struct addr *a);

#endif
