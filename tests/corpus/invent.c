/* SPDX-License-Identifier: BSD-2-Clause
 *
 * invent.c - the mode invent of corpus_replay: what captures hold of encrypted bytes (TLS application data,
 * DTLS, QUIC, ESP, SRTP, flows without a name) is cut at random places and offered as new flows, over UDP and
 * over TCP with and without its beginning, on random ports and on ports that are customary for some protocol.
 * Whatever gets a name is an invention. Each kind is tried as often as the others, however much of it the
 * captures hold.
 */
#include "replay.h"

#include "rolecall/decode.h"
#include "rolecall/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum source { SOURCE_TLS, SOURCE_UNNAMED, SOURCE_DTLS, SOURCE_QUIC, SOURCE_ESP, SOURCE_RTP, SOURCE_COUNT };
static const char *const source_names[SOURCE_COUNT] = {"tls", "unnamed", "dtls", "quic", "esp", "rtp"};

enum way { WAY_UDP, WAY_UDP_CUSTOMARY, WAY_TCP, WAY_TCP_CUSTOMARY, WAY_TCP_MIDDLE, WAY_COUNT };
static const char *const way_names[WAY_COUNT] = {"udp", "udp, customary port", "tcp", "tcp, customary port",
                                                 "tcp from the middle"};

enum {
    TRIALS = 100000,    /* flows a way */
    PER_TRIALS = 10000, /* fewer than one invention in so many */
    PIECES = 6,         /* packets a flow: RTP is believed after four */
    PIECE_MIN = 16,
    PIECE_MAX = 1200,
    SAMPLE = 128, /* bytes that must look random, and how many different values they then have (101 +- 5) */
    SAMPLE_DISTINCT = 80,
    RUN_MAX = 2,        /* repetitions of one byte */
    EXPLICIT_NONCE = 8, /* counts up, in clear (RFC 5288 section 3) */
    REPORTS_MAX = 20,
    LINKTYPE_RAW = 101,
    NS_PER_S = 1000000000
};

struct body {
    uint8_t *at;
    size_t size;
};

static struct {
    struct body *list;
    size_t count, room;
} bodies[SOURCE_COUNT];

/* Many different values at the start, and nowhere a run of equal bytes: no text, no padding, no key exchange.
 */
static bool looks_encrypted(const struct bytes *data)
{
    bool seen[256] = {false};
    unsigned distinct = 0, run = 0;
    for (size_t i = 0; i < data->left; i++) {
        int value = bytes_peek(data, i);
        if (i < SAMPLE)
            distinct += !seen[value];
        seen[value] = true;
        run = i && value == bytes_peek(data, i - 1) ? run + 1 : 0;
        if (run == RUN_MAX)
            return false;
    }
    return data->left >= SAMPLE && distinct >= SAMPLE_DISTINCT;
}

static void keep_body(enum source source, struct bytes data)
{
    if (!bytes_ok(&data) || !looks_encrypted(&data))
        return;
    if (bodies[source].count == bodies[source].room) {
        bodies[source].room = bodies[source].room ? 2 * bodies[source].room : 256;
        bodies[source].list = must(realloc(bodies[source].list, bodies[source].room * sizeof(struct body)));
    }
    struct body body = {must(malloc(data.left)), data.left};
    memcpy(body.at, data.at, data.left);
    bodies[source].list[bodies[source].count++] = body;
}

/* Content of a TLS or DTLS record of application data (RFC 5246 section 6.2.1, RFC 6347 section 4.1). */
static void keep_record(enum source source, struct bytes data, unsigned size_at)
{
    bytes_skip(&data, size_at);
    size_t size = bytes_u16(&data);
    struct bytes record = bytes_take(&data, size < data.left ? size : data.left);
    bytes_skip(&record, EXPLICIT_NONCE);
    keep_body(source, record);
}

static void keep_after(enum source source, struct bytes data, size_t header)
{
    bytes_skip(&data, header);
    keep_body(source, data);
}

/* TLS records inside a flow that began as something else: no invention. */
static bool holds_records(struct bytes data)
{
    for (; data.left >= 3; bytes_skip(&data, 1))
        if (bytes_begin(&data, "\x17\x03", 2) && bytes_peek(&data, 2) <= 4)
            return true;
    return false;
}

static bool has(uint64_t names, enum proto_id id)
{
    return names >> id & 1;
}

