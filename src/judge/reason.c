/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reason.c - a verdict in words: one sentence that says what was seen and what the document allows, and one
 * that says what to do. Written once, when a finding opens or rises. No captured string enters these
 * sentences.
 */
#include "judge_internal.h"

#include <stdarg.h>
#include <stdio.h>

/* A text that stops growing at its end. */
struct text {
    char *at;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(text->at + text->used, text->size - text->used, format, args);
    va_end(args);
    if (wanted > 0)
        text->used += (size_t)wanted < text->size - text->used ? (size_t)wanted : text->size - text->used - 1;
}

static void say_roles(struct text *text, const struct judge *judge, const struct policy_party *party)
{
    const char *between = "";
    if (!party->direct)
        say(text, "host");
    for (role_set left = party->direct; left; left &= left - 1) {
        say(text, "%s%s", between, policy_role(judge->policy, (unsigned)__builtin_ctzll(left))->name);
        between = "/";
    }
}

static void say_end(struct text *text, const struct judge *judge, const struct judge_flow *in,
                    const struct verdict *verdict, unsigned side)
{
    char addr[ADDR_TEXT_SIZE];
    say_roles(text, judge, &verdict->party[side]);
    say(text, " %s", addr_text(&in->flow->key.addr[side], addr));
}

/* The host's name, or its address. */
static void say_name(struct text *text, const struct judge *judge, const struct judge_flow *in,
                     const struct verdict *verdict, unsigned side)
{
    char addr[ADDR_TEXT_SIZE];
    const struct policy_entry *entry = policy_entry(judge->policy, verdict->party[side].entry);
    say(text, "%s", entry && !entry->is_network ? entry->name : addr_text(&in->flow->key.addr[side], addr));
}

static const char *transport_name(const struct flow *flow)
{
    switch (flow->key.protocol) {
    case IP_TCP:
        return "tcp";
    case IP_UDP:
        return "udp";
    case IP_ESP:
        return "esp";
    default:
        return "ah";
    }
}

static void say_row(struct text *text, const struct verdict *verdict)
{
    if (verdict->row_count)
        say(text, "row %s (%s)", verdict->rows[0]->id,
            verdict->rows[0]->documented[0] ? verdict->rows[0]->documented : "no protocol named");
}

/* Does a media row of the party give this modality a range of its own? */
static bool has_modality(const struct judge *judge, const struct flow *flow, const struct policy_party *party,
                         unsigned modality)
{
    for (role_set left = party->direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(judge->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->media_count; i++)
            if (role->media[i].row->modality == modality &&
                (role->media[i].row->transports & judge_transport(flow)))
                return true;
    }
    return false;
}

/* The media ports of the party: those of the modality where it is known and has its own, else all. */
static void say_ranges(struct text *text, const struct judge *judge, const struct flow *flow,
                       const struct policy_party *party, unsigned modality)
{
    struct port_range said[8];
    unsigned count = 0;
    bool all = !modality || !has_modality(judge, flow, party, modality);
    for (role_set left = party->direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(judge->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->media_count; i++) {
            const struct policy_row *row = &role->media[i];
            if (!all && row->row->modality != modality)
                continue;
            for (unsigned r = 0; r < row->range_count && (row->row->transports & judge_transport(flow));
                 r++) {
                bool known = false;
                for (unsigned k = 0; k < count; k++)
                    known |= said[k].low == row->ranges[r].low && said[k].high == row->ranges[r].high;
                if (known || count == 8)
                    continue;
                said[count++] = row->ranges[r];
                say(text, "%s%u-%u", count > 1 ? ", " : "", row->ranges[r].low, row->ranges[r].high);
            }
        }
    }
}

static const char *modality_name(unsigned modality)
{
    static const char *const names[] = {"", "audio ", "video ", "application-sharing "};
    return names[modality < MODALITY_COUNT ? modality : 0];
}

