/* SPDX-License-Identifier: Apache-2.0 */
/* What most operations begin with: the tokens here, the one that is meant, its objects. */
#ifndef SIGNET_OP_SESSION_H
#define SIGNET_OP_SESSION_H

#include "op/op.h"
#include "token/inventory.h"

/* Reads the modules of --module, or all. Freed with inventory_free. */
bool op_inventory(const struct op_args *args, struct op_ctx *ctx, bool all, struct inventory *out,
                  struct error *e);

/* The token that argument `name` means; without one, the only one. */
struct token *op_token(const struct op_args *args, const char *name, const struct inventory *inv,
                       struct error *e);

/* A request to the gate for this token, with --pin or the prompt. *source is the caller's to free.
 */
bool op_gate_request(const struct op_args *args, struct op_ctx *ctx, const struct inventory *inv,
                     const struct token *t, const struct gate_person *person,
                     struct pin_source **source, struct gate_request *out, struct error *e);

/* Takes the token's host out of the inventory: the gate will own it. */
struct host *op_take_host(struct inventory *inv, const struct token *t);

#endif
