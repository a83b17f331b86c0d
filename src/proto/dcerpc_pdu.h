/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dcerpc_pdu.h - the header of a connection-oriented DCE/RPC PDU, as it stands on a TCP connection (dcerpc.c)
 * and in what is written to and read from a named pipe (smb.c). Specification: C706 section 12.6,
 * MS-RPCE 2.2.2.
 */
#ifndef ROLECALL_PROTO_DCERPC_PDU_H
#define ROLECALL_PROTO_DCERPC_PDU_H

#include "units.h"

/* C706 12.6.4, MS-RPCE 2.2.2.10 (auth3). */
enum {
    PDU_REQUEST = 0,
    PDU_RESPONSE = 2,
    PDU_FAULT = 3,
    PDU_BIND = 11,
    PDU_BIND_ACK = 12,
    PDU_BIND_NAK = 13,
    PDU_ALTER_CONTEXT = 14,
    PDU_ALTER_ACK = 15,
    PDU_AUTH3 = 16,
    PDU_SHUTDOWN = 17,
    PDU_CANCEL = 18,
    PDU_ORPHANED = 19,
    PDU_COUNT
};

static const struct {
    uint8_t size;    /* smallest PDU of this type, C706 12.6.4; 0: no such type on a connection */
    uint8_t speaker; /* enum proto_speaker */
} dcerpc_pdus[PDU_COUNT] = {
    [PDU_REQUEST] = {24, SPEAKER_CLIENT},       [PDU_RESPONSE] = {24, SPEAKER_SERVER},
    [PDU_FAULT] = {28, SPEAKER_SERVER},         [PDU_BIND] = {28, SPEAKER_CLIENT},
    [PDU_BIND_ACK] = {26, SPEAKER_SERVER},      [PDU_BIND_NAK] = {18, SPEAKER_SERVER},
    [PDU_ALTER_CONTEXT] = {28, SPEAKER_CLIENT}, [PDU_ALTER_ACK] = {26, SPEAKER_SERVER},
    [PDU_AUTH3] = {16, SPEAKER_CLIENT},         [PDU_SHUTDOWN] = {16, SPEAKER_SERVER},
    [PDU_CANCEL] = {16, SPEAKER_CLIENT},        [PDU_ORPHANED] = {16, SPEAKER_CLIENT},
};

enum { DCERPC_HEADER = 16 };      /* C706 12.6.3.1 */
enum { DCERPC_AUTH_TRAILER = 8 }; /* MS-RPCE 2.2.2.11 */

/* Numbers in the byte order that the data representation label tells. */
static inline uint16_t dcerpc_u16(struct bytes *b, bool little)
{
    return little ? bytes_u16le(b) : bytes_u16(b);
}

static inline uint32_t dcerpc_u32(struct bytes *b, bool little)
{
    return little ? bytes_u32le(b) : bytes_u32(b);
}

/* C706 14.1: integers in bits 4-7 of the first byte, characters in 0-3; floating point in the second. */
static inline bool dcerpc_is_representation(uint8_t first, uint8_t second)
{
    return (first & 0xee) == 0 && second <= 3;
}

static inline bool dcerpc_is_little(uint8_t first)
{
    return first & 0x10;
}

struct dcerpc_header {
    uint16_t version; /* major, minor */
    uint8_t type, flags;
    bool little;
    uint16_t size, auth;
};

/* C706 12.6.3.1. */
static inline enum proto_answer dcerpc_read_header(struct bytes *b, struct dcerpc_header *header)
{
    header->version = bytes_u16(b); /* 5, then 0 or 1 */
    if (bytes_ok(b) && header->version != 0x0500 && header->version != 0x0501)
        return PROTO_NO;
    header->type = bytes_u8(b);
    header->flags = bytes_u8(b);
    if (bytes_ok(b) && (header->type >= PDU_COUNT || dcerpc_pdus[header->type].size == 0))
        return PROTO_NO;
    uint8_t first = bytes_u8(b);
    uint8_t second = bytes_u8(b);
    uint16_t reserved = bytes_u16(b);
    if (bytes_ok(b) && (!dcerpc_is_representation(first, second) || reserved != 0))
        return PROTO_NO;
    header->little = dcerpc_is_little(first);
    header->size = dcerpc_u16(b, header->little);
    header->auth = dcerpc_u16(b, header->little);
    bytes_skip(b, 4); /* call id */
    if (!bytes_ok(b))
        return units_answer(b);
    size_t needed =
        dcerpc_pdus[header->type].size + (header->auth ? header->auth + (size_t)DCERPC_AUTH_TRAILER : 0);
    return header->size < needed ? PROTO_NO : PROTO_YES;
}

#endif
