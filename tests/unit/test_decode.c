/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_decode.c - every link type and encapsulation of src/decode, whole and cut at each length; the results
 * other than DECODED; the fields of struct packet. Reassembly has its own test.
 */
#include "frame_build.h"

static struct decoder *decoder;
static struct packet packet;

void setUp(void)
{
    decoder = decoder_create();
}

void tearDown(void)
{
    decoder_destroy(decoder);
}

static void expect(enum decode_result wanted, struct blob frame)
{
    TEST_ASSERT_EQUAL_STRING(decode_result_name(wanted),
                             decode_result_name(decode_blob(decoder, 1, frame, &packet)));
}

/* The layers of the last packet as words. */
static const char *layers(void)
{
    static char text[256];
    text[0] = 0;
    for (unsigned i = 0; i < packet.layer_count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, layer_name(packet.layers[i]));
    }
    return text;
}

struct encapsulation {
    const char *layers;
    uint16_t linktype;
    struct blob frame;
};

static struct blob gre(const char *header, struct blob inside)
{
    return ethernet(0x0800, ipv4(47, join(hex(header), inside)));
}

static struct blob over_udp(uint16_t port, const char *header, struct blob inside)
{
    return ethernet(0x0800, ipv4(17, udp(40000, port, join(hex(header), inside))));
}

static struct blob teredo(const char *before)
{
    return over_udp(3544, before, ipv6_full("2001:0:4136:e378::1", "2001:db8::9", 17, inner_udp()));
}

enum { ENCAPSULATIONS_MAX = 128 };
static struct encapsulation encapsulations[ENCAPSULATIONS_MAX];
static size_t encapsulation_count;

static void add(const char *names, uint16_t linktype, struct blob frame)
{
    TEST_ASSERT_TRUE(encapsulation_count < ENCAPSULATIONS_MAX);
    encapsulations[encapsulation_count++] = (struct encapsulation){names, linktype, frame};
}

static void add_link_types(void)
{
    add("", 1, inner_ethernet());
    add("", 1, ethernet(0x86dd, inner_ipv6()));
    add("", 113, join(hex("0000 0001 0006 0200000000010000 0800"), inner_ipv4()));
    add("", 276, join(hex("0800 0000 00000002 0001 00 06 0200000000010000"), inner_ipv4()));
    add("", 113, join(hex("0000 0001 0006 0200000000010000 0004 aaaa03 000000 0800"), inner_ipv4()));
    add("vlan", 113, join(hex("0000 0001 0006 0200000000010000 8100 0064 86dd"), inner_ipv6()));
    add("", 0, join(hex("02000000"), inner_ipv4()));
    add("", 0, join(hex("00000002"), inner_ipv4()));
    add("", 108, join(hex("00000002"), inner_ipv4()));
    const char *ipv6_families[] = {"0a000000", "17000000", "18000000", "1c000000", "1e000000"};
    for (size_t i = 0; i < 5; i++)
        add("", 0, join(hex(ipv6_families[i]), inner_ipv6()));
    add("", 12, inner_ipv4());
    add("", 14, inner_ipv6());
    add("", 101, inner_ipv4());
    add("", 228, inner_ipv4());
    add("", 229, inner_ipv6());
    add("", 9, join(hex("ff03 0021"), inner_ipv4()));
    add("", 9, join(hex("0057"), inner_ipv6()));
    add("", 50, join(hex("ff03 0021"), inner_ipv4()));
    add("", 50, join(hex("0f00 0800"), inner_ipv4()));
    add("", 104, join(hex("8f00 86dd"), inner_ipv6()));
    add("pppoe", 51, join(hex("1100 0007 002e 0021"), inner_ipv4()));
    add("", 10, join(join(hex("50"), filler(12, 2)), join(hex("aaaa03 000000 0800"), inner_ipv4())));
    add("", 7, join(hex("be 00 f0"), inner_ipv4())); /* RFC 1051 */
    add("", 7, join(hex("be 00 d4 00 0165"), inner_ipv4()));
    add("", 7, join(hex("be 00 c4 ff ffff c4 00 0166"), inner_ipv6())); /* padded */
    add("", 129, join(hex("be 00 f108 f0"), inner_ipv4()));
    add("", 129, join(hex("be 00 ed08 d4 00 0167"), inner_ipv4()));
    add("", 239, join(hex("0200 0001 0800 0100 0800 0101 0500 0a00 7a000000 3000 0900"), inner_ipv4()));
    add("", 239, join(hex("0a00 0001 0008 0001 86dd 0101 0044 0009"), inner_ipv6()));
    add("", 258, join(join(hex("6c000000 01000000 01000000"), filler(96, 0)), inner_ethernet()));
    add("", 149, join(join(hex("6c000000 01000000 0c000000"), filler(96, 0)), inner_ipv4()));
}

/* An 802.11 data frame: control, duration, three addresses, then `more` from the sequence number on. */
static struct blob wifi(const char *control, const char *more)
{
    struct blob header = join(join(hex(control), filler(20, 2)), hex(more));
    return join(header, join(hex("aaaa03 000000 0800"), inner_ipv4()));
}

static void add_wifi(void)
{
    add("", 105, wifi("0801", "1000"));
    add("", 105, wifi("0802", "1000"));
    add("", 105, wifi("0803", "1000 020000000003"));
    add("", 105, wifi("8801", "1000 0000"));
    add("", 105, wifi("8881", "1000 0000 00000000"));
    add("", 105, wifi("8803", "1000 020000000003 0000"));
    add("", 127, join(hex("00 00 0800 00000000"), wifi("0801", "1000")));
    add("", 127, join(hex("00 00 0900 02000000 10"), join(wifi("0801", "1000"), hex("c0ffee00"))));
    add("", 127, join(hex("00 00 0900 02000000 20"), wifi("8801", "1000 0000 0000")));
    add("", 127,
        join(hex("00 00 1900 03000080 00000000 00000000 0102030405060708 20"),
             wifi("8801", "1000 0000 0000")));
    add("", 192, join(hex("00 00 0800 69000000"), wifi("0801", "1000")));
    add("", 192, join(hex("00 00 0c00 01000000 00000000"), inner_ethernet()));
}

