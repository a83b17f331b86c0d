/* SPDX-License-Identifier: BSD-2-Clause
 *
 * command.h - the commands, one file each. A command's usage text is also what the shells' completions are
 * made of (completion.c), so each option stands in it as `--name` or `--name ARGUMENT`. Results go to stdout,
 * all else to stderr.
 */
#ifndef ROLECALL_COMMAND_H
#define ROLECALL_COMMAND_H

enum {
    EXIT_DONE = 0,
    EXIT_FINDINGS = 1,
    EXIT_USAGE = 2,
    EXIT_OUTPUT = 3,
    EXIT_INPUT = 3,
    EXIT_NOTHING_JUDGED = 4
};

struct command {
    const char *name;
    const char *summary;               /* for the list of commands */
    const char *usage;                 /* what --help prints */
    int (*run)(int argc, char **argv); /* argv[0] is the command's own name; the value is the exit status;
                                          what is left in stdout is written by main() */
};

/* What most commands do alike; the values are exit statuses. */
int command_helped(const struct command *command);
int command_misused(const struct command *command); /* what was wrong is told before */
/* The rules of a directory, NULL: the usual one; every mistake in them is printed. NULL: there are some. */
struct rules *command_rules(const char *directory);

extern const struct command command_analyze;
extern const struct command command_completion;
extern const struct command command_config;
extern const struct command command_convert;
extern const struct command command_ctl;
extern const struct command command_discover;
extern const struct command command_explain;
extern const struct command command_matrix;
extern const struct command command_report;
extern const struct command command_run;
extern const struct command command_site;
extern const struct command command_version;

/* Every command, in the order in which help lists them; ends with NULL. */
extern const struct command *const commands[];

#endif
