/* SPDX-License-Identifier: BSD-2-Clause
 *
 * quic.c - recognises QUIC by its long headers with a known version, by version negotiation, and by the
 * public header that Google's versions had before. Asked through the registry. Specification: RFC 8999
 * (invariants), RFC 9000 (17.2), RFC 9369 (version 2), RFC 9287 (the fixed bit may be 0). Short headers look
 * like nothing and count only on a flow that has the name; the handshake is encrypted and not opened, so no
 * server name is told.
 */
#include "rolecall/proto.h"

enum {
    CONNECTION_ID_MAX = 20, /* RFC 9000 17.2 */
    PADDED_MIN = 1200,      /* RFC 9000 14.1: every datagram with a client's Initial */
    RETRY_TAG_SIZE = 16,    /* RFC 9001 5.8 */
    SHORT_MIN = 21          /* RFC 9000 10.3: no packet that can be decrypted is smaller */
};

enum packet_type { PACKET_INITIAL, PACKET_0RTT, PACKET_HANDSHAKE, PACKET_RETRY };

struct quic_memory {
    bool has_spoken[2];
};

/* "Q043", "T051": letter, 0, two digits. */
static bool is_google_version(uint32_t version)
{
    uint8_t letter = (uint8_t)(version >> 24), zero = (uint8_t)(version >> 16);
    uint8_t tens = (uint8_t)(version >> 8), ones = (uint8_t)version;
    return (letter == 'Q' || letter == 'T') && zero == '0' && tens >= '0' && tens <= '9' && ones >= '0' &&
           ones <= '9';
}

/* Drafts of the IETF, ff0000NN; up to 34 were given out. */
static bool is_draft(uint32_t version)
{
    return version >> 8 == 0xff0000 && (version & 0xff) >= 1 && (version & 0xff) <= 34;
}

/* RFC 9000 15: versions of this form are reserved to force a negotiation. */
static bool is_reserved(uint32_t version)
{
    return (version & 0x0f0f0f0f) == 0x0a0a0a0a;
}

static bool is_version_2(uint32_t version)
{
    return version == 0x6b3343cf || version == 0x709a50c4; /* RFC 9369 3.1, and its last drafts */
}

static bool is_known(uint32_t version)
{
    return version == 1 || is_version_2(version) || is_draft(version) || is_google_version(version) ||
           version >> 8 == 0xfaceb0 || /* mvfst */
           version >> 4 == 0xabcd000;  /* msquic */
}

/* Before draft 22 and in Google's Q044 to Q048 both lengths of connection ids shared one byte. */
static bool has_packed_lengths(uint32_t version)
{
    return (is_draft(version) && (version & 0xff) < 22) || (version >= 0x51303434 && version <= 0x51303438);
}

/* A variable-length integer, RFC 9000 16. */
static uint64_t read_varint(struct bytes *b)
{
    uint8_t first = bytes_u8(b);
    uint64_t value = first & 0x3f;
    for (unsigned more = (1u << (first >> 6)) - 1; more > 0; more--)
        value = value << 8 | bytes_u8(b);
    return value;
}

/* RFC 9369 3.2: version 2 numbers its packet types anew. */
static enum packet_type packet_type_of(uint8_t first, uint32_t version)
{
    unsigned bits = first >> 4 & 3;
    return (enum packet_type)(is_version_2(version) ? (bits + 3) & 3 : bits);
}

/* Both connection ids. False: their lengths cannot be. */
static bool read_connection_ids(struct bytes *b, uint32_t version)
{
    if (has_packed_lengths(version)) {
        uint8_t lengths = bytes_u8(b);
        size_t destination = lengths >> 4, source = lengths & 0x0f;
        bytes_skip(b, (destination ? destination + 3 : 0) + (source ? source + 3 : 0));
        return true;
    }
    for (int i = 0; i < 2; i++) {
        size_t size = bytes_u8(b);
        if (size > CONNECTION_ID_MAX)
            return false;
        bytes_skip(b, size);
    }
    return true;
}

/* RFC 9000 17.2.1: version 0, ids of any length, and the versions the server has. */
static enum proto_answer read_negotiation(struct bytes b)
{
    bool has_known = false;
    (void)bytes_prefixed8(&b);
    (void)bytes_prefixed8(&b);
    if (!b.cut && b.left % 4 != 0)
        return PROTO_NO;
    while (b.left >= 4)
        has_known |= is_known(bytes_u32(&b));
    return has_known ? PROTO_YES : b.cut ? PROTO_MORE : PROTO_NO;
}

