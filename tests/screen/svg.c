/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "terminal.h"

enum { CELL_WIDTH = 8, CELL_HEIGHT = 17, BORDER = 8 };

static const char background[] = "#1c1c1c", foreground[] = "#d0d0d0";

static void colour(const struct terminal *t, VTermColor c, bool is_default, const char *otherwise,
                   char out[8])
{
    snprintf(out, 8, "%s", otherwise);
    if (is_default)
        return;
    vterm_screen_convert_color_to_rgb(t->screen, &c);
    snprintf(out, 8, "#%02x%02x%02x", c.rgb.red, c.rgb.green, c.rgb.blue);
}

static void colours(const struct terminal *t, const VTermScreenCell *cell, char front[8],
                    char behind[8])
{
    char swap[8];

    colour(t, cell->fg, VTERM_COLOR_IS_DEFAULT_FG(&cell->fg), foreground, front);
    colour(t, cell->bg, VTERM_COLOR_IS_DEFAULT_BG(&cell->bg), background, behind);
    if (cell->attrs.reverse) {
        memcpy(swap, front, sizeof swap);
        memcpy(front, behind, sizeof swap);
        memcpy(behind, swap, sizeof swap);
    }
}

static void put_text(FILE *file, uint32_t c)
{
    fprintf(file, "&#%u;", c == 0 || c == (uint32_t)-1 ? ' ' : c);
}

static bool same_look(const VTermScreenCell *a, const VTermScreenCell *b)
{
    return vterm_color_is_equal(&a->fg, &b->fg) && vterm_color_is_equal(&a->bg, &b->bg) &&
           a->attrs.bold == b->attrs.bold && a->attrs.reverse == b->attrs.reverse;
}

/* Cells of one look side by side are one text. Returns how many. */
static int put_run(const struct terminal *t, FILE *file, int row, int column)
{
    VTermScreenCell first = terminal_cell(t, row, column), cell = first;
    int end = column, x = BORDER + column * CELL_WIDTH, y = BORDER + row * CELL_HEIGHT;
    char front[8], behind[8];

    while (end < t->columns && same_look(&first, &cell)) {
        end++;
        cell = terminal_cell(t, row, end < t->columns ? end : column);
    }
    colours(t, &first, front, behind);
    if (strcmp(behind, background) != 0)
        fprintf(file, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n", x, y,
                (end - column) * CELL_WIDTH, CELL_HEIGHT, behind);
    fprintf(file, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"%s\"%s>", x, y + 13,
            (end - column) * CELL_WIDTH, front, first.attrs.bold ? " font-weight=\"bold\"" : "");
    for (int i = column; i < end; i++)
        put_text(file, terminal_cell(t, row, i).chars[0]);
    fprintf(file, "</text>\n");
    return end - column;
}

bool terminal_svg(const struct terminal *t, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return false;
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"monospace\" font-size=\"13\" xml:space=\"preserve\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"%s\"/>\n",
            t->columns * CELL_WIDTH + 2 * BORDER, t->rows * CELL_HEIGHT + 2 * BORDER, background);
    for (int row = 0; row < t->rows; row++)
        for (int column = 0; column < t->columns;)
            column += put_run(t, file, row, column);
    fprintf(file, "</svg>\n");
    return fclose(file) == 0;
}
