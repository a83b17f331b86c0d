/* SPDX-License-Identifier: BSD-2-Clause
 *
 * encode.c - the one place that knows the names of JSON fields (docs/EVENTS.md, docs/event.schema.json). Each
 * function writes one event from top to bottom in the order of the schema.
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
    struct json_out json;
    struct event_writer *writer;
    struct event_line line;
    char key[COMMUNITY_ID_SIZE];
    struct address {
        char text[ADDR_TEXT_SIZE];
        size_t size;
    } ip[2]; /* by side: show_addresses() */
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
static inline __attribute__((always_inline)) void put_hex(struct encoder *e, const char *key, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";
    char text[16];
    for (unsigned i = 0; i < 16; i++)
        text[i] = digits[value >> (60 - 4 * i) & 15];
    json_plain(&e->json, key, text, sizeof text);
}

static inline __attribute__((always_inline)) void put_decimal(struct encoder *e, const char *key,
                                                              uint64_t value)
{
    char text[20];
    unsigned count = digits_of(value);
    digits_put(text, value, count);
    json_plain(&e->json, key, text, count);
}

static void put_event_id(struct encoder *e, const char *run_id, uint64_t sequence)
{
    enum { RUN_ID_MAX = 42 };
    char text[RUN_ID_MAX + 21];
    size_t size = strnlen(run_id, RUN_ID_MAX);
    memcpy(text, run_id, size);
    text[size++] = '-';
    unsigned count = digits_of(sequence);
    digits_put(text + size, sequence, count);
    json_plain(&e->json, "id", text, size + count);
}

uint64_t event_flow_id(const struct flow *flow)
{
    struct {
        struct flow_key key;
        int64_t first_ns;
    } identity = {flow->key, flow->first_ns};
    return hash_bytes(&identity, sizeof identity, flow_id_secret);
}

static inline __attribute__((always_inline)) void put_time(struct encoder *e, const char *key,
                                                           int64_t time_ns)
{
    char text[TIME_TEXT_SIZE];
    if (time_ns < 0) {
        json_word(&e->json, key, odd_time_text(time_ns, text));
        return;
    }
    put_usual_time(text, (uint64_t)time_ns);
    json_plain(&e->json, key, text, USUAL_TIME);
}

static void note_trouble(struct encoder *e, const char *field, const struct proto_text *text, unsigned repair)
{
    if (text && text->size < text->wirelen)
        repair |= JSON_SHORTENED;
    if (repair && e->trouble_count < TROUBLES_MAX)
        e->troubles[e->trouble_count++] = (struct trouble){field, text, repair};
}

/* A string from the wire; `field` is its full name. Empty ones are left out. */
static void put_captured(struct encoder *e, const char *key, const char *field, const struct proto_text *text)
{
    if (text->size)
        note_trouble(e, field, text, json_captured(&e->json, key, text->bytes, text->size));
}

static void put_text(struct encoder *e, const char *key, const char *field, const char *text)
{
    note_trouble(e, field, NULL, json_string(&e->json, key, text));
}

static const struct {
    const char *name, *kind;
} datasets[DATASET_COUNT] = {
    [DATASET_ALERT] = {"rolecall.alert", "alert"},  [DATASET_FLOW] = {"rolecall.flow", "event"},
    [DATASET_IPSEC] = {"rolecall.ipsec", "event"},  [DATASET_COVERAGE] = {"rolecall.coverage", "metric"},
    [DATASET_STATS] = {"rolecall.stats", "metric"}, [DATASET_LOSS] = {"rolecall.loss", "metric"},
};

const char *event_dataset_name(enum event_dataset dataset)
{
    return datasets[dataset].name;
}

static void begin(struct encoder *e, struct event_writer *writer, int64_t time_ns)
{
    e->writer = writer;
    e->trouble_count = 0;
    e->key[0] = '\0';
    e->line = (struct event_line){.text = e->buffer, .time_ns = time_ns, .key = e->key};
    json_start(&e->json, e->buffer, sizeof e->buffer);
    json_object(&e->json, NULL);
    put_time(e, "@timestamp", time_ns);
    json_object(&e->json, "ecs");
    json_word(&e->json, "version", "8.17.0");
    json_end_object(&e->json);
}

