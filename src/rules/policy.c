/* SPDX-License-Identifier: BSD-2-Clause
 *
 * policy.c - compiles rules and site into what the judge asks (policy.h). Called once per load. Here the
 * site's word meets the document's: rows that are off fall away, moved ports and media ranges take their
 * places, peers are narrowed. Afterwards nothing changes, and every question is a look-up.
 */
#include "rolecall/policy.h"

#include <stdlib.h>
#include <string.h>

#include "addr_index.h"
#include "matrix_file.h"
#include "port_index.h"
#include "rolecall/site.h"

/* The roles that a row names, as bits; 0: it names none (`any`). */
struct row_ends {
    role_set from, to;
};

struct policy {
    const struct rules *rules;
    const struct site *site;
    struct policy_settings settings;
    struct policy_role roles[RULES_ROLES_MAX];
    const struct matrix_row **rows; /* by order; NULL: off */
    struct row_ends *ends;          /* of the same rows */
    unsigned row_count;
    struct policy_entry *entries; /* hosts, then networks */
    struct policy_party *parties; /* what an address of the entry with the same index is */
    unsigned entry_count;
    struct addr_index addresses; /* to the entry */
    struct port_index ports;
    struct keep *keep;
};

/* Rows in force. */

static bool has_feature(const void *context, const char *name, size_t size)
{
    const struct site *site = context;
    for (unsigned i = 0; i < site->feature_count; i++)
        if (strlen(site->features[i]) == size && strncmp(site->features[i], name, size) == 0)
            return true;
    return site->all_features;
}

static role_set role_named(const struct policy *policy, const char *name)
{
    int bit = rules_find_role(policy->rules, name);
    return bit >= 0 ? (role_set)1 << bit : 0;
}

static void collect_rows(struct policy *policy)
{
    const struct site *site = policy->site;
    unsigned count = 0;
    for (unsigned i = 0; i < site->matrix_count; i++)
        count += site->matrices[i]->row_count;
    policy->rows = keep_take(policy->keep, count, sizeof *policy->rows);
    policy->ends = keep_take(policy->keep, count, sizeof *policy->ends);
    for (unsigned i = 0; i < site->matrix_count; i++) {
        const struct matrix *matrix = site->matrices[i];
        for (unsigned j = 0; j < matrix->row_count; j++, policy->row_count++) {
            if (!rules_when_holds(matrix->rows[j].when, site->load_balancing, has_feature, site))
                continue;
            struct matrix_row *row = keep_take(policy->keep, 1, sizeof *row);
            *row = matrix->rows[j];
            row->order = (uint16_t)policy->row_count;
            policy->rows[policy->row_count] = row;
            policy->ends[policy->row_count] =
                (struct row_ends){role_named(policy, row->from), role_named(policy, row->to)};
        }
    }
}

/* Rows as a role holds them. */

static const struct rules_role *role_at(const struct policy *policy, unsigned bit)
{
    return rules_role(policy->rules, bit);
}

/* Does what the site says of `said` hold for a row of `owner` as `holder` has it? The holder must be what the
 * site speaks of, and that must be a role that has the row. */
static bool applies(const struct policy *policy, unsigned said, unsigned owner, unsigned holder)
{
    return role_at(policy, holder)->all >> said & 1 && role_at(policy, said)->all >> owner & 1;
}

/* A role is more specific the more it is. */
static bool is_more_specific(const struct policy *policy, unsigned a, unsigned b)
{
    return __builtin_popcountll(role_at(policy, a)->all) > __builtin_popcountll(role_at(policy, b)->all);
}

static void move_ports(const struct policy *policy, struct policy_row *out, unsigned owner, unsigned holder)
{
    const struct site *site = policy->site;
    for (unsigned i = 0; i < out->row->range_count; i++) {
        const struct port_range *documented = &out->row->ranges[i];
        const struct site_moved_port *best = NULL;
        for (unsigned j = 0; j < site->port_count; j++) {
            const struct site_moved_port *moved = &site->ports[j];
            if (moved->documented.low != documented->low || moved->documented.high != documented->high ||
                !applies(policy, moved->role, owner, holder))
                continue;
            if (!best || is_more_specific(policy, moved->role, best->role))
                best = moved;
        }
        if (best) {
            out->ranges[i] = best->moved;
            out->replaced = true;
        }
    }
}

/* The range of the row's modality, or all ranges given where the site does not name it or the row has none.
 */
static void use_media_ports(struct policy_row *out, const struct site_media_ports *given)
{
    const struct port_range *own = &given->ranges[out->row->modality];
    out->replaced = true;
    out->range_count = 0;
    for (unsigned i = MODALITY_AUDIO; i < MODALITY_COUNT; i++)
        if (given->ranges[i].low != 0 && (own->low == 0 || own == &given->ranges[i]))
            out->ranges[out->range_count++] = given->ranges[i];
}

