/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tds.c - recognises tabular data streams (SQL Server). Asked by the engine through proto_tds. Specification:
 * MS-TDS 2.2.3.1 (packet header), 2.2.5.3 (headers of a request), 2.2.6 (messages), 2.2.7 (tokens).
 * Pre-login, login and the first bytes of requests and answers are read, TLS inside pre-login packets is
 * stepped over, and a stream that goes on in TLS is handed over. Statements and rows are ignored, and so is
 * TDS 8.0, which is TLS from its first byte.
 */
#include "units.h"

/* MS-TDS 2.2.3.1.1. */
enum {
    SQL_BATCH = 1,
    OLD_LOGIN = 2,
    RPC = 3,
    TABULAR_RESULT = 4,
    ATTENTION = 6,
    BULK_LOAD = 7,
    FEDERATED_TOKEN = 8,
    TRANSACTION_MANAGER = 14,
    LOGIN7 = 16,
    SSPI = 17,
    PRE_LOGIN = 18
};
enum {
    HEADER = 8,
    STATUS_KNOWN = 0x1f,
    STATUS_SERVER = 0x01,
    PACKET_MAX = 32767
}; /* 2.2.3.1.2, 2.2.3.1.3, 2.2.6.4 */

/* 2.2.6.5: options of a pre-login. */
enum { OPTION_VERSION = 0, OPTION_ENCRYPTION = 1, OPTION_INSTANCE = 2, OPTION_LAST = 8, OPTION_END = 0xff };
enum { ENCRYPT_OFF = 0 };

/* 2.2.7: tokens an answer may begin with; those from 0xa4 here up to 0xee have a length of two bytes behind
 * them. */
enum {
    TOKEN_RETURN_STATUS = 0x79,
    TOKEN_COLUMNS = 0x81,
    TOKEN_TABLE_NAMES = 0xa4,
    TOKEN_COLUMN_INFO = 0xa5,
    TOKEN_ORDER = 0xa9,
    TOKEN_ERROR = 0xaa,
    TOKEN_INFO = 0xab,
    TOKEN_RETURN_VALUE = 0xac,
    TOKEN_LOGIN_ACK = 0xad,
    TOKEN_FEATURES = 0xae,
    TOKEN_ROW = 0xd1,
    TOKEN_NULL_ROW = 0xd2,
    TOKEN_ENVIRONMENT = 0xe3,
    TOKEN_SSPI = 0xed,
    TOKEN_FEDERATED = 0xee,
    TOKEN_DONE = 0xfd,
    TOKEN_DONE_IN_PROCEDURE = 0xff
};

enum { TLS_FIRST = 20, TLS_LAST = 23, TLS_HEADER = 5 }; /* RFC 8446 5.1 */

enum encryption { ENCRYPTION_UNKNOWN, ENCRYPTION_LOGIN_ONLY, ENCRYPTION_OTHER };

struct memory {
    struct units_talk talk;
    bool began;         /* a pre-login was seen */
    uint8_t encryption; /* enum encryption: what the server said */
};
_Static_assert(sizeof(struct memory) <= PROTO_MEMORY_SIZE, "fits what the flow lends");

struct packet {
    uint8_t type, status, number;
    uint16_t size, process;
};

static bool is_tls(const struct bytes *b)
{
    int type = bytes_peek(b, 0);
    return b->left >= 3 && type >= TLS_FIRST && type <= TLS_LAST && bytes_peek(b, 1) == 3 &&
           bytes_peek(b, 2) <= 4;
}

/* Could these bytes be the beginning of a TLS record that has not wholly arrived? */
static bool may_be_tls(const struct bytes *b)
{
    int type = bytes_peek(b, 0), version = bytes_peek(b, 1);
    return b->cut && b->left < 3 && (type < 0 || (type >= TLS_FIRST && type <= TLS_LAST)) &&
           (version < 0 || version == 3);
}

static bool is_request(uint8_t type)
{
    return type == SQL_BATCH || type == RPC || type == TRANSACTION_MANAGER || type == BULK_LOAD;
}

