/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk_media.c - plays media and what opens its way: STUN, ICE, MS-TURN over UDP and TCP, RTP, RTCP.
 *
 * Specifications: RFC 8489, RFC 8445, [MS-ICE2] 2.2.2, [MS-TURN] 2.1.1, 2.1.4 and 2.2, RFC 3550, RFC 4571,
 * [MS-RTASPF] 2.2. Message integrity is random bytes.
 */
#include "talk.h"

enum { AUDIO = 114, SHARING = 127, AUDIO_STEP = 320, VIDEO_STEP = 3000, PAYLOAD = 60 };
enum { INTERVAL_MS = 20, DEFAULT_PACKETS = 25 };

/* One sender's RTP, RFC 3550 section 5.1. */
struct stream {
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t payload_type;
};

static struct stream stream_new(struct scene *scene, uint8_t payload_type)
{
    struct stream s = {.ssrc = scene_random(scene) | 1, .timestamp = scene_random(scene)};
    s.sequence = (uint16_t)(scene_random(scene) & 0x7fff); /* no wrap within a short talk */
    s.payload_type = payload_type ? payload_type : AUDIO;
    return s;
}

static void put_rtp(struct buf *b, struct scene *scene, struct stream *s)
{
    buf_u8(b, 0x80);
    buf_u8(b, s->payload_type);
    buf_u16(b, s->sequence++);
    buf_u32(b, s->timestamp);
    buf_u32(b, s->ssrc);
    buf_random(b, scene, PAYLOAD);
    s->timestamp += s->payload_type == AUDIO ? AUDIO_STEP : VIDEO_STEP;
}

int64_t talk_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                 const struct rtp_talk *how)
{
    struct stream there = stream_new(scene, how->payload_type), back = stream_new(scene, how->payload_type);
    unsigned packets = how->packets ? how->packets : DEFAULT_PACKETS;
    int64_t now = start_ns;
    for (unsigned i = 0; i < packets; i++) {
        struct buf a = {0}, b = {0};
        put_rtp(&a, scene, &there);
        bool lost = i >= how->lost_after && i < how->lost_after + how->lost;
        if (!lost)
            wire_udp(scene, now, client, server, a.bytes, a.size);
        put_rtp(&b, scene, &back);
        if (!how->one_way)
            wire_udp(scene, now + 3 * MS, server, client, b.bytes, b.size);
        now += INTERVAL_MS * MS;
    }
    return now;
}

static void put_transaction(struct buf *b, struct scene *scene, bool cookie)
{
    if (cookie)
        buf_u32(b, 0x2112a442);
    buf_random(b, scene, cookie ? 12 : 16);
}

static void put_attribute(struct buf *b, unsigned type, const void *value, size_t size)
{
    buf_u16(b, type);
    buf_u16(b, (unsigned)size);
    buf_put(b, value, size);
    buf_fill(b, 0, -size & 3); /* RFC 8489 section 14 */
}

static void put_attribute32(struct buf *b, unsigned type, uint32_t value)
{
    buf_u16(b, type);
    buf_u16(b, 4);
    buf_u32(b, value);
}

static void put_random_attribute(struct buf *b, struct scene *scene, unsigned type, size_t size)
{
    buf_u16(b, type);
    buf_u16(b, (unsigned)size);
    buf_random(b, scene, size);
}

/* MAPPED-ADDRESS and its like; with the XOR of RFC 8489 section 14.2 when the message is given. */
static void put_address(struct buf *b, unsigned type, struct end end, const uint8_t *xor_with)
{
    unsigned size;
    const uint8_t *at = addr_wire(&end.addr, &size);
    buf_u16(b, type);
    buf_u16(b, 4 + size);
    buf_u8(b, 0);
    buf_u8(b, size == 4 ? 1 : 2);
    buf_u16(b, xor_with ? end.port ^ 0x2112u : end.port);
    for (unsigned i = 0; i < size; i++)
        buf_u8(b, xor_with ? at[i] ^ xor_with[4 + i] : at[i]);
}

static void set_length(struct buf *b)
{
    buf_set16(b, 2, b->size - 20);
}

