/* SPDX-License-Identifier: BSD-2-Clause
 *
 * cef.c - a finished event, read again and told in the Common Event Format (ArcSight, "CEF:0"). Keys and
 * their meaning are those of the CEF extension dictionary; docs/SIEM.md has the mapping as a table. A second
 * reader of events, not a second writer of fields: what does not stand in the event cannot stand here.
 */
#include "rolecall/cef.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "rolecall/json_in.h"

enum { VALUE_MAX = 1023, LIST_MAX = 2000 }; /* the dictionary's bound for msg; cs1 may have 4,000 */

struct cef {
    const struct json_value *event;
    char *at;
    size_t used, header; /* bytes so far, and those of the header once it stands */
    bool full;
};

static void put(struct cef *cef, const char *text, size_t size)
{
    if (cef->full || size > CEF_LINE_MAX - cef->used) {
        cef->full = true;
        return;
    }
    memcpy(cef->at + cef->used, text, size);
    cef->used += size;
}

/* Header fields escape "|" and "\"; values of the extension escape "=" and "\". A newline never comes raw. */
static void put_escaped(struct cef *cef, const char *text, char special)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r') {
            put(cef, special == '=' ? (*text == '\n' ? "\\n" : "\\r") : " ", special == '=' ? 2 : 1);
            continue;
        }
        if (*text == special || *text == '\\')
            put(cef, "\\", 1);
        put(cef, text, 1);
    }
}

/* Bytes of `text` that are at most `size` and do not end within a character. */
static size_t whole_characters(const char *text, size_t size)
{
    size_t length = strlen(text);
    if (length <= size)
        return length;
    while (size && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    return size;
}

/* key=value, whole or not at all. */
static void put_text(struct cef *cef, const char *key, const char *value)
{
    char part[LIST_MAX + 1];
    size_t before = cef->used;
    if (!*value)
        return;
    snprintf(part, sizeof part, "%.*s", (int)whole_characters(value, LIST_MAX), value);
    if (cef->used > cef->header)
        put(cef, " ", 1);
    put(cef, key, strlen(key));
    put(cef, "=", 1);
    put_escaped(cef, part, '=');
    if (cef->full)
        cef->used = before;
    cef->full = false;
}

/* "event.reason": the value there; false: there is none. */
static bool find(const struct json_value *event, const char *path, struct json_value *out)
{
    struct json_value at = *event, next;
    while (*path) {
        char key[48];
        size_t size = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)size, path);
        if (json_kind(&at) != JSON_OBJECT || !json_find(&at, key, &next))
            return false;
        at = next;
        path += size + (path[size] == '.');
    }
    *out = at;
    return true;
}

static void write_number(double number, char *out, size_t size)
{
    if (number == (double)(int64_t)number)
        snprintf(out, size, "%" PRId64, (int64_t)number);
    else
        snprintf(out, size, "%.1f", number);
}

/* Texts of a list, with a space between them: what does not fit is left out. */
static void join(const struct json_value *list, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (struct json_value at = json_first(list); json_more(&at); json_next(&at)) {
        const char *text = json_text(&at);
        if (used + strlen(text) + 2 > size)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", text);
    }
}

/* The value as a text; "" where there is none. */
static const char *text_at(const struct json_value *event, const char *path, char out[LIST_MAX + 1])
{
    struct json_value value;
    out[0] = '\0';
    if (!find(event, path, &value))
        return out;
    if (json_kind(&value) == JSON_NUMBER)
        write_number(json_number(&value), out, LIST_MAX + 1);
    else if (json_kind(&value) == JSON_LIST)
        join(&value, out, LIST_MAX + 1);
    else
        snprintf(out, LIST_MAX + 1, "%.*s", (int)whole_characters(json_text(&value), VALUE_MAX),
                 json_text(&value));
    return out;
}

static double number_at(const struct json_value *event, const char *path)
{
    struct json_value value;
    return find(event, path, &value) ? json_number(&value) : 0;
}

static void put_from(struct cef *cef, const char *key, const char *path)
{
    char text[LIST_MAX + 1];
    put_text(cef, key, text_at(cef->event, path, text));
}

/* A custom field says itself what it is. */
static void put_custom(struct cef *cef, const char *key, const char *label, const char *path)
{
    char text[LIST_MAX + 1], label_key[32];
    if (!*text_at(cef->event, path, text))
        return;
    snprintf(label_key, sizeof label_key, "%sLabel", key);
    put_text(cef, label_key, label);
    put_text(cef, key, text);
}

