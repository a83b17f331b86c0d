/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ctl.c - `rolecall ctl`: asks a running daemon over its control socket (control.h) and shows the answer as
 * text, or as it came (--json). What the answers hold is src/daemon/state.c's and the run loop's matter.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "rolecall/config.h"
#include "rolecall/control.h"

static const char usage[] = "usage: rolecall ctl status|health|metrics|reload|reopen [OPTION...]\n"
                            "\n"
                            "status     what the daemon does: interfaces, outputs, memory, counters\n"
                            "health     what is wrong, if anything\n"
                            "metrics    all counters, as Prometheus takes them\n"
                            "reload     read rules and site again; any mistake leaves the old in force\n"
                            "reopen     open the outputs anew: after log files were renamed\n"
                            "\n"
                            "  --json              the answer as it came: one line of JSON\n"
                            "                      (metrics: as text all the same)\n"
                            "  -c, --config FILE   configuration that names the socket\n"
                            "                      (/etc/rolecall/rolecall.json)\n"
                            "  --socket FILE       the socket itself; /run/rolecall/control.sock\n"
                            "\n"
                            "Exit status: 0 done, healthy; 1 health: something is wrong; 2 usage, or\n"
                            "reload: mistakes in the files; 3 no answer.\n"
                            "\n"
                            "Example: rolecall ctl health\n";

enum { WAIT_S = 10, RELOAD_WAIT_S = 120, SIZE_TEXT = 24 };

struct options {
    const char *socket, *config;
    bool json;
};

/* Values of an answer; one that is not there reads as nothing. */

static const char *text_of(const struct json_value *object, const char *key)
{
    struct json_value value;
    return json_find(object, key, &value) ? json_text(&value) : "";
}

static uint64_t number_of(const struct json_value *object, const char *key)
{
    struct json_value value;
    double number = json_find(object, key, &value) ? json_number(&value) : 0;
    return number > 0 && number < 1.8e19 ? (uint64_t)number : 0;
}

/* 1536 as "1.5 KiB". */
static const char *size_text(uint64_t bytes, char out[SIZE_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)bytes;
    unsigned unit = 0;
    for (; size >= 1024 && unit < 6; unit++)
        size /= 1024;
    snprintf(out, SIZE_TEXT, unit ? "%.1f %s" : "%.0f %s", size, units[unit]);
    return out;
}

/* status */

static void print_interfaces(const struct json_value *root)
{
    struct json_value list;
    char size[SIZE_TEXT];
    if (!json_find(root, "interfaces", &list))
        return;
    printf("\n%-15s  %-7s %14s %10s %13s %18s  %s\n", "interface", "state", "packets", "bytes",
           "dropped: ring", "by the interface", "last packet");
    for (struct json_value one = json_first(&list); json_more(&one); json_next(&one))
        printf("%-15s  %-7s %14" PRIu64 " %10s %13" PRIu64 " %18" PRIu64 "  %s\n", text_of(&one, "name"),
               text_of(&one, "state"), number_of(&one, "packets"), size_text(number_of(&one, "bytes"), size),
               number_of(&one, "dropped_ring"), number_of(&one, "dropped_interface"),
               text_of(&one, "last_packet"));
}

static void print_outputs(const struct json_value *root)
{
    struct json_value list;
    char bytes[SIZE_TEXT], queued[SIZE_TEXT];
    if (!json_find(root, "outputs", &list))
        return;
    printf("\n%-15s  %-10s %-8s %12s %10s %10s %10s  %s\n", "output", "type", "state", "events", "bytes",
           "queued", "lost", "last error");
    for (struct json_value one = json_first(&list); json_more(&one); json_next(&one))
        printf("%-15s  %-10s %-8s %12" PRIu64 " %10s %10s %10" PRIu64 "  %s\n", text_of(&one, "name"),
               text_of(&one, "type"), text_of(&one, "state"), number_of(&one, "written_events"),
               size_text(number_of(&one, "written_bytes"), bytes),
               size_text(number_of(&one, "queued_bytes"), queued), number_of(&one, "lost_events"),
               text_of(&one, "error"));
}

static void print_counters(const struct json_value *root)
{
    struct json_value counters;
    if (!json_find(root, "engine", &counters))
        return;
    printf("\n");
    for (struct json_value one = json_first(&counters); json_more(&one); json_next(&one))
        if (json_number(&one) > 0)
            printf("%-26s %16.0f\n", json_member(&one), json_number(&one));
}

