/* SPDX-License-Identifier: BSD-2-Clause
 *
 * feed.h - what the commands that read captures share: the inputs through an engine, with messages and
 * progress on stderr. Private to src/command.
 */
#ifndef ROLECALL_COMMAND_FEED_H
#define ROLECALL_COMMAND_FEED_H

#include "rolecall/capture.h"
#include "rolecall/engine.h"

struct feed_range {
    int64_t from_ns, to_ns; /* packets outside are left out; to_ns is exclusive */
};

/* Opens the inputs; messages for those that cannot be read. `*damaged` is set when there were any. NULL: none
 * can be read; `*is_usage` says that the call was wrong. */
struct capture *feed_open(const char *const *paths, size_t count, const char *filter, bool *damaged,
                          bool *is_usage);

/* Feeds every frame to the engine and finishes it. `*damaged`: an input was cut or unreadable. False: the
 * engine got nothing at all. */
bool feed_capture(struct capture *capture, struct engine *engine, const struct feed_range *range,
                  bool *damaged);

#endif
