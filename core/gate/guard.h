/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard remembers, per device, that a login did not succeed. It is marked before each attempt,
 * made durable, and cleared only when the token said CKR_OK: what never answered counts as refused.
 * State folder /guard/DEVICE, one line of JSON:
 * {"guard":1,"user":"user","since":"…","reason":"pending|refused|no answer","rv":"CKR_…",
 * "actor":"headless|person|reset"}.
 */
#ifndef SIGNET_GATE_GUARD_H
#define SIGNET_GATE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct guard_mark {
    bool set;
    char since[32];
    char reason[32];
    char rv[48];
    char actor[16]; /* who made the attempt */
};

/* Reads the mark of `device` and `who` ("user", "so", "management"). An unreadable or malformed
 * mark counts as set. */
bool guard_read(const char *device, const char *who, struct guard_mark *out, struct error *e);
bool guard_mark(const char *device, const char *who, const char *actor, const char *reason,
                const char *rv, struct error *e);
bool guard_clear(const char *device, const char *who, struct error *e);

/* The mark as it was `before` an attempt that was not made after all. */
void guard_restore(const char *device, const char *who, const struct guard_mark *before);

/* The most tries that were ever seen at this PIN, `left` included, which is remembered: for cards
 * that do not tell their maximum. State folder /guard/DEVICE.USER.most, a number. What cannot be
 * remembered is only logged. */
int guard_most(const char *device, const char *who, int left);

/* Forgets it: after a person logged in, the counter is at its maximum and will be seen so. */
void guard_forget_most(const char *device, const char *who);

/* That fewer tries than the most were left when they were last read, in words; for the time in
 * which they cannot be read. State folder /guard/DEVICE.USER.low, a line. What cannot be remembered
 * is only logged. */
void guard_note_low(const char *device, const char *who, const char *text);

/* True where that was noted and not forgotten: with its time, printable, into `out`. */
bool guard_was_low(const char *device, const char *who, char *out, size_t size);

/* Forgets it: the counter was read and is at its maximum, or a login just put it there. */
void guard_forget_low(const char *device, const char *who);

#endif
