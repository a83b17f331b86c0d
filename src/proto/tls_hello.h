/* SPDX-License-Identifier: BSD-2-Clause
 *
 * tls_hello.h - the bodies of ClientHello and ServerHello, shared by tls.c and dtls.c.
 *
 * Specification: RFC 5246 7.4.1, RFC 8446 4.1 and 4.2, RFC 6066 3 (server_name), RFC 7301 3.1 (ALPN), RFC
 * 6347 4.2.1 (cookie), RFC 5764 4.1.1 (use_srtp). A hello that is not wholly there gives what could be read.
 * Extensions that nobody here asks for are stepped over by their length.
 */
#ifndef ROLECALL_PROTO_TLS_HELLO_H
#define ROLECALL_PROTO_TLS_HELLO_H

#include "rolecall/proto.h"

/* Handshake message types, RFC 5246 7.4, RFC 6347 4.3.2, RFC 6066 8. */
enum {
    MESSAGE_HELLO_REQUEST = 0,
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_HELLO_VERIFY_REQUEST = 3,
    MESSAGE_NEW_SESSION_TICKET = 4,
    MESSAGE_CERTIFICATE = 11,
    MESSAGE_SERVER_KEY_EXCHANGE = 12,
    MESSAGE_CERTIFICATE_REQUEST = 13,
    MESSAGE_SERVER_HELLO_DONE = 14,
    MESSAGE_CERTIFICATE_VERIFY = 15,
    MESSAGE_CLIENT_KEY_EXCHANGE = 16,
    MESSAGE_FINISHED = 20,
    MESSAGE_CERTIFICATE_STATUS = 22,
    MESSAGE_SUPPLEMENTAL_DATA = 23 /* RFC 4680 */
};

/* Record content types, RFC 5246 6.2.1, RFC 6520 3. */
enum {
    RECORD_CHANGE_CIPHER = 20,
    RECORD_ALERT = 21,
    RECORD_HANDSHAKE = 22,
    RECORD_APPLICATION = 23,
    RECORD_HEARTBEAT = 24
};

enum { ALERT_WARNING = 1, ALERT_FATAL = 2 }; /* RFC 5246 7.2 */

struct hello {
    uint16_t version;         /* legacy_version, or what a ServerHello's supported_versions says instead */
    bool retry;               /* ServerHello: a HelloRetryRequest, RFC 8446 4.1.3 */
    bool pre_shared_key;      /* ServerHello: it took up an earlier session, RFC 8446 4.2.11 */
    bool use_srtp;            /* DTLS for media keys */
    bool closed;              /* all of it was there and every inner length ended where it should */
    struct bytes session;     /* ServerHello: the session's id; empty when there is none */
    struct bytes server_name; /* the same */
    struct bytes alpn;        /* ServerHello: the protocol chosen; ClientHello: the first one offered */
};

/* RFC 8701: names kept free so that peers learn to ignore the unknown, 0a 0a .. fa fa. */
static inline bool hello_is_grease(const struct bytes *name)
{
    int first = bytes_peek(name, 0);
    return name->left == 2 && first == bytes_peek(name, 1) && (first & 0x0f) == 0x0a;
}

/* RFC 6066 3: list length, then name_type 0 and the name. */
static inline void hello_read_server_name(struct bytes *extension, struct hello *hello)
{
    struct bytes list = bytes_prefixed16(extension);
    if (bytes_u8(&list) != 0)
        return;
    struct bytes name = bytes_prefixed16(&list);
    if (bytes_ok(&list))
        hello->server_name = name;
}

/* RFC 7301 3.1: list length, then names with an 8-bit length each. */
static inline void hello_read_alpn(struct bytes *extension, struct hello *hello)
{
    struct bytes list = bytes_prefixed16(extension);
    while (list.left > 0) {
        struct bytes name = bytes_prefixed8(&list);
        if (!bytes_ok(&list) || hello_is_grease(&name))
            continue;
        hello->alpn = name;
        return;
    }
}

/* The drafts of TLS 1.3 called themselves 7f and their number. */
static inline uint16_t hello_version_of(uint16_t supported)
{
    return supported >> 8 == 0x7f ? 0x0304 : supported;
}

