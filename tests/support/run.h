/* SPDX-License-Identifier: BSD-2-Clause
 *
 * run.h - a scene through the whole engine: site text and frames in, parsed events out.
 *
 * Paths into events are dotted ("rolecall.compliance.status"). Rules are read from rules/ of the source tree
 * (TEST_SOURCE_DIR at compile time, else the working directory). A site with mistakes ends the program,
 * mistakes printed.
 */
#ifndef TESTS_SUPPORT_RUN_H
#define TESTS_SUPPORT_RUN_H

#include "wire.h"

#include <cjson/cJSON.h>

struct run {
    cJSON **events; /* in the order in which they were told */
    unsigned count, room;
    char *text; /* the lines as they came, each ended by a newline */
    size_t size;
};

/* NULL as site: nothing is judged. Every flow is told. The scene stays the caller's. */
struct run *run_scene(const char *site, struct scene *scene, unsigned workers);
/* The same as the live engine has it: the clock ticks every ten seconds between the frames, and on until
 * `until_ns`. */
struct run *run_live(const char *site, struct scene *scene, unsigned workers, int64_t until_ns);
void run_destroy(struct run *run);

/* The event of one flow, by its initiator and responder; NULL: none, or told the other way round. */
const cJSON *run_flow(const struct run *run, struct end initiator, struct end responder);
/* The number-th event of a dataset ("rolecall.ipsec"), NULL past the end. */
const cJSON *run_event(const struct run *run, const char *dataset, unsigned number);
/* Ids of the findings that were opened, in order, joined by blanks; "" for none. Valid until the next call.
 */
const char *run_findings(const struct run *run);
/* The alert that opened this finding, NULL: it did not. */
const cJSON *run_alert(const struct run *run, const char *finding);

const char *text_at(const cJSON *event, const char *path); /* "" where it is not there */
double number_at(const cJSON *event, const char *path);    /* -1 where it is not there */
/* A list of strings, joined by blanks; valid until the fourth call after. */
const char *list_at(const cJSON *event, const char *path);
bool list_has(const cJSON *event, const char *path, const char *text);

#endif
