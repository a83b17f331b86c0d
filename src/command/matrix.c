/* SPDX-License-Identifier: BSD-2-Clause
 *
 * matrix.c - `rolecall matrix`: lists, shows, compares and checks matrix files. Reads rules and prints them;
 * judges nothing. DESIGN 9.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "rolecall/rules.h"
#include "terminal.h"

static const char usage[] = "usage: rolecall matrix list [OPTION...]\n"
                            "       rolecall matrix show [OPTION...] ROW\n"
                            "       rolecall matrix diff [OPTION...] A B\n"
                            "       rolecall matrix check FILE...\n"
                            "\n"
                            "list prints a line for each documented row, show all of one row, diff\n"
                            "what changed from one matrix to another, check every mistake of matrix\n"
                            "files.\n"
                            "\n"
                            "  --json         list: one JSON object a row, with every column\n"
                            "  --rules DIR    where the matrix files are\n"
                            "\n"
                            "Exit status: 0 done; 2 usage, or mistakes in the rules; 3 output failed.\n"
                            "\n"
                            "Example: rolecall matrix diff lync-server-2013 skype-for-business-server\n";

struct matrix_options {
    const char *rules;
    bool json;
};

/* The parts of a row, in the order in which they are printed. */

enum part_kind { PART_TEXT, PART_WORDS, PART_BOOL };

struct part {
    const char *name;
    enum part_kind kind;
    const char *text;
    const struct row_words *words;
    bool is_set;
};

enum { PARTS_MAX = 16 };

static const char *direction_name(enum row_direction direction)
{
    static const char *const names[] = {[ROW_INBOUND] = "inbound",
                                        [ROW_OUTBOUND] = "outbound",
                                        [ROW_EITHER] = "either",
                                        [ROW_MEDIA] = "media",
                                        [ROW_IPSEC] = "ipsec"};
    return names[direction];
}

static const char *modality_name(unsigned modality)
{
    static const char *const names[] = {[MODALITY_UNKNOWN] = "",
                                        [MODALITY_AUDIO] = "audio",
                                        [MODALITY_VIDEO] = "video",
                                        [MODALITY_APPLICATION_SHARING] = "application-sharing"};
    return names[modality];
}

static void parts_of(const struct matrix_row *row, struct part out[PARTS_MAX])
{
    const struct part parts[PARTS_MAX] = {
        {.name = "row", .text = row->id},
        {.name = "matrix", .text = row->matrix},
        {.name = "table", .text = row->table},
        {.name = "direction", .text = direction_name(row->direction)},
        {.name = "from", .text = row->from},
        {.name = "to", .text = row->to},
        {.name = "service", .text = row->service},
        {.name = "ports", .kind = PART_WORDS, .words = &row->port_words},
        {.name = "own_port", .kind = PART_BOOL, .is_set = row->own_port},
        {.name = "documented", .text = row->documented},
        {.name = "transport", .kind = PART_WORDS, .words = &row->transport_words},
        {.name = "application", .kind = PART_WORDS, .words = &row->application_words},
        {.name = "application_source", .text = row->application_source},
        {.name = "condition", .text = row->condition},
        {.name = "when", .text = row->when},
        {.name = "purpose", .text = row->purpose},
    };
    memcpy(out, parts, sizeof parts);
}

/* A part as people read it: lists with commas. */
static const char *part_text(const struct part *part, char *out, size_t size)
{
    size_t used = 0;
    if (part->kind == PART_TEXT)
        return part->text;
    if (part->kind == PART_BOOL)
        return part->is_set ? "yes" : "";
    out[0] = '\0';
    for (unsigned i = 0; i < part->words->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "," : "", part->words->at[i]);
    return out;
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            printf("\\u%04x", *p);
        else
            putchar(*p);
    }
    putchar('"');
}

static void print_json_part(const struct part *part)
{
    if (part->kind == PART_TEXT) {
        print_json_text(part->text);
    } else if (part->kind == PART_BOOL) {
        fputs(part->is_set ? "true" : "false", stdout);
    } else {
        putchar('[');
        for (unsigned i = 0; i < part->words->count; i++) {
            if (i > 0)
                putchar(',');
            print_json_text(part->words->at[i]);
        }
        putchar(']');
    }
}

static void print_json_row(const struct matrix_row *row)
{
    struct part parts[PARTS_MAX];
    parts_of(row, parts);
    for (unsigned i = 0; i < PARTS_MAX; i++) {
        printf("%c\"%s\":", i == 0 ? '{' : ',', parts[i].name);
        print_json_part(&parts[i]);
    }
    puts("}");
}

/* matrix list */

static const unsigned listed[] = {0, 3, 4, 5, 7, 10, 11, 14}; /* row, direction, from, to, ports, ..., when */
enum { LISTED_COUNT = sizeof listed / sizeof *listed };

