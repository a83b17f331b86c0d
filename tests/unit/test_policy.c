/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_policy.c - what rules and site mean together: which rows a role holds, on which ports, with whom at
 * the other end, and who an address is. Cases are written by hand from the documents.
 */
#include "rolecall/policy.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "unity.h"

#include <stdio.h>
#include <string.h>

#define SFB     "skype-for-business-server/"
#define EDGE    "lync-server-2013-edge/"
#define EDGE_IN EDGE "edge-internal-interface/"
#define DAY_NS  (INT64_C(86400) * 1000000000)

static struct rules *rules;
static struct mistakes mistakes;
static struct site *site;
static struct policy *policy;

void setUp(void)
{
    rules = rules_load(ROLECALL_SOURCE_DIR "/rules", &mistakes);
    site = NULL;
    policy = NULL;
}

void tearDown(void)
{
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static void compile(const char *text)
{
    policy_destroy(policy);
    site_free(site);
    site = site_from_text("site.json", text, strlen(text), rules, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(site);
    policy = policy_create(rules, site);
    TEST_ASSERT_NOT_NULL(policy);
}

static const struct policy_role *role(const char *name)
{
    for (unsigned i = 0; i < policy_role_count(policy); i++)
        if (strcmp(policy_role(policy, i)->name, name) == 0)
            return policy_role(policy, i);
    TEST_FAIL_MESSAGE(name);
    return NULL;
}

static role_set bit(const char *name)
{
    return (role_set)1 << rules_find_role(rules, name);
}

static const struct policy_row *find(const struct policy_row *rows, unsigned count, const char *id)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(rows[i].row->id, id) == 0)
            return &rows[i];
    return NULL;
}

static const struct policy_row *answer(const char *name, const char *id)
{
    return find(role(name)->answers, role(name)->answers_count, id);
}

static const struct policy_row *opening(const char *name, const char *id)
{
    return find(role(name)->opens, role(name)->opens_count, id);
}

static const struct policy_row *media(const char *name, const char *id)
{
    return find(role(name)->media, role(name)->media_count, id);
}

/* How many of a role's answering rows have this port over TCP. */
static unsigned answering(const char *name, uint16_t port)
{
    unsigned count = 0;
    for (unsigned i = 0; i < role(name)->answers_count; i++) {
        const struct policy_row *row = &role(name)->answers[i];
        for (unsigned j = 0; j < row->range_count && row->row->transports & OVER_TCP; j++)
            count += port >= row->ranges[j].low && port <= row->ranges[j].high;
    }
    return count;
}

static struct policy_party party(const char *address)
{
    struct addr addr;
    TEST_ASSERT_TRUE_MESSAGE(addr_parse(address, &addr), address);
    return policy_party_of(policy, &addr);
}

static void test_roles_hold_their_rows(void)
{
    compile("{}");
    TEST_ASSERT_EQUAL_UINT(1, answering("mediation", 5067));
    TEST_ASSERT_EQUAL_UINT(2, answering("mediation", 5070)); /* documented twice */
    TEST_ASSERT_EQUAL_UINT(0, answering("mediation", 5061));
    TEST_ASSERT_EQUAL_UINT(1, answering("edge-internal", 50001));
    TEST_ASSERT_EQUAL_UINT(0, answering("edge-internal", 50004));
    TEST_ASSERT_EQUAL_UINT(2, answering("front-end", 443)); /* web compatibility and mobility */
    TEST_ASSERT_EQUAL_UINT(0, answering("front-end", 5067));
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-mediation", 5067));
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-mediation", 5061)); /* it is a Front End */
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-cms", 445));
    TEST_ASSERT_EQUAL_UINT(0, answering("front-end", 445)); /* goes out to the file share */
    TEST_ASSERT_NOT_NULL(opening("front-end", SFB "server-ports/36"));
    TEST_ASSERT_EQUAL_UINT(1, answering("director", 5061));
    TEST_ASSERT_EQUAL_UINT(0, answering("director", 4443)); /* its load balancer has it, it does not */
    TEST_ASSERT_EQUAL_UINT(0, answering("office-web-apps", 80));
    TEST_ASSERT_EQUAL_UINT(2, answering("edge-access", 443));               /* users, and public IM */
    TEST_ASSERT_NOT_NULL(answer("persistent-chat", SFB "server-ports/39")); /* SQL Browser, all servers */
    TEST_ASSERT_NULL(answer("exchange-um", SFB "server-ports/39"));
}

