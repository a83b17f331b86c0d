/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover_roles.c - from what hosts answer, open and send to the server roles they seem to have. Called by
 * discover.c.
 *
 * A role is found by signs, each worth some points: 3 to 5 where hardly anything else has that port with that
 * protocol, 2 where one other role of the documents shares it, 1 where many servers have it; what is opened
 * gives OPENS_POINTS_MAX at most. Signs of a port count only where an inbound row of the role accepts what
 * was spoken there, so the tables below hold no port that the matrices do not have. Roles are looked for in
 * the order of `role_rules`; a role may exclude later ones, because a server with many ports shows, seen in
 * part, the ports of a server with few.
 */
#include "discover_internal.h"

/* From how many points on a role is more than a low guess: two ports of its own, or one with company; three.
 */
enum { POINTS_MEDIUM = 5, POINTS_HIGH = 8 };

/* What a sign is; OWN signs are those without which the role is not given, ALSO signs a second such group. */
enum sign_kind { ANSWERS, OPENS, MEDIA };
enum sign_part { ANY_PART = 0, OWN = 1, ALSO = 2 };

struct sign {
    uint8_t kind, transport;
    uint8_t name;       /* enum proto_id; 0: ANSWERS: what the row accepts, OPENS: any that was identified */
    uint16_t low, high; /* each port of it that was seen counts once; media counts once */
    uint8_t points, parts;
};

/* Whom a host answers. */
enum company { ANY_COMPANY, NEAR, FAR };

/* What is opened makes nobody a server who was not seen to answer: the most it gives is below what a role
 * takes. */
enum { SIGNS_MAX = 24, EXCLUDES_MAX = 4, OPENS_POINTS_MAX = 4 };

struct role_rule {
    const char *role;
    const char *excluded_by[EXCLUDES_MAX];
    const char *instead_of; /* the host must have this role: here is what comes on top of it */
    enum company company;
    enum confidence at_most;
    bool no_sip_over_udp; /* documented nowhere, and what every other telephone system does */
    bool explains_all;    /* every documented service that it answers must be one of the role's */
    unsigned own_from, also_from, from; /* points */
    struct sign signs[SIGNS_MAX];
};

