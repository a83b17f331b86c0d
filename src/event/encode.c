/* SPDX-License-Identifier: BSD-2-Clause
 *
 * encode.c - what the events have in common. See encode.h.
 */
#include "encode.h"

#include "rolecall/clock.h"
#include "rolecall/digits.h"
#include "rolecall/hash.h"

static const uint64_t flow_id_secret[2] = {0x666c6f772069640a, 0x726f6c6563616c6c};

static struct json_out put_sequence(struct json_out json, const char *run_id, uint64_t sequence)
{
    size_t size = strlen(run_id);
    unsigned count = digits_of(sequence);
    char *at = json_quoted(&json, "id", size + 1 + count);
    if (at) {
        memcpy(at, run_id, size);
        at[size] = '-';
        digits_put(at + size + 1, sequence, count);
    }
    json_unsigned(&json, "sequence", sequence);
    return json;
}

uint64_t event_flow_id(const struct flow *flow)
{
    struct {
        struct flow_key key;
        int64_t first_ns;
    } identity = {flow->key, flow->first_ns};
    return hash_bytes(&identity, sizeof identity, flow_id_secret);
}

struct json_out encode_time_again(struct encoder *e, struct json_out json, const char *key)
{
    json_plain(&json, key, e->buffer + sizeof "{\"@timestamp\":\"" - 1, TIME_SIZE);
    return json;
}

void encode_trouble(struct encoder *e, const char *field, const struct proto_text *text, unsigned repair)
{
    if (text && text->size < text->wirelen)
        repair |= JSON_SHORTENED;
    if (repair && e->trouble_count < TROUBLES_MAX)
        e->troubles[e->trouble_count++] = (struct trouble){field, text, repair};
}

struct json_out encode_captured(struct encoder *e, struct json_out json, const char *key, const char *field,
                                const struct proto_text *text)
{
    if (text->size)
        encode_trouble(e, field, text, json_captured(&json, key, text->bytes, text->size));
    return json;
}

struct json_out encode_text(struct encoder *e, struct json_out json, const char *key, const char *field,
                            const char *text)
{
    encode_trouble(e, field, NULL, json_string(&json, key, text));
    return json;
}

/* What `event` begins with. */
#define HEAD(kind, name)                                                                                     \
    "\"event\":{" JSON_WORD("kind", kind) JSON_WORD("module", "rolecall") JSON_WORD("dataset", name)

static const struct {
    const char *name, *head;
} datasets[DATASET_COUNT] = {
    [DATASET_ALERT] = {"rolecall.alert", HEAD("alert", "rolecall.alert")},
    [DATASET_FLOW] = {"rolecall.flow", HEAD("event", "rolecall.flow")},
    [DATASET_IPSEC] = {"rolecall.ipsec", HEAD("event", "rolecall.ipsec")},
    [DATASET_COVERAGE] = {"rolecall.coverage", HEAD("metric", "rolecall.coverage")},
    [DATASET_STATS] = {"rolecall.stats", HEAD("metric", "rolecall.stats")},
    [DATASET_LOSS] = {"rolecall.loss", HEAD("metric", "rolecall.loss")},
};

const char *event_dataset_name(enum event_dataset dataset)
{
    return datasets[dataset].name;
}

/* Written first, and copied later: bytes that were just written one by one are slow to read as words. */
static void show_flow(struct encoder *e, const struct flow *flow)
{
    for (unsigned side = 0; side < 2; side++)
        e->ip[side].size = addr_put(&flow->key.addr[side], e->ip[side].text);
    community_id(&flow->key, e->key);
}

struct json_out encode_begin(struct encoder *e, struct event_writer *writer, const struct flow *flow,
                             int64_t time_ns)
{
    struct json_out json;
    e->writer = writer;
    e->trouble_count = 0;
    e->key[0] = '\0';
    if (flow)
        show_flow(e, flow);
    e->line = (struct event_line){.text = e->buffer, .time_ns = time_ns, .key = e->key};
    json_start(&json, e->buffer, sizeof e->buffer);
    json_object(&json, NULL);
    json = encode_time(json, "@timestamp", time_ns);
    json_value(&json, "ecs", "{\"version\":\"8.17.0\"}");
    return json;
}

struct json_out encode_event(struct encoder *e, struct json_out json, enum event_dataset dataset,
                             const char *action)
{
    struct event_writer *writer = e->writer;
    e->line.dataset = dataset;
    e->line.sequence = ++writer->sequence;
    json_ready(&json, datasets[dataset].head);
    json_word(&json, "action", action);
    json = put_sequence(json, writer->run_id, writer->sequence);
    if (writer->with_created)
        json = encode_time(json, "created", clock_wall_ns());
    return json;
}

