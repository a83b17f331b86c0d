/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcap_file.h - the records of an ordinary pcap file, handed out where they stand in memory. reader.c uses it
 * for what most files are and leaves all others to libpcap.
 */
#ifndef ROLECALL_CAPTURE_PCAP_FILE_H
#define ROLECALL_CAPTURE_PCAP_FILE_H

#include "blocks.h"

struct pcap_file {
    bool is_swapped;      /* written in the other byte order */
    uint32_t fraction_ns; /* unit of a time's second part */
    uint32_t snaplen;
    uint32_t refused; /* the captured length that no record can have */
};

enum { PCAP_FILE_HEADER_SIZE = 24 };
enum pcap_file_status { PCAP_FILE_RECORD, PCAP_FILE_END, PCAP_FILE_CUT, PCAP_FILE_DAMAGED };

/* Is this file header one of the kind that is read here: version 2.4, Ethernet, microseconds or nanoseconds?
 */
bool pcap_file_begin(struct pcap_file *file, struct bytes header);

/* The next records, at most `max` and *count of them, all but their interface; their bytes stay as struct
 * frame_hold says. As libpcap does it, a record longer than the file's snap length is cut to that, and one
 * longer than any frame means a damaged file. */
enum pcap_file_status pcap_file_next(struct pcap_file *file, struct blocks *blocks, struct unpack *unpack,
                                     struct frame frames[], unsigned max, unsigned *count);

#endif
