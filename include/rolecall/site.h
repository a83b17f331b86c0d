/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site.h - the operator's description of a site: who has which address and which role, and what differs here
 * from the documents.
 *
 * site_load() reads a file, site_from_text() the same JSON from memory (a discovered site); both check
 * against the rules and give NULL after a mistake. The struct is open: discovery may start from
 * site_create(), fill in hosts and networks with memory from site_take(), and hand it to policy_create().
 * Texts belong to the site; rows and roles point into the rules, which must outlive it. Lists are pointer and
 * count; NULL and 0 where empty.
 */
#ifndef ROLECALL_SITE_H
#define ROLECALL_SITE_H

#include "rolecall/json_in.h"
#include "rolecall/policy.h"

struct site_host {
    const char *name; /* its first address where the file gives no name */
    struct addr *addresses, *translated;
    unsigned address_count, translated_count;
    role_set roles;
};

struct site_network {
    const char *name;
    struct prefix *prefixes;
    unsigned prefix_count;
    role_set roles;
};

/* media_ports of one role; a modality that is not given has low 0. */
struct site_media_ports {
    unsigned role; /* bit */
    struct port_range ranges[MODALITY_COUNT];
};

struct site_moved_port {
    unsigned role; /* bit */
    struct port_range documented, moved;
};

struct site_narrowed {
    const struct matrix_row *row;
    role_set roles;
};

/* One end of an allow entry: an address in one of the prefixes, or one that has one of the roles. */
struct site_end {
    struct prefix *prefixes;
    unsigned prefix_count;
    role_set roles;
    bool anyone;
};

struct site_allow {
    const char *name, *reason;
    struct site_end from, to;
    uint8_t transports;       /* enum proto_transport, or-ed */
    struct port_range *ports; /* none: every port */
    unsigned port_count;
    const char *expires; /* "2027-01-31", or NULL */
    int64_t expires_ns;  /* the first moment after that day, UTC; INT64_MAX without */
};

struct site_severity {
    const char *finding;
    int severity;
};

struct keep;

struct site {
    const char *file; /* as told in warnings */
    const char *name;
    const struct matrix **matrices; /* in the order in which they are asked; a caller may replace the list */
    unsigned matrix_count;
    const char *load_balancing; /* "hardware", "dns" or "" */
    bool all_features;          /* the site names none: all are on */
    const char **features;
    unsigned feature_count;
    struct site_host *hosts;
    unsigned host_count;
    struct site_network *networks;
    unsigned network_count;
    struct site_media_ports *media_ports;
    unsigned media_ports_count;
    struct site_moved_port *ports;
    unsigned port_count;
    struct site_narrowed *narrow;
    unsigned narrow_count;
    struct site_allow *allow;
    unsigned allow_count;
    const char **mute;
    unsigned mute_count;
    struct site_severity *severity;
    unsigned severity_count;
    enum ipsec_mode ipsec;
    uint16_t min_tls; /* 0x0301 .. 0x0304 */
    bool strict_outbound;
    /* Members of hosts, networks, media_ports and allow stand in the order of the file. */
    struct json_in *document; /* NULL when no file stands behind it */
    struct keep *keep;
};

struct matrix;

struct site *site_load(const char *path, const struct rules *rules, struct mistakes *mistakes);
struct site *site_from_text(const char *name, const char *text, size_t size, const struct rules *rules,
                            struct mistakes *mistakes);
/* An empty site with all defaults. NULL (and a mistake) when the rules lack the default matrices. */
struct site *site_create(const struct rules *rules, struct mistakes *mistakes);
void site_free(struct site *site);

void *site_take(struct site *site, size_t count, size_t size); /* zeroed, lives as long as the site */
const char *site_keep(struct site *site, const char *text);    /* a copy that does */

/* What is no mistake but probably not meant (DESIGN 4). `now_ns` tells which allow entries have expired. */
void site_lint(const struct site *site, const struct rules *rules, int64_t now_ns, struct mistakes *warnings);

/* The ids of DESIGN 6, ending with NULL. */
extern const char *const finding_ids[];

#endif
