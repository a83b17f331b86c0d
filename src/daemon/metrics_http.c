/* SPDX-License-Identifier: BSD-2-Clause
 *
 * metrics_http.c - GET /metrics on a loopback address, by libmicrohttpd on the run loop's own thread: its
 * epoll descriptor is polled, there is no thread of its own. Only where the configuration asks for it, and
 * this build has the library.
 */
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_MICROHTTPD

#include <microhttpd.h>
#include <sys/socket.h>

#include "rolecall/config.h"

enum { CONNECTIONS_MAX = 8, TIMEOUT_S = 10, CONNECTION_MEMORY = 16 << 10 };

struct metrics_http {
    struct MHD_Daemon *daemon;
    metrics_text *text;
    void *context;
    char buffer[METRICS_SIZE];
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type, void *text,
                             size_t size)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **own)
{
    static char not_found[] = "there is only /metrics\n", not_allowed[] = "only GET and HEAD\n";
    struct metrics_http *http = context;
    (void)version, (void)upload;
    if (!*own) { /* the head of the request has come; it is answered when the rest has */
        *own = http;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", not_allowed,
                     sizeof not_allowed - 1);
    if (strcmp(url, "/metrics") != 0)
        return reply(connection, MHD_HTTP_NOT_FOUND, "text/plain", not_found, sizeof not_found - 1);
    size_t size = http->text(http->context, http->buffer, sizeof http->buffer);
    return reply(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", http->buffer, size);
}

struct metrics_http *metrics_http_open(const char *listen, metrics_text *text, void *context)
{
    struct sockaddr_storage address;
    unsigned size;
    if (!config_listen_address(listen, &address, &size)) {
        errno = EINVAL;
        return NULL;
    }
    struct metrics_http *http = calloc(1, sizeof *http);
    if (!http)
        return NULL;
    http->text = text;
    http->context = context;
    unsigned flags = MHD_USE_EPOLL | (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    errno = 0;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, answer, http, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (http->daemon)
        return http;
    free(http);
    errno = errno ? errno : EADDRINUSE;
    return NULL;
}

int metrics_http_fd(const struct metrics_http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

void metrics_http_serve(struct metrics_http *http)
{
    MHD_run(http->daemon);
}

void metrics_http_close(struct metrics_http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    free(http);
}

#else

struct metrics_http *metrics_http_open(const char *listen, metrics_text *text, void *context)
{
    (void)listen, (void)text, (void)context;
    errno = ENOTSUP;
    return NULL;
}

int metrics_http_fd(const struct metrics_http *http)
{
    (void)http;
    return -1;
}

void metrics_http_serve(struct metrics_http *http)
{
    (void)http;
}

void metrics_http_close(struct metrics_http *http)
{
    (void)http;
}

#endif
