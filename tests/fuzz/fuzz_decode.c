/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_decode.c - frames of any link type through the decoder, several of them so that fragments and what is
 * known of ESP play their part. What it says of a packet must fit the frame.
 */
#include "frames.h"
#include "rolecall/decode.h"

enum { OVERDUE_MAX = 1024 }; /* more than a decoder can have waiting */

static void check_packet(const struct packet *packet, const struct frame *frame)
{
    CHECK(packet->payload.left <= packet->payload_wirelen);
    CHECK(!packet->payload.failed);
    CHECK(packet->payload.left == packet->payload_wirelen || packet->is_cut);
    CHECK(packet->is_fragmented || packet->payload.left <= frame->caplen);
    CHECK(packet->layer_count <= PACKET_LAYERS_MAX);
    for (unsigned i = 0; i < packet->layer_count; i++)
        CHECK(packet->layers[i] > LAYER_NONE && packet->layers[i] < LAYER_COUNT);
    fuzz_touch(packet->payload);
}

static void check_overdue(struct decoder *decoder, int64_t now_ns)
{
    struct packet packet;
    for (unsigned i = 0; decode_overdue(decoder, now_ns, &packet); i++) {
        CHECK(i < OVERDUE_MAX && packet.payload.left <= packet.payload_wirelen);
        CHECK(packet.is_cut || (packet.protocol == IP_UDP && packet.payload.left == packet.payload_wirelen));
        fuzz_touch(packet.payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct decoder *decoder;
    if (!decoder)
        CHECK(decoder = decoder_create());
    decoder_reset(decoder);
    struct frames frames = frames_of(bytes_of(input, size));
    struct frame frame;
    uint64_t count = 0, sum = 0;
    for (; frames_next(&frames, &frame); count++) {
        struct packet packet;
        enum decode_result result = decode_frame(decoder, &frame, &packet);
        CHECK((unsigned)result < DECODE_RESULT_COUNT);
        if (result == DECODED)
            check_packet(&packet, &frame);
        frames_free(&frame);
        check_overdue(decoder, frame.time_ns);
    }
    check_overdue(decoder, INT64_MAX);
    for (unsigned i = 0; i < DECODE_RESULT_COUNT; i++)
        sum += decoder_counters(decoder)->results[i];
    CHECK(sum == count);
    return 0;
}
