/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost with a key, a certificate or a whole token, said before it is. */
#ifndef SIGNET_OP_LOSS_H
#define SIGNET_OP_LOSS_H

#include <jansson.h>

#include "op/op.h"
#include "token/objects.h"

struct loss {
    json_t *list;    /* a record for each key and certificate */
    bool unexpired;  /* a certificate among them is valid yet */
    size_t keys;     /* private keys, or public ones whose private half is hidden */
    bool incomplete; /* not all could be seen */
};

/* Begins an empty one. False: no memory. Freed by op_loss_free. */
bool op_loss_init(struct loss *l);
void op_loss_free(struct loss *l);

/* Adds one object of `all`. A public key beside its private one is not counted twice. */
void op_loss_add(struct loss *l, const struct wire_slot *slot, const struct wire_objects *all,
                 const struct wire_object *o);

/* The certificate of an object has not expired. */
bool op_loss_is_unexpired(const struct wire_object *o);

/* Tells each of them, a line for one. */
void op_loss_tell(const struct loss *l, struct op_ctx *ctx);

/* Asks a person to type `label` on a terminal, or, where it is empty, some words; --yes never
 * answers that. False: ERROR_FORBIDDEN, "nothing was done". */
bool op_loss_type_label(struct op_ctx *ctx, const char *what, const char *label, struct error *e);

#endif