static void add_ethernet_tags(void)
{
    add("vlan", 1, ethernet(0x8100, join(hex("6064 0800"), inner_ipv4())));
    add("vlan vlan", 1, ethernet(0x88a8, join(hex("0064 8100 00c8 0800"), inner_ipv4())));
    add("vlan vlan", 1, ethernet(0x9100, join(hex("0064 9200 00c8 86dd"), inner_ipv6())));
    add("vlan vlan vlan vlan vlan vlan vlan vlan", 1,
        ethernet(0x8100,
                 join(hex("0001 8100 0002 8100 0003 8100 0004 8100 0005 8100 0006 8100 0007 8100 0008 0800"),
                      inner_ipv4())));
    add("cmd", 1, ethernet(0x8909, join(hex("01 01 0001 000a 0800"), inner_ipv4())));
    add("vntag", 1, ethernet(0x8926, join(hex("01230045 0800"), inner_ipv4())));
    add("vntag vlan", 1, ethernet(0x8926, join(hex("01230045 8100 0064 0800"), inner_ipv4())));
    add("fabricpath", 1, ethernet(0x8903, join(hex("0060"), join(inner_ethernet(), hex("deadbeef")))));
    struct blob snap = join(hex("aaaa03 000000 0800"), inner_ipv4());
    add("", 1, ethernet((uint16_t)snap.size, snap));
    snap.at[5] = 0xf8; /* the bridge tunnel's organisation */
    add("", 1, ethernet((uint16_t)snap.size, snap));
    add("", 1, ethernet((uint16_t)(inner_ipv4().size + 3), join(hex("060603"), inner_ipv4())));
    add("vlan", 1, ethernet(0x8100, join(join(hex("0064"), number(snap.size, 2)), snap)));
}

static void add_labels(void)
{
    add("mpls", 1, ethernet(0x8847, join(hex("00064140"), inner_ipv4())));
    add("mpls", 1, ethernet(0x8848, join(hex("00064040 000c8140"), inner_ipv6())));
    add("mpls", 1, ethernet(0x8847, join(hex("0012c140 00000000"), inner_ethernet())));
    add("mpls", 1, ethernet(0x8847, join(hex("0012c140"), inner_ethernet())));
    struct blob other_vendor =
        inner_ethernet(); /* an address that looks like IPv4's first byte, then IPv6's */
    other_vendor.at[0] = 0x45;
    add("mpls", 1, ethernet(0x8847, join(hex("0012c140"), other_vendor)));
    memcpy(other_vendor.at, "\x42\x00\x00\x30", 4); /* of a plausible length, but too short a header */
    add("mpls", 1, ethernet(0x8847, join(hex("0012c140"), other_vendor)));
    memcpy(other_vendor.at, "\x45\x00\xff\x00", 4); /* longer than the wire */
    add("mpls", 1, ethernet(0x8847, join(hex("0012c140"), other_vendor)));
    other_vendor.at[0] = 0x60;
    other_vendor.at[4] = 0xff;
    add("mpls", 1, ethernet(0x8847, join(hex("0012c140"), other_vendor)));
    add("mpls vlan", 1,
        ethernet(0x8847,
                 join(hex("0012c140 00000001"), ethernet(0x8100, join(hex("0007 0800"), inner_ipv4())))));
    add("vlan", 1, ethernet(0x88e7, join(hex("00001389"), inner_ethernet())));
    add("vlan vlan vlan", 1,
        ethernet(0x88a8,
                 join(hex("0064 88e7 00001389"), ethernet(0x8100, join(hex("0007 0800"), inner_ipv4())))));
    add("pppoe", 1, ethernet(0x8864, join(hex("1100 0007 002e 0021"), inner_ipv4())));
    add("pppoe", 1, ethernet(0x8864, join(hex("1100 0007 002d 21"), inner_ipv4())));
    add("pppoe", 1, ethernet(0x8864, join(hex("1100 0007 0042 0057"), inner_ipv6())));
    add("pppoe mpls", 1, ethernet(0x8864, join(hex("1100 0007 0032 0281 00064140"), inner_ipv4())));
}

static void add_ip_tunnels(void)
{
    add("ipip", 1, ethernet(0x0800, ipv4(4, inner_ipv4())));
    add("ipip", 1, ethernet(0x0800, ipv4(41, inner_ipv6())));
    add("ipip", 1, ethernet(0x86dd, ipv6(4, inner_ipv4())));
    add("ipip", 1, ethernet(0x86dd, ipv6(41, inner_ipv6())));
    add("ah", 1,
        ethernet(0x0800,
                 ipv4_full("10.20.0.50", "10.20.0.11", 51, 1, 0,
                           join(hex("11 04 0000 a0a0a0a0 00000001 000102030405060708090a0b"), inner_udp()))));
    add("ah ipip", 1,
        ethernet(0x86dd,
                 ipv6(51, join(hex("04 04 0000 a0a0a0a0 00000001 000102030405060708090a0b"), inner_ipv4()))));
    add("gre", 1, gre("0000 0800", inner_ipv4()));
    add("gre", 1, gre("0000 86dd", inner_ipv6()));
    add("gre", 1, gre("8000 0800 00000000", inner_ipv4()));
    add("gre", 1, gre("b000 0800 00000000 00001234 00000007", inner_ipv4()));
    add("gre", 1, gre("0000 6558", inner_ethernet()));
    add("gre mpls", 1, gre("0000 8847 00064140", inner_ipv4()));
    add("gre", 1, gre("3081 880b 0030 0001 00000001 00000002 ff03 0021", inner_ipv4()));
    add("gre", 1, gre("3001 880b 002d 0001 00000001 21", inner_ipv4()));
    add("gre", 1, gre("0000 883e 80000102", inner_ipv4()));
    add("gre", 1, gre("0000 883e 40000102", inner_ipv4()));
    add("gre", 1, gre("0000 883e", inner_ipv4()));
    add("gre", 1, gre("2001 6400 003a 0700", inner_ethernet()));
    add("nvgre", 1, gre("2000 6558 00138909", inner_ethernet()));
    add("erspan", 1, gre("0000 88be", inner_ethernet()));
    add("erspan", 1, gre("1000 88be 00000001 1064 1805 00000007", inner_ethernet()));
    add("erspan", 1, gre("1000 22eb 00000001 2064 0005 00003039 0000 0000", inner_ethernet()));
    add("erspan", 1,
        gre("1000 22eb 00000001 2064 0005 00003039 0000 0001 0c000009 0000004d", inner_ethernet()));
    add("erspan", 1, gre("1000 22eb 00000001 2064 0005 00003039 0000 0800", inner_ipv4()));
}

