/* SPDX-License-Identifier: BSD-2-Clause
 *
 * coverage.c - the matrix picture: documented rows down, hosts across, one picture per table of a document,
 * each cell in the colour and with the sign of its state; then the same in numbers per host.
 */
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum {
    PITCH = 15,
    CELL = 13,
    LABEL = 186,
    HEAD_CHAR = 6,
    HOSTS_ACROSS = 10,
    LABEL_CHARS = 25,
    HEAD_CHARS = 12
};

static const struct {
    const char *class, *word, *path;
} states[] = {
    {"violated", "violated", "M3.5 3.5l6 6m0-6l-6 6"},
    {"blocked", "blocked", "M3 6.5h7"},
    {"seen", "seen working", "M3 6.8l2.4 2.5 4.8-5.4"},
    {"never", "never seen", "M6 6.5h1"},
};

/* Index into `states`: the worst. */
static unsigned state_of(uint8_t cell)
{
    return cell & CELL_VIOLATED ? 0 : cell & CELL_BLOCKED ? 1 : cell & CELL_SEEN ? 2 : 3;
}

struct picture {
    const struct page *page;
    unsigned rows[ROWS_MAX], row_count;    /* all rows, in the order of the documents */
    unsigned hosts[HOSTS_MAX], host_count; /* of the table being drawn, those that have a row of it */
    unsigned left;                         /* cells that may still be drawn */
    uint64_t not_drawn;
};

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct report *report = context;
    const struct row_in *x = &report->rows[*(const unsigned *)a], *y = &report->rows[*(const unsigned *)b];
    if (x->matrix != y->matrix)
        return x->matrix < y->matrix ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* The part of an id before its last slash: matrix and table. */
static size_t table_size(const char *id)
{
    const char *slash = strrchr(id, '/');
    return slash ? (size_t)(slash - id) : 0;
}

static bool same_table(const char *a, const char *b)
{
    return table_size(a) == table_size(b) && memcmp(a, b, table_size(a)) == 0;
}

static bool is_troubled(const struct host_in *host)
{
    return host->violated || host->blocked;
}

/* Those with something wrong come first where not all can be drawn; else the site's order. */
static void choose_hosts(struct picture *p, const unsigned *rows, unsigned row_count)
{
    const struct report *report = p->page->report;
    unsigned cells = 0;
    p->host_count = 0;
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        for (unsigned host = 0; host < report->host_count; host++) {
            bool has = false;
            for (unsigned i = 0; i < row_count; i++)
                has |= report_cell(report, host, rows[i]) != 0;
            if (has && is_troubled(&report->hosts[host]) == (wanted == 0))
                p->hosts[p->host_count++] = host;
            cells += has ? row_count : 0;
        }
    }
    if (cells / 2 > p->left)
        return;
    p->host_count = 0;
    for (unsigned host = 0; host < report->host_count; host++) {
        bool has = false;
        for (unsigned i = 0; i < row_count; i++)
            has |= report_cell(report, host, rows[i]) != 0;
        if (has)
            p->hosts[p->host_count++] = host;
    }
}

/* The first label of a name, an address whole; shortened. */
static void short_name(const char *name, char out[HEAD_CHARS * 4 + 4])
{
    size_t size = strcspn(name, ".");
    bool is_address = name[strspn(name, "0123456789.")] == '\0' || strchr(name, ':');
    if (is_address)
        size = strlen(name);
    unsigned characters = 0;
    size_t used = 0;
    for (; used < size && used < HEAD_CHARS * 4; used++) {
        if (((unsigned char)name[used] & 0xc0) != 0x80 && ++characters > (is_address ? 15 : HEAD_CHARS))
            break;
        out[used] = name[used];
    }
    strcpy(out + used, used < size ? "…" : "");
}

