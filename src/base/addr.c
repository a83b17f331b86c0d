/* SPDX-License-Identifier: BSD-2-Clause
 *
 * addr.c - IP addresses and prefixes as text and as sets. Used by every room that names a host.
 */
#include "rolecall/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "rolecall/digits.h"

bool addr_parse(const char *text, struct addr *out)
{
    uint8_t four[4];
    if (inet_pton(AF_INET, text, four) == 1) {
        *out = addr_v4(four);
        return true;
    }
    return inet_pton(AF_INET6, text, out->bytes) == 1;
}

size_t addr_put(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
    if (!addr_is_v4(a)) {
        inet_ntop(AF_INET6, a->bytes, out, ADDR_TEXT_SIZE);
        return strlen(out);
    }
    size_t used = 0;
    for (unsigned i = 12; i < 16; i++) {
        unsigned count = digits_of(a->bytes[i]);
        digits_put(out + used, a->bytes[i], count);
        used += count;
        out[used++] = '.';
    }
    out[--used] = '\0';
    return used;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
    addr_put(a, out);
    return out;
}

bool addr_is_unspecified(const struct addr *a)
{
    static const struct addr zero;
    static const uint8_t four[4];
    struct addr zero4 = addr_v4(four);
    return addr_equal(a, &zero) || addr_equal(a, &zero4);
}

bool addr_is_loopback(const struct addr *a)
{
    static const struct addr one = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    return addr_is_v4(a) ? a->bytes[12] == 127 : addr_equal(a, &one);
}

bool addr_is_multicast(const struct addr *a)
{
    return addr_is_v4(a) ? (a->bytes[12] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

bool addr_is_broadcast(const struct addr *a)
{
    static const uint8_t all[4] = {255, 255, 255, 255};
    return addr_is_v4(a) && memcmp(a->bytes + 12, all, 4) == 0;
}

bool addr_is_link_local(const struct addr *a)
{
    if (addr_is_v4(a))
        return a->bytes[12] == 169 && a->bytes[13] == 254;
    return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool addr_is_private(const struct addr *a)
{
    if (!addr_is_v4(a))
        return (a->bytes[0] & 0xfe) == 0xfc;
    const uint8_t *b = a->bytes + 12;
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 100 && (b[1] & 0xc0) == 64);
}

/* Clears all bits from `bits` on; returns whether one of them was set. */
static bool clear_host_bits(struct addr *a, unsigned bits)
{
    bool any = false;
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits >= 8 * (i + 1) ? 8 : bits > 8 * i ? bits - 8 * i : 0;
        uint8_t mask = (uint8_t)(0xff00u >> keep);
        any |= (a->bytes[i] & (uint8_t)~mask) != 0;
        a->bytes[i] &= mask;
    }
    return any;
}

bool prefix_parse(const char *text, struct prefix *out, bool *host_bits)
{
    char address[PREFIX_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    *host_bits = false;
    if (size >= sizeof address)
        return false;
    memcpy(address, text, size);
    address[size] = '\0';
    if (!addr_parse(address, &out->addr))
        return false;
    bool v4 = strchr(address, ':') == NULL;
    unsigned long bits = v4 ? 32 : 128;
    if (slash) {
        char *end;
        if (slash[1] < '0' || slash[1] > '9')
            return false;
        unsigned long given = strtoul(slash + 1, &end, 10);
        if (*end != '\0' || given > bits)
            return false;
        bits = given;
    }
    out->bits = (uint8_t)(v4 ? bits + 96 : bits);
    *host_bits = clear_host_bits(&out->addr, out->bits);
    return !*host_bits;
}

const char *prefix_text(const struct prefix *p, char out[PREFIX_TEXT_SIZE])
{
    char address[ADDR_TEXT_SIZE];
    bool v4 = addr_is_v4(&p->addr) && p->bits >= 96;
    snprintf(out, PREFIX_TEXT_SIZE, "%s/%d", addr_text(&p->addr, address), v4 ? p->bits - 96 : p->bits);
    return out;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
    unsigned whole = p->bits / 8, rest = p->bits % 8;
    if (p->bits < 96 && addr_is_v4(a)) /* ::/0 is all of IPv6, and no IPv4 */
        return false;
    if (memcmp(p->addr.bytes, a->bytes, whole) != 0)
        return false;
    return rest == 0 || ((p->addr.bytes[whole] ^ a->bytes[whole]) & (uint8_t)(0xff00u >> rest)) == 0;
}
