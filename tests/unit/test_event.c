/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_event.c - one event is one line of JSON, whatever it holds: hostile and long strings from the wire and
 * from the operator, the most rows a verdict can have, numbers at their limits. Every line is parsed again.
 * What the values mean is tested where they are made.
 */
#include "rolecall/event.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "unity.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define T0  (INT64_C(1772443812) * 1000000000 + 118204999)
#define BAD "\xef\xbf\xbd" /* U+FFFD */

static struct event_writer writer;
static struct flow flow;
static struct proto_facts facts;
static struct verdict verdict;
static struct judge_flow in;

static struct rules *rules;
static struct site *site;
static struct policy *policy;
static struct mistakes mistakes;

static char line[EVENT_LINE_MAX + 2];
static unsigned lines;
static cJSON *event;
static struct event_line last; /* its texts are gone */
static char last_key[COMMUNITY_ID_SIZE];

/* The rules that hold for every line there is. */
static void take_line(void *context, const struct event_line *taken)
{
    const char *at = taken->text;
    size_t size = taken->size;
    TEST_ASSERT_TRUE(context == &writer);
    last = *taken;
    snprintf(last_key, sizeof last_key, "%s", taken->key);
    TEST_ASSERT_TRUE(size <= EVENT_LINE_MAX && strlen(at) == size);
    memcpy(line, at, size + 1);
    for (size_t i = 0; i < size; i++)
        TEST_ASSERT_TRUE_MESSAGE((unsigned char)at[i] >= 0x20 && at[i] != 0x7f, line);
    cJSON_Delete(event);
    const char *end = NULL;
    event = cJSON_ParseWithOpts(line, &end, true);
    TEST_ASSERT_NOT_NULL_MESSAGE(event, line);
    TEST_ASSERT_TRUE(end == line + size && line[0] == '{');
    TEST_ASSERT_NULL_MESSAGE(strstr(line, ":null"), line);
    lines++;
}

void setUp(void)
{
    static const uint8_t from[4] = {10, 20, 0, 50}, to[4] = {10, 20, 0, 11};
    struct addr client = addr_v4(from), server = addr_v4(to);
    unsigned side;
    lines = 0;
    writer = (struct event_writer){.run_id = "0123456789abcdef", .line = take_line, .context = &writer};
    memset(&flow, 0, sizeof flow);
    memset(&facts, 0, sizeof facts);
    memset(&verdict, 0, sizeof verdict);
    flow_key_of(&client, &server, 49200, 5061, IP_TCP, &flow.key, &side);
    flow.vlan = 0xffff;
    flow.first_ns = T0;
    flow.last_ns = T0 + 2500000000;
    flow.packets[side] = 12;
    flow.bytes[side] = 3456;
    flow.identity.name = PROTO_tls;
    flow.identity.evidence = 3;
    verdict.initiator = (uint8_t)side;
    verdict.allow = -1;
    verdict.party[0].entry = verdict.party[1].entry = -1;
    in = (struct judge_flow){.flow = &flow, .facts = &facts, .now_ns = flow.last_ns};
}

void tearDown(void)
{
    cJSON_Delete(event);
    event = NULL;
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
    policy = NULL;
    site = NULL;
    rules = NULL;
}

static void tell_flow(void)
{
    unsigned before = lines;
    event_flow(&writer, &in, &verdict, FLOW_END_FIN);
    TEST_ASSERT_EQUAL_UINT(before + 1, lines);
    TEST_ASSERT_EQUAL_UINT64(0, writer.too_long);
}

/* "a.b.c" from the outermost object on; a field whose own name has dots is looked for with item(). */
static const cJSON *at(const char *path)
{
    const cJSON *here = event;
    char part[64];
    while (here && *path) {
        size_t size = strcspn(path, ".");
        snprintf(part, sizeof part, "%.*s", (int)size, path);
        here = cJSON_GetObjectItemCaseSensitive(here, part);
        path += size + (path[size] == '.');
    }
    return here;
}

static const char *text(const char *path)
{
    const cJSON *found = at(path);
    TEST_ASSERT_TRUE_MESSAGE(cJSON_IsString(found), path);
    return found->valuestring;
}