static enum proto_answer read_header(struct bytes *b, struct packet *packet)
{
    packet->type = bytes_u8(b);
    bool known = is_request(packet->type) || packet->type == OLD_LOGIN || packet->type == TABULAR_RESULT ||
                 packet->type == ATTENTION || packet->type == FEDERATED_TOKEN ||
                 (packet->type >= LOGIN7 && packet->type <= PRE_LOGIN);
    if (!known)
        return PROTO_NO;
    packet->status = bytes_u8(b);
    if (packet->status & ~(packet->type == TABULAR_RESULT ? STATUS_SERVER : STATUS_KNOWN))
        return PROTO_NO;
    packet->size = bytes_u16(b);
    if (bytes_ok(b) &&
        (packet->size > PACKET_MAX || packet->size < HEADER + (packet->type == ATTENTION ? 0 : 1)))
        return PROTO_NO;
    packet->process = bytes_u16(b);
    packet->number = bytes_u8(b);
    uint8_t window = bytes_u8(b); /* 2.2.3.1.6: not used, zero */
    if (bytes_ok(b) && window != 0)
        return PROTO_NO;
    return units_answer(b);
}

/* 2.2.6.5: {token, offset, length} for each option, 0xff, then the data the offsets point to. */
static enum proto_answer read_pre_login(struct bytes b, const struct packet *packet, struct memory *memory,
                                        struct proto_facts *facts)
{
    enum { OPTION_SIZE = 5, VERSION_SIZE = 6 };
    struct bytes body = b;
    size_t room = packet->size - (size_t)HEADER;
    unsigned count = 0, wanted = OPTION_VERSION;
    struct bytes encryption = {0}, instance = {0};
    for (;; count++) {
        uint8_t token = bytes_u8(&b);
        if (!bytes_ok(&b) || token == OPTION_END)
            break;
        size_t offset = bytes_u16(&b);
        size_t length = bytes_u16(&b);
        if (!bytes_ok(&b))
            break;
        if (token > OPTION_LAST || count > OPTION_LAST || (count == 0 && token != wanted) ||
            (token == OPTION_VERSION && length != VERSION_SIZE) || offset < (count + 1) * OPTION_SIZE + 1 ||
            offset + length > room)
            return PROTO_NO;
        struct bytes data = body;
        bytes_skip(&data, offset);
        if (token == OPTION_ENCRYPTION)
            encryption = bytes_take(&data, length);
        else if (token == OPTION_INSTANCE)
            instance = bytes_take(&data, length);
    }
    if (!bytes_ok(&b) || count == 0)
        return count == 0 && bytes_ok(&b) ? PROTO_NO : units_answer(&b);
    if (bytes_short(&encryption) || bytes_short(&instance) || encryption.cut || instance.cut)
        return PROTO_MORE;

    memory->began = true;
    if (packet->type == TABULAR_RESULT && encryption.left > 0)
        memory->encryption = bytes_u8(&encryption) == ENCRYPT_OFF ? ENCRYPTION_LOGIN_ONLY : ENCRYPTION_OTHER;
    size_t size = bytes_find(&instance, 0, instance.left);
    if (packet->type == PRE_LOGIN && size != SIZE_MAX && size > 0)
        proto_text_set(&facts->detail, instance.at, size);
    return PROTO_YES;
}

/* UTF-16LE from the login packet; what is not ASCII becomes a question mark. */
static void keep_text(struct bytes body, size_t offset, size_t units, struct proto_text *text)
{
    uint8_t ascii[PROTO_TEXT_SIZE];
    size_t size = 0;
    bytes_skip(&body, offset);
    struct bytes b = bytes_take(&body, 2 * units);
    while (b.left >= 2 && size < sizeof ascii) {
        uint16_t unit = bytes_u16le(&b);
        ascii[size++] = unit >= 0x20 && unit < 0x7f ? (uint8_t)unit : '?';
    }
    if (size > 0 && bytes_ok(&body))
        proto_text_set(text, ascii, size);
}

