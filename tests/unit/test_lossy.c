/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_lossy.c - the violation capture as a bad sensor sees it: one direction gone, or packets lost at
 * random. No finding may appear that the full capture does not have, and a flow whose finding is gone must
 * have become inconclusive (or be gone itself). Also: many violations of one kind stay a bounded number of
 * events with exact counts.
 */
#include "run.h"
#include "rolecall/capture.h"
#include "talk.h"
#include "unity.h"

#include <stdio.h>
#include <stdlib.h>

static const char capture_path[] = "pcaps/sfb-site-violations.pcap", site_path[] = "pcaps/contoso.site.json";

static char *site;
static struct run *full, *run;

/* Findings that tell of the sensor's own sight: a bad sensor is meant to have more of them. */
static bool is_of_sight(const char *id)
{
    return strcmp(id, "one-way-capture") == 0 || strcmp(id, "capture-loss") == 0;
}

static struct scene *load(void)
{
    static const char *const paths[] = {capture_path};
    struct capture_errors errors = {.count = 0};
    struct capture *capture =
        capture_open_files(&(struct capture_options){.paths = paths, .path_count = 1}, &errors);
    struct scene *scene = scene_create(1);
    struct frame frame;
    TEST_ASSERT_NOT_NULL(capture);
    while (capture_next(capture, &frame, 1) > 0)
        scene_frame(scene, frame.time_ns, frame.at, frame.caplen);
    capture_close(capture);
    return scene;
}

void setUp(void)
{
    struct scene *scene = load();
    FILE *file = fopen(site_path, "re");
    TEST_ASSERT_NOT_NULL(file);
    site = calloc(1, 65536);
    TEST_ASSERT_TRUE(fread(site, 1, 65535, file) > 0);
    fclose(file);
    full = run_scene(site, scene, 1);
    scene_destroy(scene);
}

void tearDown(void)
{
    run_destroy(full);
    free(site);
}

static bool has_finding(const struct run *in, const char *fingerprint)
{
    const cJSON *alert;
    for (unsigned i = 0; (alert = run_event(in, "rolecall.alert", i)); i++)
        if (strcmp(text_at(alert, "rolecall.finding.fingerprint"), fingerprint) == 0)
            return true;
    return false;
}

static void no_new_accusation(const char *label)
{
    const cJSON *alert;
    for (unsigned i = 0; (alert = run_event(run, "rolecall.alert", i)); i++) {
        char text[400];
        snprintf(text, sizeof text, "%s: %.300s", label, text_at(alert, "event.reason"));
        bool expected = is_of_sight(text_at(alert, "rule.id")) ||
                        has_finding(full, text_at(alert, "rolecall.finding.fingerprint"));
        TEST_ASSERT_TRUE_MESSAGE(expected, text);
    }
}

/* Flows that failed in the full capture: fail, inconclusive, or not there at all; and never a pass. */
static void nothing_became_compliant(const char *label)
{
    const cJSON *flow, *now;
    for (unsigned i = 0; (flow = run_event(full, "rolecall.flow", i)); i++) {
        if (strcmp(text_at(flow, "rolecall.compliance.status"), "fail") != 0)
            continue;
        for (unsigned k = 0; (now = run_event(run, "rolecall.flow", k)); k++) {
            char text[300];
            if (strcmp(text_at(flow, "network.community_id"), text_at(now, "network.community_id")) != 0)
                continue;
            snprintf(text, sizeof text, "%s: %s %s port %d", label,
                     list_at(flow, "rolecall.compliance.findings"), text_at(now, "destination.ip"),
                     (int)number_at(now, "destination.port"));
            const char *status = text_at(now, "rolecall.compliance.status");
            TEST_ASSERT_TRUE_MESSAGE(strcmp(status, "pass") != 0 && strcmp(status, "exempt") != 0, text);
        }
    }
}

static void lost_at_random(void)
{
    static const unsigned percents[] = {1, 5, 20};
    for (unsigned p = 0; p < 3; p++) {
        for (unsigned seed = 1; seed <= 10; seed++) {
            char label[64];
            snprintf(label, sizeof label, "%u %% lost, seed %u", percents[p], seed);
            struct scene *scene = load();
            scene->random = seed;
            scene_lose(scene, percents[p]);
            run = run_scene(site, scene, 1);
            scene_destroy(scene);
            no_new_accusation(label);
            nothing_became_compliant(label);
            run_destroy(run);
        }
    }
}

/* Every address' own packets, one address after the other. */
static void one_direction_gone(void)
{
    static const char *const hosts[] = {"10.20.1.11", "10.20.1.12", "10.20.1.21",   "10.20.1.31",
                                        "10.20.1.51", "10.20.9.41", "10.20.4.17",   "10.20.4.23",
                                        "10.20.5.22", "10.20.2.5",  "203.0.113.11", "203.0.113.13"};
    for (unsigned h = 0; h < sizeof hosts / sizeof *hosts; h++) {
        struct scene *whole = load(), *part = scene_create(1);
        struct addr gone = end_of(hosts[h], 0).addr;
        for (size_t i = 0; i < whole->count; i++) {
            const struct wire_record *record = &whole->records[i];
            if (record->caplen < 34 || memcmp(record->bytes + 26, gone.bytes + 12, 4) != 0)
                scene_frame(part, record->time_ns, record->bytes, record->caplen);
        }
        TEST_ASSERT_TRUE(part->count > 0);
        run = run_scene(site, part, 1);
        scene_destroy(whole);
        scene_destroy(part);
        no_new_accusation(hosts[h]);
        run_destroy(run);
    }
}

static void many_violations_are_few_events(void)
{
    enum { FLOWS = 10000, CLIENTS = 200 };
    struct scene *scene = scene_create(1);
    int64_t now = INT64_C(1772443800) * 1000000000;
    for (unsigned i = 0; i < FLOWS; i++) {
        char client[32];
        snprintf(client, sizeof client, "10.20.4.%u", 20 + i % CLIENTS);
        now = tcp_refused(scene, end_of(client, (uint16_t)(20000 + i / CLIENTS)), end_of("10.20.1.11", 8089),
                          now) +
              1000000;
    }
    run = run_scene(site, scene, 2);
    scene_destroy(scene);
    unsigned alerts = 0;
    const cJSON *alert, *last = NULL;
    for (; (alert = run_event(run, "rolecall.alert", alerts)); alerts++)
        last = alert;
    TEST_ASSERT_EQUAL_UINT(2, alerts);
    TEST_ASSERT_EQUAL_INT(FLOWS, (int)number_at(last, "rolecall.finding.count"));
    TEST_ASSERT_EQUAL_INT(CLIENTS, (int)number_at(last, "rolecall.finding.peers"));
    run_destroy(run);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(lost_at_random);
    RUN_TEST(one_direction_gone);
    RUN_TEST(many_violations_are_few_events);
    return UNITY_END();
}
