/* SPDX-License-Identifier: BSD-2-Clause
 *
 * answers.c - what the daemon tells of itself when it is asked (control socket, metrics), and reloads, whose
 * end is an answer too. Called by the run loop, on its thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon_internal.h"
#include "rolecall/json_out.h"

/* ---- the picture ---- */

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*s %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void show_interface(const struct daemon *d, const struct live_counters *from,
                           struct state_interface *to)
{
    int64_t silence_ns = d->config->capture.silence_s * INT64_C(1000000000);
    *to = (struct state_interface){.name = from->name,
                                   .up = from->is_up,
                                   .silent = silence_ns && clock_wall_ns() - from->last_ns >= silence_ns,
                                   .packets = from->packets,
                                   .bytes = from->bytes,
                                   .dropped_ring = from->dropped_ring,
                                   .dropped_interface = from->dropped_interface,
                                   .lost_link = from->went_down,
                                   .last_packet_ns = from->packets ? from->last_ns : 0};
}

static void show_rules(const struct daemon *d, struct daemon_state *state)
{
    state->site_path = d->book->site_path;
    state->site_name = d->book->site ? d->book->site->name : NULL;
    state->matrix_count = d->book->site ? d->book->site->matrix_count : 0;
    for (unsigned order = 0; d->book->policy && order < policy_row_count(d->book->policy); order++)
        state->row_count += policy_row_by_order(d->book->policy, order) != NULL;
}

void daemon_picture(const struct daemon *d, struct picture *out)
{
    memset(out, 0, sizeof *out);
    struct daemon_state *state = &out->state;
    *state = (struct daemon_state){.now_ns = clock_wall_ns(),
                                   .started_ns = d->started_ns,
                                   .config_path = d->config->path,
                                   .run_id = d->run_id,
                                   .memory_ceiling = d->memory_ceiling,
                                   .memory_resident = resident_bytes(),
                                   .engine = d->engine,
                                   .interfaces = out->interfaces,
                                   .outputs = out->outputs,
                                   .workers = out->workers,
                                   .interface_count = live_interface_count(d->live),
                                   .output_count = sinks_count(d->sinks),
                                   .worker_count = (unsigned)d->config->capture.workers,
                                   .reload = d->reloads,
                                   .lag_ns = d->lag_ns,
                                   .events = engine_sequence(d->engine),
                                   .sandbox = d->sandbox.summary};
    show_rules(d, state);
    for (unsigned i = 0; i < state->interface_count; i++)
        show_interface(d, live_counters(d->live, i), &out->interfaces[i]);
    for (unsigned i = 0; i < state->output_count; i++)
        sinks_state(d->sinks, i, &out->outputs[i]);
    for (unsigned i = 0; i < state->worker_count; i++)
        out->workers[i].packets = engine_worker_packets(d->engine, i);
}

size_t daemon_metrics(void *context, char *out, size_t size)
{
    struct daemon *d = context;
    struct picture *picture = malloc(sizeof *picture);
    if (!picture)
        return 0;
    daemon_picture(d, picture);
    size_t used = metrics_write(&picture->state, out, size);
    free(picture);
    return used;
}

/* ---- questions ---- */

static void answer_state(struct daemon *d, const struct control_call *call)
{
    struct picture *picture = malloc(sizeof *picture);
    char *text = malloc(METRICS_SIZE);
    size_t size = 0;
    int status = 0;
    if (picture && text) {
        daemon_picture(d, picture);
        if (call->command == CONTROL_STATUS)
            size = state_write_status(&picture->state, text, STATE_TEXT_SIZE);
        else if (call->command == CONTROL_HEALTH)
            size = state_write_health(&picture->state, &d->window, text, STATE_TEXT_SIZE, &status);
        else
            size = metrics_write(&picture->state, text, METRICS_SIZE);
    }
    control_answer(d->control, call, status, text, size);
    free(picture);
    free(text);
}

void daemon_asked(void *context, const struct control_call *call)
{
    static const char done[] = "{}\n";
    struct daemon *d = context;
    switch (call->command) {
    case CONTROL_REOPEN:
        sinks_reopen(d->sinks);
        control_answer(d->control, call, 0, done, sizeof done - 1);
        break;
    case CONTROL_RELOAD:
        daemon_reload(d, call);
        break;
    default:
        answer_state(d, call);
        break;
    }
}

