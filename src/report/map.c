/* SPDX-License-Identifier: BSD-2-Clause
 *
 * map.c - who talks to whom by role: initiators left, responders right, a band for each pair of roles,
 * violations in their own colour with a sign and a number. Drawn twice, wide and narrow, so that its letters
 * have one size on any screen; a table says the same in numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum { LINE = 14, GAP = 10, NARROW = 344, WIDE = 760, LABEL_LINES = 4 };

struct node {
    const char *roles;
    uint64_t flows;
    unsigned lines, middle; /* of its label; y */
};

struct side {
    struct node nodes[LINKS_MAX];
    unsigned count, shown;
};

struct map_picture {
    const struct page *page;
    struct side left, right;
    const struct link_in *links[LINKS_MAX]; /* failing ones first, then by flows */
    unsigned link_count;
    uint64_t not_drawn;
};

static uint64_t flows_of(const struct link_in *link)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FLOW_STATUS_COUNT; i++)
        sum += link->flows[i];
    return sum;
}

static const char *roles_or_none(const char *roles)
{
    return *roles ? roles : "no role";
}

static int compare_links(const void *a, const void *b)
{
    const struct link_in *x = *(const struct link_in *const *)a, *y = *(const struct link_in *const *)b;
    if (x->flows[FLOW_FAIL] != y->flows[FLOW_FAIL])
        return x->flows[FLOW_FAIL] > y->flows[FLOW_FAIL] ? -1 : 1;
    if (flows_of(x) != flows_of(y))
        return flows_of(x) > flows_of(y) ? -1 : 1;
    return x < y ? -1 : x > y;
}

static struct node *node_of(struct side *side, const char *roles)
{
    for (unsigned i = 0; i < side->count; i++)
        if (strcmp(side->nodes[i].roles, roles) == 0)
            return &side->nodes[i];
    struct node *node = &side->nodes[side->count++];
    *node = (struct node){.roles = roles, .lines = 1};
    for (const char *at = roles; (at = strstr(at, " + ")); at++)
        node->lines += node->lines < LABEL_LINES;
    return node;
}

/* Nodes in order of their first (worst) link keep bad news at the top. */
static void place(struct side *side, unsigned *height)
{
    unsigned y = GAP;
    side->shown = side->count < SHOWN_NODES ? side->count : SHOWN_NODES;
    for (unsigned i = 0; i < side->shown; i++) {
        side->nodes[i].middle = y + side->nodes[i].lines * LINE / 2;
        y += side->nodes[i].lines * LINE + GAP;
    }
    *height = y > *height ? y : *height;
}

static void put_label(FILE *out, const struct node *node, unsigned x, const char *anchor)
{
    const char *at = roles_or_none(node->roles);
    unsigned y = node->middle - node->lines * LINE / 2 + 11;
    html(out, "<text class=\"%s\">", anchor);
    for (unsigned line = 0; line < node->lines; line++) {
        const char *end = line + 1 < node->lines ? strstr(at, " + ") : NULL;
        char part[ROLES_SIZE];
        snprintf(part, sizeof part, "%.*s", end ? (int)(end - at) : 24, at);
        html(out, "<tspan x=\"%u\" y=\"%u\">%s</tspan>", x, y + line * LINE, part);
        at = end ? end + 3 : at;
    }
    html(out, "</text>\n");
}

static unsigned width_of(uint64_t flows)
{
    unsigned width = 1;
    for (; flows > 1 && width < 12; flows /= 2)
        width++;
    return width;
}

static const char *class_of(const struct link_in *link)
{
    return link->flows[FLOW_FAIL]                               ? "l-fail"
           : link->flows[FLOW_PASS] || link->flows[FLOW_EXEMPT] ? "l-pass"
           : link->flows[FLOW_INCONCLUSIVE]                     ? "l-unsure"
                                                                : "l-none";
}

