/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover_roles.c - from what hosts answer, open and send to the roles they seem to have. Called by
 * discover.c.
 *
 * A role is found by signs, each worth some points: 3 to 5 where hardly anything else has that port with that
 * protocol, 2 where one other role of the documents shares it, 1 where many servers have it. Signs of a port
 * count only where an inbound row of the role accepts what was spoken there, so the tables below hold no port
 * that the matrices do not have. Roles are looked for in the order of `role_rules`; a role may exclude later
 * ones, because a server with many ports shows, seen in part, the ports of a server with few.
 */
#include "discover_internal.h"

enum { POINTS_MEDIUM = 5, POINTS_HIGH = 8 };

/* What a sign is; OWN signs are those without which the role is not given, ALSO signs a second such group. */
enum sign_kind { ANSWERS, OPENS, MEDIA };
enum sign_part { ANY_PART = 0, OWN = 1, ALSO = 2 };

struct sign {
    uint8_t kind, transport;
    uint8_t name; /* enum proto_id; 0: ANSWERS: what the row accepts, OPENS: any that was identified */
    uint8_t points, parts;
    uint16_t low, high; /* each port of it that was seen counts once; media counts once */
};

/* Whom a host answers. */
enum company { ANY_COMPANY, NEAR, FAR };

enum { SIGNS_MAX = 24, EXCLUDES_MAX = 4, OPENS_POINTS_MAX = 4 };

struct role_rule {
    const char *role;
    const char *excluded_by[EXCLUDES_MAX];
    const char *
        instead_of; /* the role it replaces, which the host must have: this rule is about what comes on top */
    enum company company;
    enum confidence at_most;
    bool no_sip_over_udp;               /* documented nowhere, and what every other telephone system does */
    unsigned own_from, also_from, from; /* points */
    struct sign signs[SIGNS_MAX];
};

#define A_TCP(low, high, points, parts)                                                                      \
    {                                                                                                        \
        ANSWERS, OVER_TCP, 0, points, parts, low, high                                                       \
    }
#define A_AS(over, name, port, points, parts)                                                                \
    {                                                                                                        \
        ANSWERS, over, PROTO_##name, points, parts, port, port                                               \
    }
#define O_TLS(low, high, points, parts)                                                                      \
    {                                                                                                        \
        OPENS, OVER_TCP, PROTO_tls, points, parts, low, high                                                 \
    }
#define M_UDP(low, high, points, parts)                                                                      \
    {                                                                                                        \
        MEDIA, OVER_UDP, 0, points, parts, low, high                                                         \
    }

