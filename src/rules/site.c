/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site.c - reads a site file (DESIGN 4) against the rules. Called at start, on reload, and with what
 * discovery found. One table row per key; whatever is wrong is gathered with its place and the file is then
 * refused as a whole. What is legal but odd is site_lint.c's matter.
 */
#include "rolecall/site.h"

#include <stdlib.h>
#include <string.h>

#include "matrix_file.h"
#include "text.h"

enum { HOSTS_MAX = 8192, ADDRESSES_MAX = 64, PREFIXES_MAX = 4096, ENTRIES_MAX = 4096 };

#define KEYS(table) table, sizeof table / sizeof *table

const char *const finding_ids[] = {
    "unexpected-port",    "unexpected-outbound", "unexpected-protocol", "media-port",
    "mutual-tls-missing", "blocked-port",        "ipsec-on-media",      "weak-tls",
    "plaintext-sip",      "media-fallback",      "undeclared-server",   "one-way-capture",
    "capture-loss",       "capture-silent",      "duplicate-packets",   NULL};

static const char *const default_matrices[] = {"skype-for-business-server", "lync-server-2013-edge", NULL};
static const char *const load_balancings[] = {"hardware", "dns", NULL};
static const char *const ipsec_modes[] = {[IPSEC_TABLE] = "table", [IPSEC_MEDIA_ONLY] = "media-only", NULL};
static const char *const tls_versions[] = {"1.0", "1.1", "1.2", "1.3", NULL}; /* 0x0301 and on */
static const char *const severities[] = {"low", "medium", "high", "critical", NULL};
static const int severity_values[] = {21, 47, 73, 99}; /* EVENTS: event.severity */

struct site_reading {
    const struct rules *rules;
    struct site *site;
};

/* Lists of names. */

static const char *matrix_name(const struct rules *rules, unsigned i)
{
    const struct matrix *matrix = rules_matrix(rules, i);
    return matrix ? matrix->id : NULL;
}

static const char *finding_name(const struct rules *rules, unsigned i)
{
    (void)rules;
    return finding_ids[i];
}

static const char *role_name(const struct rules *rules, unsigned i)
{
    const struct rules_role *role = rules_role(rules, i);
    return role ? role->id : NULL;
}

/* A mistake at a value or its key, with the nearest name as a hint where one is close. */
static void mistake_name(const struct json_value *value, bool at_key, const char *kind,
                         const struct nearest *nearest)
{
    char expected[MISTAKE_TEXT_SIZE];
    if (nearest->best)
        snprintf(expected, sizeof expected, "%s (did you mean \"%s\"?)", kind, nearest->best);
    else
        snprintf(expected, sizeof expected, "%s", kind);
    if (at_key)
        json_mistake_key(value, "%s", expected);
    else
        json_mistake(value, "%s", expected);
}

/* The index of the known name that the value, or its key, is; -1 and a mistake when it is none. */
typedef const char *name_function(const struct rules *rules, unsigned i);
static int known_name(const struct site_reading *reading, const struct json_value *value, bool at_key,
                      const char *kind, name_function *name)
{
    struct nearest nearest = {.wanted = at_key ? json_member(value) : json_text(value)};
    const char *known;
    for (unsigned i = 0; (known = name(reading->rules, i)) != NULL; i++) {
        if (strcmp(known, nearest.wanted) == 0)
            return (int)i;
        nearest_offer(&nearest, known);
    }
    mistake_name(value, at_key, kind, &nearest);
    return -1;
}

static role_set role_of(const struct site_reading *reading, const struct json_value *value)
{
    int bit = known_name(reading, value, false, "a role", role_name);
    return bit >= 0 ? (role_set)1 << bit : 0;
}

static role_set roles_of(const struct site_reading *reading, const struct json_value *list)
{
    role_set roles = 0;
    for (struct json_value role = json_first(list); json_more(&role); json_next(&role))
        roles |= role_of(reading, &role);
    return roles;
}

