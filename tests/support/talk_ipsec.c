/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk_ipsec.c - plays IKEv2, IKEv1 and AuthIP negotiations and the ESP or AH packets that follow.
 *
 * Specifications: RFC 7296, RFC 2408 and 2409, [MS-AIPS] 2.2, RFC 4303, RFC 4302. Proposals are what Windows
 * offers; nonces, keys and everything encrypted are random bytes.
 */
#include "talk.h"

enum { IKE_PORT = 500, NAT_T_PORT = 4500 };
enum { V1 = 0x10, V2 = 0x20 };
enum { MAIN_MODE = 2, QUICK_MODE = 32, SA_INIT = 34, IKE_AUTH = 35, AUTHIP_MAIN = 243, AUTHIP_QUICK = 244 };
enum { V1_ENCRYPTED = 0x01, V2_INITIATOR = 0x08, V2_RESPONSE = 0x20 };
enum {
    NEXT_SA_V1 = 1,
    NEXT_KE_V1 = 4,
    NEXT_ID_V1 = 5,
    NEXT_HASH_V1 = 8,
    NEXT_SA_V2 = 33,
    NEXT_SK_V2 = 46,
    NEXT_CRYPTO = 0x85
};

#define PROPOSAL_V1                                                                                          \
    "0d000038 00000001 00000001 0000002c 01010001 00000024 01010000 80010007 800e0080 80020002 80040002 "    \
    "80030001 "                                                                                              \
    "800b0001 800c7080"
#define VENDOR_MS_NT5    "1e2b516905991c7d7c96fcbfb587e461 00000009"
#define VENDOR_RFC3947   "4a131c81070358455c5728f20e95452f"
#define VENDOR_FRAGMENTS "4048b7d56ebce88525e7de7f00d6c2d3"
#define VENDOR_AUTHIP    "214ca4faffa7f32d6748e5303395ae83"
#define VENDOR_DISCOVERY "fb1de3cdf341b7ea16b7e5be0855f120"

/* One negotiation: both hosts and their cookies. */
struct exchange {
    struct scene *scene;
    struct end ends[2];
    uint8_t cookies[2][8];
    uint8_t version;
    int64_t now;
};

static struct exchange exchange_new(struct scene *scene, struct addr initiator, struct addr responder,
                                    uint8_t version, int64_t start_ns)
{
    struct exchange e = {.scene = scene,
                         .ends = {{initiator, IKE_PORT}, {responder, IKE_PORT}},
                         .version = version,
                         .now = start_ns};
    for (unsigned i = 0; i < 16; i++)
        e.cookies[i / 8][i % 8] = (uint8_t)(scene_random(scene) | 1);
    return e;
}

/* RFC 2408 section 3.1 and RFC 7296 section 3.1. The responder's cookie is zero until it has answered. */
static struct buf message_open(const struct exchange *e, bool answered, uint8_t next, uint8_t type,
                               uint8_t flags, uint32_t id)
{
    struct buf b = {0};
    buf_put(&b, e->cookies[0], 8);
    if (answered)
        buf_put(&b, e->cookies[1], 8);
    else
        buf_fill(&b, 0, 8);
    buf_u8(&b, next);
    buf_u8(&b, e->version);
    buf_u8(&b, type);
    buf_u8(&b, flags);
    buf_u32(&b, id);
    buf_u32(&b, 0);
    return b;
}

static void message_send(struct exchange *e, enum side from, struct buf *b)
{
    struct buf datagram = {0};
    buf_set16(b, 26, b->size);
    if (e->ends[from].port == NAT_T_PORT)
        buf_u32(&datagram, 0); /* RFC 3948 section 2.2: no ESP */
    buf_put(&datagram, b->bytes, b->size);
    wire_udp(e->scene, e->now, e->ends[from], e->ends[from == CLIENT ? SERVER : CLIENT], datagram.bytes,
             datagram.size);
    e->now += 30 * MS;
}

static void put_payload(struct buf *b, uint8_t next, struct scene *scene, size_t size)
{
    buf_u8(b, next);
    buf_u8(b, 0);
    buf_u16(b, (unsigned)(4 + size));
    buf_random(b, scene, size);
}

static void put_vendor(struct buf *b, uint8_t next, const char *id)
{
    size_t start = b->size;
    buf_u8(b, next);
    buf_u8(b, 0);
    buf_u16(b, 0);
    buf_hex(b, id);
    buf_set16(b, start + 2, b->size - start);
}

