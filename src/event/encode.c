/* SPDX-License-Identifier: BSD-2-Clause
 *
 * encode.c - the one place that knows the names of JSON fields (docs/EVENTS.md, docs/event.schema.json). Each
 * function writes one event from top to bottom in the order of the schema. The JSON so far is a value that
 * functions take and give back: in memory, it would have to be read again after every character written.
 */
#include "rolecall/event.h"
#include "rolecall/clock.h"
#include "rolecall/digits.h"
#include "rolecall/json_out.h"
#include "rolecall/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { NS_PER_S = 1000000000, NS_PER_US = 1000, TROUBLES_MAX = 8 };

static const uint64_t flow_id_secret[2] = {0x666c6f772069640a, 0x726f6c6563616c6c};

/* A captured string that could not be shown as it was. */
struct trouble {
    const char *field;
    const struct proto_text *text; /* NULL: only shortened */
    unsigned repair;
};

struct encoder {
    struct event_writer *writer;
    struct event_line line;
    char key[COMMUNITY_ID_SIZE];
    struct address {
        char text[ADDR_TEXT_SIZE];
        size_t size;
    } ip[2]; /* by side */
    struct trouble troubles[TROUBLES_MAX];
    unsigned trouble_count;
    char buffer[EVENT_LINE_MAX + 1];
};

/* Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar; years begin in
 * March here, so that the leap day is their last. */
