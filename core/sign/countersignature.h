/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timestamps of a signature: who testifies that it was there at a time. Two kinds stand in its
 * unsigned attributes: an RFC 3161 token, and what came before it, a countersignature (RFC 2985
 * section 5.3.6: a SignerInfo over the signature's value, its certificates among those of the
 * signature) with a signing time. Here each is judged by itself; whether its authority is trusted
 * is asked in sign/verify_timestamp.h.
 */
#ifndef SIGNET_SIGN_COUNTERSIGNATURE_H
#define SIGNET_SIGN_COUNTERSIGNATURE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <time.h>

#include "base/error.h"

struct authenticode_view;

#define COUNTERSIGNATURE_OID "1.2.840.113549.1.9.6" /* RFC 2985 section 5.3.6 */

enum countersignature_kind { COUNTERSIGNATURE_RFC3161, COUNTERSIGNATURE_LEGACY };

struct countersignature {
    enum countersignature_kind kind;
    time_t when;                   /* as it says; 0: it cannot be read */
    X509 *signer;                  /* NULL: its certificate is not there */
    STACK_OF(X509) * certificates; /* that came with it */
    const EVP_MD *hash;            /* of the value that it testifies to; static; NULL: unknown */
    const EVP_MD *signed_hash; /* that the authority's key signed; the same of the legacy kind */
};

/* Number `index` of a signature's: the tokens, then the others, each in the order of their
 * encoding. False: there are not so many. What is known of it is in `out` also when it is wrong,
 * which `e` then tells (ERROR_TIMESTAMP; ERROR_NONE: it holds, and its certificate is for
 * timestamps). */
bool countersignature_read(const struct authenticode_view *v, unsigned index,
                           struct countersignature *out, struct error *e);
void countersignature_free(struct countersignature *c);

#endif