static bool gives_any(const struct site_media_ports *given)
{
    for (unsigned i = MODALITY_AUDIO; i < MODALITY_COUNT; i++)
        if (given->ranges[i].low != 0)
            return true;
    return false;
}

static void replace_media_ports(const struct policy *policy, struct policy_row *out, unsigned owner,
                                unsigned holder)
{
    const struct site *site = policy->site;
    const struct site_media_ports *best = NULL;
    for (unsigned i = 0; i < site->media_ports_count; i++) {
        const struct site_media_ports *given = &site->media_ports[i];
        if (gives_any(given) && applies(policy, given->role, owner, holder) &&
            (!best || is_more_specific(policy, given->role, best->role)))
            best = given;
    }
    if (best)
        use_media_ports(out, best);
}

static void set_peer(const struct policy *policy, struct policy_row *out, const char *peer)
{
    const struct site *site = policy->site;
    const struct matrix *matrix = rules_find_matrix(policy->rules, out->row->matrix);
    int bit = rules_find_role(policy->rules, peer);
    if (bit >= 0) {
        out->peer_roles = (role_set)1 << bit;
        out->peer_external = (matrix->external & out->peer_roles) != 0;
        return;
    }
    out->peer_any = true;
    for (unsigned i = 0; i < site->narrow_count; i++) {
        if (strcmp(site->narrow[i].row->id, out->row->id) == 0) {
            out->peer_any = false;
            out->peer_roles = site->narrow[i].roles;
        }
    }
}

enum row_list { LIST_ANSWERS, LIST_OPENS, LIST_MEDIA, LIST_IPSEC, LIST_COUNT };

/* Who the other end is when a role holds a row in a list; NULL: the row does not stand there. */
static const char *peer_of(const struct matrix_row *row, enum row_list list, bool is_from, bool is_to)
{
    switch (row->direction) {
    case ROW_INBOUND:
        return list == LIST_ANSWERS && is_to ? row->from : NULL;
    case ROW_OUTBOUND:
        return list == LIST_OPENS && is_from ? row->to : NULL;
    case ROW_EITHER:
        if (list != LIST_ANSWERS && list != LIST_OPENS)
            return NULL;
        return is_to ? row->from : is_from ? row->to : NULL;
    case ROW_MEDIA:
        return list == LIST_MEDIA && is_to ? row->from : NULL;
    case ROW_IPSEC:
        if (list != LIST_IPSEC)
            return NULL;
        return is_to ? row->from : is_from ? row->to : NULL;
    }
    return NULL;
}

static uint8_t traits_of(const struct matrix_row *row)
{
    unsigned traits = row->accepts_anything ? ROW_TAKES_ANYTHING | ROW_TAKES_SIP : 0;
    traits |= row->accepts >> PROTO_xmpp & 1 ? ROW_TAKES_XMPP : 0;
    traits |= row->accepts >> PROTO_sip & 1 ? ROW_TAKES_SIP : 0;
    if (row->accepts_tls)
        traits |= row->accepts_mtls_only ? ROW_TAKES_TLS : ROW_TAKES_TLS | ROW_TAKES_ANY_TLS;
    return (uint8_t)traits;
}

static void hold_row(const struct policy *policy, struct policy_row *out, unsigned holder,
                     const struct matrix_row *row, const char *peer)
{
    role_set all = role_at(policy, holder)->all;
    int owner = rules_port_owner(policy->rules, row);
    *out = (struct policy_row){
        .row = row,
        .passes = row->accepts_anything ? UINT64_MAX : row->accepts | (uint64_t)1 << PROTO_UNIDENTIFIED,
        .order = row->order,
        .traits = traits_of(row),
        .range_count = row->range_count};
    memcpy(out->ranges, row->ranges, sizeof row->ranges);
    if (row->direction == ROW_MEDIA)
        replace_media_ports(policy, out, (unsigned)rules_find_role(policy->rules, row->to), holder);
    else if (owner >= 0) /* the ports may be the peer's: then no role of ours moves them */
        move_ports(policy, out, (unsigned)owner, all >> owner & 1 ? holder : (unsigned)owner);
    set_peer(policy, out, peer);
}

