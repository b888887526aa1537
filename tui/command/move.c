/* SPDX-License-Identifier: Apache-2.0 */
/* Moving about: rows, lines, panes, search. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tui/command/command.h"
#include "tui/panes.h"

static void move_line(struct console *c, long by)
{
    size_t at = c->line;

    /* Only what can be copied or done stops the cursor; at the ends the text scrolls on. */
    for (;;) {
        if ((by < 0 && at == 0) || (by > 0 && at + 1 >= c->detail.count))
            break;
        at = by < 0 ? at - 1 : at + 1;
        if (c->detail.line[at].copy != NULL) {
            c->line = at;
            return;
        }
    }
    if (by < 0 && c->line_top > 0)
        c->line_top = 0;
}

static void move_row(struct console *c, long by)
{
    size_t at = tree_find(&c->tree, c->selected);

    if (by > 0)
        console_select(c, tree_next(&c->tree, at + 1));
    else if (at > 0)
        console_select(c, tree_previous(&c->tree, at - 1));
}

static void move(struct console *c, long by)
{
    for (long i = 0; i < (by < 0 ? -by : by); i++)
        if (c->focus == PANE_TREE)
            move_row(c, by);
        else
            move_line(c, by);
}

void command_up(struct console *c)
{
    move(c, -1);
}

void command_down(struct console *c)
{
    move(c, 1);
}

/* Whole pages at once: the rows between are not selected one by one. */
static void page(struct console *c, long by)
{
    size_t at = tree_find(&c->tree, c->selected), rows = (size_t)panes_page(c);

    if (c->focus == PANE_DETAIL) {
        move(c, by * (long)rows / 2);
        return;
    }
    if (by > 0) {
        size_t next = tree_next(&c->tree, at + rows);

        console_select(c, next < c->tree.count ? next : tree_previous(&c->tree, c->tree.count));
    } else {
        size_t before = tree_previous(&c->tree, at > rows ? at - rows : 0);

        console_select(c, before < c->tree.count ? before : tree_next(&c->tree, 0));
    }
}

void command_page_up(struct console *c)
{
    page(c, -1);
}

void command_page_down(struct console *c)
{
    page(c, 1);
}

void command_home(struct console *c)
{
    if (c->focus == PANE_TREE)
        console_select(c, tree_next(&c->tree, 0));
    else
        c->line = c->line_top = 0;
}

void command_end(struct console *c)
{
    if (c->focus == PANE_TREE)
        console_select(c, tree_previous(&c->tree, c->tree.count));
    else if (c->detail.count > 0)
        c->line = c->detail.count - 1;
}

static void go_to_detail(struct console *c)
{
    c->focus = PANE_DETAIL;
    if (c->line < c->detail.count && c->detail.line[c->line].copy == NULL)
        move_line(c, 1);
}

void command_other_pane(struct console *c)
{
    if (c->focus == PANE_TREE)
        go_to_detail(c);
    else
        c->focus = PANE_TREE;
}

/* Closes the row, or goes to the one above it in depth. */
void command_left(struct console *c)
{
    const struct row *r = console_row(c);
    size_t at = tree_find(&c->tree, c->selected);

    if (c->focus == PANE_DETAIL) {
        c->focus = PANE_TREE;
    } else if (r != NULL && r->folds && r->open) {
        tree_fold(&c->tree, r->id, false);
        console_changed(c);
    } else if (r != NULL) {
        for (size_t i = at; i-- > 0;)
            if (c->tree.row[i].id != NULL && c->tree.row[i].depth < r->depth) {
                console_select(c, i);
                return;
            }
    }
}

void command_right(struct console *c)
{
    const struct row *r = console_row(c);

    if (c->focus == PANE_TREE && r != NULL && r->folds && !r->open) {
        tree_fold(&c->tree, r->id, true);
        console_changed(c);
    } else {
        go_to_detail(c);
    }
}

static bool holds(const char *text, const char *what)
{
    return text != NULL && strcasestr(text, what) != NULL;
}

static bool tree_match(const struct console *c, size_t at)
{
    const struct row *r = &c->tree.row[at];

    return r->id != NULL && (holds(r->text, c->search) || holds(r->id, c->search));
}

static bool detail_match(const struct console *c, size_t at)
{
    const struct line *l = &c->detail.line[at];

    return l->copy != NULL && (holds(l->name, c->search) || holds(l->value, c->search));
}

static void search(struct console *c, bool back, bool from_here)
{
    bool tree = c->focus == PANE_TREE;
    size_t count = tree ? c->tree.count : c->detail.count;
    size_t at = tree ? tree_find(&c->tree, c->selected) : c->line;

    if (c->search[0] == '\0') {
        console_say(c, STYLE_WARN, "nothing was searched for yet: /");
        return;
    }
    for (size_t i = from_here ? 0 : 1; i <= count && count > 0; i++) {
        size_t here = back ? (at + count - i % count) % count : (at + i) % count;

        if (tree ? !tree_match(c, here) : !detail_match(c, here))
            continue;
        if (tree)
            console_select(c, here);
        else
            c->line = here;
        console_say(c, STYLE_DIM, "/%s   n next, N previous", c->search);
        return;
    }
    console_say(c, STYLE_WARN, "'%s' is not in this pane", c->search);
}

static void search_for(struct console *c, const char *data, const char *answer)
{
    (void)data;
    if (answer == NULL)
        return;
    snprintf(c->search, sizeof c->search, "%s", answer);
    search(c, false, true);
}

void command_search(struct console *c)
{
    console_open(c, ask_text(c->focus == PANE_TREE ? "Search in the tree" : "Search in the details",
                             c->search, false, search_for, NULL));
}

void command_search_next(struct console *c)
{
    search(c, false, false);
}

void command_search_previous(struct console *c)
{
    search(c, true, false);
}