static void read_matrices(const struct json_value *list, void *target, void *context)
{
    struct site_reading *reading = context;
    struct site *site = target;
    site->matrices = site_take(site, json_count(list), sizeof(const struct matrix *));
    for (struct json_value id = json_first(list); json_more(&id); json_next(&id)) {
        int index = known_name(reading, &id, false, "a matrix", matrix_name);
        const struct matrix *matrix = index >= 0 ? rules_matrix(reading->rules, (unsigned)index) : NULL;
        for (unsigned i = 0; matrix && i < site->matrix_count; i++) {
            if (site->matrices[i] == matrix) {
                json_mistake(&id, "each matrix only once");
                matrix = NULL;
            }
        }
        if (matrix)
            site->matrices[site->matrix_count++] = matrix;
    }
}

static void read_load_balancing(const struct json_value *value, void *target, void *context)
{
    struct site *site = target;
    (void)context;
    for (unsigned i = 0; load_balancings[i]; i++)
        if (strcmp(load_balancings[i], json_text(value)) == 0)
            site->load_balancing = load_balancings[i];
    if (!*site->load_balancing)
        json_mistake(value, "\"hardware\" or \"dns\" (leave the key out for neither)");
}

static void read_features(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    site->all_features = false;
    site->features = site_take(site, json_count(list), sizeof(const char *));
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        int index = known_name(context, &value, false, "a feature", rules_feature);
        if (index >= 0)
            site->features[site->feature_count++] = json_text(&value);
    }
}

/* Hosts and networks. */

static bool is_host_address(const struct addr *addr)
{
    return !addr_is_multicast(addr) && !addr_is_broadcast(addr) && !addr_is_unspecified(addr);
}

static struct addr *read_address_list(const struct json_value *list, struct site *site, unsigned *count)
{
    struct addr *addresses = site_take(site, json_count(list), sizeof *addresses);
    *count = 0;
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        if (!addr_parse(json_text(&value), &addresses[*count]))
            json_mistake(&value, "an address like \"10.20.1.11\" or \"2001:db8::11\"");
        else if (!is_host_address(&addresses[*count]))
            json_mistake(&value, "an address that one host can have");
        else
            (*count)++;
    }
    return addresses;
}

static void read_addresses(const struct json_value *list, void *target, void *context)
{
    struct site_host *host = target;
    host->addresses = read_address_list(list, ((struct site_reading *)context)->site, &host->address_count);
}

static void read_translated(const struct json_value *list, void *target, void *context)
{
    struct site_host *host = target;
    host->translated =
        read_address_list(list, ((struct site_reading *)context)->site, &host->translated_count);
}

static void read_host_roles(const struct json_value *list, void *target, void *context)
{
    ((struct site_host *)target)->roles = roles_of(context, list);
}

static void read_network_roles(const struct json_value *list, void *target, void *context)
{
    ((struct site_network *)target)->roles = roles_of(context, list);
}

/* One prefix; false and a mistake when it is none. */
static bool read_prefix(const struct json_value *value, struct prefix *out)
{
    char clean[PREFIX_TEXT_SIZE];
    bool host_bits;
    if (prefix_parse(json_text(value), out, &host_bits))
        return true;
    if (host_bits)
        json_mistake(value, "a prefix without host bits: \"%s\"", prefix_text(out, clean));
    else
        json_mistake(value, "a prefix like \"10.20.4.0/22\" or \"2001:db8:4::/64\"");
    return false;
}

static void read_prefixes(const struct json_value *list, void *target, void *context)
{
    struct site_network *network = target;
    network->prefixes =
        site_take(((struct site_reading *)context)->site, json_count(list), sizeof(struct prefix));
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value))
        if (read_prefix(&value, &network->prefixes[network->prefix_count]))
            network->prefix_count++;
}

static const struct json_key host_keys[] = {
    {.name = "name", .kind = JSON_TEXT, .low = 1, .high = 255, .offset = offsetof(struct site_host, name)},
    {.name = "addresses",
     .kind = JSON_LIST,
     .required = true,
     .low = 1,
     .high = ADDRESSES_MAX,
     .read = read_addresses,
     .meaning = "a list of 1 to 64 addresses"},
    {.name = "translated", .kind = JSON_LIST, .high = ADDRESSES_MAX, .read = read_translated},
    {.name = "roles", .kind = JSON_LIST, .high = RULES_ROLES_MAX, .read = read_host_roles},
};

