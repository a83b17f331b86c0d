/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_site.c - site files: what they may say, every kind of mistake with its place, all of them in one go,
 * and the lints.
 */
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rules *rules;
static struct mistakes mistakes;

#define DAY_NS (INT64_C(86400) * 1000000000)

void setUp(void)
{
    rules = rules_load(ROLECALL_SOURCE_DIR "/rules", &mistakes);
}

void tearDown(void)
{
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static struct site *site_of(const char *text)
{
    return site_from_text("site.json", text, strlen(text), rules, &mistakes);
}

static struct site *good_site(const char *text)
{
    struct site *site = site_of(text);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL_MESSAGE(site, text);
    return site;
}

static role_set role(const char *id)
{
    int bit = rules_find_role(rules, id);
    TEST_ASSERT_TRUE(bit >= 0);
    return (role_set)1 << bit;
}

static void mistake_is(unsigned index, unsigned line, unsigned column, const char *key, const char *found,
                       const char *expected)
{
    TEST_ASSERT_TRUE(index < mistakes.count);
    const struct mistake *mistake = &mistakes.list[index];
    TEST_ASSERT_EQUAL_STRING(key, mistake->key);
    TEST_ASSERT_EQUAL_STRING(found, mistake->found);
    TEST_ASSERT_EQUAL_STRING(expected, mistake->expected);
    TEST_ASSERT_EQUAL_UINT(line, mistake->line);
    TEST_ASSERT_EQUAL_UINT(column, mistake->column);
}

/* One mistake, on the text's only line. */
static void refused(const char *text, unsigned column, const char *key, const char *found,
                    const char *expected)
{
    TEST_ASSERT_NULL_MESSAGE(site_of(text), text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(1, mistakes.count, text);
    mistake_is(0, 1, column, key, found, expected);
    mistakes_clear(&mistakes);
}

static void test_defaults(void)
{
    struct site *site = good_site("{}");
    TEST_ASSERT_EQUAL_STRING("site", site->name);
    TEST_ASSERT_EQUAL_UINT(2, site->matrix_count);
    TEST_ASSERT_EQUAL_STRING("skype-for-business-server", site->matrices[0]->id);
    TEST_ASSERT_EQUAL_STRING("lync-server-2013-edge", site->matrices[1]->id);
    TEST_ASSERT_EQUAL_STRING("", site->load_balancing);
    TEST_ASSERT_TRUE(site->all_features);
    TEST_ASSERT_EQUAL_INT(IPSEC_TABLE, site->ipsec);
    TEST_ASSERT_EQUAL_HEX16(0x0303, site->min_tls);
    TEST_ASSERT_FALSE(site->strict_outbound);
    site_free(site);
}

static void test_a_whole_site(void)
{
    struct site *site = good_site(
        "{ \"site\": \"contoso-hq\", // the name\n"
        "  \"matrices\": [\"lync-server-2013-edge\", \"lync-server-2013\"], \"load_balancing\": \"dns\",\n"
        "  \"features\": [\"federation\", \"ocs-2007-federation\"],\n"
        "  \"hosts\": [ { \"name\": \"fe01\", \"addresses\": [\"10.20.1.11\", \"2001:db8::b\"],\n"
        "               \"roles\": [\"front-end-mediation\", \"front-end-cms\"] },\n"
        "             { \"addresses\": [\"203.0.113.12\"], \"roles\": [\"edge-av\"], \"translated\": "
        "[\"192.0.2.12\"] } ],\n"
        "  \"networks\": [ { \"name\": \"office\", \"prefixes\": [\"10.20.4.0/22\"], \"roles\": [\"client\"] "
        "} ],\n"
        "  \"media_ports\": { \"client\": { \"audio\": \"50020-50039\" } },\n"
        "  \"ports\": { \"edge-web-conferencing\": { \"443\": \"444\" }, \"edge-av\": { \"50000-59999\": "
        "\"40000-49999\" } },\n"
        "  \"ipsec\": \"media-only\", \"min_tls\": \"1.0\", \"strict_outbound\": true,\n"
        "  \"narrow\": { \"lync-server-2013-edge/edge-internal-interface/2\": [\"director\", \"front-end\"] "
        "},\n"
        "  \"mute\": [\"weak-tls\"], \"severity\": { \"media-port\": 99, \"plaintext-sip\": \"low\" },\n"
        "  \"allow\": [ { \"name\": \"admin\", \"from\": [\"10.20.0.5\", \"10.9.0.0/16\"], \"to\": "
        "[\"front-end\"],\n"
        "               \"transport\": \"tcp\", \"ports\": \"3389\", \"expires\": \"1970-01-02\", "
        "\"reason\": \"jump host\" },\n"
        "             { \"to\": [], \"ports\": [\"5000-5010\", \"1\"] } ] }");
    TEST_ASSERT_EQUAL_STRING("contoso-hq", site->name);
    TEST_ASSERT_EQUAL_STRING("lync-server-2013-edge", site->matrices[0]->id);
    TEST_ASSERT_EQUAL_STRING("dns", site->load_balancing);
    TEST_ASSERT_FALSE(site->all_features);
    TEST_ASSERT_EQUAL_UINT(2, site->feature_count);
    TEST_ASSERT_EQUAL_UINT(2, site->host_count);
    TEST_ASSERT_EQUAL_UINT(2, site->hosts[0].address_count);
    TEST_ASSERT_EQUAL_HEX64(role("front-end-mediation") | role("front-end-cms"), site->hosts[0].roles);
    TEST_ASSERT_EQUAL_STRING("203.0.113.12", site->hosts[1].name);
    TEST_ASSERT_EQUAL_UINT(1, site->hosts[1].translated_count);
    TEST_ASSERT_EQUAL_UINT(1, site->networks[0].prefix_count);
    TEST_ASSERT_EQUAL_UINT(118, site->networks[0].prefixes[0].bits);
    TEST_ASSERT_EQUAL_UINT(50020, site->media_ports[0].ranges[MODALITY_AUDIO].low);
    TEST_ASSERT_EQUAL_UINT(0, site->media_ports[0].ranges[MODALITY_VIDEO].low);
    TEST_ASSERT_EQUAL_UINT(2, site->port_count);
    TEST_ASSERT_EQUAL_UINT(443, site->ports[0].documented.low);
    TEST_ASSERT_EQUAL_UINT(444, site->ports[0].moved.high);
    TEST_ASSERT_EQUAL_INT(IPSEC_MEDIA_ONLY, site->ipsec);
    TEST_ASSERT_EQUAL_HEX16(0x0301, site->min_tls);
    TEST_ASSERT_TRUE(site->strict_outbound);
    TEST_ASSERT_EQUAL_HEX64(role("director") | role("front-end"), site->narrow[0].roles);
    TEST_ASSERT_EQUAL_STRING("weak-tls", site->mute[0]);
    TEST_ASSERT_EQUAL_INT(99, site->severity[0].severity);
    TEST_ASSERT_EQUAL_INT(21, site->severity[1].severity);
    TEST_ASSERT_EQUAL_UINT(2, site->allow[0].from.prefix_count);
    TEST_ASSERT_EQUAL_HEX64(role("front-end"), site->allow[0].to.roles);
    TEST_ASSERT_EQUAL_UINT(OVER_TCP, site->allow[0].transports);
    TEST_ASSERT_EQUAL_INT64(2 * DAY_NS, site->allow[0].expires_ns);
    TEST_ASSERT_EQUAL_STRING("jump host", site->allow[0].reason);
    TEST_ASSERT_TRUE(site->allow[1].from.anyone && site->allow[1].to.anyone);
    TEST_ASSERT_EQUAL_UINT(OVER_TCP | OVER_UDP, site->allow[1].transports);
    TEST_ASSERT_EQUAL_UINT(2, site->allow[1].port_count);
    TEST_ASSERT_EQUAL_STRING("allow[1]", site->allow[1].name);
    site_free(site);
}

/* The promise: everything that is wrong in one go, each with line, column, key, found and expected. */
static void test_five_mistakes_at_once(void)
{
    TEST_ASSERT_NULL(site_of(
        "{ \"site\": \"hq\", // a comment before\n"
        "  \"matrixes\": [],\n"
        "  \"hosts\": [\n"
        "    { \"name\": \"M\xc3\xbcnchen\", \"addresses\": [\"10.0.0.256\"], \"roles\": [\"front-end\"] },\n"
        "    /* two */ { \"addresses\": [\"10.0.0.2\"], \"roles\": [\"director\", \"front-ned\"] } ],\n"
        "  \"min_tls\": 1.2,\n"
        "  \"severity\": { \"media-ports\": 73 } }"));
    TEST_ASSERT_EQUAL_UINT(5, mistakes.count);
    mistake_is(0, 2, 3, "matrixes", "key \"matrixes\"", "a known key (did you mean \"matrices\"?)");
    mistake_is(1, 4, 40, "hosts[0].addresses[0]", "\"10.0.0.256\"",
               "an address like \"10.20.1.11\" or \"2001:db8::11\"");
    mistake_is(2, 5, 66, "hosts[1].roles[1]", "\"front-ned\"", "a role (did you mean \"front-end\"?)");
    mistake_is(3, 6, 14, "min_tls", "1.2", "a text");
    mistake_is(4, 7, 17, "severity.media-ports", "key \"media-ports\"",
               "a finding (did you mean \"media-port\"?)");
}

static void test_names_are_known_ones(void)
{
    refused("{\"matrices\": [\"lync-server-2013\", \"lync-server-2012\"]}", 35, "matrices[1]",
            "\"lync-server-2012\"", "a matrix (did you mean \"lync-server-2013\"?)");
    refused("{\"matrices\": [\"lync-server-2013\", \"lync-server-2013\"]}", 35, "matrices[1]",
            "\"lync-server-2013\"", "each matrix only once");
    refused("{\"matrices\": []}", 14, "matrices", "an empty list", "1 to 64 entries");
    refused("{\"features\": [\"telepathy\"]}", 15, "features[0]", "\"telepathy\"", "a feature");
    refused("{\"mute\": [\"weak-tsl\"]}", 11, "mute[0]", "\"weak-tsl\"",
            "a finding (did you mean \"weak-tls\"?)");
    refused("{\"networks\": [{\"prefixes\": [\"10.0.0.0/8\"], \"roles\": [7]}]}", 54, "networks[0].roles[0]",
            "7", "a role");
    refused("{\"load_balancing\": \"none\"}", 20, "load_balancing", "\"none\"",
            "\"hardware\" or \"dns\" (leave the key out for neither)");
    refused("{\"ipsec\": \"off\"}", 11, "ipsec", "\"off\"", "\"table\" or \"media-only\"");
    refused("{\"min_tls\": \"1.4\"}", 13, "min_tls", "\"1.4\"", "\"1.0\", \"1.1\", \"1.2\" or \"1.3\"");
    refused("{\"severity\": {\"weak-tls\": 50}}", 27, "severity.weak-tls", "50",
            "\"low\", \"medium\", \"high\" or \"critical\" (21, 47, 73, 99)");
    refused("{\"strict_outbound\": \"no\"}", 21, "strict_outbound", "\"no\"", "true or false");
    refused("[]", 1, "", "an empty list", "an object");
}

static void test_addresses(void)
{
    refused("{\"hosts\": [{\"roles\": []}]}", 12, "hosts[0]", "no such key", "a key \"addresses\"");
    refused("{\"hosts\": [{\"addresses\": []}]}", 26, "hosts[0].addresses", "an empty list",
            "a list of 1 to 64 addresses");
    refused("{\"hosts\": [{\"addresses\": [\"224.0.0.1\"]}]}", 27, "hosts[0].addresses[0]", "\"224.0.0.1\"",
            "an address that one host can have");
    refused("{\"hosts\": [{\"addresses\": [\"10.0.0.0/24\"]}]}", 27, "hosts[0].addresses[0]",
            "\"10.0.0.0/24\"", "an address like \"10.20.1.11\" or \"2001:db8::11\"");
    refused("{\"networks\": [{\"prefixes\": [\"10.0.0.1/24\"]}]}", 29, "networks[0].prefixes[0]",
            "\"10.0.0.1/24\"", "a prefix without host bits: \"10.0.0.0/24\"");
    refused("{\"networks\": [{\"prefixes\": [\"10.0.0.0/33\"]}]}", 29, "networks[0].prefixes[0]",
            "\"10.0.0.0/33\"", "a prefix like \"10.20.4.0/22\" or \"2001:db8:4::/64\"");
    refused("{\"hosts\": 5}", 11, "hosts", "5", "a list");
}

static void test_an_address_stands_once(void)
{
    refused("{\"hosts\": [{\"addresses\": [\"10.0.0.1\"]}, {\"addresses\": [\"10.0.0.2\", \"10.0.0.1\"]}]}",
            68, "hosts[1].addresses[1]", "\"10.0.0.1\"", "what no other entry names, and this one only once");
    refused("{\"hosts\": [{\"addresses\": [\"::ffff:10.0.0.1\"], \"translated\": [\"10.0.0.1\"]}]}", 62,
            "hosts[0].translated[0]", "\"10.0.0.1\"", "what no other entry names, and this one only once");
    refused("{\"networks\": [{\"prefixes\": [\"10.0.0.0/8\"]}, {\"prefixes\": [\"10.0.0.0/8\"]}]}", 59,
            "networks[1].prefixes[0]", "\"10.0.0.0/8\"", "what no other entry names, and this one only once");
    site_free(
        good_site("{\"networks\": [{\"prefixes\": [\"10.0.0.0/8\"]}, {\"prefixes\": [\"10.0.0.0/9\"]}]}"));
    site_free(good_site(
        "{\"networks\": [{\"prefixes\": [\"10.0.0.1\"]}], \"hosts\": [{\"addresses\": [\"10.0.0.1\"]}]}"));
}

static void test_ports_are_documented_ones(void)
{
    refused("{\"ports\": {\"edge-access\": {\"5062\": \"444\"}}}", 28, "ports.edge-access.5062",
            "key \"5062\"", "a port as a documented row of this role writes it (did you mean \"5061\"?)");
    refused("{\"ports\": {\"edge-av\": {\"50000-59998\": \"444\"}}}", 24, "ports.edge-av.50000-59998",
            "key \"50000-59998\"",
            "a port as a documented row of this role writes it (did you mean \"50000-59999\"?)");
    refused("{\"ports\": {\"front-end\": {\"5061\": \"0\"}}}", 34, "ports.front-end.5061", "\"0\"",
            "a port like \"444\" or a range like \"50020-50039\"");
    refused("{\"ports\": {\"front-end\": {\"5061\": 5061}}}", 34, "ports.front-end.5061", "5061",
            "a port like \"444\" or a range like \"50020-50039\"");
    refused("{\"ports\": {\"frontend\": {}}}", 12, "ports.frontend", "key \"frontend\"",
            "a role (did you mean \"front-end\"?)");
    refused("{\"media_ports\": {\"client\": {\"audio\": \"50039-50020\"}}}", 38, "media_ports.client.audio",
            "\"50039-50020\"", "a range like \"50020-50039\"");
    refused("{\"media_ports\": {\"client\": {\"sound\": \"50020-50039\"}}}", 29, "media_ports.client.sound",
            "key \"sound\"", "a known key");
    refused("{\"media_ports\": {\"edge-access\": {}}}", 18, "media_ports.edge-access", "key \"edge-access\"",
            "a role with media rows");
    site_free(good_site("{\"ports\": {\"front-end-mediation\": {\"5061\": \"5091\", \"1434\": \"1435\", "
                        "\"5067\": \"5069\"}}}"));
}

static void test_narrow_names_rows_that_may_be(void)
{
    refused("{\"narrow\": {\"lync-server-2013-edge/edge-internal-interface/6\": [\"front-end\"]}}", 13,
            "narrow[\"lync-server-2013-edge/edge-internal-interface/6\"]",
            "key \"lync-server-2013-edge/edge-internal-interface/6\"",
            "a row whose condition says that it may be narrowed");
    refused("{\"narrow\": {\"lync-server-2013-edge/edge-internal-interfaces/2\": [\"front-end\"]}}", 13,
            "narrow[\"lync-server-2013-edge/edge-internal-interfaces/2\"]",
            "key \"lync-server-2013-edge/edge-internal-interfaces/2\"",
            "a row that may be narrowed (did you mean \"lync-server-2013-edge/edge-internal-interface/2\"?)");
    refused("{\"narrow\": {\"lync-server-2013-edge/edge-internal-interface/2\": []}}", 64,
            "narrow[\"lync-server-2013-edge/edge-internal-interface/2\"]", "an empty list",
            "at least one role");
}

static void test_allow(void)
{
    refused("{\"allow\": [{\"ports\": \"3389\"}]}", 12, "allow[0]", "an object",
            "a key \"from\" or \"to\": without both, everything would be allowed");
    refused("{\"allow\": [{\"to\": [\"10.0.0.300\"]}]}", 20, "allow[0].to[0]", "\"10.0.0.300\"",
            "a prefix like \"10.20.4.0/22\" or \"2001:db8:4::/64\"");
    refused("{\"allow\": [{\"to\": [\"fronted\"]}]}", 20, "allow[0].to[0]", "\"fronted\"",
            "a role (did you mean \"front-end\"?)");
    refused("{\"allow\": [{\"to\": [], \"transport\": \"sctp\"}]}", 36, "allow[0].transport", "\"sctp\"",
            "\"tcp\" or \"udp\" (leave the key out for both)");
    refused("{\"allow\": [{\"to\": [], \"ports\": 3389}]}", 32, "allow[0].ports", "3389",
            "a port like \"3389\" or a range like \"5000-5010\"");
    refused("{\"allow\": [{\"to\": [], \"ports\": []}]}", 32, "allow[0].ports", "an empty list",
            "at least one port (leave the key out for every port)");
    refused("{\"allow\": [{\"to\": [], \"ports\": [\"1\", \"x\"]}]}", 38, "allow[0].ports[1]", "\"x\"",
            "a port like \"3389\" or a range like \"5000-5010\"");
    static const char *const days[] = {"2027-02-29", "2027-13-01", "2027-00-10",  "2027-04-31",
                                       "27-01-01",   "2027-1-1",   "2027-01-01T", "2027/01/01"};
    for (unsigned i = 0; i < sizeof days / sizeof *days; i++) {
        char text[100], found[40];
        snprintf(text, sizeof text, "{\"allow\": [{\"to\": [], \"expires\": \"%s\"}]}", days[i]);
        snprintf(found, sizeof found, "\"%s\"", days[i]);
        refused(text, 34, "allow[0].expires", found, "a day: YYYY-MM-DD");
    }
}

static void test_days(void)
{
    struct site *site = good_site("{\"allow\": [{\"to\": [], \"expires\": \"2028-02-29\"}, {\"to\": []},"
                                  " {\"to\": [], \"expires\": \"2100-03-01\"}]}");
    TEST_ASSERT_EQUAL_INT64(INT64_C(1835481600) * 1000000000, site->allow[0].expires_ns); /* 2028-03-01 */
    TEST_ASSERT_EQUAL_INT64(INT64_MAX, site->allow[1].expires_ns);
    TEST_ASSERT_EQUAL_INT64(INT64_C(4107628800) * 1000000000, site->allow[2].expires_ns); /* no leap year */
    site_free(site);
}

/* A duplicate key is one mistake, and what it repeats is read once. */
static void test_duplicate_keys(void)
{
    refused("{\"hosts\": [{\"addresses\": [\"10.0.0.1\"]}, {\"addresses\": [\"10.0.0.2\"]}], \"hosts\": "
            "[{\"addresses\": [\"10.0.0.3\"]}]}",
            71, "hosts", "key \"hosts\"", "each key only once");
}

static void test_default_matrices_must_be_there(void)
{
    const char *const path = ROLECALL_SOURCE_DIR "/rules/lync-server-2013.json";
    rules_free(rules);
    rules = rules_load_files(&path, 1, &mistakes);
    TEST_ASSERT_NOT_NULL(rules);
    TEST_ASSERT_NULL(site_of("{}"));
    TEST_ASSERT_EQUAL_UINT(1, mistakes.count);
    TEST_ASSERT_EQUAL_STRING("matrices", mistakes.list[0].key);
    mistakes_clear(&mistakes);
    site_free(good_site("{\"matrices\": [\"lync-server-2013\"]}"));
    TEST_ASSERT_NULL(site_create(rules, &mistakes));
}

static void test_a_site_without_a_file(void)
{
    struct site *site = site_create(rules, &mistakes);
    TEST_ASSERT_NOT_NULL(site);
    site->hosts = site_take(site, 1, sizeof *site->hosts);
    site->hosts[0].name = site_keep(site, "found");
    site->host_count = 1;
    struct mistakes warnings = {0};
    site_lint(site, rules, 0, &warnings);
    TEST_ASSERT_EQUAL_UINT(1, warnings.count);
    TEST_ASSERT_EQUAL_STRING("host \"found\" without a role", warnings.list[0].found);
    TEST_ASSERT_EQUAL_UINT(0, warnings.list[0].line);
    mistakes_clear(&warnings);
    site_free(site);
    site_free(NULL);
}

static void test_lints(void)
{
    struct site *site = good_site(
        "{ \"hosts\": [ { \"name\": \"a\", \"addresses\": [\"10.0.0.1\"] },\n"
        "  { \"name\": \"b\", \"addresses\": [\"10.0.0.2\"], \"roles\": [\"edge-access\", \"edge-av\"] } ],\n"
        "  \"media_ports\": { \"client\": { \"audio\": \"50020-50038\", \"video\": \"50038-50100\" },\n"
        "                     \"mediation\": { \"audio\": \"50020-50021\" } },\n"
        "  \"allow\": [ { \"to\": [], \"expires\": \"2026-01-31\" } ] }");
    struct mistakes warnings = {0};
    int64_t end_ns = site->allow[0].expires_ns;
    site_lint(site, rules, end_ns - 1, &warnings);
    TEST_ASSERT_EQUAL_UINT(4, warnings.count);
    TEST_ASSERT_EQUAL_STRING("host \"a\" without a role", warnings.list[0].found);
    TEST_ASSERT_EQUAL_STRING("hosts[0]", warnings.list[0].key);
    TEST_ASSERT_EQUAL_UINT(1, warnings.list[0].line);
    TEST_ASSERT_EQUAL_UINT(14, warnings.list[0].column);
    TEST_ASSERT_EQUAL_STRING("host \"b\" with several Edge roles on one address", warnings.list[1].found);
    TEST_ASSERT_EQUAL_STRING("19 ports for audio of the client", warnings.list[2].found);
    TEST_ASSERT_EQUAL_STRING("media_ports.client", warnings.list[2].key);
    TEST_ASSERT_EQUAL_STRING("audio and video of client overlapping", warnings.list[3].found);
    mistakes_clear(&warnings);
    site_lint(site, rules, end_ns, &warnings);
    TEST_ASSERT_EQUAL_UINT(5, warnings.count);
    TEST_ASSERT_EQUAL_STRING("\"allow[0]\", expired on 2026-01-31", warnings.list[4].found);
    TEST_ASSERT_EQUAL_UINT(5, warnings.list[4].line);
    mistakes_clear(&warnings);
    site_free(site);
}

/* Whatever is cut off a good site, or changed in it, is refused or read, and nothing worse. */
static void test_damaged_sites(void)
{
    const char *good = "{\"hosts\": [{\"addresses\": [\"10.0.0.1\"], \"roles\": [\"client\"]}], /* x */ "
                       "\"ports\": {\"front-end\":"
                       " {\"5061\": \"1\"}}, \"allow\": [{\"to\": [\"client\"], \"ports\": [\"1\"]}], "
                       "\"media_ports\": {\"client\":"
                       " {\"audio\": \"1-2\"}}, \"severity\": {\"weak-tls\": 21}, \"narrow\": {}, "
                       "\"matrices\": [\"lync-server-2013\"]}";
    static const char replacements[] = "{}[]\",:0 /*\\n";
    size_t size = strlen(good);
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++) {
        TEST_ASSERT_NULL(site_from_text("t", good, i, rules, &mistakes));
        TEST_ASSERT_TRUE(mistakes.count > 0);
        mistakes_clear(&mistakes);
        for (const char *r = replacements; *r; r++) {
            memcpy(text, good, size);
            text[i] = *r;
            struct site *site = site_from_text("t", text, size, rules, &mistakes);
            TEST_ASSERT_TRUE((site == NULL) == (mistakes.count > 0));
            site_free(site);
            mistakes_clear(&mistakes);
        }
    }
    free(text);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_defaults);
    RUN_TEST(test_a_whole_site);
    RUN_TEST(test_five_mistakes_at_once);
    RUN_TEST(test_names_are_known_ones);
    RUN_TEST(test_addresses);
    RUN_TEST(test_an_address_stands_once);
    RUN_TEST(test_ports_are_documented_ones);
    RUN_TEST(test_narrow_names_rows_that_may_be);
    RUN_TEST(test_allow);
    RUN_TEST(test_days);
    RUN_TEST(test_duplicate_keys);
    RUN_TEST(test_default_matrices_must_be_there);
    RUN_TEST(test_a_site_without_a_file);
    RUN_TEST(test_lints);
    RUN_TEST(test_damaged_sites);
    return UNITY_END();
}
