/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcap_file.c - see pcap_file.h. Specification: pcap-savefile(5), draft-ietf-opsawg-pcap. Only what needs no
 * special cases is read: old magics and versions, other link types (some have fields in the writer's byte
 * order) and odd header bits are libpcap's.
 */
#include "pcap_file.h"

#include <string.h>

enum { RECORD_HEADER_SIZE = 16, CAPLEN_MAX = 262144, LINKTYPE_ETHERNET = 1 };
_Static_assert(BLOCK_PIECE_MAX >= RECORD_HEADER_SIZE + CAPLEN_MAX, "a record stands in one block");

static uint32_t word(const struct pcap_file *file, struct bytes *b)
{
    return file->is_swapped ? bytes_u32le(b) : bytes_u32(b);
}

/* magic 4, major 2, minor 2, zone 4, accuracy 4, snap length 4, link type 4 */
bool pcap_file_begin(struct pcap_file *file, struct bytes header)
{
    *file = (struct pcap_file){.is_swapped = bytes_peek(&header, 0) != 0xa1};
    uint32_t magic = word(file, &header);
    uint16_t major = file->is_swapped ? bytes_u16le(&header) : bytes_u16(&header);
    uint16_t minor = file->is_swapped ? bytes_u16le(&header) : bytes_u16(&header);
    bytes_skip(&header, 8);
    file->snaplen = word(file, &header);
    uint32_t linktype = word(file, &header);
    if (file->snaplen == 0 || file->snaplen > CAPLEN_MAX)
        file->snaplen = CAPLEN_MAX;
    file->fraction_ns = magic == 0xa1b23c4d ? 1 : 1000;
    return bytes_ok(&header) && (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d) && major == 2 && minor == 4 &&
           linktype == LINKTYPE_ETHERNET;
}

/* As libpcap takes it in either byte order, a second's part is signed. */
static int64_t time_of(const struct pcap_file *file, uint32_t seconds, uint32_t fraction)
{
    uint64_t ns = fraction > INT32_MAX ? 0 : (uint64_t)fraction * file->fraction_ns;
    return (int64_t)(seconds * UINT64_C(1000000000) + (ns > 999999999 ? 999999999 : ns));
}

/* seconds 4, microseconds or nanoseconds 4, captured length 4, length 4 */
enum pcap_file_status pcap_file_next(struct pcap_file *file, struct blocks *blocks, struct unpack *unpack,
                                     struct frame *frame)
{
    if (!blocks_need(blocks, unpack, RECORD_HEADER_SIZE))
        return blocks->left ? PCAP_FILE_CUT : PCAP_FILE_END;
    struct bytes header = bytes_of(blocks->at, RECORD_HEADER_SIZE);
    uint32_t seconds = word(file, &header), fraction = word(file, &header);
    uint32_t stored = word(file, &header), wirelen = word(file, &header);
    if (stored > CAPLEN_MAX) {
        file->refused = stored;
        return PCAP_FILE_DAMAGED;
    }
    if (!blocks_need(blocks, unpack, RECORD_HEADER_SIZE + stored))
        return PCAP_FILE_CUT;
    frame->time_ns = time_of(file, seconds, fraction);
    frame->at = blocks->at + RECORD_HEADER_SIZE;
    frame->caplen = stored < file->snaplen ? stored : file->snaplen;
    frame->wirelen = wirelen < frame->caplen ? frame->caplen : wirelen;
    frame->linktype = LINKTYPE_ETHERNET;
    frame->hold = blocks_hold(blocks);
    blocks_skip(blocks, RECORD_HEADER_SIZE + stored);
    return PCAP_FILE_RECORD;
}
