/* SPDX-License-Identifier: BSD-2-Clause
 *
 * live_filter.c - classic BPF programs, written out instruction by instruction: libpcap's expressions cannot
 * return a length per protocol. Only what is surely an RTP-shaped datagram between two high ports is
 * shortened. Everything else is kept whole: TCP, fragments, ESP, AH, IKE, ICMP, tunnels of every kind, IPv6
 * with extension headers, more than two VLAN tags in the frame, and what is not IP.
 *
 * The kernel moves the outer VLAN tag out of the frame before a program runs; libpcap puts it back. Tags that
 * are still in the frame are walked here.
 */
#include "live_filter.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <stdint.h>
#include <string.h>

/* Places that jumps lead to. Jumps only go forward; a conditional one reaches 255 instructions. */
enum label { NEXT, WHOLE, NOTHING, TAGGED, TAGGED_TWICE, IPV4, IPV6, UDP, MEDIA, LABELS };

struct program {
    struct live_filter *filter;
    size_t start;
    size_t place[LABELS];
    struct {
        uint8_t yes, no; /* enum label; NEXT: no jump */
    } target[128];
};

static void emit(struct program *p, uint16_t code, uint32_t k)
{
    p->filter->code[p->filter->count++] = (struct sock_filter){.code = code, .k = k};
}

/* A conditional jump on the accumulator. */
static void branch(struct program *p, uint16_t condition, uint32_t k, enum label yes, enum label no)
{
    p->target[p->filter->count - p->start].yes = (uint8_t)yes;
    p->target[p->filter->count - p->start].no = (uint8_t)no;
    emit(p, BPF_JMP | BPF_K | condition, k);
}

static void jump(struct program *p, enum label to)
{
    p->target[p->filter->count - p->start].yes = (uint8_t)to;
    emit(p, BPF_JMP | BPF_JA, 0);
}

static void place(struct program *p, enum label label)
{
    p->place[label] = p->filter->count;
}

static void resolve(struct program *p)
{
    for (size_t at = p->start; at < p->filter->count; at++) {
        struct sock_filter *code = &p->filter->code[at];
        uint8_t yes = p->target[at - p->start].yes, no = p->target[at - p->start].no;
        if (BPF_CLASS(code->code) != BPF_JMP)
            continue;
        if (BPF_OP(code->code) == BPF_JA) {
            code->k = (uint32_t)(p->place[yes] - at - 1);
            continue;
        }
        code->jt = yes == NEXT ? 0 : (uint8_t)(p->place[yes] - at - 1);
        code->jf = no == NEXT ? 0 : (uint8_t)(p->place[no] - at - 1);
    }
}

/* ---- snap lengths ---- */

/* Destination or source ports whose datagrams are never shortened: what may be inside them must be read
 * whole. Below 1024 nothing is. */
static const uint16_t whole_ports[] = {
    1434,                                     /* SSRP */
    1701,                                     /* L2TP */
    2152, 2123, 3386,                         /* GTP */
    3478, 3479,                               /* TURN: signalling, and media inside its frames */
    3544,                                     /* Teredo */
    4500,                                     /* NAT-T: IKE and ESP */
    4739, 4754, 4755,                         /* GRE in UDP (RFC 8086), and its DTLS form */
    4789, 4790, 8472,                         /* VXLAN, VXLAN-GPE */
    5060, 5061, 5062, 5068, 5353, 5355, 6081, /* SIP, mDNS, LLMNR, GENEVE */
    6635, 6636                                /* MPLS in UDP (RFC 7510) */
};

/* A load past the frame's end would end the program, and the frame with it. So a frame that is shorter than
 * the headers read below is kept as it is. */
static void walk_length(struct program *p)
{
    emit(p, BPF_LD | BPF_W | BPF_LEN, 0);
    branch(p, BPF_JGE, 60, NEXT, WHOLE);
}

/* The frame's type stands at `offset`; a VLAN tag there leads on to `tagged`. */
static void walk_ethertype(struct program *p, unsigned offset, enum label tagged)
{
    emit(p, BPF_LDX | BPF_IMM, offset + 2);
    emit(p, BPF_LD | BPF_H | BPF_ABS, offset);
    branch(p, BPF_JEQ, ETH_P_IP, IPV4, NEXT);
    branch(p, BPF_JEQ, ETH_P_IPV6, IPV6, NEXT);
    branch(p, BPF_JEQ, ETH_P_8021Q, tagged, NEXT);
    branch(p, BPF_JEQ, ETH_P_8021AD, tagged, WHOLE);
}

static void walk_ip(struct program *p)
{
    place(p, IPV4);
    emit(p, BPF_LD | BPF_B | BPF_IND, 9);
    branch(p, BPF_JEQ, IPPROTO_UDP, NEXT, WHOLE);
    emit(p, BPF_LD | BPF_H | BPF_IND, 6);
    branch(p, BPF_JSET, 0x3fff, WHOLE, NEXT); /* more fragments, or an offset */
    emit(p, BPF_LD | BPF_B | BPF_IND, 0);
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0x0f);
    emit(p, BPF_ALU | BPF_LSH | BPF_K, 2);
    emit(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(p, BPF_MISC | BPF_TAX, 0);
    jump(p, UDP);
    place(p, IPV6);
    emit(p, BPF_LD | BPF_B | BPF_IND, 6);
    branch(p, BPF_JEQ, IPPROTO_UDP, NEXT, WHOLE);
    emit(p, BPF_MISC | BPF_TXA, 0);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, 40);
    emit(p, BPF_MISC | BPF_TAX, 0);
}

