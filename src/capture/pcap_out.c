/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcap_out.c - see pcap_out.h. Used for the evidence of findings; libpcap's own dumper keeps a file open for
 * each.
 */
#include "rolecall/pcap_out.h"

#include <stdio.h>

enum { NS_PER_S = 1000000000, SNAPLEN = 262144 };

static bool put(const char *path, const char *mode, const void *head, size_t head_size, const void *body,
                size_t body_size)
{
    FILE *file = fopen(path, mode);
    if (!file)
        return false;
    bool ok = fwrite(head, 1, head_size, file) == head_size && fwrite(body, 1, body_size, file) == body_size;
    return fclose(file) == 0 && ok;
}

bool pcap_out_create(const char *path, int linktype)
{
    const uint16_t version[2] = {2, 4};
    uint32_t header[6] = {0xa1b23c4d, 0, 0, 0, SNAPLEN, (uint32_t)linktype};
    memcpy(&header[1], version, sizeof version);
    return put(path, "we", header, sizeof header, "", 0);
}

bool pcap_out_append(const char *path, const struct frame *frame)
{
    const uint32_t record[4] = {(uint32_t)(frame->time_ns / NS_PER_S), (uint32_t)(frame->time_ns % NS_PER_S),
                                frame->caplen, frame->wirelen};
    return put(path, "ae", record, sizeof record, frame->at, frame->caplen);
}
