/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover_text.c - what discovery concluded, as a site file with its evidence in comments. Called by
 * discover.c. Only addresses, numbers and our own names are written: nothing that the network could have
 * chosen.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "discover_internal.h"

/* Bounds, so that the text stays a file that can be read: json_in.h refuses more than 1 MiB. */
enum { SERVERS_MAX = 512, CLIENTS_MAX = 64, NETWORKS_MAX = 1024, UNKNOWN_MAX = 64, LISTED_MAX = 20 };

struct text {
    const struct discovery *discovery;
    FILE *out;
};

/* Which services of a host are listed. */
enum choice { DOCUMENTED, OTHERS, ALL };

static bool is_wanted(const struct discovery *d, const struct host *host, const struct service_key *service,
                      enum choice choice)
{
    bool accepted = false;
    if (choice == ALL)
        return true;
    for (role_set left = host->roles; left && !accepted; left &= left - 1)
        accepted = discover_accepts(d, __builtin_ctzll(left), service);
    return accepted == (choice == DOCUMENTED);
}

static const char *protocol_name(const struct service *service)
{
    if (service->key.name == PROTO_tls && service->use.mutual)
        return "mutual tls";
    return service->key.name == PROTO_UNIDENTIFIED ? "?" : proto_by_id(service->key.name)->name;
}

/* What stands between the parts of a comment: nothing before the first. */
struct parts {
    const char *between;
};

static const char *next_part(struct parts *parts)
{
    const char *between = parts->between;
    parts->between = "; ";
    return between;
}

/* "answers 443/tcp tls, 5061/tcp mutual tls" */
static void write_services(const struct text *text, const struct host *host, enum choice choice,
                           const char *label, struct parts *parts)
{
    unsigned listed = 0, more = 0;
    for (unsigned i = 0; i < host->service_count; i++) {
        const struct service *service = &host->services[i];
        if (!is_wanted(text->discovery, host, &service->key, choice))
            continue;
        if (listed == LISTED_MAX) {
            more++;
            continue;
        }
        if (listed++ == 0)
            fprintf(text->out, "%s%s ", next_part(parts), label);
        else
            fprintf(text->out, ", ");
        fprintf(text->out, "%u/%s %s", service->key.port, service->key.transport == OVER_TCP ? "tcp" : "udp",
                protocol_name(service));
    }
    if (choice != DOCUMENTED)
        more += host->facts.other_services;
    if (more)
        fprintf(text->out, " and %u more", more);
}

/* What it opened towards others, each port once. */
static void write_opened(const struct text *text, const struct host *host, struct parts *parts)
{
    unsigned listed = 0;
    for (unsigned i = 0; i < host->opened_count && listed < LISTED_MAX; i++) {
        const struct talk_key *talk = &host->opened[i].key, *before = i > 0 ? &host->opened[i - 1].key : NULL;
        if (talk->port == 0 || talk->name == PROTO_UNIDENTIFIED ||
            (before && before->port == talk->port && before->transport == talk->transport &&
             before->name == talk->name))
            continue;
        if (listed++ == 0)
            fprintf(text->out, "%sopens ", next_part(parts));
        else
            fprintf(text->out, ", ");
        fprintf(text->out, "%u/%s %s", talk->port, talk->transport == OVER_TCP ? "tcp" : "udp",
                proto_by_id(talk->name)->name);
    }
}

static void write_media(const struct text *text, const struct host *host, struct parts *parts)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct port_range *range = &host->facts.media[i];
        if (!range->low)
            continue;
        fprintf(text->out, "%smedia on %u", next_part(parts), range->low);
        if (range->high != range->low)
            fprintf(text->out, " to %u", range->high);
        fprintf(text->out, "/%s", i == 0 ? "tcp" : "udp");
    }
}

static void write_roles(const struct text *text, role_set roles, const char *before, const char *between,
                        const char *quote)
{
    for (bool first = true; roles; roles &= roles - 1, first = false)
        fprintf(text->out, "%s%s%s%s", first ? before : between, quote,
                rules_role(text->discovery->rules, (unsigned)__builtin_ctzll(roles))->id, quote);
}

static void write_evidence(const struct text *text, const struct host *host)
{
    static const char *const names[] = {"none", "low", "medium", "high"};
    struct parts parts = {": "};
    fprintf(text->out, " // %s", names[host->confidence]);
    write_services(text, host, DOCUMENTED, "answers", &parts);
    if (host->peers)
        fprintf(text->out, " (to %u address%s)", host->peers, host->peers == 1 ? "" : "es");
    write_services(text, host, OTHERS, host->is_client ? "answers" : "also answers", &parts);
    write_opened(text, host, &parts);
    write_media(text, host, &parts);
    if (host->facts.uc_dhcp)
        fprintf(text->out, "%sasks DHCP as a client or a device does", next_part(&parts));
    write_roles(text, host->maybe, "; or ", ", ", "");
}

