/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates between a leaf and its root, and whether a leaf may sign code. */
#ifndef SIGNET_CERT_CHAIN_H
#define SIGNET_CERT_CHAIN_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

#include "base/error.h"

/* Leaf first, then each issuer found in `pool` (may be NULL) by subject, key identifier and
 * signature, without the self-signed root; 16 at most. Of several issuers a cross certificate goes
 * before the root that it stands for, and the one that is valid longest before others. New stack
 * with references of its own: sk_X509_pop_free(s, X509_free). `missing` (may be NULL) gets the
 * subject of the issuer that could not be found, NULL where the chain ends in a root (of the
 * pool, or the leaf); freed by the caller. NULL: ERROR_MEMORY. */
STACK_OF(X509) *
    cert_chain_build(X509 *leaf, STACK_OF(X509) * pool, char **missing, struct error *e);

/* The certificate of `pool`, another than `x`, whose key signed `x` and whose name `x` gives as its
 * issuer; a borrowed reference, NULL: none is there. */
X509 *cert_chain_issuer(X509 *x, STACK_OF(X509) * pool);

/* Whether `x` is among these (may be NULL), byte for byte. */
bool cert_chain_holds(const STACK_OF(X509) * all, const X509 *x);

/* Fit to sign code at `now` with `key`: the same public key, EKU codeSigning, key usage (where
 * present) with digitalSignature, in its validity, RSA of 2048 bits at least or P-256, P-384,
 * P-521. ERROR_UNFIT says what is wrong and what to do. `key` may be NULL: not compared. */
bool cert_fit_to_sign(const X509 *x, EVP_PKEY *key, time_t now, struct error *e);

#endif
