/* SPDX-License-Identifier: Apache-2.0 */
/* What became of each file of a run, and of all of them: records for the operations that need no
 * token, in the form that sign has. Several files are worked on at once. */
#ifndef SIGNET_PROFILES_ENGINE_TALLY_H
#define SIGNET_PROFILES_ENGINE_TALLY_H

#include <pthread.h>

#include "op/op.h"
#include "profiles/engine/plan.h"

enum tally_state { TALLY_DONE, TALLY_KEPT, TALLY_SAME, TALLY_FAILED, TALLY_NOT_TRIED, TALLY_COUNT };

struct tally {
    struct op_ctx *ctx;
    const char *done; /* what TALLY_DONE is called: "removed" */
    size_t files;     /* in all */
    size_t count[TALLY_COUNT];
    uint64_t bytes;
    int64_t started;
    pthread_mutex_t mutex;
    pthread_cond_t passed; /* the turn went on */
    size_t turn;           /* all files of the plan before this one are done */
    bool silent; /* records of files that went well are not wanted; those that failed are told */
};

void tally_begin(struct tally *t, struct op_ctx *ctx, const char *done, size_t files);

/* By any thread. `more`: an object whose members the record gets too (taken); NULL: none. `e`: of
 * TALLY_FAILED. */
void tally_file(struct tally *t, const char *file, enum tally_state state, uint64_t bytes,
                json_t *more, const struct error *e);

/* Calls `one` for each file of the plan, by several threads; it tells what came of the file by
 * tally_file, or says false: a signal came before that. Those, and the ones that no thread came to,
 * are not tried. `is_same`: that a file was named before, and what was done then is enough.
 * ERROR_MEMORY. */
bool tally_plan(struct tally *t, const struct plan *plan,
                bool (*is_same)(const struct plan *plan, size_t index),
                bool (*one)(void *data, size_t index), void *data, struct error *e);

/* Within `one`: waits until all files before this one are done. */
void tally_wait(struct tally *t, size_t index);

/* Emits the summary. True when all went well; ERROR_SOME_FAILED; ERROR_CANCELLED. */
bool tally_end(struct tally *t, struct error *e);

/* The renderer of both records (op.text). */
void tally_text(const char *kind, const json_t *record, unsigned width, bool colour,
                struct buffer *out);

#endif
