/* SPDX-License-Identifier: BSD-2-Clause
 *
 * matrix_file.c - reads one matrix file (DESIGN 3): its head, the roles it declares, its rows. Called by
 * rules.c. Everything is checked here so that nothing behind it has to; the words of a row become bits and
 * ranges, and are kept as written for whoever shows a row.
 */
#include "matrix_file.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

struct file_reading {
    struct rules *rules;
    struct matrix *matrix;
    struct json_value roles,
        rows; /* `item` NULL until seen: rows are read after roles, whatever their order */
    role_set declared;
};

/* What a row accepts, word by word (DESIGN 5.3). */
#define P(id) (UINT64_C(1) << PROTO_##id)
#define MEDIA (P(rtp) | P(rtcp) | P(srtp) | P(dtls))
static const struct application {
    const char *word;
    uint64_t protocols;
    bool anything;
} applications[] = {
    {"tls", P(tls), false},
    {"mtls", P(tls), false},
    {"sip", P(sip), false},
    {"http", P(http) | P(http2), false},
    {"dns", P(dns), false},
    {"dhcp", P(dhcp), false},
    {"smb", P(smb), false},
    {"dcerpc", P(dcerpc), false},
    {"ssrp", P(ssrp), false},
    {"xmpp", P(xmpp), false},
    {"stun", P(stun) | P(ms_turn) | MEDIA, false},
    {"ms-turn", P(ms_turn) | P(stun) | MEDIA, false},
    {"media", MEDIA | P(stun), false},
    {"tcp", 0, true},
    {"udp", 0, true},
};
static const char not_authenticated[] = "do not authenticate"; /* the one word of ipsec rows */
_Static_assert(PROTO_COUNT <= 64, "matrix_row.accepts holds a bit for each protocol");

static const char *const directions[] = {
    [ROW_INBOUND] = "inbound", [ROW_OUTBOUND] = "outbound", [ROW_EITHER] = "either",
    [ROW_MEDIA] = "media",     [ROW_IPSEC] = "ipsec",       NULL};
static const char *const sources[] = {"documented", "inferred", NULL};
static const char *const modalities[] = {[MODALITY_UNKNOWN] = "",
                                         [MODALITY_AUDIO] = "audio",
                                         [MODALITY_VIDEO] = "video",
                                         [MODALITY_APPLICATION_SHARING] = "application-sharing",
                                         NULL};

/* Roles. */

struct role_fields {
    const char *title;
    bool server, strict_outbound, external;
    struct json_value is;
};

static void read_is(const struct json_value *value, void *target, void *context)
{
    (void)context;
    ((struct role_fields *)target)->is = *value;
}

static const struct json_key role_keys[] = {
    {.name = "title",
     .kind = JSON_TEXT,
     .required = true,
     .low = 1,
     .high = 100,
     .offset = offsetof(struct role_fields, title)},
    {.name = "server",
     .kind = JSON_BOOL,
     .fallback = "false",
     .offset = offsetof(struct role_fields, server)},
    {.name = "is", .kind = JSON_LIST, .low = 0, .high = RULES_ROLES_MAX, .read = read_is},
    {.name = "strict_outbound",
     .kind = JSON_BOOL,
     .fallback = "false",
     .offset = offsetof(struct role_fields, strict_outbound)},
    {.name = "external",
     .kind = JSON_BOOL,
     .fallback = "false",
     .offset = offsetof(struct role_fields, external)},
};

/* `id` is `other`, and with it everything that one is; so is whoever is `id`. */
static void add_is(struct rules *rules, unsigned id, unsigned other)
{
    role_set more = rules->roles[other].all;
    for (unsigned i = 0; i < rules->role_count; i++)
        if (rules->roles[i].all >> id & 1)
            rules->roles[i].all |= more;
}

static void declare_is(struct file_reading *reading, unsigned id, const struct json_value *is)
{
    struct rules *rules = reading->rules;
    for (struct json_value other = json_first(is); json_more(&other); json_next(&other)) {
        int bit = rules_find_role(rules, json_text(&other));
        if (!json_is(&other, JSON_TEXT, "a role of this file"))
            continue;
        if (bit < 0 || !(reading->declared >> bit & 1))
            json_mistake(&other, "a role that this file declares");
        else if (rules->roles[bit].all >> id & 1)
            json_mistake(&other, "a role that is not itself a %s", rules->roles[id].id);
        else
            add_is(rules, id, (unsigned)bit);
    }
}