/* Times are milliseconds since 1970. */
static void put_time(struct cef *cef, const char *key, const char *path)
{
    char text[LIST_MAX + 1];
    struct tm utc = {.tm_isdst = 0};
    const char *rest = strptime(text_at(cef->event, path, text), "%Y-%m-%dT%H:%M:%S", &utc);
    unsigned milliseconds = 0;
    if (!rest)
        return;
    if (sscanf(rest, ".%3u", &milliseconds) != 1)
        milliseconds = 0;
    snprintf(text, sizeof text, "%" PRId64, (int64_t)timegm(&utc) * 1000 + milliseconds);
    put_text(cef, key, text);
}

/* src and dst are for IPv4 only; IPv6 has custom fields. */
static void put_address(struct cef *cef, const char *key, const char *key6, const char *label,
                        const char *path)
{
    char text[LIST_MAX + 1];
    if (strchr(text_at(cef->event, path, text), ':'))
        put_custom(cef, key6, label, path);
    else
        put_text(cef, key, text);
}

static void put_transport(struct cef *cef)
{
    char text[LIST_MAX + 1];
    text_at(cef->event, "network.transport", text);
    for (char *at = text; *at; at++)
        if (*at >= 'a' && *at <= 'z')
            *at = (char)(*at - 'a' + 'A');
    put_text(cef, "proto", text);
}

static void put_ends(struct cef *cef)
{
    put_address(cef, "src", "c6a2", "Source IPv6 Address", "source.ip");
    put_from(cef, "spt", "source.port");
    put_from(cef, "shost", "source.domain");
    put_address(cef, "dst", "c6a3", "Destination IPv6 Address", "destination.ip");
    put_from(cef, "dpt", "destination.port");
    put_from(cef, "dhost", "destination.domain");
    put_from(cef, "dhost", "host.name"); /* coverage has no ends */
    put_transport(cef);
    put_from(cef, "app", "network.protocol");
    put_from(cef, "in", "source.bytes");
    put_from(cef, "out", "destination.bytes");
}

static const char *dataset_of(const struct json_value *event, char text[LIST_MAX + 1])
{
    static const char prefix[] = "rolecall.";
    text_at(event, "event.dataset", text);
    return strncmp(text, prefix, sizeof prefix - 1) == 0 ? text + sizeof prefix - 1 : "";
}

__attribute__((format(printf, 3, 4))) static void add(char *out, size_t size, const char *format, ...)
{
    size_t used = strlen(out);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out + used, size - used, format, arguments);
    va_end(arguments);
}

/* "name=value name=value" of an object's numbers, as many as fit whole. */
static void list_numbers(const struct json_value *event, const char *path, char *out, size_t size)
{
    struct json_value object;
    if (!find(event, path, &object))
        return;
    for (struct json_value at = json_first(&object); json_more(&at); json_next(&at)) {
        char number[40];
        if (json_kind(&at) != JSON_NUMBER)
            continue;
        write_number(json_number(&at), number, sizeof number);
        if (strlen(out) + strlen(json_member(&at)) + strlen(number) + 3 > size)
            break;
        add(out, size, "%s%s %s", *out ? ", " : "", json_member(&at), number);
    }
}

static void put_message(struct cef *cef, const char *dataset)
{
    char text[LIST_MAX + 1], message[VALUE_MAX + 1] = "";
    const struct json_value *event = cef->event;
    if (strcmp(dataset, "coverage") == 0) {
        list_numbers(event, "rolecall.coverage.counts", message, sizeof message);
    } else if (strcmp(dataset, "stats") == 0) {
        list_numbers(event, "rolecall.stats", message, sizeof message);
    } else if (strcmp(dataset, "loss") == 0) {
        add(message, sizeof message, "output %s lost lines: ", text_at(event, "rolecall.loss.output", text));
        add(message, sizeof message, "%s", text_at(event, "rolecall.loss.reason", text));
    } else {
        add(message, sizeof message, "%s", text_at(event, "event.reason", text));
    }
    put_text(cef, "msg", message);
}

static void put_loss(struct cef *cef)
{
    char total[40];
    double lost =
        number_at(cef->event, "rolecall.loss.alerts") + number_at(cef->event, "rolecall.loss.flows") +
        number_at(cef->event, "rolecall.loss.events") + number_at(cef->event, "rolecall.loss.metrics");
    write_number(lost, total, sizeof total);
    put_text(cef, "cnt", total);
    put_time(cef, "start", "rolecall.loss.since");
    put_custom(cef, "cn2", "first sequence lost", "rolecall.loss.first_sequence");
    put_custom(cef, "cn3", "last sequence lost", "rolecall.loss.last_sequence");
}

