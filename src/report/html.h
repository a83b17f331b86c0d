/* SPDX-License-Identifier: BSD-2-Clause
 *
 * html.h - writing HTML so that text cannot become markup. Private to src/report.
 *
 * html() is printf with a difference: the format is markup of ours, and what %s brings is text, escaped and
 * made inert. There is no way to write captured text but through it. Known: %s %c %u %d %zu and their 64-bit
 * forms, no widths.
 */
#ifndef ROLECALL_REPORT_HTML_H
#define ROLECALL_REPORT_HTML_H

#include <stdio.h>

#include "rolecall/show.h"

void html(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_text(FILE *out, const char *text); /* as %s */

#endif
