/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_identify.c - from payloads to an identity, as the engine asks for it: names, evidence, who is the
 * client, upgrades, further protocols of the same flow; budgets and empty pools; and streams with segments
 * missing, late, repeated or in tiny pieces. What single protocols look like is tested beside them.
 */
#include "rolecall/identify.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER };

#define TEXT(literal) (literal), sizeof(literal) - 1

/* XMPP with STARTTLS, RFC 6120. */
#define HEADER                                                                                               \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                             \
    "xmlns:stream='http://etherx.jabber.org/streams' to='b.example' from='a.example' version='1.0'>"
#define ANSWER                                                                                               \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "                                             \
    "xmlns:stream='http://etherx.jabber.org/streams' id='17' to='a.example' from='b.example' version='1.0'>"
#define FEATURES "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define PROCEED  "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

/* TLS: a ClientHello with a name, a ServerHello of TLS 1.3, and a record of application data. */
static const uint8_t client_hello[] = {
    0x16, 3,   1,   0,    0x64, 1,    0,  0,    0x60, 3,   3,    0,   1,    2,    3,   4,   5,   6,
    7,    8,   9,   10,   11,   12,   13, 14,   15,   16,  17,   18,  19,   20,   21,  22,  23,  24,
    25,   26,  27,  28,   29,   30,   31, 0,    0,    4,   0x13, 1,   0xc0, 0x2f, 1,   0,   0,   0x33,
    0,    0,   0,   0x14, 0,    0x12, 0,  0,    15,   's', 'i',  'p', '.',  'c',  'o', 'n', 't', 'o',
    's',  'o', '.', 'c',  'o',  'm',  0,  0x10, 0,    14,  0,    12,  2,    'h',  '2', 8,   'h', 't',
    't',  'p', '/', '1',  '.',  '1',  0,  0x2b, 0,    5,   4,    3,   4,    3,    3};
static const uint8_t server_hello[] = {0x16, 3,    3,    0,    0x32, 2,    0,    0,    0x2e, 3,    3,
                                       0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a,
                                       0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
                                       0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0,
                                       0x13, 1,    0,    0,    6,    0,    0x2b, 0,    2,    3,    4};
static const uint8_t application[] = {0x17, 3, 3, 0, 8, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};

static struct identifier *identifier;
static struct identity identity;
static struct identify_learned learned;
static struct identify_input input;
static uint32_t first[2]; /* sequence numbers of each side's first byte */
static uint32_t sent[2];  /* bytes each side has sent, lost ones too */
static enum identify_change change;
static bool is_filled; /* there are other flows */

static void create(uint32_t flows, uint32_t windows)
{
    identifier_destroy(identifier);
    identifier = identifier_create(flows, windows);
    TEST_ASSERT_NOT_NULL(identifier);
}

/* Another flow; the one before gives back what it holds. */
static void begin(void)
{
    identity_release(identifier, &identity);
    identity_init(&identity);
    memset(&learned, 0, sizeof learned);
    input = (struct identify_input){.ports = {50000, 40000}};
    first[CLIENT] = 0xfffffff0; /* wraps soon */
    first[SERVER] = 7000;
    sent[CLIENT] = sent[SERVER] = 0;
}

void setUp(void)
{
    identity_init(&identity);
    create(4, 4);
    begin();
}

void tearDown(void)
{
    identity_release(identifier, &identity);
    TEST_ASSERT_TRUE(is_filled || identifier_is_empty(identifier)); /* all that was taken came back */
    is_filled = false;
    identifier_destroy(identifier);
    identifier = NULL;
}

/* As the engine asks about a datagram. */
static enum identify_change ask_datagram(void)
{
    if (identify_goes_on(identifier, &identity, input.side, input.payload, input.payload_wirelen,
                         input.time_ns))
        return IDENTITY_SAME;
    return identify_datagram(identifier, &identity, &input, &learned);
}

/* A copy of just the bytes that were captured, so that a sanitizer sees reads beyond. */
static void ask(bool is_stream, unsigned side, const void *at, size_t caplen, size_t wirelen)
{
    uint8_t *copy = malloc(caplen ? caplen : 1);
    if (caplen)
        memcpy(copy, at, caplen);
    input.side = (uint8_t)side;
    input.payload = bytes_captured(copy, caplen, wirelen);
    input.payload_wirelen = (uint32_t)wirelen;
    input.time_ns += 20000000;
    change = is_stream ? identify_segment(identifier, &identity, &input, &learned) : ask_datagram();
    free(copy);
}

static void open_stream(void)
{
    for (unsigned side = 0; side < 2; side++) {
        input.is_syn = true;
        input.has_acknowledgement = side == SERVER;
        input.sequence = first[side] - 1;
        input.acknowledgement = first[1 - side];
        ask(true, side, NULL, 0, 0);
    }
    input.is_syn = false;
    input.has_acknowledgement = true;
}

/* Bytes at a place of this side's stream; `caplen` of them were captured. */
static void segment_cut(unsigned side, uint32_t place, const void *at, size_t caplen, size_t wirelen)
{
    input.sequence = first[side] + place;
    input.acknowledgement = first[1 - side] + sent[1 - side];
    ask(true, side, at, caplen, wirelen);
}

static void segment(unsigned side, uint32_t place, const void *at, size_t size)
{
    segment_cut(side, place, at, size, size);
}

static void lose(unsigned side, size_t size)
{
    sent[side] += (uint32_t)size;
}

static void say(unsigned side, const void *at, size_t size)
{
    segment(side, sent[side], at, size);
    lose(side, size);
}

static void say_in_pieces(unsigned side, const void *at, size_t size, size_t piece)
{
    for (size_t from = 0; from < size; from += piece)
        say(side, (const uint8_t *)at + from, size - from < piece ? size - from : piece);
}

