/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine_work.c - one worker's share of a batch: each packet finds its flow and is followed there, its
 * payload is looked at by identification, and what is news goes to the judge (engine_tell.c). Memory that no
 * cache holds is asked for ahead, a group of packets at a time. Newcomers start at work_on_packet().
 */
#include "engine_parts.h"

#include "rolecall/ahead.h"

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

void work_on_share(void *context, unsigned number, struct batch *batch, unsigned share)
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
