/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sip.c - SIP in datagrams and streams: start lines, facts, bodies by length, streams in pieces and with
 * gaps.
 */
#include "asked.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define HEADERS                                                                                              \
    "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@contoso.example>;tag=1\r\n"                  \
    "To: <sip:b@contoso.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nUser-Agent: UCCAPI/16.0 OC/16.0\r\n"
#define REQUEST_LINE "INVITE sip:b@contoso.example:5061;transport=tcp SIP/2.0\r\n"
#define SDP_BODY     "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 50018 RTP/SAVP 114\r\na=rtcp:50020"
#define INVITE       REQUEST_LINE HEADERS "Content-Type: application/sdp\r\nContent-Length: 65\r\n\r\n" SDP_BODY
#define ANSWER       "SIP/2.0 200 OK\r\n" HEADERS "Content-Length: 0\r\n\r\n"

_Static_assert(sizeof SDP_BODY - 1 == 65, "the Content-Length above");

static struct payload text_of(const char *text)
{
    struct payload payload = {.size = 0};
    payload_text(&payload, text);
    return payload;
}

static enum proto_answer first_of(enum proto_transport transport, const char *text)
{
    struct payload payload = text_of(text);
    return asked_first(&proto_sip, transport, &payload);
}

/* A stream as the engine keeps it: what was not used is asked again, what was used beyond the end is skipped.
 */
struct stream {
    struct asked asked;
    uint8_t window[PROTO_WINDOW_SIZE];
    size_t count, skip;
    bool gap;
    unsigned learned;
    uint16_t ports[64];
};

static void stream_ask(struct stream *s)
{
    size_t used = 1;
    while (used > 0 && s->count > 0) {
        struct proto_question question = {.transport = OVER_TCP,
                                          .start = !s->asked.named,
                                          .named = s->asked.named,
                                          .gap = s->gap,
                                          .data = bytes_of(s->window, s->count)};
        memset(&s->asked.reply, 0, sizeof s->asked.reply);
        proto_sip.ask(&question, &s->asked.memory, &s->asked.facts, &s->asked.reply);
        s->gap = false;
        TEST_ASSERT_TRUE(s->asked.reply.answer != PROTO_NO);
        s->asked.named |= s->asked.reply.answer == PROTO_YES;
        for (unsigned i = 0; i < s->asked.reply.learned_count; i++)
            s->ports[s->learned++ % 64] = s->asked.reply.learned[i].port;
        used = s->asked.reply.used;
        TEST_ASSERT_TRUE(used > 0 || s->count < sizeof s->window);
        size_t here = used < s->count ? used : s->count;
        s->skip = used - here;
        memmove(s->window, s->window + here, s->count - here);
        s->count -= here;
    }
}

static void stream_feed(struct stream *s, const char *text, size_t piece)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        size_t n = size - at < piece ? size - at : piece;
        if (s->skip > 0) {
            n = n < s->skip ? n : s->skip;
            s->skip -= n;
        } else {
            n = n < sizeof s->window - s->count ? n : sizeof s->window - s->count;
            memcpy(s->window + s->count, text + at, n);
            s->count += n;
            stream_ask(s);
        }
        at += n;
    }
}

static struct stream *stream_new(void)
{
    static struct stream stream;
    memset(&stream, 0, sizeof stream);
    return &stream;
}

static void assert_invite_learned(const struct proto_reply *reply)
{
    TEST_ASSERT_EQUAL_UINT(2, reply->learned_count);
    TEST_ASSERT_EQUAL_UINT(50020,
                           reply->learned[0].port); /* a=rtcp is told at once, m= when its part ended */
    TEST_ASSERT_EQUAL_UINT(50018, reply->learned[1].port);
    TEST_ASSERT_EQUAL_UINT(MODALITY_AUDIO, reply->learned[1].modality);
    TEST_ASSERT_TRUE(reply->learned[1].srtp);
}

static void test_a_call_in_datagrams(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_UDP);
    struct payload invite = text_of(INVITE), answer = text_of(ANSWER);

    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &invite));
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    assert_invite_learned(&asked.reply);
    ASSERT_TEXT("contoso.example", asked.facts.server_name);
    ASSERT_TEXT("UCCAPI/16.0 OC/16.0", asked.facts.agent);
    ASSERT_TEXT("INVITE", asked.facts.detail);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &answer));
    TEST_ASSERT_FALSE(asked.reply.settled);
}

static void test_a_response_alone(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_UDP);
    struct payload answer = text_of(ANSWER);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &answer));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    ASSERT_TEXT("INVITE", asked.facts.detail); /* from CSeq */
    TEST_ASSERT_EQUAL_UINT(0, asked.facts.server_name.size);
}

static void test_a_start_line_without_headers_is_weaker(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_UDP);
    struct payload weak = text_of("REGISTER sip:192.0.2.1:5060 SIP/2.0\r\nExpires: 3600\r\n\r\n");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &weak));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.evidence);
    ASSERT_TEXT("192.0.2.1", asked.facts.server_name);
}

