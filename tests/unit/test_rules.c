/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_rules.c - the shipped matrix files, by cases written from what the documents mean; and what a matrix
 * file may not hold, with the place of each mistake. That every row agrees with the documents' tables is the
 * matter of tests/system/rules_vs_tsv.py.
 */
#include "rolecall/rules.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct mistakes mistakes;
static struct rules *rules;

#define SFB  "skype-for-business-server/"
#define LYNC "lync-server-2013/"
#define EDGE "lync-server-2013-edge/"

void setUp(void)
{
    rules = rules_load(ROLECALL_SOURCE_DIR "/rules", &mistakes);
    if (!rules)
        mistakes_print(&mistakes, "", stderr);
}

void tearDown(void)
{
    rules_free(rules);
    mistakes_clear(&mistakes);
}

static const struct matrix_row *row_of(const char *id)
{
    const struct matrix_row *row = rules_find_row(rules, id);
    TEST_ASSERT_NOT_NULL_MESSAGE(row, id);
    return row;
}

#define BIT(protocol) (UINT64_C(1) << PROTO_##protocol)

/* One port, over one transport. */
static void listens(const char *id, const char *role, uint16_t port, unsigned transport)
{
    const struct matrix_row *row = row_of(id);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(role, row->to, id);
    TEST_ASSERT_EQUAL_INT_MESSAGE(ROW_INBOUND, row->direction, id);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(1, row->range_count, id);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(port, row->ranges[0].low, id);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(port, row->ranges[0].high, id);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(transport, row->transports, id);
}

static void test_all_rows_are_there(void)
{
    TEST_ASSERT_EQUAL_UINT(3, rules_matrix_count(rules));
    TEST_ASSERT_EQUAL_UINT(106, rules_find_matrix(rules, "skype-for-business-server")->row_count);
    TEST_ASSERT_EQUAL_UINT(90, rules_find_matrix(rules, "lync-server-2013")->row_count);
    TEST_ASSERT_EQUAL_UINT(37, rules_find_matrix(rules, "lync-server-2013-edge")->row_count);
    TEST_ASSERT_NULL(rules_find_matrix(rules, "lync-server-2010"));
    TEST_ASSERT_NULL(rules_find_row(rules, LYNC "load-balancer-with-dns/6")); /* empty in the document */
    TEST_ASSERT_NOT_NULL(rules_find_row(rules, LYNC "load-balancer-with-dns/7"));
    TEST_ASSERT_NULL(rules_matrix(rules, 3));
}

static void test_servers_listen_where_documented(void)
{
    listens(SFB "server-ports/3", "front-end", 5061, OVER_TCP);
    listens(SFB "server-ports/48", "mediation", 5067, OVER_TCP);
    listens(SFB "server-ports/23", "front-end-mediation", 5067, OVER_TCP);
    listens(SFB "server-ports/1", "all-servers", 1434, OVER_UDP);
    listens(SFB "server-ports/51", "persistent-chat", 5041, OVER_TCP);
    listens(EDGE "edge-internal-interface/9", "edge-internal", 50001, OVER_TCP);
    listens(EDGE "edge-internal-interface/6", "edge-internal", 3478, OVER_UDP);
    listens(EDGE "edge-external-interface/8", "edge-web-conferencing", 443, OVER_TCP);
    listens(EDGE "xmpp/3", "edge-internal", 23456, OVER_TCP);
    listens(LYNC "load-balancer-hardware-only/3", "front-end-load-balancer", 135, OVER_TCP);
}

static void test_both_mediation_rows_of_5070(void)
{
    const struct matrix_row *plain = row_of(SFB "server-ports/47"), *mutual = row_of(SFB "server-ports/50");
    TEST_ASSERT_TRUE(plain->accepts & BIT(sip));
    TEST_ASSERT_FALSE(plain->accepts_mtls_only);
    TEST_ASSERT_TRUE(mutual->accepts_mtls_only);
    TEST_ASSERT_EQUAL_UINT(5070, mutual->ranges[0].low);
    TEST_ASSERT_TRUE(*plain->note && *mutual->note);
}

