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
#include "isakmp.h"
#include "media.h"
#include "memo.h"

/*
 * Budgets: how much of a flow is asked about before it stays unidentified. RTP needs four packets of one
 * direction and may follow ICE checks and RTCP, hence 64 datagrams; a TCP protocol shows itself within its
 * first window, a stream seen from the middle within a few segment starts.
 */
enum { DATAGRAMS_MAX = 64, SEGMENTS_MAX = 32, STRANGERS_MAX = 64 };

enum { FLOWS_PER_RUN = 2 };

struct identifier {
    struct memo_store memos;
    struct pool windows;
    struct pool runs; /* struct media_run */
    struct identify_counters counters;
    struct proto_reply reply;
};

/* One call: a flow's new payload, and where the answers go. */
struct turn {
    struct identifier *identifier;
    struct identity *identity;
    struct memo *memo;
    struct work *work; /* NULL: a datagram */
    const struct identify_input *input;
    struct identify_learned *learned;
    bool was_running;   /* RTP that both sides have shown, and nothing new in the last packet */
    uint64_t customary; /* bit per protocol of which one of the ports is customary */
};

static uint32_t runs_for(uint32_t flows)
{
    return (flows + FLOWS_PER_RUN - 1) / FLOWS_PER_RUN;
}

size_t identifier_memory(uint32_t flows, uint32_t windows)
{
    return sizeof(struct identifier) + memo_store_memory(flows) + pool_memory(PROTO_WINDOW_SIZE, windows) +
           pool_memory(sizeof(struct media_run), runs_for(flows));
}

struct identifier *identifier_create(uint32_t flows, uint32_t windows)
{
    struct identifier *identifier = calloc(1, sizeof *identifier);
    choice_make();
    if (!identifier)
        return NULL;
    if (!memo_store_init(&identifier->memos, flows) ||
        !pool_init(&identifier->windows, PROTO_WINDOW_SIZE, windows) ||
        !pool_init(&identifier->runs, sizeof(struct media_run), runs_for(flows))) {
        identifier_destroy(identifier);
        return NULL;
    }
    return identifier;
}

void identifier_destroy(struct identifier *identifier)
{
    if (!identifier)
        return;
    memo_store_fini(&identifier->memos);
    pool_fini(&identifier->windows);
    pool_fini(&identifier->runs);
    free(identifier);
}

bool identifier_is_empty(const struct identifier *identifier)
{
    return memo_store_is_empty(&identifier->memos) && !identifier->windows.taken && !identifier->runs.taken;
}

const struct identify_counters *identify_counters(const struct identifier *identifier)
{
    return &identifier->counters;
}

void identity_init(struct identity *identity)
{
    *identity = (struct identity){.client = SIDE_NONE};
}

/* ---- what is remembered of the flow ---- */

/* Which of the memories is this protocol's: the first free one where it has none. */
static unsigned slot_of(const struct memo *memo, unsigned id)
{
    unsigned slot = 0;
    while (slot < memo->lent_count && memo->owners[slot] != id)
        slot++;
    return slot;
}

static struct media_run *run_of(const struct identifier *identifier, const struct identity *identity)
{
    return pool_item(&identifier->runs, identity->run);
}

/* One that runs on is newer than the memo, and is kept apart from it. */
static void begin_run(struct identifier *identifier, struct identity *identity, struct memo *memo)
{
    unsigned slot = slot_of(memo, PROTO_rtp);
    if (identity->settled || slot == memo->lent_count || !(identity->run = pool_take(&identifier->runs)))
        return;
    media_run_begin(run_of(identifier, identity), rtp_streams(&memo->lent[slot]), &memo->facts);
}

static void end_run(struct identifier *identifier, struct identity *identity)
{
    if (identify_is_running(identity)) {
        pool_give(&identifier->runs, identity->run);
        identity->run = 0;
    }
}

static struct memo *begun_memo(struct identifier *identifier, const struct identity *identity)
{
    struct memo *memo = memo_load(&identifier->memos, 0);
    memo->has_work = true;
    for (unsigned side = 0; side < 2; side++) {
        struct stream *stream = &memo->work.streams[side];
        stream->anchored = stream->start = identity->syn_sides >> side & 1;
        stream->base = memo->work.reached[side] = stream->anchored ? identity->begins[side] : 0;
    }
    return memo;
}

