/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/panes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tui/action.h"
#include "tui/command/command.h"
#include "tui/jobs.h"
#include "tui/view/wrap.h"

enum {
    LOG_ROWS = 8,
    STATUS_ROWS = 2,
    GAUGE_CELLS = 18,
    GAUGE_NARROW = 10,
    NARROW = 40,
    WHEEL_ROWS = 3
};

struct panes panes_layout(const struct console *c)
{
    int rows = screen_rows(), columns = screen_columns();
    int log = c->show_log ? LOG_ROWS : 0, left = columns * 2 / 5 + 1, body = rows - 6 - log;

    return (struct panes){
        .title = {0, 1, 1, columns - 2},
        .tree = {2, 1, body, left - 2},
        .detail = {2, left + 2, body, columns - left - 3},
        .log = {rows - 3 - log, 1, log, columns - 2},
        .status = {rows - 3, 1, STATUS_ROWS, columns - 2},
        .keys = {rows - 1, 1, 1, columns - 2},
    };
}

int panes_page(const struct console *c)
{
    return panes_layout(c).tree.rows;
}

static void draw_title(const struct console *c, const struct area *a)
{
    char host[64] = "", work[256], right[400];

    gethostname(host, sizeof host - 1);
    jobs_describe(c, work, sizeof work);
    snprintf(right, sizeof right, "%s%s%.63s %s %s", work, *work != '\0' ? "   " : "", host,
             screen_glyph(GLYPH_WAITING),
             jobs_have_login(c) ? "logs in, and out again" : "not logged in");
    draw_text(a, 0, 0, STYLE_TITLE, "signet");
    draw_right(a, 0, STYLE_DIM, right);
}

static void draw_lines(const struct panes *p)
{
    int columns = screen_columns(), between = p->detail.column - 2;
    struct area whole = {0, 0, screen_rows(), columns};

    draw_across(&whole, 1);
    draw_across(&whole, p->tree.row + p->tree.rows);
    draw_down(p->tree.row, between, p->tree.rows);
    draw_glyph(1, between, STYLE_DIM, GLYPH_TEE);
    draw_glyph(p->tree.row + p->tree.rows, between, STYLE_DIM, GLYPH_TEE_UP);
}

/* A bar of some cells; returns the columns used. */
static int draw_gauge(const struct area *a, int row, int column, enum style style, int filled,
                      int total)
{
    int cells = a->columns < NARROW ? GAUGE_NARROW : GAUGE_CELLS,
        full = total > 0 ? (filled * cells + total - 1) / total : 0;

    for (int i = 0; i < cells && column + i < a->columns; i++)
        draw_text(a, row, column + i, i < full ? style : STYLE_DIM,
                  screen_glyph(i < full ? GLYPH_BAR : GLYPH_BAR_EMPTY));
    return cells + 1;
}

/* A dot for each try: filled is left, hollow is lost. */
static int draw_tries(const struct area *a, int row, int column, enum style style, int left,
                      int total)
{
    for (int i = 0; i < total && column + i < a->columns; i++)
        draw_text(a, row, column + i, style, screen_glyph(i < left ? GLYPH_FULL : GLYPH_EMPTY));
    return total == 0 ? 0 : total + 1;
}

static int draw_measure(const struct area *a, int row, int column, enum style style,
                        enum row_gauge gauge, int filled, int total)
{
    return gauge == GAUGE_TRIES  ? draw_tries(a, row, column, style, filled, total)
           : gauge == GAUGE_NONE ? 0
                                 : draw_gauge(a, row, column, style, filled, total);
}

static void draw_row(const struct area *a, int line, const struct row *r)
{
    int column = r->depth * 2;

    if (r->folds)
        draw_text(a, line, column, STYLE_DIM, screen_glyph(r->open ? GLYPH_OPEN : GLYPH_CLOSED));
    if (r->kind != ROW_NOTE || r->depth > 0)
        column += 2;
    column += draw_measure(a, line, column, r->style, r->gauge, r->filled, r->total);
    draw_text(a, line, column, r->style, r->text == NULL ? "" : r->text);
    if (r->right != NULL)
        draw_right(a, line, r->style == STYLE_TITLE ? STYLE_DIM : r->style, r->right);
}

