/* SPDX-License-Identifier: Apache-2.0 */
/* What the actions do. */
#ifndef SIGNET_TUI_COMMAND_COMMAND_H
#define SIGNET_TUI_COMMAND_COMMAND_H

#include "tui/console.h"

/* move.c */
void command_up(struct console *c);
void command_down(struct console *c);
void command_left(struct console *c);
void command_right(struct console *c);
void command_page_up(struct console *c);
void command_page_down(struct console *c);
void command_home(struct console *c);
void command_end(struct console *c);
void command_other_pane(struct console *c);
void command_search(struct console *c);
void command_search_next(struct console *c);
void command_search_previous(struct console *c);

/* general.c */
void command_enter(struct console *c);
void command_cancel(struct console *c);
void command_quit(struct console *c);
void command_help(struct console *c);
void command_palette(struct console *c);
void command_refresh(struct console *c);
void command_redraw(struct console *c);
void command_hidden(struct console *c);
void command_log(struct console *c);
void command_save_log(struct console *c);
void command_full(struct console *c);
void command_restart_module(struct console *c);

/* token.c */
void command_reset_counter(struct console *c);
void command_counters(struct console *c);
void command_unblock(struct console *c);
void command_doctor(struct console *c);
void command_change_pin(struct console *c);
void command_login(struct console *c);

/* copy.c */
void command_copy(struct console *c);
void command_copy_uri(struct console *c);
void command_copy_pem(struct console *c);
void command_copy_signtool(struct console *c);
void command_export(struct console *c);
/* To the clipboard, and says so; "copied WHAT: …". */
void command_copy_text(struct console *c, const char *what, const char *text);

/* profile.c */
void command_profile_new(struct console *c);
void command_profile_edit(struct console *c);
void command_profile_check(struct console *c);
void command_profile_trial(struct console *c);
void command_profile_duplicate(struct console *c);
void command_profile_delete(struct console *c);
void command_pin_store(struct console *c);
void command_copy_line(struct console *c);
void command_run_files(struct console *c);

/* The profile of the row, or the one for its token; NULL. */
const json_t *command_profile_here(const struct console *c);

/* steps.c */
/* Does a step of the way to signed builds, or offers the ways to do it. */
void command_step(struct console *c, enum step s);

/* keys.c */
void command_init(struct console *c);
void command_keygen(struct console *c);
void command_csr(struct console *c);
void command_import(struct console *c);
void command_delete(struct console *c);

/* Why it cannot be done to the token under the cursor, in static words; NULL when it can. */
const char *command_no_key_made(const struct console *c);
/* The key under the cursor, or else the one of the token that signs; NULL. */
const json_t *command_key_here(const struct console *c);

/* verb.c */
/* A form of the operation's arguments; done, it runs. */
void command_open_verb(struct console *c, const struct op *op);

/* The same with values that stand there already; a switch takes any. The last of a list has no
 * name. */
struct verb_value {
    const char *name, *value;
    bool needed; /* here, whatever the descriptor says */
};
void command_open_verb_with(struct console *c, const char *verb, const struct verb_value *values);

#endif
