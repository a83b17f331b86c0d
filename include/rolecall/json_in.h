/* SPDX-License-Identifier: BSD-2-Clause
 *
 * json_in.h - reading the operator's JSON: rules, site, configuration.
 *
 * Stricter than JSON in what may stand in it, wider in one thing: `//` and slash-star comments are allowed.
 * Refused with their place: files over 1 MiB, nesting over 32, invalid UTF-8, raw control characters, \u0000
 * and lone surrogates, numbers like 01 or 1e999, duplicate keys. libcjson holds the tree and is not seen
 * outside.
 *
 * Life: json_in_file() or json_in_text() gives a document, or NULL when it is no JSON at all; values and
 * texts belong to it; json_in_free() ends it. Every mistake goes to the struct mistakes the document was
 * opened with, which must live as long as values are read. A value knows how it is reached (`up` must outlive
 * it), so a mistake names key, line and column; the place is only looked for when there is a mistake.
 *
 * Settings are tables: one struct json_key per key, read by json_read(), which finds unknown and missing
 * keys, wrong types and values out of range, and fills in defaults.
 */
#ifndef ROLECALL_JSON_IN_H
#define ROLECALL_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rolecall/mistakes.h"

enum { JSON_IN_SIZE_MAX = 1 << 20, JSON_IN_DEPTH_MAX = 32, JSON_PATH_SIZE = 200 };

struct json_in;
struct cJSON;

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_LIST, JSON_OBJECT };

struct json_value {
    const struct json_in *in;
    const struct cJSON *item;    /* NULL before the first json_next() */
    const struct json_value *up; /* NULL for the root */
    unsigned index;              /* place among the members of `up` */
};

struct json_place {
    unsigned line, column;
};

struct json_in *json_in_file(const char *path, struct mistakes *mistakes);
struct json_in *json_in_text(const char *name, const char *text, size_t size, struct mistakes *mistakes);
void json_in_free(struct json_in *in);

struct json_value json_root(const struct json_in *in);
struct json_place json_place(const struct json_value *value);
/* How the value is reached: hosts[0].roles[1], narrow["lync-server-2013-edge/public-im/1"]. */
void json_path(const struct json_value *value, char out[JSON_PATH_SIZE]);
enum json_kind json_kind(const struct json_value *value);
const char *json_text(const struct json_value *value);   /* "" unless JSON_TEXT */
bool json_is_true(const struct json_value *value);       /* false unless it is true */
double json_number(const struct json_value *value);      /* 0 unless JSON_NUMBER */
const char *json_member(const struct json_value *value); /* its key; "" in a list */
unsigned json_count(const struct json_value *value);     /* members of a list or object; else 0 */

/* Steps through the members of a list or object:
 *     for (struct json_value host = json_first(&hosts); json_more(&host); json_next(&host))  */
struct json_value json_first(const struct json_value *container);
bool json_more(const struct json_value *member);
void json_next(struct json_value *member);

/* The member of an object with this key; false: there is none. */
bool json_find(const struct json_value *object, const char *key, struct json_value *out);

/* Whether both hold the same, wherever it stands, in whatever order its keys are. */
bool json_same(const struct json_value *one, const struct json_value *other);

/* What was found here is not what was expected. json_mistake_key() points at the key instead of its value. */
void json_mistake(const struct json_value *value, const char *expected, ...)
    __attribute__((format(printf, 2, 3)));
void json_mistake_key(const struct json_value *value, const char *expected, ...)
    __attribute__((format(printf, 2, 3)));

void json_mistake_absent(const struct json_value *object,
                         const char *key); /* a key that must be there is not */

/* True, or a mistake that names `what` was expected. */
bool json_is(const struct json_value *value, enum json_kind kind, const char *what);

/*
 * One key of an object. The value must be of `kind`, within low..high (a number: its value, whole numbers
 * only; a text: its bytes; a list or object: its members; both 0: no limit), and one of `choices` where given
 * (a list of texts that ends with NULL). It is stored at `offset` of the target: a text as const char *, a
 * number as int64_t, a bool as bool, a choice as unsigned (its index); with `read` set, that function is
 * called instead and stores what it likes. An absent key stores `fallback`, written as text ("false", "3600",
 * "1.2"), NULL storing nothing.
 */
struct json_key {
    const char *name;
    enum json_kind kind;
    bool any_kind; /* `read` checks the kind itself */
    bool required;
    int64_t low, high;
    const char *const *choices;
    const char *fallback;
    size_t offset;
    void (*read)(const struct json_value *value, void *target, void *context);
    const char *meaning; /* "a role", "minutes": what a mistake says was expected; NULL: from the above */
};

/* Reads an object by its table; true when it added no mistake (what `read` functions add is theirs). */
bool json_read(const struct json_value *object, const struct json_key *keys, unsigned count, void *target,
               void *context);

#endif