static void measure_row(const struct matrix_row *row, size_t widths[LISTED_COUNT])
{
    struct part parts[PARTS_MAX];
    char text[128];
    parts_of(row, parts);
    for (unsigned i = 0; i < LISTED_COUNT; i++) {
        size_t name = strlen(parts[listed[i]].name),
               size = strlen(part_text(&parts[listed[i]], text, sizeof text));
        widths[i] = name > widths[i] ? name : widths[i];
        widths[i] = size > widths[i] ? size : widths[i];
    }
}

static void print_columns(const struct matrix_row *row, bool names, const size_t widths[LISTED_COUNT])
{
    struct part parts[PARTS_MAX];
    char text[128];
    parts_of(row, parts);
    for (unsigned i = 0; i < LISTED_COUNT; i++) {
        const struct part *part = &parts[listed[i]];
        const char *cell = names ? part->name : part_text(part, text, sizeof text);
        bool last = i + 1 == LISTED_COUNT;
        printf("%-*s%s", last ? 0 : (int)widths[i], cell, last ? "\n" : "  ");
    }
}

static int list(const struct rules *rules, const struct matrix_options *options)
{
    size_t widths[LISTED_COUNT] = {0};
    bool first = true;
    for (unsigned i = 0; i < rules_matrix_count(rules); i++)
        for (unsigned j = 0; j < rules_matrix(rules, i)->row_count; j++)
            measure_row(&rules_matrix(rules, i)->rows[j], widths);
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++) {
            if (first && !options->json)
                print_columns(&matrix->rows[j], true, widths);
            first = false;
            if (options->json)
                print_json_row(&matrix->rows[j]);
            else
                print_columns(&matrix->rows[j], false, widths);
        }
    }
    return EXIT_DONE;
}

/* matrix show */

static void print_field(const char *name, const char *text)
{
    if (*text)
        printf("%-20s%s\n", name, text);
}

static int show(const struct rules *rules, const char *id)
{
    const struct matrix_row *row = rules_find_row(rules, id);
    struct part parts[PARTS_MAX];
    char text[128];
    if (!row) {
        struct nearest nearest = {.wanted = id};
        for (unsigned i = 0; i < rules_matrix_count(rules); i++)
            for (unsigned j = 0; j < rules_matrix(rules, i)->row_count; j++)
                nearest_offer(&nearest, rules_matrix(rules, i)->rows[j].id);
        if (nearest.best)
            fprintf(stderr, "rolecall: no row \"%s\" (did you mean \"%s\"?)\n", id, nearest.best);
        else
            fprintf(stderr, "rolecall: no row \"%s\"; see rolecall matrix list\n", id);
        return EXIT_USAGE;
    }
    const struct matrix *matrix = rules_find_matrix(rules, row->matrix);
    parts_of(row, parts);
    for (unsigned i = 0; i < PARTS_MAX; i++)
        print_field(parts[i].name, part_text(&parts[i], text, sizeof text));
    print_field("modality", modality_name(row->modality));
    print_field("note", row->note);
    print_field("document", matrix->document);
    print_field("reference", matrix->reference);
    print_field("read", matrix->read);
    return EXIT_DONE;
}

/* matrix diff */

static bool same_words(const struct row_words *a, const struct row_words *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->at[i], b->at[i]) != 0)
            return false;
    return true;
}

static bool same_part(const struct part *a, const struct part *b)
{
    if (a->kind == PART_WORDS)
        return same_words(a->words, b->words);
    return a->kind == PART_BOOL ? a->is_set == b->is_set : strcmp(a->text, b->text) == 0;
}

/* Parts by which a row is known again, fewer from round to round; what the others differ in is told. Row and
 * matrix differ by nature. */
#define PART(n) (1u << (n))
enum {
    BY_PLACE = PART(2) | PART(3) | PART(7), /* table, direction, ports */
    BY_ROLES = PART(4) | PART(5),
    BY_SERVICE = PART(6),
    BY_ALL = 0xffffu & ~(PART(0) | PART(1))
};
static const unsigned rounds[] = {BY_ALL, BY_PLACE | BY_ROLES | BY_SERVICE, BY_PLACE | BY_ROLES,
                                  BY_PLACE | BY_SERVICE};

static bool agree(const struct matrix_row *a, const struct matrix_row *b, unsigned parts)
{
    struct part x[PARTS_MAX], y[PARTS_MAX];
    parts_of(a, x);
    parts_of(b, y);
    for (unsigned i = 0; i < PARTS_MAX; i++)
        if (parts & PART(i) && !same_part(&x[i], &y[i]))
            return false;
    return true;
}

