/* SPDX-License-Identifier: BSD-2-Clause
 *
 * fuzz_frame.c - frames through the whole program: decode, flow, identify, judge, event. The site is that of
 * the shipped captures. Every line must be sound JSON; an input whose first byte is odd is told again by
 * three workers, and must then give the same lines.
 */
#include "frames.h"
#include "line_check.h"
#include "rolecall/engine.h"
#include "rolecall/hash.h"
#include "rolecall/rules.h"
#include "rolecall/site.h"

static const struct policy *shipped_policy(void)
{
    static struct policy *policy;
    if (policy)
        return policy;
    struct mistakes mistakes = {0};
    struct rules *rules = rules_load(FUZZ_SOURCE_DIR "/rules", &mistakes);
    CHECK(rules);
    struct site *site = site_load(FUZZ_SOURCE_DIR "/pcaps/contoso.site.json", rules, &mistakes);
    CHECK(site);
    policy = policy_create(rules, site);
    CHECK(policy);
    return policy;
}

struct told {
    uint64_t lines, hash;
    bool parse;
};

static void line_told(void *context, const struct event_line *line)
{
    static const uint64_t secret[2] = {1, 2};
    struct told *told = context;
    told->lines++;
    told->hash = told->hash * 31 + hash_bytes(line->text, line->size, secret);
    if (told->parse)
        cJSON_Delete(line_check(line->text, line->size));
}

static struct told run(struct bytes input, const struct policy *policy, unsigned workers)
{
    struct told told = {.parse = workers == 1};
    struct engine_options options = {.policy = policy,
                                     .workers = workers,
                                     .flows_max = 1024,
                                     .every_flow = true,
                                     .run_id = "0123456789abcdef",
                                     .line = line_told,
                                     .context = &told};
    struct engine *engine = engine_create(&options);
    CHECK(engine);
    struct frames frames = frames_of(input);
    struct frame frame;
    while (frames_next(&frames, &frame)) {
        engine_frames(engine, &frame, 1);
        frames_free(&frame);
    }
    engine_finish(engine);
    engine_destroy(engine);
    return told;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct bytes b = bytes_of(input, size);
    uint8_t options = bytes_u8(&b);
    const struct policy *policy = options & 2 ? NULL : shipped_policy();
    struct told once = run(b, policy, 1);
    CHECK(once.lines > 0);
    if (options & 1) {
        struct told again = run(b, policy, 3);
        CHECK(again.lines == once.lines && again.hash == once.hash);
    }
    return 0;
}
