/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_addr.c - addresses and prefixes: one form for both families, text both ways, the classes of address
 * that never take a role, and the edges of a prefix.
 */
#include "rolecall/addr.h"
#include "unity.h"

void setUp(void)
{
}

void tearDown(void)
{
}

static struct addr addr(const char *text)
{
    struct addr a;
    TEST_ASSERT_TRUE_MESSAGE(addr_parse(text, &a), text);
    return a;
}

static struct prefix prefix(const char *text)
{
    struct prefix p;
    bool host_bits;
    TEST_ASSERT_TRUE_MESSAGE(prefix_parse(text, &p, &host_bits), text);
    TEST_ASSERT_FALSE(host_bits);
    return p;
}

static bool contains(const char *prefix_given, const char *address)
{
    struct prefix p = prefix(prefix_given);
    struct addr a = addr(address);
    return prefix_contains(&p, &a);
}

static void test_both_families_in_one_form(void)
{
    static const uint8_t four[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 50};
    struct addr a = addr("192.0.2.50"), mapped = addr("::ffff:192.0.2.50");
    TEST_ASSERT_EQUAL_MEMORY(four, a.bytes, 16);
    TEST_ASSERT_TRUE(addr_equal(&a, &mapped) && addr_is_v4(&a));
    unsigned size;
    TEST_ASSERT_EQUAL_MEMORY(four + 12, addr_wire(&a, &size), 4);
    TEST_ASSERT_EQUAL_UINT(4, size);
    struct addr v6 = addr("2001:db8::11"), compatible = addr("::192.0.2.50");
    TEST_ASSERT_TRUE(addr_wire(&v6, &size) == v6.bytes);
    TEST_ASSERT_EQUAL_UINT(16, size);
    TEST_ASSERT_FALSE(addr_is_v4(&v6) || addr_is_v4(&compatible));
    TEST_ASSERT_FALSE(addr_equal(&a, &compatible));
}

static void test_order_is_that_of_the_bytes(void)
{
    struct addr low = addr("10.0.0.2"), high = addr("10.0.0.10"), six = addr("2001:db8::1");
    TEST_ASSERT_TRUE(addr_compare(&low, &high) < 0 && addr_compare(&high, &low) > 0);
    TEST_ASSERT_TRUE(addr_compare(&high, &six) < 0);
    TEST_ASSERT_EQUAL_INT(0, addr_compare(&low, &low));
}

