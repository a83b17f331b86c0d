/* SPDX-License-Identifier: BSD-2-Clause
 *
 * memo.c - see memo.h. A packed memo is a list of parts, each behind a byte that tells which: the streams,
 * what a protocol was lent, and last the facts. Lent memory is kept as far as it is not zero. Of what stands
 * before the facts' texts those 64-bit words are kept that are not zero, behind a bit for each, and of a word
 * the bytes from the lowest to the highest that is not zero, behind a byte that tells which; then the texts
 * that are not empty. So a new fact needs no line here.
 */
#include "memo.h"

#include <assert.h>

enum {
    WORD = sizeof(uint64_t),
    FACT_WORDS = offsetof(struct proto_facts, server_name) / WORD,
    TEXTS = 3,
    TEXT_LONG = 255, /* instead of how much longer the text was on the wire: two bytes say it */
    BASES_SIZE = 10,
    PACKED_MAX = 1 + sizeof(struct work) + MEMO_LENT_MAX * (2 + PROTO_MEMORY_SIZE) + 1 + 3 +
                 FACT_WORDS * (1 + WORD) + TEXTS * (1 + 1 + 2 + PROTO_TEXT_SIZE) + 1,
    GROWING_MIN = 56,     /* of a memo that will need more: it does not move on the way there */
    BYTES_PER_FLOW = 224, /* far above what an ordinary flow needs */
    FLOWS_PER_OPEN = 64
};

/* A part's first byte: the owner of what was lent, or one of these. */
enum {
    PART_END = 0,
    PART_BASES = 0x40,
    PART_WORK = 0x41,
    PART_FACTS = 0x80 /* and a bit for each text; the last */
};

static const uint32_t open_bits = (uint32_t)SLAB_SIZES << SLAB_PLACE_BITS; /* a number that no size has */

_Static_assert(sizeof(struct proto_memory) % WORD == 0, "whole words");
_Static_assert(offsetof(struct proto_facts, server_name) % WORD == 0, "whole words, then texts");
_Static_assert(FACT_WORDS <= 21, "three bytes have a bit for each");
_Static_assert((int)PACKED_MAX <= SLAB_PLACE_MAX, "a place of the slab holds it");
_Static_assert((int)PROTO_COUNT <= (int)PART_BASES, "an owner is no other part");

#define TEXTS_OF(facts)                                                                                      \
    {                                                                                                        \
        &(facts)->server_name, &(facts)->agent, &(facts)->detail                                             \
    }

static size_t packed_bytes(uint32_t flows)
{
    return (size_t)flows * BYTES_PER_FLOW;
}

static uint32_t open_for(uint32_t flows)
{
    return (flows + FLOWS_PER_OPEN - 1) / FLOWS_PER_OPEN;
}

size_t memo_store_memory(uint32_t flows)
{
    return slab_memory(packed_bytes(flows)) + pool_memory(sizeof(struct memo), open_for(flows));
}

bool memo_store_init(struct memo_store *store, uint32_t flows)
{
    return slab_init(&store->packed, packed_bytes(flows)) &&
           pool_init(&store->open, sizeof(struct memo), open_for(flows));
}

void memo_store_fini(struct memo_store *store)
{
    slab_fini(&store->packed);
    pool_fini(&store->open);
}

bool memo_store_is_empty(const struct memo_store *store)
{
    return !store->packed.taken && !store->open.taken;
}

bool memo_is_open(uint32_t handle)
{
    return (handle & open_bits) == open_bits;
}

static struct memo *open_at(const struct memo_store *store, uint32_t handle)
{
    return pool_item(&store->open, handle & ~open_bits);
}

/* ---- facts ---- */

static uint64_t word_at(const void *from, size_t i)
{
    uint64_t word;
    memcpy(&word, (const uint8_t *)from + i * sizeof word, sizeof word);
    return word;
}

static uint32_t words_used(const struct proto_facts *facts)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < FACT_WORDS; i++)
        used |= (uint32_t)(word_at(facts, i) != 0) << i;
    return used;
}

/* Up to seven bytes behind what is packed are written, to no purpose. */
static uint8_t *pack_words(uint8_t *to, const struct proto_facts *facts, uint32_t used)
{
    uint32_t left = used;
    for (; left >= 0x80; left >>= 7)
        *to++ = (uint8_t)(left | 0x80);
    *to++ = (uint8_t)left;
    for (; used; used &= used - 1) {
        uint64_t word = word_at(facts, (unsigned)__builtin_ctz(used));
        unsigned first = (unsigned)__builtin_ctzll(word) / 8, last = 7 - (unsigned)__builtin_clzll(word) / 8;
        *to++ = (uint8_t)(first << 4 | (last - first));
        word >>= 8 * first;
        memcpy(to, &word, sizeof word);
        to += last - first + 1;
    }
    return to;
}

