/* SPDX-License-Identifier: BSD-2-Clause
 *
 * port_index.c - see port_index.h. Called by policy.c alone.
 */
#include "port_index.h"

#include <stdlib.h>

static const enum proto_transport transports[] = {OVER_TCP, OVER_UDP};
enum { TRANSPORTS = 2, LISTS_OF_ROLE = POLICY_LISTS * TRANSPORTS };

static const struct policy_row *list_of(const struct policy_role *role, enum policy_list list,
                                        unsigned *count)
{
    switch (list) {
    case POLICY_ANSWERS:
        *count = role->answers_count;
        return role->answers;
    case POLICY_MEDIA:
        *count = role->media_count;
        return role->media;
    default:
        *count = role->opens_count;
        return role->opens;
    }
}

static bool stands_in(const struct policy_row *row, enum policy_list list, enum proto_transport transport)
{
    return (row->row->transports & transport) && (list != POLICY_OPENS_OWN || row->row->own_port);
}

/* The first range of the row that holds the port; NULL: none does. */
static const struct port_range *range_of(const struct policy_row *row, uint16_t port)
{
    for (unsigned i = 0; i < row->range_count; i++)
        if (port >= row->ranges[i].low && port <= row->ranges[i].high)
            return &row->ranges[i];
    return NULL;
}

/* Marks the ports where an interval begins. */
static void mark_begins(struct port_index *index, const struct policy_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned r = 0; r < rows[i].range_count; r++) {
            index->interval[rows[i].ranges[r].low] = 1;
            if (rows[i].ranges[r].high < UINT16_MAX)
                index->interval[rows[i].ranges[r].high + 1] = 1;
        }
    }
}

static void make_intervals(struct port_index *index, const struct policy_role roles[], unsigned role_count,
                           struct keep *keep)
{
    for (unsigned i = 0; i < role_count; i++) {
        mark_begins(index, roles[i].answers, roles[i].answers_count);
        mark_begins(index, roles[i].opens, roles[i].opens_count);
        mark_begins(index, roles[i].media, roles[i].media_count);
    }
    index->intervals = 1;
    for (unsigned port = 1; port <= UINT16_MAX; port++)
        index->intervals += index->interval[port];
    index->begins = keep_take(keep, index->intervals, sizeof *index->begins);
    unsigned interval = 0;
    index->interval[0] = 0;
    for (unsigned port = 1; port <= UINT16_MAX; port++) {
        interval += index->interval[port];
        if (index->interval[port])
            index->begins[interval] = (uint16_t)port;
        index->interval[port] = (uint16_t)interval;
    }
}

/* Goes through the rows of one list and transport; `next` by interval is where the next row goes. Without
 * memory for the rows it only counts them. */
static void place_rows(const struct port_index *index, const struct policy_role *role, unsigned which,
                       uint32_t next[])
{
    enum policy_list list = (enum policy_list)(which / TRANSPORTS);
    unsigned count;
    const struct policy_row *rows = list_of(role, list, &count);
    for (unsigned i = 0; i < count; i++) {
        const struct policy_row *row = &rows[i];
        for (unsigned r = 0; r < row->range_count && stands_in(row, list, transports[which % TRANSPORTS]);
             r++) {
            const struct port_range *range = &row->ranges[r];
            for (unsigned k = index->interval[range->low]; k <= index->interval[range->high]; k++) {
                if (range_of(row, index->begins[k]) != range)
                    continue; /* an earlier range holds it too */
                if (index->rows)
                    index->rows[next[k]] = (struct policy_port_row){row, *range};
                next[k]++;
            }
        }
    }
}

void port_index_make(struct port_index *index, const struct policy_role roles[], unsigned role_count,
                     struct keep *keep)
{
    make_intervals(index, roles, role_count, keep);
    size_t cells = (size_t)role_count * LISTS_OF_ROLE * index->intervals;
    struct keep *scratch = keep_create();
    uint32_t *next = keep_take(scratch, cells + 1, sizeof *next);
    index->first = keep_take(keep, cells + 1, sizeof *index->first);
    for (unsigned pass = 0; pass < 2; pass++) { /* first count, then fill */
        for (unsigned i = 0; i < role_count * LISTS_OF_ROLE; i++)
            place_rows(index, &roles[i / LISTS_OF_ROLE], i % LISTS_OF_ROLE,
                       next + (size_t)i * index->intervals);
        if (pass == 1)
            break;
        for (size_t cell = 0; cell < cells; cell++) {
            index->first[cell + 1] = index->first[cell] + next[cell];
            next[cell] = index->first[cell];
        }
        index->rows = keep_take(keep, (size_t)index->first[cells] + 1, sizeof *index->rows);
    }
    keep_destroy(scratch);
}

struct policy_port_rows port_index_find(const struct port_index *index, unsigned role, enum policy_list list,
                                        enum proto_transport transport, uint16_t port)
{
    unsigned which = (role * POLICY_LISTS + list) * TRANSPORTS + (transport == OVER_UDP);
    const uint32_t *first = &index->first[(size_t)which * index->intervals + index->interval[port]];
    return (struct policy_port_rows){&index->rows[first[0]], first[1] - first[0]};
}
