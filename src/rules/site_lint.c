/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_lint.c - what is legal in a site file but probably not meant (DESIGN 4, end). Called by `config check`
 * and at start; what it finds are warnings and stop nothing.
 */
#include <string.h>

#include "matrix_file.h"
#include "rolecall/site.h"

enum { CLIENT_PORTS_MIN = 20 }; /* "at least 20 ports": the documents' client rows for audio and video */

static const char *const modality_names[] = {[MODALITY_AUDIO] = "audio",
                                             [MODALITY_VIDEO] = "video",
                                             [MODALITY_APPLICATION_SHARING] = "application-sharing"};

struct lint {
    const struct site *site;
    const struct rules *rules;
    struct mistakes *warnings;
};

/* A warning about member `index` of the site's `key`, with its place where a file stands behind the site. */
static void warn(const struct lint *lint, const char *key, unsigned index, const char *found,
                 const char *expected)
{
    struct json_place place = {0, 0};
    struct json_value root, members, member;
    char path[JSON_PATH_SIZE];
    snprintf(path, sizeof path, "%s[%u]", key, index);
    if (lint->site->document) {
        root = json_root(lint->site->document);
        json_find(&root, key, &members);
        for (member = json_first(&members); member.index < index;)
            json_next(&member);
        place = json_place(&member);
        json_path(&member, path);
    }
    mistakes_add(lint->warnings, lint->site->file, place.line, place.column, path, found, expected);
}

static unsigned count_roles(role_set roles)
{
    return (unsigned)__builtin_popcountll(roles);
}

/* All roles of the file's Edge Server whose external interfaces answer on 443. */
static role_set edge_roles(const struct rules *rules)
{
    static const char *const names[] = {"edge-access", "edge-web-conferencing", "edge-av"};
    role_set roles = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        int bit = rules_find_role(rules, names[i]);
        if (bit >= 0)
            roles |= (role_set)1 << bit;
    }
    return roles;
}

static void lint_hosts(const struct lint *lint)
{
    const struct site *site = lint->site;
    role_set edges = edge_roles(lint->rules);
    char found[MISTAKE_TEXT_SIZE];
    for (unsigned i = 0; i < site->host_count; i++) {
        const struct site_host *host = &site->hosts[i];
        if (host->roles == 0) {
            snprintf(found, sizeof found, "host \"%s\" without a role", host->name);
            warn(lint, "hosts", i, found, "at least one role");
        }
        if (count_roles(host->roles & edges) > 1) {
            snprintf(found, sizeof found, "host \"%s\" with several Edge roles on one address", host->name);
            warn(lint, "hosts", i, found, "an address for each: their 443 cannot be told apart otherwise");
        }
    }
    for (unsigned i = 0; i < site->network_count; i++) {
        if (site->networks[i].roles == 0) {
            snprintf(found, sizeof found, "network \"%s\" without a role", site->networks[i].name);
            warn(lint, "networks", i, found, "at least one role");
        }
    }
}

static bool is_client(const struct rules *rules, unsigned role)
{
    return strcmp(rules_role(rules, role)->id, "client") == 0;
}

static void lint_overlap(const struct lint *lint, unsigned index, unsigned a, unsigned b)
{
    const struct port_range *x = &lint->site->media_ports[index].ranges[a];
    const struct port_range *y = &lint->site->media_ports[index].ranges[b];
    char found[MISTAKE_TEXT_SIZE];
    if (x->low == 0 || y->low == 0 || x->high < y->low || y->high < x->low)
        return;
    snprintf(found, sizeof found, "%s and %s of %s overlapping", modality_names[a], modality_names[b],
             rules_role(lint->rules, lint->site->media_ports[index].role)->id);
    warn(lint, "media_ports", index, found, "ranges apart: a port then tells the modality");
}

static void lint_media_ports(const struct lint *lint)
{
    char found[MISTAKE_TEXT_SIZE];
    for (unsigned i = 0; i < lint->site->media_ports_count; i++) {
        const struct site_media_ports *entry = &lint->site->media_ports[i];
        for (unsigned a = MODALITY_AUDIO; a < MODALITY_COUNT; a++) {
            unsigned size = entry->ranges[a].low ? entry->ranges[a].high - entry->ranges[a].low + 1u : 0;
            if (size > 0 && size < CLIENT_PORTS_MIN && is_client(lint->rules, entry->role)) {
                snprintf(found, sizeof found, "%u ports for %s of the client", size, modality_names[a]);
                warn(lint, "media_ports", i, found, "at least 20: the document asks for them");
            }
            for (unsigned b = a + 1; b < MODALITY_COUNT; b++)
                lint_overlap(lint, i, a, b);
        }
    }
}

void site_lint(const struct site *site, const struct rules *rules, int64_t now_ns, struct mistakes *warnings)
{
    const struct lint lint = {site, rules, warnings};
    char found[MISTAKE_TEXT_SIZE];
    lint_hosts(&lint);
    lint_media_ports(&lint);
    for (unsigned i = 0; i < site->allow_count; i++) {
        const struct site_allow *allow = &site->allow[i];
        if (now_ns >= allow->expires_ns) {
            snprintf(found, sizeof found, "\"%.80s\", expired on %s", allow->name, allow->expires);
            warn(&lint, "allow", i, found, "a later day, or no such entry");
        }
    }
}
