/* SPDX-License-Identifier: BSD-2-Clause
 *
 * collect.c - takes events in, one at a time, and keeps what the page will show (collect.h). Nothing here
 * knows of HTML. Lists are in order of appearance, so the result depends on the lines alone.
 */
#include "collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rolecall/hash.h"
#include "rolecall/json_fields.h"
#include "rolecall/utf8.h"

const char *const flow_status_names[FLOW_STATUS_COUNT] = {"pass", "fail", "exempt", "inconclusive",
                                                          "out-of-scope"};

enum { NUMBERS_MAX = HOSTS_MAX + ROWS_MAX + LINKS_MAX + STRIPS_MAX + REASONS_MAX + FINDINGS_MAX };
enum { SCOPES_MAX = 2 * FINDINGS_MAX, SCOPE_SIZE = 256, KEY_SIZE = 512 };

struct digest {
    uint64_t halves[2];
};

static struct digest digest_of(const char *text)
{
    static const uint64_t secrets[2][2] = {{0x7265706f72742031, 1}, {0x7265706f72742032, 2}};
    size_t size = strlen(text);
    return (struct digest){{hash_bytes(text, size, secrets[0]), hash_bytes(text, size, secrets[1])}};
}

/* Copies a text, shortened between characters where it does not fit. */
static void keep_text(char *out, size_t size, const char *text)
{
    static const char ellipsis[] = "\xe2\x80\xa6";
    size_t length = strlen(text);
    if (length >= size) {
        length = size - sizeof ellipsis;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
        memcpy(out, text, length);
        memcpy(out + length, ellipsis, sizeof ellipsis);
        return;
    }
    memcpy(out, text, length + 1);
}

#define KEEP(to, text)               keep_text(to, sizeof(to), text)
#define KEEP_FIELD(to, event, field) keep_text(to, sizeof(to), event_in_text(event, field))

/* The number of a text among those of its kind, given to it when it is new. */
static bool number_of(struct report *r, char kind, const char *text, unsigned *count, unsigned max,
                      uint64_t *refused, uint32_t *number, bool *added)
{
    char key[KEY_SIZE];
    snprintf(key, sizeof key, "%c%s", kind, text);
    struct digest digest = digest_of(key);
    uint32_t *known = map_find(&r->by_text, &digest);
    *added = !known && *count < max;
    if (!known && *count == max) {
        (*refused)++;
        return false;
    }
    if (!known) {
        known = map_add(&r->by_text, &digest, NULL); /* has room for all lists together */
        *known = (*count)++;
    }
    *number = *known;
    return true;
}

/* ---- both ends ---- */

static void keep_roles(char out[ROLES_SIZE], const struct event_in *event, enum event_field field)
{
    char roles[ROLES_SIZE * 2] = "";
    unsigned next = 0;
    size_t used = 0;
    for (const char *role; (role = event_in_next(event, field, &next)) && used < sizeof roles;)
        used += (size_t)snprintf(roles + used, sizeof roles - used, "%s%s", used ? " + " : "", role);
    keep_text(out, ROLES_SIZE, roles);
}

static unsigned port_of(const struct event_in *event, enum event_field field)
{
    uint64_t port = event_in_number(event, field);
    return port <= 65535 ? (unsigned)port : 0;
}

static void keep_parties(struct party *source, struct party *destination, const struct event_in *event)
{
    KEEP_FIELD(source->ip, event, IN_SOURCE_IP);
    KEEP_FIELD(source->name, event, IN_SOURCE_NAME);
    keep_roles(source->roles, event, IN_SOURCE_ROLES);
    source->port = port_of(event, IN_SOURCE_PORT);
    KEEP_FIELD(destination->ip, event, IN_DESTINATION_IP);
    KEEP_FIELD(destination->name, event, IN_DESTINATION_NAME);
    keep_roles(destination->roles, event, IN_DESTINATION_ROLES);
    destination->port = port_of(event, IN_DESTINATION_PORT);
}

const char *party_name(const struct party *party)
{
    return *party->name ? party->name : party->ip;
}

static void widen(struct report *r, int64_t time_ns)
{
    if (!time_ns)
        return;
    if (!r->first_ns || time_ns < r->first_ns)
        r->first_ns = time_ns;
    if (time_ns > r->last_ns)
        r->last_ns = time_ns;
}

/* ---- rows ---- */