/* The role's bit, new or known from another file; -1 when there is no room. */
static int role_bit(struct rules *rules, const struct json_value *value, const struct role_fields *fields)
{
    int bit = rules_find_role(rules, json_member(value));
    if (bit < 0 && rules->role_count == RULES_ROLES_MAX) {
        json_mistake_key(value, "at most %d roles in all files together", RULES_ROLES_MAX);
        return -1;
    }
    if (bit < 0) {
        bit = (int)rules->role_count++;
        rules->roles[bit] = (struct rules_role){.id = json_member(value),
                                                .title = fields->title,
                                                .server = fields->server,
                                                .strict_outbound = fields->strict_outbound,
                                                .all = (role_set)1 << bit};
    }
    const struct rules_role *role = &rules->roles[bit];
    if (role->server != fields->server || role->strict_outbound != fields->strict_outbound)
        json_mistake(value, "the same server and strict_outbound as in the other files");
    return bit;
}

static void declare_role(struct file_reading *reading, const struct json_value *value)
{
    struct role_fields fields = {.title = ""};
    json_read(value, role_keys, sizeof role_keys / sizeof *role_keys, &fields, reading);
    if (!is_id(json_member(value)) || strcmp(json_member(value), "any") == 0) {
        json_mistake_key(value, "a role id of lower-case letters, digits and hyphens, not \"any\"");
        return;
    }
    int bit = role_bit(reading->rules, value, &fields);
    if (bit < 0)
        return;
    reading->declared |= (role_set)1 << bit;
    role_set *kind = fields.external ? &reading->matrix->external : &reading->matrix->internal;
    *kind |= (role_set)1 << bit;
}

/* First all ids, then what they are: a role may be named before it is declared. */
static void declare_roles(struct file_reading *reading)
{
    const struct json_value *roles = &reading->roles;
    for (struct json_value role = json_first(roles); json_more(&role); json_next(&role))
        declare_role(reading, &role);
    for (struct json_value role = json_first(roles); json_more(&role); json_next(&role)) {
        struct json_value is;
        int bit = rules_find_role(reading->rules, json_member(&role));
        if (bit >= 0 && json_find(&role, "is", &is))
            declare_is(reading, (unsigned)bit, &is);
    }
}

/* Rows. */

struct row_fields {
    struct matrix_row row;
    unsigned direction, source, modality;
};

static void read_words(const struct json_value *list, struct row_words *words)
{
    words->count = 0;
    for (struct json_value word = json_first(list); json_more(&word); json_next(&word)) {
        for (unsigned i = 0; i < words->count; i++)
            if (strcmp(words->at[i], json_text(&word)) == 0)
                json_mistake(&word, "each only once");
        if (words->count < ROW_WORDS_MAX)
            words->at[words->count++] = json_text(&word);
    }
}

static void read_ports(const struct json_value *list, void *target, void *context)
{
    struct matrix_row *row = &((struct row_fields *)target)->row;
    (void)context;
    read_words(list, &row->port_words);
    for (struct json_value port = json_first(list); json_more(&port); json_next(&port)) {
        if (strcmp(json_text(&port), "any") == 0)
            row->any_port = true;
        else if (port_range_parse(json_text(&port), &row->ranges[row->range_count]))
            row->range_count++;
        else
            json_mistake(&port, "a port like \"5061\" or a range like \"49152-57500\"");
    }
}

static void read_transports(const struct json_value *list, void *target, void *context)
{
    struct matrix_row *row = &((struct row_fields *)target)->row;
    (void)context;
    read_words(list, &row->transport_words);
    for (struct json_value word = json_first(list); json_more(&word); json_next(&word)) {
        if (strcmp(json_text(&word), "tcp") == 0)
            row->transports |= OVER_TCP;
        else if (strcmp(json_text(&word), "udp") == 0)
            row->transports |= OVER_UDP;
        else
            json_mistake(&word, "\"tcp\" or \"udp\"");
    }
}

