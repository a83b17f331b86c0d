/* SPDX-License-Identifier: BSD-2-Clause
 *
 * registry.c - the protocols as a table, made from list.h. Asked by the engine, the rules and the events.
 */
#include "rolecall/proto.h"

static void never(const struct proto_question *question, struct proto_memory *memory,
                  struct proto_facts *facts, struct proto_reply *reply)
{
    (void)question, (void)memory, (void)facts;
    reply->answer = PROTO_NO;
}

static const struct protocol unidentified = {.name = "unidentified", .ask = never};
const struct protocol proto_srtp = {.name = "srtp", .is_media = true, .ask = never};
const struct protocol proto_ah = {.name = "ah", .ask = never};

static const struct protocol *const table[PROTO_COUNT] = {
    &unidentified,
#define PROTOCOL(id) &proto_##id,
#include "list.h"
#undef PROTOCOL
};

const struct protocol *proto_by_id(enum proto_id id)
{
    return table[id < PROTO_COUNT ? id : 0];
}

enum proto_id proto_by_name(const char *name)
{
    for (unsigned i = 1; i < PROTO_COUNT; i++)
        if (strcmp(table[i]->name, name) == 0)
            return (enum proto_id)i;
    return PROTO_UNIDENTIFIED;
}

void proto_text_set(struct proto_text *text, const void *from, size_t size)
{
    text->wirelen = size > UINT16_MAX ? UINT16_MAX : (uint16_t)size;
    text->size = size > PROTO_TEXT_SIZE ? PROTO_TEXT_SIZE : (uint8_t)size;
    if (text->size)
        memcpy(text->bytes, from, text->size);
}
