/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_cef.c - any bytes as an event, told as CEF: one bounded line with a whole header, in which "|", "="
 * and
 * "\" stand only where the format has them.
 */
#include <string.h>

#include "fuzz.h"
#include "rolecall/cef.h"

static void check_header(const char **at)
{
    static const char begin[] = "CEF:0|rolecall|rolecall|";
    CHECK(strncmp(*at, begin, sizeof begin - 1) == 0);
    *at += sizeof begin - 1;
    for (unsigned bars = 0; bars < 4; (*at)++) {
        CHECK(**at);
        if (**at == '\\')
            CHECK(*++*at == '|' || **at == '\\');
        else
            bars += **at == '|';
    }
}

/* Values hold no bare "=": each one follows a key. */
static void check_extension(const char *at)
{
    unsigned word = 0;
    for (; *at; at++) {
        if (*at == '=')
            CHECK(word > 0);
        if (*at == '\\') {
            at++;
            CHECK(*at == '\\' || *at == '=' || *at == 'n' || *at == 'r');
            word = 0;
        } else if ((*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z')) {
            word++;
        } else {
            word = 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct mistakes mistakes = {0};
    struct bytes text = bytes_of(input, size), copy = fuzz_copy(&text, size);
    char line[CEF_LINE_MAX + 1];
    size_t line_size;
    if (cef_from_event((const char *)copy.at, copy.left, line, &line_size, &mistakes)) {
        const char *at = line;
        CHECK(line_size <= CEF_LINE_MAX && strlen(line) == line_size);
        CHECK(!strpbrk(line, "\n\r"));
        check_header(&at);
        check_extension(at);
    }
    mistakes_clear(&mistakes);
    fuzz_free(copy);
    return 0;
}
