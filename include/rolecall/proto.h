/* SPDX-License-Identifier: BSD-2-Clause
 *
 * proto.h - what a payload is, told from its bytes.
 *
 * One identifier is one file under src/proto and one row of src/proto/list.h. It exports one
 * `const struct protocol proto_NAME` and keeps the rest static. The engine puts the same question to the
 * identifiers in the order of the list until one says yes; from then on only that one is asked, with
 * `named` set, so that it can gather facts (a certificate request, a loss count) until it says `settled`.
 *
 * An identifier is pure: bytes in, reply out, no allocation, no logging, no clock. It knows no flow, no rule
 * and no port; where structure is too weak to stand alone, `customary` says that one end's port is customary
 * for this protocol, which may lift weak structure to evidence 1 and names nothing alone. What it must
 * remember between questions goes into the few zeroed bytes the flow lends it (struct proto_memory).
 *
 * Evidence (shared with the events): 3 both directions matched, 2 one direction with exact constants, 1 weak
 * structure. A reply gives 1 or 2 for the bytes it saw; the engine makes 3 of two sides that were both
 * confirmed.
 */
#ifndef ROLECALL_PROTO_H
#define ROLECALL_PROTO_H

#include "rolecall/addr.h"
#include "rolecall/bytes.h"

enum proto_id {
    PROTO_UNIDENTIFIED,
#define PROTOCOL(id) PROTO_##id,
#include "../../src/proto/list.h"
#undef PROTOCOL
    PROTO_COUNT
};

enum proto_answer {
    PROTO_NO,   /* for good: these bytes are wrong for it */
    PROTO_MORE, /* not enough seen, or captured too short to tell */
    PROTO_YES
};

/* Who sent the bytes of this question, when they tell. */
enum proto_speaker { SPEAKER_UNKNOWN, SPEAKER_CLIENT, SPEAKER_SERVER };

enum proto_transport { OVER_TCP = 1, OVER_UDP = 2 };

enum proto_tristate { TRI_UNKNOWN, TRI_NO, TRI_YES };

enum modality {
    MODALITY_UNKNOWN,
    MODALITY_AUDIO,
    MODALITY_VIDEO,
    MODALITY_APPLICATION_SHARING,
    MODALITY_COUNT
};

struct proto_question {
    enum proto_transport transport;
    uint8_t side;    /* 0: the flow's first speaker sent this, 1: the other */
    bool start;      /* TCP: `data` begins at the first byte of this side's stream; always true for UDP */
    bool gap;        /* TCP, named only: bytes of this side were lost just before `data` */
    bool named;      /* this protocol said yes to this flow before */
    bool customary;  /* one end's port is in this protocol's customary_ports */
    int64_t time_ns; /* the packet's */
    /* TCP: all contiguous bytes of this side not yet `used`, from one byte up to PROTO_WINDOW_SIZE, no cut;
     * UDP: one datagram, `cut` when the capture shortened it. */
    struct bytes data;
    uint32_t wirelen; /* UDP: the datagram's length on the wire */
};

enum { PROTO_WINDOW_SIZE = 4096, PROTO_MEMORY_SIZE = 128, PROTO_TEXT_SIZE = 255 };
/* Places of bytes that tell who a datagram may be of: the first three, and where ISAKMP has its version. */
enum { PROTO_TELLING_BYTES = 3, PROTO_TELLING_LATE = 17 };
enum { PROTO_RANGES_MAX = 6, PROTO_NEVER = UINT16_MAX /* no datagram, however large */ };

/* Lent by the flow, zeroed before an identifier's first question, for both sides together. */
struct proto_memory {
    _Alignas(8) uint8_t bytes[PROTO_MEMORY_SIZE];
};

/* Captured text as it stood on the wire: not terminated, any byte value. Shorter than wirelen: truncated. */
struct proto_text {
    uint8_t size;
    uint16_t wirelen;
    uint8_t bytes[PROTO_TEXT_SIZE];
};
void proto_text_set(struct proto_text *text, const void *from, size_t size);

