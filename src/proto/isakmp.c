/* SPDX-License-Identifier: BSD-2-Clause
 *
 * isakmp.c - the header and the chain of payloads of IKEv1 (RFC 2408 sections 3.1 and 3.2), IKEv2 (RFC 7296
 * section 3) and AuthIP ([MS-AIPS] 2.2), bare or behind the marker of NAT traversal, and ESP in UDP (RFC
 * 3948). Called by ike.c, authip.c and esp.c; see isakmp.h. Ignored: what the payloads hold; messages of
 * other versions.
 */
#include "isakmp.h"

enum {
    HEADER_SIZE = 28,
    VERSION_1 = 0x10, /* IKEv1 and AuthIP */
    VERSION_2 = 0x20,
    PAYLOAD_HEADER_SIZE = 4,
    PAYLOAD_CRYPTO = 0x85, /* [MS-AIPS] 2.2.3 */
    PAYLOAD_ENCRYPTED =
        46, /* IKEv2 SK and SKF: the inner chain follows, RFC 7296 section 3.14, RFC 7383 2.5 */
    PAYLOAD_ENCRYPTED_FRAGMENT = 53,
    FLAG_ENCRYPTED = 0x01, /* version 1 */
    FLAG_INITIATOR = 0x08, /* version 2 */
    FLAG_RESPONSE = 0x20,
    ESP_HEADER_SIZE = 8,
    ESP_SPI_FIRST = 256,    /* below: reserved, RFC 4303 section 2.1 */
    ESP_SEQUENCE_STEP = 32, /* more were lost between two of one SPI: start counting again */
    ESP_COUNT_ENOUGH = 32,  /* a flow that carried so many each way holds no news */
};

static bool is_authip(uint8_t exchange)
{
    return exchange >= 243 && exchange <= 246; /* main, quick, extended mode, notify: [MS-AIPS] 2.2.1 */
}

/* RFC 2408 section 3.1, RFC 2409 appendix A; RFC 7296 section 3.1 and the exchanges IANA added up to 44. */
static bool is_exchange(uint8_t version, uint8_t exchange)
{
    if (version == VERSION_2)
        return exchange >= 34 && exchange <= 44;
    return (exchange >= 1 && exchange <= 6) || (exchange >= 32 && exchange <= 33) || is_authip(exchange);
}

/* RFC 2408 section 3.1 and later; [MS-AIPS] 2.2.3: 0x81 to 0x89; [MS-IKEE] 2.2.3.1: 0x84, a fragment */
static bool is_payload(uint8_t version, uint8_t type)
{
    if (version == VERSION_2)
        return type == 0 || (type >= 33 && type <= 54);
    return type <= 21 || (type >= 128 && type <= 137);
}

/* Walks next-payload and length from payload to payload; they must end with the message. */
static enum isakmp_chain walk_payloads(struct bytes body, uint8_t version, uint8_t type)
{
    while (type != 0) {
        bool encrypted =
            version == VERSION_2 && (type == PAYLOAD_ENCRYPTED || type == PAYLOAD_ENCRYPTED_FRAGMENT);
        uint8_t next = bytes_u8(&body);
        bytes_u8(&body); /* critical bit or reserved */
        uint16_t length = bytes_u16(&body);
        if (!bytes_ok(&body))
            break;
        if (length < PAYLOAD_HEADER_SIZE || !is_payload(version, next))
            return ISAKMP_CHAIN_WRONG;
        bytes_skip(&body, length - PAYLOAD_HEADER_SIZE);
        type = encrypted ? 0 : next; /* next names the first payload inside, RFC 7296 section 3.14 */
    }
    if (bytes_short(&body))
        return ISAKMP_CHAIN_CUT;
    /* IKEv1 may pad a message to four bytes, RFC 2408 section 3.1 */
    return bytes_ok(&body) && body.left < 4 ? ISAKMP_CHAIN_CLOSED : ISAKMP_CHAIN_WRONG;
}

static bool is_encrypted(const struct isakmp *message)
{
    return message->version == VERSION_1 && (message->flags & FLAG_ENCRYPTED);
}

