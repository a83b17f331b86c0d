/* SPDX-License-Identifier: BSD-2-Clause
 *
 * frame.c - a line as an output sends it: NDJSON or CEF, ended by a newline or as a syslog message.
 * Specifications: RFC 5424 (syslog), RFC 6587 section 3.4.1 and RFC 5425 section 4.3 (octet counting).
 */
#include "output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rolecall/cef.h"

enum { HEADER_MAX = 480, COUNT_DIGITS_MAX = 5 };

_Static_assert(QUEUE_LINE_MAX + HEADER_MAX + COUNT_DIGITS_MAX <= FRAME_MAX, "every message fits");
_Static_assert((int)CEF_LINE_MAX <= (int)QUEUE_LINE_MAX, "also as CEF");

/* RFC 5424 table 2: 2 critical, 3 error, 4 warning, 5 notice, 6 informational. */
static unsigned syslog_severity(const struct queue_note *note)
{
    if (note->dataset == DATASET_LOSS)
        return 4;
    if (note->dataset != DATASET_ALERT)
        return 6;
    return note->severity >= 90 ? 2 : note->severity >= 60 ? 3 : note->severity >= 40 ? 4 : 5;
}

/* RFC 5424 section 6.2.3: RFC 3339, at most six digits. */
static void timestamp(int64_t time_ns, char *out, size_t size)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + used, size - used, ".%06uZ", (unsigned)(time_ns % 1000000000 / 1000) % 1000000);
}

/* Section 6.2.4: printable, without spaces, at most 255. */
static void hostname(const struct sink_options *options, char out[256])
{
    size_t used = 0;
    char own[256] = "";
    const char *name = options->hostname;
    if (!name && gethostname(own, sizeof own - 1) == 0)
        name = own;
    for (; name && *name && used < 255; name++)
        if (*name > ' ' && *name < 127)
            out[used++] = *name;
    if (!used)
        out[used++] = '-';
    out[used] = '\0';
}

/* Section 7.3.1: counts from 1, and begins again after 2^31-1. */
static unsigned sequence_id(uint64_t sequence)
{
    return (unsigned)((sequence - 1) % INT32_MAX) + 1;
}

static size_t syslog_header(const struct sink_options *options, const struct queue_note *note,
                            char out[HEADER_MAX])
{
    char time[40], host[256];
    timestamp(note->time_ns, time, sizeof time);
    hostname(options, host);
    return (size_t)snprintf(out, HEADER_MAX,
                            "<%u>1 %s %s rolecall %ld %s [origin software=\"rolecall\" swVersion=\"%s\"]"
                            "[meta sequenceId=\"%u\"] ",
                            options->facility * 8 + syslog_severity(note), time, host, (long)getpid(),
                            event_dataset_name((enum event_dataset)note->dataset), ROLECALL_VERSION,
                            sequence_id(note->sequence));
}

static size_t frame_syslog(const struct sink_options *options, const struct queue_note *note,
                           const char *body, size_t size, char out[FRAME_MAX])
{
    char header[HEADER_MAX];
    size_t header_size = syslog_header(options, note, header);
    int used = snprintf(out, FRAME_MAX, "%zu %s", header_size + size, header);
    memcpy(out + used, body, size);
    return (size_t)used + size;
}

size_t frame_line(const struct sink_options *options, const struct queue_note *note, const char *text,
                  char out[FRAME_MAX])
{
    char cef[CEF_LINE_MAX + 1];
    size_t size = note->size;
    if (options->format == SINK_CEF) {
        struct mistakes mistakes = {0};
        bool is_event = cef_from_event(text, size, cef, &size, &mistakes);
        mistakes_clear(&mistakes);
        if (!is_event)
            return 0;
        text = cef;
    }
    if (options->kind == SINK_SYSLOG_TCP || options->kind == SINK_SYSLOG_TLS)
        return frame_syslog(options, note, text, size, out);
    memcpy(out, text, size);
    if (options->kind == SINK_KAFKA)
        return size;
    out[size] = '\n';
    return size + 1;
}
