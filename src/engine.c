/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine.c - the packet's whole path: capture hands in a frame, decode makes a packet of it, its flow is
 * found and follows it, identification looks at the payload, the judge hears what changed, events leave.
 *
 * Frames are gathered into batches (pipeline.h). A flow belongs to one of PIPELINE_SHARDS shards by its hash,
 * and a shard to one worker; what a worker has to say to the judge goes into notes, which are
 * handed over in packet order, shard by shard within one packet. So the judge hears the same story for any
 * number of workers, and the output is the same. Newcomers start at engine_frames() and work_on_packet().
 */
#include "rolecall/engine.h"

#include <assert.h>
#include <stdlib.h>

#include "rolecall/ahead.h"
#include "rolecall/decode.h"
#include "rolecall/event.h"
#include "rolecall/judge.h"
#include "pipeline.h"

enum {
    DATAGRAM_BYTES = 65536,             /* the largest that fragments make */
    FRAME_BYTES = BATCH_BYTES / 4,      /* of a frame's that are looked at; no less than a datagram's */
    FLOWS_DEFAULT = 1024 * 1024 * 5 / 4 /* a million, however uneven the shards are */
};
_Static_assert(PIPELINE_SHARDS == 16, "a shard is the four highest bits of a flow's hash");

#define TICK_EVERY_NS INT64_C(1000000000) /* judge_tick() wants to be called about once a second */

struct shard {
    struct flow_table *table;
    struct identifier *identifier;
    uint32_t first_slot;
    uint64_t evicted;
};

/* Where one worker stands in its share of a batch; written all the time, so no two in one cache line. */
struct worker {
    _Alignas(64) struct engine *engine;
    unsigned number;
    struct note_list *notes;
    int64_t now_ns; /* of the packet being worked on */
    uint32_t order; /* of its notes: the packet, then the shard */
    unsigned step;
    struct addr icmp_sender;
    uint64_t packets;
};

struct engine {
    struct engine_options options;
    struct decoder *decoder;
    struct judge *judge;
    struct event_writer writer;
    struct shard shards[PIPELINE_SHARDS];
    struct worker workers[WORKERS_MAX];
    struct pipeline pipeline;
    struct proto_facts desk;      /* of the note that is being told */
    struct proto_facts announced; /* the same, where SDP says more */
    int64_t now_ns;               /* latest packet time read */
    int64_t told_ns;              /* time of the packet the judge is hearing of */
    int64_t ticked_ns;            /* when the judge was last told that time goes on, live */
    uint64_t packets, bytes, icmp_errors, oversized;
    bool has_fragments; /* some came, ever */
    bool finished;
};

static uint32_t flows_per_shard(const struct engine_options *options)
{
    uint32_t flows = options->flows_max ? options->flows_max : FLOWS_DEFAULT;
    return (flows + PIPELINE_SHARDS - 1) / PIPELINE_SHARDS < 64
               ? 64
               : (flows + PIPELINE_SHARDS - 1) / PIPELINE_SHARDS;
}

/* Windows of identification, in proportion to the flows; pages that no flow ever needed are not touched. */
static uint32_t windows_of(uint32_t flows)
{
    return flows / 16 + 64;
}

/* ---- what is told to the judge ---- */

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

static void tell(struct worker *worker, enum note_kind kind, uint32_t index, enum flow_end end,
                 unsigned speaker, const struct proto_learned *learned)
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
static void tell_notes(void *context, const struct told_note notes[], unsigned count)
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

/* ---- one worker's share of a batch ---- */

static void flow_is_over(void *context, uint32_t index, enum flow_end end)
{
    struct worker *worker = context;
    struct shard *shard = &worker->engine->shards[worker->order % PIPELINE_SHARDS];
    shard->evicted += end == FLOW_END_EVICTED;
    worker->step = 0;
    tell(worker, NOTE_END, index, end, 0, NULL);
    identity_release(shard->identifier, flow_identity(shard->table, index));
}

static void flow_is_silent_now(void *context, uint32_t index, enum flow_end end)
{
    struct worker *worker = context;
    worker->step = 0;
    tell(worker, NOTE_CHANGE, index, end, 0, NULL);
}

/* The flow of a packet, begun anew where the old one is over. */
static uint32_t flow_of(struct worker *worker, const struct batch_packet *item, uint32_t guess,
                        struct shard *shard, bool *is_new)
{
    uint32_t index = flow_table_find(shard->table, &item->key, item->hash, guess);
    if (index && flow_is_over_for(shard->table, index, &item->packet)) {
        flow_is_over(worker, index, flow_end_of(shard->table, index));
        flow_table_remove(shard->table, index, item->hash);
        index = 0;
    }
    *is_new = !index;
    if (index)
        return index;
    index = flow_table_add(shard->table, &item->key, item->hash, flow_is_over, worker);
    flow_begin(shard->table, index, &item->packet, item->side);
    return index;
}

