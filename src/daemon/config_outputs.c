/* SPDX-License-Identifier: BSD-2-Clause
 *
 * config_outputs.c - the `outputs` of the configuration: one table of all keys, and which of them each type
 * has. Called by config.c. What an output does with its settings is src/sink's matter.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config_reading.h"

enum {
    NAME_SIZE_MAX = 32,
    HOST_SIZE_MAX = 253, /* RFC 1035 2.3.4, as text */
    TEXT_MAX = 1024,
    TOPIC_MAX = 249, /* Kafka's own bound */
    PROPERTIES_MAX = 64
};

#define DEFAULT_FILE "/var/log/rolecall/events.ndjson"

enum type { TYPE_FILE, TYPE_STDOUT, TYPE_UNIX, TYPE_SYSLOG, TYPE_KAFKA };
enum transport { TRANSPORT_TCP, TRANSPORT_TLS };

static const char *const types[] = {[TYPE_FILE] = "file",     [TYPE_STDOUT] = "stdout", [TYPE_UNIX] = "unix",
                                    [TYPE_SYSLOG] = "syslog", [TYPE_KAFKA] = "kafka",   NULL};
static const char *const transports[] = {[TRANSPORT_TCP] = "tcp", [TRANSPORT_TLS] = "tls", NULL};
static const char *const formats[] = {[SINK_NDJSON] = "ecs", [SINK_CEF] = "cef", NULL};
static const char *const datasets[] = {
    [DATASET_ALERT] = "alert",       [DATASET_FLOW] = "flow",   [DATASET_IPSEC] = "ipsec",
    [DATASET_COVERAGE] = "coverage", [DATASET_STATS] = "stats", [DATASET_LOSS] = "loss"};
static const char *const severities[] = {"all", "low", "medium", "high", "critical", NULL};
static const unsigned severity_values[] = {0, 21, 47, 73, 99}; /* EVENTS: event.severity */

/* One entry while it is read. */
struct reading {
    struct sink_options options;
    unsigned type, transport, format, severity;
    int64_t queue_mib, facility;
};

static void read_name(const struct json_value *value, void *target, void *context)
{
    const char *text = json_text(value);
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    (void)context;
    if (size == 0 || text[size] || size > NAME_SIZE_MAX)
        json_mistake(value, "a name of 1 to %d lower-case letters, digits, - or _", NAME_SIZE_MAX);
    else
        ((struct reading *)target)->options.name = text;
}

static void read_output_path(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct reading *)target)->options.path);
}

static void read_ca(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct reading *)target)->options.ca_file);
}

static void read_certificate(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct reading *)target)->options.cert_file);
}

static void read_key(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct reading *)target)->options.key_file);
}

static bool is_host(const char *text)
{
    struct in6_addr address;
    if (strchr(text, ':'))
        return inet_pton(AF_INET6, text, &address) == 1;
    for (const char *p = text; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.' && *p != '_')
            return false;
    return isalnum((unsigned char)*text);
}

/* HOST:PORT, ADDRESS:PORT or [IPv6 ADDRESS]:PORT. */
static void read_server(const struct json_value *value, void *target, void *context)
{
    struct sink_options *options = &((struct reading *)target)->options;
    const char *text = json_text(value), *colon = strrchr(text, ':');
    bool is_bracketed = *text == '[' && colon > text + 1 && colon[-1] == ']';
    size_t size = colon ? (size_t)(colon - text) - 2 * is_bracketed : 0;
    uint16_t port;
    if (size > 0 && size <= HOST_SIZE_MAX && config_parse_port(colon + 1, &port)) {
        char *host = config_keep(context, size + 1);
        memcpy(host, text + is_bracketed, size);
        if (is_host(host) && !strchr(host, ':') == !is_bracketed) {
            options->host = host;
            options->port = colon + 1;
            return;
        }
    }
    json_mistake(value, "HOST:PORT, as \"siem.example.net:6514\" or \"[2001:db8::5]:6514\"");
}

static void read_datasets(const struct json_value *list, void *target, void *context)
{
    struct sink_options *options = &((struct reading *)target)->options;
    (void)context;
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        unsigned i = 0;
        while (i < DATASET_COUNT && strcmp(datasets[i], json_text(&value)) != 0)
            i++;
        if (i < DATASET_COUNT)
            options->datasets |= 1u << i;
        else
            json_mistake(&value, "\"alert\", \"flow\", \"ipsec\", \"coverage\", \"stats\" or \"loss\"");
    }
}