static void add_udp_tunnels(void)
{
    add("vxlan", 1, over_udp(4789, "08000000 00138900", inner_ethernet()));
    add("vxlan", 1, over_udp(8472, "08000000 00138900", inner_ethernet()));
    add("vxlan", 1, over_udp(4789, "88480064 00138900", inner_ethernet()));
    add("vxlan vlan", 1,
        over_udp(4789, "08000000 00138900", ethernet(0x8100, join(hex("0007 0800"), inner_ipv4()))));
    add("vxlan", 1, over_udp(4790, "0c000001 00138900", inner_ipv4()));
    add("vxlan", 1, over_udp(4790, "0c000002 00138900", inner_ipv6()));
    add("vxlan", 1, over_udp(4790, "0c000003 00138900", inner_ethernet()));
    add("vxlan", 1, over_udp(4790, "08000000 00138900", inner_ethernet()));
    add("geneve", 1, over_udp(6081, "0000 6558 00138900", inner_ethernet()));
    add("geneve", 1, over_udp(6081, "0240 0800 00138900 00010000 00000001", inner_ipv4()));
    add("geneve", 1, over_udp(6081, "0000 86dd 00138900", inner_ipv6()));
    add("gtp", 1, over_udp(2152, "30 ff 002c 00000001", inner_ipv4()));
    add("gtp", 1, over_udp(2152, "34 ff 0034 00000001 0000 00 85 01 100900", inner_ipv4()));
    add("gtp", 1, over_udp(2152, "32 ff 0030 00000001 0007 00 00", inner_ipv4()));
    add("l2tp", 1, over_udp(1701, "0002 0001 0002 ff03 0021", inner_ipv4()));
    add("l2tp", 1, over_udp(1701, "4802 003a 0001 0002 0000 0000 0021", inner_ipv4()));
    add("vxlan gre", 1,
        over_udp(4789, "08000000 00138900",
                 ethernet(0x0800, ipv4(47, join(hex("0000 0800"), inner_ipv4())))));
    add("vxlan", 1,
        ethernet(0x86dd, ipv6(17, udp(40000, 4789, join(hex("08000000 00138900"), inner_ethernet())))));
}

static void test_every_encapsulation_gives_the_inner_packet(void)
{
    for (size_t i = 0; i < encapsulation_count; i++) {
        const struct encapsulation *e = &encapsulations[i];
        char message[64];
        snprintf(message, sizeof(message), "case %zu, link type %u, %s", i, e->linktype, e->layers);
        TEST_ASSERT_EQUAL_INT_MESSAGE(DECODED, decode_blob(decoder, e->linktype, e->frame, &packet), message);
        TEST_ASSERT_TRUE_MESSAGE(is_inner(&packet), message);
        TEST_ASSERT_EQUAL_STRING_MESSAGE(e->layers, layers(), message);
        TEST_ASSERT_FALSE_MESSAGE(packet.is_cut, message);
        TEST_ASSERT_EQUAL_INT_MESSAGE(16, packet.payload.left, message);
        TEST_ASSERT_EQUAL_INT_MESSAGE(16, packet.payload_wirelen, message);
        TEST_ASSERT_EQUAL_INT_MESSAGE(0x10, packet.payload.at[0], message);
    }
}

/* A snap length gives the same packet or none, and never the tunnel's own. */
static void test_every_encapsulation_cut_at_every_length(void)
{
    for (size_t i = 0; i < encapsulation_count; i++) {
        const struct encapsulation *e = &encapsulations[i];
        for (size_t caplen = 0; caplen < e->frame.size; caplen++) {
            char message[80];
            snprintf(message, sizeof(message), "case %zu (%s) cut to %zu", i, e->layers, caplen);
            enum decode_result result =
                decode_part(decoder, e->linktype, e->frame.at, caplen, e->frame.size, 1000, &packet);
            if (result != DECODED) {
                TEST_ASSERT_EQUAL_STRING_MESSAGE("cut", decode_result_name(result), message);
                continue;
            }
            TEST_ASSERT_TRUE_MESSAGE(is_inner(&packet), message);
            TEST_ASSERT_EQUAL_INT_MESSAGE(16, packet.payload_wirelen, message);
            TEST_ASSERT_EQUAL_INT_MESSAGE(packet.payload.left < 16, packet.is_cut, message);
            TEST_ASSERT_EQUAL_INT_MESSAGE(packet.is_cut, packet.payload.cut, message);
            TEST_ASSERT_FALSE_MESSAGE(packet.payload.failed, message);
        }
    }
}

/* A frame that really was that short is no cut: what is missing was never there. */
static void test_every_encapsulation_shortened_on_the_wire(void)
{
    for (size_t i = 0; i < encapsulation_count; i++) {
        const struct encapsulation *e = &encapsulations[i];
        for (size_t size = 0; size < e->frame.size; size++) {
            enum decode_result result =
                decode_part(decoder, e->linktype, e->frame.at, size, size, 1000, &packet);
            TEST_ASSERT_TRUE_MESSAGE(result != DECODE_CUT, e->layers);
        }
    }
}

static void test_teredo(void)
{
    const char *before[] = {"", "0000 1234 01020304", "0001 00 00 0102030405060708 00",
                            "0001 02 03 aabb ccddee 0102030405060708 00 0000 1234 01020304"};
    for (size_t i = 0; i < 4; i++) {
        expect(DECODED, teredo(before[i]));
        TEST_ASSERT_EQUAL_STRING("teredo", layers());
        TEST_ASSERT_EQUAL_INT(3478, packet.destination_port);
        struct blob frame = teredo(before[i]);
        for (size_t caplen = 0; caplen < frame.size - 16; caplen++)
            TEST_ASSERT_EQUAL_INT(DECODE_CUT,
                                  decode_part(decoder, 1, frame.at, caplen, frame.size, 1, &packet));
    }
    struct blob longer =
        over_udp(3544, "", join(ipv6_full("2001:0:4136:e378::1", "2001:db8::9", 17, inner_udp()), hex("00")));
    expect(DECODED, longer);
    TEST_ASSERT_EQUAL_INT(3544, packet.destination_port);
    expect(DECODED, over_udp(3544, "", inner_ipv6())); /* no Teredo address */
    TEST_ASSERT_EQUAL_INT(3544, packet.destination_port);
}

static void test_answers_come_from_a_tunnels_port(void)
{
    struct blob answer =
        ethernet(0x0800, ipv4(17, udp(2152, 40000, join(hex("30 ff 002c 00000001"), inner_ipv4()))));
    expect(DECODED, answer);
    TEST_ASSERT_TRUE(is_inner(&packet));
    answer = ethernet(0x0800, ipv4(17, udp(4789, 40000, join(hex("08000000 00138900"), inner_ethernet()))));
    expect(DECODED, answer); /* VXLAN's source port says nothing */
    TEST_ASSERT_EQUAL_INT(4789, packet.source_port);
}