static void test_applications_become_protocols(void)
{
    const struct matrix_row *row = row_of(SFB "server-ports/3"); /* TCP (TLS) */
    TEST_ASSERT_TRUE(row->accepts_tls);
    TEST_ASSERT_FALSE(row->accepts_mtls_only);
    TEST_ASSERT_FALSE(row->accepts_anything);
    TEST_ASSERT_EQUAL_HEX64(BIT(tls), row->accepts);
    row = row_of(SFB "server-ports/52"); /* TLS and MTLS */
    TEST_ASSERT_TRUE(row->accepts_tls);
    TEST_ASSERT_FALSE(row->accepts_mtls_only);
    row = row_of(SFB "server-ports/11");
    TEST_ASSERT_EQUAL_HEX64(BIT(http) | BIT(http2), row->accepts);
    row = row_of(SFB "server-ports/35"); /* TCP and nothing more */
    TEST_ASSERT_TRUE(row->accepts_anything);
    row = row_of(SFB "server-ports/40"); /* media */
    TEST_ASSERT_EQUAL_HEX64(BIT(rtp) | BIT(rtcp) | BIT(srtp) | BIT(stun) | BIT(dtls), row->accepts);
    row = row_of(SFB "client-ports/5"); /* STUN/MSTURN */
    TEST_ASSERT_EQUAL_HEX64(BIT(stun) | BIT(ms_turn) | BIT(rtp) | BIT(rtcp) | BIT(srtp) | BIT(dtls),
                            row->accepts);
    TEST_ASSERT_TRUE(row_of(SFB "client-ports/4")->accepts & BIT(ms_turn));
    TEST_ASSERT_FALSE(row_of(SFB "client-ports/4")->accepts_tls);
    TEST_ASSERT_EQUAL_HEX64(BIT(dcerpc), row_of(SFB "server-ports/5")->accepts);
    TEST_ASSERT_EQUAL_HEX64(BIT(xmpp), row_of(EDGE "xmpp/1")->accepts);
    TEST_ASSERT_EQUAL_HEX64(BIT(dns), row_of(EDGE "edge-external-interface/4")->accepts);
}

static void test_dhcp_is_two_ports(void)
{
    const struct matrix_row *row = row_of(SFB "client-ports/1");
    TEST_ASSERT_EQUAL_UINT(2, row->range_count);
    TEST_ASSERT_EQUAL_UINT(67, row->ranges[0].low);
    TEST_ASSERT_EQUAL_UINT(67, row->ranges[0].high);
    TEST_ASSERT_EQUAL_UINT(68, row->ranges[1].low);
    TEST_ASSERT_EQUAL_INT(ROW_OUTBOUND, row->direction);
    TEST_ASSERT_EQUAL_UINT(2, row->port_words.count);
}

static void test_media_rows_and_their_modality(void)
{
    TEST_ASSERT_EQUAL_INT(MODALITY_VIDEO, row_of(SFB "server-ports/10")->modality);
    TEST_ASSERT_EQUAL_INT(MODALITY_APPLICATION_SHARING, row_of(SFB "server-ports/28")->modality);
    TEST_ASSERT_EQUAL_INT(MODALITY_AUDIO, row_of(SFB "server-ports/40")->modality);
    TEST_ASSERT_EQUAL_INT(MODALITY_AUDIO, row_of(LYNC "server-ports/39")->modality);
    TEST_ASSERT_EQUAL_INT(MODALITY_UNKNOWN, row_of(SFB "client-ports/10")->modality); /* file transfer */
    TEST_ASSERT_EQUAL_UINT(OVER_TCP | OVER_UDP, row_of(SFB "server-ports/10")->transports);
    TEST_ASSERT_EQUAL_UINT(57501, row_of(SFB "server-ports/10")->ranges[0].low);
    TEST_ASSERT_EQUAL_UINT(65535, row_of(SFB "server-ports/10")->ranges[0].high);
}

static void test_ipsec_rows(void)
{
    const struct matrix_row *row = row_of(SFB "ipsec-exceptions/15");
    TEST_ASSERT_EQUAL_INT(ROW_IPSEC, row->direction);
    TEST_ASSERT_TRUE(row->any_port);
    TEST_ASSERT_EQUAL_UINT(0, row->range_count);
    TEST_ASSERT_EQUAL_STRING("client", row->from);
    TEST_ASSERT_EQUAL_UINT(OVER_UDP, row->transports);
    TEST_ASSERT_EQUAL_STRING("do not authenticate", row->application_words.at[0]);
}

