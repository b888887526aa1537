/* SPDX-License-Identifier: Apache-2.0 */
/* What became of each file of a run, and of all of them: records for the operations that take one
 * file after the other, in the form that sign has. */
#ifndef SIGNET_PROFILES_ENGINE_TALLY_H
#define SIGNET_PROFILES_ENGINE_TALLY_H

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
    bool silent; /* records of files that went well are not wanted; those that failed are told */
};

void tally_begin(struct tally *t, struct op_ctx *ctx, const char *done, size_t files);

/* `more`: an object whose members the record gets too (taken); NULL: none. `e`: of TALLY_FAILED. */
void tally_file(struct tally *t, const char *file, enum tally_state state, uint64_t bytes,
                json_t *more, const struct error *e);

/* Calls `one` for each file of the plan, which tells what came of it by tally_file; one that it
 * does not tell of, because of a signal, and those after it are not tried. `is_same`: that a file
 * was named before, and what was done then is enough. */
void tally_plan(struct tally *t, const struct plan *plan,
                bool (*is_same)(const struct plan *plan, size_t index),
                void (*one)(void *data, size_t index), void *data);

/* Emits the summary. True when all went well;
 * ERROR_SOME_FAILED; ERROR_CANCELLED. */
bool tally_end(struct tally *t, struct error *e);

/* The renderer of both records (op.text). */
void tally_text(const char *kind, const json_t *record, unsigned width, bool colour,
                struct buffer *out);

#endif
