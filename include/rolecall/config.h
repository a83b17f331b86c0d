/* SPDX-License-Identifier: BSD-2-Clause
 *
 * config.h - the daemon's configuration, /etc/rolecall/rolecall.json (DESIGN 10).
 *
 * config_load() reads a file, config_from_text() the same from memory; both gather every mistake with its
 * place and give NULL then. config_create() gives what an empty file would: every key has a default that
 * works. The struct is open and its texts belong to it: a caller may replace what a command line option
 * overrides, with texts that live as long. Whoever runs it opens things in this order: capture handles,
 * sandbox (sandbox.h), then outputs, control socket, engine and threads.
 */
#ifndef ROLECALL_CONFIG_H
#define ROLECALL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "rolecall/json_in.h"
#include "rolecall/sink.h"

#define CONFIG_FILE   "/etc/rolecall/rolecall.json"
#define CONFIG_SITE   "/etc/rolecall/site.json"
#define CONFIG_SOCKET "/run/rolecall/control.sock"
#define CONFIG_USER   "rolecall"

enum {
    CONFIG_INTERFACES_MAX = 16,
    CONFIG_OUTPUTS_MAX = 16,
    CONFIG_WORKERS_MAX = 16,
    CONFIG_MATRICES_MAX = 16,
    CONFIG_INTERFACE_NAME_MAX = 15 /* IFNAMSIZ without its NUL, linux/if.h */
};

struct config_capture {
    const char *interfaces[CONFIG_INTERFACES_MAX];
    unsigned interface_count; /* 0: -i must name one */
    int64_t ring_mib;         /* ring buffer of each interface and worker */
    const char *exclude;      /* BPF expression of what is not to be read; NULL: nothing */
    int64_t workers;          /* threads that read and follow flows, 1 to CONFIG_WORKERS_MAX */
    bool promiscuous;
    int64_t silence_s; /* an interface without a packet for so long is told; 0: never */
};

struct config_flows {
    int64_t max;     /* concurrent flows */
    bool every_flow; /* an event for each flow */
};

struct config_metrics {
    const char *file;   /* for node_exporter's textfile collector; NULL: none */
    int64_t interval_s; /* how often the file is written */
    const char *listen; /* "127.0.0.1:9469", "[::1]:9469": loopback only; NULL: none */
};

struct config {
    const char *path; /* as told in messages; NULL: there is no file */
    const char *name; /* observer.name, or NULL */
    const char *user; /* taken when started as root; NULL: CONFIG_USER where it exists */
    struct config_capture capture;
    struct config_flows flows;
    const char *site;  /* path; NULL: CONFIG_SITE where it is there, else no site */
    const char *rules; /* folder, or NULL: as rules_load() says */
    const char *matrices[CONFIG_MATRICES_MAX];
    unsigned matrix_count; /* 0: the site's */
    struct sink_options outputs[CONFIG_OUTPUTS_MAX];
    unsigned output_count; /* never 0 */
    struct config_metrics metrics;
    const char *control; /* path of the socket; NULL: none */
    int64_t stats_s;     /* a stats event so often; 0: never */
    int64_t memory_mib;  /* refuse to start above this ceiling; 0: no limit */
    struct config_memory *memory;
    struct json_in *document; /* NULL when no file stands behind it */
};

struct config *config_load(const char *path, struct mistakes *mistakes);
/* Never NULL: what of the file could be understood, beside its mistakes. For `config check`, not to run by.
 */
struct config *config_load_understood(const char *path, struct mistakes *mistakes);
struct config *config_from_text(const char *name, const char *text, size_t size, struct mistakes *mistakes);
struct config *config_create(void);
/* Names the keys of the root that stand otherwise in `now`, with ", " between them; "": none. */
enum { CONFIG_CHANGED_SIZE = 160 };
void config_changed(const struct config *old, const struct config *now, char out[CONFIG_CHANGED_SIZE]);
void config_free(struct config *config);

/* The commented file that `config default` prints; config_load() takes it as it is. */
extern const char config_default_text[];

/* "127.0.0.1:9469" or "[::1]:9469", a loopback address and a port; false: anything else. */
struct sockaddr_storage;
bool config_listen_address(const char *text, struct sockaddr_storage *out, unsigned *size);

#endif
