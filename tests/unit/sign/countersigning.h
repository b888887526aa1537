/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps, good and bad, and revocation lists, made on the spot. What cannot be made ends the
 * test program. */
#ifndef SIGNET_TESTS_SIGN_COUNTERSIGNING_H
#define SIGNET_TESTS_SIGN_COUNTERSIGNING_H

#include <openssl/x509.h>

#include "signing.h"

struct countersigning_authority {
    EVP_PKEY *key;
    X509 *root, *leaf; /* "Clock Root" and `recipe.name`, which both have the key */
};

/* `recipe`: its name, dates, usage and purposes are taken. */
void countersigning_authority_make(struct countersigning_authority *a, const char *key_type,
                                   const struct certificate *recipe);
void countersigning_authority_free(struct countersigning_authority *a);

struct countersigning {
    const struct countersigning_authority *by;
    time_t when;    /* 0, of the legacy kind: it says none */
    const char *md; /* of the imprint, or of all of the legacy kind; NULL: SHA256 */
    bool legacy;
    bool of_another;      /* it is over another signature */
    bool damaged;         /* its signature does not hold */
    bool bare;            /* without the certificates */
    bool without_ess;     /* RFC 3161: the signer is not named by the attributes */
    bool critical;        /* RFC 3161: with an extension that nobody knows */
    const char *typed;    /* legacy: its content type; NULL: as usual; "": none */
    const char *digested; /* legacy: what the digest says was signed; NULL: the signature */
};

/* Adds it to a signature (DER of a ContentInfo). */
void countersigning_add(struct buffer *der, const struct countersigning *s);

/* The value that a timestamp of this signature is over; appended to `value`. */
void countersigning_value(const struct buffer *der, struct buffer *value);

struct countersigning_list {
    X509 *issuer;
    EVP_PKEY *key;
    time_t from, to;         /* thisUpdate, nextUpdate */
    long serial;             /* of what is revoked; 0: nothing is */
    time_t revoked, invalid; /* invalid 0: no such date */
    int reason;              /* -1: none is given */
    bool critical;           /* with an extension that nobody knows */
};

X509_CRL *countersigning_list(const struct countersigning_list *l);

#endif
