/* SPDX-License-Identifier: BSD-2-Clause
 *
 * kerberos.c - recognises Kerberos 5 messages, over TCP behind a length of four bytes and over UDP alone.
 * Asked by the engine through proto_kerberos. Specification: RFC 4120 sections 5.4 to 5.10 (messages) and 7.2
 * (transport). Only the outer tag, protocol version and message type are read; names, tickets and errors are
 * ignored, and so are Kerberos 4 and the password changing protocol.
 */
#include "ber.h"

/* RFC 4120 5.10: [APPLICATION n] of a message, which is also its msg-type. */
struct message {
    uint8_t number;
    uint8_t speaker; /* enum proto_speaker */
    const char *name;
};

static const struct message messages[] = {
    {10, SPEAKER_CLIENT, "AS-REQ"},  {11, SPEAKER_SERVER, "AS-REP"}, {12, SPEAKER_CLIENT, "TGS-REQ"},
    {13, SPEAKER_SERVER, "TGS-REP"}, {14, SPEAKER_CLIENT, "AP-REQ"}, {15, SPEAKER_SERVER, "AP-REP"},
    {20, SPEAKER_UNKNOWN, "SAFE"},   {21, SPEAKER_UNKNOWN, "PRIV"},  {22, SPEAKER_UNKNOWN, "CRED"},
    {30, SPEAKER_SERVER, "ERROR"},
};

enum { AS_REQ = 10, TGS_REQ = 12 };
enum { APPLICATION_CONSTRUCTED = 0x60, CONTEXT_CONSTRUCTED = 0xa0 }; /* X.690 8.1.2 */
enum { KERBEROS_VERSION = 5 };
enum { MESSAGE_MAX = 1 << 20 }; /* ours: tickets are a few dozen KiB at most */

static const struct message *find_message(uint8_t tag)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        if (tag == (APPLICATION_CONSTRUCTED | messages[i].number))
            return &messages[i];
    return NULL;
}

/* Both numbers stand first in the sequence: as [1] and [2] of a KDC-REQ (5.4.1), else as [0] and [1]. */
static void read_numbers(struct bytes *b, const struct message *message)
{
    unsigned first = message->number == AS_REQ || message->number == TGS_REQ ? 1 : 0;
    struct bytes version = ber_take(b, (uint8_t)(CONTEXT_CONSTRUCTED + first));
    if (bytes_ok(b) && ber_number(&version, BER_INTEGER) != KERBEROS_VERSION)
        units_wrong(b);
    struct bytes type = ber_take(b, (uint8_t)(CONTEXT_CONSTRUCTED + first + 1));
    if (bytes_ok(b) && ber_number(&type, BER_INTEGER) != message->number)
        units_wrong(b);
}

static enum proto_answer read_unit(const struct proto_question *question, struct bytes b, void *memory,
                                   struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    size_t prefix = question->transport == OVER_TCP ? 4 : 0;
    size_t length =
        prefix ? bytes_u32(&b) : question->wirelen; /* 7.2.2; its top bit is an extension, RFC 5021 */
    if (length > MESSAGE_MAX)
        return PROTO_NO;

    int tag = bytes_peek(&b, 0);
    if (tag < 0)
        return PROTO_MORE;
    const struct message *message = find_message((uint8_t)tag);
    if (!message)
        return PROTO_NO;
    size_t before = b.left;
    size_t inside = ber_head(&b, (uint8_t)tag);
    if (bytes_ok(&b) && before - b.left + inside != length)
        return PROTO_NO;
    before = b.left;
    size_t sequence = ber_head(&b, BER_SEQUENCE);
    if (bytes_ok(&b) && before - b.left + sequence != inside)
        return PROTO_NO;
    read_numbers(&b, message);
    if (!bytes_ok(&b))
        return units_answer(&b);

    facts->version = KERBEROS_VERSION;
    if (facts->detail.size == 0)
        proto_text_set(&facts->detail, message->name, strlen(message->name));
    ((struct units_talk *)memory)->known = true;
    reply->speaker = message->speaker;
    *size = prefix + length;
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    units_ask(question, read_unit, memory->bytes, facts, reply);
}

static const uint16_t ports[] = {88, 0};

const struct protocol proto_kerberos = {.name = "kerberos",
                                        .transports = OVER_TCP | OVER_UDP,
                                        .customary_ports = ports,
                                        .least = {14, 14}, /* two heads and two numbers */
                                        .begins = {{0, 0x6a, 0x7e}},
                                        .ask = ask};