static void test_rows_keep_file_order(void)
{
    compile("{}");
    for (unsigned i = 0; i < policy_role_count(policy); i++) {
        const struct policy_role *one = policy_role(policy, i);
        for (unsigned j = 1; j < one->answers_count; j++)
            TEST_ASSERT_TRUE(one->answers[j - 1].row->order < one->answers[j].row->order);
    }
    TEST_ASSERT_EQUAL_UINT(106 + 37, policy_row_count(policy));
    TEST_ASSERT_EQUAL_STRING(SFB "server-ports/1", policy_row_by_order(policy, 0)->id);
    TEST_ASSERT_EQUAL_STRING(EDGE "edge-external-interface/1", policy_row_by_order(policy, 106)->id);
    TEST_ASSERT_EQUAL_UINT(106, policy_row_by_order(policy, 106)->order);
    TEST_ASSERT_NULL(policy_row_by_order(policy, 143));
    compile("{\"matrices\": [\"lync-server-2013-edge\", \"skype-for-business-server\"]}");
    TEST_ASSERT_EQUAL_STRING(SFB "server-ports/1", policy_row_by_order(policy, 37)->id);
    TEST_ASSERT_EQUAL_UINT(37, policy_row_by_order(policy, 37)->order);
}

static void test_load_balancing_chooses_a_table(void)
{
    compile("{}");
    TEST_ASSERT_EQUAL_UINT(0, role("front-end-load-balancer")->answers_count);
    TEST_ASSERT_TRUE(role("front-end-load-balancer")->server);
    TEST_ASSERT_NULL(policy_row_by_order(policy, 53)); /* load-balancer-hardware-only/1 */
    compile("{\"load_balancing\": \"hardware\"}");
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-load-balancer", 5061));
    TEST_ASSERT_EQUAL_UINT(1, answering("mediation-load-balancer", 5070));
    TEST_ASSERT_EQUAL_UINT(1, answering("director-load-balancer", 4443));
    TEST_ASSERT_NOT_NULL(policy_row_by_order(policy, 53));
    compile("{\"load_balancing\": \"dns\"}");
    TEST_ASSERT_EQUAL_UINT(0, answering("front-end-load-balancer", 5061));
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-load-balancer", 4443));
}

static void test_features_turn_rows_off(void)
{
    compile("{}");
    TEST_ASSERT_NOT_NULL(answer("edge-av", EDGE "edge-external-interface/11")); /* OCS 2007, all are on */
    TEST_ASSERT_EQUAL_UINT(2, answering("edge-access", 5269));
    compile("{\"features\": []}");
    TEST_ASSERT_NULL(answer("edge-av", EDGE "edge-external-interface/11"));
    TEST_ASSERT_EQUAL_UINT(0, answering("edge-access", 5269));
    TEST_ASSERT_EQUAL_UINT(0, answering("edge-access", 5061));
    TEST_ASSERT_EQUAL_UINT(1, answering("edge-access", 443)); /* users; public IM is off */
    compile("{\"features\": [\"public-im\"]}");               /* one of two is enough for row 6 */
    TEST_ASSERT_NOT_NULL(answer("edge-access", EDGE "edge-external-interface/6"));
    TEST_ASSERT_NULL(opening("edge-av", EDGE "edge-external-interface/9"));
    TEST_ASSERT_NULL(opening("edge-access", EDGE "federation/1"));
}