/* An empty segment: only its numbers speak. */
static void acknowledge(unsigned side, uint32_t sequence_place, uint32_t acknowledged)
{
    input.sequence = first[side] + sequence_place;
    input.acknowledgement = first[1 - side] + acknowledged;
    ask(true, side, NULL, 0, 0);
}

static void datagram(unsigned side, const void *at, size_t size)
{
    ask(false, side, at, size, size);
}

static void send_rtp(unsigned side, unsigned number)
{
    uint8_t packet[172] = {0x80, 96, (uint8_t)(number >> 8), (uint8_t)number};
    uint32_t timestamp = number * 160;
    for (unsigned i = 0; i < 4; i++)
        packet[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
    packet[8] = (uint8_t)(0xa0 + side);
    memset(packet + 12, 0xd5, sizeof packet - 12);
    datagram(side, packet, sizeof packet);
}

static bool has_also(enum proto_id id)
{
    return identify_facts(identifier, &identity)->also >> id & 1;
}

#define ASSERT_NAME(id) TEST_ASSERT_EQUAL_STRING(proto_by_id(id)->name, proto_by_id(identity.name)->name)

static const char noise[] = "\x01\xf3\x7e\x99 nothing that anybody here knows \xb2\x04";

static void test_a_new_identity(void)
{
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
    TEST_ASSERT_EQUAL_UINT(SIDE_NONE, identity.client);
    TEST_ASSERT_FALSE(identify_wants_empty(&identity));
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->server_name.size);
    TEST_ASSERT_TRUE(identifier_memory(1000, 100) > identifier_memory(10, 100));
    TEST_ASSERT_TRUE(identifier_memory(10, 200) >= identifier_memory(10, 100) + 100 * PROTO_WINDOW_SIZE);
}

static void test_name_then_both_sides(void)
{
    open_stream();
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
    say(CLIENT, client_hello, sizeof client_hello);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT(2, identity.evidence);
    TEST_ASSERT_EQUAL_UINT(CLIENT, identity.client);
    TEST_ASSERT_FALSE(identity.settled || identity.middle || identity.lost || identity.cut ||
                      identity.starved);
    TEST_ASSERT_EQUAL_UINT(15, identify_facts(identifier, &identity)->server_name.size);
    TEST_ASSERT_TRUE(identify_wants_empty(&identity));
    say(SERVER, server_hello, sizeof server_hello);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    TEST_ASSERT_EQUAL_HEX(0x0304, identify_facts(identifier, &identity)->tls.version);
    say(SERVER, application, sizeof application);
    say(CLIENT, application, sizeof application);
    TEST_ASSERT_TRUE(identity.settled);
    TEST_ASSERT_FALSE(identify_wants_empty(&identity)); /* the work went back, the facts stay */
    TEST_ASSERT_EQUAL_HEX(0x0304, identify_facts(identifier, &identity)->tls.version);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->settled);
    say(CLIENT, TEXT("GET / HTTP/1.1\r\n\r\n")); /* nothing is asked any more */
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->settled);
}

static void test_the_server_may_speak_first(void)
{
    open_stream();
    say(SERVER, server_hello, sizeof server_hello);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT(CLIENT, identity.client);
    begin();
    open_stream();
    say(SERVER, client_hello, sizeof client_hello); /* the flow's first speaker is not always the client */
    TEST_ASSERT_EQUAL_UINT(SERVER, identity.client);
}

static void check_upgraded(const char *label)
{
    TEST_ASSERT_EQUAL_STRING_MESSAGE("xmpp", proto_by_id(identity.name)->name, label);
    TEST_ASSERT_EQUAL_STRING_MESSAGE("tls", proto_by_id(identity.upgraded_to)->name, label);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(3, identity.evidence, label);
    TEST_ASSERT_TRUE_MESSAGE(identify_facts(identifier, &identity)->also == 0, label);
    TEST_ASSERT_EQUAL_HEX_MESSAGE(0x0304, identify_facts(identifier, &identity)->tls.version, label);
}

static void talk_starttls(size_t piece)
{
    open_stream();
    say_in_pieces(CLIENT, TEXT(HEADER), piece);
    say_in_pieces(SERVER, TEXT(ANSWER FEATURES), piece);
    say_in_pieces(CLIENT, TEXT(STARTTLS), piece);
    say_in_pieces(SERVER, TEXT(PROCEED), piece);
    say_in_pieces(CLIENT, client_hello, sizeof client_hello, piece);
    say_in_pieces(SERVER, server_hello, sizeof server_hello, piece);
}

static void test_starttls_upgrades_to_tls(void)
{
    open_stream();
    say(CLIENT, TEXT(HEADER));
    ASSERT_NAME(PROTO_xmpp);
    say(SERVER, TEXT(ANSWER FEATURES));
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    say(CLIENT, TEXT(STARTTLS));
    TEST_ASSERT_EQUAL_UINT(0, identity.upgraded_to);
    say(SERVER, TEXT(PROCEED));
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    TEST_ASSERT_EQUAL_UINT(PROTO_tls, identity.upgraded_to);
    say(CLIENT, client_hello, sizeof client_hello);
    say(SERVER, server_hello, sizeof server_hello);
    check_upgraded("whole");
    say(SERVER, application, sizeof application);
    say(CLIENT, application, sizeof application);
    TEST_ASSERT_TRUE(identity.settled);
}

static void test_upgrade_in_pieces(void)
{
    static const size_t pieces[] = {20, 33, 64, 1460}; /* the header within the budget of 32 segments */
    for (unsigned i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char label[32];
        snprintf(label, sizeof label, "pieces of %zu", pieces[i]);
        begin();
        talk_starttls(pieces[i]);
        check_upgraded(label);
    }
}