/* Rows of one matrix stand together, where its first one was named: the site's order of its matrices. */
static void name_row(struct report *r, struct row_in *kept, const char *id)
{
    size_t matrix = strcspn(id, "/");
    KEEP(kept->id, id);
    kept->matrix = r->row_count - 1;
    for (unsigned i = 0; i < r->row_count - 1; i++)
        if (strncmp(r->rows[i].id, id, matrix + 1) == 0) {
            kept->matrix = r->rows[i].matrix;
            break;
        }
    kept->row = r->rules ? rules_find_row(r->rules, id) : NULL;
    kept->order = kept->row ? kept->row->order : 0x10000 + r->row_count;
}

static bool row_number(struct report *r, const char *id, uint32_t *number)
{
    bool added;
    if (!number_of(r, 'r', id, &r->row_count, ROWS_MAX, &r->rows_refused, number, &added))
        return false;
    if (added)
        name_row(r, &r->rows[*number], id);
    return true;
}

/* Media may use a range of the host's own ports by this row. */
static bool is_media_row(const struct matrix_row *row)
{
    if (row->direction == ROW_MEDIA)
        return true;
    for (unsigned i = 0; i < row->application_words.count; i++)
        if (strcmp(row->application_words.at[i], "media") == 0)
            return true;
    return false;
}

/* ---- alerts ---- */

/* What a flow shares with the finding that it counts for (DESIGN 6, "one finding per"). */
static void scope_of(const struct event_in *event, const char *id, char out[SCOPE_SIZE])
{
    const char *source = event_in_text(event, IN_SOURCE_IP),
               *destination = event_in_text(event, IN_DESTINATION_IP);
    const char *transport = event_in_text(event, IN_TRANSPORT);
    const char *port = event_in_text(event, IN_DESTINATION_PORT);
    if (strcmp(id, "media-port") == 0 || strcmp(id, "ipsec-on-media") == 0) {
        bool sorted = strcmp(source, destination) < 0;
        snprintf(out, SCOPE_SIZE, "%s|%s|%s", id, sorted ? source : destination,
                 sorted ? destination : source);
    } else if (strcmp(id, "unexpected-outbound") == 0) {
        snprintf(out, SCOPE_SIZE, "%s|%s|%s|%s", id, source, transport, port);
    } else if (strcmp(id, "unexpected-protocol") == 0) {
        snprintf(out, SCOPE_SIZE, "%s|%s|%s|%s|%s", id, destination, transport, port,
                 event_in_text(event, IN_PROTOCOL));
    } else if (strcmp(id, "media-fallback") == 0 || strcmp(id, "undeclared-server") == 0) {
        snprintf(out, SCOPE_SIZE, "%s|%s", id, destination);
    } else {
        snprintf(out, SCOPE_SIZE, "%s|%s|%s|%s", id, destination, transport, port);
    }
}

static void flow_scope_of(const struct event_in *event, const char *id, char out[SCOPE_SIZE])
{
    snprintf(out, SCOPE_SIZE, "flow|%s|%s", id, event_in_text(event, IN_FLOW_ID));
}

static void keep_scope(struct report *r, const char *scope, uint32_t finding)
{
    struct digest digest = digest_of(scope);
    bool added;
    uint32_t *number = map_add(&r->by_scope, &digest, &added);
    if (number && added)
        *number = finding;
}

static void keep_episode(struct episode *episode, const struct event_in *event)
{
    keep_parties(&episode->source, &episode->destination, event);
    KEEP_FIELD(episode->negotiation, event, IN_NEGOTIATION);
    KEEP_FIELD(episode->state, event, IN_EPISODE_STATE);
    KEEP_FIELD(episode->status, event, IN_STATUS);
    episode->protected_ns = event_in_time(event, IN_FIRST_PROTECTED);
    episode->first_ns = event_in_time(event, IN_FIRST_REQUEST);
    if (!episode->first_ns)
        episode->first_ns = episode->protected_ns ? episode->protected_ns : event_in_time(event, IN_START);
    episode->negotiation_tenths = event_in_tenths(event, IN_NEGOTIATION_MS);
    episode->media_tenths = event_in_tenths(event, IN_MEDIA_DELAY);
    episode->requests = event_in_number(event, IN_REQUESTS);
    episode->media_flows = event_in_number(event, IN_MEDIA_FLOWS);
    episode->media_lost = event_in_number(event, IN_MEDIA_LOST);
}

