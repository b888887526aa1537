/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal as a screen: opened and given back whole, whatever happens; what it can show (UTF-8
 * or ASCII, 256 colours, 16 or none); and styles by what they mean. ncurses is known to this room
 * alone. For the main thread.
 */
#ifndef SIGNET_TUI_TERM_SCREEN_H
#define SIGNET_TUI_TERM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum style {
    STYLE_PLAIN,
    STYLE_TITLE,    /* the first line, names of windows */
    STYLE_HEADING,  /* in a text */
    STYLE_DIM,      /* less important */
    STYLE_GOOD,     /* as it should be */
    STYLE_WARN,     /* wants attention */
    STYLE_BAD,      /* wrong */
    STYLE_KEY,      /* a key to press */
    STYLE_CURSOR,   /* the line of the cursor, in the pane that has the keys */
    STYLE_SELECTED, /* ... in the other pane */
    STYLE_INPUT,    /* where text can be typed */
    STYLE_COUNT,
};

enum glyph {
    GLYPH_OPEN,
    GLYPH_CLOSED,
    GLYPH_FULL,
    GLYPH_EMPTY,
    GLYPH_BAR,
    GLYPH_BAR_EMPTY,
    GLYPH_DONE,
    GLYPH_NEXT,
    GLYPH_WAITING,
    GLYPH_WRONG,
    GLYPH_ACROSS,
    GLYPH_DOWN,
    GLYPH_TEE,
    GLYPH_TEE_UP,
    GLYPH_TOP_LEFT,
    GLYPH_TOP_RIGHT,
    GLYPH_BOTTOM_LEFT,
    GLYPH_BOTTOM_RIGHT,
    GLYPH_MORE, /* text was cut here */
    GLYPH_COUNT,
};

enum { SCREEN_LEAST_ROWS = 24, SCREEN_LEAST_COLUMNS = 80 };

/* Takes the terminal. ERROR_USAGE when standard input or output is none, or it cannot move its
 * cursor (TERM=dumb). A signal that would end the program gives the terminal back first. */
bool screen_open(struct error *e);

/* Gives it back as it was. May be called twice. */
void screen_close(void);

int screen_rows(void);
int screen_columns(void);
bool screen_too_small(void);
bool screen_utf8(void);

/* Draws all anew, what another program wrote onto the terminal too. */
void screen_redraw(void);
void screen_clear(void);
void screen_show(void);

/* Where the text cursor blinks; row -1: nowhere. */
void screen_cursor(int row, int column);

const char *screen_glyph(enum glyph g);

/* A turning sign for what is under way; `ticks` counts up. */
const char *screen_spinner(unsigned ticks);

/* Writes bytes that are for the terminal itself (OSC 52) past the screen. */
void screen_send(const char *bytes, size_t length);

#endif
