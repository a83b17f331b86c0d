/* SPDX-License-Identifier: BSD-2-Clause
 *
 * completion.c - `rolecall completion bash|zsh|fish`: what a shell needs to complete commands, subcommands,
 * options and their arguments. All of it is read from the commands' own usage texts, so that nothing can be
 * forgotten: a lower-case word behind "rolecall COMMAND" is a subcommand, `--name ARG` an option with an
 * argument, and ARG tells what is completed: a folder for DIR, a word of a list for the ARGs below, nothing
 * for numbers and free text, else a file.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const char usage[] = "usage: rolecall completion bash|zsh|fish\n"
                            "\n"
                            "Prints the completions of a shell. A package installs them; to try them:\n"
                            "\n"
                            "  bash   eval \"$(rolecall completion bash)\"\n"
                            "  zsh    eval \"$(rolecall completion zsh)\"     after compinit\n"
                            "  fish   rolecall completion fish | source\n"
                            "\n"
                            "Example: rolecall completion bash > /etc/bash_completion.d/rolecall\n";

enum argument_kind { ARGUMENT_NONE, ARGUMENT_FILE, ARGUMENT_FOLDER, ARGUMENT_WORDS, ARGUMENT_TEXT };

struct word {
    const char *at;
    int size; /* for %.*s */
};

struct option_shown {
    struct word name, argument; /* argument.size 0: it takes none */
    struct word text;           /* what the usage says of it; size 0: nothing */
};

/* Arguments that are one of a few words, or are not files. */
static const struct {
    const char *argument, *words; /* words NULL: free text */
} arguments[] = {
    {"LEVEL", "low medium high critical never"},
    {"ID", "skype-for-business-server lync-server-2013 lync-server-2013-edge"},
    {"FORMAT", "cef"},
    {"BPF", NULL},
    {"T", NULL},
    {"N", NULL},
    {"IF", NULL},
    {"ROW", NULL},
};

static bool is_word(struct word word, const char *text)
{
    return word.size == (int)strlen(text) && memcmp(word.at, text, strlen(text)) == 0;
}

static enum argument_kind kind_of(struct word argument, const char **words)
{
    *words = NULL;
    if (!argument.size)
        return ARGUMENT_NONE;
    if (is_word(argument, "DIR"))
        return ARGUMENT_FOLDER;
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        if (!is_word(argument, arguments[i].argument))
            continue;
        *words = arguments[i].words;
        return arguments[i].words ? ARGUMENT_WORDS : ARGUMENT_TEXT;
    }
    return ARGUMENT_FILE;
}

static struct word word_at(const char *at, const char *end, bool (*is_part)(char c))
{
    struct word word = {at, 0};
    while (at + word.size < end && is_part(at[word.size]))
        word.size++;
    return word;
}

static bool is_name(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '-';
}

static bool is_argument(char c)
{
    return isupper((unsigned char)c) || c == '.';
}

/* Do usage lines of this kind name options: the synopsis, and the list with one line each? */
static bool names_options(const char *line)
{
    return strncmp(line, "usage:", 6) == 0 || strncmp(line, "       rolecall", 15) == 0 ||
           strncmp(line, "  -", 3) == 0;
}

/* What stands behind two blanks or more is the option's text. */
static struct word text_of(const char *at, const char *end)
{
    struct word text = {end, 0};
    for (; at + 1 < end; at++) {
        if (at[0] == ' ' && at[1] == ' ') {
            while (at < end && *at == ' ')
                at++;
            return (struct word){at, (int)(end - at)};
        }
    }
    return text;
}

typedef void option_visitor(const struct command *command, const struct option_shown *option);

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

/* Was the option named before in this usage text? */
static bool is_repeated(const char *text, struct word name)
{
    for (const char *at = text; at < name.at; at++) {
        at = strstr(at, "--");
        if (!at || at >= name.at)
            return false;
        struct word other = word_at(at, name.at, is_name);
        if (other.size == name.size && memcmp(other.at, name.at, (size_t)name.size) == 0)
            return true;
    }
    return false;
}

