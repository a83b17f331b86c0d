/* SPDX-License-Identifier: BSD-2-Clause
 *
 * talk.c - which conversation keeps which word of a matrix, and the small binary protocols: DNS, DHCP, SSRP,
 * NTP, QUIC, and bytes that are none.
 *
 * Specifications: RFC 1035, RFC 2131 and Microsoft's DHCPUtil pages, [MC-SQLR] 2.2, RFC 5905, RFC 9000.
 */
#include "talk.h"

talk_play *talk_for(const char *word, uint8_t protocol)
{
    static const struct {
        const char *word;
        talk_play *tcp, *udp;
    } plays[] = {{"tls", talk_tls, NULL},
                 {"mtls", talk_mtls, NULL},
                 {"sip", talk_sip, talk_sip_udp},
                 {"http", talk_http, NULL},
                 {"dns", talk_dns_tcp, talk_dns},
                 {"dhcp", NULL, talk_dhcp},
                 {"smb", talk_smb, NULL},
                 {"dcerpc", talk_dcerpc, NULL},
                 {"ssrp", NULL, talk_ssrp},
                 {"xmpp", talk_xmpp_tls, NULL},
                 {"stun", NULL, talk_ms_turn_udp},
                 {"ms-turn", talk_ms_turn, NULL},
                 {"media", talk_rtp_tcp, talk_media},
                 {"tcp", talk_unknown, NULL},
                 {"udp", NULL, talk_unknown_udp}};
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        if (strcmp(plays[i].word, word) == 0)
            return protocol == IP_TCP ? plays[i].tcp : plays[i].udp;
    return NULL;
}

static void exchange(struct scene *scene, int64_t start_ns, struct end client, struct end server,
                     const struct buf *request, const struct buf *answer)
{
    wire_udp(scene, start_ns, client, server, request->bytes, request->size);
    wire_udp(scene, start_ns + 2 * MS, server, client, answer->bytes, answer->size);
}

/* RFC 1035 section 4: SRV of the internal SIP domain; the answer points back to the name at byte 12. */
static void put_dns(struct buf *b, unsigned id, bool answer)
{
    buf_u16(b, id);
    buf_u16(b, answer ? 0x8580 : 0x0100);
    buf_u16(b, 1);
    buf_u16(b, answer);
    buf_u32(b, 0);
    buf_text(b, "\x0f_sipinternaltls\x04_tcp\x07"
                "contoso\x07"
                "example");
    buf_hex(b, "00 0021 0001");
    if (!answer)
        return;
    buf_hex(b, "c00c 0021 0001 00000e10 001e 0000 000a 13c5"); /* priority, weight, 5061 */
    buf_text(b, "\x06pool01\x07"
                "contoso\x07"
                "example");
    buf_u8(b, 0);
}

int64_t talk_dns(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    unsigned id = scene_random(scene) & 0xffff;
    struct buf query = {0}, answer = {0};
    put_dns(&query, id, false);
    put_dns(&answer, id, true);
    exchange(scene, start_ns, client, server, &query, &answer);
    return start_ns + 2 * MS;
}

int64_t talk_dns_tcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    unsigned id = scene_random(scene) & 0xffff;
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    for (unsigned from = CLIENT; from <= SERVER; from++) {
        struct buf message = {0};
        buf_u16(&message, 0);
        put_dns(&message, id, from == SERVER);
        buf_set16(&message, 0, message.size - 2);
        tcp_say_buf(&tcp, from, &message);
    }
    tcp_close(&tcp);
    return tcp.now;
}

/* RFC 2131 section 2, up to and with the magic cookie. */
static void put_dhcp(struct buf *b, uint8_t operation, uint32_t transaction, const struct addr *client)
{
    unsigned size;
    const uint8_t *at = addr_wire(client, &size);
    buf_u8(b, operation);
    buf_hex(b, "01 06 00");
    buf_u32(b, transaction);
    buf_u32(b, 0);
    buf_put(b, size == 4 ? at : (const uint8_t[4]){0}, 4);
    buf_fill(b, 0, 12);
    buf_hex(b, "02 00");
    buf_put(b, client->bytes + 12, 4);
    buf_fill(b, 0, 10 + 64 + 128);
    buf_hex(b, "63 82 53 63");
}