/* What the server proceeds with and its first TLS bytes in one segment. */
static void test_upgrade_within_one_segment(void)
{
    uint8_t both[sizeof PROCEED - 1 + sizeof server_hello];
    memcpy(both, PROCEED, sizeof PROCEED - 1);
    memcpy(both + sizeof PROCEED - 1, server_hello, sizeof server_hello);
    open_stream();
    say(CLIENT, TEXT(HEADER));
    say(SERVER, TEXT(ANSWER FEATURES));
    say(CLIENT, TEXT(STARTTLS));
    say(SERVER, both, sizeof both);
    check_upgraded("one segment");
}

static void test_after_an_upgrade_something_else_ends_it(void)
{
    open_stream();
    say(CLIENT, TEXT(HEADER));
    say(SERVER, TEXT(ANSWER FEATURES));
    say(CLIENT, TEXT(STARTTLS));
    say(SERVER, TEXT(PROCEED));
    say(CLIENT, TEXT("GET / HTTP/1.1\r\n\r\n"));
    TEST_ASSERT_TRUE(identity.settled);
    ASSERT_NAME(PROTO_xmpp);
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->tls.version);
}

static void test_an_answer_of_another_kind_keeps_the_evidence_low(void)
{
    open_stream();
    say(CLIENT, TEXT(HEADER));
    say(SERVER, TEXT("SSH-2.0-x\r\n"));
    TEST_ASSERT_TRUE(identity.settled);
    ASSERT_NAME(PROTO_xmpp);
    TEST_ASSERT_EQUAL_UINT(2, identity.evidence);
}

/* A binding request and its answer, RFC 8489, then media on the same ports. */
static void test_stun_then_rtp(void)
{
    static const uint8_t request[] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                      3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
    static const uint8_t answer[] = {1, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1,  2,
                                     3, 4, 5, 6, 7,    8,    9,    10,   11, 12};
    datagram(CLIENT, request, sizeof request);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    ASSERT_NAME(PROTO_stun);
    TEST_ASSERT_EQUAL_UINT(2, identity.evidence);
    TEST_ASSERT_EQUAL_UINT(CLIENT, identity.client);
    datagram(SERVER, answer, sizeof answer);
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    datagram(SERVER, request, sizeof request); /* it asks too: who began stays the client */
    TEST_ASSERT_EQUAL_UINT(CLIENT, identity.client);
    datagram(CLIENT, TEXT("OPTIONS sip:b.example SIP/2.0\r\nVia: SIP/2.0/UDP a.example\r\n\r\n"));
    TEST_ASSERT_TRUE(identify_facts(identifier, &identity)->also ==
                     0); /* of another family: it does not share a flow with media */
    for (unsigned i = 0; i < 3; i++)
        send_rtp(SERVER, 100 + i);
    TEST_ASSERT_FALSE(has_also(PROTO_rtp)); /* four packets of one direction */
    send_rtp(SERVER, 103);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    TEST_ASSERT_TRUE(has_also(PROTO_rtp));
    ASSERT_NAME(PROTO_stun);
    TEST_ASSERT_TRUE(identify_facts(identifier, &identity)->also == (uint64_t)1 << PROTO_rtp);
    TEST_ASSERT_EQUAL_UINT(CLIENT, identity.client);
    for (unsigned i = 4; i < 20; i++)
        send_rtp(SERVER, 100 + i);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
    datagram(CLIENT, request, sizeof request); /* checks go on during the call */
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
    send_rtp(SERVER, 120);
    TEST_ASSERT_EQUAL_UINT(21, identify_facts(identifier, &identity)->rtp.packets);
    TEST_ASSERT_FALSE(identity.settled);
}

/* It is told at once what a flow could be, and when it cannot any more: an announcement may wait for it. */
static void test_what_could_be_rtp_is_told(void)
{
    send_rtp(CLIENT, 0);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    TEST_ASSERT_EQUAL_UINT(PROTO_rtp, identity.likely);
    ASSERT_NAME(PROTO_UNIDENTIFIED);
    send_rtp(CLIENT, 1);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
    datagram(SERVER, "no media", 8);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change);
    TEST_ASSERT_EQUAL_UINT(0, identity.likely);
    send_rtp(CLIENT, 2);
    TEST_ASSERT_EQUAL_UINT(0, identity.likely);
    send_rtp(CLIENT, 3);
    ASSERT_NAME(PROTO_rtp);
}

static void test_a_header_cut_in_two_could_be_anything(void)
{
    static const uint8_t packet[60] = {0x80, 114, 0, 1, 0, 0, 0, 1, 0xde, 0xca, 0xfb, 0xad};
    ask(false, CLIENT, packet, 12, sizeof packet);
    TEST_ASSERT_EQUAL_UINT(PROTO_rtp, identity.likely);
    ask(false, CLIENT, packet, 11, sizeof packet);
    TEST_ASSERT_EQUAL_UINT(0, identity.likely);
}

