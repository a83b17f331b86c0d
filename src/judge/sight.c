/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sight.c - findings that no single flow can give (DESIGN 6): hosts whose own packets the capture does not
 * show, clients whose media falls back to TCP, servers that the site does not name. Asked once per flow, at
 * its end; none of them makes a flow fail.
 */
#include "judge_internal.h"

enum { TURN_UDP_PORT = 3478, TURN_TCP_PORT = 443 };

static void add(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict,
                const struct finding_key *key, uint64_t already)
{
    if (!findings_add(judge, in, verdict, key, already))
        judge->totals.findings_refused++;
}

static void note_one_way(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict)
{
    const struct flow *flow = in->flow;
    if (flow->packets[0] && flow->packets[1])
        return;
    unsigned unheard = flow->packets[0] ? 1 : 0;
    const struct addr *addr = &flow->key.addr[unheard];
    if (!verdict->party[unheard].all)
        return;
    struct address_facts *facts = judge_address(judge, addr, in->now_ns);
    facts->one_way_over++;
    if (!judge_is_one_way(judge, addr))
        return;
    struct finding_key key = {.id = FINDING_ONE_WAY_CAPTURE, .addr = {*addr}};
    add(judge, in, verdict, &key, facts->one_way_over);
}

/* TURN to an Edge: UDP 3478 that nobody answers, and TCP 443 in its place. */
static void note_fallback(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict)
{
    const struct flow *flow = in->flow;
    unsigned responder = 1u - verdict->initiator, name = flow->identity.name;
    uint16_t port = flow->key.port[responder];
    bool udp = flow->key.protocol == IP_UDP && port == TURN_UDP_PORT &&
               (name == PROTO_ms_turn || name == PROTO_stun);
    bool tcp = flow->key.protocol == IP_TCP && port == TURN_TCP_PORT && name == PROTO_ms_turn;
    if (!verdict->party[responder].is_server || (!udp && !tcp))
        return;
    struct pair_key key = {{flow->key.addr[verdict->initiator], flow->key.addr[responder]}};
    bool added;
    struct fallback *fallback = map_take(&judge->fallbacks, &key, in->now_ns, &added);
    if (added)
        fallback->is_anew = judge_forgot(&judge->fallbacks, in->now_ns);
    bool answered = flow_answered_by(flow, responder);
    fallback->udp_silent |= udp && !answered;
    fallback->udp_answered |= udp && answered;
    fallback->tcp_used |= tcp && answered;
    if (fallback->is_anew || !fallback->tcp_used || !fallback->udp_silent || fallback->udp_answered ||
        judge_is_one_way(judge, &flow->key.addr[responder]))
        return;
    /* One finding per network of clients and Edge: the network's first client stands for it. */
    struct finding_key finding = {.id = FINDING_MEDIA_FALLBACK, .addr = {flow->key.addr[responder]}};
    finding.port = (uint16_t)(verdict->party[verdict->initiator].entry + 1);
    add(judge, in, verdict, &finding, 1);
}

/* Ports so common that answering on them says little about a role (DESIGN 6). */
static bool is_common(uint16_t port)
{
    static const uint16_t common[] = {53, 80, 135, 443, 445, 1434};
    for (unsigned i = 0; i < sizeof common / sizeof *common; i++)
        if (port == common[i])
            return true;
    return false;
}

/* Server roles that document this very port with this very protocol. */
static role_set roles_answering(const struct judge *judge, const struct flow *flow, uint16_t port)
{
    role_set roles = 0;
    for (unsigned bit = 0; bit < policy_role_count(judge->policy); bit++) {
        struct policy_port_rows rows =
            policy_rows_at(judge->policy, bit, POLICY_ANSWERS, judge_transport(flow), port);
        for (unsigned i = 0; policy_role(judge->policy, bit)->server && i < rows.count; i++) {
            const struct policy_row *row = rows.at[i].row;
            if ((row->row->accepts >> flow->identity.name & 1) && row->ranges[0].low == port &&
                row->ranges[0].high == port)
                roles |= (role_set)1 << bit;
        }
    }
    return roles;
}

static bool answers_as_one_role(const struct answered *answered)
{
    for (unsigned i = 0; i < answered->count; i++)
        for (unsigned k = 0; k < answered->count; k++)
            if (i != k && (answered->roles[i] & answered->roles[k]) && !is_common(answered->ports[i]))
                return true;
    return false;
}

static void add_answer(struct answered *answered, uint16_t port, role_set roles)
{
    for (unsigned i = 0; i < answered->count; i++)
        if (answered->ports[i] == port)
            return;
    if (answered->count == ANSWERED_MAX)
        return;
    answered->ports[answered->count] = port;
    answered->roles[answered->count++] = roles;
}

static void note_undeclared(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict)
{
    const struct flow *flow = in->flow;
    unsigned responder = 1u - verdict->initiator;
    const struct policy_party *party = &verdict->party[responder];
    const struct addr *addr = &flow->key.addr[responder];
    if (party->all || party->never_prefixed || (!addr_is_private(addr) && party->entry < 0) ||
        !flow->identity.name || !flow_answered_by(flow, responder))
        return;
    role_set roles = roles_answering(judge, flow, flow->key.port[responder]);
    struct answered *answered = roles ? map_take(&judge->answered, addr, in->now_ns, NULL) : NULL;
    if (!answered)
        return;
    add_answer(answered, flow->key.port[responder], roles);
    if (!answers_as_one_role(answered))
        return;
    struct finding_key key = {.id = FINDING_UNDECLARED_SERVER, .addr = {*addr}};
    add(judge, in, verdict, &key, 1);
}

void sight_flow_over(struct judge *judge, const struct judge_flow *in, const struct verdict *verdict)
{
    note_one_way(judge, in, verdict);
    if (!judge_transport(in->flow))
        return;
    note_fallback(judge, in, verdict);
    note_undeclared(judge, in, verdict);
}
