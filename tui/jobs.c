/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "op/text.h"
#include "profiles/program.h"
#include "tui/command/command.h"
#include "tui/devices.h"

enum { POLL_MS = 2000, SLOW_MS = 1000, MOST_WORDS = 64, TEXT_WIDTH = 76 };

static const char poll_lane[] = "poll";

const struct op *jobs_op(const char *verb)
{
    size_t count;
    const struct op *const *table = program_table(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i]->verb, verb) == 0)
            return table[i];
    return NULL;
}

void jobs_forget(struct console *c, const char *what)
{
    json_object_del(c->reading, what);
}

void jobs_forget_tokens(struct console *c)
{
    const char *what;
    json_t *mark;
    void *next;

    json_object_foreach_safe(c->reading, next, what, mark)
    {
        if (strcmp(what, "profiles") != 0 && strcmp(what, "orders") != 0)
            jobs_forget(c, what);
    }
}

/* Tokens. */

static bool is_among(const json_t *modules, const json_t *module)
{
    size_t index;
    json_t *m;

    json_array_foreach(modules, index, m)
    {
        if (strcmp(op_string(m, "path"), op_string(module, "path")) == 0)
            return true;
    }
    return false;
}

/* A poll asks the modules that work: what failed, and what was left out, stays as it was. */
static void keep_the_rest(const struct console *c, json_t *document)
{
    json_t *modules = json_object_get(document, "modules"), *m;
    size_t index;

    json_object_set(document, "hidden", json_object_get(c->store.tokens, "hidden"));
    json_array_foreach(json_object_get(c->store.tokens, "modules"), index, m)
    {
        if (*op_string(m, "error") != '\0' && !is_among(modules, m))
            json_array_append(modules, m);
    }
}

/* Of a token that is still there: sessions, memory and clock change by themselves. */
static bool is_changed(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"flags", "hidden", "problem", "label"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *x = json_object_get(a, keys[i]), *y = json_object_get(b, keys[i]);

        if ((x != NULL || y != NULL) && !json_equal(x, y))
            return true;
    }
    return false;
}

/* What changed is read anew. */
static void compare_tokens(struct console *c, const json_t *fresh)
{
    size_t index;
    json_t *t;

    json_array_foreach(json_object_get(c->store.tokens, "tokens"), index, t)
    {
        const char *uri = op_string(t, "uri");
        size_t i;
        json_t *other;
        bool same = false;

        json_array_foreach(json_object_get(fresh, "tokens"), i, other)
        {
            same = same || (strcmp(op_string(other, "uri"), uri) == 0 && !is_changed(t, other));
        }
        if (!same && *uri != '\0') {
            store_touch_token(&c->store, uri);
            jobs_forget(c, uri);
        }
    }
}

static void tokens_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;
    bool whole = strcmp(kind, "tokens") == 0;

    /* Parts are for the first time: later, what is there stays until all has come. */
    if (!whole && c->store.complete)
        return;
    if (job_lane(j) != NULL) /* a poll */
        keep_the_rest(c, record);
    if (json_equal(c->store.tokens, record) && c->store.complete)
        return;
    if (whole)
        compare_tokens(c, record);
    store_set_tokens(&c->store, record, whole);
    console_changed(c);
}

static void tokens_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;
    size_t count = json_array_size(json_object_get(c->store.tokens, "tokens"));

    jobs_forget(c, "tokens");
    /* A card that came meanwhile may have been missed. */
    c->next_poll = c->plugged == c->polled ? clock_ms() + POLL_MS : 0;
    c->store.version += !c->store.settled;
    c->store.settled = c->plugged == c->polled;
    if (job_lane(j) != NULL) {
        console_changed(c);
        return;
    }
    store_set_complete(&c->store);
    if (e != NULL && e->code != ERROR_CANCELLED && count == 0)
        console_say(c, STYLE_BAD, "%s", e->text);
    console_changed(c);
}

static const struct job_watcher tokens_watcher = {.record = tokens_record, .ended = tokens_ended};

void jobs_start(struct console *c, const char *verb, const char *const *words, size_t count,
                const char *lane, const struct job_watcher *watcher, const char *what)
{
    struct job_watcher w = *watcher;
    struct error e = ERROR_INIT;

    w.data = c;
    json_object_set_new(c->reading, what, json_true());
    if (work_start(c->work, jobs_op(verb), words, count, lane, &w, &e) == NULL) {
        jobs_forget(c, what);
        console_say(c, STYLE_BAD, "%s", e.text);
    }
}

