/* SPDX-License-Identifier: BSD-2-Clause
 *
 * page.c - the page from its first line to its last: head with the content policy, the answer, the sections.
 * One file of HTML without scripts that loads nothing; docs/REPORT.md says what a reader finds where.
 */
#include "page.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

const char *severity_word(unsigned severity)
{
    return severity >= 99 ? "critical" : severity >= 73 ? "high" : severity >= 47 ? "medium" : "low";
}

const char *severity_class(unsigned severity)
{
    return severity >= 73 ? "high" : severity >= 47 ? "medium" : "low";
}

void page_not_shown(const struct page *page, uint64_t count, const char *what)
{
    char number[SHOWN_SIZE];
    if (count)
        html(page->out, "<p class=\"more\">Not shown: %s more %s.</p>\n", show_number(count, number), what);
}

const char *row_words(const struct row_words *words, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < words->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", words->at[i]);
    return out;
}

static int compare_findings(const void *a, const void *b)
{
    const struct finding_in *x = *(const struct finding_in *const *)a,
                            *y = *(const struct finding_in *const *)b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return x < y ? -1 : x > y; /* one array: in order of appearance */
}

static void gather_findings(const struct report *report, struct shown_findings *shown)
{
    for (unsigned i = 0; i < report->finding_count; i++) {
        const struct finding_in *finding = &report->findings[i];
        if (!finding->count) {
            shown->taken_back++;
            continue;
        }
        shown->list[shown->count++] = finding;
        shown->high += finding->severity >= 73;
        shown->medium += finding->severity < 73 && finding->severity >= 47;
        shown->low += finding->severity < 47;
    }
    qsort(shown->list, shown->count, sizeof *shown->list, compare_findings);
}

/* ---- the answer ---- */

struct row_tally {
    uint64_t seen, violated, blocked, not_seen;
};

/* Documented rows over all hosts; the worst state counts. */
static struct row_tally tally_rows(const struct report *report)
{
    struct row_tally tally = {0};
    for (unsigned row = 0; row < report->row_count; row++) {
        unsigned cells = 0;
        for (unsigned host = 0; host < report->host_count; host++)
            cells |= report_cell(report, host, row);
        tally.violated += (cells & CELL_VIOLATED) != 0;
        tally.blocked += (cells & CELL_BLOCKED) && !(cells & CELL_VIOLATED);
        tally.seen += (cells & CELL_SEEN) && !(cells & (CELL_VIOLATED | CELL_BLOCKED));
        tally.not_seen += cells == CELL_NOT_SEEN;
    }
    return tally;
}

static void put_headline(const struct page *page)
{
    const struct shown_findings *f = &page->findings;
    const struct {
        unsigned count;
        const char *word;
    } parts[] = {{f->high, "high"}, {f->medium, "medium"}, {f->low, "low"}};
    if (!f->count) {
        html(page->out, "<h1>No finding: nothing that was seen departs from the documents.</h1>\n");
        return;
    }
    html(page->out, "<h1>%u finding%s:", f->count, plural(f->count));
    const char *comma = "";
    for (unsigned i = 0; i < 3; i++) {
        if (parts[i].count)
            html(page->out, "%s <span class=\"sev-%s\">%u %s</span>", comma, parts[i].word, parts[i].count,
                 parts[i].word);
        comma = parts[i].count ? "," : comma;
    }
    html(page->out, ".</h1>\n");
}

static uint64_t packets_of(const struct report *report)
{
    for (unsigned i = 0; i < report->stats_count; i++)
        if (strcmp(report->stats[i].name, "packets") == 0)
            return report->stats[i].value;
    return 0;
}

static uint64_t flows_of(const struct report *report)
{
    for (unsigned i = 0; i < report->stats_count; i++)
        if (strcmp(report->stats[i].name, "flows") == 0)
            return report->stats[i].value;
    return report->flows;
}

static void put_frame_of_reference(const struct page *page)
{
    const struct report *r = page->report;
    char first[SHOWN_SIZE], span[SHOWN_SIZE], number[SHOWN_SIZE];
    html(page->out, "<p class=\"sub\">");
    if (r->first_ns)
        html(page->out, "%s, %s", show_time(r->first_ns, first), show_span(r->last_ns - r->first_ns, span));
    if (packets_of(r))
        html(page->out, " · %s packets", show_number(packets_of(r), number));
    html(page->out, " · %s flows", show_number(flows_of(r), number));
    html(page->out, " · %u hosts and networks</p>\n", r->host_count);
}

static void put_figure(const struct page *page, const char *class, const char *sign, uint64_t count,
                       const char *what)
{
    char number[SHOWN_SIZE];
    html(page->out,
         "<div class=\"figure\"><dt><span class=\"sign %s\" "
         "aria-hidden=\"true\">%s</span>%s</dt><dd>%s</dd></div>\n",
         class, sign, what, show_number(count, number));
}