static const struct json_key network_keys[] = {
    {.name = "name", .kind = JSON_TEXT, .low = 1, .high = 255, .offset = offsetof(struct site_network, name)},
    {.name = "prefixes",
     .kind = JSON_LIST,
     .required = true,
     .low = 1,
     .high = PREFIXES_MAX,
     .read = read_prefixes,
     .meaning = "a list of 1 to 4096 prefixes"},
    {.name = "roles", .kind = JSON_LIST, .high = RULES_ROLES_MAX, .read = read_network_roles},
};

static void read_hosts(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    char text[ADDR_TEXT_SIZE];
    site->hosts = site_take(site, json_count(list), sizeof *site->hosts);
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        struct site_host *host = &site->hosts[site->host_count++];
        json_read(&value, KEYS(host_keys), host, context);
        if (!host->name)
            host->name = host->address_count ? site_keep(site, addr_text(&host->addresses[0], text)) : "";
    }
}

static void read_networks(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    char text[PREFIX_TEXT_SIZE];
    site->networks = site_take(site, json_count(list), sizeof *site->networks);
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        struct site_network *network = &site->networks[site->network_count++];
        json_read(&value, KEYS(network_keys), network, context);
        if (!network->name)
            network->name =
                network->prefix_count ? site_keep(site, prefix_text(&network->prefixes[0], text)) : "";
    }
}

/* An address or prefix and where it stands: hosts[entry].addresses[index]. */
struct mention {
    struct prefix prefix;
    unsigned entry, index;
    const char *key;
};

struct mentions {
    struct mention *list;
    unsigned count;
};

static void add_mentions(struct mentions *mentions, const struct json_value *entry, const char *key)
{
    struct json_value list;
    bool host_bits;
    if (json_kind(entry) != JSON_OBJECT || !json_find(entry, key, &list) || json_kind(&list) != JSON_LIST)
        return;
    size_t size = (mentions->count + json_count(&list) + 1) * sizeof *mentions->list;
    mentions->list = realloc(mentions->list, size);
    if (!mentions->list)
        abort(); /* bounded by the file's size */
    for (struct json_value value = json_first(&list); json_more(&value); json_next(&value)) {
        struct mention mention = {.entry = entry->index, .index = value.index, .key = key};
        if (prefix_parse(json_text(&value), &mention.prefix, &host_bits))
            mentions->list[mentions->count++] = mention;
    }
}

static int compare_mentions(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;
    int by_addr = addr_compare(&x->prefix.addr, &y->prefix.addr), by_bits = x->prefix.bits - y->prefix.bits;
    if (by_addr != 0 || by_bits != 0)
        return by_addr != 0 ? by_addr : by_bits;
    if (x->entry != y->entry)
        return x->entry < y->entry ? -1 : 1;
    int by_key = strcmp(x->key, y->key);
    return by_key != 0 ? by_key : (int)x->index - (int)y->index;
}

static void mistake_mention(const struct json_value *entries, const struct mention *mention)
{
    struct json_value entry = json_first(entries), list, value;
    while (entry.index != mention->entry)
        json_next(&entry);
    json_find(&entry, mention->key, &list);
    for (value = json_first(&list); value.index != mention->index;)
        json_next(&value);
    json_mistake(&value, "%s", "what no other entry names, and this one only once");
}

/* An address in two hosts, or a prefix in two networks, would have two meanings. */
static void refuse_twice(const struct json_value *root, const char *key, const char *first,
                         const char *second)
{
    struct mentions mentions = {NULL, 0};
    struct json_value entries;
    if (!json_find(root, key, &entries) || json_kind(&entries) != JSON_LIST)
        return;
    for (struct json_value entry = json_first(&entries); json_more(&entry); json_next(&entry)) {
        add_mentions(&mentions, &entry, first);
        if (second)
            add_mentions(&mentions, &entry, second);
    }
    if (mentions.count > 0)
        qsort(mentions.list, mentions.count, sizeof *mentions.list, compare_mentions);
    for (unsigned i = 1; i < mentions.count; i++) {
        const struct prefix *a = &mentions.list[i - 1].prefix, *b = &mentions.list[i].prefix;
        if (addr_equal(&a->addr, &b->addr) && a->bits == b->bits)
            mistake_mention(&entries, &mentions.list[i]);
    }
    free(mentions.list);
}