struct json_out encode_observer(struct encoder *e, struct json_out json, const char *interface)
{
    json_ready(&json, "\"observer\":{" JSON_WORD("vendor", "rolecall") JSON_WORD("product", "rolecall")
                          JSON_WORD("version", ROLECALL_VERSION) JSON_WORD("type", "sensor"));
    if (e->writer->sensor)
        json_string(&json, "name", e->writer->sensor);
    if (e->writer->hostname)
        json_string(&json, "hostname", e->writer->hostname);
    if (interface && *interface) {
        json_object(&json, "ingress");
        json_object(&json, "interface");
        json = encode_text(e, json, "name", "observer.ingress.interface.name", interface);
        json_end_object(&json);
        json_end_object(&json);
    }
    json_end_object(&json);
    return json;
}

static const char *transport_of(const struct flow_key *key)
{
    switch (key->protocol) {
    case IP_TCP:
        return "tcp";
    case IP_UDP:
        return "udp";
    case IP_SCTP:
        return "sctp";
    case IP_ESP:
        return "esp";
    case IP_AH:
        return "ah";
    case IP_GRE:
        return "gre";
    default:
        return NULL;
    }
}

static const char *protocol_of(const struct flow *flow)
{
    if (flow->key.protocol == IP_ESP)
        return "esp";
    if (flow->key.protocol == IP_AH)
        return "ah";
    return proto_by_id(flow->identity.name)->name;
}

static struct json_out put_address(struct encoder *e, struct json_out json, const char *key, unsigned side)
{
    json_plain(&json, key, e->ip[side].text, e->ip[side].size);
    return json;
}

/* What stands in `source` and in `destination`. */
static struct json_out put_end(struct encoder *e, struct json_out json, const struct flow *flow,
                               const struct verdict *verdict, unsigned side, bool with_counters)
{
    const struct policy_entry *entry =
        e->writer->policy ? policy_entry(e->writer->policy, verdict->party[side].entry) : NULL;
    json = put_address(e, json, "ip", side);
    if (flow->key.protocol == IP_TCP || flow->key.protocol == IP_UDP || flow->key.protocol == IP_SCTP)
        json_unsigned(&json, "port", flow->key.port[side]);
    if (entry && !entry->is_network)
        json = encode_text(e, json, "domain", "domain", entry->name);
    if (with_counters) {
        json_unsigned(&json, "packets", flow->packets[side]);
        json_unsigned(&json, "bytes", flow->bytes[side]);
    }
    return json;
}

struct json_out encode_ends(struct encoder *e, struct json_out json, const struct flow *flow,
                            const struct verdict *verdict, bool with_counters)
{
    json_object(&json, "source");
    json = put_end(e, json, flow, verdict, verdict->initiator, with_counters);
    json_end_object(&json);
    json_object(&json, "destination");
    json = put_end(e, json, flow, verdict, 1u - verdict->initiator, with_counters);
    json_end_object(&json);
    return json;
}

struct json_out encode_network(struct encoder *e, struct json_out json, const struct flow *flow)
{
    json_object(&json, "network");
    json_word(&json, "type", addr_is_v4(&flow->key.addr[0]) ? "ipv4" : "ipv6");
    if (transport_of(&flow->key))
        json_word(&json, "transport", transport_of(&flow->key));
    json = encode_decimal(json, "iana_number", flow->key.protocol);
    json_word(&json, "protocol", protocol_of(flow));
    json_plain(&json, "community_id", e->key, COMMUNITY_ID_SIZE - 1);
    if (flow->vlan != 0xffff) {
        json_object(&json, "vlan");
        json = encode_decimal(json, "id", flow->vlan);
        json_end_object(&json);
    }
    json_end_object(&json);
    return json;
}

struct json_out encode_related(struct encoder *e, struct json_out json, const struct verdict *verdict)
{
    json_object(&json, "related");
    json_array(&json, "ip");
    json = put_address(e, json, NULL, verdict->initiator);
    json = put_address(e, json, NULL, 1u - verdict->initiator);
    json_end_array(&json);
    json_end_object(&json);
    return json;
}

/* Roles leave room for the rows and for what follows them (AFTER_LISTS below). */
enum { AFTER_ROLES = 3700 };

struct json_out encode_roles(struct encoder *e, struct json_out json, role_set roles)
{
    json_array(&json, "roles");
    for (role_set left = roles; left && json_has_room(&json, AFTER_ROLES); left &= left - 1)
        json = encode_id(json, NULL, policy_role(e->writer->policy, (unsigned)__builtin_ctzll(left))->name);
    json_end_array(&json);
    return json;
}

