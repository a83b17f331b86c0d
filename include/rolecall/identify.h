/* SPDX-License-Identifier: BSD-2-Clause
 *
 * identify.h - puts the question to the identifiers until one says yes, and keeps what they must remember.
 *
 * An identity is the small result that stays with a flow. What it cannot hold is its *memo*: the state of TCP
 * streams and lent memory, until the flow is settled, and its facts, until the flow ends. Memos are packed
 * into memory taken at start, as many bytes each as it needs; a flow has none as long as there is nothing to
 * remember, or no more than its two SYNs. RTP that goes on is counted in its *run*, a line of its own. Where
 * there is no room the flow stays without a name (or without facts), is marked `starved`, and a counter
 * tells.
 *
 * One identifier belongs to one thread. It knows no addresses, no ports and no rules.
 */
#ifndef ROLECALL_IDENTIFY_H
#define ROLECALL_IDENTIFY_H

#include "rolecall/proto.h"

enum { SIDE_NONE = 2 };

struct identity {
    union {
        struct {
            uint32_t memo; /* where it is kept; 0: there is none */
            uint32_t run;  /* RTP that goes on: what is newer than the memo; 0: it does not */
        };
        uint32_t begins[2]; /* with syn_sides: each side's first sequence number behind its SYN */
    };
    uint8_t name;         /* enum proto_id: the first name, kept for good */
    uint8_t upgraded_to;  /* enum proto_id: STARTTLS and the like; 0: none */
    uint8_t evidence : 2; /* 0 to 3 */
    uint8_t client : 2;   /* the side that speaks as the client; SIDE_NONE: the bytes did not tell */
    uint8_t sides : 2;    /* ESP and AH: bit per side that was heard */
    bool settled : 1;     /* nothing is asked any more */
    bool cut : 1;         /* an identifier asked for bytes that the capture had cut off */
    bool lost : 1;        /* bytes of a stream are missing from the capture, before it was settled */
    bool middle : 1;      /* the name rests on a stream whose beginning was not seen */
    bool starved : 1;     /* a pool was empty: what is missing proves nothing */
    /* While it is not settled, identification's own: */
    bool is_stream : 1;     /* the streams of a TCP flow are followed */
    bool carries_media : 1; /* other protocols of the media family may share the flow */
    uint8_t yes_sides : 2;  /* bit per side that confirmed the name */
    uint8_t asked;          /* payloads asked about without a name */
    uint8_t strangers;      /* datagrams in a row that no named protocol knew */
    uint8_t
        syn_sides : 2;  /* bit per side whose SYN was seen, while nothing else is known: there is no memo */
    uint8_t likely : 6; /* enum proto_id: no name, but every datagram may be one of this; 0: no */
    uint8_t current;    /* the protocol asked first: the last that said yes */
};
_Static_assert(PROTO_COUNT <= 64, "six bits hold a protocol");
_Static_assert(sizeof(struct identity) == 16, "one of them per flow: see flow.h");

/* TROUBLE: nothing but what is known of lost or silent media. */
enum identify_change { IDENTITY_SAME, IDENTITY_CHANGED, IDENTITY_TROUBLE };

/* One payload, and where it came from. Ports only serve to set `customary`. */
struct identify_input {
    int64_t time_ns;
    struct bytes payload; /* captured part */
    uint32_t payload_wirelen;
    uint8_t side; /* 0: the flow's first speaker */
    uint16_t ports[2];
    bool is_syn;              /* TCP: the sequence number is that of a SYN, data begins one above it */
    bool has_acknowledgement; /* TCP */
    uint32_t sequence, acknowledgement;
};

struct identify_learned {
    uint8_t count;
    struct proto_learned items[PROTO_LEARNED_MAX];
};

struct identifier;
/* Flows of ordinary size whose memos find room, and 4096-byte windows for the bytes of streams. */
struct identifier *identifier_create(uint32_t flows, uint32_t windows);
void identifier_destroy(struct identifier *identifier);
size_t identifier_memory(uint32_t flows, uint32_t windows);
bool identifier_is_empty(const struct identifier *identifier); /* nothing is taken: all was given back */

void identity_init(struct identity *identity);

/* Brings what the next question needs into the cache. */
void identity_prefetch(const struct identifier *identifier, const struct identity *identity);

/* Does a TCP packet without payload matter too? It may tell of bytes that the capture has lost. */
static inline bool identify_wants_empty(const struct identity *identity)
{
    return identity->is_stream;
}

/* Is it RTP, with nothing new in its last packet? */
static inline bool identify_is_running(const struct identity *identity)
{
    return !identity->syn_sides && identity->run;
}

/* A datagram of RTP that goes on: it is counted, and nothing is left to ask. False: it is not, and nothing
 * was done. RTP is the one protocol that is asked about for ever, and it makes most of a site's packets. */
bool identify_goes_on(struct identifier *identifier, struct identity *identity, unsigned side,
                      struct bytes payload, size_t wirelen, int64_t time_ns);

/* Each returns whether name, upgrade, evidence, client or a fact that verdicts use has changed, and appends
 * to `learned` what was said about other flows. */
enum identify_change identify_datagram(struct identifier *identifier, struct identity *identity,
                                       const struct identify_input *input, struct identify_learned *learned);
enum identify_change identify_segment(struct identifier *identifier, struct identity *identity,
                                      const struct identify_input *input, struct identify_learned *learned);

/* A packet of ESP or AH (IP protocol 50 or 51): its header is the evidence, its SPI the fact. `side` as
 * above. */
enum identify_change identify_ipsec(struct identifier *identifier, struct identity *identity,
                                    enum proto_id name, unsigned side, uint32_t spi);

/* A packet that was read inside AH or ESP: the association it came in is a fact of its flow. */
enum identify_change identify_protected(struct identifier *identifier, struct identity *identity,
                                        unsigned side, uint32_t spi);

/* The facts gathered so far; all zero when there are none. Never NULL; valid until the identifier's next
 * call.
 */
const struct proto_facts *identify_facts(struct identifier *identifier, const struct identity *identity);

/* False: there are none. */
static inline bool identify_may_have_facts(const struct identity *identity)
{
    return !identity->syn_sides && identity->memo;
}

/* Gives back everything the identity holds. */
void identity_release(struct identifier *identifier, struct identity *identity);

struct identify_counters {
    uint64_t works_starved, windows_starved, facts_starved;
    uint64_t gaps; /* streams with bytes lost before they were identified */
    uint64_t settled, given_up;
};
const struct identify_counters *identify_counters(const struct identifier *identifier);

#endif
