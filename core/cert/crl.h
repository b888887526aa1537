/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists (RFC 5280 section 5) from files: PEM (several, RFC 7468), or one in DER. */
#ifndef SIGNET_CERT_CRL_H
#define SIGNET_CERT_CRL_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { CERT_CRL_MAX = 64 << 20 }; /* bytes of a file: there are lists with a million entries */

/* Appends every list in `bytes` to `out`, which owns them. ERROR_FORMAT names `name`: none is in
 * it, or one cannot be read; `out` is then as it was. */
bool cert_crl_load(const char *name, const void *bytes, size_t length, STACK_OF(X509_CRL) * out,
                   struct error *e);
bool cert_crl_load_file(const char *path, STACK_OF(X509_CRL) * out, struct error *e);

#endif
