/* SPDX-License-Identifier: BSD-2-Clause
 *
 * http2.c - recognises HTTP/2 in clear by the client's preface or the server's first SETTINGS frame. Asked
 * through the registry. Specification: RFC 9113 (3.4 preface, 4.1 frame, 6.5 SETTINGS). Header compression is
 * not undone, so neither host nor path is told; HTTP/2 inside TLS shows as tls with ALPN h2.
 */
#include "rolecall/proto.h"

enum {
    FRAME_HEADER_SIZE = 9,
    FRAME_SETTINGS = 4,
    SETTING_SIZE = 6,
    SETTING_KNOWN_MAX = 9, /* RFC 9113 6.5.2: 1-6; RFC 8441: 8; RFC 9218: 9 */
    SETTINGS_MAX = 32      /* more than anybody sends at once */
};

struct http2_memory {
    bool is_confirmed[2];
};

/* A SETTINGS frame that is no acknowledgement, with at least one setting and none that is unknown. */
static enum proto_answer settings_begin(struct bytes data)
{
    uint32_t body_size = bytes_u24(&data);
    if (bytes_ok(&data) &&
        (body_size == 0 || body_size % SETTING_SIZE != 0 || body_size > SETTINGS_MAX * SETTING_SIZE))
        return PROTO_NO;
    uint8_t type = bytes_u8(&data);
    uint8_t flags = bytes_u8(&data);
    uint32_t stream = bytes_u32(&data);
    if (!bytes_ok(&data))
        return PROTO_MORE;
    if (type != FRAME_SETTINGS || flags != 0 || stream != 0)
        return PROTO_NO;
    if (data.left < body_size)
        return PROTO_MORE;
    struct bytes settings = bytes_take(&data, body_size);
    while (settings.left > 0) {
        uint16_t id = bytes_u16(&settings);
        bytes_skip(&settings, SETTING_SIZE - 2);
        bool is_reserved = (id & 0x0f0f) == 0x0a0a; /* draft-bishop-httpbis-grease */
        if ((id == 0 || id > SETTING_KNOWN_MAX) && !is_reserved)
            return PROTO_NO;
    }
    return PROTO_YES;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; /* RFC 9113 3.4 */
    const size_t preface_size = sizeof preface - 1;
    struct http2_memory *memory = (struct http2_memory *)lent->bytes;
    (void)facts;
    if (memory->is_confirmed[question->side]) {
        reply->answer = PROTO_YES;
        reply->evidence = 1;
        reply->used = question->data.left;
        return;
    }
    bool is_client = bytes_may_begin(&question->data, preface, preface_size);
    if (is_client)
        reply->answer = question->data.left >= preface_size ? PROTO_YES : PROTO_MORE;
    else
        reply->answer = question->start ? settings_begin(question->data) : PROTO_NO;
    if (reply->answer != PROTO_YES)
        return;
    memory->is_confirmed[question->side] = true;
    reply->evidence = is_client || question->named ? 2 : 1;
    reply->speaker = is_client ? SPEAKER_CLIENT : SPEAKER_SERVER;
    reply->used = question->data.left;
    reply->settled = memory->is_confirmed[1 - question->side];
}

const struct protocol proto_http2 = {.name = "http2", .transports = OVER_TCP, .ask = ask};
