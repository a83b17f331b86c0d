/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tls.c - recognises TLS and SSL 3.0, and tells version, server name, ALPN, resumption and whether the client
 * showed a certificate. Asked through the registry. Specification: RFC 5246 (6.2.1, 7.4), RFC 8446 (4, 5.1,
 * D), RFC 6101 E (the SSL 2.0 form of a hello). Each side is followed record by record and message by message
 * until its change of cipher; after that only record headers are read. Certificates are stepped over, nothing
 * is decrypted, SSL 2.0 itself is not known. The hello that Microsoft's TURN clients send to look like TLS is
 * refused ([MS-TURN] 2.1.1).
 */
#include "rolecall/hash.h"
#include "tls_hello.h"

enum {
    RECORD_HEADER_SIZE = 5,           /* RFC 5246 6.2.1 */
    RECORD_BODY_MAX = 16384 + 2048,   /* 6.2.3: ciphertext */
    MESSAGE_HEADER_SIZE = 4,          /* 7.4 */
    MESSAGE_BODY_MAX = 1 << 18,       /* no certificate chain is that long: the stream was misread */
    CERTIFICATE_LIST_LENGTH_SIZE = 3, /* 7.4.2 */
    PRETENDED_OLD_HELLO_SIZE = 72
};

enum side_state {
    SIDE_NEW,    /* nothing taken yet */
    SIDE_CLEAR,  /* handshake messages readable */
    SIDE_OPAQUE, /* after the change of cipher, or from the middle: record headers only */
    SIDE_LOST    /* bytes are missing: looking for a record header */
};

struct tls_side {
    uint8_t state : 2;
    uint8_t evidence : 2; /* 0: this side has shown nothing yet */
    bool has_gap : 1;     /* the readable part is not complete */
    bool changed_cipher : 1;
    bool application : 1;
    bool gave_up : 1; /* a fatal alert in clear */
};

enum client_certificate { CERTIFICATE_NONE, CERTIFICATE_EMPTY, CERTIFICATE_GIVEN };

/* Zero towards its end, most of the time: that is not kept (see memo.h). message_left bytes of a side's
 * current message are not wanted; record_left bytes of its current handshake record are not taken yet. Both
 * are 0 between records. */
struct tls_memory {
    uint16_t version;   /* chosen; 0 until the (last) ServerHello */
    uint8_t client : 2; /* side that sent the ClientHello, or did not send the ServerHello, plus 1 */
    uint8_t client_certificate : 2; /* enum client_certificate */
    bool client_hello : 1, server_hello : 1;
    bool retry : 1; /* a HelloRetryRequest: the next ServerHello counts */
    bool alpn_is_chosen : 1;
    bool certificate : 1, certificate_request : 1, server_hello_done : 1, client_key_exchange : 1;
    bool old_hello : 1; /* the client began with the SSL 2.0 form that some pretend with */
    struct tls_side side[2];
    uint16_t record_left[2];
    uint32_t message_left[2];
};
_Static_assert(sizeof(struct tls_memory) <= PROTO_MEMORY_SIZE, "tls_memory fits what the flow lends");

struct record {
    uint8_t type;
    uint16_t version;
    uint16_t body_size;
};

static bool record_read(struct bytes *data, struct record *record)
{
    record->type = bytes_u8(data);
    record->version = bytes_u16(data);
    record->body_size = bytes_u16(data);
    return bytes_ok(data);
}

static bool record_is_valid(const struct record *record)
{
    return record->type >= RECORD_CHANGE_CIPHER && record->type <= RECORD_HEARTBEAT &&
           record->version >= 0x0300 && record->version <= 0x0304 && record->body_size > 0 &&
           record->body_size <= RECORD_BODY_MAX;
}

/* Handshake bytes across record borders: `record_left` of them stand before the next record header. */
struct handshake {
    struct bytes data;
    uint16_t record_left;
    bool broken; /* something else than a handshake record followed inside a message */
};

/* Goes on to the next record where the current one is used up. False: none has arrived, or it is another kind
 * of record. */