static void gather_packet(const struct packet *packet, uint64_t names)
{
    struct bytes data = packet->payload;
    if (packet->protocol == IP_ESP) {
        keep_after(SOURCE_ESP, data, 8 + 16); /* SPI, sequence number, the longest usual IV */
    } else if (!names) {
        bytes_skip(&data, 16); /* SSH, VPNs: past what may be a header */
        if (!holds_records(data))
            keep_body(SOURCE_UNNAMED, data);
    } else if (packet->protocol == IP_TCP) {
        if (has(names, PROTO_tls) && bytes_begin(&data, "\x17\x03", 2))
            keep_record(SOURCE_TLS, data, 3);
    } else if (packet->protocol == IP_UDP) {
        if (has(names, PROTO_dtls) && bytes_begin(&data, "\x17\xfe", 2))
            keep_record(SOURCE_DTLS, data, 11);
        else if (has(names, PROTO_quic) && bytes_peek(&data, 0) < 0x80)
            keep_after(SOURCE_QUIC, data, 21); /* short header with the longest connection id */
        else if (has(names, PROTO_esp))
            keep_after(SOURCE_ESP, data, 8 + 16);
        else if (has(names, PROTO_rtp) && bytes_peek(&data, 0) >> 6 == 2)
            keep_after(SOURCE_RTP, data, 12);
    }
}

void invent_gather(const struct recording *recording)
{
    struct outcome outcome;
    recording_replay(recording, NULL, NULL, false, &outcome);
    struct decoder *decoder = must(decoder_create());
    for (size_t i = 0; i < recording->count; i++) {
        struct packet packet;
        if (decode_frame(decoder, &recording->frames[i], &packet) != DECODED || packet.payload.left < SAMPLE)
            continue;
        struct flow_key key;
        unsigned side;
        bool known;
        flow_key_of(&packet.source, &packet.destination, packet.source_port, packet.destination_port,
                    packet.protocol, &key, &side);
        gather_packet(&packet, outcome_names(&outcome, &key, &known));
    }
    decoder_destroy(decoder);
    outcome_free(&outcome);
}

/* What one flow was made from; its number stands in its client's address. */
struct trial {
    uint8_t source;
    uint32_t body, offset;
};

struct attempt {
    enum way way;
    struct engine *engine;
    struct chance chance;
    struct trial *trials;
    uint64_t tried[SOURCE_COUNT], named[SOURCE_COUNT];
    unsigned reported;
};

static void invented(void *context, const struct judge_flow *in, const struct verdict *verdict,
                     enum flow_end end)
{
    (void)verdict, (void)end;
    struct attempt *attempt = context;
    const struct flow *flow = in->flow;
    if (!flow->identity.name)
        return;
    const uint8_t *at = flow->key.addr[0].bytes + 13;
    const struct trial *trial = &attempt->trials[(uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]];
    attempt->named[trial->source]++;
    if (attempt->reported++ >= REPORTS_MAX)
        return;
    const struct body *body = &bodies[trial->source].list[trial->body];
    printf("%s: %s from %s, evidence %u:", way_names[attempt->way], proto_by_id(flow->identity.name)->name,
           source_names[trial->source], flow->identity.evidence);
    for (size_t i = trial->offset; i < body->size && i < trial->offset + 24; i++)
        printf("%s%02x", i == trial->offset ? " " : "", body->at[i]);
    printf(" (%s)\n", key_text(&flow->key));
}

/* An IPv4 packet from 10.a.b.c to 172.16.0.1. */
static void send_packet(struct attempt *attempt, uint32_t number, int64_t time_ns, const uint16_t port[2],
                        uint32_t sequence, bool is_syn, const uint8_t *payload, size_t size)
{
    static uint8_t bytes[40 + PIECE_MAX];
    bool tcp = attempt->way >= WAY_TCP;
    size_t header = tcp ? 40 : 28, total = header + size;
    memset(bytes, 0, sizeof bytes);
    const uint8_t ip[20] = {0x45,
                            0,
                            (uint8_t)(total >> 8),
                            (uint8_t)total,
                            0,
                            (uint8_t)sequence,
                            0x40,
                            0,
                            64,
                            tcp ? IP_TCP : IP_UDP,
                            0,
                            0,
                            10,
                            (uint8_t)(number >> 16),
                            (uint8_t)(number >> 8),
                            (uint8_t)number,
                            172,
                            16,
                            0,
                            1};
    memcpy(bytes, ip, sizeof ip);
    const uint8_t ports[4] = {(uint8_t)(port[0] >> 8), (uint8_t)port[0], (uint8_t)(port[1] >> 8),
                              (uint8_t)port[1]};
    memcpy(bytes + 20, ports, sizeof ports);
    if (tcp) {
        const uint8_t rest[10] = {(uint8_t)(sequence >> 24),
                                  (uint8_t)(sequence >> 16),
                                  (uint8_t)(sequence >> 8),
                                  (uint8_t)sequence,
                                  0,
                                  0,
                                  0,
                                  0,
                                  5 << 4,
                                  is_syn ? TCP_SYN : TCP_ACK};
        memcpy(bytes + 24, rest, sizeof rest);
    } else {
        bytes[24] = (uint8_t)((size + 8) >> 8);
        bytes[25] = (uint8_t)(size + 8);
    }
    if (size)
        memcpy(bytes + header, payload, size);
    struct frame frame = {.time_ns = time_ns,
                          .at = bytes,
                          .caplen = (uint32_t)total,
                          .wirelen = (uint32_t)total,
                          .linktype = LINKTYPE_RAW};
    engine_frames(attempt->engine, &frame, 1);
}