/* What follows the ids of version 1 and its kin (RFC 9000 17.2.2-17.2.5). False: the lengths contradict the
 * datagram. */
static bool fits_packet(struct bytes b, enum packet_type type, uint32_t wire_left, struct proto_reply *reply)
{
    size_t before = b.left;
    if (type == PACKET_RETRY) {
        reply->speaker = SPEAKER_SERVER;
        return wire_left >= RETRY_TAG_SIZE;
    }
    if (type == PACKET_INITIAL) {
        uint64_t token_size = read_varint(&b);
        if (bytes_ok(&b) && token_size > wire_left)
            return false;
        if (bytes_ok(&b) && token_size > 0)
            reply->speaker = SPEAKER_CLIENT; /* RFC 9000 17.2.2: a server's token is empty */
        bytes_skip(&b, (size_t)token_size);
    } else if (type == PACKET_0RTT) {
        reply->speaker = SPEAKER_CLIENT;
    }
    uint64_t length = read_varint(&b);
    if (!bytes_ok(&b))
        return bytes_short(&b);
    return length > 0 && length <= wire_left - (before - b.left);
}

static enum proto_answer read_long(const struct proto_question *question, struct proto_facts *facts,
                                   struct proto_reply *reply)
{
    struct bytes b = question->data;
    uint8_t first = bytes_u8(&b);
    uint32_t version = bytes_u32(&b);
    if (!bytes_ok(&b))
        return bytes_short(&b) ? PROTO_MORE : PROTO_NO;
    reply->evidence = 2;
    if (version == 0) {
        reply->speaker = SPEAKER_SERVER;
        return read_negotiation(b);
    }
    bool reserved = is_reserved(version);
    if (!reserved && !is_known(version))
        return PROTO_NO;
    if (!read_connection_ids(&b, version))
        return PROTO_NO;
    if (!bytes_ok(&b))
        return bytes_short(&b) ? PROTO_MORE : PROTO_NO;
    if (reserved) { /* nothing behind the ids is known, but the datagram is padded */
        reply->evidence = 1;
        return question->wirelen >= PADDED_MIN ? PROTO_YES : PROTO_NO;
    }
    bool is_framed = !has_packed_lengths(version); /* token and length stand where version 1 has them */
    uint32_t wire_left = question->wirelen - (uint32_t)(question->data.left - b.left);
    if (is_framed && !fits_packet(b, packet_type_of(first, version), wire_left, reply))
        return PROTO_NO;
    facts->version = version == 1 ? 1 : is_version_2(version) ? 2 : 0;
    return PROTO_YES;
}

/*
 * Google's public header, until Q043: flags (1 version follows, 2 reset, 8 connection id of 8 bytes, 80
 * unused), connection id, version, packet number, and 12 bytes of hash or tag.
 */
static enum proto_answer read_google(struct bytes b, struct proto_reply *reply)
{
    uint8_t flags = bytes_u8(&b);
    if ((flags & 0x8b) != 0x09)
        return PROTO_NO;
    bytes_skip(&b, 8);
    uint32_t version = bytes_u32(&b);
    if (bytes_ok(&b) && (!is_google_version(version) || version >> 24 != 'Q'))
        return PROTO_NO;
    bytes_skip(&b, 1 + 12);
    if (!bytes_ok(&b))
        return bytes_short(&b) ? PROTO_MORE : PROTO_NO;
    reply->evidence = 2;
    reply->speaker = SPEAKER_CLIENT; /* a server names no version, but to negotiate one */
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct quic_memory *memory = (struct quic_memory *)lent->bytes;
    int first = bytes_peek(&question->data, 0);
    if (first >= 0x80)
        reply->answer = read_long(question, facts, reply);
    else if (first >= 0)
        reply->answer = read_google(question->data, reply);
    if (reply->answer != PROTO_YES && question->named && first >= 0 && first < 0x80 &&
        question->wirelen >= SHORT_MIN) {
        reply->answer = PROTO_YES; /* a short header */
        reply->evidence = 1;
    }
    if (reply->answer != PROTO_YES)
        return;
    memory->has_spoken[question->side] = true;
    reply->settled = memory->has_spoken[1 - question->side];
}

static const uint16_t customary_ports[] = {443, 853, 0}; /* RFC 9114 3.1, RFC 9250 4.1.1 */

const struct protocol proto_quic = {.name = "quic",
                                    .transports = OVER_UDP,
                                    .customary_ports = customary_ports,
                                    .least = {6, 6}, /* packed lengths */
                                    .begins = {{0, 0x09, 0x7d}, {0, 0x80, 0xff}},
                                    .ask = ask};