static bool handshake_record(struct handshake *h)
{
    struct record record;
    if (h->record_left > 0)
        return true;
    if (h->data.left == 0 || !record_read(&h->data, &record))
        return false;
    h->broken = record.type != RECORD_HANDSHAKE || !record_is_valid(&record);
    h->record_left = h->broken ? 0 : record.body_size;
    return !h->broken;
}

static struct bytes handshake_part(struct handshake *h, size_t wanted)
{
    size_t n = wanted < h->record_left ? wanted : h->record_left;
    if (n > h->data.left)
        n = h->data.left;
    h->record_left = (uint16_t)(h->record_left - n);
    return bytes_take(&h->data, n);
}

/* Puts handshake bytes together that several records have. */
static struct bytes handshake_gather(struct handshake *h, size_t wanted, uint8_t flat[PROTO_WINDOW_SIZE])
{
    size_t count = 0;
    do {
        struct bytes part = handshake_part(h, wanted - count);
        size_t size = part.left;
        bytes_copy(&part, flat + count, size);
        count += size;
    } while (count < wanted && h->data.left > 0 && handshake_record(h));
    return bytes_of(flat, count);
}

/* The next `wanted` handshake bytes; fewer when the rest has not arrived. They are read where they stand, or,
 * when several records have them, put together in `flat`. */
static inline struct bytes handshake_take(struct handshake *h, size_t wanted, uint8_t flat[PROTO_WINDOW_SIZE])
{
    if (wanted == 0 || !handshake_record(h))
        return bytes_of(NULL, 0);
    if (wanted <= h->record_left || h->data.left <= h->record_left)
        return handshake_part(h, wanted);
    return handshake_gather(h, wanted, flat);
}

/*
 * Does `data` begin like the hello, or the answer, with which Microsoft's TURN over TCP pretends to be TLS
 * ([MS-TURN] 2.1.1)? YES: it is one; MORE: it may still become one. Time, random and session id may be
 * anything.
 */
static enum proto_answer pretended_tls(const struct bytes *data)
{
    static const uint8_t client_head[] = {0x16, 3, 1, 0, 0x2d, 1, 0, 0, 0x29, 3, 1};
    static const uint8_t client_tail[] = {0, 0, 2, 0, 0x18, 1, 0}; /* the one suite 0018, no extensions */
    static const uint8_t server_head[] = {0x16, 3, 1, 0, 0x4e, 2, 0, 0, 0x46, 3, 1};
    static const uint8_t server_tail[] = {0, 0x18, 0, 0x0e, 0, 0, 0}; /* and ServerHelloDone at once */
    enum { LENGTH_AT = 4 }; /* of the record, its low byte: few hellos of others have it */
    int length = bytes_peek(data, LENGTH_AT);
    if (length >= 0 && length != client_head[LENGTH_AT] && length != server_head[LENGTH_AT])
        return PROTO_NO;
    bool is_client = bytes_may_begin(data, client_head, sizeof client_head);
    bool is_server = bytes_may_begin(data, server_head, sizeof server_head);
    if (!is_client && !is_server)
        return PROTO_NO;
    if (data->left < sizeof client_head)
        return PROTO_MORE;

    struct bytes rest = *data;
    bytes_skip(&rest, is_client ? 43 : 76); /* as far as the tail */
    if (!bytes_ok(&rest))
        return PROTO_MORE;
    const uint8_t *tail = is_client ? client_tail : server_tail;
    if (!bytes_may_begin(&rest, tail, sizeof client_tail))
        return PROTO_NO;
    return rest.left >= sizeof client_tail ? PROTO_YES : PROTO_MORE;
}

struct beginning {
    uint8_t type;     /* MESSAGE_CLIENT_HELLO or MESSAGE_SERVER_HELLO */
    uint8_t evidence; /* 2: every inner length closes, or has not arrived; 1: one does not */
    bool goes_on;     /* more follows the hello, as it should */
    bool is_read;     /* a ClientHello, whole and in one piece: it is in `hello`, what follows in `behind` */
    struct hello hello;
    struct bytes behind;
};

