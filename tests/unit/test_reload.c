/* SPDX-License-Identifier: BSD-2-Clause
 *
 * test_reload.c - policies that change under traffic: the same rules read again change nothing of what is
 * told, other rules judge the living flows anew, and the old policy can be freed at once (the sanitizer build
 * would tell of anything that still points into it).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rolecall/capture.h"
#include "rolecall/engine.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"
#include "unity.h"

#define SITE    "pcaps/contoso.site.json"
#define CAPTURE "pcaps/sfb-site-violations.pcap"

struct book {
    struct rules *rules;
    struct site *site;
    struct policy *policy;
};

struct story {
    char **lines; /* sorted */
    size_t count;
};

void setUp(void)
{
}

void tearDown(void)
{
}

static struct book book_of(const char *site_text)
{
    struct mistakes mistakes = {0};
    struct book book = {.rules = rules_load("rules", &mistakes)};
    book.site = site_from_text("site", site_text, strlen(site_text), book.rules, &mistakes);
    mistakes_print(&mistakes, "", stderr);
    TEST_ASSERT_NOT_NULL(book.site);
    book.policy = policy_create(book.rules, book.site);
    TEST_ASSERT_NOT_NULL(book.policy);
    return book;
}

static void book_free(struct book *book)
{
    policy_destroy(book->policy);
    site_free(book->site);
    rules_free(book->rules);
}

static char *site_text(void)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(SITE, "r");
    TEST_ASSERT_NOT_NULL(file);
    TEST_ASSERT_GREATER_THAN(0, fread(text, 1, 65535, file));
    fclose(file);
    return text;
}

/* A reload ends a batch, and with batches go the order of events, how often a finding is told, and when it is
 * seen that a flow has been silent. */
static void remember(void *context, const struct event_line *line)
{
    struct story *story = context;
    if (strstr(line->text, "\"state\":\"update\""))
        return;
    story->lines = realloc(story->lines, (story->count + 1) * sizeof *story->lines);
    char *text = story->lines[story->count++] = strdup(line->text);
    static const char stamp[] = "{\"@timestamp\":\"2026";
    if (strstr(text, "\"rolecall.alert\"") && strncmp(text, stamp, strlen(stamp)) == 0)
        memset(text + strlen(stamp), '-', strlen("-03-02T09:30:00.000000Z"));
    char *id = strstr(text, "\"id\":\"0000000000000000-"), *end = id ? strstr(id, "\"category\"") : NULL;
    if (end)
        memmove(id, end, strlen(end) + 1);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void story_free(struct story *story)
{
    for (size_t i = 0; i < story->count; i++)
        free(story->lines[i]);
    free(story->lines);
}

/* The capture, with `site` at the beginning and `later` in its place after every `every` frames. */
static struct story story_of(const char *site, const char *later, unsigned every, unsigned workers)
{
    struct story story = {0};
    struct capture_errors errors = {0};
    const char *path = CAPTURE;
    struct capture_options files = {.paths = &path, .path_count = 1};
    struct capture *capture = capture_open_files(&files, &errors);
    struct book book = book_of(site);
    struct engine_options options = {
        .policy = book.policy, .workers = workers, .every_flow = true, .line = remember, .context = &story};
    struct engine *engine = engine_create(&options);
    struct frame frame;
    for (unsigned i = 1; capture_next(capture, &frame, 1) > 0; i++) {
        engine_frames(engine, &frame, 1);
        if (every && i % every == 0) {
            struct book next = book_of(later);
            TEST_ASSERT_TRUE(engine_reload(engine, next.policy));
            book_free(&book);
            book = next;
        }
    }
    engine_finish(engine);
    engine_destroy(engine);
    book_free(&book);
    capture_close(capture);
    qsort(story.lines, story.count, sizeof *story.lines, by_text);
    return story;
}

static void test_same_rules_change_nothing(void)
{
    char *site = site_text();
    struct story plain = story_of(site, site, 0, 1);
    for (unsigned workers = 1; workers <= 3; workers += 2) {
        struct story reloaded = story_of(site, site, 57, workers);
        TEST_ASSERT_EQUAL_UINT(plain.count, reloaded.count);
        for (size_t i = 0; i < plain.count; i++)
            TEST_ASSERT_EQUAL_STRING(plain.lines[i], reloaded.lines[i]);
        story_free(&reloaded);
    }
    story_free(&plain);
    free(site);
}

static unsigned count(const struct story *story, const char *wanted)
{
    unsigned found = 0;
    for (size_t i = 0; i < story->count; i++)
        found += strstr(story->lines[i], wanted) != NULL;
    return found;
}

/* The site with one more key. */
static char *with(const char *site, const char *member)
{
    const char *brace = strchr(site, '{');
    size_t size = strlen(site) + strlen(member) + 1;
    char *text = calloc(1, size);
    snprintf(text, size, "{%s%s", member, brace + 1);
    return text;
}

/* A living flow that failed by the old rules and is exempt by the new ones is taken back. */
static void test_other_rules_judge_living_flows(void)
{
    char *site = site_text();
    char *muted = with(site, "\"mute\": [\"unexpected-port\"],");
    struct story plain = story_of(site, site, 0, 1), quiet = story_of(site, muted, 40, 1);
    TEST_ASSERT_GREATER_THAN_UINT(0, count(&plain, "\"action\":\"unexpected-port\""));
    TEST_ASSERT_EQUAL_UINT(0, count(&quiet, "\"action\":\"unexpected-port\""));
    TEST_ASSERT_GREATER_THAN_UINT(0, count(&quiet, "\"action\":\"media-port\""));
    free(muted);

    /* Without hosts nobody has a role: nothing in scope. */
    const char *nobody = "{\"site\": \"contoso-hq\"}";
    struct story empty = story_of(site, nobody, 40, 1), late = story_of(nobody, site, 40, 1);
    TEST_ASSERT_EQUAL_UINT(0, count(&empty, "\"status\":\"pass\""));
    TEST_ASSERT_EQUAL_UINT(count(&plain, "\"state\":\"close\""), count(&late, "\"state\":\"close\""));
    story_free(&plain);
    story_free(&quiet);
    story_free(&empty);
    story_free(&late);
    free(site);
}

/* What was matched lately by the old rules is forgotten, though roles and ports are the same. By frame 720 a
 * Front End speaks with the Edge. */
static void test_other_peers_match_anew(void)
{
    char *site = site_text();
    char *narrow = with(
        site, "\"narrow\": {\"lync-server-2013-edge/edge-internal-interface/2\": [\"persistent-chat\"]},");
    const char *failed = "\"action\":\"unexpected-port\"";
    struct story plain = story_of(site, site, 0, 1), later = story_of(site, narrow, 720, 1);
    TEST_ASSERT_GREATER_THAN_UINT(count(&plain, failed), count(&later, failed));
    story_free(&plain);
    story_free(&later);
    free(narrow);
    free(site);
}

int main(void)
{
    UNITY_BEGIN();
    RUN_TEST(test_same_rules_change_nothing);
    RUN_TEST(test_other_rules_judge_living_flows);
    RUN_TEST(test_other_peers_match_anew);
    return UNITY_END();
}