static double number(const char *path)
{
    const cJSON *found = at(path);
    TEST_ASSERT_TRUE_MESSAGE(cJSON_IsNumber(found), path);
    return found->valuedouble;
}

static unsigned times_in(const char *list, const char *wanted)
{
    const cJSON *item;
    unsigned count = 0;
    cJSON_ArrayForEach(item, at(list)) count += strcmp(item->valuestring, wanted) == 0;
    return count;
}

static const char *raw_hex(const char *field)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(at("rolecall.raw_hex"), field);
    return found ? found->valuestring : NULL;
}

static void set(struct proto_text *to, const void *bytes, size_t size, unsigned wirelen)
{
    memset(to, 0xee, sizeof *to);
    memcpy(to->bytes, bytes, size);
    to->size = (uint8_t)size;
    to->wirelen = (uint16_t)wirelen;
}

static void test_a_flow_as_a_whole(void)
{
    static const char expected[] =
        "{\"@timestamp\":\"2026-03-02T09:30:14.618204Z\",\"ecs\":{\"version\":\"8.17.0\"},\"event\":{"
        "\"kind\":\"event\","
        "\"module\":\"rolecall\",\"dataset\":\"rolecall.flow\",\"action\":\"flow\",\"id\":\"0123456789abcdef-"
        "1\","
        "\"sequence\":1,\"category\":[\"network\"],\"type\":[\"connection\",\"end\"],"
        "\"start\":\"2026-03-02T09:30:12.118204Z\",\"end\":\"2026-03-02T09:30:14.618204Z\",\"duration\":"
        "2500000000},"
        "\"source\":{\"ip\":\"10.20.0.50\",\"port\":49200,\"packets\":12,\"bytes\":3456},"
        "\"destination\":{\"ip\":\"10.20.0.11\",\"port\":5061,\"packets\":0,\"bytes\":0},"
        "\"network\":{\"type\":\"ipv4\",\"transport\":\"tcp\",\"iana_number\":\"6\",\"protocol\":\"tls\","
        "\"community_id\":\"1:g/"
        "adELz7MLyxr8RHimE+Q7kecEQ=\"},\"related\":{\"ip\":[\"10.20.0.50\",\"10.20.0.11\"]},";
    tell_flow();
    TEST_ASSERT_EQUAL_MEMORY(expected, line, sizeof expected - 1);
    TEST_ASSERT_EQUAL_STRING("syn", text("rolecall.flow.direction_basis"));
    TEST_ASSERT_EQUAL_STRING("fin", text("rolecall.flow.end_reason"));
    TEST_ASSERT_EQUAL_STRING("pass", text("rolecall.compliance.status"));
    TEST_ASSERT_EQUAL_STRING("unknown", text("rolecall.tls.mutual"));
    TEST_ASSERT_EQUAL_UINT(16, strlen(text("rolecall.flow_id")));
    TEST_ASSERT_NULL(at("rolecall.truncated"));
    TEST_ASSERT_NULL(at("rolecall.raw_hex"));
    TEST_ASSERT_NULL(at("event.created"));
    TEST_ASSERT_NULL(at("observer.hostname"));
}

static void test_numbers_of_events(void)
{
    writer.with_created = true;
    writer.hostname = "sensor \"1\"";
    tell_flow();
    tell_flow();
    TEST_ASSERT_EQUAL_UINT64(2, writer.sequence);
    TEST_ASSERT_EQUAL_INT(2, (int)number("event.sequence"));
    TEST_ASSERT_EQUAL_STRING("0123456789abcdef-2", text("event.id"));
    TEST_ASSERT_EQUAL_UINT(27, strlen(text("event.created")));
    TEST_ASSERT_EQUAL_STRING("sensor \"1\"", text("observer.hostname"));
}