static void expect_plain_udp(uint16_t port, struct blob frame)
{
    expect(DECODED, frame);
    TEST_ASSERT_EQUAL_INT(40000, packet.source_port);
    TEST_ASSERT_EQUAL_INT(port, packet.destination_port);
    TEST_ASSERT_EQUAL_INT(17, packet.protocol);
    TEST_ASSERT_EQUAL_STRING("", layers());
    struct addr outer;
    addr_parse("172.16.0.1", &outer);
    TEST_ASSERT_TRUE(addr_equal(&outer, &packet.source));
    TEST_ASSERT_EQUAL_INT(0xffff, packet.vlan);
}

static void test_a_tunnel_port_alone_is_ordinary_udp(void)
{
    static const uint16_t ports[] = {4789, 8472, 4790, 6081, 3544, 2152, 1701};
    for (size_t i = 0; i < 7; i++) {
        expect_plain_udp(ports[i], over_udp(ports[i], "", filler(40, 0x80)));
        expect_plain_udp(ports[i], over_udp(ports[i], "807203e8 0004e200 decafbad", filler(160, 0)));
        expect_plain_udp(ports[i], over_udp(ports[i], "", hex("")));
        expect_plain_udp(ports[i], over_udp(ports[i], "00", hex("")));
    }
    expect_plain_udp(4789, over_udp(4789, "08000001 00138900", inner_ethernet()));
    expect_plain_udp(4789, over_udp(4789, "08000000 00138901", inner_ethernet()));
    expect_plain_udp(4789, over_udp(4789, "08000000 00138900", ethernet(0x0806, filler(28, 0))));
    expect_plain_udp(4789, over_udp(4789, "08000000 00138900", ethernet(0x8100, hex("0007 0806"))));
    expect_plain_udp(4789, over_udp(4789, "08000000 00138900", ethernet(0x0800, filler(40, 0x30))));
    expect_plain_udp(4790, over_udp(4790, "08000003 00138900", inner_ethernet()));
    expect_plain_udp(6081, over_udp(6081, "4000 0800 00138900", inner_ipv4()));
    expect_plain_udp(6081, over_udp(6081, "0001 0800 00138900", inner_ipv4()));
    expect_plain_udp(2152, over_udp(2152, "30 01 002c 00000001", inner_ipv4()));
    expect_plain_udp(2152, over_udp(2152, "30 ff 002b 00000001", inner_ipv4()));
    expect_plain_udp(1701, over_udp(1701, "c802 0014 0001 0002 0000 0000 0008 00000000 0006", hex("")));
}

/* Even when the capture is cut: the bytes that are there already say no. */
static void test_a_cut_datagram_on_a_tunnel_port(void)
{
    struct blob media = over_udp(3544, "807203e8 0004e200 decafbad", filler(160, 0));
    TEST_ASSERT_EQUAL_INT(DECODED, decode_part(decoder, 1, media.at, 60, media.size, 1, &packet));
    TEST_ASSERT_EQUAL_INT(3544, packet.destination_port);
    TEST_ASSERT_TRUE(packet.is_cut);
    TEST_ASSERT_EQUAL_INT(172, packet.payload_wirelen);
    TEST_ASSERT_EQUAL_INT(18, packet.payload.left);
}

static void test_random_payloads_are_no_tunnels(void)
{
    static const uint16_t ports[] = {4789, 8472, 4790, 6081, 3544, 2152, 1701};
    unsigned seed = 20260302;
    for (unsigned i = 0; i < 200000; i++) {
        struct blob noise = filler(64, 0);
        for (size_t k = 0; k < noise.size; k++) {
            seed = seed * 1664525u + 1013904223u;
            noise.at[k] = (uint8_t)(seed >> 24);
        }
        expect(DECODED, ethernet(0x0800, ipv4(17, udp(40000, ports[i % 7], noise))));
        TEST_ASSERT_EQUAL_INT(40000, packet.source_port);
    }
}

static void test_the_tunnel_itself_where_no_ip_is_inside(void)
{
    const char *headers[] = {"0000 6558 020000000002 020000000001 0806",
                             "0000 2000",
                             "3001 880b 0002 0001 00000001 c021",
                             "3001 880b 0004 0001 00000001 00fd 1234",
                             "2081 880b 0000 0001 00000002",
                             "4000 0800 00000000",
                             "1000 88be 00000001 3064 1805 00000007",
                             "0000 0000",
                             "2001 6400 003b 0700"}; /* EoIP of another length */
    for (size_t i = 0; i < 9; i++) {
        expect(DECODED, gre(headers[i], i < 8 ? filler(20, 0) : inner_ethernet()));
        TEST_ASSERT_EQUAL_INT(47, packet.protocol);
        TEST_ASSERT_EQUAL_STRING("", layers());
        TEST_ASSERT_EQUAL_INT(0, packet.source_port);
        TEST_ASSERT_EQUAL_INT(hex(headers[i]).size + (i < 8 ? 20 : inner_ethernet().size),
                              packet.payload.left);
    }
}

static void test_vlan_ids(void)
{
    expect(DECODED, inner_ethernet());
    TEST_ASSERT_EQUAL_INT(0xffff, packet.vlan);
    TEST_ASSERT_EQUAL_INT(0xffff, packet.inner_vlan);
    expect(DECODED, ethernet(0x88a8, join(hex("e064 8100 20c8 0800"), inner_ipv4())));
    TEST_ASSERT_EQUAL_INT(100, packet.vlan);
    TEST_ASSERT_EQUAL_INT(200, packet.inner_vlan);
    expect(DECODED, ethernet(0x8100, join(hex("e000 0800"), inner_ipv4()))); /* priority tag */
    TEST_ASSERT_EQUAL_INT(0xffff, packet.vlan);
}