static void put_link_title(FILE *out, const struct link_in *link)
{
    html(out,
         "<title>%s to %s: %lu flows, %lu pass, %lu fail, %lu exempt, %lu inconclusive, %lu out of scope",
         roles_or_none(link->from), roles_or_none(link->to), flows_of(link), link->flows[FLOW_PASS],
         link->flows[FLOW_FAIL], link->flows[FLOW_EXEMPT], link->flows[FLOW_INCONCLUSIVE],
         link->flows[FLOW_OUT_OF_SCOPE]);
    for (unsigned i = 0; i < link->finding_count; i++)
        html(out, "%s%s", i ? ", " : "; ", link->findings[i]);
    html(out, "</title>");
}

static void put_link(FILE *out, const struct link_in *link, const struct node *a, const struct node *b,
                     unsigned x1, unsigned x2)
{
    unsigned middle = (x1 + x2) / 2;
    html(out, "<g>");
    put_link_title(out, link);
    html(out, "<path class=\"%s\" stroke-width=\"%u\" d=\"M%u %uC%u %u %u %u %u %u\"/></g>\n", class_of(link),
         width_of(flows_of(link)), x1, a->middle, middle, a->middle, middle, b->middle, x2, b->middle);
}

/* The number of failing flows, on the band at one of three places along it, so that neighbours keep apart. */
static void put_fail_sign(FILE *out, uint64_t fails, const struct node *a, const struct node *b, unsigned x1,
                          unsigned x2, unsigned turn)
{
    static const unsigned along[] = {500, 300, 700}; /* of 1000 */
    uint64_t t = along[turn % 3], u = 1000 - t;
    uint64_t ends = u * u * u, near_start = 3 * u * u * t, near_end = 3 * u * t * t, done = t * t * t;
    uint64_t middle = (x1 + x2) / 2;
    uint64_t x = (ends * x1 + (near_start + near_end) * middle + done * x2) / 1000000000;
    uint64_t y = ((ends + near_start) * a->middle + (near_end + done) * b->middle) / 1000000000;
    html(out, "<text class=\"fails\" x=\"%lu\" y=\"%lu\">✕ %lu</text>\n", x, y + 4, fails);
}

static void put_drawing(struct map_picture *p, unsigned width, const char *class)
{
    FILE *out = p->page->out;
    unsigned height = 0, label = width / 3 + 14, x1 = label + 6, x2 = width - label - 6, turn = 0;
    uint64_t drawn = 0;
    place(&p->left, &height);
    place(&p->right, &height);
    html(out,
         "<svg class=\"map %s\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" role=\"img\" "
         "aria-label=\"Flows "
         "between roles; the table below has the numbers\">\n",
         class, width, height, width, height);
    for (unsigned i = p->link_count; i-- > 0;) { /* the worst on top */
        const struct link_in *link = p->links[i];
        const struct node *a = node_of(&p->left, link->from), *b = node_of(&p->right, link->to);
        if (a - p->left.nodes >= p->left.shown || b - p->right.nodes >= p->right.shown || i >= SHOWN_LINKS)
            continue;
        put_link(out, link, a, b, x1, x2);
        drawn++;
    }
    for (unsigned i = 0; i < p->link_count && i < SHOWN_LINKS; i++) {
        const struct link_in *link = p->links[i];
        const struct node *a = node_of(&p->left, link->from), *b = node_of(&p->right, link->to);
        if (link->flows[FLOW_FAIL] && a - p->left.nodes < p->left.shown &&
            b - p->right.nodes < p->right.shown)
            put_fail_sign(out, link->flows[FLOW_FAIL], a, b, x1, x2, turn++);
    }
    for (unsigned i = 0; i < p->left.shown; i++)
        put_label(out, &p->left.nodes[i], label, "end");
    for (unsigned i = 0; i < p->right.shown; i++)
        put_label(out, &p->right.nodes[i], width - label, "start");
    html(out, "</svg>\n");
    p->not_drawn = p->link_count - drawn;
}

