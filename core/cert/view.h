/* SPDX-License-Identifier: Apache-2.0 */
/* What people want to know of a certificate, as text. All strings are new, freed by the caller with
 * free(), safe to print, and NULL only when memory ran out. */
#ifndef SIGNET_CERT_VIEW_H
#define SIGNET_CERT_VIEW_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/signer.h"

enum { CERT_FINGERPRINT_SIZE = 129 }; /* hex of SHA-512 and NUL */

char *cert_subject(
    const X509 *x); /* RFC 4514 order reversed as OpenSSL's oneline: "C=…, O=…, CN=…", UTF-8 */
char *cert_issuer(const X509 *x);
char *cert_common_name(const X509 *x); /* the last CN of the subject, else the whole subject */
char *cert_serial(const X509 *x);      /* lower-case hex */
time_t cert_not_before(const X509 *x); /* (time_t)-1 when it cannot be read */
time_t cert_not_after(const X509 *x);
long cert_days_left(const X509 *x, time_t now); /* negative: expired so many days ago */

/* "digital-signature" …, comma separated; "" when the extension is missing. */
char *cert_key_usage(const X509 *x);
char *cert_extended_key_usage(const X509 *x); /* "code-signing, time-stamping, 1.2.3" */
bool cert_for_code_signing(const X509 *x); /* has the EKU codeSigning (RFC 5280 section 4.2.1.12) */
bool cert_is_ca(const X509 *x);
bool cert_self_issued(const X509 *x);

/* "RSA-3072", "P-256", "Ed25519", … */
char *cert_key_text(EVP_PKEY *key);

/* Hex of the digest over the DER certificate. Returns `out`; "" on failure. */
const char *cert_fingerprint(const X509 *x, const EVP_MD *md, char out[CERT_FINGERPRINT_SIZE]);

/* "sha256:5f…", as a profile names a certificate; and whether `text` (any case, colons allowed)
 * names `x`. */
char *cert_pin(const X509 *x);
bool cert_pin_matches(const X509 *x, const char *text);

#endif