static void test_outgoing_by_their_remarks(void)
{
    TEST_ASSERT_EQUAL_INT(ROW_OUTBOUND, row_of(SFB "server-ports/25")->direction); /* 5081 to the gateway */
    TEST_ASSERT_EQUAL_INT(ROW_OUTBOUND, row_of(SFB "server-ports/32")->direction); /* 5066, enhanced 9-1-1 */
    TEST_ASSERT_EQUAL_INT(ROW_OUTBOUND, row_of(SFB "server-ports/36")->direction); /* 445 to the file share */
    TEST_ASSERT_TRUE(row_of(EDGE "edge-external-interface/9")->own_port);
    TEST_ASSERT_FALSE(row_of(EDGE "edge-external-interface/11")->own_port);
}

static bool is_a(const char *role, const char *other)
{
    int a = rules_find_role(rules, role), b = rules_find_role(rules, other);
    TEST_ASSERT_TRUE(a >= 0 && b >= 0);
    return rules_role(rules, (unsigned)a)->all >> b & 1;
}

static void test_roles(void)
{
    static const char *const servers[] = {"front-end", "edge-av", "director-load-balancer", "exchange-um"};
    TEST_ASSERT_TRUE(is_a("front-end-mediation", "front-end-mediation"));
    TEST_ASSERT_TRUE(is_a("front-end-mediation", "front-end"));
    TEST_ASSERT_TRUE(is_a("front-end-mediation", "all-internal-servers"));
    TEST_ASSERT_TRUE(is_a("director", "all-servers"));
    TEST_ASSERT_FALSE(is_a("front-end-mediation", "mediation"));
    TEST_ASSERT_FALSE(is_a("front-end", "front-end-mediation"));
    TEST_ASSERT_FALSE(is_a("office-web-apps", "all-servers"));
    TEST_ASSERT_FALSE(is_a("edge-internal", "all-servers"));
    for (unsigned i = 0; i < 4; i++)
        TEST_ASSERT_TRUE(rules_role(rules, (unsigned)rules_find_role(rules, servers[i]))->server);
    TEST_ASSERT_FALSE(rules_role(rules, (unsigned)rules_find_role(rules, "client"))->server);
    TEST_ASSERT_TRUE(rules_role(rules, (unsigned)rules_find_role(rules, "edge-internal"))->strict_outbound);
    TEST_ASSERT_FALSE(rules_role(rules, (unsigned)rules_find_role(rules, "front-end"))->strict_outbound);
    TEST_ASSERT_EQUAL_INT(-1, rules_find_role(rules, "any"));
    TEST_ASSERT_NULL(rules_role(rules, rules_role_count(rules)));
}

static void test_external_roles_are_a_files_own(void)
{
    role_set client = (role_set)1 << rules_find_role(rules, "client");
    TEST_ASSERT_TRUE(rules_find_matrix(rules, "lync-server-2013-edge")->external & client);
    TEST_ASSERT_FALSE(rules_find_matrix(rules, "skype-for-business-server")->external & client);
}

static bool no_feature(const void *context, const char *name, size_t size)
{
    (void)context, (void)name, (void)size;
    return false;
}

static bool one_feature(const void *context, const char *name, size_t size)
{
    return strlen(context) == size && strncmp(context, name, size) == 0;
}

static void test_when(void)
{
    TEST_ASSERT_TRUE(rules_when_holds("", "", no_feature, NULL));
    TEST_ASSERT_FALSE(rules_when_holds("load_balancing:dns", "", no_feature, NULL));
    TEST_ASSERT_FALSE(rules_when_holds("load_balancing:dns", "hardware", no_feature, NULL));
    TEST_ASSERT_TRUE(rules_when_holds("load_balancing:hardware|dns", "dns", no_feature, NULL));
    TEST_ASSERT_TRUE(rules_when_holds("feature:federation|public-im", "", one_feature, "public-im"));
    TEST_ASSERT_TRUE(rules_when_holds("feature:federation|public-im", "", one_feature, "federation"));
    TEST_ASSERT_FALSE(rules_when_holds("feature:federation|public-im", "", one_feature, "public"));
    TEST_ASSERT_EQUAL_UINT(4, rules_feature_count(rules));
}