/* RTP: version 2, and a payload type that RTCP's packet types cannot be mistaken for (RFC 5761 section 4). */
static void walk_udp(struct program *p)
{
    place(p, UDP);
    emit(p, BPF_LD | BPF_W | BPF_LEN, 0);
    branch(p, BPF_JGT | BPF_X, 0, NEXT, WHOLE);
    emit(p, BPF_ALU | BPF_SUB | BPF_X, 0);
    branch(p, BPF_JGE, 10, NEXT, WHOLE); /* the header, and two bytes */
    for (unsigned side = 0; side < 2; side++) {
        emit(p, BPF_LD | BPF_H | BPF_IND, 2 * side);
        branch(p, BPF_JGE, 1024, NEXT, WHOLE);
        for (unsigned i = 0; i < sizeof whole_ports / sizeof *whole_ports; i++)
            branch(p, BPF_JEQ, whole_ports[i], WHOLE, NEXT);
    }
    emit(p, BPF_LD | BPF_B | BPF_IND, 8);
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0xc0);
    branch(p, BPF_JEQ, 0x80, NEXT, WHOLE);
    emit(p, BPF_LD | BPF_B | BPF_IND, 9);
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0x7f);
    branch(p, BPF_JGE, 96, MEDIA, NEXT);
    branch(p, BPF_JGE, 64, WHOLE, MEDIA);
    place(p, MEDIA);
    emit(p, BPF_MISC | BPF_TXA, 0);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, 8 + LIVE_SNAP_MEDIA);
    emit(p, BPF_RET | BPF_A, 0);
}

void live_filter_snap(struct live_filter *filter, bool ethernet, bool skip_outgoing)
{
    struct program p = {.filter = filter, .start = filter->count};
    if (skip_outgoing) {
        emit(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE));
        branch(&p, BPF_JEQ, PACKET_OUTGOING, NOTHING, NEXT);
    }
    if (ethernet) {
        walk_length(&p);
        walk_ethertype(&p, 12, TAGGED);
        place(&p, TAGGED);
        walk_ethertype(&p, 16, TAGGED_TWICE);
        place(&p, TAGGED_TWICE);
        walk_ethertype(&p, 20, WHOLE);
        walk_ip(&p);
        walk_udp(&p);
    }
    place(&p, WHOLE);
    emit(&p, BPF_RET | BPF_K, LIVE_SNAP);
    place(&p, NOTHING);
    emit(&p, BPF_RET | BPF_K, 0);
    resolve(&p);
}

/* The expression's returns become jumps: what it accepts is dropped, what it refuses goes on to the program
 * that was here. A frame that ends inside the headers that the expression reads is dropped as well: the
 * kernel has no other answer to that. */
bool live_filter_exclude(struct live_filter *filter, const struct sock_filter *expression, size_t count)
{
    if (filter->count + count + 1 > LIVE_FILTER_MAX)
        return false;
    memmove(filter->code + count + 1, filter->code, filter->count * sizeof *filter->code);
    filter->count += count + 1;
    for (size_t at = 0; at < count; at++) {
        filter->code[at] = expression[at];
        if (BPF_CLASS(expression[at].code) != BPF_RET)
            continue;
        size_t to = expression[at].k ? count : count + 1;
        filter->code[at] = (struct sock_filter){.code = BPF_JMP | BPF_JA, .k = (uint32_t)(to - at - 1)};
    }
    filter->code[count] = (struct sock_filter){.code = BPF_RET | BPF_K, .k = 0};
    return true;
}

/* ---- spreading ---- */

/* The accumulator xor one more word; offsets are the network header's, where a program of PACKET_FANOUT
 * stands at different places for frames that come and go. */
static void mix(struct program *p, unsigned offset)
{
    emit(p, BPF_MISC | BPF_TAX, 0);
    emit(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + offset);
    emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* Nearby addresses differ in few bits: every bit shall count in the low ones, which choose the ring. */
static void finish_hash(struct program *p)
{
    emit(p, BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1); /* 2^32 by the golden ratio, odd */
    emit(p, BPF_ALU | BPF_RSH | BPF_K, 16);
    emit(p, BPF_RET | BPF_A, 0);
}

/* Exclusive or is the same for both directions. Frames that are no IP, or have a second VLAN tag, all share
 * one ring. */
void live_filter_spread(struct live_filter *filter)
{
    struct program p = {.filter = filter, .start = filter->count};
    emit(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL));
    branch(&p, BPF_JEQ, ETH_P_IP, IPV4, NEXT);
    branch(&p, BPF_JEQ, ETH_P_IPV6, IPV6, NOTHING);
    place(&p, IPV4);
    emit(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 12);
    mix(&p, 16);
    finish_hash(&p);
    place(&p, IPV6);
    emit(&p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + 8);
    for (unsigned offset = 12; offset < 40; offset += 4)
        mix(&p, offset);
    finish_hash(&p);
    place(&p, NOTHING);
    emit(&p, BPF_RET | BPF_K, 0);
    resolve(&p);
}
