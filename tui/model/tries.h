/* SPDX-License-Identifier: Apache-2.0 */
/* The tries left of one PIN, as they are shown. */
#ifndef SIGNET_TUI_MODEL_TRIES_H
#define SIGNET_TUI_MODEL_TRIES_H

#include <jansson.h>
#include <stdbool.h>

#include "tui/term/screen.h"

enum { TRIES_DOTS = 10 }; /* more are not drawn */

struct tries {
    bool known;      /* by number */
    int left, total; /* dots; total 0: too many for dots */
    enum style style;
    char words[160]; /* "2 of 3", "BLOCKED", or why it is not known */
};

/* Of a record in "counters" of `counters`. */
struct tries tries_of(const json_t *counter);

#endif
