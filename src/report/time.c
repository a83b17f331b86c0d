/* SPDX-License-Identifier: BSD-2-Clause
 *
 * time.c - when it happened: each finding from the first to the last flow that counted for it, and the IPsec
 * episodes with their delays. Every line has its words in HTML and its bar in a stretched picture, so it fits
 * any width.
 */
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum { SCALE = 10000, BAR_MIN = 60 };

struct timeline {
    const struct finding_in *list[FINDINGS_MAX];
    unsigned count;
};

static int compare_moments(const void *a, const void *b)
{
    const struct finding_in *x = *(const struct finding_in *const *)a,
                            *y = *(const struct finding_in *const *)b;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

static unsigned place_of(const struct report *report, int64_t time_ns)
{
    int64_t span = report->last_ns - report->first_ns;
    if (span <= 0 || time_ns <= report->first_ns)
        return 0;
    if (time_ns >= report->last_ns)
        return SCALE;
    return (unsigned)((double)(time_ns - report->first_ns) / (double)span * SCALE);
}

static unsigned number_of(const struct page *page, const struct finding_in *finding)
{
    for (unsigned i = 0; i < page->findings.count; i++)
        if (page->findings.list[i] == finding)
            return i + 1;
    return 0;
}

/* The time of day, with the date where there is more than one. */
static const char *show_moment(const struct report *report, int64_t time_ns, char out[SHOWN_SIZE])
{
    const int64_t day_ns = INT64_C(86400) * 1000000000;
    return report->first_ns / day_ns == report->last_ns / day_ns ? show_clock(time_ns, out)
                                                                 : show_time(time_ns, out);
}

static void put_moment(const struct page *page, const struct finding_in *finding)
{
    char clock[SHOWN_SIZE], span[SHOWN_SIZE];
    unsigned from = place_of(page->report, finding->first_ns), to = place_of(page->report, finding->last_ns);
    unsigned number = number_of(page, finding);
    if (to < from + BAR_MIN)
        to = from + BAR_MIN;
    if (to > SCALE) {
        from = SCALE - (to - from);
        to = SCALE;
    }
    html(page->out, "<li><span class=\"when\">%s</span><span class=\"who\"><span class=\"tag %s\">%s</span> ",
         show_moment(page->report, finding->first_ns, clock), severity_class(finding->severity),
         severity_word(finding->severity));
    if (number && number <= SHOWN_FINDINGS)
        html(page->out, "<a href=\"#f%u\">%s</a>", number, finding->id);
    else
        html(page->out, "%s", finding->id);
    html(page->out, " <span class=\"peer\">%s → %s</span></span>", party_name(&finding->source),
         party_name(&finding->destination));
    html(page->out,
         "<svg class=\"lane\" viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" role=\"img\" "
         "aria-label=\"for %s\">"
         "<rect class=\"base\" width=\"%d\" height=\"10\"/><rect class=\"t-%s\" x=\"%u\" width=\"%u\" "
         "height=\"10\"/></svg></li>\n",
         SCALE, show_span(finding->last_ns - finding->first_ns, span), SCALE,
         severity_class(finding->severity), from, to - from);
}

static void put_moments(const struct page *page)
{
    struct timeline *line = calloc(1, sizeof *line);
    char from[SHOWN_SIZE], to[SHOWN_SIZE];
    if (!line)
        return;
    line->count = page->findings.count < SHOWN_MOMENTS ? page->findings.count : SHOWN_MOMENTS;
    memcpy(line->list, page->findings.list, line->count * sizeof *line->list); /* the worst ones */
    qsort(line->list, line->count, sizeof *line->list, compare_moments);
    html(page->out, "<ol class=\"moments\">\n");
    for (unsigned i = 0; i < line->count; i++)
        put_moment(page, line->list[i]);
    html(page->out, "</ol>\n<p class=\"ends\"><span>%s</span><span>%s</span></p>\n",
         show_time(page->report->first_ns, from), show_time(page->report->last_ns, to));
    page_not_shown(page, page->findings.count - line->count, "findings, of lower severity");
    free(line);
}

/* ---- IPsec ---- */

static int64_t longest_delay(const struct report *report)
{
    int64_t longest = 1;
    for (unsigned i = 0; i < report->episode_count; i++) {
        const struct episode *episode = &report->episodes[i];
        longest = episode->negotiation_tenths > longest ? episode->negotiation_tenths : longest;
        longest = episode->media_tenths > longest ? episode->media_tenths : longest;
    }
    return longest;
}

static void put_delay(FILE *out, const char *what, const char *class, int64_t tenths, int64_t longest)
{
    if (tenths < 0) {
        html(out, "<span class=\"delay\"><span>%s</span><b>not seen</b></span>", what);
        return;
    }
    unsigned width = (unsigned)((double)tenths / (double)longest * SCALE);
    html(out,
         "<span class=\"delay\"><span>%s</span><b>%ld.%ld ms</b><svg class=\"lane\" viewBox=\"0 0 %d 10\" "
         "preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"base\" width=\"%d\" "
         "height=\"10\"/><rect "
         "class=\"%s\" width=\"%u\" height=\"10\"/></svg></span>",
         what, tenths / 10, tenths % 10, SCALE, SCALE, class, width < BAR_MIN ? BAR_MIN : width);
}

static void put_episode(const struct page *page, const struct episode *episode, int64_t longest)
{
    FILE *out = page->out;
    char clock[SHOWN_SIZE];
    bool is_judged = strcmp(episode->status, "fail") == 0;
    html(out,
         "<li><span class=\"when\">%s</span><span class=\"who\"><span class=\"tag %s\">%s</span> %s → %s "
         "<span "
         "class=\"peer\">%s, %s; %lu media flow%s, %lu packet%s lost</span></span>",
         show_moment(page->report, episode->first_ns, clock), is_judged ? "high" : "none",
         is_judged ? "on media" : "not covered", party_name(&episode->source),
         party_name(&episode->destination), episode->negotiation, episode->state, episode->media_flows,
         plural(episode->media_flows), episode->media_lost, plural(episode->media_lost));
    put_delay(out, "first request to first protected packet", "d-ipsec", episode->negotiation_tenths,
              longest);
    put_delay(out, "first request to first media packet", "d-media", episode->media_tenths, longest);
    html(out, "</li>\n");
}

static void put_episodes(const struct page *page)
{
    const struct report *report = page->report;
    unsigned shown = 0;
    html(page->out, "<h3>IPsec between two addresses</h3>\n");
    if (!report->episode_count) {
        html(page->out, "<p>None was seen.</p>\n");
        return;
    }
    html(page->out, "<ol class=\"episodes\">\n");
    for (unsigned judged = 2; judged-- > 0;) /* those on media first */
        for (unsigned i = 0; i < report->episode_count && shown < SHOWN_EPISODES; i++)
            if ((strcmp(report->episodes[i].status, "fail") == 0) == (judged == 1)) {
                put_episode(page, &report->episodes[i], longest_delay(report));
                shown++;
            }
    html(page->out, "</ol>\n");
    page_not_shown(page, report->episodes_refused + report->episode_count - shown, "episodes");
}

void page_time(const struct page *page)
{
    html(page->out, "<section id=\"time\" aria-labelledby=\"h-time\">\n<h2 id=\"h-time\">Time line</h2>\n");
    if (page->findings.count)
        put_moments(page);
    else
        html(page->out, "<p>There is no finding to place.</p>\n");
    put_episodes(page);
    html(page->out, "</section>\n");
}
