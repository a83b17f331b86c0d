/* SPDX-License-Identifier: BSD-2-Clause
 *
 * direction.c - which side opened a flow, and what that rests on (DESIGN 5.1, PROTOCOLS 18.1). Asked at every
 * verdict, so that a later and stronger basis turns the flow round.
 */
#include "judge_internal.h"

const char *direction_basis_name(enum direction_basis basis)
{
    static const char *const names[] = {"syn", "protocol", "listener", "matrix", "port", "first-packet"};
    return names[basis];
}

static bool is_sip_both_ends(const struct flow *flow)
{
    return flow->key.port[0] == 5060 && flow->key.port[1] == 5060;
}

/* Media, IKE and SIP between equal ports are symmetric: a documented or low port says nothing there. */
static bool is_symmetric(const struct flow *flow)
{
    if (flow->key.protocol != IP_UDP)
        return false;
    return judge_is_media(flow) || judge_is_ipsec(flow) || is_sip_both_ends(flow);
}

/* Does an `inbound` row of this end's roles have its port? */
static bool answers_here(const struct judge *judge, const struct flow *flow, const struct policy_party *party,
                         unsigned side)
{
    for (role_set left = party->direct; left; left &= left - 1) {
        struct policy_port_rows rows =
            policy_rows_at(judge->policy, (unsigned)__builtin_ctzll(left), POLICY_ANSWERS,
                           judge_transport(flow), flow->key.port[side]);
        for (unsigned i = 0; i < rows.count; i++)
            if (rows.at[i].row->row->direction == ROW_INBOUND)
                return true;
    }
    return false;
}

static bool by_ports(const struct judge *judge, const struct flow *flow, const struct policy_party party[2],
                     unsigned *initiator, enum direction_basis *basis)
{
    bool answers[2];
    for (unsigned side = 0; side < 2 && judge->policy; side++)
        answers[side] = answers_here(judge, flow, &party[side], side);
    if (judge->policy && answers[0] != answers[1]) {
        *initiator = answers[0];
        *basis = BASIS_MATRIX;
        return true;
    }
    bool low[2] = {flow->key.port[0] < 1024, flow->key.port[1] < 1024};
    if (low[0] == low[1])
        return false;
    *initiator = low[0];
    *basis = BASIS_PORT;
    return true;
}

unsigned judge_direction(const struct judge *judge, const struct flow *flow,
                         const struct policy_party party[2], enum direction_basis *basis)
{
    unsigned initiator = flow->first;
    bool syn[2] = {(flow->flags & FLOW_SYN_0) || (flow->flags & FLOW_SYN_ACK_1),
                   (flow->flags & FLOW_SYN_1) || (flow->flags & FLOW_SYN_ACK_0)};
    if (syn[0] != syn[1]) {
        *basis = BASIS_SYN;
        return syn[1];
    }
    if (syn[0]) { /* both opened at once (RFC 9293 section 3.5): the first one did */
        *basis = BASIS_SYN;
        return initiator;
    }
    if (flow->identity.client != SIDE_NONE) {
        *basis = BASIS_PROTOCOL;
        return flow->identity.client == 0 ? flow->first : 1u - flow->first;
    }
    if (flow->key.protocol == IP_TCP) {
        bool listens[2];
        for (unsigned side = 0; side < 2; side++)
            listens[side] =
                judge_has_endpoint(&judge->listeners, &flow->key.addr[side], flow->key.port[side]);
        if (listens[0] != listens[1]) {
            *basis = BASIS_LISTENER;
            return listens[0];
        }
    }
    bool has_ports = flow->key.protocol == IP_TCP || flow->key.protocol == IP_UDP;
    if (has_ports && !is_symmetric(flow) && by_ports(judge, flow, party, &initiator, basis))
        return initiator;
    *basis = BASIS_FIRST_PACKET;
    return initiator;
}
