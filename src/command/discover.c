/* SPDX-License-Identifier: BSD-2-Clause
 *
 * discover.c - `rolecall discover`: the hosts and roles that captures show, printed as a site file with the
 * evidence in comments (DESIGN 9). One pass, without a policy; standard input will do.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "rolecall/discover.h"
#include "feed.h"

static const char usage[] = "usage: rolecall discover [OPTION...] CAPTURE... > site.json\n"
                            "\n"
                            "CAPTURE is a pcap or pcapng file (gzip or zstd too), a folder of them,\n"
                            "or - for standard input.\n"
                            "\n"
                            "  --rules DIR      where the matrix files are\n"
                            "  --filter BPF     read only packets that match, as tcpdump takes it\n"
                            "\n"
                            "Exit status: 0 roles were found; 2 usage or rules; 3 input unreadable or\n"
                            "cut, or output failed; 4 no role was found.\n"
                            "\n"
                            "Example: rolecall discover monday.pcap > site.json\n";

struct options {
    const char *rules, *filter;
    const char *const *captures;
    size_t capture_count;
    bool help;
};

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"rules", required_argument, NULL, 'r'},
                                          {"filter", required_argument, NULL, 'b'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;
    *options = (struct options){.rules = NULL};
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        if (option == 'r')
            options->rules = optarg;
        else if (option == 'b')
            options->filter = optarg;
        else if (option == 'h')
            options->help = true;
        else
            return false; /* getopt has said why */
    }
    options->captures = (const char *const *)argv + optind;
    options->capture_count = (size_t)(argc - optind);
    if (!options->help && !options->capture_count)
        fprintf(stderr, "rolecall discover: no capture is given\n");
    return options->help || options->capture_count;
}

static void learn(void *context, const struct judge_flow *in, const struct verdict *verdict,
                  enum flow_end end)
{
    (void)end;
    discovery_flow(context, in, verdict);
}

static int print_site(struct discovery *discovery, bool damaged)
{
    size_t size;
    char *text = discovery_site_text(discovery, &size);
    if (!text) {
        fprintf(stderr, "rolecall: out of memory\n");
        return EXIT_OUTPUT;
    }
    fwrite(text, 1, size, stdout);
    free(text);
    if (damaged)
        return EXIT_INPUT;
    return discovery_host_count(discovery) ? EXIT_DONE : EXIT_NOTHING_JUDGED;
}

static int discover(const struct rules *rules, const struct options *options)
{
    bool damaged = false;
    int status = EXIT_INPUT;
    bool is_usage;
    struct capture *capture =
        feed_open(options->captures, options->capture_count, options->filter, &damaged, &is_usage);
    if (!capture)
        return is_usage ? EXIT_USAGE : EXIT_INPUT;
    struct discovery *discovery = discovery_create(rules);
    struct engine_options engine_options = {.workers = 1, .flow_over = learn, .context = discovery};
    struct engine *engine = discovery ? engine_create(&engine_options) : NULL;
    if (engine) {
        feed_capture(capture, engine, NULL, &damaged);
        status = print_site(discovery, damaged);
    } else {
        fprintf(stderr, "rolecall: out of memory\n");
        status = EXIT_OUTPUT;
    }
    engine_destroy(engine);
    discovery_destroy(discovery);
    capture_close(capture);
    return status;
}

static int run(int argc, char **argv)
{
    struct options options;
    if (!parse_options(argc, argv, &options))
        return command_misused(&command_discover);
    if (options.help)
        return command_helped(&command_discover);
    struct rules *rules = command_rules(options.rules);
    int status = rules ? discover(rules, &options) : EXIT_USAGE;
    rules_free(rules);
    return status;
}

const struct command command_discover = {
    "discover", "find hosts and roles in capture files: a first site file", usage, run};