static enum identify_change identify(const struct batch_packet *item, struct shard *shard, uint32_t index,
                                     struct identify_learned *learned)
{
    const struct packet *packet = &item->packet;
    struct identity *identity = flow_identity(shard->table, index);
    struct identify_input input = {.time_ns = packet->time_ns,
                                   .payload = packet->payload,
                                   .payload_wirelen = packet->payload_wirelen,
                                   .side = (item->side ^ flow_first_side(shard->table, index)) & 1,
                                   .ports = {packet->source_port, packet->destination_port},
                                   .is_syn = packet->tcp_flags & TCP_SYN,
                                   .has_acknowledgement = packet->tcp_flags & TCP_ACK,
                                   .sequence = packet->tcp_sequence,
                                   .acknowledgement = packet->tcp_acknowledgement};
    switch (packet->protocol) {
    case IP_TCP:
        return identify_segment(shard->identifier, identity, &input, learned);
    case IP_UDP:
        return identify_datagram(shard->identifier, identity, &input, learned);
    case IP_ESP:
        return identify_ipsec(shard->identifier, identity, PROTO_esp, input.side, packet->esp_spi);
    case IP_AH:
        return identify_ipsec(shard->identifier, identity, PROTO_ah, input.side, packet->ah_spi);
    default:
        return IDENTITY_SAME;
    }
}

static void work_on_icmp(struct worker *worker, const struct batch_packet *item, uint32_t guess,
                         struct shard *shard)
{
    uint32_t index = flow_table_find(shard->table, &item->key, item->hash, guess);
    const struct packet *packet = &item->packet;
    if (!index || !flow_icmp(shard->table, index, item->side, packet->protocol == IP_ICMPV6,
                             packet->icmp_type, packet->icmp_code))
        return;
    worker->step = FLOW_REFUSAL;
    worker->icmp_sender = packet->source;
    tell(worker, NOTE_CHANGE, index, FLOW_END_INPUT, 0, NULL);
    worker->icmp_sender = (struct addr){{0}};
}

/* Is there something in this packet for identification? */
static bool is_to_identify(const struct flow_table *table, uint32_t index, const struct packet *packet,
                           unsigned step)
{
    if ((step & FLOW_DUPLICATE) || !flow_wants_payload(table, index))
        return false;
    if (step & FLOW_HAS_DATA)
        return true;
    return packet->protocol == IP_TCP && ((packet->tcp_flags & TCP_SYN) || flow_wants_empty(table, index));
}

/* The SPI of what was read inside AH or ESP. True: it is new to the flow. */
static bool note_protection(const struct batch_packet *item, struct shard *shard, uint32_t index)
{
    const struct packet *packet = &item->packet;
    uint32_t spi = packet->esp_spi ? packet->esp_spi : packet->ah_spi;
    if (!spi || packet->protocol == IP_ESP || packet->protocol == IP_AH)
        return false;
    unsigned side = (item->side ^ flow_first_side(shard->table, index)) & 1;
    return identify_protected(shard->identifier, flow_identity(shard->table, index), side, spi) ==
           IDENTITY_CHANGED;
}

/* RTP that goes on: by far most of what there is to identify, and nothing that the judge hears of. */
static bool goes_on(const struct batch_packet *item, struct shard *shard, uint32_t index)
{
    const struct packet *packet = &item->packet;
    return flow_is_steady(shard->table, index) &&
           identify_goes_on(shard->identifier, flow_identity(shard->table, index),
                            (item->side ^ flow_first_side(shard->table, index)) & 1, packet->payload,
                            packet->payload_wirelen, packet->time_ns);
}

