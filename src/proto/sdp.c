/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sdp.c - media end points from SDP: m= and c= lines (RFC 8866 sections 5.7 and 5.14), a=rtcp (RFC 3605),
 * a=rtcp-mux (RFC 5761), and candidates of both kinds, ICE (RFC 5245 section 15.1, with [MS-SDPEXT]'s
 * x-candidate-ipv6) and the older Microsoft form. Called by sip.c. Ignored: media that is not RTP, keys,
 * codecs, host names in place of addresses, and end points past PROTO_LEARNED_MAX in one reply.
 */
#include "sdp.h"

#include "line.h"

enum {
    DISCARD_PORT = 9
}; /* stands for "no port yet": RFC 8840 4.1.1, and an active TCP candidate, RFC 6544 4.5 */

static bool is_same(const struct proto_learned *a, const struct proto_learned *b)
{
    return a->transport == b->transport && a->port == b->port && a->has_addr == b->has_addr &&
           addr_equal(&a->addr, &b->addr);
}

static void learn(const struct sdp *sdp, uint8_t transport, const struct addr *addr, uint32_t port,
                  struct proto_reply *reply)
{
    struct proto_learned found = {.kind = LEARNED_MEDIA,
                                  .transport = transport,
                                  .modality = sdp->modality,
                                  .srtp = sdp->srtp,
                                  .port = (uint16_t)port,
                                  .has_addr = addr != NULL};
    if (port == 0 || port > UINT16_MAX || port == DISCARD_PORT)
        return;
    if (addr)
        found.addr = *addr;
    if (addr && addr_is_unspecified(addr)) /* a call on hold, RFC 3264 section 8.4 */
        return;
    for (unsigned i = 0; i < reply->learned_count; i++)
        if (is_same(&reply->learned[i], &found))
            return;
    if (reply->learned_count < PROTO_LEARNED_MAX)
        reply->learned[reply->learned_count++] = found;
}

static bool read_addr(struct bytes word, struct addr *addr)
{
    char text[ADDR_TEXT_SIZE] = {0};
    size_t size = word.left;
    return size > 0 && size < sizeof text && bytes_copy(&word, text, size) && addr_parse(text, addr);
}

/* "IN IP4 192.0.2.1/127" as c= and a=rtcp have it; the part behind the slash is a multicast TTL. */
static bool read_connection(struct bytes line, struct addr *addr)
{
    struct bytes network = line_word(&line);
    struct bytes family = line_word(&line);
    struct bytes text = line_until(&line, '/');
    return line_is(network, "IN") && (line_is(family, "IP4") || line_is(family, "IP6")) &&
           read_addr(text, addr);
}

static const struct addr *current_addr(const struct sdp *sdp)
{
    if (sdp->has_media_addr)
        return &sdp->media_addr;
    return sdp->has_session_addr ? &sdp->session_addr : NULL;
}

/* Only now is it known whether a c= or an a=rtcp line followed the m= line. */
static void close_media(struct sdp *sdp, struct proto_reply *reply)
{
    if (!sdp->is_open)
        return;
    sdp->is_open = false;
    learn(sdp, sdp->transport, current_addr(sdp), sdp->port, reply);
    if (!sdp->has_rtcp && sdp->transport == OVER_UDP && sdp->port != 0 && sdp->port != DISCARD_PORT)
        learn(sdp, OVER_UDP, current_addr(sdp), sdp->port + 1u, reply); /* RFC 3550 section 11 */
}

static uint8_t modality_of(struct bytes media)
{
    if (line_is(media, "audio"))
        return MODALITY_AUDIO;
    if (line_is(media, "video"))
        return MODALITY_VIDEO;
    return line_is(media, "applicationsharing") ? MODALITY_APPLICATION_SHARING : MODALITY_UNKNOWN;
}