static void test_peers(void)
{
    compile("{}");
    TEST_ASSERT_TRUE(answer("front-end", SFB "server-ports/3")->peer_any);
    const struct policy_row *row = answer("edge-access", EDGE "public-im/3"); /* from client, outside */
    TEST_ASSERT_FALSE(row->peer_any);
    TEST_ASSERT_TRUE(row->peer_external);
    TEST_ASSERT_EQUAL_HEX64(bit("client"), row->peer_roles);
    row = opening("edge-av", EDGE "public-im/4");
    TEST_ASSERT_TRUE(row->peer_external);
    TEST_ASSERT_TRUE(row->row->own_port);
    TEST_ASSERT_EQUAL_HEX64(bit("live-messenger-client"), row->peer_roles);
    TEST_ASSERT_TRUE(opening("client", SFB "client-ports/2")->peer_any);
}

/* "either" is the client's: it answers there, and it connects there. */
static void test_either_stands_on_both_sides(void)
{
    compile("{}");
    TEST_ASSERT_EQUAL_UINT(1, answering("client", 6891));
    const struct policy_row *row = opening("client", SFB "client-ports/7");
    TEST_ASSERT_NOT_NULL(row);
    TEST_ASSERT_TRUE(row->peer_any);
    TEST_ASSERT_EQUAL_UINT(6901, row->ranges[0].high);
}

static void test_ipsec_rows_belong_to_the_named_side(void)
{
    compile("{}");
    TEST_ASSERT_EQUAL_UINT(2, role("edge-av")->ipsec_count);
    TEST_ASSERT_EQUAL_UINT(2, role("mediation")->ipsec_count);
    TEST_ASSERT_EQUAL_UINT(4, role("front-end")->ipsec_count);
    TEST_ASSERT_EQUAL_UINT(4, role("front-end-mediation")->ipsec_count);
    TEST_ASSERT_EQUAL_UINT(1, role("client")->ipsec_count);
    TEST_ASSERT_EQUAL_UINT(0, role("director")->ipsec_count);
    TEST_ASSERT_TRUE(role("client")->ipsec[0].peer_any);
}

static void is_range(const struct policy_row *row, unsigned index, unsigned low, unsigned high)
{
    TEST_ASSERT_NOT_NULL(row);
    TEST_ASSERT_TRUE(index < row->range_count);
    TEST_ASSERT_EQUAL_UINT(low, row->ranges[index].low);
    TEST_ASSERT_EQUAL_UINT(high, row->ranges[index].high);
}

static void test_media_ports_replace_ranges(void)
{
    compile("{\"media_ports\": {\"client\": {\"audio\": \"50020-50039\", \"video\": \"58000-58019\"}}}");
    is_range(media("client", SFB "client-ports/8"), 0, 50020, 50039);
    is_range(media("client", SFB "client-ports/9"), 0, 58000, 58019);
    TEST_ASSERT_EQUAL_UINT(1, media("client", SFB "client-ports/8")->range_count);
    TEST_ASSERT_TRUE(media("client", SFB "client-ports/8")->replaced);
    /* File transfer has no modality, application sharing none that the site names: all that is given. */
    is_range(media("client", SFB "client-ports/10"), 0, 50020, 50039);
    is_range(media("client", SFB "client-ports/10"), 1, 58000, 58019);
    is_range(media("client", SFB "client-ports/11"), 1, 58000, 58019);
    TEST_ASSERT_EQUAL_UINT(2, media("client", SFB "client-ports/11")->range_count);
    is_range(media("front-end", SFB "server-ports/40"), 0, 49152, 57500);
    TEST_ASSERT_FALSE(media("front-end", SFB "server-ports/40")->replaced);
    compile("{\"media_ports\": {\"client\": {}}}");
    is_range(media("client", SFB "client-ports/8"), 0, 1024, 65535);
    TEST_ASSERT_FALSE(media("client", SFB "client-ports/8")->replaced);
}

