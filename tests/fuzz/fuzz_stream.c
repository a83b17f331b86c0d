/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_stream.c - segments of one side of a TCP stream in any order, size and overlap. A byte's value follows
 * from its sequence number, so every byte that comes out can be checked against the one that was sent; what
 * was once used never comes again, and a hole is never passed over in silence.
 */
#include "fuzz.h"
#include "proto/stream.h"
#include "rolecall/proto.h"

enum { WINDOWS = 2 };

static uint8_t byte_at(uint32_t sequence)
{
    return (uint8_t)((sequence * 2654435761u) >> 13);
}

static void check_bytes(struct bytes b, uint32_t sequence)
{
    CHECK(bytes_ok(&b));
    while (b.left > 0)
        CHECK(bytes_u8(&b) == byte_at(sequence++));
}

struct model {
    struct stream stream;
    struct pool windows;
    uint32_t base; /* where the next new byte is due, as long as nothing was lost */
    bool whole;    /* no gap was told so far */
};

/* How much of the view is used up: nothing, all, a part, or more than has come. */
static size_t used_of(uint16_t choice, size_t left)
{
    switch (choice % 4) {
    case 0:
        return left == PROTO_WINDOW_SIZE ? left
                                         : 0; /* a full window that nobody uses is given up by its owner */
    case 1:
        return left;
    case 2:
        return left / 8 + (choice >> 2) % (left + 1 - left / 8);
    default:
        return left + (choice >> 2);
    }
}

static void offer(struct model *model, uint32_t sequence, struct bytes segment, uint16_t choice)
{
    struct stream *stream = &model->stream;
    struct bytes rest = segment, view;
    while (rest.left > 0) {
        size_t before = rest.left;
        struct bytes piece = rest;
        enum stream_offer answer =
            stream_offer(stream, &model->windows, sequence, piece, &view, &rest, &sequence);
        CHECK(rest.left < before);
        check_bytes(rest, sequence);
        if (answer == STREAM_STARVED) {
            CHECK(model->windows.taken == WINDOWS);
            stream_restart(stream, &model->windows, sequence);
            model->whole = false;
            return;
        }
        if (answer == STREAM_NOTHING)
            continue;
        CHECK(view.left > 0 && view.left <= PROTO_WINDOW_SIZE && !view.cut);
        check_bytes(view, stream->base);
        if (stream->gap)
            model->whole = false;
        CHECK(!model->whole || stream->base == model->base);
        CHECK(model->whole || !stream->start);
        stream->gap = false;
        size_t used = used_of(choice, view.left);
        model->base = stream->base + (uint32_t)used;
        if (!stream_use(stream, &model->windows, &view, used)) {
            CHECK(model->windows.taken == WINDOWS);
            stream_restart(stream, &model->windows, sequence);
            model->whole = false;
            stream->start = false;
            return;
        }
        CHECK(stream->base == model->base);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct bytes b = bytes_of(input, size);
    struct model model = {.whole = true};
    CHECK(pool_init(&model.windows, PROTO_WINDOW_SIZE, WINDOWS));
    uint32_t first = bytes_u32(&b), taken = 0;
    stream_restart(&model.stream, &model.windows, first);
    model.stream.anchored = model.stream.start = true;
    model.base = first;
    while (b.left > 0) {
        uint8_t options = bytes_u8(&b);
        int16_t from = (int16_t)bytes_u16(&b);
        uint16_t length = bytes_u16(&b), choice = bytes_u16(&b);
        uint32_t sequence =
            options & 1 ? model.stream.base + model.stream.ready : model.stream.base + (uint32_t)from;
        length %= options & 2 ? 2 * PROTO_WINDOW_SIZE : 600;
        if (options & 4) /* others take and give back windows meanwhile */
            taken = taken ? (pool_give(&model.windows, taken), 0) : pool_take(&model.windows);
        if ((options & 0xf8) == 0xf8)
            model.stream.torn = true;
        uint8_t *bytes = malloc(length ? length : 1);
        CHECK(bytes);
        for (uint32_t i = 0; i < length; i++)
            bytes[i] = byte_at(sequence + i);
        offer(&model, sequence, bytes_of(bytes, length), choice);
        free(bytes);
    }
    stream_restart(&model.stream, &model.windows, 0);
    CHECK(model.windows.taken == (taken ? 1 : 0));
    pool_fini(&model.windows);
    return 0;
}
