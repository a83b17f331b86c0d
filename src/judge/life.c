/* SPDX-License-Identifier: BSD-2-Clause
 *
 * life.c - what time does to what the judge keeps, in a process that runs for months (DESIGN 6): findings are
 * told once per window and closed when quiet, episodes end, and facts that no flow has touched for long go.
 * Called by the live engine about once a second; files are judged without it, in one go.
 */
#include "judge_internal.h"

/* What has not been touched for a week says nothing of today. A flow that lives touches its addresses, its
 * pair and its findings at least once an hour (judge_look), so nothing of a living flow is old. */
#define OLD_NS    (7 * DAY_NS)
#define MINUTE_NS (INT64_C(60) * NS_PER_S)
enum { AGED_PER_MINUTE = 16384 }; /* of each kind: even a full map is through in a quarter of an hour */

/* Ports that an endpoint mapper handed out stay: a service keeps its own for as long as it runs. */
static void age_facts(struct judge *judge, int64_t now_ns)
{
    struct map *const maps[] = {&judge->addresses, &judge->listeners, &judge->media_ends, &judge->sessions,
                                &judge->pairs,     &judge->fallbacks, &judge->answered};
    for (unsigned i = 0; i < sizeof maps / sizeof *maps; i++)
        map_age(maps[i], now_ns - OLD_NS, AGED_PER_MINUTE);
}

bool judge_tick(struct judge *judge, int64_t now_ns)
{
    if (!judge->hour_ns)
        judge->hour_ns = judge->minute_ns = now_ns;
    if (now_ns - judge->minute_ns >= MINUTE_NS) {
        judge->minute_ns = now_ns;
        ipsec_age(judge, now_ns);
        findings_age(judge, now_ns);
        age_facts(judge, now_ns);
    }
    if (now_ns - judge->hour_ns < HOUR_NS)
        return false;
    judge->hour_ns = now_ns;
    sensor_window(judge);
    coverage_settle(judge);
    return true;
}
