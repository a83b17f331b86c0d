/* SPDX-License-Identifier: BSD-2-Clause
 *
 * engine.c - the packet's whole path: capture hands in a frame, decode makes a packet of it, its flow is
 * found and follows it, identification looks at the payload, the judge hears what changed, events leave.
 *
 * Frames are gathered into batches (pipeline.h). A flow belongs to one of PIPELINE_SHARDS shards by its hash,
 * and a shard to one worker; what a worker has to say to the judge goes into notes, which are
 * handed over in packet order, shard by shard within one packet. So the judge hears the same story for any
 * number of workers, and the output is the same. Newcomers start at engine_frames(), and go on with
 * work_on_packet() in engine_work.c.
 */
#include "engine_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "rolecall/decode.h"

enum {
    DATAGRAM_BYTES = 65536,             /* the largest that fragments make */
    FRAME_BYTES = BATCH_BYTES / 4,      /* of a frame's that are looked at; no less than a datagram's */
    FLOWS_DEFAULT = 1024 * 1024 * 5 / 4 /* a million, however uneven the shards are */
};
_Static_assert(PIPELINE_SHARDS == 16, "a shard is the four highest bits of a flow's hash");

#define TICK_EVERY_NS INT64_C(1000000000) /* judge_tick() wants to be called about once a second */

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

/* ---- other rules ---- */

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
