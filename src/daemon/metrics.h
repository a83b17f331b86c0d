/* SPDX-License-Identifier: BSD-2-Clause
 *
 * metrics.h - the daemon's state as Prometheus text (exposition format 0.0.4): asked for by `ctl metrics`, as
 * a file for node_exporter's textfile collector, and over HTTP on loopback where the configuration asks for
 * it. All on the run loop's thread. Labels are interface and output names, never an address, a port, or
 * anything that came from the wire.
 */
#ifndef ROLECALL_DAEMON_METRICS_H
#define ROLECALL_DAEMON_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include "state.h"

enum { METRICS_SIZE = 256 << 10 };

/* Gives the bytes written; a family that would not fit is left out as a whole, and the last one counts those.
 */
size_t metrics_write(const struct daemon_state *state, char *out, size_t size);

/* Writes beside `path` and renames, so that a reader never sees half of it. False: errno says why. */
bool metrics_write_file(const char *path, const char *text, size_t size);

/* GET /metrics. `text` is asked on each request, for at most METRICS_SIZE bytes. NULL: it could not be
 * opened, or this build has no libmicrohttpd (errno ENOTSUP). */
struct metrics_http;
typedef size_t metrics_text(void *context, char *out, size_t size);
struct metrics_http *metrics_http_open(const char *listen, metrics_text *text, void *context);
int metrics_http_fd(
    const struct metrics_http *http); /* readable: call metrics_http_serve(), and once a second */
void metrics_http_serve(struct metrics_http *http);
void metrics_http_close(struct metrics_http *http);

#endif
