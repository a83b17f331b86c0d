/* SPDX-License-Identifier: BSD-2-Clause
 *
 * event_line.h - a finished event as outputs see it: its text, and what they need to know without reading it.
 * The event room makes them, the sink room takes them; neither knows more of the other than this.
 */
#ifndef ROLECALL_EVENT_LINE_H
#define ROLECALL_EVENT_LINE_H

#include <stddef.h>
#include <stdint.h>

/* event.dataset (docs/EVENTS.md). */
enum event_dataset {
    DATASET_ALERT,
    DATASET_FLOW,
    DATASET_IPSEC,
    DATASET_COVERAGE,
    DATASET_STATS,
    DATASET_LOSS,
    DATASET_COUNT
};

const char *event_dataset_name(enum event_dataset dataset); /* "rolecall.alert" */

struct event_line {
    const char *text; /* one line of NDJSON without its newline; a NUL follows */
    size_t size;      /* at most EVENT_LINE_MAX */
    enum event_dataset dataset;
    unsigned severity; /* event.severity, 0 to 100; 0: has none */
    uint64_t sequence; /* event.sequence */
    int64_t time_ns;   /* @timestamp, nanoseconds since 1970 UTC */
    const char *key;   /* community id; "": is about no flow */
};

/* What one output lost since it was last told: the content of a rolecall.loss event. */
struct event_loss {
    const char *output; /* its name */
    const char *reason; /* one sentence */
    int64_t since_ns;   /* wall clock of the first line lost */
    int64_t now_ns;     /* wall clock */
    uint64_t lost[DATASET_COUNT];
    uint64_t first_sequence, last_sequence; /* all lines lost are within, both included */
};

#endif