static void keep_rows(struct finding_in *finding, const struct event_in *event)
{
    unsigned next = 0;
    finding->rows_are_near = !*event_in_text(event, IN_ROWS);
    finding->row_count = finding->rows_more = 0;
    for (const char *id; (id = event_in_next(event, finding->rows_are_near ? IN_NEAREST : IN_ROWS, &next));) {
        if (finding->row_count < FINDING_ROWS_MAX)
            KEEP(finding->rows[finding->row_count++], id);
        else
            finding->rows_more++;
    }
}

static void keep_sentence(char out[SENTENCE_SIZE], const struct event_in *event, enum event_field field,
                          const char *name)
{
    char text[SENTENCE_SIZE * 2];
    bool cut = event_in_has(event, IN_TRUNCATED, name);
    snprintf(text, sizeof text, "%.*s%s", SENTENCE_SIZE - 4, event_in_text(event, field),
             cut ? "\xe2\x80\xa6" : "");
    keep_text(out, SENTENCE_SIZE, text);
}

static void keep_finding(struct finding_in *finding, const struct event_in *event)
{
    uint64_t severity = event_in_number(event, IN_SEVERITY);
    KEEP_FIELD(finding->id, event, IN_ACTION);
    KEEP_FIELD(finding->title, event, IN_TITLE);
    KEEP_FIELD(finding->reference, event, IN_REFERENCE);
    KEEP_FIELD(finding->transport, event, IN_TRANSPORT);
    KEEP_FIELD(finding->protocol, event, IN_PROTOCOL);
    KEEP_FIELD(finding->outcome, event, IN_OUTCOME);
    KEEP_FIELD(finding->confidence, event, IN_CONFIDENCE);
    keep_sentence(finding->reason, event, IN_REASON, "event.reason");
    keep_sentence(finding->advice, event, IN_ADVICE, "rolecall.advice");
    keep_parties(&finding->source, &finding->destination, event);
    keep_rows(finding, event);
    finding->severity = severity <= 100 ? (unsigned)severity : 100;
    finding->count = event_in_number(event, IN_FINDING_COUNT);
    finding->peers = event_in_number(event, IN_PEERS);
    finding->first_ns = event_in_time(event, IN_FIRST_SEEN);
    finding->last_ns = event_in_time(event, IN_LAST_SEEN);
    finding->has_episode = *event_in_text(event, IN_EPISODE_STATE);
    if (finding->has_episode)
        keep_episode(&finding->episode, event);
}

/* A finding is told several times: its last word counts. */
static void take_alert(struct report *r)
{
    const struct event_in *event = &r->event;
    char scope[SCOPE_SIZE];
    uint32_t number;
    bool added;
    r->alerts++;
    if (!number_of(r, 'f', event_in_text(event, IN_FINGERPRINT), &r->finding_count, FINDINGS_MAX,
                   &r->findings_refused, &number, &added))
        return;
    struct finding_in *finding = &r->findings[number];
    KEEP_FIELD(finding->fingerprint, event, IN_FINGERPRINT);
    keep_finding(finding, event);
    widen(r, finding->first_ns);
    widen(r, finding->last_ns);
    scope_of(event, finding->id, scope);
    keep_scope(r, scope, number);
    flow_scope_of(event, finding->id, scope);
    keep_scope(r, scope, number);
}

/* ---- flows ---- */

static enum flow_status status_of(const struct event_in *event)
{
    const char *text = event_in_text(event, IN_STATUS);
    for (unsigned i = 0; i < FLOW_STATUS_COUNT; i++)
        if (strcmp(text, flow_status_names[i]) == 0)
            return (enum flow_status)i;
    return FLOW_OUT_OF_SCOPE;
}

/* A captured name, where there is one. */
static const char *said_of(const struct event_in *event)
{
    static const enum event_field fields[] = {IN_SERVER_NAME, IN_URL_DOMAIN, IN_QUESTION_NAME, IN_DETAIL,
                                              IN_USER_AGENT};
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (*event_in_text(event, fields[i]))
            return event_in_text(event, fields[i]);
    return "";
}

static void keep_behind(struct behind *flow, const struct event_in *event)
{
    flow->first_ns = event_in_time(event, IN_START);
    flow->last_ns = event_in_time(event, IN_END);
    KEEP_FIELD(flow->source_ip, event, IN_SOURCE_IP);
    KEEP_FIELD(flow->destination_ip, event, IN_DESTINATION_IP);
    KEEP_FIELD(flow->transport, event, IN_TRANSPORT);
    KEEP_FIELD(flow->protocol, event, IN_PROTOCOL);
    KEEP_FIELD(flow->status, event, IN_STATUS);
    KEEP_FIELD(flow->end_reason, event, IN_END_REASON);
    KEEP(flow->said, said_of(event));
    flow->source_port = port_of(event, IN_SOURCE_PORT);
    flow->destination_port = port_of(event, IN_DESTINATION_PORT);
    flow->source_packets = event_in_number(event, IN_SOURCE_PACKETS);
    flow->destination_packets = event_in_number(event, IN_DESTINATION_PACKETS);
    flow->bytes = event_in_number(event, IN_SOURCE_BYTES) + event_in_number(event, IN_DESTINATION_BYTES);
}

