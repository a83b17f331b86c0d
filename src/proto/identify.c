/* SPDX-License-Identifier: BSD-2-Clause
 *
 * identify.c - asks the identifiers of list.h about a flow's payloads, in order, until one says yes, and then
 * that one alone until it is settled. Called by the engine for every payload of a flow that is not settled.
 * See identify.h for what stays and what is given back. It ignores what a protocol means: that is judged
 * elsewhere.
 */
#include "rolecall/identify.h"

#include <stdlib.h>

#include "rolecall/pool.h"
#include "stream.h"

/*
 * Budgets: how much of a flow is asked about before it stays unidentified. RTP needs four packets of one
 * direction and may follow ICE checks and RTCP, hence 64 datagrams; a TCP protocol shows itself within its
 * first window, a stream seen from the middle within a few segment starts.
 */
enum { DATAGRAMS_MAX = 64, SEGMENTS_MAX = 32, STRANGERS_MAX = 64, MEMORY_SLOTS = 4 };

struct work {
    uint64_t ruled_out; /* TCP: bit per enum proto_id */
    struct stream streams[2];
    uint32_t reached[2];          /* TCP: how far each side's stream is known to have gone */
    uint8_t owners[MEMORY_SLOTS]; /* whose memory each slot is; 0: free */
    uint8_t asked;                /* payloads asked about without a name */
    uint8_t strangers;            /* datagrams in a row that no named protocol knew */
    uint8_t current;              /* the protocol asked first: the last that said yes */
    uint8_t yes_sides;            /* bit per side that confirmed the name */
    bool carries_media;
    bool is_running_rtp; /* RTP that both sides have shown, and nothing new in its last packet */
    bool lost;           /* a hole in a stream was given up */
    struct proto_memory memory[MEMORY_SLOTS];
};

struct identifier {
    struct pool works, windows, facts;
    struct identify_counters counters;
    struct proto_memory scratch;      /* zero between questions */
    struct proto_facts scratch_facts; /* likewise */
    struct proto_reply reply;
};

_Static_assert(PROTO_COUNT <= 64, "struct identity has one bit per protocol");

static const struct proto_facts no_facts;

size_t identifier_memory(uint32_t works, uint32_t windows, uint32_t facts)
{
    return sizeof(struct identifier) + pool_memory(sizeof(struct work), works) +
           pool_memory(PROTO_WINDOW_SIZE, windows) + pool_memory(sizeof(struct proto_facts), facts);
}

struct identifier *identifier_create(uint32_t works, uint32_t windows, uint32_t facts)
{
    struct identifier *identifier = calloc(1, sizeof *identifier);
    if (!identifier)
        return NULL;
    if (!pool_init(&identifier->works, sizeof(struct work), works) ||
        !pool_init(&identifier->windows, PROTO_WINDOW_SIZE, windows) ||
        !pool_init(&identifier->facts, sizeof(struct proto_facts), facts)) {
        identifier_destroy(identifier);
        return NULL;
    }
    return identifier;
}

void identifier_destroy(struct identifier *identifier)
{
    if (!identifier)
        return;
    pool_fini(&identifier->works);
    pool_fini(&identifier->windows);
    pool_fini(&identifier->facts);
    free(identifier);
}

const struct identify_counters *identify_counters(const struct identifier *identifier)
{
    return &identifier->counters;
}

void identity_init(struct identity *identity)
{
    *identity = (struct identity){.client = SIDE_NONE};
}

const struct proto_facts *identify_facts(const struct identifier *identifier, const struct identity *identity)
{
    return identity->facts ? pool_item(&identifier->facts, identity->facts) : &no_facts;
}

static struct work *work_of(struct identifier *identifier, struct identity *identity)
{
    if (identity->work)
        return pool_item(&identifier->works, identity->work);
    identity->work = pool_take(&identifier->works);
    if (!identity->work) {
        identifier->counters.works_starved++;
        identity->starved = identity->settled = true;
        return NULL;
    }
    struct work *work = pool_item(&identifier->works, identity->work);
    *work = (struct work){0};
    return work;
}