static void put_bar(const struct page *page, const struct row_tally *tally)
{
    const struct {
        const char *class;
        uint64_t count;
    } parts[] = {{"violated", tally->violated},
                 {"blocked", tally->blocked},
                 {"seen", tally->seen},
                 {"never", tally->not_seen}};
    uint64_t sum = tally->violated + tally->blocked + tally->seen + tally->not_seen, at = 0;
    if (!sum)
        return;
    html(page->out,
         "<svg class=\"bar\" viewBox=\"0 0 10000 100\" preserveAspectRatio=\"none\" role=\"img\" "
         "aria-label=\"Documented rows: %" PRIu64 " violated, %" PRIu64 " blocked, %" PRIu64
         " seen working, %" PRIu64 " never seen\">",
         tally->violated, tally->blocked, tally->seen, tally->not_seen);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t width = parts[i].count * 10000 / sum;
        if (parts[i].count)
            html(page->out, "<rect class=\"f-%s\" x=\"%" PRIu64 "\" width=\"%" PRIu64 "\" height=\"100\"/>",
                 parts[i].class, at, width > 30 ? width - 20 : width);
        at += width;
    }
    html(page->out, "</svg>\n");
}

static void put_worst(const struct page *page)
{
    const struct shown_findings *f = &page->findings;
    if (!f->count)
        return;
    html(page->out, "<h2>Worst first</h2>\n<ol class=\"worst\">\n");
    for (unsigned i = 0; i < f->count && i < SHOWN_WORST; i++)
        html(page->out,
             "<li><span class=\"tag %s\">%s</span> <a href=\"#f%u\">%s</a><span "
             "class=\"what\">%s</span></li>\n",
             severity_class(f->list[i]->severity), severity_word(f->list[i]->severity), i + 1, f->list[i]->id,
             f->list[i]->reason);
    html(page->out, "</ol>\n");
    if (f->count > SHOWN_WORST)
        html(page->out,
             "<p class=\"more\"><a href=\"#findings\">All %u findings</a> with evidence, row and "
             "advice.</p>\n",
             f->count);
}

void page_answer(const struct page *page)
{
    const struct report *r = page->report;
    struct row_tally tally = tally_rows(r);
    uint64_t rows = tally.seen + tally.violated + tally.blocked + tally.not_seen;
    html(page->out, "<header>\n<p class=\"eyebrow\">rolecall · site %s</p>\n", *r->site ? r->site : "(none)");
    put_headline(page);
    put_frame_of_reference(page);
    html(page->out, "<dl class=\"figures\">\n");
    put_figure(page, "violated", "✕", tally.violated, "rows violated");
    put_figure(page, "blocked", "−", tally.blocked, "rows blocked");
    put_figure(page, "seen", "✓", tally.seen, "rows seen working");
    put_figure(page, "never", "·", tally.not_seen, "rows never seen");
    html(page->out, "</dl>\n");
    put_bar(page, &tally);
    if (rows)
        html(page->out,
             "<p class=\"more\">Of %" PRIu64 " documented rows that hold for this site; each counts once, in "
             "its worst state. Never seen is not compliant: it was not tested.</p>\n",
             rows);
    put_worst(page);
    html(page->out, "</header>\n");
}

/* ---- the frame around it ---- */

/* The policy allows this style and nothing else: no script, no picture, no request. */
static void put_policy(FILE *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE], text[EVP_MAX_MD_SIZE * 2];
    unsigned size = 0;
    if (!EVP_Digest(page_style, strlen(page_style), digest, &size, EVP_sha256(), NULL))
        size = 0;
    EVP_EncodeBlock(text, digest, (int)size);
    fprintf(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; "
        "base-uri 'none'; form-action 'none'\">\n",
        (const char *)text);
}

static void put_head(const struct page *page)
{
    FILE *out = page->out;
    html(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_policy(out);
    html(out,
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n"
         "<title>rolecall: %s</title>\n<style>",
         *page->report->site ? page->report->site : "report");
    fputs(page_style, out);
    html(out, "</style>\n</head>\n<body>\n");
}

static void put_nav(FILE *out)
{
    html(out,
         "<nav aria-label=\"Sections\"><a href=\"#coverage\">Coverage</a><a href=\"#map\">Who talks to "
         "whom</a>"
         "<a href=\"#time\">Time line</a><a href=\"#media\">Media ports</a><a href=\"#findings\">Findings</a>"
         "<a href=\"#unjudged\">Not judged</a></nav>\n");
}

bool report_write(const struct report *report, FILE *out)
{
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        return false;
    page->report = report;
    page->out = out;
    gather_findings(report, &page->findings);
    put_head(page);
    page_answer(page);
    put_nav(out);
    html(out, "<main>\n");
    page_coverage(page);
    page_map(page);
    page_time(page);
    page_media(page);
    page_findings(page);
    page_unjudged(page);
    char number[SHOWN_SIZE];
    html(out,
         "</main>\n<footer><p>Made by rolecall %s from %s events. Times are UTC, of the packets. This file "
         "holds no "
         "script and loads nothing.</p></footer>\n</body>\n</html>\n",
         *report->version ? report->version : ROLECALL_VERSION, show_number(report->totals.events, number));
    free(page);
    return !ferror(out);
}
