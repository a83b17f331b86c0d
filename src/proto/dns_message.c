/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dns_message.c - walks a DNS message from its header to its last byte (RFC 1035 section 4) and answers for
 * the four protocols that share the format; see dns_message.h. Compression pointers are checked (they must
 * point back) but not followed, so that the cost is that of the bytes; the first name of a message cannot be
 * compressed and is the only one that is kept. Ignored: record data.
 */
#include "dns_message.h"

enum {
    LABEL_MAX = 63, /* RFC 1035 section 3.1 */
    NAME_MAX_SIZE = 255,
    ENTRIES_MAX = 6000, /* more records than 65,535 bytes can hold */
    POINTER = 0xc0,     /* RFC 1035 section 4.1.4 */
    TYPE_OPT = 41,
    CLASS_HIGH = 0x8000,
    NETBIOS_NAME = 15,
};

struct dns_memory {
    uint8_t sides; /* bit per side that was confirmed */
    bool request, response;
};

/* Fails the cursor for what stood in the bytes, whether or not the capture was cut behind them. */
static bool wrong(struct bytes *b)
{
    *b = bytes_of(NULL, 0);
    bytes_fail(b);
    return false;
}

/* As much as there is room for. */
static void name_add(struct dns_message *message, struct bytes part)
{
    size_t room = sizeof message->name - message->name_size, size = part.left < room ? part.left : room;
    bytes_copy(&part, message->name + message->name_size, size);
    message->name_size = (uint8_t)(message->name_size + size);
}

static bool name_ends(const struct dns_message *message, const char *end)
{
    size_t size = strlen(end);
    struct bytes name = bytes_of(message->name, message->name_size);
    if (name.left < size)
        return false;
    bytes_skip(&name, name.left - size);
    for (size_t i = 0; i < size; i++)
        if ((bytes_peek(&name, i) | 0x20) != end[i]) /* either case */
            return false;
    return true;
}

/* The sixteenth byte is the kind of name; padding blanks and zeros are left away. */
static bool read_netbios_label(struct bytes label, struct dns_message *message)
{
    uint8_t name[NETBIOS_NAME + 1];
    if (label.left != DNS_NETBIOS_LABEL)
        return false;
    for (unsigned i = 0; i < sizeof name; i++) {
        unsigned high = bytes_u8(&label) - (unsigned)'A', low = bytes_u8(&label) - (unsigned)'A';
        if (high > 15 || low > 15)
            return false;
        name[i] = (uint8_t)(high << 4 | low);
    }
    uint8_t size = NETBIOS_NAME;
    while (size > 0 && (name[size - 1] == ' ' || name[size - 1] == 0))
        size--;
    memcpy(message->name, name, size);
    message->name_size = size;
    return true;
}

static void keep_label(struct bytes label, struct dns_message *message, bool is_first)
{
    if (is_first && read_netbios_label(label, message))
        message->is_netbios = true;
    if (message->is_netbios)
        return;
    if (!is_first)
        name_add(message, bytes_of(".", 1));
    name_add(message, label);
}

/* One name; `keep` is where its text goes, or NULL. `size` is the whole message's. False: wrong or not all
 * there. */
static bool read_name(struct bytes *b, size_t size, struct dns_message *keep)
{
    unsigned taken = 0;
    while (bytes_ok(b)) {
        size_t place = size - b->left;
        uint8_t length = bytes_u8(b);
        if (length == 0)
            return bytes_ok(b);
        if (length >= POINTER && place == DNS_HEADER_SIZE) /* nothing is before the first name */
            break;
        if (length >= POINTER) {
            size_t target = (size_t)(length & ~POINTER) << 8 | bytes_u8(b);
            if (bytes_ok(b) && target >= DNS_HEADER_SIZE && target < place)
                return true;
            break;
        }
        taken += length + 1u;
        if (length > LABEL_MAX || taken >= NAME_MAX_SIZE)
            break;
        struct bytes label = bytes_take(b, length);
        if (bytes_ok(b) && keep)
            keep_label(label, keep, taken == length + 1u);
    }
    if (!bytes_short(b))
        return wrong(b);
    return false;
}

/* Types and classes that IANA has handed out; both registries are sparse, chance hits neither. */
static bool is_known(uint16_t type, uint16_t class)
{
    bool known_type = (type >= 1 && type <= 264) || (type >= 0x8000 && type <= 0x8001) || type >= 65280;
    return known_type && (class == 1 || class == 3 || class == 4 || class == 254 || class == 255);
}

static void keep_name(struct dns_message *message)
{
    message->has_name = message->has_kind = true;
    message->is_local = !message->is_netbios && name_ends(message, ".local");
    message->is_reverse = !message->is_netbios && name_ends(message, ".arpa");
}

/* A question, or a record (RFC 1035 sections 4.1.2 and 4.1.3). */
static bool read_entry(struct bytes *b, size_t size, bool is_record, struct dns_message *message)
{
    bool is_first = !message->has_name;
    message->has_kind |= bytes_peek(b, 0) >= 0 && bytes_peek(b, 0) != DNS_NETBIOS_LABEL;
    if (!read_name(b, size, is_first ? message : NULL))
        return false;
    if (is_first)
        keep_name(message);
    uint16_t type = bytes_u16(b);
    uint16_t class = bytes_u16(b);
    if (is_record) {
        bytes_u32(b); /* time to live */
        bytes_prefixed16(b);
    }
    if (!bytes_ok(b))
        return false;
    if (is_record && type == TYPE_OPT) { /* its class is a size, RFC 6891 section 6.1.2 */
        message->has_opt = true;
        return true;
    }
    message->has_high_class |= (class & CLASS_HIGH) != 0;
    if (is_known(type, class & ~CLASS_HIGH))
        return true;
    return wrong(b);
}

