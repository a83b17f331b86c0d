/* SPDX-License-Identifier: BSD-2-Clause
 *
 * explain_question.c - reads the question of `rolecall explain`, from words or from an event
 * (docs/EVENTS.md). An event tells less than the engine knew; what it does not tell stays unknown.
 */
#include "explain_question.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "rolecall/json_in.h"
#include "rolecall/rules.h"

enum { WORD_SIZE = 80 };

static const struct {
    const char *name;
    uint8_t protocol;
} transports[] = {{"tcp", IP_TCP}, {"udp", IP_UDP}, {"esp", IP_ESP}, {"ah", IP_AH}};

__attribute__((format(printf, 2, 3))) static bool refuse(char error[QUESTION_ERROR_SIZE], const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, QUESTION_ERROR_SIZE, format, args);
    va_end(args);
    return false;
}

static bool transport_parse(const char *word, uint8_t *out)
{
    for (unsigned i = 0; i < sizeof transports / sizeof *transports; i++) {
        if (strcasecmp(word, transports[i].name) == 0) {
            *out = transports[i].protocol;
            return true;
        }
    }
    return false;
}

static bool has_ports(uint8_t protocol)
{
    return protocol == IP_TCP || protocol == IP_UDP;
}

static bool port_parse(const char *text, uint16_t *out)
{
    struct port_range range;
    if (!port_range_parse(text, &range) || range.low != range.high || strchr(text, '-'))
        return false;
    *out = range.low;
    return true;
}

/* "10.0.0.5", "10.0.0.5:443", "[2001:db8::5]", "[2001:db8::5]:443", "2001:db8::5". What follows the last
 * colon of a bare IPv6 address may be a port as well as its end: then it must stand in brackets. */
static bool end_parse(const char *word, bool ports, struct addr *addr, uint16_t *port,
                      char error[QUESTION_ERROR_SIZE])
{
    char head[WORD_SIZE];
    const char *colon = strrchr(word, ':');
    struct addr without;
    uint16_t last;
    *port = 0;
    if (*word == '[') {
        const char *close = strchr(word, ']');
        size_t size = close ? (size_t)(close - word) - 1 : 0;
        snprintf(head, sizeof head, "%.*s", (int)size, word + 1);
        if (!close || !strchr(head, ':') || !addr_parse(head, addr))
            return refuse(error, "found \"%s\", expected an IPv6 address in brackets", word);
        if (!close[1])
            return true;
        if (close[1] == ':' && ports && port_parse(close + 2, port))
            return true;
        return refuse(error, "found \"%s\" behind the address, expected %s", close + 1,
                      ports ? "a port like :5061" : "nothing");
    }
    bool is_whole = addr_parse(word, addr);
    snprintf(head, sizeof head, "%.*s", colon ? (int)(colon - word) : 0, word);
    bool is_split = colon && ports && addr_parse(head, &without) && port_parse(colon + 1, &last);
    if (is_whole && is_split)
        return refuse(error, "\"%s\" is an address, and also an address with a port: write [%s] or [%s]:%u",
                      word, word, head, last);
    if (is_split) {
        *addr = without;
        *port = last;
    }
    return is_whole || is_split ||
           refuse(error, "found \"%s\", expected an address%s", word,
                  ports ? " like 10.0.0.9, or with its port 10.0.0.9:5061" : "");
}

static bool name_parse(const char *word, struct explain_question *out, char error[QUESTION_ERROR_SIZE])
{
    static const uint8_t both = OVER_TCP | OVER_UDP;
    char name[WORD_SIZE];
    size_t size = strlen(word);
    if (size < 3 || word[0] != '[' || word[size - 1] != ']')
        return refuse(error, "found \"%s\", expected a protocol in brackets, like [tls]", word);
    snprintf(name, sizeof name, "%.*s", (int)size - 2, word + 1);
    if (strcmp(name, "mtls") == 0) {
        out->name = PROTO_tls;
        out->mutual_tls = TRI_YES;
        out->tls_version = 0x0303;
    } else {
        out->name = proto_by_name(name);
    }
    if (!out->name && strcmp(name, "unidentified") != 0) {
        struct nearest nearest = {.wanted = name};
        nearest_offer(&nearest, "mtls");
        for (unsigned id = 1; id < PROTO_COUNT; id++)
            nearest_offer(&nearest, proto_by_id((enum proto_id)id)->name);
        return refuse(error, "found [%s], expected a protocol%s%s%s", name,
                      nearest.best ? " (did you mean \"" : "", nearest.best ? nearest.best : "",
                      nearest.best ? "\"?)" : "");
    }
    unsigned runs_over = proto_by_id(out->name)->transports & both;
    unsigned transport = out->protocol == IP_TCP ? OVER_TCP : OVER_UDP;
    if (!has_ports(out->protocol))
        return refuse(error, "found %s, expected no protocol: what ESP and AH carry is not seen", word);
    return !out->name || !runs_over || (runs_over & transport) ||
           refuse(error, "%s is not known over %s", name, transport == OVER_TCP ? "tcp" : "udp");
}

