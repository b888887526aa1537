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

/* In the order of the name, with the short names and escapes of RFC 4514: "C=…, O=…, CN=…",
 * UTF-8; "unreadable" when the name cannot be decoded. */
char *cert_name_text(const X509_NAME *name);
char *cert_subject(const X509 *x);
char *cert_issuer(const X509 *x);

/* The last CN of the subject, else the whole subject. */
char *cert_common_name(const X509 *x);

/* Lower-case hex of the number, whole bytes, "-" before a negative one. */
char *cert_serial(const X509 *x);

/* UTC; (time_t)-1 when it cannot be read. */
time_t cert_time(const ASN1_TIME *when); /* NULL: as one that cannot be read */
time_t cert_not_before(const X509 *x);
time_t cert_not_after(const X509 *x);

/* Whole days until it expires; negative: expired so many days ago, the last of them begun. -1 too
 * when the date cannot be read. */
long cert_days_left(const X509 *x, time_t now);

/* "digital-signature, crl-signing" (RFC 5280 section 4.2.1.3) and "code-signing, 1.2.3" (section
 * 4.2.1.12; what has no word of ours by its number); "" when the extension is missing, "unreadable"
 * when it is malformed. */
char *cert_key_usage(const X509 *x);
char *cert_extended_key_usage(const X509 *x);
bool cert_for_code_signing(const X509 *x); /* has the EKU codeSigning (RFC 5280 section 4.2.1.12) */
bool cert_is_ca(const X509 *x);
bool cert_self_issued(const X509 *x);

/* "RSA-3072", "P-256", "Ed25519", …; "unknown" for NULL. */
char *cert_key_text(EVP_PKEY *key);

/* Hex of the digest over the DER certificate. Returns `out`; "" on failure. */
const char *cert_fingerprint(const X509 *x, const EVP_MD *md, char out[CERT_FINGERPRINT_SIZE]);

/* "sha256:5f…", as a profile names a certificate; and whether `text` (any case, colons allowed)
 * names `x`. */
char *cert_pin(const X509 *x);
bool cert_pin_matches(const X509 *x, const char *text);

#endif