/* The modules that the console was started with. */
static size_t add_modules(const struct console *c, const char **words, size_t count)
{
    for (size_t i = 0; i < c->module_count && count + 2 <= MOST_WORDS; i++) {
        words[count++] = "--module";
        words[count++] = c->modules[i];
    }
    return count;
}

void jobs_start_here(struct console *c, const char *verb, const struct job_watcher *watcher)
{
    const char *words[MOST_WORDS];
    size_t count = add_modules(c, words, 0);

    jobs_start(c, verb, words, count, NULL, watcher, verb);
}

void jobs_read_tokens(struct console *c)
{
    const char *words[MOST_WORDS];
    size_t count = add_modules(c, words, 0);

    c->polled = c->plugged;
    if (json_object_get(c->reading, "tokens") == NULL)
        jobs_start(c, "tokens", words, count, NULL, &tokens_watcher, "tokens");
}

/* Lists of files: one job at a time for each. Of two, the older could end last, and its list would
 * stand. What was asked for meanwhile is read after it. */

static void read_list(struct console *c, const char *verb, const char *const *words, size_t count,
                      const struct job_watcher *watcher, const char *what)
{
    if (json_object_get(c->reading, what) == NULL)
        jobs_start(c, verb, words, count, NULL, watcher, what);
    else
        json_object_set_new(c->reading, what, json_false());
}

/* True where it was asked for once more. */
static bool list_ended(struct console *c, const char *what)
{
    bool again = json_is_false(json_object_get(c->reading, what));

    jobs_forget(c, what);
    return again;
}

/* Profiles. */

static void profiles_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j, (void)kind;
    store_set_profiles(&c->store, record);
    console_changed(c);
}

static void profiles_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;

    (void)j;
    if (e != NULL)
        console_say(c, STYLE_BAD, "%s", e->text);
    if (list_ended(c, "profiles"))
        jobs_read_profiles(c);
}

void jobs_read_profiles(struct console *c)
{
    static const struct job_watcher watcher = {.record = profiles_record, .ended = profiles_ended};

    read_list(c, "profile list", NULL, 0, &watcher, "profiles");
}

/* Orders: those of the folder that the console was started in, and those that were made on this
 * machine. One that cannot be read has its problem in the list. */

static void orders_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j, (void)kind;
    store_set_orders(&c->store, record);
    console_changed(c);
}

static void orders_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;

    (void)j;
    if (e != NULL)
        log_add(c->log, e->text);
    if (list_ended(c, "orders"))
        jobs_read_orders(c);
}

void jobs_read_orders(struct console *c)
{
    static const struct job_watcher watcher = {.record = orders_record, .ended = orders_ended};
    const char *words[] = {"--known"};

    read_list(c, "order list", words, 1, &watcher, "orders");
}

/* Objects and details. What a job read is known by its first word. */

static void objects_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j, (void)kind;
    store_set_objects(&c->store, op_string(json_object_get(record, "token"), "uri"), record);
    console_changed(c);
}

static void detail_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)j, (void)kind;
    store_set_detail(&c->store, op_string(record, "uri"), record);
    console_changed(c);
}

static void reading_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;
    const char *what = op_text_at(job_args(j), job_op(j)->args[0].name, 0);

    /* Not asked for again by itself; a change of the token, or `r`, forgets that. */
    if (e == NULL)
        jobs_forget(c, what);
    else if (e->code != ERROR_CANCELLED)
        console_say(c, STYLE_BAD, "%s", e->text);
    console_changed(c);
}

static void read_from(struct console *c, const char *verb, const char *uri, const json_t *token,
                      const struct job_watcher *watcher)
{
    const char *path = store_module_path(&c->store, token);
    const char *words[] = {uri, "--module", path};

    if (*uri != '\0' && *path != '\0' && json_object_get(c->reading, uri) == NULL)
        jobs_start(c, verb, words, 3, path, watcher, uri);
}

static bool is_at_work(const struct console *c, const char *verb)
{
    for (size_t i = 0; i < work_count(c->work); i++)
        if (strcmp(job_op(work_job(c->work, i))->verb, verb) == 0)
            return true;
    return false;
}

