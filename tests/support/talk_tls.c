/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk_tls.c - plays TLS: full and resumed handshakes of 1.0 to 1.2, with and without client certificates,
 * and 1.3.
 *
 * Specifications: RFC 5246, RFC 8446, RFC 8422, RFC 5280. One flight is one record, as Windows sends it.
 * Keys, signatures and everything after the change of cipher are random bytes of the right length.
 */
#include "talk.h"

enum { RECORD_CIPHER = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };
enum {
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    CERTIFICATE = 11,
    SERVER_KEY_EXCHANGE = 12,
    CERTIFICATE_REQUEST = 13,
    SERVER_HELLO_DONE = 14,
    CERTIFICATE_VERIFY = 15,
    CLIENT_KEY_EXCHANGE = 16
};
enum { TLS10 = 0x0301, TLS12 = 0x0303, TLS13 = 0x0304 };

/* One handshake as it runs. */
struct session {
    struct tcp *tcp;
    struct scene *scene;
    const struct tls_talk *how;
    uint16_t version; /* chosen */
    uint8_t id[32];   /* the session's */
    const char *name;
};

static void say_record(struct session *s, enum side from, uint8_t type, uint16_t version,
                       const struct buf *body)
{
    struct buf record = {0};
    buf_u8(&record, type);
    buf_u16(&record, version);
    buf_u16(&record, (unsigned)body->size);
    buf_put(&record, body->bytes, body->size);
    tcp_say_buf(s->tcp, from, &record);
}

static void say_random_record(struct session *s, enum side from, uint8_t type, size_t size)
{
    struct buf body = {0};
    buf_random(&body, s->scene, size);
    say_record(s, from, type, s->version < TLS12 ? s->version : TLS12, &body);
}

static void say_change_cipher(struct session *s, enum side from)
{
    struct buf body = {0};
    buf_u8(&body, 1);
    say_record(s, from, RECORD_CIPHER, s->version < TLS12 ? s->version : TLS12, &body);
}

static size_t message_open(struct buf *b, uint8_t type)
{
    size_t start = b->size;
    buf_u8(b, type);
    buf_u24(b, 0);
    return start;
}

static void message_close(struct buf *b, size_t start)
{
    buf_set24(b, start + 1, b->size - start - 4);
}

static size_t prefix16_open(struct buf *b)
{
    buf_u16(b, 0);
    return b->size;
}

static void prefix16_close(struct buf *b, size_t start)
{
    buf_set16(b, start - 2, b->size - start);
}

static void put_server_name(struct buf *b, const char *name)
{
    buf_u16(b, 0); /* server_name, RFC 6066 section 3 */
    size_t extension = prefix16_open(b), list = prefix16_open(b);
    buf_u8(b, 0);
    size_t host = prefix16_open(b);
    buf_text(b, name);
    prefix16_close(b, host);
    prefix16_close(b, list);
    prefix16_close(b, extension);
}

static void put_key_share(struct buf *b, struct scene *scene, enum side from)
{
    buf_u16(b, 51);
    size_t extension = prefix16_open(b);
    if (from == CLIENT)
        buf_u16(b, 36);
    buf_u16(b, 0x001d); /* x25519 */
    buf_u16(b, 32);
    buf_random(b, scene, 32);
    prefix16_close(b, extension);
}

static void put_client_hello(struct session *s, struct buf *b)
{
    size_t message = message_open(b, CLIENT_HELLO);
    buf_u16(b, s->version < TLS12 ? s->version : TLS12);
    buf_random(b, s->scene, 32);
    bool with_id = s->how->resumed || s->version == TLS13;
    buf_u8(b, with_id ? 32 : 0);
    buf_put(b, s->id, with_id ? 32 : 0);
    size_t ciphers = prefix16_open(b);
    buf_hex(b, s->version == TLS13   ? "1302 1301 c030 c02f"
               : s->version == TLS12 ? "c030 c02f c028 c027"
                                     : "c014 c013 0035");
    prefix16_close(b, ciphers);
    buf_hex(b, "01 00");
    size_t extensions = prefix16_open(b);
    put_server_name(b, s->name);
    buf_hex(b, "000a 0006 0004 001d 0017"); /* groups: x25519, secp256r1 */
    buf_hex(b, "000b 0002 01 00");
    if (s->version >= TLS12)
        buf_hex(b, "000d 0008 0006 0401 0403 0804");
    buf_hex(b, "0017 0000");
    if (s->version == TLS13) {
        buf_hex(b, "002b 0005 04 0304 0303");
        put_key_share(b, s->scene, CLIENT);
    }
    buf_hex(b, "ff01 0001 00");
    prefix16_close(b, extensions);
    message_close(b, message);
}