/* A ClientHello or ServerHello in handshake records at the start of `data`. */
static enum proto_answer hello_begins(const struct bytes *data, struct beginning *beginning)
{
    struct bytes first = *data;
    struct record record;
    uint8_t flat[PROTO_WINDOW_SIZE];
    uint8_t *type = &beginning->type;
    if (!record_read(&first, &record))
        return PROTO_MORE;
    if (!record_is_valid(&record))
        return PROTO_NO;

    struct handshake h = {.data = *data};
    struct bytes header = handshake_take(&h, MESSAGE_HEADER_SIZE, flat);
    *type = bytes_u8(&header);
    if (h.broken || (bytes_ok(&header) && *type != MESSAGE_CLIENT_HELLO && *type != MESSAGE_SERVER_HELLO))
        return PROTO_NO;
    size_t body_size = bytes_u24(&header);
    if (!bytes_ok(&header))
        return PROTO_MORE;
    /* version, random, session id, and at least one suite and compression method */
    if (body_size < (*type == MESSAGE_CLIENT_HELLO ? 41u : 38u) || body_size > MESSAGE_BODY_MAX)
        return PROTO_NO;

    struct bytes body = handshake_take(&h, body_size < sizeof flat ? body_size : sizeof flat, flat);
    size_t here = body.left;
    if (h.broken || (here == body_size && h.record_left > 0 && *type == MESSAGE_CLIENT_HELLO))
        return PROTO_NO; /* nothing shares a record with a ClientHello */
    if (here < 2)
        return PROTO_MORE;
    struct hello *hello = &beginning->hello;
    body.cut = here < body_size;
    enum proto_answer answer = *type == MESSAGE_CLIENT_HELLO ? hello_read_client(body, false, hello)
                                                             : hello_read_server(body, false, hello);
    if (answer == PROTO_NO)
        return PROTO_NO;
    beginning->evidence = here < body_size || hello->closed ? 2 : 1;
    beginning->is_read = *type == MESSAGE_CLIENT_HELLO && here == body_size && body.at != flat;
    beginning->behind = h.data;
    size_t missing = body_size - here;
    beginning->goes_on = h.record_left > missing ||
                         (missing == 0 && record_read(&h.data, &record) && record_is_valid(&record));
    return PROTO_YES;
}

/* The SSL 2.0 form of a ClientHello, RFC 6101 E.1. `size` is all of it with its header. */
static enum proto_answer old_hello_begins(struct bytes data, size_t *size)
{
    uint16_t head = bytes_u16(&data);
    *size = (head & 0x7fffu) + 2u;
    if (bytes_u8(&data) != MESSAGE_CLIENT_HELLO && bytes_ok(&data))
        return PROTO_NO;
    uint16_t version = bytes_u16(&data);
    if (bytes_ok(&data) && version != 0x0002 && (version < 0x0300 || version > 0x0303))
        return PROTO_NO;
    size_t ciphers = bytes_u16(&data);
    size_t session = bytes_u16(&data);
    size_t challenge = bytes_u16(&data);
    if (!bytes_ok(&data))
        return PROTO_MORE;
    bool fits = head >= 0x8000 && ciphers > 0 && ciphers % 3 == 0 && (session == 0 || session == 16) &&
                challenge >= 16 && challenge <= 32 && 9 + ciphers + session + challenge == *size - 2;
    if (!fits)
        return PROTO_NO;
    return data.left >= *size - 11 ? PROTO_YES : PROTO_MORE;
}

/*
 * A hello in SSL 2.0 form, and nothing behind it that is no record. One form alone names nothing: the 72
 * bytes that Skype and libjingle send before they go on with something else. It counts once a server answers
 * it in TLS.
 */
