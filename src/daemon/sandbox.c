/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sandbox.c - one step after the other down to what a monitor needs (sandbox.h): folders, bounding set, user,
 * capabilities, new privileges; then files (sandbox_landlock.c) and system calls (sandbox_calls.c). Each step
 * is checked by asking the kernel, not by trusting the call that should have done it. capabilities(7),
 * prctl(2).
 */
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rolecall/config.h"
#include "sandbox_steps.h"

enum { FOLDER_MODE = 0750, CAPABILITIES_MAX = 64 /* bits of capget()'s masks */ };

static bool fail(struct sandbox_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool fail(struct sandbox_report *report, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(report->error, sizeof report->error, format, arguments);
    va_end(arguments);
    return false;
}

/* Where it cannot be seen, true: the caller has been told. */
static bool is_single_threaded(void)
{
    DIR *tasks = opendir("/proc/self/task");
    unsigned count = 0;
    if (!tasks)
        return true;
    for (const struct dirent *entry; (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count == 1;
}

/* The user to become, or NULL: stay who we are. */
static bool find_user(const struct sandbox_options *options, const struct passwd **user,
                      struct sandbox_report *report)
{
    *user = NULL;
    if (geteuid() != 0 || (options->user && strcmp(options->user, "root") == 0))
        return true;
    *user = getpwnam(options->user ? options->user : CONFIG_USER);
    if (!*user && options->user)
        return fail(report, "there is no user \"%s\"", options->user);
    return true;
}

/* A folder that is missing is made and given to the user; one that is there stays as its owner wants it. */
static bool make_folders(const struct sandbox_options *options, const struct passwd *user,
                         struct sandbox_report *report)
{
    for (unsigned i = 0; geteuid() == 0 && i < options->writable_count; i++) {
        const char *folder = options->writable[i];
        if (mkdir(folder, FOLDER_MODE) != 0) {
            if (errno == EEXIST)
                continue;
            return fail(report, "%s: %s", folder, strerror(errno));
        }
        if (user && chown(folder, user->pw_uid, user->pw_gid) != 0)
            return fail(report, "%s: %s", folder, strerror(errno));
    }
    return true;
}

static bool become(const struct passwd *user, struct sandbox_report *report)
{
    if (!user)
        return true;
    if (setgroups(0, NULL) != 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return fail(report, "cannot become user %s: %s", user->pw_name, strerror(errno));
    if (user->pw_uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
        return fail(report, "still able to become root again");
    report->user_changed = true;
    return true;
}

/* Needs CAP_SETPCAP; without it the set stays as whoever started us left it. It gives nothing then: there is
 * no way to gain from it once new privileges are off. */
static void empty_bounding_set(void)
{
    for (int capability = 0; capability < CAPABILITIES_MAX; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

static bool drop_capabilities(struct sandbox_report *report)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}}, now[2] = {{0}};
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &header, none) != 0 || syscall(SYS_capget, &header, now) != 0)
        return fail(report, "capabilities cannot be dropped: %s", strerror(errno));
    for (unsigned i = 0; i < 2; i++)
        if (now[i].effective | now[i].permitted | now[i].inheritable)
            return fail(report, "capabilities are left");
    report->capabilities_dropped = true;
    return true;
}

static bool refuse_new_privileges(struct sandbox_report *report)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return fail(report, "new privileges cannot be turned off: %s", strerror(errno));
    report->no_new_privileges = true;
    return true;
}

static void summarise(struct sandbox_report *report, const struct passwd *user)
{
    char landlock[32] = "no landlock";
    if (report->landlock)
        snprintf(landlock, sizeof landlock, "landlock %d", report->landlock_abi);
    snprintf(report->summary, sizeof report->summary, "user %s, no capabilities, no new privileges, %s, %s",
             user             ? user->pw_name
             : geteuid() == 0 ? "root"
                              : "as started",
             landlock, report->seccomp ? "seccomp" : "no seccomp");
}

bool sandbox_enter(const struct sandbox_options *options, struct sandbox_report *report)
{
    const struct passwd *user;
    *report = (struct sandbox_report){.error = ""};
    if (!is_single_threaded())
        return fail(report, "threads were started before the sandbox");
    if (!find_user(options, &user, report) || !make_folders(options, user, report))
        return false;
    empty_bounding_set();
    if (!become(user, report) || !drop_capabilities(report) || !refuse_new_privileges(report))
        return false;
    if (!sandbox_close_files(options, report) || !sandbox_close_calls(report))
        return false;
    summarise(report, user);
    return true;
}