/* `wirelen` bytes from the header on. False: this is no such message. */
static bool read_message(struct bytes data, uint32_t wirelen, struct isakmp *message)
{
    message->initiator_spi = bytes_u64(&data);
    message->responder_spi = bytes_u64(&data);
    uint8_t payload = bytes_u8(&data);
    message->version = bytes_u8(&data);
    message->exchange = bytes_u8(&data);
    message->flags = bytes_u8(&data);
    bytes_u32(&data); /* message id */
    uint32_t length = bytes_u32(&data);
    if (!bytes_ok(&data)) {
        message->kind = bytes_short(&data) ? ISAKMP_CUT : ISAKMP_NONE;
        return message->kind == ISAKMP_CUT;
    }
    bool known = (message->version == VERSION_1 || message->version == VERSION_2) &&
                 is_exchange(message->version, message->exchange) && is_payload(message->version, payload);
    if (!known || length != wirelen || length < HEADER_SIZE)
        return false;
    message->kind = is_authip(message->exchange) ? ISAKMP_AUTHIP : ISAKMP_MESSAGE;
    message->chain =
        is_encrypted(message) ? ISAKMP_CHAIN_CLOSED : walk_payloads(data, message->version, payload);
    return true;
}

void isakmp_read(struct bytes data, uint32_t wirelen, struct isakmp *message)
{
    struct bytes behind_marker = data;
    bool marked = bytes_u32(&behind_marker) == 0 && bytes_ok(&behind_marker);

    *message = (struct isakmp){.kind = ISAKMP_NONE};
    if (marked && read_message(behind_marker, wirelen - 4, message)) {
        message->is_marked = true;
        return;
    }
    bool was_cut = message->kind == ISAKMP_CUT;
    *message = (struct isakmp){.kind = ISAKMP_NONE};
    if (!read_message(data, wirelen, message))
        *message = (struct isakmp){.kind = was_cut ? ISAKMP_CUT : ISAKMP_NONE};
}

void isakmp_read_esp(struct bytes data, uint32_t wirelen, struct isakmp *message)
{
    *message = (struct isakmp){.kind = ISAKMP_NONE};
    if (wirelen == 1 && bytes_peek(&data, 0) == 0xff) {
        message->kind = ISAKMP_KEEPALIVE;
        return;
    }
    message->esp_spi = bytes_u32(&data);
    message->esp_sequence = bytes_u32(&data);
    if (bytes_short(&data))
        message->kind = ISAKMP_CUT;
    else if (bytes_ok(&data) && message->esp_spi >= ESP_SPI_FIRST && message->esp_sequence != 0)
        message->kind = ISAKMP_ESP;
}

unsigned isakmp_count_esp(const struct isakmp *message, uint8_t side, struct isakmp_memory *memory)
{
    uint32_t step = message->esp_sequence - memory->esp[side].sequence;
    bool follows = memory->esp[side].count > 0 && message->esp_spi == memory->esp[side].spi && step >= 1 &&
                   step <= ESP_SEQUENCE_STEP;
    if (!follows)
        memory->esp[side].count = 0;
    if (memory->esp[side].count < UINT8_MAX)
        memory->esp[side].count++;
    memory->esp[side].spi = message->esp_spi;
    memory->esp[side].sequence = message->esp_sequence;
    return memory->esp[side].count;
}

bool isakmp_add_spi(struct proto_facts *facts, unsigned side, uint32_t spi)
{
    enum { SPI_MAX = sizeof facts->esp.spi / sizeof *facts->esp.spi, SENT_MAX = 64 };
    if (facts->esp.sent[side] == SENT_MAX)
        return false; /* a flow of ever new ones must not cost a verdict each */
    for (unsigned i = 0; i < facts->esp.spi_count; i++)
        if (facts->esp.spi[i] == spi)
            return false;
    if (facts->esp.spi_count == SPI_MAX) {
        memmove(facts->esp.spi, facts->esp.spi + 1, sizeof *facts->esp.spi * (SPI_MAX - 1));
        facts->esp.spi_sides >>= 1;
        facts->esp.spi_count--;
    }
    facts->esp.spi_sides |= (uint8_t)(side << facts->esp.spi_count);
    facts->esp.spi[facts->esp.spi_count++] = spi;
    facts->esp.sent[side]++;
    return true;
}

/* IKEv2 says who began and who answers; version 1 shows it only in its first message, which has no responder.
 */
