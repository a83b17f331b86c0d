/* SPDX-License-Identifier: BSD-2-Clause
 *
 * evidence.h - a bounded capture per finding, for Wireshark. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_EVIDENCE_H
#define ROLECALL_COMMAND_EVIDENCE_H

#include "rolecall/capture.h"
#include "rolecall/judge.h"

/* Reads the captures once more and writes DIR/FINGERPRINT-FINDING.pcap for each finding that is not muted.
 * False: the folder or a file could not be written, errno says why. The capture must be one that can be
 * rewound. */
bool evidence_write(const char *directory, struct capture *capture, const struct judge *judge);

#endif