static void test_media_ports_hold_for_roles_that_are_it(void)
{
    compile("{\"media_ports\": {\"front-end\": {\"audio\": \"20000-20999\", \"video\": \"21000-21999\"},"
            " \"front-end-cms\": {\"audio\": \"30000-30999\"},"
            " \"all-internal-servers\": {\"audio\": \"40000-40999\"}}}");
    is_range(media("front-end-mediation", SFB "server-ports/40"), 0, 20000, 20999);
    is_range(media("front-end-mediation", SFB "server-ports/10"), 0, 21000, 21999);
    is_range(media("front-end-cms", SFB "server-ports/40"), 0, 30000, 30999); /* the most specific wins */
    is_range(media("front-end-cms", SFB "server-ports/10"), 0, 30000, 30999); /* ... for all its rows */
    is_range(media("mediation", SFB "server-ports/40"), 0, 40000, 40999);
    /* What is said of every internal server is about their common row, not about the Front End's own. */
    compile("{\"media_ports\": {\"all-internal-servers\": {\"audio\": \"40000-40999\"}}}");
    is_range(media("front-end", SFB "server-ports/40"), 0, 40000, 40999);
    is_range(media("front-end", SFB "server-ports/10"), 0, 57501, 65535);
}

static void test_moved_ports(void)
{
    compile("{\"ports\": {\"edge-web-conferencing\": {\"443\": \"444\"}, \"front-end\": {\"5061\": \"5091\"},"
            " \"front-end-cms\": {\"5061\": \"5092\"}, \"all-servers\": {\"1434\": \"1435\"}}}");
    TEST_ASSERT_EQUAL_UINT(1, answering("edge-web-conferencing", 444));
    TEST_ASSERT_EQUAL_UINT(0, answering("edge-web-conferencing", 443));
    TEST_ASSERT_TRUE(answer("edge-web-conferencing", EDGE "edge-external-interface/8")->replaced);
    TEST_ASSERT_EQUAL_UINT(2, answering("edge-access", 443)); /* another role's 443 stays */
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-mediation", 5091));
    TEST_ASSERT_EQUAL_UINT(0, answering("front-end-mediation", 5061));
    TEST_ASSERT_EQUAL_UINT(1, answering("front-end-cms", 5092));
    TEST_ASSERT_EQUAL_UINT(0, answering("front-end-cms", 5091));
    TEST_ASSERT_EQUAL_UINT(1, answering("director", 5061));
    is_range(answer("director", SFB "server-ports/1"), 0, 1435, 1435);
    is_range(opening("client", SFB "client-ports/6"), 0, 5061, 5061); /* to anyone: nobody's port */
}

/* The A/V Edge's range moves where it answers in it, and where it opens connections from it. */
static void test_moved_range(void)
{
    compile("{\"ports\": {\"edge-av\": {\"50000-59999\": \"40000-44999\"}}}");
    is_range(answer("edge-av", EDGE "edge-external-interface/12"), 0, 40000, 44999);
    is_range(opening("edge-av", EDGE "edge-external-interface/9"), 0, 40000, 44999);
    is_range(opening("edge-av", EDGE "edge-external-interface/13"), 0, 3478, 3478);
}

static void test_narrow(void)
{
    compile("{\"narrow\": {\"" EDGE_IN "2\": [\"director\", \"front-end\"], \"" EDGE_IN
            "3\": [\"director\"]}}");
    const struct policy_row *row = answer("edge-internal", EDGE_IN "2");
    TEST_ASSERT_FALSE(row->peer_any);
    TEST_ASSERT_FALSE(row->peer_external);
    TEST_ASSERT_EQUAL_HEX64(bit("director") | bit("front-end"), row->peer_roles);
    row = opening("edge-internal", EDGE_IN "3"); /* outbound: the other side is `to` */
    TEST_ASSERT_FALSE(row->peer_any);
    TEST_ASSERT_EQUAL_HEX64(bit("director"), row->peer_roles);
    TEST_ASSERT_TRUE(answer("edge-internal", EDGE_IN "4")->peer_any);
}

