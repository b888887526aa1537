/* SPDX-License-Identifier: Apache-2.0 */
/* While a token works, a person sees that it does: "still making the key, 35 s". */
#ifndef SIGNET_OP_WAITING_H
#define SIGNET_OP_WAITING_H

#include "op/op.h"

struct waiting;

/* Begins to tell, after some seconds, from a thread of its own; `what` is static: "making the key".
 * Until op_waiting_end the caller tells nothing itself. NULL where there is no thread: then nobody
 * tells. */
struct waiting *op_waiting_begin(struct op_ctx *ctx, const char *what);

/* Ends it. Takes NULL; sets *w to NULL. */
void op_waiting_end(struct waiting **w);

#endif
