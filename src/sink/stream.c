/* SPDX-License-Identifier: BSD-2-Clause
 *
 * stream.c - lines over a connection: a unix stream socket, TCP, or TLS over TCP (tls.c). It connects,
 * notices that the peer is gone, and knows which lines a broken connection may not have brought across: those
 * that the peer's kernel has not acknowledged, and, where the peer went without closing in order, all that
 * are kept.
 */
#include "output.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONNECT_MS = 10000,
    STALLED_MS = 5000,        /* then it is told that the peer takes nothing */
    USER_TIMEOUT_MS = 120000, /* RFC 5482: unacknowledged for so long, the connection is given up */
    KEEPALIVE_S = 30,         /* a silent connection is asked after so long, */
    KEEPALIVE_EVERY_S = 10,   /* and again, */
    KEEPALIVE_COUNT = 3,      /* so often */
    SEND_BUFFER = 64 << 10,   /* doubled by Linux; what is in it must be in the window too */
    LINGER_MS = 500
};

_Static_assert(2 * SEND_BUFFER <= SINK_RESENT_MAX, "what was not acknowledged can be sent again");

struct stream {
    int fd;
    struct tls_config *config; /* NULL: no TLS */
    struct tls *tls;
    uint64_t carried; /* bytes that this connection took */
    int64_t took_ms;
};

static const char *port_of(const struct sink_options *options)
{
    if (options->port)
        return options->port;
    return options->kind == SINK_SYSLOG_TLS ? "6514" : "514"; /* RFC 5425 section 4.1; custom */
}

static void tell_trouble(struct output *output, const char *what)
{
    const struct sink_options *options = &output->options;
    if (options->kind == SINK_UNIX)
        output_trouble(output, "%s: %s", options->path, what);
    else
        output_trouble(output, "%s port %s: %s", options->host, port_of(options), what);
}

static bool prepare_stream(struct output *output, struct mistakes *mistakes)
{
    struct stream *stream = output->own = calloc(1, sizeof *stream);
    if (!stream)
        return false;
    stream->fd = -1;
    if (output->options.kind == SINK_UNIX) {
        if (strlen(output->options.path) < sizeof((struct sockaddr_un *)NULL)->sun_path)
            return true;
        mistakes_add(mistakes, output->options.path, 0, 0, "", "a path of more than 107 bytes",
                     "the path of a socket");
        return false;
    }
    if (output->options.kind == SINK_SYSLOG_TLS)
        stream->config = tls_config_create(&output->options, mistakes);
    return output->options.kind != SINK_SYSLOG_TLS || stream->config;
}

/* Waits until the connection stands. 0, or errno. */
static int finish_connect(struct output *output, int fd)
{
    int64_t until = clock_steady_ms() + CONNECT_MS;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    while (!output_must_stop(output) && clock_steady_ms() < until) {
        if (poll(&ready, 1, SLICE_MS) <= 0)
            continue;
        int error = 0;
        socklen_t size = sizeof error;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
    }
    return ETIMEDOUT;
}

/* A connected socket, or -1 and errno. */
static int connect_to(struct output *output, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int error = connect(fd, address, size) == 0 ? 0 : errno;
    if (error == EINPROGRESS)
        error = finish_connect(output, fd);
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

static void set_option(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value); /* works without, only worse */
}

static void set_tcp_options(int fd)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* lines come in batches already */
    set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER);
}

static int connect_tcp(struct output *output)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int fd = -1;
    output_in_resolver(output, true);
    int error = getaddrinfo(output->options.host, port_of(&output->options), &hints, &found);
    output_in_resolver(output, false);
    if (error) {
        tell_trouble(output, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
        return -1;
    }
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = connect_to(output, at->ai_addr, at->ai_addrlen);
    if (fd < 0)
        tell_trouble(output, strerror(errno));
    else
        set_tcp_options(fd);
    freeaddrinfo(found);
    return fd;
}

static int connect_unix(struct output *output)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, output->options.path, strlen(output->options.path));
    int fd = connect_to(output, (const struct sockaddr *)&address, sizeof address);
    if (fd < 0)
        tell_trouble(output, strerror(errno));
    return fd;
}

