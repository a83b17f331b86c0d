/* SPDX-License-Identifier: BSD-2-Clause
 *
 * config.c - reads the daemon's configuration (DESIGN 10), one table row per key. Called at start, on reload
 * and by `config check`. Whatever is wrong is gathered with its place; the file is then refused as a whole.
 * What needs the machine (interfaces, permissions) is `config check`'s matter, not this file's.
 */
#include "rolecall/config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config_reading.h"

enum { PATH_SIZE_MAX = 1024, SOCKET_PATH_MAX = 107, TEXT_SIZE_MAX = 256, EXCLUDE_SIZE_MAX = 4096 };

#define AT(field) offsetof(struct config, field)
#define NUMBER(key, lowest, highest, standard, field)                                                        \
    {                                                                                                        \
        .name = key, .kind = JSON_NUMBER, .low = lowest, .high = highest, .fallback = standard,              \
        .offset = AT(field)                                                                                  \
    }
#define FLAG(key, standard, field)                                                                           \
    {                                                                                                        \
        .name = key, .kind = JSON_BOOL, .fallback = standard, .offset = AT(field)                            \
    }

struct config_memory {
    struct config_memory *next;
    max_align_t bytes[];
};

void *config_keep(struct config *config, size_t size)
{
    struct config_memory *memory = calloc(1, sizeof *memory + size);
    if (!memory)
        abort();
    memory->next = config->memory;
    config->memory = memory;
    return memory->bytes;
}

void config_read_path(const struct json_value *value, const char **out)
{
    const char *path = json_text(value);
    size_t size = strlen(path);
    if (*path != '/' || size > PATH_SIZE_MAX || path[size - 1] == '/')
        json_mistake(value, "a path that begins with / (the daemon has no folder of its own)");
    else
        *out = path;
}

static void read_text_list(const struct json_value *list, const char **texts, unsigned *count,
                           bool (*is_one)(const char *text), const char *what)
{
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        const char *text = json_text(&value);
        bool again = false;
        for (unsigned i = 0; i < *count; i++)
            again = again || strcmp(texts[i], text) == 0;
        if (json_kind(&value) != JSON_TEXT || !is_one(text))
            json_mistake(&value, "%s", what);
        else if (again)
            json_mistake(&value, "each only once");
        else
            texts[(*count)++] = text;
    }
}

/* What the kernel takes as the name of an interface (dev_valid_name: no slash, no space, not . or ..). */
static bool is_interface_name(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > CONFIG_INTERFACE_NAME_MAX || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (; *text; text++)
        if (*text == '/' || *text == ':' || (unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    return true;
}

static void read_interfaces(const struct json_value *list, void *target, void *context)
{
    struct config_capture *capture = &((struct config *)target)->capture;
    (void)context;
    read_text_list(list, capture->interfaces, &capture->interface_count, is_interface_name,
                   "the name of an interface, 1 to 15 bytes, as `ip link` shows it");
}

static const struct json_key capture_keys[] = {
    {.name = "interfaces", .kind = JSON_LIST, .high = CONFIG_INTERFACES_MAX, .read = read_interfaces},
    NUMBER("ring_mib", 1, 4096, "64", capture.ring_mib),
    {.name = "exclude",
     .kind = JSON_TEXT,
     .low = 1,
     .high = EXCLUDE_SIZE_MAX,
     .meaning = "a capture filter, as tcpdump takes it",
     .offset = AT(capture.exclude)},
    NUMBER("workers", 1, CONFIG_WORKERS_MAX, "1", capture.workers),
    FLAG("promiscuous", "true", capture.promiscuous),
    NUMBER("silence_s", 0, 86400, "300", capture.silence_s),
};

static const struct json_key flow_keys[] = {
    NUMBER("max", 1024, 16777216, "262144", flows.max),
    FLAG("every_flow", "false", flows.every_flow),
};

/* metrics, control, limits */

bool config_parse_port(const char *text, uint16_t *out)
{
    char *end;
    unsigned long port = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    *out = (uint16_t)port;
    return port > 0 && port < 65536 && !*end;
}

bool config_listen_address(const char *text, struct sockaddr_storage *out, unsigned *size)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool is_v6 = *text == '[';
    if (!colon || (is_v6 && (colon < text + 2 || colon[-1] != ']')) || (size_t)(colon - text) >= sizeof host)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text) - 2 * is_v6, text + is_v6);
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    uint16_t port;
    if (!config_parse_port(colon + 1, &port))
        return false;
    v4.sin_port = v6.sin6_port = htons(port);
    memset(out, 0, sizeof *out);
    if (is_v6 && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr)) {
        memcpy(out, &v6, *size = sizeof v6);
        return true;
    }
    if (!is_v6 && inet_pton(AF_INET, host, &v4.sin_addr) == 1 && ntohl(v4.sin_addr.s_addr) >> 24 == 127) {
        memcpy(out, &v4, *size = sizeof v4);
        return true;
    }
    return false;
}

