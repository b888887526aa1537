/* SPDX-License-Identifier: Apache-2.0 */
/* Text onto the screen: clipped to an area, by the columns that characters take. */
#ifndef SIGNET_TUI_TERM_DRAW_H
#define SIGNET_TUI_TERM_DRAW_H

#include <stddef.h>

#include "tui/term/screen.h"

/* A part of the screen; rows and columns count from 0. */
struct area {
    int row, column, rows, columns;
};

/* Columns that UTF-8 text takes; a broken character counts as one. */
int draw_width(const char *text);

/* The longest beginning of `text` that fits into `columns`, in bytes. */
size_t draw_fitting(const char *text, int columns);

/* At a place in the area; what does not fit is cut, and marked so. Returns the columns used. Text
 * that the locale cannot show is drawn as '?'. */
int draw_text(const struct area *a, int row, int column, enum style style, const char *text);
int draw_format(const struct area *a, int row, int column, enum style style, const char *format,
                ...) __attribute__((format(printf, 5, 6)));

/* Ends at the right border. */
void draw_right(const struct area *a, int row, enum style style, const char *text);

/* The style of a whole row, whatever stands there. */
void draw_row_style(const struct area *a, int row, enum style style);

/* Lines. */
void draw_across(const struct area *a, int row);
void draw_down(int row, int column, int rows);
void draw_glyph(int row, int column, enum style style, enum glyph g);

/* An empty box with a title, in the middle of the screen; what is inside its border. */
struct area draw_window(int rows, int columns, const char *title);

#endif