static void take_behind(struct report *r, const char *id)
{
    char scope[SCOPE_SIZE];
    struct digest digest;
    flow_scope_of(&r->event, id, scope);
    digest = digest_of(scope);
    const uint32_t *number = map_find(&r->by_scope, &digest);
    if (!number) {
        scope_of(&r->event, id, scope);
        digest = digest_of(scope);
        number = map_find(&r->by_scope, &digest);
    }
    if (!number) {
        r->orphans++;
        return;
    }
    struct finding_in *finding = &r->findings[*number];
    finding->behind_flows++;
    if (finding->behind_count < BEHIND_MAX)
        keep_behind(&finding->behind[finding->behind_count++], &r->event);
}

static void note_link_finding(struct link_in *link, const char *id)
{
    for (unsigned i = 0; i < link->finding_count; i++)
        if (strcmp(link->findings[i], id) == 0)
            return;
    if (link->finding_count < LINK_FINDINGS_MAX)
        KEEP(link->findings[link->finding_count++], id);
}

static void take_link(struct report *r, enum flow_status status)
{
    char from[ROLES_SIZE], to[ROLES_SIZE], key[KEY_SIZE];
    uint32_t number;
    bool added;
    keep_roles(from, &r->event, IN_SOURCE_ROLES);
    keep_roles(to, &r->event, IN_DESTINATION_ROLES);
    if (!*from && !*to)
        return; /* nobody of the site: not on the map */
    snprintf(key, sizeof key, "%s|%s", from, to);
    if (!number_of(r, 'l', key, &r->link_count, LINKS_MAX, &r->links_refused, &number, &added))
        return;
    struct link_in *link = &r->links[number];
    KEEP(link->from, from);
    KEEP(link->to, to);
    link->flows[status]++;
    link->bytes +=
        event_in_number(&r->event, IN_SOURCE_BYTES) + event_in_number(&r->event, IN_DESTINATION_BYTES);
    unsigned next = 0;
    for (const char *id; (id = event_in_next(&r->event, IN_FLOW_FINDINGS, &next));)
        note_link_finding(link, id);
}

static bool is_media(struct report *r)
{
    unsigned next = 0;
    if (event_in_has(&r->event, IN_FLOW_FINDINGS, "media-port"))
        return true;
    for (const char *id; (id = event_in_next(&r->event, IN_ROWS, &next));) {
        uint32_t number;
        if (row_number(r, id, &number) && r->rows[number].row && is_media_row(r->rows[number].row))
            return true;
    }
    return false;
}

static const char *modality_of(const struct event_in *event)
{
    const char *modality = event_in_text(event, IN_MODALITY), *stream = event_in_text(event, IN_TURN_STREAM);
    if (*modality)
        return modality;
    return strcmp(stream, "supplemental-video") == 0 ? "video" : *stream ? stream : "any";
}

static void take_strip(struct report *r, enum event_field roles_field, enum event_field port_field)
{
    char roles[ROLES_SIZE], key[KEY_SIZE];
    unsigned port = port_of(&r->event, port_field);
    uint32_t number;
    bool added;
    keep_roles(roles, &r->event, roles_field);
    if (!*roles || !port)
        return;
    snprintf(key, sizeof key, "%s|%.*s", roles, WORD_SIZE, modality_of(&r->event));
    if (!number_of(r, 's', key, &r->strip_count, STRIPS_MAX, &r->strips_refused, &number, &added))
        return;
    struct strip *strip = &r->strips[number];
    KEEP(strip->roles, roles);
    KEEP(strip->modality, modality_of(&r->event));
    strip->flows++;
    strip->used[port / 8] |= (uint8_t)(1u << port % 8);
}

static void take_reason(struct report *r, char kind, const char *text)
{
    uint32_t number;
    bool added;
    if (!*text ||
        !number_of(r, kind, text, &r->reason_count, REASONS_MAX, &r->reasons_refused, &number, &added))
        return;
    r->reasons[number].kind = kind;
    KEEP(r->reasons[number].text, text);
    r->reasons[number].flows++;
}

