/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of a PKCS#12 file (RFC 7292), never its keys. For load.c alone. */
#ifndef SIGNET_CERT_PKCS12_H
#define SIGNET_CERT_PKCS12_H

#include "cert/load.h"

enum pkcs12_outcome {
    PKCS12_IS_NONE, /* these bytes are no PKCS#12; nothing is said */
    PKCS12_READ,
    PKCS12_REFUSED, /* `e` says why */
};

/* Appends its certificates to `out`, `most` at most. Its MAC is not looked at: what a certificate
 * is worth, its own signature tells. */
enum pkcs12_outcome pkcs12_read(const char *name, const uint8_t *der, size_t length,
                                struct cert_reading *reading, int most, STACK_OF(X509) * out,
                                struct error *e);

#endif
