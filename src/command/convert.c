/* SPDX-License-Identifier: BSD-2-Clause
 *
 * convert.c - `rolecall convert`: events in another format, line by line. A line that is no event is told
 * with its number and left out; the rest goes on.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "rolecall/cef.h"

enum { LINE_MAX_IN = 65536, TOLD_MAX = 20 };

static const char usage[] = "usage: rolecall convert --to cef < EVENTS.ndjson\n"
                            "\n"
                            "Reads events, one a line, and writes them in another format to standard\n"
                            "output. A line that is no event is told with its number, and left out.\n"
                            "\n"
                            "  --to FORMAT        cef: ArcSight's Common Event Format\n"
                            "\n"
                            "Exit status: 0 all converted; 2 usage; 3 a line was no event, or reading\n"
                            "or writing failed.\n"
                            "\n"
                            "Example: rolecall convert --to cef < events.ndjson > events.cef\n";

struct conversion {
    uint64_t line, events, bad;
};

static void tell_bad(struct conversion *c, unsigned column, const char *found, const char *expected)
{
    if (c->bad++ < TOLD_MAX)
        fprintf(stderr, "rolecall convert: line %" PRIu64 ", column %u: found %s, expected %s\n", c->line,
                column, found, expected);
}

static void convert_line(struct conversion *c, const char *line, size_t size)
{
    char cef[CEF_LINE_MAX + 1];
    size_t cef_size;
    struct mistakes mistakes = {0};
    if (cef_from_event(line, size, cef, &cef_size, &mistakes)) {
        cef[cef_size] = '\n';
        fwrite(cef, 1, cef_size + 1, stdout);
        c->events++;
    } else if (mistakes.count) {
        const struct mistake *first = &mistakes.list[0];
        tell_bad(c, first->column, first->found, first->expected);
    } else {
        tell_bad(c, 1, "an event that is too long", "one of rolecall");
    }
    mistakes_clear(&mistakes);
}

/* The next line without its newline; what is beyond LINE_MAX_IN is read and dropped, and *size tells of it.
 */
static bool read_line(FILE *in, char line[LINE_MAX_IN + 1], size_t *size)
{
    int c;
    *size = 0;
    while ((c = getc_unlocked(in)) != EOF && c != '\n') {
        if (*size < LINE_MAX_IN)
            line[*size] = (char)c;
        if (*size <= LINE_MAX_IN)
            ++*size;
    }
    return c != EOF || *size;
}

static bool convert(struct conversion *c)
{
    static char line[LINE_MAX_IN + 1];
    size_t size;
    while (read_line(stdin, line, &size)) {
        c->line++;
        if (size > LINE_MAX_IN)
            tell_bad(c, LINE_MAX_IN + 1, "a longer line", "at most 65,536 bytes");
        else if (size)
            convert_line(c, line, size);
        if (ferror(stdout))
            break;
    }
    if (c->bad > TOLD_MAX)
        fprintf(stderr, "rolecall convert: and %" PRIu64 " more\n", c->bad - TOLD_MAX);
    if (c->bad)
        fprintf(stderr, "rolecall convert: %" PRIu64 " of %" PRIu64 " lines were no events\n", c->bad,
                c->line);
    if (ferror(stdin))
        fprintf(stderr, "rolecall convert: standard input: %s\n", strerror(errno));
    return !ferror(stdin);
}

static int run(int argc, char **argv)
{
    static const struct option names[] = {
        {"to", required_argument, NULL, 't'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *to = NULL;
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return EXIT_DONE;
        }
        if (option != 't')
            return EXIT_USAGE;
        to = optarg;
    }
    if (!to || strcmp(to, "cef") != 0 || optind < argc) {
        fprintf(stderr, "rolecall convert: %s\nTry `rolecall convert --help`.\n",
                optind < argc ? "it reads standard input only" : "give --to cef");
        return EXIT_USAGE;
    }
    struct conversion conversion = {0};
    bool good = convert(&conversion);
    return good && !conversion.bad ? EXIT_DONE : EXIT_OUTPUT;
}

const struct command command_convert = {"convert", "write events in another format", usage, run};
