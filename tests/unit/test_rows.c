/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_rows.c - every documented row, kept: for each line of the files of tests/data/matrix, traffic that
 * does what the line says passes and lists the line, over IPv4 and IPv6, tagged and not, with every
 * application and both ends of the port range; a line whose `when` does not hold is not listed; each IPsec
 * exemption covers its pairs.
 */
#include "run.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef TEST_SOURCE_DIR
#define TEST_SOURCE_DIR "."
#endif

#define START (INT64_C(1772443800) * SEC)

enum {
    ROW,
    TABLE,
    DIRECTION,
    FROM,
    TO,
    SERVICE,
    PORTS,
    OWN_PORT,
    PROTOCOL,
    TRANSPORT,
    APPLICATION,
    SOURCE,
    CONDITION,
    WHEN,
    PURPOSE,
    COLUMNS
};
enum { LINE_SIZE = 2048, FLOWS_MAX = 64 };

/* One line of a TSV file, its columns ended by zeros. */
struct line {
    char text[LINE_SIZE];
    const char *column[COLUMNS];
};

static unsigned rows_seen;

void setUp(void)
{
    rows_seen = 0;
}

void tearDown(void)
{
}

static void split(struct line *line)
{
    char *at = line->text;
    at[strcspn(at, "\n")] = '\0';
    for (unsigned i = 0; i < COLUMNS; i++) {
        line->column[i] = at;
        at += strcspn(at, "\t");
        if (*at)
            *at++ = '\0';
    }
}

static bool is(const struct line *line, unsigned column, const char *text)
{
    return strcmp(line->column[column], text) == 0;
}

typedef void line_visit(const struct line *line);

