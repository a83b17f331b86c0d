/* SPDX-License-Identifier: BSD-2-Clause
 *
 * make_captures.c - makes the captures that ship in pcaps/: a small Skype for Business site in working order,
 * and the same site with one of each violation. pcaps/contoso.site.json describes the hosts, pcaps/INDEX what
 * is in them.
 *
 *     make_captures DIRECTORY [COMMITTED]     writes both into DIRECTORY; then compares them with those in
 * COMMITTED
 *
 * Exit status: 0 written (and the same), 1 they differ, 2 usage or a file that could not be written or read.
 */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>

#define FE01       "10.20.1.11" /* Front End with Mediation and the Central Management store */
#define FE01_V6    "2001:db8:1::11"
#define FE02       "10.20.1.12"
#define DIRECTOR   "10.20.1.21"
#define MEDIATION  "10.20.1.31"
#define CHAT       "10.20.1.51"
#define WEB_APPS   "10.20.1.61"
#define EDGE_IN    "10.20.9.41"
#define ACCESS     "203.0.113.11"
#define WEB_CONF   "203.0.113.12"
#define AV         "203.0.113.13"
#define ALICE      "10.20.4.17"
#define ALICE_V6   "2001:db8:4::17"
#define BOB        "10.20.5.22"
#define CAROL      "10.20.4.23"
#define PHONE      "10.20.8.31"
#define DC         "10.20.0.9" /* directory, DNS, time: no role */
#define FILES      "10.20.0.20"
#define ROUTER     "10.20.0.1"
#define GATEWAY    "10.20.2.5"     /* to the telephone network: no role */
#define PROXY      "10.20.2.9"     /* reverse proxy: no role */
#define REMOTE     "198.51.100.77" /* an external user */
#define PARTNER    "198.51.100.25" /* a federated company's Access Edge */
#define PARTNER_AV "198.51.100.26"
#define INTERNET   "198.51.100.99"
#define EVERYONE   "255.255.255.255"

#define START (INT64_C(1772443800) * SEC) /* 2026-03-02 09:30:00 UTC */

/* A capture being made: each conversation begins a moment after the one before. */
struct stage {
    struct scene *scene;
    int64_t now;
    uint16_t port; /* of the next client */
};

struct visit {
    const char *client, *server;
    uint16_t port;
    talk_play *play;
};

static struct end next_client(struct stage *stage, const char *address)
{
    return end_of(address, stage->port++);
}

static void play_visits(struct stage *stage, const struct visit *visits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct visit *v = &visits[i];
        struct end client = v->play == talk_dhcp ? end_of(v->client, 68) : next_client(stage, v->client);
        stage->now = v->play(stage->scene, client, end_of(v->server, v->port), stage->now) + 150 * MS;
    }
}

#define PLAY(stage, visits) play_visits(stage, visits, sizeof(visits) / sizeof *(visits))

/* Media between two fixed ends. */
static void play_media(struct stage *stage, struct end from, struct end to, talk_play *play)
{
    stage->now = play(stage->scene, from, to, stage->now) + 150 * MS;
}

static void play_video(struct stage *stage, struct end from, struct end to)
{
    int64_t checked = talk_ice(stage->scene, from, to, stage->now);
    stage->now =
        talk_rtp(stage->scene, from, to, checked + 20 * MS, &(struct rtp_talk){.payload_type = 122}) +
        150 * MS;
}

static void play_tls(struct stage *stage, const char *client, const char *server, uint16_t port,
                     const struct tls_talk *how)
{
    struct end from = next_client(stage, client), to = end_of(server, port);
    stage->now = talk_tls_as(stage->scene, from, to, stage->now, how) + 150 * MS;
}

/* What clients do from morning on: addresses, sign-in, web, a conference. */
static void sign_in(struct stage *stage)
{
    static const struct visit visits[] = {
        {ALICE, EVERYONE, 67, talk_dhcp},   {PHONE, EVERYONE, 67, talk_dhcp}, {ALICE, DC, 53, talk_dns},
        {ALICE, FE01, 80, talk_http},       {ALICE, FE01, 443, talk_tls},     {ALICE, FE01, 5061, talk_tls},
        {BOB, DIRECTOR, 80, talk_http},     {BOB, DIRECTOR, 5061, talk_tls},  {BOB, FE02, 5061, talk_mtls},
        {ALICE_V6, FE01_V6, 5061, talk_tls}};
    stage->scene->vlan = 120;
    PLAY(stage, visits);
    stage->scene->vlan = 0;
}