static void test_rtp_runs_on_and_is_counted(void)
{
    send_rtp(CLIENT, 0);
    TEST_ASSERT_FALSE(identity.cut); /* more is wanted, but nothing was cut off */
    for (unsigned i = 1; i < 4; i++)
        send_rtp(CLIENT, i);
    ASSERT_NAME(PROTO_rtp);
    TEST_ASSERT_EQUAL_UINT(SIDE_NONE, identity.client); /* the bytes do not tell */
    for (unsigned i = 4; i < 10; i++)
        send_rtp(CLIENT, i);
    TEST_ASSERT_EQUAL_UINT(2, identity.evidence);
    for (unsigned i = 0; i < 4; i++)
        send_rtp(SERVER, 500 + i);
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    for (unsigned i = 10; i < 1000; i++) {
        send_rtp(CLIENT, i);
        send_rtp(SERVER, 494 + i);
        TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
        TEST_ASSERT_TRUE(identify_is_running(&identity));
        TEST_ASSERT_EQUAL_UINT(2 * i - 4, identify_facts(identifier, &identity)->rtp.packets);
    }
    send_rtp(CLIENT, 1010); /* ten are missing */
    TEST_ASSERT_EQUAL_UINT(1995, identify_facts(identifier, &identity)->rtp.packets);
    TEST_ASSERT_EQUAL_UINT(10, identify_facts(identifier, &identity)->rtp.lost);
    for (unsigned i = 0; i < 63; i++)
        datagram(CLIENT, noise, sizeof noise);
    TEST_ASSERT_FALSE(identity.settled);
    send_rtp(CLIENT, 1011); /* the count of strangers begins again */
    for (unsigned i = 0; i < 63; i++)
        datagram(CLIENT, noise, sizeof noise);
    TEST_ASSERT_FALSE(identity.settled);
    datagram(CLIENT, noise, sizeof noise);
    TEST_ASSERT_TRUE(identity.settled);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, change);
    ASSERT_NAME(PROTO_rtp);
}

/* One flow of two may run: the other is asked about each time, and is counted all the same. */
static void test_rtp_without_room_to_run_is_counted(void)
{
    struct identity running;
    create(2, 1);
    for (unsigned i = 0; i < 100; i++)
        send_rtp(CLIENT, i);
    running = identity;
    TEST_ASSERT_TRUE(identify_is_running(&running));
    identity_init(&identity);
    for (unsigned i = 0; i < 100; i++)
        send_rtp(SERVER, i);
    TEST_ASSERT_FALSE(identify_is_running(&identity));
    TEST_ASSERT_EQUAL_UINT(100, identify_facts(identifier, &identity)->rtp.packets);
    TEST_ASSERT_EQUAL_UINT(100, identify_facts(identifier, &running)->rtp.packets);
    TEST_ASSERT_EQUAL_UINT(100, identify_facts(identifier, &running)->rtp.packets);
    identity_release(identifier, &running);
    send_rtp(SERVER, 100);
    TEST_ASSERT_TRUE(identify_is_running(&identity));
}

/* A query that any of the four that share its format could have sent: only a port tells. */
static void test_customary_port_of_either_end(void)
{
    static const uint8_t query[] = "\0\0\0\0\0\1\0\0\0\0\0\0\4host\7example\0\0\1\0"
                                   "\1";
    input.ports[1] = 5353;
    datagram(CLIENT, query, sizeof query - 1);
    ASSERT_NAME(PROTO_mdns);
    begin();
    input.ports[0] = 5353;
    datagram(CLIENT, query, sizeof query - 1);
    ASSERT_NAME(PROTO_mdns);
    begin();
    datagram(CLIENT, query, sizeof query - 1);
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
}

static void test_what_a_payload_says_of_other_flows(void)
{
    static const char invite[] =
        "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/TCP a.example\r\nCSeq: 1 INVITE\r\n"
        "Content-Type: application/sdp\r\nContent-Length: 86\r\n\r\n"
        "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n"
        "m=audio 50020 RTP/AVP 0\r\n";
    open_stream();
    say_in_pieces(CLIENT, invite, sizeof invite - 1, 100);
    ASSERT_NAME(PROTO_sip);
    TEST_ASSERT_EQUAL_UINT(2, learned.count); /* RTP and its RTCP */
    TEST_ASSERT_EQUAL_UINT(LEARNED_MEDIA, learned.items[0].kind);
    TEST_ASSERT_EQUAL_UINT(50020, learned.items[0].port);
    say(CLIENT, invite, sizeof invite - 1); /* appended */
    TEST_ASSERT_EQUAL_UINT(4, learned.count);
    TEST_ASSERT_EQUAL_UINT(50020, learned.items[2].port);
    for (unsigned i = 0; i < 40; i++)
        say(CLIENT, invite, sizeof invite - 1);
    TEST_ASSERT_EQUAL_UINT(PROTO_LEARNED_MAX, learned.count);
}

static void test_budget_of_datagrams(void)
{
    for (unsigned i = 0; i < 63; i++) {
        datagram(i % 2, noise, sizeof noise);
        TEST_ASSERT_TRUE(change == IDENTITY_SAME && !identity.settled);
    }
    datagram(CLIENT, noise, sizeof noise);
    TEST_ASSERT_TRUE(identity.settled);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, change); /* "unidentified" is final now */
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->given_up);
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->settled);
    TEST_ASSERT_FALSE(identify_wants_empty(&identity));
}

static void test_budget_of_segments(void)
{
    open_stream();
    for (unsigned i = 0; i < 31; i++) {
        say(i % 2, noise, sizeof noise);
        TEST_ASSERT_TRUE(change == IDENTITY_SAME && !identity.settled);
        acknowledge(CLIENT, sent[CLIENT], sent[SERVER]); /* costs nothing */
    }
    say(CLIENT, noise, sizeof noise);
    TEST_ASSERT_TRUE(identity.settled && change == IDENTITY_CHANGED);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->given_up);
}

static void test_a_full_window_without_an_answer_is_given_up(void)
{
    static uint8_t endless[5000] = "<?xml version='1.0'";
    memset(endless + 19, ' ', sizeof endless - 19);
    open_stream();
    say_in_pieces(CLIENT, endless, PROTO_WINDOW_SIZE - 1, 1000);
    TEST_ASSERT_FALSE(identity.settled);
    say(CLIENT, endless, 1);
    TEST_ASSERT_TRUE(identity.settled && identity.name == 0);
}