/* "audio 50018 RTP/SAVP 114 0" */
static void media_line(struct sdp *sdp, struct bytes line, struct proto_reply *reply)
{
    close_media(sdp, reply);
    struct bytes media = line_word(&line);
    struct bytes ports = line_word(&line); /* "port/count" is possible */
    struct bytes profile = line_word(&line);
    uint32_t port = 0;

    sdp->in_media = true;
    sdp->has_media_addr = sdp->has_rtcp = false;
    sdp->is_rtp = line_contains(profile, "RTP/") && line_number(line_until(&ports, '/'), UINT16_MAX, &port);
    sdp->is_open = sdp->is_rtp;
    sdp->port = (uint16_t)port;
    sdp->transport = line_begins(profile, "TCP/") ? OVER_TCP : OVER_UDP;
    sdp->srtp = line_contains(profile, "SAVP");
    sdp->modality = modality_of(media);
}

static void connection_line(struct sdp *sdp, struct bytes line)
{
    struct addr addr;
    if (!read_connection(line, &addr))
        return;
    if (sdp->in_media) {
        sdp->media_addr = addr;
        sdp->has_media_addr = true;
    } else {
        sdp->session_addr = addr;
        sdp->has_session_addr = true;
    }
}

/* "53020" or "53020 IN IP4 192.0.2.1", RFC 3605 section 2.1 */
static void rtcp_line(struct sdp *sdp, struct bytes line, struct proto_reply *reply)
{
    struct addr addr;
    uint32_t port;
    if (!line_number(line_word(&line), UINT16_MAX, &port))
        return;
    sdp->has_rtcp = true;
    learn(sdp, sdp->transport, read_connection(line, &addr) ? &addr : current_addr(sdp), port, reply);
}

static uint8_t transport_of(struct bytes word)
{
    if (line_is(word, "UDP"))
        return OVER_UDP;
    /* TCP (RFC 6544); TCP-ACT, TCP-PASS and TCP-SO of [MS-SDPEXT] */
    return line_is(word, "TCP") || line_begins(word, "TCP-") ? OVER_TCP : 0;
}

/*
 * ICE: foundation component TRANSPORT priority address port typ ...
 * the older form: user component password TRANSPORT q address port
 */
static void candidate_line(const struct sdp *sdp, struct bytes line, struct proto_reply *reply)
{
    line_word(&line);
    line_word(&line);
    uint8_t transport = transport_of(line_word(&line));
    if (!transport)
        transport = transport_of(line_word(&line));
    line_word(&line);
    struct bytes address = line_word(&line);
    struct addr addr;
    uint32_t port;
    if (transport && read_addr(address, &addr) && line_number(line_word(&line), UINT16_MAX, &port))
        learn(sdp, transport, &addr, port, reply);
}

static void attribute_line(struct sdp *sdp, struct bytes line, struct proto_reply *reply)
{
    if (!sdp->is_rtp)
        return;
    struct bytes name = line_until(&line, ':');
    if (line_is(name, "candidate") || line_is(name, "x-candidate-ipv6"))
        candidate_line(sdp, line, reply);
    else if (line_is(name, "rtcp"))
        rtcp_line(sdp, line, reply);
    else if (line_is(name, "rtcp-mux"))
        sdp->has_rtcp = true;
}

void sdp_line(struct sdp *sdp, struct bytes line, struct proto_reply *reply)
{
    int type = bytes_peek(&line, 0);
    if (bytes_peek(&line, 1) != '=')
        return;
    bytes_skip(&line, 2);
    if (type == 'v') /* a multipart body holds several descriptions */
        sdp_end(sdp, reply);
    else if (type == 'm')
        media_line(sdp, line, reply);
    else if (type == 'c')
        connection_line(sdp, line);
    else if (type == 'a')
        attribute_line(sdp, line, reply);
}

void sdp_end(struct sdp *sdp, struct proto_reply *reply)
{
    close_media(sdp, reply);
    *sdp = (struct sdp){.is_open = false};
}
