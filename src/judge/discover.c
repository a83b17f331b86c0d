/* SPDX-License-Identifier: BSD-2-Clause */
#include "rolecall/discover.h"

#include <stdlib.h>

struct discovery {
    const struct rules *rules;
};

struct discovery *discovery_create(const struct rules *rules)
{
    struct discovery *discovery = calloc(1, sizeof *discovery);
    if (discovery)
        discovery->rules = rules;
    return discovery;
}

void discovery_destroy(struct discovery *discovery)
{
    free(discovery);
}

void discovery_flow(struct discovery *discovery, const struct judge_flow *in, const struct verdict *verdict)
{
    (void)discovery, (void)in, (void)verdict;
}

char *discovery_site_text(const struct discovery *discovery, size_t *size)
{
    (void)discovery;
    char *text = strdup("{\"site\": \"discovered\"}");
    *size = text ? strlen(text) : 0;
    return text;
}

unsigned discovery_host_count(const struct discovery *discovery)
{
    (void)discovery;
    return 0;
}
