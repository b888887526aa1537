/* SPDX-License-Identifier: Apache-2.0 */
/* What happens, for --verbose and the console's log pane. Never a secret. Core itself writes
 * nowhere. */
#ifndef SIGNET_BASE_LOG_H
#define SIGNET_BASE_LOG_H

typedef void log_sink(void *data, const char *line);

/* Where lines go from now on; NULL: nowhere. Called at the start of a program, before threads. */
void log_set_sink(log_sink *sink, void *data);

/* One line, without newline; printable; cut at 1,000 bytes. Any thread. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