static void give_back_work(struct identifier *identifier, struct identity *identity)
{
    if (!identity->work)
        return;
    struct work *work = pool_item(&identifier->works, identity->work);
    for (unsigned side = 0; side < 2; side++)
        stream_restart(&work->streams[side], &identifier->windows, 0);
    pool_give(&identifier->works, identity->work);
    identity->work = 0;
}

void identity_release(struct identifier *identifier, struct identity *identity)
{
    give_back_work(identifier, identity);
    if (identity->facts)
        pool_give(&identifier->facts, identity->facts);
    identity->facts = 0;
}

static void settle(struct identifier *identifier, struct identity *identity)
{
    identity->settled = true;
    identity->likely = 0;
    if (identity->name)
        identifier->counters.settled++;
    else
        identifier->counters.given_up++;
    give_back_work(identifier, identity);
}

static bool is_customary(const struct protocol *protocol, const uint16_t ports[2])
{
    for (const uint16_t *port = protocol->customary_ports; port && *port; port++)
        if (*port == ports[0] || *port == ports[1])
            return true;
    return false;
}

static bool is_zero(const struct proto_memory *memory)
{
    static const struct proto_memory zero;
    return memcmp(memory, &zero, sizeof zero) == 0;
}

static struct proto_memory *memory_of(struct work *work, unsigned id)
{
    for (unsigned i = 0; i < MEMORY_SLOTS; i++)
        if (work->owners[i] == id)
            return &work->memory[i];
    return NULL;
}

/* Keeps what an identifier wrote into the scratch memory. A protocol that said yes takes a place before one
 * that only thinks about it. */
static void keep_memory(struct identifier *identifier, struct identity *identity, struct work *work,
                        unsigned id, bool yes)
{
    if (is_zero(&identifier->scratch))
        return;
    unsigned slot = MEMORY_SLOTS;
    for (unsigned i = 0; i < MEMORY_SLOTS; i++) {
        bool is_named = work->owners[i] == identity->name || (identity->also >> work->owners[i] & 1);
        if (!work->owners[i] || (yes && !is_named && slot == MEMORY_SLOTS))
            slot = i;
        if (!work->owners[i])
            break;
    }
    if (slot < MEMORY_SLOTS) {
        work->owners[slot] = (uint8_t)id;
        work->memory[slot] = identifier->scratch;
    }
    identifier->scratch = (struct proto_memory){0};
}

static void ask(struct identifier *identifier, struct identity *identity, struct work *work, unsigned id,
                struct proto_question *question, const uint16_t ports[2])
{
    const struct protocol *protocol = proto_by_id((enum proto_id)id);
    struct proto_reply *reply = &identifier->reply;
    struct proto_memory *memory = memory_of(work, id);
    struct proto_facts *facts =
        identity->facts ? pool_item(&identifier->facts, identity->facts) : &identifier->scratch_facts;
    /* The list of learned end points is long and read only as far as its count says: it is not cleared. */
    memset(reply, 0, offsetof(struct proto_reply, learned));
    question->customary = is_customary(protocol, ports);
    protocol->ask(question, memory ? memory : &identifier->scratch, facts, reply);
    if (!memory) {
        if (reply->answer == PROTO_NO)
            identifier->scratch = (struct proto_memory){0};
        else
            keep_memory(identifier, identity, work, id, reply->answer == PROTO_YES);
    }
}

static void take_facts(struct identifier *identifier, struct identity *identity)
{
    if (identity->facts)
        return;
    identity->facts = pool_take(&identifier->facts);
    if (identity->facts)
        *(struct proto_facts *)pool_item(&identifier->facts, identity->facts) = identifier->scratch_facts;
    else {
        identifier->counters.facts_starved++;
        identity->starved = true;
    }
    identifier->scratch_facts = (struct proto_facts){0};
}

/* What a verdict may rest on, small enough to be compared at each reply. */
struct weight {
    uint64_t also;
    uint16_t tls_version;
    uint8_t name, upgraded_to, likely, evidence, client, mutual, modality, resumed;
    bool full_handshake, turn_request, query_request;
};

