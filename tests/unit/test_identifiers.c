/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_identifiers.c - all identifiers together, asked as the engine asks them. Random bytes give no name;
 * the first payload of each protocol gives its own name, and cut or split anywhere never another one.
 */
#include "asked.h"
#include "proto/choice.h"
#include "rolecall/identify.h"

static struct identifier *identifier;

void setUp(void)
{
    identifier = identifier_create(8, 16);
    TEST_ASSERT_NOT_NULL(identifier);
}

void tearDown(void)
{
    identifier_destroy(identifier);
}

/* One flow, made new for each try. */
struct flow {
    struct identity identity;
    enum proto_transport transport;
    uint16_t port;
    uint32_t sequence;
    int64_t time_ns;
};

static struct flow flow_new(enum proto_transport transport, uint16_t port)
{
    struct flow flow = {.transport = transport, .port = port, .sequence = 0x7ffffff0};
    identity_init(&flow.identity);
    if (transport == OVER_TCP) {
        struct identify_learned learned = {.count = 0};
        struct identify_input syn = {.is_syn = true, .sequence = flow.sequence++};
        identify_segment(identifier, &flow.identity, &syn, &learned);
    }
    return flow;
}

/* The first `caplen` of `wirelen` bytes, from the flow's first speaker. A copy of exactly these bytes is
 * lent. */
static void flow_say(struct flow *flow, const uint8_t *at, size_t caplen, size_t wirelen)
{
    struct identify_learned learned = {.count = 0};
    uint8_t *copy = malloc(caplen ? caplen : 1);
    if (caplen)
        memcpy(copy, at, caplen);
    struct identify_input input = {.time_ns = flow->time_ns,
                                   .payload = bytes_captured(copy, caplen, wirelen),
                                   .payload_wirelen = (uint32_t)wirelen,
                                   .ports = {40000, flow->port},
                                   .sequence = flow->sequence};
    if (flow->transport == OVER_TCP)
        identify_segment(identifier, &flow->identity, &input, &learned);
    else if (!identify_goes_on(identifier, &flow->identity, input.side, input.payload, input.payload_wirelen,
                               input.time_ns))
        identify_datagram(identifier, &flow->identity, &input, &learned);
    flow->sequence += (uint32_t)wirelen;
    flow->time_ns += 20000000;
    free(copy);
}

static unsigned flow_end(struct flow *flow)
{
    identity_release(identifier, &flow->identity);
    return flow->identity.name;
}

/* Xorshift, 64 bits (Marsaglia 2003). */
static const uint64_t seed = 0x526f6c6543616c6c;

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t random_payload(uint64_t *state, uint8_t payload[1500])
{
    uint64_t kind = random_next(state);
    size_t size = 1 + (kind & 1 ? kind / 2 % 1500 : kind / 2 % 80); /* short ones are tried often */
    for (size_t i = 0; i < size; i += 8) {
        uint64_t bits = random_next(state);
        memcpy(payload + i, &bits, size - i < 8 ? size - i : 8);
    }
    return size;
}

/* As many payloads as asked for, `per_flow` of them to each flow; at these ports in turn. */
static void count_false_names_at(const uint16_t *ports, unsigned port_count, enum proto_transport transport,
                                 unsigned payloads, unsigned per_flow, bool from_middle, const char *what)
{
    uint64_t state = seed;
    unsigned names = 0;
    uint8_t payload[1500];
    for (unsigned i = 0; i < payloads; i += per_flow) {
        uint16_t port = ports[i / per_flow % port_count];
        struct flow flow = flow_new(from_middle ? OVER_UDP : transport, port); /* no SYN then */
        flow.transport = transport;
        for (unsigned j = 0; j < per_flow; j++) {
            size_t size = random_payload(&state, payload);
            flow_say(&flow, payload, size, size);
        }
        unsigned name = flow_end(&flow);
        if (name)
            printf("random %s, port %u: %s\n", what, port, proto_by_id((enum proto_id)name)->name);
        names += name != PROTO_UNIDENTIFIED;
    }
    printf("%u random payloads as %s, seed %016llx: %u false names\n", payloads, what,
           (unsigned long long)seed, names);
    TEST_ASSERT_TRUE(names * 10000.0 < payloads);
}

