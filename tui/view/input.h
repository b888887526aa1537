/* SPDX-License-Identifier: Apache-2.0 */
/* One line of text that can be typed into. */
#ifndef SIGNET_TUI_VIEW_INPUT_H
#define SIGNET_TUI_VIEW_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/term/draw.h"
#include "tui/term/event.h"

enum { INPUT_SIZE = 1024 };

struct input {
    char text[INPUT_SIZE]; /* UTF-8 */
    size_t length, at;     /* bytes */
};

void input_set(struct input *i, const char *text);

/* True when the key was one for editing. */
bool input_key(struct input *i, const struct event *e);

/* Draws it from `column` on, and the cursor where `focus`. */
void input_draw(const struct input *i, const struct area *a, int row, int column, bool focus);

/* Completes a path as far as it is clear: "/us" becomes "/usr/". False when there is nothing to
 * complete. */
bool input_complete_path(struct input *i);

#endif
