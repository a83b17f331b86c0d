/* SPDX-License-Identifier: BSD-2-Clause
 *
 * command.h - the commands of DESIGN 9, one function each. argv[0] is the command's own name; the value is
 * the exit status. Results go to stdout, all else to stderr.
 */
#ifndef ROLECALL_COMMAND_H
#define ROLECALL_COMMAND_H

enum { EXIT_DONE = 0, EXIT_USAGE = 2, EXIT_OUTPUT = 3 };

int command_matrix(int argc, char **argv);

#endif
