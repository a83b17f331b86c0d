/* SPDX-License-Identifier: BSD-2-Clause
 *
 * replay.h - captures that are run through the engine again with something about them changed, and what
 * became of their flows. A recording is a capture held in memory; recording_replay() hands its frames, each
 * changed by a function of the caller's, to a fresh engine and gathers one struct told for each flow. Every
 * mode of corpus_replay is one function that counts its own offences and prints them as it finds them.
 */
#ifndef TESTS_CORPUS_REPLAY_H
#define TESTS_CORPUS_REPLAY_H

#include "rolecall/flow.h"
#include "rolecall/packet.h"

struct recording {
    const char *path;
    struct frame *frames;
    size_t count;
    uint32_t caplen_max;
    uint8_t *bytes; /* of all frames, one after the other */
};

/* What was said of one flow at its end. */
struct told {
    struct flow_key key;
    int64_t first_ns;
    uint64_t names; /* bit per enum proto_id: the name, what else it carried, what it was upgraded to */
    uint8_t name;
    uint8_t evidence;
};

struct outcome {
    struct told *list; /* by key, then by beginning */
    size_t count, room;
};

/* `frame` is a copy of the recorded one, its bytes free to write as far as caplen. */
typedef void change_function(void *context, struct frame *frame);

bool recording_load(struct recording *recording, const char *path); /* false: nothing in it, or no capture */
void recording_free(struct recording *recording);
/* NULL as `change`: as it was recorded. `with_events`: every event is made too, and thrown away. */
void recording_replay(const struct recording *recording, change_function *change, void *context,
                      bool with_events, struct outcome *outcome);
void outcome_sort(struct outcome *outcome);
void outcome_free(struct outcome *outcome);
size_t outcome_find(const struct outcome *outcome,
                    const struct flow_key *key); /* the first not before the key */
/* All names that flows of this key had; *known: there was such a flow. */
uint64_t outcome_names(const struct outcome *outcome, const struct flow_key *key, bool *known);

const char *key_text(const struct flow_key *key); /* valid until the next call */
const char *names_text(uint64_t names);           /* likewise; "-" for none */
void *must(void *memory);                         /* ends the program on NULL */

struct chance {
    uint64_t state;
};
uint64_t chance_next(struct chance *chance);
uint64_t chance_mix(uint64_t value);
uint32_t chance_below(struct chance *chance, uint32_t bound);

/* One line per protocol at the end, over all captures. */
enum fate { FATE_SAME, FATE_WEAKER, FATE_UNIDENTIFIED, FATE_OTHER, FATE_COUNT };
void fate_count(unsigned protocol, enum fate fate);
void fate_print(void);

/* The modes. Each returns the number of offences. */
unsigned replay_ports(const struct recording *recording, uint64_t seed);
unsigned replay_cut(const struct recording *recording);
unsigned replay_damage(const struct recording *recording, uint64_t seed);
void invent_gather(const struct recording *recording);
unsigned invent_try(uint64_t seed);

/* Frame lengths to cut to: every 7th byte to 400, then in steps. */
uint32_t cut_after(uint32_t cut);
void cut_frame(void *context, struct frame *frame); /* context: const uint32_t * */

#endif
