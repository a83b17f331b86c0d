/* SPDX-License-Identifier: BSD-2-Clause
 *
 * media.c - reads one RTP, RTCP or STUN packet and counts RTP, for stun.c, ms_turn.c, rtp.c and rtcp.c. The
 * specifications stand in media.h. Encryption is not undone: SRTP and SRTCP headers are in clear, and no
 * MESSAGE-INTEGRITY or FINGERPRINT is verified (legacy peers send a wrong one, PROTOCOLS section 3).
 */
#include "media.h"

enum { RTCP_HEADER_SIZE = 8 };

/* RFC 3551 section 6 and RFC 5761 section 4: 64 to 95 would be RTCP once the marker is set. */
static bool is_payload_type(unsigned type)
{
    return type < 64 || type > 95;
}

/* Profiles of the general header extension: one-byte form, and two-byte form with four bits of the
 * application's. */
static bool is_known_profile(unsigned profile)
{
    return profile == 0xbede || profile >> 4 == 0x100;
}

/*
 * SSRC 0 is only believed with a header extension that says RTP: WebRTC's bandwidth probes have it, and zeros
 * are common in everything else.
 */
enum proto_answer media_rtp_read(struct bytes data, size_t wirelen, struct media_rtp *rtp)
{
    struct bytes b = data, header = bytes_take(&b, RTP_HEADER_SIZE);
    if (!bytes_ok(&b)) {
        int first = bytes_peek(&data, 0);
        return bytes_short(&b) && (first < 0 || first >> 6 == 2) ? PROTO_MORE : PROTO_NO;
    }
    uint8_t first = bytes_u8(&header), second = bytes_u8(&header);
    rtp->sequence = bytes_u16(&header);
    rtp->timestamp = bytes_u32(&header);
    rtp->ssrc = bytes_u32(&header);
    rtp->payload_type = second & 0x7f;
    rtp->marker = second & 0x80;
    rtp->shape = first & 0xdf; /* all but the padding bit */
    rtp->has_known_extension = false;
    if (first >> 6 != 2 || !is_payload_type(rtp->payload_type))
        return PROTO_NO;
    size_t size = RTP_HEADER_SIZE + 4 * (size_t)(first & 0x0f);
    if (first & 0x10) { /* header extension, RFC 3550 section 5.3.1 */
        bytes_skip(&b, 4 * (size_t)(first & 0x0f));
        rtp->has_known_extension = is_known_profile(bytes_u16(&b));
        size += 4 + 4 * (size_t)bytes_u16(&b);
        if (bytes_short(&b))
            return PROTO_MORE;
    }
    return size <= wirelen && (rtp->ssrc != 0 || rtp->has_known_extension) ? PROTO_YES : PROTO_NO;
}

enum { RTCP_SR = 200, RTCP_RR = 201, RTCP_XR = 207 };

/* Is the packet long enough for what its header counts? RFC 3550 section 6.4 to 6.7, RFC 4585 section 6.1. */
static bool rtcp_count_fits(unsigned type, unsigned count, unsigned words)
{
    switch (type) {
    case RTCP_SR:
        return words >= 6 + 6 * count;
    case RTCP_RR:
        return words >= 1 + 6 * count;
    case 202: /* SDES: a chunk is at least an SSRC and a word of items */
        return words >= 2 * count;
    case 203: /* BYE */
        return words >= count;
    case 204: /* APP: SSRC and name */
        return words >= 2;
    case 205: /* RTPFB and PSFB: two SSRCs, and format 0 is unassigned */
    case 206:
        return words >= 2 && count > 0;
    default:
        return words >= 1;
    }
}

/* Nothing beyond the blocks: a size that random bytes do not hit. */
static bool rtcp_is_exact_report(unsigned type, unsigned count, unsigned words)
{
    return (type == RTCP_SR && words == 6 + 6 * count) || (type == RTCP_RR && words == 1 + 6 * count);
}