static void check_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct console *c = data;

    (void)kind;
    if (job_is_cancelled(j))
        return;
    store_set_check(&c->store, op_text_at(job_args(j), "PROFILE", 0), record, false);
    console_changed(c);
}

/* An error is what `check` is there to find: it stands among the findings. Where it was cancelled,
 * nothing was found; `r` asks again. */
static void check_ended(void *data, struct job *j, const struct error *e)
{
    struct console *c = data;

    (void)e;
    if (!job_is_cancelled(j))
        jobs_forget(c, op_text_at(job_args(j), "PROFILE", 0));
}

/* Whether the profile of this row could sign, once; no try is spent. */
static void read_check(struct console *c)
{
    static const struct job_watcher watcher = {.record = check_record, .ended = check_ended};
    const json_t *profile = command_profile_here(c);
    const char *path = op_string(profile, "path");

    if (profile != NULL && op_true(profile, "valid") && store_check(&c->store, profile) == NULL &&
        json_object_get(c->reading, path) == NULL)
        jobs_start(c, "check", &path, 1, NULL, &watcher, path);
}

void jobs_read_missing(struct console *c)
{
    static const struct job_watcher objects = {.record = objects_record, .ended = reading_ended};
    static const struct job_watcher detail = {.record = detail_record, .ended = reading_ended};
    const json_t *object = console_object(c), *token;
    const char *uri;
    size_t index;
    json_t *t;

    json_array_foreach(json_object_get(c->store.tokens, "tokens"), index, t)
    {
        if (store_shows(&c->store, t) &&
            (store_objects(&c->store, t) == NULL || store_is_stale(&c->store, op_string(t, "uri"))))
            read_from(c, "objects", op_string(t, "uri"), t, &objects);
    }
    read_check(c);
    token = console_token(c);
    uri = object != NULL  ? op_string(object, "uri")
          : token != NULL ? checklist_certificate(&c->store, token)
                          : NULL;
    /* One at a time: whoever scrolls through thousands wants the last one, not each. */
    if (uri != NULL && store_detail(&c->store, uri) == NULL && !is_at_work(c, "show"))
        read_from(c, "show", uri, token, &detail);
}

/* What a person asked for. */

struct errand {
    struct console *console;
    char *token_uri;
    unsigned pager; /* number of its window; 0: none yet */
    bool pulled;    /* its card was taken out meanwhile */
};

/* The pager of the errand while it is open; NULL. */
static struct window *pager_of(const struct errand *r)
{
    struct window *w = r->console->windows;

    while (w != NULL && w->number != r->pager)
        w = w->below;
    return w;
}

static void write_text(struct job *j, const char *kind, const json_t *record, unsigned width,
                       struct buffer *out)
{
    if (job_op(j)->text != NULL)
        job_op(j)->text(kind, record, width, false, out);
    else
        op_plain(record, 0, out);
}

static bool is_one_line(const char *text)
{
    return strchr(text, '\n') == NULL || text[strcspn(text, "\n") + 1] == '\0';
}

/* What is one line unless it is broken for a pager has room below, where there are two. */
static bool say_line(struct errand *r, struct job *j, const char *kind, const json_t *record)
{
    struct buffer text = BUFFER_INIT;
    bool one;

    write_text(j, kind, record, 2 * TEXT_WIDTH, &text);
    one = text.length > 0 && pager_of(r) == NULL && buffer_text(&text) != NULL &&
          is_one_line(buffer_text(&text));
    if (one)
        console_say(r->console, STYLE_GOOD, "%.*s", (int)strcspn(buffer_text(&text), "\n"),
                    buffer_text(&text));
    buffer_free(&text);
    return one;
}

static void show_text(struct errand *r, struct job *j, const char *text)
{
    struct window *pager = pager_of(r);

    if (pager != NULL) {
        pager_add(pager, text);
        return;
    }
    pager = pager_new(job_op(j)->verb);
    if (pager != NULL)
        pager_add(pager, text);
    console_open(r->console, pager);
    r->pager = r->console->opened;
}