/* Ports. */

static const char *const range_expected = "a port like \"444\" or a range like \"50020-50039\"";

struct modality_texts {
    const char *at[MODALITY_COUNT];
};
static const struct json_key modality_keys[] = {
    {.name = "audio", .kind = JSON_TEXT, .offset = offsetof(struct modality_texts, at[MODALITY_AUDIO])},
    {.name = "video", .kind = JSON_TEXT, .offset = offsetof(struct modality_texts, at[MODALITY_VIDEO])},
    {.name = "application-sharing",
     .kind = JSON_TEXT,
     .offset = offsetof(struct modality_texts, at[MODALITY_APPLICATION_SHARING])},
};

static bool holds_media_row(const struct rules *rules, role_set all)
{
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++) {
            const struct matrix_row *row = &matrix->rows[j];
            if (row->direction == ROW_MEDIA && all >> rules_find_role(rules, row->to) & 1)
                return true;
        }
    }
    return false;
}

static void read_media_ports(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    const struct rules *rules = ((struct site_reading *)context)->rules;
    site->media_ports = site_take(site, json_count(object), sizeof *site->media_ports);
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        struct site_media_ports *entry = &site->media_ports[site->media_ports_count];
        struct modality_texts texts = {{NULL}};
        int bit = known_name(context, &value, true, "a role", role_name);
        bool ok = json_read(&value, KEYS(modality_keys), &texts, context) && bit >= 0;
        if (bit >= 0 && !holds_media_row(rules, rules_role(rules, (unsigned)bit)->all))
            json_mistake_key(&value, "a role with media rows");
        for (unsigned i = 0; ok && i < sizeof modality_keys / sizeof *modality_keys; i++) {
            struct json_value range;
            unsigned modality = i + 1;
            if (texts.at[modality] && !port_range_parse(texts.at[modality], &entry->ranges[modality])) {
                json_find(&value, modality_keys[i].name, &range);
                json_mistake(&range, "a range like \"50020-50039\"");
            }
        }
        if (ok) {
            entry->role = (unsigned)bit;
            site->media_ports_count++;
        }
    }
}

/* Is this one of the ports that a documented row of the role gives it? If not, offers those it could be. */
static bool is_documented_port(const struct rules *rules, role_set all, struct port_range range,
                               const char *text, struct nearest *nearest)
{
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++) {
            const struct matrix_row *row = &matrix->rows[j];
            int owner = rules_port_owner(rules, row);
            for (unsigned k = 0; owner >= 0 && all >> owner & 1 && k < row->range_count; k++) {
                if (row->ranges[k].low == range.low && row->ranges[k].high == range.high)
                    return true;
                if (strcmp(text, row->port_words.at[k]) != 0)
                    nearest_offer(nearest, row->port_words.at[k]);
            }
        }
    }
    return false;
}

static void read_moved_port(const struct json_value *value, struct site_reading *reading, unsigned role)
{
    struct site *site = reading->site;
    const struct rules_role *known = rules_role(reading->rules, role);
    struct site_moved_port moved = {.role = role};
    struct nearest nearest = {.wanted = json_member(value)};
    if (!port_range_parse(json_member(value), &moved.documented))
        json_mistake_key(value, "%s", range_expected);
    else if (!is_documented_port(reading->rules, known->all, moved.documented, json_member(value), &nearest))
        mistake_name(value, true, "a port as a documented row of this role writes it", &nearest);
    if (!port_range_parse(json_text(value), &moved.moved))
        json_mistake(value, "%s", range_expected);
    site->ports[site->port_count++] = moved;
}

