/* SPDX-License-Identifier: BSD-2-Clause
 *
 * file.c - lines into a file, or to standard output. A file is opened again by its path after a failure, when
 * it is asked for, and when the path names another file or none. A line that could be written in part only
 * (disk full, or the last process was killed) is cut off again: a file holds whole lines.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MODE = 0640,
    PIPE_PART = 4096 /* what a pipe takes at once when it takes anything: pipe(7), PIPE_BUF */
};

struct file {
    int fd;
    bool is_regular;
    dev_t device;
    ino_t inode;
};

/* A line begun, from the program that wrote this file before? Then it may be cut off. */
static bool is_ours(const char *tail, size_t size)
{
    static const char ndjson[] = "{\"@timestamp\":", cef[] = "CEF:0|rolecall|";
    size_t ndjson_part = size < sizeof ndjson - 1 ? size : sizeof ndjson - 1;
    size_t cef_part = size < sizeof cef - 1 ? size : sizeof cef - 1;
    return memcmp(tail, ndjson, ndjson_part) == 0 || memcmp(tail, cef, cef_part) == 0;
}

/* Makes the file end with a whole line: cuts off what is left of one of ours, ends a stranger's. */
static bool mend_end(int fd)
{
    char tail[FRAME_MAX];
    off_t size = lseek(fd, 0, SEEK_END);
    if (size <= 0)
        return size == 0;
    size_t part = size < (off_t)sizeof tail ? (size_t)size : sizeof tail;
    ssize_t got = pread(fd, tail, part, size - (off_t)part);
    if (got != (ssize_t)part)
        return got < 0 && errno == EBADF; /* it may be written only */
    if (tail[part - 1] == '\n')
        return true;
    const char *newline = memrchr(tail, '\n', part);
    size_t line = newline ? (size_t)(newline + 1 - tail) : 0;
    if ((newline || (off_t)part == size) && is_ours(tail + line, part - line))
        return ftruncate(fd, size - (off_t)(part - line)) == 0;
    return write(fd, "\n", 1) == 1;
}

static int open_path(const char *path)
{
    int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
    int fd = open(path, O_RDWR | flags, MODE); /* the end is read: mend_end() */
    return fd < 0 && errno == EACCES ? open(path, O_WRONLY | flags, MODE) : fd;
}

/* Opens the path and puts it in the place of what was open. False: errno; what was open still is. */
static bool take_path(struct file *file, const char *path)
{
    struct stat status;
    int fd = open_path(path);
    if (fd < 0)
        return false;
    if (fstat(fd, &status) != 0 || (S_ISREG(status.st_mode) && !mend_end(fd))) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct file){fd, S_ISREG(status.st_mode), status.st_dev, status.st_ino};
    return true;
}

static bool prepare_file(struct output *output, struct mistakes *mistakes)
{
    struct file *file = output->own = malloc(sizeof *file);
    if (!file)
        return false;
    file->fd = -1;
    if (take_path(file, output->options.path))
        return true;
    mistakes_add(mistakes, output->options.path, 0, 0, "", strerror(errno), "a file that can be written");
    return false;
}

static bool open_file(struct output *output)
{
    struct file *file = output->own;
    if (file->fd >= 0 || take_path(file, output->options.path))
        return true;
    output_trouble(output, "%s: %s", output->options.path, strerror(errno));
    return false;
}

static void close_file(struct output *output)
{
    struct file *file = output->own;
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static bool reopen_file(struct output *output)
{
    struct file *file = output->own;
    if (take_path(file, output->options.path))
        output_opened(output);
    else
        output_trouble(output, "%s: %s", output->options.path, strerror(errno));
    return true;
}

static bool look_after_file(struct output *output)
{
    const struct file *file = output->own;
    struct stat status;
    if (stat(output->options.path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode)
        return true;
    return reopen_file(output);
}

/* A descriptor that is no regular file may block: only as much as it takes at once. */
static ssize_t write_some(int fd, bool is_regular, const char *bytes, size_t size)
{
    if (is_regular)
        return write(fd, bytes, size);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int count = poll(&ready, 1, SLICE_MS);
    if (count <= 0)
        return count;
    ssize_t wrote = write(fd, bytes, size < PIPE_PART ? size : PIPE_PART);
    return wrote < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : wrote;
}

/* A process that is killed leaves a write behind where its page ends (generic_perform_write() looks for fatal
 * signals there). A line alone is over so soon that the end of a killed daemon's file is a whole one. */
static size_t first_line(const char *bytes, size_t size)
{
    const char *newline = memchr(bytes, '\n', size);
    return newline ? (size_t)(newline + 1 - bytes) : size;
}

/* 0, or errno. */
static int send_to(struct output *output, const struct file *file, const char *name)
{
    size_t size;
    const char *bytes = output_unsent(output, &size);
    if (file->is_regular)
        size = first_line(bytes, size);
    ssize_t wrote = write_some(file->fd, file->is_regular, bytes, size);
    if (wrote >= 0) {
        output_sent(output, (size_t)wrote, 0);
        return 0;
    }
    int error = errno;
    output_trouble(output, "%s: %s", name, strerror(error));
    return error;
}

static bool send_file(struct output *output)
{
    struct file *file = output->own;
    if (send_to(output, file, output->options.path) == 0)
        return true;
    if (file->is_regular) {
        mend_end(file->fd);
        output_restart_frame(output);
    }
    return false;
}

static void free_file(struct output *output)
{
    if (output->own)
        close_file(output);
    free(output->own);
}

const struct backend backend_file = {.backoff_max_ms = 1000,
                                     .prepare = prepare_file,
                                     .open = open_file,
                                     .send = send_file,
                                     .look_after = look_after_file,
                                     .reopen = reopen_file,
                                     .close = close_file,
                                     .free = free_file};

static bool prepare_stdout(struct output *output, struct mistakes *mistakes)
{
    struct file *file = output->own = malloc(sizeof *file);
    struct stat status;
    if (!file)
        return false;
    if (fstat(STDOUT_FILENO, &status) != 0) {
        mistakes_add(mistakes, "standard output", 0, 0, "", strerror(errno), "something that can be written");
        return false;
    }
    *file = (struct file){.fd = STDOUT_FILENO, .is_regular = S_ISREG(status.st_mode)};
    return true;
}

static bool open_stdout(struct output *output)
{
    (void)output;
    return true;
}

static bool send_stdout(struct output *output)
{
    int error = send_to(output, output->own, "standard output");
    if (error == EPIPE)
        output_fail(output); /* nobody can open it again */
    return error == 0;
}

static bool look_after_stdout(struct output *output)
{
    struct pollfd ready = {.fd = STDOUT_FILENO};
    if (poll(&ready, 1, 0) < 1 || !(ready.revents & POLLERR))
        return true;
    output_trouble(output, "standard output: %s", strerror(EPIPE));
    output_fail(output);
    return false;
}

static void close_stdout(struct output *output)
{
    (void)output;
}

static void free_stdout(struct output *output)
{
    free(output->own);
}

const struct backend backend_stdout = {.backoff_max_ms = 1000,
                                       .prepare = prepare_stdout,
                                       .open = open_stdout,
                                       .send = send_stdout,
                                       .look_after = look_after_stdout,
                                       .close = close_stdout,
                                       .free = free_stdout};
