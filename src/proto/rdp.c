/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rdp.c - recognises the beginning of a remote desktop connection: an X.224 connection request or confirm in
 * TPKT. Asked by the engine through proto_rdp. Specifications: MS-RDPBCGR 2.2.1.1 and 2.2.1.2, RFC 1006
 * section 6, X.224 13.3 and 13.4. Other protocols use the same two frames, so a routing token, a negotiation,
 * or a T.125 connect behind them has to be there. The user's name in the cookie and everything after the
 * upgrade to TLS are ignored.
 */
#include "units.h"

enum { TPKT_VERSION = 3, TPKT_HEADER = 4 };                       /* RFC 1006 section 6 */
enum { CONNECTION_REQUEST = 0xe0, CONNECTION_CONFIRM = 0xd0 };    /* X.224 13.3, 13.4 */
enum { FIXED_PART = 6 };                                          /* code, two references, class */
enum { NEG_REQ = 1, NEG_RSP = 2, NEG_FAILURE = 3, NEG_SIZE = 8 }; /* MS-RDPBCGR 2.2.1.1.1, 2.2.1.2.1, .2 */
enum { CORRELATION = 6, CORRELATION_SIZE = 36 };                  /* MS-RDPBCGR 2.2.1.1.2 */
enum { FAILURE_LAST = 6 };                                        /* MS-RDPBCGR 2.2.1.2.2 */

static const uint8_t data_header[] = {2, 0xf0, 0x80};         /* X.224 13.7, always so */
enum { CONNECT_INITIAL = 0x7f65, CONNECT_RESPONSE = 0x7f66 }; /* T.125 section 7 */

/* MS-RDPBCGR 2.2.1.2.1: what the server chose. All but the first run in TLS. */
static const struct {
    uint32_t number;
    const char *name;
} choices[] = {{0, "standard"}, {1, "tls"}, {2, "credssp"}, {4, "rdstls"}, {8, "credssp-ex"}, {16, "rdsaad"}};

enum { PROTOCOLS_KNOWN = 0x1f };

/* `variable` is what follows the fixed part; MS-RDPBCGR 2.2.1.1. */
static bool is_request(struct bytes variable)
{
    size_t line = bytes_find(&variable, '\n', variable.left);
    bool has_token = false;
    /* A cookie or routing token is one line of ASCII. */
    if (bytes_peek(&variable, 0) >= 0x20 && line != SIZE_MAX && line > 0 &&
        bytes_peek(&variable, line - 1) == '\r') {
        for (size_t i = 0; i + 1 < line; i++) {
            uint8_t c = bytes_u8(&variable);
            if (c < 0x20 || c > 0x7e)
                return false;
        }
        bytes_skip(&variable, 2);
        has_token = true;
    }
    if (variable.left == 0)
        return has_token;
    uint8_t type = bytes_u8(&variable);
    bytes_skip(&variable, 1); /* flags */
    uint16_t size = bytes_u16le(&variable);
    uint32_t protocols = bytes_u32le(&variable);
    if (type != NEG_REQ || size != NEG_SIZE || protocols & ~(uint32_t)PROTOCOLS_KNOWN)
        return false;
    return bytes_ok(&variable) &&
           (variable.left == 0 || (variable.left == CORRELATION_SIZE && bytes_u8(&variable) == CORRELATION));
}

/* MS-RDPBCGR 2.2.1.2. */
static bool is_confirm(struct bytes variable, struct proto_facts *facts, struct proto_reply *reply)
{
    uint8_t type = bytes_u8(&variable);
    bytes_skip(&variable, 1); /* flags */
    uint16_t size = bytes_u16le(&variable);
    uint32_t value = bytes_u32le(&variable);
    if (!bytes_ok(&variable) || variable.left > 0 || size != NEG_SIZE)
        return false;
    if (type == NEG_FAILURE)
        return value >= 1 && value <= FAILURE_LAST;
    if (type != NEG_RSP)
        return false;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (choices[i].number != value)
            continue;
        proto_text_set(&facts->detail, choices[i].name, strlen(choices[i].name));
        if (value != 0)
            reply->upgrade = PROTO_tls;
        return true;
    }
    return false;
}

/* Old peers send a bare request or confirm; the T.125 connect in the next TPKT shows what it was for. */
static enum proto_answer read_connect(struct bytes b, uint16_t wanted)
{
    uint16_t version = bytes_u16(&b);
    if (bytes_ok(&b) && version != TPKT_VERSION << 8)
        return PROTO_NO;
    bytes_skip(&b, 2);
    if (b.left > 0 && !bytes_may_begin(&b, data_header, sizeof data_header))
        return PROTO_NO;
    bytes_skip(&b, sizeof data_header);
    uint16_t tag = bytes_u16(&b);
    if (bytes_ok(&b) && tag != wanted)
        return PROTO_NO;
    return units_answer(&b);
}

static enum proto_answer read_unit(const struct proto_question *question, struct bytes b, void *memory,
                                   struct proto_facts *facts, struct proto_reply *reply, size_t *size)
{
    uint8_t version = bytes_u8(&b);
    uint8_t reserved = bytes_u8(&b);
    if (version != TPKT_VERSION || (bytes_ok(&b) && reserved != 0))
        return PROTO_NO;
    size_t length = bytes_u16(&b);
    size_t indicator = bytes_u8(&b); /* X.224 13.2.1: does not count itself */
    if (bytes_ok(&b) && (indicator < FIXED_PART || length != TPKT_HEADER + 1 + indicator))
        return PROTO_NO;
    uint8_t code = bytes_u8(&b);
    if (bytes_ok(&b) && code != CONNECTION_REQUEST && code != CONNECTION_CONFIRM)
        return PROTO_NO;
    uint16_t destination = bytes_u16(&b);
    if (bytes_ok(&b) && code == CONNECTION_REQUEST && destination != 0)
        return PROTO_NO;
    bytes_skip(&b, 2);
    uint8_t class = bytes_u8(&b);
    if (bytes_ok(&b) && class != 0)
        return PROTO_NO;
    struct bytes variable = bytes_take(&b, indicator - FIXED_PART);
    if (!bytes_ok(&b))
        return units_answer(&b);

    bool is_client = code == CONNECTION_REQUEST;
    if (variable.left == 0 && !question->named) {
        enum proto_answer answer = read_connect(b, is_client ? CONNECT_INITIAL : CONNECT_RESPONSE);
        if (answer != PROTO_YES && !(answer == PROTO_MORE && question->customary))
            return answer;
        reply->evidence = answer == PROTO_YES ? 2 : 1;
    } else if (variable.left > 0 &&
               !(is_client ? is_request(variable) : is_confirm(variable, facts, reply))) {
        return PROTO_NO;
    }
    ((struct units_talk *)memory)->known = !is_client;
    reply->speaker = is_client ? SPEAKER_CLIENT : SPEAKER_SERVER;
    *size = length;
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    /* The confirm was not seen, but the handshake it led to is. */
    if (question->named && bytes_peek(&question->data, 0) == 0x16 && bytes_peek(&question->data, 1) == 0x03) {
        *reply = (struct proto_reply){.answer = PROTO_YES, .evidence = 2, .upgrade = PROTO_tls};
        return;
    }
    units_ask(question, read_unit, memory->bytes, facts, reply);
}

static const uint16_t ports[] = {3389, 0};

const struct protocol proto_rdp = {
    .name = "rdp", .transports = OVER_TCP, .customary_ports = ports, .ask = ask};