static void test_ports(void)
{
    static const char *const wrong[] = {"",   "0",     "65536",       "5061-",   "-1",    "5-4",  "05",
                                        "1 ", "1-2-3", "99999999999", "1-65536", "5061x", "0x10", "1,2"};
    struct port_range range;
    TEST_ASSERT_TRUE(port_range_parse("5061", &range));
    TEST_ASSERT_EQUAL_UINT(5061, range.high);
    TEST_ASSERT_TRUE(port_range_parse("1-65535", &range));
    TEST_ASSERT_EQUAL_UINT(1, range.low);
    TEST_ASSERT_EQUAL_UINT(65535, range.high);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        TEST_ASSERT_FALSE_MESSAGE(port_range_parse(wrong[i], &range), wrong[i]);
}

static void test_narrowable(void)
{
    TEST_ASSERT_TRUE(rules_is_narrowable(row_of(EDGE "edge-internal-interface/2")));
    TEST_ASSERT_FALSE(rules_is_narrowable(row_of(EDGE "edge-internal-interface/6")));
    TEST_ASSERT_FALSE(rules_is_narrowable(row_of(SFB "load-balancer-hardware-only/16")));
}

/* A small file of our own, with a place for one change. */
#define HEAD                                                                                                 \
    "{ \"matrix\": \"m\", \"title\": \"t\", \"document\": \"d\", \"reference\": \"https://x\", \"read\": "   \
    "\"2026-01-01\",\n"
#define ROLES                                                                                                \
    "  \"roles\": { \"a\": { \"title\": \"A\", \"server\": true }, \"b\": { \"title\": \"B\", \"is\": "      \
    "[\"a\"] } },\n"
#define ROW_HEAD "  \"rows\": [ { \"row\": \"m/x/1\", \"table\": \"x\",\n"
#define ROW_TAIL                                                                                             \
    "    \"transport\": [\"tcp\"], \"application\": [\"tls\"], \"application_source\": \"documented\" } ] "  \
    "}\n"
#define INBOUND "    \"direction\": \"inbound\", \"from\": \"any\", \"to\": \"a\", \"ports\": [\"1\"],\n"

static struct rules *load_text(const char *text)
{
    char path[] = "/tmp/rolecall-test-XXXXXX";
    const char *paths[] = {path};
    int fd = mkstemp(path);
    TEST_ASSERT_TRUE(fd >= 0);
    TEST_ASSERT_EQUAL_INT((int)strlen(text), (int)write(fd, text, strlen(text)));
    close(fd);
    struct rules *loaded = rules_load_files(paths, 1, &mistakes);
    unlink(path);
    return loaded;
}