static bool same_family(const struct explain_question *question)
{
    return addr_is_v4(&question->initiator) == addr_is_v4(&question->responder);
}

/* Cuts a text at blanks; returns how many words there are, at most `max` kept. False: one is too long. */
static bool split(const char *text, char words[][WORD_SIZE], unsigned max, unsigned *count)
{
    static const char blanks[] = " \t\r\n";
    for (*count = 0;; (*count)++) {
        text += strspn(text, blanks);
        size_t size = strcspn(text, blanks);
        if (!size)
            return true;
        if (size >= WORD_SIZE)
            return false;
        if (*count < max)
            snprintf(words[*count], WORD_SIZE, "%.*s", (int)size, text);
        text += size;
    }
}

bool question_from_text(const char *text, int64_t now_ns, struct explain_question *out,
                        char error[QUESTION_ERROR_SIZE])
{
    char words[5][WORD_SIZE];
    unsigned count;
    *out = (struct explain_question){.time_ns = now_ns};
    if (!split(text, words, 5, &count) || count < 4 || count > 5 || strcmp(words[2], "->") != 0)
        return refuse(error, "expected a flow like \"tcp 10.0.0.5 -> 10.0.0.9:5061 [tls]\"");
    if (!transport_parse(words[0], &out->protocol))
        return refuse(error, "found \"%s\", expected tcp, udp, esp or ah", words[0]);
    bool ports = has_ports(out->protocol);
    if (!end_parse(words[1], ports, &out->initiator, &out->initiator_port, error) ||
        !end_parse(words[3], ports, &out->responder, &out->responder_port, error))
        return false;
    if (ports && !out->responder_port)
        return refuse(error, "\"%s\" lacks a port: write %s%s%s:PORT", words[3],
                      addr_is_v4(&out->responder) || *words[3] == '[' ? "" : "[", words[3],
                      addr_is_v4(&out->responder) || *words[3] == '[' ? "" : "]");
    if (!same_family(out))
        return refuse(error, "found an IPv4 and an IPv6 address, expected two of one kind");
    return count == 4 || name_parse(words[4], out, error);
}

/* ---- events ---- */

/* The member at a dotted path. */
static bool find(const struct json_value *root, const char *path, struct json_value holders[4],
                 struct json_value *out)
{
    char key[WORD_SIZE];
    holders[0] = *root;
    for (unsigned depth = 0; depth < 4; depth++) {
        size_t size = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)size, path);
        struct json_value member;
        if (json_kind(&holders[depth]) != JSON_OBJECT || !json_find(&holders[depth], key, &member))
            return false;
        if (!path[size]) {
            *out = member;
            return true;
        }
        if (depth < 3)
            holders[depth + 1] = member;
        path += size + 1;
    }
    return false;
}

static const char *text_at(const struct json_value *root, const char *path)
{
    struct json_value holders[4], value;
    return find(root, path, holders, &value) ? json_text(&value) : "";
}

/* -1 where there is none. */
static double number_at(const struct json_value *root, const char *path)
{
    struct json_value holders[4], value;
    return find(root, path, holders, &value) && json_kind(&value) == JSON_NUMBER ? json_number(&value) : -1;
}

static bool is_true_at(const struct json_value *root, const char *path)
{
    struct json_value holders[4], value;
    return find(root, path, holders, &value) && json_is_true(&value);
}

/* The value at a path that an event must have; false and a mistake: it is not there. */
static bool must_find(const struct json_value *root, const char *path, struct json_value holders[4],
                      struct json_value *out)
{
    if (find(root, path, holders, out))
        return true;
    json_mistake_absent(root, path);
    return false;
}

static void read_end(const struct json_value *root, const char *side, bool ports, struct addr *addr,
                     uint16_t *port)
{
    struct json_value holders[4], value;
    char path[WORD_SIZE];
    snprintf(path, sizeof path, "%s.ip", side);
    if (must_find(root, path, holders, &value) && !addr_parse(json_text(&value), addr))
        json_mistake(&value, "an address");
    snprintf(path, sizeof path, "%s.port", side);
    if (!ports || !must_find(root, path, holders, &value))
        return;
    double number = json_number(&value);
    if (json_kind(&value) != JSON_NUMBER || number < 0 || number > 65535)
        json_mistake(&value, "a port");
    else
        *port = (uint16_t)number;
}