static struct weight weigh(const struct identifier *identifier, const struct identity *identity)
{
    const struct proto_facts *facts = identify_facts(identifier, identity);
    struct weight weight;
    memset(&weight, 0, sizeof weight); /* padding too: it is compared as bytes */
    weight.also = identity->also;
    weight.tls_version = facts->tls.version;
    weight.name = identity->name;
    weight.upgraded_to = identity->upgraded_to;
    weight.likely = identity->likely;
    weight.evidence = identity->evidence;
    weight.client = identity->client;
    weight.mutual = facts->tls.mutual;
    weight.resumed = facts->tls.resumed;
    weight.modality = facts->modality;
    weight.full_handshake = facts->tls.full_handshake;
    weight.turn_request = facts->turn.request;
    weight.query_request = facts->query.request;
    return weight;
}

static void append_learned(const struct proto_reply *reply, struct identify_learned *learned)
{
    for (unsigned i = 0; i < reply->learned_count && learned->count < PROTO_LEARNED_MAX; i++)
        learned->items[learned->count++] = reply->learned[i];
}

/* A yes: the name if there is none yet, else one more protocol of the same flow. */
static void accept(struct identifier *identifier, struct identity *identity, struct work *work, unsigned id,
                   unsigned side, struct identify_learned *learned)
{
    const struct proto_reply *reply = &identifier->reply;
    take_facts(identifier, identity);
    if (!identity->name)
        identity->name = (uint8_t)id;
    if (id == identity->name) {
        work->yes_sides |= (uint8_t)(1 << side);
        if (reply->evidence > identity->evidence)
            identity->evidence = reply->evidence;
        if (work->yes_sides == 3)
            identity->evidence = 3;
    } else if (id != identity->upgraded_to) {
        identity->also |= (uint64_t)1 << id;
    }
    if (identity->client == SIDE_NONE && reply->speaker != SPEAKER_UNKNOWN)
        identity->client = (uint8_t)(reply->speaker == SPEAKER_CLIENT ? side : 1 - side);
    work->carries_media |= reply->carries_media;
    if (reply->carries && (unsigned)reply->carries != identity->name)
        identity->also |= (uint64_t)1 << reply->carries;
    work->current = (uint8_t)id;
    append_learned(reply, learned);
}

static bool is_known(const struct identity *identity, unsigned id)
{
    return id == identity->name || id == identity->upgraded_to || (identity->also >> id & 1);
}

static enum identify_change change_since(const struct identifier *identifier, const struct identity *identity,
                                         const struct weight *before)
{
    struct weight after = weigh(identifier, identity);
    return memcmp(before, &after, sizeof after) != 0 ? IDENTITY_CHANGED : IDENTITY_SAME;
}

/* Protocols that share a flow: media with its signalling (RFC 7983), and ESP with IKE on one UDP port (RFC
 * 3948). */
static unsigned family_of(unsigned id)
{
    if (id == PROTO_ike || id == PROTO_authip || id == PROTO_esp)
        return 2;
    return proto_by_id((enum proto_id)id)->is_media || id == PROTO_ms_turn ? 1 : 0;
}

/* Asks every identifier of this transport but `except`; only those of its family once the flow has a name.
 * `*more`: the last that wants to see more. */
static unsigned ask_all(struct identifier *identifier, struct identity *identity, struct work *work,
                        struct proto_question *question, const uint16_t ports[2], unsigned except,
                        unsigned *more)
{
    for (unsigned id = 1; id < PROTO_COUNT; id++) {
        const struct protocol *protocol = proto_by_id((enum proto_id)id);
        if (id == except || !(protocol->transports & question->transport) || (work->ruled_out >> id & 1))
            continue;
        if (identity->name && family_of(id) != family_of(identity->name))
            continue;
        question->named = is_known(identity, id);
        ask(identifier, identity, work, id, question, ports);
        if (identifier->reply.answer == PROTO_YES)
            return id;
        if (identifier->reply.answer == PROTO_MORE)
            *more = id;
        else if (question->transport == OVER_TCP && question->start)
            work->ruled_out |= (uint64_t)1 << id;
    }
    return 0;
}

