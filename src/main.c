/* SPDX-License-Identifier: BSD-2-Clause
 *
 * main.c - picks the command. No logic.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "rolecall/capture.h"

static const char usage[] =
    "usage: rolecall COMMAND [ARGUMENT...]\n"
    "\n"
    "  analyze    judge capture files against the documented ports of Skype for Business and Lync\n"
    "  discover   find the hosts and roles in capture files, and print them as a site file\n"
    "  explain    say why a flow is judged as it is, row by row\n"
    "  matrix     list, show, compare and check the documented rows\n"
    "  site       make a site file of a table of hosts\n"
    "  version    print the version\n"
    "\n"
    "`rolecall COMMAND --help` tells more.\n";

static int command_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("rolecall %s (%s)\n", ROLECALL_VERSION, capture_library_version());
    return EXIT_DONE;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {{"analyze", command_analyze},  {"discover", command_discover}, {"explain", command_explain},
                {"matrix", command_matrix},    {"site", command_site},         {"version", command_version},
                {"--version", command_version}};

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is a failed write, reported as one */
    for (unsigned i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    bool help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
    if (argc > 1 && !help)
        fprintf(stderr, "rolecall: there is no command \"%s\"\n", argv[1]);
    fputs(usage, help ? stdout : stderr);
    return help ? EXIT_DONE : EXIT_USAGE;
}
