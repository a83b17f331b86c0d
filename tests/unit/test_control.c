/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_control.c - the control socket from both sides: good requests, answers at once and later, hostile
 * clients, bounds, and sockets that others left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rolecall/control.h"
#include "unity.h"

static const int64_t NS_PER_S = 1000000000;

static char path[64];
static struct control *control;
static struct control_call last; /* the call that was asked last */
static unsigned asked;
static bool later; /* calls are kept, not answered at once */
static int64_t now_ns;
static char *text;
static size_t text_size;

static void on_asked(void *context, const struct control_call *call)
{
    TEST_ASSERT_EQUAL_PTR(&now_ns, context);
    asked++;
    last = *call;
    if (!later)
        control_answer(control, call, call->command == CONTROL_HEALTH, text, text_size);
}

void setUp(void)
{
    snprintf(path, sizeof path, "/tmp/rolecall-control.%d", getpid());
    control = control_open(path, on_asked, &now_ns);
    TEST_ASSERT_NOT_NULL(control);
    asked = 0;
    later = false;
    now_ns = NS_PER_S;
    text = strdup("{\"fine\":true}\n");
    text_size = strlen(text);
}

void tearDown(void)
{
    control_close(control);
    free(text);
    TEST_ASSERT_NOT_EQUAL(0, access(path, F_OK)); /* the socket went with it */
}

/* One turn of the run loop. */
static void serve(void)
{
    struct pollfd wait = {.fd = control_fd(control), .events = POLLIN};
    poll(&wait, 1, 20);
    control_serve(control, now_ns);
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    TEST_ASSERT_EQUAL_INT(0, connect(fd, (struct sockaddr *)&address, sizeof address));
    return fd;
}

static void say(int fd, const char *words)
{
    TEST_ASSERT_EQUAL_INT(strlen(words), send(fd, words, strlen(words), MSG_NOSIGNAL));
}

/* Serves until the server has ended the connection; what it said. */
static const char *hear(int fd)
{
    static char heard[4096];
    size_t used = 0;
    for (unsigned turn = 0; turn < 100; turn++) {
        ssize_t n = recv(fd, heard + used, sizeof heard - 1 - used, 0);
        if (n == 0)
            break;
        used += n > 0 ? (size_t)n : 0;
        serve();
    }
    heard[used] = '\0';
    close(fd);
    return heard;
}

struct answer {
    pthread_t thread;
    enum control_command command;
    char *text;
    int status;
    size_t size;
    char error[256];
    _Atomic bool done;
};

static void *ask(void *context)
{
    struct answer *answer = context;
    answer->text = control_ask(path, answer->command, 10, &answer->status, &answer->size, answer->error);
    answer->done = true;
    return NULL;
}

static void begin(struct answer *answer, enum control_command command)
{
    *answer = (struct answer){.command = command, .status = -1};
    TEST_ASSERT_EQUAL_INT(0, pthread_create(&answer->thread, NULL, ask, answer));
}

static void finish(struct answer *answer)
{
    while (!answer->done)
        serve();
    pthread_join(answer->thread, NULL);
}

static void test_every_command_is_asked_and_answered(void)
{
    for (unsigned command = 0; command < CONTROL_COMMANDS; command++) {
        struct answer answer;
        begin(&answer, command);
        finish(&answer);
        TEST_ASSERT_NOT_NULL_MESSAGE(answer.text, answer.error);
        TEST_ASSERT_EQUAL_STRING(text, answer.text);
        TEST_ASSERT_EQUAL_UINT(text_size, answer.size);
        TEST_ASSERT_EQUAL_INT(command == CONTROL_HEALTH, answer.status);
        TEST_ASSERT_EQUAL_UINT(command, last.command);
        free(answer.text);
    }
    TEST_ASSERT_EQUAL_UINT(CONTROL_COMMANDS, asked);
}

static void test_an_answer_may_come_later(void)
{
    struct answer answer;
    later = true;
    begin(&answer, CONTROL_RELOAD);
    while (!asked)
        serve();
    now_ns += 10 * CONTROL_CLIENT_S * NS_PER_S; /* a call in hand has all the time */
    serve();
    serve();
    control_answer(control, &last, 2, "refused", 7);
    finish(&answer);
    TEST_ASSERT_EQUAL_STRING("refused", answer.text);
    TEST_ASSERT_EQUAL_INT(2, answer.status);
    control_answer(control, &last, 2, "again", 5); /* nobody hears it */
    free(answer.text);
}

