/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sandbox_calls.c - refuses the system calls that a monitor never needs, by libseccomp: new programs end the
 * process, the rest fails with EPERM. A list of what is refused, not of what is allowed: name resolution, TLS
 * and Kafka bring libraries whose calls change with their versions; systemd's SystemCallFilter= of the unit
 * is the other half.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox_steps.h"

/* AddressSanitizer looks for leaks at the end with a process and ptrace() of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* A name that this machine or this libseccomp does not know is passed over. */
static const char *const refused[] = {
    /* other processes, and looking into them */
    "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise", "fork", "vfork",
    "pidfd_open", "pidfd_send_signal",
    /* code and events in the kernel */
    "bpf", "perf_event_open", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "io_uring_setup", "io_uring_enter", "io_uring_register", "add_key", "request_key",
    "keyctl", "lookup_dcookie", "fanotify_init", "name_to_handle_at", "open_by_handle_at",
    /* mounts and namespaces */
    "mount", "umount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick",
    "mount_setattr", "pivot_root", "chroot", "unshare", "setns",
    /* the machine's own state */
    "reboot", "swapon", "swapoff", "sethostname", "setdomainname", "settimeofday", "clock_settime", "stime",
    "adjtimex", "clock_adjtime", "acct", "quotactl", "quotactl_fd", "syslog", "vhangup", "iopl", "ioperm",
    "modify_ldt", "personality", "nfsservctl",
    /* files that are none, other owners, other users */
    "mknod", "mknodat", "chown", "fchown", "lchown", "fchownat", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset", "setxattr", "lsetxattr",
    "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    /* other processes' memory placement */
    "migrate_pages", "move_pages"};

static const char *const ends_the_process[] = {"execve", "execveat"};

struct filter {
    scmp_filter_ctx context;
    int error; /* the first one, as a negative errno */
};

static void add(struct filter *filter, uint32_t action, const char *name, unsigned count,
                const struct scmp_arg_cmp *arguments)
{
    int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR || filter->error)
        return;
    int error = seccomp_rule_add_array(filter->context, action, call, count, arguments);
    if (error != -EOPNOTSUPP && error != -EDOM) /* not on this architecture */
        filter->error = error;
}

static void refuse_if(struct filter *filter, const char *name, struct scmp_arg_cmp argument)
{
    add(filter, SCMP_ACT_ERRNO(EPERM), name, 1, &argument);
}

/* Only unix, IP and netlink (name resolution, interface counters) sockets: above all no new packet sockets.
 */
static void refuse_sockets(struct filter *filter)
{
    for (unsigned family = AF_UNSPEC; family <= AF_NETLINK; family++)
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6 && family != AF_NETLINK)
            refuse_if(filter, "socket", SCMP_A0(SCMP_CMP_EQ, family));
    refuse_if(filter, "socket", SCMP_A0(SCMP_CMP_GT, AF_NETLINK));
}

/* Threads, but no processes. What clone3() is asked for stands in memory that a filter cannot see: as if it
 * did not exist (ENOSYS), and the C library takes clone(). */
static void refuse_processes(struct filter *filter)
{
    if (!SANITIZED) {
        refuse_if(filter, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
        add(filter, SCMP_ACT_ERRNO(EPERM), "ptrace", 0, NULL);
    }
    add(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
}

/* Memory that can be written is never executed; and no keystrokes into the terminal we were started from. */
static void refuse_arguments(struct filter *filter)
{
    refuse_if(filter, "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC));
    refuse_if(filter, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    refuse_if(filter, "pkey_mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    refuse_if(filter, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI));
    refuse_if(filter, "ioctl",
              SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, 0x541c /* TIOCLINUX, ioctl_console(2) */));
}

bool sandbox_close_calls(struct sandbox_report *report)
{
    struct filter filter = {.context = seccomp_init(SCMP_ACT_ALLOW)};
    if (!filter.context) {
        snprintf(report->error, sizeof report->error, "seccomp: out of memory");
        return false;
    }
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++)
        add(&filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0, NULL);
    for (unsigned i = 0; i < sizeof ends_the_process / sizeof *ends_the_process; i++)
        add(&filter, SCMP_ACT_KILL_PROCESS, ends_the_process[i], 0, NULL);
    refuse_sockets(&filter);
    refuse_processes(&filter);
    refuse_arguments(&filter);
    if (!filter.error)
        filter.error = seccomp_load(filter.context);
    seccomp_release(filter.context);
    report->seccomp = filter.error == 0;
    if (filter.error == 0 || filter.error == -ENOSYS || filter.error == -EINVAL)
        return true; /* EINVAL: a kernel without seccomp filters, seccomp(2) */
    snprintf(report->error, sizeof report->error, "seccomp: %s", strerror(-filter.error));
    return false;
}
