/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover.c - gathers, from flows that are over, what each address answers, opens and sends, and puts it in
 * order for conclusions (DESIGN 4, end). Called by `discover`, and by `analyze`
 * without a site. What was tried and not answered proves nothing here and is left out.
 */
#include <stdlib.h>

#include "discover_internal.h"

/* Bounds; beyond them things are counted and left out. */
enum { HOSTS_MAX = 65536, SERVICES_MAX = 131072, TALKS_MAX = 262144, UNDOCUMENTED_PER_HOST_MAX = 32 };

static void set_port(uint64_t bits[1024], uint16_t port)
{
    bits[port / 64] |= UINT64_C(1) << port % 64;
}

static bool has_port(const uint64_t bits[1024], uint16_t port)
{
    return bits[port / 64] >> port % 64 & 1;
}

bool discover_is_documented(const struct discovery *d, unsigned transport, uint16_t port)
{
    return has_port(d->answers_documented[discover_transport_index(transport)], port);
}

static void note_row(struct discovery *d, const struct matrix_row *row)
{
    bool inbound = row->direction == ROW_INBOUND;
    if (!inbound && row->direction != ROW_OUTBOUND)
        return;
    for (unsigned r = 0; r < row->range_count; r++) {
        if (row->ranges[r].low != row->ranges[r].high)
            continue;
        for (unsigned t = 0; t < 2; t++)
            if (row->transports & (t == 0 ? OVER_TCP : OVER_UDP))
                set_port(inbound ? d->answers_documented[t] : d->opens_documented[t], row->ranges[r].low);
    }
}

struct discovery *discovery_create(const struct rules *rules)
{
    uint64_t secret[2];
    struct discovery *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->rules = rules;
    map_secret(secret);
    if (!map_init(&d->hosts, sizeof(struct addr), sizeof(struct host_facts), HOSTS_MAX, secret) ||
        !map_init(&d->services, sizeof(struct service_key), sizeof(struct use), SERVICES_MAX, secret) ||
        !map_init(&d->talks, sizeof(struct talk_key), sizeof(struct use), TALKS_MAX, secret)) {
        discovery_destroy(d);
        return NULL;
    }
    for (unsigned m = 0; m < rules_matrix_count(rules); m++)
        for (unsigned i = 0; i < rules_matrix(rules, m)->row_count; i++)
            note_row(d, &rules_matrix(rules, m)->rows[i]);
    return d;
}

static void forget_order(struct discovery *d)
{
    free(d->list);
    free(d->service_list);
    free(d->by_server);
    free(d->by_client);
    d->list = NULL;
    d->service_list = NULL;
    d->by_server = d->by_client = NULL;
}

void discovery_destroy(struct discovery *d)
{
    if (!d)
        return;
    forget_order(d);
    map_fini(&d->hosts);
    map_fini(&d->services);
    map_fini(&d->talks);
    free(d);
}

/* Gathering. */

/* A group, or an address that means another host elsewhere, can have no role. */
static bool is_one_host(const struct addr *addr)
{
    return !addr_is_unspecified(addr) && !addr_is_loopback(addr) && !addr_is_multicast(addr) &&
           !addr_is_broadcast(addr) && !addr_is_link_local(addr);
}

static struct host_facts *facts_of(struct discovery *d, const struct addr *addr)
{
    return is_one_host(addr) ? map_add(&d->hosts, addr, NULL) : NULL;
}

static void count_use(struct use *use, const struct proto_facts *facts)
{
    if (!use)
        return;
    use->flows++;
    use->mutual += facts->tls.mutual == TRI_YES;
}

static void add_talk(struct discovery *d, const struct judge_flow *in, unsigned client, uint16_t port,
                     uint8_t transport, uint8_t name)
{
    const struct flow_key *key = &in->flow->key;
    struct talk_key talk = {.client = key->addr[client],
                            .server = key->addr[1 - client],
                            .port = port,
                            .transport = transport,
                            .name = name};
    count_use(map_add(&d->talks, &talk, NULL), in->facts);
}

static void widen(struct port_range *range, uint16_t port)
{
    if (range->low == 0 || port < range->low)
        range->low = port;
    if (port > range->high)
        range->high = port;
}

static void add_media(struct discovery *d, const struct judge_flow *in, unsigned client, uint8_t transport)
{
    const struct flow_key *key = &in->flow->key;
    struct host_facts *facts[2] = {facts_of(d, &key->addr[0]), facts_of(d, &key->addr[1])};
    for (unsigned side = 0; side < 2; side++) {
        bool chosen = transport == OVER_UDP || side != client; /* the opener's TCP port is just any */
        if (facts[side] && chosen && flow_answered_by(in->flow, side))
            widen(&facts[side]->media[discover_transport_index(transport)], key->port[side]);
    }
    if (facts[0] && facts[1])
        add_talk(d, in, client, 0, transport, 0);
}