static void test_the_largest_answer_goes_to_a_slow_reader(void)
{
    struct answer answer;
    free(text);
    text = malloc(text_size = CONTROL_REPLY_MAX);
    memset(text, 'x', text_size);
    begin(&answer, CONTROL_METRICS);
    finish(&answer);
    TEST_ASSERT_NOT_NULL_MESSAGE(answer.text, answer.error);
    TEST_ASSERT_EQUAL_UINT(CONTROL_REPLY_MAX, answer.size);
    TEST_ASSERT_EQUAL_MEMORY(text, answer.text, text_size);
    free(answer.text);
}

static void test_a_request_may_come_in_pieces(void)
{
    int fd = connect_client();
    serve();
    say(fd, "{\"command\":");
    serve();
    say(fd, "\"status\"}");
    serve();
    TEST_ASSERT_EQUAL_UINT(0, asked);
    say(fd, "\nmore that is never read");
    TEST_ASSERT_EQUAL_STRING("{\"exit\":0,\"size\":14}\n{\"fine\":true}\n", hear(fd));
    TEST_ASSERT_EQUAL_UINT(1, asked);
}

static void test_what_is_no_request_is_refused(void)
{
    static const char *const wrong[] = {"\n",
                                        "status\n",
                                        "{}\n",
                                        "{\"command\":\"stop\"}\n",
                                        "{\"command\":1}\n",
                                        "[]\n",
                                        "{\"command\":\"status\",\"command\":\"health\"}\n",
                                        "{\"command\":\"status\",\"x\":1}\n",
                                        "{\"command\":\"status\"\n",
                                        "\x80\xff\n",
                                        "GET / HTTP/1.1\r\n"};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int fd = connect_client();
        say(fd, wrong[i]);
        const char *heard = hear(fd);
        TEST_ASSERT_EQUAL_STRING_LEN_MESSAGE("{\"exit\":2,", heard, 10, wrong[i]);
        TEST_ASSERT_NOT_NULL_MESSAGE(strstr(heard, "no such request"), wrong[i]);
    }
    TEST_ASSERT_EQUAL_UINT(0, asked);
}

static void test_a_request_without_an_end_is_refused(void)
{
    char words[CONTROL_REQUEST_MAX + 1];
    memset(words, ' ', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    int fd = connect_client();
    say(fd, words);
    TEST_ASSERT_NOT_NULL(strstr(hear(fd), "request too long"));
    TEST_ASSERT_EQUAL_UINT(0, asked);
}

static void test_more_clients_than_there_is_room_for(void)
{
    int clients[CONTROL_CLIENTS_MAX];
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        clients[i] = connect_client();
    serve();
    TEST_ASSERT_EQUAL_STRING("{\"exit\":3,\"size\":31}\n{\"error\":\"too many connections\"}\n",
                             hear(connect_client()));
    say(clients[3], "{\"command\":\"health\"}\n"); /* those who were first are still served */
    TEST_ASSERT_EQUAL_STRING_LEN("{\"exit\":1,", hear(clients[3]), 10);
    int next = connect_client();
    serve();
    say(next, "{\"command\":\"status\"}\n");
    TEST_ASSERT_EQUAL_STRING_LEN("{\"exit\":0,", hear(next), 10);
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (i != 3)
            close(clients[i]);
}

static void test_who_says_nothing_is_dropped(void)
{
    int clients[CONTROL_CLIENTS_MAX];
    char byte;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        clients[i] = connect_client();
    serve();
    now_ns += CONTROL_CLIENT_S * NS_PER_S;
    serve();
    TEST_ASSERT_EQUAL_INT(-1, recv(clients[0], &byte, 1, 0)); /* not yet */
    now_ns++;
    serve();
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        TEST_ASSERT_EQUAL_INT(0, recv(clients[i], &byte, 1, 0));
        close(clients[i]);
    }
}

static void test_who_goes_away_before_the_answer(void)
{
    later = true;
    int fd = connect_client();
    say(fd, "{\"command\":\"reload\"}\n");
    while (!asked)
        serve();
    struct control_call first = last;
    close(fd);
    serve();
    serve();
    later = false;
    struct answer answer; /* takes the same place */
    begin(&answer, CONTROL_STATUS);
    while (asked < 2)
        serve();
    control_answer(control, &first, 0, "of another", 10);
    finish(&answer);
    TEST_ASSERT_EQUAL_STRING(text, answer.text);
    free(answer.text);
}

static void test_the_socket_s_mode(void)
{
    struct stat file;
    mode_t before = umask(0);
    control_close(control);
    control = control_open(path, on_asked, &now_ns);
    TEST_ASSERT_EQUAL_INT(0, stat(path, &file));
    TEST_ASSERT_EQUAL_HEX32(0660, file.st_mode & 07777);
    umask(0777);
    control_close(control);
    control = control_open(path, on_asked, &now_ns);
    TEST_ASSERT_EQUAL_INT(0, stat(path, &file));
    TEST_ASSERT_EQUAL_HEX32(0660, file.st_mode & 07777);
    umask(before);
}

