/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk_windows.c - plays what Windows servers speak beside SIP: SMB, DCE/RPC, TDS, net.tcp, RDP, LDAP,
 * Kerberos.
 *
 * Specifications: [MS-SMB2] 2.2, C706 and [MS-RPCE] 2.2.2, [MS-TDS] 2.2.6.5, [MC-NMF] 2.2.3,
 * [MS-RDPBCGR] 2.2.1.1, RFC 4511, RFC 4120.
 */
#include "talk.h"

enum { SMB2_NEGOTIATE = 0, SMB2_RESPONSE = 1 };

/* [MS-SMB2] 2.2.1.2, all little-endian. */
static void put_smb2_header(struct buf *b, unsigned command, uint32_t flags)
{
    buf_hex(b, "fe 53 4d 42");
    buf_u16le(b, 64);
    buf_fill(b, 0, 6);
    buf_u16le(b, command);
    buf_u16le(b, 31); /* credits */
    buf_u32le(b, flags);
    buf_fill(b, 0, 4 + 8); /* next command, message id */
    buf_u32le(b, 0xfeff);
    buf_fill(b, 0, 4 + 8 + 16); /* tree, session, signature */
}

static void put_smb2_negotiate(struct buf *b)
{
    put_smb2_header(b, SMB2_NEGOTIATE, 0);
    buf_u16le(b, 36);
    buf_u16le(b, 4); /* dialects */
    buf_u16le(b, 1); /* signing enabled */
    buf_u16le(b, 0);
    buf_u32le(b, 0x7f);
    buf_fill(b, 0x11, 16); /* client GUID */
    buf_fill(b, 0, 8);
    buf_hex(b, "0202 1002 0003 0203");
}

static void put_smb2_negotiated(struct buf *b)
{
    put_smb2_header(b, SMB2_NEGOTIATE, SMB2_RESPONSE);
    buf_u16le(b, 65);
    buf_u16le(b, 3); /* signing required */
    buf_u16le(b, 0x0302);
    buf_u16le(b, 0);
    buf_fill(b, 0x22, 16);
    buf_u32le(b, 0x7f);
    for (unsigned i = 0; i < 3; i++)
        buf_u32le(b, 1 << 20);
    buf_fill(b, 0, 16); /* times */
    buf_u16le(b, 128);
    buf_u16le(b, 0); /* no security blob */
    buf_u32le(b, 0);
}

/* [MS-SMB2] 2.2.41: an encrypted message. */
static void put_smb2_transform(struct buf *b, struct scene *scene, unsigned size)
{
    buf_hex(b, "fd 53 4d 42");
    buf_random(b, scene, 32); /* signature, nonce */
    buf_u32le(b, size);
    buf_u16le(b, 0);
    buf_u16le(b, 1);
    buf_hex(b, "0100000000480000"); /* session */
    buf_random(b, scene, size);
}

static void say_smb(struct tcp *tcp, enum side from, const struct buf *message)
{
    struct buf frame = {0};
    buf_u32(&frame, (uint32_t)message->size); /* Direct TCP, [MS-SMB2] 2.1: a zero byte, three of length */
    buf_put(&frame, message->bytes, message->size);
    tcp_say_buf(tcp, from, &frame);
}

int64_t talk_smb(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf ask = {0}, answer = {0};
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    put_smb2_negotiate(&ask);
    say_smb(&tcp, CLIENT, &ask);
    put_smb2_negotiated(&answer);
    say_smb(&tcp, SERVER, &answer);
    for (unsigned i = 0; i < 4; i++) {
        struct buf sealed = {0};
        put_smb2_transform(&sealed, scene, 120 + 50 * i);
        say_smb(&tcp, i % 2 ? SERVER : CLIENT, &sealed);
    }
    tcp_close(&tcp);
    return tcp.now;
}

/* Interfaces as they stand on the wire: UUID, then version 3.0 or 1.0. */
#define ENDPOINT_MAPPER "0883afe1 1f5d c911 91a4 08002b14a0fa"
#define SOME_INTERFACE  "24a91f5c 3b1e 4d42 8f51 0a1b2c3d4e5f"
#define NDR             "045d888a eb1c c911 9fe8 08002b104860"

/* C706 section 12.6.3.1: version 5.0, whole fragment, little-endian data. */
static size_t rpc_open(struct buf *b, uint8_t type, uint32_t call)
{
    size_t start = b->size;
    buf_hex(b, "05 00");
    buf_u8(b, type);
    buf_u8(b, 3);
    buf_hex(b, "10 00 00 00 0000 0000");
    buf_u32le(b, call);
    return start;
}

static void rpc_say(struct tcp *tcp, enum side from, struct buf *b)
{
    buf_set16le(b, 8, b->size);
    tcp_say_buf(tcp, from, b);
}

