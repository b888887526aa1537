/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates from files and memory: PEM (several), DER, PKCS#7 (DER or PEM). */
#ifndef SIGNET_CERT_LOAD_H
#define SIGNET_CERT_LOAD_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { CERT_FILE_MAX = 4 << 20 }; /* bytes */

/* Appends every certificate in `bytes` to `out`, which owns them. Text around PEM blocks (RFC 7468)
 * and blocks of other kinds are passed over. ERROR_FORMAT names `name`: none in it, a block that is
 * not what it says, more than CERT_FILE_MAX bytes or 1,000 certificates; `out` is then as it was.
 */
bool cert_load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
               struct error *e);
bool cert_load_file(const char *path, STACK_OF(X509) * out, struct error *e);

#endif
