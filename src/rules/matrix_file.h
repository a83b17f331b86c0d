/* SPDX-License-Identifier: BSD-2-Clause
 *
 * matrix_file.h - what the rules room shares: the inside of struct rules, and the reader of one matrix file.
 */
#ifndef ROLECALL_MATRIX_FILE_H
#define ROLECALL_MATRIX_FILE_H

#include "keep.h"
#include "rolecall/json_in.h"
#include "rolecall/rules.h"

enum { RULES_FILES_MAX = 64, RULES_FEATURES_MAX = 64, MATRIX_ROWS_MAX = 1000 };

struct rules {
    struct matrix matrices[RULES_FILES_MAX];
    struct json_in *documents[RULES_FILES_MAX]; /* own the texts of the matrix with the same index */
    unsigned matrix_count;
    struct rules_role roles[RULES_ROLES_MAX];
    unsigned role_count;
    const char *features[RULES_FEATURES_MAX];
    unsigned feature_count;
    struct keep *keep;
};

/* Reads one file as the next matrix of `rules`; what is wrong goes to `mistakes`. */
void matrix_file_read(struct rules *rules, const char *path, struct mistakes *mistakes);

/* The role, by its bit, whose own ports a row lists, which a site may move: whoever answers, or the opener
 * where the range is its own. -1: anyone's, media (that has media_ports), or ipsec. */
int rules_port_owner(const struct rules *rules, const struct matrix_row *row);

#endif
