/* SPDX-License-Identifier: BSD-2-Clause
 *
 * summary.c - the result of a run for a person: what was read, the findings with the rows that decided, how
 * many of the documented rows were seen, and what could not be judged and why. Colour only on a terminal,
 * NO_COLOR honoured.
 */
#include "summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rolecall/event.h"
#include "rolecall/judge.h"

enum { WIDTH_MIN = 60, WIDTH_DEFAULT = 100, WIDTH_MAX = 200 };

struct page {
    FILE *out;
    unsigned width;
    bool colour;
};

static struct page page_of(FILE *out)
{
    struct page page = {.out = out, .width = WIDTH_DEFAULT};
    struct winsize size;
    const char *no_colour = getenv("NO_COLOR");
    if (!isatty(fileno(out)))
        return page;
    page.colour = !no_colour || !*no_colour;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
        page.width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
    return page;
}

static void heading(const struct page *page, const char *text)
{
    fprintf(page->out, "\n%s%s%s\n", page->colour ? "\033[1m" : "", text, page->colour ? "\033[0m" : "");
}

/* Text broken at blanks, every line but the first one indented. */
static void wrapped(const struct page *page, unsigned indent, const char *text)
{
    unsigned at = indent;
    for (bool first = true; *text; first = false) {
        size_t word = strcspn(text, " ");
        if (!first && at + 1 + word > page->width) {
            fprintf(page->out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            fputc(' ', page->out);
            at++;
        }
        fwrite(text, 1, word, page->out);
        at += (unsigned)word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', page->out);
}

static const char *severity_name(int severity)
{
    return severity >= 99 ? "critical" : severity >= 73 ? "high" : severity >= 47 ? "medium" : "low";
}

static const char *severity_colour(int severity)
{
    return severity >= 73 ? "\033[31m" : severity >= 47 ? "\033[33m" : "\033[36m";
}

static void print_inputs(const struct page *page, const struct engine *engine, const struct capture *capture)
{
    static const char *const states[] = {"not read", "reading", "read", "cut", "damaged"};
    heading(page, "Read");
    for (size_t i = 0; i < capture_input_count(capture); i++) {
        const struct capture_input *input = capture_input(capture, i);
        char first[TIME_TEXT_SIZE] = "-", last[TIME_TEXT_SIZE] = "-";
        if (input->packets) {
            time_text(input->first_ns, first);
            time_text(input->last_ns, last);
        }
        fprintf(page->out, "  %s: %" PRIu64 " packets, %s to %s%s%s\n", input->name, input->packets, first,
                last, input->state == CAPTURE_READ ? "" : ", ",
                input->state == CAPTURE_READ ? "" : states[input->state]);
    }
    static const char *const shown[] = {"malformed",
                                        "cut",
                                        "too_deep",
                                        "opaque",
                                        "unknown_link",
                                        "fragments_overlapping",
                                        "fragments_timed_out",
                                        "flows_evicted",
                                        "identify_gaps"};
    const char *name;
    uint64_t value;
    for (unsigned i = 0; (name = engine_counter(engine, i, &value)); i++)
        for (unsigned k = 0; value && k < sizeof shown / sizeof *shown; k++)
            if (strcmp(name, shown[k]) == 0)
                fprintf(page->out, "  %" PRIu64 " %s\n", value, name);
}

/* Highest severity first; those of one severity in the order in which they opened. */
static void print_findings(const struct page *page, const struct judge *judge)
{
    static const int severities[] = {99, 73, 47, 21};
    const struct finding *finding;
    unsigned shown = 0;
    heading(page, "Findings");
    for (unsigned s = 0; s < 4; s++) {
        for (uint32_t i = 0; (finding = judge_finding(judge, i)); i++) {
            if (finding->severity != severities[s] || finding->muted || !finding->count)
                continue;
            const struct matrix_row *row =
                finding->verdict.row_count ? finding->verdict.rows[0] : finding->verdict.nearest;
            fprintf(page->out, "  %s%-8s%s %s, %" PRIu64 " %s%s\n           ",
                    page->colour ? severity_colour(finding->severity) : "", severity_name(finding->severity),
                    page->colour ? "\033[0m" : "", finding_id_name(finding->id), finding->count,
                    finding_unit(finding), finding->count == 1 ? "" : "s");
            wrapped(page, 11, finding->reason);
            if (row)
                fprintf(page->out, "           row: %s%s\n", row->id,
                        finding->verdict.row_count ? "" : " (nearest)");
            fprintf(page->out, "           do: ");
            wrapped(page, 15, finding->advice);
            shown++;
        }
    }
    if (!shown)
        fprintf(page->out, "  none\n");
}

struct tally {
    unsigned rows, seen, violated, blocked, unseen;
};

static struct tally tally_of(const struct judge *judge, const struct policy *policy, int32_t entry)
{
    struct tally tally = {0};
    for (unsigned order = 0; order < policy_row_count(policy); order++) {
        const struct coverage *coverage = judge_coverage(judge, entry, order);
        if (!coverage)
            continue;
        tally.rows++;
        tally.seen += coverage->flows > 0;
        tally.violated += coverage->violated > 0;
        tally.blocked += coverage->blocked > 0;
        tally.unseen += !coverage->flows && !coverage->violated && !coverage->blocked;
    }
    return tally;
}

static void print_coverage(const struct page *page, const struct judge *judge, const struct policy *policy)
{
    heading(page, "Coverage of the documented rows");
    fprintf(page->out, "  %-32s %5s %5s %9s %8s %11s\n", "host", "rows", "seen", "violated", "blocked",
            "never seen");
    for (int32_t entry = 0; policy_entry(policy, entry); entry++) {
        struct tally tally = tally_of(judge, policy, entry);
        fprintf(page->out, "  %-32.32s %5u %5u %9u %8u %11u\n", policy_entry(policy, entry)->name, tally.rows,
                tally.seen, tally.violated, tally.blocked, tally.unseen);
    }
}

static void print_verdicts(const struct page *page, const struct judge *judge, const struct policy *policy)
{
    const struct judge_totals *totals = judge_totals(judge);
    heading(page, "Flows");
    fprintf(page->out, "  %" PRIu64 " flows:", totals->flows);
    for (unsigned status = 0; status < VERDICT_COUNT; status++)
        fprintf(page->out, "%s %" PRIu64 " %s", status ? "," : "", totals->by_status[status],
                verdict_status_name((enum verdict_status)status));
    fprintf(page->out, "\n");
    if (totals->unidentified_pass)
        fprintf(page->out,
                "  %" PRIu64 " of those that pass do so by port alone: their protocol was not identified\n",
                totals->unidentified_pass);
    const char *reason;
    uint64_t flows;
    for (unsigned i = 0; (reason = judge_inconclusive(judge, i, &flows)); i++)
        fprintf(page->out, "  %" PRIu64 " inconclusive: %s\n", flows, reason);
    for (unsigned i = 0; i < policy_allow_count(policy); i++)
        fprintf(page->out, "  allow \"%s\": %" PRIu64 " flows%s\n", policy_allow_name(policy, (int)i),
                judge_allow_used(judge, i), judge_allow_used(judge, i) ? "" : " (never matched)");
}

void summary_print(FILE *out, const struct engine *engine, const struct policy *policy,
                   const struct capture *capture)
{
    struct page page = page_of(out);
    const struct judge *judge = engine_judge(engine);
    fprintf(out, "rolecall %s, site %s\n", ROLECALL_VERSION, policy_settings(policy)->site_name);
    print_inputs(&page, engine, capture);
    print_findings(&page, judge);
    print_verdicts(&page, judge, policy);
    print_coverage(&page, judge, policy);
}

static const char *state_of(const struct coverage *coverage)
{
    return coverage->violated  ? "violated"
           : coverage->blocked ? "blocked"
           : coverage->flows   ? "seen"
                               : "not-seen";
}

/* A CSV field (RFC 4180); what a spreadsheet would take for a formula is defused. */
static void put_field(FILE *out, const char *text)
{
    fputc('"', out);
    if (*text && strchr("=+-@", *text))
        fputc('\'', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

bool summary_coverage_csv(const char *path, const struct engine *engine, const struct policy *policy)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return false;
    fprintf(out, "row,host,state,flows,bytes,violated,blocked,first_seen,last_seen\r\n");
    for (int32_t entry = 0; policy_entry(policy, entry); entry++) {
        for (unsigned order = 0; order < policy_row_count(policy); order++) {
            const struct coverage *coverage = judge_coverage(engine_judge(engine), entry, order);
            char first[TIME_TEXT_SIZE] = "", last[TIME_TEXT_SIZE] = "";
            if (!coverage)
                continue;
            if (coverage->first_ns) {
                time_text(coverage->first_ns, first);
                time_text(coverage->last_ns, last);
            }
            fprintf(out, "%s,", policy_row_by_order(policy, order)->id);
            put_field(out, policy_entry(policy, entry)->name);
            fprintf(out, ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,%s\r\n", state_of(coverage),
                    coverage->flows, coverage->bytes, coverage->violated, coverage->blocked, first, last);
        }
    }
    bool failed = ferror(out);
    return fclose(out) == 0 && !failed;
}
