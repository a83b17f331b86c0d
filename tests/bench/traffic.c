/* SPDX-License-Identifier: BSD-2-Clause
 *
 * traffic.c - see traffic.h. Used by make_bench.c. Specifications of what is put right in a copied frame: RFC
 * 791, RFC 8200, RFC 768, RFC 9293, RFC 3550 (RTP's sequence and time), RFC 4303 (ESP's sequence).
 */
#include "traffic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENT_HERE    "192.0.2.1"
#define SERVER_HERE    "192.0.2.2"
#define CLIENT_HERE_V6 "2001:db8:ffff::1"
#define SERVER_HERE_V6 "2001:db8:ffff::2"
enum { CLIENT_PORT_HERE = 40000, CLIENTS = 30000, RECORD_HEADER = 5 };

static void *must(void *memory)
{
    if (!memory) {
        perror("traffic");
        exit(2);
    }
    return memory;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t traffic_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void set16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void set32(uint8_t *at, uint32_t value)
{
    set16(at, value >> 16);
    set16(at + 2, value);
}

/* ---- openings ---- */

struct recording {
    struct opening *opening;
    struct addr client;
    int64_t first_ns;
    bool is_closing;
};

static void record(void *context, const struct frame *frame)
{
    struct recording *recording = context;
    struct opening *opening = recording->opening;
    bool v6 = opening->kind->v6;
    const uint8_t *ip = frame->at + opening->ip_at;
    const uint8_t *from = recording->client.bytes + (v6 ? 0 : 12);
    bool by_client = memcmp(ip + (v6 ? 8 : 12), from, v6 ? 16 : 4) == 0;
    opening->protocol = v6 ? ip[6] : ip[9];
    if (opening->protocol == IP_TCP && opening->kind->bulk == BULK_TCP) {
        const uint8_t *tcp = ip + (v6 ? 40 : 20);
        uint32_t header = (uint32_t)(tcp[12] >> 4) * 4;
        uint32_t payload = v6 ? get16(ip + 4) - header : get16(ip + 2) - 20 - header;
        recording->is_closing |= (tcp[13] & (TCP_FIN | TCP_RST)) != 0;
        if (recording->is_closing) /* it goes on instead */
            return;
        opening->next[by_client ? CLIENT : SERVER] = get32(tcp + 4) + payload + !!(tcp[13] & TCP_SYN);
    }
    if (recording->first_ns < 0)
        recording->first_ns = frame->time_ns;
    assert(opening->count < OPENING_MAX && frame->caplen <= FRAME_SIZE_MAX);
    struct opening_frame *kept = &opening->frames[opening->count];
    *kept = (struct opening_frame){.time_ns = frame->time_ns - recording->first_ns,
                                   .size = frame->caplen,
                                   .side = by_client ? CLIENT : SERVER,
                                   .bytes = must(malloc(frame->caplen))};
    memcpy(kept->bytes, frame->at, frame->caplen);
    opening->model[kept->side] = opening->count++;
}

static void play(struct opening *opening, const struct kind *kind, uint64_t seed)
{
    struct scene *scene = must(scene_create(seed));
    uint16_t port = kind->client_port ? kind->client_port : CLIENT_PORT_HERE;
    struct end client = end_of(kind->v6 ? CLIENT_HERE_V6 : CLIENT_HERE, port);
    struct end server = end_of(kind->v6 ? SERVER_HERE_V6 : SERVER_HERE, kind->port ? kind->port : 57600);
    *opening = (struct opening){.kind = kind, .ip_at = kind->tagged ? 18 : 14};
    scene->vlan = kind->tagged ? 120 : 0;
    kind->play(scene, client, server, 0);
    struct recording recording = {.opening = opening, .client = client.addr, .first_ns = -1};
    scene_each(scene, record, &recording);
    scene_destroy(scene);
    assert(opening->count);
}

struct opening *traffic_openings(const struct kind *kinds, unsigned count)
{
    struct opening *openings = must(calloc(count, sizeof *openings));
    for (unsigned i = 0; i < count; i++)
        play(&openings[i], &kinds[i], i + 1);
    return openings;
}

void traffic_free(struct opening *openings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned f = 0; f < openings[i].count; f++)
            free(openings[i].frames[f].bytes);
    free(openings);
}

