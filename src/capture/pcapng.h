/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcapng.h - the packets of a pcapng file, one after the other. reader.c opens one for every stream that
 * begins like such a file, because libpcap refuses those whose interfaces differ.
 */
#ifndef ROLECALL_CAPTURE_PCAPNG_H
#define ROLECALL_CAPTURE_PCAPNG_H

#include "rolecall/bytes.h"

#include <stdio.h>

enum pcapng_status {
    PCAPNG_PACKET,
    PCAPNG_END,
    PCAPNG_CUT,    /* the file ends in the middle of a block */
    PCAPNG_DAMAGED /* pcapng_complaint() says why nothing more can be read */
};

struct pcapng_packet {
    int64_t seconds; /* since 1970, as the file has it */
    uint32_t nanoseconds;
    uint16_t linktype; /* LINKTYPE_ number of its interface */
    uint32_t caplen, wirelen;
    const uint8_t *at; /* until the next call */
};

struct pcapng;

/* Reads from `stream`, which stays the caller's. NULL: no memory. */
struct pcapng *pcapng_create(FILE *stream);
void pcapng_destroy(struct pcapng *pcapng);

/* Reads up to the first interface, whose link type it gives. PCAPNG_END: there is none. Call it first, and go
 * on only after PCAPNG_PACKET. */
enum pcapng_status pcapng_begin(struct pcapng *pcapng, uint16_t *linktype);
enum pcapng_status pcapng_next(struct pcapng *pcapng, struct pcapng_packet *packet);
const char *pcapng_complaint(const struct pcapng *pcapng);

#endif