/* What identification has to say of a packet that is to be asked about, and what the judge hears then. */
static void work_on_news(struct worker *worker, const struct batch_packet *item, struct shard *shard,
                         uint32_t index, bool is_new, bool is_asked)
{
    struct identify_learned learned; /* long: only as much is written as is learned */
    enum identify_change change = IDENTITY_SAME;
    learned.count = 0;
    if (is_asked) {
        change = identify(item, shard, index, &learned);
        flow_identified(shard->table, index);
    }
    if (note_protection(item, shard, index))
        change = IDENTITY_CHANGED;
    bool has_changed = change == IDENTITY_CHANGED || (worker->step & FLOW_NEWS);
    enum note_kind kind = has_changed ? NOTE_CHANGE : NOTE_TROUBLE;
    if (is_new && has_changed && !learned.count)
        kind = NOTE_BEGIN_CHANGE;
    else if (is_new)
        tell(worker, NOTE_BEGIN, index, FLOW_END_INPUT, 0, NULL);
    for (unsigned i = 0; i < learned.count; i++)
        tell(worker, NOTE_LEARNED, index, FLOW_END_INPUT, item->side, &learned.items[i]);
    if (has_changed || change == IDENTITY_TROUBLE)
        tell(worker, kind, index, FLOW_END_INPUT, 0, NULL);
}

static void work_on_packet(struct worker *worker, const struct batch_packet *item, uint32_t guess)
{
    const struct packet *packet = &item->packet;
    struct shard *shard = &worker->engine->shards[worker->order % PIPELINE_SHARDS];
    worker->now_ns = packet->time_ns;
    if (item->is_icmp) {
        work_on_icmp(worker, item, guess, shard);
        return;
    }
    bool is_new;
    uint32_t index = flow_of(worker, item, guess, shard, &is_new);
    worker->step = flow_follow(shard->table, index, packet, item->side);
    bool is_asked = is_to_identify(shard->table, index, packet, worker->step) && !goes_on(item, shard, index);
    if (is_new || is_asked || (worker->step & FLOW_NEWS) || packet->esp_spi || packet->ah_spi)
        work_on_news(worker, item, shard, index, is_new, is_asked);
    if (flow_report_is_due(shard->table, index))
        tell(worker, NOTE_REPORT, index, FLOW_END_ACTIVE, 0, NULL);
}

static void expire(struct worker *worker, const struct batch *batch, unsigned share)
{
    struct engine *engine = worker->engine;
    for (unsigned s = share; s < PIPELINE_SHARDS; s += engine->pipeline.shares) {
        worker->order = s;
        worker->now_ns = batch->first_ns;
        flow_table_expire(engine->shards[s].table, batch->first_ns, EXPIRE_PER_BATCH, flow_is_over,
                          flow_is_silent_now, worker);
    }
}

/*
 * A packet touches memory that no cache holds when there are many flows: the bucket, then the flow it names,
 * then what the flow's identity names. So a share is worked on in groups: each step asks for one kind of
 * memory for the whole group, one close after the other, before the next step needs it. The processor then
 * waits for all of them at once, their pages' addresses included, which it looks up before it goes on. Lines
 * are asked for while the group before is worked on, buckets one group earlier.
 */
enum { GROUP = 16 };

/* A packet of a share, and the flow that it probably has; 0: none yet. Or such a flow alone. */
struct job {
    unsigned place; /* in the batch */
    const struct batch_packet *item;
    const struct shard *shard;
    uint32_t guess;
    bool is_quiet;  /* settled: touches its line alone */
    bool is_steady; /* hardly ever has news for the judge */
    bool is_heard;  /* from both sides: the judge knows its addresses */
};

/* Where the group ends that begins at `from`. */
static unsigned group_end(unsigned from, unsigned count)
{
    return from >= count || count - from < GROUP ? count : from + GROUP;
}

static void prefetch_buckets(const struct job jobs[], unsigned from, unsigned count)
{
    for (unsigned i = from, end = group_end(from, count); i < end; i++)
        flow_table_prefetch(jobs[i].shard->table, jobs[i].item->hash);
}

static void prefetch_lines(struct job jobs[], unsigned from, unsigned count)
{
    for (unsigned i = from, end = group_end(from, count); i < end; i++) {
        struct job *job = &jobs[i];
        job->guess = flow_table_guess(job->shard->table, job->item->hash);
        if (job->guess)
            flow_prefetch_line(job->shard->table, job->guess);
    }
}

/* Of a flow that is not settled, or will be new, the judge hears; at once where there is one worker. */
static void prefetch_rests(const struct engine *engine, struct job jobs[], unsigned count,
                           struct judge_ends ends[])
{
    for (unsigned i = 0; i < count; i++) {
        struct job *job = &jobs[i];
        const struct flow_table *table = job->shard->table;
        if (job->guess) {
            flow_prefetch_pair(table, job->guess);
            job->is_quiet = !flow_wants_payload(table, job->guess);
            job->is_steady = flow_is_steady(table, job->guess);
            job->is_heard = flow_heard_both(table, job->guess);
        }
        if (job->is_quiet)
            continue;
        if (job->guess)
            flow_prefetch_rest(table, job->guess);
        if (job->is_steady || !pipeline_is_inline(&engine->pipeline))
            continue;
        if (job->guess)
            judge_prefetch(engine->judge, job->shard->first_slot + job->guess);
        judge_prefetch_ends(engine->judge, &job->item->key, !job->is_heard, &ends[i]);
    }
}