struct json_out encode_site(struct encoder *e, struct json_out json, const struct flow *flow,
                            const struct verdict *verdict)
{
    json_unsigned(&json, "schema", EVENT_SCHEMA);
    if (e->writer->policy)
        json = encode_text(e, json, "site", "rolecall.site", policy_settings(e->writer->policy)->site_name);
    if (!flow)
        return json;
    json = encode_hex(json, "flow_id", event_flow_id(flow));
    if (!e->writer->policy)
        return json;
    json_object(&json, "source");
    json = encode_roles(e, json, verdict->party[verdict->initiator].direct);
    json_end_object(&json);
    json_object(&json, "destination");
    json = encode_roles(e, json, verdict->party[1 - verdict->initiator].direct);
    json_end_object(&json);
    return json;
}

static const char *confidence_of(const struct verdict *verdict)
{
    if (verdict->basis <= BASIS_PROTOCOL)
        return "high";
    return verdict->basis <= BASIS_MATRIX ? "medium" : "low";
}

/* Lists leave this much of a line to what comes after them. */
enum { AFTER_LISTS = 3000 };

static struct json_out put_rows(struct encoder *e, struct json_out json, const char *key,
                                const struct matrix_row *const *rows, unsigned count)
{
    json_array(&json, key);
    for (unsigned i = 0; i < count; i++) {
        if (!json_has_room(&json, AFTER_LISTS)) {
            encode_trouble(e, "rolecall.compliance.rows", NULL, JSON_SHORTENED);
            break;
        }
        json = encode_id(json, NULL, rows[i]->id);
    }
    json_end_array(&json);
    return json;
}

struct json_out encode_compliance(struct encoder *e, struct json_out json, const struct verdict *verdict,
                                  bool is_alert)
{
    json_object(&json, "compliance");
    json_word(&json, "status", verdict_status_name(verdict->status));
    if (verdict->outcome)
        json_word(&json, "outcome", verdict->outcome);
    if (is_alert)
        json_word(&json, "confidence", confidence_of(verdict));
    if (verdict->row_count || !is_alert)
        json = put_rows(e, json, "rows", verdict->rows, verdict->row_count);
    if (verdict->match != MATCH_NONE)
        json_word(&json, "match", row_match_name(verdict->match));
    if (verdict->application_check)
        json_word(&json, "application_check", verdict->application_check);
    if (verdict->nearest)
        json = put_rows(e, json, "nearest", &verdict->nearest, 1);
    if (!is_alert) {
        json_array(&json, "findings");
        for (uint32_t left = verdict->findings; left; left &= left - 1)
            json_word(&json, NULL, finding_id_name((enum finding_id)__builtin_ctz(left)));
        json_end_array(&json);
    }
    if (verdict->allow >= 0)
        json = encode_text(e, json, "allow", "rolecall.compliance.allow",
                           policy_allow_name(e->writer->policy, verdict->allow));
    if (verdict->reason)
        json_string(&json, "reason", verdict->reason);
    json_end_object(&json);
    return json;
}

const char *encode_tristate(unsigned value)
{
    return value == TRI_YES ? "yes" : value == TRI_NO ? "no" : "unknown";
}

const char *const encode_modality[MODALITY_COUNT] = {"any", "audio", "video", "application-sharing"};

void encode_finish(struct encoder *e, struct json_out json)
{
    bool shortened = false, repaired = false;
    for (unsigned i = 0; i < e->trouble_count; i++) {
        shortened |= (e->troubles[i].repair & JSON_SHORTENED) != 0;
        repaired |= e->troubles[i].text && (e->troubles[i].repair & JSON_REPAIRED);
    }
    if (shortened) {
        json_array(&json, "truncated");
        for (unsigned i = 0; i < e->trouble_count; i++)
            if (e->troubles[i].repair & JSON_SHORTENED)
                json_word(&json, NULL, e->troubles[i].field);
        json_end_array(&json);
    }
    if (repaired) {
        json_object(&json, "raw_hex");
        for (unsigned i = 0; i < e->trouble_count; i++) {
            const struct proto_text *text = e->troubles[i].text;
            if (text && (e->troubles[i].repair & JSON_REPAIRED))
                json_hex(&json, e->troubles[i].field, text->bytes, text->size < 128 ? text->size : 128);
        }
        json_end_object(&json);
    }
    json_end_object(&json); /* rolecall */
    json_end_object(&json);
    if (!json_finish(&json)) {
        e->writer->too_long++;
        return;
    }
    e->line.size = (size_t)(json.at - e->buffer);
    e->writer->line(e->writer->context, &e->line);
}
