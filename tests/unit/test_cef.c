/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_cef.c - events as CEF lines: which key a field becomes, what is escaped, what is too long, what is no
 * event.
 */
#include <stdio.h>
#include <string.h>

#include "rolecall/cef.h"
#include "unity.h"

static char out[CEF_LINE_MAX + 1];
static size_t size;
static struct mistakes mistakes;

void setUp(void)
{
    size = 0;
}

void tearDown(void)
{
    mistakes_clear(&mistakes);
}

static void convert(const char *line)
{
    TEST_ASSERT_TRUE_MESSAGE(cef_from_event(line, strlen(line), out, &size, &mistakes), line);
    TEST_ASSERT_EQUAL_UINT64(strlen(out), size);
}

static void refuse(const char *line)
{
    TEST_ASSERT_FALSE_MESSAGE(cef_from_event(line, strlen(line), out, &size, &mistakes), line);
    TEST_ASSERT_TRUE(mistakes.count > 0);
    mistakes_clear(&mistakes);
}

static void test_an_alert(void)
{
    convert(
        "{\"@timestamp\":\"2026-03-02T09:30:12.118204Z\",\"event\":{\"dataset\":\"rolecall.alert\","
        "\"action\":\"unexpected-port\",\"id\":\"9f2c-7\",\"sequence\":7,\"severity\":73,"
        "\"start\":\"1970-01-01T00:00:01.000000Z\",\"reason\":\"why\"},\"rule\":{\"name\":\"A port\"},"
        "\"source\":{\"ip\":\"10.0.0.1\",\"port\":50000},\"destination\":{\"ip\":\"2001:db8::1\","
        "\"port\":443,\"domain\":\"fe\"},\"network\":{\"transport\":\"tcp\",\"protocol\":\"tls\","
        "\"community_id\":\"1:a=\"},\"observer\":{\"version\":\"1.2\",\"hostname\":\"span\"},"
        "\"rolecall\":{\"source\":{\"roles\":[\"client\",\"device\"]},\"compliance\":{\"status\":\"fail\"},"
        "\"finding\":{\"count\":3}}}");
    TEST_ASSERT_EQUAL_STRING(
        "CEF:0|rolecall|rolecall|1.2|unexpected-port|A port|7|rt=1772443812118 start=1000 cat=rolecall.alert "
        "externalId=9f2c-7 cn1Label=sequence cn1=7 src=10.0.0.1 spt=50000 "
        "c6a3Label=Destination IPv6 Address c6a3=2001:db8::1 dpt=443 dhost=fe proto=TCP app=tls act=fail "
        "cnt=3 "
        "dvchost=span msg=why cs2Label=source roles cs2=client device flexString1Label=community id "
        "flexString1=1:a\\=",
        out);
}

static void test_what_is_escaped(void)
{
    convert("{\"event\":{\"dataset\":\"rolecall.alert\",\"action\":\"a|b\\\\c=d\\n\","
            "\"reason\":\"a|b\\\\c=d\\ne\\rf\"},\"rule\":{\"name\":\"x|y\"}}");
    TEST_ASSERT_EQUAL_STRING("CEF:0|rolecall|rolecall||a\\|b\\\\c=d |x\\|y|0|cat=rolecall.alert "
                             "msg=a|b\\\\c\\=d\\ne\\rf",
                             out);
}

/* A value may end as the header does. */
static void test_every_key_stands_apart(void)
{
    convert("{\"event\":{\"dataset\":\"rolecall.flow\",\"reason\":\"a|\"},"
            "\"user_agent\":{\"original\":\"b|\"},\"rolecall\":{\"site\":\"c|\"}}");
    TEST_ASSERT_NOT_NULL(strstr(out, " requestClientApplication=b| "));
    TEST_ASSERT_NOT_NULL(strstr(out, " cs6=c|"));
}

static void test_severities(void)
{
    static const struct {
        const char *event, *cef;
    } cases[] = {{"0", "|0|"},  {"9", "|0|"},    {"21", "|2|"},  {"47", "|4|"}, {"73", "|7|"},
                 {"99", "|9|"}, {"100", "|10|"}, {"101", "|0|"}, {"-5", "|0|"}, {"\"high\"", "|0|"}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[200];
        snprintf(line, sizeof line, "{\"event\":{\"dataset\":\"rolecall.alert\",\"severity\":%s}}",
                 cases[i].event);
        convert(line);
        TEST_ASSERT_NOT_NULL_MESSAGE(strstr(out, cases[i].cef), out);
    }
}