static void write_host(const struct text *text, const struct host *host, bool last)
{
    char addr[ADDR_TEXT_SIZE];
    fprintf(text->out, "    { \"addresses\": [\"%s\"], \"roles\": [", addr_text(&host->addr, addr));
    write_roles(text, host->roles, "", ", ", "\"");
    fprintf(text->out, "] }%s", last ? "" : ",");
    write_evidence(text, host);
    fprintf(text->out, "\n");
}

/* Servers first, then clients, each by address. */
static void write_hosts(const struct text *text, unsigned servers, unsigned clients)
{
    const struct discovery *d = text->discovery;
    unsigned total = servers + clients, written = 0;
    fprintf(text->out, "  \"hosts\": [%s", total ? "\n" : "");
    for (unsigned pass = 0; pass < 2; pass++) {
        unsigned left = pass == 0 ? servers : clients;
        for (unsigned i = 0; i < d->host_count && left; i++) {
            if (!d->list[i].roles || d->list[i].is_client != (pass == 1))
                continue;
            write_host(text, &d->list[i], ++written == total);
            left--;
        }
    }
    fprintf(text->out, "%s]", total ? "  " : "");
}

/* The /24 or /64 an address is in. */
static struct prefix network_of(const struct addr *addr)
{
    struct prefix prefix = {.addr = *addr, .bits = addr_is_v4(addr) ? 96 + 24 : 64};
    memset(prefix.addr.bytes + prefix.bits / 8, 0, 16u - prefix.bits / 8);
    return prefix;
}

/* The clients' networks, where there are too many clients to list. Hosts are in order of address, so that
 * each network is one stretch of them. Gives how many networks did not fit. */
static unsigned write_networks(const struct text *text)
{
    const struct discovery *d = text->discovery;
    struct prefix network = {.bits = 0};
    char name[PREFIX_TEXT_SIZE];
    unsigned networks = 0, clients = 0, left_out = 0;
    fprintf(text->out, ",\n  \"networks\": [");
    for (unsigned i = 0; i < d->host_count; i++) {
        if (!d->list[i].is_client)
            continue;
        if (clients > 0 && prefix_contains(&network, &d->list[i].addr)) {
            clients++;
            continue;
        }
        if (networks == NETWORKS_MAX) {
            left_out++;
            network = network_of(&d->list[i].addr);
            continue;
        }
        if (networks > 0)
            fprintf(text->out, ", // %u client%s seen", clients, clients == 1 ? "" : "s");
        network = network_of(&d->list[i].addr);
        prefix_text(&network, name);
        fprintf(text->out,
                "\n    { \"name\": \"clients in %s\", \"prefixes\": [\"%s\"], \"roles\": [\"client\"] }",
                name, name);
        networks++;
        clients = 1;
    }
    fprintf(text->out, " // %u client%s seen\n  ]", clients, clients == 1 ? "" : "s");
    return left_out;
}

/* After the site: what has no role. */

static bool shares_network(const struct discovery *d, const struct host *host)
{
    static const char *const edges[] = {"edge-access", "edge-av"};
    struct prefix network = network_of(&host->addr);
    for (unsigned i = 0; i < d->host_count; i++)
        for (unsigned e = 0; e < sizeof edges / sizeof *edges; e++)
            if (prefix_contains(&network, &d->list[i].addr) && discover_has(d, &d->list[i], edges[e]))
                return true;
    return false;
}

/* Is it worth asking which role it has? A web server anywhere on the Internet is not. */
static bool is_doubtful(const struct discovery *d, const struct host *host)
{
    if (!host->maybe || host->is_partner)
        return false;
    for (unsigned i = 0; i < host->service_count; i++) {
        const struct service_key *service = &host->services[i].key;
        if (!discover_explains(d, service) || service->name == PROTO_UNIDENTIFIED)
            continue;
        if (!discover_is_everyday(service))
            return true;
        bool ours = host->has_near_peer || addr_is_private(&host->addr) || shares_network(d, host);
        if (ours && (service->port == 443 || service->port == 3478))
            return true;
    }
    return false;
}

typedef bool host_test(const struct discovery *discovery, const struct host *host);

static bool is_partner(const struct discovery *d, const struct host *host)
{
    (void)d;
    return host->is_partner;
}

static bool is_unknown(const struct discovery *d, const struct host *host)
{
    return !host->roles && host->service_count && !host->is_partner && !is_doubtful(d, host);
}

static bool is_doubtful_host(const struct discovery *d, const struct host *host)
{
    return !host->roles && is_doubtful(d, host);
}

