/* SPDX-License-Identifier: Apache-2.0 */
/* What a style looks like on this terminal, for the files of this room. */
#ifndef SIGNET_TUI_TERM_STYLE_H
#define SIGNET_TUI_TERM_STYLE_H

#include <ncurses.h>

#include "tui/term/screen.h"

/* Chooses colours by what the terminal has, and by NO_COLOR (no-color.org). */
void style_init(void);

attr_t style_attributes(enum style s);
short style_pair(enum style s);

#endif