/* Strings that would break a line, a string, a terminal or a parser. */
static const struct {
    const char *bytes;
    size_t size;
    const char *shown; /* NULL: as it is */
} hostile[] = {
    {"plain.example", 13, NULL},
    {"a\nb\r\nc", 6, "a" BAD "b" BAD BAD "c"},
    {"\",\"x\":\"", 7, NULL},
    {"back\\slash\\", 11, NULL},
    {"\\u0000\\\"", 8, NULL},
    {"nul\0behind", 10, "nul" BAD "behind"},
    {"\xff\xc0\xaf\xed\xa0\x80", 6, BAD BAD BAD BAD BAD BAD},
    {"cut \xe2\x82", 6, "cut " BAD BAD},
    {"\xe2\x80\xae"
     "gpj.exe\xe2\x81\xa6",
     13, BAD "gpj.exe" BAD},
    {"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\x7f\x1b[2J", 13, BAD BAD BAD BAD BAD "[2J"},
    {"h\xc3\xa9 \xf0\x9f\x98\x80", 8, NULL},
    {"</script>{}[]", 13, NULL},
};

static void check_hostile(struct proto_text *to, const char *path, const char *field)
{
    for (unsigned i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        char hex[64] = "";
        set(to, hostile[i].bytes, hostile[i].size, (unsigned)hostile[i].size);
        tell_flow();
        TEST_ASSERT_EQUAL_STRING(hostile[i].shown ? hostile[i].shown : hostile[i].bytes, text(path));
        for (size_t k = 0; k < hostile[i].size; k++)
            snprintf(hex + 2 * k, 3, "%02x", (uint8_t)hostile[i].bytes[k]);
        TEST_ASSERT_NULL(at("rolecall.truncated"));
        TEST_ASSERT_TRUE((raw_hex(field) != NULL) == (hostile[i].shown != NULL));
        if (hostile[i].shown) {
            TEST_ASSERT_EQUAL_STRING(hex, raw_hex(field));
            TEST_ASSERT_EQUAL_INT(1, cJSON_GetArraySize(at("rolecall.raw_hex")));
        }
        set(to, hostile[i].bytes, hostile[i].size, 65535); /* 64 KiB claimed */
        tell_flow();
        TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", field));
        TEST_ASSERT_EQUAL_INT(1, cJSON_GetArraySize(at("rolecall.truncated")));
        TEST_ASSERT_TRUE((raw_hex(field) != NULL) == (hostile[i].shown != NULL));
    }
    to->size = 0;
}

static void test_hostile_strings(void)
{
    check_hostile(&facts.server_name, "tls.client.server_name", "tls.client.server_name");
    check_hostile(&facts.agent, "user_agent.original", "user_agent.original");
    check_hostile(&facts.detail, "rolecall.detail", "rolecall.detail");
    flow.identity.name = PROTO_dns;
    check_hostile(&facts.server_name, "dns.question.name", "dns.question.name");
    flow.identity.name = PROTO_http;
    check_hostile(&facts.server_name, "url.domain", "url.domain");
}

static void test_raw_hex_holds_the_first_128_bytes(void)
{
    uint8_t bytes[255];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i + 1);
    set(&facts.agent, bytes, sizeof bytes, sizeof bytes);
    tell_flow();
    const char *hex = raw_hex("user_agent.original");
    TEST_ASSERT_NOT_NULL(hex);
    TEST_ASSERT_EQUAL_UINT(256, strlen(hex));
    TEST_ASSERT_EQUAL_MEMORY("0102030405", hex, 10);
    TEST_ASSERT_EQUAL_STRING("7e7f80", hex + 250);
    TEST_ASSERT_EQUAL_UINT(1,
                           times_in("rolecall.truncated", "user_agent.original")); /* three bytes for one */
    set(&facts.agent, bytes, 128, 128);
    tell_flow();
    TEST_ASSERT_EQUAL_UINT(256, strlen(raw_hex("user_agent.original")));
    set(&facts.agent, bytes, 127, 127);
    tell_flow();
    TEST_ASSERT_EQUAL_UINT(254, strlen(raw_hex("user_agent.original")));
}

static void test_all_strings_at_once(void)
{
    set(&facts.server_name, "a\nb", 3, 400);
    set(&facts.agent, "c\nd", 3, 3);
    set(&facts.detail, "e\nf", 3, 500);
    tell_flow();
    TEST_ASSERT_EQUAL_STRING("610a62", raw_hex("tls.client.server_name"));
    TEST_ASSERT_EQUAL_STRING("630a64", raw_hex("user_agent.original"));
    TEST_ASSERT_EQUAL_STRING("650a66", raw_hex("rolecall.detail"));
    TEST_ASSERT_EQUAL_INT(2, cJSON_GetArraySize(at("rolecall.truncated")));
    TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "tls.client.server_name"));
    TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "rolecall.detail"));
}

