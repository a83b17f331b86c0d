/* SPDX-License-Identifier: BSD-2-Clause
 *
 * line_file.h - lines into a file or to standard output, for a command that waits for its output.
 *
 * Lines are gathered and written many at a time, or each at once where somebody may be waiting for it, by
 * the caller's own thread; a daemon, which must not wait, uses sink.h. The first failure is final: later
 * lines are dropped, and line_file_close() says why.
 */
#ifndef ROLECALL_LINE_FILE_H
#define ROLECALL_LINE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct line_file;
/* Empties the file, or makes it (readable by owner and group); "-" is standard output. NULL: errno. */
struct line_file *line_file_open(const char *path, bool each_at_once);
void line_file_put(struct line_file *file, const char *line, size_t size); /* without its newline */
/* Writes the rest and frees all (NULL: nothing). 0, or the errno of the first failure. */
int line_file_close(struct line_file *file);

#endif
