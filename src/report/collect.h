/* SPDX-License-Identifier: BSD-2-Clause
 *
 * collect.h - what a report keeps of its events: sums, and the first so many of each kind. Every bound has a
 * counter of what found no room, so that the page can say so. Private to src/report: collect.c fills it, the
 * pages read it.
 */
#ifndef ROLECALL_REPORT_COLLECT_H
#define ROLECALL_REPORT_COLLECT_H

#include "event_in.h"
#include "rolecall/map.h"
#include "rolecall/report.h"
#include "rolecall/rules.h"

enum {
    FINDINGS_MAX = 1024,
    BEHIND_MAX = 8, /* flows kept of a finding */
    HOSTS_MAX = 512,
    ROWS_MAX = 1024,
    LINKS_MAX = 512,
    STRIPS_MAX = 64,
    EPISODES_MAX = 512,
    REASONS_MAX = 64,
    COUNTERS_MAX = 96,
    RANGES_MAX = 32,
    FINDING_ROWS_MAX = 6,
    LINK_FINDINGS_MAX = 4
};
/* Sizes of kept texts, with their NUL; longer ones end with an ellipsis. */
enum { WORD_SIZE = 40, IP_SIZE = 46, NAME_SIZE = 128, ROLES_SIZE = 192, ROW_SIZE = 96, SENTENCE_SIZE = 272 };

enum flow_status {
    FLOW_PASS,
    FLOW_FAIL,
    FLOW_EXEMPT,
    FLOW_INCONCLUSIVE,
    FLOW_OUT_OF_SCOPE,
    FLOW_STATUS_COUNT
};
extern const char *const flow_status_names[FLOW_STATUS_COUNT];

struct party {
    char ip[IP_SIZE], name[NAME_SIZE], roles[ROLES_SIZE]; /* roles: "front-end + mediation"; "" none */
    unsigned port;                                        /* 0: none */
};

struct behind {
    int64_t first_ns, last_ns;
    char source_ip[IP_SIZE], destination_ip[IP_SIZE], transport[WORD_SIZE], protocol[WORD_SIZE],
        status[WORD_SIZE];
    char end_reason[WORD_SIZE], said[NAME_SIZE]; /* said: a captured name: SNI, HTTP host, SIP method ... */
    unsigned source_port, destination_port;
    uint64_t source_packets, destination_packets, bytes;
};

struct episode {
    struct party source, destination;
    char negotiation[WORD_SIZE], state[WORD_SIZE], status[WORD_SIZE];
    int64_t first_ns, protected_ns;
    int64_t negotiation_tenths, media_tenths; /* tenths of a millisecond; -1: not known */
    uint64_t requests, media_flows, media_lost;
};

struct finding_in {
    char fingerprint[WORD_SIZE], id[WORD_SIZE], title[NAME_SIZE], reason[SENTENCE_SIZE],
        advice[SENTENCE_SIZE];
    char reference[SENTENCE_SIZE], transport[WORD_SIZE], protocol[WORD_SIZE], outcome[WORD_SIZE],
        confidence[WORD_SIZE];
    struct party source, destination;
    char rows[FINDING_ROWS_MAX][ROW_SIZE];
    unsigned row_count, rows_more;
    bool rows_are_near; /* no row allows it: `rows` holds the nearest */
    unsigned severity;
    uint64_t count, peers;
    int64_t first_ns, last_ns;
    bool has_episode;
    struct episode episode;
    struct behind behind[BEHIND_MAX];
    unsigned behind_count;
    uint64_t behind_flows; /* all flows of this finding that there were events of */
};

enum cell {
    CELL_NOT_SEEN = 1,
    CELL_SEEN = 2,
    CELL_BLOCKED = 4,
    CELL_VIOLATED = 8
}; /* or-ed; 0: not its row */

struct row_in {
    char id[ROW_SIZE];
    const struct matrix_row *row; /* NULL: the rules do not have it */
    uint32_t matrix;              /* number of the row by which its matrix was first named */
    uint32_t order;               /* within the matrix: as the rules have it, others as they came */
};

struct media_range {
    char modality[WORD_SIZE];
    unsigned low, high;
};

struct host_in {
    char name[NAME_SIZE], roles[ROLES_SIZE];
    uint64_t seen, violated, blocked, not_seen; /* rows, as the last event about this host counts them */
    struct media_range ranges[RANGES_MAX];
    unsigned range_count;
};

struct link_in { /* flows from hosts of some roles to hosts of some roles */
    char from[ROLES_SIZE], to[ROLES_SIZE];
    uint64_t flows[FLOW_STATUS_COUNT], bytes;
    char findings[LINK_FINDINGS_MAX][WORD_SIZE];
    unsigned finding_count;
};

struct strip { /* ports that media of hosts with these roles used */
    char roles[ROLES_SIZE], modality[WORD_SIZE];
    uint64_t flows;
    uint8_t used[65536 / 8];
};

struct reason_in {
    char kind, text[SENTENCE_SIZE]; /* kind: 'i' inconclusive, 'a' an allow entry */
    uint64_t flows;
};

struct counter_in {
    char name[WORD_SIZE];
    uint64_t value;
};

struct report {
    const struct rules *rules;
    struct event_in event;
    char site[NAME_SIZE], version[WORD_SIZE];
    int64_t first_ns, last_ns;
    struct report_totals totals;
    uint64_t alerts, flows, coverages, episodes_told, statistics, losses;
    uint64_t by_status[FLOW_STATUS_COUNT], unidentified_pass, orphans;
    /* Lists, each with what found no room. */
    struct finding_in *findings;
    struct host_in *hosts;
    struct row_in *rows;
    struct link_in *links;
    struct strip *strips;
    struct episode *episodes;
    struct reason_in *reasons;
    struct counter_in stats[COUNTERS_MAX], lost[COUNTERS_MAX];
    uint8_t *cells; /* [HOSTS_MAX][ROWS_MAX], enum cell */
    unsigned finding_count, host_count, row_count, link_count, strip_count, episode_count, reason_count;
    unsigned stats_count, lost_count;
    uint64_t findings_refused, hosts_refused, rows_refused, links_refused, strips_refused, episodes_refused;
    uint64_t reasons_refused, values_refused;
    struct map by_text;  /* digest of a kind and a text to a number in one of the lists */
    struct map by_scope; /* digest of what a flow shares with its finding to that finding's number */
};

uint8_t report_cell(const struct report *report, unsigned host, unsigned row);
/* The address as people know it: its name, else its IP. */
const char *party_name(const struct party *party);

#endif
