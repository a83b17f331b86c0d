/* SPDX-License-Identifier: BSD-2-Clause
 *
 * notes.h - what workers have to tell the judge, kept until its turn comes. Private to the engine.
 *
 * A note holds a copy of the flow, because that goes on changing, and, where there are any, of its facts: as
 * much of them as is used. One list is written by one thread; note_read() gives the facts in full again.
 */
#ifndef ROLECALL_NOTES_H
#define ROLECALL_NOTES_H

#include "rolecall/judge.h"

enum note_kind {
    NOTE_BEGIN,
    NOTE_BEGIN_CHANGE, /* both by one packet */
    NOTE_CHANGE,
    NOTE_TROUBLE,
    NOTE_REPORT,
    NOTE_END,
    NOTE_LEARNED
};

struct note {
    uint32_t order; /* place in the batch + 1, then shard: what comes first is told first */
    uint32_t slot;
    uint32_t facts, learned; /* where they stand in the list's bytes; 0: none */
    int64_t now_ns;
    uint16_t step;
    uint8_t kind; /* enum note_kind */
    uint8_t end;  /* enum flow_end */
    uint8_t speaker;
    struct addr icmp_sender;
    struct flow flow;
};

struct note_list {
    _Alignas(64) struct note *notes; /* each list is another thread's */
    uint32_t count, room;
    uint8_t *bytes;
    uint32_t used, size;
    uint64_t lost; /* for want of memory: must stay 0 */
};

/* The largest that one note takes. */
size_t note_memory(void);

void note_list_free(struct note_list *list);
void note_list_clear(struct note_list *list);

/* A new note with the order, facts (NULL: none) and what was learned (NULL: nothing) set; NULL: no memory. */
struct note *note_add(struct note_list *list, uint32_t order, const struct proto_facts *facts,
                      const struct proto_learned *learned);

/* The facts of a note; all zero where it has none. What stands behind a text's end means nothing. */
void note_facts(const struct note_list *list, const struct note *note, struct proto_facts *out);
void note_learned(const struct note_list *list, const struct note *note, struct proto_learned *out);

#endif
