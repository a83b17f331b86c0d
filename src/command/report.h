/* SPDX-License-Identifier: BSD-2-Clause
 *
 * report.h - a report into a file, for `report` and `analyze --report`. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_REPORT_H
#define ROLECALL_COMMAND_REPORT_H

#include <stdbool.h>

struct report;

bool report_write_file(const struct report *report,
                       const char *path); /* "-": stdout; false: errno says why */

#endif