/* Ports that mean something to an identifier of this transport, but for the one that names ESP alone. */
static uint16_t customary_port(struct chance *chance, enum proto_transport transport)
{
    for (;;) {
        const struct protocol *protocol = proto_by_id(1 + chance_below(chance, PROTO_COUNT - 1));
        const uint16_t *ports = protocol->customary_ports;
        if (!ports || !(protocol->transports & transport))
            continue;
        size_t count = 0;
        while (ports[count])
            count++;
        uint16_t port = ports[chance_below(chance, (uint32_t)count)];
        if (port != 4500)
            return port;
    }
}

static uint16_t random_port(struct chance *chance)
{
    uint16_t port = 4500;
    while (port == 4500)
        port = (uint16_t)(1024 + chance_below(chance, 65536 - 1024));
    return port;
}

static uint32_t random_offset(struct chance *chance, const struct body *body)
{
    return chance_below(chance, (uint32_t)body->size - PIECE_MIN + 1);
}

static void try_flow(struct attempt *attempt, uint32_t number)
{
    struct chance *chance = &attempt->chance;
    struct trial *trial = &attempt->trials[number];
    do
        trial->source = (uint8_t)chance_below(chance, SOURCE_COUNT);
    while (!bodies[trial->source].count);
    const struct body *list = bodies[trial->source].list;
    uint32_t count = (uint32_t)bodies[trial->source].count;
    trial->body = chance_below(chance, count);
    trial->offset = random_offset(chance, &list[trial->body]);
    attempt->tried[trial->source]++;

    bool customary = attempt->way == WAY_UDP_CUSTOMARY || attempt->way == WAY_TCP_CUSTOMARY;
    enum proto_transport transport = attempt->way >= WAY_TCP ? OVER_TCP : OVER_UDP;
    uint16_t port[2] = {random_port(chance),
                        customary ? customary_port(chance, transport) : random_port(chance)};
    int64_t now = number * INT64_C(1) * NS_PER_S; /* flows of a second ago give their places back in time */
    uint32_t sequence = (uint32_t)chance_next(chance);
    if (attempt->way == WAY_TCP || attempt->way == WAY_TCP_CUSTOMARY)
        send_packet(attempt, number, now, port, sequence++, true, NULL, 0);
    size_t offset = trial->offset;
    for (unsigned i = 0; i < PIECES; i++) {
        const struct body *body = &list[(trial->body + i) % count];
        size_t size = body->size - offset < PIECE_MAX ? body->size - offset : PIECE_MAX;
        now += NS_PER_S / 50;
        send_packet(attempt, number, now, port, sequence, false, body->at + offset, size);
        sequence += (uint32_t)size;
        offset = transport == OVER_UDP ? random_offset(chance, &list[(trial->body + i + 1) % count]) : 0;
    }
}

static unsigned try_way(enum way way, uint64_t seed, struct trial *trials)
{
    struct attempt attempt = {.way = way, .chance = {seed + way}, .trials = trials};
    struct engine_options options = {
        .workers = 1, .flows_max = 4096, .flow_over = invented, .context = &attempt};
    attempt.engine = must(engine_create(&options));
    for (uint32_t number = 0; number < TRIALS; number++)
        try_flow(&attempt, number);
    engine_finish(attempt.engine);
    engine_destroy(attempt.engine);
    uint64_t named = 0;
    for (unsigned source = 0; source < SOURCE_COUNT; source++) {
        named += attempt.named[source];
        if (attempt.tried[source])
            printf("%-20s %-5s %8" PRIu64 " flows, %6" PRIu64 " named\n", way_names[way],
                   source_names[source], attempt.tried[source], attempt.named[source]);
    }
    printf("%-20s %.2f false names in 10,000\n", way_names[way], (double)named * 10000 / TRIALS);
    return named * PER_TRIALS >= TRIALS;
}

unsigned invent_try(uint64_t seed)
{
    size_t total = 0;
    for (unsigned source = 0; source < SOURCE_COUNT; source++) {
        printf("%s: %zu encrypted payloads\n", source_names[source], bodies[source].count);
        total += bodies[source].count;
    }
    if (!total)
        return 0;
    struct trial *trials = must(calloc(TRIALS, sizeof *trials));
    unsigned offences = 0;
    for (unsigned way = 0; way < WAY_COUNT; way++)
        offences += try_way((enum way)way, seed, trials);
    free(trials);
    return offences;
}