/* ---- one flow ---- */

/* Clients 10.64.0.0/10 or 2001:db8:64::/48, each with some flows; ports rise. */
void line_begin(struct line *line, const struct opening *opening, uint32_t number, uint64_t seed)
{
    const struct kind *kind = opening->kind;
    uint64_t random = seed ^ number;
    *line = (struct line){.opening = opening, .random = traffic_random(&random)};
    line->next[CLIENT] = opening->next[CLIENT];
    line->next[SERVER] = opening->next[SERVER];
    uint32_t host = number % CLIENTS;
    uint16_t port = kind->client_port ? kind->client_port : (uint16_t)(20000 + number / CLIENTS * 3);
    line->ends[CLIENT] = end_of(kind->v6 ? "2001:db8:64::" : "10.64.0.0", port);
    line->ends[CLIENT].addr.bytes[14] = (uint8_t)(host >> 8);
    line->ends[CLIENT].addr.bytes[15] = (uint8_t)host;
    line->ends[SERVER] = end_of(kind->server, kind->port);
    line->ends[SERVER].addr.bytes[15] =
        (uint8_t)(line->ends[SERVER].addr.bytes[15] + number / 7 % kind->servers);
    if (!kind->port)
        line->ends[SERVER].port = (uint16_t)(57600 + number % 256);
}

bool line_is_over(const struct line *line)
{
    return line->sent >= line->opening->count && line->opening->kind->bulk == BULK_NONE;
}

int64_t line_pause(const struct line *line)
{
    const struct opening *opening = line->opening;
    if (line->sent >= opening->count)
        return -1;
    return line->sent ? opening->frames[line->sent].time_ns - opening->frames[line->sent - 1].time_ns : 0;
}

static uint32_t add_words(uint32_t sum, const uint8_t *at, size_t size)
{
    uint64_t total = sum;
    for (size_t i = 0; i + 1 < size; i += 2)
        total += get16(at + i);
    if (size % 2)
        total += (uint32_t)at[size - 1] << 8;
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return (uint32_t)total;
}

static void put_checksums(uint8_t *ip, bool v6, uint8_t protocol, uint32_t size)
{
    uint32_t header = v6 ? 40 : 20;
    if (!v6) {
        set16(ip + 10, 0);
        set16(ip + 10, ~add_words(0, ip, 20) & 0xffff);
    }
    if (protocol != IP_TCP && protocol != IP_UDP)
        return;
    uint8_t *place = ip + header + (protocol == IP_TCP ? 16 : 6);
    set16(place, 0);
    uint32_t sum = add_words(protocol + size, ip + (v6 ? 8 : 12), v6 ? 32 : 8);
    sum = ~add_words(sum, ip + header, size) & 0xffff;
    set16(place, sum || protocol == IP_TCP ? sum : 0xffff);
}

/* The line's own addresses, ports and identification, then lengths and checksums for this size of IP payload.
 */
