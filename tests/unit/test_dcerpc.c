/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_dcerpc.c - DCE/RPC on connections and in datagrams, both byte orders, and what an endpoint mapper
 * teaches.
 */
#include "asked.h"

void setUp(void)
{
}
void tearDown(void)
{
}

#define MAPPER_LE "0883afe1 1f5d c911 91a4 08002b14a0fa "
#define NDR_LE    "045d888a eb1c c911 9fe8 08002b104860 02000000 "
#define BIND_LE                                                                                              \
    "05 00 0b 03 10000000 4800 0000 02000000 d016 d016 00000000 01 000000 0000 01 00 " MAPPER_LE             \
    "0300 0000 " NDR_LE
#define BIND_BE                                                                                              \
    "05 01 0b 03 00000000 0048 0000 00000002 16d0 16d0 00000000 01 000000 0000 01 00"                        \
    "367abb81 9844 35f1 ad32 98f038001003 0002 0000 8a885d04 1ceb 11c9 9fe8 08002b104860 00000002"
/* The address of the second end point "135" is three digits and a zero. */
#define BIND_ACK                                                                                             \
    "05 00 0c 03 10000000 3c00 0000 02000000 d016 d016 01000000 0400 '135' 00 0000 01 000000 0000 "          \
    "0000 " NDR_LE
#define REQUEST "05 00 00 03 10000000 1c00 0000 03000000 04000000 0000 0300 00000000"

/* A tower: RPC interface, transfer syntax, connection-oriented RPC, TCP port 49666, 192.0.2.7. */
#define TOWER                                                                                                \
    "0500 1300 0d 04000888ee66c9119fe808002b104860 0200 0200 0000"                                           \
    "1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000"                                                \
    "0100 0b 0200 0000 0100 07 0200 c202 0100 09 0400 c0000207 "
#define HANDLE "00000000 00000000000000000000000000000000 "

static struct payload response(const char *stub)
{
    struct payload payload = payload_of("05 00 02 03 10000000 0000 0000 03000000 00000000 0000 00 00");
    payload_add(&payload, stub);
    payload.at[8] = (uint8_t)payload.size;
    payload.at[9] = (uint8_t)(payload.size >> 8);
    return payload;
}

static struct payload narrow_map(void)
{
    return response(HANDLE "01000000 04000000 00000000 01000000 03000000 4b000000 4b000000 " TOWER
                           "00 00000000");
}

static struct asked after_bind(void)
{
    struct asked asked = asked_new(&proto_dcerpc, OVER_TCP);
    struct payload bind = payload_of(BIND_LE);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &bind));
    return asked;
}

static void assert_learned(const struct asked *asked)
{
    static const uint8_t address[4] = {192, 0, 2, 7};
    struct addr expected = addr_v4(address);
    TEST_ASSERT_EQUAL_UINT(1, asked->reply.learned_count);
    TEST_ASSERT_EQUAL_UINT(LEARNED_DCERPC, asked->reply.learned[0].kind);
    TEST_ASSERT_EQUAL_UINT(OVER_TCP, asked->reply.learned[0].transport);
    TEST_ASSERT_EQUAL_UINT(49666, asked->reply.learned[0].port);
    TEST_ASSERT_TRUE(asked->reply.learned[0].has_addr);
    TEST_ASSERT_TRUE(addr_equal(&expected, &asked->reply.learned[0].addr));
}

static void test_bind_in_both_byte_orders(void)
{
    struct payload little = payload_of(BIND_LE), big = payload_of(BIND_BE);
    struct asked asked = after_bind();
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(2, asked.reply.evidence);
    TEST_ASSERT_EQUAL_UINT(72, asked.reply.used);
    TEST_ASSERT_EQUAL_HEX(0x0500, asked.facts.version);
    ASSERT_TEXT("e1af8308-5d1f-11c9-91a4-08002b14a0fa", asked.facts.detail);
    asked = asked_new(&proto_dcerpc, OVER_TCP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &big));
    TEST_ASSERT_EQUAL_HEX(0x0501, asked.facts.version);
    ASSERT_TEXT("367abb81-9844-35f1-ad32-98f038001003", asked.facts.detail);
    assert_right_at_each_length(&proto_dcerpc, OVER_TCP, false, &little);
    assert_right_at_each_length(&proto_dcerpc, OVER_TCP, false, &big);
}

