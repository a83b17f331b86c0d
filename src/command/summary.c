/* SPDX-License-Identifier: BSD-2-Clause
 *
 * summary.c - the result of a run for a person: what was read, the findings with the rows that decided, how
 * many of the documented rows were seen, and what could not be judged and why. No line is longer than the
 * terminal (terminal.h).
 */
#include "summary.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "rolecall/event.h"
#include "rolecall/judge.h"
#include "rolecall/show.h"
#include "terminal.h"

static const char *severity_name(int severity)
{
    return severity >= 99 ? "critical" : severity >= 73 ? "high" : severity >= 47 ? "medium" : "low";
}

static const char *severity_colour(int severity)
{
    return severity >= 73 ? "31" : severity >= 47 ? "33" : "36";
}

static void print_inputs(const struct terminal *to, const struct engine *engine,
                         const struct capture *capture)
{
    static const char *const states[] = {"not read", "reading", "read", "cut", "damaged"};
    terminal_heading(to, "Read");
    for (size_t i = 0; i < capture_input_count(capture); i++) {
        const struct capture_input *input = capture_input(capture, i);
        char first[SHOWN_SIZE], span[SHOWN_SIZE], text[128], line[PATH_MAX + sizeof text];
        snprintf(text, sizeof text, "%" PRIu64 " packet%s", input->packets, plural(input->packets));
        if (input->packets)
            snprintf(text, sizeof text, "%" PRIu64 " packet%s, %s, %s", input->packets,
                     plural(input->packets), show_time(input->first_ns, first),
                     show_span(input->last_ns - input->first_ns, span));
        snprintf(line, sizeof line, "%s: %s%s%s", input->name, text, input->state == CAPTURE_READ ? "" : ", ",
                 input->state == CAPTURE_READ ? "" : states[input->state]);
        fputs("  ", to->out);
        terminal_wrap(to, 2, 4, line);
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
                fprintf(to->out, "  %" PRIu64 " %s\n", value, name);
}

static void print_finding(const struct terminal *to, const struct finding *finding)
{
    const struct matrix_row *row =
        finding->verdict.row_count ? finding->verdict.rows[0] : finding->verdict.nearest;
    char text[160];
    fprintf(to->out, "  %s%-8s%s ", terminal_colour(to, severity_colour(finding->severity)),
            severity_name(finding->severity), terminal_plain(to));
    snprintf(text, sizeof text, "%s, %" PRIu64 " flow%s", finding_id_name(finding->id), finding->count,
             plural(finding->count));
    terminal_wrap(to, 11, 11, text);
    fprintf(to->out, "%11s", "");
    terminal_wrap(to, 11, 11, finding->reason);
    if (row) {
        snprintf(text, sizeof text, "%s%s", row->id, finding->verdict.row_count ? "" : " (nearest)");
        fprintf(to->out, "%11srow: ", "");
        terminal_wrap(to, 16, 16, text);
    }
    fprintf(to->out, "%11sdo: ", "");
    terminal_wrap(to, 15, 15, finding->advice);
}

/* Highest severity first; those of one severity in the order in which they opened. */
static void print_findings(const struct terminal *to, const struct judge *judge)
{
    static const int severities[] = {99, 73, 47, 21};
    const struct finding *finding;
    unsigned shown = 0, muted = 0;
    terminal_heading(to, "Findings");
    for (unsigned s = 0; s < 4; s++) {
        for (uint32_t i = 0; (finding = judge_finding(judge, i)); i++) {
            if (finding->severity != severities[s] || !finding->count)
                continue;
            if (finding->muted) {
                muted++;
                continue;
            }
            print_finding(to, finding);
            shown++;
        }
    }
    if (!shown)
        fprintf(to->out, "  none\n");
    if (muted)
        fprintf(to->out, "  %u muted by the site\n", muted);
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

enum { NAME_WIDTH = 32, NUMBERS_WIDTH = 45 };

static void print_coverage(const struct terminal *to, const struct judge *judge, const struct policy *policy)
{
    terminal_heading(to, "Coverage of the documented rows");
    unsigned name = NAME_WIDTH;
    for (int32_t entry = 0; policy_entry(policy, entry); entry++)
        if (terminal_columns(policy_entry(policy, entry)->name) > name)
            name = terminal_columns(policy_entry(policy, entry)->name);
    if (name > to->width - NUMBERS_WIDTH)
        name = to->width - NUMBERS_WIDTH;
    fputs("  ", to->out);
    terminal_cell(to, name, "host");
    fprintf(to->out, " %5s %5s %9s %8s %11s\n", "rows", "seen", "violated", "blocked", "never seen");
    for (int32_t entry = 0; policy_entry(policy, entry); entry++) {
        struct tally tally = tally_of(judge, policy, entry);
        fputs("  ", to->out);
        terminal_cell(to, name, policy_entry(policy, entry)->name);
        fprintf(to->out, " %5u %5u %9u %8u %11u\n", tally.rows, tally.seen, tally.violated, tally.blocked,
                tally.unseen);
    }
}

enum { TEXT_SIZE = 512 };

static void item(const struct terminal *to, const char *text)
{
    fputs("  ", to->out);
    terminal_wrap(to, 2, 4, text);
}

static void print_verdicts(const struct terminal *to, const struct judge *judge, const struct policy *policy)
{
    const struct judge_totals *totals = judge_totals(judge);
    terminal_heading(to, "Flows");
    char text[TEXT_SIZE];
    size_t used =
        (size_t)snprintf(text, sizeof text, "%" PRIu64 " flow%s:", totals->flows, plural(totals->flows));
    for (unsigned status = 0; status < VERDICT_COUNT; status++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s %" PRIu64 " %s", status ? "," : "",
                                 totals->by_status[status], verdict_status_name((enum verdict_status)status));
    item(to, text);
    if (totals->unidentified_pass) {
        snprintf(text, sizeof text,
                 "%" PRIu64 " of those that pass do so by port alone: their protocol was not identified",
                 totals->unidentified_pass);
        item(to, text);
    }
    const char *reason;
    uint64_t flows;
    for (unsigned i = 0; (reason = judge_inconclusive(judge, i, &flows)); i++) {
        snprintf(text, sizeof text, "%" PRIu64 " inconclusive: %s", flows, reason);
        item(to, text);
    }
    for (unsigned i = 0; i < policy_allow_count(policy); i++) {
        flows = judge_allow_used(judge, i);
        snprintf(text, sizeof text, "allow \"%s\": %" PRIu64 " flow%s%s", policy_allow_name(policy, (int)i),
                 flows, plural(flows), flows ? "" : " (never matched)");
        item(to, text);
    }
}

void summary_print(FILE *out, const struct engine *engine, const struct policy *policy,
                   const struct capture *capture)
{
    struct terminal to = terminal_of(out);
    const struct judge *judge = engine_judge(engine);
    fprintf(out, "rolecall %s, site ", ROLECALL_VERSION);
    terminal_wrap(&to, 16 + (unsigned)strlen(ROLECALL_VERSION), 2, policy_settings(policy)->site_name);
    print_inputs(&to, engine, capture);
    print_findings(&to, judge);
    print_verdicts(&to, judge, policy);
    print_coverage(&to, judge, policy);
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

/* How many, and the latest few of them. */
static void put_peers(FILE *out, const struct judge *judge, const struct coverage *coverage)
{
    enum { SHOWN_MAX = 8 };
    const struct addr *peer;
    char text[ADDR_TEXT_SIZE];
    uint32_t at = 0;
    fprintf(out, "%" PRIu32 "%s,", coverage->peers, coverage->peers_at_least ? "+" : "");
    for (unsigned i = 0; i < SHOWN_MAX && (peer = judge_coverage_peer(judge, coverage, &at)); i++)
        fprintf(out, "%s%s", i ? " " : "", addr_text(peer, text));
    fprintf(out, "\r\n");
}

bool summary_coverage_csv(const char *path, const struct engine *engine, const struct policy *policy)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return false;
    fprintf(out, "row,host,state,flows,bytes,violated,blocked,first_seen,last_seen,peers,peer_addresses\r\n");
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
            fprintf(out, ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,%s,", state_of(coverage),
                    coverage->flows, coverage->bytes, coverage->violated, coverage->blocked, first, last);
            put_peers(out, engine_judge(engine), coverage);
        }
    }
    bool failed = ferror(out);
    return fclose(out) == 0 && !failed;
}
