/* SPDX-License-Identifier: Apache-2.0 */
/* What the console learns by itself of readers, cards, their PINs and containers, and of the reason
 * why there is no token. */
#ifndef SIGNET_TUI_DEVICES_H
#define SIGNET_TUI_DEVICES_H

#include "tui/console.h"

/* Readers and cards that come and go, from now on. */
void devices_watch(struct console *c);

/* Starts what is to be read and can be read now: nothing of ours is to be at a card that is asked.
 * After each piece of news. */
void devices_read_missing(struct console *c);

/* What a job told of these, whoever started it: "counters" and "containers"; false: neither. */
bool devices_keep_record(struct console *c, const char *kind, json_t *record);

#endif
