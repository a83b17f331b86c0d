/* SPDX-License-Identifier: BSD-2-Clause
 *
 * finding_event.c - rolecall.alert: a finding that opened, changed or closed; and rolecall.ipsec: what two
 * addresses did about IPsec, which a finding may tell of too.
 */
#include "encode.h"

#include <inttypes.h>

static struct json_out put_rule(struct encoder *e, struct json_out json, const struct finding *finding)
{
    const struct matrix_row *row =
        finding->verdict.row_count ? finding->verdict.rows[0] : finding->verdict.nearest;
    json_object(&json, "rule");
    json_word(&json, "id", finding_id_name(finding->id));
    json_word(&json, "name", finding_id_title(finding->id));
    if (row) {
        json = encode_id(json, "ruleset", row->matrix);
        json_string(&json, "reference", policy_matrix_reference(e->writer->policy, row->matrix));
    }
    json_end_object(&json);
    return json;
}

static struct json_out put_refusal(struct json_out json, const struct refusal *refusal)
{
    static const char *const kinds[] = {NULL, "rst", "icmp", "silence"};
    static const struct addr none;
    char sender[ADDR_TEXT_SIZE];
    if (!refusal->kind)
        return json;
    json_object(&json, "refusal");
    json_word(&json, "kind", kinds[refusal->kind]);
    if (refusal->kind == REFUSAL_RST) {
        json_unsigned(&json, "ttl", refusal->ttl);
        if (refusal->ttl_low) {
            json_unsigned(&json, "host_ttl_low", refusal->ttl_low);
            json_unsigned(&json, "host_ttl_high", refusal->ttl_high);
        }
        json_word(&json, "fits_host", encode_tristate(refusal_fits_host(refusal)));
    }
    if (refusal->kind == REFUSAL_ICMP) {
        json_format(&json, "icmp_type", "%u", refusal->icmp_type);
        json_format(&json, "icmp_code", "%u", refusal->icmp_code);
        if (!addr_equal(&refusal->icmp_sender, &none))
            json_string(&json, "icmp_sender", addr_text(&refusal->icmp_sender, sender));
    }
    json_unsigned(&json, "tries", refusal->tries);
    json_unsigned(&json, "span", (uint64_t)refusal->span_ns);
    json_end_object(&json);
    return json;
}

static struct json_out put_finding(struct json_out json, const struct finding *finding)
{
    static const char *const states[] = {"open", "update", "close"};
    json_object(&json, "finding");
    json_word(&json, "state", states[finding->state]);
    json = encode_hex(json, "fingerprint", finding->fingerprint);
    json_unsigned(&json, "count", finding->count);
    if (!finding->is_sensor)
        json_unsigned(&json, "peers", finding->peers);
    json = encode_time(json, "first_seen", finding->first_seen_ns);
    json = encode_time(json, "last_seen", finding->last_seen_ns);
    json_end_object(&json);
    return json;
}

/* Milliseconds with one decimal: DESIGN 7. */
static struct json_out put_delay(struct json_out json, const char *key, int64_t from_ns, int64_t to_ns)
{
    if (!from_ns || !to_ns || to_ns < from_ns)
        return json;
    uint64_t tenths = ((uint64_t)(to_ns - from_ns) + 50000) / 100000;
    json_decimal(&json, key, tenths);
    return json;
}

static struct json_out put_ipsec(struct json_out json, const struct ipsec_episode *episode)
{
    static const char *const negotiations[] = {"none", "ikev1", "ikev2", "authip"};
    static const char *const states[] = {"unanswered", "negotiating", "fell-back", "protected"};
    json_object(&json, "ipsec");
    json_word(&json, "negotiation", negotiations[episode->negotiation]);
    json_word(&json, "state", states[episode->state]);
    if (episode->first_request_ns)
        json = encode_time(json, "first_request", episode->first_request_ns);
    if (episode->first_protected_ns)
        json = encode_time(json, "first_protected", episode->first_protected_ns);
    json = put_delay(json, "negotiation_ms", episode->first_request_ns, episode->first_protected_ns);
    json = put_delay(json, "media_start_delay_ms", episode->first_request_ns, episode->media_start_ns);
    json_unsigned(&json, "requests", episode->requests);
    json_bool(&json, "answered", episode->answered);
    json_array(&json, "spi");
    for (unsigned i = 0; i < episode->spi_count; i++)
        json_format(&json, NULL, "0x%08" PRIx32, episode->spi[i]);
    json_end_array(&json);
    json_bool(&json, "nat_t", episode->nat_t);
    json_bool(&json, "esp_null", episode->esp_null);
    json_unsigned(&json, "rekeys", episode->rekeys);
    json_unsigned(&json, "media_flows", episode->media_flows);
    json_unsigned(&json, "media_packets_lost", episode->media_lost);
    json_end_object(&json);
    return json;
}

void event_ipsec(struct event_writer *writer, const struct ipsec_episode *episode, int64_t now_ns)
{
    const struct flow *flow = &episode->flow;
    struct encoder e;
    struct json_out json = encode_begin(&e, writer, flow, now_ns);
    json = encode_event(&e, json, DATASET_IPSEC, "ipsec");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"connection\",\"end\"]");
    json = encode_time(json, "start", flow->first_ns);
    json_end_object(&json);
    json = encode_ends(&e, json, flow, &episode->verdict, false);
    json = encode_network(&e, json, flow);
    json = encode_related(&e, json, &episode->verdict);
    json = encode_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = encode_site(&e, json, flow, &episode->verdict);
    json = put_ipsec(json, episode);
    json = encode_compliance(&e, json, &episode->verdict, false);
    encode_finish(&e, json);
}

void event_finding(struct event_writer *writer, const struct finding *finding, int64_t now_ns)
{
    const struct flow *flow = &finding->flow;
    const struct verdict *verdict = &finding->verdict;
    struct encoder e;
    struct json_out json = encode_begin(&e, writer, finding->is_sensor ? NULL : flow, now_ns);
    json = encode_event(&e, json, DATASET_ALERT, finding_id_name(finding->id));
    json_value(&json, "category", "[\"network\",\"intrusion_detection\"]");
    json_value(&json, "type", "[\"info\"]");
    e.line.severity = (unsigned)finding->severity;
    json_unsigned(&json, "severity", e.line.severity);
    json = encode_time(json, "start", finding->first_seen_ns);
    json = encode_text(&e, json, "reason", "event.reason", finding->reason);
    json_end_object(&json);
    json = put_rule(&e, json, finding);
    if (!finding->is_sensor) {
        json = encode_ends(&e, json, flow, verdict, false);
        json = encode_network(&e, json, flow);
        json = encode_related(&e, json, verdict);
    }
    json = encode_observer(&e, json, finding->interface);
    json_object(&json, "rolecall");
    json = encode_site(&e, json, finding->is_sensor ? NULL : flow, verdict);
    if (finding->has_episode)
        json = put_ipsec(json, &finding->episode);
    if (!finding->is_sensor)
        json = encode_compliance(&e, json, verdict, true);
    json = put_refusal(json, &finding->refusal);
    json = encode_text(&e, json, "advice", "rolecall.advice", finding->advice);
    json = put_finding(json, finding);
    encode_finish(&e, json);
}
