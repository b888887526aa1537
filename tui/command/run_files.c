/* SPDX-License-Identifier: Apache-2.0 */
/* "Run on files…": the profile over files, here, with a table that fills while it works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "op/text.h"
#include "tui/command/command.h"
#include "tui/jobs.h"
#include "tui/view/window.h"

enum { MOST_WORDS = 60, STATE_COLUMNS = 11 };

struct item {
    char *file, *text;
    enum style style;
    char state[STATE_COLUMNS];
};

struct run {
    struct window window;
    struct console *console;
    struct job *job; /* NULL once it has ended */
    bool open;       /* the window */
    struct item *item;
    size_t count, top;
    bool follow; /* the newest line is seen */
    int64_t started, ended, busy_ms;
    char said[512];
    char touching[256]; /* the file that a touch is waited for; "" */
    enum style said_style;
};

static void release(struct run *r)
{
    if (r->open || r->job != NULL)
        return;
    for (size_t i = 0; i < r->count; i++) {
        free(r->item[i].file);
        free(r->item[i].text);
    }
    free(r->item);
    free(r);
}

static void say(struct run *r, enum style style, const char *text)
{
    snprintf(r->said, sizeof r->said, "%.500s", text);
    r->said_style = style;
}

static enum style state_style(const char *state)
{
    if (strcmp(state, "failed") == 0)
        return STYLE_BAD;
    return strcmp(state, "not-tried") == 0 ? STYLE_WARN
           : strcmp(state, "signed") == 0  ? STYLE_GOOD
                                           : STYLE_DIM;
}

static void say_touch(struct run *r, const json_t *touch)
{
    char text[128];

    snprintf(text, sizeof text, "touch now, %lld of %lld", (long long)op_number(touch, "number", 0),
             (long long)op_number(touch, "of", 0));
    snprintf(r->touching, sizeof r->touching, "%s", op_string(touch, "file"));
    say(r, STYLE_WARN, text);
}

static void touch_is_over(struct run *r, const char *file)
{
    if (r->touching[0] == '\0' || strncmp(r->touching, file, sizeof r->touching - 1) != 0)
        return;
    r->touching[0] = '\0';
    say(r, STYLE_PLAIN, "");
}

static void record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct run *r = data;
    struct item *grown;

    console_close_for(r->console, j);
    if (strcmp(kind, "touch") == 0)
        say_touch(r, json_object_get(record, "touch"));
    if (strcmp(kind, "summary") == 0 || *op_string(record, "file") == '\0')
        return;
    touch_is_over(r, op_string(record, "file"));
    grown = realloc(r->item, (r->count + 1) * sizeof *grown);
    if (grown == NULL)
        return;
    r->item = grown;
    r->busy_ms = op_number(record, "token-busy-ms", r->busy_ms);
    grown = &r->item[r->count++];
    *grown = (struct item){.file = strdup(op_string(record, "file")),
                           .text = strdup(op_string(json_object_get(record, "error"), "text")),
                           .style = state_style(op_string(record, "status"))};
    snprintf(grown->state, sizeof grown->state, "%s", op_string(record, "status"));
}

static void told(void *data, struct job *j, const char *line)
{
    struct run *r = data;

    (void)j;
    say(r, STYLE_WARN, line);
    log_add(r->console->log, line);
}

static void asked(void *data, struct job *j, const struct job_question *q)
{
    struct run *r = data;

    struct window *w = ask_job(r->console->windows, j, q);

    if (w != NULL)
        console_open(r->console, w);
}

static void ended(void *data, struct job *j, const struct error *e)
{
    struct run *r = data;

    (void)j;
    r->job = NULL;
    r->ended = clock_ms();
    r->console->next_poll = 0;
    if (e != NULL)
        say(r, STYLE_BAD, e->text);
    else
        say(r, STYLE_GOOD, "all done");
    release(r);
}

/* So far, how fast, and how long it will still take. */
static void draw_totals(struct run *r, const struct area *a, int row)
{
    int64_t ms = (r->job != NULL ? clock_ms() : r->ended) - r->started;
    double rate = ms > 0 ? (double)r->count * 1000 / (double)ms : 0;
    long long busy = ms > 0 ? (long long)(r->busy_ms * 100 / ms) : 0;
    uint64_t done = 0, total = 0;
    char what[128], left[64] = "";

    if (r->job != NULL)
        job_progress(r->job, &done, &total, what, sizeof what);
    if (r->job != NULL && total > r->count && rate > 0)
        snprintf(left, sizeof left, ", about %.0f s left", (double)(total - r->count) / rate);
    if (total > 0)
        draw_format(a, row, 0, STYLE_TITLE,
                    "%zu of %llu files, %.1f a second, token busy %lld %%%s", r->count,
                    (unsigned long long)total, rate, busy, left);
    else
        draw_format(a, row, 0, STYLE_TITLE, "%zu files in %.1f s, token busy %lld %%", r->count,
                    (double)ms / 1000, busy);
}