static const struct application *find_application(const char *word)
{
    for (size_t i = 0; i < sizeof applications / sizeof *applications; i++)
        if (strcmp(applications[i].word, word) == 0)
            return &applications[i];
    return NULL;
}

static void read_applications(const struct json_value *list, void *target, void *context)
{
    struct matrix_row *row = &((struct row_fields *)target)->row;
    bool tls = false, mtls = false;
    (void)context;
    read_words(list, &row->application_words);
    for (struct json_value word = json_first(list); json_more(&word); json_next(&word)) {
        const struct application *application = find_application(json_text(&word));
        if (application) {
            row->accepts |= application->protocols;
            row->accepts_anything |= application->anything;
            tls |= strcmp(application->word, "tls") == 0;
            mtls |= strcmp(application->word, "mtls") == 0;
        } else if (strcmp(json_text(&word), not_authenticated) != 0) {
            struct nearest nearest = {.wanted = json_text(&word)};
            for (size_t i = 0; i < sizeof applications / sizeof *applications; i++)
                nearest_offer(&nearest, applications[i].word);
            json_mistake(&word, "an application%s%s%s", nearest.best ? " (did you mean \"" : "",
                         nearest.best ? nearest.best : "", nearest.best ? "\"?)" : "");
        }
    }
    row->accepts_tls = tls || mtls;
    row->accepts_mtls_only = mtls && !tls;
}

#define ROW_TEXT(key, field, need)                                                                           \
    {                                                                                                        \
        .name = key, .kind = JSON_TEXT, .required = need, .fallback = "",                                    \
        .offset = offsetof(struct row_fields, row.field)                                                     \
    }
static const struct json_key row_keys[] = {
    ROW_TEXT("row", id, true),
    ROW_TEXT("table", table, true),
    {.name = "direction",
     .kind = JSON_TEXT,
     .required = true,
     .choices = directions,
     .offset = offsetof(struct row_fields, direction)},
    ROW_TEXT("from", from, true),
    ROW_TEXT("to", to, true),
    ROW_TEXT("service", service, false),
    {.name = "ports",
     .kind = JSON_LIST,
     .required = true,
     .low = 1,
     .high = ROW_WORDS_MAX,
     .read = read_ports},
    {.name = "own_port",
     .kind = JSON_BOOL,
     .fallback = "false",
     .offset = offsetof(struct row_fields, row.own_port)},
    ROW_TEXT("documented", documented, false),
    {.name = "transport", .kind = JSON_LIST, .required = true, .low = 1, .high = 2, .read = read_transports},
    {.name = "application",
     .kind = JSON_LIST,
     .required = true,
     .low = 1,
     .high = ROW_WORDS_MAX,
     .read = read_applications},
    {.name = "application_source",
     .kind = JSON_TEXT,
     .required = true,
     .choices = sources,
     .offset = offsetof(struct row_fields, source)},
    ROW_TEXT("condition", condition, false),
    ROW_TEXT("when", when, false),
    ROW_TEXT("purpose", purpose, false),
    {.name = "modality",
     .kind = JSON_TEXT,
     .choices = modalities,
     .fallback = "",
     .offset = offsetof(struct row_fields, modality)},
    ROW_TEXT("note", note, false),
};

/* A mistake at one key of the row, or at the row where the key is absent. */
static void mistake_at(const struct json_value *row, const char *key, const char *expected)
{
    struct json_value value;
    json_mistake(json_find(row, key, &value) ? &value : row, "%s", expected);
}

static bool is_any(const char *role)
{
    return strcmp(role, "any") == 0;
}

static void check_role(const struct file_reading *reading, const struct json_value *value, const char *key,
                       const char *role)
{
    int bit = rules_find_role(reading->rules, role);
    if (!is_any(role) && (bit < 0 || !(reading->declared >> bit & 1)))
        mistake_at(value, key, "a role that this file declares, or \"any\"");
}

/* Which side a direction must name: the one whose row it is. */
static void check_sides(const struct json_value *value, const struct matrix_row *row)
{
    bool from = !is_any(row->from), to = !is_any(row->to);
    if (row->direction == ROW_OUTBOUND && !from)
        mistake_at(value, "from", "a role: it is the one that opens connections");
    else if (row->direction == ROW_IPSEC && !from && !to)
        mistake_at(value, "to", "a role at one side at least");
    else if (row->direction != ROW_OUTBOUND && row->direction != ROW_IPSEC && !to)
        mistake_at(value, "to", "a role: it is the one whose ports these are");
}

