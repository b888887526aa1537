/* SPDX-License-Identifier: Apache-2.0 */
/* A private key that a host has opened. The login came before, through the gate. */
#ifndef SIGNET_TOKEN_KEY_H
#define SIGNET_TOKEN_KEY_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/signer.h"
#include "token/host.h"

/* Opens the key whose public half is want->spki. */
bool key_open(struct host *h, const struct wire_open_key *want, struct cancel *cancel,
              struct wire_opened *out, struct error *e);

/* One signature on `lane`; for keys without always-authenticate. `touch`: a person has to touch the
 * device for it, and gets the time for that. Appends to `signature`. */
bool key_sign(struct host *h, uint32_t key, unsigned lane, enum signer_hash hash,
              const uint8_t *digest, size_t length, bool touch, struct cancel *cancel,
              struct buffer *signature, struct error *e);

#endif
