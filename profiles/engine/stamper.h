/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who gets the timestamps of a run of the engine: the servers of a profile, and how long they are
 * waited for when the run is to end. A signal lets what is signed already get its timestamp, but
 * tries, pauses and rates could take minutes: what has none some seconds after it is left as it
 * was.
 */
#ifndef SIGNET_PROFILES_ENGINE_STAMPER_H
#define SIGNET_PROFILES_ENGINE_STAMPER_H

#include "base/cancel.h"
#include "profiles/engine/engine.h"
#include "profiles/profile.h"

enum { STAMPER_GRACE_MS = 5000 }; /* after the signal; builds are killed soon after it */

struct stamper;

/* `signal` is looked at until stamper_close. NULL: what stamping_open says. */
struct stamper *stamper_open(const struct profile *p, struct cancel *signal, struct error *e);
void stamper_close(struct stamper **s);

/* The engine's `stamp`. */
bool stamper_get(struct stamper *s, const uint8_t *signature, size_t length, struct buffer *token,
                 struct engine_stamp *given, struct error *e);

#endif
