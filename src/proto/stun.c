/* SPDX-License-Identifier: BSD-2-Clause
 *
 * stun.c - recognises STUN, TURN and ICE checks. Specifications: RFC 8489 (and 5389, 3489 without a cookie),
 * RFC 8656 (and 5766: ChannelData), RFC 6062 (TURN over TCP), RFC 4571 (framing of ICE over TCP),
 * MS-ICE2 2.2.2. Asked by the engine for UDP and TCP; goes on after its yes, because media follows on the
 * same flow, and looks into channels, Data attributes and frames. Messages that begin with Microsoft's cookie
 * belong to ms_turn.c. Integrity and fingerprints are not verified.
 */
#include "media.h"

enum stun_framing { FRAMING_UNKNOWN, FRAMING_RAW, FRAMING_RFC4571 };

struct stun_memory {
    struct media_streams streams;
    bool is_turn;         /* a TURN method was seen: ChannelData may follow, RFC 8656 section 12 */
    uint8_t is_lost;      /* TCP, bit per side: bytes are missing, where the next unit begins is not known */
    uint8_t framing;      /* TCP: enum stun_framing */
    uint8_t is_tcp_relay; /* REQUESTED-TRANSPORT asked for TCP, RFC 6062 section 4.1 */
};
_Static_assert(sizeof(struct stun_memory) <= PROTO_MEMORY_SIZE, "fits what a flow lends");

/* Message type, RFC 8489 section 5: class in bits 4 and 8, the method is the rest. */
enum stun_class {
    CLASS_REQUEST = 0x000,
    CLASS_INDICATION = 0x010,
    CLASS_SUCCESS = 0x100,
    CLASS_ERROR = 0x110
};
enum stun_method { METHOD_BINDING = 1, METHOD_ALLOCATE = 3, METHOD_DATA = 7, METHOD_CONNECTION_BIND = 0x00b };

static unsigned class_of(unsigned type)
{
    return type & 0x110;
}

static unsigned method_of(unsigned type)
{
    return (type & 0x00f) | (type & 0x0e0) >> 1 | (type & 0x3e00) >> 2;
}

/* Attributes that are looked at: RFC 8489 section 18.3, RFC 8656 section 18, RFC 8445 section 16.1,
 * MS-ICE2 2.2.2. */
enum stun_attribute {
    ATTRIBUTE_USERNAME = 0x0006,
    ATTRIBUTE_INTEGRITY = 0x0008,
    ATTRIBUTE_DATA = 0x0013,
    ATTRIBUTE_XOR_RELAYED = 0x0016,
    ATTRIBUTE_REQUESTED_TRANSPORT = 0x0019,
    ATTRIBUTE_PRIORITY = 0x0024,
    ATTRIBUTE_SOFTWARE = 0x8022,
    ATTRIBUTE_IMPLEMENTATION_VERSION = 0x8070
};

/* The question's parts that reading one message needs. */
struct stun_reading {
    const struct proto_question *question;
    struct stun_memory *memory;
    struct proto_facts *facts;
    struct proto_reply *reply;
};

/* The six message types of RFC 3489 section 11.1. */
static bool is_classic_type(unsigned type)
{
    return type == 0x0001 || type == 0x0101 || type == 0x0111 || type == 0x0002 || type == 0x0102 ||
           type == 0x0112;
}

/* RFC 3489 section 11.2: attributes that end where the message does. */
static enum proto_answer check_classic(const struct media_message *message)
{
    if (!is_classic_type(message->type))
        return PROTO_NO;
    struct bytes body = message->body;
    struct media_attribute attribute;
    while (media_attribute_next(&body, 1, &attribute))
        ;
    if (body.cut)
        return PROTO_MORE;
    return bytes_ok(&body) ? PROTO_YES : PROTO_NO;
}

/* Did the capture end before the attribute that would make it ms_turn.c's? No Binding is. */
static bool could_be_microsoft(const struct media_message *message)
{
    static const uint8_t attribute[8] = {0x00, 0x0f, 0x00, 0x04, 0x72, 0xc6, 0x4b, 0xc6};
    return message->body.cut && message->body.left < sizeof attribute &&
           message->length >= sizeof attribute && method_of(message->type) != METHOD_BINDING &&
           bytes_may_begin(&message->body, attribute, sizeof attribute);
}