static void test_tcp_fields(void)
{
    struct blob with_options = tcp(49200, 5061, join(hex("020405b4 01010402"), filler(10, 1)));
    with_options.at[12] = 0x70;
    expect(DECODED, ethernet(0x0800, ipv4_full("10.0.0.1", "10.0.0.2", 6, 0x1234, 0x4000, with_options)));
    TEST_ASSERT_EQUAL_INT(6, packet.protocol);
    TEST_ASSERT_EQUAL_INT(49200, packet.source_port);
    TEST_ASSERT_EQUAL_INT(5061, packet.destination_port);
    TEST_ASSERT_EQUAL_HEX32(0x01020304, packet.tcp_sequence);
    TEST_ASSERT_EQUAL_HEX32(0x05060708, packet.tcp_acknowledgement);
    TEST_ASSERT_EQUAL_INT(TCP_PSH | TCP_ACK, packet.tcp_flags);
    TEST_ASSERT_EQUAL_INT(0x2000, packet.tcp_window);
    TEST_ASSERT_EQUAL_HEX16(0xcafe, packet.checksum);
    TEST_ASSERT_EQUAL_INT(10, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(1, packet.payload.at[0]);
    TEST_ASSERT_EQUAL_INT(64, packet.ttl);
    TEST_ASSERT_EQUAL_HEX16(0x1234, packet.ip_id);
    TEST_ASSERT_EQUAL_INT(20 + 28 + 10, packet.ip_bytes);
    TEST_ASSERT_FALSE(packet.has_quoted);
    TEST_ASSERT_FALSE(packet.is_fragmented);
    TEST_ASSERT_FALSE(packet.is_doubtful_length);
    TEST_ASSERT_EQUAL_INT(1000, packet.time_ns);
}

static void test_tcp_cut_in_its_options(void)
{
    struct blob segment = tcp(49200, 5061, join(hex("020405b4 01010402"), filler(10, 1)));
    segment.at[12] = 0x70;
    struct blob frame = ethernet(0x0800, ipv4(6, segment));
    TEST_ASSERT_EQUAL_INT(DECODED,
                          decode_part(decoder, 1, frame.at, 14 + 20 + 20 + 3, frame.size, 1, &packet));
    TEST_ASSERT_EQUAL_INT(5061, packet.destination_port);
    TEST_ASSERT_EQUAL_INT(0, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(10, packet.payload_wirelen);
    TEST_ASSERT_TRUE(packet.is_cut && packet.payload.cut && !packet.payload.failed);
    TEST_ASSERT_EQUAL_INT(DECODE_CUT,
                          decode_part(decoder, 1, frame.at, 14 + 20 + 19, frame.size, 1, &packet));
}

static void test_padding_is_no_payload(void)
{
    struct blob frame = join(ethernet(0x0800, ipv4(17, udp(1000, 2000, hex("aabb")))), filler(18, 0xee));
    expect(DECODED, frame);
    TEST_ASSERT_EQUAL_INT(2, packet.payload.left);
    TEST_ASSERT_FALSE(packet.is_cut);
    /* Cut inside the padding, all of the packet is there. */
    TEST_ASSERT_EQUAL_INT(DECODED, decode_part(decoder, 1, frame.at, 14 + 30, frame.size, 1, &packet));
    TEST_ASSERT_FALSE(packet.is_cut);
    /* UDP ends where its own length says, too. */
    struct blob datagram = udp(1000, 2000, hex("aabbccdd"));
    datagram.at[5] = 10;
    expect(DECODED, ethernet(0x0800, ipv4(17, datagram)));
    TEST_ASSERT_EQUAL_INT(2, packet.payload.left);
}

static void test_a_tunnels_length_bounds_the_payload(void)
{
    struct blob packets[] = {ethernet(0x8864, join(hex("1100 0007 0024 0021"), inner_ipv4())),
                             gre("3001 880b 0024 0001 00000001 0021", inner_ipv4())};
    for (size_t i = 0; i < 2; i++) {
        expect(DECODED, packets[i]);
        TEST_ASSERT_TRUE(is_inner(&packet));
        TEST_ASSERT_TRUE(packet.is_cut);
        TEST_ASSERT_EQUAL_INT(6, packet.payload.left);
        TEST_ASSERT_EQUAL_INT(16, packet.payload_wirelen);
    }
}

static void test_no_length_means_offload(void)
{
    struct blob frame = ethernet(0x0800, ipv4(6, tcp(1, 2, filler(100, 0))));
    frame.at[16] = frame.at[17] = 0;
    expect(DECODED, frame);
    TEST_ASSERT_TRUE(packet.is_doubtful_length);
    TEST_ASSERT_EQUAL_INT(100, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(140, packet.ip_bytes);
    struct blob v6 = ethernet(0x86dd, ipv6(6, tcp(1, 2, filler(100, 0))));
    v6.at[18] = v6.at[19] = 0;
    expect(DECODED, v6);
    TEST_ASSERT_TRUE(packet.is_doubtful_length);
    TEST_ASSERT_EQUAL_INT(100, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(2, decoder_counters(decoder)->doubtful_lengths);
}

/* A slicing device shortens frames and leaves the IP length: the payload is missing, not wrong. */
static void test_a_packet_longer_than_its_frame(void)
{
    struct blob frame = ethernet(0x0800, ipv4(17, udp(1000, 2000, filler(100, 0))));
    frame.size -= 60;
    expect(DECODED, frame);
    TEST_ASSERT_TRUE(packet.is_cut);
    TEST_ASSERT_EQUAL_INT(40, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(100, packet.payload_wirelen);
    frame.size = 14 + 20 + 5;
    expect(DECODE_MALFORMED, frame);
}

static void test_ipv6_extension_headers(void)
{
    struct blob chain = join(hex("3c 00 0104 00000000"                  /* hop-by-hop */
                                 "2b 01 0104 00000000 0000000000000000" /* destination options */
                                 "87 00 0000 00000000"                  /* routing */
                                 "2c 00 0000 00000000"                  /* mobility */
                                 "11 00 0000 00000009"),                /* atomic fragment */
                             inner_udp());
    struct blob frame = ethernet(0x86dd, ipv6_full("2001:db8::50", "2001:db8::11", 0, chain));
    expect(DECODED, frame);
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_FALSE(packet.is_fragmented);
    TEST_ASSERT_EQUAL_INT(16, packet.payload.left);
    for (size_t caplen = 0; caplen < frame.size - 16; caplen++)
        TEST_ASSERT_EQUAL_INT(DECODE_CUT, decode_part(decoder, 1, frame.at, caplen, frame.size, 1, &packet));

    expect(DECODED, ethernet(0x86dd, ipv6(59, hex(""))));
    TEST_ASSERT_EQUAL_INT(59, packet.protocol);
    TEST_ASSERT_FALSE(packet.is_doubtful_length);
    expect(DECODE_MALFORMED, ethernet(0x86dd, ipv6(0, hex("3c 09 0000 00000000"))));
    /* These numbers mean nothing in IPv4. */
    expect(DECODED, ethernet(0x0800, ipv4(60, filler(20, 0))));
    TEST_ASSERT_EQUAL_INT(60, packet.protocol);
}

static void test_esp(void)
{
    expect(DECODED, ethernet(0x0800, ipv4(50, join(hex("c0ffee01 00000007"), filler(40, 9)))));
    TEST_ASSERT_EQUAL_INT(50, packet.protocol);
    TEST_ASSERT_EQUAL_HEX32(0xc0ffee01, packet.esp_spi);
    TEST_ASSERT_EQUAL_INT(7, packet.esp_sequence);
    TEST_ASSERT_EQUAL_INT(48, packet.payload.left);
    expect(DECODE_MALFORMED, ethernet(0x0800, ipv4(50, hex("c0ffee01 0000"))));
    expect(DECODED, inner_ethernet());
    TEST_ASSERT_EQUAL_INT(0, packet.esp_spi);
    TEST_ASSERT_EQUAL_INT(0, packet.ah_spi);
}

static void test_ah(void)
{
    const char *icv = "000102030405060708090a0b";
    struct blob header = join(hex("11 04 0000 a0a0a0a0 00000001"), hex(icv));
    expect(DECODED, ethernet(0x0800, ipv4(51, join(header, inner_udp()))));
    TEST_ASSERT_EQUAL_HEX32(0xa0a0a0a0, packet.ah_spi);
    TEST_ASSERT_EQUAL_INT(17, packet.protocol);
    /* Nothing to read inside: compressed, and nothing at all. */
    static const uint8_t unreadable[] = {108, 59, 253};
    for (size_t i = 0; i < 3; i++) {
        header.at[0] = unreadable[i];
        expect(DECODED, ethernet(0x0800, ipv4(51, join(header, filler(20, 0)))));
        TEST_ASSERT_EQUAL_INT(51, packet.protocol);
        TEST_ASSERT_EQUAL_HEX32(0xa0a0a0a0, packet.ah_spi);
        TEST_ASSERT_EQUAL_INT(44, packet.payload.left);
        TEST_ASSERT_EQUAL_STRING("", layers());
    }
    header.at[0] = 50;
    expect(DECODED, ethernet(0x0800, ipv4(51, join(header, hex("c0ffee01 00000007 00000000")))));
    TEST_ASSERT_EQUAL_INT(50, packet.protocol);
    TEST_ASSERT_EQUAL_HEX32(0xc0ffee01, packet.esp_spi);
    TEST_ASSERT_EQUAL_STRING("ah", layers());
    header.at[1] = 0;
    expect(DECODE_MALFORMED, ethernet(0x0800, ipv4(51, join(header, inner_udp()))));
    header.at[1] = 60;
    expect(DECODE_MALFORMED, ethernet(0x0800, ipv4(51, join(header, inner_udp()))));
}

static void test_sctp_and_others(void)
{
    expect(DECODED, ethernet(0x0800, ipv4(132, hex("0b59 0b5a 00000001 00000000 00030010"))));
    TEST_ASSERT_EQUAL_INT(132, packet.protocol);
    TEST_ASSERT_EQUAL_INT(2905, packet.source_port);
    TEST_ASSERT_EQUAL_INT(2906, packet.destination_port);
    expect(DECODED, ethernet(0x0800, ipv4(2, filler(8, 0x16))));
    TEST_ASSERT_EQUAL_INT(2, packet.protocol);
    TEST_ASSERT_EQUAL_INT(0, packet.source_port);
    TEST_ASSERT_EQUAL_INT(8, packet.payload.left);
}

static void expect_quoted(const char *source, uint16_t source_port, uint16_t destination_port,
                          uint8_t protocol)
{
    struct addr wanted;
    addr_parse(source, &wanted);
    TEST_ASSERT_TRUE(packet.has_quoted);
    TEST_ASSERT_TRUE(addr_equal(&wanted, &packet.quoted.source));
    TEST_ASSERT_EQUAL_INT(source_port, packet.quoted.source_port);
    TEST_ASSERT_EQUAL_INT(destination_port, packet.quoted.destination_port);
    TEST_ASSERT_EQUAL_INT(protocol, packet.quoted.protocol);
}

static void test_icmp(void)
{
    struct blob quoted = inner_ipv4();
    quoted.size = 28;
    struct blob frame = ethernet(0x0800, ipv4(1, join(hex("030d 1234 00000000"), quoted)));
    expect(DECODED, frame);
    TEST_ASSERT_EQUAL_INT(1, packet.protocol);
    TEST_ASSERT_EQUAL_INT(3, packet.icmp_type);
    TEST_ASSERT_EQUAL_INT(13, packet.icmp_code);
    TEST_ASSERT_EQUAL_HEX16(0x1234, packet.checksum);
    TEST_ASSERT_EQUAL_INT(36, packet.payload.left);
    TEST_ASSERT_EQUAL_INT(0, packet.source_port);
    expect_quoted("10.20.0.50", 50040, 3478, 17);
    /* Cut before the quoted ports, then before the quoted addresses. */
    TEST_ASSERT_EQUAL_INT(DECODED,
                          decode_part(decoder, 1, frame.at, 14 + 20 + 8 + 22, frame.size, 1, &packet));
    expect_quoted("10.20.0.50", 0, 0, 17);
    TEST_ASSERT_EQUAL_INT(DECODED,
                          decode_part(decoder, 1, frame.at, 14 + 20 + 8 + 19, frame.size, 1, &packet));
    TEST_ASSERT_FALSE(packet.has_quoted);
    TEST_ASSERT_EQUAL_INT(DECODE_CUT, decode_part(decoder, 1, frame.at, 14 + 20 + 3, frame.size, 1, &packet));
    /* A later fragment has no ports; an echo quotes nothing. */
    struct blob fragment = ipv4_full("10.20.0.50", "10.20.0.11", 17, 1, 0x00b9, filler(8, 0));
    expect(DECODED, ethernet(0x0800, ipv4(1, join(hex("0b01 1234 00000000"), fragment))));
    expect_quoted("10.20.0.50", 0, 0, 17);
    expect(DECODED, ethernet(0x0800, ipv4(1, join(hex("0800 1234 00010001"), quoted))));
    TEST_ASSERT_FALSE(packet.has_quoted);
}

static void test_icmpv6(void)
{
    struct blob frame = ethernet(0x86dd, ipv6(58, join(hex("0101 1234 00000000"), inner_ipv6())));
    expect(DECODED, frame);
    TEST_ASSERT_EQUAL_INT(1, packet.icmp_type);
    TEST_ASSERT_EQUAL_INT(1, packet.icmp_code);
    expect_quoted("2001:db8::50", 50040, 3478, 17);
    struct blob chain = ipv6_full("2001:db8::50", "2001:db8::11", 0,
                                  join(hex("2c 00 0104 00000000 11 00 0001 00000007"), inner_udp()));
    expect(DECODED, ethernet(0x86dd, ipv6(58, join(hex("0104 1234 00000000"), chain))));
    expect_quoted("2001:db8::50", 50040, 3478, 17);
    expect(DECODED, ethernet(0x86dd, ipv6(58, join(hex("8000 1234 00000000"), inner_ipv6()))));
    TEST_ASSERT_FALSE(packet.has_quoted);
}

static void test_not_ip(void)
{
    expect(DECODE_NOT_IP, ethernet(0x0806, filler(28, 0)));
    expect(DECODE_NOT_IP, ethernet(0x88cc, filler(28, 0)));
    expect(DECODE_NOT_IP, ethernet(0x8863, filler(28, 0)));
    expect(DECODE_NOT_IP, ethernet(0x8100, hex("0064 0806 0000")));
    expect(DECODE_NOT_IP, ethernet(38, join(hex("424203"), filler(35, 0))));
    expect(DECODE_NOT_IP, ethernet(0x8864, hex("1100 0007 0004 c021 0101")));
    expect(DECODE_NOT_IP, ethernet(0x8847, join(hex("00064140 10"), filler(40, 0))));
    TEST_ASSERT_EQUAL_INT(DECODE_NOT_IP,
                          decode_blob(decoder, 0, join(hex("07000000"), filler(40, 0)), &packet));
    const struct {
        uint16_t linktype;
        struct blob frame;
    } others[] = {
        {10, join(join(hex("41"), filler(12, 2)),
                  join(hex("aaaa03 000000 0800"), inner_ipv4()))},        /* station management */
        {7, join(hex("be 00 d5 00 0165"), inner_ipv4())},                 /* ARP */
        {129, join(hex("be 00 ed08 d4 01 0167"), inner_ipv4())},          /* the first part of a packet */
        {105, wifi("8000", "1000")},                                      /* a beacon */
        {105, hex("d400 0000 020000000001")},                             /* an acknowledgement */
        {105, wifi("4801", "1000")},                                      /* data without data */
        {192, join(hex("00 00 0800 ffff0100"), filler(60, 0))},           /* no such link type */
        {192, join(hex("00 00 0800 e7000000"), filler(60, 0))},           /* one that is not read */
        {149, join(hex("6c000000 02000000 01000000"), filler(96, 0))},    /* another kind */
        {149, join(hex("0c000000 01000000 01000000"), inner_ethernet())}, /* too short a header */
        {149, inner_ethernet()},                                          /* another use of the number */
        {239, hex("0200 0001 0800 0100 0800 0101 0500 0a00 7a000000")},   /* without a packet */
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        TEST_ASSERT_EQUAL_STRING(
            "not-ip", decode_result_name(decode_blob(decoder, others[i].linktype, others[i].frame, &packet)));
}

static void test_opaque(void)
{
    expect(DECODE_OPAQUE, ethernet(0x88e5, filler(40, 0)));
    expect(DECODE_OPAQUE, ethernet(0x8864, hex("1100 0007 0006 00fd 01020304")));
    static const char *const frames[][2] = {
        {"0841", "1000"},      /* encrypted */
        {"0805", "1000"},      /* first fragment */
        {"0801", "1100"},      /* last fragment */
        {"8801", "1000 8000"}, /* aggregate */
    };
    for (size_t i = 0; i < 4; i++)
        TEST_ASSERT_EQUAL_INT(DECODE_OPAQUE,
                              decode_blob(decoder, 105, wifi(frames[i][0], frames[i][1]), &packet));
}

static void test_malformed(void)
{
    expect(DECODE_MALFORMED, hex("020000000002 0200"));
    struct blob frame = inner_ethernet();
    frame.at[14] = 0x55; /* version */
    expect(DECODE_MALFORMED, frame);
    frame.at[14] = 0x44; /* header of 16 bytes */
    expect(DECODE_MALFORMED, frame);
    frame = inner_ethernet();
    frame.at[17] = 19; /* total below the header */
    expect(DECODE_MALFORMED, frame);
    frame = inner_ethernet();
    frame.at[14 + 20 + 5] = 7; /* UDP length below its header */
    expect(DECODE_MALFORMED, frame);
    frame.at[14 + 20 + 5] = 25; /* and above what IP has */
    expect(DECODE_MALFORMED, frame);
    frame = ethernet(0x0800, ipv4(6, tcp(1, 2, hex(""))));
    frame.at[14 + 20 + 12] = 0x40; /* TCP header of 16 bytes */
    expect(DECODE_MALFORMED, frame);
    frame.at[14 + 20 + 12] = 0x60; /* longer than the packet */
    expect(DECODE_MALFORMED, frame);
    expect(DECODE_MALFORMED, ethernet(0x0800, ipv4(6, filler(12, 0))));
    expect(DECODE_MALFORMED, ethernet(0x0800, ipv4(17, filler(7, 0))));
    /* A cut does not excuse lengths that are wrong whatever followed. */
    frame = inner_ethernet();
    frame.at[14] = 0x4f;
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_part(decoder, 1, frame.at, 40, 100, 1, &packet));
    frame = ethernet(0x86dd, ipv6(0, join(hex("11 09 0104 00000000"), inner_udp())));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_part(decoder, 1, frame.at, 60, frame.size, 1, &packet));
    frame = ethernet(0x0800, ipv4(51, join(hex("11 00 0000 a0a0a0a0 00000001"), inner_udp())));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_part(decoder, 1, frame.at, 60, frame.size, 1, &packet));
    expect(DECODE_MALFORMED, ethernet(0x8864, join(hex("2100 0007 002e 0021"), inner_ipv4())));
    expect(DECODE_MALFORMED, ethernet(0x8100, hex("00")));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_blob(decoder, 101, hex("50"), &packet));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_blob(decoder, 228, inner_ipv6(), &packet));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_blob(decoder, 229, inner_ipv4(), &packet));
    static const char *const radiotap[] = {
        "01 00 0800 00000000",    /* version */
        "00 00 0700 00000000",    /* too short */
        "00 00 0800 02000000",    /* flags that are not there */
        "00 00 0900 02000000 50", /* the radio says that the frame is damaged */
        "00 00 0c00 00000080 00000080",
    };
    for (size_t i = 0; i < sizeof(radiotap) / sizeof(radiotap[0]); i++) {
        struct blob radio = join(hex(radiotap[i]), wifi("0801", "1000"));
        TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_blob(decoder, 127, radio, &packet));
    }
    struct blob log = join(hex("0200 0001 0800 0100 0800 0101 0300 0a00"), filler(40, 0));
    TEST_ASSERT_EQUAL_INT(DECODE_MALFORMED, decode_blob(decoder, 239, log, &packet));
}