/* At a port that nobody uses. */
static void count_false_names(enum proto_transport transport, unsigned payloads, unsigned per_flow,
                              bool from_middle, const char *what)
{
    static const uint16_t nobodys[] = {40001};
    count_false_names_at(nobodys, 1, transport, payloads, per_flow, from_middle, what);
}

static void test_random_streams_have_no_name(void)
{
    count_false_names(OVER_TCP, 100000, 1, false, "first segments");
}

static void test_random_middles_of_streams_have_no_name(void)
{
    count_false_names(OVER_TCP, 100000, 8, true, "segments, eight to a stream seen from the middle");
}

static void test_random_datagrams_have_no_name(void)
{
    count_false_names(OVER_UDP, 100000, 1, false, "single datagrams");
}

static void test_random_sequences_of_datagrams_have_no_name(void)
{
    count_false_names(OVER_UDP, 100000, 8, false, "datagrams, eight to a flow");
}

/* Every port that is customary for an identifier of this transport. ESP needs no more than three numbers in
 * order at its own, which random payloads do not give: 4500 is among them. */
static unsigned customary_ports(enum proto_transport transport, uint16_t ports[64])
{
    unsigned count = 0;
    for (unsigned id = 1; id < PROTO_COUNT; id++) {
        const struct protocol *protocol = proto_by_id((enum proto_id)id);
        const uint16_t *port = protocol->customary_ports;
        for (; protocol->transports & transport && port && *port && count < 64; port++)
            ports[count++] = *port;
    }
    return count;
}

static void test_random_payloads_at_customary_ports_have_no_name(void)
{
    uint16_t ports[64];
    unsigned count = customary_ports(OVER_UDP, ports);
    TEST_ASSERT_TRUE(count > 16);
    count_false_names_at(ports, count, OVER_UDP, 200000, 1, false, "single datagrams at customary ports");
    count_false_names_at(ports, count, OVER_UDP, 100000, 8, false, "eight datagrams at customary ports");
    count = customary_ports(OVER_TCP, ports);
    TEST_ASSERT_TRUE(count > 10);
    count_false_names_at(ports, count, OVER_TCP, 200000, 1, false, "first segments at customary ports");
}

/* The first payload of a flow; `port` is the other end's. `fill` zero bytes follow what `hex` says. */
struct first {
    enum proto_id id;
    enum proto_transport transport;
    uint16_t port;
    const char *hex;
    size_t fill;
};

#define RANDOM_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define DNS_NAME  "04 'pool' 07 'example' 00 "

