/* SPDX-License-Identifier: BSD-2-Clause
 *
 * rtcp.c - recognises RTCP and SRTCP in datagrams. Specifications: RFC 3550 section 6, RFC 4585 (feedback),
 * RFC 3611 (XR), RFC 5506 and MS-RTPME 2.2.2 (a lone packet is legal), RFC 3711 section 3.4 (SRTCP: eight
 * bytes in clear), RFC 5761 (on RTP's port). Asked by the engine before rtp; goes on after its yes, because
 * RTP may share the flow. RTCP inside frames and channels is found by whoever unwraps them. What reports say
 * is not read.
 */
#include "media.h"

struct rtcp_memory {
    uint32_t ssrc[2]; /* by side: sender of the last packet that was only likely */
};
_Static_assert(sizeof(struct rtcp_memory) <= PROTO_MEMORY_SIZE, "fits what a flow lends");

static void ask(const struct proto_question *question, struct proto_memory *lent, struct proto_facts *facts,
                struct proto_reply *reply)
{
    static const char encrypted[] = "srtcp";
    struct rtcp_memory *memory = (struct rtcp_memory *)(void *)lent->bytes;
    uint32_t ssrc;
    enum media_rtcp found = media_rtcp_read(question->data, question->wirelen, &ssrc);
    if (found == MEDIA_RTCP_NO)
        return;
    bool is_second = ssrc != 0 && memory->ssrc[question->side] == ssrc;
    if (found == MEDIA_RTCP_MORE || (found == MEDIA_RTCP_LIKELY && !question->named && !is_second)) {
        if (found == MEDIA_RTCP_LIKELY)
            memory->ssrc[question->side] = ssrc;
        reply->answer = PROTO_MORE;
        return;
    }
    reply->answer = PROTO_YES;
    reply->evidence = found == MEDIA_RTCP_CLEAR ? 2 : 1;
    reply->carries_media = true;
    media_add_ssrc(facts, ssrc);
    if (found == MEDIA_RTCP_ENCRYPTED)
        proto_text_set(&facts->detail, encrypted, sizeof encrypted - 1);
}

const struct protocol proto_rtcp = {.name = "rtcp",
                                    .transports = OVER_UDP,
                                    .is_media = true,
                                    .least = {8, 8},
                                    .begins = {{0, 0x80, 0xbf}, {1, 200, 207}},
                                    .ask = ask};
