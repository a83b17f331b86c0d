/* SPDX-License-Identifier: BSD-2-Clause
 *
 * notify.c - systemd's notification protocol, sd_notify(3), without its library: lines of NAME=value in one
 * datagram to the socket that NOTIFY_SOCKET names; a leading @ stands for the abstract namespace. And the
 * watchdog's condition. Used by the run loop only.
 */
#include "notify.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 512 };

static int descriptor = -1;
static struct sockaddr_un address;
static socklen_t address_size;
static int64_t watchdog_ns;

static int64_t number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text || *text < '0' || *text > '9')
        return -1;
    long long number = strtoll(text, &end, 10);
    return *end || number < 0 ? -1 : number;
}

static void read_watchdog(void)
{
    int64_t microseconds = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");
    bool is_ours = !getenv("WATCHDOG_PID") || pid == getpid();
    watchdog_ns =
        microseconds > 0 && microseconds < INT64_MAX / 1000 && is_ours ? microseconds * 1000 / 2 : 0;
}

bool notify_open(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t size = path ? strlen(path) : 0;
    bool is_path = size > 1 && size < sizeof address.sun_path && (*path == '/' || *path == '@');
    read_watchdog();
    if (is_path) {
        address = (struct sockaddr_un){.sun_family = AF_UNIX};
        memcpy(address.sun_path, path, size);
        if (*path == '@')
            address.sun_path[0] = '\0';
        address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (*path == '/'));
        descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return descriptor >= 0;
}

void notify_close(void)
{
    if (descriptor >= 0)
        close(descriptor);
    descriptor = -1;
    watchdog_ns = 0;
}

/* Best effort: a message that systemd does not take is one that it does not miss. */
static void tell(const char *message)
{
    if (descriptor >= 0)
        sendto(descriptor, message, strlen(message), MSG_NOSIGNAL, (const struct sockaddr *)&address,
               address_size);
}

void notify_ready(void)
{
    tell("READY=1");
}

void notify_reloading(void)
{
    char message[MESSAGE_SIZE];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(message);
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}

void notify_status(const char *format, ...)
{
    char message[MESSAGE_SIZE] = "STATUS=";
    size_t used = strlen(message);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message + used, sizeof message - used, format, arguments);
    va_end(arguments);
    for (char *p = message; *p; p++)
        if (*p == '\n')
            *p = ' '; /* a line of its own would be another assignment */
    tell(message);
}

int64_t notify_watchdog_ns(void)
{
    return watchdog_ns;
}

void notify_watchdog(void)
{
    tell("WATCHDOG=1");
}

bool watchdog_may_feed(struct watchdog *watchdog, const struct watchdog_mark *marks, unsigned count,
                       int64_t now_ns, const char **stuck)
{
    bool may = true;
    assert(count <= WATCHDOG_MARKS_MAX && watchdog->patience_ns > 0);
    for (unsigned i = 0; i < count; i++) {
        bool is_new = i >= watchdog->count;
        if (is_new || !marks[i].has_work || marks[i].progress != watchdog->seen[i].progress) {
            watchdog->seen[i].progress = marks[i].progress;
            watchdog->seen[i].since_ns = now_ns;
        } else if (may && now_ns - watchdog->seen[i].since_ns >= watchdog->patience_ns) {
            may = false;
            if (stuck)
                *stuck = marks[i].name;
        }
    }
    watchdog->count = count;
    return may;
}
