/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rules.h - the matrix files, read and checked.
 *
 * rules_load() reads every *.json of the rules directory (schemas excepted) in order of file names; with a
 * mistake anywhere there are no rules, and all mistakes are in `mistakes`. The result does not change until
 * rules_free(); rows and texts belong to it. Role ids are global: files that declare the same role must agree
 * on `server` and `strict_outbound`, and what it `is` adds up. A role's number is its bit in a role_set.
 */
#ifndef ROLECALL_RULES_H
#define ROLECALL_RULES_H

#include "rolecall/mistakes.h"
#include "rolecall/policy.h"

enum { RULES_ROLES_MAX = 64 };

/* One file. */
struct matrix {
    const char *id, *title, *document, *reference,
        *read; /* read: the day the document was read, YYYY-MM-DD */
    const char *file;
    const struct matrix_row *rows; /* in file order; `order` counts within this file */
    unsigned row_count;
    role_set external; /* roles that, in this file's rows, an address without any role also fills */
    role_set internal; /* the other roles that it declares */
};

struct rules_role {
    const char *id, *title;
    bool server, strict_outbound;
    role_set all; /* itself and everything it is */
};

/* `directory` is --rules, or NULL: $ROLECALL_RULES, beside the build, /usr/share/rolecall/rules, whichever
 * comes first. /etc/rolecall/rules.d adds to any of them. NULL after a mistake. */
struct rules *rules_load(const char *directory, struct mistakes *mistakes);
const char *
rules_directory(const char *directory); /* where rules_load() looks, /etc/rolecall/rules.d besides */
struct rules *rules_load_files(const char *const *paths, unsigned count, struct mistakes *mistakes);
void rules_free(struct rules *rules);

unsigned rules_matrix_count(const struct rules *rules);
const struct matrix *rules_matrix(const struct rules *rules, unsigned index); /* NULL past the end */
const struct matrix *rules_find_matrix(const struct rules *rules, const char *id);
const struct matrix_row *rules_find_row(const struct rules *rules, const char *id);

unsigned rules_role_count(const struct rules *rules);
const struct rules_role *rules_role(const struct rules *rules, unsigned bit); /* NULL past the end */
int rules_find_role(const struct rules *rules, const char *id); /* its bit; -1: none, or "any" */

/* Feature names that some row's `when` asks for, each once. */
unsigned rules_feature_count(const struct rules *rules);
const char *rules_feature(const struct rules *rules, unsigned index);

/* Does a row's `when` hold? `load_balancing`: "hardware", "dns" or "". `has_feature` answers for one name. */
bool rules_when_holds(const char *when, const char *load_balancing,
                      bool (*has_feature)(const void *context, const char *name, size_t size),
                      const void *context);
bool rules_is_narrowable(const struct matrix_row *row); /* its condition says that a site may narrow it */

/* "5061", "50000-59999", 1 to 65535; false: anything else. */
bool port_range_parse(const char *text, struct port_range *out);

#endif
