/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_csv.c - reads a table of hosts (RFC 4180: commas, quotes, a header line) and writes it as a site file.
 * Called by `rolecall site import`. All mistakes are told, each with its line and column. A line's addresses
 * become a host, its prefixes a network; what the site file would refuse is refused here, where its place is
 * known.
 */
#include "site_csv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rolecall/json_in.h"
#include "rolecall/json_out.h"
#include "rolecall/map.h"
#include "rolecall/site.h"

/* As the site file has it (docs/SITE.md). */
enum { NAME_SIZE_MAX = 255, HOSTS_MAX = 8192, NETWORKS_MAX = 4096, ADDRESSES_MAX = 64, PREFIXES_MAX = 4096 };
enum { MENTIONS_MAX = 1 << 17, FIELDS_MAX = 16 };

enum column { COLUMN_NAME, COLUMN_ADDRESS, COLUMN_ROLES, COLUMN_COUNT };
static const char *const column_names[COLUMN_COUNT] = {"name", "address", "roles"};

/* A piece of the file: a field, without the quotes around it, or a word of one. */
struct span {
    const char *at;
    size_t size;
    bool quoted; /* "" stands for a quote */
};

struct record {
    struct span fields[FIELDS_MAX];
    unsigned count; /* may exceed what is kept */
    const char *at;
};

/* What a line names, in `prefixes`: addresses have all bits. */
struct mention_key {
    struct prefix prefix;
    uint8_t is_network;
};

struct import {
    const char *file, *text, *end, *at; /* at: where the next record begins */
    const struct rules *rules;
    struct mistakes *mistakes;
    unsigned place_of[COLUMN_COUNT]; /* of a column, in the header */
    unsigned columns;
    struct map mentions; /* to where it stands */
    struct json_out json;
    char *buffer;   /* of one entry */
    char *texts[2]; /* hosts and networks, as they are written */
    size_t sizes[2];
    FILE *outs[2];
    unsigned counts[2];
};

/* Places. */

static void place_of(const struct import *import, const char *at, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (const char *p = import->text; p < at; p++) {
        if (*p == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) { /* columns count characters */
            ++*column;
        }
    }
}

static void mistake(const struct import *import, const char *key, struct span found, const char *expected)
{
    char text[MISTAKE_TEXT_SIZE + 8];
    unsigned line = 0, column = 0;
    if (!mistakes_full(import->mistakes)) /* what is only counted needs no place */
        place_of(import, found.at, &line, &column);
    snprintf(text, sizeof text, "\"%.*s\"",
             (int)(found.size < MISTAKE_TEXT_SIZE ? found.size : MISTAKE_TEXT_SIZE), found.at);
    mistakes_add(import->mistakes, import->file, line, column, key, text, expected);
}

/* Records. */

/* One field from `p` on; returns where it ends. */
static const char *take_field(const struct import *import, const char *p, struct span *field)
{
    if (p == import->end || *p != '"') {
        *field = (struct span){.at = p};
        while (p < import->end && *p != ',' && *p != '\n' && *p != '\r' && *p != '"')
            p++;
        if (p < import->end && *p == '"')
            mistake(import, "", (struct span){.at = p, .size = 1}, "quotes around the whole field, or none");
        while (p < import->end && *p != ',' && *p != '\n' && *p != '\r')
            p++;
        field->size = (size_t)(p - field->at);
        return p;
    }
    *field = (struct span){.at = ++p, .quoted = true};
    while (p < import->end && (*p != '"' || (p + 1 < import->end && p[1] == '"')))
        p += *p == '"' ? 2 : 1;
    field->size = (size_t)(p - field->at);
    if (p == import->end) {
        mistake(import, "", (struct span){.at = field->at - 1, .size = 1}, "a quote that is closed again");
        return p;
    }
    const char *after = ++p;
    while (p < import->end && *p != ',' && *p != '\n' && *p != '\r')
        p++;
    if (p != after)
        mistake(import, "", (struct span){.at = after, .size = (size_t)(p - after)},
                "a comma behind the closing quote");
    return p;
}

/* False: the file is at its end. */
static bool next_record(struct import *import, struct record *record)
{
    const char *p = import->at;
    if (p == import->end)
        return false;
    *record = (struct record){.at = p};
    for (;;) {
        struct span field;
        p = take_field(import, p, &field);
        if (record->count < FIELDS_MAX)
            record->fields[record->count] = field;
        record->count++;
        if (p == import->end || *p != ',')
            break;
        p++;
    }
    if (p < import->end && *p == '\r')
        p++;
    if (p < import->end && *p == '\n')
        p++;
    import->at = p;
    return true;
}