/* Flows whose memos take all the memory there is for any but the smallest. */
static void fill_up(void)
{
    uint64_t starved = identify_counters(identifier)->facts_starved;
    struct identity keep = identity;
    is_filled = true;
    for (unsigned i = 0; identify_counters(identifier)->facts_starved == starved; i++) {
        char request[400] = "OPTIONS sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP c.example\r\nUser-Agent: ";
        memset(request + strlen(request), 'u', 250);
        strcat(request, "\r\n\r\n");
        identity_init(&identity);
        ask(false, CLIENT, request, strlen(request), strlen(request));
        ASSERT_NAME(PROTO_sip);
        TEST_ASSERT_TRUE(i < 10000);
    }
    TEST_ASSERT_TRUE(identity.starved);
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->agent.size);
    identity = keep;
}

static void test_without_room_a_flow_stays_unnamed(void)
{
    fill_up();
    open_stream();
    TEST_ASSERT_FALSE(identity.starved); /* two SYNs need none */
    say(CLIENT, client_hello, 5);
    TEST_ASSERT_TRUE(identity.starved && identity.settled && identity.name == 0);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->works_starved);
    say(CLIENT, client_hello + 5, sizeof client_hello - 5);
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
    begin();
    for (unsigned i = 0; i < 20; i++)
        send_rtp(CLIENT, i);
    TEST_ASSERT_TRUE(identity.starved && identity.settled && identity.name == 0);
    TEST_ASSERT_EQUAL_UINT64(2, identify_counters(identifier)->works_starved);
}

/* RTP inside AH tells its SPI, for which there is no room: what ran is written back and runs no more, and
 * nothing of it stays on the desk that other flows are read at. */
static void test_without_room_what_runs_is_kept(void)
{
    create(4, 1);
    for (unsigned i = 0; i < 100; i++)
        send_rtp(CLIENT, i);
    TEST_ASSERT_TRUE(identify_is_running(&identity));
    fill_up();
    for (uint32_t spi = 1; spi < 5 && !identity.starved; spi++)
        identify_protected(identifier, &identity, CLIENT, spi << 28 | 0x0f0f0f0f);
    TEST_ASSERT_TRUE(identity.starved);
    TEST_ASSERT_FALSE(identify_is_running(&identity));
    TEST_ASSERT_EQUAL_UINT(100, identify_facts(identifier, &identity)->rtp.packets);
    TEST_ASSERT_EQUAL_UINT(100, identify_facts(identifier, &identity)->rtp.packets);
}

/* What was known before stays, and what was taken for the streams comes back. */
static void test_without_more_room_the_old_facts_stay(void)
{
    create(4, 1);
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello);
    fill_up();
    TEST_ASSERT_FALSE(identity.starved);
    say(SERVER, server_hello, 10); /* waits in a window: more to remember */
    TEST_ASSERT_TRUE(identity.starved && identity.settled);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT(15, identify_facts(identifier, &identity)->server_name.size);
    TEST_ASSERT_FALSE(identify_wants_empty(&identity));
    begin();
    open_stream();
    lose(CLIENT, 10);
    say(CLIENT, noise, 5); /* finds the one window that there is */
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->windows_starved);
}

static void test_without_a_window_nothing_can_wait(void)
{
    create(4, 0);
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello); /* whole: none is needed */
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_FALSE(identity.starved);
    begin();
    open_stream();
    say(CLIENT, client_hello, 5);
    TEST_ASSERT_TRUE(identity.starved && identity.settled);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->windows_starved);
    begin();
    open_stream();
    lose(CLIENT, 10);
    say(CLIENT, client_hello, sizeof client_hello); /* came early */
    TEST_ASSERT_TRUE(identity.starved && identity.settled);
    TEST_ASSERT_EQUAL_UINT64(2, identify_counters(identifier)->windows_starved);
}

static void test_without_facts_a_name_is_kept_all_the_same(void)
{
    fill_up();
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT(2, identity.evidence);
    TEST_ASSERT_TRUE(identity.starved && identity.settled);
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->server_name.size);
    TEST_ASSERT_EQUAL_UINT64(2, identify_counters(identifier)->facts_starved);
}

/* Facts of one flow never show in another. */
static void test_facts_begin_empty(void)
{
    create(4, 4);
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello);
    TEST_ASSERT_EQUAL_UINT(15, identify_facts(identifier, &identity)->server_name.size);
    begin();
    for (unsigned i = 0; i < 4; i++)
        send_rtp(CLIENT, i);
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->server_name.size);
    TEST_ASSERT_EQUAL_UINT(4, identify_facts(identifier, &identity)->rtp.packets);
}

static void test_nothing_stays_taken(void)
{
    create(1, 2);
    for (unsigned i = 0; i < 50; i++) {
        open_stream();
        say(CLIENT, client_hello, 40); /* a window on each side, work and facts */
        say(SERVER, server_hello, 20);
        say(CLIENT, client_hello + 40, sizeof client_hello - 40);
        ASSERT_NAME(PROTO_tls);
        begin();
        TEST_ASSERT_TRUE(identifier_is_empty(identifier));
    }
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->works_starved);
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->windows_starved);
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->facts_starved);
}