/* Facts that events and verdicts use. All zero means unknown. An identifier writes its own part only. */
struct proto_facts {
    uint64_t also; /* bit per enum proto_id: further protocols seen in the same flow (ICE, then RTP) */
    struct {
        uint16_t version;    /* chosen by the ServerHello: 0x0300 .. 0x0304; DTLS 0xfeff, 0xfefd */
        uint8_t mutual;      /* enum proto_tristate: client certificate asked for and given */
        uint8_t resumed;     /* enum proto_tristate */
        bool full_handshake; /* TLS 1.2 or older, certificates in clear, seen up to both sides' change of
                                cipher */
        uint32_t session;    /* stands for the id in a ServerHello of 1.2 or older; 0: it had none */
        bool certificate_requested;
        bool empty_certificate; /* the client answered the request with an empty list */
        bool completed;         /* application data followed from both sides, or both changed cipher */
    } tls;
    struct {
        uint32_t ssrc[4];
        uint8_t ssrc_count;
        uint8_t payload_types[8];
        uint8_t payload_type_count;
        uint16_t silences;      /* of a second and more, after which a stream went on; wraps */
        uint32_t packets, lost; /* by sequence number, both sides together */
        uint32_t jitter_us;     /* RFC 3550 A.8, largest of the streams, where the clock rate is known */
        int64_t settles_ns;     /* when what was lost can no longer turn out late; 0: is settled */
    } rtp;
    struct {
        uint8_t flavour; /* 0 none, 1 stun (RFC), 2 ms-turn */
        bool pseudo_tls;
        bool multiplexed;
        bool ice_check; /* Binding with USERNAME or PRIORITY: an ICE connectivity check */
        bool request;   /* a request that expects an answer was seen (Allocate, Binding) */
        bool response;
        uint8_t ms_version;  /* MS-TURN 8008 */
        uint8_t stream_type; /* MS-TURN 8055: 1 audio, 2 video, 3 supplemental video, 4 data */
    } turn;
    struct {
        bool request, response; /* DNS, SSRP, DHCP: either was seen */
        uint8_t dhcp_type;      /* option 53 of the last message */
        bool ms_uc_client;      /* DHCP vendor class MS-UC-Client */
    } query;
    struct {
        uint8_t exchange; /* of the first message */
        uint64_t initiator_spi;
        bool request, response;
        bool nat_t, authip;
    } ike;
    struct {
        uint32_t spi[4]; /* of ESP or AH, in order of appearance; the last ones */
        uint8_t spi_count;
        uint8_t spi_sides; /* bit per place in `spi`: sent by side 1 */
        uint8_t sent[2];   /* SPIs that each side used, up to 64 */
    } esp;
    uint8_t modality; /* enum modality, where the bytes tell */
    uint16_t version; /* SMB dialect, TDS version, NTP version ...: as the protocol numbers it */
    struct proto_text
        server_name; /* SNI, HTTP Host, SIP request URI's host, DNS query name, XMPP to, net.tcp via */
    struct proto_text agent;  /* User-Agent or Server header, DHCP vendor class */
    struct proto_text detail; /* SIP or HTTP method, ALPN, DCE/RPC interface UUID, SSRP instance */
};

/* Something said about another flow to come: a media end point in SDP, a port handed out by an endpoint
 * mapper. */
enum learned_kind { LEARNED_MEDIA = 1, LEARNED_DCERPC, LEARNED_TDS, LEARNED_RELAY };
struct proto_learned {
    uint8_t kind;      /* enum learned_kind */
    uint8_t transport; /* enum proto_transport */
    uint8_t modality;  /* enum modality */
    bool srtp;         /* SDP: the profile is SAVP */
    uint16_t port;
    bool has_addr; /* false: the address is the speaker's own */
    struct addr addr;
};
enum { PROTO_LEARNED_MAX = 16 };

struct proto_reply {
    enum proto_answer answer;
    uint8_t evidence;           /* with PROTO_YES: 1 or 2 */
    enum proto_speaker speaker; /* with PROTO_YES */
    size_t used;           /* TCP, with PROTO_YES: bytes done with; more than data.left means skip ahead */
    bool settled;          /* with PROTO_YES: nothing more to learn, do not ask again */
    bool carries_media;    /* other protocols of the media family may share this flow (ICE before RTP) */
    enum proto_id upgrade; /* TCP: after `used` the stream goes on as this one (STARTTLS); 0: no */
    enum proto_id
        carries; /* the payload inside is this one (RTP in an MS-TURN frame, ESP in UDP beside IKE); 0: no */
    uint8_t learned_count;
    struct proto_learned learned[PROTO_LEARNED_MAX];
};

struct protocol {
    const char *name;                /* as network.protocol prints it */
    uint8_t transports;              /* enum proto_transport, or-ed */
    bool is_media;                   /* of the family that `media` rows accept (DESIGN 5.3) */
    const uint16_t *customary_ports; /* ends with 0; NULL: none */
    /*
     * OVER_UDP: what a whole datagram needs to be the first of this protocol in its flow. The answer to all
     * others is no, so the question is left out (src/proto/choice.h).
     */
    struct {
        uint16_t home, away; /* bytes, at a customary port and elsewhere */
    } least;
    /* The byte at `place` lies in one of the ranges given for it; high 0: end. PROTO_TELLING_LATE is only
     * compared where the first byte is not zero: no marker (RFC 3948 2.2) stands in front. */
    struct {
        uint8_t place, low, high;
    } begins[PROTO_RANGES_MAX];
    /* `reply` comes zeroed. Facts may be written only together with a YES. */
    void (*ask)(const struct proto_question *question, struct proto_memory *memory, struct proto_facts *facts,
                struct proto_reply *reply);
};

const struct protocol *proto_by_id(enum proto_id id); /* never NULL; id 0 is "unidentified" */
enum proto_id proto_by_name(const char *name);        /* PROTO_UNIDENTIFIED when there is none */

#define PROTOCOL(id) extern const struct protocol proto_##id;
#include "../../src/proto/list.h"
#undef PROTOCOL

#endif