static void prefetch_identities(const struct engine *engine, const struct job jobs[], unsigned count,
                                const struct judge_ends ends[])
{
    for (unsigned i = 0; i < count; i++) {
        const struct job *job = &jobs[i];
        if (job->is_quiet)
            continue;
        if (job->guess)
            identity_prefetch(job->shard->identifier, flow_identity(job->shard->table, job->guess));
        if (!job->is_steady && pipeline_is_inline(&engine->pipeline))
            judge_prefetch_near(engine->judge, &ends[i]);
    }
}

/* With other workers, the reader's cache holds what it wrote last. */
static void prefetch_packet(const struct batch_packet *item)
{
    for (size_t at = 0; at < offsetof(struct batch_packet, packet.quoted); at += 64)
        ask_ahead((const char *)item + at);
}

static unsigned jobs_of(const struct engine *engine, const struct batch *batch, unsigned share,
                        struct job mine[])
{
    unsigned count = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        if (pipeline_share_of(&engine->pipeline, batch->shard[i]) != share)
            continue;
        const struct shard *shard = &engine->shards[batch->shard[i]];
        mine[count++] = (struct job){.place = i, .item = &batch->packets[i], .shard = shard};
        if (!pipeline_is_inline(&engine->pipeline) && !batch->is_of_flows)
            prefetch_packet(&batch->packets[i]);
    }
    return count;
}

/* Of notes: first by place in the batch, then by shard; before the first place stand the flows that ended. */
static uint32_t order_of(const struct batch *batch, unsigned place)
{
    return (place + 1) * PIPELINE_SHARDS + batch->shard[place];
}

static void work_on_group(struct worker *worker, const struct batch *batch, struct job jobs[], unsigned count)
{
    struct judge_ends ends[GROUP];
    prefetch_rests(worker->engine, jobs, count, ends);
    prefetch_identities(worker->engine, jobs, count, ends);
    for (unsigned i = 0; i < count; i++) {
        worker->order = order_of(batch, jobs[i].place);
        work_on_packet(worker, jobs[i].item, jobs[i].guess);
    }
}

static void work_on_packets(struct worker *worker, const struct batch *batch, struct job jobs[],
                            unsigned count)
{
    worker->packets += count;
    prefetch_buckets(jobs, 0, count);
    prefetch_buckets(jobs, GROUP, count);
    prefetch_lines(jobs, 0, count);
    for (unsigned from = 0; from < count; from += GROUP) {
        prefetch_buckets(jobs, from + 2 * GROUP, count);
        prefetch_lines(jobs, from + GROUP, count);
        work_on_group(worker, batch, jobs + from, group_end(from, count) - from);
    }
}

/* Flows of which no packet came: the judge hears of each, and all that is kept of it is asked for. */
static void prefetch_flows(const struct engine *engine, struct job jobs[], unsigned count)
{
    bool is_inline = pipeline_is_inline(&engine->pipeline);
    struct judge_ends ends[GROUP];
    for (unsigned i = 0; i < count; i++) {
        flow_prefetch(jobs[i].shard->table, jobs[i].guess);
        if (is_inline)
            judge_prefetch(engine->judge, jobs[i].shard->first_slot + jobs[i].guess);
    }
    for (unsigned i = 0; i < count; i++) {
        identity_prefetch(jobs[i].shard->identifier, flow_identity(jobs[i].shard->table, jobs[i].guess));
        jobs[i].is_heard = flow_heard_both(jobs[i].shard->table, jobs[i].guess);
        if (!is_inline)
            continue;
        struct flow_key key;
        flow_key_at(jobs[i].shard->table, jobs[i].guess, &key);
        judge_prefetch_ends(engine->judge, &key, !jobs[i].is_heard, &ends[i]);
    }
    for (unsigned i = 0; i < count && is_inline; i++)
        judge_prefetch_near(engine->judge, &ends[i]);
}