static void test_hosts_of_request_uris(void)
{
    static const char *const uris[][2] = {{"sip:a@[2001:db8::1]:5061", "2001:db8::1"},
                                          {"sips:contoso.example;lr", "contoso.example"},
                                          {"sip:a@b.example?subject=x", "b.example"},
                                          {"tel:+15551234", ""}};
    for (unsigned i = 0; i < 4; i++) {
        struct asked asked = asked_new(&proto_sip, OVER_UDP);
        struct payload payload = {.size = 0};
        payload_text(&payload, "SERVICE ");
        payload_text(&payload, uris[i][0]);
        payload_text(&payload, " SIP/2.0\r\n");
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
        TEST_ASSERT_EQUAL_UINT(strlen(uris[i][1]), asked.facts.server_name.wirelen);
        TEST_ASSERT_TRUE(memcmp(uris[i][1], asked.facts.server_name.bytes, strlen(uris[i][1])) == 0);
    }
}

static void test_what_is_no_start_line(void)
{
    static const char *const texts[] = {"GET http://a/ HTTP/1.1\r\n",
                                        "invite sip:a@b SIP/2.0\r\n",
                                        "INVITE SIP/2.0\r\n",
                                        "INVITE sip:a@b SIP/3.0\r\n",
                                        "INVITE sip:a@b SIP/2.0 more\r\n",
                                        "SIP/2.0 99 Low\r\n",
                                        "SIP/2.0 700 High\r\n",
                                        "SIP/2.0 2000 Long\r\n",
                                        "SIP/2.1 200 OK\r\n",
                                        "INVITES_ sip:a@b SIP/2.0\r\n",
                                        "ABCDEFGHIJKLMNOPQRSTU x SIP/2.0\r\n",
                                        " INVITE sip:a@b SIP/2.0\r\n"};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, first_of(OVER_UDP, texts[i]), texts[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, first_of(OVER_TCP, texts[i]), texts[i]);
    }
}

static void test_beginnings_of_a_start_line_wait_on_streams_alone(void)
{
    static const char *const possible[] = {"I", "INVITE", "INVITE sip:a@b", "INVITE sip:a@b SI", "SIP/2"};
    static const char *const impossible[] = {"i",          "INVITE x SIP/2.0", "INVITE x SIP/2.0\r\n",
                                             "INVITE a b", "HTTP/1.1 200",     "\x16\x03"};
    for (unsigned i = 0; i < sizeof possible / sizeof possible[0]; i++) {
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_MORE, first_of(OVER_TCP, possible[i]), possible[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, first_of(OVER_UDP, possible[i]), possible[i]);
    }
    for (unsigned i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
        TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, first_of(OVER_TCP, impossible[i]), impossible[i]);
}

static void test_every_beginning_of_a_message_is_right_or_too_short(void)
{
    struct payload invite = text_of(INVITE), answer = text_of(ANSWER);
    assert_right_at_each_length(&proto_sip, OVER_UDP, false, &invite);
    assert_right_at_each_length(&proto_sip, OVER_UDP, false, &answer);
    assert_right_at_each_length(&proto_sip, OVER_TCP, false, &invite);
}

static void test_a_port_that_the_capture_cut_is_not_learned(void)
{
    struct payload invite = text_of(INVITE);
    for (size_t caplen = invite.size - 1; caplen > 400; caplen--) {
        struct asked asked = asked_new(&proto_sip, OVER_UDP);
        asked_some(&asked, 0, &invite, caplen);
        TEST_ASSERT_EQUAL_UINT(0, asked.reply.learned_count);
    }
}

static void test_keepalives_belong_to_a_named_flow(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_UDP);
    struct payload keepalive = text_of("\r\n\r\n"), invite = text_of(INVITE), other = text_of("hello");
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &keepalive));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &invite));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &keepalive));
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &other));
}

static void test_lines_behind_the_content_length_are_not_read(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_UDP);
    struct payload payload =
        text_of(REQUEST_LINE HEADERS "c: application/sdp\r\nl: 5\r\n\r\nv=0\r\nc=IN IP4 192.0.2.1\r\n"
                                     "m=audio 50018 RTP/AVP 0\r\n");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.learned_count);
}

static void test_a_datagram_without_length_has_its_body_to_the_end(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_UDP);
    struct payload payload =
        text_of(REQUEST_LINE HEADERS "Content-Type: multipart/mixed;boundary=x\r\n\r\n" SDP_BODY);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    assert_invite_learned(&asked.reply);
}

static void test_a_stream_in_pieces_of_any_size(void)
{
    for (size_t piece = 1; piece < 1400; piece += piece < 40 ? 1 : 97) {
        struct stream *s = stream_new();
        stream_feed(s, "\r\n\r\n" INVITE "\r\n\r\n" INVITE, piece);
        TEST_ASSERT_TRUE(s->asked.named);
        /* both calls name the same end points: one reply tells them once */
        TEST_ASSERT_EQUAL_UINT(piece < 2 * sizeof INVITE ? 4 : 2, s->learned);
        TEST_ASSERT_EQUAL_UINT(50018, s->ports[s->learned - 1]);
        TEST_ASSERT_EQUAL_UINT(0, s->count);
        ASSERT_TEXT("INVITE", s->asked.facts.detail);
    }
}