static uint32_t random_state = 0x20240517;

static uint8_t random_byte(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint8_t)(random_state >> 24);
}

static void randomise(void *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)to)[i] = random_byte();
}

/* Whatever an identifier may have written, within the bounds its counts have. */
static void test_random_facts(void)
{
    for (unsigned round = 0; round < 3000; round++) {
        randomise(&facts.server_name, sizeof facts.server_name);
        randomise(&facts.agent, sizeof facts.agent);
        randomise(&facts.detail, sizeof facts.detail);
        randomise(&facts.rtp, sizeof facts.rtp);
        facts.rtp.ssrc_count %= 5;
        facts.rtp.payload_type_count %= 9;
        facts.tls.version = (uint16_t)(0x0300 + random_byte() % 6);
        facts.tls.mutual = random_byte();
        facts.tls.resumed = random_byte();
        facts.turn.flavour = random_byte() % 3;
        facts.turn.stream_type = random_byte();
        facts.modality = random_byte();
        randomise(&facts.also, sizeof facts.also);
        flow.identity.name = random_byte() % PROTO_COUNT;
        flow.identity.upgraded_to = random_byte() % PROTO_COUNT;
        randomise(flow.bytes, sizeof flow.bytes);
        randomise(flow.packets, sizeof flow.packets);
        randomise(&flow.key.addr, sizeof flow.key.addr);
        flow.key.protocol = random_byte();
        flow.flags = random_byte();
        flow.vlan = random_byte();
        verdict.initiator = random_byte() & 1;
        for (unsigned i = 0; i < sizeof flow.layers; i++)
            flow.layers[i] = random_byte() % LAYER_COUNT;
        flow.first_ns = INT64_MIN + 1 + ((int64_t)random_byte() << 54);
        flow.last_ns = flow.first_ns + random_byte();
        tell_flow();
    }
    TEST_ASSERT_EQUAL_UINT(3000, lines);
}

static void test_numbers_are_written_in_full(void)
{
    flow.bytes[verdict.initiator] = UINT64_MAX;
    flow.packets[verdict.initiator] = UINT32_MAX;
    tell_flow();
    TEST_ASSERT_NOT_NULL(strstr(line, "\"packets\":4294967295,\"bytes\":18446744073709551615}"));
}

static void test_version_6_and_bare_protocols(void)
{
    unsigned side;
    struct addr a, b;
    addr_parse("2001:db8::11", &a);
    addr_parse("2001:db8::12", &b);
    flow_key_of(&a, &b, 0, 0, IP_ESP, &flow.key, &side);
    flow.identity.name = PROTO_esp;
    verdict.initiator = 1;
    flow.vlan = 4094;
    tell_flow();
    TEST_ASSERT_EQUAL_STRING("ipv6", text("network.type"));
    TEST_ASSERT_EQUAL_STRING("esp", text("network.transport"));
    TEST_ASSERT_EQUAL_STRING("4094", text("network.vlan.id"));
    TEST_ASSERT_EQUAL_STRING("2001:db8::12", text("source.ip"));
    TEST_ASSERT_NULL(at("source.port"));
    flow.key.protocol = 46;
    tell_flow();
    TEST_ASSERT_NULL(at("network.transport"));
    TEST_ASSERT_EQUAL_STRING("46", text("network.iana_number"));
}

/* A site of two hosts with every role; its name and the exemption's are as long as given, the site's up to
 * 128. */