/* "name=value" as src/sink takes it; whether librdkafka knows the name, it says itself. */
static void read_properties(const struct json_value *object, void *target, void *context)
{
    const char **list = config_keep(context, (json_count(object) + 1) * sizeof *list);
    unsigned count = 0;
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        const char *name = json_member(&value), *text = json_text(&value);
        if (!json_is(&value, JSON_TEXT, "a text"))
            continue;
        if (!*name || strchr(name, '=')) {
            json_mistake_key(&value, "the name of a librdkafka property");
            continue;
        }
        size_t size = strlen(name) + strlen(text) + 2;
        char *property = config_keep(context, size);
        snprintf(property, size, "%s=%s", name, text);
        list[count++] = property;
    }
    ((struct reading *)target)->options.kafka_properties = list;
}

enum {
    FOR_PATH = 1 << TYPE_FILE | 1 << TYPE_UNIX,
    FOR_SYSLOG = 1 << TYPE_SYSLOG,
    FOR_KAFKA = 1 << TYPE_KAFKA
};

#define AT(field) offsetof(struct reading, field)

static const struct json_key output_keys[] = {
    {.name = "type", .kind = JSON_TEXT, .required = true, .choices = types, .offset = AT(type)},
    {.name = "name", .kind = JSON_TEXT, .read = read_name},
    {.name = "format", .kind = JSON_TEXT, .choices = formats, .fallback = "ecs", .offset = AT(format)},
    {.name = "datasets", .kind = JSON_LIST, .low = 1, .high = DATASET_COUNT, .read = read_datasets},
    {.name = "min_severity",
     .kind = JSON_TEXT,
     .choices = severities,
     .fallback = "all",
     .offset = AT(severity)},
    {.name = "queue_mib",
     .kind = JSON_NUMBER,
     .low = 1,
     .high = 4096,
     .fallback = "16",
     .offset = AT(queue_mib)},
    {.name = "path", .kind = JSON_TEXT, .read = read_output_path},
    {.name = "server", .kind = JSON_TEXT, .read = read_server},
    {.name = "transport",
     .kind = JSON_TEXT,
     .choices = transports,
     .fallback = "tcp",
     .offset = AT(transport)},
    {.name = "facility",
     .kind = JSON_NUMBER,
     .low = 0,
     .high = 23, /* RFC 5424 table 1 */
     .fallback = "16",
     .offset = AT(facility)},
    {.name = "ca", .kind = JSON_TEXT, .read = read_ca},
    {.name = "certificate", .kind = JSON_TEXT, .read = read_certificate},
    {.name = "key", .kind = JSON_TEXT, .read = read_key},
    {.name = "server_name",
     .kind = JSON_TEXT,
     .low = 1,
     .high = HOST_SIZE_MAX,
     .offset = AT(options.server_name)},
    {.name = "brokers", .kind = JSON_TEXT, .low = 1, .high = TEXT_MAX, .offset = AT(options.brokers)},
    {.name = "topic", .kind = JSON_TEXT, .low = 1, .high = TOPIC_MAX, .offset = AT(options.topic)},
    {.name = "properties", .kind = JSON_OBJECT, .high = PROPERTIES_MAX, .read = read_properties},
};

/* Keys that only some types have, the types that need them, and whether they are TLS's. */
static const struct {
    const char *key;
    unsigned types, needed_by;
    bool tls;
} key_types[] = {
    {"path", FOR_PATH, FOR_PATH, false},
    {"server", FOR_SYSLOG, FOR_SYSLOG, false},
    {"transport", FOR_SYSLOG, 0, false},
    {"facility", FOR_SYSLOG, 0, false},
    {"ca", FOR_SYSLOG, 0, true},
    {"certificate", FOR_SYSLOG, 0, true},
    {"key", FOR_SYSLOG, 0, true},
    {"server_name", FOR_SYSLOG, 0, true},
    {"brokers", FOR_KAFKA, FOR_KAFKA, false},
    {"topic", FOR_KAFKA, FOR_KAFKA, false},
    {"properties", FOR_KAFKA, 0, false},
};

