/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_dns_message.c - the walk through a message of the DNS format: names, pointers, records, ends.
 */
#include "asked.h"
#include "proto/dns_message.h"

void setUp(void)
{
}

void tearDown(void)
{
}

#define HEADER   "1234 0100 0001 0000 0000 0000 "
#define RESPONSE "1234 8180 0001 0001 0000 0000 "
#define QUESTION "04'pool' 07'contoso' 07'example' 00 0001 0001 "
#define RECORD   "c00c 0001 0001 0000003c 0004 c0000201 "

static struct dns_message read_hex(const char *hex)
{
    struct payload payload = payload_of(hex);
    struct dns_message message;
    dns_message_read(bytes_of(payload.at, payload.size), &message);
    return message;
}

static void assert_name(const char *expected, const struct dns_message *message)
{
    TEST_ASSERT_TRUE(message->has_name);
    TEST_ASSERT_EQUAL_UINT(strlen(expected), message->name_size);
    if (message->name_size > 0)
        TEST_ASSERT_EQUAL_MEMORY(expected, message->name, message->name_size);
}

static void test_query_and_response_close(void)
{
    struct dns_message message = read_hex(HEADER QUESTION);
    TEST_ASSERT_EQUAL_UINT(DNS_CLOSED, message.walk);
    TEST_ASSERT_EQUAL_HEX16(0x1234, message.id);
    TEST_ASSERT_EQUAL_HEX16(0x0100, message.flags);
    assert_name("pool.contoso.example", &message);
    message = read_hex(RESPONSE QUESTION RECORD);
    TEST_ASSERT_EQUAL_UINT(DNS_CLOSED, message.walk);
    TEST_ASSERT_EQUAL_UINT(1, message.answers);
}

static void test_the_root_is_a_name(void)
{
    struct dns_message message = read_hex(HEADER "00 0002 0001");
    TEST_ASSERT_EQUAL_UINT(DNS_CLOSED, message.walk);
    assert_name("", &message);
}

static void test_a_header_alone_closes_but_has_no_name(void)
{
    struct dns_message message = read_hex("1234 8183 0000 0000 0000 0000");
    TEST_ASSERT_EQUAL_UINT(DNS_CLOSED, message.walk);
    TEST_ASSERT_FALSE(message.has_name);
    message = read_hex("1234 8183 0000 0000 0000 0000 00"); /* nothing is there to be padded */
    TEST_ASSERT_EQUAL_UINT(DNS_WRONG, message.walk);
}