static void tell_group(struct worker *worker, const struct batch *batch, struct job jobs[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        jobs[i].guess = batch->flows[jobs[i].place];
    prefetch_flows(worker->engine, jobs, count);
    for (unsigned i = 0; i < count; i++) {
        const struct flow_table *table = jobs[i].shard->table;
        uint32_t index = jobs[i].guess;
        worker->order = order_of(batch, jobs[i].place);
        tell(worker, batch->kind, index,
             flow_is_closed(table, index) ? flow_end_of(table, index) : FLOW_END_INPUT, 0, NULL);
    }
}

static void work_on_share(void *context, unsigned number, struct batch *batch, unsigned share)
{
    struct engine *engine = context;
    struct worker *worker = &engine->workers[number];
    struct job mine[BATCH_PACKETS];
    worker->notes = &batch->notes[share];
    worker->now_ns = batch->first_ns;
    worker->step = 0;
    unsigned count = jobs_of(engine, batch, share, mine);
    if (!batch->is_of_flows) {
        expire(worker, batch, share);
        work_on_packets(worker, batch, mine, count);
        return;
    }
    for (unsigned from = 0; from < count; from += GROUP)
        tell_group(worker, batch, mine + from, group_end(from, count) - from);
}

/* ---- the reader's side ---- */

static const uint8_t *keep(struct batch *batch, const uint8_t *from, size_t size)
{
    uint8_t *at = batch->bytes + batch->used;
    if (size)
        memcpy(at, from, size);
    batch->used += size;
    return at;
}

static uint64_t key_of_quoted(const struct engine *engine, struct batch_packet *item)
{
    const struct packet *packet = &item->packet;
    flow_key_of(&packet->quoted.source, &packet->quoted.destination, packet->quoted.source_port,
                packet->quoted.destination_port, packet->quoted.protocol, &item->key, &item->side);
    return flow_key_hash(&item->key, engine->options.hash_key);
}

/* Gives the packets that were decoded last their flows' keys and hashes. Not each as soon as it is decoded: a
 * processor waits for what it wrote in pieces a moment ago. */
static void place(struct engine *engine)
{
    struct batch *batch = pipeline_batch(&engine->pipeline);
    unsigned count = batch->count;
    for (unsigned i = batch->placed; i < count; i++) {
        struct batch_packet *item = &batch->packets[i];
        item->hash = item->is_icmp ? key_of_quoted(engine, item)
                                   : flow_key_of_packet(&item->packet, engine->options.hash_key, &item->key,
                                                        &item->side);
        batch->shard[i] = (uint8_t)(item->hash >> 60); /* PIPELINE_SHARDS of them */
    }
    batch->placed = count;
    if (count)
        batch->first_ns = batch->packets[0].packet.time_ns;
}

/* The batch being filled, with room for one more packet: `size` bytes of copies, or the memory its frame is
 * in. */
static struct batch *batch_with_room(struct engine *engine, size_t size, const struct frame_hold *hold)
{
    struct batch *batch = pipeline_batch(&engine->pipeline);
    if (batch->count < BATCH_PACKETS && batch->used + size <= BATCH_BYTES &&
        (!hold || batch_can_hold(batch, hold)))
        return batch;
    place(engine);
    pipeline_hand_over(&engine->pipeline);
    return pipeline_batch(&engine->pipeline);
}

/* Takes the packet that stands in the batch's next place, if it belongs to a flow. Its payload is copied
 * where it cannot stay: `hold` is NULL, or the memory is the decoder's. */
static inline void take(struct engine *engine, struct batch *batch, struct frame_hold *hold)
{
    struct batch_packet *item = &batch->packets[batch->count];
    struct packet *packet = &item->packet;
    item->is_icmp = packet->protocol == IP_ICMP || packet->protocol == IP_ICMPV6;
    if (item->is_icmp && !packet->has_quoted)
        return;
    engine->icmp_errors += item->is_icmp;
    if (hold && !packet->is_fragmented)
        batch_hold(batch, hold);
    else
        packet->payload.at = keep(batch, packet->payload.at, packet->payload.left);
    batch->count++;
}

/* Datagrams that did not become whole: their first fragments. */
static void take_overdue(struct engine *engine, int64_t now_ns)
{
    struct batch *batch = batch_with_room(engine, DATAGRAM_BYTES, NULL);
    while (decode_overdue(engine->decoder, now_ns, &batch->packets[batch->count].packet)) {
        take(engine, batch, NULL);
        batch = batch_with_room(engine, DATAGRAM_BYTES, NULL);
    }
}

/* What is left of a frame longer than any that is looked at. */
static struct frame shortened(struct engine *engine, const struct frame *frame)
{
    struct frame shorter = *frame;
    shorter.caplen = FRAME_BYTES;
    engine->oversized++;
    return shorter;
}

void engine_frames(struct engine *engine, const struct frame frames[], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct frame *frame = &frames[i];
        struct frame shorter;
        engine->bytes += frame->wirelen;
        if (frame->time_ns > engine->now_ns || !engine->packets)
            engine->now_ns = frame->time_ns;
        engine->packets++;
        if (frame->caplen > FRAME_BYTES) {
            shorter = shortened(engine, frame);
            frame = &shorter;
        }
        struct batch *batch = batch_with_room(engine, FRAME_BYTES, frame->hold);
        struct packet *packet = &batch->packets[batch->count].packet;
        enum decode_result result = decode_frame(engine->decoder, frame, packet);
        engine->has_fragments |= result == DECODE_FRAGMENT;
        if (result == DECODED)
            take(engine, batch, frame->hold);
        if (engine->has_fragments)
            take_overdue(engine, engine->now_ns);
    }
    place(engine);
}