static void read_ports(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    unsigned count = 0;
    for (struct json_value role = json_first(object); json_more(&role); json_next(&role))
        count += json_count(&role);
    site->ports = site_take(site, count, sizeof *site->ports);
    for (struct json_value role = json_first(object); json_more(&role); json_next(&role)) {
        int bit = known_name(context, &role, true, "a role", role_name);
        if (!json_is(&role, JSON_OBJECT, "an object: documented port to port of this site") || bit < 0)
            continue;
        for (struct json_value value = json_first(&role); json_more(&value); json_next(&value))
            read_moved_port(&value, context, (unsigned)bit);
    }
}

/* Only rows that may be narrowed are worth a hint. */
static void mistake_no_row(const struct rules *rules, const struct json_value *value)
{
    struct nearest nearest = {.wanted = json_member(value)};
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++)
            if (rules_is_narrowable(&matrix->rows[j]))
                nearest_offer(&nearest, matrix->rows[j].id);
    }
    mistake_name(value, true, "a row that may be narrowed", &nearest);
}

static void read_narrow(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    const struct rules *rules = ((struct site_reading *)context)->rules;
    site->narrow = site_take(site, json_count(object), sizeof *site->narrow);
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        const struct matrix_row *row = rules_find_row(rules, json_member(&value));
        if (!row)
            mistake_no_row(rules, &value);
        else if (!rules_is_narrowable(row))
            json_mistake_key(&value, "a row whose condition says that it may be narrowed");
        if (!json_is(&value, JSON_LIST, "a list of roles"))
            continue;
        if (json_count(&value) == 0)
            json_mistake(&value, "at least one role");
        site->narrow[site->narrow_count++] = (struct site_narrowed){row, roles_of(context, &value)};
    }
}

/* Findings. */

static void read_mute(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    site->mute = site_take(site, json_count(list), sizeof(const char *));
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        int index = known_name(context, &value, false, "a finding", finding_name);
        if (index >= 0)
            site->mute[site->mute_count++] = finding_ids[index];
    }
}

static int severity_of(const struct json_value *value)
{
    for (unsigned i = 0; severities[i]; i++)
        if (json_number(value) == severity_values[i] || strcmp(json_text(value), severities[i]) == 0)
            return severity_values[i];
    json_mistake(value, "\"low\", \"medium\", \"high\" or \"critical\" (21, 47, 73, 99)");
    return 0;
}

static void read_severity(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    site->severity = site_take(site, json_count(object), sizeof *site->severity);
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        int index = known_name(context, &value, true, "a finding", finding_name);
        const char *finding = index >= 0 ? finding_ids[index] : NULL;
        site->severity[site->severity_count++] = (struct site_severity){finding, severity_of(&value)};
    }
}

/* Allow entries. */

/* An end of an allow entry: addresses, prefixes and roles, mixed. */
static void read_end(const struct json_value *list, struct site_end *end, struct site_reading *reading)
{
    end->anyone = json_count(list) == 0;
    end->prefixes = site_take(reading->site, json_count(list), sizeof *end->prefixes);
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        const char *text = json_text(&value);
        bool is_prefix = strchr(text, ':') || (text[0] >= '0' && text[0] <= '9');
        if (!is_prefix)
            end->roles |= role_of(reading, &value);
        else if (read_prefix(&value, &end->prefixes[end->prefix_count]))
            end->prefix_count++;
    }
}

static void read_from(const struct json_value *list, void *target, void *context)
{
    read_end(list, &((struct site_allow *)target)->from, context);
}

static void read_to(const struct json_value *list, void *target, void *context)
{
    read_end(list, &((struct site_allow *)target)->to, context);
}

static void read_transport(const struct json_value *value, void *target, void *context)
{
    struct site_allow *allow = target;
    (void)context;
    if (strcmp(json_text(value), "tcp") == 0)
        allow->transports = OVER_TCP;
    else if (strcmp(json_text(value), "udp") == 0)
        allow->transports = OVER_UDP;
    else
        json_mistake(value, "\"tcp\" or \"udp\" (leave the key out for both)");
}

