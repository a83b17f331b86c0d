/* SPDX-License-Identifier: BSD-2-Clause
 *
 * command.h - the commands of docs/ARCHITECTURE.md's front, one function each. argv[0] is the command's own
 * name; the value is the exit status. Results go to stdout, all else to stderr.
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

int command_analyze(int argc, char **argv);
int command_discover(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_matrix(int argc, char **argv);
int command_site(int argc, char **argv);

#endif