static void put_numbers(const struct map_picture *p)
{
    FILE *out = p->page->out;
    html(out, "<div class=\"wide\"><table><caption>Flows between roles, those that fail "
              "first</caption>\n<thead><tr>"
              "<th scope=\"col\">from</th><th scope=\"col\">to</th><th scope=\"col\" class=\"num\">flows</th>"
              "<th scope=\"col\" class=\"num\">pass</th><th scope=\"col\" class=\"num\">fail</th>"
              "<th scope=\"col\" class=\"num\">exempt</th><th scope=\"col\" class=\"num\">inconclusive</th>"
              "<th scope=\"col\" class=\"num\">out of scope</th><th "
              "scope=\"col\">findings</th></tr></thead>\n<tbody>\n");
    for (unsigned i = 0; i < p->link_count && i < SHOWN_LINKS; i++) {
        const struct link_in *link = p->links[i];
        html(out,
             "<tr><td>%s</td><td>%s</td><td class=\"num\">%lu</td><td class=\"num\">%lu</td>"
             "<td class=\"num%s\">%lu</td>",
             roles_or_none(link->from), roles_or_none(link->to), flows_of(link), link->flows[FLOW_PASS],
             link->flows[FLOW_FAIL] ? " bad" : "", link->flows[FLOW_FAIL]);
        html(out, "<td class=\"num\">%lu</td><td class=\"num\">%lu</td><td class=\"num\">%lu</td><td>",
             link->flows[FLOW_EXEMPT], link->flows[FLOW_INCONCLUSIVE], link->flows[FLOW_OUT_OF_SCOPE]);
        for (unsigned f = 0; f < link->finding_count; f++)
            html(out, "%s%s", f ? ", " : "", link->findings[f]);
        html(out, "</td></tr>\n");
    }
    html(out, "</tbody></table></div>\n");
    if (p->link_count > SHOWN_LINKS)
        page_not_shown(p->page, p->link_count - SHOWN_LINKS, "pairs of roles");
}

void page_map(const struct page *page)
{
    const struct report *report = page->report;
    struct map_picture *p = calloc(1, sizeof *p);
    html(page->out,
         "<section id=\"map\" aria-labelledby=\"h-map\">\n<h2 id=\"h-map\">Who talks to whom</h2>\n");
    if (!p || !report->link_count) {
        html(
            page->out, "<p>%s</p>\n</section>\n",
            report->flows
                ? "No flow has an end with a role."
                : "These events hold no flows: `analyze --flows`, or the daemon with flows on, writes them.");
        free(p);
        return;
    }
    p->page = page;
    for (unsigned i = 0; i < report->link_count; i++)
        p->links[p->link_count++] = &report->links[i];
    qsort(p->links, p->link_count, sizeof *p->links, compare_links);
    for (unsigned i = 0; i < p->link_count; i++) {
        node_of(&p->left, p->links[i]->from)->flows += flows_of(p->links[i]);
        node_of(&p->right, p->links[i]->to)->flows += flows_of(p->links[i]);
    }
    html(page->out,
         "<p class=\"legend\"><span><i class=\"swatch l-fail\"></i> ✕ some flows fail</span> <span><i "
         "class=\"swatch l-pass\"></i> pass</span> <span><i class=\"swatch l-unsure\"></i> "
         "inconclusive</span> "
         "<span><i class=\"swatch l-none\"></i> out of scope</span> <span>Left: who opened the flow; wider: "
         "more flows.</span></p>\n");
    put_drawing(p, WIDE, "big");
    put_drawing(p, NARROW, "small");
    page_not_shown(page, p->not_drawn, "pairs of roles in the picture");
    put_numbers(p);
    page_not_shown(page, report->links_refused, "flows between further pairs of roles");
    html(page->out, "</section>\n");
    free(p);
}