static void put_server_hello(struct session *s, struct buf *b)
{
    size_t message = message_open(b, SERVER_HELLO);
    buf_u16(b, s->version < TLS12 ? s->version : TLS12);
    buf_random(b, s->scene, 32);
    buf_u8(b, 32);
    buf_put(b, s->id, 32);
    buf_hex(b, s->version == TLS13 ? "1302" : s->version == TLS12 ? "c030" : "c014");
    buf_u8(b, 0);
    size_t extensions = prefix16_open(b);
    if (s->version == TLS13) {
        buf_hex(b, "002b 0002 0304");
        put_key_share(b, s->scene, SERVER);
    } else {
        buf_hex(b, "0017 0000 ff01 0001 00");
    }
    prefix16_close(b, extensions);
    message_close(b, message);
}

/* A distinguished name of one CN, RFC 5280 section 4.1.2.4. */
static void put_name(struct buf *b, const char *common_name)
{
    size_t start = b->size;
    buf_hex(b, "06 03 55 04 03");
    size_t text = b->size;
    buf_text(b, common_name);
    buf_der(b, text, 0x0c);
    buf_der(b, start, 0x30);
    buf_der(b, start, 0x31);
    buf_der(b, start, 0x30);
}

static void put_alternative_name(struct buf *b, const char *name)
{
    size_t extensions = b->size;
    buf_hex(b, "06 03 55 1d 11");
    size_t octets = b->size;
    buf_text(b, name);
    buf_der(b, octets, 0x82);
    buf_der(b, octets, 0x30);
    buf_der(b, octets, 0x04);
    buf_der(b, extensions, 0x30);
    buf_der(b, extensions, 0x30);
    buf_der(b, extensions, 0xa3);
}

static void put_public_key(struct buf *b, struct scene *scene)
{
    size_t start = b->size;
    buf_hex(b, "30 0d 06 09 2a 86 48 86 f7 0d 01 01 01 05 00"); /* rsaEncryption */
    size_t bits = b->size;
    buf_u8(b, 0);
    size_t key = b->size, modulus = b->size;
    buf_hex(b, "00 c1");
    buf_random(b, scene, 255);
    buf_der(b, modulus, 0x02);
    buf_hex(b, "02 03 01 00 01");
    buf_der(b, key, 0x30);
    buf_der(b, bits, 0x03);
    buf_der(b, start, 0x30);
}

static void put_certificate_der(struct buf *b, struct scene *scene, const char *name)
{
    size_t certificate = b->size, tbs = b->size;
    buf_hex(b, "a0 03 02 01 02 02 08 4a");
    buf_random(b, scene, 7);
    buf_hex(b, "30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00"); /* sha256WithRSAEncryption */
    put_name(b, "Contoso Issuing CA");
    size_t validity = b->size;
    buf_text(b, "\x17\x0d"
                "250101000000Z");
    buf_text(b, "\x17\x0d"
                "290101000000Z");
    buf_der(b, validity, 0x30);
    put_name(b, name);
    put_public_key(b, scene);
    put_alternative_name(b, name);
    buf_der(b, tbs, 0x30);
    buf_hex(b, "30 0d 06 09 2a 86 48 86 f7 0d 01 01 0b 05 00");
    size_t signature = b->size;
    buf_u8(b, 0);
    buf_random(b, scene, 256);
    buf_der(b, signature, 0x03);
    buf_der(b, certificate, 0x30);
}

/* RFC 5246 section 7.4.2: a list of certificates, each with its length; NULL: the empty list. */
static void put_certificate(struct session *s, struct buf *b, const char *name)
{
    size_t message = message_open(b, CERTIFICATE), list = b->size;
    buf_u24(b, 0);
    if (name) {
        buf_u24(b, 0);
        size_t one = b->size;
        put_certificate_der(b, s->scene, name);
        buf_set24(b, one - 3, b->size - one);
    }
    buf_set24(b, list, b->size - list - 3);
    message_close(b, message);
}

static void put_signature(struct session *s, struct buf *b)
{
    if (s->version == TLS12)
        buf_u16(b, 0x0401); /* rsa_pkcs1_sha256 */
    buf_u16(b, 256);
    buf_random(b, s->scene, 256);
}

