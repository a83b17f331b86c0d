/* SPDX-License-Identifier: BSD-2-Clause
 *
 * findings.c - each finding for whoever must act on it: what was seen, the documented row, what to do, the
 * evidence, and the flows behind it.
 */
#include <string.h>

#include "page.h"

static void put_row(const struct page *page, const char *id)
{
    const struct rules *rules = page->report->rules;
    const struct matrix_row *row = rules ? rules_find_row(rules, id) : NULL;
    char ports[96], transports[48];
    html(page->out, "<li><code>%s</code>", id);
    if (row && row->direction == ROW_IPSEC)
        html(page->out, " %s to %s: no IPsec, %s", row->from, row->to, row->documented);
    else if (row)
        html(page->out, " %s to %s, %s %s, documented as %s", row->from, row->to,
             row_words(&row->transport_words, transports, sizeof transports),
             row_words(&row->port_words, ports, sizeof ports),
             *row->documented ? row->documented : "nothing more");
    if (row && *row->purpose)
        html(page->out, "<span class=\"peer\"> %s</span>", row->purpose);
    html(page->out, "</li>\n");
}

static void put_rows(const struct page *page, const struct finding_in *finding)
{
    if (!finding->row_count)
        return;
    html(page->out, "<dt>%s</dt><dd><ul class=\"rows\">\n",
         finding->rows_are_near   ? "Nearest documented row"
         : finding->row_count > 1 ? "Documented rows"
                                  : "Documented row");
    for (unsigned i = 0; i < finding->row_count; i++)
        put_row(page, finding->rows[i]);
    html(page->out, "</ul>");
    if (finding->rows_more)
        html(page->out, "<span class=\"peer\">and %u more</span>", finding->rows_more);
    if (strncmp(finding->reference, "https://", 8) == 0)
        html(page->out, "<span class=\"peer doc\">%s</span>", finding->reference);
    html(page->out, "</dd>\n");
}

static void put_party(FILE *out, const struct party *party)
{
    html(out, "<b>%s</b>", party_name(party));
    if (*party->name)
        html(out, " %s", party->ip);
    html(out, " <span class=\"peer\">%s</span>", *party->roles ? party->roles : "no role");
}

static void put_episode(FILE *out, const struct episode *episode)
{
    html(out, "; %s, %s, %lu request%s", episode->negotiation, episode->state, episode->requests,
         plural(episode->requests));
    if (episode->negotiation_tenths >= 0)
        html(out, ", negotiation %ld.%ld ms", episode->negotiation_tenths / 10,
             episode->negotiation_tenths % 10);
    if (episode->media_tenths >= 0)
        html(out, ", media after %ld.%ld ms", episode->media_tenths / 10, episode->media_tenths % 10);
    html(out, ", %lu media packets lost", episode->media_lost);
}

static void put_evidence(const struct page *page, const struct finding_in *finding)
{
    FILE *out = page->out;
    char count[SHOWN_SIZE], peers[SHOWN_SIZE], first[SHOWN_SIZE], span[SHOWN_SIZE];
    html(out, "<dt>Between</dt><dd>");
    put_party(out, &finding->source);
    html(out, " and ");
    put_party(out, &finding->destination);
    html(out, "</dd>\n<dt>Evidence</dt><dd>%s flow%s", show_number(finding->count, count),
         plural(finding->count));
    if (finding->peers)
        html(out, " of %s peer%s", show_number(finding->peers, peers), plural(finding->peers));
    html(out, ", %s", finding->transport);
    if (finding->destination.port)
        html(out, "/%u", finding->destination.port);
    html(out, " %s", finding->protocol);
    if (*finding->outcome)
        html(out, ", %s", finding->outcome);
    if (*finding->confidence)
        html(out, ", direction with %s confidence", finding->confidence);
    if (finding->has_episode)
        put_episode(out, &finding->episode);
    html(out, "; %s", show_time(finding->first_ns, first));
    if (finding->last_ns - finding->first_ns >= 100000000)
        html(out, ", over %s", show_span(finding->last_ns - finding->first_ns, span));
    html(out, "</dd>\n");
}

