/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk.h - whole conversations, one per protocol, on top of wire.h.
 *
 * Each function plays a complete and realistic exchange between two ends into a scene, beginning at the given
 * time, and returns when its last packet left. talk_for() finds the one that keeps a word of a matrix file's
 * `application` list. Contents are made here from the specifications; keys, certificates and ciphertext are
 * the scene's random bytes in the right shape.
 */
#ifndef TESTS_SUPPORT_TALK_H
#define TESTS_SUPPORT_TALK_H

#include "wire.h"

typedef int64_t talk_play(struct scene *scene, struct end client, struct end server, int64_t start_ns);

/* By a word of `application` (tls mtls sip http dns dhcp smb dcerpc ssrp xmpp stun ms-turn media tcp udp) and
 * IP_TCP or IP_UDP; NULL when that word has no meaning over that transport. */
talk_play *talk_for(const char *word, uint8_t protocol);

struct tls_talk {
    uint16_t version;         /* 0x0301 .. 0x0304 as chosen by the server; 0: 0x0303 */
    bool certificate_request; /* the server asks for a client certificate */
    bool certificate;         /* the client gives one, else an empty list */
    bool resumed;             /* by session id: no certificates at all; version up to 0x0303 */
    uint8_t session;          /* makes the session id; 0: a random one */
    const char *server_name;  /* NULL: sip.contoso.example */
};
int64_t talk_tls_as(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                    const struct tls_talk *how);
void tls_over(struct tcp *tcp, const struct tls_talk *how); /* on a stream that stands */

talk_play talk_tls;  /* TLS 1.2, the server's certificate only */
talk_play talk_mtls; /* TLS 1.2, both certificates */
talk_play talk_sip;  /* over TCP in clear: OPTIONS and its answer */
talk_play talk_sip_udp;
talk_play talk_http;
talk_play talk_smb;
talk_play talk_dcerpc;   /* bind to a made-up interface, two requests */
talk_play talk_tds;      /* Pre-Login, then TLS inside TDS packets */
talk_play talk_xmpp;     /* server to server, dialback in clear */
talk_play talk_xmpp_tls; /* the same with STARTTLS */
talk_play talk_net_tcp;
talk_play talk_rdp; /* 3389: X.224, then TLS */
talk_play talk_ldap;
talk_play talk_kerberos; /* AS-REQ and the error that asks for pre-authentication, TCP */
talk_play talk_kerberos_udp;
talk_play talk_ms_turn;     /* over TCP: pseudo-TLS, Allocate, then RTP in end-to-end frames */
talk_play talk_ms_turn_udp; /* Allocate twice (401 first), Send, Set Active Destination, then RTP */
talk_play talk_stun;        /* Binding, RFC 8489, over UDP */
talk_play talk_ice;         /* connectivity checks of both ends, as Lync's clients send them */
talk_play talk_media;       /* talk_ice, then RTP both ways (audio) */
talk_play talk_rtp_tcp;     /* RFC 4571 frames: RTP both ways (audio) */
talk_play talk_rdp_rtp_tcp; /* the same with payload type 127: application sharing */
talk_play talk_rtcp;        /* sender reports both ways */
talk_play talk_dns;         /* UDP: SRV query and answer */
talk_play talk_dns_tcp;
talk_play talk_dhcp; /* INFORM of a Lync client; answered unless the server is a broadcast address */
talk_play talk_ssrp;
talk_play talk_ntp;
talk_play talk_quic;
talk_play talk_unknown; /* TCP bytes that are no protocol rolecall names */
talk_play talk_unknown_udp;

/* A call: INVITE with the caller's media end in its SDP, 200 with the callee's, ACK; TCP in clear. */
int64_t talk_sip_call(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                      struct end caller_media, struct end callee_media);
/* An endpoint mapper on `server` tells that the interface talk_dcerpc() binds to listens on `port`. */
int64_t talk_endpoint_mapper(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                             uint16_t port);
/* Only the requests: three Allocates over UDP, half a second and a second apart. */
int64_t talk_ms_turn_unanswered(struct scene *scene, struct end client, struct end server, int64_t start_ns);

struct rtp_talk {
    uint8_t payload_type;      /* 0: 114, RTAudio wide band; 122 video (H.264 UC) */
    bool one_way;              /* only the client sends */
    unsigned packets;          /* each way; 0: 25 */
    unsigned lost_after, lost; /* of the client's packets: `lost` are missing after `lost_after` */
};
int64_t talk_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                 const struct rtp_talk *how);

/* IPsec between two hosts. Negotiations use UDP 500 and return the time of the last message. */
int64_t talk_ikev2(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns);
int64_t talk_ikev1(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns);
int64_t talk_authip(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns);
/* The first message alone, `tries` times at 0, 1, 3, 7 s. */
int64_t talk_ike_unanswered(struct scene *scene, struct addr initiator, struct addr responder,
                            int64_t start_ns, unsigned tries);
/* Encrypted packets both ways, 20 ms apart. */
int64_t talk_esp(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns,
                 unsigned packets);
/* IKEv2 that finds a NAT on its way, then ESP inside UDP 4500, `packets` each way. */
int64_t talk_nat_t(struct scene *scene, struct addr initiator, struct addr responder, int64_t start_ns,
                   unsigned packets);
/* RTP both ways that can be read inside ESP-NULL, or inside AH. */
int64_t talk_esp_null_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                          unsigned packets);
int64_t talk_ah_rtp(struct scene *scene, struct end client, struct end server, int64_t start_ns,
                    unsigned packets);

#endif