static const char *tls_name(uint16_t version)
{
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};
    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : "TLS";
}

struct words {
    const struct judge *judge;
    const struct judge_flow *in;
    const struct flow *flow;
    const struct verdict *verdict;
    unsigned initiator, responder;
    uint16_t port;
    const char *transport, *protocol;
    const struct refusal *refusal;
    struct text *reason, *advice;
};

static void from_to(const struct words *w, const char *verb)
{
    say_end(w->reason, w->judge, w->in, w->verdict, w->initiator);
    say(w->reason, " %s ", verb);
    say_end(w->reason, w->judge, w->in, w->verdict, w->responder);
}

static void on_port(const struct words *w)
{
    say(w->reason, " on %s/%u", w->transport, w->port);
}

static void unexpected_port(const struct words *w)
{
    bool answers = strcmp(w->verdict->outcome, "established") == 0;
    from_to(w, answers ? "talks to" : "tries");
    on_port(w);
    say(w->reason, ", which %s; no documented row of ", answers ? "answers" : "does not answer");
    say_roles(w->reason, w->judge, &w->verdict->party[w->responder]);
    say(w->reason, " has %s/%u", w->transport, w->port);
    say(w->advice, "close %s/%u on ", w->transport, w->port);
    say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
    say(w->advice, ", or add it to the site's allow list with a reason");
}

static void unexpected_outbound(const struct words *w)
{
    from_to(w, "opens a connection to");
    on_port(w);
    say(w->reason, "; no documented row lets ");
    say_roles(w->reason, w->judge, &w->verdict->party[w->initiator]);
    say(w->reason, " open it");
    say(w->advice, "stop ");
    say_name(w->advice, w->judge, w->in, w->verdict, w->initiator);
    say(w->advice, " from opening %s/%u to the outside, or add it to the site's allow list with a reason",
        w->transport, w->port);
}

static void unexpected_protocol(const struct words *w)
{
    say_end(w->reason, w->judge, w->in, w->verdict, w->initiator);
    say(w->reason, " speaks %s to ", w->protocol);
    say_end(w->reason, w->judge, w->in, w->verdict, w->responder);
    on_port(w);
    say(w->reason, ", which the document gives to another protocol: ");
    say_row(w->reason, w->verdict);
    say(w->advice, "find out what listens on %s/%u of ", w->transport, w->port);
    say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
    say(w->advice, "; a documented port that carries %s hides traffic from every port-based rule",
        w->protocol);
}

static void media_port(const struct words *w)
{
    unsigned modality = w->in->facts->modality < MODALITY_COUNT ? w->in->facts->modality : 0;
    say(w->reason, "%smedia (%s) between ", modality_name(modality), w->protocol);
    say_end(w->reason, w->judge, w->in, w->verdict, 0);
    say(w->reason, " port %u and ", w->flow->key.port[0]);
    say_end(w->reason, w->judge, w->in, w->verdict, 1);
    say(w->reason, " port %u over %s", w->flow->key.port[1], w->transport);
    for (unsigned side = 0; side < 2; side++) {
        if (!match_has_media_rows(w->judge, &w->verdict->party[side]))
            continue;
        const struct policy_party *party = &w->verdict->party[side];
        bool own = has_modality(w->judge, w->flow, party, modality);
        say(w->reason, "; the %sports of ", modality && own ? modality_name(modality) : "");
        say_roles(w->reason, w->judge, party);
        say(w->reason, " are ");
        say_ranges(w->reason, w->judge, w->flow, party, modality);
    }
    say(w->advice, "set the media port ranges of both ends to the documented ones (or to the site's "
                   "media_ports), so that "
                   "firewalls and QoS see this media");
}

