/* SPDX-License-Identifier: Apache-2.0 */
/* What a person means by the name of a token: the same words for each verb. */
#ifndef SIGNET_OP_NAMED_H
#define SIGNET_OP_NAMED_H

#include "op/op.h"
#include "token/inventory.h"

/* TOKEN of a verb that is for one, and of one that is for all there is. */
#define OP_ONE_TOKEN                                                                               \
    {                                                                                              \
        .name = "TOKEN", .type = OP_TOKEN, .positional = true,                                     \
        .help = "@number, label, serial or pkcs11: URI, or a reader's name; without it, the only " \
                "token there is"                                                                   \
    }
#define OP_ANY_TOKEN                                                                               \
    {                                                                                              \
        .name = "TOKEN", .type = OP_TOKEN, .positional = true,                                     \
        .help = "@number, label, serial or pkcs11: URI, or a reader's name; without it, all "      \
                "tokens and cards"                                                                 \
    }

/* A token that a module shows, or the card of a reader. */
struct named {
    const struct token *token; /* of the inventory, the first where several are in the reader; NULL:
                                  no module shows the card */
    size_t tokens;             /* how many listed tokens are meant */
    char *reader;              /* the card was meant by its reader or serial; NULL: by its token */
};

/* Takes, in this order: the whole name of a reader; what inventory_find takes; the serial of a card
 * that no module shows, or the beginning of one reader's name that has a card. Without a name: the
 * only token, or where none is, the only card. Errors: ERROR_MISSING, ERROR_USAGE where several
 * fit, ERROR_CANCELLED. */
bool op_named(const char *name, const struct inventory *inv, struct op_ctx *ctx, struct named *out,
              struct error *e);
void op_named_free(struct named *n);

/* The token that is meant, for what only a module can do. */
struct token *op_named_token(const char *name, struct inventory *inv, struct op_ctx *ctx,
                             struct error *e);

/* Reads the modules, and does `act` with the token that argument TOKEN means. */
bool op_with_token(const struct op_args *a, struct op_ctx *ctx,
                   bool (*act)(const struct op_args *a, struct op_ctx *ctx, struct inventory *inv,
                               struct token *t, struct error *e),
                   struct error *e);

/* *is: there is a reader of just this name. */
bool op_named_reader(const char *name, struct op_ctx *ctx, bool *is, struct error *e);

#endif