static inline void hello_read_extensions(struct bytes *body, bool from_server, struct hello *hello)
{
    if (body->left == 0) { /* none: a hello of TLS 1.1 or older may end here */
        hello->closed = bytes_ok(body) && !body->cut;
        return;
    }
    struct bytes list = bytes_prefixed16(body);
    while (list.left > 0) {
        uint16_t type = bytes_u16(&list);
        struct bytes extension = bytes_prefixed16(&list);
        if (!bytes_ok(&list))
            break;
        if (type == 0) /* server_name */
            hello_read_server_name(&extension, hello);
        else if (type == 14)
            hello->use_srtp = true;
        else if (type == 16) /* application_layer_protocol_negotiation */
            hello_read_alpn(&extension, hello);
        else if (type == 41 && from_server)
            hello->pre_shared_key = true;
        else if (type == 43 && from_server && extension.left == 2) /* supported_versions, RFC 8446 4.2.1 */
            hello->version = hello_version_of(bytes_u16(&extension));
    }
    hello->closed = bytes_ok(&list) && bytes_ok(body) && body->left == 0;
}

/* May this be the version field of a hello? TLS counts up from 03 00, DTLS down from fe ff; 01 00 is what
 * DTLS had before its RFC, still spoken by some VPN clients. */
static inline bool hello_version_is_known(uint16_t version, bool datagram)
{
    if (datagram)
        return (version >= 0xfefc && version <= 0xfeff && version != 0xfefe) || version == 0x0100;
    return version >= 0x0300 && version <= 0x0304;
}

/*
 * The body of a ClientHello, which begins after the handshake header. YES: it is one (closed or not); MORE:
 * what is there agrees, the rest is missing (body->cut); NO: it is none. `hello` comes zeroed and holds what
 * was read.
 */
static inline enum proto_answer hello_read_client(struct bytes body, bool datagram, struct hello *hello)
{
    hello->version = bytes_u16(&body);
    if (bytes_ok(&body) && !hello_version_is_known(hello->version, datagram))
        return PROTO_NO;
    bytes_skip(&body, 32); /* random */
    size_t session_size = bytes_u8(&body);
    if (session_size > 32)
        return PROTO_NO;
    bytes_skip(&body, session_size);
    if (datagram)
        (void)bytes_prefixed8(&body); /* cookie, RFC 6347 4.2.1 */
    size_t suites_size = bytes_u16(&body);
    if (bytes_ok(&body) && (suites_size < 2 || suites_size % 2 != 0))
        return PROTO_NO;
    bytes_skip(&body, suites_size);
    struct bytes compressions = bytes_prefixed8(&body);
    if (!bytes_ok(&body))
        return bytes_short(&body) ? PROTO_MORE : PROTO_NO;
    if (bytes_find(&compressions, 0, compressions.left) == SIZE_MAX) /* method 0 must be offered */
        return PROTO_NO;
    hello_read_extensions(&body, false, hello);
    return PROTO_YES;
}

/* The same for a ServerHello. */
static inline enum proto_answer hello_read_server(struct bytes body, bool datagram, struct hello *hello)
{
    /* SHA-256 of "HelloRetryRequest", RFC 8446 4.1.3 */
    static const uint8_t retry_random[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                             0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                             0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    hello->version = bytes_u16(&body);
    if (bytes_ok(&body) && !hello_version_is_known(hello->version, datagram))
        return PROTO_NO;
    hello->retry = bytes_begin(&body, retry_random, sizeof retry_random);
    bytes_skip(&body, 32); /* random */
    size_t session_size = bytes_u8(&body);
    if (session_size > 32)
        return PROTO_NO;
    hello->session = bytes_take(&body, session_size);
    bytes_skip(&body, 2); /* cipher suite */
    uint8_t compression = bytes_u8(&body);
    if (!bytes_ok(&body))
        return bytes_short(&body) ? PROTO_MORE : PROTO_NO;
    if (compression > 1 && compression != 64) /* null, DEFLATE (RFC 3749), LZS (RFC 3943) */
        return PROTO_NO;
    hello_read_extensions(&body, true, hello);
    return PROTO_YES;
}

/* Server name and protocol of a hello, into the facts. The server's choice of protocol wins over an offer. */
static inline void hello_tell(const struct hello *hello, bool alpn_is_chosen, struct proto_facts *facts)
{
    if (hello->server_name.left > 0)
        proto_text_set(&facts->server_name, hello->server_name.at, hello->server_name.left);
    if (hello->alpn.left > 0 && !alpn_is_chosen)
        proto_text_set(&facts->detail, hello->alpn.at, hello->alpn.left);
}

#endif
