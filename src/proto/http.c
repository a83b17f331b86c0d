/* SPDX-License-Identifier: BSD-2-Clause
 *
 * http.c - recognises HTTP/1.0 and 1.1 by the first line of a request or response, and tells host, agent and
 * what was asked for; a CONNECT that was granted is followed until it is seen whether TLS goes through it.
 * Asked through the registry. Specification: RFC 9112 (2.1, 3, 4), RFC 9110 (9.3.6 CONNECT). Only the first
 * head of each side is read; bodies, later requests and header folding are ignored.
 */
#include "rolecall/proto.h"

#include "line.h"

enum { METHOD_MAX = 32 };

enum side_state {
    SIDE_HEAD,   /* the next byte begins a head */
    SIDE_BODY,   /* body_left bytes of a refused CONNECT's answer, then another head */
    SIDE_ASKED,  /* sent CONNECT, not answered yet */
    SIDE_TUNNEL, /* CONNECT was granted: the next byte is the tunnelled protocol's */
    SIDE_DONE    /* nothing more is read */
};

struct http_side {
    uint32_t body_left;
    uint8_t state;
    bool confirmed;
};

struct http_memory {
    struct http_side side[2];
    bool has_request;  /* detail holds the request, which says more than a status */
    bool has_agent;    /* agent holds the client's */
    bool tunnel_began; /* the client went on with TLS before its CONNECT was seen answered */
};
_Static_assert(sizeof(struct http_memory) <= PROTO_MEMORY_SIZE, "http_memory fits what the flow lends");

struct head {
    bool is_request;
    bool is_connect;
    uint16_t status;
    struct bytes what;  /* method and path prefix, or the status code */
    struct bytes host;  /* without the port */
    struct bytes agent; /* User-Agent or Server */
    uint32_t body_size;
    bool has_header; /* at least one complete header line */
    bool is_whole;   /* the empty line was seen */
    size_t size;
};

