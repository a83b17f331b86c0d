/* SPDX-License-Identifier: BSD-2-Clause
 *
 * summary.h - what `analyze` tells a person. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_SUMMARY_H
#define ROLECALL_COMMAND_SUMMARY_H

#include <stdio.h>

#include "rolecall/capture.h"
#include "rolecall/engine.h"
#include "rolecall/policy.h"

void summary_print(FILE *out, const struct engine *engine, const struct policy *policy,
                   const struct capture *capture);

/* One line per row and host: row, host, state, flows, bytes, first and last seen. False: not all of it was
 * written. */
bool summary_coverage_csv(const char *path, const struct engine *engine, const struct policy *policy);

#endif