static void read_header(struct bytes *data, struct dns_message *message)
{
    memset(message, 0, offsetof(struct dns_message, name)); /* of a name only as much is read as there is */
    message->walk = DNS_WRONG;
    message->id = bytes_u16(data);
    message->flags = bytes_u16(data);
    message->questions = bytes_u16(data);
    message->answers = bytes_u16(data);
    message->authorities = bytes_u16(data);
    message->additional = bytes_u16(data);
    message->has_header = bytes_ok(data);
}

void dns_message_read(struct bytes data, struct dns_message *message)
{
    size_t size = data.left;
    bool is_cut = data.cut;
    data.cut = true; /* to tell bytes that are not there from wrong ones */
    read_header(&data, message);
    uint32_t records = (uint32_t)message->answers + message->authorities + message->additional;
    uint32_t entries = message->questions + records;
    bool right = message->has_header && (entries <= ENTRIES_MAX || wrong(&data));
    for (uint32_t i = 0; i < entries && right; i++) /* each takes five bytes at least */
        message->has_entry |= right = read_entry(&data, size, i >= message->questions, message);
    if (right && data.left == 0)
        message->walk = is_cut ? DNS_CUT : DNS_CLOSED;
    else if (bytes_short(&data))
        message->walk = is_cut ? DNS_CUT : DNS_ENDED;
}

/* Sets answer and, with a yes, evidence. `at_home`: the port is customary, or the flow is named already. */
static void judge(const struct dns_rules *rules, bool at_home, const struct dns_message *message,
                  struct proto_reply *reply)
{
    bool is_closed = message->walk == DNS_CLOSED;
    /* a right question is enough at home; of one that ends too early, its beginning, which tells NetBIOS
     * apart */
    bool is_begun =
        (message->walk == DNS_CUT || message->walk == DNS_ENDED) && message->has_header && message->has_kind;
    bool can_tell = is_closed || message->has_entry || is_begun;

    reply->answer = PROTO_YES;
    if (at_home && can_tell && rules->plausible(message))
        reply->evidence = is_closed && message->has_name ? 2 : 1;
    else if (is_closed && rules->distinct(message))
        reply->evidence = rules->distinct_evidence;
    else
        reply->answer = message->walk == DNS_CUT ? PROTO_MORE : PROTO_NO;
}

static void tell(const struct dns_rules *rules, const struct dns_message *message,
                 const struct proto_question *question, struct dns_memory *memory, struct proto_facts *facts,
                 struct proto_reply *reply)
{
    bool is_response = message->flags & DNS_RESPONSE;
    if (is_response)
        facts->query.response = memory->response = true;
    else
        facts->query.request = memory->request = true;
    if (!is_response)
        reply->speaker = SPEAKER_CLIENT;
    else if (!rules->unasked_responses)
        reply->speaker = SPEAKER_SERVER;
    if (message->has_name && message->name_size > 0 && (facts->server_name.size == 0 || !is_response))
        proto_text_set(&facts->server_name, message->name, message->name_size);
    memory->sides |= (uint8_t)(1u << (question->side & 1));
    reply->settled = memory->sides == 3 && memory->request && memory->response;
}

/*
 * RFC 1035 section 4.2.2: two bytes of length before each message. A first message is waited for until it is
 * complete or fills the window; of later ones the header is enough and the rest is skipped.
 */
static void ask_stream(const struct dns_rules *rules, const struct proto_question *question,
                       struct dns_memory *memory, struct proto_facts *facts, struct proto_reply *reply)
{
    struct dns_message message;
    struct bytes stream = question->data;
    bool is_full = stream.left >= PROTO_WINDOW_SIZE;
    bool named = question->named;

    stream.cut = true; /* what is not there may still come */
    do {
        size_t length = bytes_u16(&stream);
        dns_message_read(bytes_take(&stream, length), &message);
        if (message.walk == DNS_CUT && !is_full && !(named && message.has_header)) {
            reply->answer = PROTO_MORE;
            break;
        }
        judge(rules, question->customary || named, &message, reply);
        if (!named && !question->start && message.walk != DNS_CLOSED)
            reply->answer = PROTO_NO;
        if (reply->answer != PROTO_YES)
            break;
        named = true;
        reply->used += 2 + length;
        tell(rules, &message, question, memory, facts, reply);
    } while (stream.left > 0);
    if (reply->used > 0)
        reply->answer = PROTO_YES;
    else if (reply->answer == PROTO_MORE && (is_full || (!named && !question->start)))
        reply->answer = PROTO_NO;
}

void dns_message_ask(const struct dns_rules *rules, const struct proto_question *question,
                     struct proto_memory *lent, struct proto_facts *facts, struct proto_reply *reply)
{
    _Static_assert(sizeof(struct dns_memory) <= PROTO_MEMORY_SIZE, "does not fit into what a flow lends");
    struct dns_memory *memory = (struct dns_memory *)(void *)lent->bytes;
    struct dns_message message;

    if (question->transport == OVER_TCP) {
        ask_stream(rules, question, memory, facts, reply);
        return;
    }
    bool at_home = question->customary || question->named;
    if (!question->data.cut && !at_home && rules->may_be_distinct) {
        struct bytes header = question->data;
        read_header(&header, &message);
        if (!rules->may_be_distinct(&message))
            return;
    }
    dns_message_read(question->data, &message);
    judge(rules, at_home, &message, reply);
    if (reply->answer == PROTO_YES)
        tell(rules, &message, question, memory, facts, reply);
}
