/* SPDX-License-Identifier: Apache-2.0 */
/* Taking all signatures off a file, so that it is again what it was before it was signed: bit for
 * bit where the format or the note in its signature (sign/note.h) tells how. */
#ifndef SIGNET_SIGN_STRIP_H
#define SIGNET_SIGN_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"

enum strip_state {
    STRIP_DONE,
    STRIP_UNSIGNED, /* there is none; in `output` there may be anything */
};

/* Reads `input` and writes it without signatures into `output` (empty, open for reading and
 * writing), and looks at what was written. *size: bytes of the input. Whether the signatures hold
 * is not asked: one that is broken is to go, too. ERROR_FORMAT, ERROR_UNSUPPORTED, ERROR_SYSTEM,
 * ERROR_CANCELLED. */
bool strip_file(int input, const char *name, int output, enum strip_state *state, uint64_t *size,
                struct cancel *cancel, struct error *e);

#endif
