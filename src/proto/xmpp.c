/* SPDX-License-Identifier: BSD-2-Clause
 *
 * xmpp.c - recognises XMPP between servers and from clients by its stream header, and hands the stream over
 * to tls when the server proceeds with STARTTLS. Asked through the registry. Specification: RFC 6120 (4.7
 * stream header, 5.4.2 STARTTLS, 8 stanzas), XEP-0220 (dialback). Tags are read one by one until the first
 * stanza or the authentication; entities and quoted '>' are ignored, and so is everything after that.
 */
#include "rolecall/proto.h"

#include "line.h"

struct xmpp_side {
    bool confirmed;
    bool is_past_setup; /* stanzas or credentials: STARTTLS does not come any more */
};

struct xmpp_memory {
    struct xmpp_side side[2];
};
_Static_assert(sizeof(struct xmpp_memory) <= PROTO_MEMORY_SIZE, "xmpp_memory fits what the flow lends");

/* Byte order mark and blanks, which some send before the first tag and as keep-alive between stanzas. */
static void skip_blanks(struct bytes *data)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (bytes_begin(data, mark, sizeof mark))
        bytes_skip(data, sizeof mark);
    for (int c = bytes_peek(data, 0); c == ' ' || c == '\t' || c == '\r' || c == '\n';
         c = bytes_peek(data, 0))
        bytes_skip(data, 1);
}

/* Does `tag` begin with the element `start`, a name's end behind it? */
static bool is_element(struct bytes tag, const char *start)
{
    int after = bytes_peek(&tag, strlen(start));
    return bytes_begin(&tag, start, strlen(start)) &&
           (after < 0 || after == ' ' || after == '>' || after == '/' || after == '\n' || after == '\r' ||
            after == '\t');
}

/* Consumes the next tag, with what text stands before it. False: it has not arrived wholly. */
static bool next_tag(struct bytes *data, struct bytes *tag)
{
    size_t end = bytes_find(data, '>', SIZE_MAX);
    if (end == SIZE_MAX)
        return false;
    *tag = bytes_take(data, end + 1);
    size_t begin = bytes_find(tag, '<', SIZE_MAX);
    bytes_skip(tag, begin == SIZE_MAX ? tag->left : begin);
    return true;
}

/* The value of an attribute of `tag`; empty when it has none. `name` comes with a blank before it and a =
 * behind. */
static struct bytes attribute(struct bytes tag, const char *name)
{
    for (; tag.left > 0; bytes_skip(&tag, 1)) {
        if (!bytes_begin(&tag, name, strlen(name)))
            continue;
        bytes_skip(&tag, strlen(name));
        uint8_t quote = bytes_u8(&tag);
        size_t end = bytes_find(&tag, quote, SIZE_MAX);
        if ((quote == '\'' || quote == '"') && end != SIZE_MAX)
            return bytes_take(&tag, end);
    }
    return tag;
}

static bool is_stream_header(struct bytes tag)
{
    return is_element(tag, "<stream:stream") &&
           (line_contains(tag, "jabber:server") || line_contains(tag, "jabber:client") ||
            line_contains(tag, "etherx.jabber.org/streams"));
}

/* RFC 6120 8: what may be the first tag of a stream that is seen from the middle. */
static bool is_stanza(struct bytes tag)
{
    return is_element(tag, "<iq") || is_element(tag, "<presence") || is_element(tag, "<message");
}

static bool is_of_stream(struct bytes tag)
{
    return is_element(tag, "<stream:features") || is_element(tag, "<stream:error") ||
           is_element(tag, "</stream:stream");
}

/* The names of its namespaces tell a stanza from other XML. */
static bool is_of_xmpp(struct bytes text)
{
    return line_contains(text, "jabber:") || line_contains(text, "//jabber.org/") ||
           line_contains(text, "urn:xmpp:") || line_contains(text, "xml:ns:xmpp-");
}