static bool is_known_method(struct bytes method)
{
    static const char *const known[] = {"GET",     "POST",    "HEAD",  "PUT",   "DELETE",
                                        "OPTIONS", "CONNECT", "TRACE", "PATCH", "PROPFIND"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (line_is(method, known[i]))
            return true;
    return false;
}

static bool is_printable(struct bytes text)
{
    while (text.left > 0) {
        uint8_t byte = bytes_u8(&text);
        if (byte < ' ' || byte == 0x7f)
            return false;
    }
    return true;
}

/* HTTP-version of RFC 9112 2.3, the major version being 1. */
static bool is_version(const struct bytes *text)
{
    return bytes_begin(text, "HTTP/1.", 7) && (bytes_peek(text, 7) == '0' || bytes_peek(text, 7) == '1');
}

/* status-line: version, space, three digits, and a space or the line's end (RFC 9112 4). */
static enum proto_answer response_begins(struct bytes data, struct head *head)
{
    if (data.left < 13) /* as far as the byte behind the code */
        return PROTO_MORE;
    if (!is_version(&data))
        return PROTO_NO;
    bytes_skip(&data, 8);
    if (bytes_u8(&data) != ' ')
        return PROTO_NO;
    uint32_t status;
    head->what = bytes_take(&data, 3);
    if (!line_number(head->what, 999, &status) || status < 100)
        return PROTO_NO;
    uint8_t after = bytes_u8(&data);
    head->status = (uint16_t)status;
    return after == ' ' || after == '\r' || after == '\n' ? PROTO_YES : PROTO_NO;
}

/* Method, and the path as far as its first directory: what it is about, not whom it concerns. */
static struct bytes request_summary(struct bytes line, size_t method_size)
{
    struct bytes target = line;
    bytes_skip(&target, method_size + 1);
    size_t end = target.left;
    size_t query = bytes_find(&target, '?', end);
    size_t blank = bytes_find(&target, ' ', end);
    end = query < end ? query : end;
    end = blank < end ? blank : end;
    if (bytes_peek(&target, 0) == '/') {
        bytes_skip(&target, 1);
        size_t directory = bytes_find(&target, '/', end > 0 ? end - 1 : 0);
        end = directory != SIZE_MAX ? directory + 2 : end;
    }
    return bytes_take(&line, method_size + 1 + end);
}

/* request-line: method, space, target, space, version (RFC 9112 3). Targets with blanks in them exist. */
static enum proto_answer request_begins(struct bytes data, bool may_wait, struct head *head)
{
    struct bytes rest = data, line;
    size_t method_size = bytes_find(&data, ' ', METHOD_MAX);
    struct bytes method = bytes_take(&rest, method_size < data.left ? method_size : data.left);
    for (struct bytes m = method; m.left > 0;) {
        uint8_t byte = bytes_u8(&m);
        if (!(byte >= 'A' && byte <= 'Z') && byte != '-' && byte != '_')
            return PROTO_NO;
    }
    if (method.left == 0 || method.left >= METHOD_MAX)
        return PROTO_NO;
    if (method_size == SIZE_MAX)
        return may_wait ? PROTO_MORE : PROTO_NO;
    bool is_known = is_known_method(method);
    rest = data;
    if (!line_next(&rest, false, &line)) {
        line = data;
        if (bytes_peek(&line, line.left - 1) == '\r')
            line = bytes_take(&line, line.left - 1);
        if (!is_printable(line) || (!may_wait && !is_known))
            return PROTO_NO;
        if (data.left < PROTO_WINDOW_SIZE)
            return PROTO_MORE;
    } else {
        struct bytes version = line;
        bytes_skip(&version, line.left >= 9 ? line.left - 9 : 0);
        bool fits = line.left >= method.left + 11 && bytes_u8(&version) == ' ' && is_version(&version);
        if (!fits || !is_printable(line))
            return PROTO_NO;
    }
    head->is_request = true;
    head->is_connect = line_is(method, "CONNECT");
    head->what = request_summary(line, method.left);
    return PROTO_YES;
}

static void read_header(struct bytes line, struct head *head)
{
    struct bytes name, value;
    if (!line_header(line, &name, &value))
        return;
    head->has_header = true;
    if (line_is(name, "Host") && head->is_request)
        head->host = bytes_peek(&value, 0) == '[' ? value : line_until(&value, ':');
    else if (line_is(name, head->is_request ? "User-Agent" : "Server"))
        head->agent = value;
    else if (line_is(name, "Content-Length"))
        (void)line_number(value, UINT32_MAX, &head->body_size);
}

/* A head at the start of `data`: first line, and the headers that are there. */
static enum proto_answer head_begins(const struct bytes *data, bool may_wait, struct head *head)
{
    enum proto_answer answer = bytes_may_begin(data, "HTTP/1.", 7) ? response_begins(*data, head)
                                                                   : request_begins(*data, may_wait, head);
    if (answer != PROTO_YES)
        return answer;
    struct bytes rest = *data, line;
    bool is_first = true;
    while (line_next(&rest, false, &line)) {
        if (line.left == 0) {
            head->is_whole = true;
            break;
        }
        if (!is_first)
            read_header(line, head);
        is_first = false;
    }
    head->size = data->left - rest.left;
    return PROTO_YES;
}

static void tell(const struct head *head, struct http_memory *memory, struct proto_facts *facts)
{
    if (head->host.left > 0)
        proto_text_set(&facts->server_name, head->host.at, head->host.left);
    if (head->agent.left > 0 && (head->is_request || !memory->has_agent))
        proto_text_set(&facts->agent, head->agent.at, head->agent.left);
    if (head->is_request || !memory->has_request)
        proto_text_set(&facts->detail, head->what.at, head->what.left);
    memory->has_agent |= head->is_request && head->agent.left > 0;
    memory->has_request |= head->is_request;
}

/* What a complete head means for the bytes after it. */
static void after_head(const struct head *head, unsigned side, struct http_memory *memory,
                       struct proto_reply *reply)
{
    struct http_side *mine = &memory->side[side], *other = &memory->side[1 - side];
    mine->state = SIDE_DONE;
    if (head->is_request) {
        if (head->is_connect)
            mine->state = SIDE_ASKED;
    } else if (other->state == SIDE_ASKED && head->status / 100 == 2) { /* RFC 9110 9.3.6 */
        mine->state = other->state = SIDE_TUNNEL;
        if (memory->tunnel_began)
            reply->upgrade = PROTO_tls;
    } else if (other->state ==
               SIDE_ASKED) { /* refused, or 100: the client may ask again on this connection */
        mine->state = head->body_size > 0 ? SIDE_BODY : SIDE_HEAD;
        mine->body_left = head->body_size;
        other->state = SIDE_HEAD;
    }
    reply->settled = mine->state == SIDE_DONE && other->state == SIDE_DONE;
}

/* The first bytes behind a CONNECT: do they begin a TLS handshake record (RFC 5246 6.2.1)? */
static void follow_tunnel(const struct proto_question *question, struct http_memory *memory,
                          struct proto_reply *reply)
{
    static const uint8_t record[] = {22, 3};
    struct bytes data = question->data;
    bool is_granted = memory->side[question->side].state == SIDE_TUNNEL;
    if (!bytes_may_begin(&data, record, sizeof record))
        reply->settled = true; /* something else, or the capture missed what was between */
    else if (data.left >= sizeof record && is_granted)
        reply->upgrade = PROTO_tls;
    else if (data.left >= sizeof record)
        memory->tunnel_began = true;
    reply->answer = PROTO_YES;
    reply->evidence = 2;
}

static void follow_head(const struct proto_question *question, struct http_memory *memory,
                        struct proto_facts *facts, struct proto_reply *reply)
{
    struct http_side *side = &memory->side[question->side];
    struct head head = {0};
    reply->answer = head_begins(&question->data, question->start || side->confirmed, &head);
    if (reply->answer == PROTO_NO && side->confirmed) { /* no head follows here: nothing more to read */
        reply->answer = PROTO_YES;
        reply->settled = true;
    }
    if (reply->answer == PROTO_NO && question->named && !question->start)
        reply->answer = PROTO_MORE; /* the middle of a body proves nothing */
    if (reply->answer != PROTO_YES)
        return;
    reply->evidence = head.has_header || head.is_whole ? 2 : 1;
    side->confirmed = true;
    if (reply->settled)
        return;
    reply->speaker = head.is_request ? SPEAKER_CLIENT : SPEAKER_SERVER;
    tell(&head, memory, facts);
    if (head.is_whole) {
        reply->used = head.size;
        after_head(&head, question->side, memory, reply);
    } else if (question->data.left >= PROTO_WINDOW_SIZE) {
        reply->used = question->data.left;
        side->state = SIDE_DONE;
        reply->settled = memory->side[1 - question->side].state == SIDE_DONE;
    }
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct http_memory *memory = (struct http_memory *)lent->bytes;
    struct http_side *side = &memory->side[question->side];
    if (question->gap && side->confirmed)
        side->state = SIDE_DONE;
    if (side->state == SIDE_HEAD) {
        follow_head(question, memory, facts, reply);
        return;
    }
    if (side->state == SIDE_ASKED || side->state == SIDE_TUNNEL) {
        follow_tunnel(question, memory, reply);
        return;
    }
    reply->answer = PROTO_YES;
    reply->evidence = 1;
    reply->used = question->data.left;
    if (side->state == SIDE_BODY) {
        reply->used = side->body_left;
        side->body_left = 0;
        side->state = SIDE_HEAD;
    }
}

static const uint16_t customary_ports[] = {80, 8080, 0};

const struct protocol proto_http = {
    .name = "http", .transports = OVER_TCP, .customary_ports = customary_ports, .ask = ask};
