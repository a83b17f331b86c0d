/* SPDX-License-Identifier: BSD-2-Clause
 *
 * make_bench.c - the captures that `./dev bench` measures with, and the site they show.
 *
 *     make_bench site FILE
 *     make_bench mix|media|many|worst FILE [PACKETS [FLOWS]]
 *
 * mix: every protocol, 20,000 flows at once; media: 80 % RTP in 2,000 flows; many: 1,000,000 flows of four
 * packets, all of them open at once; worst: frames of 64 bytes of 500,000 flows in random order. The same
 * arguments make the same bytes. Exit status: 0 written, 2 usage or a file that could not be written.
 */
#include "traffic.h"

#include <stdio.h>
#include <stdlib.h>

#define START (INT64_C(1772443800) * SEC) /* 2026-03-02 09:30:00 UTC */
enum { SEED = 20260302, PACKETS_PER_SECOND = 333333 };

static const char site_text[] =
    "{\n"
    "  \"site\": \"bench\",\n"
    "  \"matrices\": [\"skype-for-business-server\", \"lync-server-2013-edge\"],\n"
    "  \"load_balancing\": \"dns\",\n"
    "  \"features\": [\"federation\", \"public-im\", \"xmpp\"],\n"
    "  \"hosts\": [\n"
    "%s"
    "    { \"name\": \"dir01\", \"addresses\": [\"10.20.1.101\"], \"roles\": [\"director\"] },\n"
    "    { \"name\": \"med01\", \"addresses\": [\"10.20.1.111\"], \"roles\": [\"mediation\"] },\n"
    "    { \"name\": \"chat01\", \"addresses\": [\"10.20.1.121\"], \"roles\": [\"persistent-chat\"] },\n"
    "    { \"name\": \"owa01\", \"addresses\": [\"10.20.1.131\"], \"roles\": [\"office-web-apps\"] },\n"
    "    { \"name\": \"edge01\", \"addresses\": [\"10.20.9.41\"], \"roles\": [\"edge-internal\"] },\n"
    "    { \"name\": \"sip\", \"addresses\": [\"203.0.113.11\"], \"roles\": [\"edge-access\"] },\n"
    "    { \"name\": \"webconf\", \"addresses\": [\"203.0.113.12\"], \"roles\": [\"edge-web-conferencing\"] "
    "},\n"
    "    { \"name\": \"av\", \"addresses\": [\"203.0.113.13\"], \"roles\": [\"edge-av\"] }\n"
    "  ],\n"
    "  \"networks\": [\n"
    "    { \"name\": \"office\", \"prefixes\": [\"10.64.0.0/10\", \"2001:db8:64::/48\"], \"roles\": "
    "[\"client\"] }\n"
    "  ]\n"
    "}\n";

enum { FRONT_ENDS = 16 }; /* 10.20.1.11 and 2001:db8:1::11 on */
#define FRONT_END    "10.20.1.11"
#define FRONT_END_V6 "2001:db8:1::11"
#define DIRECTOR     "10.20.1.101"
#define MEDIATION    "10.20.1.111"
#define CHAT         "10.20.1.121"
#define WEB_APPS     "10.20.1.131"
#define EDGE_INSIDE  "10.20.9.41"
#define ACCESS       "203.0.113.11"
#define AV           "203.0.113.13"
#define DIRECTORY    "10.20.0.9"
#define INTERNET     "198.51.100.99"

/* ---- conversations that talk.h has in another form ---- */

static int64_t video(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    int64_t checked = talk_ice(scene, client, server, start_ns);
    return talk_rtp(scene, client, server, checked + 20 * MS,
                    &(struct rtp_talk){.payload_type = 122, .packets = 5});
}

static int64_t two_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_rtp(scene, client, server, start_ns, &(struct rtp_talk){.packets = 2});
}

static int64_t esp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_esp(scene, client.addr, server.addr, start_ns, 2);
}

static int64_t authip(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_authip(scene, client.addr, server.addr, start_ns);
}

static int64_t refused(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return tcp_refused(scene, client, server, start_ns);
}

static int64_t old_tls(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_tls_as(scene, client, server, start_ns, &(struct tls_talk){.version = 0x0301});
}

/* SYN, SYN-ACK, one message each way. */
static int64_t short_tls(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct scene *whole = scene_create(7);
    int64_t end_ns = talk_tls(whole, client, server, start_ns);
    unsigned taken = 0;
    for (size_t i = 0; i < whole->count && taken < 4; i++) {
        const struct wire_record *r = &whole->records[i];
        const uint8_t *tcp = r->bytes + 34;
        bool syn = tcp[13] & TCP_SYN, data = r->caplen > 34 + (uint32_t)(tcp[12] >> 4) * 4;
        if (taken < 2 ? !syn : !data)
            continue;
        scene_frame(scene, r->time_ns, r->bytes, r->caplen);
        taken++;
    }
    scene_destroy(whole);
    return end_ns;
}

