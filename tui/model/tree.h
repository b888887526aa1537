/* SPDX-License-Identifier: Apache-2.0 */
/* The left pane as rows: tokens with their keys and certificates, cards, profiles, readers,
 * modules. */
#ifndef SIGNET_TUI_MODEL_TREE_H
#define SIGNET_TUI_MODEL_TREE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tui/model/store.h"
#include "tui/term/screen.h"

enum row_kind {
    ROW_TOKEN,
    ROW_KEY,
    ROW_OBJECT,
    ROW_CARD,   /* one that no module shows */
    ROW_READER, /* an empty one */
    ROW_NONE,   /* there is no token */
    ROW_PROFILE,
    ROW_MODULE,
    ROW_NOTE
};

enum row_gauge { GAUGE_NONE, GAUGE_DAYS, GAUGE_TRIES };

struct row {
    enum row_kind kind;
    int depth;
    enum style style;
    bool folds, open;
    char *id; /* what the cursor holds on to; NULL: it cannot stand here */
    char *text;
    char *right; /* NULL for none */
    enum row_gauge gauge;
    int filled, total; /* of the gauge, drawn before the text */
    const json_t
        *record; /* the store's: of the token, object, reader, profile or module; NULL for notes */
    const json_t *token; /* the one that it belongs to; NULL */
};

struct tree {
    struct row *row;
    size_t count;
    json_t *folded; /* id -> true or false, where a person decided */
    bool show_hidden;
    bool stale;       /* to be built anew, whatever the store's version */
    unsigned version; /* of the store that it was built from */
};

bool tree_init(struct tree *t);
void tree_free(struct tree *t);

/* All rows anew, where anything changed. They point into the store, until its next change. */
void tree_build(struct tree *t, const struct store *s);

/* The row of this id; count when there is none. */
size_t tree_find(const struct tree *t, const char *id);

/* The nearest row from `index` on (or back) where the cursor can stand; count for none. */
size_t tree_next(const struct tree *t, size_t index);
size_t tree_previous(const struct tree *t, size_t index);

void tree_fold(struct tree *t, const char *id, bool open);
void tree_show_hidden(struct tree *t, bool show);

#endif
