/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ms_turn.c - recognises Microsoft's TURN over UDP, over TCP behind its two-byte framing, with or without the
 * pseudo-TLS hello, and multiplexed. Specifications: MS-TURN 2.1.1 (pseudo-TLS), 2.1.4 (framing), 2.2.1
 * to 2.2.3; MS-TURNBWM only adds attributes. Asked by the engine before tls and stun; goes on after its yes,
 * because relayed media follows on the same flow, and looks into Data attributes and end-to-end frames.
 * Bandwidth attributes and SIP identifiers are passed over.
 */
#include "media.h"

struct ms_turn_memory {
    struct media_streams streams;
    uint8_t has_begun; /* TCP, bit per side: the hello, if any, lies behind */
    uint8_t is_lost;   /* TCP, bit per side: bytes are missing, where the next frame begins is not known */
};
_Static_assert(sizeof(struct ms_turn_memory) <= PROTO_MEMORY_SIZE, "fits what a flow lends");

/* Message types, MS-TURN 2.2.1. */
enum ms_turn_type {
    ALLOCATE_REQUEST = 0x0003,
    ALLOCATE_RESPONSE = 0x0103,
    ALLOCATE_ERROR = 0x0113,
    SEND_REQUEST = 0x0004,
    DATA_INDICATION = 0x0115,
    SET_ACTIVE_REQUEST = 0x0006,
    SET_ACTIVE_RESPONSE = 0x0106,
    SET_ACTIVE_ERROR = 0x0116
};

/* Attributes that are looked at, MS-TURN 2.2.2. */
enum ms_turn_attribute {
    ATTRIBUTE_MAPPED_ADDRESS = 0x0001, /* in an Allocate response the relay's address, 2.2.2.23 */
    ATTRIBUTE_DATA = 0x0013,
    ATTRIBUTE_MS_VERSION = 0x8008,
    ATTRIBUTE_SERVICE_QUALITY = 0x8055,
    ATTRIBUTE_ALTERNATE_MAPPED_ADDRESS = 0x8090 /* the same for IPv6 */
};

struct ms_turn_reading {
    const struct proto_question *question;
    struct ms_turn_memory *memory;
    struct proto_facts *facts;
    struct proto_reply *reply;
};

static void say_yes(struct proto_reply *reply, uint8_t evidence, enum proto_speaker speaker)
{
    reply->answer = PROTO_YES;
    reply->carries_media = true;
    if (evidence > reply->evidence)
        reply->evidence = evidence;
    if (reply->speaker == SPEAKER_UNKNOWN)
        reply->speaker = speaker;
}

static enum proto_speaker speaker_of(uint16_t type)
{
    switch (type) {
    case ALLOCATE_REQUEST:
    case SEND_REQUEST:
    case SET_ACTIVE_REQUEST:
        return SPEAKER_CLIENT;
    case ALLOCATE_RESPONSE:
    case ALLOCATE_ERROR:
    case SET_ACTIVE_RESPONSE:
    case SET_ACTIVE_ERROR:
    case DATA_INDICATION:
        return SPEAKER_SERVER;
    default:
        return SPEAKER_UNKNOWN;
    }
}

static uint8_t modality_of(uint16_t stream_type)
{
    static const uint8_t modalities[] = {MODALITY_UNKNOWN, MODALITY_AUDIO, MODALITY_VIDEO, MODALITY_VIDEO,
                                         MODALITY_APPLICATION_SHARING};
    return stream_type < sizeof modalities ? modalities[stream_type] : MODALITY_UNKNOWN;
}