static int64_t two_dns(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_dns(scene, client, server, talk_dns(scene, client, server, start_ns) + 50 * MS);
}

static int64_t two_stun(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    return talk_stun(scene, client, server, talk_stun(scene, client, server, start_ns) + 50 * MS);
}

/* Twice a bare acknowledgement each way, padded to 64 bytes as every short frame is. */
static int64_t bare_tcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    for (unsigned i = 0; i < 4; i++)
        tcp_segment(&tcp, i % 2 ? SERVER : CLIENT, TCP_ACK, NULL, 0);
    return tcp.now;
}

static int64_t small_udp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf b = {0};
    buf_random(&b, scene, 22);
    wire_udp(scene, start_ns, client, server, b.bytes, b.size);
    wire_udp(scene, start_ns + MS, server, client, b.bytes, b.size);
    return start_ns + MS;
}

/* ---- what is in the captures ---- */

static const struct kind mix_kinds[] = {
    {.weight = 16,
     .play = talk_media,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .pace = 14,
     .size = 200},
    {.weight = 4,
     .play = talk_media,
     .server = FRONT_END_V6,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .pace = 14,
     .size = 200,
     .v6 = true},
    {.weight = 5,
     .play = video,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .pace = 24,
     .size = 1000},
    {.weight = 3,
     .play = talk_rtp_tcp,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_TCP,
     .pace = 12,
     .size = 300},
    {.weight = 10,
     .play = talk_tls,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 443,
     .bulk = BULK_TCP,
     .pace = 12,
     .size = 1200},
    {.weight = 10,
     .play = talk_tls,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 5061,
     .bulk = BULK_TCP,
     .pace = 6,
     .size = 700,
     .tagged = true},
    {.weight = 3,
     .play = talk_tls,
     .server = FRONT_END_V6,
     .servers = FRONT_ENDS,
     .port = 5061,
     .bulk = BULK_TCP,
     .pace = 6,
     .size = 700,
     .v6 = true},
    {.weight = 3,
     .play = talk_mtls,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 5061,
     .bulk = BULK_TCP,
     .pace = 6,
     .size = 600,
     .tagged = true},
    {.weight = 5,
     .play = talk_tls,
     .server = INTERNET,
     .servers = 100,
     .port = 443,
     .bulk = BULK_TCP,
     .pace = 14,
     .size = 1400},
    {.weight = 2,
     .play = talk_smb,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 445,
     .bulk = BULK_TCP,
     .pace = 10,
     .size = 1400},
    {.weight = 2,
     .play = talk_http,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 80,
     .bulk = BULK_TCP,
     .pace = 8,
     .size = 1400},
    {.weight = 2,
     .play = talk_ms_turn,
     .server = AV,
     .servers = 1,
     .port = 443,
     .bulk = BULK_TCP,
     .pace = 10,
     .size = 400},
    {.weight = 2,
     .play = talk_ms_turn_udp,
     .server = AV,
     .servers = 1,
     .port = 3478,
     .bulk = BULK_RTP,
     .pace = 10,
     .size = 250},
    {.weight = 1,
     .play = esp,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_ESP,
     .pace = 10,
     .size = 300},
    {.weight = 1,
     .play = authip,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 500,
     .client_port = 500},
    {.weight = 1,
     .play = talk_rdp,
     .server = WEB_APPS,
     .servers = 1,
     .port = 3389,
     .bulk = BULK_TCP,
     .pace = 10,
     .size = 800},
    {.weight = 6, .play = talk_dns, .server = DIRECTORY, .servers = 4, .port = 53, .tagged = true},
    {.weight = 2, .play = talk_dns_tcp, .server = DIRECTORY, .servers = 4, .port = 53},
    {.weight = 2, .play = talk_dhcp, .server = DIRECTORY, .servers = 1, .port = 67, .client_port = 68},
    {.weight = 2, .play = talk_stun, .server = AV, .servers = 1, .port = 3478},
    {.weight = 2, .play = talk_sip, .server = FRONT_END, .servers = FRONT_ENDS, .port = 5060},
    {.weight = 1, .play = talk_sip_udp, .server = MEDIATION, .servers = 4, .port = 5060},
    {.weight = 2, .play = talk_kerberos, .server = DIRECTORY, .servers = 4, .port = 88},
    {.weight = 1, .play = talk_kerberos_udp, .server = DIRECTORY, .servers = 4, .port = 88},
    {.weight = 2, .play = talk_ldap, .server = DIRECTORY, .servers = 4, .port = 389},
    {.weight = 1, .play = talk_dcerpc, .server = FRONT_END, .servers = FRONT_ENDS, .port = 135},
    {.weight = 1, .play = talk_tds, .server = FRONT_END, .servers = FRONT_ENDS, .port = 1433},
    {.weight = 1, .play = talk_ssrp, .server = FRONT_END, .servers = FRONT_ENDS, .port = 1434},
    {.weight = 1, .play = talk_ntp, .server = DIRECTORY, .servers = 4, .port = 123},
    {.weight = 1, .play = talk_xmpp_tls, .server = ACCESS, .servers = 1, .port = 5269},
    {.weight = 1, .play = talk_net_tcp, .server = CHAT, .servers = 1, .port = 8011},
    {.weight = 1, .play = talk_rtcp, .server = FRONT_END, .servers = FRONT_ENDS},
    {.weight = 2,
     .play = talk_quic,
     .server = INTERNET,
     .servers = 100,
     .port = 443,
     .bulk = BULK_RTP,
     .pace = 10,
     .size = 1200},
    {.weight = 1,
     .play = talk_unknown,
     .server = INTERNET,
     .servers = 100,
     .port = 9999,
     .bulk = BULK_TCP,
     .pace = 6,
     .size = 500},
    {.weight = 1,
     .play = talk_unknown_udp,
     .server = INTERNET,
     .servers = 100,
     .port = 9998,
     .bulk = BULK_RTP,
     .pace = 6,
     .size = 500},
    /* what is found: unexpected ports and protocols, old TLS, SIP in clear, blocked ports */
    {.weight = 1, .play = talk_http, .server = FRONT_END, .servers = FRONT_ENDS, .port = 8089},
    {.weight = 1, .play = talk_http, .server = FRONT_END, .servers = FRONT_ENDS, .port = 5061},
    {.weight = 1,
     .play = old_tls,
     .server = DIRECTOR,
     .servers = 1,
     .port = 443,
     .bulk = BULK_TCP,
     .pace = 6,
     .size = 700},
    {.weight = 1, .play = refused, .server = CHAT, .servers = 1, .port = 5041},
};

