/* SPDX-License-Identifier: BSD-2-Clause
 *
 * smb.c - recognises SMB 1, 2 and 3, also encrypted and compressed, over direct TCP and the NetBIOS session
 * service, and SMB in NetBIOS datagrams. Asked by the engine through proto_smb. Specifications: MS-SMB2 2.1
 * and 2.2, MS-CIFS 2.2.3, RFC 1002 sections 4.3 and 4.4. The dialect chosen and the first share's path become
 * facts, and DCE/RPC in a named pipe is told; files are ignored.
 */
#include "dcerpc_pdu.h"

/* RFC 1002 4.3.1; a direct TCP header looks like SESSION_MESSAGE (MS-SMB2 2.1). */
enum {
    SESSION_MESSAGE = 0x00,
    SESSION_REQUEST = 0x81,
    POSITIVE_RESPONSE = 0x82,
    NEGATIVE_RESPONSE = 0x83,
    RETARGET_RESPONSE = 0x84,
    KEEP_ALIVE = 0x85
};

/* RFC 1002 4.2.1 and RFC 1001 14.1: a length of 32, 32 letters A to P, no scope. */
enum { NAME_SIZE = 34, NAME_LETTERS = 32 };

/* MS-CIFS 2.2.3.1, MS-SMB2 2.2.1, 2.2.41, 2.2.42.1: what stands before the commands. */
enum { SMB1_HEADER = 32, SMB2_HEADER = 64, TRANSFORM_HEADER = 52, COMPRESSED_HEADER = 16 };

enum {
    PROTOCOL_SMB1 = 0xff534d42,
    PROTOCOL_SMB2 = 0xfe534d42,
    PROTOCOL_TRANSFORM = 0xfd534d42,
    PROTOCOL_COMPRESSED = 0xfc534d42
};

enum { SMB1_NEGOTIATE = 0x72, SMB1_REPLY = 0x80, NO_DIALECT = 0xffff }; /* MS-CIFS 2.2.3.1, 2.2.4.52.2 */
enum { SMB2_NEGOTIATE = 0, SMB2_TREE_CONNECT = 3, SMB2_COMMANDS = 19, SMB2_REPLY = 1 }; /* MS-SMB2 2.2.1.2 */
enum { DIALECT_SMB1 = 0x0100, DIALECT_WILDCARD = 0x02ff, DIALECT_SMB3 = 0x0300, DIALECT_SMB311 = 0x0311 };

struct memory {
    struct units_talk talk;
    bool has_pipe; /* DCE/RPC was seen in one */
};
_Static_assert(sizeof(struct memory) <= PROTO_MEMORY_SIZE, "fits what the flow lends");

/*
 * Where a message says how far from its header the data is that goes through a pipe: `place` bytes into its
 * body. MS-CIFS 2.2.4.43.1, .42.2, .33.1, .33.2; MS-SMB2 2.2.21, 2.2.20, 2.2.31, 2.2.32.
 */
static const struct {
    uint32_t protocol;
    uint16_t command;
    bool is_reply;
    uint8_t place;
} pipe_data[] = {
    {PROTOCOL_SMB1, 0x2f, false, 22},                               /* write */
    {PROTOCOL_SMB1, 0x2e, true, 12},                                /* read */
    {PROTOCOL_SMB1, 0x25, false, 24},                               /* transaction */
    {PROTOCOL_SMB1, 0x25, true, 14},  {PROTOCOL_SMB2, 9, false, 2}, /* write */
    {PROTOCOL_SMB2, 8, true, 2},                                    /* read */
    {PROTOCOL_SMB2, 11, false, 24},                                 /* control: transceive */
    {PROTOCOL_SMB2, 11, true, 32},
};

struct message {
    struct bytes b; /* from the protocol id on */
    uint32_t protocol;
    uint16_t command;
    bool is_reply;
};

