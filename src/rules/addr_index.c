/* SPDX-License-Identifier: BSD-2-Clause
 *
 * addr_index.c - see addr_index.h. Called by policy.c alone.
 */
#include "addr_index.h"

#include <assert.h>
#include <stdlib.h>

/* Addresses that take no role from a prefix (DESIGN 4), and where IPv4 begins, which no prefix of IPv6 has.
 * Bits as in struct prefix. */
enum rank { RANK_V4, RANK_NETWORK, RANK_NEVER, RANK_HOST };
static const struct {
    uint8_t bytes[16];
    uint8_t bits;
    enum rank rank;
} fixed[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, RANK_V4},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 224}, 100, RANK_NEVER}, /* multicast */
    {{0xff}, 8, RANK_NEVER},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 255, 255, 255, 255}, 128, RANK_NEVER}, /* broadcast */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}, 112, RANK_NEVER},           /* link-local */
    {{0xfe, 0x80}, 10, RANK_NEVER},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}, 128, RANK_NEVER}, /* unspecified */
    {{0}, 128, RANK_NEVER},
};
enum { FIXED = sizeof fixed / sizeof *fixed, DEPTH_MAX = 130 };

/* A prefix as the numbers it holds. */
struct range {
    unsigned __int128 first, last;
    enum rank rank;
    int32_t entry;
};

static inline unsigned __int128 number_of(const struct addr *addr)
{
    return (unsigned __int128)addr_word_(addr->bytes) << 64 | addr_word_(addr->bytes + 8);
}

static struct range range_of(const struct addr *addr, unsigned bits, enum rank rank, int32_t entry)
{
    unsigned __int128 first = number_of(addr);
    unsigned __int128 hosts = bits ? ((unsigned __int128)1 << (128 - bits)) - 1 : ~(unsigned __int128)0;
    return (struct range){first, first | hosts, rank, entry};
}

/* What holds comes before what it holds; of equal ones, the one that counts comes last. */
static int by_nesting(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->last != y->last)
        return x->last > y->last ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->entry < y->entry ? 1 : x->entry > y->entry ? -1 : 0;
}

static void begin_at(struct addr_index *index, unsigned __int128 first, int32_t entry)
{
    if (!index->count || index->begins[index->count - 1] != first)
        index->count++;
    index->begins[index->count - 1] = first;
    index->entries[index->count - 1] = entry;
}

/* Ranges that hold the place where the walk is, the outermost first. */
struct nest {
    struct range at[DEPTH_MAX];
    unsigned depth;
};

/* Leaves the ranges that end before `first`: what holds them goes on behind them. */
static void leave(struct nest *nest, struct addr_index *index, unsigned __int128 first)
{
    for (; nest->at[nest->depth - 1].last < first; nest->depth--)
        begin_at(index, nest->at[nest->depth - 1].last + 1, nest->at[nest->depth - 2].entry);
}

static void enter(struct nest *nest, struct addr_index *index, struct range range)
{
    const struct range *around = &nest->at[nest->depth - 1];
    if (around->rank == RANK_NEVER && range.rank != RANK_HOST)
        return;
    if (around->first == range.first && around->last == range.last)
        nest->depth--;
    assert(nest->depth < DEPTH_MAX); /* each is shorter by a bit at least */
    nest->at[nest->depth++] = range;
    begin_at(index, range.first, range.entry);
}

/* An interval begins where IPv4 does, and one where it ends: no prefix of IPv6 has any of it. */
static void make_v4(struct addr_index *index, struct keep *keep)
{
    const unsigned __int128 first = (unsigned __int128)0xffff << 32, last = first | UINT32_MAX;
    while (index->begins[index->v4_first] < first)
        index->v4_first++;
    while (index->v4_first + index->v4_count < index->count &&
           index->begins[index->v4_first + index->v4_count] <= last)
        index->v4_count++;
    index->v4_begins = keep_take(keep, index->v4_count, sizeof *index->v4_begins);
    for (unsigned i = 0; i < index->v4_count; i++)
        index->v4_begins[i] = (uint32_t)index->begins[index->v4_first + i];
    index->v4_pages = keep_take(keep, ADDR_PAGES + 1, sizeof *index->v4_pages);
    unsigned interval = 0;
    for (uint64_t page = 0; page <= ADDR_PAGES; page++) {
        while (interval + 1 < index->v4_count && index->v4_begins[interval + 1] <= page * ADDR_PAGE_SIZE)
            interval++;
        index->v4_pages[page] = interval;
    }
}

void addr_index_make(struct addr_index *index, const struct addr_owner owners[], unsigned count,
                     struct keep *keep)
{
    struct keep *scratch = keep_create();
    struct range *ranges = keep_take(scratch, (size_t)count + FIXED, sizeof *ranges);
    for (unsigned i = 0; i < count; i++)
        ranges[i] = range_of(&owners[i].prefix.addr, owners[i].prefix.bits,
                             owners[i].is_host ? RANK_HOST : RANK_NETWORK, owners[i].entry);
    for (unsigned i = 0; i < FIXED; i++) {
        struct addr addr = addr_v6(fixed[i].bytes);
        ranges[count + i] = range_of(&addr, fixed[i].bits, fixed[i].rank,
                                     fixed[i].rank == RANK_V4 ? ADDR_NOBODY : ADDR_NEVER_PREFIXED);
    }
    qsort(ranges, (size_t)count + FIXED, sizeof *ranges, by_nesting);
    size_t intervals = ((size_t)count + FIXED) * 2 + 1;
    index->begins = keep_take(keep, intervals, sizeof *index->begins);
    index->entries = keep_take(keep, intervals, sizeof *index->entries);
    struct nest *nest = keep_take(scratch, 1, sizeof *nest);
    nest->at[nest->depth++] = (struct range){0, ~(unsigned __int128)0, RANK_V4, ADDR_NOBODY};
    begin_at(index, 0, ADDR_NOBODY);
    for (unsigned i = 0; i < count + FIXED; i++) {
        leave(nest, index, ranges[i].first);
        enter(nest, index, ranges[i]);
    }
    for (; nest->depth > 1; nest->depth--)
        if (nest->at[nest->depth - 1].last != ~(unsigned __int128)0)
            begin_at(index, nest->at[nest->depth - 1].last + 1, nest->at[nest->depth - 2].entry);
    keep_destroy(scratch);
    make_v4(index, keep);
}

static unsigned find_v4(const struct addr_index *index, uint32_t wanted)
{
    const uint32_t *page = &index->v4_pages[wanted / ADDR_PAGE_SIZE];
    unsigned at = page[0];
    for (unsigned left = page[1] - at + 1, half; left > 1; left -= half) {
        half = left / 2;
        at += index->v4_begins[at + half] <= wanted ? half : 0;
    }
    return index->v4_first + at;
}

static unsigned find_v6(const struct addr_index *index, unsigned __int128 wanted)
{
    unsigned at = 0;
    for (unsigned left = index->count, half; left > 1; left -= half) {
        half = left / 2;
        at += index->begins[at + half] <= wanted ? half : 0;
    }
    return at;
}

int32_t addr_index_find(const struct addr_index *index, const struct addr *addr)
{
    return index->entries[addr_is_v4(addr) ? find_v4(index, (uint32_t)addr_word_(addr->bytes + 8))
                                           : find_v6(index, number_of(addr))];
}
