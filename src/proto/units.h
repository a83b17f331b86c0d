/* SPDX-License-Identifier: BSD-2-Clause
 *
 * units.h - walks the units (messages, packets, records) that a stream or a datagram is made of. Identifiers
 * of protocols that put a length in front of every message give a function that reads one unit; this walks as
 * many as are there, counts what is `used` and says when both sides have been heard.
 */
#ifndef ROLECALL_PROTO_UNITS_H
#define ROLECALL_PROTO_UNITS_H

#include <assert.h>

#include "rolecall/proto.h"

/* First member of an identifier's memory. */
struct units_talk {
    uint8_t sides;     /* bit per side: a unit of it was read */
    uint8_t questions; /* answered with yes so far */
    bool known;        /* set by the reader: no fact is missing any more */
};

enum { UNITS_BOTH_SIDES = 3, UNITS_QUESTIONS_MAX = 48 };

/*
 * Reads the unit at the front of `b`, in which bytes that have not arrived count as cut off. With PROTO_YES
 * it has set *size to the unit's whole length on the wire (at least 1, possibly beyond what is there), may
 * have written facts, and may have set the speaker, learned and upgrade of `reply`, and lowered its evidence
 * to 1.
 */
typedef enum proto_answer (*units_reader)(const struct proto_question *question, struct bytes b, void *memory,
                                          struct proto_facts *facts, struct proto_reply *reply, size_t *size);

/* For the end of a reader or of a part of it: what a cursor says once everything was read. */
static inline enum proto_answer units_answer(const struct bytes *b)
{
    if (bytes_short(b))
        return PROTO_MORE;
    return bytes_ok(b) ? PROTO_YES : PROTO_NO;
}

/* Fails a cursor because of what the bytes are, not because they are missing. */
static inline void units_wrong(struct bytes *b)
{
    b->cut = false;
    bytes_fail(b);
}

static inline enum proto_answer units_walk_(const struct proto_question *question, units_reader read,
                                            void *memory, struct proto_facts *facts,
                                            struct proto_reply *reply)
{
    struct bytes b = question->data;
    bool any = false;
    enum proto_answer answer = PROTO_MORE;

    b.cut |=
        question->transport == OVER_TCP; /* what follows in the stream is not missing, only not here yet */
    while (b.left > 0 && !reply->upgrade) {
        size_t size = 0;
        answer = read(question, b, memory, facts, reply, &size);
        if (answer != PROTO_YES)
            break;
        assert(size > 0); /* each turn takes something */
        any = true;
        reply->used += size;
        bytes_skip(&b, size < b.left ? size : b.left);
    }
    return any ? PROTO_YES : answer;
}

/* Answers a question. `memory` begins with a struct units_talk. */
static inline void units_ask(const struct proto_question *question, units_reader read, void *memory,
                             struct proto_facts *facts, struct proto_reply *reply)
{
    struct units_talk *talk = memory;

    reply->evidence = 2;
    reply->answer = units_walk_(question, read, memory, facts, reply);
    if (reply->answer != PROTO_YES) {
        reply->evidence = 0;
        return;
    }
    talk->sides |= (uint8_t)(1 << question->side);
    talk->questions++;
    reply->settled = !reply->upgrade && ((talk->known && talk->sides == UNITS_BOTH_SIDES) ||
                                         talk->questions >= UNITS_QUESTIONS_MAX);
}

#endif
