/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_hosts.c - hosts and networks of a site file (DESIGN 4): names, addresses, prefixes, roles. Called by
 * site.c. An address that stands twice is a mistake, since it would have two meanings.
 */
#include "site_reading.h"

#include <stdlib.h>
#include <string.h>

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
bool site_read_prefix(const struct json_value *value, struct prefix *out)
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
        if (site_read_prefix(&value, &network->prefixes[network->prefix_count]))
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

void site_read_hosts(const struct json_value *list, void *target, void *context)
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

void site_read_networks(const struct json_value *list, void *target, void *context)
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
void site_refuse_twice(const struct json_value *root, const char *key, const char *first, const char *second)
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
