/* SPDX-License-Identifier: BSD-2-Clause
 *
 * judge_internal.h - what the files of src/judge share: the address-wide facts and who may ask for what.
 */
#ifndef ROLECALL_JUDGE_INTERNAL_H
#define ROLECALL_JUDGE_INTERNAL_H

#include <stddef.h>

#include "rolecall/judge.h"
#include "rolecall/map.h"
#include "rolecall/pool.h"

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };
#define HOUR_NS (INT64_C(3600) * NS_PER_S)
#define DAY_NS  (24 * HOUR_NS)

/* Bounds; what exceeds one is counted, and proves nothing. */
enum {
    ADDRESSES_MAX = 262144,
    LISTENERS_MAX = 65536,
    MAPPED_MAX = 16384,
    MEDIA_ENDS_MAX = 65536,
    SESSIONS_MAX = 65536,
    PAIRS_MAX = 65536,
    EPISODES_MAX = 16384,
    FALLBACKS_MAX = 16384,
    ANSWERED_HOSTS_MAX = 16384,
    FINDINGS_MAX = 8192,
    FINDINGS_LOW_MAX = 6144, /* of them at most so many of low severity: a port scan fills no more */
    PEERS_MAX = 65536,
    PEERS_PER_FINDING_MAX = 16384,
    COVERAGE_PEERS_MAX = 131072,
    PAIR_FINDINGS_MAX = 64, /* findings per address pair; above it, per address (DESIGN 6) */
    REASONS_MAX = 32
};

struct address_facts {
    uint32_t flows, one_way;   /* all its flows, and those in which only the other end was heard */
    uint32_t pair_findings[2]; /* media-port, ipsec-on-media: pairs told of this address */
    uint32_t one_way_over;     /* of those one-way flows, the ones that are over */
    uint8_t ttl_low, ttl_high; /* of its packets but refusals; 0: none yet */
    bool has_sent;
    bool is_anew; /* when it was added, others had just been forgotten: it may have been one of them */
};

/* An address and a port of it; what is kept of one is the time since when it is known. */
struct endpoint_key {
    struct addr addr;
    uint16_t port;
    uint8_t zero[6];
};

/* A TLS session of 1.2 or older; its value is enum proto_tristate: did its full handshake show a client
 * certificate? */
struct session_key {
    struct addr client, server;
    uint32_t session; /* facts->tls.session */
    uint16_t port;    /* the server's */
    uint8_t zero[2];
};

struct pair_key {
    struct addr addr[2]; /* sorted */
};

/* The media of two addresses. */
struct pair {
    int64_t last_clear_media_ns; /* 0: none yet */
    int64_t silent_ns;           /* when media went on after a silence; 0: never */
    uint64_t media_flows, media_lost;
};

/* A client and an Edge, and what became of their TURN. */
struct fallback {
    bool udp_silent, udp_answered, tcp_used;
    bool is_anew; /* as in struct address_facts */
};

/* What an address without a role answers, by roles that would answer so. */
enum { ANSWERED_MAX = 8 };
struct answered {
    uint16_t ports[ANSWERED_MAX];
    role_set roles[ANSWERED_MAX];
    uint8_t count;
};

struct finding_key {
    uint8_t id, protocol, name;
    uint8_t zero;
    uint16_t port;
    uint16_t zero2;
    struct addr addr[2];
};

/* Its value is the next of the same row and entry: the number + 1, 0: none. */
struct coverage_peer_key {
    struct addr addr;
    uint32_t place; /* in judge->coverage */
    uint32_t zero;
};

/* Peers that are not counted yet: the latest COVERAGE_QUEUE of those that came since it was settled. */
enum { COVERAGE_QUEUE = 16 };
struct coverage_peer {
    struct coverage_peer_key key;
    uint64_t hash;
};
struct coverage_queue {
    struct coverage_peer peers[COVERAGE_QUEUE];
    uint64_t next; /* how many came */
};

struct peer_key {
    struct addr addr;
    uint32_t finding;
};

/* What was counted of a living flow, by slot, so that nothing is counted twice and a verdict that turns out
 * otherwise is taken back. Few flows need more than a word of it. */
struct mark {
    uint32_t one_way : 1;           /* counted as such at both its addresses */
    uint32_t refused : 1;           /* a finding of it found no room */
    uint32_t media_counted : 1;     /* among its pair's media flows */
    uint32_t in_episode : 1;        /* one of its episode's live flows */
    uint32_t protected_counted : 1; /* its pair's finding was opened by it: it came in AH or readable ESP */
    uint32_t counted : 27;          /* where the rest is, in judge->counted; 0: nothing */
};
enum { FLOW_SLOTS_MAX = (1 << 27) - 1 };

enum { MARK_FINDINGS_MAX = 3 };
struct counted {
    uint16_t findings[MARK_FINDINGS_MAX]; /* number + 1; 0: none */
    uint16_t silences;
    uint32_t media_lost; /* as counted for its pair */
    uint8_t requests;    /* as counted for its episode */
};

