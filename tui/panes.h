/* SPDX-License-Identifier: Apache-2.0 */
/* The screen as a whole: title, tree, detail, log, status and keys. */
#ifndef SIGNET_TUI_PANES_H
#define SIGNET_TUI_PANES_H

#include "tui/console.h"

struct panes {
    struct area title, tree, detail, log, status, keys;
};

struct panes panes_layout(const struct console *c);
void panes_draw(struct console *c);

/* A press or the wheel. */
void panes_mouse(struct console *c, const struct event *e);

/* Rows of tree and detail that are seen at once. */
int panes_page(const struct console *c);

#endif
