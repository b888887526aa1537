/* SPDX-License-Identifier: Apache-2.0 */
/* sign --digests: the files are elsewhere, their digests are here. It gives the engine jobs, and
 * writes what comes of them. */
#ifndef SIGNET_PROFILES_ENGINE_DIGESTS_H
#define SIGNET_PROFILES_ENGINE_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "profiles/engine/plan.h"
#include "profiles/profile.h"
#include "sign/sign.h"

struct digests;

/* Looks through the digests in the file `path`; `output` is for their signatures. Every line must
 * be one that this profile may sign, or none is. NULL: ERROR_FORMAT, ERROR_PROFILE, ERROR_USAGE,
 * ERROR_SYSTEM. */
struct digests *digests_open(const char *path, const char *output, const struct profile *p,
                             struct error *e);
void digests_close(struct digests **d);

/* An item for each line; none is right, too. */
bool digests_plan(const struct digests *d, struct plan *out, struct error *e);

/* Whether a line is sure to want a signature of the token: the output has none for it. */
bool digests_due(const struct digests *d);

/* The job of a line; by any thread. *made: what the output has of it already. SIGN_MADE: its very
 * signature, which stays; SIGN_MADE_UNSTAMPED: without the timestamp; the job has it. NULL: the
 * line is not what it was. */
struct sign_job *digests_begin(struct digests *d, size_t index, const struct sign_spec *spec,
                               enum sign_made *made, struct error *e);

/* Writes the signature that the job has made; by any thread. */
bool digests_put(struct digests *d, size_t index, const struct sign_job *job, struct error *e);

/* The output takes its place with what was put into it, and with what it had of the lines that were
 * not begun, since the run was stopped; in the order of the digests. Not where there are lines and
 * none could be signed: what an earlier run left stays then. */
bool digests_commit(struct digests *d, struct error *e);

#endif
