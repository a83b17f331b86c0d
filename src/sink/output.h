/* SPDX-License-Identifier: BSD-2-Clause
 *
 * output.h - one output: its queue, its writer thread, and the window of framed lines that are on their way.
 *
 * The writer (output.c) takes lines from the queue, frames them into the window and lets the backend send
 * what is not sent yet. What was sent stays in the window of a stream until room is needed, so that it can be
 * sent again after the connection broke. A backend (file.c, stream.c, kafka.c) knows nothing of queue and
 * losses.
 *
 * `lock` guards what the functions of sink.h touch: queue, flags, state, loss, and the window's counts (not
 * its bytes). The rest is the writer's own once it runs.
 */
#ifndef SINK_OUTPUT_H
#define SINK_OUTPUT_H

#include <pthread.h>

#include "queue.h"
#include "rolecall/clock.h"
#include "rolecall/sink.h"

enum {
    FRAME_MAX = 8192,      /* a line of 7,600 bytes and a syslog header */
    BATCH_SIZE = 64 << 10, /* framed ahead of the backend */
    FRAMES_MAX = 2048,
    SLICE_MS = 250, /* longest wait inside a backend's call */
    TICK_MS = 1000  /* how often an idle output is looked after */
};

struct frame_note {
    size_t end;          /* offset in the window */
    uint64_t stream_end; /* bytes of the connection up to and with it, once sent */
    uint64_t sequence;
    uint8_t dataset;
    bool again; /* was sent before */
    char key[QUEUE_KEY_SIZE];
};

struct window {
    char *bytes;
    size_t size, used;
    struct frame_note frames[FRAMES_MAX];
    unsigned count;
    unsigned sent;  /* frames that were handed over whole */
    size_t partial; /* bytes of frames[sent] that were */
};

struct output;

struct backend {
    bool keeps_sent; /* what was sent may have to be sent again */
    int backoff_max_ms;
    /* Reads what must be read while we may (files, certificates). False: *mistakes says why. */
    bool (*prepare)(struct output *output, struct mistakes *mistakes);
    bool (*open)(struct output *output); /* false: output_trouble() was told */
    /* Sends what it can without waiting longer than SLICE_MS, and tells output_sent(). */
    bool (*send)(struct output *output);
    bool (*look_after)(struct output *output); /* each TICK_MS; false: it is broken */
    bool (*reopen)(struct output *output);     /* NULL: nothing to open anew */
    void (*close)(struct output *output);
    /* Not NULL: lines that were sent are kept back until output_delivered() or output_lost(). This ends the
     * wait: what is kept back is lost. */
    void (*give_up)(struct output *output);
    void (*free)(struct output *output);
};

extern const struct backend backend_file, backend_stdout, backend_stream;
extern const struct backend *const backend_kafka; /* NULL: not built */

struct output {
    struct sink_options options; /* texts are owned */
    const struct backend *backend;
    void *own; /* the backend's */

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;  /* for the writer: lines, or a flag below */
    pthread_cond_t moved; /* for others: the writer wrote, or failed */
    bool is_idle;         /* the writer waits for lines */
    bool must_reopen, must_hurry, must_stop;
    bool is_given_up;   /* takes no more lines */
    bool is_ending;     /* the last losses are being told */
    bool has_ended;     /* the writer */
    bool has_in_hand;   /* a line on its way from the queue to the window */
    uint64_t kept_back; /* lines sent that the backend has not delivered yet */
    struct queue *queue;
    struct sink_state state;
    struct event_loss loss; /* not told yet; first_sequence 0: none */
    bool wrote_since_loss;
    int64_t loss_told_ms;
    char reason[SINK_ERROR_SIZE + 64],
        told_reason[SINK_ERROR_SIZE + 64]; /* of `loss`; of the last one told */

    struct window window;
    bool is_open;
    int64_t opened_ms, looked_ms;
    int backoff_ms;
};

/* The part of the window that is to be sent. */
const char *output_unsent(const struct output *output, size_t *size);
/* `size` bytes of it were handed over; the connection has carried `stream_end` bytes by now. */
void output_sent(struct output *output, size_t size, uint64_t stream_end);
/* The current frame will be sent from its beginning. */
void output_restart_frame(struct output *output);
/* The connection is gone: sent frames beyond `safe` bytes of it are sent again, by the next one. */
void output_resend(struct output *output, uint64_t safe);
/* A line was handed on, or was lost, by a backend that keeps lines back. */
void output_delivered(struct output *output, size_t size);
void output_lost(struct output *output, enum event_dataset dataset, uint64_t sequence, const char *reason);
/* What is wrong; the state becomes "retrying", or "failed" where retrying is not wanted. */
void output_trouble(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* It cannot be mended: the output takes no more lines. */
void output_fail(struct output *output);
void output_opened(struct output *output);
void output_is_well(struct output *output);
bool output_must_stop(struct output *output);
void output_in_resolver(struct output *output, bool inside);

/* Between output.c and writer.c; the lock is held. */
bool output_wait_until(struct output *output, pthread_cond_t *condition,
                       int64_t until_ms); /* false: the time came */
void output_note_loss(struct output *output, enum event_dataset dataset, uint64_t sequence,
                      const char *reason);
void output_lose_line(void *output, const struct queue_note *note); /* for want of room, or of time */
void output_count_written(struct output *output, size_t lines, size_t bytes);

/* Used by sinks.c. */
bool output_init(struct output *output, const struct sink_options *options, struct mistakes *mistakes);
void output_fini(struct output *output);
bool output_start(struct output *output);
size_t output_memory(const struct output *output);
void output_line(struct output *output, const struct event_line *line);
bool output_take_loss(struct output *output, bool at_end, struct event_loss *out);
uint64_t output_waiting(const struct output *output);       /* lines not delivered; the lock is held */
bool output_drain(struct output *output, int64_t until_ms); /* until_ms -1: for ever */
bool output_stop(struct output *output, int64_t until_ms);  /* false: its thread hangs in a call */

/* frame.c: a line as the output sends it; 0: it has no such form. */
size_t frame_line(const struct sink_options *options, const struct queue_note *note, const char *text,
                  char out[FRAME_MAX]);
/* tls.c: what stream.c needs of OpenSSL. */
struct tls_config;
struct tls_config *tls_config_create(const struct sink_options *options, struct mistakes *mistakes);
void tls_config_free(struct tls_config *config);
struct tls;
struct tls *tls_connect(struct tls_config *config, int fd,
                        struct output *output); /* NULL: trouble was told */
/* Bytes taken; 0: not now, wait for *events; -1: broken, trouble was told. */
long tls_send(struct tls *tls, const char *bytes, size_t size, short *events, struct output *output);
enum stream_life { STREAM_LIVES, STREAM_ENDED, STREAM_BROKEN };
enum stream_life tls_listen(struct tls *tls, struct output *output);
uint64_t tls_carried(struct tls *tls); /* bytes written to the socket */
void tls_free(struct tls *tls);

#endif