static void read_attribute(const struct ms_turn_reading *r, uint16_t type, struct media_attribute *attribute)
{
    struct addr relay;
    uint16_t port;
    switch (attribute->type) {
    case ATTRIBUTE_MS_VERSION:
        r->facts->turn.ms_version = (uint8_t)bytes_u32(&attribute->value);
        break;
    case ATTRIBUTE_SERVICE_QUALITY: /* stream type, then quality, 2.2.2.18 */
        r->facts->turn.stream_type = (uint8_t)bytes_u16(&attribute->value);
        if (modality_of(r->facts->turn.stream_type) != MODALITY_UNKNOWN)
            r->facts->modality = modality_of(r->facts->turn.stream_type);
        break;
    case ATTRIBUTE_DATA:
        media_carried(r->question, attribute->value, attribute->value.left, &r->memory->streams, r->facts,
                      r->reply);
        break;
    case ATTRIBUTE_MAPPED_ADDRESS:
    case ATTRIBUTE_ALTERNATE_MAPPED_ADDRESS:
        /* An allocation is of the transport it was asked over. */
        if (type == ALLOCATE_RESPONSE && media_address(attribute->value, NULL, &relay, &port))
            media_learn_relay(r->reply, r->question->transport, r->facts->modality, &relay, port);
        break;
    default:
        break;
    }
}

/* MORE also while the cookie could still come. */
static enum proto_answer check_message(struct bytes data, size_t wirelen, struct media_message *message)
{
    static const uint8_t cookie[8] = {0x00, 0x0f, 0x00, 0x04, 0x72, 0xc6, 0x4b, 0xc6};
    struct bytes b = data, rest = data;
    uint16_t type = bytes_u16(&b), length = bytes_u16(&b);
    if (bytes_ok(&b) && (speaker_of(type) == SPEAKER_UNKNOWN || STUN_HEADER_SIZE + (size_t)length != wirelen))
        return PROTO_NO;
    if (bytes_peek(&data, 0) > 1)
        return PROTO_NO;
    bytes_skip(&rest, STUN_HEADER_SIZE);
    if (rest.left < sizeof cookie)
        return data.cut && (rest.failed || bytes_may_begin(&rest, cookie, sizeof cookie)) ? PROTO_MORE
                                                                                          : PROTO_NO;
    b = data;
    media_message_read(&b, message);
    return message->has_ms_cookie ? PROTO_YES : PROTO_NO;
}

static void read_message(const struct ms_turn_reading *r, const struct media_message *message)
{
    struct bytes body = message->body;
    struct media_attribute attribute;
    /* Attributes follow each other without padding; some senders align them all the same. */
    unsigned alignment = media_alignment(body, 1);
    r->facts->turn.flavour = 2;
    r->facts->turn.request |= message->type == ALLOCATE_REQUEST || message->type == SET_ACTIVE_REQUEST;
    r->facts->turn.response |=
        speaker_of(message->type) == SPEAKER_SERVER && message->type != DATA_INDICATION;
    while (alignment && media_attribute_next(&body, alignment, &attribute))
        read_attribute(r, message->type, &attribute);
    say_yes(r->reply, 2, speaker_of(message->type));
}

/* MS-TURN 2.2.3: ff10, length, session id, then a packet that must itself be known. */
static enum proto_answer read_multiplexed(const struct ms_turn_reading *r, struct bytes b, size_t wirelen)
{
    enum { HEADER_SIZE = 4, SESSION_SIZE = 8 };
    struct media_message message;
    bool is_cut = b.cut;
    uint16_t mark = bytes_u16(&b), length = bytes_u16(&b);
    bytes_skip(&b, SESSION_SIZE);
    if (mark != 0xff10 && mark != 0)
        return PROTO_NO;
    if (!bytes_ok(&b))
        return is_cut ? PROTO_MORE : PROTO_NO;
    if (mark == 0 || length <= SESSION_SIZE || HEADER_SIZE + (size_t)length != wirelen)
        return PROTO_NO;
    size_t inner = (size_t)length - SESSION_SIZE;
    bool is_message = check_message(b, inner, &message) == PROTO_YES;
    if (!is_message && media_kind(b, inner) == PROTO_UNIDENTIFIED)
        return is_cut && !r->question->named ? PROTO_MORE : PROTO_NO;
    r->facts->turn.flavour = 2;
    r->facts->turn.multiplexed = true;
    if (is_message)
        read_message(r, &message);
    else
        media_carried(r->question, b, inner, &r->memory->streams, r->facts, r->reply);
    say_yes(r->reply, is_message ? 2 : 1, SPEAKER_UNKNOWN);
    return PROTO_YES;
}

