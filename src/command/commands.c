/* SPDX-License-Identifier: BSD-2-Clause
 *
 * commands.c - the list of commands, the one that is too small for a file of its own, and what most of them
 * do alike.
 */
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "rolecall/capture.h"
#include "rolecall/rules.h"
#include "rolecall/sink.h"

static const char version_usage[] =
    "usage: rolecall version\n"
    "\n"
    "Prints the version, those of its libraries, and whether Kafka is built in.\n"
    "\n"
    "Example: rolecall version\n";

static int version(int argc, char **argv)
{
    if (argc > 1) {
        bool help = strcmp(argv[1], "--help") == 0;
        fputs(version_usage, help ? stdout : stderr);
        return help ? EXIT_DONE : EXIT_USAGE;
    }
    printf("rolecall %s\n%s\nOpenSSL %s\n%s\n", ROLECALL_VERSION, capture_library_version(),
           OpenSSL_version(OPENSSL_VERSION_STRING),
           sink_kind_is_built(SINK_KAFKA) ? "with Kafka" : "without Kafka");
    return EXIT_DONE;
}

const struct command command_version = {"version", "print the version", version_usage, version};

int command_helped(const struct command *command)
{
    fputs(command->usage, stdout);
    return EXIT_DONE;
}

int command_misused(const struct command *command)
{
    fprintf(stderr, "Try `rolecall %s --help`.\n", command->name);
    return EXIT_USAGE;
}

struct rules *command_rules(const char *directory)
{
    struct mistakes mistakes = {0};
    struct rules *rules = rules_load(directory, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    mistakes_clear(&mistakes);
    return rules;
}

const struct command *const commands[] = {&command_analyze,
                                          &command_report,
                                          &command_convert,
                                          &command_run,
                                          &command_discover,
                                          &command_explain,
                                          &command_matrix,
                                          &command_site,
                                          &command_config,
                                          &command_ctl,
                                          &command_completion,
                                          &command_version,
                                          NULL};