static void take_flow(struct report *r)
{
    const struct event_in *event = &r->event;
    enum flow_status status = status_of(event);
    unsigned next = 0;
    widen(r, event_in_time(event, IN_START));
    if (strcmp(event_in_text(event, IN_END_REASON), "active") == 0)
        return; /* told again, with all it has, when it ends */
    widen(r, event_in_time(event, IN_END));
    r->flows++;
    r->by_status[status]++;
    if (status == FLOW_PASS && strcmp(event_in_text(event, IN_APPLICATION_CHECK), "unknown") == 0)
        r->unidentified_pass++;
    if (status == FLOW_INCONCLUSIVE)
        take_reason(r, 'i', event_in_text(event, IN_WHY));
    take_reason(r, 'a', event_in_text(event, IN_ALLOW));
    take_link(r, status);
    for (const char *id; (id = event_in_next(event, IN_FLOW_FINDINGS, &next));)
        take_behind(r, id);
    if (is_media(r)) {
        take_strip(r, IN_SOURCE_ROLES, IN_SOURCE_PORT);
        take_strip(r, IN_DESTINATION_ROLES, IN_DESTINATION_PORT);
    }
}

/* ---- coverage, episodes, counters ---- */

static void keep_ranges(struct host_in *host, const struct event_in *event)
{
    unsigned next = 0;
    host->range_count = 0;
    for (const char *text; (text = event_in_next(event, IN_MEDIA_PORTS, &next));) {
        struct media_range range;
        if (host->range_count < RANGES_MAX &&
            sscanf(text, "%39s %5u-%5u", range.modality, &range.low, &range.high) == 3 &&
            range.low <= range.high && range.high <= 65535)
            host->ranges[host->range_count++] = range;
    }
}

static void mark_cells(struct report *r, unsigned host, enum event_field field, enum cell cell)
{
    unsigned next = 0;
    for (const char *id; (id = event_in_next(&r->event, field, &next));) {
        uint32_t row;
        if (row_number(r, id, &row))
            r->cells[(size_t)host * ROWS_MAX + row] |= (uint8_t)cell;
    }
}

static void take_coverage(struct report *r)
{
    const struct event_in *event = &r->event;
    uint32_t number;
    bool added;
    r->coverages++;
    if (!number_of(r, 'h', event_in_text(event, IN_HOST_NAME), &r->host_count, HOSTS_MAX, &r->hosts_refused,
                   &number, &added))
        return;
    struct host_in *host = &r->hosts[number];
    KEEP_FIELD(host->name, event, IN_HOST_NAME);
    keep_roles(host->roles, event, IN_HOST_ROLES);
    keep_ranges(host, event);
    host->seen = event_in_number(event, IN_COUNT_SEEN);
    host->violated = event_in_number(event, IN_COUNT_VIOLATED);
    host->blocked = event_in_number(event, IN_COUNT_BLOCKED);
    host->not_seen = event_in_number(event, IN_COUNT_NOT_SEEN);
    mark_cells(r, number, IN_SEEN, CELL_SEEN);
    mark_cells(r, number, IN_VIOLATED, CELL_VIOLATED);
    mark_cells(r, number, IN_BLOCKED, CELL_BLOCKED);
    mark_cells(r, number, IN_NOT_SEEN, CELL_NOT_SEEN);
}

static void take_episode(struct report *r)
{
    r->episodes_told++;
    if (r->episode_count == EPISODES_MAX) {
        r->episodes_refused++;
        return;
    }
    struct episode *episode = &r->episodes[r->episode_count++];
    keep_episode(episode, &r->event);
    widen(r, episode->first_ns);
}

/* `add`: sums (losses); else the last word counts (statistics are counted from the start of a run). */
static void take_counters(struct report *r, struct counter_in *list, unsigned *count, bool add)
{
    const struct event_in *event = &r->event;
    for (unsigned i = 0; i < event->counter_count; i++) {
        const char *name = event->bytes + event->counters[i].name,
                   *text = event->bytes + event->counters[i].value;
        unsigned at = 0;
        if (*text < '0' || *text > '9')
            continue;
        while (at < *count && strncmp(list[at].name, name, WORD_SIZE - 1) != 0)
            at++;
        if (at == COUNTERS_MAX) {
            r->values_refused++;
            continue;
        }
        if (at == *count) {
            list[(*count)++].value = 0;
            snprintf(list[at].name, WORD_SIZE, "%s", name);
        }
        list[at].value = strtoull(text, NULL, 10) + (add ? list[at].value : 0);
    }
}

