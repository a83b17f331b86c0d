/* SPDX-License-Identifier: BSD-2-Clause
 *
 * identify.c - asks the identifiers of list.h about a flow's payloads, in order, until one says yes, and then
 * that one alone until it is settled. Called by the engine for every payload of a flow that is not settled.
 * See identify.h for what stays and what is given back. It ignores what a protocol means: that is judged
 * elsewhere.
 */
#include "rolecall/identify.h"

#include <stdlib.h>

#include "choice.h"
#include "facts.h"
#include "isakmp.h"
#include "rolecall/pool.h"
#include "stream.h"

/*
 * Budgets: how much of a flow is asked about before it stays unidentified. RTP needs four packets of one
 * direction and may follow ICE checks and RTCP, hence 64 datagrams; a TCP protocol shows itself within its
 * first window, a stream seen from the middle within a few segment starts.
 */
enum { DATAGRAMS_MAX = 64, SEGMENTS_MAX = 32, STRANGERS_MAX = 64, MEMORY_SLOTS = 4 };

/* What a protocol was lent, and whose it is; up to MEMORY_SLOTS of a flow in a chain. */
struct lent {
    struct proto_memory memory;
    uint32_t next; /* 0: the last */
    uint8_t owner;
};

/* Of a TCP flow that is not settled. */
struct work {
    uint64_t ruled_out; /* bit per enum proto_id */
    struct stream streams[2];
    uint32_t reached[2]; /* how far each side's stream is known to have gone */
    uint32_t lent;       /* the first of the chain; 0: none */
    bool lost;           /* a hole in a stream was given up */
};

struct identifier {
    struct pool works, windows, lent;
    struct facts_store facts;
    struct identify_counters counters;
    struct proto_memory scratch; /* zero between questions */
    struct proto_reply reply;
};

/* One call: a flow's new payload, and where the answers go. */
struct turn {
    struct identifier *identifier;
    struct identity *identity;
    struct work *work; /* NULL: a datagram */
    const struct identify_input *input;
    struct identify_learned *learned;
    struct proto_facts *facts; /* of this flow, as they are now */
    uint64_t customary;        /* bit per protocol of which one of the ports is customary */
};

_Static_assert(sizeof(struct work) <= 64 + 8, "one of them per TCP flow that has no name yet");

/* Most flows that lend anything lend to one or two protocols, and only until they are settled. */
static uint32_t lent_for(uint32_t works)
{
    return works / 2 + MEMORY_SLOTS;
}

size_t identifier_memory(uint32_t works, uint32_t windows, uint32_t facts)
{
    return sizeof(struct identifier) + pool_memory(sizeof(struct work), works) +
           pool_memory(sizeof(struct lent), lent_for(works)) + pool_memory(PROTO_WINDOW_SIZE, windows) +
           facts_store_memory(facts);
}

