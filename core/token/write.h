/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a token's objects by PKCS#11. The token must be logged in to, through the gate: send
 * these to gate_host(session) with gate_slot(session). None can spend a try. False, as host_call:
 * ERROR_TOKEN (detail: CK_RV), ERROR_HOST, ERROR_CANCELLED.
 */
#ifndef SIGNET_TOKEN_WRITE_H
#define SIGNET_TOKEN_WRITE_H

#include "base/cancel.h"
#include "base/error.h"
#include "token/host.h"
#include "wire/write.h"

/* Makes a key pair; `out` is its private key as the token tells of it then, with the public half in
 * spki. Freed with wire_object_free, also on failure. A key that is not what was asked for is an
 * error, and is gone again, or named. A host that was cancelled or ended may have left a key: look
 * for its id. */
bool write_key(struct host *h, const struct wire_new_key *k, struct cancel *cancel,
               struct wire_object *out, struct error *e);

/* Stores a certificate: CKA_SUBJECT, CKA_ISSUER and CKA_SERIAL_NUMBER come from it. */
bool write_certificate(struct host *h, const struct wire_new_certificate *c, struct cancel *cancel,
                       struct error *e);

/* Gives an object another CKA_ID, CKA_LABEL, or both. */
bool write_names(struct host *h, const struct wire_new_names *n, struct cancel *cancel,
                 struct error *e);

/* Destroys one object: never another one than `w` tells. */
bool write_delete(struct host *h, const struct wire_which *w, struct cancel *cancel,
                  struct error *e);

/* `o` as one object of `slot`, for write_names and write_delete; points into `o`. The object must
 * have its public key (or DER); false: ERROR_UNFIT. */
bool write_which(const struct wire_object *o, CK_SLOT_ID slot, struct wire_which *out,
                 struct error *e);

#endif