static void put_ipsec(struct cef *cef)
{
    put_custom(cef, "cfp1", "negotiation ms", "rolecall.ipsec.negotiation_ms");
    put_custom(cef, "cfp2", "media start delay ms", "rolecall.ipsec.media_start_delay_ms");
    put_custom(cef, "cn2", "media packets lost", "rolecall.ipsec.media_packets_lost");
}

static void put_extension(struct cef *cef, const char *dataset)
{
    put_time(cef, "rt", "@timestamp");
    put_time(cef, "start", "event.start");
    put_time(cef, "end", "event.end");
    put_from(cef, "cat", "event.dataset");
    put_from(cef, "externalId", "event.id");
    put_custom(cef, "cn1", "sequence", "event.sequence");
    put_ends(cef);
    put_from(cef, "act", "rolecall.compliance.status");
    put_from(cef, "outcome", "rolecall.compliance.outcome");
    put_from(cef, "reason", "rolecall.compliance.reason");
    put_from(cef, "cnt", "rolecall.finding.count");
    put_from(cef, "deviceExternalId", "observer.name");
    put_from(cef, "dvchost", "observer.hostname");
    put_from(cef, "deviceInboundInterface", "observer.ingress.interface.name");
    put_from(cef, "requestClientApplication", "user_agent.original");
    put_message(cef, dataset);
    put_custom(cef, "cs1", "documented rows", "rolecall.compliance.rows");
    put_custom(cef, "cs2", "source roles", "rolecall.source.roles");
    put_custom(cef, "cs3", "destination roles", "rolecall.destination.roles");
    put_custom(cef, "cs4", "flow id", "rolecall.flow_id");
    put_custom(cef, "cs5", "fingerprint", "rolecall.finding.fingerprint");
    put_custom(cef, "cs6", "site", "rolecall.site");
    put_custom(cef, "flexString1", "community id", "network.community_id");
    put_custom(cef, "flexString2", "advice", "rolecall.advice");
    put_ipsec(cef);
    if (strcmp(dataset, "loss") == 0)
        put_loss(cef);
}

static const char *name_of(const struct json_value *event, const char *dataset, char text[LIST_MAX + 1])
{
    static const struct {
        const char *dataset, *name;
    } names[] = {{"flow", "Flow"},
                 {"ipsec", "IPsec episode"},
                 {"coverage", "Coverage of documented rows"},
                 {"stats", "Counters"},
                 {"loss", "Events lost by an output"}};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(dataset, names[i].dataset) == 0)
            return names[i].name;
    return text_at(event, "rule.name", text);
}

/* CEF:0|vendor|product|version|class|name|severity| : severities of 0 to 10. */
static void put_header(struct cef *cef, const char *dataset)
{
    char text[LIST_MAX + 1], severity[8];
    put(cef, "CEF:0|rolecall|rolecall|", 24);
    put_escaped(cef, text_at(cef->event, "observer.version", text), '|');
    put(cef, "|", 1);
    put_escaped(cef, text_at(cef->event, "event.action", text), '|');
    put(cef, "|", 1);
    put_escaped(cef, name_of(cef->event, dataset, text), '|');
    double number = number_at(cef->event, "event.severity") / 10;
    snprintf(severity, sizeof severity, "|%u|", number > 0 && number <= 10 ? (unsigned)number : 0);
    put(cef, severity, strlen(severity));
    cef->header = cef->used;
}

static bool is_event(const struct json_value *root)
{
    char text[LIST_MAX + 1];
    struct json_value event;
    if (json_kind(root) != JSON_OBJECT || !json_find(root, "event", &event)) {
        json_mistake(root, "an event of rolecall");
        return false;
    }
    if (*dataset_of(root, text))
        return true;
    json_mistake(&event, "an event.dataset of rolecall");
    return false;
}

bool cef_from_event(const char *line, size_t line_size, char out[CEF_LINE_MAX + 1], size_t *size,
                    struct mistakes *mistakes)
{
    char text[LIST_MAX + 1];
    unsigned before = mistakes->count + mistakes->more;
    struct json_in *in = json_in_text("", line, line_size, mistakes);
    if (!in)
        return false;
    struct json_value root = json_root(in);
    bool good = is_event(&root) && mistakes->count + mistakes->more == before;
    if (good) {
        struct cef cef = {.event = &root, .at = out};
        const char *dataset = dataset_of(&root, text);
        put_header(&cef, dataset);
        put_extension(&cef, dataset);
        good = !cef.full;
        *size = cef.used;
        out[cef.used] = '\0';
    }
    json_in_free(in);
    return good;
}