/* ---- reload ---- */

static const char changed_text[] = "changed in the configuration, in force after a restart: %s";

/* The lines that mistakes_print() would print, as a list of texts. */
static void put_mistakes(struct json_out *json, const struct mistakes *mistakes)
{
    enum { LINE_ROOM = 2 * JSON_STRING_MAX };
    char *text = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);
    json_array(json, "mistakes");
    if (lines) {
        mistakes_print(mistakes, "", lines);
        fclose(lines);
        char *rest = NULL;
        for (char *line = strtok_r(text, "\n", &rest); line && json_has_room(json, LINE_ROOM);
             line = strtok_r(NULL, "\n", &rest))
            json_string(json, NULL, line);
        free(text);
    }
    json_end_array(json);
}

static void put_changed(struct json_out *json, const char *keys)
{
    char text[sizeof changed_text + CONFIG_CHANGED_SIZE];
    snprintf(text, sizeof text, changed_text, keys);
    json_array(json, "warnings");
    json_string(json, NULL, text);
    json_end_array(json);
}

static void answer_reload(struct daemon *d, bool is_good, const struct mistakes *mistakes)
{
    enum { SIZE = 64 << 10 };
    char *text = malloc(SIZE);
    struct json_out json;
    if (text) {
        json_start(&json, text, SIZE - 1);
        json_object(&json, NULL);
        if (!is_good)
            put_mistakes(&json, mistakes);
        else if (*d->reload.changed)
            put_changed(&json, d->reload.changed);
        json_end_object(&json);
        if (json_finish(&json))
            *json.at++ = '\n';
    }
    for (unsigned i = 0; i < d->waiting_count[0]; i++)
        control_answer(d->control, &d->waiting[0][i], is_good ? 0 : DAEMON_REFUSED, text,
                       text ? (size_t)(json.at - text) : 0);
    memcpy(d->waiting[0], d->waiting[1], sizeof d->waiting[0]);
    d->waiting_count[0] = d->waiting_count[1];
    d->waiting_count[1] = 0;
    free(text);
}

/* Puts the new book into force, or finds a reason not to. */
static bool take_over(struct daemon *d, struct rulebook *book, struct mistakes *mistakes)
{
    if (!book || mistakes->count)
        return false;
    if (!book->policy && d->book->policy) {
        mistakes_add(mistakes, d->book->site_path, 0, 0, "", "no site any more", "the site's file");
        return false;
    }
    if (book->policy && !engine_reload(d->engine, book->policy)) {
        mistakes_add(mistakes, book->site_path, 0, 0, "", "no memory for it", "a smaller site");
        return false;
    }
    return true;
}

static void finish_reload(struct daemon *d, struct rulebook *book, struct mistakes *mistakes)
{
    bool is_good = take_over(d, book, mistakes);
    rulebook_free(is_good ? d->book : book);
    if (is_good) {
        d->book = book;
        d->reloads.good++;
        d->reloads.last_ns = clock_wall_ns();
        daemon_say("rules and site are read again, and in force");
        if (*d->reload.changed)
            daemon_say(changed_text, d->reload.changed);
    } else {
        d->reloads.refused++;
        mistakes_print(mistakes, "", stderr);
        daemon_say("not reloaded: rules and site stay as they were");
    }
    d->reloads.last_refused = !is_good;
    answer_reload(d, is_good, mistakes);
    mistakes_clear(mistakes);
    notify_ready();
}

void daemon_reload(struct daemon *d, const struct control_call *call)
{
    unsigned turn = d->reload.is_running;
    if (call && d->waiting_count[turn] < CONTROL_CLIENTS_MAX)
        d->waiting[turn][d->waiting_count[turn]++] = *call;
    d->reload_again = d->reload.is_running;
    if (d->reload.is_running)
        return;
    notify_reloading();
    if (reload_start(&d->reload))
        return;
    struct mistakes mistakes = {0};
    mistakes_add(&mistakes, "reload", 0, 0, "", "no thread for it", "another try");
    finish_reload(d, NULL, &mistakes);
}

void daemon_reload_done(struct daemon *d)
{
    struct mistakes mistakes;
    struct rulebook *book = reload_take(&d->reload, &mistakes);
    finish_reload(d, book, &mistakes);
    if (d->reload_again)
        daemon_reload(d, NULL);
}
