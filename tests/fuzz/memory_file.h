/* SPDX-License-Identifier: BSD-2-Clause
 *
 * memory_file.h - an input as a file that only memory holds, for the readers that take a path.
 */
#ifndef FUZZ_MEMORY_FILE_H
#define FUZZ_MEMORY_FILE_H

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

struct memory_file {
    int descriptor;
    char path[32];
};

static inline struct memory_file memory_file_of(const uint8_t *bytes, size_t size)
{
    struct memory_file file = {.descriptor = memfd_create("fuzz", MFD_CLOEXEC)};
    CHECK(file.descriptor >= 0);
    for (size_t written = 0; written < size;) {
        ssize_t n = write(file.descriptor, bytes + written, size - written);
        CHECK(n > 0);
        written += (size_t)n;
    }
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.descriptor);
    return file;
}

static inline void memory_file_close(struct memory_file *file)
{
    close(file->descriptor);
}

#endif
