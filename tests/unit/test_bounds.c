/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_bounds.c - exceeds every bound of the judge with flows made by hand: what is forgotten or refused is
 * counted, and what would have rested on it is inconclusive, never an accusation and never a pass; findings
 * that are open go on.
 */
#include "rolecall/judge.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef TEST_SOURCE_DIR
#define TEST_SOURCE_DIR "."
#endif

#define SEC   INT64_C(1000000000)
#define START (INT64_C(1772443800) * SEC)

static const char site_text[] =
    "{\"site\": \"bounds\", \"matrices\": [\"skype-for-business-server\", \"lync-server-2013-edge\"], "
    "\"hosts\": ["
    "{\"name\": \"fe01\", \"addresses\": [\"10.20.1.11\"], \"roles\": [\"front-end\"]},"
    "{\"name\": \"edge01\", \"addresses\": [\"10.20.9.41\"], \"roles\": [\"edge-internal\"]}],"
    "\"networks\": [{\"name\": \"office\", \"prefixes\": [\"10.64.0.0/10\"], \"roles\": [\"client\"]},"
    "{\"name\": \"pools\", \"prefixes\": [\"10.30.0.0/16\"], \"roles\": [\"front-end\"]}]}";

enum { FLOW_SLOTS = 20000 };

static struct mistakes mistakes;
static struct rules *rules;
static struct site *site;
static struct policy *policy;
static struct judge *judge;
static struct verdict verdict;
static int64_t now;
static unsigned opened, updated, episodes;

static void told(void *context, const struct finding *finding)
{
    (void)context;
    opened += finding->state == FINDING_OPEN;
    updated += finding->state == FINDING_UPDATE;
}

static void episode_over(void *context, const struct ipsec_episode *episode)
{
    (void)context;
    (void)episode;
    episodes++;
}

void setUp(void)
{
    opened = updated = episodes = 0;
    now = START;
    rules = rules_load(TEST_SOURCE_DIR "/rules", &mistakes);
    site = rules ? site_from_text("bounds", site_text, strlen(site_text), rules, &mistakes) : NULL;
    TEST_ASSERT_NOT_NULL(site);
    policy = policy_create(rules, site);
    TEST_ASSERT_NOT_NULL(policy);
    judge = judge_create(&(struct judge_options){
        .policy = policy, .flow_slots = FLOW_SLOTS, .told = told, .episode_over = episode_over});
    TEST_ASSERT_NOT_NULL(judge);
}

void tearDown(void)
{
    judge_destroy(judge);
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static uint64_t counter(const char *name)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < judge_counter_count(); i++)
        if (strcmp(judge_counter(judge, i, &value), name) == 0)
            return value;
    TEST_FAIL_MESSAGE(name);
    return 0;
}

static struct addr v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
    return addr_v4((uint8_t[]){(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d});
}

/* The number-th stranger, client or front end. */
static struct addr stranger(uint32_t n)
{
    return v4(172, 16 + (n >> 16), n >> 8, n);
}

static struct addr client(uint32_t n)
{
    return v4(10, 64 + (n >> 16), n >> 8, n);
}

static const struct addr *front_end(void)
{
    static struct addr addr;
    addr = v4(10, 20, 1, 11);
    return &addr;
}

/* One flow, as the engine would tell of it. */
struct scene_flow {
    struct flow flow;
    struct proto_facts facts;
    unsigned from;
};

static struct scene_flow between(struct addr from, uint16_t from_port, struct addr to, uint16_t to_port,
                                 uint8_t protocol, enum proto_id name)
{
    struct scene_flow f = {0};
    flow_key_of(&from, &to, from_port, to_port, protocol, &f.flow.key, &f.from);
    f.flow.first = (uint8_t)f.from;
    f.flow.first_ns = f.flow.last_ns = now;
    f.flow.packets[f.from] = 3;
    f.flow.tries = 3;
    f.flow.vlan = 0xffff;
    f.flow.identity.name = (uint8_t)name;
    f.flow.identity.settled = true;
    f.flow.identity.client = SIDE_NONE;
    return f;
}