static void put_flow(FILE *out, const struct behind *flow)
{
    char clock[SHOWN_SIZE], bytes[SHOWN_SIZE], span[SHOWN_SIZE];
    html(out, "<tr><td>%s</td><td>%s", show_clock(flow->first_ns, clock), flow->source_ip);
    if (flow->source_port)
        html(out, " <span class=\"port\">%u</span>", flow->source_port);
    html(out, "</td><td>%s", flow->destination_ip);
    if (flow->destination_port)
        html(out, " <span class=\"port\">%s/%u</span>", flow->transport, flow->destination_port);
    html(out,
         "</td><td>%s</td><td class=\"num\">%lu / %lu</td><td class=\"num\">%s</td><td class=\"num\">%s</td>",
         flow->protocol, flow->source_packets, flow->destination_packets, show_bytes(flow->bytes, bytes),
         show_span(flow->last_ns - flow->first_ns, span));
    html(out, "<td>%s</td><td class=\"said\">%s</td></tr>\n", flow->end_reason, flow->said);
}

static void put_flows(const struct page *page, const struct finding_in *finding)
{
    if (!finding->behind_count)
        return;
    html(page->out,
         "<div class=\"wide\"><table class=\"flows\"><caption>Flows behind it</caption>\n<thead><tr>"
         "<th scope=\"col\">began</th><th scope=\"col\">from</th><th scope=\"col\">to</th>"
         "<th scope=\"col\">protocol</th><th scope=\"col\" class=\"num\">packets</th>"
         "<th scope=\"col\" class=\"num\">bytes</th><th scope=\"col\" class=\"num\">lasted</th>"
         "<th scope=\"col\">ended by</th><th scope=\"col\">named in it</th></tr></thead>\n<tbody>\n");
    for (unsigned i = 0; i < finding->behind_count; i++)
        put_flow(page->out, &finding->behind[i]);
    html(page->out, "</tbody></table></div>\n");
    page_not_shown(page, finding->behind_flows - finding->behind_count, "flows");
}

static void put_finding(const struct page *page, const struct finding_in *finding, unsigned number)
{
    FILE *out = page->out;
    html(
        out,
        "<article class=\"finding %s\" id=\"f%u\" aria-labelledby=\"t%u\">\n<h3 id=\"t%u\"><span class=\"tag "
        "%s\">%s</span> %s <span class=\"id\">%s</span></h3>\n<p class=\"reason\">%s.</p>\n<dl>\n",
        severity_class(finding->severity), number, number, number, severity_class(finding->severity),
        severity_word(finding->severity), *finding->title ? finding->title : finding->id, finding->id,
        finding->reason);
    html(out, "<dt>Do</dt><dd>%s.</dd>\n", finding->advice);
    put_rows(page, finding);
    put_evidence(page, finding);
    html(out, "</dl>\n");
    put_flows(page, finding);
    html(out, "</article>\n");
}

void page_findings(const struct page *page)
{
    const struct shown_findings *findings = &page->findings;
    html(page->out,
         "<section id=\"findings\" aria-labelledby=\"h-findings\">\n<h2 id=\"h-findings\">Findings</h2>\n");
    if (!findings->count)
        html(page->out, "<p>None.</p>\n");
    if (findings->count && !page->report->flows)
        html(page->out,
             "<p>These events hold no flows, so the flows behind a finding cannot be listed.</p>\n");
    for (unsigned i = 0; i < findings->count && i < SHOWN_FINDINGS; i++)
        put_finding(page, findings->list[i], i + 1);
    if (findings->count > SHOWN_FINDINGS)
        page_not_shown(page, findings->count - SHOWN_FINDINGS, "findings, of the same or lower severity");
    page_not_shown(page, page->report->findings_refused, "alerts, of findings that found no room");
    html(page->out, "</section>\n");
}