struct reason_count {
    const char *reason;
    uint64_t flows;
};

/* What the sensor sees of itself: sensor.c. */
enum { INTERFACES_MAX = 32 };
struct sensor_interface {
    char name[INTERFACE_NAME_SIZE];
    struct capture_told now, window; /* the latest word; and that of the window's begin */
    int64_t told_ns, window_ns;
    int64_t silent_from_ns; /* with is_silent */
    bool is_silent;         /* and told to be */
};
struct sensor {
    struct sensor_interface interfaces[INTERFACES_MAX];
    unsigned count;
    uint64_t refused;                      /* interfaces past the bound */
    int64_t blind_from_ns, blind_until_ns; /* packets were dropped in here; 0: never */
    uint64_t packets, duplicates, duplicates_told;
    uint64_t streams, torn, torn_told; /* TCP flows with data, and those with holes */
};

struct judge {
    const struct policy *policy;
    void (*told)(void *context, const struct finding *finding);
    void *context;
    void (*episode_over)(void *context, const struct ipsec_episode *episode);
    struct map addresses, listeners, mapped, media_ends, sessions, pairs, episodes, fallbacks, answered,
        findings, peers, coverage_peers;
    struct mark *marks;
    struct pool counted; /* struct counted: as many as there can be flows; pages are touched when needed */
    struct coverage *coverage; /* entries times rows; NULL without a policy */
    struct recent *recent;     /* RECENT_SIZE of them, by this policy */
    struct coverage_queue coverage_queue;
    uint64_t *allow_used;
    unsigned entries, rows;
    struct sensor sensor;
    int64_t hour_ns, minute_ns; /* when judge_tick() last did what is due so often; 0: not yet */
    struct judge_totals totals;
    struct reason_count reasons[REASONS_MAX];
};

/* What was counted of a flow beside its mark; where that is nothing, zeros. */
static inline const struct counted *judge_counted(const struct judge *judge, const struct mark *mark)
{
    return pool_item(&judge->counted, mark->counted); /* item 0 is never handed out */
}
/* The same, to write to. */
struct counted *judge_count(struct judge *judge, struct mark *mark);

/* hosts.c: facts about addresses, end points and pairs */
struct address_facts *judge_address(struct judge *judge, const struct addr *addr, int64_t now_ns);
bool judge_has_sent(const struct judge *judge, const struct addr *addr);
bool judge_is_one_way(const struct judge *judge, const struct addr *addr);
/* Had so few flows, and may have had others that were forgotten, that nothing is known of its directions. */
bool judge_is_hardly_known(const struct judge *judge, const struct addr *addr);
void judge_count_flow(struct judge *judge, const struct judge_flow *in, struct mark *mark);
/* What is new about the flow's hosts: the other side was heard too, or its packets' TTL. */
void judge_heard(struct judge *judge, const struct judge_flow *in, struct mark *mark);
void judge_announce_media(struct judge *judge, const struct addr *addr, uint16_t port, uint8_t modality,
                          int64_t now_ns);
/* `map` is judge->listeners or judge->mapped. */
void judge_add_endpoint(struct map *map, const struct addr *addr, uint16_t port, int64_t now_ns);
int64_t judge_endpoint_since(const struct map *map, const struct addr *addr, uint16_t port);
bool judge_has_endpoint(const struct map *map, const struct addr *addr, uint16_t port);
/* Did this map lately have to forget what may be asked for? Then what it does not know proves nothing. */
bool judge_forgot(const struct map *map, int64_t now_ns);

/* What the full handshake of a TLS session showed holds for its resumptions too (PROTOCOLS 1). */
void judge_keep_session(struct judge *judge, const struct judge_flow *in, unsigned initiator);
enum proto_tristate judge_mutual(const struct judge *judge, const struct flow *flow,
                                 const struct proto_facts *facts, unsigned initiator);

/* direction.c: which side opened a flow, and why we think so. Without a policy, `party` is not asked. */
unsigned judge_direction(const struct judge *judge, const struct flow *flow,
                         const struct policy_party party[2], enum direction_basis *basis);

