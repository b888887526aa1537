/* SPDX-License-Identifier: Apache-2.0 */
/* What stands over the panes and has the keys: questions, forms, the palette, help. */
#ifndef SIGNET_TUI_VIEW_WINDOW_H
#define SIGNET_TUI_VIEW_WINDOW_H

#include "base/secret.h"
#include "tui/term/draw.h"
#include "tui/term/event.h"
#include "tui/work/job.h"

struct console;

struct window {
    struct window *below;
    unsigned number;       /* of its opening: memory may be used again, this is not */
    const struct job *job; /* it asks for this job, and goes with it; NULL */
    void (*draw)(struct window *w, struct console *c);
    /* False: the window is done, and closes. */
    bool (*key)(struct window *w, struct console *c, const struct event *e);
    void (*close)(struct window *w); /* frees all of it */
};

/* A question of a job, or of the console itself (job NULL, then `answered` is called with NULL for
 * no). `data` is copied; it may be NULL. */
typedef void ask_answered(struct console *c, const char *data, const char *answer);

/* For a job that may ask for a PIN: takes the keys from the first moment on, so that what is typed
 * ahead is taken neither for commands nor for a part of the PIN, and stays until the job ends. */
struct window *ask_wait(struct job *j);

/* The question of a job: in the window that waits for it among `windows`, else in a new one, which
 * is returned. */
struct window *ask_job(struct window *windows, struct job *j, const struct job_question *q);
struct window *ask_yes_no(const char *text, ask_answered *answered, const char *data);
struct window *ask_text(const char *text, const char *value, bool is_path, ask_answered *answered,
                        const char *data);

/* Text that scrolls; more may come. */
struct window *pager_new(const char *title);
void pager_add(struct window *w, const char *text);

/* A list to choose from by typing. Entries are copied. */
typedef void palette_chosen(struct console *c, void *data, size_t index);
struct window *palette_new(const char *title, palette_chosen *chosen, void *data);
/* `data` goes with the window. */
void palette_owns_data(struct window *w, void (*free_data)(void *));
bool palette_add(struct window *w, const char *text, const char *right, const char *why_not);

#endif