static void test_an_acknowledgement_tells_of_bytes_not_captured(void)
{
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello);
    acknowledge(SERVER, 0, sent[CLIENT]);
    TEST_ASSERT_FALSE(identity.lost);
    acknowledge(SERVER, 0, sent[CLIENT] + 1); /* a FIN counts as one */
    TEST_ASSERT_FALSE(identity.lost);
    acknowledge(SERVER, 0, sent[CLIENT] + 2);
    TEST_ASSERT_TRUE(identity.lost);
    acknowledge(SERVER, 0, sent[CLIENT]); /* an older one takes nothing back */
    TEST_ASSERT_TRUE(identity.lost);
    segment(CLIENT, sent[CLIENT], application, sizeof application); /* it was only late */
    TEST_ASSERT_FALSE(identity.lost);
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->gaps);
    begin();
    open_stream();
    say(CLIENT, client_hello, 4); /* kept until more comes: not lost */
    acknowledge(SERVER, 0, 4);
    TEST_ASSERT_FALSE(identity.lost);
    segment(CLIENT, 5, client_hello + 5, 20); /* a single byte is a hole, too */
    TEST_ASSERT_TRUE(identity.lost);
}

static void test_a_fin_tells_of_bytes_not_captured(void)
{
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello);
    acknowledge(CLIENT, sent[CLIENT], 0); /* its FIN, in order */
    TEST_ASSERT_FALSE(identity.lost);
    acknowledge(CLIENT, sent[CLIENT] + 100, 0);
    TEST_ASSERT_TRUE(identity.lost);
}

static void test_an_acknowledgement_before_anything_was_seen_tells_nothing(void)
{
    acknowledge(SERVER, 0, 5000); /* no SYN was captured */
    TEST_ASSERT_FALSE(identity.lost);
    open_stream();
    acknowledge(SERVER, 0, 0);
    TEST_ASSERT_FALSE(identity.lost);
    input.has_acknowledgement = false; /* then the number means nothing */
    acknowledge(SERVER, 0, 5000);
    TEST_ASSERT_FALSE(identity.lost);
}

static void test_a_hole_that_is_filled_again(void)
{
    open_stream();
    segment(CLIENT, 40, client_hello + 40, sizeof client_hello - 40);
    TEST_ASSERT_TRUE(identity.lost); /* nothing is certain while it is there */
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
    segment(CLIENT, 0, client_hello, 40);
    TEST_ASSERT_FALSE(identity.lost);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT(15, identify_facts(identifier, &identity)->server_name.size);
    TEST_ASSERT_FALSE(identity.middle);
    TEST_ASSERT_EQUAL_UINT64(0, identify_counters(identifier)->gaps);
}

static void test_a_hole_that_is_not(void)
{
    open_stream();
    lose(CLIENT, sizeof client_hello);
    for (unsigned i = 0; i < 8; i++) {
        say(CLIENT, application, sizeof application);
        TEST_ASSERT_TRUE(identity.lost);
    }
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->gaps);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_TRUE(identity.middle);
    say(SERVER, server_hello, sizeof server_hello);
    TEST_ASSERT_TRUE(identity.lost); /* for good */
}

static void test_each_gap_is_counted_and_told(void)
{
    open_stream();
    for (unsigned i = 0; i < 3; i++) {
        say(CLIENT, noise, sizeof noise);
        lose(CLIENT, PROTO_WINDOW_SIZE); /* too much to wait for */
    }
    TEST_ASSERT_EQUAL_UINT64(2, identify_counters(identifier)->gaps);
    begin();
    open_stream();
    say(CLIENT, TEXT(HEADER));
    say(SERVER, TEXT(ANSWER));
    lose(SERVER, PROTO_WINDOW_SIZE);
    say(SERVER, TEXT(PROCEED)); /* who knows what came before */
    TEST_ASSERT_EQUAL_UINT(0, identity.upgraded_to);
    TEST_ASSERT_TRUE(identity.lost);
}

static void test_a_repeated_syn_changes_nothing(void)
{
    open_stream();
    open_stream();
    say(CLIENT, client_hello, sizeof client_hello);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_FALSE(identity.middle || identity.lost);
}

static void test_from_the_middle(void)
{
    input.has_acknowledgement = true;
    say(SERVER, application, sizeof application);
    say(SERVER, application, sizeof application);
    say(SERVER, application, sizeof application);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_TRUE(identity.middle);
    TEST_ASSERT_FALSE(identity.lost); /* what came before the capture was not lost by it */
    TEST_ASSERT_EQUAL_UINT(SIDE_NONE, identity.client);
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->tls.version);
}

/* Another protocol's own STARTTLS: what nobody here knows, and then a hello. */
static void test_tls_behind_an_unknown_beginning(void)
{
    open_stream();
    say(SERVER, TEXT("@RSYNCD: 31.0\n"));
    say(CLIENT, TEXT("@RSYNCD: 31.0\n"));
    say(CLIENT, TEXT("#upgrade to TLS\n"));
    say(SERVER, TEXT("@go on with TLS\n"));
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
    say(CLIENT, client_hello, sizeof client_hello);
    ASSERT_NAME(PROTO_tls);
    say(SERVER, server_hello, sizeof server_hello);
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    TEST_ASSERT_EQUAL_HEX(0x0304, identify_facts(identifier, &identity)->tls.version);
}

static void test_a_hello_split_anywhere(void)
{
    for (size_t at = 1; at < sizeof client_hello; at++) {
        char label[32];
        snprintf(label, sizeof label, "split at %zu", at);
        begin();
        open_stream();
        say(CLIENT, client_hello, at);
        TEST_ASSERT_TRUE_MESSAGE(!identity.name || identity.name == PROTO_tls, label);
        say(CLIENT, client_hello + at, sizeof client_hello - at);
        TEST_ASSERT_EQUAL_STRING_MESSAGE("tls", proto_by_id(identity.name)->name, label);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(15, identify_facts(identifier, &identity)->server_name.size, label);
        TEST_ASSERT_FALSE_MESSAGE(identity.lost || identity.middle, label);
    }
}

