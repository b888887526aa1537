/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/console.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "op/session.h"
#include "op/text.h"
#include "tui/action.h"
#include "tui/devices.h"
#include "tui/jobs.h"
#include "tui/panes.h"

enum { TICK_MS = 120, IDLE_MS = 500 };

void console_say(struct console *c, enum style style, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(c->status, sizeof c->status, format, args);
    va_end(args);
    c->status_style = style;
}

void console_open(struct console *c, struct window *w)
{
    if (w == NULL) {
        console_say(c, STYLE_BAD, "no memory");
        return;
    }
    w->below = c->windows;
    w->number = ++c->opened;
    c->windows = w;
}

static void close_window(struct console *c, struct window *w)
{
    struct window **at = &c->windows;

    while (*at != NULL && *at != w)
        at = &(*at)->below;
    if (*at == w)
        *at = w->below;
    w->close(w);
}

void console_close_for(struct console *c, const struct job *j)
{
    struct window *next;

    for (struct window *w = c->windows; w != NULL; w = next) {
        next = w->below;
        if (w->job == j)
            close_window(c, w);
    }
}

const struct row *console_row(const struct console *c)
{
    size_t at = tree_find(&c->tree, c->selected);

    return at < c->tree.count ? &c->tree.row[at] : NULL;
}

const json_t *console_token(const struct console *c)
{
    const struct row *r = console_row(c);

    return r == NULL || json_is_string(json_object_get(r->token, "hidden")) ? NULL : r->token;
}

const json_t *console_object(const struct console *c)
{
    const struct row *r = console_row(c);

    return r != NULL && (r->kind == ROW_KEY || r->kind == ROW_OBJECT) ? r->record : NULL;
}

const json_t *console_profile(const struct console *c)
{
    const struct row *r = console_row(c);

    return r != NULL && r->kind == ROW_PROFILE ? r->record : NULL;
}

/* One that signs without a person, and will go on to. */
static bool has_working_profile(const struct console *c, const json_t *token)
{
    const json_t *profile = token == NULL ? NULL : store_profile_of(&c->store, token);
    const char *pin = op_string(profile, "pin");

    return *pin != '\0' && strcmp(pin, "prompt") != 0 &&
           op_true(store_check(&c->store, profile), "ready") &&
           !checklist_expires_soon(&c->store, token);
}

static void build_detail(struct console *c)
{
    const struct row *r = console_row(c);
    bool working = r != NULL && r->kind == ROW_TOKEN && has_working_profile(c, r->token);

    detail_build(&c->detail, &c->store, r, c->full || working);
    c->detail_columns = panes_layout(c).detail.columns;
    detail_wrap(&c->detail, c->detail_columns);
    if (c->line >= c->detail.count)
        c->line = c->detail.count > 0 ? c->detail.count - 1 : 0;
}

static void put_cursor(struct console *c, size_t index)
{
    char *id = index < c->tree.count && c->tree.row[index].id != NULL
                   ? strdup(c->tree.row[index].id)
                   : NULL;

    if (id == NULL)
        return;
    if (c->selected == NULL || strcmp(c->selected, id) != 0) {
        c->line = c->line_top = 0;
        c->full = false;
    }
    free(c->selected);
    c->selected = id;
    build_detail(c);
    jobs_read_missing(c);
}

static void choose(struct console *c)
{
    free(c->chosen);
    c->chosen = c->selected == NULL ? NULL : strdup(c->selected);
}

void console_select(struct console *c, size_t index)
{
    put_cursor(c, index);
    choose(c);
}

/* Near the place of what is gone. */
static size_t nearest(const struct tree *t, size_t before)
{
    size_t now = tree_next(t, before < t->count ? before : 0);

    return now < t->count ? now : tree_previous(t, now);
}

/* The cursor stays with its thing, and goes back to it when it comes back: a token that was out for
 * a moment. */
void console_changed(struct console *c)
{
    size_t before = tree_find(&c->tree, c->selected), now;

    tree_build(&c->tree, &c->store);
    now = tree_find(&c->tree, c->chosen);
    if (now == c->tree.count && c->chosen != NULL)
        now = tree_find(&c->tree, c->selected);
    if (now == c->tree.count)
        now = nearest(&c->tree, c->chosen == NULL ? 0 : before);
    if (now < c->tree.count &&
        (c->selected == NULL || strcmp(c->tree.row[now].id, c->selected) != 0))
        put_cursor(c, now);
    build_detail(c);
    jobs_read_missing(c);
}