static void date_of(uint32_t day, unsigned *year, unsigned *month, unsigned *day_of_month)
{
    enum { DAYS_TO_1970 = 719468, DAYS_OF_400_YEARS = 146097 }; /* from 0000-03-01 */
    uint32_t all = day + DAYS_TO_1970, era = all / DAYS_OF_400_YEARS, of_era = all % DAYS_OF_400_YEARS;
    uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t from_march = (5 * of_year + 2) / 153;
    *day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Times outside of 1970 to 9999 do not come from any capture file, but from a damaged one. */
static const char *odd_time_text(int64_t time_ns, char out[TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(time_ns / NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(out, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    unsigned micros = (unsigned)(time_ns % NS_PER_S / NS_PER_US) % 1000000;
    snprintf(out + used, TIME_TEXT_SIZE - used, ".%06uZ", micros);
    return out;
}

enum { USUAL_TIME = sizeof "2026-03-02T09:30:12.118204Z" - 1 };

/* "2026-03-02T": it is the same day for a long time. */
static char *put_date(char *to, uint32_t day)
{
    enum { SIZE = sizeof "2026-03-02T" - 1 };
    static _Thread_local struct {
        uint32_t day;
        char text[SIZE];
    } last = {0, {"1970-01-01T"}};
    if (day != last.day) {
        unsigned year, month, of_month;
        date_of(day, &year, &month, &of_month);
        digits_put(last.text, year, 4);
        digits_put(last.text + 5, month, 2);
        digits_put(last.text + 8, of_month, 2);
        last.day = day;
    }
    memcpy(to, last.text, SIZE);
    return to + SIZE;
}

/* A time from 1970 on; up to the year 2262, as nanoseconds go. */
static void put_usual_time(char to[USUAL_TIME], uint64_t time_ns)
{
    enum { DAY_S = 86400 };
    uint64_t seconds = time_ns / NS_PER_S;
    unsigned of_day = (unsigned)(seconds % DAY_S);
    to = put_date(to, (uint32_t)(seconds / DAY_S));
    to = digits_put(to, of_day / 3600, 2);
    *to++ = ':';
    to = digits_put(to, of_day / 60 % 60, 2);
    *to++ = ':';
    to = digits_put(to, of_day % 60, 2);
    *to++ = '.';
    to = digits_put(to, time_ns % NS_PER_S / NS_PER_US, 6);
    *to = 'Z';
}

const char *time_text(int64_t time_ns, char out[TIME_TEXT_SIZE])
{
    if (time_ns < 0)
        return odd_time_text(time_ns, out);
    put_usual_time(out, (uint64_t)time_ns);
    out[USUAL_TIME] = '\0';
    return out;
}

/* Numbers as strings. */
static inline __attribute__((always_inline)) struct json_out put_hex(struct json_out json, const char *key,
                                                                     uint64_t value)
{
    char *at = json_quoted(&json, key, 16);
    if (at)
        digits_put_hex(at, value);
    return json;
}

static inline __attribute__((always_inline)) struct json_out put_decimal(struct json_out json,
                                                                         const char *key, uint64_t value)
{
    unsigned count = digits_of(value);
    char *at = json_quoted(&json, key, count);
    if (at)
        digits_put(at, value, count);
    return json;
}

static struct json_out put_event_id(struct json_out json, const char *run_id, uint64_t sequence)
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

static inline __attribute__((always_inline)) struct json_out put_time(struct json_out json, const char *key,
                                                                      int64_t time_ns)
{
    char text[TIME_TEXT_SIZE], *at;
    if (time_ns < 0)
        json_word(&json, key, odd_time_text(time_ns, text));
    else if ((at = json_quoted(&json, key, USUAL_TIME)))
        put_usual_time(at, (uint64_t)time_ns);
    return json;
}

/* The event's own time, as @timestamp has it. */
static struct json_out put_time_again(struct encoder *e, struct json_out json, const char *key)
{
    if (e->line.time_ns < 0)
        return put_time(json, key, e->line.time_ns);
    json_plain(&json, key, e->buffer + sizeof "{\"@timestamp\":\"" - 1, USUAL_TIME);
    return json;
}

static void note_trouble(struct encoder *e, const char *field, const struct proto_text *text, unsigned repair)
{
    if (text && text->size < text->wirelen)
        repair |= JSON_SHORTENED;
    if (repair && e->trouble_count < TROUBLES_MAX)
        e->troubles[e->trouble_count++] = (struct trouble){field, text, repair};
}

/* A string from the wire; `field` is its full name. Empty ones are left out. */
static struct json_out put_captured(struct encoder *e, struct json_out json, const char *key,
                                    const char *field, const struct proto_text *text)
{
    if (text->size)
        note_trouble(e, field, text, json_captured(&json, key, text->bytes, text->size));
    return json;
}

static struct json_out put_text(struct encoder *e, struct json_out json, const char *key, const char *field,
                                const char *text)
{
    note_trouble(e, field, NULL, json_string(&json, key, text));
    return json;
}

/* The name, and what `event` begins with. */
#define DATASET(kind, name)                                                                                  \
    {                                                                                                        \
        name,                                                                                                \
            "\"event\":{" JSON_WORD("kind", kind) JSON_WORD("module", "rolecall") JSON_WORD("dataset", name) \
    }
static const struct {
    const char *name, *head;
} datasets[DATASET_COUNT] = {
    [DATASET_ALERT] = DATASET("alert", "rolecall.alert"),
    [DATASET_FLOW] = DATASET("event", "rolecall.flow"),
    [DATASET_IPSEC] = DATASET("event", "rolecall.ipsec"),
    [DATASET_COVERAGE] = DATASET("metric", "rolecall.coverage"),
    [DATASET_STATS] = DATASET("metric", "rolecall.stats"),
    [DATASET_LOSS] = DATASET("metric", "rolecall.loss"),
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

static struct json_out begin(struct encoder *e, struct event_writer *writer, const struct flow *flow,
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
    json = put_time(json, "@timestamp", time_ns);
    json_value(&json, "ecs", "{\"version\":\"8.17.0\"}");
    return json;
}

/* Opens `event` and leaves it open for what only one dataset has. */
static struct json_out begin_event(struct encoder *e, struct json_out json, enum event_dataset dataset,
                                   const char *action)
{
    struct event_writer *writer = e->writer;
    e->line.dataset = dataset;
    e->line.sequence = ++writer->sequence;
    json_ready(&json, datasets[dataset].head);
    json_word(&json, "action", action);
    json = put_event_id(json, writer->run_id, writer->sequence);
    if (writer->with_created)
        json = put_time(json, "created", clock_wall_ns());
    return json;
}

static struct json_out put_observer(struct encoder *e, struct json_out json, const char *interface)
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
        json = put_text(e, json, "name", "observer.ingress.interface.name", interface);
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
        json = put_text(e, json, "domain", "domain", entry->name);
    if (with_counters) {
        json_unsigned(&json, "packets", flow->packets[side]);
        json_unsigned(&json, "bytes", flow->bytes[side]);
    }
    return json;
}

static struct json_out put_ends(struct encoder *e, struct json_out json, const struct flow *flow,
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

static struct json_out put_network(struct encoder *e, struct json_out json, const struct flow *flow)
{
    json_object(&json, "network");
    json_word(&json, "type", addr_is_v4(&flow->key.addr[0]) ? "ipv4" : "ipv6");
    if (transport_of(&flow->key))
        json_word(&json, "transport", transport_of(&flow->key));
    json = put_decimal(json, "iana_number", flow->key.protocol);
    json_word(&json, "protocol", protocol_of(flow));
    json_plain(&json, "community_id", e->key, COMMUNITY_ID_SIZE - 1);
    if (flow->vlan != 0xffff) {
        json_object(&json, "vlan");
        json = put_decimal(json, "id", flow->vlan);
        json_end_object(&json);
    }
    json_end_object(&json);
    return json;
}

static struct json_out put_related(struct encoder *e, struct json_out json, const struct verdict *verdict)
{
    json_object(&json, "related");
    json_array(&json, "ip");
    json = put_address(e, json, NULL, verdict->initiator);
    json = put_address(e, json, NULL, 1u - verdict->initiator);
    json_end_array(&json);
    json_end_object(&json);
    return json;
}

/* An id of the rules, which holds nothing to escape (is_id() of src/rules). */
static struct json_out put_id(struct json_out json, const char *key, const char *id)
{
    json_plain(&json, key, id, strnlen(id, JSON_STRING_MAX));
    return json;
}

/* Roles leave room for the rows and for what follows them (AFTER_LISTS below). */
enum { AFTER_ROLES = 3700 };

static struct json_out put_roles(struct encoder *e, struct json_out json, role_set roles)
{
    json_array(&json, "roles");
    for (role_set left = roles; left && json_has_room(&json, AFTER_ROLES); left &= left - 1)
        json = put_id(json, NULL, policy_role(e->writer->policy, (unsigned)__builtin_ctzll(left))->name);
    json_end_array(&json);
    return json;
}

static struct json_out put_site(struct encoder *e, struct json_out json, const struct flow *flow,
                                const struct verdict *verdict)
{
    json_unsigned(&json, "schema", EVENT_SCHEMA);
    if (e->writer->policy)
        json = put_text(e, json, "site", "rolecall.site", policy_settings(e->writer->policy)->site_name);
    if (!flow)
        return json;
    json = put_hex(json, "flow_id", event_flow_id(flow));
    if (!e->writer->policy)
        return json;
    json_object(&json, "source");
    json = put_roles(e, json, verdict->party[verdict->initiator].direct);
    json_end_object(&json);
    json_object(&json, "destination");
    json = put_roles(e, json, verdict->party[1 - verdict->initiator].direct);
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
            note_trouble(e, "rolecall.compliance.rows", NULL, JSON_SHORTENED);
            break;
        }
        json = put_id(json, NULL, rows[i]->id);
    }
    json_end_array(&json);
    return json;
}

static struct json_out put_compliance(struct encoder *e, struct json_out json, const struct verdict *verdict,
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
        json = put_text(e, json, "allow", "rolecall.compliance.allow",
                        policy_allow_name(e->writer->policy, verdict->allow));
    if (verdict->reason)
        json_string(&json, "reason", verdict->reason);
    json_end_object(&json);
    return json;
}

static const char *tristate(unsigned value)
{
    return value == TRI_YES ? "yes" : value == TRI_NO ? "no" : "unknown";
}

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
            json = put_captured(e, json, "server_name", "tls.client.server_name", &facts->server_name);
            json_end_object(&json);
        }
        json_end_object(&json);
    }
    if (name == PROTO_dns && facts->server_name.size) {
        json_object(&json, "dns");
        json_object(&json, "question");
        json = put_captured(e, json, "name", "dns.question.name", &facts->server_name);
        json_end_object(&json);
        json_end_object(&json);
    } else if (!has_tls(flow, facts) && facts->server_name.size) {
        json_object(&json, "url");
        json = put_captured(e, json, "domain", "url.domain", &facts->server_name);
        json_end_object(&json);
    }
    if (facts->agent.size) {
        json_object(&json, "user_agent");
        json = put_captured(e, json, "original", "user_agent.original", &facts->agent);
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

static const char *const modality_names[MODALITY_COUNT] = {"any", "audio", "video", "application-sharing"};

static struct json_out put_own_facts(struct encoder *e, struct json_out json, const struct flow *flow,
                                     const struct proto_facts *facts, uint8_t mutual)
{
    if (has_tls(flow, facts)) {
        json_object(&json, "tls");
        json_word(&json, "mutual", tristate(mutual));
        if (tls_version(facts->tls.version))
            json_word(&json, "version", tls_version(facts->tls.version));
        if (facts->tls.resumed != TRI_UNKNOWN)
            json_bool(&json, "resumed", facts->tls.resumed == TRI_YES);
        json_end_object(&json);
    }
    json = put_rtp(json, facts);
    json = put_turn(json, facts);
    if (facts->modality && facts->modality < MODALITY_COUNT)
        json_word(&json, "modality", modality_names[facts->modality]);
    json = put_captured(e, json, "detail", "rolecall.detail", &facts->detail);
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

/* Names what was shortened or repaired, closes the line and hands it on. */
static void finish(struct encoder *e, struct json_out json)
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

void event_flow(struct event_writer *writer, const struct judge_flow *in, const struct verdict *verdict,
                enum flow_end end)
{
    const struct flow *flow = in->flow;
    struct encoder e;
    struct json_out json = begin(&e, writer, flow, flow->last_ns);
    json = begin_event(&e, json, DATASET_FLOW, "flow");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"connection\",\"end\"]");
    json = put_time(json, "start", flow->first_ns);
    json = put_time_again(&e, json, "end");
    json_unsigned(&json, "duration", (uint64_t)(flow->last_ns - flow->first_ns));
    json_end_object(&json);
    json = put_ends(&e, json, flow, verdict, true);
    json = put_network(&e, json, flow);
    json = put_ecs_facts(&e, json, flow, in->facts);
    json = put_related(&e, json, verdict);
    json = put_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = put_site(&e, json, flow, verdict);
    json = put_flow(json, flow, in->facts, verdict, end);
    json = put_compliance(&e, json, verdict, false);
    json = put_own_facts(&e, json, flow, in->facts, verdict->mutual);
    finish(&e, json);
}

static struct json_out put_rule(struct encoder *e, struct json_out json, const struct finding *finding)
{
    const struct matrix_row *row =
        finding->verdict.row_count ? finding->verdict.rows[0] : finding->verdict.nearest;
    json_object(&json, "rule");
    json_word(&json, "id", finding_id_name(finding->id));
    json_word(&json, "name", finding_id_title(finding->id));
    if (row) {
        json = put_id(json, "ruleset", row->matrix);
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
        json_word(&json, "fits_host", tristate(refusal_fits_host(refusal)));
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
    json = put_hex(json, "fingerprint", finding->fingerprint);
    json_unsigned(&json, "count", finding->count);
    if (!finding->is_sensor)
        json_unsigned(&json, "peers", finding->peers);
    json = put_time(json, "first_seen", finding->first_seen_ns);
    json = put_time(json, "last_seen", finding->last_seen_ns);
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
        json = put_time(json, "first_request", episode->first_request_ns);
    if (episode->first_protected_ns)
        json = put_time(json, "first_protected", episode->first_protected_ns);
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
    struct json_out json = begin(&e, writer, flow, now_ns);
    json = begin_event(&e, json, DATASET_IPSEC, "ipsec");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"connection\",\"end\"]");
    json = put_time(json, "start", flow->first_ns);
    json_end_object(&json);
    json = put_ends(&e, json, flow, &episode->verdict, false);
    json = put_network(&e, json, flow);
    json = put_related(&e, json, &episode->verdict);
    json = put_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = put_site(&e, json, flow, &episode->verdict);
    json = put_ipsec(json, episode);
    json = put_compliance(&e, json, &episode->verdict, false);
    finish(&e, json);
}

void event_finding(struct event_writer *writer, const struct finding *finding, int64_t now_ns)
{
    const struct flow *flow = &finding->flow;
    const struct verdict *verdict = &finding->verdict;
    struct encoder e;
    struct json_out json = begin(&e, writer, finding->is_sensor ? NULL : flow, now_ns);
    json = begin_event(&e, json, DATASET_ALERT, finding_id_name(finding->id));
    json_value(&json, "category", "[\"network\",\"intrusion_detection\"]");
    json_value(&json, "type", "[\"info\"]");
    e.line.severity = (unsigned)finding->severity;
    json_unsigned(&json, "severity", e.line.severity);
    json = put_time(json, "start", finding->first_seen_ns);
    json = put_text(&e, json, "reason", "event.reason", finding->reason);
    json_end_object(&json);
    json = put_rule(&e, json, finding);
    if (!finding->is_sensor) {
        json = put_ends(&e, json, flow, verdict, false);
        json = put_network(&e, json, flow);
        json = put_related(&e, json, verdict);
    }
    json = put_observer(&e, json, finding->interface);
    json_object(&json, "rolecall");
    json = put_site(&e, json, finding->is_sensor ? NULL : flow, verdict);
    if (finding->has_episode)
        json = put_ipsec(json, &finding->episode);
    if (!finding->is_sensor)
        json = put_compliance(&e, json, verdict, true);
    json = put_refusal(json, &finding->refusal);
    json = put_text(&e, json, "advice", "rolecall.advice", finding->advice);
    json = put_finding(json, finding);
    finish(&e, json);
}

static bool is_in_state(const struct coverage *coverage, unsigned state)
{
    switch (state) {
    case 0:
        return coverage->flows;
    case 1:
        return coverage->violated;
    case 2:
        return coverage->blocked;
    default:
        return !coverage->flows && !coverage->violated && !coverage->blocked;
    }
}

enum { MEDIA_PORTS_MAX = 32 };

struct media_ports {
    uint8_t modality;
    struct port_range range;
};

static void add_media_row(const struct policy_row *row, struct media_ports *list, unsigned *count)
{
    for (unsigned i = 0; i < row->range_count; i++) {
        struct media_ports ports = {row->row->modality, row->ranges[i]};
        bool known = false;
        for (unsigned k = 0; k < *count; k++)
            known |= list[k].modality == ports.modality && list[k].range.low == ports.range.low &&
                     list[k].range.high == ports.range.high;
        if (!known && *count < MEDIA_PORTS_MAX)
            list[(*count)++] = ports;
    }
}

/* A row that is not `media`, but by which media may use a range of this host's own ports (the Edge's
 * outside). */
static bool is_media_range(const struct policy_row *row)
{
    return row->row->accepts >> PROTO_rtp & 1 && !row->row->accepts_anything && row->range_count &&
           row->ranges[0].low != row->ranges[0].high;
}

/* The port ranges that media of this host may use, as the documents and the site have them. */
static struct json_out put_media_ports(struct encoder *e, struct json_out json, role_set direct)
{
    struct media_ports list[MEDIA_PORTS_MAX];
    unsigned count = 0;
    for (role_set left = direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(e->writer->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->media_count; i++)
            add_media_row(&role->media[i], list, &count);
        for (unsigned i = 0; i < role->answers_count; i++)
            if (is_media_range(&role->answers[i]))
                add_media_row(&role->answers[i], list, &count);
        for (unsigned i = 0; i < role->opens_count; i++)
            if (is_media_range(&role->opens[i]) && role->opens[i].row->own_port)
                add_media_row(&role->opens[i], list, &count);
    }
    if (!count)
        return json;
    json_array(&json, "media_ports");
    for (unsigned i = 0; i < count; i++)
        json_format(&json, NULL, "%s %u-%u", modality_names[list[i].modality], list[i].range.low,
                    list[i].range.high);
    json_end_array(&json);
    return json;
}

void event_coverage(struct event_writer *writer, const struct judge *judge, int32_t entry, int64_t now_ns)
{
    static const char *const states[] = {"seen", "violated", "blocked", "not_seen"};
    const struct policy_entry *host = policy_entry(writer->policy, entry);
    uint64_t counts[4] = {0};
    struct encoder e;
    struct json_out json = begin(&e, writer, NULL, now_ns);
    json = begin_event(&e, json, DATASET_COVERAGE, "coverage");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"info\"]");
    json_end_object(&json);
    json_object(&json, "host");
    json = put_text(&e, json, "name", "host.name", host->name);
    json_end_object(&json);
    json = put_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = put_site(&e, json, NULL, NULL);
    json_object(&json, "host");
    json = put_roles(&e, json, host->direct);
    json_end_object(&json);
    json = put_media_ports(&e, json, host->direct);
    json_object(&json, "coverage");
    for (unsigned state = 0; state < 4; state++) {
        json_array(&json, states[state]);
        for (unsigned order = 0; order < policy_row_count(writer->policy); order++) {
            const struct coverage *coverage = judge_coverage(judge, entry, order);
            if (!coverage || !is_in_state(coverage, state))
                continue;
            if (json_has_room(&json, 400))
                json = put_id(json, NULL, policy_row_by_order(writer->policy, order)->id);
            else if (counts[state] == 0 || e.trouble_count == 0)
                note_trouble(&e, "rolecall.coverage", NULL, JSON_SHORTENED);
            counts[state]++;
        }
        json_end_array(&json);
    }
    json_object(&json, "counts");
    for (unsigned state = 0; state < 4; state++)
        json_unsigned(&json, states[state], counts[state]);
    json_end_object(&json);
    json_end_object(&json);
    finish(&e, json);
}

void event_stats(struct event_writer *writer, const struct event_counter *counters, unsigned count,
                 int64_t now_ns)
{
    struct encoder e;
    struct json_out json = begin(&e, writer, NULL, now_ns);
    json = begin_event(&e, json, DATASET_STATS, "stats");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"info\"]");
    json_end_object(&json);
    json = put_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = put_site(&e, json, NULL, NULL);
    json_object(&json, "stats");
    for (unsigned i = 0; i < count; i++)
        json_unsigned(&json, counters[i].name, counters[i].value);
    json_end_object(&json);
    finish(&e, json);
}

void event_loss(struct event_writer *writer, const struct event_loss *loss)
{
    const uint64_t *lost = loss->lost;
    struct encoder e;
    struct json_out json = begin(&e, writer, NULL, loss->now_ns);
    json = begin_event(&e, json, DATASET_LOSS, "loss");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"info\"]");
    json_end_object(&json);
    json = put_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = put_site(&e, json, NULL, NULL);
    json_object(&json, "loss");
    json = put_text(&e, json, "output", "rolecall.loss.output", loss->output);
    json = put_text(&e, json, "reason", "rolecall.loss.reason", loss->reason);
    json = put_time(json, "since", loss->since_ns);
    json_unsigned(&json, "alerts", lost[DATASET_ALERT]);
    json_unsigned(&json, "flows", lost[DATASET_FLOW]);
    json_unsigned(&json, "events", lost[DATASET_IPSEC]);
    json_unsigned(&json, "metrics", lost[DATASET_COVERAGE] + lost[DATASET_STATS] + lost[DATASET_LOSS]);
    json_unsigned(&json, "first_sequence", loss->first_sequence);
    json_unsigned(&json, "last_sequence", loss->last_sequence);
    json_end_object(&json);
    finish(&e, json);
}
