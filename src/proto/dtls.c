/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dtls.c - recognises DTLS by a chain of records that fills its datagram, and tells version, server name,
 * ALPN, resumption and whether the client showed a certificate. Asked through the registry. Specification:
 * RFC 6347 (4.1 record, 4.2.2 handshake header), RFC 9146 (connection id), RFC 9147 (4, unified header), RFC
 * 7983 (its share of a port with media). Messages are known by their numbers, so loss and reordering show;
 * fragments are not put together, a hello is read as far as its first fragment goes.
 */
#include "tls_hello.h"

enum {
    RECORD_HEADER_SIZE = 13,
    RECORD_BODY_MAX = 16384 + 2048, /* RFC 6347 4.1 */
    RECORD_CONNECTION_ID = 25,      /* RFC 9146 4 */
    RECORD_ACK = 26,                /* RFC 9147 7 */
    MESSAGE_HEADER_SIZE = 12,
    MESSAGE_NUMBER_MAX = 31, /* no handshake in clear is longer */
    VERSION_OLD = 0x0100,    /* before RFC 4347 */
    VERSION_10 = 0xfeff,
    VERSION_13 = 0xfefc
};

enum client_certificate { CERTIFICATE_NONE, CERTIFICATE_EMPTY, CERTIFICATE_GIVEN };

struct dtls_side {
    uint32_t numbers; /* bit per message_seq that was seen */
    uint8_t first;    /* number of the (last) hello */
    uint8_t last;     /* number of ServerHelloDone or ClientKeyExchange */
    bool has_last;
    bool changed_cipher;
    bool application;
    bool has_spoken;
    bool gave_up;
};

struct dtls_memory {
    struct dtls_side side[2];
    uint16_t version;
    uint8_t client; /* side of the client plus 1 */
    uint8_t client_certificate;
    bool client_hello, server_hello;
    bool certificate, certificate_request;
    bool alpn_is_chosen;
    bool is_plain; /* a hello without use_srtp: no media keys */
    bool was_cut;  /* the capture shortened a handshake datagram */
};
_Static_assert(sizeof(struct dtls_memory) <= PROTO_MEMORY_SIZE, "dtls_memory fits what the flow lends");

struct record {
    uint8_t type;
    uint16_t version;
    uint16_t epoch;
    uint16_t body_size;
};

static bool record_read(struct bytes *data, struct record *record)
{
    record->type = bytes_u8(data);
    record->version = bytes_u16(data);
    record->epoch = bytes_u16(data);
    bytes_skip(data, 6); /* sequence number */
    record->body_size = bytes_u16(data);
    return bytes_ok(data);
}

static bool record_is_valid(const struct record *record)
{
    bool is_type = record->type >= RECORD_CHANGE_CIPHER && record->type <= RECORD_ACK &&
                   record->type != RECORD_CONNECTION_ID;
    return is_type && hello_version_is_known(record->version, true) && record->body_size > 0 &&
           record->body_size <= RECORD_BODY_MAX;
}

struct message {
    uint8_t type;
    uint16_t number;
    uint32_t size, fragment_offset, fragment_size;
};

/* The handshake header of RFC 6347 4.2.2. */
static bool message_read(struct bytes *data, struct message *message)
{
    message->type = bytes_u8(data);
    message->size = bytes_u24(data);
    message->number = bytes_u16(data);
    message->fragment_offset = bytes_u24(data);
    message->fragment_size = bytes_u24(data);
    return bytes_ok(data);
}

static bool message_is_valid(const struct message *message)
{
    bool is_type = message->type <= MESSAGE_NEW_SESSION_TICKET ||
                   (message->type >= MESSAGE_CERTIFICATE && message->type <= MESSAGE_SUPPLEMENTAL_DATA);
    return is_type && message->number <= MESSAGE_NUMBER_MAX &&
           message->fragment_offset + message->fragment_size <= message->size;
}

/* Does the body of a record in clear agree with its type? `body` may be cut. */
static bool clear_body_fits(const struct record *record, struct bytes body)
{
    struct message message;
    if (record->type == RECORD_CHANGE_CIPHER)
        return record->body_size <= 3; /* 1, and in the version before RFC 4347 a number besides */
    if (record->type == RECORD_ALERT)
        return record->body_size <= 7; /* 2, and what that version added */
    if (record->type != RECORD_HANDSHAKE)
        return record->type == RECORD_ACK;
    if (!message_read(&body, &message))
        return bytes_short(&body);
    return message_is_valid(&message) && message.fragment_size + MESSAGE_HEADER_SIZE <= record->body_size;
}

