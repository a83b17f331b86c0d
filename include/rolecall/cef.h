/* SPDX-License-Identifier: BSD-2-Clause
 *
 * cef.h - an event in the Common Event Format, made of its finished NDJSON line: for outputs, and for
 * `rolecall convert`. Format: ArcSight CEF, version 0 of the format (docs/SIEM.md has the mapping).
 */
#ifndef ROLECALL_CEF_H
#define ROLECALL_CEF_H

#include <stdbool.h>
#include <stddef.h>

#include "rolecall/mistakes.h"

enum { CEF_LINE_MAX = 7600 };

/* Writes the line and a NUL; *size is without it. False: the line is no event, *mistakes says why, its places
 * being those in the line. What would not fit is left out, key by key. */
bool cef_from_event(const char *line, size_t line_size, char out[CEF_LINE_MAX + 1], size_t *size,
                    struct mistakes *mistakes);

#endif