static void answer(struct scene_flow *f)
{
    f->flow.packets[1 - f->from] = 3;
    if (f->flow.key.protocol == IP_TCP)
        f->flow.flags |= (uint16_t)((FLOW_SYN_ACK_0 | FLOW_DATA_0) << (1 - f->from));
}

static void syn(struct scene_flow *f)
{
    f->flow.flags |= (uint16_t)(FLOW_SYN_0 << f->from);
}

static const struct verdict *judged(struct scene_flow *f)
{
    struct judge_flow in = {.flow = &f->flow, .facts = &f->facts, .now_ns = now};
    bool answered = f->flow.packets[0] && f->flow.packets[1];
    f->flow.packets[1 - f->from] = 0;
    judge_begin(judge, &in);
    f->flow.packets[1 - f->from] = answered ? 3 : 0;
    in.step = answered && f->flow.key.protocol == IP_TCP ? FLOW_LISTENER : 0;
    judge_note(judge, &in);
    in.step = 0;
    in.now_ns += 3 * SEC;
    judge_end(judge, &in, FLOW_END_IDLE, &verdict);
    now += 1000;
    return &verdict;
}

static void learn(struct addr speaker, uint16_t port, uint8_t kind, uint16_t learned_port)
{
    struct scene_flow f = between(client(1), 50000, speaker, port, IP_TCP, PROTO_dcerpc);
    struct judge_flow in = {.flow = &f.flow, .facts = &f.facts, .now_ns = now};
    struct proto_learned learned = {.kind = kind, .transport = OVER_TCP, .port = learned_port};
    judge_learn(judge, &in, 1 - f.from, &learned);
}

/* A client that asks a single documented port three times in a second, and hears nothing. */
static const struct verdict *silent(void)
{
    struct scene_flow f = between(client(7), 50001, *front_end(), 5061, IP_TCP, PROTO_UNIDENTIFIED);
    syn(&f);
    f.flow.first_ns -= 2 * SEC;
    f.flow.last_ns -= SEC;
    return judged(&f);
}

static void greet(uint16_t port)
{
    struct scene_flow f = between(client(7), port, *front_end(), 443, IP_TCP, PROTO_tls);
    syn(&f);
    answer(&f);
    judged(&f);
}

static void addresses(void)
{
    greet(40000);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, silent()->status);
    for (uint32_t i = 0; i < 262144; i++) {
        struct scene_flow f =
            between(stranger(i), 1000, v4(198, 51, 100, 1), 2000, IP_UDP, PROTO_UNIDENTIFIED);
        judged(&f);
    }
    TEST_ASSERT_TRUE(counter("addresses_forgotten") > 0);
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, silent()->status);
    greet(40001); /* heard again, but that it had been one-way may be forgotten */
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, silent()->status);
    TEST_ASSERT_EQUAL_STRING("no answer, but what was known of this address had to make room",
                             verdict.reason);
    for (uint16_t i = 0; i < 20; i++)
        greet((uint16_t)(40002 + i));
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, silent()->status);
}

/* The interface's ring is a bound too: what it dropped may have been the answer. */
static void drops(void)
{
    greet(40000);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, silent()->status);
    judge_capture(judge, &(struct capture_told){.interface = "ens1", .received = 10, .dropped_ring = 0},
                  now - SEC);
    judge_capture(judge, &(struct capture_told){.interface = "ens1", .received = 20, .dropped_ring = 1}, now);
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, silent()->status);
    TEST_ASSERT_EQUAL_STRING("no answer, but the capture lost packets meanwhile", verdict.reason);
    now += 60 * SEC;
    judge_capture(judge, &(struct capture_told){.interface = "ens1", .received = 30, .dropped_ring = 1}, now);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, silent()->status);
}

/* A front end opened it, but only a SYN-ACK that is forgotten told so. */
static const struct verdict *from_the_middle(void)
{
    struct scene_flow f = between(v4(203, 0, 113, 5), 60001, *front_end(), 40777, IP_TCP, PROTO_UNIDENTIFIED);
    f.flow.flags |= FLOW_DATA_0 | FLOW_DATA_1;
    f.flow.packets[0] = f.flow.packets[1] = 3;
    struct judge_flow in = {.flow = &f.flow, .facts = &f.facts, .now_ns = now};
    judge_begin(judge, &in);
    judge_end(judge, &in, FLOW_END_IDLE, &verdict);
    return &verdict;
}

