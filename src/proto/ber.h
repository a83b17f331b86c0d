/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ber.h - BER elements of one tag byte and a definite length, which is all that LDAP (RFC 4511 section 5.1)
 * and Kerberos (RFC 4120 section 5.1) put on the wire. Specification: ITU-T X.690, 8.1.2 and 8.1.3. Long tags
 * and the indefinite length are wrong here.
 */
#ifndef ROLECALL_PROTO_BER_H
#define ROLECALL_PROTO_BER_H

#include "units.h"

enum {
    BER_BOOLEAN = 0x01,
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_ENUMERATED = 0x0a,
    BER_SEQUENCE = 0x30
};

/* The length octets: one below 0x80, or 0x80 + count and up to four more (X.690, 8.1.3.3-5). */
static inline size_t ber_length(struct bytes *b)
{
    uint8_t first = bytes_u8(b);
    if (first < 0x80)
        return first;
    unsigned count = first & 0x7f;
    if (count == 0 || count > 4)
        units_wrong(b);
    size_t length = 0;
    for (unsigned i = 0; i < count && bytes_ok(b); i++)
        length = length << 8 | bytes_u8(b);
    return length;
}

/* The tag, which must be this one, and the length. The cursor stands on the contents afterwards. */
static inline size_t ber_head(struct bytes *b, uint8_t tag)
{
    int seen = bytes_peek(b, 0);
    if (seen >= 0 && seen != tag)
        units_wrong(b);
    bytes_skip(b, 1);
    return ber_length(b);
}

/* The contents of the next element, which must have this tag. */
static inline struct bytes ber_take(struct bytes *b, uint8_t tag)
{
    size_t length = ber_head(b, tag);
    return bytes_take(b, length);
}

/* A small INTEGER or ENUMERATED that is not negative, of one to four octets; anything else is wrong. */
static inline uint32_t ber_number(struct bytes *b, uint8_t tag)
{
    struct bytes inner = ber_take(b, tag);
    if (bytes_ok(b) && (inner.left == 0 || inner.left > 4 || bytes_peek(&inner, 0) > 0x7f))
        units_wrong(b);
    uint32_t number = 0;
    while (bytes_ok(b) && inner.left > 0)
        number = number << 8 | bytes_u8(&inner);
    return number;
}

#endif
