/* SPDX-License-Identifier: BSD-2-Clause
 *
 * file.c - events into a file or to standard output, through stdio's buffer. Used by `rolecall analyze`.
 * After the first failure (disk full, reader gone) it writes no more, and says so when it is closed.
 */
#include "rolecall/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sink {
    FILE *file;
    int error; /* errno of the first failure; 0: none */
};

struct sink *sink_open_file(const char *path)
{
    struct sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return NULL;
    sink->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (sink->file)
        return sink;
    free(sink);
    return NULL;
}

void sink_write(struct sink *sink, const char *line, size_t size)
{
    if (sink->error)
        return;
    errno = 0;
    if (fwrite(line, 1, size, sink->file) != size || putc('\n', sink->file) == EOF)
        sink->error = errno ? errno : EIO;
}

bool sink_close(struct sink *sink, int *error)
{
    errno = 0;
    int failed = sink->file == stdout ? fflush(stdout) : fclose(sink->file);
    if (failed && !sink->error)
        sink->error = errno ? errno : EIO;
    *error = sink->error;
    free(sink);
    return *error == 0;
}
