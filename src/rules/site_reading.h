/* SPDX-License-Identifier: BSD-2-Clause
 *
 * site_reading.h - what the readers of a site file's parts share. Each site_read_* is a `read` function of
 * site.c's table of keys: target is the struct site, context the struct site_reading.
 */
#ifndef ROLECALL_SITE_READING_H
#define ROLECALL_SITE_READING_H

#include "matrix_file.h"
#include "rolecall/site.h"

enum { HOSTS_MAX = 8192, ADDRESSES_MAX = 64, PREFIXES_MAX = 4096, ENTRIES_MAX = 4096 };

#define KEYS(table) table, sizeof table / sizeof *table

struct site_reading {
    const struct rules *rules;
    struct site *site;
};

/* Lists of names, by index; NULL past the end. rules_feature() is one more. */
typedef const char *name_function(const struct rules *rules, unsigned i);
const char *matrix_name(const struct rules *rules, unsigned i);
const char *finding_name(const struct rules *rules, unsigned i);
const char *role_name(const struct rules *rules, unsigned i);

/* The index of the known name that the value, or its key, is; -1 and a mistake when it is none. */
int known_name(const struct site_reading *reading, const struct json_value *value, bool at_key,
               const char *kind, name_function *name);
/* A mistake at a value or its key, with the nearest name as a hint where one is close. */
void mistake_name(const struct json_value *value, bool at_key, const char *kind,
                  const struct nearest *nearest);
role_set role_of(const struct site_reading *reading, const struct json_value *value);
role_set roles_of(const struct site_reading *reading, const struct json_value *list);

/* One prefix or address; false and a mistake when it is none. */
bool site_read_prefix(const struct json_value *value, struct prefix *out);

void site_read_hosts(const struct json_value *list, void *target, void *context);
void site_read_networks(const struct json_value *list, void *target, void *context);
void site_read_media_ports(const struct json_value *object, void *target, void *context);
void site_read_ports(const struct json_value *object, void *target, void *context);
void site_read_narrow(const struct json_value *object, void *target, void *context);
void site_read_allow(const struct json_value *list, void *target, void *context);

/* Mistakes about addresses in two hosts, prefixes in two networks. */
void site_refuse_twice(const struct json_value *root, const char *key, const char *first, const char *second);

#endif