/* Could the header that these bytes begin, all of them captured that there are, be one of a message? */
static bool may_be_header(struct bytes data, size_t wirelen)
{
    static const uint8_t cookie[4] = {0x21, 0x12, 0xa4, 0x42};
    uint16_t type = bytes_u16(&data), length = bytes_u16(&data);
    if (!bytes_ok(&data))
        return true;
    bool fits = STUN_HEADER_SIZE + (size_t)length == wirelen;
    return fits && (is_classic_type(type) || bytes_may_begin(&data, cookie, sizeof cookie));
}

/*
 * Is this one message, `wirelen` bytes long? Methods above 0xff are reserved (RFC 8489 section 18.2): they
 * name nothing, but calls that began with real ones use them.
 */
static enum proto_answer check_message(struct bytes data, size_t wirelen, bool named,
                                       struct media_message *message)
{
    enum { METHOD_MAX = 0xff };
    struct bytes b = data;
    if (bytes_peek(&data, 0) > 0x3f)
        return PROTO_NO;
    if (!media_message_read(&b, message))
        return bytes_short(&b) && may_be_header(data, wirelen) ? PROTO_MORE : PROTO_NO;
    if (STUN_HEADER_SIZE + (size_t)message->length != wirelen || message->has_ms_cookie)
        return PROTO_NO;
    if (could_be_microsoft(message))
        return PROTO_MORE;
    if (!message->has_stun_cookie)
        return check_classic(message);
    return named || method_of(message->type) <= METHOD_MAX ? PROTO_YES : PROTO_NO;
}

/* What a message's attributes said. */
struct stun_said {
    bool is_ice, has_integrity, has_relay;
    struct addr relay;
    uint16_t relay_port;
};

static void read_attribute(const struct stun_reading *r, const struct media_message *message,
                           struct media_attribute *attribute, struct stun_said *said)
{
    switch (attribute->type) {
    case ATTRIBUTE_USERNAME:
    case ATTRIBUTE_PRIORITY:
        said->is_ice = method_of(message->type) == METHOD_BINDING;
        break;
    case ATTRIBUTE_INTEGRITY:
        said->has_integrity = true;
        break;
    case ATTRIBUTE_DATA:
        media_carried(r->question, attribute->value, attribute->value.left, &r->memory->streams, r->facts,
                      r->reply);
        break;
    case ATTRIBUTE_XOR_RELAYED:
        said->has_relay = media_address(attribute->value, message->id, &said->relay, &said->relay_port);
        break;
    case ATTRIBUTE_REQUESTED_TRANSPORT: /* a protocol number, RFC 8656 section 18.8 */
        r->memory->is_tcp_relay = bytes_u8(&attribute->value) == 6;
        break;
    case ATTRIBUTE_SOFTWARE:
        proto_text_set(&r->facts->agent, attribute->value.at, attribute->value.left);
        break;
    case ATTRIBUTE_IMPLEMENTATION_VERSION: /* a Lync, Skype for Business or Teams end point, MS-ICE2 2.2.2 */
        r->facts->version = (uint16_t)bytes_u32(&attribute->value);
        break;
    default:
        break;
    }
}

/*
 * Requests come from the client. An ICE check does not tell: both ends send them (RFC 8445 section 2.2), and
 * some leave out USERNAME and PRIORITY and keep only the integrity.
 */
static enum proto_speaker speaker_of(const struct media_message *message, const struct stun_said *said,
                                     const struct proto_facts *facts)
{
    unsigned method = method_of(message->type);
    if (method == METHOD_BINDING && (said->is_ice || said->has_integrity || facts->turn.ice_check))
        return SPEAKER_UNKNOWN;
    switch (class_of(message->type)) {
    case CLASS_REQUEST:
        return SPEAKER_CLIENT;
    case CLASS_SUCCESS:
    case CLASS_ERROR:
        return SPEAKER_SERVER;
    default:
        return method == METHOD_DATA ? SPEAKER_SERVER : SPEAKER_UNKNOWN;
    }
}

