/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console: tree, detail, log, windows over them, and the operations at work. One thread draws
 * and takes keys; it never waits for a token.
 */
#ifndef SIGNET_TUI_CONSOLE_H
#define SIGNET_TUI_CONSOLE_H

#include "tui/model/detail.h"
#include "tui/model/store.h"
#include "tui/model/tree.h"
#include "tui/view/window.h"
#include "tui/work/job.h"
#include "tui/work/log.h"

enum pane { PANE_TREE, PANE_DETAIL };

struct console {
    const char *const *modules; /* --module; none: all */
    size_t module_count;
    struct work *work;
    struct log *log;
    struct store store;
    json_t *reading; /* what is being read now, such as token URIs; false: and once more then */

    struct tree tree;
    char *selected; /* id of the tree's row */
    char *chosen;   /* the row where a person put the cursor; NULL before the first key */
    size_t top;     /* first row that is seen */
    struct detail detail;
    size_t line, line_top;
    int detail_columns; /* that it is wrapped for */
    bool full;          /* a token's fields instead of the way to signed builds */
    enum pane focus;

    struct window *windows; /* the uppermost */
    unsigned opened;        /* counts them */
    char status[512];
    enum style status_style;
    bool show_log;
    char search[128];
    unsigned ticks;
    int64_t next_poll;  /* clock_ms */
    unsigned plugged;   /* counts readers and cards that came or went */
    unsigned polled;    /* ... when the last look at the modules began */
    bool asked_figures; /* a person waits for them */
    bool answering;     /* the job that asks a device began after that */
    unsigned failures;  /* of asking for them, one after the other */
    bool told;          /* the job that asks a device has told something */
    bool quit;
};

/* Runs until the person quits, with these modules (--module), or all when there are none. Returns
 * the exit status: 2 without a terminal. */
int console_run(const char *const *modules, size_t count);

/* What stands in the line at the bottom, until the next message. */
void console_say(struct console *c, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes the window over; NULL is no memory, and said so. */
void console_open(struct console *c, struct window *w);

/* Closes the window that waits for this job's questions. */
void console_close_for(struct console *c, const struct job *j);

/* After any change of store or selection: tree and detail anew. */
void console_changed(struct console *c);

/* The row under the cursor; NULL. */
const struct row *console_row(const struct console *c);

/* A person puts the cursor on this row. */
void console_select(struct console *c, size_t index);

/* The token that the row is or belongs to; NULL. */
const json_t *console_token(const struct console *c);

/* The object (a key, or a certificate) under the cursor; NULL. */
const json_t *console_object(const struct console *c);
const json_t *console_profile(const struct console *c);

#endif
