/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sandbox_steps.h - the last two steps of sandbox_enter(). False: the process must not go on, report->error
 * says why.
 */
#ifndef ROLECALL_DAEMON_SANDBOX_STEPS_H
#define ROLECALL_DAEMON_SANDBOX_STEPS_H

#include "sandbox.h"

bool sandbox_close_files(const struct sandbox_options *options, struct sandbox_report *report);
bool sandbox_close_calls(struct sandbox_report *report);

#endif
