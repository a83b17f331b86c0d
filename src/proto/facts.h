/* SPDX-License-Identifier: BSD-2-Clause
 *
 * facts.h - where the facts of many flows are kept: packed, because most flows have few. A record is a chain
 * of 32-byte chunks with the words and texts that are not zero; who reads or writes it gets the whole struct
 * proto_facts. A flow whose every packet adds to its facts (RTP) may hold them open, in full, while there is
 * room. Private to src/proto; one thread at a time.
 */
#ifndef ROLECALL_PROTO_FACTS_H
#define ROLECALL_PROTO_FACTS_H

#include "rolecall/pool.h"
#include "rolecall/proto.h"

struct facts_store {
    struct pool chunks, open;
    struct proto_facts desk; /* the one record that is being read or written; all zero between records */
    bool is_desk_used;
};

/* Memory for `flows` flows of ordinary size. */
bool facts_store_init(struct facts_store *store, uint32_t flows);
void facts_store_fini(struct facts_store *store);
size_t facts_store_memory(uint32_t flows);

/* The facts behind a handle (0: none yet, all zero). Valid, and may be written, until the next call. */
struct proto_facts *facts_load(struct facts_store *store, uint32_t handle);

/* Brings what facts_load() will read first into the cache. */
void facts_prefetch(const struct facts_store *store, uint32_t handle);

/* Keeps what was written into what facts_load() gave for this very handle. False: no room, and the record is
 * as it was. */
bool facts_save(struct facts_store *store, uint32_t *handle);

/* From now on in full and in place; false: no room, it stays packed. */
bool facts_open(struct facts_store *store, uint32_t *handle);
void facts_close(struct facts_store *store, uint32_t *handle); /* packed again, where there is room */
void facts_release(struct facts_store *store, uint32_t *handle);

#endif