static void read_message(const struct stun_reading *r, const struct media_message *message)
{
    struct stun_said said = {0};
    struct bytes body = message->body;
    struct media_attribute attribute;
    unsigned method = method_of(message->type), class = class_of(message->type);
    unsigned alignment = media_alignment(body, message->has_stun_cookie ? 4 : 1);
    r->memory->is_turn |= method >= METHOD_ALLOCATE && message->has_stun_cookie;
    while (alignment && media_attribute_next(&body, alignment, &attribute))
        read_attribute(r, message, &attribute, &said);
    if (r->facts->turn.flavour == 0) /* checks on a flow of MS-TURN leave it that */
        r->facts->turn.flavour = 1;
    r->facts->turn.ice_check |= said.is_ice;
    r->facts->turn.request |= class == CLASS_REQUEST;
    r->facts->turn.response |= class == CLASS_SUCCESS || class == CLASS_ERROR;
    if (said.has_relay && message->type == (METHOD_ALLOCATE | CLASS_SUCCESS))
        media_learn_relay(r->reply, r->memory->is_tcp_relay ? OVER_TCP : OVER_UDP, r->facts->modality,
                          &said.relay, said.relay_port);
    /* After ConnectionBind the stream is the peer's own, RFC 6062 section 4.4. */
    if (r->question->transport == OVER_TCP && method == METHOD_CONNECTION_BIND && class == CLASS_SUCCESS)
        r->reply->settled = true;
    if (r->reply->speaker == SPEAKER_UNKNOWN)
        r->reply->speaker = speaker_of(message, &said, r->facts);
}

static void say_yes(struct proto_reply *reply, uint8_t evidence)
{
    reply->answer = PROTO_YES;
    reply->carries_media = true;
    if (evidence > reply->evidence)
        reply->evidence = evidence;
}

/* ChannelData, RFC 8656 section 12.4: number 4000 to 7fff (RFC 5766; RFC 8656 uses up to 4fff), length, data.
 */
struct stun_channel {
    struct bytes data;
    size_t wirelen;
};

static bool is_channel(struct bytes b, struct stun_channel *channel)
{
    uint16_t number = bytes_u16(&b);
    channel->wirelen = bytes_u16(&b);
    if (!bytes_ok(&b) || number < 0x4000 || number > 0x7fff)
        return false;
    b.cut = true;
    channel->data = bytes_take(&b, channel->wirelen);
    return true;
}

static void ask_datagram(const struct stun_reading *r)
{
    struct media_message message;
    struct stun_channel channel;
    size_t wirelen = r->question->wirelen;
    if (r->memory->is_turn && is_channel(r->question->data, &channel)) {
        size_t size = 4 + channel.wirelen; /* padding to four is allowed over UDP, RFC 8656 section 12.5 */
        if (wirelen < size || wirelen > size + 3)
            return;
        media_carried(r->question, channel.data, channel.wirelen, &r->memory->streams, r->facts, r->reply);
        say_yes(r->reply, 1);
        return;
    }
    r->reply->answer = check_message(r->question->data, wirelen, r->question->named, &message);
    if (r->reply->answer != PROTO_YES)
        return;
    read_message(r, &message);
    say_yes(r->reply, message.has_stun_cookie ? 2 : 1);
}

/* TCP: one unit read gives its size; 0 when more must arrive; SIZE_MAX when the bytes are none of ours. */
static size_t read_whole_message(const struct stun_reading *r, struct bytes data, size_t size)
{
    struct media_message message;
    bool is_huge = size > PROTO_WINDOW_SIZE; /* never whole: judged by what fits */
    if (data.left < (is_huge ? STUN_HEADER_SIZE : size))
        return 0;
    data.cut = is_huge;
    struct bytes unit = bytes_take(&data, size);
    enum proto_answer answer = check_message(unit, size, false, &message);
    if (answer != PROTO_YES)
        return answer == PROTO_MORE ? 0 : SIZE_MAX;
    read_message(r, &message);
    say_yes(r->reply, 2);
    return size;
}

static size_t read_raw_unit(const struct stun_reading *r, struct bytes data)
{
    struct stun_channel channel;
    struct bytes b = data;
    uint16_t type = bytes_u16(&b), length = bytes_u16(&b);
    uint32_t cookie = bytes_u32(&b);
    if (bytes_peek(&data, 0) > 3 && !(r->memory->is_turn && bytes_peek(&data, 0) >> 6 == 1))
        return SIZE_MAX;
    if (!bytes_ok(&b))
        return 0;
    if (type < 0x0400)
        return cookie == STUN_COOKIE ? read_whole_message(r, data, STUN_HEADER_SIZE + (size_t)length)
                                     : SIZE_MAX;
    if (!is_channel(data, &channel))
        return SIZE_MAX;
    struct media_frame frame = {.payload = channel.data, .wirelen = channel.wirelen};
    if (!media_frame_is_enough(&frame))
        return 0;
    media_carried(r->question, channel.data, channel.wirelen, &r->memory->streams, r->facts, r->reply);
    say_yes(r->reply, 1);
    return 4 + (channel.wirelen + 3) / 4 * 4; /* padded on streams, RFC 8656 section 12.5 */
}