/* Every stream begins with its header, an XML declaration perhaps before it (RFC 6120 4.7, 11.5). */
static enum proto_answer recognise_start(struct bytes data)
{
    static const char header[] = "<stream:stream", declaration[] = "<?xml";
    struct bytes tag;
    skip_blanks(&data);
    if (bytes_begin(&data, declaration, sizeof declaration - 1)) {
        if (!next_tag(&data, &tag))
            return PROTO_MORE;
        skip_blanks(&data);
    } else if (data.left < sizeof declaration - 1 &&
               bytes_may_begin(&data, declaration, sizeof declaration - 1)) {
        return PROTO_MORE;
    }
    if (!bytes_may_begin(&data, header, sizeof header - 1))
        return PROTO_NO;
    if (!next_tag(&data, &tag))
        return PROTO_MORE;
    return is_stream_header(tag) ? PROTO_YES : PROTO_NO;
}

static enum proto_answer recognise_middle(struct bytes data)
{
    struct bytes all = data, tag;
    if (recognise_start(data) == PROTO_YES)
        return PROTO_YES;
    skip_blanks(&data);
    if (bytes_peek(&data, 0) != '<' || !next_tag(&data, &tag))
        return PROTO_NO;
    return is_of_stream(tag) || (is_stanza(tag) && is_of_xmpp(all)) ? PROTO_YES : PROTO_NO;
}

/* A stream header: only the answering one carries an id (RFC 6120 4.7.3). */
static void tell_header(struct bytes tag, struct proto_facts *facts, struct proto_reply *reply)
{
    struct bytes id = attribute(tag, " id="), to = attribute(tag, " to="), space = attribute(tag, " xmlns=");
    reply->speaker = id.left > 0 ? SPEAKER_SERVER : SPEAKER_CLIENT;
    if (id.left == 0 && to.left > 0)
        proto_text_set(&facts->server_name, to.at, to.left);
    if (space.left > 0)
        proto_text_set(&facts->detail, space.at, space.left);
}

/* True when TLS follows behind this tag: <proceed/>, or the end of <proceed></proceed> (RFC 6120 5.4.2.3). */
static bool is_proceed(struct bytes tag)
{
    bool is_empty = tag.left >= 2 && bytes_peek(&tag, tag.left - 2) == '/';
    return (is_element(tag, "<proceed") && is_empty) || is_element(tag, "</proceed");
}

static bool ends_setup(struct bytes tag)
{
    return is_stanza(tag) || is_element(tag, "<auth") || is_element(tag, "<db:result") ||
           is_element(tag, "<db:verify") || is_element(tag, "</stream:stream");
}

static void follow(const struct proto_question *question, struct xmpp_memory *memory,
                   struct proto_facts *facts, struct proto_reply *reply)
{
    struct xmpp_side *side = &memory->side[question->side];
    struct bytes data = question->data, tag;
    if (question->gap)
        side->is_past_setup = true;
    reply->answer = PROTO_MORE;
    while (!side->is_past_setup && !reply->upgrade && next_tag(&data, &tag)) {
        side->confirmed = true;
        if (is_element(tag, "<stream:stream"))
            tell_header(tag, facts, reply);
        else if (is_proceed(tag))
            reply->upgrade = PROTO_tls;
        side->is_past_setup = ends_setup(tag);
    }
    if (!side->confirmed)
        return;
    bool is_full = data.left >= PROTO_WINDOW_SIZE; /* a tag as long as that is none that matters */
    reply->used = question->data.left - data.left;
    if (side->is_past_setup || is_full)
        reply->used = question->data.left;
    reply->answer = PROTO_YES;
    reply->evidence = 2;
    reply->settled = memory->side[0].confirmed && memory->side[1].confirmed &&
                     (memory->side[0].is_past_setup || memory->side[1].is_past_setup);
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    struct xmpp_memory *memory = (struct xmpp_memory *)lent->bytes;
    enum proto_answer answer = PROTO_YES;
    if (!question->named || (!memory->side[question->side].confirmed && question->start))
        answer = question->start ? recognise_start(question->data) : recognise_middle(question->data);
    reply->answer = answer;
    if (answer == PROTO_YES)
        follow(question, memory, facts, reply);
}

static const uint16_t customary_ports[] = {5222, 5269, 0};

const struct protocol proto_xmpp = {
    .name = "xmpp", .transports = OVER_TCP, .customary_ports = customary_ports, .ask = ask};
