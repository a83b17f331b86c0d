/* SPDX-License-Identifier: BSD-2-Clause
 *
 * frames.h - an input as a sequence of captured frames: for each one byte that picks the link type, one that
 * says how much time has gone by (2^n microseconds; from 40 on, backwards), a 16-bit number of bytes the
 * capture left out, a 16-bit size, and the bytes. seeds.py writes the same.
 */
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include "fuzz.h"
#include "rolecall/packet.h"

/* LINKTYPE_ numbers: null, Ethernet, raw, loop, Linux cooked 1 and 2, raw IPv4 and IPv6, and one nobody
 * reads. */
static const uint16_t frames_links[] = {1, 0, 101, 108, 113, 276, 228, 229, 12, 147};
enum { FRAMES_LINKS = sizeof frames_links / sizeof *frames_links, FRAMES_FORWARD = 40, FRAMES_STEPS = 60 };

/* 2026-03-02T09:30:00Z */
#define FRAMES_START_NS INT64_C(1772443800000000000)

struct frames {
    struct bytes left;
    int64_t time_ns;
};

static inline struct frames frames_of(struct bytes input)
{
    return (struct frames){.left = input, .time_ns = FRAMES_START_NS};
}

/* False at the input's end. The frame's bytes are an exact copy, to be freed with frames_free(). */
static inline bool frames_next(struct frames *frames, struct frame *frame)
{
    if (frames->left.left == 0)
        return false;
    unsigned link = bytes_u8(&frames->left) % FRAMES_LINKS, step = bytes_u8(&frames->left) % FRAMES_STEPS;
    uint16_t missing = bytes_u16(&frames->left), size = bytes_u16(&frames->left);
    struct bytes bytes = fuzz_copy(&frames->left, size);
    int64_t gone =
        step < FRAMES_FORWARD ? INT64_C(1000) << step : -(INT64_C(1000) << (step - FRAMES_FORWARD + 10));
    /* As capture.h has it: never negative, at most 2^62 - 1. */
    if (gone < 0 ? frames->time_ns + gone >= 0 : frames->time_ns < (INT64_C(1) << 62) - gone)
        frames->time_ns += gone;
    *frame = (struct frame){.time_ns = frames->time_ns,
                            .at = bytes.at,
                            .caplen = (uint32_t)bytes.left,
                            .wirelen = (uint32_t)bytes.left + missing,
                            .linktype = frames_links[link]};
    return true;
}

static inline void frames_free(struct frame *frame)
{
    fuzz_free(bytes_of(frame->at, frame->caplen));
}

#endif
