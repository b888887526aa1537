/* SPDX-License-Identifier: Apache-2.0 */
/* What most operations begin with: the tokens here, the one that is meant, its objects. */
#ifndef SIGNET_OP_SESSION_H
#define SIGNET_OP_SESSION_H

#include "op/op.h"
#include "token/inventory.h"
#include "token/objects.h"

/* How long an operation queues for a token, in ms. */
enum { OP_WAIT_MS = 60000 };

/* Reads the modules of --module, or all. Freed with inventory_free. */
bool op_inventory(const struct op_args *args, struct op_ctx *ctx, struct inventory *out,
                  struct error *e);

/* The same with `all`, or in parts: modules and pool of `options` are set here. */
bool op_inventory_with(const struct op_args *args, struct op_ctx *ctx,
                       struct inventory_options *options, struct inventory *out, struct error *e);

/* The token that a name means, as inventory_find has it; a module that failed is the better answer
 * to "no token". */
struct token *op_token_by(const char *name, const struct inventory *inv, struct error *e);

/* The same of argument `name`; without one, the only one. */
struct token *op_token(const struct op_args *args, const char *name, const struct inventory *inv,
                       struct error *e);

/* A request to the gate for this token, with --pin or the prompt. *source is the caller's to free.
 */
bool op_gate_request(const struct op_args *args, struct op_ctx *ctx, const struct inventory *inv,
                     const struct token *t, const struct gate_person *person,
                     struct pin_source **source, struct gate_request *out, struct error *e);

/* For the console: PINs from variables of the environment serve more than one operation
 * (pin_source_keep_env). */
void op_keep_env_pins(bool keep);

/* The object that a URI, id or label means: of the URI's type; without one, a certificate before a
 * key. *class (may be NULL): what was asked for, where a hidden private key is stood in for by its
 * public key. */
const struct wire_object *op_object(const struct wire_objects *all, const struct token *t,
                                    const char *name, CK_OBJECT_CLASS *class, struct error *e);

/* Takes the token's host out of the inventory: the gate will own it. */
struct host *op_take_host(struct inventory *inv, const struct token *t);

#endif