static bool open_stream(struct output *output)
{
    struct stream *stream = output->own;
    stream->fd = output->options.kind == SINK_UNIX ? connect_unix(output) : connect_tcp(output);
    if (stream->fd < 0)
        return false;
    stream->carried = 0;
    stream->took_ms = clock_steady_ms();
    if (!stream->config || (stream->tls = tls_connect(stream->config, stream->fd, output)))
        return true;
    close(stream->fd);
    stream->fd = -1;
    return false;
}

/* What the peer says is read and dropped: that is how its end is noticed. */
static enum stream_life listen_to(struct stream *stream, struct output *output)
{
    char dropped[4096];
    if (stream->tls)
        return tls_listen(stream->tls, output);
    for (unsigned i = 0; i < 16; i++) {
        ssize_t got = recv(stream->fd, dropped, sizeof dropped, MSG_DONTWAIT);
        if (got == 0) {
            tell_trouble(output, "the receiver closed the connection");
            return STREAM_ENDED;
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            tell_trouble(output, strerror(errno));
            return STREAM_BROKEN;
        }
        if (got < 0)
            break;
    }
    return STREAM_LIVES;
}

/* What the peer's kernel has of the bytes carried; 0 where that is not known. */
static uint64_t acknowledged(const struct stream *stream)
{
    int left = 0;
    if (ioctl(stream->fd, SIOCOUTQ, &left) != 0 || left < 0 || (uint64_t)left > stream->carried)
        return 0;
    return stream->carried - (uint64_t)left;
}

static bool still_lives(struct stream *stream, struct output *output)
{
    enum stream_life life = listen_to(stream, output);
    if (life == STREAM_LIVES)
        return true;
    output_resend(output, life == STREAM_ENDED ? acknowledged(stream) : 0);
    return false;
}

/* Bytes taken; 0: not now; -1: broken, trouble was told. */
static long hand_over(struct stream *stream, struct output *output, short *events)
{
    size_t size;
    const char *bytes = output_unsent(output, &size);
    *events = POLLOUT;
    if (stream->tls) {
        long took = tls_send(stream->tls, bytes, size, events, output);
        stream->carried = tls_carried(stream->tls);
        return took;
    }
    ssize_t took = send(stream->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (took >= 0)
        stream->carried += (uint64_t)took;
    else if (errno == EAGAIN || errno == EINTR)
        return 0;
    else
        tell_trouble(output, strerror(errno));
    return took;
}

static bool send_stream(struct output *output)
{
    struct stream *stream = output->own;
    short events;
    if (!still_lives(stream, output))
        return false;
    long took = hand_over(stream, output, &events);
    if (took < 0) {
        output_resend(output, 0);
        return false;
    }
    int64_t now = clock_steady_ms();
    if (took > 0) {
        output_sent(output, (size_t)took, stream->carried);
        stream->took_ms = now;
        return true;
    }
    if (now - stream->took_ms > STALLED_MS)
        tell_trouble(output, "the receiver is connected, but reads nothing");
    struct pollfd ready = {.fd = stream->fd, .events = events};
    poll(&ready, 1, SLICE_MS);
    return true;
}

static bool look_after_stream(struct output *output)
{
    return still_lives(output->own, output);
}

/* Closing a socket with bytes to be read would reset the connection, and could cost the last lines. */
static void linger(const struct stream *stream)
{
    char dropped[4096];
    int64_t until = clock_steady_ms() + LINGER_MS;
    struct pollfd ready = {.fd = stream->fd, .events = POLLIN};
    while (clock_steady_ms() < until)
        if (poll(&ready, 1, SLICE_MS) > 0 && recv(stream->fd, dropped, sizeof dropped, MSG_DONTWAIT) <= 0)
            break;
}

static void close_stream(struct output *output)
{
    struct stream *stream = output->own;
    tls_free(stream->tls);
    stream->tls = NULL;
    shutdown(stream->fd, SHUT_WR);
    if (output_must_stop(output))
        linger(stream);
    close(stream->fd);
    stream->fd = -1;
}

static void free_stream(struct output *output)
{
    struct stream *stream = output->own;
    if (stream)
        tls_config_free(stream->config);
    free(stream);
}

const struct backend backend_stream = {.keeps_sent = true,
                                       .backoff_max_ms = 30000,
                                       .prepare = prepare_stream,
                                       .open = open_stream,
                                       .send = send_stream,
                                       .look_after = look_after_stream,
                                       .close = close_stream,
                                       .free = free_stream};
