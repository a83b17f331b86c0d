/* SPDX-License-Identifier: BSD-2-Clause
 *
 * page.h - the parts of the page, one function each, in the order in which they stand. Private to src/report.
 */
#ifndef ROLECALL_REPORT_PAGE_H
#define ROLECALL_REPORT_PAGE_H

#include "collect.h"
#include "html.h"

/* Bounds of what is drawn: with these, and names of usual length, a page stays below 2 MiB. */
enum {
    SHOWN_WORST = 5,
    SHOWN_CELLS = 3000,
    SHOWN_HOSTS = 300,
    SHOWN_NODES = 14, /* on each side of the map */
    SHOWN_LINKS = 60,
    SHOWN_MOMENTS = 60,
    SHOWN_EPISODES = 40,
    SHOWN_STRIPS = 32,
    SHOWN_FINDINGS = 120
};

/* Findings as they are shown: highest severity first, then in order of time; those taken back are left out.
 */
struct shown_findings {
    const struct finding_in *list[FINDINGS_MAX];
    unsigned count, high, medium, low; /* high: 73 and above */
    unsigned taken_back;
};

struct page {
    const struct report *report;
    FILE *out;
    struct shown_findings findings;
};

extern const char page_style[];

void page_answer(const struct page *page);
void page_coverage(const struct page *page);
void page_map(const struct page *page);
void page_time(const struct page *page);
void page_media(const struct page *page);
void page_findings(const struct page *page);
void page_unjudged(const struct page *page);

const char *severity_word(unsigned severity);  /* "high" */
const char *severity_class(unsigned severity); /* CSS: "high", "medium", "low" */
void page_not_shown(const struct page *page, uint64_t count,
                    const char *what); /* a line, where count is not 0 */
const char *row_words(const struct row_words *words, char *out, size_t size); /* "tcp, udp" */

#endif