static bool is_blank(const struct record *record)
{
    const struct span *first = &record->fields[0];
    return record->count == 1 && !first->quoted && strspn(first->at, " \t") >= first->size;
}

static struct span trimmed(struct span span)
{
    while (span.size && (*span.at == ' ' || *span.at == '\t')) {
        span.at++;
        span.size--;
    }
    while (span.size && (span.at[span.size - 1] == ' ' || span.at[span.size - 1] == '\t'))
        span.size--;
    return span;
}

/* The next word of a field, where blanks, semicolons and plus signs part them. */
static bool next_word(struct span *left, struct span *word)
{
    static const char between[] = " \t\r\n;+";
    while (left->size && strchr(between, *left->at)) {
        left->at++;
        left->size--;
    }
    word->at = left->at;
    while (left->size && !strchr(between, *left->at)) {
        left->at++;
        left->size--;
    }
    word->size = (size_t)(left->at - word->at);
    return word->size > 0;
}

/* The header. */

static void read_column(struct import *import, unsigned place, struct span field)
{
    char text[64], expected[MISTAKE_TEXT_SIZE];
    field = trimmed(field);
    snprintf(text, sizeof text, "%.*s", (int)(field.size < 64 ? field.size : 63), field.at);
    struct nearest nearest = {.wanted = text};
    for (unsigned i = 0; i < COLUMN_COUNT; i++) {
        nearest_offer(&nearest, column_names[i]);
        if (strcasecmp(text, column_names[i]) != 0)
            continue;
        if (import->place_of[i] != FIELDS_MAX)
            mistake(import, "", field, "a column that was not named before");
        import->place_of[i] = place;
        return;
    }
    snprintf(expected, sizeof expected, "a column name, address or roles%s%s%s",
             nearest.best ? " (did you mean \"" : "", nearest.best ? nearest.best : "",
             nearest.best ? "\"?)" : "");
    mistake(import, "", field, expected);
}

static bool read_header(struct import *import)
{
    struct record header;
    bool found;
    while ((found = next_record(import, &header)) && is_blank(&header))
        ;
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        import->place_of[i] = FIELDS_MAX;
    if (!found) {
        mistakes_add(import->mistakes, import->file, 0, 0, "", "an empty file",
                     "a header line: name,address,roles");
        return false;
    }
    unsigned before = import->mistakes->count;
    for (unsigned i = 0; i < header.count && i < FIELDS_MAX; i++)
        read_column(import, i, header.fields[i]);
    import->columns = header.count;
    for (unsigned i = 0; i < COLUMN_COUNT && import->mistakes->count == before; i++)
        if (import->place_of[i] == FIELDS_MAX)
            mistake(import, column_names[i],
                    (struct span){.at = header.at, .size = strcspn(header.at, "\r\n")},
                    "a header that names the columns name, address and roles");
    return import->mistakes->count == before;
}

/* One line. */

struct line {
    char name[NAME_SIZE_MAX + 1];
    role_set roles;
    struct prefix *prefixes; /* of the addresses first */
    unsigned counts[2];      /* addresses, prefixes */
};

static void read_name(const struct import *import, struct span field, struct line *line)
{
    struct json_out json;
    char scratch[2 * NAME_SIZE_MAX + 8];
    size_t size = 0;
    field = trimmed(field);
    for (size_t i = 0; i < field.size; i++) {
        if (size == NAME_SIZE_MAX) {
            mistake(import, "name", field, "a name of at most 255 bytes");
            return;
        }
        line->name[size++] = field.at[i];
        i += field.quoted && field.at[i] == '"'; /* the second of two */
    }
    line->name[size] = '\0';
    json_start(&json, scratch, sizeof scratch);
    if (json_captured(&json, NULL, (const uint8_t *)line->name, size) != JSON_AS_IT_WAS)
        mistake(import, "name", field, "text in UTF-8 without control characters");
}

static void read_roles(const struct import *import, struct span left, struct line *line)
{
    struct span word;
    while (next_word(&left, &word)) {
        char role[64], expected[MISTAKE_TEXT_SIZE];
        snprintf(role, sizeof role, "%.*s", (int)(word.size < sizeof role ? word.size : sizeof role - 1),
                 word.at);
        int bit = rules_find_role(import->rules, role);
        if (bit >= 0 && strlen(role) == word.size) {
            line->roles |= (role_set)1 << bit;
            continue;
        }
        struct nearest nearest = {.wanted = role};
        for (unsigned i = 0; i < rules_role_count(import->rules); i++)
            nearest_offer(&nearest, rules_role(import->rules, i)->id);
        snprintf(expected, sizeof expected, "a role%s%s%s", nearest.best ? " (did you mean \"" : "",
                 nearest.best ? nearest.best : "", nearest.best ? "\"?)" : "");
        mistake(import, "roles", word, expected);
    }
}

