/* SPDX-License-Identifier: BSD-2-Clause
 *
 * report.c - `rolecall report`: a file of events into a page for people. What it shows is src/report's
 * business; `analyze --report` makes the same page of the same events while it reads a capture.
 */
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "command.h"
#include "rolecall/report.h"
#include "rolecall/rules.h"

static const char usage[] = "usage: rolecall report [--rules DIR] EVENTS.ndjson -o FILE.html\n"
                            "\n"
                            "Makes one page of HTML of the events that `analyze --json --flows` or the\n"
                            "daemon wrote. EVENTS may be - for standard input; several files are read\n"
                            "as one. The page has no script and loads nothing.\n"
                            "\n"
                            "  -o, --output FILE  the page; - for standard output\n"
                            "  --rules DIR        where the matrix files are: what the rows are\n"
                            "\n"
                            "Exit status: 0 done; 2 usage; 3 events unreadable, or lines among them\n"
                            "that are none, or output failed.\n"
                            "\n"
                            "Example: rolecall report monday.ndjson -o monday.html\n";

static bool read_file(struct report *report, const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    bool done = in && report_read(report, in);
    if (!done)
        fprintf(stderr, "rolecall report: %s: %s\n", path, strerror(errno));
    if (in && in != stdin)
        fclose(in);
    return done;
}

bool report_write_file(const struct report *report, const char *path)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (!out)
        return false;
    bool done = report_write(report, out);
    return (out == stdout ? fflush(out) : fclose(out)) == 0 && done;
}

static int make_page(struct report *report, char **paths, int count, const char *output)
{
    bool whole = true;
    for (int i = 0; i < count; i++)
        whole &= read_file(report, paths[i]);
    struct report_totals totals = report_totals(report);
    if (!totals.events) {
        fprintf(stderr, "rolecall report: no events were read: nothing to report\n");
        return EXIT_INPUT;
    }
    if (totals.bad)
        fprintf(stderr, "rolecall report: %lu lines are no events; left out\n", (unsigned long)totals.bad);
    errno = 0;
    if (!report_write_file(report, output)) {
        fprintf(stderr, "rolecall report: %s: %s\n", output, strerror(errno ? errno : EIO));
        return EXIT_OUTPUT;
    }
    return whole && !totals.bad ? EXIT_DONE : EXIT_INPUT;
}

static int run(int argc, char **argv)
{
    static const struct option names[] = {{"output", required_argument, NULL, 'o'},
                                          {"rules", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *output = NULL, *directory = NULL;
    int option;
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "o:h", names, NULL)) != -1) {
        if (option == 'o') {
            output = optarg;
        } else if (option == 'r') {
            directory = optarg;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_DONE : EXIT_USAGE;
        }
    }
    if (optind == argc || !output) {
        fprintf(stderr, "rolecall report: %s\n", output ? "no events are given" : "-o FILE.html is missing");
        return command_misused(&command_report);
    }
    struct rules *rules = command_rules(directory); /* they make a page better, and are not needed for one */
    struct report *report = report_create(rules);
    if (!report)
        fprintf(stderr, "rolecall: out of memory\n");
    int status = report ? make_page(report, argv + optind, argc - optind, output) : EXIT_OUTPUT;
    report_destroy(report);
    rules_free(rules);
    return status;
}

const struct command command_report = {"report", "make a page of HTML of events", usage, run};
