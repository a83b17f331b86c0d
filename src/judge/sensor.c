/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sensor.c - the sensor's own sight (DESIGN 5.4 and 6): packets that an interface lost, interfaces that fell
 * silent, TCP streams with holes that were acknowledged, packets that a mirror port shows twice. Fed by the
 * live capture with its own counters, and by judge.c with every flow that is over.
 */
#include "judge_internal.h"

#include <stdio.h>

/* Tuning values. Suricata and Zeek leave theirs to the operator; Zeek's capture-loss script looks at windows
 * of minutes too. */
enum {
    LOSS_WINDOW_S = 60,
    LOSS_PER_MILLE = 1, /* of an interface's packets in a window */
    SILENT_S = 60,      /* a mirror port of anything in use carries something every few seconds */
    GAP_STREAMS = 20,   /* as many as one-way-capture asks for */
    GAP_PERCENT = 5,    /* of the streams looked into: about 1 % of all packets */
    DUPLICATE_PACKETS = 20,
    DUPLICATE_PERCENT = 30 /* PROTOCOLS 18.3 */
};
static const int64_t loss_memory_ns = INT64_C(600) * NS_PER_S; /* the longest that a flow may be silent */

static struct finding_key key_of(enum finding_id id, const char *interface)
{
    struct finding_key key = {.id = (uint8_t)id};
    memcpy(key.addr[0].bytes, interface, strnlen(interface, sizeof key.addr[0].bytes));
    return key;
}

static void say_loss(struct finding *finding, const struct sensor_interface *interface, uint64_t lost,
                     uint64_t all)
{
    snprintf(finding->reason, sizeof finding->reason,
             "interface %s lost %llu of %llu packets within %d s (%llu in the kernel's ring, %llu before it, "
             "since the start); what was lost is not judged",
             interface->name, (unsigned long long)lost, (unsigned long long)all, LOSS_WINDOW_S,
             (unsigned long long)interface->now.dropped_ring,
             (unsigned long long)interface->now.dropped_interface);
    snprintf(finding->advice, sizeof finding->advice,
             "give rolecall a larger ring, more workers or a filter on %s; see docs/SCALE.md",
             interface->name);
}

/* A gap in what was seen: silence that it overlaps proves nothing. Gaps close together count as one. */
static void note_blindness(struct sensor *sensor, int64_t from_ns, int64_t until_ns)
{
    if (!sensor->blind_until_ns || from_ns > sensor->blind_until_ns + loss_memory_ns)
        sensor->blind_from_ns = from_ns;
    sensor->blind_until_ns = until_ns;
}

bool sensor_was_blind(const struct judge *judge, int64_t from_ns, int64_t until_ns)
{
    const struct sensor *sensor = &judge->sensor;
    return sensor->blind_until_ns && from_ns <= sensor->blind_until_ns && until_ns >= sensor->blind_from_ns;
}

static uint64_t dropped(const struct capture_told *told)
{
    return told->dropped_ring + told->dropped_interface;
}

/* The window is over: how much of it was lost? */
static void weigh_loss(struct judge *judge, struct sensor_interface *interface, int64_t now_ns)
{
    uint64_t lost = dropped(&interface->now) - dropped(&interface->window);
    uint64_t all = lost + interface->now.received - interface->window.received;
    interface->window = interface->now;
    interface->window_ns = now_ns;
    if (!lost || lost * 1000 < all * LOSS_PER_MILLE)
        return;
    struct finding_key key = key_of(FINDING_CAPTURE_LOSS, interface->name);
    bool opens;
    struct finding *finding = findings_sensor(judge, &key, interface->name, now_ns, &opens);
    if (!finding)
        return;
    finding->count += lost;
    if (opens)
        say_loss(finding, interface, lost, all);
    findings_sensor_told(judge, finding, opens);
}

/* Packets are back: this silence is over, and the next one is another finding. */
static void silence_is_over(struct judge *judge, struct sensor_interface *interface, int64_t now_ns)
{
    struct finding_key key = key_of(FINDING_CAPTURE_SILENT, interface->name);
    struct finding *finding = map_find(&judge->findings, &key);
    interface->is_silent = false;
    if (!finding)
        return;
    snprintf(
        finding->reason, sizeof finding->reason,
        "interface %s shows packets again, after %lld s without any; nothing that passed there meanwhile "
        "was judged",
        interface->name,
        (long long)((now_ns - interface->now.silent_ns - interface->silent_from_ns) / NS_PER_S));
    findings_sensor_over(judge, finding, now_ns);
}

static void weigh_silence(struct judge *judge, struct sensor_interface *interface, int64_t now_ns)
{
    int64_t silent_ns = interface->now.silent_ns, silence_ns = interface->now.silence_ns;
    if (silent_ns < (silence_ns ? silence_ns : INT64_C(1) * SILENT_S * NS_PER_S)) {
        if (interface->is_silent)
            silence_is_over(judge, interface, now_ns);
        return;
    }
    struct finding_key key = key_of(FINDING_CAPTURE_SILENT, interface->name);
    bool opens;
    struct finding *finding = findings_sensor(judge, &key, interface->name, now_ns, &opens);
    if (!finding)
        return;
    interface->is_silent = true;
    if (opens) {
        finding->count = 1;
        interface->silent_from_ns = now_ns - silent_ns;
        snprintf(finding->reason, sizeof finding->reason,
                 "interface %s has shown no packet for %lld s; nothing that passes there is judged",
                 interface->name, (long long)(silent_ns / NS_PER_S));
        snprintf(finding->advice, sizeof finding->advice,
                 "see that %s is up and that the mirror port still sends to it", interface->name);
    }
    findings_sensor_told(judge, finding, opens);
}

