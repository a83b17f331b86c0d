/* SPDX-License-Identifier: BSD-2-Clause
 *
 * run.c - `rolecall run`: options over the configuration, then the daemon.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "rolecall/daemon.h"

static const char usage[] = "usage: rolecall run [OPTION...]\n"
                            "\n"
                            "Watches network interfaces until it is told to end (SIGTERM, Ctrl-C), in\n"
                            "the foreground.\n"
                            "\n"
                            "  -c, --config FILE      the daemon's configuration\n"
                            "                         (`rolecall config default` prints one)\n"
                            "  -i, --interface IF     watch this interface, not the configuration's\n"
                            "                         (may be repeated)\n"
                            "  --site FILE            the site's hosts and roles\n"
                            "  --events FILE          events into FILE, not the configuration's outputs\n"
                            "  --flows                an event for every flow, in scope or not\n"
                            "\n"
                            "Without -c it is a quick look: events on standard output, nothing else is\n"
                            "opened.\n"
                            "\n"
                            "Exit status: 0 ended by a signal; 2 usage, configuration, rules or site,\n"
                            "or no permission; 3 an interface is gone, or output failed.\n"
                            "\n"
                            "Example: rolecall run -i span0 --site contoso.site.json\n";

struct options {
    const char *config, *site, *events;
    const char *interfaces[CONFIG_INTERFACES_MAX];
    unsigned interface_count;
    bool flows, help;
};

static bool take_option(int option, struct options *options)
{
    switch (option) {
    case 'c':
        options->config = optarg;
        return true;
    case 'i':
        if (options->interface_count == CONFIG_INTERFACES_MAX) {
            fprintf(stderr, "rolecall run: --interface: at most %d of them\n", CONFIG_INTERFACES_MAX);
            return false;
        }
        options->interfaces[options->interface_count++] = optarg;
        return true;
    case 's':
        options->site = optarg;
        return true;
    case 'e':
        options->events = optarg;
        return true;
    case 'f':
        options->flows = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    default:
        return false; /* getopt has said why */
    }
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"config", required_argument, NULL, 'c'},
                                          {"interface", required_argument, NULL, 'i'},
                                          {"site", required_argument, NULL, 's'},
                                          {"events", required_argument, NULL, 'e'},
                                          {"flows", no_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *options = (struct options){0};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "c:i:h", names, NULL)) != -1)
        if (!take_option(option, options))
            return false;
    if (optind < argc)
        fprintf(stderr, "rolecall run: \"%s\" is no option\n", argv[optind]);
    return optind == argc;
}

/* The command line goes before the configuration. */
static void override(struct config *config, const struct options *options)
{
    if (options->interface_count) {
        memcpy(config->capture.interfaces, options->interfaces, sizeof options->interfaces);
        config->capture.interface_count = options->interface_count;
    }
    if (options->site)
        config->site = options->site;
    if (options->flows)
        config->flows.every_flow = true;
    if (options->events || !options->config) {
        config->outputs[0] = options->events
                                 ? (struct sink_options){.kind = SINK_FILE, .path = options->events}
                                 : (struct sink_options){.kind = SINK_STDOUT};
        config->output_count = 1;
    }
    if (!options->config) { /* a quick look */
        config->control = NULL;
        config->flows.every_flow |= !options->site;
    }
}

static int run(int argc, char **argv)
{
    struct options options;
    if (!parse_options(argc, argv, &options))
        return command_misused(&command_run);
    if (options.help)
        return command_helped(&command_run);
    struct mistakes mistakes = {0};
    struct config *config = options.config ? config_load(options.config, &mistakes) : config_create();
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    if (!config)
        return EXIT_USAGE;
    override(config, &options);
    int status = EXIT_USAGE;
    if (config->capture.interface_count)
        status = daemon_run(config);
    else
        fputs("rolecall run: no interface is given (-i IF, or capture.interfaces in the configuration)\n",
              stderr);
    config_free(config);
    return status;
}

const struct command command_run = {"run", "watch network interfaces live", usage, run};