static uint32_t finish_frame(struct line *line, uint8_t *frame, enum side from, uint32_t size)
{
    const struct opening *opening = line->opening;
    bool v6 = opening->kind->v6;
    uint8_t *ip = frame + opening->ip_at;
    const struct end *sender = &line->ends[from], *receiver = &line->ends[1 - from];
    memcpy(ip + (v6 ? 8 : 12), sender->addr.bytes + (v6 ? 0 : 12), v6 ? 16 : 4);
    memcpy(ip + (v6 ? 24 : 16), receiver->addr.bytes + (v6 ? 0 : 12), v6 ? 16 : 4);
    uint8_t *transport = ip + (v6 ? 40 : 20);
    if (opening->protocol == IP_TCP || opening->protocol == IP_UDP) {
        set16(transport, sender->port);
        set16(transport + 2, receiver->port);
    }
    if (opening->protocol == IP_UDP)
        set16(transport + 4, size);
    if (v6) {
        set16(ip + 4, size);
    } else {
        set16(ip + 2, 20 + size);
        set16(ip + 4, (uint32_t)line->random + line->sent);
    }
    put_checksums(ip, v6, opening->protocol, size);
    line->sent++;
    return opening->ip_at + (v6 ? 40 : 20) + size;
}

static void fill(struct line *line, uint8_t *at, uint32_t size)
{
    for (uint32_t i = 0; i < size; i += 8) {
        uint64_t word = traffic_random(&line->random);
        memcpy(at + i, &word, size - i < 8 ? size - i : 8);
    }
}

/* Two of three bulk packets carry a TLS record of the server, the third is the client's acknowledgement. */
static uint32_t next_tcp(struct line *line, uint8_t *frame, uint8_t *tcp, uint32_t step)
{
    enum side from = step % 3 == 2 ? CLIENT : SERVER;
    uint32_t size = from == SERVER ? line->opening->kind->size : 0;
    set32(tcp + 4, line->next[from]);
    set32(tcp + 8, line->next[1 - from]);
    tcp[12] = 5 << 4;
    tcp[13] = (uint8_t)(TCP_ACK | (size ? TCP_PSH : 0));
    if (size) {
        fill(line, tcp + 20, size);
        memcpy(tcp + 20, "\x17\x03\x03", 3);
        set16(tcp + 23, size - RECORD_HEADER);
    }
    line->next[from] += size;
    return finish_frame(line, frame, from, 20 + size);
}

/* Both sides speak in turn; version, payload type and source are the model's. */
static uint32_t next_rtp(struct line *line, uint8_t *frame, uint8_t *udp, enum side from, uint32_t step)
{
    uint32_t size = line->opening->kind->size;
    size = size / 2 + (uint32_t)(traffic_random(&line->random) % (size / 2 + 1));
    fill(line, udp + 20, size);
    set16(udp + 10, get16(udp + 10) + step / 2 + 1);
    set32(udp + 12, get32(udp + 12) + (step / 2 + 1) * 320);
    return finish_frame(line, frame, from, 8 + 12 + size);
}

static uint32_t next_esp(struct line *line, uint8_t *frame, uint8_t *esp, enum side from, uint32_t step)
{
    uint32_t size = line->opening->kind->size & ~3u;
    set32(esp + 4, get32(esp + 4) + step / 2 + 1);
    fill(line, esp + 8, size);
    return finish_frame(line, frame, from, 8 + size);
}

uint32_t line_next(struct line *line, uint8_t *frame)
{
    const struct opening *opening = line->opening;
    uint32_t headers = opening->ip_at + (opening->kind->v6 ? 40 : 20);
    if (line->sent < opening->count) {
        const struct opening_frame *model = &opening->frames[line->sent];
        memcpy(frame, model->bytes, model->size);
        const uint8_t *ip = frame + opening->ip_at;
        uint32_t size = opening->kind->v6 ? get16(ip + 4) : get16(ip + 2) - 20u;
        return finish_frame(line, frame, model->side, size);
    }
    uint32_t step = line->sent - opening->count;
    enum side from = step % 2 ? SERVER : CLIENT;
    const struct opening_frame *model = &opening->frames[opening->model[from]];
    memcpy(frame, model->bytes, model->size);
    switch (opening->kind->bulk) {
    case BULK_TCP:
        return next_tcp(line, frame, frame + headers, step);
    case BULK_RTP:
        return next_rtp(line, frame, frame + headers, from, step);
    default:
        return next_esp(line, frame, frame + headers, from, step);
    }
}
