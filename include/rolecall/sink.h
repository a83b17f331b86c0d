/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sink.h - where finished events go: files, standard output, sockets, syslog servers, Kafka.
 *
 *     struct sinks *s = sinks_open(options, count, &mistakes);          opens files, reads certificates
 *     ... drop privileges, sandbox ...
 *     sinks_start(s);                                                   one writer thread per output
 *     sinks_line(s, line);                                              each event, from one thread
 *     while (sinks_next_loss(s, false, &loss)) engine_loss(e, &loss);   now and then, from the same thread
 *     sinks_drain(s, 10000);                                            at the end
 *     while (sinks_next_loss(s, true, &loss)) engine_loss(e, &loss);    what was left goes to those that live
 *     sinks_close(s, 1000);
 *
 * Each output has one queue of a fixed size, and takes the lines it wants. sinks_line() never waits for an
 * output (a command that should uses line_file.h). A full queue sheds: flows first, then metrics and IPsec
 * episodes; alerts and losses are given up only where nothing else is left. What is lost is counted by
 * dataset, and told as a struct event_loss once the output takes lines again.
 *
 * A failure is retried for ever, after 0.1 s and then longer and longer, up to 30 s; meanwhile lines stay in
 * the queue.
 *
 * The receiver of a stream (unix, syslog) may get lines twice, never in parts: after a connection broke,
 * lines that it may not have read are sent again (at most SINK_RESENT_MAX bytes of them). event.id tells them
 * apart.
 *
 * sinks_open() and sinks_state() may be asked from any thread; all else from one.
 */
#ifndef ROLECALL_SINK_H
#define ROLECALL_SINK_H

#include <stdbool.h>

#include "rolecall/event_line.h"
#include "rolecall/mistakes.h"

enum sink_kind {
    SINK_FILE, /* appended to; opened again when its path names another file, or none */
    SINK_STDOUT,
    SINK_UNIX,       /* a stream socket; lines end with a newline */
    SINK_SYSLOG_TCP, /* RFC 5424 in RFC 6587 octet counting */
    SINK_SYSLOG_TLS, /* the same in TLS 1.2 or newer (RFC 5425) */
    SINK_KAFKA,
    SINK_KIND_COUNT
};

enum sink_format { SINK_NDJSON, SINK_CEF, SINK_FORMAT_COUNT };

enum {
    SINK_QUEUE_DEFAULT = 16 << 20,
    SINK_QUEUE_MIN = 64 << 10,
    SINK_RESENT_MAX = 256 << 10,
    SINK_FACILITY_DEFAULT = 16, /* local0, RFC 5424 table 1 */
    SINK_ERROR_SIZE = 200
};

/* All texts stay the caller's and are copied by sinks_open(); NULL and 0 take what is said here. */
struct sink_options {
    const char *name; /* in status, metrics and losses; NULL: the kind's name */
    enum sink_kind kind;
    enum sink_format format;
    uint32_t datasets;     /* bits 1u << DATASET_...; 0: all. Losses go everywhere */
    unsigned min_severity; /* alerts below it are not sent; says nothing about other datasets */
    size_t queue_size;     /* bytes; 0: SINK_QUEUE_DEFAULT */

    const char *path;        /* file, unix */
    const char *host;        /* syslog: name or address */
    const char *port;        /* syslog: number or service name; NULL: 514 (TCP), 6514 (TLS) */
    unsigned facility;       /* syslog: 0 to 23, as it is */
    const char *hostname;    /* syslog: HOSTNAME; NULL: this machine's */
    const char *ca_file;     /* TLS: PEM of those that may sign the server; NULL: the system's */
    const char *cert_file;   /* TLS: PEM chain of our own; NULL: none is shown */
    const char *key_file;    /* TLS: its key */
    const char *server_name; /* TLS: the name or address that the certificate must have; NULL: host */

    const char *brokers, *topic;         /* Kafka; key of a message: community id, else none */
    const char *const *kafka_properties; /* Kafka: "name=value", as librdkafka has them; ends with NULL */
};

const char *sink_kind_name(enum sink_kind kind); /* "file" "stdout" "unix" "syslog" "syslog-tls" "kafka" */
const char *sink_format_name(enum sink_format format); /* "ndjson" "cef" */
bool sink_kind_is_built(enum sink_kind kind);          /* Kafka needs librdkafka at build time */

/* NULL: *mistakes says what is wrong, all of it. A network output need not be reachable yet. */
struct sinks;
struct sinks *sinks_open(const struct sink_options *options, unsigned count, struct mistakes *mistakes);
/* What sinks_open() would find wrong with an output: certificates, Kafka's properties. Files, whose opening
 * makes them, are left alone. */
void sink_check(const struct sink_options *options, struct mistakes *mistakes);
bool sinks_start(struct sinks *sinks);          /* false: no thread could be made, errno says why */
size_t sinks_memory(const struct sinks *sinks); /* ceiling in bytes, librdkafka's and OpenSSL's not counted */

void sinks_line(struct sinks *sinks, const struct event_line *line);

/* The next loss that is not told yet, of an output that has room again; `at_end`: of any output. The caller
 * makes an event of it at once. */
bool sinks_next_loss(struct sinks *sinks, bool at_end, struct event_loss *out);

/* Every writer opens its output anew (files that were renamed; certificates are not read again). */
void sinks_reopen(struct sinks *sinks);

/* Waits until all is written; false: not within that time (milliseconds, -1: for ever). What is left then is
 * lost, and outputs that still have some take no more lines. */
bool sinks_drain(struct sinks *sinks, int timeout_ms);
/* Waits once more, ends the threads and frees all. */
void sinks_close(struct sinks *sinks, int timeout_ms);

enum sink_health {
    SINK_OK,
    SINK_RETRYING, /* lines wait in the queue */
    SINK_FAILED    /* for good */
};

struct sink_state {
    const char *name;
    enum sink_kind kind;
    enum sink_health health;
    char error[SINK_ERROR_SIZE]; /* the last failure; "": none since the start. Stays when health is ok again
                                  */
    int64_t health_since_ns;     /* wall clock; 0: never changed */
    uint64_t queued_lines, queued_bytes, queue_size;
    uint64_t written_lines, written_bytes;
    uint64_t lost[DATASET_COUNT]; /* since the start */
    uint64_t resent_lines;        /* sent again after a connection broke */
    uint64_t opened;              /* times the output was opened or connected */
    uint64_t progress; /* moves at least every 2 s while the writer is alive, whatever the output does... */
    bool in_resolver;  /* ...but for name resolution, which may take a minute */
};

unsigned sinks_count(const struct sinks *sinks);
void sinks_state(struct sinks *sinks, unsigned index, struct sink_state *out);

#endif