static void compile(const char *name)
{
    static char json[16384];
    char roles[4096] = "";
    rules = rules_load(ROLECALL_SOURCE_DIR "/rules", &mistakes);
    TEST_ASSERT_NOT_NULL(rules);
    for (unsigned i = 0; i < rules_role_count(rules); i++) {
        const char *id = rules_role(rules, i)->id;
        size_t used = strlen(roles);
        snprintf(roles + used, sizeof roles - used, "%s\"%s\"", i ? "," : "", id);
    }
    snprintf(
        json, sizeof json,
        "{\"site\": \"%.256s\", \"load_balancing\": \"hardware\", \"hosts\": ["
        "{\"name\": \"1%s\", \"addresses\": [\"10.20.0.50\"], \"roles\": [%s]},"
        "{\"name\": \"2%s\", \"addresses\": [\"10.20.0.11\"], \"roles\": [%s]}],"
        "\"allow\": [{\"name\": \"%s\", \"from\": [\"10.20.0.50\"], \"to\": [\"10.20.0.11\"], \"transport\": "
        "\"tcp\", \"ports\": \"5061\", \"reason\": \"test\"}]}",
        name, name, roles, name, roles, name);
    site = site_from_text("site.json", json, strlen(json), rules, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(site);
    policy = policy_create(rules, site);
    TEST_ASSERT_NOT_NULL(policy);
    writer.policy = policy;
    for (unsigned side = 0; side < 2; side++)
        verdict.party[side] = policy_party_of(policy, &flow.key.addr[side]);
}

/* The rows with the longest ids, as many as a verdict can have. */
static void fill_rows(void)
{
    verdict.row_count = 0;
    for (size_t size = 100; size > 0 && verdict.row_count < VERDICT_ROWS_MAX; size--) {
        for (unsigned i = 0; i < policy_row_count(policy) && verdict.row_count < VERDICT_ROWS_MAX; i++) {
            const struct matrix_row *row = policy_row_by_order(policy, i);
            if (row && strlen(row->id) == size)
                verdict.rows[verdict.row_count++] = row;
        }
    }
    TEST_ASSERT_EQUAL_UINT(VERDICT_ROWS_MAX, verdict.row_count);
    verdict.accepted_count = verdict.row_count;
    verdict.match = MATCH_SPECIFIC;
    verdict.application_check = "unknown";
    verdict.outcome = "established";
    verdict.reason = "packets-lost";
    verdict.findings = (1u << FINDING_COUNT) - 1;
    verdict.allow = 0;
}

/* Every field that a flow can have, `fill` in all its strings. */
static void fill_facts(uint8_t fill)
{
    uint8_t bytes[255];
    memset(bytes, fill, sizeof bytes);
    set(&facts.server_name, bytes, sizeof bytes, 65535);
    set(&facts.agent, bytes, sizeof bytes, 65535);
    set(&facts.detail, bytes, sizeof bytes, 65535);
    facts.tls.version = 0x0303;
    facts.tls.resumed = TRI_YES;
    facts.rtp.ssrc_count = 4;
    facts.rtp.payload_type_count = 8;
    memset(facts.rtp.ssrc, 0xff, sizeof facts.rtp.ssrc);
    memset(facts.rtp.payload_types, 127, sizeof facts.rtp.payload_types);
    facts.rtp.packets = facts.rtp.lost = UINT32_MAX;
    facts.turn.flavour = 2;
    facts.turn.stream_type = 3;
    facts.modality = MODALITY_APPLICATION_SHARING;
    memset(flow.layers, LAYER_FABRICPATH, sizeof flow.layers);
    flow.bytes[0] = flow.bytes[1] = UINT64_MAX;
    flow.packets[0] = flow.packets[1] = UINT32_MAX;
    flow.duplicates = flow.truncated_packets = UINT16_MAX;
    flow.flags = FLOW_PROTECTED;
    flow.vlan = 4094;
    flow.identity.upgraded_to = PROTO_tls;
}

/* All rows stand there, or the line says that they do not. */
static void check_rows(void)
{
    int rows = cJSON_GetArraySize(at("rolecall.compliance.rows"));
    TEST_ASSERT_TRUE(rows > 0 && rows <= VERDICT_ROWS_MAX);
    TEST_ASSERT_EQUAL_UINT(rows < VERDICT_ROWS_MAX,
                           times_in("rolecall.truncated", "rolecall.compliance.rows"));
}

static void test_most_rows_and_longest_strings(void)
{
    static const uint8_t fills[] = {'x', '"', '\\', '\n', 0xff};
    compile("a host of fifty characters, and a few more than it");
    fill_rows();
    for (unsigned i = 0; i < sizeof fills; i++) {
        fill_facts(fills[i]);
        tell_flow();
        check_rows();
        TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "user_agent.original"));
        TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "rolecall.detail"));
        TEST_ASSERT_TRUE((raw_hex("rolecall.detail") != NULL) == (fills[i] == '\n' || fills[i] == 0xff));
    }
}

