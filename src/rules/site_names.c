/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_names.c - names that a site file may use, known from the rules, and the mistakes about those that are
 * not. Called by the readers of the parts of a site file.
 */
#include "site_reading.h"

#include <stdio.h>
#include <string.h>

const char *const finding_ids[] = {
    "unexpected-port",    "unexpected-outbound", "unexpected-protocol", "media-port",
    "mutual-tls-missing", "blocked-port",        "ipsec-on-media",      "weak-tls",
    "plaintext-sip",      "media-fallback",      "undeclared-server",   "one-way-capture",
    "capture-loss",       "capture-silent",      "duplicate-packets",   NULL};

const char *matrix_name(const struct rules *rules, unsigned i)
{
    const struct matrix *matrix = rules_matrix(rules, i);
    return matrix ? matrix->id : NULL;
}

const char *finding_name(const struct rules *rules, unsigned i)
{
    (void)rules;
    return finding_ids[i];
}

const char *role_name(const struct rules *rules, unsigned i)
{
    const struct rules_role *role = rules_role(rules, i);
    return role ? role->id : NULL;
}

/* A mistake at a value or its key, with the nearest name as a hint where one is close. */
void mistake_name(const struct json_value *value, bool at_key, const char *kind,
                  const struct nearest *nearest)
{
    char expected[MISTAKE_TEXT_SIZE];
    if (nearest->best)
        snprintf(expected, sizeof expected, "%s (did you mean \"%s\"?)", kind, nearest->best);
    else
        snprintf(expected, sizeof expected, "%s", kind);
    if (at_key)
        json_mistake_key(value, "%s", expected);
    else
        json_mistake(value, "%s", expected);
}

/* The index of the known name that the value, or its key, is; -1 and a mistake when it is none. */
int known_name(const struct site_reading *reading, const struct json_value *value, bool at_key,
               const char *kind, name_function *name)
{
    struct nearest nearest = {.wanted = at_key ? json_member(value) : json_text(value)};
    const char *known;
    for (unsigned i = 0; (known = name(reading->rules, i)) != NULL; i++)
        if (strcmp(known, nearest.wanted) == 0)
            return (int)i;
    for (unsigned i = 0; (known = name(reading->rules, i)) != NULL; i++)
        nearest_offer(&nearest, known);
    mistake_name(value, at_key, kind, &nearest);
    return -1;
}

role_set role_of(const struct site_reading *reading, const struct json_value *value)
{
    int bit = known_name(reading, value, false, "a role", role_name);
    return bit >= 0 ? (role_set)1 << bit : 0;
}

role_set roles_of(const struct site_reading *reading, const struct json_value *list)
{
    role_set roles = 0;
    for (struct json_value role = json_first(list); json_more(&role); json_next(&role))
        roles |= role_of(reading, &role);
    return roles;
}
