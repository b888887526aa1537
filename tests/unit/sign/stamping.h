/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps, good and bad, and revocation lists, made on the spot. What cannot be made ends the
 * test program. */
#ifndef SIGNET_TESTS_SIGN_STAMPING_H
#define SIGNET_TESTS_SIGN_STAMPING_H

#include <openssl/x509.h>

#include "signing.h"

struct stamping_authority {
    EVP_PKEY *key;
    X509 *root, *leaf; /* "Clock Root" and `recipe.name`, which both have the key */
};

/* `recipe`: its name, dates, usage and purposes are taken. */
void stamping_authority_make(struct stamping_authority *a, const char *key_type,
                             const struct certificate *recipe);
void stamping_authority_free(struct stamping_authority *a);

struct stamping {
    const struct stamping_authority *by;
    time_t when;    /* 0, of the legacy kind: it says none */
    const char *md; /* of the imprint, or of all of the legacy kind; NULL: SHA256 */
    bool legacy;
    bool of_another;      /* it is over another signature */
    bool damaged;         /* its signature does not hold */
    bool bare;            /* without the certificates */
    bool without_ess;     /* RFC 3161: the signer is not named by the attributes */
    bool critical;        /* RFC 3161: with an extension that nobody knows */
    const char *digested; /* legacy: what the digest says was signed; NULL: the signature */
};

/* Adds it to a signature (DER of a ContentInfo). */
void stamping_add(struct buffer *der, const struct stamping *s);

/* The value that a timestamp of this signature is over; appended to `value`. */
void stamping_value(const struct buffer *der, struct buffer *value);

struct stamping_list {
    X509 *issuer;
    EVP_PKEY *key;
    time_t from, to;         /* thisUpdate, nextUpdate */
    long serial;             /* of what is revoked; 0: nothing is */
    time_t revoked, invalid; /* invalid 0: no such date */
    int reason;              /* -1: none is given */
    bool critical;           /* with an extension that nobody knows */
};

X509_CRL *stamping_list(const struct stamping_list *l);

#endif