/* Do RTCP headers chain from here to the very end? RFC 3550 section 6.1. MORE: the capture ended before. */
static enum proto_answer rtcp_chain(struct bytes b)
{
    while (b.left > 0) {
        uint8_t first = bytes_u8(&b), type = bytes_u8(&b);
        size_t words = bytes_u16(&b);
        if (bytes_ok(&b) && (first >> 6 != 2 || type < 192 || type > 223)) /* RFC 5761 section 4 */
            return PROTO_NO;
        bytes_skip(&b, 4 * words);
        if (!bytes_ok(&b))
            return bytes_short(&b) ? PROTO_MORE : PROTO_NO;
    }
    return b.cut ? PROTO_MORE : PROTO_YES;
}

enum media_rtcp media_rtcp_read(struct bytes data, size_t wirelen, uint32_t *ssrc)
{
    /* Index and a tag of 4 or 10 bytes (RFC 3711 section 3.4); Microsoft's end points put a key id of one
     * byte in. */
    enum { SRTCP_TAIL_MIN = 8, SRTCP_TAIL = 14, SRTCP_TAIL_KEYED = 15 };
    struct bytes b = data;
    uint8_t first = bytes_u8(&b), type = bytes_u8(&b);
    unsigned words = bytes_u16(&b), count = first & 0x1f;
    size_t size = 4 * ((size_t)words + 1);
    *ssrc = bytes_u32(&b);
    if (!bytes_ok(&b))
        return bytes_short(&b) && (data.left == 0 || first >> 6 == 2) ? MEDIA_RTCP_MORE : MEDIA_RTCP_NO;
    if (first >> 6 != 2 || type < RTCP_SR || type > RTCP_XR || size > wirelen || size < RTCP_HEADER_SIZE ||
        !rtcp_count_fits(type, count, words))
        return MEDIA_RTCP_NO;
    size_t rest = wirelen - size;
    if (rest == 0)
        return MEDIA_RTCP_CLEAR;
    bool is_exact = rtcp_is_exact_report(type, count, words);
    b = data;
    bytes_skip(&b, size);
    enum proto_answer chain = bytes_ok(&b) ? rtcp_chain(b) : bytes_short(&b) ? PROTO_MORE : PROTO_NO;
    if (chain == PROTO_YES)
        return MEDIA_RTCP_CLEAR;
    if (chain == PROTO_MORE)
        return is_exact && rest >= SRTCP_TAIL_MIN ? MEDIA_RTCP_FITS : MEDIA_RTCP_MORE;
    if ((is_exact && rest >= SRTCP_TAIL_MIN) || rest == SRTCP_TAIL || rest == SRTCP_TAIL_KEYED)
        return MEDIA_RTCP_ENCRYPTED;
    return MEDIA_RTCP_LIKELY;
}

/* media_stream.state: of the shape only the extension bit and the CSRC count are kept, the version is
 * always 2. */
enum { STREAM_MARKER = 0x80, STREAM_TOLD = 0x40, STREAM_KNOWN_EXTENSION = 0x20, STREAM_SHAPE = 0x1f };

static uint8_t state_of(const struct media_rtp *rtp)
{
    unsigned state = rtp->shape & STREAM_SHAPE;
    if (rtp->marker)
        state |= STREAM_MARKER;
    if (rtp->has_known_extension)
        state |= STREAM_KNOWN_EXTENSION;
    return (uint8_t)state;
}

static bool is_stream_of(const struct media_stream *stream, uint32_t ssrc)
{
    return stream->window != 0 && stream->ssrc == ssrc;
}

static void stream_begin(struct media_stream *stream, const struct media_rtp *rtp, uint32_t arrival_us)
{
    uint8_t told = is_stream_of(stream, rtp->ssrc) ? stream->state & STREAM_TOLD : 0;
    *stream = (struct media_stream){.ssrc = rtp->ssrc,
                                    .timestamp = rtp->timestamp,
                                    .arrival_us = arrival_us,
                                    .sequence = rtp->sequence,
                                    .window = 1,
                                    .early = 1,
                                    .state = state_of(rtp) | told};
}

