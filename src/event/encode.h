/* SPDX-License-Identifier: BSD-2-Clause
 *
 * encode.h - what the events have in common, for the files of this room that write one kind each:
 * flow_event.c, finding_event.c, metric_event.c. Together they are the one place that knows the names of JSON
 * fields (docs/EVENTS.md, docs/event.schema.json).
 *
 * Each function writes its part in the order of the schema. The JSON so far is a value that functions take
 * and give back: in memory, it would have to be read again after every character written.
 */
#ifndef ROLECALL_ENCODE_H
#define ROLECALL_ENCODE_H

#include "time_text.h"
#include "rolecall/event.h"
#include "rolecall/json_out.h"

enum { TROUBLES_MAX = 8 };

/* A captured string that could not be shown as it was. */
struct trouble {
    const char *field;
    const struct proto_text *text; /* NULL: only shortened */
    unsigned repair;
};

struct encoder {
    struct event_writer *writer;
    struct event_line line;
    char key[COMMUNITY_ID_SIZE];
    struct address {
        char text[ADDR_TEXT_SIZE];
        size_t size;
    } ip[2]; /* by side */
    struct trouble troubles[TROUBLES_MAX];
    unsigned trouble_count;
    char buffer[EVENT_LINE_MAX + 1];
};

/* `flow` may be NULL: the event is about none. */
struct json_out encode_begin(struct encoder *e, struct event_writer *writer, const struct flow *flow,
                             int64_t time_ns);
/* Opens `event` and leaves it open for what only one dataset has. */
struct json_out encode_event(struct encoder *e, struct json_out json, enum event_dataset dataset,
                             const char *action);
struct json_out encode_observer(struct encoder *e, struct json_out json, const char *interface);
/* `source` and `destination`, `network`, `related`: of the flow that encode_begin() had. */
struct json_out encode_ends(struct encoder *e, struct json_out json, const struct flow *flow,
                            const struct verdict *verdict, bool with_counters);
struct json_out encode_network(struct encoder *e, struct json_out json, const struct flow *flow);
struct json_out encode_related(struct encoder *e, struct json_out json, const struct verdict *verdict);
/* Of `rolecall`, which is open. `flow` may be NULL. */
struct json_out encode_site(struct encoder *e, struct json_out json, const struct flow *flow,
                            const struct verdict *verdict);
struct json_out encode_roles(struct encoder *e, struct json_out json, role_set roles);
struct json_out encode_compliance(struct encoder *e, struct json_out json, const struct verdict *verdict,
                                  bool is_alert);
/* Names what was shortened or repaired, closes `rolecall` and the line, and hands it on. */
void encode_finish(struct encoder *e, struct json_out json);

/* A string from the wire; `field` is its full name. Empty ones are left out. */
struct json_out encode_captured(struct encoder *e, struct json_out json, const char *key, const char *field,
                                const struct proto_text *text);
struct json_out encode_text(struct encoder *e, struct json_out json, const char *key, const char *field,
                            const char *text);
/* The event's own time, as @timestamp has it. */
struct json_out encode_time_again(struct encoder *e, struct json_out json, const char *key);
/* Has `field` told of at the end, if something is amiss with it. `text` may be NULL: it is only shortened. */
void encode_trouble(struct encoder *e, const char *field, const struct proto_text *text, unsigned repair);

const char *encode_tristate(unsigned value);
extern const char *const encode_modality[MODALITY_COUNT];

/* An id of the rules, which holds nothing to escape (is_id() of src/rules). */
static inline struct json_out encode_id(struct json_out json, const char *key, const char *id)
{
    json_plain(&json, key, id, strnlen(id, JSON_STRING_MAX));
    return json;
}

/* Numbers as strings. */
static inline __attribute__((always_inline)) struct json_out encode_hex(struct json_out json, const char *key,
                                                                        uint64_t value)
{
    char *at = json_quoted(&json, key, 16);
    if (at)
        digits_put_hex(at, value);
    return json;
}

static inline __attribute__((always_inline)) struct json_out encode_decimal(struct json_out json,
                                                                            const char *key, uint64_t value)
{
    unsigned count = digits_of(value);
    char *at = json_quoted(&json, key, count);
    if (at)
        digits_put(at, value, count);
    return json;
}

static inline __attribute__((always_inline)) struct json_out encode_time(struct json_out json,
                                                                         const char *key, int64_t time_ns)
{
    char text[TIME_TEXT_SIZE], *at;
    if (time_ns < 0)
        json_word(&json, key, time_text(time_ns, text));
    else if ((at = json_quoted(&json, key, TIME_SIZE)))
        time_put(at, (uint64_t)time_ns);
    return json;
}

#endif
