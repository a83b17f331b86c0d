/* SPDX-License-Identifier: BSD-2-Clause
 *
 * terminal.c - see terminal.h. Widths are columns (utf8.h), so that names in any script stay aligned.
 */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "rolecall/utf8.h"

enum { WIDTH_MIN = 56, WIDTH_DEFAULT = 100, WIDTH_MAX = 200 };

static unsigned width_of(FILE *out)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    unsigned long width = 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (!width && columns)
        width = strtoul(columns, NULL, 10);
    if (!width)
        return WIDTH_DEFAULT;
    return width < WIDTH_MIN ? WIDTH_MIN : width > WIDTH_MAX ? WIDTH_MAX : (unsigned)width;
}

struct terminal terminal_of(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    if (!isatty(fileno(out)))
        return (struct terminal){.out = out, .width = WIDTH_DEFAULT};
    return (struct terminal){.out = out,
                             .is_terminal = true,
                             .width = width_of(out),
                             .colour = !(no_colour && *no_colour) && !(kind && strcmp(kind, "dumb") == 0)};
}

const char *terminal_colour(const struct terminal *to, const char *code)
{
    static const struct {
        const char *code, *sequence;
    } known[] = {{"1", "\033[1m"}, {"31", "\033[31m"}, {"33", "\033[33m"}, {"36", "\033[36m"}};
    for (unsigned i = 0; to->colour && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].code, code) == 0)
            return known[i].sequence;
    return "";
}

const char *terminal_plain(const struct terminal *to)
{
    return to->colour ? "\033[0m" : "";
}

void terminal_heading(const struct terminal *to, const char *text)
{
    fprintf(to->out, "\n%s%s%s\n", terminal_colour(to, "1"), text, terminal_plain(to));
}

/* The next character, made inert: its bytes in `out`, its columns; moves *text on. */
static unsigned next_character(const char **text, size_t *left, char out[UTF8_SIZE_MAX], size_t *size)
{
    uint32_t point = 0;
    size_t step = utf8_read(*text, *left, &point);
    if (!step || utf8_is_harmful(point))
        point = UTF8_REPLACEMENT;
    step = step ? step : 1;
    *text += step;
    *left -= step;
    *size = utf8_write(point, out);
    return utf8_width(point);
}

static unsigned columns_of(const char *text, size_t left)
{
    char bytes[UTF8_SIZE_MAX];
    size_t size;
    unsigned columns = 0;
    while (left)
        columns += next_character(&text, &left, bytes, &size);
    return columns;
}

unsigned terminal_columns(const char *text)
{
    return columns_of(text, strlen(text));
}

static unsigned new_line(const struct terminal *to, unsigned indent)
{
    fprintf(to->out, "\n%*s", (int)indent, "");
    return indent;
}

static unsigned put_word(const struct terminal *to, unsigned at, unsigned indent, const char *word,
                         size_t left)
{
    while (left) {
        char bytes[UTF8_SIZE_MAX];
        size_t size;
        unsigned columns = next_character(&word, &left, bytes, &size);
        if (at + columns > to->width)
            at = new_line(to, indent);
        fwrite(bytes, 1, size, to->out);
        at += columns;
    }
    return at;
}

void terminal_wrap(const struct terminal *to, unsigned at, unsigned indent, const char *text)
{
    bool first = true;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (!first && at + 1 + columns_of(text, word) > to->width) {
            at = new_line(to, indent);
        } else if (!first) {
            fputc(' ', to->out);
            at++;
        }
        at = put_word(to, at, indent, text, word);
        text += word + (text[word] == ' ');
        first = false;
    }
    fputc('\n', to->out);
}

void terminal_cell(const struct terminal *to, unsigned width, const char *text)
{
    size_t left = strlen(text);
    bool cut = width && columns_of(text, left) > width;
    unsigned at = 0, end = cut ? width - 1 : width;
    while (left) {
        char bytes[UTF8_SIZE_MAX];
        size_t size;
        unsigned columns = next_character(&text, &left, bytes, &size);
        if (at + columns > end)
            break;
        fwrite(bytes, 1, size, to->out);
        at += columns;
    }
    if (cut) {
        fputs("\xe2\x80\xa6", to->out);
        at++;
    }
    fprintf(to->out, "%*s", (int)(width - at), "");
}
