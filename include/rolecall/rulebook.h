/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rulebook.h - what the daemon judges by: rules, site and the policy compiled from them, loaded together and
 * replaced together.
 */
#ifndef ROLECALL_RULEBOOK_H
#define ROLECALL_RULEBOOK_H

#include "rolecall/config.h"
#include "rolecall/mistakes.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

struct rulebook {
    struct rules *rules;
    struct site *site;
    struct policy *policy;
    char *site_path;
};

/* NULL after a mistake. Without a site file there is no policy: nothing is judged. Any thread. */
struct rulebook *rulebook_load(const struct config *config, struct mistakes *mistakes);
void rulebook_free(struct rulebook *book);

#endif
