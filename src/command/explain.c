/* SPDX-License-Identifier: BSD-2-Clause
 *
 * explain.c - `rolecall explain`: one flow against a site's rules, row by row. The flow comes from the
 * command line, or as an event on standard input. Reads options and prints; what there is to say comes from
 * explain.h.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "explain_question.h"
#include "rolecall/json_in.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

static const char usage[] =
    "usage: rolecall explain [OPTION...] 'tcp 10.0.0.5 -> 10.0.0.9:5061 [tls]'\n"
    "       rolecall explain [OPTION...] < EVENT.json\n"
    "\n"
    "Says who both ends are, whether the flow is in scope, what each\n"
    "documented row had to do with it, and the verdict. tcp, udp, esp or ah;\n"
    "the port of the first end and the protocol may be left out; [mtls] is TLS\n"
    "with a client certificate; an IPv6 address with a port stands in\n"
    "brackets. The flow is taken as answered. EVENT.json is one flow or alert\n"
    "event of `rolecall analyze --json`.\n"
    "\n"
    "  --site FILE      the site's hosts and roles; without: no roles\n"
    "  --rules DIR      where the matrix files are\n"
    "\n"
    "Exit status: 0 explained; 2 usage, rules, site or event; 3 output failed.\n"
    "\n"
    "Example: rolecall explain --site site.json 'tcp 10.20.4.17 -> 10.20.1.11:5061'\n";

struct options {
    const char *site, *rules, *flow;
    bool help;
};

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"site", required_argument, NULL, 's'},
                                          {"rules", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *options = (struct options){.site = NULL};
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (option == 's')
            options->site = optarg;
        else if (option == 'r')
            options->rules = optarg;
        else if (option == 'h')
            options->help = true;
        else
            return false; /* getopt has said why */
    }
    if (argc - optind > 1) {
        fprintf(stderr, "rolecall explain: the flow must be one word: put it in quotes\n");
        return false;
    }
    options->flow = argc > optind && strcmp(argv[optind], "-") != 0 ? argv[optind] : NULL;
    if (!options->help && argc == optind && isatty(STDIN_FILENO)) {
        fprintf(stderr, "rolecall explain: no flow is given\n");
        return false;
    }
    return true;
}

static const char *transport_name(uint8_t protocol)
{
    return protocol == IP_TCP ? "tcp" : protocol == IP_UDP ? "udp" : protocol == IP_ESP ? "esp" : "ah";
}

/* ---- the flow and its ends ---- */

static void print_end_point(const struct explain_end *end, bool ports)
{
    char addr[ADDR_TEXT_SIZE];
    bool brackets = ports && end->port && !addr_is_v4(&end->addr);
    printf("%s%s%s", brackets ? "[" : "", addr_text(&end->addr, addr), brackets ? "]" : "");
    if (ports && end->port)
        printf(":%u", end->port);
}

static void print_flow(const struct explain_question *question, const struct explanation *e)
{
    static const char *const outcomes[] = {"answered", "not answered", "refused with an RST",
                                           "refused by an ICMP error", "silent after three tries"};
    bool ports = question->protocol == IP_TCP || question->protocol == IP_UDP;
    printf("Flow\n  %s ", transport_name(question->protocol));
    print_end_point(&e->initiator, ports);
    printf(" -> ");
    print_end_point(&e->responder, ports);
    if (ports)
        printf(" [%s]", question->mutual_tls == TRI_YES ? "mtls" : proto_by_id(question->name)->name);
    printf("\n  taken as %s%s\n", outcomes[question->outcome],
           question->from_middle ? ", its beginning not seen" : "");
    if (e->port_assumed)
        printf("  media is judged by the ports of both ends: port %u of the first is assumed\n",
               e->initiator.port);
}

static void print_source(const struct explain_end *end)
{
    char prefix[PREFIX_TEXT_SIZE];
    switch (end->source) {
    case EXPLAIN_HOST:
        printf("host %s", end->entry->name);
        break;
    case EXPLAIN_TRANSLATED:
        printf("host %s, by a translated address", end->entry->name);
        break;
    case EXPLAIN_PREFIX:
        printf("network %s, by prefix %s", end->entry->name, prefix_text(&end->prefix, prefix));
        break;
    case EXPLAIN_GROUP:
        printf("multicast, broadcast, link-local or unspecified: no prefix counts");
        break;
    case EXPLAIN_NOBODY:
        printf("in no host entry and no prefix of the site");
        break;
    }
}

