/* SPDX-License-Identifier: BSD-2-Clause
 *
 * notes.c - see notes.h. Used by engine.c and pipeline.c. Lists grow to what one batch has needed and stay
 * so.
 */
#include "notes.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_NOTES = 256,
    FIRST_BYTES = 1 << 16,
    TEXTS = 3,
    FACTS_HEAD = offsetof(struct proto_facts, server_name),
    TEXT_HEAD = offsetof(struct proto_text, bytes),
    RECORD_MAX = sizeof(struct proto_facts) + sizeof(struct proto_learned)
};

size_t note_memory(void)
{
    return sizeof(struct note) + RECORD_MAX;
}

void note_list_free(struct note_list *list)
{
    free(list->notes);
    free(list->bytes);
    *list = (struct note_list){.notes = NULL};
}

void note_list_clear(struct note_list *list)
{
    list->count = 0;
    list->used = 1; /* 0 means none */
}

static bool has_room(struct note_list *list)
{
    if (list->count == list->room) {
        uint32_t room = list->room ? list->room * 2 : FIRST_NOTES;
        struct note *notes = realloc(list->notes, room * sizeof *notes);
        if (!notes)
            return false;
        list->notes = notes;
        list->room = room;
    }
    if (list->size < list->used + RECORD_MAX) {
        uint32_t size = list->size ? list->size * 2 : FIRST_BYTES;
        uint8_t *bytes = realloc(list->bytes, size);
        if (!bytes)
            return false;
        list->bytes = bytes;
        list->size = size;
    }
    return true;
}

static void put(struct note_list *list, const void *from, size_t size)
{
    memcpy(list->bytes + list->used, from, size);
    list->used += (uint32_t)size;
}

static uint32_t put_facts(struct note_list *list, const struct proto_facts *facts)
{
    const struct proto_text *const texts[TEXTS] = {&facts->server_name, &facts->agent, &facts->detail};
    uint32_t at = list->used;
    put(list, facts, FACTS_HEAD);
    for (unsigned i = 0; i < TEXTS; i++)
        put(list, texts[i], TEXT_HEAD + texts[i]->size);
    return at;
}

struct note *note_add(struct note_list *list, uint32_t order, const struct proto_facts *facts,
                      const struct proto_learned *learned)
{
    if (!has_room(list)) {
        list->lost++;
        return NULL;
    }
    struct note *note = &list->notes[list->count++];
    note->order = order;
    note->facts = facts ? put_facts(list, facts) : 0;
    note->learned = learned ? list->used : 0;
    if (learned)
        put(list, learned, sizeof *learned);
    return note;
}

void note_facts(const struct note_list *list, const struct note *note, struct proto_facts *out)
{
    struct proto_text *const texts[TEXTS] = {&out->server_name, &out->agent, &out->detail};
    const uint8_t *at = list->bytes + note->facts;
    if (!note->facts) {
        memset(out, 0, FACTS_HEAD);
        for (unsigned i = 0; i < TEXTS; i++)
            memset(texts[i], 0, TEXT_HEAD);
        return;
    }
    memcpy(out, at, FACTS_HEAD);
    at += FACTS_HEAD;
    for (unsigned i = 0; i < TEXTS; i++) {
        memcpy(texts[i], at, TEXT_HEAD);
        memcpy(texts[i]->bytes, at + TEXT_HEAD, texts[i]->size);
        at += TEXT_HEAD + texts[i]->size;
    }
}

void note_learned(const struct note_list *list, const struct note *note, struct proto_learned *out)
{
    if (note->learned)
        memcpy(out, list->bytes + note->learned, sizeof *out);
}
