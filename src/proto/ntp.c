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
    TAIL_UNIT = 4, /* extension fields and authenticators come in words, RFC 7822 section 3 */
    TAIL_MAX = 1024,
    STRATUM_MAX = 16,     /* RFC 5905 section 7.3: 16 is unsynchronised, above is reserved */
    POLL_MAX = 17,        /* the same */
    PRECISION_MIN = 0xe0, /* -32 as a signed byte; precisions are negative powers of two */
    CONTROL_HEADER = 12,  /* RFC 9327 section 2 */
    PRIVATE_HEADER = 8,
    TURNAROUND_MAX = 4, /* seconds a server takes to answer, at most */
};

struct ntp {
    uint8_t version, mode, stratum, poll, precision;
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
    bytes_skip(b, 4 + 4 + 4 + 8 + 8); /* root delay and dispersion, reference id and time, origin time */
    ntp.receive = bytes_u32(b);
    bytes_u32(b);
    ntp.transmit = bytes_u32(b);
    bytes_u32(b);
    return ntp;
}

static bool is_answer(const struct ntp *ntp)
{
    bool clock = ntp->stratum >= 1 && ntp->stratum < STRATUM_MAX && ntp->precision >= PRECISION_MIN;
    return ntp->mode == MODE_SERVER && clock && ntp->poll <= POLL_MAX && ntp->transmit != 0 &&
           ntp->transmit - ntp->receive <= TURNAROUND_MAX;
}

/* Time messages have a fixed header and a tail of whole words; the others their own header. */
static bool is_plausible(const struct ntp *ntp, uint32_t wirelen)
{
    if (ntp->version < 1 || ntp->version > 4 || wirelen % TAIL_UNIT != 0)
        return false;
    if (ntp->mode == MODE_CONTROL)
        return wirelen >= CONTROL_HEADER;
    if (ntp->mode == MODE_PRIVATE)
        return wirelen >= PRIVATE_HEADER;
    return ntp->mode >= MODE_SYMMETRIC_ACTIVE && ntp->stratum <= STRATUM_MAX && wirelen >= HEADER_SIZE &&
           wirelen <= HEADER_SIZE + TAIL_MAX;
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
    bool has_first = bytes_peek(&b, 0) >= 0;
    struct ntp ntp = read_header(&b);
    bool known = is_plausible(&ntp, question->wirelen);
    bool is_strict = known && bytes_ok(&b) && is_answer(&ntp);

    if (!has_first) {
        reply->answer = PROTO_MORE;
    } else if (known && (question->customary || question->named || is_strict)) {
        reply->answer = PROTO_YES;
        reply->evidence = is_strict && question->customary ? 2 : 1;
        reply->speaker = speaker_of(&ntp);
        facts->version = ntp.version;
        memory->sides |= (uint8_t)(1u << (question->side & 1));
        reply->settled = memory->sides == 3;
    } else {
        reply->answer = bytes_short(&b) && known ? PROTO_MORE : PROTO_NO;
    }
}

static const uint16_t ports[] = {123, 0};

const struct protocol proto_ntp = {
    .name = "ntp", .transports = OVER_UDP, .customary_ports = ports, .ask = ask};