static void test_what_a_header_must_say(void)
{
    struct payload bind = payload_of(BIND_LE);
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 0, 4);
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 1, 2);
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 2, 1);    /* of datagrams only */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 2, 20);   /* no such type */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 4, 0x20); /* no such integers */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 5, 4);    /* no such floating point */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 7, 1);    /* reserved */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 8, 0x1b); /* smaller than a bind */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 10,
                   0x48);                                         /* more authentication than there is room */
    assert_matters(&proto_dcerpc, OVER_TCP, false, &bind, 24, 0); /* no interface */
}

static void test_mapper_teaches_a_port(void)
{
    struct payload ack = payload_of(BIND_ACK), request = payload_of(REQUEST), map = narrow_map();
    struct asked asked = after_bind();
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &ack));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_SERVER, asked.reply.speaker);
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.learned_count);
    TEST_ASSERT_FALSE(asked.reply.settled);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &request));
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &map));
    assert_learned(&asked);
    assert_right_at_each_length(&proto_dcerpc, OVER_TCP, false, &ack);
    assert_right_at_each_length(&proto_dcerpc, OVER_TCP, false, &map);
}

static void test_ndr64_and_repeated_towers(void)
{
    struct payload map =
        response(HANDLE "02000000 0400000000000000 0000000000000000 0200000000000000 0100000000000000"
                        "0200000000000000 4b00000000000000 4b000000 " TOWER "00"
                        "4b00000000000000 4b000000 " TOWER "00 00000000");
    struct asked asked = after_bind();
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &map));
    assert_learned(&asked);
}

static void test_what_teaches_nothing(void)
{
    struct payload map = narrow_map(), other = payload_of(BIND_BE);
    struct asked asked = asked_new(&proto_dcerpc, OVER_TCP); /* another interface may answer what it likes */
    asked_all(&asked, 0, &other);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &map));
    TEST_ASSERT_EQUAL_UINT(0, asked.reply.learned_count);
    struct payload offset = map, counted = map, tower = map, port = map;
    offset.at[24 + 28] = 1;
    counted.at[24 + 40] = 0x4a;
    tower.at[24 + 48 + 4] = 0x0c;
    port.at[24 + 48 + 62] = port.at[24 + 48 + 63] = 0;
    const struct payload *wrong[] = {&offset, &counted, &tower, &port};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        asked = after_bind();
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, wrong[i]));
        TEST_ASSERT_EQUAL_UINT_MESSAGE(0, asked.reply.learned_count,
                                       i == 0   ? "offset"
                                       : i == 1 ? "count"
                                       : i == 2 ? "tower"
                                                : "port");
    }
}

static void test_a_speaker_without_address(void)
{
    struct payload map = narrow_map();
    memset(map.at + 24 + 48 + 69, 0, 4);
    struct asked asked = after_bind();
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 1, &map));
    TEST_ASSERT_EQUAL_UINT(1, asked.reply.learned_count);
    TEST_ASSERT_FALSE(asked.reply.learned[0].has_addr);
}

static void test_from_the_middle_and_long_bodies(void)
{
    struct payload pdu = payload_of(REQUEST);
    struct asked asked = asked_new(&proto_dcerpc, OVER_TCP);
    pdu.at[8] = pdu.at[9] = 0xff;
    asked.in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &pdu));
    TEST_ASSERT_EQUAL_UINT(0xffff, asked.reply.used);
    pdu.at[0] = 6;
    asked = asked_new(&proto_dcerpc, OVER_TCP);
    asked.in_middle = true;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_all(&asked, 0, &pdu));
}

