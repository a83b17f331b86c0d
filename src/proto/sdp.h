/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sdp.h - media end points from a session description, line by line. sip.c hands every line of a body to
 * sdp_line() and calls sdp_end() behind the last one; what was found is added to reply->learned. The struct
 * keeps what later lines of the same description need and may lie in the flow's memory between segments.
 */
#ifndef ROLECALL_PROTO_SDP_H
#define ROLECALL_PROTO_SDP_H

#include "rolecall/proto.h"

/* All zero: before a description. `has_*` addresses are those of c= lines, for all media and for this one. */
struct sdp {
    struct addr session_addr, media_addr;
    bool has_session_addr, has_media_addr;
    bool in_media;     /* behind an m= line */
    bool is_open;      /* its end point has not been told yet */
    bool is_rtp;       /* it is one of RTP: its end point and its candidates count */
    bool srtp;         /* its profile is SAVP */
    bool has_rtcp;     /* a=rtcp or a=rtcp-mux said where RTCP goes */
    uint8_t transport; /* enum proto_transport */
    uint8_t modality;  /* enum modality */
    uint16_t port;
};

void sdp_line(struct sdp *sdp, struct bytes line, struct proto_reply *reply);
void sdp_end(struct sdp *sdp, struct proto_reply *reply); /* tells the last end point; *sdp is zero again */

#endif
