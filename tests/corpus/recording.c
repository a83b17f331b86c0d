/* SPDX-License-Identifier: BSD-2-Clause
 *
 * recording.c - a capture in memory, its frames through an engine, and what the engine said of the flows.
 * Used by every mode of corpus_replay. Nothing is judged: the engine runs without a policy.
 */
#include "replay.h"

#include "rolecall/capture.h"
#include "rolecall/decode.h"
#include "rolecall/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* One pair of addresses fills one shard of the table only: room enough that nothing is pushed out. */
enum { FLOWS_MAX = 131072 };

void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "corpus_replay: out of memory\n");
        exit(2);
    }
    return memory;
}

uint64_t chance_mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint64_t chance_next(struct chance *chance)
{
    return chance_mix(chance->state += UINT64_C(0x9e3779b97f4a7c15));
}

uint32_t chance_below(struct chance *chance, uint32_t bound)
{
    return (uint32_t)((chance_next(chance) >> 32) * bound >> 32);
}

static void keep_frame(struct recording *recording, const struct frame *frame, size_t *room, size_t *used,
                       size_t *bytes_room)
{
    if (recording->count == *room) {
        *room = *room ? 2 * *room : 256;
        recording->frames = must(realloc(recording->frames, *room * sizeof *recording->frames));
    }
    if (*used + frame->caplen > *bytes_room) {
        *bytes_room = 2 * *bytes_room + frame->caplen;
        recording->bytes = must(realloc(recording->bytes, *bytes_room));
    }
    if (frame->caplen)
        memcpy(recording->bytes + *used, frame->at, frame->caplen);
    *used += frame->caplen;
    recording->frames[recording->count++] = *frame;
    if (frame->caplen > recording->caplen_max)
        recording->caplen_max = frame->caplen;
}

bool recording_load(struct recording *recording, const char *path)
{
    *recording = (struct recording){.path = path};
    struct capture_errors errors = {.count = 0};
    struct capture_options options = {
        .paths = &path, .path_count = 1, .reads_linktype = decode_reads_linktype};
    struct capture *capture = capture_open_files(&options, &errors);
    if (!capture)
        return false;
    struct frame frame;
    int status;
    size_t room = 0, used = 0, bytes_room = 0;
    while ((status = capture_next(capture, &frame, 1)) != CAPTURE_END)
        if (status > 0)
            keep_frame(recording, &frame, &room, &used, &bytes_room);
    capture_close(capture);
    const uint8_t *at = recording->bytes;
    for (size_t i = 0; i < recording->count; i++) {
        recording->frames[i].at = at;
        at += recording->frames[i].caplen;
    }
    return recording->count > 0;
}

void recording_free(struct recording *recording)
{
    free(recording->frames);
    free(recording->bytes);
}

static void keep_flow(void *context, const struct judge_flow *in, const struct verdict *verdict,
                      enum flow_end end)
{
    (void)verdict, (void)end;
    struct outcome *outcome = context;
    const struct identity *identity = &in->flow->identity;
    if (outcome->count == outcome->room) {
        outcome->room = outcome->room ? 2 * outcome->room : 256;
        outcome->list = must(realloc(outcome->list, outcome->room * sizeof *outcome->list));
    }
    uint64_t names = in->facts->also;
    if (identity->name)
        names |= UINT64_C(1) << identity->name;
    if (identity->upgraded_to)
        names |= UINT64_C(1) << identity->upgraded_to;
    outcome->list[outcome->count++] = (struct told){.key = in->flow->key,
                                                    .first_ns = in->flow->first_ns,
                                                    .names = names,
                                                    .name = identity->name,
                                                    .evidence = identity->evidence};
}

static void drop_line(void *context, const struct event_line *line)
{
    (void)context, (void)line;
}

void recording_replay(const struct recording *recording, change_function *change, void *context,
                      bool with_events, struct outcome *outcome)
{
    *outcome = (struct outcome){.list = NULL};
    struct engine_options options = {.workers = 1,
                                     .flows_max = FLOWS_MAX,
                                     .every_flow = with_events,
                                     .line = with_events ? drop_line : NULL,
                                     .flow_over = keep_flow,
                                     .context = outcome};
    struct engine *engine = must(engine_create(&options));
    uint8_t *scratch = must(malloc(recording->caplen_max + 1));
    for (size_t i = 0; i < recording->count; i++) {
        struct frame frame = recording->frames[i];
        if (change) {
            memcpy(scratch, frame.at, frame.caplen);
            frame.at = scratch;
            change(context, &frame);
        }
        engine_frames(engine, &frame, 1);
    }
    engine_finish(engine);
    engine_destroy(engine);
    free(scratch);
    outcome_sort(outcome);
}

static int by_key(const void *left, const void *right)
{
    const struct told *a = left, *b = right;
    int order = memcmp(&a->key, &b->key, sizeof a->key);
    return order ? order : (a->first_ns > b->first_ns) - (a->first_ns < b->first_ns);
}

void outcome_sort(struct outcome *outcome)
{
    if (outcome->count)
        qsort(outcome->list, outcome->count, sizeof *outcome->list, by_key);
}

void outcome_free(struct outcome *outcome)
{
    free(outcome->list);
}

size_t outcome_find(const struct outcome *outcome, const struct flow_key *key)
{
    size_t low = 0, high = outcome->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(&outcome->list[middle].key, key, sizeof *key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t outcome_names(const struct outcome *outcome, const struct flow_key *key, bool *known)
{
    uint64_t names = 0;
    size_t low = outcome_find(outcome, key);
    *known = false;
    for (; low < outcome->count && memcmp(&outcome->list[low].key, key, sizeof *key) == 0; low++) {
        names |= outcome->list[low].names;
        *known = true;
    }
    return names;
}

const char *key_text(const struct flow_key *key)
{
    static char text[2 * ADDR_TEXT_SIZE + 32];
    char a[ADDR_TEXT_SIZE], b[ADDR_TEXT_SIZE];
    snprintf(text, sizeof text, "%u %s:%u-%s:%u", key->protocol, addr_text(&key->addr[0], a), key->port[0],
             addr_text(&key->addr[1], b), key->port[1]);
    return text;
}

const char *names_text(uint64_t names)
{
    static char text[512];
    size_t used = 0;
    text[0] = '\0';
    for (unsigned id = 1; id < PROTO_COUNT; id++)
        if (names >> id & 1)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? "+" : "",
                                     proto_by_id((enum proto_id)id)->name);
    return used ? text : "-";
}
