/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates from files and memory: PEM (several), DER, PKCS#7 (DER or PEM). */
#ifndef SIGNET_CERT_LOAD_H
#define SIGNET_CERT_LOAD_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { CERT_FILE_MAX = 4 << 20 }; /* bytes */

/* Appends every certificate in `bytes` to `out`, which owns them. ERROR_FORMAT names `name`. */
bool cert_load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
               struct error *e);
bool cert_load_file(const char *path, STACK_OF(X509) * out, struct error *e);

#endif
