/* SPDX-License-Identifier: Apache-2.0 */
/* The key that an attestation is asked for: its card, its slot, and what the device said. */
#ifndef SIGNET_OP_ATTESTED_H
#define SIGNET_OP_ATTESTED_H

#include "cert/attestation.h"
#include "op/op.h"
#include "op/seen.h"
#include "token/card.h"

struct attested {
    struct wire_card card;
    const struct wire_application *piv; /* in `card` */
    int slot;                           /* PIV key reference */
    uint8_t *spki;                      /* of the key by PKCS#11; NULL: no such key was named */
    size_t spki_length;
    struct wire_objects objects; /* of the token, if it was seen through PKCS#11 */
    struct attestation said;
};

/* Finds the card of KEY (a key's URI, or with --slot a token or a reader), and has the key there
 * attested. ERROR_USAGE, ERROR_MISSING: which key, which card. ERROR_UNFIT: it is no card, or the
 * key cannot be attested. Freed by op_attested_free in both cases. */
bool op_attested(const struct op_args *args, struct op_ctx *ctx, struct attested *out,
                 struct error *e);

/* The same for a key of the only token in `seen`, by its public half; the token's card is taken out
 * of `seen`. ERROR_UNFIT too where the token is no card. */
bool op_attested_seen(struct op_ctx *ctx, struct seen *seen, const uint8_t *spki, size_t length,
                      struct attested *out, struct error *e);
void op_attested_free(struct attested *t);

/* What the card tells of the key in a slot; NULL: nothing. */
const struct wire_card_key *op_attested_key(const struct attested *t, int slot);

#endif
