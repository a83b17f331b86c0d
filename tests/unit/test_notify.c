/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_notify.c - systemd's notifications as a socket receives them, and when the watchdog may be fed.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "unity.h"

static int receiver = -1;
static char path[64], heard[600];

void setUp(void)
{
}

void tearDown(void)
{
    notify_close();
    if (receiver >= 0)
        close(receiver);
    receiver = -1;
    if (*path == '/')
        unlink(path);
}

static void receive_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(path, sizeof path, "%s", name);
    memcpy(address.sun_path, path, strlen(path));
    if (*path == '@')
        address.sun_path[0] = '\0';
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (*path == '/'));
    TEST_ASSERT_EQUAL_INT(0, bind(receiver, (struct sockaddr *)&address, size));
    setenv("NOTIFY_SOCKET", path, 1);
}

static const char *hear(void)
{
    ssize_t n = recv(receiver, heard, sizeof heard - 1, 0);
    heard[n > 0 ? n : 0] = '\0';
    return heard;
}

static void talk(void)
{
    TEST_ASSERT_TRUE(notify_open());
    TEST_ASSERT_NULL(getenv("NOTIFY_SOCKET"));
    notify_ready();
    TEST_ASSERT_EQUAL_STRING("READY=1", hear());
    notify_status("on %s,\n%d alerts", "ens1", 3);
    TEST_ASSERT_EQUAL_STRING("STATUS=on ens1, 3 alerts", hear());
    notify_reloading();
    TEST_ASSERT_EQUAL_STRING_LEN("RELOADING=1\nMONOTONIC_USEC=", hear(), 27);
    notify_watchdog();
    TEST_ASSERT_EQUAL_STRING("WATCHDOG=1", hear());
    notify_stopping();
    TEST_ASSERT_EQUAL_STRING("STOPPING=1", hear());
    TEST_ASSERT_EQUAL_STRING("", hear());
}

static void test_a_socket_with_a_path(void)
{
    char name[64];
    snprintf(name, sizeof name, "/tmp/rolecall-notify.%d", getpid());
    receive_at(name);
    talk();
}

static void test_a_socket_in_the_abstract_namespace(void)
{
    char name[64];
    snprintf(name, sizeof name, "@rolecall-notify.%d", getpid());
    receive_at(name);
    talk();
}

static void test_without_systemd_nothing_is_said(void)
{
    static const char *const none[] = {"", "x", "/", "@", "vsock:2:1"};
    unsetenv("NOTIFY_SOCKET");
    TEST_ASSERT_FALSE(notify_open());
    notify_ready();
    notify_status("nobody hears this");
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++) {
        setenv("NOTIFY_SOCKET", none[i], 1);
        TEST_ASSERT_FALSE_MESSAGE(notify_open(), none[i]);
    }
    char too_long[200];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[0] = '/';
    too_long[sizeof too_long - 1] = '\0';
    setenv("NOTIFY_SOCKET", too_long, 1);
    TEST_ASSERT_FALSE(notify_open());
}

static void test_a_status_that_is_too_long_is_cut(void)
{
    char name[64], text[2000];
    snprintf(name, sizeof name, "@rolecall-long.%d", getpid());
    receive_at(name);
    TEST_ASSERT_TRUE(notify_open());
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    notify_status("%s", text);
    TEST_ASSERT_EQUAL_UINT(511, strlen(hear()));
}

static void set_watchdog(const char *microseconds, const char *pid)
{
    setenv("WATCHDOG_USEC", microseconds, 1);
    unsetenv("WATCHDOG_PID");
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
    notify_open();
    TEST_ASSERT_NULL(getenv("WATCHDOG_USEC"));
}

static void test_the_watchdog_s_interval(void)
{
    char self[16];
    snprintf(self, sizeof self, "%d", getpid());
    set_watchdog("30000000", self);
    TEST_ASSERT_EQUAL_INT64(15000000000, notify_watchdog_ns());
    set_watchdog("30000000", NULL);
    TEST_ASSERT_EQUAL_INT64(15000000000, notify_watchdog_ns());
    set_watchdog("30000000", "1");
    TEST_ASSERT_EQUAL_INT64(0, notify_watchdog_ns());
    set_watchdog("0", self);
    TEST_ASSERT_EQUAL_INT64(0, notify_watchdog_ns());
    set_watchdog("-5", self);
    TEST_ASSERT_EQUAL_INT64(0, notify_watchdog_ns());
    set_watchdog("9223372036854775807", self);
    TEST_ASSERT_EQUAL_INT64(0, notify_watchdog_ns());
    set_watchdog("soon", self);
    TEST_ASSERT_EQUAL_INT64(0, notify_watchdog_ns());
}

static void test_the_watchdog_is_fed_while_all_move(void)
{
    struct watchdog watchdog = {.patience_ns = 10};
    struct watchdog_mark marks[] = {{"worker 0", 5, true}, {"output file", 0, false}};
    const char *stuck = NULL;
    TEST_ASSERT_TRUE(watchdog_may_feed(&watchdog, marks, 2, 100, &stuck)); /* first seen */
    TEST_ASSERT_TRUE(watchdog_may_feed(&watchdog, marks, 2, 109, &stuck));
    TEST_ASSERT_FALSE(watchdog_may_feed(&watchdog, marks, 2, 110, &stuck));
    TEST_ASSERT_EQUAL_STRING("worker 0", stuck);
    marks[0].progress++;
    TEST_ASSERT_TRUE(watchdog_may_feed(&watchdog, marks, 2, 111, &stuck)); /* it moved */
    TEST_ASSERT_TRUE(watchdog_may_feed(&watchdog, marks, 2, 120, NULL));
    TEST_ASSERT_FALSE(watchdog_may_feed(&watchdog, marks, 2, 121, NULL));
    marks[0].has_work = false;
    TEST_ASSERT_TRUE(watchdog_may_feed(&watchdog, marks, 2, 1000, NULL)); /* idle is not stuck */
    marks[0].has_work = true;
    TEST_ASSERT_TRUE(watchdog_may_feed(&watchdog, marks, 2, 1009, NULL)); /* counted from when work came */
    TEST_ASSERT_FALSE(watchdog_may_feed(&watchdog, marks, 2, 1010, NULL));
}

static void test_one_that_is_stuck_is_enough(void)
{
    struct watchdog watchdog = {.patience_ns = 10};
    struct watchdog_mark marks[] = {{"worker 0", 0, true}, {"worker 1", 0, true}, {"output siem", 0, true}};
    const char *stuck = NULL;
    watchdog_may_feed(&watchdog, marks, 3, 0, &stuck);
    for (int64_t now = 1; now < 30; now++) {
        marks[0].progress++;
        marks[1].progress++;
        TEST_ASSERT_EQUAL(now < 10, watchdog_may_feed(&watchdog, marks, 3, now, &stuck));
    }
    TEST_ASSERT_EQUAL_STRING("output siem", stuck);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_a_socket_with_a_path);
    RUN_TEST(test_a_socket_in_the_abstract_namespace);
    RUN_TEST(test_without_systemd_nothing_is_said);
    RUN_TEST(test_a_status_that_is_too_long_is_cut);
    RUN_TEST(test_the_watchdog_s_interval);
    RUN_TEST(test_the_watchdog_is_fed_while_all_move);
    RUN_TEST(test_one_that_is_stuck_is_enough);
    return UNITY_END();
}