/* The one identifier that is asked for ever: media makes most of a site's packets, and one more of a stream
 * that both sides have shown changes nothing but its counters. */
static bool goes_on_as_rtp(struct identifier *identifier, struct identity *identity, struct work *work,
                           struct proto_question *question, const uint16_t ports[2])
{
    question->named = true;
    ask(identifier, identity, work, PROTO_rtp, question, ports);
    if (identifier->reply.answer == PROTO_YES)
        work->strangers = 0;
    return identifier->reply.answer == PROTO_YES;
}

/* What an unnamed flow could be after one more datagram, which `more` would not deny. */
static uint8_t likely_after(const struct identity *identity, const struct work *work, unsigned more,
                            size_t caplen)
{
    enum { HEADER_SIZE = 12 }; /* RFC 3550 section 5.1: less says next to nothing */
    bool is_media = (more == PROTO_rtp || more == PROTO_rtcp) && caplen >= HEADER_SIZE;
    if (!is_media || (work->asked > 0 && !identity->likely))
        return 0;
    return identity->likely ? identity->likely : (uint8_t)more;
}

enum identify_change identify_datagram(struct identifier *identifier, struct identity *identity,
                                       const struct identify_input *input, struct identify_learned *learned)
{
    struct work *work = identity->settled ? NULL : work_of(identifier, identity);
    if (!work)
        return IDENTITY_SAME;
    struct proto_question question = {.transport = OVER_UDP,
                                      .side = input->side,
                                      .start = true,
                                      .time_ns = input->time_ns,
                                      .data = input->payload,
                                      .wirelen = input->payload_wirelen};
    if (work->is_running_rtp && goes_on_as_rtp(identifier, identity, work, &question, input->ports))
        return IDENTITY_SAME;
    struct weight before = weigh(identifier, identity);
    unsigned id = 0, more = 0;
    bool is_empty = question.data.left == 0; /* nothing captured: nothing to ask about */
    if (identity->name && !is_empty && !work->is_running_rtp) {
        question.named = true;
        ask(identifier, identity, work, work->current, &question, input->ports);
        if (identifier->reply.answer == PROTO_MORE)
            more = work->current;
        if (identifier->reply.answer == PROTO_YES)
            id = work->current;
    }
    if (!id && !is_empty && (!identity->name || work->carries_media || family_of(identity->name) == 2))
        id = ask_all(identifier, identity, work, &question, input->ports, work->current, &more);
    work->is_running_rtp = false;
    identity->cut |= (more || is_empty) && input->payload.cut;
    if (id) {
        bool settled = identifier->reply.settled;
        work->strangers = 0;
        identity->likely = 0;
        accept(identifier, identity, work, id, input->side, learned);
        enum identify_change change = change_since(identifier, identity, &before);
        work->is_running_rtp =
            id == PROTO_rtp && change == IDENTITY_SAME && work->yes_sides == 3 && identity->facts;
        if (settled)
            settle(identifier, identity);
        return change;
    }
    identity->likely = identity->name ? 0 : likely_after(identity, work, more, question.data.left);
    if (identity->name ? ++work->strangers >= STRANGERS_MAX : ++work->asked >= DATAGRAMS_MAX) {
        settle(identifier, identity);
        return identity->name ? IDENTITY_SAME : IDENTITY_CHANGED;
    }
    return change_since(identifier, identity, &before);
}

/* The stream goes on as another protocol from here on, in both directions. */
static void upgrade(struct identity *identity, struct work *work, unsigned id)
{
    identity->upgraded_to = (uint8_t)id;
    work->current = (uint8_t)id;
    work->yes_sides = 0;
    for (unsigned side = 0; side < 2; side++)
        work->streams[side].start = work->streams[side].anchored;
}

enum stream_end { STREAM_WAIT, STREAM_SETTLED, STREAM_GIVE_UP };

/* Asks about unread bytes of one side until it needs more of them. `kept` of them were there before the
 * newest segment;
 * `*used`: how far it came. */
