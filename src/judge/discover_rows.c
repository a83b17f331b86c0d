/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover_rows.c - what the matrices say of something a host answers: which roles have that port with that
 * protocol, and which could be all that the host shows. Used by the other files of discovery. Only rows that
 * name a port alone count; ranges prove nothing.
 */
#include "discover_internal.h"

/* Roles a host may be said to have, or not to be told from. A load balancer shows its servers' ports: they
 * stand for it. Groups like all-servers are nobody's role. */
static const char *const candidates[] = {"front-end",       "front-end-mediation", "front-end-cms",
                                         "director",        "mediation",           "persistent-chat",
                                         "office-web-apps", "edge-access",         "edge-web-conferencing",
                                         "edge-av",         "edge-internal"};

/* Those that stand on the Internet; a partner's look the same. */
static const char *const outside[] = {"edge-access", "edge-web-conferencing", "edge-av"};

int discover_role(const struct discovery *d, const char *name)
{
    return rules_find_role(d->rules, name);
}

role_set discover_bit(const struct discovery *d, const char *name)
{
    int bit = discover_role(d, name);
    return bit < 0 ? 0 : (role_set)1 << bit;
}

role_set discover_outside(const struct discovery *d)
{
    role_set roles = 0;
    for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++)
        roles |= discover_bit(d, outside[i]);
    return roles;
}

role_set discover_all(const struct discovery *d, role_set roles)
{
    role_set all = 0;
    for (; roles; roles &= roles - 1)
        all |= rules_role(d->rules, (unsigned)__builtin_ctzll(roles))->all;
    return all;
}

bool discover_has(const struct discovery *d, const struct host *host, const char *role)
{
    return (discover_all(d, host->roles) & discover_bit(d, role)) != 0;
}

static bool row_accepts(const struct matrix_row *row, const struct service_key *service)
{
    if (row->direction != ROW_INBOUND || !(row->transports & service->transport))
        return false;
    if (!row->accepts_anything && !(row->accepts >> service->name & 1))
        return false;
    for (unsigned r = 0; r < row->range_count; r++)
        if (row->ranges[r].low == service->port && row->ranges[r].high == service->port)
            return true;
    return false;
}

bool discover_accepts(const struct discovery *d, int role, const struct service_key *service)
{
    bool documented = discover_is_documented(d, service->transport, service->port);
    role_set all = role < 0 || !documented ? 0 : rules_role(d->rules, (unsigned)role)->all;
    for (unsigned m = 0; all && m < rules_matrix_count(d->rules); m++) {
        const struct matrix *matrix = rules_matrix(d->rules, m);
        for (unsigned i = 0; i < matrix->row_count; i++)
            if (row_accepts(&matrix->rows[i], service) && (all & discover_bit(d, matrix->rows[i].to)))
                return true;
    }
    return false;
}

role_set discover_explains(const struct discovery *d, const struct service_key *service)
{
    role_set roles = 0;
    for (unsigned i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (discover_accepts(d, discover_role(d, candidates[i]), service))
            roles |= discover_bit(d, candidates[i]);
    return roles;
}

bool discover_is_everyday(const struct service_key *service)
{
    static const uint16_t ports[] = {53, 80, 135, 443, 445, 1434}; /* DESIGN 6, undeclared-server */
    for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++)
        if (service->port == ports[i])
            return true;
    /* Anybody's STUN server; the documents' own speak MS-TURN. */
    return service->port == 3478 && service->name != PROTO_ms_turn;
}

/* Of a role and one that is such a role, the plainer one. */
static role_set plain_ones(const struct discovery *d, role_set roles)
{
    role_set plain = roles;
    for (role_set left = roles; left; left &= left - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(left);
        if (rules_role(d->rules, bit)->all & roles & ~((role_set)1 << bit))
            plain &= ~((role_set)1 << bit);
    }
    return plain;
}

/* Candidates that explain every documented service, and whom it answers: nobody reaches an inside server from
 * the Internet without an Edge Server or a proxy between. */
role_set discover_explaining(const struct discovery *d, const struct host *host)
{
    role_set roles = 0, side = discover_outside(d);
    bool any = false;
    for (unsigned i = 0; i < host->service_count; i++) {
        role_set explains = discover_explains(d, &host->services[i].key);
        if (!explains || host->services[i].key.name == PROTO_UNIDENTIFIED)
            continue;
        roles = any ? roles & explains : explains;
        any = true;
    }
    if (host->has_far_peer != host->has_near_peer && host->has_near_peer)
        side = ~side;
    if (host->has_far_peer != host->has_near_peer && (roles & side))
        roles &= side;
    return plain_ones(d, roles);
}
