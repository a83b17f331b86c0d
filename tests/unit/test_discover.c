/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_discover.c - roles from traffic: the capture that ships with the project, single hosts that show
 * little, what must never become a server, many clients, and random sites whose hosts each show most of their
 * documented ports. Every text is read back as a site file, and what it assumes is held against the traffic
 * it came from.
 */
#include "rolecall/capture.h"
#include "rolecall/discover.h"
#include "rolecall/engine.h"
#include "rolecall/site.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef TEST_SOURCE_DIR
#define TEST_SOURCE_DIR "."
#endif

#define START (INT64_C(1772443800) * SEC)

static struct rules *rules;
static struct mistakes mistakes;

/* One discovery: the text, and the site it reads back as. */
struct found {
    char *text;
    struct site *site;
    unsigned with_role;
};
static struct found found;

void setUp(void)
{
    rules = rules_load(TEST_SOURCE_DIR "/rules", &mistakes);
    TEST_ASSERT_NOT_NULL(rules);
    found = (struct found){0};
}

static void forget(void)
{
    site_free(found.site);
    free(found.text);
    found = (struct found){0};
}

void tearDown(void)
{
    forget();
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static void learn(void *context, const struct judge_flow *in, const struct verdict *verdict,
                  enum flow_end end)
{
    (void)end;
    discovery_flow(context, in, verdict);
}

static void hand_frame(void *context, const struct frame *frame)
{
    engine_frames(context, frame, 1);
}

typedef void feeder(struct engine *engine, void *from);

static void feed_scene(struct engine *engine, void *from)
{
    scene_each(from, hand_frame, engine);
}

static void feed_file(struct engine *engine, void *from)
{
    const char *path = from;
    struct capture_errors errors = {.count = 0};
    struct capture_options options = {.paths = &path, .path_count = 1};
    struct capture *capture = capture_open_files(&options, &errors);
    struct frame frame;
    TEST_ASSERT_NOT_NULL_MESSAGE(capture, path);
    while (capture_next(capture, &frame, 1) > 0)
        engine_frames(engine, &frame, 1);
    capture_close(capture);
}

static char *text_of(feeder *feed, void *from, unsigned workers, unsigned *with_role)
{
    struct discovery *discovery = discovery_create(rules);
    struct engine_options options = {
        .workers = workers, .flows_max = 65536, .flow_over = learn, .context = discovery};
    struct engine *engine = engine_create(&options);
    size_t size = 0;
    TEST_ASSERT_NOT_NULL(engine);
    feed(engine, from);
    engine_finish(engine);
    char *text = discovery_site_text(discovery, &size);
    TEST_ASSERT_NOT_NULL(text);
    TEST_ASSERT_EQUAL_UINT(strlen(text), size);
    *with_role = discovery_host_count(discovery);
    engine_destroy(engine);
    discovery_destroy(discovery);
    return text;
}

static void discover(feeder *feed, void *from)
{
    forget();
    found.text = text_of(feed, from, 1, &found.with_role);
    found.site = site_from_text("discovered", found.text, strlen(found.text), rules, &mistakes);
    if (!found.site) {
        mistakes_print(&mistakes, "", stderr);
        TEST_FAIL_MESSAGE(found.text);
    }
}

static void discover_scene(struct scene *scene)
{
    discover(feed_scene, scene);
}

/* "front-end-mediation front-end-cms"; "" without a role. Valid until the next call. */
static const char *roles_text(role_set roles)
{
    static char text[256];
    size_t used = 0;
    text[0] = '\0';
    for (; roles; roles &= roles - 1)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                 rules_role(rules, (unsigned)__builtin_ctzll(roles))->id);
    return text;
}

static role_set roles_at(const char *address)
{
    struct addr addr;
    TEST_ASSERT_TRUE(addr_parse(address, &addr));
    for (unsigned i = 0; i < found.site->host_count; i++)
        if (addr_equal(&found.site->hosts[i].addresses[0], &addr))
            return found.site->hosts[i].roles;
    return 0;
}

static const char *roles_of(const char *address)
{
    return roles_text(roles_at(address));
}