static void check_ipsec(const struct json_value *value, const struct matrix_row *row)
{
    bool ipsec = row->direction == ROW_IPSEC;
    bool word =
        row->application_words.count == 1 && strcmp(row->application_words.at[0], not_authenticated) == 0;
    for (unsigned i = 0; i < row->application_words.count && !ipsec; i++)
        if (strcmp(row->application_words.at[i], not_authenticated) == 0)
            mistake_at(value, "application", "what the row accepts: this word is for ipsec rows");
    if (ipsec && !word)
        mistake_at(value, "application", "[\"do not authenticate\"] in an ipsec row");
    if (row->any_port && (!ipsec || row->port_words.count != 1))
        mistake_at(value, "ports", "ports and ranges; \"any\" stands alone, in ipsec rows");
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return strlen(word) == size && strncmp(text, word, size) == 0;
}

/* "", "load_balancing:hardware|dns", "feature:NAME|NAME". */
static bool is_when(const char *when)
{
    bool feature = strncmp(when, "feature:", 8) == 0, balancing = strncmp(when, "load_balancing:", 15) == 0;
    if (*when == '\0')
        return true;
    if (!feature && !balancing)
        return false;
    for (const char *name = strchr(when, ':') + 1;;) {
        size_t size = strcspn(name, "|");
        if (size == 0 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != size)
            return false;
        if (balancing && !is_word(name, size, "hardware") && !is_word(name, size, "dns"))
            return false;
        if (name[size] == '\0')
            return true;
        name += size + 1;
    }
}

static void add_feature(struct rules *rules, const char *name, size_t size)
{
    for (unsigned i = 0; i < rules->feature_count; i++)
        if (is_word(name, size, rules->features[i]))
            return;
    if (rules->feature_count == RULES_FEATURES_MAX)
        return; /* only names for checking a site's list; the rest would have to be left out there */
    char *copy = keep_take(rules->keep, size + 1, 1);
    memcpy(copy, name, size);
    rules->features[rules->feature_count++] = copy;
}

/* Used as a walk over the names: no feature is ever on, so rules_when_holds() asks for each. */
static bool collect_feature(const void *context, const char *name, size_t size)
{
    struct rules *const *rules = context;
    add_feature(*rules, name, size);
    return false;
}

static void check_id(const struct file_reading *reading, const struct json_value *value,
                     const struct matrix_row *row)
{
    const char *matrix = reading->matrix->id;
    size_t a = strlen(matrix), b = strlen(row->table);
    bool fits = strncmp(row->id, matrix, a) == 0 && row->id[a] == '/' &&
                strncmp(row->id + a + 1, row->table, b) == 0 && row->id[a + 1 + b] == '/' &&
                is_id(row->id + a + 1 + b + 1);
    if (!is_id(row->table))
        mistake_at(value, "table", "a table id of lower-case letters, digits and hyphens");
    else if (*matrix && !fits) /* without a matrix id nothing would fit */
        mistake_at(value, "row", "a row id: matrix/table/number");
    else if (rules_find_row(reading->rules, row->id))
        mistake_at(value, "row", "a row id that no other row has");
}

static void check_row(const struct file_reading *reading, const struct json_value *value,
                      const struct matrix_row *row)
{
    check_id(reading, value, row);
    check_role(reading, value, "from", row->from);
    check_role(reading, value, "to", row->to);
    check_sides(value, row);
    check_ipsec(value, row);
    if (row->own_port && row->direction != ROW_OUTBOUND)
        mistake_at(value, "own_port", "false: only an outbound row may be about the opener's own port");
    if (row->modality != MODALITY_UNKNOWN && row->direction != ROW_MEDIA)
        mistake_at(value, "modality", "no modality: only media rows have one");
    if (!is_when(row->when))
        mistake_at(value, "when", "load_balancing:hardware|dns or feature:NAME|NAME");
    else if (*row->when)
        rules_when_holds(row->when, "", collect_feature, &reading->rules);
}