/* Looks for a PDU in a message whose header was read; `body` is where its body begins. */
static enum proto_answer read_pipe(const struct message *message, size_t body, struct memory *memory,
                                   struct proto_reply *reply)
{
    struct dcerpc_header pdu;
    for (size_t i = 0; i < sizeof pipe_data / sizeof pipe_data[0] && !memory->has_pipe; i++) {
        if (pipe_data[i].protocol != message->protocol || pipe_data[i].command != message->command ||
            pipe_data[i].is_reply != message->is_reply)
            continue;
        struct bytes b = message->b, data = message->b;
        bytes_skip(&b, body + pipe_data[i].place);
        uint16_t offset = bytes_u16le(&b);
        bytes_skip(&data, offset);
        if (bytes_short(&b))
            return PROTO_MORE;
        if (!bytes_ok(&b) || offset < body || offset > PROTO_WINDOW_SIZE / 2)
            return PROTO_YES;
        enum proto_answer answer = dcerpc_read_header(&data, &pdu);
        if (answer == PROTO_MORE)
            return PROTO_MORE;
        if (answer == PROTO_YES) {
            reply->carries = PROTO_dcerpc;
            memory->has_pipe = true;
        }
    }
    return PROTO_YES;
}

static void skip_name(struct bytes *b)
{
    if (bytes_u8(b) != NAME_LETTERS && bytes_ok(b))
        units_wrong(b);
    for (unsigned i = 0; i < NAME_LETTERS; i++) {
        uint8_t letter = bytes_u8(b);
        if (bytes_ok(b) && (letter < 'A' || letter > 'P'))
            units_wrong(b);
    }
    if (bytes_u8(b) != 0)
        units_wrong(b);
}

/* MS-CIFS 2.2.3.1. */
static enum proto_answer read_smb1(struct message *message, struct memory *memory, struct proto_facts *facts,
                                   struct proto_reply *reply)
{
    struct bytes b = message->b;
    bytes_skip(&b, 4);
    message->command = bytes_u8(&b);
    bytes_skip(&b, 4); /* status */
    message->is_reply = bytes_u8(&b) & SMB1_REPLY;
    bytes_skip(&b, SMB1_HEADER - 10);
    uint8_t words = bytes_u8(&b);
    bool is_choice = message->command == SMB1_NEGOTIATE && message->is_reply;
    uint16_t dialect = is_choice && words ? bytes_u16le(&b) : NO_DIALECT;
    if (!bytes_ok(&b))
        return units_answer(&b);
    if (read_pipe(message, SMB1_HEADER + 1, memory, reply) == PROTO_MORE)
        return PROTO_MORE;
    /* A negotiation alone says nothing: it may be answered in SMB 2 (MS-SMB2 3.2.4.2.2.1). */
    if (message->is_reply && (!is_choice || dialect != NO_DIALECT))
        facts->version = DIALECT_SMB1;
    reply->speaker = message->is_reply ? SPEAKER_SERVER : SPEAKER_CLIENT;
    return PROTO_YES;
}

/* The path is UTF-16LE; what is not ASCII becomes a question mark. */
static void keep_path(struct bytes path, struct proto_facts *facts)
{
    uint8_t text[PROTO_TEXT_SIZE];
    size_t size = 0;
    while (path.left >= 2 && size < sizeof text) {
        uint16_t unit = bytes_u16le(&path);
        text[size++] = unit < 0x80 ? (uint8_t)unit : '?';
    }
    proto_text_set(&facts->detail, text, size);
}

/* MS-SMB2 2.2.9: structure size 9, flags, offset from the SMB2 header, length. */
static enum proto_answer read_tree_connect(struct bytes b, struct proto_facts *facts)
{
    enum { FIXED_SIZE = 8 };
    uint16_t structure = bytes_u16le(&b);
    bytes_skip(&b, 2);
    uint16_t offset = bytes_u16le(&b);
    uint16_t length = bytes_u16le(&b);
    if (bytes_ok(&b) && (structure != 9 || offset < SMB2_HEADER + FIXED_SIZE))
        return PROTO_YES; /* nothing wrong with the header; only no path to be had */
    bytes_skip(&b, (size_t)(offset - SMB2_HEADER - FIXED_SIZE));
    struct bytes path = bytes_take(&b, length);
    if (bytes_short(&b))
        return PROTO_MORE;
    if (bytes_ok(&b))
        keep_path(path, facts);
    return PROTO_YES;
}

/* MS-SMB2 2.2.4: `b` is the body of the answer. */
static enum proto_answer read_negotiation(struct bytes b, struct proto_facts *facts)
{
    uint16_t structure = bytes_u16le(&b);
    bytes_skip(&b, 2);
    uint16_t dialect = bytes_u16le(&b);
    if (bytes_short(&b))
        return PROTO_MORE;
    if (bytes_ok(&b) && structure == 65 && dialect != DIALECT_WILDCARD)
        facts->version = dialect;
    return PROTO_YES;
}

