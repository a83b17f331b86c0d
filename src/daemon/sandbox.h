/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sandbox.h - gives up what a monitor does not need once its capture handles are open: user and groups when
 * started as root, every capability, new privileges, whole families of system calls (libseccomp), and, where
 * the kernel has Landlock, every file but those named.
 *
 * Call sandbox_enter() once, on the main thread, before any other thread is started: capabilities and
 * Landlock belong to threads, and are inherited by those made later. Afterwards open what is opened by path
 * (outputs, control socket, metrics): it then belongs to the user that runs, and can be opened again later.
 * Capture handles stay usable: a packet socket goes on when its interface goes down and comes up again; one
 * whose interface was removed does not, and no new one can be made. The daemon ends then, and is started
 * anew.
 */
#ifndef ROLECALL_DAEMON_SANDBOX_H
#define ROLECALL_DAEMON_SANDBOX_H

#include <stdbool.h>

enum { SANDBOX_PATHS_MAX = 64, SANDBOX_ERROR_SIZE = 256, SANDBOX_SUMMARY_SIZE = 160 };

struct sandbox_options {
    const char *user; /* taken when started as root; NULL: "rolecall" where it exists; "root": stay */
    /* Folders whose files are made, written and renamed: logs, the control socket, metrics. Started as root,
     * one that is missing is made and given to the user. */
    const char *writable[SANDBOX_PATHS_MAX];
    unsigned writable_count;
    /* Files and folders that are read again later: configuration, site, rules, certificates. System files for
     * names and TLS (/etc, /usr/share, /proc/self, /sys/class/net...) are added. */
    const char *readable[SANDBOX_PATHS_MAX];
    unsigned readable_count;
};

struct sandbox_report {
    bool user_changed, capabilities_dropped, no_new_privileges, seccomp, landlock;
    int landlock_abi;                   /* 0: the kernel has none */
    char summary[SANDBOX_SUMMARY_SIZE]; /* "user rolecall, no capabilities, seccomp, landlock 3" */
    char error[SANDBOX_ERROR_SIZE];
};

/* False: the process must not go on (error says why). What this kernel or build lacks (Landlock, seccomp) is
 * no failure: it is missing in the report. */
bool sandbox_enter(const struct sandbox_options *options, struct sandbox_report *report);

#endif