/* The operator's own names as long as a site file may have them, each character escaped. */
static void test_long_names_of_the_operator(void)
{
    static const uint8_t fills[] = {'x', '"', '\n', 0xff};
    char name[2 * 254 + 1];
    for (unsigned i = 0; i < 254; i++)
        memcpy(name + 2 * i, "\\\"", 2);
    name[2 * 254] = '\0';
    compile(name);
    fill_rows();
    for (unsigned i = 0; i < sizeof fills; i++) {
        fill_facts(fills[i]);
        tell_flow();
        TEST_ASSERT_EQUAL_UINT(128, strlen(text("rolecall.site")));
        TEST_ASSERT_EQUAL_UINT(255, strlen(text("source.domain")));
        check_rows();
    }
}

static struct finding finding_of_everything(void)
{
    struct finding f = {.id = FINDING_IPSEC_ON_MEDIA,
                        .state = FINDING_UPDATE,
                        .fingerprint = UINT64_MAX,
                        .count = UINT64_MAX,
                        .peers = UINT64_MAX,
                        .first_seen_ns = T0,
                        .last_seen_ns = T0,
                        .severity = 73,
                        .flow = flow,
                        .verdict = verdict,
                        .has_episode = true};
    struct ipsec_episode *episode = &f.episode;
    episode->negotiation = IPSEC_AUTHIP;
    episode->state = IPSEC_NEGOTIATING;
    episode->spi_count = IPSEC_SPI_MAX;
    memset(episode->spi, 0xff, sizeof episode->spi);
    episode->first_request_ns = 1;
    episode->first_protected_ns = episode->media_start_ns = INT64_MAX;
    episode->requests = UINT32_MAX;
    episode->media_flows = episode->media_lost = UINT64_MAX;
    episode->flow = flow;
    episode->verdict = verdict;
    return f;
}

static void test_a_finding_with_everything(void)
{
    compile("a host of fifty characters, and a few more than it");
    fill_rows();
    fill_facts('x');
    struct finding f = finding_of_everything();
    memset(f.reason, '"', sizeof f.reason - 1);
    memset(f.advice, '\n', sizeof f.advice - 1);
    event_finding(&writer, &f, T0);
    TEST_ASSERT_EQUAL_UINT(1, lines);
    TEST_ASSERT_EQUAL_UINT64(0, writer.too_long);
    TEST_ASSERT_EQUAL_STRING("alert", text("event.kind"));
    TEST_ASSERT_EQUAL_INT(73, (int)number("event.severity"));
    TEST_ASSERT_EQUAL_UINT(256, strlen(text("event.reason")));
    TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "event.reason"));
    TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "rolecall.advice"));
    check_rows();
    TEST_ASSERT_EQUAL_STRING("ffffffffffffffff", text("rolecall.finding.fingerprint"));
    TEST_ASSERT_NOT_NULL(strstr(line, "\"count\":18446744073709551615,"));
    TEST_ASSERT_EQUAL_STRING("skype-for-business-server", text("rule.ruleset"));
    TEST_ASSERT_EQUAL_STRING("ipsec-on-media", text("rule.id"));
    TEST_ASSERT_EQUAL_UINT(DATASET_ALERT, last.dataset);
    TEST_ASSERT_EQUAL_UINT(73, last.severity);
    TEST_ASSERT_EQUAL_UINT64(writer.sequence, last.sequence);
    TEST_ASSERT_EQUAL_INT64(T0, last.time_ns);
    TEST_ASSERT_EQUAL_STRING(text("network.community_id"), last_key);
}

