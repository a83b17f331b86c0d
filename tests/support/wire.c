/* SPDX-License-Identifier: BSD-2-Clause
 *
 * wire.c - builds Ethernet frames for tests and for the shipped captures.
 *
 * Specifications: IEEE 802.1Q, RFC 791, RFC 8200, RFC 768, RFC 9293, RFC 792, RFC 4443, RFC 4303, RFC 4302,
 * and the classic pcap file format. Checksums are right, IP identifications rise per host, and TCP's numbers
 * fit; congestion control and retransmission of data are left out.
 */
#include "wire.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_IPV6 = 0x86dd };
enum { MSS = 1400, TTL = 128, DONT_FRAGMENT = 0x4000, MORE_FRAGMENTS = 0x2000, IPV6_FRAGMENT = 44 };

void buf_put(struct buf *b, const void *from, size_t size)
{
    assert(size <= sizeof b->bytes - b->size);
    if (size > 0)
        memcpy(b->bytes + b->size, from, size);
    b->size += size;
}

void buf_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

void buf_format(struct buf *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf((char *)b->bytes + b->size, sizeof b->bytes - b->size, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof b->bytes - b->size);
    b->size += (size_t)size;
}

void buf_hex(struct buf *b, const char *digits)
{
    for (const char *at = digits; *at; at += 2) {
        while (*at == ' ')
            at++;
        if (!*at)
            return;
        char pair[3] = {at[0], at[1], 0};
        buf_u8(b, (unsigned)strtoul(pair, NULL, 16));
    }
}

void buf_fill(struct buf *b, uint8_t value, size_t count)
{
    assert(count <= sizeof b->bytes - b->size);
    memset(b->bytes + b->size, value, count);
    b->size += count;
}

void buf_u8(struct buf *b, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    buf_put(b, &byte, 1);
}

void buf_u16(struct buf *b, unsigned value)
{
    buf_u8(b, value >> 8);
    buf_u8(b, value);
}

void buf_u24(struct buf *b, unsigned value)
{
    buf_u8(b, value >> 16);
    buf_u16(b, value);
}

void buf_u32(struct buf *b, uint32_t value)
{
    buf_u16(b, value >> 16);
    buf_u16(b, value);
}

void buf_u64(struct buf *b, uint64_t value)
{
    buf_u32(b, (uint32_t)(value >> 32));
    buf_u32(b, (uint32_t)value);
}

void buf_u16le(struct buf *b, unsigned value)
{
    buf_u8(b, value);
    buf_u8(b, value >> 8);
}

void buf_u32le(struct buf *b, uint32_t value)
{
    buf_u16le(b, value);
    buf_u16le(b, value >> 16);
}

void buf_set16(struct buf *b, size_t at, size_t value)
{
    assert(at + 2 <= b->size && value <= 0xffff);
    b->bytes[at] = (uint8_t)(value >> 8);
    b->bytes[at + 1] = (uint8_t)value;
}

void buf_set24(struct buf *b, size_t at, size_t value)
{
    assert(value <= 0xffffff);
    b->bytes[at] = (uint8_t)(value >> 16);
    buf_set16(b, at + 1, value & 0xffff);
}

void buf_set16le(struct buf *b, size_t at, size_t value)
{
    assert(at + 2 <= b->size && value <= 0xffff);
    b->bytes[at] = (uint8_t)value;
    b->bytes[at + 1] = (uint8_t)(value >> 8);
}

void buf_der(struct buf *b, size_t start, uint8_t tag)
{
    struct buf content = {0};
    buf_put(&content, b->bytes + start, b->size - start);
    b->size = start;
    buf_u8(b, tag);
    if (content.size >= 0x100) {
        buf_u8(b, 0x82);
        buf_u16(b, (unsigned)content.size);
    } else if (content.size >= 0x80) {
        buf_u8(b, 0x81);
        buf_u8(b, (unsigned)content.size);
    } else {
        buf_u8(b, (unsigned)content.size);
    }
    buf_put(b, content.bytes, content.size);
}

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