static void put_row_label(const struct picture *p, const struct row_in *row, unsigned y)
{
    FILE *out = p->page->out;
    const char *number = row->id + table_size(row->id);
    char ports[96], transports[32], applications[64], label[256];
    number += *number == '/';
    if (!row->row) {
        html(out, "<text x=\"0\" y=\"%u\"><title>%s</title>%s</text>", y + 10, row->id, number);
        return;
    }
    row_words(&row->row->port_words, ports, sizeof ports);
    row_words(&row->row->transport_words, transports, sizeof transports);
    row_words(&row->row->application_words, applications, sizeof applications);
    bool asks = row->row->direction == ROW_IPSEC;
    if (asks)
        snprintf(label, sizeof label, "%s \xe2\x86\x92 %s", row->row->from, row->row->to);
    else
        snprintf(label, sizeof label, "%s %s %s", ports, transports, applications);
    size_t cut = strlen(label) > LABEL_CHARS ? LABEL_CHARS - 2 : strlen(label);
    while (cut < strlen(label) && ((unsigned char)label[cut] & 0xc0) == 0x80)
        cut++;
    bool is_cut = cut < strlen(label);
    label[cut] = '\0';
    html(out,
         "<text x=\"0\" y=\"%u\"><title>%s: %s to %s, %s %s; %s%s%s</title><tspan class=\"n\">%s</tspan>",
         y + 10, row->id, row->row->from, row->row->to, ports, row->row->documented, applications,
         *row->row->purpose ? ". " : "", row->row->purpose, number);
    html(out, "<tspan x=\"22\">%s%s</tspan></text>", label, is_cut ? "…" : "");
}

static void put_cell(struct picture *p, unsigned host, const struct row_in *row, uint8_t cell, unsigned x,
                     unsigned y)
{
    unsigned state = state_of(cell);
    if (!p->left) {
        p->not_drawn++;
        return;
    }
    p->left--;
    html(p->page->out,
         "<g class=\"%s\" transform=\"translate(%u %u)\"><title>%s, %s: %s%s</title>"
         "<rect width=\"13\" height=\"13\" rx=\"2\"/><path d=\"%s\"/></g>",
         states[state].class, x, y, row->id, p->page->report->hosts[host].name, states[state].word,
         cell & CELL_SEEN && state < 2 ? ", also seen working" : "", states[state].path);
}

/* Some hosts (at most HOSTS_ACROSS) by the rows of one table. */
static void put_grid(struct picture *p, const unsigned *rows, unsigned row_count, unsigned first)
{
    const struct report *report = p->page->report;
    FILE *out = p->page->out;
    unsigned count = p->host_count - first < HOSTS_ACROSS ? p->host_count - first : HOSTS_ACROSS;
    char names[HOSTS_ACROSS][HEAD_CHARS * 4 + 4];
    size_t longest = 0;
    for (unsigned i = 0; i < count; i++) {
        short_name(report->hosts[p->hosts[first + i]].name, names[i]);
        longest = strlen(names[i]) > longest ? strlen(names[i]) : longest;
    }
    unsigned head = 14 + HEAD_CHAR * (unsigned)(longest < 16 ? longest : 16);
    unsigned width = LABEL + count * PITCH + 4, height = head + row_count * PITCH;
    html(out,
         "<svg class=\"grid\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"%u "
         "rows by %u "
         "hosts; the table below has the numbers\">\n",
         width, height, width, height, row_count, count);
    for (unsigned i = 0; i < count; i++)
        html(out,
             "<text class=\"head\" transform=\"translate(%u %u) rotate(-90)\"><title>%s</title>%s</text>",
             LABEL + i * PITCH + 10, head - 5, report->hosts[p->hosts[first + i]].name, names[i]);
    for (unsigned r = 0; r < row_count; r++) {
        unsigned y = head + r * PITCH;
        put_row_label(p, &report->rows[rows[r]], y);
        for (unsigned i = 0; i < count; i++) {
            uint8_t cell = report_cell(report, p->hosts[first + i], rows[r]);
            if (cell)
                put_cell(p, p->hosts[first + i], &report->rows[rows[r]], cell, LABEL + i * PITCH, y);
        }
        html(out, "\n");
    }
    html(out, "</svg>\n");
}