static struct media_stream *stream_slot(struct media_streams *streams, unsigned side, uint32_t ssrc)
{
    uint8_t slot = streams->newest[side];
    const struct media_stream *newest = &streams->of[slot][side];
    if (newest->window != 0 && newest->ssrc != ssrc)
        streams->newest[side] = slot ^= 1;
    return &streams->of[slot][side];
}

/* PROTOCOLS section 4.2: sequence numbers close, time steady or moving on after a frame's end. */
static bool is_good_step(const struct media_stream *stream, const struct media_rtp *rtp, uint16_t ahead)
{
    enum { AHEAD_MAX = 16, TICK_MAX = 1 << 24, AUDIO_TICKS = 80 };
    uint32_t ticks = rtp->timestamp - stream->timestamp;
    if (ahead > AHEAD_MAX || (rtp->shape & STREAM_SHAPE) != (stream->state & STREAM_SHAPE) ||
        ticks >= TICK_MAX)
        return false;
    bool after_marker = stream->state & STREAM_MARKER;
    if (ticks == 0)
        return !after_marker;
    return after_marker || ticks % AUDIO_TICKS == 0 || stream->step == 0 || ticks == stream->step * ahead;
}

/*
 * What the payload type alone tells: nanoseconds per timestamp unit (0: not known) by RFC 3551 section 6, and
 * the modality where the type is assigned there, where every use that was met agrees (111: SIREN or Opus,
 * 121: RTVideo or video repair), or where it is Microsoft's own (PROTOCOLS sections 4.3 and 14). 122 is not
 * told: it is video, or a screen sent as video.
 */
enum { TICK_8000 = 125000, TICK_16000 = 62500, TICK_90000 = 11111 };
static const struct media_type {
    uint32_t tick_ns;
    uint8_t modality;
} media_types[128] = {
    [0] = {TICK_8000, MODALITY_AUDIO},     /* PCMU */
    [3] = {TICK_8000, MODALITY_AUDIO},     /* GSM */
    [4] = {TICK_8000, MODALITY_AUDIO},     /* G.723.1 */
    [8] = {TICK_8000, MODALITY_AUDIO},     /* PCMA */
    [9] = {TICK_8000, MODALITY_AUDIO},     /* G.722: 8000 by RFC 3551 section 4.5.2 */
    [13] = {TICK_8000, MODALITY_AUDIO},    /* comfort noise */
    [15] = {TICK_8000, MODALITY_AUDIO},    /* G.728 */
    [18] = {TICK_8000, MODALITY_AUDIO},    /* G.729 */
    [26] = {TICK_90000, MODALITY_VIDEO},   /* JPEG */
    [31] = {TICK_90000, MODALITY_VIDEO},   /* H.261 */
    [32] = {TICK_90000, MODALITY_VIDEO},   /* MPEG video */
    [33] = {TICK_90000, MODALITY_UNKNOWN}, /* MPEG transport */
    [34] = {TICK_90000, MODALITY_VIDEO},   /* H.263 */
    [111] = {0, MODALITY_AUDIO},
    [114] = {TICK_16000, MODALITY_AUDIO}, /* RTAudio wide band */
    [115] = {TICK_8000, MODALITY_AUDIO},  /* RTAudio narrow band */
    [121] = {0, MODALITY_VIDEO},
    [127] = {0, MODALITY_APPLICATION_SHARING}, /* x-data; RDP in RTP never sets the marker, MS-RTASPF 3.1.5 */
};

static uint8_t modality_of(const struct media_rtp *rtp)
{
    uint8_t modality = media_types[rtp->payload_type].modality;
    return modality == MODALITY_APPLICATION_SHARING && rtp->marker ? MODALITY_UNKNOWN : modality;
}

