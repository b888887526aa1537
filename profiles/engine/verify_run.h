/* SPDX-License-Identifier: Apache-2.0 */
/* Judges many files, several at a time. */
#ifndef SIGNET_PROFILES_ENGINE_VERIFY_RUN_H
#define SIGNET_PROFILES_ENGINE_VERIFY_RUN_H

#include "op/op.h"
#include "profiles/engine/plan.h"
#include "sign/verify.h"

/* A record for each file, in their order; less when it was cancelled. New reference. `bad` gets how
 * many of them are not good. NULL: ERROR_MEMORY. */
json_t *verify_run(const struct plan *plan, const struct verify_options *options,
                   struct op_ctx *ctx, size_t *bad, struct error *e);

#endif
