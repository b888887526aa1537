/* SPDX-License-Identifier: Apache-2.0 */
/* A list that gets shorter with each letter typed. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tui/view/fuzzy.h"
#include "tui/view/input.h"
#include "tui/view/window.h"

enum { WIDTH = 72, MOST_ROWS = 16 };

struct entry {
    char *text, *right, *why_not;
    int score; /* below 0: does not match */
};

struct palette {
    struct window window;
    char *title;
    struct input input;
    struct entry *entry;
    size_t count;
    size_t *order; /* indices of those that match, best first */
    size_t matches, at, top;
    palette_chosen *chosen;
    void *data;
    void (*free_data)(void *); /* NULL: it is not ours */
};

static int by_score(const void *a, const void *b, void *data)
{
    const struct entry *entries = data;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    if (entries[x].score != entries[y].score)
        return entries[y].score - entries[x].score;
    return x < y ? -1 : x > y;
}

static void match(struct palette *p)
{
    p->matches = p->at = p->top = 0;
    for (size_t i = 0; i < p->count; i++) {
        p->entry[i].score = fuzzy_score(p->input.text, p->entry[i].text);
        if (p->entry[i].score >= 0)
            p->order[p->matches++] = i;
    }
    qsort_r(p->order, p->matches, sizeof *p->order, by_score, p->entry);
}

static void draw_entry(const struct palette *p, const struct area *list, int row, size_t at)
{
    const struct entry *e = &p->entry[p->order[at]];
    enum style style = e->why_not != NULL ? STYLE_DIM : STYLE_PLAIN;

    draw_text(list, row, 1, style, e->text);
    if (e->why_not != NULL)
        draw_right(list, row, STYLE_DIM, e->why_not);
    else if (e->right != NULL)
        draw_right(list, row, STYLE_KEY, e->right);
    if (at == p->at)
        draw_row_style(list, row, STYLE_CURSOR);
}

static void draw(struct window *w, struct console *c)
{
    struct palette *p = (struct palette *)w;
    int rows = screen_rows() - 10 < MOST_ROWS ? screen_rows() - 10 : MOST_ROWS;
    struct area area, list;

    (void)c;
    if (p->count < (size_t)rows)
        rows = (int)p->count;
    area = draw_window(rows + 3, WIDTH, p->title);
    list = (struct area){area.row + 2, area.column, rows, area.columns};
    input_draw(&p->input, &area, 0, 0, true);
    if (p->at < p->top)
        p->top = p->at;
    if (p->at >= p->top + (size_t)rows)
        p->top = p->at - (size_t)rows + 1;
    for (int i = 0; i < rows && p->top + (size_t)i < p->matches; i++)
        draw_entry(p, &list, i, p->top + (size_t)i);
    if (p->matches == 0)
        draw_text(&list, 0, 1, STYLE_DIM, "nothing fits");
}

static bool choose(struct palette *p, struct console *c)
{
    if (p->at >= p->matches || p->entry[p->order[p->at]].why_not != NULL)
        return true;
    p->chosen(c, p->data, p->order[p->at]);
    return false;
}

static bool key(struct window *w, struct console *c, const struct event *e)
{
    struct palette *p = (struct palette *)w;

    if (e->type == EVENT_WHEEL && e->key == KEYS_UP && p->at > 0)
        p->at--;
    if (e->type == EVENT_WHEEL && e->key == KEYS_DOWN && p->at + 1 < p->matches)
        p->at++;
    if (e->type != EVENT_KEY && e->type != EVENT_PASTED)
        return true;
    switch (e->key) {
    case KEYS_ESCAPE:
    case KEYS_CTRL('C'):
        return false;
    case KEYS_ENTER:
        return choose(p, c);
    case KEYS_UP:
        p->at -= p->at > 0;
        return true;
    case KEYS_DOWN:
    case KEYS_TAB:
        p->at += p->at + 1 < p->matches;
        return true;
    default:
        if (input_key(&p->input, e))
            match(p);
        return true;
    }
}

static void close_window(struct window *w)
{
    struct palette *p = (struct palette *)w;

    for (size_t i = 0; i < p->count; i++) {
        free(p->entry[i].text);
        free(p->entry[i].right);
        free(p->entry[i].why_not);
    }
    if (p->free_data != NULL)
        p->free_data(p->data);
    free(p->entry);
    free(p->order);
    free(p->title);
    free(p);
}

struct window *palette_new(const char *title, palette_chosen *chosen, void *data)
{
    struct palette *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    p->window = (struct window){.draw = draw, .key = key, .close = close_window};
    p->title = strdup(title);
    p->chosen = chosen;
    p->data = data;
    return &p->window;
}

void palette_owns_data(struct window *w, void (*free_data)(void *))
{
    ((struct palette *)w)->free_data = free_data;
}

static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

bool palette_add(struct window *w, const char *text, const char *right, const char *why_not)
{
    struct palette *p = (struct palette *)w;
    struct entry *grown = realloc(p->entry, (p->count + 1) * sizeof *grown);
    size_t *order;

    if (grown == NULL)
        return false;
    p->entry = grown;
    order = realloc(p->order, (p->count + 1) * sizeof *order);
    if (order == NULL)
        return false;
    p->order = order;
    p->entry[p->count++] = (struct entry){copy(text), copy(right), copy(why_not), 0};
    match(p);
    return true;
}