static enum proto_answer recognise_old_hello(const struct bytes *data, struct tls_memory *memory,
                                             struct proto_reply *reply)
{
    size_t size;
    enum proto_answer answer = old_hello_begins(*data, &size);
    if (answer != PROTO_NO && data->left >= 2) /* of a hello that the capture cut off, the length is enough */
        memory->old_hello = size == PRETENDED_OLD_HELLO_SIZE;
    if (answer != PROTO_YES)
        return answer;
    struct bytes rest = *data;
    struct record record;
    bytes_skip(&rest, size);
    if (record_read(&rest, &record) && !record_is_valid(&record))
        return PROTO_NO;
    reply->evidence = 2;
    return memory->old_hello ? PROTO_MORE : PROTO_YES;
}

/* An alert of two bytes in clear, RFC 5246 7.2; its record is 7 bytes. */
static enum proto_answer recognise_alert(struct bytes data)
{
    struct record record;
    bool has_header = record_read(&data, &record);
    if (has_header && (!record_is_valid(&record) || record.body_size != 2))
        return PROTO_NO;
    uint8_t level = bytes_u8(&data);
    uint8_t description = bytes_u8(&data);
    if (!bytes_ok(&data))
        return PROTO_MORE;
    return (level == ALERT_WARNING || level == ALERT_FATAL) && description <= 120 ? PROTO_YES : PROTO_NO;
}

/* What stands at `offset`: the header of a record that another one follows, or that ends just where the data
 * does? */
static bool chain_begins(const struct bytes *data, size_t offset, bool *is_long)
{
    struct bytes b = *data;
    struct record record, next;
    bytes_skip(&b, offset);
    if (!record_read(&b, &record) || !record_is_valid(&record))
        return false;
    /* further in, only the commonest record counts: TLS may travel inside another protocol while it shakes
     * hands */
    if (offset > 0 && record.type != RECORD_APPLICATION)
        return false;
    *is_long = record.body_size < b.left;
    bytes_skip(&b, record.body_size);
    return bytes_ok(&b) && (b.left == 0 || (record_read(&b, &next) && record_is_valid(&next)));
}

/* Offset of the first chain of records within `data`, or SIZE_MAX. */
static size_t chain_find(const struct bytes *data, bool *is_long)
{
    struct bytes b = *data;
    for (size_t offset = 0; b.left > 0; offset++, bytes_skip(&b, 1)) {
        int type = bytes_peek(&b, 0);
        if (type >= RECORD_CHANGE_CIPHER && type <= RECORD_HEARTBEAT && bytes_peek(&b, 1) == 3 &&
            chain_begins(data, offset, is_long))
            return offset;
    }
    return SIZE_MAX;
}

/* A record of application data that is still arriving: too long for one segment. */
static bool long_record_begins(const struct bytes *data)
{
    struct bytes b = *data;
    struct record record;
    return record_read(&b, &record) && record.type == RECORD_APPLICATION && record.version >= 0x0301 &&
           record.version <= 0x0303 && record_is_valid(&record) && record.body_size > b.left;
}

/*
 * Where in `data` records begin: at 0, or where they chain further in; SIZE_MAX: nowhere, or it cannot be
 * told yet. A record that ends where the data ends is as exact as a chain, as the 16 bits of its length agree
 * with TCP; but it is only one. Weaker still is a record so long that its end cannot be waited for.
 */
static size_t records_find(const struct bytes *data, uint8_t *evidence)
{
    bool is_long = false;
    size_t offset = chain_find(data, &is_long);
    *evidence = offset == 0 && is_long ? 2 : 1;
    if (offset == SIZE_MAX && data->left >= PROTO_WINDOW_SIZE && long_record_begins(data))
        return 0;
    return offset;
}

/* A side that is not seen from its beginning: a hello all the same, or records. */
static enum proto_answer recognise_middle(const struct bytes *data, struct tls_memory *memory,
                                          struct proto_reply *reply)
{
    struct beginning beginning = {0};
    if (recognise_old_hello(data, memory, reply) == PROTO_YES)
        return PROTO_YES;
    enum proto_answer answer = hello_begins(data, &beginning);
    reply->evidence = beginning.evidence;
    if (answer != PROTO_NO)
        return answer;
    if (records_find(data, &reply->evidence) != SIZE_MAX)
        return PROTO_YES;
    return long_record_begins(data) ? PROTO_MORE : PROTO_NO;
}