static void say_bind(struct tcp *tcp, const char *interface, unsigned version)
{
    struct buf bind = {0}, ack = {0};
    rpc_open(&bind, 11, 2);
    buf_hex(&bind, "d016 d016 00000000 01 000000 0000 01 00");
    buf_hex(&bind, interface);
    buf_u32le(&bind, version);
    buf_hex(&bind, NDR "02000000");
    rpc_say(tcp, CLIENT, &bind);
    rpc_open(&ack, 12, 2);
    buf_hex(&ack, "d016 d016 34120000 0400");
    buf_text(&ack, "135");
    buf_u8(&ack, 0);
    buf_hex(&ack, "0000 01 000000 0000 0000" NDR "02000000"); /* one result: accepted */
    rpc_say(tcp, SERVER, &ack);
}

int64_t talk_dcerpc(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_bind(&tcp, SOME_INTERFACE, 1);
    for (unsigned call = 3; call < 5; call++) {
        struct buf request = {0}, response = {0};
        rpc_open(&request, 0, call);
        buf_hex(&request, "40000000 0000 0200"); /* size hint, context, operation */
        buf_random(&request, scene, 64);
        rpc_say(&tcp, CLIENT, &request);
        rpc_open(&response, 2, call);
        buf_hex(&response, "60000000 0000 00 00");
        buf_random(&response, scene, 96);
        rpc_say(&tcp, SERVER, &response);
    }
    tcp_close(&tcp);
    return tcp.now;
}

/* A protocol tower, C706 appendix L: interface, NDR, connection-oriented RPC, TCP port, IPv4 address. */
static void put_tower(struct buf *b, struct end end)
{
    unsigned size;
    const uint8_t *addr = addr_wire(&end.addr, &size);
    buf_hex(b, "0500");
    buf_hex(b, "1300 0d" SOME_INTERFACE "0100 0200 0000");
    buf_hex(b, "1300 0d" NDR "0200 0200 0000");
    buf_hex(b, "0100 0b 0200 0000");
    buf_hex(b, "0100 07 0200");
    buf_u16(b, end.port);
    buf_hex(b, "0100 09 0400");
    if (size == 4)
        buf_put(b, addr, 4);
    else
        buf_fill(b, 0, 4);
}

static void put_sized_tower(struct buf *b, struct end end)
{
    struct buf tower = {0};
    put_tower(&tower, end);
    buf_u32le(b, (uint32_t)tower.size);
    buf_u32le(b, (uint32_t)tower.size);
    buf_put(b, tower.bytes, tower.size);
    buf_fill(b, 0, -tower.size & 3);
}

int64_t talk_endpoint_mapper(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                             uint16_t port)
{
    struct buf request = {0}, response = {0};
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_bind(&tcp, ENDPOINT_MAPPER, 3);
    rpc_open(&request, 0, 3);
    buf_hex(&request, "00000000 0000 0300 01000000"); /* ept_map; object: a pointer and the nil UUID */
    buf_fill(&request, 0, 16);
    buf_hex(&request, "02000000");
    put_sized_tower(&request, (struct end){.addr = addr_v4((const uint8_t[]){0, 0, 0, 0})});
    buf_fill(&request, 0, 20); /* entry handle */
    buf_u32le(&request, 4);    /* towers wanted */
    rpc_say(&tcp, CLIENT, &request);
    rpc_open(&response, 2, 3);
    buf_hex(&response, "00000000 0000 00 00");
    buf_fill(&response, 0, 20);
    buf_hex(&response,
            "01000000 04000000 00000000 01000000 03000000"); /* count; array of 4, from 0, 1; pointer */
    put_sized_tower(&response, (struct end){server.addr, port});
    buf_u32le(&response, 0);
    rpc_say(&tcp, SERVER, &response);
    tcp_close(&tcp);
    return tcp.now;
}

/* [MS-TDS] 2.2.3.1: type, status "last", length with this header, then SPID, packet and window. */
static void say_tds(struct tcp *tcp, enum side from, uint8_t type, const struct buf *body)
{
    struct buf packet = {0};
    buf_u8(&packet, type);
    buf_u8(&packet, 1);
    buf_u16(&packet, (unsigned)(8 + body->size));
    buf_hex(&packet, "0000 01 00");
    buf_put(&packet, body->bytes, body->size);
    tcp_say_buf(tcp, from, &packet);
}

/* [MS-TDS] 2.2.6.5: options VERSION, ENCRYPTION, INSTOPT, THREADID; encryption on. */
static void put_prelogin(struct buf *b)
{
    buf_hex(b, "00 0015 0006 01 001b 0001 02 001c 0001 03 001d 0004 ff");
    buf_hex(b, "0c000fa00000 01 00 00000d4c");
}