/* RFC 3550 section 6.4.1 and A.8: the smoothed difference of spacing at the sender and here. */
static void measure_jitter(struct media_stream *stream, const struct media_rtp *rtp, uint32_t arrival_us)
{
    enum { PAUSE_US = 10000000 };
    uint32_t tick_ns = media_types[rtp->payload_type].tick_ns;
    if (tick_ns == 0)
        return;
    /* Unsigned, so that it costs no check for overflow; each fits into a signed number by far. */
    uint64_t ticks = (uint64_t)(int32_t)(rtp->timestamp - stream->timestamp);
    uint64_t sent_us = (uint64_t)((int64_t)(ticks * tick_ns) / 1000);
    uint64_t apart = (uint64_t)(int32_t)(arrival_us - stream->arrival_us) - sent_us;
    uint64_t difference = (int64_t)apart < 0 ? 0 - apart : apart;
    if (difference < PAUSE_US) /* beyond it, a clock was set or the source restarted */
        stream->jitter_16 += (uint32_t)difference - ((stream->jitter_16 + 8) >> 4);
}

/* A sequence number at or behind the newest. RFC 3550 A.1 counts late packets as received, once. */
static void follow_late(struct media_step *step, uint16_t behind)
{
    struct media_stream *stream = step->stream;
    if (behind >= 16 || (stream->window >> behind & 1)) {
        step->duplicate = true;
        return;
    }
    stream->window |= (uint16_t)(1u << behind);
    step->lost = -1;
}

enum { SILENT_US = 1000000 }; /* comfort noise comes more often */

static void advance(struct media_stream *stream, const struct media_rtp *rtp, uint16_t ahead,
                    uint32_t arrival_us)
{
    uint32_t ticks = rtp->timestamp - stream->timestamp;
    bool is_good = is_good_step(stream, rtp, ahead);
    measure_jitter(stream, rtp, arrival_us);
    stream->steps = is_good ? (uint8_t)(stream->steps + (stream->steps < UINT8_MAX ? 1u : 0u)) : 0;
    if (ticks != 0)
        stream->step = ticks / ahead;
    stream->window = (uint16_t)(ahead < 16 ? stream->window << ahead | 1 : 1);
    stream->sequence = rtp->sequence;
    stream->timestamp = rtp->timestamp;
    stream->arrival_us = arrival_us;
    stream->state = state_of(rtp) | (stream->state & STREAM_TOLD);
}

static void follow_ahead(struct media_step *step, const struct media_rtp *rtp, uint16_t ahead)
{
    uint32_t arrival_us = (uint32_t)(step->time_ns / 1000);
    step->silence = (int32_t)(arrival_us - step->stream->arrival_us) >= SILENT_US;
    step->lost = ahead - 1;
    advance(step->stream, rtp, ahead, arrival_us);
}

struct media_step media_follow(struct media_streams *streams, unsigned side, const struct media_rtp *rtp,
                               int64_t time_ns)
{
    enum { DROPOUT_MAX = 3000, MISORDER_MAX = 100 }; /* RFC 3550 A.1 */
    uint32_t arrival_us = (uint32_t)(time_ns / 1000);
    struct media_step step = {.stream = stream_slot(streams, side, rtp->ssrc), .time_ns = time_ns};
    struct media_stream *stream = step.stream;
    bool is_known = is_stream_of(stream, rtp->ssrc);
    uint16_t ahead = (uint16_t)(rtp->sequence - stream->sequence);
    uint16_t behind = (uint16_t)(stream->sequence - rtp->sequence);
    if (is_known && behind < MISORDER_MAX) {
        follow_late(&step, behind);
    } else if (is_known && ahead <= DROPOUT_MAX) {
        follow_ahead(&step, rtp, ahead);
    } else {
        stream_begin(stream, rtp, arrival_us);
        return step;
    }
    if (!(stream->state & STREAM_TOLD)) {
        if (!step.duplicate && stream->early < UINT8_MAX)
            stream->early++;
        int lost = stream->early_lost + step.lost;
        stream->early_lost = (uint8_t)(lost < 0 ? 0 : lost > UINT8_MAX ? UINT8_MAX : lost);
    }
    return step;
}

