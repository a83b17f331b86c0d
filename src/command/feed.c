/* SPDX-License-Identifier: BSD-2-Clause
 *
 * feed.c - captures through an engine. Used by analyze and discover; see feed.h.
 */
#include "feed.h"

#include <stdio.h>
#include <unistd.h>

#include "rolecall/decode.h"

enum { FRAMES_A_TURN = 32, PROGRESS_EVERY = 65536, PROGRESS_SIZE_MIN = 16 << 20, BAR_WIDTH = 40 };

struct capture *feed_open(const char *const *paths, size_t count, const char *filter, bool *damaged,
                          bool *is_usage)
{
    struct capture_errors errors = {.count = 0};
    struct capture_options options = {.paths = paths,
                                      .path_count = count,
                                      .filter = filter,
                                      .may_hold = true, /* feed_capture() ends with engine_finish() */
                                      .reads_linktype = decode_reads_linktype};
    struct capture *capture = capture_open_files(&options, &errors);
    for (size_t i = 0; i < errors.count && i < CAPTURE_ERRORS_MAX; i++)
        fprintf(stderr, "rolecall: %s\n", errors.text[i]);
    if (errors.count > CAPTURE_ERRORS_MAX)
        fprintf(stderr, "rolecall: and %zu more inputs that cannot be read\n",
                errors.count - CAPTURE_ERRORS_MAX);
    *damaged |= errors.count > 0;
    *is_usage = errors.is_usage;
    return capture;
}

static void show_progress(const struct capture *capture)
{
    uint64_t size = capture_size(capture), position = capture_position(capture);
    if (size < PROGRESS_SIZE_MIN)
        return;
    unsigned filled = (unsigned)(position >= size ? BAR_WIDTH : position * BAR_WIDTH / size);
    fprintf(stderr, "\r[%.*s%*s] %3u %%", (int)filled, "########################################",
            (int)(BAR_WIDTH - filled), "", (unsigned)(position >= size ? 100 : position * 100 / size));
}

/* Takes frames of other times out; how many are left. */
static unsigned keep_range(const struct feed_range *range, struct frame frames[], unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++) {
        if (frames[i].time_ns < range->from_ns || frames[i].time_ns >= range->to_ns)
            continue;
        if (kept != i)
            frames[kept] = frames[i];
        kept++;
    }
    return kept;
}

bool feed_capture(struct capture *capture, struct engine *engine, const struct feed_range *range,
                  bool *damaged)
{
    struct frame frames[FRAMES_A_TURN];
    int count;
    uint64_t shown = 0, read = 0;
    bool progress = isatty(STDERR_FILENO), any = false;
    while ((count = capture_next(capture, frames, FRAMES_A_TURN)) != CAPTURE_END) {
        if (count == CAPTURE_PROBLEM) {
            fprintf(stderr, "%srolecall: %s\n", progress && shown ? "\n" : "", capture_problem(capture));
            *damaged = true;
            continue;
        }
        read += (unsigned)count;
        if (progress && read - shown >= PROGRESS_EVERY) {
            show_progress(capture);
            shown = read;
        }
        unsigned kept = range ? keep_range(range, frames, (unsigned)count) : (unsigned)count;
        engine_frames(engine, frames, kept);
        any |= kept > 0;
    }
    if (shown && capture_size(capture) >= PROGRESS_SIZE_MIN)
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 9, "");
    engine_finish(engine);
    return any;
}
