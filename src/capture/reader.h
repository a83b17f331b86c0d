/* SPDX-License-Identifier: BSD-2-Clause
 *
 * reader.h - one capture file, from its header to its last record. file.c opens one reader to
 * look at an input and one to read it.
 */
#ifndef ROLECALL_CAPTURE_READER_H
#define ROLECALL_CAPTURE_READER_H

#include "blocks.h"
#include "rolecall/capture.h"

enum reader_status {
    READER_PACKET,
    READER_END,
    READER_CUT,    /* reader_problem() tells where */
    READER_DAMAGED /* likewise */
};

enum reader_opened {
    READER_OPEN,
    READER_REFUSED,   /* this input cannot be read */
    READER_BAD_FILTER /* the filter is wrong, for this link type at least */
};

struct reader;

/* Opens `path`, or standard input for "-". Unless READER_OPEN, `why` becomes a sentence that begins with the
 * name. `blocks` serve one reader at a time. */
enum reader_opened reader_open(const char *path, const char *filter, struct blocks *blocks,
                               struct reader **out, char why[CAPTURE_TEXT_SIZE]);
void reader_close(struct reader *reader);

/* The first record's time, whether it passes the filter or not; it stays to be read. False: there is none. */
bool reader_first_time(struct reader *reader, int64_t *time_ns);

/* The next records that pass the filter, at most `max` and *count of them; *filtered grows by those that did
 * not. */
enum reader_status reader_next(struct reader *reader, struct frame frames[], unsigned max, unsigned *count,
                               uint64_t *filtered);
void reader_problem(const struct reader *reader, char text[CAPTURE_TEXT_SIZE]);

int reader_linktype(const struct reader *reader);
const char *reader_linktype_name(const struct reader *reader); /* "" when libpcap has none */
uint64_t reader_position(const struct reader *reader);

/* The unpacked file header and first record, shortened; known once the first record was read. */
size_t reader_signature(const struct reader *reader, uint8_t signature[CAPTURE_SIGNATURE_MAX]);

#endif
