/* SPDX-License-Identifier: BSD-2-Clause
 *
 * daemon.h - `rolecall run`: from live capture to outputs until a signal ends it.
 */
#ifndef ROLECALL_DAEMON_H
#define ROLECALL_DAEMON_H

#include "rolecall/config.h"

enum { DAEMON_DONE = 0, DAEMON_REFUSED = 2, DAEMON_FAILED = 3 };

/* Runs until SIGTERM or SIGINT (DAEMON_DONE), or until an interface or every output is gone (DAEMON_FAILED).
 * DAEMON_REFUSED: configuration, rules or site are wrong, or capture is not permitted; stderr says why. */
int daemon_run(const struct config *config);

#endif