static void calls(struct stage *stage)
{
    play_media(stage, end_of(ALICE, 50020), end_of(FE01, 57600), talk_media); /* conference audio */
    play_media(stage, end_of(ALICE, 50022), end_of(BOB, 50024), talk_media);  /* peer to peer */
    play_video(stage, end_of(ALICE, 58002), end_of(FE01, 57700));
    play_media(stage, end_of(ALICE, 42004), end_of(FE01, 49160), talk_rdp_rtp_tcp);
    play_media(stage, end_of(GATEWAY, 16500), end_of(MEDIATION, 49300), talk_media);
    play_media(stage, end_of(ALICE_V6, 50026), end_of(FE01_V6, 57602), talk_media);
}

/* Servers among themselves. */
static void pool(struct stage *stage)
{
    static const struct visit visits[] = {
        {FE02, FE01, 5061, talk_mtls},      {FE02, FE01, 5062, talk_mtls},
        {FE02, FE01, 5063, talk_tls},       {FE02, FE01, 5071, talk_tls},
        {FE02, FE01, 8404, talk_mtls},      {FE02, FE01, 8060, talk_mtls},
        {FE02, FE01, 5086, talk_mtls},      {FE02, FE01, 444, talk_tls},
        {FE02, FE01, 5080, talk_unknown},   {FE02, FE01, 448, talk_unknown},
        {FE02, FE01, 1434, talk_ssrp},      {FE02, FE01, 445, talk_smb},
        {FE01, FILES, 445, talk_smb},       {FE01, DIRECTOR, 444, talk_tls},
        {FE01, MEDIATION, 5070, talk_mtls}, {GATEWAY, MEDIATION, 5067, talk_tls},
        {FE01, GATEWAY, 5082, talk_tls},    {FE01, CHAT, 5041, talk_mtls},
        {ALICE, CHAT, 881, talk_tls},       {FE01, WEB_APPS, 443, talk_tls},
        {PROXY, FE01, 4443, talk_tls},      {PROXY, FE01, 8080, talk_http},
        {ALICE, FE01, 8057, talk_tls}};
    PLAY(stage, visits);
    struct end caller = next_client(stage, FE02);
    stage->now = talk_endpoint_mapper(stage->scene, caller, end_of(FE01, 135), stage->now, 49771) + 150 * MS;
    stage->now =
        talk_dcerpc(stage->scene, next_client(stage, FE02), end_of(FE01, 49771), stage->now) + 150 * MS;
}

static void edge_outside(struct stage *stage)
{
    static const struct visit visits[] = {
        {REMOTE, ACCESS, 443, talk_tls},        {REMOTE, WEB_CONF, 443, talk_tls},
        {REMOTE, AV, 3478, talk_ms_turn_udp},   {REMOTE, AV, 443, talk_ms_turn},
        {PARTNER, ACCESS, 5061, talk_mtls},     {ACCESS, PARTNER, 5061, talk_mtls},
        {PARTNER, ACCESS, 5269, talk_xmpp_tls}, {ACCESS, PARTNER, 5269, talk_xmpp},
        {ACCESS, INTERNET, 53, talk_dns},       {ACCESS, INTERNET, 53, talk_dns_tcp},
        {ACCESS, INTERNET, 80, talk_http},      {AV, PARTNER_AV, 3478, talk_stun}};
    PLAY(stage, visits);
    play_media(stage, end_of(AV, 50100), end_of(PARTNER_AV, 52000),
               talk_rtp_tcp); /* its own port is documented */
}

static void edge_inside(struct stage *stage)
{
    static const struct visit visits[] = {
        {FE01, EDGE_IN, 5061, talk_mtls},         {EDGE_IN, FE01, 5061, talk_mtls},
        {FE01, EDGE_IN, 5062, talk_mtls},         {FE01, EDGE_IN, 8057, talk_mtls},
        {ALICE, EDGE_IN, 3478, talk_ms_turn_udp}, {FE01, EDGE_IN, 443, talk_ms_turn},
        {FE01, EDGE_IN, 4443, talk_mtls},         {FE01, EDGE_IN, 50001, talk_mtls},
        {FE01, EDGE_IN, 23456, talk_mtls}};
    PLAY(stage, visits);
}

/* What must never be a finding: users on the Internet, servers and their directory. */
static void elsewhere(struct stage *stage)
{
    static const struct visit visits[] = {{ALICE, INTERNET, 443, talk_quic}, {BOB, INTERNET, 443, talk_tls},
                                          {FE01, DC, 53, talk_dns},          {FE01, DC, 88, talk_kerberos},
                                          {FE01, DC, 389, talk_ldap},        {FE01, DC, 123, talk_ntp}};
    PLAY(stage, visits);
}

