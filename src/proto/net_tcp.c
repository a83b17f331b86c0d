/* SPDX-License-Identifier: BSD-2-Clause
 *
 * net_tcp.c - recognises .NET message framing (net.tcp) by its preamble. Asked by the engine through
 * proto_net_tcp. Specification: MC-NMF 2.2.3. The via URI and a stream upgrade are kept; messages after the
 * preamble are ignored.
 */
#include "units.h"

/* MC-NMF 2.2.3.1 to 2.2.3.6: record types. */
enum {
    RECORD_VERSION = 0x00,
    RECORD_MODE = 0x01,
    RECORD_VIA = 0x02,
    RECORD_KNOWN_ENCODING = 0x03,
    RECORD_EXTENSIBLE_ENCODING = 0x04,
    RECORD_FAULT = 0x08,
    RECORD_UPGRADE_REQUEST = 0x09,
    RECORD_UPGRADE_RESPONSE = 0x0a,
    RECORD_PREAMBLE_ACK = 0x0b,
    RECORD_PREAMBLE_END = 0x0c
};
enum { MODE_LAST = 4, ENCODING_LAST = 8, TEXT_MAX = 2048 }; /* 2.2.3.2, 2.2.3.4; the last is ours */

static const char tls_upgrade[] = "application/ssl-tls"; /* 2.2.3.5 */

struct memory {
    struct units_talk talk;
    bool asked_for_tls;
};
_Static_assert(sizeof(struct memory) <= PROTO_MEMORY_SIZE, "fits what the flow lends");

/* A length of seven bits a byte, least first, 2.2.2. Then that many bytes of printable text. */
static struct bytes read_text(struct bytes *b)
{
    size_t size = 0;
    for (unsigned shift = 0; shift <= 28; shift += 7) {
        uint8_t group = bytes_u8(b);
        size |= (size_t)(group & 0x7f) << shift;
        if (!(group & 0x80))
            break;
    }
    if (bytes_ok(b) && (size == 0 || size > TEXT_MAX))
        units_wrong(b);
    struct bytes text = bytes_take(b, size);
    for (struct bytes rest = text; rest.left > 0;)
        if (bytes_u8(&rest) < 0x20)
            units_wrong(b);
    return text;
}

/* The next byte must be this one. */
static void expect(struct bytes *b, uint8_t wanted)
{
    int seen = bytes_peek(b, 0);
    if (seen >= 0 && seen != wanted)
        units_wrong(b);
    bytes_skip(b, 1);
}

/* A URI with a scheme such as net.tcp. */
static bool is_uri(struct bytes via)
{
    size_t colon = bytes_find(&via, ':', via.left);
    if (colon == SIZE_MAX || colon == 0)
        return false;
    bytes_skip(&via, colon);
    return bytes_begin(&via, "://", 3);
}

static struct bytes read_via(struct bytes *b)
{
    expect(b, RECORD_VERSION); /* 1.0, 2.2.3.1 */
    expect(b, 1);
    expect(b, 0);
    expect(b, RECORD_MODE);
    uint8_t mode = bytes_u8(b);
    if (bytes_ok(b) && (mode == 0 || mode > MODE_LAST))
        units_wrong(b);
    expect(b, RECORD_VIA);
    struct bytes via = read_text(b);
    if (bytes_ok(b) && !is_uri(via))
        units_wrong(b);
    return via;
}

static void read_encoding(struct bytes *b)
{
    uint8_t type = bytes_u8(b);
    if (type == RECORD_EXTENSIBLE_ENCODING) {
        read_text(b);
        return;
    }
    uint8_t encoding = bytes_u8(b);
    if (bytes_ok(b) && (type != RECORD_KNOWN_ENCODING || encoding > ENCODING_LAST))
        units_wrong(b);
}

static enum proto_answer read_preamble(struct bytes b, struct memory *memory, struct proto_facts *facts,
                                       struct proto_reply *reply, size_t *size)
{
    size_t whole = b.left;
    struct bytes upgrade = {0};
    struct bytes via = read_via(&b);
    read_encoding(&b);
    uint8_t type = bytes_u8(&b);
    if (type == RECORD_UPGRADE_REQUEST)
        upgrade = read_text(&b);
    else if (bytes_ok(&b) && type != RECORD_PREAMBLE_END)
        return PROTO_NO;
    if (!bytes_ok(&b))
        return units_answer(&b);

    facts->version = 0x0100;
    proto_text_set(&facts->server_name, via.at, via.left);
    if (upgrade.left > 0)
        proto_text_set(&facts->detail, upgrade.at, upgrade.left);
    memory->asked_for_tls =
        upgrade.left == strlen(tls_upgrade) && bytes_begin(&upgrade, tls_upgrade, upgrade.left);
    memory->talk.known = !memory->asked_for_tls;
    reply->speaker = SPEAKER_CLIENT;
    *size = whole - b.left;
    return PROTO_YES;
}

static enum proto_answer read_unit(const struct proto_question *question, struct bytes b, void *lent,
                                   struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    struct memory *memory = lent;
    int type = bytes_peek(&b, 0);
    if (type == RECORD_VERSION && !question->named)
        return read_preamble(b, memory, facts, reply, size);
    if (type != RECORD_UPGRADE_RESPONSE && type != RECORD_PREAMBLE_ACK && type != RECORD_FAULT)
        return PROTO_NO;
    if (!question->named)
        return PROTO_MORE; /* a server's single byte names nothing, but its client may */
    if (type == RECORD_UPGRADE_RESPONSE && memory->asked_for_tls)
        reply->upgrade = PROTO_tls;
    memory->talk.known = true;
    reply->speaker = SPEAKER_SERVER;
    *size = 1;
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    units_ask(question, read_unit, memory->bytes, facts, reply);
}

static const uint16_t ports[] = {808, 0};

const struct protocol proto_net_tcp = {
    .name = "net-tcp", .transports = OVER_TCP, .customary_ports = ports, .ask = ask};