static const struct kind media_kinds[] = {
    {.weight = 36,
     .play = talk_media,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .pace = 10,
     .size = 200},
    {.weight = 4,
     .play = talk_media,
     .server = FRONT_END_V6,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .pace = 10,
     .size = 200,
     .v6 = true},
    {.weight = 12,
     .play = video,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .pace = 20,
     .size = 1000},
    {.weight = 20,
     .play = talk_tls,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 5061,
     .bulk = BULK_TCP,
     .pace = 5,
     .size = 700},
    {.weight = 6,
     .play = talk_tls,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .port = 443,
     .bulk = BULK_TCP,
     .pace = 10,
     .size = 1200},
    {.weight = 2,
     .play = esp,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_ESP,
     .pace = 5,
     .size = 300},
};

/* Four packets each. */
static const struct kind many_kinds[] = {
    {.weight = 25, .play = short_tls, .server = FRONT_END, .servers = FRONT_ENDS, .port = 443},
    {.weight = 25, .play = short_tls, .server = FRONT_END, .servers = FRONT_ENDS, .port = 5061},
    {.weight = 25, .play = two_rtp, .server = FRONT_END, .servers = FRONT_ENDS},
    {.weight = 15, .play = two_dns, .server = DIRECTORY, .servers = 4, .port = 53},
    {.weight = 9, .play = two_stun, .server = AV, .servers = 1, .port = 3478},
    {.weight = 1, .play = bare_tcp, .server = FRONT_END, .servers = FRONT_ENDS, .port = 8089},
};

/* Half of it bytes that no protocol has. */
static const struct kind worst_kinds[] = {
    {.weight = 50, .play = bare_tcp, .server = FRONT_END, .servers = FRONT_ENDS, .port = 443},
    {.weight = 50,
     .play = small_udp,
     .server = FRONT_END,
     .servers = FRONT_ENDS,
     .bulk = BULK_RTP,
     .size = 10},
};

/* ---- the file ---- */

struct output {
    FILE *file;
    uint64_t packets, bytes;
};

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* A classic pcap file as most machines write it: little-endian, microseconds, Ethernet. */
static void put_header(struct output *output)
{
    uint8_t header[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4};
    put32(header + 16, 262144);
    put32(header + 20, 1);
    fwrite(header, 1, sizeof header, output->file);
}

