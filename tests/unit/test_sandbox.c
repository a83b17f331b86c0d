/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_sandbox.c - enters the sandbox in a child process for each thing, and tries it there: what must be
 * refused, and what a daemon goes on needing. As root it also gives up the user; what this kernel lacks is
 * left out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/if_packet.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/sandbox.h"
#include "unity.h"

/* The first user of Debian's base-passwd that is not root: always there. */
#define SOMEBODY "daemon"

static char folder[] = "/tmp/rolecall-sandbox.XXXXXX";
static char logs[64], other[64], secret[64];
static struct sandbox_report report; /* the child's */
static int held;                     /* a descriptor from before the sandbox */

void setUp(void)
{
    strcpy(folder, "/tmp/rolecall-sandbox.XXXXXX");
    TEST_ASSERT_NOT_NULL(mkdtemp(folder));
    TEST_ASSERT_EQUAL_INT(0, chmod(folder, 0755));
    snprintf(logs, sizeof logs, "%s/logs", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    snprintf(secret, sizeof secret, "%s/other/secret", folder);
    TEST_ASSERT_EQUAL_INT(0, mkdir(other, 0777));
    TEST_ASSERT_EQUAL_INT(0, chmod(other, 0777));
    int fd = open(secret, O_WRONLY | O_CREAT, 0666);
    TEST_ASSERT_TRUE(fd >= 0 && fchmod(fd, 0666) == 0);
    close(fd);
    if (geteuid() != 0)
        TEST_ASSERT_EQUAL_INT(0, mkdir(logs, 0700)); /* root has it made by the sandbox */
}

void tearDown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    TEST_ASSERT_EQUAL_INT(0, system(command));
}

static bool enter(void)
{
    gid_t group = 4; /* to be given up; without privilege this does nothing */
    setgroups(1, &group);
    struct sandbox_options options = {
        .user = geteuid() == 0 ? SOMEBODY : NULL, .writable = {logs}, .writable_count = 1};
    return sandbox_enter(&options, &report);
}

enum { HELD, BROKEN, SKIPPED, NO_SANDBOX };

/* How a child ends that enters the sandbox and then tries something: its status as waitpid() has it. */
static int in_sandbox(int (*try)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int result = enter() ? try() : NO_SANDBOX;
        if (result == NO_SANDBOX)
            fprintf(stderr, "no sandbox: %s\n", report.error);
        _exit(result);
    }
    int status = -1;
    TEST_ASSERT_EQUAL_INT(child, waitpid(child, &status, 0));
    return status;
}

static void expect(const char *what, int (*try)(void))
{
    int status = in_sandbox(try);
    TEST_ASSERT_TRUE_MESSAGE(WIFEXITED(status), what);
    if (WEXITSTATUS(status) == SKIPPED)
        TEST_IGNORE_MESSAGE(what);
    TEST_ASSERT_EQUAL_INT_MESSAGE(HELD, WEXITSTATUS(status), what);
}

/* What must be refused. */

static int is_refused(long result)
{
    if (!report.seccomp)
        return SKIPPED;
    return result == -1 && errno == EPERM ? HELD : BROKEN;
}

static int try_packet_socket(void)
{
    return is_refused(socket(AF_PACKET, SOCK_RAW, 0));
}

static int try_raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) == -1 && errno == EPERM ? HELD : BROKEN;
}

static int try_other_families(void)
{
    static const int families[] = {AF_UNSPEC,    AF_X25,          AF_ALG, AF_VSOCK,
                                   AF_BLUETOOTH, 44 /* AF_XDP */, 9999,   -1};
    for (unsigned i = 0; i < sizeof families / sizeof *families; i++)
        if (is_refused(socket(families[i], SOCK_DGRAM, 0)) != HELD)
            return is_refused(-1) == SKIPPED ? SKIPPED : BROKEN;
    return HELD;
}

/* By number: the C library's wrappers must not be in the way. The arguments are harmless if the filter is not
 * there. */