static void each_line(const char *name, line_visit *visit)
{
    char path[512];
    struct line line;
    snprintf(path, sizeof path, "%s/tests/data/matrix/%s.tsv", TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    TEST_ASSERT_NOT_NULL_MESSAGE(file, path);
    bool head = true;
    while (fgets(line.text, sizeof line.text, file)) {
        split(&line);
        if (!head)
            visit(&line);
        head = false;
    }
    fclose(file);
}

/* The n-th part of "a|b|c"; false past the end. */
static bool part(const char *list, unsigned n, char out[64])
{
    for (; n > 0 && *list; n--) {
        list += strcspn(list, "|");
        list += *list == '|';
    }
    snprintf(out, 64, "%.*s", (int)strcspn(list, "|"), list);
    return n == 0 && out[0] != '\0';
}

/* A role a host can be given for a row that names a group of servers. */
static const char *host_role(const char *role)
{
    if (strcmp(role, "all-servers") == 0)
        return "director";
    return strcmp(role, "all-internal-servers") == 0 ? "mediation" : role;
}

static bool is_people(const char *role)
{
    return strcmp(role, "client") == 0 || strcmp(role, "device") == 0;
}

static bool is_edge_line(const struct line *line)
{
    return strncmp(line->column[ROW], "lync-server-2013-edge/", 22) == 0;
}

/* What the row's end is: the host with the row's own role, that of its clients, or an address without a role.
 */
struct cast {
    const char *role;                  /* of the host */
    const char *initiator, *responder; /* as words: "host", "people", "stranger", "everyone" */
};

/* Who must speak with whom so that the row decides: DESIGN 5.2 and 5.3. */
static struct cast cast_of(const struct line *line)
{
    bool turn = is(line, APPLICATION, "ms-turn") || is(line, APPLICATION, "stun");
    if (is(line, APPLICATION, "dhcp"))
        return (struct cast){"front-end", "people", "everyone"};
    if (is(line, DIRECTION, "outbound") && is_people(line->column[FROM]))
        return (struct cast){turn ? "edge-av" : "front-end", "people", "host"};
    if (is(line, DIRECTION, "outbound"))
        return (struct cast){line->column[FROM], "host", "stranger"};
    if (is_people(line->column[TO]))
        return (struct cast){"front-end", "host", "people"};
    return (struct cast){host_role(line->column[TO]), "stranger", "host"};
}

static struct end end_as(const char *word, bool v6, uint16_t port)
{
    if (strcmp(word, "host") == 0)
        return end_of(v6 ? "2001:db8:1::11" : "10.20.1.11", port);
    if (strcmp(word, "people") == 0)
        return end_of(v6 ? "2001:db8:4::17" : "10.20.4.17", port);
    if (strcmp(word, "everyone") == 0)
        return end_of("255.255.255.255", port);
    return end_of(v6 ? "2001:db8:77::7" : "198.51.100.77", port);
}

/* The site: one host, one network of clients or devices, the row's matrix and, for Edge roles, the Edge's. */
static const char *site_of(const struct line *line, const char *role, const char *feature,
                           const char *balancing)
{
    static char text[2048];
    char matrix[64];
    snprintf(matrix, sizeof matrix, "%.*s", (int)strcspn(line->column[ROW], "/"), line->column[ROW]);
    bool device = is(line, FROM, "device");
    snprintf(text, sizeof text,
             "{\"site\": \"rows\", \"matrices\": [\"%s\"%s], \"features\": [%s%s%s]%s%s%s,"
             "\"hosts\": [{\"name\": \"host\", \"addresses\": [\"10.20.1.11\", \"2001:db8:1::11\"], "
             "\"roles\": [\"%s\"]}]%s%s%s}",
             matrix, is_edge_line(line) ? "" : ", \"lync-server-2013-edge\"", *feature ? "\"" : "", feature,
             *feature ? "\"" : "", *balancing ? ", \"load_balancing\": \"" : "", balancing,
             *balancing ? "\"" : "", role,
             ", \"networks\": [{\"name\": \"people\", \"prefixes\": [\"10.20.4.0/22\", \"2001:db8:4::/64\"], "
             "\"roles\": [\"",
             device ? "device" : "client", "\"]}]");
    return text;
}

/* One flow that was played, to be found again. */
struct played {
    struct end initiator, responder;
    char label[256];
};

struct play {
    struct scene *scene;
    int64_t now;
    uint16_t port;
    struct played flows[FLOWS_MAX];
    unsigned count;
};

static void play_one(struct play *play, const struct line *line, const char *word, uint8_t protocol,
                     uint16_t port, bool v6, bool tagged)
{
    talk_play *talk = talk_for(word, protocol);
    if (!talk)
        return;
    struct cast cast = cast_of(line);
    bool own = is(line, OWN_PORT, "yes"), media = is(line, DIRECTION, "media");
    /* A Front End that opens media does so from its own range. */
    uint16_t from = strcmp(word, "dhcp") == 0 ? 68
                    : own                     ? port
                    : media                   ? (uint16_t)(57600 + play->count)
                                              : play->port++;
    struct played *flow = &play->flows[play->count];
    TEST_ASSERT_TRUE(play->count < FLOWS_MAX);
    flow->initiator = end_as(cast.initiator, v6, from);
    flow->responder = end_as(cast.responder, v6, own ? (uint16_t)(40000 + play->count) : port);
    if (strcmp(word, "dhcp") == 0)
        flow->initiator.addr.bytes[15] = (uint8_t)(20 + play->count);
    snprintf(flow->label, sizeof flow->label, "%s: %s over %s, port %u, %s%s", line->column[ROW], word,
             protocol == IP_TCP ? "tcp" : "udp", port, v6 ? "IPv6" : "IPv4", tagged ? ", tagged" : "");
    play->count++;
    play->scene->vlan = tagged ? 120 : 0;
    play->now = talk(play->scene, flow->initiator, flow->responder, play->now) + 100 * MS;
}

/* DHCPv4 has no IPv6 form (its port is another one, RFC 8415). */
static void play_families(struct play *play, const struct line *line, const char *word, uint8_t protocol,
                          uint16_t port)
{
    for (unsigned i = 0; i < 4; i++)
        if (!(i & 1 && strcmp(word, "dhcp") == 0))
            play_one(play, line, word, protocol, port, i & 1, i & 2);
}

static void play_line(struct play *play, const struct line *line)
{
    char word[64];
    const char *dash = strchr(line->column[PORTS], '-');
    uint16_t low = (uint16_t)atoi(line->column[PORTS]), high = dash ? (uint16_t)atoi(dash + 1) : low;
    for (unsigned i = 0; part(line->column[APPLICATION], i, word); i++)
        for (unsigned udp = 0; udp < 2; udp++) {
            if (!strstr(line->column[TRANSPORT], udp ? "udp" : "tcp"))
                continue;
            play_families(play, line, word, udp ? IP_UDP : IP_TCP, low);
            if (high != low)
                play_families(play, line, word, udp ? IP_UDP : IP_TCP, high);
        }
}

static struct play play_begin(void)
{
    return (struct play){.scene = scene_create(5), .now = START, .port = 45000};
}

/* Clear SIP is documented and still worth a word; anything else told about these flows is wrong. */
static void check_line(const struct line *line, const struct play *play, const struct run *run)
{
    for (unsigned i = 0; i < play->count; i++) {
        const struct played *flow = &play->flows[i];
        const cJSON *event = run_flow(run, flow->initiator, flow->responder);
        TEST_ASSERT_NOT_NULL_MESSAGE(event, flow->label);
        TEST_ASSERT_EQUAL_STRING_MESSAGE("pass", text_at(event, "rolecall.compliance.status"), flow->label);
        TEST_ASSERT_TRUE_MESSAGE(list_has(event, "rolecall.compliance.rows", line->column[ROW]), flow->label);
        const char *findings = list_at(event, "rolecall.compliance.findings");
        TEST_ASSERT_TRUE_MESSAGE(*findings == '\0' || strcmp(findings, "plaintext-sip") == 0, flow->label);
    }
    TEST_ASSERT_TRUE_MESSAGE(play->count > 0, line->column[ROW]);
}

static void check_absent(const struct line *line, const struct run *run)
{
    const cJSON *event;
    for (unsigned i = 0; (event = run_event(run, "rolecall.flow", i)); i++)
        TEST_ASSERT_FALSE_MESSAGE(list_has(event, "rolecall.compliance.rows", line->column[ROW]),
                                  line->column[ROW]);
}

static struct run *run_line(const struct line *line, struct play *play, const char *feature,
                            const char *balancing)
{
    *play = play_begin();
    play_line(play, line);
    struct run *run = run_scene(site_of(line, cast_of(line).role, feature, balancing), play->scene, 1);
    scene_destroy(play->scene);
    return run;
}

static void keep_line(const struct line *line, const char *feature, const char *balancing)
{
    struct play play;
    struct run *run = run_line(line, &play, feature, balancing);
    check_line(line, &play, run);
    run_destroy(run);
}

static const char *balancing_of(const struct line *line)
{
    static const char word[] = "load_balancing:";
    const char *when = line->column[WHEN];
    return strncmp(when, word, sizeof word - 1) == 0 ? when + sizeof word - 1 : "";
}

static const char *features_of(const struct line *line)
{
    static const char word[] = "feature:";
    const char *when = line->column[WHEN];
    return strncmp(when, word, sizeof word - 1) == 0 ? when + sizeof word - 1 : "";
}

/* With each feature that alone turns the row on. */
static void kept_line(const struct line *line)
{
    char feature[64];
    if (is(line, DIRECTION, "ipsec"))
        return;
    rows_seen++;
    if (*features_of(line) == '\0')
        keep_line(line, "", balancing_of(line));
    for (unsigned i = 0; part(features_of(line), i, feature); i++)
        keep_line(line, feature, balancing_of(line));
}

static void absent_line(const struct line *line)
{
    struct play play;
    if (is(line, WHEN, ""))
        return;
    rows_seen++;
    struct run *run = run_line(line, &play, "", "");
    check_absent(line, run);
    run_destroy(run);
}

static void every_row_of_skype_for_business_server(void)
{
    each_line("skype-for-business-server", kept_line);
    TEST_ASSERT_EQUAL_UINT(91, rows_seen);
}

static void every_row_of_lync_server_2013(void)
{
    each_line("lync-server-2013", kept_line);
    TEST_ASSERT_EQUAL_UINT(90, rows_seen);
}

static void every_row_of_the_edge(void)
{
    each_line("lync-server-2013-edge", kept_line);
    TEST_ASSERT_EQUAL_UINT(37, rows_seen);
}

static void rows_that_are_off_are_not_listed(void)
{
    each_line("skype-for-business-server", absent_line);
    each_line("lync-server-2013", absent_line);
    each_line("lync-server-2013-edge", absent_line);
    TEST_ASSERT_TRUE(rows_seen > 50);
}

/* A negotiation in the row's direction; the clients' row needs media of that client. */
static void ipsec_line_over(const struct line *line, bool v6)
{
    bool people = is(line, FROM, "client"), inbound = is(line, FROM, "any");
    const char *role = people ? "office-web-apps" : line->column[inbound ? TO : FROM];
    const char *near = people ? "people" : "host";
    struct scene *scene = scene_create(9);
    struct end host = end_as(near, v6, 500), other = end_as("stranger", v6, 500);
    int64_t now =
        talk_ikev2(scene, inbound ? other.addr : host.addr, inbound ? host.addr : other.addr, START);
    now = talk_esp(scene, host.addr, other.addr, now + 50 * MS, 5);
    if (people)
        talk_media(scene, end_as(near, v6, 50020), end_as("stranger", v6, 50030), now);
    struct run *run = run_scene(site_of(line, role, "", ""), scene, 1);
    const cJSON *episode = run_event(run, "rolecall.ipsec", 0);
    const cJSON *flow = inbound ? run_flow(run, other, host) : run_flow(run, host, other);
    TEST_ASSERT_NOT_NULL_MESSAGE(episode, line->column[ROW]);
    TEST_ASSERT_TRUE_MESSAGE(list_has(episode, "rolecall.compliance.rows", line->column[ROW]),
                             line->column[ROW]);
    TEST_ASSERT_NOT_NULL_MESSAGE(flow, line->column[ROW]);
    TEST_ASSERT_EQUAL_STRING_MESSAGE("fail", text_at(flow, "rolecall.compliance.status"), line->column[ROW]);
    TEST_ASSERT_EQUAL_STRING_MESSAGE("ipsec-on-media", run_findings(run), line->column[ROW]);
    run_destroy(run);
    scene_destroy(scene);
}

static void ipsec_line(const struct line *line)
{
    if (!is(line, DIRECTION, "ipsec"))
        return;
    rows_seen++;
    ipsec_line_over(line, false);
    ipsec_line_over(line, true);
}

static void every_ipsec_exemption(void)
{
    each_line("skype-for-business-server", ipsec_line);
    TEST_ASSERT_EQUAL_UINT(15, rows_seen);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(every_row_of_skype_for_business_server);
    RUN_TEST(every_row_of_lync_server_2013);
    RUN_TEST(every_row_of_the_edge);
    RUN_TEST(rows_that_are_off_are_not_listed);
    RUN_TEST(every_ipsec_exemption);
    return UNITY_END();
}
