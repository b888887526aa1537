/* SPDX-License-Identifier: Apache-2.0 */
/* Time: milliseconds that never go back for deadlines, UTC for people. */
#ifndef SIGNET_BASE_CLOCK_H
#define SIGNET_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

enum { CLOCK_TEXT_SIZE = 21 }; /* "2026-11-23T14:02:07Z" and NUL */

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_ms(void);

/* Microseconds of CLOCK_MONOTONIC. */
int64_t clock_us(void);

/* Sleeps at least `ms` milliseconds, through interrupting signals. */
void clock_sleep_ms(int64_t ms);

/* `when` in UTC, ISO 8601 (RFC 3339 section 5.6). Returns `out`. */
const char *clock_text(time_t when, char out[CLOCK_TEXT_SIZE]);

#endif