/* match.c: rows of the matrices against a flow */
struct matched_row {
    uint16_t order;
    bool accepted; /* by protocol too */
    bool decides;
};
struct matched {
    bool decides;          /* at least one of the rows decides */
    bool decides_accepted; /* ... and accepted */
    uint8_t deciding;      /* traits of those that decide: enum row_trait, or-ed */
    uint8_t accepting;     /* ... and accepted */
    enum row_match best;
    unsigned count;
    struct matched_row rows[POLICY_ROWS_MAX]; /* those that matched by port, in file order */
};
/* What was matched lately by the ports, and all that it rests on; `asked` is 0 where nothing is kept. */
enum { RECENT_SIZE = 256, RECENT_ROWS = 7, MATCHED_HEAD = offsetof(struct matched, rows) };
struct recent {
    role_set from, to;
    uint64_t asked; /* where the ports stand, transport, name */
    uint8_t matched[MATCHED_HEAD + RECENT_ROWS * sizeof(struct matched_row)];
};
/* Every deciding row that accepts TLS is mtls alone; and there is one. */
static inline bool match_all_mtls(const struct matched *matched)
{
    return (matched->deciding & (ROW_TAKES_TLS | ROW_TAKES_ANY_TLS)) == ROW_TAKES_TLS;
}
void match_begin(struct matched *out);
/* The row among those that matched; NULL: it is none of them. */
const struct matched_row *match_find(const struct matched *matched, unsigned order);
void match_ports(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                 struct matched *out);
/* The same into an empty one, from memory where the same was asked lately. */
void match_ports_recent(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                        struct matched *out);
bool match_has_media_rows(const struct judge *judge, const struct policy_party *party);
/* Adds the party's media rows that hold its own port; false: none does. */
bool match_media(const struct judge *judge, const struct flow *flow, unsigned side,
                 const struct policy_party *party, bool accept, struct matched *out);
/* Does a row of the party's roles answer on this port with this protocol? */
bool match_answers(const struct judge *judge, const struct policy_party *party,
                   enum proto_transport transport, uint16_t port, enum proto_id name);
/* A DCE/RPC flow to a port that may have been handed out, for all that is still known. */
bool match_may_be_learned(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                          int64_t now_ns);
bool match_learned(const struct judge *judge, const struct flow *flow, const struct verdict *verdict,
                   struct matched *out);
void match_list(const struct judge *judge, const struct matched *matched, struct verdict *verdict);
void match_accept_none(struct matched *matched);
const struct matrix_row *match_nearest(const struct judge *judge, const struct flow *flow,
                                       const struct verdict *verdict);
bool match_ipsec(const struct judge *judge, const struct flow *flow, struct verdict *verdict);

/* verdict.c */
void judge_verdict(const struct judge *judge, const struct flow *flow, const struct proto_facts *facts,
                   int64_t now_ns, bool ended, enum flow_end end, struct verdict *out);
enum proto_transport judge_transport(const struct flow *flow);
bool judge_is_ipsec(const struct flow *flow);
bool judge_is_media(const struct flow *flow);

void judge_verdict_ipsec(const struct judge *judge, const struct flow *flow, struct verdict *out);

/* ipsec.c: pairs of addresses */
void ipsec_note(struct judge *judge, const struct judge_flow *in, struct mark *mark, bool is_over);
void ipsec_flow_over(struct judge *judge, const struct judge_flow *in, struct mark *mark);
void ipsec_age(struct judge *judge, int64_t now_ns); /* episodes that are over are told and let go */
void ipsec_settle(struct judge *judge);              /* the last word on every pair */
void ipsec_finish(struct judge *judge);              /* ... is told */
bool ipsec_has_authip(const struct judge *judge, const struct flow *flow);
bool ipsec_has_media(const struct judge *judge, const struct flow *flow);
const struct ipsec_episode *ipsec_episode_of(const struct judge *judge, const struct flow *flow);

/* reason.c: verdicts in words */
void reason_write(const struct judge *judge, const struct judge_flow *in, struct finding *finding);

/* findings.c */
void findings_count(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                    struct mark *mark);
void findings_flow_over(struct judge *judge, const struct mark *mark);
void findings_seen(struct judge *judge, const struct judge_flow *in, const struct mark *mark);
void findings_age(struct judge *judge, int64_t now_ns); /* tells what is news, closes what is quiet */
void findings_close(struct judge *judge, int64_t now_ns);
void findings_protected(struct judge *judge, const struct judge_flow *in, struct mark *mark);
void findings_ipsec_changed(struct judge *judge, const struct judge_flow *in, const struct pair_key *pair,
                            const struct ipsec_episode *episode);

/* A flow of a finding; its number + 1, or 0: no room. `already`: how many it counts where it opens. */
uint16_t findings_add(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                      const struct finding_key *key, uint64_t already);

/* sight.c: findings that rest on many flows */
void sight_flow_over(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict);

/* A finding of the sensor's own, counted by its caller; NULL: no room. The caller writes the sentences where
 * it *opens, and has it told. */
struct finding *findings_sensor(struct judge *judge, const struct finding_key *key, const char *interface,
                                int64_t now_ns, bool *opens);
void findings_sensor_told(struct judge *judge, struct finding *finding, bool opens);
/* What it told of has passed: it is closed and gone. */
void findings_sensor_over(struct judge *judge, struct finding *finding, int64_t now_ns);

/* sensor.c: what the capture loses and repeats */
void sensor_flow_over(struct judge *judge, const struct judge_flow *in);
bool sensor_was_blind(const struct judge *judge, int64_t from_ns, int64_t until_ns);
void sensor_window(struct judge *judge);
void sensor_finish(struct judge *judge, int64_t now_ns);

/* coverage.c */
void coverage_settle(struct judge *judge); /* before anybody asks for peers */
void coverage_forget_peers(struct judge *judge);
void coverage_count(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict);

#endif
