/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_metrics.c - the daemon's state as status, health and Prometheus text; the file for node_exporter;
 * HTTP. With --print it writes the metrics of a made-up daemon to standard output, for
 * tests/system/metrics.py.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/metrics.h"
#include "rolecall/config.h"
#include "rolecall/json_in.h"
#include "unity.h"

static struct state_interface interfaces[2];
static struct sink_state outputs[2];
static struct state_worker workers[2];
static struct daemon_state state;
static struct state_window window;
static struct engine *engine;
static char text[METRICS_SIZE];
static int status;

void setUp(void)
{
    struct engine_options options = {.workers = 1, .flows_max = 1024, .run_id = "0123456789abcdef"};
    engine = engine_create(&options);
    interfaces[0] = (struct state_interface){
        .name = "ens1", .up = true, .packets = 1000, .bytes = 64000, .last_packet_ns = 1790000000500000000};
    interfaces[1] = (struct state_interface){.name = "odd\"\\\n", .up = true, .lost_link = 2};
    outputs[0] = (struct sink_state){
        .name = "file", .kind = SINK_FILE, .written_lines = 7, .written_bytes = 4711, .queue_size = 1 << 24};
    outputs[1] = (struct sink_state){
        .name = "siem", .kind = SINK_SYSLOG_TLS, .queued_lines = 3, .queued_bytes = 999, .opened = 4};
    workers[0].packets = 600;
    workers[1].packets = 400;
    state = (struct daemon_state){.now_ns = 1790000100000000000,
                                  .started_ns = 1790000000000000000,
                                  .config_path = "/etc/rolecall/rolecall.json",
                                  .site_path = "/etc/rolecall/site.json",
                                  .site_name = "contoso \xe2\x80\xa8 hq",
                                  .run_id = "0123456789abcdef",
                                  .matrix_count = 2,
                                  .row_count = 143,
                                  .memory_ceiling = 1 << 30,
                                  .memory_resident = 1 << 28,
                                  .engine = engine,
                                  .interfaces = interfaces,
                                  .outputs = outputs,
                                  .workers = workers,
                                  .interface_count = 2,
                                  .output_count = 2,
                                  .worker_count = 2,
                                  .reload = {.good = 3, .refused = 1, .last_ns = 1790000050000000000},
                                  .lag_ns = 120000000,
                                  .events = 42,
                                  .sandbox = "user rolecall"};
    window = (struct state_window){.recent = {.at_ns = 0}};
}

void tearDown(void)
{
    engine_destroy(engine);
}

static void write_metrics(size_t size)
{
    size_t used = metrics_write(&state, text, size);
    TEST_ASSERT_TRUE(used < size);
    text[used] = '\0';
}

static void expect(const char *line)
{
    TEST_ASSERT_NOT_NULL_MESSAGE(strstr(text, line), line);
}

static void test_what_the_metrics_say(void)
{
    write_metrics(sizeof text);
    expect("\nrolecall_start_time_seconds 1790000000.000\n");
    expect("\nrolecall_lag_seconds 0.120\n");
    expect("\nrolecall_events_total 42\n");
    expect("\nrolecall_reloads_total{result=\"refused\"} 1\n");
    expect("\nrolecall_reload_last_successful 1\n");
    expect("\nrolecall_interface_packets_total{interface=\"ens1\"} 1000\n");
    expect("\nrolecall_interface_packets_total{interface=\"odd\\\"\\\\\\n\"} 0\n");
    expect("\nrolecall_interface_dropped_packets_total{interface=\"ens1\",by=\"ring\"} 0\n");
    expect("\nrolecall_interface_last_packet_timestamp_seconds{interface=\"ens1\"} 1790000000\n");
    expect("\nrolecall_output_healthy{output=\"siem\"} 1\n");
    expect("\nrolecall_output_lost_events_total{output=\"siem\",dataset=\"alert\"} 0\n");
    expect("\nrolecall_output_queued_bytes{output=\"siem\"} 999\n");
    expect("\nrolecall_worker_packets_total{worker=\"1\"} 400\n");
    expect("\nrolecall_engine_flows_evicted_total 0\n");
    expect("\nrolecall_metrics_left_out 0\n");
}

