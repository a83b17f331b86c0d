/* SPDX-License-Identifier: BSD-2-Clause
 *
 * event.h - what happened, as one line of JSON each (docs/EVENTS.md: shaped by the Elastic Common Schema).
 *
 * An event_writer counts the events of a run and hands each finished line to `line`. Its functions say what
 * happened and know nothing of where the line goes. Nothing is allocated; a line never exceeds EVENT_LINE_MAX
 * bytes.
 */
#ifndef ROLECALL_EVENT_H
#define ROLECALL_EVENT_H

#include "rolecall/event_line.h"
#include "rolecall/judge.h"

enum { EVENT_LINE_MAX = 7600, EVENT_SCHEMA = 1 };

struct event_writer {
    const struct policy *policy; /* may be NULL */
    const char *hostname;        /* observer.hostname; NULL: left out */
    const char *sensor;          /* observer.name; NULL: left out */
    const char *run_id;          /* 16 hex digits */
    bool with_created;           /* event.created from the wall clock */
    uint64_t sequence;           /* events so far */
    uint64_t too_long;           /* events that did not fit and were left out: must stay 0 */
    void (*line)(void *context, const struct event_line *line); /* valid during the call */
    void *context;
};

/* A flow that ended, or was reported by the active timeout. */
void event_flow(struct event_writer *writer, const struct judge_flow *in, const struct verdict *verdict,
                enum flow_end end);
void event_finding(struct event_writer *writer, const struct finding *finding, int64_t now_ns);
void event_ipsec(struct event_writer *writer, const struct ipsec_episode *episode, int64_t now_ns);
/* One host's or network's coverage of the documented rows. */
void event_coverage(struct event_writer *writer, const struct judge *judge, int32_t entry, int64_t now_ns);

struct event_counter {
    const char *name;
    uint64_t value;
};
void event_stats(struct event_writer *writer, const struct event_counter *counters, unsigned count,
                 int64_t now_ns);

/* An output lost lines, and takes some again (sink.h). */
void event_loss(struct event_writer *writer, const struct event_loss *loss);

/* The id by which all events of a flow can be found: the same in every run over the same packets. */
uint64_t event_flow_id(const struct flow *flow);

/* Community ID v1, seed 0 (corelight's specification): "1:" and 28 characters of base64. */
enum { COMMUNITY_ID_SIZE = 31 };
void community_id(const struct flow_key *key, char out[COMMUNITY_ID_SIZE]);

/* "2026-03-02T09:30:12.118204Z" */
enum { TIME_TEXT_SIZE = 32 };
const char *time_text(int64_t time_ns, char out[TIME_TEXT_SIZE]);

#endif