static struct scene *good_site(void)
{
    struct stage stage = {.scene = scene_create(20260302), .now = START, .port = 51000};
    sign_in(&stage);
    calls(&stage);
    pool(&stage);
    edge_outside(&stage);
    edge_inside(&stage);
    elsewhere(&stage);
    return stage.scene;
}

static void wrong_ports(struct stage *stage)
{
    static const struct visit visits[] = {{ALICE, FE01, 8089, talk_http}, /* unexpected-port, established */
                                          {ACCESS, INTERNET, 8443, talk_tls}, /* unexpected-outbound */
                                          {BOB, FE02, 5061, talk_http}};      /* unexpected-protocol */
    PLAY(stage, visits);
    /* unexpected-port, attempted */
    stage->now =
        tcp_refused(stage->scene, next_client(stage, BOB), end_of(FE02, 3389), stage->now) + 150 * MS;
    /* media-port: the site has 50020-50039 for its clients' audio */
    play_media(stage, end_of(BOB, 30000), end_of(MEDIATION, 49310), talk_media);
}

static void weak_security(struct stage *stage)
{
    play_tls(stage, FE02, CHAT, 5041, &(struct tls_talk){0});                    /* mutual-tls-missing */
    play_tls(stage, BOB, FE01, 443, &(struct tls_talk){.version = 0x0301});      /* weak-tls */
    static const struct visit visits[] = {{GATEWAY, MEDIATION, 5068, talk_sip}}; /* plaintext-sip */
    PLAY(stage, visits);
}

/* blocked-port three ways: by the host, by a filter on the way, and by silence. */
static void blocked(struct stage *stage)
{
    stage->now =
        tcp_refused(stage->scene, next_client(stage, FE01), end_of(MEDIATION, 5070), stage->now) + 150 * MS;
    tcp_silent(stage->scene, next_client(stage, FE01), end_of(DIRECTOR, 444), stage->now, 1);
    wire_icmp_error(stage->scene, stage->now + MS, end_of(ROUTER, 0).addr, 3, 13);
    stage->now += 150 * MS;
    play_visits(stage, &(struct visit){FE01, EDGE_IN, 5061, talk_mtls}, 1); /* the Edge is alive */
    stage->now =
        tcp_silent(stage->scene, next_client(stage, FE01), end_of(EDGE_IN, 4443), stage->now, 3) + 4 * SEC;
}

/* ipsec-on-media: a client negotiates with the conferencing server; its media starts later and loses packets.
 */
static void ipsec(struct stage *stage)
{
    struct end client = end_of(CAROL, 50030), server = end_of(FE01, 57604);
    int64_t start = stage->now;
    talk_rtp(stage->scene, client, server, start + 40 * MS, &(struct rtp_talk){.lost_after = 3, .lost = 14});
    int64_t agreed = talk_authip(stage->scene, client.addr, server.addr, start);
    stage->now = talk_esp(stage->scene, client.addr, server.addr, agreed + 500 * MS, 10) + SEC;
}

static struct scene *violations_site(void)
{
    struct stage stage = {.scene = scene_create(20260303), .now = START, .port = 53000};
    sign_in(&stage);
    calls(&stage);
    wrong_ports(&stage);
    weak_security(&stage);
    blocked(&stage);
    ipsec(&stage);
    elsewhere(&stage);
    return stage.scene;
}

static bool files_equal(const char *left, const char *right)
{
    FILE *a = fopen(left, "rb"), *b = fopen(right, "rb");
    bool equal = a && b;
    for (int c = 0; equal && c != EOF;) {
        c = fgetc(a);
        equal = c == fgetc(b);
    }
    if (a)
        fclose(a);
    if (b)
        fclose(b);
    return equal;
}

static int make(const char *directory, const char *committed, const char *name, struct scene *scene,
                bool nanoseconds)
{
    char path[1024], other[1024];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    bool written = scene_write(scene, path, nanoseconds);
    scene_destroy(scene);
    if (!written) {
        perror(path);
        return 2;
    }
    if (!committed)
        return 0;
    snprintf(other, sizeof other, "%s/%s", committed, name);
    if (files_equal(path, other))
        return 0;
    fprintf(stderr, "%s and %s differ\n", path, other);
    return 1;
}

int main(int count, char **arguments)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: make_captures DIRECTORY [COMMITTED]\n");
        return 2;
    }
    const char *committed = count == 3 ? arguments[2] : NULL;
    int good = make(arguments[1], committed, "sfb-site-good.pcap", good_site(), false);
    int violations = make(arguments[1], committed, "sfb-site-violations.pcap", violations_site(), true);
    return good > violations ? good : violations;
}
