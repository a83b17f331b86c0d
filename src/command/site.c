/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site.c - `rolecall site import`: a table of hosts, as a spreadsheet saves it, becomes a site file (DESIGN
 * 9). Reads options and the table; what it means is site_csv.c's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "rolecall/json_in.h"
#include "site_csv.h"

static const char usage[] = "usage: rolecall site import [OPTION...] HOSTS.csv > site.json\n"
                            "\n"
                            "HOSTS.csv (- for standard input) begins with a line that names its\n"
                            "columns: name, address and roles, in any order. Several addresses or\n"
                            "roles in a field stand apart by blanks, semicolons or plus signs. A\n"
                            "prefix like 10.20.4.0/22 becomes a network. `rolecall matrix list` shows\n"
                            "the roles in its columns from and to.\n"
                            "\n"
                            "  --rules DIR    where the matrix files are\n"
                            "\n"
                            "Exit status: 0 done; 2 usage, rules, or mistakes in the table; 3 the\n"
                            "table could not be read, or output failed.\n"
                            "\n"
                            "Example: rolecall site import hosts.csv > site.json\n";

struct options {
    const char *rules, *file;
    bool help;
};

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"rules", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int option;
    *options = (struct options){.rules = NULL};
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (option == 'r')
            options->rules = optarg;
        else if (option == 'h')
            options->help = true;
        else
            return false; /* getopt has said why */
    }
    if (options->help)
        return true;
    if (argc - optind != 2 || strcmp(argv[optind], "import") != 0) {
        fprintf(stderr, "rolecall site: expected import and one table\n");
        return false;
    }
    options->file = argv[optind + 1];
    return true;
}

/* At most one byte more than a table may have. */
static char *read_table(const char *path, size_t *size)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(path, "re");
    char *text = file ? malloc(JSON_IN_SIZE_MAX + 2) : NULL;
    if (text) {
        *size = fread(text, 1, JSON_IN_SIZE_MAX + 1, file);
        text[*size] = '\0';
        if (ferror(file)) {
            free(text);
            text = NULL;
        }
    }
    if (!text)
        fprintf(stderr, "rolecall: %s: %s\n", path, strerror(errno));
    if (file && !is_stdin)
        fclose(file);
    return text;
}

static int import(const struct rules *rules, const struct options *options)
{
    struct mistakes mistakes = {0};
    size_t size, site_size;
    char *text = read_table(options->file, &size);
    if (!text)
        return EXIT_INPUT;
    const char *name = strcmp(options->file, "-") == 0 ? "imported" : options->file;
    char *site = site_from_csv(name, text, size, rules, &mistakes, &site_size);
    int status = site ? EXIT_DONE : EXIT_USAGE;
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    if (site)
        fwrite(site, 1, site_size, stdout);
    free(site);
    free(text);
    return status;
}

static int run(int argc, char **argv)
{
    struct options options;
    if (!parse_options(argc, argv, &options))
        return command_misused(&command_site);
    if (options.help)
        return command_helped(&command_site);
    struct rules *rules = command_rules(options.rules);
    int status = rules ? import(rules, &options) : EXIT_USAGE;
    rules_free(rules);
    return status;
}

const struct command command_site = {"site", "make a site file of a table of hosts", usage, run};
