/* SPDX-License-Identifier: BSD-2-Clause
 *
 * analyze.c - `rolecall analyze`: capture files against the documented ports. Reads options, rules and site,
 * runs the captures through an engine, and prints the summary or the events. Without a site it discovers the
 * roles first, says what it assumed, and judges by that.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "evidence.h"
#include "rolecall/discover.h"
#include "rolecall/event.h"
#include "rolecall/line_file.h"
#include "rolecall/hash.h"
#include "rolecall/report.h"
#include "rolecall/site.h"
#include "feed.h"
#include "report.h"
#include "summary.h"

static const char usage[] = "usage: rolecall analyze [OPTION...] CAPTURE...\n"
                            "\n"
                            "CAPTURE is a pcap or pcapng file (gzip or zstd too), a folder of them,\n"
                            "or - for standard input.\n"
                            "\n"
                            "  --site FILE        the site's hosts and roles; without: discovered first\n"
                            "  --matrix ID        judge by this one, not the site's (may be repeated)\n"
                            "  --rules DIR        where the matrix files are\n"
                            "  --json             events (NDJSON) on standard output, no summary\n"
                            "  --events FILE      events into FILE, and the summary on standard output\n"
                            "  --flows            an event for every flow, in scope or not\n"
                            "  --report FILE      a page of HTML for people\n"
                            "  --coverage FILE    coverage of the documented rows as CSV\n"
                            "  --evidence DIR     a small capture of the packets behind each finding\n"
                            "  --filter BPF       read only packets that match, as tcpdump takes it\n"
                            "  --from T, --to T   only packets of this time\n"
                            "                     (2026-03-02T09:30:00Z, or seconds since 1970)\n"
                            "  --workers N        threads that follow flows, 1 to 16; same output\n"
                            "  --fail-on LEVEL    exit with 1 from this severity on\n"
                            "                     (low, medium, high, critical, never; else medium)\n"
                            "  -v                 say what is used: rules, memory\n"
                            "\n"
                            "Exit status: 0 nothing found; 1 findings; 2 usage, rules or site;\n"
                            "3 input unreadable or cut, or output failed; 4 nothing that could be\n"
                            "judged.\n"
                            "\n"
                            "Example: rolecall analyze --site contoso.site.json monday.pcap\n";

enum { MATRICES_MAX = 16, NEVER = 1000, SEVERITY_MEDIUM = 47 };

struct options {
    const char *site, *rules, *events, *report, *coverage, *evidence, *filter;
    const char *matrices[MATRICES_MAX];
    unsigned matrix_count;
    const char *const *captures;
    size_t capture_count;
    bool json, flows, verbose, help;
    unsigned workers;
    int fail_on;
    struct feed_range range;
};

/* Everything a run holds, in the order in which it is made. */
struct analysis {
    const struct options *options;
    struct rules *rules;
    struct site *site;
    struct policy *policy;
    struct capture *capture;
    struct line_file *events; /* NULL: none are wanted */
    struct report *report;
    struct event_writer report_flows; /* flows for the report, where the events leave them out */
    struct engine *engine;
    bool damaged, output_failed;
    char run_id[17];
};

static bool parse_time(const char *text, int64_t *out)
{
    struct tm utc = {0};
    char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
    int64_t nanos = 0, unit = 100000000;
    time_t seconds;
    if (end) {
        seconds = timegm(&utc);
    } else {
        errno = 0;
        seconds = strtoll(text, &end, 10);
        if (end == text || errno)
            return false;
    }
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
            nanos += (*end - '0') * unit;
    if (*end == 'Z')
        end++;
    if (*end || seconds < 0 || seconds > INT64_MAX / 2000000000)
        return false;
    *out = seconds * INT64_C(1000000000) + nanos;
    return true;
}

static bool parse_severity(const char *text, int *out)
{
    static const struct {
        const char *name;
        int severity;
    } levels[] = {{"low", 21}, {"medium", 47}, {"high", 73}, {"critical", 99}, {"never", NEVER}};
    for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *out = levels[i].severity;
            return true;
        }
    }
    char *end;
    long number = strtol(text, &end, 10);
    *out = (int)number;
    return end != text && !*end && number >= 0 && number <= 100;
}

static bool complain(const char *what, const char *value, const char *expected)
{
    fprintf(stderr, "rolecall analyze: %s: found \"%s\", expected %s\n", what, value, expected);
    return false;
}