/* One address or prefix; false and a mistake: neither. */
static bool read_prefix(const struct import *import, struct span word, struct prefix *out, bool *is_network)
{
    char text[PREFIX_TEXT_SIZE + 16], clean[PREFIX_TEXT_SIZE], expected[MISTAKE_TEXT_SIZE];
    bool host_bits = false;
    snprintf(text, sizeof text, "%.*s", (int)(word.size < sizeof text ? word.size : sizeof text - 1),
             word.at);
    *is_network = strchr(text, '/') != NULL;
    if (!prefix_parse(text, out, &host_bits)) {
        snprintf(expected, sizeof expected, "a prefix without host bits: \"%s\"",
                 host_bits ? prefix_text(out, clean) : "");
        mistake(import, "address", word,
                host_bits ? expected : "an address or a prefix, like 10.20.1.11 or 10.20.4.0/22");
        return false;
    }
    const struct addr *addr = &out->addr;
    if (!*is_network && (addr_is_multicast(addr) || addr_is_broadcast(addr) || addr_is_unspecified(addr))) {
        mistake(import, "address", word, "an address that one host can have");
        return false;
    }
    return true;
}

/* False and a mistake: another line, or this one, has it already. */
static bool is_new(struct import *import, struct span word, const struct prefix *prefix, bool is_network)
{
    struct mention_key key = {.prefix = *prefix, .is_network = is_network};
    char expected[MISTAKE_TEXT_SIZE];
    bool added;
    uint32_t *first = map_add(&import->mentions, &key, &added);
    if (!first) {
        mistake(import, "address", word, "fewer addresses in one file");
        return false;
    }
    if (!added) {
        unsigned line, column;
        place_of(import, import->text + *first, &line, &column);
        snprintf(expected, sizeof expected, "what no other line names; line %u does", line);
        mistake(import, "address", word, expected);
        return false;
    }
    *first = (uint32_t)(word.at - import->text);
    return true;
}

static void read_addresses(struct import *import, struct span field, struct line *line)
{
    static const char *const limits[] = {"at most 64 addresses in one line",
                                         "at most 4096 prefixes in one line"};
    static const unsigned most[] = {ADDRESSES_MAX, PREFIXES_MAX};
    struct span left = field, word;
    struct prefix prefix;
    bool is_network;
    while (next_word(&left, &word)) {
        if (!read_prefix(import, word, &prefix, &is_network) || !is_new(import, word, &prefix, is_network))
            continue;
        if (line->counts[is_network] == most[is_network]) {
            mistake(import, "address", word, limits[is_network]);
            return;
        }
        line->prefixes[is_network * ADDRESSES_MAX + line->counts[is_network]++] = prefix;
    }
    if (!next_word(&field, &word))
        mistake(import, "address", trimmed(field), "an address or a prefix");
}

/* The line as a host, or as a network. */
static void write_entry(struct import *import, const struct line *line, bool is_network)
{
    static const char *const keys[] = {"addresses", "prefixes"};
    static const unsigned most[] = {HOSTS_MAX, NETWORKS_MAX};
    static const char *const limits[] = {"at most 8192 hosts", "at most 4096 networks"};
    struct json_out *json = &import->json;
    if (!line->counts[is_network])
        return;
    if (import->counts[is_network]++ == most[is_network])
        mistakes_add(import->mistakes, import->file, 0, 0, "", "more", limits[is_network]);
    json_start(json, import->buffer, JSON_IN_SIZE_MAX);
    json_object(json, NULL);
    if (*line->name)
        json_string(json, "name", line->name);
    json_array(json, keys[is_network]);
    for (unsigned i = 0; i < line->counts[is_network]; i++) {
        const struct prefix *prefix = &line->prefixes[is_network * ADDRESSES_MAX + i];
        char text[PREFIX_TEXT_SIZE];
        json_string(json, NULL, is_network ? prefix_text(prefix, text) : addr_text(&prefix->addr, text));
    }
    json_end_array(json);
    json_array(json, "roles");
    for (role_set left = line->roles; left; left &= left - 1)
        json_string(json, NULL, rules_role(import->rules, (unsigned)__builtin_ctzll(left))->id);
    json_end_array(json);
    json_end_object(json);
    if (json_finish(json))
        fprintf(import->outs[is_network], "%s    %s", import->counts[is_network] > 1 ? ",\n" : "",
                import->buffer);
}

