/* SPDX-License-Identifier: BSD-2-Clause
 *
 * judge.h - from what is known of a flow, and of its addresses, to a verdict and findings (DESIGN 5 to 8).
 *
 * The judge is the one place where facts about addresses, pairs, findings and coverage are kept. It is fed in
 * packet order by one thread: judge_begin() when a flow starts, judge_note() when something about it changed,
 * judge_trouble() when its media suffers, judge_end() when it is over, judge_learn() when a payload spoke of
 * another flow. The verdict itself is a
 * pure function of the flow, the address-wide facts so far and the policy: no clock, no files. Findings that
 * open or change are handed to `told` at once; judge_finish() closes them.
 */
#ifndef ROLECALL_JUDGE_H
#define ROLECALL_JUDGE_H

#include "rolecall/flow.h"
#include "rolecall/policy.h"

enum verdict_status {
    VERDICT_PASS,
    VERDICT_FAIL,
    VERDICT_EXEMPT,
    VERDICT_INCONCLUSIVE,
    VERDICT_OUT_OF_SCOPE,
    VERDICT_COUNT
};
const char *verdict_status_name(enum verdict_status status);

enum finding_id {
    FINDING_UNEXPECTED_PORT,
    FINDING_UNEXPECTED_OUTBOUND,
    FINDING_UNEXPECTED_PROTOCOL,
    FINDING_MEDIA_PORT,
    FINDING_MUTUAL_TLS_MISSING,
    FINDING_BLOCKED_PORT,
    FINDING_IPSEC_ON_MEDIA,
    FINDING_WEAK_TLS,
    FINDING_PLAINTEXT_SIP,
    FINDING_MEDIA_FALLBACK,
    FINDING_UNDECLARED_SERVER,
    FINDING_ONE_WAY_CAPTURE,
    FINDING_CAPTURE_LOSS,
    FINDING_CAPTURE_SILENT,
    FINDING_DUPLICATE_PACKETS,
    FINDING_COUNT
};
const char *finding_id_name(enum finding_id id);  /* "unexpected-port" */
const char *finding_id_title(enum finding_id id); /* one line for people and rule.name */

/* What the direction of a flow rests on, strongest first (DESIGN 5.1). */
enum direction_basis {
    BASIS_SYN,
    BASIS_PROTOCOL,
    BASIS_LISTENER,
    BASIS_MATRIX,
    BASIS_PORT,
    BASIS_FIRST_PACKET
};
const char *direction_basis_name(enum direction_basis basis);

enum row_match { MATCH_NONE, MATCH_SPECIFIC, MATCH_RANGE, MATCH_VACUOUS, MATCH_LEARNED };
const char *row_match_name(enum row_match match);

enum { VERDICT_ROWS_MAX = 48 };

struct verdict {
    enum verdict_status status;
    enum direction_basis basis;
    uint8_t initiator; /* side of the flow */
    uint8_t mutual; /* enum proto_tristate, of TLS: also where a resumed session rests on an earlier flow */
    enum row_match match;
    uint8_t row_count, accepted_count;
    const struct matrix_row *rows[VERDICT_ROWS_MAX]; /* those that accepted first, each part in file order */
    uint64_t deciding; /* bit per place in `rows`: it decides; the others are only listed (DESIGN 5.3) */
    const struct matrix_row *nearest; /* by port, where none matched; NULL: none */
    const char *application_check;    /* "ok", "unknown", or NULL where no row accepted the flow */
    const char *outcome; /* "established", "attempted", "refused", "silent", "unreachable", or NULL */
    const char *reason;  /* why it is inconclusive, or NULL */
    uint32_t findings;   /* bit per enum finding_id */
    int16_t allow;       /* the site's entry that exempts it, -1: none */

    struct policy_party party[2]; /* by side */
};

/* IPsec between two addresses (DESIGN 7). Times are 0 where nothing of the kind was seen. */
enum ipsec_negotiation { IPSEC_NONE, IPSEC_IKEV1, IPSEC_IKEV2, IPSEC_AUTHIP };
enum ipsec_state { IPSEC_UNANSWERED, IPSEC_NEGOTIATING, IPSEC_FELL_BACK, IPSEC_PROTECTED };
enum { IPSEC_SPI_MAX = 8 };
struct ipsec_episode {
    enum ipsec_negotiation negotiation;
    enum ipsec_state state;
    bool answered, nat_t, esp_null;
    bool media_affected;         /* media was lost or silent meanwhile, or began after the first request */
    bool media_running;          /* media that began before the episode went on in it */
    uint8_t spi_count, rekeys;   /* rekeys: how often the side that did so most often took new keys */
    uint8_t sent[2];             /* SPIs of each side, among those listed */
    uint32_t spi[IPSEC_SPI_MAX]; /* in order of appearance, the first ones */
    uint32_t requests;           /* messages of the initiator until the first answer */
    int64_t first_request_ns, last_request_ns, first_protected_ns;
    int64_t media_start_ns; /* first media packet that could be read, not before the first request */
    uint64_t media_flows, media_lost;
    struct flow flow;       /* the first of the pair that was IPsec */
    struct verdict verdict; /* at the end: the exemption rows, fail or out-of-scope */

