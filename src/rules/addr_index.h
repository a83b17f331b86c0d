/* SPDX-License-Identifier: BSD-2-Clause
 *
 * addr_index.h - to which entry of the site an address belongs: made once per load of a policy. Prefixes nest
 * or lie apart, so they cut all addresses into intervals that belong to one entry each; a search by halves
 * finds the interval, however many hosts and networks the site has.
 */
#ifndef ROLECALL_ADDR_INDEX_H
#define ROLECALL_ADDR_INDEX_H

#include "keep.h"
#include "rolecall/addr.h"

/* What an address is where no host and no network of the site has it. */
enum { ADDR_NOBODY = -1, ADDR_NEVER_PREFIXED = -2 };

/* A host's address (all bits) or a network's prefix. */
struct addr_owner {
    struct prefix prefix;
    bool is_host;
    int32_t entry;
};

/* Of IPv4: a search begins with the few intervals of a page. */
enum { ADDR_PAGES = 65536, ADDR_PAGE_SIZE = 65536 };

struct addr_index {
    unsigned __int128 *begins; /* the first address of each interval, as a number */
    int32_t *entries;          /* whose it is, or one of the two above */
    unsigned count;
    uint32_t *v4_begins; /* the same of those intervals that are IPv4, by their last 32 bits */
    unsigned v4_first, v4_count;
    uint32_t *v4_pages; /* among these, the interval where each page begins; ends with the last one */
};

/* Hosts come before networks, then the longest prefix counts; of equals, the first. Puts the owners in
 * order. */
void addr_index_make(struct addr_index *index, const struct addr_owner owners[], unsigned count,
                     struct keep *keep);
int32_t addr_index_find(const struct addr_index *index, const struct addr *addr);

#endif
