/* SPDX-License-Identifier: BSD-2-Clause
 *
 * decode.c - the decoder's life, its counters, and the way into a frame. Called by the engine for every
 * frame. Reading the headers is left to the other files of this folder; walk.h tells how they work together.
 */
#include "rolecall/decode.h"
#include "esp.h"
#include "fragment.h"
#include "walk.h"

#include <stdlib.h>

const char *layer_name(enum layer layer)
{
    static const char *const names[LAYER_COUNT] = {
        [LAYER_NONE] = "none",
        [LAYER_VLAN] = "vlan",
        [LAYER_MPLS] = "mpls",
        [LAYER_PPPOE] = "pppoe",
        [LAYER_GRE] = "gre",
        [LAYER_NVGRE] = "nvgre",
        [LAYER_ERSPAN] = "erspan",
        [LAYER_VXLAN] = "vxlan",
        [LAYER_GENEVE] = "geneve",
        [LAYER_IPIP] = "ipip",
        [LAYER_CMD] = "cmd",
        [LAYER_VNTAG] = "vntag",
        [LAYER_FABRICPATH] = "fabricpath",
        [LAYER_AH] = "ah",
        [LAYER_ESP_NULL] = "esp-null",
        [LAYER_TEREDO] = "teredo",
        [LAYER_GTP] = "gtp",
        [LAYER_L2TP] = "l2tp",
    };
    return layer < LAYER_COUNT ? names[layer] : "none";
}

const char *decode_result_name(enum decode_result result)
{
    static const char *const names[DECODE_RESULT_COUNT] = {
        [DECODED] = "decoded",          [DECODE_FRAGMENT] = "fragment",
        [DECODE_NOT_IP] = "not-ip",     [DECODE_OPAQUE] = "opaque",
        [DECODE_CUT] = "cut",           [DECODE_MALFORMED] = "malformed",
        [DECODE_TOO_DEEP] = "too-deep", [DECODE_UNKNOWN_LINK] = "unknown-link",
    };
    return result < DECODE_RESULT_COUNT ? names[result] : "unknown-link";
}

size_t decoder_memory(void)
{
    return sizeof(struct decoder) + fragment_pool_memory() + esp_table_memory();
}

struct decoder *decoder_create(void)
{
    struct decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        return NULL;
    decoder->fragments = fragment_pool_create(&decoder->counters);
    decoder->esp = esp_table_create(&decoder->counters);
    if (!decoder->fragments || !decoder->esp) {
        decoder_destroy(decoder);
        return NULL;
    }
    return decoder;
}

void decoder_destroy(struct decoder *decoder)
{
    if (!decoder)
        return;
    fragment_pool_destroy(decoder->fragments);
    esp_table_destroy(decoder->esp);
    free(decoder);
}

void decoder_reset(struct decoder *decoder)
{
    decoder->counters = (struct decoder_counters){.results = {0}};
    fragment_pool_reset(decoder->fragments);
    esp_table_reset(decoder->esp);
}

const struct decoder_counters *decoder_counters(const struct decoder *decoder)
{
    return &decoder->counters;
}

bool decode_reads_linktype(int linktype)
{
    return link_reader(linktype) != NULL;
}

/* Field by field: the packet is large and most of it is written only where it has a meaning. */
static void packet_begin(struct packet *p, int64_t time_ns)
{
    p->time_ns = time_ns;
    p->source_port = p->destination_port = 0;
    p->is_fragmented = false;
    p->is_cut = false;
    p->is_doubtful_length = false;
    p->tcp_flags = 0;
    p->tcp_window = 0;
    p->tcp_sequence = p->tcp_acknowledgement = 0;
    p->checksum = 0;
    p->icmp_type = p->icmp_code = 0;
    p->has_quoted = false;
    p->vlan = p->inner_vlan = 0xffff;
    p->layer_count = 0;
    p->ah_spi = 0;
    p->esp_spi = p->esp_sequence = 0;
}

static void count_decoded(struct decoder_counters *counters, const struct packet *p)
{
    if (p->layer_count == 0)
        counters->layers[LAYER_NONE]++;
    for (unsigned i = 0; i < p->layer_count; i++)
        counters->layers[p->layers[i]]++;
    counters->doubtful_lengths += p->is_doubtful_length;
}

static enum decode_result read_frame(struct decoder *decoder, const struct frame *frame,
                                     struct packet *packet)
{
    struct walk w = {
        .decoder = decoder,
        .packet = packet,
        .data = bytes_captured(frame->at, frame->caplen, frame->wirelen),
        .missing = frame->wirelen > frame->caplen ? frame->wirelen - frame->caplen : 0,
        .headers = 0,
        .is_snapped = frame->wirelen > frame->caplen,
    };
    walk_function *read = link_reader(frame->linktype);
    if (!read)
        return DECODE_UNKNOWN_LINK;
    enum decode_result result = read(&w);
    /* Headers that run out of a frame captured in full: a length field lied. */
    return result == DECODE_CUT && !w.is_snapped ? DECODE_MALFORMED : result;
}

bool decode_overdue(struct decoder *decoder, int64_t now_ns, struct packet *packet)
{
    struct beginning beginning;
    while (fragment_overdue(decoder->fragments, now_ns, &beginning)) {
        *packet = beginning.packet;
        packet->is_fragmented = true;
        struct walk w = {
            .decoder = decoder,
            .packet = packet,
            .data = beginning.datagram.data,
            .missing = beginning.datagram.missing,
            .headers = beginning.headers,
            .is_snapped = true,
        };
        if (walk_protocol(&w, beginning.datagram.protocol) == DECODED)
            return true;
    }
    return false;
}

/* Apart from decode_frame(), so that most frames need no walk's memory on the stack, nor its guard. */
__attribute__((noinline)) enum decode_result decode_by_walk(struct decoder *decoder,
                                                            const struct frame *frame, struct packet *packet)
{
    packet_begin(packet, frame->time_ns);
    enum decode_result result = read_frame(decoder, frame, packet);
    decoder->counters.results[result]++;
    if (result == DECODED)
        count_decoded(&decoder->counters, packet);
    return result;
}

enum decode_result decode_frame(struct decoder *decoder, const struct frame *frame, struct packet *packet)
{
    packet_begin(packet, frame->time_ns);
    if (!plain_read(frame, packet))
        return decode_by_walk(decoder, frame, packet);
    decoder->counters.results[DECODED]++;
    decoder->counters.layers[packet->layer_count ? LAYER_VLAN : LAYER_NONE]++;
    return DECODED;
}
