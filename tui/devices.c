/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/devices.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "op/text.h"
#include "tui/jobs.h"

enum { MOST_WORDS = 64, MOST_FAILURES = 2 };

/* Readers. */

static void readers_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j, (void)kind;
    if (store_set_readers(&c->store, record)) {
        c->plugged++;
        c->next_poll = 0;
        c->store.settled = false;
        store_set_doctor(&c->store, NULL);
        jobs_cards_changed(c);
    }
    console_changed(c);
}

static void readers_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;

    (void)j;
    if (e != NULL && e->code != ERROR_CANCELLED)
        console_say(c, STYLE_BAD, "%s", e->text);
}

void devices_watch(struct console *c)
{
    static const char *const words[] = {"--watch"};
    static const struct job_watcher watcher = {
        .record = readers_record, .ended = readers_ended, .stays = true};

    jobs_start(c, "readers", words, 1, NULL, &watcher, "readers");
}

/* Figures. */

static void time_now(char out[16])
{
    time_t now = time(NULL);
    struct tm local;

    localtime_r(&now, &local);
    strftime(out, 16, "%H:%M:%S", &local);
}

static void keep_counters(struct console *c, json_t *record)
{
    char now[16];
    size_t index;
    json_t *one;

    time_now(now);
    json_array_foreach(json_object_get(record, "tokens"), index, one)
        store_set_figures(&c->store, op_string(one, "uri"), one, now);
    json_array_foreach(json_object_get(record, "cards"), index, one)
        store_set_figures(&c->store, op_string(one, "reader"), one, now);
}

static void keep_containers(struct console *c, json_t *record)
{
    size_t index;
    json_t *one;

    json_array_foreach(json_object_get(record, "tokens"), index, one)
        store_set_names(&c->store, op_string(one, "uri"), one);
}

bool devices_keep_record(struct console *c, const char *kind, json_t *record)
{
    if (strcmp(kind, "counters") == 0)
        keep_counters(c, record);
    else if (strcmp(kind, "containers") == 0)
        keep_containers(c, record);
    else
        return false;
    console_changed(c);
    return true;
}

static void device_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j;
    c->told = true;
    devices_keep_record(c, kind, record);
}

static void device_told(void *data, struct job *j, const char *line)
{
    struct console *c = data;

    (void)j;
    log_add(c->log, line);
}

/* What the job was about: its first word, or the reader. */
static const char *subject_of(const struct job *j)
{
    const char *reader = op_text(job_args(j), "reader");

    return reader != NULL ? reader : op_text_at(job_args(j), "TOKEN", 0);
}

/* Why there is nothing, as a record of its own: it is not asked again by itself. */
static json_t *nothing(const struct error *e)
{
    return json_pack("{s:s}", "problem", e == NULL ? "" : e->text);
}

static void say_asked(struct console *c, const char *subject)
{
    const char *problem = op_string(store_figures(&c->store, subject), "problem");

    if (*problem == '\0')
        console_say(c, STYLE_GOOD, "the tries left were asked for; none was spent");
    else
        console_say(c, STYLE_WARN, "not asked: %s", problem);
}

/* A card that has just come may not be ready for its module: once more, after the next look at the
 * modules. */
static void try_again(struct console *c, const char *subject, const struct error *e)
{
    if (e == NULL)
        c->failures = 0;
    if (e == NULL || e->code == ERROR_CANCELLED || ++c->failures > MOST_FAILURES)
        return;
    store_touch_figures(&c->store, subject);
    c->store.settled = false;
    c->next_poll = 0;
}

static void counters_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;
    const char *subject = subject_of(j);
    char now[16];

    jobs_forget(c, "counters");
    if (c->answering && e != NULL)
        console_say(c, STYLE_BAD, "%s", e->text);
    else if (c->answering)
        say_asked(c, subject);
    if (!c->told || store_figures(&c->store, subject) == NULL) {
        json_t *none = nothing(e);

        time_now(now);
        store_set_figures(&c->store, subject, none, now);
        json_decref(none);
    }
    /* What was read before a person asked is no answer. */
    if (c->asked_figures && !c->answering)
        store_touch_figures(&c->store, subject);
    c->asked_figures = c->asked_figures && !c->answering;
    try_again(c, subject, e);
    console_changed(c);
}

