/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sip.c - recognises SIP (RFC 3261 sections 7 and 18.3) over TCP and UDP and hands the session descriptions
 * in its bodies to sdp.c. A start line names it; headers confirm it. The text is read line by line as it
 * arrives, so a message may span segments and be longer than the window; bodies that are no SDP are skipped
 * by their Content-Length. Ignored: header folding, SIP inside TLS, compression, and everything a body says
 * but SDP.
 */
#include "rolecall/proto.h"

#include "line.h"
#include "sdp.h"

enum { METHOD_MAX = 20, KEEPALIVE_MAX = 4, STATUS_MAX = 699, BODY_MAX = 1 << 24 };

enum phase { AT_START, IN_HEADERS, IN_BODY, LOST };

/* Where one side's stream stands, from one question to the next. */
struct sip_side {
    uint8_t phase;
    bool body_is_sdp;
    bool has_length; /* a Content-Length was there */
    bool confirmed;  /* a start line of this side was seen */
    uint32_t body_left;
    struct sdp sdp;
};

struct sip_memory {
    struct sip_side sides[2];
};
_Static_assert(sizeof(struct sip_memory) <= PROTO_MEMORY_SIZE, "does not fit into what a flow lends");

struct start_line {
    bool is_request;
    struct bytes method, uri; /* of a request */
};

static const char version[] = "SIP/2.0";

static void skip_line_ends(struct bytes *text)
{
    while (bytes_peek(text, 0) == '\r' || bytes_peek(text, 0) == '\n')
        bytes_skip(text, 1);
}

/* RFC 3261 section 25.1 allows more, but every method that is registered consists of capital letters. */
static bool is_method(struct bytes word)
{
    if (word.left == 0 || word.left > METHOD_MAX)
        return false;
    while (word.left > 0) {
        uint8_t letter = bytes_u8(&word);
        if (letter < 'A' || letter > 'Z')
            return false;
    }
    return true;
}

/* Every URI of a request has one, RFC 3261 section 25.1. */
static bool has_scheme(struct bytes uri)
{
    return bytes_find(&uri, ':', SIZE_MAX) != SIZE_MAX;
}

/* "METHOD uri SIP/2.0", RFC 3261 section 7.1, or "SIP/2.0 200 reason", section 7.2. */
static bool read_start_line(struct bytes line, struct start_line *start)
{
    struct bytes first = line_word(&line);
    struct bytes second = line_word(&line);
    struct bytes third = line_word(&line);
    uint32_t status;

    *start = (struct start_line){.is_request = !line_is(first, version), .method = first, .uri = second};
    if (!start->is_request)
        return second.left == 3 && line_number(second, STATUS_MAX, &status) && status >= 100;
    return is_method(first) && has_scheme(second) && line_is(third, version) && line.left == 0;
}

/* The beginning of a start line whose end has not arrived, or was not captured. */
static bool may_become_start_line(struct bytes line)
{
    if (line_may_begin(line, version))
        return true;
    if (!is_method(line_word(&line)))
        return false;
    struct bytes uri = line_word(&line);
    return (line.left == 0 || has_scheme(uri)) && line_may_begin(line, version);
}

/* Via, From, To, Call-ID and CSeq stand in every message: RFC 3261 section 8.1.1; short forms, section 7.3.3.
 */