struct identifier *identifier_create(uint32_t works, uint32_t windows, uint32_t facts)
{
    struct identifier *identifier = calloc(1, sizeof *identifier);
    choice_make();
    if (!identifier)
        return NULL;
    if (!pool_init(&identifier->works, sizeof(struct work), works) ||
        !pool_init(&identifier->lent, sizeof(struct lent), lent_for(works)) ||
        !pool_init(&identifier->windows, PROTO_WINDOW_SIZE, windows) ||
        !facts_store_init(&identifier->facts, facts)) {
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
    pool_fini(&identifier->lent);
    pool_fini(&identifier->windows);
    facts_store_fini(&identifier->facts);
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

const struct proto_facts *identify_facts(struct identifier *identifier, const struct identity *identity)
{
    static const struct proto_facts no_facts;
    return identity->facts ? facts_load(&identifier->facts, identity->facts) : &no_facts;
}

static void starve(struct identifier *identifier, struct identity *identity)
{
    identifier->counters.works_starved++;
    identity->starved = identity->settled = true;
}

/* The work of a TCP flow, taken at its first packet that matters; NULL: there is none left. */
static struct work *work_of(struct identifier *identifier, struct identity *identity)
{
    if (identity->work)
        return pool_item(&identifier->works, identity->work);
    identity->work = pool_take(&identifier->works);
    if (!identity->work) {
        starve(identifier, identity);
        return NULL;
    }
    identity->is_stream = true;
    struct work *work = pool_item(&identifier->works, identity->work);
    *work = (struct work){0};
    return work;
}

static struct lent *lent_at(const struct identifier *identifier, uint32_t index)
{
    return pool_item(&identifier->lent, index);
}

static void give_back_work(struct identifier *identifier, struct identity *identity)
{
    uint32_t lent = identity->work;
    if (!identity->work)
        return;
    if (identity->is_stream) {
        struct work *work = pool_item(&identifier->works, identity->work);
        lent = work->lent;
        for (unsigned side = 0; side < 2; side++)
            stream_restart(&work->streams[side], &identifier->windows, 0);
        pool_give(&identifier->works, identity->work);
    }
    while (lent) {
        uint32_t next = lent_at(identifier, lent)->next;
        pool_give(&identifier->lent, lent);
        lent = next;
    }
    identity->work = 0;
}

void identity_release(struct identifier *identifier, struct identity *identity)
{
    give_back_work(identifier, identity);
    facts_release(&identifier->facts, &identity->facts);
}

void identity_prefetch(const struct identifier *identifier, const struct identity *identity)
{
    const struct pool *pool = identity->is_stream ? &identifier->works : &identifier->lent;
    if (identity->work)
        pool_prefetch(pool, identity->work, pool->size);
    if (identity->facts)
        facts_prefetch(&identifier->facts, identity->facts);
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
    facts_close(&identifier->facts, &identity->facts);
}

static bool is_zero(const struct proto_memory *memory)
{
    static const struct proto_memory zero;
    return memcmp(memory, &zero, sizeof zero) == 0;
}

static uint32_t *lent_of(struct turn *t)
{
    return t->work ? &t->work->lent : &t->identity->work;
}

static struct proto_memory *memory_of(struct turn *t, unsigned id)
{
    for (uint32_t at = *lent_of(t); at; at = lent_at(t->identifier, at)->next)
        if (lent_at(t->identifier, at)->owner == id)
            return &lent_at(t->identifier, at)->memory;
    return NULL;
}

static bool is_known(const struct identity *identity, unsigned id)
{
    return id == identity->name || id == identity->upgraded_to || (identity->also >> id & 1);
}

/* A place for one more protocol's memory: a new one, or that of a protocol which only thinks about it, where
 * this one said yes. NULL: neither. */
static struct lent *place_to_keep(struct turn *t, bool yes)
{
    struct lent *other = NULL;
    uint32_t *link = lent_of(t);
    unsigned count = 0;
    for (; *link; count++) {
        struct lent *lent = lent_at(t->identifier, *link);
        bool is_named = lent->owner == t->identity->name || (t->identity->also >> lent->owner & 1);
        if (!is_named && !other)
            other = lent;
        link = &lent->next;
    }
    if (count == MEMORY_SLOTS)
        return yes ? other : NULL;
    *link = pool_take(&t->identifier->lent);
    if (!*link) {
        starve(t->identifier, t->identity);
        return NULL;
    }
    struct lent *lent = lent_at(t->identifier, *link);
    lent->next = 0;
    return lent;
}

/* Keeps what an identifier wrote into the scratch memory. */
static void keep_memory(struct turn *t, unsigned id, bool yes)
{
    struct identifier *identifier = t->identifier;
    if (is_zero(&identifier->scratch))
        return;
    struct lent *lent = place_to_keep(t, yes);
    if (lent) {
        lent->owner = (uint8_t)id;
        lent->memory = identifier->scratch;
    }
    identifier->scratch = (struct proto_memory){0};
}

static void ask(struct turn *t, unsigned id, struct proto_question *question)
{
    const struct protocol *protocol = proto_by_id((enum proto_id)id);
    struct identifier *identifier = t->identifier;
    struct proto_reply *reply = &identifier->reply;
    struct proto_memory *memory = memory_of(t, id);
    /* The list of learned end points is long and read only as far as its count says: it is not cleared. */
    memset(reply, 0, offsetof(struct proto_reply, learned));
    question->customary = t->customary >> id & 1;
    protocol->ask(question, memory ? memory : &identifier->scratch, t->facts, reply);
    if (!memory) {
        if (reply->answer == PROTO_NO)
            identifier->scratch = (struct proto_memory){0};
        else
            keep_memory(t, id, reply->answer == PROTO_YES);
    }
}

static void keep_facts(struct turn *t)
{
    if (facts_save(&t->identifier->facts, &t->identity->facts))
        return;
    t->identifier->counters.facts_starved++;
    t->identity->starved = true;
}

/* What RTP lacks. */
struct trouble {
    int64_t settles_ns;
    uint32_t lost, silences;
};

static struct trouble trouble_of(const struct turn *t)
{
    const struct proto_facts *facts = t->facts;
    return (struct trouble){facts->rtp.settles_ns, facts->rtp.lost, facts->rtp.silences};
}

static bool is_same_trouble(const struct trouble *a, const struct trouble *b)
{
    return a->lost == b->lost && a->settles_ns == b->settles_ns && a->silences == b->silences;
}

/* What a verdict may rest on, small enough to be compared at each reply. */
struct weight {
    uint64_t also;
    uint16_t tls_version;
    uint8_t name, upgraded_to, likely, evidence, client, mutual, modality, resumed;
    bool full_handshake, turn_request, query_request;
    struct trouble trouble; /* stands last: by itself it changes no verdict */
};

static struct weight weigh(const struct turn *t)
{
    const struct proto_facts *facts = t->facts;
    const struct identity *identity = t->identity;
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
    weight.trouble = trouble_of(t);
    return weight;
}

static void append_learned(const struct proto_reply *reply, struct identify_learned *learned)
{
    for (unsigned i = 0; i < reply->learned_count && learned->count < PROTO_LEARNED_MAX; i++)
        learned->items[learned->count++] = reply->learned[i];
}

/* A yes: the name if there is none yet, else one more protocol of the same flow. */
static void accept(struct turn *t, unsigned id, unsigned side)
{
    const struct proto_reply *reply = &t->identifier->reply;
    struct identity *identity = t->identity;
    if (!identity->name)
        identity->name = (uint8_t)id;
    if (id == identity->name) {
        identity->yes_sides = (identity->yes_sides | 1u << side) & 3u;
        if (reply->evidence > identity->evidence)
            identity->evidence = reply->evidence & 3u;
        if (identity->yes_sides == 3)
            identity->evidence = 3;
    } else if (id != identity->upgraded_to) {
        identity->also |= (uint64_t)1 << id;
    }
    if (identity->client == SIDE_NONE && reply->speaker != SPEAKER_UNKNOWN)
        identity->client = (reply->speaker == SPEAKER_CLIENT ? side : 1 - side) & 1;
    identity->carries_media |= reply->carries_media;
    if (reply->carries && (unsigned)reply->carries != identity->name)
        identity->also |= (uint64_t)1 << reply->carries;
    identity->current = (uint8_t)id;
    append_learned(reply, t->learned);
    keep_facts(t);
}

static enum identify_change change_since(const struct turn *t, const struct weight *before)
{
    struct weight after = weigh(t);
    if (memcmp(before, &after, offsetof(struct weight, trouble)) != 0)
        return IDENTITY_CHANGED;
    return is_same_trouble(&before->trouble, &after.trouble) ? IDENTITY_SAME : IDENTITY_TROUBLE;
}

/* Asks every identifier of this transport but `except`; only those of its family once the flow has a name.
 * `*more` gets a bit per protocol that wants to see more. */
static unsigned ask_all(struct turn *t, struct proto_question *question, unsigned except, uint64_t *more)
{
    const struct identity *identity = t->identity;
    uint64_t left = choice.over[question->transport] & ~choice_bit(except);
    if (t->work)
        left &= ~t->work->ruled_out;
    if (identity->name)
        left &= choice.family[choice_family(identity->name)];
    const struct bytes *data = &question->data;
    if (question->transport == OVER_UDP && !data->cut)
        left &= choice_of_datagram(data, t->customary) | choice_bit(identity->name) |
                choice_bit(identity->upgraded_to) | identity->also;
    for (; left; left &= left - 1) {
        unsigned id = (unsigned)__builtin_ctzll(left);
        question->named = is_known(identity, id);
        ask(t, id, question);
        if (t->identifier->reply.answer == PROTO_YES)
            return id;
        if (t->identifier->reply.answer == PROTO_MORE)
            *more |= choice_bit(id);
        else if (t->work && question->start)
            t->work->ruled_out |= (uint64_t)1 << id;
    }
    return 0;
}

/* The one identifier that is asked for ever: media makes most of a site's packets, and one more of a stream
 * that both sides have shown changes nothing but its counters. */
static bool goes_on_as_rtp(struct turn *t, struct proto_question *question)
{
    question->named = true;
    ask(t, PROTO_rtp, question);
    if (t->identifier->reply.answer == PROTO_YES)
        t->identity->strangers = 0;
    return t->identifier->reply.answer == PROTO_YES;
}

enum { RTP_HEADER_SIZE = 12 }; /* RFC 3550 section 5.1: less says next to nothing */

/* Might the bytes that were cut off have told? RTP waits for more packets, never for more than its header:
 * live capture keeps no more of media. */
static bool misses_bytes(const struct proto_question *question, uint64_t more)
{
    if (!question->data.cut)
        return false;
    return question->data.left == 0 || (more & ~choice_bit(PROTO_rtp)) ||
           (more && question->data.left < RTP_HEADER_SIZE);
}

/* What an unnamed flow could be after one more datagram, which `more` would not deny. */
static uint8_t likely_after(const struct identity *identity, uint64_t more, size_t caplen)
{
    uint64_t media = more & (choice_bit(PROTO_rtp) | choice_bit(PROTO_rtcp));
    if (!media || caplen < RTP_HEADER_SIZE || (identity->asked > 0 && !identity->likely))
        return 0;
    if (identity->likely)
        return identity->likely;
    return media & choice_bit(PROTO_rtcp) ? PROTO_rtcp : PROTO_rtp;
}

/* Which protocol a datagram is; 0: none of those that may be. */
static unsigned recognise(struct turn *t, struct proto_question *question, uint64_t *more)
{
    struct identity *identity = t->identity;
    if (identity->name && !identity->is_running_rtp) {
        question->named = true;
        ask(t, identity->current, question);
        if (t->identifier->reply.answer == PROTO_YES)
            return identity->current;
        if (t->identifier->reply.answer == PROTO_MORE)
            *more |= choice_bit(identity->current);
    }
    if (!identity->name || identity->carries_media || choice_family(identity->name) == 2)
        return ask_all(t, question, identity->current, more);
    return 0;
}

enum identify_change identify_datagram(struct identifier *identifier, struct identity *identity,
                                       const struct identify_input *input, struct identify_learned *learned)
{
    if (identity->settled)
        return IDENTITY_SAME;
    struct turn t = {.identifier = identifier,
                     .identity = identity,
                     .input = input,
                     .learned = learned,
                     .facts = facts_load(&identifier->facts, identity->facts),
                     .customary = choice_customary(input->ports)};
    struct proto_question question = {.transport = OVER_UDP,
                                      .side = input->side,
                                      .start = true,
                                      .time_ns = input->time_ns,
                                      .data = input->payload,
                                      .wirelen = input->payload_wirelen};
    if (identity->is_running_rtp) {
        struct trouble trouble = trouble_of(&t), trouble_now;
        if (goes_on_as_rtp(&t, &question)) {
            trouble_now = trouble_of(&t);
            return is_same_trouble(&trouble, &trouble_now) ? IDENTITY_SAME : IDENTITY_TROUBLE;
        }
    }
    struct weight before = weigh(&t);
    bool is_empty = question.data.left == 0; /* nothing captured: nothing to ask about */
    uint64_t more = 0;
    unsigned id = is_empty ? 0 : recognise(&t, &question, &more);
    identity->is_running_rtp = false;
    identity->cut |= misses_bytes(&question, more);
    if (id) {
        identity->likely = 0;
        identity->strangers = 0;
        accept(&t, id, input->side);
        enum identify_change change = change_since(&t, &before);
        identity->is_running_rtp = id == PROTO_rtp && change != IDENTITY_CHANGED &&
                                   identity->yes_sides == 3 && identity->facts &&
                                   facts_open(&identifier->facts, &identity->facts);
        if (identifier->reply.settled)
            settle(identifier, identity);
        return change;
    }
    identity->likely = identity->name ? 0 : likely_after(identity, more, question.data.left);
    if (identity->settled) /* no memory was left to lend */
        give_back_work(identifier, identity);
    else if (identity->name ? ++identity->strangers >= STRANGERS_MAX : ++identity->asked >= DATAGRAMS_MAX) {
        settle(identifier, identity);
        return identity->name ? IDENTITY_SAME : IDENTITY_CHANGED;
    }
    return change_since(&t, &before);
}

/* The stream goes on as another protocol from here on, in both directions. */
static void upgrade(struct turn *t, unsigned id)
{
    t->identity->upgraded_to = (uint8_t)id;
    t->identity->current = (uint8_t)id;
    t->identity->yes_sides = 0;
    for (unsigned side = 0; side < 2; side++)
        t->work->streams[side].start = t->work->streams[side].anchored;
}

enum stream_end { STREAM_WAIT, STREAM_SETTLED, STREAM_GIVE_UP };

/* Asks about unread bytes of one side until it needs more of them. `kept` of them were there before the
 * newest segment;
 * `*used`: how far it came. */
static enum stream_end ask_stream(struct turn *t, unsigned side, struct bytes view, size_t kept, size_t *used)
{
    struct stream *stream = &t->work->streams[side];
    struct identity *identity = t->identity;
    const struct proto_reply *reply = &t->identifier->reply;
    *used = 0;
    while (*used < view.left) {
        struct proto_question question = {.transport = OVER_TCP,
                                          .side = (uint8_t)side,
                                          .start = stream->start,
                                          .gap = stream->gap,
                                          .time_ns = t->input->time_ns,
                                          .data = bytes_of(view.at + *used, view.left - *used)};
        uint64_t more = 0;
        unsigned id = 0;
        if (identity->name) {
            /* An upgrade that has not spoken yet is asked as a new protocol. */
            question.named = identity->current != identity->upgraded_to || identity->yes_sides;
            ask(t, identity->current, &question);
            if (reply->answer == PROTO_NO)
                return STREAM_SETTLED;
            if (reply->answer == PROTO_YES)
                id = identity->current;
        } else {
            id = ask_all(t, &question, 0, &more);
        }
        stream->gap = false;
        if (!id) {
            if (identity->name || more)
                return question.data.left >= PROTO_WINDOW_SIZE ? STREAM_GIVE_UP : STREAM_WAIT;
            /* In the middle of a stream the next segment may begin a unit; and after a beginning that nobody
             * here reads, a later segment may begin something known (TLS after another protocol's STARTTLS).
             */
            if (stream->start)
                t->work->ruled_out = 0;
            *used = *used < kept ? kept : view.left;
            continue;
        }
        if (!identity->name)
            identity->middle = !stream->start;
        accept(t, id, side);
        if (id == identity->upgraded_to)
            identity->yes_sides = (identity->yes_sides | 1u << side) & 3u;
        *used += reply->used;
        if (reply->upgrade)
            upgrade(t, reply->upgrade);
        else if (reply->settled)
            return STREAM_SETTLED;
        else if (reply->used == 0)
            return question.data.left >= PROTO_WINDOW_SIZE ? STREAM_GIVE_UP : STREAM_WAIT;
    }
    return STREAM_WAIT;
}

static bool no_window(struct turn *t)
{
    t->identifier->counters.windows_starved++;
    t->identity->starved = true;
    return false;
}

/* Offers one segment piece by piece; false when the flow is settled by it. */
static bool follow_stream(struct turn *t)
{
    struct pool *windows = &t->identifier->windows;
    unsigned side = t->input->side;
    struct stream *stream = &t->work->streams[side];
    struct bytes rest = t->input->payload, view;
    uint32_t sequence = t->input->sequence;
    while (rest.left > 0) {
        struct bytes segment = rest;
        bool had_gap = stream->gap;
        size_t used, kept = stream->window ? stream->ready : 0;
        enum stream_offer offer = stream_offer(stream, windows, sequence, segment, &view, &rest, &sequence);
        if (stream->gap && !had_gap) {
            t->identifier->counters.gaps++;
            t->work->lost = true;
        }
        if (offer == STREAM_STARVED)
            return no_window(t);
        if (offer == STREAM_NOTHING)
            continue;
        if (ask_stream(t, side, view, kept, &used) != STREAM_WAIT)
            return false;
        if (!stream_use(stream, windows, &view, used))
            return no_window(t);
    }
    return true;
}

/* Once one side has given the name, what the other side had said before is asked about. */
static bool catch_up(struct turn *t)
{
    struct pool *windows = &t->identifier->windows;
    unsigned other = 1u - t->input->side;
    struct stream *stream = &t->work->streams[other];
    if (!stream->window || !stream->ready)
        return true;
    struct bytes view = bytes_of(pool_item(windows, stream->window), stream->ready);
    size_t used;
    return ask_stream(t, other, view, 0, &used) == STREAM_WAIT && stream_use(stream, windows, &view, used);
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

/* A segment with payload. */
static enum identify_change follow_segment(struct turn *t)
{
    struct identity *identity = t->identity;
    struct work *work = t->work;
    struct weight before = weigh(t);
    uint8_t yes_before = identity->yes_sides, name_before = identity->name;
    bool goes_on = follow_stream(t);
    if (goes_on && identity->yes_sides != yes_before)
        goes_on = catch_up(t);
    if (t->input->payload_wirelen > t->input->payload.left) {
        identity->cut = true;
        work->streams[t->input->side].torn = true;
    }
    /* A hole that may still be filled counts too: nothing is certain while it is there. */
    identity->lost = work->lost || has_hole(work, 0) || has_hole(work, 1);
    if (goes_on && !identity->name && ++identity->asked >= SEGMENTS_MAX)
        goes_on = false;
    enum identify_change change = change_since(t, &before);
    if (goes_on && !identity->settled)
        return change;
    settle(t->identifier, identity);
    return name_before ? change : IDENTITY_CHANGED;
}

enum identify_change identify_segment(struct identifier *identifier, struct identity *identity,
                                      const struct identify_input *input, struct identify_learned *learned)
{
    struct work *work = identity->settled ? NULL : work_of(identifier, identity);
    if (!work)
        return IDENTITY_SAME;
    struct stream *stream = &work->streams[input->side];
    struct turn t = {
        .identifier = identifier, .identity = identity, .work = work, .input = input, .learned = learned};
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
    t.facts = facts_load(&identifier->facts, identity->facts);
    t.customary = choice_customary(input->ports);
    return follow_segment(&t);
}

enum identify_change identify_ipsec(struct identifier *identifier, struct identity *identity,
                                    enum proto_id name, unsigned side, uint32_t spi)
{
    struct turn t = {.identifier = identifier,
                     .identity = identity,
                     .facts = facts_load(&identifier->facts, identity->facts)};
    bool changed = !identity->name;
    if (!identity->name) {
        identity->name = (uint8_t)name;
        identity->evidence = 2;
    }
    if (spi && isakmp_add_spi(t.facts, side, spi)) {
        changed = true;
        keep_facts(&t);
    }
    identity->sides = (identity->sides | 1u << side) & 3u;
    if (identity->sides == 3)
        identity->evidence = 3;
    return changed ? IDENTITY_CHANGED : IDENTITY_SAME;
}

enum identify_change identify_protected(struct identifier *identifier, struct identity *identity,
                                        unsigned side, uint32_t spi)
{
    struct turn t = {.identifier = identifier,
                     .identity = identity,
                     .facts = facts_load(&identifier->facts, identity->facts)};
    if (identity->starved || !isakmp_add_spi(t.facts, side, spi))
        return IDENTITY_SAME;
    keep_facts(&t);
    return IDENTITY_CHANGED;
}
