/* SPDX-License-Identifier: Apache-2.0 */
/* A key to be made, as `keygen` was told of it: by PKCS#11, or in a slot of a PIV card. */
#ifndef SIGNET_OP_NEW_KEY_H
#define SIGNET_OP_NEW_KEY_H

#include "op/op.h"
#include "wire/message.h"

struct key_kind {
    const char *name; /* as --type has it: "rsa:3072" */
    uint32_t rsa_bits;
    const char *curve; /* "" for RSA */
    uint32_t ec_bits;
    const char *of_card; /* as gate_card_generate has it: "RSA-3072" */
};

/* What --type can be; ended by one without a name. */
extern const struct key_kind key_kinds[];

/* True when the token's mechanisms can make such a key, or nothing is known of them. */
bool key_kind_fits(const struct key_kind *kind, const struct wire_slot *slot);

/* A label that every program shows as it is: printable UTF-8, without blanks at its ends.
 * ERROR_USAGE. */
bool new_label_check(const char *label, struct error *e);

/* What a key is worth to people and programs, once it was made: adds "public-key" (PEM) and
 * "public-key-sha256" (of its SubjectPublicKeyInfo). */
bool new_key_describe(json_t *record, const uint8_t *spki, size_t length, struct error *e);

/* Makes a key by the card's management key in the slot that --slot tells. */
bool new_key_on_card(const struct op_args *args, struct op_ctx *ctx, const struct key_kind *kind,
                     struct error *e);

#endif