static void test_greeting_of_rpc_over_http(void)
{
    struct payload greeting = payload_of("'ncacn_http/1.0'");
    assert_right_at_each_length(&proto_dcerpc, OVER_TCP, false, &greeting);
    assert_matters(&proto_dcerpc, OVER_TCP, false, &greeting, 11, '2');
}

/* Of the connectionless header the numbers that depend on the byte order; two bytes of body. */
static struct payload datagram(const char *drep, const char *uuid, const char *length)
{
    char hex[512];
    snprintf(hex, sizeof hex,
             "04 00 20 00 %s 00 00000000000000000000000000000000 %s 0102030405060708090a0b0c0d0e0f10"
             "00000000 01000000 00000000 0100 ffff ffff %s 0000 00 00 aabb",
             drep, uuid, length);
    return payload_of(hex);
}

static void test_datagrams(void)
{
    struct payload little = datagram("100000", MAPPER_LE, "0200");
    struct payload big = datagram("000000", "e1af8308 5d1f 11c9 91a4 08002b14a0fa", "0002");
    struct asked asked = asked_new(&proto_dcerpc, OVER_UDP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &little));
    TEST_ASSERT_EQUAL_UINT(SPEAKER_CLIENT, asked.reply.speaker);
    ASSERT_TEXT("e1af8308-5d1f-11c9-91a4-08002b14a0fa", asked.facts.detail);
    asked = asked_new(&proto_dcerpc, OVER_UDP);
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &big));
    ASSERT_TEXT("e1af8308-5d1f-11c9-91a4-08002b14a0fa", asked.facts.detail);
    assert_right_at_each_length(&proto_dcerpc, OVER_UDP, false, &big);
    assert_matters(&proto_dcerpc, OVER_UDP, false, &big, 0, 5);
    assert_matters(&proto_dcerpc, OVER_UDP, false, &big, 1, 11);
    assert_matters(&proto_dcerpc, OVER_UDP, false, &big, 3, 1);
    assert_matters(&proto_dcerpc, OVER_UDP, false, &big, 4, 0x40);
    assert_matters(&proto_dcerpc, OVER_UDP, false, &big, 6, 1);
    assert_matters(&proto_dcerpc, OVER_UDP, false, &big, 75, 3);
    for (unsigned type = 0; type < 11; type++) { /* a fragment may be acknowledged by either */
        static const char speakers[] = "CCSSSSSCCUC";
        struct payload other = big;
        other.at[1] = (uint8_t)type;
        asked = asked_new(&proto_dcerpc, OVER_UDP);
        TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_all(&asked, 0, &other));
        TEST_ASSERT_EQUAL_UINT(speakers[type] == 'C'   ? SPEAKER_CLIENT
                               : speakers[type] == 'S' ? SPEAKER_SERVER
                                                       : SPEAKER_UNKNOWN,
                               asked.reply.speaker);
    }
    struct payload authenticated = big; /* a verifier follows the body */
    authenticated.at[75] = 1;
    authenticated.at[78] = 1;
    TEST_ASSERT_EQUAL_UINT(PROTO_YES, asked_first(&proto_dcerpc, OVER_UDP, &authenticated));
    authenticated.at[75] = 3;
    TEST_ASSERT_EQUAL_UINT(PROTO_NO, asked_first(&proto_dcerpc, OVER_UDP, &authenticated));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_bind_in_both_byte_orders);
    RUN_TEST(test_what_a_header_must_say);
    RUN_TEST(test_mapper_teaches_a_port);
    RUN_TEST(test_ndr64_and_repeated_towers);
    RUN_TEST(test_what_teaches_nothing);
    RUN_TEST(test_a_speaker_without_address);
    RUN_TEST(test_from_the_middle_and_long_bodies);
    RUN_TEST(test_greeting_of_rpc_over_http);
    RUN_TEST(test_datagrams);
    return UNITY_END();
}