static void print_roles(const struct policy *policy, const struct policy_party *party)
{
    const char *between = "";
    printf("    roles: ");
    for (unsigned pass = 0; pass < 2; pass++) {
        role_set roles = pass ? party->all & ~party->direct : party->direct;
        for (role_set left = roles; left; left &= left - 1) {
            printf("%s%s", between, policy_role(policy, (unsigned)__builtin_ctzll(left))->name);
            between = ", ";
        }
        if (!pass && roles != party->all)
            between = " (is ";
        if (pass && roles)
            printf(")");
    }
    printf("%s\n", party->direct ? "" : "none");
}

static void print_end(const struct policy *policy, const char *which, const struct explain_end *end)
{
    char addr[ADDR_TEXT_SIZE];
    printf("  %s %s: ", which, addr_text(&end->addr, addr));
    print_source(end);
    printf("\n");
    print_roles(policy, &end->party);
}

/* ---- rows ---- */

static void ports_text(const struct explain_row *row, char *out, size_t size)
{
    const struct port_range *ranges = row->held ? row->held->ranges : row->row->ranges;
    unsigned count = row->held ? row->held->range_count : row->row->range_count;
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < row->row->transport_words.count && used < size; i++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", i ? "/" : "", row->row->transport_words.at[i]);
    for (unsigned i = 0; i < count && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%u", i ? "," : " ", ranges[i].low);
        if (ranges[i].low != ranges[i].high && used < size)
            used += (size_t)snprintf(out + used, size - used, "-%u", ranges[i].high);
    }
    if (row->row->own_port && used < size)
        snprintf(out + used, size - used, " (or own)");
}

static void print_words(const struct row_words *words, const char *between)
{
    for (unsigned i = 0; i < words->count; i++)
        printf("%s%s", i ? between : "", words->at[i]);
}

static void print_peer(const struct policy *policy, const struct explain_row *row)
{
    const char *between = "";
    for (role_set left = row->held ? row->held->peer_roles : 0; left; left &= left - 1) {
        printf("%s%s", between, policy_role(policy, (unsigned)__builtin_ctzll(left))->name);
        between = " or ";
    }
}

static void print_port_why(const struct explain_row *row)
{
    if (row->distance > 65535)
        printf("names no port");
    else if (row->answer == EXPLAIN_NEARLY)
        printf("port is %u off", row->distance);
    else
        printf("port differs");
}

static void print_why(const struct policy *policy, const struct explain_question *question,
                      const struct explain_row *row)
{
    bool opens = row->list == EXPLAIN_OPENS;
    const char *between = "";
    for (unsigned bit = WHY_OFF; bit <= WHY_NO_MEDIA; bit <<= 1) {
        if (!(row->why & bit))
            continue;
        printf("%s", between);
        between = "; ";
        if (bit == WHY_OFF)
            printf("off: only with %s", row->row->when);
        else if (bit == WHY_TRANSPORT)
            printf("transport differs");
        else if (bit == WHY_PORT)
            print_port_why(row);
        else if (bit == WHY_PEER) {
            printf("%s is not ", row->list == EXPLAIN_IPSEC ? "the other end"
                                 : opens                    ? "the responder"
                                                            : "the initiator");
            print_peer(policy, row);
        } else if (bit == WHY_PROTOCOL) {
            printf("%s is not accepted, only ", proto_by_id(question->name)->name);
            print_words(&row->row->application_words, ", ");
        } else if (bit == WHY_LISTED)
            printf("does not decide: a server answers for its own ports");
        else
            printf("holds once the two exchange media");
    }
}

