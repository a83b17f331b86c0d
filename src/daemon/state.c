/* SPDX-License-Identifier: BSD-2-Clause
 *
 * state.c - the daemon's state as `ctl status` and `ctl health` give it, one line of JSON each. What counts
 * as wrong stands in look_for_problems(). Called by the run loop; src/command/ctl.c makes text of it.
 */
#include "state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "rolecall/json_out.h"

enum { TIME_SIZE = 32, PROBLEM_SIZE = 256, ENTRY_SIZE = 1024 /* more than an interface or output takes */ };
static const int64_t NS_PER_S = 1000000000, NS_PER_MS = 1000000;
static const int64_t WINDOW_NS = 60000000000;
static const int64_t LAG_NS_MAX = 5000000000; /* so far behind, a ring is about to overflow */

static void put_time(struct json_out *json, const char *key, int64_t ns)
{
    char text[TIME_SIZE];
    struct tm utc;
    time_t seconds = (time_t)(ns / NS_PER_S);
    if (ns <= 0 || !gmtime_r(&seconds, &utc) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        return;
    json_string(json, key, text);
}

static void put_text(struct json_out *json, const char *key, const char *text)
{
    if (text)
        json_string(json, key, text);
}

static void put_interface(struct json_out *json, const struct state_interface *interface)
{
    json_object(json, NULL);
    json_string(json, "name", interface->name);
    json_string(json, "state", !interface->up ? "down" : interface->silent ? "silent" : "up");
    json_unsigned(json, "packets", interface->packets);
    json_unsigned(json, "bytes", interface->bytes);
    json_unsigned(json, "dropped_ring", interface->dropped_ring);
    json_unsigned(json, "dropped_interface", interface->dropped_interface);
    json_unsigned(json, "went_down", interface->lost_link);
    put_time(json, "last_packet", interface->last_packet_ns);
    json_end_object(json);
}

static uint64_t lost_by(const struct sink_state *output)
{
    uint64_t lost = 0;
    for (unsigned i = 0; i < DATASET_COUNT; i++)
        lost += output->lost[i];
    return lost;
}

static void put_output(struct json_out *json, const struct sink_state *output)
{
    static const char *const healths[] = {
        [SINK_OK] = "ok", [SINK_RETRYING] = "retrying", [SINK_FAILED] = "failed"};
    json_object(json, NULL);
    json_string(json, "name", output->name);
    json_string(json, "type", sink_kind_name(output->kind));
    json_string(json, "state", healths[output->health]);
    put_time(json, "since", output->health_since_ns);
    if (*output->error)
        json_string(json, "error", output->error);
    json_unsigned(json, "written_events", output->written_lines);
    json_unsigned(json, "written_bytes", output->written_bytes);
    json_unsigned(json, "lost_events", lost_by(output));
    json_unsigned(json, "resent_events", output->resent_lines);
    json_unsigned(json, "queued_events", output->queued_lines);
    json_unsigned(json, "queued_bytes", output->queued_bytes);
    json_unsigned(json, "queue_bytes", output->queue_size);
    json_end_object(json);
}

static void put_lists(struct json_out *json, const struct daemon_state *state)
{
    json_array(json, "interfaces");
    for (unsigned i = 0; i < state->interface_count && json_has_room(json, ENTRY_SIZE); i++)
        put_interface(json, &state->interfaces[i]);
    json_end_array(json);
    json_array(json, "outputs");
    for (unsigned i = 0; i < state->output_count && json_has_room(json, ENTRY_SIZE); i++)
        put_output(json, &state->outputs[i]);
    json_end_array(json);
}

static void put_counters(struct json_out *json, const struct daemon_state *state)
{
    const char *name;
    uint64_t value;
    json_object(json, "engine");
    for (unsigned i = 0; (name = engine_counter(state->engine, i, &value)) && json_has_room(json, ENTRY_SIZE);
         i++)
        json_unsigned(json, name, value);
    json_end_object(json);
}

static size_t finish(struct json_out *json, char *out)
{
    json_end_object(json);
    bool whole = json_finish(json);
    assert(whole); /* every list stops while there is room */
    *json->at++ = '\n';
    return (size_t)(json->at - out);
}

size_t state_write_status(const struct daemon_state *state, char *out, size_t size)
{
    struct json_out json;
    json_start(&json, out, size - 1);
    json_object(&json, NULL);
    json_string(&json, "version", ROLECALL_VERSION);
    json_unsigned(&json, "pid", (uint64_t)getpid());
    put_time(&json, "started", state->started_ns);
    json_unsigned(&json, "uptime_s", (uint64_t)((state->now_ns - state->started_ns) / NS_PER_S));
    put_text(&json, "run_id", state->run_id);
    put_text(&json, "config", state->config_path);
    put_text(&json, "site_file", state->site_path);
    put_text(&json, "site", state->site_name);
    json_unsigned(&json, "matrices", state->matrix_count);
    json_unsigned(&json, "rows", state->row_count);
    json_unsigned(&json, "workers", state->worker_count);
    json_unsigned(&json, "memory_ceiling", state->memory_ceiling);
    json_unsigned(&json, "memory_resident", state->memory_resident);
    json_signed(&json, "lag_ms", state->lag_ns / NS_PER_MS);
    json_unsigned(&json, "events", state->events);
    json_object(&json, "reload");
    json_unsigned(&json, "good", state->reload.good);
    json_unsigned(&json, "refused", state->reload.refused);
    json_bool(&json, "last_refused", state->reload.last_refused);
    put_time(&json, "last", state->reload.last_ns);
    json_end_object(&json);
    put_text(&json, "sandbox", state->sandbox);
    put_lists(&json, state);
    if (state->engine)
        put_counters(&json, state);
    return finish(&json, out);
}

/* Health. */

static struct state_losses losses_of(const struct daemon_state *state)
{
    struct state_losses losses = {.at_ns = state->now_ns};
    for (unsigned i = 0; i < state->interface_count; i++) {
        losses.ring += state->interfaces[i].dropped_ring;
        losses.interface += state->interfaces[i].dropped_interface;
    }
    for (unsigned i = 0; i < state->output_count; i++)
        losses.outputs += lost_by(&state->outputs[i]);
    return losses;
}

void state_window_move(struct state_window *window, const struct daemon_state *state)
{
    if (window->recent.at_ns && state->now_ns - window->recent.at_ns < WINDOW_NS &&
        state->now_ns >= window->recent.at_ns)
        return; /* a clock that was set back starts a new window */
    window->old = window->recent;
    window->recent = losses_of(state);
}

struct problems {
    struct json_out *json;
    unsigned count;
};

static void problem(struct problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(struct problems *problems, const char *format, ...)
{
    char text[PROBLEM_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    problems->count++;
    if (json_has_room(problems->json, 2 * PROBLEM_SIZE))
        json_string(problems->json, NULL, text);
}

static void look_for_problems(const struct daemon_state *state, const struct state_losses *old,
                              struct problems *problems)
{
    struct state_losses now = losses_of(state);
    for (unsigned i = 0; i < state->interface_count; i++) {
        const struct state_interface *interface = &state->interfaces[i];
        if (!interface->up)
            problem(problems, "interface %s is down", interface->name);
        else if (interface->silent)
            problem(problems, "interface %s is silent: is the mirror port set up?", interface->name);
    }
    for (unsigned i = 0; i < state->output_count; i++) {
        const struct sink_state *output = &state->outputs[i];
        if (output->health != SINK_OK)
            problem(problems, "output %s %s: %s", output->name,
                    output->health == SINK_FAILED ? "failed" : "is retried", output->error);
    }
    if (now.ring > old->ring)
        problem(problems, "%" PRIu64 " packets lost because the ring was full", now.ring - old->ring);
    if (now.interface > old->interface)
        problem(problems, "%" PRIu64 " packets dropped by interfaces", now.interface - old->interface);
    if (now.outputs > old->outputs)
        problem(problems, "%" PRIu64 " events lost by outputs", now.outputs - old->outputs);
    if (state->lag_ns > LAG_NS_MAX)
        problem(problems, "%" PRId64 " s behind the packets", state->lag_ns / NS_PER_S);
    if (state->reload.last_refused)
        problem(problems, "the last reload was refused: older rules and site are in force");
}

size_t state_write_health(const struct daemon_state *state, const struct state_window *window, char *out,
                          size_t size, int *status)
{
    struct json_out json;
    json_start(&json, out, size - 1);
    json_object(&json, NULL);
    json_array(&json, "problems");
    struct problems problems = {.json = &json};
    look_for_problems(state, &window->old, &problems);
    json_end_array(&json);
    json_bool(&json, "healthy", problems.count == 0);
    *status = problems.count > 0;
    return finish(&json, out);
}
