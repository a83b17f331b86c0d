/* SPDX-License-Identifier: BSD-2-Clause
 *
 * report.h - events (docs/EVENTS.md) gathered into one page for people: docs/REPORT.md says what is on it.
 *
 *     struct report *r = report_create(rules);
 *     report_read(r, file);  or  report_line(r, line, size) for each event as it is made
 *     report_write(r, out);
 *     report_destroy(r);
 *
 * It keeps sums and the first so many of each kind, never all flows: memory is fixed at creation, and what
 * found no room is counted and told on the page. The same lines give the same page, byte for byte. Lines may
 * come from anywhere: nothing in them is trusted.
 */
#ifndef ROLECALL_REPORT_H
#define ROLECALL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct report;
struct rules;

/* `rules` say what the rows are that events name, and must outlive the report; NULL: rows are shown by their
 * ids. NULL: out of memory. */
struct report *report_create(const struct rules *rules);
void report_destroy(struct report *report);

void report_line(struct report *report, const char *line, size_t size); /* one event, without its newline */
/* NDJSON until the end of the file. False: it could not be read, errno says why. */
bool report_read(struct report *report, FILE *in);

struct report_totals {
    uint64_t events; /* lines that were events of this program */
    uint64_t bad;    /* lines that were none, or too long */
};
struct report_totals report_totals(const struct report *report);

bool report_write(const struct report *report, FILE *out); /* HTML; false: not all of it was written */

#endif