/* The line of the text that tells about this address: "\"ADDRESS\"" as a host, "  ADDRESS " in a comment. */
static const char *line_of(const char *address)
{
    static char line[4096];
    char quoted[64], bare[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", address);
    snprintf(bare, sizeof bare, "//   %s ", address);
    const char *at = strstr(found.text, quoted);
    if (!at)
        at = strstr(found.text, bare);
    snprintf(line, sizeof line, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
    return line;
}

/* Is this role named for the address: given, or as one that the ports do not rule out? */
static bool names(const char *address, const char *role)
{
    static const char *const marks[] = {"; or ", "; may be "};
    const char *line = line_of(address);
    int bit = rules_find_role(rules, role);
    if (roles_at(address) >> bit & 1)
        return true;
    for (unsigned i = 0; i < 2; i++) {
        const char *at = strstr(line, marks[i]);
        for (at = at ? at + strlen(marks[i]) : ""; *at; at += strcspn(at, " ,"), at += strspn(at, " ,"))
            if (strncmp(at, role, strlen(role)) == 0 && strchr(" ,", at[strlen(role)]))
                return true;
    }
    return false;
}

/* What the discovered site says about the traffic that it came from. */
static const char *findings_by_it(feeder *feed, void *from)
{
    static char text[512];
    struct policy *policy = policy_create(rules, found.site);
    struct engine_options options = {.policy = policy, .workers = 1, .flows_max = 65536};
    struct engine *engine = engine_create(&options);
    const struct finding *finding;
    size_t used = 0;
    text[0] = '\0';
    feed(engine, from);
    engine_finish(engine);
    for (uint32_t i = 0; (finding = judge_finding(engine_judge(engine), i)) && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s: %s\n", finding_id_name(finding->id),
                                 finding->reason);
    engine_destroy(engine);
    policy_destroy(policy);
    return text;
}

struct visit {
    const char *client, *server;
    uint16_t port;
    talk_play *play;
};

static int64_t play_visits(struct scene *scene, const struct visit *visits, size_t count, int64_t now)
{
    for (size_t i = 0; i < count; i++) {
        struct end client = end_of(visits[i].client, (uint16_t)(40000 + i));
        now = visits[i].play(scene, client, end_of(visits[i].server, visits[i].port), now) + 10 * MS;
    }
    return now;
}

static void discover_visits(const struct visit *visits, size_t count)
{
    struct scene *scene = scene_create(3);
    play_visits(scene, visits, count, START);
    discover_scene(scene);
    scene_destroy(scene);
}

#define VISITS(visits) discover_visits(visits, sizeof(visits) / sizeof *(visits))

/* The capture that ships. */

#define GOOD TEST_SOURCE_DIR "/pcaps/sfb-site-good.pcap"

static void check_shipped(const struct site_host *host, unsigned address)
{
    char text[ADDR_TEXT_SIZE];
    addr_text(&host->addresses[address], text);
    for (role_set left = host->roles; left; left &= left - 1) {
        const char *role = rules_role(rules, (unsigned)__builtin_ctzll(left))->id;
        /* Only one address of the host with two shows Mediation and the store. */
        bool shown = address == 0 || strncmp(role, "front-end-", 10) != 0;
        TEST_ASSERT_TRUE_MESSAGE(!shown || names(text, role), line_of(text));
    }
}

static void shipped_site_is_found(void)
{
    char path[] = GOOD;
    discover(feed_file, path);
    struct site *truth = site_load(TEST_SOURCE_DIR "/pcaps/contoso.site.json", rules, &mistakes);
    TEST_ASSERT_NOT_NULL(truth);
    for (unsigned i = 0; i < truth->host_count; i++)
        for (unsigned a = 0; a < truth->hosts[i].address_count; a++)
            check_shipped(&truth->hosts[i], a);
    site_free(truth);
    TEST_ASSERT_EQUAL_STRING("front-end-mediation front-end-cms", roles_of("10.20.1.11"));
    TEST_ASSERT_EQUAL_STRING("front-end", roles_of("10.20.1.12"));
    TEST_ASSERT_EQUAL_STRING("director", roles_of("10.20.1.21"));
    TEST_ASSERT_EQUAL_STRING("mediation", roles_of("10.20.1.31"));
    TEST_ASSERT_EQUAL_STRING("persistent-chat", roles_of("10.20.1.51"));
    TEST_ASSERT_EQUAL_STRING("edge-internal", roles_of("10.20.9.41"));
    TEST_ASSERT_EQUAL_STRING("edge-access", roles_of("203.0.113.11"));
    TEST_ASSERT_EQUAL_STRING("edge-av", roles_of("203.0.113.13"));
    TEST_ASSERT_EQUAL_STRING("client", roles_of("10.20.4.17"));
    TEST_ASSERT_EQUAL_STRING("client", roles_of("10.20.5.22"));
    TEST_ASSERT_EQUAL_STRING("client", roles_of("2001:db8:4::17"));
    TEST_ASSERT_EQUAL_UINT(2, found.site->matrix_count);
    TEST_ASSERT_EQUAL_UINT(found.site->host_count, found.with_role);
}

static void shipped_site_has_no_others(void)
{
    static const char *const none[] = {"10.20.1.61",    "10.20.0.9",    "10.20.0.20",    "10.20.2.5",
                                       "10.20.2.9",     "203.0.113.12", "198.51.100.77", "198.51.100.25",
                                       "198.51.100.26", "198.51.100.99"};
    char path[] = GOOD;
    discover(feed_file, path);
    for (unsigned i = 0; i < sizeof none / sizeof *none; i++)
        TEST_ASSERT_EQUAL_STRING_MESSAGE("", roles_of(none[i]), none[i]);
    TEST_ASSERT_NOT_NULL(strstr(found.text, "federated partners"));
}

static void shipped_site_judges_its_own_capture(void)
{
    char path[] = GOOD;
    discover(feed_file, path);
    TEST_ASSERT_EQUAL_STRING("", findings_by_it(feed_file, path));
}

static void workers_change_nothing(void)
{
    char path[] = GOOD;
    unsigned with_role;
    char *one = text_of(feed_file, path, 1, &with_role), *four = text_of(feed_file, path, 4, &with_role);
    TEST_ASSERT_EQUAL_STRING(one, four);
    free(one);
    free(four);
}

/* Hosts that show little. */

#define BOX     "10.1.0.10"
#define BOX2    "10.1.0.11"
#define CLIENT1 "10.1.4.20"
#define CLIENT2 "10.1.4.21"
#define REMOTE  "198.51.100.7"
#define OUTSIDE "203.0.113.40"

static void sign_in_alone_is_a_low_guess(void)
{
    static const struct visit visits[] = {{CLIENT1, BOX, 5061, talk_tls}, {CLIENT1, BOX, 443, talk_tls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("front-end", roles_of(BOX));
    TEST_ASSERT_NOT_NULL(
        strstr(line_of(BOX), "// low: answers 443/tcp tls, 5061/tcp tls (to 1 address); or director"));
    TEST_ASSERT_EQUAL_STRING("client", roles_of(CLIENT1));
}

static void one_shared_port_is_no_role(void)
{
    static const struct visit visits[] = {{CLIENT1, BOX, 5061, talk_tls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("", roles_of(BOX));
    TEST_ASSERT_TRUE(names(BOX, "front-end"));
    TEST_ASSERT_TRUE(names(BOX, "director"));
    TEST_ASSERT_FALSE(names(BOX, "edge-access"));
    TEST_ASSERT_EQUAL_UINT(0, found.with_role);
}

static void a_pool_server_shows_by_whom_it_calls(void)
{
    static const struct visit visits[] = {
        {CLIENT1, BOX, 5061, talk_tls}, {BOX, BOX2, 8404, talk_mtls}, {BOX, BOX2, 5086, talk_mtls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("front-end", roles_of(BOX));
    TEST_ASSERT_EQUAL_STRING("front-end", roles_of(BOX2));
}

static void the_director_needs_its_server_port(void)
{
    static const struct visit visits[] = {{CLIENT1, BOX, 5061, talk_tls}, {BOX2, BOX, 444, talk_tls}};
    static const struct visit with_chat[] = {
        {CLIENT1, BOX, 5061, talk_tls}, {BOX2, BOX, 444, talk_tls}, {CLIENT1, BOX, 8404, talk_mtls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("director", roles_of(BOX));
    TEST_ASSERT_NOT_NULL(strstr(line_of(BOX), "// medium"));
    TEST_ASSERT_TRUE(names(BOX, "front-end"));
    VISITS(with_chat);
    TEST_ASSERT_EQUAL_STRING("front-end", roles_of(BOX));
}

static void services_can_share_a_host(void)
{
    static const struct visit visits[] = {{CLIENT1, BOX, 8057, talk_tls},
                                          {BOX2, BOX, 5071, talk_tls},
                                          {CLIENT1, BOX, 5061, talk_tls},
                                          {BOX2, BOX, 5041, talk_mtls},
                                          {BOX2, BOX, 5070, talk_mtls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("front-end-mediation persistent-chat", roles_of(BOX));
}

static void an_edge_with_one_address_outside(void)
{
    static const struct visit visits[] = {{REMOTE, OUTSIDE, 5061, talk_mtls},
                                          {REMOTE, OUTSIDE, 5269, talk_xmpp},
                                          {REMOTE, OUTSIDE, 443, talk_ms_turn},
                                          {REMOTE, OUTSIDE, 3478, talk_ms_turn_udp}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_UINT64((UINT64_C(1) << rules_find_role(rules, "edge-access")) |
                                 (UINT64_C(1) << rules_find_role(rules, "edge-av")),
                             roles_at(OUTSIDE));
}

static void relaying_inside_or_outside(void)
{
    static const struct visit inside[] = {{"192.168.7.7", BOX, 3478, talk_ms_turn_udp},
                                          {"172.16.4.4", BOX, 443, talk_ms_turn}};
    static const struct visit outside[] = {{REMOTE, BOX, 3478, talk_ms_turn_udp}};
    static const struct visit elsewhere[] = {{CLIENT1, OUTSIDE, 3478, talk_ms_turn_udp}};
    VISITS(inside);
    TEST_ASSERT_EQUAL_STRING("edge-internal", roles_of(BOX));
    VISITS(outside);
    TEST_ASSERT_EQUAL_STRING("edge-av", roles_of(BOX)); /* behind NAT */
    VISITS(elsewhere);
    TEST_ASSERT_EQUAL_STRING("", roles_of(OUTSIDE)); /* another company's */
    TEST_ASSERT_TRUE(names(OUTSIDE, "edge-av"));
}

static void two_edges_that_mirror_each_other(void)
{
    static const struct visit visits[] = {{OUTSIDE, REMOTE, 5061, talk_mtls},
                                          {OUTSIDE, REMOTE, 5269, talk_xmpp},
                                          {REMOTE, OUTSIDE, 5061, talk_mtls},
                                          {REMOTE, OUTSIDE, 5269, talk_xmpp},
                                          {"192.0.2.9", OUTSIDE, 443, talk_tls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("edge-access", roles_of(OUTSIDE));
    TEST_ASSERT_EQUAL_STRING("", roles_of(REMOTE));
}

/* The partner shows more, but to one host only. */
static void a_partner_that_shows_more(void)
{
    static const struct visit visits[] = {{OUTSIDE, REMOTE, 5061, talk_mtls},
                                          {OUTSIDE, REMOTE, 5269, talk_xmpp},
                                          {REMOTE, OUTSIDE, 5061, talk_mtls},
                                          {"192.0.2.9", OUTSIDE, 443, talk_tls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("edge-access", roles_of(OUTSIDE));
    TEST_ASSERT_EQUAL_STRING("", roles_of(REMOTE));
}

/* What must not be given a role. */

static void other_servers_have_no_role(void)
{
    static const struct visit visits[] = {
        {CLIENT1, BOX, 5060, talk_sip_udp},  {CLIENT1, BOX, 5061, talk_tls},
        {CLIENT1, BOX, 443, talk_tls},       {CLIENT1, BOX, 80, talk_http},
        {CLIENT1, BOX2, 445, talk_smb},      {CLIENT1, BOX2, 135, talk_dcerpc},
        {CLIENT1, BOX2, 1434, talk_ssrp},    {CLIENT1, BOX2, 443, talk_tls},
        {CLIENT1, OUTSIDE, 3478, talk_stun}, {CLIENT1, OUTSIDE, 443, talk_tls},
        {CLIENT1, OUTSIDE, 80, talk_http}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_UINT(0, found.site->host_count);
    TEST_ASSERT_EQUAL_UINT(0, found.with_role);
    TEST_ASSERT_EQUAL_UINT(1, found.site->matrix_count);
    TEST_ASSERT_FALSE(
        names(OUTSIDE, "edge-access")); /* a web server on the Internet is not worth the question */
    TEST_ASSERT_TRUE(names(BOX, "front-end"));
}

static void another_protocol_is_no_evidence(void)
{
    static const struct visit visits[] = {{CLIENT1, BOX, 5061, talk_http},
                                          {CLIENT1, BOX, 8404, talk_http},
                                          {CLIENT1, BOX, 5041, talk_ldap},
                                          {CLIENT1, BOX, 5070, talk_http},
                                          {CLIENT1, BOX, 5063, talk_unknown}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("", roles_of(BOX));
}

static void what_is_not_answered_proves_nothing(void)
{
    static const uint16_t ports[] = {5041, 881, 5070, 8404, 5063, 444, 5061};
    struct scene *scene = scene_create(4);
    for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++) {
        tcp_refused(scene, end_of(CLIENT1, (uint16_t)(41000 + i)), end_of(BOX, ports[i]), START + i * SEC);
        tcp_silent(scene, end_of(CLIENT2, (uint16_t)(41000 + i)), end_of(BOX2, ports[i]), START + i * SEC, 3);
    }
    discover_scene(scene);
    scene_destroy(scene);
    TEST_ASSERT_EQUAL_UINT(0, found.with_role);
    TEST_ASSERT_EQUAL_STRING("", line_of(BOX));
}

static void nothing_at_all(void)
{
    struct scene *scene = scene_create(1);
    discover_scene(scene);
    scene_destroy(scene);
    TEST_ASSERT_EQUAL_UINT(0, found.with_role);
    TEST_ASSERT_EQUAL_UINT(0, found.site->host_count);
}

/* A connection older than the capture: the server speaks first, and only the documented port tells who it is.
 */
static void seen_from_the_middle(void)
{
    static const uint16_t ports[] = {5061, 8404, 5063};
    struct scene *scene = scene_create(6);
    struct buf record = {0};
    buf_hex(&record, "17 03 03 00 40");
    buf_random(&record, scene, 64);
    for (unsigned i = 0; i < 3; i++) {
        struct tcp tcp = tcp_between(scene, end_of(CLIENT1, (uint16_t)(51000 + i)), end_of(BOX, ports[i]),
                                     START + i * SEC);
        for (unsigned turn = 0; turn < 4; turn++)
            tcp_say_buf(&tcp, turn % 2 ? CLIENT : SERVER, &record);
    }
    discover_scene(scene);
    scene_destroy(scene);
    TEST_ASSERT_EQUAL_STRING("", roles_of(CLIENT1));
    TEST_ASSERT_NOT_NULL_MESSAGE(strstr(line_of(BOX), "8404/tcp"), found.text);
    TEST_ASSERT_EQUAL_STRING("", line_of(CLIENT1));
}

/* Clients. */

static void gateways_and_proxies_are_no_clients(void)
{
    static const struct visit visits[] = {
        {CLIENT1, BOX, 5061, talk_tls},    {CLIENT1, BOX, 8060, talk_mtls},
        {CLIENT2, BOX, 443, talk_tls},     {BOX2, BOX, 5061, talk_tls},
        {BOX2, BOX, 5071, talk_tls},       {"10.1.4.30", BOX, 5061, talk_tls},
        {"10.1.4.30", BOX, 80, talk_http}, {"10.1.4.31", BOX, 5061, talk_tls},
        {BOX, "10.1.4.31", 5061, talk_tls}};
    VISITS(visits);
    TEST_ASSERT_EQUAL_STRING("front-end", roles_of(BOX));
    TEST_ASSERT_EQUAL_STRING("", roles_of(CLIENT1)); /* it opens a port of servers */
    TEST_ASSERT_EQUAL_STRING("", roles_of(CLIENT2)); /* the web alone: a proxy does that */
    TEST_ASSERT_EQUAL_STRING("", roles_of(BOX2));
    TEST_ASSERT_EQUAL_STRING("", roles_of("10.1.4.31")); /* it is called as a server */
    TEST_ASSERT_EQUAL_STRING("client", roles_of("10.1.4.30"));
}

static void play_clients(struct scene *scene, unsigned count)
{
    char client[64];
    int64_t now = START;
    for (unsigned i = 0; i < count; i++) {
        snprintf(client, sizeof client, "10.1.%u.%u", 4 + i / 50, 10 + i % 50);
        now = talk_tls(scene, end_of(client, 45000), end_of(BOX, 5061), now) + MS;
        now = talk_tls(scene, end_of(client, 45001), end_of(BOX, 443), now) + MS;
        snprintf(client, sizeof client, "2001:db8:0:%u::%u", 4 + i / 50, 10 + i % 50);
        now = talk_tls(scene, end_of(client, 45000), end_of("2001:db8::10", 5061), now) + MS;
        now = talk_tls(scene, end_of(client, 45001), end_of("2001:db8::10", 443), now) + MS;
    }
}

static void few_clients_are_hosts(void)
{
    struct scene *scene = scene_create(8);
    play_clients(scene, 32);
    discover_scene(scene);
    scene_destroy(scene);
    TEST_ASSERT_EQUAL_UINT(66, found.site->host_count);
    TEST_ASSERT_EQUAL_UINT(0, found.site->network_count);
    for (unsigned i = 3; i < found.site->host_count; i++)
        TEST_ASSERT_TRUE(
            addr_compare(&found.site->hosts[i - 1].addresses[0], &found.site->hosts[i].addresses[0]) < 0);
}

static void many_clients_are_networks(void)
{
    struct scene *scene = scene_create(9);
    char name[PREFIX_TEXT_SIZE];
    play_clients(scene, 120);
    discover_scene(scene);
    scene_destroy(scene);
    TEST_ASSERT_EQUAL_UINT(2, found.site->host_count);
    TEST_ASSERT_EQUAL_UINT(6, found.site->network_count);
    TEST_ASSERT_EQUAL_UINT(242, found.with_role);
    TEST_ASSERT_EQUAL_STRING("10.1.4.0/24", prefix_text(&found.site->networks[0].prefixes[0], name));
    TEST_ASSERT_EQUAL_STRING("10.1.6.0/24", prefix_text(&found.site->networks[2].prefixes[0], name));
    TEST_ASSERT_EQUAL_STRING("2001:db8:0:6::/64", prefix_text(&found.site->networks[5].prefixes[0], name));
    TEST_ASSERT_EQUAL_STRING("client", roles_text(found.site->networks[5].roles));
    TEST_ASSERT_NOT_NULL(
        strstr(found.text, "[\"10.1.4.0/24\"], \"roles\": [\"client\"] }, // 50 clients seen"));
    TEST_ASSERT_NOT_NULL(
        strstr(found.text, "[\"10.1.6.0/24\"], \"roles\": [\"client\"] }, // 20 clients seen"));
    TEST_ASSERT_NOT_NULL(
        strstr(found.text, "[\"2001:db8:0:6::/64\"], \"roles\": [\"client\"] } // 20 clients seen"));
}

/* More hosts than a file should hold, each with more to say than a line should: what is left out is counted,
 * and the text stays one that can be read. */
static void too_many_servers(void)
{
    struct scene *scene = scene_create(10);
    char server[64];
    for (unsigned i = 0; i < 900; i++) {
        int64_t now = START + i * 100 * MS;
        snprintf(server, sizeof server, "10.200.%u.%u", 100 + i / 100, 100 + i % 100);
        talk_mtls(scene, end_of(BOX2, (uint16_t)(20000 + i)), end_of(server, 5041), now);
        for (uint16_t port = 50100; i < 520 && port < 50122; port++)
            talk_ldap(scene, end_of(BOX2, (uint16_t)(20000 + i)), end_of(server, port), now);
    }
    discover_scene(scene);
    scene_destroy(scene);
    TEST_ASSERT_EQUAL_UINT(512, found.site->host_count);
    TEST_ASSERT_EQUAL_UINT(900, found.with_role);
    TEST_ASSERT_NOT_NULL(strstr(found.text, "388 hosts with a role"));
    TEST_ASSERT_NOT_NULL(strstr(found.text, "50119/tcp ldap and 2 more"));
}

/* Random sites. */

enum { SITES = 60, HOSTS_MAX = 24, PORTS_MAX = 64 };

/* A role that hosts are given, and the role whose rows come on top of another's. */
static const struct {
    const char *role, *base;
    bool outside;
} castable[] = {{"front-end", NULL, false},
                {"front-end-mediation", "front-end", false},
                {"front-end-cms", "front-end", false},
                {"director", NULL, false},
                {"mediation", NULL, false},
                {"persistent-chat", NULL, false},
                {"office-web-apps", NULL, false},
                {"edge-internal", NULL, false},
                {"edge-access", NULL, true},
                {"edge-web-conferencing", NULL, true},
                {"edge-av", NULL, true}};
enum { CASTABLE = sizeof castable / sizeof *castable };

struct shown_port {
    uint16_t port;
    uint8_t protocol;
    talk_play *play;
};

struct random_site {
    struct scene *scene;
    int64_t now;
    uint16_t next_port;
    unsigned count;
    struct {
        char address[ADDR_TEXT_SIZE];
        unsigned cast;
    } hosts[HOSTS_MAX];
};

static talk_play *play_of(const struct matrix_row *row, uint8_t protocol, uint16_t port)
{
    if (row->accepts_mtls_only)
        return talk_mtls;
    if (port == 3478)
        return talk_ms_turn_udp;
    return talk_for(row->application_words.at[0], protocol);
}

/* Ports that rows of `role` itself name, or, with `all`, also those of what it is; each once. */
static unsigned ports_of(const char *role, bool all, struct shown_port out[PORTS_MAX])
{
    const struct rules_role *is = rules_role(rules, (unsigned)rules_find_role(rules, role));
    unsigned count = 0;
    for (unsigned m = 0; m < rules_matrix_count(rules); m++) {
        for (unsigned r = 0; r < rules_matrix(rules, m)->row_count; r++) {
            const struct matrix_row *row = &rules_matrix(rules, m)->rows[r];
            uint16_t port = row->ranges[0].low;
            int to = row->direction == ROW_INBOUND ? rules_find_role(rules, row->to) : -1;
            bool wanted = to >= 0 && row->range_count == 1 && row->ranges[0].high == port &&
                          (all ? is->all >> to & 1 : strcmp(row->to, role) == 0);
            uint8_t protocol = row->transports & OVER_TCP ? IP_TCP : IP_UDP;
            for (unsigned i = 0; i < count && wanted; i++)
                wanted = out[i].port != port || out[i].protocol != protocol;
            if (wanted)
                out[count++] = (struct shown_port){port, protocol, play_of(row, protocol, port)};
        }
    }
    return count;
}

static unsigned random_below(struct random_site *site, unsigned bound)
{
    return scene_random(site->scene) % bound;
}

/* Shows 60 to 100 % of the ports, in random order. */
static void show_ports(struct random_site *site, const char *address, struct shown_port *ports,
                       unsigned count, bool outside)
{
    unsigned least = (count * 6 + 9) / 10, shown = least + random_below(site, count - least + 1);
    char peer[64];
    for (unsigned i = 0; i < shown; i++) {
        unsigned pick = i + random_below(site, count - i);
        struct shown_port port = ports[pick];
        ports[pick] = ports[i];
        snprintf(peer, sizeof peer, "%s.%u", outside ? "198.51.100" : "10.9.7", 10 + random_below(site, 5));
        site->now =
            port.play(site->scene, end_of(peer, site->next_port++), end_of(address, port.port), site->now) +
            MS;
    }
}

static void cast_host(struct random_site *site, unsigned cast)
{
    struct shown_port ports[PORTS_MAX];
    char *address = site->hosts[site->count].address;
    bool outside = castable[cast].outside, nat = outside && random_below(site, 2);
    unsigned last = 10 + site->count;
    if (outside && !nat)
        snprintf(address, ADDR_TEXT_SIZE, "203.0.113.%u", last);
    else
        snprintf(address, ADDR_TEXT_SIZE, "10.%u.%u.%u", 1 + random_below(site, 200), random_below(site, 256),
                 last);
    site->hosts[site->count++].cast = cast;
    if (castable[cast].base)
        show_ports(site, address, ports, ports_of(castable[cast].base, true, ports), outside);
    show_ports(site, address, ports, ports_of(castable[cast].role, !castable[cast].base, ports), outside);
}

/* What the network holds besides. */
static void play_others(struct random_site *site)
{
    static const struct visit visits[] = {
        {"10.9.7.10", "10.0.0.53", 53, talk_dns},   {"10.9.7.10", "10.0.0.53", 88, talk_kerberos},
        {"10.9.7.11", "10.0.0.44", 445, talk_smb},  {"10.9.7.11", "10.0.0.44", 3389, talk_rdp},
        {"10.9.7.12", "192.0.2.80", 443, talk_tls}, {"10.9.7.12", "10.0.0.60", 5060, talk_sip_udp}};
    site->now = play_visits(site->scene, visits, sizeof visits / sizeof *visits, site->now);
}

/* Of these the text says, for all of them together, what they may be. */
static bool is_any_web_server(const char *address)
{
    const char *line = line_of(address), *end = strstr(line, " answers 443/tcp tls");
    return end && strcmp(end, " answers 443/tcp tls") == 0 &&
           strstr(found.text, "TLS on 443 alone may still be");
}

static void check_random_site(const struct random_site *site, unsigned seed)
{
    char label[8192];
    for (unsigned i = 0; i < site->count; i++) {
        const char *role = castable[site->hosts[i].cast].role;
        snprintf(label, sizeof label, "seed %u, %s, %s", seed, role, line_of(site->hosts[i].address));
        TEST_ASSERT_TRUE_MESSAGE(
            names(site->hosts[i].address, role) || is_any_web_server(site->hosts[i].address), label);
        /* The ports of these rule everything else out. */
        bool plain = strcmp(role, "front-end") == 0 || strcmp(role, "persistent-chat") == 0 ||
                     strcmp(role, "edge-internal") == 0 || castable[site->hosts[i].cast].base;
        if (plain)
            TEST_ASSERT_EQUAL_STRING_MESSAGE(role, roles_of(site->hosts[i].address), label);
    }
    static const char *const others[] = {"10.0.0.53", "10.0.0.44", "192.0.2.80", "10.0.0.60"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        TEST_ASSERT_EQUAL_STRING_MESSAGE("", roles_of(others[i]), others[i]);
}

/* Assumed roles must not accuse the traffic they came from; SIP in clear and TLS without client certificates
 * are in it. */
static void check_no_accusation(const struct random_site *site, unsigned seed)
{
    const char *findings = findings_by_it(feed_scene, site->scene);
    char label[1024];
    snprintf(label, sizeof label, "seed %u: %s", seed, findings);
    TEST_ASSERT_NULL_MESSAGE(strstr(findings, "unexpected-"), label);
    TEST_ASSERT_NULL_MESSAGE(strstr(findings, "media-port"), label);
}

static void random_sites_are_found(void)
{
    for (unsigned seed = 1; seed <= SITES; seed++) {
        struct random_site site = {.scene = scene_create(seed), .now = START, .next_port = 20000};
        unsigned hosts = 3 + random_below(&site, HOSTS_MAX - 3);
        while (site.count < hosts)
            cast_host(&site, random_below(&site, CASTABLE));
        play_others(&site);
        discover_scene(site.scene);
        check_random_site(&site, seed);
        check_no_accusation(&site, seed);
        scene_destroy(site.scene);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(shipped_site_is_found);
    RUN_TEST(shipped_site_has_no_others);
    RUN_TEST(shipped_site_judges_its_own_capture);
    RUN_TEST(workers_change_nothing);
    RUN_TEST(sign_in_alone_is_a_low_guess);
    RUN_TEST(one_shared_port_is_no_role);
    RUN_TEST(a_pool_server_shows_by_whom_it_calls);
    RUN_TEST(the_director_needs_its_server_port);
    RUN_TEST(services_can_share_a_host);
    RUN_TEST(an_edge_with_one_address_outside);
    RUN_TEST(relaying_inside_or_outside);
    RUN_TEST(two_edges_that_mirror_each_other);
    RUN_TEST(a_partner_that_shows_more);
    RUN_TEST(other_servers_have_no_role);
    RUN_TEST(another_protocol_is_no_evidence);
    RUN_TEST(what_is_not_answered_proves_nothing);
    RUN_TEST(nothing_at_all);
    RUN_TEST(seen_from_the_middle);
    RUN_TEST(gateways_and_proxies_are_no_clients);
    RUN_TEST(few_clients_are_hosts);
    RUN_TEST(many_clients_are_networks);
    RUN_TEST(too_many_servers);
    RUN_TEST(random_sites_are_found);
    return UNITY_END();
}