int64_t talk_dhcp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    static const char vendor[] = "MS-UC-Client";
    uint32_t transaction = scene_random(scene);
    struct buf inform = {0}, ack = {0};
    put_dhcp(&inform, 1, transaction, &client.addr);
    buf_hex(&inform, "35 01 08 3c 0c"); /* INFORM; vendor class */
    buf_text(&inform, vendor);
    buf_hex(&inform, "37 02 2b 78 ff"); /* asks for 43 and 120 */
    wire_udp(scene, start_ns, client, server, inform.bytes, inform.size);
    if (addr_is_broadcast(&server.addr))
        return start_ns;
    put_dhcp(&ack, 2, transaction, &client.addr);
    buf_hex(&ack, "35 01 05 36 04 0a140009 2b 0e 01 0c");
    buf_text(&ack, vendor);
    buf_hex(&ack, "ff");
    wire_udp(scene, start_ns + 4 * MS, server, client, ack.bytes, ack.size);
    return start_ns + 4 * MS;
}

/* [MC-SQLR] 2.2.3 and 2.2.5. */
int64_t talk_ssrp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf request = {0}, answer = {0};
    buf_hex(&request, "04");
    buf_text(&request, "RTCLOCAL");
    buf_u8(&request, 0);
    buf_hex(&answer, "05 0000");
    buf_text(&answer, "ServerName;FE01;InstanceName;RTCLOCAL;IsClustered;No;Version;12.0.5000.0;tcp;49777;;");
    buf_set16le(&answer, 1, answer.size - 3);
    exchange(scene, start_ns, client, server, &request, &answer);
    return start_ns + 2 * MS;
}

/* RFC 5905 section 7.3: version 4, client and server. */
int64_t talk_ntp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf request = {0}, answer = {0};
    buf_hex(&request, "23 00 06 ec 00000000 00000000 00000000");
    buf_fill(&request, 0, 24);
    buf_hex(&request, "ed3c5a10 12345678");
    buf_hex(&answer,
            "24 02 06 ec 00000a00 00000b00 0a140009 ed3c5a00 00000000 ed3c5a10 12345678 ed3c5a10 20000000 "
            "ed3c5a10 20100000");
    exchange(scene, start_ns, client, server, &request, &answer);
    return start_ns + 2 * MS;
}

/* RFC 9000 section 17.2.2: Initial packets of version 1, padded to 1200 bytes; what is encrypted is random.
 */
static void put_quic_initial(struct buf *b, struct scene *scene, const char *destination, const char *source)
{
    buf_hex(b, "c3 00000001 08");
    buf_text(b, destination);
    buf_u8(b, 8);
    buf_text(b, source);
    buf_u8(b, 0); /* no token */
    size_t left = 1200 - b->size - 2;
    buf_u16(b, (unsigned)(0x4000 | left));
    buf_random(b, scene, left);
}

int64_t talk_quic(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct buf request = {0}, answer = {0};
    put_quic_initial(&request, scene, "clientID", "clientOw");
    put_quic_initial(&answer, scene, "clientOw", "serverOw");
    exchange(scene, start_ns, client, server, &request, &answer);
    return start_ns + 2 * MS;
}

/* A made-up framing: no identifier may know it. */
static void put_unknown(struct buf *b, struct scene *scene, unsigned number, size_t size)
{
    buf_hex(b, "2a 2a 7e 00 5a");
    buf_u8(b, number);
    buf_u16le(b, (unsigned)size);
    buf_random(b, scene, size);
}

int64_t talk_unknown(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    struct tcp tcp = tcp_between(scene, client, server, start_ns);
    tcp_handshake(&tcp);
    for (unsigned i = 0; i < 6; i++) {
        struct buf message = {0};
        put_unknown(&message, scene, i, 200);
        tcp_say_buf(&tcp, i % 2 ? SERVER : CLIENT, &message);
    }
    tcp_close(&tcp);
    return tcp.now;
}

int64_t talk_unknown_udp(struct scene *scene, struct end client, struct end server, int64_t start_ns)
{
    for (unsigned i = 0; i < 12; i++) {
        struct buf message = {0};
        put_unknown(&message, scene, i, 90);
        wire_udp(scene, start_ns + i * 30 * MS, i % 2 ? server : client, i % 2 ? client : server,
                 message.bytes, message.size);
    }
    return start_ns + 11 * 30 * MS;
}