static const struct first firsts[] = {
    /* MS-TURN: pseudo-TLS and a frame on TCP, an Allocate request on UDP */
    {PROTO_ms_turn, OVER_TCP, 443, "16 0301 002d 01 000029 0301" RANDOM_32 "00 0002 0018 01 00", 0},
    {PROTO_ms_turn, OVER_TCP, 443,
     "02 00 0024 0003 0010 0102030405060708090a0b0c0d0e0f10 000f 0004 72c64bc6 8008 0004 00000004", 0},
    {PROTO_ms_turn, OVER_UDP, 3478,
     "0003 0010 0102030405060708090a0b0c0d0e0f10 000f 0004 72c64bc6 8008 0004 00000004", 0},
    {PROTO_tls, OVER_TCP, 5061,
     "16 0301 0064 01 000060 0303" RANDOM_32 "00 0004 1301c02f 01 00 0033"
     "0000 0014 0012 00 000f 'sip.contoso.com' 0010 000e 000c 02 'h2' 08 'http/1.1' 002b 0005 04 0304 0303",
     0},
    {PROTO_stun, OVER_UDP, 40001, "0001 0008 2112a442 0102030405060708090a0b0c 0024 0004 6e0001ff", 0},
    {PROTO_authip, OVER_UDP, 500,
     "a1a2a3a4a5a6a7a8 0000000000000000 85 10 f3 00 00000000 00000060"
     "01 00 0008 00000000 87 00 0014 00000001 00000001 00000008 01010000 0a 00 0008 00020000"
     "00 00 0020 000102030405060708090a0b0c0d0e0f101112131415161718191a1b",
     0},
    {PROTO_ike, OVER_UDP, 500,
     "b1b2b3b4b5b6b7b8 0000000000000000 01 10 02 00 00000000 00000068"
     "0d 00 0038 00000001 00000001 0000002c 01 01 00 01 00 00 0024 01 01 0000 80010007 800e0080 80020002 "
     "80040002"
     "80030001 800b0001 800c7080 00 00 0014 4048b7d56ebce88525e7de7f00d6c2d3",
     0},
    {PROTO_dtls, OVER_UDP, 40001,
     "16 fefd 0000 000000000000 0036 01 00002a 0000 000000 00002a fefd" RANDOM_32 "00 00 0002 c02b 01 00", 0},
    {PROTO_sip, OVER_UDP, 5060,
     "'OPTIONS sip:pool.example SIP/2.0' 0d0a 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1' 0d0a"
     "'From: <sip:a@example>;tag=1' 0d0a 'To: <sip:pool.example>' 0d0a 'Call-ID: 1@192.0.2.1' 0d0a"
     "'CSeq: 1 OPTIONS' 0d0a 'Content-Length: 0' 0d0a 0d0a",
     0},
    {PROTO_sip, OVER_TCP, 5060,
     "'SIP/2.0 200 OK' 0d0a 'Via: SIP/2.0/TCP 192.0.2.1' 0d0a 'CSeq: 1 OPTIONS' 0d0a 0d0a", 0},
    {PROTO_http2, OVER_TCP, 80, "'PRI * HTTP/2.0' 0d0a 0d0a 'SM' 0d0a 0d0a 000000 04 00 00000000", 0},
    {PROTO_http, OVER_TCP, 80, "'GET /autodiscover/ HTTP/1.1' 0d0a 'Host: lyncdiscover.example' 0d0a 0d0a",
     0},
    {PROTO_xmpp, OVER_TCP, 5269,
     "'<?xml version=\"1.0\"?><stream:stream xmlns=\"jabber:server\" "
     "xmlns:stream=\"http://etherx.jabber.org/streams\" to=\"example\" version=\"1.0\">'",
     0},
    {PROTO_smb, OVER_TCP, 445,
     "00 000068 fe 'SMB' 4000 0000 00000000 0000 1f00 00000000 00000000 0000000000000000 fffe0000 00000000"
     "0000000000000000 00000000000000000000000000000000 2400 0200 0100 0000 00000000"
     "00000000000000000000000000000000 0000000000000000 0202 1002",
     0},
    {PROTO_dcerpc, OVER_TCP, 135,
     "05 00 0b 03 10000000 4800 0000 02000000 d016 d016 00000000 01 000000 0000 01 00 "
     "0883afe11f5dc91191a408002b14a0fa"
     "0300 0000 045d888aeb1cc9119fe808002b104860 02000000",
     0},
    {PROTO_dcerpc, OVER_UDP, 135,
     "04 00 28 00 100000 00 00000000000000000000000000000000 0883afe11f5dc91191a408002b14a0fa"
     "0102030405060708090a0b0c0d0e0f10 00000000 03000000 00000000 0300 ffff ffff 0400 0000 00 00 01020304",
     0},
    {PROTO_tds, OVER_TCP, 1433,
     "12 01 0029 0000 01 00 00 0015 0006 01 001b 0001 02 001c 0001 03 001d 0004 ff 0f0007d00000 00 00 "
     "00000001",
     0},
    {PROTO_net_tcp, OVER_TCP, 881, "00 01 00 01 02 02 16 'net.tcp://pchat01:881/' 03 08 0c", 0},
    {PROTO_rdp, OVER_TCP, 3389, "03 00 0013 0e e0 0000 0000 00 01 00 0800 03000000", 0},
    {PROTO_ldap, OVER_TCP, 389, "30 0c 020101 60 07 020103 0400 8000", 0},
    {PROTO_ldap, OVER_UDP, 389,
     "30 25 020102 63 20 0400 0a0100 0a0100 020100 020100 010100 87 0b 'objectclass' 3000", 0},
    {PROTO_kerberos, OVER_TCP, 88, "00000012 6a 10 30 0e a103 020105 a203 02010a a402 3000", 0},
    {PROTO_kerberos, OVER_UDP, 88, "6a 10 30 0e a103 020105 a203 02010a a402 3000", 0},
    {PROTO_ssdp, OVER_UDP, 1900,
     "'M-SEARCH * HTTP/1.1' 0d0a 'HOST: 239.255.255.250:1900' 0d0a 'MAN: \"ssdp:discover\"' 0d0a 'MX: 1' 0d0a"
     "'ST: ssdp:all' 0d0a 0d0a",
     0},
    {PROTO_ssrp, OVER_UDP, 1434, "05 1f00 'ServerName;FE01;tcp;49777;;' 'abcd'", 0},
    {PROTO_mdns, OVER_UDP, 5353, "0000 0000 0001 0000 0000 0000 05 '_http' 04 '_tcp' 05 'local' 00 000c 0001",
     0},
    {PROTO_llmnr, OVER_UDP, 5355, "1234 0000 0001 0000 0000 0000 04 'fe01' 00 0001 0001", 0},
    {PROTO_nbns, OVER_UDP, 137,
     "1234 0110 0001 0000 0000 0000 20 'EGEFCACACACACACACACACACACACACAAA' 00 0020 0001", 0},
    {PROTO_dns, OVER_UDP, 53, "1234 0100 0001 0000 0000 0000" DNS_NAME "0001 0001", 0},
    {PROTO_dns, OVER_TCP, 53, "001e 1234 0100 0001 0000 0000 0000" DNS_NAME "0001 0001", 0},
    {PROTO_ntp, OVER_UDP, 123,
     "23 00 06 ec 00000000 00000000 00000000 0000000000000000 0000000000000000"
     "0000000000000000 e1b2c3d4e5f60718",
     0},
    {PROTO_quic, OVER_UDP, 443, "c3 00000001 08 1122334455667788 00 00 449e", 1200 - 18},
    {PROTO_rtcp, OVER_UDP, 50001,
     "80 c8 0006 decafbad e1b2c3d4 00000000 0004e200 00000064 00003e80 81 ca 0003 decafbad 01 04 'a@bc' 0000",
     0},
    {PROTO_rtp, OVER_UDP, 50000, "80 72 03e8 0004e200 decafbad", 40},
    {PROTO_esp, OVER_UDP, 4500, "10203040 00000001 0011223344556677 8899aabbccddeeff 0011223344556677", 0},
};

