/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_report.c - the report's two promises: text cannot become markup, and nothing grows without a bound or
 * without being counted. What the page looks like is tests/system/report_browser.py's business.
 */
#include "rolecall/report.h"
#include "report/collect.h"
#include "report/html.h"

#include <stdlib.h>
#include <string.h>
#include <unity.h>

static struct report *report;
static char *page;
static size_t page_size;

void setUp(void)
{
    report = report_create(NULL);
    TEST_ASSERT_NOT_NULL(report);
    page = NULL;
}

void tearDown(void)
{
    report_destroy(report);
    free(page);
}

static void take(const char *line)
{
    report_line(report, line, strlen(line));
}

static const char *written(void)
{
    free(page);
    FILE *out = open_memstream(&page, &page_size);
    TEST_ASSERT_TRUE(report_write(report, out));
    fclose(out);
    return page;
}

static void read_text(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    memcpy(copy, text, size);
    FILE *in = fmemopen(copy, size, "r");
    TEST_ASSERT_TRUE(report_read(report, in));
    fclose(in);
    free(copy);
}

static void check_html(const char *expected, const char *text)
{
    char *out_text;
    size_t size;
    FILE *out = open_memstream(&out_text, &size);
    html(out, "<%s>", text);
    fclose(out);
    TEST_ASSERT_EQUAL_STRING(expected, out_text);
    free(out_text);
}

static void test_text_is_escaped(void)
{
    check_html("<&lt;script&gt;alert(1)&lt;/script&gt;>", "<script>alert(1)</script>");
    check_html("<&quot; onload=&#39;x&#39; &amp;amp;>", "\" onload='x' &amp;");
    check_html("<a\xef\xbf\xbd"
               "b\xef\xbf\xbd"
               "c\xef\xbf\xbd"
               "d>",
               "a\x1b"
               "b\xe2\x80\xae"
               "c\xff"
               "d");
    check_html("<\xc3\xa9\xf0\x9f\x98\x80>", "\xc3\xa9\xf0\x9f\x98\x80");
}

static void test_numbers_are_written(void)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    html(out, "%u %d %lu %ld %c%%", 4294967295u, -1, (unsigned long)UINT64_MAX, (long)INT64_MIN, 'x');
    fclose(out);
    TEST_ASSERT_EQUAL_STRING("4294967295 -1 18446744073709551615 -9223372036854775808 x%", text);
    free(text);
}

static void test_what_people_read(void)
{
    char out[SHOWN_SIZE];
    TEST_ASSERT_EQUAL_STRING("0", show_number(0, out));
    TEST_ASSERT_EQUAL_STRING("999", show_number(999, out));
    TEST_ASSERT_EQUAL_STRING("18,446,744,073,709,551,615", show_number(UINT64_MAX, out));
    TEST_ASSERT_EQUAL_STRING("999 B", show_bytes(999, out));
    TEST_ASSERT_EQUAL_STRING("1.0 kB", show_bytes(1000, out));
    TEST_ASSERT_EQUAL_STRING("123 MB", show_bytes(123456789, out));
    TEST_ASSERT_EQUAL_STRING("17 ms", show_span(17400000, out));
    TEST_ASSERT_EQUAL_STRING("17.7 s", show_span(17673000000, out));
    TEST_ASSERT_EQUAL_STRING("2 h 5 min", show_span(INT64_C(7500) * 1000000000, out));
    TEST_ASSERT_EQUAL_STRING("3 days", show_span(INT64_C(72) * 3600 * 1000000000, out));
    TEST_ASSERT_EQUAL_STRING("2026-03-02 09:30:05 UTC", show_time(INT64_C(1772443805) * 1000000000, out));
    TEST_ASSERT_EQUAL_STRING("09:30:05.720", show_clock(INT64_C(1772443805720) * 1000000, out));
}

static void test_lines_that_are_no_events(void)
{
    static const char text[] = "\xef\xbb\xbf{\"event\":{\"dataset\":\"rolecall.flow\"}}\r\n"
                               "\n  \r\n"
                               "nonsense\n"
                               "{\"event\":{\"dataset\":\"suricata.eve\"}}\n"
                               "{\"event.dataset\":\"rolecall.stats\"}"; /* dots, and no newline at the end */
    read_text(text, sizeof text - 1);
    TEST_ASSERT_EQUAL_UINT64(2, report_totals(report).events);
    TEST_ASSERT_EQUAL_UINT64(2, report_totals(report).bad);
}

