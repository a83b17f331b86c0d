/* SPDX-License-Identifier: BSD-2-Clause
 *
 * notify.h - tells systemd how the daemon is (Type=notify; the protocol of sd_notify(3), a datagram to
 * $NOTIFY_SOCKET), and decides whether the watchdog may be fed. Outside systemd every call does nothing.
 */
#ifndef ROLECALL_DAEMON_NOTIFY_H
#define ROLECALL_DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, WATCHDOG_PID, and removes them from the environment. False: not
 * under systemd. */
bool notify_open(void);
void notify_close(void);

void notify_ready(void);     /* the start is over, or a reload */
void notify_reloading(void); /* notify_ready() follows */
void notify_stopping(void);
void notify_status(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* one line for `systemctl status` */

/* How often the watchdog wants to be fed, half of WATCHDOG_USEC in ns; 0: there is none. */
int64_t notify_watchdog_ns(void);
void notify_watchdog(void); /* feeds it */

/*
 * Fed only while everybody moves. Each worker and each writer of an output has a mark: a counter that grows
 * with what it does, and whether work waits for it. Who has work waiting and did not move for `patience_ns`
 * is stuck.
 */
enum { WATCHDOG_MARKS_MAX = 64 };

struct watchdog_mark {
    const char *name; /* for the log: "worker 3", "output events" */
    uint64_t progress;
    bool has_work;
};

struct watchdog {
    int64_t patience_ns;
    struct {
        uint64_t progress;
        int64_t since_ns; /* when it last moved, or had nothing to do */
    } seen[WATCHDOG_MARKS_MAX];
    unsigned count;
};

/* Ask with the same marks in the same order each time; *stuck (may be NULL) is then the name of one that is.
 * Zero the struct and set patience_ns before first use. Monotonic time. */
bool watchdog_may_feed(struct watchdog *watchdog, const struct watchdog_mark *marks, unsigned count,
                       int64_t now_ns, const char **stuck);

#endif