static void test_too_deep(void)
{
    struct blob nested = inner_ipv4();
    for (unsigned i = 0; i < 16; i++)
        nested = ipv4(4, nested);
    expect(DECODED, ethernet(0x0800, nested));
    TEST_ASSERT_TRUE(is_inner(&packet));
    TEST_ASSERT_EQUAL_INT(16, packet.layer_count);
    expect(DECODE_TOO_DEEP, ethernet(0x0800, ipv4(4, nested)));

    struct blob tags = inner_ipv4();
    for (unsigned i = 0; i < 8; i++)
        tags = join(join(number(i + 1, 2), number(i ? 0x8100 : 0x0800, 2)), tags);
    expect(DECODED, ethernet(0x8100, tags));
    expect(DECODE_TOO_DEEP, ethernet(0x8100, join(hex("0009 8100"), tags)));

    struct blob labels = {0};
    for (unsigned i = 0; i < 124; i++)
        labels = join(labels, hex("00064040"));
    expect(DECODE_TOO_DEEP, ethernet(0x8847, join(join(labels, hex("00064140")), inner_ipv4())));
    struct blob headers = inner_ethernet(); /* link headers inside link headers */
    for (unsigned i = 0; i < 100; i++)
        headers = join(hex(i ? "00 00 0800 c0000000" : "00 00 0800 01000000"), headers);
    TEST_ASSERT_EQUAL_INT(DECODE_TOO_DEEP, decode_blob(decoder, 192, headers, &packet));

    labels.size = 80;
    expect(DECODED, ethernet(0x8847, join(join(labels, hex("00064140")), inner_ipv4())));
}