bool media_is_steady(const struct media_stream *stream)
{
    bool moves = stream->step != 0 || (stream->state & STREAM_KNOWN_EXTENSION);
    return stream->steps >= MEDIA_STEPS_ENOUGH && moves;
}

void media_add_ssrc(struct proto_facts *facts, uint32_t ssrc)
{
    enum { SSRC_MAX = sizeof facts->rtp.ssrc / sizeof facts->rtp.ssrc[0] };
    unsigned i = 0;
    while (i < facts->rtp.ssrc_count && facts->rtp.ssrc[i] != ssrc)
        i++;
    if (i == facts->rtp.ssrc_count && i < SSRC_MAX)
        facts->rtp.ssrc[facts->rtp.ssrc_count++] = ssrc;
}

static void add_payload_type(struct proto_facts *facts, uint8_t payload_type)
{
    unsigned i = 0;
    while (i < facts->rtp.payload_type_count && facts->rtp.payload_types[i] != payload_type)
        i++;
    if (i == facts->rtp.payload_type_count && i < sizeof facts->rtp.payload_types)
        facts->rtp.payload_types[facts->rtp.payload_type_count++] = payload_type;
}

static void tell_jitter(const struct media_streams *streams, struct proto_facts *facts)
{
    uint32_t largest = 0;
    for (unsigned i = 0; i < 4; i++)
        if (streams->of[i / 2][i % 2].jitter_16 > largest)
            largest = streams->of[i / 2][i % 2].jitter_16;
    facts->rtp.jitter_us = largest >> 4;
}

/* What is missing may still turn out late: it is told when it is missed, and again when that has settled. */
static void count_lost(const struct media_step *step, uint32_t lost, struct proto_facts *facts)
{
    const int64_t late_ns = 1000000000; /* far above what jitter buffers wait for */
    if (lost > facts->rtp.lost)
        facts->rtp.settles_ns = step->time_ns + late_ns;
    else if (step->time_ns >= facts->rtp.settles_ns)
        facts->rtp.settles_ns = 0;
    facts->rtp.lost = lost;
}

void media_count(struct media_streams *streams, const struct media_step *step, const struct media_rtp *rtp,
                 struct proto_facts *facts)
{
    struct media_stream *stream = step->stream;
    int64_t lost = (int64_t)facts->rtp.lost + step->lost;
    if (!(stream->state & STREAM_TOLD)) {
        stream->state |= STREAM_TOLD;
        facts->rtp.packets += stream->early;
        lost = (int64_t)facts->rtp.lost + stream->early_lost;
    } else if (!step->duplicate) {
        facts->rtp.packets++;
    }
    count_lost(step, lost < 0 ? 0 : (uint32_t)lost, facts);
    if (step->silence)
        facts->rtp.silences++;
    media_add_ssrc(facts, rtp->ssrc);
    add_payload_type(facts, rtp->payload_type);
    tell_jitter(streams, facts);
    if (facts->modality == MODALITY_UNKNOWN)
        facts->modality = modality_of(rtp);
}

/* Payload types that are told of, and have told what they can. */
static void set_types(struct media_run *run, const struct proto_facts *facts)
{
    enum { NONE = 0xff };
    unsigned count = 0;
    memset(run->types, NONE, sizeof run->types);
    for (unsigned i = 0; i < facts->rtp.payload_type_count && count < MEDIA_RUN_TYPES; i++) {
        uint8_t type = facts->rtp.payload_types[i];
        if (facts->modality != MODALITY_UNKNOWN || media_types[type].modality == MODALITY_UNKNOWN)
            run->types[count++] = type;
    }
}

