/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_config.c - the daemon's configuration: defaults, every key, and every kind of mistake with its place.
 */
#include <netinet/in.h>
#include <string.h>

#include "rolecall/config.h"
#include "unity.h"

static struct mistakes mistakes;

void setUp(void)
{
}

void tearDown(void)
{
    mistakes_clear(&mistakes);
}

static struct config *read(const char *text)
{
    return config_from_text("c.json", text, strlen(text), &mistakes);
}

/* One mistake exactly, at this key and column of line 1, whose expectation begins so. */
static void refuse(const char *text, const char *key, unsigned column, const char *expected)
{
    TEST_ASSERT_NULL_MESSAGE(read(text), text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(1, mistakes.count, text);
    TEST_ASSERT_EQUAL_STRING_MESSAGE(key, mistakes.list[0].key, text);
    TEST_ASSERT_EQUAL_UINT_MESSAGE(column, mistakes.list[0].column, text);
    TEST_ASSERT_EQUAL_STRING_LEN_MESSAGE(expected, mistakes.list[0].expected, strlen(expected), text);
    mistakes_clear(&mistakes);
}

static void expect_defaults(const struct config *config)
{
    TEST_ASSERT_EQUAL_UINT(0, config->capture.interface_count);
    TEST_ASSERT_EQUAL_INT64(64, config->capture.ring_mib);
    TEST_ASSERT_EQUAL_INT64(1, config->capture.workers);
    TEST_ASSERT_EQUAL_INT64(300, config->capture.silence_s);
    TEST_ASSERT_TRUE(config->capture.promiscuous);
    TEST_ASSERT_NULL(config->capture.exclude);
    TEST_ASSERT_EQUAL_INT64(262144, config->flows.max);
    TEST_ASSERT_FALSE(config->flows.every_flow);
    TEST_ASSERT_EQUAL_UINT(1, config->output_count);
    TEST_ASSERT_EQUAL(SINK_FILE, config->outputs[0].kind);
    TEST_ASSERT_EQUAL(SINK_NDJSON, config->outputs[0].format);
    TEST_ASSERT_EQUAL_STRING("file", config->outputs[0].name);
    TEST_ASSERT_EQUAL_STRING("/var/log/rolecall/events.ndjson", config->outputs[0].path);
    TEST_ASSERT_EQUAL_UINT(SINK_QUEUE_DEFAULT, config->outputs[0].queue_size);
    TEST_ASSERT_EQUAL_UINT(SINK_FACILITY_DEFAULT, config->outputs[0].facility);
    TEST_ASSERT_EQUAL_UINT(0, config->outputs[0].datasets);
    TEST_ASSERT_EQUAL_UINT(0, config->outputs[0].min_severity);
    TEST_ASSERT_NULL(config->metrics.file);
    TEST_ASSERT_NULL(config->metrics.listen);
    TEST_ASSERT_EQUAL_INT64(15, config->metrics.interval_s);
    TEST_ASSERT_EQUAL_STRING(CONFIG_SOCKET, config->control);
    TEST_ASSERT_EQUAL_INT64(60, config->stats_s);
    TEST_ASSERT_EQUAL_INT64(0, config->memory_mib);
    TEST_ASSERT_NULL(config->user);
    TEST_ASSERT_NULL(config->site);
    TEST_ASSERT_NULL(config->rules);
    TEST_ASSERT_EQUAL_UINT(0, config->matrix_count);
}

static void test_no_file_an_empty_file_and_the_printed_one_say_the_same(void)
{
    struct config *none = config_create(), *empty = read("{}"), *printed = read(config_default_text);
    TEST_ASSERT_NOT_NULL(none);
    TEST_ASSERT_NOT_NULL(empty);
    TEST_ASSERT_NOT_NULL(printed);
    expect_defaults(none);
    expect_defaults(empty);
    expect_defaults(printed);
    TEST_ASSERT_NULL(none->path);
    TEST_ASSERT_EQUAL_STRING("c.json", empty->path);
    config_free(none);
    config_free(empty);
    config_free(printed);
}

/* The printed file with its commented keys taken in: what it shows as an example is right, too. */
static void test_the_examples_of_the_printed_file_are_right(void)
{
    static char text[16384];
    const char *from = config_default_text;
    size_t used = 0;
    while (*from) {
        const char *key = from + strspn(from, " ");
        size_t line = strcspn(from, "\n") + 1;
        bool is_example = strncmp(key, "// \"", 4) == 0 && strchr(key, ':') < from + line;
        if (is_example && strncmp(key, "// \"listen\"", 11) == 0)
            text[used++] = ','; /* the last of its object: the one before has no comma of its own */
        if (is_example && strncmp(key, "// \"exclude\"", 12) == 0)
            key = "// \"exclude\": \"port 53\",\n";
        size_t size = is_example ? strcspn(key, "\n") + 1 - 2 : line;
        memcpy(text + used, is_example ? key + 2 : from, size);
        used += size;
        from += line;
    }
    text[used] = '\0';
    struct config *config = config_from_text("examples", text, used, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(config);
    TEST_ASSERT_EQUAL_STRING("span-hq-1", config->name);
    TEST_ASSERT_EQUAL_STRING("rolecall", config->user);
    TEST_ASSERT_EQUAL_STRING("/etc/rolecall/site.json", config->site);
    TEST_ASSERT_EQUAL_STRING("127.0.0.1:9469", config->metrics.listen);
    TEST_ASSERT_EQUAL_UINT(2, config->matrix_count);
    TEST_ASSERT_EQUAL_HEX32((1u << DATASET_COUNT) - 1, config->outputs[0].datasets);
    config_free(config);
}

static void test_capture_and_flows(void)
{
    struct config *config =
        read("{\"capture\": {\"interfaces\": [\"ens1\", \"vlan.20\"], \"ring_mib\": 256, \"workers\": 4,"
             " \"exclude\": \"host 10.0.0.9\", \"promiscuous\": false, \"silence_s\": 0},"
             " \"flows\": {\"max\": 1024, \"every_flow\": true}, \"limits\": {\"memory_mib\": 512},"
             " \"control\": {\"socket\": \"\"}, \"matrices\": [\"lync-server-2013\"], \"stats_s\": 0}");
    TEST_ASSERT_NOT_NULL(config);
    TEST_ASSERT_EQUAL_UINT(2, config->capture.interface_count);
    TEST_ASSERT_EQUAL_STRING("vlan.20", config->capture.interfaces[1]);
    TEST_ASSERT_EQUAL_INT64(256, config->capture.ring_mib);
    TEST_ASSERT_EQUAL_INT64(4, config->capture.workers);
    TEST_ASSERT_EQUAL_STRING("host 10.0.0.9", config->capture.exclude);
    TEST_ASSERT_FALSE(config->capture.promiscuous);
    TEST_ASSERT_EQUAL_INT64(0, config->capture.silence_s);
    TEST_ASSERT_EQUAL_INT64(1024, config->flows.max);
    TEST_ASSERT_TRUE(config->flows.every_flow);
    TEST_ASSERT_EQUAL_INT64(512, config->memory_mib);
    TEST_ASSERT_NULL(config->control);
    TEST_ASSERT_EQUAL_INT64(0, config->stats_s);
    TEST_ASSERT_EQUAL_STRING("lync-server-2013", config->matrices[0]);
    config_free(config);
}

static void test_outputs(void)
{
    struct config *config = read(
        "{\"outputs\": [{\"type\": \"stdout\", \"format\": \"cef\", \"datasets\": [\"alert\", \"loss\"]},"
        "{\"type\": \"unix\", \"path\": \"/run/s\", \"queue_mib\": 2, \"min_severity\": \"high\"},"
        "{\"type\": \"syslog\", \"server\": \"[2001:db8::5]:601\", \"facility\": 4},"
        "{\"type\": \"syslog\", \"name\": \"siem\", \"server\": \"siem.example.net:6514\", \"transport\": "
        "\"tls\","
        " \"ca\": \"/c\", \"certificate\": \"/d\", \"key\": \"/k\", \"server_name\": \"other\"}]}");
    TEST_ASSERT_NOT_NULL(config);
    const struct sink_options *output = config->outputs;
    TEST_ASSERT_EQUAL_UINT(4, config->output_count);
    TEST_ASSERT_EQUAL(SINK_STDOUT, output[0].kind);
    TEST_ASSERT_EQUAL(SINK_CEF, output[0].format);
    TEST_ASSERT_EQUAL_HEX32(1u << DATASET_ALERT | 1u << DATASET_LOSS, output[0].datasets);
    TEST_ASSERT_EQUAL(SINK_UNIX, output[1].kind);
    TEST_ASSERT_EQUAL_UINT(2 << 20, output[1].queue_size);
    TEST_ASSERT_EQUAL_UINT(73, output[1].min_severity);
    TEST_ASSERT_EQUAL(SINK_SYSLOG_TCP, output[2].kind);
    TEST_ASSERT_EQUAL_STRING("2001:db8::5", output[2].host);
    TEST_ASSERT_EQUAL_STRING("601", output[2].port);
    TEST_ASSERT_EQUAL_UINT(4, output[2].facility);
    TEST_ASSERT_EQUAL(SINK_SYSLOG_TLS, output[3].kind);
    TEST_ASSERT_EQUAL_STRING("siem", output[3].name);
    TEST_ASSERT_EQUAL_STRING("siem.example.net", output[3].host);
    TEST_ASSERT_EQUAL_STRING("/c", output[3].ca_file);
    TEST_ASSERT_EQUAL_STRING("/d", output[3].cert_file);
    TEST_ASSERT_EQUAL_STRING("/k", output[3].key_file);
    TEST_ASSERT_EQUAL_STRING("other", output[3].server_name);
    config_free(config);
}

static void test_mistakes_tell_their_place(void)
{
    refuse("[]", "", 1, "an object");
    refuse("{\"captures\": {}}", "captures", 2, "a known key (did you mean \"capture\"?)");
    refuse("{\"capture\": []}", "capture", 13, "an object");
    refuse("{\"capture\": {\"workers\": 17}}", "capture.workers", 25, "a whole number from 1 to 16");
    refuse("{\"capture\": {\"workers\": 0}}", "capture.workers", 25, "a whole number from 1 to 16");
    refuse("{\"capture\": {\"interfaces\": [\"a/b\"]}}", "capture.interfaces[0]", 29,
           "the name of an interface");
    refuse("{\"capture\": {\"interfaces\": [\"0123456789abcdef\"]}}", "capture.interfaces[0]", 29,
           "the name of an interface");
    refuse("{\"capture\": {\"interfaces\": [\"..\"]}}", "capture.interfaces[0]", 29,
           "the name of an interface");
    refuse("{\"capture\": {\"interfaces\": [\"a\", \"a\"]}}", "capture.interfaces[1]", 34, "each only once");
    refuse("{\"flows\": {\"max\": 16777217}}", "flows.max", 19, "a whole number");
    refuse("{\"site\": \"site.json\"}", "site", 10, "a path that begins with /");
    refuse("{\"rules\": \"/rules/\"}", "rules", 11, "a path");
    refuse("{\"matrices\": [\"Lync\"]}", "matrices[0]", 15, "the id of a matrix");
    refuse("{\"user\": \"a b\"}", "user", 10, "the name of a user");
    refuse("{\"user\": \"-a\"}", "user", 10, "the name of a user");
    refuse("{\"metrics\": {\"listen\": \"0.0.0.0:9469\"}}", "metrics.listen", 24, "a loopback address");
    refuse("{\"stats_s\": -1}", "stats_s", 13, "a whole number");
    refuse("{\"stats_s\": 1, \"stats_s\": 2}", "stats_s", 16, "each key only once");
}

static void test_mistakes_in_outputs(void)
{
    refuse("{\"outputs\": []}", "outputs", 13, "1 to 16 entries");
    refuse("{\"outputs\": [{}]}", "outputs[0]", 14, "a key \"type\"");
    refuse("{\"outputs\": [{\"type\": \"sylog\"}]}", "outputs[0].type", 23, "\"file\", \"stdout\"");
    refuse("{\"outputs\": [{\"type\": \"file\"}]}", "outputs[0]", 14, "a key \"path\"");
    refuse("{\"outputs\": [{\"type\": \"stdout\", \"path\": \"/x\"}]}", "outputs[0].path", 33, "no such key");
    refuse("{\"outputs\": [{\"type\": \"stdout\", \"name\": \"A\"}]}", "outputs[0].name", 41,
           "a name of 1 to 32");
    refuse("{\"outputs\": [{\"type\": \"stdout\", \"datasets\": [\"flows\"]}]}", "outputs[0].datasets[0]", 46,
           "\"alert\", \"flow\"");
    refuse("{\"outputs\": [{\"type\": \"stdout\"}, {\"type\": \"stdout\"}]}", "outputs[1]", 34, "a \"name\"");
    refuse("{\"outputs\": [{\"type\": \"file\", \"path\": \"/x\"}, {\"type\": \"file\", \"path\": \"/x\", "
           "\"name\": \"b\"}]}",
           "outputs[1].path", 71, "a path that no other output has");
    refuse("{\"outputs\": [{\"type\": \"syslog\", \"server\": \"h:601\", \"ca\": \"/c\"}]}", "outputs[0].ca",
           52, "this key only with");
    refuse("{\"outputs\": [{\"type\": \"syslog\", \"server\": \"h:601\", \"transport\": \"tls\", \"key\": "
           "\"/c\"}]}",
           "outputs[0]", 14, "a key \"certificate\"");
}

static void test_servers(void)
{
    static const char *const wrong[] = {"h",     "h:",       "h:0",     "h:65536", "h:6514x", ":6514",
                                        "[::1]", "[::1:601", "::1:601", "[h]:601", "a b:601", "[]:601",
                                        "-h:1",  "[::1]601", "h:-1",    "h: 1"};
    char text[256];
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(text, sizeof text, "{\"outputs\": [{\"type\": \"syslog\", \"server\": \"%s\"}]}", wrong[i]);
        TEST_ASSERT_NULL_MESSAGE(read(text), wrong[i]);
        TEST_ASSERT_EQUAL_STRING("outputs[0].server", mistakes.list[0].key);
        mistakes_clear(&mistakes);
    }
}

static void test_listen_addresses(void)
{
    static const char *const wrong[] = {"",
                                        "9469",
                                        ":9469",
                                        "127.0.0.1",
                                        "127.0.0.1:0",
                                        "127.0.0.1:65536",
                                        "10.0.0.1:1",
                                        "[::]:9469",
                                        "[::1]",
                                        "[::1]:",
                                        "::1:9469",
                                        "[127.0.0.1]:1",
                                        "localhost:1",
                                        "127.0.0.1:1 ",
                                        "[::ffff:127.0.0.1]:1",
                                        "[]:1"};
    struct sockaddr_storage address;
    unsigned size;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        TEST_ASSERT_FALSE_MESSAGE(config_listen_address(wrong[i], &address, &size), wrong[i]);
    TEST_ASSERT_TRUE(config_listen_address("127.1.2.3:9469", &address, &size));
    TEST_ASSERT_EQUAL_INT(AF_INET, address.ss_family);
    TEST_ASSERT_EQUAL_UINT16(htons(9469), ((struct sockaddr_in *)(void *)&address)->sin_port);
    TEST_ASSERT_EQUAL_UINT(sizeof(struct sockaddr_in), size);
    TEST_ASSERT_TRUE(config_listen_address("[::1]:1", &address, &size));
    TEST_ASSERT_EQUAL_INT(AF_INET6, address.ss_family);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_no_file_an_empty_file_and_the_printed_one_say_the_same);
    RUN_TEST(test_the_examples_of_the_printed_file_are_right);
    RUN_TEST(test_capture_and_flows);
    RUN_TEST(test_outputs);
    RUN_TEST(test_mistakes_tell_their_place);
    RUN_TEST(test_mistakes_in_outputs);
    RUN_TEST(test_servers);
    RUN_TEST(test_listen_addresses);
    return UNITY_END();
}