static enum stream_end ask_stream(struct identifier *identifier, struct identity *identity, struct work *work,
                                  const struct identify_input *input, unsigned side, struct bytes view,
                                  size_t kept, size_t *used, struct identify_learned *learned)
{
    struct stream *stream = &work->streams[side];
    *used = 0;
    while (*used < view.left) {
        struct proto_question question = {.transport = OVER_TCP,
                                          .side = (uint8_t)side,
                                          .start = stream->start,
                                          .gap = stream->gap,
                                          .time_ns = input->time_ns,
                                          .data = bytes_of(view.at + *used, view.left - *used)};
        unsigned more = 0, id = 0;
        if (identity->name) {
            /* An upgrade that has not spoken yet is asked as a new protocol. */
            question.named = work->current != identity->upgraded_to || work->yes_sides;
            ask(identifier, identity, work, work->current, &question, input->ports);
            if (identifier->reply.answer == PROTO_NO)
                return STREAM_SETTLED;
            if (identifier->reply.answer == PROTO_YES)
                id = work->current;
        } else {
            id = ask_all(identifier, identity, work, &question, input->ports, 0, &more);
        }
        stream->gap = false;
        if (!id) {
            if (identity->name || more)
                return question.data.left >= PROTO_WINDOW_SIZE ? STREAM_GIVE_UP : STREAM_WAIT;
            /* In the middle of a stream the next segment may begin a unit; and after a beginning that nobody
             * here reads, a later segment may begin something known (TLS after another protocol's STARTTLS).
             */
            if (stream->start)
                work->ruled_out = 0;
            *used = *used < kept ? kept : view.left;
            continue;
        }
        const struct proto_reply *reply = &identifier->reply;
        if (!identity->name)
            identity->middle = !stream->start;
        accept(identifier, identity, work, id, side, learned);
        if (id == identity->upgraded_to)
            work->yes_sides |= (uint8_t)(1 << side);
        *used += reply->used;
        if (reply->upgrade)
            upgrade(identity, work, reply->upgrade);
        else if (reply->settled)
            return STREAM_SETTLED;
        else if (reply->used == 0)
            return question.data.left >= PROTO_WINDOW_SIZE ? STREAM_GIVE_UP : STREAM_WAIT;
    }
    return STREAM_WAIT;
}

/* Offers one segment piece by piece; false when the flow is settled by it. */
static bool follow_stream(struct identifier *identifier, struct identity *identity, struct work *work,
                          const struct identify_input *input, struct identify_learned *learned)
{
    struct stream *stream = &work->streams[input->side];
    struct bytes rest = input->payload, view;
    uint32_t sequence = input->sequence;
    while (rest.left > 0) {
        struct bytes segment = rest;
        uint32_t segment_sequence = sequence;
        bool had_gap = stream->gap;
        size_t kept = stream->window ? stream->ready : 0;
        enum stream_offer offer =
            stream_offer(stream, &identifier->windows, segment_sequence, segment, &view, &rest, &sequence);
        if (stream->gap && !had_gap) {
            identifier->counters.gaps++;
            work->lost = true;
        }
        if (offer == STREAM_STARVED) {
            identifier->counters.windows_starved++;
            identity->starved = true;
            return false;
        }
        if (offer == STREAM_NOTHING)
            continue;
        size_t used;
        enum stream_end end =
            ask_stream(identifier, identity, work, input, input->side, view, kept, &used, learned);
        if (end != STREAM_WAIT)
            return false;
        if (!stream_use(stream, &identifier->windows, &view, used)) {
            identifier->counters.windows_starved++;
            identity->starved = true;
            return false;
        }
    }
    return true;
}

/* Once one side has given the name, what the other side had said before is asked about. */
static bool catch_up(struct identifier *identifier, struct identity *identity, struct work *work,
                     const struct identify_input *input, struct identify_learned *learned)
{
    unsigned other = 1u - input->side;
    struct stream *stream = &work->streams[other];
    if (!stream->window || !stream->ready)
        return true;
    struct bytes view = bytes_of(pool_item(&identifier->windows, stream->window), stream->ready);
    size_t used;
    enum stream_end end = ask_stream(identifier, identity, work, input, other, view, 0, &used, learned);
    return end == STREAM_WAIT && stream_use(stream, &identifier->windows, &view, used);
}