/* A Binding and its answer; an ICE check carries user name, priority and the [MS-ICE2] attributes. */
static void binding(struct scene *scene, int64_t now, struct end from, struct end to, bool check)
{
    struct buf request = {0}, answer = {0};
    buf_u16(&request, 0x0001);
    buf_u16(&request, 0);
    put_transaction(&request, scene, true);
    if (check) {
        put_attribute(&request, 0x0006, "u4rq:9f2k", 9);
        put_attribute32(&request, 0x0024, 0x7e7f00ff);
        put_attribute32(&request, 0x8070, 2);          /* IMPLEMENTATION-VERSION */
        put_attribute(&request, 0x8054, "1\0\0\0", 4); /* CANDIDATE-IDENTIFIER */
        put_random_attribute(&request, scene, 0x802a, 8);
        put_random_attribute(&request, scene, 0x0008, 20);
    }
    set_length(&request);
    wire_udp(scene, now, from, to, request.bytes, request.size);
    buf_put(&answer, request.bytes, 20);
    answer.bytes[0] = 0x01;
    answer.bytes[1] = 0x01;
    put_address(&answer, 0x0020, from, answer.bytes);
    if (check) {
        put_attribute32(&answer, 0x8070, 2);
        put_random_attribute(&answer, scene, 0x0008, 20);
    }
    set_length(&answer);
    wire_udp(scene, now + 2 * MS, to, from, answer.bytes, answer.size);
}

int64_t talk_stun(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    binding(scene, start_ns, client, server, false);
    binding(scene, start_ns + 500 * MS, client, server, false);
    return start_ns + 502 * MS;
}

int64_t talk_ice(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    binding(scene, start_ns, client, server, true);
    binding(scene, start_ns + 10 * MS, server, client, true);
    return start_ns + 12 * MS;
}

int64_t talk_media(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    int64_t now = talk_ice(scene, client, server, start_ns);
    return talk_rtp(scene, client, server, now + 20 * MS, &(struct rtp_talk){0});
}

/* A sender report without report blocks, then the sender's CNAME: RFC 3550 sections 6.4.1 and 6.5. */
static void put_report(struct buf *b, const struct stream *s, unsigned count)
{
    buf_hex(b, "80 c8 0006");
    buf_u32(b, s->ssrc);
    buf_u64(b, (uint64_t)0xe0000000 << 32 | (uint64_t)count << 30);
    buf_u32(b, s->timestamp + count * 80000);
    buf_u32(b, 250 * count);
    buf_u32(b, 250 * PAYLOAD * count);
    buf_hex(b, "81 ca 0003");
    buf_u32(b, s->ssrc);
    buf_hex(b, "01 02 61 62 00 00 00 00");
}

int64_t talk_rtcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct stream there = stream_new(scene, 0), back = stream_new(scene, 0);
    int64_t now = start_ns;
    for (unsigned i = 0; i < 4; i++) {
        struct buf a = {0}, b = {0};
        put_report(&a, &there, i);
        wire_udp(scene, now, client, server, a.bytes, a.size);
        put_report(&b, &back, i);
        wire_udp(scene, now + 4 * MS, server, client, b.bytes, b.size);
        now += 5 * SEC;
    }
    return now;
}

/* RTP in frames of RFC 4571; `head` is what stands before the 16-bit length (3, 0 in MS-TURN's own framing).
 */
static void say_rtp_frames(struct tcp *tcp, uint8_t payload_type, const char *head)
{
    struct scene *scene = tcp->scene;
    struct stream streams[2] = {stream_new(scene, payload_type), stream_new(scene, payload_type)};
    for (unsigned i = 0; i < DEFAULT_PACKETS; i++)
        for (unsigned from = CLIENT; from <= SERVER; from++) {
            struct buf rtp = {0}, frame = {0};
            put_rtp(&rtp, scene, &streams[from]);
            buf_hex(&frame, head);
            buf_u16(&frame, (unsigned)rtp.size);
            buf_put(&frame, rtp.bytes, rtp.size);
            tcp_segment(tcp, from, TCP_ACK | TCP_PSH, frame.bytes, frame.size);
            tcp_pause(tcp, INTERVAL_MS * MS / 2);
        }
}

