/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_rules.c - any bytes as a matrix file. Either there are rules, and everything in them can be used, or
 * there is a mistake that says why not.
 */
#include "memory_file.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

static void read_through(const struct rules *rules)
{
    for (unsigned m = 0; rules_matrix(rules, m); m++) {
        const struct matrix *matrix = rules_matrix(rules, m);
        CHECK(matrix->id && matrix->file && rules_find_matrix(rules, matrix->id));
        for (unsigned r = 0; r < matrix->row_count; r++) {
            const struct matrix_row *row = &matrix->rows[r];
            CHECK(row->id && row->from && row->to && row->range_count <= ROW_WORDS_MAX);
            CHECK(rules_find_row(rules, row->id));
            for (unsigned i = 0; i < row->range_count; i++)
                CHECK(row->ranges[i].low > 0 && row->ranges[i].low <= row->ranges[i].high);
            rules_is_narrowable(row);
        }
    }
    CHECK(rules_role_count(rules) <= RULES_ROLES_MAX);
    for (unsigned bit = 0; bit < rules_role_count(rules); bit++)
        CHECK(rules_role(rules, bit)->all >> bit & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct memory_file file = memory_file_of(input, size);
    const char *path = file.path;
    struct mistakes mistakes = {0};
    struct rules *rules = rules_load_files(&path, 1, &mistakes);
    CHECK(!rules == (mistakes.count > 0));
    if (rules) {
        read_through(rules);
        struct site *site = site_create(rules, &mistakes);
        struct policy *policy = site ? policy_create(rules, site) : NULL;
        policy_destroy(policy);
        site_free(site);
    }
    rules_free(rules);
    mistakes_clear(&mistakes);
    memory_file_close(&file);
    return 0;
}