static void listeners(void)
{
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, from_the_middle()->status);
    struct scene_flow f = between(*front_end(), 40777, v4(203, 0, 113, 5), 60001, IP_TCP, PROTO_tls);
    syn(&f);
    answer(&f);
    judged(&f);
    TEST_ASSERT_EQUAL_INT(VERDICT_OUT_OF_SCOPE, from_the_middle()->status);
    for (uint32_t i = 0; i < 65536; i++) {
        struct scene_flow other = between(v4(198, 51, 100, 1), 1000, stranger(i), 443, IP_TCP, PROTO_tls);
        syn(&other);
        answer(&other);
        judged(&other);
    }
    TEST_ASSERT_TRUE(counter("listeners_forgotten") > 0);
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, from_the_middle()->status);
    now += INT64_C(86401) * SEC; /* what was known then matters no longer */
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, from_the_middle()->status);
}

static const struct verdict *rpc(uint16_t port)
{
    struct scene_flow f = between(client(7), 50002, *front_end(), port, IP_TCP, PROTO_dcerpc);
    syn(&f);
    answer(&f);
    return judged(&f);
}

static void mapped_ports(void)
{
    learn(*front_end(), 135, LEARNED_DCERPC, 50100);
    now += SEC;
    TEST_ASSERT_EQUAL_INT(VERDICT_PASS, rpc(50100)->status);
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, rpc(50101)->status);
    for (uint32_t i = 0; i < 16384; i++)
        learn(v4(10, 30, i >> 8, i), 135, LEARNED_DCERPC, 50100);
    TEST_ASSERT_TRUE(counter("mapped_ports_forgotten") > 0);
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, rpc(50100)->status);
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, rpc(50101)->status);
}

static void media_ends(void)
{
    uint8_t modality;
    struct scene_flow f = between(client(7), 50003, *front_end(), 3999, IP_UDP, PROTO_UNIDENTIFIED);
    f.flow.identity.likely = PROTO_rtp;
    learn(*front_end(), 5061, LEARNED_MEDIA, 3999);
    TEST_ASSERT_TRUE(judge_expects_media(judge, &f.flow, &modality));
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, judged(&f)->status);
    for (uint32_t i = 0; i < 65536; i++)
        learn(stranger(i), 5061, LEARNED_RELAY, 3999);
    TEST_ASSERT_FALSE(judge_expects_media(judge, &f.flow, &modality));
    TEST_ASSERT_TRUE(counter("media_ends_forgotten") > 0);
    TEST_ASSERT_EQUAL_INT(VERDICT_INCONCLUSIVE, judged(&f)->status);
}

/* A full handshake, or one that takes up the session of an earlier one. */
static unsigned mutual_of(struct addr from, enum proto_tristate mutual, uint32_t session)
{
    struct scene_flow f = between(from, 50000, *front_end(), 5061, IP_TCP, PROTO_tls);
    answer(&f);
    f.facts.tls.version = 0x0303;
    f.facts.tls.mutual = (uint8_t)mutual;
    f.facts.tls.full_handshake = mutual != TRI_UNKNOWN;
    f.facts.tls.resumed = mutual ? TRI_NO : TRI_YES;
    f.facts.tls.session = session;
    return judged(&f)->mutual;
}

static void sessions(void)
{
    mutual_of(client(1), TRI_NO, 5);
    mutual_of(client(2), TRI_YES, 0); /* of a ticket */
    TEST_ASSERT_EQUAL_UINT(TRI_NO, mutual_of(client(1), TRI_UNKNOWN, 5));
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, mutual_of(client(1), TRI_UNKNOWN, 6));
    TEST_ASSERT_EQUAL_UINT(TRI_YES, mutual_of(client(2), TRI_UNKNOWN, 6));
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, mutual_of(client(3), TRI_UNKNOWN, 5));
    for (uint32_t i = 0; i < 65535; i++)
        mutual_of(stranger(i), TRI_YES, 5);
    TEST_ASSERT_EQUAL_UINT64(1, counter("sessions_forgotten")); /* the one that was used last stays */
    TEST_ASSERT_EQUAL_UINT(TRI_YES, mutual_of(client(2), TRI_UNKNOWN, 6));
    TEST_ASSERT_EQUAL_UINT(TRI_UNKNOWN, mutual_of(client(1), TRI_UNKNOWN, 5));
}

