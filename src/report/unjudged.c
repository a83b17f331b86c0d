/* SPDX-License-Identifier: BSD-2-Clause
 *
 * unjudged.c - what the report cannot say: flows that could not be judged and why, what the capture lacked,
 * what was lost on the way. Nothing of it may be read as compliant.
 */
#include <string.h>

#include "page.h"

static void put_item(const struct page *page, uint64_t count, const char *what)
{
    char number[SHOWN_SIZE];
    if (count)
        html(page->out, "<li><b>%s</b> %s</li>\n", show_number(count, number), what);
}

static void put_reasons(const struct page *page, char kind, const char *before)
{
    const struct report *report = page->report;
    char number[SHOWN_SIZE];
    for (unsigned i = 0; i < report->reason_count; i++)
        if (report->reasons[i].kind == kind)
            html(page->out, "<li><b>%s</b> flow%s %s: %s</li>\n",
                 show_number(report->reasons[i].flows, number), plural(report->reasons[i].flows), before,
                 report->reasons[i].text);
}

static uint64_t counter(const struct counter_in *list, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return list[i].value;
    return 0;
}

/* Counters of the run that mean: something was not seen whole. */
static void put_statistics(const struct page *page)
{
    static const struct {
        const char *name, *what;
    } told[] = {
        {"malformed", "frames whose headers contradict themselves"},
        {"cut", "frames that the capture cut inside their headers"},
        {"too_deep", "frames with too many layers"},
        {"opaque", "frames that are encrypted as a whole"},
        {"unknown_link", "frames of a link type that is not read"},
        {"fragments_overlapping", "datagrams with overlapping fragments, refused"},
        {"fragments_timed_out", "datagrams with fragments missing"},
        {"fragments_evicted", "datagrams given up because too many were incomplete"},
        {"flows_evicted", "flows that had to go because the table was full"},
        {"identify_gaps", "streams with bytes lost before they were identified"},
        {"identify_given_up", "flows whose protocol stayed unidentified"},
        {"findings_refused", "findings for which the judge had no room"},
        {"addresses_refused", "addresses for which the judge had no room"},
        {"pairs_refused", "address pairs for which the judge had no room"},
        {"dropped_ring", "packets that the kernel dropped"},
        {"dropped_interface", "packets that the interface dropped"},
    };
    for (unsigned i = 0; i < sizeof told / sizeof *told; i++)
        put_item(page, counter(page->report->stats, page->report->stats_count, told[i].name), told[i].what);
}

static void put_losses(const struct page *page)
{
    static const char *const kinds[] = {"alerts", "flows", "events", "metrics"};
    const struct report *report = page->report;
    char number[SHOWN_SIZE];
    if (!report->losses)
        return;
    html(page->out, "<li>An output lost events on %s occasion%s:", show_number(report->losses, number),
         plural(report->losses));
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        html(page->out, "%s %s %s", i ? "," : "",
             show_number(counter(report->lost, report->lost_count, kinds[i]), number), kinds[i]);
    html(page->out, "</li>\n");
}

static void put_events(const struct page *page)
{
    const struct report *report = page->report;
    put_item(page, report->totals.bad, "lines that are no events, or longer than 8,192 bytes: left out");
    put_item(page, report->orphans, "flows of findings whose alerts are not in these events");
    put_item(page, page->findings.taken_back, "findings that later packets took back");
    put_item(page, report->values_refused, "values of events that found no room");
    put_item(page, report->rows_refused, "mentions of rows that found no room");
    put_item(page, report->reasons_refused, "flows with further reasons that found no room");
}

void page_unjudged(const struct page *page)
{
    const struct report *report = page->report;
    html(page->out,
         "<section id=\"unjudged\" aria-labelledby=\"h-unjudged\">\n<h2 id=\"h-unjudged\">What could not be "
         "judged</h2>\n<p>Nothing here is compliant, and nothing here is accused.</p>\n<ul "
         "class=\"plain\">\n");
    put_item(page, report->by_status[FLOW_OUT_OF_SCOPE],
             "flows out of scope: no end has a role that the documents speak of");
    put_reasons(page, 'i', "inconclusive");
    put_item(page, report->unidentified_pass,
             "flows pass by their port alone: their protocol was not identified");
    put_reasons(page, 'a', "exempt, by the site's own word");
    put_statistics(page);
    put_losses(page);
    put_events(page);
    if (!report->flows)
        html(page->out, "<li>These events hold no flows: verdicts of flows cannot be told.</li>\n");
    if (!report->statistics)
        html(page->out,
             "<li>These events hold no statistics: whether the capture was whole cannot be told.</li>\n");
    html(page->out, "</ul>\n</section>\n");
}