void media_run_begin(struct media_run *run, const struct media_streams *streams,
                     const struct proto_facts *facts)
{
    for (unsigned side = 0; side < 2; side++) {
        run->of[side] = streams->of[streams->newest[side]][side];
        if (!(run->of[side].state & STREAM_TOLD) || facts->rtp.settles_ns != 0)
            run->of[side].window = 0;
    }
    run->packets = facts->rtp.packets;
    set_types(run, facts);
}

static bool has_type(const struct media_run *run, uint8_t type)
{
    unsigned i = 0;
    while (i < MEDIA_RUN_TYPES && run->types[i] != type)
        i++;
    return i < MEDIA_RUN_TYPES;
}

bool media_run_goes_on(struct media_run *run, unsigned side, struct bytes data, size_t wirelen,
                       int64_t time_ns)
{
    struct media_rtp rtp;
    struct media_stream *stream = &run->of[side];
    uint32_t arrival_us = (uint32_t)(time_ns / 1000);
    if (media_rtp_read(data, wirelen, &rtp) != PROTO_YES || !is_stream_of(stream, rtp.ssrc) ||
        rtp.sequence != (uint16_t)(stream->sequence + 1u) || !has_type(run, rtp.payload_type) ||
        (int32_t)(arrival_us - stream->arrival_us) >= SILENT_US)
        return false;
    advance(stream, &rtp, 1, arrival_us);
    run->packets++;
    return true;
}

void media_run_write(const struct media_run *run, struct media_streams *streams, struct proto_facts *facts)
{
    for (unsigned side = 0; side < 2; side++)
        if (run->of[side].window != 0)
            streams->of[streams->newest[side]][side] = run->of[side];
    facts->rtp.packets = run->packets;
    tell_jitter(streams, facts);
}

static bool has_ms_cookie(struct bytes body)
{
    /* Type 000f, length 4, value: always the first attribute, MS-TURN 2.2.2.1. */
    return bytes_u32(&body) == 0x000f0004 && bytes_u32(&body) == MS_TURN_COOKIE;
}

bool media_message_read(struct bytes *data, struct media_message *message)
{
    static const uint8_t cookie[4] = {0x21, 0x12, 0xa4, 0x42};
    message->type = bytes_u16(data);
    message->length = bytes_u16(data);
    bytes_copy(data, message->id, sizeof message->id);
    if (!bytes_ok(data))
        return false;
    message->body = bytes_take(data, message->length);
    message->has_stun_cookie = memcmp(message->id, cookie, sizeof cookie) == 0;
    message->has_ms_cookie = has_ms_cookie(message->body);
    return true;
}

bool media_attribute_next(struct bytes *body, unsigned alignment, struct media_attribute *attribute)
{
    if (body->left == 0)
        return false;
    attribute->type = bytes_u16(body);
    uint16_t length = bytes_u16(body);
    attribute->value = bytes_take(body, length);
    size_t padding = (alignment - length % alignment) % alignment;
    if (bytes_ok(body)) /* some leave the padding of the last one out */
        bytes_skip(body, padding < body->left ? padding : body->left);
    return bytes_ok(body);
}

unsigned media_alignment(struct bytes body, unsigned preferred)
{
    const unsigned ways[2] = {preferred, preferred == 1 ? 4 : 1};
    for (unsigned i = 0; i < 2; i++) {
        struct bytes b = body;
        struct media_attribute attribute;
        while (media_attribute_next(&b, ways[i], &attribute))
            ;
        if (bytes_ok(&b) || bytes_short(&b))
            return ways[i];
    }
    return 0;
}

bool media_address(struct bytes value, const uint8_t *id, struct addr *addr, uint16_t *port)
{
    bytes_skip(&value, 1);
    uint8_t family = bytes_u8(&value), wire[16];
    *port = bytes_u16(&value);
    size_t size = family == 1 ? 4 : 16;
    if ((family != 1 && family != 2) || !bytes_copy(&value, wire, size))
        return false;
    if (id) {
        *port ^= STUN_COOKIE >> 16;
        for (size_t i = 0; i < size; i++)
            wire[i] ^= id[i];
    }
    *addr = size == 4 ? addr_v4(wire) : addr_v6(wire);
    return true;
}