static void test_a_message_longer_than_the_window(void)
{
    static char text[24000];
    struct stream *s = stream_new();
    strcpy(text, REQUEST_LINE HEADERS "Content-Type: application/sdp\r\nContent-Length: 6090\r\n");
    for (unsigned i = 0; i < 100; i++)
        strcat(text, "X-Padding: 0123456789012345678901234567890123456789012345678901234\r\n");
    strcat(text, "\r\n");
    for (unsigned i = 0; i < 100; i++)
        strcat(text, "a=pad:012345678901234567890123456789012345678901234567890\r\n");
    size_t padding = 100 * strlen("a=pad:012345678901234567890123456789012345678901234567890\r\n");
    for (size_t i = padding; i + 65 < 6090; i++)
        strcat(text, i + 66 == 6090 ? "\n" : "x");
    strcat(text, SDP_BODY ANSWER);
    stream_feed(s, text, 1400);
    TEST_ASSERT_EQUAL_UINT(2, s->learned);
    TEST_ASSERT_EQUAL_UINT(50018, s->ports[1]);
    TEST_ASSERT_EQUAL_UINT(0, s->count);
}

static void test_a_line_longer_than_the_window_is_skipped(void)
{
    static char text[24000];
    struct stream *s = stream_new();
    strcpy(text, REQUEST_LINE HEADERS "X-Long: ");
    for (unsigned i = 0; i < 9000; i++)
        strcat(text, "x");
    strcat(text, "\r\nContent-Length: 0\r\n\r\n" INVITE);
    stream_feed(s, text, 1400);
    TEST_ASSERT_EQUAL_UINT(2, s->learned);
}

static void test_a_body_that_is_no_sdp_is_skipped(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_TCP);
    struct payload payload = text_of(REQUEST_LINE HEADERS "Content-Type: application/pidf+xml\r\n"
                                                          "Content-Length: 90000\r\n\r\n<presence");
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    TEST_ASSERT_EQUAL_UINT(payload.size - 9 + 90000, asked.reply.used);
    payload = text_of(INVITE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &payload));
    assert_invite_learned(&asked.reply);
}

static void test_after_a_gap_the_next_start_line_is_found(void)
{
    struct stream *s = stream_new();
    stream_feed(s, REQUEST_LINE HEADERS "Content-Type: application/sdp\r\nContent-Length: 500\r\n\r\nv=0\r\n",
                1400);
    s->gap = true;
    stream_feed(s, "a=lost\r\nm=audio 1000 RTP/AVP 0\r\n" INVITE, 1400);
    TEST_ASSERT_EQUAL_UINT(2, s->learned);
    TEST_ASSERT_EQUAL_UINT(50018, s->ports[1]);
}

static void test_a_start_line_names_a_stream_from_its_middle(void)
{
    struct asked asked = asked_new(&proto_sip, OVER_TCP);
    struct payload invite = text_of(INVITE), other = text_of("a=lost\r\n" INVITE);
    asked.in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &other));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &invite));
    TEST_ASSERT_EQUAL_UINT(invite.size, asked.reply.used);
}

static void test_cut_at_each_length_in_any_case(void)
{
    static const char *const texts[] = {
        "OPTIONS sip:pool.example SIp/2.0\r\nvia: SIP/2.0/UDP 192.0.2.1\r\n\r\n",
        "sip/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1\r\n\r\n", "REGISTER sip:pool.example SIP/2.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct payload payload = text_of(texts[i]);
        assert_right_at_each_length(&proto_sip, OVER_UDP, false, &payload);
        assert_right_at_each_length(&proto_sip, OVER_TCP, false, &payload);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_a_call_in_datagrams);
    RUN_TEST(test_a_response_alone);
    RUN_TEST(test_a_start_line_without_headers_is_weaker);
    RUN_TEST(test_hosts_of_request_uris);
    RUN_TEST(test_what_is_no_start_line);
    RUN_TEST(test_beginnings_of_a_start_line_wait_on_streams_alone);
    RUN_TEST(test_every_beginning_of_a_message_is_right_or_too_short);
    RUN_TEST(test_a_port_that_the_capture_cut_is_not_learned);
    RUN_TEST(test_keepalives_belong_to_a_named_flow);
    RUN_TEST(test_lines_behind_the_content_length_are_not_read);
    RUN_TEST(test_a_datagram_without_length_has_its_body_to_the_end);
    RUN_TEST(test_a_stream_in_pieces_of_any_size);
    RUN_TEST(test_a_message_longer_than_the_window);
    RUN_TEST(test_a_line_longer_than_the_window_is_skipped);
    RUN_TEST(test_a_body_that_is_no_sdp_is_skipped);
    RUN_TEST(test_after_a_gap_the_next_start_line_is_found);
    RUN_TEST(test_a_start_line_names_a_stream_from_its_middle);
    RUN_TEST(test_cut_at_each_length_in_any_case);
    return UNITY_END();
}