static void draw_tree(const struct console *c, const struct area *a)
{
    size_t at = tree_find(&c->tree, c->selected);

    for (int i = 0; i < a->rows && c->top + (size_t)i < c->tree.count; i++) {
        draw_row(a, i, &c->tree.row[c->top + (size_t)i]);
        if (c->top + (size_t)i == at)
            draw_row_style(a, i, c->focus == PANE_TREE ? STYLE_CURSOR : STYLE_SELECTED);
    }
}

static void draw_step(const struct area *a, int row, const struct line *l)
{
    static const enum glyph marks[] = {[STATE_DONE] = GLYPH_DONE,
                                       [STATE_NEXT] = GLYPH_NEXT,
                                       [STATE_WAITING] = GLYPH_WAITING,
                                       [STATE_WRONG] = GLYPH_WRONG};
    struct area text = {a->row, a->column, a->rows, a->columns};

    draw_text(a, row, 0, l->style, screen_glyph(marks[l->state]));
    draw_text(a, row, 2, l->state == STATE_NEXT ? STYLE_TITLE : STYLE_PLAIN, l->name);
    if (l->state == STATE_NEXT) {
        draw_right(a, row, STYLE_KEY, "Enter");
        text.columns -= 6;
    }
    draw_text(&text, row, l->indent, l->style, l->value);
}

static void draw_line(const struct area *a, int row, const struct line *l)
{
    int column = l->indent;

    if (l->kind == LINE_STEP) {
        draw_step(a, row, l);
        return;
    }
    if (l->kind == LINE_TEXT) {
        draw_text(a, row, l->rest ? l->indent : 0, l->style, l->value);
        return;
    }
    draw_text(&(struct area){a->row, a->column, a->rows, DETAIL_NAMES - 1}, row, 0, STYLE_DIM,
              l->name);
    column += draw_measure(a, row, column, l->style, l->gauge, l->filled, l->total);
    draw_text(a, row, column, l->style, l->value);
}

static void draw_detail(const struct console *c, const struct area *a)
{
    struct area lines = {a->row + 2, a->column, a->rows - 2, a->columns};

    if (c->detail.title != NULL)
        draw_text(a, 0, 0, STYLE_TITLE, c->detail.title);
    for (int i = 0; i < lines.rows && c->line_top + (size_t)i < c->detail.count; i++) {
        draw_line(&lines, i, &c->detail.line[c->line_top + (size_t)i]);
        if (c->focus == PANE_DETAIL && c->line_top + (size_t)i == c->line)
            draw_row_style(&lines, i, STYLE_CURSOR);
    }
}

static void draw_log(const struct console *c, const struct area *a)
{
    char line[LOG_LINE_SIZE];

    for (int i = 0; i < a->rows; i++)
        if (log_get(c->log, (size_t)(a->rows - 1 - i), line))
            draw_text(a, i, 0, STYLE_DIM, line);
}

static void draw_status(const struct console *c, const struct area *a)
{
    struct wrapped w = wrap_text(c->status, a->columns);

    for (size_t i = 0; i < w.count && i < STATUS_ROWS; i++)
        draw_text(a, (int)i, 0, c->status_style, w.line[i]);
    if (w.count > STATUS_ROWS)
        draw_right(a, STATUS_ROWS - 1, STYLE_DIM, screen_glyph(GLYPH_MORE));
    wrap_free(&w);
}

static int key_width(const struct action *x)
{
    char name[16];

    return draw_width(event_key_name(x->keys[0], name)) + draw_width(x->name) + 4;
}

static int draw_key(const struct area *a, int column, const struct action *x)
{
    char name[16];

    column += draw_text(a, 0, column, STYLE_KEY, event_key_name(x->keys[0], name)) + 1;
    return column + draw_text(a, 0, column, STYLE_DIM, x->name) + 3;
}

/* Those for a blocked PIN go first: nothing else helps there. */
static bool goes_first(const struct console *c, const struct action *x)
{
    return (x->flags & ACTION_BLOCKED) && console_token(c) != NULL &&
           store_is_blocked(&c->store, console_token(c)) && action_why_not(c, x) == NULL;
}

