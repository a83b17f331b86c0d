/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sandbox_landlock.c - closes the file system but for what sandbox_options name, by Landlock (landlock(7),
 * Documentation/userspace-api/landlock.rst of the kernel). A kernel without it, or with an older version of
 * it, gives less, and the report says so. Files that are open already stay open.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_steps.h"

/* Rights of newer versions than Debian 12's headers know (uapi/linux/landlock.h of Linux 6.12). */
enum { RIGHT_REFER = 1 << 13, RIGHT_TRUNCATE = 1 << 14, RIGHT_IOCTL_DEV = 1 << 15 };
enum { SCOPE_SIGNAL = 1 << 1 };

enum {
    RIGHTS_READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
    RIGHTS_WRITE = RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | RIGHT_TRUNCATE,
    RIGHTS_OF_FILES = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE,
    RIGHTS_VERSION_1 = (1 << 13) - 1
};

struct ruleset_attributes {
    uint64_t files;  /* version 1 */
    uint64_t net;    /* 4 */
    uint64_t scoped; /* 6 */
};

/* What names, times and TLS need; /dev/null for whoever opens it. Folders, because files in them are
 * replaced. */
static const char *const system_files[] = {
    "/etc",       "/usr/share",           "/usr/lib",        "/lib",
    "/lib64",     "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
    "/proc/self", "/proc/sys/kernel",     "/dev/urandom"};

static bool allow(int ruleset, const char *path, uint64_t rights)
{
    struct stat file;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES; /* nothing to allow there */
    if (fstat(fd, &file) != 0) {
        close(fd);
        return false;
    }
    struct landlock_path_beneath_attr rule = {
        .allowed_access = S_ISDIR(file.st_mode) ? rights : rights & RIGHTS_OF_FILES, .parent_fd = fd};
    bool ok = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(fd);
    return ok;
}

static bool fill(int ruleset, const struct sandbox_options *options, uint64_t handled)
{
    bool ok =
        allow(ruleset, "/dev/null", (RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE) & handled);
    for (unsigned i = 0; i < sizeof system_files / sizeof *system_files; i++)
        ok = ok && allow(ruleset, system_files[i], RIGHTS_READ & handled);
    for (unsigned i = 0; i < options->readable_count; i++)
        ok = ok && allow(ruleset, options->readable[i], RIGHTS_READ & handled);
    for (unsigned i = 0; i < options->writable_count; i++)
        ok = ok && allow(ruleset, options->writable[i], RIGHTS_WRITE & handled);
    return ok;
}

bool sandbox_close_files(const struct sandbox_options *options, struct sandbox_report *report)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return true; /* this kernel has none, or it is turned off */
    struct ruleset_attributes attributes = {.files = RIGHTS_VERSION_1 | (version >= 2 ? RIGHT_REFER : 0) |
                                                     (version >= 3 ? RIGHT_TRUNCATE : 0) |
                                                     (version >= 5 ? RIGHT_IOCTL_DEV : 0),
                                            .scoped = version >= 6 ? SCOPE_SIGNAL : 0};
    size_t size = version >= 6 ? sizeof attributes : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
    bool ok = ruleset >= 0 && fill(ruleset, options, attributes.files) &&
              syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (!ok)
        snprintf(report->error, sizeof report->error, "landlock: %s", strerror(errno));
    if (ruleset >= 0)
        close(ruleset);
    report->landlock = ok;
    report->landlock_abi = (int)version;
    return ok;
}
