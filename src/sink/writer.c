/* SPDX-License-Identifier: BSD-2-Clause
 *
 * writer.c - the thread of an output: it takes lines from the queue, frames them into the window, has the
 * backend send what is not sent yet, and begins anew after a failure; see output.h. It never holds the lock
 * while it waits for the outside.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "output.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_HURRY_MS = 250, /* at the end there is no time for more */
    STEADY_MS = 10000       /* a connection that lasted so long was a good one */
};

/* ---- the window ---- */

static size_t start_of(const struct window *window, unsigned frame)
{
    return frame ? window->frames[frame - 1].end : 0;
}

const char *output_unsent(const struct output *o, size_t *size)
{
    const struct window *window = &o->window;
    size_t from = start_of(window, window->sent) + window->partial;
    *size = window->count > window->sent ? window->used - from : 0;
    return window->bytes + from;
}

void output_sent(struct output *o, size_t size, uint64_t stream_end)
{
    struct window *window = &o->window;
    pthread_mutex_lock(&o->lock);
    window->partial += size;
    while (window->sent < window->count) {
        struct frame_note *frame = &window->frames[window->sent];
        size_t frame_size = frame->end - start_of(window, window->sent);
        if (window->partial < frame_size)
            break;
        window->partial -= frame_size;
        window->sent++;
        frame->stream_end = stream_end;
        if (o->backend->give_up)
            o->kept_back++;
        else if (o->is_given_up)
            continue;
        else if (frame->again)
            o->state.resent_lines++;
        else
            output_count_written(o, 1, frame_size);
    }
    pthread_mutex_unlock(&o->lock);
}

void output_restart_frame(struct output *o)
{
    o->window.partial = 0;
}

/* Forgets the window's first frames. */
static void forget(struct window *window, unsigned count)
{
    size_t gone = start_of(window, count);
    memmove(window->bytes, window->bytes + gone, window->used - gone);
    memmove(window->frames, window->frames + count, (window->count - count) * sizeof *window->frames);
    window->used -= gone;
    window->count -= count;
    window->sent -= count;
    for (unsigned i = 0; i < window->count; i++)
        window->frames[i].end -= gone;
}

void output_resend(struct output *o, uint64_t safe)
{
    struct window *window = &o->window;
    pthread_mutex_lock(&o->lock);
    unsigned first = 0;
    while (first < window->sent && window->frames[first].stream_end <= safe)
        first++;
    forget(window, first);
    for (unsigned i = 0; i < window->sent; i++)
        window->frames[i].again = true;
    window->sent = 0;
    window->partial = 0;
    pthread_mutex_unlock(&o->lock);
}

static bool window_is_full(const struct window *window)
{
    return window->count == FRAMES_MAX || window->used + FRAME_MAX > window->size;
}

/* Room for a frame, where need be by forgetting a part of what was sent. What nobody asks for again waits
 * until all is sent: then nothing has to be moved. */
static bool make_room(struct output *o)
{
    struct window *window = &o->window;
    if (window->used - start_of(window, window->sent) >= BATCH_SIZE)
        return false;
    if (window_is_full(window) && (o->backend->keeps_sent || window->sent == window->count)) {
        unsigned count = 0;
        while (count < window->sent && (count < FRAMES_MAX / 4 && start_of(window, count) < BATCH_SIZE))
            count++;
        pthread_mutex_lock(&o->lock);
        forget(window, count);
        pthread_mutex_unlock(&o->lock);
    }
    return !window_is_full(window);
}

static bool take_line(struct output *o, struct queue_note *note, char text[QUEUE_LINE_MAX + 1])
{
    pthread_mutex_lock(&o->lock);
    bool took = o->has_in_hand = queue_take(o->queue, note, text);
    if (took)
        text[note->size] = '\0';
    pthread_mutex_unlock(&o->lock);
    return took;
}

static void keep_frame(struct output *o, const struct queue_note *note, size_t size)
{
    struct window *window = &o->window;
    pthread_mutex_lock(&o->lock);
    o->has_in_hand = false;
    if (o->is_given_up) {
        output_lose_line(o, note);
        pthread_cond_broadcast(&o->moved); /* output_drain() waits for it */
    } else if (!size) {
        output_note_loss(o, (enum event_dataset)note->dataset, note->sequence, "the event has no such form");
    } else {
        window->used += size;
        struct frame_note *frame = &window->frames[window->count++];
        *frame =
            (struct frame_note){.end = window->used, .sequence = note->sequence, .dataset = note->dataset};
        memcpy(frame->key, note->key, sizeof frame->key);
    }
    pthread_mutex_unlock(&o->lock);
}