static void add_row(struct file_reading *reading, struct matrix_row *rows, const struct json_value *value)
{
    struct row_fields fields = {.direction = ROW_INBOUND};
    struct matrix *matrix = reading->matrix;
    if (!json_read(value, row_keys, sizeof row_keys / sizeof *row_keys, &fields, reading))
        return; /* the rest could only repeat it */
    struct matrix_row *row = &rows[matrix->row_count];
    *row = fields.row;
    row->matrix = matrix->id;
    row->direction = (enum row_direction)fields.direction;
    row->application_source = sources[fields.source];
    row->modality = (uint8_t)fields.modality;
    row->order = (uint16_t)matrix->row_count;
    check_row(reading, value, row);
    matrix->row_count++;
}

static void read_rows(struct file_reading *reading)
{
    struct matrix_row *rows = keep_take(reading->rules->keep, json_count(&reading->rows), sizeof *rows);
    reading->matrix->rows = rows;
    for (struct json_value row = json_first(&reading->rows); json_more(&row); json_next(&row))
        add_row(reading, rows, &row);
}

/* The file's head. */

static void stash_roles(const struct json_value *value, void *target, void *context)
{
    (void)target;
    ((struct file_reading *)context)->roles = *value;
}

static void stash_rows(const struct json_value *value, void *target, void *context)
{
    (void)target;
    ((struct file_reading *)context)->rows = *value;
}

static void read_id(const struct json_value *value, void *target, void *context)
{
    struct file_reading *reading = context;
    (void)target;
    if (!is_id(json_text(value)))
        json_mistake(value, "a matrix id of lower-case letters, digits and hyphens");
    else if (rules_find_matrix(reading->rules, json_text(value)))
        json_mistake(value, "a matrix id that no other file has");
    else
        reading->matrix->id = json_text(value);
}

static void read_reference(const struct json_value *value, void *target, void *context)
{
    (void)context;
    ((struct matrix *)target)->reference = json_text(value);
    if (strncmp(json_text(value), "https://", 8) != 0 && strncmp(json_text(value), "http://", 7) != 0)
        json_mistake(value, "the address of the document: https://...");
}

static void read_date(const struct json_value *value, void *target, void *context)
{
    int64_t end_ns;
    (void)context;
    ((struct matrix *)target)->read = json_text(value);
    if (!date_parse(json_text(value), &end_ns))
        json_mistake(value, "the day the document was read: YYYY-MM-DD");
}

#define HEAD_TEXT(key, field)                                                                                \
    {                                                                                                        \
        .name = key, .kind = JSON_TEXT, .required = true, .low = 1, .high = 300, .fallback = "",             \
        .offset = offsetof(struct matrix, field)                                                             \
    }
static const struct json_key head_keys[] = {
    {.name = "matrix", .kind = JSON_TEXT, .required = true, .low = 1, .high = 60, .read = read_id},
    HEAD_TEXT("title", title),
    HEAD_TEXT("document", document),
    {.name = "reference", .kind = JSON_TEXT, .required = true, .low = 1, .high = 300, .read = read_reference},
    {.name = "read", .kind = JSON_TEXT, .required = true, .read = read_date},
    {.name = "roles",
     .kind = JSON_OBJECT,
     .required = true,
     .low = 1,
     .high = RULES_ROLES_MAX,
     .read = stash_roles},
    {.name = "rows",
     .kind = JSON_LIST,
     .required = true,
     .low = 1,
     .high = MATRIX_ROWS_MAX,
     .read = stash_rows},
};

void matrix_file_read(struct rules *rules, const char *path, struct mistakes *mistakes)
{
    unsigned index = rules->matrix_count;
    struct json_in *in = json_in_file(path, mistakes);
    if (!in)
        return;
    struct json_value root = json_root(in);
    struct matrix *matrix = &rules->matrices[index];
    struct file_reading reading = {.rules = rules, .matrix = matrix};
    rules->documents[index] = in;
    matrix->id = "";
    matrix->reference = "";
    matrix->file = keep_text(rules->keep, path);
    json_read(&root, head_keys, sizeof head_keys / sizeof *head_keys, matrix, &reading);
    rules->matrix_count++;
    if (reading.roles.item)
        declare_roles(&reading);
    if (reading.rows.item)
        read_rows(&reading);
}