static struct memo *load_memo(struct identifier *identifier, const struct identity *identity)
{
    if (identity->syn_sides)
        return begun_memo(identifier, identity);
    struct memo *memo = memo_load(&identifier->memos, identity->memo);
    if (identity->run)
        media_run_write(run_of(identifier, identity), rtp_streams(&memo->lent[slot_of(memo, PROTO_rtp)]),
                        &memo->facts);
    return memo;
}

const struct proto_facts *identify_facts(struct identifier *identifier, const struct identity *identity)
{
    static const struct proto_facts no_facts;
    if (!identify_may_have_facts(identity))
        return &no_facts;
    return &load_memo(identifier, identity)->facts;
}

/* Bit per side whose SYN was seen, when that is all there is to remember of the flow; else 0. */
static unsigned only_syns(const struct identity *identity, const struct memo *memo)
{
    unsigned sides = 0;
    if (!memo->has_work || identity->asked || identity->name || memo->lent_count || memo->work.lost ||
        memo->has_facts)
        return 0;
    for (unsigned side = 0; side < 2; side++) {
        const struct stream *stream = &memo->work.streams[side];
        bool is_untouched = stream->anchored ? stream->start && !stream->window : stream->base == 0;
        if (!is_untouched || memo->work.reached[side] != stream->base)
            return 0;
        sides |= (unsigned)stream->anchored << side;
    }
    return sides;
}

static void drop_work(struct identifier *identifier, struct identity *identity, struct memo *memo)
{
    for (unsigned side = 0; side < 2; side++)
        if (memo->has_work)
            stream_restart(&memo->work.streams[side], &identifier->windows, 0);
    memo_drop_work(memo);
    memo_drop_lent(memo);
    identity->is_stream = false;
}

/* There is no room for what was learned: the flow keeps the facts it had. */
static void starve(struct identifier *identifier, struct identity *identity, struct memo *memo)
{
    if (memo->has_facts)
        identifier->counters.facts_starved++;
    else
        identifier->counters.works_starved++;
    identity->starved = identity->settled = true;
    drop_work(identifier, identity, memo);
    if (identity->syn_sides)
        identity->memo = identity->run = 0;
    identity->syn_sides = 0;
    memo = load_memo(identifier, identity);
    end_run(identifier, identity);
    memo_drop_work(memo);
    memo_drop_lent(memo);
    memo_save(&identifier->memos, &identity->memo);
}

static void save_memo(struct identifier *identifier, struct identity *identity, struct memo *memo)
{
    uint32_t handle = identity->syn_sides ? 0 : identity->memo;
    if (!handle && !memo->has_work && !memo->has_facts && !memo->lent_count)
        return; /* nothing was kept, nothing is to be */
    unsigned sides = only_syns(identity, memo);
    if (sides) {
        memo_release(&identifier->memos, &handle);
        for (unsigned side = 0; side < 2; side++)
            identity->begins[side] = memo->work.streams[side].base;
        identity->syn_sides = sides & 3u;
        return;
    }
    if (!memo_save(&identifier->memos, &handle)) {
        starve(identifier, identity, memo);
        return;
    }
    if (identity->syn_sides)
        identity->run = 0;
    identity->syn_sides = 0;
    identity->memo = handle;
    if (identity->settled)
        memo_close(&identifier->memos, &identity->memo);
}

void identity_release(struct identifier *identifier, struct identity *identity)
{
    end_run(identifier, identity);
    if (identity->syn_sides)
        identity->memo = identity->run = 0;
    else if (identity->is_stream)
        drop_work(identifier, identity, memo_load(&identifier->memos, identity->memo));
    memo_release(&identifier->memos, &identity->memo);
    identity->is_stream = false;
    identity->syn_sides = 0;
}

void identity_prefetch(const struct identifier *identifier, const struct identity *identity)
{
    if (identify_is_running(identity))
        pool_prefetch(&identifier->runs, identity->run, sizeof(struct media_run));
    else if (!identity->syn_sides)
        memo_prefetch(&identifier->memos, identity->memo);
}

static void settle(struct turn *t)
{
    struct identity *identity = t->identity;
    identity->settled = true;
    identity->likely = 0;
    if (identity->name)
        t->identifier->counters.settled++;
    else
        t->identifier->counters.given_up++;
    drop_work(t->identifier, identity, t->memo);
}