static void fill_window(struct output *o)
{
    struct queue_note note;
    char text[QUEUE_LINE_MAX + 1];
    if (!o->backend->keeps_sent && o->window.sent == o->window.count)
        make_room(o);
    while (make_room(o) && take_line(o, &note, text))
        keep_frame(o, &note, frame_line(&o->options, &note, text, o->window.bytes + o->window.used));
}

/* ---- the writer ---- */

static void close_it(struct output *o)
{
    if (o->is_open)
        o->backend->close(o);
    o->is_open = false;
}

static bool open_it(struct output *o)
{
    if (!o->backend->open(o))
        return false;
    o->is_open = true;
    o->opened_ms = o->looked_ms = clock_steady_ms();
    output_opened(o);
    size_t unsent;
    output_unsent(o, &unsent);
    if (!unsent)
        output_is_well(o);
    return true;
}

static bool may_wait(const struct output *o)
{
    return !o->must_stop && !o->must_reopen;
}

/* After a failure: longer and longer, from the beginning again after a connection that lasted. */
static void pause_writer(struct output *o)
{
    int64_t now = clock_steady_ms();
    if (o->opened_ms && now - o->opened_ms > STEADY_MS)
        o->backoff_ms = 0;
    o->opened_ms = 0;
    o->backoff_ms = o->backoff_ms ? 2 * o->backoff_ms : BACKOFF_FIRST_MS;
    if (o->backoff_ms > o->backend->backoff_max_ms)
        o->backoff_ms = o->backend->backoff_max_ms;
    pthread_mutex_lock(&o->lock);
    while (may_wait(o)) {
        int64_t until =
            now + (o->must_hurry && o->backoff_ms > BACKOFF_HURRY_MS ? BACKOFF_HURRY_MS : o->backoff_ms);
        int64_t here = clock_steady_ms();
        if (here >= until)
            break;
        output_wait_until(o, &o->wake, here + TICK_MS < until ? here + TICK_MS : until);
        o->state.progress++;
    }
    pthread_mutex_unlock(&o->lock);
}

static void wait_for_lines(struct output *o)
{
    pthread_mutex_lock(&o->lock);
    o->is_idle = true;
    if (may_wait(o) && !queue_lines(o->queue))
        output_wait_until(o, &o->wake, clock_steady_ms() + (o->kept_back ? SLICE_MS / 4 : TICK_MS));
    o->is_idle = false;
    pthread_mutex_unlock(&o->lock);
}

/* True: it still works. */
static bool serve(struct output *o, bool must_reopen)
{
    if (must_reopen && o->backend->reopen && !o->backend->reopen(o))
        return false;
    fill_window(o);
    size_t unsent;
    output_unsent(o, &unsent);
    if (!unsent)
        wait_for_lines(o);
    else if (!o->backend->send(o))
        return false;
    int64_t now = clock_steady_ms();
    if (now - o->looked_ms < (o->kept_back ? 0 : TICK_MS))
        return true;
    o->looked_ms = now;
    return o->backend->look_after(o);
}

static void *write_lines(void *argument)
{
    struct output *o = argument;
    for (;;) {
        pthread_mutex_lock(&o->lock);
        o->state.progress++;
        bool must_stop = o->must_stop, must_reopen = o->must_reopen;
        o->must_reopen = false;
        pthread_mutex_unlock(&o->lock);
        if (must_stop)
            break;
        if (!o->is_open) {
            if (!open_it(o))
                pause_writer(o);
        } else if (!serve(o, must_reopen)) {
            close_it(o);
            pause_writer(o);
        }
    }
    if (o->backend->give_up)
        o->backend->give_up(o);
    close_it(o);
    pthread_mutex_lock(&o->lock);
    o->has_ended = true;
    pthread_cond_broadcast(&o->moved);
    pthread_mutex_unlock(&o->lock);
    return NULL;
}

bool output_start(struct output *o)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    int error = pthread_create(&o->thread, NULL, write_lines, o);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    o->has_thread = error == 0;
    errno = error;
    return o->has_thread;
}