static void read_network(const struct json_value *root, struct explain_question *out)
{
    struct json_value holders[4], value;
    if (must_find(root, "network.transport", holders, &value) &&
        !transport_parse(json_text(&value), &out->protocol))
        json_mistake(&value, "tcp, udp, esp or ah");
    if (!must_find(root, "network.protocol", holders, &value))
        return;
    out->name = proto_by_name(json_text(&value));
    if (!out->name && strcmp(json_text(&value), "unidentified") != 0)
        json_mistake(&value, "a protocol that rolecall names");
}

static int64_t time_of(const char *text)
{
    struct tm utc = {0};
    return strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) ? (int64_t)timegm(&utc) * INT64_C(1000000000) : 0;
}

static uint16_t tls_version_of(const char *text)
{
    static const struct {
        const char *text;
        uint16_t version;
    } versions[] = {{"3.0", 0x0300}, {"1.0", 0x0301}, {"1.1", 0x0302}, {"1.2", 0x0303}, {"1.3", 0x0304}};
    for (unsigned i = 0; i < sizeof versions / sizeof *versions; i++)
        if (strcmp(text, versions[i].text) == 0)
            return versions[i].version;
    return 0;
}

/* A finding is told with less than a flow; its id says what there was. */
static void read_tls(const struct json_value *root, const char *finding, struct explain_question *out)
{
    const char *mutual = text_at(root, "rolecall.tls.mutual");
    out->tls_version = tls_version_of(text_at(root, "rolecall.tls.version"));
    out->tls_resumed = is_true_at(root, "rolecall.tls.resumed");
    out->mutual_tls = strcmp(mutual, "yes") == 0 ? TRI_YES : strcmp(mutual, "no") == 0 ? TRI_NO : TRI_UNKNOWN;
    if (strcmp(finding, "mutual-tls-missing") == 0)
        out->mutual_tls = TRI_NO;
    if (strcmp(finding, "weak-tls") == 0 && !out->tls_version)
        out->tls_version = 0x0301;
}

static enum explain_outcome outcome_of(const struct json_value *root)
{
    const char *outcome = text_at(root, "rolecall.compliance.outcome");
    const char *doubt =
        text_at(root, "rolecall.compliance.reason"); /* an outcome stands with findings alone */
    if (strcmp(outcome, "refused") == 0 || strncmp(doubt, "refused", strlen("refused")) == 0)
        return EXPLAIN_REFUSED;
    if (strcmp(outcome, "unreachable") == 0)
        return EXPLAIN_UNREACHABLE;
    if (strcmp(outcome, "silent") == 0)
        return EXPLAIN_SILENT;
    bool silent = number_at(root, "destination.packets") == 0 || strcmp(outcome, "attempted") == 0;
    return silent ? EXPLAIN_UNANSWERED : EXPLAIN_ANSWERED;
}

static void read_told(const struct json_value *root, struct question_told *told)
{
    const char *reason = text_at(root, "event.reason");
    if (!*reason)
        reason = text_at(root, "rolecall.compliance.reason");
    snprintf(told->status, sizeof told->status, "%s", text_at(root, "rolecall.compliance.status"));
    snprintf(told->reason, sizeof told->reason, "%s", reason);
}

static void read_event(const struct json_value *root, struct explain_question *out,
                       struct question_told *told)
{
    const char *finding = text_at(root, "rule.id"), *basis = text_at(root, "rolecall.flow.direction_basis");
    if (!json_is(root, JSON_OBJECT, "an event"))
        return;
    read_network(root, out);
    read_end(root, "source", has_ports(out->protocol), &out->initiator, &out->initiator_port);
    read_end(root, "destination", has_ports(out->protocol), &out->responder, &out->responder_port);
    read_tls(root, finding, out);
    read_told(root, told);
    out->outcome = outcome_of(root);
    out->from_middle = *basis && strcmp(basis, "syn") != 0;
    out->learned_port = strcmp(text_at(root, "rolecall.compliance.match"), "learned") == 0;
    out->media_of_pair = number_at(root, "rolecall.ipsec.media_flows") > 0;
    out->time_ns = time_of(text_at(root, "event.start"));
}

bool question_from_event(const char *text, size_t size, struct explain_question *out,
                         struct question_told *told, struct mistakes *mistakes)
{
    *out = (struct explain_question){.time_ns = 0};
    *told = (struct question_told){.status = ""};
    struct json_in *in = json_in_text("event", text, size, mistakes);
    if (!in)
        return false;
    struct json_value root = json_root(in);
    read_event(&root, out, told);
    if (!mistakes->count && !same_family(out))
        mistakes_add(mistakes, "event", 0, 0, "source.ip", "two kinds of addresses", "two of one kind");
    json_in_free(in);
    return mistakes->count == 0;
}
