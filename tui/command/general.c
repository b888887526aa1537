/* SPDX-License-Identifier: Apache-2.0 */
/* What concerns the console as a whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op/text.h"
#include "profiles/program.h"
#include "tui/action.h"
#include "tui/command/command.h"
#include "tui/jobs.h"

/* In the list of steps: the one under the cursor, or the next. */
static bool enter_step(struct console *c)
{
    const json_t *token = console_token(c);
    struct checklist list;

    if (token == NULL || c->detail.count == 0 || c->detail.line[0].kind != LINE_STEP)
        return false;
    if (c->focus == PANE_DETAIL && c->line < c->detail.count &&
        c->detail.line[c->line].kind == LINE_STEP) {
        command_step(c, c->detail.line[c->line].step);
        return true;
    }
    checklist_make(&list, &c->store, token);
    command_step(c, list.next);
    return true;
}

/* An empty slot, or nothing but one. */
static bool offers_token(const struct console *c, const struct row *r)
{
    const json_t *blank;

    return (r->kind == ROW_TOKEN && store_is_blank(r->record)) ||
           (r->kind == ROW_NONE && c->focus == PANE_TREE && store_blanks(&c->store, &blank) > 0);
}

void command_enter(struct console *c)
{
    const struct row *r = console_row(c);

    if (r == NULL)
        return;
    if (r->kind == ROW_TOKEN && enter_step(c))
        return;
    if (offers_token(c, r)) {
        command_init(c);
        return;
    }
    if (c->focus == PANE_DETAIL) {
        command_copy(c);
    } else if (r->folds) {
        tree_fold(&c->tree, r->id, !r->open);
        console_changed(c);
    } else if (r->kind == ROW_PROFILE) {
        command_profile_check(c);
    } else {
        command_other_pane(c);
    }
}

void command_cancel(struct console *c)
{
    bool busy = work_is_busy(c->work);

    for (size_t i = 0; i < work_count(c->work); i++)
        if (!job_stays(work_job(c->work, i)))
            job_cancel(work_job(c->work, i));
    if (busy)
        console_say(c, STYLE_WARN, "cancelled; r reads again");
    else
        console_say(c, STYLE_DIM, "%s", "");
}

static void quit(struct console *c, const char *data, const char *answer)
{
    (void)data;
    c->quit = answer != NULL;
}

void command_quit(struct console *c)
{
    for (size_t i = 0; i < work_count(c->work); i++)
        if (job_is_errand(work_job(c->work, i))) {
            console_open(c, ask_yes_no("Something is at work. Cancel it and leave?", quit, NULL));
            return;
        }
    c->quit = true;
}

void command_help(struct console *c)
{
    struct window *w = pager_new("Keys");
    struct buffer text = BUFFER_INIT;

    action_help(&text);
    if (w != NULL && buffer_text(&text) != NULL)
        pager_add(w, buffer_text(&text));
    buffer_free(&text);
    console_open(c, w);
}

static bool is_offered(const struct action *a)
{
    return !(a->flags & ACTION_MOVE) && action_exists(a);
}

/* Actions first, then the verbs. */
static void chosen(struct console *c, void *data, size_t index)
{
    size_t count;
    const struct op *const *table = program_table(&count);

    (void)data;
    for (size_t i = 0; i < action_count; i++) {
        if (!is_offered(&actions[i]))
            continue;
        if (index-- == 0) {
            action_run(c, &actions[i]);
            return;
        }
    }
    if (index < count)
        command_open_verb(c, table[index]);
}

void command_palette(struct console *c)
{
    struct window *w = palette_new("Actions and verbs", chosen, NULL);
    const struct op *const *table;
    size_t count;
    char keys[64], text[160];

    table = program_table(&count);
    for (size_t i = 0; w != NULL && i < action_count; i++) {
        if (!is_offered(&actions[i]))
            continue;
        action_keys(&actions[i], keys, sizeof keys);
        palette_add(w, actions[i].name, keys, action_why_not(c, &actions[i]));
    }
    for (size_t i = 0; w != NULL && i < count; i++) {
        snprintf(text, sizeof text, "%s %s",
                 table[i]->program == OP_BATCH ? "signet-batch" : "signet", table[i]->verb);
        palette_add(w, text, "verb", NULL);
    }
    console_open(c, w);
}

static void read_again(struct console *c)
{
    jobs_forget_tokens(c);
    store_forget(&c->store);
    jobs_read_tokens(c);
    jobs_read_profiles(c);
    jobs_read_orders(c);
    console_changed(c);
}

void command_refresh(struct console *c)
{
    work_restart_hosts(c->work, NULL);
    read_again(c);
    console_say(c, STYLE_DIM, "reading again");
}

void command_redraw(struct console *c)
{
    (void)c;
    screen_redraw();
}

void command_hidden(struct console *c)
{
    tree_show_hidden(&c->tree, !c->tree.show_hidden);
    console_changed(c);
}

void command_log(struct console *c)
{
    c->show_log = !c->show_log;
}

static void save_log(struct console *c, const char *data, const char *answer)
{
    struct error e = ERROR_INIT;

    (void)data;
    if (answer == NULL)
        return;
    if (log_save(c->log, answer, &e))
        console_say(c, STYLE_GOOD, "the log stands in '%s'", answer);
    else
        console_say(c, STYLE_BAD, "%s", e.text);
}

void command_save_log(struct console *c)
{
    console_open(c, ask_text("Save the log to which file?", "signet.log", true, save_log, NULL));
}

void command_full(struct console *c)
{
    c->full = !c->full;
    c->line = c->line_top = 0;
    console_changed(c);
}

/* Its host ends; whatever that was asked gets no answer. The other modules stay. */
void command_restart_module(struct console *c)
{
    const char *path = op_string(console_row(c)->record, "path");

    for (size_t i = 0; i < work_count(c->work); i++) {
        struct job *j = work_job(c->work, i);

        if (job_lane(j) != NULL && strcmp(job_lane(j), path) == 0)
            job_cancel(j);
    }
    work_restart_hosts(c->work, path);
    read_again(c);
    console_say(c, STYLE_DIM, "starting '%s' anew", path);
}