static void read_metrics_file(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct config *)target)->metrics.file);
}

static void read_listen(const struct json_value *value, void *target, void *context)
{
    struct sockaddr_storage address;
    unsigned size;
    (void)context;
    if (config_listen_address(json_text(value), &address, &size))
        ((struct config *)target)->metrics.listen = json_text(value);
    else
        json_mistake(value, "a loopback address and a port: \"127.0.0.1:9469\" or \"[::1]:9469\"");
}

static const struct json_key metrics_keys[] = {
    {.name = "file", .kind = JSON_TEXT, .read = read_metrics_file},
    NUMBER("interval_s", 1, 3600, "15", metrics.interval_s),
    {.name = "listen", .kind = JSON_TEXT, .read = read_listen},
};

static void read_socket(const struct json_value *value, void *target, void *context)
{
    struct config *config = target;
    (void)context;
    config->control = NULL;
    if (!*json_text(value))
        return; /* "": no control socket */
    config_read_path(value, &config->control);
    if (config->control && strlen(config->control) > SOCKET_PATH_MAX) /* sockaddr_un.sun_path, unix(7) */
        json_mistake(value, "a path of at most %d bytes", SOCKET_PATH_MAX);
}

static const struct json_key control_keys[] = {
    {.name = "socket", .kind = JSON_TEXT, .read = read_socket},
};

static const struct json_key limit_keys[] = {
    NUMBER("memory_mib", 0, 1048576, "0", memory_mib),
};

/* The root. */

static bool is_id(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size > 0 && !text[size];
}

static void read_matrices(const struct json_value *list, void *target, void *context)
{
    struct config *config = target;
    (void)context;
    read_text_list(list, config->matrices, &config->matrix_count, is_id,
                   "the id of a matrix, as `rolecall matrix list` shows it");
}

static void read_user(const struct json_value *value, void *target, void *context)
{
    const char *text = json_text(value);
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");
    (void)context;
    if (size == 0 || text[size] || size > 32 || *text == '-')
        json_mistake(value, "the name of a user");
    else
        ((struct config *)target)->user = text;
}

static void read_site(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct config *)target)->site);
}

static void read_rules(const struct json_value *value, void *target, void *context)
{
    (void)context;
    config_read_path(value, &((struct config *)target)->rules);
}

static void read_capture(const struct json_value *object, void *target, void *context)
{
    json_read(object, KEYS(capture_keys), target, context);
}

static void read_flows(const struct json_value *object, void *target, void *context)
{
    json_read(object, KEYS(flow_keys), target, context);
}

static void read_metrics(const struct json_value *object, void *target, void *context)
{
    json_read(object, KEYS(metrics_keys), target, context);
}

static void read_control(const struct json_value *object, void *target, void *context)
{
    json_read(object, KEYS(control_keys), target, context);
}

static void read_limits(const struct json_value *object, void *target, void *context)
{
    json_read(object, KEYS(limit_keys), target, context);
}