static struct sensor_interface *interface_of(struct judge *judge, const char *name, int64_t now_ns)
{
    struct sensor *sensor = &judge->sensor;
    for (unsigned i = 0; i < sensor->count; i++)
        if (strncmp(sensor->interfaces[i].name, name, sizeof sensor->interfaces[i].name - 1) == 0)
            return &sensor->interfaces[i];
    if (sensor->count == INTERFACES_MAX) {
        sensor->refused++;
        return NULL;
    }
    struct sensor_interface *interface = &sensor->interfaces[sensor->count++];
    *interface = (struct sensor_interface){.window_ns = now_ns, .told_ns = now_ns};
    snprintf(interface->name, sizeof interface->name, "%s", name);
    return interface;
}

void judge_capture(struct judge *judge, const struct capture_told *told, int64_t now_ns)
{
    struct sensor_interface *interface = interface_of(judge, told->interface, now_ns);
    if (!interface)
        return;
    if (told->received < interface->now.received || dropped(told) < dropped(&interface->now))
        interface->now = interface->window = (struct capture_told){0}; /* it was opened again */
    if (dropped(told) > dropped(&interface->now))
        note_blindness(&judge->sensor, interface->told_ns, now_ns);
    interface->now = *told;
    interface->told_ns = now_ns;
    if (now_ns - interface->window_ns >= INT64_C(1) * LOSS_WINDOW_S * NS_PER_S)
        weigh_loss(judge, interface, now_ns);
    weigh_silence(judge, interface, now_ns);
}

/* ---- what the flows show, live and in files ---- */

static void weigh_gaps(struct judge *judge, int64_t now_ns)
{
    struct sensor *sensor = &judge->sensor;
    if (sensor->streams < GAP_STREAMS || sensor->torn * 100 < sensor->streams * GAP_PERCENT)
        return;
    struct finding_key key = key_of(FINDING_CAPTURE_LOSS, "");
    bool opens;
    struct finding *finding = findings_sensor(judge, &key, "", now_ns, &opens);
    if (!finding)
        return;
    finding->count += sensor->torn - sensor->torn_told;
    sensor->torn_told = sensor->torn;
    if (opens) {
        snprintf(
            finding->reason, sizeof finding->reason,
            "%llu of %llu TCP streams have holes in the capture that their receivers do not have: packets "
            "were lost on the way to the sensor; what they would have told is not judged",
            (unsigned long long)sensor->torn, (unsigned long long)sensor->streams);
        snprintf(
            finding->advice, sizeof finding->advice,
            "look for drops where the capture was made (SPAN oversubscription, a small ring, a slow disk)");
    }
    findings_sensor_told(judge, finding, opens);
}

static void weigh_duplicates(struct judge *judge, int64_t now_ns)
{
    struct sensor *sensor = &judge->sensor;
    if (sensor->packets < DUPLICATE_PACKETS ||
        sensor->duplicates * 100 <= sensor->packets * DUPLICATE_PERCENT)
        return;
    struct finding_key key = key_of(FINDING_DUPLICATE_PACKETS, "");
    bool opens;
    struct finding *finding = findings_sensor(judge, &key, "", now_ns, &opens);
    if (!finding)
        return;
    finding->count += sensor->duplicates - sensor->duplicates_told;
    sensor->duplicates_told = sensor->duplicates;
    if (opens) {
        snprintf(finding->reason, sizeof finding->reason,
                 "%llu of %llu packets are copies of the packet before: the mirror port shows packets twice; "
                 "they are counted once",
                 (unsigned long long)sensor->duplicates, (unsigned long long)sensor->packets);
        snprintf(
            finding->advice, sizeof finding->advice,
            "mirror each VLAN or port once (only the direction \"rx\", or only one of two VLANs that traffic "
            "is routed between)");
    }
    findings_sensor_told(judge, finding, opens);
}

void sensor_flow_over(struct judge *judge, const struct judge_flow *in)
{
    struct sensor *sensor = &judge->sensor;
    const struct flow *flow = in->flow;
    sensor->packets += (uint64_t)flow->packets[0] + flow->packets[1] + flow->duplicates;
    sensor->duplicates += flow->duplicates;
    if (flow->flags & (FLOW_DATA_0 | FLOW_DATA_1)) {
        sensor->streams++;
        sensor->torn += flow->identity.lost;
    }
    if (flow->identity.lost)
        weigh_gaps(judge, in->now_ns);
    if (flow->duplicates)
        weigh_duplicates(judge, in->now_ns);
}

/* A window is over: what follows is weighed on its own, so that a mended mirror port counts as mended. */
void sensor_window(struct judge *judge)
{
    struct sensor *sensor = &judge->sensor;
    sensor->packets = sensor->duplicates = sensor->duplicates_told = 0;
    sensor->streams = sensor->torn = sensor->torn_told = 0;
}

void sensor_finish(struct judge *judge, int64_t now_ns)
{
    for (unsigned i = 0; i < judge->sensor.count; i++)
        weigh_loss(judge, &judge->sensor.interfaces[i], now_ns);
}
