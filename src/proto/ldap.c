/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ldap.c - recognises LDAP over TCP and CLDAP over UDP. Asked by the engine through proto_ldap.
 * Specification: RFC 4511 section 4 (messages), 4.14 (StartTLS); MS-ADTS 6.3.3 (LDAP ping over UDP)
 * and 5.1.1.1 (sicily). Each message must close its lengths and begin as its operation demands; filters,
 * attributes and controls are ignored, and a stream that a SASL layer has wrapped ends the reading.
 */
#include "ber.h"

/* RFC 4511 4.2 to 4.14: [APPLICATION n], bit 0x20 where constructed. */
enum operation {
    BIND_REQUEST = 0x60,
    BIND_RESPONSE = 0x61,
    UNBIND_REQUEST = 0x42,
    SEARCH_REQUEST = 0x63,
    SEARCH_ENTRY = 0x64,
    SEARCH_DONE = 0x65,
    SEARCH_REFERENCE = 0x73,
    MODIFY_REQUEST = 0x66,
    MODIFY_RESPONSE = 0x67,
    ADD_REQUEST = 0x68,
    ADD_RESPONSE = 0x69,
    DELETE_REQUEST = 0x4a,
    DELETE_RESPONSE = 0x6b,
    RENAME_REQUEST = 0x6c,
    RENAME_RESPONSE = 0x6d,
    COMPARE_REQUEST = 0x6e,
    COMPARE_RESPONSE = 0x6f,
    ABANDON_REQUEST = 0x50,
    EXTENDED_REQUEST = 0x77,
    EXTENDED_RESPONSE = 0x78,
    INTERMEDIATE_RESPONSE = 0x79
};

enum { CONTROLS = 0xa0, AUTH_SIMPLE = 0x80, AUTH_SASL = 0xa3, SICILY_FIRST = 0x89, SICILY_LAST = 0x8b };
enum {
    REQUEST_NAME = 0x80,
    INTERMEDIATE_VALUE = 0x81,
    FILTER_FIRST = 0xa0,
    FILTER_LAST = 0xa9,
    FILTER_PRESENT = 0x87
};
enum {
    SUCCESS = 0,
    RESULT_MAX = 0x1fff
};                               /* 4.1.9; the registry of RFC 4520 3.8 goes up to 16383 for private use */
enum { MESSAGE_MAX = 0xffffff }; /* ours; Active Directory takes 10 MiB at most (MS-ADTS 3.1.1.3.4.6) */

static const char start_tls_oid[] = "1.3.6.1.4.1.1466.20037"; /* 4.14.1 */

struct memory {
    struct units_talk talk;
    bool start_tls;        /* asked for */
    uint32_t start_tls_id; /* by this message */
};
_Static_assert(sizeof(struct memory) <= PROTO_MEMORY_SIZE, "fits what the flow lends");

struct message {
    uint32_t id;
    uint8_t operation;
    struct bytes body;
};

/* What a body begins with, RFC 4511 4.1.9. */
static uint32_t read_result(struct bytes *b)
{
    uint32_t code = ber_number(b, BER_ENUMERATED);
    ber_take(b, BER_OCTETS); /* matched name */
    ber_take(b, BER_OCTETS); /* diagnostic message */
    if (bytes_ok(b) && code > RESULT_MAX)
        units_wrong(b);
    return code;
}

static uint32_t read_bind(struct bytes *b)
{
    uint32_t version = ber_number(b, BER_INTEGER);
    ber_take(b, BER_OCTETS);
    uint8_t choice = bytes_u8(b);
    if (bytes_ok(b) &&
        (version < 2 || version > 3 ||
         (choice != AUTH_SIMPLE && choice != AUTH_SASL && (choice < SICILY_FIRST || choice > SICILY_LAST))))
        units_wrong(b);
    return version;
}

static void read_search(struct bytes *b)
{
    ber_take(b, BER_OCTETS);
    uint32_t scope = ber_number(b, BER_ENUMERATED);
    uint32_t aliases = ber_number(b, BER_ENUMERATED);
    ber_number(b, BER_INTEGER); /* size limit */
    ber_number(b, BER_INTEGER); /* time limit */
    struct bytes types_only = ber_take(b, BER_BOOLEAN);
    uint8_t filter = bytes_u8(b);
    if (bytes_ok(b) && (scope > 3 || aliases > 3 || types_only.left != 1 ||
                        ((filter < FILTER_FIRST || filter > FILTER_LAST) && filter != FILTER_PRESENT)))
        units_wrong(b);
}

static struct bytes read_extended(struct bytes *b)
{
    struct bytes name = ber_take(b, REQUEST_NAME);
    struct bytes rest = name;
    while (bytes_ok(b) && rest.left > 0) { /* an LDAPOID is dotted decimal, 4.1.2 */
        uint8_t c = bytes_u8(&rest);
        if (c != '.' && (c < '0' || c > '9'))
            units_wrong(b);
    }
    return name;
}

