/* SPDX-License-Identifier: BSD-2-Clause
 *
 * cut.c - the modes cut and damage of corpus_replay. A frame cut shorter may say less of its flow, never
 * something else: every name a flow gets must be among those it had whole. Damaged frames may say anything;
 * the program must live, and be done in time. A hang is ended by an alarm that names the input.
 */
#include "replay.h"

#include "rolecall/decode.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FINE_MAX = 400, FINE_STEP = 7, COARSE_STEP = 67, SECONDS_MAX = 10, REPORTS_MAX = 64 };

uint32_t cut_after(uint32_t cut)
{
    if (cut < FINE_MAX)
        return cut + FINE_STEP;
    return cut < 2000 ? cut + COARSE_STEP : 2 * cut;
}

void cut_frame(void *context, struct frame *frame)
{
    const uint32_t *cut = context;
    if (frame->caplen > *cut)
        frame->caplen = *cut;
}

/* Each wrong name of a flow is told once, at the first length that brings it. */
struct reports {
    struct told list[REPORTS_MAX];
    unsigned count;
};

static bool is_new(struct reports *reports, const struct told *told)
{
    for (unsigned i = 0; i < reports->count; i++)
        if (memcmp(&reports->list[i].key, &told->key, sizeof told->key) == 0 &&
            reports->list[i].names == told->names)
            return false;
    if (reports->count < REPORTS_MAX)
        reports->list[reports->count++] = *told;
    return true;
}

static unsigned compare_cut(const struct recording *recording, const struct outcome *whole,
                            const struct outcome *less, uint32_t cut, struct reports *reports)
{
    unsigned offences = 0;
    for (size_t i = 0; i < less->count; i++) {
        const struct told *told = &less->list[i];
        bool known;
        uint64_t allowed = outcome_names(whole, &told->key, &known);
        unsigned first = 0;
        while (first < PROTO_COUNT - 1 && allowed && !(allowed >> first & 1))
            first++;
        if (told->names & ~allowed) {
            fate_count(first, FATE_OTHER);
            if (!is_new(reports, told))
                continue;
            printf("%s: %s cut to %u: %s", recording->path, key_text(&told->key), cut,
                   names_text(told->names));
            printf(", whole: %s\n", known ? names_text(allowed) : "no such flow");
            offences++;
        } else if (!told->name && allowed) {
            fate_count(first, FATE_UNIDENTIFIED);
        } else {
            fate_count(told->name, told->names == allowed ? FATE_SAME : FATE_WEAKER);
        }
    }
    return offences;
}

unsigned replay_cut(const struct recording *recording)
{
    struct outcome whole, less;
    struct reports reports = {.count = 0};
    unsigned offences = 0;
    recording_replay(recording, NULL, NULL, false, &whole);
    for (uint32_t cut = FINE_STEP; cut < recording->caplen_max; cut = cut_after(cut)) {
        recording_replay(recording, cut_frame, &cut, false, &less);
        offences += compare_cut(recording, &whole, &less, cut, &reports);
        outcome_free(&less);
    }
    outcome_free(&whole);
    return offences;
}

/* ---- damage ---- */

static const char *current; /* for the alarm */

static void hangs(int number)
{
    static const char text[] = ": hangs\n";
    (void)number;
    ssize_t ignored = write(STDOUT_FILENO, current, strlen(current));
    ignored += write(STDOUT_FILENO, text, sizeof text - 1);
    _exit(ignored < 0 ? 2 : 1);
}

struct damage {
    struct chance chance;
    uint32_t cut;            /* 0: none */
    bool changes;            /* 1 % of the bytes */
    struct decoder *decoder; /* looks at a copy of exactly the frame's size, where a sanitizer sees its end */
};

static void damage_frame(void *context, struct frame *frame)
{
    struct damage *damage = context;
    uint8_t *bytes = (uint8_t *)(uintptr_t)frame->at; /* recording_replay's scratch: ours to write */
    for (uint32_t i = 0; damage->changes && i < frame->caplen; i++)
        if (chance_below(&damage->chance, 100) == 0)
            bytes[i] = (uint8_t)chance_next(&damage->chance);
    if (damage->cut && frame->caplen > damage->cut)
        frame->caplen = damage->cut;
    struct frame exact = *frame;
    uint8_t *copy = must(malloc(frame->caplen ? frame->caplen : 1));
    memcpy(copy, bytes, frame->caplen);
    exact.at = copy;
    struct packet packet;
    decode_frame(damage->decoder, &exact, &packet);
    free(copy);
}

static unsigned run_damage(const struct recording *recording, struct damage *damage)
{
    struct timespec begin, end;
    struct outcome outcome;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    alarm(6 * SECONDS_MAX);
    recording_replay(recording, damage_frame, damage, true, &outcome);
    alarm(0);
    clock_gettime(CLOCK_MONOTONIC, &end);
    outcome_free(&outcome);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    if (seconds <= SECONDS_MAX)
        return 0;
    printf("%s: %.1f s (cut to %u)\n", recording->path, seconds, damage->cut);
    return 1;
}

unsigned replay_damage(const struct recording *recording, uint64_t seed)
{
    current = recording->path;
    signal(SIGALRM, hangs);
    struct damage damage = {.chance = {seed}, .changes = true, .decoder = must(decoder_create())};
    unsigned offences = run_damage(recording, &damage);
    damage.changes = false;
    for (damage.cut = FINE_STEP; damage.cut < recording->caplen_max; damage.cut = cut_after(damage.cut))
        offences += run_damage(recording, &damage);
    decoder_destroy(damage.decoder);
    return offences;
}
