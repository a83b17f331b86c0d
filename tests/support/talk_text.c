/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk_text.c - plays the text protocols: SIP with SDP, HTTP, XMPP between servers.
 *
 * Specifications: RFC 3261, RFC 4566, [MS-SDPEXT] names, RFC 9112, RFC 6120, XEP-0220.
 */
#include "talk.h"

/* What the two ends say in turn, the client first. */
static void say_in_turn(struct tcp *tcp, const struct buf *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        tcp_say_buf(tcp, i % 2 == 0 ? CLIENT : SERVER, &texts[i]);
        tcp_pause(tcp, 10 * MS);
    }
}

static void put_sip_headers(struct buf *b, const struct end *client, uint32_t tag, bool answer,
                            const char *method)
{
    char text[ADDR_TEXT_SIZE];
    buf_format(b, "Via: SIP/2.0/TCP %s:%u;branch=z9hG4bK%08x\r\n", addr_text(&client->addr, text),
               client->port, tag);
    buf_text(b, "Max-Forwards: 70\r\n");
    buf_format(b, "From: <sip:alice@contoso.example>;tag=%08x;epid=01dfc5e9c2\r\n", tag);
    buf_format(b, "To: <sip:bob@contoso.example>%s\r\n", answer ? ";tag=8F2A" : "");
    buf_format(b, "Call-ID: %08x%08x@contoso.example\r\nCSeq: 1 %s\r\n", tag, ~tag, method);
    if (answer)
        buf_text(b, "Server: RTC/7.0\r\n");
    else
        buf_format(b, "Contact: <sip:%s:%u>\r\nUser-Agent: RTCC/7.0.0.0 MediationServer\r\n", text,
                   client->port);
}

static void put_sdp(struct buf *b, struct end media)
{
    char text[ADDR_TEXT_SIZE];
    addr_text(&media.addr, text);
    unsigned family = addr_is_v4(&media.addr) ? 4 : 6;
    struct buf body = {0};
    buf_format(&body, "v=0\r\no=- 0 1 IN IP%u %s\r\ns=session\r\nc=IN IP%u %s\r\nt=0 0\r\n", family, text,
               family, text);
    buf_format(&body, "m=audio %u RTP/AVP 114 0 101\r\na=rtpmap:114 x-msrta/16000\r\n", media.port);
    buf_text(&body, "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n");
    buf_format(b, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n", body.size);
    buf_put(b, body.bytes, body.size);
}

static struct buf sip_request(const struct end *client, uint32_t tag, const char *method)
{
    struct buf b = {0};
    buf_format(&b, "%s sip:bob@contoso.example SIP/2.0\r\n", method);
    put_sip_headers(&b, client, tag, false, method);
    return b;
}

static struct buf sip_answer(const struct end *client, uint32_t tag, const char *method)
{
    struct buf b = {0};
    buf_text(&b, "SIP/2.0 200 OK\r\n");
    put_sip_headers(&b, client, tag, true, method);
    return b;
}

int64_t talk_sip(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    uint32_t tag = scene_random(scene);
    struct buf texts[2] = {sip_request(&client, tag, "OPTIONS"), sip_answer(&client, tag, "OPTIONS")};
    for (unsigned i = 0; i < 2; i++)
        buf_text(&texts[i], "Content-Length: 0\r\n\r\n");
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_in_turn(&tcp, texts, 2);
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_sip_udp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    uint32_t tag = scene_random(scene);
    struct buf request = sip_request(&client, tag, "OPTIONS"), answer = sip_answer(&client, tag, "OPTIONS");
    buf_text(&request, "Content-Length: 0\r\n\r\n");
    buf_text(&answer, "Content-Length: 0\r\n\r\n");
    wire_udp(scene, start_ns, client, server, request.bytes, request.size);
    wire_udp(scene, start_ns + 5 * MS, server, client, answer.bytes, answer.size);
    return start_ns + 5 * MS;
}

int64_t talk_sip_call(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                      struct end caller_media, struct end callee_media)
{
    uint32_t tag = scene_random(scene);
    struct buf texts[3] = {sip_request(&client, tag, "INVITE"), sip_answer(&client, tag, "INVITE"),
                           sip_request(&client, tag, "ACK")};
    put_sdp(&texts[0], caller_media);
    put_sdp(&texts[1], callee_media);
    buf_text(&texts[2], "Content-Length: 0\r\n\r\n");
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_in_turn(&tcp, texts, 3);
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_http(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf texts[2] = {{0}, {0}};
    buf_text(
        &texts[0],
        "GET /autodiscover/autodiscoverservice.svc/root HTTP/1.1\r\nHost: lyncdiscover.contoso.example\r\n"
        "User-Agent: OC/16.0.4266.1001 (Skype for Business)\r\nAccept: application/vnd.microsoft."
        "rtc.autodiscover+xml;v=1\r\n\r\n");
    buf_text(&texts[1],
             "HTTP/1.1 200 OK\r\nServer: Microsoft-IIS/8.5\r\nContent-Type: text/xml\r\nContent-Length: "
             "23\r\n\r\n<AutodiscoverResponse/>");
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_in_turn(&tcp, texts, 2);
    tcp_close(&tcp);
    return tcp.now;
}

/* RFC 6120 section 4.2: each side opens its stream, the server then tells its features. */
static void say_streams(struct tcp *tcp, const char *features)
{
    struct buf texts[2] = {{0}, {0}};
    buf_text(&texts[0],
             "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
             "xmlns:stream='http://etherx.jabber.org/streams' "
             "xmlns:db='jabber:server:dialback' from='fabrikam.example' to='contoso.example' version='1.0'>");
    buf_format(
        &texts[1],
        "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
        "xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='%08x' "
        "from='contoso.example' to='fabrikam.example' version='1.0'><stream:features>%s</stream:features>",
        scene_random(tcp->scene), features);
    say_in_turn(tcp, texts, 2);
}

int64_t talk_xmpp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf texts[2] = {{0}, {0}};
    buf_format(&texts[0], "<db:result from='fabrikam.example' to='contoso.example'>%08x</db:result>",
               scene_random(scene));
    buf_text(&texts[1], "<db:result from='contoso.example' to='fabrikam.example' type='valid'/>");
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_streams(&tcp, "<dialback xmlns='urn:xmpp:features:dialback'/>");
    say_in_turn(&tcp, texts, 2);
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_xmpp_tls(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf texts[2] = {{0}, {0}};
    buf_text(&texts[0], "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    buf_text(&texts[1], "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    say_streams(&tcp, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>");
    say_in_turn(&tcp, texts, 2);
    tls_over(&tcp, &(struct tls_talk){.server_name = "contoso.example"});
    tcp_close(&tcp);
    return tcp.now;
}
