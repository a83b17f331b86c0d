/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ssdp.c - recognises SSDP, the discovery of UPnP (UPnP Device Architecture 1.1, sections 1.2 and 1.3):
 * HTTP-like messages in datagrams. Searches and notices have start lines of their own; an answer is an HTTP
 * status line whose headers name a search target or a unique service. Ignored: the devices themselves.
 */
#include "rolecall/proto.h"

#include "line.h"

struct ssdp_memory {
    uint8_t sides; /* bit per side that was confirmed */
};

/* NT and NTS of notices, ST of searches and answers, USN of both, MAN of searches */
static bool is_ssdp_header(struct bytes name)
{
    static const char *const names[] = {"st", "usn", "nt", "nts", "man"};
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (line_is(name, names[i]))
            return true;
    return false;
}

/* Looks for one of those headers and keeps the name of the software. */
static bool read_headers(struct bytes text, struct bytes *agent)
{
    struct bytes line, name, value;
    bool found = false;
    while (line_next(&text, !text.cut, &line)) {
        if (!line_header(line, &name, &value))
            continue;
        found |= is_ssdp_header(name);
        if (line_is(name, "server") || line_is(name, "user-agent"))
            *agent = value;
    }
    return found;
}

static bool is_http(struct bytes version)
{
    return line_is(version, "HTTP/1.1") || line_is(version, "HTTP/1.0");
}

/* Could a start line whose end was not captured still become one of ours? */
static bool may_begin(struct bytes text)
{
    return line_may_begin(text, "M-SEARCH * HTTP/1.") || line_may_begin(text, "NOTIFY * HTTP/1.") ||
           line_may_begin(text, "HTTP/1.");
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    _Static_assert(sizeof(struct ssdp_memory) <= PROTO_MEMORY_SIZE, "does not fit into what a flow lends");
    struct ssdp_memory *memory = (struct ssdp_memory *)(void *)lent->bytes;
    struct bytes text = question->data, line, agent = {0};

    if (text.left > 0 && !line_is_letter(bytes_peek(&text, 0))) /* most of what is asked about is no text */
        return;
    if (!line_next(&text, !text.cut, &line)) {
        reply->answer = text.cut && may_begin(text) ? PROTO_MORE : PROTO_NO;
        return;
    }
    struct bytes first = line_word(&line), second = line_word(&line), third = line_word(&line);
    bool is_search = line_is(first, "M-SEARCH") && line_is(second, "*") && is_http(third);
    bool is_notice = line_is(first, "NOTIFY") && line_is(second, "*") && is_http(third);
    bool is_status = is_http(first) && line_is(second, "200");
    bool has_header = read_headers(text, &agent);
    if (!is_search && !is_notice && !(is_status && has_header)) {
        reply->answer = is_status && text.cut ? PROTO_MORE : PROTO_NO;
        return;
    }
    reply->answer = PROTO_YES;
    reply->evidence = has_header ? 2 : 1;
    if (is_search)
        reply->speaker = SPEAKER_CLIENT;
    else if (is_status)
        reply->speaker = SPEAKER_SERVER; /* a notice is sent to a group, unasked */
    facts->query.request |= is_search;
    facts->query.response |= is_status;
    if (agent.left > 0 && facts->agent.size == 0)
        proto_text_set(&facts->agent, agent.at, agent.left);
    memory->sides |= (uint8_t)(1u << (question->side & 1));
    reply->settled = memory->sides == 3;
}

static const uint16_t ports[] = {1900, 0};

const struct protocol proto_ssdp = {.name = "ssdp",
                                    .transports = OVER_UDP,
                                    .customary_ports = ports,
                                    .least = {16, 16}, /* a status line and a header */
                                    .begins = {{0, 'A', 'Z'}, {0, 'a', 'z'}},
                                    .ask = ask};
