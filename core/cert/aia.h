/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issuers that are not at hand, from the address in the certificate below them: Authority
 * Information Access, caIssuers (RFC 5280 section 4.2.2.1). No network in here: the caller fetches.
 */
#ifndef SIGNET_CERT_AIA_H
#define SIGNET_CERT_AIA_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"

enum {
    AIA_HOPS = 4,       /* certificates that are fetched for one chain */
    AIA_URLS = 4,       /* addresses of one certificate that are tried */
    AIA_MAX = 1 << 20,  /* bytes of one answer */
    AIA_URL_MAX = 2048, /* bytes of an address */
};

/* Appends what is at `url` (http or https) to `out`, AIA_MAX bytes at most. */
typedef bool aia_fetch(void *data, const char *url, struct buffer *out, struct error *e);

/* Address number `index` among the caIssuers of `x` that begin with http:// or https:// and have
 * only printable ASCII in them. New string, freed by the caller; NULL: there are not so many. */
char *aia_url(const X509 *x, size_t index);

/* The certificate in `bytes` (DER, PEM, or certs-only PKCS#7 or CMS; untrusted) that issued `x`, by
 * name and signature. New reference. NULL: ERROR_FORMAT, ERROR_MEMORY. */
X509 *aia_issuer(X509 *x, const void *bytes, size_t length, struct error *e);

/* Adds to `pool` what is missing between `leaf` and a root, one issuer after the other: from
 * `known` (such as the system's roots; may be NULL), else as long as certificates tell an address;
 * `*count` is how many were fetched. True: the chain is complete now. False: ERROR_MISSING says
 * which issuer could not be had, and why (ERROR_CANCELLED, ERROR_MEMORY); what was found stays in
 * the pool. */
bool aia_complete(X509 *leaf, STACK_OF(X509) * pool, X509_STORE *known, aia_fetch *fetch,
                  void *data, size_t *count, struct error *e);

#endif