static void test_the_first_entry_may_be_right_where_the_message_is_not(void)
{
    static const char *const begun[] = {HEADER QUESTION "00",
                                        "1234 0100 0002 0000 0000 0000" QUESTION "c00c 0000 0001",
                                        RESPONSE QUESTION "c00c 0109 0001 0000003c 0000"};
    for (unsigned i = 0; i < sizeof begun / sizeof begun[0]; i++) {
        struct dns_message message = read_hex(begun[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(DNS_WRONG, message.walk, begun[i]);
        TEST_ASSERT_TRUE(message.has_entry);
        assert_name("pool.contoso.example", &message);
    }
    struct dns_message message = read_hex(HEADER "04'pool' 00 0001 0002");
    TEST_ASSERT_TRUE(message.has_name && !message.has_entry);
}

static void test_a_message_that_ends_too_early(void)
{
    static const char *const early[] = {HEADER, HEADER "04'pool' 07'conto'", HEADER "04'pool' 00 0001 00",
                                        RESPONSE QUESTION "c00c 0001 0001 0000003c 0005 c0000201"};
    for (unsigned i = 0; i < sizeof early / sizeof early[0]; i++)
        TEST_ASSERT_EQUAL_UINT_MESSAGE(DNS_ENDED, read_hex(early[i]).walk, early[i]);
}

static void test_a_first_name_that_points_is_wrong_at_once(void)
{
    struct payload payload = payload_of(HEADER "c0");
    struct dns_message message;
    dns_message_read(bytes_captured(payload.at, payload.size, 40), &message);
    TEST_ASSERT_EQUAL_UINT(DNS_WRONG, message.walk);
}

static void test_wrong_messages(void)
{
    static const char *const wrong[] = {
        HEADER "c00c 0001 0001",                          /* points to itself */
        HEADER "c00e 0001 0001",                          /* points ahead */
        HEADER "04'pool' c00b 0001 0001",                 /* points into the header */
        HEADER "40 0001 0001",                            /* neither label nor pointer */
        HEADER "04'pool' 00 0000 0001",                   /* no type */
        HEADER "04'pool' 00 0109 0001",                   /* a type nobody has */
        HEADER "04'pool' 00 0001 0002",                   /* a class nobody uses */
        "1234 8180 0001 7fff 0000 0000 " QUESTION RECORD, /* more records than any message can hold */
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct dns_message message = read_hex(wrong[i]);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(DNS_WRONG, message.walk, wrong[i]);
    }
}

static void test_names_are_at_most_255_bytes(void)
{
    for (unsigned last = 61; last <= 62; last++) { /* three labels of 63, one more, the root */
        struct payload payload = payload_of(HEADER);
        for (unsigned i = 0; i < 4; i++) {
            unsigned size = i < 3 ? 63 : last;
            payload_byte(&payload, size);
            payload_fill(&payload, 'a', size);
        }
        payload_add(&payload, "00 0001 0001");
        struct dns_message message;
        dns_message_read(bytes_of(payload.at, payload.size), &message);
        TEST_ASSERT_EQUAL_UINT(last == 61 ? DNS_CLOSED : DNS_WRONG, message.walk);
    }
}

static void test_a_cut_message_is_never_wrong(void)
{
    struct payload payload = payload_of(RESPONSE QUESTION RECORD);
    for (size_t caplen = 0; caplen < payload.size; caplen++) {
        struct dns_message message;
        dns_message_read(bytes_captured(payload.at, caplen, payload.size), &message);
        TEST_ASSERT_EQUAL_UINT(DNS_CUT, message.walk);
        TEST_ASSERT_EQUAL_UINT(caplen >= 12, message.has_header);
        TEST_ASSERT_EQUAL_UINT(caplen >= 34, message.has_name);
        TEST_ASSERT_EQUAL_UINT(caplen >= 13, message.has_kind);
    }
}

static void test_kinds_of_names(void)
{
    struct dns_message message = read_hex(HEADER "04'edge' 05'LOCAL' 00 0001 8001");
    TEST_ASSERT_TRUE(message.is_local);
    TEST_ASSERT_TRUE(message.has_high_class);
    message = read_hex(HEADER "04'edge' 06'slocal' 00 0001 0001");
    TEST_ASSERT_FALSE(message.is_local);
    message = read_hex(HEADER "01'1' 07'in-addr' 04'arpa' 00 000c 0001");
    TEST_ASSERT_TRUE(message.is_reverse);
    message = read_hex("1234 0120 0001 0000 0000 0001 " QUESTION "00 0029 1000 00000000 0000");
    TEST_ASSERT_TRUE(message.has_opt);
    TEST_ASSERT_EQUAL_UINT(DNS_CLOSED, message.walk);
}

static void test_netbios_names_are_decoded(void)
{
    struct dns_message message = read_hex(HEADER "20'FHFAEBEECACACACACACACACACACACAAA' 00 0020 0001");
    TEST_ASSERT_TRUE(message.is_netbios);
    assert_name("WPAD", &message);
    message = read_hex(HEADER "20'CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' 00 0021 0001");
    assert_name("*", &message);
    message = read_hex(HEADER "20'FHFAEBEECACACACACACACACACACACAAQ' 00 0020 0001"); /* Q is no letter of it */
    TEST_ASSERT_FALSE(message.is_netbios);
    TEST_ASSERT_EQUAL_UINT(32, message.name_size);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_query_and_response_close);
    RUN_TEST(test_the_root_is_a_name);
    RUN_TEST(test_a_header_alone_closes_but_has_no_name);
    RUN_TEST(test_the_first_entry_may_be_right_where_the_message_is_not);
    RUN_TEST(test_a_message_that_ends_too_early);
    RUN_TEST(test_a_first_name_that_points_is_wrong_at_once);
    RUN_TEST(test_wrong_messages);
    RUN_TEST(test_names_are_at_most_255_bytes);
    RUN_TEST(test_a_cut_message_is_never_wrong);
    RUN_TEST(test_kinds_of_names);
    RUN_TEST(test_netbios_names_are_decoded);
    return UNITY_END();
}
