/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover_clients.c - who is a client of the servers that were found, and which Edge Server is somebody
 * else's. Called by discover.c after the servers have their roles.
 */
#include "discover_internal.h"

/* A client opens these, towards hosts that were found to have such a role, and answers no server's port. */
struct client_sign {
    uint16_t port;
    uint8_t transport, name, points;
    const char *server; /* a role, as what it is */
};
static const struct client_sign client_signs[] = {
    {5061, OVER_TCP, PROTO_tls, 4, "front-end"},         {5061, OVER_TCP, PROTO_tls, 4, "director"},
    {443, OVER_TCP, PROTO_tls, 1, "front-end"},          {443, OVER_TCP, PROTO_tls, 1, "director"},
    {80, OVER_TCP, PROTO_http, 1, "front-end"},          {80, OVER_TCP, PROTO_http, 1, "director"},
    {8057, OVER_TCP, PROTO_tls, 2, "front-end"},         {8058, OVER_TCP, PROTO_tls, 2, "front-end"},
    {881, OVER_TCP, PROTO_tls, 1, "persistent-chat"},    {443, OVER_TCP, PROTO_tls, 1, "persistent-chat"},
    {3478, OVER_UDP, PROTO_ms_turn, 2, "edge-internal"}, {3478, OVER_UDP, PROTO_stun, 1, "edge-internal"},
    {443, OVER_TCP, PROTO_ms_turn, 2, "edge-internal"},
};
enum { CLIENT_FROM = 3, CLIENT_UC_DHCP_POINTS = 3, CLIENT_MEDIA_POINTS = 1, CLIENT_MUTUAL_LESS = 1 };

/* Partners. */

static bool is_outside(const struct discovery *d, const struct host *host)
{
    return host->roles & discover_outside(d);
}

/* The only one a host answered; NULL: there were others. */
static const struct host *only_peer(const struct discovery *d, const struct host *host)
{
    for (unsigned i = 0; host->peers == 1 && i < host->answered_count; i++)
        if (host->answered[i].key.port != 0)
            return discover_find(d, &host->answered[i].key.client);
    return NULL;
}

/* An Edge Server, or what may be one, that answers nobody but one other which is seen to do more: a federated
 * partner's. */
static void find_partners(struct discovery *d)
{
    for (unsigned i = 0; i < d->host_count; i++) {
        struct host *host = &d->list[i];
        bool candidate = !host->has_near_peer &&
                         (is_outside(d, host) || (!host->roles && host->maybe & discover_outside(d)));
        const struct host *peer = candidate ? only_peer(d, host) : NULL;
        if (peer && is_outside(d, peer))
            host->is_partner = peer->peers > 1 || peer->score > host->score;
    }
    for (unsigned i = 0; i < d->host_count; i++)
        if (d->list[i].is_partner)
            d->list[i].roles = 0;
}

/* Clients. */

/* What opening this towards a found server says; -1: a client would not. */
static int client_points(const struct discovery *d, const struct talk *talk, const struct host *server)
{
    if (talk->key.port == 0)
        return CLIENT_MEDIA_POINTS;
    for (unsigned i = 0; i < sizeof client_signs / sizeof *client_signs; i++) {
        const struct client_sign *sign = &client_signs[i];
        if (sign->port == talk->key.port && sign->transport == talk->key.transport &&
            sign->name == talk->key.name && discover_has(d, server, sign->server))
            return sign->points - (talk->use.mutual ? CLIENT_MUTUAL_LESS : 0);
    }
    struct service_key service = {
        .port = talk->key.port, .transport = talk->key.transport, .name = talk->key.name};
    bool documented = discover_explains(d, &service) & server->roles;
    return documented && !discover_is_everyday(&service) ? -1 : 0;
}

static bool answers_as_server(const struct discovery *d, const struct host *host)
{
    for (unsigned i = 0; i < host->service_count; i++)
        if (!discover_is_everyday(&host->services[i].key) && discover_explains(d, &host->services[i].key))
            return true;
    return false;
}

/* The best of each port, so that a client of many servers is not a better client. */
static int opened_points(const struct discovery *d, const struct host *host)
{
    int sum = 0, best = 0;
    for (unsigned i = 0; i < host->opened_count; i++) {
        const struct talk *talk = &host->opened[i];
        const struct host *server = discover_find(d, &talk->key.server);
        int points = server && server->roles ? client_points(d, talk, server) : 0;
        bool same = i > 0 && host->opened[i - 1].key.port == talk->key.port &&
                    host->opened[i - 1].key.transport == talk->key.transport &&
                    host->opened[i - 1].key.name == talk->key.name;
        if (points < 0)
            return -1;
        sum += same ? (points > best ? points - best : 0) : points;
        best = same && best > points ? best : points;
    }
    return sum;
}

static bool was_called_by_server(const struct discovery *d, const struct host *host)
{
    for (unsigned i = 0; i < host->answered_count; i++) {
        const struct host *caller = discover_find(d, &host->answered[i].key.client);
        if (host->answered[i].key.port == 0 && caller && caller->roles)
            return true;
    }
    return false;
}

static bool is_client(const struct discovery *d, struct host *host)
{
    int points = host->roles || host->is_partner || answers_as_server(d, host) ? -1 : opened_points(d, host);
    if (points < 0)
        return false;
    points += host->facts.uc_dhcp ? CLIENT_UC_DHCP_POINTS : 0;
    points += points > 0 && was_called_by_server(d, host) ? CLIENT_MEDIA_POINTS : 0;
    if (points < CLIENT_FROM)
        return false;
    host->score = (unsigned)points;
    host->confidence = discover_confidence(host->score, CONFIDENCE_HIGH);
    return true;
}

/* The roles are given at the end: who talks to a client must not become one. */
static void find_clients(struct discovery *d)
{
    for (unsigned i = 0; i < d->host_count; i++)
        d->list[i].is_client = is_client(d, &d->list[i]);
    for (unsigned i = 0; i < d->host_count; i++) {
        if (!d->list[i].is_client)
            continue;
        d->list[i].roles = discover_bit(d, "client");
        d->list[i].maybe = 0;
    }
}

void discover_clients(struct discovery *d)
{
    find_partners(d);
    find_clients(d);
}