void engine_capture_told(struct engine *engine, const struct capture_told *told, int64_t now_ns)
{
    engine->told_ns = now_ns;
    judge_capture(engine->judge, told, now_ns);
}

/* ---- live: time that no packet brings ---- */

static void tell_coverage(struct engine *engine)
{
    for (int32_t entry = 0; engine->options.policy && policy_entry(engine->options.policy, entry); entry++)
        event_coverage(&engine->writer, engine->judge, entry, engine->now_ns);
}

void engine_tick(struct engine *engine, int64_t now_ns)
{
    if (now_ns > engine->now_ns)
        engine->now_ns = now_ns;
    take_overdue(engine, engine->now_ns);
    place(engine);
    pipeline_tick(&engine->pipeline, engine->now_ns);
    if (engine->now_ns - engine->ticked_ns < TICK_EVERY_NS)
        return;
    engine->ticked_ns = engine->told_ns = engine->now_ns;
    if (judge_tick(engine->judge, engine->now_ns) && engine->writer.line)
        tell_coverage(engine);
}

/* ---- every living flow ---- */

/* The flows of all shards in the order in which they began: each shard's in order, how far it was told, and
 * when the next one began. */
struct livings {
    uint32_t *list[PIPELINE_SHARDS];
    uint32_t count[PIPELINE_SHARDS], next[PIPELINE_SHARDS];
    int64_t began_ns[PIPELINE_SHARDS]; /* INT64_MAX: all were told */
};

/* The flows behind the next one are asked for, as the order is by what is kept of them. */
static void see_next(const struct engine *engine, struct livings *livings, unsigned s)
{
    enum { AHEAD = 8 };
    const struct flow_table *table = engine->shards[s].table;
    uint32_t next = livings->next[s], left = livings->count[s] - next;
    if (left > AHEAD)
        flow_prefetch_rest(table, livings->list[s][next + AHEAD]);
    livings->began_ns[s] = left ? flow_began_ns(table, livings->list[s][next]) : INT64_MAX;
}

static bool list_living(const struct engine *engine, struct livings *livings)
{
    for (unsigned s = 0; s < PIPELINE_SHARDS; s++) {
        const struct flow_table *table = engine->shards[s].table;
        livings->count[s] = flow_table_count(table);
        livings->list[s] = malloc((livings->count[s] + (size_t)1) * sizeof *livings->list[s]);
        if (!livings->list[s])
            return false;
        flow_table_list(table, livings->list[s]);
        see_next(engine, livings, s);
    }
    return true;
}

static bool is_before(const struct engine *engine, const struct livings *livings, unsigned s, unsigned other)
{
    if (livings->began_ns[s] != livings->began_ns[other])
        return livings->began_ns[s] < livings->began_ns[other];
    return livings->began_ns[s] != INT64_MAX &&
           flow_began_before(engine->shards[s].table, livings->list[s][livings->next[s]],
                             engine->shards[other].table, livings->list[other][livings->next[other]]);
}

/* The shard whose next flow began first; PIPELINE_SHARDS: all were told. */
static unsigned first_living(const struct engine *engine, const struct livings *livings)
{
    unsigned first = 0;
    for (unsigned s = 1; s < PIPELINE_SHARDS; s++)
        if (is_before(engine, livings, s, first))
            first = s;
    return livings->began_ns[first] == INT64_MAX ? PIPELINE_SHARDS : first;
}

static uint32_t next_living(const struct engine *engine, struct livings *livings, unsigned shard)
{
    uint32_t index = livings->list[shard][livings->next[shard]++];
    see_next(engine, livings, shard);
    return index;
}