/* One text, or a list of texts. */
static void read_allow_ports(const struct json_value *value, void *target, void *context)
{
    struct site_allow *allow = target;
    bool is_list = json_kind(value) == JSON_LIST;
    allow->ports = site_take(((struct site_reading *)context)->site, is_list ? json_count(value) + 1 : 1,
                             sizeof *allow->ports);
    if (is_list && json_count(value) == 0)
        json_mistake(value, "at least one port (leave the key out for every port)");
    struct json_value first = is_list ? json_first(value) : *value;
    for (struct json_value port = first; json_more(&port); json_next(&port)) {
        if (port_range_parse(json_text(&port), &allow->ports[allow->port_count]))
            allow->port_count++;
        else
            json_mistake(&port, "a port like \"3389\" or a range like \"5000-5010\"");
        if (!is_list)
            break;
    }
}

static void read_expires(const struct json_value *value, void *target, void *context)
{
    struct site_allow *allow = target;
    (void)context;
    allow->expires = json_text(value);
    if (!date_parse(allow->expires, &allow->expires_ns))
        json_mistake(value, "a day: YYYY-MM-DD");
}

static const struct json_key allow_keys[] = {
    {.name = "name", .kind = JSON_TEXT, .low = 1, .high = 255, .offset = offsetof(struct site_allow, name)},
    {.name = "from", .kind = JSON_LIST, .high = PREFIXES_MAX, .read = read_from},
    {.name = "to", .kind = JSON_LIST, .high = PREFIXES_MAX, .read = read_to},
    {.name = "transport", .kind = JSON_TEXT, .read = read_transport},
    {.name = "ports", .any_kind = true, .read = read_allow_ports},
    {.name = "expires", .kind = JSON_TEXT, .read = read_expires},
    {.name = "reason",
     .kind = JSON_TEXT,
     .fallback = "",
     .high = 1000,
     .offset = offsetof(struct site_allow, reason)},
};

static void read_allow(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    char name[32];
    site->allow = site_take(site, json_count(list), sizeof *site->allow);
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        struct site_allow *allow = &site->allow[site->allow_count];
        struct json_value end;
        *allow = (struct site_allow){.from.anyone = true,
                                     .to.anyone = true,
                                     .transports = OVER_TCP | OVER_UDP,
                                     .expires_ns = INT64_MAX};
        json_read(&value, KEYS(allow_keys), allow, context);
        if (json_kind(&value) == JSON_OBJECT && !json_find(&value, "from", &end) &&
            !json_find(&value, "to", &end))
            json_mistake(&value, "a key \"from\" or \"to\": without both, everything would be allowed");
        snprintf(name, sizeof name, "allow[%u]", site->allow_count++);
        if (!allow->name)
            allow->name = site_keep(site, name);
    }
}

/* The file. */

static void read_ipsec(const struct json_value *value, void *target, void *context)
{
    struct site *site = target;
    (void)context;
    if (strcmp(json_text(value), ipsec_modes[IPSEC_MEDIA_ONLY]) == 0)
        site->ipsec = IPSEC_MEDIA_ONLY;
    else if (strcmp(json_text(value), ipsec_modes[IPSEC_TABLE]) != 0)
        json_mistake(value, "\"table\" or \"media-only\"");
}

static void read_min_tls(const struct json_value *value, void *target, void *context)
{
    struct site *site = target;
    (void)context;
    for (uint16_t i = 0; tls_versions[i]; i++) {
        if (strcmp(tls_versions[i], json_text(value)) == 0) {
            site->min_tls = (uint16_t)(0x0301 + i);
            return;
        }
    }
    json_mistake(value, "\"1.0\", \"1.1\", \"1.2\" or \"1.3\"");
}