/* Records that the console knows itself go where they belong. */
static bool keep_record(struct errand *r, struct job *j, const char *kind, json_t *record)
{
    struct console *c = r->console;

    if (strcmp(kind, "check") == 0 && strcmp(job_op(j)->verb, "check") == 0) {
        const char *path = op_text_at(job_args(j), "PROFILE", 0);

        if (job_is_cancelled(j))
            return true;
        store_set_check(&c->store, path, record, op_flag(job_args(j), "trial"));
        if (op_true(record, "ready"))
            console_say(c, STYLE_GOOD, "profile '%s' %s", op_string(record, "profile"),
                        op_flag(job_args(j), "trial")
                            ? "signed: PIN, key and certificate belong together"
                            : "is ready to sign; t makes a trial signature");
        console_changed(c);
        return true;
    }
    if (strcmp(kind, "counters") == 0)
        devices_keep_record(c, kind, record);
    if (strncmp(kind, "objects", 7) == 0 && op_flag(job_args(j), "login")) {
        objects_record(c, j, kind, record);
        return true;
    }
    return false;
}

static void errand_record(void *data, struct job *j, const char *kind, json_t *record)
{
    struct errand *r = data;
    struct buffer text = BUFFER_INIT;

    console_close_for(r->console, j);
    if (keep_record(r, j, kind, record) || say_line(r, j, kind, record))
        return;
    write_text(j, kind, record, TEXT_WIDTH, &text);
    if (text.length > 0 && buffer_text(&text) != NULL)
        show_text(r, j, buffer_text(&text));
    buffer_free(&text);
}

static void errand_told(void *data, struct job *j, const char *line)
{
    struct errand *r = data;

    (void)j;
    log_add(r->console->log, line);
    console_say(r->console, STYLE_WARN, "%s", line);
}

static void errand_asked(void *data, struct job *j, const struct job_question *q)
{
    struct errand *r = data;
    struct window *w = ask_job(r->console->windows, j, q);

    if (w != NULL)
        console_open(r->console, w);
}

static void errand_ended(void *data, struct job *j, const struct error *e)
{
    struct errand *r = data;
    struct console *c = r->console;
    unsigned effects = job_op(j)->effects;

    if (e != NULL)
        console_say(c, e->code == ERROR_CANCELLED ? STYLE_WARN : STYLE_BAD, "%s%s",
                    r->pulled ? "the card was taken out: " : "", e->text);
    if (e != NULL)
        log_add(c->log, e->text);
    if (effects & OP_WRITES) {
        jobs_read_profiles(c);
        jobs_read_orders(c);
    }
    if (effects & OP_CHANGES)
        c->next_poll = 0; /* a token may be new */
    if ((effects & (OP_CHANGES | OP_LOGS_IN)) && r->token_uri != NULL) {
        c->next_poll = 0; /* the counter may have moved */
        store_touch_figures(&c->store, r->token_uri);
        if (effects & OP_CHANGES)
            store_touch_token(&c->store, r->token_uri);
    }
    console_changed(c);
    free(r->token_uri);
    free(r);
}

/* Some can do without: they log in when they are told to. */
static bool will_log_in(const struct job *j)
{
    static const char *const switches[] = {"trial", "login"};

    for (size_t i = 0; i < job_op(j)->arg_count; i++)
        for (size_t k = 0; k < sizeof switches / sizeof *switches; k++)
            if (strcmp(job_op(j)->args[i].name, switches[k]) == 0)
                return op_flag(job_args(j), switches[k]);
    return job_op(j)->effects & OP_LOGS_IN;
}

/* NULL: it is none that a person asked for, or not of a token. */
static struct errand *errand_of(const struct job *j)
{
    struct errand *r = job_watcher(j)->asked == errand_asked ? job_watcher(j)->data : NULL;

    return r != NULL && r->token_uri != NULL ? r : NULL;
}

static bool is_pulled(const struct job *j)
{
    return errand_of(j) != NULL && errand_of(j)->pulled;
}

void jobs_cards_changed(struct console *c)
{
    for (size_t i = 0; i < work_count(c->work); i++) {
        struct job *j = work_job(c->work, i);
        struct errand *r = errand_of(j);
        const json_t *token = r == NULL ? NULL : store_token(&c->store, r->token_uri);

        if (token == NULL || r->pulled || !store_token_is_gone(&c->store, token))
            continue;
        r->pulled = true;
        console_say(c, STYLE_BAD,
                    "the card was taken out while '%s' is at work; some modules notice only after "
                    "a minute, and are ended then",
                    job_op(j)->verb);
    }
}

