/* SPDX-License-Identifier: BSD-2-Clause
 *
 * control.c - the serving side of the control socket (control.h). One epoll descriptor holds the listening
 * socket and at most CONTROL_CLIENTS_MAX clients; every socket is non-blocking, so a slow or hostile client
 * costs its own slot until its time is up, and nothing else. What the commands mean is the run loop's matter.
 */
#include "rolecall/control.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rolecall/json_in.h"

enum { SOCKET_MODE = 0660, BACKLOG = 8, HEAD_SIZE = 64 };
static const int64_t NS_PER_S = 1000000000;

enum client_state { CLIENT_NONE, CLIENT_ASKS, CLIENT_WAITS, CLIENT_READS };

struct client {
    enum client_state state;
    int fd;
    uint64_t connection;
    int64_t deadline_ns;
    char request[CONTROL_REQUEST_MAX];
    size_t used;
    char *reply;
    size_t size, sent;
};

struct control {
    char *path;
    int listener, epoll;
    control_asked *asked;
    void *context;
    uint64_t connections;
    struct client clients[CONTROL_CLIENTS_MAX];
};

static const char *const command_names[] = {
    [CONTROL_STATUS] = "status", [CONTROL_HEALTH] = "health", [CONTROL_METRICS] = "metrics",
    [CONTROL_RELOAD] = "reload", [CONTROL_REOPEN] = "reopen", [CONTROL_COMMANDS] = NULL};

const char *control_command_name(enum control_command command)
{
    return command_names[command];
}

enum control_command control_parse(const char *line, size_t size)
{
    unsigned command = CONTROL_COMMANDS;
    static const struct json_key keys[] = {
        {.name = "command", .kind = JSON_TEXT, .required = true, .choices = command_names}};
    struct mistakes mistakes = {0};
    struct json_in *in = json_in_text("request", line, size, &mistakes);
    if (in) {
        struct json_value root = json_root(in);
        json_read(&root, keys, 1, &command, NULL);
    }
    if (mistakes.count > 0)
        command = CONTROL_COMMANDS;
    json_in_free(in);
    mistakes_clear(&mistakes);
    return command;
}

/* Life. */