/* Up to seven bytes behind what was packed are read, to no purpose. */
static const uint8_t *unpack_words(const uint8_t *from, struct proto_facts *facts)
{
    uint32_t used = 0;
    for (unsigned shift = 0;; shift += 7) {
        used |= (*from & 0x7fu) << shift;
        if (*from++ < 0x80)
            break;
    }
    for (; used; used &= used - 1) {
        unsigned first = *from >> 4, size = (*from & 7u) + 1;
        uint64_t word = word_at(from + 1, 0) << 8 * (8 - size) >> 8 * (8 - size - first);
        memcpy((uint8_t *)facts + (size_t)__builtin_ctz(used) * WORD, &word, sizeof word);
        from += 1 + size;
    }
    return from;
}

static uint8_t *pack_text(uint8_t *to, const struct proto_text *text)
{
    uint16_t longer = (uint16_t)(text->wirelen - text->size);
    *to++ = text->size;
    *to++ = longer < TEXT_LONG ? (uint8_t)longer : TEXT_LONG;
    if (longer >= TEXT_LONG) {
        memcpy(to, &longer, sizeof longer);
        to += sizeof longer;
    }
    memcpy(to, text->bytes, text->size);
    return to + text->size;
}

static const uint8_t *unpack_text(const uint8_t *from, struct proto_text *text)
{
    text->size = *from++;
    uint16_t longer = *from++;
    if (longer == TEXT_LONG) {
        memcpy(&longer, from, sizeof longer);
        from += sizeof longer;
    }
    text->wirelen = (uint16_t)(text->size + longer);
    memcpy(text->bytes, from, text->size);
    return from + text->size;
}

static unsigned texts_used(const struct proto_facts *facts)
{
    const struct proto_text *const texts[TEXTS] = TEXTS_OF(facts);
    unsigned used = 0;
    for (unsigned i = 0; i < TEXTS; i++)
        used |= (texts[i]->size != 0 ? 1u : 0u) << i;
    return used;
}

/* NULL: there is none. */
static uint8_t *pack_facts(uint8_t *to, const struct proto_facts *facts)
{
    const struct proto_text *const texts[TEXTS] = TEXTS_OF(facts);
    uint32_t words = words_used(facts);
    unsigned used = texts_used(facts);
    if (!words && !used)
        return NULL;
    *to++ = (uint8_t)(PART_FACTS | used);
    to = pack_words(to, facts, words);
    for (unsigned i = 0; i < TEXTS; i++)
        if (used >> i & 1)
            to = pack_text(to, texts[i]);
    return to;
}

static void unpack_facts(const uint8_t *from, unsigned used, struct proto_facts *facts)
{
    struct proto_text *const texts[TEXTS] = TEXTS_OF(facts);
    from = unpack_words(from, facts);
    for (unsigned i = 0; i < TEXTS; i++)
        if (used >> i & 1)
            from = unpack_text(from, texts[i]);
}

/* ---- streams and lent memory ---- */

/* Where nothing waits and nothing is lost, all there is to say of two streams is how far they have come. */
static bool is_at_rest(const struct work *work)
{
    for (unsigned side = 0; side < 2; side++) {
        const struct stream *stream = &work->streams[side];
        if (stream->window || (int32_t)(work->reached[side] - stream->base) > 0)
            return false;
    }
    return !work->ruled_out && !work->lost;
}

static uint8_t *pack_work(uint8_t *to, const struct work *work)
{
    if (!is_at_rest(work)) {
        *to++ = PART_WORK;
        memcpy(to, work, sizeof *work);
        return to + sizeof *work;
    }
    *to++ = PART_BASES;
    for (unsigned side = 0; side < 2; side++, to += BASES_SIZE / 2)
        memcpy(to, &work->streams[side], BASES_SIZE / 2);
    return to;
}

static const uint8_t *unpack_work(const uint8_t *from, unsigned part, struct work *work)
{
    if (part == PART_WORK) {
        memcpy(work, from, sizeof *work);
        return from + sizeof *work;
    }
    for (unsigned side = 0; side < 2; side++, from += BASES_SIZE / 2) {
        memcpy(&work->streams[side], from, BASES_SIZE / 2);
        work->reached[side] = work->streams[side].base;
    }
    return from;
}

static uint8_t *pack_lent(uint8_t *to, unsigned owner, const struct proto_memory *lent)
{
    size_t words = sizeof lent->bytes / WORD;
    while (words > 1 && !word_at(lent, words - 1))
        words--;
    uint64_t last = word_at(lent, words - 1);
    size_t size = words * WORD - (last ? (size_t)__builtin_clzll(last) / 8 : WORD);
    *to++ = (uint8_t)owner;
    *to++ = (uint8_t)size;
    memcpy(to, lent, size);
    return to + size;
}

static const uint8_t *unpack_lent(const uint8_t *from, unsigned owner, struct memo *memo)
{
    uint8_t size = *from++;
    memo->owners[memo->lent_count] = (uint8_t)owner;
    memcpy(&memo->lent[memo->lent_count++], from, size);
    return from + size;
}

/* ---- the whole ---- */