static void test_every_counter_of_the_engine_is_there(void)
{
    const char *name;
    uint64_t value;
    char line[160];
    write_metrics(sizeof text);
    for (unsigned i = 0; (name = engine_counter(engine, i, &value)); i++) {
        snprintf(line, sizeof line, "\nrolecall_engine_%s_total 0\n", name);
        expect(line);
    }
}

/* Whatever the room: whole families only, and a last line that counts the others. */
static void test_what_does_not_fit_is_left_out_as_a_whole(void)
{
    write_metrics(sizeof text);
    size_t whole = strlen(text);
    for (size_t size = 512; size < whole + 1000; size += 97) {
        write_metrics(size);
        const char *last = strstr(text, "\nrolecall_metrics_left_out ");
        TEST_ASSERT_NOT_NULL(last);
        unsigned left_out = (unsigned)atoi(strrchr(text, ' ')), families = 0, samples = 0;
        for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
            families += strncmp(line, "# TYPE ", 7) == 0;
            samples += *line != '#';
        }
        bool fits = size > whole + 400,
             is_short = size < whole; /* between: room that the last family keeps */
        TEST_ASSERT_TRUE(fits ? left_out == 0 : !is_short || left_out > 0);
        TEST_ASSERT_TRUE(samples >= families); /* each family has its lines */
    }
}

static void test_the_file_is_replaced_as_a_whole(void)
{
    char path[64], other[80], read[64] = "";
    struct stat file;
    snprintf(path, sizeof path, "/tmp/rolecall-metrics.%d", getpid());
    snprintf(other, sizeof other, "%s.new", path);
    mode_t before = umask(0077);
    TEST_ASSERT_TRUE(metrics_write_file(path, "old", 3));
    TEST_ASSERT_TRUE(metrics_write_file(path, "newer", 5));
    umask(before);
    FILE *in = fopen(path, "r");
    TEST_ASSERT_EQUAL_UINT(5, fread(read, 1, sizeof read, in));
    fclose(in);
    TEST_ASSERT_EQUAL_STRING("newer", read);
    TEST_ASSERT_EQUAL_INT(0, stat(path, &file));
    TEST_ASSERT_EQUAL_HEX32(0644, file.st_mode & 0777);
    TEST_ASSERT_NOT_EQUAL(0, access(other, F_OK));
    unlink(path);
    TEST_ASSERT_EQUAL_INT(0, symlink("/tmp/rolecall-elsewhere", other));
    TEST_ASSERT_FALSE(metrics_write_file(path, "x", 1)); /* a link in its way is not followed */
    TEST_ASSERT_EQUAL_INT(ELOOP, errno);
    unlink(other);
    TEST_ASSERT_FALSE(metrics_write_file("/nowhere/metrics", "x", 1));
    TEST_ASSERT_EQUAL_INT(ENOENT, errno);
}

static size_t constant_text(void *context, char *out, size_t size)
{
    TEST_ASSERT_TRUE(size >= 10);
    memcpy(out, context, 10);
    return 10;
}

static const char *get(struct metrics_http *http, int port, const char *request)
{
    static char heard[2048];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    TEST_ASSERT_EQUAL_INT(0, connect(fd, (struct sockaddr *)&address, sizeof address));
    TEST_ASSERT_EQUAL_INT(strlen(request), send(fd, request, strlen(request), 0));
    size_t used = 0;
    for (unsigned turn = 0; turn < 50; turn++) {
        struct pollfd wait = {.fd = metrics_http_fd(http), .events = POLLIN};
        poll(&wait, 1, 20);
        metrics_http_serve(http);
        ssize_t n = recv(fd, heard + used, sizeof heard - 1 - used, MSG_DONTWAIT);
        if (n == 0)
            break;
        used += n > 0 ? (size_t)n : 0;
    }
    heard[used] = '\0';
    close(fd);
    return heard;
}