static bool take_option(int option, struct options *options)
{
    char *end;
    switch (option) {
    case 's':
        options->site = optarg;
        return true;
    case 'm':
        if (options->matrix_count == MATRICES_MAX)
            return complain("--matrix", optarg, "at most 16 of them");
        options->matrices[options->matrix_count++] = optarg;
        return true;
    case 'r':
        options->rules = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    case 'e':
        options->events = optarg;
        return true;
    case 'f':
        options->flows = true;
        return true;
    case 'R':
        options->report = optarg;
        return true;
    case 'c':
        options->coverage = optarg;
        return true;
    case 'E':
        options->evidence = optarg;
        return true;
    case 'b':
        options->filter = optarg;
        return true;
    case 'F':
        return parse_time(optarg, &options->range.from_ns) ||
               complain("--from", optarg, "a time like 2026-03-02T09:30:00Z");
    case 'T':
        return parse_time(optarg, &options->range.to_ns) ||
               complain("--to", optarg, "a time like 2026-03-02T09:30:00Z");
    case 'w': {
        unsigned long workers = strtoul(optarg, &end, 10);
        options->workers = (unsigned)workers;
        return (end != optarg && !*end && workers >= 1 && workers <= 16) ||
               complain("--workers", optarg, "1 to 16");
    }
    case 'o':
        return parse_severity(optarg, &options->fail_on) ||
               complain("--fail-on", optarg, "low, medium, high, critical, never or 0 to 100");
    case 'v':
        options->verbose = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    default:
        return false; /* getopt has said why */
    }
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"site", required_argument, NULL, 's'},
                                          {"matrix", required_argument, NULL, 'm'},
                                          {"rules", required_argument, NULL, 'r'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"events", required_argument, NULL, 'e'},
                                          {"flows", no_argument, NULL, 'f'},
                                          {"report", required_argument, NULL, 'R'},
                                          {"coverage", required_argument, NULL, 'c'},
                                          {"filter", required_argument, NULL, 'b'},
                                          {"evidence", required_argument, NULL, 'E'},
                                          {"from", required_argument, NULL, 'F'},
                                          {"to", required_argument, NULL, 'T'},
                                          {"workers", required_argument, NULL, 'w'},
                                          {"fail-on", required_argument, NULL, 'o'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *options = (struct options){.workers = 1, .fail_on = SEVERITY_MEDIUM, .range = {INT64_MIN, INT64_MAX}};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "vh", names, NULL)) != -1)
        if (!take_option(option, options))
            return false;
    options->captures = (const char *const *)argv + optind;
    options->capture_count = (size_t)(argc - optind);
    if (options->help || options->capture_count)
        return options->help || !(options->json && options->events) ||
               complain("--events", options->events, "either --json or --events");
    fprintf(stderr, "rolecall analyze: no capture is given\n");
    return false;
}

/* ---- the parts of a run ---- */

static bool load_rules(struct analysis *a, struct mistakes *mistakes)
{
    a->rules = rules_load(a->options->rules, mistakes);
    return a->rules != NULL;
}

/* --matrix takes the place of the site's own list. */
static bool choose_matrices(struct analysis *a)
{
    const struct options *options = a->options;
    if (!options->matrix_count)
        return true;
    a->site->matrices = site_take(a->site, options->matrix_count, sizeof *a->site->matrices);
    a->site->matrix_count = options->matrix_count;
    for (unsigned i = 0; a->site->matrices && i < options->matrix_count; i++) {
        a->site->matrices[i] = rules_find_matrix(a->rules, options->matrices[i]);
        if (!a->site->matrices[i])
            return complain("--matrix", options->matrices[i], "a matrix that `rolecall matrix list` shows");
    }
    return a->site->matrices != NULL;
}

static void hash_text(uint64_t *state, const char *text)
{
    const uint64_t secret[2] = {*state, 0x72756e206964};
    *state = hash_bytes(text ? text : "", text ? strlen(text) + 1 : 0, secret);
}

static void hash_rules(uint64_t *state, const struct rules *rules)
{
    for (unsigned m = 0; m < rules_matrix_count(rules); m++) {
        const struct matrix *matrix = rules_matrix(rules, m);
        for (unsigned r = 0; r < matrix->row_count; r++) {
            const uint64_t secret[2] = {*state, matrix->rows[r].direction};
            *state = hash_bytes(matrix->rows[r].ranges, sizeof matrix->rows[r].ranges, secret);
            hash_text(state, matrix->rows[r].id);
            hash_text(state, matrix->rows[r].documented);
        }
    }
}

/* The same rules, site, options and inputs give the same id, so that output can be compared. Workers do not
 * count. */