void media_learn_relay(struct proto_reply *reply, enum proto_transport transport, uint8_t modality,
                       const struct addr *addr, uint16_t port)
{
    if (reply->learned_count == PROTO_LEARNED_MAX || port == 0)
        return;
    reply->learned[reply->learned_count++] = (struct proto_learned){.kind = LEARNED_RELAY,
                                                                    .transport = (uint8_t)transport,
                                                                    .modality = modality,
                                                                    .port = port,
                                                                    .has_addr = true,
                                                                    .addr = *addr};
}

/* A message of its own: cookie of either flavour, and a length that says where the packet ends. */
static bool is_message(struct bytes data, size_t wirelen)
{
    struct media_message message;
    if (!media_message_read(&data, &message))
        return false;
    return (message.has_stun_cookie || message.has_ms_cookie) &&
           STUN_HEADER_SIZE + (size_t)message.length == wirelen;
}

/* DTLS record header, RFC 6347 section 4.1: content type 20 to 25, version fe ff or fe fd. */
static bool is_dtls(struct bytes data)
{
    uint8_t type = bytes_u8(&data);
    uint16_t version = bytes_u16(&data);
    return type >= 20 && type <= 25 && (version == 0xfeff || version == 0xfefd);
}

enum proto_id media_kind(struct bytes data, size_t wirelen)
{
    int first = bytes_peek(&data, 0);
    struct media_rtp rtp;
    uint32_t ssrc;
    if (first < 0)
        return PROTO_UNIDENTIFIED;
    if (first < 4) /* the ranges of RFC 7983 section 7 */
        return is_message(data, wirelen) ? PROTO_stun : PROTO_UNIDENTIFIED;
    if (first < 64)
        return is_dtls(data) ? PROTO_dtls : PROTO_UNIDENTIFIED;
    if (first < 128 || first > 191)
        return PROTO_UNIDENTIFIED;
    if (media_rtcp_read(data, wirelen, &ssrc) >= MEDIA_RTCP_LIKELY)
        return PROTO_rtcp;
    return media_rtp_read(data, wirelen, &rtp) == PROTO_YES ? PROTO_rtp : PROTO_UNIDENTIFIED;
}

void media_carried(const struct proto_question *question, struct bytes data, size_t wirelen,
                   struct media_streams *streams, struct proto_facts *facts, struct proto_reply *reply)
{
    enum proto_id kind = media_kind(data, wirelen);
    if (kind == PROTO_rtp) {
        struct media_rtp rtp;
        media_rtp_read(data, wirelen, &rtp);
        struct media_step step = media_follow(streams, question->side, &rtp, question->time_ns);
        media_count(streams, &step, &rtp, facts);
    }
    if (kind == PROTO_rtp || kind == PROTO_dtls || (kind == PROTO_rtcp && reply->carries != PROTO_rtp))
        reply->carries = kind;
}

bool media_frame_read(struct bytes data, struct media_frame *frame)
{
    frame->wirelen = bytes_u16(&data);
    if (!bytes_ok(&data))
        return false;
    frame->size = 2 + frame->wirelen;
    data.cut = true; /* what is missing has not arrived yet */
    frame->payload = bytes_take(&data, frame->wirelen);
    return true;
}

bool media_frame_is_enough(const struct media_frame *frame)
{
    /* the longest RTP header: 15 contributing sources, and the head of an extension */
    enum { ENOUGH = RTP_HEADER_SIZE + 15 * 4 + 4 };
    size_t wanted = frame->wirelen < ENOUGH ? frame->wirelen : ENOUGH;
    /* A STUN message is wanted whole, as far as a window can hold it. */
    if (bytes_peek(&frame->payload, 0) >= 0 && bytes_peek(&frame->payload, 0) < 4 && frame->wirelen < 2048)
        wanted = frame->wirelen;
    return frame->payload.left >= wanted;
}