static void test_text_both_ways(void)
{
    static const char *const same[] = {
        "0.0.0.0", "255.255.255.255", "10.20.0.50", "::",
        "::1",     "2001:db8::11",    "fe80::1",    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
    char text[ADDR_TEXT_SIZE];
    for (unsigned i = 0; i < sizeof same / sizeof *same; i++) {
        struct addr a = addr(same[i]);
        TEST_ASSERT_EQUAL_STRING(same[i], addr_text(&a, text));
    }
    struct addr long_form = addr("2001:0DB8:0:0:0:0:0:0011"), mapped = addr("::ffff:10.0.0.1");
    TEST_ASSERT_EQUAL_STRING("2001:db8::11", addr_text(&long_form, text));
    TEST_ASSERT_EQUAL_STRING("10.0.0.1", addr_text(&mapped, text));
}

static void test_what_is_no_address(void)
{
    static const char *const wrong[] = {
        "",        "10.0.0",       "10.0.0.256", "10.0.0.1 ", " 10.0.0.1", "10.0.0.01",  "10.0.0.1:80",
        "1::2::3", "fe80::1%eth0", "12345::",    "[::1]",     "host",      "0x0a000001", "10.0.0.0/8"};
    struct addr a;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        TEST_ASSERT_FALSE_MESSAGE(addr_parse(wrong[i], &a), wrong[i]);
}

typedef bool addr_class(const struct addr *a);

/* The first list ends with NULL, and so does the second: what is in the class, and what lies next to it. */
static void check_class(addr_class *is, const char *const *in, const char *const *out)
{
    for (; *in; in++) {
        struct addr a = addr(*in);
        TEST_ASSERT_TRUE_MESSAGE(is(&a), *in);
    }
    for (; *out; out++) {
        struct addr a = addr(*out);
        TEST_ASSERT_FALSE_MESSAGE(is(&a), *out);
    }
}

#define IN(...)  ((const char *const[]){__VA_ARGS__, NULL})
#define OUT(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_classes_and_their_edges(void)
{
    check_class(addr_is_unspecified, IN("0.0.0.0", "::"), OUT("0.0.0.1", "::1", "::ffff:0.0.0.1"));
    check_class(addr_is_loopback, IN("127.0.0.1", "127.255.255.255", "::1"),
                OUT("126.255.255.255", "128.0.0.0", "::2", "::"));
    check_class(addr_is_multicast, IN("224.0.0.0", "239.255.255.255", "ff02::fb"),
                OUT("223.255.255.255", "240.0.0.0", "255.255.255.255", "fe00::1"));
    check_class(addr_is_broadcast, IN("255.255.255.255"),
                OUT("10.0.0.255", "255.255.255.254", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    check_class(addr_is_link_local, IN("169.254.0.0", "169.254.255.255", "fe80::", "febf:ffff::1"),
                OUT("169.253.255.255", "169.255.0.0", "fe7f::1", "fec0::1", "168.254.0.0"));
    check_class(addr_is_private,
                IN("10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
                   "192.168.255.255", "100.64.0.0", "100.127.255.255", "fc00::1", "fdff::1"),
                OUT("9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "173.16.0.0", "192.167.0.1",
                    "192.169.0.0", "100.63.255.255", "100.128.0.0", "100.192.0.0", "fbff::1", "fe00::1"));
}

static void test_prefix_text_both_ways(void)
{
    static const struct {
        const char *given, *text;
        unsigned bits;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8", 104},
        {"10.20.4.0/22", "10.20.4.0/22", 118},
        {"0.0.0.0/0", "0.0.0.0/0", 96},
        {"192.0.2.1", "192.0.2.1/32", 128},
        {"192.0.2.1/32", "192.0.2.1/32", 128},
        {"2001:db8::/32", "2001:db8::/32", 32},
        {"::/0", "::/0", 0},
        {"::1", "::1/128", 128},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8", 104},
        {"2001:db8:ffff:ffff:ffff:ffff:ffff:fffe/127", "2001:db8:ffff:ffff:ffff:ffff:ffff:fffe/127", 127}};
    char text[PREFIX_TEXT_SIZE];
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct prefix p = prefix(cases[i].given);
        TEST_ASSERT_EQUAL_UINT_MESSAGE(cases[i].bits, p.bits, cases[i].given);
        TEST_ASSERT_EQUAL_STRING(cases[i].text, prefix_text(&p, text));
    }
}

static void test_what_is_no_prefix(void)
{
    static const char *const wrong[] = {"",
                                        "/8",
                                        "10.0.0.0/",
                                        "10.0.0.0/33",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/+8",
                                        "10.0.0.0/ 8",
                                        "10.0.0.0/8 ",
                                        "::/129",
                                        "10.0.0/8",
                                        "10.0.0.0/8/8",
                                        "10.0.0.0/99999999999999999999",
                                        "any",
                                        "00000000000000000000000000000000000000000000000000000000001/8"};
    struct prefix p;
    bool host_bits;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        TEST_ASSERT_FALSE_MESSAGE(prefix_parse(wrong[i], &p, &host_bits), wrong[i]);
        TEST_ASSERT_FALSE_MESSAGE(host_bits, wrong[i]);
    }
}

static void test_host_bits_are_told_apart(void)
{
    static const char *const set[] = {"10.0.0.1/8",     "10.20.5.0/22", "192.0.2.1/31",
                                      "2001:db8::1/64", "8000::/0",     "2001:db8::1/127"};
    struct prefix p;
    bool host_bits;
    for (unsigned i = 0; i < sizeof set / sizeof *set; i++) {
        TEST_ASSERT_FALSE_MESSAGE(prefix_parse(set[i], &p, &host_bits), set[i]);
        TEST_ASSERT_TRUE_MESSAGE(host_bits, set[i]);
    }
}

static void test_prefix_contains_up_to_its_edges(void)
{
    TEST_ASSERT_TRUE(contains("10.20.4.0/22", "10.20.4.0") && contains("10.20.4.0/22", "10.20.7.255"));
    TEST_ASSERT_FALSE(contains("10.20.4.0/22", "10.20.3.255") || contains("10.20.4.0/22", "10.20.8.0"));
    TEST_ASSERT_TRUE(contains("192.0.2.1", "192.0.2.1"));
    TEST_ASSERT_FALSE(contains("192.0.2.1", "192.0.2.0"));
    TEST_ASSERT_TRUE(contains("2001:db8:4::/64", "2001:db8:4::ffff:ffff:ffff:ffff"));
    TEST_ASSERT_FALSE(contains("2001:db8:4::/64", "2001:db8:4:1::"));
    TEST_ASSERT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
    TEST_ASSERT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

static void test_each_family_keeps_to_itself(void)
{
    TEST_ASSERT_TRUE(contains("0.0.0.0/0", "255.255.255.255") && contains("0.0.0.0/0", "0.0.0.0"));
    TEST_ASSERT_FALSE(contains("0.0.0.0/0", "2001:db8::1") || contains("0.0.0.0/0", "::1"));
    TEST_ASSERT_TRUE(contains("::/0", "2001:db8::1"));
    TEST_ASSERT_FALSE(contains("::/0", "10.0.0.1"));
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_both_families_in_one_form);
    RUN_TEST(test_order_is_that_of_the_bytes);
    RUN_TEST(test_text_both_ways);
    RUN_TEST(test_what_is_no_address);
    RUN_TEST(test_classes_and_their_edges);
    RUN_TEST(test_prefix_text_both_ways);
    RUN_TEST(test_what_is_no_prefix);
    RUN_TEST(test_host_bits_are_told_apart);
    RUN_TEST(test_prefix_contains_up_to_its_edges);
    RUN_TEST(test_each_family_keeps_to_itself);
    return UNITY_END();
}