static struct policy_row *list_rows(const struct policy *policy, unsigned holder, enum row_list list,
                                    uint16_t *count)
{
    role_set all = role_at(policy, holder)->all;
    struct policy_row *out = NULL;
    for (unsigned pass = 0; pass < 2; pass++) { /* first count, then fill */
        out = pass == 1 ? keep_take(policy->keep, *count, sizeof *out) : NULL;
        *count = 0;
        for (unsigned i = 0; i < policy->row_count; i++) {
            const struct matrix_row *row = policy->rows[i];
            const struct row_ends *ends = &policy->ends[i];
            if (!row)
                continue;
            const char *peer = peer_of(row, list, (all & ends->from) != 0, (all & ends->to) != 0);
            if (peer && out)
                hold_row(policy, &out[*count], holder, row, peer);
            *count = (uint16_t)(*count + (peer != NULL));
        }
    }
    return out;
}

static void note_held(struct policy_role *role, const struct policy_row *rows, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        role->holds[rows[i].row->order / 64] |= (uint64_t)1 << rows[i].row->order % 64;
}

static void compile_role(struct policy *policy, unsigned bit)
{
    const struct rules_role *role = role_at(policy, bit);
    struct policy_role *out = &policy->roles[bit];
    *out = (struct policy_role){.name = role->id,
                                .title = role->title,
                                .server = role->server,
                                .strict_outbound = role->strict_outbound,
                                .all = role->all};
    out->answers = list_rows(policy, bit, LIST_ANSWERS, &out->answers_count);
    out->opens = list_rows(policy, bit, LIST_OPENS, &out->opens_count);
    out->media = list_rows(policy, bit, LIST_MEDIA, &out->media_count);
    out->ipsec = list_rows(policy, bit, LIST_IPSEC, &out->ipsec_count);
    note_held(out, out->answers, out->answers_count);
    note_held(out, out->opens, out->opens_count);
    note_held(out, out->media, out->media_count);
    note_held(out, out->ipsec, out->ipsec_count);
}

/* Addresses. */

static role_set outsiders(const struct policy *policy)
{
    role_set external = 0, internal = 0;
    for (unsigned i = 0; i < rules_matrix_count(policy->rules); i++) {
        external |= rules_matrix(policy->rules, i)->external;
        internal |= rules_matrix(policy->rules, i)->internal;
    }
    return external & ~internal;
}

static struct policy_party party_with(const struct policy *policy, role_set direct, int32_t entry)
{
    struct policy_party party = {.direct = direct, .entry = entry};
    party.is_outsider = direct && !(direct & ~outsiders(policy));
    for (unsigned bit = 0; bit < rules_role_count(policy->rules); bit++)
        if (direct >> bit & 1)
            party.all |= role_at(policy, bit)->all;
    for (unsigned bit = 0; bit < rules_role_count(policy->rules); bit++) {
        if (!(party.all >> bit & 1))
            continue;
        party.is_server |= role_at(policy, bit)->server;
        party.strict_outbound |= role_at(policy, bit)->strict_outbound;
    }
    party.strict_outbound |= party.is_server && policy->site->strict_outbound;
    return party;
}

static int32_t add_entry(struct policy *policy, const char *name, bool is_network, role_set direct)
{
    int32_t index = (int32_t)policy->entry_count++;
    policy->entries[index] = (struct policy_entry){name, is_network, direct};
    policy->parties[index] = party_with(policy, direct, index);
    return index;
}

static struct addr_owner *add_addresses(struct addr_owner *at, const struct addr *addresses, unsigned count,
                                        int32_t entry)
{
    enum { ALL_BITS = 128 };
    for (unsigned i = 0; i < count; i++)
        *at++ = (struct addr_owner){{addresses[i], ALL_BITS}, true, entry};
    return at;
}

static unsigned count_owners(const struct site *site)
{
    unsigned count = 0;
    for (unsigned i = 0; i < site->host_count; i++)
        count += site->hosts[i].address_count + site->hosts[i].translated_count;
    for (unsigned i = 0; i < site->network_count; i++)
        count += site->networks[i].prefix_count;
    return count;
}

static void compile_addresses(struct policy *policy)
{
    const struct site *site = policy->site;
    unsigned entries = site->host_count + site->network_count, count = count_owners(site);
    policy->entries = keep_take(policy->keep, entries, sizeof *policy->entries);
    policy->parties = keep_take(policy->keep, entries, sizeof *policy->parties);
    struct keep *scratch = keep_create();
    struct addr_owner *owners = keep_take(scratch, count, sizeof *owners), *at = owners;
    for (unsigned i = 0; i < site->host_count; i++) {
        const struct site_host *host = &site->hosts[i];
        int32_t entry = add_entry(policy, host->name, false, host->roles);
        at = add_addresses(at, host->addresses, host->address_count, entry);
        at = add_addresses(at, host->translated, host->translated_count, entry);
    }
    for (unsigned i = 0; i < site->network_count; i++) {
        const struct site_network *network = &site->networks[i];
        int32_t entry = add_entry(policy, network->name, true, network->roles);
        for (unsigned j = 0; j < network->prefix_count; j++)
            *at++ = (struct addr_owner){network->prefixes[j], false, entry};
    }
    addr_index_make(&policy->addresses, owners, count, policy->keep);
    keep_destroy(scratch);
}

