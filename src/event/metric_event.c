/* SPDX-License-Identifier: BSD-2-Clause
 *
 * metric_event.c - what rolecall says of its own view: rolecall.coverage, rolecall.stats, rolecall.loss.
 */
#include "encode.h"

static bool is_in_state(const struct coverage *coverage, unsigned state)
{
    switch (state) {
    case 0:
        return coverage->flows;
    case 1:
        return coverage->violated;
    case 2:
        return coverage->blocked;
    default:
        return !coverage->flows && !coverage->violated && !coverage->blocked;
    }
}

enum { MEDIA_PORTS_MAX = 32 };

struct media_ports {
    uint8_t modality;
    struct port_range range;
};

static void add_media_row(const struct policy_row *row, struct media_ports *list, unsigned *count)
{
    for (unsigned i = 0; i < row->range_count; i++) {
        struct media_ports ports = {row->row->modality, row->ranges[i]};
        bool known = false;
        for (unsigned k = 0; k < *count; k++)
            known |= list[k].modality == ports.modality && list[k].range.low == ports.range.low &&
                     list[k].range.high == ports.range.high;
        if (!known && *count < MEDIA_PORTS_MAX)
            list[(*count)++] = ports;
    }
}

/* A row that is not `media`, but by which media may use a range of this host's own ports (the Edge's
 * outside). */
static bool is_media_range(const struct policy_row *row)
{
    return row->row->accepts >> PROTO_rtp & 1 && !row->row->accepts_anything && row->range_count &&
           row->ranges[0].low != row->ranges[0].high;
}

/* The port ranges that media of this host may use, as the documents and the site have them. */
static struct json_out put_media_ports(struct encoder *e, struct json_out json, role_set direct)
{
    struct media_ports list[MEDIA_PORTS_MAX];
    unsigned count = 0;
    for (role_set left = direct; left; left &= left - 1) {
        const struct policy_role *role = policy_role(e->writer->policy, (unsigned)__builtin_ctzll(left));
        for (unsigned i = 0; i < role->media_count; i++)
            add_media_row(&role->media[i], list, &count);
        for (unsigned i = 0; i < role->answers_count; i++)
            if (is_media_range(&role->answers[i]))
                add_media_row(&role->answers[i], list, &count);
        for (unsigned i = 0; i < role->opens_count; i++)
            if (is_media_range(&role->opens[i]) && role->opens[i].row->own_port)
                add_media_row(&role->opens[i], list, &count);
    }
    if (!count)
        return json;
    json_array(&json, "media_ports");
    for (unsigned i = 0; i < count; i++)
        json_format(&json, NULL, "%s %u-%u", encode_modality[list[i].modality], list[i].range.low,
                    list[i].range.high);
    json_end_array(&json);
    return json;
}

void event_coverage(struct event_writer *writer, const struct judge *judge, int32_t entry, int64_t now_ns)
{
    static const char *const states[] = {"seen", "violated", "blocked", "not_seen"};
    const struct policy_entry *host = policy_entry(writer->policy, entry);
    uint64_t counts[4] = {0};
    struct encoder e;
    struct json_out json = encode_begin(&e, writer, NULL, now_ns);
    json = encode_event(&e, json, DATASET_COVERAGE, "coverage");
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"info\"]");
    json_end_object(&json);
    json_object(&json, "host");
    json = encode_text(&e, json, "name", "host.name", host->name);
    json_end_object(&json);
    json = encode_observer(&e, json, NULL);
    json_object(&json, "rolecall");
    json = encode_site(&e, json, NULL, NULL);
    json_object(&json, "host");
    json = encode_roles(&e, json, host->direct);
    json_end_object(&json);
    json = put_media_ports(&e, json, host->direct);
    json_object(&json, "coverage");
    for (unsigned state = 0; state < 4; state++) {
        json_array(&json, states[state]);
        for (unsigned order = 0; order < policy_row_count(writer->policy); order++) {
            const struct coverage *coverage = judge_coverage(judge, entry, order);
            if (!coverage || !is_in_state(coverage, state))
                continue;
            if (json_has_room(&json, 400))
                json = encode_id(json, NULL, policy_row_by_order(writer->policy, order)->id);
            else if (counts[state] == 0 || e.trouble_count == 0)
                encode_trouble(&e, "rolecall.coverage", NULL, JSON_SHORTENED);
            counts[state]++;
        }
        json_end_array(&json);
    }
    json_object(&json, "counts");
    for (unsigned state = 0; state < 4; state++)
        json_unsigned(&json, states[state], counts[state]);
    json_end_object(&json);
    json_end_object(&json);
    encode_finish(&e, json);
}

/* An event about rolecall itself, up to the object of its own, which is open. */
static struct json_out begin_own(struct encoder *e, struct event_writer *writer, enum event_dataset dataset,
                                 const char *name, int64_t now_ns)
{
    struct json_out json = encode_begin(e, writer, NULL, now_ns);
    json = encode_event(e, json, dataset, name);
    json_value(&json, "category", "[\"network\"]");
    json_value(&json, "type", "[\"info\"]");
    json_end_object(&json);
    json = encode_observer(e, json, NULL);
    json_object(&json, "rolecall");
    json = encode_site(e, json, NULL, NULL);
    json_object(&json, name);
    return json;
}

void event_stats(struct event_writer *writer, const struct event_counter *counters, unsigned count,
                 int64_t now_ns)
{
    struct encoder e;
    struct json_out json = begin_own(&e, writer, DATASET_STATS, "stats", now_ns);
    for (unsigned i = 0; i < count; i++)
        json_unsigned(&json, counters[i].name, counters[i].value);
    json_end_object(&json);
    encode_finish(&e, json);
}

void event_loss(struct event_writer *writer, const struct event_loss *loss)
{
    const uint64_t *lost = loss->lost;
    struct encoder e;
    struct json_out json = begin_own(&e, writer, DATASET_LOSS, "loss", loss->now_ns);
    json = encode_text(&e, json, "output", "rolecall.loss.output", loss->output);
    json = encode_text(&e, json, "reason", "rolecall.loss.reason", loss->reason);
    json = encode_time(json, "since", loss->since_ns);
    json_unsigned(&json, "alerts", lost[DATASET_ALERT]);
    json_unsigned(&json, "flows", lost[DATASET_FLOW]);
    json_unsigned(&json, "events", lost[DATASET_IPSEC]);
    json_unsigned(&json, "metrics", lost[DATASET_COVERAGE] + lost[DATASET_STATS] + lost[DATASET_LOSS]);
    json_unsigned(&json, "first_sequence", loss->first_sequence);
    json_unsigned(&json, "last_sequence", loss->last_sequence);
    json_end_object(&json);
    encode_finish(&e, json);
}