static void test_http(void)
{
    char listen[32], page[] = "rolecall 1";
    struct metrics_http *http = NULL;
    int port = 20000 + getpid() % 20000;
    for (unsigned tries = 0; tries < 20 && !http; tries++) {
        snprintf(listen, sizeof listen, "127.0.0.1:%d", ++port);
        http = metrics_http_open(listen, constant_text, page);
        if (!http && errno == ENOTSUP)
            TEST_IGNORE_MESSAGE("built without libmicrohttpd");
    }
    TEST_ASSERT_NOT_NULL(http);
    const char *heard = get(http, port, "GET /metrics HTTP/1.0\r\n\r\n");
    TEST_ASSERT_EQUAL_STRING_LEN("HTTP/1.1 200", heard, 12);
    TEST_ASSERT_NOT_NULL(strstr(heard, "Content-Type: text/plain; version=0.0.4"));
    TEST_ASSERT_NOT_NULL(strstr(heard, "\r\n\r\nrolecall 1"));
    TEST_ASSERT_NOT_NULL(strstr(get(http, port, "GET / HTTP/1.0\r\n\r\n"), " 404 "));
    TEST_ASSERT_NOT_NULL(
        strstr(get(http, port, "POST /metrics HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"), " 405 "));
    TEST_ASSERT_NULL(strstr(get(http, port, "\x80\xff\r\n\r\n"), "200"));
    metrics_http_close(http);
    TEST_ASSERT_NULL(metrics_http_open("0.0.0.0:9469", constant_text, page));
    TEST_ASSERT_EQUAL_INT(EINVAL, errno);
}

/* Status and health. */

static struct mistakes mistakes;