static void media_of(struct addr one, struct addr other)
{
    struct scene_flow f = between(one, 50020, other, 50021, IP_UDP, PROTO_rtp);
    answer(&f);
    judged(&f);
}

static const struct verdict *ike(struct addr one, struct addr other)
{
    struct scene_flow f = between(one, 500, other, 500, IP_UDP, PROTO_ike);
    return judged(&f);
}

static void pairs(void)
{
    media_of(client(1), client(2));
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, ike(client(1), client(2))->status);
    for (uint32_t i = 0; i < 65536; i++)
        media_of(stranger(i), v4(198, 51, 100, 1));
    TEST_ASSERT_EQUAL_UINT64(1, counter("pairs_forgotten"));
    TEST_ASSERT_EQUAL_INT(VERDICT_OUT_OF_SCOPE, ike(client(1), client(2))->status);
    media_of(client(1), client(2)); /* seen again, it is known again */
    TEST_ASSERT_EQUAL_INT(VERDICT_FAIL, ike(client(1), client(2))->status);
}

static void every_episode_is_told_once(void)
{
    for (uint32_t i = 0; i < 20000; i++)
        ike(stranger(i), v4(198, 51, 100, 1));
    TEST_ASSERT_EQUAL_UINT(20000 - 16384, episodes);
    TEST_ASSERT_EQUAL_UINT64(20000 - 16384, counter("episodes_forgotten"));
    judge_finish(judge, now);
    TEST_ASSERT_EQUAL_UINT(20000, episodes);
}

/* Also where its pair's flow outlives it: the end of that is no other episode. */
static void an_episode_that_made_room_is_not_begun_anew(void)
{
    static struct scene_flow flows[FLOW_SLOTS];
    for (uint32_t i = 0; i < FLOW_SLOTS; i++) {
        flows[i] = between(stranger(i), 500, v4(198, 51, 100, 1), 500, IP_UDP, PROTO_ike);
        judge_begin(judge, &(struct judge_flow){
                               .flow = &flows[i].flow, .facts = &flows[i].facts, .slot = i, .now_ns = now});
    }
    for (uint32_t i = 0; i < FLOW_SLOTS; i++)
        judge_end(
            judge,
            &(struct judge_flow){.flow = &flows[i].flow, .facts = &flows[i].facts, .slot = i, .now_ns = now},
            FLOW_END_IDLE, &verdict);
    judge_finish(judge, now);
    TEST_ASSERT_EQUAL_UINT(FLOW_SLOTS, episodes);
}

static void turn(struct addr from, bool udp, bool answered)
{
    struct scene_flow f =
        between(from, 50004, v4(10, 20, 9, 41), udp ? 3478 : 443, udp ? IP_UDP : IP_TCP, PROTO_ms_turn);
    if (!udp)
        syn(&f);
    if (answered)
        answer(&f);
    f.facts.turn.request = true;
    judged(&f);
}

static void fallbacks(void)
{
    turn(client(1), true, true); /* UDP works for this client */
    turn(client(1), false, true);
    for (uint32_t i = 0; i < 16384; i++)
        turn(client(100 + i), false, true);
    TEST_ASSERT_TRUE(counter("fallbacks_forgotten") > 0);
    turn(client(1), true, false);
    turn(client(1), false, true);
    for (uint32_t i = 0; judge_finding(judge, i); i++)
        TEST_ASSERT_NOT_EQUAL(FINDING_MEDIA_FALLBACK, judge_finding(judge, i)->id);
}

static void servers_without_a_role(void)
{
    for (uint32_t i = 0; i < 16385; i++) {
        struct scene_flow f = between(client(7), 50005, v4(192, 168, i >> 8, i), 5061, IP_TCP, PROTO_tls);
        syn(&f);
        answer(&f);
        judged(&f);
    }
    TEST_ASSERT_EQUAL_UINT64(1, counter("answered_forgotten"));
}

