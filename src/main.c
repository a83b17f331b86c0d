/* SPDX-License-Identifier: BSD-2-Clause
 *
 * main.c - picks the command, and sees that what it printed is out. No logic.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"

static void print_usage(FILE *to)
{
    fputs("usage: rolecall COMMAND [ARGUMENT...]\n\n", to);
    for (const struct command *const *command = commands; *command; command++)
        fprintf(to, "  %-10s %s\n", (*command)->name, (*command)->summary);
    fputs("\n`rolecall COMMAND --help` tells more.\n", to);
}

/* Findings and mistakes go before output that failed (DESIGN 9). */
static int end(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "rolecall: standard output: %s\n", errno ? strerror(errno) : "not all could be written");
    return status == EXIT_USAGE || status == EXIT_FINDINGS ? status : EXIT_OUTPUT;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away is a failed write, reported as one */
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0)
        word = command_version.name;
    for (const struct command *const *command = commands; *command; command++)
        if (strcmp(word, (*command)->name) == 0)
            return end((*command)->run(argc - 1, argv + 1));
    bool help = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    if (argc > 1 && !help)
        fprintf(stderr, "rolecall: there is no command \"%s\"\n", word);
    print_usage(help ? stdout : stderr);
    return end(help ? EXIT_DONE : EXIT_USAGE);
}
