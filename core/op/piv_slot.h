/* SPDX-License-Identifier: Apache-2.0 */
/* A slot of a PIV card, found by the card's token or reader, and what is in it. */
#ifndef SIGNET_OP_PIV_SLOT_H
#define SIGNET_OP_PIV_SLOT_H

#include "gate/manage.h"
#include "op/seen.h"

struct piv_slot {
    struct seen seen; /* the token; none where the card was found by its reader alone */
    struct wire_card card;
    const struct wire_application *piv; /* in `card` */
    uint8_t slot;                       /* PIV key reference */
    char *label, *device, *serial;
};

/* Reads `slot` as 9a, 9c, 9d, 9e or 82 to 95 (SP 800-73-4 part 1, table 4b), finds the token or
 * reader that argument `name` means, and its PIV application. No login, no try. Freed by
 * op_piv_slot_free in both cases. */
bool op_piv_slot(const struct op_args *args, struct op_ctx *ctx, const char *name, const char *slot,
                 struct piv_slot *out, struct error *e);
void op_piv_slot_free(struct piv_slot *s);

/* The card's PIV application as a module shows it, one that shows objects before others; NULL: no
 * module does. */
const struct seen_token *op_piv_slot_token(const struct piv_slot *s);

/* The objects of the token as a module shows them; NULL: no module shows this card. */
const struct wire_objects *op_piv_slot_objects(const struct piv_slot *s);

/* The CKA_ID that modules give the objects of this slot: 01 is 9A, 02 9C, 03 9D, 04 9E, 05 to 18
 * are 82 to 95 (OpenSC and ykcs11 agree). */
uint8_t op_piv_slot_id(const struct piv_slot *s);

/* What the card itself tells of the slot's key; NULL: nothing. */
const struct wire_card_key *op_piv_slot_key(const struct piv_slot *s);

/* A request to the gate for this card; points into `s`. *source is the caller's to free. */
bool op_piv_slot_request(const struct op_args *args, struct op_ctx *ctx, const struct piv_slot *s,
                         const struct gate_person *person, struct pin_source **source,
                         struct gate_card *out, struct error *e);

#endif
