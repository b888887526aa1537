/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a key can do, as one table: keys, footer, help, palette and the manual's list of
 * keys come from it.
 */
#ifndef SIGNET_TUI_ACTION_H
#define SIGNET_TUI_ACTION_H

#include "tui/console.h"

enum { ACTION_KEYS = 4 };

enum action_flag {
    ACTION_FOOTER = 1 << 0,   /* named in the last line */
    ACTION_TOKEN = 1 << 1,    /* needs a token under the cursor */
    ACTION_OBJECT = 1 << 2,   /* ... a key or certificate */
    ACTION_CERT = 1 << 3,     /* ... a certificate */
    ACTION_PROFILE = 1 << 4,  /* ... a profile */
    ACTION_MODULE = 1 << 5,   /* ... a module */
    ACTION_MOVE = 1 << 6,     /* moves the cursor: not in the palette */
    ACTION_BLOCKED = 1 << 7,  /* named first in the last line where a PIN is blocked */
    ACTION_VERB = 1 << 8,     /* its id is a verb; it exists where that is in the table */
    ACTION_BLANK = 1 << 9,    /* needs a slot that is not initialised, wherever */
    ACTION_CHANGES = 1 << 10, /* ... a token that can be written to */
    ACTION_KEY = 1 << 11,     /* ... a key on it */
    ACTION_MAKES = 1 << 12,   /* ... one that makes keys */
};

struct action {
    const char *id;    /* "reset-counter" */
    const char *group; /* heading in help and manual */
    const char *name;  /* in footer and palette: "reset counter" */
    const char *help;  /* a sentence, no period */
    unsigned flags;
    int keys[ACTION_KEYS]; /* 0 ends them */
    void (*run)(struct console *c);
};

extern const struct action actions[];
extern const size_t action_count;

/* False for one whose verb is not there: it is shown nowhere. */
bool action_exists(const struct action *a);

/* The action of a key; NULL. */
const struct action *action_of_key(int key);

/* NULL when it can be done now; else why not, in static words. */
const char *action_why_not(const struct console *c, const struct action *a);

/* Runs it, or says why not. */
void action_run(struct console *c, const struct action *a);

/* "Up, k", into `out`. */
void action_keys(const struct action *a, char *out, size_t size);

/* Two actions with one key, or one id: the names of both; NULL when all is well. New string. */
char *action_collision(void);

/* Appends the list of keys for help, and for the manual (scdoc). */
void action_help(struct buffer *out);
void action_manual(struct buffer *out);

#endif