bool jobs_have_login(const struct console *c)
{
    for (size_t i = 0; i < work_count(c->work); i++)
        if (job_running(work_job(c->work, i)) && will_log_in(work_job(c->work, i)))
            return true;
    return false;
}

/* Nothing of ours may be at a card that somebody is logged in to. Else the news of a card goes
 * first: what is at work may hang on one that was pulled out. */
static bool may_poll(const struct console *c)
{
    bool news = c->plugged != c->polled;

    for (size_t i = 0; i < work_count(c->work); i++) {
        const struct job *j = work_job(c->work, i);

        if (!job_stays(j) && (!news || (will_log_in(j) && !is_pulled(j))))
            return false;
    }
    return clock_ms() >= c->next_poll && c->store.complete &&
           json_object_get(c->reading, "tokens") == NULL;
}

/* One that failed after it had worked gets a new chance with each card. */
static bool is_polled(const struct console *c, const json_t *module)
{
    return *op_string(module, "error") == '\0' ||
           (c->plugged != c->polled && *op_string(module, "library-version") != '\0');
}

void jobs_poll(struct console *c)
{
    const char *words[MOST_WORDS];
    size_t count = 0, index;
    json_t *m;

    if (!may_poll(c))
        return;
    json_array_foreach(json_object_get(c->store.tokens, "modules"), index, m)
    {
        if (!is_polled(c, m) || count + 2 > MOST_WORDS)
            continue;
        words[count++] = "--module";
        words[count++] = op_string(m, c->module_count > 0 ? "path" : "name");
    }
    c->next_poll = clock_ms() + POLL_MS;
    c->polled = c->plugged;
    if (count > 0)
        jobs_start(c, "tokens", words, count, poll_lane, &tokens_watcher, "tokens");
    else
        c->store.settled = true;
}

struct job *jobs_run(struct console *c, const char *verb, const json_t *token,
                     const char *const *words, size_t count)
{
    const char *path = token == NULL ? NULL : store_module_path(&c->store, token);
    const char *all[MOST_WORDS];
    size_t used = 0;
    struct errand *r = calloc(1, sizeof *r);
    struct job_watcher watcher = {.record = errand_record,
                                  .told = errand_told,
                                  .asked = errand_asked,
                                  .ended = errand_ended,
                                  .data = r};
    struct error e = ERROR_INIT;
    struct job *j = NULL;

    if (path != NULL && *path != '\0') {
        all[used++] = "--module";
        all[used++] = path;
    } else if (token == NULL) {
        used = add_modules(c, all, 0);
    }
    if (r == NULL || used + count > MOST_WORDS) {
        free(r);
        return NULL;
    }
    r->console = c;
    if (token != NULL)
        r->token_uri = strdup(op_string(token, "uri"));
    for (size_t i = 0; i < count; i++)
        all[used++] = words[i];
    j = work_start(c->work, jobs_op(verb), all, used, path, &watcher, &e);
    if (j == NULL) {
        console_say(c, STYLE_BAD, "%s", e.text);
        free(r->token_uri);
        free(r);
    } else if (will_log_in(j)) {
        console_open(c, ask_wait(j));
    }
    return j;
}

void jobs_describe(const struct console *c, char *out, size_t size)
{
    const struct job *oldest = NULL;
    int64_t now = clock_ms();

    out[0] = '\0';
    for (size_t i = 0; i < work_count(c->work); i++) {
        const struct job *j = work_job(c->work, i);

        bool is_poll = job_lane(j) != NULL && strcmp(job_lane(j), poll_lane) == 0 &&
                       now - job_started(j) < SLOW_MS;

        if (job_running(j) && !job_stays(j) && !is_poll &&
            (oldest == NULL || job_started(j) < job_started(oldest)))
            oldest = j;
    }
    if (oldest == NULL)
        return;
    if (now - job_started(oldest) < SLOW_MS)
        snprintf(out, size, "%s %s", screen_spinner(c->ticks), job_op(oldest)->verb);
    else
        snprintf(out, size, "%s %s %s, %lld s (Esc cancels)", screen_spinner(c->ticks),
                 job_op(oldest)->verb, job_lane(oldest) == NULL ? "" : job_lane(oldest),
                 (long long)(now - job_started(oldest)) / 1000);
}
