/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices as both sides see them: tokens by PKCS#11, and the cards that they are by PC/SC. The
 * modules are asked first, also for what their vendor adds, and let go, so that nothing of ours is
 * at a card when it is asked.
 */
#ifndef SIGNET_OP_SEEN_H
#define SIGNET_OP_SEEN_H

#include "op/op.h"
#include "token/card.h"
#include "token/inventory.h"
#include "token/vendor.h"

enum { SEEN_NO_CARD = -1 };

struct seen_token {
    char *label, *serial, *model, *uri, *module; /* printable; module: its path */
    unsigned number;
    CK_TOKEN_INFO info;
    CK_INFO maker;                  /* of the module */
    struct wire_application vendor; /* what the module adds to PKCS#11; empty where nothing */
    struct wire_objects objects;    /* where they were asked for */
    struct error unread;            /* why its objects could not be read; ERROR_NONE */
    int card;                       /* index in seen.card, or SEEN_NO_CARD */
};

struct seen {
    struct seen_token *token;
    size_t token_count;
    struct wire_card *card;
    size_t card_count;
    struct error pcsc; /* why no card could be asked; ERROR_NONE */
};

/* The token that argument `name` means, and its card; without one, all tokens and all cards.
 * `objects`: the tokens' objects too; where they cannot be read, that is an error of the named
 * token, and of all tokens stands with the one. */
bool op_seen(const struct op_args *args, struct op_ctx *ctx, const char *name, bool objects,
             struct seen *out, struct error *e);
void op_seen_free(struct seen *s);

/* The same for one token of an inventory, whose objects were read before; they stay the caller's.
 * The hosts of the inventory are ended. */
bool op_seen_token(struct op_ctx *ctx, struct inventory *inv, const struct token *t,
                   struct seen *out, struct error *e);

/* The title of the device: that of its card's first application, else the token's model. */
const char *op_seen_title(const struct seen *s, const struct seen_token *t);

#endif