static enum proto_answer recognise_start(const struct bytes *data, struct tls_memory *memory,
                                         struct beginning *beginning, struct proto_reply *reply)
{
    int first = bytes_peek(data, 0);
    if (first == RECORD_ALERT) {
        reply->evidence = 2;
        return recognise_alert(*data);
    }
    if (first != RECORD_HANDSHAKE)
        return first >= 0x80 ? recognise_old_hello(data, memory, reply) : PROTO_NO;
    enum proto_answer answer = hello_begins(data, beginning);
    reply->evidence = beginning->evidence;
    /* Those who pretend with the SSL 2.0 form are answered by a ServerHello, too, and by nothing after it. */
    if (answer == PROTO_YES && memory->old_hello && beginning->type == MESSAGE_SERVER_HELLO &&
        !beginning->goes_on)
        return PROTO_MORE;
    return answer;
}

static enum proto_answer recognise(const struct proto_question *question, struct tls_memory *memory,
                                   struct beginning *beginning, struct proto_reply *reply)
{
    struct bytes data = question->data;
    data.cut = true; /* more may follow: running out of bytes proves nothing */
    enum proto_answer pretended = pretended_tls(&data);
    if (pretended != PROTO_NO)
        return pretended == PROTO_YES ? PROTO_NO : PROTO_MORE;
    return question->start ? recognise_start(&data, memory, beginning, reply)
                           : recognise_middle(&data, memory, reply);
}

static void take_client_hello(const struct hello *hello, unsigned side, struct tls_memory *memory,
                              struct proto_facts *facts)
{
    memory->client = (side + 1) & 3u;
    memory->client_hello = true;
    hello_tell(hello, memory->alpn_is_chosen, facts);
}

static void tell_client_hello(struct bytes body, unsigned side, struct tls_memory *memory,
                              struct proto_facts *facts)
{
    struct hello hello = {0};
    if (hello_read_client(body, false, &hello) != PROTO_NO)
        take_client_hello(&hello, side, memory, facts);
}

static uint32_t session_number(struct bytes id)
{
    static const uint64_t secret[2] = {0x746c73, 0x73657373696f6e}; /* the same in every run */
    return id.left ? (uint32_t)hash_bytes(id.at, id.left, secret) | 1u : 0;
}

static void tell_server_hello(struct bytes body, unsigned side, struct tls_memory *memory,
                              struct proto_facts *facts)
{
    struct hello hello = {0};
    if (hello_read_server(body, false, &hello) == PROTO_NO)
        return;
    memory->client = (2 - side) & 3u;
    memory->retry = hello.retry;
    if (hello.retry)
        return;
    memory->server_hello = true;
    memory->version = hello.version;
    facts->tls.version = hello.version;
    hello.server_name.left = 0; /* a server only acknowledges it */
    hello_tell(&hello, false, facts);
    memory->alpn_is_chosen = hello.alpn.left > 0;
    facts->tls.session = hello.version < 0x0304 ? session_number(hello.session) : 0;
    if (hello.version >= 0x0304) {
        facts->tls.resumed = hello.pre_shared_key ? TRI_YES : TRI_NO;
        memory->side[side].state = SIDE_OPAQUE; /* RFC 8446 2: all that follows is encrypted */
    }
}

/* How much of a message's body is worth reading. */
static size_t message_wanted(uint8_t type, bool is_client, size_t body_size)
{
    size_t wanted = 0;
    if (type == MESSAGE_CLIENT_HELLO || type == MESSAGE_SERVER_HELLO)
        wanted = PROTO_WINDOW_SIZE;
    else if (type == MESSAGE_CERTIFICATE && is_client)
        wanted = CERTIFICATE_LIST_LENGTH_SIZE;
    return wanted < body_size ? wanted : body_size;
}