/* As many of the keys as there is room for; those of the last group always. */
static void draw_keys(const struct console *c, const struct area *a)
{
    const char *last = actions[action_count - 1].group;
    int column = 0, reserved = 0;

    for (size_t i = 0; i < action_count; i++)
        if ((actions[i].flags & ACTION_FOOTER) && strcmp(actions[i].group, last) == 0)
            reserved += key_width(&actions[i]);
    for (size_t i = 0; i < action_count; i++)
        if (goes_first(c, &actions[i]))
            column = draw_key(a, column, &actions[i]);
    for (size_t i = 0; i < action_count; i++) {
        const struct action *x = &actions[i];
        bool always = strcmp(x->group, last) == 0;

        if (!(x->flags & ACTION_FOOTER) || action_why_not(c, x) != NULL)
            continue;
        if (always || column + key_width(x) + reserved <= a->columns)
            column = draw_key(a, column, x);
    }
}

static void draw_too_small(void)
{
    struct area a = {0, 0, screen_rows(), screen_columns()};

    draw_format(&a, a.rows / 2, 0, STYLE_PLAIN, "Signet needs %dx%d; this is %dx%d.",
                SCREEN_LEAST_COLUMNS, SCREEN_LEAST_ROWS, a.columns, a.rows);
    draw_text(&a, a.rows / 2 + 1, 0, STYLE_DIM, "Make it larger, or press q.");
}

/* The cursor's row stays on the screen. */
static void scroll(struct console *c, const struct panes *p)
{
    size_t at = tree_find(&c->tree, c->selected), rows = (size_t)p->tree.rows;
    size_t lines = (size_t)p->detail.rows - 2;

    if (at < c->tree.count && at < c->top)
        c->top = at;
    if (at < c->tree.count && at >= c->top + rows)
        c->top = at - rows + 1;
    if (c->top + rows > c->tree.count)
        c->top = c->tree.count > rows ? c->tree.count - rows : 0;
    if (c->line < c->line_top)
        c->line_top = c->line;
    if (c->line >= c->line_top + lines)
        c->line_top = c->line - lines + 1;
    if (c->focus == PANE_TREE && c->line_top + lines > c->detail.count)
        c->line_top = c->detail.count > lines ? c->detail.count - lines : 0;
}

static void draw_windows(struct console *c, struct window *w)
{
    if (w == NULL)
        return;
    draw_windows(c, w->below);
    w->draw(w, c);
}

void panes_draw(struct console *c)
{
    struct panes p = panes_layout(c);

    if (c->detail_columns != p.detail.columns)
        console_changed(c);
    screen_clear();
    if (screen_too_small()) {
        draw_too_small();
        screen_show();
        return;
    }
    scroll(c, &p);
    draw_title(c, &p.title);
    draw_lines(&p);
    draw_tree(c, &p.tree);
    draw_detail(c, &p.detail);
    draw_log(c, &p.log);
    draw_status(c, &p.status);
    draw_keys(c, &p.keys);
    draw_windows(c, c->windows);
    screen_show();
}

static bool is_in(const struct area *a, const struct event *e)
{
    return e->row >= a->row && e->row < a->row + a->rows && e->column >= a->column - 1 &&
           e->column <= a->column + a->columns;
}

static void press_tree(struct console *c, size_t index)
{
    bool again = tree_find(&c->tree, c->selected) == index;

    c->focus = PANE_TREE;
    if (index >= c->tree.count || c->tree.row[index].id == NULL)
        return;
    console_select(c, index);
    if (again)
        command_enter(c);
}

static void press_detail(struct console *c, size_t index)
{
    bool again = c->focus == PANE_DETAIL && c->line == index;

    c->focus = PANE_DETAIL;
    if (index >= c->detail.count || c->detail.line[index].copy == NULL)
        return;
    c->line = index;
    if (again)
        command_enter(c);
}

void panes_mouse(struct console *c, const struct event *e)
{
    struct panes p = panes_layout(c);
    bool tree = is_in(&p.tree, e), detail = is_in(&p.detail, e);

    if (e->type == EVENT_PRESS && tree)
        press_tree(c, c->top + (size_t)(e->row - p.tree.row));
    if (e->type == EVENT_PRESS && detail && e->row >= p.detail.row + 2)
        press_detail(c, c->line_top + (size_t)(e->row - p.detail.row - 2));
    if (e->type != EVENT_WHEEL || (!tree && !detail))
        return;
    c->focus = tree ? PANE_TREE : PANE_DETAIL;
    for (int i = 0; i < WHEEL_ROWS; i++)
        if (e->key == KEYS_UP)
            command_up(c);
        else
            command_down(c);
}
