/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover_internal.h - what the files of discovery share: what was gathered, put in order, and what was
 * concluded.
 *
 * discover.c gathers flows and puts them in order, discover_roles.c concludes roles, discover_text.c writes
 * the site.
 */
#ifndef ROLECALL_DISCOVER_INTERNAL_H
#define ROLECALL_DISCOVER_INTERNAL_H

#include "rolecall/discover.h"
#include "rolecall/map.h"

/* Something a host answers, whoever asked. Bytes of a map's key: padding is zero. */
struct service_key {
    struct addr addr;
    uint16_t port;
    uint8_t transport; /* enum proto_transport */
    uint8_t name;      /* enum proto_id */
    uint8_t zero[4];
};

/* Who spoke with whom, on a documented port; port 0: media, whichever ports they took. */
struct talk_key {
    struct addr client, server;
    uint16_t port;
    uint8_t transport, name;
    uint8_t zero[4];
};

struct use {
    uint32_t flows, mutual; /* mutual: TLS with a client certificate */
};

struct service {
    struct service_key key;
    struct use use;
};

struct talk {
    struct talk_key key;
    struct use use;
};

/* What was gathered of one address besides services and talks. */
struct host_facts {
    struct port_range media[2]; /* lowest and highest own media port, TCP and UDP; 0: none */
    uint32_t other_services;    /* answered on undocumented ports and not kept, because there were too many */
    uint16_t kept_services;     /* answered on undocumented ports and kept */
    bool uc_dhcp;               /* asked DHCP with the vendor class of a unified communications client */
};

enum confidence { CONFIDENCE_NONE, CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

struct host {
    struct addr addr;
    struct host_facts facts;
    const struct service *services;       /* by transport, port, name */
    const struct talk *answered, *opened; /* by the other end's address; answered without media */
    unsigned service_count, answered_count, opened_count;
    unsigned peers; /* addresses it answered on documented ports */
    bool
        has_near_peer; /* one of them is in the same organisation's address space, as far as addresses tell */
    bool has_far_peer; /* one of them is out on the Internet */

    role_set roles;
    role_set maybe; /* roles that would explain everything documented that it answers */
    unsigned score;
    enum confidence confidence;
    bool is_partner; /* an Edge Server of somebody else */
    bool is_client;
};

struct discovery {
    const struct rules *rules;
    uint64_t answers_documented[2][1024]; /* TCP, UDP: bit per port that an inbound row names alone */
    uint64_t opens_documented[2][1024];   /* that an outbound row names alone */
    struct map hosts, services, talks;

    /* Made of the maps by discover_order(). */
    struct host *list; /* by address */
    struct service *service_list;
    struct talk *by_server, *by_client;
    unsigned host_count, service_count, talk_count, with_role;
};

bool discover_is_documented(const struct discovery *discovery, unsigned transport, uint16_t port);
struct host *discover_find(const struct discovery *discovery, const struct addr *addr); /* after ordering */

/* discover_rows.c */
int discover_role(const struct discovery *discovery, const char *name); /* its bit; -1: the rules have none */
role_set discover_bit(const struct discovery *discovery, const char *name);
role_set discover_all(const struct discovery *discovery, role_set roles); /* and what they are */
role_set discover_outside(const struct discovery *discovery); /* roles that stand on the Internet */
bool discover_has(const struct discovery *discovery, const struct host *host,
                  const char *role); /* is it one? */
/* Does an inbound row of the role name this port alone, and accept what was spoken? */
bool discover_accepts(const struct discovery *discovery, int role, const struct service_key *service);
role_set discover_explains(const struct discovery *discovery, const struct service_key *service);
role_set discover_explaining(const struct discovery *discovery, const struct host *host);
bool discover_is_everyday(const struct service_key *service); /* many other servers answer there as well */

/* discover_roles.c */
void discover_servers(struct discovery *discovery);
enum confidence discover_confidence(unsigned points, enum confidence at_most);

/* discover_clients.c; after the servers */
void discover_clients(struct discovery *discovery);

/* discover_text.c; NULL: out of memory */
char *discover_text(const struct discovery *discovery, size_t *size);

static inline unsigned discover_transport_index(unsigned transport)
{
    return transport == OVER_TCP ? 0 : 1;
}

#endif
