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
    uint64_t ns = (uint64_t)fraction * file->fraction_ns;
    if (ns > 999999999)
        ns = fraction > INT32_MAX ? 0 : 999999999;
    return (int64_t)(seconds * UINT64_C(1000000000) + ns);
}

/* Fills the frame, all but its interface, where the whole record is among the bytes:
 * seconds 4, microseconds or nanoseconds 4, captured length 4, length 4, what was captured */
static bool read_record(const struct pcap_file *file, struct bytes *unread, struct frame *frame)
{
    if (unread->left < RECORD_HEADER_SIZE)
        return false;
    struct bytes b = *unread;
    uint32_t seconds = word(file, &b), fraction = word(file, &b);
    uint32_t stored = word(file, &b), wirelen = word(file, &b);
    if (stored > CAPLEN_MAX || stored > b.left)
        return false;
    frame->at = b.at;
    bytes_skip(&b, stored);
    frame->time_ns = time_of(file, seconds, fraction);
    frame->caplen = stored < file->snaplen ? stored : file->snaplen;
    frame->wirelen = wirelen < frame->caplen ? frame->caplen : wirelen;
    frame->linktype = LINKTYPE_ETHERNET;
    *unread = b;
    return true;
}

static unsigned read_records(const struct pcap_file *file, struct blocks *blocks, struct frame frames[],
                             unsigned max)
{
    struct bytes unread = bytes_of(blocks->at, blocks->left);
    struct frame_hold *hold = blocks_hold(blocks);
    unsigned count = 0;
    for (; count < max && read_record(file, &unread, &frames[count]); count++)
        frames[count].hold = hold;
    blocks_skip(blocks, blocks->left - unread.left);
    return count;
}

/* Sees to it that the next record is in one piece. */
static enum pcap_file_status bring_record(struct pcap_file *file, struct blocks *blocks,
                                          struct unpack *unpack)
{
    if (!blocks_need(blocks, unpack, RECORD_HEADER_SIZE))
        return blocks->left ? PCAP_FILE_CUT : PCAP_FILE_END;
    struct bytes header = bytes_of(blocks->at, RECORD_HEADER_SIZE);
    bytes_skip(&header, 8);
    uint32_t stored = word(file, &header);
    if (stored > CAPLEN_MAX) {
        file->refused = stored;
        return PCAP_FILE_DAMAGED;
    }
    return blocks_need(blocks, unpack, RECORD_HEADER_SIZE + stored) ? PCAP_FILE_RECORD : PCAP_FILE_CUT;
}

enum pcap_file_status pcap_file_next(struct pcap_file *file, struct blocks *blocks, struct unpack *unpack,
                                     struct frame frames[], unsigned max, unsigned *count)
{
    enum pcap_file_status status = PCAP_FILE_RECORD;
    while (status == PCAP_FILE_RECORD && (*count = read_records(file, blocks, frames, max)) == 0)
        status = bring_record(file, blocks, unpack);
    return status;
}
