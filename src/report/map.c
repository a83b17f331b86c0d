/* SPDX-License-Identifier: BSD-2-Clause
 *
 * map.c - who talks to whom by role: initiators left, responders right, a band for each pair of roles,
 * violations in their own colour with a sign and a number. Drawn twice, wide and narrow, so that its letters
 * have one size on any screen; a table says the same in numbers.
 */
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum { LINE = 14, GAP = 12, NARROW = 344, WIDE = 860, LABEL_LINES = 4 };

struct node {
    const char *roles;
    unsigned lines;       /* of its label */
    unsigned slots, used; /* places for the ends of its links, and how many are taken */
    unsigned top, height;
};

struct side {
    struct node nodes[LINKS_MAX];
    unsigned count, shown;
};

struct map_picture {
    const struct page *page;
    struct side left, right;
    unsigned y1[LINKS_MAX], y2[LINKS_MAX]; /* ends of each link */
    bool drawn[LINKS_MAX];
    const struct link_in *links[LINKS_MAX]; /* failing ones first, then by flows */
    unsigned link_count;
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

/* Nodes in order of their worst link: bad news stands at the top. */
static void place(struct side *side)
{
    unsigned y = GAP;
    for (unsigned i = 0; i < side->shown; i++) {
        struct node *node = &side->nodes[i];
        unsigned rows = node->slots > node->lines ? node->slots : node->lines;
        node->top = y;
        node->height = rows * LINE;
        node->used = 0;
        y += node->height + GAP;
    }
}

static unsigned take_slot(struct node *node)
{
    unsigned first = node->top + (node->height - node->slots * LINE) / 2 + LINE / 2;
    return first + LINE * node->used++;
}

/* Which links are drawn, and where they end: at each node in the order of the nodes on the other side, so
 * that they cross as little as they can. */
static unsigned lay_out(struct map_picture *p)
{
    unsigned not_drawn = 0;
    p->left.shown = p->left.count < SHOWN_NODES ? p->left.count : SHOWN_NODES;
    p->right.shown = p->right.count < SHOWN_NODES ? p->right.count : SHOWN_NODES;
    for (unsigned i = 0; i < p->link_count; i++) {
        struct node *a = node_of(&p->left, p->links[i]->from), *b = node_of(&p->right, p->links[i]->to);
        p->drawn[i] =
            i < SHOWN_LINKS && a < p->left.nodes + p->left.shown && b < p->right.nodes + p->right.shown;
        a->slots += p->drawn[i];
        b->slots += p->drawn[i];
        not_drawn += !p->drawn[i];
    }
    place(&p->left);
    place(&p->right);
    for (unsigned node = 0; node < SHOWN_NODES; node++) {
        for (unsigned i = 0; i < p->link_count; i++) {
            struct node *a = node_of(&p->left, p->links[i]->from), *b = node_of(&p->right, p->links[i]->to);
            if (p->drawn[i] && b == &p->right.nodes[node])
                p->y1[i] = take_slot(a);
            if (p->drawn[i] && a == &p->left.nodes[node])
                p->y2[i] = take_slot(b);
        }
    }
    return not_drawn;
}

static unsigned height_of(const struct side *side)
{
    const struct node *last = &side->nodes[side->shown - 1];
    return last->top + last->height + GAP;
}

static void put_label(FILE *out, const struct node *node, unsigned x, const char *anchor)
{
    html(out, "<rect class=\"node\" x=\"%u\" y=\"%u\" width=\"3\" height=\"%u\"/>",
         *anchor == 'e' ? x + 5 : x - 8, node->top, node->height);
    const char *at = roles_or_none(node->roles);
    unsigned y = node->top + (node->height - node->lines * LINE) / 2 + 11;
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

static void put_link(FILE *out, const struct link_in *link, unsigned x1, unsigned y1, unsigned x2,
                     unsigned y2)
{
    unsigned middle = (x1 + x2) / 2;
    html(out, "<g>");
    put_link_title(out, link);
    html(out, "<path class=\"%s\" stroke-width=\"%u\" d=\"M%u %uC%u %u %u %u %u %u\"/></g>\n", class_of(link),
         width_of(flows_of(link)), x1, y1, middle, y1, middle, y2, x2, y2);
}

/* The number of failing flows, where the band arrives. */
static void put_fail_sign(FILE *out, uint64_t fails, unsigned x, unsigned y)
{
    char text[SHOWN_SIZE];
    show_number(fails, text);
    unsigned width = 18 + 7 * (unsigned)strlen(text);
    html(out,
         "<rect class=\"pill\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"12\" rx=\"6\"/><text class=\"fails\" "
         "x=\"%u\" y=\"%u\">✕ %s</text>\n",
         x - width, y - 6, width, x - width / 2, y + 4, text);
}

static void put_drawing(const struct map_picture *p, unsigned width, const char *class)
{
    FILE *out = p->page->out;
    unsigned label = width == WIDE ? 190 : width / 3 + 14, x1 = label + 9, x2 = width - label - 9;
    unsigned left = height_of(&p->left), right = height_of(&p->right), height = left > right ? left : right;
    html(out,
         "<svg class=\"map %s\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" role=\"img\" "
         "aria-label=\"Flows "
         "between roles; the table below has the numbers\">\n",
         class, width, height, width, height);
    for (unsigned i = p->link_count; i-- > 0;) /* the worst on top */
        if (p->drawn[i])
            put_link(out, p->links[i], x1, p->y1[i], x2, p->y2[i]);
    for (unsigned i = 0; i < p->link_count; i++)
        if (p->drawn[i] && p->links[i]->flows[FLOW_FAIL])
            put_fail_sign(out, p->links[i]->flows[FLOW_FAIL], x2 - 4, p->y2[i]);
    for (unsigned i = 0; i < p->left.shown; i++)
        put_label(out, &p->left.nodes[i], label, "end");
    for (unsigned i = 0; i < p->right.shown; i++)
        put_label(out, &p->right.nodes[i], width - label, "start");
    html(out, "</svg>\n");
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
        node_of(&p->left, p->links[i]->from);
        node_of(&p->right, p->links[i]->to);
    }
    unsigned not_drawn = lay_out(p);
    html(page->out,
         "<p class=\"legend\"><span><i class=\"swatch l-fail\"></i> ✕ some flows fail</span> <span><i "
         "class=\"swatch l-pass\"></i> pass</span> <span><i class=\"swatch l-unsure\"></i> "
         "inconclusive</span> "
         "<span><i class=\"swatch l-none\"></i> out of scope</span> <span>Left: who opened the flow; wider: "
         "more flows.</span></p>\n");
    put_drawing(p, WIDE, "big");
    put_drawing(p, NARROW, "small");
    page_not_shown(page, not_drawn, "pairs of roles in the picture");
    put_numbers(p);
    page_not_shown(page, report->links_refused, "flows between further pairs of roles");
    html(page->out, "</section>\n");
    free(p);
}