static bool is_from_initiator(const struct isakmp *message, uint8_t side, struct isakmp_memory *memory)
{
    bool first = message->responder_spi == 0;
    if (!memory->knows_initiator && (message->version == VERSION_2 || first)) {
        bool initiator = first || (message->flags & FLAG_INITIATOR);
        memory->initiator_side = initiator ? side : !side;
        memory->knows_initiator = true;
    }
    return memory->knows_initiator && memory->initiator_side == side;
}

static void tell(const struct isakmp *message, const struct proto_question *question,
                 struct isakmp_memory *memory, struct proto_facts *facts, struct proto_reply *reply)
{
    uint8_t side = question->side & 1;
    bool from_initiator = is_from_initiator(message, side, memory);

    if (memory->knows_initiator)
        reply->speaker = from_initiator ? SPEAKER_CLIENT : SPEAKER_SERVER;
    if (facts->ike.exchange == 0) {
        facts->ike.exchange = message->exchange;
        facts->ike.initiator_spi = message->initiator_spi;
    }
    memory->ike_sides |= (uint8_t)(1u << side);
    bool is_response = message->version == VERSION_2 ? (message->flags & FLAG_RESPONSE) != 0
                                                     : memory->knows_initiator && !from_initiator;
    facts->ike.request |= !is_response || memory->ike_sides == 3;
    facts->ike.response |= is_response || memory->ike_sides == 3;
    facts->ike.nat_t |= message->is_marked;
    facts->ike.authip |= message->kind == ISAKMP_AUTHIP;
    memory->nat_t |= message->is_marked;
}

static bool is_settled(const struct isakmp_memory *memory)
{
    bool esp_both = memory->esp[0].count > 0 && memory->esp[1].count > 0;
    bool esp_enough = memory->esp[0].count >= ESP_COUNT_ENOUGH && memory->esp[1].count >= ESP_COUNT_ENOUGH;
    return (memory->ike_sides == 3 && esp_both) || esp_enough;
}

void isakmp_ask(enum isakmp_kind wanted, const struct proto_question *question, struct proto_memory *lent,
                struct proto_facts *facts, struct proto_reply *reply)
{
    struct isakmp_memory *memory = (struct isakmp_memory *)(void *)lent->bytes;
    struct isakmp message;

    if (question->named) {
        isakmp_go_on(wanted == ISAKMP_AUTHIP ? PROTO_authip : PROTO_ike, question, memory, facts, reply);
        return;
    }
    isakmp_read(question->data, question->wirelen, &message);
    bool is_strict = message.chain == ISAKMP_CHAIN_CLOSED && message.initiator_spi != 0;
    if (message.kind == wanted && (is_strict || question->customary)) {
        reply->answer = PROTO_YES;
        reply->evidence = is_strict ? 2 : 1;
        tell(&message, question, memory, facts, reply);
    } else {
        bool may_be =
            message.kind == ISAKMP_CUT || (message.kind == wanted && message.chain == ISAKMP_CHAIN_CUT);
        reply->answer = may_be ? PROTO_MORE : PROTO_NO;
    }
}

void isakmp_go_on(enum proto_id self, const struct proto_question *question, struct isakmp_memory *memory,
                  struct proto_facts *facts, struct proto_reply *reply)
{
    struct isakmp message;
    uint8_t side = question->side & 1;
    enum proto_id inside = self;

    isakmp_read(question->data, question->wirelen, &message);
    bool may_be_esp = message.kind == ISAKMP_NONE && memory->nat_t;
    if (may_be_esp)
        isakmp_read_esp(question->data, question->wirelen, &message);
    reply->evidence = 2;
    reply->answer = PROTO_YES;
    switch (message.kind) {
    case ISAKMP_NONE:
        reply->answer = PROTO_NO;
        return;
    case ISAKMP_CUT:
        reply->answer = PROTO_MORE;
        return;
    case ISAKMP_KEEPALIVE:
        reply->evidence = 1;
        break;
    case ISAKMP_ESP:
        isakmp_add_spi(facts, side, message.esp_spi);
        reply->evidence = isakmp_count_esp(&message, side, memory) >= ESP_COUNT_SURE ? 2 : 1;
        inside = PROTO_esp;
        break;
    case ISAKMP_MESSAGE:
    case ISAKMP_AUTHIP:
        inside = message.kind == ISAKMP_AUTHIP ? PROTO_authip : PROTO_ike;
        tell(&message, question, memory, facts, reply);
        break;
    }
    if (inside != self)
        reply->carries = inside;
    reply->settled = is_settled(memory);
}