/* Opens `event` and leaves it open for what only one dataset has. */
static void begin_event(struct encoder *e, enum event_dataset dataset, const char *action)
{
    struct event_writer *writer = e->writer;
    e->line.dataset = dataset;
    e->line.sequence = ++writer->sequence;
    json_object(&e->json, "event");
    json_word(&e->json, "kind", datasets[dataset].kind);
    json_word(&e->json, "module", "rolecall");
    json_word(&e->json, "dataset", datasets[dataset].name);
    json_word(&e->json, "action", action);
    put_event_id(e, writer->run_id, writer->sequence);
    json_unsigned(&e->json, "sequence", writer->sequence);
    if (writer->with_created)
        put_time(e, "created", clock_wall_ns());
}

static inline __attribute__((always_inline)) void put_list(struct encoder *e, const char *key,
                                                           const char *const *values)
{
    json_array(&e->json, key);
    for (; *values; values++)
        json_word(&e->json, NULL, *values);
    json_end_array(&e->json);
}

static void put_observer(struct encoder *e, const char *interface)
{
    json_object(&e->json, "observer");
    json_word(&e->json, "vendor", "rolecall");
    json_word(&e->json, "product", "rolecall");
    json_word(&e->json, "version", ROLECALL_VERSION);
    json_word(&e->json, "type", "sensor");
    if (e->writer->sensor)
        json_string(&e->json, "name", e->writer->sensor);
    if (e->writer->hostname)
        json_string(&e->json, "hostname", e->writer->hostname);
    if (interface && *interface) {
        json_object(&e->json, "ingress");
        json_object(&e->json, "interface");
        put_text(e, "name", "observer.ingress.interface.name", interface);
        json_end_object(&e->json);
        json_end_object(&e->json);
    }
    json_end_object(&e->json);
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

static void show_addresses(struct encoder *e, const struct flow *flow)
{
    for (unsigned side = 0; side < 2; side++)
        e->ip[side].size = addr_put(&flow->key.addr[side], e->ip[side].text);
}

static void put_address(struct encoder *e, const char *key, unsigned side)
{
    json_plain(&e->json, key, e->ip[side].text, e->ip[side].size);
}

/* What stands in `source` and in `destination`. */
static void put_end(struct encoder *e, const struct flow *flow, const struct verdict *verdict, unsigned side,
                    bool with_counters)
{
    const struct policy_entry *entry =
        e->writer->policy ? policy_entry(e->writer->policy, verdict->party[side].entry) : NULL;
    put_address(e, "ip", side);
    if (flow->key.protocol == IP_TCP || flow->key.protocol == IP_UDP || flow->key.protocol == IP_SCTP)
        json_unsigned(&e->json, "port", flow->key.port[side]);
    if (entry && !entry->is_network)
        put_text(e, "domain", "domain", entry->name);
    if (with_counters) {
        json_unsigned(&e->json, "packets", flow->packets[side]);
        json_unsigned(&e->json, "bytes", flow->bytes[side]);
    }
}

static void put_ends(struct encoder *e, const struct flow *flow, const struct verdict *verdict,
                     bool with_counters)
{
    show_addresses(e, flow);
    json_object(&e->json, "source");
    put_end(e, flow, verdict, verdict->initiator, with_counters);
    json_end_object(&e->json);
    json_object(&e->json, "destination");
    put_end(e, flow, verdict, 1u - verdict->initiator, with_counters);
    json_end_object(&e->json);
}

static void put_network(struct encoder *e, const struct flow *flow)
{
    json_object(&e->json, "network");
    json_word(&e->json, "type", addr_is_v4(&flow->key.addr[0]) ? "ipv4" : "ipv6");
    if (transport_of(&flow->key))
        json_word(&e->json, "transport", transport_of(&flow->key));
    put_decimal(e, "iana_number", flow->key.protocol);
    json_word(&e->json, "protocol", protocol_of(flow));
    community_id(&flow->key, e->key);
    json_plain(&e->json, "community_id", e->key, COMMUNITY_ID_SIZE - 1);
    if (flow->vlan != 0xffff) {
        json_object(&e->json, "vlan");
        put_decimal(e, "id", flow->vlan);
        json_end_object(&e->json);
    }
    json_end_object(&e->json);
}

static void put_related(struct encoder *e, const struct verdict *verdict)
{
    json_object(&e->json, "related");
    json_array(&e->json, "ip");
    put_address(e, NULL, verdict->initiator);
    put_address(e, NULL, 1u - verdict->initiator);
    json_end_array(&e->json);
    json_end_object(&e->json);
}

/* An id of the rules, which holds nothing to escape (is_id() of src/rules). */
static void put_id(struct encoder *e, const char *key, const char *id)
{
    json_plain(&e->json, key, id, strnlen(id, JSON_STRING_MAX));
}

/* Roles leave room for the rows and for what follows them (AFTER_LISTS below). */
enum { AFTER_ROLES = 3700 };

static void put_roles(struct encoder *e, role_set roles)
{
    json_array(&e->json, "roles");
    for (role_set left = roles; left && json_has_room(&e->json, AFTER_ROLES); left &= left - 1)
        put_id(e, NULL, policy_role(e->writer->policy, (unsigned)__builtin_ctzll(left))->name);
    json_end_array(&e->json);
}

static void put_site(struct encoder *e, const struct flow *flow, const struct verdict *verdict)
{
    json_unsigned(&e->json, "schema", EVENT_SCHEMA);
    if (e->writer->policy)
        put_text(e, "site", "rolecall.site", policy_settings(e->writer->policy)->site_name);
    if (!flow)
        return;
    put_hex(e, "flow_id", event_flow_id(flow));
    if (!e->writer->policy)
        return;
    json_object(&e->json, "source");
    put_roles(e, verdict->party[verdict->initiator].direct);
    json_end_object(&e->json);
    json_object(&e->json, "destination");
    put_roles(e, verdict->party[1 - verdict->initiator].direct);
    json_end_object(&e->json);
}

static const char *confidence_of(const struct verdict *verdict)
{
    if (verdict->basis <= BASIS_PROTOCOL)
        return "high";
    return verdict->basis <= BASIS_MATRIX ? "medium" : "low";
}

/* Lists leave this much of a line to what comes after them. */
enum { AFTER_LISTS = 3000 };

static void put_rows(struct encoder *e, const char *key, const struct matrix_row *const *rows, unsigned count)
{
    json_array(&e->json, key);
    for (unsigned i = 0; i < count; i++) {
        if (!json_has_room(&e->json, AFTER_LISTS)) {
            note_trouble(e, "rolecall.compliance.rows", NULL, JSON_SHORTENED);
            break;
        }
        put_id(e, NULL, rows[i]->id);
    }
    json_end_array(&e->json);
}

static void put_compliance(struct encoder *e, const struct verdict *verdict, bool is_alert)
{
    json_object(&e->json, "compliance");
    json_word(&e->json, "status", verdict_status_name(verdict->status));
    if (verdict->outcome)
        json_word(&e->json, "outcome", verdict->outcome);
    if (is_alert)
        json_word(&e->json, "confidence", confidence_of(verdict));
    if (verdict->row_count || !is_alert)
        put_rows(e, "rows", verdict->rows, verdict->row_count);
    if (verdict->match != MATCH_NONE)
        json_word(&e->json, "match", row_match_name(verdict->match));
    if (verdict->application_check)
        json_word(&e->json, "application_check", verdict->application_check);
    if (verdict->nearest)
        put_rows(e, "nearest", &verdict->nearest, 1);
    if (!is_alert) {
        json_array(&e->json, "findings");
        for (uint32_t left = verdict->findings; left; left &= left - 1)
            json_word(&e->json, NULL, finding_id_name((enum finding_id)__builtin_ctz(left)));
        json_end_array(&e->json);
    }
    if (verdict->allow >= 0)
        put_text(e, "allow", "rolecall.compliance.allow",
                 policy_allow_name(e->writer->policy, verdict->allow));
    if (verdict->reason)
        json_string(&e->json, "reason", verdict->reason);
    json_end_object(&e->json);
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
static void put_ecs_facts(struct encoder *e, const struct flow *flow, const struct proto_facts *facts)
{
    unsigned name = flow->identity.name;
    if (has_tls(flow, facts) &&
        (tls_version(facts->tls.version) || (name == PROTO_tls && facts->server_name.size))) {
        json_object(&e->json, "tls");
        if (tls_version(facts->tls.version))
            json_word(&e->json, "version", tls_version(facts->tls.version));
        if (facts->server_name.size && name != PROTO_xmpp) {
            json_object(&e->json, "client");
            put_captured(e, "server_name", "tls.client.server_name", &facts->server_name);
            json_end_object(&e->json);
        }
        json_end_object(&e->json);
    }
    if (name == PROTO_dns && facts->server_name.size) {
        json_object(&e->json, "dns");
        json_object(&e->json, "question");
        put_captured(e, "name", "dns.question.name", &facts->server_name);
        json_end_object(&e->json);
        json_end_object(&e->json);
    } else if (!has_tls(flow, facts) && facts->server_name.size) {
        json_object(&e->json, "url");
        put_captured(e, "domain", "url.domain", &facts->server_name);
        json_end_object(&e->json);
    }
    if (facts->agent.size) {
        json_object(&e->json, "user_agent");
        put_captured(e, "original", "user_agent.original", &facts->agent);
        json_end_object(&e->json);
    }
}

static void put_rtp(struct encoder *e, const struct proto_facts *facts)
{
    if (!facts->rtp.ssrc_count && !facts->rtp.packets)
        return;
    json_object(&e->json, "rtp");
    json_array(&e->json, "payload_types");
    for (unsigned i = 0; i < facts->rtp.payload_type_count; i++)
        json_unsigned(&e->json, NULL, facts->rtp.payload_types[i]);
    json_end_array(&e->json);
    json_array(&e->json, "ssrc");
    for (unsigned i = 0; i < facts->rtp.ssrc_count; i++)
        json_format(&e->json, NULL, "0x%08" PRIx32, facts->rtp.ssrc[i]);
    json_end_array(&e->json);
    json_unsigned(&e->json, "packets", facts->rtp.packets);
    json_unsigned(&e->json, "lost", facts->rtp.lost);
    json_end_object(&e->json);
}

static void put_turn(struct encoder *e, const struct proto_facts *facts)
{
    static const char *const streams[] = {NULL, "audio", "video", "supplemental-video", "data"};
    if (!facts->turn.flavour)
        return;
    json_object(&e->json, "turn");
    json_word(&e->json, "flavour", facts->turn.flavour == 2 ? "ms-turn" : "stun");
    if (facts->turn.flavour == 2)
        json_bool(&e->json, "pseudo_tls", facts->turn.pseudo_tls);
    if (facts->turn.stream_type >= 1 && facts->turn.stream_type <= 4)
        json_word(&e->json, "stream", streams[facts->turn.stream_type]);
    json_end_object(&e->json);
}

static const char *const modality_names[MODALITY_COUNT] = {"any", "audio", "video", "application-sharing"};

static void put_own_facts(struct encoder *e, const struct flow *flow, const struct proto_facts *facts,
                          uint8_t mutual)
{
    if (has_tls(flow, facts)) {
        json_object(&e->json, "tls");
        json_word(&e->json, "mutual", tristate(mutual));
        if (tls_version(facts->tls.version))
            json_word(&e->json, "version", tls_version(facts->tls.version));
        if (facts->tls.resumed != TRI_UNKNOWN)
            json_bool(&e->json, "resumed", facts->tls.resumed == TRI_YES);
        json_end_object(&e->json);
    }
    put_rtp(e, facts);
    put_turn(e, facts);
    if (facts->modality && facts->modality < MODALITY_COUNT)
        json_word(&e->json, "modality", modality_names[facts->modality]);
    put_captured(e, "detail", "rolecall.detail", &facts->detail);
}

static void put_flow(struct encoder *e, const struct flow *flow, const struct proto_facts *facts,
                     const struct verdict *verdict, enum flow_end end)
{
    json_object(&e->json, "flow");
    json_word(&e->json, "direction_basis", direction_basis_name(verdict->basis));
    json_word(&e->json, "end_reason", flow_end_name(end));
    json_unsigned(&e->json, "evidence", flow->identity.evidence);
    if (flow->identity.upgraded_to)
        json_word(&e->json, "upgraded_to", proto_by_id(flow->identity.upgraded_to)->name);
    if (facts->also) {
        json_array(&e->json, "also");
        for (unsigned id = 1; id < PROTO_COUNT; id++)
            if (facts->also >> id & 1)
                json_word(&e->json, NULL, proto_by_id((enum proto_id)id)->name);
        json_end_array(&e->json);
    }
    if (flow->layers[0]) {
        json_array(&e->json, "tunnel");
        for (unsigned i = 0; i < sizeof flow->layers && flow->layers[i]; i++)
            json_word(&e->json, NULL, layer_name(flow->layers[i]));
        json_end_array(&e->json);
    }
    if (flow->flags & FLOW_PROTECTED)
        json_bool(&e->json, "protected", true);
    json_unsigned(&e->json, "truncated_packets", flow->truncated_packets);
    json_unsigned(&e->json, "duplicates", flow->duplicates);
    json_end_object(&e->json);
}

/* Names what was shortened or repaired, closes the line and hands it on. */
static void finish(struct encoder *e)
{
    struct json_out *json = &e->json;
    bool shortened = false, repaired = false;
    for (unsigned i = 0; i < e->trouble_count; i++) {
        shortened |= (e->troubles[i].repair & JSON_SHORTENED) != 0;
        repaired |= e->troubles[i].text && (e->troubles[i].repair & JSON_REPAIRED);
    }
    if (shortened) {
        json_array(json, "truncated");
        for (unsigned i = 0; i < e->trouble_count; i++)
            if (e->troubles[i].repair & JSON_SHORTENED)
                json_word(json, NULL, e->troubles[i].field);
        json_end_array(json);
    }
    if (repaired) {
        json_object(json, "raw_hex");
        for (unsigned i = 0; i < e->trouble_count; i++) {
            const struct proto_text *text = e->troubles[i].text;
            if (text && (e->troubles[i].repair & JSON_REPAIRED))
                json_hex(json, e->troubles[i].field, text->bytes, text->size < 128 ? text->size : 128);
        }
        json_end_object(json);
    }
    json_end_object(json); /* rolecall */
    json_end_object(json);
    if (!json_finish(json)) {
        e->writer->too_long++;
        return;
    }
    e->line.size = json->used;
    e->writer->line(e->writer->context, &e->line);
}

void event_flow(struct event_writer *writer, const struct judge_flow *in, const struct verdict *verdict,
                enum flow_end end)
{
    static const char *const category[] = {"network", NULL}, *const type[] = {"connection", "end", NULL};
    const struct flow *flow = in->flow;
    struct encoder e;
    begin(&e, writer, flow->last_ns);
    begin_event(&e, DATASET_FLOW, "flow");
    put_list(&e, "category", category);
    put_list(&e, "type", type);
    put_time(&e, "start", flow->first_ns);
    put_time(&e, "end", flow->last_ns);
    json_unsigned(&e.json, "duration", (uint64_t)(flow->last_ns - flow->first_ns));
    json_end_object(&e.json);
    put_ends(&e, flow, verdict, true);
    put_network(&e, flow);
    put_ecs_facts(&e, flow, in->facts);
    put_related(&e, verdict);
    put_observer(&e, NULL);
    json_object(&e.json, "rolecall");
    put_site(&e, flow, verdict);
    put_flow(&e, flow, in->facts, verdict, end);
    put_compliance(&e, verdict, false);
    put_own_facts(&e, flow, in->facts, verdict->mutual);
    finish(&e);
}

static void put_rule(struct encoder *e, const struct finding *finding)
{
    const struct matrix_row *row =
        finding->verdict.row_count ? finding->verdict.rows[0] : finding->verdict.nearest;
    json_object(&e->json, "rule");
    json_word(&e->json, "id", finding_id_name(finding->id));
    json_word(&e->json, "name", finding_id_title(finding->id));
    if (row) {
        put_id(e, "ruleset", row->matrix);
        json_string(&e->json, "reference", policy_matrix_reference(e->writer->policy, row->matrix));
    }
    json_end_object(&e->json);
}

static void put_refusal(struct encoder *e, const struct refusal *refusal)
{
    static const char *const kinds[] = {NULL, "rst", "icmp", "silence"};
    static const struct addr none;
    char sender[ADDR_TEXT_SIZE];
    if (!refusal->kind)
        return;
    json_object(&e->json, "refusal");
    json_word(&e->json, "kind", kinds[refusal->kind]);
    if (refusal->kind == REFUSAL_RST) {
        json_unsigned(&e->json, "ttl", refusal->ttl);
        if (refusal->ttl_low) {
            json_unsigned(&e->json, "host_ttl_low", refusal->ttl_low);
            json_unsigned(&e->json, "host_ttl_high", refusal->ttl_high);
        }
        json_word(&e->json, "fits_host", tristate(refusal_fits_host(refusal)));
    }
    if (refusal->kind == REFUSAL_ICMP) {
        json_format(&e->json, "icmp_type", "%u", refusal->icmp_type);
        json_format(&e->json, "icmp_code", "%u", refusal->icmp_code);
        if (!addr_equal(&refusal->icmp_sender, &none))
            json_string(&e->json, "icmp_sender", addr_text(&refusal->icmp_sender, sender));
    }
    json_unsigned(&e->json, "tries", refusal->tries);
    json_unsigned(&e->json, "span", (uint64_t)refusal->span_ns);
    json_end_object(&e->json);
}

static void put_finding(struct encoder *e, const struct finding *finding)
{
    static const char *const states[] = {"open", "update", "close"};
    json_object(&e->json, "finding");
    json_word(&e->json, "state", states[finding->state]);
    put_hex(e, "fingerprint", finding->fingerprint);
    json_unsigned(&e->json, "count", finding->count);
    if (!finding->is_sensor)
        json_unsigned(&e->json, "peers", finding->peers);
    put_time(e, "first_seen", finding->first_seen_ns);
    put_time(e, "last_seen", finding->last_seen_ns);
    json_end_object(&e->json);
}

/* Milliseconds with one decimal: DESIGN 7. */
static void put_delay(struct encoder *e, const char *key, int64_t from_ns, int64_t to_ns)
{
    if (!from_ns || !to_ns || to_ns < from_ns)
        return;
    uint64_t tenths = ((uint64_t)(to_ns - from_ns) + 50000) / 100000;
    json_decimal(&e->json, key, tenths);
}

static void put_ipsec(struct encoder *e, const struct ipsec_episode *episode)
{
    static const char *const negotiations[] = {"none", "ikev1", "ikev2", "authip"};
    static const char *const states[] = {"unanswered", "negotiating", "fell-back", "protected"};
    json_object(&e->json, "ipsec");
    json_word(&e->json, "negotiation", negotiations[episode->negotiation]);
    json_word(&e->json, "state", states[episode->state]);
    if (episode->first_request_ns)
        put_time(e, "first_request", episode->first_request_ns);
    if (episode->first_protected_ns)
        put_time(e, "first_protected", episode->first_protected_ns);
    put_delay(e, "negotiation_ms", episode->first_request_ns, episode->first_protected_ns);
    put_delay(e, "media_start_delay_ms", episode->first_request_ns, episode->media_start_ns);
    json_unsigned(&e->json, "requests", episode->requests);
    json_bool(&e->json, "answered", episode->answered);
    json_array(&e->json, "spi");
    for (unsigned i = 0; i < episode->spi_count; i++)
        json_format(&e->json, NULL, "0x%08" PRIx32, episode->spi[i]);
    json_end_array(&e->json);
    json_bool(&e->json, "nat_t", episode->nat_t);
    json_bool(&e->json, "esp_null", episode->esp_null);
    json_unsigned(&e->json, "rekeys", episode->rekeys);
    json_unsigned(&e->json, "media_flows", episode->media_flows);
    json_unsigned(&e->json, "media_packets_lost", episode->media_lost);
    json_end_object(&e->json);
}

void event_ipsec(struct event_writer *writer, const struct ipsec_episode *episode, int64_t now_ns)
{
    static const char *const category[] = {"network", NULL}, *const type[] = {"connection", "end", NULL};
    const struct flow *flow = &episode->flow;
    struct encoder e;
    begin(&e, writer, now_ns);
    begin_event(&e, DATASET_IPSEC, "ipsec");
    put_list(&e, "category", category);
    put_list(&e, "type", type);
    put_time(&e, "start", flow->first_ns);
    json_end_object(&e.json);
    put_ends(&e, flow, &episode->verdict, false);
    put_network(&e, flow);
    put_related(&e, &episode->verdict);
    put_observer(&e, NULL);
    json_object(&e.json, "rolecall");
    put_site(&e, flow, &episode->verdict);
    put_ipsec(&e, episode);
    put_compliance(&e, &episode->verdict, false);
    finish(&e);
}

void event_finding(struct event_writer *writer, const struct finding *finding, int64_t now_ns)
{
    static const char *const category[] = {"network", "intrusion_detection", NULL}, *const type[] = {"info",
                                                                                                     NULL};
    const struct flow *flow = &finding->flow;
    const struct verdict *verdict = &finding->verdict;
    struct encoder e;
    begin(&e, writer, now_ns);
    begin_event(&e, DATASET_ALERT, finding_id_name(finding->id));
    put_list(&e, "category", category);
    put_list(&e, "type", type);
    e.line.severity = (unsigned)finding->severity;
    json_unsigned(&e.json, "severity", e.line.severity);
    put_time(&e, "start", finding->first_seen_ns);
    put_text(&e, "reason", "event.reason", finding->reason);
    json_end_object(&e.json);
    put_rule(&e, finding);
    if (!finding->is_sensor) {
        put_ends(&e, flow, verdict, false);
        put_network(&e, flow);
        put_related(&e, verdict);
    }
    put_observer(&e, finding->interface);
    json_object(&e.json, "rolecall");
    put_site(&e, finding->is_sensor ? NULL : flow, verdict);
    if (finding->has_episode)
        put_ipsec(&e, &finding->episode);
    if (!finding->is_sensor)
        put_compliance(&e, verdict, true);
    put_refusal(&e, &finding->refusal);
    put_text(&e, "advice", "rolecall.advice", finding->advice);
    put_finding(&e, finding);
    finish(&e);
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
static void put_media_ports(struct encoder *e, role_set direct)
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
        return;
    json_array(&e->json, "media_ports");
    for (unsigned i = 0; i < count; i++)
        json_format(&e->json, NULL, "%s %u-%u", modality_names[list[i].modality], list[i].range.low,
                    list[i].range.high);
    json_end_array(&e->json);
}

void event_coverage(struct event_writer *writer, const struct judge *judge, int32_t entry, int64_t now_ns)
{
    static const char *const category[] = {"network", NULL}, *const type[] = {"info", NULL};
    static const char *const states[] = {"seen", "violated", "blocked", "not_seen"};
    const struct policy_entry *host = policy_entry(writer->policy, entry);
    uint64_t counts[4] = {0};
    struct encoder e;
    begin(&e, writer, now_ns);
    begin_event(&e, DATASET_COVERAGE, "coverage");
    put_list(&e, "category", category);
    put_list(&e, "type", type);
    json_end_object(&e.json);
    json_object(&e.json, "host");
    put_text(&e, "name", "host.name", host->name);
    json_end_object(&e.json);
    put_observer(&e, NULL);
    json_object(&e.json, "rolecall");
    put_site(&e, NULL, NULL);
    json_object(&e.json, "host");
    put_roles(&e, host->direct);
    json_end_object(&e.json);
    put_media_ports(&e, host->direct);
    json_object(&e.json, "coverage");
    for (unsigned state = 0; state < 4; state++) {
        json_array(&e.json, states[state]);
        for (unsigned order = 0; order < policy_row_count(writer->policy); order++) {
            const struct coverage *coverage = judge_coverage(judge, entry, order);
            if (!coverage || !is_in_state(coverage, state))
                continue;
            if (json_has_room(&e.json, 400))
                put_id(&e, NULL, policy_row_by_order(writer->policy, order)->id);
            else if (counts[state] == 0 || e.trouble_count == 0)
                note_trouble(&e, "rolecall.coverage", NULL, JSON_SHORTENED);
            counts[state]++;
        }
        json_end_array(&e.json);
    }
    json_object(&e.json, "counts");
    for (unsigned state = 0; state < 4; state++)
        json_unsigned(&e.json, states[state], counts[state]);
    json_end_object(&e.json);
    json_end_object(&e.json);
    finish(&e);
}

void event_stats(struct event_writer *writer, const struct event_counter *counters, unsigned count,
                 int64_t now_ns)
{
    static const char *const category[] = {"network", NULL}, *const type[] = {"info", NULL};
    struct encoder e;
    begin(&e, writer, now_ns);
    begin_event(&e, DATASET_STATS, "stats");
    put_list(&e, "category", category);
    put_list(&e, "type", type);
    json_end_object(&e.json);
    put_observer(&e, NULL);
    json_object(&e.json, "rolecall");
    put_site(&e, NULL, NULL);
    json_object(&e.json, "stats");
    for (unsigned i = 0; i < count; i++)
        json_unsigned(&e.json, counters[i].name, counters[i].value);
    json_end_object(&e.json);
    finish(&e);
}

void event_loss(struct event_writer *writer, const struct event_loss *loss)
{
    static const char *const category[] = {"network", NULL}, *const type[] = {"info", NULL};
    const uint64_t *lost = loss->lost;
    struct encoder e;
    begin(&e, writer, loss->now_ns);
    begin_event(&e, DATASET_LOSS, "loss");
    put_list(&e, "category", category);
    put_list(&e, "type", type);
    json_end_object(&e.json);
    put_observer(&e, NULL);
    json_object(&e.json, "rolecall");
    put_site(&e, NULL, NULL);
    json_object(&e.json, "loss");
    put_text(&e, "output", "rolecall.loss.output", loss->output);
    put_text(&e, "reason", "rolecall.loss.reason", loss->reason);
    put_time(&e, "since", loss->since_ns);
    json_unsigned(&e.json, "alerts", lost[DATASET_ALERT]);
    json_unsigned(&e.json, "flows", lost[DATASET_FLOW]);
    json_unsigned(&e.json, "events", lost[DATASET_IPSEC]);
    json_unsigned(&e.json, "metrics", lost[DATASET_COVERAGE] + lost[DATASET_STATS] + lost[DATASET_LOSS]);
    json_unsigned(&e.json, "first_sequence", loss->first_sequence);
    json_unsigned(&e.json, "last_sequence", loss->last_sequence);
    json_end_object(&e.json);
    finish(&e);
}