/* Pipes are reached through the share IPC$ alone (MS-SMB2 3.3.4.8 and its like). */
static bool may_have_pipes(const struct proto_facts *facts)
{
    static const char share[] = "IPC$";
    size_t before = facts->detail.size - strlen(share);
    return facts->detail.size >= strlen(share) &&
           memcmp(facts->detail.bytes + before, share, strlen(share)) == 0;
}

/* MS-SMB2 2.2.1. */
static enum proto_answer read_smb2(struct message *message, struct memory *memory, struct proto_facts *facts,
                                   struct proto_reply *reply)
{
    struct bytes b = message->b;
    bytes_skip(&b, 4);
    if (bytes_u16le(&b) != SMB2_HEADER && bytes_ok(&b))
        return PROTO_NO;
    bytes_skip(&b, 6); /* credit charge, status */
    message->command = bytes_u16le(&b);
    bytes_skip(&b, 2); /* credits */
    message->is_reply = bytes_u32le(&b) & SMB2_REPLY;
    bytes_skip(&b, SMB2_HEADER - 20);
    if (!bytes_ok(&b))
        return units_answer(&b);
    if (message->command >= SMB2_COMMANDS)
        return PROTO_NO;

    enum proto_answer answer = read_pipe(message, SMB2_HEADER, memory, reply);
    if (message->command == SMB2_NEGOTIATE && message->is_reply)
        answer = read_negotiation(b, facts);
    else if (message->command == SMB2_TREE_CONNECT && !message->is_reply && facts->detail.size == 0)
        answer = read_tree_connect(b, facts);
    if (answer != PROTO_YES)
        return answer;
    memory->talk.known = facts->version && facts->detail.size && (memory->has_pipe || !may_have_pipes(facts));
    reply->speaker = message->is_reply ? SPEAKER_SERVER : SPEAKER_CLIENT;
    return PROTO_YES;
}

/* `b` stands behind the protocol id; `size` counts what follows it in the message. MS-SMB2 2.2.41. */
static enum proto_answer read_transform(struct bytes b, size_t size, struct memory *memory,
                                        struct proto_facts *facts)
{
    bytes_skip(&b, 32); /* signature, nonce */
    uint32_t original = bytes_u32le(&b);
    bytes_skip(&b, 2);
    uint16_t encrypted =
        bytes_u16le(&b); /* SMB 3.0: the algorithm AES-128-CCM; 3.1.1: the flag; both are 1 */
    bytes_skip(&b, 8);   /* session id */
    if (!bytes_ok(&b))
        return units_answer(&b);
    if (encrypted != 1 || original > size)
        return PROTO_NO;
    if (facts->version == 0)
        facts->version = DIALECT_SMB3; /* none older can encrypt */
    memory->talk.known = true;         /* paths are hidden from here on */
    return PROTO_YES;
}

/* `b` stands behind the protocol id, MS-SMB2 2.2.42.1. */
static enum proto_answer read_compressed(struct bytes b, struct proto_facts *facts)
{
    enum { ALGORITHMS = 6, FLAG_CHAINED = 1 };
    bytes_skip(&b, 4); /* original size */
    uint16_t algorithm = bytes_u16le(&b);
    uint16_t flags = bytes_u16le(&b);
    bytes_skip(&b, 4); /* offset or length */
    if (!bytes_ok(&b))
        return units_answer(&b);
    if (algorithm >= ALGORITHMS || flags > FLAG_CHAINED)
        return PROTO_NO;
    if (facts->version == 0)
        facts->version = DIALECT_SMB311; /* none older can compress */
    return PROTO_YES;
}

static enum proto_answer read_message(struct bytes b, size_t size, struct memory *memory,
                                      struct proto_facts *facts, struct proto_reply *reply)
{
    struct message message = {.b = b};
    message.protocol = bytes_u32(&b);
    if (!bytes_ok(&b))
        return units_answer(&b);
    switch (message.protocol) {
    case PROTOCOL_SMB1:
        return size < SMB1_HEADER ? PROTO_NO : read_smb1(&message, memory, facts, reply);
    case PROTOCOL_SMB2:
        return size < SMB2_HEADER ? PROTO_NO : read_smb2(&message, memory, facts, reply);
    case PROTOCOL_TRANSFORM:
        return size < TRANSFORM_HEADER ? PROTO_NO : read_transform(b, size, memory, facts);
    case PROTOCOL_COMPRESSED:
        return size < COMPRESSED_HEADER ? PROTO_NO : read_compressed(b, facts);
    default:
        return PROTO_NO;
    }
}