static void test_a_loss(void)
{
    const struct event_loss loss = {.output = "siem",
                                    .reason = "the queue was full",
                                    .since_ns = T0,
                                    .now_ns = T0 + 1000000000,
                                    .lost = {2, 1000, 3, 4, 5, 6},
                                    .first_sequence = 17,
                                    .last_sequence = UINT64_MAX};
    event_loss(&writer, &loss);
    TEST_ASSERT_EQUAL_UINT(1, lines);
    TEST_ASSERT_EQUAL_STRING("rolecall.loss", text("event.dataset"));
    TEST_ASSERT_EQUAL_STRING("metric", text("event.kind"));
    TEST_ASSERT_NOT_NULL(
        strstr(line, "\"alerts\":2,\"flows\":1000,\"events\":3,\"metrics\":15,\"first_sequence\":17,"
                     "\"last_sequence\":18446744073709551615}"));
    TEST_ASSERT_EQUAL_UINT(DATASET_LOSS, last.dataset);
    TEST_ASSERT_EQUAL_STRING("", last_key);
}

static void test_confidence_comes_from_the_direction(void)
{
    static const char *const expected[] = {"high", "high", "medium", "medium", "low", "low"};
    struct finding f = {.id = FINDING_UNEXPECTED_PORT, .flow = flow, .verdict = verdict};
    for (unsigned basis = BASIS_SYN; basis <= BASIS_FIRST_PACKET; basis++) {
        f.verdict.basis = (enum direction_basis)basis;
        event_finding(&writer, &f, T0);
        TEST_ASSERT_EQUAL_STRING(expected[basis], text("rolecall.compliance.confidence"));
    }
}

static void test_an_ipsec_episode(void)
{
    struct finding f = finding_of_everything();
    f.episode.first_request_ns = T0;
    f.episode.first_protected_ns = T0 + 12349999; /* 12.3 ms, rounded */
    f.episode.media_start_ns = T0 - 1;            /* before the first request: no delay */
    event_ipsec(&writer, &f.episode, T0);
    TEST_ASSERT_EQUAL_UINT(1, lines);
    TEST_ASSERT_NOT_NULL(strstr(line, "\"negotiation_ms\":12.3,\"requests\":4294967295,"));
    TEST_ASSERT_NULL(at("rolecall.ipsec.media_start_delay_ms"));
    TEST_ASSERT_EQUAL_STRING("authip", text("rolecall.ipsec.negotiation"));
    TEST_ASSERT_EQUAL_INT(8, cJSON_GetArraySize(at("rolecall.ipsec.spi")));
    f.episode.first_protected_ns = T0 + 12350000;
    event_ipsec(&writer, &f.episode, T0);
    TEST_ASSERT_NOT_NULL(strstr(line, "\"negotiation_ms\":12.4,"));
    f.episode.first_protected_ns = 0; /* not seen */
    event_ipsec(&writer, &f.episode, T0);
    TEST_ASSERT_NULL(at("rolecall.ipsec.negotiation_ms"));
    TEST_ASSERT_NULL(at("rolecall.ipsec.first_protected"));
    f.episode.first_request_ns = 0;
    f.episode.first_protected_ns = T0;
    event_ipsec(&writer, &f.episode, T0);
    TEST_ASSERT_NULL(at("rolecall.ipsec.negotiation_ms"));
}

/* One host with every role: more rows than a line can name. */
static void test_coverage_that_does_not_fit(void)
{
    compile("everything");
    struct judge_options options = {.policy = policy, .flow_slots = 16};
    struct judge *judge = judge_create(&options);
    TEST_ASSERT_NOT_NULL(judge);
    event_coverage(&writer, judge, 0, T0);
    judge_destroy(judge);
    TEST_ASSERT_EQUAL_UINT(1, lines);
    int named = cJSON_GetArraySize(at("rolecall.coverage.not_seen"));
    TEST_ASSERT_TRUE(named > 50 && named < number("rolecall.coverage.counts.not_seen"));
    TEST_ASSERT_EQUAL_UINT(1, times_in("rolecall.truncated", "rolecall.coverage"));
    TEST_ASSERT_EQUAL_STRING("1everything", text("host.name"));
}