static int try_calls(void)
{
    static const long calls[] = {SYS_bpf,
                                 SYS_perf_event_open,
                                 SYS_userfaultfd,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_delete_module,
                                 SYS_kexec_load,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_pivot_root,
                                 SYS_chroot,
                                 SYS_unshare,
                                 SYS_setns,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_io_uring_setup,
                                 SYS_reboot,
                                 SYS_swapon,
                                 SYS_settimeofday,
                                 SYS_clock_settime,
                                 SYS_process_vm_readv,
                                 SYS_process_vm_writev,
                                 SYS_mknodat,
                                 SYS_setuid,
                                 SYS_setresuid,
                                 SYS_setgroups,
                                 SYS_capset,
                                 SYS_open_by_handle_at,
                                 SYS_fchownat,
                                 SYS_personality,
                                 SYS_acct,
                                 SYS_fanotify_init,
                                 SYS_pidfd_getfd,
                                 SYS_open_tree,
                                 SYS_fsopen};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        errno = 0;
        if (is_refused(syscall(calls[i], -1L, -1L, -1L, -1L, -1L)) == BROKEN) {
            fprintf(stderr, "system call %ld: %s\n", calls[i], strerror(errno));
            return BROKEN;
        }
    }
    return is_refused((errno = EPERM, -1));
}

static int try_ptrace(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return SKIPPED;
#else
    return is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
#endif
}

static int try_fork(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return SKIPPED;
#else
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return is_refused(child);
#endif
}

static int try_writable_code(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0)
        return is_refused(0);
    return is_refused(
        mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
}

