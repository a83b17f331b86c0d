/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_allow.c - the allow entries of a site file (DESIGN 4): what is exempt, between whom, until when.
 * Called by site.c.
 */
#include "site_reading.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

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
        else if (site_read_prefix(&value, &end->prefixes[end->prefix_count]))
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

void site_read_allow(const struct json_value *list, void *target, void *context)
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
