/* SPDX-License-Identifier: BSD-2-Clause
 *
 * run.c - loads the rules, reads a site from text, hands a scene's frames to the engine and keeps the events
 * it tells. Tests of whole behaviour use it; it looks into nothing but the events.
 */
#include "run.h"

#include "rolecall/engine.h"
#include "rolecall/policy.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef TEST_SOURCE_DIR
#define TEST_SOURCE_DIR "."
#endif

enum { LIST_TEXT_SIZE = 4096 };

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static void keep_line(void *context, const struct event_line *line)
{
    struct run *run = context;
    cJSON *event = cJSON_ParseWithLength(line->text, line->size);
    if (!event) {
        fprintf(stderr, "not JSON: %s\n", line->text);
        exit(1);
    }
    if (run->count == run->room) {
        run->room = run->room ? 2 * run->room : 64;
        run->events = must(realloc(run->events, run->room * sizeof *run->events));
    }
    run->events[run->count++] = event;
    run->text = must(realloc(run->text, run->size + line->size + 2));
    memcpy(run->text + run->size, line->text, line->size);
    run->size += line->size;
    run->text[run->size++] = '\n';
    run->text[run->size] = '\0';
}

/* An engine and its clock; 0: time is the packets'. */
struct live {
    struct engine *engine;
    int64_t ticked_ns;
};

static void tick_until(struct live *live, int64_t until_ns)
{
    const int64_t step_ns = 10 * SEC;
    for (; live->ticked_ns && live->ticked_ns + step_ns <= until_ns; live->ticked_ns += step_ns)
        engine_tick(live->engine, live->ticked_ns + step_ns);
}

static void hand_frame(void *context, const struct frame *frame)
{
    struct live *live = context;
    tick_until(live, frame->time_ns);
    engine_frames(live->engine, frame, 1);
}

static void play(struct run *run, const struct policy *policy, struct scene *scene, unsigned workers,
                 int64_t start_ns, int64_t until_ns)
{
    const struct engine_options options = {.policy = policy,
                                           .workers = workers,
                                           .flows_max = 4096,
                                           .every_flow = true,
                                           .run_id = "0123456789abcdef",
                                           .line = keep_line,
                                           .context = run};
    struct live live = {must(engine_create(&options)), start_ns};
    scene_each(scene, hand_frame, &live);
    tick_until(&live, until_ns);
    engine_finish(live.engine);
    engine_destroy(live.engine);
}

static void refuse(struct mistakes *mistakes)
{
    mistakes_print(mistakes, "", stderr);
    exit(1);
}

static struct run *run_between(const char *site_text, struct scene *scene, unsigned workers, int64_t start_ns,
                               int64_t until_ns)
{
    struct run *run = must(calloc(1, sizeof *run));
    struct mistakes mistakes = {0};
    if (!site_text) {
        play(run, NULL, scene, workers, start_ns, until_ns);
        return run;
    }
    struct rules *rules = rules_load(TEST_SOURCE_DIR "/rules", &mistakes);
    if (!rules)
        refuse(&mistakes);
    struct site *site = site_from_text("test", site_text, strlen(site_text), rules, &mistakes);
    if (!site)
        refuse(&mistakes);
    struct policy *policy = must(policy_create(rules, site));
    play(run, policy, scene, workers, start_ns, until_ns);
    policy_destroy(policy);
    site_free(site);
    rules_free(rules);
    mistakes_clear(&mistakes);
    return run;
}

struct run *run_scene(const char *site_text, struct scene *scene, unsigned workers)
{
    return run_between(site_text, scene, workers, 0, 0);
}

static void find_first(void *context, const struct frame *frame)
{
    int64_t *first_ns = context;
    if (!*first_ns || frame->time_ns < *first_ns)
        *first_ns = frame->time_ns;
}

struct run *run_live(const char *site_text, struct scene *scene, unsigned workers, int64_t until_ns)
{
    int64_t first_ns = 0;
    scene_each(scene, find_first, &first_ns);
    return run_between(site_text, scene, workers, first_ns, until_ns);
}

void run_destroy(struct run *run)
{
    if (!run)
        return;
    for (unsigned i = 0; i < run->count; i++)
        cJSON_Delete(run->events[i]);
    free(run->events);
    free(run->text);
    free(run);
}

static const cJSON *value_at(const cJSON *event, const char *path)
{
    char key[64];
    const cJSON *at = event;
    while (at && *path) {
        size_t size = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)size, path);
        at = cJSON_GetObjectItemCaseSensitive(at, key);
        path += size;
        path += *path == '.';
    }
    return at;
}

const char *text_at(const cJSON *event, const char *path)
{
    const cJSON *value = value_at(event, path);
    return cJSON_IsString(value) ? value->valuestring : "";
}

double number_at(const cJSON *event, const char *path)
{
    const cJSON *value = value_at(event, path);
    return cJSON_IsNumber(value) ? value->valuedouble : -1;
}

const char *list_at(const cJSON *event, const char *path)
{
    static char texts[4][LIST_TEXT_SIZE];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    size_t used = 0;
    const cJSON *item;
    text[0] = '\0';
    cJSON_ArrayForEach(item, value_at(event, path))
    {
        if (cJSON_IsString(item) && used < LIST_TEXT_SIZE)
            used += (size_t)snprintf(text + used, LIST_TEXT_SIZE - used, "%s%s", used ? " " : "",
                                     item->valuestring);
    }
    return text;
}

bool list_has(const cJSON *event, const char *path, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, value_at(event, path))
    {
        if (cJSON_IsString(item) && strcmp(item->valuestring, text) == 0)
            return true;
    }
    return false;
}

static bool is_end(const cJSON *event, const char *side, const struct end *end)
{
    char text[ADDR_TEXT_SIZE], path[32];
    snprintf(path, sizeof path, "%s.ip", side);
    if (strcmp(text_at(event, path), addr_text(&end->addr, text)) != 0)
        return false;
    snprintf(path, sizeof path, "%s.port", side);
    return end->port == 0 || number_at(event, path) == end->port;
}

const cJSON *run_event(const struct run *run, const char *dataset, unsigned number)
{
    for (unsigned i = 0; i < run->count; i++)
        if (strcmp(text_at(run->events[i], "event.dataset"), dataset) == 0 && number-- == 0)
            return run->events[i];
    return NULL;
}

const cJSON *run_flow(const struct run *run, struct end initiator, struct end responder)
{
    const cJSON *event;
    for (unsigned i = 0; (event = run_event(run, "rolecall.flow", i)); i++)
        if (is_end(event, "source", &initiator) && is_end(event, "destination", &responder))
            return event;
    return NULL;
}

static bool is_opening(const cJSON *alert)
{
    return strcmp(text_at(alert, "rolecall.finding.state"), "open") == 0;
}

const char *run_findings(const struct run *run)
{
    static char text[LIST_TEXT_SIZE];
    size_t used = 0;
    const cJSON *alert;
    text[0] = '\0';
    for (unsigned i = 0; (alert = run_event(run, "rolecall.alert", i)); i++)
        if (is_opening(alert) && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                                     text_at(alert, "rule.id"));
    return text;
}

const cJSON *run_alert(const struct run *run, const char *finding)
{
    const cJSON *alert;
    for (unsigned i = 0; (alert = run_event(run, "rolecall.alert", i)); i++)
        if (is_opening(alert) && strcmp(text_at(alert, "rule.id"), finding) == 0)
            return alert;
    return NULL;
}