/* 2.2.6.4: a fixed part of 36 bytes, then offset and length of each variable part. */
static enum proto_answer read_login7(struct bytes b, struct memory *memory, struct proto_facts *facts)
{
    enum { FIXED = 36, LOGIN_MIN = 86, LOGIN_MAX = 128 * 1024 };
    struct bytes body = b;
    uint32_t size = bytes_u32le(&b);
    uint32_t version = bytes_u32le(&b);
    if (bytes_ok(&b) &&
        (size < LOGIN_MIN || size > LOGIN_MAX || version >> 24 < 0x70 || version >> 24 > 0x74))
        return PROTO_NO;
    bytes_skip(&b, FIXED - 8 + 12); /* host, user, password */
    uint16_t application = bytes_u16le(&b);
    uint16_t application_units = bytes_u16le(&b);
    uint16_t server = bytes_u16le(&b);
    uint16_t server_units = bytes_u16le(&b);
    if (!bytes_ok(&b))
        return units_answer(&b);
    if (body.cut && body.left < size && body.left < PROTO_WINDOW_SIZE - HEADER)
        return PROTO_MORE;
    facts->version = (uint16_t)(version >> 16);
    keep_text(body, application, application_units, &facts->agent);
    keep_text(body, server, server_units, &facts->server_name);
    memory->talk.known = true;
    return PROTO_YES;
}

/* 2.2.5.3: since TDS 7.2 a request has headers; every one has the transaction descriptor (2.2.5.3.2). */
static bool has_headers(struct bytes b)
{
    enum { HEADER_TRANSACTION = 2, TRANSACTION_SIZE = 18 };
    uint32_t total = bytes_u32le(&b);
    uint32_t size = bytes_u32le(&b);
    uint16_t type = bytes_u16le(&b);
    return bytes_ok(&b) && size + 4 <= total && total < PROTO_WINDOW_SIZE && type <= 3 &&
           (type != HEADER_TRANSACTION || size == TRANSACTION_SIZE);
}

/* Before 7.2: a statement in UTF-16 (2.2.6.7), or the length of a procedure's name, or 0xffff and its number
 * (2.2.6.6). */
static bool has_text(struct bytes b, uint8_t type)
{
    enum { PROCEDURE_NUMBER_LAST = 15, NAME_MAX = 1046 };
    if (type == RPC) {
        uint16_t length = bytes_u16le(&b);
        if (length == 0xffff)
            return bytes_u16le(&b) <= PROCEDURE_NUMBER_LAST && bytes_ok(&b);
        if (length == 0 || length > NAME_MAX)
            return false;
    }
    uint16_t first = bytes_u16le(&b);
    uint16_t second = bytes_u16le(&b);
    return bytes_ok(&b) && first < 0x7f &&
           (first >= 0x20 || first == '\t' || first == '\r' || first == '\n') && second < 0x7f;
}

static enum proto_answer read_request(struct bytes b, const struct packet *packet, struct proto_reply *reply)
{
    enum { ENOUGH = 10 };
    if (packet->process != 0 || packet->number != 1)
        return PROTO_NO;
    if (b.cut && b.left < ENOUGH)
        return PROTO_MORE;
    if (!has_headers(b) && !has_text(b, packet->type))
        reply->evidence = 1; /* the eight bytes before are exact, but nothing behind them is */
    return PROTO_YES;
}

static bool has_length(uint8_t token)
{
    switch (token) {
    case TOKEN_TABLE_NAMES:
    case TOKEN_COLUMN_INFO:
    case TOKEN_ORDER:
    case TOKEN_ERROR:
    case TOKEN_INFO:
    case TOKEN_LOGIN_ACK:
    case TOKEN_ENVIRONMENT:
    case TOKEN_SSPI:
        return true;
    default:
        return false;
    }
}

/* Walks the tokens that have a length to the acknowledgement of the login, 2.2.7.14: interface, version. */
static void find_version(struct bytes b, struct memory *memory, struct proto_facts *facts)
{
    while (has_length((uint8_t)bytes_peek(&b, 0))) {
        uint8_t token = bytes_u8(&b);
        size_t length = bytes_u16le(&b);
        struct bytes body = bytes_take(&b, length);
        if (token != TOKEN_LOGIN_ACK)
            continue;
        bytes_skip(&body, 1);
        uint32_t version = bytes_u32(&body);
        if (bytes_ok(&body)) {
            facts->version = (uint16_t)(version >> 16);
            memory->talk.known = true;
        }
        return;
    }
}