static bool is_zero(const struct proto_memory *memory)
{
    uint64_t any = 0, word;
    for (unsigned i = 0; i < sizeof memory->bytes; i += sizeof word) {
        memcpy(&word, memory->bytes + i, sizeof word);
        any |= word;
    }
    return any == 0;
}

/* Keeps what an identifier wrote into the memory behind those that have an owner. Where there are enough of
 * these, one that said yes gets that of another which only thinks about it. */
static void keep_memory(struct turn *t, unsigned id, bool yes)
{
    struct memo *memo = t->memo;
    if (memo->lent_count < MEMO_LENT_MAX) {
        memo->owners[memo->lent_count++] = (uint8_t)id;
        return;
    }
    for (unsigned slot = 0; yes && slot < MEMO_LENT_MAX; slot++) {
        unsigned owner = memo->owners[slot];
        if (owner == t->identity->name || (memo->facts.also >> owner & 1))
            continue;
        memo->owners[slot] = (uint8_t)id;
        memo->lent[slot] = memo->lent[MEMO_LENT_MAX];
        break;
    }
    memo->lent[MEMO_LENT_MAX] = (struct proto_memory){0};
}

static void ask(struct turn *t, unsigned id, struct proto_question *question)
{
    const struct protocol *protocol = proto_by_id((enum proto_id)id);
    struct proto_reply *reply = &t->identifier->reply;
    struct memo *memo = t->memo;
    unsigned slot = slot_of(memo, id);
    /* The list of learned end points is long and read only as far as its count says: it is not cleared. */
    memset(reply, 0, offsetof(struct proto_reply, learned));
    question->customary = t->customary >> id & 1;
    protocol->ask(question, &memo->lent[slot], &memo->facts, reply);
    if (slot < memo->lent_count || is_zero(&memo->lent[slot]))
        return;
    if (reply->answer == PROTO_NO)
        memo->lent[slot] = (struct proto_memory){0};
    else
        keep_memory(t, id, reply->answer == PROTO_YES);
}

/* What RTP lacks. */
struct trouble {
    int64_t settles_ns;
    uint32_t lost, silences;
};

static struct trouble trouble_of(const struct turn *t)
{
    const struct proto_facts *facts = &t->memo->facts;
    return (struct trouble){facts->rtp.settles_ns, facts->rtp.lost, facts->rtp.silences};
}

static bool is_same_trouble(const struct trouble *a, const struct trouble *b)
{
    return a->lost == b->lost && a->settles_ns == b->settles_ns && a->silences == b->silences;
}

/* What a verdict may rest on, as it was before a question. */
struct weight {
    struct identity identity;
    uint64_t also;
    uint16_t tls_version;
    uint8_t mutual, modality, resumed;
    bool full_handshake, turn_request, query_request;
    struct trouble trouble; /* by itself it changes no verdict */
};

static struct weight weigh(const struct turn *t)
{
    const struct proto_facts *facts = &t->memo->facts;
    return (struct weight){.identity = *t->identity,
                           .also = facts->also,
                           .tls_version = facts->tls.version,
                           .mutual = facts->tls.mutual,
                           .modality = facts->modality,
                           .resumed = facts->tls.resumed,
                           .full_handshake = facts->tls.full_handshake,
                           .turn_request = facts->turn.request,
                           .query_request = facts->query.request,
                           .trouble = trouble_of(t)};
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
    t->memo->has_facts = true;
    if (t->work)
        t->work->ruled_out = 0; /* nobody else is asked any more */
    if (!identity->name)
        identity->name = (uint8_t)id;
    if (id == identity->name) {
        identity->yes_sides = (identity->yes_sides | 1u << side) & 3u;
        if (reply->evidence > identity->evidence)
            identity->evidence = reply->evidence & 3u;
        if (identity->yes_sides == 3)
            identity->evidence = 3;
    } else if (id != identity->upgraded_to) {
        t->memo->facts.also |= (uint64_t)1 << id;
    }
    if (identity->client == SIDE_NONE && reply->speaker != SPEAKER_UNKNOWN)
        identity->client = (reply->speaker == SPEAKER_CLIENT ? side : 1 - side) & 1;
    identity->carries_media |= reply->carries_media;
    if (reply->carries && (unsigned)reply->carries != identity->name)
        t->memo->facts.also |= (uint64_t)1 << reply->carries;
    identity->current = (uint8_t)id;
    append_learned(reply, t->learned);
}

