/* SPDX-License-Identifier: BSD-2-Clause
 *
 * isakmp.h - what ike.c, authip.c and esp.c share: IKEv1, IKEv2 and AuthIP have one header, and on UDP 4500
 * their messages share a flow with ESP and with one-byte keep-alives.
 */
#ifndef ROLECALL_PROTO_ISAKMP_H
#define ROLECALL_PROTO_ISAKMP_H

#include "rolecall/proto.h"

enum { ESP_COUNT_SURE = 3 }; /* so many in order under one SPI are no chance */

/* What one datagram of such a flow is. */
enum isakmp_kind {
    ISAKMP_NONE,
    ISAKMP_CUT,       /* right as far as it was captured */
    ISAKMP_MESSAGE,   /* IKEv1 or IKEv2 */
    ISAKMP_AUTHIP,    /* [MS-AIPS] exchanges 243 to 246 */
    ISAKMP_ESP,       /* RFC 3948 section 2.1, with a plausible SPI */
    ISAKMP_KEEPALIVE, /* one byte ff, RFC 3948 section 2.3 */
};

/* Do the payloads end with the message? Encrypted ones count as closed. */
enum isakmp_chain { ISAKMP_CHAIN_WRONG, ISAKMP_CHAIN_CUT, ISAKMP_CHAIN_CLOSED };

struct isakmp {
    enum isakmp_kind kind;
    uint64_t initiator_spi, responder_spi;
    uint8_t version, exchange, flags;
    bool is_marked; /* behind the four zero bytes of RFC 3948 section 2.2 */
    enum isakmp_chain chain;
    uint32_t esp_spi, esp_sequence;
};

/* Seen so far in a flow; lies in the memory the flow lends, alike for ike, authip and esp. */
struct isakmp_memory {
    bool knows_initiator;
    bool ike_was_cut; /* esp only: a marker was seen, but too little behind it to name IKE */
    bool nat_t;       /* the marker or a keep-alive was seen: ESP may follow */
    uint8_t initiator_side;
    uint8_t ike_sides; /* bit per side */
    struct {
        uint32_t spi, sequence;
        uint8_t count; /* datagrams of this SPI whose sequence number grew */
    } esp[2];
};

/* Reads IKE or AuthIP alone: it is told at any port. `wirelen` is the datagram's length on the wire. */
void isakmp_read(struct bytes data, uint32_t wirelen, struct isakmp *message);

/* ESP or a keep-alive, which only the port or the flow's past makes likely. */
void isakmp_read_esp(struct bytes data, uint32_t wirelen, struct isakmp *message);

/* Notes an SPI, with a yes only. True: it is new. */
bool isakmp_add_spi(struct proto_facts *facts, unsigned side, uint32_t spi);

/* Counts an ESP datagram; gives how many of this side followed each other under one SPI. */
unsigned isakmp_count_esp(const struct isakmp *message, uint8_t side, struct isakmp_memory *memory);

/* The whole answer for ike and authip, which differ in the exchange that names them first. */
void isakmp_ask(enum isakmp_kind wanted, const struct proto_question *question, struct proto_memory *memory,
                struct proto_facts *facts, struct proto_reply *reply);

/* The answer once a flow has its name: IKE, AuthIP, ESP and keep-alives all belong to it. `self` is that
 * name. */
void isakmp_go_on(enum proto_id self, const struct proto_question *question, struct isakmp_memory *memory,
                  struct proto_facts *facts, struct proto_reply *reply);

#endif
