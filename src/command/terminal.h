/* SPDX-License-Identifier: BSD-2-Clause
 *
 * terminal.h - text for people on a terminal: as wide as it is, coloured only there (NO_COLOR is honoured),
 * and inert, whatever names files, sites and captures bring. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_TERMINAL_H
#define ROLECALL_COMMAND_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct terminal {
    FILE *out;
    unsigned width; /* columns: the terminal's, else $COLUMNS; 100 where there is no terminal */
    bool is_terminal, colour;
};

struct terminal terminal_of(FILE *out);

void terminal_heading(const struct terminal *to, const char *text);       /* after an empty line */
const char *terminal_colour(const struct terminal *to, const char *code); /* "31"; "" without colour */
const char *terminal_plain(const struct terminal *to);                    /* ends a colour */
/* Text from column `at` on, broken at blanks, further lines indented; a word that is too long is broken
 * anywhere. Ends the line. */
void terminal_wrap(const struct terminal *to, unsigned at, unsigned indent, const char *text);
/* Exactly `width` columns: padded, or shortened with an ellipsis. */
void terminal_cell(const struct terminal *to, unsigned width, const char *text);
unsigned terminal_columns(const char *text); /* what the text takes */

#endif