static void read_line(struct import *import, const struct record *record, struct line *line)
{
    struct span whole = {.at = record->at, .size = strcspn(record->at, "\r\n")};
    if (record->count != import->columns || record->count > FIELDS_MAX) {
        mistake(import, "", whole, "as many fields as the header has");
        return;
    }
    line->counts[0] = line->counts[1] = 0;
    line->roles = 0;
    line->name[0] = '\0';
    read_name(import, record->fields[import->place_of[COLUMN_NAME]], line);
    read_addresses(import, record->fields[import->place_of[COLUMN_ADDRESS]], line);
    read_roles(import, record->fields[import->place_of[COLUMN_ROLES]], line);
    write_entry(import, line, false);
    write_entry(import, line, true);
}

/* The whole. */

/* The file's name without folder and ending, or "imported" where it has none. */
static void write_site_name(const struct import *import, FILE *out)
{
    char name[128], quoted[300];
    const char *slash = strrchr(import->file, '/'), *base = slash ? slash + 1 : import->file;
    struct json_out json;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(base, "."), base);
    json_start(&json, quoted, sizeof quoted);
    if (json_string(&json, NULL, name) != JSON_AS_IT_WAS || !*name || !json_finish(&json))
        snprintf(quoted, sizeof quoted, "\"imported\"");
    fprintf(out, "{\n  \"site\": %s,\n", quoted);
}

static char *join(struct import *import, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        abort();
    write_site_name(import, out);
    fprintf(out, "  \"hosts\": [%s%s%s],\n", import->counts[0] ? "\n" : "", import->texts[0],
            import->counts[0] ? "\n  " : "");
    fprintf(out, "  \"networks\": [%s%s%s]\n}\n", import->counts[1] ? "\n" : "", import->texts[1],
            import->counts[1] ? "\n  " : "");
    if (fclose(out))
        abort();
    return text;
}

static void read_lines(struct import *import)
{
    struct line line;
    struct record record;
    line.prefixes = calloc(ADDRESSES_MAX + PREFIXES_MAX, sizeof *line.prefixes);
    if (!line.prefixes)
        abort();
    while (next_record(import, &record))
        if (!is_blank(&record))
            read_line(import, &record, &line);
    free(line.prefixes);
}

static void begin(struct import *import)
{
    static const uint64_t secret[2] = {0x726f6c6563616c6c,
                                       0x686f737473}; /* the operator's own table: no attacker */
    static const char mark[] = "\xef\xbb\xbf";        /* spreadsheets put a byte order mark first */
    import->buffer = malloc(JSON_IN_SIZE_MAX);
    bool ok = import->buffer &&
              map_init(&import->mentions, sizeof(struct mention_key), sizeof(uint32_t), MENTIONS_MAX, secret);
    for (unsigned i = 0; i < 2 && ok; i++)
        ok = (import->outs[i] = open_memstream(&import->texts[i], &import->sizes[i])) != NULL;
    if (!ok)
        abort(); /* a few MiB at start, when nothing runs yet */
    if (import->end - import->at >= 3 && memcmp(import->at, mark, 3) == 0)
        import->text = import->at += 3;
}

static void end(struct import *import)
{
    for (unsigned i = 0; i < 2; i++)
        free(import->texts[i]);
    map_fini(&import->mentions);
    free(import->buffer);
}

char *site_from_csv(const char *file, const char *text, size_t size, const struct rules *rules,
                    struct mistakes *mistakes, size_t *out_size)
{
    struct import import = {
        .file = file, .text = text, .at = text, .end = text + size, .rules = rules, .mistakes = mistakes};
    char *out = NULL;
    if (size > JSON_IN_SIZE_MAX || memchr(text, 0, size)) {
        mistakes_add(mistakes, file, 0, 0, "", size > JSON_IN_SIZE_MAX ? "more than 1 MiB" : "a zero byte",
                     "a table of hosts");
        return NULL;
    }
    begin(&import);
    if (read_header(&import))
        read_lines(&import);
    for (unsigned i = 0; i < 2; i++)
        if (fclose(import.outs[i]))
            abort();
    if (!mistakes->count)
        out = join(&import, out_size);
    end(&import);
    /* What was written must be a site file; one that is too large is not. */
    struct site *site = out ? site_from_text(file, out, *out_size, rules, mistakes) : NULL;
    if (out && !site) {
        free(out);
        out = NULL;
    }
    site_free(site);
    return out;
}
