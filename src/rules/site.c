/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site.c - reads a site file (DESIGN 4) against the rules. Called at start, on reload, and with what
 * discovery found. One table row per key; whatever is wrong is gathered with its place and the file is then
 * refused as a whole. What is legal but odd is site_lint.c's matter.
 */
#include <stdlib.h>
#include <string.h>

#include "site_reading.h"

static const char *const default_matrices[] = {"skype-for-business-server", "lync-server-2013-edge", NULL};
static const char *const load_balancings[] = {"hardware", "dns", NULL};
static const char *const ipsec_modes[] = {[IPSEC_TABLE] = "table", [IPSEC_MEDIA_ONLY] = "media-only", NULL};
static const char *const tls_versions[] = {"1.0", "1.1", "1.2", "1.3", NULL}; /* 0x0301 and on */
static const char *const severities[] = {"low", "medium", "high", "critical", NULL};
static const int severity_values[] = {21, 47, 73, 99}; /* EVENTS: event.severity */

static void read_matrices(const struct json_value *list, void *target, void *context)
{
    struct site_reading *reading = context;
    struct site *site = target;
    site->matrices = site_take(site, json_count(list), sizeof(const struct matrix *));
    for (struct json_value id = json_first(list); json_more(&id); json_next(&id)) {
        int index = known_name(reading, &id, false, "a matrix", matrix_name);
        const struct matrix *matrix = index >= 0 ? rules_matrix(reading->rules, (unsigned)index) : NULL;
        for (unsigned i = 0; matrix && i < site->matrix_count; i++) {
            if (site->matrices[i] == matrix) {
                json_mistake(&id, "each matrix only once");
                matrix = NULL;
            }
        }
        if (matrix)
            site->matrices[site->matrix_count++] = matrix;
    }
}

static void read_load_balancing(const struct json_value *value, void *target, void *context)
{
    struct site *site = target;
    (void)context;
    for (unsigned i = 0; load_balancings[i]; i++)
        if (strcmp(load_balancings[i], json_text(value)) == 0)
            site->load_balancing = load_balancings[i];
    if (!*site->load_balancing)
        json_mistake(value, "\"hardware\" or \"dns\" (leave the key out for neither)");
}

static void read_features(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    site->all_features = false;
    site->features = site_take(site, json_count(list), sizeof(const char *));
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        int index = known_name(context, &value, false, "a feature", rules_feature);
        if (index >= 0)
            site->features[site->feature_count++] = json_text(&value);
    }
}

/* Findings. */

static void read_mute(const struct json_value *list, void *target, void *context)
{
    struct site *site = target;
    site->mute = site_take(site, json_count(list), sizeof(const char *));
    for (struct json_value value = json_first(list); json_more(&value); json_next(&value)) {
        int index = known_name(context, &value, false, "a finding", finding_name);
        if (index >= 0)
            site->mute[site->mute_count++] = finding_ids[index];
    }
}

static int severity_of(const struct json_value *value)
{
    for (unsigned i = 0; severities[i]; i++)
        if (json_number(value) == severity_values[i] || strcmp(json_text(value), severities[i]) == 0)
            return severity_values[i];
    json_mistake(value, "\"low\", \"medium\", \"high\" or \"critical\" (21, 47, 73, 99)");
    return 0;
}

static void read_severity(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    site->severity = site_take(site, json_count(object), sizeof *site->severity);
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        int index = known_name(context, &value, true, "a finding", finding_name);
        const char *finding = index >= 0 ? finding_ids[index] : NULL;
        site->severity[site->severity_count++] = (struct site_severity){finding, severity_of(&value)};
    }
}

/* The file. */

static void read_ipsec(const struct json_value *value, void *target, void *context)
{
    struct site *site = target;
    (void)context;
    if (strcmp(json_text(value), ipsec_modes[IPSEC_MEDIA_ONLY]) == 0)
        site->ipsec = IPSEC_MEDIA_ONLY;
    else if (strcmp(json_text(value), ipsec_modes[IPSEC_TABLE]) != 0)
        json_mistake(value, "\"table\" or \"media-only\"");
}

static void read_min_tls(const struct json_value *value, void *target, void *context)
{
    struct site *site = target;
    (void)context;
    for (uint16_t i = 0; tls_versions[i]; i++) {
        if (strcmp(tls_versions[i], json_text(value)) == 0) {
            site->min_tls = (uint16_t)(0x0301 + i);
            return;
        }
    }
    json_mistake(value, "\"1.0\", \"1.1\", \"1.2\" or \"1.3\"");
}