static void test_unknown_link(void)
{
    TEST_ASSERT_EQUAL_INT(DECODE_UNKNOWN_LINK, decode_blob(decoder, 147, inner_ethernet(), &packet));
    TEST_ASSERT_FALSE(decode_reads_linktype(147));
    TEST_ASSERT_FALSE(decode_reads_linktype(-1));
    TEST_ASSERT_TRUE(decode_reads_linktype(1));
    TEST_ASSERT_TRUE(decode_reads_linktype(276));
}

static void test_counters(void)
{
    expect(DECODED, inner_ethernet());
    expect(DECODED, ethernet(0x88a8, join(hex("0064 8100 00c8 0800"), inner_ipv4())));
    expect(DECODED, over_udp(4789, "08000000 00138900", inner_ethernet()));
    expect(DECODE_NOT_IP, ethernet(0x0806, filler(28, 0)));
    expect(DECODE_NOT_IP, ethernet(0x8100, hex("0064 0806 0000")));
    const struct decoder_counters *counters = decoder_counters(decoder);
    TEST_ASSERT_EQUAL_INT(3, counters->results[DECODED]);
    TEST_ASSERT_EQUAL_INT(2, counters->results[DECODE_NOT_IP]);
    TEST_ASSERT_EQUAL_INT(1, counters->layers[LAYER_NONE]);
    TEST_ASSERT_EQUAL_INT(2, counters->layers[LAYER_VLAN]);
    TEST_ASSERT_EQUAL_INT(1, counters->layers[LAYER_VXLAN]);
}