static void refused(const char *text, const char *key, unsigned line, unsigned column, const char *expected)
{
    struct rules *loaded = load_text(text);
    TEST_ASSERT_NULL_MESSAGE(loaded, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(1, mistakes.count, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(key, mistakes.list[0].key, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(expected, mistakes.list[0].expected, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(line, mistakes.list[0].line, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(column, mistakes.list[0].column, text);
    mistakes_clear(&mistakes);
}

static void test_a_small_file_is_accepted(void)
{
    struct rules *loaded = load_text(HEAD ROLES ROW_HEAD INBOUND ROW_TAIL);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(loaded);
    TEST_ASSERT_EQUAL_STRING("", rules_find_row(loaded, "m/x/1")->purpose);
    rules_free(loaded);
    loaded = load_text(
        "{\"rows\": [{\"row\": \"m/x/1\", \"table\": \"x\"," INBOUND
        "\"transport\": [\"tcp\"], \"application\": [\"tls\"], \"application_source\": \"inferred\"}]," ROLES
        "\"matrix\": \"m\", \"title\": \"t\", \"document\": \"d\", \"reference\": \"https://x\","
        "\"read\": \"2026-01-01\"}");
    TEST_ASSERT_NOT_NULL(loaded); /* rows before roles, and before the matrix id */
    rules_free(loaded);
}

static void test_rows_are_checked(void)
{
#define ROW(line) HEAD ROLES ROW_HEAD line ROW_TAIL
    refused(ROW("    \"direction\": \"in\", \"from\": \"any\", \"to\": \"a\", \"ports\": [\"1\"],\n"),
            "rows[0].direction", 4, 18, "\"inbound\", \"outbound\", \"either\", \"media\" or \"ipsec\"");
    refused(ROW("    \"direction\": \"inbound\", \"from\": \"any\", \"to\": \"c\", \"ports\": [\"1\"],\n"),
            "rows[0].to", 4, 50, "a role that this file declares, or \"any\"");
    refused(ROW("    \"direction\": \"inbound\", \"from\": \"a\", \"to\": \"any\", \"ports\": [\"1\"],\n"),
            "rows[0].to", 4, 48, "a role: it is the one whose ports these are");
    refused(ROW("    \"direction\": \"outbound\", \"from\": \"any\", \"to\": \"a\", \"ports\": [\"1\"],\n"),
            "rows[0].from", 4, 38, "a role: it is the one that opens connections");
    refused(ROW("    \"direction\": \"inbound\", \"from\": \"any\", \"to\": \"a\", \"ports\": [\"2-1\"],\n"),
            "rows[0].ports[0]", 4, 65, "a port like \"5061\" or a range like \"49152-57500\"");
    refused(ROW("    \"direction\": \"inbound\", \"from\": \"any\", \"to\": \"a\", \"ports\": [\"any\"],\n"),
            "rows[0].ports", 4, 64, "ports and ranges; \"any\" stands alone, in ipsec rows");
    refused(ROW("    \"direction\": \"inbound\", \"from\": \"any\", \"to\": \"a\", \"ports\": [],\n"),
            "rows[0].ports", 4, 64, "1 to 4 entries");
    refused(ROW("    \"direction\": \"ipsec\", \"from\": \"any\", \"to\": \"a\", \"ports\": [\"any\"],\n"),
            "rows[0].application", 5, 42, "[\"do not authenticate\"] in an ipsec row");
    refused(ROW(INBOUND "    \"own_port\": true,\n"), "rows[0].own_port", 5, 17,
            "false: only an outbound row may be about the opener's own port");
    refused(ROW(INBOUND "    \"modality\": \"audio\",\n"), "rows[0].modality", 5, 17,
            "no modality: only media rows have one");
    refused(ROW(INBOUND "    \"when\": \"feature:\",\n"), "rows[0].when", 5, 13,
            "load_balancing:hardware|dns or feature:NAME|NAME");
    refused(ROW(INBOUND "    \"when\": \"load_balancing:hard\",\n"), "rows[0].when", 5, 13,
            "load_balancing:hardware|dns or feature:NAME|NAME");
    refused(ROW(INBOUND "    \"port\": \"1\",\n"), "rows[0].port", 5, 5,
            "a known key (did you mean \"ports\"?)");
#undef ROW
    refused(HEAD ROLES ROW_HEAD INBOUND "\"transport\": [\"sctp\"], \"application\": [\"tls\"], "
                                        "\"application_source\": \"documented\" } ] }",
            "rows[0].transport[0]", 5, 15, "\"tcp\" or \"udp\"");
    refused(HEAD ROLES "\"rows\": [ { \"row\": \"m/y/1\", \"table\": \"x\",\n" INBOUND ROW_TAIL,
            "rows[0].row", 3, 20, "a row id: matrix/table/number");
    refused(HEAD ROLES ROW_HEAD INBOUND "    \"transport\": [\"tcp\"], \"application\": [\"ttls\"], "
                                        "\"application_source\": \"inferred\" } ] }",
            "rows[0].application[0]", 5, 43, "an application (did you mean \"tls\"?)");
}

static void test_several_mistakes_at_once(void)
{
    struct rules *loaded = load_text(
        "{ \"matrix\": \"M\", \"title\": \"t\", \"document\": \"d\", \"reference\": \"x\",\n"
        "  \"read\": \"2026-02-30\",\n"
        "  \"roles\": { \"A\": { \"title\": \"\" }, \"b\": { \"title\": \"B\", \"is\": [\"b\", \"c\"] } },\n"
        "  \"rows\": [ 1 ] }");
    static const char *const keys[] = {"matrix",  "reference",     "read",          "roles.A.title",
                                       "roles.A", "roles.b.is[0]", "roles.b.is[1]", "rows[0]"};
    TEST_ASSERT_NULL(loaded);
    TEST_ASSERT_EQUAL_UINT(sizeof keys / sizeof *keys, mistakes.count);
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++)
        TEST_ASSERT_EQUAL_STRING(keys[i], mistakes.list[i].key);
}

static void test_circles_are_refused(void)
{
    refused(HEAD "  \"roles\": { \"a\": { \"title\": \"A\", \"is\": [\"b\"] }, \"b\": { \"title\": \"B\", "
                 "\"is\": [\"a\"] } },\n" ROW_HEAD INBOUND ROW_TAIL,
            "roles.b.is[0]", 2, 78, "a role that is not itself a b");
}

/* What a role is reaches those that were it before: the order of the declarations does not matter. */
static void test_is_reaches_through(void)
{
    struct rules *loaded = load_text(
        HEAD
        "  \"roles\": { \"a\": { \"title\": \"A\", \"is\": [\"b\"] },"
        " \"b\": { \"title\": \"B\", \"is\": [\"c\"] }, \"c\": { \"title\": \"C\" } },\n" ROW_HEAD INBOUND
            ROW_TAIL);
    TEST_ASSERT_NOT_NULL(loaded);
    TEST_ASSERT_EQUAL_HEX64(7, rules_role(loaded, 0)->all);
    TEST_ASSERT_EQUAL_HEX64(6, rules_role(loaded, 1)->all);
    TEST_ASSERT_EQUAL_HEX64(4, rules_role(loaded, 2)->all);
    rules_free(loaded);
}

static void test_the_same_file_twice(void)
{
    const char *path = ROLECALL_SOURCE_DIR "/rules/lync-server-2013-edge.json";
    const char *const paths[] = {path, path};
    TEST_ASSERT_NULL(rules_load_files(paths, 2, &mistakes));
    TEST_ASSERT_EQUAL_STRING("a matrix id that no other file has", mistakes.list[0].expected);
}

static void test_directories(void)
{
    char directory[] = "/tmp/rolecall-test-XXXXXX";
    TEST_ASSERT_NOT_NULL(mkdtemp(directory));
    TEST_ASSERT_NULL(rules_load(directory, &mistakes));
    TEST_ASSERT_EQUAL_STRING("no matrix file", mistakes.list[0].found);
    mistakes_clear(&mistakes);
    rmdir(directory);
    TEST_ASSERT_NULL(rules_load(directory, &mistakes));
    TEST_ASSERT_EQUAL_STRING("no readable directory (No such file or directory)", mistakes.list[0].found);
    mistakes_clear(&mistakes);
    setenv("ROLECALL_RULES", ROLECALL_SOURCE_DIR "/rules", 1);
    struct rules *loaded = rules_load(NULL, &mistakes);
    unsetenv("ROLECALL_RULES");
    TEST_ASSERT_NOT_NULL(loaded);
    rules_free(loaded);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_all_rows_are_there);
    RUN_TEST(test_servers_listen_where_documented);
    RUN_TEST(test_both_mediation_rows_of_5070);
    RUN_TEST(test_applications_become_protocols);
    RUN_TEST(test_dhcp_is_two_ports);
    RUN_TEST(test_media_rows_and_their_modality);
    RUN_TEST(test_ipsec_rows);
    RUN_TEST(test_outgoing_by_their_remarks);
    RUN_TEST(test_roles);
    RUN_TEST(test_external_roles_are_a_files_own);
    RUN_TEST(test_when);
    RUN_TEST(test_ports);
    RUN_TEST(test_narrowable);
    RUN_TEST(test_a_small_file_is_accepted);
    RUN_TEST(test_rows_are_checked);
    RUN_TEST(test_several_mistakes_at_once);
    RUN_TEST(test_circles_are_refused);
    RUN_TEST(test_is_reaches_through);
    RUN_TEST(test_the_same_file_twice);
    RUN_TEST(test_directories);
    return UNITY_END();
}