static void mutual_tls_missing(const struct words *w)
{
    bool resumed = w->in->facts->tls.resumed == TRI_YES;
    from_to(w, resumed ? "resumed a session with" : "made a full handshake with");
    on_port(w);
    say(w->reason, resumed ? ", whose full handshake showed no client certificate; "
                   : w->in->facts->tls.empty_certificate
                       ? " and gave an empty client certificate, which was accepted; "
                       : " and was asked for no client certificate; ");
    say_row(w->reason, w->verdict);
    say(w->reason, " asks for mutual TLS");
    say(w->advice, "make ");
    say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
    say(w->advice, " require a client certificate on %s/%u", w->transport, w->port);
}

/* Whose RST it was, by its TTL. */
static void say_reset(const struct words *w)
{
    const struct refusal *refusal = w->refusal;
    say(w->reason, ": an RST answered the SYN");
    if (!refusal->ttl_low)
        return;
    say(w->reason, " (TTL %u, the host's other packets %u", refusal->ttl, refusal->ttl_low);
    if (refusal->ttl_high != refusal->ttl_low)
        say(w->reason, " to %u", refusal->ttl_high);
    say(w->reason, refusal_fits_host(refusal) == TRI_YES ? ": its own)" : ": not its own)");
}

static void say_refusal(const struct words *w)
{
    const struct refusal *refusal = w->refusal;
    static const struct addr none;
    char sender[ADDR_TEXT_SIZE];
    int64_t span_ms = refusal->span_ns / NS_PER_MS;
    switch (refusal->kind) {
    case REFUSAL_RST:
        say_reset(w);
        break;
    case REFUSAL_ICMP:
        say(w->reason, ": ICMP type %u code %u", refusal->icmp_type, refusal->icmp_code);
        if (!addr_equal(&refusal->icmp_sender, &none))
            say(w->reason, " from %s", addr_text(&refusal->icmp_sender, sender));
        break;
    default:
        say(w->reason, ": %u tries in %lld.%03lld s without an answer", refusal->tries,
            (long long)(span_ms / 1000), (long long)(span_ms % 1000));
    }
}

static void blocked_port(const struct words *w)
{
    from_to(w, "gets no service from");
    on_port(w);
    say_refusal(w);
    say(w->reason, "; the document needs it: ");
    say_row(w->reason, w->verdict);
    if (refusal_fits_host(w->refusal) == TRI_NO) {
        say(w->advice, "find the firewall that resets %s/%u in the name of ", w->transport, w->port);
        say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
        say(w->advice, ", and open the port there");
        return;
    }
    say(w->advice, "open %s/%u to ", w->transport, w->port);
    say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
    say(w->advice, " on every firewall between, and see that the service runs");
}

/* What a flow that was read came in. */
static const char *protection_of(const struct flow *flow)
{
    for (unsigned i = 0; i < sizeof flow->layers; i++)
        if (flow->layers[i] == LAYER_ESP_NULL)
            return proto_by_id(PROTO_esp)->name;
    return proto_by_id(PROTO_ah)->name;
}

static void ipsec_on_media(const struct words *w)
{
    bool read_inside = w->flow->flags & FLOW_PROTECTED;
    bool negotiates = w->flow->key.protocol == IP_UDP && !read_inside;
    from_to(w, negotiates ? "negotiates IPsec with" : "uses IPsec with");
    say(w->reason,
        " (%s); the document exempts this pair: ", read_inside ? protection_of(w->flow) : w->protocol);
    say_row(w->reason, w->verdict);
    say(w->advice,
        "add the exemption to the IPsec policy of both ends, so that media is not delayed by negotiation");
}

static void weak_tls(const struct words *w)
{
    say_end(w->reason, w->judge, w->in, w->verdict, w->responder);
    say(w->reason, " chose %s for ", tls_name(w->in->facts->tls.version));
    say_end(w->reason, w->judge, w->in, w->verdict, w->initiator);
    on_port(w);
    say(w->reason, "; the site's minimum is %s", tls_name(policy_settings(w->judge->policy)->min_tls));
    say(w->advice, "turn off old TLS versions on ");
    say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
}