static const struct json_key site_keys[] = {
    {.name = "site",
     .kind = JSON_TEXT,
     .low = 1,
     .high = 128,
     .fallback = "site",
     .offset = offsetof(struct site, name)},
    {.name = "matrices", .kind = JSON_LIST, .low = 1, .high = RULES_FILES_MAX, .read = read_matrices},
    {.name = "load_balancing", .kind = JSON_TEXT, .read = read_load_balancing},
    {.name = "features", .kind = JSON_LIST, .high = RULES_FEATURES_MAX, .read = read_features},
    {.name = "hosts", .kind = JSON_LIST, .high = HOSTS_MAX, .read = site_read_hosts},
    {.name = "networks", .kind = JSON_LIST, .high = PREFIXES_MAX, .read = site_read_networks},
    {.name = "media_ports", .kind = JSON_OBJECT, .high = RULES_ROLES_MAX, .read = site_read_media_ports},
    {.name = "ports", .kind = JSON_OBJECT, .high = RULES_ROLES_MAX, .read = site_read_ports},
    {.name = "ipsec", .kind = JSON_TEXT, .read = read_ipsec},
    {.name = "min_tls", .kind = JSON_TEXT, .read = read_min_tls},
    {.name = "strict_outbound",
     .kind = JSON_BOOL,
     .fallback = "false",
     .offset = offsetof(struct site, strict_outbound)},
    {.name = "narrow", .kind = JSON_OBJECT, .high = ENTRIES_MAX, .read = site_read_narrow},
    {.name = "mute", .kind = JSON_LIST, .high = ENTRIES_MAX, .read = read_mute},
    {.name = "severity", .kind = JSON_OBJECT, .high = ENTRIES_MAX, .read = read_severity},
    {.name = "allow", .kind = JSON_LIST, .high = ENTRIES_MAX, .read = site_read_allow},
};

static struct site *new_site(const char *file)
{
    struct keep *keep = keep_create();
    struct site *site = calloc(1, sizeof *site);
    if (!site)
        abort();
    *site = (struct site){.file = keep_text(keep, file),
                          .name = "site",
                          .load_balancing = "",
                          .all_features = true,
                          .ipsec = IPSEC_TABLE,
                          .min_tls = 0x0303, /* TLS 1.2 */
                          .keep = keep};
    return site;
}

static void take_default_matrices(struct site *site, const struct rules *rules, struct mistakes *mistakes)
{
    site->matrices =
        site_take(site, sizeof default_matrices / sizeof *default_matrices, sizeof *site->matrices);
    for (unsigned i = 0; default_matrices[i]; i++) {
        const struct matrix *matrix = rules_find_matrix(rules, default_matrices[i]);
        if (matrix)
            site->matrices[site->matrix_count++] = matrix;
        else
            mistakes_add(mistakes, site->file, 0, 0, "matrices", "no such key",
                         "a list of matrices: the rules have no \"skype-for-business-server\" and "
                         "\"lync-server-2013-edge\" to fall back to");
        if (!matrix)
            return;
    }
}

/* `before`: mistakes told before the file was opened, which tells of duplicate keys itself. */
static struct site *read_site(struct json_in *in, const char *name, const struct rules *rules,
                              struct mistakes *mistakes, unsigned before)
{
    if (!in)
        return NULL;
    struct site *site = new_site(name);
    struct site_reading reading = {.rules = rules, .site = site};
    struct json_value root = json_root(in), matrices;
    site->document = in;
    json_read(&root, KEYS(site_keys), site, &reading);
    if (json_kind(&root) == JSON_OBJECT) {
        site_refuse_twice(&root, "hosts", "addresses", "translated");
        site_refuse_twice(&root, "networks", "prefixes", NULL);
        if (!json_find(&root, "matrices", &matrices))
            take_default_matrices(site, rules, mistakes);
    }
    if (mistakes->count + mistakes->more == before)
        return site;
    site_free(site);
    return NULL;
}

struct site *site_load(const char *path, const struct rules *rules, struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    return read_site(json_in_file(path, mistakes), path, rules, mistakes, before);
}

struct site *site_from_text(const char *name, const char *text, size_t size, const struct rules *rules,
                            struct mistakes *mistakes)
{
    unsigned before = mistakes->count + mistakes->more;
    return read_site(json_in_text(name, text, size, mistakes), name, rules, mistakes, before);
}

struct site *site_create(const struct rules *rules, struct mistakes *mistakes)
{
    struct site *site = new_site("(no site file)");
    take_default_matrices(site, rules, mistakes);
    if (site->matrix_count > 0)
        return site;
    site_free(site);
    return NULL;
}

void site_free(struct site *site)
{
    if (!site)
        return;
    json_in_free(site->document);
    keep_destroy(site->keep);
    free(site);
}

void *site_take(struct site *site, size_t count, size_t size)
{
    return keep_take(site->keep, count, size);
}

const char *site_keep(struct site *site, const char *text)
{
    return keep_text(site->keep, text);
}