/* One handshake message: its type, and as much of its body as message_wanted() asked for. */
static void message_tell(uint8_t type, struct bytes body, unsigned side, struct tls_memory *memory,
                         struct proto_facts *facts)
{
    bool is_client = memory->client == side + 1;
    switch (type) {
    case MESSAGE_CLIENT_HELLO:
        tell_client_hello(body, side, memory, facts);
        break;
    case MESSAGE_SERVER_HELLO:
        tell_server_hello(body, side, memory, facts);
        break;
    case MESSAGE_CERTIFICATE:
        if (is_client)
            memory->client_certificate = bytes_u24(&body) > 0 ? CERTIFICATE_GIVEN : CERTIFICATE_EMPTY;
        else
            memory->certificate = true;
        break;
    case MESSAGE_CERTIFICATE_REQUEST:
        memory->certificate_request = true;
        facts->tls.certificate_requested = true;
        break;
    case MESSAGE_SERVER_HELLO_DONE:
        memory->server_hello_done = true;
        break;
    case MESSAGE_CLIENT_KEY_EXCHANGE:
        memory->client_key_exchange = true;
        break;
    default:
        break;
    }
}

static bool message_is_known(uint8_t type)
{
    return type <= MESSAGE_NEW_SESSION_TICKET ||
           (type >= MESSAGE_CERTIFICATE && type <= MESSAGE_CLIENT_KEY_EXCHANGE) ||
           (type >= MESSAGE_FINISHED && type <= MESSAGE_SUPPLEMENTAL_DATA);
}

enum step { STEP_DONE, STEP_WAIT, STEP_WRONG };

/* A handshake message begins at `data`. */
static enum step message_step(struct bytes *data, unsigned side, struct tls_memory *memory,
                              struct proto_facts *facts)
{
    uint8_t flat[PROTO_WINDOW_SIZE];
    bool is_full = data->left >= PROTO_WINDOW_SIZE; /* waiting would not bring more */
    struct handshake h = {.data = *data, .record_left = memory->record_left[side]};
    struct bytes header = handshake_take(&h, MESSAGE_HEADER_SIZE, flat);
    uint8_t type = bytes_u8(&header);
    size_t body_size = bytes_u24(&header);
    if (h.broken)
        return STEP_WRONG;
    if (!bytes_ok(&header))
        return STEP_WAIT;
    if (!message_is_known(type) || body_size > MESSAGE_BODY_MAX)
        return STEP_WRONG;

    size_t wanted = message_wanted(type, memory->client == side + 1, body_size);
    struct bytes body = handshake_take(&h, wanted, flat);
    if (h.broken)
        return STEP_WRONG;
    if (body.left < wanted && !is_full)
        return STEP_WAIT;
    body.cut = body.left < body_size;
    *data = h.data;
    memory->record_left[side] = h.record_left;
    memory->message_left[side] = (uint32_t)(body_size - body.left);
    message_tell(type, body, side, memory, facts);
    return STEP_DONE;
}

/* Passes over n bytes, some of which may not have arrived; returns how many. */
static size_t step_over(struct bytes *data, size_t n)
{
    size_t here = n < data->left ? n : data->left;
    bytes_skip(data, here);
    return n - here;
}

/* An alert in clear. SSL 3.0 clients refuse to show a certificate by one (RFC 6101 5.4: no_certificate, 41).
 */
static void alert_tell(struct bytes body, unsigned side, struct tls_memory *memory)
{
    uint8_t level = bytes_u8(&body);
    uint8_t description = bytes_u8(&body);
    memory->side[side].gave_up |= level == ALERT_FATAL;
    if (description == 41 && level == ALERT_WARNING && memory->client == side + 1)
        memory->client_certificate = CERTIFICATE_EMPTY;
}