/* twin[i]: the row of b that is row i of a, plus one; taken[j]: row j of b has its twin. */
static void match_rows(const struct matrix *a, const struct matrix *b, unsigned *twin, bool *taken)
{
    for (unsigned round = 0; round < sizeof rounds / sizeof *rounds; round++) {
        for (unsigned i = 0; i < a->row_count; i++) {
            for (unsigned j = 0; j < b->row_count && twin[i] == 0; j++) {
                if (!taken[j] && agree(&a->rows[i], &b->rows[j], rounds[round])) {
                    twin[i] = j + 1;
                    taken[j] = true;
                }
            }
        }
    }
}

/* The columns of one row that only one of the two has. Why: its purpose, else its service and condition. */
enum { DIFF_COLUMNS = 6, DIFF_CELL = 320 };

static const char *const diff_titles[DIFF_COLUMNS] = {"connection", "ports", "transport",
                                                      "protocol",   "row",   "why"};

static void diff_cells(const struct matrix_row *row, char cells[DIFF_COLUMNS][DIFF_CELL])
{
    struct part parts[PARTS_MAX];
    char text[128];
    const char *slash = strchr(row->id, '/');
    parts_of(row, parts);
    snprintf(cells[0], DIFF_CELL, "%s -> %s%s", row->from, row->to,
             row->direction == ROW_MEDIA    ? " (its own media ports)"
             : row->direction == ROW_EITHER ? " (or back)"
                                            : "");
    snprintf(cells[1], DIFF_CELL, "%s", part_text(&parts[7], text, sizeof text));
    snprintf(cells[2], DIFF_CELL, "%s", part_text(&parts[10], text, sizeof text));
    snprintf(cells[3], DIFF_CELL, "%s", part_text(&parts[11], text, sizeof text));
    snprintf(cells[4], DIFF_CELL, "%s", slash ? slash + 1 : row->id);
    if (*row->purpose)
        snprintf(cells[5], DIFF_CELL, "%s", row->purpose);
    else
        snprintf(cells[5], DIFF_CELL, "%s%s%s", row->service, *row->condition ? ", " : "", row->condition);
}

static void print_diff_line(const struct terminal *to, char cells[DIFF_COLUMNS][DIFF_CELL],
                            const unsigned widths[DIFF_COLUMNS])
{
    unsigned at = 2;
    fputs("  ", to->out);
    for (unsigned i = 0; i + 1 < DIFF_COLUMNS; i++) {
        terminal_cell(to, widths[i], cells[i]);
        fputs("  ", to->out);
        at += widths[i] + 2;
    }
    if (to->is_terminal && at + terminal_columns(cells[DIFF_COLUMNS - 1]) > to->width)
        terminal_cell(to, to->width > at ? to->width - at : 0, cells[DIFF_COLUMNS - 1]);
    else
        fputs(cells[DIFF_COLUMNS - 1], to->out);
    fputc('\n', to->out);
}

/* The rows of a matrix that have no twin, IPsec exemptions or the others, as a table. */
static unsigned print_group(const struct terminal *to, const char *heading, const struct matrix *matrix,
                            const bool *has_twin, bool ipsec)
{
    char cells[DIFF_COLUMNS][DIFF_CELL];
    unsigned widths[DIFF_COLUMNS] = {0}, count = 0;
    for (unsigned pass = 0; pass < 2; pass++) { /* first the widths */
        for (unsigned i = 0; i < matrix->row_count; i++) {
            if (has_twin[i] || (matrix->rows[i].direction == ROW_IPSEC) != ipsec)
                continue;
            diff_cells(&matrix->rows[i], cells);
            for (unsigned c = 0; c < DIFF_COLUMNS; c++)
                if (terminal_columns(cells[c]) > widths[c])
                    widths[c] = terminal_columns(cells[c]);
            if (pass == 1)
                print_diff_line(to, cells, widths);
            count += pass;
        }
        if (pass == 1 || !widths[0])
            break;
        terminal_heading(to, heading);
        for (unsigned c = 0; c < DIFF_COLUMNS; c++) {
            snprintf(cells[c], DIFF_CELL, "%s", diff_titles[c]);
            if (strlen(diff_titles[c]) > widths[c])
                widths[c] = (unsigned)strlen(diff_titles[c]);
        }
        print_diff_line(to, cells, widths);
    }
    return count;
}

static void print_changed(const struct matrix_row *a, const struct matrix_row *b)
{
    struct part x[PARTS_MAX], y[PARTS_MAX];
    char before[128], after[128];
    parts_of(a, x);
    parts_of(b, y);
    printf("  %s is now %s\n", a->id, b->id);
    for (unsigned i = 0; i < PARTS_MAX; i++) {
        if (!(BY_ALL & PART(i)) || same_part(&x[i], &y[i]))
            continue;
        const char *was = part_text(&x[i], before, sizeof before),
                   *is = part_text(&y[i], after, sizeof after);
        printf("    %-18s %s -> %s\n", x[i].name, *was ? was : "(none)", *is ? is : "(none)");
    }
}

