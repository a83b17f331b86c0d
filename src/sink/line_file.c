/* SPDX-License-Identifier: BSD-2-Clause
 *
 * line_file.c - see line_file.h. Used by `rolecall analyze`. What happens to a file while it is written
 * (renamed, removed) is its user's business.
 */
#include "rolecall/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODE = 0640, GATHERED = 256 << 10 };

struct line_file {
    int fd, error;
    bool each_at_once;
    size_t used;
    char bytes[GATHERED];
};

static int open_path(const char *path)
{
    if (strcmp(path, "-") == 0)
        return fcntl(STDOUT_FILENO, F_GETFD) < 0 ? -1 : STDOUT_FILENO;
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, MODE);
}

struct line_file *line_file_open(const char *path, bool each_at_once)
{
    int fd = open_path(path);
    struct line_file *file = fd >= 0 ? malloc(sizeof *file) : NULL;
    if (!file) {
        if (fd > STDOUT_FILENO)
            close(fd);
        return NULL;
    }
    file->fd = fd;
    file->error = 0;
    file->each_at_once = each_at_once;
    file->used = 0;
    return file;
}

/* Standard output may be somebody's who does not want to be waited for. */
static int wait_for_room(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    return poll(&ready, 1, -1) < 0 && errno != EINTR ? errno : 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t wrote = write(fd, bytes, size);
        int error = wrote >= 0 ? 0 : errno;
        if (error == EAGAIN)
            error = wait_for_room(fd);
        if (error && error != EINTR)
            return error;
        if (wrote > 0) {
            bytes += wrote;
            size -= (size_t)wrote;
        }
    }
    return 0;
}

static void write_gathered(struct line_file *file)
{
    if (!file->error)
        file->error = write_all(file->fd, file->bytes, file->used);
    file->used = 0;
}

void line_file_put(struct line_file *file, const char *line, size_t size)
{
    if (size >= GATHERED - file->used)
        write_gathered(file);
    if (size >= GATHERED) { /* longer than any event */
        file->error = EMSGSIZE;
        return;
    }
    memcpy(file->bytes + file->used, line, size);
    file->bytes[file->used + size] = '\n';
    file->used += size + 1;
    if (file->each_at_once)
        write_gathered(file);
}

int line_file_close(struct line_file *file)
{
    if (!file)
        return 0;
    write_gathered(file);
    int error = file->error;
    if (file->fd != STDOUT_FILENO && close(file->fd) != 0 && !error)
        error = errno;
    free(file);
    return error;
}
