/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is longer than the screen. */
#include <stdlib.h>
#include <string.h>

#include "tui/view/window.h"
#include "tui/view/wrap.h"

struct pager {
    struct window window;
    char *title;
    struct buffer text;
    struct wrapped lines;
    int width; /* that the lines are wrapped for */
    size_t top;
};

static void wrap(struct pager *p, int columns)
{
    const char *text = buffer_text(&p->text);

    if (p->width == columns)
        return;
    wrap_free(&p->lines);
    if (text != NULL)
        p->lines = wrap_text(text, columns);
    p->width = columns;
}

static size_t page(void)
{
    return (size_t)(screen_rows() - 6);
}

/* As large as the text, or as the screen allows. */
static void draw(struct window *w, struct console *c)
{
    struct pager *p = (struct pager *)w;
    int most = screen_rows() - 4, columns = screen_columns() - 12;
    struct area area;
    size_t rows;

    (void)c;
    wrap(p, columns);
    area = draw_window((int)p->lines.count + 2 < most ? (int)p->lines.count + 2 : most, columns,
                       p->title);
    rows = (size_t)area.rows - 2;
    if (p->top + rows > p->lines.count)
        p->top = p->lines.count > rows ? p->lines.count - rows : 0;
    for (size_t i = 0; i < rows && p->top + i < p->lines.count; i++)
        draw_text(&area, (int)i, 0, STYLE_PLAIN, p->lines.line[p->top + i]);
    if (p->lines.count > rows)
        draw_format(&area, area.rows - 1, 0, STYLE_DIM, "%zu of %zu lines   Esc closes",
                    p->top + rows < p->lines.count ? p->top + rows : p->lines.count,
                    p->lines.count);
    else
        draw_text(&area, area.rows - 1, 0, STYLE_DIM, "Esc closes");
}

static void move(struct pager *p, long by)
{
    if (by < 0 && p->top < (size_t)-by)
        p->top = 0;
    else
        p->top += (size_t)by; /* drawing stops at the end */
}

static bool key(struct window *w, struct console *c, const struct event *e)
{
    struct pager *p = (struct pager *)w;

    (void)c;
    if (e->type == EVENT_WHEEL)
        move(p, e->key == KEYS_UP ? -3 : 3);
    if (e->type != EVENT_KEY)
        return true;
    switch (e->key) {
    case KEYS_ESCAPE:
    case KEYS_ENTER:
    case 'q':
    case KEYS_CTRL('C'):
        return false;
    case KEYS_UP:
    case 'k':
        move(p, -1);
        break;
    case KEYS_DOWN:
    case 'j':
        move(p, 1);
        break;
    case KEYS_PAGE_UP:
        move(p, -(long)page());
        break;
    case KEYS_PAGE_DOWN:
    case ' ':
        move(p, (long)page());
        break;
    case KEYS_HOME:
    case 'g':
        p->top = 0;
        break;
    case KEYS_END:
    case 'G':
        p->top = p->lines.count;
        break;
    default:
        break;
    }
    return true;
}

static void close_window(struct window *w)
{
    struct pager *p = (struct pager *)w;

    wrap_free(&p->lines);
    buffer_free(&p->text);
    free(p->title);
    free(p);
}

struct window *pager_new(const char *title)
{
    struct pager *p = calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    p->window = (struct window){.draw = draw, .key = key, .close = close_window};
    p->title = strdup(title);
    return &p->window;
}

void pager_add(struct window *w, const char *text)
{
    struct pager *p = (struct pager *)w;

    buffer_append_text(&p->text, text);
    p->width = 0;
}