static void make_run_id(struct analysis *a, const char *site_text, size_t site_size)
{
    const struct options *options = a->options;
    uint64_t state = 0x726f6c6563616c6c;
    hash_rules(&state, a->rules);
    const uint64_t site_secret[2] = {state, site_size};
    state = hash_bytes(site_text, site_size, site_secret);
    hash_text(&state, options->filter);
    hash_text(&state, options->flows ? "flows" : "");
    const uint64_t range_secret[2] = {state, 0};
    state = hash_bytes(&options->range, sizeof options->range, range_secret);
    for (unsigned i = 0; i < options->matrix_count; i++)
        hash_text(&state, options->matrices[i]);
    for (size_t i = 0; i < capture_input_count(a->capture); i++) {
        const struct capture_input *input = capture_input(a->capture, i);
        const uint64_t secret[2] = {state, i};
        state = hash_bytes(input->signature, input->signature_size, secret);
    }
    snprintf(a->run_id, sizeof a->run_id, "%016" PRIx64, state);
}

static void to_report(void *context, const struct event_line *line)
{
    struct analysis *a = context;
    report_line(a->report, line->text, line->size);
}

static void to_outputs(void *context, const struct event_line *line)
{
    struct analysis *a = context;
    if (a->events)
        line_file_put(a->events, line->text, line->size);
    if (a->report)
        to_report(a, line);
}

/* The report wants every flow, also where the events do not: a writer of its own keeps their numbers apart.
 */
static void flow_to_report(void *context, const struct judge_flow *in, const struct verdict *verdict,
                           enum flow_end end)
{
    struct analysis *a = context;
    event_flow(&a->report_flows, in, verdict, end);
}

static void to_discovery(void *context, const struct judge_flow *in, const struct verdict *verdict,
                         enum flow_end end)
{
    (void)end;
    discovery_flow(context, in, verdict);
}

static struct engine *make_engine(struct analysis *a)
{
    struct engine_options options = {.policy = a->policy,
                                     .workers = a->options->workers,
                                     .every_flow = a->options->flows,
                                     .run_id = a->run_id,
                                     .line = a->events || a->report ? to_outputs : NULL,
                                     .flow_over = a->report && !a->options->flows ? flow_to_report : NULL,
                                     .context = a};
    a->report_flows =
        (struct event_writer){.policy = a->policy, .run_id = a->run_id, .line = to_report, .context = a};
    return engine_create(&options);
}

/* First pass without a site: who is who. Returns the site as text. */
static char *discover_site(struct analysis *a, size_t *size)
{
    struct discovery *discovery = discovery_create(a->rules);
    struct engine_options options = {
        .workers = a->options->workers, .flow_over = to_discovery, .context = discovery};
    struct engine *engine = discovery ? engine_create(&options) : NULL;
    char *text = NULL;
    bool damaged = false; /* told in this pass, and counted again in the second */
    if (engine) {
        feed_capture(a->capture, engine, &a->options->range, &damaged);
        a->damaged |= damaged;
        text = discovery_site_text(discovery, size);
    }
    engine_destroy(engine);
    discovery_destroy(discovery);
    return text;
}

static char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc((1 << 20) + 1) : NULL;
    if (text)
        *size = fread(text, 1, (1 << 20) + 1, file);
    if (file)
        fclose(file);
    return text;
}

static void say_assumptions(const struct site *site, const struct rules *rules)
{
    fprintf(stderr, "rolecall: no site is given; roles assumed from the capture itself "
                    "(`rolecall discover` prints them as a site file):\n");
    for (unsigned i = 0; i < site->host_count; i++) {
        char addr[ADDR_TEXT_SIZE];
        fprintf(stderr, "  %s:",
                site->hosts[i].address_count ? addr_text(&site->hosts[i].addresses[0], addr)
                                             : site->hosts[i].name);
        for (role_set left = site->hosts[i].roles; left; left &= left - 1)
            fprintf(stderr, " %s", rules_role(rules, (unsigned)__builtin_ctzll(left))->id);
        fprintf(stderr, "\n");
    }
    if (!site->host_count && !site->network_count)
        fprintf(stderr, "  none could be told\n");
}

/* Site, policy and run id. 0, or the exit status. */
static int prepare_site(struct analysis *a, struct mistakes *mistakes)
{
    size_t size = 0;
    char *text;
    if (a->options->site) {
        a->site = site_load(a->options->site, a->rules, mistakes);
        text = a->site ? read_whole(a->options->site, &size) : NULL;
    } else if (!capture_can_rewind(a->capture)) {
        fprintf(stderr, "rolecall analyze: standard input can be read once only: give --site, or a file\n");
        return EXIT_USAGE;
    } else {
        text = discover_site(a, &size);
        a->site = text ? site_from_text("discovered", text, size, a->rules, mistakes) : NULL;
        if (a->site)
            say_assumptions(a->site, a->rules);
        if (!capture_rewind(a->capture))
            return EXIT_INPUT;
    }
    if (a->site && text && choose_matrices(a)) {
        make_run_id(a, text, size);
        a->policy = policy_create(a->rules, a->site);
        if (!a->policy)
            fprintf(stderr, "rolecall: the matrices have more than %d rows together, or memory is short\n",
                    POLICY_ROWS_MAX);
    }
    free(text);
    return a->policy ? 0 : EXIT_USAGE;
}

