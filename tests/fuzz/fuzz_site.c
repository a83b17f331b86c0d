/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_site.c - any bytes as a site file, against the shipped rules. A site that is accepted is compiled,
 * asked about addresses, and looked over for what is probably not meant.
 */
#include "fuzz.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

static const struct rules *shipped_rules(void)
{
    static struct rules *rules;
    struct mistakes mistakes = {0};
    if (!rules)
        rules = rules_load(FUZZ_SOURCE_DIR "/rules", &mistakes);
    CHECK(rules);
    return rules;
}

static void ask(const struct policy *policy, const struct addr *addr)
{
    struct policy_party party = policy_party_of(policy, addr);
    CHECK((party.direct & ~party.all) == 0);
    CHECK(party.entry < 0 || policy_entry(policy, party.entry));
    policy_allows(policy, addr, addr, OVER_TCP, 443, INT64_C(1772443800000000000));
}

static void use(const struct rules *rules, struct site *site)
{
    struct policy *policy = policy_create(rules, site);
    CHECK(policy);
    for (unsigned i = 0; i < site->host_count; i++)
        for (unsigned a = 0; a < site->hosts[i].address_count; a++)
            ask(policy, &site->hosts[i].addresses[a]);
    for (unsigned i = 0; i < site->network_count; i++)
        for (unsigned p = 0; p < site->networks[i].prefix_count; p++)
            ask(policy, &site->networks[i].prefixes[p].addr);
    for (unsigned bit = 0; bit < policy_role_count(policy); bit++)
        CHECK(policy_role(policy, bit)->name);
    struct mistakes warnings = {0};
    site_lint(site, rules, INT64_C(1772443800000000000), &warnings);
    mistakes_clear(&warnings);
    policy_destroy(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct mistakes mistakes = {0};
    struct bytes text = bytes_of(input, size), copy = fuzz_copy(&text, size);
    struct site *site = site_from_text("fuzz", (const char *)copy.at, copy.left, shipped_rules(), &mistakes);
    CHECK(!site == (mistakes.count > 0));
    if (site)
        use(shipped_rules(), site);
    site_free(site);
    mistakes_clear(&mistakes);
    fuzz_free(copy);
    return 0;
}