/* Is the datagram filled by records? The 104 bits of each header and the exact end leave no room for chance.
 */
static enum proto_answer recognise(struct bytes data)
{
    while (data.left > 0) {
        struct record record;
        if (!record_read(&data, &record))
            return bytes_short(&data) ? PROTO_MORE : PROTO_NO;
        if (!record_is_valid(&record))
            return PROTO_NO;
        struct bytes body = bytes_take(&data, record.body_size);
        if (!bytes_ok(&data) && !bytes_short(&data))
            return PROTO_NO;
        if (record.epoch == 0 && !clear_body_fits(&record, body))
            return PROTO_NO;
        if (bytes_short(&data)) /* captured no further: header and the first message agree */
            return record.epoch == 0 && body.left >= MESSAGE_HEADER_SIZE ? PROTO_YES : PROTO_MORE;
    }
    return PROTO_YES;
}

static uint16_t version_told(uint16_t version)
{
    return version == VERSION_OLD ? VERSION_10 : version;
}

static void hello_told(const struct message *message, struct bytes body, unsigned side,
                       struct dtls_memory *memory, struct proto_facts *facts)
{
    struct hello hello = {0};
    bool is_client = message->type == MESSAGE_CLIENT_HELLO;
    enum proto_answer answer =
        is_client ? hello_read_client(body, true, &hello) : hello_read_server(body, true, &hello);
    if (answer == PROTO_NO)
        return;
    memory->client = (uint8_t)(is_client ? side + 1 : 2 - side);
    memory->side[side].first = (uint8_t)message->number;
    if (is_client) {
        memory->client_hello = true;
        hello_tell(&hello, memory->alpn_is_chosen, facts);
    } else if (!hello.retry && answer == PROTO_YES) {
        memory->server_hello = true;
        memory->version = facts->tls.version = version_told(hello.version);
        hello.server_name.left = 0;
        hello_tell(&hello, false, facts);
        memory->alpn_is_chosen = hello.alpn.left > 0;
        if (memory->version == VERSION_13)
            facts->tls.resumed = hello.pre_shared_key ? TRI_YES : TRI_NO;
    }
    memory->is_plain |= hello.closed && !hello.use_srtp && !hello.retry && memory->version != VERSION_13;
}

/* One fragment of a handshake message in clear. Its header is the same in all fragments. */
static void message_tell(const struct message *message, struct bytes body, unsigned side,
                         struct dtls_memory *memory, struct proto_facts *facts)
{
    struct dtls_side *s = &memory->side[side];
    bool is_client = memory->client == side + 1;
    s->numbers |= (uint32_t)1 << message->number;
    switch (message->type) {
    case MESSAGE_CLIENT_HELLO:
    case MESSAGE_SERVER_HELLO:
        if (message->fragment_offset == 0) {
            body.cut |= message->fragment_size < message->size;
            hello_told(message, body, side, memory, facts);
        }
        break;
    case MESSAGE_CERTIFICATE:
        if (is_client) /* an empty list is its length alone, RFC 5246 7.4.6 */
            memory->client_certificate = message->size > 3 ? CERTIFICATE_GIVEN : CERTIFICATE_EMPTY;
        else
            memory->certificate = true;
        break;
    case MESSAGE_CERTIFICATE_REQUEST:
        memory->certificate_request = true;
        facts->tls.certificate_requested = true;
        break;
    case MESSAGE_SERVER_HELLO_DONE:
    case MESSAGE_CLIENT_KEY_EXCHANGE:
        s->last = (uint8_t)message->number;
        s->has_last = true;
        break;
    default:
        break;
    }
}

static void handshake_tell(struct bytes body, unsigned side, struct dtls_memory *memory,
                           struct proto_facts *facts)
{
    while (body.left > 0) {
        struct message message;
        if (!message_read(&body, &message) || !message_is_valid(&message))
            return;
        struct bytes fragment = bytes_take(&body, message.fragment_size);
        message_tell(&message, fragment, side, memory, facts);
    }
}