static void print_fit(const struct policy *policy, const struct explain_row *row)
{
    if (row->learned)
        printf("DCE/RPC on a port that an endpoint mapper hands out");
    else if (row->list == EXPLAIN_IPSEC)
        printf("exempt from IPsec");
    else if (row->list == EXPLAIN_RESPONDER_MEDIA || row->list == EXPLAIN_INITIATOR_MEDIA)
        printf("own port in range");
    else {
        printf("%s ", row->list == EXPLAIN_OPENS ? "to" : "from");
        if (row->held->peer_any)
            printf("any");
        else
            print_peer(policy, row);
        printf(", accepts ");
        print_words(&row->row->application_words, ", ");
    }
    if (row->held->replaced)
        printf(" (ports of the site)");
}

static void print_row(const struct policy *policy, const struct explain_question *question,
                      const struct explain_row *row, int id_width, int port_width)
{
    static const char *const answers[] = {"yes", "listed", "nearly", "no"};
    char ports[160];
    ports_text(row, ports, sizeof ports);
    printf("  %-7s %-*s  %-*s  ", answers[row->answer], id_width, row->row->id, port_width, ports);
    if (row->answer == EXPLAIN_YES)
        print_fit(policy, row);
    else
        print_why(policy, question, row);
    printf("\n");
}

static void print_rows(const struct policy *policy, const struct explain_question *question,
                       const struct explanation *e)
{
    static const char *const titles[] = {"Rows on which the responder answers",
                                         "Rows by which the initiator opens", "Media rows of the responder",
                                         "Media rows of the initiator", "IPsec rows"};
    int id_width = 0, port_width = 0;
    for (unsigned i = 0; i < e->row_count; i++) {
        char ports[160];
        ports_text(&e->rows[i], ports, sizeof ports);
        id_width = (int)strlen(e->rows[i].row->id) > id_width ? (int)strlen(e->rows[i].row->id) : id_width;
        port_width = (int)strlen(ports) > port_width ? (int)strlen(ports) : port_width;
    }
    for (unsigned list = 0; list < EXPLAIN_LIST_COUNT; list++) {
        bool first = true;
        for (unsigned i = 0; i < e->row_count; i++) {
            if (e->rows[i].list != list)
                continue;
            if (first)
                printf("\n%s\n", titles[list]);
            first = false;
            print_row(policy, question, &e->rows[i], id_width, port_width < 40 ? port_width : 40);
        }
    }
    if (!e->row_count)
        printf("\nNo row is about these ends.\n");
    else if (!e->media_asked && e->rows[0].list != EXPLAIN_IPSEC)
        printf("\nMedia rows were not considered: a row above names the port.\n");
}

/* ---- exceptions and verdict ---- */

static void print_allows(const struct policy *policy, const struct explanation *e)
{
    static const char *const answers[] = {"yes", "listed", "nearly", "no"};
    static const struct {
        unsigned why;
        const char *text;
    } whys[] = {{WHY_TRANSPORT, "transport differs"},
                {WHY_PORT, "port differs"},
                {WHY_PEER, "the initiator is not in \"from\""},
                {WHY_RESPONDER, "the responder is not in \"to\""},
                {WHY_EXPIRED, "it has expired"},
                {WHY_EARLIER, "an earlier entry lets the flow pass"}};
    if (e->allow_count)
        printf("\nAllow entries of the site\n");
    for (unsigned i = 0; i < e->allow_count; i++) {
        const char *between = "";
        printf("  %-7s %s%s", answers[e->allow[i].answer], policy_allow_name(policy, (int)i),
               e->allow[i].why ? ": " : "");
        for (unsigned k = 0; k < sizeof whys / sizeof *whys; k++) {
            if (!(e->allow[i].why & whys[k].why))
                continue;
            printf("%s%s", between, whys[k].text);
            between = "; ";
        }
        printf("\n");
    }
}