static void test_a_socket_that_is_served_stays(void)
{
    TEST_ASSERT_NULL(control_open(path, on_asked, &now_ns));
    TEST_ASSERT_EQUAL_INT(EADDRINUSE, errno);
    test_every_command_is_asked_and_answered();
}

static void test_a_socket_that_is_abandoned_is_replaced(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    control_close(control);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    TEST_ASSERT_EQUAL_INT(0, bind(fd, (struct sockaddr *)&address, sizeof address));
    close(fd); /* as a daemon that was killed leaves it */
    control = control_open(path, on_asked, &now_ns);
    TEST_ASSERT_NOT_NULL(control);
    test_every_command_is_asked_and_answered();
}

static void test_another_file_is_never_removed(void)
{
    control_close(control);
    control = NULL;
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    close(fd);
    TEST_ASSERT_NULL(control_open(path, on_asked, &now_ns));
    TEST_ASSERT_EQUAL_INT(EADDRINUSE, errno);
    TEST_ASSERT_EQUAL_INT(0, unlink(path));
}

static void test_paths_that_cannot_be(void)
{
    char long_path[200];
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    TEST_ASSERT_NULL(control_open(long_path, on_asked, &now_ns));
    TEST_ASSERT_EQUAL_INT(ENAMETOOLONG, errno);
    TEST_ASSERT_NULL(control_open("/nowhere/control.sock", on_asked, &now_ns));
    TEST_ASSERT_EQUAL_INT(ENOENT, errno);
}

static void test_asking_where_nobody_is(void)
{
    char error[256];
    int status;
    size_t size;
    TEST_ASSERT_NULL(control_ask("/nowhere/control.sock", CONTROL_STATUS, 1, &status, &size, error));
    TEST_ASSERT_NOT_NULL(strstr(error, "is the daemon running?"));
    TEST_ASSERT_NULL(control_ask(path, CONTROL_STATUS, 0, &status, &size, error)); /* nobody serves */
    TEST_ASSERT_EQUAL_STRING("no answer in time", error);
}

/* A server that answers with anything. */
static const char *nonsense;

static void *serve_nonsense(void *context)
{
    int listener = *(int *)context, fd = accept(listener, NULL, NULL);
    char request[CONTROL_REQUEST_MAX];
    if (recv(fd, request, sizeof request, 0) > 0)
        send(fd, nonsense, strlen(nonsense), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void test_answers_that_are_none(void)
{
    static const char *const wrong[] = {"",
                                        "\n",
                                        "hello\n",
                                        "{\"exit\":0,\"size\":5}\nfour",
                                        "{\"exit\":0,\"size\":3}\nfour",
                                        "{\"exit\":0}\n",
                                        "{\"exit\":-1,\"size\":0}\n",
                                        "{\"exit\":256,\"size\":0}\n",
                                        "{\"exit\":0,\"size\":99999999}\n",
                                        "{\"exit\":0,\"size\":0}"};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s.none", path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), status;
    TEST_ASSERT_EQUAL_INT(0, bind(listener, (struct sockaddr *)&address, sizeof address));
    listen(listener, 1);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        pthread_t thread;
        char error[256];
        size_t size;
        nonsense = wrong[i];
        pthread_create(&thread, NULL, serve_nonsense, &listener);
        TEST_ASSERT_NULL_MESSAGE(control_ask(address.sun_path, CONTROL_STATUS, 5, &status, &size, error),
                                 wrong[i]);
        pthread_join(thread, NULL);
    }
    close(listener);
    unlink(address.sun_path);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_every_command_is_asked_and_answered);
    RUN_TEST(test_an_answer_may_come_later);
    RUN_TEST(test_the_largest_answer_goes_to_a_slow_reader);
    RUN_TEST(test_a_request_may_come_in_pieces);
    RUN_TEST(test_what_is_no_request_is_refused);
    RUN_TEST(test_a_request_without_an_end_is_refused);
    RUN_TEST(test_more_clients_than_there_is_room_for);
    RUN_TEST(test_who_says_nothing_is_dropped);
    RUN_TEST(test_who_goes_away_before_the_answer);
    RUN_TEST(test_the_socket_s_mode);
    RUN_TEST(test_a_socket_that_is_served_stays);
    RUN_TEST(test_a_socket_that_is_abandoned_is_replaced);
    RUN_TEST(test_another_file_is_never_removed);
    RUN_TEST(test_paths_that_cannot_be);
    RUN_TEST(test_asking_where_nobody_is);
    RUN_TEST(test_answers_that_are_none);
    return UNITY_END();
}
