/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_blind.c - a sensor that sees badly must not accuse: traffic that keeps the documents, captured with
 * every snap length, with frames lost, with one direction only, or from the middle, opens no finding, and no
 * flow gets another name than the one it has when all of it is seen.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>

#define START (INT64_C(1772443800) * SEC)

static const char site[] =
    "{\"site\": \"blind\", \"matrices\": [\"skype-for-business-server\", \"lync-server-2013-edge\"], "
    "\"min_tls\": \"1.0\","
    "\"hosts\": [{\"name\": \"fe01\", \"addresses\": [\"10.20.1.11\"], \"roles\": [\"front-end-mediation\", "
    "\"front-end-cms\"]},"
    "{\"name\": \"fe02\", \"addresses\": [\"10.20.1.12\"], \"roles\": [\"front-end\"]},"
    "{\"name\": \"chat\", \"addresses\": [\"10.20.1.51\"], \"roles\": [\"persistent-chat\"]},"
    "{\"name\": \"edge\", \"addresses\": [\"10.20.9.41\"], \"roles\": [\"edge-internal\"]},"
    "{\"name\": \"access\", \"addresses\": [\"203.0.113.11\"], \"roles\": [\"edge-access\"]},"
    "{\"name\": \"av\", \"addresses\": [\"203.0.113.13\"], \"roles\": [\"edge-av\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"]}]}";

static const struct visit {
    const char *client;
    uint16_t client_port;
    const char *server;
    uint16_t port;
    talk_play *play;
} visits[] = {{"10.20.4.17", 51000, "10.20.1.11", 80, talk_http},
              {"10.20.4.17", 51001, "10.20.1.11", 443, talk_tls},
              {"10.20.4.17", 51002, "10.20.1.11", 5061, talk_tls},
              {"10.20.1.12", 51003, "10.20.1.51", 5041, talk_mtls},
              {"10.20.1.12", 51004, "10.20.1.11", 445, talk_smb},
              {"10.20.1.12", 51005, "10.20.1.11", 1434, talk_ssrp},
              {"10.20.1.12", 51006, "10.20.1.11", 5080, talk_unknown},
              {"10.20.4.17", 68, "255.255.255.255", 67, talk_dhcp},
              {"10.20.4.17", 50020, "10.20.1.11", 57600, talk_media},
              {"10.20.4.17", 50021, "10.20.1.11", 57601, talk_rtcp},
              {"10.20.4.17", 50022, "10.20.5.22", 50024, talk_media},
              {"10.20.4.17", 42000, "10.20.1.11", 49160, talk_rdp_rtp_tcp},
              {"10.20.4.17", 51007, "10.20.9.41", 3478, talk_ms_turn_udp},
              {"198.51.100.77", 51008, "203.0.113.13", 443, talk_ms_turn},
              {"198.51.100.25", 51009, "203.0.113.11", 5061, talk_mtls},
              {"198.51.100.25", 51010, "203.0.113.11", 5269, talk_xmpp_tls},
              {"203.0.113.11", 51011, "198.51.100.53", 53, talk_dns},
              {"203.0.113.11", 51012, "198.51.100.53", 53, talk_dns_tcp},
              {"10.20.1.11", 51013, "10.20.0.9", 389, talk_ldap},
              {"10.20.1.11", 51014, "10.20.0.9", 88, talk_kerberos},
              {"10.20.1.11", 51015, "10.20.0.9", 123, talk_ntp},
              {"10.20.4.17", 51016, "198.51.100.99", 443, talk_quic}};

enum { VISITS = sizeof visits / sizeof *visits };

static struct scene *scene;
static struct run *run;

void setUp(void)
{
    scene = scene_create(11);
    run = NULL;
}

void tearDown(void)
{
    run_destroy(run);
    scene_destroy(scene);
}

