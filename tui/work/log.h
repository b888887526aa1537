/* SPDX-License-Identifier: Apache-2.0 */
/* What was asked of tokens, and how long it took: the last lines, for the log pane and for a file.
 * Lines come from any thread; they hold no secrets (base/log.h). */
#ifndef SIGNET_TUI_WORK_LOG_H
#define SIGNET_TUI_WORK_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { LOG_LINES = 1000, LOG_LINE_SIZE = 512 };

struct log;

/* Takes the lines of base/log.h from now on. NULL: no memory. */
struct log *log_open(struct error *e);
void log_close(struct log **l);

/* Adds a line, with the time before it. Any thread. */
void log_add(struct log *l, const char *line);

/* Counts the lines that ever came: something new to draw? */
unsigned long log_total(struct log *l);

/* The line `back` lines before the last one, copied out; false when there is none. */
bool log_get(struct log *l, size_t back, char out[LOG_LINE_SIZE]);

/* Writes all lines to a file that is not there yet. */
bool log_save(struct log *l, const char *path, struct error *e);

#endif
