/* SPDX-License-Identifier: Apache-2.0 */
/* The console's operations: those that it runs by itself to know what is there, and those that a
 * person asked for. */
#ifndef SIGNET_TUI_JOBS_H
#define SIGNET_TUI_JOBS_H

#include "tui/console.h"

/* Operations by verb, of both programs; NULL for none. */
const struct op *jobs_op(const char *verb);

/* Starts what the console wants to know: `what` is noted as being read, until jobs_forget. The
 * watcher's data is the console. */
void jobs_start(struct console *c, const char *verb, const char *const *words, size_t count,
                const char *lane, const struct job_watcher *watcher, const char *what);
void jobs_forget(struct console *c, const char *what);

/* Whatever hangs is read anew beside it; lists of files do not hang. */
void jobs_forget_tokens(struct console *c);

/* The same with the modules that the console was started with, and no other words. */
void jobs_start_here(struct console *c, const char *verb, const struct job_watcher *watcher);

void jobs_read_tokens(struct console *c);
void jobs_read_profiles(struct console *c);
void jobs_read_orders(struct console *c);

/* Objects of tokens, and the detail of the row, where they are not known and not being read. */
void jobs_read_missing(struct console *c);

/* Looks for changes by itself, now and then, when nothing else is at work. */
void jobs_poll(struct console *c);

/* After a card came or went: says what it was taken away from. */
void jobs_cards_changed(struct console *c);

/* Runs `verb` with these words for the person: what it says goes to the status line, to a pager
 * when it has more to say. A token's operation gets `token`, which names its module and lane; it
 * may be NULL. */
struct job *jobs_run(struct console *c, const char *verb, const json_t *token,
                     const char *const *words, size_t count);

/* True while something is at work that logs in for as long as it takes. */
bool jobs_have_login(const struct console *c);

/* What is at work, in words, for the title; "" for nothing. */
void jobs_describe(const struct console *c, char *out, size_t size);

#endif