#define HOSTS                                                                                                \
    "\"hosts\": [ { \"name\": \"fe\", \"addresses\": [\"10.20.1.11\", \"2001:db8::11\"],"                    \
    "              \"roles\": [\"front-end-mediation\", \"front-end-cms\"] },"                               \
    "             { \"name\": \"av\", \"addresses\": [\"203.0.113.12\"], \"translated\": [\"192.0.2.12\"],"  \
    "              \"roles\": [\"edge-av\"] },"                                                              \
    "             { \"name\": \"none\", \"addresses\": [\"10.20.5.5\"] } ],"                                 \
    "\"networks\": [ { \"name\": \"all\", \"prefixes\": [\"10.0.0.0/8\", \"2001:db8::/32\", \"0.0.0.0/0\", " \
    "\"::/0\"],"                                                                                             \
    "                \"roles\": [\"device\"] },"                                                             \
    "               { \"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"] } ]"

static void test_who_an_address_is(void)
{
    compile("{" HOSTS "}");
    struct policy_party fe = party("10.20.1.11");
    TEST_ASSERT_EQUAL_HEX64(bit("front-end-mediation") | bit("front-end-cms"), fe.direct);
    TEST_ASSERT_EQUAL_HEX64(fe.direct | bit("front-end") | bit("all-servers") | bit("all-internal-servers"),
                            fe.all);
    TEST_ASSERT_TRUE(fe.is_server);
    TEST_ASSERT_FALSE(fe.strict_outbound);
    TEST_ASSERT_EQUAL_STRING("fe", policy_entry(policy, fe.entry)->name);
    TEST_ASSERT_EQUAL_INT(fe.entry, party("2001:db8::11").entry);
    TEST_ASSERT_EQUAL_HEX64(bit("edge-av"), party("203.0.113.12").direct);
    TEST_ASSERT_EQUAL_HEX64(bit("edge-av"), party("192.0.2.12").direct);
    TEST_ASSERT_TRUE(party("192.0.2.12").strict_outbound);
    TEST_ASSERT_EQUAL_HEX64(bit("client"), party("10.20.7.255").direct); /* the longer prefix */
    TEST_ASSERT_EQUAL_HEX64(bit("device"), party("10.20.8.1").direct);
    TEST_ASSERT_TRUE(policy_entry(policy, party("10.20.8.1").entry)->is_network);
    TEST_ASSERT_EQUAL_HEX64(bit("device"), party("2001:db8::12").direct);
    TEST_ASSERT_EQUAL_HEX64(0, party("10.20.5.5").direct); /* the host's word, also when it is none */
    TEST_ASSERT_EQUAL_STRING("none", policy_entry(policy, party("10.20.5.5").entry)->name);
    TEST_ASSERT_NULL(policy_entry(policy, -1));
    TEST_ASSERT_NULL(policy_entry(policy, 5));
}

static void test_some_addresses_take_no_role_from_a_prefix(void)
{
    static const char *const never[] = {
        "224.0.0.251", "ff02::fb", "255.255.255.255", "169.254.1.1", "fe80::1", "0.0.0.0", "::"};
    compile("{" HOSTS "}");
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++) {
        struct policy_party nobody = party(never[i]);
        TEST_ASSERT_TRUE_MESSAGE(nobody.never_prefixed, never[i]);
        TEST_ASSERT_EQUAL_HEX64_MESSAGE(0, nobody.all, never[i]);
        TEST_ASSERT_EQUAL_INT_MESSAGE(-1, nobody.entry, never[i]);
    }
    compile("{\"hosts\": [{\"addresses\": [\"169.254.1.1\"], \"roles\": [\"client\"]}]}");
    TEST_ASSERT_FALSE(party("169.254.1.1").never_prefixed); /* a host's own entry is no prefix */
    TEST_ASSERT_EQUAL_HEX64(bit("client"), party("169.254.1.1").direct);
    TEST_ASSERT_EQUAL_INT(-1, party("10.0.0.1").entry);
    TEST_ASSERT_FALSE(party("10.0.0.1").never_prefixed);
}