/* RFC 7296 section 3.3: AES-CBC-256, HMAC-SHA2-256, MODP-2048; then key exchange and nonce. */
static void send_sa_init(struct exchange *e, enum side from)
{
    uint8_t flags = from == CLIENT ? V2_INITIATOR : V2_RESPONSE;
    struct buf b = message_open(e, from == SERVER, NEXT_SA_V2, SA_INIT, flags, 0);
    buf_hex(&b, "22000030 0000002c 01010004 0300000c 0100000c 800e0100 03000008 02000005 03000008 0300000c "
                "00000008 0400000e");
    buf_hex(&b, "28000108 000e0000");
    buf_random(&b, e->scene, 256);
    put_payload(&b, 0, e->scene, 32);
    message_send(e, from, &b);
}

static void send_auth(struct exchange *e, enum side from)
{
    uint8_t flags = from == CLIENT ? V2_INITIATOR : V2_RESPONSE;
    struct buf b = message_open(e, true, NEXT_SK_V2, IKE_AUTH, flags, 1);
    put_payload(&b, 35, e->scene, 16 + 224 + 16);
    message_send(e, from, &b);
}

int64_t talk_ikev2(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns)
{
    struct exchange e = exchange_new(scene, initiator, responder, V2, start_ns);
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_sa_init(&e, from);
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_auth(&e, from);
    return e.now - 30 * MS;
}

/* RFC 3948: after the first two messages everything moves to port 4500, ESP inside UDP. */
int64_t talk_nat_t(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns,
                   unsigned packets)
{
    struct exchange e = exchange_new(scene, initiator, responder, V2, start_ns);
    uint32_t spi = scene_random(scene) | 0x10000000;
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_sa_init(&e, from);
    e.ends[CLIENT].port = e.ends[SERVER].port = NAT_T_PORT;
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_auth(&e, from);
    for (unsigned i = 0; i < 2 * packets; i++, e.now += 10 * MS) {
        struct buf esp = {0};
        buf_u32(&esp, spi + i % 2);
        buf_u32(&esp, 1 + i / 2);
        buf_random(&esp, scene, 116);
        wire_udp(scene, e.now, e.ends[i % 2], e.ends[1 - i % 2], esp.bytes, esp.size);
    }
    return e.now;
}

static void send_main_mode_offer(struct exchange *e, enum side from)
{
    struct buf b = message_open(e, from == SERVER, NEXT_SA_V1, MAIN_MODE, 0, 0);
    buf_hex(&b, PROPOSAL_V1);
    put_vendor(&b, 13, VENDOR_MS_NT5);
    put_vendor(&b, 13, VENDOR_RFC3947);
    put_vendor(&b, 13, VENDOR_FRAGMENTS);
    put_vendor(&b, 13, VENDOR_DISCOVERY);
    put_vendor(&b, 0, VENDOR_AUTHIP);
    message_send(e, from, &b);
}

static void send_key_exchange(struct exchange *e, enum side from)
{
    struct buf b = message_open(e, true, NEXT_KE_V1, MAIN_MODE, 0, 0);
    put_payload(&b, 10, e->scene, 128);
    put_payload(&b, 0, e->scene, 48);
    message_send(e, from, &b);
}

static void send_sealed(struct exchange *e, enum side from, uint8_t next, uint8_t type, uint32_t id,
                        size_t size)
{
    struct buf b = message_open(e, true, next, type, V1_ENCRYPTED, id);
    buf_random(&b, e->scene, size);
    message_send(e, from, &b);
}

/* RFC 2409: main mode in six messages, quick mode in three. */
int64_t talk_ikev1(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns)
{
    struct exchange e = exchange_new(scene, initiator, responder, V1, start_ns);
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_main_mode_offer(&e, from);
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_key_exchange(&e, from);
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_sealed(&e, from, NEXT_ID_V1, MAIN_MODE, 0, 64);
    uint32_t id = scene_random(scene);
    for (unsigned i = 0; i < 3; i++)
        send_sealed(&e, i % 2, NEXT_HASH_V1, QUICK_MODE, id, 144);
    return e.now - 30 * MS;
}

/* [MS-AIPS] 2.2.3: the Crypto payload stands first; sequence 0, in clear; then SA, Auth (Kerberos), Nonce,
 * vendors. */