static void put_frame(struct output *output, int64_t time_ns, const uint8_t *frame, uint32_t size)
{
    uint8_t header[16];
    put32(header, (uint32_t)(time_ns / SEC));
    put32(header + 4, (uint32_t)(time_ns % SEC / 1000));
    put32(header + 8, size);
    put32(header + 12, size);
    fwrite(header, 1, sizeof header, output->file);
    fwrite(frame, 1, size, output->file);
    output->packets++;
    output->bytes += size;
}

/* ---- flows side by side ---- */

struct plan {
    const struct kind *kinds;
    unsigned count;
    uint64_t packets;
    uint32_t flows;
};

/* The opening of each flow, by its kind's weight. */
static const struct opening *opening_of(const struct plan *plan, const struct opening *openings,
                                        uint64_t random)
{
    unsigned all = 0, kind = 0;
    for (unsigned i = 0; i < plan->count; i++)
        all += plan->kinds[i].weight;
    for (unsigned left = (unsigned)(random % all); left >= plan->kinds[kind].weight; kind++)
        left -= plan->kinds[kind].weight;
    return &openings[kind];
}

struct turn {
    int64_t time_ns;
    uint32_t line;
};

static bool is_before(struct turn a, struct turn b)
{
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.line < b.line;
}

/* A heap of turns: lets the first one sink to its place. */
static void sink_first(struct turn *turns, uint32_t count)
{
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (is_before(turns[child], turns[least]))
                least = child;
        if (least == at)
            return;
        struct turn turn = turns[at];
        turns[at] = turns[least];
        turns[least] = turn;
        at = least;
    }
}

static int by_time(const void *left, const void *right)
{
    return is_before(*(const struct turn *)left, *(const struct turn *)right) ? -1 : 1;
}

/* Packets of bulk that each unit of pace makes, so that all flows together have the number that is asked for.
 */
static double bulk_per_pace(const struct plan *plan, const struct opening *openings)
{
    double weight = 0, openings_count = 0, pace = 0;
    for (unsigned i = 0; i < plan->count; i++) {
        weight += plan->kinds[i].weight;
        openings_count += (double)plan->kinds[i].weight * openings[i].count;
        pace += (double)plan->kinds[i].weight * plan->kinds[i].pace;
    }
    double bulk = (double)plan->packets / plan->flows - openings_count / weight;
    return bulk > 1 ? bulk * weight / pace : 1;
}

/* Flows begin in the first fifth of the time, short ones at any time; each has its own pace. */
static void put_flows(struct output *output, const struct plan *plan)
{
    struct opening *openings = traffic_openings(plan->kinds, plan->count);
    struct line *lines = calloc(plan->flows, sizeof *lines);
    struct turn *turns = calloc(plan->flows, sizeof *turns);
    uint64_t random = SEED;
    int64_t span_ns = (int64_t)(plan->packets * (uint64_t)SEC / PACKETS_PER_SECOND);
    double per_pace = bulk_per_pace(plan, openings);
    for (uint32_t i = 0; lines && turns && i < plan->flows; i++) {
        const struct opening *opening = opening_of(plan, openings, traffic_random(&random));
        line_begin(&lines[i], opening, i, SEED);
        int64_t within = opening->kind->bulk == BULK_NONE ? span_ns : span_ns / 5;
        turns[i] = (struct turn){(int64_t)(traffic_random(&random) % (uint64_t)(within + 1)), i};
    }
    uint32_t left = lines && turns ? plan->flows : 0;
    qsort(turns, left, sizeof *turns, by_time);
    uint8_t frame[FRAME_SIZE_MAX];
    while (left && output->packets < plan->packets) {
        struct line *line = &lines[turns[0].line];
        put_frame(output, START + turns[0].time_ns, frame, line_next(line, frame));
        int64_t pause = line_pause(line);
        if (pause < 0) {
            double gap = (double)span_ns * 0.9 / (per_pace * (line->opening->kind->pace + 1));
            pause = (int64_t)(gap * (0.5 + (double)(traffic_random(&random) % 1024) / 1024));
        }
        turns[0].time_ns += pause;
        if (line_is_over(line))
            turns[0] = turns[--left];
        sink_first(turns, left);
    }
    free(turns);
    free(lines);
    traffic_free(openings, plan->count);
}

/* ---- flows in random order ---- */

/* A number that no other one of the same round has: multiplying by an odd number permutes 2^bits, and what
 * falls outside is permuted again. */