enum { FIRST_COUNT = sizeof firsts / sizeof firsts[0], TELLINGS = 6 };

static struct payload payload_first(const struct first *first)
{
    struct payload payload = payload_of(first->hex);
    payload_fill(&payload, 0, first->fill);
    return payload;
}

/* A DHCP DISCOVER, RFC 2131 section 2: mostly zeros. */
static struct payload payload_discover(void)
{
    struct payload payload = payload_of("01 01 06 00 12345678 0000 8000");
    payload_fill(&payload, 0, 16);
    payload_add(&payload, "020000000001");
    payload_fill(&payload, 0, 10 + 64 + 128);
    payload_add(&payload, "63825363 35 01 01 3c 0c 'MS-UC-Client' ff");
    return payload;
}

/* The next packet of those that show themselves only in a row. */
static void payload_next(struct payload *payload, enum proto_id id)
{
    if (id == PROTO_rtp) {
        payload->at[3]++;
        payload->at[7] += 0x20; /* too small a step of the clock, but a steady one */
    } else if (id == PROTO_esp) {
        payload->at[7]++;
    }
}

/* A flow's first payloads, of each no more than `caplen` bytes captured; on a stream, one, of which no more
 * came. */
static unsigned name_when_cut(const struct first *first, struct payload payload, size_t caplen)
{
    struct flow flow = flow_new(first->transport, first->port);
    bool is_stream = first->transport == OVER_TCP;
    for (unsigned i = 0; i < (is_stream ? 1 : TELLINGS); i++) {
        flow_say(&flow, payload.at, caplen, is_stream ? caplen : payload.size);
        payload_next(&payload, first->id);
    }
    return flow_end(&flow);
}

static void assert_never_another_name(const struct first *first, const struct payload *payload)
{
    const char *name = proto_by_id(first->id)->name;
    char text[128];
    for (size_t caplen = 0; caplen <= payload->size; caplen++) {
        unsigned found = name_when_cut(first, *payload, caplen);
        snprintf(text, sizeof text, "%s over %s, first %zu of %zu bytes: %s", name,
                 first->transport == OVER_TCP ? "TCP" : "UDP", caplen, payload->size,
                 proto_by_id((enum proto_id)found)->name);
        TEST_ASSERT_TRUE_MESSAGE(found == (unsigned)first->id || found == PROTO_UNIDENTIFIED, text);
        if (caplen == payload->size)
            TEST_ASSERT_EQUAL_UINT_MESSAGE(first->id, found, text);
    }
}