static void send_authip_offer(struct exchange *e, enum side from)
{
    struct buf b = message_open(e, from == SERVER, NEXT_CRYPTO, AUTHIP_MAIN, 0, 0);
    buf_hex(&b, "01000008 00000000");
    buf_hex(
        &b,
        "87"
        "000038 00000001 00000001 0000002c 01010001 00000024 01010000 80010007 800e0080 80020002 80040000 "
        "80030000 800b0001 800c7080");
    buf_hex(&b, "0a000008 00020000");
    put_payload(&b, 13, e->scene, 32);
    put_vendor(&b, 13, VENDOR_MS_NT5);
    put_vendor(&b, 13, VENDOR_FRAGMENTS);
    put_vendor(&b, 13, VENDOR_RFC3947);
    put_vendor(&b, 0, VENDOR_DISCOVERY);
    message_send(e, from, &b);
}

/* [MS-AIPS] 2.2.3.5: the payload's length counts its sequence number and the initialization vector. */
static void send_authip_sealed(struct exchange *e, enum side from, uint8_t type, uint32_t id,
                               uint32_t sequence)
{
    struct buf b = message_open(e, true, NEXT_CRYPTO, type, V1_ENCRYPTED, id);
    buf_hex(&b, "00000018");
    buf_u32(&b, sequence);
    buf_random(&b, e->scene, 16 + 96 + 12);
    message_send(e, from, &b);
}

int64_t talk_authip(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns)
{
    struct exchange e = exchange_new(scene, initiator, responder, V1, start_ns);
    for (unsigned from = CLIENT; from <= SERVER; from++)
        send_authip_offer(&e, from);
    for (unsigned i = 0; i < 2; i++)
        send_authip_sealed(&e, i % 2, AUTHIP_MAIN, 0, 1 + i / 2);
    uint32_t id = scene_random(scene);
    for (unsigned i = 0; i < 2; i++)
        send_authip_sealed(&e, i % 2, AUTHIP_QUICK, id, i / 2);
    return e.now - 30 * MS;
}

int64_t talk_ike_unanswered(struct scene *scene, struct addr initiator, struct addr responder,
                            int64_t start_ns, unsigned tries)
{
    struct exchange e = exchange_new(scene, initiator, responder, V1, start_ns);
    int64_t last = start_ns;
    for (unsigned i = 0; i < tries; i++) {
        e.now = last = start_ns + ((1 << i) - 1) * SEC;
        send_main_mode_offer(&e, CLIENT);
    }
    return last;
}

int64_t talk_esp(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns,
                 unsigned packets)
{
    uint32_t there = scene_random(scene) | 0x10000000, back = scene_random(scene) | 0x10000000;
    int64_t now = start_ns;
    for (unsigned i = 1; i <= packets; i++) {
        wire_esp(scene, now, initiator, responder, there, i, 116);
        wire_esp(scene, now + 3 * MS, responder, initiator, back, i, 116);
        now += 20 * MS;
    }
    return now;
}

/* One RTP packet (RTAudio, payload type 114) of a stream that began at 0. */
static struct buf rtp_packet(struct scene *scene, uint32_t ssrc, unsigned number)
{
    struct buf b = {0};
    buf_hex(&b, "80 72");
    buf_u16(&b, 1000 + number);
    buf_u32(&b, 320 * number);
    buf_u32(&b, ssrc);
    buf_random(&b, scene, 60);
    return b;
}

typedef void wire_protected(struct scene *scene, int64_t time_ns, struct end from, struct end to,
                            uint32_t spi, uint32_t sequence, const void *payload, size_t size);

static int64_t protected_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                             unsigned packets, wire_protected *send)
{
    uint32_t there = scene_random(scene) | 0x10000000, back = scene_random(scene) | 0x10000000;
    int64_t now = start_ns;
    for (unsigned i = 1; i <= packets; i++) {
        struct buf a = rtp_packet(scene, there, i), b = rtp_packet(scene, back, i);
        send(scene, now, client, server, there, i, a.bytes, a.size);
        send(scene, now + 3 * MS, server, client, back, i, b.bytes, b.size);
        now += 20 * MS;
    }
    return now;
}

int64_t talk_esp_null_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                          unsigned packets)
{
    return protected_rtp(scene, client, server, start_ns, packets, wire_esp_null);
}

int64_t talk_ah_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                    unsigned packets)
{
    return protected_rtp(scene, client, server, start_ns, packets, wire_ah);
}