struct policy *policy_create(const struct rules *rules, const struct site *site)
{
    struct keep *keep = keep_create();
    struct policy *policy = keep_take(keep, 1, sizeof *policy);
    policy->keep = keep;
    policy->rules = rules;
    policy->site = site;
    policy->settings = (struct policy_settings){site->name, site->min_tls, site->ipsec};
    compile_addresses(policy);
    collect_rows(policy);
    if (policy_row_count(policy) > POLICY_ROWS_MAX) {
        policy_destroy(policy);
        return NULL;
    }
    for (unsigned bit = 0; bit < rules_role_count(rules); bit++)
        compile_role(policy, bit);
    port_index_make(&policy->ports, policy->roles, rules_role_count(rules), policy->keep);
    return policy;
}

void policy_destroy(struct policy *policy)
{
    if (policy)
        keep_destroy(policy->keep);
}

struct policy_party policy_party_of(const struct policy *policy, const struct addr *addr)
{
    int32_t entry = addr_index_find(&policy->addresses, addr);
    if (entry >= 0)
        return policy->parties[entry];
    return (struct policy_party){.entry = -1, .never_prefixed = entry == ADDR_NEVER_PREFIXED};
}

struct policy_port_rows policy_rows_at(const struct policy *policy, unsigned role, enum policy_list list,
                                       enum proto_transport transport, uint16_t port)
{
    return port_index_find(&policy->ports, role, list, transport, port);
}

unsigned policy_interval(const struct policy *policy, uint16_t port)
{
    return policy->ports.interval[port];
}

const struct policy_entry *policy_entry(const struct policy *policy, int32_t index)
{
    return index >= 0 && (unsigned)index < policy->entry_count ? &policy->entries[index] : NULL;
}

unsigned policy_role_count(const struct policy *policy)
{
    return rules_role_count(policy->rules);
}

const struct policy_role *policy_role(const struct policy *policy, unsigned bit)
{
    return bit < policy_role_count(policy) ? &policy->roles[bit] : NULL;
}

unsigned policy_row_count(const struct policy *policy)
{
    return policy->row_count;
}

const struct matrix_row *policy_row_by_order(const struct policy *policy, unsigned order)
{
    return order < policy->row_count ? policy->rows[order] : NULL;
}

static bool end_holds(const struct policy *policy, const struct site_end *end, const struct addr *addr)
{
    if (end->anyone || (end->roles & policy_party_of(policy, addr).all))
        return true;
    for (unsigned i = 0; i < end->prefix_count; i++)
        if (prefix_contains(&end->prefixes[i], addr))
            return true;
    return false;
}

static bool ports_hold(const struct site_allow *allow, uint16_t port)
{
    for (unsigned i = 0; i < allow->port_count; i++)
        if (port >= allow->ports[i].low && port <= allow->ports[i].high)
            return true;
    return allow->port_count == 0;
}

int policy_allows(const struct policy *policy, const struct addr *initiator, const struct addr *responder,
                  enum proto_transport transport, uint16_t port, int64_t time_ns)
{
    if (!policy->site->allow_count)
        return -1;
    for (unsigned i = 0; i < policy->site->allow_count; i++) {
        const struct site_allow *allow = &policy->site->allow[i];
        if (allow->transports & transport && time_ns < allow->expires_ns && ports_hold(allow, port) &&
            end_holds(policy, &allow->from, initiator) && end_holds(policy, &allow->to, responder))
            return (int)i;
    }
    return -1;
}

const char *policy_allow_name(const struct policy *policy, int index)
{
    return index >= 0 && (unsigned)index < policy->site->allow_count ? policy->site->allow[index].name : NULL;
}

unsigned policy_allow_count(const struct policy *policy)
{
    return policy->site->allow_count;
}

const struct policy_settings *policy_settings(const struct policy *policy)
{
    return &policy->settings;
}

bool policy_is_muted(const struct policy *policy, const char *finding)
{
    for (unsigned i = 0; i < policy->site->mute_count; i++)
        if (strcmp(policy->site->mute[i], finding) == 0)
            return true;
    return false;
}

int policy_severity(const struct policy *policy, const char *finding, int severity)
{
    for (unsigned i = 0; i < policy->site->severity_count; i++)
        if (strcmp(policy->site->severity[i].finding, finding) == 0)
            return policy->site->severity[i].severity;
    return severity;
}

const char *policy_matrix_reference(const struct policy *policy, const char *matrix)
{
    const struct matrix *found = rules_find_matrix(policy->rules, matrix);
    return found ? found->reference : NULL;
}