struct scene *scene_create(uint64_t seed)
{
    struct scene *scene = must(calloc(1, sizeof *scene));
    scene->last = must(calloc(1, sizeof *scene->last));
    scene->random = seed;
    for (size_t i = 0; i < sizeof scene->ip_ids / sizeof *scene->ip_ids; i++)
        scene->ip_ids[i] = (uint16_t)scene_random(scene);
    return scene;
}

void scene_destroy(struct scene *scene)
{
    if (!scene)
        return;
    for (size_t i = 0; i < scene->count; i++)
        free(scene->records[i].bytes);
    free(scene->records);
    free(scene->last);
    free(scene);
}

/* SplitMix64 (Steele, Lea, Flood 2014): any seed is a good one. */
uint32_t scene_random(struct scene *scene)
{
    uint64_t z = scene->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

void buf_random(struct buf *b, struct scene *scene, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_u8(b, scene_random(scene));
}

void scene_frame(struct scene *scene, int64_t time_ns, const void *frame, size_t size)
{
    if (scene->count == scene->room) {
        scene->room = scene->room ? 2 * scene->room : 64;
        scene->records = must(realloc(scene->records, scene->room * sizeof *scene->records));
    }
    size_t kept = scene->snaplen && size > scene->snaplen ? scene->snaplen : size;
    struct wire_record *record = &scene->records[scene->count];
    *record = (struct wire_record){.time_ns = time_ns,
                                   .order = (uint32_t)scene->count,
                                   .caplen = (uint32_t)kept,
                                   .wirelen = (uint32_t)size,
                                   .bytes = must(malloc(size ? size : 1))};
    memcpy(record->bytes, frame, size);
    scene->count++;
}

void scene_lose(struct scene *scene, unsigned percent)
{
    size_t kept = 0;
    for (size_t i = 0; i < scene->count; i++) {
        if (scene_random(scene) % 100 < percent)
            free(scene->records[i].bytes);
        else
            scene->records[kept++] = scene->records[i];
    }
    scene->count = kept;
}

static int record_compare(const void *left, const void *right)
{
    const struct wire_record *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void scene_sort(struct scene *scene)
{
    if (scene->count > 0)
        qsort(scene->records, scene->count, sizeof *scene->records, record_compare);
}

void scene_forget(struct scene *scene, size_t count)
{
    scene_sort(scene);
    assert(count <= scene->count);
    for (size_t i = 0; i < scene->count; i++) {
        if (i < count)
            free(scene->records[i].bytes);
        else
            scene->records[i - count] = scene->records[i];
    }
    scene->count -= count;
}

void scene_each(struct scene *scene, scene_visit *visit, void *context)
{
    scene_sort(scene);
    for (size_t i = 0; i < scene->count; i++) {
        const struct wire_record *r = &scene->records[i];
        struct frame frame = {
            .time_ns = r->time_ns, .at = r->bytes, .caplen = r->caplen, .wirelen = r->wirelen, .linktype = 1};
        visit(context, &frame);
    }
}

/* The file header of pcap 2.4, big-endian: magic, version, zone, accuracy, snap length, link type. */
static bool write_file_header(FILE *file, bool nanoseconds)
{
    struct buf b = {0};
    buf_u32(&b, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
    buf_u16(&b, 2);
    buf_u16(&b, 4);
    buf_u32(&b, 0);
    buf_u32(&b, 0);
    buf_u32(&b, 262144);
    buf_u32(&b, 1);
    return fwrite(b.bytes, 1, b.size, file) == b.size;
}

static bool write_record(FILE *file, const struct wire_record *r, bool nanoseconds)
{
    struct buf b = {0};
    buf_u32(&b, (uint32_t)(r->time_ns / SEC));
    buf_u32(&b, (uint32_t)(r->time_ns % SEC / (nanoseconds ? 1 : 1000)));
    buf_u32(&b, r->caplen);
    buf_u32(&b, r->wirelen);
    return fwrite(b.bytes, 1, b.size, file) == b.size && fwrite(r->bytes, 1, r->caplen, file) == r->caplen;
}

bool scene_write(struct scene *scene, const char *path, bool nanoseconds)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    scene_sort(scene);
    bool good = write_file_header(file, nanoseconds);
    for (size_t i = 0; good && i < scene->count; i++)
        good = write_record(file, &scene->records[i], nanoseconds);
    return fclose(file) == 0 && good;
}

struct end end_of(const char *address, uint16_t port)
{
    struct end end = {.port = port};
    bool good = addr_parse(address, &end.addr);
    assert(good);
    (void)good;
    return end;
}

static void put_addr(struct buf *b, const struct addr *addr)
{
    unsigned size;
    const uint8_t *at = addr_wire(addr, &size);
    buf_put(b, at, size);
}

/* A locally administered address made from the last four bytes; groups get theirs (RFC 1112, RFC 2464). */
static void put_mac(struct buf *b, const struct addr *addr)
{
    const uint8_t *last = addr->bytes + 12;
    if (addr_is_broadcast(addr)) {
        buf_fill(b, 0xff, 6);
    } else if (addr_is_multicast(addr) && addr_is_v4(addr)) {
        buf_hex(b, "01 00 5e");
        buf_u8(b, last[1] & 0x7f);
        buf_put(b, last + 2, 2);
    } else {
        buf_hex(b, addr_is_multicast(addr) ? "33 33" : "02 00");
        buf_put(b, last, 4);
    }
}

static uint16_t *ip_id_of(struct scene *scene, const struct addr *addr)
{
    return &scene->ip_ids[(addr->bytes[15] ^ addr->bytes[14] * 7) % 64];
}

static uint32_t sum16(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    return size % 2 ? sum + ((uint32_t)bytes[size - 1] << 8) : sum;
}

/* The Internet checksum, RFC 1071. */
static uint16_t fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* With the pseudo-header, RFC 9293 section 3.1 and RFC 8200 section 8.1. */
static uint16_t checksum(struct addr from, struct addr to, uint8_t protocol, const uint8_t *bytes,
                         size_t size)
{
    struct buf pseudo = {0};
    put_addr(&pseudo, &from);
    put_addr(&pseudo, &to);
    buf_u32(&pseudo, (uint32_t)size);
    buf_u32(&pseudo, protocol);
    return fold(sum16(sum16(0, pseudo.bytes, pseudo.size), bytes, size));
}

static void put_ethernet(struct buf *b, const struct scene *scene, const struct addr *from,
                         const struct addr *to)
{
    put_mac(b, to);
    put_mac(b, from);
    if (scene->vlan) {
        buf_u16(b, ETHERTYPE_VLAN);
        buf_u16(b, scene->vlan);
    }
    buf_u16(b, addr_is_v4(from) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
}

static void put_ipv4(struct buf *b, uint8_t ttl, uint16_t id, uint16_t fragment, struct addr from,
                     struct addr to, uint8_t protocol, size_t size)
{
    size_t start = b->size;
    buf_u16(b, 0x4500);
    buf_u16(b, (unsigned)(20 + size));
    buf_u16(b, id);
    buf_u16(b, fragment);
    buf_u8(b, ttl ? ttl : TTL);
    buf_u8(b, protocol);
    buf_u16(b, 0);
    put_addr(b, &from);
    put_addr(b, &to);
    buf_set16(b, start + 10, fold(sum16(0, b->bytes + start, 20)));
}

static void put_ipv6(struct buf *b, uint8_t ttl, struct addr from, struct addr to, uint8_t protocol,
                     size_t size)
{
    buf_u32(b, 0x60000000);
    buf_u16(b, (unsigned)size);
    buf_u8(b, protocol);
    buf_u8(b, ttl ? ttl : TTL);
    put_addr(b, &from);
    put_addr(b, &to);
}

/* Puts link header and IP packet into the scene, and remembers the packet for wire_icmp_error(). */
static void record_packet(struct scene *scene, int64_t time_ns, struct addr from, struct addr to,
                          const struct buf *packet)
{
    struct buf frame = {0};
    *scene->last = *packet;
    if (scene->has_unseen && addr_equal(&from, &scene->unseen))
        return;
    put_ethernet(&frame, scene, &from, &to);
    buf_put(&frame, packet->bytes, packet->size);
    scene_frame(scene, time_ns, frame.bytes, frame.size);
    if (scene->mirrored)
        scene_frame(scene, time_ns + MS / 20, frame.bytes, frame.size);
}

void wire_ip(struct scene *scene, int64_t time_ns, struct addr from, struct addr to, uint8_t protocol,
             const void *payload, size_t size)
{
    struct buf packet = {0};
    assert(addr_is_v4(&from) == addr_is_v4(&to));
    if (addr_is_v4(&from))
        put_ipv4(&packet, scene->ttl, ++*ip_id_of(scene, &from), DONT_FRAGMENT, from, to, protocol, size);
    else
        put_ipv6(&packet, scene->ttl, from, to, protocol, size);
    buf_put(&packet, payload, size);
    record_packet(scene, time_ns, from, to, &packet);
}

void buf_udp(struct buf *b, struct end from, struct end to, const void *payload, size_t size)
{
    size_t start = b->size;
    buf_u16(b, from.port);
    buf_u16(b, to.port);
    buf_u16(b, (unsigned)(8 + size));
    buf_u16(b, 0);
    buf_put(b, payload, size);
    uint16_t sum = checksum(from.addr, to.addr, IP_UDP, b->bytes + start, 8 + size);
    buf_set16(b, start + 6, sum ? sum : 0xffff); /* 0 would say: none, RFC 768 */
}

void wire_udp(struct scene *scene, int64_t time_ns, struct end from, struct end to, const void *payload,
              size_t size)
{
    struct buf datagram = {0};
    buf_udp(&datagram, from, to, payload, size);
    wire_ip(scene, time_ns, from.addr, to.addr, IP_UDP, datagram.bytes, datagram.size);
}

/* RFC 791 section 3.1, RFC 8200 section 4.5: offsets count 8 bytes; the last piece says that no more follow.
 */
static void put_fragment(struct buf *packet, uint32_t id, struct addr from, struct addr to,
                         const uint8_t *piece, size_t size, size_t offset, bool more)
{
    if (addr_is_v4(&from)) {
        unsigned flags = more ? MORE_FRAGMENTS : 0;
        put_ipv4(packet, 0, (uint16_t)id, (uint16_t)(flags | offset / 8), from, to, IP_UDP, size);
    } else {
        put_ipv6(packet, 0, from, to, IPV6_FRAGMENT, 8 + size);
        buf_u16(packet, IP_UDP << 8);
        buf_u16(packet, (unsigned)offset | more);
        buf_u32(packet, id);
    }
    buf_put(packet, piece, size);
}

void wire_udp_fragments(struct scene *scene, int64_t time_ns, struct end from, struct end to,
                        const void *payload, size_t size, size_t piece)
{
    struct buf datagram = {0};
    buf_udp(&datagram, from, to, payload, size);
    assert(piece > 0 && piece % 8 == 0);
    uint32_t id = ++*ip_id_of(scene, &from.addr);
    for (size_t offset = 0; offset < datagram.size; offset += piece) {
        size_t left = datagram.size - offset;
        struct buf packet = {0};
        put_fragment(&packet, id, from.addr, to.addr, datagram.bytes + offset, left < piece ? left : piece,
                     offset, left > piece);
        record_packet(scene, time_ns, from.addr, to.addr, &packet);
        time_ns += MS / 100;
    }
}

void wire_icmp_error(struct scene *scene, int64_t time_ns, struct addr sender, uint8_t type, uint8_t code)
{
    const struct buf *about = scene->last;
    bool v4 = addr_is_v4(&sender);
    size_t quoted = v4 ? 20 + 8 : 128; /* RFC 792: header and 8 bytes; RFC 4443: much more */
    struct addr to = v4 ? addr_v4(about->bytes + 12) : addr_v6(about->bytes + 8);
    struct buf message = {0};
    buf_u8(&message, type);
    buf_u8(&message, code);
    buf_u16(&message, 0);
    buf_u32(&message, 0);
    buf_put(&message, about->bytes, about->size < quoted ? about->size : quoted);
    uint16_t sum = v4 ? fold(sum16(0, message.bytes, message.size))
                      : checksum(sender, to, IP_ICMPV6, message.bytes, message.size);
    buf_set16(&message, 2, sum);
    wire_ip(scene, time_ns, sender, to, v4 ? IP_ICMP : IP_ICMPV6, message.bytes, message.size);
}

void wire_esp(struct scene *scene, int64_t time_ns, struct addr from, struct addr to, uint32_t spi,
              uint32_t sequence, size_t size)
{
    struct buf packet = {0};
    buf_u32(&packet, spi);
    buf_u32(&packet, sequence);
    buf_random(&packet, scene, size);
    wire_ip(scene, time_ns, from, to, IP_ESP, packet.bytes, packet.size);
}

/* RFC 4303 section 2: the padding counts 1, 2, 3 ... and brings the trailer to a multiple of 4. */
void wire_esp_null(struct scene *scene, int64_t time_ns, struct end from, struct end to, uint32_t spi,
                   uint32_t sequence, const void *payload, size_t size)
{
    struct buf packet = {0};
    buf_u32(&packet, spi);
    buf_u32(&packet, sequence);
    buf_udp(&packet, from, to, payload, size);
    unsigned padding = (unsigned)(4 - (packet.size + 2) % 4) % 4;
    for (unsigned i = 1; i <= padding; i++)
        buf_u8(&packet, i);
    buf_u8(&packet, padding);
    buf_u8(&packet, IP_UDP);
    buf_random(&packet, scene, 12);
    wire_ip(scene, time_ns, from.addr, to.addr, IP_ESP, packet.bytes, packet.size);
}

/* RFC 4302 section 2: the length counts words without two; over IPv6 the header is a multiple of 8 bytes. */
void wire_ah(struct scene *scene, int64_t time_ns, struct end from, struct end to, uint32_t spi,
             uint32_t sequence, const void *payload, size_t size)
{
    size_t icv = addr_is_v4(&from.addr) ? 12 : 20;
    struct buf packet = {0};
    buf_u8(&packet, IP_UDP);
    buf_u8(&packet, (unsigned)((12 + icv) / 4 - 2));
    buf_u16(&packet, 0);
    buf_u32(&packet, spi);
    buf_u32(&packet, sequence);
    buf_random(&packet, scene, icv);
    buf_udp(&packet, from, to, payload, size);
    wire_ip(scene, time_ns, from.addr, to.addr, IP_AH, packet.bytes, packet.size);
}

struct tcp tcp_between(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct tcp tcp = {.scene = scene, .ends = {client, server}, .now = start_ns, .trip = MS / 2};
    tcp.next[CLIENT] = scene_random(scene);
    tcp.next[SERVER] = scene_random(scene);
    return tcp;
}

/* MSS, window scale and SACK, as a SYN of Windows carries them: RFC 9293 section 3.2, RFC 7323, RFC 2018. */
static void put_syn_options(struct buf *b)
{
    buf_hex(b, "02 04 05 b4 01 03 03 08 01 01 04 02");
}

void tcp_segment(struct tcp *tcp, enum side from, uint8_t flags, const void *payload, size_t size)
{
    enum side to = from == CLIENT ? SERVER : CLIENT;
    const struct end *source = &tcp->ends[from], *destination = &tcp->ends[to];
    struct buf b = {0};
    buf_u16(&b, source->port);
    buf_u16(&b, destination->port);
    buf_u32(&b, tcp->next[from]);
    buf_u32(&b, flags & TCP_ACK ? tcp->next[to] : 0);
    buf_u8(&b, flags & TCP_SYN ? 0x80 : 0x50); /* 8 or 5 words of header */
    buf_u8(&b, flags);
    buf_u16(&b, flags & TCP_RST ? 0 : 8192);
    buf_u32(&b, 0);
    if (flags & TCP_SYN)
        put_syn_options(&b);
    buf_put(&b, payload, size);
    buf_set16(&b, 16, checksum(source->addr, destination->addr, IP_TCP, b.bytes, b.size));
    wire_ip(tcp->scene, tcp->now, source->addr, destination->addr, IP_TCP, b.bytes, b.size);
    tcp->next[from] += (uint32_t)size + !!(flags & (TCP_SYN | TCP_FIN));
    tcp->now += tcp->trip;
}

void tcp_handshake(struct tcp *tcp)
{
    tcp_segment(tcp, CLIENT, TCP_SYN, NULL, 0);
    tcp_segment(tcp, SERVER, TCP_SYN | TCP_ACK, NULL, 0);
    tcp_segment(tcp, CLIENT, TCP_ACK, NULL, 0);
}

void tcp_say(struct tcp *tcp, enum side from, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t done = 0; done < size; done += MSS) {
        size_t left = size - done;
        tcp_segment(tcp, from, left > MSS ? TCP_ACK : TCP_ACK | TCP_PSH, at + done, left > MSS ? MSS : left);
    }
    tcp_segment(tcp, from == CLIENT ? SERVER : CLIENT, TCP_ACK, NULL, 0);
}

void tcp_say_buf(struct tcp *tcp, enum side from, const struct buf *bytes)
{
    tcp_say(tcp, from, bytes->bytes, bytes->size);
}

void tcp_lose(struct tcp *tcp, enum side from, size_t size)
{
    tcp->next[from] += (uint32_t)size;
}

void tcp_pause(struct tcp *tcp, int64_t duration_ns)
{
    tcp->now += duration_ns;
}

void tcp_close(struct tcp *tcp)
{
    tcp_segment(tcp, CLIENT, TCP_FIN | TCP_ACK, NULL, 0);
    tcp_segment(tcp, SERVER, TCP_ACK, NULL, 0);
    tcp_segment(tcp, SERVER, TCP_FIN | TCP_ACK, NULL, 0);
    tcp_segment(tcp, CLIENT, TCP_ACK, NULL, 0);
}

void tcp_reset(struct tcp *tcp, enum side from)
{
    tcp_segment(tcp, from, TCP_RST | TCP_ACK, NULL, 0);
}

int64_t tcp_refused(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_segment(&tcp, CLIENT, TCP_SYN, NULL, 0);
    tcp.next[SERVER] = 0; /* RFC 9293 section 3.5.2: a RST to a SYN has sequence number 0 */
    tcp_segment(&tcp, SERVER, TCP_RST | TCP_ACK, NULL, 0);
    return tcp.now - tcp.trip;
}

int64_t tcp_silent(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                   unsigned tries)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    uint32_t isn = tcp.next[CLIENT];
    int64_t last = start_ns, wait = SEC;
    for (unsigned i = 0; i < tries; i++) {
        tcp.next[CLIENT] = isn;
        last = tcp.now;
        tcp_segment(&tcp, CLIENT, TCP_SYN, NULL, 0);
        tcp.now = last + wait; /* RFC 6298 section 2: 1 s, doubling */
        wait *= 2;
    }
    return last;
}
