/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PINs that an OpenPGP card takes as hashes (KDF-DO, functional specification 3.4, sections 4.3.2
 * and 4.4.3.10). Where it is on, a PIN sent as it was typed is a wrong one.
 */
#ifndef SIGNET_HOST_CARD_OPENPGP_KDF_H
#define SIGNET_HOST_CARD_OPENPGP_KDF_H

#include "base/secret.h"
#include "host/card/card.h"

enum openpgp_pin { OPENPGP_PW1, OPENPGP_RESET_CODE, OPENPGP_PW3 };
enum { OPENPGP_PINS = OPENPGP_PW3 + 1, OPENPGP_PIN_MAX = 127, OPENPGP_SALT = 8 };

struct openpgp_kdf {
    int bits; /* of the hash: 256 or 512; 0: PINs are sent as they are */
    uint32_t count;
    uint8_t salt[OPENPGP_PINS][OPENPGP_SALT];
};

/* Reads how the card, with its application selected, wants its PINs. False, with `s` set: it is not
 * known, and no PIN may be sent. */
bool openpgp_kdf_read(struct card *c, struct openpgp_kdf *out, struct wire_status *s);

/* Appends what is to be sent for a PIN to `out`, which has room for OPENPGP_PIN_MAX bytes and holds
 * *length. False, with `s` set: it does not fit, or there is no memory. The caller wipes `out`. */
bool openpgp_kdf_put(const struct openpgp_kdf *k, enum openpgp_pin which, const struct secret *pin,
                     uint8_t *out, size_t *length, struct wire_status *s);

#endif
