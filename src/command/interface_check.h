/* SPDX-License-Identifier: BSD-2-Clause
 *
 * interface_check.h - what of an interface would hurt capture. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_INTERFACE_CHECK_H
#define ROLECALL_COMMAND_INTERFACE_CHECK_H

#include "rolecall/mistakes.h"

/* An interface that is not there is a mistake; what only hurts (down, offloads that merge frames, a small
 * ring of the card) is a warning. Linux: ioctl's of netdevice(7) and <linux/ethtool.h>. */
void interface_check(const char *name, struct mistakes *mistakes, struct mistakes *warnings);

/* A warning when this process may not capture. */
void capture_permission_check(struct mistakes *warnings);

#endif
