/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ntp.c - recognises NTP and SNTP (RFC 5905 section 7.3, RFC 4330, RFC 9327 for control messages). Only a
 * server's answer is distinctive enough to be named away from port 123: two of its timestamps lie within
 * seconds of each other. Ignored: extension fields, authenticators, clocks.
 */
#include "rolecall/proto.h"

enum mode {
    MODE_SYMMETRIC_ACTIVE = 1,
    MODE_SYMMETRIC_PASSIVE,
    MODE_CLIENT,
    MODE_SERVER,
    MODE_BROADCAST,
    MODE_CONTROL,
    MODE_PRIVATE
};

enum {
    HEADER_SIZE = 48,
    UNIT = 4, /* extension fields and authenticators come in words, RFC 7822 section 3 */
    TAIL_MAX = 1024,
    STRATUM_MAX = 16,      /* RFC 5905 section 7.3: 16 is unsynchronised, above is reserved */
    POLL_MAX = 17,         /* the same */
    POLL_MIN = 0xf8,       /* -8 as a signed byte: more often than once a second, on quick networks */
    PRECISION_MIN = 0xe0,  /* -32 as a signed byte; precisions are negative powers of two */
    DELAY_MAX = 16,        /* seconds, RFC 5905 figure 1 (MAXDISP), either sign */
    DISPERSION_MAX = 4095, /* seconds; clocks that were never set tell more than MAXDISP */
    CONTROL_HEADER = 12,   /* RFC 9327 section 2 */
    CONTROL_TAIL = 3 + 24, /* padding and authenticator */
    PRIVATE_HEADER = 8,
    TURNAROUND_MAX = 4, /* seconds a server takes to answer, at most */
};

struct ntp {
    uint8_t version, mode, stratum, poll, precision;
    uint16_t delay, dispersion; /* whole seconds */
    uint32_t receive, transmit; /* seconds */
};

struct ntp_memory {
    uint8_t sides; /* bit per side that was confirmed */
};

static struct ntp read_header(struct bytes *b)
{
    struct ntp ntp = {0};
    uint8_t first = bytes_u8(b);
    ntp.version = first >> 3 & 7;
    ntp.mode = first & 7;
    ntp.stratum = bytes_u8(b);
    ntp.poll = bytes_u8(b);
    ntp.precision = bytes_u8(b);
    ntp.delay = bytes_u16(b);
    bytes_u16(b);
    ntp.dispersion = bytes_u16(b);
    bytes_skip(b, 2 + 4 + 8 + 8); /* its fraction, reference id and time, origin time */
    ntp.receive = bytes_u32(b);
    bytes_u32(b);
    ntp.transmit = bytes_u32(b);
    bytes_u32(b);
    return ntp;
}

/* A server's answer: its clock is set, and it received and sent within seconds. */
static bool is_answer(const struct ntp *ntp)
{
    bool clock = ntp->stratum >= 1 && ntp->stratum < STRATUM_MAX && ntp->precision >= PRECISION_MIN;
    return ntp->mode == MODE_SERVER && clock && ntp->poll <= POLL_MAX && ntp->transmit != 0 &&
           ntp->transmit - ntp->receive <= TURNAROUND_MAX;
}

/* RFC 9327 section 2: the count says how much data follows. */
static bool is_control(struct bytes b, uint32_t wirelen)
{
    uint8_t leap = bytes_u8(&b) >> 6;
    bytes_skip(&b, 1 + 2 + 2 + 2 + 2); /* operation, sequence, status, association, offset */
    uint32_t count = bytes_u16(&b);
    if (!bytes_ok(&b)) /* not captured */
        return leap == 0 && wirelen >= CONTROL_HEADER;
    return leap == 0 && wirelen >= CONTROL_HEADER + count && wirelen <= CONTROL_HEADER + count + CONTROL_TAIL;
}

/* The form that ntpdc speaks, never standardised: implementation 0, 2 or 3; items and their size fit. */
static bool is_private(struct bytes b, uint32_t wirelen)
{
    bytes_skip(&b, 1 + 1);
    uint8_t implementation = bytes_u8(&b);
    bytes_u8(&b); /* request code */
    uint32_t items = bytes_u16(&b) & 0x0fff;
    uint32_t size = bytes_u16(&b) & 0x0fff;
    return implementation <= 3 && implementation != 1 && PRIVATE_HEADER + items * size <= wirelen;
}

static bool is_time(const struct ntp *ntp, uint32_t wirelen)
{
    bool delay = ntp->delay <= DELAY_MAX || ntp->delay >= UINT16_MAX - DELAY_MAX;
    bool poll = ntp->poll <= POLL_MAX || ntp->poll >= POLL_MIN;
    return ntp->mode >= MODE_SYMMETRIC_ACTIVE && ntp->stratum <= STRATUM_MAX && poll && delay &&
           ntp->dispersion <= DISPERSION_MAX && wirelen >= HEADER_SIZE && wirelen <= HEADER_SIZE + TAIL_MAX;
}

/* What has not been captured reads as zero and passes. */
static bool is_plausible(const struct ntp *ntp, struct bytes data, uint32_t wirelen)
{
    if (ntp->version < 1 || ntp->version > 4 || wirelen % UNIT != 0)
        return false;
    if (ntp->mode == MODE_CONTROL)
        return is_control(data, wirelen);
    return ntp->mode == MODE_PRIVATE ? is_private(data, wirelen) : is_time(ntp, wirelen);
}

/* Are the fields there that is_plausible() looks at? */
static bool has_checked_fields(const struct ntp *ntp, const struct bytes *data)
{
    size_t needed = ntp->mode == MODE_PRIVATE ? PRIVATE_HEADER : CONTROL_HEADER;
    return data->left >= needed;
}

static enum proto_speaker speaker_of(const struct ntp *ntp)
{
    if (ntp->mode == MODE_CLIENT)
        return SPEAKER_CLIENT;
    return ntp->mode == MODE_SERVER || ntp->mode == MODE_BROADCAST ? SPEAKER_SERVER : SPEAKER_UNKNOWN;
}

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    _Static_assert(sizeof(struct ntp_memory) <= PROTO_MEMORY_SIZE, "does not fit into what a flow lends");
    struct ntp_memory *memory = (struct ntp_memory *)(void *)lent->bytes;
    struct bytes b = question->data;
    struct ntp ntp = read_header(&b);
    bool known = is_plausible(&ntp, question->data, question->wirelen);
    bool is_strict = known && bytes_ok(&b) && is_answer(&ntp);
    bool at_home = (question->customary || question->named) && has_checked_fields(&ntp, &question->data);

    if (known && (at_home || is_strict)) {
        reply->answer = PROTO_YES;
        reply->evidence = is_strict && question->customary ? 2 : 1;
        reply->speaker = speaker_of(&ntp);
        facts->version = ntp.version;
        memory->sides |= (uint8_t)(1u << (question->side & 1));
        reply->settled = memory->sides == 3;
    } else {
        bool may_be = question->data.left == 0 || known;
        reply->answer = may_be && bytes_short(&b) ? PROTO_MORE : PROTO_NO;
    }
}

static const uint16_t ports[] = {123, 0};

const struct protocol proto_ntp = {
    .name = "ntp",
    .transports = OVER_UDP,
    .customary_ports = ports,
    .least = {PRIVATE_HEADER, HEADER_SIZE},
    .begins = {{0, 0x08, 0x27}, {0, 0x48, 0x67}, {0, 0x88, 0xa7}, {0, 0xc8, 0xe7}},
    /* versions 1 to 4 */ .ask = ask};