static void to_window(struct console *c, const struct event *e)
{
    struct window *w = c->windows;

    if (!w->key(w, c, e))
        close_window(c, w);
}

static void to_actions(struct console *c, const struct event *e)
{
    const struct action *a = action_of_key(e->key);
    char name[16];

    if (a != NULL)
        action_run(c, a);
    else
        console_say(c, STYLE_DIM, "%s does nothing here; ? shows the keys",
                    event_key_name(e->key, name));
}

static void take_event(struct console *c, const struct event *e)
{
    if (c->chosen == NULL && e->type != EVENT_RESIZE)
        choose(c);
    if (e->type == EVENT_RESIZE)
        screen_redraw();
    else if (screen_too_small() && e->type == EVENT_KEY &&
             (e->key == 'q' || e->key == KEYS_CTRL('C')))
        c->quit = true;
    else if (screen_too_small())
        return;
    else if (c->windows != NULL)
        to_window(c, e);
    else if (e->type == EVENT_PRESS || e->type == EVENT_WHEEL)
        panes_mouse(c, e);
    else if (e->type == EVENT_KEY)
        to_actions(c, e);
}

/* A question goes with its job. */
static void close_orphans(struct console *c)
{
    struct window *next;

    for (struct window *w = c->windows; w != NULL; w = next) {
        bool alive = w->job == NULL;

        next = w->below;
        for (size_t i = 0; i < work_count(c->work); i++)
            alive = alive || work_job(c->work, i) == w->job;
        if (!alive)
            close_window(c, w);
    }
}

/* SIGTERM and SIGHUP end the console in order; SIGWINCH is for ncurses; a pipe that breaks shows at
 * the call that writes to it. */
static int open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void loop(struct console *c, int signals)
{
    struct pollfd fds[] = {
        {STDIN_FILENO, POLLIN, 0}, {work_fd(c->work), POLLIN, 0}, {signals, POLLIN, 0}};

    while (!c->quit) {
        bool busy = work_is_busy(c->work);
        struct event e;
        int ready;

        panes_draw(c);
        ready = poll(fds, 3, busy ? TICK_MS : IDLE_MS);
        c->ticks++;
        if (ready < 0 && errno != EINTR)
            return;
        if (ready > 0 && ((fds[0].revents & (POLLHUP | POLLERR)) || fds[2].revents != 0))
            return;
        while (!c->quit && (e = event_next()).type != EVENT_NONE)
            take_event(c, &e);
        work_deliver(c->work);
        close_orphans(c);
        jobs_poll(c);
        devices_read_missing(c);
    }
}

static bool prepare(struct console *c, struct error *e)
{
    *c = (struct console){.status_style = STYLE_DIM};
    c->reading = json_object();
    c->log = log_open(e);
    c->work = work_new(e);
    return c->log != NULL && c->work != NULL && store_init(&c->store) && tree_init(&c->tree);
}

static void finish(struct console *c)
{
    work_free(&c->work);
    while (c->windows != NULL)
        close_window(c, c->windows);
    log_close(&c->log);
    tree_free(&c->tree);
    detail_free(&c->detail);
    store_free(&c->store);
    json_decref(c->reading);
    free(c->selected);
    free(c->chosen);
}

int console_run(const char *const *modules, size_t count)
{
    struct error e = ERROR_INIT;
    struct console c;
    int signals;

    if (!screen_open(&e)) {
        fprintf(stderr, "signet: %s\n", e.text);
        return error_exit_status(e.code);
    }
    signals = open_signals();
    event_init();
    op_keep_env_pins(true);
    if (prepare(&c, &e)) {
        c.modules = modules;
        c.module_count = count;
        devices_watch(&c);
        jobs_read_tokens(&c);
        jobs_read_profiles(&c);
        jobs_read_orders(&c);
        console_changed(&c);
        loop(&c, signals);
    }
    screen_close();
    finish(&c);
    op_keep_env_pins(false);
    close(signals);
    if (e.code != ERROR_NONE)
        fprintf(stderr, "signet: %s\n", e.text);
    return e.code == ERROR_NONE ? 0 : error_exit_status(e.code);
}