/* A record begins at `data`. `beyond` is what of its body has not arrived and is not wanted. */
static enum step record_step(struct bytes *data, unsigned side, struct tls_memory *memory, size_t *beyond)
{
    struct tls_side *s = &memory->side[side];
    struct bytes ahead = *data;
    struct record record;
    if (!record_read(&ahead, &record))
        return STEP_WAIT;
    if (!record_is_valid(&record))
        return STEP_WRONG;
    bool is_clear = s->state == SIDE_CLEAR;
    if (is_clear && record.type == RECORD_HANDSHAKE) {
        memory->record_left[side] = record.body_size;
        *data = ahead;
        return STEP_DONE;
    }
    if (is_clear &&
        (memory->message_left[side] > 0 || (record.type == RECORD_CHANGE_CIPHER && record.body_size != 1)))
        return STEP_WRONG; /* RFC 5246 7.1; a message must not be interleaved with others, RFC 8446 5.1 */
    if (is_clear && record.type == RECORD_ALERT && record.body_size == 2) {
        if (ahead.left < 2)
            return STEP_WAIT;
        alert_tell(ahead, side, memory);
    }
    s->changed_cipher |= record.type == RECORD_CHANGE_CIPHER;
    s->application |= record.type == RECORD_APPLICATION;
    /* After a HelloRetryRequest the change of cipher is for show: the second ServerHello follows, RFC 8446
     * D.4. */
    bool hello_follows = memory->retry && !memory->server_hello && memory->client != side + 1;
    if (record.type == RECORD_APPLICATION || (record.type == RECORD_CHANGE_CIPHER && !hello_follows))
        s->state = SIDE_OPAQUE;
    *data = ahead;
    *beyond = step_over(data, record.body_size);
    return STEP_DONE;
}

/* The SSL 2.0 form has no record around it. */
static enum step old_hello_step(const struct proto_question *question, struct bytes *data,
                                struct tls_memory *memory)
{
    size_t size;
    enum proto_answer answer = old_hello_begins(*data, &size);
    if (answer != PROTO_YES)
        return answer == PROTO_MORE ? STEP_WAIT : STEP_WRONG;
    memory->client = (question->side + 1u) & 3u;
    memory->client_hello = true;
    memory->side[question->side].state = SIDE_CLEAR;
    bytes_skip(data, size);
    return STEP_DONE;
}

/* Looks for a record to go on from. */
static enum step lost_step(struct bytes *data, struct tls_side *s)
{
    uint8_t evidence;
    size_t offset = records_find(data, &evidence);
    if (offset == SIZE_MAX && data->left < PROTO_WINDOW_SIZE)
        return STEP_WAIT;
    if (offset != SIZE_MAX)
        s->state = SIDE_OPAQUE;
    bytes_skip(data, offset != SIZE_MAX ? offset : data->left);
    return STEP_DONE;
}

/* The first bytes of a side, or the first after a gap: where to go on reading. */
static enum step side_begin(const struct proto_question *question, struct bytes *data,
                            struct tls_memory *memory)
{
    struct tls_side *s = &memory->side[question->side];
    struct beginning beginning = {0};
    size_t old_size;
    bool is_first = s->state == SIDE_NEW && !question->gap;
    if (is_first && bytes_peek(data, 0) >= 0x80 &&
        (question->start || old_hello_begins(*data, &old_size) == PROTO_YES))
        return old_hello_step(question, data, memory);
    if (is_first && (question->start || hello_begins(data, &beginning) == PROTO_YES)) {
        s->state = SIDE_CLEAR;
        return STEP_DONE;
    }
    if (s->state != SIDE_LOST || question->gap) {
        s->has_gap |= !s->changed_cipher; /* after it nothing was readable anyway */
        s->state = SIDE_LOST;
        memory->message_left[question->side] = memory->record_left[question->side] = 0;
    }
    return lost_step(data, s);
}

static void conclude_full(struct tls_memory *memory, struct proto_facts *facts)
{
    facts->tls.full_handshake = true;
    facts->tls.resumed = TRI_NO;
    if (!memory->certificate_request || memory->client_certificate == CERTIFICATE_EMPTY)
        facts->tls.mutual = TRI_NO;
    else if (memory->client_certificate == CERTIFICATE_GIVEN)
        facts->tls.mutual = TRI_YES;
    facts->tls.empty_certificate =
        memory->certificate_request && memory->client_certificate == CERTIFICATE_EMPTY;
}

/*
 * What both sides together prove. Only where every clear byte of both was seen, up to both changes of cipher,
 * does the absence of a message mean that it was not sent.
 */