static void test_strict_outbound_of_the_site_is_for_servers(void)
{
    compile("{\"strict_outbound\": true, " HOSTS "}");
    TEST_ASSERT_TRUE(party("10.20.1.11").strict_outbound);
    TEST_ASSERT_FALSE(party("10.20.4.1").strict_outbound);
}

/* Prefixes that nest, that are equal, that end together, and that hold all there is. */
static void test_prefixes_that_nest(void)
{
    compile("{\"hosts\": [{\"name\": \"h\", \"addresses\": [\"10.1.2.3\", \"169.254.1.1\", \"10.1.255.255\"],"
            "                \"roles\": [\"front-end\"]}],"
            " \"networks\": [{\"name\": \"six\", \"prefixes\": [\"::/0\"], \"roles\": [\"device\"]},"
            " {\"name\": \"a\", \"prefixes\": [\"10.0.0.0/8\", \"224.0.0.0/3\"], \"roles\": [\"client\"]},"
            " {\"name\": \"b\", \"prefixes\": [\"10.1.0.0/16\", \"224.1.0.0/16\"], \"roles\": [\"device\"]},"
            " {\"name\": \"c\", \"prefixes\": [\"10.1.2.3/32\", \"10.1.2.0/30\", \"10.1.255.0/24\"], "
            "\"roles\": [\"mediation\"]}]}");
    static const struct {
        const char *address, *entry;
        bool never;
    } cases[] = {
        {"9.255.255.255", NULL, false},
        {"10.0.0.0", "a", false},
        {"10.0.255.255", "a", false},
        {"10.1.0.0", "b", false},
        {"10.1.1.255", "b", false},
        {"10.1.2.0", "c", false},
        {"10.1.2.2", "c", false},
        {"10.1.2.3", "h", false}, /* its own entry before any prefix */
        {"10.1.2.4", "b", false},
        {"10.1.254.255", "b", false},
        {"10.1.255.0", "c", false},
        {"10.1.255.254", "c", false},
        {"10.1.255.255", "h", false},
        {"10.2.0.0", "a", false},
        {"10.255.255.255", "a", false},
        {"11.0.0.0", NULL, false}, /* no IPv4 is in ::/0 */
        {"223.255.255.255", NULL, false},
        {"224.0.0.1", NULL, true},
        {"224.1.0.1", NULL, true}, /* also where a prefix names groups */
        {"169.254.1.1", "h", false},
        {"169.254.1.2", NULL, true},
        {"239.255.255.255", NULL, true},
        {"240.0.0.1", "a", false},
        {"255.255.255.254", "a", false},
        {"255.255.255.255", NULL, true},
        {"::", NULL, true},
        {"::1", "six", false},
        {"::fffe:ffff:ffff", "six", false},
        {"::1:0:0:0", "six", false},
        {"fe7f::1", "six", false},
        {"fe80::1", NULL, true},
        {"febf:ffff::1", NULL, true},
        {"fec0::1", "six", false},
        {"ff02::1", NULL, true},
        {"feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "six", false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, true},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_party who = party(cases[i].address);
        const struct policy_entry *entry = policy_entry(policy, who.entry);
        TEST_ASSERT_EQUAL_STRING_MESSAGE(cases[i].entry, entry ? entry->name : NULL, cases[i].address);
        TEST_ASSERT_EQUAL_MESSAGE(cases[i].never, who.never_prefixed, cases[i].address);
    }
    compile("{\"networks\": [{\"name\": \"a\", \"prefixes\": [\"10.0.0.0/8\"]},"
            "                 {\"name\": \"b\", \"prefixes\": [\"0.0.0.0/0\"]}]}");
    TEST_ASSERT_EQUAL_STRING("a", policy_entry(policy, party("10.0.0.1").entry)->name);
    TEST_ASSERT_EQUAL_STRING("b", policy_entry(policy, party("11.0.0.1").entry)->name);
    TEST_ASSERT_EQUAL_INT(-1, party("2001:db8::1").entry);
}

/* The rows of a list that hold a port, found by going through all of them. */
static unsigned count_rows(const struct policy_row *rows, unsigned count, enum proto_transport transport,
                           uint16_t port, bool own, const struct policy_port_rows *found)
{
    unsigned at = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned r = 0; r < rows[i].range_count; r++) {
            const struct port_range *range = &rows[i].ranges[r];
            if (port < range->low || port > range->high || !(rows[i].row->transports & transport) ||
                (own && !rows[i].row->own_port))
                continue;
            TEST_ASSERT_TRUE(at < found->count && found->at[at].row == &rows[i]);
            TEST_ASSERT_TRUE(found->at[at].range.low == range->low &&
                             found->at[at].range.high == range->high);
            at++;
            break;
        }
    }
    return at;
}