static void containers_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;
    const char *uri = op_text_at(job_args(j), "TOKEN", 0);

    jobs_forget(c, "containers");
    if (!c->told || store_names(&c->store, uri) == NULL) {
        json_t *none = nothing(e);

        store_set_names(&c->store, uri, none);
        json_decref(none);
    }
    console_changed(c);
}

/* The modules that show the same slot as this one, each with its --module: they have a hand on its
 * card. */
static size_t add_modules_of(const struct console *c, const char *slot, const char **words,
                             size_t count)
{
    size_t index;
    json_t *t;

    json_array_foreach(json_object_get(c->store.tokens, "tokens"), index, t)
    {
        const char *path = store_module_path(&c->store, t);
        bool named = *path == '\0';

        if (strcmp(op_string(json_object_get(t, "slot"), "description"), slot) != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            named = named || strcmp(words[i], path) == 0;
        if (!named && count + 2 <= MOST_WORDS) {
            words[count++] = "--module";
            words[count++] = path;
        }
    }
    return count;
}

static void read_token(struct console *c, const json_t *token, const char *verb,
                       const struct job_watcher *watcher)
{
    const char *words[MOST_WORDS] = {op_string(token, "uri"), "--module",
                                     store_module_path(&c->store, token)};
    const char *slot = op_string(json_object_get(token, "slot"), "description");
    size_t count = add_modules_of(c, slot, words, 3);

    c->told = false;
    jobs_start(c, verb, words, count, words[2], watcher, verb);
}

static void read_card(struct console *c, const json_t *reader, const struct job_watcher *watcher)
{
    const char *words[MOST_WORDS] = {"--reader", op_string(reader, "reader")};
    char slot[65];
    size_t count;

    snprintf(slot, sizeof slot, "%s", words[1]);
    count = add_modules_of(c, slot, words, 2);
    c->told = false;
    jobs_start(c, "counters", words, count, NULL, watcher, "counters");
}

/* The token under the cursor first, then the others; then cards that no module shows. */
static bool read_counters(struct console *c)
{
    static const struct job_watcher watcher = {
        .record = device_record, .told = device_told, .ended = counters_ended};
    const json_t *here = console_token(c), *due = NULL;
    size_t index;
    json_t *one;

    c->answering = c->asked_figures;
    if (here != NULL && store_needs_figures(&c->store, op_string(here, "uri")))
        due = here;
    json_array_foreach(json_object_get(c->store.tokens, "tokens"), index, one)
    {
        if (due == NULL && store_shows(&c->store, one) &&
            store_needs_figures(&c->store, op_string(one, "uri")))
            due = one;
    }
    if (due != NULL) {
        read_token(c, due, "counters", &watcher);
        return true;
    }
    json_array_foreach(json_object_get(c->store.readers, "readers"), index, one)
    {
        if (op_true(one, "card") && !store_reader_is_token(&c->store, one) &&
            store_needs_figures(&c->store, op_string(one, "reader"))) {
            read_card(c, one, &watcher);
            return true;
        }
    }
    return false;
}

/* Of the key under the cursor. */
static bool read_containers(struct console *c)
{
    static const struct job_watcher watcher = {
        .record = device_record, .told = device_told, .ended = containers_ended};
    const json_t *object = console_object(c), *token = console_token(c);

    if (object == NULL || token == NULL || jobs_op("containers") == NULL ||
        store_names(&c->store, op_string(token, "uri")) != NULL)
        return false;
    read_token(c, token, "containers", &watcher);
    return true;
}

/* Why there is no token. */

static void doctor_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j, (void)kind;
    store_set_doctor(&c->store, record);
    console_changed(c);
}

/* An error is what it is there to find, and stands in its record. */
static void doctor_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;

    (void)j;
    jobs_forget(c, "doctor");
    if (c->store.doctor == NULL) {
        json_t *none = nothing(e);

        store_set_doctor(&c->store, none);
        json_decref(none);
    }
    console_changed(c);
}

static bool read_doctor(struct console *c)
{
    static const struct job_watcher watcher = {.record = doctor_record, .ended = doctor_ended};

    if (c->store.doctor != NULL || store_shows_any(&c->store) || jobs_op("doctor") == NULL)
        return false;
    jobs_start_here(c, "doctor", &watcher);
    return true;
}

void devices_read_missing(struct console *c)
{
    /* Whatever works may have a hand on the card. */
    if (!c->store.complete || !c->store.settled || work_is_busy(c->work))
        return;
    if (!read_counters(c) && !read_containers(c))
        read_doctor(c);
}