static void test_long_lines(void)
{
    size_t size = 200000;
    char *text = malloc(size);
    memset(text, 'x', size);
    text[100000] = '\n';
    memcpy(text + size - 41, "\n{\"event\":{\"dataset\":\"rolecall.flow\"}}\n  ", 41);
    read_text(text, size);
    free(text);
    TEST_ASSERT_EQUAL_UINT64(1, report_totals(report).events);
    TEST_ASSERT_EQUAL_UINT64(2, report_totals(report).bad);
}

static void alert(unsigned number, unsigned severity, unsigned count)
{
    char line[600];
    snprintf(line, sizeof line,
             "{\"event\":{\"dataset\":\"rolecall.alert\",\"action\":\"unexpected-port\",\"severity\":%u,"
             "\"reason\":\"r%u\"},"
             "\"network\":{\"transport\":\"tcp\"},\"destination\":{\"ip\":\"10.0.0.1\",\"port\":%u},"
             "\"rolecall\":{\"flow_id\":\"f%u\",\"finding\":{\"fingerprint\":\"p%u\",\"count\":%u}}}",
             severity, number, number % 65535 + 1, number, number, count);
    take(line);
}

static void test_findings_are_bounded(void)
{
    for (unsigned i = 0; i < FINDINGS_MAX + 7; i++)
        alert(i, i == 500 ? 73 : 21, 1);
    alert(3, 21, 0); /* taken back */
    TEST_ASSERT_EQUAL_UINT(FINDINGS_MAX, report->finding_count);
    TEST_ASSERT_EQUAL_UINT64(7, report->findings_refused);
    written();
    TEST_ASSERT_NOT_NULL(strstr(page, "<h1>1023 findings:"));
    TEST_ASSERT_NOT_NULL(strstr(page, "Not shown: 903 more findings"));
    TEST_ASSERT_NOT_NULL(strstr(page, "Not shown: 7 more alerts"));
    TEST_ASSERT_NOT_NULL(strstr(page, "<b>1</b> findings that later packets took back"));
    TEST_ASSERT_LESS_THAN(2 << 20, (int)page_size);
}

static void flow(unsigned number, const char *status, const char *roles)
{
    char line[900];
    snprintf(
        line, sizeof line,
        "{\"event\":{\"dataset\":\"rolecall.flow\"},\"network\":{\"transport\":\"tcp\"},"
        "\"source\":{\"ip\":\"10.0.1.1\",\"port\":5},\"destination\":{\"ip\":\"10.0.0.1\",\"port\":8},"
        "\"rolecall\":{\"flow_id\":\"f%u\",\"source\":{\"roles\":[\"%s\"]},\"destination\":{\"roles\":[\"d\"]"
        "},"
        "\"modality\":\"audio\",\"compliance\":{\"status\":\"%s\",\"reason\":\"why%u\",\"findings\":%s}}}",
        number, roles, status, number,
        strcmp(status, "fail") == 0 ? "[\"unexpected-port\",\"media-port\"]" : "[]");
    take(line);
}

static void test_flows_find_their_finding(void)
{
    alert(7, 73, 1); /* port 8 */
    flow(7, "fail", "client");
    flow(1234, "fail", "client"); /* by responder and port */
    TEST_ASSERT_EQUAL_UINT64(2, report->findings[0].behind_flows);
    TEST_ASSERT_EQUAL_UINT64(2, report->orphans); /* media-port was never told */
    for (unsigned i = 0; i < 20; i++)
        flow(2000 + i, "fail", "client");
    TEST_ASSERT_EQUAL_UINT(BEHIND_MAX, report->findings[0].behind_count);
    TEST_ASSERT_NOT_NULL(strstr(written(), "Not shown: 14 more flows"));
}

static void test_reasons_links_and_strips_are_bounded(void)
{
    char roles[16];
    for (unsigned i = 0; i < LINKS_MAX + 5; i++) {
        snprintf(roles, sizeof roles, "role%u", i);
        flow(i, i % 2 ? "inconclusive" : "fail", roles);
    }
    TEST_ASSERT_EQUAL_UINT(LINKS_MAX, report->link_count);
    TEST_ASSERT_EQUAL_UINT64(5, report->links_refused);
    TEST_ASSERT_EQUAL_UINT(REASONS_MAX, report->reason_count);
    TEST_ASSERT_EQUAL_UINT64((LINKS_MAX + 5) / 2 - REASONS_MAX, report->reasons_refused);
    TEST_ASSERT_EQUAL_UINT(STRIPS_MAX, report->strip_count);
    TEST_ASSERT_GREATER_THAN(0, (int)report->strips_refused);
    TEST_ASSERT_NOT_NULL(strstr(written(), "more pairs of roles"));
}

