/* SPDX-License-Identifier: BSD-2-Clause
 *
 * list.h - every protocol rolecall can name, in the order in which they are asked: the strictest first, so
 * that the first yes is right. PROTOCOL(identifier). Included several times on purpose; it makes the enum,
 * the declarations and the table.
 */
PROTOCOL(ms_turn) /* cookie attribute, pseudo-TLS: before tls and stun */
PROTOCOL(tls)
PROTOCOL(stun)   /* before rtp: both may share a port, RFC 7983 */
PROTOCOL(authip) /* before ike: the same header, other exchanges */
PROTOCOL(ike)
PROTOCOL(dtls)
PROTOCOL(sip)
PROTOCOL(http2)
PROTOCOL(http)
PROTOCOL(xmpp)
PROTOCOL(smb)
PROTOCOL(dcerpc)
PROTOCOL(tds)
PROTOCOL(net_tcp)
PROTOCOL(rdp)
PROTOCOL(ldap)
PROTOCOL(kerberos)
PROTOCOL(dhcp)
PROTOCOL(ssdp)
PROTOCOL(ssrp)
PROTOCOL(mdns) /* the four below share one message format; each has its own ports */
PROTOCOL(llmnr)
PROTOCOL(nbns)
PROTOCOL(dns)
PROTOCOL(ntp)
PROTOCOL(quic)
PROTOCOL(rtcp)
PROTOCOL(rtp)  /* several packets needed: last */
PROTOCOL(srtp) /* never asked: rtp whose SDP says SAVP, or whose RTCP is encrypted */
PROTOCOL(esp)
PROTOCOL(ah) /* never asked: IP protocol 51 with nothing readable inside */