static void take_flow(struct engine *engine, unsigned shard, uint32_t index, enum note_kind kind)
{
    if (pipeline_batch(&engine->pipeline)->count == BATCH_PACKETS)
        pipeline_hand_over(&engine->pipeline);
    struct batch *batch = pipeline_batch(&engine->pipeline);
    batch->is_of_flows = true;
    batch->kind = (uint8_t)kind;
    batch->first_ns = engine->now_ns;
    batch->shard[batch->count] = (uint8_t)shard;
    batch->flows[batch->count++] = index;
}

/* Tells the judge of every flow, in the order in which they began; the pipeline is drained. False: out of
 * memory. */
static bool tell_every_flow(struct engine *engine, enum note_kind kind)
{
    struct livings livings = {0};
    bool ok = list_living(engine, &livings);
    unsigned s;
    while (ok && (s = first_living(engine, &livings)) < PIPELINE_SHARDS)
        take_flow(engine, s, next_living(engine, &livings, s), kind);
    pipeline_drain(&engine->pipeline);
    for (s = 0; s < PIPELINE_SHARDS; s++)
        free(livings.list[s]);
    return ok;
}

bool engine_reload(struct engine *engine, const struct policy *policy)
{
    pipeline_drain(&engine->pipeline);
    if (!judge_reload(engine->judge, policy))
        return false;
    engine->options.policy = policy;
    engine->writer.policy = policy;
    tell_every_flow(engine, NOTE_CHANGE); /* without the memory for it: as they change or end */
    return true;
}

/* ---- the end ---- */

void engine_stats(struct engine *engine)
{
    enum { COUNTERS_MAX = 160 };
    struct event_counter counters[COUNTERS_MAX];
    unsigned count = 0;
    uint64_t value;
    while (count < COUNTERS_MAX && (counters[count].name = engine_counter(engine, count, &value)))
        counters[count++].value = value;
    if (engine->writer.line)
        event_stats(&engine->writer, counters, count, engine->now_ns);
}

void engine_finish(struct engine *engine)
{
    assert(!engine->finished);
    take_overdue(engine, INT64_MAX);
    place(engine);
    pipeline_drain(&engine->pipeline);
    tell_every_flow(engine, NOTE_END);
    engine->told_ns = engine->now_ns;
    judge_finish(engine->judge, engine->now_ns);
    if (engine->writer.line) {
        tell_coverage(engine);
        engine_stats(engine);
    }
    engine->finished = true;
}

/* ---- life ---- */

static void finding_told(void *context, const struct finding *finding)
{
    struct engine *engine = context;
    if (engine->writer.line && !finding->muted)
        event_finding(&engine->writer, finding, engine->told_ns);
}

static void episode_over(void *context, const struct ipsec_episode *episode)
{
    struct engine *engine = context;
    if (engine->writer.line)
        event_ipsec(&engine->writer, episode, engine->told_ns);
}

static bool make_shards(struct engine *engine)
{
    uint32_t flows = flows_per_shard(&engine->options);
    for (unsigned s = 0; s < PIPELINE_SHARDS; s++) {
        struct shard *shard = &engine->shards[s];
        shard->first_slot = s * (flows + 1);
        shard->table = flow_table_create(flows);
        shard->identifier = identifier_create(flows, windows_of(flows));
        if (!shard->table || !shard->identifier)
            return false;
    }
    return true;
}

void engine_loss(struct engine *engine, const struct event_loss *loss)
{
    if (engine->writer.line)
        event_loss(&engine->writer, loss);
}

static bool start_pipeline(struct engine *engine)
{
    for (unsigned w = 0; w < engine->options.workers; w++) {
        engine->workers[w].engine = engine;
        engine->workers[w].number = w;
    }
    engine->pipeline.workers = engine->options.workers;
    engine->pipeline.work = work_on_share;
    engine->pipeline.tell = tell_notes;
    engine->pipeline.context = engine;
    return pipeline_init(&engine->pipeline);
}

static struct judge_options judge_options_of(const struct engine_options *options)
{
    return (struct judge_options){.policy = options->policy,
                                  .flow_slots = PIPELINE_SHARDS * (flows_per_shard(options) + 1),
                                  .told = finding_told,
                                  .episode_over = episode_over};
}

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = aligned_alloc(_Alignof(struct engine), sizeof *engine);
    if (!engine)
        return NULL;
    memset(engine, 0, sizeof *engine);
    engine->options = *options;
    if (engine->options.workers < 1)
        engine->options.workers = 1;
    if (engine->options.workers > WORKERS_MAX)
        engine->options.workers = WORKERS_MAX;
    engine->writer = (struct event_writer){.policy = options->policy,
                                           .hostname = options->hostname,
                                           .sensor = options->sensor,
                                           .run_id = options->run_id ? options->run_id : "0000000000000000",
                                           .with_created = options->with_created,
                                           .line = options->line,
                                           .context = options->context};
    struct judge_options judge_options = judge_options_of(&engine->options);
    judge_options.context = engine;
    engine->decoder = decoder_create();
    engine->judge = judge_create(&judge_options);
    if (!engine->decoder || !engine->judge || !make_shards(engine) || !start_pipeline(engine)) {
        engine_destroy(engine);
        return NULL;
    }
    return engine;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    pipeline_fini(&engine->pipeline);
    for (unsigned s = 0; s < PIPELINE_SHARDS; s++) {
        flow_table_destroy(engine->shards[s].table);
        identifier_destroy(engine->shards[s].identifier);
    }
    judge_destroy(engine->judge);
    decoder_destroy(engine->decoder);
    free(engine);
}

