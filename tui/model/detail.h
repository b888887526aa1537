/* SPDX-License-Identifier: Apache-2.0 */
/* The right pane as lines: the thing under the cursor in full, or the way to signed builds. */
#ifndef SIGNET_TUI_MODEL_DETAIL_H
#define SIGNET_TUI_MODEL_DETAIL_H

#include "tui/model/checklist.h"
#include "tui/model/tree.h"

enum { DETAIL_NAMES = 16, DETAIL_STEPS = 15 }; /* columns before values */

enum line_kind { LINE_TEXT, LINE_FIELD, LINE_STEP };

struct line {
    enum line_kind kind;
    enum style style;
    char *name;  /* of a field or step; NULL */
    char *value; /* what is shown */
    char *copy;  /* what `y` copies; NULL: the cursor does not stop here */
    enum row_gauge gauge;
    int filled, total;
    int indent;     /* columns before the value */
    bool rest;      /* goes on from the line before, under its value */
    enum step step; /* of LINE_STEP */
    enum step_state state;
};

struct detail {
    char *title;
    struct line *line;
    size_t count;
};

void detail_free(struct detail *d);

/* Lines that are wider than `columns` go on in the next. Once after detail_build. */
void detail_wrap(struct detail *d, int columns);

/* Of the tree's row; `full` shows a token's fields although it has no working profile yet. */
void detail_build(struct detail *d, const struct store *s, const struct row *r, bool full);

#endif
