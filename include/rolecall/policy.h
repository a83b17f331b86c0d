/* SPDX-License-Identifier: BSD-2-Clause
 *
 * policy.h - rules and site compiled into what the judge asks.
 *
 * Life: rules_load() reads the matrix files, site_load() a site file against them, policy_create() compiles
 * both into an immutable struct policy; after that every function here is a pure, allocation-free look-up
 * that any number of threads may share. The rules and the site must outlive the policy.
 *
 * Roles are bits: at most 64 in one run, `any` is no role. An address has *direct* roles (its host entry,
 * else the longest matching prefix) and *all* roles (the direct ones and everything they are: DESIGN 3,
 * `is`).
 */
#ifndef ROLECALL_POLICY_H
#define ROLECALL_POLICY_H

#include "rolecall/addr.h"
#include "rolecall/proto.h"

struct rules;
struct site;
struct policy;

typedef uint64_t role_set;

enum row_direction { ROW_INBOUND, ROW_OUTBOUND, ROW_EITHER, ROW_MEDIA, ROW_IPSEC };

struct port_range {
    uint16_t low, high; /* inclusive */
};

enum { ROW_WORDS_MAX = 4 };

/* A list of a row, as its file writes it. */
struct row_words {
    const char *at[ROW_WORDS_MAX];
    uint8_t count;
};

/* One line of a document's table, as its matrix file gives it. Strings live as long as the rules. */
struct matrix_row {
    const char *id; /* "skype-for-business-server/server-ports/3" */
    const char *matrix, *table, *from, *to, *service, *documented, *condition, *when, *purpose, *note;
    const char *application_source;
    enum row_direction direction;
    bool own_port;
    bool any_port;      /* ipsec rows */
    uint8_t transports; /* enum proto_transport, or-ed */
    uint8_t modality;   /* enum modality of a media row; MODALITY_UNKNOWN: any */
    uint8_t range_count;
    struct port_range ranges[ROW_WORDS_MAX];
    bool accepts_anything;  /* application tcp or udp */
    bool accepts_mtls_only; /* lists mtls and not tls */
    bool accepts_tls;       /* lists tls or mtls */
    uint64_t accepts;       /* bit per enum proto_id */
    struct row_words port_words, transport_words, application_words;
    uint16_t order; /* place among all rows of the run: matrices in site order, then file order */
};

/* What the application column of a row says, as verdicts ask it. */
enum row_trait {
    ROW_TAKES_ANYTHING = 1 << 0,
    ROW_TAKES_XMPP = 1 << 1,
    ROW_TAKES_SIP = 1 << 2,    /* in clear; also where it takes anything */
    ROW_TAKES_TLS = 1 << 3,    /* or mtls */
    ROW_TAKES_ANY_TLS = 1 << 4 /* not mtls alone */
};

/* A row as it holds for one role of this site: ports moved, ranges replaced, peer narrowed. */
struct policy_row {
    const struct matrix_row *row;
    uint64_t passes; /* bit per enum proto_id of a flow that it accepts; also for PROTO_UNIDENTIFIED */
    uint16_t order;  /* as in `row` */
    uint8_t traits;  /* enum row_trait, or-ed */
    struct port_range ranges[8];
    uint8_t range_count;
    bool replaced;       /* ranges come from the site's media_ports or ports */
    bool peer_any;       /* the other end may be anyone */
    bool peer_external;  /* the other end may be an address without a role (DESIGN 3, `external`) */
    role_set peer_roles; /* else it must have one of these */
};

enum { POLICY_ROWS_MAX = 512 };

/* The rows of one direct role, each list in file order. */
struct policy_role {
    const char *name, *title;
    bool server, strict_outbound;
    role_set all;                     /* itself and what it is */
    const struct policy_row *answers; /* inbound, and either: this role's host answers on these ports */
    const struct policy_row *opens;   /* outbound, and either: this role's host connects to these ports */
    const struct policy_row *media;
    const struct policy_row *ipsec;
    uint16_t answers_count, opens_count, media_count, ipsec_count;
    uint64_t holds[POLICY_ROWS_MAX / 64]; /* bit per row, by its order: it stands in one of the lists */
};

/* The lists of a role by port; POLICY_OPENS_OWN are those of `opens` whose range may be the opener's own. */
enum policy_list { POLICY_ANSWERS, POLICY_OPENS, POLICY_OPENS_OWN, POLICY_MEDIA, POLICY_LISTS };

/* A row that holds a port, and the first of its ranges that does. */
struct policy_port_row {
    const struct policy_row *row;
    struct port_range range;
};
struct policy_port_rows {
    const struct policy_port_row *at;
    unsigned count;
};

/* Who an address is. */
struct policy_party {
    role_set direct, all;
    bool is_server;       /* one of them is a server role */
    bool is_outsider;     /* has roles, and every file that declares them calls them external */
    bool strict_outbound; /* one of them is strict, or a server's is and the site says so */
    bool never_prefixed;  /* multicast, broadcast, link-local, unspecified: took no role from a prefix */
    int32_t entry;        /* index for policy_entry(), -1: the site does not know this address */
};

/* A host, or a network: what coverage counts by. */
struct policy_entry {
    const char *name;
    bool is_network;
    role_set direct;
};

/* NULL: out of memory, or the site's matrices have more than POLICY_ROWS_MAX rows. */
struct policy *policy_create(const struct rules *rules, const struct site *site);
void policy_destroy(struct policy *policy);

struct policy_party policy_party_of(const struct policy *policy, const struct addr *addr);
const struct policy_entry *policy_entry(const struct policy *policy, int32_t index); /* NULL past the end */

/* Roles by bit number, 0 to policy_role_count() - 1. */
unsigned policy_role_count(const struct policy *policy);
const struct policy_role *policy_role(const struct policy *policy, unsigned bit);

/* The rows in a list of a role, by its bit number, that have this transport and hold this port: in file
 * order. One transport, TCP or UDP. */
struct policy_port_rows policy_rows_at(const struct policy *policy, unsigned role, enum policy_list list,
                                       enum proto_transport transport, uint16_t port);

/* All ports of one interval are held by the same rows, whatever the role; numbered from 0. */
unsigned policy_interval(const struct policy *policy, uint16_t port);

/* Rows in force (features and load balancing applied), by `order`; NULL where the row is off. */
unsigned policy_row_count(const struct policy *policy);
const struct matrix_row *policy_row_by_order(const struct policy *policy, unsigned order);

/* The first allow entry that lets this pass, or -1. Ports of the responder; time: the flow's first packet. */
int policy_allows(const struct policy *policy, const struct addr *initiator, const struct addr *responder,
                  enum proto_transport transport, uint16_t port, int64_t time_ns);
const char *policy_allow_name(const struct policy *policy, int index);
unsigned policy_allow_count(const struct policy *policy);

enum ipsec_mode { IPSEC_TABLE, IPSEC_MEDIA_ONLY };
struct policy_settings {
    const char *site_name;
    uint16_t min_tls; /* 0x0301 .. 0x0304 */
    enum ipsec_mode ipsec;
};
const struct policy_settings *policy_settings(const struct policy *policy);

/* The site's word on a finding id: muted, and its severity (the given one where the site does not re-grade).
 */
bool policy_is_muted(const struct policy *policy, const char *finding);
int policy_severity(const struct policy *policy, const char *finding, int severity);

/* Document reference of a row's matrix, for events: its id and its URL. */
const char *policy_matrix_reference(const struct policy *policy, const char *matrix);

#endif
