/* SPDX-License-Identifier: BSD-2-Clause
 *
 * event_in.c - keeps of a line what the report uses (event_in.h), by the names of docs/EVENTS.md.
 */
#include "event_in.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rolecall/json_fields.h"

static const char *const names[IN_COUNT] = {
#define FIELD(id, name) name,
    EVENT_FIELDS(FIELD)
#undef FIELD
};

static int compare_names(const void *wanted, const void *name)
{
    return strcmp(wanted, *(const char *const *)name);
}

/* The text's place in `bytes`; 0 where there is no room: nothing stands there. */
static uint16_t keep(struct event_in *event, const char *text, size_t size)
{
    if (event->used + size + 1 > sizeof event->bytes) {
        event->full = true;
        return 0;
    }
    uint16_t at = (uint16_t)event->used;
    memcpy(event->bytes + at, text, size + 1);
    event->used += (uint32_t)size + 1;
    return at;
}

static const char *counter_name(const char *name)
{
    static const char *const groups[] = {"rolecall.stats.", "rolecall.loss."};
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strncmp(name, groups[i], strlen(groups[i])) == 0)
            return name + strlen(groups[i]);
    return NULL;
}

static void take(void *context, const struct json_field *field)
{
    struct event_in *event = context;
    const char *counter = counter_name(field->name);
    const char *const *found = bsearch(field->name, names, IN_COUNT, sizeof *names, compare_names);
    if (counter && event->counter_count < EVENT_COUNTERS_MAX) {
        struct event_counter_in *kept = &event->counters[event->counter_count++];
        kept->name = keep(event, counter, strlen(counter));
        kept->value = keep(event, field->text, field->size);
    } else if (counter || (found && event->count == EVENT_VALUES_MAX)) {
        event->full = true;
    } else if (found) {
        struct event_value *value = &event->values[event->count++];
        value->field = (enum event_field)(found - names);
        value->at = keep(event, field->text, field->size);
    }
}

bool event_in_read(struct event_in *event, const char *line, size_t size)
{
    event->count = event->counter_count = 0;
    event->full = false;
    event->bytes[0] = '\0';
    event->used = 1;
    return json_fields_read(line, size, take, event) &&
           strncmp(event_in_text(event, IN_DATASET), "rolecall.", 9) == 0;
}

const char *event_in_next(const struct event_in *event, enum event_field field, unsigned *next)
{
    while (*next < event->count) {
        const struct event_value *value = &event->values[(*next)++];
        if (value->field == field)
            return event->bytes + value->at;
    }
    return NULL;
}

const char *event_in_text(const struct event_in *event, enum event_field field)
{
    unsigned next = 0;
    const char *text = event_in_next(event, field, &next);
    return text ? text : "";
}

bool event_in_has(const struct event_in *event, enum event_field field, const char *wanted)
{
    unsigned next = 0;
    for (const char *text; (text = event_in_next(event, field, &next));)
        if (strcmp(text, wanted) == 0)
            return true;
    return false;
}

uint64_t event_in_number(const struct event_in *event, enum event_field field)
{
    const char *text = event_in_text(event, field);
    return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : 0;
}

int64_t event_in_tenths(const struct event_in *event, enum event_field field)
{
    const char *text = event_in_text(event, field);
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    uint64_t whole = strtoull(text, &end, 10);
    if (whole > INT64_MAX / 20)
        return -1;
    return (int64_t)whole * 10 + (*end == '.' && end[1] >= '0' && end[1] <= '9' ? end[1] - '0' : 0);
}

int64_t event_in_time(const struct event_in *event, enum event_field field)
{
    struct tm utc = {0};
    const char *at = strptime(event_in_text(event, field), "%Y-%m-%dT%H:%M:%S", &utc);
    if (!at || utc.tm_year < 70 || utc.tm_year > 300)
        return 0;
    int64_t nanos = 0, unit = 100000000;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9' && unit; at++, unit /= 10)
            nanos += (*at - '0') * unit;
    return (int64_t)timegm(&utc) * INT64_C(1000000000) + nanos;
}
