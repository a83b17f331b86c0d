/* SPDX-License-Identifier: BSD-2-Clause
 *
 * memo.h - what identification remembers of a flow: its streams while they are followed, what protocols were
 * lent, and its facts. Most of it is zero in most flows, so it is kept packed, all of a flow in one place of
 * a slab; who reads or writes it gets it whole (struct memo). A flow whose every packet adds to it (media in TCP)
 * may have it open, in full, while there is room. Private to src/proto; one thread at a time.
 */
#ifndef ROLECALL_PROTO_MEMO_H
#define ROLECALL_PROTO_MEMO_H

#include "rolecall/proto.h"
#include "rolecall/slab.h"
#include "stream.h"

enum { MEMO_LENT_MAX = 4 };

/* Of a TCP flow that is not settled. */
struct work {
    struct stream streams[2];
    uint32_t reached[2]; /* how far each side's stream is known to have gone; before its base: no further */
    uint64_t ruled_out;  /* bit per enum proto_id */
    bool lost;           /* a hole in a stream was given up */
};

/* All zero but for what is said to be there. */
struct memo {
    bool has_work, has_facts;
    uint8_t lent_count;
    uint8_t owners[MEMO_LENT_MAX];               /* enum proto_id */
    struct proto_memory lent[MEMO_LENT_MAX + 1]; /* the first that is free is lent to who has none yet */
    struct work work;
    struct proto_facts facts;
};

struct memo_store {
    struct slab packed;
    struct pool open;
    struct memo desk;     /* the one that is being read or written */
    uint32_t desk_handle; /* whose it is, as it is kept; 0: nobody's */
};

/* Memory for `flows` flows of ordinary size. */
bool memo_store_init(struct memo_store *store, uint32_t flows);
void memo_store_fini(struct memo_store *store);
size_t memo_store_memory(uint32_t flows);

/* The memo behind a handle (0: none yet, all zero). Valid, and may be written, until the next call. */
struct memo *memo_load(struct memo_store *store, uint32_t handle);
void memo_drop_lent(struct memo *memo);
void memo_drop_work(struct memo *memo); /* its windows are the caller's to give back */

/* Brings what memo_load() will read first into the cache. */
void memo_prefetch(const struct memo_store *store, uint32_t handle);

/* Keeps what was written into what memo_load() gave for this very handle. False: no room, and what is kept is
 * as it was. What has become less always finds room. */
bool memo_save(struct memo_store *store, uint32_t *handle);

/* From now on in full and in place; false: no room, it stays packed. */
bool memo_open(struct memo_store *store, uint32_t *handle);
bool memo_is_open(uint32_t handle);
void memo_close(struct memo_store *store, uint32_t *handle); /* packed again, where there is room */
void memo_release(struct memo_store *store, uint32_t *handle);
bool memo_store_is_empty(const struct memo_store *store);

#endif