static void test_an_event_that_does_not_fit_is_counted(void)
{
    static struct event_counter counters[1000];
    for (unsigned i = 0; i < 1000; i++)
        counters[i] = (struct event_counter){"a_counter", UINT64_MAX};
    event_stats(&writer, counters, 1000, T0);
    TEST_ASSERT_EQUAL_UINT(0, lines);
    TEST_ASSERT_EQUAL_UINT64(1, writer.too_long);
    event_stats(&writer, counters, 100, T0);
    TEST_ASSERT_EQUAL_UINT(1, lines);
    TEST_ASSERT_EQUAL_UINT64(1, writer.too_long);
    TEST_ASSERT_EQUAL_INT(2, (int)number("event.sequence")); /* the gap shows */
}

static void test_the_id_of_a_flow(void)
{
    uint64_t id = event_flow_id(&flow);
    flow.last_ns++;
    flow.packets[0]++;
    TEST_ASSERT_EQUAL_HEX64(id, event_flow_id(&flow)); /* the same all its life */
    flow.first_ns++;
    TEST_ASSERT_TRUE(event_flow_id(&flow) != id);
    flow.first_ns--;
    flow.key.port[0]++;
    TEST_ASSERT_TRUE(event_flow_id(&flow) != id);
}

static void test_times(void)
{
    static const struct {
        int64_t time_ns;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},    {999, "1970-01-01T00:00:00.000000Z"},
        {1000, "1970-01-01T00:00:00.000001Z"}, {INT64_C(951827696999999999), "2000-02-29T12:34:56.999999Z"},
        {T0, "2026-03-02T09:30:12.118204Z"},   {INT64_MAX, "2262-04-11T23:47:16.854775Z"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[TIME_TEXT_SIZE];
        TEST_ASSERT_EQUAL_STRING(cases[i].text, time_text(cases[i].time_ns, out));
    }
}

/* Every day that a capture can have, against the C library. */
static void test_times_of_a_flow(void)
{
    static const int64_t firsts[] = {T0, 0, INT64_C(-2500000000), INT64_MIN};
    for (unsigned i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        char begin[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE];
        flow.first_ns = firsts[i];
        flow.last_ns = firsts[i] + 1000000999;
        tell_flow();
        TEST_ASSERT_EQUAL_STRING(time_text(flow.first_ns, begin), text("event.start"));
        TEST_ASSERT_EQUAL_STRING(time_text(flow.last_ns, end), text("event.end"));
        TEST_ASSERT_EQUAL_STRING(end, text("@timestamp"));
        TEST_ASSERT_EQUAL_DOUBLE(1000000999, number("event.duration"));
    }
    TEST_ASSERT_EQUAL_STRING_LEN("1677-", text("event.end"), 5);
}

static void test_times_are_those_of_the_calendar(void)
{
    for (int64_t day = 0; day < 106751; day++) {
        time_t seconds = (time_t)(day * 86400 + day % 86400);
        struct tm utc;
        char want[TIME_TEXT_SIZE], out[TIME_TEXT_SIZE];
        gmtime_r(&seconds, &utc);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000007Z", &utc);
        TEST_ASSERT_EQUAL_STRING(want, time_text((int64_t)seconds * 1000000000 + 7999, out));
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_a_flow_as_a_whole);
    RUN_TEST(test_numbers_of_events);
    RUN_TEST(test_hostile_strings);
    RUN_TEST(test_raw_hex_holds_the_first_128_bytes);
    RUN_TEST(test_all_strings_at_once);
    RUN_TEST(test_random_facts);
    RUN_TEST(test_numbers_are_written_in_full);
    RUN_TEST(test_version_6_and_bare_protocols);
    RUN_TEST(test_most_rows_and_longest_strings);
    RUN_TEST(test_long_names_of_the_operator);
    RUN_TEST(test_a_finding_with_everything);
    RUN_TEST(test_confidence_comes_from_the_direction);
    RUN_TEST(test_an_ipsec_episode);
    RUN_TEST(test_coverage_that_does_not_fit);
    RUN_TEST(test_a_loss);
    RUN_TEST(test_an_event_that_does_not_fit_is_counted);
    RUN_TEST(test_the_id_of_a_flow);
    RUN_TEST(test_times);
    RUN_TEST(test_times_of_a_flow);
    RUN_TEST(test_times_are_those_of_the_calendar);
    return UNITY_END();
}
