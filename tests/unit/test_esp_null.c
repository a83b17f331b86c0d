/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_esp_null.c - ESP that hides nothing, as decode_frame() shows it: three packets that agree open an
 * association, three that cannot be read close it, and nothing else does either.
 */
#include "frame_build.h"

static struct decoder *decoder;
static struct packet packet;
static uint32_t seed;

void setUp(void)
{
    decoder = decoder_create();
    seed = 20260302;
}

void tearDown(void)
{
    decoder_destroy(decoder);
}

#define ESP (decoder_counters(decoder)->esp)

/* UDP 50040 to 49160 with 32 bytes, padded by 1 2, a check value of 12 bytes */
#define NULL_UDP                                                                                             \
    "45000054 12344000 40321406 0a14000b 0a14000c c0ffee01 00000001 c378c008 00282706 807203e8 0004e200 "    \
    "decafbad 00000000 00000000 00000000 00000000 00000000 01020211 1b1c9ac8 f5366413 2b4b5036"
/* TCP 49200 to 5061 with 6 bytes, no padding, a check value of 16 bytes */
#define NULL_TCP                                                                                             \
    "45000048 12344000 40321412 0a14000b 0a14000c c0ffee01 00000002 c03013c5 00000001 00000001 50182000 "    \
    "8d8c0000 16030300 01010006 a79bd60c 06948c91 a021f4c6 a6ae096b"
/* The UDP of the first, behind an initialization vector of 8 bytes and before a check value of 16 */
#define GMAC_UDP                                                                                             \
    "45000060 12344000 403213fa 0a14000b 0a14000c c0ffee02 00000001 00000000 00000001 c378c008 00282706 "    \
    "807203e8 0004e200 decafbad 00000000 00000000 00000000 00000000 00000000 01020211 c355bb8f d6d90758 "    \
    "fd8e9446 02c652e8"

enum { SPI_AT = 20, SEQUENCE_AT = 24 };

/* The frame of an IPv4 packet with ESP, with another sequence number. */
static struct blob numbered(struct blob ip, uint32_t sequence)
{
    struct blob value = number(sequence, 4);
    memcpy(ip.at + SEQUENCE_AT, value.at, 4);
    return ethernet(0x0800, ip);
}

static uint8_t put(struct blob frame)
{
    TEST_ASSERT_EQUAL_INT(DECODED, decode_blob(decoder, 1, frame, &packet));
    return packet.protocol;
}

static void expect_esp(struct blob frame)
{
    TEST_ASSERT_EQUAL_INT(IP_ESP, put(frame));
    TEST_ASSERT_EQUAL_INT(0, packet.layer_count);
}

static void expect_address(const char *text, const struct addr *address)
{
    struct addr wanted;
    addr_parse(text, &wanted);
    TEST_ASSERT_TRUE(addr_equal(&wanted, address));
}