static int status_of(const struct analysis *a)
{
    const struct judge *judge = engine_judge(a->engine);
    const struct judge_totals *totals = judge_totals(judge);
    const struct finding *finding;
    for (uint32_t i = 0; (finding = judge_finding(judge, i)); i++)
        if (!finding->muted && finding->count && finding->severity >= a->options->fail_on)
            return EXIT_FINDINGS;
    if (a->damaged || a->output_failed)
        return EXIT_INPUT;
    return totals->flows == totals->by_status[VERDICT_OUT_OF_SCOPE] ? EXIT_NOTHING_JUDGED : EXIT_DONE;
}

static void tell_failed(struct analysis *a, const char *where, int error)
{
    fprintf(stderr, "rolecall: %s: %s\n", where, strerror(error));
    a->output_failed = true;
}

/* Before what is printed of the run: standard output may be the events' too. */
static void close_events(struct analysis *a, const char *where)
{
    int error = line_file_close(a->events);
    a->events = NULL;
    if (error)
        tell_failed(a, where, error);
}

static int judge_captures(struct analysis *a)
{
    const struct options *options = a->options;
    const char *events = options->json ? "-" : options->events;
    const char *where = events && strcmp(events, "-") == 0 ? "standard output" : events;
    bool may_go_on = !capture_can_rewind(a->capture); /* a stream: its events are not kept back */
    if (events && !(a->events = line_file_open(events, may_go_on))) {
        tell_failed(a, where, errno);
        return EXIT_OUTPUT;
    }
    if (options->report)
        a->report = report_create(a->rules);
    a->engine = options->report && !a->report ? NULL : make_engine(a);
    if (!a->engine) {
        fprintf(stderr, "rolecall: out of memory\n");
        return EXIT_OUTPUT;
    }
    if (options->verbose)
        fprintf(stderr, "rolecall: at most %zu MiB of memory\n", engine_memory(a->engine) >> 20);
    feed_capture(a->capture, a->engine, &options->range, &a->damaged);
    if (a->events)
        close_events(a, where);
    if (!options->json)
        summary_print(stdout, a->engine, a->policy, a->capture);
    if (options->report && !report_write_file(a->report, options->report))
        tell_failed(a, options->report, errno);
    if (options->coverage && !summary_coverage_csv(options->coverage, a->engine, a->policy))
        tell_failed(a, options->coverage, errno);
    if (options->evidence && !evidence_write(options->evidence, a->capture, engine_judge(a->engine)))
        tell_failed(a, options->evidence, errno);
    return status_of(a);
}

/* What is no mistake but probably not meant. */
static void print_lint(const struct site *site, const struct rules *rules)
{
    struct mistakes warnings = {0};
    site_lint(site, rules, time(NULL) * INT64_C(1000000000), &warnings);
    mistakes_print(&warnings, "warning: ", stderr);
    mistakes_clear(&warnings);
}

static int analyze(struct analysis *a)
{
    struct mistakes mistakes = {0};
    int status = EXIT_USAGE;
    if (load_rules(a, &mistakes)) {
        const struct options *options = a->options;
        /* The site is checked before a capture is opened: a mistake in it should not wait for hours of
         * reading. */
        struct site *checked = options->site ? site_load(options->site, a->rules, &mistakes) : NULL;
        if (checked)
            print_lint(checked, a->rules);
        site_free(checked);
        if (!options->site || checked) {
            bool is_usage;
            a->capture =
                feed_open(options->captures, options->capture_count, options->filter, &a->damaged, &is_usage);
            status = a->capture ? prepare_site(a, &mistakes) : is_usage ? EXIT_USAGE : EXIT_INPUT;
            if (status == 0 && options->evidence && !capture_can_rewind(a->capture)) {
                fprintf(stderr,
                        "rolecall analyze: --evidence reads the captures twice: standard input cannot be\n");
                status = EXIT_USAGE;
            }
            if (status == 0)
                status = judge_captures(a);
        }
    }
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    return status;
}

static int run(int argc, char **argv)
{
    struct options options;
    if (!parse_options(argc, argv, &options))
        return command_misused(&command_analyze);
    if (options.help)
        return command_helped(&command_analyze);
    struct analysis analysis = {.options = &options};
    int status = analyze(&analysis);
    engine_destroy(analysis.engine);
    line_file_close(analysis.events); /* where it could not begin */
    report_destroy(analysis.report);
    capture_close(analysis.capture);
    policy_destroy(analysis.policy);
    site_free(analysis.site);
    rules_free(analysis.rules);
    return status;
}

const struct command command_analyze = {"analyze", "judge capture files against the documented ports", usage,
                                        run};
