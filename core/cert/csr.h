/* SPDX-License-Identifier: Apache-2.0 */
/* Certification requests (PKCS #10, RFC 2986) for code-signing certificates. */
#ifndef SIGNET_CERT_CSR_H
#define SIGNET_CERT_CSR_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/signer.h"

enum { CSR_FILE_MAX = 64 << 10 }; /* bytes */

struct csr_spec {
    const X509_NAME *subject;
    const char *email;     /* for the subject's alternative name; NULL: none */
    enum signer_hash hash; /* SHA-256 or SHA-384 */
};

/* True when `email` is an address as RFC 5280 section 4.2.1.6 takes it (a Mailbox of ASCII
 * characters, without quoted parts and address literals); ERROR_USAGE says what is wrong. */
bool csr_check_email(const char *email, struct error *e);

/* Makes a request for the signer's public key: with keyUsage (critical, digitalSignature),
 * extKeyUsage (codeSigning) and, where asked, subjectAltName (the e-mail address) as requested
 * extensions (RFC 2985 section 5.4.2). One signature is made, and checked before anything is
 * returned. NULL: what the signer says; ERROR_USAGE: the address; ERROR_SIGNATURE: the signature
 * does not fit the key. Freed by the caller with X509_REQ_free. */
X509_REQ *csr_build(const struct csr_spec *spec, const struct signer *signer, struct error *e);

/* Reads one request, PEM or DER; `name` stands in the messages. NULL: ERROR_FORMAT. */
X509_REQ *csr_load(const char *name, const void *bytes, size_t length, struct error *e);
X509_REQ *csr_load_file(const char *path, struct error *e);

/* The request's signature was made by the key that is in it. ERROR_SIGNATURE. */
bool csr_verify(X509_REQ *r, struct error *e);

/* Appends the request, its DER or PEM (RFC 7468 section 7). */
bool csr_encode(const X509_REQ *r, bool pem, struct buffer *out, struct error *e);

/* The digest of the request's signature as an OpenSSL number; NID_undef where it has none of its
 * own. */
int csr_digest(const X509_REQ *r);

#endif
