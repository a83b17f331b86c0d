/* SPDX-License-Identifier: BSD-2-Clause
 *
 * media.c - the ports that media used, against the ranges allowed, one strip per roles and modality. The
 * scale is stretched: the allowed ranges take most of it, what lies between and beyond them is squeezed, so
 * that a range of twenty ports and a stray port far away are both to be seen.
 */
#include <stdlib.h>
#include <string.h>

#include "page.h"

enum { SCALE = 1200, SPANS_MAX = 2 * RANGES_MAX + 1, OUTSIDE_NAMED = 6 };

/* Part of the port axis. */
struct span {
    unsigned low, high; /* ports, inclusive */
    unsigned from, to;  /* on the scale */
    bool allowed, own;  /* own: by the modality of the strip */
};

struct axis {
    struct span spans[SPANS_MAX];
    unsigned count;
};

static const struct host_in *host_with(const struct report *report, const char *roles)
{
    for (unsigned i = 0; i < report->host_count; i++)
        if (strcmp(report->hosts[i].roles, roles) == 0 && report->hosts[i].range_count)
            return &report->hosts[i];
    return NULL;
}

static bool is_own(const struct media_range *range, const char *modality)
{
    return strcmp(range->modality, modality) == 0 || strcmp(range->modality, "any") == 0 ||
           strcmp(modality, "any") == 0;
}

static int compare_ports(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

static void classify(struct span *span, const struct host_in *host, const char *modality)
{
    for (unsigned i = 0; i < host->range_count; i++) {
        const struct media_range *range = &host->ranges[i];
        if (range->low <= span->low && range->high >= span->high) {
            span->allowed = true;
            span->own |= is_own(range, modality);
        }
    }
}

/* The axis cut where a range begins or ends; neighbours of one kind are one span. */
static void cut_axis(struct axis *axis, const struct host_in *host, const char *modality)
{
    unsigned cuts[2 * RANGES_MAX + 2], count = 0;
    cuts[count++] = 1;
    for (unsigned i = 0; i < host->range_count; i++) {
        cuts[count++] = host->ranges[i].low ? host->ranges[i].low : 1;
        cuts[count++] = host->ranges[i].high + 1;
    }
    cuts[count++] = 65536;
    qsort(cuts, count, sizeof *cuts, compare_ports);
    axis->count = 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        struct span span = {.low = cuts[i], .high = cuts[i + 1] - 1};
        if (cuts[i] == cuts[i + 1])
            continue;
        classify(&span, host, modality);
        struct span *last = axis->count ? &axis->spans[axis->count - 1] : NULL;
        if (last && last->allowed == span.allowed && last->own == span.own)
            last->high = span.high;
        else if (axis->count < SPANS_MAX)
            axis->spans[axis->count++] = span;
    }
}

/* Allowed spans have three parts of the scale each, the others one. */
static void lay_axis(struct axis *axis)
{
    unsigned parts = 0, at = 0;
    for (unsigned i = 0; i < axis->count; i++)
        parts += axis->spans[i].allowed ? 3 : 1;
    for (unsigned i = 0; i < axis->count; i++) {
        struct span *span = &axis->spans[i];
        span->from = SCALE * at / parts;
        at += span->allowed ? 3 : 1;
        span->to = SCALE * at / parts;
    }
}

static bool is_used(const struct strip *strip, unsigned port)
{
    return strip->used[port / 8] >> port % 8 & 1;
}

/* One mark per place of the scale where a port of the span was used. */
static unsigned put_marks(FILE *out, const struct strip *strip, const struct span *span)
{
    unsigned ports = 0, last = SCALE + 1;
    bool open = false;
    for (unsigned port = span->low; port <= span->high; port++) {
        if (!is_used(strip, port))
            continue;
        unsigned at = span->from + (unsigned)((uint64_t)(port - span->low) * (span->to - span->from) /
                                              (span->high - span->low + 1));
        if (!open)
            html(out, "<path class=\"%s\" d=\"", span->allowed ? "m-in" : "m-out");
        if (at != last)
            html(out, "M%u %sv%s", at, span->allowed ? "5" : "0", span->allowed ? "18" : "28");
        last = at;
        open = true;
        ports++;
    }
    if (open)
        html(out, "\"/>");
    return ports;
}

static void put_outside(FILE *out, const struct strip *strip, const struct axis *axis, unsigned outside)
{
    unsigned named = 0;
    if (!outside) {
        html(out, "<span class=\"ok\">✓ all inside</span>");
        return;
    }
    html(out, "<span class=\"bad\">✕ %u outside:", outside);
    for (unsigned i = 0; i < axis->count; i++)
        for (unsigned port = axis->spans[i].low; !axis->spans[i].allowed && port <= axis->spans[i].high;
             port++)
            if (is_used(strip, port) && named++ < OUTSIDE_NAMED)
                html(out, "%s %u", named > 1 ? "," : "", port);
    html(out, "%s</span>", outside > OUTSIDE_NAMED ? ", …" : "");
}

