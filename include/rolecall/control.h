/* SPDX-License-Identifier: BSD-2-Clause
 *
 * control.h - the control socket of a running daemon: /run/rolecall/control.sock, mode 0660.
 *
 * A request is one line of JSON, {"command":"status"}; the reply is one line {"exit":0,"size":N} and N bytes:
 * one line of JSON, or Prometheus text for "metrics". The connection then ends. Who may open the socket may
 * ask everything; nothing can be asked that shows captured bytes or writes anywhere else.
 *
 * The daemon's side runs on one thread and never blocks: control_open() once, control_fd() into the run
 * loop's poll, control_serve() when it is readable and at least once a second. Each request is handed to the
 * `asked` function as a struct control_call; it is answered by control_answer(), at once or later (a reload
 * may take its time elsewhere, but control_answer() belongs to the serving thread). Clients, request size,
 * reply size and time are bounded; a call whose client has gone is answered into nothing.
 */
#ifndef ROLECALL_CONTROL_H
#define ROLECALL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum control_command {
    CONTROL_STATUS,
    CONTROL_HEALTH,
    CONTROL_METRICS,
    CONTROL_RELOAD,
    CONTROL_REOPEN,
    CONTROL_COMMANDS
};

enum {
    CONTROL_CLIENTS_MAX = 8,     /* one more is turned away */
    CONTROL_REQUEST_MAX = 256,   /* bytes of a request, its newline included */
    CONTROL_REPLY_MAX = 1 << 20, /* bytes of a reply's second part */
    CONTROL_CLIENT_S = 30        /* a client that is not through by then is dropped; calls in hand excepted */
};

struct control;

struct control_call {
    enum control_command command;
    unsigned client; /* the rest is the server's own */
    uint64_t connection;
};

typedef void control_asked(void *context, const struct control_call *call);

/* Listens at `path`; a socket that nobody serves any more is replaced. NULL: errno says why (EADDRINUSE:
 * another daemon serves it). */
struct control *control_open(const char *path, control_asked *asked, void *context);
int control_fd(const struct control *control); /* readable: call control_serve() */
void control_serve(struct control *control, int64_t now_ns /* monotonic */);
/* `status`: the exit status that `rolecall ctl` shall have. Copies the text. */
void control_answer(struct control *control, const struct control_call *call, int status, const char *text,
                    size_t size);
void control_close(struct control *control); /* and removes the socket; NULL is fine */

/* The request of one line, without its newline; CONTROL_COMMANDS: it is none. Hostile input welcome. */
enum control_command control_parse(const char *line, size_t size);
const char *control_command_name(enum control_command command);

/* The client's side, blocking: asks and gives the reply's second part, to be freed; NULL and a sentence in
 * `error` when there is none. `wait_s`: how long to wait for it. */
char *control_ask(const char *path, enum control_command command, unsigned wait_s, int *status, size_t *size,
                  char error[256]);

#endif