static void write_block(const struct text *text, const char *title, host_test *belongs, bool with_maybe)
{
    const struct discovery *d = text->discovery;
    char addr[ADDR_TEXT_SIZE];
    unsigned written = 0, more = 0;
    for (unsigned pass = 0; pass < 2; pass++) { /* private addresses first: the site's own are among them */
        for (unsigned i = 0; i < d->host_count; i++) {
            const struct host *host = &d->list[i];
            if (addr_is_private(&host->addr) != (pass == 0) || !belongs(d, host))
                continue;
            if (written == UNKNOWN_MAX) {
                more++;
                continue;
            }
            if (written++ == 0)
                fprintf(text->out, "\n%s", title);
            struct parts parts = {" "};
            fprintf(text->out, "//   %s", addr_text(&host->addr, addr));
            write_services(text, host, ALL, "answers", &parts);
            if (with_maybe)
                write_roles(text, host->maybe, "; may be ", " or ", "");
            fprintf(text->out, "\n");
        }
    }
    if (more)
        fprintf(text->out, "//   and %u more\n", more);
}

static void write_limits(const struct text *text, unsigned servers_left, unsigned networks_left)
{
    const struct discovery *d = text->discovery;
    uint64_t refused = d->hosts.refused + d->services.refused + d->talks.refused;
    if (servers_left)
        fprintf(text->out, "\n// Left out, because a site file has an end: %u hosts with a role.\n",
                servers_left);
    if (networks_left)
        fprintf(text->out, "\n// Left out, because a site file has an end: clients in %u networks.\n",
                networks_left);
    if (refused)
        fprintf(text->out,
                "\n// Not everything was kept: %" PRIu64 " observations did not fit into memory.\n", refused);
}

static void write_rest(const struct text *text, unsigned servers_left, unsigned networks_left)
{
    write_block(text,
                "// The role could not be told: give one, or leave these out. A host that answers TLS on 443 "
                "alone may\n"
                "// also be a reverse proxy, or any other web server.\n",
                is_doubtful_host, true);
    write_block(text,
                "// Edge Servers of federated partners, it seems: they spoke with one Edge Server only.\n",
                is_partner, false);
    write_block(text,
                "// Seen, no role. One that answers TLS on 443 alone may still be office-web-apps or\n"
                "// edge-web-conferencing: the ports do not tell.\n",
                is_unknown, false);
    write_limits(text, servers_left, networks_left);
}

static bool has_edge(const struct discovery *d)
{
    static const char *const roles[] = {"edge-access", "edge-web-conferencing", "edge-av", "edge-internal"};
    for (unsigned i = 0; i < d->host_count; i++)
        for (unsigned r = 0; r < sizeof roles / sizeof *roles; r++)
            if (discover_has(d, &d->list[i], roles[r]))
                return true;
    return false;
}

static void write_head(const struct text *text)
{
    const struct discovery *d = text->discovery;
    const char *server = "skype-for-business-server", *edge = "lync-server-2013-edge";
    fprintf(
        text->out,
        "// Found in captured traffic by rolecall discover. Check the roles, add what was not seen, and give "
        "this\n"
        "// file to rolecall analyze --site. Behind each host: how sure its role is, what it rests on, and\n"
        "// after \"or\" the roles that these ports do not rule out. A load balancer shows its servers' "
        "ports.\n"
        "{\n  \"site\": \"discovered\",\n");
    if (!rules_find_matrix(d->rules, server)) /* other rules: their first matrix is the better default */
        server = rules_matrix_count(d->rules) ? rules_matrix(d->rules, 0)->id : server;
    fprintf(text->out, "  \"matrices\": [\"%s\"", server);
    if (has_edge(d) && rules_find_matrix(d->rules, edge) && strcmp(server, edge) != 0)
        fprintf(text->out, ", \"%s\"", edge);
    fprintf(text->out, "],\n");
}

static void write_site(const struct text *text)
{
    const struct discovery *d = text->discovery;
    unsigned clients = 0, servers = 0, networks_left = 0;
    for (unsigned i = 0; i < d->host_count; i++) {
        clients += d->list[i].is_client;
        servers += d->list[i].roles && !d->list[i].is_client;
    }
    unsigned listed = servers > SERVERS_MAX ? SERVERS_MAX : servers;
    write_head(text);
    write_hosts(text, listed, clients > CLIENTS_MAX ? 0 : clients);
    if (clients > CLIENTS_MAX)
        networks_left = write_networks(text);
    fprintf(text->out, "\n}\n");
    write_rest(text, servers - listed, networks_left);
}

char *discover_text(const struct discovery *d, size_t *size)
{
    char *text = NULL;
    struct text writing = {.discovery = d, .out = open_memstream(&text, size)};
    if (!writing.out)
        return NULL;
    write_site(&writing);
    bool failed = ferror(writing.out) != 0;
    failed |= fclose(writing.out) != 0;
    if (!failed)
        return text;
    free(text);
    return NULL;
}
