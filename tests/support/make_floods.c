/* SPDX-License-Identifier: BSD-2-Clause
 *
 * make_floods.c - captures of one kind of packet, as many as asked for: what somebody sends who wants the
 * monitor to work hard, and ordinary ones to compare them with. The site is that of
 * pcaps/contoso.site.json.
 *
 *     make_floods KIND FILE PACKETS      exit status: 0 written, 2 usage or a file that could not be written
 *     make_floods                        prints the kinds
 */
#include "rolecall/flow.h"
#include "talk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRONT_END "10.20.1.11"
#define START     (INT64_C(1772443800) * SEC) /* 2026-03-02 09:30:00 UTC */
#define STEP      (SEC / 20000)               /* between two packets of a flood */

/* A flood being made: packet number `at`. */
struct flood {
    struct scene *scene;
    unsigned at;
    int64_t now;
};

static struct addr number_as_addr(uint32_t n)
{
    return addr_v4((uint8_t[]){(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n});
}

/* An address that no other packet has: a stranger's. */
static struct addr stranger(const struct flood *flood)
{
    return number_as_addr(0xc6120000u + flood->at * 2654435761u % 131072u); /* 198.18.0.0/15 */
}

static struct end front_end(uint16_t port)
{
    return end_of(FRONT_END, port);
}

static void put_segment(struct flood *flood, struct end from, struct end to, uint8_t flags)
{
    struct tcp tcp = tcp_between(flood->scene, from, to, flood->now);
    tcp_segment(&tcp, CLIENT, flags, NULL, 0);
}

/* What floods are compared with, where the bench's `many` is not like them. */
static void whole_datagrams(struct flood *flood)
{
    struct buf payload = {0};
    buf_fill(&payload, 'x', 3 * 512 - 8);
    struct end client = {number_as_addr(0x0a140400u + flood->at % 200),
                         (uint16_t)(49152 + flood->at % 16000)};
    wire_udp_fragments(flood->scene, flood->now, client, front_end(50100), payload.bytes, payload.size, 512);
}

static void whole_pairs(struct flood *flood)
{
    struct addr client = stranger(flood);
    int64_t now = talk_ikev2(flood->scene, client, front_end(0).addr, flood->now);
    talk_esp(flood->scene, client, front_end(0).addr, now + MS, 2);
}

static void one_packet_flows(struct flood *flood)
{
    wire_udp(flood->scene, flood->now, (struct end){stranger(flood), 40000}, front_end(50100), "?", 1);
}

static void syns(struct flood *flood)
{
    put_segment(flood, (struct end){stranger(flood), 40000}, front_end(5061), TCP_SYN);
}

static void port_scan(struct flood *flood)
{
    put_segment(flood, end_of("198.18.0.1", 40000), front_end((uint16_t)(1 + flood->at % 65535)), TCP_SYN);
}

static void listeners(struct flood *flood)
{
    put_segment(flood, (struct end){stranger(flood), 443}, end_of("10.20.4.17", 50000), TCP_SYN | TCP_ACK);
}

static void strangers_packets(struct flood *flood)
{
    uint32_t n = 0xc6120000u + flood->at;
    wire_udp(flood->scene, flood->now, (struct end){number_as_addr(n), 1000},
             (struct end){number_as_addr(0xcb007100u + flood->at % 200), 2000}, "?", 1);
}

/* First IKE messages of pairs that never go on. */
static void pairs(struct flood *flood)
{
    talk_ike_unanswered(flood->scene, stranger(flood), front_end(0).addr, flood->now, 1);
}

static void esp_numbers(struct flood *flood)
{
    wire_esp(flood->scene, flood->now, end_of("10.20.4.17", 0).addr, front_end(0).addr,
             flood->at * 2654435761u | 256, 1, 64);
}

static void fragment(struct flood *flood, struct addr from, uint16_t id, unsigned unit, bool more)
{
    uint8_t frame[14 + 20 + 8] = {[12] = 8, [14] = 0x45, [17] = 28, [22] = 64, [23] = IP_UDP};
    unsigned place = unit | (more ? 0x2000u : 0);
    struct addr to = front_end(0).addr;
    frame[18] = (uint8_t)(id >> 8);
    frame[19] = (uint8_t)id;
    frame[20] = (uint8_t)(place >> 8);
    frame[21] = (uint8_t)place;
    memcpy(frame + 26, from.bytes + 12, 4);
    memcpy(frame + 30, to.bytes + 12, 4);
    scene_frame(flood->scene, flood->now, frame, sizeof frame);
}

/* First parts of datagrams that never come whole. */
static void fragments_first(struct flood *flood)
{
    fragment(flood, stranger(flood), 1, 0, true);
}

/* Parts from the middle. */
static void fragments_of_one_sender(struct flood *flood)
{
    fragment(flood, end_of("198.18.0.1", 0).addr, (uint16_t)flood->at, 5, true);
}

/* One datagram of 8191 parts, backwards. */
static void fragments_tiny(struct flood *flood)
{
    fragment(flood, end_of("198.18.0.1", 0).addr, (uint16_t)(flood->at / 8000), 8000 - flood->at % 8000,
             true);
}

/* Errors about packets of flows that are there: each is a refusal. */
static void icmp_errors(struct flood *flood)
{
    wire_udp(flood->scene, flood->now, (struct end){stranger(flood), 40000}, front_end(50100), "?", 1);
    wire_icmp_error(flood->scene, flood->now, front_end(0).addr, 3, 3);
}

/* Flows whose keys share a bucket of the table, as somebody can send who knows the hash's key: that of files
 * is 0. More of them than a bucket and its neighbour hold, in turn, so that each packet finds no room. */
enum { COLLIDING = 40 };

static bool collides(uint64_t hash)
{
    return hash >> 60 == 3 && (uint32_t)hash >> 23 == 100 && (uint16_t)(hash >> 44) >> 10 == 9;
}

static void colliding(struct flood *flood)
{
    static struct end ends[COLLIDING];
    static unsigned count;
    static const uint64_t key_of_files[2] = {0, 0};
    struct end to = front_end(50100);
    for (uint64_t n = 0; count < COLLIDING; n++) {
        struct end from = {number_as_addr(0xc6120000u + (uint32_t)(n >> 14) % 131072u),
                           (uint16_t)(49152 + n % 16384)};
        struct flow_key key;
        unsigned side;
        flow_key_of(&from.addr, &to.addr, from.port, to.port, IP_UDP, &key, &side);
        if (collides(flow_key_hash(&key, key_of_files)))
            ends[count++] = from;
    }
    wire_udp(flood->scene, flood->now, ends[flood->at % COLLIDING], to, "?", 1);
}

static const struct {
    const char *name;
    void (*put)(struct flood *flood);
} kinds[] = {
    {"whole-datagrams", whole_datagrams},
    {"whole-pairs", whole_pairs},
    {"one-packet-flows", one_packet_flows},
    {"syns", syns},
    {"port-scan", port_scan},
    {"listeners", listeners},
    {"strangers", strangers_packets},
    {"pairs", pairs},
    {"esp-numbers", esp_numbers},
    {"fragments-first", fragments_first},
    {"fragments-of-one-sender", fragments_of_one_sender},
    {"fragments-tiny", fragments_tiny},
    {"icmp-errors", icmp_errors},
    {"colliding-flows", colliding},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool make(unsigned kind, const char *path, size_t packets)
{
    struct flood flood = {.scene = scene_create(7), .now = START};
    for (; flood.scene->count < packets; flood.at++, flood.now += STEP)
        kinds[kind].put(&flood);
    bool ok = scene_write(flood.scene, path, true);
    scene_destroy(flood.scene);
    return ok;
}

int main(int argc, char **argv)
{
    for (unsigned i = 0; argc == 1 && i < KINDS; i++)
        puts(kinds[i].name);
    if (argc == 1)
        return 0;
    for (unsigned i = 0; argc == 4 && i < KINDS; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            return make(i, argv[2], (size_t)strtoul(argv[3], NULL, 10)) ? 0 : 2;
    fputs("usage: make_floods KIND FILE PACKETS\n", stderr);
    return 2;
}