static const struct json_key config_keys[] = {
    {.name = "name", .kind = JSON_TEXT, .low = 1, .high = TEXT_SIZE_MAX, .offset = AT(name)},
    {.name = "user", .kind = JSON_TEXT, .read = read_user},
    {.name = "capture", .kind = JSON_OBJECT, .read = read_capture},
    {.name = "flows", .kind = JSON_OBJECT, .read = read_flows},
    {.name = "site", .kind = JSON_TEXT, .read = read_site},
    {.name = "rules", .kind = JSON_TEXT, .read = read_rules},
    {.name = "matrices", .kind = JSON_LIST, .low = 1, .high = CONFIG_MATRICES_MAX, .read = read_matrices},
    {.name = "outputs", .kind = JSON_LIST, .low = 1, .high = CONFIG_OUTPUTS_MAX, .read = config_read_outputs},
    {.name = "metrics", .kind = JSON_OBJECT, .read = read_metrics},
    {.name = "control", .kind = JSON_OBJECT, .read = read_control},
    NUMBER("stats_s", 0, 86400, "60", stats_s),
    {.name = "limits", .kind = JSON_OBJECT, .read = read_limits},
};

/* Defaults of the objects inside come from the same tables: an empty object is read into each. */
static void set_defaults(struct config *config)
{
    static const struct {
        const struct json_key *keys;
        unsigned count;
    } parts[] = {{KEYS(config_keys)},  {KEYS(capture_keys)}, {KEYS(flow_keys)},
                 {KEYS(metrics_keys)}, {KEYS(control_keys)}, {KEYS(limit_keys)}};
    struct mistakes mistakes = {0};
    struct json_in *empty = json_in_text("defaults", "{}", 2, &mistakes);
    struct json_value root = json_root(empty);
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        json_read(&root, parts[i].keys, parts[i].count, config, NULL);
    json_in_free(empty);
    mistakes_clear(&mistakes);
}

static struct config *new_config(const char *path)
{
    struct config *config = calloc(1, sizeof *config);
    if (!config)
        abort(); /* a few KiB at start or on a reload */
    set_defaults(config);
    if (path)
        config->path = strcpy(config_keep(config, strlen(path) + 1), path);
    config->control = CONFIG_SOCKET;
    return config;
}

struct config *config_create(void)
{
    struct config *config = new_config(NULL);
    config_default_output(config);
    return config;
}

static struct config *read_config(struct json_in *in, const char *path)
{
    struct config *config = new_config(path);
    if (in) {
        struct json_value root = json_root(in);
        config->document = in;
        json_read(&root, KEYS(config_keys), config, NULL);
    }
    if (config->output_count == 0)
        config_default_output(config);
    return config;
}

/* `before`: mistakes told before the file was opened, which tells of duplicate keys itself. */
static struct config *only_good(struct config *config, const struct mistakes *mistakes, unsigned before)
{
    if (mistakes->count + mistakes->more == before)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_load_understood(const char *path, struct mistakes *mistakes)
{
    return read_config(json_in_file(path, mistakes), path);
}

struct config *config_load(const char *path, struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    return only_good(config_load_understood(path, mistakes), mistakes, before);
}

struct config *config_from_text(const char *name, const char *text, size_t size, struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    return only_good(read_config(json_in_text(name, text, size, mistakes), name), mistakes, before);
}

void config_changed(const struct config *old, const struct config *now, char out[CONFIG_CHANGED_SIZE])
{
    const struct json_value roots[] = {json_root(old->document), json_root(now->document)};
    size_t used = 0;
    *out = '\0';
    for (unsigned i = 0; i < sizeof config_keys / sizeof *config_keys; i++) {
        const char *name = config_keys[i].name;
        struct json_value before, after;
        bool was = json_find(&roots[0], name, &before), is = json_find(&roots[1], name, &after);
        if ((was != is || (was && !json_same(&before, &after))) && used < CONFIG_CHANGED_SIZE)
            used += (size_t)snprintf(out + used, CONFIG_CHANGED_SIZE - used, "%s%s", used ? ", " : "", name);
    }
}

void config_free(struct config *config)
{
    if (!config)
        return;
    json_in_free(config->document);
    while (config->memory) {
        struct config_memory *next = config->memory->next;
        free(config->memory);
        config->memory = next;
    }
    free(config);
}