static void take_event(struct report *r)
{
    static const struct {
        const char *dataset;
        void (*take)(struct report *r);
    } kinds[] = {{"rolecall.alert", take_alert},
                 {"rolecall.flow", take_flow},
                 {"rolecall.coverage", take_coverage},
                 {"rolecall.ipsec", take_episode}};
    const char *dataset = event_in_text(&r->event, IN_DATASET);
    r->totals.events++;
    r->values_refused += r->event.full;
    widen(r, event_in_time(&r->event, IN_TIME));
    if (*event_in_text(&r->event, IN_SITE))
        KEEP_FIELD(r->site, &r->event, IN_SITE);
    KEEP_FIELD(r->version, &r->event, IN_PROGRAM_VERSION);
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(dataset, kinds[i].dataset) == 0)
            kinds[i].take(r);
    if (strcmp(dataset, "rolecall.stats") == 0) {
        r->statistics++;
        take_counters(r, r->stats, &r->stats_count, false);
    } else if (strcmp(dataset, "rolecall.loss") == 0) {
        r->losses++;
        take_counters(r, r->lost, &r->lost_count, true);
    }
}

/* ---- the door ---- */

void report_line(struct report *report, const char *line, size_t size)
{
    if (event_in_read(&report->event, line, size))
        take_event(report);
    else
        report->totals.bad++;
}

static bool is_blank(const char *line, size_t size)
{
    while (size && (line[size - 1] == ' ' || line[size - 1] == '\r' || line[size - 1] == '\t'))
        size--;
    return size == 0;
}

static void end_line(struct report *report, const char *line, size_t size, bool too_long)
{
    if (too_long)
        report->totals.bad++;
    else if (!is_blank(line, size))
        report_line(report, line, size);
}

bool report_read(struct report *report, FILE *in)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors begin a file so */
    char line[JSON_FIELDS_LINE_MAX];
    size_t size = 0;
    bool too_long = false;
    errno = 0;
    for (int c; (c = getc(in)) != EOF;) {
        if (c == '\n') {
            end_line(report, line, size, too_long);
            size = 0;
            too_long = false;
        } else if (size == sizeof line) {
            too_long = true;
        } else {
            line[size++] = (char)c;
            if (size == 3 && !report->totals.events && !report->totals.bad && memcmp(line, mark, 3) == 0)
                size = 0;
        }
    }
    if (size || too_long)
        end_line(report, line, size, too_long);
    return !ferror(in);
}

struct report_totals report_totals(const struct report *report)
{
    return report->totals;
}

uint8_t report_cell(const struct report *report, unsigned host, unsigned row)
{
    return report->cells[(size_t)host * ROWS_MAX + row];
}

struct report *report_create(const struct rules *rules)
{
    static const uint64_t secret[2] = {0x7265706f7274206d, 0x6170};
    struct report *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->rules = rules;
    r->findings = calloc(FINDINGS_MAX, sizeof *r->findings);
    r->hosts = calloc(HOSTS_MAX, sizeof *r->hosts);
    r->rows = calloc(ROWS_MAX, sizeof *r->rows);
    r->links = calloc(LINKS_MAX, sizeof *r->links);
    r->strips = calloc(STRIPS_MAX, sizeof *r->strips);
    r->episodes = calloc(EPISODES_MAX, sizeof *r->episodes);
    r->reasons = calloc(REASONS_MAX, sizeof *r->reasons);
    r->cells = calloc((size_t)HOSTS_MAX * ROWS_MAX, 1);
    bool maps = map_init(&r->by_text, sizeof(struct digest), sizeof(uint32_t), NUMBERS_MAX, secret) &
                map_init(&r->by_scope, sizeof(struct digest), sizeof(uint32_t), SCOPES_MAX, secret);
    if (!maps || !r->findings || !r->hosts || !r->rows || !r->links || !r->strips || !r->episodes ||
        !r->reasons || !r->cells) {
        report_destroy(r);
        return NULL;
    }
    return r;
}

void report_destroy(struct report *report)
{
    if (!report)
        return;
    free(report->findings);
    free(report->hosts);
    free(report->rows);
    free(report->links);
    free(report->strips);
    free(report->episodes);
    free(report->reasons);
    free(report->cells);
    map_fini(&report->by_text);
    map_fini(&report->by_scope);
    free(report);
}