static bool is_mandatory(struct bytes name)
{
    static const char *const names[] = {"via", "v", "from", "f", "to", "t", "call-id", "i", "cseq"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (line_is(name, names[i]))
            return true;
    return false;
}

/* Do these bytes begin with a SIP message? *evidence: 2 when a header was there too. */
static enum proto_answer recognise(struct bytes text, bool may_go_on, struct start_line *start,
                                   uint8_t *evidence)
{
    struct bytes line, name, value;

    skip_line_ends(&text);
    if (text.left > 0 && !line_is_letter(bytes_peek(&text, 0))) /* most of what is asked about is no text */
        return PROTO_NO;
    if (!line_next(&text, !may_go_on, &line))
        return may_go_on && text.left < PROTO_WINDOW_SIZE && may_become_start_line(text) ? PROTO_MORE
                                                                                         : PROTO_NO;
    if (!read_start_line(line, start))
        return PROTO_NO;
    *evidence = 1;
    while (line_next(&text, !may_go_on, &line) && line_header(line, &name, &value))
        if (is_mandatory(name))
            *evidence = 2;
    return PROTO_YES;
}

/* "sip:user@host:port;parameters", RFC 3261 section 19.1.1, without the host of tel: and the like */
static struct bytes uri_host(struct bytes uri)
{
    struct bytes scheme = line_until(&uri, ':');
    if (!line_is(scheme, "sip") && !line_is(scheme, "sips"))
        return bytes_of(NULL, 0);
    if (bytes_find(&uri, '@', SIZE_MAX) != SIZE_MAX)
        line_until(&uri, '@');
    if (bytes_peek(&uri, 0) == '[') { /* IPv6 */
        bytes_skip(&uri, 1);
        return line_until(&uri, ']');
    }
    struct bytes host = line_until(&uri, ';');
    host = line_until(&host, '?');
    return line_until(&host, ':');
}

static void note(struct proto_text *text, struct bytes from)
{
    if (text->size == 0 && from.left > 0)
        proto_text_set(text, from.at, from.left);
}

static void begin_message(struct sip_side *side, const struct start_line *start, struct proto_facts *facts)
{
    *side = (struct sip_side){.phase = IN_HEADERS, .confirmed = true};
    if (!start->is_request)
        return;
    note(&facts->detail, start->method);
    note(&facts->server_name, uri_host(start->uri));
}

static void header_line(struct sip_side *side, struct bytes line, struct proto_facts *facts)
{
    struct bytes name, value;
    if (!line_header(line, &name, &value))
        return;
    if (line_is(name, "content-length") || line_is(name, "l")) {
        side->has_length = line_number(value, BODY_MAX, &side->body_left);
    } else if (line_is(name, "content-type") || line_is(name, "c")) {
        side->body_is_sdp = line_begins(value, "application/sdp") || line_begins(value, "multipart/");
    } else if (line_is(name, "user-agent") || line_is(name, "server")) {
        note(&facts->agent, value);
    } else if (line_is(name, "cseq")) { /* "1 INVITE": a response's only word on its method */
        line_word(&value);
        note(&facts->detail, line_word(&value));
    }
}

/* The lines of a description that are there; the last one may lack its end when the body ends with it. */
static void read_description(struct sip_side *side, struct bytes *text, struct proto_reply *reply)
{
    bool whole = side->body_left <= text->left;
    struct bytes ahead = *text;
    struct bytes body = bytes_take(&ahead, whole ? side->body_left : text->left);
    struct bytes line;
    size_t before = body.left;

    while (line_next(&body, whole, &line))
        sdp_line(&side->sdp, line, reply);
    side->body_left -= (uint32_t)(before - body.left);
    bytes_skip(text, before - body.left);
    if (side->body_left == 0)
        sdp_end(&side->sdp, reply);
}

/* Start line or header; the empty line behind the headers begins the body. False: no whole line is there. */
static bool read_line(struct sip_side *side, struct bytes *text, bool whole, struct proto_facts *facts)
{
    struct bytes line;
    struct start_line start;

    if (side->phase == AT_START)
        skip_line_ends(text);
    if (!line_next(text, whole, &line))
        return false;
    if (side->phase != IN_HEADERS) {
        if (read_start_line(line, &start))
            begin_message(side, &start, facts);
        else
            side->phase = LOST;
    } else if (line.left > 0) {
        header_line(side, line, facts);
    } else {
        side->phase = IN_BODY;
    }
    return true;
}

/* Gives the bytes dealt with, which may be more than there are: a body that is no SDP is not waited for. */
static size_t read_stream(struct sip_side *side, struct bytes text, struct proto_facts *facts,
                          struct proto_reply *reply)
{
    size_t size = text.left, beyond = 0;
    bool goes_on = true;

    while (goes_on && text.left > 0) {
        if (side->phase == IN_BODY && side->body_is_sdp) {
            read_description(side, &text, reply);
        } else if (side->phase == IN_BODY) {
            size_t here = side->body_left < text.left ? side->body_left : text.left;
            bytes_skip(&text, here);
            beyond = side->body_left - here;
            side->body_left = 0;
        } else {
            goes_on = read_line(side, &text, false, facts);
            continue;
        }
        goes_on = side->body_left == 0;
        if (goes_on)
            side->phase = AT_START;
    }
    if (text.left == size && size >= PROTO_WINDOW_SIZE) { /* a line longer than the window */
        bytes_skip(&text, size);
        side->body_left -= side->body_left < size ? side->body_left : (uint32_t)size;
    }
    return size - text.left + beyond;
}

/* A datagram is one message; without a Content-Length its body reaches to the end, RFC 3261 section 18.3. */
static void read_datagram(struct bytes text, struct proto_facts *facts, struct proto_reply *reply)
{
    struct sip_side side = {.phase = AT_START};

    while (side.phase != IN_BODY && read_line(&side, &text, !text.cut, facts))
        ;
    if (side.phase != IN_BODY || !side.body_is_sdp)
        return;
    if (!side.has_length || (side.body_left > text.left && !text.cut))
        side.body_left = (uint32_t)text.left + text.cut;
    read_description(&side, &text, reply);
}

static void ask_datagram(const struct proto_question *question, struct proto_facts *facts,
                         struct proto_reply *reply)
{
    struct start_line start;

    /* CR LF, twice (RFC 5626 section 3.5.1), or four zeros of other stacks */
    if (question->named && question->wirelen <= KEEPALIVE_MAX && !question->data.cut) {
        reply->answer = PROTO_YES;
        reply->evidence = 1;
        return;
    }
    reply->answer = recognise(question->data, question->data.cut, &start, &reply->evidence);
    if (reply->answer != PROTO_YES)
        return;
    if (!question->named)
        reply->speaker = start.is_request ? SPEAKER_CLIENT : SPEAKER_SERVER;
    read_datagram(question->data, facts, reply);
}

static void ask_stream(const struct proto_question *question, struct sip_memory *memory,
                       struct proto_facts *facts, struct proto_reply *reply)
{
    struct sip_side *side = &memory->sides[question->side & 1];
    struct start_line start;

    if (!question->named) {
        reply->answer = recognise(question->data, true, &start, &reply->evidence);
        if (reply->answer != PROTO_YES)
            return;
        reply->speaker = start.is_request ? SPEAKER_CLIENT : SPEAKER_SERVER;
    }
    if (question->gap)
        *side = (struct sip_side){.phase = LOST, .confirmed = side->confirmed};
    reply->used = read_stream(side, question->data, facts, reply);
    reply->answer = reply->used > 0 || side->confirmed ? PROTO_YES : PROTO_MORE;
    if (question->named)
        reply->evidence = side->confirmed ? 2 : 1;
}

static void ask(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply)
{
    if (question->transport == OVER_UDP)
        ask_datagram(question, facts, reply);
    else
        ask_stream(question, (struct sip_memory *)(void *)memory->bytes, facts, reply);
}

static const uint16_t ports[] = {5060, 5068, 0}; /* PROTOCOLS: clear SIP of phones and trunks */

const struct protocol proto_sip = {.name = "sip",
                                   .transports = OVER_TCP | OVER_UDP,
                                   .customary_ports = ports,
                                   .least = {11, 11}, /* "SIP/2.0 100" */
                                   .begins = {{0, '\n', '\r'}, {0, 'A', 'Z'}, {0, 'a', 'z'}},
                                   .ask = ask};
