/* SPDX-License-Identifier: BSD-2-Clause
 *
 * facts.c - see facts.h. What stands before the texts is kept as 64-bit words, those that are not zero,
 * behind a bit for each; then each text as its size, and where it is not empty its length on the wire and its
 * bytes. So a new fact needs no line here.
 */
#include "facts.h"

enum {
    CHUNK_BYTES = 28,
    CHUNKS_PER_FLOW = 4,
    FLOWS_PER_OPEN = 16,
    WORDS = offsetof(struct proto_facts, server_name) / sizeof(uint64_t),
    TEXTS = 3,
    RECORD_MAX = 2 + WORDS * sizeof(uint64_t) + TEXTS * (1 + 2 + PROTO_TEXT_SIZE),
    CHUNKS_MAX = RECORD_MAX / CHUNK_BYTES + 1
};
static const uint32_t open_bit = UINT32_C(1) << 31; /* in a handle: an item of the pool of open ones */

struct chunk {
    uint32_t next; /* 0: the last */
    uint8_t bytes[CHUNK_BYTES];
};

_Static_assert(offsetof(struct proto_facts, server_name) % sizeof(uint64_t) == 0, "whole words, then texts");
_Static_assert(WORDS <= 16, "one bit per word");

#define TEXTS_OF(facts)                                                                                      \
    {                                                                                                        \
        &(facts)->server_name, &(facts)->agent, &(facts)->detail                                             \
    }

static uint32_t chunks_for(uint32_t flows)
{
    return flows ? flows * CHUNKS_PER_FLOW + CHUNKS_MAX : 0;
}

static uint32_t open_for(uint32_t flows)
{
    return (flows + FLOWS_PER_OPEN - 1) / FLOWS_PER_OPEN;
}

size_t facts_store_memory(uint32_t flows)
{
    return pool_memory(sizeof(struct chunk), chunks_for(flows)) +
           pool_memory(sizeof(struct proto_facts), open_for(flows));
}

bool facts_store_init(struct facts_store *store, uint32_t flows)
{
    return pool_init(&store->chunks, sizeof(struct chunk), chunks_for(flows)) &&
           pool_init(&store->open, sizeof(struct proto_facts), open_for(flows));
}

void facts_store_fini(struct facts_store *store)
{
    pool_fini(&store->chunks);
    pool_fini(&store->open);
}

static void clear_desk(struct facts_store *store)
{
    if (!store->is_desk_used)
        return;
    struct proto_facts *desk = &store->desk;
    memset(desk, 0, offsetof(struct proto_facts, server_name));
    desk->server_name.size = desk->agent.size = desk->detail.size = 0;
    desk->server_name.wirelen = desk->agent.wirelen = desk->detail.wirelen = 0;
    store->is_desk_used = false;
}

/* Reads a record across its chunks. */
struct reading {
    const struct pool *chunks;
    const struct chunk *chunk;
    size_t at;
};

static void read_bytes(struct reading *r, void *out, size_t size)
{
    for (uint8_t *to = out; size > 0;) {
        if (r->at == CHUNK_BYTES) {
            r->chunk = pool_item(r->chunks, r->chunk->next);
            r->at = 0;
        }
        size_t here = CHUNK_BYTES - r->at < size ? CHUNK_BYTES - r->at : size;
        memcpy(to, r->chunk->bytes + r->at, here);
        r->at += here;
        to += here;
        size -= here;
    }
}

static void unpack(struct facts_store *store, uint32_t handle)
{
    struct reading r = {&store->chunks, pool_item(&store->chunks, handle), 0};
    struct proto_text *const texts[TEXTS] = TEXTS_OF(&store->desk);
    uint16_t words;
    read_bytes(&r, &words, sizeof words);
    for (; words; words &= (uint16_t)(words - 1))
        read_bytes(&r, (uint8_t *)&store->desk + (size_t)__builtin_ctz(words) * sizeof(uint64_t),
                   sizeof(uint64_t));
    for (unsigned i = 0; i < TEXTS; i++) {
        read_bytes(&r, &texts[i]->size, 1);
        if (!texts[i]->size)
            continue;
        read_bytes(&r, &texts[i]->wirelen, sizeof texts[i]->wirelen);
        read_bytes(&r, texts[i]->bytes, texts[i]->size);
    }
    store->is_desk_used = true;
}