/* A morning at a site where everything is as it should be. */
static void play_all(void)
{
    int64_t now = START;
    for (size_t i = 0; i < VISITS; i++) {
        const struct visit *v = &visits[i];
        now = v->play(scene, end_of(v->client, v->client_port), end_of(v->server, v->port), now) + 100 * MS;
    }
    now = talk_endpoint_mapper(scene, end_of("10.20.1.12", 51020), end_of("10.20.1.11", 135), now, 49771) +
          100 * MS;
    now = talk_dcerpc(scene, end_of("10.20.1.12", 51021), end_of("10.20.1.11", 49771), now);
    talk_dns(scene, end_of("192.0.2.77", 53001), end_of("192.0.2.53", 53), now + 5 * SEC);
}

static const cJSON *flow_of(const struct run *from, const struct visit *v)
{
    struct end client = end_of(v->client, v->client_port), server = end_of(v->server, v->port);
    const cJSON *flow = run_flow(from, client, server);
    return flow ? flow : run_flow(from, server, client);
}

/* Each flow's name is that of the full capture, one that was seen there beside it, or none. */
static void check_names(const struct run *full, const char *label)
{
    for (size_t i = 0; i < VISITS; i++) {
        const cJSON *whole = flow_of(full, &visits[i]), *part = flow_of(run, &visits[i]);
        if (!part)
            continue;
        const char *name = text_at(part, "network.protocol");
        bool known = strcmp(name, text_at(whole, "network.protocol")) == 0 ||
                     strcmp(name, "unidentified") == 0 ||
                     strcmp(name, text_at(whole, "rolecall.flow.upgraded_to")) == 0 ||
                     list_has(whole, "rolecall.flow.also", name);
        char text[256];
        snprintf(text, sizeof text, "%s: %s:%u is called %s", label, visits[i].server, visits[i].port, name);
        TEST_ASSERT_TRUE_MESSAGE(known, text);
    }
}

static void check_blind(const struct run *full, const char *label)
{
    run = run_scene(site, scene, 1);
    check_names(full, label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE("", run_findings(run), label);
}

static struct run *see_all(void)
{
    play_all();
    struct run *full = run_scene(site, scene, 1);
    TEST_ASSERT_EQUAL_STRING("", run_findings(full));
    for (size_t i = 0; i < VISITS; i++)
        TEST_ASSERT_NOT_NULL(flow_of(full, &visits[i]));
    return full;
}

static void start_again(void)
{
    tearDown();
    setUp();
}

static void every_snap_length(void)
{
    struct run *full = see_all();
    for (uint32_t snaplen = 1; snaplen < 420; snaplen += snaplen < 120 ? 1 : 7) {
        char label[64];
        snprintf(label, sizeof label, "snap length %u", snaplen);
        start_again();
        scene->snaplen = snaplen;
        play_all();
        check_blind(full, label);
    }
    run_destroy(full);
}

static void lost_frames(void)
{
    struct run *full = see_all();
    for (unsigned i = 0; i < 60; i++) {
        char label[64];
        snprintf(label, sizeof label, "%u in 100 lost, round %u", 5 + i % 6 * 10, i);
        start_again();
        play_all();
        scene->random = i;
        scene_lose(scene, 5 + i % 6 * 10);
        check_blind(full, label);
    }
    run_destroy(full);
}

static void one_direction_only(void)
{
    struct run *full = see_all();
    for (size_t i = 0; i < VISITS; i++) {
        start_again();
        scene->has_unseen = true;
        scene->unseen = end_of(i % 2 ? visits[i].client : visits[i].server, 0).addr;
        play_all();
        check_blind(full, i % 2 ? visits[i].client : visits[i].server);
    }
    run_destroy(full);
}

/* Frames before the cut in time are not there: every connection of that moment is seen from its middle. */
static void from_the_middle(void)
{
    struct run *full = see_all();
    size_t all = scene->count;
    for (size_t gone = 3; gone < all; gone += all / 97) {
        char label[64];
        snprintf(label, sizeof label, "from frame %zu of %zu on", gone, all);
        start_again();
        play_all();
        scene_forget(scene, gone);
        check_blind(full, label);
    }
    run_destroy(full);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(every_snap_length);
    RUN_TEST(lost_frames);
    RUN_TEST(one_direction_only);
    RUN_TEST(from_the_middle);
    return UNITY_END();
}
