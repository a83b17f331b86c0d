/* SPDX-License-Identifier: BSD-2-Clause
 *
 * control_client.c - the asking side of the control socket, for `rolecall ctl`. Blocks, but not for longer
 * than it was told; believes nothing of what comes back beyond the bounds of control.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rolecall/clock.h"
#include "rolecall/control.h"
#include "rolecall/json_in.h"

enum { ERROR_SIZE = 256, HEAD_MAX = 64 };

static int connect_to(const char *path, char *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        snprintf(error, ERROR_SIZE, "the path of the control socket is too long");
        return -1;
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int reason = errno;
    snprintf(error, ERROR_SIZE, "%s: %s%s", path, strerror(reason),
             reason == ENOENT || reason == ECONNREFUSED ? " (is the daemon running?)"
             : reason == EACCES                         ? " (be root, or in the group of the socket)"
                                                        : "");
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Reads until the other side ends, into `reply`, which has room for HEAD_MAX + CONTROL_REPLY_MAX + 1. */
static bool receive_all(int fd, int64_t until_ms, char *reply, size_t *size, char *error)
{
    *size = 0;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left = until_ms - clock_steady_ms();
        int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;
        if (ready == 0 || (ready < 0 && errno != EINTR)) {
            snprintf(error, ERROR_SIZE, "no answer in time");
            return false;
        }
        if (ready < 0)
            continue;
        ssize_t n = recv(fd, reply + *size, HEAD_MAX + CONTROL_REPLY_MAX - *size, 0);
        if (n == 0)
            return true;
        if (n < 0) {
            snprintf(error, ERROR_SIZE, "the answer broke off: %s", strerror(errno));
            return false;
        }
        *size += (size_t)n;
        if (*size == HEAD_MAX + CONTROL_REPLY_MAX) {
            snprintf(error, ERROR_SIZE, "the answer is too long");
            return false;
        }
    }
}

/* Takes the first line off the reply; false: it is none, or what follows has not the size it tells. */
static bool take_head(char *reply, size_t *size, int *status)
{
    struct {
        int64_t status, size;
    } head = {0, 0};
    static const struct json_key keys[] = {
        {.name = "exit", .kind = JSON_NUMBER, .required = true, .low = 0, .high = 255, .offset = 0},
        {.name = "size",
         .kind = JSON_NUMBER,
         .required = true,
         .low = 0,
         .high = CONTROL_REPLY_MAX,
         .offset = sizeof(int64_t)}};
    struct mistakes mistakes = {0};
    char *end = memchr(reply, '\n', *size);
    struct json_in *in = end ? json_in_text("reply", reply, (size_t)(end - reply), &mistakes) : NULL;
    if (in) {
        struct json_value root = json_root(in);
        json_read(&root, keys, 2, &head, NULL);
    }
    bool ok = in && mistakes.count == 0 && (size_t)head.size == *size - (size_t)(end + 1 - reply);
    json_in_free(in);
    mistakes_clear(&mistakes);
    if (!ok)
        return false;
    *size = (size_t)head.size;
    *status = (int)head.status;
    memmove(reply, end + 1, *size);
    reply[*size] = '\0';
    return true;
}

char *control_ask(const char *path, enum control_command command, unsigned wait_s, int *status, size_t *size,
                  char error[256])
{
    char request[CONTROL_REQUEST_MAX];
    int length = snprintf(request, sizeof request, "{\"command\":\"%s\"}\n", control_command_name(command));
    int fd = connect_to(path, error);
    if (fd < 0)
        return NULL;
    char *reply = malloc(HEAD_MAX + CONTROL_REPLY_MAX + 1);
    if (!reply)
        abort();
    bool ok = true;
    if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length && errno != EPIPE) {
        snprintf(error, ERROR_SIZE, "%s: %s", path, strerror(errno));
        ok = false;
    }
    ok = ok && receive_all(fd, clock_steady_ms() + (int64_t)wait_s * 1000, reply, size, error);
    close(fd);
    if (ok && !take_head(reply, size, status)) {
        snprintf(error, ERROR_SIZE, "%s: %s", path,
                 *size == 0 ? "closed without an answer" : "what answers there is no rolecall");
        ok = false;
    }
    if (ok)
        return reply;
    free(reply);
    return NULL;
}