static void plaintext_sip(const struct words *w)
{
    from_to(w, "speaks SIP in clear with");
    on_port(w);
    say(w->reason, ", which ");
    say_row(w->reason, w->verdict);
    say(w->reason, " lets pass");
    say(w->advice, "use TLS for this SIP trunk where the other end can");
}

static void media_fallback(const struct words *w)
{
    say_end(w->reason, w->judge, w->in, w->verdict, w->initiator);
    say(w->reason, " sends its media over tcp/443 to ");
    say_end(w->reason, w->judge, w->in, w->verdict, w->responder);
    say(w->reason, ", whose udp/3478 gave it no answer");
    say(w->advice, "open udp/3478 from ");
    say_name(w->advice, w->judge, w->in, w->verdict, w->initiator);
    say(w->advice, " to ");
    say_name(w->advice, w->judge, w->in, w->verdict, w->responder);
    say(w->advice, ": media over TCP suffers from every lost packet");
}

static void undeclared_server(const struct words *w)
{
    char addr[ADDR_TEXT_SIZE];
    addr_text(&w->flow->key.addr[w->responder], addr);
    say(w->reason,
        "%s answers on several ports of one documented server role, the last seen %s/%u (%s), and the site "
        "gives it "
        "no role",
        addr, w->transport, w->port, w->protocol);
    say(w->advice,
        "add %s to the site with its role, or find out what it is (`rolecall discover` names the candidates)",
        addr);
}

static void one_way_capture(const struct words *w)
{
    char addr[ADDR_TEXT_SIZE];
    unsigned unheard = w->flow->packets[0] ? 1 : 0;
    addr_text(&w->flow->key.addr[unheard], addr);
    say(w->reason,
        "the capture shows packets to %s but hardly any from it; what it does not answer is not judged",
        addr);
    say(w->advice, "mirror both directions of %s to the sensor (SPAN \"both\", or both legs of the TAP)",
        addr);
}

void reason_write(const struct judge *judge, const struct judge_flow *in, struct finding *finding)
{
    static void (*const writers[FINDING_COUNT])(const struct words *) = {
        [FINDING_UNEXPECTED_PORT] = unexpected_port,
        [FINDING_UNEXPECTED_OUTBOUND] = unexpected_outbound,
        [FINDING_UNEXPECTED_PROTOCOL] = unexpected_protocol,
        [FINDING_MEDIA_PORT] = media_port,
        [FINDING_MUTUAL_TLS_MISSING] = mutual_tls_missing,
        [FINDING_BLOCKED_PORT] = blocked_port,
        [FINDING_IPSEC_ON_MEDIA] = ipsec_on_media,
        [FINDING_WEAK_TLS] = weak_tls,
        [FINDING_PLAINTEXT_SIP] = plaintext_sip,
        [FINDING_MEDIA_FALLBACK] = media_fallback,
        [FINDING_UNDECLARED_SERVER] = undeclared_server,
        [FINDING_ONE_WAY_CAPTURE] = one_way_capture};
    struct text reason = {finding->reason, sizeof finding->reason, 0};
    struct text advice = {finding->advice, sizeof finding->advice, 0};
    unsigned responder = 1u - finding->verdict.initiator;
    struct words words = {.judge = judge,
                          .in = in,
                          .flow = in->flow,
                          .verdict = &finding->verdict,
                          .initiator = finding->verdict.initiator,
                          .responder = responder,
                          .port = in->flow->key.port[responder],
                          .transport = transport_name(in->flow),
                          .protocol = proto_by_id(in->flow->identity.name)->name,
                          .reason = &reason,
                          .advice = &advice,
                          .refusal = &finding->refusal};
    if (in->flow->key.protocol == IP_ESP || in->flow->key.protocol == IP_AH)
        words.protocol = words.transport;
    writers[finding->id](&words);
}
