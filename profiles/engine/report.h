/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of the engine tells: a record for each file and a summary, and their text. `sign` and
 * `timestamp` speak alike. */
#ifndef SIGNET_PROFILES_ENGINE_REPORT_H
#define SIGNET_PROFILES_ENGINE_REPORT_H

#include "op/op.h"
#include "profiles/engine/engine.h"

struct report {
    struct op_ctx *ctx;
    const struct plan *plan;
    bool stamps_alone; /* what is kept has its timestamps; that it is signed is nothing new */
    size_t done;       /* files */
};

/* One file's record, and the progress that it makes. */
void report_file(struct report *r, const struct engine_result *result);

void report_summary(const struct report *r, const struct engine_totals *totals, int64_t ms);

/* The `text` of an operation that has the records above. */
void report_text(const char *kind, const json_t *record, unsigned width, bool colour,
                 struct buffer *out);

#endif