static void reach(struct work *work, unsigned side, uint32_t sequence)
{
    if (work->streams[side].anchored && (int32_t)(sequence - work->reached[side]) > 0)
        work->reached[side] = sequence;
}

/* Is a byte missing that its sender, or the other side's acknowledgement, says was sent? A FIN counts as one.
 */
static bool has_hole(const struct work *work, unsigned side)
{
    const struct stream *stream = &work->streams[side];
    return stream->early ||
           (stream->anchored && (int32_t)(work->reached[side] - stream->base - stream->ready) > 1);
}

enum identify_change identify_segment(struct identifier *identifier, struct identity *identity,
                                      const struct identify_input *input, struct identify_learned *learned)
{
    struct work *work = identity->settled ? NULL : work_of(identifier, identity);
    if (!work)
        return IDENTITY_SAME;
    struct stream *stream = &work->streams[input->side];
    if (input->is_syn) {
        stream_restart(stream, &identifier->windows, input->sequence + 1);
        stream->anchored = stream->start = true;
        work->reached[input->side] = input->sequence + 1;
        return IDENTITY_SAME;
    }
    if (!stream->anchored && input->payload_wirelen) {
        stream_restart(stream, &identifier->windows, input->sequence);
        stream->anchored = true;
        stream->start = false;
        work->reached[input->side] = input->sequence;
    }
    reach(work, input->side, input->sequence);
    if (input->has_acknowledgement)
        reach(work, 1u - input->side, input->acknowledgement);
    if (!input->payload_wirelen) {
        identity->lost = work->lost || has_hole(work, 0) || has_hole(work, 1);
        return IDENTITY_SAME;
    }
    struct weight before = weigh(identifier, identity);
    uint8_t yes_before = work->yes_sides, name_before = identity->name;
    bool goes_on = follow_stream(identifier, identity, work, input, learned);
    if (goes_on && work->yes_sides != yes_before)
        goes_on = catch_up(identifier, identity, work, input, learned);
    if (input->payload_wirelen > input->payload.left) {
        identity->cut = true;
        stream->torn = true;
    }
    /* A hole that may still be filled counts too: nothing is certain while it is there. */
    identity->lost = work->lost || has_hole(work, 0) || has_hole(work, 1);
    if (goes_on && !identity->name && ++work->asked >= SEGMENTS_MAX)
        goes_on = false;
    enum identify_change change = change_since(identifier, identity, &before);
    if (!goes_on) {
        settle(identifier, identity);
        if (!name_before)
            change = IDENTITY_CHANGED;
    }
    return change;
}

/* An SPI is new to the association; the second of one side means new keys (RFC 4303 section 2.1). */
static bool add_spi(struct identifier *identifier, struct identity *identity, unsigned side, uint32_t spi)
{
    struct proto_facts *facts = pool_item(&identifier->facts, identity->facts);
    for (unsigned i = 0; i < facts->esp.spi_count; i++)
        if (facts->esp.spi[i] == spi)
            return false;
    if (facts->esp.spi_count == sizeof facts->esp.spi / sizeof *facts->esp.spi)
        return false;
    facts->esp.spi[facts->esp.spi_count++] = spi;
    if (identity->sides >> side & 1 && facts->esp.rekeys < UINT8_MAX)
        facts->esp.rekeys++;
    return true;
}

enum identify_change identify_ipsec(struct identifier *identifier, struct identity *identity,
                                    enum proto_id name, unsigned side, uint32_t spi)
{
    bool changed = !identity->name;
    if (!identity->name) {
        identity->name = (uint8_t)name;
        identity->evidence = 2;
    }
    take_facts(identifier, identity);
    if (identity->facts && spi)
        changed |= add_spi(identifier, identity, side, spi);
    identity->sides |= (uint8_t)(1 << side);
    if (identity->sides == 3)
        identity->evidence = 3;
    return changed ? IDENTITY_CHANGED : IDENTITY_SAME;
}