static uint32_t permute(uint32_t number, uint32_t count, uint32_t round)
{
    uint32_t bits = 1;
    while (bits < 32 && UINT32_C(1) << bits < count)
        bits++;
    uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1);
    do {
        number = (number * 0x9e3779b1u + round * 0x7f4a7c15u) & mask;
        number ^= number >> (bits / 2 + 1);
        number = (number * 0x85ebca6bu + round) & mask;
        number ^= number >> (bits / 2 + 1);
    } while (number >= count);
    return number;
}

/* Round by round each flow has one packet; or, `at_random`, any flow at any time. */
static void put_scattered(struct output *output, const struct plan *plan, bool at_random)
{
    struct opening *openings = traffic_openings(plan->kinds, plan->count);
    struct line *lines = calloc(plan->flows, sizeof *lines);
    uint64_t random = SEED;
    for (uint32_t i = 0; lines && i < plan->flows; i++) {
        uint64_t number = SEED ^ i;
        line_begin(&lines[i], opening_of(plan, openings, traffic_random(&number)), i, SEED);
    }
    uint8_t frame[FRAME_SIZE_MAX];
    for (uint64_t n = 0; lines && n < plan->packets; n++) {
        uint32_t round = (uint32_t)(n / plan->flows), place = (uint32_t)(n % plan->flows);
        struct line *line =
            &lines[at_random ? traffic_random(&random) % plan->flows : permute(place, plan->flows, round)];
        if (line_is_over(line))
            line->sent = 0;
        uint32_t size = line_next(line, frame);
        if (at_random && size < 64) {
            memset(frame + size, 0, 64 - size);
            size = 64;
        }
        put_frame(output, START + (int64_t)(n * (uint64_t)SEC / (2 * PACKETS_PER_SECOND)), frame, size);
    }
    free(lines);
    traffic_free(openings, plan->count);
}

static bool put_site(FILE *file)
{
    char hosts[FRONT_ENDS * 128];
    size_t size = 0;
    for (unsigned i = 0; i < FRONT_ENDS; i++)
        size += (size_t)snprintf(
            hosts + size, sizeof hosts - size,
            "    { \"name\": \"fe%02u\", \"addresses\": [\"10.20.1.%u\", \"2001:db8:1::%x\"], "
            "\"roles\": [\"front-end\"] },\n",
            i + 1, 11 + i, 0x11 + i);
    return fprintf(file, site_text, hosts) > 0;
}

#define PLAN(kinds, packets, flows)                                                                          \
    {                                                                                                        \
        kinds, sizeof(kinds) / sizeof *(kinds), packets, flows                                               \
    }

static bool make(const char *what, struct output *output, uint64_t packets, uint32_t flows)
{
    static const struct {
        const char *name;
        struct plan plan;
        bool is_scattered, at_random;
    } all[] = {{"mix", PLAN(mix_kinds, 2000000, 20000), false, false},
               {"media", PLAN(media_kinds, 4000000, 2000), false, false},
               {"many", PLAN(many_kinds, 4000000, 1000000), true, false},
               {"worst", PLAN(worst_kinds, 4000000, 500000), true, true}};
    if (strcmp(what, "site") == 0)
        return put_site(output->file);
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(what, all[i].name) != 0)
            continue;
        struct plan plan = all[i].plan;
        plan.packets = packets ? packets : plan.packets;
        plan.flows = flows ? flows : plan.flows;
        put_header(output);
        if (all[i].is_scattered)
            put_scattered(output, &plan, all[i].at_random);
        else
            put_flows(output, &plan);
        printf("%s: %llu packets, mean %.0f bytes\n", what, (unsigned long long)output->packets,
               (double)output->bytes / (double)output->packets);
        return output->packets == plan.packets;
    }
    return false;
}

int main(int count, char **arguments)
{
    if (count < 3 || count > 5) {
        fprintf(stderr, "usage: make_bench site|mix|media|many|worst FILE [PACKETS [FLOWS]]\n");
        return 2;
    }
    struct output output = {.file = fopen(arguments[2], "wb")};
    uint64_t packets = count > 3 ? strtoull(arguments[3], NULL, 10) : 0;
    uint32_t flows = count > 4 ? (uint32_t)strtoul(arguments[4], NULL, 10) : 0;
    static char buffer[1 << 20];
    if (output.file)
        setvbuf(output.file, buffer, _IOFBF, sizeof buffer);
    bool made = output.file && make(arguments[1], &output, packets, flows);
    if (!output.file || fclose(output.file) != 0 || !made) {
        perror(arguments[2]);
        return 2;
    }
    return 0;
}