static void conclude(struct tls_memory *memory, struct proto_facts *facts, struct proto_reply *reply)
{
    const struct tls_side *a = &memory->side[0], *b = &memory->side[1];
    bool is_clear_handshake = memory->version != 0 && memory->version < 0x0304;
    bool both_changed = a->changed_cipher && b->changed_cipher;
    bool both_talk = a->application && b->application;
    if (is_clear_handshake && both_changed && memory->client_hello && !a->has_gap && !b->has_gap) {
        if (memory->certificate && memory->server_hello_done && memory->client_key_exchange)
            conclude_full(memory, facts);
        else if (!memory->certificate && !memory->server_hello_done && !memory->client_key_exchange)
            facts->tls.resumed = TRI_YES;
    }
    facts->tls.completed = both_talk || (is_clear_handshake && both_changed);
    bool both_seen = a->evidence > 0 && b->evidence > 0;
    reply->settled = both_seen && (facts->tls.completed || a->gave_up || b->gave_up);
}

/* Steps over what the current record has of a message that is not wanted. */
static size_t skip_message(struct bytes *data, unsigned side, struct tls_memory *memory)
{
    uint32_t *message_left = &memory->message_left[side];
    uint16_t *record_left = &memory->record_left[side];
    uint16_t n = *message_left < *record_left ? (uint16_t)*message_left : *record_left;
    *message_left -= n;
    *record_left = (uint16_t)(*record_left - n);
    return step_over(data, n);
}

/* Takes all complete units of one side, the first of them as recognise() has read it. */
static void follow(const struct proto_question *question, const struct beginning *beginning,
                   struct tls_memory *memory, struct proto_facts *facts, struct proto_reply *reply)
{
    unsigned side = question->side;
    struct tls_side *s = &memory->side[side];
    struct bytes data = question->data;
    data.cut = true;
    size_t beyond = 0;
    enum step step = STEP_DONE;
    if (s->state == SIDE_NEW || s->state == SIDE_LOST || question->gap)
        step = side_begin(question, &data, memory);
    if (beginning->is_read && step == STEP_DONE && s->state == SIDE_CLEAR) {
        take_client_hello(&beginning->hello, side, memory, facts);
        data = beginning->behind;
    }
    bool took_unit = s->state == SIDE_CLEAR && data.left < question->data.left;
    while (step == STEP_DONE && data.left > 0 && s->state != SIDE_LOST) {
        if (memory->record_left[side] == 0) {
            step = record_step(&data, side, memory, &beyond);
        } else if (memory->message_left[side] > 0) {
            beyond = skip_message(&data, side, memory);
        } else {
            step = message_step(&data, side, memory, facts);
        }
        took_unit |= step == STEP_DONE;
    }
    if (!took_unit && s->evidence == 0) {
        reply->answer = step == STEP_WRONG ? PROTO_NO : PROTO_MORE;
        return;
    }
    if (took_unit)
        s->evidence = s->state == SIDE_OPAQUE && s->has_gap ? 1 : 2;
    conclude(memory, facts, reply);
    /* What is wrong after something that was right is told when it is asked for again. */
    reply->answer = step == STEP_WRONG && !took_unit ? PROTO_NO : PROTO_YES;
    reply->used = question->data.left - data.left + beyond;
    if (reply->evidence == 0)
        reply->evidence = s->evidence;
    if (memory->client != 0)
        reply->speaker = memory->client == side + 1 ? SPEAKER_CLIENT : SPEAKER_SERVER;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct tls_memory *memory = (struct tls_memory *)lent->bytes;
    struct beginning beginning = {0};
    if (!question->named) {
        enum proto_answer answer = recognise(question, memory, &beginning, reply);
        if (answer != PROTO_YES) {
            *reply = (struct proto_reply){.answer = answer};
            return;
        }
    }
    follow(question, &beginning, memory, facts, reply);
    if (!question->named)
        reply->answer = PROTO_YES; /* as recognised, even when no unit of it is complete yet */
}

const struct protocol proto_tls = {.name = "tls", .transports = OVER_TCP, .ask = ask};
