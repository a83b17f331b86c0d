/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine_tell.c - what the judge is told of flows: at once where there is one worker; else it goes into notes
 * (notes.h), and is told in packet order, shard by shard within one packet, on the reader's thread.
 */
#include "engine_parts.h"

/* A flow whose few packets could be media is media where SDP or a relay has announced one of its ends
 * (PROTOCOLS 4.2). Only the judge knows that, and it hears of packets in their order: so the name does not
 * depend on how far any worker has come. */
static void name_as_announced(struct flow *flow)
{
    enum { EVIDENCE = 2 };
    if (!flow->identity.likely)
        return;
    flow->identity.name = flow->identity.likely;
    flow->identity.evidence = EVIDENCE;
}

static bool could_be_media(const struct flow *flow)
{
    uint8_t name = flow->identity.name;
    return flow->identity.likely || name == PROTO_rtp || name == PROTO_rtcp || name == PROTO_srtp;
}

/* SDP says what a stream is; of its payload type that is often a guess. */
static void take_announced(struct engine *engine, struct flow *flow, struct judge_flow *in)
{
    uint8_t modality;
    if (!could_be_media(flow) || !judge_expects_media(engine->judge, flow, &modality))
        return;
    name_as_announced(flow);
    if (modality == MODALITY_UNKNOWN || modality == in->facts->modality || in->facts->turn.stream_type)
        return;
    engine->announced = *in->facts;
    engine->announced.modality = modality;
    in->facts = &engine->announced;
}

static inline void tell_judge(struct engine *engine, enum note_kind kind, enum flow_end end,
                              struct flow *flow, struct judge_flow *in, unsigned speaker,
                              const struct proto_learned *learned)
{
    struct verdict verdict;
    take_announced(engine, flow, in);
    engine->told_ns = in->now_ns;
    switch (kind) {
    case NOTE_BEGIN:
        judge_begin(engine->judge, in);
        break;
    case NOTE_BEGIN_CHANGE:
        judge_begin(engine->judge, in);
        judge_note(engine->judge, in);
        break;
    case NOTE_CHANGE:
        judge_note(engine->judge, in);
        break;
    case NOTE_TROUBLE:
        judge_trouble(engine->judge, in);
        break;
    case NOTE_LEARNED:
        judge_learn(engine->judge, in, speaker, learned);
        break;
    case NOTE_REPORT:
        judge_look(engine->judge, in, &verdict);
        if (engine->options.every_flow && engine->writer.line)
            event_flow(&engine->writer, in, &verdict, end);
        break;
    case NOTE_END:
        judge_end(engine->judge, in, end, &verdict);
        if (engine->options.every_flow && engine->writer.line)
            event_flow(&engine->writer, in, &verdict, end);
        if (engine->options.flow_over)
            engine->options.flow_over(engine->options.context, in, &verdict, end);
        break;
    }
}

void tell(struct worker *worker, enum note_kind kind, uint32_t index, enum flow_end end, unsigned speaker,
          const struct proto_learned *learned)
{
    struct engine *engine = worker->engine;
    const struct shard *shard = &engine->shards[worker->order % PIPELINE_SHARDS];
    const struct proto_facts *facts = identify_facts(shard->identifier, flow_identity(shard->table, index));
    uint32_t slot = shard->first_slot + index;
    if (pipeline_is_inline(&engine->pipeline)) {
        struct flow flow;
        flow_view(shard->table, index, &flow);
        struct judge_flow in = {.flow = &flow,
                                .facts = facts,
                                .slot = slot,
                                .now_ns = worker->now_ns,
                                .step = worker->step,
                                .icmp_sender = worker->icmp_sender};
        tell_judge(engine, kind, end, &flow, &in, speaker, learned);
        return;
    }
    struct note *note =
        note_add(worker->notes, worker->order,
                 identify_may_have_facts(flow_identity(shard->table, index)) ? facts : NULL, learned);
    if (!note)
        return;
    note->slot = slot;
    note->kind = (uint8_t)kind;
    note->end = (uint8_t)end;
    note->speaker = (uint8_t)speaker;
    note->step = (uint16_t)worker->step;
    note->now_ns = worker->now_ns;
    note->icmp_sender = worker->icmp_sender;
    flow_view(shard->table, index, &note->flow);
}

static void tell_note(struct engine *engine, const struct note_list *list, const struct note *note)
{
    struct flow flow = note->flow;
    struct proto_learned learned;
    note_facts(list, note, &engine->desk);
    note_learned(list, note, &learned);
    struct judge_flow in = {.flow = &flow,
                            .facts = &engine->desk,
                            .slot = note->slot,
                            .now_ns = note->now_ns,
                            .step = note->step,
                            .icmp_sender = note->icmp_sender};
    tell_judge(engine, note->kind, note->end, &flow, &in, note->speaker, &learned);
}

static bool asks_about_addresses(const struct note *note)
{
    return note->kind == NOTE_BEGIN || (note->step & FLOW_ANSWERED) ||
           !(note->flow.packets[0] && note->flow.packets[1]);
}

/* As prefetch_rests() and prefetch_identities() do it where there is one worker. */
void tell_notes(void *context, const struct told_note notes[], unsigned count)
{
    struct engine *engine = context;
    struct judge_ends ends[TOLD_TOGETHER];
    for (unsigned i = 0; i < count; i++) {
        judge_prefetch(engine->judge, notes[i].note->slot);
        judge_prefetch_ends(engine->judge, &notes[i].note->flow.key, asks_about_addresses(notes[i].note),
                            &ends[i]);
    }
    for (unsigned i = 0; i < count; i++)
        judge_prefetch_near(engine->judge, &ends[i]);
    for (unsigned i = 0; i < count; i++)
        tell_note(engine, notes[i].list, notes[i].note);
}