int64_t talk_tds(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf ask = {0}, answer = {0}, hello = {0};
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    put_prelogin(&ask);
    say_tds(&tcp, CLIENT, 0x12, &ask);
    put_prelogin(&answer);
    say_tds(&tcp, SERVER, 0x04, &answer);
    /* The TLS handshake rides in Pre-Login packets: a small hello, without extensions. */
    buf_hex(&hello, "16 0301 002d 01 000029 0303");
    buf_random(&hello, scene, 32);
    buf_hex(&hello, "00 0002 c030 01 00");
    say_tds(&tcp, CLIENT, 0x12, &hello);
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_net_tcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    static const char via[] = "net.tcp://pchat01.contoso.example:881/MGCWebService";
    struct buf preamble = {0}, message = {0};
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    buf_hex(&preamble, "00 01 00 01 02 02"); /* version 1.0, duplex, via */
    buf_u8(&preamble, sizeof via - 1);
    buf_text(&preamble, via);
    buf_hex(&preamble, "03 08 0c"); /* binary encoding, end of preamble */
    tcp_say_buf(&tcp, CLIENT, &preamble);
    tcp_say(&tcp, SERVER, "\x0b", 1);
    buf_hex(&message, "06 40"); /* sized envelope */
    buf_random(&message, scene, 64);
    tcp_say_buf(&tcp, CLIENT, &message);
    tcp_say_buf(&tcp, SERVER, &message);
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_rdp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf request = {0}, confirm = {0};
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    buf_hex(&request, "03000013 0e e0 0000 0000 00 01000800 03000000");
    tcp_say_buf(&tcp, CLIENT, &request);
    buf_hex(&confirm, "03000013 0e d0 0000 1234 00 02000800 01000000");
    tcp_say_buf(&tcp, SERVER, &confirm);
    tls_over(&tcp, &(struct tls_talk){.server_name = "fe01.contoso.example"});
    tcp_close(&tcp);
    return tcp.now;
}

/* RFC 4511 section 4.2: an anonymous bind and its success. */
int64_t talk_ldap(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf bind = {0}, answer = {0};
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    buf_hex(&bind, "300c 020101 6007 020103 0400 8000");
    tcp_say_buf(&tcp, CLIENT, &bind);
    buf_hex(&answer, "300c 020101 6107 0a0100 0400 0400");
    tcp_say_buf(&tcp, SERVER, &answer);
    tcp_close(&tcp);
    return tcp.now;
}

static void put_small(struct buf *b, uint8_t tag, unsigned value)
{
    size_t start = b->size;
    buf_hex(b, "02 01");
    buf_u8(b, value);
    buf_der(b, start, tag);
}

static void put_general(struct buf *b, uint8_t tag, uint8_t type, const char *text)
{
    size_t start = b->size, string = b->size;
    buf_text(b, text);
    buf_der(b, string, type);
    buf_der(b, start, tag);
}

/* PrincipalName, RFC 4120 section 5.2.2. */
static void put_principal(struct buf *b, uint8_t tag, unsigned type, const char *first, const char *second)
{
    size_t start = b->size;
    put_small(b, 0xa0, type);
    size_t names = b->size;
    const char *parts[] = {first, second};
    for (unsigned i = 0; i < 2 && parts[i]; i++) {
        size_t part = b->size;
        buf_text(b, parts[i]);
        buf_der(b, part, 0x1b);
    }
    buf_der(b, names, 0x30);
    buf_der(b, names, 0xa1);
    buf_der(b, start, 0x30);
    buf_der(b, start, tag);
}

/* AS-REQ, RFC 4120 section 5.4.1. */
static void put_as_request(struct buf *b)
{
    size_t start = b->size;
    put_small(b, 0xa1, 5);
    put_small(b, 0xa2, 10);
    size_t body = b->size;
    buf_hex(b, "a007 0305 00 40810010");
    put_principal(b, 0xa1, 1, "FE01$", NULL);
    put_general(b, 0xa2, 0x1b, "CONTOSO.EXAMPLE");
    put_principal(b, 0xa3, 2, "krbtgt", "CONTOSO.EXAMPLE");
    put_general(b, 0xa5, 0x18, "20370913024805Z");
    buf_hex(b, "a706 0204 12345678 a808 3006 020112 020117");
    buf_der(b, body, 0x30);
    buf_der(b, body, 0xa4);
    buf_der(b, start, 0x30);
    buf_der(b, start, 0x6a);
}

/* KRB-ERROR 25, pre-authentication required: RFC 4120 section 5.9.1. */
static void put_kerberos_error(struct buf *b)
{
    size_t start = b->size;
    put_small(b, 0xa0, 5);
    put_small(b, 0xa1, 30);
    put_general(b, 0xa4, 0x18, "20260302093000Z");
    put_small(b, 0xa5, 42);
    put_small(b, 0xa6, 25);
    put_general(b, 0xa9, 0x1b, "CONTOSO.EXAMPLE");
    put_principal(b, 0xaa, 2, "krbtgt", "CONTOSO.EXAMPLE");
    buf_der(b, start, 0x30);
    buf_der(b, start, 0x7e);
}

int64_t talk_kerberos(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    for (unsigned from = CLIENT; from <= SERVER; from++) {
        struct buf message = {0}, framed = {0};
        if (from == CLIENT)
            put_as_request(&message);
        else
            put_kerberos_error(&message);
        buf_u32(&framed, (uint32_t)message.size);
        buf_put(&framed, message.bytes, message.size);
        tcp_say_buf(&tcp, from, &framed);
    }
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_kerberos_udp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf request = {0}, answer = {0};
    put_as_request(&request);
    put_kerberos_error(&answer);
    wire_udp(scene, start_ns, client, server, request.bytes, request.size);
    wire_udp(scene, start_ns + 2 * MS, server, client, answer.bytes, answer.size);
    return start_ns + 2 * MS;
}
