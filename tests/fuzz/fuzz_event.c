/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_event.c - a flow with any facts, written as an event. The line is sound JSON of bounded size, and what
 * it says parses back to what went in: numbers as they are, texts as they are or repaired, and those with
 * their bytes beside them.
 */
#include <inttypes.h>
#include <string.h>

#include "line_check.h"
#include "rolecall/event.h"
#include "rolecall/json_out.h"

struct heard {
    cJSON *json;
    unsigned lines;
};

static void line_told(void *context, const struct event_line *line)
{
    struct heard *heard = context;
    CHECK(line->size <= EVENT_LINE_MAX && strlen(line->text) == line->size);
    heard->json = line_check(line->text, line->size);
    heard->lines++;
}

static const cJSON *at(const cJSON *json, const char *first, const char *second, const char *third)
{
    const char *path[] = {first, second, third};
    for (unsigned i = 0; i < 3 && path[i] && json; i++)
        json = cJSON_GetObjectItemCaseSensitive(json, path[i]);
    return json;
}

static bool has_text(const cJSON *list, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strcmp(item->valuestring, text) == 0) return true;
    return false;
}

/* The first 128 bytes that a text had in the packet, in hexadecimal digits. */
static void check_raw(const cJSON *raw, const struct proto_text *text)
{
    char digits[2 * 128 + 1] = "";
    for (unsigned i = 0; i < text->size && i < 128; i++)
        snprintf(digits + 2 * i, 3, "%02x", text->bytes[i]);
    CHECK(cJSON_IsString(raw) && strcmp(raw->valuestring, digits) == 0);
}

static void check_text(const cJSON *json, const cJSON *item, const char *field, const struct proto_text *text)
{
    const cJSON *raw = at(json, "rolecall", "raw_hex", field), *cut = at(json, "rolecall", "truncated", NULL);
    CHECK(cJSON_IsString(item));
    size_t size = strlen(item->valuestring);
    bool is_same = text->size == size && memcmp(item->valuestring, text->bytes, size) == 0;
    CHECK(size <= JSON_STRING_MAX);
    CHECK(is_same || raw || has_text(cut, field));
    CHECK(text->wirelen == text->size || has_text(cut, field));
    if (raw)
        check_raw(raw, text);
}

static void read_text(struct bytes *b, struct proto_text *text)
{
    uint16_t size = bytes_u16(b);
    struct bytes copy = fuzz_copy(b, size);
    proto_text_set(text, copy.at, copy.left);
    CHECK(text->wirelen == copy.left && text->size <= text->wirelen);
    fuzz_free(copy);
}

static void read_facts(struct bytes *b, struct proto_facts *facts)
{
    facts->also = bytes_u64(b) % (UINT64_C(1) << PROTO_COUNT);
    bytes_copy(b, facts->rtp.ssrc, sizeof facts->rtp.ssrc);
    facts->rtp.ssrc_count = bytes_u8(b) % 5;
    bytes_copy(b, facts->rtp.payload_types, sizeof facts->rtp.payload_types);
    facts->rtp.payload_type_count = bytes_u8(b) % 9;
    facts->rtp.packets = bytes_u32(b);
    facts->rtp.lost = bytes_u32(b);
    facts->tls.version = bytes_u16(b);
    facts->tls.mutual = bytes_u8(b) % 3;
    facts->turn.flavour = bytes_u8(b) % 3;
    facts->turn.stream_type = bytes_u8(b);
    facts->modality = bytes_u8(b) % MODALITY_COUNT;
    read_text(b, &facts->detail);
    read_text(b, &facts->agent);
    read_text(b, &facts->server_name);
}

static void read_flow(struct bytes *b, struct flow *flow)
{
    static const uint8_t protocols[] = {IP_TCP, IP_UDP, IP_SCTP, IP_ESP, IP_AH, IP_GRE, 99};
    for (unsigned side = 0; side < 2; side++) {
        bytes_copy(b, &flow->key.addr[side], sizeof flow->key.addr[side]);
        flow->key.port[side] = bytes_u16(b);
        flow->packets[side] = bytes_u32(b);
        flow->bytes[side] = bytes_u64(b) >> 12; /* what a double holds, for the other parser */
    }
    flow->key.protocol = protocols[bytes_u8(b) % sizeof protocols];
    flow->first_ns = (int64_t)(bytes_u64(b) >> 3);
    flow->last_ns = flow->first_ns + bytes_u32(b);
    flow->vlan = bytes_u16(b);
    flow->flags = bytes_u16(b);
    flow->identity.name = bytes_u8(b) % PROTO_COUNT;
    for (unsigned i = 0; i < sizeof flow->layers; i++)
        flow->layers[i] = bytes_u8(b) % LAYER_COUNT;
}

static const cJSON *server_name_in(const cJSON *json)
{
    const cJSON *name = at(json, "tls", "client", "server_name");
    if (!name)
        name = at(json, "dns", "question", "name");
    return name ? name : at(json, "url", "domain", NULL);
}

static void check_event(const cJSON *json, const struct judge_flow *in)
{
    const struct proto_facts *facts = in->facts;
    const struct flow *flow = in->flow;
    char id[17];
    snprintf(id, sizeof id, "%016" PRIx64, event_flow_id(flow));
    CHECK(strcmp(at(json, "rolecall", "flow_id", NULL)->valuestring, id) == 0);
    CHECK(at(json, "source", "packets", NULL)->valuedouble == flow->packets[0]);
    CHECK(at(json, "destination", "bytes", NULL)->valuedouble == (double)flow->bytes[1]);
    if (facts->detail.size)
        check_text(json, at(json, "rolecall", "detail", NULL), "rolecall.detail", &facts->detail);
    if (facts->agent.size)
        check_text(json, at(json, "user_agent", "original", NULL), "user_agent.original", &facts->agent);
    const cJSON *name = server_name_in(json);
    if (!name)
        return;
    const char *field = at(json, "tls", "client", NULL) ? "tls.client.server_name"
                        : at(json, "dns", NULL, NULL)   ? "dns.question.name"
                                                        : "url.domain";
    check_text(json, name, field, &facts->server_name);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct bytes b = bytes_of(input, size);
    static struct flow flow;
    static struct proto_facts facts;
    flow = (struct flow){.first = 0};
    facts = (struct proto_facts){.modality = 0};
    struct heard heard = {.json = NULL};
    struct event_writer writer = {.run_id = "0123456789abcdef", .line = line_told, .context = &heard};
    read_flow(&b, &flow);
    read_facts(&b, &facts);
    struct judge_flow in = {.flow = &flow, .facts = &facts, .now_ns = flow.last_ns};
    struct verdict verdict = {.allow = -1};
    event_flow(&writer, &in, &verdict, FLOW_END_INPUT);
    CHECK(heard.lines == 1 && writer.too_long == 0);
    check_event(heard.json, &in);
    cJSON_Delete(heard.json);
    return 0;
}