static void test_a_hello_byte_by_byte(void)
{
    open_stream();
    say_in_pieces(CLIENT, client_hello, sizeof client_hello, 1);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_EQUAL_UINT(15, identify_facts(identifier, &identity)->server_name.size);
    say_in_pieces(SERVER, server_hello, sizeof server_hello, 1);
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    TEST_ASSERT_EQUAL_HEX(0x0304, identify_facts(identifier, &identity)->tls.version);
}

static void test_what_waited_is_asked_once_there_is_a_name(void)
{
    open_stream();
    say(SERVER, TEXT("<?xm"));
    TEST_ASSERT_EQUAL_UINT(0, identity.name);
    lose(SERVER, 0);
    say(CLIENT, TEXT(HEADER));
    ASSERT_NAME(PROTO_xmpp);
    TEST_ASSERT_EQUAL_UINT(CLIENT, identity.client);
    begin();
    open_stream();
    say(SERVER, TEXT("@RSY"));
    segment(CLIENT, 10, client_hello + 10, sizeof client_hello - 10);
    segment(SERVER, sent[SERVER], server_hello,
            sizeof server_hello); /* names it in the middle of its own stream */
    segment(CLIENT, 0, client_hello, 10);
    ASSERT_NAME(PROTO_tls);
}

static void test_a_stream_cut_by_the_capture(void)
{
    open_stream();
    segment_cut(CLIENT, 0, client_hello, 60, sizeof client_hello);
    lose(CLIENT, sizeof client_hello);
    TEST_ASSERT_TRUE(identity.cut);
    TEST_ASSERT_TRUE(!identity.name || identity.name == PROTO_tls);
    say(CLIENT, application, sizeof application);
    TEST_ASSERT_TRUE(identity.lost);
    TEST_ASSERT_EQUAL_UINT64(1, identify_counters(identifier)->gaps); /* no waiting for what cannot come */
    begin();
    open_stream();
    segment_cut(CLIENT, 0, client_hello, sizeof client_hello, sizeof client_hello + 900);
    ASSERT_NAME(PROTO_tls);
    TEST_ASSERT_TRUE(identity.cut);
    begin();
    segment_cut(CLIENT, 0, NULL, 0, 500); /* nothing of it was captured */
    TEST_ASSERT_TRUE(identity.cut && !identity.name);
}

static void test_a_datagram_cut_by_the_capture(void)
{
    static const char options[] = "OPTIONS sip:b.example SIP/2.0\r\nVia: SIP/2.0/UDP a.example\r\n\r\n";
    for (size_t caplen = 0; caplen <= sizeof options - 1; caplen++) {
        begin();
        ask(false, CLIENT, options, caplen, sizeof options - 1);
        TEST_ASSERT_TRUE(identity.name ? identity.name == PROTO_sip : identity.cut);
        TEST_ASSERT_FALSE(identity.settled);
    }
    TEST_ASSERT_FALSE(identity.cut); /* the last was whole */
    begin();
    datagram(CLIENT, noise, sizeof noise);
    TEST_ASSERT_FALSE(identity.cut);
}

static uint32_t random_state;

static size_t random_below(size_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (size_t)(random_state >> 8) % limit;
}

/* One side's bytes in pieces of random size, lost, repeated or swapped with the next. */
static void say_badly(unsigned side, const void *at, size_t size, unsigned lost_percent)
{
    size_t held = SIZE_MAX, held_size = 0;
    for (size_t from = 0, piece; from < size; from += piece) {
        uint32_t place = sent[side] + (uint32_t)from;
        piece = 30 + random_below(100);
        if (piece > size - from)
            piece = size - from;
        if (random_below(100) < lost_percent)
            continue;
        if (held == SIZE_MAX && random_below(4) == 0 && from + piece < size) {
            held = from;
            held_size = piece;
            continue;
        }
        segment(side, place, (const uint8_t *)at + from, piece);
        if (random_below(5) == 0)
            segment(side, place, (const uint8_t *)at + from, piece);
        if (held != SIZE_MAX)
            segment(side, sent[side] + (uint32_t)held, (const uint8_t *)at + held, held_size);
        held = SIZE_MAX;
    }
    if (held != SIZE_MAX)
        segment(side, sent[side] + (uint32_t)held, (const uint8_t *)at + held, held_size);
    lose(side, size);
}

/* Whatever is lost, no other name appears; whatever is only swapped or repeated, nothing is missing. */
static void test_random_segments(void)
{
    for (uint32_t seed = 1; seed <= 600; seed++) {
        unsigned lost_percent = seed % 3 * 10;
        char label[32];
        snprintf(label, sizeof label, "seed %u", seed);
        random_state = seed;
        begin();
        open_stream();
        say_badly(CLIENT, TEXT(HEADER), lost_percent);
        say_badly(SERVER, TEXT(ANSWER FEATURES), lost_percent);
        say_badly(CLIENT, TEXT(STARTTLS), lost_percent);
        say_badly(SERVER, TEXT(PROCEED), lost_percent);
        say_badly(CLIENT, client_hello, sizeof client_hello, lost_percent);
        say_badly(SERVER, server_hello, sizeof server_hello, lost_percent);
        if (!lost_percent) {
            check_upgraded(label);
            TEST_ASSERT_FALSE_MESSAGE(identity.lost || identity.middle, label);
        }
        bool is_right = !identity.name || identity.name == PROTO_xmpp || identity.name == PROTO_tls;
        TEST_ASSERT_TRUE_MESSAGE(is_right && identify_facts(identifier, &identity)->also == 0, label);
        TEST_ASSERT_TRUE_MESSAGE(!identity.upgraded_to || identity.upgraded_to == PROTO_tls, label);
        TEST_ASSERT_FALSE_MESSAGE(identity.starved, label);
    }
}