static void print_verdict(const struct policy *policy, const struct explanation *e)
{
    const struct verdict *v = &e->verdict;
    printf("\nVerdict\n  %s", verdict_status_name(v->status));
    for (unsigned id = 0; id < FINDING_COUNT; id++)
        if (v->findings >> id & 1)
            printf(", %s", finding_id_name((enum finding_id)id));
    printf("\n");
    if (v->match != MATCH_NONE)
        printf("  match: %s\n", row_match_name(v->match));
    if (v->application_check)
        printf("  application: %s\n", v->application_check);
    for (unsigned i = 0; i < v->row_count; i++)
        printf("  row: %s%s\n", v->rows[i]->id, i < v->accepted_count ? "" : " (does not accept it)");
    if (v->nearest)
        printf("  nearest row: %s\n", v->nearest->id);
    if (v->allow >= 0)
        printf("  allowed by: %s\n", policy_allow_name(policy, v->allow));
    if (v->reason)
        printf("  reason: %s\n", v->reason);
    if (e->in_scope && v->status == VERDICT_OUT_OF_SCOPE)
        printf("  reason: no row names the port, and the responder is no server that would have to answer "
               "for it\n");
    if (e->finding != FINDING_COUNT && e->finding != FINDING_BLOCKED_PORT &&
        e->finding != FINDING_IPSEC_ON_MEDIA)
        printf("  reason: %s\n  do: %s\n", e->reason, e->advice);
}

static void print_told(const struct question_told *told, const struct explanation *e)
{
    const char *status = verdict_status_name(e->verdict.status);
    if (!*told->status)
        return;
    printf("\nThe event says\n  %s%s%s\n", told->status, *told->reason ? ": " : "", told->reason);
    if (strcmp(told->status, status) != 0)
        printf("  It was judged with more than an event holds: packets that were lost or cut, and other "
               "flows.\n");
}

/* ---- the command ---- */

static bool read_event(struct explain_question *question, struct question_told *told)
{
    struct mistakes mistakes = {0};
    char *text = malloc(JSON_IN_SIZE_MAX + 1);
    bool ok = false;
    if (text) {
        size_t size = fread(text, 1, JSON_IN_SIZE_MAX + 1, stdin);
        ok = question_from_event(text, size, question, told, &mistakes);
    }
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    free(text);
    return ok;
}

static int explain(const struct rules *rules, const struct site *site,
                   const struct explain_question *question, const struct question_told *told)
{
    struct policy *policy = policy_create(rules, site);
    struct explanation *e = policy ? explanation_create(policy, site, question) : NULL;
    int status = EXIT_OUTPUT;
    if (e) {
        print_flow(question, e);
        printf("\nEnds\n");
        print_end(policy, "initiator", &e->initiator);
        print_end(policy, "responder", &e->responder);
        printf("\nScope\n  %s: %s\n", e->in_scope ? "in scope" : "out of scope", e->scope);
        print_rows(policy, question, e);
        print_allows(policy, e);
        print_verdict(policy, e);
        print_told(told, e);
        status = EXIT_DONE;
    } else {
        fprintf(stderr, "rolecall: out of memory\n");
    }
    explanation_destroy(e);
    policy_destroy(policy);
    return status;
}

static bool ask(const struct options *options, struct explain_question *question, struct question_told *told)
{
    char error[QUESTION_ERROR_SIZE];
    if (!options->flow)
        return read_event(question, told);
    if (question_from_text(options->flow, (int64_t)time(NULL) * INT64_C(1000000000), question, error))
        return true;
    fprintf(stderr, "rolecall explain: %s\n", error);
    return false;
}

static int run(int argc, char **argv)
{
    struct options options;
    struct explain_question question;
    struct question_told told = {.status = ""};
    struct mistakes mistakes = {0};
    if (!parse_options(argc, argv, &options))
        return command_misused(&command_explain);
    if (options.help)
        return command_helped(&command_explain);
    if (!ask(&options, &question, &told))
        return EXIT_USAGE;
    struct rules *rules = rules_load(options.rules, &mistakes);
    struct site *site = !rules         ? NULL
                        : options.site ? site_load(options.site, rules, &mistakes)
                                       : site_create(rules, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    if (site && !options.site)
        fprintf(stderr, "rolecall explain: no site is given: no address has a role\n");
    int status = site ? explain(rules, site, &question, &told) : EXIT_USAGE;
    site_free(site);
    rules_free(rules);
    return status;
}

const struct command command_explain = {"explain", "say why a flow is judged as it is, row by row", usage,
                                        run};
