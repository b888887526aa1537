/* SPDX-License-Identifier: Apache-2.0 */
/* A timestamp authority in the test program, by OpenSSL's own responder where that makes what is
 * wanted, else by signing again what it made. Whatever cannot be made ends the test program. */
#ifndef SIGNET_TESTS_SIGN_STAMPER_H
#define SIGNET_TESTS_SIGN_STAMPER_H

#include <openssl/ts.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"

/* How its answer is to be; all zero but `cert` and `key`: good. */
struct stamper {
    X509 *cert;
    EVP_PKEY *key;
    X509 *issuer;           /* goes into the token too; NULL: none does */
    time_t time;            /* in the token; 0: now */
    const EVP_MD *ess;      /* how its certificate is named: SHA-1 is the older attribute */
    bool whole_chain;       /* ESSCertIDs of the issuers too */
    bool again;             /* signed by CMS_sign, which takes any certificate */
    X509 *fit;              /* `again`: one with the same key that OpenSSL's responder takes */
    const X509 *named;      /* `again`: ESSCertIDv2 names this one */
    bool unnamed;           /* `again`: no ESSCertID */
    bool without_cert;      /* `again`: the signer's certificate is not in it */
    const char *other_type; /* `again`: OID of the content */
};

/* Appends the DER of a TimeStampResp to the request in `query` (DER of a TimeStampReq). */
void stamper_answer(const struct stamper *s, const struct buffer *query, struct buffer *answer);

/* The same, the token alone. */
void stamper_token(const struct stamper *s, const struct buffer *query, struct buffer *token);

#endif