static bool is_same_identity(const struct identity *a, const struct identity *b)
{
    return a->name == b->name && a->upgraded_to == b->upgraded_to && a->likely == b->likely &&
           a->evidence == b->evidence && a->client == b->client;
}

static enum identify_change change_since(const struct turn *t, const struct weight *before)
{
    const struct proto_facts *facts = &t->memo->facts;
    bool is_same = is_same_identity(&before->identity, t->identity) && before->also == facts->also &&
                   before->tls_version == facts->tls.version && before->mutual == facts->tls.mutual &&
                   before->modality == facts->modality && before->resumed == facts->tls.resumed &&
                   before->full_handshake == facts->tls.full_handshake &&
                   before->turn_request == facts->turn.request &&
                   before->query_request == facts->query.request;
    if (!is_same)
        return IDENTITY_CHANGED;
    struct trouble trouble = trouble_of(t);
    return is_same_trouble(&before->trouble, &trouble) ? IDENTITY_SAME : IDENTITY_TROUBLE;
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
    uint64_t known = choice_bit(identity->name) | choice_bit(identity->upgraded_to) | t->memo->facts.also;
    if (question->transport == OVER_UDP && !question->data.cut)
        left &= choice_of_datagram(&question->data, t->customary) | known;
    for (; left; left &= left - 1) {
        unsigned id = (unsigned)__builtin_ctzll(left);
        question->named = known >> id & 1;
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

bool identify_goes_on(struct identifier *identifier, struct identity *identity, unsigned side,
                      struct bytes payload, size_t wirelen, int64_t time_ns)
{
    if (!identify_is_running(identity) ||
        !media_run_goes_on(run_of(identifier, identity), side, payload, wirelen, time_ns))
        return false;
    identity->strangers = 0;
    return true;
}

static bool goes_on_as_rtp(struct turn *t, struct proto_question *question)
{
    question->named = true;
    ask(t, PROTO_rtp, question);
    if (t->identifier->reply.answer == PROTO_YES)
        t->identity->strangers = 0;
    return t->identifier->reply.answer == PROTO_YES;
}

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
    if (identity->name && !t->was_running) {
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
                     .memo = load_memo(identifier, identity),
                     .was_running = identify_is_running(identity) && identity->yes_sides == 3,
                     .customary = choice_customary(input->ports)};
    struct proto_question question = {.transport = OVER_UDP,
                                      .side = input->side,
                                      .start = true,
                                      .time_ns = input->time_ns,
                                      .data = input->payload,
                                      .wirelen = input->payload_wirelen};
    end_run(identifier, identity);
    if (t.was_running) {
        struct trouble trouble = trouble_of(&t), trouble_now;
        if (goes_on_as_rtp(&t, &question)) {
            trouble_now = trouble_of(&t);
            save_memo(identifier, identity, t.memo);
            begin_run(identifier, identity, t.memo);
            return is_same_trouble(&trouble, &trouble_now) ? IDENTITY_SAME : IDENTITY_TROUBLE;
        }
    }
    struct weight before = weigh(&t);
    bool is_empty = question.data.left == 0; /* nothing captured: nothing to ask about */
    uint64_t more = 0;
    unsigned id = is_empty ? 0 : recognise(&t, &question, &more);
    identity->cut |= misses_bytes(&question, more);
    if (id) {
        identity->likely = 0;
        identity->strangers = 0;
        accept(&t, id, input->side);
        enum identify_change change = change_since(&t, &before);
        if (identifier->reply.settled)
            settle(&t);
        save_memo(identifier, identity, t.memo);
        if (id == PROTO_rtp && change != IDENTITY_CHANGED)
            begin_run(identifier, identity, t.memo);
        return change;
    }
    identity->likely = (identity->name ? 0u : likely_after(identity, more, question.data.left)) & 63u;
    bool is_over =
        identity->name ? ++identity->strangers >= STRANGERS_MAX : ++identity->asked >= DATAGRAMS_MAX;
    /* Nobody who does not say yes tells facts. */
    enum identify_change change =
        identity->likely == before.identity.likely ? IDENTITY_SAME : IDENTITY_CHANGED;
    if (is_over) {
        change = identity->name ? IDENTITY_SAME : IDENTITY_CHANGED;
        settle(&t);
    }
    save_memo(identifier, identity, t.memo);
    return change;
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
    settle(t);
    return name_before ? change : IDENTITY_CHANGED;
}

/* What one packet tells of how far the streams have gone, and of its bytes where it has any. */
static enum identify_change hear_segment(struct turn *t)
{
    const struct identify_input *input = t->input;
    struct work *work = t->work;
    struct stream *stream = &work->streams[input->side];
    struct pool *windows = &t->identifier->windows;
    if (input->is_syn) {
        stream_restart(stream, windows, input->sequence + 1);
        stream->anchored = stream->start = true;
        work->reached[input->side] = input->sequence + 1;
        return IDENTITY_SAME;
    }
    if (!stream->anchored && input->payload_wirelen) {
        stream_restart(stream, windows, input->sequence);
        stream->anchored = true;
        stream->start = false;
        work->reached[input->side] = input->sequence;
    }
    reach(work, input->side, input->sequence);
    if (input->has_acknowledgement)
        reach(work, 1u - input->side, input->acknowledgement);
    if (!input->payload_wirelen) {
        t->identity->lost = work->lost || has_hole(work, 0) || has_hole(work, 1);
        return IDENTITY_SAME;
    }
    t->customary = choice_customary(input->ports);
    return follow_segment(t);
}

/* Does a packet without data leave it at what SYNs have told? Then there is no memo to be made. */
static bool hear_syn(struct identity *identity, const struct identify_input *input)
{
    unsigned side = input->side, other = 1u - side;
    bool is_new = !identity->memo && !identity->asked && !identity->name;
    if (input->is_syn && (identity->syn_sides || is_new)) {
        identity->begins[side] = input->sequence + 1;
        identity->syn_sides = (identity->syn_sides | 1u << side) & 3u;
        identity->is_stream = true;
        return true;
    }
    unsigned beyond = (int32_t)(input->sequence - identity->begins[side]) > 0 ? 1u << side : 0;
    if (input->has_acknowledgement)
        beyond |= (int32_t)(input->acknowledgement - identity->begins[other]) > 0 ? 1u << other : 0;
    return identity->syn_sides && !input->payload_wirelen && !(beyond & identity->syn_sides);
}

enum identify_change identify_segment(struct identifier *identifier, struct identity *identity,
                                      const struct identify_input *input, struct identify_learned *learned)
{
    if (identity->settled || hear_syn(identity, input))
        return IDENTITY_SAME;
    struct turn t = {.identifier = identifier,
                     .identity = identity,
                     .input = input,
                     .learned = learned,
                     .memo = load_memo(identifier, identity)};
    t.work = &t.memo->work;
    t.memo->has_work = identity->is_stream = true;
    identifier->reply.carries = PROTO_UNIDENTIFIED;
    enum identify_change change = hear_segment(&t);
    save_memo(identifier, identity, t.memo);
    /* Each frame of media adds to its facts: packing them each time would be in vain. */
    if (identifier->reply.carries && !identity->settled && identify_may_have_facts(identity))
        memo_open(&identifier->memos, &identity->memo);
    return change;
}

enum identify_change identify_ipsec(struct identifier *identifier, struct identity *identity,
                                    enum proto_id name, unsigned side, uint32_t spi)
{
    struct memo *memo = load_memo(identifier, identity);
    bool changed = !identity->name;
    if (!identity->name) {
        identity->name = (uint8_t)name;
        identity->evidence = 2;
    }
    if (spi && isakmp_add_spi(&memo->facts, side, spi)) {
        changed = memo->has_facts = true;
        save_memo(identifier, identity, memo);
    }
    identity->sides = (identity->sides | 1u << side) & 3u;
    if (identity->sides == 3)
        identity->evidence = 3;
    return changed ? IDENTITY_CHANGED : IDENTITY_SAME;
}

enum identify_change identify_protected(struct identifier *identifier, struct identity *identity,
                                        unsigned side, uint32_t spi)
{
    struct memo *memo = load_memo(identifier, identity);
    if (identity->starved || !isakmp_add_spi(&memo->facts, side, spi))
        return IDENTITY_SAME;
    memo->has_facts = true;
    save_memo(identifier, identity, memo);
    return IDENTITY_CHANGED;
}
