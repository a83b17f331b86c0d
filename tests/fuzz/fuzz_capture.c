/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_capture.c - any bytes as a capture file: pcap, pcapng, packed or damaged. It is read to its end twice,
 * and must give the same packets both times.
 */
#include "memory_file.h"
#include "rolecall/capture.h"
#include "rolecall/decode.h"

enum { PACKETS_MAX = 100000 };

static uint64_t read_through(struct capture *capture)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < PACKETS_MAX; i++) {
        struct frame frame;
        switch (capture_next(capture, &frame, 1)) {
        case CAPTURE_END:
            return sum;
        case CAPTURE_PROBLEM:
            CHECK(*capture_problem(capture));
            break;
        default:
            CHECK(frame.caplen <= frame.wirelen);
            CHECK(frame.time_ns >= 0 && frame.time_ns < INT64_C(1) << 62);
            sum = sum * 31 + fuzz_touch(bytes_of(frame.at, frame.caplen)) + frame.caplen +
                  (uint64_t)frame.time_ns;
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static struct capture_errors errors;
    struct memory_file file = memory_file_of(input, size);
    const char *path = file.path;
    struct capture_options options = {
        .paths = &path, .path_count = 1, .reads_linktype = decode_reads_linktype};
    errors.count = 0;
    struct capture *capture = capture_open_files(&options, &errors);
    CHECK(capture || errors.count > 0);
    if (capture) {
        CHECK(capture_input_count(capture) == 1);
        uint64_t sum = read_through(capture);
        CHECK(capture_position(capture) <= capture_size(capture));
        CHECK(capture_rewind(capture));
        CHECK(read_through(capture) == sum);
    }
    capture_close(capture);
    memory_file_close(&file);
    return 0;
}
