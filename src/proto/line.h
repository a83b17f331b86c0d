/* SPDX-License-Identifier: BSD-2-Clause
 *
 * line.h - text protocols read line by line and word by word, on the cursor of bytes.h. Used by sip.c, sdp.c
 * and ssdp.c. Header folding and quoted strings are ignored: nothing that is looked for here uses them.
 */
#ifndef ROLECALL_PROTO_LINE_H
#define ROLECALL_PROTO_LINE_H

#include "rolecall/bytes.h"

/*
 * Consumes the next line and gives it without its CR LF or LF. False when no line end is there: then nothing
 * was consumed, unless `whole` says that the text ends here, where the rest is the last line.
 */
bool line_next(struct bytes *text, bool whole, struct bytes *line);

/* Consumes up to the next space or tab, and the blanks behind it. Empty at the end of the line. */
struct bytes line_word(struct bytes *line);

/* Consumes up to `stop` and `stop` itself; everything when there is none. */
struct bytes line_until(struct bytes *line, uint8_t stop);

/* "Name: value" in two, without the blanks around them. False: no colon, or no name before it. */
bool line_header(struct bytes line, struct bytes *name, struct bytes *value);

static inline bool line_is_letter(int byte) /* of ASCII */
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

bool line_is(struct bytes word, const char *text);        /* equal but for ASCII case */
bool line_begins(struct bytes line, const char *text);    /* the same for its beginning */
bool line_may_begin(struct bytes line, const char *text); /* the same, or could once more has arrived */
bool line_contains(struct bytes line, const char *text);  /* anywhere, but for ASCII case */
bool line_number(struct bytes digits, uint32_t max,
                 uint32_t *value); /* decimal, at least one digit, nothing else */

#endif