/* The server's first flight of a full handshake, RFC 5246 section 7.3. */
static void put_server_flight(struct session *s, struct buf *b)
{
    put_server_hello(s, b);
    put_certificate(s, b, s->name);
    size_t message = message_open(b, SERVER_KEY_EXCHANGE);
    buf_hex(b, "03 0017 41 04"); /* named curve secp256r1, an uncompressed point */
    buf_random(b, s->scene, 64);
    put_signature(s, b);
    message_close(b, message);
    if (s->how->certificate_request) {
        message = message_open(b, CERTIFICATE_REQUEST);
        buf_hex(b, "03 01 02 40");
        if (s->version == TLS12)
            buf_hex(b, "0004 0401 0403");
        buf_u16(b, 0);
        message_close(b, message);
    }
    message_close(b, message_open(b, SERVER_HELLO_DONE));
}

static void put_client_flight(struct session *s, struct buf *b)
{
    if (s->how->certificate_request)
        put_certificate(s, b, s->how->certificate ? "client.contoso.example" : NULL);
    size_t message = message_open(b, CLIENT_KEY_EXCHANGE);
    buf_hex(b, "41 04");
    buf_random(b, s->scene, 64);
    message_close(b, message);
    if (s->how->certificate_request && s->how->certificate) {
        message = message_open(b, CERTIFICATE_VERIFY);
        put_signature(s, b);
        message_close(b, message);
    }
}

static void say_finished(struct session *s, enum side from)
{
    say_change_cipher(s, from);
    say_random_record(s, from, RECORD_HANDSHAKE, s->version == TLS12 ? 40 : 48);
}

static void play_full(struct session *s)
{
    struct buf server = {0}, client = {0};
    put_server_flight(s, &server);
    say_record(s, SERVER, RECORD_HANDSHAKE, s->version, &server);
    put_client_flight(s, &client);
    say_record(s, CLIENT, RECORD_HANDSHAKE, s->version, &client);
    say_finished(s, CLIENT);
    say_finished(s, SERVER);
}

static void play_resumed(struct session *s)
{
    struct buf hello = {0};
    put_server_hello(s, &hello);
    say_record(s, SERVER, RECORD_HANDSHAKE, s->version, &hello);
    say_finished(s, SERVER);
    say_finished(s, CLIENT);
}

/* RFC 8446 appendix D.4: in compatibility mode both sides also send a change of cipher. */
static void play_13(struct session *s)
{
    struct buf hello = {0};
    put_server_hello(s, &hello);
    say_record(s, SERVER, RECORD_HANDSHAKE, TLS12, &hello);
    say_change_cipher(s, SERVER);
    say_random_record(s, SERVER, RECORD_DATA, 1180); /* EncryptedExtensions to Finished */
    say_change_cipher(s, CLIENT);
    say_random_record(s, CLIENT, RECORD_DATA, 53);
}

void tls_over(struct tcp *tcp, const struct tls_talk *how)
{
    struct session s = {.tcp = tcp,
                        .scene = tcp->scene,
                        .how = how,
                        .version = how->version ? how->version : TLS12,
                        .name = how->server_name ? how->server_name : "sip.contoso.example"};
    for (size_t i = 0; i < sizeof s.id; i++)
        s.id[i] = how->session ? how->session : (uint8_t)scene_random(s.scene);
    struct buf hello = {0};
    put_client_hello(&s, &hello);
    say_record(&s, CLIENT, RECORD_HANDSHAKE, TLS10, &hello); /* RFC 5246 appendix E.1 */
    if (s.version == TLS13)
        play_13(&s);
    else if (how->resumed)
        play_resumed(&s);
    else
        play_full(&s);
    for (unsigned i = 0; i < 2; i++) {
        say_random_record(&s, CLIENT, RECORD_DATA, 180 + 40 * i);
        say_random_record(&s, SERVER, RECORD_DATA, 310 + 60 * i);
    }
    say_random_record(&s, CLIENT, s.version == TLS13 ? RECORD_DATA : RECORD_ALERT, 26); /* close_notify */
}

int64_t talk_tls_as(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                    const struct tls_talk *how)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    tls_over(&tcp, how);
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_tls(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_tls_as(scene, client, server, start_ns, &(struct tls_talk){0});
}

int64_t talk_mtls(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    const struct tls_talk how = {.certificate_request = true, .certificate = true};
    return talk_tls_as(scene, client, server, start_ns, &how);
}