static struct json_in *parse(size_t size)
{
    TEST_ASSERT_TRUE(size > 1 && text[size - 1] == '\n' && !memchr(text, '\n', size - 1));
    struct json_in *in = json_in_text("state", text, size, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(in);
    return in;
}

static void test_status(void)
{
    struct json_in *in = parse(state_write_status(&state, text, STATE_TEXT_SIZE));
    struct json_value root = json_root(in), value;
    TEST_ASSERT_TRUE(json_find(&root, "uptime_s", &value));
    TEST_ASSERT_EQUAL_INT(100, (int)json_number(&value));
    TEST_ASSERT_TRUE(json_find(&root, "interfaces", &value));
    TEST_ASSERT_EQUAL_UINT(2, json_count(&value));
    TEST_ASSERT_TRUE(json_find(&root, "outputs", &value));
    TEST_ASSERT_EQUAL_UINT(2, json_count(&value));
    TEST_ASSERT_TRUE(json_find(&root, "engine", &value));
    TEST_ASSERT_TRUE(json_count(&value) > 20);
    json_in_free(in);
}

/* The worst that the bounds of the configuration allow still fits. */
static void test_the_largest_status_fits(void)
{
    static struct state_interface many_interfaces[CONFIG_INTERFACES_MAX];
    static struct sink_state many_outputs[CONFIG_OUTPUTS_MAX];
    for (unsigned i = 0; i < CONFIG_INTERFACES_MAX; i++)
        many_interfaces[i] = (struct state_interface){.name = "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
                                                      .packets = UINT64_MAX,
                                                      .bytes = UINT64_MAX,
                                                      .dropped_ring = UINT64_MAX,
                                                      .dropped_interface = UINT64_MAX,
                                                      .last_packet_ns = INT64_MAX};
    for (unsigned i = 0; i < CONFIG_OUTPUTS_MAX; i++) {
        many_outputs[i] = (struct sink_state){.name = "an-output-with-a-name-of-32-byte",
                                              .kind = SINK_SYSLOG_TLS,
                                              .health = SINK_RETRYING,
                                              .written_lines = UINT64_MAX,
                                              .written_bytes = UINT64_MAX,
                                              .queue_size = UINT64_MAX,
                                              .queued_bytes = UINT64_MAX,
                                              .queued_lines = UINT64_MAX,
                                              .resent_lines = UINT64_MAX};
        memset(many_outputs[i].error, '"', SINK_ERROR_SIZE - 1);
    }
    state.interfaces = many_interfaces;
    state.outputs = many_outputs;
    state.interface_count = CONFIG_INTERFACES_MAX;
    state.output_count = CONFIG_OUTPUTS_MAX;
    struct json_in *in = parse(state_write_status(&state, text, STATE_TEXT_SIZE));
    struct json_value root = json_root(in), value;
    TEST_ASSERT_TRUE(json_find(&root, "interfaces", &value));
    TEST_ASSERT_EQUAL_UINT(CONFIG_INTERFACES_MAX, json_count(&value));
    TEST_ASSERT_TRUE(json_find(&root, "outputs", &value));
    TEST_ASSERT_EQUAL_UINT(CONFIG_OUTPUTS_MAX, json_count(&value));
    json_in_free(in);
    in = parse(state_write_health(&state, &window, text, STATE_TEXT_SIZE, &status));
    root = json_root(in);
    TEST_ASSERT_TRUE(json_find(&root, "problems", &value));
    TEST_ASSERT_TRUE(json_count(&value) >= 2 * CONFIG_INTERFACES_MAX);
    json_in_free(in);
}

/* The only problem, which begins so; NULL: none, and healthy. */
static void expect_problem(const char *problem)
{
    struct json_in *in = parse(state_write_health(&state, &window, text, STATE_TEXT_SIZE, &status));
    struct json_value root = json_root(in), problems, healthy, first;
    TEST_ASSERT_TRUE(json_find(&root, "problems", &problems));
    TEST_ASSERT_TRUE(json_find(&root, "healthy", &healthy));
    TEST_ASSERT_EQUAL_UINT_MESSAGE(problem != NULL, json_count(&problems), text);
    TEST_ASSERT_EQUAL(!problem, json_is_true(&healthy));
    TEST_ASSERT_EQUAL_INT(problem != NULL, status);
    first = json_first(&problems);
    if (problem)
        TEST_ASSERT_EQUAL_STRING_LEN(problem, json_text(&first), strlen(problem));
    json_in_free(in);
}

static void test_health(void)
{
    expect_problem(NULL);
    interfaces[0].up = false;
    expect_problem("interface ens1 is down");
    interfaces[0].up = interfaces[0].silent = true;
    expect_problem("interface ens1 is silent");
    interfaces[0].silent = false;
    outputs[1].health = SINK_RETRYING;
    strcpy(outputs[1].error, "connection refused");
    expect_problem("output siem is retried: connection refused");
    outputs[1].health = SINK_FAILED;
    expect_problem("output siem failed: connection refused");
    outputs[1].health = SINK_OK;
    expect_problem(NULL); /* an error of before is none now */
    state.lag_ns = 7 * INT64_C(1000000000);
    expect_problem("7 s behind");
    state.lag_ns = 0;
    state.reload.last_refused = true;
    expect_problem("the last reload was refused");
}

static void test_losses_count_while_they_happen(void)
{
    state_window_move(&window, &state);
    interfaces[0].dropped_ring = 5;
    expect_problem("5 packets lost because the ring was full");
    for (unsigned s = 0; s < 59; s++) {
        state.now_ns += 1000000000;
        state_window_move(&window, &state);
        expect_problem("5 packets lost");
    }
    for (unsigned s = 0; s < 130; s++) {
        state.now_ns += 1000000000;
        state_window_move(&window, &state);
    }
    expect_problem(NULL); /* long ago */
    interfaces[1].dropped_interface = 2;
    expect_problem("2 packets dropped by interfaces");
    interfaces[1].dropped_interface = 0;
    outputs[0].lost[DATASET_FLOW] = 9;
    expect_problem("9 events lost by outputs");
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        setUp();
        fwrite(text, 1, metrics_write(&state, text, sizeof text), stdout);
        tearDown();
        return 0;
    }
    UNITY_BEGIN();
    RUN_TEST(test_what_the_metrics_say);
    RUN_TEST(test_every_counter_of_the_engine_is_there);
    RUN_TEST(test_what_does_not_fit_is_left_out_as_a_whole);
    RUN_TEST(test_the_file_is_replaced_as_a_whole);
    RUN_TEST(test_http);
    RUN_TEST(test_status);
    RUN_TEST(test_the_largest_status_fits);
    RUN_TEST(test_health);
    RUN_TEST(test_losses_count_while_they_happen);
    return UNITY_END();
}