/* Once a message was framed, everything is; before, only a message with the cookie will do. */
static size_t read_framed_unit(const struct stun_reading *r, struct bytes data)
{
    struct media_frame frame;
    bool is_known = r->memory->framing == FRAMING_RFC4571;
    if (!media_frame_read(data, &frame))
        return 0;
    int first = bytes_peek(&frame.payload, 0);
    if (!is_known && (frame.wirelen < STUN_HEADER_SIZE || first > 3))
        return SIZE_MAX;
    if (!is_known && frame.payload.left < 8)
        return 0;
    if (media_kind(frame.payload, frame.wirelen) == PROTO_stun) {
        bytes_skip(&data, 2);
        size_t size = read_whole_message(r, data, frame.wirelen);
        return size == 0 || size == SIZE_MAX ? size : frame.size;
    }
    if (!is_known && (frame.payload.left >= STUN_HEADER_SIZE || frame.payload.left == frame.wirelen))
        return SIZE_MAX;
    if (!is_known || !media_frame_is_enough(&frame))
        return 0;
    if (first > 191 || (first >= 4 && first < 20)) /* nothing that media paths carry, RFC 7983 section 7 */
        return SIZE_MAX;
    media_carried(r->question, frame.payload, frame.wirelen, &r->memory->streams, r->facts, r->reply);
    say_yes(r->reply, 1);
    return frame.size;
}

static size_t read_unit(const struct stun_reading *r, struct bytes data)
{
    size_t raw = SIZE_MAX, framed = SIZE_MAX;
    if (r->memory->framing != FRAMING_RFC4571)
        raw = read_raw_unit(r, data);
    if (raw != SIZE_MAX && r->memory->framing == FRAMING_RAW)
        return raw;
    if (raw != SIZE_MAX && raw != 0) {
        r->memory->framing = FRAMING_RAW;
        return raw;
    }
    if (r->memory->framing != FRAMING_RAW)
        framed = read_framed_unit(r, data);
    if (framed != SIZE_MAX && framed != 0)
        r->memory->framing = FRAMING_RFC4571;
    return raw == 0 || framed == 0 ? 0 : framed;
}

/* After a loss: does a unit begin here? Only what is certain is taken, anything else is passed over. */
static bool is_in_step(const struct stun_reading *r, struct bytes data)
{
    if (r->memory->framing == FRAMING_RFC4571)
        bytes_skip(&data, 2);
    bytes_skip(&data, 4);
    return bytes_u32(&data) == STUN_COOKIE;
}

static void ask_stream(const struct stun_reading *r)
{
    struct bytes data = r->question->data;
    uint8_t side_bit = (uint8_t)(1u << r->question->side);
    if (r->question->gap && r->question->named)
        r->memory->is_lost |= side_bit;
    if (r->memory->is_lost & side_bit && !is_in_step(r, data)) {
        r->reply->used = data.left;
        say_yes(r->reply, 1);
        return;
    }
    r->memory->is_lost &= (uint8_t)~side_bit;
    size_t size = 1;
    while (data.left > 0 && !r->reply->settled) {
        size = read_unit(r, data);
        if (size == 0 || size == SIZE_MAX)
            break;
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
    struct stun_reading reading = {.question = question,
                                   .memory = (struct stun_memory *)(void *)memory->bytes,
                                   .facts = facts,
                                   .reply = reply};
    if (question->transport == OVER_UDP)
        ask_datagram(&reading);
    else
        ask_stream(&reading);
}

static const uint16_t customary_ports[] = {3478, 5349, 0}; /* RFC 8489 section 18.6 */

const struct protocol proto_stun = {.name = "stun",
                                    .transports = OVER_TCP | OVER_UDP,
                                    .is_media = true,
                                    .customary_ports = customary_ports,
                                    .least = {STUN_HEADER_SIZE, STUN_HEADER_SIZE},
                                    .begins = {{0, 0x00, 0x3f}},
                                    .ask = ask};