static enum proto_answer read_result(struct bytes b, const struct packet *packet, struct memory *memory,
                                     struct proto_facts *facts)
{
    enum { COLUMNS_MAX = 4096, NO_COLUMNS = 0xffff, DONE_STATUS = 0x0137 }; /* 2.2.7.4, 2.2.7.6 */
    if (packet->number != 1)
        return PROTO_NO;
    struct bytes body = b;
    uint8_t token = bytes_u8(&b);
    if (token == OPTION_VERSION && bytes_ok(&b))
        return read_pre_login(body, packet, memory, facts);
    uint16_t next = bytes_u16le(&b);
    if (!bytes_ok(&b))
        return units_answer(&b);
    bool fits;
    if (token >= TOKEN_DONE)
        fits = (next & ~DONE_STATUS) == 0 && packet->size >= HEADER + 9;
    else if (token == TOKEN_COLUMNS)
        fits = next == NO_COLUMNS || (next > 0 && next <= COLUMNS_MAX);
    else if (has_length(token))
        fits = next > 0;
    else
        fits = token == TOKEN_RETURN_STATUS || token == TOKEN_RETURN_VALUE || token == TOKEN_FEATURES ||
               token == TOKEN_FEDERATED || token == TOKEN_ROW || token == TOKEN_NULL_ROW;
    if (fits)
        find_version(body, memory, facts);
    return fits ? PROTO_YES : PROTO_NO;
}

/* The first packet of a flow has to show more than its header. */
static enum proto_answer read_message(struct bytes b, const struct packet *packet, struct memory *memory,
                                      struct proto_facts *facts, struct proto_reply *reply)
{
    enum { OLD_NAME = 30 }; /* FreeTDS's and Sybase's login record: a host name of 30 bytes, its length */
    switch (packet->type) {
    case PRE_LOGIN:
        if (is_tls(&b)) {
            reply->carries = PROTO_tls;
            reply->evidence = 1;
            return PROTO_YES;
        }
        if (may_be_tls(&b))
            return PROTO_MORE;
        return packet->process == 0 ? read_pre_login(b, packet, memory, facts) : PROTO_NO;
    case LOGIN7:
        return packet->process == 0 ? read_login7(b, memory, facts) : PROTO_NO;
    case OLD_LOGIN:
        bytes_skip(&b, OLD_NAME);
        if (bytes_u8(&b) > OLD_NAME || packet->process != 0)
            return PROTO_NO;
        reply->evidence = 1;
        return units_answer(&b);
    case SSPI:
        if (!bytes_may_begin(&b, "NTLMSSP", 8))
            return PROTO_NO;
        return b.left < 8 && b.cut ? PROTO_MORE : PROTO_YES;
    case TABULAR_RESULT:
        return read_result(b, packet, memory, facts);
    default:
        return is_request(packet->type) ? read_request(b, packet, reply) : PROTO_NO;
    }
}

static enum proto_answer read_unit(const struct proto_question *question, struct bytes b, void *lent,
                                   struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    struct memory *memory = lent;
    struct packet packet = {0};
    if (question->named && is_tls(&b)) { /* only the login is encrypted: step over its record */
        bytes_skip(&b, 3);
        *size = TLS_HEADER + (size_t)bytes_u16(&b);
        return units_answer(&b);
    }
    enum proto_answer answer = read_header(&b, &packet);
    if (answer != PROTO_YES)
        return answer;
    size_t inside = packet.size - (size_t)HEADER;
    bool carries_tls = is_tls(&b);
    answer = read_message(bytes_take(&b, inside), &packet, memory, facts, reply);
    if (answer == PROTO_MORE || (answer == PROTO_NO && !question->named))
        return answer;
    if (!memory->began)
        memory->talk.known = true; /* seen from the middle: no version will come */
    if (packet.type == TABULAR_RESULT)
        reply->speaker = SPEAKER_SERVER;
    else if (packet.type != PRE_LOGIN || !carries_tls) /* a handshake runs in them both ways */
        reply->speaker = SPEAKER_CLIENT;
    *size = packet.size;
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    const struct memory *seen = (const void *)memory->bytes;
    if (question->named && seen->encryption != ENCRYPTION_LOGIN_ONLY && is_tls(&question->data)) {
        *reply = (struct proto_reply){.answer = PROTO_YES, .evidence = 2, .upgrade = PROTO_tls};
        return;
    }
    units_ask(question, read_unit, memory->bytes, facts, reply);
}

static const uint16_t ports[] = {1433, 0};

const struct protocol proto_tds = {
    .name = "tds", .transports = OVER_TCP, .customary_ports = ports, .ask = ask};