static void coverage(unsigned host)
{
    char line[8192];
    size_t used = (size_t)snprintf(
        line, sizeof line,
        "{\"event\":{\"dataset\":\"rolecall.coverage\"},\"host\":{\"name\":\"h%u.example\"},\"rolecall\":{"
        "\"coverage\":{\"counts\":{\"seen\":1,\"violated\":%u},\"violated\":[%s],\"not_seen\":[",
        host, host % 2, host % 2 ? "\"m/t/0\"" : "");
    for (unsigned i = 0; i < 100; i++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s\"m/t/%u\"", i ? "," : "", i + host);
    snprintf(line + used, sizeof line - used, "]}}}");
    take(line);
}

static void test_hosts_rows_and_cells_are_bounded(void)
{
    for (unsigned i = 0; i < HOSTS_MAX + 500; i++)
        coverage(i);
    TEST_ASSERT_EQUAL_UINT(HOSTS_MAX, report->host_count);
    TEST_ASSERT_EQUAL_UINT64(500, report->hosts_refused);
    TEST_ASSERT_LESS_OR_EQUAL(ROWS_MAX, (int)report->row_count);
    written();
    TEST_ASSERT_NOT_NULL(strstr(page, "Not every cell could be drawn"));
    TEST_ASSERT_NOT_NULL(strstr(page, "Not shown: 212 more hosts"));
    TEST_ASSERT_LESS_THAN(2 << 20, (int)page_size);
}

static void test_every_bound_at_once_stays_below_the_size(void)
{
    char roles[16];
    for (unsigned i = 0; i < FINDINGS_MAX; i++)
        alert(i, 73, 1);
    for (unsigned i = 0; i < HOSTS_MAX; i++)
        coverage(i);
    for (unsigned i = 0; i < LINKS_MAX; i++) {
        snprintf(roles, sizeof roles, "role%u", i % 60);
        flow(i, "fail", roles);
    }
    written();
    TEST_ASSERT_LESS_THAN(2 << 20, (int)page_size);
}

static void test_what_is_absurd(void)
{
    static const char *const lines[] = {
        "{\"event\":{\"dataset\":\"rolecall.alert\"}}",
        "{\"event\":{\"dataset\":\"rolecall.coverage\"},\"rolecall\":{\"media_ports\":[\"audio "
        "9-3\",\"x\",\"any 0-99999\"]}}",
        "{\"event\":{\"dataset\":\"rolecall.ipsec\"},\"rolecall\":{\"ipsec\":{\"negotiation_ms\":"
        "99999999999999999999,"
        "\"first_request\":\"9999-99-99T99:99:99Z\"}}}",
        "{\"event\":{\"dataset\":\"rolecall.stats\"},\"rolecall\":{\"stats\":{\"packets\":-5,\"x\":\"y\","
        "\"z\":1e400}}}",
        "{\"event\":{\"dataset\":[\"rolecall.flow\",7]},\"source\":{\"port\":70000,\"bytes\":\"many\"}}",
        "{\"@timestamp\":\"1969-01-01T00:00:00Z\",\"event\":{\"dataset\":\"rolecall.loss\"},\"rolecall\":{"
        "\"loss\":{\"flows\":3}}}"};
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        take(lines[i]);
    TEST_ASSERT_EQUAL_UINT64(6, report_totals(report).events);
    TEST_ASSERT_NOT_NULL(strstr(written(), "An output lost events"));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_text_is_escaped);
    RUN_TEST(test_numbers_are_written);
    RUN_TEST(test_what_people_read);
    RUN_TEST(test_lines_that_are_no_events);
    RUN_TEST(test_long_lines);
    RUN_TEST(test_findings_are_bounded);
    RUN_TEST(test_flows_find_their_finding);
    RUN_TEST(test_reasons_links_and_strips_are_bounded);
    RUN_TEST(test_hosts_rows_and_cells_are_bounded);
    RUN_TEST(test_every_bound_at_once_stays_below_the_size);
    RUN_TEST(test_what_is_absurd);
    return UNITY_END();
}
