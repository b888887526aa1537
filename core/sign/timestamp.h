/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps of RFC 3161 (as RFC 5816 changes it), without a network: the request, the judgement of
 * a server's answer, and reading a token, also one that stands in a signed file. All bytes are
 * untrusted. Every failure here is ERROR_TIMESTAMP, with a sentence for a person; or ERROR_MEMORY.
 */
#ifndef SIGNET_SIGN_TIMESTAMP_H
#define SIGNET_SIGN_TIMESTAMP_H

#include <openssl/cms.h>
#include <openssl/ts.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    TIMESTAMP_MAX = 1 << 20,     /* bytes of an answer, and of a token */
    TIMESTAMP_SKEW = 5 * 60,     /* seconds that a new token's time may be off */
    TIMESTAMP_CERTIFICATES = 64, /* in one token */
    TIMESTAMP_FINAL = 1,         /* detail of an error: asked again, the server says the same */
};

/* A token that was read. Pointers are the token's (freed by timestamp_view_free) or static. */
struct timestamp_view {
    CMS_ContentInfo *cms;
    TS_TST_INFO *info;
    X509 *signer; /* whose key is said to have signed; NULL when it is not in the token */
    STACK_OF(X509) * certificates; /* all that are in the token, the signer too; maybe none */
    const EVP_MD *md;              /* of the imprint; NULL: an algorithm that is not known here */
    const uint8_t *imprint;
    size_t imprint_length;
    const EVP_MD *signer_md; /* of the signed attributes; NULL: as above */
    time_t time;             /* genTime, whole seconds */
};

/* Parses a token (DER of a ContentInfo, nothing behind it): a SignedData (RFC 5652) by one signer
 * over a TSTInfo (RFC 3161 section 2.4.2). Nothing is judged yet. False: nothing is to be freed. */
bool timestamp_view(const uint8_t *der, size_t length, struct timestamp_view *out, struct error *e);
void timestamp_view_free(struct timestamp_view *v);

/* The imprint is the hash of `value` (of a signature: SignerInfo.encryptedDigest). */
bool timestamp_fits(const struct timestamp_view *v, const uint8_t *value, size_t length,
                    struct error *e);

/* The token's own signature: made by the key of v->signer over the TSTInfo, and the signed
 * attributes name that certificate (ESSCertID or ESSCertIDv2: RFC 2634 section 5.4, RFC 5035,
 * RFC 5816). Whether the signer may do so is for the two below. */
bool timestamp_signature(const struct timestamp_view *v, struct error *e);

/* The signer's certificate is for timestamps (RFC 3161 section 2.3: extended key usage timeStamping
 * alone; that it is critical is asked with `strict`, of a new token: in old ones of
 * Microsoft it is not), its key usage, if any, allows signatures, and it was valid at the token's
 * time. */
bool timestamp_signer(const struct timestamp_view *v, bool strict, struct error *e);

/* The signer's certificate leads to a root in `trust`, as all of them were at `at` (for a new
 * token: its time), by certificates of the token. */
bool timestamp_chain(const struct timestamp_view *v, X509_STORE *trust, time_t at, struct error *e);

/* What a server is asked. */
struct timestamp_request {
    const EVP_MD *md;
    uint8_t imprint[EVP_MAX_MD_SIZE];
    size_t imprint_length;
    uint64_t nonce;
    struct buffer der; /* TimeStampReq, RFC 3161 section 2.4.1: version 1, certReq */
};

/* For the value of a signature, with a random nonce. Freed by timestamp_request_free. */
bool timestamp_request(const EVP_MD *md, const uint8_t *value, size_t length,
                       struct timestamp_request *out, struct error *e);
void timestamp_request_free(struct timestamp_request *r);

/* Judges the body of a server's answer (TimeStampResp, RFC 3161 section 2.4.2) to `request`:
 * granted; the same imprint and nonce; all checks above, strictly; a time within TIMESTAMP_SKEW of
 * `now`; a chain to `trust`, unless that is NULL. Appends the token (DER of a ContentInfo) to
 * `token`, and gives its time. A refusal that asking again will not change has TIMESTAMP_FINAL as
 * its detail. */
bool timestamp_check(const struct timestamp_request *request, const uint8_t *answer, size_t length,
                     X509_STORE *trust, time_t now, struct buffer *token, time_t *time,
                     struct error *e);

#endif
