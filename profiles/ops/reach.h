/* SPDX-License-Identifier: Apache-2.0 */
/* The token that a profile is for, as the operations on profiles reach it: without a login. */
#ifndef SIGNET_PROFILES_OPS_REACH_H
#define SIGNET_PROFILES_OPS_REACH_H

#include "base/error.h"
#include "op/op.h"
#include "token/inventory.h"
#include "wire/message.h"

struct reach {
    struct inventory inventory;
    struct token *token; /* in the inventory */
    struct wire_objects objects;
};

/* Reads the modules of --module, else `module`, else all, and finds the token `name` (NULL: the
 * only one). Freed by reach_free in any case. */
bool reach_token(struct reach *out, const struct op_args *a, struct op_ctx *ctx, const char *module,
                 const char *name, struct error *e);

/* The same, and what is on it. */
bool reach_objects(struct reach *out, const struct op_args *a, struct op_ctx *ctx,
                   const char *module, const char *name, struct error *e);

void reach_free(struct reach *r);

/* The module that shows the token, and whether `module` (a profile's) means it. */
const struct module_entry *reach_module(const struct reach *r);
bool reach_is_module(const struct reach *r, const char *module);

#endif
