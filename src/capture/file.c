/* SPDX-License-Identifier: BSD-2-Clause
 *
 * file.c - a list of capture files read as one: each opened once to be put in order, then one after the
 * other. Called by the engine. Only one file is open at any time, so a folder may hold any number of them. An
 * input that goes wrong costs its own rest and nothing else.
 */
#include "inputs.h"
#include "reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct capture {
    struct inputs inputs;
    size_t current;        /* the input that `reader` reads, or that is to be opened next */
    struct reader *reader; /* NULL between two inputs; a stream's stays open from the start */
    uint64_t done_size;    /* of the inputs before `current` */
    struct blocks blocks;
    bool may_hold;
    char *filter;
    char problem[CAPTURE_TEXT_SIZE];
};

/* Opens an input to learn its link type and first record. *fatal: the whole list is refused. True: keep it.
 */
static bool probe(struct capture *capture, struct input *input, const struct capture_options *options,
                  struct capture_errors *errors, bool *fatal)
{
    char why[CAPTURE_TEXT_SIZE];
    struct reader *reader;
    enum reader_opened opened = reader_open(input->path, capture->filter, &capture->blocks, &reader, why);
    if (opened != READER_OPEN) {
        capture_errors_add(errors, "%s", why);
        *fatal = opened == READER_BAD_FILTER;
        errors->is_usage |= *fatal;
        return false;
    }
    struct capture_input *info = &input->info;
    info->linktype = reader_linktype(reader);
    info->linktype_name = reader_linktype_name(reader);
    if (options->reads_linktype && !options->reads_linktype(info->linktype)) {
        capture_errors_add(errors, "%s: link type %s (%d) is not read", input->path,
                           *info->linktype_name ? info->linktype_name : "unknown", info->linktype);
        reader_close(reader);
        return false;
    }
    input->has_first = reader_first_time(reader, &input->order_ns);
    info->signature_size = reader_signature(reader, info->signature);
    if (input->is_stream)
        capture->reader = reader;
    else
        reader_close(reader);
    return true;
}

/* Leaves only the readable inputs in the list. False: the list is refused. */
static bool probe_all(struct capture *capture, const struct capture_options *options,
                      struct capture_errors *errors)
{
    struct inputs *inputs = &capture->inputs;
    for (size_t i = 0; i < inputs->count;) {
        bool fatal = false;
        if (probe(capture, &inputs->list[i], options, errors, &fatal))
            i++;
        else
            inputs_remove(inputs, i);
        if (fatal)
            return false;
    }
    return inputs->count > 0;
}

struct capture *capture_open_files(const struct capture_options *options, struct capture_errors *errors)
{
    struct capture *capture = calloc(1, sizeof(*capture));
    bool ok = capture && blocks_init(&capture->blocks);
    if (ok)
        capture->may_hold = options->may_hold;
    if (ok && options->filter) {
        capture->filter = strdup(options->filter);
        ok = capture->filter != NULL;
    }
    if (!ok)
        capture_errors_add(errors, "%s", strerror(ENOMEM));
    ok = ok && inputs_expand(&capture->inputs, options->paths, options->path_count, errors) &&
         probe_all(capture, options, errors);
    if (!ok) {
        capture_close(capture);
        return NULL;
    }
    inputs_sort(&capture->inputs);
    return capture;
}

void capture_close(struct capture *capture)
{
    if (!capture)
        return;
    reader_close(capture->reader);
    inputs_free(&capture->inputs);
    blocks_fini(&capture->blocks);
    free(capture->filter);
    free(capture);
}

/* Frames of the current input, on their way out. */
static void pass_on(struct capture *capture, struct frame frames[], unsigned count)
{
    struct capture_input *info = &capture->inputs.list[capture->current].info;
    uint16_t number = capture->current < UINT16_MAX ? (uint16_t)capture->current : UINT16_MAX;
    int64_t first_ns = info->packets ? info->first_ns : frames[0].time_ns;
    int64_t last_ns = info->packets ? info->last_ns : frames[0].time_ns;
    uint64_t bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        frames[i].interface = number;
        if (!capture->may_hold)
            frames[i].hold = NULL;
        first_ns = frames[i].time_ns < first_ns ? frames[i].time_ns : first_ns;
        last_ns = frames[i].time_ns > last_ns ? frames[i].time_ns : last_ns;
        bytes += frames[i].wirelen;
    }
    info->first_ns = first_ns;
    info->last_ns = last_ns;
    info->packets += count;
    info->bytes += bytes;
}

/* Done with the current input, however it went. */
static void finish_input(struct capture *capture, enum capture_input_state state)
{
    struct capture_input *info = &capture->inputs.list[capture->current].info;
    info->state = state;
    capture->done_size += info->size;
    reader_close(capture->reader);
    capture->reader = NULL;
    capture->current++;
}

/* Between two inputs: opens the next one. False: it was there when the list was made and no longer is. */
static bool begin_input(struct capture *capture)
{
    struct input *input = &capture->inputs.list[capture->current];
    input->info.state = CAPTURE_READING;
    return capture->reader || reader_open(input->path, capture->filter, &capture->blocks, &capture->reader,
                                          capture->problem) == READER_OPEN;
}

int capture_next(struct capture *capture, struct frame frames[], unsigned max)
{
    while (capture->current < capture->inputs.count) {
        struct capture_input *info = &capture->inputs.list[capture->current].info;
        unsigned count;
        if (info->state != CAPTURE_READING && !begin_input(capture)) {
            finish_input(capture, CAPTURE_DAMAGED);
            return CAPTURE_PROBLEM;
        }
        switch (reader_next(capture->reader, frames, max, &count, &info->filtered)) {
        case READER_PACKET:
            pass_on(capture, frames, count);
            return (int)count;
        case READER_END:
            finish_input(capture, CAPTURE_READ);
            break;
        case READER_CUT:
            reader_problem(capture->reader, capture->problem);
            finish_input(capture, CAPTURE_CUT);
            return CAPTURE_PROBLEM;
        case READER_DAMAGED:
            reader_problem(capture->reader, capture->problem);
            finish_input(capture, CAPTURE_DAMAGED);
            return CAPTURE_PROBLEM;
        }
    }
    return CAPTURE_END;
}

const char *capture_problem(const struct capture *capture)
{
    return capture->problem;
}

bool capture_can_rewind(const struct capture *capture)
{
    return !capture->inputs.list[0].is_stream;
}

bool capture_rewind(struct capture *capture)
{
    if (!capture_can_rewind(capture))
        return false;
    reader_close(capture->reader);
    capture->reader = NULL;
    capture->current = 0;
    capture->done_size = 0;
    for (size_t i = 0; i < capture->inputs.count; i++) {
        struct capture_input *info = &capture->inputs.list[i].info;
        info->state = CAPTURE_WAITING;
        info->packets = info->bytes = info->filtered = 0;
        info->first_ns = info->last_ns = 0;
    }
    return true;
}

size_t capture_input_count(const struct capture *capture)
{
    return capture->inputs.count;
}

const struct capture_input *capture_input(const struct capture *capture, size_t index)
{
    return &capture->inputs.list[index].info;
}

uint64_t capture_size(const struct capture *capture)
{
    uint64_t size = 0;
    for (size_t i = 0; i < capture->inputs.count; i++)
        size += capture->inputs.list[i].info.size;
    return size;
}

uint64_t capture_position(const struct capture *capture)
{
    return capture->done_size + (capture->reader ? reader_position(capture->reader) : 0);
}