static int try_keystrokes(void)
{
    return is_refused(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int try_other_files(void)
{
    if (!report.landlock)
        return SKIPPED;
    bool refused = open(secret, O_RDONLY) == -1 && errno == EACCES;
    refused = refused && open(secret, O_WRONLY) == -1 && errno == EACCES;
    refused = refused && unlink(secret) == -1 && errno == EACCES;
    refused = refused && open("/", O_RDONLY | O_DIRECTORY) == -1 && errno == EACCES;
    refused = refused && open("/etc/rolecall-test", O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES;
    return refused && mkdir("/tmp/rolecall-test", 0700) == -1 && errno == EACCES ? HELD : BROKEN;
}

static int try_capabilities(void)
{
    char line[256];
    unsigned long long mask;
    FILE *file = fopen("/proc/self/status", "r");
    unsigned seen = 0;
    while (file && fgets(line, sizeof line, file)) {
        bool is_bounding = strncmp(line, "CapBnd:", 7) == 0;
        if (sscanf(line, "Cap%*3s: %llx", &mask) != 1 && sscanf(line, "Cap%*3s\t%llx", &mask) != 1)
            continue;
        seen++;
        if (mask != 0 && !(is_bounding && held)) /* held: not started as root */
            return BROKEN;
    }
    return seen == 5 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? HELD : BROKEN;
}

static int try_user(void)
{
    gid_t groups[64];
    if (!report.user_changed)
        return SKIPPED;
    return getuid() != 0 && geteuid() == getuid() && getgid() != 0 && getegid() == getgid() &&
                   getgroups(64, groups) == 0
               ? HELD
               : BROKEN;
}

static int try_program(void)
{
    char name[] = "true", *const words[] = {name, NULL}, *const environment[] = {NULL};
    if (!report.seccomp)
        return SKIPPED;
    execve("/bin/true", words, environment);
    return BROKEN;
}

static void test_forbidden(void)
{
    expect("a new packet socket", try_packet_socket);
    expect("a raw socket", try_raw_socket);
    expect("sockets of other families", try_other_families);
    expect("system calls that a monitor never needs", try_calls);
    expect("writable code", try_writable_code);
    expect("keystrokes into the terminal", try_keystrokes);
    expect("other files", try_other_files);
}

static void test_no_other_process(void)
{
    expect("tracing", try_ptrace);
    expect("a child process", try_fork);
}

static void test_a_new_program_ends_the_process(void)
{
    int status = in_sandbox(try_program);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        TEST_IGNORE();
    TEST_ASSERT_TRUE(WIFSIGNALED(status));
    TEST_ASSERT_EQUAL_INT(SIGSYS, WTERMSIG(status));
}

static void test_no_privileges(void)
{
    held = geteuid() != 0;
    expect("capabilities", try_capabilities);
    if (geteuid() == 0)
        expect("another user, no groups", try_user);
}

/* What a daemon goes on needing. */

static bool write_one(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", logs, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    bool ok = fd >= 0 && write(fd, "line\n", 5) == 5 && fchmod(fd, 0644) == 0;
    return ok && close(fd) == 0;
}

static int try_reopening_a_file(void)
{
    char from[96], to[96];
    snprintf(from, sizeof from, "%s/events", logs);
    snprintf(to, sizeof to, "%s/events.1", logs);
    bool ok = write_one("events") && rename(from, to) == 0 && write_one("events") && truncate(to, 0) == 0;
    return ok && unlink(to) == 0 ? HELD : BROKEN;
}

static int try_held_descriptor(void)
{
    struct sockaddr_ll address;
    socklen_t size = sizeof address;
    return getsockname(held, (struct sockaddr *)&address, &size) == 0 &&
                   recv(held, &size, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN
               ? HELD
               : BROKEN;
}

static int try_control_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/control", logs);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    bool ok = bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
              chmod(address.sun_path, 0660) == 0 && listen(listener, 1) == 0;
    return ok && connect(client, (struct sockaddr *)&address, sizeof address) == 0 &&
                   accept(listener, NULL, NULL) >= 0 && unlink(address.sun_path) == 0
               ? HELD
               : BROKEN;
}

static int try_connection(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &size) == 0;
    return ok && connect(client, (struct sockaddr *)&address, size) == 0 ? HELD : BROKEN;
}

static int try_names(void)
{
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    return getaddrinfo("localhost", "601", &hints, &found) == 0 && found ? HELD : BROKEN;
}

static void *raise_it(void *number)
{
    ++*(int *)number;
    return NULL;
}

static int try_threads(void)
{
    pthread_t thread;
    int number = 0;
    return pthread_create(&thread, NULL, raise_it, &number) == 0 && pthread_join(thread, NULL) == 0 &&
                   number == 1
               ? HELD
               : BROKEN;
}

static int try_clocks_and_memory(void)
{
    struct timespec now;
    void *memory = malloc(32 << 20);
    char byte;
    FILE *random = fopen("/dev/urandom", "r"), *site = fopen("/etc/passwd", "r");
    return clock_gettime(CLOCK_REALTIME, &now) == 0 && memory && random && fread(&byte, 1, 1, random) == 1 &&
                   site
               ? HELD
               : BROKEN;
}

static void test_needed(void)
{
    expect("a file renamed, made anew, cut and removed", try_reopening_a_file);
    expect("a socket in a folder", try_control_socket);
    expect("a connection", try_connection);
    expect("names", try_names);
    expect("threads", try_threads);
    expect("clocks, memory, random bytes, system files", try_clocks_and_memory);
}

static void test_a_capture_handle_stays_usable(void)
{
    held = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (held < 0)
        TEST_IGNORE_MESSAGE("needs CAP_NET_RAW");
    expect("a packet socket from before", try_held_descriptor);
    close(held);
}

/* What is told. */

static int try_report(void)
{
    return strstr(report.summary, "no capabilities") &&
                   (report.seccomp == !strstr(report.summary, "no seccomp")) &&
                   (report.landlock == !strstr(report.summary, "no landlock"))
               ? HELD
               : BROKEN;
}

static void *sleep_long(void *unused)
{
    for (;;)
        pause(); /* setgroups() interrupts every thread */
    return unused;
}

static void test_told(void)
{
    expect("the report", try_report);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct sandbox_options options = {.user = "nobody-has-this-name"};
        bool refused = geteuid() != 0 ||
                       (!sandbox_enter(&options, &report) && strstr(report.error, "nobody-has-this-name"));
        pthread_t thread;
        pthread_create(&thread, NULL, sleep_long, NULL);
        refused = refused && !enter() && strstr(report.error, "threads");
        _exit(refused ? HELD : BROKEN);
    }
    int status;
    waitpid(child, &status, 0);
    TEST_ASSERT_EQUAL_INT(HELD, WEXITSTATUS(status));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_forbidden);
    RUN_TEST(test_no_other_process);
    RUN_TEST(test_a_new_program_ends_the_process);
    RUN_TEST(test_no_privileges);
    RUN_TEST(test_needed);
    RUN_TEST(test_a_capture_handle_stays_usable);
    RUN_TEST(test_told);
    return UNITY_END();
}