    /* The judge's own. */
    uint32_t live_flows;
    uint64_t lost_before;  /* of the pair's media, when the episode began */
    int64_t lost_since_ns; /* since when more than that is lost; 0: is not */
};

enum { FINDING_FLOWS_MAX = 4 };

enum finding_state { FINDING_OPEN, FINDING_UPDATE, FINDING_CLOSE };

/* How a blocked port showed itself (DESIGN 5.4). An RST whose TTL is not among those of the host's other
 * packets was sent by something on the way, in the host's name (PROTOCOLS 18.4). */
enum refusal_kind { REFUSAL_NONE, REFUSAL_RST, REFUSAL_ICMP, REFUSAL_SILENCE };
struct refusal {
    enum refusal_kind kind;
    uint8_t ttl;               /* of the RST */
    uint8_t ttl_low, ttl_high; /* of the host's other packets; 0: none was seen */
    struct addr icmp_sender;   /* all zero: not known */
    uint8_t icmp_type, icmp_code;
    uint8_t tries;
    int64_t span_ns; /* from the first try to the last */
};
enum proto_tristate refusal_fits_host(const struct refusal *refusal); /* of an RST; else TRI_UNKNOWN */

/* One finding, with the flow that opened it. The sensor's own (is_sensor) have no flow and no verdict. */
enum { INTERFACE_NAME_SIZE = 16 }; /* Linux: IFNAMSIZ */
struct finding {
    enum finding_id id;
    enum finding_state state;
    uint64_t fingerprint; /* stable from run to run */
    uint64_t count;       /* see finding_unit() */
    uint64_t peers;       /* distinct other ends */
    bool peers_at_least;  /* more than could be told apart */
    int64_t first_seen_ns, last_seen_ns;
    int severity; /* after the site's word */
    bool muted;
    struct flow flow;                         /* as it was when the finding opened or rose */
    struct flow_key flows[FINDING_FLOWS_MAX]; /* its first flows, for whoever gathers evidence */
    uint8_t flow_count;
    bool is_pair; /* of two addresses, whatever they speak */
    bool is_sensor;
    char interface[INTERFACE_NAME_SIZE]; /* with is_sensor; "": the capture as a whole */
    struct verdict verdict;
    struct refusal refusal; /* of blocked-port */
    bool has_episode;
    struct ipsec_episode episode; /* of ipsec-on-media, as it stood when the finding was told */
    char reason[512];             /* one sentence: what was seen and what the document allows */
    char advice[256];

    /* The judge's own. */
    int64_t told_ns, told_seen_ns; /* when it was last told, and last_seen_ns as it was then */
    uint64_t told_count;
    uint32_t live_flows; /* flows that are not over and count in it */
    uint32_t first_peer; /* of its peers' list; 0: none */
};

const char *finding_unit(const struct finding *finding); /* what `count` counts: "flow", "packet" ... */

/* Coverage of one row at one host or network (DESIGN 8). */
struct coverage {
    uint64_t flows, bytes, violated, blocked;
    int64_t first_ns, last_ns;
    uint32_t peers;      /* distinct other ends of all those flows; after judge_reload() of those since */
    uint32_t first_peer; /* the judge's own */
    bool peers_at_least; /* more than could be told apart */
};

struct judge_options {
    const struct policy *policy; /* NULL: nothing is judged, directions and addresses are kept all the same */
    uint32_t flow_slots;         /* flows that can be alive at once: slots are below it */
    void (*told)(void *context, const struct finding *finding);
    /* An episode is over, or the input is: told once for each pair. May be NULL. */
    void (*episode_over)(void *context, const struct ipsec_episode *episode);
    void *context;
};

struct judge;
struct judge *judge_create(const struct judge_options *options);
void judge_destroy(struct judge *judge);
size_t judge_memory(const struct judge_options *options);