static const struct role_rule role_rules[] = {
    /* Relaying for clients, as outside, together with the services that the Edge has only inside. */
    {.role = "edge-internal",
     .at_most = CONFIDENCE_HIGH,
     .own_from = 3,
     .also_from = 1,
     .from = 4,
     .signs = {A_TCP(23456, 23456, 3, OWN | ALSO), A_TCP(50001, 50003, 3, OWN | ALSO),
               A_TCP(5062, 5062, 2, ALSO), A_TCP(8057, 8057, 2, ALSO), A_TCP(4443, 4443, 1, ALSO),
               A_TCP(5061, 5061, 1, ANY_PART), A_AS(OVER_UDP, ms_turn, 3478, 3, OWN),
               A_AS(OVER_UDP, stun, 3478, 1, ANY_PART), A_AS(OVER_TCP, ms_turn, 443, 3, OWN)}},
    /* Conferencing, web and pool services; servers of a pool also show themselves by whom they call. */
    {.role = "front-end",
     .excluded_by = {"edge-internal"},
     .at_most = CONFIDENCE_HIGH,
     .own_from = 4,
     .from = 5,
     .signs = {A_TCP(5063, 5065, 4, OWN),        A_TCP(5071, 5073, 4, OWN),    A_TCP(5075, 5076, 4, OWN),
               A_TCP(8058, 8058, 4, OWN),        A_TCP(8060, 8061, 4, OWN),    A_TCP(5086, 5087, 4, OWN),
               A_TCP(8404, 8404, 4, OWN),        A_TCP(5062, 5062, 2, OWN),    A_TCP(8057, 8057, 2, OWN),
               A_AS(OVER_TCP, tls, 444, 2, OWN), A_TCP(448, 448, 1, OWN),      A_TCP(5080, 5080, 1, OWN),
               A_TCP(135, 135, 1, OWN),          A_TCP(8080, 8080, 1, OWN),    A_TCP(4443, 4443, 1, OWN),
               M_UDP(57501, 65535, 2, OWN),      O_TLS(5062, 5063, 2, OWN),    O_TLS(5086, 5087, 2, OWN),
               O_TLS(8060, 8061, 2, OWN),        O_TLS(8404, 8404, 2, OWN),    A_TCP(5061, 5061, 2, ANY_PART),
               A_TCP(5060, 5060, 1, ANY_PART),   A_TCP(443, 443, 1, ANY_PART), A_TCP(80, 80, 1, ANY_PART)}},
    /* Server to server on 444, and nothing that only a Front End does. */
    {.role = "director",
     .excluded_by = {"edge-internal", "front-end"},
     .at_most = CONFIDENCE_MEDIUM,
     .own_from = 3,
     .from = 4,
     .signs = {A_AS(OVER_TCP, tls, 444, 3, OWN), A_TCP(5061, 5061, 2, ANY_PART),
               A_TCP(5060, 5060, 1, ANY_PART), A_TCP(443, 443, 1, ANY_PART), A_TCP(80, 80, 1, ANY_PART),
               A_AS(OVER_UDP, ssrp, 1434, 1, ANY_PART)}},
    {.role = "edge-access",
     .excluded_by = {"edge-internal", "front-end", "director"},
     .company = FAR,
     .at_most = CONFIDENCE_HIGH,
     .own_from = 2,
     .from = 3,
     .signs = {A_TCP(5061, 5061, 2, OWN),
               A_TCP(5269, 5269, 3, OWN),
               A_AS(OVER_TCP, tls, 443, 1, ANY_PART),
               O_TLS(5061, 5061, 1, ANY_PART),
               {OPENS, OVER_TCP, PROTO_xmpp, 1, ANY_PART, 5269, 5269}}},
    {.role = "edge-av",
     .excluded_by = {"edge-internal"},
     .company = FAR,
     .at_most = CONFIDENCE_HIGH,
     .own_from = 3,
     .from = 3,
     .signs = {A_AS(OVER_TCP, ms_turn, 443, 3, OWN),
               A_AS(OVER_UDP, ms_turn, 3478, 3, OWN),
               A_AS(OVER_UDP, stun, 3478, 1, ANY_PART),
               M_UDP(50000, 59999, 1, ANY_PART),
               {MEDIA, OVER_TCP, 0, 1, ANY_PART, 50000, 59999}}},
    /* Relaying alone, and only for its own network: the inside is the better guess. */
    {.role = "edge-internal",
     .excluded_by = {"edge-internal", "front-end", "edge-av"},
     .company = NEAR,
     .at_most = CONFIDENCE_LOW,
     .own_from = 3,
     .from = 3,
     .signs = {A_AS(OVER_TCP, ms_turn, 443, 3, OWN), A_AS(OVER_UDP, ms_turn, 3478, 3, OWN),
               A_AS(OVER_UDP, stun, 3478, 1, ANY_PART), A_TCP(5061, 5061, 1, ANY_PART)}},
    /* What clients see of a pool. A Director shows no more, but there are many sites without one. */
    {.role = "front-end",
     .excluded_by = {"edge-internal", "front-end", "director", "edge-access"},
     .company = NEAR,
     .at_most = CONFIDENCE_LOW,
     .no_sip_over_udp = true,
     .own_from = 1,
     .from = 3,
     .signs = {A_TCP(5061, 5061, 2, OWN), A_TCP(5060, 5060, 1, OWN), A_TCP(5062, 5062, 1, OWN),
               A_TCP(8057, 8057, 1, OWN), A_TCP(443, 443, 1, ANY_PART), A_TCP(80, 80, 1, ANY_PART),
               M_UDP(57501, 65535, 1, ANY_PART)}},
    {.role = "mediation",
     .excluded_by = {"edge-internal", "front-end"},
     .at_most = CONFIDENCE_HIGH,
     .no_sip_over_udp = true,
     .own_from = 3,
     .from = 3,
     .signs = {A_TCP(5070, 5070, 4, OWN),
               A_TCP(5067, 5068, 3, OWN),
               M_UDP(49152, 57500, 1, ANY_PART),
               {OPENS, OVER_TCP, 0, 1, ANY_PART, 5081, 5082}}},
    {.role = "persistent-chat",
     .at_most = CONFIDENCE_HIGH,
     .own_from = 3,
     .from = 3,
     .signs = {A_TCP(5041, 5041, 5, OWN), A_TCP(881, 881, 3, OWN)}},
    /* Calls of the pool's Mediation service go out on 5081 and 5082, though no other sign of it may show. */
    {.role = "front-end-mediation",
     .instead_of = "front-end",
     .from = 1,
     .signs = {A_TCP(5067, 5068, 1, ANY_PART),
               A_TCP(5070, 5070, 1, ANY_PART),
               {OPENS, OVER_TCP, 0, 1, ANY_PART, 5081, 5082}}},
    {.role = "front-end-cms",
     .instead_of = "front-end",
     .from = 1,
     .signs = {A_AS(OVER_TCP, smb, 445, 1, ANY_PART)}},
};

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