static int64_t rtp_over_tcp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                            uint8_t payload_type)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_rtp_frames(&tcp, payload_type, "");
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_rtp_tcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return rtp_over_tcp(scene, client, server, start_ns, AUDIO);
}

int64_t talk_rdp_rtp_tcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return rtp_over_tcp(scene, client, server, start_ns, SHARING);
}

/* [MS-TURN] 2.2.1: type, length, transaction id, then the magic cookie as the first attribute. */
static void put_turn_header(struct buf *b, unsigned type, const uint8_t transaction[16])
{
    buf_u16(b, type);
    buf_u16(b, 0);
    buf_put(b, transaction, 16);
    buf_hex(b, "000f 0004 72c64bc6");
}

/* MS-TURN's attributes follow each other without padding. */
static void put_turn_text(struct buf *b, unsigned type, const char *text)
{
    buf_u16(b, type);
    buf_u16(b, (unsigned)strlen(text));
    buf_text(b, text);
}

struct allocation {
    uint8_t first[16], second[16]; /* transaction ids */
    struct end client, relay;
};

static struct allocation allocation_new(struct scene *scene, struct end client, struct end server)
{
    struct allocation a = {.client = client, .relay = {server.addr, 50040}};
    for (unsigned i = 0; i < 16; i++) {
        a.first[i] = (uint8_t)scene_random(scene);
        a.second[i] = (uint8_t)scene_random(scene);
    }
    return a;
}

static struct buf allocate_request(const struct allocation *a)
{
    struct buf b = {0};
    put_turn_header(&b, 0x0003, a->first);
    put_attribute32(&b, 0x8008, 4);          /* MS-Version */
    put_attribute32(&b, 0x8055, 0x00010000); /* MS-Service Quality: audio, best effort */
    buf_set16(&b, 2, b.size - 20);
    return b;
}

static struct buf allocate_refusal(const struct allocation *a)
{
    struct buf b = {0};
    put_turn_header(&b, 0x0113, a->first);
    buf_hex(&b, "0009 0010 00000401");
    buf_text(&b, "Unauthorized");
    put_turn_text(&b, 0x0015, "\"contoso.example\"");
    put_turn_text(&b, 0x0014, "\"0123456789abcdef\"");
    put_attribute32(&b, 0x8008, 4);
    buf_set16(&b, 2, b.size - 20);
    return b;
}

static struct buf allocate_again(struct scene *scene, const struct allocation *a)
{
    struct buf b = {0};
    put_turn_header(&b, 0x0003, a->second);
    put_random_attribute(&b, scene, 0x0006, 40);
    put_turn_text(&b, 0x0015, "\"contoso.example\"");
    put_turn_text(&b, 0x0014, "\"0123456789abcdef\"");
    put_attribute32(&b, 0x8008, 4);
    put_random_attribute(&b, scene, 0x0008, 20);
    buf_set16(&b, 2, b.size - 20);
    return b;
}

static struct buf allocate_answer(struct scene *scene, const struct allocation *a)
{
    struct buf b = {0};
    put_turn_header(&b, 0x0103, a->second);
    put_address(&b, 0x0001, a->relay, NULL);
    put_address(&b, 0x8020, a->client, NULL);
    put_attribute32(&b, 0x000d, 600);
    put_attribute32(&b, 0x8008, 4);
    put_random_attribute(&b, scene, 0x0008, 20);
    buf_set16(&b, 2, b.size - 20);
    return b;
}

/* Frame of [MS-TURN] 2.1.4 for control messages. */
static void say_turn(struct tcp *tcp, enum side from, const struct buf *message)
{
    struct buf frame = {0};
    buf_hex(&frame, "02 00");
    buf_u16(&frame, (unsigned)message->size);
    buf_put(&frame, message->bytes, message->size);
    tcp_say_buf(tcp, from, &frame);
}