/* 0: there is nothing to keep. */
static size_t pack(const struct memo *memo, uint8_t packed[PACKED_MAX + WORD])
{
    uint8_t *to = packed, *facts = NULL;
    if (memo->has_work)
        to = pack_work(to, &memo->work);
    for (unsigned i = 0; i < memo->lent_count; i++)
        to = pack_lent(to, memo->owners[i], &memo->lent[i]);
    if (memo->has_facts)
        facts = pack_facts(to, &memo->facts);
    if (facts)
        return (size_t)(facts - packed);
    *to = PART_END;
    return (size_t)(to - packed);
}

static void unpack(const uint8_t *from, size_t size, struct memo *memo)
{
    const uint8_t *end = from + size;
    for (unsigned part; from < end && (part = *from++) != PART_END;) {
        if (part & PART_FACTS) {
            memo->has_facts = true;
            unpack_facts(from, part & ~(unsigned)PART_FACTS, &memo->facts);
            return;
        }
        if (part == PART_BASES || part == PART_WORK) {
            memo->has_work = true;
            from = unpack_work(from, part, &memo->work);
        } else {
            from = unpack_lent(from, part, memo);
        }
    }
}

void memo_drop_lent(struct memo *memo)
{
    for (; memo->lent_count > 0; memo->lent_count--)
        memo->lent[memo->lent_count - 1] = (struct proto_memory){0};
}

void memo_drop_work(struct memo *memo)
{
    if (memo->has_work)
        memo->work = (struct work){0};
    memo->has_work = false;
}

static void drop_facts(struct memo *memo)
{
    struct proto_text *const texts[TEXTS] = TEXTS_OF(&memo->facts);
    if (!memo->has_facts)
        return;
    memset(&memo->facts, 0, offsetof(struct proto_facts, server_name));
    for (unsigned i = 0; i < TEXTS; i++)
        texts[i]->size = 0, texts[i]->wirelen = 0;
    memo->has_facts = false;
}

/* Kept a function of its own, because most of what is asked for is on the desk or open. */
static __attribute__((noinline)) struct memo *load(struct memo_store *store, uint32_t handle)
{
    memo_drop_work(&store->desk);
    memo_drop_lent(&store->desk);
    drop_facts(&store->desk);
    if (handle)
        unpack(slab_at(&store->packed, handle), slab_size(handle), &store->desk);
    store->desk_handle = handle;
    return &store->desk;
}

struct memo *memo_load(struct memo_store *store, uint32_t handle)
{
    if (memo_is_open(handle))
        return open_at(store, handle);
    return handle && handle == store->desk_handle ? &store->desk : load(store, handle);
}

void memo_prefetch(const struct memo_store *store, uint32_t handle)
{
    if (memo_is_open(handle)) { /* of what was lent the first, and what stands before the texts */
        const uint8_t *at = (const uint8_t *)open_at(store, handle);
        for (size_t i = 0; i < offsetof(struct memo, lent[1]); i += 64)
            ask_ahead(at + i);
        for (size_t i = 0; i < offsetof(struct proto_facts, server_name); i += 64)
            ask_ahead(at + offsetof(struct memo, facts) + i);
    } else if (handle) {
        slab_prefetch(&store->packed, handle);
    }
}

void memo_release(struct memo_store *store, uint32_t *handle)
{
    if (memo_is_open(*handle))
        pool_give(&store->open, *handle & ~open_bits);
    else if (*handle)
        slab_give(&store->packed, *handle);
    if (*handle == store->desk_handle)
        store->desk_handle = 0;
    *handle = 0;
}

/* A place of the right size, or a larger one if need be; 0: there is none. */
static uint32_t place_for(struct memo_store *store, size_t size, uint32_t now)
{
    if (now && slab_size(now) == slab_size_for(size))
        return now;
    uint32_t place = slab_take(&store->packed, size);
    if (place && now)
        slab_give(&store->packed, now);
    return place ? place : now && slab_size(now) >= size ? now : 0;
}

bool memo_save(struct memo_store *store, uint32_t *handle)
{
    uint8_t packed[PACKED_MAX + WORD];
    if (memo_is_open(*handle))
        return true;
    size_t size = pack(&store->desk, packed);
    if (size == 0) {
        memo_release(store, handle);
        return true;
    }
    bool grows = store->desk.has_work || store->desk.lent_count;
    uint32_t place = place_for(store, grows && size < GROWING_MIN ? GROWING_MIN : size, *handle);
    store->desk_handle = place; /* without a place it is nobody's */
    if (!place)
        return false;
    memcpy(slab_at(&store->packed, place), packed, size < slab_size(place) ? size + 1 : size);
    *handle = place;
    return true;
}

bool memo_open(struct memo_store *store, uint32_t *handle)
{
    if (memo_is_open(*handle))
        return true;
    uint32_t index = pool_take(&store->open);
    if (!index)
        return false;
    *(struct memo *)pool_item(&store->open, index) = *memo_load(store, *handle);
    memo_release(store, handle);
    *handle = index | open_bits;
    return true;
}

void memo_close(struct memo_store *store, uint32_t *handle)
{
    if (!memo_is_open(*handle))
        return;
    uint32_t packed = 0;
    store->desk = *open_at(store, *handle);
    store->desk_handle = 0;
    if (!memo_save(store, &packed))
        return;
    memo_release(store, handle);
    *handle = packed;
}
