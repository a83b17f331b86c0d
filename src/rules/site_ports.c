/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_ports.c - where a site differs from the documents (DESIGN 4): media ranges, moved ports, narrowed
 * rows. Called by site.c. Each must speak of something that the rules have; what it then means is policy.c's
 * matter.
 */
#include "site_reading.h"

#include <string.h>

static const char *const range_expected = "a port like \"444\" or a range like \"50020-50039\"";

struct modality_texts {
    const char *at[MODALITY_COUNT];
};
static const struct json_key modality_keys[] = {
    {.name = "audio", .kind = JSON_TEXT, .offset = offsetof(struct modality_texts, at[MODALITY_AUDIO])},
    {.name = "video", .kind = JSON_TEXT, .offset = offsetof(struct modality_texts, at[MODALITY_VIDEO])},
    {.name = "application-sharing",
     .kind = JSON_TEXT,
     .offset = offsetof(struct modality_texts, at[MODALITY_APPLICATION_SHARING])},
};

static bool holds_media_row(const struct rules *rules, role_set all)
{
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++) {
            const struct matrix_row *row = &matrix->rows[j];
            if (row->direction == ROW_MEDIA && all >> rules_find_role(rules, row->to) & 1)
                return true;
        }
    }
    return false;
}

void site_read_media_ports(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    const struct rules *rules = ((struct site_reading *)context)->rules;
    site->media_ports = site_take(site, json_count(object), sizeof *site->media_ports);
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        struct site_media_ports *entry = &site->media_ports[site->media_ports_count];
        struct modality_texts texts = {{NULL}};
        int bit = known_name(context, &value, true, "a role", role_name);
        bool ok = json_read(&value, KEYS(modality_keys), &texts, context) && bit >= 0;
        if (bit >= 0 && !holds_media_row(rules, rules_role(rules, (unsigned)bit)->all))
            json_mistake_key(&value, "a role with media rows");
        for (unsigned i = 0; ok && i < sizeof modality_keys / sizeof *modality_keys; i++) {
            struct json_value range;
            unsigned modality = i + 1;
            if (texts.at[modality] && !port_range_parse(texts.at[modality], &entry->ranges[modality])) {
                json_find(&value, modality_keys[i].name, &range);
                json_mistake(&range, "a range like \"50020-50039\"");
            }
        }
        if (ok) {
            entry->role = (unsigned)bit;
            site->media_ports_count++;
        }
    }
}

/* Is this one of the ports that a documented row of the role gives it? If not, offers those it could be. */
static bool is_documented_port(const struct rules *rules, role_set all, struct port_range range,
                               const char *text, struct nearest *nearest)
{
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++) {
            const struct matrix_row *row = &matrix->rows[j];
            int owner = rules_port_owner(rules, row);
            for (unsigned k = 0; owner >= 0 && all >> owner & 1 && k < row->range_count; k++) {
                if (row->ranges[k].low == range.low && row->ranges[k].high == range.high)
                    return true;
                if (strcmp(text, row->port_words.at[k]) != 0)
                    nearest_offer(nearest, row->port_words.at[k]);
            }
        }
    }
    return false;
}

static void read_moved_port(const struct json_value *value, struct site_reading *reading, unsigned role)
{
    struct site *site = reading->site;
    const struct rules_role *known = rules_role(reading->rules, role);
    struct site_moved_port moved = {.role = role};
    struct nearest nearest = {.wanted = json_member(value)};
    if (!port_range_parse(json_member(value), &moved.documented))
        json_mistake_key(value, "%s", range_expected);
    else if (!is_documented_port(reading->rules, known->all, moved.documented, json_member(value), &nearest))
        mistake_name(value, true, "a port as a documented row of this role writes it", &nearest);
    if (!port_range_parse(json_text(value), &moved.moved))
        json_mistake(value, "%s", range_expected);
    site->ports[site->port_count++] = moved;
}

void site_read_ports(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    unsigned count = 0;
    for (struct json_value role = json_first(object); json_more(&role); json_next(&role))
        count += json_count(&role);
    site->ports = site_take(site, count, sizeof *site->ports);
    for (struct json_value role = json_first(object); json_more(&role); json_next(&role)) {
        int bit = known_name(context, &role, true, "a role", role_name);
        if (!json_is(&role, JSON_OBJECT, "an object: documented port to port of this site") || bit < 0)
            continue;
        for (struct json_value value = json_first(&role); json_more(&value); json_next(&value))
            read_moved_port(&value, context, (unsigned)bit);
    }
}

/* Only rows that may be narrowed are worth a hint. */
static void mistake_no_row(const struct rules *rules, const struct json_value *value)
{
    struct nearest nearest = {.wanted = json_member(value)};
    for (unsigned i = 0; i < rules_matrix_count(rules); i++) {
        const struct matrix *matrix = rules_matrix(rules, i);
        for (unsigned j = 0; j < matrix->row_count; j++)
            if (rules_is_narrowable(&matrix->rows[j]))
                nearest_offer(&nearest, matrix->rows[j].id);
    }
    mistake_name(value, true, "a row that may be narrowed", &nearest);
}

void site_read_narrow(const struct json_value *object, void *target, void *context)
{
    struct site *site = target;
    const struct rules *rules = ((struct site_reading *)context)->rules;
    site->narrow = site_take(site, json_count(object), sizeof *site->narrow);
    for (struct json_value value = json_first(object); json_more(&value); json_next(&value)) {
        const struct matrix_row *row = rules_find_row(rules, json_member(&value));
        if (!row)
            mistake_no_row(rules, &value);
        else if (!rules_is_narrowable(row))
            json_mistake_key(&value, "a row whose condition says that it may be narrowed");
        if (!json_is(&value, JSON_LIST, "a list of roles"))
            continue;
        if (json_count(&value) == 0)
            json_mistake(&value, "at least one role");
        site->narrow[site->narrow_count++] = (struct site_narrowed){row, roles_of(context, &value)};
    }
}