/* Answered by the end that did not open the flow. */
static void add_service(struct discovery *d, const struct judge_flow *in, unsigned client, uint8_t transport)
{
    const struct flow_key *key = &in->flow->key;
    unsigned server = 1 - client, index = discover_transport_index(transport);
    struct service_key service = {.addr = key->addr[server],
                                  .port = key->port[server],
                                  .transport = transport,
                                  .name = in->flow->identity.name};
    bool documented = discover_is_documented(d, transport, service.port);
    struct host_facts *facts = facts_of(d, &service.addr);
    if (!facts)
        return;
    struct use *use = map_find(&d->services, &service);
    if (!use && !documented && facts->kept_services == UNDOCUMENTED_PER_HOST_MAX) {
        facts->other_services++;
        return;
    }
    if (!use) {
        use = map_add(&d->services, &service, NULL);
        facts->kept_services = (uint16_t)(facts->kept_services + !documented);
    }
    count_use(use, in->facts);
    if ((documented || has_port(d->opens_documented[index], service.port)) && facts_of(d, &key->addr[client]))
        add_talk(d, in, client, service.port, transport, service.name);
}

/* Without a SYN, a protocol or a known listener to tell, the end with a documented port is the one that
 * answers. */
static unsigned client_side(const struct discovery *d, const struct flow *flow, const struct verdict *verdict,
                            unsigned transport)
{
    bool documented[2] = {discover_is_documented(d, transport, flow->key.port[0]),
                          discover_is_documented(d, transport, flow->key.port[1])};
    if (verdict->basis < BASIS_PORT || documented[0] == documented[1])
        return verdict->initiator;
    return documented[0];
}

static bool is_media(const struct judge_flow *in)
{
    static const enum proto_id media[] = {PROTO_rtp, PROTO_rtcp, PROTO_srtp};
    for (unsigned i = 0; i < sizeof media / sizeof *media; i++)
        if (in->facts->also >> media[i] & 1)
            return true;
    return proto_by_id(in->flow->identity.name)->is_media;
}

void discovery_flow(struct discovery *d, const struct judge_flow *in, const struct verdict *verdict)
{
    const struct flow *flow = in->flow;
    uint8_t transport = flow->key.protocol == IP_TCP ? OVER_TCP : flow->key.protocol == IP_UDP ? OVER_UDP : 0;
    if (!transport)
        return;
    unsigned client = client_side(d, flow, verdict, transport);
    struct host_facts *facts = in->facts->query.ms_uc_client ? facts_of(d, &flow->key.addr[client]) : NULL;
    if (facts)
        facts->uc_dhcp = true;
    if (!flow_answered_by(flow, 1 - client) || !is_one_host(&flow->key.addr[1 - client]))
        return;
    struct service_key service = {
        .port = flow->key.port[1 - client], .transport = transport, .name = flow->identity.name};
    if (is_media(in) && !discover_explains(d, &service))
        add_media(d, in, client, transport);
    else if (transport == OVER_TCP || flow->identity.name != PROTO_UNIDENTIFIED)
        add_service(d, in, client, transport);
}

/* Putting in order. */

static int by_addr(const void *left, const void *right)
{
    return addr_compare(&((const struct host *)left)->addr, &((const struct host *)right)->addr);
}

static int by_service(const void *left, const void *right)
{
    const struct service_key *a = &((const struct service *)left)->key,
                             *b = &((const struct service *)right)->key;
    int by = addr_compare(&a->addr, &b->addr);
    if (by != 0)
        return by;
    if (a->transport != b->transport)
        return a->transport - b->transport;
    return a->port != b->port ? a->port - b->port : a->name - b->name;
}

static int by_port(const struct talk_key *a, const struct talk_key *b)
{
    if (a->transport != b->transport)
        return a->transport - b->transport;
    return a->port != b->port ? a->port - b->port : a->name - b->name;
}

static int by_server(const void *left, const void *right)
{
    const struct talk_key *a = &((const struct talk *)left)->key, *b = &((const struct talk *)right)->key;
    int by = addr_compare(&a->server, &b->server);
    if (by == 0)
        by = addr_compare(&a->client, &b->client);
    return by != 0 ? by : by_port(a, b);
}