static void test_random_bytes_get_no_name(void)
{
    random_state = 0x20240517;
    unsigned named = 0;
    for (unsigned round = 0; round < 4000; round++) {
        uint8_t bytes[600];
        begin();
        if (round % 2)
            open_stream();
        for (unsigned turn = 0; turn < 3 && !identity.settled; turn++) {
            size_t size = 1 + random_below(sizeof bytes);
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)random_below(256);
            if (round % 4 < 2)
                say(turn % 2, bytes, size);
            else
                datagram(turn % 2, bytes, size);
        }
        named += identity.name != 0;
    }
    TEST_ASSERT_EQUAL_UINT(0, named);
}

static void test_ipsec(void)
{
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, identify_ipsec(identifier, &identity, PROTO_esp, 0, 0x100));
    ASSERT_NAME(PROTO_esp);
    TEST_ASSERT_EQUAL_UINT(2, identity.evidence);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, identify_ipsec(identifier, &identity, PROTO_esp, 0, 0x100));
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, identify_ipsec(identifier, &identity, PROTO_esp, 1, 0x200));
    TEST_ASSERT_EQUAL_UINT(3, identity.evidence);
    TEST_ASSERT_EQUAL_UINT(1, identify_facts(identifier, &identity)->esp.sent[0]);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, identify_ipsec(identifier, &identity, PROTO_esp, 0, 0x101));
    TEST_ASSERT_EQUAL_UINT(2, identify_facts(identifier, &identity)->esp.sent[0]);
    identify_ipsec(identifier, &identity, PROTO_esp, 1, 0x201);
    for (uint32_t spi = 0x300; spi < 0x400; spi++) /* more than are kept */
        identify_ipsec(identifier, &identity, PROTO_esp, 1, spi);
    const struct proto_facts *facts = identify_facts(identifier, &identity);
    TEST_ASSERT_EQUAL_UINT(4, facts->esp.spi_count);
    TEST_ASSERT_EQUAL_UINT(2, facts->esp.sent[0]);
    TEST_ASSERT_EQUAL_UINT(64, facts->esp.sent[1]);
    TEST_ASSERT_EQUAL_UINT(IDENTITY_SAME, identify_ipsec(identifier, &identity, PROTO_esp, 1, 0x9999));
    TEST_ASSERT_FALSE(identify_wants_empty(&identity));
}

static void test_ipsec_without_facts(void)
{
    fill_up();
    TEST_ASSERT_EQUAL_UINT(IDENTITY_CHANGED, identify_ipsec(identifier, &identity, PROTO_ah, 1, 0x100));
    ASSERT_NAME(PROTO_ah);
    TEST_ASSERT_TRUE(identity.starved);
    TEST_ASSERT_EQUAL_UINT(0, identify_facts(identifier, &identity)->esp.spi_count);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_a_new_identity);
    RUN_TEST(test_name_then_both_sides);
    RUN_TEST(test_the_server_may_speak_first);
    RUN_TEST(test_starttls_upgrades_to_tls);
    RUN_TEST(test_upgrade_in_pieces);
    RUN_TEST(test_upgrade_within_one_segment);
    RUN_TEST(test_after_an_upgrade_something_else_ends_it);
    RUN_TEST(test_an_answer_of_another_kind_keeps_the_evidence_low);
    RUN_TEST(test_stun_then_rtp);
    RUN_TEST(test_what_could_be_rtp_is_told);
    RUN_TEST(test_a_header_cut_in_two_could_be_anything);
    RUN_TEST(test_rtp_runs_on_and_is_counted);
    RUN_TEST(test_rtp_without_room_to_run_is_counted);
    RUN_TEST(test_customary_port_of_either_end);
    RUN_TEST(test_what_a_payload_says_of_other_flows);
    RUN_TEST(test_budget_of_datagrams);
    RUN_TEST(test_budget_of_segments);
    RUN_TEST(test_a_full_window_without_an_answer_is_given_up);
    RUN_TEST(test_without_room_a_flow_stays_unnamed);
    RUN_TEST(test_without_room_what_runs_is_kept);
    RUN_TEST(test_without_more_room_the_old_facts_stay);
    RUN_TEST(test_without_a_window_nothing_can_wait);
    RUN_TEST(test_without_facts_a_name_is_kept_all_the_same);
    RUN_TEST(test_facts_begin_empty);
    RUN_TEST(test_nothing_stays_taken);
    RUN_TEST(test_an_acknowledgement_tells_of_bytes_not_captured);
    RUN_TEST(test_a_fin_tells_of_bytes_not_captured);
    RUN_TEST(test_an_acknowledgement_before_anything_was_seen_tells_nothing);
    RUN_TEST(test_a_hole_that_is_filled_again);
    RUN_TEST(test_a_hole_that_is_not);
    RUN_TEST(test_each_gap_is_counted_and_told);
    RUN_TEST(test_a_repeated_syn_changes_nothing);
    RUN_TEST(test_from_the_middle);
    RUN_TEST(test_tls_behind_an_unknown_beginning);
    RUN_TEST(test_a_hello_split_anywhere);
    RUN_TEST(test_a_hello_byte_by_byte);
    RUN_TEST(test_what_waited_is_asked_once_there_is_a_name);
    RUN_TEST(test_a_stream_cut_by_the_capture);
    RUN_TEST(test_a_datagram_cut_by_the_capture);
    RUN_TEST(test_random_segments);
    RUN_TEST(test_random_bytes_get_no_name);
    RUN_TEST(test_ipsec);
    RUN_TEST(test_ipsec_without_facts);
    return UNITY_END();
}