static void ask_datagram(const struct ms_turn_reading *r)
{
    struct media_message message;
    struct bytes data = r->question->data;
    if (bytes_peek(&data, 0) == 0xff) {
        r->reply->answer = read_multiplexed(r, data, r->question->wirelen);
        return;
    }
    r->reply->answer = check_message(data, r->question->wirelen, &message);
    if (r->reply->answer == PROTO_YES)
        read_message(r, &message);
}

/* A constant at a fixed place of the pseudo-TLS hellos; what lies between is time, random and session id. */
struct fixed_part {
    uint8_t offset, size;
    uint8_t bytes[11];
};

/* MS-TURN 2.1.1: 50 bytes from the client, 83 from the server, each one record. */
static const struct fixed_part client_hello[] = {
    {0, 11, {0x16, 0x03, 0x01, 0x00, 0x2d, 0x01, 0x00, 0x00, 0x29, 0x03, 0x01}},
    {43, 7, {0x00, 0x00, 0x02, 0x00, 0x18, 0x01, 0x00}},
};
static const struct fixed_part server_hello[] = {
    {0, 11, {0x16, 0x03, 0x01, 0x00, 0x4e, 0x02, 0x00, 0x00, 0x46, 0x03, 0x01}},
    {43, 1, {0x20}},
    {76, 7, {0x00, 0x18, 0x00, 0x0e, 0x00, 0x00, 0x00}},
};
enum { CLIENT_HELLO_SIZE = 50, SERVER_HELLO_SIZE = 83 };

static bool may_be_hello(struct bytes data, const struct fixed_part *parts, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct bytes b = data;
        bytes_skip(&b, parts[i].offset);
        if (bytes_ok(&b) && !bytes_may_begin(&b, parts[i].bytes, parts[i].size))
            return false;
    }
    return true;
}

/* These three give a unit's size; 0 when more must arrive; SIZE_MAX when the bytes are none of ours. */
static size_t read_hello(const struct ms_turn_reading *r, struct bytes data)
{
    bool is_client = may_be_hello(data, client_hello, 2);
    size_t size = is_client ? CLIENT_HELLO_SIZE : SERVER_HELLO_SIZE;
    if (!is_client && !may_be_hello(data, server_hello, 3))
        return SIZE_MAX;
    if (data.left < size)
        return 0;
    r->facts->turn.flavour = 2;
    r->facts->turn.pseudo_tls = true;
    say_yes(r->reply, 2, is_client ? SPEAKER_CLIENT : SPEAKER_SERVER);
    return size;
}

/* MS-TURN 2.1.4: type 02 control or 03 end-to-end, a zero, the length of what follows. */
static bool read_frame(struct bytes data, uint8_t *type, struct media_frame *frame)
{
    *type = bytes_u8(&data);
    bytes_skip(&data, 1);
    if (!media_frame_read(data, frame))
        return false;
    frame->size += 2;
    return true;
}

enum { FRAME_CONTROL = 2, FRAME_END_TO_END = 3 };

static size_t read_control_frame(const struct ms_turn_reading *r, const struct media_frame *frame)
{
    struct media_message message;
    bool is_huge = frame->size > PROTO_WINDOW_SIZE; /* never whole: judged by what fits */
    enum proto_answer answer = check_message(frame->payload, frame->wirelen, &message);
    if (answer == PROTO_NO)
        return SIZE_MAX;
    if (answer == PROTO_MORE || (frame->payload.left < frame->wirelen && !is_huge))
        return 0;
    read_message(r, &message);
    return frame->size;
}

/*
 * Without a hello or a control frame before them, end-to-end frames are believed when three follow each other
 * that hold media (PROTOCOLS section 2.4). The third need not be whole: three video packets may not fit the
 * window.
 */
static enum proto_answer check_chain(struct bytes data)
{
    enum { CHAIN = 3 };
    for (unsigned i = 0; i < CHAIN; i++) {
        struct media_frame frame;
        uint8_t type;
        if (bytes_peek(&data, 0) > FRAME_END_TO_END || bytes_peek(&data, 0) == 0 || bytes_peek(&data, 1) > 0)
            return PROTO_NO;
        if (!read_frame(data, &type, &frame))
            return PROTO_MORE;
        int first = bytes_peek(&frame.payload, 0);
        if (type != FRAME_END_TO_END || frame.wirelen == 0 || (first > 1 && first < 128) || first > 191)
            return PROTO_NO;
        if (!media_frame_is_enough(&frame))
            return PROTO_MORE;
        if (media_kind(frame.payload, frame.wirelen) == PROTO_UNIDENTIFIED)
            return PROTO_NO;
        bytes_skip(&data, frame.size < data.left ? frame.size : data.left);
    }
    return PROTO_YES;
}