static void test_rows_by_port(void)
{
    compile(
        "{\"media_ports\": {\"client\": {\"audio\": \"50020-50039\", \"video\": \"50030-65535\"}},"
        " \"ports\": {\"edge-web-conferencing\": {\"443\": \"1\"}, \"front-end\": {\"5061\": \"65535\"}}}");
    unsigned all = 0;
    for (unsigned bit = 0; bit < policy_role_count(policy); bit++) {
        const struct policy_role *one = policy_role(policy, bit);
        for (unsigned port = 0; port <= UINT16_MAX; port += port < 8192 || port > 65500 ? 1 : 7) {
            for (unsigned transport = OVER_TCP; transport <= OVER_UDP; transport++) {
                for (unsigned list = 0; list < POLICY_LISTS; list++) {
                    struct policy_port_rows found =
                        policy_rows_at(policy, bit, list, transport, (uint16_t)port);
                    const struct policy_row *rows = list == POLICY_ANSWERS ? one->answers
                                                    : list == POLICY_MEDIA ? one->media
                                                                           : one->opens;
                    unsigned count = list == POLICY_ANSWERS ? one->answers_count
                                     : list == POLICY_MEDIA ? one->media_count
                                                            : one->opens_count;
                    TEST_ASSERT_EQUAL_UINT(found.count, count_rows(rows, count, transport, (uint16_t)port,
                                                                   list == POLICY_OPENS_OWN, &found));
                    all += found.count;
                }
            }
        }
    }
    TEST_ASSERT_TRUE(all > 10000);
}

static int allowed(const char *from, const char *to, enum proto_transport transport, uint16_t port,
                   int64_t time_ns)
{
    struct addr a, b;
    TEST_ASSERT_TRUE(addr_parse(from, &a) && addr_parse(to, &b));
    return policy_allows(policy, &a, &b, transport, port, time_ns);
}