static void options_in_line(const struct command *command, const char *line, option_visitor *visit)
{
    const char *end = line + strcspn(line, "\n");
    struct word says = strncmp(line, "  -", 3) == 0 ? text_of(line + 2, end) : (struct word){end, 0};
    const char *limit = says.size ? says.at : end;
    for (const char *at = line; at + 2 < limit; at++) {
        if (at[0] != '-' || at[1] != '-' || !islower((unsigned char)at[2]) || (at > line && is_name(at[-1])))
            continue;
        struct option_shown option = {.name = word_at(at, limit, is_name), .text = says};
        const char *behind = at + option.name.size;
        if (behind < limit && *behind == ' ')
            option.argument = word_at(behind + 1, limit, is_argument);
        if (!is_repeated(command->usage, option.name))
            visit(command, &option);
        at = behind - 1;
    }
}

static void each_option(const struct command *command, option_visitor *visit)
{
    static const struct option_shown help = {{"--help", 6}, {"", 0}, {"tell more", 9}};
    for (const char *line = command->usage; *line; line = next_line(line))
        if (names_options(line))
            options_in_line(command, line, visit);
    visit(command, &help);
}

enum { SUBCOMMANDS_SIZE = 256 };

/* The lower-case words behind "rolecall COMMAND" in the synopsis, blanks between; empty where there are none.
 */
static const char *subcommands(const struct command *command, char out[SUBCOMMANDS_SIZE])
{
    int used = 0;
    char before[40];
    snprintf(before, sizeof before, "rolecall %s ", command->name);
    out[0] = 0;
    for (const char *line = command->usage; *line; line = next_line(line)) {
        const char *end = next_line(line), *at = strstr(line, before);
        if (!names_options(line) || !at || at >= end)
            continue;
        at += strlen(before);
        for (struct word word; *at != '-' && (word = word_at(at, end, is_name)).size; at += *at == '|') {
            if (used + word.size + 2 < SUBCOMMANDS_SIZE)
                used += snprintf(out + used, (size_t)(SUBCOMMANDS_SIZE - used), "%s%.*s", used ? " " : "",
                                 word.size, word.at);
            at += word.size;
        }
    }
    return out;
}

/* ---- bash ---- */

static void bash_option(const struct command *command, const struct option_shown *option)
{
    (void)command;
    printf(" %.*s", option->name.size, option->name.at);
}

static void bash_argument(const struct command *command, const struct option_shown *option)
{
    const char *words;
    switch (kind_of(option->argument, &words)) {
    case ARGUMENT_NONE:
    case ARGUMENT_FILE: /* what the last line does anyway */
        break;
    case ARGUMENT_FOLDER:
        printf("    %s:%.*s) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n", command->name,
               option->name.size, option->name.at);
        break;
    case ARGUMENT_WORDS:
        printf("    %s:%.*s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", command->name,
               option->name.size, option->name.at, words);
        break;
    case ARGUMENT_TEXT:
        printf("    %s:%.*s) return ;;\n", command->name, option->name.size, option->name.at);
        break;
    }
}

static void print_bash(void)
{
    printf("_rolecall()\n{\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} "
           "command=${COMP_WORDS[1]}\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        COMPREPLY=($(compgen -W '");
    for (const struct command *const *command = commands; *command; command++)
        printf("%s ", (*command)->name);
    printf("--help --version' -- \"$word\"))\n        return\n    fi\n    case $command:$before in\n");
    for (const struct command *const *command = commands; *command; command++) {
        each_option(*command, bash_argument);
    }
    printf("    esac\n    case $command:$COMP_CWORD:$word in\n");
    for (const struct command *const *command = commands; *command; command++) {
        char words[SUBCOMMANDS_SIZE];
        printf("    %s:*:-*) COMPREPLY=($(compgen -W '", (*command)->name);
        each_option(*command, bash_option);
        printf("' -- \"$word\")) ;;\n");
        if (*subcommands(*command, words))
            printf("    %s:2:*) COMPREPLY=($(compgen -W '%s' -- \"$word\")) ;;\n", (*command)->name, words);
    }
    printf("    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\n"
           "complete -o filenames -F _rolecall rolecall\n");
}