static size_t read_unit(const struct ms_turn_reading *r, struct bytes data)
{
    struct media_frame frame;
    uint8_t type, side_bit = (uint8_t)(1u << r->question->side);
    if (bytes_peek(&data, 0) == 0x16 && !(r->memory->has_begun & side_bit))
        return read_hello(r, data);
    if (bytes_peek(&data, 0) != FRAME_CONTROL && bytes_peek(&data, 0) != FRAME_END_TO_END)
        return SIZE_MAX;
    if (bytes_peek(&data, 1) > 0)
        return SIZE_MAX;
    if (!read_frame(data, &type, &frame))
        return 0;
    if (type == FRAME_CONTROL)
        return read_control_frame(r, &frame);
    if (!r->question->named && r->reply->used == 0) {
        enum proto_answer chain = check_chain(data);
        if (chain != PROTO_YES)
            return chain == PROTO_NO ? SIZE_MAX : 0;
    }
    if (!media_frame_is_enough(&frame))
        return 0;
    r->facts->turn.flavour = 2;
    media_carried(r->question, frame.payload, frame.wirelen, &r->memory->streams, r->facts, r->reply);
    say_yes(r->reply, 1, SPEAKER_UNKNOWN);
    return frame.size;
}

/* After a loss: a control frame with its cookie, or an end-to-end frame that holds media, is a place to go
 * on. */
static bool is_in_step(struct bytes data)
{
    struct media_frame frame;
    struct media_message message;
    uint8_t type;
    if (bytes_peek(&data, 1) != 0 || !read_frame(data, &type, &frame))
        return false;
    if (type == FRAME_CONTROL)
        return check_message(frame.payload, frame.wirelen, &message) == PROTO_YES;
    return type == FRAME_END_TO_END && media_kind(frame.payload, frame.wirelen) != PROTO_UNIDENTIFIED;
}

static void ask_stream(const struct ms_turn_reading *r)
{
    struct bytes data = r->question->data;
    uint8_t side_bit = (uint8_t)(1u << r->question->side);
    if (r->question->gap && r->question->named)
        r->memory->is_lost |= side_bit;
    if (r->memory->is_lost & side_bit && !is_in_step(data)) {
        r->reply->used = data.left;
        say_yes(r->reply, 1, SPEAKER_UNKNOWN);
        return;
    }
    r->memory->is_lost &= (uint8_t)~side_bit;
    size_t size = 1;
    while (data.left > 0) {
        size = read_unit(r, data);
        if (size == 0 || size == SIZE_MAX)
            break;
        r->memory->has_begun |= side_bit;
        r->reply->used += size;
        bytes_skip(&data, size < data.left ? size : data.left);
    }
    if (size == SIZE_MAX)
        r->reply->answer = r->reply->used > 0 ? PROTO_YES : PROTO_NO;
    else if (size == 0 && r->reply->used == 0)
        r->reply->answer = PROTO_MORE;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct ms_turn_reading reading = {.question = question,
                                      .memory = (struct ms_turn_memory *)(void *)memory->bytes,
                                      .facts = facts,
                                      .reply = reply};
    if (question->transport == OVER_UDP)
        ask_datagram(&reading);
    else
        ask_stream(&reading);
}

static const uint16_t customary_ports[] = {443, 3478, 0};

/* Not of the media family: `media` rows accept STUN and RTP, and rows of their own accept MS-TURN
 * (DESIGN 5.3). */
const struct protocol proto_ms_turn = {
    .name = "ms-turn",
    .transports = OVER_TCP | OVER_UDP,
    .customary_ports = customary_ports,
    .least = {15, 15}, /* multiplexed, with the three bytes that tell DTLS */
    .begins = {{0, 0x00, 0x01}, {0, 0xff, 0xff}, {1, 0x03, 0x06}, {1, 0x10, 0x16}},
    .ask = ask};
