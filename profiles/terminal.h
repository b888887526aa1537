/* SPDX-License-Identifier: Apache-2.0 */
/* The person at the terminal: prompts, questions, the progress bar. Prompts use /dev/tty, so that
 * pipes do not disturb. */
#ifndef SIGNET_PROFILES_TERMINAL_H
#define SIGNET_PROFILES_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/secret.h"

/* True when somebody can be asked: there is a /dev/tty to open. */
bool terminal_present(void);

/* Asks for a secret without echo. NULL: ERROR_PIN_SOURCE without a terminal, ERROR_CANCELLED on
 * Ctrl-C (any thread may ask, so `cancel` is looked at, whoever got the signal) or Ctrl-D. */
struct secret *terminal_secret(const char *text, struct cancel *cancel, struct error *e);

/* Gives the terminal its echo back, where a secret is being typed. For signal handlers. */
void terminal_restore(void);

/* Asks for a line with echo, into `answer`; false without a terminal, at its end, or when
 * cancelled. */
bool terminal_line(const char *text, char *answer, size_t size, struct cancel *cancel);

/* Columns of `fd`; 80 when it is no terminal. */
unsigned terminal_width(int fd);

/* True when `fd` is a terminal that understands colours, and NO_COLOR is not set. */
bool terminal_colour(int fd);

/* Draws the bar on standard error, over the last one. total 0: no bar, only the count. */
void terminal_progress(uint64_t done, uint64_t total, const char *what);

/* Draws a line of text in the bar's place. False where nothing can be drawn. */
bool terminal_now(const char *text);

/* Takes the bar away, so that something else can be printed. */
void terminal_progress_clear(void);

#endif