static void test_allow(void)
{
    compile("{" HOSTS ", \"allow\": ["
            " {\"name\": \"rdp\", \"from\": [\"10.20.0.5\", \"2001:db8:5::/48\"], \"to\": [\"front-end\"], "
            "\"transport\": \"tcp\","
            "  \"ports\": \"3389\", \"expires\": \"1970-01-10\"},"
            " {\"name\": \"backup\", \"from\": [], \"to\": [\"10.20.1.0/24\"], \"ports\": [\"10000\", "
            "\"5000-5010\"]},"
            " {\"name\": \"phones\", \"from\": [\"device\"]} ]}");
    TEST_ASSERT_EQUAL_UINT(3, policy_allow_count(policy));
    TEST_ASSERT_EQUAL_INT(0, allowed("10.20.0.5", "10.20.1.11", OVER_TCP, 3389, 0));
    TEST_ASSERT_EQUAL_INT(0, allowed("2001:db8:5::9", "2001:db8::11", OVER_TCP, 3389, 0));
    TEST_ASSERT_EQUAL_INT(
        0, allowed("10.20.0.5", "10.20.1.11", OVER_TCP, 3389, 10 * DAY_NS - 1)); /* the last day */
    TEST_ASSERT_EQUAL_INT(2,
                          allowed("10.20.0.5", "10.20.1.11", OVER_TCP, 3389, 10 * DAY_NS)); /* by "phones" */
    TEST_ASSERT_EQUAL_INT(-1, allowed("10.20.4.5", "10.20.1.11", OVER_TCP, 3389, 0));
    TEST_ASSERT_EQUAL_INT(-1, allowed("10.20.4.5", "10.20.1.11", OVER_UDP, 3389, 0));
    TEST_ASSERT_EQUAL_INT(1, allowed("10.20.4.5", "10.20.1.11", OVER_UDP, 5010, 0));
    TEST_ASSERT_EQUAL_INT(1, allowed("10.20.4.5", "10.20.1.99", OVER_TCP, 10000, INT64_MAX - 1));
    TEST_ASSERT_EQUAL_INT(-1, allowed("10.20.4.5", "10.20.1.99", OVER_TCP, 5011, 0));
    TEST_ASSERT_EQUAL_INT(-1, allowed("10.20.4.5", "10.20.2.99", OVER_TCP, 5010, 0));
    TEST_ASSERT_EQUAL_STRING("backup", policy_allow_name(policy, 1));
    TEST_ASSERT_NULL(policy_allow_name(policy, -1));
    TEST_ASSERT_NULL(policy_allow_name(policy, 3));
}

static void test_settings_and_findings(void)
{
    compile("{\"site\": \"hq\", \"min_tls\": \"1.3\", \"mute\": [\"weak-tls\"], \"severity\": "
            "{\"media-port\": \"critical\"}}");
    TEST_ASSERT_EQUAL_STRING("hq", policy_settings(policy)->site_name);
    TEST_ASSERT_EQUAL_HEX16(0x0304, policy_settings(policy)->min_tls);
    TEST_ASSERT_EQUAL_INT(IPSEC_TABLE, policy_settings(policy)->ipsec);
    TEST_ASSERT_TRUE(policy_is_muted(policy, "weak-tls"));
    TEST_ASSERT_FALSE(policy_is_muted(policy, "media-port"));
    TEST_ASSERT_EQUAL_INT(99, policy_severity(policy, "media-port", 47));
    TEST_ASSERT_EQUAL_INT(73, policy_severity(policy, "unexpected-port", 73));
    TEST_ASSERT_NOT_NULL(
        strstr(policy_matrix_reference(policy, "lync-server-2013-edge"), "https://learn.microsoft.com/"));
    TEST_ASSERT_NULL(policy_matrix_reference(policy, "none"));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_roles_hold_their_rows);
    RUN_TEST(test_rows_keep_file_order);
    RUN_TEST(test_load_balancing_chooses_a_table);
    RUN_TEST(test_features_turn_rows_off);
    RUN_TEST(test_peers);
    RUN_TEST(test_either_stands_on_both_sides);
    RUN_TEST(test_ipsec_rows_belong_to_the_named_side);
    RUN_TEST(test_media_ports_replace_ranges);
    RUN_TEST(test_media_ports_hold_for_roles_that_are_it);
    RUN_TEST(test_moved_ports);
    RUN_TEST(test_moved_range);
    RUN_TEST(test_narrow);
    RUN_TEST(test_who_an_address_is);
    RUN_TEST(test_some_addresses_take_no_role_from_a_prefix);
    RUN_TEST(test_prefixes_that_nest);
    RUN_TEST(test_rows_by_port);
    RUN_TEST(test_strict_outbound_of_the_site_is_for_servers);
    RUN_TEST(test_allow);
    RUN_TEST(test_settings_and_findings);
    return UNITY_END();
}