/* The two hellos of [MS-TURN] 2.1.1, 50 and 83 bytes; no TLS follows them. */
static void say_pseudo_tls(struct tcp *tcp)
{
    struct buf client = {0}, server = {0};
    buf_hex(&client, "16 0301 002d 01 000029 0301");
    buf_random(&client, tcp->scene, 32);
    buf_hex(&client, "00 0002 0018 01 00");
    tcp_say_buf(tcp, CLIENT, &client);
    buf_hex(&server, "16 0301 004e 02 000046 0301");
    buf_random(&server, tcp->scene, 32);
    buf_u8(&server, 32);
    buf_random(&server, tcp->scene, 32);
    buf_hex(&server, "0018 00 0e 000000");
    tcp_say_buf(tcp, SERVER, &server);
}

int64_t talk_ms_turn(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct allocation a = allocation_new(scene, client, server);
    struct buf request = allocate_request(&a), refusal = allocate_refusal(&a),
               again = allocate_again(scene, &a), answer = allocate_answer(scene, &a);
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_pseudo_tls(&tcp);
    say_turn(&tcp, CLIENT, &request);
    say_turn(&tcp, SERVER, &refusal);
    say_turn(&tcp, CLIENT, &again);
    say_turn(&tcp, SERVER, &answer);
    say_rtp_frames(&tcp, AUDIO, "03 00");
    tcp_close(&tcp);
    return tcp.now;
}

/* Send request (never answered) and Data Indication: peer data before Set Active Destination. */
static void turn_data(struct scene *scene, int64_t now, struct end client, struct end server, struct end peer)
{
    struct allocation a = allocation_new(scene, client, server);
    struct stream s = stream_new(scene, AUDIO);
    for (unsigned i = 0; i < 2; i++) {
        struct buf b = {0}, rtp = {0};
        put_turn_header(&b, i == 0 ? 0x0004 : 0x0115, i == 0 ? a.first : a.second);
        put_address(&b, i == 0 ? 0x0011 : 0x0012, peer, NULL);
        put_rtp(&rtp, scene, &s);
        buf_u16(&b, 0x0013);
        buf_u16(&b, (unsigned)rtp.size);
        buf_put(&b, rtp.bytes, rtp.size);
        buf_set16(&b, 2, b.size - 20);
        wire_udp(scene, now + i * 5 * MS, i == 0 ? client : server, i == 0 ? server : client, b.bytes,
                 b.size);
    }
}

static void set_active_destination(struct scene *scene, int64_t now, struct end client, struct end server,
                                   struct end peer)
{
    struct allocation a = allocation_new(scene, client, server);
    struct buf request = {0}, answer = {0};
    put_turn_header(&request, 0x0006, a.first);
    put_address(&request, 0x0011, peer, NULL);
    buf_set16(&request, 2, request.size - 20);
    wire_udp(scene, now, client, server, request.bytes, request.size);
    put_turn_header(&answer, 0x0106, a.first);
    buf_set16(&answer, 2, answer.size - 20);
    wire_udp(scene, now + 3 * MS, server, client, answer.bytes, answer.size);
}

int64_t talk_ms_turn_udp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct allocation a = allocation_new(scene, client, server);
    struct buf request = allocate_request(&a), refusal = allocate_refusal(&a),
               again = allocate_again(scene, &a), answer = allocate_answer(scene, &a);
    struct end peer = {server.addr, 50060};
    wire_udp(scene, start_ns, client, server, request.bytes, request.size);
    wire_udp(scene, start_ns + 3 * MS, server, client, refusal.bytes, refusal.size);
    wire_udp(scene, start_ns + 6 * MS, client, server, again.bytes, again.size);
    wire_udp(scene, start_ns + 9 * MS, server, client, answer.bytes, answer.size);
    turn_data(scene, start_ns + 20 * MS, client, server, peer);
    set_active_destination(scene, start_ns + 40 * MS, client, server, peer);
    return talk_rtp(scene, client, server, start_ns + 60 * MS, &(struct rtp_talk){0});
}

int64_t talk_ms_turn_unanswered(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct allocation a = allocation_new(scene, client, server);
    struct buf request = allocate_request(&a);
    static const int64_t times[] = {0, 500 * MS, 1500 * MS};
    for (unsigned i = 0; i < 3; i++)
        wire_udp(scene, start_ns + times[i], client, server, request.bytes, request.size);
    return start_ns + times[2];
}
