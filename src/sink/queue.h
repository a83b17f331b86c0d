/* SPDX-License-Identifier: BSD-2-Clause
 *
 * queue.h - lines that wait for an output, in memory of a fixed size that is taken at once. Not safe for
 * threads: the output's lock guards it.
 *
 * A line is kept in chained blocks of QUEUE_BLOCK bytes, so lines of any size can leave from the middle.
 * Lines leave in the order in which they came. When there is no room, lines of lower rank make it: see
 * queue_put().
 */
#ifndef SINK_QUEUE_H
#define SINK_QUEUE_H

#include <stdbool.h>

#include "rolecall/event_line.h"

enum { QUEUE_BLOCK = 256, QUEUE_LINE_MAX = 7600, QUEUE_KEY_SIZE = 32 };

/* What is kept of a line beside its text. */
struct queue_note {
    uint64_t sequence;
    int64_t time_ns;
    uint32_t size; /* of the text */
    uint8_t severity;
    uint8_t dataset;
    char key[QUEUE_KEY_SIZE];
};

/* Hears of each line that is lost. */
typedef void queue_lost_function(void *context, const struct queue_note *note);

struct queue;
struct queue *queue_create(size_t size); /* bytes; NULL: out of memory */
void queue_destroy(struct queue *queue);
size_t queue_memory(size_t size); /* what a queue of that size takes */

/* Takes a copy of the line. Without room, the oldest lines of lower ranks are shed, lowest rank first (flows;
 * metrics and IPsec episodes; alerts and losses); where that is not enough, the line itself is lost and
 * nothing is shed for it. */
void queue_put(struct queue *queue, const struct event_line *line, queue_lost_function *lost, void *context);
/* The oldest line and its text, without a NUL; false: there is none. */
bool queue_take(struct queue *queue, struct queue_note *note, char text[QUEUE_LINE_MAX]);
/* Loses all. */
void queue_shed_all(struct queue *queue, queue_lost_function *lost, void *context);

size_t queue_lines(const struct queue *queue);
size_t queue_used(const struct queue *queue); /* bytes in blocks */
size_t queue_size(const struct queue *queue);

#endif
