/* SPDX-License-Identifier: BSD-2-Clause
 *
 * config.c - `rolecall config`: checks what the daemon would read, prints a configuration to start from, and
 * the JSON Schemas. Checking reads configuration, rules and site as the daemon does and looks at the
 * interfaces (interface_check.c). Mistakes are told all together, then what is only odd.
 */
#include <getopt.h>
#include <libgen.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "interface_check.h"
#include "rolecall/config.h"
#include "rolecall/rulebook.h"
#include "schemas.h"

static const char usage[] = "usage: rolecall config check [OPTION...]\n"
                            "       rolecall config default\n"
                            "       rolecall config schema [config|site|matrix|event]\n"
                            "\n"
                            "check tells every mistake of the daemon's configuration, rules and site,\n"
                            "and what would hurt capture on its interfaces. default prints a commented\n"
                            "configuration that works as it is, schema the JSON Schema of a file that\n"
                            "rolecall reads (without a word: the configuration), or of the events it\n"
                            "writes.\n"
                            "\n"
                            "  -c, --config FILE     instead of /etc/rolecall/rolecall.json\n"
                            "  -i, --interface IF    look at this one, not at the configured ones\n"
                            "                        (may be repeated)\n"
                            "\n"
                            "Exit status: 0 no mistakes, but maybe warnings; 2 usage, or mistakes;\n"
                            "3 output failed.\n"
                            "\n"
                            "Example: rolecall config check -c /etc/rolecall/rolecall.json -i ens1\n";

struct options {
    const char *path;
    const char *interfaces[CONFIG_INTERFACES_MAX];
    unsigned interface_count;
};

/* config check */

static void check_folder(const char *path, const char *key, struct mistakes *warnings)
{
    char copy[4096];
    if (!path || snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return;
    const char *folder = dirname(copy);
    if (access(folder, F_OK) != 0)
        mistakes_add(warnings, path, 0, 0, key, "no such folder", "one that the daemon's user may write to");
}

/* What the configuration says of this machine. `whole`: all of it was understood. */
static void check_machine(const struct config *config, bool whole, const struct options *options,
                          struct mistakes *mistakes, struct mistakes *warnings)
{
    bool given = options->interface_count > 0;
    const char *const *names = given ? options->interfaces : config->capture.interfaces;
    unsigned count = given ? options->interface_count : config->capture.interface_count;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    char found[MISTAKE_TEXT_SIZE];
    for (unsigned i = 0; i < count; i++)
        interface_check(names[i], mistakes, warnings);
    if (count == 0 && whole)
        mistakes_add(warnings, config->path, 0, 0, "capture.interfaces", "none",
                     "at least one, or `rolecall run -i IF`");
    capture_permission_check(warnings);
    if (cpus > 0 && config->capture.workers > cpus) {
        snprintf(found, sizeof found, "%d on a machine with %ld processors", (int)config->capture.workers,
                 cpus);
        mistakes_add(warnings, config->path, 0, 0, "capture.workers", found, "at most one each");
    }
    if (config->user && !getpwnam(config->user))
        mistakes_add(warnings, config->path, 0, 0, "user", config->user,
                     "a user that there is: started as root, the daemon becomes this one");
    for (unsigned i = 0; i < config->output_count && whole; i++) {
        sink_check(&config->outputs[i], mistakes);
        if (config->outputs[i].kind == SINK_FILE)
            check_folder(config->outputs[i].path, "outputs", warnings);
    }
    check_folder(config->metrics.file, "metrics.file", warnings);
}

static void check_rulebook(const struct config *config, struct mistakes *mistakes, struct mistakes *warnings)
{
    struct rulebook *book = rulebook_load(config, mistakes);
    if (book && book->site)
        site_lint(book->site, book->rules, (int64_t)time(NULL) * 1000000000, warnings);
    else if (book)
        mistakes_add(warnings, CONFIG_SITE, 0, 0, "", "no site file",
                     "one: without roles nothing is judged (rolecall discover makes a first one)");
    rulebook_free(book);
}

static int check(const struct options *options)
{
    struct mistakes mistakes = {0}, warnings = {0};
    struct config *config = config_load_understood(options->path, &mistakes);
    bool whole = mistakes.count == 0;
    check_rulebook(config, &mistakes, &warnings);
    check_machine(config, whole, options, &mistakes, &warnings);
    config_free(config);
    bool ok = mistakes.count == 0;
    mistakes_print(&mistakes, "", stderr);
    mistakes_print(&warnings, "warning: ", stderr);
    if (ok)
        printf("%s: no mistakes, %u warnings\n", options->path, warnings.count + warnings.more);
    mistakes_clear(&mistakes);
    mistakes_clear(&warnings);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

/* config schema */

static int print_schema(const char *name)
{
    for (unsigned i = 0; schemas[i].name; i++) {
        if (strcmp(schemas[i].name, name) == 0) {
            fwrite(schemas[i].text, 1, schemas[i].size, stdout);
            return EXIT_DONE;
        }
    }
    fprintf(stderr, "rolecall config: no schema \"%s\", there are config, site, matrix and event\n", name);
    return EXIT_USAGE;
}

static bool take_option(int option, struct options *options)
{
    if (option == 'c')
        options->path = optarg;
    else if (option == 'i' && options->interface_count < CONFIG_INTERFACES_MAX)
        options->interfaces[options->interface_count++] = optarg;
    else
        return false;
    return true;
}

static int run_word(char **words, unsigned count, const struct options *options)
{
    if (count == 1 && strcmp(words[0], "check") == 0)
        return check(options);
    if (count == 1 && strcmp(words[0], "default") == 0) {
        fputs(config_default_text, stdout);
        return EXIT_DONE;
    }
    if ((count == 1 || count == 2) && strcmp(words[0], "schema") == 0)
        return print_schema(count == 2 ? words[1] : "config");
    if (count)
        fprintf(stderr, "rolecall config: \"%s\" is not understood here\n\n", words[count - 1]);
    fputs(usage, stderr);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"interface", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.path = CONFIG_FILE};
    int option;
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "c:i:h", long_options, NULL)) != -1) {
        if (!take_option(option, &options)) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_DONE : EXIT_USAGE;
        }
    }
    int status = run_word(argv + optind, (unsigned)(argc - optind), &options);
    return status;
}

const struct command command_config = {
    "config", "check the configuration of the daemon; print one, or a schema", usage, run};