static void test_cut_payloads_have_no_other_name(void)
{
    for (unsigned i = 0; i < FIRST_COUNT; i++) {
        struct payload payload = payload_first(&firsts[i]);
        assert_never_another_name(&firsts[i], &payload);
    }
    const struct first dhcp = {.id = PROTO_dhcp, .transport = OVER_UDP, .port = 67};
    struct payload discover = payload_discover();
    assert_never_another_name(&dhcp, &discover);
}

/* The least that is not a no, at a customary port and elsewhere. */
static const struct least {
    enum proto_id id;
    bool away;
    const char *hex;
} leasts[] = {
    {PROTO_ms_turn, true, "ff10 000b 0102030405060708 16 feff"},
    {PROTO_stun, true, "0001 0000 0102030405060708090a0b0c0d0e0f10"},
    {PROTO_authip, true, "a1a2a3a4a5a6a7a8 0000000000000000 00 10 f3 00 00000000 0000001c"},
    {PROTO_ike, true, "b1b2b3b4b5b6b7b8 0000000000000000 00 20 22 08 00000000 0000001c"},
    {PROTO_dtls, true, "14 fefd 0000 000000000000 0001 01"},
    {PROTO_sip, true, "'SIP/2.0 100'"},
    {PROTO_sip, true, "'A : SIP/2.0'"},
    {PROTO_ldap, true, "30 05 020101 42 00"},
    {PROTO_kerberos, true, "6a 0c 30 0a a103 020105 a203 02010a"},
    {PROTO_dhcp, false, "01 010203 000e 0000"},
    {PROTO_dhcp, true, "01 010203 0001 0004 00030001"},
    {PROTO_ssdp, true, "'HTTP/1.0 200' 0a 'st:'"},
    {PROTO_ssrp, false, "02"},
    {PROTO_ssrp, true, "05 0b00 'ServerName;'"},
    {PROTO_mdns, false, "0000 0000 0001 0000 0000 0000 00"},
    {PROTO_mdns, true, "0000 0000 0001 0000 0000 0000 00 00ff 8001"},
    {PROTO_llmnr, false, "1234 0000 0001 0000 0000 0000 00"},
    {PROTO_nbns, false, "1234 2800 0001 0000 0000 0000 20 'EGEFCACACACACACACACACACACACACAAA' 00"},
    {PROTO_nbns, true, "1234 c800 0001 0000 0000 0000 20 'EGEFCACACACACACACACACACACACACAAA' 00 0020 0001"},
    {PROTO_dns, false, "1234 a805 0000 0000 0000 0000"},
    {PROTO_dns, true, "1234 0100 0001 0000 0000 0000 00 0002 0001"},
    {PROTO_ntp, false, "17 00 03 2a 0000 0000"},
    {PROTO_ntp, true,
     "e4 01 06 ec 00000000 00000000 00000000 0000000000000000 0000000000000000"
     "e1b2c3d4e5f60718 e1b2c3d4e5f60718"},
    {PROTO_quic, true, "80 ff000015 00"},
    {PROTO_rtcp, true, "80 c9 0001 decafbad"},
    {PROTO_rtp, true, "80 ff 03e8 0004e200 decafbad"},
    {PROTO_esp, false, "ff"},
};
enum { LEAST_COUNT = sizeof leasts / sizeof *leasts };

/* Others that begin at the ends of what may begin them. */
static const char *const others[] = {
    "09 0102030405060708 'Q043' 01 000000000000000000000000",              /* quic, of Google's versions */
    "7d 0102030405060708 'Q043' 01 000000000000000000000000",              /* likewise */
    "3f 1afd 0000 000000000000 0001 01",                                   /* the end of RFC 7983's range */
    "14 0100 0000 000000000000 0001 01",                                   /* dtls, before its RFC */
    "1234 0605 0001 0000 0000 0000 00 0002 0001",                          /* dns, opcode 0 */
    "1234 2900 0001 0000 0000 0000 00 0002 0001",                          /* dns, an update */
    "0000 8400 0000 0001 0000 0000 05 'local' 00 0001 0001 00000000 0000", /* mdns */
    "1234 4900 0001 0000 0000 0000 20 'EGEFCACACACACACACACACACACACACAAA' 00 0020 0001", /* nbns, opcode 9 */
    "24 01 06 ec 00000000 00000000 00000000 0000000000000000 0000000000000000"
    "e1b2c3d4e5f60718 e1b2c3d4e5f60718",                                        /* ntp, version 4 */
    "0c 00" RANDOM_32 "0009 0004 01010101",                                     /* dhcp, relayed */
    "00000000 b1b2b3b4b5b6b7b8 0000000000000000 00 20 22 08 00000000 0000001c", /* ike, behind the marker */
    "00000000 a1a2a3a4a5a6a7a8 0000000000000000 00 10 f3 00 00000000 0000001c", /* authip, likewise */
};
enum { OTHER_COUNT = sizeof others / sizeof *others };

