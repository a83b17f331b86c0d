/* SPDX-License-Identifier: BSD-2-Clause
 *
 * line_check.h - what must hold of any line of JSON that the program writes, whatever the network sent: one
 * line, well-formed UTF-8 (Unicode 15 table 3-7, checked here a second time on purpose), no control
 * characters, and an independent parser reads it.
 */
#ifndef FUZZ_LINE_CHECK_H
#define FUZZ_LINE_CHECK_H

#include <cjson/cJSON.h>

#include "fuzz.h"

/* One character; the cursor fails where it is not well formed. */
static inline uint32_t line_character(struct bytes *b)
{
    uint32_t first = bytes_u8(b), point;
    if (first < 0x80)
        return first;
    unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    CHECK(first >= 0xc2 && first <= 0xf4);
    point = first & (0x3fu >> more);
    for (unsigned i = 0; i < more; i++) {
        uint8_t next = bytes_u8(b);
        CHECK((next & 0xc0) == 0x80);
        point = point << 6 | (next & 0x3fu);
    }
    CHECK(point >= (more == 3 ? 0x10000u : more == 2 ? 0x800u : 0x80u) && point <= 0x10ffff);
    CHECK(point < 0xd800 || point > 0xdfff);
    return point;
}

/* The parsed line, to be freed with cJSON_Delete. */
static inline cJSON *line_check(const char *line, size_t size)
{
    struct bytes b = bytes_of(line, size);
    while (b.left > 0) {
        uint32_t point = line_character(&b);
        CHECK(point >= 0x20 && !(point >= 0x7f && point < 0xa0)); /* no newline either */
        CHECK(point != 0x2028 && point != 0x2029 && !(point >= 0x202a && point <= 0x202e));
    }
    CHECK(bytes_ok(&b));
    cJSON *json = cJSON_ParseWithLength(line, size);
    CHECK(json);
    return json;
}

#endif