/* ---- zsh ---- */

/* Text inside a single-quoted zsh or fish word, where brackets and colons mean something to _arguments. */
static void print_quoted(struct word text)
{
    for (int i = 0; i < text.size; i++) {
        if (text.at[i] == '\'')
            printf("'\\''");
        else if (strchr("[]:", text.at[i]))
            printf("\\%c", text.at[i]);
        else
            putchar(text.at[i]);
    }
}

static void zsh_option(const struct command *command, const struct option_shown *option)
{
    const char *words;
    enum argument_kind kind = kind_of(option->argument, &words);
    (void)command;
    printf(" \\\n            '%.*s[", option->name.size, option->name.at);
    print_quoted(option->text);
    putchar(']');
    if (kind != ARGUMENT_NONE)
        printf(":%.*s:", option->argument.size, option->argument.at);
    if (kind == ARGUMENT_FILE)
        printf("_files");
    else if (kind == ARGUMENT_FOLDER)
        printf("_files -/");
    else if (kind == ARGUMENT_WORDS)
        printf("(%s)", words);
    putchar('\'');
}

static void print_zsh(void)
{
    printf("#compdef rolecall\n_rolecall()\n{\n    if (( CURRENT == 2 )); then\n        local -a names=(\n");
    for (const struct command *const *command = commands; *command; command++) {
        printf("            '%s:", (*command)->name);
        print_quoted((struct word){(*command)->summary, (int)strlen((*command)->summary)});
        printf("'\n");
    }
    printf("        )\n        _describe command names\n        return\n    fi\n"
           "    local name=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $name in\n");
    for (const struct command *const *command = commands; *command; command++) {
        char words[SUBCOMMANDS_SIZE];
        printf("    %s)\n        _arguments", (*command)->name);
        each_option(*command, zsh_option);
        if (*subcommands(*command, words))
            printf(" \\\n            '1:subcommand:(%s)'", words);
        printf(" \\\n            '*:file:_files'\n        ;;\n");
    }
    printf("    esac\n}\ncompdef _rolecall rolecall\n");
}

/* ---- fish ---- */

static void fish_says(struct word text)
{
    printf(" -d '");
    for (int i = 0; i < text.size; i++)
        printf(text.at[i] == '\'' ? "\\'" : "%c", text.at[i]);
    printf("'\n");
}

static void fish_option(const struct command *command, const struct option_shown *option)
{
    const char *words;
    enum argument_kind kind = kind_of(option->argument, &words);
    printf("complete -c rolecall -n '__fish_seen_subcommand_from %s' -l %.*s", command->name,
           option->name.size - 2, option->name.at + 2);
    if (kind == ARGUMENT_FOLDER)
        printf(" -x -a '(__fish_complete_directories)'");
    else if (kind == ARGUMENT_WORDS)
        printf(" -x -a '%s'", words);
    else if (kind != ARGUMENT_NONE)
        printf(kind == ARGUMENT_FILE ? " -r -F" : " -x");
    fish_says(option->text);
}

static void print_fish(void)
{
    for (const struct command *const *command = commands; *command; command++) {
        printf("complete -c rolecall -f -n __fish_use_subcommand -a %s", (*command)->name);
        fish_says((struct word){(*command)->summary, (int)strlen((*command)->summary)});
    }
    for (const struct command *const *command = commands; *command; command++) {
        each_option(*command, fish_option);
        char words[SUBCOMMANDS_SIZE];
        if (*subcommands(*command, words))
            printf("complete -c rolecall -n '__fish_seen_subcommand_from %s' -a '%s'\n", (*command)->name,
                   words);
    }
}

static int run(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    for (size_t i = 0; argc == 2 && i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(argv[1], shells[i].name) == 0) {
            shells[i].print();
            return EXIT_DONE;
        }
    }
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    fputs(usage, help ? stdout : stderr);
    return help ? EXIT_DONE : EXIT_USAGE;
}

const struct command command_completion = {"completion", "print the completions of bash, zsh or fish", usage,
                                           run};