/* What a protocol may have been left with by an earlier datagram that was cut, or said too little. */
enum { MEMORIES = 4 };
static struct {
    struct proto_memory of[MEMORIES]; /* the first: nothing */
    unsigned count;
} memories[PROTO_COUNT];

static void make_memories(void)
{
    for (unsigned id = 0; id < PROTO_COUNT; id++)
        memories[id].count = 1;
    for (unsigned i = 0; i < FIRST_COUNT; i++) {
        struct payload payload = payload_first(&firsts[i]);
        const size_t caplens[] = {3, payload.size / 2, payload.size};
        unsigned *count = &memories[firsts[i].id].count;
        for (unsigned c = 0; c < 3 && firsts[i].transport == OVER_UDP && *count < MEMORIES; c++) {
            struct asked asked = asked_new(proto_by_id(firsts[i].id), OVER_UDP);
            asked.customary = true;
            enum proto_answer answer = asked_some(&asked, 0, &payload, caplens[c]);
            if (answer == PROTO_MORE && memcmp(&asked.memory, memories[0].of, sizeof asked.memory) != 0)
                memories[firsts[i].id].of[(*count)++] = asked.memory;
        }
    }
}

/* Whom the choice leaves out would have said no, and remembered nothing. */
static void assert_left_out_says_no(const uint8_t *at, size_t size)
{
    const struct bytes data = bytes_of(at, size);
    for (unsigned i = 0; i < 2 * PROTO_COUNT; i++) {
        unsigned id = i / 2, customary = i % 2;
        uint64_t chosen = choice_of_datagram(&data, customary ? UINT64_MAX : 0);
        if (!(choice.over[OVER_UDP] & ~chosen & choice_bit(id)))
            continue;
        for (unsigned m = 0; m < memories[id].count; m++) {
            struct proto_memory memory = memories[id].of[m];
            struct proto_facts facts = {0};
            struct proto_reply reply = {0};
            struct proto_question question = {.transport = OVER_UDP,
                                              .start = true,
                                              .customary = customary,
                                              .data = data,
                                              .wirelen = (uint32_t)size};
            proto_by_id((enum proto_id)id)->ask(&question, &memory, &facts, &reply);
            TEST_ASSERT_EQUAL_UINT_MESSAGE(PROTO_NO, reply.answer, proto_by_id((enum proto_id)id)->name);
            TEST_ASSERT_EQUAL_MEMORY(&memories[id].of[m], &memory, sizeof memory);
        }
    }
}

/* The payload with every byte in each telling place, at every length up to its own that tells any. */
static void try_telling_bytes(const struct payload *payload)
{
    for (unsigned i = 0; i <= PROTO_TELLING_BYTES; i++) {
        unsigned place = i < PROTO_TELLING_BYTES ? i : PROTO_TELLING_LATE;
        struct payload changed = *payload;
        for (unsigned byte = 0; byte < 256; byte++) {
            changed.at[place] = (uint8_t)byte;
            assert_left_out_says_no(changed.at, payload->size);
            for (size_t size = place + 1; size <= payload->size && size < CHOICE_SIZES; size += 1 + size / 8)
                assert_left_out_says_no(changed.at, size);
        }
    }
}

