/* SPDX-License-Identifier: Apache-2.0 */
/* How the lines of the right pane are made, for the files that fill it. */
#ifndef SIGNET_TUI_MODEL_LINES_H
#define SIGNET_TUI_MODEL_LINES_H

#include "tui/model/detail.h"

/* Each adds at the end. What they return may be changed until the next one; it is never NULL. */
struct line *lines_add(struct detail *d, enum line_kind kind, const char *name, char *value);
struct line *lines_text(struct detail *d, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lines_heading(struct detail *d, const char *words);

/* Nothing for an empty value. Takes `value` over. */
struct line *lines_field(struct detail *d, const char *name, char *value);
struct line *lines_member(struct detail *d, const char *name, const json_t *record,
                          const char *key);

/* More about the field before, under its value. */
void lines_under(struct detail *d, enum style style, const char *words);

#endif