static void test_every_name_is_there(void)
{
    for (int i = 0; i < LAYER_COUNT; i++)
        TEST_ASSERT_NOT_NULL(layer_name((enum layer)i));
    for (int i = 0; i < DECODE_RESULT_COUNT; i++)
        TEST_ASSERT_NOT_NULL(decode_result_name((enum decode_result)i));
}

/* Every byte of every frame changed in turn: whatever comes out, nothing is read that is not there. */
static void test_changed_bytes(void)
{
    static const uint8_t changes[] = {0x00, 0xff, 0x01, 0x80};
    for (size_t i = 0; i < encapsulation_count; i++) {
        for (size_t at = 0; at < encapsulations[i].frame.size; at++) {
            for (size_t k = 0; k < sizeof(changes); k++) {
                struct blob frame = encapsulations[i].frame;
                frame.at[at] = k < 2 ? changes[k] : frame.at[at] ^ changes[k];
                enum decode_result result = decode_blob(decoder, encapsulations[i].linktype, frame, &packet);
                TEST_ASSERT_TRUE(result < DECODE_RESULT_COUNT);
                TEST_ASSERT_TRUE(result != DECODED || packet.payload.left <= packet.payload_wirelen);
            }
        }
    }
}

int main(void)
{
    add_link_types();
    add_wifi();
    add_ethernet_tags();
    add_labels();
    add_ip_tunnels();
    add_udp_tunnels();
    UNITY_BEGIN();
    RUN_TEST(test_every_encapsulation_gives_the_inner_packet);
    RUN_TEST(test_every_encapsulation_cut_at_every_length);
    RUN_TEST(test_every_encapsulation_shortened_on_the_wire);
    RUN_TEST(test_teredo);
    RUN_TEST(test_answers_come_from_a_tunnels_port);
    RUN_TEST(test_a_tunnel_port_alone_is_ordinary_udp);
    RUN_TEST(test_a_cut_datagram_on_a_tunnel_port);
    RUN_TEST(test_random_payloads_are_no_tunnels);
    RUN_TEST(test_the_tunnel_itself_where_no_ip_is_inside);
    RUN_TEST(test_vlan_ids);
    RUN_TEST(test_tcp_fields);
    RUN_TEST(test_tcp_cut_in_its_options);
    RUN_TEST(test_padding_is_no_payload);
    RUN_TEST(test_a_tunnels_length_bounds_the_payload);
    RUN_TEST(test_no_length_means_offload);
    RUN_TEST(test_a_packet_longer_than_its_frame);
    RUN_TEST(test_ipv6_extension_headers);
    RUN_TEST(test_esp);
    RUN_TEST(test_ah);
    RUN_TEST(test_sctp_and_others);
    RUN_TEST(test_icmp);
    RUN_TEST(test_icmpv6);
    RUN_TEST(test_not_ip);
    RUN_TEST(test_opaque);
    RUN_TEST(test_malformed);
    RUN_TEST(test_too_deep);
    RUN_TEST(test_unknown_link);
    RUN_TEST(test_counters);
    RUN_TEST(test_every_name_is_there);
    RUN_TEST(test_changed_bytes);
    return UNITY_END();
}