static void test_the_choice_leaves_out_nobody_who_would_say_more(void)
{
    uint64_t state = seed;
    make_memories();
    for (unsigned i = 0; i < FIRST_COUNT; i++) {
        struct payload payload = payload_first(&firsts[i]);
        for (size_t size = 1; size <= payload.size; size++)
            assert_left_out_says_no(payload.at, size);
        if (firsts[i].transport == OVER_UDP)
            try_telling_bytes(&payload);
    }
    for (unsigned i = 0; i < LEAST_COUNT + OTHER_COUNT; i++) {
        struct payload payload = payload_of(i < LEAST_COUNT ? leasts[i].hex : others[i - LEAST_COUNT]);
        try_telling_bytes(&payload);
    }
    struct payload payload = payload_discover();
    try_telling_bytes(&payload);
    for (unsigned round = 0; round < 10; round++) {
        payload.size = 1 + random_next(&state) % 150;
        for (size_t i = 0; i < payload.size; i++)
            payload.at[i] = (uint8_t)(random_next(&state) >> 7);
        try_telling_bytes(&payload);
    }
    for (unsigned round = 0; round < 20000; round++) { /* few kinds of bytes, so that more of them agree */
        for (size_t i = 0; i < 64; i++)
            payload.at[i] = random_next(&state) % 3 ? 0 : (uint8_t)(random_next(&state) >> 7 & 0xcf);
        assert_left_out_says_no(payload.at, 1 + random_next(&state) % 64);
    }
}

static void test_the_least_of_a_protocol_is_asked_about(void)
{
    for (unsigned i = 0; i < LEAST_COUNT; i++) {
        const struct protocol *protocol = proto_by_id(leasts[i].id);
        struct payload payload = payload_of(leasts[i].hex);
        struct asked asked = asked_new(protocol, OVER_UDP);
        asked.customary = !leasts[i].away;
        TEST_ASSERT_TRUE_MESSAGE(asked_all(&asked, 0, &payload) != PROTO_NO, protocol->name);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(leasts[i].away ? protocol->least.away : protocol->least.home,
                                       payload.size, protocol->name);
    }
}

/* And it leaves out enough to be worth it: short datagrams that nobody knows are hardly anybody's business.
 */
static void test_a_datagram_of_one_byte_is_nobodys(void)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        const uint8_t at[1] = {(uint8_t)byte};
        const struct bytes data = bytes_of(at, sizeof at);
        TEST_ASSERT_EQUAL_UINT64(0, choice_of_datagram(&data, 0));
    }
}

static void test_streams_split_anywhere_have_the_same_name(void)
{
    char text[128];
    for (unsigned i = 0; i < FIRST_COUNT; i++) {
        if (firsts[i].transport != OVER_TCP)
            continue;
        struct payload payload = payload_first(&firsts[i]);
        for (size_t split = 1; split < payload.size; split++) {
            struct flow flow = flow_new(OVER_TCP, firsts[i].port);
            flow_say(&flow, payload.at, split, split);
            flow_say(&flow, payload.at + split, payload.size - split, payload.size - split);
            snprintf(text, sizeof text, "%s, split after %zu of %zu bytes", proto_by_id(firsts[i].id)->name,
                     split, payload.size);
            TEST_ASSERT_EQUAL_UINT_MESSAGE(firsts[i].id, flow_end(&flow), text);
        }
    }
}

/* Every protocol that is asked at all has a payload above. */
static void test_no_protocol_is_left_out(void)
{
    for (unsigned id = 1; id < PROTO_COUNT; id++) {
        unsigned missing = proto_by_id((enum proto_id)id)->transports;
        for (unsigned i = 0; i < FIRST_COUNT; i++)
            if (firsts[i].id == id)
                missing = 0;
        TEST_ASSERT_TRUE_MESSAGE(!missing || id == PROTO_dhcp, proto_by_id((enum proto_id)id)->name);
    }
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_random_streams_have_no_name);
    RUN_TEST(test_random_middles_of_streams_have_no_name);
    RUN_TEST(test_random_datagrams_have_no_name);
    RUN_TEST(test_random_sequences_of_datagrams_have_no_name);
    RUN_TEST(test_random_payloads_at_customary_ports_have_no_name);
    RUN_TEST(test_cut_payloads_have_no_other_name);
    RUN_TEST(test_the_choice_leaves_out_nobody_who_would_say_more);
    RUN_TEST(test_the_least_of_a_protocol_is_asked_about);
    RUN_TEST(test_a_datagram_of_one_byte_is_nobodys);
    RUN_TEST(test_streams_split_anywhere_have_the_same_name);
    RUN_TEST(test_no_protocol_is_left_out);
    return UNITY_END();
}