static void put_table(struct picture *p, const unsigned *rows, unsigned row_count)
{
    const struct row_in *head = &p->page->report->rows[rows[0]];
    char name[ROW_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)table_size(head->id), head->id);
    char *table = strchr(name, '/');
    if (table)
        *table++ = '\0';
    choose_hosts(p, rows, row_count);
    for (unsigned first = 0; first < p->host_count && p->left; first += HOSTS_ACROSS) {
        html(p->page->out, "<figure class=\"tile\"><figcaption><b>%s</b> %s%s</figcaption>\n",
             table ? table : name, table ? name : "", first ? ", further hosts" : "");
        put_grid(p, rows, row_count, first);
        html(p->page->out, "</figure>\n");
    }
}

static void put_grids(const struct page *page)
{
    const struct report *report = page->report;
    struct picture *p = calloc(1, sizeof *p);
    if (!p)
        return;
    p->page = page;
    p->left = SHOWN_CELLS;
    for (unsigned row = 0; row < report->row_count; row++)
        for (unsigned host = 0; host < report->host_count; host++)
            if (report_cell(report, host, row)) {
                p->rows[p->row_count++] = row;
                break;
            }
    qsort_r(p->rows, p->row_count, sizeof *p->rows, compare_rows, (void *)(uintptr_t)report);
    html(page->out, "<div class=\"tiles\">\n");
    for (unsigned begin = 0, end; begin < p->row_count; begin = end) {
        for (end = begin + 1; end < p->row_count; end++)
            if (!same_table(report->rows[p->rows[begin]].id, report->rows[p->rows[end]].id))
                break;
        put_table(p, p->rows + begin, end - begin);
    }
    html(page->out, "</div>\n");
    if (!p->left)
        html(page->out,
             "<p class=\"more\">Not every cell could be drawn: hosts with violated or blocked rows came "
             "first; the table below counts them all.</p>\n");
    free(p);
}

static void put_legend(FILE *out)
{
    html(out, "<p class=\"legend\">");
    for (unsigned i = 0; i < 4; i++)
        html(out,
             "<span><svg width=\"13\" height=\"13\" aria-hidden=\"true\"><g class=\"%s\"><rect width=\"13\" "
             "height=\"13\" rx=\"2\"/><path d=\"%s\"/></g></svg> %s</span> ",
             states[i].class, states[i].path, states[i].word);
    html(out, "</p>\n");
}

static void put_host_numbers(const struct page *page)
{
    const struct report *report = page->report;
    html(page->out,
         "<div class=\"wide\"><table><caption>Rows per host or network; a row may be both seen working and "
         "violated</caption>\n<thead><tr><th scope=\"col\">host</th><th scope=\"col\" "
         "class=\"roles\">roles</th>"
         "<th scope=\"col\" class=\"num\">seen</th><th scope=\"col\" class=\"num\">violated</th>"
         "<th scope=\"col\" class=\"num\">blocked</th><th scope=\"col\" class=\"num\">never seen</th></tr>"
         "</thead>\n<tbody>\n");
    for (unsigned i = 0; i < report->host_count && i < SHOWN_HOSTS; i++) {
        const struct host_in *host = &report->hosts[i];
        html(page->out,
             "<tr><th scope=\"row\">%s</th><td class=\"roles\">%s</td><td class=\"num\">%lu</td><td "
             "class=\"num%s\">%lu</td>"
             "<td class=\"num%s\">%lu</td><td class=\"num\">%lu</td></tr>\n",
             host->name, host->roles, host->seen, host->violated ? " bad" : "", host->violated,
             host->blocked ? " bad" : "", host->blocked, host->not_seen);
    }
    html(page->out, "</tbody></table></div>\n");
    if (report->host_count > SHOWN_HOSTS)
        page_not_shown(page, report->host_count - SHOWN_HOSTS, "hosts");
    page_not_shown(page, report->hosts_refused, "coverage events, of hosts that found no room");
}

void page_coverage(const struct page *page)
{
    html(page->out,
         "<section id=\"coverage\" aria-labelledby=\"h-coverage\">\n<h2 id=\"h-coverage\">Documented rows, "
         "host by host</h2>\n");
    if (!page->report->host_count) {
        html(page->out,
             "<p>These events hold no coverage. <code>analyze</code> writes it at the end of a run.</p>\n"
             "</section>\n");
        return;
    }
    put_legend(page->out);
    put_grids(page);
    put_host_numbers(page);
    html(page->out, "</section>\n");
}
