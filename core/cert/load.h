/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates from files and memory, in the forms that CAs and exports deliver them in: PEM
 * (several, RFC 7468), DER, PKCS#7 and CMS (RFC 2315, RFC 5652), PKCS#12 (RFC 7292), and the last
 * three in base64 without header lines.
 */
#ifndef SIGNET_CERT_LOAD_H
#define SIGNET_CERT_LOAD_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"

enum { CERT_FILE_MAX = 10 << 20 }; /* bytes */

/* What may be needed to read a file, and what else was in it. */
struct cert_reading {
    /* The password of `name`, asked for once, and only where its certificates are encrypted. NULL:
     * `e` says why there is none. The secret is freed by who asked. */
    struct secret *(*password)(void *data, const char *name, struct error *e);
    void *data;
    bool private_key; /* set where the file has one; it is never decrypted nor taken */
    bool no_pkcs12;   /* from the caller: it costs as much time as who made the bytes wants */
};

/* Appends every certificate in `bytes` to `out`, which owns them. Text around PEM blocks, blanks
 * before their lines and blocks of other kinds are passed over. ERROR_FORMAT names `name`: none in
 * it (and what it is instead), a block that is not what it says, more than CERT_FILE_MAX bytes or
 * 1,000 certificates, a password that would take hours to try; `out` is then as it was. Encrypted
 * PKCS#12 is ERROR_PIN_SOURCE without a password, or with a wrong one. `reading` may be NULL. */
bool cert_load_with(const char *name, const void *bytes, size_t length,
                    struct cert_reading *reading, STACK_OF(X509) * out, struct error *e);

/* The same without a password. */
bool cert_load(const char *name, const void *bytes, size_t length, STACK_OF(X509) * out,
               struct error *e);
bool cert_load_file(const char *path, STACK_OF(X509) * out, struct error *e);

#endif