static const struct role_rule role_rules[] =
    {
        /* Relaying for clients, as outside, together with the services that the Edge has only inside. */
        {.role = "edge-internal",
         .at_most = CONFIDENCE_HIGH,
         .own_from = 3,
         .also_from = 1,
         .from = 4,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 23456, 23456, 3, OWN | ALSO},
                 {ANSWERS, OVER_TCP, 0, 50001, 50003, 3, OWN | ALSO},
                 {ANSWERS, OVER_TCP, 0, 5062, 5062, 2, ALSO},
                 {ANSWERS, OVER_TCP, 0, 8057, 8057, 2, ALSO},
                 {ANSWERS, OVER_TCP, 0, 4443, 4443, 1, ALSO},
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 1, ANY_PART},
                 {ANSWERS, OVER_UDP, PROTO_ms_turn, 3478, 3478, 3, OWN},
                 {ANSWERS, OVER_UDP, PROTO_stun, 3478, 3478, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, PROTO_ms_turn, 443, 443, 3, OWN},
             }},
        /* Conferencing, web and pool services; servers of a pool also show themselves by whom they call. */
        {.role = "front-end",
         .excluded_by = {"edge-internal"},
         .at_most = CONFIDENCE_HIGH,
         .own_from = 4,
         .from = 5,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5063, 5065, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 5071, 5073, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 5075, 5076, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 8058, 8058, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 8060, 8061, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 5086, 5087, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 8404, 8404, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 5062, 5062, 2, OWN},
                 {ANSWERS, OVER_TCP, 0, 8057, 8057, 2, OWN},
                 {ANSWERS, OVER_TCP, PROTO_tls, 444, 444, 2, OWN},
                 {ANSWERS, OVER_TCP, 0, 448, 448, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 5080, 5080, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 135, 135, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 8080, 8080, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 4443, 4443, 1, OWN},
                 {MEDIA, OVER_UDP, 0, 57501, 65535, 2, OWN},
                 {OPENS, OVER_TCP, PROTO_tls, 5062, 5063, 2, OWN},
                 {OPENS, OVER_TCP, PROTO_tls, 5086, 5087, 2, OWN},
                 {OPENS, OVER_TCP, PROTO_tls, 8060, 8061, 2, OWN},
                 {OPENS, OVER_TCP, PROTO_tls, 8404, 8404, 2, OWN},
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 2, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 5060, 5060, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 443, 443, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 80, 80, 1, ANY_PART},
             }},
        /* Server to server on 444, and nothing that only a Front End does. */
        {.role = "director",
         .excluded_by = {"edge-internal", "front-end"},
         .at_most = CONFIDENCE_MEDIUM,
         .explains_all = true,
         .own_from = 3,
         .from = 4,
         .signs =
             {
                 {ANSWERS, OVER_TCP, PROTO_tls, 444, 444, 3, OWN},
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 2, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 5060, 5060, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 443, 443, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 80, 80, 1, ANY_PART},
                 {ANSWERS, OVER_UDP, PROTO_ssrp, 1434, 1434, 1, ANY_PART},
             }},
        {.role = "edge-access",
         .excluded_by = {"edge-internal", "front-end", "director"},
         .company = FAR,
         .at_most = CONFIDENCE_HIGH,
         .own_from = 2,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 2, OWN},
                 {ANSWERS, OVER_TCP, 0, 5269, 5269, 3, OWN},
                 {ANSWERS, OVER_TCP, PROTO_tls, 443, 443, 1, ANY_PART},
                 {OPENS, OVER_TCP, PROTO_tls, 5061, 5061, 1, ANY_PART},
                 {OPENS, OVER_TCP, PROTO_xmpp, 5269, 5269, 1, ANY_PART},
             }},
        {.role = "edge-av",
         .excluded_by = {"edge-internal"},
         .company = FAR,
         .at_most = CONFIDENCE_HIGH,
         .own_from = 3,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, PROTO_ms_turn, 443, 443, 3, OWN},
                 {ANSWERS, OVER_UDP, PROTO_ms_turn, 3478, 3478, 3, OWN},
                 {ANSWERS, OVER_UDP, PROTO_stun, 3478, 3478, 1, ANY_PART},
                 {MEDIA, OVER_UDP, 0, 50000, 59999, 1, ANY_PART},
                 {MEDIA, OVER_TCP, 0, 50000, 59999, 1, ANY_PART},
             }},
        /* Relaying alone, and only for its own network: the inside is the better guess. */
        {.role = "edge-internal",
         .excluded_by = {"edge-internal", "front-end", "edge-av"},
         .company = NEAR,
         .at_most = CONFIDENCE_LOW,
         .own_from = 3,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, PROTO_ms_turn, 443, 443, 3, OWN},
                 {ANSWERS, OVER_UDP, PROTO_ms_turn, 3478, 3478, 3, OWN},
                 {ANSWERS, OVER_UDP, PROTO_stun, 3478, 3478, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 1, ANY_PART},
             }},
        /* What clients see of a pool. A Director shows no more, but there are many sites without one. */
        {.role = "front-end",
         .excluded_by = {"edge-internal", "front-end", "director", "edge-access"},
         .company = NEAR,
         .at_most = CONFIDENCE_LOW,
         .no_sip_over_udp = true,
         .explains_all = true,
         .own_from = 1,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 2, OWN},
                 {ANSWERS, OVER_TCP, 0, 5060, 5060, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 5062, 5062, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 8057, 8057, 1, OWN},
                 {ANSWERS, OVER_TCP, PROTO_tls, 444, 444, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 4443, 4443, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 443, 443, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 80, 80, 1, ANY_PART},
                 {MEDIA, OVER_UDP, 0, 57501, 65535, 1, ANY_PART},
             }},
        /* The same where a Front End is ruled out: SIP in clear on 5061 is not documented for it. */
        {.role = "director",
         .excluded_by = {"edge-internal", "front-end", "director", "edge-access"},
         .company = NEAR,
         .at_most = CONFIDENCE_LOW,
         .no_sip_over_udp = true,
         .explains_all = true,
         .own_from = 1,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5061, 5061, 2, OWN},
                 {ANSWERS, OVER_TCP, 0, 5060, 5060, 1, OWN},
                 {ANSWERS, OVER_TCP, 0, 443, 443, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 80, 80, 1, ANY_PART},
             }},
        {.role = "mediation",
         .excluded_by = {"edge-internal", "front-end"},
         .at_most = CONFIDENCE_HIGH,
         .no_sip_over_udp = true,
         .own_from = 3,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5070, 5070, 4, OWN},
                 {ANSWERS, OVER_TCP, 0, 5067, 5068, 3, OWN},
                 {MEDIA, OVER_UDP, 0, 49152, 57500, 1, ANY_PART},
                 {OPENS, OVER_TCP, 0, 5081, 5082, 1, ANY_PART},
             }},
        {.role = "persistent-chat",
         .at_most = CONFIDENCE_HIGH,
         .own_from = 3,
         .from = 3,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5041, 5041, 5, OWN},
                 {ANSWERS, OVER_TCP, 0, 881, 881, 3, OWN},
             }},
        /* The pool's Mediation service calls out on 5081 and 5082; often no more of it is seen. */
        {.role = "front-end-mediation",
         .instead_of = "front-end",
         .from = 1,
         .signs =
             {
                 {ANSWERS, OVER_TCP, 0, 5067, 5068, 1, ANY_PART},
                 {ANSWERS, OVER_TCP, 0, 5070, 5070, 1, ANY_PART},
                 {OPENS, OVER_TCP, 0, 5081, 5082, 1, ANY_PART},
             }},
        {.role = "front-end-cms",
         .instead_of = "front-end",
         .from = 1,
         .signs =
             {
                 {ANSWERS, OVER_TCP, PROTO_smb, 445, 445, 1, ANY_PART},
             }},
};

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
    if (rule->explains_all && !(discover_all(d, host->maybe) & discover_bit(d, rule->role)))
        return true;
    for (unsigned i = 0; rule->no_sip_over_udp && i < host->service_count; i++)
        if (host->services[i].key.transport == OVER_UDP && host->services[i].key.name == PROTO_sip)
            return true;
    return false;
}

enum confidence discover_confidence(unsigned score, enum confidence at_most)
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
    if (points.own < rule->own_from || points.also < rule->also_from || points.all < rule->from)
        return;
    host->roles |= (role_set)1 << role;
    if (rule->instead_of) {
        host->roles &= ~discover_bit(d, rule->instead_of);
        return;
    }
    if (points.all > host->score) {
        host->score = points.all;
        host->confidence = discover_confidence(points.all, rule->at_most);
    }
}

void discover_servers(struct discovery *d)
{
    for (unsigned i = 0; i < d->host_count; i++) {
        struct host *host = &d->list[i];
        if (host->service_count == 0)
            continue;
        host->maybe = discover_explaining(d, host);
        for (unsigned r = 0; r < sizeof role_rules / sizeof *role_rules; r++)
            apply_rule(d, host, &role_rules[r]);
        host->maybe &= ~discover_all(d, host->roles);
    }
}