static const struct json_key site_keys[] = {
    {.name = "site",
     .kind = JSON_TEXT,
     .low = 1,
     .high = 128,
     .fallback = "site",
     .offset = offsetof(struct site, name)},
    {.name = "matrices", .kind = JSON_LIST, .low = 1, .high = RULES_FILES_MAX, .read = read_matrices},
    {.name = "load_balancing", .kind = JSON_TEXT, .read = read_load_balancing},
    {.name = "features", .kind = JSON_LIST, .high = RULES_FEATURES_MAX, .read = read_features},
    {.name = "hosts", .kind = JSON_LIST, .high = HOSTS_MAX, .read = read_hosts},
    {.name = "networks", .kind = JSON_LIST, .high = PREFIXES_MAX, .read = read_networks},
    {.name = "media_ports", .kind = JSON_OBJECT, .high = RULES_ROLES_MAX, .read = read_media_ports},
    {.name = "ports", .kind = JSON_OBJECT, .high = RULES_ROLES_MAX, .read = read_ports},
    {.name = "ipsec", .kind = JSON_TEXT, .read = read_ipsec},
    {.name = "min_tls", .kind = JSON_TEXT, .read = read_min_tls},
    {.name = "strict_outbound",
     .kind = JSON_BOOL,
     .fallback = "false",
     .offset = offsetof(struct site, strict_outbound)},
    {.name = "narrow", .kind = JSON_OBJECT, .high = ENTRIES_MAX, .read = read_narrow},
    {.name = "mute", .kind = JSON_LIST, .high = ENTRIES_MAX, .read = read_mute},
    {.name = "severity", .kind = JSON_OBJECT, .high = ENTRIES_MAX, .read = read_severity},
    {.name = "allow", .kind = JSON_LIST, .high = ENTRIES_MAX, .read = read_allow},
};

static struct site *new_site(const char *file)
{
    struct keep *keep = keep_create();
    struct site *site = calloc(1, sizeof *site);
    if (!site)
        abort();
    *site = (struct site){.file = keep_text(keep, file),
                          .name = "site",
                          .load_balancing = "",
                          .all_features = true,
                          .ipsec = IPSEC_TABLE,
                          .min_tls = 0x0303, /* TLS 1.2 */
                          .keep = keep};
    return site;
}

static void take_default_matrices(struct site *site, const struct rules *rules, struct mistakes *mistakes)
{
    site->matrices =
        site_take(site, sizeof default_matrices / sizeof *default_matrices, sizeof *site->matrices);
    for (unsigned i = 0; default_matrices[i]; i++) {
        const struct matrix *matrix = rules_find_matrix(rules, default_matrices[i]);
        if (matrix)
            site->matrices[site->matrix_count++] = matrix;
        else
            mistakes_add(mistakes, site->file, 0, 0, "matrices", "no such key",
                         "a list of matrices: the rules have no \"skype-for-business-server\" and "
                         "\"lync-server-2013-edge\" to fall back to");
        if (!matrix)
            return;
    }
}

/* `before`: mistakes told before the file was opened, which tells of duplicate keys itself. */
static struct site *read_site(struct json_in *in, const char *name, const struct rules *rules,
                              struct mistakes *mistakes, unsigned before)
{
    if (!in)
        return NULL;
    struct site *site = new_site(name);
    struct site_reading reading = {.rules = rules, .site = site};
    struct json_value root = json_root(in), matrices;
    site->document = in;
    json_read(&root, KEYS(site_keys), site, &reading);
    if (json_kind(&root) == JSON_OBJECT) {
        refuse_twice(&root, "hosts", "addresses", "translated");
        refuse_twice(&root, "networks", "prefixes", NULL);
        if (!json_find(&root, "matrices", &matrices))
            take_default_matrices(site, rules, mistakes);
    }
    if (mistakes->count + mistakes->more == before)
        return site;
    site_free(site);
    return NULL;
}

struct site *site_load(const char *path, const struct rules *rules, struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    return read_site(json_in_file(path, mistakes), path, rules, mistakes, before);
}

struct site *site_from_text(const char *name, const char *text, size_t size, const struct rules *rules,
                            struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    return read_site(json_in_text(name, text, size, mistakes), name, rules, mistakes, before);
}

struct site *site_create(const struct rules *rules, struct mistakes *mistakes)
{
    struct site *site = new_site("(no site file)");
    take_default_matrices(site, rules, mistakes);
    if (site->matrix_count > 0)
        return site;
    site_free(site);
    return NULL;
}

void site_free(struct site *site)
{
    if (!site)
        return;
    json_in_free(site->document);
    keep_destroy(site->keep);
    free(site);
}

void *site_take(struct site *site, size_t count, size_t size)
{
    return keep_take(site->keep, count, size);
}

const char *site_keep(struct site *site, const char *text)
{
    return keep_text(site->keep, text);
}
