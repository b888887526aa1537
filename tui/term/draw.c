/* SPDX-License-Identifier: Apache-2.0 */
#include "tui/term/draw.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "tui/term/style.h"

/* One character of UTF-8: its bytes, and the columns it takes. The programs' texts are well formed
 * (base/text.h); anything else is one byte and one column. */
static size_t character(const char *text, int *columns)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc0 ? 2 : 1;
    unsigned code = *at < 0x80 ? *at : *at & (0xffu >> (length + 1));
    int width;

    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            *columns = 1;
            return 1;
        }
        code = code << 6 | (at[i] & 0x3f);
    }
    width = screen_utf8() ? wcwidth((wchar_t)code) : 1;
    *columns = width < 0 ? 1 : width;
    return length;
}

int draw_width(const char *text)
{
    int width = 0, columns;

    while (*text != '\0') {
        text += character(text, &columns);
        width += columns;
    }
    return width;
}

size_t draw_fitting(const char *text, int columns)
{
    const char *at = text;
    int width;

    while (*at != '\0') {
        size_t length = character(at, &width);

        if (width > columns)
            break;
        columns -= width;
        at += length;
    }
    return (size_t)(at - text);
}

/* A C locale gets one '?' for each character that it does not have. */
static void put_ascii(const char *text, size_t length)
{
    int columns;

    for (size_t i = 0; i < length;) {
        size_t size = character(text + i, &columns);

        addch(size == 1 && (unsigned char)text[i] < 0x80 ? (chtype)(unsigned char)text[i] : '?');
        i += size;
    }
}

static void put(int row, int column, enum style style, const char *text, size_t length)
{
    attr_set(style_attributes(style), style_pair(style), NULL);
    move(row, column);
    if (screen_utf8())
        addnstr(text, (int)length);
    else
        put_ascii(text, length);
    attr_set(A_NORMAL, 0, NULL);
}

int draw_text(const struct area *a, int row, int column, enum style style, const char *text)
{
    int room = a->columns - column, width = draw_width(text);
    size_t length = strlen(text);

    if (row < 0 || row >= a->rows || room <= 0 || column < 0)
        return 0;
    if (width <= room) {
        put(a->row + row, a->column + column, style, text, length);
        return width;
    }
    length = draw_fitting(text, room - 1);
    put(a->row + row, a->column + column, style, text, length);
    draw_glyph(a->row + row, a->column + a->columns - 1, style, GLYPH_MORE);
    return room;
}

int draw_format(const struct area *a, int row, int column, enum style style, const char *format,
                ...)
{
    char *text = NULL;
    va_list args;
    int used = 0;

    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0)
        used = draw_text(a, row, column, style, text);
    va_end(args);
    free(text);
    return used;
}

void draw_right(const struct area *a, int row, enum style style, const char *text)
{
    int width = draw_width(text);

    draw_text(a, row, width < a->columns ? a->columns - width : 0, style, text);
}

void draw_row_style(const struct area *a, int row, enum style style)
{
    if (row >= 0 && row < a->rows)
        mvchgat(a->row + row, a->column, a->columns, style_attributes(style), style_pair(style),
                NULL);
}

void draw_glyph(int row, int column, enum style style, enum glyph g)
{
    const char *text = screen_glyph(g);

    put(row, column, style, text, strlen(text));
}

void draw_across(const struct area *a, int row)
{
    for (int i = 0; i < a->columns; i++)
        draw_glyph(a->row + row, a->column + i, STYLE_DIM, GLYPH_ACROSS);
}

void draw_down(int row, int column, int rows)
{
    for (int i = 0; i < rows; i++)
        draw_glyph(row + i, column, STYLE_DIM, GLYPH_DOWN);
}

static void draw_border(const struct area *a)
{
    int bottom = a->row + a->rows - 1, right = a->column + a->columns - 1;
    struct area top_line = {a->row, a->column + 1, 1, a->columns - 2};
    struct area bottom_line = {bottom, a->column + 1, 1, a->columns - 2};

    draw_across(&top_line, 0);
    draw_across(&bottom_line, 0);
    draw_down(a->row + 1, a->column, a->rows - 2);
    draw_down(a->row + 1, right, a->rows - 2);
    draw_glyph(a->row, a->column, STYLE_DIM, GLYPH_TOP_LEFT);
    draw_glyph(a->row, right, STYLE_DIM, GLYPH_TOP_RIGHT);
    draw_glyph(bottom, a->column, STYLE_DIM, GLYPH_BOTTOM_LEFT);
    draw_glyph(bottom, right, STYLE_DIM, GLYPH_BOTTOM_RIGHT);
}

struct area draw_window(int rows, int columns, const char *title)
{
    int all_rows = screen_rows(), all_columns = screen_columns();
    struct area a = {.rows = rows + 2 < all_rows ? rows + 2 : all_rows,
                     .columns = columns + 4 < all_columns ? columns + 4 : all_columns};

    a.row = (all_rows - a.rows) / 2;
    a.column = (all_columns - a.columns) / 2;
    for (int i = 0; i < a.rows; i++)
        mvhline(a.row + i, a.column, ' ', a.columns);
    draw_border(&a);
    a = (struct area){a.row, a.column + 2, a.rows, a.columns - 4};
    if (title != NULL)
        draw_format(&a, 0, 0, STYLE_TITLE, " %s ", title);
    return (struct area){a.row + 1, a.column, a.rows - 2, a.columns};
}