size_t engine_memory(const struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    uint32_t flows = flows_per_shard(options);
    struct judge_options judge_options = judge_options_of(options);
    return sizeof *engine + decoder_memory() + judge_memory(&judge_options) +
           PIPELINE_SHARDS * (flow_table_memory(flows) + identifier_memory(flows, windows_of(flows))) +
           pipeline_memory(options->workers);
}

const struct judge *engine_judge(const struct engine *engine)
{
    return engine->judge;
}

static uint64_t sum_identify(const struct engine *engine, size_t offset)
{
    uint64_t sum = 0;
    for (unsigned s = 0; s < PIPELINE_SHARDS; s++) {
        uint64_t value;
        memcpy(&value, (const char *)identify_counters(engine->shards[s].identifier) + offset, sizeof value);
        sum += value;
    }
    return sum;
}

const char *engine_counter(const struct engine *engine, unsigned index, uint64_t *value)
{
    const struct decoder_counters *decoded = decoder_counters(engine->decoder);
    const struct judge_totals *totals = judge_totals(engine->judge);
    uint64_t evicted = 0, tunnels_refused = 0;
    for (unsigned s = 0; s < PIPELINE_SHARDS; s++) {
        evicted += engine->shards[s].evicted;
        tunnels_refused += flow_table_layers_refused(engine->shards[s].table);
    }
    const struct event_counter counters[] = {
        {"packets", engine->packets},
        {"bytes", engine->bytes},
        {"decoded", decoded->results[DECODED]},
        {"not_ip", decoded->results[DECODE_NOT_IP]},
        {"opaque", decoded->results[DECODE_OPAQUE]},
        {"cut", decoded->results[DECODE_CUT]},
        {"malformed", decoded->results[DECODE_MALFORMED]},
        {"too_deep", decoded->results[DECODE_TOO_DEEP]},
        {"unknown_link", decoded->results[DECODE_UNKNOWN_LINK]},
        {"fragments", decoded->fragments.kept},
        {"fragments_reassembled", decoded->fragments.reassembled},
        {"fragments_overlapping", decoded->fragments.overlapping},
        {"fragments_timed_out", decoded->fragments.timed_out},
        {"fragments_evicted", decoded->fragments.evicted},
        {"esp_forgotten", decoded->esp.evicted},
        {"oversized", engine->oversized},
        {"icmp_errors", engine->icmp_errors},
        {"flows", totals->flows},
        {"flows_evicted", evicted},
        {"tunnels_refused", tunnels_refused},
        {"identified_settled", sum_identify(engine, offsetof(struct identify_counters, settled))},
        {"identify_given_up", sum_identify(engine, offsetof(struct identify_counters, given_up))},
        {"identify_gaps", sum_identify(engine, offsetof(struct identify_counters, gaps))},
        {"identify_works_starved", sum_identify(engine, offsetof(struct identify_counters, works_starved))},
        {"identify_windows_starved",
         sum_identify(engine, offsetof(struct identify_counters, windows_starved))},
        {"identify_facts_starved", sum_identify(engine, offsetof(struct identify_counters, facts_starved))},
        {"events_too_long", engine->writer.too_long},
    };
    enum { OWN = sizeof counters / sizeof *counters };
    unsigned judges = judge_counter_count();
    if (index >= OWN + judges)
        return engine->options.more_counters
                   ? engine->options.more_counters(engine->options.context, index - OWN - judges, value)
                   : NULL;
    if (index >= OWN)
        return judge_counter(engine->judge, index - OWN, value);
    *value = counters[index].value;
    return counters[index].name;
}

uint64_t engine_sequence(const struct engine *engine)
{
    return engine->writer.sequence;
}

uint64_t engine_worker_packets(const struct engine *engine, unsigned worker)
{
    return engine->workers[worker].packets;
}
