/* SPDX-License-Identifier: BSD-2-Clause
 *
 * replay.c - corpus_replay: captures replayed with their ports, their lengths or their bytes changed, and
 * their encrypted streams offered as new flows.
 *
 *     corpus_replay ports  [--seed N] CAPTURE...   every TCP and UDP port at random: names must stay
 *     corpus_replay cut    CAPTURE...              each frame cut shorter and shorter: less, never another
 * name corpus_replay damage [--seed N] CAPTURE...   1 % of the bytes at random, frames cut: no crash, no hang
 *     corpus_replay invent [--seed N] CAPTURE...   encrypted bytes as new flows: names in under 1 of 10,000
 *
 * Offences are printed one a line, then a table. Exits with 1 where there were any, 2 on wrong usage.
 */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum mode { MODE_PORTS, MODE_CUT, MODE_DAMAGE, MODE_INVENT, MODE_COUNT };
static const char *const modes[MODE_COUNT] = {"ports", "cut", "damage", "invent"};

static uint64_t fates[PROTO_COUNT][FATE_COUNT];

void fate_count(unsigned protocol, enum fate fate)
{
    fates[protocol][fate]++;
}

void fate_print(void)
{
    printf("%-14s %10s %10s %12s %8s\n", "protocol", "same", "weaker", "unidentified", "other");
    for (unsigned id = 0; id < PROTO_COUNT; id++) {
        const uint64_t *row = fates[id];
        if (row[FATE_SAME] + row[FATE_WEAKER] + row[FATE_UNIDENTIFIED] + row[FATE_OTHER])
            printf("%-14s %10" PRIu64 " %10" PRIu64 " %12" PRIu64 " %8" PRIu64 "\n",
                   proto_by_id((enum proto_id)id)->name, row[FATE_SAME], row[FATE_WEAKER],
                   row[FATE_UNIDENTIFIED], row[FATE_OTHER]);
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: corpus_replay ports|cut|damage|invent [--seed N] CAPTURE...\n");
    return 2;
}

static unsigned replay(enum mode mode, const char *path, uint64_t seed)
{
    struct recording recording;
    unsigned offences = 0;
    if (recording_load(&recording, path)) {
        if (mode == MODE_PORTS)
            offences = replay_ports(&recording, seed);
        else if (mode == MODE_CUT)
            offences = replay_cut(&recording);
        else if (mode == MODE_DAMAGE)
            offences = replay_damage(&recording, seed);
        else
            invent_gather(&recording);
    }
    recording_free(&recording);
    return offences;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return usage();
    unsigned mode = 0;
    while (mode < MODE_COUNT && strcmp(argv[1], modes[mode]) != 0)
        mode++;
    if (mode == MODE_COUNT)
        return usage();
    uint64_t seed = (uint64_t)time(NULL);
    int first = 2;
    if (strcmp(argv[first], "--seed") == 0) {
        if (argc < 5)
            return usage();
        seed = strtoull(argv[3], NULL, 0);
        first = 4;
    }
    printf("%s, seed %" PRIu64 ", %d captures\n", modes[mode], seed, argc - first);
    unsigned offences = 0;
    for (int i = first; i < argc; i++)
        offences += replay((enum mode)mode, argv[i], seed);
    if (mode == MODE_INVENT)
        offences += invent_try(seed);
    else if (mode != MODE_DAMAGE)
        fate_print();
    printf("%u offences\n", offences);
    return offences > 0;
}
