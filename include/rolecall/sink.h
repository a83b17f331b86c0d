/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sink.h - where finished event lines go. A sink takes a line and remembers its first failure; nothing is
 * lost silently: sink_close() says whether every line was written.
 */
#ifndef ROLECALL_SINK_H
#define ROLECALL_SINK_H

#include <stdbool.h>
#include <stddef.h>

struct sink;

/* A file (made or emptied), or standard output for "-". NULL: it cannot be opened, errno says why. */
struct sink *sink_open_file(const char *path);
void sink_write(struct sink *sink, const char *line, size_t size); /* the line without its newline */
/* True when everything was written; else errno of the first failure is in *error. Frees the sink. */
bool sink_close(struct sink *sink, int *error);

#endif
