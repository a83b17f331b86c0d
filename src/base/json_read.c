/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_read.c - reads an object by a table of its keys (struct json_key), for every file the operator writes.
 * Says what is unknown, missing, of the wrong type or out of range; stores the rest, and defaults.
 */
#include "rolecall/json_in.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXPECTED_SIZE = 400 };

/* Adds `"a", "b" or "c"` to a text. */
static void write_choices(const char *const *choices, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (unsigned i = 0; choices[i] && used < size; i++) {
        const char *before = i == 0 ? "" : choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\"", before, choices[i]);
    }
}

static bool read_choice(const struct json_value *value, const struct json_key *key, unsigned *out)
{
    struct nearest nearest = {.wanted = json_text(value)};
    for (unsigned i = 0; key->choices[i]; i++) {
        if (strcmp(key->choices[i], nearest.wanted) == 0) {
            *out = i;
            return true;
        }
        nearest_offer(&nearest, key->choices[i]);
    }
    char choices[EXPECTED_SIZE];
    write_choices(key->choices, choices, sizeof choices);
    if (nearest.best)
        json_mistake(value, "%s (did you mean \"%s\"?)", choices, nearest.best);
    else
        json_mistake(value, "%s", choices);
    return false;
}

static bool is_in_range(const struct json_value *value, const struct json_key *key)
{
    double n = json_number(value);
    if (key->low == 0 && key->high == 0 && key->kind != JSON_NUMBER)
        return true;
    switch (key->kind) {
    case JSON_NUMBER:
        if (n != floor(n) || fabs(n) > 9007199254740992.0) /* 2^53: beyond, doubles skip whole numbers */
            return false;
        return (key->low == 0 && key->high == 0) || (n >= (double)key->low && n <= (double)key->high);
    case JSON_TEXT:
        n = (double)strlen(json_text(value));
        return n >= (double)key->low && n <= (double)key->high;
    default:
        return json_count(value) >= key->low && json_count(value) <= key->high;
    }
}

static void mistake_range(const struct json_value *value, const struct json_key *key)
{
    long long low = key->low, high = key->high;
    if (key->meaning)
        json_mistake(value, "%s", key->meaning);
    else if (key->kind == JSON_NUMBER && low == 0 && high == 0)
        json_mistake(value, "a whole number");
    else if (key->kind == JSON_NUMBER)
        json_mistake(value, "a whole number from %lld to %lld", low, high);
    else if (key->kind == JSON_TEXT)
        json_mistake(value, "a text of %lld to %lld bytes", low, high);
    else
        json_mistake(value, "%lld to %lld entries", low, high);
}

static bool read_key(const struct json_value *value, const struct json_key *key, void *target, void *context)
{
    char *to = (char *)target + key->offset;
    if (!key->any_kind && !json_is(value, key->kind, key->meaning))
        return false;
    if (!key->any_kind && !is_in_range(value, key)) {
        mistake_range(value, key);
        return false;
    }
    if (key->read)
        key->read(value, target, context);
    else if (key->choices)
        return read_choice(value, key, (unsigned *)(void *)to);
    else if (key->kind == JSON_TEXT)
        *(const char **)(void *)to = json_text(value);
    else if (key->kind == JSON_BOOL)
        *(bool *)to = json_is_true(value);
    else if (key->kind == JSON_NUMBER)
        *(int64_t *)(void *)to = (int64_t)json_number(value);
    return true;
}

/* A default stands in the table as text; that it fits the key is ours to get right. */
static void store_default(const struct json_key *key, void *target)
{
    char *to = (char *)target + key->offset;
    if (!key->fallback || key->read)
        return;
    if (key->choices) {
        unsigned i = 0;
        while (key->choices[i] && strcmp(key->choices[i], key->fallback) != 0)
            i++;
        assert(key->choices[i]);
        *(unsigned *)(void *)to = i;
    } else if (key->kind == JSON_TEXT) {
        *(const char **)(void *)to = key->fallback;
    } else if (key->kind == JSON_BOOL) {
        *(bool *)to = strcmp(key->fallback, "true") == 0;
    } else if (key->kind == JSON_NUMBER) {
        *(int64_t *)(void *)to = strtoll(key->fallback, NULL, 10);
    }
}

static const struct json_key *find_key(const struct json_value *value, const struct json_key *keys,
                                       unsigned count)
{
    struct nearest nearest = {.wanted = json_member(value)};
    for (unsigned i = 0; i < count; i++)
        if (strcmp(keys[i].name, nearest.wanted) == 0)
            return &keys[i];
    for (unsigned i = 0; i < count; i++)
        nearest_offer(&nearest, keys[i].name);
    if (nearest.best)
        json_mistake_key(value, "a known key (did you mean \"%s\"?)", nearest.best);
    else
        json_mistake_key(value, "a known key");
    return NULL;
}

bool json_read(const struct json_value *object, const struct json_key *keys, unsigned count, void *target,
               void *context)
{
    bool ok = true;
    uint64_t seen = 0;
    assert(count <= 64);
    if (!json_is(object, JSON_OBJECT, NULL))
        return false;
    for (unsigned i = 0; i < count; i++)
        store_default(&keys[i], target);
    for (struct json_value member = json_first(object); json_more(&member); json_next(&member)) {
        const struct json_key *key = find_key(&member, keys, count);
        if (key &&
            seen >> (key - keys) & 1) /* a duplicate, told when the file was opened: the first one counts */
            continue;
        if (key)
            seen |= UINT64_C(1) << (key - keys);
        ok = key && read_key(&member, key, target, context) && ok;
    }
    for (unsigned i = 0; i < count; i++) {
        if (keys[i].required && !(seen >> i & 1)) {
            json_mistake_absent(object, keys[i].name);
            ok = false;
        }
    }
    return ok;
}