static void expect_inner(uint8_t protocol, uint16_t source, uint16_t destination, size_t size)
{
    TEST_ASSERT_EQUAL_INT(protocol, packet.protocol);
    TEST_ASSERT_EQUAL_INT(source, packet.source_port);
    TEST_ASSERT_EQUAL_INT(destination, packet.destination_port);
    TEST_ASSERT_EQUAL_INT(size, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(size, packet.payload_wirelen);
    TEST_ASSERT_EQUAL_INT(1, packet.layer_count);
    TEST_ASSERT_EQUAL_INT(LAYER_ESP_NULL, packet.layers[0]);
}

/* Three packets open it; the third is read, and all after it. */
static void test_transport_mode(void)
{
    static const struct {
        const char *ip;
        uint8_t protocol;
        uint16_t source, destination;
        size_t size;
        uint32_t spi;
    } cases[] = {
        {NULL_UDP, 17, 50040, 49160, 32, 0xc0ffee01},
        {NULL_TCP, 6, 49200, 5061, 6, 0xc0ffee01},
        {GMAC_UDP, 17, 50040, 49160, 32, 0xc0ffee02},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect_esp(numbered(hex(cases[i].ip), 1));
        expect_esp(numbered(hex(cases[i].ip), 2));
        for (uint32_t k = 3; k < 6; k++) {
            put(numbered(hex(cases[i].ip), k));
            expect_inner(cases[i].protocol, cases[i].source, cases[i].destination, cases[i].size);
            expect_address("10.20.0.11", &packet.source);
            expect_address("10.20.0.12", &packet.destination);
            TEST_ASSERT_EQUAL_HEX32(cases[i].spi, packet.esp_spi);
            TEST_ASSERT_EQUAL_INT(k, packet.esp_sequence);
        }
        TEST_ASSERT_EQUAL_INT(1, ESP.readable);
        decoder_destroy(decoder);
        decoder = decoder_create();
    }
}

/* ESP with a check value of 12 bytes, of an association from 172.16.0.1 to 172.16.0.2. */
static struct blob esp_null(uint32_t spi, uint32_t sequence, uint8_t next, struct blob inside)
{
    struct blob b = join(join(number(spi, 4), number(sequence, 4)), inside);
    size_t padding = (4 - (b.size + 2) % 4) % 4;
    b = join(join(b, filler(padding, 1)), join(number(padding, 1), number(next, 1)));
    return join(b, hex("9f1e 2d3c 4b5a 6978 8796 a5b4"));
}

static struct blob protected(uint32_t spi, uint32_t sequence, uint8_t next, struct blob inside)
{
    return ethernet(0x0800, ipv4(50, esp_null(spi, sequence, next, inside)));
}

static void test_tunnel_mode(void)
{
    for (uint32_t k = 1; k <= 3; k++)
        put(protected(7, k, 4, inner_ipv4()));
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_EQUAL_INT(7, packet.esp_spi);
    TEST_ASSERT_EQUAL_INT(LAYER_ESP_NULL, packet.layers[0]);
    for (uint32_t k = 1; k <= 3; k++)
        put(protected(8, k, 41, inner_ipv6()));
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_EQUAL_INT(2, ESP.readable);
}

/* UDP without a checksum, so that every length may be tried. */
static struct blob bare_udp(size_t size)
{
    struct blob b = udp(50040, 3478, filler(size, 0x10));
    b.at[6] = b.at[7] = 0;
    return b;
}

static void open_association(uint32_t spi)
{
    for (uint32_t k = 1; k <= 3; k++)
        put(protected(spi, k, 17, bare_udp(16)));
    TEST_ASSERT_EQUAL_INT(17, packet.protocol);
}

static void test_every_padding(void)
{
    open_association(7);
    for (size_t size = 0; size < 64; size++) {
        put(protected(7, 10, 17, bare_udp(size)));
        expect_inner(17, 50040, 3478, size);
    }
}

static void test_other_contents_of_a_readable_association(void)
{
    open_association(7);
    expect_esp(protected(7, 4, 59, filler(16, 0)));    /* a dummy */
    expect_esp(protected(7, 5, 17, filler(16, 0xa5))); /* no UDP */
    struct blob wrong = protected(7, 6, 17, bare_udp(16));
    wrong.at[wrong.size - 12 - 3]++; /* padding */
    expect_esp(wrong);
    put(protected(7, 7, 6, tcp(50041, 5061, filler(20, 0))));
    expect_inner(6, 50041, 5061, 20);
    put(protected(7, 8, 132, join(hex("1388 1389"), filler(12, 0))));
    TEST_ASSERT_EQUAL_INT(IP_SCTP, packet.protocol);
    expect_esp(protected(8, 4, 17, bare_udp(16))); /* another association */
}

/* A mirror port that shows every packet twice, and the same packet over and over. */
static void test_copies_are_no_evidence(void)
{
    for (unsigned i = 0; i < 8; i++)
        expect_esp(protected(7, 1, 17, bare_udp(16)));
    expect_esp(protected(7, 2, 17, bare_udp(16)));
    expect_esp(protected(7, 1, 17, bare_udp(16)));
    put(protected(7, 3, 17, bare_udp(16)));
    TEST_ASSERT_EQUAL_INT(17, packet.protocol);
}

static void test_encrypted_for_good(void)
{
    for (uint32_t k = 1; k <= 3; k++)
        expect_esp(protected(7, k, 17, filler(40, (uint8_t)(k * 60))));
    TEST_ASSERT_EQUAL_INT(1, ESP.encrypted);
    for (uint32_t k = 4; k <= 9; k++)
        expect_esp(protected(7, k, 17, bare_udp(16)));
    TEST_ASSERT_EQUAL_INT(0, ESP.readable);
    open_association(8);
}

/* What cannot be read between two that can makes the counting begin anew. */
static void test_only_packets_running_count(void)
{
    for (uint32_t k = 1; k <= 12; k += 3) {
        expect_esp(protected(7, k, 17, bare_udp(16)));
        expect_esp(protected(7, k + 1, 17, bare_udp(16)));
        expect_esp(protected(7, k + 2, 17, filler(40, 0x90)));
    }
    TEST_ASSERT_EQUAL_INT(0, ESP.readable);
    TEST_ASSERT_EQUAL_INT(0, ESP.encrypted);
}

/* The same, where only one thing is wrong with what would be readable. */
static void test_what_does_not_open(void)
{
    struct blob wrong_checksum = udp(50040, 3478, filler(16, 0));
    struct blob wrong_length = bare_udp(16);
    wrong_length.at[5]++;
    struct blob wrong_total = inner_ipv4();
    wrong_total.at[3]++;
    const struct {
        uint8_t next;
        struct blob inside;
    } cases[] = {
        {17, wrong_checksum}, {17, wrong_length},      {4, wrong_total},
        {6, inner_udp()},     {17, filler(4, 0)},      {1, filler(24, 1)},
        {58, filler(24, 1)},  {6, tcp(1, 2, hex(""))}, {41, inner_ipv4()},
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (uint32_t k = 1; k <= 4; k++)
            expect_esp(protected(100 + i, k, cases[i].next, cases[i].inside));
    TEST_ASSERT_EQUAL_INT(0, ESP.readable);
}

/* The trailer ends on 4 bytes. */
static void test_misaligned(void)
{
    for (uint32_t k = 1; k <= 3; k++) {
        struct blob esp = join(join(number(7, 4), number(k, 4)), bare_udp(16));
        esp = join(esp, hex("01 01 11 9f1e2d3c4b5a69788796a5b4"));
        expect_esp(ethernet(0x0800, ipv4(50, esp)));
    }
    TEST_ASSERT_EQUAL_INT(1, ESP.encrypted);
}

/* The IP header's length finds the trailer: padding of the frame is not part of it. */
static void test_ethernet_padding(void)
{
    for (uint32_t k = 1; k <= 3; k++)
        put(join(protected(7, k, 17, bare_udp(16)), filler(9, 0x55)));
    expect_inner(17, 50040, 3478, 16);
}

/* Cut packets neither open, nor close, nor are read. */
static void test_cut_packets(void)
{
    struct blob frame = protected(7, 1, 17, bare_udp(16));
    for (size_t caplen = 14 + 20 + 8; caplen < frame.size; caplen++) {
        TEST_ASSERT_EQUAL_INT(DECODED, decode_part(decoder, 1, frame.at, caplen, frame.size, 0, &packet));
        TEST_ASSERT_EQUAL_INT(IP_ESP, packet.protocol);
    }
    open_association(7);
    for (size_t caplen = 14 + 20 + 8; caplen < frame.size; caplen++) {
        TEST_ASSERT_EQUAL_INT(DECODED, decode_part(decoder, 1, frame.at, caplen, frame.size, 0, &packet));
        TEST_ASSERT_EQUAL_INT(IP_ESP, packet.protocol);
        TEST_ASSERT_TRUE(packet.is_cut);
    }
}

static struct blob in_udp(uint32_t sequence, bool back)
{
    struct blob esp = esp_null(7, sequence, 17, inner_udp()); /* its checksum is wrong, as behind a NAT */
    return ethernet(0x0800, ipv4(17, udp(back ? 4500 : 61000, back ? 61000 : 4500, esp)));
}

static void test_in_udp(void)
{
    for (unsigned back = 0; back < 2; back++) {
        for (uint32_t k = 1; k <= 2; k++) {
            TEST_ASSERT_EQUAL_INT(17, put(in_udp(k, back)));
            TEST_ASSERT_EQUAL_INT(back ? 61000 : 4500, packet.destination_port);
            TEST_ASSERT_EQUAL_INT(0, packet.layer_count);
            TEST_ASSERT_EQUAL_INT(0, packet.esp_spi);
        }
        put(in_udp(3, back));
        expect_inner(17, 50040, 3478, 16);
        TEST_ASSERT_EQUAL_INT(7, packet.esp_spi);
        decoder_destroy(decoder);
        decoder = decoder_create();
    }
    /* IKE and the keep-alive stay what they are. */
    put(ethernet(0x0800, ipv4(17, udp(4500, 4500, filler(60, 0)))));
    TEST_ASSERT_EQUAL_INT(4500, packet.source_port);
    put(ethernet(0x0800, ipv4(17, udp(4500, 4500, hex("ff")))));
    TEST_ASSERT_EQUAL_INT(4500, packet.source_port);
}

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static struct blob random_esp(uint32_t spi, uint32_t sequence)
{
    struct blob b = join(number(spi, 4), number(sequence, 4));
    for (size_t size = 12 + next_random() % 160; size > 0; size--)
        b.at[b.size++] = (uint8_t)(next_random() >> 8);
    return b;
}

static void test_random_payloads(void)
{
    for (uint32_t i = 0; i < 200000; i++)
        expect_esp(ethernet(0x0800, ipv4(50, random_esp(1 + i % 1000, 1 + i / 1000))));
    TEST_ASSERT_EQUAL_INT(0, ESP.readable);
    TEST_ASSERT_EQUAL_INT(1000, ESP.encrypted);
    TEST_ASSERT_EQUAL_INT(0, ESP.evicted);
    /* And as many, each looked at: an association for every two. */
    for (uint32_t i = 0; i < 200000; i++)
        expect_esp(ethernet(0x0800, ipv4(50, random_esp(2000 + i / 2, 1 + i % 2))));
    TEST_ASSERT_EQUAL_INT(0, ESP.readable);
    TEST_ASSERT_EQUAL_INT(1000, ESP.encrypted);
}

/* Whoever is in use stays; the rest makes room. */
static void test_a_flood_of_associations(void)
{
    open_association(7);
    for (uint32_t i = 0; i < 20000; i++) {
        expect_esp(protected(1000 + i, 1, 17, bare_udp(16)));
        if (i % 64 == 0)
            TEST_ASSERT_EQUAL_INT(17, put(protected(7, 10, 17, bare_udp(16))));
    }
    TEST_ASSERT_TRUE(ESP.evicted >= 20000 - 4096 && ESP.evicted < 20000);
    for (uint32_t i = 0; i < 50000; i++)
        expect_esp(protected(100000 + i, 1, 17, bare_udp(16)));
    expect_esp(protected(7, 11, 17, bare_udp(16))); /* forgotten by now */
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_transport_mode);
    RUN_TEST(test_tunnel_mode);
    RUN_TEST(test_every_padding);
    RUN_TEST(test_other_contents_of_a_readable_association);
    RUN_TEST(test_copies_are_no_evidence);
    RUN_TEST(test_encrypted_for_good);
    RUN_TEST(test_only_packets_running_count);
    RUN_TEST(test_what_does_not_open);
    RUN_TEST(test_misaligned);
    RUN_TEST(test_ethernet_padding);
    RUN_TEST(test_cut_packets);
    RUN_TEST(test_in_udp);
    RUN_TEST(test_random_payloads);
    RUN_TEST(test_a_flood_of_associations);
    return UNITY_END();
}