/* RFC 1002 4.3.2: called name, calling name. */
static enum proto_answer read_session_request(struct bytes b, size_t size, struct proto_reply *reply)
{
    if (size != 2 * NAME_SIZE)
        return PROTO_NO;
    skip_name(&b);
    skip_name(&b);
    reply->speaker = SPEAKER_CLIENT;
    return units_answer(&b);
}

/* Answers of the session service and its keep-alive, RFC 1002 4.3.3 to 4.3.6. */
static bool is_session_answer(uint8_t type, size_t size)
{
    switch (type) {
    case POSITIVE_RESPONSE:
    case KEEP_ALIVE:
        return size == 0;
    case NEGATIVE_RESPONSE:
        return size == 1;
    default:
        return type == RETARGET_RESPONSE && size == 6;
    }
}

static enum proto_answer read_session_message(struct bytes *b, void *memory, struct proto_facts *facts,
                                              struct proto_reply *reply, size_t *size)
{
    uint32_t length = bytes_u24(b);
    *size += 4 + (size_t)length;
    return read_message(bytes_take(b, length), length, memory, facts, reply);
}

static enum proto_answer read_session_unit(const struct proto_question *question, struct bytes b, void *lent,
                                           struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    uint8_t type = bytes_u8(&b);
    if (type == SESSION_MESSAGE)
        return read_session_message(&b, lent, facts, reply, size);
    if (type < SESSION_REQUEST || type > KEEP_ALIVE)
        return PROTO_NO;
    uint32_t length = bytes_u24(&b);
    struct bytes inner = bytes_take(&b, length);
    *size = 4 + (size_t)length;
    if (!bytes_ok(&inner))
        return units_answer(&inner);
    if (type == SESSION_REQUEST)
        return read_session_request(inner, length, reply);
    if (!is_session_answer(type, length))
        return PROTO_NO;
    if (type != KEEP_ALIVE)
        reply->speaker = SPEAKER_SERVER;
    if (question->named)
        return PROTO_YES;
    if (b.left == 0) /* too few bytes to name anything: what comes behind them has to */
        return PROTO_MORE;
    return bytes_u8(&b) == SESSION_MESSAGE ? read_session_message(&b, lent, facts, reply, size) : PROTO_NO;
}

/* RFC 1002 4.4.1 and 4.4.2: DIRECT_UNIQUE, DIRECT_GROUP or BROADCAST with two names and a whole SMB message.
 */
static void ask_datagram(const struct proto_question *question, struct proto_facts *facts,
                         struct proto_reply *reply)
{
    enum { DIRECT_UNIQUE = 0x10, BROADCAST = 0x12 };
    const size_t header = 14;
    struct bytes b = question->data;
    uint8_t type = bytes_u8(&b);
    bytes_skip(&b, 9); /* flags, id, source address and port */
    uint16_t length = bytes_u16(&b);
    bytes_skip(&b, 2); /* offset of this fragment */
    if (bytes_ok(&b) && (type < DIRECT_UNIQUE || type > BROADCAST || length + header != question->wirelen))
        return;
    bytes_skip(&b, 2 * NAME_SIZE);
    if (bytes_u32(&b) != PROTOCOL_SMB1) {
        reply->answer = bytes_short(&b) ? PROTO_MORE : PROTO_NO;
        return;
    }
    facts->version = DIALECT_SMB1;
    *reply = (struct proto_reply){.answer = PROTO_YES, .evidence = 2, .settled = true};
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    if (question->transport == OVER_UDP) {
        ask_datagram(question, facts, reply);
        return;
    }
    units_ask(question, read_session_unit, memory->bytes, facts, reply);
}

static const uint16_t ports[] = {445, 139, 138, 0};

const struct protocol proto_smb = {.name = "smb",
                                   .transports = OVER_TCP | OVER_UDP,
                                   .customary_ports = ports,
                                   .least = {14 + 2 * NAME_SIZE + 4, 14 + 2 * NAME_SIZE + 4},
                                   .begins = {{0, 0x10, 0x12}},
                                   .ask = ask};
