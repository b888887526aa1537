/* SPDX-License-Identifier: Apache-2.0 */
/* One file on its way through the engine: what is read, copied and written. It knows no threads. */
#ifndef SIGNET_PROFILES_ENGINE_JOB_H
#define SIGNET_PROFILES_ENGINE_JOB_H

#include <sys/stat.h>

#include "base/tempfile.h"
#include "profiles/engine/engine.h"

struct job {
    struct engine_result result;
    const struct plan_item *item;
    struct sign_spec spec; /* with the item's own description */
    struct stat status;    /* of the input */
    bool in_place;         /* the output is the input, or was when the run began */
    struct tempfile *output;
    struct sign_job *sign;
    enum sign_state state;
    struct buffer signature;
    int64_t started;
    int input;
};

/* NULL: no memory. */
struct job *job_new(const struct engine *engine, size_t index);
void job_free(struct job *j);

/* Opens, reads and hashes the file, into the output unless the run is dry. `made`: nothing is left
 * to do, since an earlier run left the output as it shall be. Where that one lacks its timestamp
 * alone, the job goes on with it instead of the input. */
bool job_read(struct job *j, const struct engine *engine, bool *made, struct error *e);

/* A kept file goes to the output folder as it is, so that the folder holds the whole release. */
bool job_copy_kept(struct job *j, const struct engine *engine, struct error *e);

/* Whether it may still take its place. ERROR_FORMAT: it is in place, and something has changed the
 * file since it was read. */
bool job_has_place(const struct job *j, struct error *e);

/* Writes what the job has, and puts it into its place. */
bool job_commit(struct job *j, const struct engine *engine, struct error *e);

/* Another name of a file that is signed now: where it stands for a file of its own (a hard link, or
 * another name in the output folder) it gets a copy, not a signature of its own. */
bool job_copy_same(const struct plan_item *item, const struct plan_item *first, struct error *e);

#endif