static role_set bit_of(const struct discovery *d, const char *name)
{
    int bit = discover_role(d, name);
    return bit < 0 ? 0 : (role_set)1 << bit;
}

static role_set outside_roles(const struct discovery *d)
{
    role_set roles = 0;
    for (unsigned i = 0; i < sizeof outside / sizeof *outside; i++)
        roles |= bit_of(d, outside[i]);
    return roles;
}

static role_set all_of(const struct discovery *d, role_set roles)
{
    role_set all = 0;
    for (; roles; roles &= roles - 1)
        all |= rules_role(d->rules, (unsigned)__builtin_ctzll(roles))->all;
    return all;
}

bool discover_has(const struct discovery *d, const struct host *host, const char *role)
{
    return (all_of(d, host->roles) & bit_of(d, role)) != 0;
}

static bool row_accepts(const struct matrix_row *row, const struct service_key *service)
{
    if (row->direction != ROW_INBOUND || !(row->transports & service->transport))
        return false;
    if (!row->accepts_anything &&
        (service->name == PROTO_UNIDENTIFIED || !(row->accepts >> service->name & 1)))
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
            if (row_accepts(&matrix->rows[i], service) && (all & bit_of(d, matrix->rows[i].to)))
                return true;
    }
    return false;
}

role_set discover_explains(const struct discovery *d, const struct service_key *service)
{
    role_set roles = 0;
    for (unsigned i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (discover_accepts(d, discover_role(d, candidates[i]), service))
            roles |= bit_of(d, candidates[i]);
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

/* Points of one sign at a host. */

static unsigned answers_points(const struct discovery *d, const struct host *host, const struct sign *sign,
                               int role)
{
    unsigned points = 0, last = 0;
    for (unsigned i = 0; i < host->service_count; i++) {
        const struct service_key *service = &host->services[i].key;
        if (service->transport != sign->transport || service->port < sign->low ||
            service->port > sign->high || service->port == last ||
            (sign->name && service->name != sign->name) || !discover_accepts(d, role, service))
            continue;
        last = service->port;
        points += sign->points;
    }
    return points;
}

static unsigned opens_points(const struct host *host, const struct sign *sign)
{
    unsigned points = 0, last = 0;
    for (unsigned i = 0; i < host->opened_count; i++) {
        const struct talk_key *talk = &host->opened[i].key;
        if (talk->transport != sign->transport || talk->port < sign->low || talk->port > sign->high ||
            talk->port == last || talk->name == PROTO_UNIDENTIFIED ||
            (sign->name && talk->name != sign->name))
            continue;
        last = talk->port;
        points += sign->points;
    }
    return points;
}

static bool is_between(uint16_t port, const struct sign *sign)
{
    return port >= sign->low && port <= sign->high;
}

static unsigned media_points(const struct host *host, const struct sign *sign)
{
    const struct port_range *seen = &host->facts.media[discover_transport_index(sign->transport)];
    return is_between(seen->low, sign) || is_between(seen->high, sign) ? sign->points : 0;
}

struct points {
    unsigned all, own, also, opens;
};

static void count_signs(const struct discovery *d, const struct host *host, const struct role_rule *rule,
                        int role, struct points *out)
{
    *out = (struct points){0};
    for (unsigned i = 0; i < SIGNS_MAX && rule->signs[i].points; i++) {
        const struct sign *sign = &rule->signs[i];
        unsigned points = sign->kind == ANSWERS ? answers_points(d, host, sign, role)
                          : sign->kind == OPENS ? opens_points(host, sign)
                                                : media_points(host, sign);
        if (sign->kind == OPENS) {
            unsigned left = OPENS_POINTS_MAX - out->opens;
            points = points > left ? left : points;
            out->opens += points;
        }
        out->all += points;
        out->own += sign->parts & OWN ? points : 0;
        out->also += sign->parts & ALSO ? points : 0;
    }
}

/* The rules against one host. */

static bool is_excluded(const struct discovery *d, const struct host *host, const struct role_rule *rule)
{
    for (unsigned i = 0; i < EXCLUDES_MAX && rule->excluded_by[i]; i++)
        if (discover_has(d, host, rule->excluded_by[i]))
            return true;
    if (rule->company == NEAR && (!host->has_near_peer || host->has_far_peer))
        return true;
    if (rule->company == FAR && !host->has_far_peer)
        return true;
    for (unsigned i = 0; rule->no_sip_over_udp && i < host->service_count; i++)
        if (host->services[i].key.transport == OVER_UDP && host->services[i].key.name == PROTO_sip)
            return true;
    return false;
}

static enum confidence confidence_of(unsigned score, enum confidence at_most)
{
    enum confidence confidence = score >= POINTS_HIGH     ? CONFIDENCE_HIGH
                                 : score >= POINTS_MEDIUM ? CONFIDENCE_MEDIUM
                                                          : CONFIDENCE_LOW;
    return confidence < at_most ? confidence : at_most;
}

static void apply_rule(const struct discovery *d, struct host *host, const struct role_rule *rule)
{
    int role = discover_role(d, rule->role);
    struct points points;
    if (role < 0 || is_excluded(d, host, rule) ||
        (rule->instead_of && !discover_has(d, host, rule->instead_of)))
        return;
    count_signs(d, host, rule, role, &points);
    /* Nobody is a server who was not seen to answer: opening pool ports alone is not enough. */
    if (points.own < rule->own_from || points.also < rule->also_from || points.all < rule->from ||
        (!rule->instead_of && points.all == points.opens))
        return;
    host->roles |= (role_set)1 << role;
    if (rule->instead_of) {
        host->roles &= ~bit_of(d, rule->instead_of);
        return;
    }
    if (points.all > host->score) {
        host->score = points.all;
        host->confidence = confidence_of(points.all, rule->at_most);
    }
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
static role_set explaining(const struct discovery *d, const struct host *host)
{
    role_set roles = 0, side = outside_roles(d);
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

static void find_servers(struct discovery *d)
{
    for (unsigned i = 0; i < d->host_count; i++) {
        struct host *host = &d->list[i];
        if (host->service_count == 0)
            continue;
        for (unsigned r = 0; r < sizeof role_rules / sizeof *role_rules; r++)
            apply_rule(d, host, &role_rules[r]);
        host->maybe = explaining(d, host) & ~all_of(d, host->roles);
    }
}

/* Partners. */

static bool is_outside(const struct discovery *d, const struct host *host)
{
    return host->roles & outside_roles(d);
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
        bool candidate =
            !host->has_near_peer && (is_outside(d, host) || (!host->roles && host->maybe & outside_roles(d)));
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
    host->confidence = confidence_of(host->score, CONFIDENCE_HIGH);
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
        d->list[i].roles = bit_of(d, "client");
        d->list[i].maybe = 0;
    }
}

void discover_roles(struct discovery *d)
{
    find_servers(d);
    find_partners(d);
    find_clients(d);
}