static unsigned print_all_changed(const struct terminal *to, const struct matrix *a, const struct matrix *b,
                                  const unsigned *twin)
{
    unsigned changed = 0;
    for (unsigned i = 0; i < a->row_count; i++) {
        if (twin[i] == 0 || agree(&a->rows[i], &b->rows[twin[i] - 1], BY_ALL))
            continue;
        if (changed++ == 0)
            terminal_heading(to, "Changed: see that your rules still fit");
        print_changed(&a->rows[i], &b->rows[twin[i] - 1]);
    }
    return changed;
}

static void print_difference(const struct matrix *a, const struct matrix *b, const unsigned *twin,
                             const bool *taken, bool *kept)
{
    struct terminal to = terminal_of(stdout);
    for (unsigned i = 0; i < a->row_count; i++)
        kept[i] = twin[i] != 0;
    printf("From %s (%u rows) to %s (%u rows)\n", a->id, a->row_count, b->id, b->row_count);
    unsigned added = print_group(&to, "Added: open these", b, taken, false);
    added += print_group(&to, "Added: exempt these from IPsec", b, taken, true);
    unsigned removed = print_group(&to, "Removed: no longer documented", a, kept, false);
    removed += print_group(&to, "Removed: no longer exempt from IPsec", a, kept, true);
    unsigned changed = print_all_changed(&to, a, b, twin);
    printf("\n%u the same, %u added, %u removed, %u changed\n", a->row_count - removed - changed, added,
           removed, changed);
}

static const struct matrix *named_matrix(const struct rules *rules, const char *id)
{
    const struct matrix *matrix = rules_find_matrix(rules, id);
    struct nearest nearest = {.wanted = id};
    for (unsigned i = 0; i < rules_matrix_count(rules); i++)
        nearest_offer(&nearest, rules_matrix(rules, i)->id);
    if (!matrix && nearest.best)
        fprintf(stderr, "rolecall: no matrix \"%s\" (did you mean \"%s\"?)\n", id, nearest.best);
    else if (!matrix)
        fprintf(stderr, "rolecall: no matrix \"%s\"\n", id);
    return matrix;
}

static int diff(const struct rules *rules, const char *first, const char *second)
{
    const struct matrix *a = named_matrix(rules, first), *b = named_matrix(rules, second);
    if (!a || !b)
        return EXIT_USAGE;
    unsigned *twin = calloc(a->row_count + 1, sizeof *twin);
    bool *taken = calloc(b->row_count + 1, sizeof *taken);
    bool *kept = calloc(a->row_count + 1, sizeof *kept);
    if (!twin || !taken || !kept)
        abort();
    match_rows(a, b, twin, taken);
    print_difference(a, b, twin, taken, kept);
    free(twin);
    free(taken);
    free(kept);
    return EXIT_DONE;
}

/* matrix check */

static int check(char **files, unsigned count)
{
    struct mistakes mistakes = {0};
    struct rules *rules = rules_load_files((const char *const *)files, count, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    if (!rules)
        return EXIT_USAGE;
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        printf("%s: %s, %u rows, no mistakes\n", matrix->file, matrix->id, matrix->row_count);
    }
    rules_free(rules);
    return EXIT_DONE;
}

static int with_rules(char **words, unsigned count, const struct matrix_options *options)
{
    struct mistakes mistakes = {0};
    bool is_list = strcmp(words[0], "list") == 0 && count == 1,
         is_show = strcmp(words[0], "show") == 0 && count == 2;
    bool is_diff = strcmp(words[0], "diff") == 0 && count == 3;
    int status = EXIT_USAGE;
    if (!is_list && !is_show && !is_diff) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    struct rules *rules = rules_load(options->rules, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    if (rules && is_list)
        status = list(rules, options);
    else if (rules && is_show)
        status = show(rules, words[1]);
    else if (rules)
        status = diff(rules, words[1], words[2]);
    rules_free(rules);
    return status;
}

static int run(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"json", no_argument, NULL, 'j'},
        {"rules", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct matrix_options options = {0};
    int option;
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'j') {
            options.json = true;
        } else if (option == 'r') {
            options.rules = optarg;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_DONE : EXIT_USAGE;
        }
    }
    char **words = argv + optind;
    unsigned count = (unsigned)(argc - optind);
    if (count == 0) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    int status = strcmp(words[0], "check") == 0 && count > 1 ? check(words + 1, count - 1)
                                                             : with_rules(words, count, &options);
    return status;
}

const struct command command_matrix = {"matrix", "list, show, compare and check the documented rows", usage,
                                       run};