static void test_datasets_without_ends(void)
{
    convert(
        "{\"event\":{\"dataset\":\"rolecall.loss\",\"action\":\"loss\"},\"rolecall\":{\"loss\":{\"output\":"
        "\"siem\",\"reason\":\"full\",\"since\":\"1970-01-01T00:00:02.500000Z\",\"alerts\":1,\"flows\":20,"
        "\"events\":3,\"metrics\":4,\"first_sequence\":5,\"last_sequence\":90}}}");
    TEST_ASSERT_EQUAL_STRING("CEF:0|rolecall|rolecall||loss|Events lost by an output|0|cat=rolecall.loss "
                             "msg=output siem lost lines: full cnt=28 start=2500 "
                             "cn2Label=first sequence lost cn2=5 cn3Label=last sequence lost cn3=90",
                             out);
    convert("{\"event\":{\"dataset\":\"rolecall.coverage\"},\"host\":{\"name\":\"fe\"},\"rolecall\":{"
            "\"coverage\":"
            "{\"counts\":{\"seen\":7,\"not_seen\":33}}}}");
    TEST_ASSERT_NOT_NULL(strstr(out, "dhost=fe msg=seen 7, not_seen 33"));
    convert("{\"event\":{\"dataset\":\"rolecall.stats\"},\"rolecall\":{\"stats\":{\"packets\":12}}}");
    TEST_ASSERT_NOT_NULL(strstr(out, "msg=packets 12"));
    convert("{\"event\":{\"dataset\":\"rolecall.ipsec\"},\"rolecall\":{\"ipsec\":{\"negotiation_ms\":412.7,"
            "\"media_packets_lost\":37}}}");
    TEST_ASSERT_NOT_NULL(
        strstr(out, "cfp1Label=negotiation ms cfp1=412.7 cn2Label=media packets lost cn2=37"));
}

/* A text of `count` pieces in a reason. */
static void convert_reason(const char *piece, unsigned count)
{
    static char line[40000];
    size_t used = (size_t)snprintf(line, sizeof line,
                                   "{\"event\":{\"dataset\":\"rolecall.alert\",\"id\":\"x-1\",\"reason\":\"");
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s", piece);
    snprintf(line + used, sizeof line - used, "\"},\"rolecall\":{\"site\":\"hq\"}}");
    convert(line);
}

static void test_long_values_are_cut_between_characters(void)
{
    convert_reason("\xe2\x82\xac", 500); /* 1,500 bytes of a sign of three */
    const char *message = strstr(out, "msg=");
    TEST_ASSERT_EQUAL_UINT64(1023, strcspn(message + 4, " "));
    TEST_ASSERT_NOT_NULL(strstr(out, " cs6=hq"));
    convert_reason("=", 1000); /* escaped, twice as long */
    TEST_ASSERT_EQUAL_UINT64(2000, strcspn(strstr(out, "msg=") + 4, " "));
}

/* Every key that there is, each as long as it gets: what does not fit is left out whole. */
static void test_a_line_is_bounded(void)
{
    static char line[60000], list[3000];
    memset(list, '=', 2900);
    int used =
        snprintf(line, sizeof line,
                 "{\"event\":{\"dataset\":\"rolecall.alert\",\"reason\":\"%s\",\"id\":\"%s\"},"
                 "\"rolecall\":{\"compliance\":{\"rows\":[\"%.1900s\"],\"reason\":\"%s\",\"status\":\"%s\"},"
                 "\"advice\":\"%s\",\"source\":{\"roles\":[\"%.1900s\"]},\"site\":\"hq\"}}",
                 list, list, list, list, list, list, list);
    TEST_ASSERT_TRUE(used > 0 && used < (int)sizeof line);
    convert(line);
    TEST_ASSERT_TRUE(size <= CEF_LINE_MAX);
    TEST_ASSERT_NULL(strstr(out, "cs2="));
    TEST_ASSERT_NOT_NULL(strstr(out, "cs6=hq"));
}

static void test_what_is_no_event(void)
{
    refuse("");
    refuse("{");
    refuse("[]");
    refuse("{}");
    refuse("\"event\"");
    refuse("{\"event\":1}");
    refuse("{\"event\":{}}");
    refuse("{\"event\":{\"dataset\":\"suricata.eve\"}}");
    refuse("{\"event\":{\"dataset\":\"rolecall.\"}}");
    refuse("{\"event\":{\"dataset\":\"rolecall.flow\",\"dataset\":\"rolecall.flow\"}}");
    refuse("{\"event\":{\"dataset\":\"rolecall.flow\"}} {}");
    refuse("{\"event\":{\"dataset\":\"rolecall.flow\"},\"x\":\"\xff\"}");
}

static void test_fields_of_another_type(void)
{
    convert(
        "{\"@timestamp\":7,\"event\":{\"dataset\":\"rolecall.flow\",\"id\":[\"a\",1,\"b\"],\"reason\":{}},"
        "\"source\":\"x\",\"destination\":{\"ip\":null,\"port\":1.5},\"rolecall\":[]}");
    TEST_ASSERT_EQUAL_STRING("CEF:0|rolecall|rolecall|||Flow|0|cat=rolecall.flow externalId=a  b dpt=1.5",
                             out);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_an_alert);
    RUN_TEST(test_what_is_escaped);
    RUN_TEST(test_every_key_stands_apart);
    RUN_TEST(test_severities);
    RUN_TEST(test_datasets_without_ends);
    RUN_TEST(test_long_values_are_cut_between_characters);
    RUN_TEST(test_a_line_is_bounded);
    RUN_TEST(test_what_is_no_event);
    RUN_TEST(test_fields_of_another_type);
    return UNITY_END();
}
