/* SPDX-License-Identifier: Apache-2.0 */
/* What a CA sent, sorted out: the certificate of a key, and those between it and its root. */
#ifndef SIGNET_CERT_DELIVERY_H
#define SIGNET_CERT_DELIVERY_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Different certificates that one delivery may have. */
enum { DELIVERY_MAX = 100 };

struct delivery {
    X509 *leaf;
    /* Its issuers, the nearest first, without the root. */
    STACK_OF(X509) * issuers;
    char *missing;     /* the name of an issuer that is nowhere here; NULL: the chain is whole */
    char *missing_url; /* where it says that this one is to be had; NULL: nowhere */
};

/* Drops what is there twice. ERROR_FORMAT: more than DELIVERY_MAX are left. */
bool delivery_unique(STACK_OF(X509) * sent, struct error *e);

/* The certificate in `sent` that is no CA's and has one of the keys; of several for one key the one
 * that expires last. *which is the key's index. NULL, without an error, where there is none;
 * ERROR_USAGE where there are certificates for several keys. */
X509 *delivery_leaf(STACK_OF(X509) * sent, EVP_PKEY *const *keys, size_t count, size_t *which,
                    struct error *e);

/* Finds the issuers of `leaf` in `sent` and, where they are not sent, in `known` (may be NULL).
 * ERROR_SIGNATURE: an issuer was sent by name, and has not signed what it is to have signed, may
 * not issue, or the chain goes round in a circle. Freed with delivery_free, also on failure. */
bool delivery_chain(X509 *leaf, STACK_OF(X509) * sent, STACK_OF(X509) * known, struct delivery *out,
                    struct error *e);
void delivery_free(struct delivery *d);

#endif