static void violate(struct addr from, struct addr to, uint16_t port, bool answered)
{
    struct scene_flow f = between(from, 50006, to, port, IP_TCP, answered ? PROTO_http : PROTO_UNIDENTIFIED);
    syn(&f);
    if (answered)
        answer(&f);
    else
        f.flow.flags |= FLOW_REFUSED;
    judged(&f);
}

static void a_scan_leaves_room_for_what_matters(void)
{
    violate(client(1), *front_end(), 8089, true);
    for (uint32_t i = 0; i < 20000; i++)
        violate(client(1), *front_end(), (uint16_t)(10000 + i), false);
    TEST_ASSERT_EQUAL_UINT(6144, opened); /* and among them: the front end is hardly heard */
    TEST_ASSERT_EQUAL_UINT64(20002 - 6144, counter("findings_refused"));
    for (uint32_t i = 0; i < 20000; i++)
        violate(client(1), v4(10, 30, i >> 8, i), 8090, true);
    TEST_ASSERT_EQUAL_UINT(8192, opened);
    violate(client(2), *front_end(), 8089, true);
    const struct finding *first = judge_finding(judge, 0);
    TEST_ASSERT_EQUAL_UINT64(2, first->count);
    TEST_ASSERT_EQUAL_UINT64(2, first->peers);
    judge_tick(judge, now);
    now += 3661 * SEC;
    judge_tick(judge, now);
    TEST_ASSERT_TRUE(updated > 0); /* what was open is still updated */
    now += INT64_C(86400) * SEC;
    judge_tick(judge, now);
    violate(client(3), *front_end(), 8089, true); /* a day later there is room again */
    TEST_ASSERT_EQUAL_UINT(8193, opened);
}

static void peers(void)
{
    for (uint32_t i = 0; i < 20000; i++)
        violate(client(i), *front_end(), 8089, true);
    const struct finding *finding = judge_finding(judge, 0);
    TEST_ASSERT_EQUAL_UINT64(20000, finding->count);
    TEST_ASSERT_EQUAL_UINT64(16384, finding->peers);
    TEST_ASSERT_TRUE(finding->peers_at_least);
    for (uint16_t p = 0; p < 4; p++)
        for (uint32_t i = 0; i < 16384; i++)
            violate(client(i), *front_end(), (uint16_t)(8100 + p), true);
    TEST_ASSERT_TRUE(counter("peers_refused") > 0);
    TEST_ASSERT_EQUAL_UINT64(16384, judge_finding(judge, 4)->count);
}

static void peers_of_rows(void)
{
    for (uint32_t i = 0; i < 140000; i++) {
        struct scene_flow f = between(client(i), 50007, *front_end(), 443, IP_TCP, PROTO_tls);
        syn(&f);
        answer(&f);
        judged(&f);
    }
    TEST_ASSERT_TRUE(counter("coverage_peers_refused") > 0);
    uint64_t most = 0;
    for (unsigned order = 0; order < policy_row_count(policy); order++) {
        const struct coverage *coverage = judge_coverage(judge, 0, order);
        if (!coverage || !coverage->flows)
            continue;
        TEST_ASSERT_EQUAL_UINT64(140000, coverage->flows);
        TEST_ASSERT_TRUE(coverage->peers_at_least);
        most += coverage->peers;
    }
    TEST_ASSERT_TRUE(most > 0 && most <= 131072);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(addresses);
    RUN_TEST(drops);
    RUN_TEST(listeners);
    RUN_TEST(mapped_ports);
    RUN_TEST(media_ends);
    RUN_TEST(sessions);
    RUN_TEST(pairs);
    RUN_TEST(every_episode_is_told_once);
    RUN_TEST(an_episode_that_made_room_is_not_begun_anew);
    RUN_TEST(fallbacks);
    RUN_TEST(servers_without_a_role);
    RUN_TEST(a_scan_leaves_room_for_what_matters);
    RUN_TEST(peers);
    RUN_TEST(peers_of_rows);
    return UNITY_END();
}
