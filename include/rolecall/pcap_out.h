/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcap_out.h - writes small capture files: classic pcap with nanosecond times (magic 0xa1b23c4d, libpcap's
 * pcap-savefile(5)), in this machine's byte order. Frames are appended one by one; the file is opened and
 * closed at each, so that any number of files can be grown at once.
 */
#ifndef ROLECALL_PCAP_OUT_H
#define ROLECALL_PCAP_OUT_H

#include "rolecall/packet.h"

/* Makes or empties the file and writes its header. False: errno says why. */
bool pcap_out_create(const char *path, int linktype);
bool pcap_out_append(const char *path, const struct frame *frame);

#endif