static size_t pack(const struct proto_facts *facts, uint8_t out[RECORD_MAX])
{
    const struct proto_text *const texts[TEXTS] = TEXTS_OF(facts);
    uint16_t words = 0;
    size_t used = sizeof words;
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)facts + i * sizeof word, sizeof word);
        if (!word)
            continue;
        words |= (uint16_t)(1u << i);
        memcpy(out + used, &word, sizeof word);
        used += sizeof word;
    }
    memcpy(out, &words, sizeof words);
    for (unsigned i = 0; i < TEXTS; i++) {
        out[used++] = texts[i]->size;
        if (!texts[i]->size)
            continue;
        memcpy(out + used, &texts[i]->wirelen, sizeof texts[i]->wirelen);
        memcpy(out + used + sizeof texts[i]->wirelen, texts[i]->bytes, texts[i]->size);
        used += sizeof texts[i]->wirelen + texts[i]->size;
    }
    return used;
}

struct proto_facts *facts_load(struct facts_store *store, uint32_t handle)
{
    if (handle & open_bit)
        return pool_item(&store->open, handle & ~open_bit);
    clear_desk(store);
    if (handle)
        unpack(store, handle);
    return &store->desk;
}

void facts_prefetch(const struct facts_store *store, uint32_t handle)
{
    if (handle & open_bit) /* the texts behind are for those who write events */
        pool_prefetch(&store->open, handle & ~open_bit, offsetof(struct proto_facts, server_name));
    else if (handle)
        pool_prefetch(&store->chunks, handle, 3 * sizeof(struct chunk)); /* the next ones mostly follow */
}

static void release_chunks(struct facts_store *store, uint32_t chunk)
{
    while (chunk) {
        uint32_t next = ((struct chunk *)pool_item(&store->chunks, chunk))->next;
        pool_give(&store->chunks, chunk);
        chunk = next;
    }
}

/* Writes the record into the chain that begins at *link, as far as it reaches, and into new chunks behind. */
static void write_chain(struct facts_store *store, uint32_t *link, const uint8_t *from, size_t size)
{
    while (size > 0) {
        size_t here = size < CHUNK_BYTES ? size : CHUNK_BYTES;
        if (!*link) {
            *link = pool_take(&store->chunks);
            ((struct chunk *)pool_item(&store->chunks, *link))->next = 0;
        }
        struct chunk *chunk = pool_item(&store->chunks, *link);
        memcpy(chunk->bytes, from, here);
        from += here;
        size -= here;
        link = &chunk->next;
    }
    release_chunks(store, *link);
    *link = 0;
}

bool facts_save(struct facts_store *store, uint32_t *handle)
{
    uint8_t record[RECORD_MAX];
    if (*handle & open_bit)
        return true;
    store->is_desk_used = true; /* it may have been written to */
    size_t size = pack(&store->desk, record);
    if (store->chunks.count - store->chunks.taken < (size + CHUNK_BYTES - 1) / CHUNK_BYTES)
        return false;
    write_chain(store, handle, record, size);
    return true;
}

bool facts_open(struct facts_store *store, uint32_t *handle)
{
    if (*handle & open_bit)
        return true;
    uint32_t index = pool_take(&store->open);
    if (!index)
        return false;
    *(struct proto_facts *)pool_item(&store->open, index) = *facts_load(store, *handle);
    release_chunks(store, *handle);
    *handle = index | open_bit;
    return true;
}

void facts_close(struct facts_store *store, uint32_t *handle)
{
    if (!(*handle & open_bit))
        return;
    uint32_t index = *handle & ~open_bit, packed = 0;
    store->desk = *(const struct proto_facts *)pool_item(&store->open, index);
    if (!facts_save(store, &packed))
        return;
    pool_give(&store->open, index);
    *handle = packed;
}

void facts_release(struct facts_store *store, uint32_t *handle)
{
    if (*handle & open_bit)
        pool_give(&store->open, *handle & ~open_bit);
    else
        release_chunks(store, *handle);
    *handle = 0;
}
