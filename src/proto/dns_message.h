/* SPDX-License-Identifier: BSD-2-Clause
 *
 * dns_message.h - the message format that DNS, mDNS, LLMNR and the NetBIOS name service share. dns.c, mdns.c,
 * llmnr.c and nbns.c each bring their rules and let dns_message_ask() put them to a datagram or a stream.
 */
#ifndef ROLECALL_PROTO_DNS_MESSAGE_H
#define ROLECALL_PROTO_DNS_MESSAGE_H

#include "rolecall/proto.h"

enum dns_walk {
    DNS_WRONG,  /* a name, a type or a class that cannot be, or bytes behind the last record */
    DNS_ENDED,  /* right as far as it goes, but it ends too early */
    DNS_CUT,    /* right as far as it was captured */
    DNS_CLOSED, /* every question and record right, the last one ending with the message */
};

/* RFC 1035 section 4.1.1 */
enum {
    DNS_RESPONSE = 0x8000,
    DNS_OPCODE = 0x7800,
    DNS_AUTHORITATIVE = 0x0400,
    DNS_TRUNCATED = 0x0200,
    DNS_RECURSION_DESIRED = 0x0100,
    DNS_RECURSION_AVAILABLE = 0x0080,
    DNS_RCODE = 0x000f,
};

enum {
    DNS_HEADER_SIZE = 12,
    DNS_NETBIOS_LABEL = 32 /* RFC 1001 section 14.1: 16 bytes as two letters A to P each */
};

struct dns_message {
    uint16_t id, flags;
    uint16_t questions, answers, authorities, additional;
    enum dns_walk walk;
    bool has_header;     /* all twelve bytes were there */
    bool has_kind;       /* enough of the first name was there to tell a NetBIOS name from others */
    bool has_entry;      /* the first question or record was there and is right */
    bool has_name;       /* the first name, of a question or of a record, was there and is right */
    bool is_netbios;     /* and has the form of a NetBIOS name, RFC 1001 section 14.1 */
    bool is_local;       /* and ends in ".local", RFC 6762 section 3 */
    bool is_reverse;     /* and ends in ".arpa" */
    bool has_high_class; /* a class with the top bit of RFC 6762 sections 5.4 and 10.2 */
    bool has_opt;        /* EDNS, RFC 6891 */
    uint8_t name_size;
    uint8_t name[PROTO_TEXT_SIZE]; /* labels joined by dots; of NetBIOS names the decoded first 15 bytes */
};

struct dns_rules {
    /* Header and name as this protocol sends them: enough at its own port. */
    bool (*plausible)(const struct dns_message *message);
    /* What none of the other three would have sent: with a closed walk enough at any port. */
    bool (*distinct)(const struct dns_message *message);
    bool (*may_be_distinct)(const struct dns_message *message); /* by its header alone; NULL: any */
    uint8_t distinct_evidence;
    bool unasked_responses; /* responses may come without a query and do not tell who is the server */
};

static inline unsigned dns_opcode(const struct dns_message *message)
{
    return (message->flags & DNS_OPCODE) >> 11;
}

void dns_message_read(struct bytes data, struct dns_message *message);
void dns_message_ask(const struct dns_rules *rules, const struct proto_question *question,
                     struct proto_memory *memory, struct proto_facts *facts, struct proto_reply *reply);

#endif