/* The rest have no numbers to look at, only the types of their first elements. */
static void read_plain(struct bytes *b, uint8_t operation)
{
    switch (operation) {
    case UNBIND_REQUEST:
        if (b->left > 0)
            units_wrong(b);
        break;
    case ABANDON_REQUEST:
        if (!b->cut && (b->left == 0 || b->left > 4))
            units_wrong(b);
        break;
    case DELETE_REQUEST:
        break; /* nothing but a name */
    case SEARCH_REFERENCE:
        ber_take(b, BER_OCTETS);
        break;
    case RENAME_REQUEST:
        ber_take(b, BER_OCTETS);
        ber_take(b, BER_OCTETS);
        break;
    case INTERMEDIATE_RESPONSE:
        if (b->left > 0)
            ber_take(b, bytes_peek(b, 0) == REQUEST_NAME ? REQUEST_NAME : INTERMEDIATE_VALUE);
        break;
    case SEARCH_ENTRY:
    case MODIFY_REQUEST:
    case ADD_REQUEST:
    case COMPARE_REQUEST:
        ber_take(b, BER_OCTETS);
        ber_head(b, BER_SEQUENCE);
        break;
    default:
        units_wrong(b);
    }
}

static bool is_from_server(uint8_t operation)
{
    switch (operation) {
    case BIND_RESPONSE:
    case SEARCH_ENTRY:
    case SEARCH_DONE:
    case SEARCH_REFERENCE:
    case MODIFY_RESPONSE:
    case ADD_RESPONSE:
    case DELETE_RESPONSE:
    case RENAME_RESPONSE:
    case COMPARE_RESPONSE:
    case EXTENDED_RESPONSE:
    case INTERMEDIATE_RESPONSE:
        return true;
    default:
        return false;
    }
}

/* RFC 4511 4.1.1: sequence { messageID, operation, [0] controls optional }. */
static enum proto_answer read_envelope(struct bytes b, struct message *message, size_t *size)
{
    size_t whole = b.left;
    size_t inside = ber_head(&b, BER_SEQUENCE);
    size_t head = whole - b.left;
    message->id = ber_number(&b, BER_INTEGER);
    message->operation = bytes_u8(&b);
    size_t length = ber_length(&b);
    if (!bytes_ok(&b))
        return units_answer(&b);

    size_t end = whole - b.left + length; /* of the operation, counted from the message's first byte */
    *size = head + inside;
    if (end > *size || *size > MESSAGE_MAX)
        return PROTO_NO;
    message->body = bytes_take(&b, length);
    int next = bytes_peek(&b, 0);
    if (end < *size && next >= 0 && next != CONTROLS)
        return PROTO_NO;
    return PROTO_YES;
}

static enum proto_answer read_unit(const struct proto_question *question, struct bytes b, void *lent,
                                   struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    struct memory *memory = lent;
    struct message message = {0};
    enum proto_answer answer = read_envelope(b, &message, size);
    if (answer != PROTO_YES)
        return answer;
    bool is_datagram = question->transport == OVER_UDP;
    if (is_datagram && *size > question->wirelen - (question->data.left - b.left))
        return PROTO_NO;

    uint32_t version = 0;
    bool tls_request = false, tls_granted = false;
    struct bytes *body = &message.body;
    switch (message.operation) {
    case BIND_REQUEST:
        version = read_bind(body);
        break;
    case SEARCH_REQUEST:
        read_search(body);
        break;
    case EXTENDED_REQUEST: {
        struct bytes name = read_extended(body);
        tls_request = name.left == strlen(start_tls_oid) && bytes_begin(&name, start_tls_oid, name.left);
        break;
    }
    case BIND_RESPONSE:
    case SEARCH_DONE:
    case MODIFY_RESPONSE:
    case ADD_RESPONSE:
    case DELETE_RESPONSE:
    case RENAME_RESPONSE:
    case COMPARE_RESPONSE:
        read_result(body);
        break;
    case EXTENDED_RESPONSE:
        tls_granted = read_result(body) == SUCCESS && memory->start_tls && message.id == memory->start_tls_id;
        break;
    default:
        read_plain(body, message.operation);
    }
    if (!bytes_ok(body))
        return units_answer(body);

    if (version && !is_datagram)
        facts->version = (uint16_t)version;
    if (tls_request) {
        memory->start_tls = true;
        memory->start_tls_id = message.id;
    }
    if (tls_granted && !is_datagram)
        reply->upgrade = PROTO_tls;
    if (message.operation == EXTENDED_RESPONSE)
        memory->start_tls = false;
    if (version || message.operation == BIND_RESPONSE || is_datagram)
        memory->talk.known = true; /* StartTLS comes before a bind, if at all (4.14.1) */
    reply->speaker = is_from_server(message.operation) ? SPEAKER_SERVER : SPEAKER_CLIENT;
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    units_ask(question, read_unit, memory->bytes, facts, reply);
    /* A server answers a ping with an entry and a result in one datagram; together they must fill it. */
    if (question->transport == OVER_UDP && !question->data.cut && reply->used != question->wirelen)
        *reply = (struct proto_reply){.answer = PROTO_NO};
}

static const uint16_t ports[] = {389, 3268, 0};

const struct protocol proto_ldap = {.name = "ldap",
                                    .transports = OVER_TCP | OVER_UDP,
                                    .customary_ports = ports,
                                    .least = {7, 7}, /* an unbind request */
                                    .begins = {{0, BER_SEQUENCE, BER_SEQUENCE}},
                                    .ask = ask};
