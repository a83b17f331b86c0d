/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_report.c - any bytes as a file of events, gathered into the page. Whatever stands in them, the page
 * holds no markup but its own: only tags that it uses, no link out of it,
 * sound UTF-8 without control characters, and the same lines make the same page.
 */
#include <string.h>

#include "line_check.h"
#include "rolecall/report.h"

/* Every tag of src/report and its pages; anything else came out of an event. */
static const char *const tags[] = {
    "!DOCTYPE", "a",     "article", "b",    "body",       "br",     "caption", "circle", "code",  "dd",
    "div",      "dl",    "dt",      "em",   "figcaption", "figure", "footer",  "g",      "h1",    "h2",
    "h3",       "head",  "header",  "html", "i",          "li",     "line",    "main",   "meta",  "nav",
    "ol",       "p",     "path",    "rect", "section",    "small",  "span",    "strong", "style", "svg",
    "table",    "tbody", "td",      "text", "th",         "thead",  "title",   "tr",     "tspan", "ul"};

static void check_tag(const char *at)
{
    at += *at == '/';
    size_t size = strcspn(at, " \n\r\t/>");
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strlen(tags[i]) == size && strncmp(tags[i], at, size) == 0)
            return;
    fprintf(stderr, "a tag of the page's own was expected: <%.40s\n", at);
    abort();
}

/* Links lead to places on the page. */
static void check_link(const char *at)
{
    static const char href[] = "href=\"";
    if (strncmp(at, href, sizeof href - 1) == 0)
        CHECK(at[sizeof href - 1] == '#');
}

static void check_page(const char *page, size_t size)
{
    CHECK(strlen(page) == size);
    for (struct bytes b = bytes_of(page, size); b.left > 0;) {
        const char *at = (const char *)b.at;
        uint32_t point = line_character(&b);
        CHECK((point >= 0x20 && !(point >= 0x7f && point < 0xa0)) || point == '\n');
        CHECK(point != 0x2028 && point != 0x2029 && !(point >= 0x202a && point <= 0x202e));
        if (point == '<')
            check_tag(at + 1);
        if (point == 'h')
            check_link(at);
    }
}

static char *page_of(struct bytes events, size_t *size)
{
    char *text = NULL, nothing = '\n';
    struct report *report = report_create(NULL);
    FILE *in =
        fmemopen(events.left ? (void *)(uintptr_t)events.at : &nothing, events.left ? events.left : 1, "r");
    FILE *out = open_memstream(&text, size);
    CHECK(report && in && out);
    CHECK(report_read(report, in));
    CHECK(report_write(report, out));
    fclose(in);
    fclose(out);
    report_destroy(report);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    size_t page_size, again_size;
    char *page = page_of(bytes_of(input, size), &page_size);
    check_page(page, page_size);
    if (size & 1) {
        char *again = page_of(bytes_of(input, size), &again_size);
        CHECK(again_size == page_size && memcmp(page, again, page_size) == 0);
        free(again);
    }
    free(page);
    return 0;
}