static void put_ranges(FILE *out, const struct axis *axis)
{
    bool first = true;
    html(out, "<p class=\"ranges\">allowed: ");
    for (unsigned i = 0; i < axis->count; i++) {
        const struct span *span = &axis->spans[i];
        if (!span->allowed)
            continue;
        html(out, "%s%u-%u%s", first ? "" : ", ", span->low, span->high,
             span->own ? "" : " (another modality)");
        first = false;
    }
    html(out, "</p>\n");
}

static void put_strip(const struct page *page, const struct strip *strip, const struct host_in *host)
{
    FILE *out = page->out;
    struct axis axis;
    unsigned inside = 0, outside = 0;
    char flows[SHOWN_SIZE];
    cut_axis(&axis, host, strip->modality);
    lay_axis(&axis);
    for (unsigned i = 0; i < axis.count; i++)
        for (unsigned port = axis.spans[i].low; port <= axis.spans[i].high; port++)
            *(axis.spans[i].allowed ? &inside : &outside) += is_used(strip, port);
    html(out,
         "<figure class=\"strip\"><figcaption><b>%s</b> %s <span class=\"peer\">%s flow%s, %u port%s</span> ",
         strip->roles, strcmp(strip->modality, "any") == 0 ? "modality unknown" : strip->modality,
         show_number(strip->flows, flows), plural(strip->flows), inside + outside, plural(inside + outside));
    put_outside(out, strip, &axis, outside);
    html(
        out,
        "</figcaption>\n<svg class=\"ports\" viewBox=\"0 0 %d 28\" preserveAspectRatio=\"none\" role=\"img\" "
        "aria-label=\"%u ports inside the allowed ranges, %u outside\"><rect class=\"base\" y=\"5\" "
        "width=\"%d\" "
        "height=\"18\"/>",
        SCALE, inside, outside, SCALE);
    for (unsigned i = 0; i < axis.count; i++)
        if (axis.spans[i].allowed)
            html(out,
                 "<rect class=\"%s\" x=\"%u\" y=\"5\" width=\"%u\" height=\"18\"><title>%u-%u</title></rect>",
                 axis.spans[i].own ? "r-own" : "r-other", axis.spans[i].from,
                 axis.spans[i].to - axis.spans[i].from, axis.spans[i].low, axis.spans[i].high);
    for (unsigned i = 0; i < axis.count; i++)
        put_marks(out, strip, &axis.spans[i]);
    html(out, "</svg>\n");
    put_ranges(out, &axis);
    html(out, "</figure>\n");
}

static int compare_strips(const void *a, const void *b)
{
    const struct strip *x = *(const struct strip *const *)a, *y = *(const struct strip *const *)b;
    int roles = strcmp(x->roles, y->roles);
    return roles ? roles : strcmp(x->modality, y->modality);
}

void page_media(const struct page *page)
{
    const struct report *report = page->report;
    const struct strip *strips[STRIPS_MAX];
    unsigned drawable = 0;
    html(page->out,
         "<section id=\"media\" aria-labelledby=\"h-media\">\n<h2 id=\"h-media\">Media ports</h2>\n");
    for (unsigned i = 0; i < report->strip_count; i++)
        if (host_with(report, report->strips[i].roles))
            strips[drawable++] = &report->strips[i];
    qsort(strips, drawable, sizeof(struct strip *), compare_strips);
    if (!drawable) {
        html(page->out,
             "<p>No media of a role with documented media ports is in these events.</p>\n</section>\n");
        return;
    }
    html(page->out,
         "<p class=\"legend\"><span><i class=\"swatch r-own\"></i> allowed</span> <span><i class=\"swatch "
         "r-other\"></i> allowed for another modality</span> <span><i class=\"swatch m-in\"></i> a port that "
         "media used</span> <span><i class=\"swatch m-out\"></i> ✕ outside</span> <span>Own ports of the "
         "roles named, 1 to 65535; the allowed ranges are stretched.</span></p>\n<div class=\"strips\">\n");
    for (unsigned i = 0; i < drawable && i < SHOWN_STRIPS; i++)
        put_strip(page, strips[i], host_with(report, strips[i]->roles));
    html(page->out, "</div>\n");
    if (drawable > SHOWN_STRIPS)
        page_not_shown(page, drawable - SHOWN_STRIPS, "strips");
    page_not_shown(page, report->strips_refused, "flow ends, of further roles and modalities");
    html(page->out, "</section>\n");
}
