/* SPDX-License-Identifier: BSD-2-Clause
 *
 * event_in.h - one event as the report reads it: those fields that it uses, as texts. Private to src/report.
 */
#ifndef ROLECALL_REPORT_EVENT_IN_H
#define ROLECALL_REPORT_EVENT_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sorted by name: found by bisection. */
#define EVENT_FIELDS(X)                                                                                      \
    X(TIME, "@timestamp")                                                                                    \
    X(DESTINATION_BYTES, "destination.bytes")                                                                \
    X(DESTINATION_NAME, "destination.domain")                                                                \
    X(DESTINATION_IP, "destination.ip")                                                                      \
    X(DESTINATION_PACKETS, "destination.packets")                                                            \
    X(DESTINATION_PORT, "destination.port")                                                                  \
    X(QUESTION_NAME, "dns.question.name")                                                                    \
    X(ACTION, "event.action")                                                                                \
    X(DATASET, "event.dataset")                                                                              \
    X(END, "event.end")                                                                                      \
    X(REASON, "event.reason")                                                                                \
    X(SEVERITY, "event.severity")                                                                            \
    X(START, "event.start")                                                                                  \
    X(HOST_NAME, "host.name")                                                                                \
    X(PROTOCOL, "network.protocol")                                                                          \
    X(TRANSPORT, "network.transport")                                                                        \
    X(PROGRAM_VERSION, "observer.version")                                                                   \
    X(ADVICE, "rolecall.advice")                                                                             \
    X(ALLOW, "rolecall.compliance.allow")                                                                    \
    X(APPLICATION_CHECK, "rolecall.compliance.application_check")                                            \
    X(CONFIDENCE, "rolecall.compliance.confidence")                                                          \
    X(FLOW_FINDINGS, "rolecall.compliance.findings")                                                         \
    X(NEAREST, "rolecall.compliance.nearest")                                                                \
    X(OUTCOME, "rolecall.compliance.outcome")                                                                \
    X(WHY, "rolecall.compliance.reason")                                                                     \
    X(ROWS, "rolecall.compliance.rows")                                                                      \
    X(STATUS, "rolecall.compliance.status")                                                                  \
    X(BLOCKED, "rolecall.coverage.blocked")                                                                  \
    X(COUNT_BLOCKED, "rolecall.coverage.counts.blocked")                                                     \
    X(COUNT_NOT_SEEN, "rolecall.coverage.counts.not_seen")                                                   \
    X(COUNT_SEEN, "rolecall.coverage.counts.seen")                                                           \
    X(COUNT_VIOLATED, "rolecall.coverage.counts.violated")                                                   \
    X(NOT_SEEN, "rolecall.coverage.not_seen")                                                                \
    X(SEEN, "rolecall.coverage.seen")                                                                        \
    X(VIOLATED, "rolecall.coverage.violated")                                                                \
    X(DESTINATION_ROLES, "rolecall.destination.roles")                                                       \
    X(DETAIL, "rolecall.detail")                                                                             \
    X(FINDING_COUNT, "rolecall.finding.count")                                                               \
    X(FINGERPRINT, "rolecall.finding.fingerprint")                                                           \
    X(FIRST_SEEN, "rolecall.finding.first_seen")                                                             \
    X(LAST_SEEN, "rolecall.finding.last_seen")                                                               \
    X(PEERS, "rolecall.finding.peers")                                                                       \
    X(END_REASON, "rolecall.flow.end_reason")                                                                \
    X(FLOW_ID, "rolecall.flow_id")                                                                           \
    X(HOST_ROLES, "rolecall.host.roles")                                                                     \
    X(ANSWERED, "rolecall.ipsec.answered")                                                                   \
    X(FIRST_PROTECTED, "rolecall.ipsec.first_protected")                                                     \
    X(FIRST_REQUEST, "rolecall.ipsec.first_request")                                                         \
    X(MEDIA_FLOWS, "rolecall.ipsec.media_flows")                                                             \
    X(MEDIA_LOST, "rolecall.ipsec.media_packets_lost")                                                       \
    X(MEDIA_DELAY, "rolecall.ipsec.media_start_delay_ms")                                                    \
    X(NEGOTIATION, "rolecall.ipsec.negotiation")                                                             \
    X(NEGOTIATION_MS, "rolecall.ipsec.negotiation_ms")                                                       \
    X(REQUESTS, "rolecall.ipsec.requests")                                                                   \
    X(EPISODE_STATE, "rolecall.ipsec.state")                                                                 \
    X(MEDIA_PORTS, "rolecall.media_ports")                                                                   \
    X(MODALITY, "rolecall.modality")                                                                         \
    X(SITE, "rolecall.site")                                                                                 \
    X(SOURCE_ROLES, "rolecall.source.roles")                                                                 \
    X(TRUNCATED, "rolecall.truncated")                                                                       \
    X(TURN_STREAM, "rolecall.turn.stream")                                                                   \
    X(TITLE, "rule.name")                                                                                    \
    X(REFERENCE, "rule.reference")                                                                           \
    X(SOURCE_BYTES, "source.bytes")                                                                          \
    X(SOURCE_NAME, "source.domain")                                                                          \
    X(SOURCE_IP, "source.ip")                                                                                \
    X(SOURCE_PACKETS, "source.packets")                                                                      \
    X(SOURCE_PORT, "source.port")                                                                            \
    X(SERVER_NAME, "tls.client.server_name")                                                                 \
    X(URL_DOMAIN, "url.domain")                                                                              \
    X(USER_AGENT, "user_agent.original")

enum event_field {
#define FIELD(id, name) IN_##id,
    EVENT_FIELDS(FIELD)
#undef FIELD
        IN_COUNT
};

enum { EVENT_VALUES_MAX = 512, EVENT_BYTES_MAX = 16384, EVENT_COUNTERS_MAX = 96 };

struct event_value {
    enum event_field field;
    uint16_t at; /* its text in `bytes` */
};

struct event_counter_in {
    uint16_t name, value; /* in `bytes` */
};

struct event_in {
    struct event_value values[EVENT_VALUES_MAX];
    struct event_counter_in
        counters[EVENT_COUNTERS_MAX]; /* of rolecall.stats and rolecall.loss, in their order */
    unsigned count, counter_count;
    uint32_t used;
    bool full; /* something found no room: only a made-up line can do that */
    char bytes[EVENT_BYTES_MAX];
};

bool event_in_read(struct event_in *event, const char *line, size_t size); /* false: no event */

const char *event_in_text(const struct event_in *event, enum event_field field); /* the first; "": absent */
uint64_t event_in_number(const struct event_in *event, enum event_field field);  /* whole part; 0: absent */
int64_t event_in_time(const struct event_in *event, enum event_field field); /* ns since 1970; 0: absent */
/* A delay in tenths of a millisecond; -1: absent. */
int64_t event_in_tenths(const struct event_in *event, enum event_field field);
/* Steps through the values of a list: start with *next = 0; NULL past the end. */
const char *event_in_next(const struct event_in *event, enum event_field field, unsigned *next);
bool event_in_has(const struct event_in *event, enum event_field field, const char *text);

#endif