/* Reads the records of a datagram that recognise() accepted. */
static void datagram_tell(struct bytes data, unsigned side, struct dtls_memory *memory,
                          struct proto_facts *facts)
{
    struct dtls_side *s = &memory->side[side];
    while (data.left > 0) {
        struct record record;
        if (!record_read(&data, &record))
            break;
        struct bytes body = bytes_take(&data, record.body_size);
        if (record.type == RECORD_HANDSHAKE && record.epoch == 0)
            handshake_tell(body, side, memory, facts);
        s->changed_cipher |= record.type == RECORD_CHANGE_CIPHER;
        s->application |= record.type == RECORD_APPLICATION;
        if (record.type == RECORD_ALERT && record.epoch == 0)
            s->gave_up |= bytes_u8(&body) == ALERT_FATAL;
    }
    memory->was_cut |= data.cut && !s->changed_cipher;
}

/* Was every message seen from this side's hello to the last one that the handshake needs? */
static bool is_complete(const struct dtls_side *s)
{
    if (!s->has_last || s->last < s->first)
        return false;
    for (unsigned number = s->first; number <= s->last; number++)
        if (!(s->numbers >> number & 1))
            return false;
    return true;
}

/* As in tls.c: a message that is missing was not sent only where nothing of the handshake was missed. */
static void conclude(struct dtls_memory *memory, struct proto_facts *facts, struct proto_reply *reply)
{
    const struct dtls_side *a = &memory->side[0], *b = &memory->side[1];
    bool is_clear_handshake = memory->server_hello && memory->version != VERSION_13;
    bool both_changed = a->changed_cipher && b->changed_cipher;
    if (is_clear_handshake && both_changed && memory->client_hello && !memory->was_cut) {
        if (memory->certificate && is_complete(a) && is_complete(b)) {
            facts->tls.full_handshake = true;
            facts->tls.resumed = TRI_NO;
            facts->tls.empty_certificate =
                memory->certificate_request && memory->client_certificate == CERTIFICATE_EMPTY;
            if (!memory->certificate_request || facts->tls.empty_certificate)
                facts->tls.mutual = TRI_NO;
            else if (memory->client_certificate == CERTIFICATE_GIVEN)
                facts->tls.mutual = TRI_YES;
        } else if (!memory->certificate && !a->has_last && !b->has_last && memory->client_certificate == 0) {
            facts->tls.resumed = TRI_YES;
        }
    }
    facts->tls.completed = (a->application && b->application) || (is_clear_handshake && both_changed);
    /* Where the keys are for media, RTP is to follow on this flow (RFC 5764 5.1.2). */
    reply->carries_media = !memory->is_plain;
    reply->settled = memory->is_plain && a->has_spoken && b->has_spoken &&
                     (facts->tls.completed || a->gave_up || b->gave_up);
}

/* A later datagram in the shape that only named flows may have: a record with a connection id, or RFC 9147's
 * own. */
static bool is_later_form(struct bytes data)
{
    uint8_t first = bytes_u8(&data);
    if (first == RECORD_CONNECTION_ID)
        return bytes_u16(&data) == 0xfefd && data.left >= RECORD_HEADER_SIZE - 3;
    return (first & 0xe0) == 0x20 && data.left >= 16; /* at least a tag, RFC 9147 4.2.3 */
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct dtls_memory *memory = (struct dtls_memory *)lent->bytes;
    struct dtls_side *s = &memory->side[question->side];
    reply->answer = recognise(question->data);
    reply->evidence = 2;
    if (reply->answer == PROTO_NO && question->named && is_later_form(question->data)) {
        reply->answer = PROTO_YES;
        reply->evidence = 1;
        s->application = true;
    } else if (reply->answer == PROTO_YES) {
        datagram_tell(question->data, question->side, memory, facts);
    }
    if (reply->answer != PROTO_YES)
        return;
    s->has_spoken = true;
    conclude(memory, facts, reply);
    if (memory->client != 0)
        reply->speaker = memory->client == question->side + 1 ? SPEAKER_CLIENT : SPEAKER_SERVER;
}

const struct protocol proto_dtls = {.name = "dtls",
                                    .transports = OVER_UDP,
                                    .is_media = true,
                                    .least = {14, 14},
                                    .begins = {{0, 20, 63}, {1, 0xfe, 0xfe}, {1, 0x01, 0x01}},
                                    .ask = ask};