static void draw(struct window *w, struct console *c)
{
    struct run *r = (struct run *)w;
    struct area a = draw_window(screen_rows() - 4, screen_columns() - 8, "Run on files");
    int rows = a.rows - 5;

    (void)c;
    draw_totals(r, &a, 0);
    draw_text(&a, 1, 0, r->said_style, r->said);
    draw_across(&a, 2);
    if (r->follow || r->top + (size_t)rows > r->count)
        r->top = r->count > (size_t)rows ? r->count - (size_t)rows : 0;
    for (int i = 0; i < rows && r->top + (size_t)i < r->count; i++) {
        const struct item *item = &r->item[r->top + (size_t)i];
        const char *text = item->text != NULL && *item->text != '\0' ? item->text : item->file;

        draw_text(&a, i + 3, 0, item->style, item->state);
        draw_text(&a, i + 3, STATE_COLUMNS, STYLE_PLAIN, text);
    }
    draw_text(&a, a.rows - 1, 0, STYLE_DIM,
              r->job != NULL ? "Esc stops after the files in hand   Up, Down scroll"
                             : "Esc closes   Up, Down scroll");
}

static bool key(struct window *w, struct console *c, const struct event *e)
{
    struct run *r = (struct run *)w;
    bool up = e->key == KEYS_UP || e->key == 'k' || e->key == KEYS_PAGE_UP;
    size_t by = e->key == KEYS_PAGE_UP || e->key == KEYS_PAGE_DOWN ? 10 : 1;

    (void)c;
    if (e->type == EVENT_KEY &&
        (e->key == KEYS_ESCAPE || e->key == 'q' || e->key == KEYS_CTRL('C'))) {
        if (r->job == NULL)
            return false;
        job_cancel(r->job);
        say(r, STYLE_WARN, "stopping after the files in hand");
    } else if (up) {
        r->follow = false;
        r->top = r->top > by ? r->top - by : 0;
    } else if (e->key == KEYS_DOWN || e->key == 'j' || e->key == KEYS_PAGE_DOWN) {
        r->top += by;
    } else if (e->key == KEYS_END || e->key == 'G') {
        r->follow = true;
    }
    return true;
}

static void close_window(struct window *w)
{
    struct run *r = (struct run *)w;

    r->open = false;
    release(r);
}

static void start(struct console *c, const char *path, char *files)
{
    struct run *r = calloc(1, sizeof *r);
    struct job_watcher watcher = {
        .record = record, .told = told, .asked = asked, .ended = ended, .data = r};
    const char *words[MOST_WORDS] = {path, "--"};
    struct error e = ERROR_INIT;
    size_t count = 2;
    char *rest = NULL;

    if (r == NULL)
        return;
    for (char *word = strtok_r(files, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        if (count == MOST_WORDS) {
            console_say(c, STYLE_BAD,
                        "more than %d names; write them into a file, one a line, and name it as "
                        "@LIST. Nothing was signed",
                        MOST_WORDS - 2);
            release(r);
            return;
        }
        words[count++] = word;
    }
    r->window = (struct window){.draw = draw, .key = key, .close = close_window};
    r->console = c;
    r->started = clock_ms();
    r->follow = true;
    r->job = work_start(c->work, jobs_op("sign"), words, count, NULL, &watcher, &e);
    if (r->job == NULL) {
        console_say(c, STYLE_BAD, "%s", e.text);
        release(r);
        return;
    }
    r->open = true;
    console_open(c, &r->window);
    console_open(c, ask_wait(r->job));
}

static void answered(struct console *c, const char *data, const char *answer)
{
    char *files = answer == NULL ? NULL : strdup(answer);

    if (files != NULL)
        start(c, data, files);
    free(files);
}

void command_run_files(struct console *c)
{
    const json_t *profile = command_profile_here(c);

    if (profile == NULL)
        console_say(c, STYLE_WARN, "run on files: there is no profile for this yet; p makes one");
    else
        console_open(c, ask_text("Sign which files? Paths with blanks between, @LIST, or nothing "
                                 "for the patterns of the profile",
                                 "", true, answered, op_string(profile, "path")));
}