static bool is_abandoned(const struct sockaddr_un *address)
{
    struct stat file;
    if (lstat(address->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

/* The mode is set before the name exists: bind() takes it from the socket, less the umask. */
static bool listen_at(int fd, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(address.sun_path, path);
    if (fchmod(fd, SOCKET_MODE) != 0)
        return false;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        if (errno != EADDRINUSE)
            return false;
        if (!is_abandoned(&address) || unlink(path) != 0) {
            errno = EADDRINUSE;
            return false;
        }
        if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
            return false;
    }
    return chmod(path, SOCKET_MODE) == 0 && listen(fd, BACKLOG) == 0;
}

static bool watch(struct control *control, int fd, int operation, uint32_t events, uint32_t who)
{
    struct epoll_event event = {.events = events, .data.u32 = who};
    return epoll_ctl(control->epoll, operation, fd, &event) == 0;
}

struct control *control_open(const char *path, control_asked *asked, void *context)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return NULL;
    *control = (struct control){.epoll = -1, .listener = -1, .asked = asked, .context = context};
    control->epoll = epoll_create1(EPOLL_CLOEXEC);
    control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (control->epoll < 0 || control->listener < 0 || !listen_at(control->listener, path) ||
        !watch(control, control->listener, EPOLL_CTL_ADD, EPOLLIN, CONTROL_CLIENTS_MAX) ||
        !(control->path = strdup(path))) {
        int error = errno;
        control_close(control);
        errno = error;
        return NULL;
    }
    return control;
}

int control_fd(const struct control *control)
{
    return control->epoll;
}

static void drop(struct client *client)
{
    if (client->state == CLIENT_NONE)
        return;
    close(client->fd); /* which takes it out of the epoll set too */
    free(client->reply);
    *client = (struct client){.state = CLIENT_NONE};
}

void control_close(struct control *control)
{
    if (!control)
        return;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        drop(&control->clients[i]);
    if (control->listener >= 0)
        close(control->listener);
    if (control->epoll >= 0)
        close(control->epoll);
    if (control->path)
        unlink(control->path);
    free(control->path);
    free(control);
}

/* Replies. */

static void send_reply(struct control *control, struct client *client)
{
    while (client->sent < client->size) {
        ssize_t n = send(client->fd, client->reply + client->sent, client->size - client->sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (!watch(control, client->fd, EPOLL_CTL_MOD, EPOLLOUT, (uint32_t)(client - control->clients)))
                drop(client);
            return;
        }
        if (n < 0)
            break;
        client->sent += (size_t)n;
    }
    drop(client);
}

void control_answer(struct control *control, const struct control_call *call, int status, const char *text,
                    size_t size)
{
    assert(call->client < CONTROL_CLIENTS_MAX && size <= CONTROL_REPLY_MAX);
    struct client *client = &control->clients[call->client];
    if (client->state != CLIENT_WAITS || client->connection != call->connection)
        return; /* it has gone */
    client->reply = malloc(HEAD_SIZE + size);
    if (!client->reply) {
        drop(client);
        return;
    }
    size_t head = (size_t)snprintf(client->reply, HEAD_SIZE, "{\"exit\":%d,\"size\":%zu}\n", status, size);
    memcpy(client->reply + head, text, size);
    client->size = head + size;
    client->state = CLIENT_READS;
    send_reply(control, client);
}

/* Requests. */

static void answer_mistake(struct control *control, struct client *client, const char *text)
{
    struct control_call call = {.client = (unsigned)(client - control->clients),
                                .connection = client->connection};
    client->state = CLIENT_WAITS;
    control_answer(control, &call, 2, text, strlen(text));
}

static void ask(struct control *control, struct client *client, size_t size)
{
    struct control_call call = {.command = control_parse(client->request, size),
                                .client = (unsigned)(client - control->clients),
                                .connection = client->connection};
    if (call.command == CONTROL_COMMANDS) {
        answer_mistake(control, client, "{\"error\":\"no such request\"}\n");
        return;
    }
    client->state = CLIENT_WAITS; /* nothing more is read from it; that it goes away is still told */
    if (watch(control, client->fd, EPOLL_CTL_MOD, 0, call.client))
        control->asked(control->context, &call);
    else
        drop(client);
}

static void receive(struct control *control, struct client *client)
{
    ssize_t n = recv(client->fd, client->request + client->used, sizeof client->request - client->used, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        drop(client);
        return;
    }
    client->used += (size_t)n;
    const char *end = memchr(client->request, '\n', client->used);
    if (end)
        ask(control, client, (size_t)(end - client->request));
    else if (client->used == sizeof client->request)
        answer_mistake(control, client, "{\"error\":\"request too long\"}\n");
}

static void accept_clients(struct control *control, int64_t now_ns)
{
    static const char busy[] = "{\"exit\":3,\"size\":31}\n{\"error\":\"too many connections\"}\n";
    for (;;) {
        int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        unsigned i = 0;
        while (i < CONTROL_CLIENTS_MAX && control->clients[i].state != CLIENT_NONE)
            i++;
        if (i == CONTROL_CLIENTS_MAX || !watch(control, fd, EPOLL_CTL_ADD, EPOLLIN, i)) {
            ssize_t unused = send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
            (void)unused;
            close(fd);
            continue;
        }
        control->clients[i] = (struct client){.state = CLIENT_ASKS,
                                              .fd = fd,
                                              .connection = ++control->connections,
                                              .deadline_ns = now_ns + CONTROL_CLIENT_S * NS_PER_S};
    }
}

static void serve_client(struct control *control, struct client *client, uint32_t events)
{
    if (client->state == CLIENT_ASKS && events & EPOLLIN)
        receive(control, client);
    else if (client->state == CLIENT_READS && events & EPOLLOUT)
        send_reply(control, client);
    else if (events & (EPOLLHUP | EPOLLERR))
        drop(client);
}

void control_serve(struct control *control, int64_t now_ns)
{
    struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
    int count = epoll_wait(control->epoll, events, CONTROL_CLIENTS_MAX + 1, 0);
    for (int i = 0; i < count; i++)
        if (events[i].data.u32 < CONTROL_CLIENTS_MAX)
            serve_client(control, &control->clients[events[i].data.u32], events[i].events);
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &control->clients[i];
        if (client->state == CLIENT_WAITS)
            client->deadline_ns = now_ns + CONTROL_CLIENT_S * NS_PER_S;
        else if (client->state != CLIENT_NONE && now_ns > client->deadline_ns)
            drop(client);
    }
    accept_clients(control, now_ns); /* last: an event of this turn belongs to the client it was told for */
}