static int by_client(const void *left, const void *right)
{
    const struct talk_key *a = &((const struct talk *)left)->key, *b = &((const struct talk *)right)->key;
    int by = addr_compare(&a->client, &b->client);
    if (by != 0)
        return by;
    by = by_port(a, b);
    return by != 0 ? by : addr_compare(&a->server, &b->server);
}

/* A map's entries as an array: each is its key, then its value at `value_at` of `size` bytes. */
static void *entries_of(struct map *map, size_t size, size_t value_at, size_t value_size)
{
    uint8_t *list = calloc((size_t)map->count + 1, size);
    for (uint32_t i = 0; list && i < map->count; i++) {
        memcpy(list + i * size, map_key(map, i), map->key_size);
        memcpy(list + i * size + value_at, map_value(map, i), value_size);
    }
    return list;
}

/* Is the peer in the same organisation, as far as addresses tell: both private, or one /16 (IPv6: one /32)?
 */
static bool is_near(const struct addr *a, const struct addr *b)
{
    if (addr_is_private(a) && addr_is_private(b))
        return true;
    return addr_is_v4(a) == addr_is_v4(b) && memcmp(a->bytes, b->bytes, addr_is_v4(a) ? 14 : 4) == 0;
}

/* The host's own parts of the sorted lists, which all go on in the order of the hosts. */
static void slice(struct discovery *d, struct host *host, unsigned *service, unsigned *server,
                  unsigned *client)
{
    host->services = &d->service_list[*service];
    while (*service < d->service_count && addr_equal(&d->service_list[*service].key.addr, &host->addr))
        ++*service;
    host->service_count = (unsigned)(&d->service_list[*service] - host->services);
    host->answered = &d->by_server[*server];
    while (*server < d->talk_count && addr_equal(&d->by_server[*server].key.server, &host->addr))
        ++*server;
    host->answered_count = (unsigned)(&d->by_server[*server] - host->answered);
    host->opened = &d->by_client[*client];
    while (*client < d->talk_count && addr_equal(&d->by_client[*client].key.client, &host->addr))
        ++*client;
    host->opened_count = (unsigned)(&d->by_client[*client] - host->opened);
}

static void look_at_peers(struct host *host)
{
    const struct addr *last = NULL;
    for (unsigned i = 0; i < host->answered_count; i++) {
        const struct talk_key *talk = &host->answered[i].key;
        if (talk->port == 0 || (last && addr_equal(last, &talk->client)))
            continue;
        last = &talk->client;
        host->peers++;
        if (is_near(&host->addr, last))
            host->has_near_peer = true;
        else if (!addr_is_private(last))
            host->has_far_peer = true;
    }
}

static bool order(struct discovery *d)
{
    unsigned service = 0, server = 0, client = 0;
    forget_order(d);
    d->host_count = d->hosts.count;
    d->service_count = d->services.count;
    d->talk_count = d->talks.count;
    d->list = entries_of(&d->hosts, sizeof *d->list, offsetof(struct host, facts), sizeof d->list->facts);
    d->service_list = entries_of(&d->services, sizeof *d->service_list, offsetof(struct service, use),
                                 sizeof d->service_list->use);
    d->by_server =
        entries_of(&d->talks, sizeof *d->by_server, offsetof(struct talk, use), sizeof d->by_server->use);
    d->by_client =
        entries_of(&d->talks, sizeof *d->by_client, offsetof(struct talk, use), sizeof d->by_client->use);
    if (!d->list || !d->service_list || !d->by_server || !d->by_client)
        return false;
    qsort(d->list, d->host_count, sizeof *d->list, by_addr);
    qsort(d->service_list, d->service_count, sizeof *d->service_list, by_service);
    qsort(d->by_server, d->talk_count, sizeof *d->by_server, by_server);
    qsort(d->by_client, d->talk_count, sizeof *d->by_client, by_client);
    for (unsigned i = 0; i < d->host_count; i++) {
        slice(d, &d->list[i], &service, &server, &client);
        look_at_peers(&d->list[i]);
    }
    return true;
}

struct host *discover_find(const struct discovery *d, const struct addr *addr)
{
    struct host wanted = {.addr = *addr};
    return bsearch(&wanted, d->list, d->host_count, sizeof *d->list, by_addr);
}

char *discovery_site_text(struct discovery *d, size_t *size)
{
    d->with_role = 0;
    if (!order(d))
        return NULL;
    discover_servers(d);
    discover_clients(d);
    for (unsigned i = 0; i < d->host_count; i++)
        d->with_role += d->list[i].roles != 0;
    return discover_text(d, size);
}

unsigned discovery_host_count(const struct discovery *d)
{
    return d->with_role;
}