/* `slot` names the flow among the living ones. `now_ns`: time of the packet that caused the call. */
struct judge_flow {
    const struct flow *flow;
    const struct proto_facts *facts;
    uint32_t slot;
    int64_t now_ns;
    unsigned step;           /* enum flow_step of that packet */
    struct addr icmp_sender; /* with FLOW_UNREACHABLE, in the call that brings it */
};

/* Brings what is kept of a flow into the cache, ahead of the other calls. */
void judge_prefetch(const struct judge *judge, uint32_t slot);
/* The same for what is known of its addresses and their pair, in two calls with some time between them.
 * Addresses are asked about when the flow begins, when its other side is first heard, and at its end if that
 * was never. */
struct judge_ends {
    uint64_t addr[2], pair; /* hashes */
    bool has_addr, has_pair;
};
void judge_prefetch_ends(const struct judge *judge, const struct flow_key *key, bool with_addresses,
                         struct judge_ends *ends);
void judge_prefetch_near(const struct judge *judge, const struct judge_ends *ends);
void judge_begin(struct judge *judge, const struct judge_flow *in);
void judge_note(struct judge *judge, const struct judge_flow *in);
/* A flow's media was lost or silent, or what was lost settled: of concern to its pair alone. */
void judge_trouble(struct judge *judge, const struct judge_flow *in);
/* A flow goes on: what would be said of it now. It counts as seen; nothing else is counted. */
void judge_look(struct judge *judge, const struct judge_flow *in, struct verdict *verdict);
/* The last word on a flow; fills *verdict. */
void judge_end(struct judge *judge, const struct judge_flow *in, enum flow_end end, struct verdict *verdict);
void judge_learn(struct judge *judge, const struct judge_flow *in, unsigned speaker_side,
                 const struct proto_learned *learned);

/* Has SDP or a relay announced one end of this UDP flow as a media end point? And of which enum modality? */
bool judge_expects_media(const struct judge *judge, const struct flow *flow, uint8_t *modality);

/* What the live capture says of one of its interfaces, counted since it was opened. Called about once a
 * second, drops or not; capture-loss and capture-silent come from it, and silence that overlaps with drops
 * is no `blocked-port`. `interface` lives as long as the call. */
struct capture_told {
    const char *interface;
    uint64_t received;          /* handed to the program: drops not counted */
    uint64_t dropped_ring;      /* in the kernel, for want of room */
    uint64_t dropped_interface; /* by the card or its driver */
    int64_t silent_ns;          /* since its last packet, or since it was opened */
    int64_t silence_ns;         /* how long is told as silence; 0: 60 s */
};
void judge_capture(struct judge *judge, const struct capture_told *told, int64_t now_ns);

/* Live only, about once a second; `now_ns` never goes back. Findings of which something new was seen are told
 * once per hour, those not seen for a day are closed, episodes that are over are told, and what is old is
 * forgotten. True once per hour: coverage is due. */
bool judge_tick(struct judge *judge, int64_t now_ns);
/* Another policy from here on. Nothing of the old one is pointed to any more when it returns true; findings,
 * facts and coverage stay. The caller then has every living flow looked at by judge_note(). False: out of
 * memory, and nothing has changed. */
bool judge_reload(struct judge *judge, const struct policy *policy);
void judge_finish(struct judge *judge, int64_t now_ns); /* closes the findings */

/* Results. */
struct judge_totals {
    uint64_t flows, by_status[VERDICT_COUNT];
    uint64_t unidentified_pass; /* passed by port alone */
    uint64_t findings_refused;  /* flows that found no room for another finding */
};
const struct judge_totals *judge_totals(const struct judge *judge);
const struct finding *judge_finding(const struct judge *judge,
                                    uint32_t number); /* in order of opening; NULL past the end. Not after
                                                         judge_tick(): what was closed is gone */
const struct coverage *judge_coverage(const struct judge *judge, int32_t entry,
                                      unsigned row_order); /* NULL: not held */
/* The peers of a coverage, the latest first: NULL past the end. `*at` is 0 before the first call. */
const struct addr *judge_coverage_peer(const struct judge *judge, const struct coverage *coverage,
                                       uint32_t *at);
uint64_t judge_allow_used(const struct judge *judge, unsigned allow);
/* What did not fit into the judge's memory, by name; numbers are below the count. */
unsigned judge_counter_count(void);
const char *judge_counter(const struct judge *judge, unsigned number, uint64_t *value);
/* Reasons why flows were inconclusive, with how many; NULL past the end. */
const char *judge_inconclusive(const struct judge *judge, unsigned number, uint64_t *flows);

#endif
