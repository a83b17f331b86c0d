/* SPDX-License-Identifier: BSD-2-Clause
 *
 * flow_event.c - rolecall.flow: a flow that ended, with what was read of it and its verdict.
 */
#include "encode.h"

#include <inttypes.h>

static const char *tls_version(uint16_t version)
{
    switch (version) {
    case 0x0300:
        return "3.0";
    case 0x0301:
    case 0xfeff:
        return "1.0";
    case 0x0302:
        return "1.1";
    case 0x0303:
    case 0xfefd:
        return "1.2";
    case 0x0304:
    case 0xfefc:
        return "1.3";
    default:
        return NULL;
    }
}

static bool has_tls(const struct flow *flow, const struct proto_facts *facts)
{
    unsigned name = flow->identity.name, upgraded = flow->identity.upgraded_to;
    return name == PROTO_tls || upgraded == PROTO_tls || name == PROTO_dtls ||
           (facts->also >> PROTO_dtls & 1);
}

/* ECS `tls`, `http`-less `url`, `user_agent`: what identifiers read, in its ECS place. */
static struct json_out put_ecs_facts(struct encoder *e, struct json_out json, const struct flow *flow,
                                     const struct proto_facts *facts)
{
    unsigned name = flow->identity.name;
    if (has_tls(flow, facts) &&
        (tls_version(facts->tls.version) || (name == PROTO_tls && facts->server_name.size))) {
        json_object(&json, "tls");
        if (tls_version(facts->tls.version))
            json_word(&json, "version", tls_version(facts->tls.version));
        if (facts->server_name.size && name != PROTO_xmpp) {
            json_object(&json, "client");
            json = encode_captured(e, json, "server_name", "tls.client.server_name", &facts->server_name);
            json_end_object(&json);
        }
        json_end_object(&json);
    }
    if (name == PROTO_dns && facts->server_name.size) {
        json_object(&json, "dns");
        json_object(&json, "question");
        json = encode_captured(e, json, "name", "dns.question.name", &facts->server_name);
        json_end_object(&json);
        json_end_object(&json);
    } else if (!has_tls(flow, facts) && facts->server_name.size) {
        json_object(&json, "url");
        json = encode_captured(e, json, "domain", "url.domain", &facts->server_name);
        json_end_object(&json);
    }
    if (facts->agent.size) {
        json_object(&json, "user_agent");
        json = encode_captured(e, json, "original", "user_agent.original", &facts->agent);
        json_end_object(&json);
    }
    return json;
}

static struct json_out put_rtp(struct json_out json, const struct proto_facts *facts)
{
    if (!facts->rtp.ssrc_count && !facts->rtp.packets)
        return json;
    json_object(&json, "rtp");
    json_array(&json, "payload_types");
    for (unsigned i = 0; i < facts->rtp.payload_type_count; i++)
        json_unsigned(&json, NULL, facts->rtp.payload_types[i]);
    json_end_array(&json);
    json_array(&json, "ssrc");
    for (unsigned i = 0; i < facts->rtp.ssrc_count; i++)
        json_format(&json, NULL, "0x%08" PRIx32, facts->rtp.ssrc[i]);
    json_end_array(&json);
    json_unsigned(&json, "packets", facts->rtp.packets);
    json_unsigned(&json, "lost", facts->rtp.lost);
    json_end_object(&json);
    return json;
}

static struct json_out put_turn(struct json_out json, const struct proto_facts *facts)
{
    static const char *const streams[] = {NULL, "audio", "video", "supplemental-video", "data"};
    if (!facts->turn.flavour)
        return json;
    json_object(&json, "turn");
    json_word(&json, "flavour", facts->turn.flavour == 2 ? "ms-turn" : "stun");
    if (facts->turn.flavour == 2)
        json_bool(&json, "pseudo_tls", facts->turn.pseudo_tls);
    if (facts->turn.stream_type >= 1 && facts->turn.stream_type <= 4)
        json_word(&json, "stream", streams[facts->turn.stream_type]);
    json_end_object(&json);
    return json;
}

static struct json_out put_own_facts(struct encoder *e, struct json_out json, const struct flow *flow,
                                     const struct proto_facts *facts, uint8_t mutual)
{
    if (has_tls(flow, facts)) {
        json_object(&json, "tls");
        json_word(&json, "mutual", encode_tristate(mutual));
        if (tls_version(facts->tls.version))
            json_word(&json, "version", tls_version(facts->tls.version));
        if (facts->tls.resumed != TRI_UNKNOWN)
            json_bool(&json, "resumed", facts->tls.resumed == TRI_YES);
        json_end_object(&json);
    }
    json = put_rtp(json, facts);
    json = put_turn(json, facts);
    if (facts->modality && facts->modality < MODALITY_COUNT)
        json_word(&json, "modality", encode_modality[facts->modality]);
    json = encode_captured(e, json, "detail", "rolecall.detail", &facts->detail);
    return json;
}

static struct json_out put_flow(struct json_out json, const struct flow *flow,
                                const struct proto_facts *facts, const struct verdict *verdict,
                                enum flow_end end)
{
    json_object(&json, "flow");
    json_word(&json, "direction_basis", direction_basis_name(verdict->basis));
    json_word(&json, "end_reason", flow_end_name(end));
    json_unsigned(&json, "evidence", flow->identity.evidence);
    if (flow->identity.upgraded_to)
        json_word(&json, "upgraded_to", proto_by_id(flow->identity.upgraded_to)->name);
    if (facts->also) {
        json_array(&json, "also");
        for (unsigned id = 1; id < PROTO_COUNT; id++)
            if (facts->also >> id & 1)
                json_word(&json, NULL, proto_by_id((enum proto_id)id)->name);
        json_end_array(&json);
    }
    if (flow->layers[0]) {
        json_array(&json, "tunnel");
        for (unsigned i = 0; i < sizeof flow->layers && flow->layers[i]; i++)
            json_word(&json, NULL, layer_name(flow->layers[i]));
        json_end_array(&json);
    }
    if (flow->flags & FLOW_PROTECTED)
        json_bool(&json, "protected", true);
    json_unsigned(&json, "truncated_packets", flow->truncated_packets);
    json_unsigned(&json, "duplicates", flow->duplicates);
    json_end_object(&json);
    return json;
}

void event_flow(struct event_writer *writer, const struct judge_flow *in, const struct verdict *verdict,
                enum flow_end end)
{
    const struct flow *flow = in->flow;
    struct encoder e;
    struct json_out json = encode_begin(&e, writer, flow, flow->last_ns);
    json = encode_event(&e, json, DATASET_FLOW, "flow");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"connection\",\"end\"]");
    json = encode_time(json, "start", flow->first_ns);
    json = encode_time_again(&e, json, "end");
    json_unsigned(&json, "duration", (uint64_t)(flow->last_ns - flow->first_ns));
    json_end_object(&json);
    json = encode_ends(&e, json, flow, verdict, true);
    json = encode_network(&e, json, flow);
    json = put_ecs_facts(&e, json, flow, in->facts);
    json = encode_related(&e, json, verdict);
    json = encode_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = encode_site(&e, json, flow, verdict);
    json = put_flow(json, flow, in->facts, verdict, end);
    json = encode_compliance(&e, json, verdict, false);
    json = put_own_facts(&e, json, flow, in->facts, verdict->mutual);
    encode_finish(&e, json);
}