static void print_status(const struct json_value *root)
{
    struct json_value reload = *root;
    char resident[SIZE_TEXT], ceiling[SIZE_TEXT];
    uint64_t up = number_of(root, "uptime_s");
    const char *site = text_of(root, "site_file");
    printf("rolecall %s, process %" PRIu64 ", up %" PRIu64 " d %02u:%02u:%02u, run %s\n",
           text_of(root, "version"), number_of(root, "pid"), up / 86400, (unsigned)(up / 3600 % 24),
           (unsigned)(up / 60 % 60), (unsigned)(up % 60), text_of(root, "run_id"));
    if (*site)
        printf("site       %s (%s), %" PRIu64 " rows of %" PRIu64 " matrices in force\n",
               text_of(root, "site"), site, number_of(root, "rows"), number_of(root, "matrices"));
    else
        printf("site       none: nothing is judged\n");
    if (json_find(root, "reload", &reload))
        printf("reloads    %" PRIu64 " good, %" PRIu64 " refused; files in force since %s\n",
               number_of(&reload, "good"), number_of(&reload, "refused"), text_of(&reload, "last"));
    printf("memory     %s of at most %s\n", size_text(number_of(root, "memory_resident"), resident),
           size_text(number_of(root, "memory_ceiling"), ceiling));
    printf("behind     %" PRIu64 " ms; %" PRIu64 " workers, %" PRIu64 " events\n", number_of(root, "lag_ms"),
           number_of(root, "workers"), number_of(root, "events"));
    if (*text_of(root, "sandbox"))
        printf("sandbox    %s\n", text_of(root, "sandbox"));
    print_interfaces(root);
    print_outputs(root);
    print_counters(root);
}

static void print_list(const struct json_value *root, const char *key, FILE *out)
{
    struct json_value list;
    if (json_find(root, key, &list))
        for (struct json_value one = json_first(&list); json_more(&one); json_next(&one))
            fprintf(out, "%s\n", json_text(&one));
}

/* Health, reload and reopen: problems or mistakes, and a word when there are none. */
static void print_short(enum control_command command, const struct json_value *root, int status)
{
    static const char *const done[] = {
        [CONTROL_HEALTH] = "healthy", [CONTROL_RELOAD] = "reloaded", [CONTROL_REOPEN] = "reopened"};
    print_list(root, "problems", stdout);
    print_list(root, "mistakes", stderr);
    print_list(root, "warnings", stderr);
    if (*text_of(root, "error"))
        fprintf(stderr, "rolecall ctl: %s\n", text_of(root, "error"));
    if (status == 0)
        puts(done[command]);
}

static void print_answer(enum control_command command, const char *text, size_t size, int status)
{
    struct mistakes mistakes = {0};
    struct json_in *in = json_in_text("answer", text, size, &mistakes);
    if (!in) {
        fwrite(text, 1, size, stdout);
    } else {
        struct json_value root = json_root(in);
        if (command == CONTROL_STATUS)
            print_status(&root);
        else
            print_short(command, &root, status);
    }
    json_in_free(in);
    mistakes_clear(&mistakes);
}

static int ask(enum control_command command, const char *socket, const struct options *options)
{
    char error[256];
    int status;
    size_t size;
    char *answer = control_ask(socket, command, command == CONTROL_RELOAD ? RELOAD_WAIT_S : WAIT_S, &status,
                               &size, error);
    if (!answer) {
        fprintf(stderr, "rolecall ctl: %s\n", error);
        return EXIT_INPUT;
    }
    if (options->json || command == CONTROL_METRICS)
        fwrite(answer, 1, size, stdout);
    else
        print_answer(command, answer, size, status);
    free(answer);
    return status;
}

/* The socket that the configuration names. Without -c one that cannot be read (it may be the daemon's alone)
 * is passed over. */
static int ask_configured(enum control_command command, const struct options *options)
{
    struct mistakes mistakes = {0};
    struct config *config = config_load(options->config ? options->config : CONFIG_FILE, &mistakes);
    int status = EXIT_USAGE;
    if (!config && options->config)
        mistakes_print(&mistakes, "", stderr);
    else if (config && !config->control)
        fprintf(stderr, "rolecall ctl: %s: the control socket is turned off\n", config->path);
    else
        status = ask(command, config ? config->control : CONFIG_SOCKET, options);
    config_free(config);
    mistakes_clear(&mistakes);
    return status;
}

static int run(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"config", required_argument, NULL, 'c'},
        {"socket", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {0};
    unsigned command = CONTROL_COMMANDS;
    int option;
    optind = 0; /* glibc: start over, whatever was parsed before */
    while ((option = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (option == 'c') {
            options.config = optarg;
        } else if (option == 's') {
            options.socket = optarg;
        } else if (option == 'j') {
            options.json = true;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? EXIT_DONE : EXIT_USAGE;
        }
    }
    for (unsigned i = 0; argc - optind == 1 && i < CONTROL_COMMANDS; i++)
        if (strcmp(argv[optind], control_command_name(i)) == 0)
            command = i;
    if (command == CONTROL_COMMANDS) {
        if (optind < argc)
            fprintf(stderr, "rolecall ctl: \"%s\" is not understood here\n\n", argv[argc - 1]);
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return options.socket ? ask(command, options.socket, &options) : ask_configured(command, &options);
}

const struct command command_ctl = {"ctl", "ask a running daemon, or have it reload", usage, run};