static void check_keys(const struct json_value *object, const struct reading *reading)
{
    bool is_tcp = reading->type == TYPE_SYSLOG && reading->transport == TRANSPORT_TCP;
    struct json_value value;
    for (unsigned i = 0; i < sizeof key_types / sizeof *key_types; i++) {
        bool given = json_find(object, key_types[i].key, &value);
        if (given && !(key_types[i].types & 1u << reading->type))
            json_mistake_key(&value, "no such key in an output of type \"%s\"", types[reading->type]);
        else if (given && key_types[i].tls && is_tcp)
            json_mistake_key(&value, "this key only with \"transport\": \"tls\"");
        if (!given && key_types[i].needed_by & 1u << reading->type)
            json_mistake_absent(object, key_types[i].key);
    }
    if (reading->options.cert_file && !reading->options.key_file)
        json_mistake_absent(object, "key");
    if (reading->options.key_file && !reading->options.cert_file)
        json_mistake_absent(object, "certificate");
}

/* Two outputs of one name cannot be told apart in metrics; two on one file would mix their lines. */
static void check_twins(const struct json_value *object, const struct config *config)
{
    const struct sink_options *last = &config->outputs[config->output_count - 1];
    struct json_value value;
    for (const struct sink_options *other = config->outputs; other < last; other++) {
        if (strcmp(other->name, last->name) == 0) {
            if (json_find(object, "name", &value))
                json_mistake(&value, "a name that no other output has");
            else
                json_mistake(object, "a \"name\", because another output is called \"%s\" too", last->name);
        }
        if (last->path && other->path && strcmp(other->path, last->path) == 0 &&
            json_find(object, "path", &value))
            json_mistake(&value, "a path that no other output has");
    }
}

static enum sink_kind kind_of(const struct reading *reading)
{
    static const enum sink_kind kinds[] = {[TYPE_FILE] = SINK_FILE,
                                           [TYPE_STDOUT] = SINK_STDOUT,
                                           [TYPE_UNIX] = SINK_UNIX,
                                           [TYPE_SYSLOG] = SINK_SYSLOG_TCP,
                                           [TYPE_KAFKA] = SINK_KAFKA};
    bool tls = reading->type == TYPE_SYSLOG && reading->transport == TRANSPORT_TLS;
    return tls ? SINK_SYSLOG_TLS : kinds[reading->type];
}

static void read_output(const struct json_value *object, struct config *config)
{
    struct reading reading = {.type = TYPE_FILE};
    struct sink_options *options = &reading.options;
    struct json_value type;
    bool ok = json_read(object, KEYS(output_keys), &reading, config);
    bool type_known =
        ok || (json_find(object, "type", &type) && strcmp(json_text(&type), types[reading.type]) == 0);
    options->kind = kind_of(&reading);
    options->format = (enum sink_format)reading.format;
    options->min_severity = severity_values[reading.severity];
    options->queue_size = (size_t)reading.queue_mib << 20;
    options->facility = (unsigned)reading.facility;
    if (!options->name)
        options->name = types[reading.type];
    config->outputs[config->output_count++] = *options;
    if (!type_known)
        return; /* what belongs to it cannot be told */
    check_keys(object, &reading);
    check_twins(object, config);
    if (!sink_kind_is_built(options->kind) && json_find(object, "type", &type))
        json_mistake(&type, "another type: this rolecall was built without it");
}

void config_read_outputs(const struct json_value *list, void *target, void *context)
{
    (void)context;
    for (struct json_value object = json_first(list); json_more(&object); json_next(&object))
        read_output(&object, target);
}

void config_default_output(struct config *config)
{
    config->outputs[0] = (struct sink_options){.name = types[TYPE_FILE],
                                               .kind = SINK_FILE,
                                               .path = DEFAULT_FILE,
                                               .queue_size = SINK_QUEUE_DEFAULT,
                                               .facility = SINK_FACILITY_DEFAULT};
    config->output_count = 1;
}
