/* SPDX-License-Identifier: BSD-2-Clause
 *
 * wifi.c - data frames of IEEE 802.11 (IEEE 802.11 section 9.3.2), as monitors capture them: alone, behind
 * radiotap (radiotap.org) or behind PPI. LLC and SNAP lead to the IP packet. Management and control frames
 * are not IP; encrypted frames, fragments and aggregates (A-MSDU) are not looked into.
 */
#include "walk.h"

enum { /* the first 16 bits, as two bytes */
       FC0_VERSION_TYPE = 0x0f,
       FC0_DATA = 0x08,
       FC0_NO_DATA = 0x40, /* of the subtype */
       FC0_QOS = 0x80,
       FC1_DISTRIBUTION = 0x03, /* to and from: a fourth address */
       FC1_MORE_FRAGMENTS = 0x04,
       FC1_PROTECTED = 0x40,
       FC1_ORDER = 0x80, /* with QoS: an HT control field */
};

enum { /* radiotap's first two fields and its flags */
       RADIOTAP_TSFT = 1 << 0,
       RADIOTAP_FLAGS = 1 << 1,
       RADIOTAP_MORE = 1u << 31,
       RADIOTAP_HAS_PADDING = 0x20,
       RADIOTAP_BAD_FCS = 0x40,
};

/* control 2, duration 2, addresses 18, sequence 2 [address 6] [QoS 2] [HT control 4] [padding to 4] */
static enum decode_result walk_data_frame(struct walk *w, bool is_padded)
{
    uint8_t control0 = bytes_u8(&w->data);
    if (bytes_ok(&w->data) && ((control0 & FC0_VERSION_TYPE) != FC0_DATA || control0 & FC0_NO_DATA))
        return DECODE_NOT_IP;
    uint8_t control1 = bytes_u8(&w->data);
    bytes_skip(&w->data, 20);
    uint16_t sequence = bytes_u16le(&w->data);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (control1 & (FC1_PROTECTED | FC1_MORE_FRAGMENTS) || sequence & 0x0f)
        return DECODE_OPAQUE;
    bool has_qos = control0 & FC0_QOS;
    uint32_t size = 24;
    if ((control1 & FC1_DISTRIBUTION) == FC1_DISTRIBUTION)
        size += 6;
    bytes_skip(&w->data, size - 24);
    uint16_t qos = has_qos ? bytes_u16le(&w->data) : 0;
    uint32_t more = has_qos && control1 & FC1_ORDER ? 4 : 0;
    size += has_qos ? 2 : 0;
    if (is_padded)
        more += (0 - size) & 3;
    bytes_skip(&w->data, more);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    if (qos & 0x80)
        return DECODE_OPAQUE;
    return walk_count(w, size + more) ? walk_llc(w) : DECODE_TOO_DEEP;
}

enum decode_result walk_wifi(struct walk *w)
{
    return walk_data_frame(w, false);
}

/* version 1 = 0, padding 1, length 2, words of present bits while bit 31 is set, fields at their natural
 * alignment; little-endian. Of the fields only the flags are read, before which only the 8 bytes of TSFT can
 * stand. */
enum decode_result walk_radiotap(struct walk *w)
{
    struct bytes b = w->data;
    uint8_t version = bytes_u8(&b);
    bytes_skip(&b, 1);
    uint16_t size = bytes_u16le(&b);
    if (!bytes_ok(&b))
        return walk_failed(&b);
    if (version != 0 || size < 8)
        return DECODE_MALFORMED;
    struct bytes header = bytes_take(&w->data, size);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    bytes_skip(&header, 4);
    uint32_t present = bytes_u32le(&header), at = 8;
    for (uint32_t word = present; word & RADIOTAP_MORE && bytes_ok(&header); at += 4)
        word = bytes_u32le(&header);
    if (present & RADIOTAP_TSFT)
        bytes_skip(&header, 8 + ((0 - at) & 7));
    uint8_t flags = present & RADIOTAP_FLAGS ? bytes_u8(&header) : 0;
    if (!bytes_ok(&header) || flags & RADIOTAP_BAD_FCS)
        return DECODE_MALFORMED;
    return walk_count(w, size) ? walk_data_frame(w, flags & RADIOTAP_HAS_PADDING) : DECODE_TOO_DEEP;
}

/* version 1 = 0, flags 1, length 2, link type 4 of what follows, fields; little-endian */
enum decode_result walk_ppi(struct walk *w)
{
    struct bytes b = w->data;
    uint8_t version = bytes_u8(&b);
    bytes_skip(&b, 1);
    uint16_t size = bytes_u16le(&b);
    uint32_t linktype = bytes_u32le(&b);
    if (!bytes_ok(&b))
        return walk_failed(&b);
    if (version != 0 || size < 8)
        return DECODE_MALFORMED;
    bytes_skip(&w->data, size);
    if (!bytes_ok(&w->data))
        return walk_failed(&w->data);
    return walk_count(w, size) ? walk_linktype(w, linktype) : DECODE_TOO_DEEP;
}
