/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_community_id.c - the Community ID against the values of its specification and of other tools, from
 * both directions of a flow.
 */
#include "rolecall/event.h"
#include "unity.h"

#include <stdlib.h>
#include <string.h>

static char id[COMMUNITY_ID_SIZE];

void setUp(void)
{
    memset(id, '#', sizeof id);
}

void tearDown(void)
{
}

static void check_way(const char *source, uint16_t source_port, const char *destination,
                      uint16_t destination_port, uint8_t protocol, const char *expected)
{
    struct addr from, to;
    struct flow_key key;
    unsigned side;
    char *exact = malloc(COMMUNITY_ID_SIZE); /* a sanitizer sees what is written beyond */
    TEST_ASSERT_TRUE(addr_parse(source, &from) && addr_parse(destination, &to));
    flow_key_of(&from, &to, source_port, destination_port, protocol, &key, &side);
    community_id(&key, exact);
    memcpy(id, exact, sizeof id);
    free(exact);
    TEST_ASSERT_NOT_NULL(memchr(id, '\0', sizeof id));
    TEST_ASSERT_EQUAL_STRING_MESSAGE(expected, id, source);
}

static void check(const char *source, uint16_t source_port, const char *destination,
                  uint16_t destination_port, uint8_t protocol, const char *expected)
{
    check_way(source, source_port, destination, destination_port, protocol, expected);
    check_way(destination, destination_port, source, source_port, protocol, expected);
}

static void test_values_of_the_specification(void)
{
    check("128.232.110.120", 34855, "66.35.250.204", 80, IP_TCP, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    check("192.168.1.52", 54585, "8.8.8.8", 53, IP_UDP, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    check("192.168.170.8", 7, "192.168.170.56", 80, IP_SCTP, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
    check("10.1.24.4", 0, "10.1.12.1", 0, 46, "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4=");
}

static void test_ports_are_big_endian(void)
{
    check("10.0.0.1", 10, "10.0.0.2", 11569, IP_TCP, "1:SXBGMX1lBOwhhoDrZynfROxnhnM=");
    check("10.20.0.50", 49200, "10.20.0.11", 5061, IP_TCP, "1:g/adELz7MLyxr8RHimE+Q7kecEQ=");
    check("10.20.0.11", 50040, "10.20.0.12", 49160, IP_UDP, "1:BkD6kQz6jF92IshSwpS3omvHutQ=");
}

static void test_one_address_with_itself_is_ordered_by_port(void)
{
    check("10.0.0.1", 300, "10.0.0.1", 5000, IP_UDP, "1:Pcjr4kDgZAwnquaqp2FFQkCPT7M=");
}

static void test_ipsec_has_no_ports(void)
{
    check("10.20.0.11", 0, "10.20.0.12", 0, IP_ESP, "1:cbduNKvHMmtjpaZ0IexEf+AbCzI=");
    check("10.20.0.11", 0, "10.20.0.12", 0, IP_AH, "1:5hFceJsBNwxmZaFpxFXgzNI6dj4=");
    check("2001:db8::11", 0, "2001:db8::12", 0, IP_ESP, "1:ElaVXxXRPqM1HYv0cz/ouFA25bU=");
}

static void test_version_6(void)
{
    check("2001:db8::11", 50040, "2001:db8::12", 3478, IP_UDP, "1:PglcIqZa20ZVCXcC3hzX19UHhhI=");
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_values_of_the_specification);
    RUN_TEST(test_ports_are_big_endian);
    RUN_TEST(test_one_address_with_itself_is_ordered_by_port);
    RUN_TEST(test_ipsec_has_no_ports);
    RUN_TEST(test_version_6);
    return UNITY_END();
}
