/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clipboard of whoever sits at the terminal: OSC 52 (xterm's "Manipulate Selection Data"),
 * which goes through ssh and tmux; and wl-copy or xclip where they are and a display is.
 */
#ifndef SIGNET_TUI_TERM_CLIPBOARD_H
#define SIGNET_TUI_TERM_CLIPBOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { CLIPBOARD_MAX = 74994 }; /* bytes; xterm and tmux take no more in one sequence */

/* Copies text that is no secret. False when it is too long. */
bool clipboard_copy(const char *text, size_t length);

/* The sequence alone; `tmux` wraps it so that tmux passes it on. */
void clipboard_sequence(const char *text, size_t length, bool tmux, struct buffer *out);

#endif
